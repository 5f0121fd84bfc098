# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json
import os
from dataclasses import replace
from datetime import datetime, timezone
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import platform_mode
from odoo.addons.account_pay_now.gateways.base import Event
from odoo.addons.account_pay_now.tests.provider.platform import PAYPAL, STRIPE, PlatformCase

HOOKS = '/pay_now/webhook/platform/'


@tagged('post_install', '-at_install')
class TestPlatform(PlatformCase):
    """What the platform is notified of, and what merchants take back."""

    # === WHAT IS TAKEN BACK === #

    def revoke(self, provider):
        """The merchant takes the platform's access away."""
        if provider == self.paypal:
            self.sandbox.paypal.revoke(account=self.merchant(provider))
        else:
            self.sandbox.deauthorize(account=self.merchant(provider))

    def test_revoked(self):
        for provider in (self.provider, self.paypal):
            with self.subTest(provider.code):
                self.register(provider)
                tx = self.pay(provider)
                self.deliver()
                self.assertIn(provider, self.company._pay_now_providers())
                self.revoke(provider)
                self.deliver()
                self.assertEqual(provider.pay_now_health, 'red')
                self.assertIn("Disconnect, then connect again", provider.pay_now_health_text)
                self.assertNotIn(provider, self.company._pay_now_providers())
                self.assertEqual(tx.state, 'done', "what was paid stays paid")

    def test_revoked_twice_and_out_of_order(self):
        """An old revocation, notified after the merchant agreed again, takes nothing away."""
        self.register(self.paypal)
        self.sandbox.paypal.outbox()
        self.revoke(self.paypal)
        late = self.sandbox.paypal.outbox()
        self.register(self.paypal)
        self.assertEqual(self.paypal.pay_now_status, 'connected')
        for out in late * 2:
            self.post('paypal', out)
        self.work()
        self.assertFalse(self.paypal.pay_now_problem)
        self.revoke(self.paypal)
        self.revoke(self.paypal)
        self.deliver()
        self.deliver()
        self.assertEqual(self.paypal.pay_now_health, 'red')

    def test_revoked_while_the_provider_is_down(self):
        for provider in (self.provider, self.paypal):
            self.register(provider)
            # Now the certificate is known that PayPal signs with.
            self.deliver()
            self.revoke(provider)
            self.side(provider).misbehave(path='/v1/', status=503, times=9)
            self.deliver()
            event = self.env['pay.now.event'].search([('provider_id', '=', provider.id)], limit=1)
            self.assertEqual((event.state, event.attempts), ('pending', 1))
            self.side(provider).control('behave')
            event.action_replay()
            self.work()
            self.assertEqual(provider.pay_now_health, 'red')

    def test_agreed_again(self):
        """PayPal gives the same merchant back."""
        self.register(self.paypal)
        self.pay(self.paypal)
        self.deliver()
        merchant = self.merchant(self.paypal)
        self.revoke(self.paypal)
        self.deliver()
        self.paypal.action_pay_now_disconnect()
        self.register(self.paypal)
        self.assertEqual(self.paypal.pay_now_status, 'connected')
        self.assertFalse(self.paypal.pay_now_problem)
        self.assertEqual(self.merchant(self.paypal), merchant)

    def test_lost_account_is_replaced_unless_the_books_are_about_it(self):
        self.register(self.provider)
        lost = self.merchant(self.provider)
        self.revoke(self.provider)
        self.provider.action_pay_now_disconnect()
        self.register(self.provider)
        self.assertEqual(self.provider.pay_now_status, 'connected')
        self.assertNotEqual(self.merchant(self.provider), lost)
        self.pay(self.provider)
        self.revoke(self.provider)
        self.provider.action_pay_now_disconnect()
        with self.assertRaisesRegex(UserError, "second provider"):
            self.leave(self.provider)

    def test_restricted_account_is_looked_at_again(self):
        """Also one that was connected with its keys."""
        self.register(self.provider)
        self.sandbox.account(
            account=self.merchant(self.provider),
            charges_enabled=False,
            missing=['individual.verification.document'],
        )
        self.deliver()
        self.assertEqual(self.provider.pay_now_health, 'red')
        self.assertIn("an identity document", self.provider.pay_now_health_text)
        self.sandbox.account(account=self.merchant(self.provider), charges_enabled=True, missing=[])
        self.deliver()
        self.assertFalse(self.provider.pay_now_problem)
        self.provider.sudo().pay_now_api_base = self.sandbox.api_base
        self.provider._pay_now_connect(self.sandbox.key)
        self.sandbox.account(account='acct_sandbox', charges_enabled=False)
        self.deliver()
        self.assertEqual(self.provider.pay_now_health, 'red')

    # === NOTIFICATIONS === #

    def held(self, provider, event_type):
        """Return a notification of a type that was held back."""
        key = 'event_type' if provider == self.paypal else 'type'
        outbox = self.side(provider).outbox()
        return next(one for one in outbox if json.loads(one['body'])[key] == event_type)

    def post(self, name, out, **headers):
        return self.post_notification(out, f'{HOOKS}{name}', **headers).status_code

    @mute_logger('odoo.addons.account_pay_now.controllers.platform_webhook', 'odoo.http')
    def test_forged_notifications(self):
        self.register(self.provider)
        self.revoke(self.provider)
        out = self.held(self.provider, 'account.application.deauthorized')
        Event = self.env['pay.now.event']
        count = Event.search_count([])
        self.assertEqual(self.post('stripe', out, **{'Stripe-Signature': 't=1,v1=00'}), 403)
        changed = {**out, 'body': out['body'].replace('acct_', 'acct_x')}
        self.assertEqual(self.post('stripe', changed), 403)
        self.assertEqual(self.post('paypal', out), 403)
        self.assertEqual(self.post('nobody', out), 404)
        # What is genuine for the platform is nothing at a company's own address.
        answer = self.url_open(
            f'/pay_now/webhook/{self.provider.id}',
            data=out['body'].encode(),
            headers=out['headers'],
        )
        self.assertEqual(answer.status_code, 404)
        with patch.dict(os.environ, {'PAY_NOW_STRIPE_WEBHOOK_SECRETS': ''}):
            self.assertEqual(self.post('stripe', out), 403)
        self.assertEqual(Event.search_count([]), count)
        self.assertEqual(self.post('stripe', out), 200)
        self.assertEqual(self.post('stripe', out), 200)
        self.assertEqual(Event.search_count([]), count + 1)

    def test_two_secrets_while_one_is_rotated(self):
        self.register(self.provider)
        secret = os.environ['PAY_NOW_STRIPE_WEBHOOK_SECRETS']
        self.sandbox.register(account=self.merchant(self.provider))
        out = self.held(self.provider, 'account.updated')
        with patch.dict(os.environ, {'PAY_NOW_STRIPE_WEBHOOK_SECRETS': f'whsec_new {secret}'}):
            self.assertEqual(self.post('stripe', out), 200)

    def test_merchants_of_another_database_are_taken_and_forgotten(self):
        for provider in (self.provider, self.paypal):
            self.register(provider)
            self.side(provider).outbox()
            self.env['pay.now.event'].search([]).sudo().unlink()
            self.pay(provider)
            provider.sudo().pay_now_platform_account = 'SOMEBODYELSE2'
            self.deliver()
            self.assertFalse(self.env['pay.now.event'].search([]))

    def test_end_of_a_registration_that_names_nobody_we_know(self):
        """PayPal may leave our reference out: whose it was is asked."""
        self.press(self.paypal, self.leave(self.paypal))
        out = self.held(self.paypal, 'MERCHANT.ONBOARDING.COMPLETED')
        event = replace(self.verified(out), reference='')
        route = self.env['payment.provider']._pay_now_route
        self.assertEqual(route(PAYPAL, event), self.paypal)
        self.assertFalse(route(PAYPAL, replace(event, reference='somebody-else')))
        self.assertFalse(route(PAYPAL, replace(event, subject='payment')))
        self.assertFalse(route(STRIPE, event))
        self.assertEqual(self.post('paypal', out), 200)
        stored = self.env['pay.now.event'].search([('provider_id', '=', self.paypal.id)])
        self.assertFalse(stored.sudo().payload)
        self.work()
        self.assertEqual(self.paypal.pay_now_status, 'connected')
        self.assertFalse(route(PAYPAL, replace(event, account_id='SOMEBODYELSE2')))

    def test_payment_that_names_no_account(self):
        self.register(self.paypal)
        tx = self.pay(self.paypal)
        self.deliver()
        event = Event(
            id='WH-1',
            type='CHECKOUT.PAYMENT-APPROVAL.REVERSED',
            created_at=datetime.now(timezone.utc),
            checkout_id=tx.provider_reference,
        )
        route = self.env['payment.provider']._pay_now_route
        self.assertEqual(route(PAYPAL, event), self.paypal)
        self.assertFalse(route(PAYPAL, replace(event, checkout_id='5O190127TN364715T')))

    def verified(self, out):
        gateway = platform_mode.gateway(PAYPAL)
        return gateway.verify_event(out['body'].encode(), out['headers'])

    def test_other_environment_is_taken_and_forgotten(self):
        """Stripe tells a live platform of test payments too."""
        self.register(self.provider)
        self.sandbox.register(account=self.merchant(self.provider))
        out = self.held(self.provider, 'account.updated')
        with patch.dict(
            os.environ,
            {'PAY_NOW_STRIPE_SECRET_KEY': 'sk_live_x', 'PAY_NOW_STRIPE_API_BASE': ''},
        ):
            self.assertEqual(self.post('stripe', out), 200)
        self.assertFalse(self.env['pay.now.event'].search([('event_ref', '!=', False)]))
