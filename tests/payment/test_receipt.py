# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestReceipt(PayNowCommon):
    """The mail after the payment: once, to whoever paid, with what was paid."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(1000, invoice_payment_term_id=cls.term.id)

    def pay(self, **values):
        tx = self.checkout(self.lines(self.invoice))
        tx.write(values)
        self.gateway.pay(tx)
        tx._synchronize()
        return tx

    def mails(self, tx):
        return self.env['mail.mail'].search(
            [('model', '=', 'payment.transaction'), ('res_id', '=', tx.id)]
        )

    def send(self):
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_receipts').method_direct_trigger()
        self.env.invalidate_all()

    def test_says_what_was_paid(self):
        tx = self.pay()
        self.assertEqual(tx.pay_now_receipt_state, 'waiting')
        self.send()
        mail = self.mails(tx)
        self.assertEqual(tx.pay_now_receipt_state, 'sent')
        self.assertEqual(mail.state, 'outgoing')
        self.assertEqual(mail.email_to, '"Boulanger" <client@example.com>')
        self.assertIn("Fournil SARL", mail.email_from)
        self.assertIn("1,000.00", mail.subject)
        self.assertIn('X-Auto-Response-Suppress', mail.headers, "an absence note is no bounce")
        for text in (f"{self.invoice.name} – instalment 1 of 2", "300.00", "700.00", tx.reference):
            self.assertIn(text, mail.body_html)
        self.assertEqual(mail.attachment_ids, self.invoice.invoice_pdf_report_id)

    def test_once_however_often_it_is_notified(self):
        tx = self.pay()
        self.send()
        tx._synchronize()
        tx._post_process()
        self.send()
        self.assertEqual(len(self.mails(tx)), 1)

    def test_in_the_payers_language(self):
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        tx = self.pay()
        self.send()
        self.assertIn("Nous avons bien reçu votre règlement", self.mails(tx).body_html)
        self.assertIn('lang="fr-FR"', self.mails(tx).body_html)

    def test_to_the_address_typed_on_the_page(self):
        self.customer.email = False
        tx = self.pay(partner_email='payer@example.com')
        self.send()
        self.assertIn('payer@example.com', self.mails(tx).email_to)

    def test_none_without_an_address_or_when_the_provider_sends_them(self):
        self.customer.email = False
        self.assertFalse(self.pay(partner_email=False).pay_now_receipt_state)
        self.company.pay_now_receipts = False
        self.invoice = self.make_invoice(10)
        self.assertFalse(self.pay(partner_email='a@example.com').pay_now_receipt_state)

    def test_a_broken_template_keeps_neither_money_nor_others_waiting(self):
        broken = self.pay()
        self.invoice = self.make_invoice(10)
        other = self.pay()
        prepare = type(broken)._pay_now_prepare_receipt

        def stumble(tx):
            if tx == broken:
                raise ValueError("no such field")
            return prepare(tx)

        with (
            patch.object(type(broken), '_pay_now_prepare_receipt', stumble),
            mute_logger('odoo.addons.account_pay_now.models.payment.payment_transaction_receipt'),
        ):
            self.send()
        self.assertEqual(broken.state, 'done')
        self.assertEqual(broken.pay_now_receipt_state, 'failed')
        self.assertIn("no such field", broken.pay_now_receipt_problem)
        self.assertEqual(other.pay_now_receipt_state, 'sent')

    def test_a_conflict_keeps_no_others_waiting_and_is_tried_again_soon(self):
        conflicting = self.pay()
        self.invoice = self.make_invoice(10)
        other = self.pay()
        send = type(conflicting)._pay_now_send_receipt
        cron = self.env.ref('account_pay_now.ir_cron_receipts')

        def conflict(tx):
            if tx == conflicting:
                raise psycopg2.errors.SerializationFailure("concurrent update")
            return send(tx)

        self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)]).unlink()
        with patch.object(type(conflicting), '_pay_now_send_receipt', conflict):
            self.send()
        self.assertEqual(conflicting.pay_now_receipt_state, 'waiting')
        self.assertEqual(other.pay_now_receipt_state, 'sent')
        again = self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)])
        # Not in an hour, when the action comes by itself.
        soon = fields.Datetime.now() + timedelta(minutes=2)
        self.assertTrue(again and max(again.mapped('call_at')) < soon)
        self.send()
        self.assertEqual(conflicting.pay_now_receipt_state, 'sent')
        self.assertEqual(len(self.mails(conflicting)), 1)
