# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What happens to a payment that is received and not booked yet, until it is booked."""

from contextlib import contextmanager
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.dispute.test_dispute import DisputeCase
from odoo.addons.account_pay_now.tests.payment.received import BOOKS


@tagged('post_install', '-at_install')
class TestReceivedMeets(DisputeCase):
    """Disputed, paid out, refunded, cancelled, counted: each to the cent once it is booked."""

    @contextmanager
    def refused(self):
        self.provider.journal_id.active = False
        with mute_logger(BOOKS, 'odoo.sql_db'):
            yield
        self.provider.journal_id.active = True

    def received(self, amount=300, commission='4.60'):
        """Return a payment that the books refuse; call it while they do."""
        self.invoice = self.make_invoice(amount)
        self.tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(self.tx, commission=commission)
        self.tx._synchronize()
        self.assertEqual(self.tx.pay_now_booking_state, 'received')
        return self.tx

    def book(self):
        """Nothing is pressed: the scheduled actions do it."""
        waiting = self.env['payment.transaction'].sudo().search([('pay_now_book_at', '!=', False)])
        waiting.sudo().pay_now_book_at = fields.Datetime.now() - timedelta(minutes=1)
        self.run_action('ir_cron_book')
        self.sweep()
        self.env.invalidate_all()

    def run_action(self, name):
        with self.enter_registry_test_mode():
            self.env.ref(f'account_pay_now.{name}').method_direct_trigger()

    def entries(self, moves):
        return {
            (line.account_id, line.debit, line.credit) for move in moves for line in move.line_ids
        }

    def ours(self):
        """Return the amounts of the entries in the provider's journal, by account."""
        lines = self.env['account.move.line']._read_group(
            [('journal_id', '=', self.provider.journal_id.id), ('parent_state', '=', 'posted')],
            ['account_id'],
            ['balance:sum'],
        )
        return {account: round(total, 2) for account, total in lines if round(total, 2)}

    def to_handle(self):
        self.env.invalidate_all()
        return self.env['pay.now.to.handle'].search([('provider_id', '=', self.provider.id)])

    def assert_proved(self, **figures):
        terms = self.provider.sudo()._pay_now_clearing_equation()
        self.assertEqual(terms['gap'], 0)
        for name, amount in figures.items():
            self.assertEqual(terms[name], amount, name)

    def test_paid_out_meanwhile(self):
        self.gateway.movement_of(self.tx)
        with self.refused():
            self.received()
            line = self.gateway.movement_of(self.tx)
            self.sweep()
            self.gateway.pay_out('po_1', [line])
            self.sweep()
            self.assertFalse(self.payout('po_1').settled)
        self.book()
        self.assertRecordValues(self.payout('po_1'), [{'settled': True, 'problem': False}])
        self.assertTrue(self.payout('po_1')._clearing_lines().reconciled)
        self.assert_proved(balance=295.40, waiting=0, booked=295.40)
        self.assertFalse(self.to_handle().filtered('can_book_now'))

    def test_disputed_and_lost_meanwhile(self):
        self.gateway.movement_of(self.tx)
        before = self.ours()
        with self.refused():
            self.received()
            self.gateway.movement_of(self.tx)
            moved = self.moved((-300, 20))
            self.dispute_at_provider('lost', movements=moved)
            self.gateway.movements += moved
            self.gateway.held -= 320
            self.sweep()
            self.assertFalse(self.dispute().loss_move_id)
            self.assertEqual(self.ours(), before)
        self.book()
        self.sweep()
        clearing = self.provider.pay_now_clearing_account_id
        receivable = self.tx.payment_id.destination_account_id
        dispute = self.dispute()
        self.assertRecordValues(dispute, [{'state': 'lost', 'settled': True, 'problem': False}])
        self.assertEqual(
            self.entries(self.tx.payment_id.move_id),
            {(clearing, 300, 0), (receivable, 0, 300)},
        )
        self.assertEqual(
            self.entries(dispute.movement_ids.move_id),
            {(self.disputed, 300, 0), (self.fees, 20, 0), (clearing, 0, 320)},
        )
        self.assertEqual(
            self.entries(dispute.loss_move_id),
            {(receivable, 300, 0), (self.disputed, 0, 300)},
        )
        self.assertEqual(self.invoice.amount_residual, 300)
        self.assert_proved(waiting=0)
        self.assertFalse(self.to_handle().filtered('can_book_now'))

    def test_refunded_and_failed_meanwhile(self):
        """Out and back before anything is booked: both are, each on its side."""
        with self.refused():
            self.received()
            ref = self.gateway.give_back(self.tx.provider_reference, '300')
            self.tx._synchronize()
            self.gateway.fail_refund(ref)
            self.tx._synchronize()
        self.book()
        refund = self.tx.sudo()._pay_now_refunds()
        self.assertTrue(refund.payment_id)
        self.assertTrue(refund.pay_now_reversal_move_id)
        self.assertFalse(refund.pay_now_credit_note_ids)
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertAlmostEqual(self.clearing_balance(), self.gateway.balance_of())
        every = (self.tx | refund).pay_now_discrepancy_ids
        self.assertEqual(every.filtered(lambda one: one.state == 'open').mapped('kind'), ['refund'])

    def test_invoice_cancelled_meanwhile(self):
        with self.refused():
            tx = self.received()
            self.invoice.button_draft()
            self.invoice.button_cancel()
            tx._synchronize()
            (found,) = tx.pay_now_discrepancy_ids
            self.assertRecordValues(found, [{'kind': 'booking', 'state': 'open'}])
            tx._pay_now_review()
            self.assertEqual(found.state, 'open')
        self.book()
        self.assertEqual(found.state, 'done')
        self.assertEqual(tx.pay_now_booking_state, 'booked')
        (surplus,) = tx.pay_now_discrepancy_ids - found
        self.assertRecordValues(surplus, [{'kind': 'surplus', 'state': 'open', 'amount': 300}])

    def test_clearing_account_stays(self):
        """What is received will stand on it: another one is chosen after, or not at all."""
        fresh = self.provider.pay_now_clearing_account_id.copy({'code': '511999X'})
        with self.refused():
            tx = self.received()
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self.provider.pay_now_clearing_account_id = fresh
        self.book()
        self.assertIn(
            self.provider.pay_now_clearing_account_id, tx.payment_id.move_id.line_ids.account_id
        )

    def test_month_with_what_is_not_booked(self):
        """The statement is the provider's; the balance says what waits, gross and fee apart."""
        self.gateway.movement_of(self.tx)
        with self.refused():
            self.received(120, '4.75')
            self.gateway.movement_of(self.tx)
            self.sweep()
            self.assert_proved(balance=410.65, waiting=115.25, booked=295.40, clearing=295.40)
            today = self.today
            statement = self.provider.sudo()._pay_now_statement(today.replace(day=1), today)
            self.assertEqual(statement['payment'][0], 420)
            self.assertEqual(statement['commission'][0], -9.35)
            self.assertEqual(statement['closing'][0], 410.65)
        self.book()
        self.assert_proved(balance=410.65, waiting=0, booked=410.65, clearing=410.65)

    def test_bookkeeper(self):
        """Who may only invoice reads why, and books it."""
        user = new_test_user(
            self.env,
            'pay_now_bookkeeper',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        with self.refused():
            tx = self.received()
            row = self.to_handle().with_user(user)
            self.assertIn("is archived", row.name)
            self.assertEqual(row.action_book_now()['params']['type'], 'warning')
            found = tx.pay_now_discrepancy_ids.with_user(user)
            self.assertEqual(found.action_book_now()['params']['type'], 'warning')
        self.assertEqual(found.action_book_now()['params']['type'], 'success')
        self.assertEqual(tx.pay_now_booking_state, 'booked')
        self.assertEqual(self.invoice.payment_state, 'paid')
