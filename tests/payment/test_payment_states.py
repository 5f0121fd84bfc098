# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Every state a payment can reach at either provider: its state in Odoo, and its labels.

Late good news wins over an earlier cancel or refusal. Late bad news never downgrades what is
settled: only a refund or a dispute does.
"""

from collections import namedtuple
from itertools import product

from lxml import html

from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways.paypal import payment as paypal_payment
from odoo.addons.account_pay_now.gateways.stripe import payment as stripe_payment
from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: What a state at the provider means here.
#:
#: tx          state of the transaction
#: customer    text on the customer's page
#: accountant  text on the invoice; the kind of a discrepancy after a `+`; nothing while nothing
#:             has happened
Meaning = namedtuple('Meaning', ('tx', 'customer', 'accountant'))

OPEN = Meaning('draft', "We are waiting for the confirmation", '')
PENDING = Meaning('pending', "Do not pay a second time", "pending")
HELD = Meaning('pending', "Do not pay a second time", "pending+held")
PAID = Meaning('done', "Payment received, thank you: 100.00", "confirmed")
REFUSED = Meaning('error', "Your bank refused the payment", "Your bank refused the payment")
FAILED = Meaning('error', "The payment was refused", "The payment was refused")
NO_MONEY = Meaning('error', "not enough money in the account", "not enough money in the account")
CANCELED = Meaning('cancel', "Nothing was debited", "canceled")

#: (status of the session, its payment status, status of the intent, code of the refusal)
STRIPE = {
    ('open', 'unpaid', None, None): OPEN,
    ('open', 'unpaid', 'requires_payment_method', None): OPEN,
    ('open', 'unpaid', 'requires_payment_method', 'card_declined'): OPEN,
    ('open', 'unpaid', 'requires_confirmation', None): OPEN,
    ('open', 'unpaid', 'requires_action', None): OPEN,
    ('complete', 'unpaid', 'processing', None): PENDING,
    # a transfer or a voucher: the payer has been told how
    ('complete', 'unpaid', 'requires_action', None): PENDING,
    ('complete', 'unpaid', 'requires_capture', None): PENDING,
    ('complete', 'paid', 'succeeded', None): PAID,
    ('complete', 'paid', 'processing', None): PAID,
    ('complete', 'unpaid', 'requires_payment_method', None): FAILED,
    ('complete', 'unpaid', 'requires_payment_method', 'card_declined'): REFUSED,
    ('complete', 'unpaid', 'requires_payment_method', 'insufficient_funds'): NO_MONEY,
    ('complete', 'unpaid', 'canceled', None): CANCELED,
    ('expired', 'unpaid', None, None): CANCELED,
    ('expired', 'unpaid', 'requires_payment_method', 'card_declined'): Meaning(
        'cancel', "Your bank refused the payment", "Your bank refused the payment"
    ),
    ('expired', 'unpaid', 'canceled', None): CANCELED,
}
#: (status of the order, status of its capture, reason of the capture)
PAYPAL = {
    ('CREATED', None, None): OPEN,
    ('SAVED', None, None): OPEN,
    ('PAYER_ACTION_REQUIRED', None, None): OPEN,
    # the payer was sent back to choose another way
    ('PAYER_ACTION_REQUIRED', 'DECLINED', None): OPEN,
    ('COMPLETED', None, None): PENDING,
    **{
        ('COMPLETED', 'PENDING', reason): PENDING
        for reason in (
            *(None, 'ECHECK', 'PENDING_REVIEW', 'TRANSACTION_APPROVED_AWAITING_FUNDING'),
            *('INTERNATIONAL_WITHDRAWAL', 'BUYER_COMPLAINT', 'CHARGEBACK', 'OTHER', 'REFUNDED'),
            # What PayPal invents one day.
            'NEW_REASON',
        )
    },
    **{
        ('COMPLETED', 'PENDING', reason): HELD
        for reason in (
            'RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION',
            'UNILATERAL',
            'VERIFICATION_REQUIRED',
        )
    },
    ('COMPLETED', 'NEW_STATUS', None): PENDING,
    ('COMPLETED', 'COMPLETED', None): PAID,
    ('COMPLETED', 'PARTIALLY_REFUNDED', None): PAID,
    ('COMPLETED', 'REFUNDED', None): PAID,
    ('COMPLETED', 'DECLINED', None): REFUSED,
    ('COMPLETED', 'DENIED', None): Meaning('error', "DENIED", "DENIED"),
    ('COMPLETED', 'FAILED', None): Meaning('error', "FAILED", "FAILED"),
    ('VOIDED', None, None): CANCELED,
}
READINGS = {'stripe': STRIPE, 'paypal': PAYPAL}


def stripe_reading(tx, status, payment_status, intent_status, refusal):
    """Return what the gateway makes of Stripe's objects in these states."""
    common = {'currency': 'eur', 'metadata': {'odoo_reference': tx.reference}}
    session = {
        **common,
        'id': tx.provider_reference,
        'status': status,
        'payment_status': payment_status,
        'amount_total': 10000,
    }
    intent = {}
    if intent_status:
        intent = {**common, 'id': f'pi_{tx.id}', 'status': intent_status, 'amount': 10000}
        if intent_status == 'succeeded' or payment_status == 'paid':
            intent.update(
                amount_received=10000, latest_charge={'id': f'ch_{tx.id}', 'created': 1790000000}
            )
        if refusal:
            intent['last_payment_error'] = {'code': refusal}
    return stripe_payment.payment(session, intent)


