# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
import random
from collections import Counter
from datetime import timedelta

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import pdf

from odoo.addons.account_pay_now.tests.plan.plans import PlansCommon
from odoo.addons.account_pay_now.tests.reminder.reminder_days import START

CUSTOMERS, DAYS, HISTORIES = 4, 60, 3
#: What has to have happened, or nothing was shown of it.
HAPPENED = {
    # Plans, and what becomes of them.
    *('plan asked for', 'plan not to be had', 'accepted', 'refused', 'done', 'missed'),
    # Bank lines.
    *('matched by itself', 'proposed', 'proposal accepted', 'transfer of a part of a plan'),
    # What the platform said, and what reminders were held for.
    *('told refused', 'told disputed', 'told payment_sent', 'told approved'),
    *('held planned', 'held buyer', 'held answered'),
}


@tagged('post_install', '-at_install')
class TestReminderHistory(PlansCommon):
    """Random invoices, payments, transfers, plans, answers, calendars, words of platforms.

    What must hold whatever happens.
    """

    def setUp(self):
        super().setUp()
        self.bank_journal = self.company_data['default_journal_bank']
        self.bank_journal.bank_account_id = self.env['res.partner.bank'].create(
            {
                'acc_number': 'FR7630006000011234567890189',
                'partner_id': self.company.partner_id.id,
                'allow_out_payment': True,
            }
        )

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
            # The machine is off sometimes.
            is_on = dice.random() < 0.85
            with self.at(START + timedelta(days=number)):
                for _event in range(dice.randint(1, 2)):
                    still_open = [one for one in invoices if one.payment_state != 'paid']
                    self.something_happens(dice.choice(still_open or invoices))
                self.parts_arrive()
                if is_on:
                    self.env['pay.now.plan'].sudo()._cron_follow()
            if is_on:
                due = self.due_customers(partners, number)
                self.day(number)
                with self.at(START + timedelta(days=number)):
                    self.print_letters()
                self.check_day(number, due, seen)

    def something_happens(self, invoice):
        event = self.dice.choice(
            [
                *('', 'say', 'say', 'pay', 'part', 'exclude', 'block', 'pending', 'never', 'email'),
                *(
                    'platform',
                    'platform',
                    'handled',
                    'plan',
                    'plan',
                    'transfer',
                    'transfer',
                    'transfer',
                ),
            ]
        )
        if event == 'say':
            self.customer_says(invoice)
        elif event == 'plan':
            self.customer_asks(invoice)
        elif event == 'transfer':
            self.transfer_arrives(invoice)
        elif event in ('pay', 'part') and invoice.payment_state in ('not_paid', 'partial'):
            self.pay(invoice, invoice.amount_residual * (1 if event == 'pay' else 0.5))
        elif event in ('platform', 'handled'):
            self.platform_says(invoice, event == 'handled')
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
            self.leave_alone(invoice.partner_id)
        elif event == 'email':
            partner = invoice.partner_id
            partner.email = not partner.email and f'c{partner.id}@example.com'

    def leave_alone(self, partner):
        """Remind one customer of nothing, or all of them again."""
        customers = self.env['res.partner'].search([('email', 'like', '%@example.com')])
        customers = (customers | partner).with_company(self.company)
        silent = customers.filtered(lambda one: one.pay_now_reminder_mode == 'never')
        if silent:
            silent.pay_now_reminder_mode = 'auto'
        else:
            partner.with_company(self.company).pay_now_reminder_mode = 'never'

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

    def platform_says(self, invoice, is_handled):
        """What the buyer's platform tells of an invoice, or that a person has handled it."""
        if is_handled:
            invoice.action_pay_now_external_handled()
            return
        status = self.dice.choice([False, 'refused', 'disputed', 'approved', 'payment_sent'])
        invoice.sudo().write(
            {'pay_now_external_status': status, 'pay_now_external_at': status and self.now}
        )
        self.happened[f'told {status}'] += 1

    def customer_asks(self, invoice):
        """To pay in parts, where that may be; the accountant answers at once, later or never."""
        page, chosen = invoice.sudo(), set(self.lines(invoice).ids)
        count, rhythm = self.dice.randint(2, 4), self.dice.choice(['weekly', 'monthly'])
        asked = {'item': chosen, 'plan_parts': count, 'plan_rhythm': rhythm}
        try:
            seen = page._pay_now_plan_offer(asked, True).get('seen', '')
            page._pay_now_ask_plan(chosen, count, rhythm, seen)
            self.happened['plan asked for'] += 1
        except ValidationError:
            self.happened['plan not to be had'] += 1
        for plan in self.env['pay.now.plan'].search([('state', '=', 'asked')]):
            answer = self.dice.choice(['accept', 'accept', 'refuse', ''])
            plan.refusal = "Too long"
            # The books may have gone on meanwhile.
            with contextlib.suppress(UserError):
                if answer == 'refuse':
                    plan.action_refuse()
                elif answer == 'accept':
                    plan.action_accept()
                    self.happened['accepted'] += 1

    def transfer_arrives(self, invoice):
        """With a reference that was mailed or is on a page; all of it, or not."""
        reminder, items = self.latest(invoice.partner_id), self.lines(invoice)
        reference = None
        if reminder and self.dice.random() < 0.7:
            items, reference = reminder.item_ids, reminder._pay_now_transfer_reference
        items = items.filtered(lambda item: item.amount_residual > 0)
        for transfer in items._pay_now_transfers(reference):
            amount = transfer['amount'] * self.dice.choice([1, 1, 0.5])
            self.bank_line(transfer, round(amount, 2), items)

    def parts_arrive(self):
        """Whoever agreed to pay in parts mostly does: a part that is due, or all of the rest."""
        for plan in self.env['pay.now.plan'].sudo().search([('state', '=', 'accepted')]):
            if not plan._due_parts() or self.dice.random() < 0.5:
                continue
            share = self.dice.choice([1] * 9 + [plan.left / plan._asked_now()])
            items = plan._own_items()
            for transfer in plan._pay_now_page_values()['transfers']:
                self.bank_line(transfer, round(transfer['amount'] * share, 2), items)

    def bank_line(self, transfer, amount, items):
        """The bank's statement shows a transfer; what is proposed is mostly accepted."""
        line = self.env['account.bank.statement.line'].create(
            {
                'journal_id': self.bank_journal.id,
                'amount': amount,
                'payment_ref': f"VIR SEPA {transfer['reference']}",
                'date': self.now.date(),
            }
        )
        proposal = line.pay_now_transfer_text
        if line.is_reconciled or proposal:
            self.happened['matched by itself' if line.is_reconciled else 'proposed'] += 1
        if proposal and self.dice.random() < 0.7:
            # What the row says is what the button does.
            line.with_context(pay_now_proposal=proposal).action_pay_now_match_transfer()
            self.happened['proposal accepted'] += 1
        if line.is_reconciled:
            self.check_transfer(line, items, amount)

    def check_transfer(self, line, items, amount):
        """All of the money is the customer's, and paid nothing but what it was sent for."""
        paid = line.move_id.line_ids.filtered(
            lambda one: one.account_id.account_type == 'asset_receivable'
        )
        self.assertAlmostEqual(sum(paid.mapped('credit')), amount)
        self.assertEqual(paid.partner_id, items.partner_id)
        self.assertLessEqual(paid.matched_debit_ids.debit_move_id, items)
        plans = items.move_id.sudo().pay_now_plan_item_ids.plan_id
        if 'accepted' in plans.mapped('state'):
            self.happened['transfer of a part of a plan'] += 1

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
        for reminder in run.reminder_ids.filtered(lambda one: one.state == 'held'):
            self.assertTrue(reminder.reason, "no reason")
            self.happened.update(f'held {code}' for code, _values in reminder.reason_codes)
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
            self.check_plans(invoice, day, message)
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

    def check_plans(self, invoice, day, message):
        """Nothing is reminded of while a plan waits, or is kept to: what was due is paid."""
        for plan in invoice.sudo().pay_now_plan_item_ids.plan_id:
            self.assertNotEqual(plan.state, 'asked', message)
            if plan.state == 'accepted':
                due = plan.part_ids.filtered(lambda part: part.date + timedelta(days=3) < day)
                paid = sum(plan.part_ids.mapped('amount')) - plan.left
                self.assertLess(round(paid, 2), round(sum(due.mapped('amount')), 2), message)

    def check_ends(self):
        """What became of the plans is what the books say."""
        plans = self.env['pay.now.plan'].sudo().search([])
        live = plans.filtered(lambda plan: plan.state in ('asked', 'accepted'))
        self.assertEqual(len(live.item_ids), len(live.item_ids.line_id), "two of one item")
        for plan in plans:
            mails = self.mails().filtered(lambda mail, plan=plan: mail.res_id == plan.id)
            self.assertLessEqual(len(mails), len(plan.part_ids) + 2, "its answer, and its end")
            if plan.state == 'done':
                self.assertFalse(sum(plan._own_items().mapped('amount_residual')))
            elif plan.state == 'accepted':
                self.assertGreater(plan.left, 0)
            self.happened[plan.end_reason or plan.state] += 1

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
        self.channels, self.happened = set(), Counter()
        for seed in range(1, 1 + HISTORIES):
            with self.subTest(seed=seed), self.cr.savepoint() as savepoint:
                self.run_history(seed)
                self.check_ends()
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertEqual(self.channels, {'email', 'letter'})
        self.assertFalse(HAPPENED - set(self.happened), self.happened)
