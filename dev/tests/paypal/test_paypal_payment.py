# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What PayPal's orders and captures mean for a payment."""

from datetime import datetime, timezone
from decimal import Decimal

import pytest

from dev.tests.paypal.objects import (
    CAPTURE,
    CAPTURES,
    ORDER,
    ORDERS,
    REFUND,
    breakdown,
    capture,
    error,
    money,
    order,
    refund,
)
from gateways import base
from gateways.errors import GatewayNotFound, GatewayUnavailable
from gateways.paypal import payment as paypal_payment


def payment(status='COMPLETED', captures=(), refunds=(), **values):
    return paypal_payment.payment(order(status, captures, refunds, **values), test_mode=True)


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


# === STATES === #


@pytest.mark.parametrize(
    ('status', 'captured', 'state'),
    [
        ('CREATED', None, base.OPEN),
        ('SAVED', None, base.OPEN),
        ('PAYER_ACTION_REQUIRED', None, base.OPEN),
        ('APPROVED', None, base.APPROVED),
        ('VOIDED', None, base.CANCELED),
        ('COMPLETED', None, base.PENDING),
        ('INVENTED_BY_PAYPAL', None, base.OPEN),
        ('COMPLETED', 'COMPLETED', base.PAID),
        ('COMPLETED', 'PARTIALLY_REFUNDED', base.PAID),
        ('COMPLETED', 'REFUNDED', base.PAID),
        ('COMPLETED', 'PENDING', base.PENDING),
        ('COMPLETED', 'DECLINED', base.FAILED),
        ('COMPLETED', 'DENIED', base.FAILED),
        ('COMPLETED', 'FAILED', base.FAILED),
        ('COMPLETED', 'INVENTED_BY_PAYPAL', base.PENDING),
        ('INVENTED_BY_PAYPAL', 'DECLINED', base.FAILED),
        # Money that was taken counts, whatever its order says.
        ('APPROVED', 'COMPLETED', base.PAID),
        ('VOIDED', 'PENDING', base.PENDING),
        # The payer was sent back to choose again.
        ('PAYER_ACTION_REQUIRED', 'DECLINED', base.OPEN),
        ('APPROVED', 'DECLINED', base.APPROVED),
        ('VOIDED', 'DECLINED', base.CANCELED),
    ],
)
def test_states(status, captured, state):
    assert payment(status, [capture(captured)] if captured else []).state == state


@pytest.mark.parametrize(
    'statuses',
    [('DECLINED', 'COMPLETED'), ('COMPLETED', 'DECLINED'), ('PENDING', 'COMPLETED', 'FAILED')],
)
def test_the_best_of_several_captures_tells(statuses):
    captures = [capture(status, id=f'ID{status}') for status in statuses]
    read = payment(captures=captures)
    assert (read.state, read.payment_id) == (base.PAID, 'IDCOMPLETED')
    assert read.failure == '' and read.commission == Decimal('4.15')


# === WHEN, AND HOW MUCH === #


def test_paid():
    assert payment(captures=[capture()]) == base.Payment(
        checkout_id=ORDER,
        state=base.PAID,
        reference='INV-2026-00001',
        amount=Decimal('123.45'),
        currency='EUR',
        payment_id=CAPTURE,
        paid_at=utc(2026, 3, 2, 8),
        method='paypal',
        payer_email='payer@example.com',
        commission=Decimal('4.15'),
        net=Decimal('119.30'),
        settlement_currency='EUR',
        commission_at=utc(2026, 3, 2, 8),
        movement_id=CAPTURE,
        test_mode=True,
    )


def test_open():
    assert payment('PAYER_ACTION_REQUIRED') == base.Payment(
        checkout_id=ORDER,
        state=base.OPEN,
        reference='INV-2026-00001',
        amount=Decimal('123.45'),
        currency='EUR',
        method='paypal',
        payer_email='payer@example.com',
        test_mode=True,
    )


