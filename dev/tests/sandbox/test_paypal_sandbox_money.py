# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Money at the sandbox's PayPal: commissions, pending captures, refunds."""

import concurrent.futures
import time

import pytest
import requests

from dev.sandbox.paypal import money
from dev.tests.calls import euros, paypal_events
from dev.tests.calls import paypal_issue as issue
from dev.tests.calls import paypal_links as links

PAYMENTS = '/v2/payments'
DAY = 86400


# === COMMISSIONS === #


@pytest.mark.parametrize(
    ('amount', 'currency', 'fee'),
    [
        (10000, 'EUR', 325),
        (12345, 'EUR', 393),
        (50, 'EUR', 36),
        (10, 'EUR', 10),
        (10000, 'JPY', 330),
        (10000, 'USD', 339),
    ],
)
def test_commission(amount, currency, fee):
    assert money.fee(amount, currency) == fee


def test_commission_of_a_capture(paypal, make_capture, read_again):
    captured = make_capture('123.45', custom_id='INV-1', invoice_id='INV-1')
    shown = read_again(captured).json()
    assert shown['seller_receivable_breakdown'] == {
        'gross_amount': euros('123.45'),
        'paypal_fee': euros('3.93'),
        'net_amount': euros('119.52'),
    }
    assert shown['supplementary_data']['related_ids']['order_id'] == paypal.order_of('INV-1')['id']
    (movement,) = paypal.account_state()['movements']
    assert (movement['type'], movement['source']) == ('T0006', captured['id'])
    assert (movement['amount'], movement['fee'], movement['net']) == (12345, 393, 11952)


def test_another_commission(paypal, make_capture):
    paypal.settings(percent='1.9')
    breakdown = make_capture()['seller_receivable_breakdown']
    assert breakdown['paypal_fee'] == euros('2.25')


def test_other_currencies_are_held(paypal, make_capture):
    make_capture('10000', 'JPY')
    state = paypal.account_state()
    assert state['balances'] == {'EUR': 0, 'JPY': 9670}
    assert (state['balance'], state['fees']) == (0, 0)


def test_other_currencies_are_converted(paypal, make_capture, refund):
    paypal.rates(USD='0.92')
    captured = make_capture('100.00', 'USD')
    breakdown = captured['seller_receivable_breakdown']
    assert breakdown['net_amount'] == {'currency_code': 'USD', 'value': '96.61'}
    assert breakdown['receivable_amount'] == euros('88.88')
    assert breakdown['exchange_rate'] == {
        'source_currency': 'USD',
        'target_currency': 'EUR',
        'value': '0.92',
    }
    state = paypal.account_state()
    assert (state['balance'], state['fees'], state['balances']) == (8888, 312, {'EUR': 8888})
    refund(captured)
    assert paypal.account_state()['balance'] == 8888 - 9200


# === PENDING === #


def test_an_echeck_arrives_later(paypal, make_capture, read_again, refund):
    captured = make_capture(how='echeck')
    assert (captured['status'], captured['status_details']) == ('PENDING', {'reason': 'ECHECK'})
    assert 'seller_receivable_breakdown' not in captured
    assert paypal.account_state()['balance'] == 0
    assert issue(refund(captured)) == (422, 'PENDING_CAPTURE')
    assert paypal.settle() == {'settled': 1}
    shown = read_again(captured).json()
    assert shown['status'] == 'COMPLETED' and 'status_details' not in shown
    assert shown['seller_receivable_breakdown']['net_amount'] == euros('96.75')
    assert paypal_events(paypal) == ['PAYMENT.CAPTURE.PENDING', 'PAYMENT.CAPTURE.COMPLETED']
    with pytest.raises(requests.HTTPError):
        paypal.settle(capture=captured['id'])


@pytest.mark.parametrize('kind', ['PAYMENT.CAPTURE.DENIED', 'PAYMENT.CAPTURE.DECLINED'])
def test_an_echeck_comes_to_nothing(paypal, make_capture, read_again, refund, kind):
    paypal.settings(denied_event=kind)
    captured = make_capture(how='echeck', invoice_id='INV-1')
    paypal.settle(capture=captured['id'], succeed=False)
    shown = read_again(captured).json()
    assert shown['status'] == 'DECLINED' and 'seller_receivable_breakdown' not in shown
    assert paypal_events(paypal) == ['PAYMENT.CAPTURE.PENDING', kind]
    assert not paypal.account_state()['movements']
    assert issue(refund(captured)) == (422, 'REFUND_NOT_ALLOWED')
    assert make_capture(invoice_id='INV-1')['status'] == 'COMPLETED', "the first one does not count"


