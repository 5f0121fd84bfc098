# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestMergedAccounts(PayNowCommon):
    """Accounts of ours that Odoo's wizard merges with those of another company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.other = cls.setup_other_company()['company']
        cls.env.user.company_ids |= cls.other

    def merge(self, account):
        """Merge an account into one of the other company, which is kept; return it."""
        kept = (
            self.env['account.account']
            .with_company(self.other)
            .create(
                {
                    'name': account.name,
                    'code': '467999',
                    'account_type': account.account_type,
                    'reconcile': True,
                    'company_ids': [Command.set(self.other.ids)],
                }
            )
        )
        self.env.flush_all()
        both = (self.company | self.other).ids
        wizard = self.env['account.merge.wizard'].with_context(allowed_company_ids=both)
        wizard._action_merge((kept | account).with_env(wizard.env))
        self.env.invalidate_all()
        self.assertFalse(account.exists())
        return kept

    def post_elsewhere(self, account, amount):
        """Post an entry of the other company on an account."""
        journal = self.env['account.journal'].search(
            [('company_id', '=', self.other.id), ('type', '=', 'general')], limit=1
        )
        counterpart = self.env['account.account'].search(
            [('company_ids', '=', self.other.id), ('account_type', '=', 'income')], limit=1
        )
        move = (
            self.env['account.move']
            .with_company(self.other)
            .create(
                {
                    'journal_id': journal.id,
                    'line_ids': [
                        Command.create({'account_id': account.id, 'debit': amount}),
                        Command.create({'account_id': counterpart.id, 'credit': amount}),
                    ],
                }
            )
        )
        move.action_post()
        return move

    def paid(self):
        tx = self.checkout(self.lines(self.make_invoice(100)))
        self.gateway.pay(tx, commission='0')
        self.gateway.movement_of(tx)
        tx._synchronize()
        return tx

    def test_clearing(self):
        self.paid()
        before = self.provider._pay_now_clearing_equation()
        kept = self.merge(self.provider.pay_now_clearing_account_id)
        self.assertEqual(self.provider.pay_now_clearing_account_id, kept)
        self.post_elsewhere(kept, 40)
        self.assertEqual(self.provider._pay_now_clearing_equation(), before)
        self.assertFalse(self.provider._pay_now_items_by_hand())
        tx = self.paid()
        self.assertEqual(tx.state, 'done')
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        after = self.provider._pay_now_clearing_equation()
        self.assertEqual((after['clearing'], after['gap']), (before['clearing'] + 100, 0))

    def test_receivable(self):
        """Under way, or open at the provider: nothing has changed for the payer."""
        invoices = self.make_invoices([100, 50])
        pending, opened = (self.checkout(self.lines(invoice)) for invoice in invoices)
        self.gateway.set(pending.provider_reference, state=base.PENDING)
        pending._synchronize()
        kept = self.merge(self.lines(*invoices).account_id)
        self.assertEqual(self.lines(*invoices).account_id, kept)
        self.assertFalse(opened._pay_now_ended())
        self.assertEqual(self.lines(*invoices)._pay_now_in_progress(), self.lines(invoices[0]))
        for tx in (pending, opened):
            self.gateway.pay(tx)
            tx._synchronize()
        self.assertEqual(invoices.mapped('payment_state'), ['paid', 'paid'])
        self.assertFalse((pending | opened).pay_now_discrepancy_ids)
