# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from email import message_from_string, policy

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.account_pay_now.tests.test_belonging import BelongingCommon
from odoo.addons.mail.tests.common import MockEmail, mail_new_test_user


@tagged('post_install', '-at_install')
class TestInvoiceMail(PayNowCommon, MockEmail):
    """The button in the invoice's own mail, by every way Odoo sends it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice()

    def wizard(self, invoices=None):
        invoices = invoices or self.invoice
        model = (
            'account.move.send.wizard' if len(invoices) == 1 else 'account.move.send.batch.wizard'
        )
        return (
            self.env[model]
            .with_context(active_model='account.move', active_ids=invoices.ids)
            .create({'sending_methods': ['email']} if len(invoices) == 1 else {})
        )

    def path(self, invoice):
        return f'/pay_now/invoice/{invoice.id}/'

    def test_preview_and_mail(self):
        wizard = self.wizard()
        self.assertIn(self.path(self.invoice), wizard.body)
        self.assertIn("Pay now", wizard.body)
        self.assertIn("100.00", wizard.body)
        with self.mock_mail_gateway():
            wizard.action_send_and_print()
        self.assertIn(self.invoice._pay_now_path(), self._new_mails.body_html)
        self.assertIn('background-color', self._new_mails.body_html)

    def test_batch_and_automatic(self):
        partner = self.env['res.partner'].create({'name': "Other", 'email': 'other@example.com'})
        other = self.make_invoice(partner=partner)
        invoices = self.invoice | other
        self.wizard(invoices).action_send_and_print()
        with self.mock_mail_gateway(), self.enter_registry_test_mode():
            self.env.ref('account.ir_cron_account_move_send').method_direct_trigger()
        bodies = ''.join(self._new_mails.mapped('body_html'))
        for invoice in invoices:
            self.assertFalse(invoice.pay_now_refusal)
            self.assertIn(self.path(invoice), bodies)

    def test_no_button_where_refused(self):
        self.invoice.preferred_payment_method_line_id = self.company_data[
            'default_journal_bank'
        ].inbound_payment_method_line_ids[0]
        self.assertNotIn('/pay_now/', self.wizard().body)

    def test_own_template_places_it_by_hand(self):
        template = self.env.ref('account.email_template_edi_invoice')
        template.body_html = '<p>Hello <a t-att-href="object.pay_now_url">pay</a></p>'
        body = self.wizard().body
        self.assertEqual(body.count(self.path(self.invoice)), 1)

    def test_language_of_the_customer(self):
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        body = self.wizard().body
        self.assertIn("Payer maintenant", body)
        self.assertIn("100,00", body)


@tagged('post_install', '-at_install')
class TestInvoiceMailFollowers(BelongingCommon):
    """Whoever follows an invoice gets its mail, too: nobody but the customer gets the button."""

    def send_invoice(self, partners=None):
        """Return the text that each recipient gets.

        :param partners: chosen by whoever sends it, instead of the customer.
        :rtype: dict
        """
        wizard = (
            self.env['account.move.send.wizard']
            .with_context(active_model='account.move', active_ids=self.invoice.ids)
            .create({'sending_methods': ['email']})
        )
        if partners:
            wizard.mail_partner_ids = partners
        with self.mock_mail_gateway():
            wizard.action_send_and_print()
            self._new_mails.filtered(lambda mail: mail.state == 'outgoing').send()
            return {email['smtp_to_list'][0]: self.text_of(email) for email in self.emails}

    def text_of(self, email):
        """Return what somebody reads, with HTML and without."""
        message = message_from_string(email['message'], policy=policy.default)
        parts = [message.get_body([kind]) for kind in ('html', 'plain')]
        texts = [part.get_content().replace('<wbr>', '') for part in parts]
        self.assertEqual(len({'/pay_now/' in text for text in texts}), 1)
        return '\n'.join(texts)

    def test_former_customer(self):
        """Its contacts do not follow what is another customer's, others do."""
        child = self.env['res.partner'].create(
            {'name': "Anne", 'email': 'anne@example.com', 'parent_id': self.customer.id}
        )
        bookkeeper = self.env['res.partner'].create({'name': "Books", 'email': 'b@example.com'})
        self.invoice.message_subscribe((self.customer | child | bookkeeper).ids)
        self.mail_watch.added.add('b@example.com')
        self.correct(child)
        self.assertIn(self.customer, self.invoice.message_partner_ids)
        self.correct()
        mails = self.send_invoice()
        self.assertEqual(set(mails), {'meunier@example.com', 'b@example.com'})
        self.assertIn(self.invoice._pay_now_path(), mails['meunier@example.com'])

    def test_corrected_by_whoever_may_not_see_the_followers(self):
        billing = mail_new_test_user(self.env, 'billing', groups='account.group_account_invoice')
        self.invoice.message_subscribe(self.customer.ids)
        self.invoice.button_draft()
        self.invoice.with_user(billing).partner_id = self.stranger
        self.assertNotIn(self.customer, self.invoice.message_partner_ids)

    def test_follower_of_another_customer(self):
        """As one who went to another company: Odoo's mail as it is, without the button."""
        self.mail_watch.added.add('meunier@example.com')
        self.invoice.message_subscribe(self.stranger.ids)
        mails = self.send_invoice()
        self.assertIn(self.invoice._pay_now_path(), mails['client@example.com'])
        self.assertNotIn('/pay_now/', mails['meunier@example.com'])
        self.assertIn(self.invoice.name, mails['meunier@example.com'])

    def test_chosen_by_a_person(self):
        self.mail_watch.added.add('meunier@example.com')
        self.invoice.message_subscribe(self.stranger.ids)
        mails = self.send_invoice(self.customer | self.stranger)
        for body in mails.values():
            self.assertIn(self.invoice._pay_now_path(), body)
        self.assertEqual(len(mails), 2)
