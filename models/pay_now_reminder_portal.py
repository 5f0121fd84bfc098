# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.fields import Domain


class PayNowReminder(models.Model):
    """Reminders in the customer portal: what was asked for, and what of it is still to be paid."""

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - PORTAL === #

    @api.model
    def _pay_now_portal_domain(self, partner):
        """Return the domain of the reminders that somebody who is logged in may see.

        As with invoices, all contacts of a customer see what was sent to it.

        :param res.partner partner: who is logged in.
        :rtype: odoo.fields.Domain
        """
        return Domain('partner_id', '=', partner.commercial_partner_id.id) & Domain(
            'state', 'in', ('sent', 'uncertain')
        )

    def _pay_now_portal_rows(self):
        """Return what the portal lists.

        :return: dicts of `reminder`, `due` (amounts by currency) and `url`, the pay page where
            something can be paid there.
        :rtype: list
        """
        open_items = self.item_ids._pay_now_still_open()
        return [
            {
                'reminder': reminder,
                'due': reminder._subtotals_text(reminder.item_ids & open_items),
                'url': reminder._pay_now_portal_url(reminder.item_ids & open_items),
            }
            for reminder in self
        ]

    def _pay_now_portal_url(self, open_items):
        """Return the path of the pay page: the mailed one, as long as it opens.

        :param account.move.line open_items: what is still to be paid.
        :rtype: str | bool
        """
        self.ensure_one()
        is_open = self._pay_now_check_token(self.sudo().pay_now_token)
        offers = self.has_button and not self.run_id.print_previous_balance
        return bool(open_items and is_open and offers) and self._pay_now_path()
