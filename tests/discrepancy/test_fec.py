# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import csv
import io
from dataclasses import replace
from datetime import timedelta

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.dispute.test_dispute import DisputeCase

WIZARD = 'l10n_fr.fec.export.wizard'
#: What the file names each field by, in the order that the law prescribes.
COLUMNS = [
    *('JournalCode', 'JournalLib', 'EcritureNum', 'EcritureDate', 'CompteNum', 'CompteLib'),
    *('CompAuxNum', 'CompAuxLib', 'PieceRef', 'PieceDate', 'EcritureLib', 'Debit', 'Credit'),
    *('EcritureLet', 'DateLet', 'ValidDate', 'Montantdevise', 'Idevise'),
]


@tagged('post_install', '-at_install')
class TestFec(DisputeCase):
    """The file that French companies hand to the tax office (FEC), with all that we book."""

    chart = 'fr'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if WIZARD not in cls.env:
            cls.skipTest(cls, "no module that makes the file is installed")

    def amount(self, text):
        return float(text.strip().replace(',', '.') or 0)

    def rows(self):
        """Return the file's rows of the provider's journal."""
        wizard = self.env[WIZARD].create(
            {
                'date_from': self.today - timedelta(days=30),
                'date_to': self.today + timedelta(days=1),
                'export_type': 'official',
                'test_file': True,
            }
        )
        content = wizard.generate_fec()['file_content'].decode()
        rows = list(csv.DictReader(io.StringIO(content), delimiter='|'))
        self.assertEqual(list(rows[0]), COLUMNS)
        return [row for row in rows if row['JournalCode'] == self.provider.journal_id.code]

    def play(self):
        """A payment, its commission, a refund, a dispute that is lost, and a payout that fails."""
        refund = self.gateway.give_back(self.tx.provider_reference, '50')
        self.tx._synchronize()
        self.gateway.fail_refund(refund)
        self.tx._synchronize()
        self.dispute_at_provider('lost', movements=self.moved((-300, 20)))
        self.gateway.pay_out('po_1|x', amount=100)
        self.sweep()
        self.gateway.fail_payout('po_1|x')
        self.sweep()
        payment = self.gateway.payments[self.tx.provider_reference]
        self.gateway.payments[self.tx.provider_reference] = replace(
            payment, commission=payment.commission + 1, net=payment.net - 1
        )
        self.tx.sudo()._pay_now_book_again()

    def test_every_entry_is_in_the_file(self):
        self.play()
        rows = self.rows()
        items = self.env['account.move.line'].search(
            [('journal_id', '=', self.provider.journal_id.id), ('parent_state', '=', 'posted')]
        )
        self.assertEqual(
            sorted((row['EcritureNum'], row['CompteNum']) for row in rows),
            sorted((item.move_name, item.account_id.code) for item in items),
        )
        self.assertEqual(len(items.move_id), 10)
        by_entry = {}
        for row in rows:
            debit, credit = self.amount(row['Debit']), self.amount(row['Credit'])
            self.assertGreaterEqual(min(debit, credit), 0)
            self.assertTrue(debit or credit)
            by_entry.setdefault(row['EcritureNum'], []).append(debit - credit)
        for number, balances in by_entry.items():
            self.assertAlmostEqual(sum(balances), 0, msg=number)

    def test_every_row_says_what_the_law_asks_for(self):
        self.play()
        for row in self.rows():
            with self.subTest(number=row['EcritureNum'], account=row['CompteNum']):
                for name in ('EcritureDate', 'PieceDate', 'ValidDate'):
                    self.assertRegex(row[name], r'^\d{8}$')
                self.assertNotIn(row['PieceRef'], ('', '-'), "the provider's id")
                self.assertNotIn(row['EcritureLib'], ('', '/'), "what it is")
                if row['CompteNum'].startswith('411'):
                    self.assertTrue(row['CompAuxNum'] and row['CompAuxLib'], "whose money it is")
                self.assertFalse(row['DateLet'] and not row['EcritureLet'])

    def test_payment_and_commission(self):
        rows = self.rows()
        self.assertEqual(
            sorted(
                (row['CompteNum'], self.amount(row['Debit']), self.amount(row['Credit']))
                for row in rows
            ),
            [
                ('411100', 0, 300),
                ('511510', 0, 4.6),
                ('511510', 300, 0),
                ('627800', 4.6, 0),
            ],
        )
        (receivable,) = (row for row in rows if row['CompteNum'] == '411100')
        self.assertTrue(receivable['EcritureLet'], "reconciled with the invoice")
        self.assertEqual(receivable['CompAuxLib'], self.customer.name)
