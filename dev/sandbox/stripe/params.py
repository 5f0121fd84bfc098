# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Which parameters each call takes, and of what type: whatever else is sent is refused.

A type is `str`, `int` (both not empty), `bool`, a number (text of at most so many characters), a
set (one of these words), a list of one type, or a dict of types; `'*'` stands for any name.
"""

import re

from . import errors

#: Of the local part and of the labels of the domain: no empty one, ASCII only.
EMAIL = re.compile(
    r"(?=.{3,254}\Z)(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
    r"(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r'@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,}\Z'
)
API_VERSION = re.compile(r'^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$')
URL = re.compile(r'^https?://[^\s]+$')
EXPAND = {'expand': [str]}
#: Pages of a list.
LIST = {'limit': int, 'starting_after': str, 'ending_before': str, **EXPAND}
CREATED = {'created': {'gt': int, 'gte': int, 'lt': int, 'lte': int}}
METADATA = {'*': 500}
LOCALES = (
    'auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt'
    ' nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW'
)

SESSION = {
    'mode': frozenset(['payment', 'setup', 'subscription']),
    'submit_type': frozenset(['auto', 'book', 'donate', 'pay', 'subscribe']),
    'client_reference_id': 200,
    'customer_email': 800,
    'success_url': 5000,
    'cancel_url': 5000,
    'expires_at': int,
    'locale': frozenset(str.split(LOCALES)),
    'ui_mode': frozenset(['hosted_page']),
    'metadata': METADATA,
    'adaptive_pricing': {'enabled': bool},
    'allowed_payment_method_types': [str],
    'line_items': [
        {
            'quantity': int,
            'price_data': {
                'currency': str,
                'unit_amount': int,
                'product_data': {'name': 5000, 'description': 40000},
            },
        }
    ],
    'payment_intent_data': {
        'capture_method': frozenset(['automatic', 'automatic_async', 'manual']),
        'description': 1000,
        'metadata': METADATA,
        'statement_descriptor_suffix': 22,
    },
    **EXPAND,
}
NEW_WEBHOOK = {
    'url': 5000,
    'enabled_events': [str],
    'api_version': str,
    'connect': bool,
    'description': 5000,
    'metadata': METADATA,
    **EXPAND,
}
WEBHOOK = {
    'url': 5000,
    'enabled_events': [str],
    'disabled': bool,
    'description': 5000,
    'metadata': METADATA,
    **EXPAND,
}
REFUND = {
    'payment_intent': str,
    'charge': str,
    'amount': int,
    'reason': frozenset(['duplicate', 'fraudulent', 'requested_by_customer']),
    'metadata': METADATA,
    **EXPAND,
}
ACCOUNT = {
    'controller': {
        'fees': {'payer': frozenset(['account', 'application'])},
        'losses': {'payments': frozenset(['application', 'stripe'])},
        'requirement_collection': frozenset(['application', 'stripe']),
        'stripe_dashboard': {'type': frozenset(['express', 'full', 'none'])},
    },
    'business_profile': {'name': 5000},
    'country': str,
    'email': str,
    'metadata': METADATA,
    **EXPAND,
}
FIELDS = frozenset(['currently_due', 'eventually_due'])
ACCOUNT_LINK = {
    'account': 5000,
    'type': frozenset(['account_onboarding', 'account_update']),
    'refresh_url': str,
    'return_url': str,
    'collection_options': {'fields': FIELDS},
    **EXPAND,
}


def check(values, known, path=''):
    """Return the parameters with their types, or refuse as Stripe does.

    :param dict values: parsed parameters.
    :param dict known: name -> type, nested.
    :raise StripeError: unknown parameter or wrong type.
    """
    if not isinstance(values, dict):
        raise errors.invalid(path, f"Invalid object: {path}")
    if '*' in known and (len(values) > 50 or any(len(name) > 40 for name in values)):
        raise errors.invalid(path, f"{path} can have 50 keys of 40 characters.")
    typed = {}
    for name, value in values.items():
        full_name = f'{path}[{name}]' if path else name
        kind = known.get(name, known.get('*'))
        if kind is None:
            raise errors.unknown(full_name)
        if value == '' and '*' not in known:
            raise errors.empty(full_name)
        typed[name] = _typed(value, kind, full_name)
    return typed


def check_email(typed, name):
    """Refuse what is no e-mail address, as Stripe does.

    :param dict typed: checked parameters.
    :param str name: of the one with the address.
    """
    email = typed.get(name)
    if email is not None and not EMAIL.match(email):
        raise errors.StripeError(400, f"Invalid email address: {email}", 'email_invalid', name)


def _typed(value, kind, path):
    if isinstance(kind, dict):
        return check(value, kind, path)
    if isinstance(kind, list):
        items = value if isinstance(value, list) else [value]
        return [_typed(item, kind[0], f'{path}[{n}]') for n, item in enumerate(items)]
    if not isinstance(value, str):
        raise errors.invalid(path, f"Invalid string: {path}")
    if kind is int:
        if not re.fullmatch(r'-?\d{1,15}', value):
            raise errors.invalid(path, f"Invalid integer: {value}", 'parameter_invalid_integer')
        return int(value)
    if kind is bool:
        if value not in ('true', 'false'):
            raise errors.invalid(path, f"Invalid boolean: {value}")
        return value == 'true'
    if isinstance(kind, int) and len(value) > kind:
        raise errors.invalid(path, f"Invalid string: {path} has more than {kind} characters.")
    if isinstance(kind, frozenset) and value not in kind:
        raise errors.invalid(path, f"Invalid {path}: must be one of {', '.join(sorted(kind))}")
    return value
