# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon

LANGUAGES = ('en_US', 'fr_FR')


@tagged('post_install', '-at_install')
class TestPayoutScreens(BrowserMixin, PayoutCommon, HttpCase):
    """The lists and forms of payouts and disputes, as an accountant sees them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_accountant',
            groups='account.group_account_manager,base.group_user',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def setUp(self):
        super().setUp()
        tx, line = self.pay(300)
        _tx, other = self.pay(100, '1.90')
        withdrawn = base.Movement(
            id='txn_dispute',
            kind='dispute',
            type='adjustment',
            amount=Decimal(-300),
            fee=Decimal(20),
            net=Decimal(-320),
            currency='EUR',
            created_at=datetime.now(timezone.utc),
            source_id='du_1',
            payment_id=tx.pay_now_payment_ref,
        )
        self.gateway.disputes['du_1'] = base.Dispute(
            id='du_1',
            state='open',
            amount=Decimal(300),
            currency='EUR',
            created_at=datetime.now(timezone.utc),
            needs_response=True,
            due_at=datetime.now(timezone.utc) + timedelta(days=5),
            reason='fraudulent',
            payment_id=tx.pay_now_payment_ref,
            movements=(withdrawn,),
            url='https://dashboard.stripe.com/test/disputes/du_1',
        )
        fee = self.gateway.move('txn_fee', -2.5, type='stripe_fee', label="Radar")
        self.gateway.pay_out('po_1Qx7', [line, other, fee], url='https://dashboard.stripe.com/x')
        self.gateway.pay_out('po_failed', amount=12)
        self.gateway.fail_payout('po_failed')
        self.sweep()
        self.dispute = self.env['pay.now.dispute'].search([])

    def look(self, action, record, name, ready):
        """Open list and form in both languages."""
        for lang in LANGUAGES:
            self.accountant.lang = lang
            path = f'/odoo/action-{self.env.ref(action).id}'
            with self.browser('pay_now_accountant') as browser:
                self.show(
                    browser,
                    path,
                    "document.querySelectorAll('.o_list_view .o_data_row').length",
                    f'{name}_list_{lang}',
                    full=False,
                )
                self.show(browser, f'{path}/{record.id}', ready, f'{name}_form_{lang}', full=False)

    def test_payouts(self):
        self.look(
            'account_pay_now.action_pay_now_payout',
            self.payout('po_1Qx7'),
            'payout',
            "document.querySelectorAll('.o_field_x2many .o_data_row').length == 3",
        )

    def test_disputes(self):
        self.look(
            'account_pay_now.action_pay_now_dispute',
            self.dispute,
            'dispute',
            "document.querySelectorAll('.o_field_x2many .o_data_row').length == 1",
        )

    def test_deciding_and_matching_by_hand(self):
        payout = self.payout('po_1Qx7')
        path = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_payout").id}'
        payout.line_ids.filtered(
            lambda line: line.state == 'foreign'
        ).account_id = self.provider.pay_now_commission_account_id
        for number in (1, 2):
            self.bank_line(payout.amount, f"VIREMENT {number}")
        with self.browser('pay_now_accountant') as browser:
            button = "document.querySelector('button[name=action_book]')"
            self.show(browser, f'{path}/{payout.id}', button)
            self.run_js(browser, f'{button}.click()')
            self.wait_for(browser, "!document.querySelector('button[name=action_book]')")
            self.run_js(browser, "document.querySelector('button[name=action_match_bank]').click()")
            row = (
                "document.querySelectorAll('.modal .o_data_row button[name=action_pay_now_match]')"
            )
            self.wait_for(browser, f'{row}.length == 2')
            self.picture(browser, 'payout_bank_lines', full=False)
            self.run_js(browser, f'{row}[0].click()')
            self.wait_for(browser, "!document.querySelector('button[name=action_match_bank]')")
            self.picture(browser, 'payout_matched', full=False)
        self.env.invalidate_all()
        self.assertTrue(payout.settled)
        self.assertEqual(payout.bank_state, 'matched')

    def test_a_dispute_that_is_over_is_not_pressing(self):
        self.gateway.disputes['du_1'] = replace(self.gateway.disputes['du_1'], state='won')
        self.dispute.action_check()
        path = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_dispute").id}'
        with self.browser('pay_now_accountant') as browser:
            self.show(
                browser,
                f'{path}/{self.dispute.id}',
                "document.querySelector('.o_form_view .o_field_widget[name=amount]')",
            )
            alert = "document.querySelector('.o_form_view .alert-warning')"
            self.assertFalse(self.run_js(browser, f'!!{alert}'))
