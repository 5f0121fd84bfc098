# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.orm.models import MAGIC_COLUMNS
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon

MODULE = 'account_pay_now'
#: What *Duplicate* may carry over: settings of the record, and nothing of what happened to it.
#: Whoever adds a field decides: here, or by `copy=False`.
COPIED = {
    'pay.now.reminder.level': {
        'active',
        'activity_summary',
        'attach_invoices',
        'company_id',
        'delay_days',
        'gap_days',
        'is_automatic',
        'name',
        'repeat',
        'state_interest',
        'template_id',
    },
    'pay.now.interest.rate': {
        'company_id',
        'country_id',
        'currency_id',
        'date_from',
        'date_to',
        'fixed_sum',
        'rate',
    },
    'digest.digest': {
        'kpi_pay_now_days_to_pay',
        'kpi_pay_now_overdue',
        'kpi_pay_now_received',
        'kpi_pay_now_reminders',
    },
    # Core's field, to which the module adds values.
    'payment.provider': {'code', 'pay_now_minimum_amount'},
    'res.company': {
        'pay_now_answer_paid',
        'pay_now_answer_problem',
        'pay_now_answer_promise',
        'pay_now_any_method_accounting',
        'pay_now_any_method_sales',
        'pay_now_capital_cost',
        'pay_now_daily_cap',
        'pay_now_grace_days',
        'pay_now_hold_out',
        'pay_now_hour_from',
        'pay_now_hour_to',
        'pay_now_letters',
        'pay_now_minimum_amount',
        'pay_now_partial',
        'pay_now_plan_days',
        'pay_now_plan_first_amount',
        'pay_now_plan_first_percent',
        'pay_now_plan_minimum',
        'pay_now_plan_parts',
        'pay_now_plans',
        'pay_now_print_link',
        'pay_now_print_qr',
        'pay_now_promise_days',
        'pay_now_receipts',
        'pay_now_reminder_accounting',
        'pay_now_reminder_sales',
        'pay_now_reply_to',
        'pay_now_send_notices',
        'pay_now_test_email',
        'pay_now_transfer_first',
        'pay_now_working_days',
    },
}
#: Models of records that refuse to be duplicated.
HISTORY = 'pay.now.history.mixin'


