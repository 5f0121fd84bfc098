# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import runpy
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.notice.network import NetworkCommon


@tagged('post_install', '-at_install')
class TestExternalStatus(NetworkCommon, ReminderCommon):
    """What the buyer's platform says keeps reminders back, and is shown to the accountant."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.pay_now_reminder_accounting = True
        cls.invoice = cls.make_invoice(100, days_late=30)

    def holds(self, *invoices):
        """Return what keeps each of the invoices out of reminders."""
        holds = self.lines(*invoices)._pay_now_holds()
        return [holds.get(self.lines(invoice), False) for invoice in invoices]

    def to_handle(self):
        rows = self.env['pay.now.to.handle'].search([('kind', '=', 'buyer')])
        return self.env['account.move'].browse(rows.mapped('res_id'))

    def test_each_state_of_a_platform(self):
        for state, status, held in (
            ('processing', False, False),
            ('made_available', False, False),
            ('in_hand', False, False),
            ('approved', 'approved', False),
            ('contested', 'disputed', 'buyer'),
            ('refused', 'refused', 'buyer'),
            ('rejected', 'refused', 'buyer'),
            ('payment_sent', 'payment_sent', 'buyer'),
            # The company's own report of a payment, which the books do not have.
            ('paid', False, False),
            ('done', False, False),
        ):
            with self.subTest(state):
                self.invoice.pdp_move_state = state
                self.assertEqual(self.invoice.pay_now_external_status, status)
                self.assertEqual(self.holds(self.invoice), [held])
                self.assertEqual(bool(self.invoice.pay_now_external_text), bool(status))
                self.assertEqual(
                    self.to_handle(),
                    self.invoice.browse(
                        self.invoice.ids if status in ('refused', 'disputed') else []
                    ),
                )
        bill = self.init_invoice('in_invoice', amounts=[10], post=True)
        bill.pdp_move_state = 'refused'
        self.assertFalse(bill.pay_now_external_status)

    def test_refused_until_a_person_has_handled_it(self):
        self.invoice.pdp_move_state = 'refused'
        run = self.generate()
        self.assertEqual(run.reminder_ids.state, 'held')
        self.assertIn("Refused on the buyer's platform", run.reminder_ids.reason)
        found = self.env['account.move'].search(
            [('pay_now_external_status', 'in', ('refused', 'disputed'))]
        )
        self.assertEqual(found, self.invoice)
        self.assertTrue(self.invoice.pay_now_external_holds)
        reader = new_test_user(self.env, 'reader', groups='account.group_account_readonly')
        for method in ('action_pay_now_external_handled',):
            with self.assertRaises(AccessError):
                getattr(self.invoice.with_user(reader), method)()
        with self.assertRaises(AccessError):
            self.invoice.pay_now_external_handled_at = fields.Datetime.now()
        self.invoice.action_pay_now_external_handled()
        self.invoice.action_pay_now_external_handled()
        self.assertFalse(self.invoice.pay_now_external_holds or self.to_handle())
        self.assertEqual(self.holds(self.invoice), [False])
        # What is told next is another matter.
        later = fields.Datetime.now() + timedelta(hours=1)
        with patch.object(fields.Datetime, 'now', lambda: later):
            self.invoice.pdp_move_state = 'contested'
            self.assertEqual(self.holds(self.invoice), ['buyer'])
        self.assertEqual(self.to_handle(), self.invoice)
        copy = self.invoice.copy()
        self.assertFalse(copy.pay_now_external_status or copy.pay_now_external_handled_at)

    def test_told_while_a_reminder_waits(self):
        run = self.generate()
        run.action_send()
        self.invoice.pdp_move_state = 'refused'
        self.assertFalse(self.leave_now())
        self.assertEqual(run.reminder_ids.state, 'held')

    def test_payment_sent_for_the_days_of_grace(self):
        self.invoice.pdp_move_state = 'payment_sent'
        self.assertEqual(self.holds(self.invoice), ['buyer'])
        told = self.invoice.pay_now_external_at
        for days, held in ((3, ['buyer']), (4, [False])):
            self.invoice.sudo().pay_now_external_at = told - timedelta(days=days)
            self.assertEqual(self.holds(self.invoice), held)
        self.company.pay_now_grace_days = 9
        self.assertEqual(self.holds(self.invoice), ['buyer'])

    def test_a_module_that_tells_by_itself(self):
        other = self.make_invoice(50, days_late=30)
        field = self.invoice._fields['pay_now_external_status']
        with patch.object(
            self.registry['account.move'],
            '_pay_now_external_status',
            lambda moves: {other: 'disputed'},
        ):
            self.env.add_to_compute(field, self.invoice | other)
            self.assertEqual(self.holds(self.invoice, other), [False, 'buyer'])

    def test_what_was_told_before_the_module_came(self):
        paid = self.make_invoice(50, days_late=30)
        self.env.flush_all()
        self.cr.execute(
            "UPDATE account_move SET pdp_move_state = 'refused' WHERE id IN %s",
            [(self.invoice.id, paid.id)],
        )
        self.cr.execute('UPDATE account_move SET amount_residual = 0 WHERE id = %s', [paid.id])
        self.env.invalidate_all()
        self.assertFalse(self.invoice.pay_now_external_status)
        path = Path(__file__).parents[2] / 'migrations' / '19.0.1.9.0' / 'end-external.py'
        migrate = runpy.run_path(str(path))['migrate']
        migrate(self.cr, '')
        self.assertFalse(self.invoice.pay_now_external_status)
        migrate(self.cr, '19.0.1.8.0')
        self.assertEqual(self.invoice.pay_now_external_status, 'refused')
        told = self.invoice.pay_now_external_at
        self.assertTrue(told)
        # As the columns are made, and once more at the end.
        later = fields.Datetime.now() + timedelta(hours=1)
        with patch.object(fields.Datetime, 'now', lambda: later):
            migrate(self.cr, '19.0.1.8.0')
        self.assertEqual(self.invoice.pay_now_external_at, told)
        self.assertFalse(paid.pay_now_external_status)

    def test_as_many_queries_for_many(self):
        invoices = self.make_invoices([10] * 12, days_late=30)
        invoices.pdp_move_state = 'refused'
        counts = []
        for some in (invoices[:2], invoices):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.lines(*some)
            lines = some.line_ids.filtered(lambda line: line.display_type == 'payment_term')
            self.assertEqual(len(lines._pay_now_holds()), len(some))
            some.mapped('pay_now_external_text')
            counts.append(self.cr.sql_log_count - before - len(some))
        self.assertLessEqual(counts[1], counts[0])

    def pay_online(self, *invoices):
        tx = self.checkout(self.lines(*invoices))
        self.gateway.pay(tx)
        tx._synchronize()
        return tx

    def lose(self, tx, state='lost', amount=100):
        """The payer's bank takes a payment back."""
        now = datetime.now(timezone.utc)
        movement = base.Movement(
            id='txn_d1',
            kind='dispute',
            type='adjustment',
            amount=Decimal(-amount),
            fee=Decimal(0),
            net=Decimal(-amount),
            currency='EUR',
            created_at=now,
            source_id='du_1',
            payment_id=tx.pay_now_payment_ref,
        )
        self.gateway.disputes['du_1'] = base.Dispute(
            id='du_1',
            state=state,
            amount=Decimal(amount),
            currency='EUR',
            created_at=now,
            reason='fraudulent',
            payment_id=tx.pay_now_payment_ref,
            movements=(movement,),
        )
        self.env['pay.now.dispute'].sudo()._synchronize(self.provider, ['du_1'])

    def test_a_lost_dispute_is_reported(self):
        """What was reported as collected is reported as taken back, and *paid* is said no more."""
        invoice = self.invoice
        self.assertIn('payment_state', invoice._pay_now_external_fields())
        invoice.pdp_move_state = 'done'
        self.assertFalse(self.report())
        tx = self.pay_online(invoice)
        self.assertEqual(self.report(), {invoice: 100})
        self.assertEqual(invoice.pay_now_external_status, 'paid')
        # While it is open nothing is lost.
        self.lose(tx, 'open')
        self.assertEqual((invoice.payment_state, self.report()), ('paid', {}))
        self.lose(tx)
        self.assertEqual((invoice.payment_state, invoice.amount_residual), ('not_paid', 100))
        self.assertFalse(invoice._get_reconciled_amls())
        self.assertEqual(self.report(), {invoice: -100})
        # Their state says what was reported, and not what is so.
        self.assertEqual(invoice.pdp_move_state, 'paid')
        self.assertFalse(invoice.pay_now_external_status or invoice.pay_now_external_text)
        self.assertEqual(self.holds(invoice), [False])
        self.pay_online(invoice)
        self.assertEqual(self.report(), {invoice: 100})
        self.assertEqual(invoice.pay_now_external_status, 'paid')

    def test_a_refund_is_reported(self):
        """Of its credit note as that is posted, and taken back where it fails after all."""
        self.invoice.pdp_move_state = 'done'
        tx = self.pay_online(self.invoice)
        self.assertEqual(self.report(), {self.invoice: 100})
        refund = self.gateway.give_back(tx.provider_reference, '60')
        tx._synchronize()
        self.assertFalse(self.report(), "the customer's, until it is credited")
        note = tx._pay_now_refunds().pay_now_credit_note_ids
        note.action_post()
        note.pdp_move_state = 'done'
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertEqual((note.payment_state, self.report()), ('paid', {note: 60}))
        self.assertFalse(note.pay_now_external_status, "nobody's invoice")
        self.gateway.fail_refund(refund)
        tx._synchronize()
        self.assertEqual((note.payment_state, self.report()), ('not_paid', {note: -60}))
        self.assertEqual(self.invoice.pay_now_external_status, 'paid')
        self.assertFalse(self.report(), "and nothing twice")

    def test_a_part_is_not_paid(self):
        """The platform's *paid* is any payment that was reported, a part as well."""
        self.invoice.pdp_move_state = 'done'
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.invoice.ids
        ).create({'amount': 40})._create_payments()
        self.assertEqual(self.report(), {self.invoice: 40})
        self.assertFalse(self.invoice.pay_now_external_status)
        self.assertFalse(self.invoice._pay_now_external_answers(), "the rest may be asked for")
