# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Taking the money of an approved order, and giving it back."""

import json
from decimal import Decimal

import pytest

from dev.tests.paypal.objects import (
    CAPTURE,
    CAPTURES,
    ORDER,
    ORDERS,
    REFUND,
    capture,
    error,
    money,
    order,
    refund,
)
from dev.tests.paypal.server import Answer
from gateways import base
from gateways.errors import (
    GatewayNotFound,
    GatewayRefused,
    GatewayUnavailable,
    PayerActionNeeded,
)

PATH = f'{ORDERS}/{ORDER}'
BALANCES = '/v1/reporting/balances'
INVALID_CLIENT = (401, {'error': 'invalid_client', 'error_description': "Client Auth failed"})


# === CAPTURE === #


def test_capture(paypal_server, paypal_gateway):
    paypal_server.on('POST', f'{PATH}/capture', (201, order('COMPLETED', [capture()])))
    paid = paypal_gateway.capture(ORDER, 'capture-key')
    assert (paid.state, paid.payment_id, paid.commission) == (base.PAID, CAPTURE, Decimal('4.15'))
    (call,) = paypal_server.requests()
    assert call.headers['PayPal-Request-Id'] == 'capture-key'
    assert call.headers['Prefer'] == 'return=representation'
    assert call.json == {}


def test_captured_but_not_received(paypal_server, paypal_gateway):
    """The order is completed, the money is not there."""
    answer = order('COMPLETED', [capture('PENDING', 'PENDING_REVIEW')])
    paypal_server.on('POST', f'{PATH}/capture', (201, answer))
    pending = paypal_gateway.capture(ORDER, 'key')
    assert (pending.state, pending.paid_at, pending.commission) == (base.PENDING, None, None)


def test_declined_in_the_answer(paypal_server, paypal_gateway):
    answer = order('COMPLETED', [capture('DECLINED')])
    paypal_server.on('POST', f'{PATH}/capture', (201, answer))
    assert paypal_gateway.capture(ORDER, 'key').state == base.FAILED


def without(values, *path):
    """Return a copy of an object without one of its parts."""
    copy = json.loads(json.dumps(values))
    *way, last = path
    part = copy
    for step in way:
        part = part[step]
    del part[last]
    return copy


UNIT = ('purchase_units', 0)


@pytest.mark.parametrize(
    'lean',
    [
        {'id': ORDER, 'status': 'COMPLETED'},
        {},
        without(order('COMPLETED', [capture()]), *UNIT, 'amount'),
        without(order('COMPLETED', [capture()]), *UNIT, 'custom_id'),
        without(order('COMPLETED', [capture()]), *UNIT, 'payments', 'captures', 0, 'amount'),
        without(order('COMPLETED', [capture()]), 'payment_source'),
        order('COMPLETED'),
    ],
)
def test_lean_capture_is_completed_by_reading(paypal_server, paypal_gateway, lean):
    paypal_server.on('POST', f'{PATH}/capture', (201, lean))
    paypal_server.on('GET', PATH, order('COMPLETED', [capture()]))
    paid = paypal_gateway.capture(ORDER, 'key')
    assert (paid.state, paid.reference, paid.method) == (base.PAID, 'INV-2026-00001', 'paypal')
    assert paid.amount == Decimal('123.45')


def test_captured_already(paypal_server, paypal_gateway):
    paypal_server.on('POST', f'{PATH}/capture', error(422, 'ORDER_ALREADY_CAPTURED'))
    paypal_server.on('GET', PATH, order('COMPLETED', [capture()]))
    assert paypal_gateway.capture(ORDER, 'key').state == base.PAID


def test_not_approved_after_all(paypal_server, paypal_gateway):
    paypal_server.on('POST', f'{PATH}/capture', error(422, 'ORDER_NOT_APPROVED'))
    paypal_server.on('GET', PATH, order('PAYER_ACTION_REQUIRED'))
    assert paypal_gateway.capture(ORDER, 'key').state == base.OPEN


@pytest.mark.parametrize(
    'issue',
    ['INSTRUMENT_DECLINED', 'PAYER_ACTION_REQUIRED', 'REDIRECT_PAYER_FOR_ALTERNATE_FUNDING'],
)
def test_payer_chooses_again_at_the_same_order(paypal_server, paypal_gateway, issue):
    declined = error(422, issue, "The instrument was declined.")
    paypal_server.on('POST', f'{PATH}/capture', declined, (201, order('COMPLETED', [capture()])))
    with pytest.raises(PayerActionNeeded, match="declined") as failure:
        paypal_gateway.capture(ORDER, 'first')
    assert failure.value.code == issue and failure.value.request_id
    assert paypal_gateway.capture(ORDER, 'second').state == base.PAID
    assert len(paypal_server.requests()) == 2, "no read in between: it says nothing more"


