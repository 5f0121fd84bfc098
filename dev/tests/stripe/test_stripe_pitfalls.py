# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What goes wrong with the SDK and with Stripe, one test for each of it."""

import ast
import concurrent.futures
import dataclasses
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

import gateways
from gateways import GATEWAYS, base
from gateways.base import Credentials
from gateways.errors import GatewayAuthError, GatewayError, GatewayRefused, GatewayUnavailable
from gateways.stripe import client as stripe_client
from gateways.stripe import gateway as stripe_gateway

URL = 'http://127.0.0.1:8069/pay_now/webhook/1'
CHECKOUT = '/v1/checkout/sessions'


def plain(value):
    """Tell whether a value is made of nothing but Python's own types and our dataclasses."""
    if dataclasses.is_dataclass(value):
        return all(plain(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, dict):
        return all(map(plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(plain, value))
    return value is None or type(value) in (str, int, bool, float, Decimal, datetime)


# === THE SDK === #


def test_answers_are_plain(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id)
    sandbox.release_fees()
    payment = gateway.fetch_payment(checkout.id)
    sandbox.refund(charge=payment.charge_id, amount=100)
    answers = [
        gateway.check_account(),
        checkout,
        gateway.fetch_payment(checkout.id),
        gateway.balance(),
        gateway.register_webhook(URL),
        *gateway.list_events(datetime.now(timezone.utc) - timedelta(hours=1)),
    ]
    assert all(map(plain, answers))
    with pytest.raises(dataclasses.FrozenInstanceError):
        payment.amount = Decimal(0)


def test_clients_are_shared_per_account_but_not_over_a_fork(sandbox, monkeypatch):
    def client(key='sk_test_a', base_address=sandbox.api_base, account=None):
        return stripe_client.StripeClient(key, base_address, account).v1._requestor

    assert client() is client(), "one connection pool, not one per call"
    others = [client('sk_test_b'), client(base_address='http://127.0.0.1:1'), client(account='a')]
    assert client() not in others
    before = client()
    monkeypatch.setattr(stripe_client.os, 'getpid', lambda: 1)
    assert client() is not before


def test_threads_share_a_gateway(gateway):
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        accounts = list(threads.map(lambda _n: gateway.check_account().id, range(24)))
    assert set(accounts) == {'acct_sandbox'}


def test_no_odoo_no_sleep_no_absolute_imports():
    for path in Path(gateways.__file__).parent.rglob('*.py'):
        source = path.read_text()
        # PayPal's client obeys a Retry-After of a moment; how long it waits has its own test.
        assert 'sleep(' not in source or path.parts[-2:] == ('paypal', 'client.py'), path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                assert name.partition('.')[0] not in ('odoo', 'gateways', 'dev'), path


# === KEYS === #


def test_wrong_and_revoked_keys_leave_nothing(sandbox, make_gateway, make_request):
    sandbox.account(account='acct_sandbox', keys={'sk_test_revoked': 'revoked'})
    for key in ('sk_test_wrong', 'sk_test_revoked'):
        gateway = make_gateway(key)
        for call in (
            gateway.check_account,
            lambda gateway=gateway: gateway.register_webhook(URL),
            lambda gateway=gateway: gateway.open_checkout(make_request(), 'key'),
        ):
            with pytest.raises(GatewayAuthError) as error:
                call()
            assert error.value.request_id.startswith('req_')
            assert key not in str(error.value)
    state = sandbox.account_state()
    assert not state['webhooks'] and not state['sessions']


@pytest.mark.parametrize(
    'key', ['', ' ', 'sk_test_\u00e9', 'sk_test_a\r\nX-Header: 1', 'a' * 9 + ' ']
)
def test_what_cannot_be_a_key_is_never_sent(sandbox, key):
    gateway = GATEWAYS['pay_now_stripe'](Credentials(key=key), api_base=sandbox.api_base)
    with pytest.raises(GatewayAuthError):
        gateway.check_account()
    assert not sandbox.requests()


def test_connected_account(sandbox, make_request):
    sandbox.account(account='acct_connected', platform='acct_sandbox')
    sandbox.account(account='acct_foreign')

    def gateway(account):
        return GATEWAYS['pay_now_stripe'](
            Credentials(key=sandbox.key), api_base=sandbox.api_base, account=account
        )

    checkout = gateway('acct_connected').open_checkout(make_request(), 'key')
    assert sandbox.requests()[-1]['headers']['Stripe-Account'] == 'acct_connected'
    assert sandbox.account_state('acct_connected')['sessions'][0]['id'] == checkout.id
    assert not sandbox.account_state()['sessions']
    with pytest.raises(GatewayAuthError) as error:
        gateway('acct_foreign').check_account()
    assert error.value.code == 'account_invalid'


# === RETRIES AND IDEMPOTENCY === #


def test_answer_lost_after_the_work_was_done(sandbox, gateway, make_request):
    sandbox.misbehave(path=CHECKOUT, executed=True, drop=True)
    checkout = gateway.open_checkout(make_request(), 'key')
    assert [session['id'] for session in sandbox.account_state()['sessions']] == [checkout.id]
    assert [call['replayed'] for call in sandbox.requests()] == [False, True]


def test_same_key_at_the_same_time(sandbox, gateway, make_request):
    """409, which the SDK takes for an APIError: the second one waits and gets the same."""
    sandbox.misbehave(path=CHECKOUT, busy=0.3)
    request = make_request()
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        one, two = threads.map(lambda _n: gateway.open_checkout(request, 'key'), range(2))
    assert one == two
    assert len(sandbox.account_state()['sessions']) == 1
    assert 409 in {call['status'] for call in sandbox.requests()}


def test_key_in_use_for_long(sandbox, gateway, make_request):
    sandbox.misbehave(path=CHECKOUT, busy=30)
    request = make_request()
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        first = threads.submit(gateway.open_checkout, request, 'key')
        while not sandbox.idle()['in_flight']:
            assert not first.done()
        with pytest.raises(GatewayUnavailable) as error:
            gateway.open_checkout(request, 'key')
        sandbox.behave()
        assert first.result().id == gateway.open_checkout(request, 'key').id
    assert error.value.code == 'idempotency_key_in_use'


def test_a_failure_that_stays(sandbox, gateway, make_request):
    sandbox.misbehave(path=CHECKOUT, status=500, executed=True, times=9)
    with pytest.raises(GatewayUnavailable):
        gateway.open_checkout(make_request(), 'key')
    assert len(sandbox.requests()) <= 2 * (1 + stripe_gateway.NEW_KEYS), "not for ever"


def test_stripe_asks_not_to_retry(sandbox, gateway):
    sandbox.misbehave(status=500, headers={'Stripe-Should-Retry': 'false'}, times=5)
    with pytest.raises(GatewayUnavailable):
        gateway.check_account()
    assert len(sandbox.requests()) == 1


def test_too_many_requests_are_not_repeated(sandbox, gateway):
    sandbox.misbehave(status=429, times=5)
    with pytest.raises(GatewayUnavailable) as error:
        gateway.check_account()
    assert error.value.code == 'rate_limit'
    assert len(sandbox.requests()) == 1


def test_posts_without_a_key_of_ours_get_one(sandbox, gateway):
    """So that the SDK's retry creates nothing twice."""
    sandbox.misbehave(path='/v1/webhook_endpoints', method='POST', executed=True, drop=True)
    webhook = gateway.register_webhook(URL)
    assert sandbox.account_state()['webhooks'] == [URL]
    assert webhook.secret.startswith('whsec_')


def test_reused_key_is_named(gateway, make_request):
    gateway.open_checkout(make_request(), 'key')
    with pytest.raises(GatewayRefused) as error:
        gateway.open_checkout(make_request(label="Another"), 'key')
    assert error.value.code == 'idempotency_error'


@pytest.mark.parametrize('hours', [0, 48])
def test_a_repeated_request_stays_the_same(gateway, make_request, monkeypatch, hours):
    """Also where the expiry is limited, which depends on the time of the request."""

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return start + timedelta(minutes=2)

    now = datetime.now(timezone.utc)
    step = stripe_gateway.EXPIRY_STEP
    start = datetime.fromtimestamp(now.timestamp() // step * step, timezone.utc)
    monkeypatch.setattr(stripe_gateway, 'datetime', Later)
    first = stripe_gateway._expiry(now + timedelta(hours=hours))
    start += timedelta(minutes=5)
    assert stripe_gateway._expiry(now + timedelta(hours=hours)) == first


# === ANSWERS THAT ARE NONE === #


@pytest.mark.parametrize('status', [502, 404, 200])
def test_a_page_instead_of_an_answer(sandbox, gateway, status):
    """A proxy's page is nothing to show, and no reason to believe that an object is gone."""
    sandbox.misbehave(status=status, text='<html>intranet of somebody</html>', times=9)
    with pytest.raises(GatewayUnavailable) as error:
        gateway.check_account()
    assert 'intranet' not in str(error.value) + repr(error.value.__cause__)


def test_secrets_in_stripes_own_words(sandbox, gateway):
    text = '{"error": {"type": "invalid_request_error", "message": "No sk_live_abc123, whsec_x1"}}'
    sandbox.misbehave(status=400, text=text)
    with pytest.raises(GatewayRefused, match=r"No sk_live_\*\*\*, whsec_\*\*\*"):
        gateway.check_account()


def test_errors_carry_what_support_asks_for(gateway):
    with pytest.raises(GatewayError) as error:
        gateway.fetch_payment('cs_test_unknown')
    assert error.value.code == 'resource_missing'
    assert error.value.request_id.startswith('req_')
    assert error.value.__cause__ is None, "the SDK's error carries the whole answer"


# === WEBHOOKS === #


def test_secret_that_was_never_received(sandbox, gateway):
    """Nothing but a new endpoint helps: the secret is given once."""
    sandbox.misbehave(
        path='/v1/webhook_endpoints', method='POST', executed=True, drop=True, times=2
    )
    with pytest.raises(GatewayUnavailable):
        gateway.register_webhook(URL)
    assert gateway.find_webhook(URL).secret == ''
    assert gateway.register_webhook(URL).secret
    assert sandbox.account_state()['webhooks'] == [URL]


def test_as_many_endpoints_as_stripe_allows(sandbox, gateway):
    for number in range(16):
        gateway.register_webhook(f'{URL}{number}')
    assert gateway.register_webhook(f'{URL}0').secret
    assert len(sandbox.account_state()['webhooks']) == 16
    with pytest.raises(GatewayRefused, match="maximum"):
        gateway.register_webhook(URL)


# === REQUESTS === #


def test_nothing_empty_is_sent(sandbox, gateway, make_request):
    request = make_request(label=' ', description='', cancel_url='', expires_at=None)
    assert gateway.open_checkout(request, 'key').url
    sent = sandbox.requests()[-1]['params']
    assert sent['line_items'][0]['price_data']['product_data']['name'] == request.reference
    assert 'cancel_url' not in sent and 'description' not in sent['payment_intent_data']


def test_long_texts_are_cut(sandbox, gateway, make_request):
    request = make_request(
        reference='R' * 300,
        label='L' * 9000,
        description='D' * 9000,
        metadata=(('k' * 99, 'v' * 9000), ('empty', '')),
    )
    checkout = gateway.open_checkout(request, 'key')
    sandbox.pay(session=checkout.id)
    assert gateway.fetch_payment(checkout.id).reference == 'R' * 300
    assert 'empty' not in sandbox.requests()[0]['params']['metadata']


@pytest.mark.parametrize(
    ('amount', 'currency', 'minor'),
    [
        ('1000', 'JPY', '1000'),
        ('12.340', 'KWD', '12340'),
        ('500', 'ISK', '50000'),
        ('500', 'UGX', '50000'),
        ('10500.50', 'HUF', '1050050'),
    ],
)
def test_other_minor_units(sandbox, gateway, make_request, amount, currency, minor):
    request = make_request(amount=Decimal(amount), currency=currency)
    checkout = gateway.open_checkout(request, 'key')
    item = sandbox.requests()[-1]['params']['line_items'][0]
    assert item['price_data']['unit_amount'] == minor
    assert gateway.fetch_payment(checkout.id).amount == Decimal(amount)


@pytest.mark.parametrize(
    ('amount', 'currency', 'code'),
    [
        ('5', 'KPW', 'currency_not_supported'),
        ('5.50', 'UGX', 'amount_not_representable'),
        ('12.345', 'TND', 'amount_not_representable'),
        ('1.001', 'EUR', 'amount_not_representable'),
        ('NaN', 'EUR', 'amount_not_representable'),
        ('Infinity', 'EUR', 'amount_not_representable'),
        ('1E+99', 'EUR', 'amount_not_representable'),
    ],
)
def test_amounts_that_are_never_sent(sandbox, gateway, make_request, amount, currency, code):
    with pytest.raises(GatewayRefused) as error:
        gateway.open_checkout(make_request(amount=Decimal(amount), currency=currency), 'key')
    assert error.value.code == code
    assert not sandbox.requests()


@pytest.mark.parametrize(
    ('amount', 'code'), [('0.49', 'amount_too_small'), ('1000000', 'amount_too_large')]
)
def test_limits_are_stripes(gateway, make_request, amount, code):
    low, high = gateway.amount_limits('EUR')
    assert not low <= Decimal(amount) <= high
    with pytest.raises(GatewayRefused) as error:
        gateway.open_checkout(make_request(amount=Decimal(amount)), 'key')
    assert error.value.code == code
    for allowed in (low, high):
        assert gateway.open_checkout(make_request(amount=allowed), f'key-{allowed}')


def test_every_locale_we_send_is_stripes(sandbox, gateway, make_request):
    """The sandbox and, where it is here, Stripe's description refuse any other."""
    codes = [*stripe_gateway.REGIONAL_LOCALES, *(f'{c}_XX' for c in stripe_gateway.LOCALES)]
    for code in codes:
        gateway.open_checkout(make_request(locale=code), f'key-{code}')
    assert len(sandbox.account_state()['sessions']) == len(codes)


def test_close_while_stripe_is_down(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.misbehave(path=CHECKOUT, status=503, times=9)
    with pytest.raises(GatewayUnavailable):
        gateway.close_checkout(checkout.id)
    sandbox.behave()
    assert gateway.fetch_payment(checkout.id).state == base.OPEN
