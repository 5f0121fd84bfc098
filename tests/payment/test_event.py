# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import inspect
import re
import threading
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import psycopg2

from odoo import api, fields, sql_db
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.models.payment.pay_now_event import WORKERS
from odoo.addons.account_pay_now.models.provider import connection
from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestEvent(PayNowCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(300)
        cls.tx = cls.checkout(cls.lines(cls.invoice))
        cls.Event = cls.env['pay.now.event'].sudo()

    def event(self, ref='evt_1', **values):
        return base.Event(
            id=ref,
            type='checkout.session.completed',
            created_at=datetime.now(timezone.utc),
            **{'checkout_id': self.tx.provider_reference, **values},
        )

    def run_worker(self):
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_events_1').method_direct_trigger()

    def test_stored_once(self):
        self.assertTrue(self.Event._store(self.provider, self.event(), 'webhook', '{}'))
        self.assertFalse(self.Event._store(self.provider, self.event(), 'webhook', '{}'))
        self.assertFalse(self.Event._store(self.provider, self.event(), 'sweep'))
        self.assertEqual(self.Event.search_count([('event_ref', '=', 'evt_1')]), 1)

    def test_processed(self):
        self.gateway.pay(self.tx)
        self.Event._store(self.provider, self.event(), 'webhook', '{}')
        self.run_worker()
        event = self.Event.search([('event_ref', '=', 'evt_1')])
        self.assertRecordValues(event, [{'state': 'done', 'transaction_id': self.tx.id}])
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_found_by_any_reference(self):
        self.gateway.pay(self.tx)
        self.Event._store(
            self.provider,
            self.event('evt_2', checkout_id='', reference=self.tx.reference),
            'webhook',
        )
        self.run_worker()
        self.Event._store(
            self.provider,
            self.event('evt_3', checkout_id='', payment_id=f'pi_{self.tx.provider_reference}'),
            'webhook',
        )
        self.run_worker()
        events = self.Event.search([('event_ref', 'in', ('evt_2', 'evt_3'))])
        self.assertEqual(set(events.mapped('state')), {'done'})
        self.assertEqual(events.transaction_id, self.tx)

    def test_not_ours_is_ignored(self):
        self.Event._store(self.provider, self.event('evt_4', checkout_id='cs_foreign'), 'webhook')
        self.run_worker()
        self.assertEqual(self.Event.search([('event_ref', '=', 'evt_4')]).state, 'ignored')

    def test_retried_with_back_off_then_processed(self):
        self.gateway.pay(self.tx)
        self.gateway.down = True
        self.Event._store(self.provider, self.event(), 'webhook', '{}')
        self.run_worker()
        event = self.Event.search([('event_ref', '=', 'evt_1')])
        self.assertRecordValues(event, [{'state': 'pending', 'attempts': 1}])
        self.assertIn("does not answer", event.error)
        self.assertGreater(event.next_attempt_at, datetime.now())
        self.gateway.down = False
        self.run_worker()
        self.assertEqual(event.state, 'pending', "not before its time")
        event.action_replay()
        self.run_worker()
        self.assertEqual(event.state, 'done')
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_given_up_in_the_end(self):
        self.gateway.down = True
        self.Event._store(self.provider, self.event(), 'webhook', '{}')
        event = self.Event.search([('event_ref', '=', 'evt_1')])
        for _attempt in range(12):
            event._process()
        self.assertEqual(event.state, 'failed')
        self.gateway.down = False

    def test_many_events_of_one_payment_in_any_order(self):
        self.gateway.pay(self.tx)
        for number in (3, 1, 2):
            for _copy in range(3):
                self.Event._store(self.provider, self.event(f'evt_o{number}'), 'webhook', '{}')
        self.run_worker()
        self.assertEqual(
            self.env['account.payment'].search_count([('payment_transaction_id', '=', self.tx.id)]),
            1,
        )
        self.assertEqual(
            self.Event.search_count([('event_ref', '=like', 'evt_o%'), ('state', '=', 'done')]), 3
        )

    def test_conflict_with_another_worker_starts_again(self):
        self.gateway.pay(self.tx)
        self.Event._store(self.provider, self.event(), 'webhook', '{}')
        process = type(self.Event)._process
        tries = []

        def conflicting(events):
            tries.append(len(events))
            if len(tries) < 3:
                raise psycopg2.errors.SerializationFailure("concurrent update")
            return process(events)

        self.patch(type(self.Event), '_process', conflicting)
        self.run_worker()
        self.assertEqual(tries, [1, 1, 1])
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_sweep_lists_what_never_arrived(self):
        self.gateway.pay(self.tx)
        self.gateway.events = [self.event('evt_lost')]
        self.Event._sweep()
        event = self.Event.search([('event_ref', '=', 'evt_lost')])
        self.assertEqual(event.source, 'sweep')
        self.run_worker()
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.gateway.events = []

    def test_payloads_are_forgotten(self):
        self.Event._store(self.provider, self.event(), 'webhook', '{"secret": 1}')
        event = self.Event.search([('event_ref', '=', 'evt_1')])
        self.env.cr.execute(
            "UPDATE pay_now_event SET create_date = '2020-01-01' WHERE id = %s", [event.id]
        )
        event.invalidate_recordset()
        self.Event._gc_payloads()
        self.assertFalse(event.payload)


@tagged('post_install', '-at_install')
class TestCalls(TransactionCase):
    """Workers are called for what they would not see otherwise; on two real connections."""

    def setUp(self):
        super().setUp()
        self.crons = self.env['ir.cron'].union(*(self.env.ref(xmlid) for xmlid in WORKERS))
        self.now = fields.Datetime.now()

    def connection(self):
        """Return a connection of its own, whose work is taken back at the end."""
        cr = sql_db.db_connect(self.env.cr.dbname).cursor()
        self.addCleanup(cr.close)
        self.addCleanup(cr.rollback)
        return cr

    def calls(self, cr):
        cr.execute("SELECT count(*) FROM ir_cron_trigger WHERE cron_id IN %s", [self.ids()])
        return cr.fetchone()[0]

    def ids(self):
        return tuple(self.crons.ids)

    def called(self, ago=0):
        """Call a worker, for all to see."""
        others = self.connection()
        others.execute(
            "INSERT INTO ir_cron_trigger (cron_id, call_at) VALUES (%s, %s)",
            [self.crons[0].id, self.now - timedelta(seconds=ago)],
        )
        others.commit()
        self.addCleanup(others.commit)
        self.addCleanup(
            others.execute, "DELETE FROM ir_cron_trigger WHERE cron_id IN %s", [self.ids()]
        )

    def wake(self, cr):
        """Return how many calls a notification adds."""
        before = self.calls(cr)
        with patch.object(type(self.env['ir.cron']), '_notifydb', lambda self: None):
            api.Environment(cr, api.SUPERUSER_ID, {})['pay.now.event']._wake_workers()
        return self.calls(cr) - before

    def test_nobody_called(self):
        self.assertEqual(self.wake(self.connection()), len(WORKERS))

    def test_one_call_is_enough(self):
        self.called()
        self.assertEqual(self.wake(self.connection()), 0)

    def test_a_call_that_was_not_answered(self):
        self.called(ago=const.WAKE_SECONDS + 1)
        self.assertEqual(self.wake(self.connection()), len(WORKERS))

    def test_a_worker_that_has_begun_hears_nothing_more(self):
        self.called()
        worker = self.connection()
        worker.execute("DELETE FROM ir_cron_trigger WHERE cron_id IN %s", [self.ids()])
        self.assertEqual(self.wake(self.connection()), len(WORKERS))

    def test_a_worker_that_has_ended_meanwhile(self):
        self.called()
        mine, worker = self.connection(), self.connection()
        self.calls(mine)
        worker.execute("DELETE FROM ir_cron_trigger WHERE cron_id IN %s", [self.ids()])
        worker.commit()
        self.assertEqual(self.wake(mine), len(WORKERS))

    def test_a_worker_begins_once_it_can_see_what_is_stored(self):
        self.called()
        mine, worker = self.connection(), self.connection()
        self.assertEqual(self.wake(mine), 0)
        worker.execute("SET LOCAL lock_timeout = '200ms'")
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.LockNotAvailable):
            worker.execute("DELETE FROM ir_cron_trigger WHERE cron_id IN %s", [self.ids()])
        # Two notifications share one call.
        self.assertEqual(self.wake(self.connection()), 0)


