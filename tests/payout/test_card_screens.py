# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.payout.test_card import CardCommon

LANGUAGES = ('en_US', 'fr_FR')
SIZES = {'wide': (1440, 900), 'phone': (390, 844)}
#: The card, by what only it has.
CARD = "document.querySelector('a[name=action_pay_now_balance]').closest('.o_kanban_record')"
ROWS = "document.querySelectorAll('.o_list_view .o_data_row').length"


@tagged('post_install', '-at_install')
class TestCardScreens(BrowserMixin, CardCommon, HttpCase):
    """The provider's card among those of the other journals, as people see it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.users = {
            name: new_test_user(
                cls.env,
                f'pay_now_card_{name}',
                groups=f'account.group_account_{group},base.group_user',
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )
            for name, group in (
                ('accountant', 'user'),
                ('invoicing', 'invoice'),
                ('reader', 'readonly'),
            )
        }

    def path(self, action):
        return f'/odoo/action-{self.env.ref(action).id}'

    def test_dashboard_of_accounting(self):
        self.play()
        dashboard = self.path('account.open_account_journal_dashboard_kanban')
        for lang in LANGUAGES:
            self.users['accountant'].lang = lang
            with self.browser('pay_now_card_accountant') as browser:
                for name, size in SIZES.items():
                    self.show(
                        browser, dashboard, CARD, f'card_{name}_{lang}', size=size, full=False
                    )
                    self.run_js(browser, f'{CARD}.scrollIntoView()')
                    self.wait_for(browser, f"{CARD}.querySelector('canvas')")
                    self.picture(browser, f'card_{name}_{lang}', full=False)
                    self.assert_fits(browser)
                texts = self.run_js(browser, f'{CARD}.innerText')
                self.assertIn('497', texts)
                for name in ('open_bank_difference_action', 'action_configure_bank_journal'):
                    found = f"{CARD}.querySelector('[name={name}]')"
                    self.assertFalse(self.run_js(browser, f'!!{found}'), name)
                self.assertFalse(
                    self.run_js(browser, f"!!{CARD}.querySelector('#all_transactions_btn')")
                )
                # The bank's own card is as ever.
                self.assertTrue(
                    self.run_js(browser, "!!document.querySelector('#all_transactions_btn')")
                )

    def test_clicks(self):
        self.play()
        cards = self.path('account_pay_now.action_pay_now_cards')
        with self.browser('pay_now_card_invoicing') as browser:
            for name, rows in (
                ('action_pay_now_balance', 8),
                ('action_pay_now_on_its_way', 1),
                ('action_pay_now_received', 2),
                ('action_pay_now_commissions', None),
                ('action_pay_now_to_handle', 2),
                ('action_pay_now_payouts', 2),
                ('action_pay_now_payments', 3),
            ):
                self.show(browser, cards, CARD, size=SIZES['wide'])
                self.run_js(browser, f"{CARD}.querySelector('[name={name}]').click()")
                self.wait_for(browser, f'{ROWS} == {rows}' if rows else f'{ROWS} > 1')
            self.picture(browser, 'card_payments', full=False)

    def test_who_reads_only(self):
        self.play()
        with self.browser('pay_now_card_reader') as browser:
            self.show(
                browser,
                self.path('account_pay_now.action_pay_now_cards'),
                CARD,
                'card_reader',
                size=SIZES['wide'],
                full=False,
            )
            hidden = f"{CARD}.querySelector('[name=action_pay_now_payments], canvas')"
            self.assertFalse(self.run_js(browser, f'!!{hidden}'))

    def test_when_the_money_comes(self):
        """On a telephone as cards, which fit; a click leads to what the amount is made of."""
        self.play()
        self.users['invoicing'].lang = 'fr_FR'
        money = self.path('account_pay_now.action_pay_now_money_report')
        with self.browser('pay_now_card_invoicing') as browser:
            self.show(browser, money, ROWS, size=SIZES['wide'])
            head = "document.querySelector('th[data-name=expected_on]')"
            for order in ('asc', 'desc'):
                self.run_js(browser, f'{head}.click()')
                self.wait_for(browser, f"{head}.querySelector('.fa-sort-{order}') && {ROWS}")
            self.picture(browser, 'card_money', full=False)
            cards = "document.querySelectorAll('.o_kanban_record:not(.o_kanban_ghost)')"
            self.show(
                browser, money, f'{cards}.length', 'card_money_phone', SIZES['phone'], full=False
            )
            self.assert_fits(browser)
            self.assertIn("Stripe", self.run_js(browser, f'{cards}[0].innerText'))
            self.run_js(browser, f'{cards}[0].click(); {cards}[0].click()')
            self.wait_for(browser, "location.pathname.indexOf('money-on-its-way/') > 0")
