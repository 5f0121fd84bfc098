# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayUnavailable
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon


@tagged('post_install', '-at_install')
class TestPayoutBatches(PayoutCommon):
    """A payout of more movements than are in memory at once: the books are the same."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.object(const, 'MOVEMENTS_AT_ONCE', 2))
        cls.lines_of = cls.env['account.move.line']

    def refund(self, tx, amount):
        """Return the movement of a refund that is booked."""
        ref = self.gateway.give_back(tx.provider_reference, str(amount))
        tx._synchronize()
        return self.gateway.move(f'txn_{ref}', -amount, 'refund', source_id=ref)

    def assert_settled(self, ref):
        """All of the payout is one match, and nothing is left on the clearing account."""
        payout = self.payout(ref)
        self.assertRecordValues(payout, [{'settled': True, 'problem': False}])
        self.assertEqual(len(payout._clearing_lines().full_reconcile_id), 1)
        return payout

    def test_one_match_of_many_batches(self):
        lines = [self.pay(100 + number, '1.90')[1] for number in range(3)]
        # What is closed in itself: two commissions of 2.00 are as much as a payment of 4.00.
        lines += [self.pay(4, '2.00')[1], self.pay(50, '2.00')[1]]
        self.gateway.pay_out('po_1', lines)
        self.sweep()
        self.assert_settled('po_1')
        clearing = self.provider.pay_now_clearing_account_id
        items = self.lines_of.search([('account_id', '=', clearing.id)])
        # Five payments, their commissions, the payout.
        self.assertEqual(len(items), 11)
        self.assertTrue(all(item.full_reconcile_id for item in items))
        self.assertFalse([item for item in items if item.matching_number.startswith('P')])
        self.assertFalse(self.open_on(clearing))
        self.assertEqual(self.payout('po_1').line_ids.mapped('state'), ['ours'] * 5)

    def test_batches_of_money_that_leaves(self):
        """A batch of refunds only has nothing to take from: the next one pays them."""
        first, one = self.pay(100, '1.90')
        second, two = self.pay(90, '1.70')
        back = [self.refund(first, 100), self.refund(second, 90)]
        _tx, three = self.pay(300)
        self.gateway.pay_out('po_1', [*back, one, two, three])
        # As they are listed, the refunds make a batch of their own, whatever the order.
        self.sweep()
        self.assert_settled('po_1')
        self.assertFalse(self.open_on(self.provider.pay_now_clearing_account_id))

    def test_list_that_breaks_off(self):
        """Nothing is known of a list that was not read to its end; the payout itself is."""
        lines = [self.pay(50 + number, '1.00')[1] for number in range(3)]
        self.gateway.pay_out('po_1', lines)

        def broken(_payout_id):
            yield from lines[:2]
            raise GatewayUnavailable("No answer.")

        # Not `assertRaises`, which undoes everything.
        with (
            patch.object(self.gateway, 'payout_lines', broken),
            contextlib.suppress(GatewayUnavailable),
        ):
            self.env['pay.now.payout'].sudo()._synchronize(self.provider.sudo(), ['po_1'])
            self.fail("The list was taken for a whole one.")
        payout = self.payout('po_1')
        self.assertTrue(payout.move_id)
        self.assertFalse(payout.lines_known or payout.line_ids)
        self.sweep()
        self.assert_settled('po_1')

    def test_by_age_gives_back_in_each_batch(self):
        """Another payout was allocated by age what is listed for this one, in several batches."""
        lines = [self.pay(100, '1.90')[1] for _number in range(6)]
        self.gateway.pay_out('po_age', amount='294.30')
        self.sweep()
        self.gateway.pay_out('po_1', lines[:5])
        self.sweep()
        self.assertTrue(self.payout('po_1')._clearing_lines().reconciled)
        self.assertTrue(self.payout('po_1').settled)

    def test_memory_holds_one_batch(self):
        """What is cached does not grow from batch to batch."""
        lines = [self.pay(50 + number, '1.00')[1] for number in range(5)]
        self.gateway.pay_out('po_1', lines)
        cached = []
        Movement = self.env.registry['pay.now.movement']
        former = Movement._look_again

        def look_again(movements):
            env = movements.env
            cached.append(len(self.lines_of._fields['balance']._get_cache(env)))
            return former(movements)

        with patch.object(Movement, '_look_again', look_again):
            self.env.invalidate_all()
            self.env['pay.now.payout'].sudo()._synchronize(self.provider.sudo(), ['po_1'])
        self.assertEqual(len(cached), 3)
        self.assertLessEqual(max(cached[1:]), 1, cached)
        self.assert_settled('po_1')

    def test_sweep_keeps_all(self):
        for number in range(3):
            self.pay(50 + number, '1.00')
        self.gateway.move('txn_shop', 40)
        self.sweep()
        movements = self.env['pay.now.movement'].search([])
        self.assertEqual(sorted(movements.mapped('state')), ['foreign', *['ours'] * 3])
        self.sweep()
        self.assertEqual(self.env['pay.now.movement'].search([]), movements)
