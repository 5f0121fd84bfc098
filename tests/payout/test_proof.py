# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import io
from dataclasses import replace
from datetime import timedelta, timezone

import openpyxl

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon

#: What adds up to what, by the codes of the figures.
SUMS = (
    (('opening', 'booked', 'waiting', 'foreign', 'unlisted'), 'balance'),
    (('booked', 'early', 'unlisted'), 'expected'),
    (('expected', 'gap'), 'clearing'),
)


class ProofCommon(PayoutCommon):
    """Ten days of a provider, so that each day can be asked about."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        begun = fields.Datetime.now().replace(microsecond=0) - timedelta(days=20)
        cls.provider.sudo().write({'pay_now_connected_at': begun, 'pay_now_opened_at': begun})
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_proof',
            groups='account.group_account_invoice,base.group_user',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def day(self, ago):
        return self.today - timedelta(days=ago)

    def noon(self, ago):
        """Return noon of a day where the company is, as the gateways have instants."""
        start = self.company._pay_now_day_start(self.day(ago))
        return (start + timedelta(hours=12)).replace(tzinfo=timezone.utc)

    def moved(self, line, instant):
        """Let a movement at the provider have happened at an instant."""
        new = replace(line, created_at=instant)
        self.gateway.movements[self.gateway.movements.index(line)] = new
        return new

    def paid(self, ago, amount=300, commission='4.60', instant=None):
        """Return a payment of some days ago, booked on that day, and its movement."""
        instant = instant or self.noon(ago)
        tx, line = self.pay(amount, commission, paid_at=instant)
        return tx, self.moved(line, instant)

    def other(self, ago, net, ref, **values):
        return self.gateway.move(ref, net, created_at=self.noon(ago), **values)

    def terms(self, ago=None):
        provider = self.provider.sudo()
        return provider._pay_now_clearing_equation(self.day(ago) if ago else None)

    def assert_day(self, ago, **expected):
        """The figures of a day are these, all others nothing, and they add up."""
        terms = self.terms(ago)
        for parts, total in SUMS:
            self.assertAlmostEqual(sum(terms[part] for part in parts), terms[total], msg=total)
        names = {'booked', 'waiting', 'foreign', 'early', 'unlisted', 'opening', 'gap'}
        self.assertEqual(
            {name: terms[name] for name in names if terms[name]}, expected, f"{ago} days ago"
        )
        return terms


@tagged('post_install', '-at_install')
class TestProof(ProofCommon):
    """The balance of any day, and what it is made of."""

    def test_balance_of_each_day(self):
        _tx, first = self.paid(8)
        self.paid(6, 100, '1.90')
        self.other(5, 40, 'txn_shop', type='charge', label="Web shop")
        payout = self.gateway.pay_out('po_1', [first], created_at=self.noon(3))
        line = next(one for one in self.gateway.movements if one.id == payout.movement_id)
        self.moved(line, self.noon(3))
        self.sweep()
        self.assert_day(9)
        for ago, booked, foreign, balance in (
            (8, 295.4, 0, 295.4),
            (7, 295.4, 0, 295.4),
            (6, 393.5, 0, 393.5),
            (5, 393.5, 40, 433.5),
            (3, 98.1, 40, 138.1),
            (None, 98.1, 40, 138.1),
        ):
            expected = {'booked': booked, **({'foreign': foreign} if foreign else {})}
            terms = self.assert_day(ago, **expected)
            self.assertEqual((terms['balance'], terms['clearing']), (balance, booked))

    def test_same_whenever_it_is_asked(self):
        self.paid(8)
        self.sweep()
        before = self.terms(7)
        self.paid(2, 100)
        self.other(1, -7, 'txn_fee')
        self.sweep()
        self.gateway.down = True
        self.assertEqual(self.terms(7), before)

    def test_day_is_the_companys(self):
        """A second before and after midnight in Paris, which is no midnight of UTC."""
        midnight = self.company._pay_now_day_start(self.day(5)).replace(tzinfo=timezone.utc)
        self.assertNotEqual(midnight.hour, 0)
        self.paid(6, 300, instant=midnight - timedelta(seconds=1))
        self.paid(5, 100, '1.90', instant=midnight)
        self.sweep()
        self.assert_day(6, booked=295.4)
        self.assert_day(5, booked=393.5)

    def test_booked_on_another_day(self):
        """By a lock date an entry is of a later day: until then the movement is not booked."""
        self.company.fiscalyear_lock_date = self.day(5)
        self.paid(8)
        self.sweep()
        self.company.fiscalyear_lock_date = False
        tx, line = self.paid(3, 100, '1.90')
        self.moved(line, self.noon(2))
        self.sweep()
        movement = self.env['pay.now.movement'].search([('transaction_id', '=', tx.id)])
        self.assertEqual(
            (movement.booked_from, movement.booked_on), (self.day(3), self.day(3)), "as paid"
        )
        self.assert_day(8, waiting=295.4)
        self.assert_day(5, waiting=295.4)
        self.assert_day(4, booked=295.4)
        self.assert_day(3, booked=295.4, early=98.1)
        self.assert_day(2, booked=393.5)

    def test_part_of_a_movement_is_booked(self):
        """The payment in time, its commission later."""
        account = self.provider.pay_now_commission_account_id
        self.provider.pay_now_commission_account_id = False
        tx, _line = self.paid(4)
        self.sweep()
        self.assertEqual(tx.pay_now_commission_state, 'failed')
        self.assert_day(4, booked=300, waiting=-4.6)
        self.provider.pay_now_commission_account_id = account
        self.company.fiscalyear_lock_date = self.day(3)
        tx._pay_now_book_commissions()
        self.sweep()
        self.assert_day(4, booked=300, waiting=-4.6)
        self.assert_day(3, booked=300, waiting=-4.6)
        self.assert_day(2, booked=295.4)

    def test_gap_is_an_entry_by_hand(self):
        self.paid(8)
        self.sweep()
        move = self.env['account.move'].create(
            self.provider._pay_now_prepare_entry(
                self.noon(5).replace(tzinfo=None),
                "by hand",
                "by hand",
                [
                    (self.provider.pay_now_clearing_account_id, 25),
                    (self.company_data['default_account_revenue'], -25),
                ],
            )
        )
        move.action_post()
        self.assert_day(6, booked=295.4)
        self.assert_day(5, booked=295.4, gap=25)
        reverse = move._reverse_moves([{'date': self.day(2)}], cancel=True)
        self.assertEqual(reverse.state, 'posted')
        self.assert_day(3, booked=295.4, gap=25)
        self.assert_day(2, booked=295.4)
        for ago, found in ((5, move), (3, move), (2, move.browse())):
            items = self.provider._pay_now_items_by_hand(self.day(ago))
            self.assertEqual(items.move_id, found, ago)

    def test_what_was_there_at_first(self):
        self.provider.sudo().pay_now_opening_balance = 500
        self.gateway.held += 500
        self.paid(8)
        self.sweep()
        terms = self.assert_day(8, opening=500, booked=295.4)
        self.assertEqual((terms['balance'], terms['clearing']), (795.4, 295.4))

    def test_movements_that_were_never_kept_are_listed(self):
        """As after an update: the list of the provider goes back to the beginning."""
        self.paid(8)
        self.paid(6, 100, '1.90')
        self.provider.sudo().write(
            {'pay_now_last_listing_at': fields.Datetime.now(), 'pay_now_listed_from': False}
        )
        self.assertFalse(self.env['pay.now.movement'].search([]))
        self.assert_day(7, booked=295.4)
        self.assertEqual(len(self.env['pay.now.movement'].search([])), 2)
        self.assertEqual(self.provider.pay_now_listed_from, self.provider.pay_now_opened_at)

    def test_list_that_skipped_some_days_is_not_whole(self):
        """Keys that were forgotten and came again: what moved meanwhile is listed anew."""
        self.paid(12)
        self.sweep()
        _tx, line = self.paid(8, 100, '1.90')
        self.provider.sudo().write(
            {
                'pay_now_last_listing_at': self.noon(10).replace(tzinfo=None),
                'pay_now_connected_at': self.noon(5).replace(tzinfo=None),
            }
        )
        self.provider._pay_now_sweep_movements()
        kept = self.env['pay.now.movement']
        self.assertFalse(kept.search([('movement_ref', '=', line.id)]))
        self.assert_day(4, booked=393.5)
        self.assertTrue(kept.search([('movement_ref', '=', line.id)]))

    def test_days_before_the_connection(self):
        with self.assertRaisesRegex(UserError, "nothing is known of the days before"):
            self.terms(30)

    def test_queries_do_not_grow(self):
        def count(number):
            for _one in range(number):
                self.paid(8, 10, '0.40')
            self.company.fiscalyear_lock_date = self.day(7)
            for _one in range(number):
                self.paid(8, 10, '0.40')
            self.company.fiscalyear_lock_date = False
            self.sweep()
            self.terms(7)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.terms(7)
            return self.env.cr.sql_log_count - before

        few = count(2)
        self.assertLessEqual(count(6), few)

    # === WHAT AN ACCOUNTANT SEES === #

    def open(self, **values):
        """Return what the dialog shows, as the accountant."""
        dialog = self.env['pay.now.proof'].with_user(self.accountant).create(values)
        action = dialog.action_show()
        found = self.env[action['res_model']].with_user(self.accountant)
        return found.with_context(**action['context']).search(action['domain'])

    def figures(self, record):
        return {line.code: line.amount for line in record.line_ids}

    def played(self):
        """A payment of each kind of a movement, in ten days."""
        self.paid(8)
        self.other(6, 40, 'txn_shop', fee='0.85', type='charge', label="Web shop")
        self.company.fiscalyear_lock_date = self.day(4)
        self.paid(5, 100, '1.90')
        self.company.fiscalyear_lock_date = False
        self.sweep()

    def test_each_figure_opens_what_it_is_made_of(self):
        self.played()
        balance = self.open(kind='balance', date=self.day(5))
        self.assertRecordValues(
            balance,
            [{'state': 'right', 'is_past': True, 'date': self.day(5), 'balance': 433.5}],
        )
        self.assertEqual(balance.account_id, self.provider.pay_now_clearing_account_id)
        figures = self.figures(balance)
        self.assertEqual(
            figures,
            {
                'opening': 0,
                'booked': 295.4,
                'waiting': 98.1,
                'foreign': 40,
                'balance': 433.5,
                'expected': 295.4,
                'clearing': 295.4,
                'gap': 0,
            },
        )
        opened = 0
        for line in balance.line_ids.filtered('number'):
            action = line.action_open()
            records = self.env[action['res_model']].with_user(self.accountant)
            records = records.search(action['domain'])
            amount = 'net' if records._name == 'pay.now.movement' else 'balance'
            self.assertEqual(len(records), line.number)
            self.assertAlmostEqual(sum(records.mapped(amount)), line.amount, msg=line.code)
            opened += 1
        self.assertEqual(opened, 5)

    def sheets(self, records):
        """Return the sheets of the file that an accountant downloads."""
        action = records.action_xlsx()
        self.assertRegex(action['url'], rf'/web/content/{records._name}/\d+/file/.+\.xlsx')
        content = records[:1].sudo().file
        book = openpyxl.load_workbook(io.BytesIO(base64.b64decode(content)))
        return {sheet.title: list(sheet.values) for sheet in book.worksheets}

    def test_spreadsheet_has_the_figures(self):
        self.played()
        balance = self.open(kind='balance', date=self.day(5))
        sheets = self.sheets(balance)
        self.assertEqual(len(sheets), 2)
        first, second = sheets.values()
        self.assertIn(('+ Movements booked', 1, 295.4), [row[:3] for row in first])
        self.assertIn(('= Balance at the provider', 3, 433.5), [row[:3] for row in first])
        self.assertIn('101405', str(first), "which account it adds up")
        refs = {row[2] for row in second}
        self.assertIn('txn_shop', refs)
        self.assertEqual(len(second), 4 + 1 + 1 + 2, "titles, an empty row, head, two movements")

    def test_pdf_in_the_readers_language(self):
        self.load_language('fr_FR')
        self.played()
        self.accountant.lang = 'fr_FR'
        for kind in ('balance', 'statement'):
            record = self.open(kind=kind, date=self.day(5))
            report = record.action_pdf()
            self.assertEqual(report['context']['active_ids'], record.ids)
            render = self.env['ir.actions.report'].with_user(self.accountant)
            render = render.with_context(lang='fr_FR')
            html = str(render._render_qweb_html(report['report_name'], record.ids)[0])
            for line in record.line_ids:
                number = f'{abs(line.amount):.2f}'.replace('.', ',')
                self.assertIn(number, html, line.code)

    # === STATEMENT === #

    def test_statement_adds_up(self):
        self.played()
        provider = self.provider.sudo()
        found = provider._pay_now_statement(self.day(7), self.day(5))
        self.assertEqual(
            {code: amount for code, (amount, _domain) in found.items()},
            {
                'opening': 295.4,
                'payment': 100,
                'refund': 0,
                'dispute': 0,
                'payout': 0,
                'payout_failure': 0,
                'other': 40.85,
                'commission': -2.75,
                'closing': 433.5,
            },
        )
        after = provider._pay_now_statement(self.day(4), self.day(0))
        self.assertEqual(after['opening'][0], found['closing'][0])
        self.assertEqual(after['closing'][0], float(self.gateway.held))

    def test_statement_as_it_is_shown(self):
        self.played()
        values = {'kind': 'statement', 'date': self.day(0)}
        proof = self.env['pay.now.proof'].with_user(self.accountant).create(values)
        self.assertEqual((proof.first.day, (proof.last + timedelta(days=1)).day), (1, 1))
        Statement = self.env['pay.now.statement'].with_user(self.accountant)
        action = Statement._open_of(self.day(8), self.day(5))
        statement = Statement.browse(action['res_id']).with_context(**action['context'])
        self.assertRecordValues(
            statement, [{'opening': 0, 'closing': 433.5, 'clearing': 295.4, 'gap': 0}]
        )
        action = statement.action_open_balance()
        last = self.env[action['res_model']].with_user(self.accountant).browse(action['res_id'])
        self.assertRecordValues(
            last, [{'date': self.day(5), 'balance': 433.5, 'clearing': 295.4, 'gap': 0}]
        )
        self.assertEqual(statement.account_label, '101405 Stripe in collection')
        figures = self.figures(statement)
        closing = figures.pop('closing')
        self.assertAlmostEqual(sum(figures.values()), closing)
        days = statement._days()
        self.assertEqual([day['day'] for day in days], [self.day(8), self.day(6), self.day(5)])
        self.assertEqual([day['amounts'][-1] for day in days], [295.4, 335.4, 433.5])
        _first, movements = self.sheets(statement).values()
        self.assertEqual([row[8] for row in movements[-3:]], [295.4, 335.4, 433.5])
        for line in statement.line_ids.filtered('number'):
            records = self.env['pay.now.movement'].search(line.action_open()['domain'])
            self.assertEqual(len(records), line.number)
            if line.code in statement.line_ids._kinds():
                self.assertAlmostEqual(sum(records.mapped('amount')), line.amount)

    def test_month_to_come(self):
        with self.assertRaisesRegex(UserError, "has not"):
            self.open(kind='balance', date=self.day(-1))
        with self.assertRaisesRegex(UserError, "has not"):
            self.open(kind='statement', date=self.day(-40))

    def test_of_nobody_else(self):
        self.played()
        balance = self.open(kind='balance', date=self.day(5))
        other = new_test_user(
            self.env,
            'pay_now_proof_other',
            groups='account.group_account_invoice,base.group_user',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        for record in (balance, balance.line_ids[:1]):
            with self.assertRaises(AccessError):
                record.with_user(other).read(['currency_id'])
        with self.assertRaises(AccessError), self.cr.savepoint():
            balance.with_user(other).action_xlsx()
        with self.assertRaises(AccessError), self.cr.savepoint():
            balance.write({'gap': 0})

    def test_problem_is_said(self):
        """A list that the provider does not give, and a day of which nothing is known."""
        self.gateway.down = True
        for kind in ('balance', 'statement'):
            record = self.open(kind=kind, date=self.day(5))
            self.assertIn("does not answer", record.problem)
            self.assertFalse(record.line_ids)
            self.assertIn("does not answer", str(self.sheets(record)))
        record = self.open(kind='balance', date=self.day(40))
        self.assertIn("nothing is known", record.problem)


@tagged('post_install', '-at_install')
class TestProofDomain(ProofCommon):
    """What is counted of the movements that are kept."""

    def test_other_currencies_and_earlier_movements_are_not_counted(self):
        self.paid(8)
        self.gateway.move('txn_usd', 7, currency='USD', created_at=self.noon(6))
        self.gateway.move('txn_before', 9, created_at=self.noon(25))
        self.env['pay.now.movement'].sudo()._store(self.provider, self.gateway.movements)
        counted = self.env['pay.now.movement'].search(
            self.env['pay.now.movement']._counted_domain(self.provider)
            & Domain('movement_ref', 'in', ('txn_usd', 'txn_before'))
        )
        self.assertFalse(counted)
        self.sweep()
        self.assert_day(5, booked=295.4)
