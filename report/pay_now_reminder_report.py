# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.account_pay_now.models.collection.payment_transaction import REMINDER_PAGE


class PayNowReminderReport(models.Model):
    """What came of the reminders that were sent.

    A payment counts with the last reminder about its item that was sent before it, or on the same
    day: what several reminders were sent about counts once.
    """

    _name = 'pay.now.reminder.report'
    _description = "Effect of reminders"
    _inherit = ['pay.now.customer.report.mixin']
    _auto = False
    _rec_name = 'reminder_id'
    _order = 'date desc, id desc'

    reminder_id = fields.Many2one(comodel_name='pay.now.reminder', readonly=True)
    run_id = fields.Many2one(comodel_name='pay.now.reminder.run', readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    user_id = fields.Many2one(string="Salesperson", comodel_name='res.users', readonly=True)
    level_id = fields.Many2one(comodel_name='pay.now.reminder.level', readonly=True)
    date = fields.Date(string="Sent on", readonly=True, help="In the company's time zone.")
    channel = fields.Selection(
        string="By", selection=[('email', "E-mail"), ('letter', "Letter")], readonly=True
    )
    button = fields.Selection(
        selection=[
            ('button', "With a button"),
            ('held_out', "Held out"),
            ('none', "Without a button"),
        ],
        readonly=True,
        help="Held out: without a button by chance, see the settings. Only these are comparable"
        " with the reminders that have one.",
    )
    paid_by = fields.Selection(
        string="How it was paid",
        selection=[
            ('online', "Online"),
            ('both', "Online in part"),
            ('other', "By transfer or otherwise"),
            ('nothing', "Nothing yet"),
        ],
        readonly=True,
    )
    amount = fields.Monetary(string="Reminded of", readonly=True)
    paid = fields.Monetary(string="Paid after it", readonly=True)
    paid_online = fields.Monetary(string="Paid online", readonly=True)
    paid_other = fields.Monetary(string="Paid by transfer or otherwise", readonly=True)
    paid_7 = fields.Monetary(string="Paid within 7 days", readonly=True)
    paid_14 = fields.Monetary(string="Paid within 14 days", readonly=True)
    paid_30 = fields.Monetary(string="Paid within 30 days", readonly=True)
    share_7 = fields.Float(
        string="Share within 7 days",
        aggregator='avg',
        readonly=True,
        help="The mean of the reminders that were sent at least 7 days ago.",
    )
    share_14 = fields.Float(
        string="Share within 14 days",
        aggregator='avg',
        readonly=True,
        help="The mean of the reminders that were sent at least 14 days ago.",
    )
    share_30 = fields.Float(
        string="Share within 30 days",
        aggregator='avg',
        readonly=True,
        help="The mean of the reminders that were sent at least 30 days ago.",
    )
    days = fields.Float(
        string="Days to payment",
        aggregator='avg',
        readonly=True,
        help="From the reminder to what was paid, by amount. Of reminders that something was paid"
        " after.",
    )
    started = fields.Integer(
        string="Payments started",
        readonly=True,
        help="On the page of the reminder.",
    )
    opened = fields.Integer(
        string="Page opened",
        readonly=True,
        help="The page of the reminder was in somebody's sight, as far as its script can tell.",
    )
    share_opened = fields.Float(
        string="Share opened",
        aggregator='avg',
        readonly=True,
        help="The mean of the reminders that have a button: the others have no page.",
    )

    _depends = {
        'account.move.line': ['date', 'journal_id', 'partner_id', 'payment_id'],
        'account.partial.reconcile': ['amount', 'credit_move_id', 'debit_move_id'],
        'account.payment': ['payment_transaction_id'],
        'payment.transaction': ['amount', 'pay_now_page_url', 'provider_id'],
        'pay.now.reminder': [
            'amount_due',
            'channel',
            'company_id',
            'has_button',
            'item_ids',
            'level_id',
            'opened_at',
            'partner_id',
            'reason_codes',
            'run_id',
            'sent_at',
            'state',
        ],
        'res.company': ['currency_id'],
        'res.partner': ['commercial_partner_id', 'tz', 'user_id'],
    }

    def _opened(self):
        """Override of `pay.now.report.mixin`: the reminder."""
        return self.reminder_id

    @api.model
    def _rows(self, customers=None):
        """Override of `pay.now.customer.report.mixin`: the reminders that were sent."""
        return SQL('%s %s', self._select(), self._from(self._sent(customers)))

    @api.model
    def _sent(self, customers):
        """Return the reminders that were sent, with the day in their company's time zone."""
        return SQL(
            """(
                SELECT reminder.*, (
                           reminder.sent_at AT TIME ZONE 'UTC'
                           AT TIME ZONE coalesce(place.tz, calendar.tz, 'UTC')
                       )::date AS day, company.currency_id AS currency_id,
                       customer.commercial_partner_id AS customer_id
                  FROM pay_now_reminder reminder
                  JOIN res_partner customer ON customer.id = reminder.partner_id
                  JOIN res_company company ON company.id = reminder.company_id
                  JOIN res_partner place ON place.id = company.partner_id
                  LEFT JOIN resource_calendar calendar
                    ON calendar.id = company.resource_calendar_id
                 WHERE reminder.state = 'sent' AND reminder.sent_at IS NOT NULL AND %s
            )""",
            self._among(SQL('customer.commercial_partner_id'), customers),
        )

    @api.model
    def _paid_after(self, sent):
        """Return what was paid after each reminder; by `reminder_id`."""
        return SQL(
            """(
                SELECT reminder_id, sum(amount) AS amount, sum(amount * days) AS weighed,
                       coalesce(sum(amount) FILTER (WHERE online), 0) AS online,
                       coalesce(sum(amount) FILTER (WHERE days <= 7), 0) AS within_7,
                       coalesce(sum(amount) FILTER (WHERE days <= 14), 0) AS within_14,
                       coalesce(sum(amount) FILTER (WHERE days <= 30), 0) AS within_30
                  FROM (
                      SELECT DISTINCT ON (payment.id) sent.id AS reminder_id, payment.amount,
                             payment.online, payment.date - sent.day AS days
                        FROM %(sent)s sent
                        JOIN pay_now_reminder_item_rel rel ON rel.reminder_id = sent.id
                        JOIN account_move_line line ON line.id = rel.line_id
                        JOIN res_partner contact ON contact.id = line.partner_id
                         AND contact.commercial_partner_id = sent.customer_id
                        JOIN %(payments)s payment
                          ON payment.line_id = rel.line_id AND payment.date >= sent.day
                       ORDER BY payment.id, sent.day DESC, sent.id DESC
                  ) attributed
                 GROUP BY reminder_id
            )""",
            sent=sent,
            payments=self._payments(),
        )

    @api.model
    def _select(self):
        shares = SQL(", ").join(
            SQL(
                "CASE WHEN sent.day <= %s::date - %s AND sent.amount_due > 0"
                " THEN least(coalesce(%s, 0) / sent.amount_due, 1) END AS %s",
                self._today(),
                days,
                SQL.identifier('paid', f'within_{days}'),
                SQL.identifier(f'share_{days}'),
            )
            for days in (7, 14, 30)
        )
        return SQL(
            """
            SELECT sent.id, sent.id AS reminder_id, sent.run_id, sent.customer_id AS partner_id,
                   sent.company_id, sent.currency_id, owner.user_id,
                   sent.level_id, sent.day AS date, sent.channel,
                   CASE WHEN sent.has_button THEN 'button'
                        WHEN sent.reason_codes @> '[["hold_out"]]' THEN 'held_out'
                        ELSE 'none' END AS button,
                   CASE WHEN coalesce(paid.amount, 0) = 0 THEN 'nothing'
                        WHEN paid.online = 0 THEN 'other'
                        WHEN paid.online = paid.amount THEN 'online' ELSE 'both' END AS paid_by,
                   sent.amount_due AS amount, coalesce(paid.amount, 0) AS paid,
                   coalesce(paid.online, 0) AS paid_online,
                   coalesce(paid.amount - paid.online, 0) AS paid_other,
                   coalesce(paid.within_7, 0) AS paid_7, coalesce(paid.within_14, 0) AS paid_14,
                   coalesce(paid.within_30, 0) AS paid_30, %s,
                   paid.weighed / NULLIF(paid.amount, 0) AS days,
                   coalesce(started.number, 0) AS started,
                   (sent.opened_at IS NOT NULL)::int AS opened,
                   CASE WHEN sent.has_button
                        THEN (sent.opened_at IS NOT NULL)::int::float END AS share_opened
            """,
            shares,
        )

    @api.model
    def _from(self, sent):
        return SQL(
            """
            FROM %(sent)s sent
            LEFT JOIN res_partner owner ON owner.id = sent.customer_id
            LEFT JOIN %(paid)s paid ON paid.reminder_id = sent.id
            LEFT JOIN (
                SELECT substring(pay_now_page_url FROM %(page)s)::int AS reminder_id,
                       count(*) AS number
                  FROM payment_transaction
                 WHERE pay_now_page_url ~ %(page)s
                 GROUP BY 1
            ) started ON started.reminder_id = sent.id
            """,
            sent=sent,
            paid=self._paid_after(sent),
            page=REMINDER_PAGE,
        )
