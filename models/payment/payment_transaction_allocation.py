# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import api, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """What a payment pays when its invoices are not as the payer found them.

    They were reset to draft and changed, posted with other instalments, paid otherwise, given to
    another customer, or deleted. Where all is as agreed, booking pays just the items.
    """

    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - ALLOCATION === #

    def _pay_now_allocate(self):
        """Let the payment pay what it was made for, as far as that is open.

        Of each invoice as much as was paid for it. What is left then pays what is left of these
        items, before it is a surplus; not what was paid for an invoice in draft, which waits.
        """
        self.ensure_one()
        self = self.with_context(pay_now_allocating=True)
        partials = self.env['account.partial.reconcile']
        payment = self.payment_id._pay_now_counterpart_lines()
        due = self._pay_now_due()
        lines = {
            line: amount
            for line, amount in self.env['account.move.line']._pay_now_divide(due).items()
            if line.account_id == payment.account_id
        }
        invoices = {line: amount for line, amount in lines.items() if line.balance > 0}
        notes = {line: amount for line, amount in lines.items() if line.balance < 0}
        partials._pay_now_match(invoices, {**notes, payment: self._pay_now_credit()})
        waiting = sum(amount for item, amount in due.items() if item.move_id.state == 'draft')
        rest = {line: line.amount_residual_currency for line in invoices}
        partials._pay_now_match(rest, {payment: self._pay_now_credit() - waiting})

    def _pay_now_due(self):
        """Return how much of the payment is still to go to each of its items.

        :return: `{item: amount}`, positive for credit notes too; nothing of items of others.
        :rtype: dict
        """
        self.ensure_one()
        items = self._pay_now_own_items()
        pool = self.payment_id._pay_now_counterpart_lines() | items.move_id._pay_now_instalments()
        due = {}
        for move, own in items.grouped('move_id').items():
            lines = move._pay_now_instalments()
            debits = lines.matched_debit_ids.filtered(lambda one: one.debit_move_id in pool)
            credits = lines.matched_credit_ids.filtered(lambda one: one.credit_move_id in pool)
            # What was matched already.
            known = sum(debits.mapped('credit_amount_currency'))
            known += sum(credits.mapped('debit_amount_currency'))
            for item in own:
                kept = not item.discount or self._pay_now_keeps_discount(item)
                amount = abs(item.amount + (item.discount if kept else 0.0))
                part = min(known, amount)
                due[item] = self.currency_id.round(amount - part)
                known -= part
        return due

    def _pay_now_snapshot_still_open(self):
        """Return the items that are still to be paid, of what the payer was about to pay.

        :rtype: account.move.line
        """
        self.ensure_one()
        items = self._pay_now_own_items()
        gone = items.filtered(lambda item: not item.line_id).move_id
        return (items.line_id | gone._pay_now_instalments()).filtered(
            lambda line: not line.reconciled and line.parent_state == 'posted'
        )

    def _pay_now_settle_again(self):
        """Match payments again whose invoices were posted anew, or are gone; flag what is left.

        What cannot be matched keeps nobody from posting an invoice: it is tried again by the sweep.
        """
        for provider, txs in self.grouped('provider_id').items():
            for tx in txs._pay_now_in_books_of(provider):
                before = tx._pay_now_credit()
                try:
                    with self.env.cr.savepoint():
                        tx._pay_now_allocate()
                except psycopg2.OperationalError:
                    raise
                except Exception:
                    _logger.warning("%s could not be matched", tx.reference, exc_info=True)
                    continue
                flagged = any(
                    one.kind == 'waiting' and one.state == 'open'
                    for one in tx.pay_now_discrepancy_ids
                )
                # Also where nothing has become free: Odoo matches within one account only.
                unpaid = any(
                    amount and item.move_id.state == 'posted'
                    for item, amount in tx._pay_now_due().items()
                )
                if (
                    flagged
                    or unpaid
                    or tx.currency_id.compare_amounts(before, tx._pay_now_credit())
                ):
                    tx._pay_now_report_surplus()

    # === CRON === #

    @api.model
    def _pay_now_sweep_waiting(self):
        """Look again at the payments that wait for invoices in draft, which may be gone by now."""
        waiting = self.env['pay.now.discrepancy'].search(
            Domain('kind', '=', 'waiting') & Domain('state', '=', 'open')
        )
        waiting.transaction_id.try_lock_for_update()._pay_now_settle_again()
