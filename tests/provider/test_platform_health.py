# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.provider.platform import PlatformCase


@tagged('post_install', '-at_install')
class TestPlatformHealth(PlatformCase):
    """What is ensured with keys, where the platform's credentials take their place."""

    def test_platforms_endpoint_is_left_alone(self):
        for provider in (self.provider, self.paypal):
            self.register(provider)
            side = self.side(provider)
            before = side.account_state()['webhooks']
            side.requests(clear=True)
            provider.action_pay_now_check()
            with self.assertRaisesRegex(UserError, "runs this server"):
                provider.action_pay_now_renew_webhook()
            self.assertFalse(provider._pay_now_forget_keys())
            self.assertEqual(side.account_state()['webhooks'], before)
            changed = [
                call['path'] for call in side.requests() if call['method'] in ('PATCH', 'DELETE')
            ]
            self.assertFalse(changed)

    def test_endpoint_that_is_gone_is_not_registered_by_a_company(self):
        self.register(self.provider)
        for webhook in list(self.sandbox.account_state()['webhooks']):
            found = self.provider._pay_now_gateway().find_webhook(webhook)
            self.delete_endpoint(found.id)
        self.provider.action_pay_now_check()
        self.assertFalse(self.provider.pay_now_webhook_ref)
        self.assertFalse(self.sandbox.account_state()['webhooks'])
        self.assertNotEqual(self.provider.pay_now_health, 'red', "the sweep books everything")

    def delete_endpoint(self, webhook_id):
        """As whoever runs the platform does in its dashboard."""
        self.opener.delete(
            f'{self.sandbox.api_base}/v1/webhook_endpoints/{webhook_id}',
            headers={'Authorization': f'Bearer {self.sandbox.key}'},
        )

    def test_stages(self):
        self.assertEqual(self.provider.pay_now_stage, 'new')
        self.register(self.provider)
        self.assertEqual(self.provider.pay_now_stage, 'test')
        self.assertTrue(self.provider.pay_now_uses_platform)
        with self.assertRaisesRegex(UserError, "keys of your own"):
            self.provider._pay_now_change_keys(self.sandbox.key)
        self.provider.action_pay_now_disconnect()
        self.assertEqual(self.provider.pay_now_stage, 'followed')
        merchant = self.merchant(self.provider)
        self.provider._pay_now_forget_keys()
        self.assertEqual(self.provider.pay_now_stage, 'forgotten')
        self.assertFalse(self.provider._pay_now_connection().can_be_asked())
        self.press(self.provider, self.leave(self.provider))
        self.provider.with_user(self.admin).action_pay_now_connect()
        self.assertEqual(self.provider.pay_now_stage, 'test')
        self.assertEqual(self.merchant(self.provider), merchant, "no second account")
