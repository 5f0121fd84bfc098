# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.dispute.test_dispute import DisputeCase
from odoo.addons.account_pay_now.tests.payment.received import BOOKS

#: How the books refuse, each the end of a name of a method below, and what the accountant reads.
REFUSALS = {
    'module': "The auditors have closed this month.",
    'database': "Odoo could not write the entry. Show this to your administrator",
    'journal': "he journal %s is archived",
}


@tagged('post_install', '-at_install')
class TestRefusedBooks(DisputeCase):
    """What a provider tells of besides payments is kept, too, whatever the books say to it."""

    @contextmanager
    def refusing(self, cause):
        if cause == 'journal':
            self.provider.journal_id.active = False
            yield
            self.provider.journal_id.active = True
            return

        def post(moves, soft=True):
            if cause == 'module':
                raise UserError(REFUSALS['module'])
            moves.env.cr.execute("UPDATE res_partner SET active = 'no such thing'")

        with patch.object(type(self.env['account.move']), '_post', post):
            yield

    def entry(self, move):
        return sorted(
            (line.account_id.code, round(line.debit, 2), round(line.credit, 2))
            for line in move.line_ids
        )

    def check(self, cause, tell, read, lines):
        """Something is told while the books refuse; it is kept, told once, and booked after that.

        :param function tell: what happens at the provider, and how it is heard of.
        :param function read: gives the entry of it.
        :param list lines: of the entry: account, debit, credit.
        """
        with self.refusing(cause), mute_logger(BOOKS, 'odoo.sql_db'):
            tell()
            tell()
            self.assertFalse(read())
            self.env.invalidate_all()
            (row,) = self.env['pay.now.to.handle'].search([('provider_id', '=', self.provider.id)])
            said = REFUSALS[cause]
            self.assertIn(said % self.provider.journal_id.name if '%' in said else said, row.name)
            for raw in ("UPDATE", "no such thing", "boolean"):
                self.assertNotIn(raw, row.name)
            self.assertTrue(row.can_book_now)
            self.assertEqual(row.action_book_now()['params']['type'], 'warning')
        self.assertEqual(row.action_book_now()['params']['type'], 'success')
        self.assertEqual(self.entry(read()), sorted(lines))
        self.env.invalidate_all()
        self.assertFalse(row.exists().filtered('can_book_now'))
        entry = read()
        tell()
        self.assertEqual(read(), entry)

    def check_all(self, prepare):
        for cause in REFUSALS:
            with self.subTest(cause=cause):
                savepoint, payments = self.env.cr.savepoint(), dict(self.gateway.payments)
                self.check(cause, *prepare())
                savepoint.rollback()
                self.env.invalidate_all()
                self.gateway.payments = payments

    def accounts(self):
        return (
            self.provider.pay_now_clearing_account_id.code,
            self.fees.code,
            self.disputed.code,
            self.customer.property_account_receivable_id.code,
        )

    def test_commission(self):
        def prepare():
            tx = self.checkout(self.lines(self.make_invoice(100)))
            self.gateway.pay(tx, commission=None)
            tx._synchronize()
            self.gateway.pay(tx, commission='1.75')
            clearing, fees, *_others = self.accounts()
            return (
                tx._synchronize,
                lambda: tx.pay_now_commission_move_id,
                [(fees, 1.75, 0.0), (clearing, 0.0, 1.75)],
            )

        self.check_all(prepare)

    def test_refund(self):
        def prepare():
            self.gateway.give_back(self.tx.provider_reference, 30)
            clearing, _fees, _disputed, receivable = self.accounts()
            return (
                self.tx._synchronize,
                lambda: self.tx.child_transaction_ids.payment_id.move_id,
                [(receivable, 30.0, 0.0), (clearing, 0.0, 30.0)],
            )

        self.check_all(prepare)

    def test_payout(self):
        def prepare():
            line = self.gateway.movement_of(self.tx)
            self.gateway.pay_out('po_1', [line])
            clearing, *_others = self.accounts()
            return (
                self.sweep,
                lambda: self.payout('po_1').move_id,
                [(self.transfer.code, 295.4, 0.0), (clearing, 0.0, 295.4)],
            )

        self.check_all(prepare)

    def test_dispute(self):
        def prepare():
            self.dispute_at_provider(movements=self.moved((-300, 20)), needs_response=False)
            clearing, fees, disputed, _receivable = self.accounts()
            return (
                self.sweep,
                lambda: self.dispute().movement_ids.move_id,
                [(disputed, 300.0, 0.0), (fees, 20.0, 0.0), (clearing, 0.0, 320.0)],
            )

        self.check_all(prepare)
