# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the comparison finds at the real gateways, with everything that usually tells us lost."""

from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.payout.test_payout_sandbox import MoneyCase


@tagged('post_install', '-at_install')
class TestComparisonSandbox(MoneyCase):
    def setUp(self):
        super().setUp()
        # The sandbox lives now: nothing in it is hours old.
        self.startPatcher(patch.object(const, 'COMPARISON_GRACE_MINUTES', -1))

    def compare(self):
        """Compare both providers, and return what is open."""
        for provider in (self.provider | self.paypal).sudo():
            self.assertFalse(provider._pay_now_compare_safely())
        return self.found()

    def found(self, kinds=const.COMPARED_KINDS):
        return self.env['pay.now.discrepancy'].search(
            [('state', '=', 'open'), ('kind', 'in', kinds)], order='id'
        )

    def stripe_paid_without_event(self, amount=300):
        """A payment by card of which nothing arrived here."""
        tx = self.checkout(self.lines(self.make_invoice(amount)))
        self.sandbox.pay(session=tx.provider_reference)
        self.sandbox.release_fees()
        return tx

    def paypal_paid_without_event(self, amount=300):
        """A capture whose answer was lost, and everything after it."""
        tx = self.checkout(self.lines(self.make_invoice(amount)), provider=self.paypal)
        self.sandbox.paypal.approve(order=tx.provider_reference)
        self.paypal._pay_now_gateway().capture(tx.provider_reference, tx._pay_now_capture_key())
        return tx

    def test_nothing_is_reported_about_what_is_right(self):
        stripe, paypal = self.stripe_paid(), self.paypal_paid(120)
        self.sandbox.refund(charge=stripe.pay_now_charge_ref, amount=30000)
        self.sandbox.paypal.dispute(capture=paypal.pay_now_payment_ref)
        self.elsewhere(self.provider)
        self.elsewhere(self.paypal)
        self.deliver()
        self.list_all()
        self.assertFalse(self.compare())
        self.assertTrue(self.provider.pay_now_compared_at and self.paypal.pay_now_compared_at)

    def test_what_nobody_notified_is_booked_once(self):
        txs = self.stripe_paid_without_event() | self.paypal_paid_without_event(120)
        found = self.compare()
        self.assertEqual(found.mapped('kind'), ['missing_here'] * 2)
        self.assertEqual(found.transaction_id, txs)
        found.action_book()
        self.assertEqual(txs.mapped('state'), ['done', 'done'])
        self.assertEqual(txs.invoice_ids.mapped('payment_state'), ['paid', 'paid'])
        # The notifications arrive after all.
        self.deliver()
        self.assert_books()
        self.assert_books(self.paypal)
        self.assert_equation()
        self.assertFalse(self.compare())

    def test_notified_meanwhile(self):
        self.stripe_paid_without_event()
        found = self.compare()
        self.deliver()
        found.action_book()
        self.assertEqual(found.state, 'done')
        self.assert_books()

    def test_given_back_before_it_was_booked(self):
        tx = self.stripe_paid_without_event()
        intent = self.provider._pay_now_gateway().fetch_payment(tx.provider_reference)
        self.sandbox.refund(charge=intent.charge_id, amount=30000)
        self.lose_notifications()
        found = self.compare()
        self.assertEqual(found.mapped('kind'), ['missing_here'])
        found.action_book()
        self.sandbox.release_fees()
        self.list_all()
        self.assertEqual(tx._pay_now_refunds().state, 'done')
        self.assertEqual(round(self.clearing_balance() * 100), self.balance())
        self.assert_equation()
        self.assertFalse(self.compare())

    def balance(self):
        return self.sandbox.account_state()['balance']

    def test_foreign_payments_with_our_reference(self):
        stripe, paypal = self.stripe_paid(), self.paypal_paid(120)
        for tx in stripe | paypal:
            self.elsewhere(tx.provider_id, reference=tx.reference, amount='50.00')
        self.lose_notifications()
        found = self.compare()
        self.assertEqual(found.mapped('kind'), ['superseded'] * 2)
        self.assertEqual(found.mapped('amount'), [50, 50])
        found.action_book()
        self.assertEqual(self.found(('surplus',)).mapped('amount'), [50, 50])
        self.assertFalse(self.compare())
        self.deliver()
        self.list_all()
        self.assert_equation()
        surplus = self.found(('surplus',))
        for one in surplus:
            action = one.action_refund()
            self.env['payment.refund.wizard'].with_context(**action['context']).create(
                {'amount_to_refund': 50}
            ).action_refund()
        self.deliver()
        self.sandbox.release_fees()
        self.list_all()
        self.assertEqual(set(surplus.mapped('state')), {'done'})
        self.assertFalse(self.compare())
        self.assert_equation()

    def test_paypal_without_reports(self):
        self.sandbox.paypal.account(features=[])
        self.sandbox.paypal.revoke_tokens()
        self.paypal_paid()
        tx = self.paypal_paid_without_event(120)
        found = self.compare()
        self.assertEqual(found.transaction_id, tx)
        self.assertIn("Transaction search", self.paypal.pay_now_comparison_note_text)
        found.action_book()
        self.assertFalse(self.compare())
        self.assertEqual(self.paypal.pay_now_status, 'connected')

    def test_down_in_the_middle(self):
        self.stripe_paid_without_event()
        self.paypal_paid_without_event(120)
        self.sandbox.misbehave(path='/v1/balance_transactions', status=503, times=20)
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_compare').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(self.found().transaction_id.provider_id, self.paypal)
        self.assertFalse(self.provider.pay_now_compared_at)
        self.sandbox.behave()
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_compare').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(self.found().transaction_id.provider_id, self.provider | self.paypal)

    def test_an_entry_reversed_by_hand_in_a_payout(self):
        tx = self.stripe_paid()
        self.sandbox.payout()
        self.deliver()
        tx.payment_id.move_id._reverse_moves(cancel=True)
        found = self.compare()
        self.assertEqual(found.mapped('kind'), ['missing_here'])
        found.action_book()
        self.assertEqual(self.clearing_balance(), 0)
        self.assertTrue(self.payouts().settled)
        self.assertFalse(
            self.env['account.move.line'].search(
                [
                    ('account_id', '=', self.provider.pay_now_clearing_account_id.id),
                    ('parent_state', '=', 'posted'),
                    ('reconciled', '=', False),
                ]
            )
        )
        self.assert_equation()
        self.assertFalse(self.compare())

    def test_one_call_for_many_payments(self):
        for amount in range(10, 15):
            self.stripe_paid(amount)
        self.deliver()
        self.sandbox.requests(clear=True)
        self.compare()
        calls = [one for one in self.sandbox.requests() if 'balance_transactions' in one['path']]
        self.assertEqual(len(calls), 1)
        self.assertEqual(len(self.sandbox.requests()), 1)
