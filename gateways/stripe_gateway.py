# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe: Checkout Sessions, as https://docs.stripe.com/api describes them."""

import re
from datetime import datetime, timedelta, timezone

from . import base, stripe_events
from .errors import GatewayNotFound, GatewayRefused
from .stripe_client import API_VERSION, StripeClient
from .stripe_money import CURRENCIES, amount_limits, from_minor, to_minor

#: A session lives between 30 minutes and 24 hours; a margin for clocks that differ.
SHORTEST, LONGEST = timedelta(minutes=31), timedelta(hours=23, minutes=55)
EMAIL = re.compile(r'^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]{2,}$')
LOCALES = frozenset(
    [
        'bg',
        'cs',
        'da',
        'de',
        'el',
        'en',
        'es',
        'et',
        'fi',
        'fil',
        'fr',
        'hr',
        'hu',
        'id',
        'it',
        'ja',
        'ko',
        'lt',
        'lv',
        'ms',
        'mt',
        'nb',
        'nl',
        'pl',
        'pt',
        'ro',
        'ru',
        'sk',
        'sl',
        'sv',
        'th',
        'tr',
        'vi',
        'zh',
    ]
)
REGIONAL_LOCALES = {
    'en_GB': 'en-GB',
    'fr_CA': 'fr-CA',
    'pt_BR': 'pt-BR',
    'zh_HK': 'zh-HK',
    'zh_TW': 'zh-TW',
    'no_NO': 'nb',
}
PAYMENT_EXPAND = 'payment_intent.latest_charge.balance_transaction'


