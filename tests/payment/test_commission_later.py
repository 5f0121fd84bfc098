# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Commissions whose books were refused, closed or changed between the payment and its fee."""

from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.payment.received import BOOKS
from odoo.addons.account_pay_now.tests.payment.test_commission import CommissionCase


@tagged('post_install', '-at_install')
class TestCommissionLater(CommissionCase):
    """What was refused, and booked by a person after something else had happened."""

    def test_refused_then_booked_then_refunded(self):
        """With reverse charge: each entry to the cent, and nothing left to handle."""
        for provider, fees, clearing in self.each():
            self.choose(provider, self.reverse_charge)
            fees.active = False
            with mute_logger(BOOKS):
                tx = self.paid(provider)
            (found,) = tx.pay_now_discrepancy_ids
            self.assertRecordValues(
                tx, [{'pay_now_booking_state': 'booked', 'pay_now_commission_state': 'failed'}]
            )
            self.gateway_of(provider).give_back(
                tx.provider_reference, '100', commission=Decimal('-4.80')
            )
            with mute_logger(BOOKS):
                tx._synchronize()
            refund = tx.sudo()._pay_now_refunds()
            self.assertTrue(refund.payment_id)
            self.assertEqual(refund.pay_now_commission_state, 'failed')
            self.assertEqual(found.state, 'open')
            fees.active = True
            found.action_book_now()
            taken = [
                (fees, 4.80, 0),
                (self.deductible, 0.96, 0),
                (self.due, 0, 0.96),
                (clearing, 0, 4.80),
            ]
            back = [
                (clearing, 4.80, 0),
                (self.due, 0.96, 0),
                (self.deductible, 0, 0.96),
                (fees, 0, 4.80),
            ]
            self.assertEqual(self.items(tx.pay_now_commission_move_id), taken)
            self.assertEqual(self.items(refund.pay_now_commission_move_id), back)
            every = (tx | refund).pay_now_discrepancy_ids
            self.assertFalse(every.filtered(lambda one: one.state == 'open'))

    def test_taxes_of_a_closed_period(self):
        """A tax return is filed: the commission moves to the next day that is open for taxes."""
        self.company.tax_lock_date = fields.Date.today() - timedelta(days=1)
        closed = fields.Datetime.now() - timedelta(days=5)
        for provider, fees, clearing in self.each():
            self.choose(provider, self.reverse_charge)
            gateway = self.gateway_of(provider)
            tx = self.checkout(self.lines(self.make_invoice(100)), provider=provider)
            if gateway.captures:
                gateway.approve(tx)
            gateway.pay(tx, commission='4.80')
            paid = gateway.payments[tx.provider_reference].paid_at - timedelta(days=5)
            gateway.set(tx.provider_reference, paid_at=paid, commission_at=paid)
            tx._synchronize()
            move = tx.pay_now_commission_move_id
            self.assertEqual(
                self.items(move),
                [
                    (fees, 4.80, 0),
                    (self.deductible, 0.96, 0),
                    (self.due, 0, 0.96),
                    (clearing, 0, 4.80),
                ],
            )
            self.assertEqual(tx.payment_id.date, closed.date())
            self.assertGreater(move.date, self.company.tax_lock_date)
            self.assertLessEqual(move.date, self.today)
            self.assertFalse(tx.pay_now_discrepancy_ids)

    def test_chosen_taxes_are_there(self):
        """None chosen, or archived since: never booked without, as if it had been decided."""
        for provider, fees, clearing in self.each():
            with self.assertRaisesRegex(UserError, "Choose the taxes"), self.env.cr.savepoint():
                provider.write(
                    {
                        'pay_now_commission_taxes': 'chosen',
                        'pay_now_commission_tax_ids': [Command.clear()],
                    }
                )
            self.choose(provider, self.vat)
            self.vat.active = False
            self.env.flush_all()
            self.env.invalidate_all()
            with mute_logger(BOOKS):
                tx = self.paid(provider)
            self.assertEqual(tx.pay_now_commission_state, 'failed')
            (found,) = tx.pay_now_discrepancy_ids
            self.assertIn(f"the tax {self.vat.name} is archived", found.message)
            provider._pay_now_note_books()
            self.assertIn(self.vat.name, provider._pay_now_books_warning())
            self.vat.active = True
            self.env.flush_all()
            self.env.invalidate_all()
            found.action_book_now()
            self.assertEqual(
                self.items(tx.pay_now_commission_move_id),
                [(fees, 4.00, 0), (self.deductible, 0.80, 0), (clearing, 0, 4.80)],
            )
            self.assertFalse(provider.pay_now_books_problem)

    def test_import_begins_before_a_proposal_is_taken(self):
        """Who imports the statements books the commission of a converted payment there, too."""
        tx, _line = self.pay_converted()
        self.sweep()
        found = tx.pay_now_discrepancy_ids
        self.assertEqual(found.proposed_commission, 3.24)
        self.provider.pay_now_commission_imported = True
        self.env.invalidate_all()
        self.assertEqual(found.proposed_commission, 0)
        with self.assertRaisesRegex(UserError, "no commission"):
            found.action_book_commission()
        self.assertFalse(tx.pay_now_commission_move_id)

    def test_storno_of_a_refund_that_came_back(self):
        """What the return cost is taken for the first time: it has the usual signs."""
        self.company.account_storno = True
        tx = self.paid(self.provider)
        ref = self.gateway.give_back(tx.provider_reference, '50')
        tx._synchronize()
        self.gateway.fail_refund(ref, returned_commission=Decimal('1.00'))
        tx._synchronize()
        refund = tx.sudo()._pay_now_refunds()
        clearing = self.provider.pay_now_clearing_account_id
        self.assertEqual(
            self.items(refund.pay_now_reversal_move_id),
            [
                (clearing, 0, -50),
                (self.fees, 1.00, 0),
                (clearing, 0, 1.00),
                (tx.payment_id.destination_account_id, -50, 0),
            ],
        )

    def test_two_refusals_of_one_refund(self):
        """The commission is booked, the way back is not: what waits stays to handle."""
        tx = self.paid(self.provider)
        ref = self.gateway.give_back(tx.provider_reference, '50', commission=Decimal('1.00'))
        self.fees.active = False
        with mute_logger(BOOKS):
            tx._synchronize()
            self.gateway.fail_refund(ref, returned_commission=Decimal('0.50'))
            tx._synchronize()
        refund = tx.sudo()._pay_now_refunds()
        self.assertFalse(refund.pay_now_reversal_move_id)
        (found,) = refund.pay_now_discrepancy_ids.filtered(lambda one: one.kind == 'booking')
        self.fees.active = True
        refund._pay_now_book_commissions()
        self.assertEqual(refund.pay_now_commission_state, 'booked')
        self.assertEqual(found.state, 'open', "the money that came back is not booked")
        self.assertTrue(refund.pay_now_book_at)
        found.action_book_now()
        self.assertTrue(refund.pay_now_reversal_move_id)
        self.assertEqual(found.state, 'done')

    def test_refused_and_then_imported_with_the_statement(self):
        """Nothing is left for the books: nothing is tried again, nothing to handle."""
        self.fees.active = False
        with mute_logger(BOOKS):
            tx = self.paid(self.provider)
        self.assertTrue(tx.pay_now_book_at)
        self.provider.pay_now_commission_imported = True
        tx._synchronize()
        self.assertRecordValues(
            tx,
            [{'pay_now_commission_state': 'imported', 'pay_now_book_at': False}],
        )
        self.assertEqual(tx.pay_now_discrepancy_ids.state, 'done')
