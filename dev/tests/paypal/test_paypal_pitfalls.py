# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What paypalrestsdk's `Api` does badly in a server: pitfalls 3 to 13, one test and more for each.

The numbers are those of the project's list of its pitfalls; 1 and 2 are in the transport's tests.
"""

import ast
import concurrent.futures
import logging
import os
import threading
import time
import warnings
from pathlib import Path

import paypalrestsdk
import pytest
import requests

import gateways
from dev.tests.paypal.objects import ORDER, ORDERS, error, order
from dev.tests.paypal.server import CLIENT_ID, CLIENT_SECRET, TOKEN, Answer
from gateways.base import Credentials
from gateways.errors import GatewayAuthError, GatewayNotFound, GatewayRefused, GatewayUnavailable
from gateways.paypal import client as paypal_client
from gateways.paypal import gateway as paypal_gateway
from gateways.paypal.gateway import PayPalGateway

PATH = f'{ORDERS}/{ORDER}'
CAPTURE = f'{PATH}/capture'


@pytest.fixture
def read(paypal_server, paypal_gateway):
    """Read an order, which needs one request."""
    paypal_server.on('GET', PATH, order())
    return lambda: paypal_gateway.fetch_payment(ORDER)


# === 3. A TOKEN THAT IS REFUSED FOR EVER === #


def test_pitfall_3_no_recursion(paypal_server, read):
    paypal_server.on('GET', PATH, (401, {'error': 'invalid_token', 'error_description': "Expired"}))
    with pytest.raises(GatewayAuthError, match="Expired"):
        read()
    assert (len(paypal_server.requests(PATH)), paypal_server.tokens) == (2, 2)


def test_pitfall_3_a_token_that_ended_early_is_replaced(paypal_server, read):
    read()
    paypal_server.on('GET', PATH, error(401), order())
    read()
    used = [call.headers['Authorization'] for call in paypal_server.requests(PATH)]
    assert used == [f'Bearer A21AA-token-{number}' for number in (1, 1, 2)]


def test_pitfall_3_wrong_credentials_are_asked_about_once(paypal_server, read):
    refusal = {'error': 'invalid_client', 'error_description': "Client Authentication failed"}
    paypal_server.on('POST', TOKEN, (401, refusal))
    with pytest.raises(GatewayAuthError, match="Client Authentication failed") as failure:
        read()
    assert failure.value.code == 'invalid_client'
    assert [call.path for call in paypal_server.calls] == [TOKEN]


# === 4. CREDENTIALS IN THE LOG === #


def test_pitfall_4_nothing_secret_is_logged(paypal_server, paypal_gateway, make_request, caplog):
    caplog.set_level(logging.DEBUG)
    paypal_server.on('POST', ORDERS, (201, order()), error(500))
    paypal_server.on('GET', PATH, error(404, 'INVALID_RESOURCE_ID', "Sought in vain."))
    for _number in range(2):
        with pytest.raises((GatewayRefused, GatewayUnavailable)):
            paypal_gateway.open_checkout(make_request(payer_email='payer@example.com'), 'key')
    with pytest.raises(GatewayNotFound) as failure:
        paypal_gateway.fetch_payment(ORDER)
    logged = '\n'.join(f'{record.name} {record.getMessage()}' for record in caplog.records)
    basic = requests.auth._basic_auth_str(CLIENT_ID, CLIENT_SECRET).partition(' ')[2]
    for secret in (CLIENT_ID, CLIENT_SECRET, basic, 'token-1', 'payer@example.com', '123.45'):
        assert secret not in logged + repr(failure.value) + repr(paypal_gateway.__dict__)
    assert "Sought in vain" not in logged
    assert f"GET {PATH}: 404 (debug id f0debug1d)" in logged


def test_pitfall_4_paypals_words_are_searched_for_secrets(paypal_server, read):
    said = f"{CLIENT_ID} with {CLIENT_SECRET} and A21AA-token-1 is not allowed"
    paypal_server.on('GET', PATH, error(422, 'X_Y', said))
    with pytest.raises(GatewayRefused) as failure:
        read()
    assert failure.value.message == "*** with *** and *** is not allowed"


def test_pitfall_4_errors_lead_nowhere(paypal_server, read):
    """What is chained to an error ends up in error trackers, with its request and answer."""
    for answer in (error(422, 'X_Y'), error(500), (200, b'<html>'), Answer(drop=True)):
        paypal_server.on('GET', PATH, answer)
        with pytest.raises((GatewayRefused, GatewayUnavailable)) as failure:
            read()
        assert failure.value.__cause__ is None and failure.value.__context__ is None


# === 5. OUR HEADERS ON THE TOKEN REQUEST === #


def test_pitfall_5_token_request_has_its_own_headers(
    paypal_server, make_paypal_gateway, make_request
):
    paypal_server.on('POST', ORDERS, (201, order()))
    with pytest.raises(GatewayRefused):
        make_paypal_gateway(account='MERCHANT7AB2Y').open_checkout(make_request(), 'key')
    token, created = paypal_server.calls
    ours = {'PayPal-Request-Id', 'Prefer', 'PayPal-Auth-Assertion'}
    assert ours <= set(created.headers) and not ours & set(token.headers)
    assert token.headers['Content-Type'] == 'application/x-www-form-urlencoded'
    assert token.body == b'grant_type=client_credentials'
    assert created.headers['Content-Type'] == 'application/json'


def test_pitfall_5_no_foreign_headers_either(paypal_server, read, tmp_path, monkeypatch):
    """A .netrc would replace the token, and a cookie would follow us from call to call."""
    (tmp_path / '.netrc').write_text('machine 127.0.0.1 login somebody password else\n')
    monkeypatch.setenv('NETRC', str(tmp_path / '.netrc'))
    paypal_server.on('GET', PATH, Answer(200, order(), {'Set-Cookie': 'who=you; Path=/'}))
    read()
    read()
    for call in paypal_server.requests(PATH):
        assert call.headers['Authorization'] == 'Bearer A21AA-token-1'
        assert 'Cookie' not in call.headers
    assert paypal_server.calls[0].headers['Authorization'].startswith('Basic ')


# === 6. A BODY WHERE NONE BELONGS === #


def test_pitfall_6_no_body_on_get_and_delete(paypal_server, paypal_gateway, read):
    read()
    paypal_server.on('DELETE', '/v1/notifications/webhooks/WH-1', 204)
    paypal_gateway.remove_webhook('WH-1')
    for call in paypal_server.requests():
        assert not call.body and call.headers.get('Content-Length', '0') == '0'
        assert 'Content-Type' not in call.headers


def test_pitfall_6_an_empty_object_where_one_belongs(paypal_server, paypal_gateway):
    paypal_server.on('POST', CAPTURE, error(422, 'ORDER_NOT_APPROVED'))
    paypal_server.on('GET', PATH, order())
    paypal_gateway.capture(ORDER, 'key')
    assert paypal_server.requests(CAPTURE)[0].body == b'{}'


# === 7. THE LIFE OF A TOKEN === #


@pytest.mark.parametrize(
    ('lives', 'later', 'tokens'),
    [(32400, 32279, 1), (32400, 32281, 2), (32400, 32400, 2), (60, 0, 2), (121, 0, 1)],
)
def test_pitfall_7_margin_on_a_clock_of_its_own(
    paypal_server, read, monkeypatch, lives, later, tokens
):
    """Neither summer time nor a corrected clock moves it."""
    number = iter('ab')
    paypal_server.on(
        'POST', TOKEN, lambda _call: {'access_token': next(number), 'expires_in': lives}
    )
    read()
    now = time.monotonic() + later
    monkeypatch.setattr(paypal_client.time, 'monotonic', lambda: now)
    read()
    assert len(paypal_server.requests(TOKEN)) == tokens


@pytest.mark.parametrize('lives', [None, 'soon', '32400', -1, 0, 0.5, 10**12, [1]])
def test_pitfall_7_a_life_that_is_not_given_is_short(paypal_server, read, lives):
    paypal_server.on('POST', TOKEN, {'access_token': 'a', 'expires_in': lives})
    read()
    read()
    assert len(paypal_server.requests(TOKEN)) == 2


@pytest.mark.parametrize('token', [None, '', 7, 'a b', 'a\r\nX: 1', 'é'])
def test_pitfall_7_what_cannot_be_a_token(paypal_server, read, token):
    paypal_server.on('POST', TOKEN, {'access_token': token, 'expires_in': 32400})
    with pytest.raises(GatewayUnavailable):
        read()
    assert not paypal_server.requests(PATH)


def test_pitfall_7_one_token_for_many_threads(paypal_server, read):
    def slow(_call):
        time.sleep(0.2)
        return {'access_token': 'a', 'expires_in': 32400}

    paypal_server.on('POST', TOKEN, slow)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _n: read(), range(24)))
    assert len(paypal_server.requests(TOKEN)) == 1


def test_pitfall_7_one_better_token_for_many_threads(paypal_server, read):
    """In the SDK another thread clears the token, old or new, between two lines."""
    together = threading.Barrier(8, timeout=5)

    def answer(call):
        if call.headers['Authorization'].endswith('-1'):
            together.wait()
            return Answer(*error(401))
        return order()

    paypal_server.on('GET', PATH, answer)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _number: read(), range(8)))
    assert paypal_server.tokens == 2


def test_pitfall_7_a_better_token_stays(paypal_server, read):
    read()
    api = paypal_client._api(CLIENT_ID, CLIENT_SECRET, paypal_server.base, os.getpid())
    worse, better = dict(api.token_hash), api.renew_token()
    api._forget_token(worse)
    assert api.token_hash is better


def test_pitfall_7_nobody_queues_for_a_token_that_does_not_come(paypal_server, read, monkeypatch):
    """Each of ten would wait its whole time-out, after all the others had waited theirs."""
    monkeypatch.setattr(paypal_client, 'TIMEOUT', (1, 0.3))
    paypal_server.on('POST', TOKEN, Answer(200, {}, wait=1))
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        for result in [threads.submit(read) for _number in range(10)]:
            assert isinstance(result.exception(), GatewayUnavailable)
    assert time.monotonic() - started < 1.5
    paypal_server.on('POST', TOKEN, {'access_token': 'a', 'expires_in': 32400})
    assert read(), "and the next one finds out for itself"


# === 8. ADDRESSES === #


def test_pitfall_8_a_slash_at_the_end_of_the_address(paypal_server):
    credentials = Credentials(key=CLIENT_ID, secret=CLIENT_SECRET)
    paypal_server.on('GET', PATH, order())
    PayPalGateway(credentials, api_base=f'{paypal_server.base}/').fetch_payment(ORDER)
    assert [call.path for call in paypal_server.calls] == [TOKEN, PATH]


# === 9. SETTINGS OF THE WHOLE PROCESS === #


def test_pitfall_9_accounts_side_by_side(paypal_server, make_paypal_gateway):
    paypal_server.on('GET', PATH, order())
    before = dict(os.environ)
    for key in ('one', 'two', 'one'):
        make_paypal_gateway(key=key).fetch_payment(ORDER)
    assert paypal_server.tokens == 2
    used = [call.headers['Authorization'][-1] for call in paypal_server.requests(PATH)]
    assert used == ['1', '2', '1']
    assert dict(os.environ) == before
    assert paypalrestsdk.api.__api__ is None


def test_pitfall_9_another_secret_is_another_account(paypal_server, make_paypal_gateway):
    paypal_server.on('GET', PATH, order())
    make_paypal_gateway().fetch_payment(ORDER)
    paypal_server.on('POST', TOKEN, (401, {'error': 'invalid_client'}))
    with pytest.raises(GatewayAuthError):
        make_paypal_gateway(secret='wrong').fetch_payment(ORDER)


# === 10. WHERE IT GOES === #


def test_pitfall_10_hosts_are_ours_not_the_sdks():
    assert paypal_gateway.HOSTS == {
        False: 'https://api-m.paypal.com',
        True: 'https://api-m.sandbox.paypal.com',
    }
    api = paypal_client.PayPalApi('a', 'b', paypal_gateway.HOSTS[True])
    assert api.endpoint == api.token_endpoint == 'https://api-m.sandbox.paypal.com'
    assert api.mode == 'live', "any other mode logs everything"


# === 11. AND 12. WHAT ELSE IS IN THE SDK === #


def test_pitfalls_11_and_12_only_the_transport_is_used():
    """Its check of signatures always says no, and its classes speak APIs that are gone."""
    used = set()
    for path in Path(gateways.__file__).parent.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('paypalrestsdk'):
                used |= {alias.name for alias in node.names}
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id == 'paypalrestsdk':
                    used.add(node.attr)
    assert used == {'Api', 'exceptions'}


# === 13. VERSIONS === #


def test_pitfall_13_no_warnings(read):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        read()


# === CREDENTIALS === #


@pytest.mark.parametrize(
    ('key', 'secret'), [('', 'b'), ('a', ''), ('a b', 'b'), ('a:b', 'c'), ('a', 'é'), ('a\n', 'b')]
)
def test_what_cannot_be_credentials_is_never_sent(paypal_server, make_paypal_gateway, key, secret):
    with pytest.raises(GatewayAuthError) as failure:
        make_paypal_gateway(key=key, secret=secret).check_account()
    assert failure.value.code == 'not_a_key'
    assert not paypal_server.calls


def test_unusual_keys_of_ours_become_headers_that_paypal_takes(paypal_server, paypal_gateway):
    paypal_server.on('POST', CAPTURE, error(422, 'ORDER_NOT_APPROVED'))
    paypal_server.on('GET', PATH, order())
    for key in ('k' * 108, 'k' * 109, 'clé', 'a\nb'):
        paypal_gateway.capture(ORDER, key)
        paypal_gateway.capture(ORDER, key)
    sent = [call.headers['PayPal-Request-Id'] for call in paypal_server.requests(CAPTURE)]
    assert sent[::2] == sent[1::2] and len(set(sent)) == 4
    assert sent[0] == 'k' * 108 and all(len(key) == 64 for key in sent[2:])
