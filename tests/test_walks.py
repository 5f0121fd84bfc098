# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What people of a company do, by clicks from the menu alone, each button twice."""

import json

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.payout.test_card import CardCommon
from odoo.addons.account_pay_now.tests.reminder.reminder_sales import SalesMixin

WIDE = (1440, 900)
INVOICING, SALES = 'account.menu_finance', 'sale.sale_menu_root'
RECEIVABLES, REPORTS = 'account.menu_finance_receivables', 'account.menu_finance_reports'
CONFIGURATION = 'account.menu_finance_configuration'
#: Who walks, by the one group that is given.
GROUPS = {
    'invoicing': 'account.group_account_invoice',
    'accountant': 'account.group_account_user',
    'manager': 'account.group_account_manager',
    'salesperson': 'sales_team.group_sale_salesman',
}
#: Reports of *Collection time*, and what each shows first.
REPORTED = {
    'due_report': '.o_pivot tbody tr',
    'expected_cash': '.o_graph_canvas_container canvas',
    'reminder_report': '.o_pivot, .o_nocontent_help',
    'paid_report': '.o_pivot tbody tr',
    'dso_report': '.o_graph_canvas_container canvas',
}
ROW = '.o_list_view .o_data_row'
YES = '.modal .modal-footer .btn-primary'


