# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging
import time
import warnings
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
import requests
import stripe

from gateways import base
from gateways.base import Credentials
from gateways.errors import (
    GatewayAuthError,
    GatewayNotFound,
    GatewayRefused,
    GatewayUnavailable,
)
from gateways.stripe import client as stripe_client

URL = 'http://127.0.0.1:8069/pay_now/webhook/1'


# === CONNECTION === #


def test_account(gateway):
    account = gateway.check_account()
    assert (account.id, account.currency, account.test_mode) == ('acct_sandbox', 'EUR', True)
    assert account.can_charge and not account.missing


def test_account_that_misses_something(sandbox, gateway):
    sandbox.account(account='acct_sandbox', charges_enabled=False, missing=['external_account'])
    account = gateway.check_account()
    assert not account.can_charge
    assert account.missing == ('external_account', 'requirements.past_due')


def test_wrong_key_in_stripes_words(make_gateway):
    with pytest.raises(GatewayAuthError, match="Invalid API Key provided") as error:
        make_gateway('sk_test_wrong_key_of_mine').check_account()
    assert 'sk_test_wrong_key_of_mine' not in str(error.value)


def test_publishable_key_is_refused_before_any_call(sandbox, make_gateway):
    with pytest.raises(GatewayAuthError, match="secret key"):
        make_gateway('pk_test_x').check_account()
    assert not sandbox.requests()


@pytest.mark.parametrize('key', ['sk_test_é', 'sk test', 'sk_test_\n'])
def test_what_is_no_key(make_gateway, key):
    with pytest.raises(GatewayAuthError):
        make_gateway(key).check_account()


def test_restricted_key(sandbox, make_gateway):
    sandbox.account(account='acct_sandbox', keys={'rk_test_r': 'restricted'})
    gateway = make_gateway('rk_test_r')
    gateway.check_account()
    with pytest.raises(GatewayAuthError, match="permissions"):
        gateway.register_webhook(URL)


def test_live_key_is_not_test_mode(make_gateway):
    assert make_gateway('sk_live_x').test_mode is False
    assert make_gateway('rk_test_x').test_mode is True


# === WEBHOOKS === #


def test_one_endpoint_per_address(sandbox, gateway):
    first = gateway.register_webhook(URL)
    assert first.secret.startswith('whsec_')
    again = gateway.register_webhook(URL)
    assert again.id != first.id and again.secret != first.secret
    assert sandbox.account_state()['webhooks'] == [URL]
    assert gateway.find_webhook(URL).id == again.id
    assert gateway.find_webhook(URL).secret == ''
    assert gateway.find_webhook('http://127.0.0.1/other') is None
    gateway.remove_webhook(again.id)
    gateway.remove_webhook(again.id)
    assert gateway.find_webhook(URL) is None


def test_more_than_a_page_of_endpoints(sandbox, gateway):
    for number in range(15):
        gateway.register_webhook(f'{URL}{number}')
    assert gateway.find_webhook(f'{URL}0')


def test_refused_address(gateway):
    with pytest.raises(GatewayRefused) as error:
        gateway.register_webhook('nonsense')
    assert error.value.code == 'url_invalid'


# === CHECKOUT === #


