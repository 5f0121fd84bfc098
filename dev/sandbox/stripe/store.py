# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's memory: accounts with their keys, and how long its fees and banks take."""

import contextlib

from ..common.store import Account, Store


class StripeAccount(Account):
    """One Stripe account."""

    def __init__(self, account_id, name):
        super().__init__(account_id, name)
        #: id of the account whose keys may act for this one
        self.platform = None
        self.charges_enabled = True
        self.missing = []
        #: When it is paid out, in Stripe's terms; None: whoever asks may not know.
        self.payout_schedule = {'delay_days': 7, 'interval': 'daily'}
        #: Everything was filled in once; None: as soon as it may charge.
        self.submitted = None
        self.controller = None
        self.metadata = {}
        #: key -> `full`, `restricted` or `revoked`
        self.keys = {}
        #: idempotency key -> [what was asked, status, answer]
        self.answers = {}


class StripeStore(Store):
    """Everything Stripe knows."""

    make_account = StripeAccount

    def first_account(self):
        account = StripeAccount('acct_sandbox', "Sandbox merchant")
        account.keys['sk_test_sandbox'] = 'full'
        return account

    def reset(self):
        with self.lock:
            super().reset()
            #: Seconds until a charge's balance movement is known; None: when told to.
            self.fee_delay = 1.0
            #: Seconds until the bank answers for a delayed payment; None: when told to.
            self.bank_delay = None
            #: The API's request being executed, for the events it causes.
            self.cause = None
            #: (event, url) of what arrived, so that it is counted once
            self.arrived = set()

    @contextlib.contextmanager
    def caused_by(self, request_id, key):
        """Name a request of the API in the events it causes. The caller holds the lock."""
        self.cause = {'id': request_id, 'idempotency_key': key}
        try:
            yield
        finally:
            self.cause = None

    def account_of(self, key):
        """Return the account of a key and what the key may do.

        :return: (account, kind of key) or (None, None).
        """
        for account in self.accounts.values():
            if key in account.keys:
                return account, account.keys[key]
        return None, None
