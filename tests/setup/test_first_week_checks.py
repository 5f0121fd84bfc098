# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import config

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.gateways.errors import GatewayRefused
from odoo.addons.account_pay_now.tests.setup.first_week import FirstWeekCommon


@tagged('post_install', '-at_install')
class TestChecks(FirstWeekCommon):
    """What has to be right around the set-up."""

    def codes(self, user=None):
        return set(self.company.with_user(user or self.env.user)._pay_now_checks())

    def test_all_fine_says_nothing(self):
        self.set_url('https://pay.example.com')
        self.assertEqual(self.codes(), set())

    def test_mail_server_on_record_or_in_the_configuration(self):
        Company = self.env['res.company']
        self.assertTrue(Company._pay_now_has_mail_server())
        self.without_mail_server()
        self.assertIn('mail_server', self.codes())
        self.assertEqual(config['smtp_server'], 'localhost', "Odoo's default is no mail server")
        with patch.dict(config.options.maps[0], {'smtp_server': 'smtp.example.com'}):
            self.assertTrue(Company._pay_now_has_mail_server())
        with patch.dict(config.options.maps[0], {'smtp_server': ''}):
            self.assertFalse(Company._pay_now_has_mail_server())

    def test_personal_mail_server_sends_nothing_of_the_company(self):
        self.mail_server.owner_user_id = new_test_user(self.env, 'pay_now_owner')
        self.assertFalse(self.env['res.company']._pay_now_has_mail_server())

    def test_addresses_that_customers_cannot_open(self):
        for private in (
            'http://localhost:8069',
            'https://127.0.0.1',
            'https://127.1.2.3',
            'http://10.0.0.5:8069',
            'https://192.168.1.20',
            'https://172.16.4.4',
            'http://169.254.0.1',
            'http://0.0.0.0:8069',
            'https://[::1]',
            'https://[fd00::1]:8069',
            'https://odoo',
            'https://odoo.local',
            'https://ODOO.LOCAL.',
            'https://books.intranet',
            'http://[broken',
            '',
        ):
            self.assertTrue(utils.is_private_address(private), private)
        for public in (
            'https://pay.example.com',
            'http://example.com:8069',
            'https://8.8.8.8',
            'https://[2606:4700::1111]/odoo',
            'https://localhost.example.com',
        ):
            self.assertFalse(utils.is_private_address(public), public)

    def test_address_check_names_the_address_and_leads_to_it(self):
        self.set_url('http://192.168.1.20:8069')
        check = self.company._pay_now_checks()['base_url']
        self.assertEqual(check['level'], 'warning')
        self.assertIn('http://192.168.1.20:8069', check['message'])
        self.assertIn(
            'web.base.url',
            self.env['ir.config_parameter'].search(check['action']['domain']).mapped('key'),
        )
        self.set_url('http://pay.example.com')
        self.assertIn("https", self.company._pay_now_checks()['base_url']['message'])
        self.set_url('https://pay.example.com')
        self.assertNotIn('base_url', self.codes())

    def test_in_the_sandbox_the_address_only_informs(self):
        self.set_url('http://localhost:8069')
        self.sign_up()
        self.provider._pay_now_connect('sk_test_key')
        self.assertEqual(self.company._pay_now_checks()['base_url']['level'], 'warning')
        self.provider.sudo().pay_now_api_base = 'http://127.0.0.1:1'
        self.assertEqual(self.company._pay_now_checks()['base_url']['level'], 'info')

    def test_company_without_email_or_chart(self):
        self.company.email = False
        self.assertIn(self.company.name, self.company._pay_now_checks()['company_email']['message'])
        empty = self.env['res.company'].create({'name': "New"})
        check = empty._pay_now_checks()['chart']
        self.assertEqual(check['level'], 'danger')

    def test_every_button_leads_somewhere(self):
        self.without_mail_server()
        self.set_url('http://localhost:8069')
        empty = self.env['res.company'].create({'name': "New"})
        checks = empty._pay_now_checks()
        self.assertEqual(set(checks), {'mail_server', 'base_url', 'chart', 'company_email'})
        for code, check in checks.items():
            self.assertTrue(check['action_text'], code)
            self.assertIn(check['action']['res_model'], self.env, code)

    def test_who_cannot_fix_it_is_told_whom_to_ask(self):
        self.without_mail_server()
        manager = new_test_user(self.env, 'pay_now_m', groups='account.group_account_manager')
        check = self.company.with_user(manager)._pay_now_checks()['mail_server']
        self.assertNotIn('action', check)
        self.assertIn("administrator", check['message'])

    def test_set_up_screen_shows_checks(self):
        self.without_mail_server()
        self.set_url('http://localhost:8069')
        setup = Form(self.env['pay.now.setup'])
        self.assertIn('mail_server', setup.pay_now_checks)
        self.assertIn('base_url', setup.pay_now_checks)

    def test_test_address_is_validated(self):
        for bad in ('nobody', 'a@example.com, b@example.com', '@'):
            with self.assertRaises(ValidationError, msg=bad), self.cr.savepoint():
                self.company.pay_now_test_email = bad
        self.company.pay_now_test_email = 'me@example.com'
        self.company.pay_now_test_email = False


