# Part of Pay Now. See LICENSE file for full copyright and licensing details.


import runpy
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from markupsafe import Markup

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tests import HttpCase, tagged

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
            reminder.sudo()._pay_now_answer('problem', {line.id}, text="Not mine")

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
        reminder.sudo().write({'company_id': elsewhere.id, 'level_id': False})
        self.assertFalse(reminder._pay_now_lines())
        self.assertFalse(reminder._pay_now_page_items()[0])

    # === ANSWERS === #

    def answer(self, kind='problem', document=None, **values):
        """Let the customer say something about both invoices."""
        document = document or self.reminded()
        both = set(self.lines(self.invoice, self.other).ids)
        return document.sudo()._pay_now_answer(kind, both, **values)

    def test_answer_of_a_former_customer(self):
        """It holds nothing, is shown to nobody else, and counts for none of their answers."""
        answer = self.answer(text="The bread was burnt")
        line, other = self.lines(self.invoice), self.lines(self.other)
        self.assertEqual(set((line | other)._pay_now_holds().values()), {'answered'})
        self.correct()
        self.assertEqual((line | other)._pay_now_holds(), {other: 'answered'})
        self.assertEqual(answer._own_items(), other)
        self.assertEqual(answer.move_ids, self.other)
        self.assertFalse(self.invoice.pay_now_answer_text)
        self.assertTrue(self.other.pay_now_answer_text)
        page = self.invoice.sudo()._pay_now_page_values()
        self.assertEqual([row['answers'] for row in page['items']], [[]])
        run = self.generate(partner_ids=[Command.set(self.stranger.ids)])
        self.assertEqual(run.reminder_ids.state, 'draft')
        self.correct(self.customer)
        self.assertEqual(len((line | other)._pay_now_holds()), 2, "it is the customer's again")

    def test_answers_of_two_customers(self):
        """What one says closes nothing that the other one said, and repeats nothing."""
        today = self.company._pay_now_today()
        reminder = self.reminded()
        first = self.answer('promise', reminder, date=str(today))
        self.assertEqual(self.answer('promise', reminder, date=str(today)), first)
        self.correct()
        items = set(self.lines(self.invoice).ids)
        second = self.invoice.sudo()._pay_now_answer('promise', items, date=str(today))
        self.assertNotEqual(second, first)
        self.assertEqual((first.state, second.state), ('open', 'open'))
        self.assertEqual(second.partner_id, self.stranger)
        for _time in range(3):
            self.correct(self.customer)
            self.correct()
        last = str(today + timedelta(days=self.company.pay_now_promise_days))
        third = self.invoice.sudo()._pay_now_answer('promise', items, date=last)
        self.assertEqual((first.state, second.state, third.state), ('open', 'closed', 'open'))

    def test_answer_about_nothing_any_more(self):
        answer = self.answer(document=self.invoice.sudo(), text="Not ordered")
        self.correct()
        note = self.invoice.message_ids[:1]
        answer._close_ended()
        self.assertEqual(answer.state, 'closed', "neither kept nor broken")
        self.assertEqual(self.invoice.message_ids[:1], note)
        self.assertFalse(self.customer.pay_now_answer_text)

    def test_answer_set_from_outside(self):
        """The form's domain is no rule."""
        lines = self.lines(self.make_invoice(20, partner=self.stranger))
        values = {'kind': 'problem', 'text': "x", 'company_id': self.company.id}
        for items in (lines, lines | self.lines(self.other)):
            with self.assertRaises(ValidationError):
                self.env['pay.now.answer'].create(
                    {**values, 'partner_id': self.customer.id, 'item_ids': [Command.set(items.ids)]}
                )

    # === HISTORY === #

    def test_history_ends_with_the_customer(self):
        """The new customer's first reminder is the first level."""
        levels = self.env['pay.now.reminder.level'].search(
            [('company_id', '=', self.company.id)], order='delay_days'
        )
        firm = levels[-1]
        reminder = self.reminded()
        self.env['pay.now.reminder'].sudo().browse(reminder.id).level_id = firm
        line, other = self.lines(self.invoice), self.lines(self.other)
        sent = self.env['pay.now.reminder']._sent_levels
        self.assertEqual(sent(line | other), {line: firm, other: firm})
        self.correct()
        self.assertEqual(sent(line | other), {other: firm})
        self.assertEqual(
            (self.invoice.pay_now_reminder_count, self.other.pay_now_reminder_count), (0, 1)
        )
        self.assertFalse(self.invoice.pay_now_level_id)
        self.assertEqual(self.other.pay_now_level_id, firm)
        domain = self.invoice.action_pay_now_reminders()['domain']
        self.assertFalse(self.env['pay.now.reminder'].search(domain))
        level, day = self.stranger._pay_now_next_reminders()[self.stranger]
        self.assertFalse(level)
        self.assertTrue(day)
        run = self.generate(partner_ids=[Command.set(self.stranger.ids)])
        self.assertEqual(run.reminder_ids.state, 'draft')
        self.assertEqual(run.reminder_ids.level_id, levels[0])
        self.correct(self.customer)
        self.assertEqual(sent(line | other), {line: firm, other: firm}, "as it was")

    def test_history_goes_on_where_the_customer_does(self):
        """A customer that becomes a part of another was reminded, and is not at once again."""
        reminder = self.reminded()
        line, other = self.lines(self.invoice), self.lines(self.other)
        group = self.env['res.partner'].create({'name': "Group", 'email': 'group@example.com'})
        self.customer.parent_id = group
        self.env.invalidate_all()
        sent = self.env['pay.now.reminder']._sent_levels(line | other)
        self.assertEqual(sent, {line: reminder.level_id, other: reminder.level_id})
        run = self.generate(partner_ids=[Command.set(group.ids)])
        self.assertEqual(run.reminder_ids.state, 'held')
        self.assertEqual(group.pay_now_reminder_count, 1)
        waiting = self.env['pay.now.reminder'].sudo().browse(reminder.id)
        waiting.sudo().state = 'queued'
        self.assertEqual(run.reminder_ids._under_way(), group)

    # === PORTAL === #

    def test_portal(self):
        Reminder = self.env['pay.now.reminder'].sudo()
        reminder = self.reminded()
        self.correct()
        mine = Reminder.search(Reminder._pay_now_portal_domain(self.customer))
        self.assertEqual(mine, reminder)
        self.assertFalse(Reminder.search(Reminder._pay_now_portal_domain(self.stranger)))
        [row] = mine._pay_now_portal_rows()
        self.assertIn('60', row['due'])
        self.assertNotIn('160', row['due'])
        for customer, move in ((self.customer, self.other), (self.stranger, self.invoice)):
            pages = self.env['pay.now.account'].with_user(self.log_in(customer))
            self.assertEqual(pages._pay_now_overdue_items().move_id, move)
            self.assertEqual([row['count'] for row in pages._pay_now_banner()], [1])
        self.other.button_draft()
        self.other.partner_id = self.stranger
        self.other.action_post()
        [row] = mine._pay_now_portal_rows()
        self.assertFalse(row['due'] or row['url'])

    # === WHAT BECOMES OF CONTACTS === #

    def test_contact_of_the_invoice_goes_elsewhere(self):
        """Odoo goes on to mail the invoice there: without the way to the customer's page."""
        contact = self.env['res.partner'].create(
            {'name': "Anna", 'email': 'anna@example.com', 'parent_id': self.customer.id}
        )
        invoice = self.make_invoice(50, partner=contact)
        self.assertFalse(invoice._pay_now_refusal('invoice_mail'))
        contact.parent_id = self.stranger
        self.assertEqual(invoice._pay_now_refusal('invoice_mail'), 'contact_moved')
        self.assertFalse(invoice._pay_now_mail_block('en_US'))
        self.assertFalse(invoice.pay_now_url)
        self.assertFalse(invoice._pay_now_refusal('page'), "the customer pays as before")
        contact.parent_id = self.customer
        self.assertFalse(invoice._pay_now_refusal('invoice_mail'))

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


