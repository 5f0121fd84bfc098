# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayNotFound,
    GatewayRefused,
    GatewayUnavailable,
    PayerActionNeeded,
)
from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestCapture(PayNowCommon):
    """Taking what a payer approved at PayPal: once, under lock, and only while it is still due."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.connect_paypal()
        cls.invoice = cls.make_invoice(100)
        cls.other = cls.make_invoice(50)

    def setUp(self):
        super().setUp()
        self.tx = self.checkout(self.lines(self.invoice), provider=self.paypal)

    def discrepancies(self):
        return self.env['pay.now.discrepancy'].search([('transaction_id', '=', self.tx.id)])

    def register_payment(self, **values):
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.invoice.ids
        ).create(values)._create_payments()

    def assert_not_captured(self, label):
        self.assertFalse(self.paypal_gateway.captured)
        self.assertEqual(self.tx.state, 'cancel')
        self.assertIn(label, self.tx._pay_now_failure_label())
        self.assertFalse(self.tx.payment_id)

    # === GOOD WAYS === #

    def test_approved_is_captured_and_booked(self):
        self.paypal_gateway.approve(self.tx)
        self.tx._synchronize()
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertEqual(self.tx.payment_method_id.code, 'paypal')
        self.assertEqual(self.tx.payment_id.journal_id, self.paypal.journal_id)
        self.assertEqual(self.tx.pay_now_commission_state, 'booked')

    def test_captured_once_however_often_it_is_asked(self):
        self.paypal_gateway.approve(self.tx)
        for _again in range(3):
            self.tx._synchronize(payer_returned=True)
        self.assertEqual(len(self.paypal_gateway.captured), 1)
        self.assertEqual(
            self.env['account.payment'].search_count([('payment_transaction_id', '=', self.tx.id)]),
            1,
        )

    def test_provider_down_at_capture_is_taken_up_with_the_same_key(self):
        self.paypal_gateway.approve(self.tx)
        self.paypal_gateway.capture_error = GatewayUnavailable("No answer.")
        self.tx._synchronize()
        self.assertEqual(self.tx.state, 'draft')
        self.paypal_gateway.capture_error = None
        self.tx._synchronize()
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(len(set(self.paypal_gateway.captured)), 1)

    def test_disconnected_meanwhile_what_was_approved_is_taken(self):
        self.paypal_gateway.approve(self.tx)
        self.paypal.action_pay_now_disconnect()
        self.tx._synchronize()
        self.assertEqual(self.tx.state, 'done')

    def test_sweep_captures_when_the_payer_never_came_back(self):
        self.paypal_gateway.approve(self.tx)
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_sweep').method_direct_trigger()
        self.assertEqual(self.invoice.payment_state, 'paid')

    # === NEVER CAPTURED === #

    def test_superseded_by_stripe(self):
        self.paypal_gateway.approve(self.tx)
        stripe = self.checkout(self.lines(self.invoice))
        self.assertEqual(stripe.state, 'draft')
        for _again in range(2):
            self.tx._synchronize(payer_returned=True)
        self.assert_not_captured("started another payment")

    def test_superseded_with_paypal_down(self):
        self.paypal_gateway.down = True
        stripe = self.checkout(self.lines(self.invoice))
        self.paypal_gateway.down = False
        self.assertTrue(stripe.pay_now_checkout_url)
        self.paypal_gateway.approve(self.tx)
        self.tx._synchronize()
        self.assert_not_captured("started another payment")

    def test_superseded_by_paypal_itself(self):
        self.paypal_gateway.approve(self.tx)
        self.checkout(self.lines(self.invoice, self.other), provider=self.paypal)
        self.tx._synchronize()
        self.assert_not_captured("started another payment")

    def test_back_to_paypal_is_a_new_order(self):
        self.checkout(self.lines(self.invoice))
        again = self.checkout(self.lines(self.invoice), provider=self.paypal)
        self.assertNotEqual(again, self.tx)
        self.assertNotEqual(again.pay_now_idempotency_key, self.tx.pay_now_idempotency_key)

    def test_paid_by_transfer_meanwhile(self):
        self.paypal_gateway.approve(self.tx)
        self.register_payment()
        self.tx._synchronize()
        self.assert_not_captured("changed meanwhile")

    def test_partly_paid_meanwhile(self):
        self.paypal_gateway.approve(self.tx)
        self.register_payment(amount=40)
        self.tx._synchronize()
        self.assert_not_captured("changed meanwhile")

    def test_invoice_back_to_draft_meanwhile(self):
        self.paypal_gateway.approve(self.tx)
        self.invoice.button_draft()
        self.tx._synchronize()
        self.assert_not_captured("changed meanwhile")

    def test_another_payment_in_progress(self):
        self.paypal_gateway.approve(self.tx)
        other = (
            self.env['payment.transaction']
            .sudo()
            .create(
                {
                    'provider_id': self.provider.id,
                    'payment_method_id': self.provider._pay_now_default_method().id,
                    'amount': 100,
                    'currency_id': self.invoice.currency_id.id,
                    'partner_id': self.customer.id,
                    'invoice_ids': [(6, 0, self.invoice.ids)],
                    'reference': 'sepa',
                }
            )
        )
        other._set_pending()
        self.tx._synchronize()
        self.assert_not_captured("in progress")

    def test_approved_for_another_amount(self):
        self.paypal_gateway.set(
            self.tx.provider_reference, state=base.APPROVED, amount=Decimal('1.00')
        )
        self.tx._synchronize()
        self.assert_not_captured("changed meanwhile")
        self.assertIn("1.00 EUR were approved", self.discrepancies().name)

    def test_approved_in_another_currency(self):
        self.paypal_gateway.set(self.tx.provider_reference, state=base.APPROVED, currency='HUF')
        self.tx._synchronize()
        self.assert_not_captured("changed meanwhile")

    def test_approval_that_lapsed(self):
        self.paypal_gateway.approve(self.tx)
        del self.paypal_gateway.payments[self.tx.provider_reference]
        self.tx._synchronize()
        self.assert_not_captured("not completed in time")
        self.assertFalse(self.invoice._pay_now_refusal('page'), "the button is back")

    def test_lapsed_between_reading_and_capture(self):
        self.paypal_gateway.approve(self.tx)
        self.paypal_gateway.capture_error = GatewayNotFound("No such order.")
        self.tx._synchronize()
        self.assertEqual(self.tx.state, 'cancel')

    # === REFUSED BY THE PROVIDER === #

    def decline(self):
        self.paypal_gateway.approve(self.tx)
        self.paypal_gateway.capture_error = PayerActionNeeded("Declined.", 'INSTRUMENT_DECLINED')
        self.tx._synchronize(payer_returned=True)
        self.paypal_gateway.capture_error = None

    def test_declined_source_waits_for_the_payer(self):
        self.decline()
        self.assertEqual(self.tx.state, 'draft')
        self.assertTrue(self.tx._pay_now_needs_payer())
        self.assertIn("choose another", self.tx._pay_now_failure_label())
        self.tx._synchronize()
        self.assertEqual(len(self.paypal_gateway.captured), 1, "not tried again by itself")

    def test_declined_then_another_source(self):
        self.decline()
        self.assertEqual(self.tx._pay_now_open(), self.tx.pay_now_checkout_url)
        self.assertFalse(self.tx._pay_now_needs_payer(), "the payer is there now")
        self.tx._synchronize()
        self.assertEqual(self.tx.state, 'done')
        (_first, first_key), (_second, second_key) = self.paypal_gateway.captured
        self.assertNotEqual(first_key, second_key)

    def test_declined_then_chosen_again_without_us(self):
        self.decline()
        self.tx.sudo().pay_now_declined_at = fields.Datetime.now() - timedelta(minutes=1)
        self.tx._synchronize(payer_returned=True)
        self.assertEqual(self.tx.state, 'done')

    def test_declined_too_often(self):
        for _time in range(8):
            self.decline()
            if self.tx.state == 'draft':
                self.tx._pay_now_open()
        self.assertEqual(self.tx.state, 'error')
        self.assertFalse(self.invoice._pay_now_refusal('page'))

    def test_refused_for_good(self):
        self.paypal_gateway.approve(self.tx)
        self.paypal_gateway.capture_error = GatewayRefused("No.", 'TRANSACTION_REFUSED')
        self.tx._synchronize()
        self.assertRecordValues(self.tx, [{'state': 'error'}])
        self.assertIn("PayPal refused", self.tx._pay_now_failure_label())
        self.paypal_gateway.capture_error = None
        self.tx._synchronize()
        self.assertEqual(len(self.paypal_gateway.captured), 1)

    # === HELD AND CONVERTED === #

    def test_held_until_the_merchant_accepts(self):
        self.paypal_gateway.set(
            self.tx.provider_reference,
            state=base.PENDING,
            failure_code='RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION',
        )
        self.tx._synchronize()
        self.assertEqual(self.tx.state, 'pending')
        self.assertRecordValues(self.discrepancies(), [{'kind': 'held', 'state': 'open'}])
        self.paypal_gateway.pay(self.tx)
        self.tx._synchronize()
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self.discrepancies().state, 'done', "settled by itself")

    def test_converted_by_the_provider(self):
        self.paypal_gateway.pay(self.tx, settlement_currency='USD')
        self.tx._synchronize()
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertFalse(self.tx.pay_now_commission_move_id)
        self.assertEqual(self.discrepancies().kind, 'settlement')
        self.tx._synchronize()
        self.assertEqual(len(self.discrepancies()), 1)

    # === OPENING === #

    def test_items_paid_between_choosing_and_opening(self):
        tx = (
            self.env['payment.transaction']
            .sudo()
            ._pay_now_create(self.provider, self.customer, self.lines(self.invoice))
        )
        self.register_payment()
        with self.assertRaisesRegex(UserError, "changed meanwhile"):
            tx._pay_now_open()
        self.assertEqual(tx.state, 'cancel')
        self.assertFalse(self.gateway.requests)

    def test_two_providers_on_the_page(self):
        names = [
            provider._pay_now_button_label()
            for provider in self.invoice._pay_now_page_values()['providers']
        ]
        self.assertEqual(sorted(names), ["Pay by card", "Pay with PayPal"])
