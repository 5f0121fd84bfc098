# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The controls that make things happen: payers, banks, the dashboard, the notifications."""

from ..common.refusals import one_of
from . import errors, objects


class Play:
    """Part of `StripeControl`."""

    # === PAYERS AND BANKS === #

    def do_pay(self, session, method='card'):
        """Pay a checkout without a browser."""
        account, checkout = self.find('checkout.session', session)
        return {'back': self.payments.confirm(account, checkout, method)}

    def do_settle(self, session=None, succeed=None, account=None):
        """The bank answers for one delayed payment, or for all."""
        if session:
            owner, checkout = self.find('checkout.session', session)
            self.payments.settle(owner, checkout, succeed)
            return {'settled': 1}
        owner = self.account(account)
        waiting = [
            s
            for s in owner.all('checkout.session')
            if s['payment_intent']
            and owner.get('payment_intent', s['payment_intent'])['status'] == 'processing'
        ]
        for checkout in waiting:
            self.payments.settle(owner, checkout, succeed)
        return {'settled': len(waiting)}

    def do_release_fees(self, account=None):
        """All fees become known now."""
        self.payments.release_fees(self.account(account))
        return {}

    def do_dispute(self, charge, inquiry=False):
        """A payer disputes a charge; with `inquiry` no money moves."""
        return self.disputes.open(*self.find('charge', charge), inquiry)

    def do_close_dispute(self, dispute, won):
        """The bank decides a dispute."""
        self.disputes.close(*self.find('dispute', dispute), won)
        return {}

    def do_reopen_dispute(self, dispute):
        """The bank looks again at a dispute that was lost."""
        self.disputes.reopen(*self.find('dispute', dispute))
        return {}

    def do_fail_refund(self, refund):
        """The payer's bank sends a refund back."""
        self.payments.fail_refund(*self.find('refund', refund))
        return {}

    def do_fail_payout(self, payout):
        """The merchant's bank sends a payout back."""
        self.payouts.fail(*self.find('payout', payout))
        return {}

    def do_arrive_payout(self, payout):
        """A payout that is under way reaches the bank."""
        self.payouts.arrive(*self.find('payout', payout))
        return {}

    def do_charge_fee(self, amount, label="Radar", account=None):
        """Stripe takes a fee that belongs to no payment, `amount` in minor units."""
        return self.payouts.charge_fee(self.account(account), amount, label)

    # === THE DASHBOARD === #

    def do_refund(self, charge, amount=None, status='succeeded'):
        """A refund at the dashboard, `amount` in minor units."""
        params = {'status': status, **({} if amount is None else {'amount': amount})}
        return self.payments.refund(*self.find('charge', charge), params)

    def do_payout(self, account=None, amount=None, slow=False):
        """Pay the whole balance out, or `amount` in minor units as the merchant asks for.

        `slow`: it is under way until `arrive_payout`.
        """
        return self.payouts.make(self.account(account), amount, slow)

    def do_expire(self, session):
        """A checkout lapses now."""
        account, checkout = self.find('checkout.session', session)
        if checkout['status'] != 'open':
            raise errors.StripeError(400, f"This checkout is {checkout['status']}.")
        self.payments.expire(account, checkout)
        return {}

    # === NOTIFICATIONS === #

    def do_forge(self, session, how='wrong', account=None):
        """Send "this checkout is paid" to all endpoints, which nobody may believe.

        `how`: `unsigned`; `wrong` secret; genuine secret, but `old` or from the `future`.
        """
        owner = self.account(account)
        checkout = owner.get('checkout.session', session) or {'id': session}
        event = objects.event(
            'checkout.session.completed',
            {'object': 'checkout.session', **checkout, 'payment_status': 'paid'},
        )
        one_of('how', how, ('unsigned', 'wrong', 'old', 'future'))
        genuine = [secret for secrets in owner.note('secrets').values() for secret in secrets]
        secrets = {'unsigned': [], 'wrong': ['whsec_forged']}.get(how, genuine)
        sent = self.webhooks.forge(owner, event, secrets, {'old': 900, 'future': -900}.get(how, 0))
        return {'event': event['id'], 'sent': sent}
