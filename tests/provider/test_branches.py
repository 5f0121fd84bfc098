# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Date
from odoo.tests import Form, HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.common import PayNowCommon


class BranchCommon(PayNowCommon):
    """A company with a branch: one chart, one provider account, two names on the invoices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.make_branch()
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.level = cls.levels[0]

    @classmethod
    def make_branch_invoice(cls, amount=100.0, **values):
        return cls.make_invoice(amount, company_id=cls.branch.id, **values)

    def user_of_branch(self, groups='account.group_account_manager'):
        return new_test_user(
            self.env,
            f'lyon_{len(groups)}',
            groups=groups,
            company_id=self.branch.id,
            company_ids=[Command.set(self.branch.ids)],
        )


@tagged('post_install', '-at_install')
class TestBranchSetup(BranchCommon):
    def assert_same_set_up(self, branch=None):
        for name in const.SHARED_FIELDS:
            self.assertEqual((branch or self.branch)[name], self.company[name], name)

    def test_a_branch_follows_each_step_of_its_company(self):
        self.assertFalse(self.branch.pay_now_provider_ids)
        self.sign_up('sales')
        self.assert_same_set_up()
        self.assertTrue(self.branch.pay_now_reminder_sales)
        self.assertFalse(self.branch.pay_now_connected)
        self.connect()
        self.assertTrue(self.branch.pay_now_connected)
        self.company.write({'pay_now_any_method_sales': True, 'pay_now_reminder_auto': True})
        self.assert_same_set_up()
        self.provider.action_pay_now_disconnect()
        self.assertFalse(self.branch.pay_now_connected)

    def test_a_later_branch_finds_it_all_there(self):
        self.connect()
        self.company.pay_now_reminder_auto = True
        lyon = self.env['res.company'].create({'name': "Villeurbanne", 'parent_id': self.branch.id})
        self.assertTrue(lyon.pay_now_connected)
        self.assert_same_set_up(lyon)
        self.company.pay_now_reminder_auto = False
        self.assert_same_set_up(lyon)

    def test_nothing_is_decided_in_a_branch(self):
        self.connect()
        for values in ({'pay_now_reminder_sales': True}, {'pay_now_sage_customer_code': 'X'}):
            with self.assertRaisesRegex(UserError, "set up in Fournil SARL"):
                self.branch.write(values)
        # Odoo's test company has a tax that is due on payment: its settings would switch it on.
        self.company.tax_exigibility = True
        settings = self.env['res.config.settings'].with_company(self.branch)
        with Form(settings) as form:
            self.assertTrue(form.pay_now_reminder_accounting)
            with self.assertRaises(AssertionError, msg="read-only"):
                form.pay_now_any_method_accounting = True
        form.record.execute()
        with Form(settings.with_company(self.company)) as form:
            form.pay_now_any_method_accounting = True
        form.record.execute()
        self.assertTrue(self.branch.pay_now_any_method_accounting)

    def test_the_options_screen_of_a_branch_says_where_they_are_decided(self):
        self.connect()
        options = self.env['pay.now.options'].with_company(self.branch).create({})
        self.assertTrue(options.connected and options.pay_now_reminder_accounting)
        with self.assertRaisesRegex(UserError, "set up in Fournil SARL"):
            options.pay_now_reminder_accounting = False
        options = self.env['pay.now.options'].with_company(self.company).create({})
        options.pay_now_reminder_accounting = False
        self.assertFalse(self.branch.pay_now_reminder_accounting)

    def test_the_set_up_screen_of_a_branch_is_the_companys(self):
        self.sign_up()
        wizard = self.env['pay.now.setup'].with_company(self.branch).create({})
        self.assertEqual((wizard.company_id, wizard.step), (self.company, 'connect'))
        self.assertEqual(wizard.sage_customer_code, 'FR-123')
        self.assertIn(self.provider, wizard.provider_ids)

    def test_an_administrator_of_the_branch_alone_is_told_whom_it_belongs_to(self):
        administrator = self.user_of_branch('base.group_system')
        wizard = self.env['pay.now.setup'].with_user(administrator).create({})
        wizard.sage_customer_code = 'FR-1'
        with self.assertRaisesRegex(AccessError, "Fournil SARL"):
            wizard.action_save_code()


@tagged('post_install', '-at_install')
class TestBranch(BranchCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_branch_invoice(100, days_late=20)

    def run_of(self, company):
        run = self.env['pay.now.reminder.run'].with_company(company).create({})
        # As somebody who has selected the company and its branch.
        run = run.with_context(allowed_company_ids=(company | self.branch).ids)
        run._generate()
        return run

    def test_the_button_leads_to_the_companys_provider(self):
        self.assertFalse(self.invoice._pay_now_refusal('invoice_mail'))
        self.assertFalse(self.invoice._pay_now_refusal('reminder'))
        self.assertEqual(self.branch._pay_now_providers(), self.provider)
        compatible = (
            self.env['payment.provider']
            .sudo()
            .with_context(pay_now_invoice_ids=self.invoice.ids)
            ._get_compatible_providers(
                self.branch.id, self.customer.id, 100, self.invoice.currency_id.id
            )
        )
        self.assertIn(self.provider, compatible, "on Odoo's own pages too")

    def test_what_is_said_to_the_branch_counts_in_its_reports(self):
        day = Date.today() + timedelta(days=5)
        env = self.env(context={'allowed_company_ids': (self.company | self.branch).ids})
        env['pay.now.answer'].create(
            {
                'company_id': self.branch.id,
                'partner_id': self.customer.id,
                'kind': 'promise',
                'date': day,
                'item_ids': [Command.set(self.lines(self.invoice).ids)],
            }
        )
        domain = [('company_id', '=', self.branch.id), ('partner_id', '=', self.customer.id)]
        self.assertRecordValues(
            env['pay.now.chase.report'].search(domain), [{'is_waiting': True, 'answer_date': day}]
        )
        self.assertRecordValues(env['pay.now.due.report'].search(domain), [{'expected_date': day}])

    def test_payments_are_booked_in_the_companys_journal(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertRecordValues(
            tx.payment_id,
            [
                {
                    'company_id': self.company.id,
                    'journal_id': self.provider.journal_id.id,
                    'reconciled_invoice_ids': self.invoice.ids,
                }
            ],
        )
        self.assertEqual(tx.pay_now_commission_state, 'booked')
        self.assertEqual(self.clearing_balance(), 100 - 4.75)
        self.assertFalse(self.env['pay.now.discrepancy'].search([('transaction_id', '=', tx.id)]))

    def test_one_payment_for_invoices_of_both(self):
        own = self.make_invoice(50)
        run = self.run_of(self.company)
        self.assertEqual(run.reminder_ids.item_ids.move_id, own | self.invoice)
        document = run.reminder_ids.sudo()
        document._pay_now_url()
        tx = document._pay_now_start(set(document.item_ids.ids), self.provider.id)
        self.assertEqual(tx.amount, 150)
        tx._pay_now_open()
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual((own.payment_state, self.invoice.payment_state), ('paid', 'paid'))

    def test_a_user_of_the_branch_sees_the_invoice_paid(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        user = self.user_of_branch()
        invoice = self.invoice.with_user(user)
        with Form(invoice) as form:
            self.assertEqual(form.payment_state, 'paid')
        self.assertFalse(invoice.pay_now_url)

    def test_a_user_of_the_branch_posts_sends_and_reminds(self):
        user = self.user_of_branch('account.group_account_invoice')
        invoice = self.make_branch_invoice(30, post=False, days_late=20).with_user(user)
        invoice.action_post()
        wizard = (
            self.env['account.move.send.wizard']
            .with_user(user)
            .with_context(active_model='account.move', active_ids=invoice.ids)
            .create({})
        )
        body = wizard.body
        self.assertIn(invoice.sudo()._pay_now_path(), body)
        run = self.env['pay.now.reminder.run'].with_user(user).create({})
        run._generate()
        self.assertEqual(run.company_id, self.branch)
        self.assertRecordValues(
            run.reminder_ids,
            [{'level_id': self.level.id, 'amount_due': 130, 'has_button': True, 'state': 'draft'}],
        )
        self.assertIn("Fournil Lyon", run.reminder_ids.preview_html)
        run.action_send()

    def test_nobody_is_reminded_by_the_branch_and_by_its_company(self):
        reminder = self.run_of(self.branch).reminder_ids
        reminder.sudo().write({'state': 'sent', 'sent_at': datetime.now()})
        self.make_invoice(50, days_late=20)
        self.assertEqual(self.run_of(self.company).reminder_ids.state, 'held')
        # Also by somebody who sees nothing of the branch.
        run = self.env['pay.now.reminder.run'].with_company(self.company).create({})
        run.with_context(allowed_company_ids=self.company.ids)._generate()
        self.assertRecordValues(run.reminder_ids, [{'state': 'held', 'amount_due': 50}])

    def test_the_daily_action_runs_once_for_a_company_and_its_branches(self):
        self.company.pay_now_reminder_auto = True
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_reminders_generate').method_direct_trigger()
        runs = self.env['pay.now.reminder.run'].search([('trigger', '=', 'auto')])
        self.assertEqual(runs.company_id, self.company)
        self.assertEqual(runs.reminder_ids.item_ids.move_id, self.invoice)

    def test_a_customer_excluded_in_the_branch_is_not_reminded_by_the_company(self):
        self.customer.with_company(self.branch).pay_now_reminder_mode = 'never'
        self.assertEqual(self.run_of(self.company).reminder_ids.state, 'held')

    def test_a_branch_has_no_levels_of_its_own(self):
        Level = self.env['pay.now.reminder.level']
        self.assertFalse(Level.search([('company_id', '=', self.branch.id)]))
        self.assertEqual(Level.with_user(self.user_of_branch()).search([]), self.levels)


@tagged('post_install', '-at_install')
class TestBranchPage(BranchCommon, HttpCase):
    def test_the_page_is_the_branchs(self):
        self.connect()
        self.invoice = self.make_branch_invoice(100)
        page = self.url_open(urlsplit(self.invoice._pay_now_url()).path).text
        self.assertIn("Fournil Lyon", page)
        self.assertIn('lyon@example.com', page)
        self.assertNotIn("Fournil SARL", page)
