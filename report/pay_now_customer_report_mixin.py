# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.query import Query

from odoo.addons.account_pay_now import const

#: What record rules are about: it comes with a page, so that it is not asked for once more.
RULED = ('company_id', 'invoice_user_id', 'kind', 'run_id')


class PayNowCustomerReportMixin(models.AbstractModel):
    """What the queries of what customers owe and paid share, which are fast with many invoices.

    What is joined gives one row for each key, so that PostgreSQL leaves out the joins of columns
    that nobody asks for. In these joins company and customer of a row are `+ 0`: where one of them
    is searched for, PostgreSQL would put its value in their place, and no longer see that the key
    is complete (doc/adr/027).
    """

    _name = 'pay.now.customer.report.mixin'
    _description = "Query of what customers owe and paid"
    _inherit = ['pay.now.report.mixin']

    partner_id = fields.Many2one(string="Customer", comodel_name='res.partner', readonly=True)

    # === READING === #

    def _fetch_query(self, query, fields):
        """Override of the ORM: what a page shows is worked out for the customers of this page.

        Which rows it has, and in which order, is asked first: PostgreSQL leaves out of that what
        neither the search nor the order is about.
        """
        rows = self.env.execute_query(
            query.select(*(SQL.identifier(self._table, name) for name in ('id', 'partner_id')))
        )
        if not rows:
            return self.browse()
        ids, partner_ids = zip(*rows, strict=True)
        page = Query(
            self.env,
            self._table,
            SQL(
                '(%s)',
                self._rows(tuple(set(partner_ids) - {None}) or (0,)),
                to_flush=self._table_sql.to_flush,
            ),
        )
        page.set_result_ids(ids)
        ruled = (self._fields[name] for name in RULED if name in self._fields)
        return super()._fetch_query(page, list(dict.fromkeys([*fields, *ruled])))

    # === QUERIES === #

    @property
    def _table_query(self):
        return self._rows()

    @api.model
    def _rows(self, customers=None):
        """Return the query of the rows.

        :param tuple customers: ids of the commercial entities whose rows are asked for, whatever
            comes with them; none for all rows.
        :rtype: SQL
        """
        raise NotImplementedError

    @api.model
    def _among(self, column, customers):
        """Return the condition that a customer is one of these, if any are given."""
        return SQL('%s IN %s', column, customers) if customers else SQL('TRUE')

    @api.model
    def _is_sold(self, move):
        """Return whether an invoice is one of Sales, see `account.move._pay_now_from_sales`."""
        return SQL(
            """EXISTS (
                SELECT FROM sale_order_line_invoice_rel rel
                  JOIN account_move_line line ON line.id = rel.invoice_line_id
                 WHERE line.move_id = %s
            )""",
            move,
        )

    @api.model
    def _reminded(self, customers=None):
        """Return what was sent about items to whom; by `line_id` and `partner_id`.

        As `pay.now.reminder._sent_levels` has it: the level is the highest one, and what counts is
        what was sent to who is the item's customer now.
        """
        return SQL(
            """(
                SELECT rel.line_id, customer.commercial_partner_id AS partner_id,
                       max(reminder.sent_at) AS sent_at,
                       (max(ARRAY[level.delay_days, level.id])
                        FILTER (WHERE level.id IS NOT NULL))[2] AS level_id
                  FROM pay_now_reminder_item_rel rel
                  JOIN pay_now_reminder reminder ON reminder.id = rel.reminder_id
                  JOIN res_partner customer ON customer.id = reminder.partner_id
                  LEFT JOIN pay_now_reminder_level level ON level.id = reminder.level_id
                 WHERE reminder.state IN ('sent', 'sending', 'uncertain') AND %s
                 GROUP BY rel.line_id, customer.commercial_partner_id
            )""",
            self._among(SQL('customer.commercial_partner_id'), customers),
        )

    @api.model
    def _payments(self):
        """Return what was paid of items of customers, by the bank's and the providers' journals.

        No credit notes, no write-offs, no exchange differences. Of a payment of ours, its part of
        the commission.
        """
        return SQL(
            """(
                SELECT partial.id, partial.debit_move_id AS line_id, partial.amount, credit.date,
                       provider.id IS NOT NULL AS online,
                       CASE WHEN provider.id IS NOT NULL
                            THEN tx.pay_now_commission * partial.amount / NULLIF(tx.amount, 0)
                       END AS commission
                  FROM account_partial_reconcile partial
                  JOIN account_move_line credit ON credit.id = partial.credit_move_id
                  JOIN account_journal journal ON journal.id = credit.journal_id
                  LEFT JOIN account_payment payment ON payment.id = credit.payment_id
                  LEFT JOIN payment_transaction tx ON tx.id = payment.payment_transaction_id
                  LEFT JOIN payment_provider provider
                    ON provider.id = tx.provider_id AND provider.code IN %s
                 WHERE journal.type IN ('bank', 'cash', 'credit')
            )""",
            tuple(const.PROVIDER_CODES),
        )

    @api.model
    def _paid(self, customers=None):
        """Return the items of invoices that are settled, by payments at least in part.

        Payments are looked up item by item: PostgreSQL cannot know how many items are left of
        what it is asked for, and errs by orders of magnitude where it joins their sums.
        """
        return SQL(
            """(
                SELECT line.id, line.move_id, line.company_id, line.company_currency_id,
                       contact.commercial_partner_id AS partner_id,
                       line.date_maturity, paid.date AS paid_on, paid.amount, paid.online_amount,
                       paid.commission, paid.date - line.date_maturity AS days_late
                  FROM account_move_line line
                  JOIN account_journal journal ON journal.id = line.journal_id
                  JOIN res_partner contact ON contact.id = line.partner_id
                 CROSS JOIN LATERAL (
                      SELECT max(date) AS date, sum(amount) AS amount,
                             coalesce(sum(amount) FILTER (WHERE online), 0) AS online_amount,
                             sum(commission) AS commission
                        FROM %s payment
                       WHERE payment.line_id = line.id
                 ) paid
                 WHERE line.display_type = 'payment_term' AND line.reconciled
                   AND line.parent_state = 'posted' AND journal.type = 'sale'
                   AND paid.date IS NOT NULL AND %s
            )""",
            self._payments(),
            self._among(SQL('contact.commercial_partner_id'), customers),
        )

    @api.model
    def _habits(self, customers=None):
        """Return how customers paid in the last twelve months; by `company_id` and `partner_id`."""
        return SQL(
            """(
                SELECT company_id, partner_id, avg(days_late) AS days_late,
                       sum(online_amount) / NULLIF(sum(amount), 0) AS online_share
                  FROM %s paid
                 WHERE paid_on > %s
                 GROUP BY company_id, partner_id
            )""",
            self._paid(customers),
            fields.Date.subtract(self._today(), years=1),
        )

    @api.model
    def _answers(self, customers=None, kinds=tuple(dict(const.ANSWER_KINDS))):
        """Return what holds reminders of items back, said by whom; by `line_id` and `partner_id`.

        As `pay.now.answer._holding_domain` and `_own_items` have it: what is said about one item
        says nothing of the others, and what counts is what the item's customer of now has said.

        :param tuple customers: see `_rows`.
        :param tuple kinds: codes of `const.ANSWER_KINDS`; of several answers the last one counts.
        """
        return SQL(
            """(
                SELECT DISTINCT ON (rel.line_id, customer.commercial_partner_id) rel.line_id,
                       customer.commercial_partner_id AS partner_id, answer.id AS answer_id,
                       answer.kind, answer.date
                  FROM pay_now_answer_item_rel rel
                  JOIN pay_now_answer answer ON answer.id = rel.answer_id
                  JOIN res_partner customer ON customer.id = answer.partner_id
                 WHERE answer.state = 'open' AND (answer.until IS NULL OR answer.until >= %s)
                   AND answer.kind IN %s AND %s
                 ORDER BY rel.line_id, customer.commercial_partner_id, answer.id DESC
            )""",
            self._today(),
            kinds,
            self._among(SQL('customer.commercial_partner_id'), customers),
        )

    @api.model
    def _promised(self, customers=None):
        """Return the days that customers named for items, as long as that holds.

        By `line_id` and `partner_id`.
        """
        return self._answers(customers, ('paid', 'promise'))
