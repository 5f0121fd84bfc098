# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's notifications: which ones we ask for, whether they are PayPal's, what they are about."""

import binascii
import zlib
from base64 import b64decode
from datetime import datetime, timedelta, timezone

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from .. import reading
from ..base import Event
from ..errors import SignatureError
from . import certificates
from .payment import instant, linked, order_id

#: PayPal repeats a notification for three days; a margin for the last time.
OLDEST = timedelta(days=3, hours=12)
#: How far PayPal's clock may be ahead of ours.
AHEAD = timedelta(minutes=5)
#: Of bytes in a notification.
LARGEST = 1 << 20
ALGORITHM = 'SHA256withRSA'
HEADERS = ('transmission-id', 'transmission-time', 'transmission-sig', 'cert-url', 'auth-algo')

EVENT_TYPES = (
    'CHECKOUT.ORDER.APPROVED',
    'CHECKOUT.ORDER.COMPLETED',
    'CHECKOUT.ORDER.VOIDED',
    'CHECKOUT.PAYMENT-APPROVAL.REVERSED',
    'CUSTOMER.DISPUTE.CREATED',
    'CUSTOMER.DISPUTE.RESOLVED',
    'CUSTOMER.DISPUTE.UPDATED',
    'MERCHANT.ONBOARDING.COMPLETED',
    'MERCHANT.PARTNER-CONSENT.REVOKED',
    'PAYMENT.CAPTURE.COMPLETED',
    # One or the other, depending on the page of PayPal's description.
    'PAYMENT.CAPTURE.DECLINED',
    'PAYMENT.CAPTURE.DENIED',
    'PAYMENT.CAPTURE.PENDING',
    'PAYMENT.CAPTURE.REFUNDED',
    'PAYMENT.CAPTURE.REVERSED',
)


# === WHETHER IT IS PAYPAL'S === #


