# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon

#: Unique indexes that a merge would break, and whose records are put together before.
PUT_TOGETHER = {
    'pay_now_reminder_one_under_way',
    'pay_now_account_account_once',
    'pay_now_customer_statement_once_a_month',
}
#: Unique indexes of all columns that refer to contacts.
INDEXES = """
    SELECT DISTINCT index.relname, class.relname
      FROM pg_index
      JOIN pg_class AS index ON index.oid = pg_index.indexrelid
      JOIN pg_class AS class ON class.oid = pg_index.indrelid
      JOIN pg_attribute AS column_ ON column_.attrelid = class.oid
       AND column_.attnum = ANY(pg_index.indkey)
      JOIN pg_constraint AS key ON key.conrelid = class.oid AND key.contype = 'f'
       AND key.conkey[1] = column_.attnum AND key.confrelid = 'res_partner'::regclass
     WHERE pg_index.indisunique AND array_length(pg_index.indkey::int2[], 1) > 0
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = index.oid)
"""


@tagged('post_install', '-at_install')
class TestMerge(ReminderCommon):
    """Contacts are merged whatever of ours they have, and what clashes is put together."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.company.pay_now_letters = True
        cls.twin = cls.env['res.partner'].create(
            {'name': "Boulanger", 'email': cls.customer.email, 'lang': 'en_US'}
        )

    def merge(self, kept, *others):
        """Merge contacts as a person does it."""
        partners = kept.union(*others)
        wizard = self.env['base.partner.merge.automatic.wizard'].create(
            {
                'partner_ids': [Command.set(partners.ids)],
                'dst_partner_id': kept.id,
                'state': 'selection',
            }
        )
        wizard.action_merge()
        self.assertEqual(partners.exists(), kept)

    def reminders(self, state):
        """Return reminders of the two contacts, all in one state."""
        for partner in (self.customer, self.twin):
            self.make_invoice(100, partner=partner, days_late=30)
        run = self.generate()
        reminders = run.reminder_ids.sorted('id')
        self.assertEqual(reminders.partner_id, self.customer | self.twin)
        run.action_send()
        self.assertEqual(set(reminders.mapped('state')), {'queued'})
        reminders.sudo().state = state
        return reminders

    def test_two_that_wait(self):
        first, later = self.reminders('queued')
        self.merge(self.twin, self.customer)
        self.assertEqual((first | later).partner_id, self.twin)
        self.assertEqual((first.state, later.state), ('queued', 'held'))
        self.assertEqual(later.reason_codes, [['merged', {}]])
        mails = self.leave_now()
        self.assertEqual(
            [mail['email_to'] for mail in mails], [['"Boulanger" <client@example.com>']]
        )
        self.assertEqual((first.state, first.run_id.state), ('sent', 'done'))

    def test_two_letters_to_print(self):
        first, later = self.reminders('to_print')
        self.merge(self.customer, self.twin)
        self.assertEqual((first.state, later.state), ('to_print', 'held'))

    def test_what_leaves_comes_first(self):
        first, later = self.reminders('queued')
        later.sudo().state = 'sending'
        self.merge(self.customer, self.twin)
        self.assertEqual((first.state, later.state), ('held', 'sending'))

    def test_two_that_leave_at_this_moment(self):
        first, later = self.reminders('sending')
        self.merge(self.customer, self.twin)
        self.assertEqual((first.state, later.state), ('sending', 'uncertain'))

    def test_reason_in_the_language_of_the_reader(self):
        self.load_language('fr_FR')
        _first, later = self.reminders('queued')
        self.merge(self.customer, self.twin)
        self.assertIn("Fusionné", later.with_context(lang='fr_FR').reason)

    def test_what_waits_in_one_list(self):
        first, later = self.reminders('draft')
        self.merge(self.customer, self.twin)
        self.assertEqual((first.state, later.state), ('draft', 'draft'))
        first.run_id.sudo().state = 'draft'
        [mail] = self.send(first.run_id)
        self.assertIn('client@example.com', mail['email_to'][0])
        self.assertEqual({first.state, later.state}, {'sent', 'held'})

    def test_history_goes_on(self):
        first, later = self.reminders('sent')
        self.merge(self.customer, self.twin)
        self.assertEqual(self.customer.pay_now_reminder_count, 2)
        self.assertEqual(self.customer.pay_now_reminder_ids, first | later)

    def test_pages_of_the_portal(self):
        user = new_test_user(self.env, 'pay_now_merged', groups='base.group_portal')
        Account = self.env['pay.now.account'].with_user(user)
        pages = self.env['pay.now.account'].sudo()
        for partner in (self.customer, self.twin):
            user.partner_id.parent_id = partner
            page = Account._pay_now_account_page_of(self.company)
            page._pay_now_url()
            pages |= page
        tx = self.checkout(self.lines(self.make_invoice()))
        tx.sudo().pay_now_page_url = pages[0]._pay_now_path()
        self.merge(self.twin, self.customer)
        self.assertEqual(pages.exists(), pages[1])
        self.assertEqual(pages[1].customer_id, self.twin)
        self.assertEqual(tx.pay_now_page_url, pages[1]._pay_now_path())
        self.assertTrue(pages[1]._pay_now_check_token(pages[1].pay_now_token))

    def test_contacts_to_write_to(self):
        Partner = self.env['res.partner']
        own, stranger = Partner.create(
            [{'name': "Own", 'parent_id': self.customer.id}, {'name': "Stranger"}]
        )
        self.customer.pay_now_contact_id = own
        # Chosen once, and another customer's since.
        former = Partner.create({'name': "Former", 'parent_id': self.twin.id})
        self.twin.pay_now_contact_id = former
        former.parent_id = stranger
        self.merge(self.customer, self.twin)
        self.assertEqual(self.customer.pay_now_contact_id, own)
        other = Partner.create({'name': "Boulanger", 'email': self.customer.email})
        former.parent_id = other
        other.pay_now_contact_id = former
        former.parent_id = stranger
        self.customer.pay_now_contact_id = False
        self.merge(self.customer, other)
        self.assertFalse(self.customer.pay_now_contact_id)
        third = Partner.create({'name': "Boulanger", 'email': self.customer.email})
        mine = Partner.create({'name': "Mine", 'parent_id': third.id})
        third.pay_now_contact_id = mine
        self.merge(self.customer, third)
        self.assertEqual(self.customer.pay_now_contact_id, mine, "goes on with the contact")

    def test_contact_that_moved_away_from_the_one_that_is_kept(self):
        former = self.env['res.partner'].create({'name': "Former", 'parent_id': self.customer.id})
        self.customer.pay_now_contact_id = former
        former.parent_id = self.env['res.partner'].create({'name': "Elsewhere"})
        self.merge(self.customer, self.twin)
        self.assertFalse(self.customer.pay_now_contact_id)

    def test_contact_that_is_merged_itself(self):
        """Whom the reminders are written to becomes one with a stranger, or with another one."""
        Partner = self.env['res.partner']
        chosen, other = Partner.create(
            [
                {'name': name, 'email': 'a@example.com', 'parent_id': self.customer.id}
                for name in ("Chosen", "Other")
            ]
        )
        self.customer.pay_now_contact_id = chosen
        self.merge(other, chosen)
        self.assertEqual(self.customer.pay_now_contact_id, other)
        self.make_invoice(100, days_late=30)
        run = self.generate()
        self.assertEqual(run.reminder_ids.email, 'a@example.com')
        run.action_send()
        stranger = Partner.create({'name': "Stranger", 'email': 'a@elsewhere.example.com'})
        other.parent_id = False
        self.merge(stranger, other)
        [mail] = self.leave_now()
        self.assertEqual(mail['email_to'], ['"Boulanger" <client@example.com>'])

    def test_three_of_which_one_is_a_contact_of_another_customer(self):
        """Odoo takes over the company of the one that has any: all is that company's then."""
        bakery = self.env['res.partner'].create(
            {'name': "Bakery", 'email': 'bakery@example.com', 'is_company': True}
        )
        employee = self.env['res.partner'].create(
            {'name': "Boulanger", 'email': self.customer.email, 'parent_id': bakery.id}
        )
        for partner in (self.customer, self.twin, bakery):
            self.make_invoice(100, partner=partner, days_late=30)
        run = self.generate()
        run.action_send()
        tx = self.checkout(self.lines(self.make_invoice(100, days_late=-30)))
        self.merge(self.customer, self.twin, employee)
        self.assertEqual(self.customer.commercial_partner_id, bakery)
        self.assertEqual(len(self.leave_now()), 1)
        self.assertEqual(sorted(run.reminder_ids.mapped('state')), ['held', 'held', 'sent'])
        [reminder] = self.generate().reminder_ids
        self.assertEqual((reminder.partner_id, reminder.item_count), (bakery, 3))
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(tx.payment_id.partner_id, bakery)
        self.assertFalse(self.env['pay.now.discrepancy'].search([('transaction_id', '=', tx.id)]))

    def test_contact_with_a_user(self):
        user = new_test_user(self.env, 'pay_now_contact', groups='base.group_portal')
        user.partner_id.write({'email': self.customer.email, 'parent_id': self.twin.id})
        page = self.env['pay.now.account'].with_user(user)._pay_now_account_page_of(self.company)
        page._pay_now_url()
        self.merge(self.customer, user.partner_id)
        self.assertEqual(user.partner_id, self.customer)
        self.assertEqual(self.customer.commercial_partner_id, self.twin)
        self.assertTrue(page._pay_now_check_token(page.pay_now_token))

    def test_what_each_company_says(self):
        """*Never* of another company than the user's is kept; the one that stays goes first."""
        other, third = self.env['res.company'].sudo().create([{'name': "B"}, {'name': "C"}])
        customer, twin = self.customer.sudo(), self.twin.sudo()
        for company, kept, gone in (
            (self.company, 'auto', 'manual'),
            (other, 'auto', 'never'),
            (third, 'manual', 'never'),
        ):
            customer.with_company(company).pay_now_reminder_mode = kept
            twin.with_company(company).pay_now_reminder_mode = gone
        third.active = False
        self.merge(self.customer, self.twin)
        self.assertEqual(
            [
                customer.with_company(company).pay_now_reminder_mode
                for company in (self.company, other, third)
            ],
            ['manual', 'never', 'manual'],
        )

    def test_payment_that_was_begun(self):
        invoice = self.make_invoice(100)
        tx = self.checkout(self.lines(invoice))
        self.merge(self.twin, self.customer)
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(tx.pay_now_item_ids.customer_id, self.twin)
        self.assertFalse(tx.pay_now_discrepancy_ids)

    def test_other_unique_indexes(self):
        """Odoo's merge knows constraints only: an index of ours on a contact ends with an error."""
        self.env.cr.execute(INDEXES)
        ours = {name for name, table in self.env.cr.fetchall() if 'pay_now' in f'{name} {table}'}
        self.assertEqual(ours, PUT_TOGETHER)
