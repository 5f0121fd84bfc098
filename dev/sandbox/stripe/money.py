# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Amounts at Stripe: minor units, limits, fees. Written apart from the gateway, to check it.

Source: Stripe, "Supported currencies", "Minimum and maximum charge amounts", and its prices for
cards and SEPA debits in France.
"""

from decimal import ROUND_HALF_UP, Decimal

from ..common import ledger
from . import errors


def _all(codes, value):
    return dict.fromkeys(codes.split(), value)


#: currency -> decimals
DECIMALS = {
    **_all('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf', 0),
    **_all('aed aud bgn brl cad chf cny czk dkk eur gbp hkd huf idr ils inr isk mad mxn myr', 2),
    **_all('nok nzd php pln ron sar sek sgd thb try twd ugx usd zar', 2),
    **_all('bhd jod kwd omr tnd', 3),
}
#: What an amount in minor units must be a multiple of.
STEP = {**_all('bhd jod kwd omr tnd', 10), 'isk': 100, 'ugx': 100}
#: Smallest amount of a charge in minor units, by currency.
MINIMUM = {
    **_all('aud brl cad chf eur inr nzd sgd usd', 50),
    **_all('aed myr pln ron', 200),
    **{'bgn': 100, 'czk': 1500, 'dkk': 250, 'gbp': 30, 'hkd': 400, 'huf': 17500, 'jpy': 50},
    **{'mxn': 1000, 'nok': 300, 'sek': 300, 'thb': 1000},
}
MAXIMUM = {'inr': 999_999_999, 'idr': 999_999_999_999}


def text(amount, currency):
    """Return an amount as a payer reads it, e.g. `12.30 EUR`."""
    digits = DECIMALS.get(currency, 2)
    return f'{Decimal(amount).scaleb(-digits):.{digits}f} {currency.upper()}'


def check(amount, currency):
    """Refuse what Stripe would not charge.

    :param int amount: minor units.
    :param str currency: lower-case ISO code.
    :raise StripeError: unknown currency, too small, too large, or too many digits.
    """
    if currency not in DECIMALS:
        raise errors.invalid(
            'line_items[0][price_data][currency]', f"Invalid currency: {currency}."
        )
    low, high = MINIMUM.get(currency, 1), MAXIMUM.get(currency, 99_999_999)
    if amount < low:
        raise errors.StripeError(
            400,
            "The Checkout Session's total amount due must add up to at least"
            f" {text(low, currency)}",
            'amount_too_small',
        )
    if amount > high:
        raise errors.StripeError(
            400,
            f"The Checkout Session's total amount due must be no more than {text(high, currency)}",
            'amount_too_large',
        )
    check_step(amount, currency)


def check_step(amount, currency):
    """Refuse an amount that Stripe cannot write, of a charge or a refund.

    :param int amount: minor units.
    :param str currency: lower-case ISO code.
    :raise StripeError: digits that must be zero are not.
    """
    step = STEP.get(currency, 1)
    if not amount % step:
        return
    code = currency.upper()
    if step == 10:
        raise errors.StripeError(
            400,
            f"Invalid amount. The last digit of amounts in {code} must be 0: they are evenly"
            " divisible by 10.",
            'invalid_charge_amount',
        )
    raise errors.StripeError(
        400,
        f"Invalid amount. Currency {code} has become effectively zero-decimal and charged amounts"
        " must be evenly divisible by 100.",
        'invalid_charge_amount_no_decimal_compatible',
    )


def fee(amount, method, currency='eur'):
    """Return Stripe's fee in minor units: 1.5 % and 25 cents by card, 35 cents otherwise.

    :param int amount: what was settled, in minor units.
    :param str method: Stripe's, e.g. `card` or `sepa_debit`.
    :param str currency: what it was settled in, in lower case: it is no finer than amounts are.
    """
    step = STEP.get(currency, 1)
    part = Decimal(35) if method != 'card' else Decimal(amount) * Decimal('0.015') + 25
    return int((part / step).quantize(Decimal(1), ROUND_HALF_UP)) * step


def convert(amount, currency, settlement, rates):
    """Return what an amount becomes in the settlement currency.

    :param dict rates: currency -> rate; a currency without one is settled as it is.
    :return: (minor units, currency, rate or None).
    """
    settled, into, rate = ledger.convert(amount, currency, settlement, rates, DECIMALS)
    return settled, into, rate and float(rate)
