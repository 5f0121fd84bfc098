# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from decimal import Decimal

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import PayNowCommon


class RecutCase(PayNowCommon):
    """Invoices that are reset to draft and changed, in the middle of a payment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.connect_paypal()
        cls.company.pay_now_partial = True
        cls.invoice = cls.make_invoice(100)
        cls.stranger = cls.env['res.partner'].create(
            {'name': "Meunier", 'email': 'meunier@example.com'}
        )

    # === what happens to the invoice === #

    def recut(self, invoice=None, **values):
        """Reset an invoice to draft, change it, and post it again."""
        invoice = invoice or self.invoice
        invoice.button_draft()
        self.change(invoice, **values)
        invoice.action_post()

    def change(self, invoice, price=None, **values):
        if price is not None:
            values['invoice_line_ids'] = [
                Command.update(invoice.invoice_line_ids.id, {'price_unit': price})
            ]
        invoice.write(values)

    def divide(self, invoice=None, **values):
        """Post an invoice again in instalments of 30 % and 70 %."""
        self.recut(invoice, invoice_payment_term_id=self.term.id, **values)

    def give_to(self, partner, invoice=None):
        """Correct the customer of an invoice."""
        self.recut(invoice, partner_id=partner.id)

    def receive(self, tx, **values):
        """The money of a checkout arrives."""
        self.gateway_of(tx.provider_id).pay(tx, **values)
        tx._synchronize()

    def pend(self, tx):
        self.gateway_of(tx.provider_id).set(tx.provider_reference, state=base.PENDING)
        tx._synchronize()
        self.assertEqual(tx.state, 'pending')

    def sweep(self):
        self.env['payment.transaction']._pay_now_sweep_waiting()

    # === what must hold === #

    def assert_open(self, *amounts, invoice=None):
        """Check what is open of the instalments of an invoice, oldest first."""
        lines = (invoice or self.invoice)._pay_now_instalments()._pay_now_oldest_first()
        self.assertEqual([round(line.amount_residual, 2) for line in lines], list(amounts))

    def assert_flagged(self, tx, **amounts):
        """Check what is to handle about a payment: `kind=amount`."""
        found = self.env['pay.now.discrepancy'].search(
            [('transaction_id', '=', tx.id), ('state', '=', 'open')]
        )
        self.assertEqual({one.kind: round(one.amount, 2) for one in found}, amounts)

    def assert_received(self, tx, credit=0.0, amount=None, customer=None):
        """Check that all of the money is the payer's, and how much of it pays nothing yet."""
        payment = tx.payment_id
        self.assertEqual(tx.state, 'done')
        self.assertAlmostEqual(payment.amount, tx.amount if amount is None else amount)
        self.assertEqual(payment.partner_id, customer or self.customer)
        self.assertAlmostEqual(tx._pay_now_credit(), credit)
        paid = payment._pay_now_counterpart_lines().matched_debit_ids.debit_move_id
        self.assertLessEqual(paid.partner_id, payment.partner_id, "nobody else's debt is paid")


