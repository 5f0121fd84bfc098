# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Bodies of any shape, signed or answered: what comes out can be kept, or is refused in one way."""

import ast
import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import gateways
from dev.tests.paypal.objects import capture, event
from dev.tests.paypal.server import Answer
from dev.tests.paypal.signing import PATH, REAL_NAME, TEST, certificate, pem, signed
from gateways import reading
from gateways.base import UNREADABLE, Credentials, Event
from gateways.errors import GatewayError
from gateways.paypal.gateway import PayPalGateway
from gateways.stripe import events as stripe_events
from gateways.stripe import payment as stripe_payment

SECRET = 'whsec_a'
STRIPE = {
    'id': 'evt_1',
    'object': 'event',
    'type': 'charge.refunded',
    'created': 1_800_000_000,
    'livemode': False,
    'data': {'object': {'object': 'charge', 'id': 'ch_1', 'payment_intent': 'pi_1'}},
}
PAYPAL = event('PAYMENT.CAPTURE.COMPLETED', capture())
#: What takes the place of any value.
ODD = [
    None, True, 0, -1, 7, 10**17, 10**19, 10**400, -(10**30), 0.5, float('inf'), float('nan'),
    '', ' ', 'a' * 256, 'a' * 100_000, 'é', '\0', 'a\0b', '\ud800', 'a\udfffb', 'a\nb', '\ufeff',
    [], {}, [[]], {'id': []}, {'id': {'id': 'x'}}, ['x'], {'object': 'event'}, [None], '9' * 5_000,
]  # fmt: skip
#: Whole bodies that are no events.
BODIES = [
    b'', b' ', b'null', b'[]', b'7', b'"evt_1"', b'{', b'{}', b'not json', b'\xff\xfe', b'\0',
    b'\xef\xbb\xbf' + json.dumps(STRIPE).encode(), json.dumps(STRIPE).encode('utf-16'),
    json.dumps(STRIPE).encode('utf-32'), b'\xed\xa0\x80', b'{"id": "evt_1", "id": "evt_2"}',
    b'[' * 200_000, b'{"a":' * 100_000, b'{"a": ' + b'[' * 70 + b']' * 70 + b'}',
    b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b'{"a": ' + b'9' * 5_000 + b'}',
]  # fmt: skip


