# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Money going out to the merchant's bank, and what Stripe takes by itself."""

from . import errors, objects


class Payouts:
    """Makes payouts and lets them fail. The caller holds the store's lock."""

    def __init__(self, payments):
        self.payments = payments
        self.emit = payments.emit

    def make(self, account, amount=None, slow=False):
        """Transfer the balance in the account's currency to the bank.

        :param int amount: of a payout the merchant asks for; Stripe's own takes everything, and
            lists what it is made of.
        :param bool slow: it is under way, and the list not ready, until `arrive`.
        """
        movements = [
            movement
            for movement in account.all('balance_transaction')
            if movement['currency'] == account.currency
        ]
        automatic = amount is None
        if automatic:
            amount = sum(movement['net'] for movement in movements)
        payout = account.add(objects.payout(amount, account.currency))
        movement = self.payments.move(account, 'payout', -amount, account.currency, payout['id'])
        payout['balance_transaction'] = movement['id']
        if automatic:
            for paid in [*movements, movement]:
                paid['status'] = 'available'
                account.note('payout_of').setdefault(paid['id'], payout['id'])
            payout['reconciliation_status'] = 'in_progress'
        else:
            payout.update(automatic=False, reconciliation_status='not_applicable')
        payout['status'] = 'in_transit'
        self.emit(account, 'payout.created', payout)
        if not slow:
            self.arrive(account, payout)
        return payout

    def arrive(self, account, payout):
        """A payout reaches the bank, and its list is ready."""
        payout['status'] = 'paid'
        self.emit(account, 'payout.paid', payout)
        if payout['automatic']:
            payout['reconciliation_status'] = 'completed'
            self.emit(account, 'payout.reconciliation_completed', payout)

    def fail(self, account, payout):
        """The merchant's bank sends a payout back.

        :raise StripeError: it has already.
        """
        if payout['status'] == 'failed':
            raise errors.StripeError(400, "This payout has failed already.")
        movement = self.payments.move(
            account, 'payout_failure', payout['amount'], payout['currency'], payout['id']
        )
        payout.update(
            status='failed',
            failure_code='account_closed',
            failure_message="The bank account has been closed.",
            failure_balance_transaction=movement['id'],
        )
        self.emit(account, 'payout.failed', payout)

    def charge_fee(self, account, amount, label):
        """Stripe takes a fee that belongs to no payment.

        :param int amount: minor units.
        """
        movement = self.payments.move(account, 'stripe_fee', -amount, account.currency, None)
        movement['description'] = label
        return movement
