# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Which parameters each call takes, and of what type: whatever else is sent is refused."""

import re

from . import errors

EMAIL = re.compile(r'^[^@\s]+@[^@\s]+\.[^@\s]+$')
URL = re.compile(r'^https?://[^\s]+$')
#: Pages of a list.
LIST = {'limit': int, 'starting_after': str, 'ending_before': str, 'expand': [str]}
CREATED = {'created': {'gt': int, 'gte': int, 'lt': int, 'lte': int}}
METADATA = {'*': str}

SESSION = {
    'mode': str,
    'submit_type': str,
    'client_reference_id': str,
    'customer_email': str,
    'success_url': str,
    'cancel_url': str,
    'expires_at': int,
    'locale': str,
    'ui_mode': str,
    'metadata': METADATA,
    'expand': [str],
    'adaptive_pricing': {'enabled': bool},
    'allowed_payment_method_types': [str],
    'line_items': [
        {
            'quantity': int,
            'price_data': {
                'currency': str,
                'unit_amount': int,
                'product_data': {'name': str, 'description': str},
            },
        }
    ],
    'payment_intent_data': {
        'capture_method': str,
        'description': str,
        'metadata': METADATA,
        'statement_descriptor_suffix': str,
    },
}
WEBHOOK = {
    'url': str,
    'enabled_events': [str],
    'api_version': str,
    'connect': bool,
    'description': str,
    'metadata': METADATA,
    'disabled': bool,
    'expand': [str],
}
REFUND = {
    'payment_intent': str,
    'charge': str,
    'amount': int,
    'reason': str,
    'metadata': METADATA,
    'expand': [str],
}


def check(values, known, path=''):
    """Return the parameters with their types, or refuse as Stripe does.

    :param dict values: parsed parameters.
    :param dict known: name -> type, nested.
    :raise StripeError: unknown parameter or wrong type.
    """
    if not isinstance(values, dict):
        raise errors.invalid(path, f"Invalid object: {path}")
    typed = {}
    for name, value in values.items():
        here = f'{path}[{name}]' if path else name
        kind = known.get(name, known.get('*'))
        if kind is None:
            raise errors.unknown(here)
        typed[name] = _typed(value, kind, here)
    return typed


def _typed(value, kind, path):
    if isinstance(kind, dict):
        return check(value, kind, path)
    if isinstance(kind, list):
        items = value if isinstance(value, list) else [value]
        return [_typed(item, kind[0], f'{path}[{n}]') for n, item in enumerate(items)]
    if not isinstance(value, str):
        raise errors.invalid(path, f"Invalid string: {path}")
    if kind is int:
        if not re.fullmatch(r'-?\d+', value):
            raise errors.invalid(path, f"Invalid integer: {value}")
        return int(value)
    if kind is bool:
        if value not in ('true', 'false'):
            raise errors.invalid(path, f"Invalid boolean: {value}")
        return value == 'true'
    return value
