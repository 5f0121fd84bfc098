# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PayNowReportMixin(models.AbstractModel):
    """What the queries of *Collection time* share; what each figure means is in doc/collection.md.

    Nothing is stored or written: each report is a query on the books of this moment, in the
    company's currency.
    """

    _name = 'pay.now.report.mixin'
    _description = "Query of the collection time"

    # === ACTION METHODS === #

    def action_open(self):
        """Show the document or customer of the row.

        :return: a window action.
        :rtype: dict
        """
        self.ensure_one()
        record = self._opened()
        return {
            'type': 'ir.actions.act_window',
            'res_model': record._name,
            'res_id': record.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
        }

    def _opened(self):
        """Return what a click on the row opens."""
        return self.move_id

    # === QUERIES === #

    @api.model
    def _today(self):
        return fields.Date.context_today(self)

    @api.model
    def _receivable_accounts(self):
        """Return the ids of the receivable accounts.

        As values, not as a query: PostgreSQL takes Odoo's index of what is open by account only
        when it knows them.
        """
        accounts = self.env['account.account'].sudo().with_context(active_test=False)
        return tuple(accounts.search([('account_type', '=', 'asset_receivable')]).ids) or (0,)
