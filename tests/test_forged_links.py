# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Fields and context of core that lead to our payments, forged by whoever may write them."""

from odoo.exceptions import AccessError, UserError, ValidationError
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

    # === AMOUNTS === #

    def test_refunds_of_no_amount(self):
        tx = self.paid(100)
        for amount in (-40, 0, 0.001, float('nan'), float('inf'), '40', [40], {}):
            with self.subTest(amount=amount), self.assertRaises((ValidationError, UserError)):
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
