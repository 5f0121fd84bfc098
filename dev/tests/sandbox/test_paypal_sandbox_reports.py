# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Reports of the sandbox's PayPal: balances, and the movements they come from."""

from datetime import datetime, timedelta, timezone

import pytest

from dev.tests.calls import paypal_issue as issue
from dev.tests.calls import paypal_links as links

REPORTS = '/v1/reporting'


def instant(**later):
    return (datetime.now(timezone.utc) + timedelta(**later)).strftime('%Y-%m-%dT%H:%M:%SZ')


@pytest.fixture
def search(ask):
    """Search the movements of a day."""

    def search(**values):
        query = {'start_date': instant(hours=-12), 'end_date': instant(hours=12), **values}
        text = '&'.join(f'{name}={value}' for name, value in query.items() if value is not None)
        return ask('GET', f'{REPORTS}/transactions?{text}')

    return search


def infos(answer):
    return [one['transaction_info'] for one in answer.json()['transaction_details']]


def test_balances(paypal, ask, make_capture):
    make_capture('100.00')
    make_capture('10000', 'JPY')
    shown = ask('GET', f'{REPORTS}/balances').json()
    assert shown['account_id'] == paypal.account_id
    assert [
        (one['currency'], one['primary'], one['total_balance']['value'])
        for one in shown['balances']
    ] == [('EUR', True, '96.75'), ('JPY', False, '9670')]
    one = ask('GET', f'{REPORTS}/balances?currency_code=JPY').json()['balances']
    assert [balance['currency'] for balance in one] == ['JPY']
    before = ask('GET', f'{REPORTS}/balances?as_of_time={instant(days=-1)}').json()['balances']
    assert [balance['total_balance']['value'] for balance in before] == ['0.00']
    assert ask('GET', f'{REPORTS}/balances?as_of_time=yesterday').status_code == 400


def test_movements(paypal, search, make_capture):
    captured = make_capture(custom_id='TX-1', invoice_id='INV-1')
    given_back = paypal.refund(capture=captured['id'], amount=1000)
    payout = paypal.payout(amount=5000)
    paid, refunded, withdrawn = infos(search())
    assert paid['transaction_id'] == captured['id']
    assert (paid['transaction_event_code'], paid['transaction_status']) == ('T0006', 'S')
    assert paid['transaction_amount'] == {'currency_code': 'EUR', 'value': '100.00'}
    assert paid['fee_amount'] == {'currency_code': 'EUR', 'value': '-3.25'}
    assert (paid['invoice_id'], paid['custom_field']) == ('INV-1', 'TX-1')
    assert paid['paypal_reference_id'] == paypal.order_of('TX-1')['id']
    assert paid['transaction_initiation_date'].endswith('+0000')
    assert refunded['transaction_id'] == given_back['id']
    assert refunded['paypal_reference_id'] == captured['id']
    assert (refunded['transaction_event_code'], refunded['transaction_amount']['value']) == (
        'T1107',
        '-10.00',
    )
    assert 'fee_amount' not in refunded
    assert (withdrawn['transaction_id'], withdrawn['transaction_event_code']) == (
        payout['id'],
        'T0400',
    )
    balances = [one['ending_balance']['value'] for one in (paid, refunded, withdrawn)]
    assert balances == ['96.75', '86.75', '36.75']


def test_filters(paypal, search, make_capture):
    captured = make_capture()
    make_capture('1000', 'JPY')
    make_capture(how='echeck')
    paypal.payout()
    assert len(infos(search())) == 3
    assert len(infos(search(transaction_currency='JPY'))) == 1
    assert len(infos(search(transaction_type='T0400'))) == 1
    assert [one['transaction_id'] for one in infos(search(transaction_id=captured['id']))] == [
        captured['id']
    ]
    everything = infos(search(balance_affecting_records_only='N'))
    assert [one['transaction_status'] for one in everything] == ['S', 'S', 'S', 'P']
    assert len(infos(search(transaction_status='P'))) == 0
    assert infos(search(end_date=instant(hours=-11))) == []
    detail = search(fields='all').json()['transaction_details'][0]
    assert detail['payer_info']['email_address'] == 'payer@example.com'


def test_pages(search, make_capture):
    captures = [make_capture()['id'] for _number in range(5)]
    page = search(page_size=2)
    assert (page.json()['total_items'], page.json()['total_pages']) == (5, 3)
    seen = infos(page) + infos(search(page_size=2, page=2)) + infos(search(page_size=2, page=3))
    assert [one['transaction_id'] for one in seen] == captures
    assert 'page=2' in links(page.json())['next']
    assert 'next' not in links(search(page_size=2, page=3).json())


@pytest.mark.parametrize(
    ('values', 'name'),
    [
        ({'start_date': None}, 'MISSING_REQUIRED_PARAMETER'),
        ({'end_date': None}, 'MISSING_REQUIRED_PARAMETER'),
        ({'start_date': '2026-11-24'}, 'INVALID_PARAMETER_SYNTAX'),
        ({'start_date': '2026-11-24T10:00Z'}, 'INVALID_PARAMETER_SYNTAX'),
        ({'start_date': instant(days=-32)}, 'INVALID_PARAMETER_VALUE'),
        ({'end_date': instant(days=-2)}, 'INVALID_PARAMETER_VALUE'),
        ({'page_size': 501}, 'INVALID_PARAMETER_VALUE'),
        ({'page_size': 0}, 'INVALID_PARAMETER_VALUE'),
        ({'page': 0}, 'INVALID_PARAMETER_VALUE'),
        ({'nonsense': 1}, 'NOT_SUPPORTED'),
    ],
)
def test_refused_searches(search, values, name):
    assert issue(search(**values)) == (400, name)


def test_reports_are_late(paypal, ask, search, make_capture):
    paypal.settings(report_delay=3 * 3600)
    make_capture()
    assert infos(search()) == []
    assert (
        ask('GET', f'{REPORTS}/balances').json()['balances'][0]['total_balance']['value'] == '0.00'
    )
    paypal.advance(seconds=3 * 3600 + 1)
    assert len(infos(search())) == 1


def test_not_without_the_feature(paypal, ask, ask_token):
    paypal.account(features=[])
    token = ask_token().json()['access_token']
    dates = f'start_date={instant(days=-1)}&end_date={instant()}'
    for path in (f'{REPORTS}/balances', f'{REPORTS}/transactions?{dates}', '/v1/customer/disputes'):
        answer = ask('GET', path, token=token)
        assert (answer.status_code, answer.json()['name']) == (403, 'NOT_AUTHORIZED')
    assert ask('GET', '/v1/notifications/webhooks', token=token).status_code == 200
