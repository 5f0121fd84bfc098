# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's API: `/v1/…`."""

import re
import secrets

from werkzeug.routing import Map, Rule

from . import errors, params, stripe_objects

#: Smallest amount of a charge in minor units, by currency.
MINIMUM = {'eur': 50, 'usd': 50, 'gbp': 30, 'chf': 50}
#: kind of object -> keys that may be expanded, and into what
EXPANDABLE = {
    'checkout.session': {'payment_intent': 'payment_intent'},
    'payment_intent': {'latest_charge': 'charge'},
    'charge': {'balance_transaction': 'balance_transaction', 'payment_intent': 'payment_intent'},
    'refund': {
        'balance_transaction': 'balance_transaction',
        'charge': 'charge',
        'payment_intent': 'payment_intent',
    },
    'payout': {'balance_transaction': 'balance_transaction'},
    'balance_transaction': {},
    'event': {},
}
#: Lists: path -> kind of object, filters.
LISTS = {
    '/v1/webhook_endpoints': ('webhook_endpoint', {}),
    '/v1/checkout/sessions': ('checkout.session', {'payment_intent': str, 'status': str}),
    '/v1/payment_intents': ('payment_intent', {}),
    '/v1/charges': ('charge', {'payment_intent': str}),
    '/v1/balance_transactions': (
        'balance_transaction',
        {'payout': str, 'source': str, 'type': str},
    ),
    '/v1/refunds': ('refund', {'payment_intent': str, 'charge': str}),
    '/v1/events': ('event', {'type': str, 'types': [str], 'delivery_success': bool}),
    '/v1/payouts': ('payout', {'status': str}),
}

ROUTES = Map(
    [
        Rule('/v1/account', methods=['GET'], endpoint='account'),
        Rule('/v1/balance', methods=['GET'], endpoint='balance'),
        Rule('/v1/webhook_endpoints', methods=['POST'], endpoint='create_webhook'),
        Rule('/v1/webhook_endpoints/<object_id>', methods=['POST'], endpoint='update_webhook'),
        Rule('/v1/webhook_endpoints/<object_id>', methods=['DELETE'], endpoint='delete_webhook'),
        Rule('/v1/checkout/sessions', methods=['POST'], endpoint='create_session'),
        Rule('/v1/checkout/sessions/<object_id>/expire', methods=['POST'], endpoint='expire'),
        Rule('/v1/refunds', methods=['POST'], endpoint='create_refund'),
        *(Rule(path, methods=['GET'], endpoint='list') for path in LISTS),
        *(Rule(f'{path}/<object_id>', methods=['GET'], endpoint='retrieve') for path in LISTS),
    ]
)


