# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestPayPageAmounts(PayNowCommon):
    """What the payer's choice costs, and how it is booked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.discount_term = cls.env['account.payment.term'].create(
            {
                'name': "2 % within 7 days",
                'early_discount': True,
                'discount_days': 7,
                'discount_percentage': 2,
                'early_pay_discount_computation': 'included',
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})
                ],
            }
        )

    def discounted(self, amount=1000, tax=False):
        today = fields.Date.today()
        invoice = self.env['account.move'].create(
            {
                'move_type': 'out_invoice',
                'partner_id': self.customer.id,
                'invoice_date': today,
                'invoice_payment_term_id': self.discount_term.id,
                'invoice_line_ids': [
                    Command.create(
                        {
                            'name': "Bread",
                            'price_unit': amount,
                            'tax_ids': [Command.set(tax.ids if tax else [])],
                        }
                    )
                ],
            }
        )
        invoice.action_post()
        return invoice

    def credit_note(self, amount, **values):
        return self.make_invoice(amount, move_type='out_refund', **values)

    def lines(self, *moves):
        return self.env['account.move.line'].union(
            *(
                move.line_ids.filtered(lambda line: line.display_type == 'payment_term')
                for move in moves
            )
        )

    def start(self, document, lines, **values):
        tx = document.sudo()._pay_now_start(set(lines.ids), self.provider.id, **values)
        tx._pay_now_open()
        return tx

    def settle(self, tx, **values):
        self.gateway.pay(tx, **values)
        tx._synchronize()
        self.assertEqual(tx.state, 'done')

    # === ROWS === #

    def test_amounts_are_written_as_odoo_does(self):
        self.load_language('fr_FR')
        self.load_language('de_CH')
        self.env['res.lang']._activate_lang('hi_IN')
        currencies = (
            self.env['res.currency']
            .with_context(active_test=False)
            .search([('name', 'in', ('EUR', 'USD', 'JPY', 'TND', 'CHF'))])
        )
        for lang in ('en_US', 'fr_FR', 'de_CH', 'hi_IN'):
            page = self.env['pay.now.page.mixin'].with_context(lang=lang)
            for currency in currencies.with_context(lang=lang):
                write = page._pay_now_amount_writer(currency)
                for amount in (0, 7, 0.5, 999.99, 1234.5, -1234567.89):
                    amount = currency.round(amount)
                    with self.subTest(lang=lang, currency=currency.name, amount=amount):
                        self.assertEqual(write(amount), currency.format(amount))

    def test_instalments_are_numbered_where_there_are_several(self):
        whole = self.make_invoice(100)
        self.assertEqual(self.lines(whole)._pay_now_due_label(), whole.name)
        term = self.env['account.payment.term'].create(
            {
                'name': "Half now, half later",
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': days})
                    for days in (0, 30)
                ],
            }
        )
        divided = self.make_invoice(100, invoice_payment_term_id=term.id)
        lines = self.lines(divided).sorted('date_maturity')
        self.assertEqual(
            [lines._pay_now_due_labels()[line] for line in lines],
            [f"{divided.name} – instalment {number} of 2" for number in (1, 2)],
        )

    # === EARLY PAYMENT DISCOUNT === #

    def test_discount_is_deducted_while_due(self):
        invoice = self.discounted()
        values = invoice._pay_now_page_values()
        self.assertEqual(values['total'], 980)
        self.assertEqual(values['items'][0]['discount'], 20)
        tx = self.start(invoice, self.lines(invoice))
        self.assertEqual(tx.amount, 980)
        self.settle(tx)
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertFalse(tx.pay_now_discrepancy_ids)
        lost = self.company.account_journal_early_pay_discount_loss_account_id
        written_off = tx.payment_id.move_id.line_ids.filtered(lambda line: line.account_id == lost)
        self.assertEqual(written_off.balance, 20)

    def test_discount_gives_back_its_part_of_the_tax(self):
        tax = self.company_data['default_tax_sale'].copy(
            {'name': "VAT", 'amount': 20, 'price_include_override': 'tax_excluded'}
        )
        invoice = self.discounted(1000, tax)
        tx = self.start(invoice, self.lines(invoice))
        self.assertEqual(tx.amount, 1176)
        self.settle(tx)
        self.assertEqual(invoice.payment_state, 'paid')
        taxes = tx.payment_id.move_id.line_ids.filtered('tax_line_id')
        self.assertEqual(sum(taxes.mapped('balance')), 4)

    def test_no_discount_once_it_lapsed(self):
        invoice = self.discounted()
        with freeze_time(fields.Datetime.now() + timedelta(days=9)):
            self.assertEqual(invoice._pay_now_page_values()['total'], 1000)

    def test_checkout_does_not_outlive_the_discount(self):
        with freeze_time('2026-03-10 12:00:00'):
            invoice = self.discounted()
        with freeze_time('2026-03-17 21:30:00'):
            tx = self.start(invoice, self.lines(invoice))
            self.assertEqual(tx.amount, 980)
            # Midnight in Paris.
            self.assertEqual(str(tx._pay_now_checkout_end()), '2026-03-17 23:00:00+00:00')

    def test_discount_lapses_between_page_and_checkout(self):
        with freeze_time('2026-03-10 12:00:00'):
            invoice = self.discounted()
        with freeze_time('2026-03-17 22:59:00'):
            tx = invoice.sudo()._pay_now_start(set(self.lines(invoice).ids), self.provider.id)
        refused = self.assertRaisesRegex(UserError, "have changed meanwhile")
        with freeze_time('2026-03-17 23:01:00'), refused:
            tx._pay_now_open()
        self.assertFalse(self.gateway.requests)

    def test_promised_discount_is_booked_days_later(self):
        with freeze_time('2026-03-10 12:00:00'):
            invoice = self.discounted()
            tx = self.start(invoice, self.lines(invoice))
            self.gateway.pay(tx)
        with freeze_time('2026-03-25 12:00:00'):
            tx._synchronize()
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(str(tx.payment_id.date), '2026-03-10')

    def test_no_discount_for_less_than_asked(self):
        invoice = self.discounted()
        tx = self.start(invoice, self.lines(invoice))
        self.gateway.pay(tx, amount=self.gateway.payments[tx.provider_reference].amount - 100)
        tx._synchronize()
        self.assertEqual(invoice.amount_residual, 120)

    def test_mail_asks_for_the_discounted_amount(self):
        invoice = self.discounted()
        block = invoice._pay_now_mail_block('en_US')
        self.assertIn("980.00", block)
        self.assertIn("early payment discount", block)

    # === CREDIT NOTES === #

    def test_credit_note_is_deducted(self):
        invoice = self.make_invoice(300)
        credit = self.credit_note(100)
        lines = self.lines(invoice) | self.lines(credit)
        values = invoice._pay_now_page_values()
        self.assertEqual(values['total'], 300, "what the mail asks for")
        self.assertEqual([each['amount'] for each in values['credits']], [-100])
        tx = self.start(invoice, lines)
        self.assertEqual(tx.amount, 200)
        self.assertEqual(tx.invoice_ids, invoice)
        self.settle(tx)
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(credit.payment_state, 'paid')
        self.assertFalse(tx.pay_now_discrepancy_ids)

    def test_nothing_left_to_pay(self):
        invoice = self.make_invoice(300)
        credit = self.credit_note(300)
        values = invoice._pay_now_page_values(chosen=set(self.lines(invoice, credit).ids))
        self.assertEqual(values['total'], 0)
        with self.assertRaisesRegex(ValidationError, "nothing left to pay"):
            self.start(invoice, self.lines(invoice) | self.lines(credit))

    def test_credit_note_alone_is_nothing_to_pay(self):
        invoice = self.make_invoice(300)
        credit = self.credit_note(100)
        with self.assertRaisesRegex(ValidationError, "nothing left to pay"):
            self.start(invoice, self.lines(credit))

    def test_credit_notes_of_others_are_not_offered(self):
        invoice = self.make_invoice(300)
        contact = self.env['res.partner'].create({'name': "Shop", 'parent_id': self.customer.id})
        credit = self.credit_note(100, partner=contact)
        self.assertFalse(invoice._pay_now_page_values()['credits'])
        with self.assertRaisesRegex(ValidationError, "changed meanwhile"):
            self.start(invoice, self.lines(invoice) | self.lines(credit))

    def test_credit_note_is_not_deducted_twice(self):
        invoice = self.make_invoice(300)
        credit = self.credit_note(100)
        lines = self.lines(invoice) | self.lines(credit)
        first = self.start(invoice, lines)
        self.assertEqual(self.start(invoice, lines), first, "a double click pays once")
        second = self.start(invoice, self.lines(invoice))
        self.assertEqual(first.state, 'cancel')
        self.settle(second)
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(credit.payment_state, 'not_paid')

    def test_credit_note_used_meanwhile(self):
        invoice = self.make_invoice(300)
        credit = self.credit_note(100)
        tx = self.start(invoice, self.lines(invoice) | self.lines(credit))
        other = self.make_invoice(100)
        (self.lines(other) | self.lines(credit)).reconcile()
        self.settle(tx)
        self.assertEqual(invoice.amount_residual, 100)
        self.assertEqual(tx.payment_id.amount, 200)

    # === A PART OF IT === #

    def test_partial_amount_pays_the_oldest_first(self):
        self.company.pay_now_partial = True
        invoice = self.make_invoice(1000, invoice_payment_term_id=self.term.id)
        first, second = self.lines(invoice)
        tx = self.start(invoice, first | second, amount=500.0)
        self.assertEqual(tx.amount, 500)
        self.settle(tx)
        self.assertTrue(first.reconciled)
        self.assertEqual(second.amount_residual, 500)

    def test_partial_amount_beside_a_credit_note(self):
        self.company.pay_now_partial = True
        invoice = self.make_invoice(300)
        credit = self.credit_note(100)
        tx = self.start(invoice, self.lines(invoice) | self.lines(credit), amount=50.0)
        self.assertEqual(tx.amount, 50)
        self.settle(tx)
        self.assertEqual(invoice.amount_residual, 150)
        self.assertEqual(credit.payment_state, 'paid')

    def test_partial_amount_has_no_discount(self):
        self.company.pay_now_partial = True
        invoice = self.discounted()
        self.settle(self.start(invoice, self.lines(invoice), amount=500.0))
        self.assertEqual(invoice.amount_residual, 500)

    def test_partial_amounts_that_are_refused(self):
        invoice = self.make_invoice(100)
        lines = self.lines(invoice)
        with self.assertRaisesRegex(ValidationError, "changed meanwhile"):
            self.start(invoice, lines, amount=50.0)
        self.company.pay_now_partial = True
        for amount, message in ((100.01, "more than"), (0.0, "above zero"), (-5.0, "above zero")):
            with self.assertRaisesRegex(ValidationError, message):
                self.start(invoice, lines, amount=amount)
        self.assertEqual(self.start(invoice, lines, amount=100.0).amount, 100)

    def test_partial_amount_leaves_the_limits_of_the_provider(self):
        self.company.pay_now_partial = True
        invoice = self.make_invoice(100)
        with self.assertRaisesRegex(ValidationError, "takes amounts between"):
            self.start(invoice, self.lines(invoice), amount=0.01)

    def test_typed_amounts(self):
        invoice = self.make_invoice(100)
        for text, amount in (
            ('', None),
            ('12', 12.0),
            ('12.', 12.0),
            ('1,234.50', 1234.5),
            ('1,234', 1234.0),
            ('1.234', 1.234),
            ('12,5', 12.5),
            ('1.234.567,8', 1234567.8),
            (' 1 234,50 € ', 1234.5),
            ("$ 1'234.5", 1234.5),
            # As Arabic writes them.
            ('\u0661\u066c\u0662\u0663\u0664\u066b\u0665', 1234.5),
        ):
            self.assertEqual(invoice._pay_now_typed_amount(text), amount, text)
        for text in (
            *('abc', '-5', '1e9', 'nan', '12,34,5.6.7', '1,23,456', '1 2 x 3', '\u066b5'),
            # More than a float holds.
            '9' * 400,
        ):
            with self.assertRaises(ValidationError, msg=text):
                invoice._pay_now_typed_amount(text)

    # === RECEIPT === #

    def test_address_for_the_receipt(self):
        self.customer.email = False
        invoice = self.make_invoice(100)
        self.assertTrue(invoice._pay_now_page_values()['ask_email'])
        tx = self.start(invoice, self.lines(invoice), email='payer@example.com')
        self.assertEqual(tx.partner_email, 'payer@example.com')
        self.assertEqual(self.gateway.requests[-1][1].payer_email, 'payer@example.com')
        self.assertFalse(self.customer.email)
        with self.assertRaises(ValidationError):
            invoice._pay_now_typed_email('nobody')
