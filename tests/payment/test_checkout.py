# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import GatewayRefused
from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestCheckout(PayNowCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(100)
        cls.other = cls.make_invoice(50)

    def test_server_decides_the_amount(self):
        self.invoice._pay_now_url()
        tx = self.invoice.sudo()._pay_now_start(set(self.lines(self.invoice).ids), self.provider.id)
        self.assertEqual(tx.amount, 100)
        self.assertRecordValues(
            tx.pay_now_item_ids, [{'line_id': self.lines(self.invoice).id, 'amount': 100}]
        )
        self.assertFalse(self.gateway.requests, "nothing at the provider before the payer goes on")
        tx._pay_now_open()
        _key, request = self.gateway.requests[0]
        self.assertEqual((str(request.amount), request.currency), ('100.00', 'EUR'))

    def test_double_click_is_one_checkout(self):
        first = self.checkout(self.lines(self.invoice))
        second = self.checkout(self.lines(self.invoice))
        self.assertEqual(first, second)
        self.assertEqual(len(self.gateway.requests), 1)

    def test_shared_item_closes_the_other_checkout(self):
        first = self.checkout(self.lines(self.invoice))
        second = self.checkout(self.lines(self.invoice, self.other))
        self.assertNotEqual(first, second)
        self.assertEqual(self.gateway.closed, [first.provider_reference])
        self.assertEqual(first.state, 'cancel')

    def test_paid_meanwhile_stops_the_second_checkout(self):
        first = self.checkout(self.lines(self.invoice))
        self.gateway.pay(first)
        with self.assertRaisesRegex(UserError, "paid a moment ago"):
            self.checkout(self.lines(self.invoice, self.other))
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_changed_amount_is_a_new_checkout(self):
        first = self.checkout(self.lines(self.invoice))
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.invoice.ids
        ).create({'amount': 40})._create_payments()
        second = self.checkout(self.lines(self.invoice))
        self.assertEqual(second.amount, 60)
        self.assertEqual(first.state, 'cancel')

    def test_posted_items_must_be_payable_now(self):
        line = self.lines(self.invoice)
        foreign = self.lines(self.other)
        with self.assertRaisesRegex(ValidationError, "changed meanwhile"):
            self.invoice.sudo()._pay_now_start({line.id, foreign.id}, self.provider.id)
        with self.assertRaisesRegex(ValidationError, "Tick what you want to pay"):
            self.invoice.sudo()._pay_now_start(set(), self.provider.id)
        with self.assertRaisesRegex(ValidationError, "not available"):
            self.invoice.sudo()._pay_now_start({line.id}, 0)

    def test_limits(self):
        tiny = self.make_invoice(0.10)
        with self.assertRaisesRegex(ValidationError, "takes amounts between"):
            self.checkout(self.lines(tiny))
        self.assertFalse(tiny._pay_now_page_values()['providers'], "hidden on the page")
        self.provider.maximum_amount = 90
        self.assertFalse(self.invoice._pay_now_page_values()['providers'])
        with self.assertRaisesRegex(ValidationError, "takes amounts between"):
            self.checkout(self.lines(self.invoice))

    def test_provider_down_loses_nothing(self):
        self.gateway.down = True
        tx = (
            self.env['payment.transaction']
            .sudo()
            ._pay_now_create(self.provider, self.customer, self.lines(self.invoice))
        )
        with self.assertRaisesRegex(UserError, "try again"):
            tx._pay_now_open()
        self.assertEqual(tx.state, 'draft')
        self.gateway.down = False
        key = tx.pay_now_idempotency_key
        tx._pay_now_open()
        self.assertEqual(self.gateway.requests[0][0], key)

    def test_provider_refuses(self):
        self.gateway.refused = GatewayRefused("Amount too small", 'amount_too_small')
        with self.assertRaisesRegex(UserError, "Nothing was debited"):
            self.checkout(self.lines(self.invoice))
        self.gateway.refused = None

    def test_cancel_then_paid_after_all(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.set(tx.provider_reference, state=base.CANCELED)
        tx._synchronize()
        self.assertEqual(tx.state, 'cancel')
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(tx.state, 'done')
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_page_values(self):
        values = self.invoice._pay_now_page_values()
        self.assertEqual(values['total'], 100)
        self.assertTrue(values['can_pay'])
        self.checkout(self.lines(self.invoice))._set_pending()
        values = self.invoice._pay_now_page_values()
        self.assertFalse(values['can_pay'])
        self.assertIn("in progress", values['items'][0]['reason'])

    def test_token(self):
        self.invoice._pay_now_url()
        token = self.invoice.pay_now_token
        self.assertTrue(self.invoice._pay_now_check_token(token))
        self.assertFalse(self.invoice._pay_now_check_token(token[:-1]))
        self.assertFalse(self.invoice._pay_now_check_token(''))
        self.invoice.sudo().pay_now_token_expiry = '2020-01-01'
        self.assertFalse(self.invoice._pay_now_check_token(token))
        self.assertIn(token, self.invoice.pay_now_url)
        self.assertIn(token, self.invoice._pay_now_url())
        self.assertFalse(self.invoice._pay_now_check_token(token), "reading renews nothing")
        self.invoice._pay_now_prolong()
        self.assertTrue(self.invoice._pay_now_check_token(token))
        self.invoice.action_pay_now_revoke_link()
        self.assertFalse(self.invoice._pay_now_check_token(token))
        self.assertFalse(self.invoice._pay_now_check_token(False))