class StripeApi:
    """Answers one call; the caller holds the world's lock."""

    def __init__(self, world, payments, webhooks):
        self.world = world
        self.payments = payments
        self.webhooks = webhooks

    def call(self, account, endpoint, path, values, object_id=None):
        """Answer a call.

        :param Account account: whose key was used.
        :param str endpoint: of `ROUTES`.
        :param dict values: parsed, untyped parameters.
        :return: the answer.
        :rtype: dict
        :raise StripeError: whatever Stripe would refuse.
        """
        self.payments.expire_due(account)
        if endpoint in ('list', 'retrieve'):
            base = path if endpoint == 'list' else path.rpartition('/')[0]
            return getattr(self, f'_{endpoint}')(account, base, values, object_id)
        return getattr(self, f'_{endpoint}')(account, values, object_id)

    # === READING === #

    def _account(self, account, values, _object_id):
        params.check(values, {'expand': [str]})
        requirements = {
            'alternatives': [],
            'current_deadline': None,
            'currently_due': account.missing,
            'disabled_reason': None if account.charges_enabled else 'requirements.past_due',
            'errors': [],
            'eventually_due': account.missing,
            'past_due': account.missing,
            'pending_verification': [],
        }
        return {
            **stripe_objects.account(account),
            'business_profile': {
                'mcc': None,
                'minority_owned_business_designation': None,
                'specified_commercial_transactions_act_url': None,
                'name': account.name,
                'product_description': None,
                'support_address': None,
                'support_email': None,
                'support_phone': None,
                'support_url': None,
                'url': None,
            },
            'requirements': requirements,
        }

    def _balance(self, account, values, _object_id):
        params.check(values, {'expand': [str]})
        return stripe_objects.balance(account)

    def _retrieve(self, account, base, values, object_id):
        kind, _filters = LISTS[base]
        typed = params.check(values, {'expand': [str]})
        return self._expanded(account, self._find(account, kind, object_id), typed.get('expand'))

    def _find(self, account, kind, object_id, param='id'):
        obj = account.get(kind, object_id)
        if not obj:
            raise errors.no_such(kind.replace('.', ' '), object_id, param)
        return obj

    def _list(self, account, base, values, _object_id):
        kind, filters = LISTS[base]
        typed = params.check(values, {**params.LIST, **params.CREATED, **filters})
        limit = typed.get('limit', 10)
        if not 1 <= limit <= 100:
            raise errors.invalid('limit', "Limit must be between 1 and 100.")
        if 'type' in typed and 'types' in typed:
            raise errors.StripeError(
                400, "type and types exclude each other.", 'parameters_exclusive'
            )
        if len(typed.get('types', ())) > 20:
            raise errors.invalid('types', "You may only specify up to 20 types.")
        found = [obj for obj in reversed(account.all(kind)) if self._matches(obj, typed, filters)]
        found = self._page(found, typed)
        expand = [
            name.removeprefix('data.')
            for name in typed.get('expand', ())
            if name.startswith('data.')
        ]
        return {
            'object': 'list',
            'url': base,
            'has_more': len(found) > limit,
            'data': [self._expanded(account, obj, expand) for obj in found[:limit]],
        }

    def _matches(self, obj, typed, filters):
        for name in filters:
            if name not in typed or name in ('payout', 'delivery_success'):
                continue
            if name == 'types':
                if not any(self._is_type(obj['type'], wanted) for wanted in typed['types']):
                    return False
            elif name == 'type' and obj['object'] == 'event':
                if not self._is_type(obj['type'], typed['type']):
                    return False
            elif obj.get(name) != typed[name]:
                return False
        created = typed.get('created') or {}
        return (
            obj['created'] >= created.get('gte', 0)
            and obj['created'] > created.get('gt', -1)
            and obj['created'] <= created.get('lte', 1 << 40)
            and obj['created'] < created.get('lt', 1 << 40)
        )

    @staticmethod
    def _is_type(kind, wanted):
        return kind == wanted or (wanted.endswith('.*') and kind.startswith(wanted[:-1]))

    @staticmethod
    def _page(found, typed):
        ids = [obj['id'] for obj in found]
        for name in ('starting_after', 'ending_before'):
            if name in typed and typed[name] not in ids:
                raise errors.no_such('object', typed[name], name)
        if 'starting_after' in typed:
            return found[ids.index(typed['starting_after']) + 1 :]
        if 'ending_before' in typed:
            return found[: ids.index(typed['ending_before'])]
        return found

    def _expanded(self, account, obj, paths):
        """Return a copy with the wanted ids replaced by their objects."""
        answer = {key: value for key, value in obj.items() if key != 'secret'}
        for path in paths or ():
            if path.count('.') > 3:
                raise errors.invalid('expand', "You can expand up to 4 levels.")
            head, _dot, rest = path.partition('.')
            kind = EXPANDABLE.get(obj['object'], {}).get(head)
            if not kind:
                raise errors.invalid('expand', f"This property cannot be expanded ({head}).")
            value = answer.get(head)
            if isinstance(value, dict):
                value = value['id']
            if value:
                answer[head] = self._expanded(
                    account, self._find(account, kind, value), [rest] if rest else []
                )
        return answer

    # === WEBHOOK ENDPOINTS === #

    def _create_webhook(self, account, values, _object_id):
        typed = params.check(values, params.WEBHOOK)
        for name in ('url', 'enabled_events'):
            if not typed.get(name):
                raise errors.missing(name)
        self._check_url(typed['url'])
        if len(account.all('webhook_endpoint')) >= 16:
            raise errors.StripeError(400, "You have reached the maximum of 16 webhook endpoints.")
        return dict(
            account.add(
                stripe_objects.webhook_endpoint(typed, f'whsec_{secrets.token_urlsafe(24)}')
            )
        )

    @staticmethod
    def _check_url(url):
        if not params.URL.match(url):
            raise errors.StripeError(400, f"Invalid URL: {url}", 'url_invalid', 'url')

    def _update_webhook(self, account, values, object_id):
        typed = params.check(values, params.WEBHOOK)
        endpoint = self._find(account, 'webhook_endpoint', object_id)
        if 'url' in typed:
            self._check_url(typed['url'])
        if 'disabled' in typed:
            endpoint['status'] = 'disabled' if typed.pop('disabled') else 'enabled'
        endpoint.update({key: typed[key] for key in typed if key in endpoint})
        return self._expanded(account, endpoint, [])

    def _delete_webhook(self, account, _values, object_id):
        self._find(account, 'webhook_endpoint', object_id)
        account.remove('webhook_endpoint', object_id)
        return {'id': object_id, 'object': 'webhook_endpoint', 'deleted': True}

    # === CHECKOUT SESSIONS === #

    def _create_session(self, account, values, _object_id):
        typed = params.check(values, params.SESSION)
        for name in ('mode', 'success_url', 'line_items'):
            if not typed.get(name):
                raise errors.missing(name)
        for name in ('success_url', 'cancel_url'):
            if typed.get(name):
                self._check_url(typed[name])
        self._check_session(typed)
        session = account.add(stripe_objects.session(typed, self.world.base))
        self.payments.intent_data[session['id']] = typed.get('payment_intent_data') or {}
        session_name = typed['line_items'][0]['price_data']['product_data']['name']
        self.payments.intent_data[session['id']] = {
            **self.payments.intent_data[session['id']],
            'label': session_name,
        }
        return self._expanded(account, session, typed.get('expand'))

    def _check_session(self, typed):
        if typed['mode'] != 'payment':
            raise errors.invalid('mode', f"Invalid mode: {typed['mode']}")
        item = typed['line_items'][0]
        price = item.get('price_data') or {}
        for name, value in (
            ('line_items[0][quantity]', item.get('quantity')),
            ('line_items[0][price_data][currency]', price.get('currency')),
            ('line_items[0][price_data][unit_amount]', price.get('unit_amount')),
            ('line_items[0][price_data][product_data]', price.get('product_data')),
        ):
            if value is None:
                raise errors.missing(name)
        if not re.fullmatch(r'[a-z]{3}', price['currency']):
            raise errors.invalid('currency', f"Invalid currency: {price['currency']}")
        amount = price['unit_amount'] * item['quantity']
        if amount < MINIMUM.get(price['currency'], 1):
            raise errors.StripeError(
                400,
                "The Checkout Session's total amount must convert to at least 50 cents.",
                'amount_too_small',
            )
        if amount > 99_999_999:
            raise errors.StripeError(
                400, "Amount must be no more than €999,999.99", 'amount_too_large'
            )
        email = typed.get('customer_email')
        if email is not None and not params.EMAIL.match(email):
            raise errors.StripeError(400, f"Invalid email address: {email}", 'email_invalid')
        self._check_expiry(typed.get('expires_at'))
        if len(typed.get('client_reference_id') or '') > 200:
            raise errors.invalid('client_reference_id', "At most 200 characters.")

    def _check_expiry(self, expires_at):
        now = self.world.now()
        if expires_at is not None and not now + 1795 <= expires_at <= now + 86405:
            raise errors.invalid(
                'expires_at',
                "The expires_at timestamp must be between 30 minutes and 24 hours from Checkout"
                " Session creation.",
            )

    def _expire(self, account, values, object_id):
        params.check(values, {'expand': [str]})
        session = self._find(account, 'checkout.session', object_id)
        if session['status'] != 'open':
            raise errors.StripeError(
                400,
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout"
                f" Session has a status of {session['status']}.",
            )
        self.payments.expire(account, session)
        return self._expanded(account, session, [])

    # === REFUNDS === #

    def _create_refund(self, account, values, _object_id):
        typed = params.check(values, params.REFUND)
        if bool(typed.get('payment_intent')) == bool(typed.get('charge')):
            raise errors.StripeError(
                400, "One of the following params should be provided: payment_intent or charge."
            )
        charge_id = typed.get('charge')
        if not charge_id:
            intent = self._find(
                account, 'payment_intent', typed['payment_intent'], 'payment_intent'
            )
            charge_id = intent['latest_charge']
        charge = self._find(account, 'charge', charge_id, 'charge')
        return self._expanded(
            account, self.payments.refund(account, charge, typed), typed.get('expand')
        )
