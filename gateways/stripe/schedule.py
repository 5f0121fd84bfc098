# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""When Stripe pays out: `settings.payouts.schedule` of an account."""

from ..base import DAILY, MANUAL, MONTHLY, WEEKLY, PayoutSchedule

WEEKDAYS = {
    name: number
    for number, name in enumerate(
        ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'), start=1
    )
}
#: Longer than any account waits.
LONGEST_DELAY = 366


def payout_schedule(account):
    """Read when an account is paid out. Nothing depends on it: what is strange is not known.

    :param dict account: as Stripe describes it; a key may not be allowed to read its settings.
    :rtype: gateways.base.PayoutSchedule | None
    """
    values = account
    for name in ('settings', 'payouts', 'schedule'):
        values = values.get(name)
        if not isinstance(values, dict):
            return None
    interval = values.get('interval')
    if interval not in (DAILY, WEEKLY, MONTHLY, MANUAL):
        return None
    days = ()
    if interval == WEEKLY:
        named = _listed(values, 'weekly_payout_days', 'weekly_anchor')
        days = {WEEKDAYS[name] for name in named if isinstance(name, str) and name in WEEKDAYS}
    elif interval == MONTHLY:
        named = _listed(values, 'monthly_payout_days', 'monthly_anchor')
        days = {number for number in named if _is_within(number, 1, 31)}
    if interval in (WEEKLY, MONTHLY) and not days:
        return None
    delay = values.get('delay_days')
    return PayoutSchedule(
        interval=interval,
        delay_days=delay if _is_within(delay, 0, LONGEST_DELAY) else None,
        days=tuple(sorted(days)),
    )


def _listed(values, many, one):
    """Return several days, or the one that accounts had before there could be several."""
    listed = values.get(many)
    return listed if isinstance(listed, list) and listed else [values.get(one)]


def _is_within(number, least, most):
    return type(number) is int and least <= number <= most
