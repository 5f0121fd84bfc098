# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The bank's line of a transfer: matched by itself where nothing is in doubt, else proposed."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.models.reminder import transfer_reference
from odoo.addons.account_pay_now.tests.transfer.test_transfer import OTHER_IBAN, TransferCommon

LOGGER = 'odoo.addons.account_pay_now.models.transfer.account_bank_statement_line'


@tagged('post_install', '-at_install')
class TestTransferBank(TransferCommon):
    """A statement is imported, with the reference of the reminder's page."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.reminder(cls.first, cls.second, cls.third)
        cls.chosen = cls.document._pay_now_transfer_reference(cls.lines(cls.first, cls.third))

    def bank_line(self, amount=450.0, label=None, **values):
        """Import a statement with one line, as a bank writes it."""
        statement = self.env['account.bank.statement'].create(
            {
                'name': "Relevé 42",
                'line_ids': [
                    fields.Command.create(
                        {
                            'journal_id': self.bank_journal.id,
                            'amount': amount,
                            'payment_ref': label or f"VIR INST /ROC/{self.chosen}/ BOULANGER",
                            'date': fields.Date.today(),
                            **values,
                        }
                    )
                ],
            }
        )
        return statement.line_ids

    def accept(self, line):
        """Press the button beside the proposal."""
        line.with_context(
            pay_now_proposal=line.pay_now_transfer_text
        ).action_pay_now_match_transfer()

    def assert_proposed(self, line, *invoices, note='', case=None):
        self.assertFalse(line.is_reconciled, case)
        text = line.pay_now_transfer_text or ''
        names = ', '.join(invoice.name for invoice in invoices)
        self.assertEqual(text, names and f'{names} of Boulanger{note}', case)

    def test_matched_with_exactly_these_items(self):
        line = self.bank_line()
        self.assertTrue(line.is_reconciled)
        self.assertEqual(
            [one.payment_state in ('paid', 'in_payment') for one in self.invoices()],
            [True, False, True],
        )
        receivable = line.move_id.line_ids.filtered('matched_debit_ids')
        self.assertEqual(sorted(receivable.mapped('credit')), [150, 300])
        self.assertEqual(line.partner_id, self.customer)
        self.assertIn(self.first.name, line.move_id.message_ids[0].body)
        again = self.bank_line()
        self.assert_proposed(again, case="the same line twice: nothing of it is left")

    def delete(self, lines):
        lines.statement_id.unlink()
        lines.unlink()

    def invoices(self):
        return self.first | self.second | self.third

    def test_however_the_bank_writes_it(self):
        whole = self.reference(self.document, self.first, self.second, self.third)
        for label in (
            whole,
            whole.replace(' ', ''),
            whole.lower(),
            f"REF:{whole.replace(' ', '')} 12 BOULANGER",
            f"SEPA {whole.replace(' ', '')[:9]} {whole.replace(' ', '')[9:]} RF",
        ):
            with self.subTest(label=label):
                line = self.bank_line(650, label)
                self.assertTrue(line.is_reconciled)
                line.action_undo_reconciliation()
                self.env['pay.now.undone'].sudo().search([]).unlink()

    def test_in_doubt_it_is_proposed(self):
        both = (self.first, self.third)
        stranger = self.env['res.partner'].create({'name': "Épicier"})
        self.make_account(OTHER_IBAN, partner_id=stranger.id)
        less = self.bank_line(449.99)
        self.assert_proposed(less, *both, note=" – 0.01\xa0€ stay open")
        more = self.bank_line(500)
        self.assert_proposed(more, *both, note=" – 50.00\xa0€ become the customer's credit")
        for case, values in (
            ("another partner", {'partner_id': stranger.id}),
            ("another account", {'account_number': OTHER_IBAN}),
            ("another invoice too", {'label': f'{self.chosen} {self.second.name}'}),
        ):
            self.assert_proposed(self.bank_line(**values), *both, case=case)
        out = self.bank_line(-450)
        self.assert_proposed(out, case="money that went out")
        # Two references are of nobody in particular.
        other = self.reminder(self.second, self.third)
        whole = self.reference(other, self.second, self.third)
        self.assertFalse(self.bank_line(label=f'{self.chosen} – {whole}').is_reconciled)
        tx = self.checkout(self.lines(self.first))
        self.gateway.set(tx.provider_reference, state='pending')
        tx._synchronize()
        on_its_way = self.bank_line()
        self.assert_proposed(on_its_way, *both, note=" – another payment is on its way")

    def test_items_that_are_not_the_same_any_more(self):
        """Changed, paid in part or given away: never matched by itself, never somebody else's."""
        stranger = self.env['res.partner'].create({'name': "Épicier"})
        self.first.button_draft()
        self.first.partner_id = stranger
        self.first.action_post()
        line = self.bank_line()
        self.assertFalse(line.is_reconciled)
        self.assertNotIn(self.first.name, line.pay_now_transfer_text)
        self.first.button_draft()
        self.first.partner_id = self.customer
        self.first.action_post()
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.third.ids
        ).create({'amount': 50})._create_payments()
        self.assertFalse(self.bank_line().is_reconciled)

    def test_what_a_person_undid_stays_undone(self):
        line = self.bank_line()
        line.action_undo_reconciliation()
        self.assertFalse(line.is_reconciled)
        self.assert_proposed(line, self.first, self.third)
        again = self.bank_line()
        self.assert_proposed(again, self.first, self.third, case="imported once more")
        self.delete(again | line)
        third = self.bank_line()
        self.assert_proposed(third, self.first, self.third, case="deleted and imported")
        self.accept(third)
        self.assertTrue(third.is_reconciled)
        with self.assertRaises(UserError):
            self.accept(third)

    def test_a_deleted_statement_counts_as_undone(self):
        self.delete(self.bank_line())
        self.assertFalse(self.bank_line().is_reconciled)

    def test_undone_where_the_reference_is_structured(self):
        """In the entry's reference, as of CAMT: the label says nothing."""
        whole = self.reference(self.document, self.first, self.second, self.third)
        for amount, reference, undo in (
            (450, self.chosen, lambda line: line.action_undo_reconciliation()),
            (650, whole, self.delete),
        ):
            line = self.bank_line(amount, 'VIR', ref=reference)
            self.assertTrue(line.is_reconciled)
            undo(line)
            self.assertFalse(self.bank_line(amount, 'VIR', ref=reference).is_reconciled)
            self.env['pay.now.undone'].sudo().search([]).unlink()

    def test_a_person_accepts_a_proposal(self):
        line = self.bank_line(320, f"VIREMENT {self.first.name}")
        self.assert_proposed(line, self.first, note=" – 20.00\xa0€ become the customer's credit")
        clerk = new_test_user(self.env, 'pay_now_clerk', groups='account.group_account_invoice')
        with self.assertRaises(AccessError):
            line.with_user(clerk).action_pay_now_match_transfer()
        self.accept(line)
        self.assertTrue(line.is_reconciled)
        self.assertIn(self.first.payment_state, ('paid', 'in_payment'))
        credit = line.move_id.line_ids.filtered(lambda item: item.amount_residual < 0)
        self.assertEqual((credit.amount_residual, credit.partner_id), (-20, self.customer))
        part = self.bank_line(120, f"VIR {self.second.name}")
        self.assert_proposed(part, self.second, note=" – 80.00\xa0€ stay open")
        self.accept(part)
        self.assertEqual(self.second.amount_residual, 80)

    def test_what_was_read_is_what_is_done(self):
        line = self.bank_line(320, f"VIREMENT {self.first.name}")
        button = line.with_context(pay_now_proposal=line.pay_now_transfer_text)
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.first.ids
        ).create({'amount': 50})._create_payments()
        for press in (button, line):
            with self.assertRaisesRegex(UserError, "has changed"):
                press.action_pay_now_match_transfer()
        self.env.invalidate_all()
        self.accept(line)
        self.assertTrue(line.is_reconciled)

    def test_a_reference_that_proves_nothing_weighs_less_than_a_number(self):
        """Right to its check digits, of a reminder, and of other items than it had."""
        reference = transfer_reference.write(self.document.id, [1, 2], [1])
        line = self.bank_line(150, f'{reference} {self.third.name}')
        self.assert_proposed(line, self.third)
        self.assertIn(self.first.name, self.bank_line(150, reference).pay_now_transfer_text)

    def test_no_query_for_each_line(self):
        invoices = self.make_invoices([40] * 8)
        lines = self.env['account.bank.statement.line'].create(
            [
                {
                    'journal_id': self.bank_journal.id,
                    'amount': 40,
                    'payment_ref': f'VIR {invoice.name}',
                    'date': fields.Date.today(),
                }
                for invoice in invoices
            ]
        )

        def count(some):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.assertTrue(all(some.mapped('pay_now_transfer_text')))
            return self.cr.sql_log_count - before

        few = count(lines[:2])
        self.assertLessEqual(count(lines), few + 1)

    def test_a_credit_note_is_deducted(self):
        note = self.make_invoice(50, move_type='out_refund')
        items = self.lines(self.first, self.second) | note.line_ids.filtered(
            lambda line: line.display_type == 'payment_term'
        )
        line = self.bank_line(450, self.document._pay_now_transfer_reference(items))
        self.assertTrue(line.is_reconciled)
        self.assertFalse(any((self.first | self.second | note).mapped('amount_residual')))
        self.assertEqual(self.third.amount_residual, 150)

    def discounted(self, mode, tax):
        """Return an invoice of 100.00 and 20 % of VAT, with 2 % discount within 7 days."""
        term = self.env['account.payment.term'].create(
            {
                'name': f"2 % {mode}",
                'early_discount': True,
                'discount_days': 7,
                'discount_percentage': 2,
                'early_pay_discount_computation': mode,
                'line_ids': [fields.Command.create({'value': 'percent', 'value_amount': 100})],
            }
        )
        line = {'name': "Bread", 'price_unit': 100, 'tax_ids': [fields.Command.set(tax.ids)]}
        return self.make_invoice(
            invoice_date=fields.Date.today(),
            invoice_date_due=False,
            invoice_payment_term_id=term.id,
            invoice_line_ids=[fields.Command.create(line)],
        )

    def test_an_early_payment_discount_is_granted(self):
        """As the page asked on the day of the line, as core books it, and on no later day."""
        loss = self.company.account_journal_early_pay_discount_loss_account_id
        vat = self.company_data['default_tax_sale'].copy({'amount': 20, 'name': "VAT"})
        for mode, amount, tax in (('excluded', 118, 0), ('included', 117.6, 0.4)):
            with self.subTest(mode):
                invoice = self.discounted(mode, vat)
                [transfer] = self.lines(invoice)._pay_now_transfers()
                self.assertAlmostEqual(transfer['amount'], amount)
                day = fields.Date.today() + timedelta(days=8)
                late = self.bank_line(amount, f'VIR {invoice.name}', date=day)
                rest = 120 - amount
                self.assert_proposed(late, invoice, note=f" – {rest:.2f}\xa0€ stay open")
                line = self.bank_line(amount, f'VIR {invoice.name}')
                note = f" – early payment discount of {rest:.2f}\xa0€"
                self.assert_proposed(line, invoice, note=note)
                self.accept(line)
                self.assertFalse(invoice.amount_residual)
                kinds = {
                    self.bank_journal.default_account_id: 'bank',
                    loss: 'discount',
                    self.customer.property_account_receivable_id: 'receivable',
                }
                booked = {
                    kinds.get(one.account_id, 'tax'): one.balance for one in line.move_id.line_ids
                }
                wanted = {'bank': amount, 'discount': 2, 'receivable': -120, 'tax': tax}
                self.assertEqual(booked, {key: value for key, value in wanted.items() if value})
                line.action_undo_reconciliation()
                self.assertEqual((invoice.amount_residual, len(line.move_id.line_ids)), (120, 2))
        # By itself where our own reference says so.
        invoice = self.discounted('excluded', vat)
        reference = self.reference(self.reminder(invoice, self.second), invoice, self.second)
        self.assertTrue(self.bank_line(318, reference).is_reconciled)
        self.assertFalse(invoice.amount_residual or self.second.amount_residual)

    def test_the_customer_was_merged(self):
        kept = self.env['res.partner'].create({'name': "Boulanger & fils"})
        self.env['base.partner.merge.automatic.wizard'].create(
            {
                'partner_ids': [fields.Command.set((self.customer | kept).ids)],
                'dst_partner_id': kept.id,
                'state': 'selection',
            }
        ).action_merge()
        self.assertTrue(self.bank_line().is_reconciled)

    def test_of_another_company(self):
        other = self.env['res.company'].create({'name': "Other SA"})
        level = self.document.level_id
        self.document.sudo().write({'company_id': other.id, 'level_id': False})
        self.assert_proposed(self.bank_line())
        self.document.sudo().write({'company_id': self.company.id, 'level_id': level.id})
        branch = self.make_branch()
        invoice = self.make_invoice(70, company_id=branch.id)
        document = self.reminder(self.first, invoice)
        line = self.bank_line(370, self.reference(document, self.first, invoice))
        self.assertTrue(line.is_reconciled, "a branch's item, at the company's bank")

    @mute_logger(LOGGER)
    def test_a_statement_is_imported_whatever_is_refused(self):
        self.patch(
            self.registry['account.bank.statement.line'],
            '_pay_now_note_match',
            lambda *_args: (_ for _ in ()).throw(UserError("No.")),
        )
        line = self.bank_line()
        self.assert_proposed(line, self.first, self.third)
        self.assertEqual(len(line.move_id.line_ids), 2, "nothing half done")
