# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal: movements of the balance and withdrawals, where the application may read reports.

PayPal has no object for a withdrawal and lists nothing it is made of: both are read from
"Transaction Search", whose data are up to three hours old. The kinds come from PayPal,
"Transaction event codes".
"""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from .. import base
from ..errors import GatewayAuthError, GatewayNotFound, GatewayRefused
from .money import from_money
from .payment import instant, readable

TRANSACTIONS = '/v1/reporting/transactions'
#: One search may reach so far, and find no more than 10,000 movements.
LONGEST = timedelta(days=31)
SHORTEST = timedelta(minutes=1)
PAGE = 500
STAMP = '%Y-%m-%dT%H:%M:%SZ'
#: Succeeded, or reversed later by another movement; the others moved nothing (yet).
MOVED = ('S', 'V')
#: Listed as a refund of the capture too, with the id of that refund.
REVERSAL = 'T1106'
DISPUTES = frozenset([
    REVERSAL, 'T0106', 'T0114', 'T1201', 'T1202', 'T1205', 'T1207', 'T1208',
])  # fmt: skip
FEES = frozenset(['T0106', 'T0114'])
KINDS = (('T00', 'payment'), ('T04', 'payout'), ('T1107', 'refund'), ('T1109', 'refund'))
#: What it is when the credentials themselves are refused.
CREDENTIALS = ('AUTHENTICATION_FAILURE', 'invalid_client', 'invalid_token')


class PayPalReporting:
    """Movements and withdrawals of one PayPal account.

    :param PayPalClient client: the calls of the account.
    """

    def __init__(self, client):
        self._client = client

    def list_payouts(self, since):
        """The withdrawals among the movements, oldest first.

        One whose money came back is failed: PayPal reports a movement the other way, which
        names it at best; otherwise it is the last one of that amount.
        """
        payouts = {}
        for line in self.list_movements(since):
            if line.kind == 'payout':
                payouts[line.id] = _payout(line)
            elif line.kind == 'payout_failure' and (failed := _failed(line, payouts)):
                payouts[failed.id] = failed
        yield from payouts.values()

    def fetch_payout(self, payout_id):
        """The withdrawal among those of the last month."""
        since = datetime.now(timezone.utc) - LONGEST
        for payout in self.list_payouts(since):
            if payout.id == payout_id:
                return payout
        raise GatewayNotFound("PayPal does not report this withdrawal.", 'INVALID_RESOURCE_ID')

    def list_movements(self, since):
        """`GET /v1/reporting/transactions`, oldest first."""
        start, now = since.astimezone(timezone.utc), datetime.now(timezone.utc)
        while start < now:
            end = min(start + LONGEST, now)
            yield from self._movements(start, end)
            start = end + timedelta(seconds=1)

    def _movements(self, start, end):
        """Iterate over the movements of a range that one search covers, halved if need be."""
        query = {
            'start_date': start.strftime(STAMP),
            'end_date': end.strftime(STAMP),
            'fields': 'transaction_info',
            'page_size': str(PAGE),
        }
        try:
            records = list(self._records(query))
        except GatewayRefused as error:
            if error.code != 'RESULTSET_TOO_LARGE' or end - start < SHORTEST:
                raise
            middle = start + (end - start) / 2
            yield from self._movements(start, middle)
            yield from self._movements(middle + timedelta(seconds=1), end)
            return
        with readable():
            found = [movement(one) for one in records if one['transaction_status'] in MOVED]
        yield from sorted(found, key=lambda line: line.created_at)

    def _records(self, query):
        page, pages = 1, 1
        while page <= pages:
            answer = self._report({**query, 'page': str(page)})
            with readable():
                for detail in answer.get('transaction_details') or ():
                    yield detail['transaction_info']
                pages = int(answer.get('total_pages') or 0)
            page += 1

    def _report(self, query):
        try:
            return self._client.call('GET', TRANSACTIONS, query=query)
        except GatewayAuthError as error:
            raise not_allowed(error, 'reporting_not_allowed') from None


def not_allowed(error, code):
    """Return a refusal as one of the permission, unless it is one of the credentials."""
    if error.code in CREDENTIALS:
        return error
    return GatewayAuthError(error.message, code, error.request_id)


def movement(record):
    """Return the report of a transaction as a `base.Movement`."""
    amount, currency = from_money(record['transaction_amount'])
    # PayPal reports what it takes as a negative amount.
    fee = -from_money(record['fee_amount'])[0] if record.get('fee_amount') else Decimal(0)
    code = record['transaction_event_code']
    if code in FEES:
        amount, fee = Decimal(0), fee - amount
    own = record['transaction_id']
    kind = _kind(code, amount)
    parent = record.get('paypal_reference_id') or ''
    if record.get('paypal_reference_id_type') != 'TXN':
        parent = ''
    created_at = instant(record['transaction_initiation_date'])
    if not created_at:
        raise ValueError("A transaction has a time.")
    return base.Movement(
        id=own,
        kind=kind,
        type=code,
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=currency,
        created_at=created_at,
        source_id=parent if kind == 'payout_failure' else own,
        payment_id=own if kind == 'payment' else parent,
        reference=record.get('custom_field') or '',
        reversal=code == REVERSAL,
        label=record.get('transaction_subject') or record.get('transaction_note') or '',
    )


def _kind(code, amount):
    if code in DISPUTES:
        return 'dispute'
    kind = next((kind for start, kind in KINDS if code.startswith(start)), 'other')
    return 'payout_failure' if kind == 'payout' and amount > 0 else kind


def _payout(line):
    return base.Payout(
        id=line.id,
        state='paid',
        amount=-line.net,
        currency=line.currency,
        created_at=line.created_at,
        movement_id=line.id,
    )


def _failed(line, payouts):
    """Return the withdrawal whose money came back, as it is now; None for an unknown one."""
    found = payouts.get(line.source_id) or next(
        (
            payout
            for payout in reversed(payouts.values())
            if payout.state == 'paid'
            and (payout.amount, payout.currency) == (line.net, line.currency)
        ),
        None,
    )
    return found and base.Payout(
        **{**vars(found), 'state': 'failed', 'failure_movement_id': line.id}
    )
