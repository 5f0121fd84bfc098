# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json
import threading
from ast import literal_eval
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from lxml import etree

from odoo import fields
from odoo.tests import tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.models.payment.pay_now_event import RETENTION
from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: Events that are over, and the most that any statement may look at: what a list counts up to.
ROWS, LOOKED_AT = 40_000, 10_100
FILL = """
    INSERT INTO pay_now_event (provider_id, company_id, event_ref, type, source, subject, state,
                               attempts, next_attempt_at, create_date, payment_ref, reference,
                               payload)
    SELECT %s, %s, 'evt_old_' || number, 'charge.updated', 'webhook', 'payment',
           CASE WHEN number %% 3 = 0 THEN 'ignored' ELSE 'done' END, 1, moment, moment,
           'pi_' || number, 'INV-' || number, CASE WHEN number %% 40 = 0 THEN '{}' END
      FROM (SELECT number, now() at time zone 'utc' - number * interval '20 minutes' AS moment
              FROM generate_series(1, %s) number) numbers
"""


def looked_at(plan):
    """Return how many rows of the ledger a plan looked at, that were wanted or not."""
    count = 0
    if plan.get('Relation Name') == 'pay_now_event' or 'pay_now_event' in plan.get(
        'Index Name', ''
    ):
        rows = plan.get('Actual Rows', 0) + plan.get('Rows Removed by Filter', 0)
        count = (rows + plan.get('Rows Removed by Index Recheck', 0)) * plan.get('Actual Loops', 1)
    return count + sum(map(looked_at, plan.get('Plans', ())))


