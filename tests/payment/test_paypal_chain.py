# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import random
from urllib.parse import urlsplit

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase


@tagged('post_install', '-at_install')
class TestPayPalChain(BrowserMixin, SandboxCase):
    """The whole chain with PayPal, against its part of the sandbox on this machine."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.invoice = cls.make_invoice(240)

    def press(self, browser, button, then):
        """Press a button and wait for what follows."""
        self.run_js(browser, f"document.querySelector('{button}').click()")
        self.wait_for(browser, then)

    def test_by_hand_in_a_browser(self):
        """From the pay page to PayPal and back: declined, sent back to choose, then paid."""
        path = urlsplit(self.invoice._pay_now_url()).path
        paypal = f'form button[value="{self.paypal.id}"]'
        approval = "location.pathname == '/checkoutnow' && document.querySelector('button')"
        refused = f"{approval} && document.querySelector('[role=alert]').innerText"
        result = "location.pathname.startsWith('/pay_now/result')"
        for lang in ('en_US', 'fr_FR'):
            self.customer.lang = lang
            with self.browser() as browser:
                for size, name in ((DESKTOP, ''), (PHONE, '_phone')):
                    ready = f"document.querySelector('{paypal}')"
                    self.show(browser, path, ready, f'pay_page_both_{lang}{name}', size)
                    self.assert_fits(browser)
        with self.browser() as browser:
            self.show(browser, path, f"document.querySelector('{paypal}')", size=PHONE)
            self.press(browser, paypal, approval)
            self.press(browser, 'button[value=declined]', refused)
            self.picture(browser, 'sandbox_paypal_declined')
            self.press(browser, 'button[value=paypal]', result)
            title = self.run_js(browser, "document.querySelector('h1').innerText")
            self.assertIn("Paiement reçu", title)
            self.show(browser, path, "document.querySelector('h1')", size=DESKTOP)
            title = self.run_js(browser, "document.querySelector('h1').innerText")
            self.assertIn("Déjà réglé", title)
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assert_books(self.paypal)

    def test_results_in_a_browser(self):
        """What the payer reads when it did not come about."""
        texts = {
            'choose_again': ("choisir une autre", self._choose_again),
            'superseded': ("commencé un autre paiement", self._superseded),
            'changed': ("ont changé entre-temps", self._changed),
        }
        self.customer.lang = 'fr_FR'
        for name, (text, play) in texts.items():
            tx = self.checkout(self.lines(self.make_invoice(50)), provider=self.paypal)
            play(tx)
            with self.browser() as browser:
                self.show(
                    browser,
                    tx._pay_now_path('result'),
                    "document.querySelector('h1')",
                    f'result_paypal_{name}',
                    PHONE,
                )
                self.assert_fits(browser)
                shown = self.run_js(browser, 'document.body.innerText')
                self.assertIn(text, shown)
                self.assertIn("Rien n’a été débité", shown)

    def _choose_again(self, tx):
        self.sandbox.paypal.approve(order=tx.provider_reference, how='declined')
        tx._synchronize()

    def _superseded(self, tx):
        self.sandbox.paypal.approve(order=tx.provider_reference)
        self.checkout(tx.pay_now_item_ids.line_id)
        tx._synchronize()

    def _changed(self, tx):
        self.sandbox.paypal.approve(order=tx.provider_reference)
        tx.invoice_ids.button_draft()
        tx._synchronize()

    def test_random_days(self):
        """Many payments in all ways, notified late, thrice, in random order, or not at all."""
        dice = random.Random(20261124)
        paypal = self.sandbox.paypal
        for number in range(15):
            invoice = self.make_invoice(20 + number)
            tx = self.checkout(self.lines(invoice), provider=self.paypal)
            method = dice.choice(['paypal', 'paypal', 'declined', 'echeck', 'switch', 'nothing'])
            if method in ('paypal', 'declined', 'echeck'):
                paypal.approve(order=tx.provider_reference, how=method)
            elif method == 'switch':
                paypal.approve(order=tx.provider_reference)
                self.checkout(self.lines(invoice))
            happens = dice.choice(['deliver', 'lose', 'settle', 'return', 'return twice', 'sweep'])
            if happens == 'deliver':
                self.deliver()
            elif happens == 'lose':
                self.lose_notifications()
            elif happens == 'settle':
                paypal.settle(succeed=dice.choice([True, False]))
            elif happens.startswith('return'):
                for _time in range(1 + happens.endswith('twice')):
                    tx._synchronize(payer_returned=True)
            else:
                self.env['pay.now.event'].sudo()._sweep()
        self.lose_notifications()
        self.sweep()
        paypal.settle()
        self.sweep()
        self.assert_books(self.paypal)
        state = paypal.account_state()
        taken = sum(one['amount'] for one in state['captures'] if one['status'] == 'COMPLETED')
        payments = self.env['account.payment'].search(
            [('journal_id', '=', self.paypal.journal_id.id)]
        )
        self.assertEqual(round(sum(payments.mapped('amount')) * 100), taken)
        self.assertFalse(
            self.env['payment.transaction']
            .sudo()
            .search([('provider_id', '=', self.paypal.id), ('state', '=', 'pending')])
        )