def test_what_was_taken_counts_not_what_was_asked_for():
    read = payment(captures=[capture(amount=money('100.00', 'USD'))])
    assert (read.amount, read.currency) == (Decimal('100.00'), 'USD')
    read = payment(captures=[capture('DECLINED', amount=money('100.00', 'USD'))])
    assert (read.amount, read.currency) == (Decimal('123.45'), 'EUR')


@pytest.mark.parametrize('status', ['PARTIALLY_REFUNDED', 'REFUNDED', 'COMPLETED'])
def test_a_refund_does_not_change_when_it_was_paid(status):
    """`update_time` is then the refund's; the day of the payment stays the capture's."""
    read = payment(captures=[capture(status)], refunds=[refund()])
    assert read.paid_at == utc(2026, 3, 1, 10, 5)


def test_nor_does_a_refund_that_is_not_listed():
    """A capture that is read alone has only its status to say so."""
    read = paypal_payment.payment({}, True, capture('PARTIALLY_REFUNDED'))
    assert read.paid_at == utc(2026, 3, 1, 10, 5)


def test_fee_that_leaves_nothing():
    values = capture(seller_receivable_breakdown=breakdown('123.45', '0.00'))
    read = payment(captures=[values])
    assert (read.commission, read.net) == (Decimal('123.45'), Decimal(0))


def test_paid_without_a_date_of_change():
    assert payment(captures=[capture(update_time=None)]).paid_at == utc(2026, 3, 1, 10, 5)


def test_pending_capture_has_no_commission_yet():
    """Not even where PayPal tells the gross already: without a fee it would look free."""
    whole = capture('PENDING', 'ECHECK')
    half = {**whole, 'seller_receivable_breakdown': {'gross_amount': money('123.45')}}
    for values in (whole, half):
        read = payment(captures=[values])
        assert (read.state, read.commission, read.net) == (base.PENDING, None, None)
        assert (read.paid_at, read.settlement_currency, read.movement_id) == (None, '', '')
        assert (read.payment_id, read.failure, read.failure_code) == (CAPTURE, '', 'ECHECK')


def test_no_fee_is_a_commission_of_nothing():
    values = capture(seller_receivable_breakdown={'gross_amount': money('123.45')})
    read = payment(captures=[values])
    assert (read.commission, read.net) == (Decimal(0), Decimal('123.45'))
    late = capture()
    del late['seller_receivable_breakdown']
    assert payment(captures=[late]).commission is None, "not known is not nothing"


@pytest.mark.parametrize(
    ('parts', 'commission', 'net'),
    [
        (
            {'receivable_amount': money('110.00', 'USD'), 'exchange_rate': {'value': '0.92'}},
            Decimal('3.82'),
            Decimal('110.00'),
        ),
        ({'receivable_amount': money('59.65', 'USD')}, Decimal('2.08'), Decimal('59.65')),
        (
            {
                'receivable_amount': money('900', 'JPY'),
                'paypal_fee_in_receivable_currency': money('31', 'JPY'),
            },
            Decimal(31),
            Decimal(900),
        ),
        (
            {'receivable_amount': money('17895', 'JPY'), 'exchange_rate': {'value': '150'}},
            Decimal(622),
            Decimal(17895),
        ),
    ],
)
def test_credited_in_another_currency(parts, commission, net):
    """Commission and net are in the currency of the account, where nothing was converted too."""
    values = capture(seller_receivable_breakdown=breakdown(**parts))
    read = payment(captures=[values])
    assert (read.amount, read.currency) == (Decimal('123.45'), 'EUR')
    assert read.settlement_currency == parts['receivable_amount']['currency_code']
    assert (read.commission, read.net) == (commission, net)


def test_credited_amount_in_the_same_currency_is_no_conversion():
    values = capture(seller_receivable_breakdown=breakdown(receivable_amount=money('119.30')))
    assert payment(captures=[values]).commission == Decimal('4.15')


# === WHY NOT, AND WHO === #


