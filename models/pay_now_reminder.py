# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging
import uuid
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import email_normalize, formataddr
from odoo.tools.misc import format_date, formatLang

_logger = logging.getLogger(__name__)


class PayNowReminder(models.Model):
    """One message to one customer about all its due items."""

    _name = 'pay.now.reminder'
    _description = "Customer reminder"
    _inherit = ['pay.now.link']
    _order = 'id desc'
    _check_company_auto = True
    _pay_now_kind = 'reminder'

    run_id = fields.Many2one(
        string="Run",
        comodel_name='pay.now.reminder.run',
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        string="Company", comodel_name='res.company', required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        string="Customer", comodel_name='res.partner', required=True, readonly=True, index=True
    )
    contact_id = fields.Many2one(string="Written to", comodel_name='res.partner', readonly=True)
    email = fields.Char(string="E-mail", readonly=True)
    level_id = fields.Many2one(
        string="Level", comodel_name='pay.now.reminder.level', check_company=True, readonly=True
    )
    item_ids = fields.Many2many(
        string="Items",
        comodel_name='account.move.line',
        relation='pay_now_reminder_item_rel',
        column1='reminder_id',
        column2='line_id',
        readonly=True,
    )
    item_count = fields.Integer(string="Invoices", readonly=True)
    amount_due = fields.Monetary(
        string="Amount due", readonly=True, help="In the company's currency."
    )
    amount_payable = fields.Monetary(string="Payable online", readonly=True)
    has_button = fields.Boolean(string="Button", readonly=True)
    previous_balance = fields.Monetary(string="Previous balance", readonly=True)
    reason = fields.Char(string="Reason", readonly=True)
    state = fields.Selection(
        string="Status",
        selection=[
            ('draft', "To send"),
            ('queued', "Waiting"),
            ('sending', "Sending"),
            ('sent', "Sent"),
            ('held', "Not sent"),
            ('failed', "Failed"),
            ('uncertain', "Uncertain"),
            ('canceled', "Canceled"),
        ],
        default='draft',
        required=True,
        readonly=True,
        index=True,
    )
    sent_at = fields.Datetime(string="Sent on", readonly=True)
    mail_id = fields.Many2one(
        string="E-mail message", comodel_name='mail.mail', readonly=True, ondelete='set null'
    )
    amount_due_text = fields.Char(compute='_compute_texts')
    items_html = fields.Html(compute='_compute_texts', sanitize=False)
    preview_html = fields.Html(string="Preview", compute='_compute_preview', sanitize=False)

    # === COMPUTE METHODS === #

    @api.depends('partner_id', 'amount_due')
    def _compute_display_name(self):
        for reminder in self:
            reminder.display_name = self.env._("Reminder – %s", reminder.partner_id.display_name)

    @api.depends_context('lang')
    def _compute_texts(self):
        for reminder in self:
            reminder.amount_due_text = ' + '.join(
                formatLang(self.env, amount, currency_obj=currency)
                for currency, amount in reminder._subtotals()
            )
            reminder.items_html = self.env['ir.qweb']._render(
                'account_pay_now.mail_reminder_items', reminder._mail_values()
            )

    def _compute_preview(self):
        for reminder in self:
            reminder.preview_html = reminder._render()[1]

    # === ACTION METHODS === #

    def action_preview(self):
        """Show the mail as it would leave now."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Preview"),
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
            'views': [(self.env.ref('account_pay_now.pay_now_reminder_view_preview').id, 'form')],
            'target': 'new',
        }

    def action_drop(self):
        """Leave these customers out of the run."""
        self.filtered(lambda reminder: reminder.state in ('draft', 'queued')).state = 'canceled'

    def action_retry(self):
        """Send again what failed or is uncertain, by a person's decision."""
        todo = self.filtered(lambda reminder: reminder.state in ('failed', 'uncertain'))
        todo.state = 'queued'
        self.env.ref('account_pay_now.ir_cron_reminders_send').sudo()._trigger()

    # === BUSINESS METHODS - HOLDS === #

    def _pay_now_lines(self):
        """Override of `pay.now.link`: the items of the reminder."""
        return self.item_ids

    def _open_items(self):
        """Return the items still to be reminded of: open, not excluded, not on their way."""
        self.ensure_one()
        domain = self.env['account.move.line']._pay_now_open_items_domain()
        lines = self.item_ids.filtered_domain(domain).filtered(
            lambda line: not line.no_followup and line.move_id.payment_state != 'blocked'
        )
        return lines - lines._pay_now_in_progress()

    def _refresh(self):
        """Recompute amounts, button and hold of each reminder from the books of this moment.

        Called when generating and again as the mail leaves.
        """
        credits = self._unmatched_credits()
        recent = self._last_sent()
        for run, reminders in self.grouped('run_id').items():
            previous = run._previous_balances(reminders.partner_id) if run else {}
            for reminder in reminders:
                reminder._refresh_one(
                    credits.get(reminder.partner_id, 0.0),
                    recent.get(reminder.partner_id),
                    previous.get(reminder.partner_id, 0.0),
                )

    def _refresh_one(self, credit, last_sent, previous):
        lines = self._open_items()
        payable = self._payable_items(lines)
        contact = self._find_contact(lines)
        vals = {
            'contact_id': contact.id,
            'email': contact.email,
            'item_count': len(lines.move_id),
            'amount_due': sum(lines.mapped('amount_residual')),
            'amount_payable': sum(payable.mapped('amount_residual')),
            'has_button': bool(payable),
            'previous_balance': previous,
        }
        reason = self._hold_reason(lines, contact, credit, last_sent, vals['amount_due'])
        if reason:
            vals.update({'state': 'held', 'reason': reason, 'has_button': False})
        else:
            vals['reason'] = False if payable == lines else self._refusal_text(lines - payable)
        self.write(vals)

    def _hold_reason(self, lines, contact, credit, last_sent, amount_due):
        """Return why this customer gets no reminder now, in the user's words, or False."""
        if self.partner_id.with_company(self.company_id).pay_now_reminder_mode == 'never':
            return self.env._("Excluded from reminders")
        if not lines:
            if self.item_ids._pay_now_in_progress():
                return self.env._("Payment in progress")
            return self.env._("Nothing left to pay")
        if not email_normalize(contact.email or ''):
            return self.env._("No e-mail address")
        if last_sent and last_sent + timedelta(days=self.level_id.gap_days) > fields.Datetime.now():
            return self.env._("Already reminded on %s", format_date(self.env, last_sent))
        if self.currency_id.compare_amounts(credit, amount_due) >= 0:
            return self.env._(
                "Unmatched credit: %s", formatLang(self.env, credit, currency_obj=self.currency_id)
            )
        return False

    def _payable_items(self, lines):
        """Return the items that get the button (design section 5)."""
        refused = lines.move_id.filtered(
            lambda move: move._pay_now_refusal('reminder', self.run_id.print_previous_balance)
        )
        return lines.filtered(lambda line: line.move_id not in refused)

    def _refusal_text(self, lines):
        """Return why items of the reminder are not payable online."""
        reasons = {}
        for move in lines.move_id:
            code = move._pay_now_refusal('reminder', self.run_id.print_previous_balance)
            if code:
                reasons[move._pay_now_refusal_label(code)] = True
        return ', '.join(reasons)

    def _find_contact(self, lines):
        """Return whom to write to: the newest invoice's contact with an e-mail, or the customer."""
        contacts = lines.sorted('date', reverse=True).move_id.partner_id
        return contacts.filtered('email')[:1] or self.partner_id

    def _unmatched_credits(self):
        """Return each customer's money not matched yet: payments, credit notes, bank lines.

        :return: `{partner: positive amount}` in the company's currency.
        :rtype: dict
        """
        totals = {}
        for company, reminders in self.grouped('company_id').items():
            partners = reminders.partner_id
            domain = Domain('company_id', 'child_of', company.id)
            for partner, amount in self.env['account.move.line']._read_group(
                domain
                & Domain('partner_id', 'in', partners.ids)
                & Domain('account_type', '=', 'asset_receivable')
                & Domain('parent_state', '=', 'posted')
                & Domain('reconciled', '=', False)
                & Domain('amount_residual', '<', 0),
                ['partner_id'],
                ['amount_residual:sum'],
            ):
                totals[partner] = totals.get(partner, 0.0) - amount
            for partner, amount in self.env['account.bank.statement.line']._read_group(
                domain
                & Domain('partner_id', 'child_of', partners.ids)
                & Domain('is_reconciled', '=', False)
                & Domain('amount', '>', 0),
                ['partner_id'],
                ['amount:sum'],
            ):
                commercial = partner.commercial_partner_id
                totals[commercial] = totals.get(commercial, 0.0) + amount
        return totals

    def _last_sent(self):
        """Return when each customer was last reminded, by company.

        :return: `{partner: datetime}`
        :rtype: dict
        """
        return dict(
            self._read_group(
                Domain('partner_id', 'in', self.partner_id.ids)
                & Domain('company_id', 'in', self.company_id.ids)
                & Domain('id', 'not in', self.ids)
                & Domain('state', 'in', ('sent', 'sending', 'uncertain', 'queued')),
                ['partner_id'],
                ['sent_at:max'],
            )
        )

    # === BUSINESS METHODS - MAIL === #

    def _subtotals(self):
        """Return the amounts due by currency, the company's first.

        :rtype: list of (res.currency, float)
        """
        self.ensure_one()
        totals = {}
        for line in self._open_items():
            currency = line.currency_id
            totals[currency] = totals.get(currency, 0.0) + line.amount_residual_currency
        return sorted(totals.items(), key=lambda pair: pair[0] != self.currency_id)

    def _mail_values(self):
        """Return what the mail shows: items, totals, and the button where there is one."""
        self.ensure_one()
        lines = self._open_items().sorted(lambda line: (line.date_maturity, line.id))
        payable = self._payable_items(lines)
        today = fields.Date.context_today(self)
        return {
            'reminder': self,
            'company': self.company_id,
            'currency': self.currency_id,
            'lines': [
                {
                    'label': line._pay_now_due_label(),
                    'due': line.date_maturity,
                    'late': max((today - line.date_maturity).days, 0),
                    'amount': line.amount_residual_currency,
                    'currency': line.currency_id,
                    'payable': line in payable,
                }
                for line in lines
            ],
            'subtotals': self._subtotals(),
            'previous_balance': self.previous_balance,
            'amount_payable': sum(payable.mapped('amount_residual')),
            'partly': payable != lines,
            'url': self._pay_now_url() if payable else False,
            'color': self.company_id.email_secondary_color or '#875A7B',
            'text_color': self.company_id.email_primary_color or '#FFFFFF',
            'test_mode': self.company_id._pay_now_test_mode(),
        }

    def _render(self):
        """Render the mail in the customer's language.

        :return: subject and body.
        :rtype: tuple(str, markupsafe.Markup)
        """
        self.ensure_one()
        template = self.level_id.template_id.sudo()
        lang = self.contact_id.lang or self.partner_id.lang or self.env.lang
        template = template.with_context(lang=lang)
        subject = template._render_field('subject', self.ids, set_lang=lang)[self.id]
        body = template._render_field(
            'body_html', self.ids, set_lang=lang, options={'post_process': True}
        )[self.id]
        record = self.with_context(lang=lang)
        company = record.company_id
        return subject, template._render_encapsulate(
            'account_pay_now.mail_layout',
            body,
            add_context={
                'company': company,
                'logo_url': False
                if company.uses_default_logo
                else f'{self.get_base_url()}/logo.png?company={company.id}',
                'mail_lang': (lang or 'en').replace('_', '-'),
            },
            context_record=record,
        )

    def _prepare_mail(self):
        """Return the values of the mail, with a Message-ID that stays the same if it is retried."""
        subject, body = self._render()
        domain = self.env['mail.alias.domain'].sudo().search([], limit=1).name or 'localhost'
        return {
            'subject': subject,
            'body_html': body,
            'email_from': self.company_id.email_formatted or self.env.user.email_formatted,
            'email_to': formataddr((self.contact_id.name or '', email_normalize(self.email))),
            'reply_to': self.company_id.email_formatted or False,
            'model': self._name,
            'res_id': self.id,
            'message_id': f'<pay-now-reminder-{self.id}-{uuid.uuid4().hex[:12]}@{domain}>',
            'auto_delete': False,
            # Not for the mail queue: we send it ourselves, once.
            'state': 'cancel',
        }

    # === CRON === #

    @api.model
    def _cron_send(self, batch=100):
        """Send what is waiting. Several workers may run at once.

        Each mail is marked *sending* and committed before the mail server hears of it. Should the
        process die there, nobody knows whether it left: it is *uncertain*, and never sent again
        by itself.
        """
        cron = self.env['ir.cron']
        self.search([('state', '=', 'sending')], limit=batch).try_lock_for_update().filtered(
            lambda reminder: reminder.state == 'sending'
        ).write({'state': 'uncertain', 'reason': self.env._("Interrupted while sending")})
        domain = [('state', '=', 'queued')]
        reminders = self.search(domain, limit=batch, order='id')
        cron._commit_progress(remaining=self.search_count(domain))
        for reminder in reminders:
            if not reminder._send_one():
                break
        reminders.run_id._check_done()
        cron._commit_progress()

    def _send_one(self):
        """Re-check, render and send one reminder; nothing escapes that would stop the others.

        :return: whether there is time for another one.
        :rtype: bool
        """
        cron = self.env['ir.cron']
        if not self.try_lock_for_update() or self.state != 'queued':
            return True
        try:
            with self.env.cr.savepoint():
                self._prepare_to_leave()
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - kept with its reminder; the others go on
            _logger.exception("Reminder %s could not be prepared", self.id)
            self.write({'state': 'failed', 'reason': str(error)})
        if self.state != 'sending':
            return cron._commit_progress(1)
        cron._commit_progress()
        # The commit released the lock: whoever holds it now is not us, or nobody.
        if not self.try_lock_for_update() or self.state != 'sending':
            return True
        self._hand_over()
        return cron._commit_progress(1)

    def _prepare_to_leave(self):
        """Re-check the reminder against the books of this moment, and render what still stands."""
        self._refresh()
        if self.state == 'queued':
            mail = self.env['mail.mail'].sudo().create(self._prepare_mail())
            self.write({'state': 'sending', 'sent_at': fields.Datetime.now(), 'mail_id': mail.id})

    def _hand_over(self):
        """Give the mail to the mail server and keep what came of it."""
        mail = self.mail_id
        mail.state = 'outgoing'
        mail.send(raise_exception=False)
        if mail.state == 'sent':
            self.state = 'sent'
            self.partner_id._message_log(
                body=self.env._(
                    "Reminder sent to %(email)s: %(amount)s",
                    email=self.email,
                    amount=self.amount_due_text,
                )
            )
        else:
            self.write({'state': 'failed', 'reason': mail.failure_reason or mail.failure_type})
            mail.state = 'cancel'
