# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.mail.tests.common import MockEmail


class FirstWeekCommon(PayNowCommon, MockEmail):
    """The company of the other tests, and what its books may look like in the first week."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Without one it would be told.
        cls.company.partner_id.lang = 'en_US'

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


class TrialCommon(FirstWeekCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.manager = new_test_user(
            cls.env,
            'pay_now_manager',
            groups='account.group_account_manager',
            email='manager@example.com',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def trial(self, **values):
        return self.env['pay.now.trial'].with_user(self.manager).create(values)

    def send(self, trial):
        with self.mock_mail_gateway():
            action = trial.action_send()
            (mail,) = self._mails
        self.assertIn(mail['email_to'][0], action['params']['message'])
        return mail

    def footprint(self):
        """Return what a trial must not change."""
        self.env.flush_all()
        Reminder, Run = self.env['pay.now.reminder'], self.env['pay.now.reminder.run']
        return (
            Reminder.search_count([]),
            Run.search_count([]),
            self.env['mail.mail'].search_count([('model', '=', 'pay.now.reminder')]),
            self.env['mail.message'].search_count([('res_id', '=', self.customer.id)]),
            self.env['payment.transaction'].search_count([]),
            self.env['account.move'].search_count([('pay_now_token', '!=', False)]),
        )