class StripeGateway:
    """One Stripe account.

    :param Credentials credentials: the secret key and the webhook secrets.
    :param str api_base: the sandbox's address; the caller lets only loopback through.
    """

    currencies = CURRENCIES
    amount_limits = staticmethod(amount_limits)

    def __init__(self, credentials, api_base=None):
        self._credentials = credentials
        self._client = StripeClient(credentials.key, api_base)

    @property
    def test_mode(self):
        """Whether the key only pretends to take money (Stripe, "API keys")."""
        return not self._credentials.key.startswith(('sk_live_', 'rk_live_'))

    # === CONNECTION === #

    def check_account(self):
        """Who we are and what the account may do: `GET /v1/account`."""
        account = self._client.call(lambda v1: v1.accounts.retrieve_current)
        requirements = account.get('requirements') or {}
        profile = account.get('business_profile') or {}
        missing = [
            *(requirements.get('past_due') or []),
            *(requirements.get('currently_due') or []),
            *filter(None, [requirements.get('disabled_reason')]),
        ]
        return base.Account(
            id=account['id'],
            name=profile.get('name') or '',
            email=account.get('email') or '',
            country=account.get('country') or '',
            currency=(account.get('default_currency') or '').upper(),
            test_mode=self.test_mode,
            can_charge=bool(account.get('charges_enabled')),
            can_pay_out=bool(account.get('payouts_enabled')),
            missing=tuple(dict.fromkeys(missing)),
        )

    def _endpoints(self, url):
        listed = self._client.iterate(lambda v1: v1.webhook_endpoints.list, {'limit': 100})
        return [endpoint for endpoint in listed if endpoint['url'] == url]

    def find_webhook(self, url):
        """The endpoint registered for an address: `GET /v1/webhook_endpoints`."""
        return next(map(self._webhook, self._endpoints(url)), None)

    def register_webhook(self, url):
        """One endpoint for the address: `POST /v1/webhook_endpoints`.

        Its secret is told at creation only, so one that is there already is replaced. The new
        one comes first: no notification is lost in between.
        """
        old = self._endpoints(url)
        endpoint = self._client.call(
            lambda v1: v1.webhook_endpoints.create,
            {
                'url': url,
                'enabled_events': list(stripe_events.EVENT_TYPES),
                'api_version': API_VERSION,
                'description': "Pay Now for Odoo",
            },
        )
        for endpoint_before in old:
            self.remove_webhook(endpoint_before['id'])
        return self._webhook(endpoint)

    def remove_webhook(self, webhook_id):
        """`DELETE /v1/webhook_endpoints/{id}`."""
        try:
            self._client.call(lambda v1: v1.webhook_endpoints.delete, webhook_id)
        except GatewayNotFound:
            return

    def _webhook(self, endpoint):
        return base.Webhook(
            id=endpoint['id'],
            url=endpoint['url'],
            enabled=endpoint.get('status') != 'disabled',
            secret=endpoint.get('secret') or '',
        )

    # === CHECKOUT === #

    def open_checkout(self, request, idempotency_key):
        """`POST /v1/checkout/sessions`: one line with the exact amount."""
        session = self._client.call(
            lambda v1: v1.checkout.sessions.create,
            self._session_params(request),
            idempotency_key=idempotency_key,
        )
        return base.Checkout(
            id=session['id'], url=session['url'], expires_at=_instant(session['expires_at'])
        )

    def _session_params(self, request):
        metadata = dict(request.metadata) | {'odoo_reference': request.reference}
        params = {
            'mode': 'payment',
            'submit_type': 'pay',
            'client_reference_id': request.reference[:200],
            'line_items': [
                {
                    'quantity': 1,
                    'price_data': {
                        'currency': request.currency.lower(),
                        'unit_amount': to_minor(request.amount, request.currency),
                        'product_data': {'name': request.label[:250] or request.reference},
                    },
                }
            ],
            # The session's metadata does not reach the payment: both are given.
            'metadata': metadata,
            'payment_intent_data': {
                'metadata': metadata,
                'description': request.description[:1000],
            },
            # What is charged stays what is booked.
            'adaptive_pricing': {'enabled': False},
            'locale': _locale(request.locale),
            'success_url': request.return_url,
            'cancel_url': request.cancel_url,
        }
        if EMAIL.match(request.payer_email):
            params['customer_email'] = request.payer_email
        if request.expires_at:
            params['expires_at'] = _expiry(request.expires_at)
        return params

    def close_checkout(self, checkout_id):
        """`POST /v1/checkout/sessions/{id}/expire`; a race against the payer is told by reading."""
        try:
            self._client.call(lambda v1: v1.checkout.sessions.expire, checkout_id)
            return True
        except GatewayNotFound:
            return True
        except GatewayRefused:
            session = self._client.call(lambda v1: v1.checkout.sessions.retrieve, checkout_id)
            if session['status'] == 'open':
                raise
            return session['status'] == 'expired'

    # === PAYMENT === #

    def fetch_payment(self, checkout_id='', payment_id=''):
        """`GET /v1/checkout/sessions/{id}`, with everything behind it in one call."""
        if not checkout_id:
            checkout_id = self._find_session(payment_id)
        session = self._client.call(
            lambda v1: v1.checkout.sessions.retrieve, checkout_id, {'expand': [PAYMENT_EXPAND]}
        )
        return self._payment(session)

    def _find_session(self, payment_id):
        sessions = self._client.iterate(
            lambda v1: v1.checkout.sessions.list, {'payment_intent': payment_id, 'limit': 1}
        )
        session = next(sessions, None)
        if not session:
            raise GatewayNotFound(f"No checkout of payment {payment_id}.", 'resource_missing')
        return session['id']

    def capture(self, checkout_id, idempotency_key):
        """Stripe captures by itself: the same as reading."""
        return self.fetch_payment(checkout_id)

    def _payment(self, session):
        intent = session.get('payment_intent') or {}
        charge = intent.get('latest_charge') or {}
        movement = charge.get('balance_transaction') or {}
        refusal = intent.get('last_payment_error') or {}
        currency = (intent.get('currency') or session['currency'] or '').upper()
        state = _state(session, intent)
        received = intent.get('amount_received') if state == base.PAID else None
        settled = (movement.get('currency') or '').upper()
        return base.Payment(
            checkout_id=session['id'],
            state=state,
            reference=session.get('client_reference_id') or '',
            amount=from_minor(session['amount_total'] if received is None else received, currency),
            currency=currency,
            payment_id=intent.get('id') or '',
            charge_id=charge.get('id') or '',
            paid_at=_instant(charge.get('created')) if state == base.PAID else None,
            method=(charge.get('payment_method_details') or {}).get('type') or '',
            payer_email=(session.get('customer_details') or {}).get('email') or '',
            failure=refusal.get('message') or '',
            failure_code=_failure_code(refusal),
            commission=from_minor(movement['fee'], settled) if movement else None,
            net=from_minor(movement['net'], settled) if movement else None,
            settlement_currency=settled,
            commission_at=_instant(movement.get('created')),
            movement_id=movement.get('id') or '',
            refunds=self._refunds(intent) if charge.get('amount_refunded') else (),
            disputed=bool(charge.get('disputed')),
            test_mode=not session.get('livemode'),
        )

    def _refunds(self, intent):
        listed = self._client.iterate(
            lambda v1: v1.refunds.list, {'payment_intent': intent['id'], 'limit': 100}
        )
        return tuple(
            base.Refund(
                id=refund['id'],
                amount=from_minor(refund['amount'], refund['currency']),
                currency=refund['currency'].upper(),
                state={'succeeded': 'paid', 'failed': 'failed', 'canceled': 'canceled'}.get(
                    refund.get('status'), 'pending'
                ),
                created_at=_instant(refund.get('created')),
                reason=refund.get('failure_reason') or '',
            )
            for refund in listed
        )

    # === EVENTS AND BALANCE === #

    def verify_event(self, body, headers):
        """Stripe, "Webhooks: verify signatures manually"."""
        return stripe_events.verify(
            body, headers, self._credentials.webhook_secrets, self.test_mode
        )

    def list_events(self, since):
        """`GET /v1/events`, oldest first; Stripe keeps them for 30 days."""
        wanted = set(stripe_events.EVENT_TYPES)
        listed = self._client.iterate(
            lambda v1: v1.events.list, {'created': {'gte': int(since.timestamp())}, 'limit': 100}
        )
        events = [event for event in listed if event['type'] in wanted]
        for event in reversed(events):
            yield stripe_events.normalise(event)

    def balance(self):
        """`GET /v1/balance`."""
        data = self._client.call(lambda v1: v1.balance.retrieve)

        def amounts(key):
            return tuple(
                (part['currency'].upper(), from_minor(part['amount'], part['currency']))
                for part in data.get(key) or ()
            )

        return base.Balance(available=amounts('available'), pending=amounts('pending'))


