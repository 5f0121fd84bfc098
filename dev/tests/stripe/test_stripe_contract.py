# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What we send and what the sandbox answers, against Stripe's published description.

The description is not part of the project: without it these tests are skipped. Where it is here,
every other test is held against it too, by the fixture `sandbox`.
"""

import pytest
import requests

from dev.tests.stripe import contract

URL = 'http://127.0.0.1:8069/pay_now/webhook/1'

pytestmark = pytest.mark.skipif(not contract.available(), reason="Stripe's description is not here")


@pytest.fixture
def everything(sandbox, gateway, make_request):
    """All calls of the gateway, in all the states a payment can reach."""
    gateway.check_account()
    webhook = gateway.register_webhook(URL)
    gateway.register_webhook(URL)
    gateway.find_webhook(URL)
    methods = ('card', 'declined', 'sepa', 'sepa_fail', 'apple_pay', 'bancontact', 'ideal')
    for number, method in enumerate((*methods, 'open', 'closed')):
        checkout = gateway.open_checkout(make_request(reference=f'R{number}'), f'key{number}')
        gateway.fetch_payment(checkout.id)
        if method == 'closed':
            gateway.close_checkout(checkout.id)
            gateway.close_checkout(checkout.id)
        elif method != 'open':
            sandbox.pay(session=checkout.id, method=method)
        payment = gateway.fetch_payment(checkout.id)
        if method == 'card':
            sandbox.release_fees()
            gateway.fetch_payment(payment_id=payment.payment_id)
            sandbox.refund(charge=payment.charge_id, amount=100)
        if method.startswith('sepa'):
            sandbox.settle(session=checkout.id)
        gateway.fetch_payment(checkout.id)
    gateway.balance()
    list(gateway.list_events(make_request().expires_at.replace(year=2025)))
    gateway.remove_webhook(webhook.id)
    sandbox.payout()
    headers = {'Authorization': f'Bearer {sandbox.key}'}
    for path in (
        'payouts',
        'refunds?expand[]=data.charge',
        'charges?expand[]=data.balance_transaction',
        'payment_intents?expand[]=data.latest_charge',
        'balance_transactions',
        'checkout/sessions/cs_test_unknown',
        'checkout/sessions?nonsense=1',
    ):
        requests.get(f'{sandbox.api_base}/v1/{path}', headers=headers, timeout=5)
    return sandbox.requests()


def test_requests(everything):
    asked = [call for call in everything if call['status'] == 200]
    assert len(asked) > 30
    for call in asked:
        contract.check_request(call)


def test_answers(everything):
    statuses = {call['status'] for call in everything}
    assert {200, 400, 404} <= statuses
    for call in everything:
        contract.check_answer(call)


def test_notifications(everything, sandbox):
    events = sandbox.events()
    for event in events:
        contract.check_event(event)
    kinds = {event['type'] for event in events}
    assert {'charge.updated', 'checkout.session.async_payment_failed', 'refund.created'} <= kinds


def test_the_description_is_not_taken_for_granted(gateway, sandbox, make_request):
    """What holds things against it finds what is wrong."""
    gateway.open_checkout(make_request(), 'key')
    call = sandbox.requests()[-1]
    with pytest.raises(AssertionError):
        contract.check_request({**call, 'params': {**call['params'], 'payment_method_types': []}})
    with pytest.raises(AssertionError):
        contract.check_request({**call, 'params': {**call['params'], 'locale': 'fr_FR'}})
    with pytest.raises(AssertionError):
        contract.check_answer({**call, 'answer': {**call['answer'], 'invented': 1}})
    with pytest.raises(AssertionError):
        contract.check_answer({**call, 'answer': {**call['answer'], 'status': None, 'id': None}})