@tagged('post_install', '-at_install')
class TestWalks(BrowserMixin, SalesMixin, CardCommon, ReminderCommon, HttpCase):
    """A run, the customers, the card, the set-up and the reports, for each who has to do with them.

    The payer's walk is in `TestStories`, through the pages of the providers.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({'pay_now_reminder_accounting': True, 'pay_now_reminder_sales': True})
        cls.users = {name: cls.make_user(f'walk_{name}', group) for name, group in GROUPS.items()}
        cls.partners = cls.env['res.partner'].create(
            [{'name': name, 'email': 'x@example.com'} for name in ("Boulangerie", "Zinc")]
        )
        for partner in cls.partners:
            cls.make_invoice(100, partner, days_late=30)
        cls.sold = cls.make_sold(250, cls.users['salesperson'], cls.partners[0])

    # === HOW THEY WALK === #

    def arrive(self, browser):
        apps = "document.querySelector('.o_navbar_apps_menu button')"
        self.show(browser, '/odoo', apps, size=WIDE)

    def choose(self, browser, app, *menus):
        """Open an application and one of its menus, as somebody does who looks for it."""
        self.press(browser, '.o_navbar_apps_menu button', 1)
        self.press(browser, f'.o_app[data-menu-xmlid="{app}"]', 1)
        # What it shows first.
        self.wait_for(browser, self.found('.o_breadcrumb'))
        for menu in menus:
            self.press(browser, f'[data-menu-xmlid="{menu}"]', 1)
        with self.alone():
            action = self.env.ref(menus[-1]).sudo().action
            title = json.dumps(action.name)
        shown = "[...document.querySelectorAll('.modal-title, .o_breadcrumb')]"
        self.wait_for(browser, f'{shown}.some(one => one.innerText.includes({title}))')

    def press(self, browser, selector, times=2):
        """Click what stands there by now, twice as an impatient person does."""
        self.click(browser, selector, times)

    def found(self, selector):
        return f"document.querySelector('{selector}')"

    def counted(self, selector):
        return f"document.querySelectorAll('{selector}').length"

    def offered(self, user):
        """Return the menus of ours that somebody sees, with all those above them."""
        menus = self.env['ir.ui.menu'].with_user(user)
        seen = menus.browse(menus._visible_menu_ids()).sudo()
        seen = seen.filtered(
            lambda menu: {int(one) for one in menu.parent_path.split('/') if one} <= set(seen.ids)
        )
        names = seen.get_external_id().values()
        return {name.split('.')[1] for name in names if name.startswith('account_pay_now.')}

    # === THE WALKS === #

    def walk_a_run(self, browser, user, section, menus, count):
        """Generate and send: once, however often somebody clicks."""
        self.choose(browser, section, *menus)
        self.press(browser, '.modal button[name=action_generate]')
        self.wait_for(
            browser, f"{self.counted('.o_pay_now_run_reminders .o_data_row')} === {count}"
        )
        with self.alone():
            run = self.env['pay.now.reminder.run'].search([('create_uid', '=', user.id)])
            self.assertEqual(len(run), 1, "one list")
        self.picture(browser, f'walk_{self.walker}_run', full=False)
        self.press(browser, 'button[name=action_send]')
        self.press(browser, YES)
        self.wait_for(browser, self.found('button[name=action_stop]'))
        self.wait_for(browser, f"!{self.found('.modal')}")
        with self.alone():
            self.assertEqual(run.state, 'sending')
            self.assertEqual(len(self.leave_now()), count, "each once")
            self.assertEqual(run.reminder_ids.mapped('state'), ['sent'] * count)
        return run

    def walk_to_the_customers(self, browser, user):
        """What a customer said is noted once; what is due is a click away."""
        self.choose(browser, INVOICING, RECEIVABLES, 'account_pay_now.menu_pay_now_chase')
        self.press(browser, f'{ROW} button[name=action_answer]')
        self.wait_for(browser, self.found('.modal [name=kind]'))
        self.press(browser, '.modal [name=kind] input[data-value=problem]', 1)
        self.press(browser, '.modal [name=text] textarea', 1)
        browser._websocket_request('Input.insertText', params={'text': "A crate is missing."})
        self.picture(browser, f'walk_{self.walker}_answer', full=False)
        self.press(browser, YES)
        self.wait_for(browser, f"!{self.found('.modal')}")
        with self.alone():
            answers = self.env['pay.now.answer'].search([('create_uid', '=', user.id)])
            self.assertEqual(len(answers), 1)
        self.press(browser, f'{ROW} button[name=action_items]')
        self.wait_for(browser, f"{self.found(ROW)} && {self.found('td[name=amount_residual]')}")

    def walk_to_the_card(self, browser, user):
        """From the provider's card to a payout, and to what it is made of."""
        self.choose(browser, INVOICING, RECEIVABLES, 'account_pay_now.menu_pay_now_cards')
        self.press(browser, 'a[name=action_pay_now_balance]')
        self.wait_for(browser, f'{self.counted(ROW)} === 8')
        self.choose(browser, INVOICING, RECEIVABLES, 'account_pay_now.menu_pay_now_payout')
        self.press(browser, f'{ROW} td[name=arrives_at]')
        self.wait_for(browser, self.found('.o_form_view [name=allocation]'))
        self.picture(browser, f'walk_{self.walker}_payout', full=False)

    def walk_to_the_reports(self, browser, user):
        for name, ready in REPORTED.items():
            self.choose(browser, INVOICING, REPORTS, f'account_pay_now.menu_pay_now_{name}')
            self.wait_for(browser, f"{self.found('.pay_now_note')} && {self.found(ready)}")
        self.choose(browser, INVOICING, RECEIVABLES, 'account_pay_now.menu_pay_now_money')
        self.wait_for(browser, self.found(f'{ROW} td[name=amount]'))
        self.picture(browser, f'walk_{self.walker}_money', full=False)

    def walk_as(self, name):
        """All that somebody of Invoicing does."""
        self.walker, user = name, self.users[name]
        self.play()
        menus = (RECEIVABLES, 'account_pay_now.menu_pay_now_generate')
        with self.browser(user.login) as browser:
            self.arrive(browser)
            self.walk_a_run(browser, user, INVOICING, menus, 2)
            self.walk_to_the_customers(browser, user)
            self.walk_to_the_card(browser, user)
            self.walk_to_the_reports(browser, user)

    # === WHO WALKS === #

    def test_invoicing_only(self):
        self.walk_as('invoicing')
        self.assertNotIn('menu_pay_now_setup', self.offered(self.users['invoicing']))

    def test_accountant(self):
        self.walk_as('accountant')
        self.assertNotIn('menu_pay_now_setup', self.offered(self.users['accountant']))

    def test_manager(self):
        """Sets up as well: a tick is saved at once, and the trial invoice is made once."""
        self.walk_as('manager')
        user = self.users['manager']
        menus = (CONFIGURATION, 'account_pay_now.menu_pay_now_setup')
        tick = '[name=pay_now_any_method_accounting] input'
        with self.browser(user.login) as browser:
            self.arrive(browser)
            self.choose(browser, INVOICING, *menus)
            self.wait_for(browser, self.found(tick))
            with self.alone():
                before = self.company.pay_now_any_method_accounting
            self.press(browser, tick, 1)
            self.picture(browser, 'walk_manager_setup', full=False)
            self.press(browser, 'button[name=action_configure]')
            self.wait_for(
                browser, f"!{self.found('section[name=step_connect]')} && {self.found(tick)}"
            )
            with self.alone():
                self.assertNotEqual(self.company.pay_now_any_method_accounting, before)

    def test_salesperson(self):
        """Only customers, reminders and reports of one's own; nothing of the books."""
        self.walker, user = 'salesperson', self.users['salesperson']
        menus = ('sale.menu_sale_invoicing', 'account_pay_now.menu_pay_now_generate_sales')
        with self.browser(user.login) as browser:
            self.arrive(browser)
            run = self.walk_a_run(browser, user, SALES, menus, 1)
            self.assertEqual(run.reminder_ids.amount_due, 250, "what this person sold")
            self.choose(
                browser,
                SALES,
                'sale.menu_sale_invoicing',
                'account_pay_now.menu_pay_now_due_report_sales',
            )
            self.wait_for(browser, f"{self.found('.o_pivot table')}.innerText.includes('250.00')")
            shown = self.run_js(browser, f"{self.found('.o_pivot table')}.innerText")
            self.assertNotIn('100.00', shown)
            self.picture(browser, 'walk_salesperson_due', full=False)
        self.assertEqual(
            self.offered(user),
            {
                *('menu_pay_now_reminders_sales', 'menu_pay_now_generate_sales'),
                *('menu_pay_now_runs_sales', 'menu_pay_now_due_report_sales'),
                'menu_pay_now_paid_report_sales',
            },
        )
