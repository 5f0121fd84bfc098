# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The sandbox refuses what Stripe refuses, in Stripe's words."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.sandbox.stripe import errors, forms
from dev.tests.calls import SESSION

URL = 'http://127.0.0.1:8069/pay_now/webhook/1'
ITEM = 'line_items[0][price_data]'


def refusal(answer):
    """Return status, code and parameter of an error."""
    error = answer.json()['error']
    return answer.status_code, error.get('code'), error.get('param')


# === WHO ASKS, AND FOR WHAT === #


def test_no_key(call):
    assert refusal(call('GET', 'account', key=None)) == (401, None, None)


def test_wrong_key_is_masked(call):
    answer = call('GET', 'account', key='sk_test_abcdefghijkl')
    assert answer.status_code == 401
    assert 'sk_test_********ijkl' in answer.text


def test_publishable_key(call):
    assert refusal(call('GET', 'account', key='pk_test_x')) == (403, 'secret_key_required', None)


def test_unknown_address(call):
    answer = call('GET', 'invoices')
    assert answer.status_code == 404
    assert "Unrecognized request URL (GET: /v1/invoices)" in answer.text
    assert call('DELETE', 'account').status_code == 404


def test_headers(call):
    answer = call('GET', 'account', Stripe_Version='2026-10-28.endive')
    assert answer.headers['Request-Id'].startswith('req_')
    assert answer.headers['Stripe-Version'] == '2026-10-28.endive'


# === PARAMETERS === #


@pytest.mark.parametrize(
    ('values', 'code', 'param'),
    [
        ({'payment_method_types[0]': 'card'}, 'parameter_unknown', 'payment_method_types'),
        ({'metadata[a][b]': 'c'}, None, 'metadata[a]'),
        ({'mode': ''}, 'parameter_invalid_empty', 'mode'),
        ({'cancel_url': ''}, 'parameter_invalid_empty', 'cancel_url'),
        ({'mode': 'gift'}, None, 'mode'),
        ({'locale': 'fr_FR'}, None, 'locale'),
        ({'success_url': 'nowhere'}, 'url_invalid', 'success_url'),
        ({'customer_email': 'nobody'}, 'email_invalid', 'customer_email'),
        ({'client_reference_id': 'x' * 201}, None, 'client_reference_id'),
        ({'adaptive_pricing[enabled]': 'no'}, None, 'adaptive_pricing[enabled]'),
        ({'expires_at': 'soon'}, 'parameter_invalid_integer', 'expires_at'),
        ({'expires_at': '1'}, None, 'expires_at'),
        ({f'{ITEM}[unit_amount]': '1.5'}, 'parameter_invalid_integer', f'{ITEM}[unit_amount]'),
        ({f'{ITEM}[unit_amount]': '49'}, 'amount_too_small', None),
        ({f'{ITEM}[unit_amount]': '-100'}, 'amount_too_small', None),
        ({f'{ITEM}[unit_amount]': '100000000'}, 'amount_too_large', None),
        ({f'{ITEM}[currency]': 'xxx'}, None, f'{ITEM}[currency]'),
        (
            {f'{ITEM}[currency]': 'isk', f'{ITEM}[unit_amount]': '1050'},
            'invalid_charge_amount_no_decimal_compatible',
            None,
        ),
        (
            {f'{ITEM}[currency]': 'ugx', f'{ITEM}[unit_amount]': '1050'},
            'invalid_charge_amount_no_decimal_compatible',
            None,
        ),
        (
            {f'{ITEM}[currency]': 'tnd', f'{ITEM}[unit_amount]': '12345'},
            'invalid_charge_amount',
            None,
        ),
        ({'mode[x]': 'payment'}, None, 'mode[x]'),
        ({'a[[]': 'x'}, 'parameter_unknown', 'a[[]'),
        ({f'metadata[{"k" * 41}]': 'x'}, None, 'metadata'),
    ],
)
def test_refused_parameters(call, sandbox, values, code, param):
    answer = call('POST', 'checkout/sessions', {**SESSION, **values})
    assert refusal(answer) == (400, code, param)
    assert not sandbox.account_state()['sessions']


@pytest.mark.parametrize('name', [*SESSION])
def test_missing_parameters(call, name):
    values = {key: value for key, value in SESSION.items() if key != name}
    status, code, _param = refusal(call('POST', 'checkout/sessions', values))
    assert (status, code) == (400, 'parameter_missing')


def test_expiry_between_half_an_hour_and_a_day(call):
    now = int(time.time())
    for seconds, status in ((1790, 400), (1830, 200), (86370, 200), (86410, 400)):
        values = {**SESSION, 'expires_at': str(now + seconds)}
        assert call('POST', 'checkout/sessions', values).status_code == status, seconds


