# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Which shape each request body must have: whatever else is sent is refused.

A kind is a :class:`Text`, a frozenset (one of these words), a :class:`Listed` or a
:class:`Record`.
"""

import re
from dataclasses import dataclass, field

from . import errors


@dataclass(frozen=True)
class Text:
    """A string of some length, and perhaps of a pattern."""

    most: int
    least: int = 1
    pattern: str = ''


@dataclass(frozen=True)
class Listed:
    """A list of one kind."""

    kind: object
    least: int
    most: int


@dataclass(frozen=True)
class Record:
    """An object: its fields, and which of them it cannot be without."""

    fields: dict = field(default_factory=dict)
    required: tuple = ()


URL = Text(4000, 1, r'https?://[^\s/]+\S*')
#: As in PayPal's own description of orders, but for quoted local parts and addresses of machines.
EMAIL = Text(
    254,
    3,
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r'@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?',
)
LOCALE = Text(10, 2, r'[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?')
ACCOUNT_ID = Text(13, 13, r'[2-9A-HJ-NP-Z]{13}')
MONEY = Record(
    {
        'currency_code': Text(3, 3),
        'value': Text(32, 1, r'((-?[0-9]+)|(-?([0-9]+)?[.][0-9]+))'),
    },
    ('currency_code', 'value'),
)
#: What an amount is made of: name -> its sign in the sum
PARTS = {
    **dict.fromkeys(('item_total', 'tax_total', 'shipping', 'handling', 'insurance'), 1),
    **dict.fromkeys(('shipping_discount', 'discount'), -1),
}
AMOUNT = Record({**MONEY.fields, 'breakdown': Record(dict.fromkeys(PARTS, MONEY))}, MONEY.required)
ITEM = Record(
    {
        'name': Text(127),
        'unit_amount': MONEY,
        'tax': MONEY,
        'quantity': Text(10, 1, r'[1-9][0-9]{0,9}'),
        'description': Text(127, 0),
        'sku': Text(127, 0),
        'category': frozenset(['DIGITAL_GOODS', 'PHYSICAL_GOODS', 'DONATION']),
    },
    ('name', 'unit_amount', 'quantity'),
)
PURCHASE_UNIT = Record(
    {
        'reference_id': Text(256),
        'amount': AMOUNT,
        'payee': Record({'email_address': EMAIL, 'merchant_id': ACCOUNT_ID}),
        'description': Text(127),
        'custom_id': Text(127),
        'invoice_id': Text(127),
        'soft_descriptor': Text(22),
        'items': Listed(ITEM, 0, 100),
    },
    ('amount',),
)
NAME = Record({'given_name': Text(140, 0), 'surname': Text(140, 0)})
EXPERIENCE = {
    'brand_name': Text(127),
    'locale': LOCALE,
    'shipping_preference': frozenset(['GET_FROM_FILE', 'NO_SHIPPING', 'SET_PROVIDED_ADDRESS']),
    'user_action': frozenset(['CONTINUE', 'PAY_NOW']),
    'return_url': URL,
    'cancel_url': URL,
}
ORDER = Record(
    {
        'intent': frozenset(['CAPTURE', 'AUTHORIZE']),
        'payer': Record({'email_address': EMAIL, 'name': NAME, 'payer_id': ACCOUNT_ID}),
        'purchase_units': Listed(PURCHASE_UNIT, 1, 10),
        'payment_source': Record(
            {
                'paypal': Record(
                    {
                        'email_address': EMAIL,
                        'name': NAME,
                        'experience_context': Record(
                            {
                                **EXPERIENCE,
                                'landing_page': frozenset(
                                    ['LOGIN', 'GUEST_CHECKOUT', 'NO_PREFERENCE']
                                ),
                                'payment_method_preference': frozenset(
                                    ['UNRESTRICTED', 'IMMEDIATE_PAYMENT_REQUIRED']
                                ),
                            }
                        ),
                    }
                )
            }
        ),
        'application_context': Record(
            {**EXPERIENCE, 'landing_page': frozenset(['LOGIN', 'BILLING', 'NO_PREFERENCE'])}
        ),
    },
    ('intent', 'purchase_units'),
)
CAPTURE = Record()
REFUND = Record(
    {
        'amount': MONEY,
        'custom_id': Text(127, 1, r'.*'),
        'invoice_id': Text(127, 1, r'.*'),
        'note_to_payer': Text(255, 1, r'.*'),
    }
)
SHORT_URL = Text(127, 1, r'https?://[^\s/]+\S*')
REFERRAL = Record(
    {
        'email': EMAIL,
        'preferred_language_code': LOCALE,
        'tracking_id': Text(127),
        'partner_config_override': Record(
            {
                'return_url': SHORT_URL,
                'return_url_description': Text(127),
                'action_renewal_url': SHORT_URL,
                'partner_logo_url': SHORT_URL,
            }
        ),
        'operations': Listed(
            Record(
                {
                    'operation': frozenset(['API_INTEGRATION']),
                    'api_integration_preference': Record(
                        {
                            'rest_api_integration': Record(
                                {
                                    'integration_method': frozenset(['PAYPAL']),
                                    'integration_type': frozenset(['THIRD_PARTY']),
                                    'third_party_details': Record(
                                        {'features': Listed(Text(100), 1, 20)}, ('features',)
                                    ),
                                },
                                ('integration_type', 'third_party_details'),
                            )
                        },
                        ('rest_api_integration',),
                    ),
                },
                ('operation', 'api_integration_preference'),
            ),
            1,
            5,
        ),
        'products': Listed(frozenset(['EXPRESS_CHECKOUT', 'PPCP']), 0, 5),
        'legal_consents': Listed(
            Record(
                {'type': frozenset(['SHARE_DATA_CONSENT']), 'granted': frozenset([True])},
                ('type', 'granted'),
            ),
            1,
            5,
        ),
    },
    ('operations', 'legal_consents'),
)


def check(value, kind, unknown='NOT_SUPPORTED', descriptions=None):
    """Return what is wrong with a body: details of an error.

    :param str unknown: the issue of a member that does not belong there.
    :param dict descriptions: descriptions that differ from the usual ones.
    :rtype: list
    """
    problems = []

    def note(issue, path, value=None):
        issue = unknown if issue == 'NOT_SUPPORTED' else issue
        problems.append(errors.detail(issue, path or '/', value, descriptions=descriptions))

    _check(value, kind, '', note)
    return problems


def _check(value, kind, path, note):
    if isinstance(kind, Record):
        _check_record(value, kind, path, note)
    elif isinstance(kind, Listed):
        _check_list(value, kind, path, note)
    elif isinstance(kind, frozenset):
        if not isinstance(value, str | bool):
            note('INVALID_PARAMETER_SYNTAX', path, value)
        elif value not in kind:
            note('INVALID_PARAMETER_VALUE', path, value)
    elif not isinstance(value, str):
        note('INVALID_PARAMETER_SYNTAX', path, value)
    elif not kind.least <= len(value) <= kind.most:
        note('INVALID_STRING_LENGTH', path, value)
    elif kind.pattern and not re.fullmatch(kind.pattern, value):
        note('INVALID_PARAMETER_SYNTAX', path, value)


def _check_record(value, kind, path, note):
    if not isinstance(value, dict):
        note('INVALID_PARAMETER_SYNTAX', path, value)
        return
    for name in kind.required:
        if name not in value:
            note('MISSING_REQUIRED_PARAMETER', f'{path}/{name}')
    for name, item in value.items():
        if name in kind.fields:
            _check(item, kind.fields[name], f'{path}/{name}', note)
        else:
            note('NOT_SUPPORTED', f'{path}/{name}', item)


def _check_list(value, kind, path, note):
    if not isinstance(value, list):
        note('INVALID_PARAMETER_SYNTAX', path, value)
        return
    if len(value) > kind.most:
        note('INVALID_ARRAY_MAX_ITEMS', path)
    if len(value) < kind.least:
        note('INVALID_ARRAY_MIN_ITEMS', path)
    for number, item in enumerate(value):
        _check(item, kind.kind, f'{path}/{number}', note)
