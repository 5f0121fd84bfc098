# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Amounts at PayPal: text in major units outside, integers in minor units inside.

Source: PayPal, "Currency codes", and its prices for commercial transactions in the EEA. Written
apart from the gateway, to check it.
"""

from decimal import ROUND_HALF_UP, Decimal

from ..common import ledger
from . import errors

#: currency -> decimals
DECIMALS = {
    **dict.fromkeys(
        [
            'AUD',
            'BRL',
            'CAD',
            'CHF',
            'CNY',
            'CZK',
            'DKK',
            'EUR',
            'GBP',
            'HKD',
            'ILS',
            'MXN',
            'MYR',
            'NOK',
        ],
        2,
    ),
    **dict.fromkeys(['NZD', 'PHP', 'PLN', 'RUB', 'SEK', 'SGD', 'THB', 'USD'], 2),
    **dict.fromkeys(['HUF', 'JPY', 'TWD'], 0),
}
#: Only within the country itself: currency -> country
DOMESTIC = {'BRL': 'BR', 'CNY': 'CN', 'MYR': 'MY'}
PERCENT = '2.9'
#: The fixed part of the fee, in major units.
FIXED = {
    **{'AUD': '0.30', 'BRL': '0.60', 'CAD': '0.30', 'CHF': '0.55', 'CZK': '10.00', 'DKK': '2.60'},
    **{'EUR': '0.35', 'GBP': '0.30', 'HKD': '2.35', 'HUF': '90', 'ILS': '1.20', 'JPY': '40'},
    **{'MXN': '4.00', 'MYR': '2.00', 'NOK': '2.80', 'NZD': '0.45', 'PHP': '15.00', 'PLN': '1.35'},
    **{'RUB': '10.00', 'SEK': '3.25', 'SGD': '0.50', 'THB': '11.00', 'TWD': '10', 'USD': '0.49'},
}
MOST = Decimal('999999999999999.99')


def minor(value, currency):
    """Return an amount's minor units.

    :param str value: major units.
    """
    return int(Decimal(value).scaleb(DECIMALS[currency]))


def text(amount, currency):
    """Return major units as PayPal writes them, e.g. `12.30`.

    :param int amount: minor units.
    """
    digits = DECIMALS[currency]
    return f'{Decimal(amount).scaleb(-digits):.{digits}f}'


def money(amount, currency):
    """Return PayPal's object of an amount in minor units."""
    return {'currency_code': currency, 'value': text(amount, currency)}


def check(given, field, problems, positive=True):
    """Note what PayPal would not take about an amount.

    :param dict given: `currency_code` and `value`, well-formed.
    :param list problems: details of an error, added to.
    :param bool positive: zero is refused too.
    """
    currency, value = given['currency_code'], given['value']
    if currency not in DECIMALS:
        problems.append(errors.detail('INVALID_CURRENCY_CODE', f'{field}/currency_code', currency))
        return
    issue = None
    decimals = len(value.partition('.')[2])
    if decimals and not DECIMALS[currency]:
        issue = 'DECIMALS_NOT_SUPPORTED'
    elif decimals > 2:
        issue = 'DECIMAL_PRECISION'
    elif Decimal(value) < 0 or (positive and not Decimal(value)):
        issue = 'CANNOT_BE_ZERO_OR_NEGATIVE' if positive else 'CANNOT_BE_NEGATIVE'
    elif Decimal(value) > MOST:
        issue = 'MAX_VALUE_EXCEEDED'
    if issue:
        problems.append(errors.detail(issue, f'{field}/value', value))


def fee(amount, currency, percent=PERCENT):
    """Return PayPal's fee in minor units.

    :param int amount: minor units.
    :param str percent: what is taken beside the fixed part.
    """
    part = (Decimal(amount) * Decimal(percent) / 100).quantize(Decimal(1), ROUND_HALF_UP)
    return min(int(part) + minor(FIXED[currency], currency), amount)


def convert(amount, currency, settlement, rates):
    """Return what an amount becomes in the account's currency.

    :param dict rates: currency -> rate; a currency without one is kept as it is.
    :return: (minor units, currency, rate or None).
    """
    settled, into, rate = ledger.convert(amount, currency, settlement, rates, DECIMALS)
    return settled, into, rate and str(rate)
