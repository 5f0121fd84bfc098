# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Payouts in another currency than the books, with the bank's account in either."""

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.payment.received import BOOKS
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon

REFERENCE = 'po_1dollars2026'


@tagged('post_install', '-at_install')
class TestPayoutCurrencies(PayoutCommon):
    """A payment of 300.00 euros, which the provider credits as dollars and pays out as such."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dollar = cls.env.ref('base.USD')
        cls.dollar.active = True
        cls.dollar.rate_ids.unlink()

    def rate(self, rate):
        return self.env['res.currency.rate'].create(
            {'name': self.today, 'currency_id': self.dollar.id, 'rate': rate}
        )

    def pay_in_dollars(self):
        """Return a payment of 300.00, credited as 330.00 less 6.60 dollars, and its movement."""
        return self.pay_converted(300, net='323.40', fee='6.60')

    def paid_out(self, rate=1.1):
        self.rate(rate)
        tx, line = self.pay_in_dollars()
        self.gateway.pay_out(REFERENCE, [line], currency='USD')
        self.sweep()
        return tx, self.payout(REFERENCE)

    def entry(self, move):
        """Return an entry: account, debit, credit, and the amount in its currency."""
        return sorted(
            (line.account_id.code, line.debit, line.credit, line.currency_id.name)
            for line in move.line_ids
        )

    def bank_account(self):
        return self.env['account.journal'].create(
            {'name': "Dollars", 'type': 'bank', 'code': 'USD1', 'currency_id': self.dollar.id}
        )

    def test_without_a_rate(self):
        _tx, line = self.pay_in_dollars()
        self.gateway.pay_out(REFERENCE, [line], currency='USD')
        with mute_logger(BOOKS):
            self.sweep()
        payout = self.payout(REFERENCE)
        self.assertFalse(payout.move_id)
        self.assertIn("There is no exchange rate of USD", payout.problem)
        self.rate(1.1)
        payout.action_book_now()
        self.assertTrue(payout.move_id)
        self.assertFalse(payout.problem)

    def test_booked_by_the_rate_of_the_day_and_cleared_with_its_payments(self):
        """Nothing is left on the clearing account, once the commission is booked."""
        tx, payout = self.paid_out(rate=1.2)
        clearing, transfer = self.provider.pay_now_clearing_account_id, self.transfer
        self.assertEqual(
            self.entry(payout.move_id),
            sorted(
                [(clearing.code, 0.0, 269.50, 'EUR'), (transfer.code, 269.50, 0.0, 'USD')],
            ),
        )
        item = payout._transfer_lines()
        self.assertEqual((item.amount_currency, item.currency_id), (323.40, self.dollar))
        # 300.00 less 269.50 are no difference of rates as long as a commission is in it.
        self.assertEqual(self.clearing_balance(), 30.50)
        self.assertFalse(payout.settled and not self.open_on(clearing))
        found = tx.pay_now_discrepancy_ids.filtered(lambda one: one.kind == 'settlement')
        self.assertEqual(found.proposed_commission, 6)
        found.action_book_commission()
        self.sweep()
        self.assertFalse(self.open_on(clearing))
        self.assertEqual(self.clearing_balance(), 0)
        [difference] = self.env['account.move'].search(
            [('ref', '=', REFERENCE), ('id', '!=', payout.move_id.id)]
        )
        loss = self.company.expense_currency_exchange_account_id
        self.assertEqual(
            self.entry(difference),
            sorted([(clearing.code, 0.0, 24.50, 'EUR'), (loss.code, 24.50, 0.0, 'EUR')]),
        )
        self.sweep()
        self.assertEqual(self.env['account.move'].search_count([('ref', '=', REFERENCE)]), 2)

    def test_payment_that_was_matched_with_something_else(self):
        """What is left is not a difference of rates, however much it is."""
        self.rate(1.1)
        tx, line = self.pay_in_dollars()
        clearing = self.provider.pay_now_clearing_account_id
        by_hand = self.env['account.move'].create(
            {
                'move_type': 'entry',
                'journal_id': self.company_data['default_journal_misc'].id,
                'line_ids': [
                    Command.create({'account_id': clearing.id, 'credit': 300}),
                    Command.create({'account_id': self.transfer.id, 'debit': 300}),
                ],
            }
        )
        by_hand.action_post()
        items = (by_hand | tx.payment_id.move_id).line_ids
        items.filtered(lambda one: one.account_id == clearing).reconcile()
        self.gateway.pay_out(REFERENCE, [line], currency='USD')
        self.sweep()
        payout = self.payout(REFERENCE)
        tx.pay_now_discrepancy_ids.filtered('proposed_commission').action_book_commission()
        self.sweep()
        self.assertEqual(self.env['account.move'].search_count([('ref', '=', REFERENCE)]), 1)
        self.assertFalse(payout.settled)
        self.assertIn("more than rates differ by", payout.problem)

    def test_bank_account_in_the_payouts_currency(self):
        _tx, payout = self.paid_out()
        line = self.bank_line(323.40, f'STRIPE {REFERENCE}', journal_id=self.bank_account().id)
        self.assertTrue(line.is_reconciled)
        self.assertEqual(payout.bank_state, 'matched')
        self.assertFalse(self.open_on(self.transfer))

    def test_bank_account_in_the_companys_currency(self):
        """The bank converted it: what its rate differs by is a difference of rates."""
        _tx, payout = self.paid_out()
        line = self.bank_line(292.00, f'STRIPE {REFERENCE}')
        self.assertFalse(line.is_reconciled, "another amount is for a person to see")
        self.assertEqual(payout.proposed_line_id, line)
        self.accept(payout)
        self.assertTrue(line.is_reconciled)
        self.assertFalse(self.open_on(self.transfer))
        bank = self.bank.default_account_id.code
        self.assertEqual(
            self.entry(line.move_id),
            sorted([(bank, 292.0, 0.0, 'EUR'), (self.transfer.code, 0.0, 292.0, 'USD')]),
        )
        exchange = payout._transfer_lines().matched_credit_ids.exchange_move_id
        exchange |= line.move_id.line_ids.matched_debit_ids.exchange_move_id
        loss = self.company.expense_currency_exchange_account_id
        self.assertEqual(
            [
                (one.account_id, one.debit, one.credit)
                for one in exchange.line_ids.sorted(lambda one: one.credit)
            ],
            [(loss, 2.0, 0.0), (self.transfer, 0.0, 2.0)],
        )

    def test_came_back(self):
        """At what it went: nothing is left of it, whatever the rate is by then."""
        _tx, payout = self.paid_out()
        self.env['res.currency.rate'].search([('currency_id', '=', self.dollar.id)]).rate = 2
        self.gateway.fail_payout(REFERENCE)
        self.sweep()
        self.assertEqual(
            self.entry(payout.reversal_move_id),
            sorted(
                [
                    (self.provider.pay_now_clearing_account_id.code, 294.0, 0.0, 'EUR'),
                    (self.transfer.code, 0.0, 294.0, 'USD'),
                ]
            ),
        )
        self.assertFalse(self.open_on(self.transfer))

    def test_by_age(self):
        """No payment of the company's own currency is taken for it."""
        self.rate(1.1)
        self.pay()
        self.gateway.pay_out(REFERENCE, amount=10, currency='USD')
        self.sweep()
        payout = self.payout(REFERENCE)
        self.assertTrue(payout.move_id)
        self.assertFalse(payout.settled)
        self.assertIn("by hand", payout.problem)
        self.assertFalse(payout._clearing_lines().reconciled)
