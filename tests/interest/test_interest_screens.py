# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64

from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.interest.test_interest import InterestCommon

WIDE, NARROW = (1440, 900), (390, 844)


@tagged('post_install', '-at_install')
class TestInterestScreens(BrowserMixin, InterestCommon, HttpCase):
    """The table of rates, the level, the reminder and the debit note, in French."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.manager = new_test_user(
            cls.env,
            'pay_now_manager',
            lang='fr_FR',
            groups='account.group_account_manager',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.customer.lang = 'fr_FR'
        cls.make_invoice(1000, days_late=60)
        cls.make_invoice(500, days_late=20)
        # From before the first rate: left out.
        cls.late(300, due='2023-12-01')

    def test_screens(self):
        reminder, mail = self.remind()
        rows = "document.querySelector('.o_list_renderer .o_data_row, .o_kanban_record')"
        book = "document.querySelector('button[name=action_book_interest]')"
        make = "document.querySelector('.modal button[name=action_book]')"
        with self.browser('pay_now_manager') as browser:
            for size, suffix in ((WIDE, ''), (NARROW, '_phone')):
                action = self.env.ref('account_pay_now.action_pay_now_interest_rate')
                path = f'/odoo/action-{action.id}'
                self.show(browser, path, rows, f'interest_rates{suffix}', size, full=False)
            action = self.env.ref('account_pay_now.action_pay_now_reminder_level')
            path = f'/odoo/action-{action.id}/{self.levels[0].id}'
            ready = "document.querySelector('[name=state_interest]')"
            self.show(browser, path, ready, 'interest_level', WIDE, full=False)
            action = self.env.ref('account_pay_now.action_pay_now_reminder')
            path = f'/odoo/action-{action.id}/{reminder.id}'
            self.show(browser, path, book, 'interest_reminder', WIDE, full=False)
            self.run_js(browser, f'{book}.click()')
            self.wait_for(browser, f"{make} && document.querySelector('.modal .o_data_row')")
            left_out = "document.querySelector('.modal .alert [name=left_out_text]')"
            self.wait_for(browser, f'{left_out}?.textContent')
            self.picture(browser, 'interest_wizard', full=False)
            self.run_js(browser, f'{make}.click(); {make}?.click()')
            lines = "document.querySelector('[name=invoice_line_ids] .o_data_row')"
            self.wait_for(browser, f"!document.querySelector('.modal') && {lines}")
            self.picture(browser, 'interest_debit_note', full=False)
            page = base64.b64encode(mail['body'].encode()).decode()
            for size, suffix in ((WIDE, ''), (NARROW, '_phone')):
                page_url = f'data:text/html;base64,{page}'
                self.show(browser, page_url, 'document.body', f'interest_mail{suffix}', size)
                self.assert_fits(browser)
        with self.alone():
            self.assertEqual(len(self.env['pay.now.interest'].search([]).debit_move_id), 1)
