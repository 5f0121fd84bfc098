# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import uuid

from odoo import models
from odoo.fields import Command
from odoo.tools import email_domain_extract, email_normalize, formataddr


class PayNowReminder(models.Model):
    """The mails of reminders: written for a batch at once, the text compiled once per language."""

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - RENDERING === #

    def _render(self):
        """Render the mail of one reminder (see `_render_all`).

        :return: subject, body, and the amounts due.
        :rtype: tuple(str, markupsafe.Markup, str)
        """
        self.ensure_one()
        return self._render_all()[self]

    def _render_all(self, items=None, refusals=None):
        """Render the mails, each in the language of its customer.

        :param dict items: `{reminder: the items it is about}`, where it is known already.
        :param dict refusals: see `_refusals`, given with `items`.
        :return: `{reminder: (subject, body, amounts due)}`
        :rtype: dict
        """
        rendered = {}
        for (level, company, lang), reminders in self.grouped(
            lambda one: (one.level_id, one.company_id, one._mail_lang())
        ).items():
            template = level.template_id.sudo().with_context(lang=lang)
            records = reminders.with_context(lang=lang).with_prefetch(reminders.ids)
            if items is not None:
                records._fill_texts(items, refusals)
            before, after = company.with_context(lang=lang)._pay_now_mail_layout(template)
            for record, (subject, body) in records._render_texts(template, lang).items():
                rendered[record] = (subject, before + body + after, record.amount_due_text)
        return rendered

    def _render_texts(self, template, lang):
        """Render subjects and texts: a person's own ones where there are any.

        :param mail.template template: that of their level.
        :param str lang: the language of their customers, which is that of the context, too.
        :return: `{reminder: (subject, text)}`
        :rtype: dict
        """
        subjects = template._render_field('subject', self.ids, set_lang=lang)
        bodies = template._pay_now_render_bodies(self)
        return {
            one: (one.own_subject or subjects[one.id], one.own_body or bodies[one.id])
            for one in self
        }

    def _mail_lang(self):
        """Return the language that the customer is written to in."""
        trial = self._pay_now_trial()
        lang = (trial and trial.lang) or self.contact_id.lang or self.partner_id.lang
        return lang or self.company_id._pay_now_lang()

    # === BUSINESS METHODS - MAIL === #

    def _prepare_mails(self, items, refusals, attachments):
        """Return the values of the mails, each with a Message-ID of its own that stays.

        :param dict items: `{reminder: the items it is about}`.
        :param dict refusals: `{reminder: {invoice without a button: code}}`.
        :param dict attachments: `{reminder: the invoices that leave with it}`.
        :return: `{reminder: values}`, and `{reminder: the amounts asked for}`.
        :rtype: tuple(dict, dict)
        """
        vals, asked, replies = {}, {}, {}
        # The text says how many invoices are attached.
        for count, reminders in self.grouped(lambda one: len(attachments[one])).items():
            counted = reminders.with_context(pay_now_attached=count)
            rendered = counted._render_all(items, refusals)
            for reminder in reminders:
                subject, body, asked[reminder] = rendered[reminder]
                vals[reminder] = {
                    **reminder._prepare_envelope(items[reminder], replies),
                    'subject': subject,
                    'body_html': body,
                    'attachment_ids': [Command.set(attachments[reminder].ids)],
                }
        return vals, asked

    def _prepare_envelope(self, lines, replies):
        """Return who writes to whom.

        :param account.move.line lines: what is open.
        :param dict replies: who gets the answers, as far as it is known (see `_reply_to`).
        :rtype: dict
        """
        company = self.company_id
        domain = company.alias_domain_id.name or email_domain_extract(company.email) or 'localhost'
        return {
            'email_from': company.email_formatted or self.env.user.email_formatted,
            'email_to': formataddr((self.contact_id.name or '', email_normalize(self.email))),
            'reply_to': self._reply_to(lines, replies),
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
