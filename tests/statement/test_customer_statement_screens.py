# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import json
from urllib.parse import quote, urlsplit

from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.statement.test_statement_sending import StatementCommon

WIDE, NARROW = (1440, 900), (390, 844)


@tagged('post_install', '-at_install')
class TestCustomerStatementScreens(BrowserMixin, StatementCommon, HttpCase):
    """From the customer to the mail, the page and the paper, in French, wide and narrow."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.clerk = new_test_user(
            cls.env,
            'pay_now_clerk',
            name="Claire Duval",
            lang='fr_FR',
            groups='account.group_account_invoice,base.group_partner_manager',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.customer.lang = 'fr_FR'
        for amount, days in ((1234.5, 70), (200, 10), (80, -20)):
            cls.make_invoice(amount, days_late=days)
        cls.make_invoice(30, move_type='out_refund')

    def test_screens(self):
        form = "document.querySelector('button[name=action_pay_now_statement]')"
        wizard = "document.querySelector('.modal [name=kind]')"
        rows = "document.querySelector('.o_list_renderer .o_data_row, .o_kanban_record')"
        action = self.env.ref('account.res_partner_action_customer')
        path = f'/odoo/action-{action.id}/{self.customer.id}'
        with self.browser('pay_now_clerk') as browser:
            self.show(browser, path, form, 'statement_customer', WIDE, full=False)
            self.tick_none(browser, path)
            self.show(browser, path, form, size=WIDE)
            self.run_js(browser, f'{form}.click()')
            self.wait_for(browser, wizard)
            self.picture(browser, 'statement_wizard', full=False)
            send = "document.querySelector('.modal button[name=action_send]')"
            self.run_js(browser, f'{send}.click(); {send}?.click()')
            listed = "document.querySelector('.o_list_view .o_data_row [name=balance_text]')"
            self.wait_for(browser, f'!{wizard} && {listed}')
            self.picture(browser, 'statement_waiting', full=False)
            with self.alone():
                [mail] = self.leave()
                [statement] = self.statements()
            sent = self.env.ref('account_pay_now.action_pay_now_customer_statement')
            for size, suffix in ((WIDE, ''), (NARROW, '_phone')):
                path = f'/odoo/action-{sent.id}'
                self.show(browser, path, rows, f'statement_list{suffix}', size, full=False)
                ready = "document.querySelector('button[name=action_pdf]')"
                path = f'{path}/{statement.id}'
                self.show(browser, path, ready, f'statement_form{suffix}', size, full=False)
            chase = self.env.ref('account_pay_now.action_pay_now_chase_report')
            self.show(
                browser, f'/odoo/action-{chase.id}', rows, 'statement_chase', WIDE, full=False
            )
            self.run_js(browser, "document.querySelector('.o_data_row input').click()")
            button = "document.querySelector('button[name=action_statement]')"
            self.wait_for(browser, button)
            self.picture(browser, 'statement_chase', full=False)
            self.run_js(browser, f'{button}.click()')
            self.wait_for(browser, wizard)
        self.look_at(mail['body'], statement)

    def tick_none(self, browser, path):
        """Tick that the customer gets none by itself: a person's leaves all the same."""
        tab = "document.querySelector('.o_notebook .nav-link[name=accounting]')"
        tick = "document.querySelector('[name=pay_now_no_statement] input')"
        save = "document.querySelector('.o_form_status_indicator_buttons:not(.invisible) button')"
        for size, suffix in ((NARROW, '_phone'), (WIDE, '')):
            self.show(browser, path, tab, size=size)
            self.run_js(browser, f'{tab}.click()')
            self.wait_for(browser, tick)
            self.run_js(browser, f"{tick}.scrollIntoView({{block: 'center'}})")
            self.picture(browser, f'statement_customer_none{suffix}', full=False)
        self.run_js(browser, f'{tick}.click()')
        self.wait_for(browser, save)
        self.run_js(browser, f'{save}.click(); {save}?.click()')
        self.wait_for(browser, f'!{save}')
        with self.alone():
            self.env.invalidate_all()
            self.assertTrue(self.customer.pay_now_no_statement)

    def test_what_did_not_arrive(self):
        """Listed under *To handle*, dropped or sent again from there, pressed twice each."""
        values = {
            'partner_id': self.customer.id,
            'company_id': self.company.id,
            'date_to': '2026-01-31',
            'email': 'client@example.com',
            'balances': [[1234.5, self.company.currency_id.id, 1234.5]],
            'state': 'failed',
            'reason': 'refused',
            'problem': "550 5.1.1 No such user",
            'user_id': self.clerk.id,
        }
        dropped, again = self.Statement.sudo().create([values, {**values, 'date_to': '2026-02-28'}])
        to_handle = self.env.ref('account_pay_now.action_pay_now_to_handle').id
        sent = self.env.ref('account_pay_now.action_pay_now_customer_statement').id
        rows = "document.querySelectorAll('.o_data_row, .o_kanban_record').length > 1"
        with self.browser('pay_now_clerk') as browser:
            for size, suffix in ((WIDE, ''), (NARROW, '_phone')):
                path = f'/odoo/action-{to_handle}'
                self.show(browser, path, rows, f'statement_to_handle{suffix}', size, full=False)
                path = f'/odoo/action-{sent}/{dropped.id}'
                ready = "document.querySelector('.o_form_view [name=reason_text]')"
                self.show(browser, path, ready, f'statement_failed{suffix}', size, full=False)
            self.show(browser, path, "document.querySelector('.o_form_view')", size=WIDE)
            self.press_twice(browser, 'action_drop')
            path = f'/odoo/action-{sent}/{again.id}'
            self.show(browser, path, "document.querySelector('.o_form_view')", size=WIDE)
            self.press_twice(browser, 'action_send_again')
        self.env.invalidate_all()
        self.assertEqual((dropped.state, again.state), ('canceled', 'waiting'))

    def press_twice(self, browser, name):
        """Press a button twice, as somebody in a hurry does, and confirm where that is asked."""
        button = f"document.querySelector('button[name={name}]')"
        confirm = "document.querySelector('.modal-footer .btn-primary')"
        self.wait_for(browser, button)
        self.run_js(browser, f'{button}.click()')
        self.run_js(browser, f'{button}?.click()')
        if name == 'action_send_again':
            self.wait_for(browser, confirm)
            self.picture(browser, f'statement_{name}', full=False)
            self.run_js(browser, f'{confirm}.click()')
            self.run_js(browser, f'{confirm}?.click()')
        self.wait_for(browser, f"!{button} && !document.querySelector('.modal')")

    def look_at(self, body, statement):
        """Take pictures of the mail and the page, as the customer has them."""
        with self.alone():
            url = urlsplit(statement.sudo()._pay_now_url()).path
        mail = f'data:text/html;base64,{base64.b64encode(body.encode()).decode()}'
        with self.browser() as browser:
            page = "document.querySelector('[name=provider_id]')"
            for size, suffix in ((WIDE, ''), (NARROW, '_phone')):
                self.show(browser, mail, 'document.body', f'statement_mail{suffix}', size)
                self.assert_fits(browser)
                self.show(browser, url, page, f'statement_page{suffix}', size)
                self.assert_fits(browser)
            self.assert_accessible(browser)

    def test_paper(self):
        """Drawn, and as a page that can be looked at."""
        report = 'account_pay_now.report_customer_statement'
        today = self.company._pay_now_today()
        data = {'company_id': self.company.id, 'date_from': '2025-01-01', 'date_to': str(today)}
        with self.browser('pay_now_clerk') as browser:
            for kind in ('statement', 'confirmation'):
                options = quote(json.dumps({**data, 'kind': kind}))
                path = f'/report/html/{report}/{self.customer.id}?options={options}'
                table = "document.querySelector('table')"
                self.show(browser, path, table, f'statement_paper_{kind}', (1000, 1300))
        render = self.env['ir.actions.report'].with_user(self.clerk)
        render = render.with_context(force_report_rendering=True)
        content, kind = render._render_qweb_pdf(report, self.customer.ids, data=data)
        self.assertEqual((kind, content[:4]), ('pdf', b'%PDF'))
