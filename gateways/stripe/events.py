# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's notifications: which ones we ask for, whether they are Stripe's, what they are about."""

import json
import re
import time
from datetime import datetime, timezone

import stripe

from ..base import Event
from ..errors import SignatureError
from .client import object_id

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
    _check_not_ahead(signature)
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body.decode(), signature, secret, TOLERANCE)
            break
        except (stripe.SignatureVerificationError, ValueError):
            continue
    else:
        # Not the SDK's own error: it carries the whole body.
        raise SignatureError("The signature does not match.", 'bad_signature')
    try:
        event = normalise(json.loads(body))
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError):
        raise SignatureError("The notification cannot be read.", 'malformed') from None
    if event.test_mode != test_mode:
        raise SignatureError("The notification belongs to the other mode.", 'livemode_mismatch')
    return event


def _check_not_ahead(signature):
    """Refuse a signature from the future: the SDK only looks at old ones."""
    # The first one counts for the SDK too.
    stamp = re.search(r'(?:^|,)t=(\d{1,12})(?:,|$)', signature)
    if not stamp or int(stamp[1]) > time.time() + TOLERANCE:
        raise SignatureError("The time of the signature is wrong.", 'bad_timestamp')


def normalise(data):
    """Return one of Stripe's event objects as an `Event`: which payment to ask about.

    :param dict data: a verified or listed event.
    :rtype: Event
    """
    obj = data['data']['object']
    kind = obj.get('object') or ''
    metadata = obj.get('metadata') or {}
    values = {
        'checkout_id': '',
        'payment_id': object_id(obj.get('payment_intent')),
        'charge_id': '',
    }
    if kind == 'checkout.session':
        values['checkout_id'] = obj['id']
    elif kind == 'payment_intent':
        values['payment_id'] = obj['id']
    elif kind == 'charge':
        values['charge_id'] = obj['id']
    elif kind in ('refund', 'dispute'):
        values['charge_id'] = object_id(obj.get('charge'))
    return Event(
        id=str(data['id']),
        type=str(data['type']),
        created_at=datetime.fromtimestamp(data['created'], timezone.utc),
        account_id=data.get('account') or '',
        reference=metadata.get('odoo_reference') or obj.get('client_reference_id') or '',
        object_type=kind,
        object_id=obj.get('id') or '',
        subject=next((s for start, s in SUBJECTS if data['type'].startswith(start)), 'payment'),
        test_mode=not data.get('livemode'),
        **values,
    )
