# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

from freezegun import freeze_time
from lxml import html

from odoo import fields
from odoo.exceptions import ConcurrencyError, UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.account_pay_now.utils import TooOften

HEADING = "document.querySelector('h1')"


@tagged('post_install', '-at_install')
class TestLimitsOfPages(BrowserMixin, PayNowCommon, HttpCase):
    """Who holds an address plays with it: so often in an hour, and the payer can still pay."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        cls.customer.lang = 'fr_FR'
        cls.company.write({'phone': '+33 1 23 45 67 89', 'email': 'compta@example.com'})
        term = cls.env['account.payment.term'].create(
            {
                'name': "Four times",
                'line_ids': [
                    (0, 0, {'value': 'percent', 'value_amount': 25, 'nb_days': 30 * number})
                    for number in range(4)
                ],
            }
        )
        cls.invoice = cls.make_invoice(400, invoice_payment_term_id=term.id, invoice_date_due=False)
        cls.items = cls.lines(cls.invoice)
        cls.page = urlsplit(cls.invoice._pay_now_url()).path
        cls.other = cls.make_invoice(10)
        cls.limit('checkout', 2)

    @classmethod
    def limit(cls, purpose, value):
        cls.env['ir.config_parameter'].set_param(f'account_pay_now.{purpose}_rate', value)

    def pay(self, *items, page=None):
        data = {'item': [item.id for item in items], 'provider_id': self.provider.id}
        return self.url_open(f'{page or self.page}/pay', data=data, allow_redirects=False)

    def answer(self, **values):
        data = {'item': self.items.ids, **values}
        return self.url_open(f'{self.page}/answer', data=data, allow_redirects=False)

    def checkouts(self):
        return self.env['payment.transaction'].search_count(
            [('invoice_ids', 'in', self.invoice.ids)]
        )

    def test_checkouts_of_an_hour(self):
        first, second, third, _fourth = self.items
        begun = self.pay(first).headers['Location']
        self.assertEqual(self.pay(second).status_code, 303)
        response = self.pay(third)
        self.assertEqual(response.status_code, 429)
        self.assertLessEqual(int(response.headers['Retry-After']), 3600)
        said = html.fromstring(response.content).text_content()
        for text in (self.company.phone, self.company.email):
            self.assertIn(text, said)
        self.assertEqual(self.checkouts(), 2)
        # What is open can be paid, as often as the payer presses.
        for _press in range(3):
            self.assertEqual(self.pay(first).headers['Location'], begun)
        self.assertEqual(self.checkouts(), 2)
        self.assertIn('token=', self.url_open(begun, allow_redirects=False).headers['Location'])
        # Another page is not concerned, nor the next hour.
        page = urlsplit(self.other._pay_now_url()).path
        self.assertEqual(self.pay(*self.lines(self.other), page=page).status_code, 303)
        with freeze_time(fields.Datetime.now() + timedelta(hours=1)):
            self.assertEqual(self.pay(third).status_code, 303)

    def test_who_pays_is_not_counted(self):
        """Sixty invoices of a page, paid one by one within the hour."""
        first, second, third, fourth = self.items
        for item in (first, second):
            self.assertEqual(self.pay(item).status_code, 303)
            tx = self.env['payment.transaction'].sudo().search([], limit=1)
            tx._pay_now_open()
            self.gateway.pay(tx)
            tx._synchronize()
            self.assertEqual(tx.state, 'done')
        self.assertEqual(self.pay(third).status_code, 303)
        self.assertEqual(self.pay(fourth).status_code, 303)
        # Begun, and not paid.
        self.assertEqual(self.pay(third, fourth).status_code, 429)

    def test_what_is_refused_is_not_counted(self):
        foreign = self.lines(self.make_invoice(10, partner=self.company.partner_id))
        for _press in range(5):
            self.assertEqual(self.pay(*foreign).status_code, 200)
        self.assertEqual(self.pay(*self.items).status_code, 303)

    def test_the_number_is_the_companys(self):
        for value, most in (('7', 7), ('0', 0), ('x', 20), ('-1', 20), ('²', 20), ('9' * 40, 20)):
            self.limit('checkout', value)
            self.assertEqual(self.env['pay.now.rate']._most('checkout'), most, value)
        self.limit('checkout', '0')
        self.assertEqual({self.pay(item).status_code for item in self.items}, {303})

    def test_answers_of_an_hour(self):
        self.limit('answer', 2)
        problems = [self.answer(answer='problem', problem=f'{n}') for n in range(3)]
        self.assertEqual([one.status_code for one in problems], [303, 303, 429])
        # What was said before may be said again.
        self.assertEqual(self.answer(answer='problem', problem='1').status_code, 303)
        self.assertEqual(len(self.items.pay_now_answer_ids), 2)

    def test_trial_mails_of_an_hour(self):
        self.limit('trial', 2)
        trial = self.env['pay.now.trial'].create({'partner_id': self.customer.id})
        with patch.object(type(trial), '_send_mail') as sent:
            for _mail in range(2):
                trial.action_send()
            with self.assertRaisesRegex(UserError, "within an hour"):
                trial.action_send()
        self.assertEqual(sent.call_count, 2)

    def test_payments_on_odoos_pages(self):
        rates = self.env['pay.now.rate']
        for _tx in range(2):
            rates._hold(self.invoice, 'checkout')._spend(self.invoice)
        with self.assertRaises(TooOften):
            rates._hold(self.invoice, 'checkout')._spend(self.invoice)

    def test_hours_are_forgotten(self):
        rates = self.env['pay.now.rate'].sudo()
        rates._hold(self.invoice, 'checkout')._spend(self.invoice)
        rates._gc_rates()
        self.assertEqual(rates.search_count([]), 1)
        with freeze_time(fields.Datetime.now() + timedelta(hours=4)):
            rates._gc_rates()
        self.assertFalse(rates.search_count([]))

    def test_too_many_at_the_same_moment(self):
        """Tried again as often as Odoo does: a page of ours, in the customer's language."""
        with (
            patch('odoo.service.model.MAX_TRIES_ON_CONCURRENCY_FAILURE', 1),
            patch.object(type(self.invoice), '_pay_now_start', side_effect=ConcurrencyError("x")),
            mute_logger('odoo.http', 'odoo.service.model'),
        ):
            response = self.pay(*self.items)
        self.assertEqual(response.status_code, 429)
        self.assertIn('Retry-After', response.headers)
        self.assertEqual(html.fromstring(response.content).get('lang'), 'fr-FR')

    def test_headers(self):
        """Our own files and style alone, in nobody's frame, and nothing passed on."""
        tx = self.checkout(self.items[:1])
        self.invoice._pay_now_store_pdfs()
        for path, status in (
            (self.page, 200),
            (f'{self.page}/pdf/{self.invoice.id}', 200),
            (tx._pay_now_path('result'), 200),
            (tx._pay_now_path('checkout'), 303),
            (f'{self.page}x', 404),
            (f'{self.page}/x%0Ay', 303),
            ('/pay_now/invoice/0/%0d%0aX-A:b/pay', 303),
            ('/pay_now/x%0Ay', 404),
            (f'/pay_now/webhook/{self.provider.id}', 405),
        ):
            with self.subTest(path=path):
                response = self.url_open(path, allow_redirects=False)
                self.assertEqual(response.status_code, status)
                headers = response.headers
                self.assertIn("frame-ancestors 'none'", headers['Content-Security-Policy'])
                self.assertIn("default-src 'none'", headers['Content-Security-Policy'])
                self.assertNotIn('unsafe', headers['Content-Security-Policy'])
                self.assertEqual(headers['X-Frame-Options'], 'DENY')
                self.assertEqual(headers['X-Content-Type-Options'], 'nosniff')
                self.assertEqual(headers['Referrer-Policy'], 'no-referrer')
                self.assertEqual(headers['Cache-Control'], 'no-store')
                self.assertIn('noindex', headers['X-Robots-Tag'])

    def test_reading_an_address_prolongs_nothing(self):
        self.invoice.sudo().pay_now_token_expiry = lapsed = fields.Date.today() - timedelta(days=1)
        self.env.invalidate_all()
        self.invoice.read(['pay_now_url'])
        self.env['mail.render.mixin']._render_template(
            '<a t-att-href="object.pay_now_url"/>', 'account.move', self.invoice.ids, engine='qweb'
        )
        self.env['account.move.send.wizard'].create({'move_id': self.invoice.id})
        self.assertEqual(self.invoice.pay_now_token_expiry, lapsed)
        self.assertEqual(self.url_open(self.page).status_code, 404)

    def test_a_mail_of_the_company_prolongs(self):
        year = fields.Date.today() + timedelta(days=365)
        lapsed = fields.Date.today() - timedelta(days=1)
        author = self.env.user.partner_id
        for writer, body, until in (
            (author, self.page, year),
            (author, f'{self.page[:-3]}xyz', lapsed),
            # Odoo passes on what a customer wrote, with what it quotes.
            (self.customer, self.page, lapsed),
        ):
            self.invoice.sudo().pay_now_token_expiry = lapsed
            self.env['mail.mail'].create(
                {
                    'author_id': writer.id,
                    'model': 'account.move',
                    'res_id': self.invoice.id,
                    'email_to': 'client@example.com',
                    'body_html': f'<a href="https://odoo.example.com{body}">x</a>',
                }
            )._prepare_outgoing_list()
            self.assertEqual(self.invoice.pay_now_token_expiry, until)

    def test_they_can_be_read(self):
        self.limit('checkout', 1)
        self.pay(self.items[-1])
        button = "document.querySelector('[name=provider_id]')"
        with self.browser() as browser:
            for name, size in (('limit_page', DESKTOP), ('limit_page_phone', PHONE)):
                self.show(browser, self.page, button, f'csp_{name}', size)
                color = self.run_js(browser, f'getComputedStyle({button}).backgroundColor')
                self.assertNotIn(color, ('', 'rgba(0, 0, 0, 0)'))
                self.assertTrue(
                    self.run_js(browser, "!!document.querySelector('.pay-now-live')"),
                    "the script runs",
                )
                self.run_js(browser, f'{button}.click()')
                self.wait_for(browser, "!document.querySelector('form')")
                self.wait_for(browser, HEADING)
                self.picture(browser, name)
                self.assert_fits(browser)
                self.assert_accessible(browser)
