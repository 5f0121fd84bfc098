# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Disputes and reversals as they come from the real gateways."""

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.payout.test_payout_sandbox import MoneyCase


@tagged('post_install', '-at_install')
class TestDisputeSandbox(MoneyCase):
    def disputes(self, tx):
        return self.env['pay.now.dispute'].search([('transaction_id', '=', tx.id)])

    def test_stripe_notified_thrice_in_disorder(self):
        tx = self.stripe_paid()
        opened = self.sandbox.dispute(charge=tx.pay_now_charge_ref)
        self.deliver()
        self.assertRecordValues(self.disputes(tx), [{'state': 'open', 'withdrawn': 300}])
        self.assertTrue(self.disputes(tx).activity_ids)
        self.assert_equation()
        self.sandbox.close_dispute(dispute=opened['id'], won=False)
        self.deliver()
        self.sandbox.redeliver(times=2)
        self.deliver()
        self.assertRecordValues(self.disputes(tx), [{'state': 'lost', 'settled': True}])
        self.assertEqual(tx.invoice_ids.payment_state, 'not_paid')
        self.assert_equation()

    def test_stripe_won_with_webhooks_off(self):
        tx = self.stripe_paid()
        opened = self.sandbox.dispute(charge=tx.pay_now_charge_ref)
        self.lose_notifications()
        self.list_all()
        self.sandbox.close_dispute(dispute=opened['id'], won=True)
        self.lose_notifications()
        self.list_all()
        self.assertRecordValues(
            self.disputes(tx), [{'state': 'won', 'settled': True, 'withdrawn': 0}]
        )
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        self.assert_equation()

    def test_paypal_inquiry_that_becomes_a_chargeback_and_is_lost(self):
        tx = self.paypal_paid()
        paypal = self.sandbox.paypal
        opened = paypal.dispute(capture=tx.pay_now_payment_ref, inquiry=True)
        self.deliver()
        self.assertRecordValues(self.disputes(tx), [{'state': 'inquiry', 'withdrawn': 0}])
        paypal.escalate_dispute(dispute=opened['dispute_id'])
        self.deliver()
        self.assertRecordValues(self.disputes(tx), [{'state': 'open', 'withdrawn': 300}])
        paypal.close_dispute(dispute=opened['dispute_id'], won=False)
        self.deliver()
        self.list_all()
        self.assertRecordValues(self.disputes(tx), [{'state': 'lost', 'settled': True}])
        self.assertEqual(tx.invoice_ids.payment_state, 'not_paid')
        self.assert_equation()

    def test_paypal_takes_a_payment_back(self):
        tx = self.paypal_paid()
        self.sandbox.paypal.reverse(capture=tx.pay_now_payment_ref)
        self.deliver()
        self.assertRecordValues(self.disputes(tx), [{'state': 'lost', 'settled': True}])
        self.assertEqual(tx.invoice_ids.payment_state, 'not_paid')
        # Reading the payment shows a refund: nobody made it, and it is booked once.
        tx._synchronize()
        self.sandbox.paypal.redeliver(times=2)
        self.deliver()
        self.list_all()
        self.assertFalse(tx.child_transaction_ids)
        self.assertEqual(tx._pay_now_left_to_refund(), 0)
        self.assert_equation()

    def test_paypal_takes_a_payment_back_that_is_read_before_the_notification(self):
        tx = self.paypal_paid()
        self.sandbox.paypal.reverse(capture=tx.pay_now_payment_ref)
        tx._synchronize()
        self.deliver()
        self.list_all()
        self.assertRecordValues(self.disputes(tx), [{'state': 'lost', 'settled': True}])
        self.assertEqual(tx.child_transaction_ids.state, 'cancel')
        self.assertEqual(tx.invoice_ids.payment_state, 'not_paid')
        self.assert_equation()

    def test_paypal_without_disputes(self):
        """What the application may not read is said, and no reason to hide the button."""
        tx = self.paypal_paid()
        self.sandbox.paypal.account(features=['reporting'])
        self.sandbox.paypal.revoke_tokens()
        self.sandbox.paypal.dispute(capture=tx.pay_now_payment_ref)
        self.list_all()
        self.assertIn("Customer disputes", self.paypal.pay_now_payout_problem_text)
        self.assertNotEqual(self.paypal.pay_now_health, 'red')
        self.assert_equation()
