# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL

from odoo.addons.account_pay_now import const


class PayNowChaseReport(models.Model):
    """Customers with overdue invoices, in the order in which to call them.

    First those whose answers do not hold back all that is overdue, the largest amount first: who
    has said something about one invoice owes the others all the same.
    """

    _name = 'pay.now.chase.report'
    _description = "Customers to chase"
    _inherit = ['pay.now.customer.report.mixin']
    _auto = False
    _rec_name = 'partner_id'
    _order = 'is_waiting, overdue_amount desc, id'

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    user_id = fields.Many2one(string="Salesperson", comodel_name='res.users', readonly=True)
    overdue_amount = fields.Monetary(string="Overdue", readonly=True)
    due_amount = fields.Monetary(
        string="Open in total", readonly=True, help="Overdue or not, of invoices."
    )
    invoice_count = fields.Integer(string="Overdue invoices", readonly=True)
    oldest_date = fields.Date(string="Oldest due date", readonly=True)
    days_late = fields.Integer(string="Days late", aggregator='max', readonly=True)
    level_id = fields.Many2one(comodel_name='pay.now.reminder.level', readonly=True)
    last_reminder = fields.Datetime(string="Last reminder", readonly=True)
    answer = fields.Selection(
        string="The customer said", selection=const.ANSWER_KINDS, readonly=True
    )
    answer_date = fields.Date(string="Promised for", readonly=True)
    is_waiting = fields.Boolean(string="Answer holds", readonly=True)
    usual_days_late = fields.Float(
        string="Usually late",
        aggregator='avg',
        readonly=True,
        digits=(16, 0),
        help="Days after the due date on which the customer paid, the mean of the last twelve"
        " months.",
    )
    has_paid = fields.Boolean(string="Has paid in the last twelve months", readonly=True)
    online_share = fields.Float(
        string="Paid online",
        aggregator='avg',
        readonly=True,
        help="The share of what was paid in the last twelve months.",
    )
    activity_date = fields.Date(string="Next activity", readonly=True)
    next_reminder = fields.Date(string="Next reminder", compute='_compute_next_reminder')
    phone = fields.Char(related='partner_id.phone')
    email = fields.Char(related='partner_id.email')
    activity_state = fields.Selection(related='partner_id.activity_state')

    _depends = {
        'account.move': ['move_type'],
        'account.move.line': [
            'amount_residual',
            'company_currency_id',
            'company_id',
            'date_maturity',
            'display_type',
            'journal_id',
            'parent_state',
            'partner_id',
            'payment_id',
            'reconciled',
        ],
        'account.partial.reconcile': ['amount', 'credit_move_id', 'debit_move_id'],
        'mail.activity': ['active', 'date_deadline', 'res_id', 'res_model'],
        'pay.now.answer': ['date', 'item_ids', 'kind', 'partner_id', 'state', 'until'],
        'pay.now.reminder': ['item_ids', 'level_id', 'partner_id', 'sent_at', 'state'],
        'payment.transaction': ['provider_id'],
        'res.partner': ['commercial_partner_id', 'user_id'],
    }

    # === COMPUTE METHODS === #

    @api.depends('partner_id', 'company_id')
    def _compute_next_reminder(self):
        for company, rows in self.grouped('company_id').items():
            found = rows.partner_id.with_company(company)._pay_now_next_reminders()
            for row in rows:
                row.next_reminder = found[row.partner_id.with_company(company)][1]

    # === ACTION METHODS === #

    def _opened(self):
        """Override of `pay.now.report.mixin`: the customer."""
        return self.partner_id

    def action_items(self):
        """Show what the customers owe, item by item.

        :return: a window action.
        :rtype: dict
        """
        return self.partner_id.action_pay_now_due_items()

    def action_answer(self):
        """Note what the customer says about all that is overdue, on the phone or by mail.

        :return: the action of the form.
        :rtype: dict
        """
        self.ensure_one()
        Line = self.env['account.move.line']
        lines = Line.search(
            Line._pay_now_open_items_domain()
            & Line._pay_now_of_domain(self.partner_id, self.company_id)
        )
        today = self._today()
        overdue = lines.filtered(lambda line: (line.date_maturity or line.date) < today)
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("The customer says"),
            'res_model': 'pay.now.answer',
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'default_company_id': self.company_id.id,
                'default_partner_id': self.partner_id.id,
                'default_item_ids': [Command.set(overdue.ids)],
            },
        }

    def action_remind(self):
        """Generate reminders to these customers: the list comes before anything is sent.

        :return: the action of the wizard.
        :rtype: dict
        """
        action = self.env['ir.actions.actions']._for_xml_id(
            'account_pay_now.action_pay_now_generate_reminders'
        )
        action['context'] = {
            'default_partner_ids': [Command.set(self.partner_id.ids)],
            'default_company_id': self.company_id.root_id[:1].id or self.env.company.id,
        }
        return action

    def action_statement(self):
        """Print or send the statements of account of these customers.

        :return: the action of the wizard.
        :rtype: dict
        """
        action = self.partner_id.action_pay_now_statement()
        if len(self.company_id.root_id) == 1:
            action['context']['default_company_id'] = self.company_id.root_id.id
        return action

    # === QUERIES === #

    @api.model
    def _rows(self, customers=None):
        """Override of `pay.now.customer.report.mixin`: the customers with something overdue."""
        return SQL(
            """
            SELECT debt.id, debt.partner_id, debt.company_id, debt.currency_id, customer.user_id,
                   debt.overdue_amount, debt.due_amount, debt.invoice_count, debt.oldest_date,
                   %(today)s - debt.oldest_date AS days_late, debt.level[2] AS level_id,
                   debt.last_reminder, debt.answer, debt.answer_date, debt.is_waiting,
                   habit.partner_id IS NOT NULL AS has_paid,
                   habit.days_late AS usual_days_late, habit.online_share,
                   activity.date AS activity_date
              FROM %(debts)s debt
              JOIN res_partner customer ON customer.id = debt.partner_id
              LEFT JOIN %(habits)s habit
                ON habit.company_id = debt.company_id + 0 AND habit.partner_id = debt.partner_id + 0
              LEFT JOIN (
                  SELECT res_id, min(date_deadline) AS date FROM mail_activity
                   WHERE res_model = 'res.partner' AND active
                   GROUP BY res_id
              ) activity ON activity.res_id = debt.partner_id
            """,
            today=SQL("%s::date", self._today()),
            debts=self._debts(customers),
            habits=self._habits(customers),
        )

    @api.model
    def _debts(self, customers):
        """Return what is overdue of invoices; by `company_id` and `partner_id`."""
        return SQL(
            """(
                SELECT min(line.id) AS id, contact.commercial_partner_id AS partner_id,
                       line.company_id, line.company_currency_id AS currency_id,
                       sum(line.amount_residual) AS due_amount,
                       sum(line.amount_residual) FILTER (WHERE late.late) AS overdue_amount,
                       count(DISTINCT line.move_id) FILTER (WHERE late.late) AS invoice_count,
                       min(line.date_maturity) AS oldest_date,
                       max(reminded.sent_at) AS last_reminder,
                       max(ARRAY[level.delay_days, level.id])
                       FILTER (WHERE level.id IS NOT NULL) AS level,
                       (array_agg(said.kind ORDER BY said.answer_id DESC)
                        FILTER (WHERE said.answer_id IS NOT NULL))[1] AS answer,
                       (array_agg(said.date ORDER BY said.answer_id DESC)
                        FILTER (WHERE said.answer_id IS NOT NULL))[1] AS answer_date,
                       bool_and(said.answer_id IS NOT NULL) FILTER (WHERE late.late) AS is_waiting
                  %(items)s
                 GROUP BY contact.commercial_partner_id, line.company_id, line.company_currency_id
                HAVING bool_or(late.late)
            )""",
            items=self._open_items(customers),
        )

    @api.model
    def _open_items(self, customers):
        """Return what `_debts` adds up: open items, with what was sent and said about each."""
        return SQL(
            """
             FROM account_move_line line
             JOIN account_move move ON move.id = line.move_id
             JOIN res_partner contact ON contact.id = line.partner_id
            CROSS JOIN LATERAL (SELECT line.date_maturity < %(today)s AS late) late
             LEFT JOIN %(reminded)s reminded
               ON reminded.line_id = line.id
              AND reminded.partner_id = contact.commercial_partner_id + 0
             LEFT JOIN pay_now_reminder_level level ON level.id = reminded.level_id
             LEFT JOIN %(answers)s said
               ON said.line_id = line.id
              AND said.partner_id = contact.commercial_partner_id + 0
            WHERE line.display_type = 'payment_term' AND line.reconciled IS NOT TRUE
              AND line.parent_state = 'posted' AND line.amount_residual > 0
              AND line.account_id IN %(accounts)s AND move.move_type = 'out_invoice'
              AND %(among)s
            """,
            today=SQL("%s::date", self._today()),
            reminded=self._reminded(customers),
            answers=self._answers(customers),
            accounts=self._receivable_accounts(),
            among=self._among(SQL('contact.commercial_partner_id'), customers),
        )
