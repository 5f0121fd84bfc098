# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models

from odoo.addons.account_pay_now import const


class AccountPartialReconcile(models.Model):
    """What people match and take apart: they have the last word (see `pay.now.undone`).

    And credit of online payments that is used: by hand, with the next invoice, or by a refund.
    """

    _inherit = 'account.partial.reconcile'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: what a person matches again is not undone any more.

        What is to handle about money that is used by now is closed. While a payment is shared among
        its items, whoever does it looks at the end.
        """
        partials = super().create(vals_list)
        if not self.env.context.get(const.BY_ITSELF):
            self.env['pay.now.undone'].sudo()._forget(partials)
        if not self.env.context.get('pay_now_allocating'):
            moves = (partials.debit_move_id | partials.credit_move_id).move_id
            if txs := moves.sudo().origin_payment_id.payment_transaction_id._pay_now_ours():
                self.env['pay.now.discrepancy']._review(txs)
        return partials

    def unlink(self):
        """Override of `account` to remember what a person takes apart."""
        if self and not self.env.context.get(const.BY_ITSELF):
            self.env['pay.now.undone'].sudo()._note(self)
        return super().unlink()

    # === BUSINESS METHODS === #

    def _pay_now_unreconcile(self):
        """Take apart what the books need apart: no person decided it, and it may be matched again.

        The only way in which the module does it.
        """
        self.with_context(**{const.BY_ITSELF: True}).unlink()
