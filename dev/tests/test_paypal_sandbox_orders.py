# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Orders at the sandbox's PayPal: created, approved, captured, once for each request id."""

import pytest

ORDERS = '/v2/checkout/orders'


def issue(answer):
    """Return status and issue of a refusal."""
    return answer.status_code, answer.json()['details'][0]['issue']


def rels(order):
    """Return the links of an order by their relation."""
    return {link['rel']: link['href'] for link in order['links']}


@pytest.fixture
def capture(ask):
    """Capture an order."""

    def capture(order, key='capture', prefer='return=representation'):
        path = f"{ORDERS}/{order['id']}/capture"
        return ask('POST', path, {}, PayPal_Request_Id=key, Prefer=prefer)

    return capture


def test_from_the_order_to_the_money(paypal, ask, make_order, capture):
    order = make_order(custom_id='INV-7', invoice_id='INV-7')
    assert order['status'] == 'PAYER_ACTION_REQUIRED'
    assert issue(capture(order)) == (422, 'ORDER_NOT_APPROVED')
    back = paypal.press(rels(order)['payer-action'])
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
