# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What Stripe's objects mean for a payment."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from gateways import base
from gateways.errors import GatewayNotFound, GatewayRefused
from gateways.stripe import payment as stripe_payment


@pytest.mark.parametrize(
    ('session', 'payment_status', 'intent', 'state'),
    [
        ('open', 'unpaid', None, base.OPEN),
        ('open', 'unpaid', 'requires_payment_method', base.OPEN),
        ('open', 'unpaid', 'requires_action', base.OPEN),
        ('open', 'unpaid', 'processing', base.PENDING),
        ('expired', 'unpaid', None, base.CANCELED),
        ('expired', 'unpaid', 'requires_payment_method', base.CANCELED),
        ('complete', 'unpaid', None, base.PENDING),
        ('complete', 'unpaid', 'processing', base.PENDING),
        ('complete', 'unpaid', 'requires_action', base.PENDING),
        ('complete', 'unpaid', 'requires_capture', base.PENDING),
        ('complete', 'unpaid', 'requires_payment_method', base.FAILED),
        ('complete', 'unpaid', 'canceled', base.CANCELED),
        ('complete', 'paid', 'succeeded', base.PAID),
        ('complete', 'unpaid', 'succeeded', base.PAID),
        ('complete', 'unpaid', 'invented_by_stripe', base.PENDING),
    ],
)
def test_states(session, payment_status, intent, state):
    values = {'status': session, 'payment_status': payment_status}
    assert stripe_payment.state(values, {'status': intent} if intent else {}) == state


def test_payment_without_a_checkout():
    """Made at the dashboard, or by another program with the same account."""
    intent = {
        'id': 'pi_1',
        'amount': 5000,
        'amount_received': 5000,
        'currency': 'eur',
        'status': 'succeeded',
        'livemode': True,
        'metadata': {'odoo_reference': 'TX'},
        'last_payment_error': None,
        'latest_charge': {'id': 'ch_1', 'created': 1_800_000_000, 'balance_transaction': None},
    }
    payment = stripe_payment.payment({}, intent)
    assert (payment.state, payment.amount, payment.checkout_id) == (base.PAID, Decimal(50), '')
    assert (payment.reference, payment.test_mode) == ('TX', False)
    intent['status'] = 'requires_payment_method'
    assert stripe_payment.payment({}, intent).state == base.OPEN


def test_read_by_payment_without_its_checkout(sandbox, gateway, paid, monkeypatch):
    monkeypatch.setattr(gateway._client, 'iterate', lambda *_args: iter(()))
    payment = gateway.fetch_payment(payment_id=paid.payment_id)
    assert payment == replace(paid, checkout_id='', payer_email=payment.payer_email)


@pytest.fixture
def paid(sandbox, gateway, make_request):
    """A payment of 123.45 EUR by card, its commission known."""
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id)
    sandbox.release_fees()
    return gateway.fetch_payment(checkout.id)


# === WHEN, AND HOW MUCH === #


def test_commission_comes_later(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id)
    early = gateway.fetch_payment(checkout.id)
    assert (early.state, early.commission, early.net, early.movement_id) == ('paid', None, None, '')
    assert abs(early.paid_at - datetime.now(timezone.utc)) < timedelta(minutes=1)
    sandbox.release_fees()
    later = gateway.fetch_payment(checkout.id)
    assert later.commission + later.net == later.amount
    assert later.commission_at.tzinfo is timezone.utc
    assert replace(
        later, commission=None, net=None, settlement_currency='', commission_at=None, movement_id=''
    ) == early  # fmt: skip


def test_half_a_cent_of_commission(sandbox, gateway, make_request):
    """1.5 % of 101.00 is 1.515: rounded half up, and all of it ends in the balance."""
    checkout = gateway.open_checkout(make_request(amount=Decimal('101.00')), 'key')
    sandbox.pay(session=checkout.id)
    sandbox.release_fees()
    assert gateway.fetch_payment(checkout.id).commission == Decimal('1.77')
    assert gateway.balance().total('EUR') == Decimal('99.23')


def test_settled_in_another_currency(sandbox, gateway, make_request):
    sandbox.rates(usd='0.92')
    request = make_request(amount=Decimal('100.00'), currency='USD')
    checkout = gateway.open_checkout(request, 'key')
    sandbox.pay(session=checkout.id)
    sandbox.release_fees()
    payment = gateway.fetch_payment(checkout.id)
    assert (payment.amount, payment.currency) == (Decimal('100.00'), 'USD')
    assert (payment.settlement_currency, payment.net) == ('EUR', Decimal('90.37'))
    assert gateway.balance().total('EUR') == Decimal('90.37')
    assert gateway.balance().total('USD') == 0


