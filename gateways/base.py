# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The gateway protocol: what the module asks of a payment provider, and the shapes of the answers.

A gateway is plain Python: no ORM, no Odoo import, relative imports only. Amounts are
:class:`decimal.Decimal` in major units beside an upper-case ISO 4217 code; instants are
time-zone-aware UTC :class:`datetime.datetime`. Everything handed out is a frozen dataclass.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

# === STATES OF A PAYMENT === #
# `open`: nothing paid yet, the payer can still pay. `approved`: the payer agreed, the money must
# still be captured (PayPal). `pending`: the money is on its way (SEPA debit, e-check).
# `paid`: received. `failed`: refused, nothing was debited. `canceled`: can no longer be paid.
OPEN, APPROVED, PENDING, PAID, FAILED, CANCELED = (
    'open',
    'approved',
    'pending',
    'paid',
    'failed',
    'canceled',
)


@dataclass(frozen=True)
class Account:
    """Who the credentials belong to (`check_account`)."""

    id: str
    name: str
    email: str
    country: str
    currency: str  # settlement currency
    test_mode: bool
    can_charge: bool
    can_pay_out: bool
    missing: tuple[str, ...] = ()  # what the provider still asks for, in its own terms


@dataclass(frozen=True)
class Webhook:
    """A registered notification endpoint. `secret` is only known right after registration."""

    id: str
    url: str
    enabled: bool = True
    secret: str = ''


@dataclass(frozen=True)
class CheckoutRequest:
    """What `open_checkout` needs to send a payer to the provider."""

    reference: str  # the transaction's reference: unique, comes back in `Payment.reference`
    amount: Decimal
    currency: str
    label: str  # one line shown to the payer, e.g. the invoice numbers
    description: str  # longer text for the merchant's dashboard
    return_url: str
    cancel_url: str
    payer_email: str = ''
    locale: str = ''  # Odoo's language code, e.g. fr_BE
    expires_at: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Checkout:
    """An opened checkout: send the payer to `url`."""

    id: str
    url: str
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Refund:
    """One refund of a payment. `state` is one of `pending`, `paid`, `failed`, `canceled`.

    Money may have left the balance while the refund is pending, and is back there some time after
    it failed: `moved_at` and `returned_at` say so, None for not, or not yet. What the provider
    charges for each of the two is a commission in `settlement_currency`, negative when it gives
    some of the payment's back, and None until it is known.
    """

    id: str
    amount: Decimal
    currency: str
    state: str
    created_at: datetime | None = None
    reason: str = ''  # of a failure, in the provider's terms
    reference: str = ''  # the idempotency key it was asked for with, when we asked
    moved_at: datetime | None = None
    commission: Decimal | None = None
    settlement_currency: str = ''
    movement_id: str = ''
    returned_at: datetime | None = None
    returned_commission: Decimal = Decimal(0)

    @property
    def commission_at(self):
        """The commission is part of the movement."""
        return self.moved_at


@dataclass(frozen=True)
class Payment:
    """What the provider knows about one payment, read and never changed by reading.

    `commission` and `net` are None until the provider has computed them, in
    `settlement_currency`. `payment_id` is the id that refunds and disputes refer to (Stripe:
    PaymentIntent, PayPal: capture).
    """

    checkout_id: str
    state: str
    reference: str
    amount: Decimal
    currency: str
    payment_id: str = ''
    charge_id: str = ''
    paid_at: datetime | None = None
    method: str = ''  # the provider's code of the method really used, e.g. card, sepa_debit
    payer_email: str = ''
    failure: str = ''  # why it failed, in the provider's words
    failure_code: str = ''  # the provider's code for it, e.g. insufficient_funds
    commission: Decimal | None = None
    net: Decimal | None = None
    settlement_currency: str = ''
    commission_at: datetime | None = None  # date of the balance movement
    movement_id: str = ''  # the provider's id of the balance movement (Stripe: txn_…)
    refunds: tuple[Refund, ...] = ()
    disputed: bool = False
    test_mode: bool = False


@dataclass(frozen=True)
class Event:
    """One verified (or listed) notification, normalised.

    `checkout_id`, `payment_id` and `reference` say *which* payment to ask about; none of the
    posted amounts or states is handed out, so that nobody can book from them. `subject` says what
    to ask about: a `payment`, a `payout` or a `dispute`, the latter two by `object_id`.
    """

    id: str
    type: str
    created_at: datetime
    account_id: str = ''
    checkout_id: str = ''
    payment_id: str = ''
    charge_id: str = ''
    reference: str = ''
    object_type: str = ''
    object_id: str = ''
    subject: str = 'payment'
    test_mode: bool = False


