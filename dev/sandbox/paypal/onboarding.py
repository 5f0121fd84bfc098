# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Merchants who let a platform act for them: the page they agree on, and taking it back."""

import secrets
from html import escape
from urllib.parse import urlencode

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ..common import pages
from ..common.refusals import Refusal
from .approval_page import STYLE
from .store import new_id

PAGES = '/bizsignup/partner/entry'
#: Letters of a merchant's id.
LETTERS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
WAYS = ('complete', 'unconfirmed', 'refuse')
BUTTONS = {
    'complete': "Agree and connect",
    'unconfirmed': "Agree, but leave the e-mail address unconfirmed",
    'refuse': "Go back without agreeing",
}


class Onboarding:
    """Registers merchants at PayPal. The caller holds the store's lock."""

    def __init__(self, store, webhooks):
        self.store = store
        self.webhooks = webhooks

    def refer(self, partner, body):
        """Remember a platform's referral.

        :param PayPalAccount partner: whose token was used.
        :param dict body: checked.
        :return: its id, and its page.
        """
        referral_id = new_id(32)
        partner.note('referral')[referral_id] = body
        return referral_id, f'{self.store.base}{PAGES}?referralToken={referral_id}'

    def _find(self, referral_id):
        for partner in self.store.accounts.values():
            if body := partner.note('referral').get(referral_id):
                return partner, body
        return None, None

    def page(self, request):
        """Answer a visit of a referral's page, and what is pressed on it."""
        referral_id = request.args.get('referralToken')
        partner, body = self._find(referral_id)
        if not partner:
            raise NotFound()
        if request.method != 'POST':
            lang = pages.language(body.get('preferred_language_code'))
            title = "Connect with PayPal"
            return Response(
                pages.page(
                    lang,
                    f'<h1>{title}</h1><p class="merchant">{escape(partner.name)}</p>'
                    f'<p class="label">{escape(body.get("email", ""))}</p>'
                    f'<form method="post">{pages.buttons(BUTTONS, "complete")}</form>',
                    title,
                    STYLE,
                ),
                mimetype='text/html',
            )
        _merchant, url = self.fill_in(referral_id, request.form.get('method', 'complete'))
        return Response(status=303, headers={'Location': url})

    def fill_in(self, referral_id, how):
        """Do what a merchant does on the page.

        :param str how: one of `WAYS`.
        :return: the merchant's id, '' for none, and where the browser is sent.
        """
        partner, body = self._find(referral_id)
        if not partner:
            raise Refusal(404, f"No such referral: {referral_id}")
        url = body.get('partner_config_override', {}).get('return_url', '')
        tracking_id = body.get('tracking_id', '')
        if how == 'refuse':
            return '', f'{url}?{urlencode({"merchantId": tracking_id})}'
        merchant = self._merchant(partner, body)
        merchant.email_confirmed = how == 'complete'
        resource = {
            'merchant_id': merchant.id,
            'partner_client_id': next(iter(partner.clients)),
            'tracking_id': tracking_id,
        }
        self.webhooks.emit(merchant, 'MERCHANT.ONBOARDING.COMPLETED', resource)
        values = {
            'merchantId': tracking_id,
            'merchantIdInPayPal': merchant.id,
            'permissionsGranted': 'true',
            'consentStatus': 'true',
            'isEmailConfirmed': str(merchant.email_confirmed).lower(),
            'accountStatus': 'BUSINESS_ACCOUNT',
        }
        return merchant.id, f'{url}?{urlencode(values)}'

    def _merchant(self, partner, body):
        """Return who registers: whoever did under the same tracking id, else somebody new."""
        tracking_id = body.get('tracking_id', '')
        merchant = next(
            (
                one
                for one in self.store.accounts.values()
                for consent in (one.partners.get(partner.id), one.note('revoked').get(partner.id))
                if consent and consent['tracking_id'] == tracking_id
            ),
            None,
        )
        if not merchant:
            merchant_id = ''.join(secrets.choice(LETTERS) for _letter in range(13))
            merchant = self.store.make_account(merchant_id, f"Merchant {merchant_id}")
            merchant.email = body.get('email') or merchant.email
            self.store.accounts[merchant.id] = merchant
        merchant.note('revoked').pop(partner.id, None)
        merchant.partners[partner.id] = {
            'tracking_id': tracking_id,
            'client_id': next(iter(partner.clients)),
        }
        return merchant

    def revoke(self, merchant):
        """Take the merchant's consent back: the platforms are notified, and may do nothing more."""
        self.webhooks.emit(
            merchant, 'MERCHANT.PARTNER-CONSENT.REVOKED', {'merchant_id': merchant.id}
        )
        merchant.note('revoked').update(merchant.partners)
        merchant.partners = {}
