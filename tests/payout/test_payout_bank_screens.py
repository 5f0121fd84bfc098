# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import functools

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
        lines = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_bank_lines").id}'
        text = "document.querySelector('[name=proposal_text]')"
        accept = "document.querySelector('button[name=action_pay_now_accept]')"
        button = "document.querySelector('button[name=action_accept_proposal]')"
        with self.browser('pay_now_accountant') as browser:
            for name, size in (('_phone', (390, 844)), ('', (1440, 900))):
                show = functools.partial(self.show, browser, size=size, full=False)
                show(lines, accept, f'bank_lines_proposed{name}')
                show(f'{path}/{payout.id}', text, f'payout_proposed{name}')
            # A double click each.
            self.wait_for(browser, button)
            self.run_js(browser, f'{button}.click(); {button}.click()')
            self.wait_for(browser, f'!{button}')
            self.assertFalse(self.run_js(browser, "!!document.querySelector('.modal')"))
            self.picture(browser, 'payout_accepted', full=False)
            with self.alone():
                _tx, other = self.pay(100)
                self.gateway.pay_out('po_other', [other], bank_reference='STRPAYOUT9902')
                self.sweep()
                left = self.payout('po_other')._transfer_lines().amount_residual
                other_line = self.bank_line(left - 0.3, "VIR SEPA STRIPE STRPAYOUT9902")
            # From its card, on a phone: Odoo shows first what it kept of the last time.
            card = f"{accept}.closest('.o_kanban_record').innerText.includes('STRPAYOUT9902')"
            self.show(browser, lines, card, size=(390, 844))
            self.run_js(browser, f'{accept}.click(); {accept}.click()')
            self.wait_for(browser, f'!{accept}')
            self.assertFalse(self.run_js(browser, "!!document.querySelector('.modal')"))
        self.env.invalidate_all()
        self.assertEqual(payout.statement_line_ids, bank_line)
        self.assertEqual(self.payout('po_other').statement_line_ids, other_line)

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
