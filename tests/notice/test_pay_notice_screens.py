# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.notice.test_pay_notice import NoticeCommon

WIDE, NARROW = (1440, 900), (390, 844)
TAB = "document.querySelector('.nav-link[name=other_info]')"
GROUP = "document.querySelector('[name=pay_now_sent_text]')"


@tagged('post_install', '-at_install')
class TestPayNoticeScreens(BrowserMixin, NoticeCommon, HttpCase):
    """What the customer gets, and what the accountant reads about it, in French."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.customer.write({'lang': 'fr_FR', 'name': "Boulangerie Martin"})
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_accountant',
            groups='account.group_account_manager,base.group_system',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
            lang='fr_FR',
        )

    def press(self, browser, name, pressed):
        """Press a button twice, as somebody in a hurry does, and wait for what follows."""
        button = f"document.querySelector('button[name={name}]')"
        self.wait_for(browser, button)
        self.run_js(browser, f'{button}.click()')
        self.run_js(browser, f'{button}?.click()')
        self.wait_for(browser, pressed)

    def test_mail(self):
        self.send_by(self.invoice, 'pdp')
        self.invoice.pdp_move_state = 'done'
        [mail] = self.leave()
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        page = base64.b64encode(f'{head}{mail["body"]}'.encode()).decode()
        with self.browser() as browser:
            for size in (WIDE, NARROW):
                self.show(
                    browser,
                    f'data:text/html;base64,{page}',
                    "document.querySelector('table')",
                    f'pay_notice_mail_{size[0]}',
                    size,
                )
                self.assert_fits(browser)

    def test_invoice(self):
        self.send_by(self.invoice, 'pdp')
        self.invoice.pdp_move_state = 'refused'
        failed = self.make_invoice(80)
        self.customer.invoice_sending_method = 'manual'
        self.send_by(failed)
        with self.broken_server():
            self.run_cron('account_pay_now.ir_cron_notices')
            self.new_mails().send()
        self.assertEqual(self.notice(failed).state, 'failed')
        invoices = self.env.ref('account.action_move_out_invoice_type').id
        settings = self.env.ref('account_pay_now.action_pay_now_settings').id
        options = self.env.ref('account_pay_now.action_pay_now_options').id
        to_handle = self.env.ref('account_pay_now.action_pay_now_to_handle').id
        rows = "document.querySelectorAll('.o_data_row, .o_kanban_record').length > 1"
        # The list of invoices as it is filtered by what the buyers say.
        refused = self.env['ir.actions.act_window'].create(
            {
                'name': "Factures refusées",
                'res_model': 'account.move',
                'view_mode': 'list',
                'view_id': self.env.ref('account.view_out_invoice_tree').id,
                'search_view_id': self.env.ref('account.view_account_invoice_filter').id,
                'domain': [('move_type', '=', 'out_invoice')],
                'context': {
                    'default_move_type': 'out_invoice',
                    'search_default_pay_now_refused': 1,
                },
            }
        )
        with self.browser('pay_now_accountant') as browser:
            self.look_at_the_list(browser, refused.id)
            for size in (WIDE, NARROW):
                self.show(
                    browser, f'/odoo/action-{to_handle}', rows, f'pay_notice_rows_{size[0]}', size
                )
                for invoice in (self.invoice, failed):
                    self.show(browser, f'/odoo/action-{invoices}/{invoice.id}', TAB, size=size)
                    self.run_js(browser, f'{TAB}.click()')
                    self.wait_for(browser, GROUP)
                    self.run_js(browser, f"{GROUP}.scrollIntoView({{block: 'center'}})")
                    name = 'failed' if invoice == failed else 'refused'
                    self.picture(browser, f'pay_notice_{name}_{size[0]}', full=False)
            gone = "!document.querySelector('button[name=action_pay_now_send_notice]')"
            self.press(browser, 'action_pay_now_send_notice', gone)
            self.show(browser, f'/odoo/action-{invoices}/{self.invoice.id}', TAB, size=WIDE)
            self.run_js(browser, f'{TAB}.click()')
            gone = "!document.querySelector('button[name=action_pay_now_external_handled]')"
            self.press(browser, 'action_pay_now_external_handled', gone)
            box = "document.querySelector('div[name=pay_now_send_notices]')"
            for size in (WIDE, NARROW):
                for name, action in (('option', options), ('settings', settings)):
                    self.show(browser, f'/odoo/action-{action}', box, size=size)
                    self.run_js(browser, f"{box}.scrollIntoView({{block: 'center'}})")
                    self.picture(browser, f'pay_notice_{name}_{size[0]}', full=False)
        self.env.invalidate_all()
        self.assertEqual(self.notice(failed).state, 'waiting')
        self.assertFalse(self.invoice.pay_now_external_holds)

    def look_at_the_list(self, browser, action):
        """Invoices by what their buyers say, in a column that is shown by a click."""
        row = "document.querySelectorAll('.o_data_row').length == 1"
        column = "document.querySelector('input[name=pay_now_external_status]')"
        self.show(browser, f'/odoo/action-{action}', row, size=WIDE)
        self.run_js(
            browser, "document.querySelector('.o_optional_columns_dropdown button').click()"
        )
        self.wait_for(browser, column)
        self.run_js(browser, f'{column}.click()')
        cell = "document.querySelector('.o_data_row [name=pay_now_external_status]')?.textContent"
        self.wait_for(browser, f"({cell} || '').includes('Refus')")
        self.picture(browser, 'pay_notice_list', full=False)
