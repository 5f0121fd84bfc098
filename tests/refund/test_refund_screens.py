# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.refund.test_refund import RefundCase

WIZARD = "document.querySelector('.modal .o_field_widget[name=amount_to_refund] input')"
REFUND = "document.querySelector('.modal button[name=action_refund]')"
NOTICE = "document.querySelector('.o_notification')"


@tagged('post_install', '-at_install')
class TestRefundScreens(BrowserMixin, RefundCase, HttpCase):
    """The accountant gives money back in a browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_accountant',
            groups='account.group_account_invoice,base.group_user',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def test_refund_button_of_the_payment(self):
        button = "document.querySelector('button[name=action_refund_wizard]')"
        action = self.env.ref('account.action_account_payments').id
        result = self.tx._pay_now_path('result')
        with self.browser('pay_now_accountant') as browser:
            self.show(browser, f'/odoo/action-{action}/{self.payment.id}', button)
            self.run_js(browser, f'{button}.click()')
            self.wait_for(browser, WIZARD)
            self.picture(browser, 'refund_1_wizard', full=False)
            self.run_js(browser, f'{REFUND}.click()')
            self.wait_for(browser, NOTICE)
            self.picture(browser, 'refund_2_done', full=False)
            self.show(
                browser,
                result,
                "document.querySelector('.pay-now-result')",
                'refund_3_page',
            )
        self.assertEqual(self.refunds().state, 'done')

    def test_refund_button_of_what_is_to_handle(self):
        invoice = self.make_invoice(80)
        tx = self.checkout(self.lines(invoice))
        self.credit_note(80, invoice=invoice)
        self.gateway.pay(tx)
        tx._synchronize()
        button = "document.querySelector('.o_list_view button[name=action_refund]')"
        action = self.env.ref('account_pay_now.action_pay_now_discrepancy').id
        with self.browser('pay_now_accountant') as browser:
            self.show(browser, f'/odoo/action-{action}', button, 'refund_4_to_handle', full=False)
            self.run_js(browser, f'{button}.click()')
            self.wait_for(browser, f"{WIZARD}?.value.includes('80')")
            self.gateway.set(tx.provider_reference, disputed=True)
            self.run_js(browser, f'{REFUND}.click()')
            self.wait_for(browser, f"{NOTICE}?.textContent.includes('disputes')")
            self.picture(browser, 'refund_5_refused', full=False)
        self.assertEqual(self.refunds(tx).state, 'error')
