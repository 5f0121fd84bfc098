# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal: disputes, and payments it reversed, with the money that moves by them."""

from datetime import timezone
from decimal import Decimal

from .. import base
from ..errors import GatewayAuthError
from .client import next_query
from .money import from_money
from .order import object_id
from .payment import instant, linked, readable, refund_commission
from .reporting import REVERSAL, not_allowed

DISPUTES = '/v1/customer/disputes'
REFUNDS = '/v2/payments/refunds'
PAGE = 50
#: Beginning of the ids of disputes; those of reversals are a refund's.
CASE = 'PP-'
OUTCOMES = {
    'ACCEPTED': 'lost',
    'CANCELED_BY_BUYER': 'closed',
    'DENIED': 'won',
    'RESOLVED_BUYER_FAVOUR': 'lost',
    'RESOLVED_SELLER_FAVOUR': 'won',
    # PayPal pays the payer out of its own pocket.
    'RESOLVED_WITH_PAYOUT': 'won',
}
FEES = ('CHARGEBACK_FEE', 'DISPUTE_FEE', 'DISPUTE_SETTLEMENT_FEE')
PAGES = {False: 'https://www.paypal.com', True: 'https://www.sandbox.paypal.com'}


class PayPalDisputes:
    """Disputes and reversals of one PayPal account.

    :param PayPalClient client: the calls of the account.
    :param bool test_mode: whether it is PayPal's sandbox.
    """

    def __init__(self, client, test_mode):
        self._client = client
        self._test_mode = test_mode

    def list_disputes(self, since):
        """`GET /v1/customer/disputes`: those changed since, each one read in full."""
        stamp = since.astimezone(timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.000Z')
        query, asked = {'update_time_after': stamp, 'page_size': str(PAGE)}, []
        while query and query not in asked:
            asked.append(query)
            page = self._read(DISPUTES, query)
            with readable():
                found = [item['dispute_id'] for item in page.get('items') or ()]
                query = next_query(page, DISPUTES)
            for dispute_id in found:
                yield self.fetch_dispute(dispute_id)

    def fetch_dispute(self, dispute_id):
        """`GET /v1/customer/disputes/{id}`, or `GET /v2/payments/refunds/{id}` of a reversal."""
        if dispute_id.startswith(CASE):
            values = self._read(f'{DISPUTES}/{object_id(dispute_id)}')
            with readable():
                return dispute(values, self._test_mode)
        values = self._client.call('GET', f'{REFUNDS}/{object_id(dispute_id)}')
        with readable():
            return reversal(values, self._test_mode)

    def _read(self, path, query=None):
        try:
            return self._client.call('GET', path, query=query)
        except GatewayAuthError as error:
            raise not_allowed(error, 'disputes_not_allowed') from None


def dispute(values, test_mode):
    """Return a dispute object as a `base.Dispute`."""
    amount, currency = from_money(values['dispute_amount'])
    about = (values.get('disputed_transactions') or [{}])[0]
    dispute_id, status = values['dispute_id'], values['status']
    return base.Dispute(
        id=dispute_id,
        state=_state(values, status),
        amount=amount,
        currency=currency,
        created_at=instant(values.get('create_time')),
        needs_response=status == 'WAITING_FOR_SELLER_RESPONSE',
        due_at=instant(values.get('seller_response_due_date')),
        reason=values.get('reason') or '',
        payment_id=about.get('seller_transaction_id') or '',
        reference=about.get('custom') or '',
        movements=tuple(_movements(values)),
        url=f'{PAGES[bool(test_mode)]}/resolutioncenter/view/{dispute_id}',
    )


def reversal(values, test_mode):
    """Return the refund that a reversal is notified by: money that is gone."""
    amount, currency = from_money(values['amount'])
    payment_id, at = linked(values, 'captures'), instant(values.get('create_time'))
    # What PayPal gives back of the payment's commission, as with a refund.
    fee, settled = refund_commission(values, currency)
    fee = fee if settled == currency else Decimal(0)
    # Taken back itself: nothing is gone, whatever the refund says it was about.
    stands = values.get('status') not in ('CANCELLED', 'FAILED')
    movement = _movement(values['id'], REVERSAL, -amount, fee, currency, at, payment_id)
    return base.Dispute(
        id=values['id'],
        state='lost' if stands else 'closed',
        amount=amount,
        currency=currency,
        created_at=at,
        reason='PAYMENT_REVERSED',
        payment_id=payment_id,
        reference=values.get('custom_id') or '',
        reversal=True,
        movements=(movement,) if stands else (),
        url=f'{PAGES[bool(test_mode)]}/activity/payment/{values["id"]}',
    )


def _state(values, status):
    if status == 'RESOLVED':
        outcome = (values.get('dispute_outcome') or {}).get('outcome_code')
        return OUTCOMES.get(outcome, 'closed')
    return 'inquiry' if values.get('dispute_life_cycle_stage') == 'INQUIRY' else 'open'


def _movements(values):
    """Iterate over the seller's money that moved, each movement under an id that stays.

    PayPal gives it none. What is equal is counted in the order of its time.
    """
    about = (values.get('disputed_transactions') or [{}])[0]
    payment_id, counts = about.get('seller_transaction_id') or '', {}
    moved = [
        one
        for one in values.get('money_movements') or ()
        if one.get('affected_party') == 'SELLER' and one.get('amount')
    ]
    for one in sorted(moved, key=lambda one: one.get('initiated_time') or ''):
        amount, currency = from_money(one['amount'])
        reason, way = one.get('reason') or 'DISPUTE_SETTLEMENT', one['type']
        signed = amount if way == 'CREDIT' else -amount
        fee = reason in FEES
        number = counts[reason, way] = counts.get((reason, way), 0) + 1
        yield _movement(
            f'{values["dispute_id"]}-{reason}-{way}-{number}',
            reason,
            Decimal(0) if fee else signed,
            -signed if fee else Decimal(0),
            currency,
            instant(one.get('initiated_time')),
            payment_id,
        )


def _movement(movement_id, code, amount, fee, currency, at, payment_id):
    return base.Movement(
        id=movement_id,
        kind='dispute',
        type=code,
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=currency,
        created_at=at,
        source_id=movement_id,
        payment_id=payment_id,
    )
