# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.account_pay_now import const


class PayNowPaidReport(models.Model):
    """How long customers took to pay: the items of invoices that are settled by payments.

    Commission against days: what a payment online cost, and what it would have cost to wait as long
    as the same customer does otherwise. Who has never paid otherwise is not compared.
    """

    _name = 'pay.now.paid.report'
    _description = "Paid invoices"
    _inherit = ['pay.now.customer.report.mixin']
    _auto = False
    _rec_name = 'move_id'
    _order = 'paid_on desc, id desc'

    move_id = fields.Many2one(string="Invoice", comodel_name='account.move', readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    invoice_user_id = fields.Many2one(string="Salesperson", comodel_name='res.users', readonly=True)
    application = fields.Selection(selection=const.APPLICATIONS, readonly=True)
    level_id = fields.Many2one(
        string="Reminder level",
        comodel_name='pay.now.reminder.level',
        readonly=True,
        help="The highest level that a reminder was sent at about this invoice.",
    )
    how = fields.Selection(
        string="How it was paid",
        selection=[
            ('online', "Online"),
            ('both', "Online in part"),
            ('other', "By transfer or otherwise"),
        ],
        readonly=True,
    )
    since = fields.Selection(
        string="Invoiced",
        selection=[('before', "Before the sign-up"), ('later', "Since the sign-up")],
        readonly=True,
        help="Before or since the company signed up for online payment.",
    )
    invoice_date = fields.Date(string="Invoice date", readonly=True)
    date_maturity = fields.Date(string="Due date", readonly=True)
    paid_on = fields.Date(string="Paid on", readonly=True, help="The day of the last payment.")
    days_to_pay = fields.Float(
        string="Days to pay",
        aggregator='avg',
        readonly=True,
        help="From the invoice to its last payment. The mean of the items, whatever their amount.",
    )
    days_late = fields.Float(
        string="Days late",
        aggregator='avg',
        readonly=True,
        help="From the due date to the last payment; negative when paid before it.",
    )
    amount = fields.Monetary(string="Paid amount", readonly=True)
    online_amount = fields.Monetary(string="Paid online", readonly=True)
    other_amount = fields.Monetary(string="Paid by transfer or otherwise", readonly=True)
    commission = fields.Monetary(readonly=True)
    is_compared = fields.Boolean(
        string="Compared",
        readonly=True,
        help="Paid online by a customer who has paid otherwise, too.",
    )
    days_saved = fields.Float(
        string="Days earlier",
        aggregator='avg',
        readonly=True,
        help="Paid online: how much earlier than the same customer pays otherwise, on average."
        " Empty for customers who never paid otherwise. A difference, not a cause: who has the"
        " money at hand may choose to pay online.",
    )
    saved = fields.Monetary(
        string="Worth of the days",
        readonly=True,
        help="Amount × days earlier × the company's cost of capital / 365.",
    )
    gain = fields.Monetary(
        string="Worth less commission",
        readonly=True,
        help="Only of invoices that are compared.",
    )

    _depends = {
        'account.move': ['invoice_date', 'invoice_user_id'],
        'account.move.line': [
            'company_currency_id',
            'company_id',
            'date',
            'date_maturity',
            'display_type',
            'journal_id',
            'parent_state',
            'partner_id',
            'payment_id',
            'reconciled',
        ],
        'account.partial.reconcile': ['amount', 'credit_move_id', 'debit_move_id'],
        'account.payment': ['payment_transaction_id'],
        'payment.transaction': ['amount', 'pay_now_commission', 'provider_id'],
        'pay.now.reminder': ['item_ids', 'level_id', 'partner_id', 'sent_at', 'state'],
        'res.company': ['pay_now_capital_cost', 'pay_now_signup_date'],
        'res.partner': ['commercial_partner_id'],
        'sale.order.line': ['invoice_lines'],
    }

    @api.model
    def _rows(self, customers=None):
        """Override of `pay.now.customer.report.mixin`: the items that were paid."""
        return SQL('%s %s', self._select(), self._from(customers))

    @api.model
    def _select(self):
        return SQL(
            """
            SELECT paid.id, paid.move_id, paid.partner_id, paid.company_id,
                   paid.company_currency_id AS currency_id, move.invoice_user_id,
                   CASE WHEN %s THEN 'sales' ELSE 'accounting' END AS application,
                   reminded.level_id,
                   CASE WHEN paid.online_amount = 0 THEN 'other'
                        WHEN paid.online_amount = paid.amount THEN 'online' ELSE 'both' END AS how,
                   CASE WHEN move.invoice_date >= company.pay_now_signup_date::date THEN 'later'
                        ELSE 'before' END AS since,
                   move.invoice_date, paid.date_maturity, paid.paid_on,
                   paid.paid_on - move.invoice_date AS days_to_pay, paid.days_late,
                   paid.amount, paid.online_amount,
                   paid.amount - paid.online_amount AS other_amount,
                   paid.commission, compared.days AS days_saved,
                   compared.days IS NOT NULL AS is_compared, compared.worth AS saved,
                   compared.worth - coalesce(paid.commission, 0) AS gain
            """,
            self._is_sold(SQL('paid.move_id')),
        )

    @api.model
    def _from(self, customers):
        return SQL(
            """
            FROM (
                SELECT *, avg(days_late) FILTER (WHERE online_amount = 0)
                          OVER (PARTITION BY company_id, partner_id) AS days_otherwise
                  FROM %(paid)s paid
            ) paid
            JOIN account_move move ON move.id = paid.move_id
            JOIN res_company company ON company.id = paid.company_id
            LEFT JOIN %(reminded)s reminded
              ON reminded.line_id = paid.id AND reminded.partner_id = paid.partner_id + 0
            CROSS JOIN LATERAL (
                SELECT CASE WHEN paid.online_amount > 0
                            THEN paid.days_otherwise - paid.days_late END AS days
            ) earlier
            CROSS JOIN LATERAL (
                SELECT earlier.days, paid.online_amount * earlier.days
                       * company.pay_now_capital_cost::numeric / 36500 AS worth
            ) compared
            WHERE move.move_type = 'out_invoice'
            """,
            paid=self._paid(customers),
            reminded=self._reminded(customers),
        )
