# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging
import uuid

import psycopg2

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import email_domain_extract, email_normalize, formataddr

_logger = logging.getLogger(__name__)


class PayNowReminder(models.Model):
    """How a reminder leaves: rendered and re-checked at that moment, and at most once."""

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - MAIL === #

    def _render(self):
        """Render the mail in the customer's language.

        :return: subject and body.
        :rtype: tuple(str, markupsafe.Markup)
        """
        self.ensure_one()
        template = self.level_id.template_id.sudo()
        trial = self._pay_now_trial()
        lang = (trial and trial.lang) or self.contact_id.lang or self.partner_id.lang
        lang = lang or self.company_id._pay_now_lang()
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
                'identity': company._pay_now_identity(),
                'logo_url': False
                if company.uses_default_logo
                else f'{self.get_base_url()}/logo.png?company={company.id}',
                'mail_lang': (lang or 'en').replace('_', '-'),
            },
            context_record=record,
        )

    def _prepare_mail(self, lines, attachments):
        """Return the values of the mail, with a Message-ID that stays the same if it is retried.

        :param account.move.line lines: what is open.
        :param ir.attachment attachments: the invoices that leave with it.
        :rtype: dict
        """
        subject, body = self.with_context(pay_now_attached=len(attachments))._render()
        company = self.company_id
        domain = company.alias_domain_id.name or email_domain_extract(company.email) or 'localhost'
        return {
            'subject': subject,
            'body_html': body,
            'email_from': company.email_formatted or self.env.user.email_formatted,
            'email_to': formataddr((self.contact_id.name or '', email_normalize(self.email))),
            'reply_to': self._reply_to(lines),
            'attachment_ids': [Command.set(attachments.ids)],
            # The mail server is chosen, and bounces come back, by the company's own domain.
            'record_company_id': company.id,
            'record_alias_domain_id': company.alias_domain_id.id,
            # An absence note would reach the bounce address and count as a bounce. Not the header
            # Auto-Submitted: mailboxes for invoices that are ticket systems put such mails aside.
            'headers': repr({'X-Auto-Response-Suppress': 'OOF, AutoReply'}),
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
        by itself. Without a mail server they go on waiting.
        """
        domain = [('state', '=', 'queued')]
        if not self.env['res.company']._pay_now_has_mail_server():
            self.search(domain).run_id._note_no_mail_server()
            return
        cron = self.env['ir.cron']
        self.search([('state', '=', 'sending')], limit=batch).try_lock_for_update().filtered(
            lambda reminder: reminder.state == 'sending'
        ).write({'state': 'uncertain', 'reason': self.env._("Interrupted while sending")})
        reminders = self.search(domain, limit=batch, order='id')
        reminders.run_id.filtered('problem').problem = False
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
        # Texts of this one reminder only, not of all the others at each turn.
        self = self.with_context(lang=self.company_id._pay_now_lang()).with_prefetch()
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
            lines = self._open_items()
            attachments, problem = self._prepare_attachments(lines)
            mail = self.env['mail.mail'].sudo().create(self._prepare_mail(lines, attachments))
            self.write(
                {
                    'state': 'sending',
                    'sent_at': fields.Datetime.now(),
                    'mail_id': mail.id,
                    'reason': ', '.join(filter(None, [self.reason, problem])) or False,
                }
            )

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
