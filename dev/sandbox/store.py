# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The sandbox's memory: accounts, their objects, and how it was told to misbehave."""

import collections
import contextlib
import json
import secrets
import threading
import time

#: How many requests and deliveries are remembered.
REMEMBERED = 5000


class Clock:
    """The time in the sandbox: the real one, and further when it was told to advance."""

    ahead = 0

    def exact(self):
        """Return the time in seconds and their fractions."""
        return time.time() + self.ahead

    def now(self):
        """Return the time in seconds, as Stripe gives it."""
        return int(self.exact())


#: One process has one time.
clock = Clock()


class Account:
    """One Stripe account with all that belongs to it: nothing but JSON, so that it can be kept."""

    def __init__(self, account_id, name, country='FR', currency='eur', platform=None):
        self.id = account_id
        self.name = name
        self.country = country
        self.currency = currency
        self.email = f'{account_id}@example.com'
        #: id of the account whose keys may act for this one
        self.platform = platform
        self.charges_enabled = True
        self.missing = []
        #: key -> `full`, `restricted` or `revoked`
        self.keys = {}
        #: kind -> {id: object}, in the order of creation
        self.objects = {}
        #: idempotency key -> [what was asked, status, answer]
        self.answers = {}
        #: what Stripe keeps to itself: kind of note -> {id: value}
        self.notes = {}

    def all(self, kind):
        """Return the objects of a kind, oldest first."""
        return list(self.objects.get(kind, {}).values())

    def get(self, kind, object_id):
        """Return one object, or None."""
        return self.objects.get(kind, {}).get(object_id)

    def add(self, obj):
        """Keep an object by its kind and id, and return it."""
        self.objects.setdefault(obj['object'], {})[obj['id']] = obj
        return obj

    def remove(self, kind, object_id):
        """Forget an object."""
        self.objects[kind].pop(object_id)

    def note(self, kind):
        """Return the notes of a kind, to read and to write."""
        return self.notes.setdefault(kind, {})


class World:
    """Everything the sandbox knows. `lock` guards it: requests come in several threads."""

    def __init__(self):
        self.lock = threading.RLock()
        self.base = ''
        #: Set when those that are kept waiting may go on.
        self.calm = threading.Event()
        self.reset()

    def reset(self):
        """Start anew with one account."""
        with self.lock:
            account = Account('acct_sandbox', "Sandbox merchant")
            account.keys['sk_test_sandbox'] = 'full'
            self.accounts = {account.id: account}
            self.requests = collections.deque(maxlen=REMEMBERED)
            self.deliveries = collections.deque(maxlen=REMEMBERED)
            self.behave()
            #: (account, idempotency key) of the calls under way
            self.in_flight = set()
            #: Seconds until a charge's balance movement is known; None: when told to.
            self.fee_delay = 1.0
            #: currency -> rate into the settlement currency; others are settled as they are
            self.rates = {}
            #: Seconds until the bank answers for a delayed payment; None: when told to.
            self.bank_delay = None
            #: The API's request being executed, for the events it causes.
            self.cause = None
            self.webhooks = {'mode': 'on', 'copies': 1, 'shuffle': False, 'delay': 0.0, 'drop': 0}
            self.outbox = []
            clock.ahead = 0

    @contextlib.contextmanager
    def caused_by(self, request_id, key):
        """Name a request of the API in the events it causes. The caller holds the lock."""
        self.cause = {'id': request_id, 'idempotency_key': key}
        try:
            yield
        finally:
            self.cause = None

    def behave(self):
        """Let nothing go wrong any more, and end what is kept waiting."""
        with self.lock:
            self.faults = []
            self.calm.set()
            self.calm = threading.Event()

    def load(self, path):
        """Take over the accounts of an earlier run, if there was one.

        :param pathlib.Path path: what `save` wrote.
        """
        if not path.exists():
            return
        saved = json.loads(path.read_text())
        clock.ahead = saved['ahead']
        for values in saved['accounts']:
            account = Account(values['id'], values['name'])
            account.__dict__.update(values)
            self.accounts[account.id] = account

    def save(self, path):
        """Keep the accounts for a later run."""
        with self.lock:
            accounts = [vars(account) for account in self.accounts.values()]
            text = json.dumps({'ahead': clock.ahead, 'accounts': accounts})
        # Whole or not at all: the process may be told to end once more while it writes.
        partial = path.with_suffix('.part')
        partial.write_text(text)
        partial.replace(path)

    @staticmethod
    def now():
        """Return the time in seconds, as Stripe gives it."""
        return clock.now()

    @staticmethod
    def new_id(prefix):
        """Return a new id with the prefix of its kind."""
        return f'{prefix}_{secrets.token_hex(12)}'

    def account_of(self, key):
        """Return the account of a key and what the key may do.

        :return: (account, kind of key) or (None, None).
        """
        for account in self.accounts.values():
            if key in account.keys:
                return account, account.keys[key]
        return None, None

    def find(self, kind, object_id):
        """Return an object and its account, wherever it is.

        :return: (account, object) or (None, None).
        """
        for account in self.accounts.values():
            if obj := account.get(kind, object_id):
                return account, obj
        return None, None
