# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.account_pay_now import const


class PaymentRefundWizard(models.TransientModel):
    """Core's window for refunds: one window asks for ours once."""

    _name = 'payment.refund.wizard'
    _inherit = ['payment.refund.wizard', 'pay.now.authority.mixin']

    pay_now_asked = fields.Boolean(string="Asked for", readonly=True)

    # === ACTION METHODS === #

    def action_refund(self):
        """Override of `account_payment`: a window gives money back once, however often clicked."""
        if self.transaction_id.provider_code in const.PROVIDER_CODES:
            if self.pay_now_asked:
                raise UserError(self.env._("This refund was asked for already."))
            provider, currency = self.transaction_id.provider_id.sudo(), self.currency_id
            # Any amount but one that the provider has no digits for: the rest it says itself.
            if provider._pay_now_amount_problem(self.amount_to_refund, currency) == 'step':
                raise UserError(
                    self.env._(
                        "%(provider)s refunds multiples of %(step)s only.",
                        provider=provider._pay_now_short_name(),
                        step=currency.format(provider._pay_now_coarse_step(currency)),
                    )
                )
            self.sudo().pay_now_asked = True
        return super().action_refund()
