# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError, GatewayUnavailable
from odoo.addons.account_pay_now.tests.discrepancy.comparison import ComparisonCommon
from odoo.addons.account_pay_now.tests.provider.test_branches import BranchCommon
from odoo.addons.account_pay_now.tests.provider.test_companies import CompaniesCommon


@tagged('post_install', '-at_install')
class TestComparisonDays(ComparisonCommon):
    """What is compared when, what stays reported, and by whom."""

    def test_dismissed_stays_dismissed_until_it_changes(self):
        _tx, line = self.booked()
        line = self.relist(line, fee=Decimal('5.10'))
        found = self.compare()
        wizard = self.env['pay.now.dismiss'].with_user(self.accountant)
        with self.assertRaises(ValidationError):
            found.sudo().state = 'dismissed'
        wizard = wizard.create({'discrepancy_ids': found.ids, 'reason': "Agreed with Stripe"})
        wizard.action_dismiss()
        self.assertRecordValues(
            found,
            [
                {
                    'state': 'dismissed',
                    'note': "Agreed with Stripe",
                    'dismissed_by_id': self.accountant.id,
                }
            ],
        )
        self.assertTrue(found.dismissed_at)
        self.assertFalse(self.compare())
        self.assertEqual(found.state, 'dismissed')
        self.relist(line, fee=Decimal('6.00'))
        again = self.compare()
        self.assertEqual(len(again), 1)
        self.assertNotEqual(again, found)

    def test_compared_twice_nothing_is_twice(self):
        self.received(self.opened())
        found = self.compare()
        self.assertEqual(self.compare(), found)

    def test_what_changes_stays_one_line(self):
        _tx, line = self.booked()
        line = self.relist(line, fee=Decimal('5.10'))
        found = self.compare()
        self.relist(line, fee=Decimal('5.20'))
        self.assertEqual(self.compare(), found)
        self.assertIn('5.20', found.name)

    def test_a_reported_amount_that_was_dismissed_does_not_come_back(self):
        tx = self.opened()
        self.gateway.pay(tx, amount=Decimal(310), paid_at=self.ago(hours=4))
        tx._synchronize()
        reported = self.found(kinds=('amount',))
        reported._dismiss("Known")
        tx._synchronize()
        self.assertFalse(self.found(kinds=('amount',)))

    # === the edge, the zone, and what is out of sight === #

    def test_the_edge_of_thirty_days(self):
        self.company.partner_id.tz = 'Pacific/Kiritimati'
        tx, line = self.booked(hours=24 * 30 - 1)
        self.gateway.movements.remove(line)
        del self.gateway.payments[tx.provider_reference]
        self.compare()
        found = self.only('missing_there')
        tx.sudo().pay_now_paid_at = fields.Datetime.now() - timedelta(days=30, minutes=1)
        # Out of the window: what is open is still asked about, and stays.
        self.assertEqual(self.compare(), found)

    def test_older_payments_are_not_looked_at(self):
        tx, line = self.booked(hours=24 * 31)
        self.gateway.movements.remove(line)
        del self.gateway.payments[tx.provider_reference]
        self.assertFalse(self.compare())

    def test_a_debit_that_took_weeks(self):
        tx, line = self.booked(hours=24 * 31)
        self.relist(line, created_at=self.ago(days=25), fee=Decimal('9.99'))
        self.compare()
        self.only('commission', transaction_id=tx)

    def test_what_is_out_of_sight_is_not_right(self):
        tx = self.opened()
        line = self.received(tx)
        found = self.compare()
        self.gateway.movements.remove(line)
        self.gateway.down = True
        with mute_logger('odoo.addons.account_pay_now.models.discrepancy.payment_provider'):
            self.assertTrue(self.provider.sudo()._pay_now_compare_safely())
        self.assertEqual(found.state, 'open')
        self.gateway.down = False
        self.assertEqual(self.compare(), found)

    # === providers === #

    def test_without_the_permission_known_payments_are_asked_about(self):
        self.connect_paypal()
        tx, _line = self.booked(provider=self.paypal)
        other = self.opened(120, provider=self.paypal)
        self.received(other)
        refusal = GatewayAuthError("No permission", 'reporting_not_allowed')
        with (
            patch.object(self.paypal_gateway, 'list_movements', side_effect=refusal),
            patch.object(const, 'COMPARISON_QUESTIONS', 1),
        ):
            self.assertFalse(self.compare(self.paypal))
            self.compare(self.paypal)
        self.only('missing_here', transaction_id=other)
        self.assertIn("Transaction search", self.paypal.pay_now_comparison_note_text)
        self.assertTrue(tx.pay_now_compared_at)
        self.assertFalse(self.paypal.pay_now_problem)
        self.found().action_book()
        self.assertFalse(self.compare(self.paypal))
        self.assertFalse(self.paypal.pay_now_comparison_note)

    def run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_compare').method_direct_trigger()
        self.env.invalidate_all()

    def test_one_provider_that_is_down_does_not_stop_the_others(self):
        self.connect_paypal()
        self.received(self.opened())
        self.received(self.opened(provider=self.paypal))
        self.gateway.down = True
        self.run_cron()
        self.only('missing_here')
        self.assertTrue(self.paypal.pay_now_compared_at)
        self.assertFalse(self.provider.pay_now_compared_at)
        cron = self.env.ref('account_pay_now.ir_cron_compare')
        self.assertTrue(
            self.env['ir.cron.trigger'].search(
                [('cron_id', '=', cron.id), ('call_at', '>', fields.Datetime.now())]
            )
        )
        self.gateway.down = False
        with patch.object(self.paypal_gateway, 'list_movements', side_effect=AssertionError):
            self.run_cron()
        self.assertEqual(self.found().mapped('kind'), ['missing_here'] * 2)

    def test_down_in_the_middle_keeps_what_was_found_before(self):
        tx, line = self.booked()
        self.received(self.opened())
        found = self.compare()
        self.gateway.movements.remove(line)
        error = GatewayUnavailable("No answer")
        with patch.object(self.gateway, 'fetch_payment', side_effect=error):
            self.assertIn("does not answer", self.provider.sudo()._pay_now_compare_safely())
        self.assertEqual(self.found(), found)
        self.assertFalse(tx.pay_now_compared_at)

    def test_a_disconnected_provider_with_recent_payments(self):
        tx = self.opened()
        self.received(tx)
        self.provider.action_pay_now_disconnect()
        self.run_cron()
        self.only('missing_here').action_book()
        self.assertEqual(tx.state, 'done')

    def test_a_disconnected_provider_without_any(self):
        self.provider.action_pay_now_disconnect()
        with patch.object(self.gateway, 'list_movements', side_effect=AssertionError):
            self.run_cron()
        self.assertFalse(self.provider.pay_now_compared_at)

    # === size === #

    def test_no_question_for_each_payment(self):
        def listed(txs):
            lines = []
            for tx in txs:
                lines.append(self.received(tx))
            txs._synchronize()
            return lines

        def queries():
            self.env.invalidate_all()
            with patch.object(self.gateway, 'fetch_payment', side_effect=AssertionError):
                before = self.cr.sql_log_count
                self.compare()
                return self.cr.sql_log_count - before

        listed(self.opened(10) | self.opened(11))
        few = queries()
        txs = self.env['payment.transaction'].sudo()
        for amount in range(20, 40):
            txs |= self.opened(amount)
        listed(txs)
        many = queries()
        self.assertLessEqual(many, few + 3)

    # === rights === #

    def test_only_accountants(self):
        self.received(self.opened())
        found = self.compare()
        nobody = new_test_user(self.env, 'pay_now_nobody', groups='base.group_user')
        theirs = found.with_user(nobody)
        for action in ('action_book', 'action_reverse', 'action_dismiss'):
            with self.assertRaises(AccessError):
                getattr(theirs, action)()
        with self.assertRaises(AccessError):
            self.env['pay.now.to.handle'].with_user(nobody).action_compare()
        with self.assertRaises(AccessError):
            self.env['pay.now.balance'].with_user(nobody).action_open()
        self.assertEqual(found.state, 'open')

    def test_by_button(self):
        self.received(self.opened())
        rows = self.env['pay.now.to.handle'].with_user(self.accountant)
        answer = rows.action_compare()
        self.assertIn("Differences to handle: 1", answer['params']['message'])
        self.assertEqual(answer['params']['type'], 'warning')
        self.only('missing_here')

    def test_other_companies(self):
        self.received(self.opened())
        found = self.compare()
        other = self.env['res.company'].create({'name': "Other"})
        stranger = new_test_user(
            self.env,
            'pay_now_stranger',
            groups='account.group_account_invoice,base.group_user',
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            found.with_user(stranger).action_book()
        rows = self.env['pay.now.to.handle'].with_user(stranger).with_company(other)
        self.assertFalse(rows.search([]))
        with patch.object(self.gateway, 'list_movements', side_effect=AssertionError):
            rows.action_compare()
        self.assertEqual(
            self.env['pay.now.to.handle'].with_user(self.accountant).search_count([]), 1
        )


@tagged('post_install', '-at_install')
class TestComparisonOfCompanies(ComparisonCommon, CompaniesCommon):
    def test_each_company_is_compared_with_its_own_account(self):
        self.connect_other()
        tx, line = self.booked()
        gateway = self.gateways[self.other_provider.id]
        # The same reference at the account of the other company is not about this payment.
        gateway.movements.append(replace(line, currency='USD', amount=Decimal(999)))
        self.assertFalse(self.compare(self.other_provider))
        self.assertFalse(self.compare())
        tx.payment_id.move_id._reverse_moves(cancel=True)
        self.assertFalse(self.compare(self.other_provider))
        self.assertEqual(self.compare().company_id, self.company)
        rows = self.env['pay.now.to.handle']
        self.assertFalse(rows.with_context(allowed_company_ids=self.other.ids).search([]))

    def test_one_failing_company_does_not_stop_the_other(self):
        self.connect_other()
        self.received(self.opened())
        self.gateways[self.other_provider.id].down = True
        answer = self.env['pay.now.to.handle'].with_context(
            allowed_company_ids=(self.other | self.company).ids
        )
        self.assertIn("does not answer", answer.action_compare()['params']['message'])
        self.only('missing_here')


@tagged('post_install', '-at_install')
class TestComparisonOfBranches(ComparisonCommon, BranchCommon):
    def test_a_payment_of_a_branch_is_booked_where_all_are(self):
        tx = self.checkout(self.lines(self.make_branch_invoice(80)))
        self.env.cr.execute(
            'UPDATE payment_transaction SET create_date = %s WHERE id = %s',
            (fields.Datetime.now() - timedelta(hours=5), tx.id),
        )
        tx.invalidate_recordset(['create_date'])
        self.received(tx)
        self.compare()
        found = self.only('missing_here', company_id=self.company)
        self.as_accountant(found).action_book()
        self.assertEqual(tx.invoice_ids.payment_state, 'paid')
        self.assertEqual(tx.payment_id.company_id, self.company)
        self.assertFalse(self.compare())

    def test_a_user_of_the_branch_alone(self):
        self.received(self.opened())
        found = self.compare()
        user = self.user_of_branch()
        rows = self.env['pay.now.to.handle'].with_user(user).with_company(self.branch)
        self.assertFalse(rows.search([]))
        self.assertIn("No provider", rows.action_compare()['params']['message'])
        with self.assertRaises(AccessError):
            found.with_user(user).with_company(self.branch).action_book()
