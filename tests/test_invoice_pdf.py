# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import io

from lxml import html

from odoo.tests import HttpCase, tagged
from odoo.tools import find_in_path
from odoo.tools.pdf import PdfFileReader

from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestInvoicePdf(PayNowCommon):
    """What the printed invoice says of paying online."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_print_link = True
        cls.invoice = cls.make_invoice(100)

    def printed(self, invoices=None, **context):
        """Return what the printouts say of paying online: one element for each that does."""
        Report = self.env['ir.actions.report'].with_context(**context)
        content, _kind = Report._render_qweb_html(
            'account.account_invoices', (invoices or self.invoice).ids
        )
        return html.fromstring(content).xpath("//div[@id='pay_now']")

    def test_nothing_unless_it_is_ticked(self):
        self.company.pay_now_print_link = False
        self.assertFalse(self.printed())
        self.assertFalse(self.invoice.pay_now_token)

    def test_the_link(self):
        [said] = self.printed()
        self.assertEqual(said.xpath('.//a/@href'), [self.invoice.pay_now_url])
        self.assertIn(self.invoice.pay_now_url, said.text_content())
        self.assertFalse(said.xpath('.//img'))

    def test_the_qr_code(self):
        self.company.write({'pay_now_print_link': False, 'pay_now_print_qr': True})
        [said] = self.printed()
        self.assertEqual(said.xpath('.//a/@href'), [self.invoice.pay_now_url])
        self.assertNotIn(self.invoice.pay_now_url, said.text_content())
        self.assertTrue(said.xpath('.//img/@src')[0].startswith('data:image/png;base64,'))

    def test_in_the_language_of_the_customer(self):
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        [said] = self.printed()
        self.assertIn("Payez cette facture en ligne", said.text_content())

    def test_one_qr_code_for_paying_online(self):
        self.company.link_qr_code = True
        self.assertTrue(self.invoice.display_link_qr_code)
        self.company.pay_now_print_qr = True
        self.invoice.invalidate_recordset(['display_link_qr_code'])
        self.assertFalse(self.invoice.display_link_qr_code)
        foreign = self.foreign_invoice()
        self.assertTrue(foreign.display_link_qr_code, "where ours may not be, Odoo's own stays")

    def foreign_invoice(self):
        currency = self.setup_other_currency('USD')
        return self.make_invoice(100, currency_id=currency.id)

    def test_never_where_there_is_no_button(self):
        refused = {
            'draft': self.make_invoice(100, post=False),
            'blocked': self.make_invoice(100),
            'no e-mail': self.make_invoice(
                100, partner=self.env['res.partner'].create({'name': "No address"})
            ),
            'another method': self.make_invoice(100),
            'in progress': self.make_invoice(100),
        }
        refused['blocked'].payment_state = 'blocked'
        refused['another method'].preferred_payment_method_line_id = self.company_data[
            'default_journal_bank'
        ].inbound_payment_method_line_ids[:1]
        tx = self.checkout(self.lines(refused['in progress']))
        tx._set_pending()
        for reason, invoice in refused.items():
            with self.subTest(reason=reason):
                self.assertFalse(self.printed(invoice))
        self.assertEqual(len(self.printed()), 1)

    def test_never_in_another_currency(self):
        self.assertFalse(self.printed(self.foreign_invoice()))

    def test_never_on_a_copy_without_link(self):
        self.company.write({'pay_now_print_qr': True, 'link_qr_code': True})
        self.assertFalse(self.printed(pay_now_no_link=True))
        self.assertTrue(self.invoice._pay_now_pdf_offers_payment())

    def test_never_once_it_is_paid(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertFalse(self.printed())

    def test_disconnected(self):
        self.provider.action_pay_now_disconnect()
        self.assertFalse(self.printed())

    def test_queries_do_not_grow_for_it(self):
        """What ours adds is the same for any number of invoices."""
        few = self.env['account.move'].union(*(self.make_invoice(10) for _one in range(2)))
        many = self.env['account.move'].union(*(self.make_invoice(10) for _one in range(12)))

        def added(invoices):
            counts = []
            for ticked in (False, True, False, True):
                self.company.pay_now_print_link = ticked
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.cr.sql_log_count
                for invoice in invoices:
                    invoice._pay_now_printed()
                self.env.flush_all()
                counts.append(self.cr.sql_log_count - before)
            return counts[3] - counts[2]

        self.assertLessEqual(added(many), added(few) + 1)

    def test_own_report_and_template_place_it_by_hand(self):
        self.env['ir.ui.view'].create(
            {
                'name': 'own',
                'type': 'qweb',
                'key': 'account_pay_now.own_report',
                'arch': '<t t-name="own"><a t-att-href="o.pay_now_url">Pay</a></t>',
            }
        )
        rendered = self.env['ir.qweb']._render('account_pay_now.own_report', {'o': self.invoice})
        self.assertIn(self.invoice.pay_now_url, str(rendered))


@tagged('post_install', '-at_install')
class TestPrintedPayNow(PayNowCommon, HttpCase):
    def test_a_stored_pdf_is_known_by_its_link(self):
        """Odoo's own printout with ours on it, as a reminder finds it stored."""
        try:
            find_in_path('wkhtmltopdf')
        except OSError:
            self.skipTest("NOT TESTED without wkhtmltopdf: the printed Pay now link")
        self.connect()
        for option in ('pay_now_print_link', 'pay_now_print_qr'):
            with self.subTest(option=option):
                self.company.write({'pay_now_print_link': False, 'pay_now_print_qr': False})
                self.company[option] = True
                invoice = self.make_invoice(100).with_context(force_report_rendering=True)
                self.assertFalse(invoice._pay_now_store_pdfs())
                pdf = PdfFileReader(io.BytesIO(invoice.invoice_pdf_report_id.raw), strict=False)
                self.assertTrue(pdf.pages)
                self.assertTrue(invoice._pay_now_pdf_offers_payment())
                self.company[option] = False
                self.assertTrue(invoice._pay_now_pdf_offers_payment(), "it is stored as it is")
                copy, failures = invoice._pay_now_print_without_link(self.customer)
                self.assertFalse(failures)
                invoice.invoice_pdf_report_id.raw = copy.raw
                self.assertFalse(invoice._pay_now_pdf_offers_payment())
