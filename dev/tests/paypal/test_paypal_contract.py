# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What we send and what our tests pretend to receive, against PayPal's published description.

The description is not part of the project: without it these tests are skipped. Where it is here,
the requests of every other test are held against it too, by the fixture `paypal_server`.
"""

import dataclasses
import json

import pytest

from dev.tests.paypal import contract as paypal_contract
from dev.tests.paypal.objects import (
    CAPTURE,
    CAPTURES,
    ORDER,
    ORDERS,
    breakdown,
    capture,
    error,
    event,
    money,
    order,
    refund,
)

PATH = f'{ORDERS}/{ORDER}'

pytestmark = pytest.mark.skipif(
    not paypal_contract.available(), reason="PayPal's description is not here"
)


def check_answer(method, path, status, answer):
    """Fail on an answer that PayPal would not give."""
    call = {'method': method, 'path': path, 'status': status, 'replayed': False}
    paypal_contract.check_answer({**call, 'answer': answer})


@pytest.mark.parametrize('status', ['CREATED', 'PAYER_ACTION_REQUIRED', 'APPROVED', 'VOIDED'])
def test_orders(status):
    check_answer('POST', ORDERS, 201, order(status))
    check_answer('GET', PATH, 200, order(status))


@pytest.mark.parametrize(
    ('status', 'reason'),
    [
        ('COMPLETED', ''),
        ('PENDING', 'ECHECK'),
        ('DECLINED', 'CHARGEBACK'),
        ('FAILED', ''),
        ('REFUNDED', ''),
    ],
)
def test_captures(status, reason):
    given = capture(status, reason)
    whole = order('COMPLETED', [given], [refund()])
    check_answer('POST', f'{PATH}/capture', 201, whole)
    check_answer('GET', f'{CAPTURES}/{CAPTURE}', 200, given)


def test_conversions():
    parts = breakdown(
        receivable_amount=money('110.00', 'USD'),
        paypal_fee_in_receivable_currency=money('3.82', 'USD'),
        exchange_rate={'source_currency': 'EUR', 'target_currency': 'USD', 'value': '0.92'},
    )
    given = capture(seller_receivable_breakdown=parts)
    check_answer('GET', f'{CAPTURES}/{CAPTURE}', 200, given)


@pytest.mark.parametrize('status', ['COMPLETED', 'PENDING', 'FAILED', 'CANCELLED'])
def test_refunds(status):
    check_answer('POST', f'{CAPTURES}/{CAPTURE}/refund', 201, refund(status))


def test_events():
    given = event('PAYMENT.CAPTURE.COMPLETED', capture(id=CAPTURE))
    paypal_contract.check_event(given)


@pytest.mark.parametrize('issue', ['ORDER_ALREADY_CAPTURED', 'INSTRUMENT_DECLINED'])
def test_refusals_are_among_paypals(issue):
    described = json.dumps(paypal_contract.ORDERS.schemas['orders.capture-422'])
    assert issue in described and error(422, issue)[1]['details'][0]['issue'] == issue


def test_the_description_is_not_taken_for_granted(paypal_server, paypal_gateway, make_request):
    """What holds things against it finds what is wrong."""
    href = f'{paypal_server.base}/checkoutnow'
    made = order(links=[{'rel': 'payer-action', 'href': href}])
    paypal_server.on('POST', ORDERS, (201, made))
    paypal_gateway.open_checkout(make_request(), 'key')
    (call,) = paypal_server.requests()
    paypal_contract.check_request(call.logged())

    def refused(change=None, **values):
        sent = call.json
        if change:
            change(sent)
        values.setdefault('body', json.dumps(sent).encode())
        with pytest.raises(AssertionError):
            paypal_contract.check_request(dataclasses.replace(call, **values).logged())

    unit = 'purchase_units'
    refused(lambda sent: sent[unit][0].update(custom_id='R' * 128))
    refused(lambda sent: sent[unit][0].update(invented=1))
    refused(lambda sent: sent[unit][0]['amount'].update(value=123.45))
    refused(lambda sent: sent.pop('intent'))
    wallet = ('payment_source', 'paypal', 'experience_context')
    refused(lambda sent: sent[wallet[0]][wallet[1]][wallet[2]].update(locale='fr_FR'))
    refused(headers={**call.headers, 'PayPal-Request-Id': 'k' * 109})
    refused(query={'invented': '1'})
    refused(path='/v2/checkout/invented')
    with pytest.raises(AssertionError):
        check_answer('GET', PATH, 200, {**order(), 'invented': 1})
    with pytest.raises(AssertionError):
        check_answer('GET', PATH, 200, order('INVENTED'))