def test_why_it_failed():
    read = payment(captures=[capture('DECLINED', 'CHARGEBACK')])
    assert (read.failure, read.failure_code) == ('CHARGEBACK', 'CHARGEBACK')
    read = payment(captures=[capture('FAILED')])
    assert (read.failure, read.failure_code) == ('FAILED', 'FAILED')
    assert read.amount == Decimal('123.45') and read.paid_at is None


@pytest.mark.parametrize(
    ('reason', 'disputed'),
    [('BUYER_COMPLAINT', True), ('CHARGEBACK', True), ('ECHECK', False), ('', False)],
)
def test_disputed_only_where_paypal_says_so(reason, disputed):
    assert payment(captures=[capture('PENDING', reason)]).disputed is disputed


@pytest.mark.parametrize(
    ('source', 'payer', 'method', 'email'),
    [
        ({'card': {'last_digits': '1111'}}, {'email_address': 'old@example.com'}, 'card', 'old@'),
        ({'paypal': {'email_address': 'new@example.com'}}, None, 'paypal', 'new@'),
        ({'sofort': None}, None, 'sofort', ''),
        (None, None, '', ''),
    ],
)
def test_how_and_by_whom(source, payer, method, email):
    read = payment(captures=[capture()], payment_source=source, payer=payer)
    assert read.method == method
    assert read.payer_email.startswith(email) and bool(read.payer_email) == bool(email)


# === MONEY GOING BACK === #


@pytest.mark.parametrize(
    ('status', 'state'),
    [
        ('COMPLETED', 'paid'),
        ('PENDING', 'pending'),
        ('FAILED', 'failed'),
        ('CANCELLED', 'canceled'),
        ('INVENTED_BY_PAYPAL', 'pending'),
    ],
)
def test_refunds(status, state):
    given = refund(status, status_details={'reason': 'ECHECK'})
    (seen,) = payment(captures=[capture('PARTIALLY_REFUNDED')], refunds=[given]).refunds
    assert (seen.id, seen.amount, seen.currency) == (REFUND, Decimal('23.45'), 'EUR')
    assert (seen.state, seen.reason) == (state, 'ECHECK')
    assert seen.created_at == utc(2026, 3, 5, 9)
    # Only a completed one has left the balance.
    assert bool(seen.movement_id) == bool(seen.moved_at) == (state == 'paid')
    assert bool(seen.returned_at) == (state in ('failed', 'canceled'))


# === TIMESTAMPS === #


@pytest.mark.parametrize(
    ('text', 'moment'),
    [
        ('2026-03-01T10:05:00Z', utc(2026, 3, 1, 10, 5)),
        ('2026-03-01T10:05:00.5Z', utc(2026, 3, 1, 10, 5, 0, 500000)),
        ('2026-03-01T10:05:00.123456789Z', utc(2026, 3, 1, 10, 5, 0, 123456)),
        ('2014-07-11T04:03:52+0000', utc(2014, 7, 11, 4, 3, 52)),
        ('2014-07-11T04:03:52-07:00', utc(2014, 7, 11, 11, 3, 52)),
        ('2014-07-11t04:03:52z', utc(2014, 7, 11, 4, 3, 52)),
        ('2014-07-11 04:03:52', utc(2014, 7, 11, 4, 3, 52)),
        ('2014-02-30T04:03:52Z', None),
        ('0001-01-01T00:00:00+23:59', None),
        ('2014-07-11T04:03:99Z', None),
        ('2014-07-11T::::::::Z', None),
        ('2014-07-11', None),
        ('yesterday', None),
        ('', None),
        (None, None),
        (1700000000, None),
    ],
)
def test_timestamps(text, moment):
    assert paypal_payment.instant(text) == moment


# === READING === #


def test_read_by_order(paypal_server, paypal_gateway):
    paypal_server.on('GET', f'{ORDERS}/{ORDER}', order('COMPLETED', [capture()]))
    read = paypal_gateway.fetch_payment(ORDER, 'UNUSED')
    assert (read.state, read.payment_id, read.test_mode) == (base.PAID, CAPTURE, True)
    assert [call.path for call in paypal_server.requests()] == [f'{ORDERS}/{ORDER}']


