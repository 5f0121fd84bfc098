# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The bank's line: matched by itself on evidence that cannot be a customer's, else proposed."""

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.models.payout import account_bank_statement_line as bank_text
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon

REFERENCE = 'STRPAYOUT7781'


class BankCase(PayoutCommon):
    """One payout of 295.40 that waits for the bank."""

    def setUp(self):
        super().setUp()
        _tx, line = self.pay()
        self.gateway.pay_out('po_first', [line], bank_reference=REFERENCE)
        self.sweep()
        self.first = self.payout('po_first')
        self.item = self.first._transfer_lines()

    def assert_open(self, line, case=None):
        """Check that nothing was done by itself, now or by the daily action."""
        self.env['pay.now.payout'].sudo()._cron_match_bank()
        self.assertFalse(line.is_reconciled, case)
        self.assertEqual(self.first.bank_state, 'waiting', case)

    def entry(self, line):
        """Return the journal items of a bank line, as (account, balance)."""
        items = line.move_id.line_ids.sorted(lambda item: (-item.balance, item.id))
        return [(item.account_id, round(item.balance, 2)) for item in items]


@tagged('post_install', '-at_install')
class TestPayoutEvidence(BankCase):
    """Only what is beyond doubt is matched by itself."""

    def test_a_customer_with_the_letters_in_its_name(self):
        """The case of *Pinstripe Tailors*: 295.40 for an open invoice, and a payout of as much."""
        tailors = self.env['res.partner'].create({'name': "Pinstripe Tailors"})
        invoice = self.make_invoice(295.40, partner=tailors)
        for number, values in enumerate(
            (
                {'label': f'VIR PINSTRIPE TAILORS {invoice.name}', 'partner_id': tailors.id},
                {'label': f'VIR PINSTRIPE TAILORS {invoice.name}'},
                {'label': 'VIREMENT', 'partner_name': "Pinstripe Tailors"},
                {'label': 'VIR PIN STRIPE TAILORS'},
                {'label': 'STRIPE', 'partner_name': "PINSTRIPE TAILORS"},
                {'label': 'STRIPE', 'partner_id': tailors.id},
                {'label': f'STRIPE {invoice.name}'},
                {'label': f'STRIPE {invoice.name.replace("/", "")}'},
                {'label': f'{REFERENCE} {invoice.name}'},
                {'label': REFERENCE, 'partner_id': tailors.id},
                {'label': f'{REFERENCE} PINSTRIPE TAILORS'},
                {'label': 'STRIPE'},
            )
        ):
            with self.subTest(number=number, **values):
                line = self.bank_line(295.40, **values)
                self.assert_open(line, values)
                line.unlink()
        self.assertEqual(invoice.payment_state, 'not_paid')

    def test_what_is_beyond_doubt(self):
        supplier = self.env['res.partner'].create(
            {
                'name': "Stripe Payments Europe, Limited",
                'bank_ids': [Command.create({'acc_number': 'IE29AIBK93115212345678'})],
            }
        )
        self.provider.pay_now_commission_partner_id = supplier
        for values in (
            {'label': f'VIREMENT {REFERENCE}'},
            {'label': 'VIR STRPAYOUT 7781 DU 12'},
            {'label': 'PO_FIRST'.lower()},
            {'label': 'VIR SEPA STRIPE PAYMENTS EUROPE'},
            {'label': 'VIREMENT', 'account_number': 'IE29 AIBK 9311 5212 3456 78'},
            {'label': 'STRIPE', 'partner_id': supplier.id},
            {'label': 'STRIPE', 'partner_name': "STRIPE PAYMENTS EUROPE LTD"},
        ):
            if 'first' in values['label']:
                # Too short to be nobody else's.
                self.assert_open(self.bank_line(295.40, **values))
                continue
            with self.subTest(**values), self.env.cr.savepoint() as savepoint:
                line = self.bank_line(295.40, **values)
                self.assertTrue(line.is_reconciled, values)
                self.assertEqual(self.first.statement_line_ids, line)
                self.assertEqual(
                    self.entry(line),
                    [(self.bank.default_account_id, 295.40), (self.transfer, -295.40)],
                )
                savepoint.rollback()
                self.env.invalidate_all()

    def test_the_name_alone_is_not_enough_in_other_words(self):
        for label in (
            "VIR DUPONT SOLDE STRIPE",
            "FACTURE 12 STRIPE",
            "STRIPES AND SONS",
            "MYSTRIPE",
            "VIREMENT RECU",
        ):
            with self.subTest(label):
                self.assert_open(self.bank_line(295.40, label))

    def test_the_text_of_all_payouts_of_the_account(self):
        """The merchant's own text: as good as the provider's name, and no better."""
        self.first.sudo().write({'bank_reference': False, 'descriptor': "FOURNIL PAYOUT"})
        self.assert_open(self.bank_line(295.40, "VIR DUPONT POUR FOURNIL PAYOUT"))
        self.assert_open(self.bank_line(295.40, "FOURNIL"))
        line = self.bank_line(295.40, "VIR SEPA FOURNIL PAYOUT")
        self.assertTrue(line.is_reconciled)
        self.assertEqual(self.first.statement_line_ids, line)

    def test_an_account_of_somebody_else(self):
        self.env['res.partner.bank'].create(
            {'partner_id': self.customer.id, 'acc_number': 'FR7630006000011234567890189'}
        )
        line = self.bank_line(
            295.40, f'STRIPE {REFERENCE}', account_number='FR76 3000 6000 0112 3456 7890 189'
        )
        self.assert_open(line)

    def test_the_line_is_entered_before_the_payout_is_known(self):
        line = self.bank_line(98.60, "VIREMENT STRPAYOUT9902")
        other = self.bank_line(98.60, "VIREMENT")
        _tx, movement = self.pay(100, '1.40')
        self.gateway.pay_out('po_2', [movement], bank_reference='STRPAYOUT9902')
        self.sweep()
        self.assertEqual(self.payout('po_2').statement_line_ids, line)
        self.assertFalse(other.is_reconciled)

    def test_two_payouts_of_one_amount_and_one_line(self):
        _tx, movement = self.pay()
        self.gateway.pay_out('po_twin', [movement], bank_reference='STRPAYOUT8802')
        self.sweep()
        twin = self.payout('po_twin')
        unclear = self.bank_line(295.40)
        self.assert_open(unclear)
        clear = self.bank_line(295.40, "VIR STRPAYOUT8802")
        self.assertEqual(twin.statement_line_ids, clear)
        self.assertFalse(unclear.is_reconciled)

    def test_a_statement_imported_twice(self):
        label = f'STRIPE {REFERENCE}'
        both = self.env['account.bank.statement.line'].create(
            [
                {
                    'journal_id': self.bank.id,
                    'amount': 295.40,
                    'payment_ref': label,
                    'date': self.today,
                }
            ]
            * 2
        )
        self.assert_open(both[0])
        both[1].unlink()
        self.env['pay.now.payout'].sudo()._cron_match_bank()
        self.assertTrue(both[0].is_reconciled)
        again = self.bank_line(295.40, label)
        self.assertFalse(again.is_reconciled, "the payout is at the bank already")

    def test_undone_however_it_is_undone_it_stays_so(self):
        def unreconcile(line):
            line.line_ids.remove_move_reconcile()

        def draft(line):
            line.move_id.button_draft()
            line.move_id.line_ids.remove_move_reconcile()

        for undo in (lambda line: line.action_undo_reconciliation(), unreconcile, draft):
            with self.subTest(undo=undo), self.env.cr.savepoint() as savepoint:
                line = self.bank_line(295.40, f'STRIPE {REFERENCE}')
                self.assertEqual(self.first.bank_state, 'matched')
                undo(line)
                self.env['pay.now.payout'].sudo()._cron_match_bank()
                self.sweep()
                self.first.action_check()
                self.assertEqual(self.first.bank_state, 'waiting')
                self.assertFalse(self.item.reconciled)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_a_line_that_is_deleted_and_imported_again(self):
        line = self.bank_line(295.40, f'STRIPE {REFERENCE}')
        self.assertTrue(line.is_reconciled)
        line.unlink()
        again = self.bank_line(295.40, f'STRIPE {REFERENCE}')
        self.assert_open(again)
        self.assertEqual(self.first.proposed_line_id, again)
        self.accept(self.first)
        self.assertEqual(self.first.statement_line_ids, again)

    def test_a_person_has_the_last_word(self):
        line = self.bank_line(295.40, f'STRIPE {REFERENCE}')
        line.action_undo_reconciliation()
        undone = self.env['pay.now.undone'].search([('move_id', '=', self.first.move_id.id)])
        self.assertRecordValues(undone, [{'other_id': line.move_id.id, 'with_bank': True}])
        self.first.action_match_bank()
        self.assertTrue(line.is_reconciled)
        self.assertFalse(undone.exists(), "matched again by a person")

    def test_failed_and_returned(self):
        came = self.bank_line(295.40, f'STRIPE {REFERENCE}')
        self.gateway.fail_payout('po_first')
        self.sweep()
        customer = self.bank_line(-295.40, "VIR BOULANGER REMBOURSEMENT", days=4)
        self.assertFalse(customer.is_reconciled)
        back = self.bank_line(-295.40, f'STRIPE RETOUR {REFERENCE}', days=4)
        self.assertTrue(back.is_reconciled)
        self.assertEqual(self.first.statement_line_ids, came | back)

    def test_words(self):
        self.assertEqual(bank_text.words("Société à-b/12"), ['SOCIETE', 'A', 'B', '12'])
        self.assertTrue(bank_text.names(['VIR', 'STR', 'PE12'], "strpe-12"))
        self.assertFalse(bank_text.names(['PINSTRIPE'], "Stripe"))
        self.assertFalse(bank_text.names(['STRIPE'], ""))
        self.assertFalse(bank_text.is_reference("STRIPE PAYMENTS"))


