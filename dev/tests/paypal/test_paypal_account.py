# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Connecting to PayPal: which of its environments, who we are, whether we may be paid."""

from decimal import Decimal

import pytest

from dev.tests.paypal.objects import MERCHANT, ORDER, ORDERS, error, money, order
from dev.tests.paypal.server import CLIENT_ID, CLIENT_SECRET, TOKEN, PayPalServer
from gateways import GATEWAYS, base
from gateways.base import Credentials
from gateways.errors import (
    GatewayAuthError,
    GatewayRefused,
    GatewayUnavailable,
)
from gateways.paypal import gateway as paypal_gateway

PATH = f'{ORDERS}/{ORDER}'
BALANCES = '/v1/reporting/balances'
INVALID_CLIENT = (401, {'error': 'invalid_client', 'error_description': "Client Auth failed"})


# === WHICH ENVIRONMENT === #


def test_registered():
    assert GATEWAYS['pay_now_paypal'] is paypal_gateway.PayPalGateway
    assert GATEWAYS['pay_now_paypal'].currencies >= {'EUR', 'USD'}


@pytest.fixture
def environments(paypal_server, monkeypatch):
    """PayPal's environments, live and sandbox, neither of which knows the other's credentials."""
    live = PayPalServer()
    monkeypatch.setattr(
        paypal_gateway, 'HOSTS', {False: live.base, True: paypal_server.base}, raising=True
    )
    yield live, paypal_server
    live.stop()


def in_environment(test_mode):
    credentials = Credentials(key=CLIENT_ID, secret=CLIENT_SECRET, test_mode=test_mode)
    return paypal_gateway.PayPalGateway(credentials)


@pytest.mark.parametrize('test_mode', [False, True])
def test_the_environment_is_found_out(environments, test_mode):
    live, sandbox = environments
    asked_server, other_server = (sandbox, live) if test_mode else (live, sandbox)
    other_server.on('POST', TOKEN, INVALID_CLIENT)
    asked_server.on('POST', ORDERS, (201, order()))
    gateway = in_environment(None)
    assert gateway.test_mode is None
    assert gateway.check_account('EUR').test_mode is test_mode
    assert gateway.test_mode is test_mode
    assert not other_server.requests() and asked_server.requests()


def test_credentials_of_no_environment(environments):
    for server in environments:
        server.on('POST', TOKEN, INVALID_CLIENT)
    gateway = in_environment(None)
    with pytest.raises(GatewayAuthError, match="Client Auth failed"):
        gateway.check_account()
    assert gateway.test_mode is None


@pytest.mark.parametrize(
    ('answer', 'kind'), [(error(503), GatewayUnavailable), (error(403), GatewayAuthError)]
)
def test_an_environment_that_is_down_or_closed_is_not_the_other_one(environments, answer, kind):
    live, sandbox = environments
    live.on('POST', TOKEN, answer)
    with pytest.raises(kind):
        in_environment(None).check_account()
    assert not sandbox.calls


@pytest.mark.parametrize('test_mode', [False, True])
def test_a_known_environment_is_never_left(environments, test_mode):
    live, sandbox = environments
    asked_server, other_server = (sandbox, live) if test_mode else (live, sandbox)
    asked_server.on('POST', TOKEN, INVALID_CLIENT)
    with pytest.raises(GatewayAuthError):
        in_environment(test_mode).check_account()
    assert not other_server.calls


def test_another_address_is_a_sandbox(make_paypal_gateway):
    assert make_paypal_gateway().test_mode is True
    assert make_paypal_gateway(test_mode=False).test_mode is True


# === ACCOUNT === #


def test_account_without_reporting(paypal_server, paypal_gateway):
    paypal_server.on('POST', ORDERS, (201, order()))
    assert paypal_gateway.check_account('EUR') == base.Account(
        id=MERCHANT,
        name='',
        email='merchant@example.com',
        country='',
        currency='',
        test_mode=True,
        can_charge=True,
        can_pay_out=True,
    )
    (asked,) = paypal_server.requests()
    (unit,) = asked.json['purchase_units']
    assert unit['amount'] == money('1.00')
    assert 'payment_source' not in asked.json


def may_report(paypal_server, *balances, account_id=MERCHANT):
    scope = 'https://uri.paypal.com/services/reporting/search/read openid'
    token = {'access_token': 'a', 'expires_in': 32400, 'scope': scope}
    paypal_server.on('POST', TOKEN, token)
    answer = {'account_id': account_id, 'balances': list(balances)}
    paypal_server.on('GET', BALANCES, answer)


def balance(currency, total, available=None, withheld=None, **values):
    parts = {'available_balance': available, 'withheld_balance': withheld}
    amounts = {name: money(value, currency) for name, value in parts.items() if value}
    return {'currency': currency, 'total_balance': money(total, currency), **amounts, **values}


