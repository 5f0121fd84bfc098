# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, JsonRpcException, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.payment.received import RAW, ReceivedCase

#: Where the raw errors go.
PAYMENT = 'odoo.addons.account_pay_now.models.payment.payment_transaction_checkout'
PORTAL = 'odoo.addons.account_pay_now.controllers.portal'


@tagged('post_install', '-at_install')
class TestCoreProgress(ReceivedCase, HttpCase):
    """Odoo's own pages beside another provider, while a part of what they ask for was received."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env['payment.provider'].create(
            {
                'name': "Wire",
                'code': 'none',
                'state': 'enabled',
                'is_published': True,
                'company_id': cls.company.id,
            }
        )
        method = cls.env['payment.method'].search([('code', '=', 'card')], limit=1)
        cls.method = method or cls.env.ref('payment.payment_method_unknown')
        cls.method.active = True
        cls.other.payment_method_ids = [Command.set(cls.method.ids)]
        cls.user = new_test_user(
            cls.env, 'pay_now_core_payer', groups='base.group_portal', password='pay_now_core_payer'
        )
        cls.user.partner_id.write({'email': 'payer@example.com', 'company_id': False})

    def start(self, url, amount, **values):
        self.env.flush_all()
        try:
            return self.make_jsonrpc_request(
                url,
                {
                    'provider_id': self.other.id,
                    'payment_method_id': self.method.id,
                    'token_id': None,
                    'amount': amount,
                    'flow': 'direct',
                    'tokenization_requested': False,
                    'landing_route': '/my',
                    **values,
                },
            )
        except JsonRpcException as error:
            return str(error)

    def receive(self, line, partner):
        tx = self.checkout(line, partner=partner)
        self.gateway.pay(tx)
        with self.refusing('journal', self.provider):
            tx._synchronize()
        self.assertEqual(tx.pay_now_booking_state, 'received')
        return tx

    def test_instalment_that_was_received(self):
        invoice = self.make_invoice(100, invoice_payment_term_id=self.term.id)
        first, _second = self.lines(invoice)
        self.receive(first, self.customer)
        url = f'/invoice/transaction/{invoice.id}'
        token = invoice._portal_ensure_token()
        page = self.url_open(f'{urlsplit(invoice.get_portal_url()).path}?access_token={token}')
        form = page.text[page.text.index('o_payment_form') :]
        self.assertIn('data-amount="70.0"', form)
        self.assertNotIn('data-amount="100.0"', form)
        self.assertNotIn('data-amount="30.0"', form)
        values = invoice._get_invoice_next_payment_values()
        self.assertEqual((values['amount_due'], values['next_amount_to_pay']), (70, 70))
        values = invoice._get_invoice_next_payment_values(custom_amount=20)
        self.assertEqual((values['amount_due'], values['next_amount_to_pay']), (70, 20))
        link = invoice._get_default_payment_link_values()
        self.assertEqual((link['amount'], link['amount_max']), (70, 70))
        for amount in (100, 70.01):
            self.assertIn("PayerError", self.start(url, amount, access_token=token))
        self.assertEqual(self.start(url, 70, access_token=token)['amount'], 70)

    def test_overdue_invoices(self):
        partner = self.user.partner_id
        first, second = self.make_invoices([50, 60], partner=partner)
        self.receive(self.lines(first), partner)
        self.authenticate(self.user.login, self.user.login)
        page = self.url_open('/my/invoices/overdue')
        self.assertIn('data-amount="60.0"', page.text)
        for amount in (110, 60.01):
            answer = self.start('/invoice/transaction/overdue', amount, payment_reference='X')
            self.assertIn("PayerError", answer)
        answer = self.start('/invoice/transaction/overdue', 60, payment_reference='X')
        self.assertEqual(answer['amount'], 60)
        tx = (
            self.env['payment.transaction'].sudo().search([('reference', '=', answer['reference'])])
        )
        self.assertEqual(tx.invoice_ids, second)

    def test_what_is_raised_for_others_is_not_said(self):
        """Odoo's page shows the sentence of whatever is raised: it is one for the payer."""
        invoice = self.bill('journal')
        provider = self.provider
        values = {
            'access_token': invoice._portal_ensure_token(),
            'provider_id': provider.id,
            'payment_method_id': provider._pay_now_default_method().id,
            'flow': 'redirect',
        }
        Transaction = type(self.env['payment.transaction'])

        def broken(tx, *_args):
            tx.env.cr.execute("UPDATE res_partner SET active = 'no such thing'")

        for method in ('_pay_now_open', '_pay_now_snapshot_invoices'):
            for refusal in (UserError("The auditors have closed this month."), broken):
                with (
                    self.subTest(method=method, refusal=refusal),
                    patch.object(Transaction, method, autospec=True, side_effect=refusal),
                    mute_logger('odoo.http', 'odoo.sql_db', PAYMENT, PORTAL),
                ):
                    said = self.said(f'/invoice/transaction/{invoice.id}', values)
                    self.assertIn("not available now", said)
                    self.assertFalse([raw for raw in RAW if raw in said and raw != "Traceback"])

    def said(self, url, values):
        """Return what Odoo's page shows."""
        self.env.flush_all()
        payload = {'amount': 120, 'token_id': None, 'tokenization_requested': False, **values}
        payload = {'jsonrpc': '2.0', 'params': {'landing_route': '/my', **payload}}
        answer = self.url_open(url, json=payload).json()
        if 'error' in answer:
            return answer['error']['data']['message']
        return answer['result']['state_message']
