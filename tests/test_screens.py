# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
from decimal import Decimal
from urllib.parse import urlsplit

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import PayNowCommon

LANGUAGES = ('en_US', 'fr_FR')


@tagged('post_install', '-at_install')
class TestScreens(BrowserMixin, PayNowCommon, HttpCase):
    """Every screen opens in a browser, in English and French; its picture can be looked at."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.admin = new_test_user(
            cls.env,
            'pay_now_admin',
            groups='base.group_system,account.group_account_manager,base.group_user',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def backend(self, browser, action, ready, name, record=None):
        with self.alone():
            path = f'/odoo/action-{self.env.ref(action).id}'
        if record:
            path += f'/{record.id}'
        self.show(browser, path, ready, name, full=False)

    def test_set_up_steps(self):
        code, email = (
            f"document.querySelector('.o_form_view .o_field_widget[name={name}]')"
            for name in ('sage_customer_code', 'signup_email')
        )
        action = 'account_pay_now.action_pay_now_setup'
        for lang in LANGUAGES:
            self.admin.lang = lang
            self.company.write({'pay_now_sage_customer_code': False})
            self.company.sudo().write({'pay_now_signup_date': False, 'pay_now_signup_email': False})
            (self.provider | self.paypal).sudo().write(
                {
                    'pay_now_status': 'not_connected',
                    'state': 'disabled',
                    'is_published': False,
                    # Kept keys are offered again.
                    'pay_now_api_key': False,
                    'pay_now_api_secret': False,
                }
            )
            with self.browser('pay_now_admin') as browser:
                self.backend(browser, action, code, f'setup_1_code_{lang}')
                with self.alone():
                    self.company.pay_now_sage_customer_code = 'FR-123'
                self.backend(browser, action, email, f'setup_2_signup_{lang}')
                with self.alone():
                    self.company._pay_now_sign_up('admin@example.com', 'accounting')
                card = (
                    "document.querySelector('.o_kanban_record button[name=action_pay_now_connect]')"
                )
                self.backend(browser, action, card, f'setup_3_connect_{lang}')
                self.run_js(browser, f'{card}.click()')
                self.wait_for(browser, "document.querySelector('.modal input[type=password]')")
                self.picture(browser, f'setup_3_keys_{lang}', full=False)
                self.backend(browser, action, card, None)
                self.run_js(
                    browser,
                    "[...document.querySelectorAll('.o_kanban_record')]"
                    ".find(card => card.innerText.includes('PayPal'))"
                    ".querySelector('button[name=action_pay_now_connect]').click()",
                )
                self.wait_for(browser, "document.querySelector('.modal [name=api_secret] input')")
                self.picture(browser, f'setup_3_keys_paypal_{lang}', full=False)
                with self.alone():
                    self.connect()
                    self.connect_paypal()
                done = "document.querySelector('button[name=action_configure]')"
                self.backend(browser, action, done, f'setup_4_connected_{lang}')

    def test_settings(self):
        for connected in (False, True):
            if connected:
                self.connect()
            for lang in LANGUAGES:
                self.admin.lang = lang
                with self.browser('pay_now_admin') as browser:
                    block = "document.querySelector('#pay_now_options, [id=pay_now_accounting]')"
                    self.show(
                        browser,
                        f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_settings").id}',
                        block,
                    )
                    self.run_js(
                        browser,
                        "document.querySelector('[id=pay_now_accounting]').scrollIntoView()",
                    )
                    state = 'connected' if connected else 'locked'
                    self.picture(browser, f'settings_{state}_{lang}', full=False)

    def test_generate_and_send(self):
        self.connect()
        self.make_invoice(100, days_late=30)
        other = self.env['res.partner'].create({'name': "Sans adresse"})
        self.make_invoice(70, partner=other)
        self.env.ref('base.USD').active = True
        self.make_invoice(80, currency_id=self.env.ref('base.USD').id)
        for lang in LANGUAGES:
            self.admin.lang = lang
            self.customer.lang = lang
            run = self.env['pay.now.reminder.run'].with_context(lang=lang).create({})
            run._generate()
            reminder = run.reminder_ids.filtered(lambda r: r.partner_id == self.customer)
            with self.browser('pay_now_admin') as browser:
                self.backend(
                    browser,
                    'account_pay_now.action_pay_now_generate_reminders',
                    "document.querySelector('.modal [name=print_previous_balance]')",
                    f'generate_wizard_{lang}',
                )
                self.backend(
                    browser,
                    'account_pay_now.action_pay_now_reminder_run',
                    "document.querySelectorAll('.o_pay_now_run_reminders .o_data_row').length == 1",
                    f'generate_list_{lang}',
                    run,
                )
                self.run_js(
                    browser, "document.querySelector('button[name=action_preview]').click()"
                )
                self.wait_for(browser, "document.querySelector('.modal [name=preview_html]')")
                self.picture(browser, f'reminder_preview_{lang}', full=False)
            self.mail_page(reminder._render()[1], f'mail_reminder_{lang}')

    def test_invoice_mail(self):
        self.connect()
        invoice = self.make_invoice(123.45)
        for lang in LANGUAGES:
            self.customer.lang = lang
            wizard = (
                self.env['account.move.send.wizard']
                .with_context(active_model='account.move', active_ids=invoice.ids)
                .create({'sending_methods': ['email']})
            )
            self.mail_page(wizard.body, f'mail_invoice_{lang}')

    def test_what_an_accountant_meets(self):
        """What was found, a contact whose address was refused, and the link of an invoice."""
        self.connect()
        self.admin.lang = 'fr_FR'
        invoice = self.make_invoice(480)
        tx = self.checkout(self.lines(self.make_invoice(300)))
        self.gateway.pay(tx, amount=Decimal(310))
        tx._synchronize()
        found = tx.pay_now_discrepancy_ids[:1]
        self.customer.pay_now_refused_email = 'client@example.com'
        partner = f'/odoo/res.partner/{self.customer.id}'
        discrepancies = 'account_pay_now.action_pay_now_discrepancy'
        path = f'/odoo/action-{self.env.ref(discrepancies).id}'
        paths = (
            f'/odoo/action-account.action_move_out_invoice_type/{invoice.id}',
            self.env.ref('account_payment.action_invoice_order_generate_link').id,
            invoice._pay_now_url(),
        )
        refused = "document.querySelector('[name=pay_now_refused_email]')"
        message = "document.querySelector('.o_form_view [name=message]')"
        card = "document.querySelector('.o_kanban_record, .o_data_row')"
        with self.browser('pay_now_admin') as browser:
            for suffix, size in (('', (1440, 900)), ('_phone', PHONE)):
                self.show(browser, path, card, f'found_list{suffix}', size, full=False)
                self.show(
                    browser, f'{path}/{found.id}', message, f'found_form{suffix}', size, full=False
                )
                self.show(browser, partner, refused, f'partner_refused{suffix}', size, full=False)
                self.copy_link(browser, paths, size, suffix)
            again = "document.querySelector('[name=action_pay_now_try_address]')"
            self.show(browser, partner, again)
            self.run_js(browser, f'{again}.click(); {again}.click()')
            self.wait_for(browser, f'!{again}')
        self.env.invalidate_all()
        self.assertFalse(self.customer.pay_now_refused_email)
        self.assertEqual(invoice._pay_now_url(), paths[2])

    def copy_link(self, browser, paths, size, suffix):
        """Press *Copy our link* on an invoice, and the button of its window, twice each."""
        tab = "[...document.querySelectorAll('.nav-link')].find(one => one.name === 'other_info')"
        path, action, address = paths
        button = f"document.querySelector('.o_form_view button[name=\"{action}\"]')"
        self.show(browser, path, tab, None, size)
        self.run_js(browser, f'{tab}.click()')
        self.wait_for(browser, button)
        self.run_js(browser, f'{button}.scrollIntoView(); {button}.click(); {button}.click()')
        copy = "document.querySelector('.modal .o_btn_char_copy')"
        self.wait_for(browser, copy)
        self.picture(browser, f'copy_link{suffix}', full=False)
        self.run_js(
            browser,
            'window.copied = []; navigator.clipboard.writeText = async (text) => copied.push(text)',
        )
        self.run_js(browser, f'{copy}.click(); {copy}.click()')
        self.wait_for(browser, 'copied.length === 2')
        self.assertEqual(set(self.run_js(browser, 'copied')), {address})

    def mail_page(self, body, name):
        """Take a picture of a mail as a mail program shows it: without the page around it."""
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        page = base64.b64encode(f'{head}<body>{body}</body>'.encode()).decode()
        with self.browser() as browser:
            for suffix, size in (('', DESKTOP), ('_phone', PHONE)):
                self.show(
                    browser,
                    f'data:text/html;base64,{page}',
                    "document.querySelector('a[href*=pay_now]')",
                    name + suffix,
                    size,
                )

    def test_pay_and_result_pages(self):
        self.connect()
        invoice = self.make_invoice(1000, invoice_payment_term_id=self.term.id)
        path = urlsplit(invoice._pay_now_url()).path
        heading = "document.querySelector('h1')"
        tx = self.checkout(self.lines(invoice)[0])
        states = {
            'waiting': {},
            'pending': {'state': base.PENDING},
            'refused': {'state': base.FAILED, 'failure_code': 'card_declined'},
        }
        result = tx._pay_now_path('result')
        for lang in LANGUAGES:
            self.customer.lang = lang
            with self.browser() as browser:
                for suffix, size in (('', DESKTOP), ('_phone', PHONE)):
                    self.show(browser, path, heading, f'pay_page_{lang}{suffix}', size)
                    self.assert_fits(browser)
        for lang in LANGUAGES:
            self.customer.lang = lang
            for state, values in states.items():
                tx.sudo().state = 'draft'
                self.gateway.set(tx.provider_reference, **{'state': base.OPEN, **values})
                tx._synchronize()
                with self.browser() as browser:
                    self.show(
                        browser,
                        result,
                        heading,
                        f'result_{state}_{lang}',
                        PHONE,
                    )
                    self.assert_fits(browser)
        tx.sudo().state = 'draft'
        self.gateway.pay(tx)
        tx._synchronize()
        for lang in LANGUAGES:
            self.customer.lang = lang
            with self.browser() as browser:
                for suffix, size in (('', DESKTOP), ('_phone', PHONE)):
                    self.show(
                        browser,
                        result,
                        heading,
                        f'result_paid_{lang}{suffix}',
                        size,
                    )
