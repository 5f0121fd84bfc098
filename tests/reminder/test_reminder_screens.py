# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon

LANGUAGES = ('en_US', 'fr_FR')


def tab(name):
    return f"document.querySelector('.o_notebook .nav-link[name={name}]').click()"


@tagged('post_install', '-at_install')
class TestReminderScreens(BrowserMixin, ReminderCommon, HttpCase):
    """Levels, runs, and what customers and invoices say of their reminders, in both languages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('fr_FR')
        cls.connect()
        cls.admin = new_test_user(
            cls.env,
            'pay_now_admin',
            groups='base.group_system,account.group_account_manager,base.group_user',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.excluded = cls.make_invoice(
            60, days_late=20, partner=cls.env['res.partner'].create({'name': "Le Fournil"})
        )
        cls.excluded.write(
            {'pay_now_excluded': True, 'pay_now_excluded_reason': "Livraison incomplète"}
        )
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])

    def open(self, browser, action, ready, name=None, record=None):
        path = f'/odoo/action-{self.env.ref(action).id}'
        if record:
            path += f'/{record.id}'
        self.show(browser, path, ready, name, full=False)

    def test_levels(self):
        action = 'account_pay_now.action_pay_now_reminder_level'
        for lang in LANGUAGES:
            self.admin.lang = lang
            self.customer.lang = lang
            with self.browser('pay_now_admin') as browser:
                rows = "document.querySelectorAll('.o_data_row').length == 3"
                self.open(browser, action, rows, f'reminder_levels_{lang}')
                button = "document.querySelector('button[name=action_preview]')"
                for number, level in enumerate(self.levels, start=1):
                    self.open(browser, action, button, f'reminder_level_{number}_{lang}', level)
                    self.run_js(browser, f'{button}.click()')
                    self.wait_for(browser, "document.querySelector('.modal [name=preview_html]')")
                    self.picture(browser, f'reminder_level_{number}_mail_{lang}', full=False)

    def test_runs(self):
        action = 'account_pay_now.action_pay_now_reminder_run'
        for lang in LANGUAGES:
            self.admin.lang = lang
            self.env['pay.now.reminder'].search([]).sudo().unlink()
            run = self.env['pay.now.reminder.run'].with_context(lang=lang).create({})
            run._generate()
            with self.browser('pay_now_admin') as browser:
                wizard = "document.querySelector('.modal [name=application]')"
                name = 'account_pay_now.action_pay_now_generate_reminders'
                self.open(browser, name, wizard, f'reminder_generate_{lang}')
                edit = "document.querySelector('button[name=action_edit]')"
                self.open(browser, action, edit, f'reminder_run_draft_{lang}', run)
                self.run_js(browser, f'{edit}.click()')
                self.wait_for(browser, "document.querySelector('.modal [name=own_body] table')")
                self.picture(browser, f'reminder_edit_{lang}', full=False)
                run.action_send()
                stop = "document.querySelector('button[name=action_stop]')"
                self.open(browser, action, stop, f'reminder_run_sending_{lang}', run)
                self.run_js(browser, f'{stop}.click()')
                resume = "document.querySelector('button[name=action_resume]')"
                self.wait_for(browser, resume)
                self.picture(browser, f'reminder_run_stopped_{lang}', full=False)
            self.assertEqual(run.state, 'stopped')

    def test_customer_invoice_and_settings(self):
        run = self.generate()
        run.reminder_ids.sudo().write({'state': 'sent', 'sent_at': fields.Datetime.now()})
        for lang in LANGUAGES:
            self.admin.lang = lang
            with self.browser('pay_now_admin') as browser:
                form = "document.querySelector('.o_form_view .o_notebook')"
                self.open(
                    browser, 'account.res_partner_action_customer', form, record=self.customer
                )
                self.run_js(browser, tab('accounting'))
                field = "document.querySelector('.o_field_widget[name=pay_now_reminder_mode]')"
                self.wait_for(browser, field)
                self.run_js(browser, f'{field}.scrollIntoView({{block: "center"}})')
                self.picture(browser, f'reminder_customer_{lang}', full=False)
                self.open(
                    browser, 'account.action_move_out_invoice_type', form, record=self.excluded
                )
                field = "document.querySelector('.o_field_widget[name=pay_now_excluded_reason]')"
                self.wait_for(browser, f"({tab('other_info')}, {field})")
                self.run_js(browser, f'{field}.scrollIntoView({{block: "center"}})')
                self.picture(browser, f'reminder_invoice_{lang}', full=False)
                setting = "document.querySelector('[id=pay_now_calendar]')"
                self.open(browser, 'account_pay_now.action_pay_now_settings', setting)
                self.run_js(browser, f'{setting}.scrollIntoView()')
                self.picture(browser, f'reminder_settings_{lang}', full=False)
