# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from datetime import timedelta

from lxml import html

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon


@tagged('post_install', '-at_install')
class TestSameAmount(ReminderCommon, HttpCase):
    """What the button of a mail asks for is what its page opens with."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.env.ref('base.USD').active = True

    def amount(self, element):
        """Return the amount that the text of an element ends with."""
        # What is struck through stands before it.
        *_whole, number = re.findall(r'([\d,]+\.\d\d)\s€', element.text_content())
        return float(number.replace(',', ''))

    def assert_same(self, body, expected):
        """The button, and the page it leads to, both ask for the expected amount."""
        buttons = [
            link
            for link in html.fromstring(body).xpath('//a[contains(@href, "/pay_now/")]')
            if "Pay now" in link.text_content()
        ]
        self.assertEqual(len(buttons), 1)
        self.assertEqual(self.amount(buttons[0]), expected, "in the mail")
        response = self.url_open(buttons[0].get('href'))
        page = html.fromstring(response.content)
        (total,) = page.xpath('//*[contains(@class, "pay-now-total")]/output')
        self.assertEqual(self.amount(total), expected, "on the page")
        ticked = page.xpath('//li[.//input[@checked]]//*[contains(@class, "pay-now-amount")]')
        self.assertEqual(sum(map(self.amount, ticked)), expected, "sum of what is ticked")
        return page

    def reminder(self, **values):
        """Send the reminder, and return its body."""
        (mail,) = self.send(self.generate(**values))
        return mail['body']

    def invoice_mail(self, invoice):
        return (
            self.env['account.move.send.wizard']
            .with_context(active_model='account.move', active_ids=invoice.ids)
            .create({'sending_methods': ['email']})
            .body
        )

    def pay_part(self, invoice, amount):
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({'amount': amount}).action_create_payments()

    def instalments(self, **values):
        return self.make_invoice(1000, invoice_payment_term_id=self.term.id, **values)

    # === reminder === #

    def test_plain(self):
        self.make_invoice(50)
        body = self.reminder()
        self.assert_same(body, 150)
        self.assertNotIn("payable online", body, "no words about what does not differ")

    def test_partially_paid(self):
        self.pay_part(self.invoice, 39.99)
        self.assert_same(self.reminder(), 60.01)

    def test_instalments(self):
        self.instalments(invoice_date=fields.Date.today() - timedelta(days=10))
        self.assert_same(self.reminder(), 400)

    def test_instalment_in_progress(self):
        invoice = self.instalments(invoice_date=fields.Date.today() - timedelta(days=40))
        self.checkout(self.lines(invoice)[0])._set_pending()
        self.assert_same(self.reminder(), 800)

    def test_foreign_currency(self):
        foreign = self.make_invoice(80, currency_id=self.env.ref('base.USD').id)
        body = self.reminder()
        text = ' '.join(html.fromstring(body).text_content().split())
        self.assertIn("Amount due: 100.00 € + $ 80.00 – payable online: 100.00 €", text)
        self.assertRegex(
            text,
            f"{foreign.name} Due on [^ ]+, 10 days late Not payable online: invoice in a foreign",
        )
        self.assertIn("Amount due (EUR) 100.00 €", text)
        self.assertIn("Amount due (USD) $ 80.00", text)
        page = self.assert_same(body, 100)
        self.assertIn(
            "Not payable online: invoice in a foreign currency",
            page.xpath('//label[.//input[@disabled]]')[0].text_content(),
        )

    def test_open_credit_note(self):
        refund = self.make_invoice(30, move_type='out_refund')
        self.assertEqual(refund.state, 'posted')
        self.assert_same(self.reminder(), 100)

    def test_option_of_one_application_only(self):
        sales = self.sale_invoice(70)
        self.assertEqual(sales.pay_now_application, 'sales')
        body = self.reminder()
        self.assertIn("Amount due: 170.00\xa0€ – payable online: 100.00\xa0€", body)
        page = self.assert_same(body, 100)
        self.assertEqual(len(page.xpath('//input[@disabled]')), 1)
        reminder = self.env['pay.now.reminder'].search([], limit=1)
        with self.assertRaisesRegex(Exception, "changed meanwhile"):
            reminder.sudo()._pay_now_start(set(self.lines(sales).ids), self.provider.id)

    def test_usual_payment_method(self):
        other = self.make_invoice(70)
        other.preferred_payment_method_line_id = self.company_data[
            'default_journal_bank'
        ].inbound_payment_method_line_ids[0]
        self.assert_same(self.reminder(), 100)

    def test_excluded_between_generating_and_sending(self):
        other = self.make_invoice(70)
        run = self.generate()
        self.lines(other).no_followup = True
        (mail,) = self.send(run)
        page = self.assert_same(mail['body'], 100)
        self.assertEqual(len(page.xpath('//input[@type="checkbox"]')), 1, "what the mail names")

    def test_previous_balance_asks_for_nothing_online(self):
        self.make_invoice(50)
        body = self.reminder(
            print_previous_balance=True, date_from=fields.Date.today() - timedelta(days=20)
        )
        self.assertNotIn('/pay_now/', body)
        self.assertNotIn("payable online", body)
        text = ' '.join(html.fromstring(body).text_content().split())
        self.assertIn("Total with the previous balance 150.00 €", text)

    # === invoice mail === #

    def test_invoice(self):
        self.assert_same(self.invoice_mail(self.invoice), 100)
        self.pay_part(self.invoice, 25)
        self.assert_same(self.invoice_mail(self.invoice), 75)

    def test_invoice_with_instalments_asks_for_what_is_due_or_next(self):
        invoice = self.instalments()
        body = self.invoice_mail(invoice)
        self.assertIn("instalment 1 of 2", body)
        page = self.assert_same(body, 300)
        self.assertEqual(len(page.xpath('//input[@type="checkbox"]')), 2)
        late = self.instalments(invoice_date=fields.Date.today() - timedelta(days=40))
        body = self.invoice_mail(late)
        self.assertNotIn("instalment", body)
        self.assert_same(body, 1000)

    def test_invoice_with_an_instalment_paid_or_in_progress(self):
        invoice = self.instalments()
        first, second = self.lines(invoice)
        tx = self.checkout(first)
        tx._set_pending()
        self.assert_same(self.invoice_mail(invoice), 700)
        tx._set_canceled()
        self.pay_part(invoice, 300)
        self.assertTrue(first.reconciled)
        self.assert_same(self.invoice_mail(invoice), 700)

    def test_early_payment_discount_is_given_by_both(self):
        term = self.env['account.payment.term'].create(
            {
                'name': "2/7 net 30",
                'early_discount': True,
                'discount_percentage': 2,
                'discount_days': 7,
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})
                ],
            }
        )
        invoice = self.make_invoice(
            200, invoice_payment_term_id=term.id, invoice_date=fields.Date.today()
        )
        self.assert_same(self.invoice_mail(invoice), 196)
        self.env['pay.now.reminder.level'].search([])[0].write({'delay_days': -40})
        self.assert_same(self.reminder(), 296)

    # === the page itself === #

    def test_page_says_who_and_how_to_transfer(self):
        self.company.partner_id.write({'street': "12 rue du Four", 'city': "Dijon"})
        self.company_data['default_journal_bank'].bank_account_id = self.env[
            'res.partner.bank'
        ].create(
            {
                'acc_number': 'FR7630006000011234567890189',
                'partner_id': self.company.partner_id.id,
            }
        )
        response = self.url_open(self.invoice._pay_now_url())
        self.assertIn("12 rue du Four, Dijon", response.text)
        self.assertIn("FR76 3000 6000 0112 3456 7890 189", response.text)
        self.assertIn(self.invoice.payment_reference, response.text)
        self.checkout(self.lines(self.invoice))._set_pending()
        response = self.url_open(self.invoice._pay_now_url())
        self.assertNotIn("FR76", response.text, "a payment is on its way already")

    def sale_invoice(self, amount):
        product = self.env['product.product'].create(
            {'name': "Oven", 'invoice_policy': 'order', 'taxes_id': False}
        )
        order = (
            self.env['sale.order']
            .sudo()
            .create(
                {
                    'partner_id': self.customer.id,
                    'payment_term_id': False,
                    'order_line': [
                        Command.create({'product_id': product.id, 'price_unit': amount})
                    ],
                }
            )
        )
        order.action_confirm()
        invoice = order._create_invoices().sudo(False)
        invoice.write(
            {
                'invoice_date': fields.Date.today() - timedelta(days=10),
                'invoice_payment_term_id': False,
                'invoice_date_due': fields.Date.today() - timedelta(days=10),
            }
        )
        invoice.action_post()
        return invoice
