# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, timezone
from decimal import Decimal

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: Where the raw errors go.
BOOKS = 'odoo.addons.account_pay_now.models.provider.payment_provider_books'


@tagged('post_install', '-at_install')
class TestBooking(PayNowCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(300)

    def pay(self, lines, **values):
        tx = self.checkout(lines)
        self.gateway.pay(tx, **values)
        tx._synchronize()
        return tx

    def discrepancies(self, tx):
        return self.env['pay.now.discrepancy'].search([('transaction_id', '=', tx.id)])

    def test_one_invoice(self):
        tx = self.pay(self.lines(self.invoice), commission='4.60')
        self.assertRecordValues(tx, [{'state': 'done', 'pay_now_commission_state': 'booked'}])
        self.assertEqual(self.invoice.payment_state, 'paid')
        clearing = self.provider.pay_now_clearing_account_id
        self.assertRecordValues(
            tx.payment_id.move_id.line_ids.sorted('balance'),
            [
                {'account_id': self.lines_account().id, 'balance': -300, 'reconciled': True},
                {'account_id': clearing.id, 'balance': 300, 'reconciled': False},
            ],
        )
        self.assertRecordValues(
            tx.pay_now_commission_move_id.line_ids.sorted('balance'),
            [
                {'account_id': clearing.id, 'balance': -4.60},
                {
                    'account_id': self.provider.pay_now_commission_account_id.id,
                    'balance': 4.60,
                },
            ],
        )
        self.assertEqual(tx.payment_id.journal_id, self.provider.journal_id)
        self.assertEqual(tx.pay_now_commission_move_id.journal_id, self.provider.journal_id)
        self.assertAlmostEqual(self.clearing_balance(), 295.40)
        self.assertFalse(self.discrepancies(tx))

    def lines_account(self):
        return self.customer.property_account_receivable_id

    def test_twice_is_once(self):
        tx = self.pay(self.lines(self.invoice))
        payment, move = tx.payment_id, tx.pay_now_commission_move_id
        for _again in range(3):
            tx._synchronize()
            tx._post_process()
        self.assertEqual((tx.payment_id, tx.pay_now_commission_move_id), (payment, move))
        self.assertEqual(
            self.env['account.payment'].search_count([('payment_transaction_id', '=', tx.id)]), 1
        )

    def test_exactly_the_snapshot_is_paid(self):
        instalments = self.make_invoice(1000, invoice_payment_term_id=self.term.id)
        first, second = self.lines(instalments)
        older = self.make_invoice(200, days_late=90)
        # The second instalment and the newer invoice; core would pay the oldest.
        tx = self.pay(second | self.lines(self.invoice))
        self.assertEqual(tx.amount, 1000)
        self.assertTrue(second.reconciled)
        self.assertFalse(first.reconciled)
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertEqual(instalments.payment_state, 'partial')
        self.assertEqual(older.payment_state, 'not_paid')
        self.assertAlmostEqual(instalments.amount_residual, 300)

    def test_many_at_once(self):
        invoices = [self.make_invoice(100 + number) for number in range(6)]
        txs = self.env['payment.transaction'].sudo()
        for invoice in invoices:
            txs |= self.checkout(self.lines(invoice))
        for tx in txs:
            self.gateway.pay(tx, commission='1.10')
        txs._synchronize()
        self.assertEqual({invoice.payment_state for invoice in invoices}, {'paid'})
        self.assertEqual(len(txs.payment_id), 6)
        self.assertEqual(len(txs.pay_now_commission_move_id), 6)
        self.assertAlmostEqual(self.clearing_balance(), sum(txs.mapped('amount')) - 6.60)

    def test_commission_comes_later(self):
        tx = self.pay(self.lines(self.invoice), commission=None)
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertEqual(tx.pay_now_commission_state, 'waiting')
        self.gateway.pay(tx, commission='4.60')
        tx._synchronize()
        self.assertEqual(tx.pay_now_commission_state, 'booked')
        self.assertAlmostEqual(self.clearing_balance(), 295.40)

    def test_no_commission_account_keeps_no_money_out(self):
        self.provider.pay_now_commission_account_id = False
        tx = self.pay(self.lines(self.invoice))
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertEqual(tx.pay_now_commission_state, 'failed')
        self.assertIn("commission account", self.discrepancies(tx).name)
        self.provider.pay_now_commission_account_id = self.company_data['default_account_expense']
        tx._pay_now_book_commissions()
        self.assertEqual(tx.pay_now_commission_state, 'booked')
        self.assertEqual(self.discrepancies(tx).state, 'done')

    def test_lock_date_keeps_no_money_out(self):
        today = fields.Date.today()
        self.company.fiscalyear_lock_date = today
        tx = self.pay(self.lines(self.invoice))
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertGreater(tx.payment_id.date, today)
        self.assertEqual(tx.pay_now_commission_state, 'booked')

    def test_date_is_the_providers_in_the_companys_zone(self):
        late_evening = datetime(2026, 3, 31, 22, 30, tzinfo=timezone.utc)
        tx = self.pay(self.lines(self.invoice), paid_at=late_evening)
        self.assertEqual(str(tx.payment_id.date), '2026-04-01', "half past midnight in Paris")

    def test_paid_elsewhere_meanwhile_is_credit_and_flagged(self):
        tx = self.checkout(self.lines(self.invoice))
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.invoice.ids
        ).create({})._create_payments()
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(tx.state, 'done')
        self.assertFalse(tx.payment_id._pay_now_counterpart_lines().reconciled)
        self.assertRecordValues(
            self.discrepancies(tx), [{'kind': 'surplus', 'amount': 300, 'state': 'open'}]
        )

    def test_partly_paid_elsewhere(self):
        tx = self.checkout(self.lines(self.invoice))
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.invoice.ids
        ).create({'amount': 100})._create_payments()
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertEqual(self.discrepancies(tx).amount, 100)

    def test_wrong_amount_is_booked_as_received(self):
        tx = self.pay(self.lines(self.invoice), amount=Decimal('250.00'))
        self.assertEqual(tx.payment_id.amount, 250)
        self.assertAlmostEqual(self.invoice.amount_residual, 50)
        self.assertRecordValues(self.discrepancies(tx), [{'kind': 'amount', 'amount': -50}])

    def test_wrong_currency_is_not_booked(self):
        tx = self.pay(self.lines(self.invoice), currency='VND', amount=Decimal('300'))
        self.assertFalse(tx.payment_id)
        self.assertEqual(tx.state, 'error')
        self.assertEqual(self.invoice.payment_state, 'not_paid')
        self.assertEqual(self.discrepancies(tx).kind, 'currency')
        tx._synchronize()
        self.assertFalse(tx.payment_id, "the second message does not slip through")
        self.assertTrue(self.lines(self.invoice)._pay_now_in_progress(), "not asked for twice")
        self.discrepancies(tx).action_done()
        self.assertFalse(self.lines(self.invoice)._pay_now_in_progress())

    def test_pending_then_paid(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.set(tx.provider_reference, state=base.PENDING, method='sepa_debit')
        tx._synchronize()
        self.assertEqual(tx.state, 'pending')
        self.assertEqual(tx.payment_method_id.code, 'sepa_direct_debit')
        self.gateway.pay(tx, method='sepa_debit')
        tx._synchronize()
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_pending_then_failed(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.set(tx.provider_reference, state=base.PENDING)
        tx._synchronize()
        self.gateway.set(tx.provider_reference, state=base.FAILED, failure="Insufficient funds")
        tx._synchronize()
        self.assertRecordValues(tx, [{'state': 'error', 'state_message': "Insufficient funds"}])
        self.assertFalse(self.invoice._pay_now_refusal('page'), "the button is back")

    def test_late_bad_news_never_downgrades(self):
        tx = self.pay(self.lines(self.invoice))
        for state in (base.CANCELED, base.PENDING, base.FAILED, base.OPEN):
            self.gateway.set(tx.provider_reference, state=state)
            tx._synchronize()
            self.assertEqual(tx.state, 'done')

    def test_declined_then_paid(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.set(tx.provider_reference, failure="Your card was declined.")
        tx._synchronize()
        self.assertRecordValues(
            tx, [{'state': 'draft', 'pay_now_failure': "Your card was declined."}]
        )
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_one_failing_does_not_hold_the_others(self):
        good = self.checkout(self.lines(self.invoice))
        bad = self.checkout(self.lines(self.make_invoice(70)))
        self.gateway.pay(good)
        self.gateway.pay(bad)
        create = type(self.env['account.payment']).create

        def failing_create(payments, vals_list):
            if any(vals.get('payment_transaction_id') == bad.id for vals in vals_list):
                raise ValueError("no such journal")
            return create(payments, vals_list)

        self.patch(type(self.env['account.payment']), 'create', failing_create)
        with mute_logger(BOOKS):
            errors, asked = (good | bad)._pay_now_synchronize_safely()
        self.assertEqual(good.state, 'done')
        self.assertEqual(self.invoice.payment_state, 'paid')
        # The provider was heard, which is all that a notification is for.
        self.assertEqual((errors, asked), ({}, good | bad))
        self.assertEqual(bad.pay_now_booking_state, 'received')
        self.assertIn("not booked yet: Odoo could not write", self.discrepancies(bad).message)
        self.assertNotIn("no such journal", self.discrepancies(bad).name)

    def test_disconnected_meanwhile_is_booked_all_the_same(self):
        tx = self.checkout(self.lines(self.invoice))
        self.provider.action_pay_now_disconnect()
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertEqual(tx.pay_now_commission_state, 'booked')

    def test_language_of_the_books_is_the_companys(self):
        self.load_language('fr_FR')
        self.company.partner_id.lang = 'fr_FR'
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx.with_context(lang='en_US')._synchronize()
        labels = tx.pay_now_commission_move_id.line_ids.mapped('name')
        self.assertTrue(all("Commission Stripe" in label for label in labels), labels)

    def test_sweep(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_sweep').method_direct_trigger()
        self.assertEqual(tx.state, 'done')
        self.assertEqual(self.invoice.payment_state, 'paid')

    def test_sweep_with_the_provider_down(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.down = True
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_sweep').method_direct_trigger()
        self.gateway.down = False
        self.assertEqual(tx.state, 'draft')

    # === MANY AT ONCE === #

    def received(self, count):
        """Return transactions of as many invoices, paid and with their commissions known."""
        txs = self.env['payment.transaction'].sudo()
        for _number in range(count):
            tx = self.checkout(self.lines(self.make_invoice(120)))
            self.gateway.pay(tx, commission='1.25')
            tx._process(tx.provider_code, {'payment': tx._pay_now_fetch()})
            txs |= tx
        self.env.flush_all()
        self.env.invalidate_all()
        return txs

    def test_queries_of_many(self):
        counts = []
        for count in (4, 14):
            txs = self.received(count)
            before = self.env.cr.sql_log_count
            txs._post_process()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(set(txs.mapped('pay_now_commission_state')), {'booked'})
            self.assertEqual(set(txs.invoice_ids.mapped('payment_state')), {'paid'})
            self.assertEqual(set(txs.payment_id.mapped('state')), {'paid'})
            for tx in txs:
                self.assertEqual(tx.payment_id.move_id.origin_payment_id, tx.payment_id)
                self.assertEqual(sum(tx.payment_id.move_id.line_ids.mapped('debit')), 120)
        self.assertLessEqual((counts[1] - counts[0]) / 10, 10)

    def test_notes_of_many(self):
        """Each payment is noted on its invoice, two of the same invoice one after the other."""
        txs = self.received(2)
        [first, second] = txs
        second.invoice_ids |= first.invoice_ids
        txs._post_process()
        for tx in txs:
            notes = tx.invoice_ids.message_ids.filtered(
                lambda one, tx=tx: f'>{tx.payment_id.name}<' in (one.body or '')
            )
            self.assertEqual(set(notes.mapped('res_id')), set(tx.invoice_ids.ids))
