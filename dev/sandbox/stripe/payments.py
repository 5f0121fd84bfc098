# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What happens when a payer pays: charges, fees, delayed methods, refunds, payouts."""

import threading

from ..common.ledger import Ledger, due
from ..common.store import clock
from . import errors, money, objects

DECLINED = ('card_declined', "Your card was declined.")
NO_FUNDS = ('insufficient_funds', "The customer's account has insufficient funds.")
#: Of what a payer can choose on the hosted page, what is paid at once: -> Stripe's method.
AT_ONCE = {
    'card': 'card',
    'apple_pay': 'card',
    'bancontact': 'bancontact',
    'ideal': 'ideal',
    # A method that Stripe has not got yet.
    'unknown': 'pay_by_thought',
}
#: What a payer can choose on the hosted page.
METHODS = (*AT_ONCE, 'declined', 'sepa', 'sepa_fail')


class Payments(Ledger):
    """Everything that moves money at Stripe. The caller holds the store's lock."""

    # === A PAYER ON THE HOSTED PAGE === #

    def confirm(self, account, session, method):
        """The payer confirms.

        :param str method: one of `METHODS`; `sepa` settles later, `sepa_fail` fails later.
        :return: True when the payer is sent back to the shop.
        :raise StripeError: the session can no longer be paid.
        """
        self.run_due()
        if session['status'] != 'open':
            raise errors.StripeError(400, f"This checkout is {session['status']}.")
        if method not in METHODS:
            raise errors.invalid('method', f"Invalid method: must be one of {', '.join(METHODS)}")
        intent = account.get('payment_intent', session['payment_intent'])
        if not intent:
            data = account.note('intent_data')[session['id']]
            intent = account.add(objects.payment_intent(session, data))
            session['payment_intent'] = intent['id']
        if method == 'declined':
            self._attempt(account, intent, session, 'card')
            self._fail(account, intent, 'card_error', DECLINED)
            return False
        details = objects.customer_details(session['customer_email'])
        session.update(status='complete', url=None, customer_details=details)
        if method in AT_ONCE:
            wallet = 'apple_pay' if method == 'apple_pay' else None
            self._attempt(account, intent, session, AT_ONCE[method], wallet)
            self._succeed(account, intent, session)
        else:
            charge = self._attempt(account, intent, session, 'sepa_debit')
            intent['status'] = 'processing'
            account.note('outcomes')[intent['id']] = method
            account.note('banks')[session['id']] = self._due_in(self.store.bank_delay)
            self.emit(account, 'charge.pending', charge)
            self.emit(account, 'payment_intent.processing', intent)
        self.emit(account, 'checkout.session.completed', session)
        return True

    def _attempt(self, account, intent, session, method, wallet=None):
        """Make a charge whose outcome is not known yet."""
        email = session['customer_details'] and session['customer_details']['email']
        charge = account.add(objects.charge(intent, method, email, wallet))
        intent.update(latest_charge=charge['id'], last_payment_error=None)
        return charge

    def _fail(self, account, intent, kind, reason):
        code, message = reason
        charge = account.get('charge', intent['latest_charge'])
        charge.update(status='failed', failure_code=code, failure_message=message)
        intent.update(
            status='requires_payment_method',
            last_payment_error={
                'type': kind,
                'code': code,
                'message': message,
                'charge': charge['id'],
            },
        )
        if kind == 'card_error':
            intent['last_payment_error']['decline_code'] = 'generic_decline'
        self.emit(account, 'charge.failed', charge)
        self.emit(account, 'payment_intent.payment_failed', intent)

    def _succeed(self, account, intent, session):
        charge = account.get('charge', intent['latest_charge'])
        charge.update(
            status='succeeded', paid=True, captured=True, amount_captured=charge['amount']
        )
        intent.update(status='succeeded', amount_received=intent['amount'])
        session['payment_status'] = 'paid'
        at_once = intent['capture_method'] == 'automatic'
        if at_once:
            self._book(account, charge)
        self.emit(account, 'charge.succeeded', charge)
        self.emit(account, 'payment_intent.succeeded', intent)
        if not at_once:
            account.note('fees')[charge['id']] = self._due_in(self.store.fee_delay)

    # === LATER === #

    def _due_in(self, delay):
        """Return when something is due, and see to it that it is done then.

        :param float delay: seconds; None for something that waits until it is told to happen.
        """
        if delay is None:
            return None
        timer = threading.Timer(delay + 0.01, self.tick)
        timer.daemon = True
        timer.start()
        return clock.exact() + delay

    def run_due_of(self, account, now):
        """Banks answer, fees become known, sessions lapse."""
        for session_id in due(account.note('banks'), now):
            self.settle(account, account.get('checkout.session', session_id))
        for charge_id in due(account.note('fees'), now):
            self.release_fee(account, charge_id)
        for session in account.all('checkout.session'):
            if session['status'] == 'open' and session['expires_at'] <= now:
                self.expire(account, session)

    def release_fees(self, account):
        """The balance movements of all charges become known now."""
        for charge_id in list(account.note('fees')):
            self.release_fee(account, charge_id)

    def release_fee(self, account, charge_id):
        """The balance movement of one charge becomes known: `charge.updated`."""
        del account.note('fees')[charge_id]
        charge = account.get('charge', charge_id)
        self._book(account, charge)
        self.emit(account, 'charge.updated', charge, previous={'balance_transaction': None})

    def _book(self, account, charge):
        """Add the balance movement of a charge, with its fee."""
        method = charge['payment_method_details']['type']
        kind = 'charge' if method == 'card' else 'payment'
        amount, currency = charge['amount'], charge['currency']
        movement = self.move(account, kind, amount, currency, charge['id'], method)
        charge['balance_transaction'] = movement['id']

    def move(self, account, kind, amount, currency, source, method=None, fee=0):
        """Add a movement of the balance, in the currency the account is settled in.

        :param str kind: Stripe's type of the movement.
        :param int amount: minor units, negative when money leaves.
        :param str method: what the payer paid with, for its fee.
        :param int fee: any other fee, in minor units of the settlement currency.
        """
        settled, settlement, rate = money.convert(
            amount, currency, account.currency, self.store.rates
        )
        if method:
            fee = money.fee(settled, method, settlement)
        movement = objects.balance_transaction(settled, fee, settlement, kind, source)
        movement['exchange_rate'] = rate
        return account.add(movement)

    def settle(self, account, session, succeed=None):
        """The bank answers for a delayed method.

        :param bool succeed: whatever the payer's choice was without it.
        """
        intent = account.get('payment_intent', session['payment_intent'])
        if not intent or intent['status'] != 'processing':
            raise errors.StripeError(400, "Nothing is pending for this checkout.")
        outcome = account.note('outcomes').pop(intent['id'], 'sepa')
        account.note('banks').pop(session['id'], None)
        if outcome == 'sepa' if succeed is None else succeed:
            self._succeed(account, intent, session)
            self.emit(account, 'checkout.session.async_payment_succeeded', session)
            return
        self._fail(account, intent, 'api_error', NO_FUNDS)
        self.emit(account, 'checkout.session.async_payment_failed', session)

    def expire(self, account, session):
        """Close a session for good."""
        session.update(status='expired', url=None)
        self.emit(account, 'checkout.session.expired', session)

    # === MONEY GOING BACK AND OUT === #

    def refund(self, account, charge, params):
        """Give money back, by the API or at the dashboard.

        :param dict params: as of the API, and `status`.
        :raise StripeError: more than what is left, nothing to give back.
        """
        left = charge['amount'] - charge['amount_refunded']
        amount = params.get('amount', left)
        if charge['status'] != 'succeeded':
            raise errors.StripeError(400, "This charge has not succeeded.", 'charge_not_refundable')
        if not left:
            raise errors.StripeError(
                400,
                f"Charge {charge['id']} has already been refunded.",
                'charge_already_refunded',
            )
        if not 0 < amount <= left:
            raise errors.invalid(
                'amount', f"Refund amount ({amount}) is greater than unrefunded amount ({left})."
            )
        money.check_step(amount, charge['currency'])
        refund = account.add(objects.refund(charge, amount, params))
        movement = self.move(account, 'refund', -amount, charge['currency'], refund['id'])
        refund['balance_transaction'] = movement['id']
        self._count_refund(charge, amount)
        self.emit(account, 'refund.created', refund)
        self.emit(account, 'charge.refunded', charge)
        return refund

    @staticmethod
    def _count_refund(charge, amount):
        charge['amount_refunded'] += amount
        charge['refunded'] = charge['amount_refunded'] == charge['amount']

    def fail_refund(self, account, refund):
        """The payer's bank sends a refund back."""
        charge = account.get('charge', refund['charge'])
        movement = self.move(
            account, 'refund_failure', refund['amount'], refund['currency'], refund['id']
        )
        refund.update(
            status='failed',
            failure_reason='lost_or_stolen_card',
            failure_balance_transaction=movement['id'],
        )
        self._count_refund(charge, -refund['amount'])
        self.emit(account, 'refund.updated', refund)
        self.emit(account, 'refund.failed', refund)