def test_captures_kept_for_a_reason(paypal, make_capture):
    reason = 'RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION'
    paypal.account(pending_reason=reason)
    assert make_capture()['status_details'] == {'reason': reason}


def test_banks_answer_by_themselves(paypal, make_capture):
    paypal.settings(bank_delay=0.1)
    make_capture(how='echeck')
    deadline = time.monotonic() + 10
    while len(paypal_events(paypal)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert paypal.account_state()['balance'] == 9675


# === REFUNDS === #


def test_refunded_in_parts(paypal, make_capture, refund, read_again):
    captured = make_capture(custom_id='INV-1')
    first = refund(captured, amount=euros('30.00'), note_to_payer="Sorry")
    assert first.status_code == 201
    shown = first.json()
    assert (shown['status'], shown['custom_id']) == ('COMPLETED', 'INV-1')
    assert shown['seller_payable_breakdown'] == {
        'gross_amount': euros('30.00'),
        'paypal_fee': euros('0.00'),
        'net_amount': euros('30.00'),
        'total_refunded_amount': euros('30.00'),
    }
    assert read_again(captured).json()['status'] == 'PARTIALLY_REFUNDED'
    assert issue(refund(captured, amount=euros('70.01'))) == (422, 'REFUND_AMOUNT_EXCEEDED')
    rest = refund(captured).json()
    assert rest['amount'] == euros('70.00')
    assert rest['seller_payable_breakdown']['total_refunded_amount'] == euros('100.00')
    assert read_again(captured).json()['status'] == 'REFUNDED'
    assert issue(refund(captured)) == (422, 'CAPTURE_FULLY_REFUNDED')
    assert read_again(rest).json() == rest
    assert paypal.account_state()['balance'] == -325, "PayPal keeps its commission"
    event = paypal.events()[-1]
    assert event['event_type'] == 'PAYMENT.CAPTURE.REFUNDED'
    assert links(event['resource'])['up'] == links(captured)['self']


def test_refunds_stand_in_the_order(paypal, ask, make_capture, refund):
    captured = make_capture()
    given_back = refund(captured, amount=euros('1.00')).json()
    order_id = paypal.account_state()['orders'][0]['id']
    payments = ask('GET', f'/v2/checkout/orders/{order_id}').json()['purchase_units'][0]['payments']
    assert [one['id'] for one in payments['refunds']] == [given_back['id']]
    assert payments['captures'][0]['status'] == 'PARTIALLY_REFUNDED'


@pytest.mark.parametrize(
    ('body', 'status', 'name'),
    [
        ({'amount': euros('0')}, 422, 'CANNOT_BE_ZERO_OR_NEGATIVE'),
        ({'amount': euros('-1')}, 422, 'CANNOT_BE_ZERO_OR_NEGATIVE'),
        ({'amount': euros('1.001')}, 422, 'DECIMAL_PRECISION'),
        (
            {'amount': {'currency_code': 'USD', 'value': '1.00'}},
            422,
            'REFUND_CAPTURE_CURRENCY_MISMATCH',
        ),
        ({'amount': {'value': '1.00'}}, 400, 'MISSING_REQUIRED_PARAMETER'),
        ({'amount': euros('x')}, 400, 'INVALID_PARAMETER_SYNTAX'),
        ({'invoice_id': ''}, 400, 'INVALID_STRING_LENGTH'),
        ({'note_to_payer': 'x' * 256}, 400, 'INVALID_STRING_LENGTH'),
        ({'nonsense': 1}, 400, 'INVALID_PARAMETER_SYNTAX'),
    ],
)
def test_impossible_refunds(paypal, make_capture, refund, body, status, name):
    assert issue(refund(make_capture(), **body)) == (status, name)
    assert not paypal.account_state()['refunds']


def test_refunded_once(paypal, make_capture, refund):
    captured = make_capture()
    first = refund(captured, 'a', amount=euros('30.00'))
    paypal.advance(seconds=8 * 3600)
    again = refund(captured, 'a', amount=euros('30.00'))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()['id'] == again.json()['id']
    assert len(paypal.account_state()['refunds']) == 1
    other = refund(captured, 'b', amount=euros('30.00'), prefer='return=minimal').json()
    assert set(other) == {'id', 'status', 'links'} and other['id'] != first.json()['id']


def test_an_invoice_id_for_each_refund(make_capture, refund):
    captured = make_capture()
    assert refund(captured, amount=euros('1.00'), invoice_id='CN-1').status_code == 201
    again = refund(captured, amount=euros('1.00'), invoice_id='CN-1')
    assert issue(again) == (422, 'DUPLICATE_INVOICE_ID')
    assert refund(captured, amount=euros('1.00')).status_code == 201


def test_refunds_from_the_bank(paypal, make_capture, refund, read_again):
    paypal.account(echeck_refunds=True)
    captured = make_capture()
    first, second = (refund(captured, amount=euros('40.00')).json() for _number in range(2))
    assert (first['status'], first['status_details']) == ('PENDING', {'reason': 'ECHECK'})
    assert paypal.account_state()['balance'] == 9675
    paypal.settle_refund(refund=first['id'])
    paypal.settle_refund(refund=second['id'], succeed=False)
    assert [read_again(one).json()['status'] for one in (first, second)] == ['COMPLETED', 'FAILED']
    assert paypal.account_state()['balance'] == 5675
    assert paypal_events(paypal).count('PAYMENT.CAPTURE.REFUNDED') == 1
    paypal.account(echeck_refunds=False)
    assert refund(captured).json()['amount'] == euros('60.00')


def test_refunds_without_the_means(paypal, make_capture, refund):
    paypal.account(balance_only=True)
    captured = make_capture()
    assert issue(refund(captured)) == (422, 'REFUND_FAILED_INSUFFICIENT_FUNDS')
    assert refund(captured, amount=euros('96.75')).status_code == 201


def test_refunds_after_half_a_year(paypal, ask_token, make_capture, ask):
    paypal.settings(token_seconds=400 * DAY)
    captured = make_capture()
    token = ask_token().json()['access_token']
    paypal.advance(seconds=181 * DAY)
    answer = ask('POST', f"{PAYMENTS}/captures/{captured['id']}/refund", {}, token)
    assert issue(answer) == (422, 'REFUND_TIME_LIMIT_EXCEEDED')


def test_refunds_of_restricted_accounts(paypal, make_capture, refund):
    captured = make_capture()
    paypal.account(standing='restricted')
    assert issue(refund(captured)) == (422, 'PAYEE_ACCOUNT_RESTRICTED')


def test_refunds_at_the_dashboard(paypal, make_capture, read_again):
    captured = make_capture()
    given_back = paypal.refund(capture=captured['id'], amount=1234)
    assert read_again(given_back).json()['amount'] == euros('12.34')
    assert paypal.account_state()['refunds'][0]['capture'] == captured['id']


def test_two_refunds_at_once(paypal, make_capture, refund):
    captured = make_capture()
    paypal.misbehave(path=f"{PAYMENTS}/captures/{captured['id']}/refund", busy=30)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        first = threads.submit(refund, captured, 'a')
        while not paypal.idle()['in_flight'] and not first.done():
            time.sleep(0.01)
        assert issue(refund(captured, 'b')) == (409, 'PREVIOUS_REQUEST_IN_PROGRESS')
        paypal.behave()
        assert first.result().status_code == 201


def test_unknown_payments(ask, refund):
    for path in ('captures/X', 'refunds/X'):
        assert issue(ask('GET', f'{PAYMENTS}/{path}')) == (404, 'INVALID_RESOURCE_ID')
    assert issue(refund({'id': 'X'})) == (404, 'INVALID_RESOURCE_ID')


def test_reversed(paypal, make_capture, refund, read_again):
    captured = make_capture()
    refund(captured, amount=euros('10.00'))
    reversal = paypal.reverse(capture=captured['id'])
    assert reversal['amount'] == euros('90.00')
    assert read_again(reversal).json() == reversal
    assert read_again(captured).json()['status'] == 'REFUNDED'
    event = paypal.events()[-1]
    assert event['event_type'] == 'PAYMENT.CAPTURE.REVERSED'
    assert links(event['resource'])['up'] == links(captured)['self']
    state = paypal.account_state()
    assert (state['balance'], state['movements'][-1]['type']) == (-325, 'T1106')
