# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.errors import GatewayRefused
from gateways.stripe.money import CURRENCIES, amount_limits, amount_step, from_minor, to_minor


@pytest.mark.parametrize(
    ('amount', 'currency', 'minor'),
    [
        ('123.45', 'EUR', 12345),
        ('0.29', 'EUR', 29),
        ('1000', 'JPY', 1000),
        ('5', 'ISK', 500),
        ('5', 'UGX', 500),
        ('12.340', 'TND', 12340),
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
        ('12.345', 'TND', 'amount_not_representable'),
        ('5.50', 'UGX', 'amount_not_representable'),
        ('5', 'KPW', 'currency_not_supported'),
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
    step = to_minor(amount_step(currency), currency)
    minor -= minor % step
    assert to_minor(from_minor(minor, currency), currency) == minor


def test_limits():
    assert amount_limits('EUR') == (Decimal('0.50'), Decimal('999999.99'))
    assert amount_limits('JPY')[0] == 50
    assert amount_limits('UGX') == (1, 999999)
    assert amount_limits('TND') == (Decimal('0.010'), Decimal('99999.990'))
    low, high = amount_limits('KPW')
    assert low > high, "nothing can be charged in a currency that is refused"


@pytest.mark.parametrize(
    ('currency', 'step'),
    [('EUR', '0.01'), ('HUF', '0.01'), ('TND', '0.01'), ('UGX', 1), ('JPY', 1), ('KPW', 0)],
)
def test_steps(currency, step):
    assert amount_step(currency) == Decimal(step)


@pytest.mark.parametrize('currency', sorted(CURRENCIES))
def test_limits_can_be_written(currency):
    for amount in amount_limits(currency):
        assert amount > 0
        assert from_minor(to_minor(amount, currency), currency) == amount
