# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.account_pay_now.tests.setup.first_week import FirstWeekCommon

SECRETS = ('pay_now_api_key', 'pay_now_api_secret', 'pay_now_webhook_secret', 'pay_now_api_base')


@tagged('post_install', '-at_install')
class TestOptions(FirstWeekCommon):
    """Step 4 for the accounting manager: everything but the keys."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.manager = cls.new_user(
            'pay_now_manager', 'account.group_account_manager,base.group_allow_export'
        )

    @classmethod
    def new_user(cls, login, groups, companies=None):
        companies = companies or cls.company
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            email=f'{login}@example.com',
            company_id=companies[0].id,
            company_ids=[Command.set(companies.ids)],
        )

    def open(self, user=None):
        """Open the screen as its menu does."""
        action = self.env.ref('account_pay_now.action_pay_now_options')
        result = action.with_user(user or self.manager).run()
        return (
            self.env[result['res_model']].with_user(user or self.manager).browse(result['res_id'])
        )

    # === WHAT A MANAGER DOES === #

    def test_manager_has_the_menu_and_no_settings(self):
        Menu = self.env['ir.ui.menu'].with_user(self.manager)
        visible = Menu._visible_menu_ids()
        for name in ('options', 'setup'):
            self.assertIn(self.env.ref(f'account_pay_now.menu_pay_now_{name}').id, visible)
        with self.assertRaises(AccessError):
            self.env['res.config.settings'].with_user(self.manager).create({})

    def test_options_are_read_and_changed(self):
        options = self.open()
        self.assertTrue(options.pay_now_reminder_accounting)
        self.assertEqual(options.sage_customer_code, 'FR-123')
        with Form(options) as form:
            form.pay_now_any_method_sales = True
            form.pay_now_test_email = 'trial@example.com'
        self.assertRecordValues(
            self.company,
            [
                {
                    'pay_now_any_method_sales': True,
                    'pay_now_reminder_accounting': True,
                    'pay_now_test_email': 'trial@example.com',
                    'pay_now_sage_customer_code': 'FR-123',
                }
            ],
        )

    def test_rules_of_the_company_still_hold(self):
        options = self.open()
        with self.assertRaises(ValidationError), self.cr.savepoint():
            options.pay_now_test_email = 'nobody'
        self.without_mail_server()
        with self.assertRaisesRegex(UserError, "no outgoing mail server"), self.cr.savepoint():
            options.pay_now_reminder_auto = True
        self.provider.action_pay_now_disconnect()
        with self.assertRaisesRegex(UserError, "step 3"), self.cr.savepoint():
            self.open().pay_now_any_method_sales = True

    def test_sage_code_is_read_only(self):
        self.open().write({'sage_customer_code': 'OTHER'})
        self.assertEqual(self.company.pay_now_sage_customer_code, 'FR-123')

    def test_journal_and_accounts_of_the_provider(self):
        line = self.open().line_ids.filtered('journal_id')
        self.assertEqual(line.journal_id, self.provider.journal_id)
        self.assertEqual(line.name, self.provider.name)
        fees = self.env['account.account'].create(
            {'code': '627999', 'name': "Fees", 'account_type': 'expense'}
        )
        disputed = self.env['account.account'].create(
            {'code': '467999', 'name': "Disputed", 'account_type': 'asset_current'}
        )
        line.write(
            {
                'pay_now_commission_account_id': fees.id,
                'pay_now_disputed_account_id': disputed.id,
            }
        )
        self.assertEqual(self.provider.pay_now_commission_account_id, fees)
        self.assertEqual(self.provider.pay_now_disputed_account_id, disputed)
        self.assertEqual(self.provider.journal_id, line.journal_id)
        journal = self.provider.journal_id.copy({'code': 'STR9', 'name': "Other journal"})
        line.journal_id = journal
        self.assertEqual(self.provider.journal_id, journal)

    def test_clearing_account_has_to_be_one(self):
        line = self.open().line_ids.filtered('journal_id')
        fees = self.provider.pay_now_commission_account_id
        with self.assertRaises(UserError), self.cr.savepoint():
            line.pay_now_clearing_account_id = fees

    def test_account_of_another_company_is_refused(self):
        other = self.setup_other_company(name="Other")
        line = self.open().line_ids.filtered('journal_id')
        for name, record in (
            ('journal_id', other['default_journal_bank']),
            ('pay_now_commission_account_id', other['default_account_expense']),
        ):
            with self.assertRaises(UserError), self.cr.savepoint():
                line[name] = record.id
                self.env.flush_all()
        self.assertEqual(self.provider.journal_id.company_id, self.company)

    def test_health_checks_and_forecast(self):
        self.make_invoice(100, days_late=30)
        self.without_mail_server()
        options = self.open()
        line = options.line_ids.filtered('journal_id')
        self.assertEqual(line.name, self.provider.name)
        (light,) = options.pay_now_health.values()
        self.assertEqual(light['level'], 'warning')
        self.assertIn("Stripe: to check.", light['message'])
        self.assertIn('mail_server', options.pay_now_checks)
        self.assertIn("1 customer", options.forecast_text)
        self.assertTrue(options.pay_now_test_text)
        self.gateway.refused = self.auth_error()
        self.assertEqual(options.action_check()['params']['type'], 'danger')
        self.env.invalidate_all()
        (light,) = options.pay_now_health.values()
        self.assertEqual(light['level'], 'danger')

    def test_set_up_screen_leads_here(self):
        setup = self.env['pay.now.setup'].with_user(self.manager).create({})
        self.assertEqual(setup.action_configure()['res_model'], 'pay.now.options')
        self.assertIn("Stripe: to check.", str(setup.pay_now_health))
        for action in ('action_save_code', 'action_sign_up', 'action_connect'):
            with self.assertRaisesRegex(AccessError, "administrator"):
                getattr(setup, action)()
        with Form(setup) as form, self.assertRaises(AssertionError):
            form.sage_customer_code = 'OTHER'

    def test_set_up_of_an_administrator_leads_to_the_settings(self):
        boss = self.new_user('pay_now_boss', 'base.group_system,account.group_account_manager')
        setup = self.env['pay.now.setup'].with_user(boss).create({})
        self.assertEqual(setup.action_configure()['res_model'], 'res.config.settings')

    # === WHAT NOBODY GETS HERE === #

    def test_keys_are_never_readable(self):
        options = self.open()
        line = options.line_ids.filtered('journal_id')
        for records in (options, line, self.provider.with_user(self.manager)):
            self.assertFalse(set(SECRETS) & set(records.fields_get()), records)
        values = str(options.read()) + str(line.read()) + str(options.fields_get())
        self.assertNotIn('sk_test_key', values)
        self.assertNotIn('whsec_test', values)
        self.assertNotIn('provider_id', line.read()[0])
        provider = self.provider.with_user(self.manager)
        for secret in SECRETS:
            for attempt in (
                lambda secret=secret: line.read([f'provider_id.{secret}']),
                lambda secret=secret: line.read([secret]),
                lambda secret=secret: line.web_read({'provider_id': {'fields': {secret: {}}}}),
                lambda secret=secret: options.export_data([f'line_ids/provider_id/{secret}']),
                lambda secret=secret: line.search([(f'provider_id.{secret}', '=like', 'sk%')]),
                lambda secret=secret: line._read_group([], [f'provider_id.{secret}']),
                lambda secret=secret: options.search(
                    [(f'line_ids.provider_id.{secret}', '!=', False)]
                ),
                lambda secret=secret: provider.read([secret]),
                lambda secret=secret: provider.search([(secret, '=like', 'sk%')]),
            ):
                with self.assertRaises(Exception) as refused, self.cr.savepoint():
                    attempt()
                self.assertIsInstance(refused.exception, (UserError, ValueError, KeyError))

    def test_provider_of_a_line_cannot_be_exchanged(self):
        other = self.provider.sudo().copy({'company_id': self.company.id})
        options = self.open()
        line = options.line_ids[:1]
        Line = self.env['pay.now.options.line'].with_user(self.manager)
        for attempt in (
            lambda: line.write({'provider_id': other.id}),
            lambda: Line.create({'options_id': options.id, 'provider_id': other.id}),
            lambda: options.write({'line_ids': [Command.create({'provider_id': other.id})]}),
        ):
            with self.assertRaises(AccessError), self.cr.savepoint():
                attempt()
        made = (
            self.env['pay.now.options']
            .with_user(self.manager)
            .create({'line_ids': [Command.create({'provider_id': other.id})]})
        )
        providers = made.line_ids.sudo().mapped('provider_id')
        self.assertEqual(len(providers), len(made.line_ids), "each once")

    def test_other_companies_are_out_of_reach(self):
        other = self.setup_other_company(name="Other")['company']
        other.write({'pay_now_sage_customer_code': 'FR-999', 'email': 'o@example.com'})
        Options = self.env['pay.now.options'].with_user(self.manager)
        with self.assertRaises(AccessError), self.cr.savepoint():
            Options.create({'company_id': other.id})
        options = self.open()
        with self.assertRaises(AccessError), self.cr.savepoint():
            options.write({'company_id': other.id})
        self.assertFalse(other.pay_now_any_method_sales)

    def test_amounts_of_other_companies_are_out_of_reach(self):
        data = self.setup_other_company(name="Other")
        self.env['account.move'].with_company(data['company']).create(
            {
                'move_type': 'entry',
                'journal_id': data['default_journal_misc'].id,
                'line_ids': [
                    Command.create(
                        {'account_id': data['default_account_receivable'].id, 'debit': 777}
                    ),
                    Command.create(
                        {'account_id': data['default_account_revenue'].id, 'credit': 777}
                    ),
                ],
            }
        ).action_post()
        self.assertIn("777", str(data['company'].sudo()._pay_now_warnings()))
        for model in ('pay.now.generate.reminders', 'pay.now.setup'):
            # Not to be made by hand.
            screens = self.env[model].with_user(self.manager).sudo()
            screen = screens.create({'company_id': data['company'].id}).with_user(self.manager)
            self.assertFalse(screen.pay_now_warnings, model)
            self.assertFalse(screen.pay_now_health, model)

    def test_line_moved_to_a_screen_of_another_company_changes_nothing(self):
        other = self.setup_other_company(name="Other")['company']
        both = self.new_user('pay_now_both', 'account.group_account_manager', self.company | other)
        Options = self.env['pay.now.options'].with_user(both)
        mine = Options.create({})
        theirs = Options.with_context(allowed_company_ids=(self.company | other).ids).create(
            {'company_id': other.id}
        )
        line = theirs.line_ids[:1].with_context(allowed_company_ids=self.company.ids)
        with self.assertRaises(AccessError), self.cr.savepoint():
            line.write({'options_id': mine.id, 'pay_now_disputed_account_id': False})

    def test_screens_of_others_are_out_of_reach(self):
        mine = self.open()
        colleague = self.new_user('pay_now_colleague', 'account.group_account_manager')
        with self.assertRaises(AccessError):
            mine.with_user(colleague).read(['pay_now_test_email'])
        with self.assertRaises(AccessError):
            mine.line_ids.with_user(colleague).read(['journal_id'])

    def test_billing_users_change_nothing(self):
        clerk = self.new_user('pay_now_clerk', 'account.group_account_invoice')
        options = self.open()
        for attempt in (
            lambda: self.open(clerk),
            lambda: self.env['pay.now.options'].with_user(clerk).create({}),
            lambda: self.env['pay.now.setup'].with_user(clerk).create({}),
            lambda: options.with_user(clerk).write({'pay_now_any_method_sales': True}),
            lambda: options.with_user(clerk).action_check(),
        ):
            with self.assertRaises(AccessError), self.cr.savepoint():
                attempt()
        self.assertFalse(self.company.pay_now_any_method_sales)
