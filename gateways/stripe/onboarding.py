# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe Connect: a platform's key, and accounts that are the merchants' own.

As https://docs.stripe.com/connect describes accounts with a full dashboard. Payments are direct
charges: the merchant pays Stripe's commission and bears nothing of the platform's, which takes
nothing.
"""

import hashlib
import re
from urllib.parse import urlsplit

from .. import base
from ..errors import GatewayAuthError, GatewayNotFound, GatewayRefused
from . import events as stripe_events
from .client import ReplayedFailure, StripeClient, readable
from .gateway import NEW_KEYS, WITHOUT_EMAIL, StripeGateway, refused_email

#: Codes of an account that the platform does not reach (any more).
LOST = ('account_invalid', 'platform_account_required')
#: Where companies register as French ones.
OVERSEAS = ('GF', 'GP', 'MQ', 'RE', 'YT')
#: Who is responsible for what: nothing is the platform's.
CONTROLLER = {
    'fees': {'payer': 'account'},
    'losses': {'payments': 'stripe'},
    'requirement_collection': 'stripe',
    'stripe_dashboard': {'type': 'full'},
}


class StripePlatform(StripeGateway):
    """One connected account, by the platform's key.

    :param Credentials credentials: the platform's secret key, its endpoint's secrets.
    :param str api_base: the sandbox's address; the caller lets only loopback through.
    :param str account: the connected account; none yet before its registration.
    """

    endpoint_values = {
        'enabled_events': list(stripe_events.PLATFORM_EVENT_TYPES),
        # Notified of what happens at the connected accounts.
        'connect': True,
    }

    def __init__(self, credentials, *, api_base=None, account=None):
        super().__init__(credentials, api_base=api_base, account=account)
        self._account = account or ''
        self._api_base = api_base
        self._registrar = StripeClient(credentials.key, api_base)

    def check_account(self, currency=''):
        """`GET /v1/account` of the connected account, never of the platform itself.

        An account whose registration was left half-way may be charged nothing.
        """
        if not self._account:
            raise GatewayNotFound("There is no account yet.", 'no_account')
        return super().check_account(currency)

    # === ONBOARDING === #

    @readable()
    def onboarding_url(self, request):
        """`POST /v1/account_links` for the account, which `POST /v1/accounts` makes once.

        The link is good for a few minutes and one visit: it is neither kept nor sent.
        """
        account_id = self._account or self._create_account(request)
        try:
            link = self._registrar.call(
                lambda v1: v1.account_links.create,
                {
                    'account': account_id,
                    'type': 'account_onboarding',
                    'return_url': request.return_url,
                    'refresh_url': request.refresh_url,
                    # Everything at once, rather than a second time later.
                    'collection_options': {'fields': 'eventually_due'},
                },
            )
        except GatewayRefused as error:
            if error.code in LOST or isinstance(error, GatewayNotFound):
                raise GatewayAuthError(error.message, 'account_invalid', error.request_id) from None
            raise
        return base.Onboarding(url=_own_url(link['url'], self._api_base), account_id=account_id)

    def _create_account(self, request):
        """Make the account, of which Stripe's pages ask whatever is not given here."""
        params = {
            'controller': CONTROLLER,
            'metadata': {'odoo_reference': request.reference[:500]},
        }
        if base.EMAIL.fullmatch(request.email):
            params['email'] = request.email
        if request.country:
            params['country'] = 'FR' if request.country in OVERSEAS else request.country
        if request.company.strip():
            params['business_profile'] = {'name': request.company.strip()[:250]}
        # The same key with other values would be refused for a day.
        values = '-'.join((request.email, request.country, request.company))
        key = f'{request.reference}-{_fingerprint(values)}'
        try:
            return self._post_account(params, key)
        except GatewayRefused as error:
            if not refused_email(error, params, 'email'):
                raise
            del params['email']
            return self._post_account(params, f'{key}-{WITHOUT_EMAIL}')

    @readable()
    def _post_account(self, params, key):
        """Make the account, under further keys when Stripe repeats a failure saved for one.

        :return: its id.
        """
        for number in range(NEW_KEYS + 1):
            try:
                account = self._registrar.call(
                    lambda v1: v1.accounts.create,
                    params,
                    idempotency_key=f'{key}-{number}' if number else key,
                )
                return account['id']
            except ReplayedFailure as error:
                failure = error
        raise failure

    def finish_onboarding(self, reference, currency=''):
        """`GET /v1/account`: coming back from Stripe's pages does not mean to have finished."""
        return self.check_account(currency)


def _fingerprint(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _own_url(url, api_base=None):
    """Return an address of Stripe's own, so that people may be sent there.

    :raise GatewayRefused: it leads to somebody else.
    """
    address = r'https://([a-z0-9-]+\.)*stripe\.com(:443)?'
    if api_base:
        address = rf'https?://{re.escape(urlsplit(api_base).hostname)}(:[0-9]+)?'
    if not re.fullmatch(rf'{address}([/?#][!-\[\]-~]*)?', url):
        raise GatewayRefused("Stripe gave no link of its own.", 'no_link')
    return url
