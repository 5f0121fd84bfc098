# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged

from odoo.addons.account_pay_now.tests.reminder.reminder_sales import (
    REMINDER,
    RUN,
    WIZARD,
    ReminderSalesCommon,
)


@tagged('post_install', '-at_install')
class TestReminderSalesAccess(ReminderSalesCommon):
    """Whatever a client sends: the server keeps sales people to their own."""

    # === enforced by the server ===

    def test_wizard_is_forced(self):
        others = {
            'application': 'accounting',
            'user_ids': self.anna.ids,
            'print_previous_balance': True,
            'date_from': fields.Date.today() - timedelta(days=60),
        }
        wizard = self.env[WIZARD].with_user(self.marc).create(others)
        forced = {'application': 'sales', 'user_ids': [], 'print_previous_balance': False}
        self.assertRecordValues(wizard, [forced])
        wizard.write(others)
        self.assertRecordValues(wizard, [forced])
        run = wizard.env[RUN].browse(wizard.action_generate()['res_id'])
        self.assertRecordValues(run, [forced])
        self.assertEqual(self.amounts(run), {self.customer: 100})
        wizard = self.env[WIZARD].with_user(self.leader).create(others)
        self.assertRecordValues(wizard, [{**forced, 'user_ids': self.anna.ids}])

    def test_wizard_form_offers_nothing_else(self):
        self.make_invoice(1000, partner=self.other_customer)
        self.env['account.payment'].create(
            {'partner_id': self.customer.id, 'amount': 12, 'payment_type': 'inbound'}
        ).action_post()
        with Form(self.env[WIZARD].with_user(self.marc)) as form:
            for name in ('application', 'user_ids', 'print_previous_balance'):
                with self.assertRaises(AssertionError):
                    form[name]
            self.assertFalse(form.pay_now_warnings, "they sum up the whole accounting")
            self.assertIn("Marc", form.sales_scope_text)

    def test_run_is_forced(self):
        tomorrow = fields.Date.today() + timedelta(days=300)
        others = {
            'application': 'accounting',
            'user_ids': self.anna.ids,
            'print_previous_balance': True,
            'sales_user_id': self.anna.id,
            'trigger': 'auto',
            'state': 'generating',
            'date': tomorrow,
            'last_partner_id': 7,
        }
        Run = self.env[RUN].with_user(self.marc)
        defaults = {f'default_{name}': value for name, value in others.items()}
        for run in (Run.create(others), Run.with_context(**defaults).create({})):
            self.assertRecordValues(
                run,
                [
                    {
                        'application': 'sales',
                        'user_ids': [],
                        'print_previous_balance': False,
                        'sales_user_id': self.marc.id,
                        'trigger': 'manual',
                        'state': 'draft',
                        'date': fields.Date.context_today(run),
                        'last_partner_id': 0,
                    }
                ],
            )
        for name, value in others.items():
            with self.assertRaises(AccessError):
                run.write({name: value})

    def test_reminder_is_forced(self):
        run = self.generate_as(self.marc)
        reminder = run.reminder_ids
        for vals in (
            {'item_ids': [Command.set(self.lines(self.hers).ids)]},
            {'partner_id': self.other_customer.id},
            {'email': 'marc@example.com'},
            {'state': 'draft'},
            {'amount_due': 1},
            {'run_id': False},
        ):
            with self.assertRaises(AccessError):
                reminder.write(vals)
        with self.assertRaises(AccessError):
            reminder.create(
                {
                    'run_id': run.id,
                    'partner_id': self.other_customer.id,
                    'company_id': self.company.id,
                }
            )
        with self.assertRaises(AccessError):
            reminder.unlink()
        theirs = self.generate().reminder_ids
        with self.assertRaises(AccessError):
            run.write({'reminder_ids': [Command.link(theirs[0].id)]})
        self.assertNotEqual(theirs[0].run_id.id, run.id)

    # === whose ===

    def test_what_is_not_saved_is_rendered_with_ones_own_rights(self):
        run = self.generate_as(self.marc)
        values = {
            'company_id': self.company.id,
            'partner_id': self.customer.id,
            'level_id': self.levels[0].id,
            'run_id': False,
            'item_ids': [Command.set(self.lines(self.hers, self.mine).ids)],
        }
        self.env.invalidate_all()
        spec = {'item_ids': {}, 'items_html': {}, 'amount_due_text': {}}
        with self.assertRaises(AccessError):
            run.reminder_ids.browse().onchange(values, list(values), spec)
        result = run.reminder_ids.onchange(values, list(values), spec)
        self.assertNotIn(self.hers.name, str(result))
        line = {**values, 'state': 'draft'}
        line.pop('run_id')
        spec = {'sales_user_id': {}, 'reminder_ids': {'fields': spec}}
        for record in (run, run.browse()):
            for names in ([], ['sales_user_id'], ['sales_user_id', 'reminder_ids']):
                for command in (
                    [Command.CREATE, 'virtual_1', line],
                    [Command.UPDATE, run.reminder_ids.id, line],
                ):
                    result = record.onchange(
                        {'sales_user_id': False, 'reminder_ids': [command]}, names, spec
                    )
                    self.assertNotIn(self.hers.name, str(result))

    def test_others_are_out_of_reach(self):
        theirs = self.generate() | self.generate_as(self.anna).sudo(False)
        for run in theirs:
            run, reminders = run.with_user(self.marc), run.reminder_ids.with_user(self.marc)
            self.env.invalidate_all()
            for action in ('action_send', 'action_stop', 'action_resume', 'action_cancel'):
                with self.assertRaises(AccessError):
                    getattr(run, action)()
            for action in ('action_drop', 'action_retry', 'action_edit', 'action_reset_text'):
                with self.assertRaises(AccessError):
                    getattr(reminders[:1], action)()
            for records, name in ((run, 'state'), (reminders, 'amount_due')):
                with self.assertRaises(AccessError):
                    records.read([name])
            for name in ('preview_html', 'items_html'):
                with self.assertRaises(AccessError):
                    reminders[:1].read([name])
            with self.assertRaises(AccessError):
                reminders[:1].write({'level_id': self.levels[1].id})
        self.assertFalse(self.env[RUN].with_user(self.marc).search_count([]))
        self.assertFalse(self.env[REMINDER].with_user(self.marc).search_count([]))
        # A team leader has no part in them either; accountants see all.
        self.assertFalse(self.env[RUN].with_user(self.leader).search_count([]))
        self.assertLessEqual(theirs, self.env[RUN].with_user(self.accountant).search([]))

    def test_levels_are_for_reading(self):
        level = self.levels[0].with_user(self.marc)
        self.assertTrue(level.name)
        with self.assertRaises(AccessError):
            level.name = "Mine"
        with self.assertRaises(AccessError):
            level.copy()
        with self.assertRaises(AccessError):
            level.unlink()
        with self.assertRaises(AccessError):
            level.action_preview()
