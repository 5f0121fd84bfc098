# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon


@tagged('post_install', '-at_install')
class TestReminderCustomer(ReminderCommon, HttpCase):
    """An invoice that was reminded is given to another customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.stranger = cls.env['res.partner'].create(
            {'name': "Meunier", 'email': 'meunier@example.com'}
        )
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.other = cls.make_invoice(60, days_late=30)

    def correct(self):
        """Give one of the invoices to the stranger."""
        self.invoice.button_draft()
        self.invoice.partner_id = self.stranger
        self.invoice.action_post()

    def test_the_mailed_page_shows_it_no_more(self):
        run = self.generate()
        self.send(run)
        reminder = run.reminder_ids
        path = urlsplit(reminder._pay_now_url()).path
        self.assertIn(self.invoice.name, self.url_open(path).text)
        self.invoice._pay_now_store_pdfs()
        self.correct()
        page = self.url_open(path).text
        self.assertNotIn(self.invoice.name, page)
        self.assertIn(self.other.name, page)
        self.assertEqual(self.url_open(f'{path}/pdf/{self.invoice.id}').status_code, 404)
        self.assertEqual(reminder._pay_now_lines().move_id, self.other)

    def test_a_waiting_reminder_leaves_it_out(self):
        run = self.generate()
        self.correct()
        [mail] = self.send(run)
        self.assertIn(self.other.name, mail['body'])
        self.assertNotIn(self.invoice.name, mail['body'])
        self.assertIn('client@example.com', str(mail['email_to']))
        self.assertEqual(run.reminder_ids.item_ids.move_id, self.other)

    def test_a_reminder_of_nothing_else_is_held(self):
        self.other.button_draft()
        run = self.generate()
        self.correct()
        self.assertFalse(self.send(run))
        self.assertEqual(run.reminder_ids.state, 'held')