def test_read_by_capture(paypal_server, paypal_gateway):
    related = {'supplementary_data': {'related_ids': {'order_id': ORDER}}, 'links': []}
    for values in (capture(), capture(**related)):
        paypal_server.on('GET', f'{CAPTURES}/{CAPTURE}', values)
        paypal_server.on('GET', f'{ORDERS}/{ORDER}', order('COMPLETED', [capture()], [refund()]))
        read = paypal_gateway.fetch_payment(payment_id=CAPTURE)
        assert (read.checkout_id, read.method) == (ORDER, 'paypal')
        assert read.refunds


@pytest.mark.parametrize('by', [{}, {'checkout_id': ORDER}])
def test_order_that_is_gone_is_known_by_its_capture(paypal_server, paypal_gateway, by):
    paypal_server.on('GET', f'{CAPTURES}/{CAPTURE}', capture())
    read = paypal_gateway.fetch_payment(**by, payment_id=CAPTURE)
    assert (read.state, read.amount, read.commission) == (
        base.PAID,
        Decimal('123.45'),
        Decimal('4.15'),
    )
    assert (read.checkout_id, read.reference, read.method) == (ORDER, 'INV-2026-00001', '')
    assert [call.path for call in paypal_server.requests()].count(f'{ORDERS}/{ORDER}') == 1


def test_what_paypal_does_not_know(paypal_server, paypal_gateway):
    for arguments in ((ORDER,), ('', CAPTURE), (ORDER, CAPTURE), ('', '')):
        with pytest.raises(GatewayNotFound) as failure:
            paypal_gateway.fetch_payment(*arguments)
        assert failure.value.code == 'INVALID_RESOURCE_ID'


@pytest.mark.parametrize('made_up', ['..', '../../v1/x', 'A/B', 'A?x=1', 'A#', 'é', 'A' * 65, ' '])
def test_what_cannot_be_an_id_is_never_asked_for(paypal_server, paypal_gateway, made_up):
    with pytest.raises(GatewayNotFound):
        paypal_gateway.fetch_payment(made_up)
    with pytest.raises(GatewayNotFound):
        paypal_gateway.fetch_payment(payment_id=made_up)
    with pytest.raises(GatewayNotFound):
        paypal_gateway.capture(made_up, 'key')
    paypal_gateway.remove_webhook(made_up)
    assert paypal_gateway.close_checkout(made_up) is True
    assert not paypal_server.calls


@pytest.mark.parametrize(
    'values',
    [
        {},
        {'purchase_units': []},
        {'purchase_units': {}},
        {'purchase_units': [{'amount': None}]},
        {'purchase_units': [{'amount': {'value': 1.5, 'currency_code': 'EUR'}}]},
        {'purchase_units': [{'amount': {'value': '1,5', 'currency_code': 'EUR'}}]},
        {'purchase_units': [{'amount': {'value': 'NaN', 'currency_code': 'EUR'}}]},
        {'purchase_units': [{'amount': money('1.00'), 'payments': {'captures': [{}]}}]},
        {'purchase_units': [{'amount': money('1.00'), 'payments': []}], 'payment_source': 'x'},
    ],
)
def test_what_cannot_be_read_is_no_payment(paypal_server, paypal_gateway, values):
    paypal_server.on('GET', f'{ORDERS}/{ORDER}', {'id': ORDER, 'status': 'COMPLETED', **values})
    with pytest.raises(GatewayUnavailable) as failure:
        paypal_gateway.fetch_payment(ORDER)
    assert failure.value.code == 'malformed'


def test_refused_and_unavailable_are_not_gone(paypal_server, paypal_gateway):
    for answer in (error(500), error(403, 'PERMISSION_DENIED')):
        paypal_server.on('GET', f'{ORDERS}/{ORDER}', answer)
        with pytest.raises(Exception) as failure:
            paypal_gateway.close_checkout(ORDER)
        assert not isinstance(failure.value, GatewayNotFound)
