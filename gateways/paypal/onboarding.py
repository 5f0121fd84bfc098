# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's partners: a platform's application, and merchants that let it act for them.

As https://developer.paypal.com/docs/multiparty describes them. The money is the merchant's at
once, and the platform takes nothing.
"""

import dataclasses

from ..base import EMAIL, Account, Onboarding
from ..errors import GatewayAuthError, GatewayNotFound, GatewayRefused
from . import order as paypal_order
from .gateway import PayPalGateway
from .payment import readable

REFERRALS = '/v2/customer/partner-referrals'
PARTNERS = '/v1/customer/partners'
#: What the merchant is asked to let the platform do.
FEATURES = (
    'PAYMENT',
    'REFUND',
    'ACCESS_MERCHANT_INFORMATION',
    'READ_SELLER_DISPUTE',
    'ADVANCED_TRANSACTIONS_SEARCH',
)
#: PayPal takes no longer return address.
LONGEST_URL = 127


class PayPalPlatform(PayPalGateway):
    """One merchant, by the platform's application.

    :param Credentials credentials: of the platform's application, with its partner id.
    :param str api_base: the sandbox's address; the caller lets only loopback through.
    :param str account: the merchant (payer id); none yet before the registration.
    """

    # === ONBOARDING === #

    def onboarding_url(self, request):
        """`POST /v2/customer/partner-referrals`: each one gives a new link.

        PayPal names the merchant for our reference only (`tracking_id`).
        """
        for url in (request.return_url, request.refresh_url):
            if len(url) > LONGEST_URL:
                raise GatewayRefused("The address of this Odoo is too long.", 'url_too_long')
        body = _referral(request)
        try:
            answer = self._client.call('POST', REFERRALS, body=body)
        except GatewayRefused as error:
            if not (body := paypal_order.without_email(body, error)):
                raise
            answer = self._client.call('POST', REFERRALS, body=body)
        with readable():
            links = {link['rel']: link['href'] for link in answer.get('links') or ()}
        return Onboarding(url=paypal_order.own_url(links.get('action_url') or '', self._api_base))

    def finish_onboarding(self, reference, currency=''):
        """`GET …/merchant-integrations?tracking_id=`, then what that merchant may do."""
        answer = self._client.call('GET', self._merchants(), query={'tracking_id': reference})
        with readable():
            merchant = paypal_order.object_id(answer.get('merchant_id'))
        return self._of(merchant).check_account(currency)

    def check_account(self, currency=''):
        """`GET …/merchant-integrations/{id}`; whether money arrives is tried by an order.

        :raise GatewayAuthError: `consent_revoked`.
        """
        status = self._merchant_status()
        with readable():
            missing = [
                name
                for name in ('primary_email_confirmed', 'payments_receivable')
                if not status.get(name)
            ]
            name, email = status.get('legal_name'), status.get('primary_email')
        if missing:
            return Account(
                id=self._account,
                name=name or '',
                email=email or '',
                country='',
                currency='',
                test_mode=self.test_mode,
                can_charge=False,
                can_pay_out=False,
                missing=tuple(missing),
            )
        account = super().check_account(currency)
        return dataclasses.replace(
            account,
            id=self._account,
            name=name or account.name,
            email=email or account.email,
        )

    def _merchant_status(self):
        """Return what PayPal knows about the merchant's relation to the platform.

        :raise GatewayAuthError: `consent_revoked`.
        """
        if not self._account:
            raise GatewayNotFound("There is no merchant yet.", 'no_account')
        path = f'{self._merchants()}/{paypal_order.object_id(self._account)}'
        try:
            status = self._client.call('GET', path)
        except GatewayNotFound as error:
            raise _revoked(error.request_id) from None
        with readable():
            if not self._granted(status):
                raise _revoked()
        return status

    def _of(self, merchant):
        """Return the same gateway for another merchant."""
        return type(self)(self._credentials, api_base=self._api_base, account=merchant)

    def _merchants(self):
        partner = paypal_order.object_id(self._credentials.partner_id)
        return f'{PARTNERS}/{partner}/merchant-integrations'

    def _granted(self, status):
        """Tell whether the merchant still lets our application act for it."""
        return any(
            party.get('partner_client_id') == self._credentials.key and party.get('scopes')
            for integration in status.get('oauth_integrations') or ()
            if integration.get('status', 'A') == 'A'
            for party in integration.get('oauth_third_party') or ()
        )

    # === EVENTS === #

    def list_events(self, since):
        """PayPal lists those of all merchants of an application: keep this one's."""
        return (one for one in super().list_events(since) if one.account_id == self._account)


def _revoked(request_id=''):
    return GatewayAuthError(
        "The merchant does not let the platform act for it.", 'consent_revoked', request_id
    )


def _referral(request):
    """Return the body of a referral: what we ask the merchant for, and where it comes back."""
    body = {
        'tracking_id': request.reference,
        'partner_config_override': {
            'return_url': request.return_url,
            'action_renewal_url': request.refresh_url,
        },
        'operations': [
            {
                'operation': 'API_INTEGRATION',
                'api_integration_preference': {
                    'rest_api_integration': {
                        'integration_method': 'PAYPAL',
                        'integration_type': 'THIRD_PARTY',
                        'third_party_details': {'features': list(FEATURES)},
                    }
                },
            }
        ],
        'products': ['EXPRESS_CHECKOUT'],
        'legal_consents': [{'type': 'SHARE_DATA_CONSENT', 'granted': True}],
    }
    # PayPal refuses empty values.
    if EMAIL.fullmatch(request.email):
        body['email'] = request.email
    if code := paypal_order.locale(request.locale):
        body['preferred_language_code'] = code
    return body