def _state(session, intent):
    """Return the state of a payment from its session and PaymentIntent."""
    status, intent_status = session['status'], intent.get('status')
    if intent_status == 'succeeded' or session['payment_status'] == 'paid':
        return base.PAID
    if intent_status in ('processing', 'requires_capture'):
        return base.PENDING
    if status == 'expired' or intent_status == 'canceled':
        return base.CANCELED
    if status == 'complete':
        # Unpaid and no longer processing: the delayed method failed.
        return base.FAILED if intent_status else base.PENDING
    return base.OPEN


def _failure_code(refusal):
    """Return the most telling code of a refusal; a generic decline says nothing."""
    decline = refusal.get('decline_code') or ''
    return refusal.get('code') or '' if decline in ('', 'generic_decline') else decline


def _instant(timestamp):
    return datetime.fromtimestamp(timestamp, timezone.utc) if timestamp else None


def _expiry(instant):
    """Return the wished expiry within what Stripe allows, in whole seconds."""
    now = datetime.now(timezone.utc)
    return int(min(max(instant, now + SHORTEST), now + LONGEST).timestamp())


def _locale(code):
    """Return Stripe's locale for one of Odoo's language codes."""
    if code in REGIONAL_LOCALES:
        return REGIONAL_LOCALES[code]
    language = (code or '').partition('_')[0]
    return language if language in LOCALES else 'auto'
