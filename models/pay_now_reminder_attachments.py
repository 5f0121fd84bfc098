# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models

from odoo.addons.account_pay_now import const


class PayNowReminder(models.Model):
    """The invoices that leave with a reminder: as stored, made once where they are missing."""

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - ATTACHMENTS === #

    def _prepare_attachments(self, items):
        """Return the PDFs of the invoices, the oldest first, as many as one mail may carry.

        What cannot be printed is left out: no reminder stays for the sake of a PDF. What is stored
        is found for the whole batch at once.

        :param dict items: `{reminder: the items it is about}`.
        :return: `{reminder: attachments}`, and `{reminder: codes of what is missing}` (see
            `_reason_sentences`).
        :rtype: tuple(dict, dict)
        """
        moves = {reminder: reminder._moves_to_attach(items[reminder]) for reminder in self}
        # With the previous balance, and on paper, no online payment is offered, nor by the PDFs.
        offering = {
            reminder: moves[reminder].filtered(lambda move: move._pay_now_pdf_offers_payment())
            for reminder in self
            if reminder.run_id.print_previous_balance or reminder.channel == 'letter'
        }
        empty = self.env['account.move'].sudo()
        failures = empty.union(
            *(moves[reminder] - offering.get(reminder, empty) for reminder in self)
        )._pay_now_store_pdfs()
        limit = self.env['mail.mail']._pay_now_attachments_limit() if any(moves.values()) else 0
        attachments, problems = {}, {}
        for reminder in self:
            pdfs = {move: move.invoice_pdf_report_id for move in moves[reminder]}
            failed = {move: failures[move] for move in pdfs if move in failures}
            for move in offering.get(reminder, empty):
                pdfs[move], own_failure = move._pay_now_print_without_link(reminder)
                failed.update(own_failure)
            files = self.env['ir.attachment'].sudo().concat(*pdfs.values())
            attachments[reminder] = files._pay_now_within(limit)
            problems[reminder] = self._pdf_problems(failed)
        return attachments, problems

    def _moves_to_attach(self, lines):
        """Return the invoices that leave with the reminder, the oldest first.

        :param account.move.line lines: what is open.
        :rtype: account.move (sudo)
        """
        if not self.level_id.attach_invoices:
            return self.env['account.move'].sudo()
        oldest_first = lines.sorted(lambda line: (line.date_maturity, line.id))
        return oldest_first.move_id[: const.ATTACHED_INVOICES_MAX].sudo()

    @api.model
    def _pdf_problems(self, failures):
        """Return which invoices could not be printed, and why the first could not.

        :param dict failures: `{invoice: error}`.
        :return: codes of reasons, none where all could be printed.
        :rtype: list
        """
        if not failures:
            return []
        invoices = [move.name for move in failures]
        error = next(iter(failures.values()))
        return [['not_attached', {'invoices': invoices, 'error': error}]]
