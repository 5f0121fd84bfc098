# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.exceptions import UserError


class ResCurrency(models.Model):
    """Currencies by the code that a provider names them with, used in Odoo or not."""

    _inherit = 'res.currency'

    @api.model
    def _pay_now_named(self, code):
        """Return the currency of an ISO code, whether anybody uses it or not.

        :param str code: upper case.
        :rtype: res.currency
        :raise UserError: there is none.
        """
        currency = self.with_context(active_test=False).search([('name', '=', code)], limit=1)
        if not currency:
            raise UserError(self.env._("There is no currency %s.", code))
        return self.browse(currency.id)
