# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from unittest.mock import patch

from odoo.exceptions import ConcurrencyError, ValidationError
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.plan.plans import PlansCommon


@tagged('post_install', '-at_install')
class TestPlansAsked(PlansCommon):
    """What a customer may ask for, whatever the form says."""

    def refused(self, reason, *invoices, **kwargs):
        with self.assertRaisesRegex(ValidationError, reason):
            self.ask(*invoices, **kwargs)
        self.assertFalse(self.env['pay.now.plan'].search([('id', 'not in', self.known)]))

    def setUp(self):
        super().setUp()
        self.known = []

    def test_within_the_limits(self):
        invoice = self.invoice_due(-10, 100)
        self.refused("from 2 to 4 parts", invoice, count=5)
        self.refused("from 2 to 4 parts", invoice, count=1)
        self.refused("from 2 to 4 parts", invoice, count=0)
        self.refused("how often", invoice, rhythm='daily')
        self.company.pay_now_plan_days = 60
        self.refused("would be due after", invoice, count=4)
        self.company.pay_now_plan_minimum = 100.01
        self.refused("cannot be asked for here", invoice)
        self.company.write({'pay_now_plan_minimum': 100, 'pay_now_plan_first_amount': 100})
        self.refused("too little", invoice)
        self.company.write({'pay_now_plan_first_amount': 20, 'pay_now_plan_first_percent': 50})
        plan = self.ask(invoice, count=4, rhythm='fortnightly')
        self.assertEqual(plan.part_ids.mapped('amount'), [50, 16.67, 16.67, 16.66])
        self.assertEqual(plan.part_ids[-1].date.isoformat(), '2026-02-16')
        self.company.pay_now_plans = False
        self.refused_again = self.invoice_due(-10, 100)
        self.known = plan.ids
        self.refused("cannot be asked for here", self.refused_again)

    def test_what_was_seen_is_what_is_sent(self):
        invoice = self.invoice_due(-10, 300)
        chosen = set(self.lines(invoice).ids)
        with self.on(0):
            page = invoice.sudo()
            typed = {'item': chosen, 'plan_parts': 3, 'plan_rhythm': 'monthly'}
            seen = page._pay_now_plan_offer(typed, True)['seen']
            for values in ((2, 'monthly', seen), (3, 'weekly', seen), (3, 'monthly', '')):
                with self.assertRaisesRegex(ValidationError, "once more"):
                    page._pay_now_ask_plan(chosen, *values)
            self.pay(invoice, 30)
            with self.assertRaisesRegex(ValidationError, "once more"):
                page._pay_now_ask_plan(chosen, 3, 'monthly', seen)

    def test_asked_twice(self):
        """A double click is one; two plans of one item are none of them."""
        invoice, other = self.invoice_due(-10, 300), self.invoice_due(-5, 50)
        plan = self.ask(invoice)
        self.assertEqual(self.ask_again(invoice), plan)
        self.assertEqual(len(plan.activity_ids), 1)
        reminder = self.reminder(invoice, other)
        self.known = plan.ids
        self.refused("untick them", invoice, other, document=reminder, count=2)
        self.assertTrue(self.ask(other, document=reminder, count=2))
        # At the same moment, on the pages of an invoice and a reminder: one of them begins again.
        lines = self.registry['account.move.line']
        with (
            patch.object(lines, '_pay_now_live_plan_items', lambda lines: lines.browse()),
            self.assertRaises(ConcurrencyError),
        ):
            self.ask(invoice, document=reminder, count=2)

    def ask_again(self, invoice):
        with self.on(0):
            return invoice.sudo()._pay_now_ask_plan(
                set(self.lines(invoice).ids), 3, 'monthly', 'whatever was seen'
            )

    def test_only_what_the_page_has(self):
        other = self.env['res.partner'].create({'name': "Other", 'email': 'other@example.com'})
        invoice, foreign = self.invoice_due(-10, 300), self.invoice_due(-10, 70, partner=other)
        self.refused("untick them", foreign, document=invoice)
        self.refused("untick them", invoice, foreign, document=invoice)
        with self.on(0):
            credit = self.make_invoice(20, move_type='out_refund')
            lines = self.lines(invoice) | credit.line_ids.filtered(
                lambda line: line.display_type == 'payment_term'
            )
            with self.assertRaisesRegex(ValidationError, "Credit notes"):
                invoice.sudo()._pay_now_ask_plan(set(lines.ids), 2, 'weekly', '')
            with self.assertRaisesRegex(ValidationError, "tick the items"):
                invoice.sudo()._pay_now_ask_plan(set(), 2, 'weekly', '')
        self.env.ref('base.USD').active = True
        dollars = self.invoice_due(-10, 70, currency_id=self.env.ref('base.USD').id)
        self.refused("cannot be asked for here", dollars)
        # Nobody could be told.
        self.customer.email = False
        self.refused("cannot be asked for here", invoice)

    def test_what_other_pages_tell(self):
        """Of all of it where all of it is on the page, and no amounts elsewhere."""
        invoice, other = self.invoice_due(-10, 300), self.invoice_due(-5, 60)
        reminder = self.reminder(invoice, other)
        plan = self.ask(invoice, other, document=reminder)

        def days_late(number):
            with self.on(number):
                [row] = invoice.sudo()._pay_now_page_values()['items']
            return row['late']

        self.assertEqual(days_late(0), 10, "until it is accepted")
        with self.on(0):
            plan.with_user(self.accountant).action_accept()
        # Missed by the date, whether or not the scheduled action has run.
        self.assertEqual((days_late(1), days_late(40)), (0, 50))
        with self.on(1):
            [told] = invoice.sudo()._pay_now_told_plans()
            self.assertFalse(told['rows'] or told['url'])
            [told] = reminder._pay_now_told_plans()
            self.assertEqual(len(told['rows']), 3)
            self.assertEqual(told['url'], plan.sudo()._pay_now_path())
            # The portal of the customer tells of it, and of no other's.
            rows = self.env['pay.now.plan'].sudo()._pay_now_portal_rows
            [row] = rows(self.customer)
            self.assertEqual(row['url'], told['url'])
            self.assertFalse(rows(self.accountant.partner_id))

    def test_no_amount_of_what_is_not_on_the_page(self):
        """The plan is of less by now: its parts still tell what the other invoice was of."""
        invoice, other = self.invoice_due(-10, 300), self.invoice_due(-5, 60)
        reminder = self.reminder(invoice, other)
        self.accepted(invoice, other, document=reminder)
        with self.on(1):
            other.button_draft()
            other.button_cancel()
            [told] = invoice.sudo()._pay_now_told_plans()
            self.assertFalse(told['rows'] or told['url'])
            [told] = reminder._pay_now_told_plans()
            self.assertEqual(len(told['rows']), 3)

    def test_an_asked_plan_holds_and_is_closed_when_paid(self):
        invoice = self.invoice_due(-10, 300)
        plan = self.ask(invoice)
        self.assertFalse(self.day(1))
        self.assertEqual(self.latest().reason, "Payment plan asked for")
        with self.on(2):
            self.pay(invoice)
        self.assertFalse(self.follow(2))
        self.assertEqual(plan.state, 'done')
        self.assertFalse(self.rows() or plan.activity_ids)
