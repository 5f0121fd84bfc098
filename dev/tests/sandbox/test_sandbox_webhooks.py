# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Notifications of the sandbox, to a receiver of our own; and the page a payer sees."""

import json
import time

import pytest
import requests

from gateways.stripe.events import verify


@pytest.fixture
def webhook(sandbox, gateway, receiver):
    sandbox.webhooks(mode='on')
    return gateway.register_webhook(receiver.url)


@pytest.fixture
def pay(sandbox, gateway, make_request):
    """Open a checkout and pay it; three notifications."""
    numbers = iter(range(100))

    def pay(method='card'):
        number = next(numbers)
        checkout = gateway.open_checkout(make_request(reference=f'R{number}'), f'key{number}')
        sandbox.pay(session=checkout.id, method=method)
        return checkout

    return pay


def test_delivered_and_signed(sandbox, webhook, receiver, pay):
    pay()
    sandbox.wait_idle()
    assert len(receiver.received) == 3
    for body, headers in receiver.received:
        assert verify(body, headers, [webhook.secret], test_mode=True)
        assert headers['Content-Type'].startswith('application/json')
    assert {one['status'] for one in sandbox.deliveries()} == {200}


def test_only_what_was_asked_for(sandbox, receiver):
    sandbox.webhooks(mode='on')
    requests.post(
        f'{sandbox.api_base}/v1/webhook_endpoints',
        headers={'Authorization': f'Bearer {sandbox.key}'},
        data={'url': receiver.url, 'enabled_events[]': 'payout.paid'},
        timeout=5,
    )
    sandbox.payout()
    sandbox.wait_idle()
    assert [json.loads(body)['type'] for body, _headers in receiver.received] == ['payout.paid']


def test_again_after_a_failure(sandbox, webhook, receiver, pay):
    receiver.statuses = [500, 302]
    pay('declined')
    sandbox.wait_idle()
    assert len(receiver.received) == 4, "two of them twice; a redirect is a failure"
    assert len(set(receiver.ids())) == 2


def test_given_up(sandbox, webhook, receiver, pay):
    receiver.shutdown()
    receiver.server_close()
    started = time.monotonic()
    pay('declined')
    sandbox.wait_idle()
    assert time.monotonic() - started < 20
    assert {one['status'] for one in sandbox.deliveries()} == {0}


def test_several_times_at_once(sandbox, webhook, receiver, pay):
    sandbox.webhooks(copies=4, shuffle=True)
    pay()
    sandbox.wait_idle()
    assert sorted(receiver.ids()) == sorted(4 * [event['id'] for event in sandbox.events()])


def test_in_another_order(sandbox, webhook, receiver, pay):
    sandbox.webhooks(shuffle=True)
    for _number in range(5):
        pay()
    sandbox.wait_idle()
    order = [event['id'] for event in sandbox.events()]
    assert set(receiver.ids()) == set(order)
    assert receiver.ids() != order


def test_late(sandbox, webhook, receiver, pay):
    sandbox.webhooks(delay=0.5)
    pay()
    assert not receiver.received and sandbox.idle()['idle'] is False
    sandbox.wait_idle()
    assert len(receiver.received) == 3


def test_lost(sandbox, webhook, receiver, pay):
    sandbox.webhooks(drop=2)
    pay()
    sandbox.wait_idle()
    assert len(receiver.received) == 1


def test_off_then_everything_again(sandbox, webhook, receiver, pay):
    sandbox.webhooks(mode='off')
    pay()
    pay()
    sandbox.wait_idle()
    assert not receiver.received
    sandbox.webhooks(mode='on')
    assert sandbox.redeliver(times=3) == {'events': 6}
    sandbox.wait_idle()
    assert sorted(receiver.ids()) == sorted(3 * [event['id'] for event in sandbox.events()])
    sandbox.resend(event=receiver.ids()[0])
    sandbox.wait_idle()
    assert len(receiver.received) == 19


def test_held_for_the_test_to_deliver(sandbox, webhook, receiver, pay):
    sandbox.webhooks(mode='held')
    pay()
    held = requests.get(f'{sandbox.api_base}/_sandbox/outbox', timeout=5).json()
    assert len(held) == 3 and not receiver.received
    for out in held:
        assert out['url'] == receiver.url
        assert verify(out['body'].encode(), out['headers'], [webhook.secret], test_mode=True)
    assert sandbox.outbox() == []


def test_forged_ones_are_delivered_once(sandbox, webhook, receiver, pay):
    checkout = pay()
    sandbox.wait_idle()
    receiver.received.clear()
    receiver.statuses = [403] * 4
    for how in ('unsigned', 'wrong', 'old', 'future'):
        assert sandbox.forge(session=checkout.id, how=how)['sent'] == 1
    sandbox.wait_idle()
    assert len(receiver.received) == 4
    assert sum('Stripe-Signature' in headers for _body, headers in receiver.received) == 3


def test_rolled_secret(sandbox, webhook, receiver, pay):
    new = sandbox.roll_secret(webhook=webhook.id, keep_old=False)['secret']
    pay()
    sandbox.wait_idle()
    for body, headers in receiver.received:
        assert verify(body, headers, [webhook.secret, new], test_mode=True)


def test_connected_accounts_notify_the_platform(sandbox, receiver):
    sandbox.webhooks(mode='on')
    for connect in ('true', 'false'):
        requests.post(
            f'{sandbox.api_base}/v1/webhook_endpoints',
            headers={'Authorization': f'Bearer {sandbox.key}'},
            data={'url': receiver.url, 'enabled_events[]': '*', 'connect': connect},
            timeout=5,
        )
    sandbox.account(account='acct_connected', platform='acct_sandbox')
    sandbox.wait_idle()
    (event,) = [json.loads(body) for body, _headers in receiver.received]
    assert (event['type'], event['account']) == ('account.updated', 'acct_connected')


# === THE HOSTED PAGE === #


def test_page(sandbox, gateway, make_request):
    request = make_request(
        locale='en_US',
        label='<INV & Co>',
        return_url='http://127.0.0.1/back?session={CHECKOUT_SESSION_ID}',
    )
    checkout = gateway.open_checkout(request, 'key')
    page = requests.get(checkout.url, timeout=5).text
    assert '&lt;INV &amp; Co&gt;' in page and "TEST MODE" in page and 'width=device-width' in page
    assert request.cancel_url in page
    assert sandbox.press(checkout.url, 'declined') is None
    declined = requests.post(checkout.url, data={'method': 'declined'}, timeout=5).text
    assert "Your card was declined." in declined and 'name="method"' in declined
    back = sandbox.press(checkout.url, 'sepa')
    assert back == f'http://127.0.0.1/back?session={checkout.id}'
    assert "can no longer be paid" in requests.get(checkout.url, timeout=5).text


def test_no_page(sandbox):
    assert requests.get(f'{sandbox.api_base}/c/pay/cs_unknown', timeout=5).status_code == 404


def test_nonsense_on_the_page(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    answer = requests.post(checkout.url, data={'method': 'gold'}, timeout=5)
    assert answer.status_code == 400
