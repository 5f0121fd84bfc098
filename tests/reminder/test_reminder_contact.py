# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon


@tagged('post_install', '-at_install')
class TestReminderContact(ReminderCommon):
    """Whom a reminder is written to, whatever happened to the contact since it was chosen."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.customer.is_company = True
        cls.accounts, cls.buyer, cls.former = cls.env['res.partner'].create(
            [
                {'name': name, 'email': f'{name.lower()}@example.com', 'parent_id': cls.customer.id}
                for name in ("Accounts", "Buyer", "Former")
            ]
        )
        cls.stranger = cls.env['res.partner'].create(
            {'name': "Meunier", 'email': 'meunier@example.com', 'is_company': True}
        )
        cls.company_2 = cls.env['res.company'].create({'name': "Another company"})
        cls.invoice = cls.make_invoice(100, partner=cls.buyer, days_late=40)

    def happenings(self):
        """What may happen to a contact, by what the list says of it."""
        return {
            'moved': (
                lambda contact: contact.write({'parent_id': self.stranger.id}),
                "belongs to another customer",
            ),
            'alone': (
                lambda contact: contact.write({'parent_id': False}),
                "belongs to another customer",
            ),
            'archived': (lambda contact: contact.write({'active': False}), "is archived"),
            'company': (
                lambda contact: contact.write({'company_id': self.company_2.id}),
                "is another company's",
            ),
            'merged': (self.put_stranger, "belongs to another customer"),
        }

    def put_stranger(self, contact):
        """Choose a stranger where no rule is asked, as merging contacts does."""
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE res_partner SET pay_now_contact_id = %s WHERE id = %s',
            [self.stranger.id, self.customer.id],
        )
        self.env.invalidate_all()

    def each_happening(self):
        """Try each, and take it back; yield what the list says, and what lets it happen."""
        for name, (happen, text) in self.happenings().items():
            with self.subTest(name), self.env.cr.savepoint() as savepoint:
                self.customer.pay_now_contact_id = self.accounts
                yield text, happen
                savepoint.rollback()
                self.env.invalidate_all()

    def recipient(self, run):
        (mail,) = self.send(run)
        return mail['email_to']

    # === chosen === #

    def test_a_stranger_cannot_be_chosen(self):
        for contact in (self.stranger, self.company.partner_id):
            with self.assertRaises(ValidationError):
                self.customer.pay_now_contact_id = contact
        with self.assertRaises(ValidationError):
            self.env['res.partner'].create({'name': "New", 'pay_now_contact_id': self.accounts.id})
        below = self.env['res.partner'].create({'name': "X", 'parent_id': self.accounts.id})
        for contact in (self.customer, self.accounts, below):
            self.customer.pay_now_contact_id = contact

    def test_before_it_is_listed(self):
        for text, happen in self.each_happening():
            happen(self.accounts)
            run = self.generate()
            reminder = run.reminder_ids
            self.assertEqual(reminder.contact_id, self.buyer)
            self.assertIn("Written to Buyer", reminder.reason)
            self.assertIn(text, reminder.reason)
            self.assertEqual(reminder.state, 'draft')

    def test_before_it_leaves(self):
        for text, happen in self.each_happening():
            run = self.generate()
            self.assertEqual(run.reminder_ids.contact_id, self.accounts)
            self.assertFalse(run.reminder_ids.reason)
            run.action_send()
            happen(self.accounts)
            (mail,) = self.leave_now()
            self.assertEqual(mail['email_to'], ['"Buyer" <buyer@example.com>'])
            self.assertIn(text, run.reminder_ids.reason)

    def test_nothing_is_said_where_all_is_well(self):
        self.customer.pay_now_contact_id = self.accounts
        run = self.generate()
        self.assertFalse(run.reminder_ids.reason)
        self.assertEqual(self.recipient(run), ['"Accounts" <accounts@example.com>'])

    # === of the invoices === #

    def test_contact_of_the_newest_invoice(self):
        for _text, happen in self.each_happening():
            self.customer.pay_now_contact_id = False
            self.make_invoice(100, partner=self.former, days_late=30)
            run = self.generate()
            self.assertEqual(run.reminder_ids.contact_id, self.former)
            happen(self.former)
            if not self.customer.pay_now_contact_id:
                self.assertEqual(self.recipient(run), ['"Buyer" <buyer@example.com>'])

    def test_the_customer_where_nobody_is_left(self):
        (self.accounts | self.former).unlink()
        self.buyer.active = False
        self.assertEqual(self.recipient(self.generate()), ['"Boulanger" <client@example.com>'])

    def test_held_where_the_customer_has_no_address(self):
        self.customer.write({'email': False, 'pay_now_contact_id': self.accounts.id})
        run = self.generate()
        run.action_send()
        for contact in (self.accounts, self.buyer):
            contact.parent_id = self.stranger
        self.assertFalse(self.leave_now())
        self.assertEqual(run.reminder_ids.state, 'held')
        self.assertIn("No e-mail address", run.reminder_ids.reason)

    # === archived customers === #

    def test_an_archived_customer_waits_for_a_person(self):
        self.customer.action_archive()
        run = (
            self.env['pay.now.reminder.run']
            .sudo()
            .create({'company_id': self.company.id, 'trigger': 'auto'})
        )
        run._generate()
        run._send_by_itself()
        reminder = run.reminder_ids
        self.assertEqual(reminder.partner_id, self.customer)
        self.assertTrue(reminder.is_manual)
        self.assertEqual(reminder.state, 'draft')
        self.assertIn("The customer is archived", reminder.reason)
        self.assertTrue(self.send(run))
        self.assertEqual(reminder.state, 'sent')

    def test_an_archived_customer_with_never_is_left_alone(self):
        self.customer.pay_now_reminder_mode = 'never'
        self.customer.action_archive()
        self.assertEqual(self.generate().reminder_ids.state, 'held')
