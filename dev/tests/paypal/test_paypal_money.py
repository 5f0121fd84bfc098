# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.errors import GatewayRefused
from gateways.paypal.money import (
    CURRENCIES,
    amount_limits,
    amount_step,
    exponent,
    from_money,
    to_money,
)


@pytest.mark.parametrize(
    ('amount', 'currency', 'value'),
    [
        ('123.45', 'EUR', '123.45'),
        ('123.4', 'EUR', '123.40'),
        ('1E+2', 'EUR', '100.00'),
        ('0.290', 'eur', '0.29'),
        ('286.90', 'USD', '286.90'),
        ('1000', 'JPY', '1000'),
        ('1000.00', 'HUF', '1000'),
        ('1E+3', 'TWD', '1000'),
        ('9999999.99', 'GBP', '9999999.99'),
    ],
)
def test_written_as_paypal_does(amount, currency, value):
    assert to_money(Decimal(amount), currency) == {
        'currency_code': currency.upper(),
        'value': value,
    }


@pytest.mark.parametrize(
    ('amount', 'currency', 'code'),
    [
        ('1.005', 'EUR', 'amount_not_representable'),
        ('10.5', 'JPY', 'amount_not_representable'),
        ('100.50', 'HUF', 'amount_not_representable'),
        ('0.1', 'TWD', 'amount_not_representable'),
        ('NaN', 'EUR', 'amount_not_representable'),
        ('sNaN', 'EUR', 'amount_not_representable'),
        ('-Infinity', 'EUR', 'amount_not_representable'),
        ('1E+99', 'EUR', 'amount_not_representable'),
        ('1E-99', 'EUR', 'amount_not_representable'),
        ('1234567890123456789012345678.01', 'EUR', 'amount_not_representable'),
        ('5', 'MAD', 'currency_not_supported'),
        ('5', 'TND', 'currency_not_supported'),
        ('5', '', 'currency_not_supported'),
    ],
)
def test_refused(amount, currency, code):
    with pytest.raises(GatewayRefused) as error:
        to_money(Decimal(amount), currency)
    assert error.value.code == code


def test_never_a_float():
    with pytest.raises(TypeError):
        to_money(286.90000000000003, 'EUR')
    with pytest.raises(TypeError):
        from_money({'currency_code': 'EUR', 'value': 286.9})


@pytest.mark.parametrize('value', ['', 'abc', 'NaN', 'Infinity', '1,00'])
def test_what_is_no_amount(value):
    with pytest.raises((ArithmeticError, ValueError)):
        from_money({'currency_code': 'EUR', 'value': value})


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(1, 10**9))
def test_round_trip(currency, minor):
    amount = Decimal(minor).scaleb(-exponent(currency))
    assert from_money(to_money(amount, currency)) == (amount, currency)


def test_what_differs_from_stripe_and_from_iso():
    assert [exponent(code) for code in ('HUF', 'JPY', 'TWD', 'EUR')] == [0, 0, 0, 2]
    assert len(CURRENCIES) == 25


def test_limits():
    assert amount_limits('EUR') == (Decimal('0.01'), Decimal('9999999.99'))
    assert amount_limits('jpy') == (Decimal(1), Decimal(9999999))
    low, high = amount_limits('MAD')
    assert low > high, "nothing can be paid in a currency that PayPal does not have"


@pytest.mark.parametrize(
    ('currency', 'step'), [('EUR', '0.01'), ('HUF', 1), ('TWD', 1), ('JPY', 1), ('TND', 0)]
)
def test_steps(currency, step):
    assert amount_step(currency) == Decimal(step)


@pytest.mark.parametrize('currency', sorted(CURRENCIES))
def test_limits_can_be_written(currency):
    for amount in amount_limits(currency):
        assert from_money(to_money(amount, currency)) == (amount, currency)
