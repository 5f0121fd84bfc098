# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.browser import PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon

LANGUAGES = ('en_US', 'fr_FR')
WIDE = (1440, 900)
#: Keeps what listens to the bus: no test has a websocket.
LISTEN = """
    window.listeners = [];
    const add = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (type, listener) {
        if (type === 'message' && (this instanceof MessagePort || this instanceof Worker)) {
            window.listeners.push(listener);
        }
        return add.apply(this, arguments);
    };
"""
ROWS = "document.querySelectorAll('.o_pay_now_run_reminders .o_data_row').length"
SEND = 'button[name=action_send]'
YES = '.modal .modal-footer .btn-primary'


def tab(name):
    return f"document.querySelector('.o_notebook .nav-link[name={name}]').click()"


@tagged('post_install', '-at_install')
class TestReminderScreens(BrowserMixin, ReminderCommon, HttpCase):
    """Levels, runs, and what customers and invoices say of their reminders, in both languages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
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
        self.show(browser, path, ready, name, size=WIDE, full=False)

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
                self.click(browser, '.modal .btn-close')
                self.wait_for(browser, "!document.querySelector('.modal')")
                self.click(browser, SEND)
                self.confirm(browser, f'reminder_run_question_{lang}')
                stop = "document.querySelector('button[name=action_stop]')"
                self.wait_for(browser, stop)
                self.picture(browser, f'reminder_run_sending_{lang}', full=False)
                self.run_js(browser, f'{stop}.click()')
                self.confirm(browser, f'reminder_run_stop_{lang}')
                self.wait_for(browser, "document.querySelector('button[name=action_resume]')")
                self.picture(browser, f'reminder_run_stopped_{lang}', full=False)
            self.env.invalidate_all()
            self.assertEqual(run.state, 'stopped')

    # === A RUN BY CLICKS === #

    def confirm(self, browser, name=None):
        self.wait_for(browser, f"document.querySelector('{YES}:not([disabled])')")
        if name:
            self.picture(browser, name, full=False)
        self.click(browser, YES)
        self.wait_for(browser, "!document.querySelector('.modal')")

    def tab(self, browser, name, count):
        """Choose a tab of the run, and wait for its rows."""
        self.click(browser, f'button[name=tab_{name}]')
        active = f"document.querySelector('button[name=tab_{name}].active')"
        self.wait_for(browser, f'{active} && {ROWS} === {count}')

    def press_for_all(self, browser, button):
        """Select all rows, and press a button for them."""
        self.click(browser, '.o_list_record_selector input')
        self.wait_for(browser, f"document.querySelector('.o_control_panel button[name={button}]')")
        self.click(browser, f'.o_control_panel button[name={button}]')

    def hear(self, browser):
        """Let the page hear what the bus would tell it."""
        self.cr.flush()
        notice = self.env['bus.bus'].sudo().search([], order='id desc', limit=1)
        message = json.loads(notice.message)
        self.assertEqual(message['type'], const.RUN_CHANGED)
        data = {'type': 'BUS:NOTIFICATION', 'data': [{'id': notice.id, 'message': message}]}
        self.run_js(
            browser,
            f'window.listeners.forEach(listener => listener({{data: {json.dumps(data)}}}))',
        )

    def test_walk_through_a_run(self):
        """Whoever has Invoicing and nothing else generates, looks, sends and sees it leave."""
        self.make_invoice(1200.5, days_late=15, partner=self.make_customer("Épicerie"))
        self.make_invoice(70, days_late=15, partner=self.make_customer("Zinc", email=False))
        user = new_test_user(
            self.env,
            'pay_now_billing',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        with self.browser('pay_now_billing') as browser:
            browser._websocket_request(
                'Page.addScriptToEvaluateOnNewDocument', params={'source': LISTEN}
            )
            run = self.walk_to_the_list(browser, user)
            self.walk_through_the_list(browser)
            self.walk_to_sending(browser, run)
            self.walk_along_the_sending(browser, run)
            self.walk_to_the_invoice(browser)

    def make_customer(self, name, email='other@example.com'):
        return self.env['res.partner'].create({'name': name, 'email': email})

    def walk_to_the_list(self, browser, user):
        """Generate; it says before how many there are. What is to be sent is listed first."""
        action = self.env.ref('account_pay_now.action_pay_now_generate_reminders')
        said = "document.querySelector('.modal [name=expected_text]')?.innerText"
        self.show(browser, f'/odoo/action-{action.id}', f'{said}.includes("4 customers")')
        self.click(browser, 'button[name=action_generate]')
        self.wait_for(browser, f'{ROWS} === 2')
        with self.alone():
            run = self.env['pay.now.reminder.run'].search([('create_uid', '=', user.id)])
        self.assertEqual(len(run), 1)
        shown = self.run_js(browser, "document.querySelector('.o_form_view').innerText")
        self.assertIn(f"2 reminders to send, {self.amount(1300.5)}", shown)
        self.assertIn(user.name, shown)
        return run

    def amount(self, value):
        return f'{value:,.2f}\xa0€'

    def walk_through_the_list(self, browser):
        """Drop all and take them back; step through the mails."""
        self.press_for_all(browser, 'action_drop')
        self.wait_for(browser, f'{ROWS} === 0')
        self.tab(browser, 'dropped', 2)
        self.press_for_all(browser, 'action_take_back')
        self.wait_for(browser, f'{ROWS} === 0')
        self.tab(browser, 'to_send', 2)
        self.click(browser, 'button[name=action_preview]')
        step = "document.querySelector('.modal button[name=action_preview_{}]')"
        self.wait_for(browser, step.format('next'))
        self.click(browser, '.modal button[name=action_preview_next]')
        # The window of the next one takes the place of the former.
        alone = "document.querySelectorAll('.modal').length === 1"
        self.wait_for(browser, f"{alone} && {step.format('previous')}")
        self.click(browser, '.modal .btn-close')
        self.wait_for(browser, "!document.querySelector('.modal')")

    def walk_to_sending(self, browser, run):
        """Two clicks ask once, two more send, and nothing else happens."""
        self.click(browser, SEND, times=2)
        self.wait_for(browser, f"document.querySelector('{YES}:not([disabled])')")
        asked = self.run_js(browser, "document.querySelector('.modal').innerText")
        self.assertIn(f"Send 2 reminders, {self.amount(1300.5)}?", asked)
        with self.alone():
            self.assertEqual(run.state, 'draft')
        self.click(browser, YES, times=2)
        self.wait_for(browser, "document.querySelector('button[name=action_stop]')")
        self.wait_for(browser, "!document.querySelector('.modal')")
        with self.alone():
            self.assertEqual(run.state, 'sending')
        self.assertEqual(self.run_js(browser, ROWS), 2, "still the list of the run")

    def walk_along_the_sending(self, browser, run):
        """What leaves is seen at once; what somebody has selected stays selected."""
        self.click(browser, '.o_list_record_selector input')
        selected = "document.querySelectorAll('.o_data_row_selected').length"
        self.wait_for(browser, f'{selected} === 2')
        with self.alone():
            self.assertEqual(len(self.leave_now()), 2)
        self.hear(browser)
        self.wait_for(browser, "!document.querySelector('button[name=action_stop]')")
        self.assertEqual(self.run_js(browser, selected), 2)
        self.click(browser, '.o_list_record_selector input')
        self.wait_for(browser, f'{ROWS} === 0')
        self.tab(browser, 'sent', 2)
        with self.alone():
            self.assertEqual(run.state, 'done')

    def walk_to_the_invoice(self, browser):
        self.click(browser, '.o_data_row .o_data_cell[name=partner_id]')
        item = '[name=item_ids] .o_data_row td[name=move_name] a'
        self.wait_for(browser, f"document.querySelector('{item}')")
        self.wait_for(browser, "document.querySelector('.o_pager_limit').innerText === '2'")
        self.click(browser, item)
        self.wait_for(browser, "document.querySelector('.o_form_view [name=invoice_line_ids]')")

    def test_phone(self):
        """Cards instead of columns."""
        run = self.env['pay.now.reminder.run'].create({})
        run._generate()
        view = "document.querySelector('.o_kanban_view')"
        card = "document.querySelector('.o_kanban_record:not(.o_kanban_ghost)')"
        with self.browser('pay_now_admin') as browser:
            for name in ('reminder_run', 'reminder', 'to_handle', 'payout', 'dispute'):
                action = self.env.ref(f'account_pay_now.action_pay_now_{name}')
                ready = card if name.startswith('reminder') else view
                path = f'/odoo/action-{action.id}'
                self.show(browser, path, ready, f'phone_{name}', PHONE, full=False)
            action = self.env.ref('account_pay_now.action_pay_now_reminder_run')
            self.show(
                browser, f'/odoo/action-{action.id}/{run.id}', card, 'phone_run', PHONE, False
            )

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
