# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

from lxml import html

from odoo.exceptions import ValidationError
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestLimits(PayNowCommon, HttpCase):
    """The smallest and the largest amount of each provider."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.connect_paypal()

    def offered(self, invoice):
        return invoice._pay_now_page_values()['providers']

    def page(self, invoice):
        """Return what the customer's browser gets."""
        return self.url_open(urlsplit(invoice._pay_now_url()).path).text

    def shown(self, invoice):
        """Return what is to be read there; the script shows more of it once ticks change."""
        page = html.fromstring(self.page(invoice))
        for hidden in page.xpath('//*[@hidden]'):
            hidden.drop_tree()
        return page.text_content()

    def test_amount_outside_hides_that_provider_only(self):
        self.provider.pay_now_minimum_amount = 50
        self.paypal.maximum_amount = 80
        self.assertEqual(self.offered(self.make_invoice(20)), self.paypal)
        self.assertEqual(self.offered(self.make_invoice(50)), self.provider | self.paypal)
        self.assertEqual(self.offered(self.make_invoice(80)), self.provider | self.paypal)
        self.assertEqual(self.offered(self.make_invoice(80.01)), self.provider)

    def test_page_says_why_when_none_is_left(self):
        (self.provider | self.paypal).pay_now_minimum_amount = 50
        invoice = self.make_invoice(20)
        self.assertFalse(self.offered(invoice))
        text = self.shown(invoice)
        self.assertIn("amounts between", text)
        self.assertIn("50.00", text)
        self.assertNotIn('name="provider_id"', self.page(invoice))
        self.assertNotIn("amounts between", self.shown(self.make_invoice()))

    def test_checked_again_when_the_payment_starts(self):
        invoice = self.make_invoice(100).sudo()
        chosen = set(self.lines(invoice).ids)
        self.provider.maximum_amount = 99.99
        with self.assertRaisesRegex(ValidationError, "takes amounts between"):
            invoice._pay_now_start(chosen, self.provider.id)
        self.assertTrue(invoice._pay_now_start(chosen, self.paypal.id))

    def test_what_cannot_be_is_refused(self):
        for values in (
            {'pay_now_minimum_amount': 100, 'maximum_amount': 99},
            {'pay_now_minimum_amount': -1},
            {'pay_now_minimum_amount': 0.10},
            {'maximum_amount': 0.10},
            {'maximum_amount': 5_000_000},
        ):
            with self.subTest(values), self.assertRaises(ValidationError), self.cr.savepoint():
                self.provider.write(values)
        self.provider.write({'pay_now_minimum_amount': 10, 'maximum_amount': 10})
        self.provider.write({'pay_now_minimum_amount': 0, 'maximum_amount': 0})

    def test_pages_of_odoo_obey_too(self):
        self.provider.pay_now_minimum_amount = 50
        currency = self.company.currency_id.id
        for amount, ours in ((20, self.paypal), (60, self.provider | self.paypal)):
            invoice = self.make_invoice(amount)
            Provider = self.env['payment.provider'].with_context(pay_now_invoice_ids=invoice.ids)
            found = Provider._get_compatible_providers(
                self.company.id, self.customer.id, amount, currency_id=currency
            )
            self.assertEqual(found & (self.provider | self.paypal), ours)

    def test_accounting_manager_sets_them_in_the_options(self):
        manager = new_test_user(
            self.env,
            'pay_now_manager',
            groups='account.group_account_manager',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        self.provider.maximum_amount = 900
        options = self.env['pay.now.options'].with_user(manager).create({})
        line = options.line_ids.filtered(lambda one: one.name == self.provider.name)
        self.assertEqual(line.maximum_amount, 900)
        line.pay_now_minimum_amount = 25
        self.assertEqual(self.provider.pay_now_minimum_amount, 25)
        with self.assertRaises(ValidationError):
            line.write({'pay_now_minimum_amount': 901})
