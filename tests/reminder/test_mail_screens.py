# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon

LANGUAGES = ('en_US', 'fr_FR')


@tagged('post_install', '-at_install')
class TestMailScreens(BrowserMixin, ReminderCommon, HttpCase):
    """The mails as a customer sees them, with everything that may stand in one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        cls.company.partner_id.write(
            {
                'street': "12 rue du Four",
                'zip': '21000',
                'city': "Dijon",
                'phone': '+33 3 80 00 00 00',
                'vat': 'FR23334175221',
                'company_registry': '33417522101010',
                'website': 'https://www.fournil.example.com',
            }
        )
        cls.customer.name = "Boulangerie Martin"
        cls.env['pay.now.reminder.level'].search(
            [('company_id', '=', cls.company.id)]
        ).attach_invoices = True
        cls.make_accounts()
        cls.make_invoice(1234.5, days_late=60)
        cls.make_invoice(
            900,
            invoice_payment_term_id=cls.term.id,
            invoice_date=fields.Date.today() - timedelta(days=35),
        )
        cls.env.ref('base.USD').active = True
        cls.foreign = cls.make_invoice(480, days_late=12, currency_id=cls.env.ref('base.USD').id)
        cls.foreign.partner_bank_id = cls.dollars

    @classmethod
    def make_accounts(cls):
        """Make the company's two bank accounts, in euros and in dollars."""
        bank = cls.env['res.bank'].create({'name': "Banque de Bourgogne", 'bic': 'BNPAFRPPXXX'})
        euros, cls.dollars = cls.env['res.partner.bank'].create(
            [
                {
                    'acc_number': number,
                    'partner_id': cls.company.partner_id.id,
                    'bank_id': bank.id,
                }
                for number in ('FR7630006000011234567890189', 'FR7630004000031234567890143')
            ]
        )
        # So that there is a QR code, for the other one there is none.
        euros.allow_out_payment = True
        cls.company_data['default_journal_bank'].bank_account_id = euros

    def sent(self, lang, **values):
        """Send a reminder in a language; return what the mail server got."""
        self.env['pay.now.reminder'].sudo().search([]).state = 'canceled'
        self.customer.lang = lang
        (mail,) = self.send(self.generate(**values))
        return mail

    def show_mail(self, mail, name):
        """Take pictures of a mail as a mail program shows it: without the page around it."""
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        page = base64.b64encode(f'{head}{mail["body"]}'.encode()).decode()
        text = mail['body_alternative'].replace('&', '&amp;').replace('<', '&lt;')
        plain = base64.b64encode(
            f'{head}<pre style="white-space:pre-wrap">{text}</pre>'.encode()
        ).decode()
        with self.browser() as browser:
            for suffix, size in (('', DESKTOP), ('_phone', PHONE)):
                self.show(
                    browser,
                    f'data:text/html;base64,{page}',
                    "document.querySelector('table')",
                    name + suffix,
                    size,
                )
                # A phone would zoom out rather than scroll.
                width = self.run_js(browser, 'document.documentElement.scrollWidth')
                self.assertLessEqual(width, size[0], "wider than the screen")
            self.show(
                browser,
                f'data:text/html;base64,{plain}',
                "document.querySelector('pre')",
                f'{name}_text',
            )

    def test_reminder_with_everything(self):
        for lang in LANGUAGES:
            mail = self.sent(lang)
            self.assertEqual(len(mail['attachments']), 3)
            self.show_mail(mail, f'mail_full_{lang}')

    # In tests a stored printout is no PDF, only its HTML.
    @mute_logger('pypdf._reader', 'PyPDF2._reader')
    def test_reminder_with_the_previous_balance(self):
        for lang in LANGUAGES:
            mail = self.sent(
                lang,
                print_previous_balance=True,
                date_from=fields.Date.today() - timedelta(days=40),
            )
            self.show_mail(mail, f'mail_previous_balance_{lang}')

    def test_page_of_the_reminder(self):
        for lang in LANGUAGES:
            self.sent(lang)
            reminder = self.env['pay.now.reminder'].search([], limit=1)
            path = urlsplit(reminder._pay_now_url()).path
            with self.browser() as browser:
                for suffix, size in (('', DESKTOP), ('_phone', PHONE)):
                    self.show(
                        browser,
                        path,
                        "document.querySelector('.pay-now-transfer')",
                        f'pay_page_transfer_{lang}{suffix}',
                        size,
                    )
                    self.assert_fits(browser)

    def test_invoice_with_instalments(self):
        invoice = self.make_invoice(500, days_late=0, invoice_payment_term_id=self.term.id)
        for lang in LANGUAGES:
            self.customer.lang = lang
            wizard = (
                self.env['account.move.send.wizard']
                .with_context(active_model='account.move', active_ids=invoice.ids)
                .create({'sending_methods': ['email']})
            )
            with self.mock_mail_gateway():
                wizard.action_send_and_print()
                self._new_mails.send()
                mail = self._mails[-1]
            self.show_mail(mail, f'mail_invoice_instalments_{lang}')
