# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Long random histories on the real gateways: the books always add up to what the provider says.

`PAY_NOW_HISTORY` sets how many things happen per provider, `PAY_NOW_SEED` which ones.
"""

import logging
import os
import random
from collections import Counter

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.payout.test_payout_sandbox import MoneyCase

_logger = logging.getLogger(__name__)

LENGTH = int(os.environ.get('PAY_NOW_HISTORY') or 60)
SEED = int(os.environ.get('PAY_NOW_SEED') or 20261124)


class History:
    """What can happen at a provider. Every happening is possible at any time, or does nothing."""

    #: happening -> how often
    happenings = {
        'pay': 12,
        'pay_part': 3,
        'foreign': 4,
        'dispute': 6,
        'inquiry': 2,
        'refund': 4,
        'decide': 7,
        'reopen': 2,
        'refund_in_odoo': 3,
        'refund_all': 2,
        'payout': 5,
        'fail_payout': 2,
        'book_foreign': 2,
        'deliver': 10,
        'lose': 3,
        'sweep': 4,
        'outage': 2,
        'duplicates': 3,
        'late': 2,
        'webhooks_off': 1,
    }

    #: What every history begins with, so that it has seen everything.
    beginning = (
        *('pay', 'pay', 'pay', 'dispute', 'dispute', 'decide', 'decide'),
        *('reopen', 'decide', 'dispute', 'decide', 'foreign'),
        *('payout', 'fail_payout', 'sweep', 'book_foreign', 'sweep', 'book_foreign'),
    )

    def __init__(self, case, provider, side, seed):
        self.case, self.provider, self.side = case, provider, side
        self.random = random.Random(seed)
        self.txs = []
        self.number = 0
        self.happened = []
        #: Notifications that are still on their way.
        self.delayed = []
        self.coin = False
        #: States of disputes that there were at quiet points.
        self.seen = set()

    def play(self, length):
        """Let things happen, and look at the books whenever everything has arrived."""
        names, weights = zip(*self.happenings.items(), strict=True)
        for number in range(1, length + 1):
            name = self.random.choices(names, weights)[0]
            if number <= len(self.beginning):
                name = self.beginning[number - 1]
            self.happened.append(name)
            getattr(self, name)()
            if number % 10 == 0 or number == length:
                self.be_quiet()

    def be_quiet(self):
        """Hear everything, and compare."""
        self.calm()
        self.release()
        self.case.list_all()
        for out in self.delayed:
            self.case.receive(out)
        self.delayed.clear()
        self.case.deliver()
        self.case.list_all()
        terms = self.provider.sudo()._pay_now_clearing_equation()
        message = f'{self.provider.name}: {terms} after {self.happened}'
        self.case.assertEqual(terms['gap'], 0, message)
        self.case.assertEqual(
            round(terms['balance'] * 100), self.side.account_state()['balance'], message
        )
        self.case.assertEqual(terms['waiting'], 0, message)
        self.assert_everything_once(message)
        self.case.assert_requests()

    def assert_everything_once(self, message):
        """Nothing is booked twice, and what is over left nothing of its own behind."""
        case, env = self.case, self.case.env
        mine = [('provider_id', '=', self.provider.id)]
        disputes = env['pay.now.dispute'].search(mine)
        self.seen |= set(disputes.mapped('state'))
        for dispute in disputes:
            lost = dispute.state == 'lost'
            case.assertAlmostEqual(dispute.loss_amount, dispute.withdrawn * lost, 2, message)
            case.assertFalse(dispute.problem, message)
            if dispute.transaction_id._pay_now_refunds():
                # A refund before it was disputed: the invoice is what its credit notes say.
                continue
            paid = {'lost': ('not_paid', 'partial')}.get(dispute.state, ('paid', 'partial'))
            case.assertIn(dispute.transaction_id.invoice_ids.payment_state, paid, message)
        waiting = sum(disputes.filtered(lambda one: one.state == 'open').mapped('withdrawn'))
        account = self.provider.pay_now_disputed_account_id
        lines = env['account.move.line'].search(
            [('account_id', '=', account.id), ('journal_id', '=', self.provider.journal_id.id)]
        )
        case.assertAlmostEqual(sum(lines.mapped('balance')), waiting, 2, message)
        for payout in env['pay.now.payout'].search(mine):
            failed = payout.state == 'failed'
            case.assertEqual(bool(payout.reversal_move_id), failed, message)
            case.assertEqual(
                sum(payout._transfer_lines().mapped('balance')), 0 if failed else payout.amount
            )
            if not payout.to_decide_count and payout.listed:
                case.assertTrue(payout.settled, message)

    # === payers === #

    def pay(self):
        invoice = self.case.make_invoice(self.random.randint(100, 90000) / 100)
        lines = self.case.lines(invoice)
        tx = self.case.checkout(lines, provider=self.provider)
        self.agree(tx)
        self.txs.append(tx)
        if self.random.random() < 0.5:
            tx._synchronize()

    def pay_part(self):
        invoice = self.case.make_invoice(
            self.random.randint(100, 90000) / 100,
            invoice_payment_term_id=self.case.term.id,
        )
        tx = self.case.checkout(self.case.lines(invoice)[:1], provider=self.provider)
        self.agree(tx)
        self.txs.append(tx)

    def foreign(self):
        self.calm()
        self.number += 1
        self.case.elsewhere(
            self.provider, f'SHOP-{self.provider.id}-{self.number}', f'{self.random.randint(5, 99)}'
        )

    # === the accountant === #

    def book_foreign(self):
        foreign = self.case.env['pay.now.movement'].search(
            [('provider_id', '=', self.provider.id), ('state', '=', 'foreign')], limit=2
        )
        foreign.account_id = self.case.company_data['default_account_revenue']
        if self.toss():
            foreign.action_book()
        else:
            foreign.action_handled()

    def refund_in_odoo(self, whole=False):
        """The accountant refunds, whatever the provider may answer."""
        found = [tx for tx in self.txs if tx.payment_id and tx._pay_now_left_to_refund() > 1]
        if tx := self.choose(found):
            left = tx._pay_now_left_to_refund()
            tx.action_refund(left if whole else self.random.randint(1, 100) / 100)

    def refund_all(self):
        self.refund_in_odoo(whole=True)

    # === what arrives, and when === #

    def deliver(self):
        self.case.deliver()

    def lose(self):
        self.case.lose_notifications()

    def sweep(self):
        self.case.list_all()

    def duplicates(self):
        self.side.redeliver(times=2)
        self.case.deliver()

    def late(self):
        """What was said so far arrives, the last first, after whatever comes next."""
        for side in (self.case.sandbox, self.case.sandbox.paypal):
            self.delayed += side.outbox()[::-1]

    def webhooks_off(self):
        """Nothing is notified any more, until everything is quiet again."""
        self.side.webhooks(mode='off')

    def outage(self):
        path = self.random.choice(self.paths)
        self.side.misbehave(path=path, method='GET', status=503, times=self.random.randint(1, 6))

    def calm(self):
        self.side.behave()
        for side in (self.case.sandbox, self.case.sandbox.paypal):
            side.webhooks(mode='held', copies=2, shuffle=True)

    def release(self):
        """Nothing is held back any more."""

    def toss(self):
        """Return true and false in turn."""
        self.coin = not self.coin
        return self.coin

    def choose(self, found):
        return self.random.choice(found) if found else None


class StripeHistory(History):
    paths = ('/v1/payouts', '/v1/balance_transactions', '/v1/disputes', '/v1/checkout')
    happenings = {**History.happenings, 'release': 6, 'fee': 2, 'fail_refund': 2}

    def agree(self, tx):
        self.side.pay(session=tx.provider_reference)

    def release(self):
        self.side.release_fees()

    def fee(self):
        self.side.charge_fee(amount=self.random.randint(10, 900))

    def _disputable(self):
        state = self.side.account_state()
        disputed = {one['charge'] for one in state['disputes']}
        refs = {tx.reference for tx in self.txs}
        ours = {s['payment_intent'] for s in state['sessions'] if s['client_reference_id'] in refs}
        return [
            charge['id']
            for charge in state['charges']
            if charge['status'] == 'succeeded'
            and charge['id'] not in disputed
            and not charge['amount_refunded']
            and charge['payment_intent'] in ours
        ]

    def dispute(self, inquiry=False):
        if charge := self.choose(self._disputable()):
            self.side.dispute(charge=charge, inquiry=inquiry)

    def inquiry(self):
        self.dispute(inquiry=True)

    def refund(self):
        if charge := self.choose(self._disputable()):
            self.side.refund(charge=charge, amount=self.random.randint(1, 100))

    def fail_refund(self):
        made = self.side.account_state()['refunds']
        if refund := self.choose([one['id'] for one in made if one['status'] == 'succeeded']):
            self.side.fail_refund(refund=refund)

    def reopen(self):
        lost = [
            one['id'] for one in self.side.account_state()['disputes'] if one['status'] == 'lost'
        ]
        if dispute := self.choose(lost):
            self.side.reopen_dispute(dispute=dispute)

    def decide(self):
        undecided = [
            one['id']
            for one in self.side.account_state()['disputes']
            if one['status'] in ('needs_response', 'warning_needs_response', 'under_review')
        ]
        if dispute := self.choose(undecided):
            self.side.close_dispute(dispute=dispute, won=self.toss())

    def payout(self):
        held = self.side.account_state()['balance']
        if held > 0 and self.random.random() < 0.7:
            self.side.payout()
        elif held > 100:
            self.side.payout(amount=self.random.randint(1, held))

    def fail_payout(self):
        paid = [
            one['source']
            for one in self.side.account_state()['movements']
            if one['type'] == 'payout'
        ]
        back = [
            one['source']
            for one in self.side.account_state()['movements']
            if one['type'] == 'payout_failure'
        ]
        if payout := self.choose([one for one in paid if one not in back]):
            self.side.fail_payout(payout=payout)


class PayPalHistory(History):
    paths = ('/v1/reporting', '/v1/customer/disputes', '/v2/checkout')
    happenings = {**History.happenings, 'reverse': 2, 'escalate': 2, 'dispute_as_refund': 3}

    def agree(self, tx):
        self.side.approve(order=tx.provider_reference)
        tx._synchronize()

    def _disputable(self):
        refs = {tx.reference for tx in self.txs}
        state = self.side.account_state()
        gone = {one['capture'] for one in state['refunds']} | {
            one['capture'] for one in state['disputes']
        }
        return [
            one['id']
            for one in state['captures']
            if one['status'] == 'COMPLETED' and one['custom_id'] in refs and one['id'] not in gone
        ]

    def dispute(self, **values):
        if capture := self.choose(self._disputable()):
            self.side.dispute(capture=capture, **values)

    def dispute_as_refund(self):
        self.dispute(as_refund=True)

    def reopen(self):
        lost = [
            one['dispute_id']
            for one in self.side.account_state()['disputes']
            if one['status'] == 'RESOLVED' and one['outcome'] == 'RESOLVED_BUYER_FAVOUR'
        ]
        if dispute := self.choose(lost):
            self.side.reopen_dispute(dispute=dispute)

    def inquiry(self):
        self.dispute(inquiry=True)

    def refund(self):
        if capture := self.choose(self._disputable()):
            self.side.refund(capture=capture, amount=self.random.randint(1, 100))

    def _undecided(self, stage=None):
        return [
            one['dispute_id']
            for one in self.side.account_state()['disputes']
            if one['status'] != 'RESOLVED' and (not stage or one['stage'] == stage)
        ]

    def escalate(self):
        state = self.side.account_state()
        refunded = {one['id'] for one in state['captures'] if one['status'] == 'REFUNDED'}
        given_back = {one['dispute_id'] for one in state['disputes'] if one['capture'] in refunded}
        inquiries = [one for one in self._undecided('INQUIRY') if one not in given_back]
        if dispute := self.choose(inquiries):
            self.side.escalate_dispute(dispute=dispute)

    def decide(self):
        if dispute := self.choose(self._undecided()):
            self.side.close_dispute(dispute=dispute, won=self.toss())

    def reverse(self):
        if capture := self.choose(self._disputable()):
            self.side.reverse(capture=capture)

    def payout(self):
        held = self.side.account_state()['balance']
        if held > 100:
            self.side.payout(amount=self.random.randint(1, held))

    def fail_payout(self):
        moves = [one for one in self.side.account_state()['movements'] if one['type'] == 'T0400']
        back = [one['amount'] for one in moves if one['amount'] > 0]
        # PayPal does not say which one came back: not one of an amount that came back before.
        paid = [one['id'] for one in moves if one['amount'] < 0 and -one['amount'] not in back]
        if payout := self.choose(paid):
            self.side.fail_payout(payout=payout)


@tagged('post_install', '-at_install')
class TestBooksHistory(MoneyCase):
    """Payments, disputes, payouts, other people's money, repetitions, silence and outages."""

    def history(self, kind, provider, side):
        played = kind(self, provider, side, SEED)
        played.play(LENGTH)
        mine = [('provider_id', '=', provider.id)]
        disputes = self.env['pay.now.dispute'].search(mine)
        payouts = self.env['pay.now.payout'].search(mine)
        movements = self.env['pay.now.movement'].search(mine)
        _logger.info(
            "%s: %s payments, disputes %s, payouts %s, movements %s",
            provider.name,
            len(played.txs),
            dict(Counter(disputes.mapped('state'))),
            dict(Counter(payouts.mapped('state'))),
            dict(Counter(movements.mapped('state'))),
        )
        if LENGTH >= 60:
            self.assertLessEqual({'lost', 'won'}, played.seen)
            self.assertLessEqual({'paid', 'failed'}, set(payouts.mapped('state')))
            self.assertIn('booked', movements.mapped('state'))
        return played

    def test_stripe(self):
        played = self.history(StripeHistory, self.provider, self.sandbox)
        self.assertGreater(len(played.txs), LENGTH // 10)

    def test_paypal(self):
        played = self.history(PayPalHistory, self.paypal, self.sandbox.paypal)
        self.assertGreater(len(played.txs), LENGTH // 10)
