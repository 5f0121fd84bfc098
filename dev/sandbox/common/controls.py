# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the control of every provider has: `/_sandbox/…`, JSON in and out."""

import json

from werkzeug.wrappers import Response

from .refusals import Refusal, known, number, one_of

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


class Control:
    """What a test or the demonstration tells the sandbox, and asks it.

    Every `do_…` is one control; its parameters are the keys of the JSON body, or of the query of
    a GET, where all values are text.

    :param app: the provider's application.
    """

    faults = FAULTS

    def __init__(self, app):
        self.app = app
        self.store = app.store
        self.webhooks = app.webhooks
        self.payments = app.payments

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
            with self.store.lock:
                self.payments.run_due()
                return self._json(handler(**values))
        except Refusal as error:
            return self._json({'error': error.body}, error.status)
        except TypeError as error:
            return self._json({'error': str(error)}, 400)

    @staticmethod
    def _json(data, status=200):
        return Response(json.dumps(data), status=status, mimetype='application/json')

    def account(self, account=None):
        """Return an account, the first one without an id.

        :raise Refusal: there is none.
        """
        if not account:
            return next(iter(self.store.accounts.values()))
        if account not in self.store.accounts:
            raise Refusal(404, f"No such account: {account}")
        return self.store.accounts[account]

    def find(self, kind, object_id):
        """Return an object and its account.

        :raise Refusal: there is none.
        """
        account, obj = self.store.find(kind, object_id)
        if not obj:
            raise Refusal(404, f"No such {kind}: {object_id}")
        return account, obj

    # === READING === #

    def do_addresses(self):
        """Where each provider is: name -> address."""
        return self.app.providers.addresses()

    def do_requests(self, clear=False):
        """The requests received on the API, oldest first, with their answers."""
        found = list(self.store.requests)
        if clear:
            self.store.requests.clear()
        return found

    def do_events(self, account=None):
        """All events of an account, oldest first."""
        return self.account(account).all('event')

    def do_outbox(self):
        """The notifications held back (url, headers, body), which are then forgotten."""
        held, self.store.outbox = self.store.outbox, []
        return [request for _job, request in held]

    def do_deliveries(self):
        """The deliveries tried, oldest first: event, url, status of the answer, 0 for none."""
        return list(self.store.deliveries)

    def do_idle(self):
        """Whether all notifications are delivered or given up; how many calls are under way."""
        return {'idle': self.webhooks.idle(), 'in_flight': len(self.store.in_flight)}

    # === EVERYTHING === #

    def do_reset(self):
        """Forget everything, at all providers."""
        self.app.providers.reset()
        return {}

    def do_snapshot(self):
        """Remember how everything is, at all providers: one snapshot, the last one."""
        self.app.providers.snapshot()
        return {}

    def do_restore(self):
        """Make everything as it was at the snapshot, at all providers, any number of times."""
        if not self.app.providers.kept:
            raise Refusal(400, "There is no snapshot.")
        self.app.providers.roll_back()
        return {}

    def do_advance(self, seconds):
        """Let time pass at all providers: checkouts lapse, fees become known."""
        number('seconds', seconds)
        self.app.providers.advance(seconds)
        return {'now': self.store.now()}

    def do_rates(self, **rates):
        """Rates into the settlement currency, as text: `{'usd': '0.92'}`."""
        self.store.rates.update(rates)
        return {}

    # === MISBEHAVIOUR === #

    def do_misbehave(self, times=1, **fault):
        """The next requests go wrong.

        `path` (its beginning) and `method` say which ones. `status` is answered without doing
        anything, `timeout` seconds pass first, `drop` closes the connection; with `executed` the
        work is done before all that. `busy` seconds pass while others find the work under way.
        `text` replaces the body, `headers` are added.
        """
        known(fault, self.faults)
        number('times', times, int)
        for name in ('status', 'timeout', 'busy'):
            number(name, fault.get(name) or 0)
        self.store.faults.append({**fault, 'left': times})
        return {}

    def do_behave(self):
        """Nothing goes wrong any more."""
        self.store.behave()
        self.store.webhooks.update(mode='on', copies=1, shuffle=False, delay=0.0, drop=0)
        return {}

    # === NOTIFICATIONS === #

    def do_webhooks(self, **settings):
        """`mode` on, off or held; `copies`, `shuffle`, `delay` seconds, `drop` the next ones."""
        known(settings, self.store.webhooks)
        one_of('mode', settings.get('mode', 'on'), ('on', 'off', 'held'))
        for name, kind in (('copies', int), ('drop', int), ('delay', (int, float))):
            number(name, settings.get(name, 0), kind)
        self.store.webhooks.update(settings)
        return self.store.webhooks

    def do_resend(self, event, times=1):
        """Deliver one event again."""
        owner, found = self.find('event', event)
        self.webhooks.deliver(owner, [found], times)
        return {}

    def do_redeliver(self, times=1, shuffle=True, account=None):
        """All events again, each one several times at once and in random order."""
        owner = self.account(account)
        events = owner.all('event')
        self.webhooks.deliver(owner, events, times, shuffle)
        return {'events': len(events)}
