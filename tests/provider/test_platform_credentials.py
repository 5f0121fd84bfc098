# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json
import os
import re
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import config, mute_logger

from odoo.addons.account_pay_now import platform_mode
from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError
from odoo.addons.account_pay_now.tests.provider.platform import PAYPAL, STRIPE, PlatformCase

LOGGER = 'odoo.addons.account_pay_now.platform_mode'


@tagged('post_install', '-at_install')
class TestPlatformCredentials(PlatformCase):
    """The platform's credentials: entered on the server, and seen by nobody."""

    # === SEEN BY NOBODY === #

    def secrets(self):
        return (
            self.sandbox.key,
            self.sandbox.paypal.secret,
            os.environ['PAY_NOW_STRIPE_WEBHOOK_SECRETS'],
        )

    def assert_secret(self, text):
        for secret in self.secrets():
            self.assertNotIn(secret, str(text))

    def test_no_secret_is_in_the_database(self):
        for provider in (self.provider, self.paypal):
            self.register(provider)
            self.pay(provider)
        self.deliver()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN ('character varying', 'text', 'jsonb')"
            "   AND (table_name LIKE 'pay%' OR table_name IN ('ir_config_parameter', 'ir_logging',"
            "        'mail_message', 'ir_attachment', 'res_company'))"
        )
        for table, column in self.env.cr.fetchall():
            self.env.cr.execute(f'SELECT string_agg("{column}"::text, \' \') FROM "{table}"')
            self.assert_secret(self.env.cr.fetchone()[0])

    def test_no_secret_comes_by_rpc(self):
        for provider in (self.provider, self.paypal):
            self.register(provider)
            mine = provider.with_user(self.admin)
            self.assert_secret(mine.read())
            self.assert_secret(mine.export_data(list(mine.fields_get()))['datas'])
            for model in ('pay.now.setup', 'pay.now.options', 'pay.now.connect'):
                values = {'provider_id': provider.id, 'api_key': 'x'}
                wizard = self.env[model].with_user(self.admin)
                wizard = wizard.create(values if model == 'pay.now.connect' else {})
                self.assert_secret(wizard.read())
        self.authenticate('pay_now_admin', 'pay_now_admin')
        answer = self.url_open(
            '/web/dataset/call_kw',
            data=json.dumps(
                {
                    'params': {
                        'model': 'payment.provider',
                        'method': '_pay_now_gateway',
                        'args': [self.provider.ids],
                        'kwargs': {},
                    }
                }
            ),
            headers={'Content-Type': 'application/json'},
        )
        self.assertIn('error', answer.json())
        self.assert_secret(answer.text)

    def test_which_account_is_nobodys_to_choose(self):
        self.register(self.provider)
        provider = self.provider.with_user(self.admin)
        for name in ('account', 'state', 'ref'):
            field = f'pay_now_platform_{name}'
            self.assertNotIn(field, provider.fields_get())
            with self.assertRaises(AccessError), mute_logger('odoo.orm.models'):
                provider.write({field: 'acct_victim'})
            with self.assertRaises(AccessError), mute_logger('odoo.orm.models'):
                provider.read([field])
            with self.assertRaises(AccessError), mute_logger('odoo.orm.models'):
                provider.search([(field, '=like', 'acct_%')])
        visits = self.env['pay.now.onboarding'].with_user(self.admin)
        for call in (lambda: visits.search([]), lambda: visits.create({})):
            with self.assertRaises(AccessError), mute_logger('odoo.orm.models'):
                call()
        # What an administrator can write chooses no account.
        provider.sudo().pay_now_account = 'acct_victim'
        self.provider._pay_now_gateway().balance()
        call = self.sandbox.requests()[-1]
        self.assertEqual(call['headers']['Stripe-Account'], self.merchant(self.provider))

    def test_no_secret_in_server_actions(self):
        """Code of an administrator gets the gateway, but nothing behind it."""
        self.register(self.provider)
        gateway = self.provider._pay_now_gateway()
        self.assertIsInstance(gateway, SimpleNamespace)
        self.assert_secret(vars(gateway))
        self.assertFalse(
            [
                name
                for name in vars(gateway)
                if name.startswith('_') or 'webhook' in name[:16] and name != 'find_webhook'
            ]
        )

    def test_refused_credentials_are_reported_without_them(self):
        """Neither the screen nor the log shows what the provider answers about them."""
        with patch.dict(
            os.environ,
            {
                'PAY_NOW_STRIPE_SECRET_KEY': 'sk_test_platformsecretnumberone',
                'PAY_NOW_PAYPAL_CLIENT_SECRET': 'platformsecretnumbertwo',
            },
        ):
            for provider in (self.provider, self.paypal):
                with (
                    self.assertLogs('odoo.addons.account_pay_now', 'DEBUG') as log,
                    self.assertRaises(UserError) as error,
                ):
                    platform_mode._logger.debug("There is something to log.")
                    self.leave(provider)
                self.assertIn("refuses the credentials of this server", str(error.exception))
                shown = ' '.join(
                    [str(error.exception), repr(error.exception.__cause__), *log.output]
                )
                self.assertFalse(re.search(r'platformsecret|none|\bone\b|rtwo|\*{4}', shown), shown)

    def test_refused_credentials_are_kept_without_the_answer(self):
        """What the provider answers about them is not for those who can read the provider."""
        self.provider.sudo().write(
            {'pay_now_platform_state': 'used', 'pay_now_status': 'connected'}
        )
        error = GatewayAuthError("Invalid API Key: sk_live_numberone", 'api_key_expired')
        with mute_logger('odoo.addons.account_pay_now.models.provider.payment_provider_health'):
            self.provider._pay_now_note_problem(error)
        refusal = UserError("Refused")
        refusal.__cause__ = error
        self.provider._pay_now_note_refusal(refusal)
        fields = ['problem', 'problem_values', 'problem_text', 'missing', 'missing_values']
        kept = self.provider.with_user(self.admin).read([f'pay_now_{name}' for name in fields])[0]
        self.assertNotIn('numberone', str(kept))
        for name in ('problem', 'missing'):
            self.assertIn(
                "refuses the credentials of this server", self.provider[f'pay_now_{name}_text']
            )

    def test_credentials_taken_off_the_server(self):
        self.register(self.provider)
        tx = self.pay(self.provider)
        with patch.dict(os.environ, {'PAY_NOW_STRIPE_SECRET_KEY': ''}):
            self.provider.invalidate_recordset()
            self.assertFalse(self.provider.pay_now_has_platform)
            self.assertFalse(self.provider._pay_now_connection().can_be_asked())
            with self.assertRaises(GatewayAuthError):
                self.provider._pay_now_gateway()
            self.provider.action_pay_now_check()
            self.assertEqual(self.provider.pay_now_health, 'red')
            self.assertIn("tell whoever runs it", self.provider.pay_now_health_text)
            action = self.provider.with_user(self.admin).action_pay_now_connect()
            self.assertEqual(action['res_model'], 'pay.now.connect')
        self.provider.invalidate_recordset()
        self.provider.action_pay_now_check()
        self.deliver()
        self.assertEqual(tx.state, 'done')

    # === WHERE THEY ARE ENTERED === #

    def test_configuration_file(self):
        names = [name for name in os.environ if name.startswith('PAY_NOW_')]
        with (
            tempfile.TemporaryDirectory() as folder,
            patch.dict(os.environ),
            patch.dict(config.options.maps[0], {'config': f'{folder}/odoo.conf'}),
        ):
            for name in names:
                del os.environ[name]
            path = Path(folder, 'odoo.conf')
            self.assertFalse(platform_mode.available(STRIPE))
            path.write_text("[options]\nworkers = 0\n")
            self.assertFalse(platform_mode.available(STRIPE))
            path.write_text(
                "[options]\n[pay_now]\nstripe_secret_key = sk_live_1\n"
                "stripe_webhook_secrets = whsec_1 whsec_2\npaypal_client_id = x\n"
            )
            credentials, api_base = platform_mode._credentials(STRIPE)
            self.assertEqual(credentials.webhook_secrets, ('whsec_1', 'whsec_2'))
            self.assertFalse(credentials.test_mode or api_base)
            self.assertNotIn('sk_live_1', repr(credentials))
            with self.assertLogs(LOGGER, 'WARNING') as log:
                self.assertFalse(platform_mode.available(PAYPAL))
            self.assertIn('paypal_client_secret, paypal_partner_id', log.output[0])
            os.environ['PAY_NOW_STRIPE_SECRET_KEY'] = 'sk_test_2'
            self.assertEqual(platform_mode._credentials(STRIPE)[0].key, 'sk_test_2')
            del os.environ['PAY_NOW_STRIPE_SECRET_KEY']
            path.write_text("[pay_now]\nstripe_secret_kay = sk_live_typo\n")
            os.utime(path, (1, 1))
            with self.assertLogs(LOGGER, 'WARNING') as log:
                self.assertFalse(platform_mode.available(STRIPE))
            self.assertIn('stripe_secret_kay', log.output[0])
            self.assertNotIn('sk_live_typo', log.output[0])
            path.write_text("[pay_now\nsk_live_broken\n")
            os.utime(path, (2, 2))
            with self.assertLogs(LOGGER, 'ERROR') as log:
                self.assertFalse(platform_mode.available(STRIPE))
            self.assertNotIn('sk_live_broken', log.output[0])

    @mute_logger(LOGGER)
    def test_sandbox_on_this_machine_and_with_test_credentials_only(self):
        for changed in (
            {'PAY_NOW_STRIPE_API_BASE': 'https://api.example.com'},
            {'PAY_NOW_STRIPE_SECRET_KEY': 'sk_live_1'},
        ):
            with patch.dict(os.environ, changed):
                self.assertFalse(platform_mode.available(STRIPE), changed)
        with patch.dict(os.environ, {'PAY_NOW_PAYPAL_ENVIRONMENT': 'live'}):
            self.assertFalse(platform_mode.available(PAYPAL))
        self.register(self.provider)
        self.assertTrue(self.provider._pay_now_connection().in_sandbox())
        with self.assertRaises(ValidationError):
            self.provider.state = 'enabled'

    def test_credentials_of_the_other_environment(self):
        """A provider that was connected for tests takes no real money, nor the other way round."""
        self.register(self.provider)
        real = {'PAY_NOW_STRIPE_SECRET_KEY': 'sk_live_1', 'PAY_NOW_STRIPE_API_BASE': ''}
        with patch.dict(os.environ, real), self.assertRaises(GatewayAuthError):
            self.provider._pay_now_gateway()
        self.assertTrue(self.provider._pay_now_gateway().check_account().can_charge)
        self.env.cr.execute(
            "UPDATE payment_provider SET state = 'enabled' WHERE id = %s", (self.provider.id,)
        )
        self.provider.invalidate_recordset()
        with self.assertRaises(GatewayAuthError):
            self.provider._pay_now_gateway()

    def test_copy_of_a_database_acts_for_nobody(self):
        """As `data/neutralize.sql` leaves it."""
        self.register(self.provider)
        script = Path(platform_mode.__file__).parent / 'data/neutralize.sql'
        self.env.flush_all()
        self.env.cr.execute(script.read_text())
        self.env.invalidate_all()
        self.assertFalse(self.provider._pay_now_on_platform())
        self.assertFalse(self.merchant(self.provider))

    def test_removing_the_module_leaves_the_platforms_endpoint(self):
        self.register(self.provider)
        self.provider._pay_now_remove_webhooks()
        self.assertTrue(self.sandbox.account_state()['webhooks'])
