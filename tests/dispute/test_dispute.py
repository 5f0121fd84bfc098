# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon

BOOKING = 'odoo.addons.account_pay_now.models.provider.pay_now_provider_object_mixin'


class DisputeCase(PayoutCommon):
    """A payment of 300.00 at Stripe, with a commission of 4.60, and what disputes it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect_paypal()

    def setUp(self):
        super().setUp()
        self.invoice = self.make_invoice(300)
        self.tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(self.tx, commission='4.60')
        self.tx._synchronize()
        self.disputed = self.provider.pay_now_disputed_account_id
        self.fees = self.provider.pay_now_commission_account_id

    def dispute_at_provider(self, state='open', tx=None, gateway=None, **values):
        """A payer disputes a payment at the provider."""
        tx, gateway = tx or self.tx, gateway or self.gateway
        dispute = base.Dispute(
            **{
                'id': 'du_1',
                'state': state,
                'amount': Decimal(str(tx.amount)),
                'currency': 'EUR',
                'created_at': datetime.now(timezone.utc),
                'needs_response': True,
                'due_at': datetime.now(timezone.utc) + timedelta(days=10),
                'reason': 'fraudulent',
                'payment_id': tx.pay_now_payment_ref,
                'url': 'https://dashboard.stripe.com/test/disputes/du_1',
                **values,
            }
        )
        gateway.disputes[dispute.id] = dispute
        return dispute

    def change(self, gateway=None, ref='du_1', **values):
        """Something becomes of the dispute at the provider."""
        disputes = (gateway or self.gateway).disputes
        disputes[ref] = replace(disputes[ref], **values)

    def moved(self, *amounts, prefix='txn_d'):
        """Return movements of a dispute: pairs of an amount and a fee."""
        return tuple(
            base.Movement(
                id=f'{prefix}{number}',
                kind='dispute',
                type='adjustment',
                amount=Decimal(str(amount)),
                fee=Decimal(str(fee)),
                net=Decimal(str(amount)) - Decimal(str(fee)),
                currency='EUR',
                created_at=datetime.now(timezone.utc),
                source_id='du_1',
                payment_id=self.tx.pay_now_payment_ref,
            )
            for number, (amount, fee) in enumerate(amounts, 1)
        )

    def dispute(self, tx=None):
        return self.env['pay.now.dispute'].search([('transaction_id', '=', (tx or self.tx).id)])

    def balance(self, account):
        return sum(
            self.env['account.move.line']
            .search([('account_id', '=', account.id), ('parent_state', '=', 'posted')])
            .mapped('balance')
        )


@tagged('post_install', '-at_install')
class TestDispute(DisputeCase):
    def test_an_inquiry_moves_nothing(self):
        self.dispute_at_provider('inquiry')
        self.sweep()
        self.assertRecordValues(
            self.dispute(), [{'state': 'inquiry', 'withdrawn': 0, 'amount': 300}]
        )
        self.assertFalse(self.dispute().movement_ids)
        self.change(state='closed')
        self.sweep()
        self.assertRecordValues(self.dispute(), [{'state': 'closed', 'settled': True}])
        self.assertAlmostEqual(self.clearing_balance(), 295.40)

    def test_funds_withdrawn(self):
        self.dispute_at_provider(movements=self.moved((-300, 20)))
        self.sweep()
        dispute = self.dispute()
        self.assertRecordValues(
            dispute.movement_ids.move_id.line_ids.sorted('balance'),
            [
                {'account_id': self.provider.pay_now_clearing_account_id.id, 'balance': -320},
                {'account_id': self.fees.id, 'balance': 20},
                {'account_id': self.disputed.id, 'balance': 300},
            ],
        )
        self.assertEqual(dispute.movement_ids.move_id.journal_id, self.provider.journal_id)
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertFalse(dispute.settled)
        self.assertEqual(dispute.reason_text, "Not authorised by the payer")
        dispute.sudo().reason = 'invented_by_stripe'
        self.assertEqual(dispute.reason_text, 'invented_by_stripe')

    def test_won(self):
        self.dispute_at_provider(movements=self.moved((-300, 20)))
        self.sweep()
        self.change(state='won', movements=self.moved((-300, 20), (300, 0)))
        self.sweep()
        self.assertRecordValues(self.dispute(), [{'state': 'won', 'settled': True}])
        self.assertEqual(self.balance(self.disputed), 0)
        self.assertFalse(self.open_on(self.disputed))
        self.assertAlmostEqual(self.balance(self.fees), 24.60)
        self.assertEqual(self.invoice.payment_state, 'paid')

    def refund(self):
        """Ask for a part of the disputed payment back; return the refund."""
        self.tx.action_refund(10)
        return self.tx._pay_now_refunds()[-1]

    def test_won_payment_can_be_refunded_again(self):
        """Stripe calls the payment disputed for ever."""
        self.gateway.set(self.tx.provider_reference, disputed=True)
        self.dispute_at_provider(movements=self.moved((-300, 20)))
        self.sweep()
        self.assertIn("disputes this payment", self.refund().state_message)
        self.change(state='won', movements=self.moved((-300, 20), (300, 0)))
        self.sweep()
        refund = self.refund()
        self.assertEqual(refund.state, 'done')
        self.assertEqual(len(self.gateway.refund_calls), 1)

    def test_inquiry_that_came_to_nothing_can_be_refunded(self):
        self.gateway.set(self.tx.provider_reference, disputed=True)
        self.dispute_at_provider('inquiry')
        self.sweep()
        self.assertEqual(self.refund().state, 'error')
        self.change(state='closed')
        self.sweep()
        self.assertEqual(self.refund().state, 'done')

    def test_lost_payment_is_not_refunded_a_second_time(self):
        self.gateway.set(self.tx.provider_reference, disputed=True)
        self.dispute_at_provider('lost', movements=self.moved((-300, 20)))
        self.sweep()
        refund = (
            self.env['payment.transaction']
            .sudo()
            .browse(self.tx._create_child_transaction(10, is_refund=True).id)
        )
        refund._send_refund_request()
        self.assertIn("dispute was lost", refund.state_message)
        self.assertFalse(self.gateway.refund_calls)

    def test_won_and_the_fee_returned(self):
        self.dispute_at_provider('won', movements=self.moved((-300, 20), (300, -20)))
        self.sweep()
        self.assertAlmostEqual(self.balance(self.fees), 4.60)
        self.assertAlmostEqual(self.clearing_balance(), 295.40)

    def test_lost_re_opens_exactly_its_items(self):
        other = self.make_invoice(100)
        both = self.make_invoice(700, invoice_payment_term_id=self.term.id)
        lines = self.lines(both)
        tx = self.checkout(lines[1] | self.lines(other))
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(other.payment_state, 'paid')
        movements = tuple(
            replace(one, amount=Decimal(str(-tx.amount)), net=Decimal(str(-tx.amount)))
            for one in self.moved((-1, 0))
        )
        self.dispute_at_provider('lost', tx=tx, movements=movements)
        self.sweep()
        dispute = self.dispute(tx)
        self.assertTrue(dispute.settled)
        self.assertFalse(lines[1].reconciled)
        self.assertEqual(other.payment_state, 'not_paid')
        self.assertEqual(self.invoice.payment_state, 'paid', "paid by another payment")
        self.assertEqual(lines[1].amount_residual, lines[1].balance)
        credit = tx.payment_id._pay_now_counterpart_lines()
        self.assertTrue(credit.reconciled)
        self.assertEqual(credit.matched_debit_ids.debit_move_id.move_id, dispute.loss_move_id)
        self.assertEqual(tx.payment_id.move_id.state, 'posted')
        self.assertFalse(self.open_on(self.disputed))
        # The customer can pay again.
        again = self.checkout(lines[1] | self.lines(other))
        self.gateway.pay(again)
        again._synchronize()
        self.assertEqual(other.payment_state, 'paid')

    def test_lost_in_part(self):
        self.dispute_at_provider('lost', amount=Decimal(100), movements=self.moved((-100, 20)))
        self.sweep()
        self.assertEqual(self.invoice.payment_state, 'partial')
        self.assertEqual(self.invoice.amount_residual, 100)
        self.assertTrue(self.dispute().settled)

    def test_lost_and_then_won_on_appeal(self):
        self.dispute_at_provider('lost', movements=self.moved((-300, 20)))
        self.sweep()
        dispute = self.dispute()
        loss = dispute.loss_move_id
        self.assertEqual(self.invoice.payment_state, 'not_paid')
        self.change(state='open')
        dispute.action_check()
        self.assertFalse(dispute.loss_move_id)
        self.assertEqual(loss.state, 'posted')
        self.assertEqual(loss.reversal_move_ids.date, self.today)
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertEqual(self.balance(self.disputed), 300)
        self.change(state='won', movements=self.moved((-300, 20), (300, 0)))
        dispute.action_check()
        self.assertTrue(dispute.settled)
        self.assertEqual(self.balance(self.disputed), 0)
        self.assertFalse(self.open_on(self.disputed))
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_paid_otherwise_before_the_appeal_is_won(self):
        self.dispute_at_provider('lost', movements=self.moved((-300, 0)))
        self.sweep()
        again = self.checkout(self.lines(self.invoice))
        self.gateway.pay(again)
        again._synchronize()
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.change(state='won', movements=self.moved((-300, 0), (300, 0)))
        self.dispute().action_check()
        self.assertEqual(self.invoice.payment_state, 'paid')
        credit = self.tx.payment_id._pay_now_counterpart_lines()
        self.assertEqual(credit.amount_residual, -300, "the customer's credit")

    def test_however_often_and_in_whatever_order(self):
        self.dispute_at_provider('lost', movements=self.moved((-300, 20)))
        for _again in range(3):
            self.sweep()
            self.dispute().action_check()
        self.assertEqual(len(self.dispute()), 1)
        self.assertEqual(len(self.dispute().movement_ids.move_id), 1)
        self.assertEqual(
            self.env['account.move'].search_count([('ref', '=', 'du_1')]), 1, "one loss"
        )

    def test_lost_before_its_payment_is_booked(self):
        invoice = self.make_invoice(50)
        tx = self.checkout(self.lines(invoice))
        self.gateway.pay(tx)
        payment = self.gateway.payments[tx.provider_reference]
        self.dispute_at_provider(
            'lost',
            tx=tx,
            payment_id=payment.payment_id,
            reference=tx.reference,
            movements=self.moved((-50, 0)),
        )
        self.sweep()
        self.assertFalse(self.dispute(tx).loss_move_id)
        self.assertFalse(self.provider.pay_now_payout_problem)
        self.change(state='open')
        self.dispute(tx).action_check()
        self.assertTrue(self.dispute(tx).activity_ids)
        self.change(state='lost')
        tx._synchronize()
        self.sweep()
        self.assertTrue(self.dispute(tx).settled)
        self.assertEqual(invoice.payment_state, 'not_paid')

    def test_what_fails_unforeseen_keeps_nothing_else_from_its_turn(self):
        self.dispute_at_provider()
        broken = patch.object(
            type(self.env['pay.now.dispute']),
            '_notify_accountant',
            side_effect=ValueError("broken"),
        )
        self.gateway.pay_out('po_1', amount=10)
        logs = ('payout.payment_provider', 'provider.payment_provider_books')
        with broken, mute_logger(*(f'odoo.addons.account_pay_now.models.{log}' for log in logs)):
            self.sweep()
        self.assertIn("could not write the entry", self.provider.pay_now_payout_problem_text)
        self.assertTrue(self.payout('po_1').move_id)
        self.sweep()
        self.assertFalse(self.provider.pay_now_payout_problem)
        self.assertTrue(self.dispute())

    def test_payments_of_others_are_no_business_of_ours(self):
        self.dispute_at_provider(payment_id='pi_elsewhere')
        self.sweep()
        self.assertFalse(self.env['pay.now.dispute'].search([]))

    def test_no_account_is_reported_and_booked_later(self):
        self.provider.pay_now_disputed_account_id = False
        self.dispute_at_provider(movements=self.moved((-300, 20)))
        with mute_logger(BOOKING):
            self.sweep()
        self.assertIn("disputed payments", self.dispute().problem)
        self.provider.pay_now_disputed_account_id = self.disputed
        self.sweep()
        self.assertFalse(self.dispute().problem)
        self.assertEqual(self.balance(self.disputed), 300)

    def test_connecting_makes_one_account_for_all(self):
        self.assertEqual(self.disputed.account_type, 'asset_current')
        self.assertTrue(self.disputed.reconcile)
        self.assertEqual(self.paypal.pay_now_disputed_account_id, self.disputed)

    def test_the_accountant_is_notified_once(self):
        user = new_test_user(
            self.env,
            'the_accountant',
            groups='account.group_account_manager,base.group_user',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        self.dispute_at_provider('inquiry')
        self.sweep()
        self.change(state='open', movements=self.moved((-300, 20)))
        self.sweep()
        activity = self.dispute().activity_ids
        self.assertEqual(len(activity), 1)
        self.assertTrue(activity.user_id.has_group('account.group_account_manager'))
        self.assertIn(self.company, user.company_ids)
        activity.action_done()
        self.sweep()
        self.assertFalse(self.dispute().activity_ids)
        notes = self.tx.payment_id.message_ids.filtered(lambda m: 'disputes' in (m.body or ''))
        self.assertEqual(len(notes), 1)

    def test_the_activity_goes_when_it_is_decided(self):
        self.dispute_at_provider()
        self.sweep()
        self.assertTrue(self.dispute().activity_ids)
        self.change(state='won')
        self.sweep()
        self.assertFalse(self.dispute().activity_ids)

    def test_reminders_of_its_items_wait(self):
        invoice = self.make_invoice(100)
        line = self.lines(invoice)
        tx = self.checkout(line)
        self.gateway.pay(tx, amount=Decimal(60))
        tx._synchronize()
        self.assertEqual(invoice.payment_state, 'partial')
        other = self.make_invoice(20, partner=self.env['res.partner'].create({'name': "Other"}))
        run = self.env['pay.now.reminder.run'].create({})
        run._generate()
        mine = run.reminder_ids.filtered(lambda one: one.partner_id == self.customer)
        self.assertEqual(mine.amount_due, 40)
        self.dispute_at_provider(tx=tx)
        self.sweep()
        mine.sudo().state = 'draft'
        mine._refresh()
        self.assertRecordValues(mine, [{'state': 'held', 'reason': "Dispute open"}])
        self.assertFalse(other.line_ids._pay_now_disputed())
        self.change(state='lost', movements=self.moved((-60, 0)))
        self.sweep()
        mine.sudo().state = 'draft'
        mine._refresh()
        self.assertRecordValues(mine, [{'state': 'draft', 'amount_due': 100}])

    def test_a_payout_that_lists_it(self):
        line = self.gateway.movement_of(self.tx)
        (withdrawn,) = self.moved((-100, 20))
        self.dispute_at_provider(amount=Decimal(100), movements=(withdrawn,))
        self.gateway.movements.append(withdrawn)
        self.gateway.held += withdrawn.net
        self.gateway.pay_out('po_1', [line, withdrawn])
        self.sweep()
        self.assertTrue(self.payout('po_1').settled)
        self.assertFalse(self.open_on(self.provider.pay_now_clearing_account_id))
        self.assertEqual(self.provider._pay_now_clearing_equation()['gap'], 0)

    def test_a_payout_that_lists_it_before_it_is_known(self):
        line = self.gateway.movement_of(self.tx)
        (withdrawn,) = self.moved((-100, 20))
        self.gateway.movements.append(withdrawn)
        self.gateway.held += withdrawn.net
        self.gateway.pay_out('po_1', [line, withdrawn])
        self.sweep()
        payout = self.payout('po_1')
        self.assertFalse(payout.settled)
        self.assertIn('waiting', payout.line_ids.mapped('state'))
        self.assertEqual(self.provider._pay_now_clearing_equation()['gap'], 0)
        self.dispute_at_provider(amount=Decimal(100), movements=(withdrawn,))
        self.sweep()
        self.assertTrue(payout.settled)
        self.assertFalse(self.open_on(self.provider.pay_now_clearing_account_id))

    # === PayPal === #

    def paypal_paid(self):
        invoice = self.make_invoice(80)
        tx = self.checkout(self.lines(invoice), provider=self.paypal)
        self.paypal_gateway.pay(tx, commission='2.00')
        tx._synchronize()
        return tx

    def reversal(self, tx):
        """PayPal takes a payment back."""
        movement = replace(self.moved((-80, 0))[0], id='REV1', payment_id=tx.pay_now_payment_ref)
        return self.dispute_at_provider(
            'lost',
            tx,
            self.paypal_gateway,
            id='REV1',
            reversal=True,
            movements=(movement,),
        )

    def case(self, tx, state='open', *amounts):
        amounts = amounts or ((-80, 0), (0, 16))
        return self.dispute_at_provider(
            state,
            tx,
            self.paypal_gateway,
            id='PP-1',
            movements=self.moved(*amounts, prefix='PP-1-'),
        )

    def test_a_reversal(self):
        tx = self.paypal_paid()
        self.reversal(tx)
        self.sweep(self.paypal)
        self.assertRecordValues(self.dispute(tx), [{'state': 'lost', 'settled': True}])
        self.assertEqual(tx.invoice_ids.payment_state, 'not_paid')
        self.assertAlmostEqual(self.clearing_balance(self.paypal), -2)
        self.assertEqual(tx._pay_now_reversal_refs(), {'REV1'})

    def test_a_dispute_and_the_reversal_of_the_same_money(self):
        for order in (('case', 'reversal'), ('reversal', 'case')):
            with self.subTest(order):
                self.paypal_gateway.disputes.clear()
                before = self.clearing_balance(self.paypal)
                tx = self.paypal_paid()
                for step in order:
                    getattr(self, step)(tx)
                    self.sweep(self.paypal)
                self.sweep(self.paypal)
                dispute = self.dispute(tx).sudo()
                self.assertEqual(dispute.dispute_ref, 'PP-1')
                self.assertEqual(dispute.state, 'open', "the dispute says it, not the reversal")
                self.assertAlmostEqual(self.clearing_balance(self.paypal) - before, 80 - 2 - 96)
                self.assertEqual(tx.invoice_ids.payment_state, 'paid')
                self.change(
                    self.paypal_gateway,
                    'PP-1',
                    state='won',
                    movements=self.moved((-80, 0), (0, 16), (80, 0), prefix='PP-1-'),
                )
                self.sweep(self.paypal)
                self.assertTrue(dispute.settled)
                self.assertEqual(self.balance(self.disputed), 0)
                self.assertAlmostEqual(self.clearing_balance(self.paypal) - before, 80 - 2 - 16)
                dispute.dispute_ref, dispute.reversal_ref = f'PP-{tx.id}', f'REV-{tx.id}'
                for number, line in enumerate(dispute.movement_ids):
                    line.movement_ref = f'{tx.id}-{number}'

    # === access === #

    def test_who_may_see_and_do_what(self):
        self.dispute_at_provider()
        self.sweep()
        for group, allowed in (
            ('account.group_account_invoice', False),
            ('account.group_account_manager', True),
        ):
            user = new_test_user(
                self.env,
                f'user_{group}',
                groups=f'{group},base.group_user',
                company_id=self.company.id,
                company_ids=[(6, 0, self.company.ids)],
            )
            mine = self.dispute().with_user(user).with_company(self.company)
            mine.read(['name', 'withdrawn', 'partner_id', 'due_at', 'url'])
            if allowed:
                mine.action_check()
            else:
                with self.assertRaises(AccessError):
                    mine.action_check()
            with self.assertRaises(AccessError):
                mine.unlink()
