# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe: Checkout Sessions, payouts and disputes, as https://docs.stripe.com/api describes them.

What its objects say about one payment stands in `payment`.
"""

from datetime import datetime, timedelta, timezone

from .. import base
from ..errors import GatewayNotFound, GatewayRefused
from . import events as stripe_events
from . import payment as stripe_payment
from .client import API_VERSION, ReplayedFailure, StripeClient, instant, object_id, readable
from .money import CURRENCIES, amount_limits, amount_step, from_minor, to_minor
from .schedule import payout_schedule

#: A session lives between 30 minutes and 24 hours; a margin for clocks that differ.
SHORTEST, LONGEST = timedelta(minutes=31), timedelta(hours=23, minutes=55)
#: Seconds a limited expiry is rounded to, so that a repeated request stays the same.
EXPIRY_STEP = 600
LOCALES = frozenset([
    'bg', 'cs', 'da', 'de', 'el', 'en', 'es', 'et', 'fi', 'fil', 'fr', 'hr', 'hu', 'id', 'it',
    'ja', 'ko', 'lt', 'lv', 'ms', 'mt', 'nb', 'nl', 'pl', 'pt', 'ro', 'ru', 'sk', 'sl', 'sv',
    'th', 'tr', 'vi', 'zh',
])  # fmt: skip
REGIONAL_LOCALES = {
    'en_GB': 'en-GB',
    'es_419': 'es-419',
    'fr_CA': 'fr-CA',
    'hi_IN': 'hi-IN',
    'pt_BR': 'pt-BR',
    'zh_HK': 'zh-HK',
    'zh_TW': 'zh-TW',
    'no_NO': 'nb',
}
#: How often a new idempotency key is tried after one that Stripe saved a failure for.
NEW_KEYS = 2
#: Ends the key of a request that is made once more, without the address Stripe did not like.
WITHOUT_EMAIL = 'no-email'
PAYOUT_STATES = {'paid': 'paid', 'failed': 'failed', 'canceled': 'canceled'}
#: Stripe's types of movements that have a kind of ours; whatever else it is: `other`.
MOVEMENT_KINDS = {
    'charge': 'payment',
    'payment': 'payment',
    'refund': 'refund',
    'payment_refund': 'refund',
    'payment_reversal': 'refund',
    'refund_failure': 'refund',
    'payment_failure_refund': 'refund',
    'payout': 'payout',
    'payout_cancel': 'payout_failure',
    'payout_failure': 'payout_failure',
}
#: Of movements whose source is a dispute.
DISPUTE_TYPE = 'adjustment'
MOVEMENT_SOURCE = {'expand': ['data.source'], 'limit': 100}
DISPUTE_STATES = {'won': 'won', 'lost': 'lost', 'prevented': 'closed', 'warning_closed': 'closed'}


def refused_email(error, params, name):
    """Tell whether Stripe refused a request because of the address that fills its form in.

    :param GatewayRefused error: its answer.
    :param dict params: what was sent.
    :param str name: of the parameter with the address.
    :rtype: bool
    """
    return name in params and (error.code == 'email_invalid' or error.field == name)


class StripeGateway:
    """One Stripe account.

    :param Credentials credentials: the secret key and the webhook secrets.
    :param str api_base: the sandbox's address; the caller lets only loopback through.
    :param str account: the connected account to act for, when the key is a platform's.
    """

    currencies = CURRENCIES
    captures = False
    names_dispute_movements = True
    tells_disputes_as_refunds = False
    amount_limits = staticmethod(amount_limits)
    amount_step = staticmethod(amount_step)
    #: What a new endpoint is asked for.
    endpoint_values = {'enabled_events': list(stripe_events.EVENT_TYPES)}

    def __init__(self, credentials, *, api_base=None, account=None):
        self._credentials = credentials
        self._client = StripeClient(credentials.key, api_base, account)
        #: Whose endpoints they are.
        self._registrar = self._client

    @property
    def test_mode(self):
        """Whether the key only pretends to take money (Stripe, "API keys")."""
        return not self._credentials.key.startswith(('sk_live_', 'rk_live_'))

    # === CONNECTION === #

    @readable()
    def check_account(self, currency=''):
        """Who we are and what the account may do: `GET /v1/account`."""
        account = self._client.call(lambda v1: v1.accounts.retrieve_current)
        requirements = account.get('requirements') or {}
        profile = account.get('business_profile') or {}
        dashboard = (account.get('settings') or {}).get('dashboard') or {}
        missing = [
            *(requirements.get('past_due') or []),
            *(requirements.get('currently_due') or []),
            *filter(None, [requirements.get('disabled_reason')]),
        ]
        return base.Account(
            id=account['id'],
            name=profile.get('name') or dashboard.get('display_name') or '',
            email=account.get('email') or '',
            country=account.get('country') or '',
            currency=(account.get('default_currency') or '').upper(),
            test_mode=self.test_mode,
            can_charge=bool(account.get('charges_enabled')),
            can_pay_out=bool(account.get('payouts_enabled')),
            missing=tuple(dict.fromkeys(missing)),
            payout_schedule=payout_schedule(account),
        )

    @readable()
    def _endpoints(self, url):
        listed = self._registrar.iterate(lambda v1: v1.webhook_endpoints.list, {'limit': 100})
        return [endpoint for endpoint in listed if endpoint['url'] == url]

    def find_webhook(self, url):
        """The endpoint registered for an address: `GET /v1/webhook_endpoints`."""
        return next(map(self._webhook, self._endpoints(url)), None)

    @readable()
    def register_webhook(self, url):
        """One endpoint for the address: `POST /v1/webhook_endpoints`.

        Its secret is given at creation only, so one that is there already is replaced. The new
        one comes first: no notification is lost in between.
        """
        old = [endpoint['id'] for endpoint in self._endpoints(url)]
        try:
            endpoint = self._create_endpoint(url)
        except GatewayRefused:
            if not old:
                raise
            # Perhaps there are as many as Stripe allows: then the old one has to go first.
            self.remove_webhook(old.pop())
            endpoint = self._create_endpoint(url)
        for webhook_id in old:
            self.remove_webhook(webhook_id)
        return self._webhook(endpoint)

    def _create_endpoint(self, url):
        return self._registrar.call(
            lambda v1: v1.webhook_endpoints.create,
            {
                **self.endpoint_values,
                'url': url,
                # Fixed here, or events look as the account's default version says.
                'api_version': API_VERSION,
                'description': "Pay Now for Odoo",
            },
        )

    def remove_webhook(self, webhook_id):
        """`DELETE /v1/webhook_endpoints/{id}`."""
        try:
            self._registrar.call(lambda v1: v1.webhook_endpoints.delete, webhook_id)
        except GatewayNotFound:
            return

    @readable()
    def _webhook(self, endpoint):
        return base.Webhook(
            id=endpoint['id'],
            url=endpoint['url'],
            enabled=endpoint.get('status') != 'disabled',
            complete=_has_all_events(endpoint.get('enabled_events') or ()),
            secret=endpoint.get('secret') or '',
        )

    # === CHECKOUT === #

    @readable()
    def open_checkout(self, request, idempotency_key):
        """`POST /v1/checkout/sessions`: one line with the exact amount."""
        params = self._session_params(request)
        try:
            session = self._create_session(params, idempotency_key)
        except GatewayRefused as error:
            if not refused_email(error, params, 'customer_email'):
                raise
            del params['customer_email']
            session = self._create_session(params, f'{idempotency_key}-{WITHOUT_EMAIL}')
        return base.Checkout(
            id=session['id'],
            url=session['url'],
            expires_at=instant(session['expires_at']),
            methods=tuple(session.get('payment_method_types') or ()),
        )

    def _create_session(self, params, idempotency_key):
        """Create a session, under further keys when Stripe repeats a failure saved for this one.

        Should the failed request have left a session after all: nobody knows its address.
        """
        for number in range(NEW_KEYS + 1):
            try:
                return self._client.call(
                    lambda v1: v1.checkout.sessions.create,
                    params,
                    idempotency_key=f'{idempotency_key}-{number}' if number else idempotency_key,
                )
            except ReplayedFailure as error:
                failure = error
        raise failure

    def _session_params(self, request):
        metadata = {
            name[:40]: value[:500]
            for name, value in (*request.metadata, ('odoo_reference', request.reference))
            if value
        }
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
                        'product_data': {'name': request.label.strip()[:250] or request.reference},
                    },
                }
            ],
            # The session's metadata does not reach the payment: both are given.
            'metadata': metadata,
            'payment_intent_data': {'metadata': metadata},
            # What is charged stays what is booked.
            'adaptive_pricing': {'enabled': False},
            'locale': _locale(request.locale),
            'success_url': request.return_url,
        }
        # Stripe refuses empty values.
        if request.cancel_url:
            params['cancel_url'] = request.cancel_url
        if description := request.description.strip()[:1000]:
            params['payment_intent_data']['description'] = description
        if base.EMAIL.fullmatch(request.payer_email):
            params['customer_email'] = request.payer_email
        if request.expires_at:
            params['expires_at'] = _expiry(request.expires_at)
        return params

    @readable()
    def close_checkout(self, checkout_id):
        """`POST /v1/checkout/sessions/{id}/expire`; reading decides a race with the payer."""
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

    @readable()
    def fetch_payment(self, checkout_id='', payment_id=''):
        """`GET /v1/checkout/sessions/{id}`, with everything behind it in one call.

        A payment without a checkout of ours is read too: `GET /v1/payment_intents/{id}`.
        """
        session = None
        if not checkout_id:
            sessions = self._client.iterate(
                lambda v1: v1.checkout.sessions.list, {'payment_intent': payment_id, 'limit': 1}
            )
            session = next(sessions, None)
        if checkout_id or session:
            session = self._client.call(
                lambda v1: v1.checkout.sessions.retrieve,
                checkout_id or session['id'],
                {'expand': [f'payment_intent.{path}' for path in stripe_payment.CHARGE_EXPAND]},
            )
            intent = session.get('payment_intent') or {}
        else:
            intent = self._client.call(
                lambda v1: v1.payment_intents.retrieve,
                payment_id,
                {'expand': list(stripe_payment.CHARGE_EXPAND)},
            )
        return stripe_payment.payment(session or {}, intent, self._refunds(intent))

    def _refunds(self, intent):
        """Return all refund objects of a PaymentIntent, with their movements of the balance.

        The charge holds the newest ten, too deep for anything in them to be expanded.
        """
        newest = (intent.get('latest_charge') or {}).get('refunds') or {}
        return self._list_refunds(intent['id']) if newest.get('data') else ()

    def _list_refunds(self, payment_id):
        """`GET /v1/refunds`."""
        return self._client.iterate(
            lambda v1: v1.refunds.list,
            {
                'payment_intent': payment_id,
                'limit': 100,
                'expand': [f'data.{path}' for path in stripe_payment.REFUND_EXPAND],
            },
        )

    def capture(self, checkout_id, idempotency_key):
        """Stripe captures by itself: the same as reading."""
        return self.fetch_payment(checkout_id)

    def refund(self, payment, amount, idempotency_key):
        """`POST /v1/refunds`.

        A failure that Stripe saved for the key may have left a refund after all: it is looked for
        before another key is used.
        """
        params = {
            'payment_intent': payment.payment_id,
            'amount': to_minor(amount, payment.currency),
            'metadata': {stripe_payment.REFUND_KEY: idempotency_key},
            'expand': list(stripe_payment.REFUND_EXPAND),
        }
        for number in range(NEW_KEYS + 1):
            try:
                values = self._client.call(
                    lambda v1: v1.refunds.create,
                    params,
                    idempotency_key=f'{idempotency_key}-{number}' if number else idempotency_key,
                )
                return stripe_payment.refund(values)
            except ReplayedFailure as error:
                failure = error
                made = map(stripe_payment.refund, self._list_refunds(payment.payment_id))
                if found := next((one for one in made if one.reference == idempotency_key), None):
                    return found
        raise failure

    # === EVENTS AND BALANCE === #

    def verify_event(self, body, headers, kept=None):
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
        events = [stripe_events.read(data, '', self.test_mode) for data in listed]
        for event in reversed(events):
            if event.id and event.type in wanted:
                yield event

    @readable()
    def balance(self):
        """`GET /v1/balance`."""
        data = self._client.call(lambda v1: v1.balance.retrieve)

        def amounts(key):
            return tuple(
                (part['currency'].upper(), from_minor(part['amount'], part['currency']))
                for part in data.get(key) or ()
            )

        return base.Balance(available=amounts('available'), pending=amounts('pending'))

    # === PAYOUTS AND DISPUTES === #

    def list_payouts(self, since):
        """`GET /v1/payouts`, oldest first."""
        listed = self._client.iterate(
            lambda v1: v1.payouts.list, {'created': {'gte': int(since.timestamp())}, 'limit': 100}
        )
        yield from map(payout, reversed(list(listed)))

    def fetch_payout(self, payout_id):
        """`GET /v1/payouts/{id}`."""
        return payout(self._client.call(lambda v1: v1.payouts.retrieve, payout_id))

    def payout_lines(self, payout_id):
        """`GET /v1/balance_transactions`: the movements of an automatic payout.

        Stripe lists the payout's own movement among them.
        """
        for values in self._client.iterate(
            lambda v1: v1.balance_transactions.list, {'payout': payout_id, **MOVEMENT_SOURCE}
        ):
            line = movement(values)
            if line.source_id != payout_id:
                yield line

    def list_movements(self, since):
        """`GET /v1/balance_transactions`, oldest first."""
        listed = self._client.iterate(
            lambda v1: v1.balance_transactions.list,
            {'created': {'gte': int(since.timestamp())}, **MOVEMENT_SOURCE},
        )
        yield from map(movement, reversed(list(listed)))

    def list_disputes(self, since):
        """`GET /v1/disputes`: those opened since; Stripe cannot be asked for changes."""
        listed = self._client.iterate(
            lambda v1: v1.disputes.list,
            {'created': {'gte': int(since.timestamp())}, 'expand': ['data.charge'], 'limit': 100},
        )
        yield from map(dispute, listed)

    def fetch_dispute(self, dispute_id):
        """`GET /v1/disputes/{id}`."""
        return dispute(
            self._client.call(lambda v1: v1.disputes.retrieve, dispute_id, {'expand': ['charge']})
        )


@readable()
def payout(values):
    """Return a payout object as a `base.Payout`."""
    currency = values['currency'].upper()
    trace = values.get('trace_id') or {}
    return base.Payout(
        id=values['id'],
        state=PAYOUT_STATES.get(values.get('status'), 'pending'),
        amount=from_minor(values['amount'], currency),
        currency=currency,
        created_at=instant(values['created']),
        arrives_at=instant(values.get('arrival_date')),
        movement_id=object_id(values.get('balance_transaction')),
        failure_movement_id=object_id(values.get('failure_balance_transaction')),
        failure=values.get('failure_message') or values.get('failure_code') or '',
        listed=bool(values.get('automatic')),
        complete=values.get('reconciliation_status') == 'completed',
        bank_reference=trace.get('value') or '',
        descriptor=values.get('statement_descriptor') or '',
        url=_dashboard(values, 'payouts'),
    )


@readable()
def movement(values):
    """Return a balance transaction, its source expanded or not, as a `base.Movement`."""
    currency = values['currency'].upper()
    source = values.get('source')
    source = source if isinstance(source, dict) else {'id': source or ''}
    metadata = source.get('metadata') or {}
    return base.Movement(
        id=values['id'],
        kind=_movement_kind(values['type'], source),
        type=values['type'],
        amount=from_minor(values['amount'], currency),
        fee=from_minor(values['fee'], currency),
        net=from_minor(values['net'], currency),
        currency=currency,
        created_at=instant(values['created']),
        available_at=instant(values.get('available_on')),
        source_id=source['id'],
        payment_id=object_id(source.get('payment_intent')),
        charge_id=source['id']
        if source.get('object') == 'charge'
        else object_id(source.get('charge')),
        reference=metadata.get('odoo_reference') or '',
        database=metadata.get('odoo_database') or '',
        label=values.get('description') or '',
    )


@readable()
def dispute(values):
    """Return a dispute object as a `base.Dispute`."""
    currency, status = values['currency'].upper(), values['status']
    charge = values.get('charge')
    charge = charge if isinstance(charge, dict) else {'id': charge or ''}
    due = (values.get('evidence_details') or {}).get('due_by')
    return base.Dispute(
        id=values['id'],
        state=DISPUTE_STATES.get(status, 'inquiry' if status.startswith('warning_') else 'open'),
        amount=from_minor(values['amount'], currency),
        currency=currency,
        created_at=instant(values['created']),
        needs_response=status.endswith('needs_response'),
        due_at=instant(due),
        reason=values.get('reason') or '',
        payment_id=object_id(values.get('payment_intent')),
        charge_id=charge['id'],
        reference=(charge.get('metadata') or {}).get('odoo_reference') or '',
        # Both ways, each with its own fee; an inquiry has none.
        movements=tuple(map(movement, values.get('balance_transactions') or ())),
        url=_dashboard(values, 'disputes'),
    )


def _dashboard(values, path):
    """Return the address of an object's page for the merchant.

    :param dict values: the object.
    :param str path: e.g. `payouts`.
    """
    mode = '' if values.get('livemode') else 'test/'
    return f'https://dashboard.stripe.com/{mode}{path}/{values["id"]}'


def _movement_kind(kind, source):
    """Return our kind of a movement: those of disputes say so by their source alone."""
    if kind == DISPUTE_TYPE and (
        source.get('object') == 'dispute' or source['id'].startswith(('du_', 'dp_'))
    ):
        return 'dispute'
    return MOVEMENT_KINDS.get(kind, 'other')


def _has_all_events(names):
    """Tell whether an endpoint with these event types is notified of all that we want."""
    return '*' in names or set(stripe_events.EVENT_TYPES) <= set(names)


def _expiry(wished):
    """Return the wished expiry within what Stripe allows, in whole seconds."""
    now = int(datetime.now(timezone.utc).timestamp()) // EXPIRY_STEP * EXPIRY_STEP
    shortest = now + EXPIRY_STEP + int(SHORTEST.total_seconds())
    longest = now + int(LONGEST.total_seconds())
    return min(max(int(wished.timestamp()), shortest), longest)


def _locale(code):
    """Return Stripe's locale for one of Odoo's language codes."""
    if code in REGIONAL_LOCALES:
        return REGIONAL_LOCALES[code]
    language = (code or '').partition('_')[0]
    return language if language in LOCALES else 'auto'
