# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The sandbox's memory: accounts, their objects, and how it was told to misbehave."""

import collections
import copy
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
        """Return the time in whole seconds."""
        return int(self.exact())


#: One process has one time.
clock = Clock()


class Account:
    """One merchant's account with all that belongs to it: nothing but JSON, to be kept."""

    def __init__(self, account_id, name, country='FR', currency='eur'):
        self.id = account_id
        self.name = name
        self.country = country
        self.currency = currency
        self.email = f'{account_id.lower()}@example.com'
        #: kind -> {id: object}, in the order of creation
        self.objects = {}
        #: what the provider keeps to itself: kind of note -> {id: value}
        self.notes = {}

    def all(self, kind):
        """Return the objects of a kind, oldest first."""
        return list(self.objects.get(kind, {}).values())

    def get(self, kind, object_id):
        """Return one object, or None."""
        return self.objects.get(kind, {}).get(object_id)

    def add(self, obj, kind=None, key='id'):
        """Keep an object by its kind, which it names itself without, and its id; return it."""
        self.objects.setdefault(kind or obj['object'], {})[obj[key]] = obj
        return obj

    def remove(self, kind, object_id):
        """Forget an object."""
        self.objects[kind].pop(object_id)

    def note(self, kind):
        """Return the notes of a kind, to read and to write."""
        return self.notes.setdefault(kind, {})


class Store:
    """Everything one provider knows. `lock` guards it: requests come in several threads.

    :param lock: one for all providers, so that what concerns them all cannot block.
    """

    #: What belongs to the running process, and never to a snapshot.
    lasting = ('lock', 'base', 'calm')

    def __init__(self, lock):
        self.lock = lock
        self.base = ''
        #: Set when those that are kept waiting may go on.
        self.calm = threading.Event()
        self.reset()

    @staticmethod
    def make_account(account_id, name):
        """Return a new account of this provider.

        :rtype: Account
        """
        raise NotImplementedError

    def first_account(self):
        """Return the account there is from the beginning.

        :rtype: Account
        """
        raise NotImplementedError

    def reset(self):
        """Start anew with one account."""
        with self.lock:
            account = self.first_account()
            self.accounts = {account.id: account}
            self.requests = collections.deque(maxlen=REMEMBERED)
            self.deliveries = collections.deque(maxlen=REMEMBERED)
            self.behave()
            #: (account, what is being worked on) of the calls under way
            self.in_flight = set()
            #: currency -> rate into the settlement currency; others are settled as they are
            self.rates = {}
            self.webhooks = {'mode': 'on', 'copies': 1, 'shuffle': False, 'delay': 0.0, 'drop': 0}
            #: notifications held back: (job, its request)
            self.outbox = []

    def behave(self):
        """Let nothing go wrong any more, and end what is kept waiting."""
        with self.lock:
            self.faults = []
            self.calm.set()
            self.calm = threading.Event()

    def snapshot(self):
        """Return a copy of everything that is known now. The caller holds the lock."""
        known = {name: value for name, value in vars(self).items() if name not in self.lasting}
        # In one piece: objects refer to one another.
        return copy.deepcopy(known)

    def roll_back(self, snapshot):
        """Know again what a snapshot holds, and nothing that came later.

        The caller holds the lock.
        """
        self.behave()
        vars(self).update(copy.deepcopy(snapshot))

    def saved(self):
        """Return what is kept for a later run. The caller holds the lock."""
        return [vars(account) for account in self.accounts.values()]

    def restore(self, saved):
        """Take over the accounts of an earlier run."""
        for values in saved:
            account = self.make_account(values['id'], values['name'])
            account.__dict__.update(values)
            self.accounts[account.id] = account

    @staticmethod
    def now():
        """Return the time in seconds."""
        return clock.now()

    @staticmethod
    def new_id(prefix):
        """Return a new id with the prefix of its kind."""
        return f'{prefix}_{secrets.token_hex(12)}'

    def find(self, kind, object_id):
        """Return an object and its account, wherever it is.

        :return: (account, object) or (None, None).
        """
        for account in self.accounts.values():
            if obj := account.get(kind, object_id):
                return account, obj
        return None, None
