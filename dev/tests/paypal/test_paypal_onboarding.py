# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's partners against the sandbox: referrals, consent, acting for a merchant, losing it."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from dev.tests.paypal.server import forget_everything
from gateways import PLATFORM_GATEWAYS
from gateways.base import Credentials, OnboardingRequest
from gateways.errors import (
    GatewayAuthError,
    GatewayNotFound,
    GatewayRefused,
    GatewayUnavailable,
)
from gateways.paypal import order as paypal_order

HOOK = 'http://127.0.0.1:9/pay_now/webhook/platform/paypal'
BACK = 'http://127.0.0.1:8069/pay_now/onboarding/1/token'
PARTNER = 'SANDBXMERCHNT'
ASSERTION, CODE = 'PayPal-Auth-Assertion', 'PayPal-Partner-Attribution-Id'
OWN = ('/v1/oauth2/', '/v1/notifications/', '/v2/customer/partner', '/v1/customer/partners')


@pytest.fixture
def make_platform(paypal):
    paypal.account(features=['reporting', 'disputes', 'partner'])
    forget_everything()

    def make(account=None, **values):
        values = {
            'key': paypal.client_id,
            'secret': paypal.secret,
            'partner_id': PARTNER,
            'partner_code': 'PayNow_SP',
            **values,
        }
        return PLATFORM_GATEWAYS['pay_now_paypal'](
            Credentials(**values), api_base=paypal.api_base, account=account
        )

    yield make
    forget_everything()


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
def register(paypal, make_platform, request_of):
    """Let a merchant go through a registration; return its id."""

    def register(reference='db-7', how='complete'):
        paypal.press(make_platform().onboarding_url(request_of(reference)).url, how)
        return make_platform().finish_onboarding(reference, 'EUR').id

    return register


# === REGISTRATION === #


def test_referral_is_prefilled_and_asks_for_what_we_need(paypal, make_platform, request_of):
    begun = make_platform().onboarding_url(request_of())
    assert begun.account_id == ''
    (call,) = [c for c in paypal.requests() if c['path'] == '/v2/customer/partner-referrals']
    assert call['body']['email'] == 'merchant@example.com'
    assert call['body']['tracking_id'] == 'db-7'
    assert call['body']['preferred_language_code'] == 'fr-FR'
    rest = call['body']['operations'][0]['api_integration_preference']['rest_api_integration']
    assert {'PAYMENT', 'REFUND'} <= set(rest['third_party_details']['features'])
    assert 'PARTNER_FEE' not in rest['third_party_details']['features']
    assert call['headers'][CODE] == 'PayNow_SP'
    assert call['headers'][ASSERTION] is None
    assert 'merchant@example.com' in requests.get(begun.url, timeout=5).text


@pytest.mark.parametrize('values', [{'email': 'nobody'}, {'email': ''}, {'locale': 'x'}])
def test_what_cannot_be_prefilled_is_left_out(make_platform, request_of, values):
    assert make_platform().onboarding_url(request_of(**values)).url


def test_long_addresses_are_refused_before_any_call(paypal, make_platform, request_of):
    paypal.requests(clear=True)
    with pytest.raises(GatewayRefused) as error:
        make_platform().onboarding_url(request_of(return_url=f'https://{"a" * 120}.example/x'))
    assert error.value.code == 'url_too_long'
    assert not paypal.requests()


def test_merchant_is_found_by_our_reference(paypal, make_platform, request_of):
    url = make_platform().onboarding_url(request_of()).url
    with pytest.raises(GatewayNotFound):
        make_platform().finish_onboarding('db-7', 'EUR')
    back = paypal.press(url, 'refuse')
    assert back.startswith(f'{BACK}/return')
    with pytest.raises(GatewayNotFound):
        make_platform().finish_onboarding('db-7', 'EUR')
    back = paypal.press(url, 'complete')
    answered = parse_qs(urlsplit(back).query)
    account = make_platform().finish_onboarding('db-7', 'EUR')
    assert answered['merchantIdInPayPal'] == [account.id]
    assert (account.can_charge, account.email) == (True, 'merchant@example.com')
    assert account.currency == 'EUR'
    with pytest.raises(GatewayNotFound):
        make_platform().finish_onboarding('db-8', 'EUR')


def test_second_visit_is_the_same_merchant(register):
    assert register() == register() != register('db-8')


def test_what_is_missing(paypal, make_platform, request_of):
    url = make_platform().onboarding_url(request_of()).url
    paypal.press(url, 'unconfirmed')
    account = make_platform().finish_onboarding('db-7', 'EUR')
    assert not account.can_charge
    assert account.missing == ('primary_email_confirmed',)
    paypal.account(account=account.id, receivable=False, email_confirmed=True)
    assert make_platform(account.id).check_account('EUR').missing == ('payments_receivable',)
    paypal.account(account=account.id, receivable=True, standing='restricted')
    assert make_platform(account.id).check_account('EUR').missing == ('PAYEE_ACCOUNT_RESTRICTED',)
    paypal.account(account=account.id, standing='')
    assert make_platform(account.id).check_account('EUR').can_charge


def test_application_that_is_no_partner(paypal, make_platform, request_of):
    paypal.account(features=['reporting'])
    paypal.revoke_tokens()
    forget_everything()
    with pytest.raises(GatewayAuthError):
        make_platform().onboarding_url(request_of())


def test_somebody_elses_partner_id(make_platform, register):
    register()
    with pytest.raises(GatewayAuthError):
        make_platform(partner_id='SOMEBODYELSE2').finish_onboarding('db-7', 'EUR')


