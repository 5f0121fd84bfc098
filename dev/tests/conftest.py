# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Tests by the development tools: gateways and sandbox, and whole Odoos at the same moment."""

import sys
import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

CHECKOUT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(CHECKOUT))

from dev.sandbox.client import SandboxProcess  # noqa: E402
from dev.tests.calls import SESSION, paypal_links, paypal_order  # noqa: E402
from dev.tests.paypal import contract as paypal_contract  # noqa: E402
from dev.tests.paypal.server import make_paypal_gateway, paypal_gateway, paypal_server  # noqa: E402, F401
from dev.tests.paypal.signing import prove  # noqa: E402, F401
from dev.tests.receiving import Receiver  # noqa: E402
from dev.tests.stripe import contract  # noqa: E402
from gateways import GATEWAYS  # noqa: E402
from gateways.base import CheckoutRequest, Credentials  # noqa: E402


@pytest.fixture(scope='session')
def sandbox_process():
    with SandboxProcess() as sandbox:
        yield sandbox


@pytest.fixture
def fresh_sandbox(sandbox_process):
    """A sandbox of both providers without memory of the test before."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def sandbox(fresh_sandbox):
    """Stripe's part of a fresh sandbox; fees known at once when asked.

    What went over the wire is held against Stripe's description afterwards, where it is here.
    """
    fresh_sandbox.webhooks(mode='held')
    fresh_sandbox.fees(delay=None)
    yield fresh_sandbox
    if contract.available():
        contract.check_everything(fresh_sandbox)


@pytest.fixture
def make_gateway(sandbox):
    def make(key=None, secrets=()):
        return GATEWAYS['pay_now_stripe'](
            Credentials(key=key or sandbox.key, webhook_secrets=tuple(secrets)),
            api_base=sandbox.api_base,
        )

    return make


@pytest.fixture
def gateway(make_gateway):
    return make_gateway()


@pytest.fixture
def make_request():
    def make(**values):
        return CheckoutRequest(
            **{
                'reference': 'INV-2026-00001',
                'amount': Decimal('123.45'),
                'currency': 'EUR',
                'label': 'INV/2026/00001',
                'description': "Boulangerie – INV-2026-00001",
                'return_url': 'http://127.0.0.1:8069/pay_now/return/1/abc',
                'cancel_url': 'http://127.0.0.1:8069/pay_now/cancel/1/abc',
                'payer_email': 'payer@example.com',
                'locale': 'fr_FR',
                'expires_at': datetime.now(timezone.utc) + timedelta(hours=23),
                'metadata': (('odoo_database', 'db'),),
                **values,
            }
        )

    return make


@pytest.fixture
def call(sandbox):
    """Call the API as any program could."""

    def call(method, path, data=None, key=sandbox.key, **headers):
        named = {name.replace('_', '-'): value for name, value in headers.items()}
        if key:
            named['Authorization'] = f'Bearer {key}'
        values = {'params' if method == 'GET' else 'data': data}
        return requests.request(
            method, f'{sandbox.api_base}/v1/{path}', headers=named, timeout=10, **values
        )

    return call


@pytest.fixture
def make_session(call):
    """Open a checkout without our gateway; the arguments are Stripe's own."""

    def make(**values):
        answer = call('POST', 'checkout/sessions', {**SESSION, **values})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return make


@pytest.fixture
def receiver():
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.02}).start()
        yield server
        server.shutdown()


# === PAYPAL === #


@pytest.fixture
def paypal(fresh_sandbox):
    """PayPal's part of a fresh sandbox.

    What went over the wire is held against PayPal's descriptions afterwards, where they are here.
    """
    fresh_sandbox.paypal.webhooks(mode='held')
    yield fresh_sandbox.paypal
    if paypal_contract.available():
        paypal_contract.check_everything(fresh_sandbox.paypal)


@pytest.fixture
def ask_token(paypal):
    """Ask PayPal for a token, as any program could."""

    def ask_token(client=paypal.client_id, secret=paypal.secret, **values):
        values = {'data': {'grant_type': 'client_credentials'}, **values}
        url = f'{paypal.api_base}/v1/oauth2/token'
        return requests.post(url, auth=(client, secret), timeout=10, **values)

    return ask_token


@pytest.fixture
def paypal_token(ask_token):
    return ask_token().json()['access_token']


@pytest.fixture
def ask(paypal, paypal_token):
    """Call PayPal's API as any program could."""

    def ask(method, path, body=None, token=paypal_token, **headers):
        named = {name.replace('_', '-'): value for name, value in headers.items()}
        if token:
            named['Authorization'] = f'Bearer {token}'
        return requests.request(
            method, f'{paypal.api_base}{path}', headers=named, json=body, timeout=10
        )

    return ask


@pytest.fixture
def make_order(ask):
    """Create an order without our gateway; the arguments are its purchase unit's."""
    numbers = iter(range(1, 1000))

    def make(value='100.00', currency='EUR', **unit):
        number = next(numbers)
        body = paypal_order(value, currency, **{'custom_id': f'INV-{number}', **unit})
        answer = ask(
            'POST',
            '/v2/checkout/orders',
            body,
            PayPal_Request_Id=f'order-{number}',
            Prefer='return=representation',
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


@pytest.fixture
def capture(ask):
    """Capture an order of PayPal's, as any program could."""

    def capture(order, key='', prefer='return=representation'):
        path = f"/v2/checkout/orders/{order['id']}/capture"
        key = key or f"capture-{order['id']}"
        return ask('POST', path, {}, PayPal_Request_Id=key, Prefer=prefer)

    return capture


@pytest.fixture
def make_capture(paypal, make_order, capture):
    """Create, approve and capture an order; the arguments are its purchase unit's."""

    def make(value='100.00', currency='EUR', how='paypal', **unit):
        order = make_order(value, currency, **unit)
        paypal.approve(order=order['id'], how=how)
        answer = capture(order)
        assert answer.status_code == 201, answer.text
        return answer.json()['purchase_units'][0]['payments']['captures'][0]

    return make


@pytest.fixture
def make_webhook(ask):
    """Register an endpoint at PayPal for all events, or for some."""

    def make(url='http://127.0.0.1:9/hook', *names):
        types = [{'name': name} for name in names or ['*']]
        body = {'url': url, 'event_types': types}
        answer = ask('POST', '/v1/notifications/webhooks', body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


@pytest.fixture
def refund(ask):
    """Refund a capture of PayPal's."""

    def refund(captured, key=None, prefer='return=representation', **body):
        path = f"/v2/payments/captures/{captured['id']}/refund"
        headers = {'PayPal_Request_Id': key} if key else {}
        return ask('POST', path, body, Prefer=prefer, **headers)

    return refund


@pytest.fixture
def read_again(ask):
    """Read an object of PayPal's again."""
    return lambda obj: ask('GET', urlsplit(paypal_links(obj)['self']).path)
