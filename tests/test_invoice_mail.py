# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.mail.tests.common import MockEmail


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
        self.env['res.lang']._activate_lang('fr_FR')
        self.customer.lang = 'fr_FR'
        body = self.wizard().body
        self.assertIn("Payer maintenant", body)
        self.assertIn("100,00", body)
