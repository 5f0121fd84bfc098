# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The shapes of what goes to a gateway and comes back (`protocol` says by which methods).

A gateway is plain Python: no ORM, no Odoo import, relative imports only. Amounts are
:class:`decimal.Decimal` in major units beside an upper-case ISO 4217 code; instants are
time-zone-aware UTC :class:`datetime.datetime`. Everything handed out is a frozen dataclass.
"""

import re
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

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


#: How often a provider pays out by itself; `manual`: never.
DAILY, WEEKLY, MONTHLY, MANUAL = 'daily', 'weekly', 'monthly', 'manual'


@dataclass(frozen=True)
class PayoutSchedule:
    """When a provider pays out by itself what may be paid out, as the account's settings say."""

    interval: str
    delay_days: int | None = None  # from a payment until it may be paid out
    days: tuple[int, ...] = ()  # weekly: 1 (Monday) to 7; monthly: 1 to 31

    def next_day(self, day):
        """Return when money that may be paid out from a day on is expected to be.

        Banks work from Monday to Friday: what falls on a weekend is expected on the Monday after
        it. Their holidays are not known.

        :param datetime.date day: from when on it may be paid out.
        :return: None where nobody can tell.
        :rtype: datetime.date | None
        """
        if self.interval == DAILY:
            return _business_day(day)
        if self.interval not in (WEEKLY, MONTHLY) or not self.days:
            return None
        # Each weekday, and each day of a month or its last one, comes within that.
        coming = (day + timedelta(days=number) for number in range(32))
        return next((_business_day(one) for one in coming if self._is_payout_day(one)), None)

    def _is_payout_day(self, day):
        if self.interval == WEEKLY:
            return day.isoweekday() in self.days
        last = monthrange(day.year, day.month)[1]
        # What a shorter month has not is its last day.
        return day.day in {min(one, last) for one in self.days}


def _business_day(day):
    """Return a day, or the Monday after it where it is of a weekend."""
    return day + timedelta(days=max(8 - day.isoweekday(), 0)) if day.isoweekday() > 5 else day


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
    #: None where it is not known, or money stays until it is withdrawn.
    payout_schedule: PayoutSchedule | None = None


@dataclass(frozen=True)
class Webhook:
    """A registered notification endpoint. `secret` is only known right after registration.

    `complete`: it is notified of all events we want.
    """

    id: str
    url: str
    enabled: bool = True
    complete: bool = True
    secret: str = ''


#: An address that every provider takes to fill its form in, to the letter and within all limits.
#: Another one is not sent: the payer types it there, rather than cannot pay.
EMAIL = re.compile(
    r'(?=.{3,254}\Z)(?=[^@]{1,64}@)'
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r'@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}'
)


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
    methods: tuple[str, ...] = ()  # what the payer can choose from, in the provider's codes


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
    wallet: str = ''  # what the payer's card was kept in, e.g. apple_pay
    payer_email: str = ''
    failure: str = ''  # why it failed, the provider's message
    failure_code: str = ''  # the provider's code for it, e.g. insufficient_funds
    commission: Decimal | None = None
    net: Decimal | None = None
    settlement_currency: str = ''
    commission_at: datetime | None = None  # date of the balance movement
    movement_id: str = ''  # the provider's id of the balance movement (Stripe: txn_…)
    refunds: tuple[Refund, ...] = ()
    disputed: bool = False
    test_mode: bool = False


#: The subject of a notification that is the provider's, and cannot be understood.
UNREADABLE = 'unreadable'


@dataclass(frozen=True)
class Event:
    """One verified (or listed) notification, normalised.

    `checkout_id`, `payment_id` and `reference` say *which* payment to ask about; none of the
    posted amounts or states is handed out, so that nobody can book from them. `subject` says what
    to ask about: a `payment`, a `payout`, a `dispute` (the latter two by `object_id`) or the
    `account` itself; nothing where it is `UNREADABLE`, and then only its id counts.
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
    type: str  # the provider's own type or code
    amount: Decimal
    fee: Decimal
    net: Decimal
    currency: str
    created_at: datetime | None = None
    source_id: str = ''
    payment_id: str = ''
    charge_id: str = ''
    reference: str = ''  # the transaction's, as in `CheckoutRequest`
    database: str = ''  # that the reference is of, where the provider keeps it for us
    label: str = ''
    available_at: datetime | None = None  # from when it may be paid out, where it is known
    reversal: bool = False  # as of a `Dispute`: `source_id` is the refund it is notified by


@dataclass(frozen=True)
class Payout:
    """A transfer of collected money to the company's bank.

    `state` is `pending`, `paid`, `failed` or `canceled`; paid can still become failed.
    `listed`: the provider lists the movements it is made of (`payout_lines`), and `complete`: it
    lists all of them by now. `bank_reference` is this payout's own mark on the bank's statement,
    `descriptor` the text that all of the account's payouts may show there.
    """

    id: str
    state: str
    amount: Decimal
    currency: str
    created_at: datetime
    arrives_at: datetime | None = None
    movement_id: str = ''
    failure_movement_id: str = ''
    failure: str = ''  # the provider's message
    listed: bool = False
    complete: bool = False
    bank_reference: str = ''
    descriptor: str = ''
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
    reversal: bool = False  # PayPal took the money back, perhaps by a dispute that is listed too
    url: str = ''


@dataclass(frozen=True)
class OnboardingRequest:
    """What `onboarding_url` needs to send a merchant to the provider's own registration."""

    reference: str  # ours: the same one never makes a second account
    return_url: str  # where the merchant comes back, finished or not
    refresh_url: str  # where a link leads that was used or has lapsed
    email: str = ''
    company: str = ''
    country: str = ''  # ISO 3166-1 alpha-2
    locale: str = ''  # Odoo's language code, e.g. fr_BE


@dataclass(frozen=True)
class Onboarding:
    """A begun registration: send the merchant to `url`, soon and once."""

    url: str
    account_id: str = ''  # where the provider gives it before the end (Stripe)


@dataclass(frozen=True)
class Credentials:
    """What a gateway signs with. `repr` shows none of it.

    :param str key: Stripe secret or restricted key; PayPal client id.
    :param str secret: PayPal client secret, empty for Stripe.
    :param str webhook_id: id of the registered endpoint.
    :param str former_webhook_id: id of the one it takes over from, valid too for a while.
    :param tuple webhook_secrets: all secrets valid now (two while one is being rotated).
    :param bool test_mode: whether they belong to the provider's sandbox, None while nobody
        knows: `check_account` then finds out. Stripe's keys say it themselves.
    :param str partner_id: PayPal's id of the platform itself, in platform mode.
    :param str partner_code: PayPal's BN code of the platform, in platform mode.
    """

    key: str = field(repr=False)
    secret: str = field(default='', repr=False)
    webhook_id: str = ''
    former_webhook_id: str = ''
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    test_mode: bool | None = None
    partner_id: str = ''
    partner_code: str = ''
