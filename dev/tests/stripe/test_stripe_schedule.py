# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""When Stripe pays out, as the account says it, and the days that follow from it."""

from datetime import date

import pytest

from gateways.base import PayoutSchedule
from gateways.stripe.schedule import payout_schedule


def read(**schedule):
    return payout_schedule({'settings': {'payouts': {'schedule': schedule}}})


def test_of_the_account(gateway, sandbox):
    assert gateway.check_account().payout_schedule == PayoutSchedule('daily', 7)
    sandbox.account(
        account='acct_sandbox',
        payout_schedule={
            'delay_days': 4,
            'interval': 'weekly',
            'weekly_anchor': 'tuesday',
            'weekly_payout_days': ['thursday', 'tuesday'],
        },
    )
    assert gateway.check_account().payout_schedule == PayoutSchedule('weekly', 4, (2, 4))


def test_a_key_that_may_not_read_it(gateway, sandbox):
    sandbox.account(account='acct_sandbox', payout_schedule=None)
    account = gateway.check_account()
    assert account.payout_schedule is None
    assert account.can_charge and account.can_pay_out


@pytest.mark.parametrize(
    ('schedule', 'expected'),
    [
        ({'interval': 'daily', 'delay_days': 2}, PayoutSchedule('daily', 2)),
        ({'interval': 'manual', 'delay_days': 7}, PayoutSchedule('manual', 7)),
        # Before there could be several days, and beside them.
        ({'interval': 'weekly', 'weekly_anchor': 'monday'}, PayoutSchedule('weekly', None, (1,))),
        ({'interval': 'monthly', 'monthly_anchor': 31}, PayoutSchedule('monthly', None, (31,))),
        (
            {'interval': 'monthly', 'monthly_anchor': 1, 'monthly_payout_days': [15, 1]},
            PayoutSchedule('monthly', None, (1, 15)),
        ),
        (
            {'interval': 'weekly', 'weekly_anchor': 'friday', 'weekly_payout_days': []},
            PayoutSchedule('weekly', None, (5,)),
        ),
        # What nobody knows yet is not known.
        ({'interval': 'hourly', 'delay_days': 7}, None),
        ({'interval': 'weekly', 'weekly_anchor': 'someday'}, None),
        ({'interval': 'weekly', 'weekly_payout_days': [{}, None]}, None),
        ({'interval': 'monthly', 'monthly_anchor': 0}, None),
        ({'interval': 'monthly', 'monthly_payout_days': ['1', True, 32, 2.0]}, None),
        ({'interval': ['daily']}, None),
        ({}, None),
        ({'interval': 'daily', 'delay_days': 'minimum'}, PayoutSchedule('daily')),
        ({'interval': 'daily', 'delay_days': -1}, PayoutSchedule('daily')),
        ({'interval': 'daily', 'delay_days': 10**9}, PayoutSchedule('daily')),
    ],
)
def test_what_stripe_may_say(schedule, expected):
    assert read(**schedule) == expected


@pytest.mark.parametrize(
    'account',
    [
        {},
        {'settings': None},
        {'settings': []},
        {'settings': {'payouts': 'daily'}},
        {'settings': {'payouts': {'schedule': None}}},
    ],
)
def test_nothing_of_it(account):
    assert payout_schedule(account) is None


#: The 15th of June 2026 is a Monday; January and February of that year end on a Saturday.
@pytest.mark.parametrize(
    ('interval', 'days', 'available', 'expected'),
    [
        ('daily', (), date(2026, 6, 19), date(2026, 6, 19)),
        ('daily', (), date(2026, 6, 20), date(2026, 6, 22)),
        ('daily', (), date(2026, 6, 21), date(2026, 6, 22)),
        ('weekly', (1,), date(2026, 6, 15), date(2026, 6, 15)),
        ('weekly', (1,), date(2026, 6, 16), date(2026, 6, 22)),
        ('weekly', (2, 4), date(2026, 6, 17), date(2026, 6, 18)),
        ('weekly', (2, 4), date(2026, 6, 19), date(2026, 6, 23)),
        ('monthly', (1, 15), date(2026, 6, 15), date(2026, 6, 15)),
        ('monthly', (1, 15), date(2026, 6, 16), date(2026, 7, 1)),
        ('monthly', (31,), date(2026, 6, 15), date(2026, 6, 30)),
        ('monthly', (31,), date(2026, 7, 1), date(2026, 7, 31)),
        # A Saturday: the Monday after it, though of another month.
        ('monthly', (31,), date(2026, 1, 30), date(2026, 2, 2)),
        ('monthly', (29,), date(2026, 1, 30), date(2026, 3, 2)),
        ('monthly', (30,), date(2028, 2, 1), date(2028, 2, 29)),
        ('monthly', (1,), date(2026, 11, 2), date(2026, 12, 1)),
        ('manual', (), date(2026, 6, 15), None),
        ('weekly', (), date(2026, 6, 15), None),
    ],
)
def test_the_day_that_is_expected(interval, days, available, expected):
    assert PayoutSchedule(interval, 7, days).next_day(available) == expected
