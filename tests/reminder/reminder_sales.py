# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.account_pay_now.tests.common import ReminderCommon

RUN, REMINDER, WIZARD = 'pay.now.reminder.run', 'pay.now.reminder', 'pay.now.generate.reminders'


class SalesMixin:
    """Who sells, and what they have sold."""

    @classmethod
    def make_user(cls, login, groups):
        return new_test_user(
            cls.env,
            f'pay_now_{login}',
            name=login.capitalize(),
            email=f'{login}@example.com',
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    @classmethod
    def make_sold(cls, amount, user, partner=None, name='Flour'):
        """Return an invoice of a salesperson with a line from a sales order."""
        product = cls.env['product.product'].create({'name': name, 'invoice_policy': 'order'})
        partner = partner or cls.customer
        order = (
            cls.env['sale.order']
            .sudo()
            .create(
                {
                    'partner_id': partner.id,
                    'user_id': user.id,
                    'order_line': [
                        Command.create({'product_id': product.id, 'price_unit': amount})
                    ],
                }
            )
        )
        order.action_confirm()
        invoice = cls.make_invoice(
            amount, partner, days_late=30, post=False, invoice_user_id=user.id
        )
        invoice.invoice_line_ids.sale_line_ids = order.order_line
        invoice.action_post()
        return invoice


class ReminderSalesCommon(SalesMixin, ReminderCommon):
    """Two salespeople, their team leader, and an accountant; none but the last keeps books."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_sales = True
        cls.marc, cls.anna = (
            cls.make_user(login, 'sales_team.group_sale_salesman') for login in ('marc', 'anna')
        )
        cls.leader = cls.make_user('leader', 'sales_team.group_sale_salesman_all_leads')
        cls.accountant = cls.make_user(
            'accountant', 'account.group_account_invoice,sales_team.group_sale_salesman'
        )
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.other_customer = cls.env['res.partner'].create(
            {'name': "Le Fournil", 'email': 'fournil@example.com'}
        )
        cls.mine = cls.make_sold(100, cls.marc, name='Oven of Marc')
        cls.hers = cls.make_sold(33, cls.anna)
        cls.elsewhere = cls.make_sold(44, cls.anna, partner=cls.other_customer)
        cls.accounting = cls.make_invoice(55, days_late=30, invoice_user_id=cls.marc.id)

    def generate_as(self, user, **values):
        """Return the run that somebody makes, with that person's rights."""
        wizard = self.env[WIZARD].with_user(user).create(values)
        self.env.invalidate_all()
        return wizard.env[RUN].browse(wizard.action_generate()['res_id'])

    def amounts(self, run):
        return {one.partner_id: one.amount_due for one in run.reminder_ids}
