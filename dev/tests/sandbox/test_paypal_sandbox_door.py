# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Who is let in at the sandbox's PayPal, with which requests, and how it goes wrong on demand."""

import inspect
import logging
import sys
import time

import paypalrestsdk
import pytest
import requests
from paypalrestsdk import exceptions

from dev.sandbox.client import Sandbox, SandboxProcess
from dev.tests.calls import paypal_issue as issue
from dev.tests.calls import paypal_links as links
from dev.tests.calls import paypal_order

ORDERS = '/v2/checkout/orders'
TOKEN = '/v1/oauth2/token'
HOUR = 3600
REPORTING = 'https://uri.paypal.com/services/reporting/search/read'


@pytest.fixture
def sdk(paypal):
    """PayPal's own library."""
    logging.getLogger('paypalrestsdk').setLevel(logging.WARNING)
    return paypalrestsdk.Api(
        mode='live',
        endpoint=paypal.api_base,
        client_id=paypal.client_id,
        client_secret=paypal.secret,
    )


# === TOKENS === #


def test_token(ask_token):
    answer = ask_token()
    token = answer.json()
    assert answer.status_code == 200 and answer.headers['PayPal-Debug-Id']
    assert set(token) == {'scope', 'access_token', 'token_type', 'app_id', 'expires_in', 'nonce'}
    assert (token['token_type'], token['expires_in']) == ('Bearer', 9 * HOUR)
    assert REPORTING in token['scope'].split()


def test_wrong_credentials(paypal, ask_token):
    for answer in (ask_token(secret='wrong'), ask_token(client='unknown')):
        assert answer.status_code == 401
        assert answer.json() == {
            'error': 'invalid_client',
            'error_description': "Client Authentication failed",
        }
    paypal.account(clients={paypal.client_id: None})
    assert ask_token().status_code == 401


def test_no_grant(ask_token):
    for values in ({'data': {}}, {'data': {'grant_type': 'password'}}, {'json': {}, 'data': None}):
        answer = ask_token(**values)
        assert (answer.status_code, answer.json()['error']) == (400, 'unsupported_grant_type')


def test_features(paypal, ask_token):
    paypal.account(features=['disputes'])
    assert 'reporting' not in ask_token().json()['scope']
    assert 'disputes' in ask_token().json()['scope']


def test_no_token(ask):
    answer = ask('GET', f'{ORDERS}/X', token=None)
    assert (answer.status_code, answer.json()['name']) == (401, 'AUTHENTICATION_FAILURE')
    answer = ask('GET', f'{ORDERS}/X', token='A21AAwrong')
    assert (answer.status_code, answer.json()['error']) == (401, 'invalid_token')


def test_tokens_end(paypal, ask, ask_token, make_order):
    paypal.settings(token_seconds=60)
    token = ask_token().json()
    assert token['expires_in'] == 60
    path = f"{ORDERS}/{make_order()['id']}"
    assert ask('GET', path, token=token['access_token']).status_code == 200
    paypal.advance(seconds=61)
    ended = ask('GET', path, token=token['access_token'])
    assert (ended.status_code, ended.json()['error']) == (401, 'invalid_token')
    assert ask('GET', path).status_code == 200
    paypal.revoke_tokens()
    assert ask('GET', path).status_code == 401


def test_accounts_see_their_own_only(paypal, ask, ask_token, make_order):
    paypal.account(account='TWSECNDMERCHT', name="Two", clients={'two': 'secret'})
    other = ask_token('two', 'secret').json()['access_token']
    order = make_order()
    answer = ask('GET', f"{ORDERS}/{order['id']}", token=other)
    assert issue(answer) == (404, 'INVALID_RESOURCE_ID')
    body = paypal_order()
    headers = {'PayPal_Request_Id': 'order-1', 'Prefer': 'return=representation'}
    own = ask('POST', ORDERS, body, token=other, **headers).json()
    assert own['purchase_units'][0]['payee']['merchant_id'] == 'TWSECNDMERCHT'
    assert own['id'] != order['id']


# === REQUESTS === #


def test_bodies_where_none_belong(ask, make_order):
    order = make_order()
    for body in (None, {}):
        assert ask('GET', f"{ORDERS}/{order['id']}", body or None).status_code == 200
    answer = ask('GET', f"{ORDERS}/{order['id']}", {'a': 1})
    assert issue(answer) == (400, 'NOT_SUPPORTED')
    answer = ask('DELETE', '/v1/notifications/webhooks/X', {'a': 1})
    assert issue(answer) == (400, 'NOT_SUPPORTED')


