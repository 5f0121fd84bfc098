# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import runpy
import time
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.provider.test_branches import BranchCommon
from odoo.addons.account_pay_now.tests.reminder.reminder_sales import ReminderSalesCommon
from odoo.addons.account_pay_now.tests.reminder.test_letters import ADDRESS, LettersCommon


class PrintingCommon(LettersCommon):
    """What is drawn does not matter: who prints what, when, and how much at once."""

    def setUp(self):
        super().setUp()
        self.drawn = []
        self.patch(
            self.registry['ir.actions.report'],
            '_pay_now_render_apart',
            lambda _report, _ref, ids: self.draw(ids),
        )

    def draw(self, ids):
        self.drawn.append(list(ids))
        return {id_: self.blank_page() for id_ in ids}

    def make_letters(self, count):
        """Let more customers without an e-mail owe something."""
        for number in range(count):
            partner = self.env['res.partner'].create({'name': f"Customer {number}", **ADDRESS})
            self.make_invoice(10, partner=partner, days_late=30)


@tagged('post_install', '-at_install')
class TestLettersPrinting(PrintingCommon):
    def test_a_stopped_run_stays_stopped(self):
        mailed = self.env['res.partner'].create({'name': "Mail", 'email': 'm@example.com'})
        self.make_invoice(10, partner=mailed, days_late=30)
        run = self.generate()
        run.action_send()
        run.action_stop()
        self.customer.email = 'client@example.com'
        run.action_print_letters()
        self.assertEqual(run.state, 'stopped')
        self.assertFalse(self.leave_now())

    def test_one_that_cannot_be_drawn_holds_nobody_back(self):
        self.make_letters(3)
        run = self.generate()
        run.action_send()
        bad = run.reminder_ids.filtered(lambda one: one.partner_id == self.customer)
        draw = self.draw

        def fail(ids):
            if bad.id in ids:
                raise ValueError("A page is torn")
            return draw(ids)

        with (
            patch.object(self, 'draw', fail),
            self.assertLogs('odoo.addons.account_pay_now', 'WARNING'),
        ):
            self.letters_of(run)
        self.assertEqual((bad.state, bad.letter_id.ids), ('to_print', []))
        self.assertIn("A page is torn", bad.reason)
        self.assertEqual(set((run.reminder_ids - bad).mapped('state')), {'sent'})
        self.assertFalse(bad.item_ids.move_id.message_ids.filtered(lambda m: 'letter' in m.body))
        self.letters_of(run)
        self.assertEqual(bad.state, 'sent')
        self.assertNotIn("torn", bad.reason or '')

    def test_preview_where_no_level_is_due(self):
        """The eye in the list is for all that was looked at."""
        mailed = self.env['res.partner'].create({'name': "Mail", 'email': 'm@example.com'})
        self.make_invoice(10, partner=mailed, days_late=30)
        reminders = self.generate().reminder_ids
        self.assertEqual(set(reminders.mapped('channel')), {'letter', 'email'})
        reminders.sudo().write({'level_id': False, 'state': 'held'})
        self.assertEqual(reminders.mapped('preview_html'), [False, False])

    def test_letters_that_nobody_wants_to_print(self):
        """All at once: their customers would get no other reminder."""
        run = self.generate()
        run.action_send()
        self.assertEqual(run.state, 'done')
        run.action_cancel()
        self.assertEqual((run.reminder_ids.state, run.to_print_count), ('canceled', 0))
        self.assertEqual(self.generate().reminder_ids.state, 'draft')

    def test_slow_drawing_ends_in_time(self):
        self.make_letters(19)
        run = self.generate()
        run.action_send()
        clock = [time.monotonic()]
        draw = self.draw

        def slow(ids):
            # Each with many invoices.
            clock[0] += 9 * len(ids)
            return draw(ids)

        begin = clock[0]
        with patch.object(self, 'draw', slow), patch('time.monotonic', lambda: clock[0]):
            self.letters_of(run)
        self.assertLess(clock[0] - begin, 100, "the server ends a request after 120 seconds")
        self.assertTrue(run.sent_count and run.to_print_count)

    def test_no_problem_with_the_mail_server_where_only_letters_wait(self):
        self.company.pay_now_reminder_auto = True
        self.customer.pay_now_reminder_mode = 'manual'
        self.env['ir.mail_server'].search([]).active = False
        run = self.daily_run()
        self.assertEqual(run.reminder_ids.mapped('state'), ['draft'])
        self.assertFalse(run.problem)


