# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe Connect against the sandbox: accounts, links, acting for them, losing them."""

import json

import pytest
import requests

from gateways import PLATFORM_GATEWAYS
from gateways.base import Credentials, OnboardingRequest
from gateways.errors import (
    GatewayAuthError,
    GatewayNotFound,
    GatewayRefused,
    GatewayUnavailable,
    SignatureError,
)

HOOK = 'http://127.0.0.1:8069/pay_now/webhook/platform/stripe'
BACK = 'http://127.0.0.1:8069/pay_now/onboarding/1/token'


@pytest.fixture
def make_platform(sandbox):
    def make(account=None, key='', secrets=()):
        return PLATFORM_GATEWAYS['pay_now_stripe'](
            Credentials(key=key or sandbox.key, webhook_secrets=tuple(secrets)),
            api_base=sandbox.api_base,
            account=account,
        )

    return make


@pytest.fixture
def request_of():
    def make(reference='db-7', **values):
        return OnboardingRequest(
            **{
                'reference': reference,
                'return_url': f'{BACK}/return',
                'refresh_url': f'{BACK}/refresh',
                'email': 'merchant@example.com',
                'company': "Boulangerie Martin",
                'country': 'FR',
                'locale': 'fr_FR',
                **values,
            }
        )

    return make


@pytest.fixture
def merchant(sandbox, make_platform, request_of):
    """The id of an account whose registration is complete."""
    account_id = make_platform().onboarding_url(request_of()).account_id
    sandbox.register(account=account_id)
    return account_id


def creations(sandbox):
    return [call for call in sandbox.requests() if call['path'] == '/v1/accounts']


# === REGISTRATION === #


def test_account_is_the_merchants_own_and_prefilled(sandbox, make_platform, request_of):
    begun = make_platform().onboarding_url(request_of())
    state = sandbox.account_state(begun.account_id)
    assert state['email'] == 'merchant@example.com'
    assert state['name'] == "Boulangerie Martin"
    assert state['controller']['fees'] == {'payer': 'account'}
    assert state['controller']['losses'] == {'payments': 'stripe'}
    (call,) = creations(sandbox)
    assert call['params']['country'] == 'FR'
    assert not {'type', 'capabilities'} & set(call['params'])
    assert call['headers']['Stripe-Account'] is None


def test_same_reference_gives_the_same_account(sandbox, make_platform, request_of):
    first = make_platform().onboarding_url(request_of())
    again = make_platform().onboarding_url(request_of())
    resumed = make_platform(first.account_id).onboarding_url(request_of())
    assert first.account_id == again.account_id == resumed.account_id
    assert len({first.url, again.url, resumed.url}) == 3
    assert make_platform().onboarding_url(request_of('db-8')).account_id != first.account_id


def test_changed_prefill_is_not_refused(make_platform, request_of):
    make_platform().onboarding_url(request_of())
    make_platform().onboarding_url(request_of(email='other@example.com'))


@pytest.mark.parametrize(
    'values', [{'email': 'nobody'}, {'country': ''}, {'company': '  '}, {'email': ''}]
)
def test_what_cannot_be_prefilled_is_left_out(make_platform, request_of, values):
    assert make_platform().onboarding_url(request_of(**values)).account_id


def test_overseas_companies_register_as_french_ones(sandbox, make_platform, request_of):
    make_platform().onboarding_url(request_of(country='RE'))
    assert creations(sandbox)[-1]['params']['country'] == 'FR'


def test_link_is_good_for_one_visit(make_platform, request_of):
    url = make_platform().onboarding_url(request_of()).url
    assert requests.get(url, timeout=5).ok
    again = requests.get(url, timeout=5, allow_redirects=False)
    assert (again.status_code, again.headers['Location']) == (303, f'{BACK}/refresh')


def test_link_lapses(sandbox, make_platform, request_of):
    url = make_platform().onboarding_url(request_of()).url
    sandbox.advance(seconds=301)
    late = requests.get(url, timeout=5, allow_redirects=False)
    assert late.headers['Location'] == f'{BACK}/refresh'


def test_coming_back_is_not_having_finished(sandbox, make_platform, request_of):
    begun = make_platform().onboarding_url(request_of())
    for how, missing in (
        ('leave', {'business_type', 'external_account'}),
        ('partial', {'external_account', 'tos_acceptance.date'}),
    ):
        assert sandbox.press(begun.url, how) == f'{BACK}/return'
        account = make_platform(begun.account_id).finish_onboarding('db-7')
        assert account.id == begun.account_id
        assert not account.can_charge
        assert missing <= set(account.missing)
    sandbox.press(begun.url, 'complete')
    account = make_platform(begun.account_id).finish_onboarding('db-7')
    assert account.can_charge and not account.missing


def test_the_platform_itself_is_never_taken_for_the_merchant(make_platform):
    with pytest.raises(GatewayNotFound):
        make_platform().check_account()
    with pytest.raises(GatewayNotFound):
        make_platform().finish_onboarding('db-7')


