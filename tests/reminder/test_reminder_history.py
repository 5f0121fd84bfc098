# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
import random
from datetime import timedelta

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import pdf

from odoo.addons.account_pay_now.tests.reminder.reminder_days import START, ReminderDaysCommon

CUSTOMERS, DAYS, HISTORIES = 4, 60, 3


@tagged('post_install', '-at_install')
class TestReminderHistory(ReminderDaysCommon):
    """Random invoices, payments, answers and calendars; what must hold whatever happens."""

    def setUp(self):
        super().setUp()

        def draw(report, _ref, ids):
            values = report.env['pay.now.reminder'].browse(ids)._letter_values()
            return {id_: values[id_][1].encode() for id_ in ids}

        self.patch(self.registry['ir.actions.report'], '_pay_now_render_apart', draw)
        self.patch(pdf, 'merge_pdf', b''.join)

    def run_history(self, seed):
        dice = random.Random(seed)
        self.dice = dice
        self.firm.gap_days = dice.randint(3, 20)
        self.last.write({'is_automatic': dice.random() < 0.7, 'gap_days': dice.randint(3, 20)})
        self.levels.repeat = dice.random() < 0.5
        self.company.write(
            {
                'pay_now_working_days': dice.random() < 0.5,
                'pay_now_daily_cap': dice.choice([0, 0, 2]),
                'pay_now_start_level_id': dice.choice([False, self.firm.id]),
            }
        )
        partners = self.make_customers(CUSTOMERS)
        partners.write({'street': "1 rue du Four", 'city': "Lyon"})
        invoices = [
            self.invoice_due(
                dice.randint(-60, DAYS), dice.randint(20, 300), partner=dice.choice(partners)
            )
            for _number in range(3 * CUSTOMERS)
        ]
        seen = set()
        for number in range(DAYS):
            with self.at(START + timedelta(days=number)):
                self.something_happens(dice.choice(invoices))
            # The machine is off sometimes.
            if dice.random() < 0.85:
                due = self.due_customers(partners, number)
                self.day(number)
                with self.at(START + timedelta(days=number)):
                    self.print_letters()
                self.check_day(number, due, seen)

    def something_happens(self, invoice):
        event = self.dice.choice(
            [
                *('', 'say', 'say', 'pay', 'part', 'exclude', 'block', 'pending', 'never', 'email'),
                *('platform', 'handled'),
            ]
        )
        if event == 'say':
            self.customer_says(invoice)
        if event in ('pay', 'part') and invoice.payment_state in ('not_paid', 'partial'):
            self.pay(invoice, invoice.amount_residual * (1 if event == 'pay' else 0.5))
        elif event == 'exclude':
            invoice.write(
                {
                    'pay_now_excluded': True,
                    'pay_now_excluded_until': self.now + timedelta(days=self.dice.randint(0, 20)),
                    'pay_now_excluded_reason': "Discussed",
                }
            )
        elif event == 'block' and invoice.payment_state in ('not_paid', 'blocked'):
            invoice.action_toggle_block_payment()
        elif event == 'pending' and self.lines(invoice) and invoice.payment_state != 'blocked':
            if not self.lines(invoice)._pay_now_in_progress():
                self.checkout(self.lines(invoice), partner=invoice.partner_id)._set_pending()
        elif event == 'never':
            partner = invoice.partner_id.with_company(self.company)
            mode = partner.pay_now_reminder_mode
            partner.pay_now_reminder_mode = 'auto' if mode == 'never' else 'never'

        elif event == 'platform':
            status = self.dice.choice([False, 'refused', 'disputed', 'approved', 'payment_sent'])
            invoice.sudo().write(
                {'pay_now_external_status': status, 'pay_now_external_at': status and self.now}
            )
        elif event == 'handled':
            invoice.action_pay_now_external_handled()
        elif event == 'email':
            partner = invoice.partner_id
            partner.email = not partner.email and f'c{partner.id}@example.com'

    def print_letters(self):
        """On some days, somebody prints what waits, or leaves one of it out."""
        letters = self.env['pay.now.reminder'].search([('state', '=', 'to_print')])
        if letters and self.dice.random() < 0.6:
            letters.action_print_letters()
        elif letters and self.dice.random() < 0.2:
            letters[0].action_drop()

    def customer_says(self, invoice):
        """As on the pay page, where not everything is accepted."""
        kind, days = self.dice.choice([('promise', 9), ('paid', -1), ('problem', 0)])
        day = str((self.now + timedelta(days=days)).date())
        with contextlib.suppress(ValidationError):
            invoice.sudo()._pay_now_answer(kind, set(self.lines(invoice).ids), day, "Something")
        if self.dice.random() < 0.5:
            # Somebody has solved it.
            self.env['pay.now.answer'].search([('kind', '=', 'problem')], limit=1).action_close()

    def due_customers(self, partners, number):
        """Return who has an item that a level has reached, found as simply as can be."""
        day = (START + timedelta(days=number)).date()
        items = self.env['account.move.line'].search(
            [
                ('partner_id', 'in', partners.ids),
                ('display_type', '=', 'payment_term'),
                ('parent_state', '=', 'posted'),
                ('amount_residual', '>', 0),
            ]
        )
        return items.filtered(lambda item: (day - item.date_maturity).days >= 5).partner_id

    def check_day(self, number, due, seen):
        day = (START + timedelta(days=number)).date()
        run = self.env['pay.now.reminder.run'].search([('date', '=', day)])
        if self.company._pay_now_is_working_day(day):
            self.assertFalse(due - run.reminder_ids.partner_id, f"day {number}: forgotten")
        for reminder in run.reminder_ids:
            self.assertTrue(reminder.state != 'held' or reminder.reason, "no reason")
        sent = self.env['pay.now.reminder'].search([('state', '=', 'sent')], order='id')
        for reminder in sent.filtered(lambda one: one.id not in seen):
            seen.add(reminder.id)
            self.channels.add(reminder.channel)
            self.check_mail(number, reminder, sent)

    def check_mail(self, number, reminder, sent):
        day = (START + timedelta(days=number)).date()
        mail = reminder.mail_id.body_html
        if reminder.channel == 'letter':
            mail = reminder.letter_id.raw.decode()
            self.assertNotIn('/pay_now/', mail)
        mentioned = [
            invoice
            for invoice in self.env['account.move'].search(
                [('partner_id', '=', reminder.partner_id.id), ('move_type', '=', 'out_invoice')]
            )
            if invoice.name in mail
        ]
        self.assertTrue(mentioned, "about nothing")
        for invoice in mentioned:
            message = f"day {number}: {invoice.name}"
            self.assertIn(invoice.payment_state, ('not_paid', 'partial'), message)
            self.assertFalse(self.lines(invoice)._pay_now_in_progress(), message)
            until = invoice.pay_now_excluded and invoice.pay_now_excluded_until
            self.assertTrue(not until or until < day, message)
            answers = self.env['pay.now.answer'].search(
                [('item_ids.move_id', '=', invoice.id), ('state', '=', 'open')]
            )
            # As simply as can be: three days of grace after the day that was named.
            for answer in answers:
                self.assertTrue(answer.date and answer.date + timedelta(days=3) < day, message)
            told, handled = invoice.pay_now_external_at, invoice.pay_now_external_handled_at
            if not told or (handled and handled >= told):
                continue
            status = invoice.pay_now_external_status
            self.assertNotIn(status, ('refused', 'disputed'), message)
            if status == 'payment_sent':
                self.assertLess(told.date() + timedelta(days=3), day, message)
        mode = reminder.partner_id.with_company(self.company).pay_now_reminder_mode
        self.assertNotEqual(mode, 'never')
        before = sent.filtered(
            lambda one: one.partner_id == reminder.partner_id and one.sent_at < reminder.sent_at
        )
        if before:
            last = max(before.mapped('sent_at'))
            gap = timedelta(days=reminder.level_id.gap_days)
            self.assertGreaterEqual(reminder.sent_at - last, gap, f"day {number}: too soon")
        self.check_level(reminder, before)

    def check_level(self, reminder, before):
        """No level is left out or gone back to, for what is in both mails."""
        ranks = list(self.levels)
        earlier = before.filtered(lambda one: one.item_ids & reminder.item_ids)
        if earlier:
            highest = max(ranks.index(one.level_id) for one in earlier)
            self.assertLessEqual(highest, ranks.index(reminder.level_id), "gone back")
        reached = max(ranks.index(one.level_id) for one in earlier) + 1 if earlier else 0
        if not self.company.pay_now_start_level_id:
            self.assertLessEqual(ranks.index(reminder.level_id), reached, "left out")

    def test_random_histories(self):
        self.channels = set()
        for seed in range(1, 1 + HISTORIES):
            with self.subTest(seed=seed), self.cr.savepoint() as savepoint:
                self.run_history(seed)
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertEqual(self.channels, {'email', 'letter'})
