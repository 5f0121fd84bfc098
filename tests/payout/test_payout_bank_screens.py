# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon


@tagged('post_install', '-at_install')
class TestPayoutBankScreens(BrowserMixin, PayoutCommon, HttpCase):
    """Proposals and commissions, as an accountant sees them, in French."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_accountant',
            groups='account.group_account_manager,analytic.group_analytic_accounting',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
            lang='fr_FR',
        )

    def test_a_proposal_on_both_sides(self):
        _tx, line = self.pay()
        self.gateway.pay_out('po_1Qx7', [line], bank_reference='STRPAYOUT7781')
        self.sweep()
        payout = self.payout('po_1Qx7')
        bank_line = self.bank_line(294.80, "VIR SEPA STRIPE STRPAYOUT7781")
        self.bank_line(80, "VIR BOULANGER")
        path = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_payout").id}'
        list_view = self.env.ref('account_pay_now.account_bank_statement_line_view_list')
        action = self.env['ir.actions.act_window'].create(
            {
                'name': "Bank lines",
                'res_model': 'account.bank.statement.line',
                'view_mode': 'list',
                'view_id': list_view.id,
            }
        )
        with self.browser('pay_now_accountant') as browser:
            self.show(
                browser,
                f'/odoo/action-{action.id}',
                "document.querySelector('button[name=action_pay_now_accept]')",
                'bank_lines_proposed',
                full=False,
            )
            button = "document.querySelector('button[name=action_accept_proposal]')"
            self.show(browser, f'{path}/{payout.id}', button, 'payout_proposed', full=False)
            self.run_js(browser, f'{button}.click()')
            self.wait_for(browser, "!document.querySelector('button[name=action_accept_proposal]')")
            self.picture(browser, 'payout_accepted', full=False)
        self.env.invalidate_all()
        self.assertEqual(payout.statement_line_ids, bank_line)

    def test_commissions_of_a_provider(self):
        action = self.env.ref('account_pay_now.action_pay_now_options')
        with self.browser('pay_now_accountant') as browser:
            button = "document.querySelector('button[name=action_commissions]')"
            self.show(browser, f'/odoo/action-{action.id}', button, 'options_booking')
            self.run_js(browser, f'{button}.click()')
            supplier = "document.querySelector('.modal button[name=action_supplier]')"
            self.wait_for(browser, supplier)
            self.picture(browser, 'commissions', full=False)
            self.run_js(browser, f'{supplier}.click()')
            self.wait_for(
                browser,
                "[...document.querySelectorAll("
                "'.modal [name=pay_now_commission_partner_id] input')].some(one => one.value)",
            )
            self.picture(browser, 'commissions_supplier', full=False)
        self.env.invalidate_all()
        self.assertTrue(self.provider.pay_now_commission_partner_id)
