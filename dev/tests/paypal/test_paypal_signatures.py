# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's notifications: nothing but what is proven, and nothing but our own error otherwise."""

import json
import zlib
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dev.tests.paypal.objects import CAPTURE, event
from dev.tests.paypal.signing import BODY, LIVE, NOW, PATH, refused, signed
from gateways.base import UNREADABLE
from gateways.errors import SignatureError
from gateways.paypal import events as paypal_events

# === GOOD AND BAD === #


def test_good(prove):
    seen = prove()
    assert (seen.id, seen.type) == (json.loads(BODY)['id'], 'PAYMENT.CAPTURE.COMPLETED')
    assert (seen.payment_id, seen.test_mode) == (CAPTURE, True)


def test_headers_in_any_case(paypal_server, prove):
    headers = signed(url=f'{paypal_server.base}{PATH}')
    assert prove(given={name.upper(): value for name, value in headers.items()})
    assert prove(given={name.lower(): value for name, value in headers.items()})


def test_letters_beyond_ascii_count_as_bytes(prove):
    body = json.dumps(event('PAYMENT.CAPTURE.COMPLETED', {'custom_id': 'é€'}), ensure_ascii=False)
    assert prove(body.encode()).reference == 'é€'


def test_changed_body(prove):
    for body in (BODY.replace(b'123.45', b'999.99'), BODY + b' ', BODY[:-1], b''):
        refused(prove, 'bad_signature', body=body, crc=zlib.crc32(BODY))


def test_reserialised_body_is_another_body(prove):
    body = json.dumps(json.loads(BODY), indent=1).encode()
    refused(prove, 'bad_signature', body=body, crc=zlib.crc32(BODY))


def test_other_webhook(prove):
    refused(prove, 'bad_signature', webhook_id='WH-2')


def test_former_webhook_is_ours_too_while_it_is_valid(make_paypal_gateway, prove):
    gateway = make_paypal_gateway(webhook_id='WH-2', former_webhook_id='WH-1')
    assert prove(gateway=gateway, webhook_id='WH-1').payment_id == CAPTURE
    assert prove(gateway=gateway, webhook_id='WH-2').payment_id == CAPTURE
    refused(prove, 'bad_signature', gateway=gateway, webhook_id='WH-3')
    gateway = make_paypal_gateway(webhook_id='WH-2')
    refused(prove, 'bad_signature', gateway=gateway, webhook_id='WH-1')


def test_former_webhook_alone_proves_nothing(make_paypal_gateway, prove):
    gateway = make_paypal_gateway(webhook_id='', former_webhook_id='WH-1')
    refused(prove, 'no_secret', gateway=gateway, webhook_id='WH-1')


def test_other_key(prove):
    refused(prove, 'bad_signature', key=rsa.generate_private_key(65537, 2048))


def test_other_time_than_signed(paypal_server, prove):
    headers = signed(url=f'{paypal_server.base}{PATH}')
    headers['Paypal-Transmission-Time'] = f'{NOW - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}'
    refused(prove, 'bad_signature', given=headers)


@pytest.mark.parametrize('signature', ['AAAA', '!', 'é', 'A', ' ', 'A' * 10_000])
def test_what_is_no_signature(prove, signature):
    refused(prove, 'bad_signature', **{'Paypal-Transmission-Sig': signature})


@pytest.mark.parametrize('algorithm', ['SHA1withRSA', 'none', 'sha256withrsa', 'HS256'])
def test_other_algorithm(paypal_server, prove, algorithm):
    refused(prove, 'bad_algorithm', **{'Paypal-Auth-Algo': algorithm})
    assert not paypal_server.calls


@pytest.mark.parametrize('name', ['Transmission-Id', 'Transmission-Sig', 'Cert-Url', 'Auth-Algo'])
def test_missing_header(paypal_server, prove, name):
    headers = signed(url=f'{paypal_server.base}{PATH}')
    for value in ('', None):
        refused(prove, 'unsigned', given={**headers, f'Paypal-{name}': value})
    del headers[f'Paypal-{name}']
    refused(prove, 'unsigned', given=headers)
    refused(prove, 'unsigned', given={'X': 'y'})
    assert not paypal_server.calls


@pytest.mark.parametrize('webhook_id', ['', ' ', '\n'])
def test_without_a_webhook_nothing_is_proven(make_paypal_gateway, prove, webhook_id):
    """Anybody may own a webhook without an id, or PayPal sign for it."""
    gateway = make_paypal_gateway(webhook_id=webhook_id)
    refused(prove, 'no_secret', gateway=gateway, webhook_id=webhook_id)


def test_too_large(paypal_server, prove):
    refused(prove, 'too_large', body=b' ' * (paypal_events.LARGEST + 1))
    assert not paypal_server.calls


@pytest.mark.parametrize(
    ('age', 'fine'),
    [
        (timedelta(0), True),
        (timedelta(days=3), True),
        (timedelta(minutes=-4), True),
        (timedelta(days=4), False),
        (timedelta(days=400), False),
        (timedelta(minutes=-6), False),
        (timedelta(days=-400), False),
    ],
)
def test_replayed_much_later(paypal_server, prove, age, fine):
    sent_at = datetime.now(timezone.utc) - age
    if fine:
        assert prove(sent_at=sent_at)
        return
    refused(prove, 'bad_timestamp', sent_at=sent_at)
    assert not paypal_server.calls


@pytest.mark.parametrize('stamp', ['yesterday', '1700000000', '2026-99-01T00:00:00Z', '9' * 400])
def test_what_is_no_time(prove, stamp):
    refused(prove, 'bad_timestamp', sent_at=stamp)


def test_proven_but_unreadable(prove):
    for body in (
        b'\xff\xfe',
        BODY.decode().encode('utf-16'),
        b'no json',
        b'[]',
        b'null',
        b'{}',
        b'[' * 200_000,
        json.dumps({**json.loads(BODY), 'create_time': 'yesterday'}).encode(),
        json.dumps({**json.loads(BODY), 'id': 7}).encode(),
        json.dumps({**json.loads(BODY), 'event_type': None}).encode(),
        json.dumps({**json.loads(BODY), 'resource': [1]}).encode(),
    ):
        assert prove(body).subject == UNREADABLE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.sampled_from(paypal_events.EVENT_TYPES), JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_proven_and_of_any_shape(prove, kind, resource):
    body = json.dumps(event(kind, resource)).encode()
    assert prove(body).type in (kind, '?')


@given(st.binary(max_size=60), st.lists(st.text(max_size=60), min_size=5, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example(b'{}', ['1', '2026-03-01T10:00:00Z', 'AAAA', f'{LIVE}{PATH}', 'SHA256withRSA'])
@example(b'\xff', ['\ud800', '2026-03-01T10:00:00Z', '\ud800', 'https://[', 'SHA256withRSA'])
def test_whatever_is_posted(paypal_server, paypal_gateway, body, values):
    names = ('Transmission-Id', 'Transmission-Time', 'Transmission-Sig', 'Cert-Url', 'Auth-Algo')
    headers = {f'PAYPAL-{name}': value for name, value in zip(names, values, strict=True)}
    with pytest.raises(SignatureError):
        paypal_gateway.verify_event(body, headers)
    assert not paypal_server.calls


def test_a_strange_id_that_is_signed_after_all(paypal_server, prove):
    """What cannot be written as bytes cannot have been signed."""
    headers = signed(url=f'{paypal_server.base}{PATH}')
    refused(prove, 'bad_signature', given={**headers, 'Paypal-Transmission-Id': '\ud800'})
