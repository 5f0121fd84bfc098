# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib

from odoo.tests import tagged
from odoo.tests.common import ChromeBrowserException

from odoo.addons.account_pay_now.tests.browser import PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.provider.platform import PlatformCase

SETUP = '/odoo/action-account_pay_now.action_pay_now_setup'
LANGUAGES = ('en_US', 'fr_FR')
CARDS = "document.querySelectorAll('.o_kanban_record button[name=action_pay_now_connect]')"

#: Step 3, what it says once it is done, and the button that opens it again.
STEP = "document.querySelector('[name=step_connect]')"
LINE = f"{STEP}.querySelector('[name=connect_text]').innerText"
EDIT = (
    f"[...{STEP}.querySelectorAll('button[name=action_edit]')]"
    ".find(button => !document.querySelector('[name=provider_ids]'))"
)


@tagged('post_install', '-at_install')
class TestOnboardingScreens(BrowserMixin, PlatformCase):
    """From the set-up through the providers' own pages and back, in a browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')

    def card(self, name):
        """Return the card of a provider, in JavaScript."""
        return (
            "[...document.querySelectorAll('.o_kanban_record:not(.o_kanban_ghost)')]"
            f".find(card => card.innerText.includes('{name}'))"
        )

    def wait_across(self, browser, ready):
        """Wait as `wait_for` does, whichever pages come and go meanwhile."""
        for _page in range(5):
            # The page that was asked may leave before it answers.
            with contextlib.suppress(ChromeBrowserException):
                self.wait_for(browser, ready)
                return
        self.wait_for(browser, ready)

    def press_button(self, browser, selector):
        self.wait_across(browser, f"document.querySelector('{selector}')")
        self.run_js(browser, f"document.querySelector('{selector}').click()")

    def connect_in(self, browser, name, how, came_back):
        """Press *Connect*, then a button of the provider's page, and wait for the set-up."""
        self.open_cards(browser)
        button = f"{self.card(name)}.querySelector('button[name=action_pay_now_connect]')"
        self.wait_for(browser, button)
        self.run_js(browser, f'{button}.click()')
        self.press_button(browser, f'main button[value={how}]')
        self.wait_across(browser, came_back)

    def open_cards(self, browser):
        """Open step 3, which is a line once something is connected."""
        self.wait_across(browser, f'{STEP} && ({EDIT} || {CARDS}.length)')
        if self.run_js(browser, f'!!{EDIT}'):
            self.run_js(browser, f'{EDIT}.click()')
            self.wait_for(browser, self.card('Stripe'))

    def test_in_a_browser(self):
        for lang in LANGUAGES:
            self.admin.lang = lang
            (self.provider | self.paypal).sudo().write(
                {
                    'pay_now_status': 'not_connected',
                    'state': 'disabled',
                    'is_published': False,
                    'pay_now_account': False,
                    'pay_now_missing': False,
                    'pay_now_platform_state': False,
                    'pay_now_platform_account': False,
                    'pay_now_platform_ref': f'browser-{lang}',
                }
            )
            with self.browser('pay_now_admin') as browser:
                self.show(
                    browser, SETUP, f'{CARDS}.length == 2', f'onboarding_1_{lang}', full=False
                )
                missing = "document.querySelector('.o_kanban_record .alert')"
                self.connect_in(browser, 'Stripe', 'partial', missing)
                self.picture(browser, f'onboarding_2_missing_{lang}', full=False)
                shown = self.run_js(browser, f'{missing}.innerText')
                self.assertIn('external_account', shown)
                self.connect_in(browser, 'Stripe', 'complete', f"{LINE}.includes('Stripe (')")
                self.connect_in(browser, 'PayPal', 'complete', f"{LINE}.includes('PayPal (')")
                self.picture(browser, f'onboarding_3_connected_{lang}', full=False)
                # Used, so it leads nowhere any more.
                refused = "document.querySelector('main a[href^=\"/odoo\"]')"
                path = '/pay_now/onboarding/1/used/return'
                self.show(browser, path, refused, f'onboarding_4_refused_{lang}', PHONE)
                self.assert_fits(browser)
                self.run_js(browser, f'{refused}.click()')
                self.open_cards(browser)
            self.assertEqual(
                (self.provider | self.paypal).mapped('pay_now_status'), ['connected'] * 2
            )
