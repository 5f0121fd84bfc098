# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's API: `/v1/…`."""

import secrets

from werkzeug.routing import Map, Rule

from . import errors, money, objects, params, reading
from .reading import LISTS

#: How many notification endpoints an account may have.
MOST_WEBHOOKS = 16

ROUTES = Map(
    [
        Rule('/v1/account', methods=['GET'], endpoint='account'),
        Rule('/v1/accounts', methods=['POST'], endpoint='create_account'),
        Rule('/v1/account_links', methods=['POST'], endpoint='create_link'),
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
    """Answers one call; the caller holds the store's lock."""

    def __init__(self, store, payments, webhooks, onboarding):
        self.store = store
        self.payments = payments
        self.webhooks = webhooks
        self.onboarding = onboarding

    def call(self, account, endpoint, path, values, object_id=None):
        """Answer a call.

        :param Account account: whose key was used.
        :param str endpoint: of `ROUTES`.
        :param dict values: parsed, untyped parameters.
        :return: the answer.
        :rtype: dict
        :raise StripeError: whatever Stripe would refuse.
        """
        if endpoint == 'list':
            return reading.page(account, path, values)
        if endpoint == 'retrieve':
            return reading.retrieve(account, path.rpartition('/')[0], values, object_id)
        return getattr(self, f'_{endpoint}')(account, values, object_id)

    def _account(self, account, values, _object_id):
        params.check(values, params.EXPAND)
        return objects.account(account)

    # === CONNECTED ACCOUNTS === #

    def _create_account(self, account, values, _object_id):
        typed = params.check(values, params.ACCOUNT)
        return objects.account(self.onboarding.create(account, typed))

    def _create_link(self, account, values, _object_id):
        typed = params.check(values, params.ACCOUNT_LINK)
        for name in ('account', 'type', 'refresh_url', 'return_url'):
            if not typed.get(name):
                raise errors.missing(name)
        for name in ('refresh_url', 'return_url'):
            self._check_url(typed[name], name)
        return self.onboarding.link(account, typed)

    def _balance(self, account, values, _object_id):
        params.check(values, params.EXPAND)
        return objects.balance(account)

    # === WEBHOOK ENDPOINTS === #

    def _create_webhook(self, account, values, _object_id):
        typed = params.check(values, params.NEW_WEBHOOK)
        for name in ('url', 'enabled_events'):
            if not typed.get(name):
                raise errors.missing(name)
        self._check_url(typed['url'], 'url')
        version = typed.get('api_version')
        if version and not params.API_VERSION.match(version):
            raise errors.invalid('api_version', f"Invalid Stripe API version: {version}")
        if len(account.all('webhook_endpoint')) >= MOST_WEBHOOKS:
            raise errors.StripeError(
                400, f"You have reached the maximum of {MOST_WEBHOOKS} test webhook endpoints."
            )
        secret = f'whsec_{secrets.token_urlsafe(24)}'
        endpoint = account.add(objects.webhook_endpoint(typed))
        account.note('secrets')[endpoint['id']] = [secret]
        account.note('connect')[endpoint['id']] = bool(typed.get('connect'))
        # Told in this answer only.
        return {**endpoint, 'secret': secret}

    @staticmethod
    def _check_url(url, param):
        if not params.URL.match(url):
            raise errors.StripeError(400, "Not a valid URL", 'url_invalid', param)

    def _update_webhook(self, account, values, object_id):
        typed = params.check(values, params.WEBHOOK)
        endpoint = reading.find(account, 'webhook_endpoint', object_id)
        if 'url' in typed:
            self._check_url(typed['url'], 'url')
        if 'disabled' in typed:
            endpoint['status'] = 'disabled' if typed.pop('disabled') else 'enabled'
        endpoint.update({key: typed[key] for key in typed if key in endpoint})
        return dict(endpoint)

    def _delete_webhook(self, account, values, object_id):
        params.check(values, {})
        reading.find(account, 'webhook_endpoint', object_id)
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
                self._check_url(typed[name], name)
        self._check_session(account, typed)
        session = account.add(objects.session(typed, self.store.base))
        account.note('intent_data')[session['id']] = {
            **(typed.get('payment_intent_data') or {}),
            'label': typed['line_items'][0]['price_data']['product_data']['name'],
        }
        return reading.expanded(account, session, typed.get('expand'))

    def _check_session(self, account, typed):
        if not account.charges_enabled:
            raise errors.StripeError(
                400, "Your account cannot currently make live charges.", 'account_invalid'
            )
        if typed['mode'] != 'payment':
            raise errors.invalid('mode', "The sandbox knows mode=payment only.")
        if len(typed['line_items']) != 1:
            raise errors.invalid('line_items', "The sandbox knows one line only.")
        if (typed.get('payment_intent_data') or {}).get('capture_method') == 'manual':
            raise errors.invalid(
                'payment_intent_data[capture_method]', "The sandbox does not capture by hand."
            )
        amount, currency = self._check_item(typed['line_items'][0])
        money.check(amount, currency)
        params.check_email(typed, 'customer_email')
        self._check_expiry(typed.get('expires_at'))

    @staticmethod
    def _check_item(item):
        """Return amount and currency of a line, all of whose parts are needed."""
        price = item.get('price_data') or {}
        product = price.get('product_data') or {}
        for name, value in (
            ('line_items[0][quantity]', item.get('quantity')),
            ('line_items[0][price_data][currency]', price.get('currency')),
            ('line_items[0][price_data][unit_amount]', price.get('unit_amount')),
            ('line_items[0][price_data][product_data][name]', product.get('name')),
        ):
            if value is None:
                raise errors.missing(name)
        return price['unit_amount'] * item['quantity'], price['currency']

    def _check_expiry(self, expires_at):
        now = self.store.now()
        if expires_at is not None and not now + 1800 <= expires_at <= now + 86400:
            raise errors.invalid(
                'expires_at',
                "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout"
                " Session creation.",
            )

    def _expire(self, account, values, object_id):
        typed = params.check(values, params.EXPAND)
        session = reading.find(account, 'checkout.session', object_id)
        if session['status'] != 'open':
            raise errors.StripeError(
                400,
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout"
                f" Session has a status of `{session['status']}`.",
            )
        self.payments.expire(account, session)
        return reading.expanded(account, session, typed.get('expand'))

    # === REFUNDS === #

    def _create_refund(self, account, values, _object_id):
        typed = params.check(values, params.REFUND)
        if bool(typed.get('payment_intent')) == bool(typed.get('charge')):
            raise errors.StripeError(
                400, "One of the following params should be provided: payment_intent or charge."
            )
        charge_id = typed.get('charge')
        if not charge_id:
            intent = reading.find(
                account, 'payment_intent', typed['payment_intent'], 'payment_intent'
            )
            charge_id = intent['latest_charge']
        charge = reading.find(account, 'charge', charge_id, 'charge')
        refund = self.payments.refund(account, charge, typed)
        return reading.expanded(account, refund, typed.get('expand'))
