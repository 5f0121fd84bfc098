# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Situations of accountants, each with the lines of its entries: account, debit, credit.

Those about refunds, discounts, branches and other currencies stand where these are tested
(`tests/refund/test_credit_notes.py`, `tests/payment/test_currencies.py`,
`tests/payout/test_payout_currencies.py`), those about the bank in
`tests/payout/test_payout_evidence.py`.
"""

from decimal import Decimal
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.payment.received import BOOKS, ReceivedCase

#: What is archived -> the sentence that names it. The entries afterwards are those of any payment.
ARCHIVED = {
    'journal': "journal",
    'clearing': "account",
    'receivable': "account",
    'cash_basis': "journal",
}

#: What another module says.
CLOSED = "The auditors have closed this month."


class SituationsBooksCase(ReceivedCase):
    """A company with taxes on payment; the provider is scripted."""

    def entries_since(self, last):
        """Return the entries posted after another one, oldest first."""
        moves = self.env['account.move'].search(
            [('id', '>', last), ('state', '=', 'posted'), ('move_type', '=', 'entry')], order='id'
        )
        return [self.balances(move) for move in moves]

    def last_entry(self):
        return self.env['account.move'].search([], order='id desc', limit=1).id

    def codes(self, *names):
        provider = self.provider
        codes = {
            'clearing': provider.pay_now_clearing_account_id,
            'disputed': provider.pay_now_disputed_account_id,
            'commission': provider.pay_now_commission_account_id,
            'receivable': self.customer.property_account_receivable_id,
            'vat_waiting': self.waiting_account,
            'vat': self.tax_account,
        }
        return [codes[name].code for name in names]

    def paid(self, invoice):
        tx = self.checkout(self.lines(invoice))
        self.gateway.pay(tx, commission='4.60')
        return tx


@tagged('post_install', '-at_install')
class TestSituationsBooks(SituationsBooksCase):
    """What accounts and taxes do to the entries of a payment."""

    def test_archived(self):
        """Received meanwhile, and booked by the entry of any other payment once it is there."""
        clearing, receivable, commission = self.codes('clearing', 'receivable', 'commission')
        for cause, word in ARCHIVED.items():
            with self.subTest(cause):
                tx = self.paid(self.bill(cause))
                last = self.last_entry()
                with self.refusing(cause, self.provider), mute_logger(BOOKS):
                    tx._synchronize()
                    self.assertEqual(tx.pay_now_booking_state, 'received')
                    self.assertEqual(self.entries_since(last), [])
                    self.assertIn(word, tx.pay_now_discrepancy_ids.message)
                tx._pay_now_book_now()
                entries = self.entries_since(last)
                self.assertIn(sorted([(clearing, 120.0, 0.0), (receivable, 0.0, 120.0)]), entries)
                self.assertIn(sorted([(commission, 4.6, 0.0), (clearing, 0.0, 4.6)]), entries)
                self.assertEqual(tx.pay_now_booking_state, 'booked')

    def test_vat_on_payments_and_a_lost_dispute(self):
        """Due as it was paid, to come again as the money was lost: the invoice is open."""
        clearing, disputed, receivable, waiting, due, commission = self.codes(
            'clearing', 'disputed', 'receivable', 'vat_waiting', 'vat', 'commission'
        )
        invoice = self.bill('cash_basis')
        tx = self.paid(invoice)
        tx._synchronize()
        taxes = self.env['account.move'].search(
            [('tax_cash_basis_origin_move_id', '=', invoice.id)]
        )
        vat = [line for line in self.balances(taxes) if line[0] in (waiting, due)]
        self.assertEqual(vat, sorted([(waiting, 20.0, 0.0), (due, 0.0, 20.0)]))
        last = self.last_entry()
        withdrawn = base.Movement(
            id='txn_d0',
            kind='dispute',
            type='adjustment',
            amount=Decimal(-120),
            fee=Decimal(15),
            net=Decimal(-135),
            currency='EUR',
            created_at=fields.Datetime.now().astimezone(),
            source_id='du_1',
            payment_id=tx.pay_now_payment_ref,
        )
        self.gateway.disputes['du_1'] = base.Dispute(
            id='du_1',
            state='lost',
            amount=Decimal(120),
            currency='EUR',
            created_at=fields.Datetime.now().astimezone(),
            needs_response=False,
            due_at=None,
            reason='fraudulent',
            payment_id=tx.pay_now_payment_ref,
            url='',
            movements=(withdrawn,),
        )
        self.env['pay.now.dispute'].sudo()._synchronize(self.provider.sudo(), ['du_1'])
        self.assertEqual((invoice.payment_state, invoice.amount_residual), ('not_paid', 120))
        entries = self.entries_since(last)
        self.assertIn(
            sorted([(disputed, 120.0, 0.0), (commission, 15.0, 0.0), (clearing, 0.0, 135.0)]),
            entries,
        )
        self.assertIn(sorted([(receivable, 120.0, 0.0), (disputed, 0.0, 120.0)]), entries)
        back = [line for entry in entries for line in entry if line[0] in (waiting, due)]
        self.assertEqual(sorted(back), sorted([(waiting, 0.0, 20.0), (due, 20.0, 0.0)]))

    def test_discount_of_a_changed_invoice_is_taken_back(self):
        """What was granted for the invoice as it was is nobody's credit, and taken back."""
        today = fields.Date.today()
        invoice = self.make_invoice(
            invoice_payment_term_id=self.discount_term.id, invoice_date=today
        )
        tx = self.paid(invoice)
        tx._synchronize()
        clearing, receivable = self.codes('clearing', 'receivable')
        discount = self.discount_account.code
        self.assertEqual(
            self.balances(tx.payment_id.move_id),
            sorted([(clearing, 98.0, 0.0), (discount, 2.0, 0.0), (receivable, 0.0, 100.0)]),
        )
        invoice.button_draft()
        self.assertFalse(tx.pay_now_discrepancy_ids, "it may be posted again as it was")
        invoice.invoice_line_ids.price_unit = 50
        invoice.action_post()
        found = {one.kind: one for one in tx.pay_now_discrepancy_ids}
        self.assertEqual(found.keys(), {'surplus', 'discount'})
        self.assertEqual((found['surplus'].amount, found['discount'].amount), (48, 2))
        self.assertTrue(found['discount'].can_reverse)
        last = self.last_entry()
        found['discount'].action_reverse()
        self.assertEqual(
            self.entries_since(last), [sorted([(receivable, 2.0, 0.0), (discount, 0.0, 2.0)])]
        )
        self.assertEqual(found['discount'].state, 'done')
        self.assertEqual(tx._pay_now_credit(), 48)
        self.env['pay.now.discrepancy'].search([])._close_past()
        self.assertRecordValues(found['surplus'], [{'state': 'open', 'amount': 48}])

    def test_invoice_cancelled_after_its_payment(self):
        """The money is the customer's credit, and somebody is told, until it is owed again."""
        for reset_first in (False, True):
            with self.subTest(reset_first=reset_first):
                invoice = self.make_invoice(120)
                tx = self.paid(invoice)
                tx._synchronize()
                if reset_first:
                    invoice.button_draft()
                invoice.button_cancel()
                [found] = tx.pay_now_discrepancy_ids
                self.assertRecordValues(
                    found,
                    [{'kind': 'surplus', 'code': 'canceled', 'amount': 120, 'state': 'open'}],
                )
                self.assertIn(f"{invoice.name}, which is cancelled", found.message)
                invoice.button_draft()
                invoice.action_post()
                self.assertEqual(invoice.payment_state, 'paid')
                self.assertEqual(found.state, 'done')

    def test_invoice_cancelled_where_nobody_was_asked(self):
        invoice = self.make_invoice(120)
        tx = self.paid(invoice)
        tx._synchronize()
        cls = self.env.registry['payment.transaction']
        with patch.object(cls, '_pay_now_settle_gone', lambda _txs: None):
            invoice.button_cancel()
        self.assertFalse(tx.pay_now_discrepancy_ids)
        self.env['payment.transaction']._pay_now_sweep_waiting()
        self.assertEqual(tx.pay_now_discrepancy_ids.code, 'canceled')
        tx.pay_now_discrepancy_ids.action_done()
        self.env['payment.transaction']._pay_now_sweep_waiting()
        self.assertEqual(len(tx.pay_now_discrepancy_ids), 1, "a person has the last word")

    def test_lock_date_of_another_module(self):
        """In our own words first, with what to do; what refused it stands beneath."""
        tx = self.paid(self.make_invoice(120))

        def _check_fiscal_lock_dates(_moves):
            raise UserError(CLOSED)

        cls = self.env.registry['account.move']
        patched = patch.object(cls, '_check_fiscal_lock_dates', _check_fiscal_lock_dates)
        with patched, mute_logger(BOOKS):
            tx._synchronize()
        self.assertEqual(tx.pay_now_booking_state, 'received')
        ours, _newline, theirs = tx.pay_now_discrepancy_ids.message.partition('\n')
        self.assertIn("the books are closed for the day of an entry. Open that period", ours)
        self.assertEqual(theirs, CLOSED)
        tx._pay_now_book_now()
        self.assertEqual(tx.pay_now_booking_state, 'booked')
