# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's amounts, from an explicit table: its decimals are neither ISO's nor Stripe's.

Source: PayPal, "Currency codes" (the currencies, and those without decimals) and "Orders v2
errors" (`DECIMALS_NOT_SUPPORTED`, `MAX_VALUE_EXCEEDED`).
"""

from decimal import Decimal

from ..errors import GatewayRefused

ZERO_DECIMAL = frozenset(['HUF', 'JPY', 'TWD'])
#: BRL, CNY and MYR are for accounts of their own country: PayPal decides.
TWO_DECIMAL = frozenset([
    'AUD', 'BRL', 'CAD', 'CHF', 'CNY', 'CZK', 'DKK', 'EUR', 'GBP', 'HKD', 'ILS', 'MXN', 'MYR',
    'NOK', 'NZD', 'PHP', 'PLN', 'RUB', 'SEK', 'SGD', 'THB', 'USD',
])  # fmt: skip
CURRENCIES = ZERO_DECIMAL | TWO_DECIMAL
MAXIMUM = {0: Decimal('9999999'), 2: Decimal('9999999.99')}


def exponent(currency):
    """Return the number of decimals of a currency in PayPal's amounts.

    :param str currency: ISO code, any case.
    :raise GatewayRefused: `currency_not_supported`.
    """
    code = currency.upper()
    if code not in CURRENCIES:
        raise GatewayRefused(f"{code} cannot be charged.", 'currency_not_supported')
    return 0 if code in ZERO_DECIMAL else 2


def to_money(amount, currency):
    """Return an amount as PayPal writes it.

    :param decimal.Decimal amount: major units.
    :param str currency: ISO code, any case.
    :return: `{'currency_code': …, 'value': …}`
    :rtype: dict
    :raise GatewayRefused: `amount_not_representable`, `currency_not_supported`.
    """
    if not isinstance(amount, Decimal):
        raise TypeError("Amounts are Decimal, never float.")
    code = currency.upper()
    digits = exponent(code)
    # Nobody owes 10 ** 15; within that, Decimal rounds nothing below.
    readable = amount.is_finite() and abs(amount.adjusted()) < 15
    value = f'{amount:.{digits}f}' if readable else ''
    if not readable or Decimal(value) != amount:
        raise GatewayRefused(
            f"{amount} {code} cannot be charged to the last digit.", 'amount_not_representable'
        )
    return {'currency_code': code, 'value': value}


def from_money(values):
    """Return one of PayPal's amounts.

    :param dict values: `{'currency_code': …, 'value': …}`
    :return: the amount in major units, and the ISO code.
    :rtype: tuple(decimal.Decimal, str)
    """
    value, code = values['value'], values['currency_code']
    if not (isinstance(value, str) and isinstance(code, str)):
        raise TypeError("PayPal writes amounts as text.")
    amount = Decimal(value)
    if not (amount.is_finite() and abs(amount.adjusted()) < 15):
        raise ValueError("This is no amount.")
    return amount, code.upper()


def amount_step(currency):
    """Return what amounts of a currency have to be a multiple of.

    :param str currency: ISO code, any case.
    :return: major units; zero where the currency cannot be paid in.
    :rtype: decimal.Decimal
    """
    code = currency.upper()
    return Decimal(1).scaleb(-exponent(code)) if code in CURRENCIES else Decimal(0)


def amount_limits(currency):
    """Return the smallest and largest amount of one payment. Advisory: PayPal decides.

    :param str currency: ISO code.
    :rtype: tuple(decimal.Decimal, decimal.Decimal)
    """
    step = amount_step(currency)
    if not step:
        return Decimal(1), Decimal(0)
    return step, MAXIMUM[exponent(currency)]