@tagged('post_install', '-at_install')
class TestPayoutProposal(BankCase):
    """What is not beyond doubt is proposed, on the payout and on the bank line."""

    def test_proposed_on_both_sides(self):
        line = self.bank_line(295.40, "VIREMENT RECU 12")
        self.env.invalidate_all()
        self.assertEqual(self.first.proposed_line_id, line)
        self.assertIn("VIREMENT RECU 12", self.first.proposal_text)
        self.assertEqual(line.pay_now_payout_id, self.first)
        shown = [self.first.id, line.pay_now_difference or '']
        for press in (self.first.action_accept_proposal, line.action_pay_now_accept):
            with self.assertRaisesRegex(UserError, "has changed"):
                press()
        with self.assertRaisesRegex(UserError, "has changed"):
            line.with_context(pay_now_proposal=[self.first.id, "1.00"]).action_pay_now_accept()
        line.with_context(pay_now_proposal=shown).action_pay_now_accept()
        self.assertEqual(self.first.statement_line_ids, line)
        self.assertFalse(line.pay_now_payout_id or self.first.proposed_line_id)
        with self.assertRaisesRegex(UserError, "proposed"):
            self.accept(self.first)
        with self.assertRaisesRegex(UserError, "proposed"):
            line.action_pay_now_accept()

    def test_what_is_a_customers_is_not_proposed(self):
        invoice = self.make_invoice(295.40)
        line = self.bank_line(295.40, f'VIR {invoice.name}')
        self.assertFalse(self.first.proposed_line_id)
        self.assertFalse(line.pay_now_payout_id)

    def test_two_alike_are_not_proposed(self):
        self.bank_line(295.40, "VIREMENT")
        self.bank_line(295.40, "VIREMENT")
        self.assertFalse(self.first.proposed_line_id)

    def test_a_bank_fee_was_deducted(self):
        line = self.bank_line(294.80, f'STRIPE {REFERENCE}')
        self.assert_open(line, "another amount is a person's to decide")
        self.assertEqual(self.first.proposed_line_id, line)
        self.assertIn("0.60", self.first.proposal_text)
        self.accept(self.first)
        self.assertEqual(
            self.entry(line),
            [
                (self.bank.default_account_id, 294.80),
                (self.provider._pay_now_find_commission_account(), 0.60),
                (self.transfer, -295.40),
            ],
        )
        self.assertTrue(line.is_reconciled)
        self.assertEqual(self.first.bank_state, 'matched')
        self.assertFalse(self.open_on(self.transfer))

    def test_a_line_that_is_split(self):
        first = self.bank_line(200, f'STRIPE {REFERENCE} 1/2')
        self.assertIn("95.40", self.first.proposal_text)
        self.accept(self.first)
        self.assertEqual(
            self.entry(first), [(self.bank.default_account_id, 200), (self.transfer, -200)]
        )
        self.assertEqual(self.first.bank_state, 'waiting')
        self.assertAlmostEqual(self.item.amount_residual, 95.40)
        second = self.bank_line(95.40, f'STRIPE {REFERENCE} 2/2')
        self.assertTrue(second.is_reconciled, "the rest, beyond doubt")
        self.assertEqual(self.first.statement_line_ids, first | second)
        self.assertEqual(self.first.bank_state, 'matched')

    def test_a_line_in_another_currency(self):
        """The bank's account is in dollars: the bank's rate and that of the books differ."""
        dollar = self.env.ref('base.USD')
        dollar.active = True
        self.env['res.currency.rate'].create(
            {'name': self.today, 'currency_id': dollar.id, 'rate': 1.1}
        )
        journal = self.env['account.journal'].create(
            {'name': "Dollars", 'type': 'bank', 'code': 'USD1', 'currency_id': dollar.id}
        )
        line = self.bank_line(323.40, f'STRIPE {REFERENCE}', journal_id=journal.id)
        self.assert_open(line)
        self.assertEqual(self.first.proposed_line_id, line)
        self.accept(self.first)
        self.assertEqual(
            self.entry(line),
            [
                (journal.default_account_id, 294.00),
                (self.company.expense_currency_exchange_account_id, 1.40),
                (self.transfer, -295.40),
            ],
        )
        self.assertEqual(line.amount, 323.40)
        self.assertTrue(line.is_reconciled)
        self.assertFalse(self.open_on(self.transfer))

    def test_a_gain_by_the_banks_rate(self):
        dollar = self.env.ref('base.USD')
        dollar.active = True
        self.env['res.currency.rate'].create(
            {'name': self.today, 'currency_id': dollar.id, 'rate': 1.1}
        )
        journal = self.env['account.journal'].create(
            {'name': "Dollars", 'type': 'bank', 'code': 'USD1', 'currency_id': dollar.id}
        )
        line = self.bank_line(326.70, f'STRIPE {REFERENCE}', journal_id=journal.id)
        self.accept(self.first)
        self.assertEqual(
            self.entry(line),
            [
                (journal.default_account_id, 297.00),
                (self.company.income_currency_exchange_account_id, -1.60),
                (self.transfer, -295.40),
            ],
        )

    def test_what_cannot_be_the_payout(self):
        for amount in (-295.40, 400):
            line = self.bank_line(amount, f'STRIPE {REFERENCE}')
            with self.assertRaisesRegex(UserError, "cannot be"):
                self.first._match_with(line, self.item)
            self.assertFalse(line.is_reconciled)
        self.assertFalse(self.first.proposed_line_id)

    def test_three_hundred_payments_in_one_payout(self):
        """Reconciled with all of them, in few queries, and matched with one bank line."""
        invoices = self.make_invoices([10.0 + number / 100 for number in range(300)])
        movements = []
        for invoice in invoices:
            tx = self.checkout(self.lines(invoice))
            self.gateway.pay(tx, commission='0.39')
            tx._apply_updates({'payment': self.gateway.payments[tx.provider_reference]})
            movements.append((tx, self.gateway.movement_of(tx)))
        transactions = (
            self.env['payment.transaction'].sudo().union(*(tx for tx, _line in movements))
        )
        transactions._post_process()
        self.gateway.pay_out('po_many', [line for _tx, line in movements])
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        payouts = self.env['pay.now.payout'].sudo()
        payout = payouts._synchronize(self.provider.sudo(), ['po_many'])
        self.env.flush_all()
        self.assertLess(self.cr.sql_log_count - before, 200, "not one query per payment")
        total = round(sum(invoices.mapped('amount_total')) - 300 * 0.39, 2)
        clearing = self.provider.pay_now_clearing_account_id
        self.assertRecordValues(
            payout.move_id.line_ids.sorted('balance'),
            [
                {'account_id': clearing.id, 'balance': -total, 'reconciled': True},
                {'account_id': self.transfer.id, 'balance': total, 'reconciled': False},
            ],
        )
        self.assertTrue(payout.settled)
        self.assertFalse(self.open_on(clearing))
        line = self.bank_line(total)
        self.assertEqual(payout.statement_line_ids, line)
