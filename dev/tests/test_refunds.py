# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Refunds: what the gateways say about them, and that no answer lost gives money back twice."""

from datetime import datetime, timezone
from decimal import Decimal

import pytest
import requests

from gateways import GATEWAYS
from gateways.base import Credentials
from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.paypal import payment as paypal_payment
from gateways.stripe import payment as stripe_payment


@pytest.fixture
def paid(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id)
    sandbox.release_fees()
    return gateway.fetch_payment(checkout.id)


@pytest.fixture
def paypal_gateway(paypal):
    return GATEWAYS['pay_now_paypal'](
        Credentials(key=paypal.client_id, secret=paypal.secret), api_base=paypal.api_base
    )


@pytest.fixture
def paypal_paid(paypal, paypal_gateway, make_request):
    checkout = paypal_gateway.open_checkout(make_request(), 'key')
    paypal.approve(order=checkout.id, how='paypal')
    return paypal_gateway.capture(checkout.id, 'capture')


# === STRIPE === #


def test_stripe_movement_of_a_refund(gateway, paid):
    made = gateway.refund(paid, Decimal('23.45'), 'key-r')
    (read,) = gateway.fetch_payment(paid.checkout_id).refunds
    assert read == made, "read as it was answered"
    assert (read.reference, read.state, read.commission) == ('key-r', 'paid', Decimal('0.00'))
    assert (read.settlement_currency, read.movement_id[:4]) == ('EUR', 'txn_')
    assert read.moved_at and read.commission_at == read.moved_at
    assert read.returned_at is None


def test_stripe_refunds_are_written_as_charges_are(sandbox, gateway, make_request):
    request = make_request(amount=Decimal('12.340'), currency='TND')
    checkout = gateway.open_checkout(request, 'key')
    sandbox.pay(session=checkout.id, method='card')
    paid = gateway.fetch_payment(checkout.id)
    with pytest.raises(GatewayRefused) as error:
        gateway.refund(paid, Decimal('1.005'), 'key-r')
    assert error.value.code == 'amount_not_representable'
    with pytest.raises(requests.HTTPError, match="divisible by 10"):
        sandbox.refund(charge=paid.charge_id, amount=1005)
    assert gateway.refund(paid, Decimal('1.000'), 'key-r').amount == 1


def test_stripe_movement_of_a_failure(sandbox, gateway, paid):
    made = gateway.refund(paid, Decimal('23.45'), 'key-r')
    sandbox.fail_refund(refund=made.id)
    (read,) = gateway.fetch_payment(paid.checkout_id).refunds
    assert (read.state, read.returned_commission) == ('failed', Decimal(0))
    assert read.moved_at and read.returned_at


def test_stripe_pending_refund_has_left_the_balance(sandbox, gateway, paid):
    sandbox.refund(charge=paid.charge_id, amount=1000, status='pending')
    (read,) = gateway.fetch_payment(paid.checkout_id).refunds
    assert (read.state, read.reference) == ('pending', '')
    assert read.moved_at
    assert gateway.balance().total('EUR') == paid.net - 10


def test_stripe_no_call_more_without_refunds(sandbox, gateway, paid):
    sandbox.requests(clear=True)
    gateway.fetch_payment(paid.checkout_id)
    assert [call['path'] for call in sandbox.requests()] == [
        f'/v1/checkout/sessions/{paid.checkout_id}'
    ]


def test_stripe_failure_saved_after_the_refund_was_made(sandbox, gateway, paid):
    """The key only repeats the failure: the refund is found, and none is made under another."""
    sandbox.misbehave(path='/v1/refunds', method='POST', status=500, executed=True)
    made = gateway.refund(paid, Decimal('23.45'), 'key-r')
    assert [one.id for one in gateway.fetch_payment(paid.checkout_id).refunds] == [made.id]
    assert made.reference == 'key-r'


def test_stripe_answer_lost_then_asked_again(sandbox, gateway, paid):
    sandbox.misbehave(path='/v1/refunds', method='POST', drop=True, executed=True, times=2)
    with pytest.raises(GatewayUnavailable):
        gateway.refund(paid, Decimal('23.45'), 'key-r')
    gateway.refund(paid, Decimal('23.45'), 'key-r')
    assert len(gateway.fetch_payment(paid.checkout_id).refunds) == 1


