# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon


@tagged('post_install', '-at_install')
class TestFacts(PayoutCommon):
    """What the provider told, and what proves the balance of any day, is written by nobody else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env,
            'pay_now_facts',
            groups='account.group_account_manager,base.group_system,base.group_user',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def test_figures_are_changed_by_nobody(self):
        _tx, line = self.pay(100, '2')
        self.gateway.move('txn_shop', 40)
        self.gateway.pay_out('po_1', [line])
        self.sweep()
        movement = self.env['pay.now.movement'].search([('movement_ref', '=', 'txn_shop')])
        payout = self.env['pay.now.payout'].search([('payout_ref', '=', 'po_1')])
        names = ('net', 'amount', 'state', 'occurred_at', 'move_id', 'note')
        before = [movement[name] for name in names], payout.amount, payout.move_id
        for record, values in (
            (movement, {'net': 1}),
            (movement, {'amount': 1, 'note': "Shop"}),
            (movement, {'state': 'ours'}),
            (movement, {'occurred_at': '2020-01-01 00:00:00'}),
            (movement, {'move_id': payout.move_id.id}),
            (payout, {'amount': 1}),
            (payout, {'move_id': False}),
            (payout, {'line_ids': [Command.update(movement.id, {'net': 1})]}),
            (payout, {'line_ids': [Command.link(movement.id)]}),
        ):
            with self.subTest(values=values), self.assertRaises(AccessError), self.cr.savepoint():
                record.with_user(self.manager).write(values)
        self.env.invalidate_all()
        now = [movement[name] for name in names], payout.amount, payout.move_id
        self.assertEqual(now, before)
        mine = movement.with_user(self.manager)
        mine.write({'note': "Web shop", 'account_id': self.company_data['default_account_revenue']})
        mine.action_handled()
        self.assertEqual(movement.state, 'handled')

    def test_findings_are_closed_by_their_buttons(self):
        tx, _line = self.pay(100, '2')
        found = (
            self.env['pay.now.discrepancy']
            .sudo()
            ._report(tx, 'surplus', 'surplus', {'amount': 5}, 5)
        )
        mine = found.with_user(self.manager)
        for values in ({'amount': 1}, {'state': 'done'}, {'transaction_id': tx.id}):
            with self.subTest(values=values), self.assertRaises(AccessError), self.cr.savepoint():
                mine.write(values)
        mine.action_done()
        mine.action_reopen()
        mine.note = "Asked the customer"
        self.assertEqual(found.state, 'open')
