# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The last scenes: everything delivered again, and the books against the sandbox."""

from .people import expect, wait_for
from .stage import Stage

EVENT = 'pay.now.event'


class Books(Stage):
    """Scenes of the accountant."""

    def redelivery(self):
        """Everything again: nothing is lost, nothing is booked twice."""
        self._wait_commissions()
        before = self._figures()
        stored = self._stored()
        earlier = self.sandbox.deliveries()
        answered = {one['event'] for one in earlier if one['status'] == 200}
        expect(answered <= set(stored), f"answered, not stored: {answered - set(stored)}")
        self.say(f"{len(stored)} notifications in the ledger, none of those answered is missing")
        self.sandbox.redeliver(times=3, shuffle=True)
        self._wait_quiet()
        answers = [one['status'] for one in self.sandbox.deliveries()[len(earlier) :]]
        expect(set(answers) <= {200}, f"answers to the notifications: {answers}")
        expect(self._stored() == stored, "a notification was stored twice")
        expect(self._figures() == before, f"{before} became {self._figures()}")
        self.say(f"{len(answers)} deliveries more, each answered with 200: none stored twice")
        self.admin.press(EVENT, self.admin.call(EVENT, 'search', []), 'action_replay')
        self._wait_quiet()
        expect(self._figures() == before, f"{before} became {self._figures()}")
        payments, commissions, _done = before
        self.say(f"all replayed by hand: {payments} payments, {commissions} commissions, as before")

    def _stored(self):
        """Return the ids of the notifications in the ledger, sorted."""
        return sorted(event['event_ref'] for event in self.admin.search(EVENT, [], 'event_ref'))

    def _wait_quiet(self):
        """Wait until all notifications are delivered and processed."""
        self.sandbox.wait_idle()
        wait_for("the workers", lambda: not self.admin.count(EVENT, ('state', '=', 'pending')))

    def _wait_commissions(self):
        """Wait until all commissions are booked."""

        def booked():
            return self.balance(self.commission_id) == self.sandbox.account_state()['fees']

        self.wait_booked("all commissions", booked)

    def _figures(self):
        """Return what was booked: payments, commission entries, transactions done."""
        ours = ('provider_id', '=', self.provider_id)
        entries = [
            tx['pay_now_commission_move_id'][0]
            for tx in self.admin.search('payment.transaction', [ours], 'pay_now_commission_move_id')
            if tx['pay_now_commission_move_id']
        ]
        expect(len(entries) == len(set(entries)), f"one entry for two payments: {entries}")
        return (
            self.admin.count(
                'account.payment', ('payment_transaction_id.provider_id', '=', self.provider_id)
            ),
            self.admin.count(
                'account.move.line',
                ('account_id', '=', self.commission_id),
                ('parent_state', '=', 'posted'),
            ),
            self.admin.count('payment.transaction', ours, ('state', '=', 'done')),
        )

    def nothing_to_handle(self):
        """No discrepancy was opened, no notification failed."""
        found = self.admin.search('pay.now.discrepancy', [], 'display_name')
        expect(not found, f"to handle: {found}")
        failed = self.admin.search(EVENT, [('state', '=', 'failed')], 'type', 'error')
        expect(not failed, f"failed notifications: {failed}")
        self.say(f"no discrepancy; {self.admin.count(EVENT)} notifications, none failed")

    def books(self):
        """The last lines: invoices, commission, clearing account against the sandbox."""
        self._wait_commissions()
        theirs = self.sandbox.account_state()
        self.say(f"invoices paid: {len(self.paid)} ({', '.join(self.paid)})")
        commission = self.balance(self.commission_id)
        expect(
            commission == theirs['fees'],
            f"commission booked {commission / 100:.2f} €, the sandbox's fees"
            f" {theirs['fees'] / 100:.2f} €",
        )
        self.say(
            f"commission booked: {commission / 100:.2f} €; the sandbox's fees:"
            f" {theirs['fees'] / 100:.2f} €"
        )
        clearing = self.balance(self.clearing_id)
        text = (
            f"clearing account: {clearing / 100:.2f} €; the sandbox's balance:"
            f" {theirs['balance'] / 100:.2f} €"
        )
        expect(clearing == theirs['balance'], text)
        self.say(text)
