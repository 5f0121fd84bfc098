# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's notifications: which ones we ask for, whether they are Stripe's, what they are about."""

import hashlib
import hmac
import re
import time
from datetime import datetime, timezone

from .. import reading
from ..base import Event
from ..errors import SignatureError

#: What else than a payment a notification can be about, by the beginning of its type.
SUBJECTS = (('payout.', 'payout'), ('charge.dispute.', 'dispute'), ('account.', 'account'))
#: Seconds a notification may be old, or ahead of our clock.
TOLERANCE = 300

EVENT_TYPES = (
    'account.updated',
    'charge.dispute.closed',
    'charge.dispute.created',
    'charge.dispute.funds_reinstated',
    'charge.dispute.funds_withdrawn',
    'charge.dispute.updated',
    'charge.failed',
    'charge.refunded',
    'charge.succeeded',
    'charge.updated',
    'checkout.session.async_payment_failed',
    'checkout.session.async_payment_succeeded',
    'checkout.session.completed',
    'checkout.session.expired',
    'payment_intent.canceled',
    'payment_intent.payment_failed',
    'payment_intent.processing',
    'payment_intent.succeeded',
    'payout.canceled',
    'payout.created',
    'payout.failed',
    'payout.paid',
    'payout.reconciliation_completed',
    'payout.updated',
    'refund.created',
    'refund.failed',
    'refund.updated',
)
#: What a platform is notified of besides.
PLATFORM_EVENT_TYPES = ('account.application.deauthorized', *EVENT_TYPES)


def verify(body, headers, secrets, test_mode):
    """Prove that a notification is Stripe's, on its raw bytes, and normalise it.

    Proven, and not understood: its subject is `UNREADABLE`, for sent again it would say the same.

    :param bytes body: the request's body, untouched.
    :param headers: mapping of HTTP headers.
    :param tuple secrets: all secrets valid now.
    :param bool test_mode: the mode of our key; a notification of the other mode is refused.
    :rtype: Event
    :raise SignatureError: not proven.
    """
    signature = headers.get('Stripe-Signature') or ''
    # An empty secret is a secret that everybody knows.
    secrets = [secret for secret in secrets if secret.strip()]
    if not secrets:
        raise SignatureError("No secret to verify with.", 'no_secret')
    if not signature:
        raise SignatureError("The notification is not signed.", 'unsigned')
    if not signature.isascii():
        # The SDK's constant-time comparison takes nothing else.
        raise SignatureError("The signature does not match.", 'bad_signature')
    stamp = _check_time(signature)
    given = re.findall(r'(?:^|,)v1=([0-9a-f]{64})(?=,|$)', signature)
    if not any(
        hmac.compare_digest(_signature(secret, stamp, body), one)
        for secret in secrets
        for one in given
    ):
        raise SignatureError("The signature does not match.", 'bad_signature')
    try:
        data = reading.parse(body)
    except reading.Unreadable:
        data = {}
    event = read(data, reading.fingerprint(body), test_mode)
    if event.test_mode != test_mode:
        raise SignatureError("The notification belongs to the other mode.", 'livemode_mismatch')
    return event


def _signature(secret, stamp, body):
    """Return what Stripe signs a body with: of its bytes, which the SDK would decode first."""
    return hmac.new(secret.encode(), f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()


def _check_time(signature):
    """Return when a signature was made.

    :rtype: str
    :raise SignatureError: too long ago, or in the future.
    """
    stamp = re.search(r'(?:^|,)t=(\d{1,12})(?:,|$)', signature)
    if not stamp or abs(int(stamp[1]) - time.time()) > TOLERANCE:
        raise SignatureError("The time of the signature is wrong.", 'bad_timestamp')
    return stamp[1]


def read(data, fallback, test_mode):
    """Return one of Stripe's event objects, whether it is understood or not.

    :param dict data: a verified or listed event.
    :param str fallback: its id, where it has none.
    :param bool test_mode: its mode, where it is not understood.
    :rtype: Event
    """
    try:
        return normalise(data)
    except reading.MISREAD:
        return reading.unreadable(data, fallback, test_mode, data.get('type'))


def normalise(data):
    """Return one of Stripe's event objects as an `Event`: which payment to ask about.

    :param dict data: a verified or listed event.
    :rtype: Event
    """
    kind = reading.identifier(data['type'])
    obj = data['data']['object']
    if not (kind and reading.identifier(data['id'])):
        raise reading.Unreadable("An event has an id and a type.")
    what = reading.words(obj.get('object'))
    own, charge = reading.identifier(obj.get('id')), reading.identifier(obj.get('charge'))
    return Event(
        id=data['id'],
        type=kind,
        created_at=datetime.fromtimestamp(data['created'], timezone.utc),
        account_id=reading.identifier(data.get('account')),
        checkout_id=own if what == 'checkout.session' else '',
        payment_id=own
        if what == 'payment_intent'
        else reading.identifier(obj.get('payment_intent')),
        charge_id={'charge': own, 'refund': charge, 'dispute': charge}.get(what, ''),
        reference=_reference(obj),
        object_type=what,
        object_id=own,
        subject=next((s for start, s in SUBJECTS if kind.startswith(start)), 'payment'),
        test_mode=not data.get('livemode'),
    )


def _reference(obj):
    metadata = obj.get('metadata')
    named = metadata.get('odoo_reference') if isinstance(metadata, dict) else None
    return reading.words(named) or reading.words(obj.get('client_reference_id'))
