# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import time
from urllib.parse import urlsplit

from lxml import html

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import PayNowCommon

HEADING = "document.querySelector('h1')"


@tagged('post_install', '-at_install')
class TestResultPage(BrowserMixin, PayNowCommon, HttpCase):
    """What the payer is told afterwards: at once, later, and when the link is opened again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        cls.invoice = cls.make_invoice(1000)
        cls.page = urlsplit(cls.invoice._pay_now_url()).path

    def open(self, path):
        return html.fromstring(self.url_open(path).content)

    def paid(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        return tx

    def test_it_appears_by_itself(self):
        """Without loading the page again, and without a script by a refresh."""
        tx = self.checkout(self.lines(self.invoice))
        path = tx._pay_now_path('result')
        (refresh,) = self.open(path).xpath('//noscript/meta[@http-equiv="refresh"]/@content')
        self.assertIn(tx._pay_now_path('return'), refresh)
        # The provider knows, and nobody has asked: the page does.
        self.gateway.pay(tx)
        with self.browser() as browser:
            self.show(browser, path, HEADING, 'result_waiting', PHONE)
            self.run_js(browser, 'window.stillHere = true')
            self.wait_for(browser, f"{HEADING}.innerText.includes('Payment received')")
            self.assertTrue(self.run_js(browser, 'window.stillHere'))
            self.assertFalse(
                self.run_js(browser, "document.querySelectorAll('.pay-now-next a').length"),
                "nothing is left to pay",
            )
            self.picture(browser, 'result_appeared')
        self.env.invalidate_all()
        self.assertEqual(tx.state, 'done')
        page = self.open(path)
        self.assertFalse(page.xpath('//*[@data-ask] | //meta[@http-equiv="refresh"]'))

    def test_what_failed_appears_with_another_try(self):
        tx = self.checkout(self.lines(self.invoice))
        tx.sudo().pay_now_page_url = self.page
        self.gateway.set(tx.provider_reference, state='failed')
        with self.browser() as browser:
            self.show(browser, tx._pay_now_path('result'), HEADING)
            self.wait_for(browser, f"{HEADING}.innerText.includes('Payment refused')")
            self.wait_for(browser, "document.querySelector('.pay-now-next a').href")

    def test_already_paid_says_what_and_when(self):
        tx = self.paid()
        self.env['ir.attachment'].create(
            {
                'name': "invoice.pdf",
                'raw': b'%PDF-1.4 stored',
                'mimetype': 'application/pdf',
                'res_model': 'account.move',
                'res_id': self.invoice.id,
                'res_field': 'invoice_pdf_report_file',
            }
        )
        page = self.open(self.page)
        said = ' '.join(page.text_content().split())
        self.assertIn("Already paid, thank you.", said)
        self.assertIn(f"Reference {tx.reference}", said)
        self.assertIn("1,000.00", said)
        (document,) = page.xpath('//a[contains(@class, "pay-now-document")]/@href')
        self.assertEqual(self.url_open(document).content, b'%PDF-1.4 stored')

    def test_it_was_paid_under_the_number_it_had(self):
        """On the result page, in the receipt, and in the books."""
        for when in ('before it is paid', 'after it is paid'):
            with self.subTest(renumbered=when):
                invoice, other = self.make_invoice(100), self.make_invoice(50)
                former = invoice.name
                tx = self.checkout(self.lines(invoice, other))
                if when == 'before it is paid':
                    invoice.name = 'SALES/2026/7001'
                self.gateway.pay(tx)
                tx._synchronize()
                if when == 'after it is paid':
                    invoice.name = 'SALES/2026/7002'
                page = self.open(tx._pay_now_path('result')).text_content()
                receipt = tx._pay_now_prepare_receipt()['body_html']
                for text in (page, receipt):
                    self.assertIn(former, text)
                    self.assertNotIn(invoice.name, text)
                self.assertIn(tx.reference, tx.payment_id.memo)
                self.assertIn(former.replace('/', '-'), tx.reference)
                [label] = {request.label for key, request in self.gateway.requests[-1:]}
                self.assertIn(former, label)

    def test_paid_otherwise_says_no_payment(self):
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.invoice.ids
        ).create({})._create_payments()
        page = self.open(self.page)
        self.assertIn("Already paid, thank you.", page.text_content())
        self.assertFalse(page.xpath('//section'))

    def test_only_the_page_s_own_part_of_a_payment(self):
        other = self.make_invoice(77)
        tx = self.checkout(self.lines(self.invoice, other))
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(tx.amount, 1077)
        said = self.open(self.page).text_content()
        self.assertIn("1,000.00", said)
        self.assertNotIn("1,077.00", said)
        result = self.open(tx._pay_now_path('result'))
        self.assertEqual(len(result.xpath('//ul[@class="pay-now-items"]/li')), 2)
        # Of which invoice a refund is, nobody knows before all is back.
        self.gateway.give_back(tx.provider_reference, 1050)
        tx._synchronize()
        self.assertIn("Refunded: 1,050.00", self.open(tx._pay_now_path('result')).text_content())
        self.assertNotIn("Refunded", self.open(self.page).text_content())
        self.gateway.give_back(tx.provider_reference, 27)
        tx._synchronize()
        self.assertIn("Refunded: 1,000.00", self.open(self.page).text_content())

    def test_in_progress_is_no_error(self):
        tx = self.checkout(self.lines(self.invoice))
        tx._set_pending()
        page = self.open(self.page)
        self.assertIn("Payment in progress", page.xpath('//h1')[0].text_content())
        self.assertIn("Do not pay a second time", page.text_content())
        self.assertFalse(page.xpath('//*[contains(@class, "pay-now-error")]'))

    def test_a_payment_the_bank_took_back(self):
        tx = self.paid()
        self.env['pay.now.dispute'].sudo().create(
            {
                'provider_id': self.provider.id,
                'dispute_ref': 'dp_1',
                'transaction_id': tx.id,
                'state': 'lost',
                'currency_id': tx.currency_id.id,
                'loss_amount': 1000,
            }
        )
        said = self.open(tx._pay_now_path('result')).text_content()
        self.assertIn("took this payment back", said)
        self.assertNotIn("Payment received", said)

    def test_an_unknown_address(self):
        wrong = self.url_open(f'{self.page}x')
        self.assertEqual(wrong.status_code, 404)
        page = html.fromstring(wrong.content)
        self.assertIn("This address does not work", page.text_content())
        self.assertNotIn(self.company.name, page.text_content())
        others = ('/pay_now/result/1/abc', '/pay_now/trial/1/abc', f'{self.page}/pdf/1')
        for path in others:
            answer = self.url_open(path)
            self.assertEqual((answer.status_code, answer.content), (404, wrong.content), path)
        self.assertEqual(wrong.headers['X-Robots-Tag'], 'noindex, nofollow')

    def test_everybody_can_read_them(self):
        """No rule of accessibility is broken, on any of these pages, small and large."""
        tx = self.checkout(self.lines(self.invoice))
        result = tx._pay_now_path('result')

        def set_state(state):
            tx.sudo().state = state

        pages = {
            'waiting': (result, 'draft'),
            'canceled': (f'{result}?canceled=1', 'draft'),
            'pending': (result, 'pending'),
            'in_progress': (self.page, 'pending'),
            'refused': (result, 'error'),
            'over': (result, 'cancel'),
            'unknown': (f'{self.page}x', 'cancel'),
        }
        self.customer.lang = 'fr_FR'
        with self.browser() as browser:
            for name, (path, state) in pages.items():
                set_state(state)
                self.look(browser, path, name)
            set_state('draft')
        self.gateway.pay(tx)
        tx._synchronize()
        with self.browser() as browser:
            for name, path in (('paid', result), ('already', self.page)):
                self.look(browser, path, name)

    def look(self, browser, path, name):
        """Look at a page on a phone and on a desk, by day and by night."""
        for size, suffix in ((PHONE, '_phone'), (DESKTOP, '')):
            with self.subTest(page=name, size=size):
                self.show(browser, path, HEADING, f'result_{name}{suffix}', size)
                # A page that waits asks by itself, while the test has the cursor.
                self.run_js(browser, 'window.fetch = () => new Promise(() => {})')
                self.assert_fits(browser)
                self.assert_accessible(browser)
                self.assert_readable(browser)
        self.set_dark(browser)
        self.assert_readable(browser)
        self.picture(browser, f'result_{name}_dark')
        self.set_dark(browser, False)

    def press_twice(self, browser, button):
        """Double-click, and wait: until the answer is there a page says nothing."""
        self.run_js(browser, f'{button}.click(), {button}.click()')
        time.sleep(1)
        self._wait_remaining_requests(60)

    def test_it_is_printed_and_paid_on(self):
        """What the payer presses afterwards, twice each."""
        invoice = self.make_invoice(700, invoice_payment_term_id=self.term.id)
        first, second = self.lines(invoice)
        tx = self.checkout(first)
        tx.sudo().pay_now_page_url = page = urlsplit(invoice._pay_now_url()).path
        self.gateway.pay(tx)
        tx._synchronize()
        self.customer.lang = 'fr_FR'
        button = "document.querySelector('.pay-now-remaining a')"
        with self.browser() as browser:
            self.look(browser, tx._pay_now_path('result'), 'left')
            self.run_js(browser, 'window.printed = 0; window.print = () => { window.printed += 1 }')
            self.run_js(browser, "document.querySelector('[data-print]').click()")
            self.assertEqual(self.run_js(browser, 'window.printed'), 1)
            self.run_js(browser, f'{button}.click(), {button}.click()')
            self.wait_for(browser, "document.querySelector('.pay-now-form')")
            self.look(browser, page, 'part_paid')
            box = "document.querySelector('[name=item]')"
            self.assertEqual(self.run_js(browser, f'{box}.value'), str(second.id))
            hint = "document.querySelector('.pay-now-unticked')"
            self.assertTrue(self.run_js(browser, f'{hint}.hidden'))
            self.run_js(browser, f'{box}.click()')
            self.assertFalse(self.run_js(browser, f'{hint}.hidden'))
            # In another language nothing is lost.
            self.run_js(browser, "document.querySelector('.pay-now-languages summary').click()")
            self.assert_fits(browser)
            self.picture(browser, 'result_languages')
            english = "document.querySelector('.pay-now-languages [lang=en-US]')"
            self.press_twice(browser, english)
            self.wait_for(browser, "document.documentElement.lang === 'en-US'")
            self.assertFalse(self.run_js(browser, f'{box}.checked'))
            # The PDF that was never printed, then the payment.
            made = "document.querySelector('.pay-now-form button[form=pay_now_print]')"
            self.press_twice(browser, made)
            self.wait_for(browser, 'true')
            self.run_js(browser, f'{box}.click()')
            pay = "document.querySelector('[name=provider_id]')"
            self.press_twice(browser, pay)
            self.wait_for(browser, "!document.querySelector('.pay-now-form')")
        self.env.invalidate_all()
        self.assertTrue(invoice.invoice_pdf_report_id)
        self.assertEqual((invoice.transaction_ids - tx).mapped('pay_now_lang'), ['en_US'])
