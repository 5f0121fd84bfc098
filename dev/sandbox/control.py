# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The control of the sandbox: `/_sandbox/…`, JSON in and out."""

import json

from werkzeug.wrappers import Response

from . import errors
from .store import Account


class Control:
    """What a test or the demonstration tells the sandbox, and asks it."""

    def __init__(self, app):
        self.app = app
        self.world = app.world
        self.payments = app.payments
        self.webhooks = app.webhooks

    def answer(self, request):
        """Answer one request of the control."""
        name = request.path.removeprefix('/_sandbox/').replace('/', '_')
        handler = getattr(self, f'do_{name}', None)
        if not handler:
            return self._json({'error': f"no such control: {name}"}, 404)
        values = request.get_json(silent=True) or {} if request.method == 'POST' else {}
        try:
            with self.world.lock:
                return self._json(handler(**values))
        except errors.StripeError as error:
            return self._json({'error': error.body}, error.status)

    @staticmethod
    def _json(data, status=200):
        return Response(json.dumps(data), status=status, mimetype='application/json')

    def _account(self, account=None):
        return self.world.accounts[account or 'acct_sandbox']

    # === READING === #

    def do_state(self):
        """Balances, fees and counts of every account, amounts in minor units."""
        return {
            owner.id: {
                'name': owner.name,
                'balance': sum(m['net'] for m in owner.all('balance_transaction')),
                'fees': sum(m['fee'] for m in owner.all('balance_transaction')),
                'charges': [
                    {key: c[key] for key in ('id', 'amount', 'status', 'balance_transaction')}
                    for c in owner.all('charge')
                ],
                'sessions': [
                    {
                        key: s[key]
                        for key in ('id', 'status', 'payment_status', 'client_reference_id', 'url')
                    }
                    for s in owner.all('checkout.session')
                ],
                'webhooks': [w['url'] for w in owner.all('webhook_endpoint')],
                'events': len(owner.all('event')),
            }
            for owner in self.world.accounts.values()
        }

    def do_requests(self, clear=False):
        """The requests received on the API, with their answers."""
        found = list(self.world.requests)
        if clear:
            self.world.requests.clear()
        return found

    def do_outbox(self):
        """The notifications held back, which are then forgotten."""
        held, self.world.outbox = self.world.outbox, []
        return held

    def do_idle(self):
        """Whether all notifications are delivered."""
        return {'idle': self.webhooks.idle()}

    # === ACCOUNTS === #

    def do_account(self, account, name=None, currency='eur', country='FR', **settings):
        """Make or change an account: `charges_enabled`, `missing`, `keys`."""
        owner = self.world.accounts.get(account)
        if not owner:
            owner = Account(account, name or account, country, currency)
            self.world.accounts[account] = owner
        owner.currency = currency
        owner.keys.update(settings.pop('keys', {}))
        for setting in ('charges_enabled', 'missing'):
            if setting in settings:
                setattr(owner, setting, settings[setting])
        return {'id': owner.id}

    def do_reset(self):
        """Forget everything."""
        self.world.reset()
        return {}

    # === MISBEHAVIOUR === #

    def do_misbehave(self, times=1, **fault):
        """The next requests go wrong: `timeout` seconds, `status`, `drop`, `executed`.

        `path` and `method` say which ones; `executed` with `status` does the work and then
        answers with the error.
        """
        self.world.faults.append({**fault, 'left': times})
        return {}

    def do_webhooks(self, **settings):
        """`mode` on, off or held; `copies`, `shuffle`, `delay` seconds."""
        self.world.webhooks.update(settings)
        return self.world.webhooks

    def do_fees(self, delay=None):
        """Seconds until a charge's fee is known; null: only by `release_fees`."""
        self.world.fee_delay = delay
        return {}

    # === WHAT HAPPENS === #

    def do_pay(self, session, method='card'):
        """Pay a checkout without a browser."""
        account, checkout = self._session(session)
        return {'back': self.payments.confirm(account, checkout, method)}

    def do_settle(self, session=None, succeed=None, account=None):
        """The bank answers for one delayed payment, or for all."""
        if session:
            owner, checkout = self._session(session)
            self.payments.settle(owner, checkout, succeed)
            return {'settled': 1}
        owner = self._account(account)
        waiting = [
            s
            for s in owner.all('checkout.session')
            if s['payment_intent']
            and owner.get('payment_intent', s['payment_intent'])['status'] == 'processing'
        ]
        for checkout in waiting:
            self.payments.settle(owner, checkout, succeed)
        return {'settled': len(waiting)}

    def _session(self, session_id):
        account, session = self.world.find('checkout.session', session_id)
        if not session:
            raise errors.no_such('checkout session', session_id)
        return account, session

    def do_release_fees(self, account=None):
        """All fees become known now."""
        self.payments.release_fees(self._account(account))
        return {}

    def do_refund(self, charge, amount=None):
        """A refund at the dashboard."""
        account, paid = self.world.find('charge', charge)
        return self.payments.refund(account, paid, {'amount': amount} if amount else {})

    def do_payout(self, account=None):
        """Pay the whole balance out."""
        return self.payments.pay_out(self._account(account))

    def do_expire(self, session):
        """A checkout lapses now."""
        self.payments.expire(*self._session(session))
        return {}

    def do_redeliver(self, times=1, shuffle=True, account=None):
        """All events again, each one several times at once and in random order."""
        owner = self._account(account)
        events = owner.all('event')
        self.webhooks.deliver(owner, events, times, shuffle)
        return {'events': len(events)}