@pytest.mark.parametrize(
    'issue',
    [
        'TRANSACTION_REFUSED',
        'PAYER_CANNOT_PAY',
        'MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED',
        'COMPLIANCE_VIOLATION',
        'DUPLICATE_INVOICE_ID',
    ],
)
def test_never_to_be_captured(paypal_server, paypal_gateway, issue):
    paypal_server.on('POST', f'{PATH}/capture', error(422, issue))
    with pytest.raises(GatewayRefused) as failure:
        paypal_gateway.capture(ORDER, 'key')
    assert type(failure.value) is GatewayRefused and failure.value.code == issue


def test_lapsed_approval(paypal_server, paypal_gateway):
    """Three hours after the approval the order is gone, and nothing was taken."""
    with pytest.raises(GatewayNotFound):
        paypal_gateway.capture(ORDER, 'key')
    assert paypal_gateway.close_checkout(ORDER) is True


def test_capture_under_way_elsewhere(paypal_server, paypal_gateway):
    for answer in (
        error(409, 'PREVIOUS_REQUEST_IN_PROGRESS'),
        error(422, 'ORDER_COMPLETION_IN_PROGRESS'),
    ):
        paypal_server.on('POST', f'{PATH}/capture', answer)
        with pytest.raises(GatewayUnavailable):
            paypal_gateway.capture(ORDER, 'key')


def test_capture_whose_answer_is_lost(paypal_server, paypal_gateway):
    paypal_server.on('POST', f'{PATH}/capture', Answer(drop=True))
    with pytest.raises(GatewayUnavailable):
        paypal_gateway.capture(ORDER, 'key')
    paypal_server.on('GET', PATH, order('COMPLETED', [capture()]))
    assert paypal_gateway.fetch_payment(ORDER).state == base.PAID


def test_captured_but_then_unreadable(paypal_server, paypal_gateway):
    """Nobody may believe that it was refused."""
    paypal_server.on('POST', f'{PATH}/capture', (201, {'id': ORDER}))
    paypal_server.on('GET', PATH, error(500))
    with pytest.raises(GatewayUnavailable):
        paypal_gateway.capture(ORDER, 'key')


# === REFUND === #


@pytest.fixture
def paid(paypal_server, paypal_gateway):
    paypal_server.on('GET', PATH, order('COMPLETED', [capture()]))
    return paypal_gateway.fetch_payment(ORDER)


def test_refund(paypal_server, paypal_gateway, paid):
    paypal_server.on('POST', f'{CAPTURES}/{CAPTURE}/refund', (201, refund()))
    given = paypal_gateway.refund(paid, Decimal('23.45'), 'refund-key')
    assert (given.id, given.amount, given.currency) == (REFUND, Decimal('23.45'), 'EUR')
    assert given.state == 'paid'
    call = paypal_server.requests()[-1]
    assert call.json == {
        'amount': money('23.45'),
        'custom_id': 'INV-2026-00001',
        # Tells it apart from one made at PayPal, should the answer be lost.
        'invoice_id': 'refund-key',
    }
    assert call.headers['PayPal-Request-Id'] == 'refund-key'


def test_lean_refund_is_completed_by_reading(paypal_server, paypal_gateway, paid):
    path = f'{CAPTURES}/{CAPTURE}/refund'
    paypal_server.on('POST', path, (201, {'id': REFUND, 'status': 'PENDING'}))
    paypal_server.on('GET', f'/v2/payments/refunds/{REFUND}', refund('PENDING'))
    assert paypal_gateway.refund(paid, Decimal('23.45'), 'key').state == 'pending'


@pytest.mark.parametrize('issue', ['CAPTURE_FULLY_REFUNDED', 'REFUND_AMOUNT_EXCEEDED'])
def test_refund_of_more_than_there_is(paypal_server, paypal_gateway, paid, issue):
    paypal_server.on('POST', f'{CAPTURES}/{CAPTURE}/refund', error(422, issue))
    with pytest.raises(GatewayRefused) as failure:
        paypal_gateway.refund(paid, Decimal('999.00'), 'key')
    assert failure.value.code == issue


def test_refund_that_cannot_be_written(paypal_server, paypal_gateway, paid):
    with pytest.raises(GatewayRefused) as failure:
        paypal_gateway.refund(paid, Decimal('1.001'), 'key')
    assert failure.value.code == 'amount_not_representable'
