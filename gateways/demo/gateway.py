# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""How the module asks a provider that is played: the protocol, word for word."""

import hmac
import re
import secrets
from datetime import datetime, timezone
from decimal import Decimal

from .. import base, reading
from ..errors import GatewayNotFound, GatewayRefused, SignatureError
from ..paypal.gateway import PayPalGateway
from ..stripe.gateway import StripeGateway
from . import brands
from .provider import SIGNATURE, DemoProvider, now, signature

#: Seconds after which a notification is too old.
TOLERANCE = 300
#: As the header of a notification is written.
PROOF = re.compile(r't=([0-9]{1,12}),v1=([0-9a-f]{64})')


def _instant(text):
    return datetime.fromisoformat(text) if text else None


class DemoGateway:
    """One account at a provider that is played.

    :param Credentials credentials: of them, the webhook secrets alone count.
    :param store.Store store: what the provider knows.
    :param str page: the address of its checkouts, to be followed by their id and token.
    """

    brand = None

    def __init__(self, credentials, store, page):
        self._credentials = credentials
        self._page = page
        #: What payers and the provider's own people do there.
        self.provider = DemoProvider(self.brand, store)

    @property
    def _store(self):
        return self.provider.store

    # === CONNECTION === #

    def check_account(self, currency=''):
        """See `protocol.Gateway`: an account of a test, that may do everything."""
        return base.Account(
            id=self.brand.account,
            name=f'{self.brand.name} (demonstration)',
            email='',
            country='',
            currency=currency,
            test_mode=True,
            can_charge=True,
            can_pay_out=True,
        )

    def find_webhook(self, url):
        """See `protocol.Gateway`."""
        for ref, values in self._store.all('webhook'):
            if values['url'] == url:
                return base.Webhook(id=ref, url=url)
        return None

    def register_webhook(self, url):
        """See `protocol.Gateway`: one for the address, each time with a new secret."""
        if former := self.find_webhook(url):
            self.remove_webhook(former.id)
        ref, secret = self.brand.new_id('webhook'), secrets.token_hex(32)
        self._store.put('webhook', ref, {'url': url, 'secret': secret})
        return base.Webhook(id=ref, url=url, secret=secret)

    def remove_webhook(self, webhook_id):
        """See `protocol.Gateway`."""
        self._store.remove('webhook', webhook_id)

    # === CHECKOUT === #

    def open_checkout(self, request, idempotency_key):
        """See `protocol.Gateway`."""
        known = self._store.get('key', idempotency_key)
        ref = known and known['checkout']
        if not ref:
            self._check_amount(request)
            ref = self.provider.open(request, self.amount_step(request.currency))
            self._store.put('key', idempotency_key, {'checkout': ref})
        values = self.provider.checkout(ref)
        asked = (request.reference, str(request.amount), request.currency)
        if asked != (values['reference'], values['amount'], values['currency']):
            raise GatewayRefused("The same key with another request.", 'idempotency_error')
        return base.Checkout(
            id=ref,
            url=f'{self._page}/{ref}/{values["token"]}',
            expires_at=_instant(values['expires_at']),
            methods=self.brand.methods,
        )

    def _check_amount(self, request):
        """Refuse what the provider would.

        :raise GatewayRefused: see `open_checkout`.
        """
        step = self.amount_step(request.currency)
        if not step:
            raise GatewayRefused("This currency is not taken.", 'currency_not_supported')
        if request.amount % step:
            raise GatewayRefused("The amount cannot be written.", 'amount_not_representable')
        low, high = self.amount_limits(request.currency)
        if request.amount < low:
            raise GatewayRefused("The amount is too small.", 'amount_too_small')
        if request.amount > high:
            raise GatewayRefused("The amount is too large.", 'amount_too_large')

    def close_checkout(self, checkout_id):
        """See `protocol.Gateway`."""
        return self.provider.close(checkout_id)

    # === PAYMENT === #

    def fetch_payment(self, checkout_id='', payment_id=''):
        """See `protocol.Gateway`."""
        ref = checkout_id or self.provider.checkout_of(payment_id)
        values = self.provider.checkout(ref)
        amount, fee = Decimal(values['amount']), values.get('commission')
        paid_at = _instant(values.get('paid_at'))
        return base.Payment(
            checkout_id=ref,
            state=values['state'],
            reference=values['reference'],
            amount=amount,
            currency=values['currency'],
            payment_id=values.get('payment_id', ''),
            charge_id=values.get('charge_id', ''),
            paid_at=paid_at,
            method=values.get('method', ''),
            payer_email=values['payer_email'],
            failure=values.get('failure', ''),
            failure_code=values.get('failure_code', ''),
            commission=fee and Decimal(fee),
            net=fee and amount - Decimal(fee),
            settlement_currency=values['currency'] if fee else '',
            commission_at=paid_at,
            movement_id=values.get('movement_id', ''),
            refunds=tuple(map(self._refund, values['refunds'])),
            disputed=bool(values.get('disputed')),
            test_mode=True,
        )

    def _refund(self, ref):
        values = self._store.get('refund', ref)
        at = _instant(values['created_at'])
        return base.Refund(
            id=ref,
            amount=Decimal(values['amount']),
            currency=values['currency'],
            state='paid',
            created_at=at,
            reference=values['reference'],
            moved_at=at,
            commission=Decimal(0),
            settlement_currency=values['currency'],
            movement_id=values['movement_id'],
        )

    def capture(self, checkout_id, idempotency_key):
        """See `protocol.Gateway`."""
        if self.captures:
            self.provider.capture(checkout_id, idempotency_key)
        return self.fetch_payment(checkout_id)

    def refund(self, payment, amount, idempotency_key):
        """See `protocol.Gateway`."""
        ref = payment.checkout_id or self.provider.checkout_of(payment.payment_id)
        return self._refund(self.provider.refund(ref, amount, idempotency_key))

    # === EVENTS AND BALANCE === #

    def verify_event(self, body, headers, kept=None):
        """See `protocol.Gateway`: a keyed hash of instant and body, by any secret valid now."""
        found = PROOF.fullmatch(headers.get(SIGNATURE) or '')
        if not found:
            raise SignatureError("There is no proof.", 'no_signature')
        at, proof = found.groups()
        wanted = [signature(one, at, body) for one in self._credentials.webhook_secrets]
        if not any([hmac.compare_digest(proof, one) for one in wanted]):
            raise SignatureError("The proof is not right.", 'bad_signature')
        if abs(now().timestamp() - int(at)) > TOLERANCE:
            raise SignatureError("The notification is too old.", 'too_old')
        try:
            return self._event(reading.parse(body))
        except reading.MISREAD:
            return base.Event(
                id=reading.fingerprint(body),
                type=base.UNREADABLE,
                created_at=now(),
                subject=base.UNREADABLE,
            )

    def list_events(self, since):
        """See `protocol.Gateway`."""
        events = [self._event(values) for _ref, values in self._store.all('event')]
        yield from sorted(
            (event for event in events if event.created_at >= since),
            key=lambda event: event.created_at,
        )

    def _event(self, values):
        names = ('checkout_id', 'payment_id', 'charge_id', 'reference', 'object_type', 'object_id')
        return base.Event(
            id=values['id'],
            type=values['type'],
            created_at=datetime.fromtimestamp(values['created'], timezone.utc),
            account_id=self.brand.account,
            subject=values['subject'],
            test_mode=True,
            **{name: values.get(name, '') for name in names},
        )

    def balance(self):
        """See `protocol.Gateway`."""
        return base.Balance(available=tuple(sorted(self.provider.balance().items())))

    # === PAYOUTS AND DISPUTES === #

    def list_payouts(self, since):
        """See `protocol.Gateway`."""
        payouts = [self.fetch_payout(ref) for ref, _values in self._store.all('payout')]
        yield from sorted(
            (payout for payout in payouts if payout.created_at >= since),
            key=lambda payout: payout.created_at,
        )

    def fetch_payout(self, payout_id):
        """See `protocol.Gateway`."""
        values = self._store.get('payout', payout_id)
        if not values:
            raise GatewayNotFound("No such payout.", 'not_found')
        return base.Payout(
            id=payout_id,
            state='paid',
            amount=Decimal(values['amount']),
            currency=values['currency'],
            created_at=_instant(values['created_at']),
            arrives_at=_instant(values['arrives_at']),
            movement_id=values['movement_id'],
            listed=self.brand.lists_payouts,
            complete=self.brand.lists_payouts,
            bank_reference=values['bank_reference'],
            descriptor=self.brand.name.upper(),
        )

    def payout_lines(self, payout_id):
        """See `protocol.Gateway`."""
        values = self._store.get('payout', payout_id) or {}
        for ref in values.get('lines', ()):
            yield self._movement(ref, self._store.get('movement', ref))

    def list_movements(self, since):
        """See `protocol.Gateway`."""
        lines = [self._movement(ref, values) for ref, values in self._store.all('movement')]
        yield from sorted(
            (line for line in lines if line.created_at >= since), key=lambda line: line.created_at
        )

    def _movement(self, ref, values):
        names = ('source_id', 'payment_id', 'charge_id', 'reference', 'database', 'label')
        at = _instant(values['created_at'])
        return base.Movement(
            id=ref,
            kind=values['kind'],
            type=values['kind'],
            amount=Decimal(values['amount']),
            fee=Decimal(values['fee']),
            net=Decimal(values['net']),
            currency=values['currency'],
            created_at=at,
            available_at=at,
            **{name: values.get(name, '') for name in names},
        )

    def list_disputes(self, since):
        """See `protocol.Gateway`: all of them, whose number is small."""
        for ref, _values in self._store.all('dispute'):
            yield self.fetch_dispute(ref)

    def fetch_dispute(self, dispute_id):
        """See `protocol.Gateway`."""
        values = self._store.get('dispute', dispute_id)
        if not values:
            raise GatewayNotFound("No such dispute.", 'not_found')
        payment = self.provider.checkout(values['checkout'])
        return base.Dispute(
            id=dispute_id,
            state=values['state'],
            amount=Decimal(values['amount']),
            currency=payment['currency'],
            created_at=_instant(values['created_at']),
            needs_response=values['state'] == 'open',
            due_at=_instant(values['due_at']),
            reason=values['reason'],
            payment_id=payment['payment_id'],
            charge_id=payment['charge_id'],
            reference=payment['reference'],
            movements=tuple(
                self._movement(line['id'], self._store.get('movement', line['movement']))
                for line in values['movements']
            ),
        )


class DemoStripe(DemoGateway):
    """Stripe, played."""

    brand = brands.STRIPE
    currencies = StripeGateway.currencies
    captures = StripeGateway.captures
    names_dispute_movements = StripeGateway.names_dispute_movements
    tells_disputes_as_refunds = StripeGateway.tells_disputes_as_refunds
    amount_limits = staticmethod(StripeGateway.amount_limits)
    amount_step = staticmethod(StripeGateway.amount_step)


class DemoPayPal(DemoGateway):
    """PayPal, played."""

    brand = brands.PAYPAL
    currencies = PayPalGateway.currencies
    captures = PayPalGateway.captures
    names_dispute_movements = PayPalGateway.names_dispute_movements
    tells_disputes_as_refunds = PayPalGateway.tells_disputes_as_refunds
    amount_limits = staticmethod(PayPalGateway.amount_limits)
    amount_step = staticmethod(PayPalGateway.amount_step)
