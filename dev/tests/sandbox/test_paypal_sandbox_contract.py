# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the sandbox's PayPal answers, against PayPal's published descriptions.

The descriptions are not part of the project: without them these tests are skipped. Where they are
here, every other test is held against them too, by the fixture `paypal`.
"""

import copy

import pytest

from dev.sandbox.paypal import errors
from dev.tests.calls import paypal_order
from dev.tests.paypal import contract

pytestmark = pytest.mark.skipif(
    not contract.available(), reason="PayPal's descriptions are not here"
)
ORDERS = '/v2/checkout/orders'


@pytest.fixture
def calls(paypal, make_capture, ask):
    """The log of an order, its capture, a refund, a refusal, a report, and their events."""
    captured = make_capture(custom_id='INV-1')
    ask(
        'POST', f"/v2/payments/captures/{captured['id']}/refund", {}, Prefer='return=representation'
    )
    ask('POST', ORDERS, paypal_order('0'), PayPal_Request_Id='refused')
    ask('GET', '/v1/reporting/balances')
    return {f"{call['path'].split('/')[-1]} {call['status']}": call for call in paypal.requests()}


def spoiled(call, path, value):
    """Return a call, one part of which is changed."""
    call = copy.deepcopy(call)
    *way, last = path.split('/')
    at = call
    for name in way:
        at = at[int(name) if name.isdigit() else name]
    at[last] = value
    return call


UNIT = 'answer/purchase_units/0'
CAPTURE = f'{UNIT}/payments/captures/0'


@pytest.mark.parametrize(
    ('name', 'path', 'value'),
    [
        ('orders 201', 'answer/status', 'PAID'),
        ('orders 201', 'answer/invented', 1),
        ('orders 201', f'{UNIT}/invented', 1),
        ('orders 201', f'{UNIT}/amount/value', '1,00'),
        ('orders 201', f'{UNIT}/payee/merchant_id', 'short'),
        ('orders 201', f'{UNIT}/custom_id', 7),
        ('capture 201', f'{CAPTURE}/status', 'DONE'),
        ('capture 201', f'{CAPTURE}/payee', {}),
        ('capture 201', f'{CAPTURE}/seller_receivable_breakdown', {}),
        ('capture 201', f'{CAPTURE}/create_time', 'yesterday'),
        ('refund 201', 'answer/custom_id', 'INV/1'),
        ('orders 422', 'answer/name', 'NONSENSE'),
        ('orders 422', 'answer/details/0/issue', 'NONSENSE'),
        ('orders 422', 'answer/details/0/description', "Something else"),
        ('balances 200', 'answer/balances/0/currency', 'EURO'),
    ],
)
def test_wrong_answers_are_found(calls, name, path, value):
    contract.check_answer(calls[name])
    with pytest.raises(AssertionError):
        contract.check_answer(spoiled(calls[name], path, value))


@pytest.mark.parametrize(
    ('name', 'path', 'value'),
    [
        ('orders 201', 'body/intent', 'GIFT'),
        ('orders 201', 'body/invented', 1),
        ('orders 201', 'body/purchase_units/0/amount/value', '1,00'),
        ('orders 201', 'body/purchase_units/0/custom_id', 'x' * 128),
        ('orders 201', 'headers/Prefer', 'return=representation; wait=1'),
        ('orders 201', 'headers/PayPal-Request-Id', 'x' * 109),
        ('capture 201', 'body/invented', 1),
        ('balances 200', 'params/invented', '1'),
        ('balances 200', 'params/as_of_time', 'yesterday'),
        ('orders 201', 'path', '/v2/invented'),
    ],
)
def test_wrong_requests_are_found(calls, name, path, value):
    contract.check_request(calls[name])
    with pytest.raises(AssertionError):
        contract.check_request(spoiled(calls[name], path, value))


@pytest.mark.parametrize(
    ('path', 'value'),
    [
        ('invented', 1),
        ('event_version', 'one'),
        ('id', 'evt_1'),
        ('resource/status', 'PAID'),
        ('resource/invented', 1),
    ],
)
def test_wrong_notifications_are_found(calls, paypal, path, value):
    (event,) = [one for one in paypal.events() if one['event_type'] == 'PAYMENT.CAPTURE.COMPLETED']
    contract.check_event(event)
    with pytest.raises(AssertionError):
        contract.check_event(spoiled(event, path, value))


def test_every_issue_is_in_paypals_words():
    """Each issue the sandbox knows is described somewhere, in the same words."""
    described = {}
    for description in (contract.ORDERS, contract.PAYMENTS):
        for schema in description.schemas.values():
            details = schema.get('properties', {}).get('details', {}).get('items', {})
            for one in details.get('anyOf', ()):
                issue, words = (one['properties'][key] for key in ('issue', 'description'))
                found = described.setdefault(issue['enum'][0], set())
                found.update(words.get('enum') or ["anything"])
    for issues in errors.ISSUES.values():
        for issue, words in issues.items():
            assert {words, "anything"} & described[issue], issue
    for other in (errors.CAPTURE_DESCRIPTIONS, errors.REFUND_DESCRIPTIONS):
        for issue, words in other.items():
            assert words in described[issue], issue
