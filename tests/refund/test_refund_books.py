# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from odoo.addons.account_pay_now.gateways.base import Event
from odoo.addons.account_pay_now.tests.refund.test_refund import RefundCase


@tagged('post_install', '-at_install')
class TestRefundComingBack(RefundCase):
    """Made at the provider's dashboard, pending, failed."""

    def notify(self, **values):
        """A notification arrives; return it after it was processed."""
        event = Event(
            id=f'evt_{len(self.gateway.refund_keys)}_{values}',
            type='refund.created',
            created_at=datetime.now(timezone.utc),
            **values,
        )
        self.env['pay.now.event']._store(self.provider, event, 'webhook')
        record = self.env['pay.now.event'].search([('event_ref', '=', event.id)])
        record.sudo()._process()
        return record

    # === THE DASHBOARD === #

    def test_found_by_any_id_of_the_notification(self):
        for number, values in enumerate(
            (
                {'charge_id': self.tx.pay_now_charge_ref},
                {'payment_id': self.tx.pay_now_payment_ref},
                {'checkout_id': self.tx.provider_reference},
                {'reference': self.tx.reference},
            ),
            1,
        ):
            with self.subTest(values):
                self.give_back(10)
                event = self.notify(**values)
                self.assertRecordValues(event, [{'state': 'done', 'transaction_id': self.tx.id}])
                self.assertEqual(len(self.refunds()), number)
        self.assert_balance()

    def test_notification_that_names_the_refund_asks_about_the_payment(self):
        refund = self.refund(10)
        event = self.notify(reference=refund.reference)
        self.assertEqual(event.transaction_id, self.tx)

    def test_notified_thrice_in_disorder(self):
        first, second = self.give_back(10), self.give_back(20)
        for refund_id in (second, first, second):
            self.notify(payment_id=self.tx.pay_now_payment_ref, object_id=refund_id)
        self.assertEqual(self.refunds().mapped('amount'), [-10, -20])
        self.assert_balance()

    def test_nobody_tells(self):
        """No webhook: recent payments are looked at daily."""
        self.provider.sudo().pay_now_webhook_ref = False
        self.give_back(10)
        with self.enter_registry_test_mode():
            sweep = self.env.ref('account_pay_now.ir_cron_sweep')
            sweep.method_direct_trigger()
            self.assertFalse(self.refunds(), "looked at a moment ago")
            self.tx.sudo().pay_now_last_sync = fields.Datetime.now() - timedelta(hours=25)
            sweep.method_direct_trigger()
        self.assertEqual(self.refunds().mapped('amount'), [-10])

    def test_events_that_come_spare_the_daily_look(self):
        self.provider.sudo().pay_now_last_sweep_at = fields.Datetime.now()
        self.tx.sudo().pay_now_last_sync = fields.Datetime.now() - timedelta(hours=25)
        domain = self.env['payment.transaction']._pay_now_sweep_domain()
        self.assertNotIn(self.tx, self.env['payment.transaction'].sudo().search(domain))

    def test_refund_before_the_payment_was_booked(self):
        tx = self.checkout(self.lines(self.make_invoice(50)))
        self.gateway.pay(tx)
        self.give_back(50, tx=tx)
        tx._synchronize()
        self.assertEqual(tx.state, 'done')
        self.assertTrue(self.refunds(tx).payment_id)
        self.assert_balance()

    def test_payment_in_another_currency_given_back_is_handled(self):
        tx = self.checkout(self.lines(self.make_invoice(50)))
        self.gateway.pay(tx, currency='USD')
        tx._synchronize()
        self.assertTrue(self.discrepancies(tx, 'currency'))
        self.give_back('50.00', tx=tx)
        tx._synchronize()
        self.assertFalse(self.discrepancies(tx, 'currency'))
        self.assertFalse(self.refunds(tx))

    # === PENDING AND FAILED === #

    def test_pending_books_nothing_until_it_is_done(self):
        self.gateway.refund_state = 'pending'
        refund = self.refund(30)
        self.assertRecordValues(refund, [{'state': 'pending', 'payment_id': False}])
        self.assertEqual(self.answer['type'], 'info')
        self.assertEqual(self.payment.amount_available_for_refund, 70)
        self.assert_balance()
        self.gateway.set_refund(
            refund.pay_now_refund_ref,
            state='paid',
            moved_at=datetime.now(timezone.utc),
            commission=Decimal(0),
        )
        self.sweep()
        self.assertEqual(refund.state, 'done')
        self.assert_balance()

    def test_pending_whose_money_has_left_is_booked(self):
        now = datetime.now(timezone.utc)
        self.give_back(30, state='pending', moved_at=now, commission=Decimal(0))
        self.tx._synchronize()
        refund = self.refunds()
        self.assertEqual(refund.state, 'pending')
        self.assertTrue(refund.payment_id)
        self.assert_balance()
        self.gateway.set_refund(refund.pay_now_refund_ref, state='paid')
        self.tx._synchronize()
        self.assertEqual(refund.state, 'done')
        self.assert_balance()

    def test_pending_then_failed_was_never_booked(self):
        refund_id = self.give_back(30, state='pending')
        self.tx._synchronize()
        self.gateway.fail_refund(refund_id)
        self.sweep()
        self.assertRecordValues(self.refunds(), [{'state': 'error', 'payment_id': False}])
        self.assertIn("card no longer exists", self.discrepancies(self.refunds(), 'refund').name)
        self.assertEqual(self.payment.amount_available_for_refund, 100)
        self.assert_balance()

    def test_failed_after_success_is_reversed_today(self):
        before = self.customer_balance()
        long_ago = datetime.now(timezone.utc) - timedelta(days=20)
        refund_id = self.give_back(30, moved_at=long_ago)
        self.tx._synchronize()
        refund = self.refunds()
        entry = refund.payment_id.move_id
        self.assertNotEqual(self.customer_balance(), before)
        self.gateway.fail_refund(refund_id)
        self.tx._synchronize()
        self.assertEqual(refund.state, 'error')
        self.assertRecordValues(
            refund.pay_now_reversal_move_id,
            [
                {
                    'state': 'posted',
                    'date': fields.Date.context_today(refund.with_context(tz='Europe/Paris')),
                    'reversed_entry_id': entry.id,
                    'journal_id': self.provider.journal_id.id,
                }
            ],
        )
        self.assertEqual(entry.state, 'posted')
        self.assertEqual(self.customer_balance(), before)
        self.assertTrue(refund.payment_id._pay_now_counterpart_lines().reconciled)
        self.assertEqual(self.payment.amount_available_for_refund, 100)
        self.assert_balance()

    def test_failed_keeps_the_two_movements_apart_for_the_payouts(self):
        refund_id = self.give_back(30)
        self.tx._synchronize()
        self.gateway.fail_refund(refund_id)
        self.tx._synchronize()
        clearing = (
            self.refunds().payment_id.move_id | self.refunds().pay_now_reversal_move_id
        ).line_ids.filtered(
            lambda line: line.account_id == self.provider.pay_now_clearing_account_id
        )
        self.assertEqual(sorted(clearing.mapped('amount_residual')), [-30, 30])

    def test_failed_and_notified_again_is_reversed_once(self):
        refund_id = self.give_back(30)
        self.tx._synchronize()
        self.gateway.fail_refund(refund_id)
        for _again in range(3):
            self.tx._synchronize()
        self.assertEqual(len(self.discrepancies(self.refunds(), 'refund')), 1)
        self.assert_balance()

    def test_failed_before_anybody_looked(self):
        refund_id = self.give_back(30)
        self.gateway.fail_refund(refund_id)
        self.tx._synchronize()
        self.assertTrue(self.refunds().payment_id)
        self.assertTrue(self.refunds().pay_now_reversal_move_id)
        self.assertFalse(self.refunds().pay_now_credit_note_ids)
        self.assert_balance()

    def test_failed_and_money_back_later(self):
        refund_id = self.give_back(30)
        self.tx._synchronize()
        self.gateway.fail_refund(refund_id, returned_at=None)
        self.tx._synchronize()
        self.assertFalse(self.refunds().pay_now_reversal_move_id)
        self.assert_balance()
        self.gateway.set_refund(refund_id, returned_at=datetime.now(timezone.utc))
        self.sweep()
        self.assertTrue(self.refunds().pay_now_reversal_move_id)
        self.assert_balance()

    def test_fees_of_a_failed_refund(self):
        refund_id = self.give_back(30, commission=Decimal('0.35'))
        self.tx._synchronize()
        self.gateway.fail_refund(refund_id, returned_commission=Decimal('-0.35'))
        self.tx._synchronize()
        self.assert_balance()

    def test_canceled_at_the_provider(self):
        refund_id = self.give_back(30, state='pending')
        self.tx._synchronize()
        self.gateway.set_refund(refund_id, state='canceled')
        self.tx._synchronize()
        self.assertEqual(self.refunds().state, 'cancel')
        self.assertEqual(self.payment.amount_available_for_refund, 100)
        self.assert_balance()

    def test_canceled_after_the_money_left_is_reversed_and_never_canceled_in_the_books(self):
        refund_id = self.give_back(30)
        self.tx._synchronize()
        self.gateway.set_refund(refund_id, state='canceled', returned_at=datetime.now(timezone.utc))
        self.tx._synchronize()
        self.refunds()._post_process()
        self.assertEqual(self.refunds().payment_id.move_id.state, 'posted')
        self.assert_balance()


