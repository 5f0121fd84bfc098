# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Signatures of the sandbox's PayPal: of certificates of its own, and false in every way."""

import json
from datetime import datetime, timedelta, timezone

import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from dev.sandbox.paypal.webhook_calls import member
from dev.sandbox.paypal.webhooks import FORGERIES
from dev.tests.sandbox.paypal_signature import check

VERIFY = '/v1/notifications/verify-webhook-signature'
URL = 'http://127.0.0.1:9/hook'
SUBJECT = 'messageverificationcerts.sandbox.invalid'


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