def test_session(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key-1')
    call = sandbox.requests()[-1]
    sent = call['params']
    assert call['idempotency_key'] == 'key-1'
    assert call['version'] == stripe_client.API_VERSION
    assert 'payment_method_types' not in sent
    assert sent['adaptive_pricing']['enabled'] == 'false'
    assert sent['line_items'][0]['price_data']['unit_amount'] == '12345'
    assert sent['metadata'] == sent['payment_intent_data']['metadata']
    assert sent['metadata']['odoo_reference'] == 'INV-2026-00001'
    assert sent['locale'] == 'fr'
    assert checkout.url.startswith(sandbox.api_base)
    assert checkout.expires_at > datetime.now(timezone.utc) + timedelta(hours=22)


@pytest.mark.parametrize('email', ['', 'nobody', 'a@b', 'a b@c.fr', 'a@b.fr, c@d.fr'])
def test_invalid_email_is_left_out(sandbox, gateway, make_request, email):
    gateway.open_checkout(make_request(payer_email=email), f'key-{email}')
    assert 'customer_email' not in sandbox.requests()[-1]['params']


@pytest.mark.parametrize(
    ('code', 'locale'),
    [('fr_BE', 'fr'), ('en_GB', 'en-GB'), ('pt_BR', 'pt-BR'), ('xx_YY', 'auto'), ('', 'auto')],
)
def test_locale(sandbox, gateway, make_request, code, locale):
    gateway.open_checkout(make_request(locale=code), f'key-{code}')
    assert sandbox.requests()[-1]['params']['locale'] == locale


def test_expiry_is_kept_within_stripes_limits(gateway, make_request):
    now = datetime.now(timezone.utc)
    soon = gateway.open_checkout(make_request(expires_at=now), 'key-soon')
    late = gateway.open_checkout(make_request(expires_at=now + timedelta(days=3)), 'key-late')
    assert soon.expires_at > now + timedelta(minutes=30)
    assert late.expires_at < now + timedelta(hours=24)


def test_same_key_same_checkout(gateway, make_request):
    request = make_request()
    assert gateway.open_checkout(request, 'key') == gateway.open_checkout(request, 'key')


def test_same_key_with_other_amount_is_refused(gateway, make_request):
    gateway.open_checkout(make_request(), 'key')
    with pytest.raises(GatewayRefused, match="idempotent"):
        gateway.open_checkout(make_request(amount=Decimal('1.00')), 'key')


def test_amount_too_small(gateway, make_request):
    with pytest.raises(GatewayRefused) as error:
        gateway.open_checkout(make_request(amount=Decimal('0.10')), 'key')
    assert error.value.code == 'amount_too_small'


def test_close(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    assert gateway.close_checkout(checkout.id) is True
    assert gateway.close_checkout(checkout.id) is True, "closed is closed"
    assert gateway.fetch_payment(checkout.id).state == base.CANCELED
    assert gateway.close_checkout('cs_test_unknown') is True


def test_close_loses_the_race_against_the_payer(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id)
    assert gateway.close_checkout(checkout.id) is False
    pending = gateway.open_checkout(make_request(reference='B'), 'key-b')
    sandbox.pay(session=pending.id, method='sepa')
    assert gateway.close_checkout(pending.id) is False


# === STATES === #


def test_card(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    assert gateway.fetch_payment(checkout.id).state == base.OPEN
    sandbox.pay(session=checkout.id)
    paid = gateway.fetch_payment(checkout.id)
    assert (paid.state, paid.amount, paid.currency) == (base.PAID, Decimal('123.45'), 'EUR')
    assert (paid.method, paid.reference) == ('card', 'INV-2026-00001')
    assert paid.commission is None, "asynchronous capture: not known yet"
    sandbox.release_fees()
    paid = gateway.fetch_payment(checkout.id)
    assert (paid.commission, paid.net) == (Decimal('2.10'), Decimal('121.35'))
    assert paid.movement_id.startswith('txn_')
    assert paid.settlement_currency == 'EUR'
    assert gateway.fetch_payment(payment_id=paid.payment_id) == paid
    assert gateway.capture(checkout.id, 'key-c') == paid
    assert gateway.balance().total('EUR') == Decimal('121.35')


def test_declined_then_paid(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id, method='declined')
    declined = gateway.fetch_payment(checkout.id)
    assert (declined.state, declined.failure) == (base.OPEN, "Your card was declined.")
    sandbox.pay(session=checkout.id, method='card')
    assert gateway.fetch_payment(checkout.id).state == base.PAID


@pytest.mark.parametrize(('method', 'end'), [('sepa', base.PAID), ('sepa_fail', base.FAILED)])
def test_sepa(sandbox, gateway, make_request, method, end):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id, method=method)
    assert gateway.fetch_payment(checkout.id).state == base.PENDING
    sandbox.settle(session=checkout.id)
    payment = gateway.fetch_payment(checkout.id)
    assert (payment.state, payment.method) == (end, 'sepa_debit')
    if end == base.PAID:
        sandbox.release_fees()
        assert gateway.fetch_payment(checkout.id).commission == Decimal('0.35')
    else:
        assert "insufficient funds" in payment.failure


@pytest.mark.parametrize(
    ('method', 'word', 'wallet'),
    [
        ('card', 'card', ''),
        ('apple_pay', 'card', 'apple_pay'),
        ('bancontact', 'bancontact', ''),
        ('ideal', 'ideal', ''),
    ],
)
def test_method_really_used(sandbox, gateway, make_request, method, word, wallet):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id, method=method)
    payment = gateway.fetch_payment(checkout.id)
    assert (payment.state, payment.method, payment.wallet) == (base.PAID, word, wallet)


def test_webhook_curtailed_or_disabled_at_the_dashboard(gateway):
    webhook = gateway.register_webhook(URL)
    found = gateway.find_webhook(URL)
    assert (found.enabled, found.complete) == (True, True)
    for change, seen in (
        ({'enabled_events': ['payout.paid']}, (True, False)),
        ({'enabled_events': ['*']}, (True, True)),
        ({'disabled': True}, (False, True)),
    ):
        gateway._client.call(lambda v1: v1.webhook_endpoints.update, webhook.id, change)
        found = gateway.find_webhook(URL)
        assert (found.enabled, found.complete) == seen


def test_refund_at_the_dashboard(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id)
    sandbox.refund(charge=gateway.fetch_payment(checkout.id).charge_id, amount=2345)
    (refund,) = gateway.fetch_payment(checkout.id).refunds
    assert (refund.amount, refund.currency, refund.state) == (Decimal('23.45'), 'EUR', 'paid')


def test_unknown_payment(gateway):
    with pytest.raises(GatewayNotFound):
        gateway.fetch_payment('cs_test_unknown')
    with pytest.raises(GatewayNotFound):
        gateway.fetch_payment(payment_id='pi_unknown')


# === A PROVIDER THAT IS ILL === #


def test_one_retry_with_the_same_key(sandbox, gateway, make_request):
    sandbox.misbehave(status=500, path='/v1/checkout', times=1)
    gateway.open_checkout(make_request(), 'key')
    assert [call['idempotency_key'] for call in sandbox.requests()] == ['key', 'key']
    assert len(sandbox.account_state()['sessions']) == 1


@pytest.mark.parametrize('status', [500, 502, 429])
def test_down(sandbox, gateway, status):
    sandbox.misbehave(status=status, times=5)
    with pytest.raises(GatewayUnavailable):
        gateway.check_account()


def test_executed_but_answered_500_is_replayed(sandbox, gateway, make_request):
    """Stripe keeps the 500 with the key; whoever kept the key would never get a checkout."""
    sandbox.misbehave(status=500, executed=True, path='/v1/checkout', times=1)
    request = make_request()
    checkout = gateway.open_checkout(request, 'key')
    calls = sandbox.requests()
    assert [call['idempotency_key'] for call in calls] == ['key', 'key', 'key-1']
    assert [call['replayed'] for call in calls] == [False, True, False]
    # Nobody ever learns the address of the checkout that the first call left behind.
    assert len(sandbox.account_state()['sessions']) == 2
    assert gateway.open_checkout(request, 'key') == checkout, "still the same checkout"


def test_no_connection(make_gateway):
    gateway = type(make_gateway())(Credentials(key='sk_test_x'), api_base='http://127.0.0.1:9')
    with pytest.raises(GatewayUnavailable, match="cannot be reached"):
        gateway.check_account()


def test_connection_dropped(sandbox, gateway):
    sandbox.misbehave(drop=True, times=5)
    with pytest.raises(GatewayUnavailable):
        gateway.check_account()
    sandbox.reset()


def test_time_out(sandbox, gateway, monkeypatch):
    monkeypatch.setattr(stripe_client, 'TIMEOUT', (1, 0.3))
    stripe_client._client.cache_clear()
    sandbox.misbehave(timeout=1, times=2)
    started = time.monotonic()
    with pytest.raises(GatewayUnavailable):
        gateway.check_account()
    assert time.monotonic() - started < 8
    stripe_client._client.cache_clear()


# === EVENTS === #


def test_list_events(sandbox, gateway, make_request):
    for number in range(30):
        checkout = gateway.open_checkout(make_request(reference=f'R{number}'), f'key{number}')
        sandbox.pay(session=checkout.id)
    since = datetime.now(timezone.utc) - timedelta(minutes=5)
    events = list(gateway.list_events(since))
    assert len(events) == 90
    assert [e.created_at for e in events] == sorted(e.created_at for e in events)
    assert events[0].reference == 'R0'
    assert not list(gateway.list_events(datetime.now(timezone.utc) + timedelta(minutes=5)))


# === WHAT MUST NOT LEAK === #


def test_nothing_secret_in_logs_or_errors(sandbox, caplog, make_gateway, make_request):
    caplog.set_level(logging.DEBUG)
    gateway = make_gateway('sk_test_sandbox', secrets=['whsec_hidden'])
    webhook = gateway.register_webhook(URL)
    gateway.open_checkout(make_request(), 'key')
    with pytest.raises(GatewayUnavailable) as error:
        sandbox.misbehave(status=500, times=3)
        gateway.check_account()
    logged = '\n'.join(r.getMessage() for r in caplog.records if r.name.startswith('stripe'))
    for secret in ('sk_test_sandbox', webhook.secret, 'whsec_hidden', 'payer@example.com'):
        assert secret not in logged + repr(error.value)
    assert 'sk_test' not in repr(Credentials(key='sk_test_x', webhook_secrets=('whsec_x',)))


def test_no_deprecated_calls(sandbox, gateway, make_request):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        checkout = gateway.open_checkout(make_request(), 'key')
        gateway.fetch_payment(checkout.id)


def test_no_globals(gateway):
    gateway.check_account()
    assert stripe.api_key is None
    assert stripe.enable_telemetry is False


def test_wider_than_one_account(sandbox, make_gateway, make_request):
    sandbox.account(account='acct_two', keys={'sk_test_two': 'full'})
    one, two = make_gateway(), make_gateway('sk_test_two')
    checkout = one.open_checkout(make_request(), 'key')
    with pytest.raises(GatewayNotFound):
        two.fetch_payment(checkout.id)
    assert two.check_account().id == 'acct_two'


def test_hosted_page(sandbox, gateway, make_request):
    checkout = gateway.open_checkout(make_request(), 'key')
    page = requests.get(checkout.url, timeout=5).text
    assert 'lang="fr"' in page and "123.45 EUR" in page and "INV/2026/00001" in page
    sent_back = requests.post(
        checkout.url, data={'method': 'card'}, allow_redirects=False, timeout=5
    )
    assert sent_back.status_code == 303
    assert sent_back.headers['Location'] == make_request().return_url
    again = requests.post(checkout.url, data={'method': 'card'}, timeout=5)
    assert "plus possible" in again.text
