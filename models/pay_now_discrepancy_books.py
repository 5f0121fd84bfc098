# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import defaultdict, namedtuple

from odoo import api, models
from odoo.fields import Domain

#: What the books hold of payments: the entries that count by payment of the provider, and the
#: commissions that count by transaction.
Books = namedtuple('Books', ('payments', 'commissions'))


class PayNowDiscrepancy(models.Model):
    """What counts as booked: posted and not taken back. A few queries for any number."""

    _inherit = 'pay.now.discrepancy'

    # === BUSINESS METHODS - BOOKS === #

    @api.model
    def _name_of(self, transaction):
        """Return what one payment of the provider is known by, whatever transaction books it.

        :rtype: str
        """
        return transaction.pay_now_payment_ref or f'{transaction._name},{transaction.id}'

    @api.model
    def _read_books(self, transactions):
        """Return what counts as booked of transactions.

        :param payment.transaction transactions: payments, no refunds.
        :rtype: Books
        """
        payments = self.env['account.payment'].search(
            Domain('payment_transaction_id', 'in', transactions.ids)
            & Domain('move_id.state', '=', 'posted'),
            order='id',
        )
        entries = transactions.pay_now_commission_move_id.filtered(
            lambda move: move.state == 'posted'
        )
        taken_back = (
            self.env['account.move']
            .search(
                Domain('reversed_entry_id', 'in', (payments.move_id | entries).ids)
                & Domain('state', '=', 'posted')
            )
            .reversed_entry_id
        )
        by_name = defaultdict(self.env['account.payment'].browse)
        for payment in payments:
            if payment.move_id not in taken_back:
                by_name[self._name_of(payment.payment_transaction_id)] |= payment
        entries -= taken_back
        commissions = {
            tx: tx.pay_now_commission if tx.pay_now_commission_move_id in entries else 0.0
            for tx in transactions
            if tx.pay_now_commission_state == 'booked'
        }
        return Books(by_name, commissions)

    @api.model
    def _too_many(self, payments):
        """Return the entries of one payment but the one to keep: the first that paid something."""
        return payments - payments.sorted(lambda one: (self._open_credit(one), one.id))[:1]

    # === BUSINESS METHODS - PAID TWICE === #

    @api.model
    def _open_items_paid_twice(self, transactions):
        """Find open items that several payments paid, together more than there was to pay.

        What was given back counts, and so does what a payment left is used for elsewhere.

        :param payment.transaction transactions: booked payments.
        :return: `(what is open of it, payments)` by the payment that has most of it left.
        :rtype: dict
        """
        Item = self.env['pay.now.transaction.item']
        lines = Item.search([('transaction_id', 'in', transactions.ids)]).line_id
        shared = Item._read_group(
            Domain('line_id', 'in', lines.ids)
            & Domain('transaction_id.state', '=', 'done')
            & Domain('transaction_id.payment_id', '!=', False),
            ['line_id'],
            ['amount:sum', 'transaction_id:recordset'],
            having=[('__count', '>', 1)],
        )
        found = {}
        for line, paid, payers in shared:
            given_back = -sum(
                payers._pay_now_refunds()
                .filtered(lambda tx: tx.state not in ('cancel', 'error'))
                .mapped('amount')
            ) + sum(payers.pay_now_dispute_ids.mapped('loss_amount'))
            left = {tx: self._open_credit(tx.payment_id) for tx in payers}
            over = min(paid - given_back - abs(line.amount_currency), sum(left.values()))
            if line.currency_id.compare_amounts(over, 0) > 0 and not self._has_surplus_reported(
                payers
            ):
                found[max(left, key=lambda tx: (left[tx], tx.id))] = (over, payers)
        return found

    @api.model
    def _open_credit(self, payment):
        """Return how much of a payment nothing was paid with."""
        items = payment._pay_now_counterpart_lines()
        return max(-sum(items.mapped('amount_residual_currency')), 0.0)

    @api.model
    def _has_surplus_reported(self, transactions):
        """Tell whether booking the payments said already that one of them was too much."""
        return bool(
            transactions.pay_now_discrepancy_ids.filtered(lambda one: one.kind == 'surplus')
        )
