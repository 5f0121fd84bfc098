# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.payment.test_ending import EndingCase


@tagged('post_install', '-at_install')
class TestEndingAccountant(EndingCase):
    """What an accountant does beside an open checkout, which is none of its business."""

    def instalment(self):
        """Return an invoice of 30 and 70, and the open checkout of the 70."""
        invoice = self.make_invoice(100, invoice_payment_term_id=self.term.id)
        return invoice, self.checkout(self.lines(invoice)[1])

    def assert_stands(self, tx):
        self.env.flush_all()
        self.env['payment.transaction'].sudo()._pay_now_sweep_ended()
        self.end()
        self.assertEqual((tx.state, tx.pay_now_refusal), ('draft', False))
        self.assertFalse(tx.pay_now_item_ids.changed_at)
        self.assertFalse(self.gateway.closed)

    def test_the_other_instalment_is_paid(self):
        invoice, tx = self.instalment()
        self.env['account.payment.register'].with_context(
            active_model='account.move.line', active_ids=self.lines(invoice)[0].ids
        ).create({})._create_payments()
        self.assertEqual(invoice.payment_state, 'partial')
        self.assert_stands(tx)

    def test_a_credit_note_ends_it_once_it_is_posted(self):
        tx = self.checkout(self.lines(self.invoice))
        note = self.invoice._reverse_moves()
        self.assert_stands(tx)
        note.action_post()
        self.assertEqual(self.invoice.payment_state, 'reversed', "Odoo matches it as it is posted")
        self.end()
        self.assert_ended(tx, 'items_changed')

    def test_recomputing_everything(self):
        tx = self.checkout(self.lines(self.invoice))
        moves = self.invoice
        for name in ('amount_residual', 'payment_state', 'commercial_partner_id', 'state'):
            if moves._fields[name].compute:
                self.env.add_to_compute(moves._fields[name], moves)
        lines = self.lines(self.invoice)
        for name in ('amount_residual', 'partner_id', 'discount_date'):
            if lines._fields[name].compute:
                self.env.add_to_compute(lines._fields[name], lines)
        self.env.flush_all()
        self.assert_stands(tx)

    def test_forms_that_are_not_saved(self):
        tx = self.checkout(self.lines(self.invoice))
        new = self.invoice.new(origin=self.invoice)
        new.partner_id = self.stranger
        new._compute_payment_state()
        new.invalidate_recordset()
        self.assert_stands(tx)

    def test_sent_again_with_another_contact_and_renamed(self):
        tx = self.checkout(self.lines(self.invoice))
        contact = self.env['res.partner'].create(
            {'name': "Accounts", 'parent_id': self.customer.id, 'email': 'a@example.com'}
        )
        self.customer.name = "Boulangerie"
        self.invoice.with_context(skip_readonly_check=True).write({'partner_id': contact.id})
        self.assertEqual(self.invoice.commercial_partner_id, self.customer)
        self.assert_stands(tx)

    def test_the_customer_becomes_a_part_of_another_one(self):
        tx = self.checkout(self.lines(self.invoice))
        self.customer.parent_id = self.stranger
        self.assertEqual(self.invoice.commercial_partner_id, self.stranger)
        self.assert_stands(tx)
        self.receive(tx)
        self.assert_open(0)
        self.assert_received(tx, customer=self.stranger)
        self.assert_flagged(tx)

    def test_archived(self):
        tx = self.checkout(self.lines(self.invoice))
        self.customer.action_archive()
        self.assert_stands(tx)


@tagged('post_install', '-at_install')
class TestPaidWithoutEntry(EndingCase, ReminderCommon):
    """A payment by a method without outstanding account: Odoo calls the invoice paid, and books
    nothing until the bank's line comes."""

    def pay(self, invoice):
        payment = self.env['account.payment'].create(
            {
                'payment_type': 'inbound',
                'partner_id': self.customer.id,
                'amount': 100,
                'journal_id': self.company_data['default_journal_bank'].id,
                'invoice_ids': invoice.ids,
            }
        )
        # As Odoo has it where Accounting is installed.
        payment.outstanding_account_id = False
        payment.action_post()
        self.assertFalse(payment.move_id, "to be seen by this test")
        self.assertEqual((invoice.payment_state, invoice.amount_residual), ('paid', 100))
        return payment

    def test_it_is_neither_asked_for_nor_taken_again(self):
        self.company.pay_now_reminder_accounting = True
        other = self.make_invoice(40, days_late=20)
        tx = self.checkout(self.lines(self.invoice))
        run = self.generate()
        run.action_send()
        payment = self.pay(self.invoice)
        self.end()
        self.assert_ended(tx, 'in_progress')
        self.assertFalse(self.invoice._pay_now_page_values()['can_pay'])
        [mail] = self.leave_now()
        self.assertIn(other.name, mail['body'])
        self.assertNotIn(self.invoice.name, mail['body'])
        # It was a mistake.
        payment.action_cancel()
        self.assertEqual(self.invoice.payment_state, 'not_paid')
        self.assertTrue(self.invoice._pay_now_page_values()['can_pay'])
        self.assertFalse(self.lines(self.invoice)._pay_now_holds())
