# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The providers that a demonstration plays: what the module may expect of any gateway."""

import inspect
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from gateways import DEMO_GATEWAYS, GATEWAYS, base
from gateways.base import CheckoutRequest, Credentials
from gateways.demo.provider import MAX_DECLINES, SIGNATURE
from gateways.demo.store import MemoryStore
from gateways.errors import GatewayNotFound, GatewayRefused, PayerActionNeeded, SignatureError
from gateways.protocol import Gateway

PAGE = 'https://odoo.example/pay_now/demo/1'
AGES = datetime(2000, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(params=sorted(DEMO_GATEWAYS))
def gateway(request):
    return make(request.param)


@pytest.fixture
def stripe():
    return make('pay_now_stripe')


@pytest.fixture
def paypal():
    return make('pay_now_paypal')


def make(code):
    store = MemoryStore()
    gateway = DEMO_GATEWAYS[code](Credentials(key=''), store, PAGE)
    secret = gateway.register_webhook('https://odoo.example/hook').secret
    return DEMO_GATEWAYS[code](Credentials(key='', webhook_secrets=(secret,)), store, PAGE)


def request_of(amount='100.00', **values):
    asked = {
        'reference': 'INV/1',
        'amount': Decimal(amount),
        'currency': 'EUR',
        'label': "INV/1",
        'description': "",
        'return_url': 'https://odoo.example/return',
        'cancel_url': 'https://odoo.example/cancel',
        'expires_at': datetime.now(timezone.utc) + timedelta(hours=23),
        'metadata': (('odoo_database', 'here'),),
    }
    return CheckoutRequest(**{**asked, **values})


def paid(gateway, amount='100.00', at=None, key='key'):
    """Return the payment of a checkout that was paid."""
    ref = gateway.open_checkout(request_of(amount, reference=key), key).id
    gateway.provider.pay(ref, at=at)
    gateway.capture(ref, f'{key}-capture')
    return gateway.fetch_payment(ref)


# === LIKE THE REAL ONES === #


def test_has_all_of_the_protocol(gateway):
    for name, method in inspect.getmembers(Gateway, inspect.isfunction):
        if not name.startswith('_'):
            asked = list(inspect.signature(method).parameters)[-1:]
            assert list(inspect.signature(getattr(type(gateway), name)).parameters)[-1:] == asked


@pytest.mark.parametrize('code', sorted(DEMO_GATEWAYS))
@pytest.mark.parametrize(
    'name', ['captures', 'currencies', 'names_dispute_movements', 'tells_disputes_as_refunds']
)
def test_is_of_its_brand(code, name):
    assert getattr(DEMO_GATEWAYS[code], name) == getattr(GATEWAYS[code], name)


def test_is_never_an_account_of_real_money(gateway):
    account = gateway.check_account('EUR')
    assert account.test_mode and account.can_charge and account.currency == 'EUR'
    assert paid(gateway).test_mode


# === CHECKOUT === #


def test_one_checkout_for_a_key(gateway):
    first = gateway.open_checkout(request_of(), 'key')
    assert gateway.open_checkout(request_of(), 'key') == first
    assert gateway.open_checkout(request_of(), 'other').id != first.id
    assert first.url.startswith(f'{PAGE}/{first.id}/')
    with pytest.raises(GatewayRefused):
        gateway.open_checkout(request_of('99.00'), 'key')


@pytest.mark.parametrize(
    'values,code',
    [
        ({'amount': '100.005'}, 'amount_not_representable'),
        ({'amount': '0.001'}, 'amount_not_representable'),
        ({'amount': '0.00'}, 'amount_too_small'),
        ({'amount': '999999999999.00'}, 'amount_too_large'),
        ({'currency': 'XXX'}, 'currency_not_supported'),
    ],
)
def test_refuses_what_the_provider_would(gateway, values, code):
    with pytest.raises(GatewayRefused) as refused:
        gateway.open_checkout(request_of(**values), 'key')
    assert refused.value.code == code


def test_a_closed_checkout_cannot_be_paid(gateway):
    ref = gateway.open_checkout(request_of(), 'key').id
    assert gateway.close_checkout(ref)
    gateway.provider.pay(ref)
    assert gateway.fetch_payment(ref).state == base.CANCELED
    assert not gateway.balance().total('EUR')


def test_a_paid_checkout_cannot_be_closed(gateway):
    payment = paid(gateway)
    assert not gateway.close_checkout(payment.checkout_id)


def test_a_checkout_lapses(gateway):
    past = datetime.now(timezone.utc) - timedelta(minutes=1)
    ref = gateway.open_checkout(request_of(expires_at=past), 'key').id
    gateway.provider.pay(ref)
    assert gateway.fetch_payment(ref).state == base.CANCELED


def test_what_is_not_known(gateway):
    with pytest.raises(GatewayNotFound):
        gateway.fetch_payment('nothing')
    with pytest.raises(GatewayNotFound):
        gateway.fetch_payment(payment_id='nothing')
    with pytest.raises(GatewayNotFound):
        gateway.fetch_payout('nothing')
    with pytest.raises(GatewayNotFound):
        gateway.fetch_dispute('nothing')
    assert gateway.close_checkout('nothing')


# === PAYMENT === #


@pytest.mark.parametrize('code,fee', [('pay_now_stripe', '1.75'), ('pay_now_paypal', '3.25')])
def test_a_payment_and_its_commission(code, fee):
    payment = paid(make(code))
    assert payment.state == base.PAID
    assert (payment.commission, payment.net) == (Decimal(fee), Decimal(100) - Decimal(fee))
    assert payment.reference == 'key'


def test_paying_twice_is_paying_once(gateway):
    payment = paid(gateway)
    gateway.provider.pay(payment.checkout_id)
    gateway.capture(payment.checkout_id, 'another-capture')
    assert gateway.fetch_payment(payment.checkout_id) == payment
    assert gateway.balance().total('EUR') == payment.net
    assert gateway.fetch_payment(payment_id=payment.payment_id) == payment


def test_paypal_moves_nothing_before_the_capture(paypal):
    ref = paypal.open_checkout(request_of(), 'key').id
    paypal.provider.pay(ref)
    assert paypal.fetch_payment(ref).state == base.APPROVED
    assert not paypal.balance().total('EUR')
    assert paypal.capture(ref, 'capture').state == base.PAID


def test_stripe_declines_and_takes_another_card(stripe):
    ref = stripe.open_checkout(request_of(), 'key').id
    stripe.provider.decline(ref)
    payment = stripe.fetch_payment(ref)
    assert (payment.state, payment.failure_code) == (base.OPEN, 'card_declined')
    stripe.provider.pay(ref)
    assert (stripe.fetch_payment(ref).state, stripe.fetch_payment(ref).failure) == (base.PAID, '')


def test_paypal_declines_as_the_money_is_taken(paypal):
    ref = paypal.open_checkout(request_of(), 'key').id
    paypal.provider.decline(ref)
    for _again in range(2):
        with pytest.raises(PayerActionNeeded):
            paypal.capture(ref, 'capture-0')
    paypal.provider.pay(ref)
    assert paypal.capture(ref, 'capture-1').state == base.PAID


def test_declines_have_an_end(gateway):
    ref = gateway.open_checkout(request_of(), 'key').id
    for number in range(MAX_DECLINES + 3):
        gateway.provider.decline(ref)
        if gateway.captures and number < MAX_DECLINES:
            with pytest.raises(PayerActionNeeded):
                gateway.capture(ref, f'capture-{number}')
    assert gateway.fetch_payment(ref).state == base.CANCELED
    assert len(list(gateway.list_events(AGES))) == MAX_DECLINES


def test_money_that_takes_days(gateway):
    ref = gateway.open_checkout(request_of(), 'key').id
    gateway.provider.pay(ref, slow=True)
    assert gateway.capture(ref, 'capture').state == base.PENDING
    assert not gateway.balance().total('EUR')
    gateway.provider.settle(ref)
    assert gateway.fetch_payment(ref).state == base.PAID
    gateway.provider.bounce(ref)
    assert gateway.fetch_payment(ref).state == base.PAID


def test_money_that_never_comes(gateway):
    ref = gateway.open_checkout(request_of(), 'key').id
    gateway.provider.pay(ref, slow=True)
    gateway.capture(ref, 'capture')
    gateway.provider.bounce(ref)
    payment = gateway.fetch_payment(ref)
    assert payment.state == base.FAILED and payment.failure_code


# === REFUNDS === #


def test_a_refund_is_made_once(gateway):
    payment = paid(gateway)
    refund = gateway.refund(payment, Decimal('40.00'), 'refund-1')
    assert gateway.refund(payment, Decimal('40.00'), 'refund-1') == refund
    assert refund.reference == 'refund-1'
    assert gateway.fetch_payment(payment.checkout_id).refunds == (refund,)
    assert gateway.balance().total('EUR') == payment.net - 40
    with pytest.raises(GatewayRefused):
        gateway.refund(payment, Decimal('60.01'), 'refund-2')


# === PAYOUTS AND DISPUTES === #


def test_a_payout_is_what_moved_until_then(gateway):
    early = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=10)
    first = paid(gateway, at=early, key='first')
    paid(gateway, key='second')
    payout = gateway.fetch_payout(gateway.provider.pay_out('EUR', early + timedelta(days=1)))
    assert payout.amount == first.net
    lines = list(gateway.payout_lines(payout.id))
    assert [line.source_id for line in lines] == [first.charge_id or first.payment_id]
    assert gateway.fetch_payout(gateway.provider.pay_out('EUR')).amount > 0
    assert not gateway.provider.pay_out('EUR')
    assert not gateway.balance().total('EUR')
    assert [one.id for one in gateway.list_payouts(AGES)][0] == payout.id
    movements = list(gateway.list_movements(AGES))
    assert sum(line.net for line in movements) == 0
    assert payout.movement_id in {line.id for line in movements}