@tagged('post_install', '-at_install')
class TestCopies(ReminderCommon):
    """What a duplicate has of the original, field by field."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.stranger = cls.env['res.partner'].create(
            {'name': "Somebody else", 'email': 'stranger@example.com'}
        )

    def copied_fields(self, model):
        """Return the names of the module's fields of a model that a duplicate gets."""
        return {
            name
            for name, field in model._fields.items()
            if MODULE in field._modules and field.copy and name not in MAGIC_COLUMNS
        }

    def own_models(self):
        """Return the models whose records stay."""
        models = (self.env[name] for name in self.env.registry)
        return [model for model in models if model._auto and not model._transient]

    def is_history(self, model):
        return issubclass(self.env.registry[model._name], self.env.registry[HISTORY])

    def test_every_field_is_decided(self):
        found = {}
        for model in self.own_models():
            if self.is_history(model):
                continue
            if names := self.copied_fields(model):
                found[model._name] = names
        self.assertEqual(found, COPIED)

    def test_the_fields_are_found_at_all(self):
        """Those of mixins, and links that Odoo's own models have, too."""
        decided = {
            model._name: {name for name, one in model._fields.items() if MODULE in one._modules}
            for model in self.own_models()
        }
        self.assertIn('pay_now_token', decided['account.move'])
        self.assertIn('pay_now_reminder_ids', decided['account.move.line'])
        self.assertIn('pay_now_contact_id', decided['res.partner'])
        self.assertIn('reason_codes', decided['pay.now.reminder'])

    def test_history_is_not_duplicated(self):
        names = [model._name for model in self.own_models() if self.is_history(model)]
        for name in (
            'pay.now.account',
            'pay.now.answer',
            'pay.now.customer.statement',
            'pay.now.discrepancy',
            'pay.now.dispute',
            'pay.now.event',
            'pay.now.interest',
            'pay.now.invoice.notice',
            'pay.now.movement',
            'pay.now.onboarding',
            'pay.now.payout',
            'pay.now.plan',
            'pay.now.reminder',
            'pay.now.reminder.run',
            'pay.now.transaction.item',
            'pay.now.undone',
        ):
            self.assertIn(name, names)
        self.make_invoice(100, days_late=30)
        run = self.generate()
        with self.assertRaisesRegex(UserError, "Reminder run"):
            run.copy()
        with self.assertRaisesRegex(UserError, "Customer reminder"):
            run.reminder_ids.copy()

    # === WHAT PEOPLE DUPLICATE === #

    def reminded(self):
        """Return an invoice that was reminded, answered, excluded and paid in part."""
        invoice = self.make_invoice(100, days_late=30)
        self.send(self.generate())
        invoice._pay_now_url()
        invoice.sudo()._pay_now_answer(
            'problem', set(self.lines(invoice).ids), text="The bread was burnt"
        )
        invoice.write({'pay_now_excluded': True, 'pay_now_excluded_reason': "Discussed"})
        tx = self.checkout(self.lines(invoice))
        self.gateway.pay(tx, amount=40)
        tx._synchronize()
        self.assertEqual(invoice.pay_now_reminder_count, 1)
        return invoice

    def assert_blank(self, invoice):
        """Check that nothing is known of an invoice yet."""
        lines = invoice.line_ids
        self.assertFalse(lines.pay_now_reminder_ids)
        self.assertFalse(lines.pay_now_answer_ids)
        self.assertFalse(invoice.pay_now_item_ids)
        self.assertFalse(invoice.transaction_ids)
        self.assertFalse(invoice.pay_now_token)
        self.assertFalse(invoice.pay_now_excluded or invoice.pay_now_excluded_reason)
        self.assertEqual((invoice.pay_now_reminder_count, invoice.pay_now_level_id.id), (0, False))
        self.assertFalse(invoice.pay_now_answer_text)

    def test_invoice(self):
        invoice = self.reminded()
        for partner in (self.customer, self.stranger):
            copy = invoice.copy({'partner_id': partner.id, 'invoice_date': invoice.invoice_date})
            self.assert_blank(copy)
            copy.action_post()
            self.assert_blank(copy)
            self.assertEqual(copy.amount_residual, 100)
            self.assertFalse(self.lines(copy)._pay_now_holds())

    def test_recurring_invoice(self):
        invoice = self.reminded()
        invoice.write({'auto_post': 'monthly', 'auto_post_origin_id': invoice.id})
        invoice._copy_recurring_entries()
        following = self.env['account.move'].search([('auto_post_origin_id', '=', invoice.id)])
        following -= invoice
        self.assertTrue(following)
        self.assert_blank(following)

    def test_reverse_and_recreate(self):
        invoice = self.make_invoice(100, days_late=30)
        self.send(self.generate())
        invoice.sudo()._pay_now_answer('problem', set(self.lines(invoice).ids), text="Not my bread")
        wizard = (
            self.env['account.move.reversal']
            .with_context(active_model='account.move', active_ids=invoice.ids)
            .create({'journal_id': invoice.journal_id.id, 'date': fields.Date.today()})
        )
        action = wizard.modify_moves()
        recreated = self.env['account.move'].browse(action['res_id'])
        self.assertEqual(recreated.move_type, 'out_invoice')
        self.assert_blank(recreated)
        self.assert_blank(invoice.reversal_move_ids)
        recreated.partner_id = self.stranger
        recreated.action_post()
        self.assert_blank(recreated)

    def test_contact(self):
        accountant = self.env['res.partner'].create(
            {'name': "Accountant", 'email': 'accountant@example.com', 'parent_id': self.customer.id}
        )
        self.customer.write({'pay_now_contact_id': accountant.id, 'is_company': True})
        self.make_invoice(100, days_late=30)
        self.send(self.generate())
        copy = self.customer.copy({'email': 'copy@example.com'})
        self.assertFalse(copy.pay_now_contact_id or copy.pay_now_reminder_ids)
        self.assertFalse(copy.pay_now_reminder_count)
        self.make_invoice(100, partner=copy, days_late=30)
        [mail] = self.send(self.generate(partner_ids=[Command.set(copy.ids)]))
        self.assertEqual(mail['email_to'], ['"Boulanger (copy)" <copy@example.com>'])

    def test_provider(self):
        copy = self.provider.copy().sudo()
        self.assertEqual(copy.code, self.provider.code)
        names = {name for name in copy._fields if name.startswith('pay_now_')}
        stored = {name for name in names if copy._fields[name].store} - COPIED['payment.provider']
        new = copy.create({'name': "New", 'code': self.provider.code})
        self.assertEqual(
            {name: copy[name] for name in stored if copy[name] != new[name]}, {}, "as a new one"
        )
        self.assertTrue(any(self.provider.sudo()[name] for name in stored))

    def test_company(self):
        """Odoo refuses to duplicate companies; other modules may not."""
        with self.assertRaises(UserError):
            self.company.copy()
        [vals] = self.company.copy_data()
        self.assertEqual(
            {name for name in vals if name.startswith('pay_now_')}, COPIED['res.company']
        )
