# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Notifications of the sandbox's PayPal: endpoints, deliveries, and the list of them."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from dev.tests.calls import paypal_links as links
from dev.tests.sandbox.paypal_signature import check

HOOKS = '/v1/notifications/webhooks'
EVENTS = '/v1/notifications/webhooks-events'
URL = 'http://127.0.0.1:9/hook'
ALL = [{'name': '*'}]


def fails(answer):
    """Return status and name of an error."""
    return answer.status_code, answer.json()['name']


# === ENDPOINTS === #


def test_life_of_an_endpoint(ask, make_webhook):
    webhook = make_webhook(URL, 'PAYMENT.CAPTURE.COMPLETED')
    path = f"{HOOKS}/{webhook['id']}"
    assert ask('GET', path).json() == webhook
    assert ask('GET', HOOKS).json() == {'webhooks': [webhook]}
    assert ask('GET', f'{HOOKS}?anchor_type=APPLICATION').json() == {'webhooks': [webhook]}
    patch = [
        {'op': 'replace', 'path': '/url', 'value': f'{URL}2'},
        {'op': 'replace', 'path': '/event_types', 'value': ALL},
    ]
    changed = ask('PATCH', path, patch).json()
    assert (changed['url'], changed['event_types'][0]['name']) == (f'{URL}2', '*')
    assert ask('GET', f'{path}/event-types').json()['event_types'] == changed['event_types']
    answer = ask('DELETE', path)
    assert (answer.status_code, answer.text) == (204, '')
    assert fails(ask('DELETE', path)) == (404, 'INVALID_RESOURCE_ID')
    assert ask('GET', HOOKS).json() == {'webhooks': []}


@pytest.mark.parametrize(
    'url',
    [
        'http://example.com/hook',
        'https://example.com:8443/hook',
        'ftp://127.0.0.1/hook',
        'nowhere',
        'https://example.com/' + 'x' * 2048,
        7,
    ],
)
def test_only_safe_addresses(paypal, ask, url):
    answer = ask('POST', HOOKS, {'url': url, 'event_types': ALL})
    assert fails(answer) == (400, 'VALIDATION_ERROR')
    assert not paypal.account_state()['webhooks']


def test_an_address_once_and_ten_of_them(ask, make_webhook):
    make_webhook('https://example.com/hook')
    again = ask('POST', HOOKS, {'url': 'https://example.com/hook', 'event_types': ALL})
    assert fails(again) == (400, 'WEBHOOK_URL_ALREADY_EXISTS')
    for number in range(9):
        make_webhook(f'https://example.com/hook/{number}')
    more = ask('POST', HOOKS, {'url': 'https://example.com/more', 'event_types': ALL})
    assert fails(more) == (400, 'WEBHOOK_NUMBER_LIMIT_EXCEEDED')


@pytest.mark.parametrize(
    'body',
    [
        {},
        [],
        {'url': URL},
        {'url': URL, 'event_types': []},
        {'url': URL, 'event_types': ['*']},
        {'url': URL, 'event_types': [{'name': 'NO.SUCH.EVENT'}]},
        {'url': URL, 'event_types': ALL, 'nonsense': 1},
    ],
)
def test_malformed_endpoints(ask, body):
    assert ask('POST', HOOKS, body).status_code == 400


def test_malformed_changes(ask, make_webhook):
    path = f"{HOOKS}/{make_webhook()['id']}"
    for patch in (
        {},
        [{'op': 'add', 'path': '/url', 'value': URL}],
        [{'op': 'replace', 'path': '/id', 'value': 'X'}],
        [{'op': 'replace', 'path': '/url', 'value': 'http://example.com'}],
    ):
        assert ask('PATCH', path, patch).status_code == 400
    assert ask('GET', path).json()['url'] == URL


def test_types_there_are(ask):
    listed = ask('GET', '/v1/notifications/webhooks-event-types').json()['event_types']
    names = {one['name'] for one in listed}
    assert {'PAYMENT.CAPTURE.DENIED', 'PAYMENT.CAPTURE.DECLINED'} < names
    assert {'CHECKOUT.ORDER.APPROVED', 'CUSTOMER.DISPUTE.RESOLVED'} < names


# === DELIVERIES === #


def test_delivered(paypal, make_webhook, receiver, make_capture):
    paypal.webhooks(mode='on')
    webhook = make_webhook(receiver.url)
    make_capture()
    paypal.wait_idle()
    assert len(receiver.received) == 3
    for body, headers in receiver.received:
        check(body, headers, webhook['id'])
        assert headers['Content-Type'] == 'application/json'
    assert sorted(receiver.ids()) == sorted(event['id'] for event in paypal.events())


