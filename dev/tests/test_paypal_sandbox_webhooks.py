# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Notifications of the sandbox's PayPal: endpoints, signatures, deliveries, and false ones."""

import base64
import json
import zlib
from datetime import datetime, timedelta, timezone

import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import NameOID

from dev.sandbox.paypal.webhook_calls import member
from dev.sandbox.paypal.webhooks import FORGERIES
from dev.tests.calls import paypal_links as links

HOOKS = '/v1/notifications/webhooks'
EVENTS = '/v1/notifications/webhooks-events'
VERIFY = '/v1/notifications/verify-webhook-signature'
URL = 'http://127.0.0.1:9/hook'
SUBJECT = 'messageverificationcerts.sandbox.invalid'
ALL = [{'name': '*'}]


@pytest.fixture
def make_webhook(ask):
    """Register an endpoint for all events, or for some."""

    def make(url=URL, *names):
        body = {'url': url, 'event_types': [{'name': name} for name in names] or ALL}
        answer = ask('POST', HOOKS, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


def fails(answer):
    """Return status and name of an error."""
    return answer.status_code, answer.json()['name']


def certificates(pem):
    return x509.load_pem_x509_certificates(pem.encode())


def check(body, headers, webhook_id, root=None):
    """Fail on a notification that is not genuine.

    :param bytes body: as received.
    :param str root: PEM of the root its certificate must hang from.
    """
    headers = {name.upper(): value for name, value in headers.items()}
    assert headers['PAYPAL-AUTH-ALGO'] == 'SHA256withRSA'
    signed = '|'.join(
        [
            headers['PAYPAL-TRANSMISSION-ID'],
            headers['PAYPAL-TRANSMISSION-TIME'],
            webhook_id,
            str(zlib.crc32(body)),
        ]
    )
    pem = requests.get(headers['PAYPAL-CERT-URL'], timeout=5).text
    chain = certificates(pem)
    signature = base64.b64decode(headers['PAYPAL-TRANSMISSION-SIG'])
    chain[0].public_key().verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    if root:
        for below, above in zip(chain, [*chain[1:], *certificates(root)], strict=True):
            below.verify_directly_issued_by(above)
    return chain[0]


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


# === SIGNATURES === #


def test_signed_by_a_chain_of_our_own(paypal, make_webhook, make_capture):
    webhook = make_webhook(URL, 'PAYMENT.CAPTURE.COMPLETED')
    make_capture()
    (sent,) = paypal.outbox()
    root = paypal.root_certificate()['pem']
    leaf = check(sent['body'].encode(), sent['headers'], webhook['id'], root)
    (name,) = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == SUBJECT
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [SUBJECT]
    now = datetime.now(timezone.utc)
    assert leaf.not_valid_before_utc < now < leaf.not_valid_after_utc
    url = sent['headers']['PAYPAL-CERT-URL']
    assert url.startswith(f'{paypal.api_base}/v1/notifications/certs/CERT-')
    with pytest.raises(InvalidSignature):
        check(sent['body'].encode() + b' ', sent['headers'], webhook['id'])
    with pytest.raises(InvalidSignature):
        check(sent['body'].encode(), sent['headers'], 'ANOTHER')


def test_rotated_certificate(paypal, make_webhook, make_capture):
    webhook = make_webhook(URL, 'PAYMENT.CAPTURE.COMPLETED')
    make_capture()
    new = paypal.rotate_certificate()['url']
    make_capture()
    before, after = paypal.outbox()
    assert before['headers']['PAYPAL-CERT-URL'] != after['headers']['PAYPAL-CERT-URL'] == new
    for sent in (before, after):
        check(sent['body'].encode(), sent['headers'], webhook['id'])
    assert requests.get(f'{new}0', timeout=5).status_code == 404


def question(sent, webhook_id, **changes):
    """Return what `verify-webhook-signature` is asked about a notification."""
    names = {
        'auth_algo': 'PAYPAL-AUTH-ALGO',
        'cert_url': 'PAYPAL-CERT-URL',
        'transmission_id': 'PAYPAL-TRANSMISSION-ID',
        'transmission_sig': 'PAYPAL-TRANSMISSION-SIG',
        'transmission_time': 'PAYPAL-TRANSMISSION-TIME',
    }
    values = {name: sent['headers'].get(header) for name, header in names.items()}
    return {**values, 'webhook_id': webhook_id, **changes}


@pytest.fixture
def verify(paypal, paypal_token):
    """Ask PayPal whether a notification is genuine, with the event as raw text."""

    def verify(values, raw):
        head = json.dumps(values)[:-1]
        answer = requests.post(
            f'{paypal.api_base}{VERIFY}',
            data=f'{head}, "webhook_event": {raw}}}'.encode(),
            headers={
                'Authorization': f'Bearer {paypal_token}',
                'Content-Type': 'application/json',
            },
            timeout=5,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()['verification_status']

    return verify


def test_paypal_verifies_the_raw_text(paypal, make_webhook, make_capture, verify):
    webhook = make_webhook()
    make_capture(description="Pain d’épices")
    for sent in paypal.outbox():
        asked = question(sent, webhook['id'])
        assert verify(asked, sent['body']) == 'SUCCESS'
        assert verify(asked, json.dumps(json.loads(sent['body']), indent=1)) == 'FAILURE'
        for name, value in (
            ('webhook_id', 'ANOTHER'),
            ('transmission_id', 'another'),
            ('transmission_time', '2020-01-01T00:00:00Z'),
            ('transmission_sig', 'AAAA'),
            ('cert_url', 'https://example.com/v1/notifications/certs/CERT-1'),
            ('auth_algo', 'MD5withRSA'),
        ):
            assert verify({**asked, name: value}, sent['body']) == 'FAILURE', name


def test_incomplete_questions(ask):
    assert ask('POST', VERIFY, {'webhook_event': {}}).status_code == 400
    assert ask('POST', VERIFY, {}).status_code == 400


@pytest.mark.parametrize(
    ('text', 'found'),
    [
        ('{"a": 1, "webhook_event":{"x" : [1, {"y":"}"}]} , "b": 2}', '{"x" : [1, {"y":"}"}]}'),
        ('{"webhook_event":"a\\"b"}', '"a\\"b"'),
        ('{ "b": "webhook_event", "webhook_event" : 1.50 }', '1.50'),
        ('{}', ''),
        ('{"b": {"webhook_event": 1}}', ''),
    ],
)
def test_members_as_they_are_written(text, found):
    assert member(text, 'webhook_event') == found


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
    assert ask('GET', EVENTS).json()['events'] == [], "nobody was to be told"
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


# === FALSE ONES === #


@pytest.mark.parametrize('how', FORGERIES)
def test_forgeries(paypal, make_order, make_webhook, verify, how):
    """Each is false in one way only."""
    webhook = make_webhook()
    order = make_order(custom_id='INV-1')
    assert paypal.forge(order=order['id'], how=how)['sent'] == 1
    (sent,) = paypal.outbox()
    body = json.loads(sent['body'])
    assert body['resource']['supplementary_data']['related_ids']['order_id'] == order['id']
    assert body['resource']['status'] == 'COMPLETED'
    raw, headers = sent['body'].encode(), sent['headers']
    if how == 'unsigned':
        assert 'PAYPAL-TRANSMISSION-SIG' not in headers
        return
    if how in ('wrong_key', 'reserialised'):
        with pytest.raises(InvalidSignature):
            check(raw, headers, webhook['id'])
    elif how == 'webhook':
        with pytest.raises(InvalidSignature):
            check(raw, headers, webhook['id'])
        check(raw, headers, 'SOMEBODYELSESHOOK')
    else:
        leaf = check(raw, headers, webhook['id'])
        ended = leaf.not_valid_after_utc < datetime.now(timezone.utc)
        assert ended == (how == 'expired')
    genuine_place = f'{paypal.api_base}/v1/notifications/certs/'
    assert headers['PAYPAL-CERT-URL'].startswith(genuine_place) == (how != 'cert_url')
    if how in ('untrusted', 'cert_url'):
        with pytest.raises(ValueError):
            check(raw, headers, webhook['id'], paypal.root_certificate()['pem'])
    if how == 'old':
        sent_at = datetime.fromisoformat(headers['PAYPAL-TRANSMISSION-TIME'].replace('Z', '+00:00'))
        assert sent_at < datetime.now(timezone.utc) - timedelta(days=29)
    genuine = how == 'old'
    assert verify(question(sent, webhook['id']), sent['body']) == (
        'SUCCESS' if genuine else 'FAILURE'
    )


def test_certificates_from_anywhere(paypal, make_order, make_webhook):
    make_webhook()
    url = 'https://api-m.paypal.com.example.com/v1/notifications/certs/CERT-1'
    paypal.forge(order=make_order()['id'], how='cert_url', cert_url=url)
    assert paypal.outbox()[0]['headers']['PAYPAL-CERT-URL'] == url
    with pytest.raises(requests.HTTPError, match='400'):
        paypal.forge(order=paypal.account_state()['orders'][0]['id'], how='nonsense')


def test_false_ones_are_delivered_once(paypal, make_order, make_webhook, receiver):
    paypal.webhooks(mode='on')
    make_webhook(receiver.url)
    receiver.statuses = [403] * 2
    order = make_order()['id']
    for how in ('unsigned', 'wrong_key'):
        paypal.forge(order=order, how=how)
    paypal.wait_idle()
    assert len(receiver.received) == 2
