# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Fields and context of core that lead to our payments, forged by whoever may write them."""

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.test_authority import AuthorityCommon


@tagged('post_install', '-at_install')
class TestForgedLinks(AuthorityCommon):
    """What works in sudo believes no link and no default that a person may set."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bookkeeper = cls.users['bookkeeper']
        cls.other = cls.env['res.partner'].create({'name': "Other", 'email': 'o@example.com'})

    def mine(self, record, role='bookkeeper', **context):
        return record.with_user(self.users[role]).with_context(**context)

    def books(self):
        return self.env['account.payment'].search([]), self.env['account.move.line'].search(
            [('parent_state', '=', 'posted')]
        )

    # === DEFAULTS OF THE CONTEXT === #

    def test_refund_that_was_never_made(self):
        """The button works in sudo: what the client's context says is none of its values."""
        tx = self.paid(100)
        before = self.books()
        forged = {
            'default_state': 'done',
            'default_pay_now_refund_ref': 're_forged',
            'default_pay_now_paid_at': '2026-01-01 00:00:00',
            'default_provider_reference': 're_forged',
            'default_is_post_processed': False,
        }
        self.current_gateway.down = True
        self.mine(tx, **forged).action_refund(40)
        self.current_gateway.down = False
        [refund] = tx.child_transaction_ids
        self.assertEqual(refund.state, 'draft')
        self.assertFalse(refund.pay_now_refund_ref or refund.provider_reference)
        self.assertFalse(refund.payment_id or refund.pay_now_paid_at)
        self.assertEqual(self.books(), before)
        # And is made at the provider all the same.
        tx._synchronize()
        self.assertEqual(refund.state, 'done')
        self.assertIn(refund.pay_now_refund_ref, [one.id for one in self.refunds_of(tx)])

    def refunds_of(self, tx):
        return self.current_gateway.fetch_payment(tx.provider_reference).refunds

    def test_defaults_of_records_of_ours(self):
        """Whatever the module makes in sudo, of each model."""
        tx = self.paid(100)
        forged = {'default_state': 'dismissed', 'default_note': "x", 'default_review_problem': {}}
        finding = (
            self.env['pay.now.discrepancy']
            .sudo()
            .with_context(**forged, default_dismissed_by_id=self.bookkeeper.id)
            ._report(tx, 'surplus', 'surplus', {'amount': 5}, 5)
        )
        self.assertEqual(finding.state, 'open')
        self.assertFalse(finding.dismissed_by_id)

    def test_defaults_of_entries(self):
        """As the web client sends them along: the list of invoices has one of its own."""
        invoice = self.make_invoice(100)
        tx = self.checkout(self.lines(invoice))
        self.current_gateway.pay(tx)
        tx.with_context(
            default_move_type='out_invoice',
            default_state='cancel',
            default_is_reconciled=True,
            default_partner_bank_id=1,
        )._synchronize()
        self.assertEqual(tx.payment_id.move_id.move_type, 'entry')
        self.assertEqual(tx.payment_id.move_id.state, 'posted')
        self.assertNotEqual(tx.payment_id.state, 'cancel')
        self.assertEqual(invoice.amount_residual, 0)

    # === COMMANDS === #

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_run_that_changes_other_records(self):
        """A run is made in sudo: it may name users and customers, and do nothing to them."""
        system = self.env.ref('base.group_system')
        level = self.env['pay.now.reminder.level'].search([], limit=1)
        for role in ('bookkeeper', 'salesman', 'leader'):
            mine = self.users[role]
            user = {'login': 'evil', 'name': "Evil", 'group_ids': [Command.set(system.ids)]}
            for name, command in (
                ('user_ids', Command.update(mine.id, {'group_ids': [Command.link(system.id)]})),
                ('user_ids', Command.create(user)),
                ('user_ids', [7, 7, 7]),
                ('partner_ids', Command.update(self.customer.id, {'email': 'evil@example.com'})),
                ('partner_ids', Command.create({'name': "Evil"})),
                ('partner_ids', Command.delete(self.other.id)),
                ('level_ids', Command.update(level.id, {'name': "Evil"})),
                ('level_ids', Command.delete(level.id)),
            ):
                with self.subTest(role=role, field=name, command=command):
                    runs = self.mine(self.env['pay.now.reminder.run'], role)
                    with self.assertRaises(AccessError), self.cr.savepoint():
                        runs.create({name: [command]})
            self.assertFalse(mine.has_group('base.group_system'))
        self.assertFalse(self.env['res.users'].search([('login', '=', 'evil')]))
        self.assertFalse(self.env['res.partner'].search([('name', '=', "Evil")]))
        self.assertTrue(level.exists() and self.other.exists())
        self.assertNotEqual(level.name, "Evil")
        self.assertNotIn('evil', self.customer.email)

    def test_run_names_records(self):
        runs = self.mine(self.env['pay.now.reminder.run'])
        for commands in (
            self.customer.ids,
            [Command.link(self.customer.id)],
            [[4, self.customer.id]],
            [Command.set([self.other.id]), Command.clear(), Command.set(self.customer.ids)],
        ):
            with self.subTest(commands=commands):
                self.assertEqual(runs.create({'partner_ids': commands}).partner_ids, self.customer)

    def test_taxes_of_an_options_line_are_made_once(self):
        options = self.mine(self.env['pay.now.options'], 'manager').create({})
        line = options.line_ids.sudo().filtered(lambda one: one.provider_id == self.provider)
        tax = {'name': "Twice?", 'amount': 3, 'type_tax_use': 'purchase'}
        self.mine(line, 'manager').write({'pay_now_commission_tax_ids': [Command.create(tax)]})
        self.assertEqual(self.env['account.tax'].search_count([('name', '=', "Twice?")]), 1)
        self.assertEqual(self.provider.pay_now_commission_tax_ids.name, "Twice?")

    # === AMOUNTS === #

    def test_refunds_of_no_amount(self):
        tx = self.paid(100)
        for amount in (-40, 0, 0.001, float('nan'), float('inf'), '40', [40], {}):
            with self.subTest(amount=amount), self.assertRaises(UserError):
                self.mine(tx).action_refund(amount)
        self.assertFalse(tx.child_transaction_ids)
        self.assertFalse(self.refunds_of(tx))

    def test_refund_of_more_than_is_left(self):
        tx = self.paid(100)
        self.mine(tx).action_refund(1000)
        self.assertEqual(tx.child_transaction_ids.state, 'error')
        self.assertFalse(self.refunds_of(tx))

    # === LINKS === #

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_entry_that_is_said_to_be_a_payment_of_ours(self):
        tx = self.paid(100)
        values = {
            'amount': 100,
            'payment_type': 'inbound',
            'partner_id': self.other.id,
            'journal_id': self.company_data['default_journal_bank'].id,
        }
        payments = self.mine(self.env['account.payment'])
        own = payments.create(values)
        for role in ('bookkeeper', 'accountant', 'manager'):
            mine = self.mine(self.env['account.payment'], role)
            for call in (
                lambda mine=mine: mine.create({**values, 'payment_transaction_id': tx.id}),
                lambda mine=mine: mine.with_context(default_payment_transaction_id=tx.id).create(
                    values
                ),
                lambda mine=mine: mine.browse(own.id).write({'payment_transaction_id': tx.id}),
                lambda mine=mine: mine.browse(tx.payment_id.id).write(
                    {'payment_transaction_id': False}
                ),
                lambda mine=mine: mine.browse(own.id).web_save(
                    {'payment_transaction_id': tx.id}, {}
                ),
            ):
                with self.subTest(role=role), self.assertRaises(AccessError), self.cr.savepoint():
                    call()
        self.assertEqual(tx.payment_id.payment_transaction_id, tx)

    def test_duplicate_of_a_payment(self):
        """An accountant's *Duplicate* makes another payment, not a second one of this kind."""
        tx = self.paid(100)
        again = self.mine(tx.payment_id).copy()
        self.assertFalse(again.payment_transaction_id)
        self.assertFalse(again.sudo().amount_available_for_refund)
        again.action_post()
        self.assertEqual(self.found(tx)._booked_entries(tx), tx.payment_id)

    def test_refund_button_of_who_only_reads(self):
        tx = self.paid(100)
        before = tx.pay_now_last_sync
        with self.assertRaises(AccessError):
            self.mine(tx.payment_id, 'auditor').action_refund_wizard()
        self.env.invalidate_all()
        self.assertEqual(tx.pay_now_last_sync, before)

    def test_credit_of_another_customer(self):
        """A salesperson links an order with the credit that somebody else has."""
        invoice = self.make_invoice(100)
        tx = self.checkout(self.lines(invoice))
        self.current_gateway.pay(tx)
        # Paid at the counter meanwhile.
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({})._create_payments()
        tx._synchronize()
        self.assertTrue(tx.payment_id)
        self.assertEqual(tx._pay_now_left(), 100)
        for partner, residual in ((self.other, 80), (self.customer, 0)):
            with self.subTest(partner=partner.name):
                theirs = self.make_invoice(80, partner=partner, post=False)
                theirs.sudo().transaction_ids = [Command.link(tx.id)]
                tx.payment_id.state = 'in_process'
                theirs.action_post()
                self.assertEqual(theirs.amount_residual, residual)
