# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError, GatewayRefused
from odoo.addons.account_pay_now.tests.common import PayNowCommon


class RefundCase(PayNowCommon):
    """A paid invoice of 100.00, and the accountant who gives money back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(100)

    def setUp(self):
        super().setUp()
        self.tx = self.pay(self.lines(self.invoice))
        self.payment = self.tx.payment_id

    def pay(self, lines, **values):
        tx = self.checkout(lines)
        self.gateway.pay(tx, **values)
        tx._synchronize()
        return tx

    def refund(self, amount=None, payment=None):
        """Refund as the accountant does; return the answer on the screen."""
        payment = payment or self.payment
        action = payment.action_refund_wizard()
        wizard = (
            self.env[action['res_model']]
            .with_context(active_id=payment.id)
            .create({} if amount is None else {'amount_to_refund': amount})
        )
        self.answer = wizard.action_refund()['params']
        return self.refunds()[-1:]

    def give_back(self, amount, tx=None, **values):
        """Refund at the provider's dashboard."""
        return self.gateway.give_back((tx or self.tx).provider_reference, str(amount), **values)

    def refunds(self, tx=None):
        return (tx or self.tx).sudo()._pay_now_refunds()

    def discrepancies(self, tx, kind):
        return self.env['pay.now.discrepancy'].search(
            [('transaction_id', '=', tx.id), ('kind', '=', kind), ('state', '=', 'open')]
        )

    def credit_note(self, amount, invoice=None, post=True):
        """The accountant makes a credit note of an invoice."""
        invoice = invoice or self.invoice
        note = invoice._reverse_moves([{'invoice_date': fields.Date.today()}])
        note.invoice_line_ids.price_unit = amount
        if post:
            note.action_post()
        return note

    def customer_balance(self):
        """Return what the customer owes."""
        lines = self.env['account.move.line'].search(
            [
                ('partner_id', '=', self.customer.id),
                ('account_type', '=', 'asset_receivable'),
                ('parent_state', '=', 'posted'),
            ]
        )
        return sum(lines.mapped('balance'))

    def assert_balance(self):
        """The clearing account is what the provider owes, to the cent."""
        self.assertAlmostEqual(self.clearing_balance(), self.gateway.balance_of())

    def sweep(self):
        self.env['payment.transaction'].sudo().search([]).sudo().pay_now_last_sync = False
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_sweep').method_direct_trigger()