@tagged('post_install', '-at_install')
class TestRecut(RecutCase):
    """The money pays the invoice it was paid for, whatever became of its journal items."""

    # === UNDER WAY === #

    def test_other_term_while_pending(self):
        tx = self.checkout(self.lines(self.invoice))
        self.pend(tx)
        self.divide()
        lines = self.lines(self.invoice)
        self.assertEqual(len(lines), 2)
        self.assertEqual(lines._pay_now_in_progress(), lines)
        self.assertFalse(self.invoice._pay_now_page_values()['can_pay'], "170 for 100")
        self.assertEqual(self.invoice._pay_now_refusal('reminder'), 'in_progress')
        self.assertEqual(set(lines._pay_now_holds().values()), {'in_progress'})
        with self.assertRaisesRegex(UserError, "in progress"):
            self.checkout(lines[1])
        self.receive(tx)
        self.assert_open(0, 0)
        self.assert_received(tx)
        self.assert_flagged(tx)

    def test_one_item_again_while_pending(self):
        for index, amount in enumerate((30, 70)):
            with self.subTest(amount=amount):
                invoice = self.make_invoice(100, invoice_payment_term_id=self.term.id)
                tx = self.checkout(self.lines(invoice)[index])
                self.pend(tx)
                self.recut(invoice, invoice_payment_term_id=False)
                self.assertEqual(self.lines(invoice)._pay_now_in_progress(), self.lines(invoice))
                self.receive(tx)
                self.assert_received(tx, amount=amount)
                self.assert_open(100 - amount, invoice=invoice)
                self.assert_flagged(tx)

    def test_as_much_is_in_progress_as_is_on_its_way(self):
        for price, amounts, busy, left in (
            (170, [51, 119], 2, [0, 70]),
            (400, [120, 280], 1, [20, 280]),
            (80, [24, 56], 2, [0, 0]),
        ):
            with self.subTest(price=price):
                invoice = self.make_invoice(100)
                tx = self.checkout(self.lines(invoice))
                self.pend(tx)
                self.divide(invoice, price=price)
                self.assert_open(*amounts, invoice=invoice)
                lines = self.lines(invoice)
                self.assertEqual(lines._pay_now_in_progress(), lines[:busy])
                self.receive(tx)
                self.assert_open(*left, invoice=invoice)
                surplus = max(100 - price, 0)
                self.assert_received(tx, credit=surplus)
                self.assert_flagged(tx, **({'surplus': surplus} if surplus else {}))

    def test_failed_after_the_change_frees_all(self):
        tx = self.checkout(self.lines(self.invoice))
        self.pend(tx)
        self.divide()
        self.gateway.set(tx.provider_reference, state=base.FAILED)
        tx._synchronize()
        self.assertFalse(self.lines(self.invoice)._pay_now_in_progress())

    def test_an_instalment_on_its_way_leaves_the_other_one_free(self):
        invoice = self.make_invoice(100, invoice_payment_term_id=self.term.id)
        first, second = self.lines(invoice)
        other = self.checkout(second)
        tx = self.checkout(first)
        self.assertEqual(other.state, 'draft', "nothing is shared")
        self.pend(tx)
        self.assertEqual((first | second)._pay_now_in_progress(), first)
        self.assertEqual(invoice._pay_now_page_values()['total'], 70)
        self.receive(other)
        self.assert_open(30, 0, invoice=invoice)

    def test_an_item_used_for_another_instalment(self):
        """Odoo changes a journal item into another instalment rather than to make a new one."""
        line = self.lines(self.invoice)
        tx = self.checkout(line)
        self.pend(tx)
        self.divide()
        first, second = self.lines(self.invoice)
        self.assertIn(line, first | second, "to be seen by this test")
        self.assertEqual((first.amount_currency, second.amount_currency), (30, 70))
        self.assertEqual((first | second)._pay_now_in_progress(), first | second)
        self.receive(tx)
        self.assert_open(0, 0)
        self.assert_received(tx)
        self.assert_flagged(tx)

    def test_paid_by_bank_meanwhile_pays_the_next_instalment(self):
        invoice = self.make_invoice(100, invoice_payment_term_id=self.term.id)
        first, second = self.lines(invoice)
        tx = self.checkout(first)
        self.env['account.payment.register'].with_context(
            active_model='account.move.line', active_ids=first.ids
        ).create({})._create_payments()
        self.assert_open(0, 70, invoice=invoice)
        self.pend(tx)
        self.assertEqual((first | second)._pay_now_in_progress(), second)
        self.receive(tx)
        self.assert_open(0, 40, invoice=invoice)
        self.assert_flagged(tx)

    # === OPEN CHECKOUTS === #

    def test_paid_in_the_old_checkout(self):
        tx = self.checkout(self.lines(self.invoice))
        self.divide()
        self.receive(tx)
        self.assert_open(0, 0)
        self.assert_received(tx)
        self.assert_flagged(tx)

    def test_a_new_checkout_closes_the_old_one(self):
        old = self.checkout(self.lines(self.invoice))
        self.divide()
        new = self.checkout(self.lines(self.invoice)[0])
        self.assertEqual(self.gateway.closed, [old.provider_reference])
        self.assertRecordValues(old, [{'state': 'cancel', 'pay_now_refusal': 'superseded'}])
        self.assertEqual((new.state, new.amount), ('draft', 30))

    def test_both_are_paid(self):
        old = self.checkout(self.lines(self.invoice))
        self.divide()
        new = self.checkout(self.lines(self.invoice))
        self.receive(new)
        self.assert_open(0, 0)
        self.receive(old)
        self.assert_received(new)
        self.assert_received(old, credit=100)
        self.assert_flagged(old, surplus=100)

    def test_both_are_paid_the_old_one_first(self):
        old = self.checkout(self.lines(self.invoice))
        self.divide()
        new = self.checkout(self.lines(self.invoice)[1])
        self.receive(old)
        self.receive(new)
        self.assert_open(0, 0)
        self.assert_received(new, credit=70)
        self.assert_flagged(new, surplus=70)

    def test_two_of_the_same_item_in_one_batch(self):
        invoice = self.make_invoice(100, invoice_payment_term_id=self.term.id)
        first, _second = self.lines(invoice)
        one = self.checkout(first)
        other = self.checkout(first, provider=self.paypal)
        self.gateway.pay(one)
        self.paypal_gateway.pay(other)
        (one | other)._synchronize()
        self.assert_open(0, 40, invoice=invoice)
        for tx in (one, other):
            self.assert_received(tx, amount=30)
            self.assert_flagged(tx)

    def test_approved_and_then_cut(self):
        tx = self.checkout(self.lines(self.invoice), provider=self.paypal)
        self.divide()
        self.paypal_gateway.approve(tx)
        tx._synchronize(payer_returned=True)
        self.assertFalse(self.paypal_gateway.captured)
        self.assertRecordValues(tx, [{'state': 'cancel', 'pay_now_refusal': 'items_changed'}])

    def test_a_checkout_is_not_opened_once_more(self):
        tx = self.checkout(self.lines(self.invoice))
        self.divide()
        with self.assertRaisesRegex(UserError, "changed meanwhile"):
            tx._pay_now_open()
        self.assertEqual(self.gateway.closed, [tx.provider_reference])

    # === OTHER PRICES === #

    def test_another_price(self):
        for price, left, surplus in ((120, 20, 0), (80, 0, 20), (100, 0, 0)):
            with self.subTest(price=price):
                invoice = self.make_invoice(100)
                tx = self.checkout(self.lines(invoice))
                self.recut(invoice, price=price)
                self.receive(tx)
                self.assert_open(left, invoice=invoice)
                self.assert_received(tx, credit=surplus)
                self.assert_flagged(tx, **({'surplus': surplus} if surplus else {}))

    def test_no_invoice_gets_what_was_paid_for_another(self):
        other = self.make_invoice(100, days_late=5)
        third = self.make_invoice(100, days_late=1)
        tx = self.checkout(self.lines(self.invoice, other, third))
        self.recut(price=150)
        self.divide(other, price=150)
        self.receive(tx)
        self.assert_open(50, invoice=self.invoice)
        self.assert_open(0, 50, invoice=other)
        self.assert_open(0, invoice=third)
        self.assert_received(tx)
        self.assert_flagged(tx)

    def test_what_is_too_much_for_one_pays_the_others_first(self):
        other = self.make_invoice(100, days_late=5)
        tx = self.checkout(self.lines(self.invoice, other))
        self.recut(price=60)
        self.recut(other, price=110)
        self.receive(tx)
        self.assert_open(0, invoice=self.invoice)
        self.assert_open(0, invoice=other)
        self.assert_flagged(tx, surplus=30)

    def test_partial_payment_of_an_invoice_that_is_cut(self):
        line = self.lines(self.invoice)
        tx = self.env['payment.transaction'].sudo()
        tx = tx._pay_now_create(self.provider, self.customer, line, line._pay_now_parts(40))
        tx._pay_now_open()
        self.divide()
        self.pend(tx)
        lines = self.lines(self.invoice)
        self.assertEqual(lines._pay_now_in_progress(), lines)
        self.receive(tx)
        self.assert_open(0, 60)
        self.assert_flagged(tx)

    def test_less_received_than_asked(self):
        other = self.make_invoice(100, days_late=5)
        tx = self.checkout(self.lines(self.invoice, other))
        self.divide(other)
        self.receive(tx, amount=Decimal(150))
        self.assert_open(0, invoice=self.invoice)
        self.assert_open(0, 50, invoice=other)
        self.assert_received(tx, amount=150)

    def test_a_part_is_matched_with_its_tax(self):
        """Taxes due on payment: of a part that is less than what is open, too."""
        self.company.tax_exigibility = True
        account = self.env['account.account'].create(
            {
                'name': "Tax in suspense",
                'code': '445800X',
                'account_type': 'liability_current',
                'reconcile': True,
            }
        )
        tax = self.company_data['default_tax_sale'].copy(
            {
                'name': "20 % on payment",
                'amount': 20,
                'price_include_override': 'tax_included',
                'tax_exigibility': 'on_payment',
                'cash_basis_transition_account_id': account.id,
            }
        )
        line = {'name': "Bread", 'price_unit': 120, 'tax_ids': [Command.set(tax.ids)]}
        invoices = self.env['account.move'].browse()
        for _number in range(2):
            invoices |= self.make_invoice(0, invoice_line_ids=[Command.create(line)])
        tx = self.checkout(self.lines(*invoices))
        for invoice in invoices:
            self.recut(invoice, price=240)
        self.receive(tx)
        for invoice in invoices:
            self.assert_open(120, invoice=invoice)
            entries = invoice.tax_cash_basis_created_move_ids
            self.assertEqual(sum(entries.line_ids.filtered('tax_line_id').mapped('credit')), 20)

    # === PAID BEFORE === #

    def test_paid_and_then_cut(self):
        tx = self.checkout(self.lines(self.invoice))
        self.receive(tx)
        self.divide()
        self.assert_open(0, 0)
        self.assert_received(tx)
        self.assert_flagged(tx)

    def test_paid_and_then_dearer(self):
        tx = self.checkout(self.lines(self.invoice))
        self.receive(tx)
        self.recut(price=130)
        self.assert_open(30)
        self.recut(price=90)
        self.assert_open(0)
        self.assert_flagged(tx, surplus=10)
        self.recut(price=100)
        self.assert_open(0)
        self.assert_flagged(tx)

    def test_paid_and_then_posted_again_as_it_was(self):
        tx = self.checkout(self.lines(self.invoice))
        self.receive(tx)
        self.recut()
        self.assert_open(0)
        self.assert_received(tx)

    def test_paid_and_then_given_away_and_back(self):
        tx = self.checkout(self.lines(self.invoice))
        self.receive(tx)
        self.give_to(self.stranger)
        self.assert_open(100)
        self.assert_received(tx, credit=100)
        self.assert_flagged(tx, surplus=100)
        self.give_to(self.customer)
        self.assert_open(0)
        self.assert_received(tx)
        self.assert_flagged(tx)

    def test_paid_and_then_on_another_account(self):
        """Odoo matches within an account only: somebody has to be told of the money."""
        tx = self.checkout(self.lines(self.invoice))
        self.receive(tx)
        self.invoice.button_draft()
        account = self.lines(self.invoice) or self.invoice._pay_now_instalments()
        account.account_id = account.account_id.copy({'code': '411999'})
        self.invoice.action_post()
        self.assert_open(100)
        self.assert_received(tx, credit=100)
        self.assert_flagged(tx, surplus=100)
        self.invoice.button_draft()
        account.account_id = tx.payment_id.destination_account_id
        self.invoice.action_post()
        self.assert_open(0)
        self.assert_flagged(tx)

    # === CREDIT NOTES AND DISCOUNTS === #

    def test_a_deducted_credit_note_is_changed(self):
        note = self.make_invoice(30, move_type='out_refund')
        lines = self.lines(self.invoice) | note._pay_now_instalments()
        for name, change in (
            ('cut', self.divide),
            ('dearer', lambda note: self.recut(note, price=40)),
        ):
            with self.subTest(name):
                tx = self.checkout(lines)
                self.assertEqual(tx.amount, 70)
                change(note)
                self.receive(tx)
                self.assert_open(0)
                self.assert_received(tx)
                self.assert_flagged(tx)
                self.assertAlmostEqual(note.amount_residual, note.amount_total - 30)
                invoice = self.invoice = self.make_invoice(100)
                note = self.make_invoice(30, move_type='out_refund')
                lines = self.lines(invoice) | note._pay_now_instalments()

    def test_a_deducted_credit_note_in_draft(self):
        note = self.make_invoice(30, move_type='out_refund')
        tx = self.checkout(self.lines(self.invoice) | note._pay_now_instalments())
        note.button_draft()
        self.receive(tx)
        self.assert_open(30)
        note.action_post()
        self.assert_open(0)
        self.assert_flagged(tx)

    def discounted(self):
        """Return an invoice of 100 with 2 % off until tomorrow."""
        term = self.env['account.payment.term'].create(
            {
                'name': "2 % within 20 days",
                'early_discount': True,
                'discount_days': 20,
                'discount_percentage': 2,
                'line_ids': [Command.create({'value_amount': 100, 'nb_days': 30})],
            }
        )
        return self.make_invoice(100, invoice_payment_term_id=term.id)

    def test_the_discount_of_an_item_as_it_was(self):
        invoice = self.discounted()
        tx = self.checkout(self.lines(invoice))
        self.assertEqual(tx.amount, 98)
        self.recut(invoice, ref="A remark")
        self.receive(tx)
        self.assert_open(0, invoice=invoice)
        self.assert_flagged(tx)

    def test_no_discount_where_the_term_has_none_any_more(self):
        """The very journal item may be there still, without a discount."""
        for values in ({'invoice_payment_term_id': False}, {'price': 200}):
            with self.subTest(values):
                invoice = self.discounted()
                tx = self.checkout(self.lines(invoice))
                self.recut(invoice, **values)
                total = invoice.amount_total
                self.receive(tx)
                self.assertAlmostEqual(invoice.amount_residual, total - 98)
                self.assert_received(tx)
                self.assert_flagged(tx)

    def test_discounts_of_several_that_are_cut(self):
        one, other = self.discounted(), self.discounted()
        tx = self.checkout(self.lines(one, other))
        self.divide(other)
        self.receive(tx)
        self.assert_open(0, invoice=one)
        self.assert_open(0, 2, invoice=other)
        self.assert_flagged(tx)