def test_balance_is_paid_out(sandbox, gateway, paid):
    sandbox.payout()
    assert gateway.balance().total('EUR') == 0


def test_pending_debit_is_known_by_its_method(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id, method='sepa')
    pending = gateway.fetch_payment(checkout.id)
    assert (pending.state, pending.method, pending.paid_at) == ('pending', 'sepa_debit', None)
    assert pending.payment_id and pending.charge_id


def test_why_it_failed(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id, method='declined')
    declined = gateway.fetch_payment(checkout.id)
    assert (declined.state, declined.failure_code) == (base.OPEN, 'card_declined')
    sandbox.pay(session=checkout.id, method='sepa_fail')
    assert gateway.fetch_payment(checkout.id).failure == ''
    sandbox.settle()
    failed = gateway.fetch_payment(checkout.id)
    assert (failed.state, failed.failure_code) == (base.FAILED, 'insufficient_funds')


def test_lapsed_by_itself(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.advance(seconds=24 * 3600)
    assert gateway.fetch_payment(checkout.id).state == base.CANCELED
    assert gateway.close_checkout(checkout.id) is True


# === MONEY GOING BACK === #


def test_refund_that_fails_later_is_still_listed(sandbox, gateway, paid):
    """The charge counts it no more, but it was booked when it was made."""
    refund = sandbox.refund(charge=paid.charge_id, amount=1000, status='pending')
    (seen,) = gateway.fetch_payment(paid.checkout_id).refunds
    assert (seen.id, seen.state, seen.amount) == (refund['id'], 'pending', Decimal('10.00'))
    sandbox.fail_refund(refund=refund['id'])
    (seen,) = gateway.fetch_payment(paid.checkout_id).refunds
    assert (seen.state, seen.reason) == ('failed', 'lost_or_stolen_card')
    assert gateway.balance().total('EUR') == paid.net


def test_more_refunds_than_a_charge_shows(sandbox, gateway, paid):
    for _number in range(12):
        sandbox.refund(charge=paid.charge_id, amount=100)
    refunds = gateway.fetch_payment(paid.checkout_id).refunds
    assert len({refund.id for refund in refunds}) == 12
    assert sum(refund.amount for refund in refunds) == Decimal('12.00')


def test_refund_by_us(sandbox, gateway, paid):
    refund = gateway.refund(paid, Decimal('23.45'), 'key-r')
    assert (refund.state, refund.amount, refund.currency) == ('paid', Decimal('23.45'), 'EUR')
    assert gateway.refund(paid, Decimal('23.45'), 'key-r') == refund, "the same key pays once"
    with pytest.raises(GatewayRefused, match="greater than unrefunded"):
        gateway.refund(paid, Decimal('100.01'), 'key-s')
    gateway.refund(paid, Decimal('100.00'), 'key-t')
    with pytest.raises(GatewayRefused) as error:
        gateway.refund(paid, Decimal('1.00'), 'key-u')
    assert error.value.code == 'charge_already_refunded'


def test_dispute(sandbox, gateway, paid):
    assert not paid.disputed
    dispute = sandbox.dispute(charge=paid.charge_id)
    assert gateway.fetch_payment(paid.checkout_id).disputed
    assert gateway.balance().total('EUR') == paid.net - paid.amount - 20
    sandbox.close_dispute(dispute=dispute['id'], won=True)
    assert gateway.balance().total('EUR') == paid.net - 20
    events = list(gateway.list_events(datetime.now(timezone.utc) - timedelta(hours=1)))
    disputes = [event for event in events if event.object_type == 'dispute']
    assert [event.type.rpartition('.')[2] for event in disputes] == [
        'created',
        'funds_withdrawn',
        'funds_reinstated',
        'closed',
    ]
    assert {(e.payment_id, e.charge_id) for e in disputes} == {(paid.payment_id, paid.charge_id)}


def test_not_of_this_account(sandbox, make_gateway, paid):
    sandbox.account(account='acct_two', keys={'sk_test_two': 'full'})
    with pytest.raises(GatewayNotFound):
        make_gateway('sk_test_two').fetch_payment(payment_id=paid.payment_id)
