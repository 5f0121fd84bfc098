# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

from lxml import html

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: The buttons of the providers.
PAY = '//button[@name="provider_id"]'


@tagged('post_install', '-at_install')
class TestPages(PayNowCommon, HttpCase):
    """The customer's way, over HTTP and without a log-in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(1000, invoice_payment_term_id=cls.term.id)
        cls.page = urlsplit(cls.invoice._pay_now_url()).path

    def open(self, path):
        response = self.url_open(path)
        return response, html.fromstring(response.content)

    def pay(self, page, *items, path=None, allow_redirects=False):
        form = page.xpath('//form')[0]
        data = {
            'provider_id': str(self.provider.id),
            'item': [str(item) for item in items],
        }
        return self.url_open(path or form.get('action'), data=data, allow_redirects=allow_redirects)

    def test_get_creates_nothing(self):
        before = self.env['payment.transaction'].search_count([])
        for _crawler in range(10):
            response = self.url_open(self.page)
            self.assertEqual(response.status_code, 200)
            self.opener.head(self.base_url() + self.page)
        self.assertEqual(self.env['payment.transaction'].search_count([]), before)
        self.assertFalse(self.gateway.requests)
        self.assertIn('no-store', response.headers['Cache-Control'])

    def test_pay_one_instalment(self):
        _response, page = self.open(self.page)
        lines = self.lines(self.invoice)
        self.assertEqual(
            page.xpath('//input[@type="checkbox"]/@value'), [str(line.id) for line in lines]
        )
        response = self.pay(page, lines[0].id)
        self.assertEqual(response.status_code, 303)
        tx = self.env['payment.transaction'].sudo().search([], limit=1)
        self.assertEqual(tx.amount, 300)
        response = self.url_open(response.headers['Location'], allow_redirects=False)
        self.assertEqual(response.headers['Location'], tx.pay_now_checkout_url)
        self.gateway.pay(tx)
        response, result = self.open(tx._pay_now_path('return'))
        self.assertIn(tx._pay_now_path('result'), response.url)
        self.assertIn("Payment received", result.text_content())
        self.assertEqual(self.invoice.payment_state, 'partial')
        _response, page = self.open(self.page)
        self.assertEqual(len(page.xpath('//input[@type="checkbox"]')), 1)

    def test_forged_amount_and_items_change_nothing(self):
        other = self.lines(self.make_invoice(10))
        _response, page = self.open(self.page)
        response = self.pay(page, other.id)
        self.assertIn("changed meanwhile", response.text)
        response = self.pay(page)
        self.assertIn("Tick what you want to pay", response.text)
        self.assertFalse(self.gateway.requests)

    def test_wrong_addresses_all_look_the_same(self):
        kind, document, token = self.page.split('/')[2:]
        for path in (
            f'/pay_now/{kind}/{document}/{token[::-1]}',
            f'/pay_now/{kind}/{int(document) + 1}/{token}',
            f'/pay_now/reminder/{document}/{token}',
            '/pay_now/result/1/abc',
            '/pay_now/return/999999/abc',
            '/pay_now/checkout/1/abc',
        ):
            self.assertEqual(self.url_open(path).status_code, 404, path)
        self.invoice.sudo().pay_now_token_expiry = '2020-01-01'
        self.assertEqual(self.url_open(self.page).status_code, 404)

    def test_query_of_the_return_is_not_believed(self):
        tx = self.checkout(self.lines(self.invoice))
        _response, result = self.open(f'{tx._pay_now_path("return")}?status=paid&state=done')
        self.assertEqual(tx.state, 'draft')
        self.assertIn("waiting for the confirmation", result.text_content())

    def test_results(self):
        tx = self.checkout(self.lines(self.invoice))
        _response, result = self.open(tx._pay_now_path('cancel'))
        self.assertIn("Payment canceled", result.text_content())
        self.assertEqual(tx.state, 'draft', "still payable by the Back button")
        self.gateway.set(tx.provider_reference, state=base.PENDING)
        _response, result = self.open(tx._pay_now_path('return'))
        self.assertIn("Do not pay a second time", result.text_content())
        _response, page = self.open(self.page)
        self.assertFalse(page.xpath(PAY), "nothing to pay while it is in progress")
        self.gateway.set(tx.provider_reference, state=base.FAILED, failure="Insufficient funds")
        _response, result = self.open(tx._pay_now_path('return'))
        self.assertIn("Insufficient funds", result.text_content())
        self.assertIn("Payment refused", result.text_content())
        self.assertIn("Nothing was debited", result.text_content())
        _response, page = self.open(self.page)
        self.assertTrue(page.xpath(PAY))

    def test_already_paid(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        _response, page = self.open(self.page)
        self.assertIn("Already paid, thank you", page.text_content())
        self.assertFalse(page.xpath(PAY))

    def test_provider_down(self):
        _response, page = self.open(self.page)
        self.gateway.down = True
        response = self.pay(page, self.lines(self.invoice)[0].id, allow_redirects=True)
        self.assertIn("try again in a few minutes", response.text)
        self.gateway.down = False

    def test_return_with_the_provider_down(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        self.gateway.down = True
        _response, result = self.open(tx._pay_now_path('return'))
        self.assertIn("waiting for the confirmation", result.text_content())
        (refresh,) = result.xpath('//meta[@http-equiv="refresh"]/@content')
        self.gateway.down = False
        _response, result = self.open(refresh.partition('url=')[2])
        self.assertIn("Payment received", result.text_content())
        self.gateway.down = False

    def test_language_of_the_customer(self):
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        _response, page = self.open(self.page)
        self.assertEqual(page.get('lang'), 'fr-FR')
        self.assertIn("Vos factures à régler", page.text_content())
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.set(tx.provider_reference, state=base.FAILED, failure_code='card_declined')
        _response, result = self.open(tx._pay_now_path('return'))
        self.assertIn("Votre banque a refusé le paiement", result.text_content())

    def test_core_invoice_page_offers_ours_where_payable(self):
        def offered():
            page = self.url_open(self.invoice.get_portal_url())
            self.assertEqual(page.status_code, 200)
            return 'data-provider-code="pay_now_stripe"' in page.text

        self.assertTrue(offered())
        self.provider.sudo().pay_now_problem = "Keys refused"
        self.assertFalse(offered())

    def test_core_invoice_page_refuses_more_than_is_open(self):
        self.authenticate(None, None)
        token = self.invoice._portal_ensure_token()
        params = {
            'access_token': token,
            'provider_id': self.provider.id,
            'payment_method_id': self.provider._pay_now_default_method().id,
            'token_id': None,
            'amount': 5000.0,
            'flow': 'redirect',
            'tokenization_requested': False,
            'landing_route': '/my',
        }
        url = f'/invoice/transaction/{self.invoice.id}'
        with self.assertRaisesRegex(Exception, 'PayerError'):
            self.make_jsonrpc_request(url, params)
        values = self.make_jsonrpc_request(url, {**params, 'amount': 1000.0})
        self.assertEqual(values['state'], 'draft')
        tx = self.env['payment.transaction'].sudo().search([], limit=1)
        self.assertEqual(tx.pay_now_item_ids.line_id, self.lines(self.invoice))
        self.invoice.action_toggle_block_payment()
        with self.assertRaisesRegex(Exception, 'PayerError'):
            self.make_jsonrpc_request(url, {**params, 'amount': 1000.0})
