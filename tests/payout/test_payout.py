# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from decimal import Decimal

import pytz

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: Where the raw errors go.
BOOKS = 'odoo.addons.account_pay_now.models.provider.payment_provider_books'


class PayoutCommon(PayNowCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.bank = cls.company_data['default_journal_bank']
        cls.transfer = cls.company.transfer_account_id

    def pay(self, amount=300, commission='4.60', provider=None, **values):
        """Return a payment that is booked, and its movement at the provider."""
        gateway = self.paypal_gateway if provider == self.paypal else self.gateway
        tx = self.checkout(self.lines(self.make_invoice(amount)), provider=provider)
        gateway.pay(tx, commission=commission, **values)
        tx._synchronize()
        return tx, gateway.movement_of(tx)

    def pay_converted(self, amount=100, net='104.50', fee='3.50'):
        """Return a payment that the provider credits in dollars, and its movement there."""
        tx = self.checkout(self.lines(self.make_invoice(amount)))
        self.gateway.pay(tx, commission=fee, net=Decimal(net), settlement_currency='USD')
        tx._synchronize()
        line = self.gateway.move(
            f'txn_usd_{tx.id}',
            net,
            'payment',
            fee,
            currency='USD',
            payment_id=tx.pay_now_payment_ref,
        )
        return tx, line

    def sweep(self, provider=None):
        """List everything, as the scheduled action does once an hour."""
        provider = provider or self.provider
        provider.sudo().pay_now_last_listing_at = False
        provider._pay_now_sweep_movements()

    @property
    def today(self):
        """Return the day it is for the company."""
        zone = pytz.timezone(self.company.partner_id.tz)
        return fields.Datetime.now().replace(tzinfo=pytz.utc).astimezone(zone).date()

    def payout(self, ref):
        return self.env['pay.now.payout'].search([('payout_ref', '=', ref)])

    def bank_line(self, amount, label="VIR SEPA STRIPE PAYMENTS EUROPE", days=2, **values):
        return self.env['account.bank.statement.line'].create(
            {
                'journal_id': self.bank.id,
                'amount': amount,
                'payment_ref': label,
                'date': self.today + timedelta(days=days),
                **values,
            }
        )

    def accept(self, payout):
        """Press *Accept the proposal* on the form of a payout."""
        payout.with_context(pay_now_proposal=payout.proposal_text).action_accept_proposal()

    def open_on(self, account):
        """Return what is not reconciled on an account."""
        return self.env['account.move.line'].search(
            [
                ('account_id', '=', account.id),
                ('reconciled', '=', False),
                ('parent_state', '=', 'posted'),
            ]
        )


@tagged('post_install', '-at_install')
class TestPayout(PayoutCommon):
    def test_booked_and_reconciled_with_exactly_its_movements(self):
        tx, line = self.pay()
        other, _line = self.pay(100)
        self.gateway.pay_out('po_1', [line])
        self.sweep()
        payout = self.payout('po_1')
        clearing = self.provider.pay_now_clearing_account_id
        self.assertRecordValues(
            payout.move_id.line_ids.sorted('balance'),
            [
                {'account_id': clearing.id, 'balance': -295.40, 'reconciled': True},
                {'account_id': self.transfer.id, 'balance': 295.40, 'reconciled': False},
            ],
        )
        self.assertEqual(payout.move_id.journal_id, self.provider.journal_id)
        self.assertTrue(payout.settled)
        self.assertEqual(payout.allocation, 'exact')
        self.assertEqual(payout.bank_state, 'waiting')
        self.assertEqual(
            self.open_on(clearing).move_id,
            other.payment_id.move_id | other.pay_now_commission_move_id,
        )
        self.assertRecordValues(payout.line_ids, [{'transaction_id': tx.id, 'state': 'ours'}])

    def test_however_often_it_is_notified(self):
        _tx, line = self.pay()
        self.gateway.pay_out('po_1', [line])
        for _again in range(3):
            self.sweep()
            self.payout('po_1').action_check()
        self.assertEqual(len(self.payout('po_1')), 1)
        self.assertEqual(self.env['account.move'].search_count([('ref', '=', 'po_1')]), 1)
        self.assertEqual(self.clearing_balance(), 0)

    def test_the_list_comes_later_than_the_payout(self):
        _tx, line = self.pay()
        self.gateway.pay_out('po_1', [line], state='pending', complete=False)
        self.sweep()
        payout = self.payout('po_1')
        self.assertRecordValues(payout, [{'state': 'pending', 'settled': False}])
        self.assertTrue(payout.move_id, "booked at creation")
        self.gateway.pay_out('po_1', [line])
        self.sweep()
        self.assertRecordValues(payout, [{'state': 'paid', 'settled': True}])

    def test_a_commission_that_is_known_later(self):
        tx = self.checkout(self.lines(self.make_invoice(300)))
        self.gateway.pay(tx, commission=None)
        tx._synchronize()
        self.gateway.receive(tx.provider_reference)
        line = self.gateway.movement_of(tx)
        self.gateway.pay_out('po_1', [line])
        self.sweep()
        payout = self.payout('po_1')
        self.assertRecordValues(payout.line_ids, [{'state': 'waiting'}])
        self.assertFalse(payout.settled)
        tx._synchronize()
        self.sweep()
        self.assertRecordValues(payout.line_ids, [{'state': 'ours'}])
        self.assertTrue(payout.settled)
        self.assertFalse(self.open_on(self.provider.pay_now_clearing_account_id))

    def test_a_failed_payout_is_taken_back_today(self):
        _tx, line = self.pay()
        self.gateway.pay_out('po_1', [line])
        self.sweep()
        back = self.gateway.fail_payout('po_1')
        self.sweep()
        payout = self.payout('po_1')
        self.assertRecordValues(payout, [{'state': 'failed', 'bank_state': 'none'}])
        self.assertEqual(payout.reversal_move_id.date, self.today)
        self.assertEqual(payout.move_id.state, 'posted')
        self.assertAlmostEqual(self.clearing_balance(), 295.40)
        self.assertFalse(self.open_on(self.transfer))
        # The next payout takes the money that came back along.
        _tx, new = self.pay(100)
        self.gateway.pay_out('po_2', [back, new])
        self.sweep()
        self.assertTrue(self.payout('po_2').settled)
        self.assertFalse(self.open_on(self.provider.pay_now_clearing_account_id))

    def test_first_notified_when_it_has_failed(self):
        _tx, line = self.pay()
        self.gateway.pay_out('po_1', [line])
        self.gateway.fail_payout('po_1')
        self.sweep()
        payout = self.payout('po_1')
        self.assertTrue(payout.move_id and payout.reversal_move_id)
        self.assertAlmostEqual(self.clearing_balance(), 295.40)

    def test_late_news_does_not_undo_a_failure(self):
        _tx, line = self.pay()
        paid = self.gateway.pay_out('po_1', [line])
        self.gateway.fail_payout('po_1')
        self.sweep()
        self.gateway.payouts['po_1'] = paid
        self.sweep()
        self.assertEqual(self.payout('po_1').state, 'failed')

    def test_what_was_not_started_in_odoo_is_for_the_accountant(self):
        _tx, line = self.pay()
        foreign = self.gateway.move('txn_fee', -2.5, type='stripe_fee', label="Radar")
        till = self.gateway.move('txn_till', 50, 'payment', payment_id='pi_elsewhere')
        self.gateway.pay_out('po_1', [line, foreign, till])
        self.sweep()
        payout = self.payout('po_1')
        self.assertEqual(payout.to_decide_count, 2)
        self.assertFalse(payout.settled)
        fee, till = (
            payout.line_ids.sorted('net')[0],
            payout.line_ids.filtered(lambda one: one.net == 50),
        )
        with self.assertRaisesRegex(UserError, "Choose an account"):
            fee.action_book()
        fee.account_id = self.provider.pay_now_commission_account_id
        fee.action_book()
        self.assertEqual(fee.state, 'booked')
        self.assertEqual(fee.move_id.journal_id, self.provider.journal_id)
        with self.assertRaisesRegex(UserError, "nothing to decide"):
            fee.action_book()
        till.action_handled()
        self.sweep()
        self.assertTrue(payout.settled)
        # What nobody booked here is all that is left of the payout.
        left = self.open_on(self.provider.pay_now_clearing_account_id)
        self.assertEqual(sum(left.mapped('amount_residual')), -50)
        till.action_decide_again()
        till.account_id = self.company_data['default_account_revenue']
        till.action_book()
        self.assertFalse(self.open_on(self.provider.pay_now_clearing_account_id))
        self.assertEqual(self.provider._pay_now_clearing_equation()['gap'], 0)

    def test_the_number_of_queries_hardly_grows_with_the_lines(self):
        counts = {}
        for number in (4, 24):
            lines = [self.pay(100)[1] for _payment in range(number)]
            self.env.flush_all()
            self.env.invalidate_all()
            self.gateway.pay_out(f'po_{number}', lines)
            before = self.cr.sql_log_count
            payout = self.env['pay.now.payout'].sudo()
            payout._synchronize(self.provider.sudo(), [f'po_{number}'])
            self.env.flush_all()
            counts[number] = self.cr.sql_log_count - before
            self.assertTrue(self.payout(f'po_{number}').settled)
        self.assertLess(counts[24] - counts[4], 10, counts)

    def test_a_list_that_does_not_add_up(self):
        _tx, line = self.pay()
        self.gateway.pay_out('po_1', [line], amount=290)
        self.sweep()
        self.assertIn("295.40", self.payout('po_1').problem)

    def test_what_is_listed_is_taken_back_from_what_was_allocated_by_age(self):
        """The one the merchant asked for is listed before Stripe's own."""
        (_tx, first), _other = self.pay(100), self.pay(100)
        self.gateway.pay_out('po_age', amount=first.net)
        self.sweep()
        clearing = self.provider.pay_now_clearing_account_id
        left = self.open_on(clearing)
        self.gateway.pay_out('po_listed', [first])
        self.sweep()
        for ref in ('po_age', 'po_listed'):
            payout = self.payout(ref)
            self.assertTrue(payout.settled)
            self.assertTrue(payout._clearing_lines().reconciled)
        listed = self.payout('po_listed')._clearing_lines()
        self.assertFalse(left & listed._all_reconciled_lines(), "exactly what is listed")
        self.assertFalse(self.open_on(clearing))

    def test_allocated_by_age_where_nothing_is_listed(self):
        first, _line = self.pay(300, paid_at=self.utc(fields.Datetime.now() - timedelta(days=3)))
        second, _line = self.pay(200)
        self.gateway.pay_out('po_1', amount=300)
        self.sweep()
        payout = self.payout('po_1')
        self.assertRecordValues(payout, [{'allocation': 'age', 'settled': True}])
        self.assertTrue(all(self.clearing_items(first).mapped('reconciled')))
        self.assertAlmostEqual(sum(self.clearing_items(second).mapped('amount_residual')), 190.80)

    def test_a_withdrawal_first_notified_when_it_has_failed(self):
        tx, _line = self.pay()
        self.gateway.pay_out('po_1', amount=100)
        self.gateway.fail_payout('po_1')
        self.sweep()
        self.assertTrue(self.payout('po_1').settled)
        self.assertAlmostEqual(sum(self.clearing_items(tx).mapped('amount_residual')), 295.40)
        self.assertFalse(any(self.clearing_items(tx).mapped('reconciled')))

    def test_one_that_failed_leaves_the_money_of_others_to_the_next(self):
        for notified_before in (True, False):
            with self.subTest(notified_before=notified_before):
                first, second = f'po_1{notified_before}', f'po_2{notified_before}'
                self.pay()
                self.gateway.move(f'txn_{notified_before}', 100, 'payment', payment_id='elsewhere')
                self.gateway.pay_out(first, amount=395.40)
                if notified_before:
                    self.sweep()
                    self.assertTrue(self.payout(first).line_ids)
                self.gateway.fail_payout(first)
                self.sweep()
                self.assertFalse(self.payout(first).line_ids)
                self.assertTrue(self.payout(first).settled)
                self.gateway.pay_out(second, amount=395.40)
                self.sweep()
                [other] = self.payout(second).line_ids
                self.assertFalse(self.payout(second).settled)
                other.account_id = self.company_data['default_account_revenue']
                other.action_book()
                self.assertTrue(self.payout(second).settled)
                self.assertEqual(self.provider._pay_now_clearing_equation()['gap'], 0)

    def clearing_items(self, tx):
        account = tx.provider_id.pay_now_clearing_account_id
        moves = tx.payment_id.move_id | tx.pay_now_commission_move_id
        return moves.line_ids.filtered(lambda item: item.account_id == account)

    def test_a_withdrawal_of_more_than_ours(self):
        self.pay()
        self.gateway.move('txn_else', 100, 'payment', payment_id='elsewhere')
        self.gateway.pay_out('po_1', amount=395.40)
        self.gateway.move(
            'txn_after',
            10,
            'payment',
            payment_id='later',
            created_at=self.utc(fields.Datetime.now() + timedelta(minutes=1)),
        )
        self.sweep()
        payout = self.payout('po_1')
        self.assertEqual(payout.line_ids.movement_ref, 'txn_else')
        self.assertFalse(payout.settled)
        payout.line_ids.account_id = self.company_data['default_account_revenue']
        payout.line_ids.action_book()
        self.assertTrue(payout.settled)
        self.assertEqual(self.provider._pay_now_clearing_equation()['gap'], 0)

    def test_what_the_provider_owed_before(self):
        self.assertEqual(self.provider.pay_now_opening_balance, 0)
        self.gateway.held += 40
        self.provider.sudo().pay_now_opened_at = False
        self.provider._pay_now_open_balance()
        self.assertEqual(self.provider.pay_now_opening_balance, 40)
        before = self.provider.pay_now_opened_at - timedelta(days=3)
        old = self.gateway.move('txn_old', 40, 'payment', created_at=self.utc(before))
        self.gateway.held -= 40
        _tx, line = self.pay()
        self.gateway.pay_out('po_1', [old, line])
        self.sweep()
        self.assertEqual(self.provider._pay_now_clearing_equation()['gap'], 0)
        old = self.payout('po_1').line_ids.filtered(lambda one: one.state == 'foreign')
        old.account_id = self.company_data['default_account_revenue']
        old.action_book()
        self.assertTrue(self.payout('po_1').settled)
        self.assertEqual(self.provider._pay_now_clearing_equation()['gap'], 0)
        # Another connection changes nothing of it.
        self.provider._pay_now_open_balance()
        self.assertEqual(self.provider.pay_now_opening_balance, 40)

    def utc(self, moment):
        return fields.Datetime.to_datetime(moment).astimezone()

    def test_no_transfer_account(self):
        self.company.transfer_account_id = False
        _tx, line = self.pay()
        self.gateway.pay_out('po_1', [line])
        with mute_logger(
            'odoo.addons.account_pay_now.models.provider.pay_now_provider_object_mixin'
        ):
            self.sweep()
        payout = self.payout('po_1')
        self.assertIn("internal transfer account", payout.problem)
        self.assertFalse(payout.move_id)
        self.company.transfer_account_id = self.transfer
        self.sweep()
        self.assertFalse(payout.problem)
        self.assertTrue(payout.settled)

    def test_a_closed_period(self):
        _tx, line = self.pay()
        self.gateway.pay_out(
            'po_1', [line], created_at=self.utc(fields.Datetime.now() - timedelta(days=9))
        )
        self.company.fiscalyear_lock_date = self.today - timedelta(days=3)
        self.provider.sudo().pay_now_connected_at -= timedelta(days=30)
        self.sweep()
        payout = self.payout('po_1')
        self.assertEqual(payout.move_id.date, self.today - timedelta(days=2))

    def test_problem_in_the_language_of_the_reader(self):
        """Whoever made it, and whatever the company's language is."""
        self.load_language('fr_FR')
        self.company.transfer_account_id = False
        _tx, line = self.pay()
        self.gateway.pay_out('po_1', [line])
        with mute_logger(BOOKS):
            self.sweep()
        payout = self.payout('po_1')
        self.assertEqual(payout.problem_codes, [['books', {'problem': {'code': 'transfer'}}]])
        found = self.env['pay.now.payout'].search([('problem', 'ilike', "internal transfer")])
        self.assertEqual(found, payout)
        self.company.transfer_account_id = self.transfer
        payout.action_book_now()
        self.assertFalse(payout.problem)
        # The provider's list does not amount to the payout.
        other = self.pay(100)[1]
        self.gateway.pay_out('po_2', [other], amount=90)
        self.sweep()
        payout = self.payout('po_2')
        self.assertEqual(payout.problem_codes, [['listed', {'total': 95.4}]])
        self.assertIn("95.40", payout.problem)
        self.assertIn("90.00", payout.problem)
        french = payout.with_context(lang='fr_FR').problem
        self.assertIn("95,40", french)
        self.assertNotEqual(french.split()[:2], payout.problem.split()[:2])

    def test_what_the_application_may_not_read_is_said(self):
        self.gateway.refused = self.report_error()
        self.sweep()
        self.assertIn("Transaction search", self.provider.pay_now_payout_problem_text)
        self.assertFalse(self.provider.pay_now_problem)
        self.gateway.refused = None
        self.sweep()
        self.assertFalse(self.provider.pay_now_payout_problem)

    def report_error(self):
        error = self.auth_error()
        error.code = 'reporting_not_allowed'
        return error

    def test_a_provider_that_is_down_is_asked_again(self):
        self.gateway.down = True
        self.sweep()
        self.assertFalse(self.provider.pay_now_last_listing_at)
        _tx_gone = self.gateway.pay_out('po_1', amount=10)
        self.gateway.down = False
        self.provider._pay_now_sweep_movements()
        self.assertTrue(self.payout('po_1').move_id)
        self.assertTrue(self.provider.pay_now_last_listing_at)

    def test_who_may_do_what(self):
        _tx, line = self.pay()
        self.gateway.pay_out('po_1', [line, self.gateway.move('txn_x', 5)])
        self.sweep()
        payout = self.payout('po_1')
        other = self.env['res.company'].create({'name': "Elsewhere"})
        for group, allowed in (
            ('account.group_account_invoice', False),
            ('account.group_account_manager', True),
        ):
            user = new_test_user(
                self.env,
                f'user_{group}',
                groups=f'{group},base.group_user',
                company_id=self.company.id,
                company_ids=[(6, 0, self.company.ids)],
            )
            mine = payout.with_user(user).with_company(self.company)
            foreign = mine.line_ids.filtered(lambda one: one.state == 'foreign')
            mine.read(['name', 'settled', 'statement_line_ids', 'to_decide_count'])
            if allowed:
                foreign.account_id = self.company_data['default_account_revenue']
                foreign.action_book()
                mine.action_check()
            else:
                for action in (foreign.action_handled, mine.action_check, mine.action_match_bank):
                    with self.assertRaises(AccessError):
                        action()
            with self.assertRaises(AccessError):
                mine.unlink()
            user.write({'company_ids': [(4, other.id)], 'company_id': other.id})
            user.company_ids = other
            with self.assertRaises(AccessError):
                payout.with_user(user).with_company(other).read(['amount'])


@tagged('post_install', '-at_install')
class TestPayoutBank(PayoutCommon):
    """The payout and the bank statement line: only what is beyond doubt is matched by itself."""

    def setUp(self):
        super().setUp()
        _tx, line = self.pay()
        self.gateway.pay_out('po_first', [line], bank_reference='')
        self.sweep()
        self.first = self.payout('po_first')

    def test_matched_as_the_line_arrives(self):
        line = self.bank_line(295.40)
        self.assertTrue(line.is_reconciled)
        self.assertEqual(self.first.bank_state, 'matched')
        self.assertEqual(self.first.statement_line_ids, line)
        self.assertFalse(self.open_on(self.transfer))
        self.assertEqual(self.clearing_balance(), 0)

    def test_matched_by_the_daily_action_and_as_the_payout_arrives(self):
        line = self.bank_line(98.60)
        _tx, movement = self.pay(100, '1.40')
        self.gateway.pay_out('po_2', [movement])
        self.sweep()
        self.assertTrue(line.is_reconciled)
        late = self.bank_line(295.40, "VIREMENT")
        self.assertFalse(late.is_reconciled)
        late.payment_ref = "STRIPE"
        self.env['pay.now.payout'].sudo()._cron_match_bank()
        self.assertTrue(late.is_reconciled)

    def test_nothing_by_itself_that_may_be_something_else(self):
        customer = self.bank_line(295.40, "VIR BOULANGER FACTURE 12")
        self.assertFalse(customer.is_reconciled)
        cases = {
            'another amount': self.bank_line(295.41),
            'too late': self.bank_line(295.40, days=40),
            'too early': self.bank_line(295.40, days=-9),
            'money out': self.bank_line(-295.40),
        }
        for case, line in cases.items():
            self.assertFalse(line.is_reconciled, case)
        self.first.action_match_bank()
        self.assertTrue(customer.is_reconciled, "a person decides, and only one fits")

    def test_two_that_fit_are_left_to_a_person(self):
        lines = self.bank_line(295.40) | self.bank_line(295.40, days=1)
        # The first one was beyond doubt when it came: start again with both.
        lines.action_undo_reconciliation()
        self.assertEqual(self.first.bank_state, 'waiting')
        self.env['pay.now.payout'].sudo()._cron_match_bank()
        self.assertFalse(any(lines.mapped('is_reconciled')))
        action = self.first.action_match_bank()
        found = self.env['account.bank.statement.line'].search(action['domain'])
        self.assertEqual(found, lines)
        lines[1].with_context(**action['context']).action_pay_now_match()
        self.assertEqual(lines.mapped('is_reconciled'), [False, True])
        self.assertEqual(self.first.bank_state, 'matched')

    def test_two_payouts_of_one_amount(self):
        _tx, movement = self.pay()
        self.gateway.pay_out('po_second_1', [movement], bank_reference='TRACE-987654321')
        self.sweep()
        line = self.bank_line(295.40)
        self.assertFalse(line.is_reconciled)
        line.payment_ref = "STRIPE trace 987654321"
        self.payout('po_second_1')._match_bank()
        self.assertEqual(self.payout('po_second_1').statement_line_ids, line)

    def test_the_bank_saw_it_and_sent_it_back(self):
        came = self.bank_line(295.40)
        self.gateway.fail_payout('po_first')
        self.sweep()
        self.assertEqual(self.first.bank_state, 'waiting')
        back = self.bank_line(-295.40, "STRIPE RETOUR", days=4)
        self.assertTrue(back.is_reconciled)
        self.assertEqual(self.first.statement_line_ids, came | back)
        self.assertEqual(self.first.bank_state, 'matched')

    def test_nothing_to_match(self):
        with self.assertRaisesRegex(UserError, "no open bank statement line"):
            self.first.action_match_bank()
        self.bank_line(295.40)
        with self.assertRaisesRegex(UserError, "does not wait"):
            self.first.action_match_bank()

    def test_other_lines_are_created_as_ever(self):
        other = self.env['res.partner'].create({'name': "Stripe"})
        line = self.bank_line(10, "STRIPE", partner_id=other.id)
        self.assertFalse(line.is_reconciled)
