# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, new_test_user, tagged

from .browser import BrowserMixin
from .common import ReminderCommon

RUN, REMINDER, WIZARD = 'pay.now.reminder.run', 'pay.now.reminder', 'pay.now.generate.reminders'


class ReminderSalesCommon(ReminderCommon):
    """Two salespeople, their team leader, and an accountant; none but the last keeps books."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_sales = True
        cls.marc, cls.anna = (
            cls.make_user(login, 'sales_team.group_sale_salesman') for login in ('marc', 'anna')
        )
        cls.leader = cls.make_user('leader', 'sales_team.group_sale_salesman_all_leads')
        cls.accountant = cls.make_user(
            'accountant', 'account.group_account_invoice,sales_team.group_sale_salesman'
        )
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.other_customer = cls.env['res.partner'].create(
            {'name': "Le Fournil", 'email': 'fournil@example.com'}
        )
        cls.mine = cls.make_sold(100, cls.marc, name='Oven of Marc')
        cls.hers = cls.make_sold(33, cls.anna)
        cls.elsewhere = cls.make_sold(44, cls.anna, partner=cls.other_customer)
        cls.accounting = cls.make_invoice(55, days_late=30, invoice_user_id=cls.marc.id)

    @classmethod
    def make_user(cls, login, groups):
        return new_test_user(
            cls.env,
            f'pay_now_{login}',
            name=login.capitalize(),
            email=f'{login}@example.com',
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    @classmethod
    def make_sold(cls, amount, user, partner=None, name='Flour'):
        """Return an invoice of a salesperson with a line from a sales order."""
        product = cls.env['product.product'].create({'name': name, 'invoice_policy': 'order'})
        partner = partner or cls.customer
        order = (
            cls.env['sale.order']
            .sudo()
            .create(
                {
                    'partner_id': partner.id,
                    'user_id': user.id,
                    'order_line': [
                        Command.create({'product_id': product.id, 'price_unit': amount})
                    ],
                }
            )
        )
        order.action_confirm()
        invoice = cls.make_invoice(
            amount, partner, days_late=30, post=False, invoice_user_id=user.id
        )
        invoice.invoice_line_ids.sale_line_ids = order.order_line
        invoice.action_post()
        return invoice

    def generate_as(self, user, **values):
        """Return the run that somebody makes, with that person's rights."""
        wizard = self.env[WIZARD].with_user(user).create(values)
        self.env.invalidate_all()
        return wizard.env[RUN].browse(wizard.action_generate()['res_id'])

    def amounts(self, run):
        return {one.partner_id: one.amount_due for one in run.reminder_ids}


@tagged('post_install', '-at_install')
class TestReminderSales(ReminderSalesCommon):
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

    # === from the list to the customer ===

    def test_edit_drop_and_send(self):
        own = self.make_sold(70, self.marc, partner=self.other_customer)
        run = self.generate_as(self.marc)
        reminder = run.reminder_ids.filtered(lambda one: one.partner_id == self.customer)
        reminder.action_preview()
        self.assertIn(self.mine.name, reminder.preview_html)
        for outside in (self.hers, self.accounting):
            self.assertNotIn(outside.name, reminder.preview_html)
        with Form(run) as form, form.reminder_ids.edit(0) as line:
            line.level_id = self.levels[1]
        changed = run.reminder_ids[0]
        self.assertRecordValues(
            changed, [{'level_id': self.levels[1].id, 'is_level_chosen': True}]
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
        with self.assertRaisesRegex(Exception, "not on its way yet"):
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

    def test_own_text_can_be_taken_back(self):
        reminder = self.generate_as(self.marc).reminder_ids
        reminder.action_edit()
        self.assertTrue(reminder.own_body)
        reminder.action_reset_text()
        self.assertFalse(reminder.own_body)
        reminder.action_pay_now_revoke_link()

    def test_many_are_listed_in_the_background(self):
        self.patch(self.registry[WIZARD], '_pay_now_generate_at_once', 0, create=True)
        run = self.generate_as(self.marc)
        run.sudo()._generate_later()
        self.assertEqual(run.state, 'generating')
        run.reminder_ids.sudo().unlink()
        run.sudo().last_partner_id = 0
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
            {'group_ids': [Command.unlink(self.env.ref('sales_team.group_sale_salesman_all_leads').id)]}
        )
        self.leader.group_ids += self.env.ref('sales_team.group_sale_salesman')
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
            name: self.env.ref(f'account_pay_now.{name}')
            for name in ('menu_pay_now_generate_sales', 'menu_pay_now_runs_sales')
        }
        self.env.ref('sale.sale_menu_root').active = True
        for user in (self.marc, self.leader, self.accountant):
            visible = self.env['ir.ui.menu'].with_user(user)._visible_menu_ids()
            self.assertLessEqual(set(menus_ids := [menu.id for menu in menus.values()]), set(visible))
        self.assertEqual(len(menus_ids), 2)


