# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from email import message_from_bytes, message_from_string, policy
from email.message import EmailMessage

from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, tagged

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.mail.tests.common import mail_new_test_user

#: Names that people gave themselves, to have somebody else get the mail, or something put into it.
HOSTILE = (
    'Evil\r\nBcc: evil@example.net',
    'Evil\r\n\r\n<p>Another text</p>',
    'Evil" <evil@example.net>\r\nX: "',
    'Evil\n, evil@example.net',
    '"x" <evil@example.net>',
    'evil@example.net',
    'evil@example.net, "',
    '<evil@example.net>, x',
    'x\\" <evil@example.net>, \\"y',
    'Group: evil@example.net, evil@example.org;',
    '(comment) evil@example.net (',
    'Ünlaut, evil@example.net <evil@example.org>',
    'Line\u2028Bcc: evil@example.net\u2029, evil@example.net',
    'C1\x85Bcc: evil@example.net\x9b\x7f',
    'A' * 30 + ', evil@example.net, ' + 'B' * 60 + ' <evil@example.org>',
    'É' * 30 + ', evil@example.net, ' + 'B' * 60 + ' <evil@example.org>',
    '=?utf-8?q?x=0D=0ABcc:_evil=40example.net?=',
    '=?utf-8?b?eCIgPGV2aWxAZXhhbXBsZS5uZXQ+?=',
)
#: What an e-mail field holds, and where Odoo's mail server sends it.
FIELDS = {
    'a@example.com': ['a@example.com'],
    ' A@Example.com ': ['a@example.com'],
    'Anne <a@example.com>': ['a@example.com'],
    'a@example.com, b@example.com': ['a@example.com', 'b@example.com'],
    'a@example.com; b@example.com': ['a@example.com', 'b@example.com'],
    'a@example.com;a@example.com': ['a@example.com'],
    'x <a@example.com>; y <b@example.com>': ['a@example.com', 'b@example.com'],
    'a@bäcker.example': ['a@xn--bcker-gra.example'],
    'nobody': [],
    '@example.com': [],
    'a@': [],
    'a@b@': [],
    'a@-ä-.example': [],
    '"a b"@example.com': [],
    '': [],
    False: [],
}


def addresses(message, name):
    """Return the addresses in a header, as whoever gets the mail reads them."""
    return [one.addr_spec for header in message.get_all(name, []) for one in header.addresses]


@tagged('post_install', '-at_install')
class TestAddresses(BaseCase):
    """What an e-mail field and a name amount to in a header."""

    def test_fields(self):
        for value, expected in FIELDS.items():
            with self.subTest(value=value):
                self.assertEqual(utils.email_addresses(value), expected)

    def check(self, name, field):
        """Check a header as the mail server and as the recipient's program read it."""
        expected = utils.email_addresses(field)
        header = utils.email_header(name, field)
        parts = utils.email_header_list(header)
        self.assertEqual(utils.email_addresses(header), expected)
        message = EmailMessage(policy=policy.SMTP)
        message['To'] = parts
        sent = message_from_bytes(message.as_bytes(), policy=policy.default)
        self.assertEqual(sent.keys(), ['To'])
        self.assertEqual(addresses(sent, 'To'), expected)

    def test_hostile_names(self):
        for name in HOSTILE:
            for field in ('client@example.com', 'a@example.com; b@bäcker.example'):
                with self.subTest(name=name, field=field):
                    self.check(name, field)

    def test_any_name(self):
        try:
            from hypothesis import given, settings, strategies  # noqa: PLC0415
        except ImportError:
            self.skipTest("hypothesis is not there")
        marks = strategies.text('ab @<>,;:"\\()[].=?\r\n\x85\u2028é', max_size=90)

        @settings(max_examples=100, deadline=None)
        @given(name=strategies.text(max_size=90) | marks)
        def play(name):
            # No such thing gets into the database.
            name = re.sub('[\0\ud800-\udfff]', '', name)
            self.check(name, 'client@example.com; second@example.com')

        play()


