# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.statement.test_statement_sending import blank_page


class InterestCommon(ReminderCommon):
    """A company with terms of its own: 10, 12 and 8 percent a year, and 40 euros."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.customer.is_company = True
        cls.Rate = cls.env['pay.now.interest.rate']
        cls.rates = cls.Rate.create(
            [
                {'date_from': day, 'rate': rate, 'fixed_sum': 40}
                for day, rate in (('2024-01-01', 10), ('2024-07-01', 12), ('2025-01-01', 8))
            ]
        )
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.levels[0].state_interest = True

    @classmethod
    def late(cls, amount=1000.0, due='2024-06-20', **values):
        """Return an item that was due on a day."""
        invoice = cls.make_invoice(
            amount, **{'invoice_date': due, 'invoice_date_due': due, **values}
        )
        return cls.lines(invoice)

    @classmethod
    def pay(cls, line, amount, day):
        cls.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=line.move_id.ids
        ).create(
            {'amount': amount, 'payment_date': day, 'payment_difference_handling': 'open'}
        )._create_payments()

    def figures(self, line, until):
        """Return days, interest and indemnity of an item; nothing where none is reckoned."""
        found = line._pay_now_interest(until).get(line)
        return found and (found['days'], found['interest'], found['indemnity'])

    def remind(self):
        """Send a reminder at the first level; return it and its mail."""
        run = self.generate()
        [mail] = self.send(run)
        return run.reminder_ids, mail


@tagged('post_install', '-at_install')
class TestInterest(InterestCommon):
    """Interest by hand, what reminders say of it, and the debit note."""

    def test_three_rates(self):
        """10 days at 10 %, 184 at 12 %, 31 at 8 % of 1000: 2.7397 + 60.4932 + 6.7945."""
        line = self.late()
        self.assertEqual(self.figures(line, date(2025, 1, 31)), (225, 70.03, 40))
        parts = line._pay_now_interest(date(2025, 1, 31))[line]['parts']
        self.assertEqual(
            [(one['days'], one['rate'], round(one['interest'], 4)) for one in parts],
            [(10, 10, 2.7397), (184, 12, 60.4932), (31, 8, 6.7945)],
        )
        self.assertFalse(self.figures(line, date(2024, 6, 20)), "due on the day itself")
        self.assertEqual(self.figures(line, date(2024, 6, 21)), (1, 0.27, 40))

    def test_leap_year(self):
        """28 and 29 February, 1 and 2 March: four days of 365."""
        line = self.late(due='2024-02-27')
        self.assertEqual(self.figures(line, date(2024, 3, 2)), (4, 1.1, 40))

    def test_part_payments(self):
        """1000 for 5 days, 600 for 10 days, 100 to the end: 1.37 + 1.64 + 0.14 at 10 %."""
        line = self.late(due='2024-03-01')
        self.pay(line, 400, '2024-03-06')
        self.pay(line, 500, '2024-03-16')
        self.assertEqual(self.figures(line, date(2024, 3, 21)), (20, 3.15, 40))
        # Paid late: until it was paid, and no day more.
        self.pay(line, 100, '2024-03-21')
        self.assertTrue(line.reconciled)
        self.assertEqual(self.figures(line, date(2024, 12, 31)), (20, 3.15, 40))
        in_time = self.late(due='2024-03-01', invoice_date='2024-02-01')
        self.pay(in_time, 1000, '2024-02-20')
        self.assertFalse(self.figures(in_time, date(2024, 12, 31)))
        partly = self.late(due='2024-03-01', invoice_date='2024-02-01')
        self.pay(partly, 900, '2024-02-20')
        self.assertEqual(self.figures(partly, date(2024, 3, 11)), (10, 0.27, 40))

    def test_paid_without_entry(self):
        """Nothing runs on while money is on its way, or there and not booked yet."""
        line, until = self.late(), date(2024, 6, 30)
        payment = self.env['account.payment'].create(
            {
                'payment_type': 'inbound',
                'partner_id': self.customer.id,
                'amount': 1000,
                'invoice_ids': line.move_id.ids,
            }
        )
        # As Odoo has it where Accounting is installed.
        payment.outstanding_account_id = False
        payment.action_post()
        self.assertEqual((line.move_id.payment_state, line.reconciled), ('paid', False))
        self.assertFalse(self.figures(line, until))
        other = self.late()
        tx = self.checkout(other)
        self.assertTrue(self.figures(other, until), "only opened")
        tx.state = 'pending'
        self.assertFalse(self.figures(other, until))

    def test_credited(self):
        """What was credited was never owed."""
        line = self.late(due='2024-03-01')
        line.move_id._reverse_moves([{'invoice_date': date(2024, 5, 1)}], cancel=True)
        self.assertFalse(self.figures(line, date(2024, 6, 1)))

    def test_left_out(self):
        """Consumers, other currencies, days without a rate, debit notes."""
        line, until = self.late(), date(2024, 6, 30)
        self.assertTrue(self.figures(line, until))
        self.customer.is_company = False
        self.assertFalse(self.figures(line, until), "a consumer")
        self.customer.vat = 'FR23334175221'
        self.assertTrue(self.figures(line, until), "a sole trader")
        self.customer.write({'vat': 'ES00000000T', 'country_id': self.env.ref('base.es').id})
        self.assertFalse(self.figures(line, until), "a person's number in Spain")
        self.customer.is_company = True
        self.assertTrue(self.figures(line, until), "a company in Spain")
        self.assertFalse(self.figures(self.late(due='2023-12-20'), until), "no rate in December")
        dollar = self.env.ref('base.USD')
        dollar.active = True
        foreign = self.late(currency_id=dollar.id)
        self.assertFalse(self.figures(foreign, until), "another currency")
        self.rates[0].currency_id = dollar
        self.assertEqual(self.figures(line, until), (10, 2.74, 0), "no sum in another currency")
        self.rates[0].date_to = date(2024, 6, 25)
        self.assertFalse(self.figures(line, until), "nothing is guessed")

    def test_rates_of_the_law(self):
        """Own rates, else those of the country; of a branch its company's."""
        self.assertEqual(self.Rate._of(self.company), self.rates)
        self.assertEqual(self.Rate._of(self.make_branch()), self.rates)
        self.rates.unlink()
        law = self.Rate._of(self.company)
        self.assertFalse(law.company_id)
        self.assertEqual(
            [
                self.Rate._on(self.company, date(*day)).rate
                for day in ((2022, 7, 1), (2023, 7, 1), (2024, 12, 31), (2025, 7, 1), (2026, 1, 1))
            ],
            [10, 14, 14.25, 12.15, 0],
        )
        manager = new_test_user(
            self.env,
            'pay_now_rates',
            groups='account.group_account_manager',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        rates = self.Rate.with_user(manager)
        mine = rates.create({'date_from': '2026-01-01', 'rate': 9})
        self.assertEqual(mine.company_id, self.company)
        for call in (
            lambda: law[:1].with_user(manager).write({'rate': 1}),
            lambda: rates.create({'date_from': '2026-01-01', 'rate': 9, 'company_id': False}),
        ):
            with self.assertRaises(AccessError):
                call()

    def test_instalments(self):
        """The fixed sum once for an invoice, each item by its own days."""
        invoice = self.make_invoice(
            1000,
            invoice_date='2024-02-01',
            invoice_date_due=False,
            invoice_payment_term_id=self.term.id,
        )
        first, second = self.lines(invoice)
        found = (first | second)._pay_now_interest(date(2024, 3, 12))
        self.assertEqual(found[first]['indemnity'] + found[second]['indemnity'], 40)
        self.assertEqual((found[first]['days'], found[second]['days']), (40, 10))
        self.assertEqual((found[first]['interest'], found[second]['interest']), (3.29, 1.92))

    # === REMINDERS === #

    def test_reminder(self):
        line = self.late()
        with freeze_time('2025-01-31 10:00:00'):
            reminder, mail = self.remind()
            letter = reminder._letter_values()[reminder.id][1]
        self.assertEqual(reminder.amount_due, 1000)
        for words in (
            "225 days late",
            "70.03",
            "40.00",
            "110.03",
            "L441-10",
            "(10.00 / 12.00 / 8.00 %",
        ):
            self.assertIn(words, mail['body'])
            self.assertIn(words, letter, "on paper, too")
        self.assertNotIn("1,110.03", mail['body'])
        self.assertIn("1,000.00", mail['subject'])
        self.assertTrue(reminder.states_interest)
        # A level before the first that is ticked says nothing, nor does a mail to a consumer.
        self.levels[0].state_interest = False
        self.levels[1].state_interest = True
        self.assertEqual(self.levels._stating_interest(), self.levels[1:])
        self.env.invalidate_all()
        with freeze_time('2025-01-31 10:00:00'):
            self.assertNotIn("L441-10", reminder.with_context(lang='en_US').items_html)
            self.levels[0].state_interest = True
            self.env.invalidate_all()
            self.assertIn("L441-10", reminder.with_context(lang='en_US').items_html)
            self.customer.is_company = False
            self.env.invalidate_all()
            self.assertNotIn("L441-10", reminder.with_context(lang='en_US').items_html)
        self.assertTrue(line)

    def test_as_many_queries_for_many_customers(self):
        customers = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com', 'is_company': True} for n in range(6)]
        )
        for customer in customers:
            self.pay(self.late(partner=customer), 100, '2024-07-10')
        with freeze_time('2025-01-31 10:00:00'):
            reminders = self.generate().reminder_ids

            def count(some):
                """Return the queries for what the mails state, once all else is known."""
                self.env.flush_all()
                self.env.invalidate_all()
                items = {one: one._open_items() for one in some}
                lines = self.env['account.move.line'].union(*items.values())
                before = self.cr.sql_log_count
                telling = some._telling_interest()
                values = telling._interest_values(items, lines._pay_now_due_labels(), {})
                self.assertEqual(len(values), len(some))
                return self.cr.sql_log_count - before

            count(reminders)
            self.assertLessEqual(count(reminders), count(reminders[:2]))

    def test_level_says_that_a_rate_is_missing(self):
        level = self.levels[0]
        self.assertFalse(level.text_problem)
        self.rates[2].date_to = '2025-06-30'
        self.env.invalidate_all()
        self.assertIn("no rate for today", level.text_problem)
        # So does the question before a run leaves, and what the set-up and the settings warn of.
        run, company = self.env['pay.now.reminder.run'], self.company
        self.late()
        drafts = Domain('id', 'in', self.generate().reminder_ids.ids)
        self.assertIn("no rate for today", ' '.join(run._text_warnings(drafts)))
        warning = company._pay_now_warnings()['interest_rate']
        self.assertEqual(warning['action']['res_model'], 'pay.now.interest.rate')
        self.assertIn('interest_rate', self.make_branch()._pay_now_warnings())
        clerk = new_test_user(self.env, 'pay_now_no_rates', groups='account.group_account_invoice')
        self.assertNotIn(
            'action', company.with_user(clerk).sudo()._pay_now_warnings()['interest_rate']
        )
        self.rates[2].date_to = False
        self.env.invalidate_all()
        self.assertNotIn('interest_rate', company._pay_now_warnings())
        self.assertFalse(run._text_warnings(drafts))

    def test_what_left_is_what_was_stated(self):
        """Whatever the levels have later, by mail and by letter."""
        self.late()
        self.levels[0].state_interest = False
        with freeze_time('2025-01-31 10:00:00'):
            silent, _mail = self.remind()
            self.levels[0].state_interest = True
            self.env.invalidate_all()
            self.assertFalse(silent.states_interest)
            with self.assertRaisesRegex(UserError, "nothing to book"):
                self.open_wizard(silent)
        self.env['pay.now.reminder'].sudo().search([]).sent_at = '2024-01-01'
        self.customer.email = False
        self.customer.write({'street': "1 rue du Four", 'zip': '69001', 'city': "Lyon"})
        with freeze_time('2025-02-28 10:00:00'):
            run = self.generate()
            run.action_send()
            letter = run.reminder_ids
            with patch.object(
                self.registry['ir.actions.report'],
                '_pay_now_render_apart',
                lambda _report, _ref, ids, _data=None: dict.fromkeys(ids, blank_page()),
            ):
                run.action_print_letters()
            self.assertEqual((letter.state, letter.channel), ('sent', 'letter'))
            self.levels.state_interest = False
            self.env.invalidate_all()
            self.assertTrue(letter.states_interest)
            self.assertTrue(self.open_wizard(letter).line_ids)

    def test_days_without_a_rate(self):
        """Said of what is left out for it: in the window, or where nothing else is there."""
        line, paid = self.late(), self.late(500)
        with freeze_time('2025-01-31 10:00:00'):
            reminder, _mail = self.remind()
            self.assertFalse(self.open_wizard(reminder).left_out_text)
        self.pay(paid, 500, '2025-01-31')
        self.rates[2].date_to = '2025-01-31'
        with freeze_time('2025-03-01 10:00:00'):
            wizard = self.open_wizard(reminder)
            self.assertEqual(wizard.line_ids.line_id, paid)
            self.assertIn(f"{line.move_id.name} is left out", wizard.left_out_text)
            wizard.action_book()
            with self.assertRaisesRegex(UserError, "some of its days is missing"):
                self.open_wizard(reminder)

    # === DEBIT NOTE === #

    def open_wizard(self, reminder):
        action = reminder.action_book_interest()
        return self.env['pay.now.book.interest'].browse(action['res_id'])

    def test_debit_note(self):
        line = self.late()
        with freeze_time('2025-01-31 10:00:00'):
            reminder, _mail = self.remind()
            reminder.sudo().state = 'failed'
            with self.assertRaises(UserError):
                self.open_wizard(reminder)
            reminder.sudo().state = 'sent'
            wizard = self.open_wizard(reminder)
            self.assertEqual(wizard.total, 110.03)
            again = self.open_wizard(reminder)
            note = self.env['account.move'].browse(wizard.action_book()['res_id'])
            self.assertRecordValues(
                note,
                [
                    {
                        'move_type': 'out_invoice',
                        'state': 'draft',
                        'partner_id': self.customer.id,
                        'amount_total': 110.03,
                        'amount_tax': 0,
                    }
                ],
            )
            self.assertEqual(reminder.interest_ids.debit_move_id, note)
            self.assertEqual(reminder.action_debit_notes()['domain'], [('id', 'in', note.ids)])
            for one in (wizard, again):
                with self.assertRaises(UserError):
                    one.action_book()
            with self.assertRaises(UserError):
                self.open_wizard(reminder)
            note.invoice_date_due = '2025-01-31'
            note.action_post()
        # Ten days later: ten days, and no indemnity; nothing of the debit note itself.
        with freeze_time('2025-02-10 10:00:00'):
            self.assertEqual(self.figures(line, date(2025, 2, 10)), (235, 2.19, 0))
            self.assertFalse(self.lines(note)._pay_now_interest(date(2025, 2, 10)))
            note.button_draft()
            note.button_cancel()
            self.assertEqual(self.figures(line, date(2025, 2, 10))[2], 40, "cancelled: not booked")
        with self.assertRaises(UserError):
            self.env['pay.now.interest'].search([]).copy()

    def test_debit_note_that_comes_back(self):
        """Cancelled or credited its days are free; booked anew, the old one does not come back."""
        line = self.late()
        with freeze_time('2025-01-31 10:00:00'):
            reminder, _mail = self.remind()

            def book():
                return self.env['account.move'].browse(
                    self.open_wizard(reminder).action_book()['res_id']
                )

            first = book()
            first.button_cancel()
            first.button_draft()
            first.button_cancel()
            second = book()
            with self.assertRaisesRegex(UserError, "booked anew"):
                first.button_draft()
            self.assertEqual(first.state, 'cancel')
            second.action_post()
            second._reverse_moves([{'invoice_date': date(2025, 1, 31)}], cancel=True)
            self.assertEqual(second.payment_state, 'reversed')
            self.assertEqual(self.figures(line, date(2025, 1, 31)), (225, 70.03, 40))
            third = book()
            for gone in (first, second, second.reversal_move_ids):
                with self.assertRaisesRegex(UserError, "booked anew"):
                    gone.button_draft()
            third.button_cancel()
            first.button_draft()
            self.assertFalse(self.figures(line, date(2025, 1, 31)))

    def test_whose_it_is_as_it_is_booked(self):
        line = self.late()
        with freeze_time('2025-01-31 10:00:00'):
            reminder, _mail = self.remind()
            wizard = self.open_wizard(reminder)
            line.move_id.button_draft()
            line.move_id.partner_id = self.env['res.partner'].create(
                {'name': "Meunier", 'is_company': True}
            )
            line.move_id.action_post()
            self.assertTrue(line.exists())
            with self.assertRaisesRegex(UserError, "changed meanwhile"):
                wizard.action_book()

    def test_debit_note_of_some(self):
        """What is paid late is booked, too; what changed meanwhile is not."""
        self.late()
        paid = self.late(500, due='2024-12-31')
        with freeze_time('2025-01-31 10:00:00'):
            reminder, _mail = self.remind()
            self.pay(paid, 500, '2025-01-31')
            wizard = self.open_wizard(reminder)
            self.assertEqual(len(wizard.line_ids), 2)
            kept = wizard.line_ids.filtered(lambda one: one.line_id == paid)
            (wizard.line_ids - kept).is_chosen = False
            self.assertEqual(wizard.total, 43.4)
            with self.assertRaises(AccessError):
                kept.with_user(self.clerk()).interest = 1
            self.pay_undone(paid)
            self.pay(paid, 500, '2025-01-10')
            with self.assertRaisesRegex(UserError, "changed meanwhile"):
                wizard.action_book()

    def clerk(self):
        return new_test_user(
            self.env,
            'pay_now_interest_clerk',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def pay_undone(self, line):
        payments = line.matched_credit_ids.credit_move_id.payment_id
        payments.action_draft()
        payments.unlink()

    def test_who_may_book(self):
        self.late()
        with freeze_time('2025-01-31 10:00:00'):
            reminder, _mail = self.remind()
            clerk = self.clerk()
            wizard = (
                self.env['pay.now.book.interest']
                .with_user(clerk)
                .browse(reminder.with_user(clerk).action_book_interest()['res_id'])
            )
            self.assertEqual(wizard.line_ids.mapped('interest'), [70.03])
            with self.assertRaises(AccessError):
                wizard.line_ids.interest = 5000
            with self.assertRaises(AccessError):
                wizard.partner_id = clerk.partner_id
            with self.assertRaises(AccessError):
                self.env['pay.now.book.interest'].with_user(self.env.user).browse(
                    wizard.id
                ).with_user(self.other_clerk()).action_book()
            note = self.env['account.move'].browse(wizard.action_book()['res_id'])
            self.assertEqual(note.create_uid, clerk)

    def other_clerk(self):
        return new_test_user(
            self.env,
            'pay_now_other_clerk',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
