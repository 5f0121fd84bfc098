# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The controls that make things happen: payers, banks, the dashboard, false notifications."""

from ..common.refusals import Refusal
from . import money, objects


class Play:
    """Part of `PayPalControl`."""

    # === PAYERS AND BANKS === #

    def do_approve(self, order, how='paypal'):
        """Approve an order without a browser, or `cancel`.

        `how`: `paypal`, `declined` (when it is captured), `echeck` (pending for days).
        """
        return {'back': self.app.pay(*self.find('order', order), how)}

    def do_settle(self, capture=None, succeed=True, account=None):
        """The bank answers for one pending capture, or for all."""
        if capture:
            self.payments.settle(*self.find('capture', capture), succeed)
            return {'settled': 1}
        owner = self.account(account)
        waiting = [one for one in owner.all('capture') if one['status'] == 'PENDING']
        for one in waiting:
            self.payments.settle(owner, one, succeed)
        return {'settled': len(waiting)}

    def do_settle_refund(self, refund, succeed=True):
        """The merchant's bank answers for a pending refund."""
        self.refunds.settle(*self.find('refund', refund), succeed)
        return {}

    def do_reverse(self, capture):
        """PayPal takes a capture back."""
        return self.refunds.reverse(*self.find('capture', capture))

    def do_dispute(self, capture, inquiry=False, as_refund=False):
        """A payer disputes a capture; with `inquiry` no money moves.

        `as_refund`: what moves is listed as a refund of the capture too, as of a reversal.
        """
        owner, captured = self.find('capture', capture)
        dispute = self.disputes.open(owner, captured, inquiry)
        if as_refund:
            self.refunds.tell_dispute(owner, captured)
        return dispute

    def do_escalate_dispute(self, dispute):
        """An inquiry becomes a chargeback: the money is withdrawn."""
        self.disputes.escalate(*self.find('dispute', dispute))
        return {}

    def do_close_dispute(self, dispute, won):
        """PayPal or the bank decides a dispute."""
        owner, found = self.find('dispute', dispute)
        self.disputes.close(owner, found, won)
        if won:
            about = found['disputed_transactions'][0]['seller_transaction_id']
            self.refunds.untell_dispute(owner, owner.get('capture', about))
        return {}

    def do_reopen_dispute(self, dispute):
        """The merchant appeals against a dispute that was lost."""
        self.disputes.reopen(*self.find('dispute', dispute))
        return {}

    def do_fail_payout(self, payout):
        """The merchant's bank sends a withdrawal back."""
        return self.refunds.fail_payout(*self.find('movement', payout))

    # === THE DASHBOARD === #

    def do_refund(self, capture, amount=None, **more):
        """A refund at the dashboard, `amount` in minor units."""
        owner, captured = self.find('capture', capture)
        if amount is not None:
            more['amount'] = money.money(amount, captured['amount']['currency_code'])
        return self.refunds.refund(owner, captured, more)

    def do_payout(self, account=None, amount=None):
        """Withdraw the balance to the bank: all, or `amount` in minor units."""
        return self.refunds.pay_out(self.account(account), amount)

    def do_expire(self, order):
        """An order lapses now."""
        account, found = self.find('order', order)
        if found['status'] == 'COMPLETED' or account.order_note(found)['lapsed']:
            raise Refusal(400, "This order has ended already.")
        self.payments.lapse(account, found)
        return {}

    # === NOTIFICATIONS === #

    def do_forge(self, order, how='wrong_key', cert_url='', account=None):
        """Send "this order is paid" to all endpoints, which nobody may believe.

        `how`: `unsigned`; `wrong_key`; genuine, but for another `webhook`; with a certificate of
        one's own at a `cert_url`, or `untrusted` at the right place; an `expired` certificate;
        `reserialised` after signing; `old`.
        """
        owner = self.account(account)
        found = owner.get('order', order)
        if not found:
            raise Refusal(404, f"No such order: {order}")
        resource = objects.capture(owner, found, self.store.base)
        event = objects.event(
            'PAYMENT.CAPTURE.COMPLETED', {**resource, 'status': 'COMPLETED'}, self.store.base
        )
        return {'event': event['id'], 'sent': self.webhooks.forge(owner, event, how, cert_url)}
