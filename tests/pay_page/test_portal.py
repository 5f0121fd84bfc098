# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from lxml import html

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon


@tagged('post_install', '-at_install')
class TestPortal(BrowserMixin, ReminderCommon, HttpCase):
    """Reminders in the account of a customer who logs in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.customer.is_company = True
        cls.user = new_test_user(cls.env, 'pay_now_portal', groups='base.group_portal')
        cls.user.partner_id.parent_id = cls.customer
        cls.invoice = cls.make_invoice(100, days_late=30)
        run = cls.env['pay.now.reminder.run'].create({})
        run._generate()
        cls.reminder = run.reminder_ids
        cls.reminder.sudo().write(
            {'state': 'sent', 'sent_at': fields.Datetime.now(), 'asked_text': "100.00 €"}
        )
        cls.reminder._pay_now_url()
        cls.other = (
            cls.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': cls.company.id,
                    'partner_id': cls.env['res.partner'].create({'name': "Somebody else"}).id,
                    'level_id': cls.reminder.level_id.id,
                    'asked_text': "777.00 €",
                    'state': 'sent',
                    'sent_at': fields.Datetime.now(),
                }
            )
        )

    def setUp(self):
        super().setUp()
        self.authenticate('pay_now_portal', 'pay_now_portal')

    def rows(self):
        return html.fromstring(self.url_open('/my/reminders').content).xpath('//tbody/tr')

    def test_own_reminders_with_their_page(self):
        [row] = self.rows()
        self.assertIn("100.00", row.text_content())
        [path] = row.xpath('.//a/@href')
        self.assertEqual(path, self.reminder._pay_now_path())
        self.assertIn(self.invoice.name, self.url_open(path).text)
        counters = self.make_jsonrpc_request(
            '/my/counters', {'counters': ['pay_now_reminder_count']}
        )
        self.assertEqual(counters['pay_now_reminder_count'], 1)

    def test_what_is_paid_is_not_asked_for(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        [row] = self.rows()
        self.assertIn("Nothing left to pay", row.text_content())
        self.assertFalse(row.xpath('.//a'))

    def test_today_s_residual(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx, amount=40)
        tx._synchronize()
        [row] = self.rows()
        self.assertIn("60.00", row.text_content())

    def test_a_revoked_link_stays_revoked(self):
        self.reminder.action_pay_now_revoke_link()
        [row] = self.rows()
        self.assertFalse(row.xpath('.//a'))
        self.assertFalse(self.reminder.pay_now_token)

    def test_no_button_beside_the_previous_balance(self):
        self.reminder.run_id.sudo().print_previous_balance = True
        [row] = self.rows()
        self.assertFalse(row.xpath('.//a'))

    def test_what_was_not_sent_is_not_shown(self):
        for state in ('draft', 'held', 'queued', 'canceled', 'failed'):
            self.reminder.sudo().state = state
            self.assertFalse(self.rows(), state)

    def test_nobody_without_log_in(self):
        self.authenticate(None, None)
        self.assertIn('/web/login', self.url_open('/my/reminders').url)

    def test_how_it_looks(self):
        for lang in ('en_US', 'fr_FR'):
            self.user.lang = lang
            with self.browser('pay_now_portal') as browser:
                for size, name in ((DESKTOP, ''), (PHONE, '_phone')):
                    ready = "document.querySelector('tbody .btn')"
                    self.show(browser, '/my/reminders', ready, f'portal_{lang}{name}', size)
                    self.assert_fits(browser)
                entry = 'document.querySelector("[href=\'/my/reminders\']")?.offsetParent'
                self.show(browser, '/my/home', entry, f'portal_home_{lang}', full=False)
