# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The ways in which what happens at a provider is heard of here, good and bad."""

from unittest.mock import patch

from odoo import fields

from odoo.addons.account_pay_now.tests.test_payout_sandbox import MoneyCase

#: How it is heard, each the name of a method below.
HEARINGS = (
    'webhooks',
    'sweep_only',
    'twice',
    'out_of_order',
    'delayed',
    'lost_then_swept',
    'in_the_middle',
)


class HeardCase(MoneyCase):
    """Lets stories happen side by side at a provider, and hears of them in one of the ways.

    A story is a generator. At each `yield` what has happened so far may be heard.
    """

    def setUp(self):
        super().setUp()
        #: Notifications that are still on their way, the last one first.
        self.kept = []

    def tell(self, stories, hearing):
        """Let the stories happen, step by step, and hear of each step.

        :param list stories: generators.
        :param str hearing: one of `HEARINGS`.
        """
        for side in (self.sandbox, self.sandbox.paypal):
            mode = 'off' if hearing == 'sweep_only' else 'held'
            side.webhooks(mode=mode, copies=1, shuffle=False)
        hear = getattr(self, f'hear_{hearing}')
        waiting = list(stories)
        while waiting:
            waiting = [story for story in waiting if next(story, self) is not self]
            self.sandbox.release_fees()
            hear(last=not waiting)

    # === the ways === #

    def hear_webhooks(self, last):
        """Each notification arrives, once, in time and in order."""
        self.deliver()
        self.process_again()

    def hear_sweep_only(self, last):
        """No notification ever arrives."""
        self.list_all()

    def hear_twice(self, last):
        """All notifications so far arrive again, at random, two copies of each."""
        self.deliver()
        for side in (self.sandbox, self.sandbox.paypal):
            side.redeliver(times=2, shuffle=True)
        self.deliver()
        self.process_again()

    def hear_out_of_order(self, last):
        """Everything arrives when all is over, the last first."""
        for side in (self.sandbox, self.sandbox.paypal):
            self.kept = [*side.outbox()[::-1], *self.kept]
        if last:
            # A few at a time: what came in together is put in order.
            for start in range(0, len(self.kept), 5):
                for out in self.kept[start : start + 5]:
                    self.receive(out)
                self.work()
            self.process_again()

    def hear_delayed(self, last):
        """Everything arrives when all is over, in order; the sweep was quicker now and then."""
        if last:
            self.sweep()
            self.hear_webhooks(last)

    def hear_lost_then_swept(self, last):
        """Nothing arrives, and nobody looks before all is over."""
        self.lose_notifications()
        if last:
            self.list_all()

    def hear_in_the_middle(self, last):
        """Each notification arrives while somebody else is at the same payment, or the provider."""
        registry = self.env.registry
        busy = patch.object(
            registry['payment.transaction'],
            'try_lock_for_update',
            lambda records, **_options: records.browse(),
        )
        turn = patch.object(
            registry['payment.provider'], '_pay_now_take_turn', lambda _provider: False
        )
        with busy, turn:
            self.deliver()
        self.process_again()

    # === on the way === #

    def process_again(self):
        """Let the workers do what they put off, as they do after a while."""
        for _round in range(3):
            events = self.env['pay.now.event'].search([('state', '=', 'pending')])
            if not events:
                return
            events.next_attempt_at = fields.Datetime.now()
            self.work()