def paths(value, path=()):
    """Return the way to each value of a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inner:
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from paths(one, (*path, key))


def replaced(value, path, other):
    """Return a body with another value at one place."""
    copy = json.loads(json.dumps(value))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = other
    return copy


def stripe_event(body):
    stamp = int(time.time())
    signature = hmac.new(SECRET.encode(), f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()
    headers = {'Stripe-Signature': f't={stamp},v1={signature}'}
    return stripe_events.verify(body, headers, [SECRET], test_mode=True)


@pytest.fixture(scope='module')
def paypal_event():
    """Prove a body at PayPal, whose certificate is there already."""
    url = f'{TEST}{PATH}'
    kept = {url: pem(certificate([REAL_NAME]))}
    gateway = PayPalGateway(Credentials('client', 'secret', webhook_id='WH-1', test_mode=True))
    return lambda body: gateway.verify_event(body, signed(body, url=url), kept.get)


def assert_storable(seen):
    """Check that an event can be kept, whatever was in it."""
    assert isinstance(seen, Event)
    assert seen.id and seen.type
    for name in Event.__dataclass_fields__:
        value = getattr(seen, name)
        if isinstance(value, str):
            value.encode()
            assert '\0' not in value
            assert len(value) <= reading.LONGEST
            assert '\n' not in value
    assert seen.created_at.tzinfo


@pytest.mark.parametrize('body', BODIES, ids=lambda body: repr(body[:20]))
def test_bodies_that_are_no_events(body, paypal_event):
    for seen in (stripe_event(body), paypal_event(body)):
        assert_storable(seen)
        assert seen.subject == UNREADABLE
    # Sent again, it is the same one.
    assert stripe_event(body).id == stripe_event(body).id


@pytest.mark.parametrize('path', list(paths(STRIPE)), ids=str)
def test_each_value_of_stripes_in_every_odd_way(path):
    for odd in ODD:
        value = replaced(STRIPE, path, odd)
        try:
            seen = stripe_event(json.dumps(value).encode())
        except GatewayError as error:
            assert error.code == 'livemode_mismatch'
            continue
        assert_storable(seen)


@pytest.mark.parametrize('path', list(paths(PAYPAL)), ids=str)
def test_each_value_of_paypals_in_every_odd_way(path, paypal_event):
    for odd in ODD:
        assert_storable(paypal_event(json.dumps(replaced(PAYPAL, path, odd)).encode()))


@pytest.mark.parametrize('odd', [['x'], {'id': []}, 7, True, 'a\0b', '\ud800', 'a' * 256, 'a b'])
def test_what_is_no_id_is_not_understood(odd, paypal_event):
    """An id is what the provider is asked about: no guess is made."""
    for path in (('data', 'object', 'id'), ('data', 'object', 'payment_intent'), ('id',)):
        assert stripe_event(json.dumps(replaced(STRIPE, path, odd)).encode()).subject == UNREADABLE
    for path in (('resource', 'id'), ('id',)):
        assert paypal_event(json.dumps(replaced(PAYPAL, path, odd)).encode()).subject == UNREADABLE


def test_what_anybody_may_have_written_is_no_obstacle(paypal_event):
    """A reference that is no text of ours leaves the other ids."""
    for odd in (7, ['x'], 'a\0b', '\ud800', 'a' * 256):
        seen = stripe_event(
            json.dumps(
                replaced(STRIPE, ('data', 'object', 'metadata'), {'odoo_reference': odd})
            ).encode()
        )
        assert seen.charge_id == 'ch_1'
        assert seen.reference in ('', 'a\ufffdb', '\ufffd')
        seen = paypal_event(json.dumps(replaced(PAYPAL, ('resource', 'custom_id'), odd)).encode())
        assert seen.subject == 'payment'
        assert seen.reference in ('', 'a\ufffdb', '\ufffd')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(ODD),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(['id', 'object', 'data', 'type', 'created']), inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON | st.builds(lambda inner: {**STRIPE, 'data': {'object': inner}}, JSON))
@settings(deadline=None, max_examples=300)
def test_stripes_of_any_shape(value):
    try:
        seen = stripe_event(json.dumps(value).encode())
    except GatewayError as error:
        assert error.code == 'livemode_mismatch'
        return
    assert_storable(seen)


@given(st.binary(max_size=200))
@example(b'\xef\xbb\xbf{}')
@settings(deadline=None)
def test_any_bytes(body):
    assert stripe_event(body).subject == UNREADABLE
    text = reading.storable(body)
    assert not reading.UNSTORABLE.search(text)
    text.encode()


@given(JSON | st.binary(max_size=50))
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_answers_of_any_shape(paypal_server, paypal_gateway, value):
    """Nothing but our own errors: what scheduled actions can tell from a programmer's."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    for status in (200, 400):
        paypal_server.on('GET', '/v1/reporting/balances', Answer(status, body))
        try:
            paypal_gateway.balance()
        except GatewayError:
            continue


@pytest.mark.parametrize('path', [('amount',), ('currency',), ('created',), ('refunds',), ('id',)])
def test_stripes_answers_in_every_odd_way(path):
    good = {'id': 're_1', 'amount': 100, 'currency': 'eur', 'created': 1_800_000_000, 'refunds': []}
    for odd in ODD:
        values = replaced(good, path, odd)
        try:
            stripe_payment.refund(reading.clean(values))
        except (GatewayError, reading.Unreadable):
            continue


def test_bodies_are_parsed_in_one_place():
    for path in Path(gateways.__file__).parent.rglob('*.py'):
        if path.name == 'reading.py':
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                parsed = ast.unparse(node) in ('json.loads', 'json.load') or (
                    node.attr == 'json' and ast.unparse(node.value) not in ('requests',)
                )
                assert not parsed, f"{path}:{node.lineno}: use `reading.parse`"
