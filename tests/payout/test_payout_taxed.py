# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Accounts that have default taxes: what a person books of the provider or the bank has none."""

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.payout.test_payout_evidence import REFERENCE, BankCase


@tagged('post_install', '-at_install')
class TestPayoutTaxed(BankCase):
    """Money that moved is booked by what moved: a tax on top would not be in the bank's line."""

    def tax(self, account):
        account.tax_ids = self.company_data['default_tax_purchase'].copy(
            {'amount': 20, 'name': f"20 % {account.code}"}
        )
        return account

    def entry_of(self, move):
        """Return an entry as (account, debit, credit, taxes), the largest debit first."""
        lines = move.line_ids.sorted(lambda line: -line.balance)
        return [
            (line.account_id, line.debit, line.credit, line.tax_ids | line.tax_line_id)
            for line in lines
        ]

    def test_bank_fee(self):
        """Accepted, undone, deleted and imported again, accepted once more: the same each time."""
        fees = self.tax(self.provider._pay_now_find_commission_account())
        none = self.env['account.tax']
        other = self.bank_line(80, "VIR BOULANGER")
        for _time in range(2):
            line = self.bank_line(294.80, f'STRIPE {REFERENCE}')
            self.assertEqual(self.first.proposed_line_id, line)
            # Whoever accepts it in the list of bank lines reads what is booked besides.
            self.assertRegex(line.pay_now_difference, r"0\.60.* are booked as a bank fee")
            self.assertFalse(other.pay_now_difference)
            self.accept(self.first)
            self.assertFalse(self.first.proposal_text)
            self.assertEqual(
                self.entry_of(line.move_id),
                [
                    (self.bank.default_account_id, 294.80, 0, none),
                    (fees, 0.60, 0, none),
                    (self.transfer, 0, 295.40, none),
                ],
            )
            self.assertEqual(self.first.bank_state, 'matched')
            line.action_undo_reconciliation()
            self.env['pay.now.payout'].sudo()._cron_match_bank()
            self.assertEqual(self.first.bank_state, 'waiting')
            line.unlink()

    def test_movement_that_is_not_ours(self):
        account = self.tax(self.company_data['default_account_expense'])
        self.gateway.move('txn_fee', -12, type='stripe_fee', label="Radar")
        self.sweep()
        movement = self.env['pay.now.movement'].search([('movement_ref', '=', 'txn_fee')])
        movement.account_id = account
        movement.action_book()
        none = self.env['account.tax']
        self.assertEqual(
            self.entry_of(movement.move_id),
            [
                (account, 12, 0, none),
                (self.provider.pay_now_clearing_account_id, 0, 12, none),
            ],
        )
        self.assertEqual(self.provider.sudo()._pay_now_clearing_equation()['gap'], 0)
