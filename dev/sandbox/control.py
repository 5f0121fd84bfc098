# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The control of the sandbox: `/_sandbox/…`, JSON in and out."""

import json

from werkzeug.wrappers import Response

from . import errors, stripe_objects
from .control_play import Play
from .store import Account, clock

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
    'platform',
)
FAULTS = (
    'path',
    'method',
    'status',
    'timeout',
    'drop',
    'executed',
    'busy',
    'text',
    'headers',
)
CHARGE_KEYS = ('id', 'amount', 'amount_refunded', 'status', 'payment_intent', 'balance_transaction')


def number(name, value, kind=(int, float)):
    """Refuse what is no number: it would make every later request fail.

    :raise StripeError: it is none, or negative.
    """
    if not isinstance(value, kind) or isinstance(value, bool) or value < 0:
        raise errors.invalid(name, f"Invalid {name}: {value!r}")


class Control(Play):
    """What a test or the demonstration tells the sandbox, and asks it.

    Every `do_…` is one control; its parameters are the keys of the JSON body, or of the query of
    a GET, where all values are text.
    """

    def __init__(self, app):
        self.world = app.world
        self.payments = app.payments
        self.disputes = app.disputes
        self.webhooks = app.webhooks

    def answer(self, request):
        """Answer one request of the control."""
        name = request.path.removeprefix('/_sandbox/').strip('/').replace('/', '_')
        handler = getattr(self, f'do_{name}', None)
        if not handler:
            return self._json({'error': f"no such control: {name}"}, 404)
        values = request.args.to_dict()
        if request.method == 'POST':
            values = request.get_json(silent=True) or {}
        try:
            with self.world.lock:
                self.payments.run_due()
                return self._json(handler(**values))
        except errors.StripeError as error:
            return self._json({'error': error.body}, error.status)
        except TypeError as error:
            return self._json({'error': str(error)}, 400)

    @staticmethod
    def _json(data, status=200):
        return Response(json.dumps(data), status=status, mimetype='application/json')

    def account(self, account=None):
        """Return an account, the first one without an id.

        :raise StripeError: there is none.
        """
        owner = self.world.accounts.get(account or 'acct_sandbox')
        if not owner:
            raise errors.no_such('account', account, 'account')
        return owner

    def find(self, kind, object_id):
        """Return an object and its account.

        :raise StripeError: there is none.
        """
        account, obj = self.world.find(kind, object_id)
        if not obj:
            raise errors.no_such(kind, object_id)
        return account, obj

    # === READING === #

    def do_state(self):
        """Balances, fees and objects of every account, amounts in minor units."""
        return {owner.id: self._state(owner) for owner in self.world.accounts.values()}

    @staticmethod
    def _state(owner):
        movements = owner.all('balance_transaction')
        return {
            'name': owner.name,
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
            'webhooks': [w['url'] for w in owner.all('webhook_endpoint')],
            'events': len(owner.all('event')),
        }

    def do_requests(self, clear=False):
        """The requests received on the API, oldest first, with their answers."""
        found = list(self.world.requests)
        if clear:
            self.world.requests.clear()
        return found

    def do_events(self, account=None):
        """All events of an account, oldest first."""
        return self.account(account).all('event')

    def do_outbox(self):
        """The notifications held back (url, headers, body), which are then forgotten."""
        held, self.world.outbox = self.world.outbox, []
        return held

    def do_deliveries(self):
        """The deliveries tried, oldest first: event, url, status of the answer, 0 for none."""
        return list(self.world.deliveries)

    def do_idle(self):
        """Whether all notifications are delivered or given up; how many calls hold a key."""
        return {'idle': self.webhooks.idle(), 'in_flight': len(self.world.in_flight)}

    # === ACCOUNTS === #

    def do_account(self, account, **settings):
        """Make or change an account.

        `name`, `email`, `country`, `currency`, `charges_enabled`, `missing` (what Stripe still
        asks for), `keys` (key: full, restricted or revoked), `platform` (whose keys may act for
        it).
        """
        owner = self.world.accounts.get(account)
        if not owner:
            owner = Account(account, account)
            self.world.accounts[account] = owner
        owner.keys.update(settings.pop('keys', {}))
        for name, value in settings.items():
            if name not in ACCOUNT_SETTINGS:
                raise errors.unknown(name)
            setattr(owner, name, value)
        self.webhooks.emit(owner, 'account.updated', stripe_objects.account(owner))
        return {'id': owner.id}

    def do_reset(self):
        """Forget everything."""
        self.webhooks.forget()
        self.world.reset()
        return {}

    def do_roll_secret(self, webhook, keep_old=True):
        """Give an endpoint a new secret; the old one is used beside it or not."""
        owner, _endpoint = self.find('webhook_endpoint', webhook)
        secrets = owner.note('secrets')[webhook]
        new = f"whsec_{self.world.new_id('rolled')}"
        owner.note('secrets')[webhook] = [new, secrets[0]] if keep_old else [new]
        return {'secret': new}

    # === MISBEHAVIOUR === #

    def do_misbehave(self, times=1, **fault):
        """The next requests go wrong.

        `path` (its beginning) and `method` say which ones. `status` is answered without doing
        anything, `timeout` seconds pass first, `drop` closes the connection; with `executed` the
        work is done before all that, and the failure is kept for its idempotency key. `busy`
        seconds pass while others find the key in use. `text` replaces the body, `headers` are
        added.
        """
        for name in fault:
            if name not in FAULTS:
                raise errors.unknown(name)
        number('times', times, int)
        for name in ('status', 'timeout', 'busy'):
            number(name, fault.get(name) or 0)
        self.world.faults.append({**fault, 'left': times})
        return {}

    def do_behave(self):
        """Nothing goes wrong any more."""
        self.world.behave()
        self.world.webhooks.update(mode='on', copies=1, shuffle=False, delay=0.0, drop=0)
        return {}

    def do_webhooks(self, **settings):
        """`mode` on, off or held; `copies`, `shuffle`, `delay` seconds, `drop` the next ones."""
        for name in settings:
            if name not in self.world.webhooks:
                raise errors.unknown(name)
        if settings.get('mode', 'on') not in ('on', 'off', 'held'):
            raise errors.invalid('mode', "Invalid mode: must be one of on, off, held")
        for name, kind in (('copies', int), ('drop', int), ('delay', (int, float))):
            number(name, settings.get(name, 0), kind)
        self.world.webhooks.update(settings)
        return self.world.webhooks

    def do_fees(self, delay=None):
        """Seconds until a charge's fee is known; null: only by `release_fees`."""
        number('delay', delay or 0)
        self.world.fee_delay = delay
        return {}

    def do_banks(self, delay=None):
        """Seconds until the bank answers for a SEPA debit; null: only by `settle`."""
        number('delay', delay or 0)
        self.world.bank_delay = delay
        return {}

    def do_rates(self, **rates):
        """Rates into the settlement currency, as text: `{'usd': '0.92'}`."""
        self.world.rates.update(rates)
        return {}

    def do_advance(self, seconds):
        """Let time pass: sessions lapse, fees become known."""
        number('seconds', seconds)
        clock.ahead += seconds
        self.payments.run_due()
        return {'now': self.world.now()}
