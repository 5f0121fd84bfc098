# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class ResCompany(models.Model):
    """Whose law late payments are under."""

    _inherit = 'res.company'

    # === BUSINESS METHODS === #

    def _pay_now_law_country(self):
        """Return the country whose rates for late payment hold: where the company is.

        :rtype: res.country
        """
        self.ensure_one()
        company = self.sudo()
        return company.account_fiscal_country_id or company.country_id
