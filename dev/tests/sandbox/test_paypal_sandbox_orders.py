# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Orders at the sandbox's PayPal: created as they must be, once for each request id."""

import pytest

from dev.tests.calls import paypal_issue as issue
from dev.tests.calls import paypal_links as links
from dev.tests.calls import paypal_order

ORDERS = '/v2/checkout/orders'
HOUR = 3600


def changed(path, value):
    """Return the body of an order with one member changed, or left out when it is None."""
    body = paypal_order(custom_id='INV-1')
    *way, last = path.split('/')
    at = body
    for name in way:
        at = at[int(name) if name.isdigit() else name]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return body


def test_from_the_order_to_the_money(paypal, ask, make_order, capture):
    order = make_order(custom_id='INV-7', invoice_id='INV-7')
    assert order['status'] == 'PAYER_ACTION_REQUIRED'
    assert issue(capture(order)) == (422, 'ORDER_NOT_APPROVED')
    back = paypal.press(links(order)['payer-action'])
    assert back.startswith(f"http://127.0.0.1/return?reference=1&token={order['id']}&PayerID=")
    assert ask('GET', f"{ORDERS}/{order['id']}").json()['status'] == 'APPROVED'
    captured = capture(order)
    assert captured.status_code == 201
    (one,) = captured.json()['purchase_units'][0]['payments']['captures']
    assert one['status'] == 'COMPLETED'
    assert one['seller_receivable_breakdown']['paypal_fee']['value'] == '3.25'
    assert capture(order).json() == captured.json()
    assert capture(order).status_code == 200
    assert issue(capture(order, 'another')) == (422, 'ORDER_ALREADY_CAPTURED')
    state = paypal.account_state()
    assert (state['balance'], state['fees']) == (9675, 325)
    assert paypal.order_of('INV-7')['status'] == 'COMPLETED'
    assert [event['event_type'] for event in paypal.events()] == [
        'CHECKOUT.ORDER.APPROVED',
        'PAYMENT.CAPTURE.COMPLETED',
        'CHECKOUT.ORDER.COMPLETED',
    ]


# === CREATION === #


@pytest.mark.parametrize(
    ('path', 'value', 'name', 'field'),
    [
        ('intent', None, 'MISSING_REQUIRED_PARAMETER', '/intent'),
        ('intent', 'GIFT', 'INVALID_PARAMETER_VALUE', '/intent'),
        ('intent', 'AUTHORIZE', 'NOT_SUPPORTED', '/intent'),
        ('intent', 7, 'INVALID_PARAMETER_SYNTAX', '/intent'),
        ('nonsense', 1, 'NOT_SUPPORTED', '/nonsense'),
        ('purchase_units', [], 'INVALID_ARRAY_MIN_ITEMS', '/purchase_units'),
        ('purchase_units', {}, 'INVALID_PARAMETER_SYNTAX', '/purchase_units'),
        ('purchase_units', ['x'], 'INVALID_PARAMETER_SYNTAX', '/purchase_units/0'),
        ('purchase_units/0/nonsense', '1', 'NOT_SUPPORTED', '/purchase_units/0/nonsense'),
        ('purchase_units/0/amount', None, 'MISSING_REQUIRED_PARAMETER', '/purchase_units/0/amount'),
        ('purchase_units/0/amount/value', 10, 'INVALID_PARAMETER_SYNTAX', None),
        ('purchase_units/0/amount/value', '10,00', 'INVALID_PARAMETER_SYNTAX', None),
        ('purchase_units/0/amount/value', '1' * 33, 'INVALID_STRING_LENGTH', None),
        ('purchase_units/0/amount/currency_code', 'EURO', 'INVALID_STRING_LENGTH', None),
        ('purchase_units/0/custom_id', '', 'INVALID_STRING_LENGTH', None),
        ('purchase_units/0/custom_id', 'x' * 128, 'INVALID_STRING_LENGTH', None),
        ('purchase_units/0/invoice_id', 'x' * 128, 'INVALID_STRING_LENGTH', None),
        ('purchase_units/0/description', 'x' * 128, 'INVALID_STRING_LENGTH', None),
        ('purchase_units/0/soft_descriptor', 'x' * 23, 'INVALID_STRING_LENGTH', None),
        ('purchase_units/0/payee', {'merchant_id': 'short'}, 'INVALID_STRING_LENGTH', None),
        (
            'payment_source/paypal/experience_context/locale',
            'fr_FR',
            'INVALID_PARAMETER_SYNTAX',
            '/payment_source/paypal/experience_context/locale',
        ),
        (
            'payment_source/paypal/experience_context/return_url',
            'nowhere',
            'INVALID_PARAMETER_SYNTAX',
            None,
        ),
    ],
)
def test_malformed_orders(paypal, ask, path, value, name, field):
    answer = ask('POST', ORDERS, changed(path, value), PayPal_Request_Id='a')
    assert issue(answer) == (400, name)
    assert field in (None, answer.json()['details'][0]['field'])
    assert not paypal.account_state()['orders']