def test_link_elsewhere_is_refused(monkeypatch, make_platform, request_of):
    gateway = make_platform('acct_x')
    for url in (
        'https://stripe.com.evil.example/setup',
        'https://evil.example\\@connect.stripe.com/',
        'http://connect.stripe.com/',
        'javascript:alert(1)',
    ):
        gateway._api_base = None
        monkeypatch.setattr(gateway._registrar, 'call', lambda *_a, url=url, **_k: {'url': url})
        with pytest.raises(GatewayRefused, match="no link of its own"):
            gateway.onboarding_url(request_of())


@pytest.mark.parametrize('path', ['/v1/accounts', '/v1/account_links'])
def test_stripe_is_down(sandbox, make_platform, request_of, path):
    sandbox.misbehave(path=path, status=500, times=2)
    with pytest.raises(GatewayUnavailable):
        make_platform().onboarding_url(request_of())
    begun = make_platform().onboarding_url(request_of())
    assert begun.account_id and begun.url


def test_lost_answer_makes_no_second_account(sandbox, make_platform, request_of):
    sandbox.misbehave(path='/v1/accounts', drop=True, executed=True, times=2)
    with pytest.raises(GatewayUnavailable):
        make_platform().onboarding_url(request_of())
    begun = make_platform().onboarding_url(request_of())
    assert list(sandbox.state()) == ['acct_sandbox', begun.account_id]


# === ACTING FOR AN ACCOUNT === #


def test_every_call_names_the_account(sandbox, make_platform, make_request, merchant):
    sandbox.requests(clear=True)
    gateway = make_platform(merchant)
    checkout = gateway.open_checkout(make_request(), 'key')
    sandbox.pay(session=checkout.id, method='card')
    payment = gateway.fetch_payment(checkout.id)
    gateway.refund(payment, payment.amount, 'refund-key')
    gateway.balance()
    list(gateway.list_events(payment.paid_at))
    list(gateway.list_payouts(payment.paid_at))
    list(gateway.list_disputes(payment.paid_at))
    list(gateway.list_movements(payment.paid_at))
    gateway.check_account()
    calls = sandbox.requests()
    assert len(calls) >= 8
    assert {call['headers']['Stripe-Account'] for call in calls} == {merchant}
    assert not any('application_fee' in json.dumps(call['params']) for call in calls)
    assert sandbox.account_state(merchant)['charges']
    assert not sandbox.account_state()['charges']


def test_other_merchants_payments_are_unknown(
    sandbox, make_platform, request_of, make_request, merchant
):
    checkout = make_platform(merchant).open_checkout(make_request(), 'key')
    other = make_platform().onboarding_url(request_of('db-8')).account_id
    with pytest.raises(GatewayNotFound):
        make_platform(other).fetch_payment(checkout.id)


# === NOTIFICATIONS === #


def test_endpoint_is_the_platforms(sandbox, make_platform, merchant):
    webhook = make_platform(merchant).register_webhook(HOOK)
    assert webhook.secret
    assert sandbox.account_state()['webhooks'] == [HOOK]
    assert make_platform(merchant).find_webhook(HOOK).id == webhook.id
    again = make_platform().register_webhook(HOOK)
    assert sandbox.account_state()['webhooks'] == [HOOK] and again.id != webhook.id
    (call, *_more) = [
        c
        for c in sandbox.requests()
        if (c['method'], c['path']) == ('POST', '/v1/webhook_endpoints')
    ]
    assert call['params']['connect'] == 'true'
    assert 'account.application.deauthorized' in call['params']['enabled_events']


def test_notifications_name_the_account(sandbox, make_platform, merchant):
    webhook = make_platform().register_webhook(HOOK)
    sandbox.webhooks(mode='held')
    sandbox.register(account=merchant)
    sandbox.deauthorize(account=merchant)
    gateway = make_platform(secrets=[webhook.secret])
    events = [gateway.verify_event(o['body'].encode(), o['headers']) for o in sandbox.outbox()]
    assert [event.type for event in events] == [
        'account.updated',
        'account.application.deauthorized',
    ]
    for event in events:
        assert (event.account_id, event.subject) == (merchant, 'account')
    with pytest.raises(SignatureError):
        make_platform().verify_event(b'{}', {})


def test_revoked_access(sandbox, make_platform, request_of, merchant):
    sandbox.deauthorize(account=merchant)
    gateway = make_platform(merchant)
    for call in (gateway.check_account, gateway.balance, lambda: gateway.finish_onboarding('')):
        with pytest.raises(GatewayAuthError) as error:
            call()
        assert error.value.code == 'account_invalid'
        assert sandbox.key not in str(error.value)
    with pytest.raises(GatewayAuthError) as error:
        gateway.onboarding_url(request_of())
    assert error.value.code == 'account_invalid'


def test_refused_platform_key_is_not_shown(make_platform, request_of):
    with pytest.raises(GatewayAuthError) as error:
        make_platform(key='sk_test_platform_key_of_mine').onboarding_url(request_of())
    assert 'mine' not in error.value.message and '****' not in error.value.message
