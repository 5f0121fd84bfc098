# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Our gateway against the sandbox's PayPal, from the connection to the dispute."""

import concurrent.futures
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from dev.tests.paypal.server import forget_everything
from gateways import base
from gateways.base import Credentials
from gateways.errors import (
    GatewayAuthError,
    GatewayNotFound,
    GatewayRefused,
    GatewayUnavailable,
    PayerActionNeeded,
    SignatureError,
)
from gateways.paypal.gateway import PayPalGateway

ORDERS = '/v2/checkout/orders'
URL = 'http://127.0.0.1:9/pay_now/webhook/1'


@pytest.fixture
def connect(paypal):
    """Make a gateway to the sandbox's PayPal."""
    forget_everything()

    def connect(key=paypal.client_id, secret=paypal.secret, **values):
        credentials = Credentials(key=key, secret=secret, **values)
        return PayPalGateway(credentials, api_base=paypal.api_base)

    yield connect
    forget_everything()


@pytest.fixture
def at_paypal(connect):
    return connect()


@pytest.fixture
def opened(at_paypal, make_request):
    """Open a checkout; the arguments are the request's."""
    return lambda key='key', **values: at_paypal.open_checkout(make_request(**values), key)


@pytest.fixture
def paid(paypal, at_paypal, opened):
    """A payment of 123.45 EUR."""
    checkout = opened()
    paypal.approve(order=checkout.id)
    return at_paypal.capture(checkout.id, 'capture')


# === CONNECTION === #


def test_account(paypal, at_paypal):
    account = at_paypal.check_account('EUR')
    assert (account.id, account.test_mode) == (paypal.account_id, True)
    assert account.can_charge and not account.missing and account.email


def test_account_with_reporting(paypal, at_paypal):
    for features, currency in ((['reporting'], 'EUR'), ([], '')):
        paypal.account(features=features)
        assert at_paypal.check_account('EUR').currency == currency


@pytest.mark.parametrize('standing', ['restricted', 'locked'])
def test_account_that_may_not_be_paid(paypal, at_paypal, standing):
    paypal.account(standing=standing)
    account = at_paypal.check_account('EUR')
    assert not account.can_charge
    assert account.missing[0].startswith('PAYEE_ACCOUNT_')


def test_wrong_credentials(connect):
    with pytest.raises(GatewayAuthError, match="Client Authentication failed") as failure:
        connect(secret='wrong').check_account('EUR')
    assert failure.value.code == 'invalid_client'


def test_currencies(at_paypal, opened):
    for currency in sorted(at_paypal.currencies - {'BRL', 'CNY', 'MYR'}):
        low, high = at_paypal.amount_limits(currency)
        assert at_paypal.check_account(currency).can_charge
        assert opened(f'low-{currency}', currency=currency, amount=low)
        assert opened(f'high-{currency}', currency=currency, amount=high)
    with pytest.raises(GatewayRefused) as failure:
        opened('zero', amount=Decimal(0))
    assert failure.value.code == 'amount_too_small'


# === WEBHOOKS === #


def test_webhook(paypal, at_paypal):
    webhook = at_paypal.register_webhook(URL)
    assert at_paypal.register_webhook(URL) == webhook == at_paypal.find_webhook(URL)
    assert paypal.account_state()['webhooks'] == [URL]
    at_paypal.remove_webhook(webhook.id)
    at_paypal.remove_webhook(webhook.id)
    assert at_paypal.find_webhook(URL) is None


def test_webhook_with_other_events(paypal, at_paypal, make_webhook):
    made = make_webhook(URL, 'CHECKOUT.ORDER.APPROVED')
    assert at_paypal.register_webhook(URL).id == made['id']
    methods = [call['method'] for call in paypal.requests()]
    assert methods.count('PATCH') == 1
    at_paypal.register_webhook(URL)
    assert [call['method'] for call in paypal.requests()].count('PATCH') == 1


@pytest.mark.parametrize('url', ['nonsense', 'http://odoo.example.com/x', 'https://a.example:99/'])
def test_refused_address(at_paypal, url):
    with pytest.raises(GatewayRefused) as failure:
        at_paypal.register_webhook(url)
    assert failure.value.code == 'url_invalid'


