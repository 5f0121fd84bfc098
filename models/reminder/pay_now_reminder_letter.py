# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging
import time

import psycopg2
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import pdf
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.reminder.pay_now_sales_mixin import by_engine

_logger = logging.getLogger(__name__)


class PayNowReminder(models.Model):
    """Reminders on paper, for customers without an e-mail: the same text, without a way to pay.

    A letter counts as sent once it is printed. Until then it waits as a mail does: nobody writes
    to the customer a second time, and what holds it is looked at once more as it is printed.
    """

    _inherit = 'pay.now.reminder'

    channel = fields.Selection(
        string="Sent as",
        selection=[('email', "E-mail"), ('letter', "Letter")],
        default='email',
        readonly=True,
    )
    letter_id = fields.Many2one(
        string="Printed letter", comodel_name='ir.attachment', readonly=True, copy=False
    )

    _to_print_idx = models.Index("(run_id) WHERE state = 'to_print'")

    # === ACTION METHODS === #

    @by_engine('write')
    def action_print_letters(self):
        """Print the letters that wait, in one file; what is held by now is left out.

        :return: the download, or a notification when nothing was left to print.
        :rtype: dict
        :raise UserError: there is nothing to print, or somebody else prints these letters.
        """
        self.check_access('write')
        # As mails leave: of branches too that whoever prints has not selected, or may not see.
        waiting = self.sudo().filtered(lambda one: one.state == 'to_print')
        if not waiting:
            raise UserError(self.env._("There is no letter to print."))
        letters = waiting.try_lock_for_update(limit=const.LETTERS_AT_ONCE)
        letters.invalidate_recordset(['state'])
        letters = letters.filtered(lambda one: one.state == 'to_print')
        if not letters:
            raise UserError(self.env._("Somebody else is printing these letters right now."))
        printed = letters._print_in_time()
        if not printed:
            return {
                'type': 'ir.actions.client',
                'tag': 'display_notification',
                'params': {
                    'type': 'warning',
                    'message': self.env._("No letter is left to print: see the reasons."),
                    'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
                },
            }
        return printed._letters_file()._pay_now_download()

    @by_engine('read')
    def action_letter(self):
        """Download the letter once more, as it was printed.

        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        return self.letter_id._pay_now_download()

    # === BUSINESS METHODS - PRINTING === #

    def _print_in_time(self):
        """Print as many letters as there is time for; the next click prints the rest.

        How many at once follows from those before: with many invoices each may take seconds.

        :return: what was printed.
        :rtype: pay.now.reminder
        :raise Exception: none of them can be printed.
        """
        printed, errors, done, size = self.browse(), [], 0, const.LETTERS_FIRST
        until = time.monotonic() + const.LETTERS_SECONDS
        # Of one run at a time, as mails: what is known of customers is known in their company.
        for rest in self.grouped('run_id').values():
            while rest and size:
                begin, batch, rest = time.monotonic(), rest[:size], rest[size:]
                printed |= batch._print_safely(errors)
                done += len(batch)
                now = time.monotonic()
                each = max((now - begin) / len(batch), 0.001)
                size = min(const.LETTER_BATCH, max(int((until - now) / each), 0))
        if len(errors) == done:
            raise errors[0]
        return printed

    def _print_safely(self, errors):
        """Print letters; one that cannot be printed does not stop the others, and waits.

        :param list errors: what went wrong is added to it.
        :return: what was printed.
        :rtype: pay.now.reminder
        """
        try:
            with self.env.cr.savepoint():
                return self._print_letters()
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - kept with its reminder; the others go on
            if len(self) == 1:
                _logger.warning("Letter %s could not be printed", self.id, exc_info=True)
                self.reason_codes = [['text', {'text': str(error)}]]
                errors.append(error)
                return self.browse()
        half = len(self) // 2
        return self[:half]._print_safely(errors) | self[half:]._print_safely(errors)

    def _print_letters(self):
        """Check the letters against the books of this moment, and print those not held.

        The caller has locked them. Whoever has an e-mail by now gets the mail instead.

        :return: what was printed.
        :rtype: pay.now.reminder
        """
        reminders = self.with_context(lang=self.env.lang)
        items, _refusals = reminders._refresh()
        standing = reminders.filtered(lambda one: one.state == 'to_print')
        mails = standing.filtered(lambda one: one.channel == 'email')
        mails._queue()
        letters = standing - mails
        for reminder in letters.filtered(lambda one: one.item_ids != items[one]):
            # The history is of what the letter is about.
            reminder.item_ids = items[reminder]
        attachments, problems = letters._prepare_attachments(items)
        contents = letters._render_letters(attachments)
        stating = letters._letters_stating_interest()
        keep = self.env['ir.attachment']._pay_now_keep_pdf
        for reminder in letters:
            name = self.env._("Reminder – %s.pdf", reminder.partner_id.display_name)
            letter = keep(reminder, name, contents[reminder.id])
            reminder.write(
                {
                    'letter_id': letter.id,
                    'asked_text': reminder._asked_text(items[reminder]),
                    'states_interest': reminder in stating,
                    'reason_codes': (reminder.reason_codes or []) + problems[reminder],
                    'state': 'sent',
                    'sent_at': fields.Datetime.now(),
                }
            )
        letters.run_id._check_done()
        letters._note_sent()
        return letters

    def _render_letters(self, attachments):
        """Return the letters, each followed by the invoices that go with it.

        :param dict attachments: `{reminder: PDFs}`.
        :return: `{id: PDF}`
        :rtype: dict
        """
        report = self.env['ir.actions.report'].sudo()
        contents = {}
        for count, reminders in self.grouped(lambda one: len(attachments[one])).items():
            # The text says how many invoices are attached.
            counted = report.with_context(pay_now_attached=count)
            contents.update(counted._pay_now_render_apart(self._letter_report(), reminders.ids))
        for reminder in self:
            if pdfs := attachments[reminder]:
                parts = [contents[reminder.id], *(one.raw for one in pdfs)]
                contents[reminder.id] = pdf.merge_pdf(parts)
        return contents

    @api.model
    def _letter_report(self):
        return 'account_pay_now.action_report_reminder_letter'

    def _letters_file(self):
        """Keep the letters of each run in one file with it, so that it can be downloaded again.

        Whoever sees a run need not see the others: all in one are for the one who prints them.

        :return: the file with all of them.
        :rtype: ir.attachment
        """
        for run, letters in self.grouped('run_id').items():
            file = letters._merge_letters(run)
            run.letters_file_ids |= file
        return file if len(self.run_id) == 1 else self._merge_letters(self.run_id.browse())

    def _merge_letters(self, run):
        """Keep the letters in one file.

        :param pay.now.reminder.run run: what it is kept with; nothing: for the user alone.
        :rtype: ir.attachment
        """
        contents = [letter.raw for letter in self.sudo().letter_id]
        names = ', '.join(dict.fromkeys(self.run_id.mapped('name')))
        count = len(self)
        letters = self.env._("1 letter") if count == 1 else self.env._("%s letters", count)
        name = f'{names} – {letters}.pdf'
        content = pdf.merge_pdf(contents) if len(contents) > 1 else contents[0]
        return self.env['ir.attachment']._pay_now_keep_pdf(run, name, content)

    # === BUSINESS METHODS - CONTENT === #

    def _letter_values(self):
        """Return what the page of each letter says, in the language of its customer.

        :return: `{id: (subject, body)}`
        :rtype: dict
        """
        values = {}
        for (level, lang), reminders in self.grouped(
            lambda one: (one.level_id, one._mail_lang())
        ).items():
            template = level._template().with_context(lang=lang)
            records = reminders.with_context(lang=lang).with_prefetch(reminders.ids)
            texts = records._render_texts(template, lang)
            values.update({record.id: text for record, text in texts.items()})
        return values

    def _letter_previews(self):
        """Return what is on the paper.

        :return: `{reminder: HTML}`
        :rtype: dict
        """
        values = self._letter_values()
        return {letter: Markup('<h3>%s</h3>%s') % values[letter.id] for letter in self}

    def _letter_date(self):
        """Return the day of the letter, in the language of the customer."""
        return format_date(self.env, self.company_id._pay_now_today(), date_format='long')

    def _asked_text(self, lines):
        """Return the amounts that the letter asks for.

        :param account.move.line lines: what it is about.
        :rtype: str
        """
        reminder = self.with_context(lang=self._mail_lang())
        return reminder._subtotals_text(lines)
