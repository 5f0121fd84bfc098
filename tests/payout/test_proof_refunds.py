# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The balance of refunds whose fees go the other way than their money."""

from datetime import datetime, timezone
from decimal import Decimal

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.payment.test_commission import CommissionCase


@tagged('post_install', '-at_install')
class TestProofRefunds(CommissionCase):
    def assert_whole(self, payout):
        """All is booked, to the cent, and the payout has nothing to decide."""
        terms = self.provider.sudo()._pay_now_clearing_equation()
        self.assertEqual((terms['waiting'], terms['gap']), (0, 0))
        self.assertRecordValues(self.payout(payout), [{'settled': True, 'problem': False}])
        self.assertTrue(self.payout(payout)._clearing_lines().reconciled)

    def refunded(self, amount, fee, **values):
        """Return a payment, its movement, the id of its refund, and the refund's movement."""
        tx = self.paid(self.provider)
        paid = self.gateway.movement_of(tx)
        ref = self.gateway.give_back(tx.provider_reference, amount, commission=Decimal(fee))
        tx._synchronize()
        line = self.gateway.move(
            f'txn_{ref}', -Decimal(amount) - Decimal(fee), 'refund', fee, source_id=ref, **values
        )
        return tx, paid, ref, line

    def test_fee_given_back_with_the_refund(self):
        self.gateway.movement_of(self.tx)
        for tax in (None, self.vat, self.reverse_charge):
            self.choose(self.provider, tax)
            with self.subTest(tax=tax and tax.name):
                _tx, paid, ref, line = self.refunded('100', '-4.80')
                self.gateway.pay_out(f'po_{ref}', [paid, line], amount=0)
                other, more = self.pay(50, '1.00')
                self.gateway.pay_out(f'po_2{ref}', [more])
                self.sweep()
                self.assert_whole(f'po_2{ref}')
                self.assertTrue(other.payment_id)

    def test_fee_of_a_refund_that_came_back(self):
        self.gateway.movement_of(self.tx)
        self.choose(self.provider, self.reverse_charge)
        tx, paid, ref, line = self.refunded('50', '0.20')
        self.gateway.fail_refund(ref, returned_commission=Decimal('1.00'))
        tx._synchronize()
        back = self.gateway.move(
            'txn_back',
            '49.00',
            'refund',
            '1.00',
            source_id=ref,
            created_at=datetime.now(timezone.utc),
        )
        self.gateway.pay_out('po_1', [paid, line, back])
        self.sweep()
        self.assert_whole('po_1')

    def test_fee_given_back_as_the_money_came_back(self):
        self.gateway.movement_of(self.tx)
        tx, paid, ref, line = self.refunded('50', '0.20')
        self.gateway.fail_refund(ref, returned_commission=Decimal('-0.20'))
        tx._synchronize()
        back = self.gateway.move('txn_back', '50.20', 'refund', '-0.20', source_id=ref)
        self.gateway.pay_out('po_1', [paid, line, back])
        self.sweep()
        self.assert_whole('po_1')
