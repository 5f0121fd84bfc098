# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import SQL


class PayNowItemReport(models.Model):
    """What was sent, said and paid online about the items of invoices: for searching invoices.

    Nobody sees it: what is found by it goes through the access rules of invoices.
    """

    _name = 'pay.now.item.report'
    _description = "Reminders, answers and online payments of items"
    _inherit = ['pay.now.customer.report.mixin']
    _auto = False
    _rec_name = 'move_id'

    move_id = fields.Many2one(string="Invoice", comodel_name='account.move', readonly=True)
    level_id = fields.Many2one(
        string="Reminder level", comodel_name='pay.now.reminder.level', readonly=True
    )
    last_reminder = fields.Datetime(string="Last reminder", readonly=True)
    promised_for = fields.Date(string="Promised for", readonly=True)
    is_paid_online = fields.Boolean(string="Paid online", readonly=True)

    _depends = {
        'account.move.line': ['company_id', 'display_type', 'move_id', 'partner_id', 'payment_id'],
        'account.partial.reconcile': ['amount', 'credit_move_id', 'debit_move_id'],
        'account.payment': ['payment_transaction_id'],
        'pay.now.answer': ['company_id', 'date', 'item_ids', 'partner_id', 'state', 'until'],
        'pay.now.reminder': ['item_ids', 'level_id', 'partner_id', 'sent_at', 'state'],
        'payment.transaction': ['provider_id'],
        'res.partner': ['commercial_partner_id'],
    }

    @api.model
    def _rows(self, customers=None):
        """Override of `pay.now.customer.report.mixin`: the items of invoices, open or not."""
        return SQL(
            """
            SELECT line.id, line.move_id, contact.commercial_partner_id AS partner_id,
                   reminded.level_id, reminded.sent_at AS last_reminder,
                   promised.date AS promised_for, online.line_id IS NOT NULL AS is_paid_online
              FROM account_move_line line
              LEFT JOIN res_partner contact ON contact.id = line.partner_id
              LEFT JOIN %s reminded
                ON reminded.line_id = line.id
               AND reminded.partner_id = contact.commercial_partner_id + 0
              LEFT JOIN %s promised
                ON promised.line_id = line.id
               AND promised.partner_id = contact.commercial_partner_id + 0
              LEFT JOIN (
                  SELECT DISTINCT line_id FROM %s payment WHERE online
              ) online ON online.line_id = line.id
             WHERE line.display_type = 'payment_term'
            """,
            self._reminded(customers),
            self._promised(customers),
            self._payments(),
        )