@pytest.mark.parametrize(
    ('amount', 'name'),
    [
        (('10.001', 'EUR'), 'DECIMAL_PRECISION'),
        (('10.5', 'JPY'), 'DECIMALS_NOT_SUPPORTED'),
        (('10.00', 'HUF'), 'DECIMALS_NOT_SUPPORTED'),
        (('1.0', 'TWD'), 'DECIMALS_NOT_SUPPORTED'),
        (('0', 'EUR'), 'CANNOT_BE_ZERO_OR_NEGATIVE'),
        (('0.00', 'EUR'), 'CANNOT_BE_ZERO_OR_NEGATIVE'),
        (('-5.00', 'EUR'), 'CANNOT_BE_ZERO_OR_NEGATIVE'),
        (('1000000000000000.00', 'EUR'), 'MAX_VALUE_EXCEEDED'),
        (('10.00', 'ISK'), 'INVALID_CURRENCY_CODE'),
        (('10.00', 'eur'), 'INVALID_CURRENCY_CODE'),
        (('10.00', 'BRL'), 'DOMESTIC_TRANSACTION_REQUIRED'),
    ],
)
def test_impossible_amounts(ask, amount, name):
    answer = ask('POST', ORDERS, paypal_order(*amount), PayPal_Request_Id='a')
    assert issue(answer) == (422, name)


def test_all_mistakes_at_once(ask):
    body = {'intent': 'GIFT', 'purchase_units': [{'amount': {'value': 'x'}}]}
    details = ask('POST', ORDERS, body).json()['details']
    assert [one['field'] for one in details] == [
        '/intent',
        '/purchase_units/0/amount/currency_code',
        '/purchase_units/0/amount/value',
    ]


@pytest.mark.parametrize(
    ('value', 'currency', 'shown'),
    [
        ('10', 'EUR', '10.00'),
        ('10.5', 'EUR', '10.50'),
        ('.5', 'EUR', '0.50'),
        ('500', 'JPY', '500'),
    ],
)
def test_amounts_are_written_back_whole(make_order, value, currency, shown):
    assert make_order(value, currency)['purchase_units'][0]['amount']['value'] == shown


def euros(value, **more):
    return {'currency_code': 'EUR', 'value': value, **more}


@pytest.mark.parametrize(
    ('breakdown', 'name'),
    [
        ({'item_total': '90.00', 'tax_total': '10.00'}, None),
        ({'item_total': '80.00', 'tax_total': '10.00', 'shipping': '12', 'discount': '2'}, None),
        ({'item_total': '90.00'}, 'AMOUNT_MISMATCH'),
        ({'item_total': '110.00', 'discount': '9.99'}, 'AMOUNT_MISMATCH'),
        ({'item_total': '100.00', 'discount': '-1'}, 'CANNOT_BE_NEGATIVE'),
        ({'item_total': '100.001'}, 'DECIMAL_PRECISION'),
    ],
)
def test_breakdowns_add_up(ask, breakdown, name):
    body = paypal_order()
    parts = {part: euros(value) for part, value in breakdown.items()}
    body['purchase_units'][0]['amount']['breakdown'] = parts
    answer = ask('POST', ORDERS, body, PayPal_Request_Id='a')
    assert (answer.status_code == 201) if name is None else (issue(answer) == (422, name))


@pytest.mark.parametrize(
    ('price', 'tax', 'breakdown', 'name'),
    [
        ('45.00', '5.00', {'item_total': '90.00', 'tax_total': '10.00'}, None),
        ('45.00', '5.00', {'item_total': '91.00', 'tax_total': '9.00'}, 'ITEM_TOTAL_MISMATCH'),
        ('50.00', None, {}, 'ITEM_TOTAL_REQUIRED'),
        ('45.00', '5.00', {'item_total': '90.00', 'shipping': '10.00'}, 'TAX_TOTAL_REQUIRED'),
        (
            '45.00',
            '4.99',
            {'item_total': '90.00', 'tax_total': '10.00'},
            'TAX_TOTAL_MISMATCH',
        ),
    ],
)
def test_items_add_up(ask, price, tax, breakdown, name):
    body = paypal_order()
    unit = body['purchase_units'][0]
    unit['items'] = [{'name': "Bread", 'quantity': '2', 'unit_amount': euros(price)}]
    if tax:
        unit['items'][0]['tax'] = euros(tax)
    if breakdown:
        unit['amount']['breakdown'] = {part: euros(value) for part, value in breakdown.items()}
    answer = ask('POST', ORDERS, body, PayPal_Request_Id='a')
    assert (answer.status_code == 201) if name is None else (issue(answer) == (422, name))