def test_only_what_was_asked_for(paypal, make_webhook, receiver, make_capture):
    paypal.webhooks(mode='on')
    make_webhook(receiver.url, 'CHECKOUT.ORDER.APPROVED')
    make_capture()
    paypal.wait_idle()
    (body, _headers), *others = receiver.received
    assert json.loads(body)['event_type'] == 'CHECKOUT.ORDER.APPROVED' and not others


def test_again_after_a_failure(paypal, make_webhook, receiver, make_capture):
    """The same transmission, tried again; several at once are several transmissions."""
    receiver.statuses = [500, 302]
    paypal.webhooks(mode='on', copies=2, shuffle=True)
    make_webhook(receiver.url, 'PAYMENT.CAPTURE.COMPLETED')
    make_capture()
    paypal.wait_idle()
    assert len(receiver.received) == 4 and len(set(receiver.ids())) == 1
    sent = [headers['PAYPAL-TRANSMISSION-ID'] for _body, headers in receiver.received]
    assert len(set(sent)) == 2
    assert sorted(one['status'] for one in paypal.deliveries()) == [200, 200, 302, 500]


def test_lost_late_and_sent_again(paypal, ask, make_webhook, receiver, make_capture):
    paypal.webhooks(mode='on', drop=1)
    webhook = make_webhook(receiver.url, 'PAYMENT.CAPTURE.COMPLETED')
    make_capture()
    paypal.wait_idle()
    assert not receiver.received
    (event,) = ask('GET', EVENTS).json()['events']
    answer = ask('POST', f"{EVENTS}/{event['id']}/resend", {'webhook_ids': [webhook['id']]})
    assert (answer.status_code, answer.json()['id']) == (202, event['id'])
    assert ask('POST', f"{EVENTS}/{event['id']}/resend", {}).status_code == 202
    paypal.wait_idle()
    assert receiver.ids() == [event['id']] * 2
    unknown = ask('POST', f"{EVENTS}/{event['id']}/resend", {'webhook_ids': ['X']})
    assert unknown.status_code == 404
    assert ask('POST', f'{EVENTS}/WH-X/resend', {}).status_code == 404
    paypal.redeliver(times=2)
    paypal.wait_idle()
    assert sorted(receiver.ids()) == sorted([event['id']] * 4 + receiver.ids()[4:])
    assert len(receiver.received) == 4


def test_off(paypal, make_webhook, receiver, make_capture):
    make_webhook(receiver.url)
    paypal.webhooks(mode='off')
    make_capture()
    paypal.wait_idle()
    assert not receiver.received and paypal.account_state()['events'] == 3


# === EVENTS === #


def test_listed(paypal, ask, make_webhook, make_capture):
    make_capture()
    assert ask('GET', EVENTS).json()['events'] == [], "nobody was to be notified"
    make_webhook(URL, 'PAYMENT.CAPTURE.COMPLETED')
    captures = [make_capture()['id'] for _number in range(5)]
    seen, path = [], f'{EVENTS}?page_size=2'
    while path:
        page = ask('GET', path).json()
        assert page['count'] == len(page['events'])
        seen += [event['resource']['id'] for event in page['events']]
        path = links(page).get('next', '').removeprefix(paypal.api_base)
    assert seen == captures[::-1]
    event = page['events'][0]
    assert ask('GET', f"{EVENTS}/{event['id']}").json() == event
    assert len(ask('GET', f'{EVENTS}?transaction_id={captures[2]}').json()['events']) == 1
    assert not ask('GET', f'{EVENTS}?event_type=PAYMENT.CAPTURE.DENIED').json()['events']


def test_listed_by_time(paypal, ask, make_webhook, make_capture, ask_token):
    make_webhook(URL, 'PAYMENT.CAPTURE.COMPLETED')
    make_capture()
    now = datetime.now(timezone.utc)

    def listed(**values):
        query = '&'.join(
            f"{name}={(now + timedelta(hours=hours)).strftime('%Y-%m-%dT%H:%M:%SZ')}"
            for name, hours in values.items()
        )
        return len(ask('GET', f'{EVENTS}?{query}', token=token).json()['events'])

    token = ask_token().json()['access_token']
    assert (listed(start_time=-1), listed(start_time=1)) == (1, 0)
    assert (listed(end_time=-1), listed(end_time=1)) == (0, 1)
    assert listed(start_time=-1, end_time=1) == 1
    paypal.advance(seconds=31 * 86400)
    token = ask_token().json()['access_token']
    assert listed(start_time=-1) == 0, "kept for thirty days"
    for query in ('start_time=soon', 'page_size=0', 'nonsense=1'):
        assert ask('GET', f'{EVENTS}?{query}', token=token).status_code == 400
