# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.account_pay_now import const

#: Kind of a row -> the model of its record. The position tells the rows' ids apart.
RECORDS = {
    'discrepancy': 'pay.now.discrepancy',
    'dispute': 'pay.now.dispute',
    'movement': 'pay.now.movement',
    'payout': 'pay.now.payout',
    'event': 'pay.now.event',
    'reminder': 'pay.now.reminder',
    'answer': 'pay.now.answer',
    'letter': 'pay.now.reminder.run',
    'notice': 'account.move',
    'buyer': 'account.move',
    'plan': 'pay.now.plan',
    'statement': 'pay.now.customer.statement',
}
#: What the books may refuse.
BOOKED = ('discrepancy', 'dispute', 'payout')
#: What tells of a record what it is about, and what is the matter.
TEXTS = {
    'discrepancy': ('message',),
    'dispute': ('name', 'reason_text', 'problem'),
    'movement': ('type', 'label', 'movement_ref'),
    'payout': ('name', 'failure', 'problem'),
    'event': ('type', 'error'),
    'reminder': ('display_name', 'reason'),
    'answer': ('display_name', 'text'),
    'letter': ('name', 'letters_text'),
    'notice': ('name', 'pay_now_notice_text'),
    'buyer': ('name', 'pay_now_external_text'),
    'plan': ('state_text',),
    'statement': ('display_name', 'reason_text'),
}


