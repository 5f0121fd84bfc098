# Part of Pay Now. See LICENSE file for full copyright and licensing details.


from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon


class BelongingCommon(ReminderCommon):
    """Two invoices of the customer, of which one is another customer's by now."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.stranger = cls.env['res.partner'].create(
            {'name': "Meunier", 'email': 'meunier@example.com', 'lang': 'en_US'}
        )
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.other = cls.make_invoice(60, days_late=30)

    def correct(self, partner=None):
        """Give one of the invoices to somebody else."""
        self.invoice.button_draft()
        self.invoice.partner_id = partner or self.stranger
        self.invoice.action_post()

    def reminded(self):
        """Return a reminder of both invoices that was sent."""
        customer = self.customer.commercial_partner_id
        run = self.generate(partner_ids=[Command.set(customer.ids)])
        self.send(run)
        self.assertEqual(run.reminder_ids.state, 'sent')
        return run.reminder_ids.sudo()

    def log_in(self, customer):
        """Return somebody of the customer who may log in to the portal."""
        return self.env['res.users'].create(
            {
                'name': "Somebody",
                'login': f'somebody{customer.id}',
                'group_ids': [Command.set(self.env.ref('base.group_portal').ids)],
                'company_ids': [Command.set(self.company.ids)],
                'company_id': self.company.id,
                'partner_id': self.env['res.partner']
                .create({'name': "Somebody", 'parent_id': customer.id})
                .id,
            }
        )

    def account_page(self, customer):
        """Return the page that somebody of the customer gets in the portal."""
        pages = self.env['pay.now.account'].with_user(self.log_in(customer))
        return pages._pay_now_account_page_of(self.company)

    def link(self, document, line):
        """Let a document have a link to an item, however it came about."""
        document.sudo().item_ids = [Command.link(line.id)]


@tagged('post_install', '-at_install')
class TestBelonging(BelongingCommon):
    """Whose items documents are about: decided by the customer, whatever links there are."""

    def test_the_rule_says_the_same_twice(self):
        """As a domain and of records, for each customer and company."""
        lines = self.lines(self.invoice, self.other)
        child = self.env['res.partner'].create({'name': "Shop", 'parent_id': self.customer.id})
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        self.make_invoice(10, partner=child)
        lines |= self.lines(self.make_invoice(20, partner=self.stranger))
        Line = self.env['account.move.line']
        for customer in (self.customer, child, self.stranger, child.browse()):
            for company in (self.company, elsewhere, elsewhere | self.company):
                with self.subTest(customer=customer.name, company=company.mapped('name')):
                    domain = Line._pay_now_of_domain(customer, company)
                    found = Line.search(domain & Domain('id', 'in', lines.ids))
                    self.assertEqual(found, lines._pay_now_of(customer, company).sorted())
        self.assertEqual(
            lines._pay_now_of(child, self.company), self.lines(self.invoice, self.other)
        )

    def test_an_item_of_two_customers_is_nobodys(self):
        """The entry says one customer, its item the other one."""
        line = self.lines(self.invoice)
        line.partner_id = self.stranger
        for customer in (self.customer, self.stranger):
            self.assertFalse(line._pay_now_of(customer, self.company))
            domain = line._pay_now_of_domain(customer, self.company)
            self.assertFalse(line.search(domain & Domain('id', '=', line.id)))

    def test_duplicate_given_to_somebody_else(self):
        reminder = self.reminded()
        copy = self.invoice.copy(
            {'partner_id': self.stranger.id, 'invoice_date': self.invoice.invoice_date}
        )
        copy.action_post()
        # However the link came about.
        self.link(reminder, self.lines(copy))
        self.assertNotIn(copy, reminder._pay_now_lines().move_id)
        self.assertNotIn(copy, reminder._pay_now_page_items()[0].move_id)

    def test_reminder_page(self):
        reminder = self.reminded()
        self.invoice._pay_now_store_pdfs()
        self.correct()
        line = self.lines(self.invoice)
        open_lines, payable, _reasons = reminder._pay_now_page_items()
        self.assertEqual(open_lines, self.lines(self.other))
        self.assertEqual(reminder._pay_now_preselected(payable), self.lines(self.other))
        self.assertFalse(reminder._pay_now_pdf(self.invoice.id))
        values = reminder._pay_now_page_values(chosen={line.id, self.lines(self.other).id})
        self.assertEqual([row['line'].move_id for row in values['items']], [self.other])
        self.assertEqual(values['total'], 60)
        with self.assertRaises(ValidationError):
            reminder._pay_now_start({line.id}, self.provider.id)
        with self.assertRaises(ValidationError):
            reminder._pay_now_start({line.id, self.lines(self.other).id}, self.provider.id)
        with self.assertRaises(ValidationError):
            reminder._pay_now_answer('problem', {line.id}, text="Not mine")

    def test_credit_notes_of_others(self):
        reminder = self.reminded()
        note = self.make_invoice(30, move_type='out_refund')
        page = self.other.sudo()
        payable = reminder._pay_now_page_items()[1]
        self.assertEqual(reminder._pay_now_credits(payable).move_id, note)
        self.assertEqual(page._pay_now_credits(page._pay_now_lines()).move_id, note)
        note.button_draft()
        note.partner_id = self.stranger
        note.action_post()
        note._pay_now_store_pdfs()
        item = note.line_ids.filtered(lambda line: line.display_type == 'payment_term')
        for document in (reminder, page):
            self.assertFalse(document._pay_now_credits(payable))
            self.assertFalse(document._pay_now_credits_of({item.id}))
            self.assertFalse(document._pay_now_pdf(note.id))
            with self.assertRaises(ValidationError):
                document._pay_now_start({item.id, *self.lines(self.other).ids}, self.provider.id)

    def test_account_page(self):
        page = self.account_page(self.customer)
        self.assertEqual(page._pay_now_lines().move_id, self.invoice | self.other)
        self.invoice._pay_now_store_pdfs()
        self.correct()
        self.assertEqual(page._pay_now_page_items()[0].move_id, self.other)
        self.assertFalse(page._pay_now_pdf(self.invoice.id))
        with self.assertRaises(ValidationError):
            page._pay_now_start(set(self.lines(self.invoice).ids), self.provider.id)
        new = self.account_page(self.stranger)
        self.assertEqual(new._pay_now_page_items()[0].move_id, self.invoice)
        self.assertEqual(
            new._pay_now_start(set(self.lines(self.invoice).ids), self.provider.id).amount, 100
        )

    def test_mail_and_what_is_attached(self):
        run = self.generate()
        reminder = run.reminder_ids
        reminder.level_id.attach_invoices = True
        stray = self.make_invoice(70, partner=self.stranger, days_late=30)
        self.link(reminder, self.lines(stray))
        self.correct()
        [mail] = self.send(run)
        self.assertIn(self.other.name, mail['body'])
        for move in (self.invoice, stray):
            self.assertNotIn(move.name, mail['body'])
        names = [name for name, *_rest in mail['attachments']]
        self.assertEqual(len(names), 1)
        self.assertIn(self.other.name.replace('/', '_'), names[0])
        self.assertEqual(reminder.item_ids.move_id, self.other)
        self.assertEqual(reminder.amount_due, 60)

    def test_payment_of_a_foreign_item(self):
        line = self.lines(self.make_invoice(70, partner=self.stranger))
        with self.assertRaises(ValidationError):
            self.checkout(line | self.lines(self.invoice))
        for document in (self.invoice.sudo(), self.reminded()):
            with self.assertRaises(ValidationError):
                document._pay_now_start({line.id}, self.provider.id)

    def test_open_checkout(self):
        """Neither opened nor taken once the customer is another one."""
        Tx = self.env['payment.transaction'].sudo()
        tx = Tx._pay_now_create(self.provider, self.customer, self.lines(self.invoice))
        self.assertFalse(tx._pay_now_snapshot_problem())
        self.correct()
        self.assertEqual(tx._pay_now_snapshot_problem(), 'items_changed')
        with self.assertRaises(UserError):
            tx._pay_now_open()
        self.assertFalse(tx.pay_now_checkout_url)

    def test_company(self):
        """An invoice that was moved to another company is no item of the former one."""
        reminder = self.reminded()
        line = self.lines(self.other)
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        self.assertTrue(line._pay_now_of(self.customer, self.company))
        self.assertFalse(line._pay_now_of(self.customer, elsewhere))
        reminder.write({'company_id': elsewhere.id, 'level_id': False})
        self.assertFalse(reminder._pay_now_lines())
        self.assertFalse(reminder._pay_now_page_items()[0])

    # === WHAT BECOMES OF CONTACTS === #

    def test_customer_becomes_a_part_of_another(self):
        """The same person, by another commercial partner: everything goes on."""
        reminder = self.reminded()
        shop = self.env['res.partner'].create({'name': "Shop", 'parent_id': self.customer.id})
        third = self.make_invoice(30, partner=shop, days_late=5)
        tx = self.checkout(self.lines(self.other))
        group = self.env['res.partner'].create({'name': "Group", 'is_company': True})
        foreign = self.make_invoice(500, partner=group, days_late=40)
        self.customer.parent_id = group
        self.env.invalidate_all()
        self.assertEqual(self.invoice.commercial_partner_id, group)
        self.assertEqual(shop.commercial_partner_id, group)
        self.assertEqual(reminder._pay_now_page_items()[0], self.lines(self.invoice, self.other))
        self.assertNotIn(foreign, reminder._pay_now_lines().move_id)
        # Odoo leaves the invoice of the contact's contact alone.
        self.assertEqual(self.lines(third)._pay_now_of(group, self.company), self.lines(third))
        self.assertEqual(third._pay_now_page_items()[0], self.lines(third))
        self.assertFalse(tx._pay_now_snapshot_problem())
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(self.other.payment_state, self.other._get_invoice_in_payment_state())

    def test_customer_leaves_another(self):
        """What the company owes stays the company's, and the contact's mailed page is its page."""
        group = self.env['res.partner'].create(
            {'name': "Group", 'is_company': True, 'email': 'group@example.com'}
        )
        self.customer.parent_id = group
        self.env.invalidate_all()
        reminder = self.reminded()
        self.assertEqual(reminder.partner_id, group)
        self.customer.parent_id = False
        self.env.invalidate_all()
        both = self.lines(self.invoice, self.other)
        self.assertEqual(both.partner_id, group)
        self.assertEqual(reminder._pay_now_page_items()[0], both)
        self.assertFalse(both._pay_now_of(self.customer, self.company))
        tx = self.invoice.sudo()._pay_now_start(set(self.lines(self.invoice).ids), self.provider.id)
        self.assertEqual(tx.partner_id, group)

    def test_contact_no_longer_a_company(self):
        """Odoo writes nothing to the books then."""
        group = self.env['res.partner'].create({'name': "Group", 'is_company': True})
        self.customer.is_company = True
        self.customer.parent_id = group
        self.env.invalidate_all()
        self.assertEqual(self.invoice.commercial_partner_id, self.customer)
        reminder = self.reminded()
        self.customer.is_company = False
        self.env.invalidate_all()
        self.assertEqual(self.customer.commercial_partner_id, group)
        self.assertEqual(reminder._pay_now_page_items()[0], self.lines(self.invoice, self.other))

    def test_other_contact_of_the_same_customer(self):
        reminder = self.reminded()
        self.correct(
            self.env['res.partner'].create({'name': "Shop", 'parent_id': self.customer.id})
        )
        self.assertEqual(reminder._pay_now_page_items()[0], self.lines(self.invoice, self.other))