def verify(body, headers, webhook_id, test_mode, api_base=None, kept=None):
    """Prove that a notification is PayPal's and for our webhook, on its raw bytes; normalise it.

    What is proven: whoever holds the key of a certificate of PayPal's (see
    `certificates`) signed these very bytes, at that time, for the webhook we registered. What is
    proven and not understood is `UNREADABLE`: sent again it would say the same.

    :param bytes body: the request's body, untouched.
    :param headers: mapping of HTTP headers.
    :param str webhook_id: ours; part of what is signed, in place of a secret.
    :param bool test_mode: whether we are in PayPal's sandbox, which has certificates of its own.
    :param str api_base: our sandbox's address, the only one certificates come from then.
    :param kept: gives what was fetched from a certificate's address before, None for nothing.
    :rtype: Event
    :raise SignatureError: not proven.
    :raise CertificateNeeded: PayPal's certificate has to be fetched first.
    :raise GatewayUnavailable: it cannot be fetched now.
    """
    if not webhook_id.strip():
        raise SignatureError("No webhook to verify for.", 'no_secret')
    if len(body) > LARGEST:
        raise SignatureError("The notification is too large.", 'too_large')
    transmission, sent_at, signature, url = _signature(headers)
    _check_time(sent_at)
    key = certificates.public_key(url, test_mode, api_base, kept)
    try:
        key.verify(
            b64decode(signature, validate=True),
            f'{transmission}|{sent_at}|{webhook_id}|{zlib.crc32(body)}'.encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except (InvalidSignature, binascii.Error, ValueError):
        raise SignatureError("The signature does not match.", 'bad_signature') from None
    try:
        data = reading.parse(body)
    except reading.Unreadable:
        data = {}
    return read(data, reading.fingerprint(body), test_mode)


def _signature(headers):
    """Return the values of `HEADERS`, without the last one.

    :raise SignatureError: one of them is missing, or names another kind of signature.
    """
    given = {name.lower(): value for name, value in headers.items()}
    values = [given.get(f'paypal-{name}') or '' for name in HEADERS]
    if not all(values):
        raise SignatureError("The notification is not signed.", 'unsigned')
    if values.pop() != ALGORITHM:
        raise SignatureError("The signature is of another kind.", 'bad_algorithm')
    return values


def _check_time(sent_at):
    """Refuse what was sent too long ago to be a repetition, or will be sent."""
    moment, now = instant(sent_at), datetime.now(timezone.utc)
    if not moment or not now - OLDEST <= moment <= now + AHEAD:
        raise SignatureError("The time of the notification is wrong.", 'bad_timestamp')


# === WHAT IT IS ABOUT === #


def read(data, fallback, test_mode):
    """Return one of PayPal's event objects, whether it is understood or not.

    :param dict data: a verified or listed event.
    :param str fallback: its id, where it has none.
    :param bool test_mode: whether it comes from PayPal's sandbox.
    :rtype: Event
    """
    try:
        return normalise(data, test_mode)
    except reading.MISREAD:
        return reading.unreadable(data, fallback, test_mode, data.get('event_type'))


def normalise(data, test_mode):
    """Return one of PayPal's event objects as an `Event`: which payment to ask about.

    :param dict data: a verified or listed event.
    :param bool test_mode: whether it comes from PayPal's sandbox.
    :rtype: Event
    """
    resource = data.get('resource') or {}
    created_at = instant(data['create_time'])
    if not created_at:
        raise ValueError("An event has a time.")
    kind = reading.identifier(data['event_type'])
    if not (kind and reading.identifier(data['id'])):
        raise reading.Unreadable("An event has an id and a type.")
    about = next((read for prefix, read in READERS if kind.startswith(prefix)), _unknown)
    # Of an event that nobody is asked about, the id of its object is a text like another.
    values = {'account_id': _merchant_id(resource), **about(resource)}
    object_id = reading.words(resource.get('id'))
    reference = reading.words(values.pop('reference', ''))
    return Event(
        id=data['id'],
        type=kind,
        created_at=created_at,
        object_type=reading.words(data.get('resource_type')),
        test_mode=test_mode,
        reference=reference,
        **{
            'object_id': object_id,
            **{name: reading.identifier(value) for name, value in values.items()},
        },
    )


def _merchant_id(resource):
    """Return who was paid, or pays a refund."""
    parties = (resource.get('payee'), resource.get('payer'))
    return next((one['merchant_id'] for one in parties if one and one.get('merchant_id')), '')


def _order(resource):
    unit = (resource.get('purchase_units') or [{}])[0]
    captures = (unit.get('payments') or {}).get('captures') or [{}]
    return {
        'checkout_id': resource.get('id'),
        'payment_id': captures[0].get('id'),
        'reference': unit.get('custom_id'),
        'account_id': (unit.get('payee') or {}).get('merchant_id'),
    }


def _reversed_approval(resource):
    """PayPal gave an approval back that nobody captured in time."""
    return {'checkout_id': resource.get('order_id') or resource.get('id')}


def _capture(resource):
    """The capture, or the refund that a refunded or reversed capture is notified by."""
    refunded = linked(resource, 'captures')
    return {
        'payment_id': refunded or resource.get('id'),
        'checkout_id': order_id(resource),
        'reference': resource.get('custom_id'),
    }


def _dispute(resource):
    disputed = (resource.get('disputed_transactions') or [{}])[0]
    return {
        'payment_id': disputed.get('seller_transaction_id'),
        'reference': disputed.get('custom'),
        'object_id': resource.get('dispute_id') or resource.get('id'),
        'account_id': (disputed.get('seller') or {}).get('merchant_id'),
        'subject': 'dispute',
    }


def _reversal(resource):
    """PayPal took the money of a capture back: notified by a refund that nobody made."""
    return {**_capture(resource), 'subject': 'dispute'}


def _merchant(resource):
    merchant = resource.get('merchant_id')
    return {
        'object_id': merchant,
        'account_id': merchant,
        'reference': resource.get('tracking_id'),
        'subject': 'account',
    }


def _unknown(_resource):
    return {}


READERS = (
    ('CHECKOUT.ORDER.', _order),
    ('CHECKOUT.PAYMENT-APPROVAL.', _reversed_approval),
    ('PAYMENT.CAPTURE.REVERSED', _reversal),
    ('PAYMENT.CAPTURE.', _capture),
    ('CUSTOMER.DISPUTE.', _dispute),
    ('MERCHANT.', _merchant),
)
