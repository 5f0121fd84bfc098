# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The control of Stripe's part."""

from ..common.controls import Control
from ..common.refusals import known, number, one_of
from . import objects
from . import onboarding as registration
from .play import Play

SESSION_KEYS = (
    'id',
    'status',
    'payment_status',
    'client_reference_id',
    'payment_intent',
    'amount_total',
    'currency',
    'url',
)
ACCOUNT_SETTINGS = (
    'name',
    'email',
    'country',
    'currency',
    'charges_enabled',
    'missing',
    'payout_schedule',
    'platform',
)
CHARGE_KEYS = ('id', 'amount', 'amount_refunded', 'status', 'payment_intent', 'balance_transaction')


class StripeControl(Control, Play):
    """What a test or the demonstration tells Stripe's part, and asks it."""

    def __init__(self, app):
        super().__init__(app)
        self.disputes = app.disputes
        self.payouts = app.payouts

    # === READING === #

    def do_state(self):
        """Balances, fees and objects of every account, amounts in minor units."""
        return {owner.id: self._state(owner) for owner in self.store.accounts.values()}

    @staticmethod
    def _state(owner):
        movements = owner.all('balance_transaction')
        return {
            'name': owner.name,
            'platform': owner.platform,
            'email': owner.email,
            'controller': owner.controller,
            'balance': sum(movement['net'] for movement in movements),
            'fees': sum(movement['fee'] for movement in movements),
            'movements': [
                {key: movement[key] for key in ('id', 'type', 'amount', 'fee', 'net', 'source')}
                for movement in movements
            ],
            'charges': [{key: c[key] for key in CHARGE_KEYS} for c in owner.all('charge')],
            'sessions': [
                {key: s[key] for key in SESSION_KEYS} for s in owner.all('checkout.session')
            ],
            'refunds': [
                {key: r[key] for key in ('id', 'charge', 'amount', 'status')}
                for r in owner.all('refund')
            ],
            'disputes': [
                {key: d[key] for key in ('id', 'charge', 'amount', 'status')}
                for d in owner.all('dispute')
            ],
            'webhooks': [w['url'] for w in owner.all('webhook_endpoint')],
            'events': len(owner.all('event')),
        }

    # === ACCOUNTS === #

    def do_account(self, account, **settings):
        """Make or change an account.

        `name`, `email`, `country`, `currency`, `charges_enabled`, `missing` (what Stripe still
        asks for), `payout_schedule` (as in Stripe's settings), `keys` (key: full, restricted or
        revoked), `platform` (whose keys may act for it).
        """
        owner = self.store.accounts.get(account)
        if not owner:
            owner = self.store.make_account(account, account)
            self.store.accounts[account] = owner
        owner.keys.update(settings.pop('keys', {}))
        known(settings, ACCOUNT_SETTINGS)
        for name, value in settings.items():
            setattr(owner, name, value)
        self.webhooks.emit(owner, 'account.updated', objects.account(owner))
        return {'id': owner.id}

    def do_register(self, account, how='complete'):
        """A merchant goes through the registration: `complete`, `partial` or `leave`."""
        one_of('how', how, registration.WAYS)
        self.app.onboarding.fill_in(self.account(account), how)
        return {}

    def do_deauthorize(self, account):
        """A merchant takes the platform's access away, in the settings of the account."""
        self.app.onboarding.deauthorize(self.account(account))
        return {}

    def do_authorize(self, account, platform):
        """A merchant lets a platform act for the account."""
        self.account(account).platform = self.account(platform).id
        return {}

    def do_roll_secret(self, webhook, keep_old=True):
        """Give an endpoint a new secret; the old one is used beside it or not."""
        owner, _endpoint = self.find('webhook_endpoint', webhook)
        secrets = owner.note('secrets')[webhook]
        new = f"whsec_{self.store.new_id('rolled')}"
        owner.note('secrets')[webhook] = [new, secrets[0]] if keep_old else [new]
        return {'secret': new}

    # === DELAYS === #

    def do_fees(self, delay=None):
        """Seconds until a charge's fee is known; null: only by `release_fees`."""
        number('delay', delay or 0)
        self.store.fee_delay = delay
        return {}

    def do_banks(self, delay=None):
        """Seconds until the bank answers for a SEPA debit; null: only by `settle`."""
        number('delay', delay or 0)
        self.store.bank_delay = delay
        return {}
