# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import io
import logging

import psycopg2

from odoo import api, models
from odoo.tools.image import image_data_uri
from odoo.tools.pdf import PdfFileReader

_logger = logging.getLogger(__name__)

#: The pages where an invoice is paid online: Odoo's own, and ours.
PAYMENT_PATHS = ('/my/invoices/', '/payment/pay', '/pay_now/')


class AccountMove(models.Model):
    """The PDFs of invoices: what they say of paying online, and for the reminders they go with."""

    _inherit = 'account.move'

    # === COMPUTE METHODS === #

    @api.depends_context('pay_now_no_link')
    def _compute_display_link_qr_code(self):
        """Override of `account` to print invoices without Odoo's payment link where none may be.

        Nor beside our own QR code: who would know which one to scan?
        """
        result = super()._compute_display_link_qr_code()
        if self.env.context.get('pay_now_no_link'):
            self.display_link_qr_code = False
            return result
        ours = self.filtered(lambda move: move.company_id.sudo().pay_now_print_qr)
        ours.filtered('pay_now_url').display_link_qr_code = False
        return result

    # === BUSINESS METHODS - PRINTED LINK === #

    def _pay_now_printed(self):
        """Return what the printed invoice says of paying online.

        The same invoices as those whose mail has a button: a PDF is a request, too.

        :return: `url`, and with it `qr` (a data URI) and `show_url` by the company's options;
            nothing where nothing is printed.
        :rtype: dict
        """
        self.ensure_one()
        company = self.company_id.sudo()
        if not (company.pay_now_print_link or company.pay_now_print_qr) or not self.pay_now_url:
            return {}
        url = self.pay_now_url
        qr = company.pay_now_print_qr and image_data_uri(
            base64.b64encode(
                self.env['ir.actions.report'].barcode('QR', url, width=128, height=128, quiet=False)
            )
        )
        return {'url': url, 'qr': qr, 'show_url': company.pay_now_print_link}

    # === BUSINESS METHODS - PDF === #

    def _pay_now_store_pdfs(self):
        """Make the PDFs that are missing, as sending the invoice would, and store them with it.

        :return: `{invoice: why it could not be printed}`.
        :rtype: dict
        """
        failures = {}
        missing = self.filtered(lambda move: not move.invoice_pdf_report_id)
        for company, moves in missing.grouped('company_id').items():
            try:
                with self.env.cr.savepoint():
                    failures.update(moves.with_company(company)._pay_now_store_pdfs_at_once())
            except psycopg2.OperationalError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a printout may stumble over
                if len(moves) > 1:
                    # Only the one that is to blame goes without.
                    for move in moves:
                        failures.update(move._pay_now_store_pdfs())
                else:
                    _logger.warning("Invoice %s could not be printed", moves.id, exc_info=True)
                    failures[moves] = str(error)
        return failures

    def _pay_now_store_pdfs_at_once(self):
        """Print in one go. Nothing is sent, neither by e-mail nor to a platform.

        :return: `{invoice: error}`, as Odoo found it before printing.
        :rtype: dict
        """
        Send = self.env['account.move.send']
        moves_data = {
            move: Send._get_default_sending_settings(move, sending_methods=[], extra_edis=[])
            for move in self.sudo()
        }
        Send._generate_invoice_documents(moves_data)
        return {
            move: Send._format_error_text(data['error'])
            for move, data in moves_data.items()
            if data.get('error')
        }

    def _pay_now_pdf_offers_payment(self):
        """Tell whether the invoice's PDF, stored or not yet made, leads to a page for paying it."""
        self.ensure_one()
        pdf = self.invoice_pdf_report_id
        if not pdf:
            return self.display_link_qr_code or bool(self._pay_now_printed())
        try:
            reader = PdfFileReader(io.BytesIO(pdf.raw), strict=False)
            addresses = [
                str(note.get_object().get('/A', {}).get('/URI', ''))
                for page in reader.pages
                for note in page.get('/Annots', ())
            ]
        except Exception:  # noqa: BLE001 - a PDF nobody can look into may say anything
            return True
        return any(path in address for address in addresses for path in PAYMENT_PATHS)

    def _pay_now_print_without_link(self, owner):
        """Print the invoice without a way to pay online; its own stored PDF stays as it is.

        :param owner: the record that the copy is kept with.
        :return: the copy, none where it could not be made; and `{invoice: error}`.
        :rtype: tuple(ir.attachment, dict)
        """
        self.ensure_one()
        move = self.with_context(pay_now_no_link=True, report_pdf_no_attachment=True)
        Send = move.env['account.move.send'].with_company(move.company_id)
        data = {move: {}}
        try:
            with self.env.cr.savepoint():
                data[move]['pdf_report'] = Send._get_default_pdf_report_id(move)
                Send._prepare_invoice_pdf_report(data)
                values = data[move]['pdf_attachment_values']
                keep = self.env['ir.attachment']._pay_now_keep_pdf
                return keep(owner, values['name'], values['raw']), {}
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a printout may stumble over
            _logger.warning("Invoice %s could not be printed", self.id, exc_info=True)
            return self.env['ir.attachment'], {self: str(error)}
