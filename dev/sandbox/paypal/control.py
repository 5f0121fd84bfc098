# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The control of PayPal's part."""

from ..common.controls import FAULTS, Control
from ..common.refusals import known, number, one_of
from . import errors, money, onboarding
from .play import Play

ACCOUNT_SETTINGS = (
    'name',
    'email',
    'country',
    'currency',
    'features',
    'standing',
    'block_duplicates',
    'pending_reason',
    'echeck_refunds',
    'balance_only',
    'email_confirmed',
    'receivable',
)
MOVEMENT_KEYS = ('id', 'type', 'amount', 'fee', 'net', 'currency', 'source')


class PayPalControl(Control, Play):
    """What a test or the demonstration tells PayPal's part, and asks it."""

    faults = (*FAULTS, 'issue')

    def __init__(self, app):
        super().__init__(app)
        self.refunds = app.refunds
        self.disputes = app.disputes

    # === READING === #

    def do_state(self):
        """Balances, fees and objects of every account, amounts in minor units."""
        return {owner.id: self._state(owner) for owner in self.store.accounts.values()}

    def _state(self, owner):
        movements = owner.all('movement')
        own = [one for one in movements if one['currency'] == owner.currency]
        return {
            'name': owner.name,
            'email': owner.email,
            'partners': owner.partners,
            'balance': sum(one['net'] for one in own),
            'balances': self.payments.balances(owner),
            'fees': sum(one['fee'] for one in own),
            'movements': [{key: one[key] for key in MOVEMENT_KEYS} for one in movements],
            'orders': [self._order(owner, one) for one in owner.all('order')],
            'captures': [self._money(one) for one in owner.all('capture')],
            'refunds': [
                {**self._money(one), 'capture': owner.note('refund')[one['id']]}
                for one in owner.all('refund')
            ],
            'disputes': [
                {
                    **{key: one[key] for key in ('dispute_id', 'status')},
                    'stage': one['dispute_life_cycle_stage'],
                    'outcome': (one.get('dispute_outcome') or {}).get('outcome_code'),
                    'capture': one['disputed_transactions'][0]['seller_transaction_id'],
                }
                for one in owner.all('dispute')
            ],
            'webhooks': [one['url'] for one in owner.all('webhook')],
            'events': len(owner.all('event')),
        }

    @staticmethod
    def _money(obj):
        """Return what there is to know about an amount of money."""
        amount = obj['amount']
        currency = amount['currency_code']
        return {
            'id': obj.get('id'),
            'status': obj.get('status'),
            'amount': money.minor(amount['value'], currency),
            'currency': currency,
            'custom_id': obj.get('custom_id'),
            'invoice_id': obj.get('invoice_id'),
        }

    def _order(self, owner, order):
        note = owner.order_note(order)
        return {
            **self._money(order['purchase_units'][0]),
            'id': order['id'],
            'status': order['status'],
            'lapsed': note['lapsed'],
            'captures': note['captures'],
            'url': f"{self.store.base}/checkoutnow?token={order['id']}",
        }

    def do_root_certificate(self):
        """The root that all genuine certificates hang from, as PEM."""
        return {'pem': self.webhooks.authority.root()}

    # === SETTINGS === #

    def do_account(self, account=None, **settings):
        """Make or change an account.

        `name`, `email`, `country`, `currency`; `clients` (client id: secret, null to forget it);
        `features` (`reporting`, `disputes`, `partner`: what its tokens are good for); `standing`
        (`''`, `restricted`, `locked`); `email_confirmed`, `receivable` of a new merchant;
        `block_duplicates` of invoice ids; `pending_reason` of every capture; `echeck_refunds`;
        `balance_only`: no refund the balance does not hold.
        """
        owner = self.store.accounts.get(account) or (None if account else self.account())
        if not owner:
            owner = self.store.make_account(account, account)
            self.store.accounts[account] = owner
        for client, secret in settings.pop('clients', {}).items():
            owner.clients[client] = secret
        known(settings, ACCOUNT_SETTINGS)
        one_of('standing', settings.get('standing', ''), ('', 'restricted', 'locked'))
        for name, value in settings.items():
            setattr(owner, name, value)
        return {'id': owner.id}

    def do_register(self, referral, how='complete'):
        """A merchant goes through the registration of a referral, as on its page.

        :return: the merchant, and where the browser is sent.
        """
        one_of('how', how, onboarding.WAYS)
        merchant, url = self.app.onboarding.fill_in(referral, how)
        return {'merchant': merchant, 'url': url}

    def do_revoke(self, account):
        """A merchant takes its consent away from every platform, in the settings of its account."""
        self.app.onboarding.revoke(self.account(account))
        return {}

    def do_settings(self, **settings):
        """How PayPal is.

        Seconds: `token_seconds` a token is good for, `order_seconds` and `approval_seconds` until
        an order lapses, `bank_delay` of e-checks (null: only by `settle`), `report_delay`;
        `percent` of the fee; `stays_approved`: an order whose funding was declined still says
        APPROVED; `denied_event`: what it is called when a pending capture comes to nothing.
        """
        store = self.store
        known(settings, store.settings)
        for name in store.settings:
            if name.endswith(('_seconds', '_delay')):
                number(name, settings.get(name) or 0)
        for name, value in settings.items():
            setattr(store, name, value)
        return {name: getattr(store, name) for name in store.settings}

    def do_revoke_tokens(self, account=None):
        """All tokens handed out so far end now."""
        self.account(account).tokens.clear()
        return {}

    def do_rotate_certificate(self):
        """Notifications are signed with a new certificate from now on."""
        return {'url': self.webhooks.certificate_url(self.webhooks.authority.rotate())}

    def do_misbehave(self, times=1, **fault):
        """The next requests go wrong, as for every provider; or `issue` is their refusal."""
        if fault.get('issue'):
            errors.described(fault['issue'])
        return super().do_misbehave(times, **fault)
