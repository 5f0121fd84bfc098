# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""An integrator's platform at both providers, as the sandbox plays them."""

import os
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.tests import new_test_user

from odoo.addons.account_pay_now import platform_mode
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase

STRIPE, PAYPAL = 'pay_now_stripe', 'pay_now_paypal'


class PlatformCase(SandboxCase):
    """A signed-up company on a server with platform credentials, connected to nobody yet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.provider | cls.paypal).sudo().pay_now_api_base = False
        cls.admin = new_test_user(
            cls.env,
            'pay_now_admin',
            groups='base.group_system,account.group_account_manager,base.group_user',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
            email='boss@example.com',
        )
        cls.company.country_id = cls.env.ref('base.fr')

    @classmethod
    def connect_sandbox(cls):
        """Override of `SandboxCase`: with the platform's credentials instead of keys."""
        cls.sandbox.fees(delay=None)
        cls.sandbox.paypal.account(features=['reporting', 'disputes', 'partner'])

    def setUp(self):
        super().setUp()
        self.enter_credentials()

    def enter_credentials(self, **changed):
        """Enter the platform's credentials on the server, and register its endpoints."""
        stripe, paypal = self.sandbox, self.sandbox.paypal
        values = {
            'stripe_secret_key': stripe.key,
            'stripe_api_base': stripe.api_base,
            'paypal_client_id': paypal.client_id,
            'paypal_client_secret': paypal.secret,
            'paypal_partner_id': paypal.account_id,
            'paypal_bn_code': 'PayNow_SP',
            'paypal_environment': 'sandbox',
            'paypal_api_base': paypal.api_base,
            **changed,
        }
        environment = {f'PAY_NOW_{name.upper()}': value for name, value in values.items()}
        patcher = patch.dict(os.environ, environment)
        patcher.start()
        self.addCleanup(patcher.stop)
        for code, name, field in (
            (STRIPE, 'stripe_webhook_secrets', 'secret'),
            (PAYPAL, 'paypal_webhook_id', 'id'),
        ):
            webhook = platform_mode.register_webhook(code, self.base_url())
            os.environ[f'PAY_NOW_{name.upper()}'] = getattr(webhook, field)
        for side in (stripe, paypal):
            side.webhooks(mode='held', copies=2, shuffle=True)

    # === WHAT PEOPLE DO === #

    def leave(self, provider):
        """Press *Connect*; return the address the administrator is sent to."""
        action = provider.with_user(self.admin).action_pay_now_connect()
        self.assertEqual((action['type'], action['target']), ('ir.actions.act_url', 'self'))
        return action['url']

    def side(self, provider):
        """Return the control of a provider's part of the sandbox."""
        return self.sandbox.paypal if provider.code == PAYPAL else self.sandbox

    def press(self, provider, url, how='complete'):
        """Do something on the provider's page; return the path the browser is sent back to."""
        parts = urlsplit(self.side(provider).press(url, how))
        return parts._replace(scheme='', netloc='').geturl()

    def come_back(self, path, login='pay_now_admin'):
        """Open a path as somebody who is logged in."""
        self.authenticate(login, login)
        return self.url_open(path, allow_redirects=False)

    def register(self, provider, how='complete'):
        """Go the whole way once."""
        answer = self.come_back(self.press(provider, self.leave(provider), how))
        self.assertEqual(answer.status_code, 303)
        provider.invalidate_recordset()
        return answer

    def merchant(self, provider):
        """Return the account the platform acts for."""
        return provider.sudo().pay_now_platform_account

    def pay(self, provider, amount=120):
        """Pay an invoice; return its transaction."""
        tx = self.checkout(self.lines(self.make_invoice(amount)), provider=provider)
        if provider.code == PAYPAL:
            self.side(provider).approve(order=tx.provider_reference)
        else:
            self.side(provider).pay(session=tx.provider_reference, method='card')
        return tx
