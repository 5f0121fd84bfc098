# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon


@tagged('post_install', '-at_install')
class TestMailWatch(ReminderCommon):
    """The watch over all mails of the tests sees what is wrong, and lets pass what is right."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.stranger = cls.env['res.partner'].create(
            {'name': "Meunier", 'email': 'meunier@example.com'}
        )
        cls.invoice = cls.make_invoice(100, days_late=40)

    def assert_wrong(self, *texts):
        """Check that the watch saw it, and let the test pass all the same."""
        wrong = ' '.join(self.mail_watch.wrong)
        for text in texts:
            self.assertIn(text, wrong)
        self.mail_watch.begin()

    def write_mail(self, **values):
        with self.mock_mail_gateway():
            mail = self.env['mail.mail'].create({'subject': "x", 'body_html': '<p>x</p>', **values})
            mail.send()
        return mail

    def test_right_ones(self):
        run = self.generate()
        self.send(run)
        self.write_mail(
            model='pay.now.reminder', res_id=run.reminder_ids.id, email_to='client@example.com'
        )
        self.env['pay.now.trial'].create({})._preview()
        self.assertGreaterEqual(self.mail_watch.seen, 3)
        self.assertFalse(self.mail_watch.wrong)

    def test_others_mails_are_not_looked_at(self):
        self.write_mail(email_to='meunier@example.com')
        self.assertFalse(self.mail_watch.seen)

    def test_reminder_to_a_stranger(self):
        Reminder = self.env.registry['pay.now.reminder']
        with patch.object(Reminder, '_find_contact', lambda _self, _lines: self.stranger):
            self.send(self.generate())
        self.assert_wrong('reminder', 'meunier@example.com')

    def test_reminder_with_an_invoice_of_a_stranger(self):
        run = self.generate()
        self.make_invoice(50, partner=self.stranger, days_late=40)
        other = self.env['account.move.line'].search([('partner_id', '=', self.stranger.id)])
        Reminder = self.env.registry['pay.now.reminder']
        sort = Reminder._sort_items

        def with_another(reminders):
            return {
                one: (lines | other.filtered('date_maturity'), held)
                for one, (lines, held) in sort(reminders).items()
            }

        with patch.object(Reminder, '_sort_items', with_another):
            self.send(run)
        self.assert_wrong('at once')

    def test_receipt_to_a_stranger(self):
        tx = self.checkout(self.lines(self.invoice))
        self.write_mail(model='payment.transaction', res_id=tx.id, recipient_ids=self.stranger.ids)
        self.assert_wrong('receipt', 'meunier@example.com')

    def test_invoice_mail_to_a_stranger(self):
        self.write_mail(
            body_html=f'<a href="{self.invoice._pay_now_url()}">Pay now</a>',
            email_to='client@example.com',
            email_cc='meunier@example.com',
        )
        self.assert_wrong('invoice', 'meunier@example.com')

    def test_trial_to_a_customer(self):
        trial = self.env['pay.now.trial'].create({})
        self.write_mail(
            body_html=f'<a href="{trial._pay_now_url()}">Pay now</a>', email_to='client@example.com'
        )
        self.assert_wrong('trial', 'client@example.com')

    def test_notice_to_a_customer(self):
        self.write_mail(
            body_html='<a href="/odoo/action-account_pay_now.action_pay_now_setup">Set-up</a>',
            email_to='client@example.com',
        )
        self.assert_wrong('notice', 'client@example.com')

    def test_as_the_mail_server_gets_it(self):
        """What was right when it was written is looked at again."""
        tx = self.checkout(self.lines(self.invoice))
        values = {'model': tx._name, 'res_id': tx.id, 'email_to': 'client@example.com'}
        with self.mock_mail_gateway():
            mail = self.env['mail.mail'].create({'subject': "x", 'body_html': '<p>x</p>', **values})
            self.assertFalse(self.mail_watch.wrong)
            mail.email_to = 'client@example.com, evil@example.net'
            mail.send()
        self.assertTrue(self.emails)
        self.assert_wrong('evil@example.net')

    def test_a_wrong_mail_fails_the_test(self):
        self.mail_watch.wrong.append("a mail to somebody else")
        with self.assertRaises(AssertionError):
            self.assert_mails()
        self.mail_watch.begin()
