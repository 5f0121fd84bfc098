# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Withdrawals, movements and disputes, as the gateway reads them from PayPal."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from gateways import GATEWAYS
from gateways.base import Credentials
from gateways.errors import GatewayAuthError, GatewayNotFound
from gateways.paypal import disputes as paypal_disputes
from gateways.paypal import reporting as paypal_reporting

EARLIER = datetime.now(timezone.utc) - timedelta(days=1)


@pytest.fixture
def gateway(paypal):
    return GATEWAYS['pay_now_paypal'](
        Credentials(key=paypal.client_id, secret=paypal.secret), api_base=paypal.api_base
    )


def test_movements_of_every_kind(gateway, paypal, make_capture):
    captured = make_capture(custom_id='TX-1')
    refund = paypal.refund(capture=captured['id'], amount=1000)
    paypal.dispute(capture=captured['id'])
    payout = paypal.payout(amount=500)
    paid, refunded, withdrawn, fee, out = gateway.list_movements(EARLIER)
    assert (paid.kind, paid.amount, paid.fee, paid.net) == (
        'payment',
        Decimal('100.00'),
        Decimal('3.25'),
        Decimal('96.75'),
    )
    assert (paid.payment_id, paid.reference) == (captured['id'], 'TX-1')
    assert (refunded.kind, refunded.id) == ('refund', refund['id'])
    assert (refunded.payment_id, refunded.net) == (captured['id'], Decimal('-10.00'))
    assert (withdrawn.kind, withdrawn.payment_id) == ('dispute', captured['id'])
    assert (fee.kind, fee.amount, fee.fee, fee.net) == ('dispute', 0, 16, -16)
    assert (out.kind, out.id, out.net) == ('payout', payout['id'], Decimal('-5.00'))


def test_withdrawals(gateway, paypal, make_capture):
    make_capture()
    made = paypal.payout(amount=5000)
    (payout,) = gateway.list_payouts(EARLIER)
    assert (payout.id, payout.state, payout.amount) == (made['id'], 'paid', Decimal('50.00'))
    assert not payout.listed
    assert gateway.fetch_payout(made['id']) == payout
    assert not list(gateway.payout_lines(made['id']))
    with pytest.raises(GatewayNotFound):
        gateway.fetch_payout('ANOTHER')


def test_a_withdrawal_that_came_back(gateway, paypal, make_capture):
    make_capture()
    first, second = paypal.payout(amount=2000), paypal.payout(amount=2000)
    paypal.payout(amount=1000)
    back = paypal.fail_payout(payout=second['id'])
    states = {payout.id: payout for payout in gateway.list_payouts(EARLIER)}
    assert states[second['id']].state == 'failed'
    assert states[second['id']].failure_movement_id == back['id']
    assert states[first['id']].state == 'paid'
    assert len(states) == 3
    # Nobody knows what it belongs to when the withdrawal is older than what is read.
    line = next(one for one in gateway.list_movements(EARLIER) if one.id == back['id'])
    assert line.kind == 'payout_failure'
    assert paypal_reporting._failed(line, {}) is None


def test_many_movements_are_read_page_by_page_and_month_by_month(
    gateway, paypal, make_capture, monkeypatch
):
    captures = [make_capture()['id'] for _number in range(5)]
    monkeypatch.setattr(paypal_reporting, 'PAGE', 2)
    since = EARLIER - timedelta(days=70)
    assert [line.id for line in gateway.list_movements(since)] == captures
    asked = [call for call in paypal.requests() if call['path'].endswith('/transactions')]
    assert len([call for call in asked if call['status'] == 200]) == 5


def test_too_many_movements_are_read_by_halves(gateway, paypal, make_capture):
    captured = make_capture()
    paypal.misbehave(
        path='/v1/reporting/transactions',
        status=400,
        text='{"name": "RESULTSET_TOO_LARGE", "message": "Too many.", "debug_id": "1"}',
    )
    assert [line.id for line in gateway.list_movements(EARLIER)] == [captured['id']]


@pytest.mark.parametrize(
    ('function', 'code'),
    [
        ('list_payouts', 'reporting_not_allowed'),
        ('list_movements', 'reporting_not_allowed'),
        ('list_disputes', 'disputes_not_allowed'),
    ],
)
def test_what_the_application_may_not_read(gateway, paypal, function, code):
    paypal.account(features=[])
    with pytest.raises(GatewayAuthError) as caught:
        list(getattr(gateway, function)(EARLIER))
    assert caught.value.code == code


def test_refused_credentials_are_no_lack_of_permission(gateway, paypal):
    paypal.account(clients={paypal.client_id: None})
    paypal.revoke_tokens()
    with pytest.raises(GatewayAuthError) as caught:
        list(gateway.list_payouts(EARLIER))
    assert caught.value.code != 'reporting_not_allowed'