@tagged('post_install', '-at_install')
class TestBelongingLinks(BelongingCommon, HttpCase):
    """The mailed address of an invoice: bound to the customer and the company it was made for."""

    def setUp(self):
        super().setUp()
        self.path = urlsplit(self.invoice._pay_now_url()).path
        self.assertEqual(self.url_open(self.path).status_code, 200)

    def assert_ended(self):
        """Check that the former address says nothing, whatever is asked of it."""
        for path in (self.path, f'{self.path}/pdf/{self.invoice.id}'):
            answer = self.url_open(path)
            self.assertEqual(answer.status_code, 404)
            self.assertNotIn(self.invoice.name, answer.text)
        token = self.path.split('/')[-1]
        self.assertFalse(self.invoice._pay_now_check_token(token))
        self.assertFalse(self.invoice.pay_now_has_link)

    def assert_open(self):
        self.env.invalidate_all()
        answer = self.url_open(self.path)
        self.assertEqual(answer.status_code, 200)
        self.assertIn(self.invoice.name, answer.text)

    def test_corrected_customer(self):
        self.invoice._pay_now_store_pdfs()
        self.correct()
        self.invoice._pay_now_store_pdfs()
        self.assert_ended()
        path = urlsplit(self.invoice._pay_now_url()).path
        self.assertNotEqual(path, self.path)
        self.assertIn(self.invoice.name, self.url_open(path).text)
        self.assertEqual(self.url_open(self.path).status_code, 404)

    def test_corrected_while_in_draft(self):
        self.invoice.button_draft()
        self.invoice.partner_id = self.stranger
        self.assert_ended()

    def test_corrected_and_given_back(self):
        """Nothing was mailed to the other one: the address is the customer's as before."""
        self.correct()
        self.correct(self.customer)
        self.assert_open()

    def test_given_back_after_a_mail(self):
        """The other one has an address: neither opens the page any more."""
        self.correct()
        other = urlsplit(self.invoice._pay_now_url()).path
        self.correct(self.customer)
        self.assert_ended()
        self.assertEqual(self.url_open(other).status_code, 404)

    def test_other_company(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        branch = self.env['res.company'].create({'name': "Branch", 'parent_id': self.company.id})
        self.assertTrue(self.invoice._pay_now_has_link())
        self.invoice.sudo().pay_now_token_company_id = elsewhere
        self.assert_ended()
        self.invoice.sudo().pay_now_token_company_id = branch
        self.assert_ended()

    def test_other_contact_of_the_same_customer(self):
        self.correct(
            self.env['res.partner'].create({'name': "Shop", 'parent_id': self.customer.id})
        )
        self.assert_open()

    def test_customer_becomes_a_part_of_another(self):
        self.customer.parent_id = self.env['res.partner'].create({'name': "Group"})
        self.assert_open()

    def test_customer_leaves_another(self):
        group = self.env['res.partner'].create({'name': "Group", 'is_company': True})
        self.customer.parent_id = group
        self.path = urlsplit(self.invoice._pay_now_url()).path
        self.customer.parent_id = False
        self.assert_open()
        self.assertEqual(self.invoice._pay_now_customer(), group)

    def merge(self, kept, merged):
        """Merge a contact into another, as Odoo does it."""
        wizard = self.env['base.partner.merge.automatic.wizard'].create(
            {
                'partner_ids': [Command.set((kept | merged).ids)],
                'dst_partner_id': kept.id,
                'state': 'selection',
            }
        )
        wizard.action_merge()
        self.env.invalidate_all()
        self.assertFalse(merged.exists())

    def test_customer_is_merged_into_another(self):
        reminder = self.reminded()
        self.stranger.email = self.customer.email
        self.merge(self.stranger, self.customer)
        self.assertEqual(self.invoice.commercial_partner_id, self.stranger)
        self.assert_open()
        self.assertEqual(reminder._pay_now_page_items()[0], self.lines(self.invoice, self.other))

    def test_former_customer_is_merged_into_a_third(self):
        third = self.env['res.partner'].create({'name': "Third", 'email': self.customer.email})
        self.correct()
        self.merge(third, self.customer)
        self.assert_ended()

    def test_former_customer_is_deleted(self):
        self.other.button_draft()
        self.other.partner_id = self.stranger
        self.correct()
        self.customer.unlink()
        self.assertFalse(self.invoice.pay_now_token_partner_id)
        self.assert_ended()

    def test_contact_leaves_for_another_customer(self):
        """The page is that of the customer, and says nothing of where the contact is now."""
        self.customer.write({'is_company': True, 'email': False, 'lang': 'en_US'})
        contact = self.env['res.partner'].create({'name': "Anne", 'parent_id': self.customer.id})
        invoice = self.make_invoice(70, partner=contact)
        path = urlsplit(invoice._pay_now_url()).path
        contact.parent_id = self.stranger
        page = self.url_open(path).text
        self.assertIn(self.customer.name, page)
        self.assertNotIn(self.stranger.name, page)
        self.assertIn('name="email"', page)

    def test_a_copied_token_opens_nothing(self):
        """As by an import, or another module."""
        copy = self.invoice.copy({'partner_id': self.stranger.id})
        copy.action_post()
        copy.sudo().write(
            {
                'pay_now_token': self.invoice.pay_now_token,
                'pay_now_token_expiry': self.invoice.pay_now_token_expiry,
            }
        )
        self.assertFalse(copy._pay_now_check_token(self.invoice.pay_now_token))

    def test_update(self):
        """Addresses mailed before the update go on; what is revoked stays so."""
        self.invoice.sudo().write(
            {'pay_now_token_partner_id': False, 'pay_now_token_company_id': False}
        )
        self.assert_ended()
        path = Path(__file__).parents[1] / 'migrations' / '19.0.1.7.0' / 'post-links.py'
        migrate = runpy.run_path(str(path))['migrate']
        for version in ('', '19.0.1.6.0', '19.0.1.6.0'):
            self.env.flush_all()
            migrate(self.cr, version)
            self.env.invalidate_all()
            self.assertEqual(self.invoice.pay_now_has_link, bool(version))
        self.assert_open()
        self.assertFalse(self.other.pay_now_token_partner_id)
        self.invoice.action_pay_now_revoke_link()
        self.assert_ended()

    def mailed(self):
        """Note that the address was mailed, as the chatter has it."""
        self.invoice.message_post(body=Markup('<a href="%s">Pay</a>') % self.path)

    def corrected(self, former):
        """Note that the invoice was a former customer's, as the chatter has it."""
        field = self.env['ir.model.fields']._get('account.move', 'partner_id')
        self.env['mail.message'].create(
            {
                'model': 'account.move',
                'res_id': self.invoice.id,
                'tracking_value_ids': [
                    Command.create({'field_id': field.id, 'old_value_integer': former.id})
                ],
            }
        )

    def update(self):
        """Update from before addresses were bound to anybody."""
        self.invoice.sudo().write(
            {'pay_now_token_partner_id': False, 'pay_now_token_company_id': False}
        )
        self.env.flush_all()
        path = Path(__file__).parents[1] / 'migrations' / '19.0.1.7.0' / 'post-links.py'
        runpy.run_path(str(path))['migrate'](self.cr, '19.0.1.6.0')
        self.env.invalidate_all()

    def test_update_after_a_correction(self):
        """What was mailed to a former customer opens nothing from then on."""
        self.mailed()
        self.corrected(self.stranger)
        self.update()
        self.assert_ended()
        self.assertTrue(self.invoice._pay_now_url())

    def test_update_after_a_correction_that_nobody_was_mailed_before(self):
        child = self.env['res.partner'].create({'name': "Shop", 'parent_id': self.customer.id})
        self.corrected(self.stranger)
        self.mailed()
        self.corrected(child)
        # Given away and back.
        self.corrected(self.customer)
        self.corrected(self.stranger)
        self.update()
        self.assert_open()
