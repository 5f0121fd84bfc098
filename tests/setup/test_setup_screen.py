# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from unittest.mock import patch

from lxml import etree

from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.setup.first_week import FirstWeekCommon

TICKS = tuple(
    f'pay_now_{option}_{application}'
    for option in ('reminder', 'any_method')
    for application, _label in const.APPLICATIONS
)


@tagged('post_install', '-at_install')
class TestSetupScreen(FirstWeekCommon):
    """One open step, what is mended in place and tried out: by whom, and in which state."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        groups = 'base.group_system,account.group_account_manager'
        cls.admin = cls.new_user('pay_now_admin', groups, cls.company)
        cls.manager = cls.new_user('pay_now_manager', 'account.group_account_manager', cls.company)
        cls.branch = cls.env['res.company'].create(
            {'name': "Fournil Lyon", 'parent_id': cls.company.id}
        )

    @classmethod
    def new_user(cls, login, groups, companies):
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            name=login.title(),
            email=f'{login}@example.com',
            company_id=companies[0].id,
            company_ids=[Command.set(companies.ids)],
        )

    def screen(self, user=None, **values):
        return self.env['pay.now.setup'].with_user(user or self.admin).create(values)

    def anew(self, setup):
        """Return a screen as the next request reads it."""
        setup.invalidate_recordset()
        return setup

    def edit(self, setup, step=False):
        setup.with_context(pay_now_step=step).action_edit()
        return setup.open_step

    # === ONE OPEN STEP === #

    def test_the_open_step_follows_what_changes_under_it(self):
        setup = self.screen()
        self.assertTrue(setup.configure_done)
        self.assertEqual((setup.step, setup.open_step), ('configure', 'configure'))
        self.assertIn("Stripe", setup.connect_text)
        self.assertIn("Accounting: reminders", setup.configure_text)
        self.company.pay_now_reminder_accounting = False
        self.assertFalse(self.anew(setup).configure_done, "nothing is ticked")
        self.assertEqual(setup.step, 'configure')
        self.company.pay_now_any_method_sales = True
        self.assertTrue(self.anew(setup).configure_done)
        self.provider.sudo().pay_now_commission_account_id = False
        self.assertFalse(self.anew(setup).configure_done, "commissions cannot be booked")
        (books,) = setup.books.values()
        self.assertEqual(books['level'], 'warning')

    def test_a_provider_that_takes_nothing_is_no_done_step(self):
        setup = self.screen()
        self.assertEqual(self.edit(setup, 'signup'), 'signup')
        self.provider.action_pay_now_disconnect()
        self.assertEqual((self.anew(setup).step, setup.open_step), ('connect', 'signup'))
        self.assertFalse(setup.connect_done or setup.connect_text or setup.configure_done)
        self.provider.action_pay_now_reconnect()
        self.assertEqual(self.anew(setup).step, 'configure')
        # Switched off among Odoo's own providers.
        self.provider.state = 'disabled'
        self.assertEqual(self.anew(setup).step, 'connect')
        self.assertTrue(self.provider.pay_now_can_reconnect)

    def test_a_later_step_is_not_opened_by_hand(self):
        setup = self.screen()
        for step in ('code', 'signup', 'connect'):
            self.assertEqual(self.edit(setup, step), step)
            self.assertEqual(setup.step, 'configure')
        self.assertEqual(self.edit(setup), 'configure', "back")
        self.assertEqual(self.edit(setup, 'forged'), 'configure')
        self.edit(setup, 'connect')
        self.company.pay_now_sage_customer_code = False
        self.assertEqual((self.anew(setup).step, setup.open_step), ('code', 'code'))
        self.assertFalse(setup.signup_done or setup.connect_done or setup.configure_done)

    def test_going_live_comes_after_step_4_and_for_test_keys_only(self):
        setup = self.screen()
        self.assertEqual((setup.stripe_goes_live, setup.paypal_goes_live), (True, False))
        action = setup.with_context(pay_now_code=const.STRIPE).action_go_live()
        self.assertEqual(action['context']['default_purpose'], 'live')
        with self.assertRaisesRegex(UserError, "test mode"):
            setup.with_context(pay_now_code=const.PAYPAL).action_go_live()
        with self.assertRaisesRegex(AccessError, "administrator"):
            self.screen(self.manager).with_context(pay_now_code=const.STRIPE).action_go_live()

    # === TICKS === #

    def test_ticks_change_what_was_changed_and_nothing_else(self):
        shown = {name: self.company[name] for name in TICKS}
        # Meanwhile somebody else ticks another one.
        self.company.pay_now_any_method_accounting = True
        setup = self.screen(self.manager, shown=shown, **{**shown, 'pay_now_reminder_sales': True})
        self.assertTrue(self.company.pay_now_reminder_sales)
        self.assertTrue(self.company.pay_now_any_method_accounting, "seen as it was")
        setup.write({'pay_now_reminder_sales': False})
        self.assertFalse(self.company.pay_now_reminder_sales)
        self.assertEqual(self.screen(self.admin).pay_now_any_method_accounting, True)

    def test_ticks_of_those_who_may_not(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        both = self.new_user('pay_now_both', 'account.group_account_manager', self.branch)
        for user in (both, self.new_user('pay_now_far', 'base.group_system', elsewhere)):
            setup = self.env['pay.now.setup'].with_user(user).sudo()
            setup = setup.create({'company_id': self.company.id}).with_user(user)
            with self.assertRaises(AccessError), self.cr.savepoint():
                setup.write({'pay_now_reminder_sales': True})
        self.provider.action_pay_now_disconnect()
        with self.assertRaisesRegex(UserError, "step 3"):
            self.screen(pay_now_reminder_sales=True)
        self.assertFalse(self.company.pay_now_reminder_sales)

    # === MENDED IN PLACE === #

    def test_company_email_is_mended_here(self):
        self.company.email = False
        setup = self.screen()
        self.assertTrue(setup.mends_email)
        self.assertNotIn('company_email', setup.checks_left or {})
        for wrong in (False, 'nobody', 'a@example.com, b@example.com'):
            setup.company_email = wrong
            with self.assertRaisesRegex(UserError, "not an e-mail address"):
                setup.action_save_company_email()
        setup.company_email = ' Compta <compta@example.com>'
        setup.action_save_company_email()
        setup.action_save_company_email()
        setup.invalidate_recordset()
        self.assertEqual(self.company.email, 'compta@example.com')
        self.assertFalse(setup.mends_email)

    def test_company_language_is_mended_here(self):
        self.company.partner_id.lang = False
        self.load_language('fr_FR')
        with patch.object(
            type(self.env['res.lang']), 'get_installed', lambda _langs: [('en_US', "English")]
        ):
            self.assertNotIn('company_lang', self.company._pay_now_checks(), "no choice")
        setup = self.screen()
        self.assertTrue(setup.mends_lang)
        self.assertTrue(self.company._pay_now_checks()['company_lang']['action'])
        setup.company_lang = False
        with self.assertRaisesRegex(UserError, "language"):
            setup.action_save_company_lang()
        setup.company_lang = 'fr_FR'
        setup.action_save_company_lang()
        self.assertEqual(self.company.partner_id.lang, 'fr_FR')
        self.assertNotIn('company_lang', self.company._pay_now_checks())

    def test_public_address_is_mended_here_and_stays(self):
        self.set_url('http://192.168.1.20:8069')
        setup = self.screen()
        self.assertTrue(setup.mends_url)
        for wrong in (
            *(False, 'odoo.example.com', 'http://odoo.example.com', 'https://192.168.1.20'),
            *('https://localhost', 'https://odoo.example.com/web', 'https://a:b@odoo.example.com'),
            *('https://odoo.example.com?db=x', 'https://[broken', 'https://odoo.example.com:x'),
        ):
            setup.base_url = wrong
            with self.assertRaises(UserError, msg=wrong), self.cr.savepoint():
                setup.action_save_base_url()
        setup.base_url = ' https://Odoo.example.com:8443/ '
        setup.action_save_base_url()
        parameters = self.env['ir.config_parameter'].sudo()
        address = 'https://odoo.example.com:8443'
        self.assertEqual(parameters.get_param('web.base.url'), address)
        self.assertTrue(parameters.get_param('web.base.url.freeze'))
        setup.invalidate_recordset()
        self.assertFalse(setup.mends_url)

    def test_mending_the_address_makes_no_copy_the_home_of_a_live_connection(self):
        self.set_url('https://pay.example.com')
        self.gateway.account = replace(self.gateway.account, test_mode=False)
        self.provider.sudo().write({'state': 'disabled', 'pay_now_api_base': False})
        self.provider._pay_now_connect('sk_live_key')
        self.set_url('http://192.168.1.20:8069')
        setup = self.screen()
        setup.base_url = 'https://pay.example.com'
        setup.action_save_base_url()
        self.assertFalse(self.provider._pay_now_connection().is_away(), "home again")
        setup.base_url = 'https://copy.example.com'
        setup.action_save_base_url()
        self.assertTrue(self.provider._pay_now_connection().is_away())
        self.env.invalidate_all()
        (light,) = setup.pay_now_health.values()
        self.assertEqual(light['level'], 'danger')

    def test_who_may_not_write_the_company_is_told_whom_to_ask(self):
        self.company.email = False
        self.set_url('http://192.168.1.20:8069')
        setup = self.screen(self.manager, company_email='a@example.com', base_url='https://a.fr')
        self.assertFalse(setup.mends_email or setup.mends_url)
        self.assertLessEqual({'company_email', 'base_url'}, set(setup.checks_left))
        self.assertIn("Pay_Now_Admin", setup.checks_left['company_email']['message'])
        for action in ('email', 'lang'):
            with self.assertRaisesRegex(AccessError, "Pay_Now_Admin"):
                getattr(setup, f'action_save_company_{action}')()
        with self.assertRaisesRegex(AccessError, "Pay_Now_Admin"):
            setup.action_save_base_url()
        self.assertFalse(self.company.email)

    def test_companies_of_others_are_not_mended(self):
        self.company.email = False
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        for company in (elsewhere, self.branch):
            user = self.new_user(f'pay_now_{company.id}', 'base.group_system', company)
            setup = self.env['pay.now.setup'].with_user(user).sudo()
            setup = setup.create({'company_id': self.company.id, 'company_email': 'a@example.com'})
            setup = setup.with_user(user)
            self.assertFalse(setup.mends_email, company.name)
            with self.assertRaisesRegex(AccessError, "Fournil SARL"):
                setup.action_save_company_email()
        self.assertFalse(self.company.email)
        # From the branch, an administrator of both mends the company's.
        self.admin.company_ids = self.company | self.branch
        setup = self.env['pay.now.setup'].with_user(self.admin).with_company(self.branch)
        setup = setup.create({'company_email': 'a@example.com'})
        setup.action_save_company_email()
        self.assertEqual(self.company.email, 'a@example.com')

    # === TRYING OUT === #

    def test_a_trial_invoice_ends_in_the_first_button(self):
        setup = self.screen(self.manager)
        action = setup.action_trial_invoice()
        invoice = self.env['account.move'].browse(action['context']['active_ids'])
        self.assertEqual((invoice.state, invoice.amount_total), ('posted', 1.0))
        self.assertEqual(invoice.amount_tax, 0)
        self.assertFalse(invoice._pay_now_refusal('invoice_mail'))
        again = setup.action_trial_invoice()
        self.assertEqual(again['context']['active_ids'], invoice.ids, "a double click")
        # The second of two at once waits for the first, and begins again to see what it made.
        locked = patch.object(type(setup), 'try_lock_for_update', lambda one, **_kw: one.browse())
        with locked, self.assertRaises(ConcurrencyError):
            setup.action_trial_invoice()
        self.provider.sudo().pay_now_minimum_amount = 5
        invoice._reverse_moves(cancel=True)
        action = setup.action_trial_invoice()
        other = self.env['account.move'].browse(action['context']['active_ids'])
        self.assertEqual((other.amount_total, other.partner_id), (5.0, invoice.partner_id))

    def test_no_trial_invoice_where_there_is_no_button_or_no_right(self):
        count = self.env['account.move'].search_count([])
        self.gateway.refused = self.auth_error()
        self.provider._pay_now_check()
        with self.assertRaises(UserError), self.cr.savepoint():
            self.screen().action_trial_invoice()
        boss = self.new_user('pay_now_boss', 'base.group_system', self.company)
        with self.assertRaises(AccessError), self.cr.savepoint():
            self.screen(boss).action_trial_invoice()
        self.provider.action_pay_now_disconnect()
        with self.assertRaisesRegex(UserError, "step 3"):
            self.screen().action_trial_invoice()
        self.assertEqual(self.env['account.move'].search_count([]), count)

    def test_journals_and_accounts_in_a_window_of_managers(self):
        action = self.screen(self.manager).action_books()
        self.assertEqual((action['res_model'], action['target']), ('pay.now.options', 'new'))
        boss = self.new_user('pay_now_boss', 'base.group_system', self.company)
        self.assertEqual(self.screen(boss).action_books()['res_model'], 'res.config.settings')

    def test_the_settings_are_a_screen_of_their_own(self):
        action = self.screen().action_configure()
        (view_id, _kind) = next(view for view in action['views'] if view[1] == 'form')
        arch = self.env['res.config.settings'].get_view(view_id, 'form')['arch']
        blocks = {node.get('id') for node in etree.fromstring(arch).iter('block')}
        self.assertEqual(blocks, {'pay_now_references', 'pay_now_options'})
        usual = self.env['res.config.settings'].get_view(
            self.env.ref('base.res_config_settings_view_form').id, 'form'
        )['arch']
        self.assertGreater(len(list(etree.fromstring(usual).iter('block'))), len(blocks))

    # === RECONNECTING === #

    def test_reconnected_with_the_kept_keys(self):
        self.assertFalse(self.provider.pay_now_can_reconnect)
        journal = self.provider.journal_id
        self.provider.action_pay_now_disconnect()
        mine = self.provider.with_user(self.admin)
        self.assertTrue(mine.pay_now_can_reconnect)
        mine.action_pay_now_reconnect()
        self.assertEqual(self.provider.pay_now_status, 'connected')
        self.assertEqual(self.provider.state, 'test')
        self.assertEqual(self.provider.journal_id, journal)
        connected_at = self.provider.pay_now_connected_at
        mine.action_pay_now_reconnect()
        self.assertEqual(self.provider.pay_now_connected_at, connected_at, "a double click")

    def test_kept_keys_that_are_refused_or_gone(self):
        self.provider.action_pay_now_disconnect()
        self.gateway.refused = self.auth_error()
        with self.assertRaisesRegex(UserError, "Invalid API Key"), self.cr.savepoint():
            self.provider.action_pay_now_reconnect()
        self.gateway.refused = None
        self.assertEqual(self.provider.pay_now_status, 'not_connected')
        with self.assertRaises(AccessError):
            self.provider.with_user(self.manager).action_pay_now_reconnect()
        self.provider._pay_now_forget_keys()
        self.assertFalse(self.provider.pay_now_can_reconnect)
        with self.assertRaisesRegex(UserError, "no keys"):
            self.provider.action_pay_now_reconnect()

    def test_a_copy_of_the_database_does_not_reconnect(self):
        self.provider.action_pay_now_disconnect()
        connection = type(self.provider._pay_now_connection())
        with (
            patch.object(connection, 'is_away', lambda _connection: 'uuid'),
            patch.object(type(self.provider), '_pay_now_away_label', lambda _self: "away"),
            self.assertRaisesRegex(UserError, "away"),
        ):
            self.provider.action_pay_now_reconnect()
        self.assertEqual(self.provider.pay_now_status, 'not_connected')
