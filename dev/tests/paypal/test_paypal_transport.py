# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What paypalrestsdk's `Api` does badly in a server: pitfalls 1 and 2, silence and refusals.

The numbers are those of the project's list of its pitfalls.
"""

import concurrent.futures
import time

import pytest

from dev.tests.paypal.objects import ORDER, ORDERS, error, order
from dev.tests.paypal.server import TOKEN, Answer
from gateways.base import Credentials
from gateways.errors import GatewayAuthError, GatewayNotFound, GatewayRefused, GatewayUnavailable
from gateways.paypal import client as paypal_client
from gateways.paypal.gateway import PayPalGateway

PATH = f'{ORDERS}/{ORDER}'
CAPTURE = f'{PATH}/capture'


@pytest.fixture
def read(paypal_server, paypal_gateway):
    """Read an order, which needs one request."""
    paypal_server.on('GET', PATH, order())
    return lambda: paypal_gateway.fetch_payment(ORDER)


# === 1. NO TIME-OUT, NO RETRY, NO SESSION === #


@pytest.mark.parametrize('path', [PATH, TOKEN])
def test_pitfall_1_silence_ends(paypal_server, read, monkeypatch, path):
    monkeypatch.setattr(paypal_client, 'TIMEOUT', (1, 0.2))
    paypal_server.on('GET' if path == PATH else 'POST', path, Answer(200, order(), wait=1))
    started = time.monotonic()
    with pytest.raises(GatewayUnavailable, match="cannot be reached"):
        read()
    assert time.monotonic() - started < 0.9
    assert len(paypal_server.requests(path)) == 2, "tried once more"


def test_pitfall_1_time_outs_are_short_enough_for_a_page():
    assert paypal_client.TIMEOUT == (3.05, 10)


@pytest.mark.parametrize('ill', [error(500), error(503), (502, b'<html>'), Answer(drop=True)])
def test_pitfall_1_one_more_try(paypal_server, paypal_gateway, read, ill):
    paypal_server.on('GET', PATH, ill, order())
    read()
    assert len(paypal_server.requests(PATH)) == 2
    paypal_server.on('GET', PATH, ill)
    with pytest.raises(GatewayUnavailable):
        read()
    assert len(paypal_server.requests(PATH)) == 4


def test_pitfall_1_a_repeated_post_keeps_its_key(paypal_server, paypal_gateway, make_request):
    paypal_server.on('POST', CAPTURE, Answer(drop=True), error(422, 'ORDER_ALREADY_CAPTURED'))
    paypal_server.on('GET', PATH, order())
    paypal_gateway.capture(ORDER, 'capture-key')
    assert [call.headers['PayPal-Request-Id'] for call in paypal_server.requests(CAPTURE)] == [
        'capture-key',
        'capture-key',
    ]


def test_pitfall_1_a_post_without_a_key_is_never_repeated(paypal_server, paypal_gateway):
    paypal_server.on('GET', '/v1/notifications/webhooks', {'webhooks': []})
    paypal_server.on('POST', '/v1/notifications/webhooks', error(500))
    with pytest.raises(GatewayUnavailable):
        paypal_gateway.register_webhook('https://odoo.example.com/pay_now/webhook/1')
    assert [call.method for call in paypal_server.requests()].count('POST') == 1


@pytest.mark.parametrize(
    ('wait', 'tries'),
    [('0', 2), ('1', 2), ('2', 2), ('3', 1), ('3600', 1), ('soon', 1), ('-1', 1), (None, 1)],
)
def test_pitfall_1_come_back_later(paypal_server, read, monkeypatch, wait, tries):
    """A page does not wait for long; whoever asks again later is the sweep."""
    pauses = []
    monkeypatch.setattr(paypal_client.time, 'sleep', pauses.append)
    paypal_server.on('GET', PATH, error(429, headers={'Retry-After': wait} if wait else {}))
    with pytest.raises(GatewayUnavailable) as failure:
        read()
    assert failure.value.code == 'RATE_LIMIT_REACHED'
    assert len(paypal_server.requests(PATH)) == tries
    assert pauses == ([int(wait)] if tries == 2 else [])


def test_pitfall_1_connections_are_kept(paypal_server, read, make_paypal_gateway):
    for _number in range(3):
        read()
    make_paypal_gateway().fetch_payment(ORDER)
    assert len({call.port for call in paypal_server.calls}) == 1, (
        "the token's too, and another gateway's"
    )


def test_pitfall_1_connections_are_a_threads_and_a_processs_own(paypal_server, read, monkeypatch):
    read()
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        threads.submit(read).result()
    assert len({call.port for call in paypal_server.requests(PATH)}) == 2
    assert paypal_server.tokens == 1, "but one token for all threads"
    monkeypatch.setattr(paypal_client.os, 'getpid', lambda: 1)
    read()
    assert len({call.port for call in paypal_server.requests(PATH)}) == 3
    assert paypal_server.tokens == 2


def test_pitfall_1_a_connection_closed_meanwhile(paypal_server, read):
    """The server ends it between two requests, as all do after a while."""
    paypal_server.on('GET', PATH, Answer(200, order(), headers={'Connection': 'close'}))
    read()
    read()


# === 2. REFUSALS THAT ARE NONE, AND ERRORS OF ALL KINDS === #


@pytest.mark.parametrize(
    ('answer', 'kind', 'code'),
    [
        (error(400, 'INVALID_PARAMETER_VALUE'), GatewayRefused, 'INVALID_PARAMETER_VALUE'),
        (error(401), GatewayAuthError, 'AUTHENTICATION_FAILURE'),
        (error(403, 'PERMISSION_DENIED'), GatewayAuthError, 'PERMISSION_DENIED'),
        (error(404, 'INVALID_RESOURCE_ID'), GatewayNotFound, 'INVALID_RESOURCE_ID'),
        (error(409, 'PREVIOUS_REQUEST_IN_PROGRESS'), GatewayUnavailable, None),
        (error(422, 'ORDER_COMPLETION_IN_PROGRESS'), GatewayUnavailable, None),
        (error(422, 'TRANSACTION_REFUSED'), GatewayRefused, 'TRANSACTION_REFUSED'),
        (error(422), GatewayRefused, 'UNPROCESSABLE_ENTITY'),
        (error(429), GatewayUnavailable, 'RATE_LIMIT_REACHED'),
        (error(500), GatewayUnavailable, 'INTERNAL_SERVER_ERROR'),
        ((400, {'error': 'invalid_client'}), GatewayAuthError, 'invalid_client'),
        ((415, {'name': 'UNSUPPORTED_MEDIA_TYPE'}), GatewayRefused, 'UNSUPPORTED_MEDIA_TYPE'),
    ],
)
def test_pitfall_2_every_refusal_is_raised(paypal_server, read, answer, kind, code):
    paypal_server.on('GET', PATH, answer)
    with pytest.raises(GatewayRefused if kind != GatewayUnavailable else kind) as failure:
        read()
    assert type(failure.value) is kind
    assert failure.value.code == code or code is None
    assert failure.value.request_id == 'f0debug1d', "what PayPal's support asks for"


@pytest.mark.parametrize('status', [200, 201, 301, 302, 304, 308, 400, 401, 403, 404, 422, 502])
@pytest.mark.parametrize('body', [b'<html>intranet of somebody</html>', b'[1]', b'"x"', b'\xff'])
def test_pitfall_2_a_page_instead_of_an_answer(paypal_server, read, status, body):
    """A proxy's page is nothing to show, and no reason to believe that an object is gone."""
    location = {'Location': f'{paypal_server.base}/elsewhere'} if 300 <= status < 400 else {}
    body = b'' if status == 304 else body
    paypal_server.on('GET', PATH, Answer(status, body, location))
    with pytest.raises(GatewayUnavailable) as failure:
        read()
    assert 'intranet' not in str(failure.value)
    assert {call.path for call in paypal_server.calls} == {TOKEN, PATH}, "no redirect is followed"