def test_lists_by_brackets_and_by_index(call):
    for names in (('enabled_events[0]', 'enabled_events[1]'), ('enabled_events[]',) * 2):
        data = [('url', URL), (names[0], 'charge.updated'), (names[1], 'charge.failed')]
        endpoint = call('POST', 'webhook_endpoints', data).json()
        assert endpoint['enabled_events'] == ['charge.updated', 'charge.failed']


@given(st.lists(st.tuples(st.text('ab[]0', min_size=1, max_size=8), st.text(max_size=3))))
def test_any_form_is_read_or_refused(pairs):
    try:
        assert isinstance(forms.parse(pairs), dict)
    except errors.StripeError as error:
        assert error.status == 400


# === ONCE PER KEY === #


def test_idempotency(call, sandbox):
    first = call('POST', 'checkout/sessions', SESSION, Idempotency_Key='a')
    again = call('POST', 'checkout/sessions', SESSION, Idempotency_Key='a')
    assert again.json() == first.json()
    assert (first.headers.get('Idempotent-Replayed'), again.headers['Idempotent-Replayed']) == (
        None,
        'true',
    )
    other = call('POST', 'checkout/sessions', {**SESSION, 'locale': 'fr'}, Idempotency_Key='a')
    assert other.status_code == 400
    assert other.json()['error']['type'] == 'idempotency_error'
    assert len(sandbox.account_state()['sessions']) == 1


def test_answers_are_kept_as_they_were(call, sandbox):
    session = call('POST', 'checkout/sessions', SESSION, Idempotency_Key='a').json()
    sandbox.pay(session=session['id'])
    again = call('POST', 'checkout/sessions', SESSION, Idempotency_Key='a').json()
    assert again['status'] == 'open'


def test_keys_belong_to_an_account(call, sandbox):
    sandbox.account(account='acct_two', keys={'sk_test_two': 'full'})
    first = call('POST', 'checkout/sessions', SESSION, Idempotency_Key='a').json()
    other = call('POST', 'checkout/sessions', SESSION, key='sk_test_two', Idempotency_Key='a')
    assert other.json()['id'] != first['id']


def test_what_was_refused_is_not_kept(call):
    wrong = {**SESSION, 'mode': 'gift'}
    assert call('POST', 'checkout/sessions', wrong, Idempotency_Key='a').status_code == 400
    assert call('POST', 'checkout/sessions', SESSION, Idempotency_Key='a').status_code == 200


# === LISTS AND EXPANSION === #


def test_pages(call, make_session):
    newest_first = [make_session()['id'] for _number in range(7)][::-1]
    seen, more, after = [], True, {}
    while more:
        page = call('GET', 'checkout/sessions', {'limit': '3', **after}).json()
        seen += [session['id'] for session in page['data']]
        more, after = page['has_more'], {'starting_after': seen[-1]}
    assert seen == newest_first
    before = {'limit': '2', 'ending_before': newest_first[5]}
    page = call('GET', 'checkout/sessions', before).json()
    assert [session['id'] for session in page['data']] == newest_first[3:5]
    assert page['has_more'] is True


@pytest.mark.parametrize(
    'query',
    [
        {'limit': '0'},
        {'limit': '101'},
        {'starting_after': 'cs_unknown'},
        {'expand[]': 'payment_intent'},
        {'expand[]': 'data.nothing'},
        {'nonsense': '1'},
        {'status': 'paid'},
    ],
)
def test_refused_lists(call, make_session, query):
    make_session()
    assert call('GET', 'checkout/sessions', query).status_code in (400, 404)


def test_events_by_type(call, sandbox, make_session):
    sandbox.pay(session=make_session()['id'])

    def types(**query):
        return {event['type'] for event in call('GET', 'events', query).json()['data']}

    assert types(type='charge.*') == {'charge.succeeded'}
    assert types(**{'types[0]': 'charge.succeeded', 'types[1]': 'payment_intent.succeeded'}) == {
        'charge.succeeded',
        'payment_intent.succeeded',
    }
    assert types(**{'created[gt]': str(int(time.time()) + 60)}) == set()
    both = {'type': 'charge.*', 'types[0]': 'charge.failed'}
    assert refusal(call('GET', 'events', both))[1] == 'parameters_exclusive'


def test_expanded_to_four_levels(call, sandbox, make_session):
    session = make_session()['id']
    sandbox.pay(session=session)
    sandbox.release_fees()

    def read(path):
        return call('GET', f'checkout/sessions/{session}', {'expand[]': path})

    charge = read('payment_intent.latest_charge').json()['payment_intent']['latest_charge']
    assert charge['balance_transaction'].startswith('txn_'), "only what was asked for"
    assert 'refunds' not in charge
    whole = read('payment_intent.latest_charge.balance_transaction').json()
    assert whole['payment_intent']['latest_charge']['balance_transaction']['fee'] == 40
    deep = 'payment_intent.latest_charge.payment_intent.latest_charge'
    assert read(deep).status_code == 200
    assert read(f'{deep}.balance_transaction').status_code == 400
