# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.account_pay_now import const

#: How long overdue; in the order of their keys.
AGES = [
    ('0_not_due', "Not due"),
    ('1_30', "1–30 days"),
    ('31_60', "31–60 days"),
    ('61_90', "61–90 days"),
    ('91_more', "More than 90 days"),
]


class PayNowDueReport(models.Model):
    """What customers owe, by age: the open items of the receivable accounts.

    All of it is the balance of these accounts: credit notes and unmatched payments count negative.
    """

    _name = 'pay.now.due.report'
    _description = "Due items by age"
    _inherit = ['pay.now.customer.report.mixin']
    _auto = False
    _rec_name = 'move_id'
    _order = 'date_maturity, id'

    move_id = fields.Many2one(string="Entry", comodel_name='account.move', readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    invoice_user_id = fields.Many2one(string="Salesperson", comodel_name='res.users', readonly=True)
    application = fields.Selection(selection=const.APPLICATIONS, readonly=True)
    level_id = fields.Many2one(
        string="Reminder level", comodel_name='pay.now.reminder.level', readonly=True
    )
    last_reminder = fields.Datetime(string="Last reminder", readonly=True)
    kind = fields.Selection(
        selection=[
            ('invoice', "Invoices"),
            ('credit_note', "Credit notes"),
            ('other', "Payments and other entries"),
        ],
        readonly=True,
    )
    age = fields.Selection(selection=AGES, readonly=True)
    date_maturity = fields.Date(string="Due date", readonly=True)
    days_late = fields.Integer(
        string="Days late",
        aggregator='avg',
        readonly=True,
        help="Since the due date; negative before it.",
    )
    amount_residual = fields.Monetary(string="Amount due", readonly=True)
    expected_date = fields.Date(
        string="Expected on",
        readonly=True,
        help="The day that the customer named, else the due date and as many days as the customer"
        " was late on average in the last twelve months (customers without a payment: as all of"
        " the company's). Never before today. An estimate: nobody has promised it.",
    )

    _depends = {
        'account.move': ['commercial_partner_id', 'invoice_user_id', 'move_type'],
        'account.move.line': [
            'account_id',
            'amount_residual',
            'company_currency_id',
            'company_id',
            'date',
            'date_maturity',
            'parent_state',
            'partner_id',
            'reconciled',
        ],
        'account.partial.reconcile': ['amount', 'credit_move_id', 'debit_move_id'],
        'pay.now.answer': ['date', 'item_ids', 'kind', 'partner_id', 'state', 'until'],
        'pay.now.reminder': ['item_ids', 'level_id', 'partner_id', 'sent_at', 'state'],
        'payment.transaction': ['provider_id'],
        'res.partner': ['commercial_partner_id'],
        'sale.order.line': ['invoice_lines'],
    }

    @api.model
    def _rows(self, customers=None):
        """Override of `pay.now.customer.report.mixin`: the open items."""
        return SQL(
            """
            WITH habit AS MATERIALIZED (
                SELECT company_id, partner_id, days_late FROM %(habits)s habit
            ),
            usual AS MATERIALIZED (
                SELECT company_id, avg(days_late) AS days_late FROM habit GROUP BY company_id
            )
            %(select)s %(source)s %(where)s
            """,
            habits=self._habits(),
            select=self._select(),
            source=self._from(customers),
            where=self._where(),
        )

    @api.model
    def _select(self):
        return SQL(
            """
            SELECT line.id, line.move_id, contact.commercial_partner_id AS partner_id,
                   line.company_id, line.company_currency_id AS currency_id, move.invoice_user_id,
                   CASE WHEN %(is_sold)s THEN 'sales' ELSE 'accounting' END AS application,
                   reminded.level_id, reminded.sent_at AS last_reminder,
                   CASE move.move_type WHEN 'out_invoice' THEN 'invoice'
                        WHEN 'out_refund' THEN 'credit_note' ELSE 'other' END AS kind,
                   CASE WHEN due.date >= %(today)s THEN '0_not_due'
                        WHEN due.date >= %(today)s - 30 THEN '1_30'
                        WHEN due.date >= %(today)s - 60 THEN '31_60'
                        WHEN due.date >= %(today)s - 90 THEN '61_90'
                        ELSE '91_more' END AS age,
                   due.date AS date_maturity, %(today)s - due.date AS days_late,
                   line.amount_residual,
                   greatest(%(today)s, coalesce(promised.date, due.date + round(coalesce(
                       own.days_late,
                       (SELECT days_late FROM usual WHERE usual.company_id = line.company_id),
                       0
                   ))::int)) AS expected_date
            """,
            today=SQL("%s::date", self._today()),
            is_sold=self._is_sold(SQL('line.move_id')),
        )

    @api.model
    def _from(self, customers):
        own = self._habits(customers) if customers else SQL('habit')
        return SQL(
            """
            FROM account_move_line line
            LEFT JOIN account_move move ON move.id = line.move_id
            CROSS JOIN LATERAL (SELECT coalesce(line.date_maturity, line.date) AS date) due
            LEFT JOIN res_partner contact ON contact.id = line.partner_id
            LEFT JOIN %(reminded)s reminded
              ON reminded.line_id = line.id
             AND reminded.partner_id = contact.commercial_partner_id + 0
            LEFT JOIN %(promised)s promised
              ON promised.line_id = line.id
             AND promised.partner_id = contact.commercial_partner_id + 0
            LEFT JOIN (
                SELECT company_id, partner_id, max(days_late) AS days_late FROM %(own)s own
                 GROUP BY company_id, partner_id
            ) own
              ON own.company_id = line.company_id + 0
             AND own.partner_id = contact.commercial_partner_id + 0
            """,
            reminded=self._reminded(customers),
            promised=self._promised(customers),
            own=own,
        )

    @api.model
    def _where(self):
        return SQL(
            """
            WHERE line.parent_state = 'posted' AND line.reconciled IS NOT TRUE
              AND line.amount_residual <> 0 AND line.account_id IN %s
            """,
            self._receivable_accounts(),
        )