def test_bodies_that_cannot_be_read(paypal, paypal_token):
    def post(data, kind):
        headers = {'Authorization': f'Bearer {paypal_token}', 'Content-Type': kind}
        return requests.post(f'{paypal.api_base}{ORDERS}', data, headers=headers, timeout=10)

    assert issue(post(b'{"intent": ', 'application/json')) == (400, 'MALFORMED_REQUEST_JSON')
    assert issue(post(b'\xff\xfe', 'application/json')) == (400, 'MALFORMED_REQUEST_JSON')
    assert issue(post(b'[]', 'application/json')) == (400, 'INVALID_PARAMETER_SYNTAX')
    wrong = post(b'{}', 'application/x-www-form-urlencoded')
    assert (wrong.status_code, wrong.json()['name']) == (415, 'UNSUPPORTED_MEDIA_TYPE')


def test_unknown_addresses(ask):
    assert ask('GET', ORDERS).json()['name'] == 'METHOD_NOT_SUPPORTED'
    assert ask('POST', '/v2/nonsense', {}).json()['name'] == 'NOT_FOUND'


def test_requests_are_logged(paypal, ask, make_order):
    paypal.requests(clear=True)
    order = make_order(custom_id='INV-9')
    ask('GET', f"{ORDERS}/{order['id']}?fields=payment_source")
    created, read = paypal.requests()
    assert (created['request_id'], created['status']) == ('order-1', 201)
    assert created['body']['purchase_units'][0]['custom_id'] == 'INV-9'
    assert created['headers']['Prefer'] == 'return=representation'
    assert created['answer'] == order
    assert read['params'] == {'fields': 'payment_source'}


# === MISBEHAVIOUR === #


def test_faults(paypal, ask, make_order):
    path = f"{ORDERS}/{make_order()['id']}"
    for status, name in (
        (429, 'RATE_LIMIT_REACHED'),
        (500, 'INTERNAL_SERVER_ERROR'),
        (503, 'SERVICE_UNAVAILABLE'),
    ):
        paypal.misbehave(path=ORDERS, status=status, headers={'Retry-After': '7'})
        answer = ask('GET', path)
        assert (answer.status_code, answer.json()['name']) == (status, name)
        assert answer.headers['Retry-After'] == '7' and answer.headers['PayPal-Debug-Id']
    assert ask('GET', path).status_code == 200
    paypal.misbehave(text='<html>', status=502)
    answer = ask('GET', path)
    assert (answer.status_code, answer.text) == (502, '<html>')
    paypal.misbehave(drop=True)
    with pytest.raises(requests.ConnectionError):
        ask('GET', path)
    paypal.misbehave(timeout=0.3)
    started = time.monotonic()
    assert ask('GET', path).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_lost_answers(paypal, ask):
    """The order is there, whatever was answered: the same id finds it."""
    for fault in ({'drop': True}, {'status': 500}):
        paypal.misbehave(path=ORDERS, method='POST', executed=True, **fault)
        key = str(fault)
        try:
            answer = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id=key)
            assert answer.status_code == 500
        except requests.ConnectionError:
            pass
        assert ask('POST', ORDERS, paypal_order(), PayPal_Request_Id=key).status_code == 200
    assert len(paypal.account_state()['orders']) == 2


def test_refusals_on_demand(paypal, make_order, capture):
    order = make_order()
    paypal.approve(order=order['id'])
    path = f"{ORDERS}/{order['id']}/capture"
    for name in ('TRANSACTION_REFUSED', 'PAYER_CANNOT_PAY', 'PAYER_ACCOUNT_RESTRICTED'):
        paypal.misbehave(path=path, issue=name)
        assert issue(capture(order)) == (422, name)
    assert capture(order).status_code == 201
    with pytest.raises(requests.HTTPError, match="Unknown issue"):
        paypal.misbehave(issue='NONSENSE')


def test_faults_of_one_provider_only(paypal, sandbox, ask, call):
    paypal.misbehave(status=500)
    assert call('GET', 'account').status_code == 200
    sandbox.misbehave(status=500)
    assert ask('GET', f'{ORDERS}/X').status_code == 500
    assert ask('GET', f'{ORDERS}/X').status_code == 404


# === PAYPAL'S OWN LIBRARY === #


