# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Tests by the development tools: gateways and sandbox, and whole Odoos at the same moment."""

import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import requests

CHECKOUT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(CHECKOUT))

from dev.sandbox.client import SandboxProcess  # noqa: E402
from dev.tests import contract, paypal_contract  # noqa: E402
from dev.tests.calls import SESSION, paypal_order  # noqa: E402
from gateways import GATEWAYS  # noqa: E402
from gateways.base import CheckoutRequest, Credentials  # noqa: E402


@pytest.fixture(scope='session')
def sandbox_process():
    with SandboxProcess() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process):
    """A sandbox without memory of the test before; fees known at once when asked.

    What went over the wire is held against Stripe's description afterwards, where it is here.
    """
    sandbox_process.reset()
    sandbox_process.webhooks(mode='held')
    sandbox_process.fees(delay=None)
    yield sandbox_process
    if contract.available():
        contract.check_everything(sandbox_process)


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


# === PAYPAL === #


@pytest.fixture
def paypal(sandbox_process):
    """PayPal's part of a sandbox without memory of the test before.

    What went over the wire is held against PayPal's descriptions afterwards, where they are here.
    """
    sandbox_process.reset()
    sandbox_process.paypal.webhooks(mode='held')
    yield sandbox_process.paypal
    if paypal_contract.available():
        paypal_contract.check_everything(sandbox_process.paypal)


@pytest.fixture
def paypal_token(paypal):
    """Return a token of PayPal's, as any program could get one."""
    answer = requests.post(
        f'{paypal.api_base}/v1/oauth2/token',
        auth=(paypal.client_id, paypal.secret),
        data={'grant_type': 'client_credentials'},
        timeout=10,
    )
    return answer.json()['access_token']


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
