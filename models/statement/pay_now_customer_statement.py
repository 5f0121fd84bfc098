# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now import const, utils

#: Whoever reads the books. Salespeople do not: an account is more than their own invoices.
READERS = 'account.group_account_invoice,account.group_account_readonly'
#: What is asked of the customer.
KINDS = [
    ('statement', "Statement of account"),
    ('confirmation', "Confirmation of a balance"),
]


class PayNowCustomerStatement(models.Model):
    """A statement of account that is mailed to a customer: what it was, when, and to whom.

    Its page is about what was open on its last day, as far as it is open and the customer's at the
    moment. Printing leaves nothing here: see the wizard.
    """

    _name = 'pay.now.customer.statement'
    _description = "Statement of account sent to a customer"
    _inherit = ['pay.now.authority.mixin', 'pay.now.page.mixin', 'pay.now.history.mixin']
    _order = 'id desc'
    _check_company_auto = True
    _pay_now_kind = 'statement'

    kind = fields.Selection(selection=KINDS, default='statement', required=True, readonly=True)
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, index=True
    )
    partner_id = fields.Many2one(
        string="Customer", comodel_name='res.partner', required=True, readonly=True, index=True
    )
    contact_id = fields.Many2one(string="Written to", comodel_name='res.partner', readonly=True)
    email = fields.Char(string="E-mail", readonly=True)
    date_from = fields.Date(string="From", readonly=True)
    date_to = fields.Date(string="Until", required=True, readonly=True)
    month = fields.Date(
        readonly=True, help="The first day of the month, of those that are sent by themselves."
    )
    user_id = fields.Many2one(
        string="Sent by",
        comodel_name='res.users',
        readonly=True,
        help="Nobody: it was sent by itself, as every month.",
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('waiting', "Waiting"),
            ('sending', "Sending"),
            ('sent', "Sent"),
            ('failed', "Failed"),
            ('uncertain', "Uncertain"),
            ('canceled', "Not sent"),
        ],
        default='waiting',
        required=True,
        readonly=True,
        index=True,
    )
    reason = fields.Selection(
        selection=[
            ('no_email', "No e-mail address"),
            ('off', "Statements every month were switched off"),
            ('unwanted', "The customer gets none by itself"),
            ('nothing', "Nothing is open, nothing moved"),
            ('refused', "The mail server does not take it"),
            ('later', "The mail server does not take it for now"),
            ('text', "It could not be written"),
            ('interrupted', "The connection broke off: it may have arrived"),
        ],
        readonly=True,
    )
    problem = fields.Char(string="What was said", readonly=True)
    reason_text = fields.Char(string="Reason in words", compute='_compute_reason_text')
    sent_at = fields.Datetime(string="Sent on", readonly=True)
    retry_at = fields.Datetime(string="Next try", readonly=True)
    refused_since = fields.Datetime(string="Not taken since", readonly=True)
    balances = fields.Json(
        readonly=True, help="Of each currency: the balance, its id, and what is overdue."
    )
    balance_text = fields.Char(
        string="Balance", compute='_compute_balance_text', help="By currency."
    )
    mail_id = fields.Many2one(
        string="E-mail message", comodel_name='mail.mail', readonly=True, ondelete='set null'
    )
    pdf_id = fields.Many2one(
        string="PDF", comodel_name='ir.attachment', readonly=True, ondelete='set null'
    )
    item_ids = fields.Many2many(
        string="Open items",
        comodel_name='account.move.line',
        relation='pay_now_customer_statement_item_rel',
        column1='statement_id',
        column2='line_id',
        readonly=True,
    )

    # Sent by itself once a month, whatever happens to the workers.
    _once_a_month = models.UniqueIndex(
        '(partner_id, company_id, month) WHERE month IS NOT NULL',
        "This customer has got the statement of this month.",
    )
    _waiting_idx = models.Index("(id) WHERE state IN ('waiting', 'sending')")

    # === COMPUTE METHODS === #

    @api.depends('kind', 'partner_id', 'date_to')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for statement in self:
            # Several of one customer stand in a list.
            parts = [statement._title(), statement.partner_id.display_name]
            if statement.date_to:
                parts.append(format_date(self.env, statement.date_to))
            statement.display_name = ' – '.join(parts)

    @api.depends('balances')
    @api.depends_context('lang')
    def _compute_balance_text(self):
        for statement in self:
            statement.balance_text = ' + '.join(
                formatLang(self.env, balance, currency_obj=currency)
                for balance, currency, _overdue in statement._kept_balances()
            )

    @api.depends('reason', 'problem')
    @api.depends_context('lang')
    def _compute_reason_text(self):
        labels = dict(self._fields['reason']._description_selection(self.env))
        for statement in self:
            parts = (labels.get(statement.reason), statement.problem)
            statement.reason_text = ' – '.join(filter(None, parts))

    # === ACTION METHODS === #

    def action_send_again(self):
        """Send again what did not leave, by a person's decision."""
        self.check_access('write')
        again = self.filtered(lambda one: one.state in ('failed', 'uncertain', 'canceled')).sudo()
        again.write(
            {'state': 'waiting', 'user_id': self.env.uid}
            | dict.fromkeys(('reason', 'problem', 'sent_at', 'retry_at', 'refused_since'), False)
        )
        if again:
            again._wake()

    def action_drop(self):
        """Send no more what waits or failed: it is done with, by a person's decision."""
        self.check_access('write')
        waiting = self.filtered(lambda one: one.state in ('waiting', 'failed')).sudo()
        waiting.write({'state': 'canceled', 'retry_at': False})

    def action_arrived(self):
        """Note that what is uncertain has arrived, by a person who knows."""
        self.check_access('write')
        arrived = self.filtered(lambda one: one.state == 'uncertain').sudo()
        arrived.write({'state': 'sent', 'reason': False, 'problem': False})
        for one in arrived:
            one._log_sent()

    def action_pdf(self):
        """Download the statement as it was sent.

        :rtype: dict
        :raise UserError: it was not drawn yet.
        """
        self.ensure_one()
        self.check_access('read')
        if not self.pdf_id:
            raise UserError(self.env._("There is no PDF of it yet."))
        return self.pdf_id.sudo()._pay_now_download()

    # === BUSINESS METHODS === #

    def _kept_balances(self):
        """Return the balances as they were kept; of the first statements nothing that is overdue.

        :return: `(balance, currency, overdue)` of each currency.
        :rtype: list of tuple
        """
        self.ensure_one()
        currencies = self.env['res.currency']
        return [
            (balance, currencies.browse(currency_id), rest[0] if rest else 0.0)
            for balance, currency_id, *rest in self.balances or ()
        ]

    def _title(self):
        """Return what it is called, in the language of the context.

        :rtype: str
        """
        return self.env['report.account_pay_now.report_customer_statement']._titles()[self.kind]

    @api.model
    def _wake(self, at=None):
        """Let the scheduled action send what waits.

        :param datetime.datetime at: when; by default at once.
        """
        self.env.ref('account_pay_now.ir_cron_statements').sudo()._trigger(at)

    @api.model
    def _find_contact(self, customer, company):
        """Return who of a customer gets its statements, see `_find_contacts`.

        :rtype: res.partner (sudo)
        """
        return self._find_contacts(customer, company).get(customer, customer.sudo().browse())

    @api.model
    def _find_contacts(self, customers, company):
        """Return who of each customer gets its statements.

        The contact chosen for reminders, the one for invoices, or the customer: whoever of them may
        be written to, see `pay.now.reminder._contact_problem`. The number of queries does not
        depend on the number of customers.

        :param res.partner customers: commercial partners.
        :param res.company company: who writes.
        :return: `{customer: contact (sudo)}` of those of whom anybody has an e-mail.
        :rtype: dict
        """
        Reminder = self.env['pay.now.reminder']
        found, customers = {}, customers.sudo()
        invoiced = customers.browse([one.address_get(['invoice'])['invoice'] for one in customers])
        for customer, other in zip(customers, invoiced, strict=True):
            for contact in (customer.pay_now_contact_id, other, customer):
                if (
                    contact
                    and contact.active
                    and not Reminder._is_stranger(contact, customer)
                    and contact.company_id.root_id <= company.root_id
                    and Reminder._addresses(contact)
                ):
                    found[customer] = contact
                    break
        return found

    def _lang(self):
        """Return the language that the customer is written to in."""
        self.ensure_one()
        partner = self.contact_id.lang and self.contact_id or self.partner_id
        return self._lang_of(partner.sudo(), self.company_id)

    @api.model
    def _lang_of(self, partner, company):
        """Return the language that a customer is written to in.

        :param res.partner partner: the customer, or a contact of it.
        :param res.company company: who writes.
        :rtype: str
        """
        lang = partner.lang or partner.commercial_partner_id.lang
        return lang or company.sudo()._pay_now_lang()

    @api.model
    def _pay_now_merge_customers(self, partners):
        """Let the statements of customers that become one be of one: the first of a month stays it.

        :param res.partner partners: the contacts that are merged.
        """
        monthly = self.sudo().search(
            Domain('partner_id', 'in', partners.ids) & Domain('month', '!=', False), order='id'
        )
        for same in monthly.grouped(lambda one: (one.company_id, one.month)).values():
            later = same.sorted(lambda one: one.state not in ('sending', 'sent'))[1:]
            later.month = False
            later.filtered(lambda one: one.state == 'waiting').state = 'canceled'

    # === BUSINESS METHODS - PAGE === #

    def _pay_now_linked_lines(self):
        """Override of `pay.now.page.mixin`: what was open on its last day."""
        return self.item_ids

    def _pay_now_page_refusals(self, free):
        """Override of `pay.now.page.mixin`: the page offers no more than the mail."""
        return self._pay_now_mailed_refusals(free)

    def _pay_now_credit_scope(self, lines=None):
        """Override of `pay.now.page.mixin`: of all that the statement shows."""
        return Domain.TRUE

    def _pay_now_preselected(self, payable):
        """Override of `pay.now.page.mixin` to tick what is due, else all of it.

        But for what the customer is not reminded of either.
        """
        # Nothing payable is on its way.
        held = payable._pay_now_holds(in_progress=False)
        free = payable - payable.browse([line.id for line in held]) or payable
        today = self.company_id._pay_now_today()
        due = free.filtered(lambda line: (line.date_maturity or line.date) <= today)
        return due or free

    def _pay_now_answer_kinds(self):
        """Override of `pay.now.page.mixin`: none where the statement is for an auditor."""
        return super()._pay_now_answer_kinds() if self.kind == 'statement' else []

    # === BUSINESS METHODS - BUTTON === #

    def _offer(self, lines):
        """Return what the mail offers to pay online: where a reminder would, see its refusals.

        As a reminder, it asks for nothing that is held, nor for what the customer's unmatched
        money covers.

        :param account.move.line lines: what is open of the statement's items.
        :return: values of the button; empty without one.
        :rtype: dict
        """
        self.ensure_one()
        lines -= lines.browse([line.id for line in lines._pay_now_holds()])
        if self.kind != 'statement' or not lines or not self._may_have_button():
            return {}
        refusals = lines.move_id._pay_now_refusals('reminder', free=lines)
        payable = lines._pay_now_without(refusals)
        asked = self._pay_now_preselected(payable)
        if not asked or self._is_covered(asked):
            return {}
        company = self.company_id
        text = company.currency_id.with_env(self.env).format(asked._pay_now_amount_to_pay())
        most = company._pay_now_providers()._pay_now_most()
        credit = -sum(self._pay_now_credits(asked).mapped('amount_residual_currency'))
        return {
            'url': self._pay_now_url(),
            'credit_text': credit and company.currency_id.with_env(self.env).format(credit),
            **company._pay_now_mail_values(),
            **self._pay_now_asked_values(asked, text, most),
        }

    def _is_covered(self, asked):
        """Tell whether what is asked for is there already, and only waits to be matched.

        :param account.move.line asked: items of the customer.
        :rtype: bool
        """
        customer, company = self._pay_now_customer(), self.company_id
        credits = self.env['pay.now.reminder'].sudo()._unmatched_credits_of(customer, company)
        owed = sum(asked.mapped('amount_residual'))
        return company.currency_id.compare_amounts(credits.get(customer, 0.0), owed) >= 0

    def _url_to_print(self):
        """Return the address of its page for the paper, where its mail has a button.

        :rtype: str | bool
        """
        self.ensure_one()
        lines = self._pay_now_lines()._pay_now_still_open()
        return self._offer(lines).get('url', False)

    def _may_have_button(self):
        """Tell whether a button may be mailed to whom it is written to, see `_may_take_button`.

        :rtype: bool
        """
        company = self.company_id
        if not company._pay_now_test_mode() or company._pay_now_in_sandbox():
            return True
        addresses = utils.email_addresses(self.email)
        return bool(addresses) and addresses == utils.email_addresses(company.pay_now_test_email)

    # === CRON === #

    @api.model
    def _create_monthly(self):
        """Create the statements of the month that is over, of each company that wants them.

        In the first days of a month: who ticks the option later begins with the next one.
        """
        companies = self.env['res.company'].search(
            [('pay_now_statement_monthly', '=', True), ('parent_id', '=', False)]
        )
        for company in companies - self.env['payment.provider']._pay_now_away().company_id.root_id:
            today = company._pay_now_today()
            if today.day > const.STATEMENT_DAYS:
                continue
            date_to = today.replace(day=1) - timedelta(days=1)
            month = date_to.replace(day=1)
            known = self.search([('company_id', '=', company.id), ('month', '=', month)])
            if any(one.state in ('waiting', 'sending') for one in known):
                # The whole ledger is not read again for each batch: who is new comes after them.
                continue
            customers = self._customers_of(company, month, date_to) - known.partner_id
            customers = customers._pay_now_wanting_statements(company)
            self.create(
                [
                    {
                        'company_id': company.id,
                        'partner_id': customer.id,
                        'date_from': month,
                        'date_to': date_to,
                        'month': month,
                    }
                    for customer in self._find_contacts(customers, company)
                ]
            )

    @api.model
    def _customers_of(self, company, date_from, date_to):
        """Return the customers of whom something moved in a period, or was open at its end.

        :param res.company company: whose books, and whose branches'.
        :param datetime.date date_from: the first day.
        :param datetime.date date_to: the last day.
        :return: commercial partners.
        :rtype: res.partner
        """
        groups = self.env['account.move.line']._read_group(
            Domain('company_id', 'child_of', company.id)
            & Domain('account_type', '=', 'asset_receivable')
            & Domain('parent_state', '=', 'posted')
            & Domain('partner_id', '!=', False)
            & Domain('date', '<=', date_to)
            & (
                Domain('date', '>=', date_from)
                | Domain('reconciled', '=', False)
                | Domain('matched_debit_ids', 'any', [('max_date', '>=', date_from)])
                | Domain('matched_credit_ids', 'any', [('max_date', '>=', date_from)])
            ),
            ['partner_id'],
        )
        partners = self.env['res.partner'].union(*(partner for (partner,) in groups))
        return partners.commercial_partner_id.filtered('active').sorted('id')
