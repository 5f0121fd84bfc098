# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Situation by situation: what becomes of payouts, however the books are notified.

The rows happen one after the other at one provider, each with a payment of its own, in each way of
notification, and end in the same books; `rows_played` says which.
"""

import time
from collections import namedtuple
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.payment.notified import WAYS, NotifiedCase, rows_played

#: What is looked at in the end.
#:
#: state       of the payout
#: allocation  `exact`: by the provider's list; `age`: the oldest items
#: settled     everything it is made of is booked and reconciled with it
#: bank        whether it met the bank's line
#: to_decide   movements in it that are not ours
Outcome = namedtuple('Outcome', ('state', 'allocation', 'settled', 'bank', 'to_decide'))

PAID = Outcome('paid', 'exact', True, 'waiting', 0)
ON_ITS_WAY = Outcome('pending', 'exact', False, 'waiting', 0)
FAILED = Outcome('failed', 'exact', True, 'none', 0)
MATCHED = Outcome('paid', 'exact', True, 'matched', 0)
UNDECIDED = Outcome('paid', 'exact', False, 'waiting', 1)


def by_age(outcome):
    """The same where the provider does not say what a payout is made of."""
    return outcome._replace(allocation='age')


#: situation -> what it ends in, for Stripe and for PayPal; None where there is no such thing.
TABLE = {
    'paid': (PAID, by_age(PAID)),
    'on_its_way_and_paid': (PAID, None),
    'asked_for_by_the_merchant': (by_age(PAID), by_age(PAID)),
    'bank_line_before': (MATCHED, by_age(MATCHED)),
    'bank_line_after': (MATCHED, by_age(MATCHED)),
    'two_bank_lines_alike': (PAID, by_age(PAID)),
    'bank_line_of_somebody_else': (PAID, by_age(PAID)),
    'failed_after_it_was_paid': (FAILED, by_age(FAILED)),
    'paid_after_one_that_failed': (PAID, by_age(PAID)),
    'with_money_of_others': (UNDECIDED, by_age(UNDECIDED)),
    'on_its_way': (ON_ITS_WAY, None),
}


@tagged('post_install', '-at_install')
class TestSituationsPayouts(NotifiedCase):
    """The table above, in each way of notification."""

    @classmethod
    def prepare_sandbox(cls):
        """Make what is paid, each time another amount."""
        # One more: a payout fails before another one is made.
        cls.invoices = cls.make_invoices([100 + number for number in range(1, len(TABLE) + 2)])

    def pay(self):
        """A customer pays."""
        invoice = next(self.unpaid)
        pay = self.stripe_paid if self.current_provider == self.provider else self.paypal_paid
        pay(invoice=invoice)

    def pay_out(self, **values):
        """The provider pays everything out, its own way by default.

        :return: the amount.
        """
        made = self.side.payout(**values)
        self.refs[self.situation] = made['id']
        return abs(made['amount']) / 100

    def bank_line(self, amount, label=None):
        name = self.current_provider._pay_now_short_name()
        return self.env['account.bank.statement.line'].create(
            {
                'journal_id': self.company_data['default_journal_bank'].id,
                'amount': amount,
                'payment_ref': label or f"VIR SEPA {name.upper()} EUROPE",
                'date': fields.Date.today() + timedelta(days=2),
            }
        )

    # === the situations === #

    def paid(self):
        self.pay()
        self.pay_out()
        yield

    def on_its_way(self):
        self.pay()
        self.pay_out(slow=True)
        yield

    def on_its_way_and_paid(self):
        yield from self.on_its_way()
        self.side.arrive_payout(payout=self.refs[self.situation])
        yield

    def asked_for_by_the_merchant(self):
        self.pay()
        self.pay_out(amount=self.side.account_state()['balance'])
        yield

    def bank_line_before(self):
        self.pay()
        self.bank_line(self.pay_out())
        yield

    def bank_line_after(self):
        self.pay()
        amount = self.pay_out()
        yield
        self.bank_line(amount)
        yield

    def two_bank_lines_alike(self):
        self.pay()
        amount = self.pay_out()
        self.bank_line(amount)
        self.bank_line(amount)
        yield

    def bank_line_of_somebody_else(self):
        self.pay()
        self.bank_line(self.pay_out(), label="VIR CLIENT DUPONT")
        yield

    def failed_after_it_was_paid(self):
        self.pay()
        self.pay_out()
        yield
        self.side.fail_payout(payout=self.refs[self.situation])
        yield

    def paid_after_one_that_failed(self):
        yield from self.failed_after_it_was_paid()
        self.refs['the one before'] = self.refs[self.situation]
        # The money that came back goes out with it.
        self.pay()
        self.pay_out()
        yield

    def with_money_of_others(self):
        self.pay()
        # Later than the payouts before: PayPal does not say which one took it.
        time.sleep(1.1)
        self.elsewhere(self.current_provider, f'SHOP-{self.situation}')
        self.pay_out()
        yield

    # === the table === #

    def story(self, situations):
        for self.situation in situations:
            yield from getattr(self, self.situation)()

    def play(self, number, way):
        self.current_provider = (self.provider, self.paypal)[number]
        self.side = (self.sandbox, self.sandbox.paypal)[number]
        self.unpaid, self.refs, self.situation = iter(self.invoices), {}, ''
        expected = {name: TABLE[name][number] for name in rows_played(TABLE, number, way)}
        self.play_stories([self.story(expected)], way)
        self.list_all()
        payouts = {one.payout_ref: one for one in self.payouts(self.current_provider)}
        self.assertEqual(set(payouts), set(self.refs.values()))
        found = {name: self.outcome(payouts[self.refs[name]]) for name in expected}
        wrong = [
            f"{name}: {found[name]} instead of {expected[name]}"
            for name in expected
            if found[name] != expected[name]
        ]
        self.assertFalse(wrong, '\n'.join(wrong))
        self.assert_equation()
        self.assert_nothing_left_behind(payouts.values())

    def outcome(self, payout):
        """Return what there is to look at, as in the table."""
        return Outcome(
            payout.state,
            payout.allocation,
            payout.settled,
            payout.bank_state,
            payout.to_decide_count,
        )

    def assert_nothing_left_behind(self, payouts):
        """What is settled left nothing of its own open on the clearing account."""
        for payout in payouts:
            self.assertFalse(payout.problem)
            if payout.settled and payout.state == 'paid':
                self.assertTrue(payout._clearing_lines().reconciled, payout.name)


def _test(number, way):
    """Return the test of the table for one provider and one way of notification."""
    return lambda self: self.play(number, way)


for _number, _name in enumerate(('stripe', 'paypal')):
    for _way in WAYS:
        setattr(TestSituationsPayouts, f'test_{_name}_{_way}', _test(_number, _way))
