# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Holds requests, answers and notifications against Stripe's published description.

The description is not part of the project: `available()` tells whether it is here.
"""

import functools
import json
import os
import re
from pathlib import Path

try:
    import openapi_schema_validator as validators
except ImportError:
    validators = None

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SPECS = Path(os.environ.get('PAY_NOW_SPECS') or CHECKOUT.parent / 'shared' / 'specs')


def available():
    """Tell whether there is anything to hold against."""
    return bool(validators) and (SPECS / 'stripe.json').is_file()


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
    """Follow references."""
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


@functools.cache
def _validator(kind, schema):
    """Return a validator of a schema given as JSON; making one is slow."""
    whole = {**json.loads(schema), 'components': spec()['components']}
    return getattr(validators, kind)(whole)


def validate(value, schema, kind):
    """Fail on a value that is not as described.

    :param str kind: `OAS30ReadValidator` for answers, `OAS30WriteValidator` for requests.
    """
    errors = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in _validator(kind, json.dumps(schema)).iter_errors(value)
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
    """Fail on a request that Stripe's description does not allow.

    :param dict call: of the sandbox's log.
    """
    described = operation(call['method'], call['path'])
    if call['method'] == 'GET':
        known = {p['name']: p for p in described.get('parameters', []) if p['in'] == 'query'}
        assert set(call['params']) <= set(known), call['path']
        for name, value in call['params'].items():
            schema = known[name]['schema']
            validate(coerce(value, schema), schema, 'OAS30WriteValidator')
        return
    content = described.get('requestBody', {}).get('content', {})
    schema = content.get('application/x-www-form-urlencoded', {}).get('schema', {})
    typed = coerce(call['params'], schema)
    validate(typed, schema, 'OAS30WriteValidator')
    check_known(typed, schema, call['path'])


def check_answer(call):
    """Fail on an answer of the sandbox that Stripe would not give."""
    if call['status'] == 200:
        described = operation(call['method'], call['path'])['responses']['200']
        schema = described['content']['application/json']['schema']
    else:
        schema = {'$ref': '#/components/schemas/error'}
    validate(call['answer'], schema, 'OAS30ReadValidator')
    check_known(call['answer'], schema, call['path'])


def check_event(event):
    """Fail on a notification that Stripe would not send, or about another kind of object."""
    schemas = spec()['components']['schemas']
    validate(event, {'$ref': '#/components/schemas/event'}, 'OAS30ReadValidator')
    check_known(event, schemas['event'], 'event')
    obj = event['data']['object']
    name = spec()['x-webhook-objects'][event['type']]
    assert obj['object'] == name, event['type']
    validate(obj, {'$ref': f'#/components/schemas/{name}'}, 'OAS30ReadValidator')
    check_known(obj, schemas[name], event['type'])


def check_everything(sandbox):
    """Hold all that happened in a sandbox against the description.

    Requests that were refused are not looked at: tests send nonsense on purpose.
    """
    for call in sandbox.requests():
        if call['status'] == 200:
            check_request(call)
        if call['answer'] is not None:
            check_answer(call)
    for account in sandbox.state():
        for event in sandbox.events(account=account):
            check_event(event)
