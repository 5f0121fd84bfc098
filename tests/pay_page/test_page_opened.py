# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import time
from datetime import datetime, timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

from lxml import html

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.common import PayNowCommon

BEFORE = datetime(2026, 1, 2, 3, 4, 5)
READY = 'document.querySelector("main")'
#: Every request that the page makes is seen in its own list.
TOLD = 'performance.getEntriesByType("resource").some(one => one.name.endsWith("/opened"))'


@tagged('post_install', '-at_install')
class TestPageOpened(BrowserMixin, PayNowCommon, HttpCase):
    """That somebody looked at the page of a reminder: told by its script, kept once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.invoice = cls.make_invoice(240, days_late=20)
        cls.reminder = (
            cls.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': cls.company.id,
                    'partner_id': cls.customer.id,
                    'item_ids': [Command.set(cls.lines(cls.invoice).ids)],
                    'state': 'sent',
                    'sent_at': '2026-01-01 08:00:00',
                    'has_button': True,
                }
            )
        )
        cls.page = urlsplit(cls.reminder._pay_now_url()).path

    def tell(self, path=None, status=204, **values):
        """Send what the script sends."""
        answer = self.url_open(f'{path or self.page}/opened', method='POST', **values)
        self.assertEqual(answer.status_code, status, answer.text)
        self.assertNotIn('session_id', answer.headers.get('Set-Cookie', ''))
        self.env.invalidate_all()
        return answer

    def asks_for_it(self):
        """Tell whether the page has the address to tell it at."""
        [body] = html.fromstring(self.url_open(self.page).content).xpath('//body')
        return body.get('data-opened')

    # === WHAT IS NOTED === #

    def test_noted_once(self):
        self.assertEqual(self.asks_for_it(), f'{self.page}/opened')
        self.assertFalse(self.reminder.opened_at)
        before = fields.Datetime.now()
        answer = self.tell()
        self.assertFalse(answer.content)
        self.assertGreaterEqual(self.reminder.opened_at, before)
        self.reminder.opened_at = BEFORE
        self.assertFalse(self.asks_for_it())
        self.tell()
        self.assertEqual(self.reminder.opened_at, BEFORE)

    def test_reading_notes_nothing(self):
        for method in ('GET', 'HEAD'):
            self.url_open(self.page, method=method)
            answer = self.url_open(f'{self.page}/opened', method=method, allow_redirects=False)
            self.assertEqual(answer.status_code, 303)
        self.env.invalidate_all()
        self.assertFalse(self.reminder.opened_at)

    def test_nothing_of_who_looked_is_kept(self):
        """Neither with the reminder nor anywhere else: one row changes, in one column."""
        before = self.state()
        self.tell(headers={'User-Agent': 'Told/7', 'X-Forwarded-For': '203.0.113.7'})
        after = self.state()
        changed = {name for name in before if before[name] != after[name]}
        self.assertLessEqual(changed, {'opened_at', 'write_date', 'write_uid'})
        self.assertIn('opened_at', changed)
        self.assertFalse(self.env['pay.now.rate'].sudo().search([]))

    def state(self):
        self.env.flush_all()
        self.env.cr.execute('SELECT * FROM pay_now_reminder WHERE id = %s', [self.reminder.id])
        return self.env.cr.dictfetchone()

    def test_what_has_not_left_has_not_arrived(self):
        for state in ('draft', 'queued', 'to_print', 'held', 'failed', 'canceled'):
            with self.subTest(state=state):
                self.reminder.state = state
                self.assertFalse(self.asks_for_it())
                self.tell()
                self.assertFalse(self.reminder.opened_at)
        self.reminder.state = 'uncertain'
        self.tell()
        self.assertTrue(self.reminder.opened_at)

    def test_pages_of_other_documents(self):
        page = urlsplit(self.invoice._pay_now_url()).path
        [body] = html.fromstring(self.url_open(page).content).xpath('//body')
        self.assertIsNone(body.get('data-opened'))
        self.tell(page)

    # === WHOSE LOOK COUNTS === #

    def test_colleagues_do_not_count(self):
        new_test_user(self.env, 'clerk', 'base.group_user')
        self.authenticate('clerk', 'clerk')
        self.tell()
        self.assertFalse(self.reminder.opened_at)

    def test_customers_with_a_log_in_count(self):
        new_test_user(self.env, 'shopper', 'base.group_portal')
        self.authenticate('shopper', 'shopper')
        self.tell()
        self.assertTrue(self.reminder.opened_at)
        self.assertEqual(self.reminder.write_uid, self.env.ref('base.public_user'))

    def test_a_wrong_address(self):
        other = urlsplit(self.invoice._pay_now_url()).path.rsplit('/', 1)[1]
        start = self.page.rsplit('/', 1)[0]
        for path in (f'{start}/{"x" * 32}', f'{start}/{other}', f'{self.page}x'):
            self.tell(path, 404)
        self.reminder.pay_now_token_expiry = fields.Date.today() - timedelta(days=1)
        self.tell(status=404)
        self.assertFalse(self.reminder.opened_at)
        self.reminder.pay_now_token_expiry = fields.Date.today()
        self.reminder.action_pay_now_revoke_link()
        self.tell(status=404)

    # === NOBODY WAITS === #

    def test_whoever_has_the_row_is_not_waited_for(self):
        reminders = type(self.reminder)
        with patch.object(reminders, 'try_lock_for_update', lambda records: records.browse()):
            self.tell()
        self.assertFalse(self.reminder.opened_at)
        self.assertTrue(self.asks_for_it())
        self.tell()
        self.assertTrue(self.reminder.opened_at)

    # === IN A BROWSER === #

    def opened_at(self):
        with self.alone():
            return self.reminder.opened_at

    def until_told(self, browser):
        self.wait_for(browser, TOLD)
        end = time.monotonic() + 10
        while not (moment := self.opened_at()) and time.monotonic() < end:
            time.sleep(0.1)
        return moment

    def test_a_page_in_sight(self):
        with self.browser() as browser:
            self.show(browser, self.page, READY)
            self.assertFalse(self.run_js(browser, TOLD))
            self.assertTrue(self.until_told(browser))
            with self.alone():
                self.reminder.opened_at = BEFORE
            self.show(browser, self.page, READY)
            self.click(browser)
            time.sleep(4)
            self.assertFalse(self.run_js(browser, TOLD))
            self.assertEqual(self.opened_at(), BEFORE)
            cookies = browser._websocket_request('Network.getCookies')['cookies']
            self.assertLessEqual(
                {one['name'] for one in cookies}, {'test_request_key', 'session_id'}
            )

    def test_a_page_that_is_used(self):
        """At once; what a script pretends is no use of it."""
        with self.browser() as browser:
            # Without the seconds: they never pass.
            script = 'window.setTimeout = () => 0'
            browser._websocket_request(
                'Page.addScriptToEvaluateOnNewDocument', params={'source': script}
            )
            self.show(browser, self.page, READY)
            self.run_js(browser, 'window.dispatchEvent(new PointerEvent("pointerdown")), 0')
            time.sleep(1)
            self.assertFalse(self.run_js(browser, TOLD))
            self.click(browser)
            self.assertTrue(self.until_told(browser))

    def test_a_page_without_script(self):
        with self.browser() as browser:
            browser._websocket_request(
                'Emulation.setScriptExecutionDisabled', params={'value': True}
            )
            self.show(browser, self.page, READY)
            self.click(browser)
            time.sleep(4)
            self.assertFalse(self.opened_at())

    def test_a_page_behind_another(self):
        """As a tab that was opened, and not looked at."""
        with self.browser() as browser:
            hidden = 'Object.defineProperty(document, "visibilityState", {get: () => "hidden"})'
            browser._websocket_request(
                'Page.addScriptToEvaluateOnNewDocument', params={'source': hidden}
            )
            self.show(browser, self.page, READY)
            time.sleep(4)
            self.assertFalse(self.run_js(browser, TOLD))
            self.assertFalse(self.opened_at())

    def click(self, browser):
        for kind in ('mousePressed', 'mouseReleased'):
            browser._websocket_request(
                'Input.dispatchMouseEvent',
                params={'type': kind, 'x': 5, 'y': 5, 'button': 'left', 'clickCount': 1},
            )