def test_stripe_refund_without_its_movement():
    """Done, and booked; what it cost is known later."""
    values = {'id': 're_1', 'amount': 100, 'currency': 'eur', 'created': 1, 'metadata': None}
    done = stripe_payment.refund({**values, 'status': 'succeeded', 'balance_transaction': None})
    assert (done.moved_at.timestamp(), done.commission) == (1, None)
    waiting = stripe_payment.refund({**values, 'status': 'requires_action'})
    assert (waiting.state, waiting.moved_at) == ('pending', None)


def test_stripe_fee_of_a_refund():
    movement = {'id': 'txn_1', 'currency': 'eur', 'created': 2}
    values = {'id': 're_1', 'amount': 1000, 'currency': 'eur', 'created': 1, 'status': 'failed'}
    read = stripe_payment.refund(
        {
            **values,
            'balance_transaction': {**movement, 'amount': -1000, 'fee': 35, 'net': -1035},
            'failure_balance_transaction': {**movement, 'amount': 1000, 'fee': -35, 'net': 1035},
        }
    )
    assert (read.commission, read.returned_commission) == (Decimal('0.35'), Decimal('-0.35'))


# === PAYPAL === #


def test_paypal_refund_is_read_as_it_was_answered(paypal_gateway, paypal_paid):
    made = paypal_gateway.refund(paypal_paid, Decimal('23.45'), 'key-r')
    (read,) = paypal_gateway.fetch_payment(paypal_paid.checkout_id).refunds
    assert read == made
    assert (read.reference, read.state, read.commission) == ('key-r', 'paid', Decimal('0.00'))
    assert paypal_gateway.refund(paypal_paid, Decimal('23.45'), 'key-r') == made


def test_paypal_key_that_is_long_forgotten(paypal, paypal_gateway, paypal_paid):
    paypal_gateway.refund(paypal_paid, Decimal('23.45'), 'key-r')
    paypal.advance(seconds=46 * 24 * 3600)
    with pytest.raises(GatewayRefused) as error:
        paypal_gateway.refund(paypal_paid, Decimal('23.45'), 'key-r')
    assert error.value.code == 'DUPLICATE_INVOICE_ID'


def test_paypal_pending_refund_moves_nothing(paypal, paypal_gateway, paypal_paid):
    paypal.account(echeck_refunds=True)
    made = paypal_gateway.refund(paypal_paid, Decimal('23.45'), 'key-r')
    assert (made.state, made.moved_at, made.commission) == ('pending', None, None)
    paypal.settle_refund(refund=made.id, succeed=False)
    (read,) = paypal_gateway.fetch_payment(paypal_paid.checkout_id).refunds
    assert (read.state, read.moved_at) == ('failed', None)
    assert read.returned_at


def money(value, currency='EUR'):
    return {'currency_code': currency, 'value': value}


@pytest.mark.parametrize(
    ('breakdown', 'commission', 'settled'),
    [
        ({'gross_amount': '10.00', 'paypal_fee': '0.34', 'net_amount': '9.66'}, '-0.34', 'EUR'),
        ({'gross_amount': '10.00', 'paypal_fee': '0.00', 'net_amount': '10.00'}, '0.00', 'EUR'),
        ({'gross_amount': '10.00', 'net_amount': '10.30'}, '0.30', 'EUR'),
        ({'gross_amount': '10.00'}, None, ''),
        ({}, None, ''),
    ],
)
def test_paypal_fee_given_back_or_taken(breakdown, commission, settled):
    read = paypal_payment.refund(
        {
            'id': 'R1',
            'status': 'COMPLETED',
            'amount': money('10.00'),
            'create_time': '2026-03-05T09:00:00Z',
            'update_time': '2026-03-06T09:00:00Z',
            'seller_payable_breakdown': {name: money(one) for name, one in breakdown.items()},
        }
    )
    assert read.commission == (commission and Decimal(commission))
    assert read.settlement_currency == settled
    assert read.moved_at == datetime(2026, 3, 6, 9, tzinfo=timezone.utc)


def test_paypal_debited_in_another_currency():
    read = paypal_payment.refund(
        {
            'id': 'R1',
            'status': 'COMPLETED',
            'amount': money('10.00', 'USD'),
            'seller_payable_breakdown': {
                'gross_amount': money('10.00', 'USD'),
                'net_amount': money('10.00', 'USD'),
                'net_amount_in_receivable_currency': money('9.20'),
            },
        }
    )
    assert (read.settlement_currency, read.commission) == ('EUR', Decimal('0.00'))
