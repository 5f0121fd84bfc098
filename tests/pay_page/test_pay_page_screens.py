# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

from lxml import html

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import PayNowCommon

SUM = 'document.querySelector(".pay-now-sum").textContent.replace(/\\s/g, " ")'
TICK = 'document.querySelectorAll("[name=item]")[%d].click()'


@tagged('post_install', '-at_install')
class TestPayPageScreens(BrowserMixin, PayNowCommon, HttpCase):
    """The pay page as the customer sees it: with and without JavaScript, desktop and phone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        cls.connect_paypal()
        cls.company.pay_now_partial = True
        cls.customer.email = False
        term = cls.env['account.payment.term'].create(
            {
                'name': "2 % within 7 days",
                'early_discount': True,
                'discount_days': 7,
                'discount_percentage': 2,
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})
                ],
            }
        )
        cls.late = cls.make_invoice(1234.5, days_late=40)
        cls.discounted = cls.make_invoice(
            1000, invoice_date=fields.Date.today(), invoice_payment_term_id=term.id
        )
        cls.credit = cls.make_invoice(200, move_type='out_refund')
        cls.pdf = cls.env['ir.attachment'].create(
            {
                'name': "invoice.pdf",
                'raw': b'%PDF-1.4 stored',
                'mimetype': 'application/pdf',
                'res_model': 'account.move',
                'res_id': cls.late.id,
                'res_field': 'invoice_pdf_report_file',
            }
        )
        cls.reminder = (
            cls.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': cls.company.id,
                    'partner_id': cls.customer.id,
                    'level_id': cls.env['pay.now.reminder.level']
                    .search([('company_id', '=', cls.company.id)], limit=1)
                    .id,
                    'item_ids': [Command.set(cls.lines(cls.late, cls.discounted).ids)],
                }
            )
        )
        cls.page = urlsplit(cls.reminder._pay_now_url()).path

    def post(self, page, **data):
        form = page.xpath('//form')[0]
        response = self.url_open(form.get('action'), data=data)
        return html.fromstring(response.content)

    def test_live_total(self):
        ready = 'document.querySelector(".pay-now-live")'
        with self.browser() as browser:
            for lang, name, sums in (
                ('en_US', 'en', ("2,214.50 €", "2,014.50 €", "780.00 €", "0.00 €")),
                ('fr_FR', 'fr', ("2 214,50 €", "2 014,50 €", "780,00 €", "0,00 €")),
            ):
                self.customer.lang = lang
                self.show(browser, self.page, ready, f'pay_page_{name}', DESKTOP)
                self.assertEqual(self.run_js(browser, SUM), sums[0])
                self.assert_accessible(browser)
                for box, total in ((2, sums[1]), (0, sums[2]), (1, sums[3])):
                    self.run_js(browser, TICK % box)
                    self.assertEqual(self.run_js(browser, SUM), total)
                self.assertTrue(
                    self.run_js(browser, 'document.querySelector("[name=provider_id]").disabled')
                )
                self.picture(browser, f'pay_page_nothing_{name}')
                self.show(browser, self.page, ready, f'pay_page_phone_{name}', PHONE)
                self.assert_fits(browser)
                self.assert_accessible(browser)

    def test_without_javascript(self):
        page = html.fromstring(self.url_open(self.page).content)
        boxes = page.xpath('//input[@name="item"]/@value')
        page = self.post(page, item=[boxes[0], boxes[2]], amount='12', email='x', update='1')
        self.assertIn("1,034.50", page.xpath('//output')[0].text_content())
        self.assertEqual(page.xpath('//input[@name="item"][@checked]/@value'), [boxes[0], boxes[2]])
        self.assertEqual(page.xpath('//input[@name="amount"]/@value'), ['12'])
        self.assertFalse(self.env['payment.transaction'].sudo().search([('amount', '=', 12)]))

    def test_what_was_typed_survives_an_error(self):
        page = html.fromstring(self.url_open(self.page).content)
        boxes = page.xpath('//input[@name="item"]/@value')
        data = {'item': boxes[0], 'provider_id': str(self.provider.id)}
        page = self.post(page, **data, amount='many', email='me@example.com')
        self.assertIn("“many” is not an amount", page.xpath('//*[@role="alert"]')[0].text_content())
        self.assertEqual(page.xpath('//input[@name="amount"]/@value'), ['many'])
        self.assertEqual(page.xpath('//input[@name="email"]/@value'), ['me@example.com'])
        page = self.post(page, **data, email='nobody')
        self.assertIn("“nobody” is not an e-mail", page.text_content())

    def test_documents(self):
        page = html.fromstring(self.url_open(self.page).content)
        (path,) = page.xpath('//a[contains(@class, "pay-now-document")]/@href')
        response = self.url_open(path)
        self.assertEqual(response.content, b'%PDF-1.4 stored')
        self.assertEqual(response.headers['Content-Type'], 'application/pdf')
        other = self.make_invoice(10, partner=self.env['res.partner'].create({'name': "Other"}))
        self.pdf.copy({'res_id': other.id, 'res_field': 'invoice_pdf_report_file'})
        for forged in (
            path.replace(str(self.late.id), str(other.id)),
            path.replace(str(self.late.id), str(self.discounted.id)),
            path.replace(self.reminder.pay_now_token, 'x' * 32),
        ):
            self.assertEqual(self.url_open(forged).status_code, 404, forged)

    def test_nothing_comes_from_elsewhere(self):
        page = html.fromstring(self.url_open(self.page).content)
        for address in page.xpath('//@src | //link/@href'):
            self.assertTrue(address.startswith('/') and not address.startswith('//'), address)
