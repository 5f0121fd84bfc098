# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Orders at the sandbox's PayPal: captured, declined, lapsed."""

import concurrent.futures
import time

from dev.tests.calls import paypal_issue as issue
from dev.tests.calls import paypal_links as links
from dev.tests.calls import paypal_order

ORDERS = '/v2/checkout/orders'
HOUR = 3600


# === CAPTURES === #


def test_unknown_orders(ask, capture):
    assert issue(ask('GET', f'{ORDERS}/UNKNOWN')) == (404, 'INVALID_RESOURCE_ID')
    assert issue(capture({'id': 'UNKNOWN'})) == (404, 'INVALID_RESOURCE_ID')


def test_captured_without_asking_for_more(paypal, make_order, capture):
    order = make_order()
    paypal.approve(order=order['id'])
    captured = capture(order, prefer='return=minimal').json()
    assert set(captured) == {'id', 'status', 'links', 'payment_source'}
    assert 'capture' not in links(captured) and captured['status'] == 'COMPLETED'


def test_a_declined_instrument(paypal, ask, make_order, capture):
    """The payer approves again, at the same order; the next capture needs another id."""
    order = make_order()
    paypal.approve(order=order['id'], how='declined')
    declined = capture(order, 'first')
    assert issue(declined) == (422, 'INSTRUMENT_DECLINED')
    way_back = links(declined.json())['redirect']
    assert way_back == links(order)['payer-action']
    assert issue(capture(order, 'second')) == (422, 'PAYER_ACTION_REQUIRED')
    assert ask('GET', f"{ORDERS}/{order['id']}").json()['status'] == 'PAYER_ACTION_REQUIRED'
    assert paypal.press(way_back, 'paypal')
    again = capture(order, 'first')
    assert issue(again) == (422, 'INSTRUMENT_DECLINED'), "what came of it is remembered"
    assert capture(order, 'third').status_code == 201
    assert paypal.account_state()['balance'] == 9675
    approvals = [one for one in paypal.events() if one['event_type'] == 'CHECKOUT.ORDER.APPROVED']
    assert len(approvals) == 2


def test_a_declined_order_that_still_says_approved(paypal, ask, make_order, capture):
    paypal.settings(stays_approved=True)
    order = make_order()
    paypal.approve(order=order['id'], how='declined')
    for key in ('first', 'second'):
        assert issue(capture(order, key)) == (422, 'INSTRUMENT_DECLINED')
    assert ask('GET', f"{ORDERS}/{order['id']}").json()['status'] == 'APPROVED'
    paypal.press(links(order)['payer-action'])
    assert capture(order, 'third').status_code == 201


def test_one_payment_for_each_invoice_id(paypal, ask, make_order, capture):
    first, second = make_order(invoice_id='INV-1'), make_order(invoice_id='INV-1')
    for order in (first, second):
        paypal.approve(order=order['id'])
    assert capture(first).status_code == 201
    assert issue(capture(second)) == (422, 'DUPLICATE_INVOICE_ID')
    body = paypal_order(invoice_id='INV-1')
    answer = ask('POST', ORDERS, body, PayPal_Request_Id='again')
    assert issue(answer) == (422, 'DUPLICATE_INVOICE_ID')
    paypal.account(block_duplicates=False)
    assert capture(second).status_code == 201
    assert len(paypal.account_state()['captures']) == 2


def test_captures_take_no_body(paypal, ask, make_order):
    order = make_order()
    paypal.approve(order=order['id'])
    path = f"{ORDERS}/{order['id']}/capture"
    assert issue(ask('POST', path, {'nonsense': 1})) == (400, 'INVALID_PARAMETER_SYNTAX')
    assert ask('POST', path, None, Content_Type='application/json').status_code == 201


def test_two_captures_at_once(paypal, make_order, capture):
    """Whoever comes second is told to wait, or told the same."""
    order = make_order()
    paypal.approve(order=order['id'])
    paypal.misbehave(path=f"{ORDERS}/{order['id']}/capture", busy=30)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        first = threads.submit(capture, order, 'a')
        while not paypal.idle()['in_flight'] and not first.done():
            time.sleep(0.01)
        for key in ('a', 'b'):
            answer = capture(order, key)
            assert issue(answer) == (409, 'PREVIOUS_REQUEST_IN_PROGRESS')
        paypal.behave()
        assert first.result().status_code == 201
    assert capture(order, 'a').status_code == 200
    assert len(paypal.account_state()['captures']) == 1


def test_many_captures_at_once(paypal, make_order, capture):
    order = make_order()
    paypal.approve(order=order['id'])
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: capture(order, f'key-{n % 4}'), range(16)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 1 and set(statuses) <= {200, 201, 409, 422}
    assert paypal.account_state()['balance'] == 9675


# === LAPSING === #


def test_orders_nobody_approves_lapse(paypal, ask, make_order, capture):
    order = make_order()
    paypal.advance(seconds=3 * HOUR - 60)
    assert ask('GET', f"{ORDERS}/{order['id']}").status_code == 200
    paypal.advance(seconds=120)
    assert issue(ask('GET', f"{ORDERS}/{order['id']}")) == (404, 'INVALID_RESOURCE_ID')
    assert issue(capture(order)) == (404, 'INVALID_RESOURCE_ID')
    again = ask('POST', ORDERS, paypal_order(), PayPal_Request_Id='order-1')
    assert issue(again) == (404, 'INVALID_RESOURCE_ID')
    assert paypal.order_of('INV-1')['lapsed'] is True
    assert not paypal.events()


def test_approved_orders_nobody_captures_are_given_back(paypal, ask, make_order, capture):
    order = make_order(invoice_id='INV-1')
    paypal.advance(seconds=2 * HOUR)
    paypal.approve(order=order['id'])
    paypal.advance(seconds=3 * HOUR - 60)
    assert ask('GET', f"{ORDERS}/{order['id']}").json()['status'] == 'APPROVED'
    paypal.advance(seconds=120)
    assert issue(capture(order)) == (404, 'INVALID_RESOURCE_ID')
    event = paypal.events()[-1]
    assert event['event_type'] == 'CHECKOUT.PAYMENT-APPROVAL.REVERSED'
    assert event['resource']['order_id'] == order['id']
    assert event['resource']['purchase_units'][0]['invoice_id'] == 'INV-1'


def test_paid_orders_do_not_lapse(paypal, ask, make_capture):
    captured = make_capture()
    order_id = paypal.account_state()['orders'][0]['id']
    paypal.advance(seconds=6 * HOUR)
    order = ask('GET', f'{ORDERS}/{order_id}').json()
    assert order['purchase_units'][0]['payments']['captures'] == [captured]


def test_lapsing_on_request(paypal, ask, make_order):
    order = make_order()
    paypal.expire(order=order['id'])
    assert ask('GET', f"{ORDERS}/{order['id']}").status_code == 404
