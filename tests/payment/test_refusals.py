# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import runpy
from pathlib import Path

from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import GatewayRefused
from odoo.addons.account_pay_now.tests.refund.test_refund import RefundCase

UPGRADE = Path(__file__).parents[2] / 'migrations' / '19.0.1.6.0' / 'post-refusals.py'


@tagged('post_install', '-at_install')
class TestRefusals(RefundCase):
    """Our own reasons and the providers' codes: each in a field of its own."""

    def assert_why(self, tx, refusal, code, label):
        self.assertRecordValues(
            tx, [{'pay_now_refusal': refusal, 'pay_now_failure_code': code or False}]
        )
        said = tx._pay_now_refund_label() if tx.amount < 0 else tx._pay_now_failure_label()
        self.assertIn(label, said)

    def test_ours_comes_before_what_the_provider_said(self):
        tx = self.checkout(self.lines(self.make_invoice(50)))
        self.gateway.set(tx.provider_reference, failure_code='card_declined')
        tx._synchronize()
        self.assert_why(tx, False, 'card_declined', "bank refused")
        tx._pay_now_close('superseded')
        self.assert_why(tx, 'superseded', 'card_declined', "started another payment")

    def test_what_the_provider_says_later_counts(self):
        tx = self.checkout(self.lines(self.make_invoice(50)))
        tx._pay_now_close('superseded')
        self.gateway.set(
            tx.provider_reference, state=base.FAILED, failure_code='insufficient_funds'
        )
        tx._synchronize()
        self.assert_why(tx, False, 'insufficient_funds', "not enough money")

    def test_another_currency(self):
        tx = self.checkout(self.lines(self.make_invoice(50)))
        self.gateway.pay(tx, currency='USD')
        for _again in range(2):
            tx._synchronize()
            self.assert_why(tx, 'other_currency', False, "another currency")

    def test_refund_not_asked_for(self):
        refund = self.tx._create_child_transaction(20, is_refund=True)
        self.give_back(10)
        refund._send_refund_request()
        self.assert_why(refund, 'made_elsewhere', False, "meanwhile")

    def test_refund_refused_by_the_provider(self):
        self.gateway.refund_error = GatewayRefused("Disputed.", 'charge_disputed')
        self.assert_why(self.refund(20), False, 'charge_disputed', "disputes this payment")

    def test_refund_that_failed_for_a_reason_that_stripe_does_not_know(self):
        refund = self.refund(20)
        self.gateway.fail_refund(refund.pay_now_refund_ref, reason='unknown')
        self.tx._synchronize()
        self.assert_why(refund, False, 'unknown', "answers: unknown")

    def test_upgrade(self):
        txs = self.env['payment.transaction'].sudo()
        before = (
            ('payment', 'superseded', 'superseded', False),
            ('payment', 'card_declined', False, 'card_declined'),
            ('payment', 'too_much', False, 'too_much'),
            ('refund', 'unknown', 'no_payment', False),
            ('refund made', 'unknown', False, 'unknown'),
            ('refund made', 'of_dispute', 'of_dispute', False),
            ('refund', 'lapsed', False, 'lapsed'),
            ('refund', False, False, False),
        )
        for number, (kind, code, _refusal, _code) in enumerate(before):
            txs |= self.tx.copy(
                {
                    'reference': f'old-{number}',
                    'provider_reference': f'old-{number}',
                    'operation': 'refund' if 'refund' in kind else 'online_redirect',
                    'source_transaction_id': 'refund' in kind and self.tx.id,
                    'pay_now_refund_ref': 'made' in kind and f're_{number}',
                    'pay_now_failure_code': code,
                }
            )
        self.env.flush_all()
        runpy.run_path(str(UPGRADE))['migrate'](self.cr, '19.0.1.5.0')
        self.env.invalidate_all()
        self.assertRecordValues(
            txs,
            [
                {'pay_now_refusal': refusal, 'pay_now_failure_code': code}
                for _kind, _before, refusal, code in before
            ],
        )
