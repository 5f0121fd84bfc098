# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's objects as its description has them, for the tests to change."""

MERCHANT = 'MERCHANT7AB2Y'
ORDER, CAPTURE, REFUND = '5O190127TN364715T', '3C679366HH908993F', '1JU08902781691411'
ORDERS = '/v2/checkout/orders'
CAPTURES = '/v2/payments/captures'
DEBUG_ID = 'f0debug1d'
API = 'https://api-m.sandbox.paypal.com'

#: Of a name that PayPal uses with a status.
NAMES = {
    400: 'INVALID_REQUEST',
    401: 'AUTHENTICATION_FAILURE',
    403: 'NOT_AUTHORIZED',
    404: 'RESOURCE_NOT_FOUND',
    409: 'RESOURCE_CONFLICT',
    422: 'UNPROCESSABLE_ENTITY',
    429: 'RATE_LIMIT_REACHED',
    500: 'INTERNAL_SERVER_ERROR',
    503: 'SERVICE_UNAVAILABLE',
}


def money(value, currency='EUR'):
    return {'currency_code': currency, 'value': value}


def error(status, issue='', description='', headers=None, **detail):
    """Return a refusal, as status, body and headers."""
    body = {'name': NAMES[status], 'message': "PayPal's message.", 'debug_id': DEBUG_ID}
    if issue:
        body['details'] = [
            {'issue': issue, 'description': description or f"About {issue}.", **detail}
        ]
    return status, body, headers or {}


def order(status='CREATED', captures=(), refunds=(), **values):
    """Return an order of 123.45 EUR."""
    unit = {
        'reference_id': 'default',
        'amount': money('123.45'),
        'payee': {'email_address': 'merchant@example.com', 'merchant_id': MERCHANT},
        'custom_id': 'INV-2026-00001',
        'invoice_id': 'INV-2026-00001-key',
    }
    payments = {}
    if captures:
        payments['captures'] = list(captures)
    if refunds:
        payments['refunds'] = list(refunds)
    if payments:
        unit['payments'] = payments
    return {
        'id': ORDER,
        'intent': 'CAPTURE',
        'status': status,
        'create_time': '2026-03-01T10:00:00Z',
        'payment_source': {'paypal': {'email_address': 'payer@example.com'}},
        'purchase_units': [unit],
        'links': [
            {'href': f'{API}{ORDERS}/{ORDER}', 'rel': 'self', 'method': 'GET'},
            {
                'href': f'https://www.sandbox.paypal.com/checkoutnow?token={ORDER}',
                'rel': 'payer-action',
                'method': 'GET',
            },
        ],
        **values,
    }


def breakdown(fee='4.15', net='119.30', **values):
    parts = {'gross_amount': money('123.45'), 'paypal_fee': money(fee), 'net_amount': money(net)}
    return {**parts, **values}


def capture(status='COMPLETED', reason='', **values):
    """Return the capture of the order, with its commission once it is there."""
    made = {
        'id': CAPTURE,
        'status': status,
        'amount': money('123.45'),
        'final_capture': True,
        'custom_id': 'INV-2026-00001',
        'create_time': '2026-03-01T10:05:00Z',
        'update_time': '2026-03-02T08:00:00Z',
        'links': [{'href': f'{API}{ORDERS}/{ORDER}', 'rel': 'up', 'method': 'GET'}],
    }
    if status in ('COMPLETED', 'REFUNDED', 'PARTIALLY_REFUNDED'):
        made['seller_receivable_breakdown'] = breakdown()
    if reason:
        made['status_details'] = {'reason': reason}
    return {**made, **values}


def refund(status='COMPLETED', value='23.45', **values):
    return {
        'id': REFUND,
        'status': status,
        'amount': money(value),
        'create_time': '2026-03-05T09:00:00Z',
        'update_time': '2026-03-05T09:00:00Z',
        'links': [{'href': f'{API}{CAPTURES}/{CAPTURE}', 'rel': 'up', 'method': 'GET'}],
        **values,
    }


def event(kind, resource, resource_type='capture', **values):
    return {
        'id': 'WH-2WR32451HC0233532-67976317FL4543714',
        'event_version': '1.0',
        'create_time': '2026-03-01T10:05:03.512Z',
        'resource_type': resource_type,
        'resource_version': '2.0',
        'event_type': kind,
        'summary': "Something happened.",
        'resource': resource,
        **values,
    }
