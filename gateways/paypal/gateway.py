# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal: Orders v2 with a capture of our own, Payments v2, Webhooks v1.

As https://developer.paypal.com/api/rest describes them. Nothing but our capture moves money: an
approval alone gives PayPal none, and lapses.
"""

import contextlib
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from .. import base
from ..errors import (
    GatewayAuthError,
    GatewayNotFound,
    GatewayRefused,
    PayerActionNeeded,
    SignatureError,
)
from . import certificates
from . import events as paypal_events
from . import order as paypal_order
from . import payment as paypal_payment
from . import webhooks as paypal_webhooks
from .client import PayPalClient, next_query
from .disputes import PayPalDisputes
from .money import CURRENCIES, amount_limits, amount_step, from_money, to_money
from .order import object_id
from .payment import readable
from .reporting import PayPalReporting

#: By test mode.
HOSTS = {False: 'https://api-m.paypal.com', True: 'https://api-m.sandbox.paypal.com'}
ORDERS = '/v2/checkout/orders'
CAPTURES = '/v2/payments/captures'
REFUNDS = '/v2/payments/refunds'
EVENTS = '/v1/notifications/webhooks-events'
BALANCES = '/v1/reporting/balances'

#: The order is as it should be, or has been: what became of it is read.
CAPTURED_OR_NOT = ('ORDER_ALREADY_CAPTURED', 'ORDER_NOT_APPROVED')
#: The payer has to choose again, at the same order.
CHOOSE_AGAIN = (
    'INSTRUMENT_DECLINED',
    'PAYER_ACTION_REQUIRED',
    'REDIRECT_PAYER_FOR_ALTERNATE_FUNDING',
)
#: What keeps an amount from being charged, in the protocol's terms.
AMOUNT_CODES = {
    'CANNOT_BE_ZERO_OR_NEGATIVE': 'amount_too_small',
    'CURRENCY_NOT_SUPPORTED': 'currency_not_supported',
    'DECIMALS_NOT_SUPPORTED': 'amount_not_representable',
    'DECIMAL_PRECISION': 'amount_not_representable',
    'INVALID_CURRENCY_CODE': 'currency_not_supported',
    'MAX_VALUE_EXCEEDED': 'amount_too_large',
}
#: In the scope of a token that may read balances.
REPORTING = '/services/reporting/'
EVENTS_KEPT = timedelta(days=30)
PAGE = 100


class PayPalGateway:
    """One PayPal business account.

    :param Credentials credentials: client id and secret of its REST application, webhook id.
    :param str api_base: the sandbox's address; the caller lets only loopback through.
    :param str account: the merchant (payer id) to act for, when the application is a platform's.
    """

    currencies = CURRENCIES
    captures = True
    names_dispute_movements = False
    tells_disputes_as_refunds = True
    amount_limits = staticmethod(amount_limits)
    amount_step = staticmethod(amount_step)

    def __init__(self, credentials, *, api_base=None, account=None):
        self._credentials = credentials
        self._api_base = api_base.rstrip('/') if api_base else None
        self._account = account or ''
        self._test_mode = True if api_base else credentials.test_mode

    @property
    def test_mode(self):
        """Whether it is PayPal's sandbox, which only pretends. None until somebody found out."""
        return self._test_mode

    @property
    def _client(self):
        if self._test_mode is None:
            self._find_environment()
        return self._new_client(self._test_mode)

    @property
    def _reporting(self):
        return PayPalReporting(self._client)

    @property
    def _disputes(self):
        return PayPalDisputes(self._client, self.test_mode)

    def _new_client(self, test_mode):
        key = self._credentials.key
        return PayPalClient(
            key,
            self._credentials.secret,
            self._api_base or HOSTS[test_mode],
            paypal_order.assertion(key, self._account) if self._account else '',
            self._credentials.partner_code,
        )

    def _find_environment(self):
        """Find out which environment the credentials belong to: each refuses the other's."""
        try:
            self._new_client(False).scopes()
            self._test_mode = False
        except GatewayAuthError as error:
            if error.code != 'invalid_client':
                raise
            self._new_client(True).scopes()
            self._test_mode = True

    # === CONNECTION === #

    def check_account(self, currency=''):
        """Who we are and whether we may be paid: a token, the balances, and an order for nobody.

        PayPal has no address that gives an application its own account.
        """
        client = self._client
        account_id, held, primary = self._holdings(client.scopes())
        order, problem = self._try_order(currency or primary or 'EUR')
        with readable():
            unit = (order.get('purchase_units') or [{}])[0]
            payee = unit.get('payee') or {}
            return base.Account(
                id=payee.get('merchant_id') or account_id or self._account,
                name=(payee.get('display_data') or {}).get('brand_name') or '',
                email=payee.get('email_address') or '',
                country='',
                currency=currency if currency in held else primary,
                test_mode=self.test_mode,
                can_charge=not problem,
                can_pay_out=not problem,
                missing=(problem,) if problem else (),
            )

    def _holdings(self, scopes):
        """Return the account's id, the currencies it holds, and the primary one, if we may know."""
        if not any(REPORTING in scope for scope in scopes):
            return '', (), ''
        try:
            answer = self._client.call('GET', BALANCES)
        except GatewayRefused:
            return '', (), ''
        with readable():
            balances = answer.get('balances') or ()
            held = [part['currency'] for part in balances]
            primary = [part['currency'] for part in balances if part.get('primary')]
            return answer.get('account_id') or '', held, (primary or held[:1] or [''])[0]

    def _try_order(self, currency):
        """Open an order that is shown to nobody; it lapses by itself.

        :return: the order, and why PayPal keeps the account from being paid, if it does.
        """
        body = paypal_order.trial_body(Decimal(1), currency, self._account)
        try:
            order = self._create_order(body, uuid.uuid4().hex)
        except GatewayRefused as error:
            if not error.code.startswith('PAYEE_'):
                raise
            return {}, error.code
        with readable():
            if not any(unit.get('payee') for unit in order.get('purchase_units') or ()):
                order = self._client.call('GET', f'{ORDERS}/{object_id(order["id"])}')
        return order, ''

    # === WEBHOOKS === #

    def find_webhook(self, url):
        """The webhook registered for an address: `GET /v1/notifications/webhooks`."""
        return paypal_webhooks.find(self._client, url)

    def register_webhook(self, url):
        """One webhook for the address: `POST /v1/notifications/webhooks`, or the one there is.

        It has no secret: its id is part of what PayPal signs.
        """
        if not self._api_base:
            paypal_webhooks.check_url(url)
        return paypal_webhooks.register(self._client, url)

    def remove_webhook(self, webhook_id):
        """`DELETE /v1/notifications/webhooks/{id}`."""
        paypal_webhooks.remove(self._client, webhook_id)

    # === CHECKOUT === #

    def open_checkout(self, request, idempotency_key):
        """`POST /v2/checkout/orders`: one amount, captured by us after the payer's approval.

        PayPal keeps the key for six hours, longer than an order waits.
        """
        body = paypal_order.order_body(request, idempotency_key, self._account)
        try:
            order = self._create_order(body, paypal_order.request_id(idempotency_key))
        except GatewayRefused as error:
            if not (body := paypal_order.without_email(body, error)):
                raise
            key = f'{idempotency_key}-no-email'
            order = self._create_order(body, paypal_order.request_id(key))
        with readable():
            return base.Checkout(
                id=object_id(order['id']),
                url=paypal_order.payer_url(order, self._api_base),
                expires_at=paypal_order.expiry(order),
            )

    def _create_order(self, body, request_id):
        try:
            return self._client.call('POST', ORDERS, body=body, request_id=request_id)
        except GatewayRefused as error:
            if error.code not in AMOUNT_CODES:
                raise
            code = AMOUNT_CODES[error.code]
            raise GatewayRefused(error.message, code, error.request_id) from None

    def close_checkout(self, checkout_id):
        """Tell whether nothing was captured: PayPal cancels no order, and only we capture one."""
        try:
            payment = self.fetch_payment(checkout_id)
        except GatewayNotFound:
            return True
        return payment.state not in (base.PAID, base.PENDING)

    # === PAYMENT === #

    def fetch_payment(self, checkout_id='', payment_id=''):
        """`GET /v2/checkout/orders/{id}`; of an order that is gone, its capture.

        A payment without an order of ours is read too: `GET /v2/payments/captures/{id}`.
        """
        if checkout_id:
            try:
                return self._order_payment(checkout_id)
            except GatewayNotFound:
                if not payment_id:
                    raise
        capture = self._client.call('GET', f'{CAPTURES}/{object_id(payment_id)}')
        with readable():
            order_id = paypal_payment.order_id(capture)
        if order_id and order_id != checkout_id:
            with contextlib.suppress(GatewayNotFound):
                return self._order_payment(order_id)
        with readable():
            return paypal_payment.payment({}, self.test_mode, capture)

    def _order_payment(self, checkout_id):
        order = self._client.call('GET', f'{ORDERS}/{object_id(checkout_id)}')
        with readable():
            return paypal_payment.payment(order, self.test_mode)

    def capture(self, checkout_id, idempotency_key):
        """`POST /v2/checkout/orders/{id}/capture`."""
        try:
            order = self._client.call(
                'POST',
                f'{ORDERS}/{object_id(checkout_id)}/capture',
                body={},
                request_id=paypal_order.request_id(idempotency_key),
            )
        except GatewayRefused as error:
            if error.code in CHOOSE_AGAIN:
                raise PayerActionNeeded(error.message, error.code, error.request_id) from None
            if error.code not in CAPTURED_OR_NOT:
                raise
            order = {}
        with readable():
            if paypal_payment.is_complete(order):
                return paypal_payment.payment(order, self.test_mode)
        return self._order_payment(checkout_id)

    def refund(self, payment, amount, idempotency_key):
        """`POST /v2/payments/captures/{id}/refund`."""
        body = {
            'amount': to_money(amount, payment.currency),
            # Refused a second time, also when the request id is long forgotten.
            'invoice_id': paypal_order.identifier(idempotency_key)[: paypal_order.LONGEST],
        }
        if payment.reference:
            body['custom_id'] = paypal_order.identifier(payment.reference)[: paypal_order.LONGEST]
        values = self._client.call(
            'POST',
            f'{CAPTURES}/{object_id(payment.payment_id)}/refund',
            body=body,
            request_id=paypal_order.request_id(idempotency_key),
        )
        with readable():
            if not values.get('amount'):
                values = self._client.call('GET', f'{REFUNDS}/{object_id(values["id"])}')
            return paypal_payment.refund(values)

    # === EVENTS AND BALANCE === #

    #: See `certificates.fetch`.
    fetch_certificate = staticmethod(certificates.fetch)

    def verify_event(self, body, headers, kept=None):
        """PayPal, "Webhooks: self verification method".

        While one webhook takes over from another, both are ours.
        """
        ours, former = self._credentials.webhook_id, self._credentials.former_webhook_id
        try:
            return paypal_events.verify(body, headers, ours, self.test_mode, self._api_base, kept)
        except SignatureError as error:
            if not former or error.code != 'bad_signature':
                raise
        return paypal_events.verify(body, headers, former, self.test_mode, self._api_base, kept)

    def list_events(self, since):
        """`GET /v1/notifications/webhooks-events`, oldest first; PayPal keeps them for 30 days."""
        now = datetime.now(timezone.utc)
        since = max(since.astimezone(timezone.utc), now - EVENTS_KEPT)
        query = {
            'page_size': str(PAGE),
            'start_time': since.strftime('%Y-%m-%dT%H:%M:%SZ'),
            'end_time': now.strftime('%Y-%m-%dT%H:%M:%SZ'),
        }
        events, asked = {}, []
        while query and query not in asked and since < now:
            asked.append(query)
            page = self._client.call('GET', EVENTS, query=query)
            with readable():
                for data in page.get('events') or ():
                    if event := self._listed(data):
                        events[event.id] = event
                query = next_query(page, EVENTS) if page.get('events') else None
        yield from sorted(reversed(events.values()), key=lambda event: event.created_at)

    def _listed(self, data):
        """Return an event of ours; none where it is another kind, or has no id."""
        if not isinstance(data, dict):
            return None
        event = paypal_events.read(data, '', self.test_mode)
        return event if event.id and event.type in paypal_events.EVENT_TYPES else None

    def balance(self):
        """`GET /v1/reporting/balances`; what PayPal withholds is on its way."""
        answer = self._client.call('GET', BALANCES)
        available, pending = [], []
        with readable():
            for part in answer.get('balances') or ():
                total, currency = from_money(part['total_balance'])
                ready = part.get('available_balance')
                ready = from_money(ready)[0] if ready else total
                available.append((currency, ready))
                if total != ready:
                    pending.append((currency, total - ready))
        return base.Balance(available=tuple(available), pending=tuple(pending))

    # === PAYOUTS AND DISPUTES === #
    # Nothing is asked before the first one is wanted, not even for the environment.

    def list_payouts(self, since):
        """The withdrawals among the movements, oldest first."""
        yield from self._reporting.list_payouts(since)

    def fetch_payout(self, payout_id):
        """The withdrawal among those of the last month."""
        return self._reporting.fetch_payout(payout_id)

    def payout_lines(self, payout_id):
        """PayPal does not say what a withdrawal is made of."""
        return iter(())

    def list_movements(self, since):
        """`GET /v1/reporting/transactions`, oldest first."""
        yield from self._reporting.list_movements(since)

    def list_disputes(self, since):
        """`GET /v1/customer/disputes`: those changed since, each one read in full."""
        yield from self._disputes.list_disputes(since)

    def fetch_dispute(self, dispute_id):
        """`GET /v1/customer/disputes/{id}`, or `GET /v2/payments/refunds/{id}` of a reversal."""
        return self._disputes.fetch_dispute(dispute_id)