def test_too_many_webhooks(at_paypal):
    for number in range(10):
        at_paypal.register_webhook(f'{URL}{number}')
    with pytest.raises(GatewayRefused) as failure:
        at_paypal.register_webhook(URL)
    assert failure.value.code == 'WEBHOOK_NUMBER_LIMIT_EXCEEDED'


# === PAYING === #


def test_paid(paypal, at_paypal, opened):
    checkout = opened(metadata=(('odoo_company_name', "Boulangerie"),))
    assert checkout.url.startswith(paypal.api_base)
    left = checkout.expires_at - datetime.now(timezone.utc)
    assert timedelta(hours=2, minutes=58) < left < timedelta(hours=3, seconds=5)
    assert at_paypal.fetch_payment(checkout.id).state == base.OPEN
    assert at_paypal.capture(checkout.id, 'early').state == base.OPEN
    assert paypal.press(checkout.url)
    assert at_paypal.fetch_payment(checkout.id).state == base.APPROVED
    assert at_paypal.close_checkout(checkout.id) is True
    payment = at_paypal.capture(checkout.id, 'capture')
    assert (payment.state, payment.amount) == (base.PAID, Decimal('123.45'))
    assert (payment.reference, payment.method) == ('INV-2026-00001', 'paypal')
    assert payment.commission + payment.net == payment.amount
    assert payment.payer_email == 'payer@example.com'
    assert at_paypal.fetch_payment(checkout.id) == payment
    assert at_paypal.fetch_payment(payment_id=payment.payment_id) == payment
    assert at_paypal.capture(checkout.id, 'again') == payment
    assert at_paypal.close_checkout(checkout.id) is False


def test_same_key_same_checkout(paypal, opened):
    assert opened() == opened()
    assert len(paypal.account_state()['orders']) == 1


def test_declined_then_paid(paypal, at_paypal, opened):
    checkout = opened()
    paypal.approve(order=checkout.id, how='declined')
    with pytest.raises(PayerActionNeeded) as failure:
        at_paypal.capture(checkout.id, 'first')
    assert failure.value.code == 'INSTRUMENT_DECLINED'
    assert at_paypal.fetch_payment(checkout.id).state == base.OPEN
    with pytest.raises(PayerActionNeeded):
        at_paypal.capture(checkout.id, 'impatient')
    paypal.press(checkout.url)
    assert at_paypal.capture(checkout.id, 'second').state == base.PAID


def test_declined_order_that_stays_approved(paypal, at_paypal, opened):
    paypal.settings(stays_approved=True)
    checkout = opened()
    paypal.approve(order=checkout.id, how='declined')
    for key in ('first', 'second'):
        with pytest.raises(PayerActionNeeded):
            at_paypal.capture(checkout.id, key)
        assert at_paypal.fetch_payment(checkout.id).state == base.APPROVED
    paypal.approve(order=checkout.id)
    assert at_paypal.capture(checkout.id, 'third').state == base.PAID


@pytest.mark.parametrize('succeed', [True, False])
def test_echeck(paypal, at_paypal, opened, succeed):
    checkout = opened()
    paypal.approve(order=checkout.id, how='echeck')
    pending = at_paypal.capture(checkout.id, 'capture')
    assert (pending.state, pending.failure_code) == (base.PENDING, 'ECHECK')
    assert pending.commission is None and at_paypal.close_checkout(checkout.id) is False
    paypal.settle(capture=pending.payment_id, succeed=succeed)
    ended = at_paypal.fetch_payment(checkout.id)
    assert ended.state == (base.PAID if succeed else base.FAILED)
    assert (ended.commission is not None) is succeed
    assert ended.payment_id == pending.payment_id


def test_lapsed(paypal, at_paypal, opened):
    checkout = opened()
    paypal.approve(order=checkout.id)
    paypal.expire(order=checkout.id)
    with pytest.raises(GatewayNotFound):
        at_paypal.capture(checkout.id, 'capture')
    with pytest.raises(GatewayNotFound):
        at_paypal.fetch_payment(checkout.id)
    assert at_paypal.close_checkout(checkout.id) is True


