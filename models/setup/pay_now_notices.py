# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PayNowNotices(models.AbstractModel):
    """A screen about one company that says what is wrong, and what will surprise.

    The model has a field `company_id`.
    """

    _name = 'pay.now.notices'
    _description = "Checks and warnings of online payment"

    pay_now_checks = fields.Json(string="Checks", compute='_compute_pay_now_notices')
    pay_now_warnings = fields.Json(string="Warnings", compute='_compute_pay_now_notices')
    pay_now_health = fields.Json(string="Connection health", compute='_compute_pay_now_notices')
    pay_now_test_text = fields.Char(string="Test mode", compute='_compute_pay_now_notices')

    # === COMPUTE METHODS === #

    @api.depends('company_id')
    @api.depends_context('lang')
    def _compute_pay_now_notices(self):
        for screen in self:
            # With sudo amounts are summed up: never those of a company out of the user's reach.
            company = screen.company_id & self.env.companies
            screen.pay_now_checks = company and company._pay_now_checks()
            screen.pay_now_warnings = company and company._pay_now_warnings()
            providers = company and company._pay_now_connected_providers()
            screen.pay_now_health = providers and providers._pay_now_health_notices()
            screen.pay_now_test_text = company and company._pay_now_test_text()
