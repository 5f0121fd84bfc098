# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

import requests

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.sandbox import SandboxCase


@tagged('post_install', '-at_install')
class TestEndingSandbox(SandboxCase):
    """Checkouts that end here take no money any more at the real gateways' sandbox."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.customer.lang = 'fr_FR'
        cls.invoice = cls.make_invoice(240)
        cls.other = cls.make_invoice(90)

    def end(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_end').method_direct_trigger()
        self.env.invalidate_all()

    def pay_by_bank(self, invoice):
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({})._create_payments()

    def read_result(self, tx):
        return self.url_open(urlsplit(tx._pay_now_path('return')).path).text

    def test_session_refuses_the_payer(self):
        tx = self.checkout(self.lines(self.invoice))
        going_on = self.checkout(self.lines(self.other))
        self.pay_by_bank(self.invoice)
        self.end()
        self.assertEqual((tx.state, tx.pay_now_refusal), ('cancel', 'items_changed'))
        with self.assertRaises(requests.HTTPError):
            self.sandbox.pay(session=tx.provider_reference)
        text = self.read_result(tx)
        self.assertIn("ont changé entre-temps", text)
        self.assertIn("Rien n’a été débité", text)
        self.sandbox.pay(session=going_on.provider_reference)
        self.deliver()
        self.assertEqual(going_on.state, 'done')
        self.assert_books()

    def test_order_is_left(self):
        tx = self.checkout(self.lines(self.invoice), provider=self.paypal)
        self.invoice.button_draft()
        self.end()
        self.assertEqual((tx.state, tx.pay_now_refusal), ('cancel', 'items_changed'))
        self.sandbox.paypal.approve(order=tx.provider_reference)
        self.assertIn("ont changé entre-temps", self.read_result(tx))
        self.deliver()
        self.sweep()
        self.assertEqual(tx.state, 'cancel')
        self.assert_books(self.paypal)

    def test_paid_meanwhile_is_booked(self):
        tx = self.checkout(self.lines(self.invoice))
        self.sandbox.pay(session=tx.provider_reference)
        self.lose_notifications()
        self.pay_by_bank(self.invoice)
        self.end()
        self.assertEqual(tx.state, 'done')
        self.assertEqual(tx._pay_now_credit(), 240)
        self.assert_books()

    def test_stripe_down(self):
        tx = self.checkout(self.lines(self.invoice))
        self.invoice.button_draft()
        self.sandbox.misbehave(status=500, times=9)
        self.end()
        self.assertEqual((tx.state, tx.pay_now_end_attempts), ('draft', 1))
        self.assertTrue(tx.pay_now_end_error)
        self.sandbox.behave()
        tx.sudo().pay_now_end_at = tx.create_date
        self.end()
        self.assertEqual(tx.state, 'cancel')

    def test_forgotten_keys(self):
        tx = self.checkout(self.lines(self.invoice))
        self.assertFalse(self.provider._pay_now_forget_keys())
        self.assertEqual((tx.state, tx.pay_now_refusal), ('cancel', 'disconnected'))
        with self.assertRaises(requests.HTTPError):
            self.sandbox.pay(session=tx.provider_reference)