@tagged('post_install', '-at_install')
class TestReminderSalesScreens(BrowserMixin, ReminderSalesCommon, HttpCase):
    """A salesperson without rights in the accounting makes and sends reminders."""

    def test_generate(self):
        self.env['res.lang']._activate_lang('fr_FR')
        self.make_sold(250, self.marc, partner=self.other_customer)
        nobody = self.env['res.partner'].create({'name': "Sans adresse"})
        self.make_sold(80, self.marc, partner=nobody)
        action = self.env.ref('account_pay_now.action_pay_now_generate_reminders_sales')
        for lang in ('en_US', 'fr_FR'):
            self.marc.lang = lang
            with self.browser('pay_now_marc') as browser:
                self.walk(browser, action, lang)
            run = self.env[RUN].search([('sales_user_id', '=', self.marc.id)])
            self.assertEqual(run.state, 'sending')
            self.assertEqual(len(run.reminder_ids), 3)
            run.reminder_ids.sudo().unlink()
            run.sudo().unlink()

    def walk(self, browser, action, lang):
        """Generate, look at the list, edit a mail, leave one out, send."""
        scope = "document.querySelector('.modal [name=sales_scope_text]')"
        self.show(
            browser, f'/odoo/action-{action.id}', scope, f'reminder_sales_generate_{lang}', full=False
        )
        self.assertFalse(
            self.run_js(browser, "!!document.querySelector('.modal [name=application]')")
        )
        self.run_js(browser, "document.querySelector('button[name=action_generate]').click()")
        self.wait_for(browser, "document.querySelectorAll('.o_data_row').length == 3")
        self.picture(browser, f'reminder_sales_run_{lang}', full=False)
        preview = "document.querySelector('button[name=action_preview]')"
        self.run_js(browser, f'{preview}.click()')
        self.wait_for(browser, "document.querySelector('.modal [name=preview_html]')")
        self.picture(browser, f'reminder_sales_preview_{lang}', full=False)
        self.run_js(browser, "document.querySelector('.modal .btn-close').click()")
        self.wait_for(browser, "!document.querySelector('.modal')")
        edit = "document.querySelector('button[name=action_edit]')"
        self.run_js(browser, f'{edit}.click()')
        self.wait_for(browser, "document.querySelector('.modal [name=own_body] table')")
        self.picture(browser, f'reminder_sales_edit_{lang}', full=False)
        self.run_js(browser, "document.querySelector('.modal .btn-close').click()")
        self.wait_for(browser, "!document.querySelector('.modal')")
        self.run_js(browser, "document.querySelector('button[name=action_drop]').click()")
        self.wait_for(
            browser, "document.querySelectorAll('button[name=action_drop]').length == 1"
        )
        self.run_js(browser, "document.querySelector('button[name=action_send]').click()")
        self.wait_for(browser, "document.querySelector('button[name=action_stop]')")
        self.picture(browser, f'reminder_sales_sending_{lang}', full=False)
