# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Payouts, their movements, and disputes, as the gateway reads them from Stripe."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from gateways.errors import GatewayNotFound
from gateways.stripe import gateway as stripe_gateway

EARLIER = datetime.now(timezone.utc) - timedelta(days=1)


@pytest.fixture
def pay(gateway, sandbox, make_request):
    """Return what is known about a payment that was made, its fee included."""

    def pay(reference='R1', **values):
        checkout = gateway.open_checkout(make_request(reference=reference, **values), reference)
        sandbox.pay(session=checkout.id)
        sandbox.release_fees()
        return gateway.fetch_payment(checkout.id)

    return pay


def test_a_payout_and_its_lines(gateway, sandbox, pay):
    paid = pay()
    made = sandbox.payout()
    payout = gateway.fetch_payout(made['id'])
    assert list(gateway.list_payouts(EARLIER)) == [payout]
    assert (payout.state, payout.listed, payout.complete) == ('paid', True, True)
    assert payout.amount == paid.net
    assert payout.url == f'https://dashboard.stripe.com/test/payouts/{payout.id}'
    (line,) = gateway.payout_lines(payout.id)
    assert (line.id, line.kind, line.net) == (paid.movement_id, 'payment', paid.net)
    assert (line.charge_id, line.payment_id) == (paid.charge_id, paid.payment_id)
    assert line.reference == 'R1'


def test_a_payout_on_its_way_is_not_complete(gateway, sandbox, pay):
    pay()
    made = sandbox.payout(slow=True)
    payout = gateway.fetch_payout(made['id'])
    assert (payout.state, payout.listed, payout.complete) == ('pending', True, False)
    sandbox.arrive_payout(payout=made['id'])
    assert gateway.fetch_payout(made['id']).complete


def test_a_payout_asked_for_lists_nothing(gateway, sandbox, pay):
    pay()
    payout = gateway.fetch_payout(sandbox.payout(amount=1000)['id'])
    assert payout.amount == Decimal('10.00')
    assert not payout.listed


def test_the_money_of_a_failed_payout_comes_with_the_next_one(gateway, sandbox, pay):
    paid = pay()
    made = sandbox.payout()
    sandbox.fail_payout(payout=made['id'])
    failed = gateway.fetch_payout(made['id'])
    assert failed.state == 'failed'
    assert failed.failure == "The bank account has been closed."
    again = sandbox.payout()
    (line,) = gateway.payout_lines(again['id'])
    assert (line.id, line.kind) == (failed.failure_movement_id, 'payout_failure')
    assert (line.source_id, line.net) == (failed.id, paid.net)


def test_movements_of_every_kind(gateway, sandbox, pay):
    paid = pay()
    sandbox.charge_fee(amount=250, label="Radar")
    sandbox.refund(charge=paid.charge_id, amount=100)
    dispute = sandbox.dispute(charge=paid.charge_id)
    payout = sandbox.payout()
    movements = list(gateway.list_movements(EARLIER))
    assert [line.kind for line in movements] == ['payment', 'other', 'refund', 'dispute', 'payout']
    assert (movements[0].reference, movements[0].database) == ('R1', 'db')
    fee, refund, withdrawn = movements[1:4]
    assert fee.database == ''
    assert (fee.net, fee.label, fee.payment_id) == (Decimal('-2.50'), "Radar", '')
    assert (refund.charge_id, refund.payment_id) == (paid.charge_id, paid.payment_id)
    assert (withdrawn.source_id, withdrawn.charge_id) == (dispute['id'], paid.charge_id)
    assert (withdrawn.amount, withdrawn.fee) == (-paid.amount, Decimal(20))
    assert sum(line.net for line in movements[:4]) == gateway.fetch_payout(payout['id']).amount


