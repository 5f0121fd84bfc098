# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe: payouts and the movements of the balance they are made of."""

from .. import base
from .client import instant, object_id, readable
from .money import from_minor

STATES = {'paid': 'paid', 'failed': 'failed', 'canceled': 'canceled'}
#: Stripe's types of movements that have a kind of ours; whatever else it is: `other`.
KINDS = {
    'charge': 'payment',
    'payment': 'payment',
    'refund': 'refund',
    'payment_refund': 'refund',
    'payment_reversal': 'refund',
    'refund_failure': 'refund',
    'payment_failure_refund': 'refund',
    'payout': 'payout',
    'payout_cancel': 'payout_failure',
    'payout_failure': 'payout_failure',
}
#: Of movements whose source is a dispute.
DISPUTE_TYPE = 'adjustment'
SOURCE = {'expand': ['data.source'], 'limit': 100}


class StripePayouts:
    """Payouts and movements of one Stripe account.

    :param StripeClient client: the calls of the account.
    """

    def __init__(self, client):
        self._client = client

    def list_payouts(self, since):
        """`GET /v1/payouts`, oldest first."""
        listed = self._client.iterate(
            lambda v1: v1.payouts.list, {'created': {'gte': int(since.timestamp())}, 'limit': 100}
        )
        yield from map(payout, reversed(list(listed)))

    def fetch_payout(self, payout_id):
        """`GET /v1/payouts/{id}`."""
        return payout(self._client.call(lambda v1: v1.payouts.retrieve, payout_id))

    def payout_lines(self, payout_id):
        """`GET /v1/balance_transactions`: the movements of an automatic payout.

        Stripe lists the payout's own movement among them.
        """
        for values in self._client.iterate(
            lambda v1: v1.balance_transactions.list, {'payout': payout_id, **SOURCE}
        ):
            line = movement(values)
            if line.source_id != payout_id:
                yield line

    def list_movements(self, since):
        """`GET /v1/balance_transactions`, oldest first."""
        listed = self._client.iterate(
            lambda v1: v1.balance_transactions.list,
            {'created': {'gte': int(since.timestamp())}, **SOURCE},
        )
        yield from map(movement, reversed(list(listed)))


@readable()
def payout(values):
    """Return a payout object as a `base.Payout`."""
    currency = values['currency'].upper()
    trace = values.get('trace_id') or {}
    return base.Payout(
        id=values['id'],
        state=STATES.get(values.get('status'), 'pending'),
        amount=from_minor(values['amount'], currency),
        currency=currency,
        created_at=instant(values['created']),
        arrives_at=instant(values.get('arrival_date')),
        movement_id=object_id(values.get('balance_transaction')),
        failure_movement_id=object_id(values.get('failure_balance_transaction')),
        failure=values.get('failure_message') or values.get('failure_code') or '',
        listed=bool(values.get('automatic')),
        complete=values.get('reconciliation_status') == 'completed',
        bank_reference=trace.get('value') or '',
        descriptor=values.get('statement_descriptor') or '',
        url=dashboard(values, 'payouts'),
    )


@readable()
def movement(values):
    """Return a balance transaction, its source expanded or not, as a `base.Movement`."""
    currency = values['currency'].upper()
    source = values.get('source')
    source = source if isinstance(source, dict) else {'id': source or ''}
    metadata = source.get('metadata') or {}
    return base.Movement(
        id=values['id'],
        kind=_kind(values['type'], source),
        type=values['type'],
        amount=from_minor(values['amount'], currency),
        fee=from_minor(values['fee'], currency),
        net=from_minor(values['net'], currency),
        currency=currency,
        created_at=instant(values['created']),
        source_id=source['id'],
        payment_id=object_id(source.get('payment_intent')),
        charge_id=source['id']
        if source.get('object') == 'charge'
        else object_id(source.get('charge')),
        reference=metadata.get('odoo_reference') or '',
        database=metadata.get('odoo_database') or '',
        label=values.get('description') or '',
    )


def dashboard(values, path):
    """Return the address of an object's page for the merchant.

    :param dict values: the object.
    :param str path: e.g. `payouts`.
    """
    mode = '' if values.get('livemode') else 'test/'
    return f'https://dashboard.stripe.com/{mode}{path}/{values["id"]}'


def _kind(kind, source):
    """Return our kind of a movement: those of disputes say so by their source alone."""
    if kind == DISPUTE_TYPE and (
        source.get('object') == 'dispute' or source['id'].startswith(('du_', 'dp_'))
    ):
        return 'dispute'
    return KINDS.get(kind, 'other')