@tagged('post_install', '-at_install')
class TestLettersUpgrade(LettersCommon):
    def test_no_letters_where_reminders_are_in_use(self):
        """A person ticks them, also where reminders leave without a sign-up."""
        path = Path(__file__).parents[2] / 'migrations' / '19.0.1.5.0' / 'post-letters.py'
        other = self.env['res.company'].create({'name': "Fournil SA"})
        branch = self.env['res.company'].create({'name': "Lyon", 'parent_id': other.id})
        unused = self.env['res.company'].create({'name': "Moulin SA"})
        self.env['pay.now.reminder'].sudo().create(
            {'company_id': branch.id, 'partner_id': self.customer.id, 'state': 'held'}
        )
        companies = self.company | other | branch | unused
        self.assertEqual(companies.mapped('pay_now_letters'), [True] * 4)
        self.env.flush_all()
        runpy.run_path(str(path))['migrate'](self.cr, '19.0.1.4.0')
        self.env.invalidate_all()
        self.assertEqual(companies.filtered('pay_now_letters'), unused)


@tagged('post_install', '-at_install')
class TestLettersOfSales(PrintingCommon, ReminderSalesCommon):
    def test_letters_of_several_runs(self):
        """Who may see one run only finds nothing of another one in its file."""
        self.other_customer.write({'email': False, **ADDRESS})
        self.customer.write({'email': False, **ADDRESS})
        mine = self.generate_as(self.marc)
        mine.action_send()
        theirs = self.generate(partner_ids=self.other_customer.ids)
        theirs.action_send()
        both = (mine.reminder_ids | theirs.reminder_ids).with_user(self.accountant)
        action = both.action_print_letters()
        self.assertEqual(set(both.mapped('state')), {'sent'})
        file = self.env['ir.attachment'].browse(int(action['url'].split('/')[3].split('?')[0]))
        self.assertTrue(file.with_user(self.accountant).raw)
        with self.assertRaises(AccessError):
            file.with_user(self.marc).read(['raw'])
        for run in (mine, theirs):
            [own] = run.sudo().letters_file_ids
            self.assertEqual((own.res_model, own.res_id), (run._name, run.id))
            self.assertIn("1 letter", own.name)


@tagged('post_install', '-at_install')
class TestLettersOfCompanies(PrintingCommon):
    def test_what_another_company_does_holds_nothing(self):
        """From the list the letters of several companies are printed at once."""
        mill = self.env['res.company'].create({'name': "Moulin SA"})
        self._use_chart_template(mill, 'generic_coa')
        self.env.user.company_ids |= mill
        own = self.generate(partner_ids=self.customer.ids)
        second = self.env['res.partner'].create({'name': "Second", **ADDRESS})
        self.make_invoice(40, partner=second, days_late=30, company_id=mill.id)
        both = {'allowed_company_ids': (mill | self.company).ids}
        theirs = own.with_context(**both).create({'company_id': mill.id})
        theirs._generate()
        self.env['pay.now.reminder'].sudo().create(
            {
                'company_id': mill.id,
                'partner_id': self.customer.id,
                'state': 'sent',
                'sent_at': fields.Datetime.now(),
            }
        )
        own.action_send()
        theirs.action_send()
        letters = (theirs | own).reminder_ids.with_context(**both)
        letters.action_print_letters()
        self.assertEqual(letters.mapped('company_id'), mill | self.company)
        self.assertEqual(letters.mapped('state'), ['sent', 'sent'], letters.mapped('reason'))


@tagged('post_install', '-at_install')
class TestLettersOfBranches(PrintingCommon, BranchCommon):
    def test_somebody_of_the_company_prints_what_is_due_to_its_branch(self):
        self.make_branch_invoice(30, days_late=30)
        self.company.pay_now_reminder_auto = True
        run = self.daily_run()
        self.assertEqual(run.reminder_ids.amount_due, 180)
        clerk = new_test_user(
            self.env,
            'clerk_of_the_company',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.letters_of(run.with_user(clerk).with_context(allowed_company_ids=self.company.ids))
        self.assertEqual(run.reminder_ids.amount_due, 180)
        self.assertIn("180", run.reminder_ids.asked_text)
        self.assertEqual(len(run.reminder_ids.item_ids), 3)
