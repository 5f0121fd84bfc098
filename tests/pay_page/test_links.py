# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

from lxml import html

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.sandbox import SandboxCase


@tagged('post_install', '-at_install')
class TestLinks(SandboxCase):
    """Whatever happens to a mailed link, nobody is charged twice, and each page says why."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.make_invoice(240)
        cls.other = cls.make_invoice(60)

    def setUp(self):
        super().setUp()
        self.reminder = (
            self.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'level_id': self.env['pay.now.reminder.level']
                    .search([('company_id', '=', self.company.id)], limit=1)
                    .id,
                    'item_ids': [Command.set(self.lines(self.invoice, self.other).ids)],
                }
            )
        )
        self.path = urlsplit(self.reminder._pay_now_url()).path
        self.sandbox.requests(clear=True)

    def open(self, path=None):
        response = self.url_open(path or self.path)
        return html.fromstring(response.content)

    def press(self, page, *invoices):
        """Press the card's button of a page that was opened at some time; return the answer."""
        form = page.xpath('//form')[0]
        data = {
            'provider_id': str(self.provider.id),
            'item': [str(line.id) for line in self.lines_of(*invoices)],
        }
        return self.url_open(form.get('action'), data=data, allow_redirects=False)

    def lines_of(self, *invoices):
        return self.env['account.move.line'].union(
            *(invoice._pay_now_lines() for invoice in invoices)
        )

    def go(self, answer):
        """Follow to the provider; return the transaction and where the payer is sent."""
        self.assertEqual(answer.status_code, 303, answer.text)
        tx_path = urlsplit(answer.headers['Location']).path
        tx = self.env['payment.transaction'].browse(int(tx_path.split('/')[3]))
        hosted = self.url_open(tx_path, allow_redirects=False).headers['Location']
        return tx, hosted

    def sessions(self, status):
        return [s for s in self.sandbox.account_state()['sessions'] if s['status'] == status]

    def charged(self):
        charges = self.sandbox.account_state()['charges']
        return sum(c['amount'] for c in charges if c['status'] == 'succeeded') / 100

    # === ROBOTS === #

    def test_a_robot_opens_every_link_a_hundred_times(self):
        """Mail servers and previews follow links: no transaction, nothing at the provider."""
        wizard = self.env['account.move.send.wizard'].create({'move_id': self.invoice.id})
        bodies = self.reminder._render_all()[self.reminder][1] + wizard.body
        addresses = {urlsplit(link) for link in html.fromstring(bodies).xpath('//a/@href')}
        paths = sorted(
            {
                f'{address.path}?{address.query}'
                for address in addresses
                if '/pay_now/' in address.path
            }
        )
        self.assertTrue(any('/reminder/' in path for path in paths), paths)
        self.assertTrue(any('/invoice/' in path for path in paths), paths)
        documents = self.reminder, self.invoice
        before = [(one.pay_now_token, one.pay_now_token_expiry) for one in documents]
        self.env.flush_all()
        stamps = [(one.write_date, one.write_uid) for one in documents]
        self.sandbox.requests(clear=True)
        self.sandbox.paypal.requests(clear=True)
        number = 0
        while number < 100:
            for path in paths:
                for method in ('HEAD', 'GET'):
                    answer = self.url_open(path, method=method)
                    self.assertEqual(answer.status_code, 200, path)
                    number += 1
        self.assertFalse(self.env['payment.transaction'].sudo().search([]))
        self.assertFalse(self.sandbox.requests())
        self.assertFalse(self.sandbox.paypal.requests())
        self.env.invalidate_all()
        after = [(one.pay_now_token, one.pay_now_token_expiry) for one in documents]
        self.assertEqual(after, before)
        self.assertEqual([(one.write_date, one.write_uid) for one in documents], stamps)

    # === THE SAME LINK TWICE === #

    def test_two_tabs(self):
        first, second = self.open(), self.open()
        tx, hosted = self.go(self.press(first, self.invoice))
        same_tx, same_hosted = self.go(self.press(second, self.invoice))
        self.assertEqual((tx, hosted), (same_tx, same_hosted))
        self.assertEqual(len(self.sessions('open')), 1)
        self.sandbox.pay(session=tx.provider_reference)
        self.assertIn("Payment received", self.open(tx._pay_now_path('return')).text_content())
        # The second tab goes on with what it showed.
        answer = self.press(second, self.invoice)
        self.assertEqual(answer.status_code, 200)
        self.assertIn("The amounts have changed meanwhile", answer.text)
        self.assertEqual(self.charged(), 240)

    def test_two_devices_that_choose_otherwise(self):
        phone, desk = self.open(), self.open()
        first, _hosted = self.go(self.press(phone, self.invoice))
        second, _hosted = self.go(self.press(desk, self.invoice, self.other))
        self.assertNotEqual(first, second)
        self.assertEqual(len(self.sessions('open')), 1)
        self.sandbox.pay(session=second.provider_reference)
        self.assertIn("Payment received", self.open(second._pay_now_path('return')).text_content())
        said = self.open(first._pay_now_path('return')).text_content()
        self.assertIn("Payment canceled", said)
        self.assertIn("Nothing was debited", said)
        self.assertEqual(self.charged(), 300)
        self.assert_books()

    def test_pressed_twice(self):
        page = self.open()
        answers = [self.go(self.press(page, self.invoice, self.other)) for _press in range(3)]
        self.assertEqual(len(set(answers)), 1)
        self.assertEqual(len(self.sandbox.account_state()['sessions']), 1)

    def test_back_after_paying(self):
        page = self.open()
        tx, _hosted = self.go(self.press(page, self.invoice, self.other))
        self.sandbox.pay(session=tx.provider_reference)
        # Not even back on our page: the provider's notification is not here yet.
        answer = self.press(page, self.invoice, self.other)
        again = self.url_open(answer.headers['Location'], allow_redirects=False)
        self.assertEqual(len(self.sandbox.account_state()['sessions']), 1, again.headers)
        self.assertEqual(self.charged(), 300)
        said = self.open(tx._pay_now_path('return')).text_content()
        self.assertIn("Payment received", said)
        self.assertIn("Already paid", self.open().text_content())
        self.assert_books()

    def test_the_return_is_loaded_again(self):
        tx, _hosted = self.go(self.press(self.open(), self.invoice))
        self.sandbox.pay(session=tx.provider_reference)
        for _load in range(4):
            said = self.open(tx._pay_now_path('return')).text_content()
            self.assertIn("Payment received", said)
        self.assertEqual(len(tx.payment_id), 1)
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assert_books()

    def test_another_payment_is_pending(self):
        page = self.open()
        tx, _hosted = self.go(self.press(page, self.invoice))
        self.sandbox.pay(session=tx.provider_reference, method='sepa')
        self.deliver()
        self.assertEqual(tx.state, 'pending')
        answer = self.press(page, self.invoice)
        self.assertEqual(answer.status_code, 200)
        shown = html.fromstring(answer.content)
        self.assertIn("Payment in progress", shown.text_content())
        # What else there is can be paid.
        other, _hosted = self.go(self.press(self.open(), self.other))
        self.sandbox.pay(session=other.provider_reference)
        self.assertIn("Payment received", self.open(other._pay_now_path('return')).text_content())
        self.sandbox.settle()
        self.deliver()
        self.assertEqual(self.charged(), 300)
        self.assert_books()
