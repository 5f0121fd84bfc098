# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The gateway protocol: what the module asks of a payment provider (the shapes are in `base`)."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from .base import (
    Account,
    Balance,
    Checkout,
    CheckoutRequest,
    Dispute,
    Event,
    Onboarding,
    OnboardingRequest,
    Payment,
    Payout,
    Refund,
    Webhook,
)


class Gateway(Protocol):
    """One provider's API. All methods may raise `GatewayUnavailable` (try again later),
    `GatewayRefused` (the provider said no) and its kinds `GatewayAuthError`, `GatewayNotFound`."""

    #: ISO codes the provider can be paid in.
    currencies: frozenset[str]
    #: Whether money moves by our own `capture` only, never by what the payer does alone.
    captures: bool
    #: Whether the movements of a dispute have the ids that `list_movements` gives.
    names_dispute_movements: bool
    #: Whether money that disputes take back is listed among the refunds of the payment too.
    tells_disputes_as_refunds: bool

    @staticmethod
    def amount_limits(currency: str) -> tuple[Decimal, Decimal]:
        """Return the smallest and largest amount of one payment, advisory: the provider decides.
        A smallest amount above the largest one means that the currency cannot be paid in."""

    @staticmethod
    def amount_step(currency: str) -> Decimal:
        """Return what amounts of a currency have to be a multiple of: nothing finer can be
        written. Zero where the currency cannot be paid in at all."""

    def check_account(self, currency: str = '') -> Account:
        """Prove the credentials and say what the account may do.

        :param str currency: what payments will be in; a provider that cannot be asked otherwise
            (PayPal) is asked for a checkout in it that nobody will ever see.
        """

    def find_webhook(self, url: str) -> Webhook | None:
        """Return the endpoint registered for `url`, without its secret."""

    def register_webhook(self, url: str) -> Webhook:
        """Register `url` for all events of `EVENT_TYPES`; one endpoint per url.

        An endpoint already there whose secret is no longer known is replaced.
        """

    def remove_webhook(self, webhook_id: str) -> None:
        """Remove an endpoint; silent when it is gone already."""

    def open_checkout(self, request: CheckoutRequest, idempotency_key: str) -> Checkout:
        """Open a checkout; the same key with the same request gives the same checkout.

        :raise GatewayRefused: also when the amount cannot be charged (`code` amount_too_small,
            amount_too_large, amount_not_representable, currency_not_supported).
        """

    def close_checkout(self, checkout_id: str) -> bool:
        """Make sure a checkout can no longer be paid.

        :return: True when it is closed, False when it is paid or being paid: read it then.
        """

    def fetch_payment(self, checkout_id: str = '', payment_id: str = '') -> Payment:
        """Read a payment by checkout id or, failing that, by payment id. Changes nothing.

        :raise GatewayNotFound: the provider does not know it.
        """

    def capture(self, checkout_id: str, idempotency_key: str) -> Payment:
        """Take the money of an approved checkout (PayPal). Where the provider captures by
        itself (Stripe), the same as `fetch_payment`.

        Taken already, or not approved after all: what is there is read and given.

        :param str idempotency_key: one for each approval of the payer.
        :raise PayerActionNeeded: the payer has to choose another way of paying, at the same
            checkout; the next approval needs a new key.
        :raise GatewayRefused: this checkout will never be captured.
        """

    def refund(self, payment: Payment, amount: Decimal, idempotency_key: str) -> Refund:
        """Give back a part or all of a payment.

        The same key gives money back once. It is kept with the refund as its `reference`, to
        recognise it when the answer was lost.

        :raise GatewayRefused: also when no more than that is left (`code` of the provider).
        """

    def verify_event(self, body: bytes, headers, kept=None) -> Event:
        """Prove the origin of a notification on its raw bytes, then normalise it.

        Proven and not understood is an event too, whose subject is `base.UNREADABLE`.

        :param bytes body: the request's body, untouched.
        :param headers: mapping of HTTP headers, case-insensitive.
        :param kept: gives what was fetched from the address of a certificate, None for nothing.
        :raise SignatureError: not proven, too old, or no secret to prove it with.
        :raise CertificateNeeded: the certificate it names has to be fetched first.
        """

    def list_events(self, since: datetime):
        """Iterate over the provider's events since `since`, oldest first."""

    def balance(self) -> Balance:
        """Return what the provider owes the account now."""

    # === PAYOUTS AND DISPUTES === #

    def list_payouts(self, since: datetime):
        """Iterate over the payouts made since `since`, oldest first.

        :raise GatewayAuthError: `reporting_not_allowed` where the credentials may not read them.
        """

    def fetch_payout(self, payout_id: str) -> Payout:
        """Read a payout.

        :raise GatewayNotFound: the provider does not know it, or not yet.
        """

    def payout_lines(self, payout_id: str):
        """Iterate over the movements that a payout with `listed` is made of, without its own."""

    def list_movements(self, since: datetime):
        """Iterate over the movements of the balance since `since`, oldest first.

        :raise GatewayAuthError: as `list_payouts`.
        """

    def list_disputes(self, since: datetime):
        """Iterate over the disputes opened or changed since `since`, without order.

        A provider that cannot be asked for changes gives those opened since.

        :raise GatewayAuthError: `disputes_not_allowed` where the credentials may not read them.
        """

    def fetch_dispute(self, dispute_id: str) -> Dispute:
        """Read a dispute, or PayPal's reversal of a payment, which is one that is lost already.

        :raise GatewayNotFound: the provider does not know it.
        """


class PlatformGateway(Gateway, Protocol):
    """One provider's API with a platform's credentials, acting for one of its merchants.

    Webhooks are the platform's own: one endpoint is notified of all its merchants.
    """

    def onboarding_url(self, request: OnboardingRequest) -> Onboarding:
        """Begin the merchant's registration at the provider, or go on with it.

        The account it belongs to is made once for a reference; each call gives a new link.

        :raise GatewayAuthError: `account_invalid` when the account this gateway acts for is not
            the platform's any more.
        """

    def finish_onboarding(self, reference: str, currency: str = '') -> Account:
        """Say how far the registration has come, whatever the merchant's browser says.

        :param str reference: as in `OnboardingRequest`.
        :param str currency: as of `check_account`.
        :raise GatewayNotFound: there is no account yet.
        :raise GatewayAuthError: `consent_revoked` when the merchant lets the platform do nothing.
        """
