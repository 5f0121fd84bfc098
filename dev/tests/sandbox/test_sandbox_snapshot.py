# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The sandbox as it was before: one snapshot of both providers, restored any number of times."""

import time

import pytest
import requests

from gateways.stripe.events import verify


@pytest.fixture
def paid(gateway, make_request, sandbox):
    """A checkout that is paid, with what Stripe says of it held back."""
    webhook = gateway.register_webhook('http://127.0.0.1:9/hook')
    checkout = gateway.open_checkout(make_request(), 'checkout')
    sandbox.pay(session=checkout.id)
    sandbox.release_fees()
    return checkout, webhook


def test_both_providers_are_as_they_were(sandbox, paypal, make_capture, paid):
    captured = make_capture()
    before = sandbox.account_state(), paypal.account_state()
    events = sandbox.events()
    sandbox.snapshot()
    for _time in range(2):
        charge = sandbox.account_state()['charges'][0]['id']
        sandbox.refund(charge=charge)
        sandbox.dispute(charge=charge)
        paypal.reverse(capture=captured['id'])
        assert sandbox.account_state() != before[0] and paypal.account_state() != before[1]
        sandbox.restore()
        assert (sandbox.account_state(), paypal.account_state()) == before
        assert sandbox.events() == events


def test_settings_time_and_faults_too(sandbox, paypal):
    paypal.settings(percent='5')
    sandbox.webhooks(mode='held', copies=2)
    now = sandbox.advance(seconds=1000)['now']
    sandbox.snapshot()
    paypal.settings(percent='1')
    sandbox.fees(delay=7)
    sandbox.rates(usd='0.92')
    sandbox.misbehave(status=503, times=20)
    sandbox.advance(seconds=5000)
    sandbox.webhooks(mode='off', copies=1)
    sandbox.restore()
    assert paypal.settings()['percent'] == '5'
    assert sandbox.webhooks()['mode'] == 'held' and sandbox.webhooks()['copies'] == 2
    assert abs(sandbox.advance(seconds=0)['now'] - now) < 60
    answer = requests.get(
        f'{sandbox.api_base}/v1/balance',
        headers={'Authorization': f'Bearer {sandbox.key}'},
        timeout=5,
    )
    assert answer.status_code == 200


def test_what_is_held_back_is_there_again_and_signed_now(sandbox, paid):
    _checkout, webhook = paid
    sandbox.snapshot()
    first = sandbox.outbox()
    assert first and not sandbox.outbox()
    time.sleep(1.1)
    sandbox.restore()
    again = sandbox.outbox()
    assert [out['body'] for out in again] == [out['body'] for out in first]
    for old, new in zip(first, again, strict=True):
        assert old['headers']['Stripe-Signature'] != new['headers']['Stripe-Signature']
        assert verify(new['body'].encode(), new['headers'], [webhook.secret], test_mode=True)


def test_what_came_later_is_not_delivered(sandbox, gateway, receiver, paid):
    gateway.register_webhook(receiver.url)
    sandbox.snapshot()
    sandbox.webhooks(mode='on', delay=1)
    sandbox.refund(charge=sandbox.account_state()['charges'][0]['id'])
    assert not sandbox.control('idle')['idle']
    sandbox.restore()
    assert sandbox.control('idle')['idle']
    time.sleep(1.2)
    assert not receiver.received


def test_a_reset_is_no_end_of_the_snapshot(sandbox, paid):
    before = sandbox.account_state()
    sandbox.snapshot()
    sandbox.reset()
    assert not sandbox.account_state()['charges']
    sandbox.restore()
    assert sandbox.account_state() == before
