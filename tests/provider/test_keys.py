# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError
from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestKeys(PayNowCommon):
    """Other keys of the same account, on a connected record."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.connect_paypal()

    @contextmanager
    def only(self, *keys):
        """The provider takes these keys alone."""

        def gateway(provider, **tried):
            gateway = self.gateway_of(provider)
            valid = tried.get('key', provider.pay_now_api_key) in keys
            gateway.refused = None if valid else GatewayAuthError("Invalid API Key")
            return gateway

        with patch.object(type(self.provider), '_pay_now_gateway', gateway):
            yield

    def change(self, key, secret='', provider=None):
        provider = provider or self.provider
        context = provider.action_pay_now_change_keys()['context']
        wizard = self.env['pay.now.connect'].with_context(**context)
        wizard = wizard.create({'api_key': key, 'api_secret': secret})
        wizard.action_connect()
        self.assertEqual((wizard.api_key, wizard.api_secret), ('-', False))

    def test_running_checkouts_go_on(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        webhook = self.provider.pay_now_webhook_ref
        with self.only('sk_test_key', ' sk_new'.strip()):
            self.change(' sk_new ')
        self.assertRecordValues(
            self.provider,
            [
                {
                    'pay_now_api_key': 'sk_new',
                    'pay_now_status': 'connected',
                    'pay_now_webhook_ref': webhook,
                    'pay_now_webhook_secret': 'whsec_test',
                }
            ],
        )
        with self.only('sk_new'):
            self.gateway.pay(tx)
            tx._synchronize()
        self.assertEqual(tx.state, 'done')
        self.assertEqual(self.gateway.registered, 1, "the webhook is the account's")

    def test_refused_keys_change_nothing(self):
        before = self.provider.read()[0]
        with self.only('sk_test_key'), self.assertRaisesRegex(UserError, "Invalid API Key"):
            self.change('sk_wrong')
        self.assertEqual(self.provider.read()[0], before)

    def test_keys_of_another_account_or_world_change_nothing(self):
        before = self.provider.read()[0]
        account = self.gateway.account
        for values in ({'id': 'acct_other'}, {'test_mode': False}):
            self.gateway.account = replace(account, **values)
            with self.assertRaises(UserError):
                self.change('sk_new')
        self.assertEqual(self.provider.read()[0], before)

    def test_provider_down_changes_nothing(self):
        before = self.provider.read()[0]
        self.gateway.down = True
        with self.assertRaisesRegex(UserError, "does not answer"):
            self.change('sk_new')
        self.assertEqual(self.provider.read()[0], before)

    def test_new_keys_mend_a_connection_whose_keys_were_revoked(self):
        with self.only('sk_new'):
            self.provider._pay_now_check()
            self.assertEqual(self.provider.pay_now_health, 'red')
            self.assertIn("Change keys", self.provider.pay_now_health_text)
            self.change('sk_new')
        self.assertNotEqual(self.provider.pay_now_health, 'red')
        self.assertFalse(self.provider.activity_ids)

    def test_new_secret_of_the_same_application(self):
        webhook = self.paypal.pay_now_webhook_ref
        self.change('client', 'new secret', self.paypal)
        self.assertEqual(self.paypal.pay_now_api_secret, 'new secret')
        self.assertEqual(self.paypal.pay_now_webhook_ref, webhook)
        self.assertFalse(self.paypal.pay_now_former_webhook_ref)

    def test_another_application_of_the_same_account(self):
        """Both webhooks are valid for a while: their ids are what notifications are proven with."""
        self.change('client 2', 'secret 2', self.paypal)
        self.assertEqual(
            self.paypal._pay_now_connection().webhook_credentials(),
            {
                'webhook_id': 'we_test_2',
                'former_webhook_id': 'we_test',
                'webhook_secrets': ('whsec_test',),
            },
        )
