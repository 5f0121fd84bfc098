# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.plan.plans import PlansCommon


@tagged('post_install', '-at_install')
class TestPlansChanged(PlansCommon):
    """Invoices and customers change while a plan runs."""

    def change(self, invoice, price, number=2):
        """Reset an invoice to draft, give it another price and term, and post it again."""
        with self.on(number):
            invoice.button_draft()
            self.env.invalidate_all()
            plan = invoice.pay_now_plan_item_ids.plan_id.sudo()
            self.assertFalse(self.follow(number + 20))
            self.assertEqual(plan.state, 'accepted')
            line = invoice.invoice_line_ids
            invoice.write(
                {
                    'invoice_payment_term_id': self.term.id,
                    'invoice_line_ids': [Command.update(line.id, {'price_unit': price})],
                }
            )
            invoice.action_post()
        self.env.invalidate_all()

    def credit(self, invoice, amount, number):
        """Match a credit note with the invoice, as far as it goes."""
        with self.on(number):
            note = self.make_invoice(amount, move_type='out_refund')
            items = (invoice | note).line_ids.filtered(
                lambda line: line.account_type == 'asset_receivable' and not line.reconciled
            )
            items.reconcile()

    def test_credited(self):
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        self.credit(invoice, 130, 3)
        self.assertEqual(self.figures(plan, 3), [0, 70, 100])
        self.credit(invoice, 170, 4)
        self.assertFalse(self.follow(5))
        self.assertEqual(plan.state, 'done')

    def test_corrected_to_less(self):
        """Its items are others by now: what is open of the invoice is what the plan is about."""
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        self.pay_part(plan, 1)
        self.change(invoice, 250)
        self.assertEqual(self.figures(plan, 3), [0, 50, 100])
        self.assertEqual(plan.state, 'accepted')
        with self.on(3):
            holds = self.lines(invoice)._pay_now_holds()
        self.assertEqual(list(holds.values()), ['planned'])
        self.pay_part(plan, 31)
        self.assertEqual(invoice.amount_residual, 100)
        self.pay_part(plan, 59)
        self.assertFalse(self.follow(60))
        self.assertEqual((plan.state, invoice.amount_residual), ('done', 0))

    def test_corrected_to_more(self):
        """The plan does not say when that is paid: it ends, and reminders go on."""
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        self.change(invoice, 400)
        with self.on(2):
            self.assertFalse(plan.sudo()._is_holding())
        [mail] = self.follow(23)
        self.assertIn("The amount of your invoices has changed", mail.body_html)
        self.assertEqual((plan.end_reason, self.rows().res_id), ('changed', plan.id))

    def test_a_payment_taken_apart(self):
        """What paid a part and pays it no more leaves it open."""
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        with self.on(1):
            self.pay(invoice, 100)
        self.assertEqual(self.figures(plan, 1), [0, 100, 100])
        with self.on(2):
            invoice.line_ids.remove_move_reconcile()
        self.assertEqual(self.figures(plan, 2), [100, 100, 100])
        self.assertTrue(self.follow(4))
        self.assertEqual(plan.end_reason, 'missed')

    def test_cancelled(self):
        invoice, other = self.invoice_due(-10, 300), self.invoice_due(-5, 60)
        plan = self.accepted(invoice, other)
        with self.on(1):
            other.button_draft()
            other.button_cancel()
        self.assertEqual(self.figures(plan, 1), [60, 120, 120])
        with self.on(1):
            invoice.button_draft()
            invoice.button_cancel()
        self.assertFalse(self.follow(2))
        self.assertEqual((plan.state, plan.end_reason), ('ended', 'gone'))
        self.assertFalse(self.rows())

    def test_given_to_another_customer(self):
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        other = self.env['res.partner'].create({'name': "Other", 'email': 'other@example.com'})
        with self.on(1):
            invoice.button_draft()
            invoice.partner_id = other
            invoice.action_post()
            self.assertFalse(invoice.pay_now_plan_text)
            self.assertFalse(plan.sudo()._pay_now_page_items()[0])
            self.assertFalse(self.lines(invoice)._pay_now_plans())
        self.assertFalse(self.follow(1))
        self.assertEqual(plan.end_reason, 'gone')

    def test_customers_merged(self):
        twin = self.env['res.partner'].create({'name': "Twin", 'email': 'twin@example.com'})
        invoice, other = self.invoice_due(-10, 300), self.invoice_due(-10, 60, partner=twin)
        plan, second = self.accepted(invoice), self.accepted(other)
        self.env['base.partner.merge.automatic.wizard'].create(
            {
                'partner_ids': [Command.set((self.customer | twin).ids)],
                'dst_partner_id': twin.id,
                'state': 'selection',
            }
        ).action_merge()
        self.env.invalidate_all()
        self.assertEqual((plan | second).partner_id, twin)
        self.pay_part(plan, 1)
        self.assertEqual(self.figures(plan, 1), [0, 100, 100])
        # The part of one is asked for, the other plan is missed.
        mails = self.follow(31)
        self.assertEqual(len(mails), 2)
        self.assertTrue(all('twin@example.com' in mail.email_to for mail in mails))
        self.assertEqual((plan.state, second.end_reason), ('accepted', 'missed'))

    def test_duplicated(self):
        invoice = self.invoice_due(-10, 300)
        self.accepted(invoice)
        copy = invoice.copy()
        self.assertFalse(copy.pay_now_plan_item_ids or copy.pay_now_plan_text)
