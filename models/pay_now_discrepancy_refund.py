# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.exceptions import UserError


class PayNowDiscrepancy(models.Model):
    """What is to handle by giving money back, or because it could not be given back."""

    _inherit = 'pay.now.discrepancy'

    kind = fields.Selection(
        selection_add=[('refund', "Refund failed")], ondelete={'refund': 'cascade'}
    )

    # === ACTION METHODS === #

    def action_refund(self):
        """Open the refund of what was paid too much.

        :return: the action of the wizard, with the amount.
        :rtype: dict
        :raise UserError: nothing is left to refund.
        """
        self.ensure_one()
        self.check_access('write')
        payment = self.transaction_id.payment_id
        action = payment.action_refund_wizard() if payment else {}
        credit = -sum(payment._pay_now_counterpart_lines().mapped('amount_residual_currency'))
        amount = min(credit, payment.amount_available_for_refund)
        if amount <= 0:
            raise UserError(self.env._("Nothing of it is left to refund."))
        action['context'] = {
            'active_model': payment._name,
            'active_id': payment.id,
            'default_payment_id': payment.id,
            'default_amount_to_refund': amount,
        }
        return action
