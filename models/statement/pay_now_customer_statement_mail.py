# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import functools
import logging
from datetime import timedelta

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Command, Domain
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.models.mail_mail import MailRefusal, MailSession

_logger = logging.getLogger(__name__)

REPORT = 'account_pay_now.action_report_customer_statement'
TEMPLATES = {
    'statement': 'account_pay_now.mail_template_statement',
    'confirmation': 'account_pay_now.mail_template_confirmation',
}


class PayNowCustomerStatement(models.Model):
    """How statements are written and leave: each at most once, as reminders do.

    One is marked *sending* and committed before the mail server gets it. Should the process die
    there, it is *uncertain*, and never sent again by itself.
    """

    _inherit = 'pay.now.customer.statement'

    summary_html = fields.Html(
        string="Balance and button", compute='_compute_texts', sanitize=False
    )
    period_text = fields.Char(string="Period in words", compute='_compute_texts')

    # === COMPUTE METHODS === #

    @api.depends('balances')
    @api.depends_context('lang')
    def _compute_texts(self):
        render = self.env['mail.mail']._pay_now_render
        for statement in self:
            lines = statement._pay_now_lines()._pay_now_still_open()
            values = {
                'rows': statement._balance_rows(),
                'balance_label': statement._balance_label(),
                **dict.fromkeys(('url', 'parts_text', 'credit_text')),
                **statement._offer(lines),
            }
            statement.summary_html = render('account_pay_now.mail_statement_summary', values)
            statement.period_text = statement._period_text()

    def _accounts(self):
        """Return what the customer's account says, see `pay.now.customer.ledger`.

        :rtype: list of dict
        """
        self.ensure_one()
        return self.env['pay.now.customer.ledger']._read_account(
            self._pay_now_customer(),
            self.company_id,
            self.date_from or self.date_to,
            self.date_to,
        )

    def _balance_rows(self):
        """Return the balances by currency, as they were read for the mail, as texts.

        :return: dicts of `balance` and `overdue`, which is empty for an auditor.
        :rtype: list
        """
        told, rows = self.kind == 'statement', []
        for balance, currency, overdue in self._kept_balances():
            rows.append(
                {
                    'balance': formatLang(self.env, balance, currency_obj=currency),
                    'overdue': told
                    and overdue
                    and formatLang(self.env, overdue, currency_obj=currency),
                }
            )
        return rows

    def _balance_label(self):
        """Return how the balance is called, in the language of the context."""
        report = self.env['report.account_pay_now.report_customer_statement']
        return report._texts('', format_date(self.env, self.date_to))['balance']

    def _period_text(self):
        """Say which days it is about."""
        self.ensure_one()
        days = [self.date_to]
        if self.kind == 'statement' and self.date_from:
            days.insert(0, self.date_from)
        return ' – '.join(format_date(self.env, day) for day in days)

    # === BUSINESS METHODS - WRITING === #

    def _write_safely(self):
        """Write one statement; one that cannot be written keeps nobody else waiting.

        :return: whether it is ready to leave.
        :rtype: bool
        """
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                return self._write_mail()
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a template may stumble over
            _logger.exception("Statement %s could not be written", self.id)
            self.write({'state': 'failed', 'reason': 'text', 'problem': str(error)})
            return False

    def _write_mail(self):
        """Draw the PDF and write the mail, from the books of this moment.

        :return: whether there is something to send, and somebody to send it to.
        :rtype: bool
        """
        if reason := not self.user_id and self._why_not_by_itself():
            self.write({'state': 'canceled', 'reason': reason})
            return False
        contact = self._find_contact(self._pay_now_customer(), self.company_id)
        if not contact:
            # Somebody asked for it, or waits for it every month.
            self.write({'state': 'failed', 'reason': 'no_email'})
            return False
        accounts = self._accounts()
        if not self.user_id and not any(one['rows'] or one['items'] for one in accounts):
            self.write({'state': 'canceled', 'reason': 'nothing'})
            return False
        lines = self.env['account.move.line'].union(
            *(item['line'] for one in accounts for item in one['items'])
        )
        mine = lines._pay_now_still_open()._pay_now_of(self._pay_now_customer(), self.company_id)
        self.write(
            {
                'contact_id': contact.id,
                'email': ', '.join(self.env['pay.now.reminder']._addresses(contact)),
                'item_ids': [Command.set(mine.ids)],
                'balances': [
                    [one['closing'], one['currency'].id, one['overdue']] for one in accounts
                ],
            }
        )
        (self.pdf_id | self.mail_id.attachment_ids).sudo().unlink()
        self.mail_id.sudo().unlink()
        statement = self.with_context(lang=self._lang())
        statement.pdf_id = statement._draw()
        statement.mail_id = self.env['mail.mail'].sudo().create(statement._mail_values())
        return True

    def _why_not_by_itself(self):
        """Return why it does not leave by itself any more: somebody has decided so meanwhile.

        :return: a value of `reason`.
        :rtype: str | None
        """
        company, customer = self.company_id.sudo(), self._pay_now_customer()
        if not company.pay_now_statement_monthly:
            return 'off'
        return None if customer._pay_now_wanting_statements(company) else 'unwanted'

    def _draw(self):
        """Return the PDF, kept with the statement.

        :rtype: ir.attachment (sudo)
        """
        customer = self._pay_now_customer()
        # As an invoice of a page: nobody's rights and language decide what is printed.
        report = self.env['ir.actions.report'].with_user(SUPERUSER_ID)
        data = {'statement_id': self.id, 'company_id': self.company_id.id}
        content = report._pay_now_render_apart(REPORT, customer.ids, data)[customer.id]
        return self.env['ir.attachment']._pay_now_keep_pdf(
            self, self._file_name(self._title(), customer, self.date_to), content
        )

    @api.model
    def _file_name(self, title, customer, date_to):
        """Return what a file is called.

        :param str title: what it is.
        :param res.partner customer: whose account.
        :param datetime.date date_to: its last day.
        :rtype: str
        """
        return f'{title} – {customer.name} – {date_to}.pdf'.replace('/', '-')

    def _mail_values(self):
        """Return the values of the mail, in the language of the context.

        :rtype: dict
        """
        company = self.company_id.with_context(lang=self.env.lang)
        template = self.env.ref(TEMPLATES[self.kind]).sudo().with_context(lang=self.env.lang)
        self.invalidate_recordset(['summary_html', 'period_text'])
        subject = template._render_field('subject', self.ids)[self.id]
        body = template._render_field('body_html', self.ids, options={'post_process': True})
        before, after = company._pay_now_mail_layout(template)
        people = [self.partner_id.user_id, self.user_id]
        email_to = utils.email_header(self.contact_id.name, self.email)
        return {
            **self.env['mail.mail']._pay_now_own_envelope(self, email_to, 'statement'),
            'subject': utils.header_text(subject),
            'body_html': before + body[self.id] + after,
            'reply_to': company._pay_now_reply_address([user.sudo() for user in people]),
            'attachment_ids': [Command.set(self.pdf_id.ids)],
        }

    # === BUSINESS METHODS - SENDING === #

    @api.model
    def _cron_send(self):
        """Send what waits, and begin with the statements of the month that is over.

        Those that leave by themselves keep to the company's hours, all to the most mails a day;
        from a copy of the database nothing leaves.
        """
        cron = self.env['ir.cron']
        self._create_monthly()
        self._note_interrupted()
        domain = self._waiting_domain()
        todo = self.search(domain, limit=const.STATEMENT_BATCH, order='id')
        cron._commit_progress(remaining=self.search_count(domain))
        refused = self.browse()
        for statement in todo:
            refusal = None
            try:
                if not statement._is_above_the_cap():
                    refusal = statement.with_prefetch()._send_one()
            except psycopg2.OperationalError:
                # Somebody writes the same at this moment: this statement alone waits for it.
                self.env.cr.rollback()
            refused = statement._note_in_a_row(refusal, refused)
            if not cron._commit_progress(1):
                break

    @api.model
    def _waiting_domain(self):
        """Return the domain of what may leave now.

        :rtype: odoo.fields.Domain
        """
        now = fields.Datetime.now()
        away = self.env['payment.provider']._pay_now_away().company_id.root_id
        waiting = Domain('state', '=', 'waiting')
        companies = self.search(waiting).company_id
        silent = companies.filtered(
            lambda one: one.root_id in away or one.root_id._pay_now_left_today() == 0
        )
        closed = companies.filtered(lambda one: one.root_id._pay_now_next_opening(now) > now)
        return (
            waiting
            & (Domain('retry_at', '=', False) | Domain('retry_at', '<=', now))
            & Domain('company_id', 'not in', silent.ids)
            & (Domain('user_id', '!=', False) | Domain('company_id', 'not in', closed.ids))
        )

    def _is_above_the_cap(self):
        """Tell whether the company has mailed today what it may, reminders included."""
        return self.company_id.root_id.sudo()._pay_now_left_today() == 0

    @api.model
    def _note_interrupted(self):
        """Say of what no worker has in hand any more, and may have left, that it is uncertain."""
        since = fields.Datetime.now() - timedelta(seconds=const.HAND_OVER_GRACE_SECONDS)
        lost = self.search([('state', '=', 'sending'), ('sent_at', '<', since)])
        for statement in lost:
            if statement.try_lock_for_update() and statement.state == 'sending':
                statement.write({'state': 'uncertain', 'reason': 'interrupted'})

    def _send_one(self):
        """Write a statement that waits, mark it, and hand it over.

        :return: why the mail server did not take it, if so.
        :rtype: MailRefusal | None
        """
        now = fields.Datetime.now()
        if not self.try_lock_for_update() or self.state != 'waiting':
            return None
        if (self.retry_at and self.retry_at > now) or not self._write_safely():
            return None
        self.write({'state': 'sending', 'sent_at': fields.Datetime.now()})
        # From here on it may have left, whatever becomes of this worker.
        self.env['ir.cron']._commit_progress()
        if not self.try_lock_for_update() or self.state != 'sending':
            return None
        refusal = self._hand_over()
        if not refusal:
            vals = {'state': 'sent', **dict.fromkeys(('reason', 'problem', 'retry_at'), False)}
            self.write(vals)
            self._pay_now_prolong()
        else:
            self._note_refusal(refusal)
        # Committed at once: what became of it outlives whatever happens next.
        self.env['ir.cron']._commit_progress()
        apart = self.env['mail.mail']._pay_now_apart
        if not refusal:
            apart(self._log_sent)
        elif refusal.kind == 'address':
            apart(self.contact_id.sudo()._pay_now_note_refused, self.email)
        return refusal

    def _hand_over(self):
        """Give the mail to its mail server.

        :return: why it was not taken, if so.
        :rtype: MailRefusal | None
        """
        mail = self.mail_id.sudo()
        [(server_id, domain_id, smtp_from, _ids)] = mail._split_by_mail_configuration()
        server = self.env['ir.mail_server'].browse(server_id)
        connect = functools.partial(
            server._connect__, mail_server_id=server_id, smtp_from=smtp_from
        )
        try:
            session = MailSession(connect)
        except Exception as error:  # noqa: BLE001 - whatever a mail server may say
            _logger.warning("The mail server does not answer", exc_info=True)
            return MailRefusal.of(error, may_have_left=False)
        options = {
            'smtp_session': session,
            'alias_domain_id': domain_id,
            'mail_server': server,
        }
        try:
            return mail._pay_now_hand_over(options)
        finally:
            session.quit()

    def _note_refusal(self, refusal):
        """Keep why the mail server did not take it, and try later what may be tried.

        :param MailRefusal refusal: what it said.
        """
        now = fields.Datetime.now()
        since = self.refused_since or now
        vals = {'problem': refusal.text, 'reason': 'refused', 'state': 'failed', 'sent_at': False}
        if refusal.kind == 'lost':
            vals.update({'state': 'uncertain', 'reason': 'interrupted', 'sent_at': self.sent_at})
        elif refusal.kind in ('later', 'server') and now - since < const.RETRY_FOR:
            retry_at = now + const.STATEMENT_PAUSE
            vals.update(
                {
                    'state': 'waiting',
                    'reason': 'later',
                    'retry_at': retry_at,
                    'refused_since': since,
                }
            )
            self._wake(retry_at)
        self.write(vals)

    def _note_in_a_row(self, refusal, refused):
        """Let the company's others wait where the mail server takes nothing, or many in a row.

        :param MailRefusal refusal: what it said of this one, if it did not take it.
        :param pay.now.customer.statement refused: those before it that were not taken.
        :return: those in a row with this one, none where the others wait because of them.
        :rtype: pay.now.customer.statement
        """
        if not refusal:
            return self.browse() if self.state == 'sent' else refused
        refused = refused.filtered(lambda one: one.company_id == self.company_id) | self
        in_a_row = len(refused) >= const.REFUSED_IN_A_ROW
        apart = self.env['mail.mail']._pay_now_apart
        if in_a_row:
            # No matter of the addresses: whoever it is, the next one is written to again.
            for one in refused:
                apart(one.contact_id.sudo()._pay_now_forget_refused, one.email)
        if in_a_row or refusal.kind == 'server':
            apart(self._postpone_others)
        # After the pause it is found out anew.
        return self.browse() if in_a_row else refused

    def _postpone_others(self):
        """Let the company's others wait as long: a server that takes nothing is asked once."""
        now, retry_at = fields.Datetime.now(), self.retry_at
        # That of an earlier pause is over.
        if not retry_at or retry_at <= now:
            retry_at = now + const.STATEMENT_PAUSE
            self._wake(retry_at)
        others = self.search(
            Domain('state', '=', 'waiting')
            & Domain('company_id', '=', self.company_id.id)
            & (Domain('retry_at', '=', False) | Domain('retry_at', '<=', now))
        )
        others.try_lock_for_update().write({'retry_at': retry_at})

    def _came_back(self, email, is_refused):
        """Take back that it was sent: it came back.

        :param str email: the address that did not take it.
        :param bool is_refused: whether it will not take any.
        """
        for statement in self.filtered(lambda one: one.state in ('sent', 'uncertain')):
            statement.write({'state': 'failed', 'reason': 'refused', 'problem': email})
            # Whoever it was passed on to is no matter of the contact's address.
            if is_refused and email in utils.email_addresses(statement.email):
                # `mail` has counted it already.
                statement.contact_id.sudo().pay_now_refused_email = email

    def _log_sent(self):
        """Note in the customer's chatter that it left, in the company's language."""
        one = self.with_context(lang=self.company_id._pay_now_lang())
        body = one.env._(
            "%(what)s (%(period)s) sent to %(email)s: %(balance)s",
            what=one._title(),
            period=one._period_text(),
            email=one.email,
            balance=one.balance_text,
        )
        author = (self.user_id or self.env.user).partner_id
        self.partner_id._message_log(body=body, author_id=author.id)
