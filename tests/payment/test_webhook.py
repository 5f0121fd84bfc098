# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import hashlib
import hmac
import json
import time

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.stripe import events as stripe_events
from odoo.addons.account_pay_now.tests.common import PayNowCommon, ScriptedGateway

SECRET = 'whsec_test'


class SignedGateway(ScriptedGateway):
    """Scripted but for the signatures: those are verified as in production."""

    secrets = (SECRET,)

    def verify_event(self, body, headers, kept=None):
        return stripe_events.verify(body, headers, self.secrets, test_mode=True)


@tagged('post_install', '-at_install')
class TestWebhook(PayNowCommon, HttpCase):
    gateway_class = SignedGateway

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(300)
        cls.tx = cls.checkout(cls.lines(cls.invoice))
        cls.url = f'/pay_now/webhook/{cls.provider.id}'

    def body(self, ref='evt_1', **values):
        return json.dumps(
            {
                'id': ref,
                'object': 'event',
                'type': 'checkout.session.completed',
                'created': int(time.time()),
                'livemode': False,
                'data': {
                    'object': {
                        'id': self.tx.provider_reference,
                        'object': 'checkout.session',
                        'client_reference_id': self.tx.reference,
                        'payment_status': 'paid',
                        'amount_total': 1,
                    }
                },
                **values,
            }
        ).encode()

    def post(self, body, secret=SECRET, age=0, headers=None, url=None):
        stamp = int(time.time()) - age
        signed = hmac.new(secret.encode(), f'{stamp}.'.encode() + body, hashlib.sha256)
        signature = f't={stamp},v1={signed.hexdigest()}'
        return self.url_open(
            url or self.url,
            data=body,
            headers={
                'Content-Type': 'application/json',
                **({'Stripe-Signature': signature} if headers is None else headers),
            },
        )

    def events(self):
        return self.env['pay.now.event'].search([('provider_id', '=', self.provider.id)])

    def run_worker(self):
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_events_1').method_direct_trigger()

    def test_stored_then_booked_from_what_the_provider_says(self):
        self.gateway.pay(self.tx)
        response = self.post(self.body())
        self.assertEqual(response.status_code, 200)
        self.assertFalse(response.content)
        self.assertNotIn('Set-Cookie', response.headers)
        self.assertEqual(self.events().state, 'pending')
        self.assertEqual(self.tx.state, 'draft', "nothing is booked in the request")
        self.run_worker()
        self.assertEqual(self.tx.pay_now_received, 300, "not the posted amount")
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertTrue(self.provider.pay_now_last_event_at)

    def test_a_notification_alone_pays_nothing(self):
        self.post(self.body())
        self.run_worker()
        self.assertEqual(self.tx.state, 'draft')
        self.assertEqual(self.invoice.payment_state, 'not_paid')

    @mute_logger('odoo.addons.account_pay_now.controllers.webhook')
    def test_what_is_not_proven_changes_nothing(self):
        body = self.body()
        refused = [
            self.post(body, headers={}),
            self.post(body, headers={'Stripe-Signature': 'v1=abc'}),
            self.post(body, headers={'Stripe-Signature': 't=abc,v1=abc'}),
            self.post(body, secret='whsec_other'),
            self.post(body, age=400),
            self.post(body, age=-400),
            self.post(self.body(livemode=True)),
        ]
        self.assertEqual({response.status_code for response in refused}, {403})
        self.assertFalse(self.events())

    def test_proven_and_not_understood(self):
        """Kept for whoever looks, answered so that it does not come again, and no worker tries."""
        good = json.loads(self.body())
        odd_id = {**good, 'id': 'evt_odd', 'data': {'object': {**good['data']['object'], 'id': []}}}
        bodies = [
            b'not json',
            b'[]',
            b'{"id": 1}',
            b'\xff\xfe\x00',
            b'[' * 100_000,
            b'{"id": "evt_1", "id": "evt_2"}',
            b'\xef\xbb\xbf' + self.body(),
            self.body('evt_\0'),
            self.body('evt_\ud800'),
            self.body('evt_late', created=10**15),
            json.dumps(odd_id).encode(),
        ]
        for body in [*bodies, *bodies]:
            self.assertEqual(self.post(body).status_code, 200)
        events = self.events()
        self.assertEqual(len(events), len(bodies), "each one once")
        self.assertEqual(set(events.mapped('state')), {'unreadable'})
        self.assertIn('evt_odd', events.mapped('event_ref'))
        self.assertTrue(all(events.mapped('payload')))
        self.run_worker()
        events.action_replay()
        self.run_worker()
        self.assertEqual(set(events.mapped('state')), {'unreadable'})
        self.assertFalse(any(events.mapped('attempts')))
        waiting = self.env['pay.now.to.handle'].search([('kind', '=', 'event')])
        self.assertLessEqual(set(events.ids), set(waiting.mapped('res_id')))

    @mute_logger('odoo.addons.account_pay_now.controllers.webhook')
    def test_without_a_secret_everything_is_refused(self):
        self.gateway.secrets = ()
        self.assertEqual(self.post(self.body()).status_code, 403)
        self.assertEqual(self.post(self.body(), headers={}).status_code, 403)
        self.assertFalse(self.events())

    def test_second_secret_while_rotating(self):
        self.gateway.secrets = ('whsec_new', SECRET)
        self.assertEqual(self.post(self.body()).status_code, 200)
        self.assertEqual(self.post(self.body('evt_2'), secret='whsec_new').status_code, 200)

    def test_again_is_200_and_stored_once(self):
        for _copy in range(3):
            self.assertEqual(self.post(self.body()).status_code, 200)
        self.assertEqual(len(self.events()), 1)

    def test_unknown_type_and_foreign_payment_are_ignored(self):
        self.post(self.body('evt_u', type='invented.by.stripe'))
        self.post(self.body('evt_f', data={'object': {'id': 'cs_x', 'object': 'checkout.session'}}))
        self.run_worker()
        states = {event.event_ref: event.state for event in self.events()}
        self.assertEqual(states, {'evt_u': 'done', 'evt_f': 'ignored'})

    def test_no_such_provider(self):
        self.assertEqual(self.post(self.body(), url='/pay_now/webhook/999999').status_code, 404)
        other = self.env['payment.provider'].search(
            [('code', 'not in', const.PROVIDER_CODES)], limit=1
        )
        self.assertEqual(
            self.post(self.body(), url=f'/pay_now/webhook/{other.id}').status_code, 404
        )
        self.assertEqual(self.url_open(self.url).status_code, 405)

    def test_sepa_pending_then_settled(self):
        self.gateway.set(self.tx.provider_reference, state=base.PENDING)
        self.post(self.body('evt_p'))
        self.run_worker()
        self.assertEqual(self.tx.state, 'pending')
        self.gateway.pay(self.tx, method='sepa_debit')
        self.post(self.body('evt_s', type='checkout.session.async_payment_succeeded'))
        self.run_worker()
        self.assertEqual(self.invoice.payment_state, 'paid')
