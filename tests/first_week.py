# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields
from odoo.fields import Command

from odoo.addons.mail.tests.common import MockEmail

from .common import PayNowCommon


class FirstWeekCommon(PayNowCommon, MockEmail):
    """The company of the other tests, and what its books may look like in the first week."""

    @classmethod
    def without_mail_server(cls):
        cls.env['ir.mail_server'].search([]).active = False

    @classmethod
    def set_url(cls, url):
        cls.env['ir.config_parameter'].set_param('web.base.url', url)

    @classmethod
    def make_sales_invoice(cls, amount=100.0, **kwargs):
        """Return an invoice with a line from a sales order."""
        product = cls.env['product.product'].create({'name': "Flour", 'invoice_policy': 'order'})
        order = (
            cls.env['sale.order']
            .sudo()
            .create(
                {
                    'partner_id': cls.customer.id,
                    'order_line': [
                        Command.create({'product_id': product.id, 'price_unit': amount})
                    ],
                }
            )
        )
        order.action_confirm()
        invoice = cls.make_invoice(amount, post=False, **kwargs)
        invoice.invoice_line_ids.sale_line_ids = order.order_line
        invoice.action_post()
        return invoice

    @classmethod
    def make_opening_entry(cls, amount=840.0, partner=None):
        """Return an entry that a customer owes, taken over from another program."""
        receivable = cls.company_data['default_account_receivable']
        other = cls.company_data['default_account_revenue']
        entry = cls.env['account.move'].create(
            {
                'move_type': 'entry',
                'journal_id': cls.company_data['default_journal_misc'].id,
                'line_ids': [
                    Command.create(
                        {
                            'account_id': receivable.id,
                            'partner_id': (partner or cls.customer).id,
                            'debit': amount,
                        }
                    ),
                    Command.create({'account_id': other.id, 'credit': amount}),
                ],
            }
        )
        entry.action_post()
        return entry

    @classmethod
    def make_payment(cls, amount=120.0, payment_type='inbound', **values):
        payment = cls.env['account.payment'].create(
            {
                'partner_id': cls.customer.id,
                'amount': amount,
                'payment_type': payment_type,
                **values,
            }
        )
        payment.action_post()
        return payment

    @classmethod
    def make_bank_line(cls, amount=200.0, days=1, **values):
        return cls.env['account.bank.statement.line'].create(
            {
                'journal_id': cls.company_data['default_journal_bank'].id,
                'date': fields.Date.today() - timedelta(days=days),
                'payment_ref': "transfer",
                'amount': amount,
                **values,
            }
        )

    def listed(self, notice):
        """Return the records that the button of a notice shows."""
        action = notice['action']
        return self.env[action['res_model']].search(action['domain'])
