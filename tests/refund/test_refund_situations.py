# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Situation by situation: what becomes of money given back, in the books and for whom.

Played on the real gateways against the sandbox of both providers.
"""

from collections import namedtuple
from decimal import Decimal
from unittest.mock import patch

from lxml import html

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.sandbox import SandboxCase

#: What is looked at after a situation with a payment of 240.00.
#:
#: refunds     (state, amount, booked) of each refund
#: left        what can still be refunded
#: customer    text on the customer's page
#: to_handle   kinds of what is to handle
Outcome = namedtuple('Outcome', ('refunds', 'left', 'customer', 'to_handle'))


def outcome(*refunds, left=240, customer="Payment received", to_handle=()):
    """The outcome of a situation; a refund is its amount when it is done and booked."""
    whole = [one if isinstance(one, tuple) else ('done', one, True) for one in refunds]
    return Outcome(whole, left, customer, set(to_handle))


FULL = outcome(240, left=0, customer="Payment refunded: 240.00 €")
PARTIAL = outcome(100, left=140, customer="Refunded: 100.00 €")
REFUSED = outcome(('error', 100, False))

#: situation -> what is expected, for Stripe and for PayPal; None where there is no such thing.
TABLE = {
    # asked for here
    'full': (FULL, FULL),
    'partial': (PARTIAL, PARTIAL),
    'partial_and_the_rest': (
        outcome(100, 140, left=0, customer="Payment refunded: 240.00 €"),
        outcome(100, 140, left=0, customer="Payment refunded: 240.00 €"),
    ),
    'more_than_paid': (outcome(), outcome()),
    'twice_the_whole': (FULL, FULL),
    # at the dashboard
    'dashboard_with_webhooks': (PARTIAL, PARTIAL),
    'dashboard_notified_thrice_in_disorder': (PARTIAL, PARTIAL),
    'dashboard_with_webhooks_off': (PARTIAL, PARTIAL),
    'dashboard_and_no_events_at_all': (PARTIAL, PARTIAL),
    'in_odoo_and_at_the_dashboard': (
        outcome(100, 60, left=80, customer="Refunded: 160.00 €"),
        outcome(100, 60, left=80, customer="Refunded: 160.00 €"),
    ),
    'two_at_the_dashboard_notified_thrice_in_disorder': (
        outcome(100, 60, left=80, customer="Refunded: 160.00 €"),
        outcome(100, 60, left=80, customer="Refunded: 160.00 €"),
    ),
    # pending, failed
    'pending': (
        # Its money leaves Stripe's balance at once, PayPal's when the bank has answered.
        outcome(('pending', 100, True), left=140, customer="Refund in progress: 100.00 €"),
        outcome(('pending', 100, False), left=140, customer="Refund in progress: 100.00 €"),
    ),
    'pending_then_done': (None, PARTIAL),
    'pending_then_failed': (
        outcome(('error', 100, True), to_handle={'refund'}),
        outcome(('error', 100, False), to_handle={'refund'}),
    ),
    'failed_after_success': (outcome(('error', 100, True), to_handle={'refund'}), None),
    'failed_with_webhooks_off': (outcome(('error', 100, True), to_handle={'refund'}), None),
    'failed_then_refunded_again': (
        # The customer has the money after all: nothing is left to handle.
        outcome(('error', 100, True), 100, left=140, customer="Refunded: 100.00 €"),
        None,
    ),
    # the provider
    'down': (PARTIAL, PARTIAL),
    'answer_lost': (PARTIAL, PARTIAL),
    'answer_lost_and_notified_first': (PARTIAL, PARTIAL),
    'forgotten_by_us': (PARTIAL, PARTIAL),
    'disputed': (REFUSED, None),
    'disputed_and_known_to_the_provider_only': (None, REFUSED),
    'not_enough_money_at_the_provider': (None, REFUSED),
    'too_old': (None, REFUSED),
    'restricted_account': (None, REFUSED),
}


class RefundSide:
    """One provider, as the situations need it."""

    def __init__(self, case, provider, sandbox):
        self.case = case
        self.provider = provider
        self.sandbox = sandbox

    def of_provider(self):
        """Return the refunds the provider made."""
        return self.sandbox.account_state()['refunds']


class StripeRefundSide(RefundSide):
    """Stripe: a refund is done at once, and may fail long afterwards."""

    path = '/v1/refunds'

    def pay(self, tx):
        self.sandbox.pay(session=tx.provider_reference, method='card')
        self.sandbox.release_fees()

    def of_provider(self):
        """Return the refunds the provider made."""
        movements = self.sandbox.account_state()['movements']
        return [one for one in movements if one['type'] == 'refund']

    def dashboard(self, tx, amount, **values):
        return self.sandbox.refund(charge=tx.pay_now_charge_ref, amount=amount * 100, **values)

    def fail(self, refund):
        self.sandbox.fail_refund(refund=refund.pay_now_refund_ref)

    def make_pending(self, tx, amount):
        self.dashboard(tx, amount, status='pending')
        tx._synchronize()


class PayPalRefundSide(RefundSide):
    """PayPal: a refund from a bank account is pending until the bank answers."""

    path = '/v2/payments/captures/'

    def pay(self, tx):
        self.sandbox.approve(order=tx.provider_reference, how='paypal')

    def dashboard(self, tx, amount):
        return self.sandbox.refund(capture=tx.pay_now_payment_ref, amount=amount * 100)

    def fail(self, refund):
        self.sandbox.settle_refund(refund=refund.pay_now_refund_ref, succeed=False)

    def make_pending(self, tx, amount):
        self.sandbox.account(echeck_refunds=True)
        self.case.refund(amount)


#: In the order of the columns of the table.
SIDES = (StripeRefundSide, PayPalRefundSide)


class RefundSituations:
    """One method for each situation; `self.tx` is paid and booked when it begins."""

    def full(self):
        self.refund()

    def partial(self):
        self.refund(100)

    def partial_and_the_rest(self):
        self.refund(100)
        self.refund()

    def more_than_paid(self):
        with self.assertRaises(ValidationError):
            self.refund(240.01)

    def twice_the_whole(self):
        self.refund()
        with self.assertRaises(ValidationError):
            self.refund()

    def dashboard_with_webhooks(self):
        self.side.dashboard(self.tx, 100)
        self.deliver()

    def dashboard_notified_thrice_in_disorder(self):
        self.side.dashboard(self.tx, 100)
        for _time in range(3):
            self.deliver()
            self.side.sandbox.redeliver(times=3, shuffle=True)
        self.deliver()

    def two_at_the_dashboard_notified_thrice_in_disorder(self):
        self.side.dashboard(self.tx, 100)
        self.side.dashboard(self.tx, 60)
        for _time in range(3):
            self.deliver()
            self.side.sandbox.redeliver(times=3, shuffle=True)
        self.deliver()

    def dashboard_with_webhooks_off(self):
        self.side.dashboard(self.tx, 100)
        self.lose_notifications()
        self.sweep()

    def dashboard_and_no_events_at_all(self):
        self.side.dashboard(self.tx, 100)
        self.lose_notifications()
        webhook, self.side.provider.sudo().pay_now_webhook_ref = (
            self.side.provider.pay_now_webhook_ref,
            False,
        )
        with patch.object(self.env.registry['pay.now.event'], '_sweep', lambda _self: None):
            self.sweep()
        self.side.provider.sudo().pay_now_webhook_ref = webhook

    def in_odoo_and_at_the_dashboard(self):
        self.refund(100)
        self.side.dashboard(self.tx, 60)
        self.deliver()

    def pending(self):
        self.side.make_pending(self.tx, 100)

    def pending_then_done(self):
        self.pending()
        refund = self.tx._pay_now_refunds()
        self.side.sandbox.settle_refund(refund=refund.pay_now_refund_ref, succeed=True)
        self.deliver()

    def pending_then_failed(self):
        self.pending()
        self.side.fail(self.tx._pay_now_refunds())
        self.lose_notifications()
        self.sweep()

    def failed_after_success(self):
        self.refund(100)
        self.side.fail(self.tx._pay_now_refunds())
        self.deliver()

    def failed_with_webhooks_off(self):
        self.refund(100)
        self.side.fail(self.tx._pay_now_refunds())
        self.lose_notifications()
        self.sweep()

    def failed_then_refunded_again(self):
        self.failed_after_success()
        self.refund(100)

    def down(self):
        self.side.sandbox.misbehave(status=503, times=20)
        self.refund(100)
        self.assertEqual(self.tx._pay_now_refunds().state, 'draft')
        self.side.sandbox.behave()
        self.side.sandbox.webhooks(mode='held')
        self.sweep()

    def lose_answer(self):
        # The SDK of Stripe asks a second time by itself.
        self.side.sandbox.misbehave(
            path=self.side.path, method='POST', drop=True, executed=True, times=2
        )
        self.refund(100)
        self.assertEqual(self.tx._pay_now_refunds().state, 'draft')

    def answer_lost(self):
        self.lose_answer()
        self.sweep()

    def answer_lost_and_notified_first(self):
        self.lose_answer()
        self.deliver()

    def forgotten_by_us(self):
        """As when the server stops before it has noted what it asked for."""
        self.side.provider._pay_now_gateway().refund(
            self.tx._pay_now_fetch(),
            Decimal('100.00'),
            f'{self.tx.pay_now_idempotency_key}-refund-1',
        )
        self.refund_without_looking(100)

    def disputed(self):
        self.side.sandbox.dispute(charge=self.tx.pay_now_charge_ref, inquiry=True)
        self.refund(100)
        self.assertIn("disputes", self.answer['message'])

    def disputed_and_known_to_the_provider_only(self):
        self.refuse('TRANSACTION_DISPUTED', "disputes")

    def not_enough_money_at_the_provider(self):
        self.refuse('REFUND_FAILED_INSUFFICIENT_FUNDS', "not enough money at PayPal")

    def too_old(self):
        self.refuse('REFUND_TIME_LIMIT_EXCEEDED', "too old")

    def restricted_account(self):
        self.side.sandbox.account(standing='restricted')
        self.refund(100)
        self.assertIn("restricted", self.answer['message'])

    def refuse(self, issue, reason):
        self.side.sandbox.misbehave(path=self.side.path, method='POST', issue=issue)
        self.refund(100)
        self.assertIn(reason, self.answer['message'])


@tagged('post_install', '-at_install')
class TestRefundSituations(RefundSituations, SandboxCase):
    """The table above, row by row."""

    @classmethod
    def prepare_sandbox(cls):
        """Let a payment of 240.00 be made at each provider, and booked."""
        cls.env['res.lang']._activate_lang('en_US')
        cls.invoices = cls.make_invoices([240] * len(SIDES))
        cls.checkouts = []
        for number, invoice in enumerate(cls.invoices):
            provider = (cls.provider, cls.paypal)[number]
            tx = cls.checkout(cls.lines(invoice), provider=provider)
            cls.make_side(cls, number).pay(tx)
            tx._synchronize()
            cls.checkouts.append(tx)

    @classmethod
    def make_side(cls, case, number):
        """Return a provider, for a test or the class."""
        sandbox = (cls.sandbox, cls.sandbox.paypal)[number]
        return SIDES[number](case, (cls.provider, cls.paypal)[number], sandbox)

    def refund(self, amount=None):
        """Refund as the accountant does."""
        payment = self.tx.payment_id
        payment.action_refund_wizard()
        wizard = (
            self.env['payment.refund.wizard']
            .with_context(active_id=payment.id)
            .create({} if amount is None else {'amount_to_refund': amount})
        )
        self.answer = wizard.action_refund()['params']

    def refund_without_looking(self, amount):
        """Refund without the window, which looks at the provider when it opens."""
        self.tx.action_refund(amount)

    def page(self):
        """Return the text of the customer's page."""
        response = self.url_open(self.tx._pay_now_path('result'))
        self.assertEqual(response.status_code, 200)
        text = html.fromstring(response.content).text_content()
        return ' '.join(text.replace('\N{NO-BREAK SPACE}', ' ').split())

    def play(self, situation, number):
        """Play one situation on the payment at a provider, and look at everything afterwards."""
        expected = TABLE[situation][number]
        self.side = side = self.make_side(self, number)
        self.invoice, self.tx = self.invoices[number], self.checkouts[number]
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.deliver()
        getattr(self, situation)()
        for _again in range(2):
            self.assert_refunds(expected)
            self.assert_clearing()
            # Nothing more comes of it, however late and often it is notified.
            side.sandbox.redeliver(times=2, shuffle=True)
            self.deliver()
            self.sweep()

    def assert_refunds(self, expected):
        refunds = self.tx._pay_now_refunds()
        self.assertEqual(
            sorted((tx.state, -tx.amount, bool(tx.payment_id)) for tx in refunds),
            sorted(expected.refunds),
        )
        self.tx.payment_id.invalidate_recordset(['amount_available_for_refund'])
        self.assertEqual(self.tx.payment_id.amount_available_for_refund, expected.left)
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertIn(expected.customer, self.page())
        to_handle = self.env['pay.now.discrepancy'].search(
            [('transaction_id', 'in', (self.tx | refunds).ids), ('state', '=', 'open')]
        )
        self.assertEqual(set(to_handle.mapped('kind')), expected.to_handle)
        made = self.side.of_provider()
        self.assertEqual(len(made), len(refunds.filtered('pay_now_refund_ref')))

    def assert_clearing(self):
        """The clearing account is the provider's balance, and the customer's account agrees."""
        state = self.side.sandbox.account_state()
        self.assertEqual(round(self.clearing_balance(self.side.provider) * 100), state['balance'])
        refunds = self.tx._pay_now_refunds()
        for refund in refunds.filtered('payment_id'):
            back = refund.state == 'error'
            self.assertEqual(bool(refund.pay_now_reversal_move_id), back)
            notes = refund.pay_now_credit_note_ids.filtered(lambda note: note.state == 'draft')
            self.assertEqual(sum(notes.mapped('amount_total')), 0 if back else -refund.amount)


def _test(situation, number):
    """Return the test of one row for one provider."""
    return lambda self: self.play(situation, number)


for _situation, _expected in TABLE.items():
    for _number, _name in enumerate(('stripe', 'paypal')):
        if _expected[_number]:
            setattr(TestRefundSituations, f'test_{_name}_{_situation}', _test(_situation, _number))
