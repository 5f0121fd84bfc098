# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.account_pay_now import const


class PayNowReportMixin(models.AbstractModel):
    """What the queries of *Collection time* share; what each figure means is in doc/collection.md.

    Nothing is stored or written: each report is a query on the books of this moment, in the
    company's currency. What is joined gives one row for each key, so that PostgreSQL leaves out the
    joins of columns that nobody asks for.
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
    def _sold(self):
        """Return the invoices of Sales, see `account.move._pay_now_from_sales`; by `move_id`."""
        return SQL(
            """(
                SELECT DISTINCT line.move_id
                  FROM sale_order_line_invoice_rel rel
                  JOIN account_move_line line ON line.id = rel.invoice_line_id
            )"""
        )

    @api.model
    def _reminded(self):
        """Return what was sent about items, to who is their customer now; by `line_id`.

        As `pay.now.reminder._sent_levels` has it: the level is the highest one.
        """
        return SQL(
            """(
                SELECT DISTINCT ON (rel.line_id) rel.line_id, reminder.level_id,
                       max(reminder.sent_at) OVER (PARTITION BY rel.line_id) AS sent_at
                  FROM pay_now_reminder_item_rel rel
                  JOIN pay_now_reminder reminder ON reminder.id = rel.reminder_id
                  LEFT JOIN pay_now_reminder_level level ON level.id = reminder.level_id
                  JOIN res_partner customer ON customer.id = reminder.partner_id
                  JOIN account_move_line line ON line.id = rel.line_id
                  JOIN res_partner contact ON contact.id = line.partner_id
                 WHERE reminder.state IN ('sent', 'sending', 'uncertain')
                   AND contact.commercial_partner_id = customer.commercial_partner_id
                 ORDER BY rel.line_id, level.delay_days DESC NULLS LAST, level.id DESC
            )"""
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
    def _paid(self):
        """Return the items of invoices that are settled, by payments at least in part."""
        return SQL(
            """(
                SELECT line.id, line.move_id, line.company_id, line.company_currency_id,
                       contact.commercial_partner_id AS partner_id,
                       line.date_maturity, paid.date AS paid_on, paid.amount, paid.online_amount,
                       paid.commission, paid.date - line.date_maturity AS days_late
                  FROM account_move_line line
                  JOIN account_journal journal ON journal.id = line.journal_id
                  JOIN res_partner contact ON contact.id = line.partner_id
                  JOIN (
                      SELECT line_id, max(date) AS date, sum(amount) AS amount,
                             coalesce(sum(amount) FILTER (WHERE online), 0) AS online_amount,
                             sum(commission) AS commission
                        FROM %s payment
                       GROUP BY line_id
                  ) paid ON paid.line_id = line.id
                 WHERE line.display_type = 'payment_term' AND line.reconciled
                   AND line.parent_state = 'posted' AND journal.type = 'sale'
            )""",
            self._payments(),
        )

    @api.model
    def _habits(self):
        """Return how customers paid in the last twelve months; by `company_id` and `partner_id`."""
        return SQL(
            """(
                SELECT company_id, partner_id, avg(days_late) AS days_late,
                       sum(online_amount) / NULLIF(sum(amount), 0) AS online_share
                  FROM %s paid
                 WHERE paid_on > %s
                 GROUP BY company_id, partner_id
            )""",
            self._paid(),
            fields.Date.subtract(self._today(), years=1),
        )

    @api.model
    def _answers(self, kinds=tuple(dict(const.ANSWER_KINDS))):
        """Return what holds reminders of items back, said by who is their customer; by `line_id`.

        As `pay.now.answer._holding_domain` and `_own_items` have it: what is said about one item
        says nothing of the others.

        :param tuple kinds: codes of `const.ANSWER_KINDS`; of several answers the last one counts.
        """
        return SQL(
            """(
                SELECT DISTINCT ON (rel.line_id) rel.line_id, answer.id AS answer_id, answer.kind,
                       answer.date
                  FROM pay_now_answer_item_rel rel
                  JOIN pay_now_answer answer ON answer.id = rel.answer_id
                  JOIN res_partner customer ON customer.id = answer.partner_id
                  JOIN account_move_line line ON line.id = rel.line_id
                  JOIN res_partner contact ON contact.id = line.partner_id
                 WHERE answer.state = 'open' AND (answer.until IS NULL OR answer.until >= %s)
                   AND answer.kind IN %s
                   AND contact.commercial_partner_id = customer.commercial_partner_id
                 ORDER BY rel.line_id, answer.id DESC
            )""",
            self._today(),
            kinds,
        )

    @api.model
    def _promised(self):
        """Return the days that customers named for items, as long as that holds; by `line_id`."""
        return self._answers(('paid', 'promise'))