@tagged('post_install', '-at_install')
class TestLedger(PayNowCommon):
    """The ledger stays as fast at millions of rows, and forgets what nobody asks about."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.Event = cls.env['pay.now.event'].sudo()
        cls.env.flush_all()
        cls.env.cr.execute(FILL, [cls.provider.id, cls.company.id, ROWS])
        cls.env.cr.execute("ANALYZE pay_now_event")

    def event(self, ref, **values):
        return base.Event(
            id=ref, type='charge.updated', created_at=datetime.now(timezone.utc), **values
        )

    # === HOW MUCH IS LOOKED AT === #

    @contextmanager
    def caught(self):
        """Catch the statements about the ledger that run meanwhile."""
        statements = []

        def catch(cr, query, params, _start, _delay):
            text = cr.mogrify(query, params).decode()
            if 'pay_now_event' in text and not text.startswith(('EXPLAIN', 'SAVEPOINT')):
                statements.append(text)

        thread = threading.current_thread()
        thread.query_hooks = (*getattr(thread, 'query_hooks', ()), catch)
        try:
            yield statements
        finally:
            thread.query_hooks = tuple(hook for hook in thread.query_hooks if hook is not catch)

    def too_many(self, statements):
        """Return the statements that look at more rows than they may."""
        wrong = []
        for text in dict.fromkeys(statements):
            with self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text.replace('%', '%%')}", ())
                (plans,) = self.env.cr.fetchone()
                savepoint.rollback()
            plans = plans if isinstance(plans, list) else json.loads(plans)
            if looked_at(plans[0]['Plan']) > LOOKED_AT:
                wrong.append(text)
        return wrong

    def assert_few(self, statements, least=1):
        self.assertGreaterEqual(len(statements), least)
        self.assertFalse(self.too_many(statements))

    def test_the_check_finds_what_has_no_index(self):
        with self.caught() as statements:
            self.Event.search_count([('error', '=', 'no such error')])
            self.Event.search([('payment_ref', '=', 'pi_x')], limit=1)
        self.assertEqual(len(self.too_many(statements)), 2)

    def test_storing_and_processing(self):
        with self.caught() as statements:
            for _copy in range(2):
                self.Event._store(self.provider, self.event('evt_new'), 'webhook', '{}')
            self.Event._is_known(self.provider, b'{"id": "evt_new"}')
            self.Event._wake_workers()
            with self.enter_registry_test_mode():
                self.env.ref('account_pay_now.ir_cron_events_1').method_direct_trigger()
            self.gateway.events = [self.event('evt_listed')]
            self.Event._sweep()
        self.assert_few(statements, least=6)
        self.assertEqual(self.Event.search([('event_ref', '=', 'evt_new')]).state, 'ignored')

    def test_screens(self):
        view = self.env.ref('account_pay_now.pay_now_event_view_search')
        filters = etree.fromstring(view.arch).iterfind('.//filter[@domain]')
        domains = [[], *(literal_eval(one.get('domain')) for one in filters)]
        domains += [[('event_ref', '=', 'evt_old_7')], [('reference', '=', 'INV-7')]]
        self.assertGreater(len(domains), 4)
        specification = {'type': {}, 'state': {}, 'provider_id': {'fields': {'display_name': {}}}}
        with self.caught() as statements:
            for domain in domains:
                self.Event.web_search_read(domain, specification, limit=80, count_limit=10_001)
            ToHandle = self.env['pay.now.to.handle']
            ToHandle.search_count([])
            ToHandle.search([('kind', '=', 'event')], limit=80).mapped('name')
            self.tx_events()
        self.assert_few(statements, least=len(domains))

    def tx_events(self):
        """What is kept with a payment, as it is deleted or shown."""
        tx = self.checkout(self.lines(self.make_invoice(100)))
        self.Event.search([('transaction_id', '=', tx.id)])
        tx.unlink()

    def test_forgetting(self):
        with self.caught() as statements:
            self.Event._gc_payloads()
            self.Event._gc_events()
        self.assert_few(statements, least=2)

    # === WHAT IS FORGOTTEN === #

    def old_event(self, ref, state='done', days=1000, **values):
        """Return an event that was stored so many days ago."""
        self.Event._store(self.provider, self.event(ref), 'webhook', '{}')
        event = self.Event.search([('event_ref', '=', ref)])
        event.write({'state': state, **values})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE pay_now_event SET create_date = create_date - %s * interval '1 day'"
            " WHERE id = %s",
            [days, event.id],
        )
        event.invalidate_recordset()
        return event

    def forget(self):
        """Forget as the daily action does, to the end."""
        for _round in range(20):
            gone, more = self.Event._gc_events()
            self.assertLessEqual(gone, const.FORGOTTEN_AT_ONCE)
            if not more:
                return

    def test_over_and_old(self):
        days = const.EVENT_RETENTION_DAYS
        kept = [
            self.old_event('evt_young', days=days - 1),
            self.old_event('evt_pending', 'pending'),
            self.old_event('evt_failed', 'failed'),
            self.old_event('evt_unreadable', 'unreadable'),
            self.old_event('evt_dispute', subject='dispute'),
        ]
        gone = [
            self.old_event('evt_done', days=days + 1),
            self.old_event('evt_ignored', 'ignored', days=days + 1),
        ]
        self.forget()
        self.assertTrue(all(event.exists() for event in kept))
        self.assertFalse(any(event.exists() for event in gone))
        limit = fields.Datetime.now() - timedelta(days=days + 1)
        old = [('create_date', '<', limit), ('state', 'in', ('done', 'ignored'))]
        self.assertEqual(self.Event.search(old).event_ref, 'evt_dispute')

    def test_as_long_as_the_company_wants(self):
        event = self.old_event('evt_done', days=100)
        parameters = self.env['ir.config_parameter']
        for value, days in (
            ('90', 90),
            ('7', const.EVENT_RETENTION_DAYS_MIN),
            ('²', const.EVENT_RETENTION_DAYS),
            ('-1', const.EVENT_RETENTION_DAYS),
            ('9' * 50, const.EVENT_RETENTION_DAYS_MAX),
        ):
            parameters.set_param(RETENTION, value)
            self.assertEqual(self.Event._retention_days(), days)
        self.forget()
        self.assertTrue(event.exists())
        parameters.set_param(RETENTION, '90')
        self.forget()
        self.assertFalse(event.exists())

    def test_what_somebody_may_ask_about(self):
        """Of payments that were refunded, disputed, taken apart, or differed from the provider."""
        invoices = [self.make_invoice(100) for _number in range(5)]
        txs = [self.checkout(self.lines(invoice)) for invoice in invoices]
        for tx in txs:
            self.gateway.pay(tx)
            tx._synchronize()
        plain, refunded, disputed, differing, undone = txs
        events = [
            self.old_event(f'evt_{number}', transaction_id=tx.id) for number, tx in enumerate(txs)
        ]
        refunded._create_child_transaction(10, is_refund=True)
        self.env['pay.now.dispute'].sudo().create(
            {
                'provider_id': self.provider.id,
                'transaction_id': disputed.id,
                'dispute_ref': 'du_1',
                'amount': 100,
                'currency_id': self.company.currency_id.id,
                'state': 'lost',
            }
        )
        self.env['pay.now.discrepancy'].sudo().create(
            {
                'name': "Commission",
                'transaction_id': differing.id,
                'kind': 'commission',
                'state': 'done',
            }
        )
        self.env['pay.now.undone'].sudo().create({'move_id': undone.payment_id.move_id.id})
        self.env.flush_all()
        self.forget()
        found = [bool(event.exists()) for event in events]
        self.assertEqual(found, [False, True, True, True, True])
        self.assertEqual(plain.state, 'done')

    def test_payloads_go_first(self):
        old = self.old_event('evt_payload', days=const.PAYLOAD_RETENTION_DAYS + 1)
        young = self.old_event('evt_young', days=1)
        _gone, more = self.Event._gc_payloads()
        self.assertFalse(more)
        self.assertFalse(old.payload)
        self.assertTrue(young.payload)