@tagged('post_install', '-at_install')
class TestAtOnce(TransactionCase):
    """The same notification twice at the same moment, on two real connections."""

    def setUp(self):
        super().setUp()
        self.provider_id = self.env.ref('account_pay_now.payment_provider_stripe').id
        self.first, self.second = self.connection(), self.connection()
        self.addCleanup(self.forget)

    def connection(self):
        cr = sql_db.db_connect(self.env.cr.dbname).cursor()
        self.addCleanup(cr.close)
        self.addCleanup(cr.rollback)
        return cr

    def events(self, cr):
        return api.Environment(cr, api.SUPERUSER_ID, {})['pay.now.event']

    def forget(self):
        with sql_db.db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute("DELETE FROM pay_now_event WHERE event_ref = 'evt_at_once'")

    def store(self, env):
        event = base.Event(
            id='evt_at_once', type='charge.updated', created_at=datetime.now(timezone.utc)
        )
        provider = env['payment.provider'].browse(self.provider_id)
        return env['pay.now.event']._store(provider, event, 'webhook', '{}')

    def second_while_first_commits(self):
        """Store in the second connection while the first one has not committed; return what came.

        :rtype: list
        """
        # Made here: another thread would wait for the registry, which is the tests'.
        first, second = (
            api.Environment(cr, api.SUPERUSER_ID, {}) for cr in (self.first, self.second)
        )
        self.second.execute("SELECT count(*) FROM pay_now_event")
        self.assertTrue(self.store(first))
        came = []

        def store():
            try:
                came.append(self.store(second))
            except psycopg2.errors.SerializationFailure as error:
                came.append(error)

        with mute_logger('odoo.sql_db'):
            thread = threading.Thread(target=store)
            thread.start()
            thread.join(0.3)
            self.assertFalse(came, "it waits")
            self.first.commit()
            thread.join(10)
        return came

    def test_the_second_waits_and_sees(self):
        self.events(self.first)._see_commits()
        self.events(self.second)._see_commits()
        self.assertTrue(self.events(self.second)._sees_commits())
        self.assertEqual(self.second_while_first_commits(), [False])

    def test_elsewhere_it_is_done_again(self):
        """What the level is for."""
        (came,) = self.second_while_first_commits()
        self.assertIsInstance(came, psycopg2.errors.SerializationFailure)

    def test_a_transaction_that_has_begun_is_left_alone(self):
        self.first.execute("SELECT 1")
        self.events(self.first)._see_commits()
        self.assertFalse(self.events(self.first)._sees_commits())
        self.first.rollback()
        self.events(self.first)._see_commits()
        self.first.execute("SHOW transaction_isolation")
        self.assertEqual(self.first.fetchone()[0], 'read committed')
        self.second.execute("SHOW transaction_isolation")
        self.assertEqual(self.second.fetchone()[0], 'repeatable read')