class HeadersCase(ReminderCommon):
    """Mails are read from what the mail server got."""

    def assert_sent_to(self, expected):
        """Check each mail that left: envelope and headers name the recipients and nobody else.

        :param list expected: of each mail, its recipients; sorted.
        """
        emails = sorted(self.emails, key=lambda email: email['smtp_to_list'])
        self.assertEqual([email['smtp_to_list'] for email in emails], expected)
        for email, recipients in zip(emails, expected, strict=True):
            message = message_from_string(email['message'], policy=policy.default)
            self.assertEqual(addresses(message, 'To'), recipients)
            self.assertFalse(message.get_all('Cc') or message.get_all('Bcc'))
            for name in ('From', 'Reply-To'):
                self.assertEqual(len(addresses(message, name)), 1, message[name])
            for name, value in message.items():
                self.assertNotRegex(value, utils.CONTROL_CHARACTERS, name)
            known = {'Bcc', 'X'} & set(message.keys())
            self.assertFalse(known)


@tagged('post_install', '-at_install')
class TestMailAddresses(HeadersCase):
    """Whoever wrote a name, a mail goes to the addresses of its recipient and nowhere else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True

    def make_customers(self, names=HOSTILE):
        """Return a customer with an overdue invoice for each hostile name."""
        customers = self.env['res.partner'].create(
            [{'name': name, 'email': f'c{number}@example.com'} for number, name in enumerate(names)]
        )
        for customer in customers:
            self.make_invoice(100, partner=customer, days_late=40)
        return customers

    def test_reminders(self):
        self.env['pay.now.reminder.level'].search(
            []
        ).template_id.subject = "To {{ object.partner_id.name }}"
        self.make_customers()
        run = self.generate()
        self.send(run)
        self.assertEqual(set(run.reminder_ids.mapped('state')), {'sent'})
        self.assert_sent_to(sorted([f'c{number}@example.com'] for number in range(len(HOSTILE))))

    def test_receipts(self):
        for number, customer in enumerate(self.make_customers(HOSTILE[::3])):
            with self.subTest(name=customer.name):
                lines = self.env['account.move.line'].search(
                    [('partner_id', '=', customer.id), ('amount_residual', '>', 0)]
                )
                tx = self.checkout(lines, partner=customer)
                self.gateway.pay(tx)
                tx._synchronize()
                with self.mock_mail_gateway():
                    tx._pay_now_send_receipt()
                    self._new_mails.send()
                    self.assert_sent_to([[f'c{number}@example.com']])

    def test_invoice_mails(self):
        for number, customer in enumerate(self.make_customers(HOSTILE[::3])):
            invoice = self.env['account.move'].search([('partner_id', '=', customer.id)])
            with self.subTest(name=customer.name), self.mock_mail_gateway():
                self.env['account.move.send']._generate_and_send_invoices(
                    invoice, sending_methods={'email'}
                )
                self._new_mails.filtered(lambda mail: mail.state == 'outgoing').send()
                self.assert_sent_to([[f'c{number}@example.com']])

    def test_names_of_other_recipients(self):
        """Odoo shows each recipient the others: answering all of them reaches nobody else."""
        self.mail_watch.added.add("client@example.com")
        self.mail_watch.added.update(f'c{number}@example.com' for number in range(len(HOSTILE)))
        for customer in self.make_customers():
            invoice = self.env['account.move'].search([('partner_id', '=', customer.id)])
            with self.subTest(name=customer.name), self.mock_mail_gateway():
                invoice.message_subscribe(self.customer.ids)
                self.env['account.move.send']._generate_and_send_invoices(
                    invoice, sending_methods={'email'}
                )
                self._new_mails.filtered(lambda mail: mail.state == 'outgoing').send()
                known = {customer.email, self.customer.email}
                self.assertEqual({*(email['smtp_to_list'][0] for email in self.emails)}, known)
                for email in self.emails:
                    message = message_from_string(email['message'], policy=policy.default)
                    self.assertLessEqual(set(addresses(message, 'To')), known, message['To'])

    def test_names_of_senders(self):
        """Whoever sends an invoice, it is from one address and answered to one."""
        known = utils.email_addresses(self.env.user.email)
        for name in HOSTILE:
            if '\r' in name or '\n' in name:
                # Odoo looks for the author's address in its name, and finds another.
                continue
            self.env.user.partner_id.name = name
            with self.subTest(name=name), self.mock_mail_gateway():
                self.env['account.move.send']._generate_and_send_invoices(
                    self.make_invoice(100), sending_methods={'email'}
                )
                self._new_mails.filtered(lambda mail: mail.state == 'outgoing').send()
                self.assert_sent_to([['client@example.com']])
                [email] = self.emails
                message = message_from_string(email['message'], policy=policy.default)
                self.assertEqual(addresses(message, 'From'), known)

    def test_names_of_the_company_and_of_people(self):
        self.make_invoice(100, days_late=40)
        seller = mail_new_test_user(
            self.env, 'seller', groups='account.group_account_invoice', email='s@example.com'
        )
        self.customer.user_id = seller
        for name in HOSTILE:
            with self.subTest(name=name):
                seller.name = self.company.name = name
                trial = self.env['pay.now.trial'].create({})
                with self.mock_mail_gateway():
                    trial.action_send()
                    self.assert_sent_to([[self.env.user.email]])

    def test_nobody_instead_of_a_name(self):
        """A contact without an address that mails reach: its name is none."""
        self.customer.write({'name': 'x <evil@example.net>', 'email': 'nonsense'})
        invoice = self.make_invoice(100)
        with self.mock_mail_gateway():
            mail = self.env['mail.mail'].create(
                {
                    'subject': "Pay",
                    'body_html': f'<a href="{invoice._pay_now_url()}">Pay now</a>',
                    'email_from': 'billing@example.com',
                    'recipient_ids': self.customer.ids,
                }
            )
            mail.send()
            self.assertFalse(self.emails)
            self.assertEqual(mail.state, 'exception')


@tagged('post_install', '-at_install')
class TestSeveralAddresses(HeadersCase):
    """Two addresses in one field are two recipients, and an umlaut domain is a domain."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.write({'pay_now_reminder_accounting': True, 'pay_now_letters': True})
        cls.invoice = cls.make_invoice(100, days_late=40)

    def test_sent_to_all(self):
        fields = ('a@example.com, b@example.com', 'c@example.com; d@bäcker.example')
        self.customer.email = fields[0]
        other = self.env['res.partner'].create({'name': "Other", 'email': fields[1]})
        invoices = self.invoice | self.make_invoice(100, partner=other, days_late=40)
        self.assertFalse(invoices._pay_now_refusals('invoice_mail'))
        run = self.generate()
        self.assertEqual(set(run.reminder_ids.mapped('channel')), {'email'})
        self.send(run)
        self.assertEqual(set(run.reminder_ids.mapped('state')), {'sent'})
        expected = [utils.email_addresses(reminder.email) for reminder in run.reminder_ids]
        self.assertCountEqual(expected, [utils.email_addresses(field) for field in fields])
        self.assert_sent_to(sorted(expected))

    def test_receipt(self):
        self.customer.email = 'a@example.com; b@bäcker.example'
        tx = self.checkout(self.lines(self.invoice))
        self.assertEqual(self.gateway.requests[-1][1].payer_email, 'a@example.com')
        self.gateway.pay(tx)
        tx._synchronize()
        with self.mock_mail_gateway():
            tx._pay_now_send_receipt()
            self._new_mails.send()
            self.assert_sent_to([utils.email_addresses(self.customer.email)])

    def test_no_address_is_the_same_everywhere(self):
        self.customer.email = 'nonsense'
        self.assertEqual(self.invoice._pay_now_refusal('invoice_mail'), 'no_email')
        self.assertTrue(self.invoice._pay_now_page_values()['ask_email'])
        self.assertEqual(self.generate().reminder_ids.channel, 'letter')
        with self.assertRaises(ValidationError):
            self.invoice._pay_now_typed_email('a@example.com, b@example.com')

    def test_no_receipt_to_what_is_no_address(self):
        tx = self.checkout(self.lines(self.invoice))
        tx.partner_email = 'nonsense'
        self.gateway.pay(tx)
        tx._synchronize()
        with self.mock_mail_gateway():
            tx._pay_now_send_receipt()
            self.assertFalse(self._new_mails)
        self.assertFalse(tx.pay_now_receipt_state)

    def test_of_the_customer_where_the_contact_has_none(self):
        contact = self.env['res.partner'].create({'name': "Anne", 'parent_id': self.customer.id})
        invoice = self.make_invoice(50, partner=contact)
        self.assertFalse(invoice._pay_now_page_values()['ask_email'])
        tx = self.checkout(self.lines(invoice), partner=contact)
        self.assertEqual(tx.partner_email, 'client@example.com')