def test_converted(paypal, at_paypal, opened):
    paypal.rates(USD='0.92')
    checkout = opened(currency='USD', amount=Decimal('100.00'))
    paypal.approve(order=checkout.id)
    payment = at_paypal.capture(checkout.id, 'capture')
    assert (payment.amount, payment.currency) == (Decimal('100.00'), 'USD')
    assert payment.settlement_currency == 'EUR' and payment.commission > 0
    paypal.account(features=['reporting'])
    forget_everything()
    assert at_paypal.balance().total('EUR') == payment.net


def test_duplicate_is_a_duplicate(paypal, at_paypal, opened):
    """The invoice id is the attempt's: another attempt is not taken for the same one."""
    paypal.account(block_duplicates=True)
    for key in ('one-attempt', 'two-attempt'):
        checkout = opened(key)
        paypal.approve(order=checkout.id)
        assert at_paypal.capture(checkout.id, f'capture-{key}').state == base.PAID


@pytest.mark.parametrize('issue', ['TRANSACTION_REFUSED', 'PAYER_CANNOT_PAY'])
def test_refused_capture(paypal, at_paypal, opened, issue):
    checkout = opened()
    paypal.approve(order=checkout.id)
    paypal.misbehave(path=f'{ORDERS}/{checkout.id}/capture', issue=issue)
    with pytest.raises(GatewayRefused) as failure:
        at_paypal.capture(checkout.id, 'capture')
    assert failure.value.code == issue and failure.value.request_id


# === MONEY GOING BACK === #


def test_refund(paypal, at_paypal, paid):
    refund = at_paypal.refund(paid, Decimal('23.45'), 'refund')
    assert at_paypal.refund(paid, Decimal('23.45'), 'refund') == refund
    assert (refund.state, refund.amount) == ('paid', Decimal('23.45'))
    paypal.refund(capture=paid.payment_id, amount=10000)
    now = at_paypal.fetch_payment(paid.checkout_id)
    assert [one.amount for one in now.refunds] == [Decimal('23.45'), Decimal('100.00')]
    assert (now.state, now.amount, now.commission) == (base.PAID, paid.amount, paid.commission)
    with pytest.raises(GatewayRefused) as failure:
        at_paypal.refund(paid, Decimal('1.00'), 'more')
    assert failure.value.code == 'CAPTURE_FULLY_REFUNDED'


@pytest.mark.parametrize(('succeed', 'state'), [(True, 'paid'), (False, 'failed')])
def test_refund_by_echeck(paypal, at_paypal, paid, succeed, state):
    paypal.account(echeck_refunds=True)
    refund = at_paypal.refund(paid, Decimal('23.45'), 'refund')
    assert refund.state == 'pending'
    paypal.settle_refund(refund=refund.id, succeed=succeed)
    (seen,) = at_paypal.fetch_payment(paid.checkout_id).refunds
    assert seen.state == state


def test_balance(paypal, connect, at_paypal, paid):
    paypal.account(features=['reporting'])
    forget_everything()
    assert connect().balance().total('EUR') == paid.net
    paypal.account(features=[])
    forget_everything()
    with pytest.raises(GatewayAuthError):
        connect().balance()


# === A PROVIDER THAT IS ILL === #


@pytest.mark.parametrize(
    'fault', [{'status': 500}, {'status': 503}, {'drop': True}, {'text': '<html>'}]
)
def test_answer_lost_after_the_work_was_done(paypal, at_paypal, opened, fault):
    checkout = opened()
    paypal.approve(order=checkout.id)
    paypal.misbehave(path=f'{ORDERS}/{checkout.id}/capture', executed=True, **fault)
    try:
        payment = at_paypal.capture(checkout.id, 'capture')
    except GatewayUnavailable:
        payment = at_paypal.fetch_payment(checkout.id)
    assert payment.state == base.PAID
    assert len(paypal.account_state()['captures']) == 1


@pytest.mark.parametrize('fault', [{'status': 500}, {'status': 429}, {'drop': True}])
def test_down(paypal, at_paypal, opened, fault):
    checkout = opened()
    paypal.misbehave(times=5, **fault)
    for call in (
        lambda: at_paypal.fetch_payment(checkout.id),
        lambda: at_paypal.close_checkout(checkout.id),
    ):
        with pytest.raises(GatewayUnavailable):
            call()
    paypal.behave()


