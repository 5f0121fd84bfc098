# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Referrals of merchants by a platform, and how far each one has come."""

from . import errors, objects, schema
from .call import URI

PARTNERS = '/v1/customer/partners'
#: What a merchant lets a platform do -> what its tokens may then do for it.
SCOPES = (
    'payments/realtimepayment',
    'payments/refund',
    'customer/merchant-integrations/read',
    'disputes/read-seller',
    'reporting/search/read',
)


class PartnerCalls:
    """Answers calls to `/v2/customer/partner-referrals` and `/v1/customer/partners`.

    The caller holds the store's lock.
    """

    def __init__(self, app):
        self.store = app.store
        self.onboarding = app.onboarding

    def refer(self, account, call):
        """Answer `POST /v2/customer/partner-referrals`."""
        call.need('customer/partner-referrals/readwrite')
        problems = schema.check(
            call.body, schema.REFERRAL, descriptions=errors.REFERRAL_DESCRIPTIONS
        )
        if problems:
            raise errors.PayPalError(400, problems)
        referral_id, url = self.onboarding.refer(account, call.body)
        own = f'{self.store.base}/v2/customer/partner-referrals/{referral_id}'
        links = [objects.link(own), objects.link(url, 'action_url')]
        return 201, {'links': links}

    def find(self, account, call, partner):
        """Answer `GET …/merchant-integrations?tracking_id=`."""
        self._check(account, call, partner)
        tracking_id = call.args.get('tracking_id')
        for merchant in reversed(self.store.accounts.values()):
            if merchant.partners.get(account.id, {}).get('tracking_id') == tracking_id:
                own = f'{self.store.base}{PARTNERS}/{partner}/merchant-integrations/{merchant.id}'
                return 200, {'merchant_id': merchant.id, 'links': [objects.link(own)]}
        raise errors.unknown_resource()

    def status(self, account, call, partner, merchant):
        """Answer `GET …/merchant-integrations/{merchant_id}`."""
        self._check(account, call, partner)
        found = self.store.accounts.get(merchant)
        consent = found and (
            found.partners.get(account.id) or found.note('revoked').get(account.id)
        )
        if not consent:
            raise errors.unknown_resource()
        granted = account.id in found.partners
        party = {
            'partner_client_id': consent['client_id'],
            'scopes': [f'{URI}/{scope}' for scope in SCOPES],
        }
        return 200, {
            'merchant_id': found.id,
            'tracking_id': consent['tracking_id'],
            'legal_name': found.name,
            'primary_email': found.email,
            'primary_email_confirmed': found.email_confirmed,
            'payments_receivable': found.receivable,
            'products': [{'name': 'EXPRESS_CHECKOUT', 'status': 'ACTIVE'}],
            'granted_permissions': [],
            'oauth_integrations': [
                {
                    'integration_type': 'OAUTH_THIRD_PARTY',
                    'integration_method': 'PAYPAL',
                    'oauth_third_party': [party],
                }
            ]
            if granted
            else [],
        }

    @staticmethod
    def _check(account, call, partner):
        call.need('customer/partner')
        if partner != account.id:
            raise errors.bad_request("Not your merchants", '', 'AUTHORIZATION_ERROR', 403)
