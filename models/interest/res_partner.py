# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.tools import SQL

from odoo.addons.account_pay_now import const


class ResPartner(models.Model):
    """Who may be asked for interest and the fixed sum of late payments: no consumer."""

    _inherit = 'res.partner'

    # === BUSINESS METHODS === #

    def _pay_now_hold_interest(self):
        """Let whoever books interest of the same customers at this moment wait, and begin again.

        Written, not only locked: what is booked meanwhile would not be seen.
        """
        self.env.cr.execute(
            SQL(
                "UPDATE res_partner SET write_date = write_date WHERE id IN %s",
                tuple(sorted(self.ids)),
            )
        )

    def _pay_now_is_consumer(self):
        """Tell whether a customer counts as a consumer: no company, and no VAT number.

        Sole traders are people with a VAT number, but for countries where everybody has one;
        whoever is marked as a company is a professional without one, too.

        :rtype: bool
        """
        self.ensure_one()
        customer = self.sudo().commercial_partner_id
        # Odoo keeps a slash for "has none".
        vat = (customer.vat or '').strip(' /')
        country = customer.country_id.code or vat[:2].upper()
        return not customer.is_company and (not vat or country in const.TAX_NUMBERS_OF_PERSONS)