def paypal_reading(tx, status, capture_status, reason):
    """Return what the gateway makes of PayPal's objects in these states."""
    money = {'currency_code': 'EUR', 'value': '100.00'}
    unit = {'amount': money, 'custom_id': tx.reference}
    if capture_status:
        capture = {
            'id': f'CAPTURE{tx.id}',
            'status': capture_status,
            'amount': money,
            'create_time': '2026-09-21T10:00:00Z',
            **({'status_details': {'reason': reason}} if reason else {}),
        }
        unit['payments'] = {'captures': [capture]}
    order = {'id': tx.provider_reference, 'status': status, 'purchase_units': [unit]}
    return paypal_payment.payment(order, test_mode=True)


def representatives(table):
    """Return the first and the last reading of each state: every pair of them is tried."""
    by_state = {}
    for reading, meaning in table.items():
        by_state.setdefault(meaning.tx, []).append(reading)
    return [one for same in by_state.values() for one in dict.fromkeys((same[0], same[-1]))]


def after(first, second):
    """Return the state that two readings leave behind, whatever their order of arrival says."""
    if 'done' in (first, second):
        return 'done'
    if second == 'pending' or first == 'draft':
        return second
    # Nothing new, or a checkout that ends after its payment was refused.
    if second == 'draft' or (first, second) == ('error', 'cancel'):
        return first
    return second


@tagged('post_install', '-at_install')
class TestPaymentStates(PayNowCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.connect()
        cls.connect_paypal()

    def checkouts(self, name, number):
        """Return so many checkouts of 100.00 each."""
        provider = self.provider if name == 'stripe' else self.paypal
        invoices = self.env['account.move'].union(
            *(self.make_invoice(100, post=False) for _number in range(number))
        )
        invoices.action_post()
        return [self.checkout(self.lines(one), provider=provider) for one in invoices]

    def find_out(self, name, readings):
        """Let each transaction be found in a state at its provider, all at once.

        :param list readings: pairs of a transaction and a key of the table.
        """
        gateway = self.gateway if name == 'stripe' else self.paypal_gateway
        make = stripe_reading if name == 'stripe' else paypal_reading
        for tx, reading in readings:
            gateway.payments[tx.provider_reference] = make(tx, *reading)
        self.env['payment.transaction'].sudo().union(
            *(tx for tx, _reading in readings)
        )._synchronize()

    def page(self, tx):
        """Return the text of the customer's page."""
        company = tx.company_id
        values = {
            'tx': tx,
            'company': company,
            'identity': company._pay_now_identity(),
            'failure': tx._pay_now_failure_label(),
            'color': '#000000',
            'text_color': '#ffffff',
            'html_lang': 'en-US',
            'html_dir': 'ltr',
            'refresh': False,
            'canceled': False,
            'back_url': False,
        }
        text = html.fromstring(
            self.env['ir.qweb']._render('account_pay_now.result_page', values)
        ).text_content()
        return ' '.join(text.replace('\N{NO-BREAK SPACE}', ' ').split())

    def test_each_state_has_its_label(self):
        for name, table in READINGS.items():
            txs = self.checkouts(name, len(table))
            before = {tx: tx.invoice_ids.message_ids for tx in txs}
            self.find_out(name, list(zip(txs, table, strict=True)))
            for tx, (reading, meaning) in zip(txs, table.items(), strict=True):
                with self.subTest(provider=name, reading=reading):
                    expected, _plus, kind = meaning.accountant.partition('+')
                    said = (tx.invoice_ids.message_ids - before[tx]).mapped('body')
                    self.assertEqual(tx.state, meaning.tx)
                    self.assertIn(meaning.customer, self.page(tx))
                    self.assertIn(expected, ' '.join(said))
                    self.assertEqual(bool(said), bool(expected))
                    self.assertEqual(
                        tx.pay_now_discrepancy_ids.mapped('kind'), [*filter(None, [kind])]
                    )
                    self.assertEqual(bool(tx.payment_id), meaning.tx == 'done')

    def test_every_state_after_every_other(self):
        """Whatever comes late, and comes again, what is best of both stays."""
        for name, table in READINGS.items():
            pairs = list(product(representatives(table), repeat=2))
            txs = self.checkouts(name, len(pairs))
            for number in (0, 1, 0):
                self.find_out(
                    name, [(tx, pair[number]) for tx, pair in zip(txs, pairs, strict=True)]
                )
                if number:
                    second = [tx.state for tx in txs]
            for tx, pair, then in zip(txs, pairs, second, strict=True):
                with self.subTest(provider=name, pair=pair):
                    first, last = (table[reading].tx for reading in pair)
                    self.assertEqual(then, after(first, last))
                    self.assertEqual(tx.state, after(then, first))
                    self.assert_booked_if_done(tx)

    def assert_booked_if_done(self, tx):
        """What is settled is booked, once, and stays so; nothing else is."""
        payments = self.env['account.payment'].search([('payment_transaction_id', '=', tx.id)])
        self.assertEqual(payments, tx.payment_id)
        self.assertEqual(len(payments), 1 if tx.state == 'done' else 0)
        self.assertEqual(tx.invoice_ids.payment_state, 'paid' if payments else 'not_paid')
        if payments:
            self.assertEqual(payments.move_id.state, 'posted')
            self.assertTrue(tx.pay_now_payment_ref)
            self.assertTrue(tx.pay_now_paid_at)
