# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .. import const
from ..gateways import base
from ..gateways.errors import GatewayAuthError, GatewayUnavailable
from .common import PayNowCommon
from .test_branches import BranchCommon
from .test_companies import CompaniesCommon


class ComparisonCommon(PayNowCommon):
    """Payments of some hours ago, compared as the scheduled action compares them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_books',
            groups='account.group_account_invoice,base.group_user',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def ago(self, **period):
        return datetime.now(timezone.utc) - timedelta(**period)

    def opened(self, amount=300, hours=5, provider=None):
        """Return a checkout that was opened some hours ago."""
        tx = self.checkout(self.lines(self.make_invoice(amount)), provider=provider)
        created = fields.Datetime.now() - timedelta(hours=hours)
        self.env.cr.execute(
            'UPDATE payment_transaction SET create_date = %s WHERE id = %s', (created, tx.id)
        )
        tx.invalidate_recordset(['create_date'])
        return tx

    def received(self, tx, hours=4, commission='4.60'):
        """The payer pays; return the movement in the provider's list."""
        gateway = self.gateway_of(tx.provider_id)
        gateway.pay(tx, commission=commission, paid_at=self.ago(hours=hours))
        payment = gateway.payments[tx.provider_reference]
        return gateway.move(
            f'txn_{tx.provider_reference}',
            payment.amount - (payment.commission or 0),
            'payment',
            payment.commission or 0,
            charge_id=payment.charge_id,
            payment_id=payment.payment_id,
            reference=payment.reference,
            created_at=self.ago(hours=hours),
        )

    def relist(self, line, gateway=None, **values):
        """Change a movement in the provider's list."""
        gateway = gateway or self.gateway
        new = replace(line, **values)
        gateway.movements[gateway.movements.index(line)] = new
        return new

    def booked(self, amount=300, hours=4, commission='4.60', provider=None):
        """Return a payment that is booked, and its movement in the provider's list."""
        tx = self.opened(amount, hours + 1, provider)
        line = self.received(tx, hours, commission)
        tx._synchronize()
        return tx, line

    def compare(self, provider=None):
        """Compare as the scheduled action does, a day later."""
        provider = (provider or self.provider).sudo()
        self.assertFalse(provider._pay_now_compare_safely())
        return self.found()

    def found(self, state='open', kinds=const.COMPARED_KINDS):
        return self.env['pay.now.discrepancy'].search(
            [('state', '=', state), ('kind', 'in', kinds)], order='id'
        )

    def only(self, kind, **values):
        """Return the only thing found."""
        found = self.found()
        self.assertEqual(found.mapped('kind'), [kind])
        for name, value in values.items():
            self.assertEqual(found[name], value, name)
        return found

    def as_accountant(self, records):
        return records.with_user(self.accountant)


