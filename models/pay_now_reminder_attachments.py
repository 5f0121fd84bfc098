# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

from .. import const


class PayNowReminder(models.Model):
    """The invoices that leave with a reminder: as stored, made once where they are missing."""

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - ATTACHMENTS === #

    def _prepare_attachments(self, lines):
        """Return the PDFs of the invoices, the oldest first, as many as one mail may carry.

        What cannot be printed is left out: no reminder stays for the sake of a PDF.

        :param account.move.line lines: what is open.
        :return: the attachments, and in the user's words what is missing, or False.
        :rtype: tuple(ir.attachment, str | bool)
        """
        self.ensure_one()
        empty = self.env['ir.attachment'].sudo()
        if not self.level_id.attach_invoices:
            return empty, False
        oldest_first = lines.sorted(lambda line: (line.date_maturity, line.id))
        moves = oldest_first.move_id[: const.ATTACHED_INVOICES_MAX].sudo()
        # A reminder with the previous balance offers no online payment, nor do its PDFs.
        offering = moves.browse()
        if self.run_id.print_previous_balance:
            offering = moves.filtered(lambda move: move._pay_now_pdf_offers_payment())
        failures = (moves - offering)._pay_now_store_pdfs()
        pdfs = {move: move.invoice_pdf_report_id for move in moves - offering}
        for move in offering:
            pdfs[move], failed = move._pay_now_print_without_link(self)
            failures.update(failed)
        return self._within_limits([pdfs[move] for move in moves]), self._pdf_problem(failures)

    def _within_limits(self, pdfs):
        """Return the PDFs that fit into one mail together."""
        # Odoo would turn what is too heavy for its mail server into links.
        servers = self.env['ir.mail_server'].sudo().search([('max_email_size', '>', 0)])
        sizes = [servers.browse()._get_max_email_size(), *servers.mapped('max_email_size')]
        # A third is lost to the encoding; the rest is for the text.
        left = min(const.ATTACHED_INVOICES_MAX_MB, min(sizes) * 0.6) * 1024 * 1024
        kept = self.env['ir.attachment'].sudo()
        for pdf in pdfs:
            if pdf and pdf.file_size <= left:
                kept += pdf
                left -= pdf.file_size
        return kept

    def _pdf_problem(self, failures):
        """Say which invoices could not be printed, and why the first could not."""
        if not failures:
            return False
        return self.env._(
            "Not attached, as it could not be printed: %(invoices)s (%(error)s)",
            invoices=', '.join(move.name for move in failures),
            error=next(iter(failures.values())),
        )
