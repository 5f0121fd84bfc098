# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""How the two providers differ where a demonstration shows it: ids, fees, what they notify of."""

import secrets
import string
from dataclasses import dataclass
from decimal import Decimal

CAPITALS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'


def _random(alphabet, length):
    # With a digit at least: a bank's line that names it names nothing else.
    letters = [secrets.choice(alphabet) for _ in range(length - 1)]
    return ''.join([*letters, secrets.choice(string.digits)])


@dataclass(frozen=True)
class Brand:
    """What is the provider's own.

    :param str name: as it signs.
    :param str account: the id of the account that is played.
    :param decimal.Decimal rate: of the commission, as a part of the amount.
    :param decimal.Decimal fixed: of the commission, in major units.
    :param decimal.Decimal dispute_fee: what a dispute costs whoever was paid, in major units.
    :param bool captures: whether money moves by `capture` only.
    :param bool lists_payouts: whether the movements of a payout are listed.
    :param bool same_ids: whether disputes name their movements as the list does.
    :param str method: that payers pay by.
    :param str slow_method: that takes days.
    :param str slow_code: why such a payment is pending.
    :param tuple declined: code and words of a refusal.
    :param tuple bounced: code and words of a slow payment that fails.
    :param dict events: the provider's types of notifications, by what happened.
    :param dict prefixes: of ids, by kind; without one they are capitals alone.
    """

    name: str
    account: str
    rate: Decimal
    fixed: Decimal
    dispute_fee: Decimal
    captures: bool
    lists_payouts: bool
    same_ids: bool
    method: str
    slow_method: str
    slow_code: str
    methods: tuple
    declined: tuple
    bounced: tuple
    events: dict
    prefixes: dict

    def new_id(self, kind):
        """Return an id as the provider gives them, that nothing else has.

        :param str kind: of the object.
        :rtype: str
        """
        if prefix := self.prefixes.get(kind):
            letters = CAPITALS if prefix.isupper() else LETTERS
            return f'{prefix}{_random(letters, 24)}'
        return _random(CAPITALS, 17)


STRIPE = Brand(
    name="Stripe",
    account='acct_1DemoPayNow',
    rate=Decimal('0.015'),
    fixed=Decimal('0.25'),
    dispute_fee=Decimal(20),
    captures=False,
    lists_payouts=True,
    same_ids=True,
    method='card',
    slow_method='sepa_debit',
    slow_code='',
    methods=('card', 'sepa_debit'),
    declined=('card_declined', "Your card was declined."),
    bounced=('insufficient_funds', "The customer's account has insufficient funds."),
    events={
        'paid': 'checkout.session.completed',
        'pending': 'checkout.session.completed',
        'settled': 'checkout.session.async_payment_succeeded',
        'bounced': 'checkout.session.async_payment_failed',
        'declined': 'payment_intent.payment_failed',
        'expired': 'checkout.session.expired',
        'refunded': 'charge.refunded',
        'payout': 'payout.paid',
        'dispute': 'charge.dispute.created',
        'decided': 'charge.dispute.closed',
    },
    prefixes={
        'checkout': 'cs_test_',
        'payment': 'pi_',
        'charge': 'ch_',
        'movement': 'txn_',
        'refund': 're_',
        'payout': 'po_',
        'dispute': 'du_',
        'event': 'evt_',
        'webhook': 'we_',
    },
)

PAYPAL = Brand(
    name="PayPal",
    account='DEMOPAYN0W2AB',
    rate=Decimal('0.029'),
    fixed=Decimal('0.35'),
    dispute_fee=Decimal(0),
    captures=True,
    lists_payouts=False,
    same_ids=False,
    method='paypal',
    slow_method='paypal',
    slow_code='ECHECK',
    methods=(),
    declined=('INSTRUMENT_DECLINED', "The instrument presented was declined."),
    bounced=('DENIED', "The e-check was not honoured."),
    events={
        'approved': 'CHECKOUT.ORDER.APPROVED',
        'paid': 'PAYMENT.CAPTURE.COMPLETED',
        'pending': 'PAYMENT.CAPTURE.PENDING',
        'settled': 'PAYMENT.CAPTURE.COMPLETED',
        'bounced': 'PAYMENT.CAPTURE.DENIED',
        'refunded': 'PAYMENT.CAPTURE.REFUNDED',
        # A withdrawal is not notified of.
        'dispute': 'CUSTOMER.DISPUTE.CREATED',
        'decided': 'CUSTOMER.DISPUTE.RESOLVED',
    },
    prefixes={'dispute': 'PP-R-', 'event': 'WH-', 'webhook': 'WEBHOOK-'},
)
