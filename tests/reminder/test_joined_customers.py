# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon


@tagged('post_install', '-at_install')
class TestJoinedCustomers(ReminderCommon):
    """A customer that has become a part of another one, which its journal items do not name."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.customer.is_company = True
        cls.shop = cls.env['res.partner'].create(
            {
                'name': "Shop",
                'email': 'shop@example.com',
                'parent_id': cls.customer.id,
                'is_company': True,
            }
        )

    def join(self):
        """The shop was a customer of its own, by mistake: somebody unticks *Company*.

        Odoo writes the customer into journal items where the parent changes, and not here.
        """
        items = self.env['account.move.line'].search([('partner_id', '=', self.shop.id)])
        self.shop.is_company = False
        self.assertEqual(self.shop.commercial_partner_id, self.customer)
        self.assertEqual(items.partner_id, self.shop & items.partner_id)

    def pay_on_account(self, partner, amount):
        payment = self.env['account.payment'].create(
            {
                'payment_type': 'inbound',
                'partner_type': 'customer',
                'partner_id': partner.id,
                'amount': amount,
                'journal_id': self.company_data['default_journal_bank'].id,
            }
        )
        payment.action_post()
        lines = payment.move_id.line_ids
        return lines.filtered(lambda line: line.account_id.account_type == 'asset_receivable')

    def daily_run(self):
        run = (
            self.env['pay.now.reminder.run']
            .sudo()
            .create({'company_id': self.company.id, 'trigger': 'auto'})
        )
        run._generate()
        return run

    # === LISTS === #

    def test_one_reminder_of_all(self):
        own = self.make_invoice(100, days_late=30)
        joined = self.make_invoice(50, partner=self.shop, days_late=40)
        self.join()
        reminder = self.generate().reminder_ids
        self.assertEqual(reminder.partner_id, self.customer)
        self.assertEqual(reminder.item_ids, self.lines(own, joined))
        self.assertEqual(reminder.amount_due, 150)
        [mail] = self.send(reminder.run_id)
        self.assertEqual(reminder.state, 'sent')

    def test_one_customer_is_asked_for(self):
        self.make_invoice(100, days_late=30)
        self.make_invoice(50, partner=self.shop, days_late=40)
        self.join()
        for asked in (self.customer, self.shop):
            run = self.generate(partner_ids=asked.ids)
            self.assertEqual(run.reminder_ids.amount_due, 150)

    def test_its_mode_is_that_of_the_customer(self):
        self.make_invoice(50, partner=self.shop, days_late=40)
        self.customer.pay_now_reminder_mode = 'never'
        run = self.generate()
        self.assertEqual(run.reminder_ids.state, 'draft')
        run.action_send()
        self.join()
        self.assertFalse(self.leave_now())
        self.assertEqual(run.reminder_ids.reason_codes, [['never', {}]])

    def test_earlier_one_waits_for_a_person(self):
        self.make_invoice(50, partner=self.shop, days_late=40)
        self.shop.pay_now_reminder_mode = 'manual'
        self.assertEqual(self.daily_run().reminder_ids.state, 'draft')
        self.make_invoice(100, days_late=30)
        self.join()
        self.assertEqual(self.daily_run().reminder_ids.reason_codes[0][0], 'waiting')

    def test_previous_balance(self):
        self.make_invoice(50, partner=self.shop, days_late=60)
        self.make_invoice(100, days_late=30)
        self.join()
        run = self.generate(
            print_previous_balance=True, date_from=fields.Date.today() - timedelta(days=45)
        )
        self.assertRecordValues(run.reminder_ids, [{'amount_due': 100, 'previous_balance': 50}])

    # === WHAT COVERS THE DEBT === #

    def test_money_of_the_customer_that_was_joined(self):
        self.make_invoice(100, days_late=30)
        credit = self.pay_on_account(self.shop, 100)
        self.assertEqual(self.generate().reminder_ids.state, 'draft')
        self.join()
        self.assertEqual(credit.partner_id, self.shop)
        reminder = self.generate().reminder_ids
        self.assertEqual((reminder.state, reminder.reason_codes[0][0]), ('held', 'credit'))

    def test_money_in_the_name_of_a_contact(self):
        contact = self.env['res.partner'].create(
            {'name': "Accounts", 'parent_id': self.customer.id}
        )
        self.make_invoice(100, days_late=30)
        credit = self.pay_on_account(contact, 100)
        self.assertEqual(credit.partner_id, contact, "to be seen by this test")
        reminder = self.generate().reminder_ids
        self.assertEqual((reminder.state, reminder.reason_codes[0][0]), ('held', 'credit'))

    # === ON THEIR WAY === #

    def test_one_of_two_that_wait_leaves(self):
        own = self.make_invoice(100, days_late=30)
        self.make_invoice(50, partner=self.shop, days_late=40)
        run = self.generate()
        run.action_send()
        self.join()
        [mail] = self.leave_now()
        states = {one.partner_id: one.state for one in run.reminder_ids}
        self.assertEqual(states, {self.customer: 'sent', self.shop: 'held'})
        self.assertIn(own.name, mail['body'])

    def test_whom_the_former_customer_chose(self):
        accounts = self.env['res.partner'].create(
            {'name': "Accounts", 'email': 'accounts@example.com', 'parent_id': self.customer.id}
        )
        self.customer.pay_now_contact_id = accounts
        self.make_invoice(50, partner=self.shop, days_late=40)
        run = self.generate()
        self.assertEqual(run.reminder_ids.email, 'shop@example.com')
        run.action_send()
        self.join()
        [mail] = self.leave_now()
        self.assertEqual(mail['email_to'], ['"Accounts" <accounts@example.com>'])
        self.assertFalse(run.reminder_ids.reason)
