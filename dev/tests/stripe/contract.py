# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Holds requests, answers and notifications against Stripe's published description.

The description is not part of the project: `available()` tells whether it is here.
"""

from dev.tests.descriptions import Description

STRIPE = Description('stripe.json')
available = STRIPE.available
resolve = STRIPE.resolve
validate = STRIPE.validate


def operation(method, path):
    """Return the described operation of a request."""
    found = STRIPE.operation(method, path)
    assert found, f"{method} {path} is not described"
    return found


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
    schemas = STRIPE.schemas
    validate(event, {'$ref': '#/components/schemas/event'}, 'OAS30ReadValidator')
    check_known(event, schemas['event'], 'event')
    obj = event['data']['object']
    name = STRIPE.spec['x-webhook-objects'][event['type']]
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
