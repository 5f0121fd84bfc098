# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Early payment discounts whose books change between payment, booking and refund."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.payment.received import BOOKS
from odoo.addons.account_pay_now.tests.refund.test_credit_notes import DISCOUNTED, CreditNoteCase


@tagged('post_install', '-at_install')
class TestDiscountChanges(CreditNoteCase):
    def paid(self, invoice):
        """Return a payment that is made, and not heard of yet."""
        tx = self.checkout(self.lines(invoice))
        self.gateway.pay(tx)
        return tx

    def lapse(self, invoice):
        """The days of the discount are over by now."""
        invoice.line_ids.filtered('discount_date').discount_date = fields.Date.today() - timedelta(
            days=1
        )

    def test_booked_after_the_account_was_missing_and_the_discount_lapsed(self):
        for mode, (amount, entry, _credited) in DISCOUNTED.items():
            with self.subTest(mode):
                invoice = self.discounted(mode)
                tx = self.paid(invoice)
                account = self.company.account_journal_early_pay_discount_loss_account_id
                self.company.account_journal_early_pay_discount_loss_account_id = False
                with mute_logger(BOOKS, 'odoo.sql_db'):
                    tx._synchronize()
                self.assertEqual(tx.pay_now_booking_state, 'received')
                (found,) = tx.pay_now_discrepancy_ids
                self.assertIn("early payment discounts", found.message)
                self.lapse(invoice)
                self.company.account_journal_early_pay_discount_loss_account_id = account
                found.action_book_now()
                self.assertEqual(tx.payment_id.amount, amount)
                self.assertEqual(self.entry(tx.payment_id.move_id), entry)
                self.assertEqual(invoice.payment_state, 'paid')
                self.assertEqual(tx.pay_now_discrepancy_ids.mapped('state'), ['done'])

    def test_refunded_while_the_account_is_missing(self):
        """The money went: that is booked, and somebody is told of the credit note."""
        for mode in DISCOUNTED:
            with self.subTest(mode):
                tx = self.pay(self.lines(self.discounted(mode)))
                account = self.company.account_journal_early_pay_discount_loss_account_id
                self.company.account_journal_early_pay_discount_loss_account_id = False
                self.give_back(tx.amount, tx=tx)
                with mute_logger(BOOKS, 'odoo.sql_db'):
                    tx._synchronize()
                refund = self.refunds(tx)
                self.assertTrue(refund.payment_id, "the refund is booked")
                (found,) = refund.pay_now_discrepancy_ids
                self.assertRecordValues(found, [{'kind': 'credit_note', 'state': 'open'}])
                self.assertIn("early payment discounts", found.message)
                self.company.account_journal_early_pay_discount_loss_account_id = account
                self.assert_balance()

    def test_invoice_reduced_after_a_discounted_payment(self):
        """Of what was granted nothing is given back: no more than was paid is the customer's."""
        for mode, (amount, _entry, _credited) in DISCOUNTED.items():
            with self.subTest(mode):
                invoice = self.discounted(mode)
                tx = self.pay(self.lines(invoice))
                invoice.button_draft()
                invoice.invoice_line_ids.price_unit = 50
                invoice.action_post()
                self.sweep()
                (found,) = self.discrepancies(tx, 'surplus')
                left = round(amount - invoice.amount_total, 2)
                self.assertEqual(found.amount, left)
                self.assertEqual(found.action_refund()['context']['default_amount_to_refund'], left)
                self.sweep()
                self.assertEqual((found.state, found.amount), ('open', left))
                self.give_back(left, tx=tx)
                tx._synchronize()
                self.sweep()
                self.assertEqual(found.state, 'done')
                self.assertFalse(self.discrepancies(tx, 'surplus'))
                self.assert_balance()

    def test_discounts_that_lapse_one_by_one(self):
        """Each is taken back once, and what the customer paid stays the customer's."""
        invoices = [self.discounted('excluded') for _one in range(3)]
        tx = self.pay(self.lines(*invoices))
        self.assertEqual(tx.amount, 3 * 118)
        for invoice in invoices:
            invoice.button_draft()
            invoice.invoice_line_ids.price_unit = 50
            invoice.action_post()
            self.sweep()
            (found,) = self.discrepancies(tx, 'discount').filtered(lambda one: one.state == 'open')
            self.assertEqual(found.amount, 2)
            found.action_reverse()
            self.assertEqual(tx._pay_now_discount_left(), 0)
            self.assertEqual(tx._pay_now_credit(), tx._pay_now_left())
        left = tx.amount - sum(invoice.amount_total for invoice in invoices)
        self.assertEqual(round(tx._pay_now_left(), 2), round(left, 2))
        self.assert_balance()

    def test_part_of_a_discounted_payment_is_free(self):
        """The discount of the invoice that is as it was counts on; the other one is free."""
        kept, gone = self.discounted('excluded'), self.taxed(price=50)
        tx = self.pay(self.lines(kept, gone))
        self.assertEqual(tx.amount, 178)
        gone.button_draft()
        gone.invoice_line_ids.price_unit = 40
        gone.action_post()
        self.sweep()
        (found,) = self.discrepancies(tx, 'surplus')
        self.assertEqual(found.amount, 12)

    def test_undone_and_then_refunded(self):
        """A person unmatched payment and invoice: the refund meets the payment, no credit note."""
        tx = self.pay(self.lines(self.taxed()))
        (invoice,) = tx.invoice_ids
        invoice.line_ids.remove_move_reconcile()
        self.give_back(120, tx=tx)
        tx._synchronize()
        refund = self.refunds(tx)
        self.assertFalse(refund.pay_now_credit_note_ids)
        self.assert_matched(tx)
        self.assertEqual((invoice.payment_state, invoice.amount_residual), ('not_paid', 120))
        self.assertFalse((tx | refund).pay_now_discrepancy_ids)
        # The accountant credits the invoice after all: it is settled by that alone.
        note = invoice._reverse_moves([{'invoice_date': fields.Date.today()}])
        note.action_post()
        self.assert_matched(tx)

    def test_credit_note_in_a_closed_period_of_a_branch(self):
        """Its own lock, the one above it, and taxes: the first day open for all of them."""
        branch = self.make_branch()
        today = fields.Date.today()
        tx = self.pay(self.lines(self.taxed(company_id=branch.id)))
        self.company.tax_lock_date = today + timedelta(days=1)
        branch.sale_lock_date = today + timedelta(days=2)
        self.give_back(60, tx=tx)
        tx._synchronize()
        note = self.refunds(tx).pay_now_credit_note_ids
        opened = today + timedelta(days=3)
        self.assertRecordValues(
            note, [{'company_id': branch.id, 'date': opened, 'invoice_date': opened}]
        )
        note.action_post()
        self.assertEqual(note.date, opened)
        self.assert_matched(tx)
        self.assertFalse(self.refunds(tx).pay_now_discrepancy_ids)

    def test_branch_without_an_account(self):
        """It grants the discount in books of its own: the sentence names it."""
        branch = self.make_branch()
        account = branch.account_journal_early_pay_discount_loss_account_id
        branch.account_journal_early_pay_discount_loss_account_id = False
        invoice = self.discounted('excluded', company_id=branch.id)
        tx = self.paid(invoice)
        with mute_logger(BOOKS, 'odoo.sql_db'):
            tx._synchronize()
        self.assertEqual(tx.pay_now_booking_state, 'received')
        (found,) = tx.pay_now_discrepancy_ids
        self.assertIn(
            "no active account for early payment discounts in Fournil Lyon", found.message
        )
        branch.account_journal_early_pay_discount_loss_account_id = (
            account or self.company.account_journal_early_pay_discount_loss_account_id
        )
        found.action_book_now()
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(tx.payment_id.amount, 118)
