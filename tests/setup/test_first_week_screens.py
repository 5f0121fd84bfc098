# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import re
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.setup.first_week import FirstWeekCommon
from odoo.addons.account_pay_now.wizard.pay_now_setup_trial import TRIAL_REF

LANGUAGES = ('en_US', 'fr_FR')
#: The notices shown by core's widget.
NOTICE = "document.querySelector('.o_field_actionable_errors .alert')"
#: The button that saves a form, once there is something to save.
SAVE = (
    "document.querySelector('.o_form_status_indicator_buttons:not(.invisible) .o_form_button_save')"
)

WIDE, NARROW = (1440, 900), (390, 844)
TRIAL = "document.querySelector('button[name=action_trial_invoice]')"
POST = "document.querySelector('.modal .modal-footer .btn-primary:not([name])')"


@tagged('post_install', '-at_install')
class TestFirstWeekScreens(BrowserMixin, FirstWeekCommon, HttpCase):
    """What a merchant meets in the first week, as it looks, in English and French."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.admin = cls.new_user('pay_now_admin', 'base.group_system,account.group_account_manager')
        cls.manager = cls.new_user('pay_now_manager', 'account.group_account_manager')

    @classmethod
    def new_user(cls, login, groups):
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            email=f'{login}@example.com',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def in_both_languages(self, user):
        """Give a browser in which the user is logged in, once in each language."""
        for lang in LANGUAGES:
            user.lang = lang
            with self.browser(user.login) as browser:
                yield lang, browser

    def backend(self, browser, action, ready, name=None, full=False):
        path = f'/odoo/action-{self.env.ref(f"account_pay_now.{action}").id}'
        self.show(browser, path, ready, name, full=full, size=(1280, 1250))

    def fill_books(self):
        """Everything there is to be warned of, and two customers with something due."""
        self.make_invoice(100, days_late=30)
        self.make_sales_invoice(250, days_late=12)
        self.make_sales_invoice(80, days_late=12)
        self.make_invoice(70, partner=self.env['res.partner'].create({'name': "Sans adresse"}))
        self.make_opening_entry(8400)
        self.make_payment(120, partner_id=self.env['res.partner'].create({'name': "Payeur"}).id)
        self.make_bank_line(230, days=20)
        self.env['pay.now.interest.rate'].create(
            {'date_from': '2024-01-01', 'date_to': '2024-12-31', 'rate': 10, 'fixed_sum': 40}
        )
        levels = self.env['pay.now.reminder.level']
        levels.search([('company_id', '=', self.company.id)], limit=1).state_interest = True

    def break_everything(self):
        self.without_mail_server()
        self.set_url('http://192.168.1.20:8069')
        self.company.email = False

    # === SET-UP === #

    def test_set_up_with_all_checks_failing_and_all_fine(self):
        self.set_url('https://pay.example.com')
        ready = "document.querySelector('.o_form_view .o_field_widget[name=sage_customer_code]')"
        for lang, browser in self.in_both_languages(self.admin):
            self.backend(browser, 'action_pay_now_setup', ready, f'week_setup_fine_{lang}')
            self.assertFalse(self.run_js(browser, f'!!{NOTICE}'))
        self.break_everything()
        patched = patch.object(type(self.company), '_pay_now_has_chart', lambda _company: False)
        with patched:
            for lang, browser in self.in_both_languages(self.admin):
                self.backend(browser, 'action_pay_now_setup', NOTICE, f'week_setup_failing_{lang}')
                count = "document.querySelectorAll('.o_field_actionable_errors .alert').length"
                self.assertEqual(self.run_js(browser, count), 2)
                count = "document.querySelectorAll('[name^=mend_] button').length"
                self.assertEqual(self.run_js(browser, count), 2, "mended here")

    def test_set_up_connected_with_every_warning(self):
        self.connect()
        self.fill_books()
        for lang, browser in self.in_both_languages(self.admin):
            self.backend(
                browser,
                'action_pay_now_setup',
                "document.querySelector('[name=pay_now_warnings] .alert')",
                f'week_setup_warnings_{lang}',
            )
            alerts = "[...document.querySelectorAll('[name=pay_now_warnings] .alert')]"
            self.assertEqual(self.run_js(browser, f'{alerts}.length'), 6)
            self.run_js(browser, "document.querySelector('[name=interest_rate] a').click()")
            self.wait_for(browser, "document.querySelector('.o_list_view td[name=rate]')")

    def test_button_of_a_check_leads_where_it_is_fixed(self):
        self.without_mail_server()
        for lang, browser in self.in_both_languages(self.admin):
            self.backend(browser, 'action_pay_now_setup', NOTICE)
            self.run_js(browser, "document.querySelector('[name=mail_server] a').click()")
            self.wait_for(browser, "document.querySelector('.o_form_view [name=smtp_host]')")
            self.picture(browser, f'week_fix_mail_server_{lang}', full=False)

    def test_check_again_says_what_it_found(self):
        self.connect()
        edit = "document.querySelector('[name=step_connect] button[name=action_edit]')"
        button = "document.querySelector('.o_kanban_record button[name=action_pay_now_check]')"
        for lang, browser in self.in_both_languages(self.admin):
            self.backend(browser, 'action_pay_now_setup', edit)
            self.run_js(browser, f'{edit}.click()')
            self.wait_for(browser, button)
            self.run_js(browser, f'{button}.click()')
            self.wait_for(browser, "document.querySelector('.o_notification')")
            self.picture(browser, f'week_check_again_{lang}', full=False)

    def test_set_up_as_a_manager_sees_it(self):
        self.connect()
        for lang, browser in self.in_both_languages(self.manager):
            self.backend(
                browser,
                'action_pay_now_setup',
                "document.querySelector('button[name=action_configure]')",
                f'week_setup_manager_{lang}',
            )

    def test_set_up_is_walked_to_the_first_button(self):
        """Mended, ticked, tried out: with a double click each, and never away from the screen."""
        self.connect()
        self.set_url('https://pay.example.com')
        self.company.email = False
        mend = "document.querySelector('button[name=action_save_company_email]')"
        tick = "document.querySelector('[name=pay_now_any_method_sales] input')"
        for lang, browser in self.in_both_languages(self.admin):
            self.company.email = False
            self.company.pay_now_any_method_sales = False
            for size in (WIDE, NARROW):
                path = f'/odoo/action-{self.env.ref("account_pay_now.action_pay_now_setup").id}'
                self.show(browser, path, mend, f'setup_walk_{lang}_{size[0]}', size)
                self.assert_fits(browser)
            self.run_js(browser, f'{mend}.click(), {mend}?.click()')
            self.wait_for(browser, f'!{mend} && {tick}')
            self.run_js(browser, f'{tick}.click()')
            self.run_js(browser, f'{TRIAL}.click(), {TRIAL}.click()')
            self.wait_for(browser, POST)
            self.picture(browser, f'setup_walk_confirm_{lang}', full=False)
            self.run_js(browser, f'{POST}.click(), {POST}?.click()')
            self.wait_for(browser, "document.querySelector('.modal [name=action_send_and_print]')")
            self.picture(browser, f'setup_walk_send_{lang}', full=False)
            self.env.invalidate_all()
            self.assertEqual(self.company.email, 'admin@example.com')
            self.assertTrue(self.company.pay_now_any_method_sales, "at once")
        trials = self.env['account.move'].search([('ref', '=', TRIAL_REF)])
        self.assertEqual(len(trials), 1, "an open one is sent again")
        self.assertTrue(trials.pay_now_url)

    # === LISTS BEHIND THE WARNINGS === #

    def test_lists_behind_the_warnings(self):
        self.connect()
        self.fill_books()
        codes = ('without_button_sales', 'other_entries', 'unmatched', 'bank_lines')
        for lang, browser in self.in_both_languages(self.admin):
            for code in codes:
                link = f"document.querySelector('[name={code}] a')"
                self.backend(browser, 'action_pay_now_setup', link)
                self.run_js(browser, f'{link}.click()')
                self.wait_for(browser, "document.querySelector('.o_list_view .o_data_row')")
                self.picture(browser, f'week_list_{code}_{lang}', full=False)

    # === SETTINGS AND OPTIONS === #

    def test_settings(self):
        self.connect()
        self.fill_books()
        for lang, browser in self.in_both_languages(self.admin):
            self.backend(
                browser,
                'action_pay_now_settings',
                "document.querySelector('[id=pay_now_options], [id=pay_now_accounting]')",
            )
            for part in ('pay_now_notices', 'pay_now_reminder_auto', 'pay_now_booking'):
                self.run_js(browser, f"document.querySelector('[id={part}]').scrollIntoView()")
                self.picture(browser, f'week_settings_{part}_{lang}', full=False)

    def test_options_of_a_manager(self):
        ready = "document.querySelector('.o_form_view [name=pay_now_test_email]')"
        for lang, browser in self.in_both_languages(self.manager):
            self.backend(browser, 'action_pay_now_options', ready, f'week_options_locked_{lang}')
        self.connect()
        self.fill_books()
        for lang, browser in self.in_both_languages(self.manager):
            self.backend(browser, 'action_pay_now_options', ready, f'week_options_{lang}')
            link = "document.querySelector('button[name=action_forecast]')"
            self.run_js(browser, f'{link}.click()')
            self.wait_for(
                browser, "document.querySelectorAll('.o_list_view .o_data_row').length == 2"
            )
            self.picture(browser, f'week_forecast_{lang}', full=False)

    def test_option_is_changed_in_the_browser(self):
        self.connect()
        self.company.pay_now_test_email = 'trial@example.com'
        with self.browser(self.manager.login) as browser:
            box = "document.querySelector('[name=pay_now_any_method_sales] input')"
            self.backend(browser, 'action_pay_now_options', box)
            self.run_js(browser, f'{box}.click()')
            self.wait_for(browser, SAVE)
            self.run_js(browser, f'{SAVE}.click()')
            self.wait_for(browser, f'!{SAVE}')
        self.env.invalidate_all()
        self.assertTrue(self.company.pay_now_any_method_sales)
        self.assertTrue(self.company.pay_now_reminder_accounting, "nothing else changed")
        self.assertEqual(self.company.pay_now_test_email, 'trial@example.com')

    def test_tick_without_a_mail_server_is_refused_with_the_reason(self):
        self.connect()
        self.without_mail_server()
        for lang, browser in self.in_both_languages(self.manager):
            box = "document.querySelector('[name=pay_now_reminder_auto] input')"
            self.backend(browser, 'action_pay_now_options', box)
            self.run_js(browser, f'{box}.click()')
            self.wait_for(browser, SAVE)
            self.run_js(browser, f'{SAVE}.click()')
            self.wait_for(browser, "document.querySelector('.modal')")
            self.picture(browser, f'week_tick_refused_{lang}', full=False)

    # === REMINDERS === #

    def test_generate_window_and_run(self):
        self.connect()
        self.fill_books()
        self.without_mail_server()
        run = self.env['pay.now.reminder.run'].sudo().create({'trigger': 'auto'})
        run._generate()
        for lang, browser in self.in_both_languages(self.admin):
            run.sudo().problem_codes = False
            self.company.partner_id.lang = lang
            run._send_by_itself()
            self.backend(
                browser,
                'action_pay_now_generate_reminders',
                "document.querySelector('.modal .alert')",
                f'week_generate_{lang}',
            )
            self.show(
                browser,
                f'/odoo/action-account_pay_now.action_pay_now_reminder_run/{run.id}',
                "document.querySelector('.o_pay_now_run_reminders .o_data_row')",
                f'week_run_{lang}',
                full=False,
            )
            self.run_js(browser, "document.querySelector('button[name=action_preview]').click()")
            self.wait_for(browser, "document.querySelector('.modal [name=preview_html]')")
            self.picture(browser, f'week_preview_{lang}', full=False)

    def test_trial_reminder(self):
        self.connect()
        self.fill_books()
        for lang, browser in self.in_both_languages(self.manager):
            self.customer.lang = lang
            button = "document.querySelector('.o_form_statusbar button')"
            self.backend(browser, 'action_pay_now_options', button)
            self.run_js(browser, f'{button}.click()')
            send = "document.querySelector('.modal button[name=action_send]')"
            self.wait_for(browser, send)
            self.picture(browser, f'week_trial_window_{lang}', full=False)
            with self.mock_mail_gateway():
                self.run_js(browser, f'{send}.click()')
                self.wait_for(browser, "document.querySelector('.o_notification')")
                (mail,) = self._mails
            self.picture(browser, f'week_trial_sent_{lang}', full=False)
            self.trial_pages(browser, mail, lang)

    def trial_pages(self, browser, mail, lang):
        """Take pictures of the mail, and of where its button leads."""
        head = f'<meta charset="utf-8"><pre>{mail["subject"]}</pre>'
        page = base64.b64encode(f'{head}<body>{mail["body"]}</body>'.encode()).decode()
        link = "document.querySelector('a[href*=pay_now]')"
        address = re.search(r'href="([^"]*/pay_now/trial/[^"]+)"', mail['body'])[1]
        for suffix, size in (('', DESKTOP), ('_phone', PHONE)):
            content = f'data:text/html;base64,{page}'
            self.show(browser, content, link, f'week_trial_mail_{lang}{suffix}', size)
            path = urlsplit(address).path
            heading = "document.querySelector('.pay-now-trial')"
            self.show(browser, path, heading, f'week_trial_page_{lang}{suffix}', size)
            self.assert_fits(browser)

    def test_trial_reminder_with_nothing_due(self):
        self.connect()
        for lang, browser in self.in_both_languages(self.manager):
            self.backend(
                browser,
                'action_pay_now_trial',
                "document.querySelector('.modal .alert')",
                f'week_trial_nothing_{lang}',
            )
