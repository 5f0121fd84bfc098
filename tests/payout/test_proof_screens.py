# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.payout.test_proof import ProofCommon

LANGUAGES = ('en_US', 'fr_FR')
SIZE = (1440, 900)


@tagged('post_install', '-at_install')
class TestProofScreens(BrowserMixin, ProofCommon, HttpCase):
    """The balance of a day and a statement, from the menu to the file."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.accountant.lang = 'en_US'

    def setUp(self):
        super().setUp()
        _tx, line = self.paid(8)
        self.paid(6, 120, '1.90')
        self.other(6, 40, 'txn_shop', fee='0.85', type='charge', label="Web shop")
        self.company.fiscalyear_lock_date = self.day(4)
        self.paid(5, 100, '1.90')
        self.company.fiscalyear_lock_date = False
        payout = self.gateway.pay_out('po_1', [line], created_at=self.noon(3))
        found = next(one for one in self.gateway.movements if one.id == payout.movement_id)
        self.moved(found, self.noon(3))
        self.sweep()

    def path(self, record):
        return f'/odoo/{record._name}/{record.id}'

    def opened(self, model, *args):
        records = self.env[model].with_user(self.accountant)
        return records.browse(records._open_of(*args)['res_id'])

    def test_balance_and_statement(self):
        rows = "document.querySelectorAll('.o_form_view [name=line_ids] .o_data_row').length"
        balance = self.opened('pay.now.balance', self.day(5))
        statement = self.opened('pay.now.statement', self.day(8), self.day(0))
        for lang in LANGUAGES:
            self.accountant.lang = lang
            with self.browser('pay_now_proof') as browser:
                for record, name in ((balance, 'balance'), (statement, 'statement')):
                    self.show(
                        browser,
                        self.path(record),
                        f'{rows} > 5',
                        f'proof_{name}_{lang}',
                        SIZE,
                        full=False,
                    )
                self.run_js(
                    browser, "document.querySelector('button[name=action_open_movements]').click()"
                )
                found = "document.querySelectorAll('.o_list_view .o_data_row').length"
                self.wait_for(browser, f'{found} == 5')
                self.picture(browser, f'proof_movements_{lang}', full=False)

    def test_pdf(self):
        """Drawn, and as a page that can be looked at."""
        self.accountant.lang = 'fr_FR'
        for model, args in (
            ('pay.now.balance', (self.day(5),)),
            ('pay.now.statement', (self.day(8), self.day(0))),
        ):
            record = self.opened(model, *args)
            report = record.action_pdf()['report_name']
            with self.browser('pay_now_proof') as browser:
                self.show(
                    browser,
                    f'/report/html/{report}/{record.id}',
                    "document.querySelector('table')",
                    f'proof_pdf_{report.split("_")[-1]}',
                    SIZE,
                )
            render = self.env['ir.actions.report'].with_user(self.accountant)
            render = render.with_context(lang='fr_FR', force_report_rendering=True)
            content, kind = render._render_qweb_pdf(report, record.ids)
            self.assertEqual((kind, content[:4]), ('pdf', b'%PDF'))

    def test_from_the_menu(self):
        action = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_balance").id}'
        self.accountant.lang = 'fr_FR'
        with self.browser('pay_now_proof') as browser:
            button = "document.querySelector('button[name=action_ask_date]')"
            self.show(browser, action, button, size=SIZE)
            self.run_js(browser, f'{button}.click()')
            show = "document.querySelector('.modal button[name=action_show]')"
            self.wait_for(browser, show)
            self.picture(browser, 'proof_dialog', full=False)
            self.run_js(browser, "document.querySelectorAll('.modal [type=radio]')[1].click()")
            self.wait_for(browser, "document.querySelector('.modal [name=first]')")
            self.picture(browser, 'proof_dialog_statement', full=False)

    def test_two_providers(self):
        self.connect_paypal()
        self.accountant.lang = 'fr_FR'
        action = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_balance").id}'
        with self.browser('pay_now_proof') as browser:
            rows = "document.querySelectorAll('.o_list_view .o_data_row').length"
            self.show(browser, action, f'{rows} == 2', 'proof_list', SIZE, full=False)
            spreadsheet = "document.querySelector('.o_list_view button[name=action_xlsx]')"
            if not self.run_js(browser, f'!!{spreadsheet}'):
                spreadsheet = "document.querySelector('button[name=action_xlsx]')"
            self.run_js(browser, f'{spreadsheet}.click()')
            self.wait_for(browser, f'!{spreadsheet}.disabled')
        kept = self.env['pay.now.balance'].sudo().search([('file', '!=', False)])
        self.assertEqual(len(kept), 1, "of those on the screen")