class PayNowToHandle(models.Model):
    """All that waits for a person, read from the records themselves: nothing is kept here."""

    _name = 'pay.now.to.handle'
    _inherit = ['pay.now.authority.mixin']
    _description = "To handle"
    _auto = False
    _order = 'deadline, date desc, id desc'
    _depends = {
        'account.bank.statement.line': ['company_id', 'move_id'],
        'account.move': [
            *('amount_residual', 'commercial_partner_id', 'company_id', 'currency_id', 'date'),
            *('journal_id', 'move_type', 'pay_now_external_at', 'pay_now_external_handled_at'),
            *('pay_now_external_status', 'payment_state', 'state'),
        ],
        'account.move.line': ['reconciled'],
        'payment.transaction': ['partner_id', 'provider_id'],
        'pay.now.discrepancy': ['amount', 'company_id', 'currency_id', 'state', 'transaction_id'],
        'pay.now.dispute': [
            *('amount', 'company_id', 'currency_id', 'due_at', 'needs_response', 'opened_at'),
            *('partner_id', 'problem_codes', 'provider_id', 'state'),
        ],
        'pay.now.movement': [
            *('company_id', 'currency_id', 'net', 'occurred_at', 'provider_id', 'state'),
        ],
        'pay.now.invoice.notice': ['move_id', 'sent_at', 'state'],
        'pay.now.payout': [
            *('amount', 'arrives_at', 'bank_state', 'company_id', 'created_at', 'currency_id'),
            *('move_id', 'problem_codes', 'provider_id', 'state'),
        ],
        'pay.now.event': ['company_id', 'provider_id', 'state', 'transaction_id'],
        'pay.now.answer': ['amount', 'company_id', 'kind', 'partner_id', 'state'],
        'pay.now.customer.statement': [
            *('balances', 'company_id', 'date_to', 'item_ids', 'kind', 'partner_id', 'sent_at'),
            'state',
        ],
        'pay.now.plan': ['amount', 'company_id', 'is_to_note', 'partner_id', 'state'],
        'pay.now.reminder': [
            *('amount_due', 'company_id', 'item_ids', 'partner_id', 'root_company_id', 'run_id'),
            *('sent_at', 'state'),
        ],
    }

    kind = fields.Selection(
        selection=[
            ('discrepancy', "Discrepancy"),
            ('dispute', "Dispute"),
            ('movement', "Movement to decide"),
            ('payout', "Payout"),
            ('event', "Failed or not understood notification"),
            ('reminder', "Reminder not delivered"),
            ('answer', "Reported problem"),
            ('letter', "Letters to print"),
            ('notice', "Pay notice not delivered"),
            ('buyer', "Refused by the buyer"),
            ('plan', "Payment plan"),
            ('statement', "Statement not delivered"),
        ],
        readonly=True,
    )
    res_id = fields.Integer(string="Record", readonly=True)
    # As text it wraps: what to do comes last.
    name = fields.Text(string="What happened", compute='_compute_name', compute_sudo=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    provider_id = fields.Many2one(comodel_name='payment.provider', readonly=True)
    partner_id = fields.Many2one(string="Customer", comodel_name='res.partner', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    amount = fields.Monetary(readonly=True)
    date = fields.Datetime(readonly=True)
    deadline = fields.Datetime(readonly=True)
    can_book_now = fields.Boolean(
        string="Can be booked now", compute='_compute_can_book_now', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    @property
    def _table_query(self):
        return SQL(' UNION ALL ').join(
            SQL(
                "SELECT id * %(count)s + %(position)s AS id, %(kind)s AS kind, id AS res_id,"
                " company_id, provider_id, partner_id, currency_id, amount, date, deadline"
                " FROM (%(query)s) source",
                count=len(RECORDS),
                position=position,
                kind=kind,
                query=getattr(self, f'_query_{kind}')(),
            )
            for position, kind in enumerate(RECORDS)
        )

    @api.depends('kind', 'res_id')
    @api.depends_context('lang')
    def _compute_name(self):
        for kind, rows in self.grouped('kind').items():
            records = self.env[RECORDS[kind]].browse(rows.mapped('res_id'))
            for row, record in zip(rows, records, strict=True):
                parts = (record[name] for name in TEXTS[kind])
                row.name = ' – '.join(filter(None, parts))

    @api.depends('kind', 'res_id')
    def _compute_can_book_now(self):
        for kind, rows in self.grouped('kind').items():
            records = self.env[RECORDS[kind]].browse(rows.mapped('res_id'))
            for row, record in zip(rows, records, strict=True):
                row.can_book_now = kind in BOOKED and record.can_book_now

    # === ACTION METHODS === #

    def action_book_now(self):
        """Book what the books refused before, see `pay.now.discrepancy.action_book_now`.

        :return: a notification of what came of it.
        :rtype: dict
        :raise UserError: it is being processed at this moment.
        """
        self.ensure_one()
        if self.kind not in BOOKED:
            return False
        return self.env[RECORDS[self.kind]].browse(self.res_id).action_book_now()

    def action_open(self):
        """Open the record that waits.

        :return: the action of its form.
        :rtype: dict
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': RECORDS[self.kind],
            'res_id': self.res_id,
            'view_mode': 'form',
        }

    @api.model
    def action_compare(self, *_ids):
        """Compare the payments of the last days with the providers now.

        :return: a notification of what came of it.
        :rtype: dict
        """
        return self.env['payment.provider'].sudo()._pay_now_compare_for(self.env.companies)

    # === BUSINESS METHODS - WHAT WAITS === #

    def _query_discrepancy(self):
        return SQL(
            """
            SELECT one.id, one.company_id, tx.provider_id, tx.partner_id, one.currency_id,
                   one.amount, one.create_date AS date, NULL::timestamp AS deadline
              FROM pay_now_discrepancy one
              JOIN payment_transaction tx ON tx.id = one.transaction_id
             WHERE one.state = 'open'
            """
        )

    def _query_dispute(self):
        return SQL(
            """
            SELECT id, company_id, provider_id, partner_id, currency_id, amount,
                   opened_at AS date, due_at AS deadline
              FROM pay_now_dispute
             WHERE state IN ('inquiry', 'open') AND needs_response
                OR problem_codes IS NOT NULL
            """
        )

    def _query_movement(self):
        return SQL(
            """
            SELECT id, company_id, provider_id, NULL::int AS partner_id, currency_id,
                   net AS amount, occurred_at AS date, NULL::timestamp AS deadline
              FROM pay_now_movement
             WHERE state = 'foreign'
            """
        )

    def _query_payout(self):
        """Return the payouts that failed and were not made again, or do not match.

        The bank's line is missed once its day is over and the company has later ones.
        """
        return SQL(
            """
            SELECT one.id, one.company_id, one.provider_id, NULL::int AS partner_id,
                   one.currency_id, one.amount, one.created_at AS date,
                   NULL::timestamp AS deadline
              FROM pay_now_payout one
              LEFT JOIN account_move own ON own.id = one.move_id
             WHERE one.problem_codes IS NOT NULL
                OR one.state = 'failed'
                   AND NOT EXISTS (
                       SELECT FROM pay_now_payout later
                        WHERE later.provider_id = one.provider_id
                          AND later.state = 'paid'
                          AND later.created_at > one.created_at
                   )
                OR one.state = 'paid'
                   AND one.bank_state = 'waiting'
                   AND EXISTS (
                       SELECT FROM account_bank_statement_line line
                         JOIN account_move move ON move.id = line.move_id
                        WHERE line.company_id = one.company_id
                          AND move.date > GREATEST(one.created_at, one.arrives_at)::date + %s
                          AND move.journal_id != own.journal_id
                   )
            """,
            const.BANK_DAYS_AFTER,
        )

    def _query_event(self):
        return SQL(
            """
            SELECT one.id, one.company_id, one.provider_id, tx.partner_id, tx.currency_id,
                   tx.amount, one.create_date AS date, NULL::timestamp AS deadline
              FROM pay_now_event one
              LEFT JOIN payment_transaction tx ON tx.id = one.transaction_id
             WHERE one.state IN ('failed', 'unreadable')
            """
        )

    def _query_answer(self):
        return SQL(
            """
            SELECT one.id, one.company_id, NULL::int AS provider_id, one.partner_id,
                   company.currency_id, one.amount, one.create_date AS date,
                   NULL::timestamp AS deadline
              FROM pay_now_answer one
              JOIN res_company company ON company.id = one.company_id
             WHERE one.kind = 'problem' AND one.state = 'open'
            """
        )

    def _query_letter(self):
        return SQL(
            """
            SELECT run.id, run.company_id, NULL::int AS provider_id, NULL::int AS partner_id,
                   company.currency_id, SUM(one.amount_due) AS amount, run.create_date AS date,
                   NULL::timestamp AS deadline
              FROM pay_now_reminder one
              JOIN pay_now_reminder_run run ON run.id = one.run_id
              JOIN res_company company ON company.id = run.company_id
             WHERE one.state = 'to_print'
             GROUP BY run.id, company.id
            """
        )

    def _query_notice(self):
        """Return the invoices whose pay notice was not taken, as long as they are to be paid."""
        return SQL(
            """
            SELECT move.id, move.company_id, NULL::int AS provider_id,
                   move.commercial_partner_id AS partner_id, move.currency_id,
                   move.amount_residual AS amount, one.write_date AS date,
                   NULL::timestamp AS deadline
              FROM pay_now_invoice_notice one
              JOIN account_move move ON move.id = one.move_id
             WHERE one.state = 'failed'
               AND move.state = 'posted'
               AND move.payment_state IN ('not_paid', 'partial')
            """
        )

    def _query_buyer(self):
        """Return the invoices that their buyers refuse or dispute, and nobody has handled."""
        return SQL(
            """
            SELECT id, company_id, NULL::int AS provider_id,
                   commercial_partner_id AS partner_id, currency_id, amount_residual AS amount,
                   pay_now_external_at AS date, NULL::timestamp AS deadline
              FROM account_move
             WHERE pay_now_external_status IN ('refused', 'disputed')
               AND state = 'posted'
               AND payment_state IN ('not_paid', 'partial', 'blocked')
               AND (pay_now_external_handled_at IS NULL
                    OR pay_now_external_handled_at < pay_now_external_at)
            """
        )

    def _query_plan(self):
        return SQL(
            """
            SELECT one.id, one.company_id, NULL::int AS provider_id, one.partner_id,
                   company.currency_id, one.amount, one.create_date AS date,
                   NULL::timestamp AS deadline
              FROM pay_now_plan one
              JOIN res_company company ON company.id = one.company_id
             WHERE one.state = 'asked' OR one.is_to_note
            """
        )

    def _query_reminder(self):
        """Return the reminders that did not arrive, or nobody knows.

        It is over once nothing is open any more of what they asked for; what failed is, too, once
        the customer has got a later one.
        """
        return SQL(
            """
            SELECT one.id, one.company_id, NULL::int AS provider_id, one.partner_id,
                   company.currency_id, one.amount_due AS amount,
                   COALESCE(one.sent_at, one.write_date) AS date,
                   NULL::timestamp AS deadline
              FROM pay_now_reminder one
              JOIN res_company company ON company.id = one.company_id
             WHERE one.state IN ('uncertain', 'failed')
               AND EXISTS (
                   SELECT FROM pay_now_reminder_item_rel rel
                     JOIN account_move_line line ON line.id = rel.line_id
                    WHERE rel.reminder_id = one.id AND line.reconciled IS NOT TRUE
               )
               AND (one.state = 'uncertain' OR NOT EXISTS (
                   SELECT FROM pay_now_reminder later
                    WHERE later.partner_id = one.partner_id
                      AND later.root_company_id = one.root_company_id
                      AND later.state = 'sent'
                      AND later.id > one.id
               ))
            """
        )

    def _query_statement(self):
        """Return the statements of account that did not arrive, or nobody knows.

        It is over once the customer has got a later one of the kind; what is uncertain is, too,
        once all that it showed is paid.
        """
        return SQL(
            """
            SELECT one.id, one.company_id, NULL::int AS provider_id, one.partner_id,
                   (one.balances->0->>1)::int AS currency_id,
                   (one.balances->0->>0)::numeric AS amount,
                   COALESCE(one.sent_at, one.write_date) AS date,
                   NULL::timestamp AS deadline
              FROM pay_now_customer_statement one
             WHERE one.state IN ('uncertain', 'failed')
               AND NOT EXISTS (
                   SELECT FROM pay_now_customer_statement later
                    WHERE later.partner_id = one.partner_id
                      AND later.company_id = one.company_id
                      AND later.kind = one.kind
                      AND later.state = 'sent'
                      AND later.date_to >= one.date_to
                      AND later.id > one.id
               )
               AND (one.state = 'failed'
                    OR NOT EXISTS (
                        SELECT FROM pay_now_customer_statement_item_rel rel
                         WHERE rel.statement_id = one.id
                    )
                    OR EXISTS (
                        SELECT FROM pay_now_customer_statement_item_rel rel
                          JOIN account_move_line line ON line.id = rel.line_id
                         WHERE rel.statement_id = one.id AND line.reconciled IS NOT TRUE
                    ))
            """
        )
