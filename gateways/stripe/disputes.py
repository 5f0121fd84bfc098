# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe: disputes, and the money that moves by them."""

from .. import base
from .client import instant, object_id, readable
from .money import from_minor
from .payouts import dashboard, movement

STATES = {'won': 'won', 'lost': 'lost', 'prevented': 'closed', 'warning_closed': 'closed'}
PATHS = ['data.charge']


class StripeDisputes:
    """Disputes of one Stripe account.

    :param StripeClient client: the calls of the account.
    """

    def __init__(self, client):
        self._client = client

    def list_disputes(self, since):
        """`GET /v1/disputes`: those opened since; Stripe cannot be asked for changes."""
        listed = self._client.iterate(
            lambda v1: v1.disputes.list,
            {'created': {'gte': int(since.timestamp())}, 'expand': PATHS, 'limit': 100},
        )
        yield from map(dispute, listed)

    def fetch_dispute(self, dispute_id):
        """`GET /v1/disputes/{id}`."""
        return dispute(
            self._client.call(lambda v1: v1.disputes.retrieve, dispute_id, {'expand': ['charge']})
        )


@readable()
def dispute(values):
    """Return a dispute object as a `base.Dispute`."""
    currency, status = values['currency'].upper(), values['status']
    charge = values.get('charge')
    charge = charge if isinstance(charge, dict) else {'id': charge or ''}
    due = (values.get('evidence_details') or {}).get('due_by')
    return base.Dispute(
        id=values['id'],
        state=STATES.get(status, 'inquiry' if status.startswith('warning_') else 'open'),
        amount=from_minor(values['amount'], currency),
        currency=currency,
        created_at=instant(values['created']),
        needs_response=status.endswith('needs_response'),
        due_at=instant(due),
        reason=values.get('reason') or '',
        payment_id=object_id(values.get('payment_intent')),
        charge_id=charge['id'],
        reference=(charge.get('metadata') or {}).get('odoo_reference') or '',
        # Both ways, each with its own fee; an inquiry has none.
        movements=tuple(map(movement, values.get('balance_transactions') or ())),
        url=dashboard(values, 'disputes'),
    )
