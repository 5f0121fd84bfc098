# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Payouts as they come from the real gateways: notified, listed, with everybody else's money."""

from decimal import Decimal

from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways.base import CheckoutRequest
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase


class MoneyCase(SandboxCase):
    """Both providers of the sandbox, with what the payouts and disputes need."""

    def stripe_paid(self, amount=300, invoice=None):
        """Return a payment by card that is booked, its commission too."""
        tx = self.checkout(self.lines(invoice or self.make_invoice(amount)))
        self.sandbox.pay(session=tx.provider_reference)
        self.sandbox.release_fees()
        tx._synchronize()
        return tx

    def paypal_paid(self, amount=300, invoice=None):
        lines = self.lines(invoice or self.make_invoice(amount))
        tx = self.checkout(lines, provider=self.paypal)
        self.sandbox.paypal.approve(order=tx.provider_reference)
        tx._synchronize()
        return tx

    def elsewhere(self, provider, reference='SHOP-1', amount='50.00'):
        """Somebody pays the same account for something that is not in these books."""
        gateway = provider._pay_now_gateway()
        checkout = gateway.open_checkout(
            CheckoutRequest(
                reference=reference,
                amount=Decimal(amount),
                currency='EUR',
                label=reference,
                description=reference,
                return_url='http://127.0.0.1/return',
                cancel_url='http://127.0.0.1/cancel',
            ),
            reference,
        )
        if provider == self.paypal:
            self.sandbox.paypal.approve(order=checkout.id)
            gateway.capture(checkout.id, reference)
        else:
            self.sandbox.pay(session=checkout.id)
            self.sandbox.release_fees()
        return gateway.fetch_payment(checkout.id)

    def list_all(self):
        """Sweep, as the scheduled action does once an hour."""
        (self.provider | self.paypal).sudo().pay_now_last_listing_at = False
        with self.assertNoLogs('odoo.addons', level='ERROR'):
            self.sweep()

    def payouts(self, provider=None):
        return self.env['pay.now.payout'].search(
            [('provider_id', '=', (provider or self.provider).id)], order='id'
        )

    def assert_equation(self):
        for provider in self.provider | self.paypal:
            terms = provider.sudo()._pay_now_clearing_equation()
            self.assertEqual(terms['gap'], 0, terms)


@tagged('post_install', '-at_install')
class TestPayoutSandbox(MoneyCase):
    def test_stripe_by_notification(self):
        self.stripe_paid()
        self.sandbox.payout()
        self.deliver()
        self.assertRecordValues(
            self.payouts(), [{'state': 'paid', 'settled': True, 'bank_state': 'waiting'}]
        )
        self.assertEqual(self.clearing_balance(), 0)
        self.assert_equation()
        events = self.env['pay.now.event'].search([('subject', '=', 'payout')])
        self.assertEqual(set(events.mapped('state')), {'done'})

    def test_stripe_by_the_sweep_alone(self):
        self.stripe_paid()
        payout = self.sandbox.payout(slow=True)
        self.lose_notifications()
        self.list_all()
        self.assertRecordValues(self.payouts(), [{'state': 'pending', 'settled': False}])
        self.sandbox.arrive_payout(payout=payout['id'])
        self.lose_notifications()
        self.list_all()
        self.assertRecordValues(self.payouts(), [{'state': 'paid', 'settled': True}])
        self.assert_equation()

    def test_stripe_failed(self):
        self.stripe_paid()
        payout = self.sandbox.payout()
        self.sandbox.fail_payout(payout=payout['id'])
        self.deliver()
        self.assertRecordValues(self.payouts(), [{'state': 'failed', 'bank_state': 'none'}])
        self.assert_equation()
        self.sandbox.payout()
        self.deliver()
        self.assertRecordValues(
            self.payouts(),
            [{'state': 'failed', 'settled': True}, {'state': 'paid', 'settled': True}],
        )
        self.assertEqual(self.clearing_balance(), 0)
        self.assert_equation()

    def test_stripe_with_money_of_others(self):
        self.stripe_paid()
        self.elsewhere(self.provider)
        self.sandbox.charge_fee(amount=250)
        self.list_all()
        self.assert_equation()
        self.sandbox.payout()
        self.deliver()
        payout = self.payouts()
        self.assertEqual(payout.to_decide_count, 2)
        self.assert_equation()
        foreign = payout.line_ids.filtered(lambda one: one.state == 'foreign')
        foreign.account_id = self.company_data['default_account_revenue']
        foreign.action_book()
        self.assertTrue(payout.settled)
        self.assertEqual(self.clearing_balance(), 0)
        self.assert_equation()

    def test_an_outage_is_over(self):
        self.stripe_paid()
        self.sandbox.payout()
        self.sandbox.misbehave(path='/v1/payouts', status=503, times=20)
        self.sandbox.misbehave(path='/v1/balance_transactions', status=503, times=20)
        self.deliver()
        self.assertFalse(self.payouts())
        self.sandbox.behave()
        self.sandbox.webhooks(mode='held')
        events = self.env['pay.now.event'].search([('subject', '=', 'payout')])
        self.assertEqual(set(events.mapped('state')), {'pending'})
        events.action_replay()
        self.work()
        self.assertTrue(self.payouts().settled)
        self.assert_equation()

    def test_paypal_withdrawals(self):
        self.paypal_paid()
        self.elsewhere(self.paypal)
        paypal = self.sandbox.paypal
        paypal.payout(amount=10000)
        self.list_all()
        payout = self.payouts(self.paypal)
        self.assertRecordValues(payout, [{'allocation': 'age', 'amount': 100}])
        self.assertEqual(payout.to_decide_count, 1)
        self.assert_equation()
        paypal.fail_payout(payout=payout.payout_ref)
        self.list_all()
        self.assertEqual(payout.state, 'failed')
        self.assert_equation()
        paypal.payout()
        self.list_all()
        self.assertEqual(len(self.payouts(self.paypal)), 2)
        self.assert_equation()

    def test_paypal_without_reports(self):
        self.sandbox.paypal.account(features=[])
        self.sandbox.paypal.revoke_tokens()
        self.paypal_paid()
        self.sandbox.paypal.payout()
        self.list_all()
        self.assertFalse(self.payouts(self.paypal))
        self.assertIn("Transaction search", self.paypal.pay_now_payout_problem_text)
        self.assertEqual(self.paypal.pay_now_status, 'connected')
        self.assertNotEqual(self.paypal.pay_now_health, 'red')
