# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What PayPal's notifications are about."""

from datetime import datetime, timezone

import pytest

from dev.tests.paypal.objects import (
    API,
    CAPTURE,
    CAPTURES,
    MERCHANT,
    ORDER,
    ORDERS,
    capture,
    event,
    order,
    refund,
)
from gateways.paypal import events as paypal_events

URL = 'https://odoo.example.com/pay_now/webhook/1'
WEBHOOKS = '/v1/notifications/webhooks'
TYPES = '/v1/notifications/webhooks-event-types'
EVENTS = '/v1/notifications/webhooks-events'


def linked_up(kind, identity):
    return [{'rel': 'self', 'href': API}, {'rel': 'up', 'href': f'{API}{kind}/{identity}'}]


RELATED = {'supplementary_data': {'related_ids': {'order_id': ORDER}}}
REFUNDED = refund(custom_id='INV-2026-00001')


@pytest.mark.parametrize(
    ('kind', 'resource', 'expected'),
    [
        (
            'CHECKOUT.ORDER.APPROVED',
            order('APPROVED'),
            {
                'checkout_id': ORDER,
                'payment_id': '',
                'reference': 'INV-2026-00001',
                'object_id': ORDER,
                'account_id': MERCHANT,
            },
        ),
        (
            'CHECKOUT.ORDER.COMPLETED',
            order('COMPLETED', [capture()]),
            {'checkout_id': ORDER, 'payment_id': CAPTURE},
        ),
        ('CHECKOUT.ORDER.VOIDED', {'id': ORDER}, {'checkout_id': ORDER, 'reference': ''}),
        ('CHECKOUT.ORDER.INVENTED', {'id': ORDER}, {'checkout_id': ORDER}),
        ('CHECKOUT.PAYMENT-APPROVAL.REVERSED', {'order_id': ORDER}, {'checkout_id': ORDER}),
        (
            'PAYMENT.CAPTURE.COMPLETED',
            capture(payee={'merchant_id': MERCHANT}),
            {
                'payment_id': CAPTURE,
                'checkout_id': ORDER,
                'reference': 'INV-2026-00001',
                'object_id': CAPTURE,
                'account_id': MERCHANT,
            },
        ),
        (
            'PAYMENT.CAPTURE.PENDING',
            capture('PENDING', links=[], **RELATED),
            {'payment_id': CAPTURE, 'checkout_id': ORDER},
        ),
        (
            'PAYMENT.CAPTURE.DENIED',
            capture('DECLINED', links=[]),
            {'payment_id': CAPTURE, 'checkout_id': '', 'reference': 'INV-2026-00001'},
        ),
        ('PAYMENT.CAPTURE.DECLINED', {'id': CAPTURE}, {'payment_id': CAPTURE, 'reference': ''}),
        (
            'PAYMENT.CAPTURE.REFUNDED',
            REFUNDED,
            {
                'payment_id': CAPTURE,
                'checkout_id': '',
                'reference': 'INV-2026-00001',
                'object_id': REFUNDED['id'],
            },
        ),
        ('PAYMENT.CAPTURE.REVERSED', REFUNDED, {'payment_id': CAPTURE}),
        # The capture itself: its way up is the order.
        ('PAYMENT.CAPTURE.REVERSED', capture(), {'payment_id': CAPTURE, 'checkout_id': ORDER}),
        (
            'PAYMENT.CAPTURE.REFUNDED',
            refund(links=linked_up(f'{CAPTURES}', CAPTURE), **RELATED),
            {'payment_id': CAPTURE, 'checkout_id': ORDER},
        ),
        (
            'CUSTOMER.DISPUTE.CREATED',
            {
                'dispute_id': 'PP-D-1',
                'disputed_transactions': [{'seller_transaction_id': CAPTURE, 'custom': 'REF'}],
            },
            {'payment_id': CAPTURE, 'object_id': 'PP-D-1', 'reference': 'REF'},
        ),
        ('CUSTOMER.DISPUTE.RESOLVED', {'dispute_id': 'PP-D-1'}, {'payment_id': ''}),
        (
            'MERCHANT.PARTNER-CONSENT.REVOKED',
            {'merchant_id': MERCHANT},
            {'account_id': MERCHANT, 'object_id': MERCHANT, 'payment_id': ''},
        ),
        (
            'INVENTED.BY.PAYPAL',
            capture(**RELATED),
            {'payment_id': '', 'checkout_id': '', 'reference': '', 'object_id': CAPTURE},
        ),
        ('PAYMENT.SALE.COMPLETED', {'id': 7}, {'payment_id': '', 'object_id': ''}),
        ('BILLING.PLAN.CREATED', None, {'object_id': ''}),
    ],
)
def test_which_payment_it_is_about(kind, resource, expected):
    for test_mode in (True, False):
        seen = paypal_events.normalise(event(kind, resource), test_mode)
        assert {name: getattr(seen, name) for name in expected} == expected
        assert (seen.type, seen.object_type, seen.test_mode) == (kind, 'capture', test_mode)
        assert seen.created_at == datetime(2026, 3, 1, 10, 5, 3, 512000, tzinfo=timezone.utc)


def test_no_amount_is_handed_out():
    seen = paypal_events.normalise(event('PAYMENT.CAPTURE.COMPLETED', capture()), True)
    assert '123.45' not in repr(seen) and 'COMPLETED' not in repr(seen).replace(seen.type, '')


def test_order_of_several_links():
    """Only the way up counts, however many there are."""
    links = [
        {'rel': 'refund', 'href': f'{API}{CAPTURES}/OTHER'},
        {'rel': 'up'},
        *linked_up(ORDERS, ORDER),
    ]
    seen = paypal_events.normalise(event('PAYMENT.CAPTURE.PENDING', capture(links=links)), True)
    assert (seen.payment_id, seen.checkout_id) == (CAPTURE, ORDER)