@tagged('post_install', '-at_install')
class TestComparison(ComparisonCommon):
    # === what is right === #

    def test_what_is_right_is_not_told(self):
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

    def test_a_payment_nobody_told_of_is_booked_once(self):
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

    def test_one_that_could_not_be_booked_is_told_once(self):
        tx = self.opened()
        self.received(tx)
        self.env['pay.now.discrepancy']._report(tx, 'booking', "Locked")
        self.assertFalse(self.compare())

    def test_another_currency_is_told_once(self):
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
        tx.payment_id = False
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
            self.gateway.payments[tx.provider_reference], checkout_id=other.provider_reference
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

    def test_a_surplus_told_when_booking_is_not_told_again(self):
        tx, _line = self.booked()
        tx.payment_id._pay_now_counterpart_lines().remove_move_reconcile()
        other = self.checkout(self.lines(tx.invoice_ids))
        (tx.payment_id._pay_now_counterpart_lines() | self.lines(tx.invoice_ids)).reconcile()
        self.gateway.pay(other, paid_at=self.ago(hours=3))
        other._synchronize()
        self.assertTrue(self.found(kinds=('surplus',)))
        self.assertFalse(self.compare())

    # === dismissing === #

    def test_dismissed_stays_dismissed_until_it_changes(self):
        _tx, line = self.booked()
        line = self.relist(line, fee=Decimal('5.10'))
        found = self.compare()
        wizard = self.env['pay.now.dismiss'].with_user(self.accountant)
        with self.assertRaises(ValidationError):
            self.as_accountant(found).state = 'dismissed'
        wizard = wizard.create({'discrepancy_ids': found.ids, 'reason': "Agreed with Stripe"})
        wizard.action_dismiss()
        self.assertRecordValues(
            found,
            [
                {
                    'state': 'dismissed',
                    'note': "Agreed with Stripe",
                    'dismissed_by_id': self.accountant.id,
                }
            ],
        )
        self.assertTrue(found.dismissed_at)
        self.assertFalse(self.compare())
        self.assertEqual(found.state, 'dismissed')
        self.relist(line, fee=Decimal('6.00'))
        again = self.compare()
        self.assertEqual(len(again), 1)
        self.assertNotEqual(again, found)

    def test_compared_twice_nothing_is_twice(self):
        self.received(self.opened())
        found = self.compare()
        self.assertEqual(self.compare(), found)

    def test_what_changes_stays_one_line(self):
        _tx, line = self.booked()
        line = self.relist(line, fee=Decimal('5.10'))
        found = self.compare()
        self.relist(line, fee=Decimal('5.20'))
        self.assertEqual(self.compare(), found)
        self.assertIn('5.20', found.name)

    def test_a_told_amount_that_was_dismissed_does_not_come_back(self):
        tx = self.opened()
        self.gateway.pay(tx, amount=Decimal(310), paid_at=self.ago(hours=4))
        tx._synchronize()
        told = self.found(kinds=('amount',))
        told._dismiss("Known")
        tx._synchronize()
        self.assertFalse(self.found(kinds=('amount',)))

    # === the edge, the zone, and what is out of sight === #

    def test_the_edge_of_thirty_days(self):
        self.company.partner_id.tz = 'Pacific/Kiritimati'
        tx, line = self.booked(hours=24 * 30 - 1)
        self.gateway.movements.remove(line)
        del self.gateway.payments[tx.provider_reference]
        self.compare()
        found = self.only('missing_there')
        tx.pay_now_paid_at = fields.Datetime.now() - timedelta(days=30, minutes=1)
        # Out of the window: what is open is still asked about, and stays.
        self.assertEqual(self.compare(), found)

    def test_older_payments_are_not_looked_at(self):
        tx, line = self.booked(hours=24 * 31)
        self.gateway.movements.remove(line)
        del self.gateway.payments[tx.provider_reference]
        self.assertFalse(self.compare())

    def test_a_debit_that_took_weeks(self):
        tx, line = self.booked(hours=24 * 31)
        self.relist(line, created_at=self.ago(days=25), fee=Decimal('9.99'))
        self.compare()
        self.only('commission', transaction_id=tx)

    def test_what_is_out_of_sight_is_not_right(self):
        tx = self.opened()
        line = self.received(tx)
        found = self.compare()
        self.gateway.movements.remove(line)
        self.gateway.down = True
        with mute_logger('odoo.addons.account_pay_now.models.payment_provider_comparison'):
            self.assertTrue(self.provider.sudo()._pay_now_compare_safely())
        self.assertEqual(found.state, 'open')
        self.gateway.down = False
        self.assertEqual(self.compare(), found)

    # === providers === #

    def test_without_the_permission_known_payments_are_asked_about(self):
        self.connect_paypal()
        tx, _line = self.booked(provider=self.paypal)
        other = self.opened(120, provider=self.paypal)
        self.received(other)
        refusal = GatewayAuthError("No permission", 'reporting_not_allowed')
        with (
            patch.object(self.paypal_gateway, 'list_movements', side_effect=refusal),
            patch.object(const, 'COMPARISON_QUESTIONS', 1),
        ):
            self.assertFalse(self.compare(self.paypal))
            self.compare(self.paypal)
        self.only('missing_here', transaction_id=other)
        self.assertIn("Transaction search", self.paypal.pay_now_comparison_note)
        self.assertTrue(tx.pay_now_compared_at)
        self.assertFalse(self.paypal.pay_now_problem)
        self.found().action_book()
        self.assertFalse(self.compare(self.paypal))
        self.assertFalse(self.paypal.pay_now_comparison_note)

    def run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_compare').method_direct_trigger()
        self.env.invalidate_all()

    def test_one_provider_that_is_down_does_not_stop_the_others(self):
        self.connect_paypal()
        self.received(self.opened())
        self.received(self.opened(provider=self.paypal))
        self.gateway.down = True
        self.run_cron()
        self.only('missing_here')
        self.assertTrue(self.paypal.pay_now_compared_at)
        self.assertFalse(self.provider.pay_now_compared_at)
        cron = self.env.ref('account_pay_now.ir_cron_compare')
        self.assertTrue(
            self.env['ir.cron.trigger'].search(
                [('cron_id', '=', cron.id), ('call_at', '>', fields.Datetime.now())]
            )
        )
        self.gateway.down = False
        with patch.object(self.paypal_gateway, 'list_movements', side_effect=AssertionError):
            self.run_cron()
        self.assertEqual(self.found().mapped('kind'), ['missing_here'] * 2)

    def test_down_in_the_middle_keeps_what_was_found_before(self):
        tx, line = self.booked()
        self.received(self.opened())
        found = self.compare()
        self.gateway.movements.remove(line)
        error = GatewayUnavailable("No answer")
        with patch.object(self.gateway, 'fetch_payment', side_effect=error):
            self.assertIn("does not answer", self.provider.sudo()._pay_now_compare_safely())
        self.assertEqual(self.found(), found)
        self.assertFalse(tx.pay_now_compared_at)

    def test_a_disconnected_provider_with_recent_payments(self):
        tx = self.opened()
        self.received(tx)
        self.provider.action_pay_now_disconnect()
        self.run_cron()
        self.only('missing_here').action_book()
        self.assertEqual(tx.state, 'done')

    def test_a_disconnected_provider_without_any(self):
        self.provider.action_pay_now_disconnect()
        with patch.object(self.gateway, 'list_movements', side_effect=AssertionError):
            self.run_cron()
        self.assertFalse(self.provider.pay_now_compared_at)

    # === size === #

    def test_no_question_for_each_payment(self):
        def listed(txs):
            lines = []
            for tx in txs:
                lines.append(self.received(tx))
            txs._synchronize()
            return lines

        def queries():
            self.env.invalidate_all()
            with patch.object(self.gateway, 'fetch_payment', side_effect=AssertionError):
                before = self.cr.sql_log_count
                self.compare()
                return self.cr.sql_log_count - before

        listed(self.opened(10) | self.opened(11))
        few = queries()
        txs = self.env['payment.transaction']
        for amount in range(20, 40):
            txs |= self.opened(amount)
        listed(txs)
        many = queries()
        self.assertLessEqual(many, few + 3)

    # === rights === #

    def test_only_accountants(self):
        self.received(self.opened())
        found = self.compare()
        nobody = new_test_user(self.env, 'pay_now_nobody', groups='base.group_user')
        theirs = found.with_user(nobody)
        for action in ('action_book', 'action_reverse', 'action_dismiss'):
            with self.assertRaises(AccessError):
                getattr(theirs, action)()
        with self.assertRaises(AccessError):
            self.env['pay.now.to.handle'].with_user(nobody).action_compare()
        with self.assertRaises(AccessError):
            self.env['pay.now.balance'].with_user(nobody).action_open()
        self.assertEqual(found.state, 'open')

    def test_by_button(self):
        self.received(self.opened())
        rows = self.env['pay.now.to.handle'].with_user(self.accountant)
        answer = rows.action_compare()
        self.assertIn("Differences to handle: 1", answer['params']['message'])
        self.assertEqual(answer['params']['type'], 'warning')
        self.only('missing_here')

    def test_other_companies(self):
        self.received(self.opened())
        found = self.compare()
        other = self.env['res.company'].create({'name': "Other"})
        stranger = new_test_user(
            self.env,
            'pay_now_stranger',
            groups='account.group_account_invoice,base.group_user',
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            found.with_user(stranger).action_book()
        rows = self.env['pay.now.to.handle'].with_user(stranger).with_company(other)
        self.assertFalse(rows.search([]))
        with patch.object(self.gateway, 'list_movements', side_effect=AssertionError):
            rows.action_compare()
        self.assertEqual(
            self.env['pay.now.to.handle'].with_user(self.accountant).search_count([]), 1
        )


@tagged('post_install', '-at_install')
class TestComparisonOfCompanies(ComparisonCommon, CompaniesCommon):
    def test_each_company_is_compared_with_its_own_account(self):
        self.connect_other()
        tx, line = self.booked()
        gateway = self.gateways[self.other_provider.id]
        # The same reference at the account of the other company is not about this payment.
        gateway.movements.append(replace(line, currency='USD', amount=Decimal(999)))
        self.assertFalse(self.compare(self.other_provider))
        self.assertFalse(self.compare())
        tx.payment_id.move_id._reverse_moves(cancel=True)
        self.assertFalse(self.compare(self.other_provider))
        self.assertEqual(self.compare().company_id, self.company)
        rows = self.env['pay.now.to.handle']
        self.assertFalse(rows.with_context(allowed_company_ids=self.other.ids).search([]))

    def test_one_failing_company_does_not_stop_the_other(self):
        self.connect_other()
        self.received(self.opened())
        self.gateways[self.other_provider.id].down = True
        answer = self.env['pay.now.to.handle'].with_context(
            allowed_company_ids=(self.other | self.company).ids
        )
        self.assertIn("does not answer", answer.action_compare()['params']['message'])
        self.only('missing_here')


@tagged('post_install', '-at_install')
class TestComparisonOfBranches(ComparisonCommon, BranchCommon):
    def test_a_payment_of_a_branch_is_booked_where_all_are(self):
        tx = self.checkout(self.lines(self.make_branch_invoice(80)))
        self.env.cr.execute(
            'UPDATE payment_transaction SET create_date = %s WHERE id = %s',
            (fields.Datetime.now() - timedelta(hours=5), tx.id),
        )
        tx.invalidate_recordset(['create_date'])
        self.received(tx)
        self.compare()
        found = self.only('missing_here', company_id=self.company)
        self.as_accountant(found).action_book()
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        self.assertEqual(tx.payment_id.company_id, self.company)
        self.assertFalse(self.compare())

    def test_a_user_of_the_branch_alone(self):
        self.received(self.opened())
        found = self.compare()
        user = self.user_of_branch()
        rows = self.env['pay.now.to.handle'].with_user(user).with_company(self.branch)
        self.assertFalse(rows.search([]))
        self.assertIn("No provider", rows.action_compare()['params']['message'])
        with self.assertRaises(AccessError):
            found.with_user(user).with_company(self.branch).action_book()
