# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import random
from urllib.parse import urlsplit

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase


@tagged('post_install', '-at_install')
class TestChain(BrowserMixin, SandboxCase):
    """The whole chain on the real gateway, against the sandbox of Stripe on this machine."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.make_invoice(240)
        cls.other = cls.make_invoice(99.90)

    def test_by_hand_in_a_browser(self):
        """From the pay page to the hosted page and back: declined first, then paid."""
        path = urlsplit(self.invoice._pay_now_url()).path
        with self.browser() as browser:
            self.show(
                browser, path, "document.querySelector('form [name=provider_id]')", size=PHONE
            )
            self.run_js(browser, "document.querySelector('form [name=provider_id]').click()")
            card = "document.querySelector('button[value=card]')"
            self.wait_for(browser, card)
            self.picture(browser, 'sandbox_hosted_page')
            self.run_js(browser, "document.querySelector('button[value=declined]').click()")
            self.wait_for(browser, "document.querySelector('.error').innerText")
            self.run_js(browser, f"{card}.click()")
            self.wait_for(browser, "location.pathname.startsWith('/pay_now/result')")
            title = self.run_js(browser, "document.querySelector('h1').innerText")
            self.assertIn("Payment received", title)
            # Back, and once more: there is nothing left to pay.
            self.show(browser, path, "document.querySelector('h1')", size=DESKTOP)
            title = self.run_js(browser, "document.querySelector('h1').innerText")
            self.assertIn("Already paid", title)
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assert_books()

    def test_sepa_by_webhooks_alone(self):
        tx = self.checkout(self.lines(self.invoice, self.other))
        self.sandbox.pay(session=tx.provider_reference, method='sepa')
        self.deliver()
        self.assertEqual(tx.state, 'pending')
        self.sandbox.settle()
        self.deliver()
        self.assertEqual(tx.state, 'done')
        self.assertEqual({self.invoice.payment_state, self.other.payment_state}, {'paid'})
        self.assertEqual(tx.payment_method_id.code, 'sepa_direct_debit')
        self.assert_books()

    def test_sepa_that_fails(self):
        tx = self.checkout(self.lines(self.invoice))
        self.sandbox.pay(session=tx.provider_reference, method='sepa_fail')
        self.deliver()
        self.sandbox.settle()
        self.deliver()
        self.assertEqual(tx.state, 'error')
        self.assertIn("not enough money", tx._pay_now_failure_label())
        self.assertEqual(self.invoice.payment_state, 'not_paid')
        self.assert_books()

    def test_switching_items_closes_the_first_checkout_at_stripe(self):
        first = self.checkout(self.lines(self.invoice))
        second = self.checkout(self.lines(self.invoice, self.other))
        states = {s['id']: s['status'] for s in self.sandbox.account_state()['sessions']}
        self.assertEqual(states[first.provider_reference], 'expired')
        self.assertEqual(states[second.provider_reference], 'open')

    def test_stripe_down_while_opening_then_the_same_checkout(self):
        self.sandbox.misbehave(status=503, path='/v1/checkout', times=2)
        tx = (
            self.env['payment.transaction']
            .sudo()
            ._pay_now_create(self.provider, self.customer, self.lines(self.invoice))
        )
        with self.assertRaisesRegex(Exception, "try again"):
            tx._pay_now_open()
        tx._pay_now_open()
        self.assertEqual(len(self.sandbox.account_state()['sessions']), 1)

    def test_random_days(self):
        """Many payments in all ways, notified late, thrice, in random order, or not at all."""
        dice = random.Random(20261123)
        for number in range(12):
            lines = self.lines(self.make_invoice(20 + number))
            tx = self.checkout(lines)
            method = dice.choice(['card', 'declined', 'sepa', 'sepa_fail', 'nothing'])
            if method != 'nothing':
                self.sandbox.pay(session=tx.provider_reference, method=method)
            happens = dice.choice(['deliver', 'lose', 'settle', 'return', 'sweep'])
            if happens == 'deliver':
                self.deliver()
            elif happens == 'lose':
                self.sandbox.outbox()
            elif happens == 'settle':
                self.sandbox.settle()
            elif happens == 'return':
                tx._synchronize()
            else:
                self.env['pay.now.event'].sudo()._sweep()
        self.sandbox.settle()
        self.sandbox.release_fees()
        # The next sweep asks about everything, whatever was lost.
        self.env['payment.transaction'].sudo().search([]).sudo().pay_now_last_sync = False
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_sweep').method_direct_trigger()
        self.assert_books()
        charges = self.sandbox.account_state()['charges']
        paid = sum(c['amount'] for c in charges if c['status'] == 'succeeded')
        booked = self.env['account.payment'].search(
            [('journal_id', '=', self.provider.journal_id.id)]
        )
        self.assertEqual(round(sum(booked.mapped('amount')) * 100), paid)
