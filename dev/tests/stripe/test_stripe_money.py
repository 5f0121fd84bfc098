# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.errors import GatewayRefused
from gateways.stripe.money import CURRENCIES, amount_limits, exponent, from_minor, to_minor


@pytest.mark.parametrize(
    ('amount', 'currency', 'minor'),
    [
        ('123.45', 'EUR', 12345),
        ('0.29', 'EUR', 29),
        ('1000', 'JPY', 1000),
        ('5', 'ISK', 500),
        ('12.340', 'KWD', 12340),
        ('286.90', 'eur', 28690),
        ('100.00', 'HUF', 10000),
    ],
)
def test_minor_units(amount, currency, minor):
    assert to_minor(Decimal(amount), currency) == minor
    assert from_minor(minor, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ('amount', 'currency', 'code'),
    [
        ('1.005', 'EUR', 'amount_not_representable'),
        ('10.5', 'JPY', 'amount_not_representable'),
        ('5.50', 'ISK', 'amount_not_representable'),
        ('1.234', 'KWD', 'amount_not_representable'),
        ('5', 'UGX', 'currency_not_supported'),
        ('5', 'XXX', 'currency_not_supported'),
    ],
)
def test_refused(amount, currency, code):
    with pytest.raises(GatewayRefused) as error:
        to_minor(Decimal(amount), currency)
    assert error.value.code == code


def test_never_a_float():
    with pytest.raises(TypeError):
        to_minor(286.90000000000003, 'EUR')


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(1, 10**9))
def test_round_trip(currency, minor):
    step = 100 if currency == 'ISK' else 10 if exponent(currency) == 3 else 1
    minor -= minor % step
    assert to_minor(from_minor(minor, currency), currency) == minor


def test_limits():
    assert amount_limits('EUR') == (Decimal('0.50'), Decimal('999999.99'))
    assert amount_limits('JPY')[0] == 50
    low, high = amount_limits('UGX')
    assert low > high, "nothing can be charged in a currency that is refused"
