# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Captures and refunds: read, given back."""

from . import errors, schema
from .store import DAY

#: How long a PayPal-Request-Id is remembered for payments.
MEMORY = 45 * DAY


class PaymentCalls:
    """Answers calls to `/v2/payments`. The caller holds the store's lock."""

    def __init__(self, app):
        self.refunds = app.refunds

    @staticmethod
    def _find(account, kind, object_id):
        obj = account.get(kind, object_id)
        if not obj:
            raise errors.not_found(f'{kind}_id', object_id)
        return obj

    def capture(self, account, _call, object_id):
        """Answer `GET /v2/payments/captures/{id}`."""
        return 200, self._find(account, 'capture', object_id)

    def refund(self, account, _call, object_id):
        """Answer `GET /v2/payments/refunds/{id}`."""
        return 200, self._find(account, 'refund', object_id)

    def give_back(self, account, call, object_id):
        """Answer `POST /v2/payments/captures/{id}/refund`."""
        earlier = call.remembered(account)
        if earlier:
            return 200, self._shown(account.get('refund', earlier['refund']), call)
        captured = self._find(account, 'capture', object_id)
        problems = schema.check(call.body, schema.REFUND, 'INVALID_PARAMETER_SYNTAX')
        if problems:
            raise errors.PayPalError(400, problems)
        refund = self.refunds.refund(account, captured, call.body)
        call.remember(account, MEMORY, refund=refund['id'])
        return 201, self._shown(refund, call)

    @staticmethod
    def _shown(refund, call):
        """Return a refund as the caller prefers it."""
        return refund if call.whole else {key: refund[key] for key in ('id', 'status', 'links')}
