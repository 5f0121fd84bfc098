# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace

from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError, GatewayRefused
from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestSetup(PayNowCommon):
    def wizard(self, application='accounting', **values):
        return self.env['pay.now.setup'].create({'application': application, **values})

    def test_steps_are_enforced_in_order(self):
        wizard = self.wizard(signup_email='admin@example.com')
        self.assertEqual(wizard.step, 'code')
        with self.assertRaisesRegex(UserError, "step 1"):
            wizard.action_sign_up()
        with self.assertRaisesRegex(UserError, "step 1"):
            wizard.with_context(provider_id=self.provider.id).action_connect()
        with self.assertRaisesRegex(UserError, "step 1"):
            self.provider._pay_now_connect('sk_test_key')
        with self.assertRaisesRegex(UserError, "step 3"):
            wizard.action_configure()
        wizard.sage_customer_code = ' FR 123 '
        wizard.action_save_code()
        self.assertEqual(self.company.pay_now_sage_customer_code, 'FR123')
        with self.assertRaisesRegex(UserError, "step 2"):
            self.provider._pay_now_connect('sk_test_key')
        wizard.action_sign_up()
        self.assertEqual(self.company.pay_now_signup_email, 'admin@example.com')

    def test_sage_code_refuses_what_cannot_be_one(self):
        for bad in ('A' * 33, 'FR*12', 'é12'):
            with self.assertRaises(ValidationError, msg=bad):
                self.company.pay_now_sage_customer_code = bad
        for good in ('FR-123', 'a_b.c/1', '42'):
            self.company.pay_now_sage_customer_code = good

    def test_sign_up_ticks_its_own_application_once(self):
        self.sign_up('sales')
        self.assertTrue(self.company.pay_now_reminder_sales)
        self.assertFalse(self.company.pay_now_reminder_accounting)
        self.assertFalse(self.company.pay_now_any_method_sales)
        self.provider._pay_now_connect('sk_test_key')
        self.company.pay_now_reminder_sales = False
        self.company._pay_now_sign_up('other@example.com', 'accounting')
        self.assertFalse(self.company.pay_now_reminder_sales)
        self.assertFalse(self.company.pay_now_reminder_accounting)
        self.assertEqual(self.company.pay_now_signup_application, 'sales')
        self.assertEqual(self.company.pay_now_signup_email, 'other@example.com')

    def test_sign_up_refuses_what_is_no_address(self):
        self.company.pay_now_sage_customer_code = 'FR-123'
        with self.assertRaisesRegex(UserError, "not an e-mail address"):
            self.company._pay_now_sign_up('nobody', 'accounting')
        self.assertFalse(self.company.pay_now_signup_date)

    def test_wrong_key_says_so_and_changes_nothing(self):
        self.sign_up()
        before = self.provider.read()[0]
        self.gateway.refused = GatewayAuthError("Invalid API Key provided: sk_test_***")
        with self.assertRaisesRegex(UserError, "Invalid API Key"), self.cr.savepoint():
            self.provider._pay_now_connect('sk_test_wrong')
        self.gateway.refused = None
        self.assertEqual(self.provider.read()[0], before)
        self.assertFalse(self.gateway.webhooks)

    def test_account_that_cannot_charge_is_not_connected(self):
        self.sign_up()
        account = self.gateway.account
        self.gateway.account = replace(account, can_charge=False, missing=('external_account',))
        with self.assertRaisesRegex(UserError, "external_account"):
            self.provider._pay_now_connect('sk_test_key')
        self.gateway.account = replace(account, currency='USD')
        with self.assertRaisesRegex(UserError, "settled in USD"):
            self.provider._pay_now_connect('sk_test_key')
        self.gateway.account = account

    def test_connect_makes_journal_accounts_and_publishes(self):
        self.connect()
        provider = self.provider
        self.assertRecordValues(
            provider,
            [
                {
                    'pay_now_status': 'connected',
                    'state': 'test',
                    'is_published': True,
                    'pay_now_account': 'acct_test',
                    'pay_now_webhook_secret': 'whsec_test',
                }
            ],
        )
        clearing = provider.pay_now_clearing_account_id
        self.assertRecordValues(
            clearing, [{'code': '101405', 'account_type': 'asset_current', 'reconcile': True}]
        )
        self.assertEqual(provider.pay_now_commission_account_id.code, '620000')
        self.assertEqual(provider.journal_id.type, 'bank')
        self.assertEqual(provider._pay_now_method_line().payment_account_id, clearing)
        self.assertTrue(self.company.pay_now_connected)

    def test_paypal_beside_stripe(self):
        self.connect()
        self.paypal_gateway.account = replace(
            self.paypal_gateway.account, id='MERCHANT1', test_mode=False
        )
        wizard = self.env['pay.now.connect'].create(
            {'provider_id': self.paypal.id, 'api_key': ' client ', 'api_secret': 'secret\n'}
        )
        wizard.action_connect()
        self.assertRecordValues(
            self.paypal,
            [
                {
                    'pay_now_status': 'connected',
                    'state': 'enabled',
                    'pay_now_account': 'MERCHANT1',
                    'pay_now_api_key': 'client',
                    'pay_now_api_secret': 'secret',
                    'pay_now_test_keys': False,
                    'pay_now_webhook_ref': 'we_test',
                }
            ],
        )
        self.assertRecordValues(wizard, [{'api_key': '-', 'api_secret': False}])
        self.assertEqual(self.paypal.pay_now_clearing_account_id.code, '101407')
        self.assertEqual(self.paypal.journal_id.code, 'PAYPL')
        self.assertNotEqual(self.paypal.journal_id, self.provider.journal_id)
        self.assertEqual(
            self.company._pay_now_providers(), self.paypal, "test keys give way to real money"
        )
        self.assertFalse(self.company._pay_now_test_mode())

    def test_paypal_refuses_its_keys(self):
        self.sign_up()
        self.paypal_gateway.refused = GatewayAuthError("Client Authentication failed")
        with self.assertRaisesRegex(UserError, "PayPal answers: Client Authentication failed"):
            self.paypal._pay_now_connect('client', 'wrong')
        self.assertFalse(self.paypal.pay_now_api_secret)

    def test_connecting_again_keeps_the_books(self):
        self.connect()
        journal, clearing = self.provider.journal_id, self.provider.pay_now_clearing_account_id
        self.provider.action_pay_now_disconnect()
        self.assertFalse(self.company.pay_now_connected)
        self.assertFalse(self.company._pay_now_providers())
        self.assertTrue(self.provider.pay_now_api_key, "kept while something may be unsettled")
        self.provider._pay_now_connect('sk_test_key')
        self.assertEqual(self.provider.journal_id, journal)
        self.assertEqual(self.provider.pay_now_clearing_account_id, clearing)
        self.assertEqual(
            len(journal.inbound_payment_method_line_ids.filtered('payment_provider_id')), 1
        )

    def test_another_account_needs_another_record_once_used(self):
        self.connect()
        self.checkout(self.lines(self.make_invoice()))
        account = self.gateway.account
        self.gateway.account = replace(account, id='acct_other')
        with self.assertRaisesRegex(UserError, "another account"):
            self.provider._pay_now_connect('sk_test_other')
        self.gateway.account = account

    def test_refused_address_leaves_the_sweep(self):
        self.sign_up()
        self.provider.sudo().pay_now_api_base = 'http://127.0.0.1:1'

        def refuse(_url):
            raise GatewayRefused("URL must be publicly accessible", 'url_invalid')

        self.patch(self.gateway, 'register_webhook', refuse)
        self.provider._pay_now_connect('sk_test_key')
        self.assertEqual(self.provider.pay_now_status, 'connected')
        self.assertEqual(self.provider.pay_now_health, 'amber')

    def test_sandbox_only_on_this_machine_and_in_test_mode(self):
        for address in ('https://api.example.com', 'http://10.0.0.1:8080'):
            with self.assertRaises(ValidationError):
                self.provider.sudo().pay_now_api_base = address
        self.provider.sudo().pay_now_api_base = 'http://127.0.0.1:8080'
        self.connect()
        with self.assertRaises(ValidationError):
            self.provider.state = 'enabled'

    def test_options_are_locked_until_connected(self):
        self.sign_up()
        self.env['res.config.settings'].create({}).execute()
        with self.assertRaisesRegex(UserError, "step 3"):
            self.env['res.config.settings'].create({'pay_now_any_method_sales': True}).execute()
        self.assertFalse(self.company.pay_now_any_method_sales)
        self.connect()
        settings = self.env['res.config.settings'].create({'pay_now_any_method_sales': True})
        settings.execute()
        self.assertTrue(self.company.pay_now_any_method_sales)

    def test_secrets_are_for_administrators(self):
        self.connect()
        accountant = new_test_user(
            self.env,
            'pay_now_accountant',
            groups='account.group_account_manager',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        for field in (
            'pay_now_api_key',
            'pay_now_api_secret',
            'pay_now_webhook_secret',
            'pay_now_api_base',
        ):
            self.assertNotIn(field, self.env['payment.provider'].with_user(accountant).fields_get())

    def test_health(self):
        self.connect()
        self.assertEqual(self.provider.pay_now_health, 'amber', "no notification yet")
        self.provider._pay_now_note_event()
        self.assertEqual(self.provider.pay_now_health, 'green')
        self.gateway.refused = self.auth_error()
        self.provider.action_pay_now_check()
        self.assertEqual(self.provider.pay_now_health, 'red')
        self.assertIn("Invalid API Key", self.provider.pay_now_health_text)
        self.assertFalse(self.company._pay_now_providers(), "red hides that provider")
        self.gateway.refused = None
        self.provider.action_pay_now_check()
        self.assertEqual(self.provider.pay_now_health, 'green')
