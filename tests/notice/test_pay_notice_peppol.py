# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import uuid
from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.mail.tests.common import MockEmail


@tagged('post_install', '-at_install', '-standard', 'pay_now_beside')
class TestPayNoticePeppol(PayNowCommon, MockEmail):
    """With Odoo's own Peppol, which `make test-beside` installs; its proxy is scripted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.write({'pay_now_send_notices': True, 'vat': 'FR23334175221'})
        address = {'street': "1 rue du Four", 'zip': '69001', 'city': "Lyon"}
        cls.company.partner_id.write(address)
        cls.env['res.partner.bank'].create(
            {'acc_number': 'FR7630006000011234567890189', 'partner_id': cls.company.partner_id.id}
        )
        cls.company.write(
            {
                'peppol_eas': '0009',
                'peppol_endpoint': '33417522101010',
                'account_peppol_proxy_state': 'receiver',
            }
        )
        cls.customer.write(
            {
                **address,
                'is_company': True,
                'country_id': cls.env.ref('base.fr').id,
                'peppol_eas': '0009',
                'peppol_endpoint': '73282932000074',
                'invoice_edi_format': 'ubl_bis3',
                'peppol_verification_state': 'valid',
            }
        )
        users = cls.env['account_edi_proxy_client.user'].sudo()
        key = cls.env['certificate.key'].sudo()._generate_rsa_private_key(cls.company)
        users.create(
            {
                'id_client': 'client',
                'company_id': cls.company.id,
                'proxy_type': 'peppol',
                'edi_mode': 'test',
                'edi_identification': '0009:33417522101010',
                'private_key_id': key.id,
                'refresh_token': 'token',
            }
        )
        cls.tax = cls.company_data['default_tax_sale']

    def make(self):
        invoice = self.make_invoice(100, post=False)
        invoice.invoice_line_ids.tax_ids = self.tax
        invoice.action_post()
        return invoice

    @contextmanager
    def proxy(self, state='done', error=None):
        """The access point takes what it is given, and says later what became of it."""

        def answer(_user, endpoint, params=None):
            if endpoint.endswith('send_document'):
                if error:
                    return {'error': error}
                return {
                    'messages': [{'message_uuid': str(uuid.uuid4())} for _ in params['documents']]
                }
            if endpoint.endswith('get_document'):
                return {one: {'state': state} for one in params['message_uuids']}
            return {}

        users = self.env.registry['account_edi_proxy_client.user']
        with patch.object(users, '_call_peppol_proxy', answer), self.mock_mail_gateway():
            yield

    def send(self, invoice):
        wizard = self.env['account.move.send.wizard'].with_context(
            active_model='account.move', active_ids=invoice.ids
        )
        wizard.create({'sending_methods': ['peppol']}).action_send_and_print()

    def leave(self):
        with self.enter_registry_test_mode():
            self.env.ref('account_peppol.ir_cron_peppol_get_message_status').method_direct_trigger()
            self.env.ref('account_pay_now.ir_cron_notices').method_direct_trigger()
        self.env.invalidate_all()
        mails = (
            self.env['mail.mail']
            .sudo()
            .search([('model', '=', 'pay.now.invoice.notice'), ('state', '=', 'outgoing')])
        )
        mails.send()
        return list(self._mails)

    def test_delivered(self):
        invoice = self.make()
        with self.proxy():
            self.send(invoice)
            self.assertEqual(invoice.peppol_move_state, 'processing')
            self.assertEqual(invoice.pay_now_sent_text, "by Peppol")
            self.assertIn("Waits", invoice.pay_now_notice_text)
            [mail] = self.leave()
        self.assertEqual(invoice.peppol_move_state, 'done')
        self.assertIn(invoice._pay_now_path(), mail['body'])
        self.assertFalse(mail['attachments'])
        self.assertFalse(invoice.pay_now_external_status, "nothing of the buyer")

    def test_not_delivered(self):
        late, refused = self.make(), self.make()
        with self.proxy('error'):
            self.send(late)
            self.assertFalse(self.leave())
        self.assertEqual(late.pay_now_notice_text, "None: The invoice was not delivered")
        error = {'code': 208, 'message': "Participant not ready"}
        with self.proxy(error=error), self.assertRaises(UserError):
            self.send(refused)
        self.assertFalse(refused.pay_now_notice_ids)
