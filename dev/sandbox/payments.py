# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What happens when a payer pays: charges, fees, delayed methods, refunds, payouts."""

import threading
from decimal import ROUND_HALF_UP, Decimal

from . import errors, stripe_objects

DECLINED = ('card_declined', "Your card was declined.")
NO_FUNDS = ('insufficient_funds', "The customer's account has insufficient funds.")


def fee_of(amount, method):
    """Return Stripe's fee in minor units: 1.5 % and 25 cents by card, 35 cents by SEPA debit."""
    if method != 'card':
        return 35
    fee = Decimal(amount) * Decimal('0.015') + 25
    return int(fee.quantize(Decimal(1), ROUND_HALF_UP))


class Payments:
    """Everything that moves money in the sandbox. The caller holds the world's lock."""

    def __init__(self, world, webhooks):
        self.world = world
        self.webhooks = webhooks
        #: session id -> what its creation said about the PaymentIntent to come
        self.intent_data = {}
        #: PaymentIntent id -> how its delayed method will end
        self.outcomes = {}

    # === A PAYER ON THE HOSTED PAGE === #

    def confirm(self, account, session, method):
        """The payer confirms.

        :param str method: `card`, `declined`, `sepa` (settles later) or `sepa_fail`.
        :return: True when the payer is sent back to the shop.
        :raise StripeError: the session can no longer be paid.
        """
        self.expire_due(account)
        if session['status'] != 'open':
            raise errors.StripeError(400, f"This checkout is {session['status']}.")
        intent = account.get('payment_intent', session['payment_intent'])
        if not intent:
            intent = stripe_objects.payment_intent(session, self.intent_data.get(session['id'], {}))
            account.add(intent)
            session['payment_intent'] = intent['id']
        if method == 'declined':
            self._decline(account, intent, session)
            return False
        session.update(
            status='complete',
            url=None,
            customer_details={
                'address': None,
                'business_name': None,
                'email': session['customer_email'] or 'payer@example.com',
                'individual_name': None,
                'name': "A payer",
                'phone': None,
                'tax_exempt': 'none',
                'tax_ids': [],
            },
        )
        if method == 'card':
            session['payment_status'] = 'paid'
            self._succeed(account, intent, session, 'card')
            self.webhooks.emit(account, 'checkout.session.completed', session)
            return True
        intent['status'] = 'processing'
        self.outcomes[intent['id']] = method
        self.webhooks.emit(account, 'payment_intent.processing', intent)
        self.webhooks.emit(account, 'checkout.session.completed', session)
        return True

    def _decline(self, account, intent, session):
        charge = stripe_objects.charge(
            intent, 'card', session['customer_email'], 'failed', DECLINED
        )
        account.add(charge)
        intent.update(
            latest_charge=charge['id'],
            last_payment_error={
                'type': 'card_error',
                'code': DECLINED[0],
                'decline_code': 'generic_decline',
                'message': DECLINED[1],
                'charge': charge['id'],
            },
        )
        self.webhooks.emit(account, 'charge.failed', charge)
        self.webhooks.emit(account, 'payment_intent.payment_failed', intent)

    def _succeed(self, account, intent, session, method):
        charge = stripe_objects.charge(intent, method, session['customer_email'])
        account.add(charge)
        intent.update(
            status='succeeded',
            amount_received=intent['amount'],
            latest_charge=charge['id'],
            last_payment_error=None,
            processing=None,
        )
        self.webhooks.emit(account, 'charge.succeeded', charge)
        self.webhooks.emit(account, 'payment_intent.succeeded', intent)
        if self.world.fee_delay is not None:
            timer = threading.Timer(self.world.fee_delay, self.release_fees, [account])
            timer.daemon = True
            timer.start()

    # === LATER === #

    def release_fees(self, account):
        """The balance movements of all charges become known (asynchronous capture)."""
        with self.world.lock:
            for charge in account.all('charge'):
                if charge['balance_transaction'] or charge['status'] != 'succeeded':
                    continue
                method = charge['payment_method_details']['type']
                movement = stripe_objects.balance_transaction(
                    charge['amount'],
                    fee_of(charge['amount'], method),
                    charge['currency'],
                    'charge' if method == 'card' else 'payment',
                    charge['id'],
                )
                account.add(movement)
                charge['balance_transaction'] = movement['id']
                self.webhooks.emit(
                    account, 'charge.updated', charge, previous={'balance_transaction': None}
                )

    def settle(self, account, session, succeed=None):
        """The bank answers for a delayed method.

        :param bool succeed: whatever the payer's choice was without it.
        """
        intent = account.get('payment_intent', session['payment_intent'])
        if not intent or intent['status'] != 'processing':
            raise errors.StripeError(400, "Nothing is pending for this checkout.")
        outcome = self.outcomes.pop(intent['id'], 'sepa')
        if outcome == 'sepa' if succeed is None else succeed:
            session['payment_status'] = 'paid'
            self._succeed(account, intent, session, 'sepa_debit')
            self.webhooks.emit(account, 'checkout.session.async_payment_succeeded', session)
            return
        charge = stripe_objects.charge(
            intent, 'sepa_debit', session['customer_email'], 'failed', NO_FUNDS
        )
        account.add(charge)
        intent.update(
            status='requires_payment_method',
            latest_charge=charge['id'],
            processing=None,
            last_payment_error={
                'type': 'api_error',
                'code': NO_FUNDS[0],
                'message': NO_FUNDS[1],
                'charge': charge['id'],
            },
        )
        self.webhooks.emit(account, 'charge.failed', charge)
        self.webhooks.emit(account, 'payment_intent.payment_failed', intent)
        self.webhooks.emit(account, 'checkout.session.async_payment_failed', session)

    def expire_due(self, account):
        """Let sessions lapse whose time is over."""
        for session in account.all('checkout.session'):
            if session['status'] == 'open' and session['expires_at'] <= self.world.now():
                self.expire(account, session)

    def expire(self, account, session):
        """Close a session for good."""
        session.update(status='expired', url=None)
        self.webhooks.emit(account, 'checkout.session.expired', session)

    def refund(self, account, charge, params):
        """Give money back, by the API or at the dashboard.

        :raise StripeError: more than what is left.
        """
        left = charge['amount'] - charge['amount_refunded']
        amount = params.get('amount') or left
        if not left:
            raise errors.StripeError(
                400, "Charge has already been refunded.", 'charge_already_refunded'
            )
        if amount > left or amount <= 0:
            raise errors.invalid(
                'amount', f"Refund amount ({amount}) is greater than unrefunded amount ({left})."
            )
        refund = stripe_objects.refund(charge, amount, params)
        movement = stripe_objects.balance_transaction(
            -amount, 0, charge['currency'], 'refund', refund['id']
        )
        account.add(movement)
        refund['balance_transaction'] = movement['id']
        account.add(refund)
        charge['amount_refunded'] += amount
        charge['refunded'] = charge['amount_refunded'] == charge['amount']
        self.webhooks.emit(account, 'refund.created', refund)
        self.webhooks.emit(account, 'charge.refunded', charge)
        return refund

    def pay_out(self, account):
        """Transfer the whole balance to the bank."""
        amount = sum(movement['net'] for movement in account.all('balance_transaction'))
        payout = stripe_objects.payout(amount, account.currency)
        movement = stripe_objects.balance_transaction(
            -amount, 0, account.currency, 'payout', payout['id'], 'available'
        )
        for earlier in account.all('balance_transaction'):
            earlier['status'] = 'available'
        account.add(movement)
        payout['balance_transaction'] = movement['id']
        account.add(payout)
        self.webhooks.emit(account, 'payout.created', payout)
        self.webhooks.emit(account, 'payout.paid', payout)
        return payout