def test_library_creates_and_captures(paypal, sdk):
    headers = {'PayPal-Request-Id': 'a', 'Prefer': 'return=representation'}
    sdk.get_token_hash()
    order = sdk.post(ORDERS, paypal_order(custom_id='INV-1'), headers)
    paypal.press(links(order)['payer-action'])
    captured = sdk.post(f"{ORDERS}/{order['id']}/capture", {}, headers)
    assert captured['status'] == 'COMPLETED'
    with pytest.raises(exceptions.ResourceInvalid) as refused:
        sdk.post(f"{ORDERS}/{order['id']}/capture", {}, {'PayPal-Request-Id': 'b'})
    assert 'ORDER_ALREADY_CAPTURED' in refused.value.content


def test_library_sends_bodies_with_reads(sdk, make_order):
    """It does; whoever uses it as it is finds out here."""
    answer = sdk.get(f"{ORDERS}/{make_order()['id']}")
    assert answer['error']['details'][0]['issue'] == 'NOT_SUPPORTED'


def test_library_hands_headers_to_the_door(paypal, sdk):
    sdk.post(ORDERS, paypal_order(), {'PayPal-Request-Id': 'a', 'Prefer': 'return=minimal'})
    door = paypal.requests()[0]
    assert (door['path'], door['request_id']) == (TOKEN, 'a')
    assert door['headers']['Prefer'] == 'return=minimal'
    sdk.token_hash = None
    with pytest.raises(exceptions.BadRequest, match='unsupported_grant_type'):
        sdk.post(ORDERS, paypal_order(), {'Content-Type': 'application/json'})


def test_library_asks_for_tokens_without_end(paypal, sdk):
    sdk.get_token_hash()
    paypal.misbehave(path=ORDERS, status=401, times=10**6)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    try:
        with pytest.raises(RecursionError):
            sdk.post(ORDERS, paypal_order(), {'PayPal-Request-Id': 'a'})
    finally:
        sys.setrecursionlimit(limit)
    assert len(paypal.requests(clear=True)) > 10


def test_library_with_wrong_credentials(paypal):
    sdk = paypalrestsdk.Api(mode='live', endpoint=paypal.api_base, client_id='x', client_secret='y')
    with pytest.raises(exceptions.UnauthorizedAccess):
        sdk.get_token_hash()


# === THE PROCESS === #


def test_one_beginning_for_both(paypal, sandbox_process, make_order, make_session):
    make_order()
    make_session()
    sandbox_process.advance(seconds=60)
    assert paypal.advance(seconds=0)['now'] >= time.time() + 59
    paypal.reset()
    assert not paypal.account_state()['orders']
    assert not sandbox_process.account_state()['sessions']
    assert abs(paypal.advance(seconds=0)['now'] - time.time()) < 2


def test_attached(paypal, sandbox_process):
    other = Sandbox.attach(sandbox_process.api_base).paypal
    assert other.api_base == paypal.api_base
    assert other.state() == paypal.state()


def test_state_file(tmp_path):
    state = tmp_path / 'state.json'
    with SandboxProcess(state_file=state) as sandbox:
        sandbox.paypal.account(account='TWSECNDMERCHT', name="Two", clients={'two': 'secret'})
        sandbox.account(account='acct_two', name="Two")
        token = requests.post(
            f'{sandbox.paypal.api_base}{TOKEN}',
            auth=('two', 'secret'),
            data={'grant_type': 'client_credentials'},
            timeout=10,
        ).json()['access_token']
        order = requests.post(
            f'{sandbox.paypal.api_base}{ORDERS}',
            json=paypal_order(custom_id='INV-1'),
            headers={'Authorization': f'Bearer {token}', 'PayPal-Request-Id': 'a'},
            timeout=10,
        ).json()
    with SandboxProcess(state_file=state) as sandbox:
        (kept,) = sandbox.paypal.account_state('TWSECNDMERCHT')['orders']
        assert (kept['id'], kept['amount'], kept['custom_id']) == (order['id'], 10000, 'INV-1')
        assert sandbox.paypal.approve(order=order['id'])['back']
        assert sandbox.account_state('acct_two')['name'] == "Two"


@pytest.mark.parametrize(
    ('name', 'values'),
    [
        ('nonsense', {}),
        ('settings', {'token_seconds': 'x'}),
        ('settings', {'nonsense': 1}),
        ('account', {'standing': 'x'}),
        ('account', {'nonsense': 1}),
        ('approve', {'order': 'X'}),
        ('settle', {'capture': 'X'}),
        ('refund', {'capture': 'X'}),
        ('forge', {'order': 'X'}),
        ('resend', {'event': 'X'}),
        ('advance', {'seconds': -1}),
    ],
)
def test_nonsense_is_refused(paypal, name, values):
    with pytest.raises(requests.HTTPError, match='40[04]'):
        paypal.control(name, **values)
