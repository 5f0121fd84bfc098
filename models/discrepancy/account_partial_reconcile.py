# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models


class AccountPartialReconcile(models.Model):
    """Credit of online payments that is used: by hand, with the next invoice, or by a refund."""

    _inherit = 'account.partial.reconcile'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account` to close what is to handle about money that is used by now.

        While a payment is shared among its items, whoever does it looks at the end.
        """
        partials = super().create(vals_list)
        if not self.env.context.get('pay_now_allocating'):
            moves = (partials.debit_move_id | partials.credit_move_id).move_id
            if txs := moves.sudo().origin_payment_id.payment_transaction_id._pay_now_ours():
                self.env['pay.now.discrepancy']._review(txs)
        return partials
