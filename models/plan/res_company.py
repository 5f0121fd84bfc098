# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.account_pay_now import const


class ResCompany(models.Model):
    """Whether customers may ask to pay in parts, and within which limits."""

    _inherit = 'res.company'
    _pay_now_written_by = dict.fromkeys(const.PLAN_FIELDS, True)

    pay_now_plans = fields.Boolean(
        string="Let customers ask to pay in parts",
        help="On the pay page customers may ask for a payment plan. Somebody of the company"
        " accepts, changes or refuses it.",
    )
    pay_now_plan_parts = fields.Integer(string="Parts at most", default=3)
    pay_now_plan_days = fields.Integer(
        string="Days at most", default=90, help="From the request to the last part."
    )
    pay_now_plan_first_percent = fields.Float(
        string="First part at least", digits=(5, 2), help="In percent of the total."
    )
    pay_now_plan_first_amount = fields.Monetary(
        string="First part at least this amount", help="The larger of both counts."
    )
    pay_now_plan_minimum = fields.Monetary(
        string="Payment plans from", help="For a smaller total no plan can be asked for."
    )

    # === CONSTRAINT METHODS === #

    @api.constrains(*const.PLAN_FIELDS)
    def _check_pay_now_plans(self):
        for company in self:
            if not 2 <= company.pay_now_plan_parts <= const.PLAN_PARTS_MAX:
                raise ValidationError(
                    self.env._("A payment plan has from 2 to %s parts.", const.PLAN_PARTS_MAX)
                )
            if company.pay_now_plan_days < 1:
                raise ValidationError(self.env._("A payment plan takes at least one day."))
            if not 0 <= company.pay_now_plan_first_percent < 100:
                raise ValidationError(
                    self.env._("The first part is less than 100 percent of the total.")
                )
            if min(company.pay_now_plan_first_amount, company.pay_now_plan_minimum) < 0:
                raise ValidationError(self.env._("Amounts of payment plans cannot be negative."))
