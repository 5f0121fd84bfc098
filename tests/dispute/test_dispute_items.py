# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What a dispute holds back and re-opens: the items of its payment, and nothing else."""

from dataclasses import replace
from decimal import Decimal

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.dispute.test_dispute import BOOKING, DisputeCase


@tagged('post_install', '-at_install')
class TestDisputeItems(DisputeCase):
    def lose(self, amount=None, tx=None):
        """A payment is lost, all of it by default."""
        tx = tx or self.tx
        amount = Decimal(str(amount or tx.amount))
        (moved,) = self.moved((-amount, 0))
        moved = replace(moved, payment_id=tx.pay_now_payment_ref)
        self.dispute_at_provider('lost', tx=tx, amount=amount, movements=(moved,))
        self.sweep()

    def pay_lines(self, lines):
        tx = self.checkout(lines)
        self.gateway.pay(tx)
        tx._synchronize()
        return tx

    def credit(self, invoice, amount):
        """Return a posted credit note of part of an invoice."""
        note = self.make_invoice(
            amount, post=False, move_type='out_refund', reversed_entry_id=invoice.id
        )
        note.action_post()
        return note

    def receivable(self, note):
        return note.line_ids.filtered(lambda line: line.display_type == 'payment_term')

    def test_several_invoices_and_one_instalment_of_another(self):
        first, second = self.make_invoice(100), self.make_invoice(50)
        third = self.make_invoice(200, invoice_payment_term_id=self.term.id)
        lines = self.lines(third)
        tx = self.pay_lines(self.lines(first, second) | lines[0])
        self.lose(tx=tx)
        self.assertEqual(first.amount_residual, 100)
        self.assertEqual(second.amount_residual, 50)
        self.assertEqual(lines.mapped('amount_residual'), [60, 140])
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_a_part_re_opens_no_more_than_the_part(self):
        first, second = self.make_invoice(100), self.make_invoice(50)
        tx = self.pay_lines(self.lines(first, second))
        self.lose(70, tx=tx)
        self.assertEqual(first.amount_residual + second.amount_residual, 70)
        self.assertTrue(self.dispute(tx).settled)
        self.assertTrue(all(tx.payment_id._pay_now_counterpart_lines().mapped('reconciled')))

    def test_a_discount_that_was_granted_stays(self):
        """What the payer took back is owed again; the discount is the accountant's to reverse."""
        term = self.env['account.payment.term'].create(
            {
                'name': "2 % within 30 days",
                'early_discount': True,
                'discount_percentage': 2,
                'discount_days': 30,
                'line_ids': [Command.create({'value': 'percent', 'value_amount': 100})],
            }
        )
        invoice = self.make_invoice(100, invoice_payment_term_id=term.id)
        tx = self.pay_lines(self.lines(invoice))
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(tx.amount, 98)
        self.lose(tx=tx)
        self.assertEqual(invoice.amount_residual, 98)
        self.assertTrue(self.dispute(tx).settled)

    def test_an_invoice_credited_after_it_was_paid(self):
        note = self.credit(self.invoice, 100)
        self.lose()
        self.assertEqual(self.invoice.amount_residual, 300)
        self.assertEqual(note.amount_residual, 100, "for the accountant to match")
        self.assertTrue(self.dispute().settled)

    def test_an_invoice_whose_credit_note_took_the_place_of_the_payment(self):
        note = self.credit(self.invoice, 100)
        credit = self.tx.payment_id._pay_now_counterpart_lines()
        line = self.receivable(self.invoice)
        credit.remove_move_reconcile()
        (line | self.receivable(note)).reconcile()
        (line | credit).reconcile()
        self.assertEqual(credit.amount_residual, -100)
        self.lose()
        self.assertEqual(self.invoice.amount_residual, 200, "what the credit note left of it")
        self.assertEqual(note.payment_state, 'paid')
        self.assertTrue(credit.reconciled)
        self.assertTrue(self.dispute().settled)

    def test_a_payment_reversed_by_hand_is_reported_and_not_lost_twice(self):
        move = self.tx.payment_id.move_id
        move._reverse_moves([{'date': self.today}], cancel=True)
        self.assertEqual(self.invoice.amount_residual, 300)
        with mute_logger(BOOKING):
            self.lose()
        dispute = self.dispute()
        self.assertFalse(dispute.loss_move_id)
        self.assertFalse(dispute.settled)
        self.assertIn("reversed by hand", dispute.problem)
        self.assertEqual(self.balance(self.disputed), 300, "the money is gone all the same")
        self.assertEqual(self.invoice.amount_residual, 300)

    def test_matched_by_hand_with_another_invoice_meanwhile(self):
        """What the payment pays when it is lost is open again, whoever matched it."""
        other = self.make_invoice(300)
        credit = self.tx.payment_id._pay_now_counterpart_lines()
        credit.remove_move_reconcile()
        (credit | self.receivable(other)).reconcile()
        self.lose()
        self.assertEqual(other.amount_residual, 300)
        self.assertEqual(self.invoice.amount_residual, 300)

    def test_reminders_wait_for_each_item_and_no_other(self):
        first = self.make_invoice(200, invoice_payment_term_id=self.term.id)
        lines = self.lines(first)
        other = self.make_invoice(70)
        tx = self.checkout(lines[0] | self.lines(other))
        self.gateway.pay(tx)
        tx._synchronize()
        everything = lines | self.receivable(other) | self.receivable(self.invoice)
        for state, held in (
            ('inquiry', True),
            ('open', True),
            ('won', False),
            ('open', True),
            ('lost', False),
            ('closed', False),
        ):
            with self.subTest(state=state):
                self.dispute_at_provider(state, tx=tx)
                self.sweep()
                self.dispute(tx).action_check()
                expected = lines[0] | self.receivable(other) if held else lines.browse()
                self.assertEqual(everything._pay_now_disputed(), expected)