@pytest.mark.parametrize(
    ('asked', 'settled'), [('EUR', 'EUR'), ('USD', 'USD'), ('GBP', 'USD'), ('', 'USD')]
)
def test_settlement_currency(paypal_server, paypal_gateway, asked, settled):
    """The one that is asked for where the account holds it: nothing is converted then."""
    balances = [balance('EUR', '1.00'), balance('USD', '2.00', primary=True)]
    may_report(paypal_server, *balances)
    paypal_server.on('POST', ORDERS, (201, order()))
    assert paypal_gateway.check_account(asked).currency == settled
    (tried,) = paypal_server.requests(ORDERS)
    amount = tried.json['purchase_units'][0]['amount']
    assert amount['currency_code'] == (asked or 'USD')


def test_reporting_that_is_refused_after_all(paypal_server, paypal_gateway):
    may_report(paypal_server)
    paypal_server.on('GET', BALANCES, error(403))
    paypal_server.on('POST', ORDERS, (201, order()))
    account = paypal_gateway.check_account('EUR')
    assert (account.id, account.currency) == (MERCHANT, '')


def test_zero_decimal_currency(paypal_server, paypal_gateway):
    paypal_server.on('POST', ORDERS, (201, order()))
    paypal_gateway.check_account('JPY')
    unit = paypal_server.requests(ORDERS)[0].json['purchase_units'][0]
    assert unit['amount'] == money('1', 'JPY')


def test_currency_that_paypal_does_not_have(paypal_server, paypal_gateway):
    with pytest.raises(GatewayRefused) as failure:
        paypal_gateway.check_account('MAD')
    assert failure.value.code == 'currency_not_supported'


def test_currency_that_this_account_does_not_take(paypal_server, paypal_gateway):
    paypal_server.on('POST', ORDERS, error(422, 'CURRENCY_NOT_SUPPORTED'))
    with pytest.raises(GatewayRefused) as failure:
        paypal_gateway.check_account('BRL')
    assert failure.value.code == 'currency_not_supported'


@pytest.mark.parametrize('issue', ['PAYEE_ACCOUNT_RESTRICTED', 'PAYEE_ACCOUNT_LOCKED_OR_CLOSED'])
def test_account_that_may_not_be_paid(paypal_server, paypal_gateway, issue):
    may_report(paypal_server, balance('EUR', '1.00'))
    paypal_server.on('POST', ORDERS, error(422, issue))
    account = paypal_gateway.check_account('EUR')
    assert (account.id, account.currency) == (MERCHANT, 'EUR')
    assert (account.can_charge, account.can_pay_out, account.missing) == (False, False, (issue,))


def test_lean_answer_is_completed_by_reading(paypal_server, paypal_gateway):
    named = order()
    named['purchase_units'][0]['payee']['display_data'] = {'brand_name': "Bakery"}
    paypal_server.on('POST', ORDERS, (201, {'id': ORDER, 'status': 'CREATED'}))
    paypal_server.on('GET', PATH, named)
    account = paypal_gateway.check_account('EUR')
    assert (account.id, account.name) == (MERCHANT, "Bakery")


def test_every_check_asks_for_a_token(paypal_server, paypal_gateway):
    """An old one may outlive its credentials by hours."""
    paypal_server.on('POST', ORDERS, (201, order()))
    paypal_gateway.check_account('EUR')
    paypal_server.on('POST', TOKEN, INVALID_CLIENT)
    with pytest.raises(GatewayAuthError, match="Client Auth failed") as failure:
        paypal_gateway.check_account('EUR')
    assert failure.value.code == 'invalid_client'


def test_every_check_tries_anew(paypal_server, paypal_gateway):
    paypal_server.on('POST', ORDERS, (201, order()))
    for _number in range(2):
        paypal_gateway.check_account('EUR')
    one, two = (call.headers['PayPal-Request-Id'] for call in paypal_server.requests(ORDERS))
    assert one != two, "PayPal would repeat its first answer for hours"


@pytest.mark.parametrize('answer', [error(403, 'PERMISSION_DENIED'), error(401)])
def test_application_without_rights(paypal_server, paypal_gateway, answer):
    paypal_server.on('POST', ORDERS, answer)
    with pytest.raises(GatewayAuthError):
        paypal_gateway.check_account('EUR')


# === BALANCE === #


def test_balance(paypal_server, paypal_gateway):
    may_report(
        paypal_server,
        balance('EUR', '100.00', '80.00', '20.00', primary=True),
        balance('USD', '5.00'),
        balance('GBP', '-3.00', '-3.00'),
    )
    found = paypal_gateway.balance()
    assert found.available == (
        ('EUR', Decimal('80.00')),
        ('USD', Decimal('5.00')),
        ('GBP', Decimal('-3.00')),
    )
    assert found.pending == (('EUR', Decimal('20.00')),)
    assert [found.total(code) for code in ('EUR', 'USD', 'GBP', 'JPY')] == [100, 5, -3, 0]


def test_balance_without_the_right(paypal_server, paypal_gateway):
    paypal_server.on('GET', BALANCES, error(403))
    with pytest.raises(GatewayAuthError):
        paypal_gateway.balance()
