# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the money of every provider has: things that are due later, and other currencies."""

from decimal import ROUND_HALF_UP, Decimal

from .store import clock


class Ledger:
    """Moves money, some of it later. The caller holds the store's lock.

    :param Store store: the provider's memory.
    """

    def __init__(self, store, webhooks):
        self.store = store
        self.emit = webhooks.emit

    def tick(self):
        """Do what time has brought, without anybody having asked."""
        with self.store.lock:
            self.run_due()

    def run_due(self):
        """Do what time has brought."""
        now = clock.exact()
        for account in list(self.store.accounts.values()):
            self.run_due_of(account, now)

    def run_due_of(self, account, now):
        """Do what time has brought for one account.

        :param float now: in seconds.
        """
        raise NotImplementedError


def due(waiting, now):
    """Return the keys of what is due.

    :param dict waiting: key -> when, None for what waits until it is told to happen.
    """
    return [key for key, when in waiting.items() if when and when <= now]


def convert(amount, currency, settlement, rates, decimals):
    """Return what an amount becomes in the settlement currency.

    :param int amount: minor units.
    :param dict rates: currency -> rate; a currency without one is settled as it is.
    :param dict decimals: currency -> decimals of its minor units.
    :return: (minor units, currency, rate or None).
    """
    if currency == settlement or currency not in rates:
        return amount, currency, None
    rate = Decimal(str(rates[currency]))
    shift = decimals.get(settlement, 2) - decimals.get(currency, 2)
    settled = (amount * rate).scaleb(shift).quantize(Decimal(1), ROUND_HALF_UP)
    return int(settled), settlement, rate
