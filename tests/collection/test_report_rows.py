# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The rows of *Collection time*, against the same figures added up record by record."""

import random
from collections import defaultdict
from datetime import date, datetime, time, timedelta

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.common import ReminderCommon

TODAY, NOON = date(2026, 6, 15), time(12)
SEED = 20260615
#: Shorter than any list here, so that a page leaves rows out.
PAGE = 4
SENT = ('sent', 'sending', 'uncertain')
#: One reminder at the most is on its way to a customer.
STATES = ('sent', 'sent', 'uncertain', 'failed', 'held')


@tagged('post_install', '-at_install')
class TestReportRows(ReminderCommon):
    """Customers with contacts of their own, paid and open invoices, reminders and answers, some of
    them about invoices that are another customer's by now: whatever a seed makes of it.

    What a report says of a row does not depend on how it was asked: all rows at once as a pivot
    does, or a page as a list does.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(datetime.combine(TODAY, NOON)))
        cls.connect()
        cls.company.write({'pay_now_capital_cost': 12})
        cls.company.sudo().pay_now_signup_date = datetime(2026, 3, 15)
        cls.random = random.Random(SEED)
        cls.customers = cls.env['res.partner'].create(
            [
                {
                    'name': f"Customer {number}",
                    'is_company': True,
                    'email': f'customer{number}@example.com',
                    'child_ids': [Command.create({'name': f"Contact {number}"})],
                }
                for number in range(6)
            ]
        )
        cls.contacts = cls.customers | cls.customers.child_ids
        cls.halves = cls.env['account.payment.term'].create(
            {
                'name': "Halves",
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': days})
                    for days in (0, 45)
                ],
            }
        )
        cls.moves = cls.env['account.move'].union(*(cls.one_invoice() for _number in range(30)))
        cls.items = cls.moves.line_ids.filtered(lambda line: line.display_type == 'payment_term')
        for move in cls.moves[:12]:
            cls.pay_by_transfer(move)
        for move in cls.moves[12:16]:
            cls.pay_online(move)
        cls.pay_by_transfer(cls.moves[16], part=0.5)
        cls.make_invoice(30, move_type='out_refund', partner=cls.customers[0])
        cls.remind()
        cls.answer()
        cls.env.flush_all()

    # === WHAT HAPPENED === #

    @classmethod
    def day(cls, first, last):
        """Return a day so many days from today."""
        return TODAY + timedelta(days=cls.random.randint(first, last))

    @classmethod
    def one_invoice(cls):
        invoiced = cls.day(-500, -1)
        due = invoiced + timedelta(days=cls.random.choice([0, 30, 60]))
        values = {'invoice_date': invoiced, 'invoice_date_due': due}
        if cls.random.random() < 0.3:
            values = {'invoice_date': invoiced, 'invoice_payment_term_id': cls.halves.id}
        return cls.make_invoice(
            cls.random.randint(10, 2000), partner=cls.random.choice(cls.contacts), **values
        )

    @classmethod
    def pay_by_transfer(cls, move, part=1):
        register = cls.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=move.ids
        )
        day = min(move.invoice_date + timedelta(days=cls.random.randint(-5, 90)), TODAY)
        register.create(
            {'payment_date': day, 'amount': round(move.amount_residual * part, 2)}
        )._create_payments()

    @classmethod
    def pay_online(cls, move):
        day = min(move.invoice_date + timedelta(days=cls.random.randint(1, 40)), TODAY)
        with freeze_time(datetime.combine(day, NOON)):
            tx = cls.checkout(cls.lines(move), move.commercial_partner_id)
            cls.current_gateway.pay(tx, commission=str(cls.random.randint(1, 30)))
            tx._synchronize()
            tx._post_process()

    @classmethod
    def remind(cls):
        """Reminders of some of a customer's items, of some of another one's, in any state."""
        levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.env['pay.now.reminder'].sudo().create(
            [
                {
                    'company_id': cls.company.id,
                    'partner_id': cls.random.choice(cls.customers).id,
                    'level_id': cls.random.choice([*levels.ids, False]),
                    'item_ids': [Command.set(cls.random.sample(cls.items.ids, 8))],
                    'amount_due': 100,
                    'state': 'sending' if not number else cls.random.choice(STATES),
                    'sent_at': datetime.combine(cls.day(-400, -1), NOON),
                }
                for number in range(25)
            ]
        )

    @classmethod
    def answer(cls):
        """What some customers said of their items; one of it is over, one is another one's."""
        for number, customer in enumerate(cls.customers[:5]):
            lines = cls.items.filtered(
                lambda line, one=customer: (
                    line.partner_id.commercial_partner_id == one and not line.reconciled
                )
            )
            if not lines:
                continue
            answer = cls.env['pay.now.answer'].create(
                {
                    'partner_id': customer.id,
                    'company_id': cls.company.id,
                    'kind': 'promise',
                    'date': cls.day(1, 20),
                    'item_ids': [Command.set(lines[: 1 + number].ids)],
                }
            )
            if number == 3:
                answer.sudo().until = TODAY - timedelta(days=1)
            if number == 4:
                # As if the invoices had been given to their customer only after that.
                answer.flush_recordset()
                cls.env.cr.execute(
                    SQL(
                        "UPDATE pay_now_answer SET partner_id = %s WHERE id = %s",
                        cls.customers[0].id,
                        answer.id,
                    )
                )
                answer.invalidate_recordset()

    # === ADDED UP BY HAND === #

    @staticmethod
    def customer_of(line):
        return line.partner_id.commercial_partner_id

    def lines_of(self, *conditions):
        return self.env['account.move.line'].search(
            [('company_id', '=', self.company.id), ('parent_state', '=', 'posted'), *conditions]
        )

    def reminded(self, line):
        """Return when a reminder about an item was sent last to its customer, and the level."""
        sent = (
            self.env['pay.now.reminder']
            .sudo()
            .search([('state', 'in', SENT), ('item_ids', 'in', line.ids)])
            .filtered(lambda one: one.partner_id == self.customer_of(line))
        )
        levels = sent.level_id.sorted(lambda level: (level.delay_days, level.id))
        return max(sent.mapped('sent_at'), default=None), levels[-1:].id

    def said(self, line):
        answers = self.env['pay.now.answer'].search(
            [('state', '=', 'open'), ('item_ids', 'in', line.ids)], order='id desc'
        )
        return answers.filtered(
            lambda one: (
                one.partner_id == self.customer_of(line) and (not one.until or one.until >= TODAY)
            )
        )[:1]

    def paid(self):
        """Return what was paid of each item that is settled: `{item: values}`."""
        found = {}
        lines = self.lines_of(('display_type', '=', 'payment_term'), ('reconciled', '=', True))
        for line in lines:
            parts = line.matched_credit_ids.filtered(
                lambda part: part.credit_move_id.journal_id.type in ('bank', 'cash', 'credit')
            )
            if line.journal_id.type != 'sale' or not parts:
                continue
            online, commission = 0, 0
            for part in parts:
                tx = part.credit_move_id.payment_id.payment_transaction_id.sudo()
                if tx.provider_id.code in const.PROVIDER_CODES:
                    online += part.amount
                    commission += tx.pay_now_commission * part.amount / tx.amount
            paid_on = max(parts.credit_move_id.mapped('date'))
            found[line] = {
                'paid_on': paid_on,
                'days_late': (paid_on - line.date_maturity).days,
                'amount': sum(parts.mapped('amount')),
                'online_amount': online,
                'commission': commission,
            }
        return found

    def habits(self):
        """Return how late customers paid in the last twelve months: `{customer: days}`."""
        days = defaultdict(list)
        for line, values in self.paid().items():
            if values['paid_on'] > TODAY.replace(year=TODAY.year - 1):
                days[self.customer_of(line)].append(values['days_late'])
        return {customer: sum(late) / len(late) for customer, late in days.items()}

    def due_by_hand(self):
        habits = self.habits()
        usual = sum(habits.values()) / len(habits)
        rows = {}
        for line in self.lines_of(
            ('account_id.account_type', '=', 'asset_receivable'), ('reconciled', '=', False)
        ):
            if not line.amount_residual:
                continue
            due = line.date_maturity or line.date
            late = habits.get(self.customer_of(line), usual)
            # As PostgreSQL rounds: halves away from zero.
            late = int(abs(late) + 0.5) * (-1 if late < 0 else 1)
            sent_at, level = self.reminded(line)
            rows[line.id] = {
                'partner_id': self.customer_of(line).id,
                'move_id': line.move_id.id,
                'amount_residual': line.amount_residual,
                'date_maturity': due,
                'days_late': (TODAY - due).days,
                'last_reminder': sent_at,
                'level_id': level,
                'application': 'accounting',
                'expected_date': max(TODAY, self.said(line).date or due + timedelta(days=late)),
            }
        return rows

    def paid_by_hand(self):
        paid = self.paid()
        otherwise = defaultdict(list)
        for line, values in paid.items():
            if not values['online_amount']:
                otherwise[self.customer_of(line)].append(values['days_late'])
        rows = {}
        for line, values in paid.items():
            others = values['online_amount'] and otherwise[self.customer_of(line)]
            saved = sum(others) / len(others) - values['days_late'] if others else 0
            worth = values['online_amount'] * saved * 12 / 36500
            rows[line.id] = {
                **values,
                'partner_id': self.customer_of(line).id,
                'level_id': self.reminded(line)[1],
                'is_compared': bool(others),
                'days_saved': saved,
                'saved': worth,
                'gain': worth - values['commission'] if others else 0,
            }
        return rows

    def chase_by_hand(self):
        habits = self.habits()
        open_items = defaultdict(list)
        for line in self.lines_of(
            ('display_type', '=', 'payment_term'), ('reconciled', '=', False)
        ):
            if line.move_id.move_type == 'out_invoice' and line.amount_residual > 0:
                open_items[self.customer_of(line)].append(line)
        rows = {}
        for customer, lines in open_items.items():
            late = [line for line in lines if line.date_maturity < TODAY]
            if not late:
                continue
            reminded = [self.reminded(line) for line in lines]
            levels = self.env['pay.now.reminder.level'].browse(
                level for _sent_at, level in reminded if level
            )
            answers = self.env['pay.now.answer'].union(*map(self.said, lines))
            rows[min(line.id for line in lines)] = {
                'partner_id': customer.id,
                'overdue_amount': sum(line.amount_residual for line in late),
                'due_amount': sum(line.amount_residual for line in lines),
                'invoice_count': len({line.move_id for line in late}),
                'oldest_date': min(line.date_maturity for line in lines),
                'last_reminder': max((sent for sent, _level in reminded if sent), default=None),
                'level_id': levels.sorted(lambda level: (level.delay_days, level.id))[-1:].id,
                'answer_date': answers.sorted('id')[-1:].date,
                'is_waiting': all(self.said(line) for line in late),
                'has_paid': customer in habits,
                'usual_days_late': habits.get(customer, 0),
            }
        return rows

    def reminders_by_hand(self):
        """A payment counts with the last reminder about its item of the same day or before."""
        sent = self.env['pay.now.reminder'].sudo().search([('company_id', '=', self.company.id)])
        sent = sent.filtered(lambda one: one.state == 'sent').sorted(
            lambda one: (one.sent_at.date(), one.id)
        )
        rows = {
            one.id: {'partner_id': one.partner_id.id, 'paid': 0, 'paid_online': 0, 'paid_30': 0}
            for one in sent
        }
        parts = self.items.matched_credit_ids.filtered(
            lambda part: part.credit_move_id.journal_id.type in ('bank', 'cash', 'credit')
        )
        for part in parts:
            line, day = part.debit_move_id, part.credit_move_id.date
            last = sent.filtered(
                lambda one, line=line, day=day: (
                    line in one.item_ids
                    and one.partner_id == self.customer_of(line)
                    and one.sent_at.date() <= day
                )
            )[-1:]
            if last:
                row = rows[last.id]
                row['paid'] += part.amount
                row['paid_online'] += part.amount * (line.move_id in self.moves[12:16])
                row['paid_30'] += part.amount * ((day - last.sent_at.date()).days <= 30)
        return rows

    # === COMPARED === #

    def plain(self, value):
        """Return a value as SQL and the ORM have it alike: nothing is 0, an amount has cents."""
        if hasattr(value, 'ids'):
            value = value.id
        return round(float(value), 4) if isinstance(value, (int, float)) else value or 0

    def assert_rows(self, name, expected):
        """Compare a report with what was added up, all rows at once and page by page."""
        Report = self.env[f'pay.now.{name}.report']
        self.assertGreater(len(expected), PAGE)
        columns = list(next(iter(expected.values())))
        expected = {
            key: {column: self.plain(value) for column, value in values.items()}
            for key, values in expected.items()
        }
        own = [('company_id', '=', self.company.id)]
        query = Report._search(own)
        terms = [SQL.identifier(Report._table, column) for column in ('id', *columns)]
        rows = {
            key: {
                column: self.plain(float(value) if hasattr(value, 'quantize') else value)
                for column, value in zip(columns, values, strict=True)
            }
            for key, *values in self.env.execute_query(query.select(*terms))
        }
        self.assertEqual(rows, expected, f"all rows, seed {SEED}")
        found = {}
        for offset in range(0, len(expected), PAGE):
            self.env.invalidate_all()
            for row in Report.search_fetch(own, columns, offset=offset, limit=PAGE):
                found[row.id] = {column: self.plain(row[column]) for column in columns}
        self.assertEqual(found, expected, f"page by page, seed {SEED}")
        # The pages have the order of the whole.
        self.assertEqual(list(found), Report.search(own).ids)
        for key, values in expected.items():
            self.env.invalidate_all()
            row = Report.browse(key)
            self.assertEqual({one: self.plain(row[one]) for one in columns}, values)

    def test_due(self):
        self.assert_rows('due', self.due_by_hand())

    def test_paid(self):
        rows = self.paid_by_hand()
        self.assertTrue(any(values['is_compared'] for values in rows.values()))
        self.assert_rows('paid', rows)

    def test_chase(self):
        self.assert_rows('chase', self.chase_by_hand())

    def test_reminders(self):
        rows = self.reminders_by_hand()
        self.assertTrue(any(values['paid'] for values in rows.values()))
        self.assert_rows('reminder', rows)

    def test_invoices(self):
        """The columns in a list of invoices, all at once."""
        for move in self.moves:
            lines = move.line_ids.filtered(lambda line: line.display_type == 'payment_term')
            self.assertEqual(
                move.pay_now_last_reminder or None,
                max((sent for sent, _level in map(self.reminded, lines) if sent), default=None),
            )
            self.assertEqual(
                move.pay_now_promised_for,
                min(filter(None, (self.said(line).date for line in lines)), default=False),
            )
        self.assertEqual(self.moves.filtered('pay_now_paid_online'), self.moves[12:16])

    def test_a_page_of_a_seller(self):
        """A page has no row that the rules keep from whoever asks, whosever invoices these are."""
        seller = new_test_user(
            self.env,
            'rows_seller',
            groups='sales_team.group_sale_salesman',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.moves.invoice_user_id = self.env.user
        own = self.moves[::3]
        own.invoice_user_id = seller
        self.env.flush_all()
        for name, columns in (
            ('due', ['move_id', 'level_id', 'expected_date']),
            ('paid', ['move_id', 'level_id', 'days_saved']),
        ):
            self.env.invalidate_all()
            Report = self.env[f'pay.now.{name}.report'].with_user(seller)
            rows = Report.search_fetch([], columns)
            self.assertTrue(rows)
            self.assertLessEqual(rows.sudo().move_id, own)
            self.assertFalse(Report.search_fetch([('move_id', 'in', (self.moves - own).ids)]))
