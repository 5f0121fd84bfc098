# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from decimal import Decimal
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.discrepancy.comparison import ComparisonCommon


@tagged('post_install', '-at_install')
class TestComparison(ComparisonCommon):
    # === what is right === #

    def test_what_is_right_is_not_reported(self):
        self.booked()
        self.booked(120, commission=None)
        self.assertFalse(self.compare())
        self.assertTrue(self.provider.pay_now_compared_at)
        self.assertFalse(self.provider.pay_now_comparison_note)

    def test_refunded_and_disputed_payments_are_right(self):
        tx, _line = self.booked()
        other, _line = self.booked(200)
        self.gateway.give_back(tx.provider_reference, '300')
        self.gateway.set(other.provider_reference, disputed=True)
        self.gateway.move('txn_dispute', -220, 'dispute', created_at=self.ago(hours=3))
        (tx | other)._synchronize()
        self.assertFalse(self.compare())

    def test_a_pending_payment_is_waited_for(self):
        tx = self.opened()
        self.gateway.set(tx.provider_reference, state=base.PENDING)
        self.assertFalse(self.compare())
        tx._synchronize()
        self.assertFalse(self.compare())

    def test_the_last_minutes_are_left_to_the_usual_ways(self):
        tx = self.opened()
        self.gateway.pay(tx)
        line = self.gateway.movement_of(tx)
        self.assertFalse(self.compare())
        self.relist(line, created_at=self.ago(minutes=const.COMPARISON_GRACE_MINUTES + 1))
        self.compare()
        self.only('missing_here')

    def test_a_clock_that_is_ahead_is_no_difference(self):
        tx = self.opened()
        self.gateway.pay(tx, paid_at=self.ago(hours=-1))
        self.gateway.movement_of(tx)
        tx._synchronize()
        self.assertFalse(self.compare())

    def test_a_late_commission_is_waited_for(self):
        tx, line = self.booked(commission=None)
        self.assertEqual(tx.pay_now_commission_state, 'waiting')
        self.relist(line, fee=Decimal('4.60'), net=Decimal('295.40'))
        self.assertFalse(self.compare())

    # === missing here === #

    def test_a_payment_nobody_notified_of_is_booked_once(self):
        tx = self.opened()
        self.received(tx)
        self.compare()
        found = self.only('missing_here', amount=300, transaction_id=tx)
        self.assertIn(tx.reference, found.name)
        self.assertTrue(found.can_book)
        self.as_accountant(found).action_book()
        self.assertEqual(found.state, 'done')
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        self.assertEqual(self.clearing_balance(), 295.40)
        # The notification comes after all.
        tx._synchronize()
        self.as_accountant(found).action_book()
        self.assertEqual(self.clearing_balance(), 295.40)
        self.assertFalse(self.compare())

    def test_what_is_booked_meanwhile_closes_by_itself(self):
        tx = self.opened()
        self.received(tx)
        found = self.compare()
        tx._synchronize()
        self.assertFalse(self.compare())
        self.assertEqual(found.state, 'done')
        self.assertIn("by itself", found.note)

    def test_a_payment_unposted_by_hand(self):
        tx, _line = self.booked()
        tx.payment_id.action_draft()
        self.compare()
        self.as_accountant(self.only('missing_here')).action_book()
        self.assertEqual(tx.payment_id.move_id.state, 'posted')
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        self.assertEqual(self.clearing_balance(), 295.40)
        self.assertFalse(self.compare())

    def test_a_payment_reversed_by_hand(self):
        tx, _line = self.booked()
        tx.payment_id.move_id._reverse_moves(cancel=True)
        self.assertEqual(tx.invoice_ids.payment_state, 'not_paid')
        self.compare()
        self.as_accountant(self.only('missing_here')).action_book()
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        self.assertEqual(self.clearing_balance(), 295.40)
        self.assertFalse(self.compare())

    def test_a_payment_deleted_by_hand(self):
        tx, _line = self.booked()
        tx.payment_id.action_draft()
        tx.payment_id.unlink()
        self.compare()
        self.only('missing_here').action_book()
        self.assertEqual(self.clearing_balance(), 295.40)
        self.assertFalse(self.compare())

    def test_one_that_could_not_be_booked_is_reported_once(self):
        tx = self.opened()
        self.received(tx)
        self.env['pay.now.discrepancy']._report(tx, 'booking', 'booking', {'error': "Locked"})
        self.assertFalse(self.compare())

    def test_another_currency_is_reported_once(self):
        tx = self.opened()
        self.gateway.pay(tx, currency='USD', paid_at=self.ago(hours=4))
        self.relist(self.gateway.movement_of(tx), created_at=self.ago(hours=4))
        tx._synchronize()
        self.assertFalse(self.compare())

    def test_nothing_to_book_after_all(self):
        tx = self.opened()
        self.received(tx)
        found = self.compare()
        self.gateway.set(tx.provider_reference, state=base.OPEN)
        with self.assertRaisesRegex(UserError, "not paid"):
            self.as_accountant(found).action_book()
        self.gateway.down = True
        with self.assertRaisesRegex(UserError, "does not answer"):
            self.as_accountant(found).action_book()
        self.assertEqual(found.state, 'open')

    def test_while_it_is_being_booked_elsewhere(self):
        tx = self.opened()
        self.received(tx)
        found = self.compare()
        with (
            patch.object(type(tx), 'try_lock_for_update', lambda self, **kwargs: self.browse()),
            self.assertRaisesRegex(UserError, "being processed"),
        ):
            found.action_book()
        self.assertFalse(tx.payment_id)

    # === payments that were not started here === #

    def test_foreign_payments_are_ignored(self):
        self.gateway.move('txn_shop', 40, 'payment', created_at=self.ago(hours=3))
        self.gateway.move(
            'txn_shop_2', 50, 'payment', reference='SHOP-7', created_at=self.ago(hours=3)
        )
        self.assertFalse(self.compare())

    def foreign(self, tx, **values):
        """A payment that carries the reference of a checkout; return its movement."""
        self.gateway.payments['cs_other'] = base.Payment(
            checkout_id='cs_other',
            state=base.PAID,
            reference=tx.reference,
            amount=Decimal(300),
            currency='EUR',
            payment_id='pi_other',
            paid_at=self.ago(hours=3),
            commission=Decimal(4),
            net=Decimal(296),
            settlement_currency='EUR',
            movement_id='txn_other',
        )
        fetch = self.gateway.fetch_payment

        def fetch_payment(checkout_id='', payment_id=''):
            return fetch('cs_other' if payment_id == 'pi_other' else checkout_id)

        self.gateway.fetch_payment = fetch_payment
        return self.gateway.move(
            'txn_other',
            **{
                'net': 296,
                'fee': 4,
                'kind': 'payment',
                'payment_id': 'pi_other',
                'reference': tx.reference,
                'created_at': self.ago(hours=3),
                **values,
            },
        )

    def test_one_with_our_reference_is_seen(self):
        tx = self.opened()
        tx._pay_now_close('superseded')
        self.foreign(tx)
        self.compare()
        found = self.only('missing_here', payment_refs='pi_other')
        self.as_accountant(found).action_book()
        self.assertEqual(found.state, 'done')
        self.assertEqual(tx.state, 'cancel')
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        self.assertEqual(self.clearing_balance(), 296)
        self.assertFalse(self.compare())
        self.assertFalse(self.found(kinds=('surplus',)))

    def test_a_second_payment_is_booked_as_credit_then_refunded(self):
        tx, _line = self.booked()
        self.foreign(tx)
        self.compare()
        found = self.only('superseded', amount=300, payment_refs='pi_other', can_refund=False)
        self.as_accountant(found).action_book()
        self.assertEqual(found.state, 'done')
        self.assertEqual(self.clearing_balance(), 295.40 + 296)
        surplus = self.found(kinds=('surplus',))
        self.assertEqual(surplus.amount, 300)
        self.assertTrue(surplus.can_refund)
        self.assertEqual(surplus.action_refund()['context']['default_amount_to_refund'], 300)
        found.action_reopen()
        found.action_book()
        self.assertEqual(self.clearing_balance(), 295.40 + 296)
        self.assertFalse(self.compare())

    def test_the_same_number_in_other_books_is_not_ours(self):
        tx, _line = self.booked()
        self.foreign(tx, database='another-database')
        self.assertFalse(self.compare())

    def test_the_same_number_before_these_books_is_not_ours(self):
        tx, _line = self.booked()
        self.foreign(tx, created_at=self.ago(days=20))
        self.assertFalse(self.compare())

    # === missing there === #

    def test_what_the_provider_does_not_know_is_taken_back(self):
        tx, line = self.booked()
        self.gateway.movements.remove(line)
        del self.gateway.payments[tx.provider_reference]
        self.compare()
        found = self.only('missing_there', amount=300)
        self.assertIn("does not know", found.name)
        self.as_accountant(found).action_reverse()
        self.assertEqual(found.state, 'done')
        self.assertEqual(self.clearing_balance(), 0)
        self.assertEqual(tx.invoice_ids.payment_state, 'not_paid')
        self.assertEqual(tx.payment_id.move_id.state, 'posted')
        self.as_accountant(found).action_reverse()
        self.assertEqual(self.clearing_balance(), 0)
        self.assertFalse(self.compare())

    def test_what_the_provider_says_is_not_paid(self):
        tx, line = self.booked()
        self.gateway.movements.remove(line)
        self.gateway.set(tx.provider_reference, state=base.FAILED)
        self.compare()
        found = self.only('missing_there')
        self.assertIn("not paid", found.name)
        self.gateway.set(tx.provider_reference, state=base.PAID)
        self.assertFalse(self.compare())
        self.assertEqual(found.state, 'done')

    def test_a_list_that_is_late_is_asked_behind(self):
        tx, line = self.booked()
        self.gateway.movements.remove(line)
        with patch.object(self.gateway, 'fetch_payment', wraps=self.gateway.fetch_payment) as ask:
            self.assertFalse(self.compare())
        self.assertEqual(ask.call_count, 1)
        self.assertTrue(tx.pay_now_compared_at)

    def test_pending_again_is_no_difference(self):
        tx, line = self.booked()
        self.gateway.movements.remove(line)
        self.gateway.set(tx.provider_reference, state=base.PENDING)
        self.assertFalse(self.compare())

    # === amounts === #

    def test_a_booked_amount_that_differs_is_booked_anew(self):
        tx, line = self.booked()
        self.gateway.set(tx.provider_reference, amount=Decimal(290), net=Decimal('285.40'))
        self.relist(line, amount=Decimal(290), net=Decimal('285.40'))
        self.compare()
        found = self.only('booked_amount', amount=-10)
        wrong = tx.payment_id
        self.as_accountant(found).action_book()
        self.assertEqual(self.clearing_balance(), 285.40)
        self.assertEqual(tx.payment_id.amount, 290)
        self.assertEqual(wrong.move_id.state, 'posted')
        self.assertEqual(tx.invoice_ids.amount_residual, 10)
        self.assertFalse(self.compare())
        self.assertEqual(found.state, 'done')

    def test_a_commission_that_differs_is_booked_anew(self):
        tx, line = self.booked()
        self.gateway.set(tx.provider_reference, commission=Decimal('5.10'))
        self.relist(line, fee=Decimal('5.10'), net=Decimal('294.90'))
        self.compare()
        found = self.only('commission')
        self.assertEqual(found.currency_id.round(found.amount), 0.5)
        self.as_accountant(found).action_book()
        self.assertEqual(self.clearing_balance(), 294.90)
        self.assertEqual(tx.pay_now_commission, 5.10)
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        self.assertFalse(self.compare())

    def test_a_commission_unposted_by_hand(self):
        tx, _line = self.booked()
        tx.pay_now_commission_move_id.button_draft()
        self.compare()
        self.only('commission').action_book()
        self.assertEqual(self.clearing_balance(), 295.40)
        self.assertFalse(self.compare())

    def test_what_was_converted_is_not_compared(self):
        _tx, line = self.booked()
        self.relist(line, currency='USD', amount=Decimal(340))
        self.assertFalse(self.compare())

    # === twice === #

    def test_one_payment_booked_twice(self):
        tx, _line = self.booked()
        first = tx.payment_id
        tx.sudo().payment_id = False
        tx._pay_now_book_payments()
        self.assertEqual(self.clearing_balance(), 595.40)
        self.compare()
        found = self.only('booked_twice', amount=300)
        self.as_accountant(found).action_reverse()
        self.assertEqual(self.clearing_balance(), 295.40)
        self.assertEqual(tx.payment_id, first, "the one that paid the invoice stays")
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        self.assertFalse(self.found(kinds=('surplus',)))
        self.assertFalse(self.compare())

    def test_two_transactions_of_one_payment(self):
        tx, _line = self.booked()
        other = self.opened()
        self.gateway.payments[other.provider_reference] = replace(
            self.gateway.payments[tx.provider_reference],
            checkout_id=other.provider_reference,
            reference=other.reference,
        )
        other._synchronize()
        self.compare()
        found = self.only('booked_twice')
        self.assertEqual(found.transaction_id, other)
        found.action_reverse()
        self.assertFalse(tx.payment_id.move_id.reversal_move_ids)
        self.assertTrue(other.payment_id.move_id.reversal_move_ids)
        self.assertEqual(other.invoice_ids.payment_state, 'not_paid')

    def test_the_same_items_paid_by_two_payments(self):
        tx, _line = self.booked()
        tx.payment_id._pay_now_counterpart_lines().remove_move_reconcile()
        other = self.checkout(self.lines(tx.invoice_ids))
        self.gateway.pay(other, paid_at=self.ago(hours=3))
        other._synchronize()
        self.assertFalse(self.found(kinds=('surplus',)))
        self.compare()
        found = self.only('superseded', amount=300, can_refund=True, can_book=False)
        self.assertEqual(found.transaction_id, tx)
        action = self.as_accountant(found).action_refund()
        self.assertEqual(action['context']['default_amount_to_refund'], 300)
        self.env['payment.refund.wizard'].with_context(**action['context']).create(
            {'amount_to_refund': 300}
        ).action_refund()
        tx._synchronize()
        self.assertFalse(self.compare())
        self.assertEqual(found.state, 'done')

    def test_a_surplus_reported_when_booking_is_not_reported_again(self):
        tx, _line = self.booked()
        tx.payment_id._pay_now_counterpart_lines().remove_move_reconcile()
        other = self.checkout(self.lines(tx.invoice_ids))
        (tx.payment_id._pay_now_counterpart_lines() | self.lines(tx.invoice_ids)).reconcile()
        self.gateway.pay(other, paid_at=self.ago(hours=3))
        other._synchronize()
        self.assertTrue(self.found(kinds=('surplus',)))
        self.assertFalse(self.compare())

    # === dismissing === #
