# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase


@tagged('post_install', '-at_install')
class TestMethods(PayNowCommon):
    """Which of core's records stands for what the payer used."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()

    def test_every_code_we_translate_has_its_record(self):
        Transaction = self.env['payment.transaction'].sudo()
        for code, ours in (
            ('sepa_debit', 'sepa_direct_debit'),
            ('us_bank_account', 'ach_direct_debit'),
            ('au_becs_debit', 'becs_direct_debit'),
            ('customer_balance', 'bank_transfer'),
            ('afterpay_clearpay', 'afterpay'),
            ('acss_debit', 'bank_account'),
            ('cashapp', 'cash_app_pay'),
            ('mobilepay', 'mobile_pay'),
            ('oxxo', 'oxxopay'),
            ('card_present', 'card'),
            ('google_pay', 'card'),
            *((code, code) for code in ('bancontact', 'ideal', 'eps', 'p24', 'klarna', 'venmo')),
            ('pay_by_thought', 'unknown'),
        ):
            self.assertEqual(Transaction._pay_now_find_method(code).code, ours, code)

    def test_the_code_of_the_provider_is_kept(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.pay(tx, method='card', wallet='google_pay')
        tx._synchronize()
        self.assertEqual(tx.payment_method_code, 'card')
        self.assertEqual(tx.pay_now_method, 'card, google_pay')

    def test_nothing_known_keeps_what_was(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.pay(tx, method='')
        tx._synchronize()
        self.assertEqual(tx.payment_method_code, 'card')
        self.assertFalse(tx.pay_now_method)

    def test_no_payer_waits_to_note_what_is_offered(self):
        provider = self.provider.sudo()
        with patch.object(type(provider), 'try_lock_for_update', return_value=provider.browse()):
            provider._pay_now_note_offered(('card', 'klarna'))
        self.assertNotEqual(provider.pay_now_offered, 'card,klarna')
        provider._pay_now_note_offered(('card', 'klarna'))
        self.assertEqual(provider.pay_now_offered, 'card,klarna')


@tagged('post_install', '-at_install')
class TestMethodsInTheSandbox(SandboxCase):
    def test_stripe(self):
        for choice, code, label in (
            ('card', 'card', 'card'),
            ('apple_pay', 'card', 'card, apple_pay'),
            ('bancontact', 'bancontact', 'bancontact'),
            ('ideal', 'ideal', 'ideal'),
            ('unknown', 'unknown', 'pay_by_thought'),
            ('sepa', 'sepa_direct_debit', 'sepa_debit'),
        ):
            with self.subTest(choice):
                tx = self.checkout(self.lines(self.make_invoice()))
                self.sandbox.pay(session=tx.provider_reference, method=choice)
                self.deliver()
                if choice == 'sepa':
                    self.assertEqual(tx.state, 'pending')
                    self.sandbox.settle(session=tx.provider_reference)
                    self.deliver()
                self.assertRecordValues(
                    tx,
                    [{'state': 'done', 'payment_method_code': code, 'pay_now_method': label}],
                )
        asked = [
            call
            for call in self.sandbox.requests()
            if call['path'].endswith('/checkout/sessions') and call['method'] == 'POST'
        ]
        self.assertTrue(asked)
        for call in asked:
            self.assertNotIn('payment_method_types', call['params'], "what was enabled")
        self.assert_books()

    def test_paypal(self):
        for how, code in (
            ('paypal', 'paypal'),
            ('venmo', 'venmo'),
            ('mybank', 'mybank'),
            ('card', 'card'),
        ):
            with self.subTest(how):
                tx = self.checkout(self.lines(self.make_invoice()), provider=self.paypal)
                self.sandbox.paypal.approve(order=tx.provider_reference, how=how)
                self.deliver()
                self.assertRecordValues(
                    tx, [{'state': 'done', 'payment_method_code': code, 'pay_now_method': how}]
                )
        self.assert_books(self.paypal)
