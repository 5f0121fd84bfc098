# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Balances and statements, held against the reports that the providers give themselves."""

from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from odoo import fields
from odoo.tests import freeze_time, tagged

from odoo.addons.account_pay_now.tests.payout.test_payout_sandbox import MoneyCase
from odoo.addons.account_pay_now.tests.payout.test_proof import SUMS

DAY = 86400
#: Stripe's own types of movements, and PayPal's codes, by the figures of a statement.
STRIPE_TYPES = {
    'charge': 'payment',
    'payment': 'payment',
    'refund': 'refund',
    'payout': 'payout',
    'adjustment': 'dispute',
}
PAYPAL_CODES = {'T0006': 'payment', 'T1107': 'refund', 'T0400': 'payout'}


@tagged('post_install', '-at_install')
class TestProofSandbox(MoneyCase):
    """Three days at both providers, with everything that moves a balance."""

    def on_day(self, number):
        """Let it be some days after the test began, in Odoo and at the providers."""
        if number > self.days:
            self.sandbox.advance(seconds=DAY * (number - self.days))
            self.days = number
        # A little later than there: PayPal is asked for what moved up to now.
        return freeze_time(self.began + timedelta(days=number, minutes=1), tick=True)

    def day(self, number):
        return self.company._pay_now_day(self.began + timedelta(days=number))

    def setUp(self):
        super().setUp()
        # The sandbox's time goes on from one test to the next.
        now = self.sandbox.advance(seconds=1)['now']
        self.days = 0
        self.began = datetime.fromtimestamp(now, timezone.utc).replace(tzinfo=None)
        with self.on_day(0):
            txs = [self.stripe_paid(), self.paypal_paid()]
            for provider in self.provider | self.paypal:
                self.elsewhere(provider)
            self.list_all()
        with self.on_day(1):
            self.stripe_paid(120)
            self.paypal_paid(80)
            for tx in txs:
                tx.action_refund(50)
            self.list_all()
        with self.on_day(2):
            self.sandbox.charge_fee(amount=250)
            self.sandbox.payout()
            self.sandbox.paypal.payout(amount=10000)
            self.list_all()

    # === WHAT THE PROVIDERS SAY THEMSELVES === #

    def stripe_report(self, until=None):
        """Return the balance transactions up to an instant, in euros."""
        client = self.provider.sudo()._pay_now_gateway()._client
        created = {'created': {'lt': int(until.timestamp())}} if until else {}
        listed = client.iterate(lambda v1: v1.balance_transactions.list, {'limit': 100, **created})
        return [
            {
                'kind': STRIPE_TYPES.get(one['type'], 'other'),
                'at': datetime.fromtimestamp(one['created'], timezone.utc),
                **{name: Decimal(one[name]) / 100 for name in ('amount', 'fee', 'net')},
            }
            for one in listed
        ]

    def paypal_balance(self, until):
        client = self.paypal.sudo()._pay_now_gateway()._client
        query = {'as_of_time': (until - timedelta(seconds=1)).strftime('%Y-%m-%dT%H:%M:%SZ')}
        (balance,) = client.call('GET', '/v1/reporting/balances', query=query)['balances']
        return Decimal(balance['total_balance']['value'])

    def paypal_report(self):
        client = self.paypal.sudo()._pay_now_gateway()._client
        stamp = '%Y-%m-%dT%H:%M:%SZ'
        now = datetime.now(timezone.utc)
        query = {
            'start_date': (now - timedelta(days=10)).strftime(stamp),
            'end_date': (now + timedelta(days=1)).strftime(stamp),
            'page_size': '500',
        }
        answer = client.call('GET', '/v1/reporting/transactions', query=query)
        found = []
        for detail in answer['transaction_details']:
            info = detail['transaction_info']
            fee = -Decimal(info.get('fee_amount', {'value': '0'})['value'])
            amount = Decimal(info['transaction_amount']['value'])
            found.append(
                {
                    'kind': PAYPAL_CODES.get(info['transaction_event_code'], 'other'),
                    'at': datetime.strptime(
                        info['transaction_initiation_date'], '%Y-%m-%dT%H:%M:%S%z'
                    ),
                    'amount': amount,
                    'fee': fee,
                    'net': amount - fee,
                }
            )
        return found

    def end_of(self, number):
        end = self.company._pay_now_day_start(self.day(number) + timedelta(days=1))
        return end.replace(tzinfo=timezone.utc)

    # === THE FIGURES === #

    def test_balance_of_each_day_is_the_providers(self):
        with self.on_day(2):
            for number in (0, 1, 2):
                until = self.end_of(number)
                said = {
                    self.provider: sum(one['net'] for one in self.stripe_report(until)),
                    self.paypal: self.paypal_balance(until),
                }
                for provider, balance in said.items():
                    with self.subTest(day=number, provider=provider.code):
                        terms = provider.sudo()._pay_now_clearing_equation(self.day(number))
                        self.assertAlmostEqual(terms['balance'], float(balance))
                        self.assertEqual(terms['gap'], 0, terms)
                        self.assertTrue(terms['foreign'])
                        self.assertEqual((terms['waiting'], terms['unlisted']), (0, 0), terms)
                        for parts, total in SUMS:
                            self.assertAlmostEqual(sum(terms[part] for part in parts), terms[total])

    def test_statement_is_the_providers_report(self):
        with self.on_day(2):
            reports = {self.provider: self.stripe_report(), self.paypal: self.paypal_report()}
            for provider, report in reports.items():
                closing = 0
                for first, last in ((0, 0), (1, 2)):
                    with self.subTest(provider=provider.code, first=first):
                        found = provider.sudo()._pay_now_statement(self.day(first), self.day(last))
                        figures = {code: amount for code, (amount, _made) in found.items()}
                        expected = defaultdict(float)
                        for one in report:
                            if self.day(first) <= self.local_day(one['at']) <= self.day(last):
                                expected[one['kind']] += float(one['amount'])
                                expected['commission'] -= float(one['fee'])
                        self.assertAlmostEqual(figures.pop('opening'), closing)
                        closing = figures.pop('closing')
                        self.assertEqual(
                            {code: round(value, 2) for code, value in figures.items() if value},
                            {code: round(value, 2) for code, value in expected.items() if value},
                        )
                self.assertAlmostEqual(closing, float(sum(one['net'] for one in report)))

    def test_disputes_are_counted_once(self):
        """PayPal lists them under other ids than its disputes tell."""
        with self.on_day(3):
            stripe, paypal = self.stripe_paid(60), self.paypal_paid(70)
            self.sandbox.dispute(charge=stripe.pay_now_charge_ref)
            self.sandbox.paypal.dispute(capture=paypal.pay_now_payment_ref)
            self.list_all()
        with self.on_day(4):
            taken = self.paypal_paid(90)
            self.sandbox.paypal.reverse(capture=taken.pay_now_payment_ref)
            self.list_all()
            for number in (2, 3, 4):
                until = self.end_of(number)
                said = {
                    self.provider: sum(one['net'] for one in self.stripe_report(until)),
                    self.paypal: self.paypal_balance(until),
                }
                for provider, balance in said.items():
                    with self.subTest(day=number, provider=provider.code):
                        terms = provider.sudo()._pay_now_clearing_equation(self.day(number))
                        self.assertAlmostEqual(terms['balance'], float(balance))
                        self.assertEqual((terms['gap'], terms['unlisted']), (0, 0), terms)
                        found = provider.sudo()._pay_now_statement(self.day(0), self.day(number))
                        self.assertAlmostEqual(found['closing'][0], float(balance))

    def local_day(self, instant):
        return self.company._pay_now_day(instant.replace(tzinfo=None))

    def test_nothing_is_written_twice(self):
        """Asked again, and listed again: each movement is kept once."""
        with self.on_day(2):
            before = self.env['pay.now.movement'].search_count([])
            self.list_all()
            (self.provider | self.paypal).sudo().write(
                {'pay_now_listed_from': fields.Datetime.now()}
            )
            for provider in (self.provider | self.paypal).sudo():
                provider._pay_now_clearing_equation(self.day(0))
            self.assertEqual(self.env['pay.now.movement'].search_count([]), before)
