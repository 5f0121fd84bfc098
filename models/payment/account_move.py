# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.fields import Domain


class AccountMove(models.Model):
    """Documents that are posted, and the payments and refunds that wait for them."""

    _inherit = 'account.move'

    # === ACTION METHODS === #

    def action_post(self):
        """Override of `account`: a payment posts no invoice that somebody is changing.

        Core posts the draft invoices of a payment: those are meant which were never posted before,
        as of an online order.
        """
        moves = self
        if self.env.context.get('pay_now_keep_drafts'):
            moves = self.filtered(lambda move: not move.posted_before)
        return super(AccountMove, moves).action_post()

    # === BUSINESS METHODS - POSTING === #

    def _post(self, soft=True):
        """Override of `account` to match documents with what was paid for them, or given back."""
        # Nobody has paid what was never posted.
        known = self.filtered('posted_before')
        posted = super()._post(soft)
        if again := known & posted:
            again._pay_now_match_payments()
        if notes := posted.filtered(lambda move: move.move_type == 'out_refund'):
            for refund in notes._pay_now_waiting_refunds():
                refund._pay_now_match_refund()
        return posted

    def _pay_now_match_payments(self):
        """Match documents that were posted again with the payments that were made for them."""
        items = self.env['pay.now.transaction.item'].sudo()
        items = items.search(
            Domain('move_id', 'in', self.ids)
            & Domain('transaction_id.state', '=', 'done')
            & Domain('transaction_id.payment_id.move_id.state', '=', 'posted'),
            order='transaction_id',
        )
        items.transaction_id._pay_now_settle_again()
