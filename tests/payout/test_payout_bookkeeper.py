# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Who may only invoice presses every button that is about provider, payouts and findings."""

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.payout.test_payout_evidence import REFERENCE, BankCase


@tagged('post_install', '-at_install')
class TestPayoutBookkeeper(BankCase):
    """What may be pressed works whole; what may not is refused, and nothing has changed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bookkeeper = new_test_user(
            cls.env,
            'pay_now_bookkeeper',
            groups='account.group_account_invoice',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def test_bank_lines_are_not_theirs(self):
        line = self.bank_line(294.80, f'STRIPE {REFERENCE}')
        payout = self.first.with_user(self.bookkeeper)
        self.assertEqual(payout.proposed_line_id.id, line.id)
        self.assertIn("0.60", payout.proposal_text)
        for press in (
            payout.action_accept_proposal,
            payout.action_match_bank,
            payout.action_check,
            line.with_user(self.bookkeeper).action_pay_now_accept,
        ):
            with self.subTest(press=press.__name__):
                with self.assertRaises(AccessError), self.env.cr.savepoint():
                    press()
                self.assertFalse(line.is_reconciled)
        self.assertEqual(self.first.bank_state, 'waiting')

    def test_findings_are_theirs(self):
        tx, _line = self.pay_converted()
        self.sweep()
        self.env.invalidate_all()
        found = tx.pay_now_discrepancy_ids.with_user(self.bookkeeper)
        self.assertEqual(found.proposed_commission, 3.24)
        found.action_book_commission()
        self.assertEqual(
            sorted((line.debit, line.credit) for line in tx.pay_now_commission_move_id.line_ids),
            [(0, 3.24), (3.24, 0)],
        )
        self.assertEqual(found.state, 'done')

    def test_balance_and_commissions(self):
        Balance = self.env['pay.now.balance'].with_user(self.bookkeeper)
        action = Balance.action_open()
        balance = Balance.browse(action.get('res_id')) or Balance.search(action['domain'])[:1]
        for press in ('action_read_again', 'action_open_found', 'action_open_items', 'action_pdf'):
            with self.subTest(press=press):
                getattr(balance, press)()
        self.assertTrue(balance.line_ids)
        for line in balance.line_ids.filtered('model'):
            action = line.action_open()
            self.env[action['res_model']].with_user(self.bookkeeper).search(action['domain']).read()
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.provider.with_user(self.bookkeeper).pay_now_commission_imported = True
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.provider.with_user(self.bookkeeper).action_pay_now_supplier()
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.env['pay.now.options'].with_user(self.bookkeeper).action_open()
