# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The figures of *Collection time* on a year counted by hand, and who sees them."""

from dataclasses import replace
from datetime import date, datetime, timezone

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command, Domain
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.common import ReminderCommon

#: All of it is seen on this day.
TODAY = datetime(2026, 6, 15, 12, 0)


@tagged('post_install', '-at_install')
class TestCollectionReports(ReminderCommon):
    """Two customers of a company that sold for five months. What is written in the tests follows
    from this table with a pencil, not with the code.

    ======= ======== ========== ========== ======= ===================== ==================
    invoice customer invoiced   due        amount  paid                  how
    ======= ======== ========== ========== ======= ===================== ==================
    A       Boulange 2026-02-01 2026-03-03     300 2026-03-13 (10 late)  transfer
    B       Boulange 2026-03-01 2026-03-31     600 2026-04-20 (20 late)  transfer
    C       Boulange 2026-04-01 2026-05-01   1,000 2026-05-06 (5 late)   online, fee 14.60
    D       Boulange 2026-05-01 2026-05-31     400
    E       Traiteur 2026-01-10 2026-02-09     200
    F       Traiteur 2026-06-01 2026-07-01     900
    G       Traiteur 2026-03-20 2026-04-19     500 200 on 2026-05-10
    ======= ======== ========== ========== ======= ===================== ==================
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(TODAY))
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        # As counted by hand: 12 % a year.
        cls.company.write({'pay_now_capital_cost': 12})
        cls.company.sudo().pay_now_signup_date = datetime(2026, 3, 15)
        cls.other = cls.env['res.partner'].create(
            {'name': "Traiteur", 'email': 'traiteur@example.com', 'phone': '+33 1 00 00 00 00'}
        )
        table = {
            'A': (cls.customer, '2026-02-01', '2026-03-03', 300),
            'B': (cls.customer, '2026-03-01', '2026-03-31', 600),
            'C': (cls.customer, '2026-04-01', '2026-05-01', 1000),
            'D': (cls.customer, '2026-05-01', '2026-05-31', 400),
            'E': (cls.other, '2026-01-10', '2026-02-09', 200),
            'F': (cls.other, '2026-06-01', '2026-07-01', 900),
            'G': (cls.other, '2026-03-20', '2026-04-19', 500),
        }
        cls.moves = {
            name: cls.make_invoice(
                amount, partner=partner, invoice_date=invoiced, invoice_date_due=due
            )
            for name, (partner, invoiced, due, amount) in table.items()
        }
        cls.reminders = {
            'C': cls.remind_about('C', '2026-05-02'),
            # The payment comes after both, and counts with the second one.
            'B1': cls.remind_about('B', '2026-04-02'),
            'B2': cls.remind_about('B', '2026-04-15', level=1),
            'D': cls.remind_about('D', '2026-06-10'),
        }
        cls.pay_by_transfer('A', '2026-03-13')
        cls.pay_by_transfer('B', '2026-04-20')
        cls.pay_by_transfer('G', '2026-05-10', 200)
        cls.pay_online('C', datetime(2026, 5, 6, 10), '14.60')

    @classmethod
    def remind_about(cls, name, day, level=0, **values):
        """Return a reminder about an invoice that left on a day."""
        move = cls.moves[name]
        levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        lines = move.line_ids.filtered(lambda line: line.display_type == 'payment_term')
        return (
            cls.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': cls.company.id,
                    'partner_id': move.partner_id.id,
                    'level_id': levels[level].id,
                    'item_ids': [Command.set(lines.ids)],
                    'amount_due': move.amount_total,
                    'state': 'sent',
                    'sent_at': f'{day} 08:00:00',
                    'has_button': True,
                    **values,
                }
            )
        )

    @classmethod
    def pay_by_transfer(cls, name, day, amount=None):
        cls.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=cls.moves[name].ids
        ).create({'payment_date': day, **({'amount': amount} if amount else {})})._create_payments()

    @classmethod
    def pay_online(cls, name, moment, commission):
        with freeze_time(moment):
            tx = cls.checkout(cls.lines(cls.moves[name]))
            tx.pay_now_page_url = cls.reminders[name]._pay_now_path()
            cls.current_gateway.pay(tx, commission=commission)
            tx._synchronize()
            tx._post_process()
        cls.tx = tx

    def report(self, name, domain=(), groupby=(), aggregates=(), user=None):
        """Return a pivot of a report, of this company, as plain values."""
        model = self.env[f'pay.now.{name}.report']
        model = model.with_user(user) if user else model
        rows = model._read_group(
            Domain('company_id', '=', self.company.id) & Domain(list(domain)), groupby, aggregates
        )
        return [
            tuple(
                value.display_name
                if hasattr(value, 'display_name')
                else round(value, 2)
                if isinstance(value, float)
                else value
                for value in row
            )
            for row in rows
        ]

    # === DUE ITEMS === #

    def test_due_by_age(self):
        """D 15 days late, G 57, E 126, F not due; the transfer of nobody counts as well."""
        self.assertEqual(
            self.report('due', groupby=['age'], aggregates=['amount_residual:sum']),
            [('0_not_due', 900), ('1_30', 400), ('31_60', 300), ('91_more', 200)],
        )
        self.assertEqual(
            self.report('due', groupby=['partner_id', 'age'], aggregates=['amount_residual:sum']),
            [
                ('Boulanger', '1_30', 400),
                ('Traiteur', '0_not_due', 900),
                ('Traiteur', '31_60', 300),
                ('Traiteur', '91_more', 200),
            ],
        )
        self.assertEqual(
            self.report('due', groupby=['level_id', 'application'], aggregates=['__count']),
            [('Friendly reminder', 'accounting', 1), (False, 'accounting', 3)],
        )

    def test_ages_begin_and_end(self):
        """The due date itself is not late; 30 and 90 days are the last of their class."""
        partner = self.env['res.partner'].create({'name': "Bornes"})
        for days, age in (
            (0, '0_not_due'),
            (1, '1_30'),
            (30, '1_30'),
            (31, '31_60'),
            (60, '31_60'),
            (61, '61_90'),
            (90, '61_90'),
            (91, '91_more'),
        ):
            move = self.make_invoice(10, partner=partner, days_late=days)
            [row] = self.env['pay.now.due.report'].search([('move_id', '=', move.id)])
            self.assertEqual((row.age, row.days_late), (age, days))

    def test_due_is_the_balance_of_the_receivable_accounts(self):
        """With a credit note, a payment of no invoice, and an invoice in another currency."""
        self.env.ref('base.USD').active = True
        self.make_invoice(70, currency_id=self.env.ref('base.USD').id)
        self.make_invoice(30, move_type='out_refund')
        self.env['account.payment'].create(
            {
                'partner_id': self.other.id,
                'amount': 25,
                'payment_type': 'inbound',
                'partner_type': 'customer',
            }
        ).action_post()
        domain = Domain('company_id', '=', self.company.id) & Domain('parent_state', '=', 'posted')
        [(balance,)] = self.env['account.move.line']._read_group(
            domain & Domain('account_id.account_type', '=', 'asset_receivable'),
            aggregates=['balance:sum'],
        )
        [(due,)] = self.report('due', aggregates=['amount_residual:sum'])
        self.assertAlmostEqual(due, balance, 2)
        self.assertEqual(
            self.report('due', [('kind', '=', 'credit_note')], (), ['amount_residual:sum']),
            [(-30,)],
        )

    def test_expected_cash(self):
        """Boulanger is late by (10 + 20 + 5) / 3 = 12 days: D is expected on 2026-06-12, so today.

        Traiteur has settled nothing yet: as all of the company's, 12 days, too. E and G should
        have come long ago, F comes on 2026-07-13. A named day comes first.
        """
        expected = self.report('due', groupby=['expected_date:day'], aggregates=['__count'])
        self.assertEqual(expected, [(date(2026, 6, 15), 3), (date(2026, 7, 13), 1)])
        self.env['pay.now.answer'].create(
            {
                'partner_id': self.other.id,
                'company_id': self.company.id,
                'kind': 'promise',
                'date': '2026-06-25',
                'item_ids': [Command.set(self.lines(self.moves['E'], self.moves['G']).ids)],
            }
        )
        [row] = self.env['pay.now.due.report'].search([('move_id', '=', self.moves['G'].id)])
        self.assertEqual(row.expected_date, date(2026, 6, 25))
        [row] = self.env['pay.now.due.report'].search([('move_id', '=', self.moves['D'].id)])
        self.assertEqual(row.expected_date, date(2026, 6, 15))
        # Of F nothing was said.
        [row] = self.env['pay.now.due.report'].search([('move_id', '=', self.moves['F'].id)])
        self.assertEqual(row.expected_date, date(2026, 7, 13))

    # === PAID INVOICES === #

    def test_paid(self):
        """A 40 days to pay, 10 late; B 50 and 20; C, online, 35 and 5. G is not settled."""
        self.assertEqual(
            self.report(
                'paid',
                groupby=['how'],
                aggregates=['__count', 'amount:sum', 'days_to_pay:avg', 'days_late:avg'],
            ),
            [('online', 1, 1000, 35, 5), ('other', 2, 900, 45, 15)],
        )
        self.assertEqual(
            self.report('paid', groupby=['since'], aggregates=['days_late:avg']),
            [('before', 15), ('later', 5)],
        )

    def test_commission_against_days(self):
        """C came 15 − 5 = 10 days earlier: 1,000 × 10 × 12 % / 365 = 3.29, for 14.60."""
        self.assertEqual(
            self.report(
                'paid',
                [('is_compared', '=', True)],
                (),
                ['__count', 'days_saved:avg', 'saved:sum', 'commission:sum', 'gain:sum'],
            ),
            [(1, 10, 3.29, 14.60, -11.31)],
        )

    def test_credit_notes_pay_nothing(self):
        """What a credit note settles was not paid: neither paid, nor late."""
        move = self.make_invoice(80, partner=self.other, days_late=40)
        wizard = self.env['account.move.reversal'].with_context(
            active_model='account.move', active_ids=move.ids
        )
        wizard = wizard.create({'journal_id': move.journal_id.id})
        wizard.modify_moves()
        self.assertIn(move.payment_state, ('reversed', 'paid'))
        self.assertFalse(self.env['pay.now.paid.report'].search([('move_id', '=', move.id)]))

    # === REMINDERS === #

    def test_what_came_of_reminders(self):
        """B2: 600, five days later, by transfer. C: 1,000, four days later, online. Others none."""
        rows = self.env['pay.now.reminder.report'].search([('company_id', '=', self.company.id)])
        found = {
            name: rows.filtered(lambda row, one=one: row.reminder_id == one)
            for name, one in self.reminders.items()
        }
        self.assertRecordValues(
            found['B2'],
            [{'paid': 600, 'paid_7': 600, 'paid_other': 600, 'days': 5, 'paid_by': 'other'}],
        )
        self.assertRecordValues(
            found['C'],
            [{'paid': 1000, 'paid_online': 1000, 'days': 4, 'paid_by': 'online', 'started': 1}],
        )
        self.assertRecordValues(
            found['B1'], [{'paid': 0, 'days': 0, 'paid_by': 'nothing', 'started': 0}]
        )
        # Sent five days ago: what comes within seven days is not known yet.
        self.assertEqual(
            self.report('reminder', aggregates=['__count', 'share_7:avg', 'amount:sum']),
            [(4, 0.67, 2600)],
        )
        late = [('reminder_id', '=', self.reminders['D'].id)]
        self.assertIn(self.report('reminder', late, (), ['share_7:avg']), ([(None,)], [(False,)]))

    def test_opened_pages(self):
        """C and B2 were opened, B1, D and E not: 2 of 5. G has no button, and so no page."""
        self.remind_about('E', '2026-06-14')
        self.remind_about('G', '2026-05-01', has_button=False)
        for name in ('C', 'B2'):
            self.reminders[name].opened_at = '2026-06-14 22:30:00'
        figures = ['__count', 'opened:sum', 'share_opened:avg']
        self.assertEqual(self.report('reminder', aggregates=figures), [(6, 2, 0.4)])
        self.assertEqual(
            self.report('reminder', groupby=['level_id'], aggregates=figures),
            [
                (self.reminders['C'].level_id.display_name, 5, 1, 0.25),
                (self.reminders['B2'].level_id.display_name, 1, 1, 1),
            ],
        )
        # Sent, opened, paid: of both that were opened all was paid within 30 days.
        opened = [('opened', '!=', 0)]
        self.assertEqual(
            self.report('reminder', opened, aggregates=['amount:sum', 'paid_30:sum']),
            [(1600, 1600)],
        )
        unopened = [('opened', '=', 0), ('button', '=', 'button')]
        rows = self.env['pay.now.reminder.report'].search(
            Domain('company_id', '=', self.company.id) & Domain(unopened)
        )
        self.assertEqual(len(rows), 3)

    def test_within_days(self):
        """E: 50 of 200 after 8 days, 100 after 20; the rest is to come. By amount 16 days."""
        reminder = self.remind_about('E', '2026-04-01')
        self.pay_by_transfer('E', '2026-04-09', 50)
        self.pay_by_transfer('E', '2026-04-21', 100)
        row = self.env['pay.now.reminder.report'].browse(reminder.id)
        self.assertEqual((row.paid_7, row.paid_14, row.paid_30, row.paid), (0, 50, 150, 150))
        self.assertEqual((row.share_7, row.share_14, row.share_30), (0, 0.25, 0.75))
        self.assertEqual(row.days, 16)
        self.assertEqual(row.paid_by, 'other')

    def test_held_out(self):
        """What has no button by chance is told from what has none for another reason."""
        self.remind_about('E', '2026-05-01', has_button=False, reason_codes=[['hold_out', {}]])
        self.remind_about('G', '2026-05-01', has_button=False, reason_codes=[['method', {}]])
        self.assertEqual(
            self.report('reminder', groupby=['button'], aggregates=['__count']),
            [('button', 4), ('held_out', 1), ('none', 1)],
        )

    def test_hold_out_in_a_run(self):
        """The mail has no button, the list says why, and its page offers none either."""
        self.company.pay_now_hold_out = 50
        held = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com'} for n in range(20)]
        )
        invoices = {one: self.make_invoice(100, partner=one, days_late=20) for one in held}
        run = self.generate(partner_ids=[Command.set(held.ids)])
        out = run.reminder_ids.filtered(lambda one: one._is_held_out())
        self.assertTrue(out)
        self.assertTrue(run.reminder_ids - out)
        self.assertFalse(any(out.mapped('has_button')))
        self.assertTrue(all((run.reminder_ids - out).mapped('has_button')))
        self.assertIn("Held out", out[0].reason)
        move = invoices[out[0].partner_id]
        self.assertEqual(out[0]._pay_now_page_refusals(self.lines(move)), {move: 'hold_out'})
        self.assertNotIn('/pay_now/reminder/', out[0].preview_html)
        self.assertIn('/pay_now/reminder/', (run.reminder_ids - out)[0].preview_html)

    # === DSO === #

    def test_dso(self):
        """By countback. Sold: January 200, then 300, 1,100, 1,000, 400, and 900 in June.

        On June 15 1,800 are owed: June 900 (15 days), May 400 (31), half of April (500 of 1,000:
        15 days), together 61. At the end of April 200 + 500 + 1,000 = 1,700: April (30), and 700 of
        1,100 in March (19.73), together 49.73. At the end of January all of it: 31 days.
        """
        rows = dict(self.report('dso', groupby=['date:day'], aggregates=['dso:avg']))
        self.assertEqual(rows[date(2026, 6, 15)], 61)
        self.assertEqual(rows[date(2026, 4, 30)], 49.73)
        self.assertEqual(rows[date(2026, 1, 31)], 31)
        balances = dict(self.report('dso', groupby=['date:day'], aggregates=['balance:avg']))
        self.assertEqual(balances[date(2026, 4, 30)], 1700)
        self.assertEqual(balances[date(2026, 6, 15)], 1800)

    # === CUSTOMERS === #

    def test_customers_to_chase(self):
        """Traiteur owes 500 overdue, Boulanger 400. Who has promised a day comes last."""
        rows = self.env['pay.now.chase.report'].search([('company_id', '=', self.company.id)])
        self.assertEqual(rows.partner_id.mapped('name'), ["Traiteur", "Boulanger"])
        self.assertRecordValues(
            rows,
            [
                {'overdue_amount': 500, 'due_amount': 1400, 'invoice_count': 2, 'days_late': 126},
                {'overdue_amount': 400, 'due_amount': 400, 'invoice_count': 1, 'days_late': 15},
            ],
        )
        self.assertEqual(rows[0].phone, self.other.phone)
        self.assertEqual(rows[1].level_id.name, "Friendly reminder")
        self.assertEqual(round(rows[1].usual_days_late, 2), 11.67)
        self.assertEqual(round(rows[1].online_share, 4), 0.5263)
        values = rows[0].action_answer()['context']
        self.env['pay.now.answer'].with_context(**values).create(
            {'kind': 'promise', 'date': '2026-06-25'}
        )
        self.env.invalidate_all()
        rows = self.env['pay.now.chase.report'].search([('company_id', '=', self.company.id)])
        self.assertEqual(rows.partner_id.mapped('name'), ["Boulanger", "Traiteur"])
        self.assertEqual(rows[1].answer_date, date(2026, 6, 25))
        wizard = rows[:1].action_remind()
        self.assertEqual(wizard['context']['default_partner_ids'], [Command.set(self.customer.ids)])

    def test_a_word_about_one_invoice_hides_no_other(self):
        """Of 500 overdue Traiteur has promised 200: it is to be called about the 300."""
        self.env['pay.now.answer'].create(
            {
                'partner_id': self.other.id,
                'company_id': self.company.id,
                'kind': 'promise',
                'date': '2026-06-25',
                'item_ids': [Command.set(self.lines(self.moves['E']).ids)],
            }
        )
        rows = self.env['pay.now.chase.report'].search([('company_id', '=', self.company.id)])
        self.assertEqual(rows.partner_id.mapped('name'), ["Traiteur", "Boulanger"])
        self.assertRecordValues(
            rows[0],
            [{'is_waiting': False, 'answer': 'promise', 'answer_date': date(2026, 6, 25)}],
        )

    def test_a_customer(self):
        self.assertEqual(self.other.pay_now_overdue_amount, 500)
        self.assertEqual(self.customer.pay_now_overdue_amount, 400)
        self.assertEqual(self.customer.pay_now_days_late, 12)
        self.assertEqual(round(self.customer.pay_now_online_share, 4), 0.5263)
        self.assertFalse(self.other.pay_now_has_paid)
        self.assertEqual(self.customer.pay_now_last_reminder, datetime(2026, 6, 10, 8))
        both = self.customer | self.other
        for operator, value, expected in (
            ('>', 400, self.other),
            ('>=', 400, both),
            ('<', 450, self.customer),
            ('=', 500, self.other),
            ('=', 0, both.browse()),
            ('!=', 0, both),
        ):
            found = both.search(
                [('id', 'in', both.ids), ('pay_now_overdue_amount', operator, value)]
            )
            self.assertEqual(found, expected, f'{operator} {value}')
        nobody = self.env['res.partner'].create({'name': "Nobody"})
        owes_nothing = [('id', '=', nobody.id), ('pay_now_overdue_amount', '=', 0)]
        self.assertEqual(nobody.search(owes_nothing), nobody)

    def test_queries_do_not_grow(self):
        """A list of many customers, and one of many invoices, ask as often as of one."""
        rows = self.env['pay.now.chase.report'].search([('company_id', '=', self.company.id)])
        moves = self.env['account.move'].union(*self.moves.values())
        names = ['pay_now_last_reminder', 'pay_now_level_id', 'pay_now_in_progress']
        for few, many, fields in (
            (rows[:1], rows, ['next_reminder']),
            (self.moves['D'], moves, names),
        ):
            counts = []
            for records in (few, many):
                records.read(fields)
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                records.read(fields)
                counts.append(self.env.cr.sql_log_count - before)
            self.assertLessEqual(counts[1], counts[0] + 2, fields)

    # === INVOICES === #

    def test_invoices(self):
        moves = self.env['account.move'].union(*self.moves.values())

        def found(*domain):
            rows = moves.search([('id', 'in', moves.ids), *domain])
            return ''.join(sorted(name for name, one in self.moves.items() if one in rows))

        self.assertEqual(found(('pay_now_last_reminder', '!=', False)), 'BCD')
        self.assertEqual(found(('pay_now_last_reminder', '=', False)), 'AEFG')
        self.assertEqual(found(('pay_now_last_reminder', '>=', '2026-05-01')), 'CD')
        self.assertEqual(found(('pay_now_last_reminder', '<', '2026-05-01')), 'B')
        self.assertEqual(self.moves['B'].pay_now_last_reminder, datetime(2026, 4, 15, 8))
        friendly = self.reminders['B1'].level_id
        self.assertEqual(found(('pay_now_level_id', '=', friendly.id)), 'CD')
        self.assertEqual(found(('pay_now_level_id', '=', False)), 'AEFG')
        self.assertEqual(found(('pay_now_paid_online', '=', True)), 'C')
        self.assertEqual(found(('pay_now_paid_online', '=', False)), 'ABDEFG')
        self.assertEqual(moves.filtered('pay_now_paid_online'), self.moves['C'])
        self.checkout(self.lines(self.moves['F']), self.other)._set_pending()
        self.assertEqual(found(('pay_now_in_progress', '=', True)), 'F')
        self.assertEqual(moves.filtered('pay_now_in_progress'), self.moves['F'])
        self.env['pay.now.answer'].create(
            {
                'partner_id': self.other.id,
                'company_id': self.company.id,
                'kind': 'promise',
                'date': '2026-06-25',
                'item_ids': [Command.set(self.lines(self.moves['E']).ids)],
            }
        )
        self.env.invalidate_all()
        self.assertEqual(found(('pay_now_promised_for', '!=', False)), 'E')
        self.assertEqual(self.moves['E'].pay_now_promised_for, date(2026, 6, 25))
        self.assertEqual(found(('pay_now_promised_for', '<=', '2026-06-24')), '')
        self.assertEqual(found(('pay_now_promised_for', '>', '2026-06-24')), 'E')

    def test_no_path_of_fields_goes_beyond_the_rights(self):
        """Who searches invoices by what hangs on a level reads that, or gets nothing at all."""
        company = {'company_id': self.company.id, 'company_ids': [Command.set(self.company.ids)]}
        clerk = new_test_user(
            self.env, 'report_path', groups='account.group_account_invoice', **company
        )
        portal = new_test_user(self.env, 'report_portal', groups='base.group_portal', **company)
        portal.partner_id.parent_id = self.customer
        moves = self.env['account.move'].union(*self.moves.values())
        names = {one: name for name, one in self.moves.items()}

        def found(user, *condition):
            rows = moves.with_user(user).search([('id', 'in', moves.ids), condition])
            return ''.join(sorted(names[one] for one in rows.with_env(self.env)))

        friendly = self.reminders['C'].level_id.name
        self.assertEqual(found(clerk, 'pay_now_level_id.name', '=', friendly), 'CD')
        self.assertEqual(found(clerk, 'pay_now_level_id', 'ilike', friendly), 'CD')
        self.assertEqual(found(clerk, 'pay_now_level_id.name', '=', "None of ours"), '')
        self.assertEqual(found(portal, 'id', 'in', moves.ids), 'ABCD')
        # What a key begins with would be told by whether anything is found.
        key = 'company_id.pay_now_provider_ids.pay_now_api_key'
        for user, path in ((portal, 'name'), (portal, key), (clerk, key)):
            with self.subTest(user=user.login, path=path), self.assertRaises(AccessError):
                found(user, f'pay_now_level_id.{path}', '=like', '%')

    def test_what_a_former_customer_got_is_not_shown(self):
        """An invoice given to another customer was never reminded, as its level has it."""
        move = self.moves['D']
        move.button_draft()
        move.partner_id = self.other
        move.action_post()
        self.assertFalse(move.pay_now_last_reminder)
        self.assertFalse(move.pay_now_level_id)

    # === PAYMENTS === #

    def test_a_payment(self):
        self.assertEqual(self.tx.pay_now_reminder_id, self.reminders['C'])
        self.assertEqual(self.tx.pay_now_net, 985.40)
        self.assertFalse(self.tx.pay_now_payout_id)
        # Who administers the providers opens payments, with or without rights in the accounting.
        company = {'company_id': self.company.id, 'company_ids': [Command.set(self.company.ids)]}
        admin = new_test_user(self.env, 'report_admin', groups='base.group_system', **company)
        names = ['pay_now_reminder_id', 'pay_now_payout_id', 'pay_now_arrives_at']
        [values] = self.tx.with_user(admin).read(names)
        self.assertEqual(values['pay_now_reminder_id'][0], self.reminders['C'].id)

    def test_when_the_money_comes(self):
        """985.40 of C: not available yet, available, in a payout, and back where that fails."""

        def rows():
            self.env.invalidate_all()
            found = self.env['pay.now.money.report'].search(
                [('provider_id', '=', self.provider.id)]
            )
            return [(row.state, row.date, row.amount) for row in found]

        Movement = self.env['pay.now.movement'].sudo()
        line = self.gateway.movement_of(self.tx)
        line = replace(line, available_at=datetime(2026, 6, 20, tzinfo=timezone.utc))
        Movement._store(self.provider, [line])
        self.assertEqual(rows(), [('later', date(2026, 6, 20), 985.40)])
        with freeze_time(datetime(2026, 6, 21)):
            self.assertEqual(rows(), [('available', False, 985.40)])
            expected = datetime(2026, 6, 24, 12, tzinfo=timezone.utc)
            self.gateway.pay_out('po_1', [line], state='pending', arrives_at=expected)
            payout = self.env['pay.now.payout'].sudo()._synchronize(self.provider, ['po_1'])
            Movement._sweep(self.provider.sudo())
            self.assertEqual(rows(), [('on_way', date(2026, 6, 24), 985.40)])
            self.assertEqual(self.tx.pay_now_payout_id, payout)
            self.assertEqual(self.tx.pay_now_arrives_at, datetime(2026, 6, 24, 12))
            self.gateway.fail_payout('po_1')
            payout._synchronize(self.provider, ['po_1'])
            Movement._sweep(self.provider.sudo())
            self.assertEqual(rows(), [('available', False, 985.40)])

    def test_a_payout_takes_its_money_once(self):
        """985.40 of C, and 20 that are not ours: while what is listed is not known, and without a
        list. Neither is at the provider and on its way at once."""
        Report = self.env['pay.now.money.report']

        def left():
            self.provider.sudo().pay_now_last_listing_at = False
            self.provider._pay_now_sweep_movements()
            self.env.invalidate_all()
            rows = Report.search([('provider_id', '=', self.provider.id)])
            return {row.state: row.amount for row in rows}

        line = self.gateway.movement_of(self.tx)
        self.gateway.move('txn_other', 20)
        self.assertEqual(left(), {'available': 1005.40})
        self.gateway.pay_out('po_1', [line], state='pending', complete=False)
        self.assertEqual(left(), {'on_way': 985.40, 'available': 20})
        known = self.gateway.payouts['po_1']
        self.gateway.payouts['po_1'] = replace(known, complete=True, state='paid')
        self.assertEqual(left(), {'on_way': 985.40, 'available': 20}, "until the bank shows it")
        self.env['pay.now.payout'].sudo().search([]).bank_state = 'matched'
        self.assertEqual(left(), {'available': 20})
        self.gateway.pay_out('po_2', amount=20, state='pending')
        self.assertEqual(left(), {'on_way': 20})
        payout = self.env['pay.now.payout'].search([('payout_ref', '=', 'po_2')])
        self.assertEqual(payout.line_ids.movement_ref, 'txn_other')

    # === DIGEST === #

    def test_digest(self):
        """Of May: 1,000 received, one reminder, C after 35 days (G is not settled); 900 overdue."""
        digest = self.env['digest.digest'].create(
            {'name': "May", 'company_id': self.company.id, 'kpi_pay_now_overdue': True}
        )
        may = digest.with_context(
            start_datetime=datetime(2026, 5, 1), end_datetime=datetime(2026, 6, 1)
        )
        self.assertEqual(may.kpi_pay_now_overdue_value, 900)
        self.assertEqual(may.kpi_pay_now_received_value, 1000)
        self.assertEqual(may.kpi_pay_now_reminders_value, 1)
        self.assertEqual(may.kpi_pay_now_days_to_pay_value, 35)
        actions = digest._compute_kpis_actions(self.company, self.env.user)
        self.assertIn('due_report', actions['kpi_pay_now_overdue'])

    # === ACCESS === #

    def test_who_sees_it(self):
        """Accounting all of it, Sales its own invoices, nobody anything of another company."""

        def user(login, groups, company=None):
            company = company or self.company
            return new_test_user(
                self.env,
                login,
                groups=groups,
                company_id=company.id,
                company_ids=[Command.set(company.ids)],
            )

        seller = user('report_seller', 'sales_team.group_sale_salesman')
        moves = self.env['account.move'].union(*self.moves.values())
        moves.invoice_user_id = self.env.user
        self.moves['D'].invoice_user_id = seller
        self.moves['A'].invoice_user_id = seller
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        clerk = user('report_clerk', 'account.group_account_invoice')
        reader = user('report_reader', 'account.group_account_readonly')
        stranger = user('report_stranger', 'account.group_account_manager', elsewhere)
        both = user('report_both', 'account.group_account_invoice,sales_team.group_sale_salesman')
        leader = user('report_leader', 'sales_team.group_sale_salesman_all_leads')
        expected = {
            clerk: (4, 3, 4, 2),
            reader: (4, 3, 4, 2),
            both: (4, 3, 4, 2),
            seller: (1, 1, 0, None),
            leader: (4, 3, 0, None),
            stranger: (0, 0, 0, 0),
        }
        for one, numbers in expected.items():
            for name, number in zip(('due', 'paid', 'reminder', 'chase'), numbers, strict=True):
                with self.subTest(user=one.login, report=name):
                    if number is None:
                        with self.assertRaises(AccessError):
                            self.report(name, aggregates=['__count'], user=one)
                        continue
                    [(found,)] = self.report(name, aggregates=['__count'], user=one)
                    self.assertEqual(found, number)
        employee = user('report_employee', 'base.group_user')
        for name in ('due', 'paid', 'reminder', 'dso', 'chase', 'item'):
            with self.assertRaises(AccessError):
                self.env[f'pay.now.{name}.report'].with_user(employee).search([])
        # A form of a customer opens for whoever has no rights in the accounting.
        self.assertEqual(self.customer.with_user(employee).read(['name'])[0]['name'], "Boulanger")
