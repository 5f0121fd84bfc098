# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from decimal import Decimal

from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestIdentification(PayNowCommon):
    """Which payment ids of the provider mean: of events, movements and disputes alike."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.txs = cls.env['payment.transaction'].sudo()
        for number in range(4):
            tx = cls.checkout(cls.lines(cls.make_invoice(100 + number)))
            tx.sudo().write(
                {
                    'provider_reference': f'checkout_{number}',
                    'pay_now_payment_ref': f'payment_{number}',
                    'pay_now_charge_ref': f'charge_{number}',
                }
            )
            cls.txs |= tx
        cls.txs = cls.txs.sudo()

    def find(self, **ids):
        found = self.env['payment.transaction']._pay_now_find(self.provider, {'one': ids})
        return found.get('one')

    def test_ids_that_mean_different_payments(self):
        ids = {
            'checkout_id': 'checkout_0',
            'payment_id': 'payment_1',
            'charge_id': 'charge_2',
            'reference': self.txs[3].reference,
        }
        for tx, name in zip(self.txs, list(ids), strict=True):
            self.assertEqual(self.find(**ids), tx, name)
            ids.pop(name)
        self.assertIsNone(self.find(**ids))

    def test_unknown_ids_give_way_to_known_ones(self):
        self.assertEqual(
            self.find(checkout_id='checkout_x', payment_id='', charge_id='charge_2'), self.txs[2]
        )
        self.assertEqual(self.find(payment_id=False, reference=self.txs[1].reference), self.txs[1])
        self.assertIsNone(self.find(payment_id='payment_x'))

    def test_many_at_once_of_any_kind(self):
        movement = base.Movement(
            id='txn_1',
            kind='payment',
            type='charge',
            amount=Decimal(100),
            fee=Decimal(0),
            net=Decimal(100),
            currency='EUR',
            charge_id='charge_1',
            reference=self.txs[3].reference,
        )
        self.txs.invalidate_recordset()
        with self.assertQueryCount(1):
            found = (
                self.env['payment.transaction']
                .sudo()
                ._pay_now_find(
                    self.provider.sudo(),
                    {
                        'movement': movement,
                        'event': {'checkout_id': 'checkout_2'},
                        'foreign': {'checkout_id': 'elsewhere'},
                    },
                )
            )
        self.assertEqual(found, {'movement': self.txs[1], 'event': self.txs[2]})

    def test_a_refund_means_its_payment(self):
        tx = self.txs[0]
        refund = tx._create_child_transaction(50, is_refund=True)
        self.assertEqual(self.find(reference=refund.reference), tx)

    def test_the_first_of_several_known_by_one_id(self):
        self.txs[2:].pay_now_payment_ref = 'payment_same'
        self.assertEqual(self.find(payment_id='payment_same'), self.txs[2])

    def test_other_providers_are_left_out(self):
        self.assertFalse(
            self.env['payment.transaction']._pay_now_find(
                self.provider.browse(), {'one': {'checkout_id': 'checkout_0'}}
            )
        )
