# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json
import time

import pytest
import stripe

from gateways.errors import SignatureError

URL = 'http://127.0.0.1:8069/pay_now/webhook/1'


@pytest.fixture
def notified(sandbox, gateway, make_gateway, make_request):
    """A gateway with a secret, and the notifications of one payment by card."""
    webhook = gateway.register_webhook(URL)
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id)
    return make_gateway(secrets=[webhook.secret]), checkout, sandbox.outbox()


def test_verified_and_normalised(notified):
    gateway, checkout, outbox = notified
    events = [gateway.verify_event(out['body'].encode(), out['headers']) for out in outbox]
    assert [event.type for event in events] == [
        'charge.succeeded',
        'payment_intent.succeeded',
        'checkout.session.completed',
    ]
    assert events[-1].checkout_id == checkout.id
    assert len({event.payment_id for event in events}) == 1
    assert {event.reference for event in events} == {'INV-2026-00001'}
    assert all(event.test_mode for event in events)


def sign(body, secret='whsec_a', age=0):
    return {
        'Stripe-Signature': stripe.WebhookSignature.generate_signature_header(
            body.decode(errors='replace'), secret, timestamp=int(time.time()) - age
        )
    }


def event_body(**values):
    return json.dumps(
        {
            'id': 'evt_1',
            'type': 'charge.updated',
            'created': int(time.time()),
            'livemode': False,
            'data': {'object': {'object': 'charge', 'id': 'ch_1'}},
            **values,
        }
    ).encode()


def test_signatures(make_gateway):
    gateway = make_gateway(secrets=['whsec_new', 'whsec_a'])
    body = event_body()
    assert gateway.verify_event(body, sign(body)).charge_id == 'ch_1'
    assert gateway.verify_event(body, sign(body, 'whsec_new')).id == 'evt_1'
    refused = [
        (body, {}),
        (body, {'Stripe-Signature': 'nonsense'}),
        (body, {'Stripe-Signature': 't=1,v1='}),
        (body, sign(body, 'whsec_other')),
        (body, sign(body, age=400)),
        (body, sign(body, age=-400)),
        (body + b' ', sign(body)),
        (b'\xff', sign(b'\xff')),
        (event_body(livemode=True), sign(event_body(livemode=True))),
    ]
    for raw, headers in refused:
        with pytest.raises(SignatureError):
            gateway.verify_event(raw, headers)
    with pytest.raises(SignatureError):
        make_gateway(secrets=[]).verify_event(body, sign(body))


def test_signature_errors_do_not_carry_the_body(make_gateway):
    body = event_body(secret='very private')
    with pytest.raises(SignatureError) as error:
        make_gateway(secrets=['whsec_b']).verify_event(body, sign(body))
    assert 'private' not in repr(error.value) + str(error.value.__context__ or '')
