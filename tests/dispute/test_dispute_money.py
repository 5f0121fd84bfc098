# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal tells one piece of money up to four times, in any order: it is booked once."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from unittest.mock import patch

import psycopg2

from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon

#: What may arrive about 80.00 that PayPal took back, in which order. Each comes again at the end.
ORDERS = (
    ('reversal',),
    ('case',),
    ('report',),
    # taken for a refund at first
    ('payment', 'reversal'),
    ('payment', 'case'),
    ('payment', 'report'),
    ('payment', 'case', 'reversal', 'report'),
    ('payment', 'report', 'reversal', 'case'),
    # and the other way round
    ('reversal', 'payment', 'case'),
    ('case', 'payment', 'reversal'),
    ('report', 'case', 'payment'),
)
AMOUNT = Decimal(80)


class DisputedMoneyCase(PayoutCommon):
    """A payment of 80.00 at PayPal, with a commission of 2.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect_paypal()
        cls.disputed = cls.paypal.pay_now_disputed_account_id
        cls.clearing = cls.paypal.pay_now_clearing_account_id

    def setUp(self):
        super().setUp()
        self.number = 0
        self.begin()

    def begin(self):
        """Receive and book another payment."""
        self.number += 1
        self.invoice = self.make_invoice(80)
        self.tx = self.checkout(self.lines(self.invoice), provider=self.paypal)
        self.paypal_gateway.pay(self.tx, commission='2.00')
        self.tx._synchronize()
        self.refund_ref, self.case_ref = f'REV{self.number}', f'PP-{self.number}'
        self.paypal_gateway.movements.clear()
        self.paypal_gateway.disputes.clear()

    # === what PayPal tells === #

    def movement(self, ref, amount=-AMOUNT, **values):
        now = datetime.now(timezone.utc)
        values = {'type': 'T1106', 'source_id': ref, 'created_at': now, **values}
        return base.Movement(
            id=ref,
            kind='dispute',
            amount=amount,
            fee=Decimal(0),
            net=amount,
            currency='EUR',
            payment_id=self.tx.pay_now_payment_ref,
            **values,
        )

    def tell_dispute(self, ref, state, movements, **values):
        """PayPal has a dispute; return it once we are notified."""
        self.paypal_gateway.disputes[ref] = base.Dispute(
            id=ref,
            state=state,
            amount=AMOUNT,
            currency='EUR',
            created_at=datetime.now(timezone.utc),
            payment_id=self.tx.pay_now_payment_ref,
            movements=tuple(movements),
            **values,
        )
        self.assertTrue(self.paypal._pay_now_take_turn())
        self.env['pay.now.dispute'].sudo()._synchronize(self.paypal, [ref])

    def payment(self):
        """The payment is read, with a refund that nobody here asked for."""
        if not self.paypal_gateway.payments[self.tx.provider_reference].refunds:
            self.paypal_gateway.give_back(self.tx.provider_reference, '80', id=self.refund_ref)
        self.tx._synchronize()

    def reversal(self):
        """PAYMENT.CAPTURE.REVERSED"""
        moved = [self.movement(self.refund_ref)]
        self.tell_dispute(self.refund_ref, 'lost', moved, reversal=True)

    def case(self, state='lost'):
        """CUSTOMER.DISPUTE.…"""
        self.tell_dispute(self.case_ref, state, [self.movement(f'{self.case_ref}-DEBIT-1')])

    def report(self):
        """The report of transactions."""
        former = dict(self.paypal_gateway.disputes)
        self.paypal_gateway.disputes.setdefault(
            self.refund_ref,
            base.Dispute(
                id=self.refund_ref,
                state='lost',
                amount=AMOUNT,
                currency='EUR',
                payment_id=self.tx.pay_now_payment_ref,
                movements=(self.movement(self.refund_ref),),
                reversal=True,
            ),
        )
        self.paypal_gateway.movements = [self.movement(self.refund_ref, reversal=True)]
        self.env['pay.now.movement'].sudo()._sweep(self.paypal.sudo())
        self.paypal_gateway.disputes = former

    # === what is looked at === #

    def booked(self):
        """Return what the payment, its refunds and its disputes left on the clearing account."""
        return sum(self.clearing_lines().mapped('balance'))

    def clearing_lines(self):
        txs = self.tx | self.tx.child_transaction_ids
        moves = txs._pay_now_entries() | self.tx.pay_now_dispute_ids.movement_ids.move_id
        return moves.line_ids.filtered(lambda line: line.account_id == self.clearing)

    def assert_lost_once(self):
        """80.00 are gone, by one dispute; the invoice is open, and nothing else is."""
        dispute = self.tx.pay_now_dispute_ids
        self.assertRecordValues(
            dispute, [{'state': 'lost', 'settled': True, 'withdrawn': 80, 'problem': False}]
        )
        self.assertAlmostEqual(self.booked(), -2)
        self.assertEqual(self.invoice.payment_state, 'not_paid')
        self.assertEqual(self.invoice.amount_residual, 80)
        self.assertEqual(self.balance(self.disputed), 0)
        self.assertLessEqual(set(self.tx.child_transaction_ids.mapped('state')), {'cancel'})
        notes = self.tx.child_transaction_ids.pay_now_credit_note_ids
        self.assertLessEqual(set(notes.mapped('state')), {'cancel'})
        self.assertEqual(self.tx._pay_now_left_to_refund(), 0)
        # What was given and taken back of the refund stands against something.
        self.assertAlmostEqual(
            sum(self.clearing_lines().mapped('amount_residual')), -2, msg="what is left to pay out"
        )
        self.assertEqual(len(self.clearing_lines().filtered(lambda line: not line.reconciled)), 3)
        self.assertFalse(
            self.env['pay.now.movement'].search(
                [('transaction_id', '=', self.tx.id), ('state', '!=', 'ours')]
            )
        )

    def balance(self, account):
        return sum(
            self.env['account.move.line']
            .search([('account_id', '=', account.id), ('parent_state', '=', 'posted')])
            .mapped('balance')
        )


@tagged('post_install', '-at_install')
class TestDisputedMoney(DisputedMoneyCase):
    def test_whatever_arrives_in_whatever_order(self):
        for order in ORDERS:
            with self.subTest(order=order):
                for telling in (*order, order[0]):
                    getattr(self, telling)()
                self.assert_lost_once()
            self.begin()

    def test_what_only_the_payment_tells_is_a_refund(self):
        self.payment()
        refund = self.tx.child_transaction_ids
        self.assertRecordValues(refund, [{'state': 'done', 'pay_now_made_elsewhere': True}])
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertEqual(refund.pay_now_credit_note_ids.state, 'draft')

    def test_a_credit_note_posted_for_what_was_no_refund_is_open_again(self):
        self.payment()
        note = self.tx.child_transaction_ids.pay_now_credit_note_ids
        note.action_post()
        self.assertEqual(note.payment_state, 'paid')
        self.case()
        self.assertRecordValues(
            self.tx.pay_now_dispute_ids, [{'state': 'lost', 'settled': True, 'withdrawn': 80}]
        )
        self.assertAlmostEqual(self.booked(), -2)
        self.assertEqual(note.amount_residual, 80)
        self.assertEqual(self.invoice.amount_residual, 80)
        said = ' '.join(self.invoice.message_ids.mapped('body'))
        self.assertIn("because of a dispute", said)

    def test_a_commission_that_came_back_with_it(self):
        self.paypal_gateway.refund_fee = '-1.50'
        self.payment()
        self.assertAlmostEqual(self.booked(), -2 + 1.50)
        self.case()
        self.assertAlmostEqual(self.booked(), -2, msg="the dispute tells of no commission")
        self.assertEqual(self.tx.child_transaction_ids.state, 'cancel')

    def test_a_refund_asked_for_in_odoo_answers_the_dispute(self):
        self.tell_dispute(self.case_ref, 'inquiry', [])
        refund = self.tx._create_child_transaction(80, is_refund=True)
        self.paypal_gateway.give_back(
            self.tx.provider_reference, '80', reference=refund.pay_now_idempotency_key
        )
        self.tx._synchronize()
        self.assertRecordValues(refund, [{'state': 'done', 'pay_now_made_elsewhere': False}])
        for _again in range(2):
            self.case()
            self.assertRecordValues(
                self.tx.pay_now_dispute_ids, [{'state': 'lost', 'settled': True, 'withdrawn': 0}]
            )
            self.assertEqual(refund.state, 'done')
            self.assertEqual(self.invoice.payment_state, 'paid')
            self.assertAlmostEqual(self.booked(), -2)

    def test_a_refund_that_a_neighbour_kept_out_of_the_books(self):
        """Given to the dispute before it could be booked: nothing is left to be tried again."""
        busy = psycopg2.errors.LockNotAvailable("canceling statement due to lock timeout")
        with patch.object(type(self.env['account.payment']), 'create', side_effect=busy):
            self.payment()
        refund = self.tx.sudo().child_transaction_ids
        self.assertTrue(refund.pay_now_book_at)
        self.case()
        self.assertRecordValues(
            refund,
            [{'state': 'cancel', 'payment_id': False, 'pay_now_book_at': False}],
        )
        self.assertFalse(refund.pay_now_book_attempts)
        self.assertAlmostEqual(self.booked(), -2)

    def test_another_amount_or_another_day_is_other_money(self):
        for amount, days in (('30', 0), ('80', 3)):
            with self.subTest(amount=amount, days=days):
                self.begin()
                then = datetime.now(timezone.utc) - timedelta(days=days)
                self.paypal_gateway.give_back(
                    self.tx.provider_reference,
                    amount,
                    id=self.refund_ref,
                    created_at=then,
                    moved_at=then,
                )
                self.tx._synchronize()
                self.case('open')
                self.assertEqual(self.tx.child_transaction_ids.state, 'done')
                self.assertAlmostEqual(self.booked(), 80 - 2 - float(amount) - 80)

    def test_won_after_it_was_reported_as_a_refund(self):
        self.payment()
        self.case('open')
        self.assertEqual(self.tx.child_transaction_ids.state, 'cancel')
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertAlmostEqual(self.booked(), -2)
        back = self.movement(f'{self.case_ref}-CREDIT-1', AMOUNT)
        went = self.paypal_gateway.disputes[self.case_ref].movements
        self.tell_dispute(self.case_ref, 'won', [*went, back])
        self.assertRecordValues(
            self.tx.pay_now_dispute_ids, [{'state': 'won', 'settled': True, 'withdrawn': 0}]
        )
        self.assertAlmostEqual(self.booked(), 78)
        self.assertEqual(self.balance(self.disputed), 0)
        self.assertEqual(self.tx._pay_now_left_to_refund(), 80)

    def test_a_refund_before_its_payment_is_booked_is_no_refund_either(self):
        """Nothing of it is booked yet when the provider notifies of the dispute."""
        self.tx.payment_id.move_id.line_ids.remove_move_reconcile()
        refund = self.tx._create_child_transaction(80, is_refund=True)
        refund.sudo().write(
            {
                'pay_now_refund_ref': self.refund_ref,
                'provider_reference': self.refund_ref,
                'pay_now_made_elsewhere': True,
                'pay_now_paid_at': datetime.now(),
                'state': 'done',
            }
        )
        self.case()
        self.assertRecordValues(refund, [{'state': 'cancel', 'payment_id': False}])
        self.assertAlmostEqual(self.booked(), -2)

    def test_the_same_money_at_stripe_is_two_pieces(self):
        """Stripe tells disputes among the disputes only."""
        tx, _line = self.pay(80)
        self.gateway.give_back(tx.provider_reference, '40')
        tx._synchronize()
        moved = replace(self.movement('txn_1', Decimal(-40)), payment_id=tx.pay_now_payment_ref)
        self.gateway.disputes['du_1'] = base.Dispute(
            id='du_1',
            state='open',
            amount=Decimal(40),
            currency='EUR',
            payment_id=tx.pay_now_payment_ref,
            movements=(moved,),
        )
        self.sweep()
        self.assertEqual(tx.pay_now_dispute_ids.withdrawn, 40)
        self.assertEqual(tx.child_transaction_ids.state, 'done')
