# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Situation by situation: what becomes of money after the payer agreed, however it is notified.

One payment of 240.00 for each row. The rows happen side by side at one provider, in each way of
notification, and end in the same books; `rows_played` says which. What the payers do at first is
the same in all ways: it happens once, and each play goes on from there.
"""

from collections import namedtuple

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.payment.notified import WAYS, NotifiedCase, rows_played
from odoo.addons.account_pay_now.tests.payment.test_situations import PayPalSide, StripeSide

#: What is looked at in the end.
#:
#: tx          state of the transaction
#: owed        what is open of the invoice
#: net         what is left of the payment on the clearing account, commissions apart
#: refunds     states of the refunds
#: disputes    states of the disputes
#: to_handle   kinds of what the accountant has to look at
Outcome = namedtuple('Outcome', ('tx', 'owed', 'net', 'refunds', 'disputes', 'to_handle'))


def unpaid(tx, *to_handle):
    """Nothing was received."""
    return Outcome(tx, 240, 0, (), (), to_handle)


def paid(net=240, refunds=(), disputes=(), owed=0, to_handle=()):
    """Received; then some of it went again."""
    return Outcome('done', owed, net, refunds, disputes, to_handle)


GIVEN_BACK = paid(0, ('done',))
IN_PART = paid(140, ('done',))
TWO_PARTS = paid(80, ('done', 'done'))
KEPT_IN_DOUBT = paid(240, disputes=('inquiry',))
WITHDRAWN = paid(0, disputes=('open',))
WON = paid(disputes=('won',))
LOST = paid(0, disputes=('lost',), owed=240)

#: situation -> what it ends in, for Stripe and for PayPal; None where there is no such thing.
TABLE = {
    # payments
    'paid': (paid(), paid()),
    'on_its_way': (unpaid('pending'), unpaid('pending')),
    'on_its_way_and_settled': (paid(), paid()),
    'on_its_way_and_failed': (unpaid('error'), unpaid('error')),
    'lapsed': (unpaid('cancel'), unpaid('cancel')),
    'declined': (unpaid('draft'), unpaid('draft')),
    # refunds
    'refunded_in_odoo': (GIVEN_BACK, GIVEN_BACK),
    'refunded_in_odoo_in_part': (IN_PART, IN_PART),
    'refunded_in_odoo_in_two_parts': (TWO_PARTS, TWO_PARTS),
    'refunded_at_the_provider': (GIVEN_BACK, GIVEN_BACK),
    'refunded_at_the_provider_in_part': (IN_PART, IN_PART),
    'refunded_at_the_provider_in_two_parts': (TWO_PARTS, TWO_PARTS),
    'refunded_on_both_sides': (TWO_PARTS, TWO_PARTS),
    # Its money leaves Stripe's balance at once, PayPal's when the bank has answered.
    'refund_on_its_way': (paid(140, ('pending',)), paid(240, ('pending',))),
    'refund_on_its_way_and_settled': (None, IN_PART),
    'refund_on_its_way_and_failed': (
        paid(240, ('error',), to_handle=('refund',)),
        paid(240, ('error',), to_handle=('refund',)),
    ),
    'refund_failed_after_all': (paid(240, ('error',), to_handle=('refund',)), None),
    'refund_of_more_than_was_paid': (paid(), paid()),
    'refund_of_more_than_is_left': (IN_PART, IN_PART),
    # Refused here by Stripe's rule, by PayPal's itself.
    'refund_of_a_disputed_payment': (
        paid(0, ('error',), disputes=('open',)),
        paid(0, ('error',), disputes=('open',)),
    ),
    # disputes
    'inquiry': (KEPT_IN_DOUBT, KEPT_IN_DOUBT),
    'inquiry_closed': (paid(disputes=('closed',)), paid(disputes=('won',))),
    'inquiry_escalated': (None, WITHDRAWN),
    'disputed': (WITHDRAWN, WITHDRAWN),
    'won': (WON, WON),
    'lost': (LOST, LOST),
    'lost_and_reopened': (WITHDRAWN, WITHDRAWN),
    'lost_and_won_on_appeal': (WON, WON),
    'lost_and_paid_again': (
        paid(0, disputes=('lost',), owed=0),
        paid(0, disputes=('lost',), owed=0),
    ),
    # The refund stands, and the dispute takes all once more.
    'lost_after_a_refund_in_part': (
        paid(-100, ('done',), ('lost',), owed=240),
        paid(-100, ('done',), ('lost',), owed=240),
    ),
    # PayPal alone: the same money reported as a refund too
    'taken_back': (None, LOST),
    'taken_back_and_read_first': (None, paid(0, ('cancel',), ('lost',), owed=240)),
    'disputed_and_reported_as_a_refund': (None, WITHDRAWN),
    'lost_and_reported_as_a_refund': (None, LOST),
    'won_and_reported_as_a_refund': (None, WON),
}
#: PayPal has no notification of it: the sweep finds it out.
NOT_NOTIFIED = ('refund_on_its_way_and_failed', 'lapsed')


class StripeMoney(StripeSide):
    """Stripe, with its dashboard."""

    def dashboard_refund(self, tx, amount=None, **values):
        amount = {} if amount is None else {'amount': amount * 100}
        self.sandbox.refund(charge=tx.pay_now_charge_ref, **amount, **values)

    def slow_refund(self, row):
        self.dashboard_refund(row.tx, 100, status='pending')
        row.tx._synchronize()

    def fail_refund(self, refund):
        self.sandbox.fail_refund(refund=refund.pay_now_refund_ref)

    def dispute(self, tx, **values):
        return self.sandbox.dispute(charge=tx.pay_now_charge_ref, **values)['id']


class PayPalMoney(PayPalSide):
    """PayPal, with its dashboard."""

    def dashboard_refund(self, tx, amount=None):
        amount = {} if amount is None else {'amount': amount * 100}
        self.sandbox.refund(capture=tx.pay_now_payment_ref, **amount)

    def slow_refund(self, row):
        self.sandbox.account(echeck_refunds=True)
        row.refund(100)
        self.sandbox.account(echeck_refunds=False)

    def settle_refund(self, refund, succeed):
        self.sandbox.settle_refund(refund=refund.pay_now_refund_ref, succeed=succeed)

    def fail_refund(self, refund):
        self.settle_refund(refund, False)

    def dispute(self, tx, **values):
        return self.sandbox.dispute(capture=tx.pay_now_payment_ref, **values)['dispute_id']


class Row:
    """One payment of 240.00. Each method is a situation; at a `yield` the books may be notified.

    What comes before the first `yield` is done once, when the table is prepared: each play finds
    it done.

    :param case: the test, or its class while the table is prepared.
    :param payment.transaction tx: open at the provider, or what became of it in the preparation.
    :param bool begun: whether the payer's part is done already.
    """

    def __init__(self, case, side, name, tx, begun):
        self.case, self.side, self.name = case, side, name
        self.tx, self.begun = tx, begun
        self.invoice = tx.invoice_ids

    # === what people do === #

    def pay(self, how=None):
        """The payer agrees, and comes back: all together, when all have agreed."""
        if not self.begun:
            self.side.agree(self.tx, *(how and [how] or []))
            self.case.sandbox.release_fees()
            self.case.returning |= self.tx

    def lapse(self):
        """The payer does nothing for too long."""
        if not self.begun:
            self.side.lapse(self.tx)

    def refund(self, amount=None):
        """The accountant refunds."""
        wizard = self.case.env['payment.refund.wizard']
        wizard = wizard.with_context(active_id=self.tx.payment_id.id)
        self.tx.payment_id.invalidate_recordset(['amount_available_for_refund'])
        wizard.create({} if amount is None else {'amount_to_refund': amount}).action_refund()

    def dispute(self, **values):
        """The payer disputes."""
        self.dispute_id = self.side.dispute(self.tx, **values)

    def decide(self, won):
        """The bank decides."""
        self.side.sandbox.close_dispute(dispute=self.dispute_id, won=won)

    # === payments === #

    def paid(self):
        self.pay()
        yield

    def on_its_way(self):
        self.pay('later')
        yield

    def on_its_way_and_settled(self):
        yield from self.on_its_way()
        self.side.settle(self.tx, True)
        yield

    def on_its_way_and_failed(self):
        yield from self.on_its_way()
        self.side.settle(self.tx, False)
        yield

    def lapsed(self):
        self.lapse()
        yield

    def declined(self):
        self.pay('declined')
        yield

    # === refunds === #

    def refunded_in_odoo(self):
        yield from self.paid()
        self.refund()
        yield

    def refunded_in_odoo_in_part(self):
        yield from self.paid()
        self.refund(100)
        yield

    def refunded_in_odoo_in_two_parts(self):
        yield from self.refunded_in_odoo_in_part()
        self.refund(60)
        yield

    def refunded_at_the_provider(self):
        yield from self.paid()
        self.side.dashboard_refund(self.tx)
        yield

    def refunded_at_the_provider_in_part(self):
        yield from self.paid()
        self.side.dashboard_refund(self.tx, 100)
        yield

    def refunded_at_the_provider_in_two_parts(self):
        yield from self.refunded_at_the_provider_in_part()
        self.side.dashboard_refund(self.tx, 60)
        yield

    def refunded_on_both_sides(self):
        yield from self.refunded_in_odoo_in_part()
        self.side.dashboard_refund(self.tx, 60)
        yield

    def refund_on_its_way(self):
        yield from self.paid()
        self.side.slow_refund(self)
        yield

    def refund_on_its_way_and_settled(self):
        yield from self.refund_on_its_way()
        self.side.settle_refund(self.tx._pay_now_refunds(), True)
        yield

    def refund_on_its_way_and_failed(self):
        yield from self.refund_on_its_way()
        self.side.fail_refund(self.tx._pay_now_refunds())
        yield

    def refund_failed_after_all(self):
        yield from self.refunded_in_odoo_in_part()
        self.side.fail_refund(self.tx._pay_now_refunds())
        yield

    def refund_of_more_than_was_paid(self):
        yield from self.paid()
        with self.case.assertRaises(ValidationError):
            self.refund(240.01)
        yield

    def refund_of_more_than_is_left(self):
        yield from self.refunded_in_odoo_in_part()
        with self.case.assertRaises(ValidationError):
            self.refund(140.01)
        yield

    def refund_of_a_disputed_payment(self):
        yield from self.paid()
        self.dispute()
        # Whether the books were notified of the dispute or not.
        self.tx.action_refund(100)
        yield

    # === disputes === #

    def inquiry(self):
        yield from self.paid()
        self.dispute(inquiry=True)
        yield

    def inquiry_closed(self):
        yield from self.inquiry()
        self.decide(True)
        yield

    def inquiry_escalated(self):
        yield from self.inquiry()
        self.side.sandbox.escalate_dispute(dispute=self.dispute_id)
        yield

    def disputed(self):
        yield from self.paid()
        self.dispute()
        yield

    def won(self):
        yield from self.disputed()
        self.decide(True)
        yield

    def lost(self):
        yield from self.disputed()
        self.decide(False)
        yield

    def lost_and_reopened(self):
        yield from self.lost()
        self.side.sandbox.reopen_dispute(dispute=self.dispute_id)
        yield

    def lost_and_won_on_appeal(self):
        yield from self.lost_and_reopened()
        self.decide(True)
        yield

    def lost_and_paid_again(self):
        yield from self.lost()
        self.case.list_all()
        line = self.case.lines(self.invoice)
        again = self.case.checkout(line, provider=self.side.provider)
        self.side.agree(again)
        self.case.sandbox.release_fees()
        again._synchronize()
        yield

    def lost_after_a_refund_in_part(self):
        yield from self.refunded_in_odoo_in_part()
        self.dispute()
        yield
        self.decide(False)
        yield

    # === PayPal: the same money reported as a refund too === #

    def taken_back(self):
        yield from self.paid()
        self.side.sandbox.reverse(capture=self.tx.pay_now_payment_ref)
        yield

    def taken_back_and_read_first(self):
        yield from self.paid()
        self.side.sandbox.reverse(capture=self.tx.pay_now_payment_ref)
        self.tx._synchronize()
        yield

    def disputed_and_reported_as_a_refund(self):
        yield from self.paid()
        self.dispute(as_refund=True)
        yield

    def lost_and_reported_as_a_refund(self):
        yield from self.disputed_and_reported_as_a_refund()
        self.decide(False)
        yield

    def won_and_reported_as_a_refund(self):
        yield from self.disputed_and_reported_as_a_refund()
        self.decide(True)
        yield

    # === what became of it === #

    def outcome(self):
        """Return what there is to look at, as in the table."""
        env, refunds = self.case.env, self.tx._pay_now_refunds()
        to_handle = env['pay.now.discrepancy'].search(
            [('transaction_id', 'in', (self.tx | refunds).ids), ('state', '=', 'open')]
        )
        disputes = self.tx.pay_now_dispute_ids
        provider = self.side.provider
        accounts = provider.pay_now_clearing_account_id | provider.pay_now_commission_account_id
        moves = (self.tx | refunds)._pay_now_entries() | disputes.movement_ids.move_id
        lines = moves.line_ids.filtered(lambda line: line.account_id in accounts)
        # What was taken for a refund at first and given to a dispute is no refund any more.
        known = tuple(sorted(refunds.mapped('state')))
        if disputes.reversal_ref and self.name != 'taken_back_and_read_first':
            known = tuple(state for state in known if state != 'cancel')
        return Outcome(
            self.tx.state,
            self.invoice.amount_residual,
            round(sum(lines.mapped('balance')), 2),
            known,
            tuple(disputes.mapped('state')),
            tuple(sorted(to_handle.mapped('kind'))),
        )


class SituationsMoneyCase(NotifiedCase):
    """The table above for one provider, in each way of notification."""

    #: Its place in the rows of the table.
    number = None

    @classmethod
    def make_side(cls, case):
        """Return the provider, for a test or the class."""
        if cls.number:
            return PayPalMoney(case, cls.paypal, cls.sandbox.paypal)
        return StripeMoney(case, cls.provider, cls.sandbox)

    @classmethod
    def prepare_sandbox(cls):
        """Open a checkout for each row; the payers agree, one after the other, and come back."""
        side = cls.make_side(cls)
        cls.expected = {name: row[cls.number] for name, row in TABLE.items() if row[cls.number]}
        invoices = cls.make_invoices([240] * len(cls.expected))
        cls.checkouts = {
            name: cls.checkout(cls.lines(invoice), provider=side.provider)
            for name, invoice in zip(cls.expected, invoices, strict=True)
        }
        cls.let_events_arrive_once()
        cls.returning = cls.env['payment.transaction'].sudo()
        for name, story in cls.make_rows(cls, begun=False).items():
            next(getattr(story, name)())
        cls.returning._synchronize()

    @classmethod
    def make_rows(cls, case, begun=True):
        """Return the rows by their names, for a test or the class."""
        side = cls.make_side(case)
        return {name: Row(case, side, name, tx, begun=begun) for name, tx in cls.checkouts.items()}

    def play(self, way):
        side = self.make_side(self)
        played = rows_played(TABLE, self.number, way)
        expected = {name: self.expected[name] for name in played}
        rows = {name: row for name, row in self.make_rows(self).items() if name in expected}
        for row in rows.values():
            self.assertTrue(row.begun)
        self.play_stories([getattr(row, name)() for name, row in rows.items()], way)
        if way != 'sweep_only':
            known = {name: one for name, one in expected.items() if name not in NOT_NOTIFIED}
            self.assert_outcomes(rows, known)
        self.list_all()
        self.assert_outcomes(rows, expected)
        self.assert_books_of(side)

    def assert_outcomes(self, rows, expected):
        found = {name: rows[name].outcome() for name in expected}
        wrong = [
            f"{name}: {found[name]} instead of {expected[name]}"
            for name in expected
            if found[name] != expected[name]
        ]
        self.assertFalse(wrong, '\n'.join(wrong))

    def assert_books_of(self, side):
        """The clearing account is what the provider says, the disputed one what it still holds."""
        terms = side.provider.sudo()._pay_now_clearing_equation()
        self.assertEqual((terms['gap'], terms['waiting'], terms['foreign']), (0, 0, 0), terms)
        self.assertEqual(round(terms['clearing'] * 100), side.sandbox.account_state()['balance'])
        mine = [('provider_id', '=', side.provider.id)]
        disputes = self.env['pay.now.dispute'].search(mine)
        self.assertFalse(disputes.filtered('problem'))
        held = sum(disputes.filtered(lambda one: one.state == 'open').mapped('withdrawn'))
        account = side.provider.pay_now_disputed_account_id
        on_account = self.env['account.move.line'].search([('account_id', '=', account.id)])
        self.assertAlmostEqual(sum(on_account.mapped('balance')), held)
        failed = self.env['pay.now.event'].search([*mine, ('state', 'not in', ('done', 'ignored'))])
        self.assertFalse(failed, failed.mapped('error'))


@tagged('post_install', '-at_install')
class TestSituationsMoneyStripe(SituationsMoneyCase):
    """The table for Stripe."""

    number = 0

    def test_each_row_is_played_in_each_way(self):
        for name, expected in TABLE.items():
            numbers = [number for number in (0, 1) if expected[number]]
            for way in WAYS:
                self.assertTrue(any(name in rows_played(TABLE, one, way) for one in numbers), name)
            for number in numbers:
                ways = [way for way in WAYS if name in rows_played(TABLE, number, way)]
                self.assertGreaterEqual(len(ways), 3, name)


@tagged('post_install', '-at_install')
class TestSituationsMoneyPayPal(SituationsMoneyCase):
    """The table for PayPal."""

    number = 1


def _test(way):
    """Return the test of the table for one way of notification."""
    return lambda self: self.play(way)


for _way in WAYS:
    setattr(TestSituationsMoneyStripe, f'test_stripe_{_way}', _test(_way))
    setattr(TestSituationsMoneyPayPal, f'test_paypal_{_way}', _test(_way))