@tagged('post_install', '-at_install')
class TestRefund(RefundCase):
    """Asked for from Odoo."""

    # === GOOD WAYS === #

    def test_full(self):
        refund = self.refund()
        self.assertRecordValues(refund, [{'state': 'done', 'amount': -100, 'operation': 'refund'}])
        self.assertEqual(self.answer['type'], 'success')
        self.assertRecordValues(
            refund.payment_id,
            [
                {
                    'payment_type': 'outbound',
                    'amount': 100,
                    'journal_id': self.provider.journal_id.id,
                    'partner_id': self.customer.id,
                    'source_payment_id': self.payment.id,
                }
            ],
        )
        self.assertRecordValues(
            refund.payment_id.move_id.line_ids.sorted('balance'),
            [
                {'account_id': self.provider.pay_now_clearing_account_id.id, 'balance': -100},
                {'account_id': self.payment.destination_account_id.id, 'balance': 100},
            ],
        )
        self.assertEqual(self.payment.amount_available_for_refund, 0)
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assert_balance()

    def test_partial_and_the_rest(self):
        self.refund(30)
        self.assertEqual(self.payment.amount_available_for_refund, 70)
        self.refund(70)
        self.assertEqual(self.payment.amount_available_for_refund, 0)
        self.assertEqual(self.refunds().mapped('amount'), [-30, -70])
        keys = [key for _payment, _amount, key in self.gateway.refund_calls]
        self.assertEqual(len(set(keys)), 2)
        self.assert_balance()

    def test_synchronized_again_books_nothing_more(self):
        refund = self.refund(30)
        for _again in range(3):
            self.tx._synchronize()
            refund._synchronize()
            refund._post_process()
        self.assertEqual(len(self.refunds()), 1)
        self.assertEqual(
            self.env['account.payment'].search_count([('source_payment_id', '=', self.payment.id)]),
            1,
        )
        self.assert_balance()

    def test_amounts_without_float_noise(self):
        self.refund(33.3)
        self.refund(66.7)
        amounts = [amount for _payment, amount, _key in self.gateway.refund_calls]
        self.assertEqual(list(map(str, amounts)), ['33.30', '66.70'])

    def test_date_is_the_providers_in_the_companys_zone(self):
        evening = datetime(2026, 3, 31, 22, 30, tzinfo=timezone.utc)
        self.give_back(10, moved_at=evening)
        self.tx._synchronize()
        self.assertEqual(str(self.refunds().payment_id.date), '2026-04-01')

    def test_disconnected_provider_still_refunds(self):
        self.provider.action_pay_now_disconnect()
        self.assertEqual(self.refund(10).state, 'done')

    def test_billing_user_refunds(self):
        user = new_test_user(
            self.env, 'biller', groups='account.group_account_invoice', company_id=self.company.id
        )
        payment = self.payment.with_user(user)
        action = payment.action_refund_wizard()
        wizard = (
            self.env[action['res_model']]
            .with_user(user)
            .with_context(active_id=payment.id)
            .create({'amount_to_refund': 10})
        )
        wizard.action_refund()
        self.assertEqual(self.refunds().state, 'done')

    def test_one_light_note_and_no_mail(self):
        mails = self.env['mail.mail'].search_count([])
        notes = len(self.invoice.message_ids)
        self.refund(30)
        new = self.invoice.message_ids[: len(self.invoice.message_ids) - notes]
        self.assertEqual(len(new), 1)
        self.assertIn("refunded by Stripe", new.body)
        self.assertIn("refunded by Stripe", self.payment.message_ids[0].body)
        self.assertEqual(self.env['mail.mail'].search_count([]), mails)

    # === NEVER MORE, NEVER TWICE === #

    def test_more_than_was_paid(self):
        with self.assertRaises(ValidationError):
            self.refund(100.01)
        self.tx.action_refund(amount_to_refund=100.01)
        self.assertRecordValues(self.refunds(), [{'state': 'error', 'payment_id': False}])
        self.assertFalse(self.gateway.refund_calls)

    def test_what_the_dashboard_gave_back_counts(self):
        self.give_back(80)
        self.payment.action_refund_wizard()
        self.assertEqual(self.payment.amount_available_for_refund, 20)
        with self.assertRaises(ValidationError):
            self.refund(30)
        self.refund(20)
        self.assert_balance()

    def test_dashboard_refund_between_opening_and_confirming_stops(self):
        action = self.payment.action_refund_wizard()
        wizard = (
            self.env[action['res_model']]
            .with_context(active_id=self.payment.id)
            .create({'amount_to_refund': 30})
        )
        self.give_back(30)
        answer = wizard.action_refund()['params']
        self.assertEqual(answer['type'], 'danger')
        self.assertIn("meanwhile", answer['message'])
        self.assertFalse(self.gateway.refund_calls)
        self.assertEqual(sorted(self.refunds().mapped('state')), ['done', 'error'])
        self.assertEqual(self.payment.amount_available_for_refund, 70)
        self.assert_balance()

    def test_window_clicked_twice(self):
        self.payment.action_refund_wizard()
        wizard = (
            self.env['payment.refund.wizard']
            .with_context(active_id=self.payment.id)
            .create({'amount_to_refund': 30})
        )
        wizard.action_refund()
        with self.assertRaisesRegex(UserError, "asked for already"):
            wizard.action_refund()
        self.assertEqual(len(self.gateway.refund_calls), 1)

    def test_refund_id_is_there_once(self):
        refund = self.refund(30)
        with self.assertRaises(IntegrityError), mute_logger('odoo.sql_db'):
            self.tx._create_child_transaction(
                30, is_refund=True, pay_now_refund_ref=refund.pay_now_refund_ref
            )
            self.env.flush_all()

    def test_only_confirmed_payments(self):
        tx = self.checkout(self.lines(self.make_invoice(50)))
        with self.assertRaises(ValidationError):
            tx.action_refund(10)

    # === THE PROVIDER IS DOWN === #

    def test_down_then_sent_by_the_sweep_with_the_same_key(self):
        self.gateway.down = True
        refund = self.refund(30)
        self.assertRecordValues(refund, [{'state': 'draft', 'payment_id': False}])
        self.assertEqual(self.answer['type'], 'warning')
        self.assertIn("do not ask for it a second time", self.answer['message'])
        self.assertEqual(self.payment.amount_available_for_refund, 70)
        self.gateway.down = False
        self.sweep()
        self.assertEqual(refund.state, 'done')
        self.sweep()
        self.assertEqual(len(self.gateway.refund_calls), 1)
        self.assert_balance()

    def test_waiting_refund_is_not_dropped_with_the_old_checkouts(self):
        self.gateway.down = True
        refund = self.refund(30)
        self.env.cr.execute(
            "UPDATE payment_transaction SET create_date = %s WHERE id = %s",
            [fields.Datetime.now() - timedelta(days=3), refund.id],
        )
        refund.invalidate_recordset()
        self.env['payment.transaction']._pay_now_drop_unopened()
        self.assertEqual(refund.state, 'draft')

    def test_answer_lost_is_recognised(self):
        self.gateway.refund_answer_lost = True
        refund = self.refund(30)
        self.assertEqual(refund.state, 'draft')
        self.gateway.refund_answer_lost = False
        self.tx._synchronize()
        self.assertEqual(refund.state, 'done')
        self.assertEqual(len(self.refunds()), 1)
        self.assertEqual(len(self.gateway.refund_calls), 1)
        self.assert_balance()

    def test_request_forgotten_by_us_is_not_made_again(self):
        """As when the server stops between the provider's answer and the end of the request."""
        self.gateway.refund(
            self.gateway.payments[self.tx.provider_reference],
            Decimal('30.00'),
            f'{self.tx.pay_now_idempotency_key}-refund-1',
        )
        self.tx.action_refund(30)
        self.assertRecordValues(self.refunds(), [{'state': 'done', 'amount': -30}])
        self.assertEqual(len(self.gateway.refund_calls), 1)
        self.assert_balance()

    def test_refunded_at_the_dashboard_because_it_hung(self):
        self.gateway.down = True
        refund = self.refund(30)
        self.gateway.down = False
        self.give_back(30)
        self.sweep()
        self.assertEqual(refund.state, 'error')
        self.assertFalse(self.gateway.refund_calls)
        self.assertEqual(self.payment.amount_available_for_refund, 70)
        self.assert_balance()

    # === REFUSED === #

    def test_refused_in_the_users_language(self):
        for code, expected in (
            ('charge_already_refunded', "all of it back already"),
            ('CAPTURE_FULLY_REFUNDED', "all of it back already"),
            ('charge_disputed', "disputes this payment"),
            ('TRANSACTION_DISPUTED', "disputes this payment"),
            ('REFUND_AMOUNT_EXCEEDED', "more than what is left"),
            ('REFUND_TIME_LIMIT_EXCEEDED', "too old"),
            ('balance_insufficient', "not enough money at Stripe"),
            ('REFUND_FAILED_INSUFFICIENT_FUNDS', "not enough money at Stripe"),
            ('of_tomorrow', "Stripe answers: No."),
        ):
            with self.subTest(code):
                self.gateway.refund_error = GatewayRefused("No.", code)
                refund = self.refund(10)
                self.assertRecordValues(refund, [{'state': 'error', 'payment_id': False}])
                self.assertEqual(self.answer['type'], 'danger')
                self.assertIn(expected, self.answer['message'])
                self.assertEqual(self.payment.amount_available_for_refund, 100)
        self.assertFalse(self.refunds().payment_id)
        self.assert_balance()

    def test_refused_is_not_sent_again(self):
        self.gateway.refund_error = GatewayRefused("No.", 'charge_disputed')
        self.refund(10)
        self.gateway.refund_error = None
        self.sweep()
        self.assertEqual(len(self.gateway.refund_calls), 1)
        self.assertEqual(self.refund(10).state, 'done')
        (_payment, _amount, first), (_payment, _amount, second) = self.gateway.refund_calls
        self.assertNotEqual(first, second)

    def test_keys_that_may_not_refund_still_take_payments(self):
        self.gateway.refund_error = GatewayAuthError("No.", 'NOT_AUTHORIZED')
        self.assertEqual(self.refund(10).state, 'error')
        self.assertIn("do not allow refunds", self.answer['message'])
        self.assertNotEqual(self.provider.pay_now_health, 'red')

    def test_disputed_payment_refuses_without_asking(self):
        self.gateway.set(self.tx.provider_reference, disputed=True)
        refund = self.refund(10)
        self.assertEqual(refund.state, 'error')
        self.assertIn("disputes this payment", refund.state_message)
        self.assertFalse(self.gateway.refund_calls)

    # === FEES === #

    def test_fee_of_a_refund(self):
        self.gateway.refund_fee = '0.35'
        refund = self.refund(30)
        self.assertEqual(refund.pay_now_commission_state, 'booked')
        self.assert_balance()
        self.assertAlmostEqual(
            sum(
                refund.pay_now_commission_move_id.line_ids.filtered(
                    lambda line: line.account_id == self.provider.pay_now_commission_account_id
                ).mapped('balance')
            ),
            0.35,
        )

    def test_fee_given_back(self):
        self.gateway.refund_fee = '-1.20'
        self.refund(30)
        self.assert_balance()

    def test_fee_known_later(self):
        refund_id = self.give_back(30, commission=None)
        self.tx._synchronize()
        self.assertEqual(self.refunds().pay_now_commission_state, 'waiting')
        self.gateway.set_refund(refund_id, commission=Decimal('0.50'))
        self.sweep()
        self.assert_balance()

    def test_no_commission_account_keeps_no_refund_out(self):
        self.gateway.refund_fee = '0.35'
        account = self.provider.pay_now_commission_account_id
        self.provider.pay_now_commission_account_id = False
        refund = self.refund(30)
        self.assertTrue(refund.payment_id)
        self.assertEqual(refund.pay_now_commission_state, 'failed')
        self.provider.pay_now_commission_account_id = account
        self.sweep()
        self.assertEqual(refund.pay_now_commission_state, 'booked')
        self.assert_balance()

    def test_lock_date_keeps_no_refund_out(self):
        self.company.fiscalyear_lock_date = fields.Date.today()
        refund = self.refund(30)
        self.assertGreater(refund.payment_id.date, fields.Date.today())
        self.assert_balance()

    def test_booking_that_fails_is_reported_and_tried_again(self):
        Payment = self.env.registry['account.payment']
        with patch.object(Payment, 'action_post', side_effect=UserError("No journal.")):
            refund = self.refund(30)
        self.assertRecordValues(refund, [{'state': 'done', 'payment_id': False}])
        self.assertIn("No journal.", self.discrepancies(refund, 'booking').name)
        self.sweep()
        self.assertTrue(refund.payment_id)
        self.assertFalse(self.discrepancies(refund, 'booking'))
        self.assert_balance()
