# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Money going back to payers and out to the bank."""

from ..common.refusals import Refusal
from . import errors, money, objects
from .errors import REFUND_DESCRIPTIONS
from .store import DAY, instant, timestamp

#: How long a capture can be refunded.
REFUNDABLE = 180 * DAY


class Refunds:
    """Refunds, reversals and withdrawals. The caller holds the store's lock."""

    def __init__(self, payments):
        self.payments = payments
        self.store = payments.store
        self.emit = payments.emit

    def refund(self, account, captured, body):
        """Give money back, by the API or at the dashboard.

        :param dict body: the request's: `amount`, `invoice_id`, `custom_id`, `note_to_payer`.
        :raise PayPalError: more than what is left, nothing to give back, not now.
        """
        currency = captured['amount']['currency_code']
        left = self._left(account, captured)
        amount = self._amount(body, currency, left)
        self._check(account, captured, body, amount, left)
        total = money.minor(captured['amount']['value'], currency) - left + amount
        refund = objects.refund(account, captured, amount, total, body, self.store.base)
        self._keep(account, captured, refund)
        if account.echeck_refunds:
            refund.update(status='PENDING', status_details={'reason': 'ECHECK'})
        else:
            self._pay(account, refund)
        return refund

    @staticmethod
    def _amount(body, currency, left):
        """Return how much is asked for, in minor units."""
        given = body.get('amount')
        if not given:
            return left
        problems = []
        money.check(given, '/amount', problems)
        if problems:
            raise errors.PayPalError(422, problems)
        if given['currency_code'] != currency:
            raise _refused('REFUND_CAPTURE_CURRENCY_MISMATCH', '/amount/currency_code')
        return money.minor(given['value'], currency)

    def _check(self, account, captured, body, amount, left):
        if account.standing:
            kind = 'RESTRICTED' if account.standing == 'restricted' else 'LOCKED_OR_CLOSED'
            raise _refused(f'PAYEE_ACCOUNT_{kind}')
        if captured['status'] == 'PENDING':
            raise _refused('PENDING_CAPTURE')
        if captured['status'] == 'REFUNDED':
            raise _refused('CAPTURE_FULLY_REFUNDED')
        if captured['status'] not in ('COMPLETED', 'PARTIALLY_REFUNDED'):
            raise _refused('REFUND_NOT_ALLOWED')
        if instant(captured['create_time']) + REFUNDABLE < self.store.now():
            raise _refused('REFUND_TIME_LIMIT_EXCEEDED')
        dispute = account.note('disputed').get(captured['id'])
        if dispute == 'CHARGEBACK':
            raise _refused('REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK')
        if dispute and amount < left:
            raise _refused('TRANSACTION_DISPUTED')
        if amount > left:
            raise _refused('REFUND_AMOUNT_EXCEEDED', '/amount/value', body['amount']['value'])
        invoice = body.get('invoice_id')
        if invoice and any(one.get('invoice_id') == invoice for one in account.all('refund')):
            raise _refused('DUPLICATE_INVOICE_ID', '/invoice_id', invoice)
        held = self.payments.balances(account).get(captured['amount']['currency_code'], 0)
        if account.balance_only and held < amount:
            raise _refused('REFUND_FAILED_INSUFFICIENT_FUNDS')

    def _keep(self, account, captured, refund):
        """Add a refund to its capture and its order."""
        account.add(refund, 'refund')
        account.note('refund')[refund['id']] = captured['id']
        self._order_note(account, captured)['refunds'].append(refund['id'])
        self._mark(account, captured)

    @staticmethod
    def _order_note(account, captured):
        return account.note('order')[captured['supplementary_data']['related_ids']['order_id']]

    def _refunds(self, account, captured):
        """Return the refunds of a capture: an order has one only."""
        return [
            account.get('refund', refund_id)
            for refund_id in self._order_note(account, captured)['refunds']
        ]

    def _left(self, account, captured):
        """Return what is not refunded yet, in minor units."""
        currency = captured['amount']['currency_code']
        given_back = sum(
            money.minor(refund['amount']['value'], currency)
            for refund in self._refunds(account, captured)
            if refund['status'] in ('PENDING', 'COMPLETED')
        )
        return money.minor(captured['amount']['value'], currency) - given_back

    def _mark(self, account, captured):
        """Write into a capture how much of it is refunded."""
        left = self._left(account, captured)
        whole = money.minor(captured['amount']['value'], captured['amount']['currency_code'])
        status = 'PARTIALLY_REFUNDED' if left else 'REFUNDED'
        captured.update(status='COMPLETED' if left == whole else status, update_time=timestamp())

    def _pay(self, account, refund, code='T1107', kind='PAYMENT.CAPTURE.REFUNDED'):
        """The money of a refund leaves."""
        currency = refund['amount']['currency_code']
        amount = money.minor(refund['amount']['value'], currency)
        captured_id = account.note('refund')[refund['id']]
        self.payments.move(account, code, -amount, currency, refund, captured_id)
        self.emit(account, kind, refund)

    def settle(self, account, refund, succeed=True):
        """The merchant's bank answers for a pending refund.

        :raise Refusal: it is not pending.
        """
        if refund['status'] != 'PENDING':
            raise Refusal(400, f"This refund is {refund['status']}.")
        refund.pop('status_details', None)
        refund.update(status='COMPLETED' if succeed else 'FAILED', update_time=timestamp())
        if succeed:
            self._pay(account, refund)
        else:
            self._mark(account, account.get('capture', account.note('refund')[refund['id']]))

    def reverse(self, account, captured):
        """PayPal takes back what is left of a capture, whatever the merchant thinks of it.

        :raise Refusal: nothing is left.
        """
        left = self._left(account, captured)
        if captured['status'] not in ('COMPLETED', 'PARTIALLY_REFUNDED'):
            raise Refusal(400, f"This capture is {captured['status']}.")
        whole = money.minor(captured['amount']['value'], captured['amount']['currency_code'])
        refund = objects.refund(account, captured, left, whole, {}, self.store.base)
        self._keep(account, captured, refund)
        self._pay(account, refund, 'T1106', 'PAYMENT.CAPTURE.REVERSED')
        return refund

    def tell_dispute(self, account, captured):
        """Tell the money that a dispute took as a refund of the capture too: it moved once."""
        left = self._left(account, captured)
        whole = money.minor(captured['amount']['value'], captured['amount']['currency_code'])
        refund = objects.refund(account, captured, left, whole, {}, self.store.base)
        self._keep(account, captured, refund)
        account.note('as_refund')[captured['id']] = refund['id']
        self.emit(account, 'PAYMENT.CAPTURE.REVERSED', refund)

    def untell_dispute(self, account, captured):
        """The money of a dispute came back: what was listed as a refund is none."""
        if refund_id := account.note('as_refund').pop(captured['id'], None):
            account.get('refund', refund_id).update(status='CANCELLED', update_time=timestamp())
            self._mark(account, captured)

    def pay_out(self, account, amount=None):
        """Transfer the balance in the account's currency to the bank.

        :param int amount: minor units; all without one.
        """
        held = self.payments.balances(account)[account.currency]
        amount = held if amount is None else amount
        return self.payments.move(account, 'T0400', -amount, account.currency)

    def fail_payout(self, account, payout):
        """The merchant's bank sends a withdrawal back."""
        if payout['type'] != 'T0400' or payout['amount'] > 0:
            raise Refusal(400, "This is no withdrawal.")
        return self.payments.move(account, 'T0400', -payout['amount'], payout['currency'], None, {})


def _refused(issue, field='', value=None):
    return errors.refused(issue, field, value, descriptions=REFUND_DESCRIPTIONS)