def test_tokens_that_end_early(paypal, at_paypal, opened):
    checkout = opened()
    paypal.revoke_tokens()
    assert at_paypal.fetch_payment(checkout.id).state == base.OPEN
    paypal.settings(token_seconds=60)
    paypal.revoke_tokens()
    for _number in range(3):
        assert at_paypal.fetch_payment(checkout.id).state == base.OPEN


def test_same_capture_at_the_same_time(paypal, at_paypal, opened):
    checkout = opened()
    paypal.approve(order=checkout.id)
    paypal.misbehave(path=f'{ORDERS}/{checkout.id}/capture', busy=0.3)

    def capture(key):
        try:
            return at_paypal.capture(checkout.id, key).state
        except GatewayUnavailable:
            return at_paypal.fetch_payment(checkout.id).state

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        states = list(threads.map(capture, ('one', 'two')))
    assert base.PAID in states
    assert len(paypal.account_state()['captures']) == 1


# === NOTIFICATIONS === #


@pytest.fixture
def notified(paypal, connect):
    """A gateway with a webhook, and what the webhook was notified of so far, verified."""
    webhook = connect().register_webhook(URL)
    gateway = connect(webhook_id=webhook.id)

    def notified():
        return [
            gateway.verify_event(out['body'].encode(), out['headers']) for out in paypal.outbox()
        ]

    return notified


def test_notifications(paypal, notified, at_paypal, opened):
    checkout = opened()
    paypal.approve(order=checkout.id)
    payment = at_paypal.capture(checkout.id, 'capture')
    at_paypal.refund(payment, Decimal('23.45'), 'refund')
    dispute = paypal.dispute(capture=payment.payment_id)
    paypal.close_dispute(dispute=dispute['dispute_id'], won=False)
    events = notified()
    kinds = [event.type for event in events]
    assert kinds[0] == 'CHECKOUT.ORDER.APPROVED'
    assert {'PAYMENT.CAPTURE.COMPLETED', 'PAYMENT.CAPTURE.REFUNDED'} <= set(kinds)
    assert {'CUSTOMER.DISPUTE.CREATED', 'CUSTOMER.DISPUTE.RESOLVED'} <= set(kinds)
    for event in events:
        assert checkout.id == event.checkout_id or payment.payment_id == event.payment_id, event
        assert event.test_mode is True
        if event.type.startswith(('CHECKOUT', 'PAYMENT')):
            assert event.reference == 'INV-2026-00001', event
    listed = list(at_paypal.list_events(datetime.now(timezone.utc) - timedelta(hours=1)))
    assert {event.id for event in listed} == {event.id for event in events}
    assert {event.id: event for event in listed} == {event.id: event for event in events}


def test_reversed_and_lapsed(paypal, notified, at_paypal, opened):
    lapsed = opened('lapsed')
    paypal.approve(order=lapsed.id)
    paypal.expire(order=lapsed.id)
    paid = opened('paid')
    paypal.approve(order=paid.id)
    payment = at_paypal.capture(paid.id, 'capture')
    paypal.reverse(capture=payment.payment_id)
    about = {event.type: event for event in notified()}
    assert about['CHECKOUT.PAYMENT-APPROVAL.REVERSED'].checkout_id == lapsed.id
    assert about['PAYMENT.CAPTURE.REVERSED'].payment_id == payment.payment_id


def test_rotated_certificate(paypal, notified, opened):
    for number in range(3):
        paypal.approve(order=opened(f'key-{number}').id)
        paypal.rotate_certificate()
    assert len(notified()) == 3


FORGERIES = [
    'unsigned', 'wrong_key', 'webhook', 'cert_url', 'untrusted', 'expired', 'reserialised', 'old',
]  # fmt: skip


@pytest.mark.parametrize('how', FORGERIES)
def test_forged(paypal, notified, opened, how):
    paypal.forge(order=opened().id, how=how)
    with pytest.raises(SignatureError):
        notified()


def test_more_than_a_page_of_events(paypal, notified, at_paypal, opened):
    for number in range(130):
        paypal.approve(order=opened(f'key-{number}').id)
    events = list(at_paypal.list_events(datetime.now(timezone.utc) - timedelta(hours=1)))
    assert len(events) == 130
    assert [e.created_at for e in events] == sorted(e.created_at for e in events)
