# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import io

from odoo.tests import HttpCase, tagged
from odoo.tools import find_in_path, mute_logger
from odoo.tools.pdf import PdfFileReader, PdfWriter

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.common import ReminderCommon

PRINTING = 'odoo.addons.account_pay_now.models.account_move'


def blank_pdf(link=None):
    """Return a PDF of one empty page, with a link on it or without."""
    writer = PdfWriter()
    writer.add_blank_page(width=200, height=200)
    if link:
        writer.add_uri(0, link, [0, 0, 100, 100])
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


class AttachmentsCommon(ReminderCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.level = cls.levels[0]
        cls.levels.attach_invoices = True
        cls.first = cls.make_invoice(100, days_late=30)
        cls.second = cls.make_invoice(50, days_late=10)
        cls.both = cls.first | cls.second

    def store(self, invoice, content=None):
        """Store a PDF with an invoice, in the place of the one it has."""
        invoice.invoice_pdf_report_id.unlink()
        self.env['ir.attachment'].create(
            {
                'name': f'{invoice.id}.pdf',
                'raw': content or blank_pdf(),
                'mimetype': 'application/pdf',
                'res_model': 'account.move',
                'res_id': invoice.id,
                'res_field': 'invoice_pdf_report_file',
            }
        )
        invoice.invalidate_recordset(['invoice_pdf_report_id', 'invoice_pdf_report_file'])


@tagged('post_install', '-at_install')
class TestReminderAttachments(AttachmentsCommon):
    """The invoices that leave with a reminder."""

    def rendered(self):
        """Count what is printed from here on."""
        Report = self.env.registry['ir.actions.report']
        printed = []
        render = Report._pre_render_qweb_pdf

        def counting(self, report_ref, res_ids=None, data=None):
            printed.extend(res_ids)
            return render(self, report_ref, res_ids=res_ids, data=data)

        self.patch(Report, '_pre_render_qweb_pdf', counting)
        return printed

    def break_report(self, *invoices):
        """Make the printing of some invoices fail."""
        Report = self.env.registry['ir.actions.report']
        render = Report._pre_render_qweb_pdf

        def failing(self, report_ref, res_ids=None, data=None):
            if set(res_ids) & {invoice.id for invoice in invoices}:
                raise ValueError("the printer is on fire")
            return render(self, report_ref, res_ids=res_ids, data=data)

        self.patch(Report, '_pre_render_qweb_pdf', failing)

    def test_off_by_default(self):
        self.level.attach_invoices = False
        printed = self.rendered()
        (mail,) = self.send(self.generate())
        self.assertFalse(mail['attachments'])
        self.assertNotIn("attached", mail['body'])
        self.assertFalse(printed)

    def test_made_once_and_stored_with_the_invoice(self):
        printed = self.rendered()
        run = self.generate()
        self.assertFalse(printed, "only in the background")
        (mail,) = self.send(run)
        self.assertEqual(sorted(printed), sorted(self.both.ids))
        self.assertEqual(len(mail['attachments']), 2)
        self.assertEqual(
            {name for name, _content, _type in mail['attachments']},
            set(self.both.mapped('invoice_pdf_report_id.name')),
        )
        self.assertIn("The 2 invoices are attached.", mail['body'])
        self.assertFalse(run.reminder_ids.reason)
        run.reminder_ids.sudo().state = 'canceled'
        (again,) = self.send(self.generate())
        self.assertEqual(len(printed), 2, "never again")
        self.assertEqual(len(again['attachments']), 2)
        files = [part.get_content_type() for part in again['EmailMessage'].iter_attachments()]
        self.assertEqual(files, ['application/pdf'] * 2)

    def test_stored_ones_are_taken_as_they_are(self):
        content = blank_pdf()
        self.store(self.first, content)
        printed = self.rendered()
        (mail,) = self.send(self.generate())
        self.assertEqual(printed, self.second.ids)
        self.assertIn(content, [content for _name, content, _type in mail['attachments']])

    def test_an_invoice_waiting_to_be_sent_goes_on_waiting(self):
        self.first.sending_data = {'author_user_id': self.env.uid}
        self.send(self.generate())
        self.assertTrue(self.first.sending_data)

    def test_no_more_than_fits(self):
        self.patch(const, 'ATTACHED_INVOICES_MAX', 1)
        printed = self.rendered()
        (mail,) = self.send(self.generate())
        self.assertEqual(printed, self.first.ids, "the oldest")
        self.assertEqual(len(mail['attachments']), 1)
        self.assertIn("1 of the 2 invoices are attached. Reply to this message", mail['body'])

    def test_no_heavier_than_fits(self):
        self.store(self.first, blank_pdf() + b'\n' * 2_000_000)
        self.store(self.second)
        self.env['ir.mail_server'].create(
            {'name': "Small", 'smtp_host': 'localhost', 'max_email_size': 2}
        )
        (mail,) = self.send(self.generate())
        self.assertEqual([name for name, *_rest in mail['attachments']], [f'{self.second.id}.pdf'])
        self.assertIn("1 of the 2 invoices are attached.", mail['body'])
        self.assertNotIn('/web/content', mail['body'])

    @mute_logger(PRINTING)
    def test_one_that_cannot_be_printed_is_left_out(self):
        self.break_report(self.first)
        run = self.generate()
        (mail,) = self.send(run)
        self.assertEqual(run.reminder_ids.state, 'sent')
        self.assertIn(self.first.name, run.reminder_ids.reason)
        self.assertIn("the printer is on fire", run.reminder_ids.reason)
        self.assertNotIn(self.second.name, run.reminder_ids.reason)
        self.assertEqual(len(mail['attachments']), 1)
        self.assertIn("1 of the 2 invoices are attached.", mail['body'])

    @mute_logger(PRINTING)
    def test_nothing_can_be_printed(self):
        self.break_report(self.first, self.second)
        run = self.generate()
        (mail,) = self.send(run)
        self.assertEqual(run.reminder_ids.state, 'sent')
        self.assertFalse(mail['attachments'])
        self.assertNotIn("attached", mail['body'])
        self.assertIn(self.first.name, mail['body'])

    def test_refused_by_odoo_before_printing(self):
        Send = self.env.registry['account.move.send']

        def refuse(self, invoice, invoice_data):
            invoice_data['error'] = {'error_title': "No VAT number", 'errors': ["a", "b"]}

        self.patch(Send, '_hook_invoice_document_before_pdf_report_render', refuse)
        run = self.generate()
        self.send(run)
        self.assertEqual(run.reminder_ids.state, 'sent')
        self.assertIn("No VAT number", run.reminder_ids.reason)

    # === with the previous balance === #

    def previous(self):
        """Generate with the previous balance: only the second invoice is listed."""
        return self.generate(
            print_previous_balance=True, date_from=self.second.invoice_date_due.isoformat()
        )

    def test_previous_balance_takes_stored_pdfs_without_a_link(self):
        self.store(self.second, blank_pdf('https://fournil.example.com/our-bread'))
        printed = self.rendered()
        (mail,) = self.send(self.previous())
        self.assertFalse(printed)
        self.assertEqual(len(mail['attachments']), 1)

    def test_previous_balance_prints_anew_what_carries_a_link(self):
        for link in ('/my/invoices/1?payment=True', '/pay_now/invoice/1/abc', '/payment/pay?a=1'):
            stored = blank_pdf(f'https://fournil.example.com{link}')
            self.store(self.second, stored)
            with self.subTest(link=link):
                self.assertTrue(self.second._pay_now_pdf_offers_payment())
        self.company.link_qr_code = True
        printed = self.rendered()
        run = self.previous()
        (mail,) = self.send(run)
        self.assertEqual(printed, self.second.ids)
        ((_name, content, _type),) = mail['attachments']
        self.assertNotEqual(content, stored)
        self.assertEqual(self.second.invoice_pdf_report_id.raw, stored, "stays with the invoice")
        self.assertNotIn('/pay_now/', mail['body'])
        self.assertFalse(run.reminder_ids.mail_id.attachment_ids.res_field)

    @mute_logger('pypdf._reader', 'PyPDF2._reader')
    def test_previous_balance_does_not_trust_what_it_cannot_read(self):
        self.store(self.second, b'%PDF-1.4 torn')
        self.assertTrue(self.second._pay_now_pdf_offers_payment())

    def test_previous_balance_without_a_stored_pdf(self):
        self.company.link_qr_code = True
        self.send(self.previous())
        self.assertFalse(
            self.second.invoice_pdf_report_id, "the company wants its link on that one"
        )
        self.env['pay.now.reminder'].sudo().search([]).state = 'canceled'
        self.company.link_qr_code = False
        self.send(self.previous())
        self.assertTrue(self.second.invoice_pdf_report_id)

    @mute_logger(PRINTING)
    def test_previous_balance_that_cannot_be_printed(self):
        self.company.link_qr_code = True
        self.break_report(self.second)
        run = self.previous()
        (mail,) = self.send(run)
        self.assertFalse(mail['attachments'])
        self.assertIn("Previous balance printed", run.reminder_ids.reason)
        self.assertIn("the printer is on fire", run.reminder_ids.reason)


@tagged('post_install', '-at_install')
class TestPrintedInvoices(AttachmentsCommon, HttpCase):
    def test_payment_link_of_odoo(self):
        """Odoo's own printout: with its payment link, and without it on demand."""
        try:
            find_in_path('wkhtmltopdf')
        except OSError:
            self.skipTest("NOT TESTED without wkhtmltopdf: the printed payment link")
        self.company.link_qr_code = True
        invoice = self.second.with_context(force_report_rendering=True)
        self.assertFalse(invoice._pay_now_store_pdfs())
        self.assertTrue(invoice._pay_now_pdf_offers_payment())
        copy, failures = invoice._pay_now_print_without_link(self.customer)
        self.assertFalse(failures)
        reader = PdfFileReader(io.BytesIO(copy.raw), strict=False)
        self.assertTrue(reader.pages)
        self.store(self.first, copy.raw)
        self.assertFalse(self.first._pay_now_pdf_offers_payment())
