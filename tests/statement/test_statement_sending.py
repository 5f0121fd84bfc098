# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import io
from contextlib import ExitStack
from datetime import timedelta
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools.misc import format_date
from odoo.tools.pdf import PdfFileWriter

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.mail_mail import MailRefusal, MailSession
from odoo.addons.account_pay_now.models.statement import pay_now_customer_statement_mail
from odoo.addons.account_pay_now.tests.common import ReminderCommon


def blank_page():
    writer, stream = PdfFileWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(stream)
    return stream.getvalue()


class StatementCommon(ReminderCommon):
    """Statements leave as the scheduled action sends them, on blank paper."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.startClassPatcher(
            patch.object(
                cls.env.registry['ir.actions.report'],
                '_pay_now_render_apart',
                lambda _report, _ref, ids, _data=None: dict.fromkeys(ids, blank_page()),
            )
        )
        cls.Statement = cls.env['pay.now.customer.statement']

    def prepare(self, customers=None, **values):
        """Return the wizard as it is filled in."""
        customers = customers or self.customer
        return self.env['pay.now.prepare.statement'].create(
            {'partner_ids': [Command.set(customers.ids)], **values}
        )

    def leave(self, *patches):
        """Let the scheduled action work, and return what the mail server got."""
        with ExitStack() as stack:
            for one in (self.mock_mail_gateway(), *patches):
                stack.enter_context(one)
            if not type(self)._registry_patched:
                stack.enter_context(self.enter_registry_test_mode())
            self.env.ref('account_pay_now.ir_cron_statements').method_direct_trigger()
            self.env.invalidate_all()
            return list(self._mails)

    def statements(self):
        return self.Statement.search([], order='id')


@tagged('post_install', '-at_install')
class TestStatementSending(StatementCommon):
    """Each statement leaves once, with a button where a reminder would have one."""

    def test_sent_once(self):
        invoice = self.make_invoice(100, days_late=20)
        later = self.make_invoice(40, days_late=-20, invoice_date=fields.Date.today())
        wizard = self.prepare()
        wizard.action_send()
        action = wizard.action_send()
        self.assertEqual(action['res_model'], 'pay.now.customer.statement')
        [statement] = self.statements()
        self.assertEqual((statement.state, statement.user_id), ('waiting', self.env.user))
        [mail] = self.leave()
        self.assertEqual(self.leave(), [])
        self.assertEqual((statement.state, statement.email), ('sent', 'client@example.com'))
        self.assertIn('client@example.com', mail['email_to'][0])
        self.assertIn("Statement of account", mail['subject'])
        self.assertEqual(mail['message_id'], statement.mail_id.message_id)
        self.assertEqual([name for name, *_rest in mail['attachments']], [statement.pdf_id.name])
        self.assertIn(statement._pay_now_path(), mail['body'])
        self.assertIn("140.00", statement.balance_text)
        self.assertIn("Pay now", mail['body'])
        note = self.customer.message_ids[0]
        self.assertIn("sent to client@example.com", note.body)
        self.assertEqual(note.author_id, self.env.user.partner_id)
        # So does the paper, where the engine draws it.
        report = self.env['ir.actions.report'].sudo()
        paper, _kind = report._render_qweb_html(
            'account_pay_now.report_customer_statement',
            self.customer.ids,
            data={'statement_id': statement.id},
        )
        self.assertIn(statement._pay_now_path(), paper.decode())
        # The page asks for what is due, and shows the rest.
        values = statement.sudo()._pay_now_page_values()
        self.assertEqual(len(values['items']), 2)
        self.assertEqual([row['ticked'] for row in values['items']], [True, False])
        # Whose they are by now, and what is open by now.
        later.button_draft()
        later.partner_id = self.env['res.partner'].create({'name': "Meunier"})
        later.action_post()
        self.assertEqual(statement._pay_now_lines(), self.lines(invoice))
        tx = statement.sudo()._pay_now_start(set(self.lines(invoice).ids), self.provider.id)
        self.assertEqual(tx.amount, 100)
        token = statement.sudo().pay_now_token
        self.assertTrue(statement._pay_now_check_token(token))
        statement.action_pay_now_revoke_link()
        self.assertFalse(statement._pay_now_check_token(token))
        with self.assertRaises(UserError):
            statement.copy()

    def test_no_button(self):
        """Where a reminder would have none, and for an auditor."""
        self.make_invoice(100)
        self.company.pay_now_reminder_accounting = False
        self.prepare().action_send()
        [mail] = self.leave()
        self.assertNotIn('/pay_now/', mail['body'])
        self.company.pay_now_reminder_accounting = True
        self.prepare(kind='confirmation', date_to='2025-12-31').action_send()
        [mail] = self.leave()
        self.assertNotIn('/pay_now/', mail['body'])
        self.assertIn("This is not a request for payment", mail['body'])
        self.assertNotIn("verdue", mail['body'])

    def test_money_that_is_there(self):
        """What the bank has shown, or waits to be matched, is not asked for again."""
        invoice = self.make_invoice(100, days_late=20)
        bank = self.env['account.bank.statement.line'].create(
            {
                'journal_id': self.company_data['default_journal_bank'].id,
                'partner_id': self.customer.id,
                'payment_ref': "Transfer",
                'amount': 99,
            }
        )
        for amount, has_button in ((99, True), (100, False), (50, True)):
            bank.amount = amount
            self.prepare().action_send()
            [mail] = self.leave()
            self.assertEqual('/pay_now/' in mail['body'], has_button, amount)
        self.env['account.payment'].create(
            {'payment_type': 'inbound', 'partner_id': self.customer.id, 'amount': 50}
        ).action_post()
        self.prepare().action_send()
        [mail] = self.leave()
        self.assertNotIn('/pay_now/', mail['body'])
        self.assertFalse(self.statements()[-1]._url_to_print())
        self.assertEqual(invoice.amount_residual, 100)

    def test_what_reminders_hold(self):
        """Neither is it asked for by the mail, nor ticked on the page; it can be paid there."""
        held, asked = self.make_invoices([100, 40], days_late=20)
        held.sudo().write({'pay_now_excluded': True, 'pay_now_excluded_reason': "By phone"})
        self.prepare().action_send()
        [mail] = self.leave()
        self.assertIn('/pay_now/', mail['body'])
        statement = self.statements()
        lines = statement._pay_now_lines()
        self.assertEqual(lines, self.lines(held, asked))
        self.assertEqual(statement.sudo()._pay_now_preselected(lines), self.lines(asked))
        self.assertEqual(statement.sudo()._pay_now_preselected(self.lines(held)), self.lines(held))
        asked.sudo().pay_now_excluded = True
        self.prepare().action_send()
        [mail] = self.leave()
        self.assertNotIn('/pay_now/', mail['body'])

    def test_whom_it_goes_to(self):
        """To no stranger, nobody archived, no address that was refused."""
        stranger = self.env['res.partner'].create({'name': "Else", 'email': 'else@example.com'})
        contact = self.env['res.partner'].create(
            {'name': "Office", 'email': 'office@example.com', 'parent_id': self.customer.id}
        )
        find = self.Statement._find_contact
        self.assertEqual(find(self.customer, self.company), self.customer)
        self.customer.pay_now_contact_id = contact
        self.assertEqual(find(self.customer, self.company), contact)
        contact.parent_id = stranger
        self.assertEqual(find(self.customer, self.company), self.customer)
        self.customer.pay_now_refused_email = self.customer.email
        self.assertFalse(find(self.customer, self.company))
        with self.assertRaisesRegex(UserError, "None of these customers"):
            self.prepare().action_send()
        wizard = self.prepare(self.customer | stranger)
        self.assertEqual(wizard.no_email_text, self.customer.display_name)
        wizard.action_send()
        self.assertEqual(self.statements().partner_id, stranger)

    def test_the_ledger_is_read_once(self):
        """Not while statements of the month wait, and the contacts of all customers at once."""
        customers = self.env['res.partner'].create(
            [
                {
                    'name': f"C{n}",
                    'child_ids': [
                        Command.create(
                            {'name': "I", 'type': 'invoice', 'email': f'c{n}@example.com'}
                        )
                    ],
                }
                for n in range(6)
            ]
        )
        counts = []
        for some in (customers[:2], customers):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            found = self.Statement._find_contacts(some, self.company)
            self.assertEqual(list(found.values()), list(some.child_ids))
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])
        with freeze_time('2025-10-20 09:00:00'):
            self.make_invoice(100)
        self.company.pay_now_statement_monthly = True
        read = []
        ledger = type(self.Statement)._customers_of

        def customers_of(statements, *args):
            read.append(args)
            return ledger(statements, *args)

        with (
            freeze_time('2025-11-03 09:00:00'),
            patch.object(type(self.Statement), '_customers_of', customers_of),
        ):
            self.Statement.sudo()._create_monthly()
            self.assertEqual(self.statements().state, 'waiting')
            self.Statement.sudo()._create_monthly()
            self.assertEqual(len(read), 1)
            self.statements().sudo().state = 'sent'
            self.Statement.sudo()._create_monthly()
            self.assertEqual(len(read), 2)

    def test_every_month(self):
        others = self.env['res.partner'].create(
            [
                {'name': "Quiet", 'email': 'quiet@example.com'},
                {'name': "Paid", 'email': 'paid@example.com'},
                {'name': "Silent"},
            ]
        )
        quiet, paid, silent = others
        with freeze_time('2025-10-20 09:00:00'):
            self.make_invoice(100)
            self.make_invoice(50, partner=silent)
            invoice = self.make_invoice(70, partner=paid)
            self.env['account.payment.register'].with_context(
                active_model='account.move', active_ids=invoice.ids
            ).create({})._create_payments()
        with freeze_time('2025-11-15 09:00:00'):
            self.company.pay_now_statement_monthly = True
            self.assertEqual(self.leave(), [], "from the next month on")
        with freeze_time('2025-12-02 09:00:00'):
            [mail] = self.leave()
            self.assertIn('client@example.com', mail['email_to'][0])
            self.assertEqual(self.leave(), [])
        statement = self.statements()
        self.assertEqual(str(statement.date_from), '2025-11-01')
        self.assertEqual(str(statement.date_to), '2025-11-30')
        self.assertFalse(statement.user_id)
        with freeze_time('2025-12-03 09:00:00'):
            self.assertEqual(self.leave(), [])
        days = {'invoice_date': '2025-12-10', 'invoice_date_due': '2026-01-10'}
        self.make_invoice(10, partner=quiet, **days)
        with freeze_time('2026-01-02 09:00:00'):
            mails = self.leave()
            self.assertEqual(len(mails), 2)
        self.assertEqual(len(self.statements()), 3)
        # Two of one month, whose customers become one: it has got it.
        self.env['base.partner.merge.automatic.wizard']._merge(
            (self.customer | quiet).ids, self.customer, extra_checks=False
        )
        with freeze_time('2026-01-03 09:00:00'):
            self.assertEqual(self.leave(), [])

    def test_what_a_person_sends_again(self):
        """It leaves whatever the hours, and the option; by itself nothing does once that is off."""
        with freeze_time('2025-10-20 09:00:00'):
            self.make_invoice(100)
        self.company.write({'pay_now_statement_monthly': True, 'pay_now_working_days': True})
        read = []
        ledger = self.env.registry['pay.now.customer.ledger']
        read_account = ledger._read_account

        def count(*args):
            read.append(args)
            return read_account(*args)

        # A Saturday, on which nothing leaves by itself.
        with freeze_time('2025-11-01 09:00:00'):
            self.assertEqual(self.leave(), [])
            statement = self.statements()
            self.company.pay_now_statement_monthly = False
        with freeze_time('2025-11-04 09:00:00'):
            self.assertEqual(self.leave(), [])
            self.assertEqual((statement.state, statement.reason), ('canceled', 'off'))
        with freeze_time('2025-11-08 09:00:00'):
            statement.action_send_again()
            [mail] = self.leave(patch.object(ledger, '_read_account', count))
        self.assertEqual(len(read), 1, "what the mail says is what was kept")
        self.assertIn(statement.balance_text, mail['body'])
        self.assertEqual(statement.state, 'sent')

    def test_who_wants_none(self):
        """None leaves by itself to whom company or branch excludes; a person's does."""
        branch, other = self.make_branch(), self.setup_other_company(name="Other")['company']
        customers = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com'} for n in range(4)]
        )
        first, second, third, last = customers
        with freeze_time('2025-10-20 09:00:00'):
            for customer in customers:
                self.make_invoice(10, partner=customer)
        self.company.pay_now_statement_monthly = True
        clerk = new_test_user(
            self.env,
            'pay_now_statement_clerk',
            groups='account.group_account_invoice,base.group_partner_manager',
            company_id=self.company.id,
            company_ids=[Command.set((self.company | branch).ids)],
        )
        seller = new_test_user(
            self.env,
            'pay_now_statement_seller',
            groups='sales_team.group_sale_manager,base.group_partner_manager',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        with self.assertRaises(AccessError):
            first.with_user(seller).pay_now_no_statement = True
        first.with_user(clerk).pay_now_no_statement = True
        second.with_user(clerk).with_company(branch).pay_now_no_statement = True
        third.with_company(other).pay_now_no_statement = True
        self.assertEqual(customers._pay_now_wanting_statements(self.company), third | last)
        self.assertEqual(customers._pay_now_wanting_statements(other), customers - third)
        with freeze_time('2025-11-03 09:00:00'):
            self.Statement.sudo()._create_monthly()
            self.assertEqual(self.statements().partner_id, third | last)
            # Before it has left.
            last.pay_now_no_statement = True
            [mail] = self.leave()
            self.assertIn('c2@example.com', mail['email_to'][0])
            statement = self.statements()[-1]
            self.assertEqual((statement.state, statement.reason), ('canceled', 'unwanted'))
            statement.action_send_again()
            self.prepare(first).action_send()
            self.assertEqual(len(self.leave()), 2)
        # By somebody who may not tick it: of which company ever, the customer wants none.
        wizard = self.env['base.partner.merge.automatic.wizard'].with_user(seller)
        kept = self.customer.with_user(seller)
        wizard._merge((third | self.customer).ids, kept, extra_checks=False)
        self.assertFalse(self.customer._pay_now_wanting_statements(other))
        self.assertTrue(self.customer._pay_now_wanting_statements(self.company))
        wizard._merge((first | self.customer).ids, kept, extra_checks=False)
        self.assertFalse(self.customer._pay_now_wanting_statements(self.company))
        self.assertTrue(self.customer.pay_now_no_statement)
        self.assertTrue(self.customer.with_company(other).pay_now_no_statement)
        self.assertFalse(self.customer.with_company(branch).pay_now_no_statement)

    def test_balances_of_the_first_statements(self):
        """They have two numbers, and are shown as before."""
        euro = self.company.currency_id
        values = {'partner_id': self.customer.id, 'company_id': self.company.id}
        statement = self.Statement.sudo().create(
            {
                **values,
                'date_to': '2025-10-31',
                'balances': [[1234.5, euro.id]],
                'email': 'client@example.com',
            }
        )
        self.assertIn("1,234.50", statement.balance_text)
        self.assertIn("1,234.50", statement.summary_html)
        self.assertNotIn("verdue", statement.summary_html)
        statement.balances = [[1234.5, euro.id, 200]]
        self.env.invalidate_all()
        self.assertIn("200.00", statement.summary_html)

    def test_the_most_a_day(self):
        """Statements count with reminders, and wait for the next day."""
        customers = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com'} for n in range(3)]
        )
        for customer in customers:
            days = {'invoice_date': '2026-01-10', 'invoice_date_due': '2026-01-10'}
            self.make_invoice(10, partner=customer, **days)
        self.company.pay_now_daily_cap = 2
        with freeze_time('2026-03-03 09:00:00'):
            self.prepare(customers).action_send()
            self.assertEqual(len(self.leave()), 2)
            self.assertEqual(self.leave(), [])
            self.assertEqual(self.statements().mapped('state'), ['sent', 'sent', 'waiting'])
            self.assertEqual(self.company._pay_now_left_today(), 0)
            self.assertEqual(self.send(self.generate()), [])
        with freeze_time('2026-03-04 09:00:00'):
            self.assertEqual(len(self.leave()), 1)
            self.assertEqual(self.company._pay_now_left_today(), 1)

    def test_dead_mail_server(self):
        """Nothing is sent twice, a dead server is asked once, all leave when it works."""
        customers = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com'} for n in range(3)]
        )
        for customer in customers:
            self.make_invoice(10, partner=customer)
        self.prepare(customers).action_send()
        asked = []

        def session(connect):
            asked.append(True)
            if len(asked) > 1:
                raise ConnectionRefusedError("nobody there")
            return MailSession(connect)

        first = self.leave(patch.object(pay_now_customer_statement_mail, 'MailSession', session))
        self.assertEqual(len(first), 1)
        self.assertEqual(len(asked), 2)
        self.assertEqual(self.statements().mapped('state'), ['sent', 'waiting', 'waiting'])
        self.assertEqual(self.statements()[1].reason, 'later')
        with freeze_time(fields.Datetime.now() + timedelta(hours=2)):
            rest = self.leave()
        self.assertEqual(len(rest), 2)
        self.assertEqual(set(self.statements().mapped('state')), {'sent'})
        # A worker that died on the way: never again by itself.
        self.statements()[0].sudo().write({'state': 'sending', 'sent_at': '2025-01-01'})
        self.assertEqual(self.leave(), [])
        self.assertEqual(self.statements()[0].state, 'uncertain')
        statement = self.statements()[0]
        message = statement.mail_id.mail_message_id
        values = {
            'bounced_email': statement.email,
            'bounced_message': message,
            'bounced_msg_ids': [message.message_id],
            'bounced_partner': statement.partner_id,
            **dict.fromkeys(('email_from', 'to', 'message_id'), 'mailer@example.com'),
        }
        self.env['mail.thread']._routing_handle_bounce(None, values)
        self.assertEqual((statement.state, statement.reason), ('failed', 'refused'))
        self.assertEqual(statement.contact_id.pay_now_refused_email, statement.email)
        statement.action_send_again()
        self.assertEqual(self.leave(), [], "not to the address that came back")
        self.assertEqual((statement.state, statement.reason), ('failed', 'no_email'))
        statement.partner_id.email = 'another@example.com'
        statement.action_send_again()
        self.assertEqual(len(self.leave()), 1)

    def test_refused_addresses(self):
        """Nothing is written to one again, unless the server refused them all."""
        customers = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com'} for n in range(4)]
        )
        refusal = MailRefusal('address', "550 5.1.1 No such user", 550)

        def refuse(_statement):
            return refusal

        broken = patch.object(type(self.Statement), '_hand_over', refuse)
        self.prepare(customers[0]).action_send()
        self.assertEqual(self.leave(broken), [])
        self.assertEqual(self.statements().problem, refusal.text)
        self.assertEqual(customers[0].pay_now_refused_email, 'c0@example.com')
        self.prepare(customers).action_send()
        self.leave(broken, patch.object(const, 'REFUSED_IN_A_ROW', 2))
        self.assertEqual(self.statements()[1:].mapped('state'), ['failed', 'failed', 'waiting'])
        self.assertTrue(self.statements()[-1].retry_at)
        self.assertFalse(any(customers[1:].mapped('pay_now_refused_email')))
        # Of those that have waited once it is found out as well, and again after each pause.
        others = self.env['res.partner'].create(
            [{'name': f"D{n}", 'email': f'd{n}@example.com'} for n in range(5)]
        )
        self.prepare(others).action_send()
        paused = self.statements().filtered(lambda one: one.partner_id in others)
        paused.sudo().retry_at = fields.Datetime.now() - timedelta(hours=1)
        (self.statements() - paused).sudo().state = 'canceled'
        two = patch.object(const, 'REFUSED_IN_A_ROW', 2)
        self.leave(broken, two)
        self.assertEqual(paused.mapped('state'), ['failed'] * 2 + ['waiting'] * 3)
        self.assertGreater(min(paused[2:].mapped('retry_at')), fields.Datetime.now())
        with freeze_time(fields.Datetime.now() + timedelta(hours=2)):
            self.leave(broken, two)
        self.assertEqual(paused.mapped('state'), ['failed'] * 4 + ['waiting'])
        self.assertFalse(any(others.mapped('pay_now_refused_email')))

    def test_somebody_writes_the_contact(self):
        """What became of the mail is kept, and noted with the contact as soon as they are done."""
        customers = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com'} for n in range(4)]
        )
        Partner, tries = self.env.registry['res.partner'], []

        def busy(name):
            """The first time, somebody else has written the same contact."""
            method = getattr(Partner, name)

            def write(contact, email):
                tries.append((name, contact.id))
                method(contact, email)
                contact.flush_recordset()
                if tries.count((name, contact.id)) == 1:
                    raise psycopg2.errors.SerializationFailure("could not serialize access")

            return patch.object(Partner, name, write)

        broken = patch.object(
            type(self.Statement), '_hand_over', lambda _one: MailRefusal('address', "550 No", 550)
        )
        noting, forgetting = busy('_pay_now_note_refused'), busy('_pay_now_forget_refused')
        self.prepare(customers[0]).action_send()
        self.leave(broken, noting)
        self.assertEqual(self.statements().state, 'failed')
        self.assertEqual(customers[0].pay_now_refused_email, 'c0@example.com')
        self.assertEqual(customers[0].message_bounce, 1)
        self.prepare(customers[1:]).action_send()
        self.leave(broken, noting, forgetting, patch.object(const, 'REFUSED_IN_A_ROW', 2))
        self.assertEqual(self.statements()[1:].mapped('state'), ['failed', 'failed', 'waiting'])
        self.assertFalse(any(customers[1:].mapped('pay_now_refused_email')))
        self.assertEqual(len(tries), 10)

    def test_to_handle(self):
        """What did not arrive waits for a person, until a later one did, or it is dropped."""
        self.make_invoice(100)
        rows = self.env['pay.now.to.handle']
        domain = [('kind', '=', 'statement')]
        self.prepare().action_send()
        broken = patch.object(
            type(self.Statement), '_draw', side_effect=ValueError("The template is broken")
        )
        self.assertEqual(self.leave(broken), [])
        first = self.statements()
        self.assertEqual((first.state, first.reason), ('failed', 'text'))
        row = rows.search(domain)
        self.assertEqual((row.res_id, row.partner_id), (first.id, self.customer))
        self.assertIn(format_date(self.env, first.date_to), row.name)
        self.assertIn("It could not be written – The template is broken", row.name)
        action = row.action_open()
        self.assertEqual((action['res_model'], action['res_id']), (first._name, first.id))
        # Of an earlier day, and of another kind: no statement of that day.
        self.prepare(kind='confirmation').action_send()
        self.prepare(date_to=first.date_to - timedelta(days=1)).action_send()
        self.assertEqual(len(self.leave()), 2)
        self.assertEqual(rows.search(domain).res_id, first.id)
        first.action_drop()
        first.action_drop()
        self.assertEqual(first.state, 'canceled')
        self.assertFalse(rows.search(domain))
        first.action_send_again()
        self.assertEqual(len(self.leave()), 1)
        first.action_drop()
        self.assertEqual(first.state, 'sent', "what left stays as it is")
        first.sudo().write({'state': 'uncertain', 'reason': 'interrupted'})
        row = rows.search(domain)
        self.assertEqual((row.amount, row.currency_id), (100, self.company.currency_id))
        first.action_drop()
        self.assertEqual(first.state, 'uncertain')
        notes = len(self.customer.message_ids)
        (first | self.statements()[-1]).action_arrived()
        first.action_arrived()
        self.assertEqual((first.state, first.reason), ('sent', False))
        self.assertEqual(len(self.customer.message_ids), notes + 1)
        self.assertFalse(rows.search(domain))
        first.sudo().write({'state': 'uncertain', 'reason': 'interrupted'})
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=first.item_ids.move_id.ids
        ).create({})._create_payments()
        self.assertFalse(rows.search(domain), "all of it is paid")
        first.sudo().state = 'failed'
        self.assertTrue(rows.search(domain))
        self.prepare().action_send()
        self.customer.email = False
        self.assertEqual(self.leave(), [])
        last = self.statements()[-1]
        self.assertEqual((last.state, last.reason), ('failed', 'no_email'))
        self.assertEqual(set(rows.search(domain).mapped('res_id')), {first.id, last.id})
        self.customer.email = 'again@example.com'
        last.action_send_again()
        self.assertEqual(len(self.leave()), 1)
        self.assertFalse(rows.search(domain), "a later one has arrived")

    def test_prints(self):
        other = self.env['res.partner'].create({'name': "No mail"})
        wizard = self.prepare(self.customer | other)
        action = wizard.action_print()
        self.assertIn('/web/content/', action['url'])
        self.assertFalse(self.statements())
        with self.assertRaises(UserError):
            self.prepare(date_from='2026-01-02', date_to='2026-01-01').action_print()
