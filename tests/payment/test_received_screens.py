# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.payment.received import ReceivedCase


@tagged('post_install', '-at_install')
class TestReceivedScreens(BrowserMixin, ReceivedCase, HttpCase):
    """The accountant reads why, mends it, and books by the button; the payer was thanked."""

    def test_book_now_in_a_browser(self):
        self.load_language('fr_FR')
        groups = 'account.group_account_invoice,base.group_user'
        user = new_test_user(self.env, 'received_books', groups=groups, lang='fr_FR')
        user.write({'company_id': self.company.id, 'company_ids': self.company.ids})
        self.customer.lang = 'fr_FR'
        invoice = self.bill('journal')
        path = urlsplit(invoice._pay_now_url()).path
        tx, other = self.pay(invoice, self.provider), self.pay(self.make_invoice(80), self.paypal)
        button = "document.querySelector('.o_list_view button[name=action_book_now]')"
        action = self.env.ref('account_pay_now.action_pay_now_to_handle').id
        with self.browser('received_books') as browser:
            with self.refusing('journal', self.provider), self.refusing('database', self.paypal):
                (tx | other)._synchronize()
                self.show(
                    browser, f'/odoo/action-{action}', button, 'received_to_handle', full=False
                )
                found = tx.pay_now_discrepancy_ids.id
                form = self.env.ref('account_pay_now.action_pay_now_discrepancy').id
                sheet = "document.querySelector('.o_form_view button[name=action_book_now]')"
                self.show(browser, f'/odoo/action-{form}/{found}', sheet, 'received_form')
                self.show(
                    browser,
                    tx._pay_now_path('result'),
                    "document.querySelector('.pay-now-result')",
                    'received_result',
                    PHONE,
                )
                heading = "document.querySelector('h1')"
                self.show(browser, path, heading, 'received_pay_page', PHONE)
            self.show(browser, f'/odoo/action-{action}', button)
            self.run_js(browser, f'{button}.click()')
            self.wait_for(browser, "document.querySelector('.o_notification')")
            self.picture(browser, 'received_booked', full=False)
        self.env.invalidate_all()
        self.assertIn('booked', (tx | other).mapped('pay_now_booking_state'))
