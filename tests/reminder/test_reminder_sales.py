# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from odoo.addons.account_pay_now.tests.reminder.reminder_sales import (
    RUN,
    WIZARD,
    ReminderSalesCommon,
)


@tagged('post_install', '-at_install')
class TestReminderSales(ReminderSalesCommon):
    """Sales people remind of their own Sales invoices, from the list to the customer."""

    # === scope ===

    def test_only_own_sales_invoices(self):
        run = self.generate_as(self.marc)
        self.assertEqual(self.amounts(run), {self.customer: 100})
        self.assertRecordValues(
            run, [{'application': 'sales', 'sales_user_id': self.marc.id, 'trigger': 'manual'}]
        )
        self.assertRecordValues(
            run.reminder_ids,
            [{'state': 'draft', 'has_button': True, 'item_count': 1, 'amount_payable': 100}],
        )
        self.assertEqual(run.sudo().reminder_ids.item_ids.move_id, self.mine)
        self.assertIn("Marc", run.sales_scope_text)

    def test_those_of_nobody_are_everybodys_as_in_odoo(self):
        self.hers.invoice_user_id = False
        self.assertEqual(self.amounts(self.generate_as(self.marc)), {self.customer: 133})

    def test_all_documents(self):
        run = self.generate_as(self.leader)
        self.assertEqual(self.amounts(run), {self.customer: 133, self.other_customer: 44})
        self.assertIn("all salespeople", run.sales_scope_text)
        run = self.generate_as(self.leader, user_ids=self.anna.ids)
        self.assertEqual(self.amounts(run), {self.customer: 33, self.other_customer: 44})

    def test_accountant_from_sales_is_not_bound_to_it(self):
        action = self.env['ir.actions.act_window']._for_xml_id(
            'account_pay_now.action_pay_now_generate_reminders_sales'
        )
        self.assertIn('default_application', action['context'])
        Wizard = self.env[WIZARD].with_user(self.accountant)
        with Form(Wizard.with_context(default_application='sales')) as form:
            self.assertEqual(form.application, 'sales')
            self.assertFalse(form.sales_scope_text)
        self.assertFalse(self.generate_as(self.accountant, application='sales').sales_user_id)
        self.assertEqual(
            self.amounts(self.generate_as(self.accountant, application='sales')),
            {self.customer: 133, self.other_customer: 44},
        )
        self.assertEqual(
            self.amounts(self.generate_as(self.accountant, application='accounting')),
            {self.customer: 55},
        )

    def test_companies_of_others_are_out_of_reach(self):
        company = self.env['res.company'].create({'name': "Moulin SA"})
        with self.assertRaises(AccessError):
            self.generate_as(self.marc, company_id=company.id)
        scope = self.marc._pay_now_sales_scope()
        self.assertEqual(self.lines(self.mine).filtered_domain(scope), self.lines(self.mine))
        self.marc.write(
            {'company_id': company.id, 'company_ids': [Command.set(company.ids)]},
        )
        self.assertFalse(self.lines(self.mine).filtered_domain(self.marc._pay_now_sales_scope()))

    def test_reading_the_books_is_not_accounting(self):
        auditor = self.make_user(
            'auditor', 'account.group_account_readonly,sales_team.group_sale_salesman'
        )
        self.mine.invoice_user_id = auditor
        run = self.generate_as(auditor, application='accounting')
        self.assertEqual(self.amounts(run), {self.customer: 100})
        self.assertFalse(self.env[RUN].with_user(auditor).search([]) - run)

    def test_queries_do_not_grow_with_the_customers(self):
        partners = self.env['res.partner'].create(
            [{'name': f'Customer {n}', 'email': f'c{n}@example.com'} for n in range(18)]
        )
        for partner in partners:
            invoice = self.make_invoice(10, partner, days_late=30, invoice_user_id=self.marc.id)
            invoice.invoice_line_ids.sale_line_ids = self.mine.invoice_line_ids.sale_line_ids
        counts = []
        for some in (partners[:3], partners[3:6], partners[6:]):
            # The first one fills what is kept between requests.
            run = self.env[RUN].with_user(self.marc).create({'partner_ids': some.ids})
            engine = run._by_engine()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            engine._generate()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(len(run.reminder_ids), len(some))
        self.assertEqual(counts[1], counts[2])

    # === from the list to the customer ===

    def test_edit_drop_and_send(self):
        own = self.make_sold(70, self.marc, partner=self.other_customer)
        run = self.generate_as(self.marc)
        reminder = run.reminder_ids.filtered(lambda one: one.partner_id == self.customer)
        reminder.action_preview()
        self.assertIn(self.mine.name, reminder.preview_html)
        for outside in (self.hers, self.accounting):
            self.assertNotIn(outside.name, reminder.preview_html)
        run.env['pay.now.choose.level'].create(
            {'reminder_ids': [Command.set(reminder.ids)], 'level_id': self.levels[1].id}
        ).action_apply()
        self.assertRecordValues(
            reminder, [{'level_id': self.levels[1].id, 'is_level_chosen': True}]
        )
        reminder.action_edit()
        reminder.own_body = reminder.own_body + "<p>See you on Monday</p>"
        (run.reminder_ids - reminder).action_drop()
        mails = self.send(run)
        self.assertEqual(len(mails), 1)
        self.assertIn("See you on Monday", mails[0]['body'])
        self.assertIn(self.mine.name, mails[0]['body'])
        self.assertNotIn(self.hers.name, mails[0]['body'])
        self.assertNotIn(own.name, mails[0]['body'])
        self.assertIn('marc@example.com', mails[0]['reply_to'])
        self.assertEqual(reminder.state, 'sent')
        self.assertEqual(run.state, 'done')
        with self.assertRaisesRegex(UserError, "not on its way yet"):
            reminder.level_id = self.levels[0]
        self.assertEqual(reminder.sudo().item_ids, self.lines(self.mine))

    def test_stop_resume_and_cancel(self):
        run = self.generate_as(self.marc)
        run.action_send()
        run.action_stop()
        self.assertEqual(run.state, 'stopped')
        run.action_resume()
        self.assertEqual(run.state, 'sending')
        run.reminder_ids.sudo().write({'state': 'failed'})
        run.reminder_ids.action_retry()
        self.assertEqual(run.reminder_ids.state, 'queued')
        run.action_cancel()
        self.assertEqual(run.reminder_ids.state, 'canceled')

    def test_sent_by_an_accountant_it_keeps_its_scope(self):
        run = self.generate_as(self.marc).with_user(self.accountant)
        self.env.invalidate_all()
        self.assertNotIn(self.hers.name, run.reminder_ids.preview_html)
        (mail,) = self.send(run)
        self.assertIn(self.mine.name, mail['body'])
        self.assertNotIn(self.hers.name, mail['body'])

    def test_own_text_can_be_taken_back(self):
        reminder = self.generate_as(self.marc).reminder_ids
        reminder.action_edit()
        self.assertTrue(reminder.own_body)
        reminder.action_reset_text()
        self.assertFalse(reminder.own_body)
        reminder.action_pay_now_revoke_link()

    def test_many_are_listed_in_the_background(self):
        with patch('odoo.addons.account_pay_now.const.GENERATE_AT_ONCE', 0):
            run = self.generate_as(self.marc)
        self.assertEqual(run.state, 'generating')
        self.assertFalse(run.reminder_ids)
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_reminders_generate').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(run.state, 'draft')
        self.assertEqual(self.amounts(run), {self.customer: 100})

    # === what changes meanwhile ===

    def test_reassigned_meanwhile_is_left_out(self):
        second = self.make_sold(20, self.marc)
        run = self.generate_as(self.marc)
        self.assertEqual(self.amounts(run), {self.customer: 120})
        second.invoice_user_id = self.anna
        self.env.invalidate_all()
        self.assertNotIn(second.name, run.reminder_ids.preview_html)
        (mail,) = self.send(run)
        self.assertIn(self.mine.name, mail['body'])
        self.assertNotIn(second.name, mail['body'])
        self.assertEqual(self.amounts(run), {self.customer: 100})
        self.assertEqual(run.sudo().reminder_ids.item_ids, self.lines(self.mine))

    def test_all_reassigned_meanwhile(self):
        run = self.generate_as(self.marc)
        self.mine.invoice_user_id = self.anna
        self.env.invalidate_all()
        self.assertFalse(self.send(run))
        self.assertRecordValues(
            run.reminder_ids,
            [
                {
                    'state': 'held',
                    'amount_due': 0,
                    'reason': "The invoices are no longer the salesperson's",
                }
            ],
        )

    def test_rights_taken_away_meanwhile(self):
        run = self.generate_as(self.leader)
        self.leader.write(
            {
                'group_ids': [
                    Command.unlink(self.env.ref('sales_team.group_sale_salesman_all_leads').id),
                    Command.link(self.env.ref('sales_team.group_sale_salesman').id),
                ]
            }
        )
        self.env.invalidate_all()
        self.assertFalse(self.send(run))
        self.assertEqual(set(run.reminder_ids.mapped('state')), {'held'})

    # === the whole customer counts, and stays unseen ===

    def test_reminded_by_accounting_a_moment_ago(self):
        self.send(self.generate(application='accounting'))
        reminder = self.generate_as(self.marc).reminder_ids
        self.assertEqual(reminder.state, 'held')
        self.assertIn("Already reminded", reminder.reason)

    def test_another_on_its_way(self):
        self.generate(application='accounting').action_send()
        run = self.generate_as(self.marc)
        self.assertRecordValues(
            run.reminder_ids, [{'state': 'held', 'reason': "Another reminder is on its way"}]
        )

    def test_credit_holds_without_saying_how_much(self):
        self.env['account.payment'].create(
            {'partner_id': self.customer.id, 'amount': 777, 'payment_type': 'inbound'}
        ).action_post()
        self.assertRecordValues(
            self.generate_as(self.marc).reminder_ids,
            [{'state': 'held', 'reason': "Unmatched credit of the customer"}],
        )

    def test_page_shows_its_own_items(self):
        credit = self.accounting._reverse_moves()
        credit.action_post()
        run = self.generate_as(self.marc)
        self.send(run)
        values = run.sudo().reminder_ids._pay_now_page_values()
        self.assertEqual([row['line'] for row in values['items']], list(self.lines(self.mine)))
        self.assertFalse(values['credits'], "those of other invoices are not in the scope")
        self.assertEqual(values['total'], 100)

    def test_option_of_sales_decides_the_button(self):
        self.company.pay_now_reminder_sales = False
        self.assertRecordValues(
            self.generate_as(self.marc).reminder_ids,
            [{'has_button': False, 'reason': "Option not ticked (Sales)"}],
        )

    def test_menus(self):
        menus = {
            self.env.ref(f'account_pay_now.{name}').id
            for name in ('menu_pay_now_generate_sales', 'menu_pay_now_runs_sales')
        }
        self.env.ref('sale.sale_menu_root').active = True
        for user in (self.marc, self.leader, self.accountant):
            visible = self.env['ir.ui.menu'].with_user(user)._visible_menu_ids()
            self.assertLessEqual(menus, set(visible))

    # === letters ===

    def test_letters(self):
        self.customer.write({'email': False, 'street': "1 rue du Four", 'city': "Lyon"})
        self.patch(
            self.registry['ir.actions.report'],
            '_pay_now_render_apart',
            lambda _report, _ref, ids: dict.fromkeys(ids, b'a page'),
        )
        run = self.generate_as(self.marc)
        run.action_send()
        letter = run.reminder_ids
        self.assertEqual((letter.state, run.state), ('to_print', 'done'))
        with self.assertRaises(AccessError):
            letter.with_user(self.anna).action_print_letters()
        action = run.action_print_letters()
        self.assertRecordValues(letter, [{'state': 'sent', 'channel': 'letter', 'amount_due': 100}])
        self.assertTrue(letter.action_letter()['url'])
        file = self.env['ir.attachment'].browse(int(action['url'].split('/')[3].split('?')[0]))
        self.assertEqual(file.with_user(self.marc).raw, b'a page')
        with self.assertRaises(AccessError):
            file.with_user(self.anna).read(['raw'])
