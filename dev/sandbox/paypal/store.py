# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's memory: accounts with their apps, orders and money; its ids and instants."""

import re
import secrets
import string
from datetime import datetime, timezone

from ..common.store import Account, Store, clock
from . import money

LETTERS = string.ascii_uppercase + string.digits
HOUR, DAY = 3600, 86400
#: How PayPal is, until it is told otherwise.
SETTINGS = {
    # Seconds a token is good for.
    'token_seconds': 9 * HOUR,
    # Seconds until an order lapses: not approved, approved but not captured.
    'order_seconds': 3 * HOUR,
    'approval_seconds': 3 * HOUR,
    # Beside a fixed part of the fee.
    'percent': money.PERCENT,
    # Seconds until the bank answers for an e-check; None: when told to.
    'bank_delay': None,
    # Seconds until the reports know what happened; three hours in reality.
    'report_delay': 0,
    # An order whose funding was declined still says APPROVED.
    'stays_approved': False,
    # What it is called when a pending capture comes to nothing.
    'denied_event': 'PAYMENT.CAPTURE.DENIED',
}


def new_id(length=17):
    """Return a new id of an order, a capture, a refund, a webhook."""
    return ''.join(secrets.choice(LETTERS) for _letter in range(length))


def new_event_id():
    """Return a new id of a notification."""
    return f'WH-{new_id()}-{new_id()}'


def timestamp(seconds=None, style='%Y-%m-%dT%H:%M:%SZ'):
    """Return an instant as PayPal writes it, now without one."""
    seconds = clock.now() if seconds is None else seconds
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(style)


def instant(text):
    """Return an instant that somebody wrote, in seconds.

    :raise ValueError: it cannot be read.
    """
    return datetime.fromisoformat(re.sub(r'[Zz]$', '+00:00', text)).timestamp()


class PayPalAccount(Account):
    """One merchant's PayPal account and its apps."""

    def __init__(self, account_id, name):
        super().__init__(account_id, name, currency='EUR')
        #: client id -> secret
        self.clients = {}
        #: token -> until when, and for what
        self.tokens = {}
        #: optional features of the apps
        self.features = ['reporting', 'disputes']
        #: '', `restricted` or `locked`
        self.standing = ''
        #: "Block accidental payments": one payment for each invoice id
        self.block_duplicates = True
        #: Why every capture is kept pending; '' for none.
        self.pending_reason = ''
        #: Refunds are taken from the merchant's bank: pending at first.
        self.echeck_refunds = False
        #: No bank behind the balance: what it does not hold cannot be refunded.
        self.balance_only = False
        #: id of each platform that may act for it -> its tracking id and the app's client id
        self.partners = {}
        #: What a new merchant may have left undone.
        self.email_confirmed = True
        self.receivable = True
        #: operation and PayPal-Request-Id -> what came of it, and until when it is remembered
        self.answers = {}

    def order_note(self, order):
        """Return what PayPal keeps to itself about an order."""
        return self.note('order')[order['id']]


class PayPalStore(Store):
    """Everything PayPal knows."""

    make_account = PayPalAccount
    settings = tuple(SETTINGS)

    def first_account(self):
        account = PayPalAccount('SANDBXMERCHNT', "Sandbox merchant")
        account.clients['sandbox-client-id'] = 'sandbox-client-secret'
        return account

    def reset(self):
        with self.lock:
            super().reset()
            for name, value in SETTINGS.items():
                setattr(self, name, value)

    def account_of(self, token):
        """Return the account of a token and what the token is good for.

        :return: (account, token's note) or (None, None).
        """
        for account in self.accounts.values():
            if token in account.tokens:
                return account, account.tokens[token]
        return None, None
