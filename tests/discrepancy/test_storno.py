# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.dispute.test_dispute import DisputeCase


@tagged('post_install', '-at_install')
class TestStorno(DisputeCase):
    """What takes an entry back, in a company that keeps its books by Storno and in others."""

    def setUp(self):
        super().setUp()
        self.clearing = self.provider.pay_now_clearing_account_id
        self.receivable = self.invoice.line_ids.account_id.filtered(
            lambda account: account.account_type == 'asset_receivable'
        )

    def entry(self, *lines):
        """Return journal items as they are compared: account, debit, credit."""
        return sorted(
            ({'account': a.code, 'debit': d, 'credit': c} for a, d, c in lines),
            key=lambda line: (line['account'], line['debit'], line['credit']),
        )

    def assert_entry(self, move, *lines):
        self.assertEqual(
            self.entry(*((i.account_id, i.debit, i.credit) for i in move.line_ids)),
            self.entry(*lines),
        )

    def failed_payout(self):
        self.gateway.pay_out('po_1', amount=100)
        self.sweep()
        self.gateway.fail_payout('po_1')
        self.sweep()
        return self.env['pay.now.payout'].search([('payout_ref', '=', 'po_1')]).reversal_move_id

    def failed_refund(self):
        refund = self.gateway.give_back(self.tx.provider_reference, '50')
        self.tx._synchronize()
        self.gateway.fail_refund(refund)
        self.tx._synchronize()
        return self.tx.sudo()._pay_now_refunds().pay_now_reversal_move_id

    def loss_taken_back(self):
        self.dispute_at_provider('lost', movements=self.moved((-300, 20)))
        self.sweep()
        loss = self.dispute().loss_move_id
        self.assertTrue(loss)
        self.change(state='won', movements=self.moved((-300, 20), (300, 0)))
        self.sweep()
        return loss.reversal_move_ids

    def commission_taken_back(self):
        commission = self.tx.pay_now_commission_move_id
        payment = self.gateway.payments[self.tx.provider_reference]
        self.gateway.payments[self.tx.provider_reference] = replace(
            payment, commission=payment.commission + 1, net=payment.net - 1
        )
        self.tx.sudo()._pay_now_book_again()
        return commission.reversal_move_ids

    def expected(self):
        """Return each entry that takes one back: accounts, and amounts in the usual signs."""
        return {
            self.failed_payout: [(self.clearing, 100, 0), (self.transfer, 0, 100)],
            self.failed_refund: [(self.clearing, 50, 0), (self.receivable, 0, 50)],
            self.loss_taken_back: [(self.disputed, 300, 0), (self.receivable, 0, 300)],
            self.commission_taken_back: [(self.clearing, 4.6, 0), (self.fees, 0, 4.6)],
        }

    def test_usual_signs(self):
        for make, lines in self.expected().items():
            with self.subTest(make=make.__name__):
                self.assert_entry(make(), *lines)

    def test_storno(self):
        """On the side of what is taken back, negative."""
        self.company.account_storno = True
        for make, lines in self.expected().items():
            with self.subTest(make=make.__name__):
                self.assert_entry(make(), *((a, -c or 0, -d or 0) for a, d, c in lines))
        self.assertEqual(self.provider.sudo()._pay_now_clearing_equation()['waiting'], 0)
        self.assert_take_backs()

    def assert_take_backs(self):
        """Every entry of ours that takes one back has these signs: the next one, too."""
        backs = self.env['account.move'].search(
            [('journal_id', '=', self.provider.journal_id.id), ('reversed_entry_id', '!=', False)]
        )
        self.assertEqual(len(backs), 4)
        for line in backs.line_ids:
            self.assertLessEqual(max(line.debit, line.credit), 0, line.move_id.ref)
        others = self.env['account.move'].search(
            [('journal_id', '=', self.provider.journal_id.id), ('reversed_entry_id', '=', False)]
        )
        for line in others.line_ids:
            self.assertGreaterEqual(min(line.debit, line.credit), 0, line.move_id.ref)