@pytest.mark.parametrize('won', [True, False])
def test_a_dispute(gateway, won):
    payment = paid(gateway)
    ref = gateway.provider.dispute(payment.checkout_id)
    dispute = gateway.fetch_dispute(ref)
    assert dispute.state == 'open' and dispute.needs_response
    assert [line.amount for line in dispute.movements] == [-100]
    with pytest.raises(GatewayRefused):
        gateway.refund(payment, Decimal('1.00'), 'refund')
    gateway.provider.decide(ref, won)
    gateway.provider.decide(ref, not won)
    decided = gateway.fetch_dispute(ref)
    assert decided.state == ('won' if won else 'lost')
    assert sum(line.amount for line in decided.movements) == (0 if won else -100)
    listed = {line.id for line in gateway.list_movements(AGES) if line.kind == 'dispute'}
    named = {line.id for line in decided.movements}
    assert (named == listed) is gateway.names_dispute_movements
    assert list(gateway.list_disputes(AGES)) == [decided]


# === NOTIFICATIONS === #


def test_notifications_are_proven(gateway):
    paid(gateway)
    for event in gateway.provider.told:
        body, headers = gateway.provider.notification(event)
        proven = gateway.verify_event(body, headers)
        assert (proven.id, proven.reference) == (event['id'], 'key')
        assert '100' not in repr(proven)
    assert [one.id for one in gateway.list_events(AGES)] == [e['id'] for e in gateway.provider.told]


def test_forged_notifications_are_refused(gateway):
    paid(gateway)
    body, headers = gateway.provider.notification(gateway.provider.told[0])
    other = json.dumps({**json.loads(body), 'reference': 'INV/2'}).encode()
    stranger = make('pay_now_stripe')
    for forged in (
        lambda: gateway.verify_event(other, headers),
        lambda: gateway.verify_event(body, {}),
        lambda: gateway.verify_event(body, {SIGNATURE: 'v1=1'}),
        lambda: gateway.verify_event(body, {SIGNATURE: headers[SIGNATURE].replace('t=', 't=1')}),
        lambda: stranger.verify_event(body, headers),
    ):
        with pytest.raises(SignatureError):
            forged()


def test_without_a_webhook_nothing_is_posted(gateway):
    paid(gateway)
    gateway.remove_webhook(gateway.find_webhook('https://odoo.example/hook').id)
    assert gateway.provider.notification(gateway.provider.told[0]) is None
