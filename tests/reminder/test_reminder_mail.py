# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from email import message_from_bytes, policy

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.account_pay_now.models.mail_mail import html_to_text
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.utils import is_no_reply
from odoo.addons.mail.tests.common import mail_new_test_user

IBAN = 'FR7630006000011234567890189'
OTHER_IBAN = 'DE89370400440532013000'


@tagged('post_install', '-at_install')
class TestReminderMail(ReminderCommon):
    """What the customer reads: who writes, how to pay, and where an answer goes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.partner_id.write(
            {
                'street': "12 rue du Four",
                'zip': '21000',
                'city': "Dijon",
                'phone': '+33 3 80 00 00 00',
                'vat': 'FR23334175221',
                'company_registry': '33417522101010',
            }
        )
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.usd = cls.env.ref('base.USD')
        cls.usd.active = True
        cls.bank_journal = cls.company_data['default_journal_bank']

    @classmethod
    def make_account(cls, number=IBAN, **values):
        bank = cls.env['res.bank'].create({'name': "Banque du Four", 'bic': 'BNPAFRPP'})
        return cls.env['res.partner.bank'].create(
            {
                'acc_number': number,
                'partner_id': cls.company.partner_id.id,
                'bank_id': bank.id,
                **values,
            }
        )

    def mail(self, **values):
        """Send the one reminder there is; return what the mail server got."""
        (mail,) = self.send(self.generate(**values))
        return mail

    def parts(self, mail):
        """Return the plain and the HTML part, read from the bytes that go over the wire."""
        message = message_from_bytes(mail['EmailMessage'].as_bytes(), policy=policy.default)
        (alternative,) = [
            part for part in message.walk() if part.get_content_type() == 'multipart/alternative'
        ]
        plain, html = alternative.iter_parts()
        self.assertEqual(
            [plain.get_content_type(), html.get_content_type()], ['text/plain', 'text/html']
        )
        return plain.get_content().replace('\r\n', '\n'), html.get_content()

    # === who writes === #

    def test_who_writes(self):
        text, html = self.parts(self.mail())
        for expected in (
            "Fournil SARL\n12 rue du Four, 21000 Dijon, France\nSIRET: 33417522101010",
            "FR23334175221",
            "Phone: +33 3 80 00 00 00 · billing@example.com",
        ):
            self.assertIn(expected, text)
        self.assertNotIn('<img', html, "readable without any image")

    def test_registration_of_others(self):
        partner = self.company.partner_id
        partner.company_registry = '334175221'
        self.assertIn("SIREN: 334175221", self.company._pay_now_identity()['registration'])
        partner.write({'vat': '/', 'company_registry': False})
        self.assertEqual(self.company._pay_now_identity()['registration'], '')
        partner.write({'country_id': self.env.ref('base.dk').id, 'company_registry': '58403288'})
        self.assertNotIn("SIRET", self.company._pay_now_identity()['registration'])

    def test_from_is_the_company_and_bounces_come_to_its_domain(self):
        domain = self.env['mail.alias.domain'].create(
            {'name': 'fournil.example.com', 'bounce_alias': 'bounce', 'default_from': 'odoo'}
        )
        self.company.alias_domain_id = domain
        # A server that may send for the company; for another one Odoo puts its own address in.
        self.mail_server.from_filter = 'example.com'
        message = self.mail()['EmailMessage']
        self.assertEqual(message['From'], "Fournil SARL <billing@example.com>")
        self.assertEqual(message['Return-Path'], 'bounce@fournil.example.com')
        self.assertEqual(message['X-Auto-Response-Suppress'], 'OOF, AutoReply')

    # === where an answer goes === #

    def make_user(self, login):
        return mail_new_test_user(
            self.env,
            login=login,
            name=login,
            company_id=self.company.id,
            groups='account.group_account_invoice',
        )

    def test_reply_to_a_person(self):
        seller, keeper = self.make_user('seller'), self.make_user('keeper')
        newest = self.make_invoice(50, days_late=10)
        newest.invoice_user_id = seller
        self.customer.user_id = keeper
        reminder = self.generate().reminder_ids
        lines = reminder.item_ids
        self.assertEqual(reminder._reply_to(lines), seller.email_formatted)
        seller.active = False
        self.assertEqual(reminder._reply_to(lines), keeper.email_formatted, "who left: no answer")
        keeper.email = 'no-reply@example.com'
        starter = reminder.run_id.create_uid
        self.assertEqual(reminder._reply_to(lines), starter.email_formatted)
        starter.email = False
        self.assertEqual(reminder._reply_to(lines), self.company.email_formatted)
        (mail,) = self.send(reminder.run_id)
        self.assertEqual(mail['EmailMessage']['Reply-To'], "Fournil SARL <billing@example.com>")

    def test_reply_to_of_the_daily_run_is_no_robot(self):
        self.invoice.invoice_user_id = False
        run = self.env['pay.now.reminder.run'].with_user(self.env.ref('base.user_root')).sudo()
        run = run.create({'company_id': self.company.id, 'trigger': 'auto'})
        run._generate()
        reminder = run.reminder_ids
        self.assertEqual(reminder._reply_to(reminder.item_ids), self.company.email_formatted)

    def test_reply_to_chosen_by_the_company(self):
        self.company.pay_now_reply_to = 'recouvrement@example.com'
        message = self.mail()['EmailMessage']
        self.assertEqual(message['Reply-To'], "Fournil SARL <recouvrement@example.com>")
        for wrong in ('nobody', 'a@example.com, b@example.com', 'No-Reply@example.com'):
            with self.assertRaises(ValidationError, msg=wrong):
                self.company.pay_now_reply_to = wrong

    def test_addresses_that_nobody_reads(self):
        for local in ('noreply', 'no-reply_fr', 'do.not.reply', 'ne-pas-repondre', 'bounce+12-res'):
            self.assertTrue(is_no_reply(f'{local}@example.com'), local)
        for local in ('norbert', 'noreplyer', 'reply', 'accounts', 'bouncer'):
            self.assertFalse(is_no_reply(f'{local}@example.com'), local)

    # === how to pay by transfer === #

    def test_transfer_to_the_account_of_the_invoice(self):
        self.bank_journal.bank_account_id = self.make_account(OTHER_IBAN)
        self.invoice.partner_bank_id = self.make_account()
        self.invoice.payment_reference = 'RF18 5390 0754 7034'
        text, html = self.parts(self.mail())
        self.assertIn(
            "How to pay by bank transfer\n"
            "Account holder: Fournil SARL\n"
            "IBAN: FR76 3000 6000 0112 3456 7890 189\n"
            "BIC: BNPAFRPP\n"
            "Bank: Banque du Four\n"
            "Amount: 100.00\xa0€\n"
            "Reference to quote: RF18 5390 0754 7034\n",
            text,
        )
        self.assertIn('FR76 3000 6000 0112 3456 7890 189', html)
        self.assertNotIn('DE89', text)

    def test_transfer_to_the_first_bank_journal(self):
        self.assertFalse(self.generate().reminder_ids.transfer_html, "no account, no words of it")
        self.bank_journal.bank_account_id = self.make_account('12345-67', allow_out_payment=False)
        self.invoice.partner_bank_id = False
        self.assertIn("Account number: 12345-67", self.parts(self.mail())[0])

    def test_no_transfer_to_the_journal_of_a_provider(self):
        account = self.make_account()
        self.provider.journal_id.bank_account_id = account
        self.invoice.partner_bank_id = account
        self.assertFalse(self.generate().reminder_ids.transfer_html)
        other = self.make_account(OTHER_IBAN)
        self.bank_journal.bank_account_id = other
        self.assertIn('DE89', self.generate().reminder_ids.transfer_html)
        other.active = False
        self.assertFalse(self.generate().reminder_ids.transfer_html)

    def test_transfer_to_an_account_in_the_currency(self):
        account = self.make_account(currency_id=self.usd.id)
        self.bank_journal.bank_account_id = account
        journal = self.bank_journal.copy({'bank_account_id': self.make_account(OTHER_IBAN).id})
        journal.sequence = self.bank_journal.sequence + 1
        self.invoice.partner_bank_id = False
        (transfer,) = self.lines(self.invoice)._pay_now_transfers()
        self.assertEqual(transfer['number'], 'DE89 3704 0044 0532 0130 00')
        foreign = self.make_invoice(80, currency_id=self.usd.id, partner_bank_id=False)
        foreign.partner_bank_id = False
        (transfer,) = self.lines(foreign)._pay_now_transfers()
        self.assertEqual(transfer['number'], 'FR76 3000 6000 0112 3456 7890 189')

    def test_transfer_of_several_invoices(self):
        account = self.make_account()
        second, third = self.make_invoice(50), self.make_invoice(20, days_late=8)
        (self.invoice | second | third).partner_bank_id = account
        text = self.parts(self.mail())[0]
        reminder = self.env['pay.now.reminder'].search([], limit=1)
        lines = self.lines(self.invoice, second, third)
        reference = reminder._pay_now_transfer_reference(lines)
        self.assertIn(f"Amount: 170.00\xa0€\nReference to quote: {reference}\n", text)
        reminder.sudo().state = 'canceled'
        second.payment_reference = 'RF-2'
        third.partner_bank_id = self.make_account(OTHER_IBAN)
        text = self.parts(self.mail())[0]
        reminder = self.env['pay.now.reminder'].search([('state', '!=', 'canceled')], limit=1)
        reference = reminder._pay_now_transfer_reference(lines - self.lines(third))
        self.assertIn(f"Amount: 150.00\xa0€\nReference to quote: {reference}\n", text)
        self.assertIn(
            f"How to pay by bank transfer\n{third.name}\nAccount holder: Fournil SARL\nIBAN: DE89",
            text,
        )
        self.assertIn(f"Reference to quote: {third.name}\n", text)

    def test_reference_of_an_instalment_is_the_invoices(self):
        account = self.make_account()
        invoice = self.make_invoice(1000, invoice_payment_term_id=self.term.id)
        invoice.partner_bank_id = account
        (transfer,) = self.lines(invoice)._pay_now_transfers()
        self.assertEqual((transfer['reference'], transfer['amount']), (invoice.name, 1000))

    # === plain text === #

    def test_plain_text_is_whole(self):
        self.make_invoice(80, currency_id=self.usd.id)
        text, html = self.parts(self.mail())
        reminder = self.env['pay.now.reminder'].search([], limit=1)
        url = reminder._pay_now_url()
        self.assertEqual(text.splitlines().count(url), 1, "whole, unwrapped")
        self.assertEqual(text.count('/pay_now/'), 2, "once, and for answers")
        (row,) = [line for line in text.splitlines() if line.startswith(self.invoice.name)]
        self.assertRegex(row, r', Due on \d\d/\d\d/\d{4}, 30 days late – 100\.00\xa0€$')
        self.assertIn("Not payable online: invoice in a foreign currency", text)
        self.assertIn("Amount due: 100.00\xa0€ + $\xa080.00 – payable online: 100.00\xa0€", text)
        self.assertIn("Pay now 100.00\xa0€", text)
        self.assertIn("If your payment has reached us in the meantime", text)
        self.assertIn(f"Tell us. <{url}#answer>", text)
        text = text.replace(f'<{url}#answer>', '')
        for leftover in ('[1]', 'None', '<', '{', '\ufeff', '\n\n\n'):
            self.assertNotIn(leftover, text)
        self.assertIn('</html>', html)

    def test_plain_text_of_the_users_own_template(self):
        template = self.env.ref('account_pay_now.mail_template_reminder')
        template.body_html = (
            '<p>Hello,<br/>\n  please <a t-att-href="object._pay_now_url()">pay   here</a>.</p>'
            '<ul><li>one</li><li>two &amp; <b>three</b></li></ul>'
        )
        text = self.parts(self.mail())[0]
        url = self.env['pay.now.reminder'].search([], limit=1)._pay_now_url()
        self.assertIn(f"Hello,\nplease pay here <{url}>.\n\none\ntwo & three\n", text)

    def test_plain_text_of_odd_html(self):
        for html, text in (
            ('', ''),
            (False, ''),
            ('  ', ''),
            ('just words', "just words"),
            ('<!-- a --><p>x</p><style>p{}</style><p style="display: none">y</p>', "x"),
            ('<img src="a.png" alt="Logo"/><img src="b.png"/>', "Logo"),
            ('<table><tr><th>A</th><td>1</td></tr><tr><td></td><td>2</td></tr></table>', "A: 1\n2"),
            ('<a href="mailto:a@b.c">a@b.c</a> <a href="#x">top</a> <a>bare</a>', "a@b.c top bare"),
            ('<a href="https://x.y"><img src="a.png"/></a>', "<https://x.y>"),
        ):
            self.assertEqual(html_to_text(html), text, html)

    def test_plain_text_of_the_invoice_mail(self):
        wizard = (
            self.env['account.move.send.wizard']
            .with_context(active_model='account.move', active_ids=self.invoice.ids)
            .create({'sending_methods': ['email']})
        )
        with self.mock_mail_gateway():
            wizard.action_send_and_print()
            self._new_mails.send()
            (mail,) = self._mails
        text, html = self.parts(mail)
        self.assertEqual(text.splitlines().count(self.invoice._pay_now_url()), 1)
        self.assertEqual(text.count('/pay_now/'), 1)
        self.assertIn("Pay now 100.00\xa0€", text)
        self.assertEqual(html.count("on the account"), int(bool(self.invoice.partner_bank_id)))

    def test_other_mails_keep_their_text(self):
        values = {'email_to': 'a@example.com', 'body_html': '<p>Hello <b>you</b></p>'}
        (email,) = self.env['mail.mail'].create(values)._prepare_outgoing_list()
        self.assertEqual(email['body_alternative'], "Hello *you*")

    def test_french_customer(self):
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        self.bank_journal.bank_account_id = self.make_account()
        self.make_invoice(80, currency_id=self.usd.id)
        self.env['pay.now.reminder.level'].search([]).attach_invoices = True
        text = self.parts(self.mail())[0].replace('\xa0', ' ')
        for expected in (
            "Montant dû : 100,00 € + $ 80,00 – payable en ligne : 100,00 €",
            "Non payable en ligne : facture en devise",
            "Échéance le ",
            "30 jours de retard",
            f"Comment payer par virement bancaire\n{self.invoice.name}\nTitulaire du compte : Four",
            "Les 2 factures sont jointes à ce message.",
            "Si votre règlement nous est parvenu entre-temps",
            "SIRET : 33417522101010 · TVA : FR23334175221\nTél. : +33 3 80",
        ):
            self.assertIn(expected, text)
        self.assertNotIn("Amount", text)

    # === for the users === #

    def test_settings(self):
        with Form(self.env['res.config.settings']) as settings:
            settings.pay_now_reply_to = 'claire@example.com'
        settings.save().execute()
        self.assertEqual(self.company.pay_now_reply_to, 'claire@example.com')

    def test_template_is_the_users(self):
        template = self.env.ref('account_pay_now.mail_template_reminder')
        for placeholder in ('items_html', 'transfer_html', 'attachments_text'):
            self.assertIn(f'object.{placeholder}', template.body_html)
        self.assertIn("If your payment has reached us in the meantime", template.body_html)
        template.body_html = '<p>Only <t t-out="object.amount_due_text"/></p>'
        self.assertIn("Only 100.00\xa0€", self.parts(self.mail())[0])

    def test_preview_by_a_billing_user(self):
        self.bank_journal.bank_account_id = self.make_account()
        self.env['pay.now.reminder.level'].search([]).attach_invoices = True
        user = new_test_user(
            self.env,
            'pay_now_billing',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        preview = self.generate().reminder_ids.with_user(user).preview_html
        self.assertIn('FR76 3000 6000', preview)
        self.assertIn("The invoice is attached.", preview)
        self.assertFalse(self.invoice.invoice_pdf_report_id, "a preview prints nothing")