@tagged('post_install', '-at_install')
class TestRefundMatching(RefundCase):
    """Credit notes matched or proposed; surpluses."""

    def counterpart(self, refund):
        return refund.payment_id._pay_now_counterpart_lines()

    # === CREDIT NOTES THAT ARE THERE === #

    def test_open_credit_note_is_matched(self):
        note = self.credit_note(30)
        refund = self.refund(30)
        self.assertEqual(note.payment_state, 'paid')
        self.assertTrue(self.counterpart(refund).reconciled)
        self.assertFalse(refund.pay_now_credit_note_ids)

    def test_same_amount_before_the_oldest(self):
        older, same = self.credit_note(50), self.credit_note(30)
        self.refund(30)
        self.assertEqual((older.amount_residual, same.amount_residual), (50, 0))

    def test_oldest_with_enough(self):
        small, enough, newer = self.credit_note(10), self.credit_note(40), self.credit_note(45)
        self.refund(30)
        self.assertEqual([note.amount_residual for note in (small, enough, newer)], [10, 10, 45])

    def test_several_together(self):
        first, second = self.credit_note(10), self.credit_note(20)
        refund = self.refund(30)
        self.assertEqual((first.payment_state, second.payment_state), ('paid', 'paid'))
        self.assertFalse(refund.pay_now_credit_note_ids)

    def test_credit_note_of_another_invoice_stays(self):
        other = self.make_invoice(30)
        self.pay(self.lines(other))
        note = self.credit_note(30, invoice=other)
        refund = self.refund(30)
        self.assertEqual(note.amount_residual, 30)
        self.assertTrue(refund.pay_now_credit_note_ids)

    # === CREDIT NOTES PROPOSED === #

    def test_full_refund_proposes_the_reversal(self):
        note = self.refund().pay_now_credit_note_ids
        self.assertRecordValues(
            note,
            [
                {
                    'state': 'draft',
                    'move_type': 'out_refund',
                    'reversed_entry_id': self.invoice.id,
                    'amount_total': 100,
                }
            ],
        )
        self.assertEqual(note.invoice_line_ids.name, "Bread")
        self.assertIn("Check lines, accounts and taxes", note.message_ids[0].body)

    def test_posted_proposal_is_matched_by_itself(self):
        for amount in (30, None):
            refund = self.refund(amount)
            note = refund.pay_now_credit_note_ids
            self.assertFalse(self.counterpart(refund).reconciled)
            note.action_post()
            self.assertTrue(self.counterpart(refund).reconciled)
            self.assertEqual(note.payment_state, 'paid')
        self.assertAlmostEqual(self.customer_balance(), 0)

    def test_partial_refund_gives_back_its_part_of_each_tax_and_account(self):
        twenty = self.company_data['default_tax_sale'].copy({'amount': 20, 'name': "20 %"})
        five = twenty.copy({'amount': 5.5, 'name': "5.5 %"})
        revenue = self.company_data['default_account_revenue']
        other = revenue.copy({'code': '707999', 'name': "Other revenue"})
        invoice = self.make_invoice(
            invoice_line_ids=[
                Command.create(
                    {
                        'name': name,
                        'quantity': 3,
                        'price_unit': price,
                        'discount': 10,
                        'account_id': account.id,
                        'tax_ids': [Command.set(taxes.ids)],
                    }
                )
                for name, price, account, taxes in (
                    ("Bread", 33.33, revenue, five),
                    ("Cake", 12.10, revenue, five),
                    ("Knife", 19.99, other, twenty),
                    ("Nothing", 7.77, other, twenty.browse()),
                )
            ]
        )
        tx = self.checkout(self.lines(invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        for amount in ('0.07', '10.00', '33.33'):
            with self.subTest(amount=amount):
                self.gateway.give_back(tx.provider_reference, amount)
                tx._synchronize()
                note = tx._pay_now_refunds()[-1].pay_now_credit_note_ids
                self.assertEqual(note.amount_total, float(amount))
                if amount == '0.07':
                    continue
                part = float(amount) / invoice.amount_total
                shares = {line.account_id: line for line in note.invoice_line_ids}
                self.assertEqual(set(shares), {revenue, other})
                for line in note.invoice_line_ids:
                    same = invoice.invoice_line_ids.filtered(
                        lambda one, line=line: (
                            (one.account_id, one.tax_ids) == (line.account_id, line.tax_ids)
                        )
                    )
                    self.assertAlmostEqual(
                        line.price_subtotal, sum(same.mapped('price_subtotal')) * part, delta=0.02
                    )

    def test_partial_refund_proposes_one_line_with_the_taxes(self):
        tax = self.company_data['default_tax_sale'].copy({'amount': 20, 'name': "20 %"})
        included = tax.copy({'price_include_override': 'tax_included', 'name': "20 % incl."})
        for taxes in (tax, included):
            for amount in (60.0, 33.33, 0.99):
                with self.subTest(taxes=taxes.name, amount=amount):
                    invoice = self.make_invoice(
                        invoice_line_ids=[
                            Command.create(
                                {
                                    'name': "Bread",
                                    'price_unit': 200,
                                    'tax_ids': [Command.set(taxes.ids)],
                                }
                            )
                        ]
                    )
                    tx = self.pay(self.lines(invoice))
                    self.refund(amount, tx.payment_id)
                    note = self.refunds(tx).pay_now_credit_note_ids
                    self.assertEqual(note.amount_total, amount)
                    self.assertEqual(note.invoice_line_ids.tax_ids, taxes)
                    self.assertEqual(
                        note.invoice_line_ids.account_id, invoice.invoice_line_ids.account_id
                    )
                    note.action_post()
                    self.assertTrue(self.counterpart(self.refunds(tx)).reconciled)

    def test_payment_of_several_invoices(self):
        invoices = [self.make_invoice(amount) for amount in (40, 60, 50)]
        tx = self.pay(self.lines(*invoices))
        self.refund(60, tx.payment_id)
        exact = self.refunds(tx).pay_now_credit_note_ids
        self.assertEqual(exact.reversed_entry_id, invoices[1])
        self.refund(70, tx.payment_id)
        shared = self.refunds(tx)[-1:].pay_now_credit_note_ids
        self.assertEqual(
            sorted((note.reversed_entry_id.amount_total, note.amount_total) for note in shared),
            [(40, 40), (50, 30)],
        )
        (exact | shared).action_post()
        for refund in self.refunds(tx):
            self.assertTrue(self.counterpart(refund).reconciled)

    def test_draft_of_the_accountant_is_enough(self):
        note = self.credit_note(100, post=False)
        refund = self.refund()
        self.assertFalse(refund.pay_now_credit_note_ids)
        note.action_post()
        self.assertTrue(self.counterpart(refund).reconciled)

    def test_rejected_proposal_does_not_come_back(self):
        refund = self.refund()
        refund.pay_now_credit_note_ids.unlink()
        self.tx._synchronize()
        self.assertFalse(refund.pay_now_credit_note_ids)
        note = self.credit_note(100)
        self.assertEqual(note.payment_state, 'paid', "the accountant's own one is matched")

    def test_failed_refund_takes_its_draft_back_and_frees_the_posted_one(self):
        first, second = self.refund(30), self.refund(20)
        draft, posted = first.pay_now_credit_note_ids, second.pay_now_credit_note_ids
        posted.action_post()
        self.gateway.fail_refund(first.pay_now_refund_ref)
        self.gateway.fail_refund(second.pay_now_refund_ref)
        self.tx._synchronize()
        self.assertEqual(draft.state, 'cancel')
        self.assertRecordValues(posted, [{'state': 'posted', 'amount_residual': 20}])
        self.assert_balance()

    # === SURPLUS === #

    def surplus(self):
        """A payment of an invoice that was paid by transfer meanwhile."""
        invoice = self.make_invoice(80)
        tx = self.checkout(self.lines(invoice))
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({})._create_payments()
        self.gateway.pay(tx)
        tx._synchronize()
        return tx

    def test_surplus_is_settled_first_and_closes_by_itself(self):
        tx = self.surplus()
        to_handle = self.discrepancies(tx, 'surplus')
        action = to_handle.action_refund()
        form = Form(self.env[action['res_model']].with_context(**action['context']))
        self.assertEqual(form.amount_to_refund, 80)
        form.save().action_refund()
        self.assertEqual(self.refunds(tx).state, 'done')
        self.assertFalse(self.refunds(tx).pay_now_credit_note_ids)
        self.assertEqual(to_handle.state, 'done')
        self.assertTrue(self.counterpart(self.refunds(tx)).reconciled)
        self.assertAlmostEqual(self.customer_balance(), 0)
        self.assert_balance()

    def test_part_of_a_surplus_stays_to_handle(self):
        tx = self.surplus()
        self.refund(50, tx.payment_id)
        to_handle = self.discrepancies(tx, 'surplus')
        self.assertTrue(to_handle)
        action = to_handle.action_refund()
        self.assertAlmostEqual(action['context']['default_amount_to_refund'], 30)

    def test_surplus_is_there_again_when_its_refund_fails(self):
        tx = self.surplus()
        self.refund(80, tx.payment_id)
        self.gateway.fail_refund(self.refunds(tx).pay_now_refund_ref)
        tx._synchronize()
        self.assertTrue(self.discrepancies(tx, 'surplus'))
        self.assertAlmostEqual(self.customer_balance(), -80)
        self.assert_balance()

    def test_surplus_used_otherwise_is_not_refunded(self):
        tx = self.surplus()
        invoice = self.make_invoice(80)
        (self.counterpart(tx) | self.lines(invoice)).reconcile()
        self.assertFalse(self.discrepancies(tx, 'surplus'), "closed by itself")
        closed = tx.pay_now_discrepancy_ids.filtered(lambda one: one.kind == 'surplus')
        with self.assertRaisesRegex(UserError, "Nothing of it"):
            closed.action_refund()
