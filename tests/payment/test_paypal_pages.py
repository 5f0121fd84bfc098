# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

from lxml import html

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import PayerActionNeeded
from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestPayPalPages(PayNowCommon, HttpCase):
    """The customer's way with two providers on the page, over HTTP and without a log-in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.connect_paypal()
        cls.invoice = cls.make_invoice(100)
        cls.page = urlsplit(cls.invoice._pay_now_url()).path

    def open(self, path, allow_redirects=True):
        response = self.url_open(path, allow_redirects=allow_redirects)
        return response, html.fromstring(response.content or '<p/>')

    def paypal_checkout(self):
        return self.checkout(self.lines(self.invoice), provider=self.paypal)

    def decline(self, tx):
        self.paypal_gateway.approve(tx)
        self.paypal_gateway.capture_error = PayerActionNeeded("Declined.", 'INSTRUMENT_DECLINED')

    def test_each_provider_has_its_button(self):
        _response, page = self.open(self.page)
        buttons = [
            (button.text_content().strip(), int(button.get('value')))
            for button in page.xpath('//form//button[@name="provider_id"]')
        ]
        self.assertEqual(
            buttons, [("Pay by card", self.provider.id), ("Pay with PayPal", self.paypal.id)]
        )

    def test_paid_on_return_whatever_the_query_says(self):
        tx = self.paypal_checkout()
        self.paypal_gateway.approve(tx)
        # PayPal adds a parameter of the name that our own token has in the path.
        _response, result = self.open(f'{tx._pay_now_path("return")}?token=5O19&PayerID=QYR5')
        self.assertIn("Payment received", result.text_content())
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_wrong_token_in_the_path_is_not_fixed_by_the_query(self):
        tx = self.paypal_checkout()
        response = self.url_open(
            f'/pay_now/return/{tx.id}/wrong?token={tx._pay_now_access_token()}'
        )
        self.assertEqual(response.status_code, 404)

    def test_declined_source_sends_the_payer_back_to_choose(self):
        tx = self.paypal_checkout()
        self.decline(tx)
        response, _page = self.open(tx._pay_now_path('return'), allow_redirects=False)
        self.assertEqual(urlsplit(response.headers['Location']).path, tx._pay_now_path('checkout'))
        response, _page = self.open(response.headers['Location'], allow_redirects=False)
        self.assertEqual(response.headers['Location'], tx.pay_now_checkout_url)
        self.paypal_gateway.capture_error = None
        _response, result = self.open(tx._pay_now_path('return'))
        self.assertIn("Payment received", result.text_content())

    def test_declined_source_then_given_up(self):
        tx = self.paypal_checkout()
        self.decline(tx)
        tx._synchronize()
        _response, result = self.open(tx._pay_now_path('cancel'))
        text = result.text_content()
        self.assertIn("Payment not made yet", text)
        self.assertIn("choose another one", text)
        self.assertIn("Nothing was debited", text)
        self.assertFalse(result.xpath('//meta[@http-equiv="refresh"]'))
        self.assertIn(tx._pay_now_path('checkout'), result.xpath('//a/@href'))

    def test_superseded_approval_says_so(self):
        tx = self.paypal_checkout()
        self.checkout(self.lines(self.invoice))
        self.paypal_gateway.approve(tx)
        _response, result = self.open(tx._pay_now_path('return'))
        text = result.text_content()
        self.assertIn("You started another payment of these invoices", text)
        self.assertIn("Nothing was debited", text)
        self.assertFalse(self.paypal_gateway.captured)

    def test_pending_capture_says_not_to_pay_again(self):
        tx = self.paypal_checkout()
        self.paypal_gateway.set(tx.provider_reference, state=base.PENDING, failure_code='ECHECK')
        _response, result = self.open(tx._pay_now_path('return'))
        self.assertIn("Do not pay a second time", result.text_content())
        _response, page = self.open(self.page)
        self.assertFalse(page.xpath('//form//button[@name="provider_id"]'))

    def test_core_page_keeps_the_query_of_paypals_address(self):
        self.authenticate(None, None)
        values = self.make_jsonrpc_request(
            f'/invoice/transaction/{self.invoice.id}',
            {
                'access_token': self.invoice._portal_ensure_token(),
                'provider_id': self.paypal.id,
                'payment_method_id': self.paypal._pay_now_default_method().id,
                'token_id': None,
                'amount': 100.0,
                'flow': 'redirect',
                'tokenization_requested': False,
                'landing_route': '/my',
            },
        )
        form = html.fromstring(values['redirect_form_html'])
        tx = self.env['payment.transaction'].sudo().search([], limit=1)
        url = urlsplit(tx.pay_now_checkout_url)
        self.assertEqual(form.get('action'), url._replace(query='').geturl())
        inputs = [(one.get('name'), one.get('value')) for one in form.xpath('.//input')]
        self.assertEqual(inputs, [('token', tx.provider_reference)])
