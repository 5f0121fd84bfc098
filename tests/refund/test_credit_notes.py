# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.refund.test_refund import RefundCase

#: Mode of the early payment discount -> what is paid of 100.00 with 20 % VAT and 2 % discount; the
#: entry of the payment and that of the credit note of all of it: (account, debit, credit).
DISCOUNTED = {
    'included': (
        117.60,
        {
            ('clearing', 117.60, 0.0),
            ('discount', 2.0, 0.0),
            ('vat', 0.40, 0.0),
            ('receivable', 0.0, 120.0),
        },
        {
            ('revenue', 100.0, 0.0),
            ('discount', 0.0, 2.0),
            ('vat', 19.60, 0.0),
            ('receivable', 0.0, 117.60),
        },
    ),
    'excluded': (
        118.0,
        {('clearing', 118.0, 0.0), ('discount', 2.0, 0.0), ('receivable', 0.0, 120.0)},
        {
            ('revenue', 100.0, 0.0),
            ('discount', 0.0, 2.0),
            ('vat', 20.0, 0.0),
            ('receivable', 0.0, 118.0),
        },
    ),
    'mixed': (
        117.60,
        {('clearing', 117.60, 0.0), ('discount', 2.0, 0.0), ('receivable', 0.0, 119.60)},
        {
            # The VAT was computed without the discount in the invoice already.
            ('revenue', 98.0, 0.0),
            ('revenue', 2.0, 0.0),
            ('discount', 0.0, 2.0),
            ('vat', 19.60, 0.0),
            ('receivable', 0.0, 117.60),
        },
    ),
}


ARCHIVED = "The journal is archived."


class CreditNoteCase(RefundCase):
    """Invoices with VAT that are paid, and entries to look at."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tax = cls.company_data['default_tax_sale'].copy({'amount': 20, 'name': "20 %"})

    def taxed(self, taxes=None, price=100, **values):
        """Return an invoice of 100.00 and VAT."""
        taxes = self.tax if taxes is None else taxes
        line = {'name': "Bread", 'price_unit': price, 'tax_ids': [Command.set(taxes.ids)]}
        return self.make_invoice(
            **{
                'invoice_date': fields.Date.today(),
                'invoice_line_ids': [Command.create(line)],
                **values,
            }
        )

    def discounted(self, mode, **values):
        """Return an invoice with 2 % discount for whoever pays within a week."""
        term = self.env['account.payment.term'].create(
            {
                'name': f"2 % {mode}",
                'early_discount': True,
                'discount_days': 7,
                'discount_percentage': 2,
                'early_pay_discount_computation': mode,
                'line_ids': [Command.create({'value': 'percent', 'value_amount': 100})],
            }
        )
        values = {'invoice_date_due': False, 'invoice_payment_term_id': term.id, **values}
        return self.taxed(**values)

    def names(self):
        """Return what the accounts are called in the tables."""
        company = self.company
        return {
            self.provider.pay_now_clearing_account_id: 'clearing',
            self.company_data['default_account_receivable']: 'receivable',
            self.company_data['default_journal_sale'].default_account_id: 'revenue',
            company.account_journal_early_pay_discount_loss_account_id: 'discount',
            self.tax.invoice_repartition_line_ids.account_id: 'vat',
        }

    def entry(self, moves):
        """Return entries as (account, debit, credit), zeros left out."""
        names = self.names()
        return {
            (names.get(line.account_id, line.account_id.code), line.debit, line.credit)
            for line in moves.line_ids
            if line.balance
        }

    def note_of(self, tx, amount):
        """Refund a part of a payment; return the credit note that is proposed."""
        self.refund(amount, tx.payment_id)
        return self.refunds(tx)[-1:].pay_now_credit_note_ids

    def assert_matched(self, tx):
        """Nothing stands open on the customer's account."""
        refunds = self.refunds(tx)
        lines = (tx | refunds).payment_id._pay_now_counterpart_lines()
        self.assertEqual(set(lines.mapped('reconciled')), {True})
        self.assert_balance()


