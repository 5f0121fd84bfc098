# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PayNowGenerateReminders(models.TransientModel):
    """The same from Sales: for people without rights in the accounting, within their scope."""

    _name = 'pay.now.generate.reminders'
    _inherit = ['pay.now.generate.reminders', 'pay.now.sales.mixin']

    sales_scope_text = fields.Char(string="Scope", compute='_compute_sales_scope_text')

    # === COMPUTE METHODS === #

    @api.depends_context('lang', 'uid')
    def _compute_sales_scope_text(self):
        text = self._is_sales_only() and self.env.user._pay_now_sales_scope_text()
        self.sales_scope_text = text

    def _compute_pay_now_notices(self):
        """Override of `pay.now.notices`: its warnings sum up what is none of their business."""
        result = super()._compute_pay_now_notices()
        if self._is_sales_only():
            self.pay_now_warnings = self.pay_now_health = False
        return result

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base` to keep those who act for Sales only within their scope."""
        if self._is_sales_only():
            vals_list = [self._within_sales(vals) for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        """Override of `base` to keep those who act for Sales only within their scope."""
        return super().write(self._within_sales(vals) if self._is_sales_only() else vals)
