# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's API: which call is answered by whom."""

from werkzeug.routing import Map, Rule

from .dispute_calls import DisputeCalls
from .order_calls import OrderCalls
from .partner_calls import PartnerCalls
from .payment_calls import PaymentCalls
from .report_calls import ReportCalls
from .webhook_calls import WebhookCalls

ORDERS = '/v2/checkout/orders'
PAYMENTS = '/v2/payments'
HOOKS = '/v1/notifications/webhooks'
EVENTS = '/v1/notifications/webhooks-events'
PARTNERS = '/v1/customer/partners'
#: path -> method -> who answers
CALLS = {
    ORDERS: {'POST': 'orders.create'},
    f'{ORDERS}/<object_id>': {'GET': 'orders.get'},
    f'{ORDERS}/<object_id>/capture': {'POST': 'orders.capture'},
    f'{PAYMENTS}/captures/<object_id>': {'GET': 'payments.capture'},
    f'{PAYMENTS}/captures/<object_id>/refund': {'POST': 'payments.give_back'},
    f'{PAYMENTS}/refunds/<object_id>': {'GET': 'payments.refund'},
    HOOKS: {'GET': 'webhooks.list', 'POST': 'webhooks.create'},
    f'{HOOKS}/<object_id>': {
        'GET': 'webhooks.get',
        'PATCH': 'webhooks.change',
        'DELETE': 'webhooks.delete',
    },
    f'{HOOKS}/<object_id>/event-types': {'GET': 'webhooks.types_of'},
    '/v1/notifications/webhooks-event-types': {'GET': 'webhooks.types'},
    '/v1/notifications/verify-webhook-signature': {'POST': 'webhooks.verify'},
    EVENTS: {'GET': 'webhooks.events'},
    f'{EVENTS}/<object_id>': {'GET': 'webhooks.event'},
    f'{EVENTS}/<object_id>/resend': {'POST': 'webhooks.resend'},
    '/v1/reporting/balances': {'GET': 'reports.balances'},
    '/v1/reporting/transactions': {'GET': 'reports.transactions'},
    '/v1/customer/disputes': {'GET': 'disputes.list'},
    '/v1/customer/disputes/<object_id>': {'GET': 'disputes.get'},
    '/v2/customer/partner-referrals': {'POST': 'partners.refer'},
    f'{PARTNERS}/<partner>/merchant-integrations': {'GET': 'partners.find'},
    f'{PARTNERS}/<partner>/merchant-integrations/<merchant>': {'GET': 'partners.status'},
}
ROUTES = Map(
    [
        Rule(path, methods=[method], endpoint=endpoint)
        for path, methods in CALLS.items()
        for method, endpoint in methods.items()
    ],
    strict_slashes=False,
)


class PayPalApi:
    """Answers one call; the caller holds the store's lock."""

    def __init__(self, app):
        self._payments = app.payments
        self._parts = {
            'orders': OrderCalls(app),
            'payments': PaymentCalls(app),
            'webhooks': WebhookCalls(app),
            'reports': ReportCalls(app),
            'disputes': DisputeCalls(app),
            'partners': PartnerCalls(app),
        }

    def answer(self, account, call, **arguments):
        """Answer a call.

        :param PayPalAccount account: whose token was used.
        :param Call call: with its endpoint.
        :return: status and body.
        :raise Refusal: whatever PayPal would refuse.
        """
        self._payments.run_due()
        part, name = call.endpoint.split('.')
        return getattr(self._parts[part], name)(account, call, **arguments)
