# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's minor units, from an explicit table: they are neither ISO's nor Odoo's everywhere.

Source: Stripe, "Supported currencies", sections "Zero-decimal", "Three-decimal" and "Special
cases", and "Minimum and maximum charge amounts".
"""

from decimal import Decimal
from fractions import Fraction

from ..errors import GatewayRefused

ZERO_DECIMAL = frozenset([
    'BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF',
    'XOF', 'XPF',
])  # fmt: skip
THREE_DECIMAL = frozenset(['BHD', 'JOD', 'KWD', 'OMR', 'TND'])
#: Two decimals on the wire, of which the last two must be zero: 500 for 5 of them.
WHOLE_UNITS = frozenset({'ISK', 'UGX'})
TWO_DECIMAL = frozenset([
    'AED', 'AUD', 'BGN', 'BRL', 'CAD', 'CHF', 'CNY', 'CZK', 'DKK', 'EUR', 'GBP', 'HKD', 'HUF',
    'IDR', 'ILS', 'INR', 'MAD', 'MXN', 'MYR', 'NOK', 'NZD', 'PHP', 'PLN', 'RON', 'SAR', 'SEK',
    'SGD', 'THB', 'TRY', 'TWD', 'USD', 'ZAR',
])  # fmt: skip
CURRENCIES = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS | TWO_DECIMAL

MINIMUM = {
    'AED': '2', 'AUD': '0.50', 'BGN': '1', 'BRL': '0.50', 'CAD': '0.50', 'CHF': '0.50',
    'CZK': '15', 'DKK': '2.50', 'EUR': '0.50', 'GBP': '0.30', 'HKD': '4', 'HUF': '175',
    'INR': '0.50', 'JPY': '50', 'MXN': '10', 'MYR': '2', 'NOK': '3', 'NZD': '0.50',
    'PLN': '2', 'RON': '2', 'SEK': '3', 'SGD': '0.50', 'THB': '10', 'USD': '0.50',
}  # fmt: skip
MAXIMUM_MINOR = {'INR': 999_999_999, 'IDR': 999_999_999_999}


def exponent(currency):
    """Return the number of decimals of a currency in Stripe's amounts.

    :param str currency: ISO code, any case.
    :raise GatewayRefused: `currency_not_supported`.
    """
    code = currency.upper()
    if code not in CURRENCIES:
        raise GatewayRefused(f"{code} cannot be charged.", 'currency_not_supported')
    if code in ZERO_DECIMAL:
        return 0
    return 3 if code in THREE_DECIMAL else 2


def amount_step(currency):
    """Return what amounts of a currency have to be a multiple of.

    :param str currency: ISO code, any case.
    :return: major units; zero where the currency cannot be charged.
    :rtype: decimal.Decimal
    """
    code = currency.upper()
    if code not in CURRENCIES:
        return Decimal(0)
    if code in WHOLE_UNITS:
        return Decimal(1)
    # Of three decimals, the last one has to be zero.
    return Decimal('0.010') if code in THREE_DECIMAL else Decimal(1).scaleb(-exponent(code))


def to_minor(amount, currency):
    """Return an amount in Stripe's minor units.

    :param decimal.Decimal amount: major units.
    :param str currency: ISO code.
    :rtype: int
    :raise GatewayRefused: `amount_not_representable`, `currency_not_supported`.
    """
    if not isinstance(amount, Decimal):
        raise TypeError("Amounts are Decimal, never float.")
    code = currency.upper()
    digits = exponent(code)
    # A Fraction is exact where Decimal would round to its precision. Nobody owes 10 ** 15.
    readable = amount.is_finite() and abs(amount.adjusted()) < 15
    if not readable or Fraction(amount) % Fraction(amount_step(code)):
        raise GatewayRefused(
            f"{amount} {code} cannot be charged to the last digit.", 'amount_not_representable'
        )
    return int(Fraction(amount) * 10**digits)


def from_minor(minor, currency):
    """Return one of Stripe's amounts in major units.

    :param int minor: minor units.
    :param str currency: ISO code, any case; unknown ones are read with two decimals.
    :rtype: decimal.Decimal
    """
    code = currency.upper()
    digits = exponent(code) if code in CURRENCIES else 2
    return Decimal(minor).scaleb(-digits)


def amount_limits(currency):
    """Return the smallest and largest amount of one charge. Advisory: Stripe decides.

    :param str currency: ISO code.
    :rtype: tuple(decimal.Decimal, decimal.Decimal)
    """
    code = currency.upper()
    step = amount_step(code)
    if not step:
        return Decimal(1), Decimal(0)
    low = Decimal(MINIMUM.get(code, '0')) or step
    high = from_minor(MAXIMUM_MINOR.get(code, 99_999_999), code)
    return low, high - high % step
