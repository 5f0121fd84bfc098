# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The ways in which a provider notifies the books of what happens, good and bad."""

import os
from unittest.mock import patch

from odoo import fields

from odoo.addons.account_pay_now.tests.payout.test_payout_sandbox import MoneyCase

#: The ways, each the end of a name of a method below.
WAYS = (
    'webhooks',
    'sweep_only',
    'twice',
    'out_of_order',
    'delayed',
    'lost_then_swept',
    'in_the_middle',
)
#: Whether each row of a table is played in each way at both providers.
EVERYTHING = os.environ.get('PAY_NOW_TABLE') == 'all'


def rows_played(table, number, way):
    """Return the rows of a table that are played in a way at a provider.

    A gateway does not know how it is notified, nor the books which gateway it was: each row is
    played in each way, and several times at each provider, the two taking turns. A row of one
    provider only is played in all ways.

    :param dict table: row -> what is expected at each provider, None where there is no such thing.
    :param int number: of the provider.
    :param str way: one of `WAYS`.
    :rtype: list of str
    """
    turn = WAYS.index(way) + number
    return [
        name
        for position, (name, expected) in enumerate(table.items())
        if expected[number] and (EVERYTHING or None in expected or (position + turn) % 2 == 0)
    ]


class NotifiedCase(MoneyCase):
    """Lets stories happen side by side at a provider, and notifies the books in one of the ways.

    A story is a generator. At each `yield` the books may be notified of what has happened so far.
    """

    def setUp(self):
        super().setUp()
        #: Notifications that are still on their way, the last one first.
        self.kept = []

    @classmethod
    def let_events_arrive_once(cls):
        """Each event from now on is held back, once and in order."""
        for side in (cls.sandbox, cls.sandbox.paypal):
            side.webhooks(mode='held', copies=1, shuffle=False)

    def play_stories(self, stories, way):
        """Let the stories happen, step by step, and notify the books of each step.

        :param list stories: generators.
        :param str way: one of `WAYS`.
        """
        self.let_events_arrive_once()
        if way == 'sweep_only':
            # Nor does what a provider had to say before.
            self.lose_notifications()
            for side in (self.sandbox, self.sandbox.paypal):
                side.webhooks(mode='off')
        notify = getattr(self, f'notify_by_{way}')
        waiting = list(stories)
        while waiting:
            waiting = [story for story in waiting if next(story, self) is not self]
            self.sandbox.release_fees()
            notify(last=not waiting)

    # === the ways === #

    def notify_by_webhooks(self, last):
        """Each notification arrives, once, in time and in order."""
        self.deliver()
        self.process_again()

    def notify_by_sweep_only(self, last):
        """No notification ever arrives."""
        self.list_all()

    def notify_by_twice(self, last):
        """All notifications so far arrive again, at random, two copies of each."""
        self.deliver()
        for side in (self.sandbox, self.sandbox.paypal):
            side.redeliver(times=2, shuffle=True)
        self.deliver()
        self.process_again()

    def notify_by_out_of_order(self, last):
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

    def notify_by_delayed(self, last):
        """Everything arrives when all is over, in order; the sweep was quicker now and then."""
        if last:
            self.sweep()
            self.notify_by_webhooks(last)

    def notify_by_lost_then_swept(self, last):
        """Nothing arrives, and nobody looks before all is over."""
        self.lose_notifications()
        if last:
            self.list_all()

    def notify_by_in_the_middle(self, last):
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
            events.sudo().next_attempt_at = fields.Datetime.now()
            self.work()