def test_one_currency_for_all(ask):
    body = paypal_order()
    other = {'currency_code': 'USD', 'value': '100.00'}
    body['purchase_units'][0]['amount']['breakdown'] = {'item_total': other}
    answer = ask('POST', ORDERS, body, PayPal_Request_Id='a')
    assert issue(answer) == (422, 'MULTI_CURRENCY_ORDER')


def test_a_payment_source_needs_a_request_id(ask):
    assert issue(ask('POST', ORDERS, paypal_order())) == (400, 'PAYPAL_REQUEST_ID_REQUIRED')
    body = paypal_order()
    del body['payment_source']
    order = ask('POST', ORDERS, body).json()
    assert order['status'] == 'CREATED' and 'payment_source' not in order
    assert {'approve', 'capture', 'self', 'update'} == set(links(order))
    too_long = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='x' * 109)
    assert issue(too_long) == (400, 'INVALID_STRING_LENGTH')


def test_shown_as_preferred(ask):
    minimal = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a').json()
    assert set(minimal) == {'id', 'status', 'links', 'payment_source'}
    body = paypal_order(custom_id='INV-1', description="Bread")
    prefer = {'Prefer': 'return=representation'}
    whole = ask('POST', ORDERS, body, PayPal_Request_Id='b', **prefer).json()
    unit = whole['purchase_units'][0]
    assert (unit['custom_id'], unit['reference_id']) == ('INV-1', 'default')
    assert unit['payee']['merchant_id'] == 'SANDBXMERCHNT'
    url = f"{ORDERS}/{whole['id']}"
    assert ask('GET', url).json() == whole
    assert ask('GET', f'{url}?fields=payment_source').json() == {'payment_source': {'paypal': {}}}
    assert ask('GET', f'{url}?fields=nonsense').status_code == 400


@pytest.mark.parametrize(
    ('standing', 'name'),
    [('restricted', 'PAYEE_ACCOUNT_RESTRICTED'), ('locked', 'PAYEE_ACCOUNT_LOCKED_OR_CLOSED')],
)
def test_accounts_that_may_not_receive(paypal, ask, standing, name):
    paypal.account(standing=standing)
    answer = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a')
    assert issue(answer) == (422, name)


def test_only_for_oneself(ask):
    payee = {'merchant_id': 'QYR5Z8XDVJNXQ'}
    answer = ask('POST', ORDERS, paypal_order(payee=payee), PayPal_Request_Id='a')
    assert issue(answer) == (422, 'PAYEE_ACCOUNT_INVALID')


# === ONCE PER REQUEST ID === #


def test_created_once(paypal, ask):
    first = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a')
    again = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a')
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(paypal.account_state()['orders']) == 1
    assert [call['replayed'] for call in paypal.requests()[1:]] == [False, True]


def test_replays_show_the_latest_state(paypal, ask):
    order = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a').json()
    paypal.approve(order=order['id'])
    again = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a')
    assert (again.status_code, again.json()['status']) == (200, 'APPROVED')


def test_request_ids_are_forgotten_after_six_hours(paypal, ask):
    paypal.settings(order_seconds=30 * HOUR)
    first = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a').json()
    paypal.advance(seconds=6 * HOUR - 60)
    again = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a').json()
    assert again['id'] == first['id']
    paypal.advance(seconds=120)
    later = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a')
    assert (later.status_code, later.json()['id'] == first['id']) == (201, False)


def test_what_was_refused_is_not_remembered(ask, make_order, paypal, capture):
    assert ask('POST', ORDERS, paypal_order('0'), PayPal_Request_Id='a').status_code == 422
    assert ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='a').status_code == 201
    order = make_order()
    assert issue(capture(order, 'b')) == (422, 'ORDER_NOT_APPROVED')
    paypal.approve(order=order['id'])
    assert capture(order, 'b').status_code == 201


def test_an_id_for_each_kind_of_call(ask, paypal, capture):
    order = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='same').json()
    paypal.approve(order=order['id'])
    assert capture(order, 'same').status_code == 201
