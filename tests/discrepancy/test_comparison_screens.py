# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from decimal import Decimal

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.discrepancy.comparison import ComparisonCommon
from odoo.addons.account_pay_now.tests.test_to_handle import ToHandleCommon

LANGUAGES = ('en_US', 'fr_FR')


@tagged('post_install', '-at_install')
class TestComparisonScreens(BrowserMixin, ToHandleCommon, ComparisonCommon, HttpCase):
    """What waits, what was found, and the balance, as an accountant sees them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.env.user.lang = 'en_US'

    def setUp(self):
        super().setUp()
        self.paid = self.opened()
        self.received(self.paid)
        _tx, line = self.booked(120)
        self.gateway.movements[self.gateway.movements.index(line)] = replace(
            line, fee=Decimal('5.10'), net=Decimal('114.90')
        )
        self.compare()
        self.make_dispute()
        self.make_movement()
        self.make_failed_payout()
        self.make_event()
        self.make_reminder()

    def path(self, action):
        return f'/odoo/action-{self.env.ref(action).id}'

    def rows_shown(self, count):
        return f"document.querySelectorAll('.o_list_view .o_data_row').length == {count}"

    def test_lists_and_forms(self):
        found = self.found()[:1]
        movement = self.env['pay.now.movement'].search([('state', '=', 'foreign')], limit=1)
        form = "document.querySelector('.o_form_view .o_field_widget[name=amount]')"
        for lang in LANGUAGES:
            self.accountant.lang = lang
            with self.browser('pay_now_accountant') as browser:
                waiting = self.path('account_pay_now.action_pay_now_to_handle')
                self.show(browser, waiting, self.rows_shown(7), f'handle_list_{lang}', full=False)
                discrepancies = self.path('account_pay_now.action_pay_now_discrepancy')
                self.show(
                    browser, discrepancies, self.rows_shown(2), f'handle_found_{lang}', full=False
                )
                self.show(
                    browser,
                    f'{discrepancies}/{found.id}',
                    form,
                    f'handle_found_form_{lang}',
                    full=False,
                )
                self.show(
                    browser,
                    f'/odoo/pay.now.movement/{movement.id}',
                    form,
                    f'handle_movement_{lang}',
                    full=False,
                )
                self.show(
                    browser,
                    self.path('account.open_account_journal_dashboard_kanban'),
                    "document.querySelector('a[name=action_pay_now_to_handle]')",
                    f'handle_dashboard_{lang}',
                )
                self.show(
                    browser,
                    self.path('account_pay_now.action_pay_now_balance'),
                    "document.querySelector('.o_form_view [name=line_ids] .o_data_row')",
                    f'handle_balance_{lang}',
                    full=False,
                )

    def test_balances_of_two_providers(self):
        self.connect_paypal()
        self.paypal_gateway.refused = self.auth_error()
        with self.browser('pay_now_accountant') as browser:
            self.show(
                browser,
                self.path('account_pay_now.action_pay_now_balance'),
                self.rows_shown(2),
                'handle_balances',
                full=False,
            )
            self.run_js(
                browser,
                "document.querySelectorAll('.o_data_row')[0]"
                ".querySelector('td[name=provider_id]').click()",
            )
            self.wait_for(browser, "document.querySelector('.o_form_view .alert-warning')")
            self.picture(browser, 'handle_balance_unknown', full=False)

    def test_from_the_list_to_the_record_and_its_buttons(self):
        with self.browser('pay_now_accountant') as browser:
            self.show(
                browser,
                self.path('account_pay_now.action_pay_now_to_handle'),
                self.rows_shown(7),
            )
            self.run_js(
                browser,
                "[...document.querySelectorAll('.o_data_row')].find(row =>"
                f" row.textContent.includes('{self.paid.reference}'))"
                ".querySelector('td[name=name]').click()",
            )
            button = "document.querySelector('.o_form_view button[name=action_book]')"
            self.wait_for(browser, button)
            self.run_js(browser, f'{button}.click()')
            self.wait_for(browser, "!document.querySelector('button[name=action_book]')")
            self.picture(browser, 'handle_booked', full=False)
        self.env.invalidate_all()
        self.assertEqual(self.paid.invoice_ids.payment_state, 'paid')

    def test_dismissing(self):
        found = self.found()[:1]
        path = self.path('account_pay_now.action_pay_now_discrepancy')
        with self.browser('pay_now_accountant') as browser:
            button = "document.querySelector('.o_form_view button[name=action_dismiss]')"
            self.show(browser, f'{path}/{found.id}', button)
            self.run_js(browser, f'{button}.click()')
            reason = "document.querySelector('.modal .o_field_widget[name=reason] input')"
            self.wait_for(browser, reason)
            self.picture(browser, 'handle_dismiss', full=False)
            self.run_js(
                browser, "document.querySelector('.modal button[name=action_dismiss]').click()"
            )
            self.wait_for(browser, "document.querySelector('.modal .o_field_invalid')")
            self.run_js(
                browser,
                f"{reason}.value = 'Agreed'; {reason}.dispatchEvent(new Event('input'));"
                f" {reason}.dispatchEvent(new Event('change'));"
                " document.querySelector('.modal button[name=action_dismiss]').click()",
            )
            self.wait_for(
                browser,
                "!document.querySelector('.modal')"
                " && document.querySelector('button[name=action_reopen]')",
            )
            self.picture(browser, 'handle_dismissed', full=False)
        self.env.invalidate_all()
        self.assertRecordValues(found, [{'state': 'dismissed', 'note': "Agreed"}])

    def test_comparing_by_button(self):
        self.provider.sudo().pay_now_compared_at = False
        with self.browser('pay_now_accountant') as browser:
            self.show(
                browser,
                self.path('account_pay_now.action_pay_now_to_handle'),
                self.rows_shown(7),
            )
            self.run_js(browser, "document.querySelector('button[name=action_compare]').click()")
            self.wait_for(browser, "document.querySelector('.o_notification')")
            self.picture(browser, 'handle_compared', full=False)
        self.env.invalidate_all()
        self.assertTrue(self.provider.pay_now_compared_at)