@tagged('post_install', '-at_install')
class TestCreditNotes(CreditNoteCase):
    """What is proposed for a refund takes back what invoice and payment booked."""

    # === DISCOUNTS === #

    def test_refund_of_a_discounted_payment(self):
        for mode, (amount, paid, credited) in DISCOUNTED.items():
            with self.subTest(mode):
                tx = self.pay(self.lines(self.discounted(mode)))
                self.assertEqual(tx.amount, amount)
                self.assertEqual(self.entry(tx.payment_id.move_id), paid)
                note = self.note_of(tx, None)
                self.assertRecordValues(note, [{'amount_total': amount, 'state': 'draft'}])
                self.assertEqual(self.entry(note), credited)
                note.action_post()
                self.assert_matched(tx)
                refund = self.refunds(tx).payment_id.move_id
                self.assertEqual(
                    self.entry(refund), {('receivable', amount, 0.0), ('clearing', 0.0, amount)}
                )

    def test_refund_of_half_a_discounted_payment(self):
        for mode, (amount, _paid, credited) in DISCOUNTED.items():
            with self.subTest(mode):
                tx = self.pay(self.lines(self.discounted(mode)))
                half = {(name, debit / 2, credit / 2) for name, debit, credit in credited}
                for _time in range(2):
                    note = self.note_of(tx, amount / 2)
                    self.assertEqual(self.entry(note), half)
                    note.action_post()
                self.assert_matched(tx)

    def test_refund_of_a_payment_without_the_discount(self):
        """Paid too late: all of the invoice is credited, as it was."""
        for mode, total in (('included', 120), ('excluded', 120), ('mixed', 119.60)):
            with self.subTest(mode):
                late = fields.Date.today() - timedelta(days=30)
                tx = self.pay(self.lines(self.discounted(mode, invoice_date=late)))
                self.assertEqual(tx.amount, total)
                note = self.note_of(tx, None)
                self.assertRecordValues(
                    note, [{'amount_total': total, 'amount_tax': total - 100, 'state': 'draft'}]
                )
                note.action_post()
                self.assert_matched(tx)

    def test_several_invoices_one_with_a_discount(self):
        invoices = self.discounted('excluded') | self.taxed()
        tx = self.pay(self.lines(*invoices))
        self.assertEqual(tx.amount, 238)
        notes = self.note_of(tx, None)
        self.assertEqual(sorted(notes.mapped('amount_total')), [118, 120])
        notes.action_post()
        self.assert_matched(tx)

    # === VAT ON PAYMENTS === #

    def vat_on_payments(self):
        self.company.tax_exigibility = True
        account = self.tax.invoice_repartition_line_ids.account_id
        transition = account.copy({'code': '445799', 'name': "VAT to come", 'reconcile': True})
        self.tax.write(
            {
                'tax_exigibility': 'on_payment',
                'cash_basis_transition_account_id': transition.id,
            }
        )
        return transition

    def due_vat(self):
        """Return what is due to the state, and what is still to come."""
        accounts = (
            self.tax.invoice_repartition_line_ids.account_id,
            self.tax.cash_basis_transition_account_id,
        )
        lines = self.env['account.move.line']
        return tuple(
            -round(
                sum(
                    lines.search(
                        [('account_id', '=', account.id), ('parent_state', '=', 'posted')]
                    ).mapped('balance')
                ),
                2,
            )
            for account in accounts
        )

    def test_vat_on_payments(self):
        """Due as it is paid, and no more once it is given back; half, then all."""
        self.vat_on_payments()
        tx = self.pay(self.lines(self.taxed()))
        self.assertEqual(self.due_vat(), (20, 0))
        for due in (10, 0):
            note = self.note_of(tx, 60)
            self.assertEqual(note.amount_tax, 10)
            note.action_post()
            self.assertEqual(self.due_vat(), (due, 0))
        self.assert_matched(tx)

    def test_vat_on_payments_with_a_discount(self):
        for mode, due in (('included', 19.60), ('excluded', 20), ('mixed', 19.60)):
            with self.subTest(mode), self.env.cr.savepoint() as savepoint:
                self.vat_on_payments()
                tx = self.pay(self.lines(self.discounted(mode)))
                paid = self.due_vat()
                self.assertAlmostEqual(sum(paid), due)
                note = self.note_of(tx, None)
                self.assertAlmostEqual(note.amount_tax, due)
                note.action_post()
                self.assertAlmostEqual(sum(self.due_vat()), 0)
                self.assert_matched(tx)
                savepoint.rollback()
                self.env.invalidate_all()

    # === CASH ROUNDING === #

    def test_cash_rounding(self):
        """As in Switzerland: to five centimes, on an account of its own."""
        account = self.company_data['default_account_revenue'].copy(
            {'code': '758999', 'name': "Rounding"}
        )
        rounding = self.env['account.cash.rounding'].create(
            {
                'name': "0.05",
                'rounding': 0.05,
                'strategy': 'add_invoice_line',
                'profit_account_id': account.id,
                'loss_account_id': account.id,
                'rounding_method': 'HALF-UP',
            }
        )
        invoice = self.taxed(price=99.97, invoice_cash_rounding_id=rounding.id)
        self.assertEqual(invoice.amount_total, 119.95)
        tx = self.pay(self.lines(invoice))
        note = self.note_of(tx, None)
        self.assertEqual(
            self.entry(note),
            {
                ('revenue', 99.97, 0.0),
                ('vat', 19.99, 0.0),
                ('758999', 0.0, 0.01),
                ('receivable', 0.0, 119.95),
            },
        )
        note.action_post()
        self.assert_matched(tx)
        part = self.pay(self.lines(self.taxed(price=99.97, invoice_cash_rounding_id=rounding.id)))
        note = self.note_of(part, 60)
        self.assertEqual(note.amount_total, 60)
        note.action_post()
        self.assertTrue(self.refunds(part).payment_id._pay_now_counterpart_lines().reconciled)

    # === WHOSE AND WHEN === #

    def test_salesperson_is_the_invoice_s(self):
        seller = new_test_user(self.env, 'pay_now_seller', groups='sales_team.group_sale_salesman')
        invoice = self.taxed(invoice_user_id=seller.id)
        other = self.taxed()
        other.invoice_user_id = False
        for one, user in ((invoice, seller), (other, seller.browse())):
            tx = self.pay(self.lines(one))
            for amount in (30, 90):
                self.give_back(amount, tx=tx)
                tx.with_user(self.env.ref('base.user_root'))._synchronize()
                note = self.refunds(tx)[-1:].pay_now_credit_note_ids
                self.assertEqual(note.invoice_user_id, user)
                self.assertEqual(note.team_id, one.team_id)

    def test_tax_lock_date(self):
        """The refund is booked the day it was made; its VAT in a period that is open."""
        tx = self.pay(self.lines(self.taxed()))
        today = fields.Date.today()
        self.company.tax_lock_date = today + timedelta(days=3)
        for amount in (60, 60):
            note = self.note_of(tx, amount)
            refund = self.refunds(tx)[-1:]
            self.assertEqual(refund.payment_id.date, today)
            opened = today + timedelta(days=4)
            self.assertRecordValues(note, [{'date': opened, 'invoice_date': opened}])
            note.action_post()
            self.assertEqual(note.date, opened)
        self.assert_matched(tx)

    def test_sale_lock_date(self):
        tx = self.pay(self.lines(self.taxed()))
        self.company.sale_lock_date = fields.Date.today()
        note = self.note_of(tx, None)
        self.assertEqual(note.date, fields.Date.today() + timedelta(days=1))

    # === BRANCHES === #

    def test_branch(self):
        """A part of a branch's invoice, then the rest of it: on the branch's books."""
        branch = self.make_branch()
        tx = self.pay(self.lines(self.taxed(company_id=branch.id)))
        for amount, whole in ((60, {'debit': 50}), (60, {'debit': 50})):
            note = self.note_of(tx, amount)
            self.assertRecordValues(note, [{'company_id': branch.id, 'amount_total': amount}])
            self.assertEqual(
                self.entry(note),
                {
                    ('revenue', whole['debit'], 0.0),
                    ('vat', 10.0, 0.0),
                    ('receivable', 0.0, 60.0),
                },
            )
            note.action_post()
        self.assert_matched(tx)
        self.assertFalse(self.refunds(tx).pay_now_discrepancy_ids)
        whole = self.pay(self.lines(self.taxed(company_id=branch.id)))
        note = self.note_of(whole, None)
        self.assertRecordValues(note, [{'company_id': branch.id, 'amount_total': 120}])

    # === WHAT CANNOT BE PROPOSED === #

    def test_somebody_is_told(self):
        """Of two, one cannot be made: the other is, and the refunds are booked."""
        first, second = self.pay(self.lines(self.taxed())), self.pay(self.lines(self.taxed()))
        bad = first._pay_now_invoices()
        cls = self.env.registry['payment.transaction']
        prepare = cls._pay_now_prepare_note_header

        def refuse(self, invoice):
            if invoice.id == bad.id:
                raise UserError(ARCHIVED)
            return prepare(self, invoice)

        with patch.object(cls, '_pay_now_prepare_note_header', refuse):
            for tx in (first, second):
                self.give_back(60, tx=tx)
            (first | second)._synchronize()
        self.assertTrue(self.refunds(first).payment_id)
        self.assertFalse(self.refunds(first).pay_now_credit_note_ids)
        self.assertEqual(self.refunds(second).pay_now_credit_note_ids.amount_total, 60)
        told = self.discrepancies(self.refunds(first), 'credit_note')
        self.assertIn(ARCHIVED, told.message)
        self.assertIn(bad.name, told.message)
        self.sweep()
        self.assertEqual(told.state, 'open')
        # Made by hand, as the sentence says.
        note = self.credit_note(50, invoice=bad)
        self.assertEqual(note.payment_state, 'paid')
        self.assertEqual(told.state, 'done')

    # === QUERIES === #

    def test_queries_do_not_grow_with_the_refunds(self):
        """Entries, matching and credit notes are made at once.

        What grows is that Odoo numbers each payment by itself, and synchronizes each credit note.
        """

        def booking(count, amount):
            txs = self.env['payment.transaction'].sudo()
            for invoice in range(count):
                txs |= self.checkout(self.lines(self.taxed(price=100 + invoice)))
            for tx in txs:
                self.gateway.pay(tx)
            txs._synchronize()
            for tx in txs:
                self.give_back(amount or tx.amount, tx=tx)
            with patch.object(
                self.env.registry['payment.transaction'], '_pay_now_book', lambda _txs: None
            ):
                txs._synchronize()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            txs._pay_now_book_refunds()
            self.env.flush_all()
            used = self.env.cr.sql_log_count - before
            notes = self.refunds(txs).pay_now_credit_note_ids
            self.assertEqual(len(notes), count)
            return used

        for amount, one, ten in ((60, 160, 210), (None, 205, 280)):
            with self.subTest(amount=amount):
                booking(2, amount)
                few, many = booking(1, amount), booking(10, amount)
                self.assertLessEqual(few, one)
                self.assertLessEqual(many, ten)
