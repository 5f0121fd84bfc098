# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Transfers as customers and accountants see them: copied, scanned and matched, in French."""

from urllib.parse import quote, urlsplit

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.transfer.test_transfer import IBAN, TransferCommon

WIDE, NARROW = (1440, 900), (390, 844)
WAY = 'document.querySelector(".pay-now-way")'
TEXT = WAY + '.querySelector("%s").textContent.replace(/\\s/g, " ")'
LOADED = WAY + '.querySelector(".pay-now-qr img").naturalWidth > 100'
TICK = 'document.querySelectorAll("[name=item]")[%d].click()'
COPY = '[...document.querySelectorAll(".pay-now-copy")].find((one) => one.offsetParent)'
#: What the clipboard would get; without a clipboard, what is selected to be copied.
CLIPBOARD = """
    window.copied = [];
    Object.defineProperty(navigator, "clipboard", {configurable: true, value: %s});
    document.execCommand = () => {
        const {value} = document.activeElement;
        window.copied.push(value);
        return true;
    };
"""
WRITES = '{writeText: async (text) => { window.copied.push(text); }}'
CLICK_ALL = """
    (async () => {
        for (const one of document.querySelectorAll(".pay-now-copy")) {
            if (one.offsetParent) { one.click(); one.click(); }
            await new Promise((done) => setTimeout(done, 20));
        }
        return [...new Set(window.copied)];
    })()
"""


@tagged('post_install', '-at_install')
class TestTransferScreens(BrowserMixin, TransferCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.customer.lang = 'fr_FR'
        cls.document = cls.reminder(cls.first, cls.second, cls.third)
        cls.page = urlsplit(cls.document._pay_now_url()).path
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_accountant',
            groups='account.group_account_manager,base.group_system',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
            lang='fr_FR',
        )

    def test_page(self):
        with self.alone():
            whole = self.reference(self.document, self.first, self.second, self.third)
            some = self.reference(self.document, self.first, self.third)
            self.company.pay_now_transfer_first = 500
            mail = self.document.with_context(lang='fr_FR').items_html
        with self.browser() as browser:
            for name, size in (('wide', WIDE), ('narrow', NARROW)):
                body = f'data:text/html;charset=utf-8,{quote(mail)}'
                self.show(browser, body, 'document.body', f'transfer_first_mail_{name}', size)
                self.show(browser, self.page, LOADED, f'transfer_page_{name}', size)
                self.assert_fits(browser)
                self.assert_readable(browser)
                self.assertEqual(self.run_js(browser, TEXT % '.pay-now-reference'), whole)
                for clipboard in (WRITES, 'undefined'):
                    self.run_js(browser, CLIPBOARD % clipboard)
                    shown = ['Fournil SARL', IBAN, 'BNPAFRPP', '650,00', whole]
                    self.assertEqual(self.run_js(browser, CLICK_ALL), shown)
                self.wait_for(browser, COPY + '.children[1].offsetParent')
                self.picture(browser, f'transfer_copied_{name}')
                # Twice the same, and there and back: the last tick decides.
                for _again in range(3):
                    self.run_js(browser, TICK % 1)
                self.wait_for(browser, f'{TEXT % ".pay-now-reference"} === "{some}"')
                self.wait_for(browser, LOADED)
                amount = self.run_js(browser, TEXT % '.pay-now-transfer-amount')
                self.assertEqual(amount, '450,00 €')
                self.picture(browser, f'transfer_ticked_{name}')
                for box in (0, 2):
                    self.run_js(browser, TICK % box)
                self.wait_for(browser, WAY + '.querySelector(".pay-now-qr").hidden')
                self.assertFalse(self.run_js(browser, WAY + '.hidden'), "the account stays")
                self.picture(browser, f'transfer_nothing_{name}')
            self.set_dark(browser)
            self.show(browser, self.page, LOADED, 'transfer_page_dark', WIDE)
            self.assert_readable(browser)
            self.assert_accessible(browser)

    def test_server_that_does_not_answer(self):
        """Nothing is shown that belongs to other ticks."""
        with self.browser() as browser:
            self.show(browser, self.page, LOADED, size=NARROW)
            self.run_js(browser, 'window.fetch = async () => { throw new Error("gone"); }')
            self.run_js(browser, TICK % 1)
            self.wait_for(browser, WAY + '.querySelector(".pay-now-qr").hidden')
            hidden = WAY + '.querySelector(".pay-now-reference").offsetParent === null'
            self.assertTrue(self.run_js(browser, hidden))
            self.picture(browser, 'transfer_no_answer')

    def test_bank_lines_and_settings(self):
        with self.alone():
            for label, amount in (
                (f'VIREMENT {self.first.name}', 320.0),
                (f'VIR {self.second.name} {self.third.name}', 350.0),
                ('REMISE CHEQUES', 80.0),
            ):
                self.env['account.bank.statement.line'].create(
                    {
                        'journal_id': self.bank_journal.id,
                        'amount': amount,
                        'payment_ref': label,
                        'date': fields.Date.today(),
                    }
                )
        action = self.env.ref('account_pay_now.action_pay_now_bank_lines')
        settings = self.env.ref('account_pay_now.action_pay_now_settings')
        button = 'document.querySelectorAll("button[name=action_pay_now_match_transfer]")'
        with self.browser('pay_now_accountant') as browser:
            for name, size, left in (('wide', WIDE, 2), ('narrow', NARROW, 1)):
                ready = f'{button}.length === {left}'
                path = f'/odoo/action-{action.id}'
                self.show(browser, path, ready, f'transfer_bank_lines_{name}', size, full=False)
                # A double click, and on a phone within reach.
                edge = self.run_js(browser, f'{button}[0].getBoundingClientRect().right')
                self.assertLessEqual(edge, size[0])
                self.run_js(browser, f'{button}[0].click(); {button}[0].click()')
                self.wait_for(browser, f'{button}.length === {left - 1}')
                self.assertFalse(self.run_js(browser, '!!document.querySelector(".modal")'))
            self.picture(browser, 'transfer_bank_line_matched', full=False)
            block = 'document.querySelector("#pay_now_transfers [name=pay_now_transfer_text] span")'
            for name, size in (('wide', WIDE), ('narrow', NARROW)):
                path = f'/odoo/action-{settings.id}'
                self.show(browser, path, block, f'transfer_settings_{name}', size)
                self.run_js(browser, f'{block}.scrollIntoView({{block: "center"}})')
                self.picture(browser, f'transfer_settings_{name}', full=False)
