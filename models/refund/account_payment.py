# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models

from odoo.addons.account_pay_now import const


class AccountPayment(models.Model):
    """The *Refund* button of core, for payments of ours."""

    _inherit = 'account.payment'

    # === COMPUTE METHODS === #

    @api.depends('payment_transaction_id.child_transaction_ids.state')
    def _compute_amount_available_for_refund(self):
        """Override of `account_payment`: refunds on their way count too, failed ones do not."""
        result = super()._compute_amount_available_for_refund()
        for payment in self:
            tx = payment.payment_transaction_id.sudo()
            if tx.provider_code in const.PROVIDER_CODES and payment.amount_available_for_refund:
                payment.amount_available_for_refund = max(tx._pay_now_left_to_refund(), 0)
        return result

    # === ACTION METHODS === #

    def action_refund_wizard(self):
        """Override of `account_payment` to learn first what was refunded at the provider."""
        tx = self.payment_transaction_id.sudo()
        if tx.provider_code in const.PROVIDER_CODES:
            # Whoever only reads asks no provider, and books nothing.
            tx.with_env(self.env).check_access('write')
            tx._synchronize()
            self.invalidate_recordset(['amount_available_for_refund'])
        return super().action_refund_wizard()
