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
        for side in self.sides.values():
            self._redeliver(side, stored)
        expect(self._figures() == before, f"{before} became {self._figures()}")
        self.admin.press(EVENT, self.admin.call(EVENT, 'search', []), 'action_replay')
        self._wait_quiet()
        expect(self._figures() == before, f"{before} became {self._figures()}")
        for side, (payments, commissions, _done) in zip(self.sides.values(), before, strict=True):
            self.say(
                f"all replayed by hand: {payments} payments at {side.name}, {commissions}"
                " commissions, as before"
            )

    def _redeliver(self, side, stored):
        """Let one provider notify everything again, three times at once and in random order."""
        earlier = side.client.deliveries()
        answered = {one['event'] for one in earlier if one['status'] == 200}
        expect(answered <= set(stored), f"answered, not stored: {answered - set(stored)}")
        side.client.redeliver(times=3, shuffle=True)
        self._wait_quiet()
        answers = [one['status'] for one in side.client.deliveries()[len(earlier) :]]
        expect(set(answers) <= {200}, f"answers to the notifications: {answers}")
        # What was notified while the webhooks were off comes in now, like all others once.
        now = self._stored()
        expect(len(now) == len(set(now)), "a notification was stored twice")
        expect(set(stored) <= set(now), "a notification is gone")
        self.say(
            f"{side.name}: {len(answered)} notifications answered, all in the ledger;"
            f" {len(answers)} deliveries more, each answered with 200: none stored twice"
        )

    def _stored(self):
        """Return the ids of the notifications in the ledger, sorted."""
        return sorted(event['event_ref'] for event in self.admin.search(EVENT, [], 'event_ref'))

    def _wait_quiet(self):
        """Wait until all notifications are delivered and processed."""
        for side in self.sides.values():
            side.client.wait_idle()
        wait_for("the workers", lambda: not self.admin.count(EVENT, ('state', '=', 'pending')))

    def _commission(self, side):
        """Return the commissions booked in the journal of a provider, in cents."""
        journal = self.admin.get('payment.provider', side.provider_id, 'journal_id')[0]
        return self.balance(side.commission_id, ('journal_id', '=', journal))

    def _wait_commissions(self):
        """Wait until all commissions are booked."""
        for side in self.sides.values():
            self.wait_booked(
                f"all commissions of {side.name}",
                lambda side=side: self._commission(side) == side.figures()[1],
            )

    def _figures(self):
        """Return what was booked for each provider: payments, commissions, transactions done."""
        return [self._figures_of(side) for side in self.sides.values()]

    def _figures_of(self, side):
        ours = ('provider_id', '=', side.provider_id)
        entries = [
            tx['pay_now_commission_move_id'][0]
            for tx in self.admin.search('payment.transaction', [ours], 'pay_now_commission_move_id')
            if tx['pay_now_commission_move_id']
        ]
        expect(len(entries) == len(set(entries)), f"one entry for two payments: {entries}")
        return (
            self.admin.count(
                'account.payment', ('payment_transaction_id.provider_id', '=', side.provider_id)
            ),
            len(entries),
            self.admin.count('payment.transaction', ours, ('state', '=', 'done')),
        )

    def nothing_to_handle(self):
        """No discrepancy was opened, no notification failed."""
        mine = [('company_id', '=', self.company_id)]
        found = self.admin.search('pay.now.discrepancy', mine, 'display_name')
        expect(not found, f"to handle: {found}")
        failed = self.admin.search(EVENT, [*mine, ('state', '=', 'failed')], 'type', 'error')
        expect(not failed, f"failed notifications: {failed}")
        self.say(f"no discrepancy; {self.admin.count(EVENT, *mine)} notifications, none failed")

    def books(self):
        """The last lines: invoices, commissions, clearing accounts against the sandbox."""
        self._wait_commissions()
        self.say(f"invoices paid: {len(self.paid)} ({', '.join(self.paid)})")
        for side in self.sides.values():
            balance, fees = side.figures()
            commission, clearing = self._commission(side), self.balance(side.clearing_id)
            text = (
                f"{side.name}: commission booked {commission / 100:.2f} €, the sandbox's fees"
                f" {fees / 100:.2f} €"
            )
            expect(commission == fees, text)
            self.say(text)
            text = (
                f"{side.name}: clearing account {clearing / 100:.2f} €, the sandbox's balance"
                f" {balance / 100:.2f} €"
            )
            expect(clearing == balance, text)
            self.say(text)
