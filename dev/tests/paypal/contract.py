# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Holds requests, answers and notifications against PayPal's published descriptions.

The descriptions are not part of the project: `available()` tells whether they are here.

Where PayPal itself is known not to keep to them, it says so below.
"""

import re

from dev.tests.descriptions import Description

ORDERS = Description('paypal_checkout_orders_v2.json')
PAYMENTS = Description('paypal_payments_payment_v2.json')
WEBHOOKS = Description('paypal_notifications_webhooks_v1.json')
DISPUTES = Description('paypal_customer_disputes_v1.json')
REPORTS = Description('paypal_reporting_transactions_v1.json')
REFERRALS = Description('paypal_customer_partner_referrals_v2.json')
MERCHANTS = Description('paypal_customer_merchant_integrations_v1.json')
ALL = (ORDERS, PAYMENTS, WEBHOOKS, DISPUTES, REPORTS, REFERRALS, MERCHANTS)
#: Resources of notifications: kind -> where it is described, as what.
RESOURCES = {
    'checkout-order': (ORDERS, 'order'),
    'capture': (PAYMENTS, 'capture-2'),
    'refund': (PAYMENTS, 'refund'),
    'dispute': (DISPUTES, 'dispute'),
}
#: Not described at all.
UNDESCRIBED = ('/v1/oauth2/token', '/v1/notifications/certs/', '/elsewhere/')
#: A token that is refused, or a limit, is not answered by the API itself.
DOOR = {'error', 'error_description'}
#: Errors that are not described: limits, addresses there are not.
NOWHERE = ('RATE_LIMIT_REACHED', 'RESULTSET_TOO_LARGE', 'METHOD_NOT_SUPPORTED', 'NOT_FOUND')
#: What the links between pages of events add.
CURSOR = {'move_to', 'index_time', 'index_id'}
#: Instants in reports end with an offset the description has no word for.
OFFSET = re.compile(r'^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\+0000$')
#: Issues that come with more operations than they are listed for.
UNLISTED = {'DECIMALS_NOT_SUPPORTED', 'MALFORMED_REQUEST_JSON'}
#: Lists that are described as never empty.
NEVER_EMPTY = ('transaction_details', 'items')


def available():
    """Tell whether there is anything to hold against."""
    return all(one.available() for one in ALL)


def described(call):
    """Return the description of a call and its operation.

    :raise AssertionError: there is none.
    """
    for one in ALL:
        found = one.operation(call['method'], call['path'].rstrip('/'))
        if found:
            return one, found
    raise AssertionError(f"{call['method']} {call['path']} is not described")


def properties(description, schema):
    """Return the members of an object wherever its schema names them; None for none."""
    schema = description.resolve(schema)
    known = dict(schema.get('properties', {}))
    for part in (*schema.get('allOf', ()), *schema.get('oneOf', ()), *schema.get('anyOf', ())):
        for name, member in (properties(description, part) or {}).items():
            known.setdefault(name, member)
    return known or None


def check_known(description, value, schema, path):
    """Fail on keys the description does not know, at any depth it describes."""
    schema = description.resolve(schema)
    if isinstance(value, list):
        for item in value:
            check_known(description, item, schema.get('items', {}), path)
    if isinstance(value, dict):
        known = properties(description, schema)
        if known is None:
            return
        unknown = set(value) - set(known)
        assert not unknown, f"{path}: {unknown}"
        for key, item in value.items():
            check_known(description, item, known[key], f'{path}.{key}')


def check(description, value, schema, kind, path):
    """Fail on a value that is not as described, or has more than is described."""
    description.validate(value, schema, kind)
    check_known(description, value, schema, path)


def check_request(call):
    """Fail on a request that PayPal's description does not allow.

    :param dict call: of the sandbox's log.
    """
    if call['path'].startswith(UNDESCRIBED):
        return
    description, operation = described(call)
    parameters = [description.resolve(one) for one in operation.get('parameters', [])]
    query = {one['name']: one for one in parameters if one['in'] == 'query'}
    given = {key: value for key, value in call['params'].items() if key not in CURSOR}
    assert set(given) <= set(query), call['path']
    for one in parameters:
        value = given.get(one['name'], call['headers'].get(one['name']))
        if one['in'] == 'path' or value is None:
            continue
        if description.resolve(one['schema']).get('type') == 'integer':
            value = int(value)
        description.validate(value, one['schema'], 'OAS30WriteValidator')
    body = operation.get('requestBody', {}).get('content', {}).get('application/json')
    if body and call['body'] is not None:
        kind = 'OAS30WriteValidator'
        if call['path'].endswith('verify-webhook-signature'):
            # An event's members are all described as read only: nobody could ask about one.
            kind = 'OAS30ReadValidator'
        check(description, call['body'], body['schema'], kind, call['path'])


def check_answer(call):
    """Fail on an answer of the sandbox that PayPal would not give."""
    answer, status = call['answer'], call['status']
    if call['path'].startswith(UNDESCRIBED) or (status == 401 and set(answer) == DOOR):
        return
    if answer and answer.get('name') in NOWHERE:
        assert {'name', 'message', 'debug_id'} <= set(answer)
        return
    description, operation = described(call)
    if status == 200 and call['path'].endswith('/merchant-integrations'):
        # Described as 201 and without a body.
        assert {'merchant_id', 'links'} == set(answer)
        return
    responses = operation['responses']
    if status == 200 and call['replayed'] and '200' not in responses:
        status = 201
    response = description.resolve(responses.get(str(status)) or responses['default'])
    schema = response.get('content', {}).get('application/json', {}).get('schema')
    if {one['issue'] for one in (answer or {}).get('details', ())} & UNLISTED:
        schema = {'$ref': f'#/components/schemas/error_{status}'}
    if schema:
        value = lenient(answer) if description in (REPORTS, DISPUTES) else answer
        check(description, value, schema, 'OAS30ReadValidator', call['path'])
    else:
        assert answer is None or status >= 500, call['path']


def lenient(value):
    """Return an answer with what PayPal is known to do otherwise as it is described."""
    if isinstance(value, list):
        return [lenient(item) for item in value]
    if isinstance(value, dict):
        return {key: lenient(item) for key, item in value.items() if item or key not in NEVER_EMPTY}
    return OFFSET.sub(r'\1Z', value) if isinstance(value, str) else value


def check_event(event):
    """Fail on a notification that PayPal would not send, or about another kind of object."""
    check(WEBHOOKS, event, WEBHOOKS.schemas['event'], 'OAS30ReadValidator', 'event')
    assert event['id'].startswith('WH-')
    if event['resource_type'] not in RESOURCES:
        return
    description, name = RESOURCES[event['resource_type']]
    schema = {'$ref': f'#/components/schemas/{name}'}
    check(description, event['resource'], schema, 'OAS30ReadValidator', event['event_type'])


def check_everything(paypal):
    """Hold all that happened at PayPal's part of a sandbox against the descriptions.

    Requests that were refused are not looked at: tests send nonsense on purpose.
    """
    for call in paypal.requests():
        if call['status'] < 300:
            check_request(call)
        if call['answer'] is not None:
            check_answer(call)
    for account in paypal.state():
        for event in paypal.events(account=account):
            check_event(event)
