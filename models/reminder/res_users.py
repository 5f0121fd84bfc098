# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.fields import Domain


class ResUsers(models.Model):
    """What a salesperson without rights in the accounting may remind customers of."""

    _inherit = 'res.users'

    # === BUSINESS METHODS - SALES === #

    def _pay_now_sees_all_sales(self):
        """Tell whether the salesperson sees the documents of the others, too.

        :rtype: bool
        """
        self.ensure_one()
        return self.has_group('sales_team.group_sale_salesman_all_leads')

    def _pay_now_sales_scope(self):
        """Return the domain of the journal items in Sales that are the salesperson's business.

        As Odoo's own rules on invoices have it: their own and those of nobody, or all.

        :rtype: odoo.fields.Domain
        """
        self.ensure_one()
        scope = self.env['account.move.line']._pay_now_sold_domain() & Domain(
            'company_id', 'in', self.sudo().company_ids.ids
        )
        if not self._pay_now_sees_all_sales():
            scope &= Domain('move_id.invoice_user_id', 'in', (self.id, False))
        return scope

    def _pay_now_sales_scope_text(self):
        """Say which invoices the salesperson's reminders are about.

        :rtype: str
        """
        self.ensure_one()
        if self._pay_now_sees_all_sales():
            return self.env._("Sales invoices of all salespeople, no others.")
        return self.env._(
            "Sales invoices of %s and those without a salesperson, no others.", self.name
        )
