# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import time
from urllib.parse import urlsplit

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.provider.test_demo_connection import DemoCommon

HEADING = "document.querySelector('h1')"
CHOICE = "document.querySelector('[name=choice][value=%s]')"


@tagged('post_install', '-at_install')
class TestDemoScreens(BrowserMixin, DemoCommon, HttpCase):
    """The checkout of a provider that is played, as a French payer sees and presses it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.customer.lang = 'fr_FR'
        cls.invoice = cls.make_invoice(1234.5)
        cls.tx = cls.checkout(cls.lines(cls.invoice))
        cls.path = urlsplit(cls.tx.pay_now_checkout_url).path

    def press_twice(self, browser, choice):
        """Double-click a button, and wait until the answers are there."""
        button = CHOICE % choice
        self.run_js(browser, f'{button}.click(), {button}.click()')
        time.sleep(1)
        self._wait_remaining_requests(60)

    def test_it_fits_and_can_be_read(self):
        with self.browser() as browser:
            for size, suffix in ((PHONE, '_phone'), (DESKTOP, '')):
                self.show(browser, self.path, HEADING, f'demo_checkout{suffix}', size)
                self.assert_fits(browser)
                self.assert_accessible(browser)
                self.assert_readable(browser)

    def test_each_button_twice(self):
        with self.browser() as browser:
            self.show(browser, self.path, HEADING, size=PHONE)
            self.press_twice(browser, 'decline')
            self.wait_for(browser, "document.querySelector('.pay-now-error')")
            self.picture(browser, 'demo_checkout_declined_phone')
            self.press_twice(browser, 'pay')
            self.wait_for(browser, 'location.pathname.includes("/result/")')
            self.picture(browser, 'demo_checkout_paid_phone')
            with self.alone():
                self.assertEqual(len(self.played(self.provider).balance()), 1)
                self.assertEqual(self.tx.state, 'done')
                self.assertEqual(len(self.invoice.transaction_ids.payment_id), 1)
                self.assertEqual(self.invoice.payment_state, 'paid')
            self.show(browser, self.path, HEADING, 'demo_checkout_over_phone', PHONE)
            self.assertFalse(self.run_js(browser, f'!!{CHOICE % "pay"}'))
