# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import psycopg2

from odoo import api, fields, sql_db
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.models.payment.pay_now_event import WORKERS
from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestEvent(PayNowCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(300)
        cls.tx = cls.checkout(cls.lines(cls.invoice))
        cls.Event = cls.env['pay.now.event']

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
