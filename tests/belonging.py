# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What may happen to records in Odoo, and what must hold whatever happened.

A world of two customers whose invoices are on pages and in reminders, open at a provider or on
their way. `Deeds` is what people do to them; `assert_belonging` looks at all pages, payments and
reminders.
"""

import re
from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.provider.test_branches import BranchCommon


class Deeds:
    """What people do to a record. Each takes an invoice, or the customer of one.

    They are methods of a test: of `BelongingCase`, or of whatever has its records.
    """

    def duplicate(self, invoice):
        """A duplicate, for the other customer."""
        copy = invoice.copy(
            {'partner_id': self.other_of(invoice).id, 'invoice_date': invoice.invoice_date}
        )
        copy.action_post()

    def reset(self, invoice):
        self.change(invoice)

    def other_term(self, invoice):
        self.change(invoice, invoice_payment_term_id=self.term.id)

    def other_price(self, invoice):
        line = invoice.invoice_line_ids[:1]
        price = round(line.price_unit * 0.8, 2)
        self.change(invoice, invoice_line_ids=[Command.update(line.id, {'price_unit': price})])

    def other_customer(self, invoice):
        self.change(invoice, partner_id=self.other_of(invoice).id)

    def other_company_of_contact(self, invoice):
        """Whom reminders are written to goes to work for the other customer."""
        contact = self.contact_of(invoice)
        invoice.commercial_partner_id.pay_now_contact_id = contact
        contact.parent_id = self.other_of(invoice)

    def cancel(self, invoice):
        invoice.button_draft()
        invoice.button_cancel()

    def full_credit(self, invoice):
        invoice._reverse_moves([{'invoice_date': fields.Date.today()}], cancel=True)

    def partial_credit(self, invoice):
        """A credit note of two fifths, matched with the invoice as far as it is open."""
        amount = round(invoice.amount_total * 0.4, 2)
        note = self.make_invoice(amount, invoice.partner_id, move_type='out_refund')
        items = (invoice | note).line_ids.filtered(
            lambda line: line.account_type == 'asset_receivable' and not line.reconciled
        )
        items.filtered(lambda line: line.account_id == items[:1].account_id).reconcile()

    def bank_payment(self, invoice):
        if invoice.payment_state in ('not_paid', 'partial'):
            self.env['account.payment.register'].with_context(
                active_model='account.move', active_ids=invoice.ids
            ).create({})._create_payments()

    def block(self, invoice):
        if invoice.payment_state in ('not_paid', 'partial'):
            invoice.action_toggle_block_payment()

    def archive_customer(self, invoice):
        invoice.commercial_partner_id.active = False

    def archive_contact(self, invoice):
        contact = self.contact_of(invoice)
        invoice.commercial_partner_id.pay_now_contact_id = contact
        contact.active = False

    def archive_salesperson(self, invoice):
        invoice.invoice_user_id = self.salesperson
        self.salesperson.active = False

    def archive_journal(self, invoice):
        """The one of the bank; that of the invoice is in use."""
        self.company_data['default_journal_bank'].active = False

    def merge(self, invoice):
        """The customer becomes one with a contact that was entered twice."""
        customer = invoice.commercial_partner_id
        twin = self.env['res.partner'].create({'name': customer.name, 'email': customer.email})
        self.make_invoice(7, twin)
        self.env['base.partner.merge.automatic.wizard']._merge(
            (customer | twin).ids, customer, extra_checks=False
        )

    def merge_away(self, invoice):
        """The same, and it is the other contact that is kept."""
        customer = invoice.commercial_partner_id
        twin = self.env['res.partner'].create({'name': customer.name, 'email': customer.email})
        self.env['base.partner.merge.automatic.wizard']._merge(
            (customer | twin).ids, twin, extra_checks=False
        )

    def delete_draft(self, invoice):
        invoice.button_draft()
        invoice.with_context(force_delete=True).unlink()

    def renumber(self, invoice):
        self.change(invoice, name=f'OTHER/{invoice.id:05}')

    def to_branch(self, invoice):
        """The invoice is one of a branch."""
        self.change(invoice, company_id=self.branch.id)

    # === tools === #

    def change(self, invoice, **values):
        """Reset an invoice to draft, change it, and post it again."""
        invoice.button_draft()
        if values:
            invoice.write(values)
        invoice.action_post()

    def other_of(self, invoice):
        """Return the customer that the invoice is not of."""
        others = self.customers.exists().filtered('active') - invoice.commercial_partner_id
        return others[:1] or self.env['res.partner'].create(
            {'name': "Pâtissier", 'email': 'patissier@example.com', 'is_company': True}
        )

    def contact_of(self, invoice):
        """Return a contact of the customer."""
        customer = invoice.commercial_partner_id
        return self.env['res.partner'].create(
            {
                'name': f"Contact of {customer.name}",
                'parent_id': customer.id,
                'email': f'contact.{customer.id}@example.com',
            }
        )


#: Names of all that is done to records.
DEEDS = tuple(
    name
    for name in vars(Deeds)
    if not name.startswith('_') and name not in ('change', 'other_of', 'contact_of')
)


class BelongingCase(Deeds, ReminderCommon, BranchCommon, HttpCase):
    """Two customers with invoices, contacts who log in, and every way to pay."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.connect_paypal()
        cls.company.pay_now_reminder_accounting = True
        cls.customer.is_company = True
        cls.other_customer_ = cls.env['res.partner'].create(
            {'name': "Meunier", 'email': 'meunier@example.com', 'is_company': True}
        )
        cls.customers = cls.customer | cls.other_customer_
        cls.salesperson = new_test_user(
            cls.env, 'pay_now_seller', groups='base.group_user', company_id=cls.company.id
        )
        cls.pages = {partner: cls.account_page(partner) for partner in cls.customers}

    @classmethod
    def account_page(cls, partner):
        """Return the page of the account of a contact who logs in."""
        user = new_test_user(
            cls.env,
            f'pay_now_portal_{partner.id}',
            groups='base.group_portal',
            company_id=cls.company.id,
            company_ids=[Command.set((cls.company | cls.branch).ids)],
        )
        user.partner_id.parent_id = partner
        page = cls.env['pay.now.account'].with_user(user)._pay_now_account_page_of(cls.company)
        page._pay_now_url()
        return page

    # === what the customer does === #

    def pay_at_provider(self, tx):
        """The payer pays, if the provider still lets it.

        :return: whether the checkout was still open there.
        :rtype: bool
        """
        gateway = self.gateway_of(tx.provider_id)
        payment = gateway.payments[tx.provider_reference]
        if payment.state not in (base.OPEN, base.PENDING):
            return False
        if gateway.captures and payment.state == base.OPEN:
            gateway.approve(tx)
        else:
            gateway.pay(tx)
        tx._synchronize()
        return True

    def pend_at_provider(self, tx):
        """The payer pays in a way that takes days."""
        self.gateway_of(tx.provider_id).set(tx.provider_reference, state=base.PENDING)
        tx._synchronize()

    # === what must hold === #

    def assert_belonging(self, message=''):
        """Look at all pages, payments and reminders."""
        self.env.flush_all()
        self.env.invalidate_all()
        self.assert_pages(message)
        self.assert_payments(message)
        self.assert_nothing_asked_twice(message)
        self.assert_plans(message)

    def documents(self):
        """Return everything that has a page, with the customer it is of."""
        moves = self.env['account.move'].sudo().search([('pay_now_token', '!=', False)])
        reminders = self.env['pay.now.reminder'].sudo().search([('pay_now_token', '!=', False)])
        accounts = self.env['pay.now.account'].sudo().search([('pay_now_token', '!=', False)])
        statements = self.env['pay.now.customer.statement'].sudo()
        statements = statements.search([('pay_now_token', '!=', False)])
        yield from ((one, one.partner_id) for one in statements)
        plans = self.env['pay.now.plan'].sudo().search([('pay_now_token', '!=', False)])
        yield from ((move, move.commercial_partner_id) for move in moves)
        yield from ((plan, plan.partner_id) for plan in plans)
        yield from ((one, one.partner_id) for one in reminders)
        yield from ((page, page.customer_id) for page in accounts)

    def assert_pages(self, message):
        """No page names an invoice of another customer, nor opens its PDF."""
        moves = self.env['account.move'].search(
            [('move_type', 'in', ('out_invoice', 'out_refund'))]
        )
        by_customer = moves.grouped('commercial_partner_id')
        for document, customer in self.documents():
            text = self.page_of(document)
            for partner, strangers in by_customer.items():
                if partner == customer:
                    continue
                for move in strangers.filtered(lambda one: one.name and one.name != '/'):
                    # INV/2026/00004 is no part of RINV/2026/00004.
                    found = re.search(rf'(?<!\w){re.escape(move.name)}(?!\w)', text)
                    self.assertFalse(found, f'{message}: {document} of {customer.name}')

    def page_of(self, document):
        """Return what whoever has the address sees."""
        return self.url_open(document._pay_now_path()).text

    def assert_payments(self, message):
        """Money is the payer's, pays nobody else, and pays its invoice as long as that is open."""
        for tx in self.env['payment.transaction'].sudo().search([('state', '=', 'done')]):
            payment, items = tx.payment_id, tx.pay_now_item_ids
            said = f'{message}: {tx.reference}'
            self.assertTrue(payment, said)
            self.assertEqual(payment.partner_id.commercial_partner_id, items.customer_id, said)
            lines = payment._pay_now_counterpart_lines()
            paid = lines.matched_debit_ids.debit_move_id
            self.assertLessEqual(paid.partner_id, items.customer_id, said)
            self.assertAlmostEqual(sum(lines.mapped('credit')), tx.amount, 2, said)
            credit = -sum(lines.mapped('amount_residual'))
            companies = tx.company_id | tx.company_id.child_ids
            mine = items.move_id.filtered_domain(
                [
                    ('state', '=', 'posted'),
                    ('commercial_partner_id', '=', items.customer_id.id),
                    ('company_id', 'in', companies.ids),
                ]
            )
            owed = sum(mine.mapped('amount_residual'))
            self.assertFalse(credit > 0.005 and owed > 0.005, f'{said}: {credit} beside {owed}')

    def assert_nothing_asked_twice(self, message):
        """What was received, or is on its way, is asked for nowhere."""
        on_its_way = {}
        for item in self.env['pay.now.transaction.item'].search(
            [('transaction_id.state', 'in', ('pending', 'authorized'))]
        ):
            move = item.move_id
            if move.commercial_partner_id == item.customer_id:
                on_its_way[move] = on_its_way.get(move, 0.0) + item.amount
        for document, customer in self.documents():
            _open_lines, payable, _reasons = document.sudo()._pay_now_page_items()
            self.assertLessEqual(payable.partner_id, customer, f'{message}: {document}')
            self.assert_asked(payable, on_its_way, f'{message}: page of {document}')
        waiting = self.env['pay.now.reminder'].search([('state', 'in', ('draft', 'queued'))])
        for reminder in waiting:
            self.assert_asked(reminder._open_items(), on_its_way, f'{message}: {reminder}')
            self.assertLessEqual(reminder._open_items().partner_id, reminder.partner_id, message)

    def assert_plans(self, message):
        """One plan for an item; what is open of its parts is open of its items, and no more."""
        plans = self.env['pay.now.plan'].sudo().search([('state', 'in', ('asked', 'accepted'))])
        planned = [line for plan in plans for line in plan._own_items()]
        self.assertEqual(len(planned), len(set(planned)), message)
        for plan in plans.filtered(lambda one: one.state == 'accepted'):
            left = plan._amount_left(plan._own_items())
            parts = sum(plan._parts_left().values())
            self.assertAlmostEqual(parts, min(left, plan.amount), 2, f'{message}: {plan}')
            self.assertLessEqual(round(plan._asked_now() - left, 2), 0, f'{message}: {plan}')

    def assert_asked(self, lines, on_its_way, message):
        """No more of an invoice is asked for than is open and not on its way."""
        for move, mine in lines.grouped('move_id').items():
            left = move.amount_residual - on_its_way.get(move, 0.0)
            asked = sum(mine.mapped('amount_residual'))
            self.assertLessEqual(round(asked - left, 2), 0.0, f'{message}: {move.name}')

    # === what there is === #

    def owed(self, customer):
        """Return what a customer owes, and what is the customer's and pays nothing yet."""
        lines = self.env['account.move.line'].search(
            [
                ('partner_id', '=', customer.id),
                ('account_type', '=', 'asset_receivable'),
                ('parent_state', '=', 'posted'),
                ('reconciled', '=', False),
            ]
        )
        residuals = lines.mapped('amount_residual')
        return (
            round(sum(one for one in residuals if one > 0), 2),
            round(-sum(one for one in residuals if one < 0), 2),
        )

    def link_of(self, document):
        """Return the path of a page as it was mailed."""
        return urlsplit(document._pay_now_url()).path

    def remind(self):
        """Generate reminders and send them, whatever was sent before.

        Whom they go to is checked as they leave, see `MailWatch`.

        :return: the mails.
        """
        old = fields.Datetime.now() - timedelta(days=60)
        self.env['pay.now.reminder'].sudo().search([('state', '=', 'sent')]).sent_at = old
        return self.send(self.generate())

    def state(self):
        """Each customer has a page of a statement of account, of what was open when it was sent."""
        Line = self.env['account.move.line']
        Statement = self.env['pay.now.customer.statement'].sudo()
        for customer in self.customers.exists() - Statement.search([]).partner_id:
            domain = Line._pay_now_open_items_domain()
            items = Line.search(domain & Line._pay_now_of_domain(customer, self.company))
            statement = Statement.create(
                {
                    'company_id': self.company.id,
                    'partner_id': customer.id,
                    'date_to': fields.Date.today(),
                    'item_ids': [Command.set(items.ids)],
                    'state': 'sent',
                }
            )
            statement._pay_now_url()
