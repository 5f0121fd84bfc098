# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways.errors import GatewayUnavailable
from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase

CONTROLLER = 'odoo.addons.account_pay_now.controllers.webhook'


@tagged('post_install', '-at_install')
class TestWebhookRenewal(PayNowCommon):
    """Each step of a renewal may be the last one for a while."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()

    def look(self):
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_health').method_direct_trigger()
        self.env.invalidate_all()

    def lapse(self):
        self.provider.sudo().pay_now_former_webhook_until = fields.Datetime.now() - timedelta(
            seconds=1
        )

    def secrets(self):
        return self.provider._pay_now_connection().webhook_credentials()['webhook_secrets']

    def test_both_for_a_day_then_the_new_one(self):
        with freeze_time(fields.Datetime.now()) as clock:
            self.provider.action_pay_now_renew_webhook()
            self.assertEqual(self.secrets(), ('whsec_test_2', 'whsec_test'))
            self.assertEqual(len(self.gateway.webhooks), 2)
            clock.tick(timedelta(hours=23))
            self.look()
            self.assertEqual(len(self.secrets()), 2)
            clock.tick(timedelta(hours=2))
            self.assertEqual(self.secrets(), ('whsec_test_2',), "the time alone ends it")
            self.look()
        self.assertEqual(self.gateway.removed, ['we_test'])
        self.assertRecordValues(
            self.provider,
            [
                {
                    'pay_now_webhook_ref': 'we_test_2',
                    'pay_now_webhook_secret': 'whsec_test_2',
                    'pay_now_former_webhook_ref': False,
                    'pay_now_former_webhook_until': False,
                }
            ],
        )

    def test_not_twice_at_once_and_any_number_of_times(self):
        urls = [self.provider.pay_now_webhook_url]
        for _time in range(3):
            self.provider.action_pay_now_renew_webhook()
            with self.assertRaisesRegex(UserError, "being renewed already"):
                self.provider.action_pay_now_renew_webhook()
            urls.append(self.provider.pay_now_webhook_url)
            self.lapse()
            self.look()
        self.assertEqual(urls, [urls[0], f'{urls[0]}/2'] * 2)
        self.assertEqual(list(self.gateway.webhooks), [urls[3]])

    def test_provider_down_at_the_beginning_changes_nothing(self):
        self.gateway.down = True
        with self.assertRaisesRegex(UserError, "does not answer"):
            self.provider.action_pay_now_renew_webhook()
        self.gateway.down = False
        self.assertEqual(self.secrets(), ('whsec_test',))
        self.assertFalse(self.provider.pay_now_former_webhook_ref)

    def test_cut_off_after_registering_is_cleared_away(self):
        """The answer was lost, or the database fell over: the provider has one we know not of."""
        self.gateway.register_webhook(self.provider._pay_now_other_webhook_url())
        self.provider.sudo().pay_now_checked_at = False
        self.look()
        self.assertEqual(self.gateway.removed, ['we_test_2'])
        self.assertEqual(self.secrets(), ('whsec_test',))

    def test_answer_lost_then_renewed_again(self):
        register = self.gateway.register_webhook

        def lose(url):
            register(url)
            raise GatewayUnavailable("No answer.")

        with (
            patch.object(self.gateway, 'register_webhook', lose),
            self.assertRaises(UserError),
        ):
            self.provider.action_pay_now_renew_webhook()
        self.provider.action_pay_now_renew_webhook()
        self.assertEqual(self.secrets(), ('whsec_test_3', 'whsec_test'))
        self.assertEqual(len(self.gateway.webhooks), 2)

    def test_provider_down_at_the_end_is_tried_again(self):
        self.provider.action_pay_now_renew_webhook()
        self.lapse()
        self.gateway.down = True
        self.look()
        self.assertTrue(self.provider.pay_now_former_webhook_ref)
        self.assertEqual(self.secrets(), ('whsec_test_2',), "and is not taken any more")
        self.gateway.down = False
        self.look()
        self.assertFalse(self.provider.pay_now_former_webhook_ref)
        self.assertEqual(len(self.gateway.webhooks), 1)

    def test_former_one_deleted_at_the_dashboard(self):
        self.provider.action_pay_now_renew_webhook()
        self.gateway.webhooks.pop(self.provider._pay_now_other_webhook_url())
        self.lapse()
        self.look()
        self.assertFalse(self.provider.pay_now_former_webhook_ref)

    def test_new_one_gone_in_the_middle_keeps_the_former_secret(self):
        self.provider.action_pay_now_renew_webhook()
        self.gateway.webhooks.pop(self.provider.pay_now_webhook_url)
        self.provider._pay_now_check()
        self.assertEqual(self.secrets(), ('whsec_test_3', 'whsec_test'))

    def test_disconnected_in_the_middle_comes_to_its_end(self):
        self.provider.action_pay_now_renew_webhook()
        self.provider.action_pay_now_disconnect()
        self.lapse()
        self.look()
        self.assertEqual(self.gateway.removed, ['we_test'])

    def test_forgotten_in_the_middle_leaves_nothing(self):
        self.provider.action_pay_now_renew_webhook()
        self.provider.action_pay_now_disconnect()
        self.provider._pay_now_forget_keys()
        self.assertFalse(self.gateway.webhooks)
        self.assertEqual(self.secrets(), ())

    def test_connected_again_in_the_middle(self):
        self.provider.action_pay_now_renew_webhook()
        self.provider._pay_now_connect('sk_test_key')
        self.assertEqual(self.secrets(), ('whsec_test_3',))
        self.provider._pay_now_check()
        self.assertEqual(list(self.gateway.webhooks), [self.provider.pay_now_webhook_url])

    def test_without_a_webhook_there_is_nothing_to_renew(self):
        self.provider.sudo().pay_now_webhook_ref = False
        with self.assertRaisesRegex(UserError, "No webhook"):
            self.provider.action_pay_now_renew_webhook()


@tagged('post_install', '-at_install')
class TestWebhookRenewalInTheSandbox(SandboxCase):
    """Genuine signatures of both webhooks, at both providers."""

    def sides(self):
        return ((self.sandbox, self.provider), (self.sandbox.paypal, self.paypal))

    def pay(self, side, provider):
        """A customer pays; return the notifications that wait to be delivered, and the payment."""
        tx = self.checkout(self.lines(self.make_invoice()), provider=provider)
        if provider == self.provider:
            side.pay(session=tx.provider_reference)
        else:
            side.approve(order=tx.provider_reference)
        return side.outbox(), tx

    def post(self, out):
        return self.post_notification(out).status_code

    def at(self, outbox, url):
        """Return the notifications of one address, each once."""
        return list({out['body']: out for out in outbox if out['url'] == url}.values())

    def count(self, provider):
        return self.env['pay.now.event'].search_count([('provider_id', '=', provider.id)])

    @mute_logger(CONTROLLER)
    def test_old_and_new_then_the_new_only(self):
        for side, provider in self.sides():
            with self.subTest(provider.code):
                old_url = provider.pay_now_webhook_url
                before, first = self.pay(side, provider)
                provider.action_pay_now_renew_webhook()
                new_url = provider.pay_now_webhook_url
                self.assertNotEqual(old_url, new_url)
                # Signed before the renewal, delivered after it.
                self.assertEqual({self.post(out) for out in before}, {200})
                self.work()
                self.assertEqual(first.state, 'done')
                # Told twice, stored once.
                both, second = self.pay(side, provider)
                old, new = self.at(both, old_url), self.at(both, new_url)
                self.assertTrue(old and len(old) == len(new))
                stored = self.count(provider)
                self.assertEqual({self.post(out) for out in old + new}, {200})
                self.assertEqual(self.count(provider), stored + len(old))
                self.work()
                self.assertEqual(second.state, 'done')
                self.assertEqual(
                    self.env['account.payment'].search_count(
                        [('payment_transaction_id', '=', second.id)]
                    ),
                    1,
                )
                # The former one lapses, before anybody removed it at the provider.
                late, third = self.pay(side, provider)
                provider.sudo().pay_now_former_webhook_until = fields.Datetime.now() - timedelta(
                    hours=1
                )
                self.assertEqual({self.post(out) for out in self.at(late, old_url)}, {403})
                self.assertEqual({self.post(out) for out in self.at(late, new_url)}, {200})
                with self.enter_registry_test_mode():
                    self.env.ref('account_pay_now.ir_cron_health').method_direct_trigger()
                self.env.invalidate_all()
                self.assertFalse(provider.pay_now_former_webhook_ref)
                after, _fourth = self.pay(side, provider)
                self.assertEqual({out['url'] for out in after}, {new_url})
                self.assertEqual({self.post(out) for out in after}, {200})
                # What was notified before the end, notified again after it.
                self.assertEqual({self.post(out) for out in self.at(late, old_url)}, {403})
                self.work()
                self.assertEqual(third.state, 'done')

    def test_webhook_deleted_or_disabled_at_the_dashboard(self):
        for side, provider in self.sides():
            with self.subTest(provider.code):
                gateway = provider._pay_now_gateway()
                gateway.remove_webhook(provider.pay_now_webhook_ref)
                provider._pay_now_check()
                self.assertFalse(provider.pay_now_problem)
                outbox, tx = self.pay(side, provider)
                self.assertTrue(outbox)
                self.assertEqual({self.post(out) for out in outbox}, {200})
                self.work()
                self.assertEqual(tx.state, 'done')
        old = self.provider.pay_now_webhook_ref
        self.provider._pay_now_gateway()._client.call(
            lambda v1: v1.webhook_endpoints.update, old, {'disabled': True}
        )
        self.provider._pay_now_check()
        self.assertNotEqual(self.provider.pay_now_webhook_ref, old)
        outbox, _tx = self.pay(self.sandbox, self.provider)
        self.assertTrue(outbox)
        self.assertEqual({self.post(out) for out in outbox}, {200})

    def test_event_types_taken_away_at_the_dashboard(self):
        self.provider._pay_now_gateway()._client.call(
            lambda v1: v1.webhook_endpoints.update,
            self.provider.pay_now_webhook_ref,
            {'enabled_events': ['payout.paid']},
        )
        paypal = self.paypal._pay_now_gateway()._client
        paypal.call(
            'PATCH',
            f'/v1/notifications/webhooks/{self.paypal.pay_now_webhook_ref}',
            body=[
                {
                    'op': 'replace',
                    'path': '/event_types',
                    'value': [{'name': 'CUSTOMER.DISPUTE.CREATED'}],
                }
            ],
        )
        for side, provider in self.sides():
            with self.subTest(provider.code):
                self.assertFalse(self.pay(side, provider)[0])
                provider._pay_now_check()
                self.assertTrue(self.pay(side, provider)[0])

    def test_looking_twice_changes_nothing_at_the_provider(self):
        for side, provider in self.sides():
            with self.subTest(provider.code):
                side.requests(clear=True)
                provider._pay_now_check()
                ref = provider.pay_now_webhook_ref
                provider._pay_now_check()
                self.assertEqual(provider.pay_now_webhook_ref, ref)
                changed = [
                    call
                    for call in side.requests()
                    if call['method'] != 'GET' and 'webhook' in call['path']
                ]
                self.assertFalse(changed)