def test_an_inquiry_that_becomes_a_chargeback(gateway, paypal, make_capture):
    captured = make_capture(custom_id='TX-1')
    opened = paypal.dispute(capture=captured['id'], inquiry=True)
    (dispute,) = gateway.list_disputes(EARLIER)
    assert (dispute.state, dispute.needs_response) == ('inquiry', True)
    assert (dispute.payment_id, dispute.reference) == (captured['id'], 'TX-1')
    assert dispute.due_at > datetime.now(timezone.utc)
    assert not dispute.movements
    paypal.escalate_dispute(dispute=opened['dispute_id'])
    dispute = gateway.fetch_dispute(opened['dispute_id'])
    assert dispute.state == 'open'
    withdrawn, fee = dispute.movements
    assert (withdrawn.amount, withdrawn.fee) == (Decimal('-100.00'), 0)
    assert (fee.amount, fee.fee, fee.net) == (0, 16, -16)
    paypal.close_dispute(dispute=opened['dispute_id'], won=True)
    won = gateway.fetch_dispute(opened['dispute_id'])
    assert won.state == 'won'
    assert [line.amount for line in won.movements] == [Decimal(-100), 0, Decimal(100)]
    assert won.movements[:2] == dispute.movements, "the ids stay"
    assert dispute.url.endswith(f'/resolutioncenter/view/{dispute.id}')


def test_lost(gateway, paypal, make_capture):
    opened = paypal.dispute(capture=make_capture()['id'])
    paypal.close_dispute(dispute=opened['dispute_id'], won=False)
    assert gateway.fetch_dispute(opened['dispute_id']).state == 'lost'


def test_many_disputes_are_read_page_by_page(gateway, paypal, make_capture, monkeypatch):
    monkeypatch.setattr(paypal_disputes, 'PAGE', 2)
    opened = {paypal.dispute(capture=make_capture()['id'])['dispute_id'] for _number in range(5)}
    assert {dispute.id for dispute in gateway.list_disputes(EARLIER)} == opened


def test_a_reversal_is_a_dispute_that_is_lost(gateway, paypal, make_capture):
    captured = make_capture(custom_id='TX-1')
    made = paypal.reverse(capture=captured['id'])
    dispute = gateway.fetch_dispute(made['id'])
    assert (dispute.state, dispute.amount) == ('lost', Decimal('100.00'))
    assert (dispute.payment_id, dispute.reference) == (captured['id'], 'TX-1')
    (line,) = dispute.movements
    assert (line.id, line.net) == (made['id'], Decimal('-100.00'))


def test_the_order_of_money_movements_does_not_change_their_ids():
    moved = [
        {
            'affected_party': party,
            'amount': {'currency_code': 'EUR', 'value': value},
            'initiated_time': f'2026-11-2{day}T10:00:00Z',
            'type': way,
            'reason': reason,
        }
        for party, value, day, way, reason in (
            ('SELLER', '10.00', 1, 'DEBIT', 'DISPUTE_SETTLEMENT'),
            ('BUYER', '10.00', 1, 'CREDIT', 'DISPUTE_SETTLEMENT'),
            ('SELLER', '16.00', 2, 'DEBIT', 'CHARGEBACK_FEE'),
            ('SELLER', '5.00', 3, 'DEBIT', 'DISPUTE_SETTLEMENT'),
        )
    ]
    values = {
        **{'dispute_id': 'PP-1', 'status': 'RESOLVED', 'money_movements': moved},
        'dispute_amount': {'currency_code': 'EUR', 'value': '15.00'},
    }
    dispute = paypal_disputes.dispute(values, True)
    assert dispute.state == 'closed'
    assert sum(line.net for line in dispute.movements) == -31
    shuffled = paypal_disputes.dispute({**values, 'money_movements': moved[::-1]}, True)
    assert shuffled.movements == dispute.movements
    assert len({line.id for line in dispute.movements}) == 3


def test_what_a_notification_is_about(gateway, paypal, make_capture):
    gateway.register_webhook('http://127.0.0.1:8069/pay_now/webhook/1')
    captured = make_capture()
    paypal.dispute(capture=captured['id'])
    made = paypal.reverse(capture=make_capture()['id'])
    events = {event.type: event for event in gateway.list_events(EARLIER)}
    assert events['CUSTOMER.DISPUTE.CREATED'].subject == 'dispute'
    assert events['PAYMENT.CAPTURE.REVERSED'].subject == 'dispute'
    assert events['PAYMENT.CAPTURE.REVERSED'].object_id == made['id']
    assert events['PAYMENT.CAPTURE.COMPLETED'].subject == 'payment'
