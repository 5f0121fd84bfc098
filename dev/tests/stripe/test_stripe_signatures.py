# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Notifications: nothing but what is proven, and nothing but our own error otherwise."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dev.sandbox.stripe.webhooks import sign
from gateways.base import UNREADABLE
from gateways.errors import SignatureError
from gateways.stripe import events as stripe_events

URL = 'http://127.0.0.1:8069/pay_now/webhook/1'
SECRET = 'whsec_a'
EVENT = {
    'id': 'evt_1',
    'object': 'event',
    'type': 'charge.updated',
    'created': 1_800_000_000,
    'livemode': False,
    'data': {'object': {'object': 'charge', 'id': 'ch_1', 'payment_intent': 'pi_1'}},
}


def verify(body, header, secrets=(SECRET,)):
    return stripe_events.verify(body, {'Stripe-Signature': header}, secrets, test_mode=True)


def signed(body, secrets=(SECRET,), age=0):
    return sign(body, secrets, int(time.time()) - age)


def test_the_sandbox_signs_as_stripes_own_code_expects(
    sandbox, gateway, make_gateway, make_request
):
    webhook = gateway.register_webhook(URL)
    rolled = sandbox.roll_secret(webhook=webhook.id)['secret']
    sandbox.pay(session=gateway.open_checkout(make_request(), 'key').id)
    for out in sandbox.outbox():
        assert out['headers']['Stripe-Signature'].count('v1=') == 2
        for secret in (webhook.secret, rolled):
            assert make_gateway(secrets=[secret]).verify_event(out['body'].encode(), out['headers'])


@pytest.mark.parametrize('how', ['unsigned', 'wrong', 'old', 'future'])
def test_forged(sandbox, gateway, make_gateway, make_request, how):
    webhook = gateway.register_webhook(URL)
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.forge(session=checkout.id, how=how)
    (out,) = sandbox.outbox()
    with pytest.raises(SignatureError):
        make_gateway(secrets=[webhook.secret]).verify_event(out['body'].encode(), out['headers'])


@pytest.mark.parametrize('secrets', [(), ('',), (' ', '\n')])
def test_without_a_secret_nothing_is_proven(secrets):
    body = json.dumps(EVENT)
    for made_with in ('', ' ', '\n'):
        with pytest.raises(SignatureError) as error:
            verify(body.encode(), signed(body, [made_with]), secrets)
        assert error.value.code == 'no_secret'


@pytest.mark.parametrize(('age', 'fine'), [(0, 1), (290, 1), (-290, 1), (310, 0), (-310, 0)])
def test_five_minutes_either_way(age, fine):
    body = json.dumps(EVENT)
    if fine:
        assert verify(body.encode(), signed(body, age=age)).id == 'evt_1'
        return
    with pytest.raises(SignatureError):
        verify(body.encode(), signed(body, age=age))


def test_other_mode():
    body = json.dumps({**EVENT, 'livemode': True})
    with pytest.raises(SignatureError) as error:
        verify(body.encode(), signed(body))
    assert error.value.code == 'livemode_mismatch'


@given(st.binary(max_size=60), st.text(max_size=60))
@example(b'{}', 't=1,v1=\u00e9')
@example(b'{}', 't=\u00b2,v1=a')
@example(b'{}', 't')
@example(b'{}', 't=,v1')
@example(b'{}', f't={10**400},v1=a')
@example(b'\xff\xfe', 't=1,v1=a')
def test_whatever_is_posted(body, header):
    with pytest.raises(SignatureError):
        verify(body, header)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(JSON)
@example({**EVENT, 'created': 10**30})
@example({**EVENT, 'created': 'yesterday'})
@example({**EVENT, 'data': []})
@example({**EVENT, 'data': {'object': []}})
@example({'object': 'v2.core.event', 'id': 'evt_2', 'type': 'v1.billing.meter.no_meter_found'})
def test_proven_but_unreadable(value):
    body = json.dumps(value)
    event = verify(body.encode(), signed(body))
    assert event.subject == UNREADABLE
    assert event.test_mode, "it is not refused because of a mode that nobody could read"


def test_what_nobody_knows_yet_is_normalised():
    body = json.dumps({**EVENT, 'type': 'invented', 'data': {'object': {'id': 'x', 'new': [1]}}})
    event = verify(body.encode(), signed(body))
    assert (event.type, event.object_id, event.payment_id) == ('invented', 'x', '')


@pytest.mark.parametrize(
    ('obj', 'expected'),
    [
        (
            {'object': 'checkout.session', 'id': 'cs_1', 'payment_intent': {'id': 'pi_1'}},
            {'checkout_id': 'cs_1', 'payment_id': 'pi_1'},
        ),
        ({'object': 'checkout.session', 'id': 'cs_1', 'payment_intent': None}, {'payment_id': ''}),
        ({'object': 'checkout.session', 'id': 'a', 'client_reference_id': 'R'}, {'reference': 'R'}),
        ({'object': 'payment_intent', 'id': 'pi_1'}, {'payment_id': 'pi_1', 'checkout_id': ''}),
        ({'object': 'charge', 'id': 'ch_1', 'payment_intent': 'p'}, {'charge_id': 'ch_1'}),
        ({'object': 'refund', 'id': 're_1', 'charge': 'ch_1'}, {'charge_id': 'ch_1'}),
        (
            {'object': 'dispute', 'id': 'du_1', 'charge': 'ch_1', 'payment_intent': 'pi_1'},
            {'charge_id': 'ch_1', 'payment_id': 'pi_1', 'object_id': 'du_1'},
        ),
        ({'object': 'payout', 'id': 'po_1'}, {'object_id': 'po_1', 'payment_id': ''}),
        ({'object': 'balance', 'livemode': False}, {'object_id': '', 'object_type': 'balance'}),
    ],
)
def test_which_payment_it_is_about(obj, expected):
    event = stripe_events.normalise({**EVENT, 'data': {'object': obj}})
    assert {name: getattr(event, name) for name in expected} == expected


def test_types_are_asked_for_once():
    assert len(set(stripe_events.EVENT_TYPES)) == len(stripe_events.EVENT_TYPES)