@tagged('post_install', '-at_install')
class TestKept(PayNowCommon):
    """What the workers remember of a connection, and when they forget it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()

    def kept(self):
        return self.env['payment.provider']._pay_now_kept_connection(self.provider.id)

    def test_read_once(self):
        self.provider.sudo().pay_now_webhook_secret = 'whsec_a'
        self.assertEqual(self.kept().webhook_secrets, ('whsec_a',))
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(0):
            kept = self.kept()
        self.assertNotIn('whsec_a', repr(kept))
        self.assertNotIn('sk_test', repr(kept))

    def test_each_value_is_forgotten_with_its_field(self):
        read = set(re.findall(r'provider\.(\w+)', inspect.getsource(connection.Kept.of)))
        self.assertLessEqual(read - {'sudo'}, connection.PROVING_FIELDS)
        changes = {
            'pay_now_api_key': 'sk_test_other',
            'pay_now_api_secret': 'other',
            'pay_now_former_webhook_ref': 'we_former',
            'pay_now_former_webhook_until': fields.Datetime.now() + timedelta(hours=1),
            'pay_now_test_keys': not self.provider.sudo().pay_now_test_keys,
            'pay_now_webhook_ref': 'we_other',
            'pay_now_webhook_secret': 'whsec_new whsec_old',
            'pay_now_api_base': 'http://127.0.0.1:2',
        }
        self.assertEqual(read - {'sudo', 'code'}, set(changes))
        for name, value in changes.items():
            before = self.kept()
            self.provider.sudo()[name] = value
            self.assertNotEqual(self.kept(), before, name)

    def test_former_secrets_end_with_their_time(self):
        self.provider.sudo().write(
            {
                'pay_now_webhook_secret': 'whsec_new whsec_old',
                'pay_now_former_webhook_ref': 'we_former',
                'pay_now_former_webhook_until': fields.Datetime.now() + timedelta(hours=1),
            }
        )
        kept = self.kept()
        self.assertEqual(kept.webhook_credentials()['webhook_secrets'], ('whsec_new', 'whsec_old'))
        later = fields.Datetime.now() + timedelta(hours=2)
        with patch.object(connection.fields.Datetime, 'now', lambda: later):
            self.assertEqual(kept.webhook_credentials()['webhook_secrets'], ('whsec_new',))
            self.assertFalse(kept.webhook_credentials()['former_webhook_id'])

    def test_not_ours(self):
        Provider = self.env['payment.provider']
        other = Provider.search([('code', 'not in', const.PROVIDER_CODES)], limit=1)
        for provider_id in (0, 999_999_999, other.id):
            with self.assertRaises(LookupError):
                Provider._pay_now_kept_connection(provider_id)
        self.assertTrue(self.kept())
        self.provider.sudo().pay_now_platform_state = 'used'
        with self.assertRaises(LookupError):
            self.kept()
