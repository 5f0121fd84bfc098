# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree, html

from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon

MODULE = Path(__file__).parent.parent.parent
ARABIC = {'Accept-Language': 'ar'}
READY = 'document.querySelector(".pay-now-live")'
#: Where the boxes and the amounts of the items begin, from the left.
LEFT = '[...document.querySelectorAll("%s")].map((one) => one.getBoundingClientRect().left)'


class DirectionCase(ReminderCommon):
    """A customer who reads from right to left."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('ar_001')
        cls.load_language('fr_FR')
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.customer.lang = 'ar_001'
        cls.invoice = cls.make_invoice(1234.5, days_late=40)
        cls.credit = cls.make_invoice(200, move_type='out_refund')
        cls.page = urlsplit(cls.invoice._pay_now_url()).path

    def assert_direction(self, element, direction='rtl', lang='ar-001'):
        self.assertEqual((element.get('dir'), element.get('lang')), (direction, lang))


@tagged('post_install', '-at_install')
class TestDirection(DirectionCase):
    """Mails and letters; and what the next page, mail or style has to keep to."""

    def test_each_document_says_how_it_is_written(self):
        seen = 0
        for path in [*MODULE.glob('views/*.xml'), *MODULE.glob('report/*.xml')]:
            for element in etree.parse(path).iter('html'):
                seen += 1
                with self.subTest(path=path.name):
                    self.assertTrue(element.get('t-att-lang'))
                    self.assertTrue(element.get('t-att-dir'))
        self.assertGreaterEqual(seen, 4)

    def test_the_style_has_no_left_and_right(self):
        style = (MODULE / 'static/src/css/pay_page.css').read_text()
        self.assertFalse(re.findall(r'\b(?:left|right)\b', style))

    def test_mirrored(self):
        text = '<td align="left" style="color:red;text-align: right">left "right"</td>'
        turned = utils.mirrored(text)
        self.assertEqual(
            turned, '<td align="right" style="color:red;text-align: left">left "right"</td>'
        )
        self.assertEqual(utils.mirrored(turned), text)

    def assert_mail(self, body, direction='rtl'):
        """Check a part of a mail: it says its direction, and its amounts are at the other end."""
        tree = html.fromstring(str(body))
        self.assertTrue(tree.xpath(f'//*[@dir="{direction}"]'), body)
        sides = {'rtl': 'left', 'ltr': 'right'}
        for cell in tree.xpath('//td[contains(@style, "nowrap")]'):
            self.assertEqual(cell.get('align'), sides[direction])
            self.assertIn(f'text-align:{sides[direction]}', cell.get('style'))
            self.assertTrue(cell.xpath('.//bdi') or cell.xpath('.//span'))

    def test_reminder(self):
        [mail] = self.send(self.generate())
        self.assert_mail(mail['body'])
        [document] = html.document_fromstring(mail['body']).xpath('/html')
        self.assert_direction(document)
        self.assertIn('<bdi>', mail['body'])
        self.assertRegex(mail['body'], r'text-align:left[^>]*>\s*<bdi>[^<]*1,234\.50')

    def test_reminder_from_left_to_right(self):
        self.customer.lang = 'fr_FR'
        [mail] = self.send(self.generate())
        self.assert_mail(mail['body'], 'ltr')

    def test_invoice_mail(self):
        self.assert_mail(self.invoice._pay_now_mail_block('ar_001'))
        self.assert_mail(self.invoice._pay_now_mail_block('fr_FR'), 'ltr')

    def test_receipt(self):
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        self.assert_mail(tx._pay_now_prepare_receipt()['body_html'])

    def test_letter(self):
        reminder = (
            self.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'level_id': self.env['pay.now.reminder.level']
                    .search([('company_id', '=', self.company.id)], limit=1)
                    .id,
                    'item_ids': [Command.set(self.lines(self.invoice).ids)],
                    'channel': 'letter',
                }
            )
        )
        content, _type = self.env['ir.actions.report']._render_qweb_html(
            'account_pay_now.report_reminder_letter', reminder.ids
        )
        [page] = html.fromstring(content).xpath('//div[@class="page"]')
        self.assert_direction(page)
        self.assertTrue(page.xpath('.//td[@align="left"]'))


@tagged('post_install', '-at_install')
class TestDirectionPages(BrowserMixin, DirectionCase, HttpCase):
    """The public pages."""

    def test_public_pages(self):
        tx = self.checkout(self.lines(self.invoice))
        for path in (
            self.page,
            tx._pay_now_path('result'),
            '/pay_now/nothing',
            f'{self.page}x',
            f'{self.page}/pdf/1',
        ):
            with self.subTest(path=path):
                response = self.url_open(path, headers=ARABIC)
                self.assert_direction(html.fromstring(response.content))
        self.gateway.down = True
        other = self.checkout_path()
        response = self.url_open(other)
        self.assert_direction(html.fromstring(response.content))
        self.customer.lang = 'fr_FR'
        response = self.url_open(self.page)
        self.assert_direction(html.fromstring(response.content), 'ltr', 'fr-FR')

    def checkout_path(self):
        """Return the address of a checkout that is not open yet."""
        tx = (
            self.env['payment.transaction']
            .sudo()
            ._pay_now_create(self.provider, self.customer, self.lines(self.make_invoice(10)))
        )
        return tx._pay_now_path('checkout')

    def test_the_page_is_turned_round(self):
        with self.browser() as browser:
            for name, size in (('pay_page_rtl', DESKTOP), ('pay_page_rtl_phone', PHONE)):
                self.show(browser, self.page, READY, name, size)
                [box, *_more] = self.run_js(browser, LEFT % '[name=item]')
                [amount, *_more] = self.run_js(browser, LEFT % 'label .pay-now-amount')
                self.assertGreater(box, amount)
                self.assert_fits(browser)
                self.assert_accessible(browser)
