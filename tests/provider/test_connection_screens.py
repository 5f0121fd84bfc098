# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.common import PayNowCommon

LANGUAGES = ('en_US', 'fr_FR')
CARD = "document.querySelector('.o_kanban_record:not(.o_kanban_ghost)')"
EDIT = "document.querySelector('[name=step_connect] button[name=action_edit]')"


@tagged('post_install', '-at_install')
class TestConnectionScreens(BrowserMixin, PayNowCommon, HttpCase):
    """The cards of the set-up in all their states, and the windows behind their buttons."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.admin = cls.new_user('pay_now_admin', 'base.group_system,account.group_account_manager')
        cls.manager = cls.new_user('pay_now_manager', 'account.group_account_manager')
        cls.env['ir.config_parameter'].set_param('web.base.url', 'https://pay.example.com')
        cls.sign_up()

    @classmethod
    def new_user(cls, login, groups):
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            email=f'{login}@example.com',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def in_both_languages(self, user):
        for lang in LANGUAGES:
            user.lang = lang
            with self.browser(user.login) as browser:
                yield lang, browser

    def set_up(self, browser, name=None):
        path = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_setup").id}'
        # Step 3 is a line once something is connected.
        self.show(browser, path, f'{CARD} || {EDIT}', full=False, size=(1280, 1150))
        if self.run_js(browser, f'!{CARD}'):
            self.run_js(browser, f'{EDIT}.click()')
            self.wait_for(browser, CARD)
        if name:
            self.picture(browser, name, full=False)

    def press(self, browser, action, ready, name=None):
        """Press a button of a card, or of the menu of the first card that has it there."""
        button = f"document.querySelector('.o-overlay-container [name={action}], [name={action}]')"
        menus = "document.querySelectorAll('.o_kanban_record .o_dropdown_kanban button')"
        for number in range(self.run_js(browser, f'{menus}.length')):
            if self.run_js(browser, f'!!{button}'):
                break
            self.run_js(browser, f'{menus}[{number}].click()')
            menu = "document.querySelector('.o-dropdown--kanban-record-menu')"
            self.wait_for(browser, menu)
            if not self.run_js(browser, f'!!{button}'):
                self.run_js(browser, f'{menus}[{number}].click()')
                self.wait_for(browser, f'!{menu}')
        # Twice, as impatient people do: it opens once.
        self.run_js(browser, f'{button}.click(), {button}?.click()')
        self.wait_for(browser, ready)
        if name:
            self.picture(browser, name, full=False)

    def look_at(self, state):
        for lang, browser in self.in_both_languages(self.admin):
            self.set_up(browser, f'connection_{state}_{lang}')
            self.assert_fits(browser)

    def connect_live(self):
        for gateway in (self.gateway, self.paypal_gateway):
            gateway.account = replace(gateway.account, test_mode=False, name="Fournil SARL")
        self.provider._pay_now_connect('sk_live_key')
        self.provider._pay_now_note_event()

    def test_not_connected_and_test(self):
        self.look_at('none')
        self.provider._pay_now_connect('sk_test_key')
        self.look_at('test')

    def test_live_amber_red_and_renewing(self):
        self.connect_live()
        self.look_at('live')
        self.provider.action_pay_now_renew_webhook()
        self.look_at('renewing')
        now = fields.Datetime.now()
        self.provider.sudo().write(
            {'pay_now_silent_since': now - timedelta(hours=3), 'pay_now_silent_at': now}
        )
        self.look_at('amber')
        self.gateway.refused = self.auth_error()
        self.provider._pay_now_check()
        self.look_at('red')
        path = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_setup").id}'
        for lang, browser in self.in_both_languages(self.manager):
            light = "document.querySelector('[name=pay_now_health] .alert-danger')"
            self.show(browser, path, light, f'connection_red_manager_{lang}', full=False)
        for lang, browser in self.in_both_languages(self.admin):
            self.show(
                browser,
                f'/odoo/payment.provider/{self.provider.id}',
                "document.querySelector('.o-mail-Activity')",
                f'connection_record_{lang}',
            )

    def test_followed_forgotten_and_successor(self):
        self.provider.sudo().pay_now_api_base = 'http://127.0.0.1:1'
        self.provider._pay_now_connect('sk_test_key')
        # Before it is live, nobody else may pay.
        self.company.pay_now_test_email = self.customer.email
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.pay(tx)
        tx._synchronize()
        self.checkout(self.lines(self.make_invoice()))
        self.gateway.account = replace(self.gateway.account, test_mode=False)
        self.provider._pay_now_connect_successor('sk_live', live=True)
        self.look_at('followed')
        for lang, browser in self.in_both_languages(self.admin):
            self.set_up(browser)
            self.press(
                browser,
                'action_pay_now_forget',
                "document.querySelector('.modal .alert-danger')",
                f'connection_forget_{lang}',
            )
        self.provider._pay_now_forget_keys()
        self.look_at('forgotten')

    def test_windows_of_keys(self):
        self.provider._pay_now_connect('sk_test_key')
        ready = "document.querySelector('.modal [name=api_key] input')"
        for lang, browser in self.in_both_languages(self.admin):
            for action in ('go_live', 'change_keys', 'connect_another', 'connect'):
                self.set_up(browser)
                self.press(
                    browser, f'action_pay_now_{action}', ready, f'connection_{action}_{lang}'
                )

    def test_options_and_the_page_outside_the_limits(self):
        self.connect_live()
        self.provider.sudo().write({'pay_now_minimum_amount': 50, 'maximum_amount': 900})
        invoice = self.make_invoice(20)
        path = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_options").id}'
        for lang, browser in self.in_both_languages(self.manager):
            ready = "document.querySelector('[name=line_ids] .o_data_row')"
            self.show(browser, path, ready, f'connection_options_{lang}')
            self.customer.lang = lang
            page = urlsplit(invoice._pay_now_url()).path
            ready = "document.querySelector('.pay-now-error')"
            self.show(browser, page, ready, f'connection_limits_{lang}')
