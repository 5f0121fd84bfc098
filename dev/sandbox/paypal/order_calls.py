# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Orders: created, read, captured."""

from decimal import Decimal

from ..common.refusals import Refusal
from ..common.store import clock
from . import errors, money, objects, schema
from .store import HOUR

#: How long a PayPal-Request-Id is remembered for orders.
MEMORY = 6 * HOUR


class OrderCalls:
    """Answers calls to `/v2/checkout/orders`. The caller holds the store's lock."""

    def __init__(self, app):
        self.store = app.store
        self.payments = app.payments

    def create(self, account, call):
        """Answer `POST /v2/checkout/orders`."""
        earlier = call.remembered(account)
        if earlier:
            return 200, self._shown(account, self.find(account, earlier['order']), call)
        body = call.body
        problems = schema.check(body, schema.ORDER)
        if problems:
            raise errors.PayPalError(400, problems)
        if 'payment_source' in body and not call.request_id:
            raise errors.refused('PAYPAL_REQUEST_ID_REQUIRED')
        self._check(account, body)
        order = account.add(objects.order(account, body), 'order')
        context = _context(body)
        account.note('order')[order['id']] = {
            'created': clock.exact(),
            'approved': None,
            'how': '',
            'failure': '',
            'lapsed': False,
            'captures': [],
            'refunds': [],
            'sourced': 'payment_source' in body,
            **{key: context.get(key, '') for key in CONTEXT},
        }
        account.note('open')[order['id']] = True
        call.remember(account, MEMORY, order=order['id'])
        return 201, self._shown(account, order, call)

    def _check(self, account, body):
        """Refuse what is well-formed but not possible."""
        if body['intent'] != 'CAPTURE' or len(body['purchase_units']) > 1:
            field = '/intent' if body['intent'] != 'CAPTURE' else '/purchase_units'
            # The sandbox knows captures of one purchase unit only.
            raise errors.refused('NOT_SUPPORTED', field)
        unit = body['purchase_units'][0]
        problems = []
        _check_amounts(unit, '/purchase_units/0', problems)
        if account.standing:
            kind = 'RESTRICTED' if account.standing == 'restricted' else 'LOCKED_OR_CLOSED'
            problems.append(errors.detail(f'PAYEE_ACCOUNT_{kind}', '/purchase_units/0/payee'))
        country = money.DOMESTIC.get(unit['amount']['currency_code'])
        if country not in (None, account.country):
            problems.append(errors.detail('DOMESTIC_TRANSACTION_REQUIRED'))
        payee = unit.get('payee', {})
        own = {'merchant_id': account.id, 'email_address': account.email}
        if any(payee[key] != own[key] for key in payee):
            problems.append(errors.detail('PAYEE_ACCOUNT_INVALID', '/purchase_units/0/payee'))
        if problems:
            raise errors.PayPalError(422, problems)
        self.payments.check_invoice(account, unit, '/purchase_units/0/invoice_id')

    @staticmethod
    def find(account, order_id):
        """Return an order that has not lapsed.

        :raise PayPalError: there is none.
        """
        order = account.get('order', order_id)
        if not order or account.order_note(order)['lapsed']:
            raise errors.not_found('order_id', order_id)
        return order

    def _shown(self, account, order, call):
        """Return an order as the caller prefers it."""
        whole = objects.order_view(account, order, self.store.base)
        if call.whole or call.method == 'GET':
            return whole
        return {
            key: whole[key] for key in ('id', 'status', 'payment_source', 'links') if key in whole
        }

    def get(self, account, call, object_id):
        """Answer `GET /v2/checkout/orders/{id}`."""
        fields = call.args.get('fields')
        if fields not in (None, '', 'payment_source'):
            raise errors.refused('INVALID_PARAMETER_VALUE', 'fields', fields, 'query')
        shown = self._shown(account, self.find(account, object_id), call)
        return 200, {'payment_source': shown.get('payment_source', {})} if fields else shown

    def capture(self, account, call, object_id):
        """Answer `POST /v2/checkout/orders/{id}/capture`."""
        earlier = call.remembered(account)
        if earlier and 'error' in earlier:
            raise Refusal(*earlier['error'])
        if earlier:
            return 200, self._shown(account, self.find(account, earlier['order']), call)
        problems = schema.check(
            call.body, schema.CAPTURE, 'INVALID_PARAMETER_SYNTAX', errors.CAPTURE_DESCRIPTIONS
        )
        if problems:
            raise errors.PayPalError(400, problems)
        order = self.find(account, object_id)
        try:
            self.payments.capture(account, order)
        except errors.PayPalError as error:
            if error.body['details'][0]['issue'] == 'INSTRUMENT_DECLINED':
                kept = [error.status, str(error), error.body]
                call.remember(account, MEMORY, error=kept)
            raise
        call.remember(account, MEMORY, order=order['id'])
        return 201, self._shown(account, order, call)


#: What the approval page needs of a request.
CONTEXT = ('return_url', 'cancel_url', 'locale', 'brand_name')


def _context(body):
    """Return the experience a request asks for, in its new or its old place."""
    source = body.get('payment_source', {}).get('paypal', {})
    return {**body.get('application_context', {}), **source.get('experience_context', {})}


def _check_amounts(unit, path, problems):
    """Note what does not add up in a purchase unit."""
    amount = unit['amount']
    money.check(amount, f'{path}/amount', problems)
    parts = amount.get('breakdown', {})
    items = unit.get('items', [])
    amounts = [(f'{path}/amount/breakdown/{name}', part, False) for name, part in parts.items()]
    for number, item in enumerate(items):
        amounts += [
            (f'{path}/items/{number}/{name}', item[name], False)
            for name in ('unit_amount', 'tax')
            if name in item
        ]
    for field, part, positive in amounts:
        if part['currency_code'] != amount['currency_code']:
            problems.append(errors.detail('MULTI_CURRENCY_ORDER', f'{field}/currency_code'))
        else:
            money.check(part, field, problems, positive)
    if not problems:
        _check_sums(amount, parts, items, path, problems)


def _check_sums(amount, parts, items, path, problems):
    def total(name, of):
        """Compare a part with the items it is the sum of."""
        wanted = sum(
            Decimal(item[of]['value']) * int(item['quantity']) for item in items if of in item
        )
        if any(of in item for item in items):
            issue = f'{name.upper()}_REQUIRED' if name not in parts else f'{name.upper()}_MISMATCH'
            if name not in parts or Decimal(parts[name]['value']) != wanted:
                problems.append(errors.detail(issue, f'{path}/amount/breakdown/{name}'))

    total('item_total', 'unit_amount')
    total('tax_total', 'tax')
    if parts:
        whole = sum(
            sign * Decimal(parts[name]['value'])
            for name, sign in schema.PARTS.items()
            if name in parts
        )
        if whole != Decimal(amount['value']):
            problems.append(
                errors.detail('AMOUNT_MISMATCH', f'{path}/amount/value', amount['value'])
            )
