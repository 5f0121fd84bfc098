# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import BaseCase, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.models.provider.connection import (
    LEAVE,
    REGISTER,
    VERIFY,
    is_intact,
    plan_webhook,
)

HTTP, HTTPS = 'http://erp.example.com/hook', 'https://erp.example.com/hook'


@tagged('post_install', '-at_install')
class TestConnectionPlan(BaseCase):
    """What is to be done about a webhook, decided without asking anybody."""

    def test_plan(self):
        for name, given, expected in (
            ("registered", ('we_1', HTTPS, HTTPS, False), (VERIFY, HTTPS)),
            (
                "moved since then",
                ('we_1', HTTPS, 'https://new.example.com', False),
                (VERIFY, HTTPS),
            ),
            ("registered at http", ('we_1', HTTP, HTTP, False), (VERIFY, HTTP)),
            ("has got https", ('we_1', HTTP, HTTPS, False), (REGISTER, HTTPS)),
            ("refused before", (False, HTTPS, HTTPS, False), (REGISTER, HTTPS)),
            ("never tried", (False, False, HTTPS, False), (REGISTER, HTTPS)),
            ("not notified", (False, HTTP, HTTP, False), (LEAVE, HTTP)),
            ("sandbox", (False, HTTP, HTTP, True), (REGISTER, HTTP)),
        ):
            with self.subTest(name):
                self.assertEqual(plan_webhook(*given), expected)

    def test_intact(self):
        webhook = base.Webhook(id='we_1', url=HTTPS)
        self.assertTrue(is_intact(webhook, 'we_1'))
        self.assertFalse(is_intact(None, 'we_1'))
        self.assertFalse(is_intact(webhook, 'we_2'))
        for change in ('enabled', 'complete'):
            changed = base.Webhook(id='we_1', url=HTTPS, **{change: False})
            self.assertFalse(is_intact(changed, 'we_1'))