def test_a_dispute_and_its_money(gateway, sandbox, pay):
    paid = pay()
    opened = sandbox.dispute(charge=paid.charge_id)
    dispute = gateway.fetch_dispute(opened['id'])
    assert list(gateway.list_disputes(EARLIER)) == [dispute]
    assert (dispute.state, dispute.needs_response) == ('open', True)
    assert (dispute.amount, dispute.reason) == (paid.amount, 'fraudulent')
    assert (dispute.payment_id, dispute.charge_id) == (paid.payment_id, paid.charge_id)
    assert dispute.reference == 'R1'
    assert dispute.due_at > datetime.now(timezone.utc)
    assert dispute.url == f'https://dashboard.stripe.com/test/disputes/{dispute.id}'
    (withdrawn,) = dispute.movements
    assert (withdrawn.kind, withdrawn.amount, withdrawn.fee) == ('dispute', -paid.amount, 20)
    sandbox.close_dispute(dispute=opened['id'], won=True)
    won = gateway.fetch_dispute(opened['id'])
    assert won.state == 'won'
    assert [movement.amount for movement in won.movements] == [-paid.amount, paid.amount]


@pytest.mark.parametrize(
    ('inquiry', 'won', 'state', 'count'),
    [(False, False, 'lost', 1), (True, True, 'closed', 0), (True, None, 'inquiry', 0)],
)
def test_how_a_dispute_ends(gateway, sandbox, pay, inquiry, won, state, count):
    opened = sandbox.dispute(charge=pay().charge_id, inquiry=inquiry)
    if won is not None:
        sandbox.close_dispute(dispute=opened['id'], won=won)
    dispute = gateway.fetch_dispute(opened['id'])
    assert (dispute.state, len(dispute.movements)) == (state, count)


@pytest.mark.parametrize(
    ('status', 'state', 'needs_response'),
    [
        ('warning_under_review', 'inquiry', False),
        ('under_review', 'open', False),
        ('appeal_needs_response', 'open', True),
        ('prevented', 'closed', False),
        ('invented_by_stripe', 'open', False),
    ],
)
def test_states_of_disputes(status, state, needs_response):
    values = {'id': 'du_1', 'currency': 'eur', 'amount': 100, 'created': 1, 'status': status}
    dispute = stripe_gateway.dispute(values)
    assert (dispute.state, dispute.needs_response) == (state, needs_response)
    assert (dispute.due_at, dispute.movements, dispute.reference) == (None, (), '')


def test_what_is_unknown(gateway):
    with pytest.raises(GatewayNotFound):
        gateway.fetch_payout('po_none')
    with pytest.raises(GatewayNotFound):
        gateway.fetch_dispute('du_none')


def test_a_dispute_is_known_by_its_id_too():
    """Where the source is not expanded."""
    values = {
        **{'id': 'txn_1', 'type': 'adjustment', 'source': 'du_1', 'currency': 'jpy'},
        **{'amount': -500, 'fee': 0, 'net': -500, 'created': 1},
    }
    movement = stripe_gateway.movement(values)
    assert (movement.kind, movement.source_id, movement.net) == ('dispute', 'du_1', Decimal(-500))
    assert stripe_gateway.movement({**values, 'source': None}).kind == 'other'


def test_what_a_notification_is_about(gateway, sandbox, pay):
    made = pay()
    sandbox.dispute(charge=made.charge_id)
    sandbox.payout()
    subjects = {event.type: event.subject for event in gateway.list_events(EARLIER)}
    assert subjects['charge.dispute.created'] == 'dispute'
    assert subjects['payout.created'] == 'payout'
    assert subjects['charge.succeeded'] == 'payment'


def test_the_mark_of_one_payout_and_the_text_of_all():
    values = {
        'id': 'po_1',
        'amount': 100,
        'currency': 'eur',
        'created': 1,
        'status': 'paid',
        'statement_descriptor': "FOURNIL",
        'trace_id': {'status': 'supported', 'value': 'TRACE77812'},
    }
    found = stripe_gateway.payout(values)
    assert (found.bank_reference, found.descriptor) == ('TRACE77812', "FOURNIL")
    found = stripe_gateway.payout({**values, 'trace_id': None, 'statement_descriptor': None})
    assert (found.bank_reference, found.descriptor) == ('', '')