@tagged('post_install', '-at_install')
class TestNoMailServer(FirstWeekCommon):
    """Nothing is sent that cannot leave, and nothing fails in silence."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.make_invoice(100, days_late=30)

    def run_cron(self, name):
        with self.mock_mail_gateway(), self.enter_registry_test_mode():
            self.env.ref(f'account_pay_now.{name}').method_direct_trigger()
            return list(self._mails)

    def make_run(self):
        run = self.env['pay.now.reminder.run'].create({})
        run._generate()
        return run

    def test_sending_is_refused_with_the_way_out(self):
        run = self.make_run()
        self.without_mail_server()
        with self.assertRaisesRegex(UserError, "Settings"):
            run.action_send()
        self.assertEqual(run.reminder_ids.state, 'draft')
        self.mail_server.active = True
        run.action_send()
        self.assertEqual(run.reminder_ids.state, 'queued')

    def test_ticking_the_daily_action_is_refused(self):
        self.without_mail_server()
        with self.assertRaisesRegex(UserError, "no outgoing mail server"):
            self.company.pay_now_reminder_auto = True
        with self.assertRaisesRegex(UserError, "no outgoing mail server"):
            self.env['res.config.settings'].create({'pay_now_reminder_auto': True}).execute()
        self.assertFalse(self.company.pay_now_reminder_auto)

    def test_other_settings_can_be_changed_meanwhile(self):
        self.company.pay_now_reminder_auto = True
        self.without_mail_server()
        self.env['res.config.settings'].create({'pay_now_any_method_sales': True}).execute()
        self.assertTrue(self.company.pay_now_reminder_auto)

    def test_daily_action_leaves_the_reminders_and_says_so(self):
        self.company.pay_now_reminder_auto = True
        self.without_mail_server()
        self.assertFalse(self.run_cron('ir_cron_reminders_generate'))
        run = self.env['pay.now.reminder.run'].search([('company_id', '=', self.company.id)])
        self.assertRecordValues(run, [{'state': 'draft', 'trigger': 'auto'}])
        self.assertIn("no outgoing mail server", run.problem)
        self.assertEqual(run.reminder_ids.state, 'draft')
        self.mail_server.active = True
        run.action_send()
        self.assertFalse(run.problem)

    def test_queued_reminders_wait_for_the_mail_server(self):
        run = self.make_run()
        run.action_send()
        self.without_mail_server()
        self.assertFalse(self.run_cron('ir_cron_reminders_send'))
        self.assertEqual(run.reminder_ids.state, 'queued')
        self.assertIn("leave by themselves", run.problem)
        self.mail_server.active = True
        self.assertEqual(len(self.run_cron('ir_cron_reminders_send')), 1)
        self.assertRecordValues(run, [{'state': 'done', 'problem': False}])


@tagged('post_install', '-at_install')
class TestHealthWords(FirstWeekCommon):
    """*Check again* answers, and each light says the one thing to do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()

    def check(self):
        params = self.provider.action_pay_now_check()['params']
        self.assertEqual(params['next']['tag'], 'soft_reload')
        return params['type'], params['message']

    def test_fine(self):
        self.provider._pay_now_note_event()
        self.assertEqual(self.check(), ('success', "Stripe: Checked: connected, everything fine."))

    def test_amber_is_said(self):
        kind, message = self.check()
        self.assertEqual(kind, 'warning')
        self.assertIn("first payment will bring one", message)

    def test_refused_key_says_what_to_do(self):
        self.gateway.refused = self.auth_error()
        kind, message = self.check()
        self.assertEqual(kind, 'danger')
        self.assertIn("Press “Change keys”", message)

    def test_unreachable_provider_is_said_and_changes_nothing(self):
        self.provider._pay_now_note_event()
        self.gateway.down = True
        self.assertEqual(self.check(), ('danger', "Stripe: Stripe does not answer at the moment."))
        self.assertEqual(self.provider.pay_now_health, 'green')

    def test_unfinished_account(self):
        self.gateway.account = replace(
            self.gateway.account, can_charge=False, missing=('external_account',)
        )
        _kind, message = self.check()
        self.assertIn("complete it at Stripe", message)

    def test_lost_webhook_is_registered_again(self):
        self.gateway.webhooks.clear()
        kind, _message = self.check()
        self.assertEqual(kind, 'warning', "as after connecting: no notification came yet")
        self.assertTrue(self.gateway.webhooks)

    def test_webhook_that_was_never_registered_is_not_missed(self):
        def refuse(_url):
            raise GatewayRefused("URL must be publicly accessible", 'url_invalid')

        self.patch(self.gateway, 'register_webhook', refuse)
        self.gateway.webhooks.clear()
        self.provider._pay_now_connect('sk_test_key')
        kind, _message = self.check()
        self.assertEqual(kind, 'warning', "amber hides no button")
        self.assertTrue(self.company._pay_now_providers())