def test_the_platform_itself_is_never_taken_for_the_merchant(make_platform):
    with pytest.raises(GatewayNotFound):
        make_platform().check_account('EUR')


@pytest.mark.parametrize(
    'url',
    [
        'https://www.paypal.com.evil.example/',
        'https://evil.example\\@www.paypal.com/',
        'http://www.paypal.com/',
        '',
    ],
)
def test_link_elsewhere_is_refused(url):
    with pytest.raises(GatewayRefused):
        paypal_order.own_url(url)


def test_paypal_is_down(paypal, make_platform, request_of):
    paypal.misbehave(path='/v2/customer', status=503)
    with pytest.raises(GatewayUnavailable):
        make_platform().onboarding_url(request_of())
    paypal.press(make_platform().onboarding_url(request_of()).url, 'complete')
    paypal.misbehave(path='/v1/customer', status=503, times=2)
    with pytest.raises(GatewayUnavailable):
        make_platform().finish_onboarding('db-7', 'EUR')
    assert make_platform().finish_onboarding('db-7', 'EUR').can_charge


# === ACTING FOR A MERCHANT === #


def test_every_call_names_the_merchant_and_the_platform(
    paypal, make_platform, make_request, register
):
    merchant = register()
    paypal.requests(clear=True)
    gateway = make_platform(merchant)
    checkout = gateway.open_checkout(make_request(), 'key')
    paypal.approve(order=checkout.id)
    payment = gateway.capture(checkout.id, 'capture')
    gateway.fetch_payment(checkout.id)
    gateway.refund(payment, payment.amount, 'refund-key')
    gateway.balance()
    list(gateway.list_payouts(payment.paid_at))
    list(gateway.list_disputes(payment.paid_at))
    list(gateway.list_movements(payment.paid_at))
    gateway.check_account('EUR')
    calls = [one for one in paypal.requests() if one['path'] != '/v1/oauth2/token']
    assert len(calls) >= 9
    expected = paypal_order.assertion(paypal.client_id, merchant)
    for call in calls:
        assert call['headers'][CODE] == 'PayNow_SP', call['path']
        own = call['path'].startswith(OWN)
        assert call['headers'][ASSERTION] == (None if own else expected), call['path']
    order = next(one for one in calls if one['path'] == '/v2/checkout/orders')
    (unit,) = order['body']['purchase_units']
    assert unit['payee'] == {'merchant_id': merchant}
    assert 'payment_instruction' not in unit, "a platform's fee"
    assert paypal.account_state(merchant)['captures']
    assert not paypal.account_state()['captures']


def test_other_merchants_payments_are_unknown(make_platform, make_request, register):
    checkout = make_platform(register()).open_checkout(make_request(), 'key')
    with pytest.raises(GatewayNotFound):
        make_platform(register('db-8')).fetch_payment(checkout.id)


# === NOTIFICATIONS === #


def test_notifications_name_the_merchant(paypal, make_platform, make_request, register):
    webhook = make_platform().register_webhook(HOOK)
    merchant = register()
    gateway = make_platform(merchant, webhook_id=webhook.id)
    checkout = gateway.open_checkout(make_request(), 'key')
    paypal.approve(order=checkout.id)
    payment = gateway.capture(checkout.id, 'capture')
    gateway.refund(payment, Decimal('23.45'), 'refund-key')
    paypal.dispute(capture=payment.payment_id)
    paypal.revoke(account=merchant)
    verifier = make_platform(webhook_id=webhook.id)
    events = [verifier.verify_event(o['body'].encode(), o['headers']) for o in paypal.outbox()]
    subjects = {event.type: event.subject for event in events}
    assert {event.account_id for event in events} == {merchant}
    assert subjects['MERCHANT.ONBOARDING.COMPLETED'] == 'account'
    assert subjects['MERCHANT.PARTNER-CONSENT.REVOKED'] == 'account'
    assert {'PAYMENT.CAPTURE.COMPLETED', 'PAYMENT.CAPTURE.REFUNDED'} < set(subjects)
    assert 'CUSTOMER.DISPUTE.CREATED' in subjects


def test_events_of_other_merchants_are_not_listed(make_platform, make_request, register, paypal):
    make_platform().register_webhook(HOOK)
    mine, other = register(), register('db-8')
    for merchant in (mine, other):
        checkout = make_platform(merchant).open_checkout(make_request(), f'key-{merchant}')
        paypal.approve(order=checkout.id)
    since = make_request().expires_at.replace(year=2025)
    listed = list(make_platform(mine).list_events(since))
    assert listed
    assert {event.account_id for event in listed} == {mine}


def test_revoked_consent(paypal, make_platform, make_request, register):
    merchant = register()
    paypal.revoke(account=merchant)
    gateway = make_platform(merchant)
    with pytest.raises(GatewayAuthError) as error:
        gateway.check_account('EUR')
    assert error.value.code == 'consent_revoked'
    with pytest.raises(GatewayAuthError) as error:
        gateway.open_checkout(make_request(), 'key')
    assert paypal.secret not in error.value.message
    assert register() == merchant
    assert gateway.check_account('EUR').can_charge


def test_merchant_nobody_knows_has_revoked(make_platform):
    with pytest.raises(GatewayAuthError) as error:
        make_platform('ABCDEFGHJKLMN').check_account('EUR')
    assert error.value.code == 'consent_revoked'
