# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.fields import Domain


class AccountMove(models.Model):
    """Credit notes of invoices that were paid online and are given back."""

    _inherit = 'account.move'

    pay_now_refund_ids = fields.Many2many(
        string="Online refunds it was proposed for",
        comodel_name='payment.transaction',
        relation='pay_now_refund_credit_note_rel',
        column1='move_id',
        column2='transaction_id',
        readonly=True,
        copy=False,
        groups='account.group_account_invoice,account.group_account_readonly',
    )

    # === BUSINESS METHODS === #

    def _pay_now_waiting_refunds(self):
        """Return the online refunds of the invoices credited that wait for a credit note.

        Those they were proposed for first.

        :rtype: payment.transaction
        """
        Transaction = self.env['payment.transaction'].sudo()
        found = Transaction.search(
            Domain('operation', '=', 'refund')
            & Domain('payment_id', '!=', False)
            & (
                Domain('pay_now_credit_note_ids', 'in', self.ids)
                | Domain(
                    'source_transaction_id.pay_now_item_ids.move_id',
                    'in',
                    self.reversed_entry_id.ids,
                )
                | Domain('source_transaction_id.invoice_ids', 'in', self.reversed_entry_id.ids)
            ),
            order='id',
        )
        return found.filtered(
            lambda tx: tx._pay_now_is_refund() and tx._pay_now_open_refund_lines()
        ).sorted(lambda tx: not tx.pay_now_credit_note_ids & self)
