# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from urllib.parse import urlsplit

from lxml import html

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon

READY = 'document.querySelector(".pay-now-live")'
SUM = 'document.querySelector(".pay-now-sum").textContent.replace(/\\s/g, " ")'
TICK = 'document.querySelectorAll("[name=item]")[%d].click()'
TICKED = '[...document.querySelectorAll("[name=item]")].map((box) => box.checked).join()'
HIDDEN = 'document.querySelector("%s").hidden'
DISABLED = 'document.querySelector("[name=provider_id]").disabled'


class GroupsCase(ReminderCommon):
    """A customer whose invoices are on two receivable accounts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        account = cls.customer.property_account_receivable_id
        cls.other_account = account.copy({'code': '411999', 'name': "Other customers"})
        cls.first = cls.make_invoice(300, days_late=40)
        cls.second = cls.make_invoice(200, days_late=30)
        cls.customer.property_account_receivable_id = cls.other_account
        cls.third = cls.make_invoice(150, days_late=20)
        cls.customer.property_account_receivable_id = account

    def reminder(self, *invoices):
        return (
            self.env["pay.now.reminder"]
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'level_id': self.env['pay.now.reminder.level']
                    .search([('company_id', '=', self.company.id)], limit=1)
                    .id,
                    'item_ids': [Command.set(self.lines(*invoices).ids)],
                }
            )
        )

    def ticked(self, page):
        return self.lines(self.first, self.second, self.third).filtered(
            lambda line: line.id in [row['line'].id for row in page['items'] if row['ticked']]
        )


@tagged('post_install', '-at_install')
class TestGroups(GroupsCase):
    """What can be paid together is decided once, for page, mail and payment."""

    def test_the_page_ticks_what_can_be_paid_together(self):
        reminder = self.reminder(self.third, self.first, self.second)
        page = reminder._pay_now_page_values()
        self.assertEqual(self.ticked(page), self.lines(self.first, self.second))
        self.assertEqual(page['total'], 500)
        self.assertEqual(
            [(group['number'], len(group['rows'])) for group in page['groups']], [(1, 2), (2, 1)]
        )

    def test_whatever_a_page_ticks_can_be_paid(self):
        """And so do the amounts in the mails: the next rule of a payment shows here."""
        for invoices in (
            (self.first,),
            (self.third,),
            (self.first, self.third),
            (self.third, self.second, self.first),
        ):
            reminder = self.reminder(*invoices)
            page = reminder._pay_now_page_values()
            tx = reminder._pay_now_start(set(self.ticked(page).ids), self.provider.id)
            self.assertEqual(tx.amount, page['total'])

    def test_the_rest_is_asked_for_next(self):
        reminder = self.reminder(self.third, self.first, self.second)
        tx = self.checkout(self.ticked(reminder._pay_now_page_values()))
        self.gateway.pay(tx)
        tx._synchronize()
        page = reminder._pay_now_page_values()
        self.assertEqual(self.ticked(page), self.lines(self.third))
        self.assertFalse(page['groups'])

    def test_credit_notes_stand_with_their_group(self):
        self.customer.property_account_receivable_id = self.other_account
        credit = self.make_invoice(50, move_type='out_refund')
        reminder = self.reminder(self.first, self.third)
        groups = reminder._pay_now_page_values()['groups']
        rows = [row['line'].move_id for row in groups[1]['rows']]
        self.assertEqual(rows, [self.third, credit])

    def test_across_groups_is_refused(self):
        reminder = self.reminder(self.first, self.third)
        lines = self.lines(self.first, self.third)
        with self.assertRaisesRegex(ValidationError, "cannot be paid together"):
            reminder._pay_now_start(set(lines.ids), self.provider.id)
        self.assertIn("cannot be paid", reminder._pay_now_choice_problem(set(lines.ids)))
        self.assertFalse(reminder._pay_now_choice_problem(set(lines[:1].ids)))

    def test_the_mail_asks_for_what_is_ticked(self):
        [mail] = self.send(self.generate())
        reminder = self.env['pay.now.reminder'].search([('partner_id', '=', self.customer.id)])
        page = reminder._pay_now_page_values()
        self.assertEqual(page['total'], 500)
        self.assertRegex(mail['body'], r"Pay now 500\.00")
        self.assertIn("cannot be paid online all at once", mail['body'])
        self.assertIn("650.00", mail['body'])

    def test_the_mail_says_nothing_of_it_where_there_is_one(self):
        reminder = self.reminder(self.first, self.second)
        _subject, body, _amounts = reminder._render()
        self.assertNotIn("all at once", body)
        self.assertIn("Pay now 500.00", body)

    # === LIMITS OF AMOUNT === #

    def test_no_more_is_ticked_than_is_taken(self):
        self.provider.maximum_amount = 400
        reminder = self.reminder(self.first, self.second)
        page = reminder._pay_now_page_values()
        self.assertEqual(self.ticked(page), self.lines(self.first))
        self.assertIn("Pay now 300.00", reminder._render()[1])
        self.assertIn("all at once", reminder._render()[1])
        reminder._pay_now_start(set(self.ticked(page).ids), self.provider.id)

    def test_the_first_group_that_can_be_taken(self):
        self.provider.maximum_amount = 160
        reminder = self.reminder(self.first, self.second, self.third)
        page = reminder._pay_now_page_values()
        self.assertEqual(self.ticked(page), self.lines(self.third))
        self.assertTrue(page['providers'])
        self.provider.maximum_amount = 100
        page = reminder._pay_now_page_values()
        self.assertFalse(page['providers'])
        self.assertIn("100.00", page['limits_text'])

    def test_the_invoice_mail_asks_for_no_more_either(self):
        invoice = self.make_invoice(1000, invoice_payment_term_id=self.term.id)
        most = self.lines(invoice)[0].amount_residual
        due = invoice.line_ids.filtered(lambda line: line.display_type == 'payment_term')
        due.date_maturity = fields.Date.today()
        self.assertIn("1,000.00", invoice._pay_now_mail_block('en_US'))
        self.provider.maximum_amount = most
        self.assertIn(f"Pay now {most:.2f}", invoice._pay_now_mail_block('en_US'))
        self.assertEqual(invoice._pay_now_page_values()['total'], most)

    def test_the_kept_limit_is_the_providers(self):
        for maximum in (0, 400):
            self.provider.maximum_amount = maximum
            low, high = self.provider._pay_now_amount_limits(self.company.currency_id)
            self.assertEqual(self.provider.pay_now_most_at_once, float(high))
            self.assertLess(low, high)


@tagged('post_install', '-at_install')
class TestGroupsPage(GroupsCase, HttpCase):
    """The page of several groups, without JavaScript."""

    def test_a_choice_across_groups_is_kept_and_explained(self):
        self.customer.lang = 'en_US'
        reminder = self.reminder(self.first, self.second, self.third)
        path = urlsplit(reminder._pay_now_url()).path
        page = html.fromstring(self.url_open(path).content)
        self.assertEqual(len(page.xpath('//fieldset')), 2)
        boxes = page.xpath('//input[@name="item"]')
        self.assertEqual(len({box.get('data-group') for box in boxes}), 2)
        chosen = [box.get('value') for box in boxes]
        for pressed in ({'update': '1'}, {'provider_id': str(self.provider.id)}):
            answer = self.url_open(f'{path}/pay', data={'item': chosen, **pressed})
            page = html.fromstring(answer.content)
            self.assertEqual(page.xpath('//input[@name="item"][@checked]/@value'), chosen)
            [alert] = page.xpath('//*[@role="alert"]')
            self.assertIn("cannot be paid together", alert.text_content())
        self.assertFalse(self.gateway.requests)

    def test_the_banner_of_the_portal_names_each_payment(self):
        items = self.lines(self.first, self.second, self.third)
        account = self.env['pay.now.account']
        self.patch(type(account), '_pay_now_overdue_items', lambda self: items)
        [row] = account._pay_now_banner()
        self.assertEqual(re.sub(r'[^\d.+]', '', row['payable']), '500.00+150.00')


@tagged('post_install', '-at_install')
class TestGroupsScreens(BrowserMixin, GroupsCase, HttpCase):
    """With JavaScript: what cannot be paid is not chosen, and the page says why."""

    def test_the_last_tick_decides(self):
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        path = urlsplit(self.reminder(self.first, self.second, self.third)._pay_now_url()).path
        with self.browser() as browser:
            self.show(browser, path, READY, 'pay_page_groups', DESKTOP)
            self.assertEqual(self.run_js(browser, SUM), "500,00 €")
            self.assertTrue(self.run_js(browser, HIDDEN % '.pay-now-other'))
            self.run_js(browser, TICK % 2)
            self.assertEqual(self.run_js(browser, TICKED), 'false,false,true')
            self.assertEqual(self.run_js(browser, SUM), "150,00 €")
            self.assertFalse(self.run_js(browser, HIDDEN % '.pay-now-other'))
            self.assert_accessible(browser)
            self.run_js(browser, TICK % 0)
            self.assertEqual(self.run_js(browser, TICKED), 'true,false,false')
            self.run_js(browser, TICK % 1)
            self.assertEqual(self.run_js(browser, TICKED), 'true,true,false')
            self.assertTrue(self.run_js(browser, HIDDEN % '.pay-now-other'))
            self.show(browser, path, READY, 'pay_page_groups_phone', PHONE)
            self.assert_fits(browser)
            self.assert_accessible(browser)

    def test_limits_are_known_before_the_click(self):
        self.customer.lang = 'en_US'
        self.provider.maximum_amount = 400
        path = urlsplit(self.reminder(self.first, self.second)._pay_now_url()).path
        with self.browser() as browser:
            self.show(browser, path, READY)
            self.assertEqual(self.run_js(browser, TICKED), 'true,false')
            self.assertFalse(self.run_js(browser, DISABLED))
            self.run_js(browser, TICK % 1)
            self.assertTrue(self.run_js(browser, DISABLED))
            self.assertFalse(self.run_js(browser, HIDDEN % '.pay-now-limits'))
            self.assert_accessible(browser)
            self.run_js(browser, TICK % 0)
            self.assertFalse(self.run_js(browser, DISABLED))
            self.assertTrue(self.run_js(browser, HIDDEN % '.pay-now-limits'))
