# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What we send and what the sandbox answers, against Stripe's published description.

The description is not part of the project: without it these tests are skipped.
"""

import functools
import json
import os
import re
from pathlib import Path

import pytest
import requests
from conftest import CHECKOUT

URL = 'http://127.0.0.1:8069/pay_now/webhook/1'
SPECS = Path(os.environ.get('PAY_NOW_SPECS') or CHECKOUT.parent / 'shared' / 'specs')

validators = pytest.importorskip('openapi_schema_validator')
pytestmark = pytest.mark.skipif(
    not (SPECS / 'stripe.json').is_file(), reason="Stripe's description is not here"
)


@functools.cache
def spec():
    return json.loads((SPECS / 'stripe.json').read_text())


def operation(method, path):
    """Return the described operation of a request."""
    for template, methods in spec()['paths'].items():
        pattern = re.sub(r'\{[^}]+\}', '[^/]+', template)
        if re.fullmatch(pattern, path) and method.lower() in methods:
            return methods[method.lower()]
    raise AssertionError(f"{method} {path} is not described")


def resolve(schema):
    while '$ref' in schema:
        schema = spec()['components']['schemas'][schema['$ref'].rpartition('/')[2]]
    return schema


def coerce(value, schema):
    """Give form values the types their schema names."""
    schema = resolve(schema)
    for option in schema.get('anyOf', []):
        option = resolve(option)
        if isinstance(value, dict) == (option.get('type') == 'object'):
            schema = option
            break
    if isinstance(value, dict):
        properties = schema.get('properties', {})
        extra = schema.get('additionalProperties') or {}
        return {
            key: coerce(item, properties.get(key, extra if isinstance(extra, dict) else {}))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [coerce(item, schema.get('items', {})) for item in value]
    if schema.get('type') == 'integer':
        return int(value)
    if schema.get('type') == 'boolean':
        return value == 'true'
    return value


def validate(value, schema, validator):
    whole = {**schema, 'components': spec()['components']}
    errors = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator(whole).iter_errors(value)
    ]
    assert not errors, errors


def check_known(value, schema, path):
    """Fail on keys the description does not know, at any depth it describes."""
    schema = resolve(schema)
    options = [resolve(option) for option in schema.get('anyOf', [])]
    if options and isinstance(value, dict):
        name = value.get('object')
        schema = next(
            (
                o
                for o in options
                if name in (o.get('properties', {}).get('object', {}).get('enum') or [])
            ),
            next((o for o in options if o.get('type') == 'object'), schema),
        )
    if isinstance(value, list):
        for item in value:
            check_known(item, schema.get('items', {}), path)
    properties = schema.get('properties')
    if isinstance(value, dict) and properties:
        unknown = set(value) - set(properties)
        assert not unknown, f"{path}: {unknown}"
        for key, item in value.items():
            check_known(item, properties[key], f'{path}.{key}')


def check_request(call):
    described = operation(call['method'], call['path'])
    if call['method'] == 'GET':
        known = {p['name'] for p in described.get('parameters', []) if p['in'] == 'query'}
        assert set(call['params']) <= known, call['path']
        return
    content = described.get('requestBody', {}).get('content', {})
    schema = content.get('application/x-www-form-urlencoded', {}).get('schema', {})
    typed = coerce(call['params'], schema)
    validate(typed, schema, validators.OAS30WriteValidator)
    check_known(typed, schema, call['path'])


def check_answer(call):
    described = operation(call['method'], call['path'])['responses']
    answer = described.get(str(call['status'])) or described['default']
    schema = answer['content']['application/json']['schema']
    validate(call['answer'], schema, validators.OAS30ReadValidator)
    check_known(call['answer'], schema, call['path'])


@pytest.fixture
def everything(sandbox, gateway, make_request):
    """All calls of the gateway, in all the states a payment can reach."""
    gateway.check_account()
    webhook = gateway.register_webhook(URL)
    gateway.register_webhook(URL)
    gateway.find_webhook(URL)
    for number, method in enumerate(('card', 'declined', 'sepa', 'sepa_fail', 'open', 'closed')):
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
        check_request(call)


def test_answers(everything):
    statuses = {call['status'] for call in everything}
    assert {200, 400, 404} <= statuses
    for call in everything:
        check_answer(call)


def test_notifications(everything, sandbox):
    held = sandbox.outbox()
    kinds = set()
    schemas = spec()['components']['schemas']
    for out in held:
        event = json.loads(out['body'])
        kinds.add(event['type'])
        validate(event, {'$ref': '#/components/schemas/event'}, validators.OAS30ReadValidator)
        check_known(event, schemas['event'], 'event')
        obj = event['data']['object']
        validate(
            obj, {'$ref': f"#/components/schemas/{obj['object']}"}, validators.OAS30ReadValidator
        )
        check_known(obj, schemas[obj['object']], event['type'])
    assert {'charge.updated', 'checkout.session.async_payment_failed', 'refund.created'} <= kinds
