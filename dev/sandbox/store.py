# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The sandbox's memory: accounts, their objects, and how it was told to misbehave."""

import secrets
import threading
import time


class Account:
    """One Stripe account with all that belongs to it."""

    def __init__(self, account_id, name, country='FR', currency='eur'):
        self.id = account_id
        self.name = name
        self.country = country
        self.currency = currency
        self.email = f'{account_id}@example.com'
        self.charges_enabled = True
        self.missing = []
        #: key -> `full`, `restricted` or `revoked`
        self.keys = {}
        #: kind -> {id: object}, in the order of creation
        self.objects = {}
        #: idempotency key -> answer
        self.answers = {}

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


class World:
    """Everything the sandbox knows. `lock` guards it: requests come in several threads."""

    def __init__(self):
        self.lock = threading.RLock()
        self.base = ''
        self.reset()

    def reset(self):
        """Start anew with one account."""
        with self.lock:
            account = Account('acct_sandbox', "Sandbox merchant")
            account.keys['sk_test_sandbox'] = 'full'
            self.accounts = {account.id: account}
            self.requests = []
            self.faults = []
            #: Seconds until a charge's balance movement is known; None: when told to.
            self.fee_delay = 1.0
            self.webhooks = {'mode': 'on', 'copies': 1, 'shuffle': False, 'delay': 0.0}
            self.outbox = []

    @staticmethod
    def now():
        """Return the time in seconds, as Stripe gives it."""
        return int(time.time())

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