def test_pitfall_2_nested_too_deep(paypal_server, read):
    for status in (200, 400):
        paypal_server.on('GET', PATH, Answer(status, b'[' * 100_000))
        with pytest.raises(GatewayUnavailable):
            read()


def test_pitfall_2_nobody_there():
    gateway = PayPalGateway(Credentials(key='a', secret='b'), api_base='http://127.0.0.1:9')
    with pytest.raises(GatewayUnavailable, match="cannot be reached"):
        gateway.fetch_payment(ORDER)


@pytest.mark.parametrize(
    ('body', 'words', 'code'),
    [
        (error(422, 'X_Y', "In words.")[1], "In words.", 'X_Y'),
        ({'name': 'N', 'message': "M"}, "M", 'N'),
        ({'name': 'N', 'details': [{'issue': "Not a sentence's code"}]}, "Not a sentence", 'N'),
        ({'name': 'N', 'details': 'x', 'message': "M"}, "M", 'N'),
        ({'name': 'N', 'details': [None, 1], 'message': None}, "no reason", 'N'),
        ({'error': 'invalid_request', 'error_description': "D"}, "D", 'invalid_request'),
    ],
)
def test_pitfall_2_in_paypals_words(paypal_server, read, body, words, code):
    paypal_server.on('GET', PATH, (400, body))
    with pytest.raises(GatewayRefused, match=words) as failure:
        read()
    assert failure.value.code == code