@dataclass(frozen=True)
class Balance:
    """Money the provider owes the account, per currency (available and on its way)."""

    available: tuple[tuple[str, Decimal], ...] = ()
    pending: tuple[tuple[str, Decimal], ...] = ()

    def total(self, currency):
        """Return the whole balance in one currency.

        :param str currency: upper-case ISO 4217 code.
        :return: available plus pending, in major units.
        :rtype: decimal.Decimal
        """
        return sum(
            (amount for code, amount in (*self.available, *self.pending) if code == currency),
            Decimal(0),
        )


@dataclass(frozen=True)
class Movement:
    """One movement of the balance at the provider.

    `amount` and `net` are negative when money leaves; net = amount - fee. `kind` is ours:
    `payment`, `refund`, `dispute`, `payout`, `payout_failure` (its money came back) or `other`.
    `source_id` is what moved: a charge, refund, dispute or payout. Where the provider gives a
    movement no id of its own, it is that one's.
    """

    id: str
    kind: str
    type: str  # the provider's own word or code
    amount: Decimal
    fee: Decimal
    net: Decimal
    currency: str
    created_at: datetime | None = None
    source_id: str = ''
    payment_id: str = ''
    charge_id: str = ''
    reference: str = ''  # the transaction's, as in `CheckoutRequest`
    label: str = ''


@dataclass(frozen=True)
class Payout:
    """A transfer of collected money to the company's bank.

    `state` is `pending`, `paid`, `failed` or `canceled`; paid can still become failed.
    `listed`: the provider lists the movements it is made of (`payout_lines`), and `complete`: it
    lists all of them by now. `bank_reference` is what the bank's statement may show.
    """

    id: str
    state: str
    amount: Decimal
    currency: str
    created_at: datetime
    arrives_at: datetime | None = None
    movement_id: str = ''
    failure_movement_id: str = ''
    failure: str = ''  # in the provider's words
    listed: bool = False
    complete: bool = False
    bank_reference: str = ''
    url: str = ''


@dataclass(frozen=True)
class Dispute:
    """A payer asks PayPal or the bank for the money back.

    `state` is `inquiry` (only asked), `open`, `won`, `lost` or `closed` (without a decision).
    `movements` is the money that went and came back by it, each with an id that never changes.
    """

    id: str
    state: str
    amount: Decimal
    currency: str
    created_at: datetime | None = None
    needs_response: bool = False
    due_at: datetime | None = None  # the last moment to answer
    reason: str = ''  # the provider's code
    payment_id: str = ''
    charge_id: str = ''
    reference: str = ''
    movements: tuple[Movement, ...] = ()
    reversal: bool = False  # PayPal took the money back, perhaps by a dispute that is told too
    url: str = ''


@dataclass(frozen=True)
class Credentials:
    """What a gateway signs with. `repr` shows none of it.

    :param str key: Stripe secret or restricted key; PayPal client id.
    :param str secret: PayPal client secret, empty for Stripe.
    :param str webhook_id: id of the registered endpoint.
    :param tuple webhook_secrets: all secrets valid now (two while one is being rotated).
    :param bool test_mode: which of the provider's two worlds they belong to, None while nobody
        knows: `check_account` then finds out. Stripe's keys say it themselves.
    """

    key: str = field(repr=False)
    secret: str = field(default='', repr=False)
    webhook_id: str = ''
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    test_mode: bool | None = None


class Gateway(Protocol):
    """One provider's API. All methods may raise `GatewayUnavailable` (try again later),
    `GatewayRefused` (the provider said no) and its kinds `GatewayAuthError`, `GatewayNotFound`."""

    #: ISO codes the provider can be paid in.
    currencies: frozenset[str]
    #: Whether money moves by our own `capture` only, never by what the payer does alone.
    captures: bool
    #: Whether the movements of a dispute have the ids that `list_movements` gives.
    names_dispute_movements: bool

    @staticmethod
    def amount_limits(currency: str) -> tuple[Decimal, Decimal]:
        """Return the smallest and largest amount of one payment, advisory: the provider decides.
        A smallest amount above the largest one means that the currency cannot be paid in."""

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

    def verify_event(self, body: bytes, headers) -> Event:
        """Prove the origin of a notification on its raw bytes, then normalise it.

        :param bytes body: the request's body, untouched.
        :param headers: mapping of HTTP headers, case-insensitive.
        :raise SignatureError: not proven, too old, malformed, or no secret to prove it with.
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
