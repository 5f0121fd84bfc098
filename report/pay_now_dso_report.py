# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import SQL

#: How many months are shown, and how far each counts back.
MONTHS, MONTHS_BACK = 12, 36


class PayNowDsoReport(models.Model):
    """Days sales outstanding by countback, at the end of each of the last twelve months.

    What customers owe is counted back against the sales of the month, of the one before it, and so
    on: as many days as it takes to use it up.
    """

    _name = 'pay.now.dso.report'
    _description = "Days sales outstanding"
    _inherit = ['pay.now.report.mixin']
    _auto = False
    _rec_name = 'date'
    _order = 'date desc, company_id'

    date = fields.Date(
        string="Month", readonly=True, help="Its last day; of the running month, today."
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    balance = fields.Monetary(
        string="Owed by customers",
        aggregator='avg',
        readonly=True,
        help="The balance of the receivable accounts on that day.",
    )
    sales = fields.Monetary(
        string="Invoiced",
        readonly=True,
        help="In that month, less credit notes, taxes included.",
    )
    dso = fields.Float(string="DSO in days", aggregator='avg', readonly=True, digits=(16, 1))

    _depends = {
        'account.move.line': [
            'account_id',
            'balance',
            'company_id',
            'date',
            'display_type',
            'journal_id',
            'parent_state',
        ],
        'res.company': ['currency_id'],
    }

    def _opened(self):
        """Override of `pay.now.report.mixin`: the company's own contact."""
        return self.company_id.partner_id

    @property
    def _table_query(self):
        return SQL(
            """
            WITH %s
            SELECT month.company_id * 10000 + extract(year FROM month.first)::int * 12
                   - 24000 + extract(month FROM month.first)::int AS id,
                   month.last AS date, month.company_id, company.currency_id, month.balance,
                   month.sales, coalesce(counted.days, 0) AS dso
              FROM month
              JOIN res_company company ON company.id = month.company_id
              LEFT JOIN (%s) counted
                ON counted.company_id = month.company_id AND counted.first = month.first
             WHERE month.number < %s
            """,
            self._months(),
            self._counted(),
            MONTHS,
        )

    @api.model
    def _months(self):
        """Return balance and sales of each month since a company's first entry."""
        return SQL(
            """
            booked AS (
                SELECT line.company_id, date_trunc('month', line.date)::date AS first,
                       sum(line.balance) AS change,
                       sum(line.balance) FILTER (
                           WHERE line.display_type = 'payment_term' AND journal.type = 'sale'
                       ) AS sales
                  FROM account_move_line line
                  JOIN account_journal journal ON journal.id = line.journal_id
                 WHERE line.parent_state = 'posted' AND line.date <= %(today)s
                   AND line.account_id IN %(accounts)s
                 GROUP BY 1, 2
            ),
            month AS (
                SELECT since.company_id, first.day AS first,
                       least((first.day + interval '1 month')::date - 1, %(today)s) AS last,
                       row_number() OVER backwards - 1 AS number,
                       sum(coalesce(booked.change, 0)) OVER (
                           PARTITION BY since.company_id ORDER BY first.day
                       ) AS balance,
                       coalesce(booked.sales, 0) AS sales
                  FROM (SELECT company_id, min(first) AS first FROM booked GROUP BY 1) since
                  CROSS JOIN LATERAL (
                      SELECT day::date FROM generate_series(
                          since.first, date_trunc('month', %(today)s), interval '1 month'
                      ) day
                  ) first
                  LEFT JOIN booked
                    ON booked.company_id = since.company_id AND booked.first = first.day
                WINDOW backwards AS (PARTITION BY since.company_id ORDER BY first.day DESC)
            )
            """,
            today=SQL("%s::date", self._today()),
            accounts=self._receivable_accounts(),
        )

    @api.model
    def _counted(self):
        """Return the days of each month's end: whole months as long as more is owed than sold."""
        return SQL(
            """
            SELECT company_id, first, sum(
                       CASE WHEN left_over <= 0 THEN 0
                            WHEN left_over >= sales THEN days
                            ELSE days * left_over / sales END
                   ) AS days
              FROM (
                  SELECT ends.company_id, ends.first, back.last - back.first + 1 AS days,
                         greatest(back.sales, 0) AS sales,
                         ends.balance - coalesce(sum(greatest(back.sales, 0)) OVER (
                             PARTITION BY ends.company_id, ends.first ORDER BY back.first DESC
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                         ), 0) AS left_over
                    FROM month ends
                    JOIN month back ON back.company_id = ends.company_id
                     AND back.number BETWEEN ends.number AND ends.number + %s - 1
                   WHERE ends.number < %s
              ) step
             GROUP BY company_id, first
            """,
            MONTHS_BACK,
            MONTHS,
        )
