# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now import platform_mode
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import GatewayAway
from odoo.addons.account_pay_now.models.provider.connection import OwnKeys, Place, Platform
from odoo.addons.account_pay_now.tests.common import ReminderCommon, ScriptedGateway
from odoo.addons.account_pay_now.utils import PayerError


class LiveGateway(ScriptedGateway):
    """Its pages are at the provider, as those of real money are."""

    def open_checkout(self, request, idempotency_key):
        checkout = super().open_checkout(request, idempotency_key)
        return replace(checkout, url=f'https://checkout.stripe.com/c/pay/{checkout.id}')


@tagged('post_install', '-at_install')
class TestHome(ReminderCommon):
    """A copy of a database takes no part in the business; one that was moved goes on when told."""

    gateway_class = LiveGateway

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parameters = cls.env['ir.config_parameter'].sudo()
        cls.parameters.set_param('web.base.url', 'https://erp.example.com')
        cls.parameters.set_param('web.base.url.freeze', 'True')
        cls.gateway.account = replace(cls.gateway.account, test_mode=False)
        cls.sign_up()
        cls.provider._pay_now_connect('sk_live_key')
        cls.company.pay_now_reminder_accounting = True

    def move_away(self, what='uuid'):
        """Let this be another database than the one that was connected."""
        if what == 'uuid':
            self.parameters.set_param('database.uuid', 'another')
        elif what == 'host':
            self.parameters.set_param('web.base.url', 'https://test.example.com')
        else:
            self.provider.sudo().pay_now_home_names = 'production'
        self.env.invalidate_all()
        self.assertEqual(OwnKeys(self.provider).is_away(), what)

    def run_cron(self, name):
        with self.enter_registry_test_mode():
            self.env.ref(f'account_pay_now.{name}').method_direct_trigger()
        self.env.invalidate_all()

    def store_event(self, tx):
        event = base.Event(
            id=f'evt_{tx.id}',
            type='checkout.session.completed',
            created_at=datetime.now(timezone.utc),
            checkout_id=tx.provider_reference,
        )
        self.env['pay.now.event']._store(self.provider, event, 'webhook', '{}')
        return self.env['pay.now.event'].search([('event_ref', '=', event.id)])

    def test_at_home(self):
        self.assertFalse(OwnKeys(self.provider).is_away())
        self.assertEqual(
            (self.provider.pay_now_home_uuid, self.provider.pay_now_home_hosts),
            (self.parameters.get_param('database.uuid'), 'erp.example.com'),
        )
        self.assertFalse(self.provider._pay_now_away())
        self.assertIn(self.provider, self.provider._pay_now_swept())
        self.assertNotEqual(self.provider.pay_now_health, 'red')

    def test_each_difference_is_seen_and_said(self):
        for what, said in (
            ('uuid', "duplicated or restored"),
            ('host', "it is at test.example.com, and not at erp.example.com"),
            ('name', "and not production"),
        ):
            with self.subTest(what=what):
                home = self.provider.pay_now_home_names
                uuid, url = map(self.parameters.get_param, ('database.uuid', 'web.base.url'))
                self.move_away(what)
                self.assertEqual(self.provider.pay_now_health, 'red')
                self.assertIn(said, self.provider.pay_now_health_text)
                self.assertTrue(self.provider.pay_now_is_away)
                self.parameters.set_param('database.uuid', uuid)
                self.parameters.set_param('web.base.url', url)
                self.provider.sudo().pay_now_home_names = home

    def test_no_gateway_is_given_for_anything(self):
        self.move_away()
        with self.assertRaises(GatewayAway):
            OwnKeys(self.provider).gateway()
        # Keys that somebody types here are meant for here.
        self.assertTrue(OwnKeys(self.provider).gateway(key='sk_live_other'))
        self.assertFalse(OwnKeys(self.provider).can_be_asked())
        self.assertTrue(OwnKeys(self.provider).is_followed())
        self.assertFalse(self.provider._pay_now_swept())
        with self.assertRaises(UserError):
            OwnKeys(self.provider).check_keys_can_change()
        self.assertIn("not the database", self.provider._pay_now_error_text(GatewayAway()))
        self.assertIn("not the database", self.provider._pay_now_check())
        self.assertFalse(self.provider.pay_now_silent_since)

    def test_notifications_are_proven_and_wait(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.pay(tx)
        self.move_away()
        # What proves them is not taken away: the provider would take us for gone.
        self.assertTrue(OwnKeys(self.provider).webhook_credentials()['webhook_secrets'])
        event = self.store_event(tx)
        self.run_cron('ir_cron_events_1')
        self.assertEqual((event.state, event.attempts, tx.state), ('pending', 0, 'draft'))
        self.provider.action_pay_now_is_home()
        self.run_cron('ir_cron_events_1')
        self.assertEqual((event.state, tx.state), ('done', 'done'))
        self.assertTrue(tx.payment_id)

    def test_nothing_is_booked_and_nobody_thanked(self):
        self.company.pay_now_receipts = True
        tx = self.checkout(self.lines(self.make_invoice()))
        tx.sudo().write({'pay_now_received': 100, 'pay_now_receipt_state': 'waiting'})
        tx._set_done()
        tx.sudo().last_state_change = '2026-01-01 00:00:00'
        self.move_away()
        self.run_cron('ir_cron_book')
        tx._post_process()
        mails = self.env['mail.mail'].search_count([])
        self.run_cron('ir_cron_receipts')
        self.assertFalse(tx.payment_id)
        self.assertEqual(tx.pay_now_receipt_state, 'waiting')
        self.assertEqual(self.env['mail.mail'].search_count([]), mails)
        self.provider.action_pay_now_is_home()
        self.run_cron('ir_cron_book')
        self.run_cron('ir_cron_receipts')
        self.assertTrue(tx.payment_id)
        self.assertEqual(tx.pay_now_receipt_state, 'sent')

    def test_no_reminder_leaves_and_the_run_says_why(self):
        self.make_invoice()
        run = self.generate()
        self.move_away()
        self.assertFalse(self.send(run))
        self.assertEqual(run.reminder_ids.state, 'queued')
        self.assertIn("no reminder leaves", run.waits_text)
        self.provider.action_pay_now_is_home()
        self.assertEqual(len(self.leave_now()), 1)

    def test_the_customer_is_offered_nothing(self):
        invoice = self.make_invoice()
        tx = self.checkout(self.lines(invoice))
        self.assertFalse(invoice._pay_now_refusal('page'))
        self.move_away()
        self.assertTrue(invoice._pay_now_refusal('page'))
        self.assertFalse(self.company._pay_now_providers())
        # The provider's page is open, and would take real money.
        self.assertTrue(tx.pay_now_checkout_url)
        with self.assertRaises(PayerError):
            tx._pay_now_open()

    def test_test_keys_and_the_sandbox_work_in_copies(self):
        self.move_away()
        self.provider.sudo().pay_now_test_keys = True
        self.assertFalse(OwnKeys(self.provider).is_away())
        self.provider.sudo().write({'pay_now_test_keys': False, 'state': 'test'})
        self.provider.sudo().pay_now_api_base = 'http://127.0.0.1:1'
        self.assertFalse(OwnKeys(self.provider).is_away())

    def test_the_platform_too(self):
        self.move_away()
        self.provider.sudo().pay_now_platform_state = 'used'
        connection = self.provider._pay_now_connection()
        self.assertIsInstance(connection, Platform)
        self.assertTrue(connection.is_away())
        with self.assertRaises(GatewayAway):
            connection.gateway()

    def test_the_administrator_is_told_within_minutes(self):
        self.provider._pay_now_acknowledge_health()
        self.move_away('host')
        self.run_cron('ir_cron_sweep')
        self.assertEqual(self.provider.pay_now_known_health, 'away')
        self.assertTrue(self.provider.activity_ids)
        self.provider.action_pay_now_is_home()
        self.assertNotEqual(self.provider.pay_now_known_health, 'away')
        self.assertFalse(self.provider.activity_ids)

    def test_only_an_administrator_says_that_it_is_live(self):
        self.move_away()
        manager = new_test_user(
            self.env, 'home_manager', groups='account.group_account_manager,base.group_user'
        )
        with self.assertRaises(AccessError):
            self.provider.with_user(manager).action_pay_now_is_home()
        self.assertTrue(OwnKeys(self.provider).is_away())

    def test_a_second_address_is_asked_about_once(self):
        self.move_away('host')
        self.provider.action_pay_now_is_home()
        self.assertFalse(OwnKeys(self.provider).is_away())
        self.assertFalse(self.provider.pay_now_webhook_url)
        self.parameters.set_param('web.base.url', 'https://erp.example.com')
        self.assertFalse(OwnKeys(self.provider).is_away())
        # Another uuid begins anew: the addresses of the original are not those of the copy.
        self.move_away('uuid')
        self.provider.action_pay_now_is_home()
        self.assertEqual(self.provider.pay_now_home_hosts, 'erp.example.com')
        self.assertEqual(self.provider.pay_now_home_uuid, 'another')

    def test_connections_made_before_find_their_home(self):
        self.provider.sudo().pay_now_home_uuid = False
        self.assertFalse(OwnKeys(self.provider).is_away())
        self.provider._pay_now_check()
        self.assertEqual(self.provider.pay_now_home_uuid, Place.of(self.env).uuid)

    def test_neutralizing_takes_every_secret_and_what_was_about_to_happen(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        tx.sudo().pay_now_receipt_state = 'waiting'
        event = self.store_event(tx)
        self.env['pay.now.connect'].create(
            {'provider_id': self.provider.id, 'api_key': 'sk_live_x'}
        )
        # Whatever is for administrators only is a secret, or leads to one.
        secrets = [
            name
            for name, field in self.provider._fields.items()
            if name.startswith('pay_now_')
            and field.store
            and field.type in ('char', 'text')
            and (field.groups == 'base.group_system' or 'home' in name or 'webhook' in name)
        ]
        self.assertGreater(len(secrets), 7)
        self.provider.sudo().write(dict.fromkeys(set(secrets) - {'pay_now_api_base'}, 'secret'))
        self.env.flush_all()
        script = Path(platform_mode.__file__).parent / 'data/neutralize.sql'
        self.env.cr.execute(script.read_text())
        self.env.invalidate_all()
        self.assertEqual([name for name in secrets if self.provider.sudo()[name]], [])
        self.assertFalse(self.env['pay.now.connect'].search([]))
        self.assertEqual((event.state, tx.pay_now_receipt_state), ('ignored', False))
        self.assertFalse(tx.pay_now_checkout_url)
        crons = self.env['ir.cron'].with_context(active_test=False).search([])
        self.assertFalse(crons.filtered(lambda one: one.active and 'pay_now' in (one.code or '')))
