# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from contextlib import ExitStack
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayAuthError,
    GatewayNotFound,
    GatewayUnavailable,
)
from odoo.addons.account_pay_now.tests.mail_watch import MailWatch
from odoo.addons.account_pay_now.tests.prepared import PreparedCase
from odoo.addons.mail.tests.common import MockEmail


class ScriptedGateway:
    """A gateway without a network: the test sets what it answers, and sees what it was asked."""

    def __init__(self, captures=False):
        #: As PayPal: the payer approves, and the money moves by `capture` only.
        self.captures = captures
        self.captured = []
        self.capture_error = None
        self.account = base.Account(
            id='acct_test',
            name="Test account",
            email='merchant@example.com',
            country='FR',
            currency='EUR',
            test_mode=True,
            can_charge=True,
            can_pay_out=True,
        )
        self.refused = None
        self.down = False
        self.payments = {}
        #: What was asked for: key -> refund id; and what goes wrong then.
        self.refund_keys = {}
        self.refund_calls = []
        self.refund_error = None
        self.refund_answer_lost = False
        #: State of new refunds, and whether the money has left while they are pending.
        self.refund_state = 'paid'
        self.refund_fee = '0'
        self.requests = []
        self.closed = []
        self.webhooks = {}
        #: How often one was registered, and why none is any more.
        self.registered = 0
        self.webhook_error = None
        self.removed = []
        self.events = []
        self.payouts = {}
        self.lines = {}
        self.movements = []
        self.disputes = {}
        self.held = Decimal(0)

    def _answer(self):
        if self.down:
            raise GatewayUnavailable("The provider does not answer.")
        if self.refused:
            raise self.refused

    def check_account(self, currency=''):
        self._answer()
        return self.account

    def find_webhook(self, url):
        self._answer()
        return self.webhooks.get(url)

    def register_webhook(self, url):
        self._answer()
        if self.webhook_error:
            raise self.webhook_error
        self.registered += 1
        mark = f'_{self.registered}' if self.registered > 1 else ''
        self.webhooks[url] = base.Webhook(id=f'we_test{mark}', url=url, secret=f'whsec_test{mark}')
        return self.webhooks[url]

    def remove_webhook(self, webhook_id):
        self.removed.append(webhook_id)
        self._answer()
        self.webhooks = {
            url: webhook for url, webhook in self.webhooks.items() if webhook.id != webhook_id
        }

    def open_checkout(self, request, idempotency_key):
        self._answer()
        checkout_id = f'cs_{request.reference}'
        if not any(key == idempotency_key for key, _request in self.requests):
            self.requests.append((idempotency_key, request))
            self.payments[checkout_id] = base.Payment(
                checkout_id=checkout_id,
                state=base.OPEN,
                reference=request.reference,
                amount=request.amount,
                currency=request.currency,
            )
        return base.Checkout(
            id=checkout_id,
            url=f'http://127.0.0.1/checkout?token={checkout_id}',
            expires_at=request.expires_at,
        )

    def close_checkout(self, checkout_id):
        self._answer()
        if self.payments[checkout_id].state not in (base.OPEN, base.APPROVED):
            return False
        if not self.captures:
            self.set(checkout_id, state=base.CANCELED)
        self.closed.append(checkout_id)
        return True

    def fetch_payment(self, checkout_id='', payment_id=''):
        self._answer()
        if checkout_id not in self.payments:
            raise GatewayNotFound("No such payment.")
        return self.payments[checkout_id]

    def capture(self, checkout_id, idempotency_key):
        self._answer()
        self.captured.append((checkout_id, idempotency_key))
        if self.capture_error:
            raise self.capture_error
        if self.payments[checkout_id].state == base.APPROVED:
            self.receive(checkout_id)
        return self.payments[checkout_id]

    def refund(self, payment, amount, idempotency_key):
        self._answer()
        self.refund_calls.append((payment.payment_id, amount, idempotency_key))
        if self.refund_error:
            raise self.refund_error
        if idempotency_key not in self.refund_keys:
            self.refund_keys[idempotency_key] = self.give_back(
                payment.checkout_id, amount, reference=idempotency_key
            )
        if self.refund_answer_lost:
            raise GatewayUnavailable("No answer.")
        return self.refunded(self.refund_keys[idempotency_key])

    def list_events(self, since):
        self._answer()
        return iter(self.events)

    def balance(self):
        self._answer()
        return base.Balance(available=(('EUR', self.held),))

    def list_payouts(self, since):
        self._answer()
        return iter([one for one in self.payouts.values() if one.created_at >= since])

    def fetch_payout(self, payout_id):
        self._answer()
        if payout_id not in self.payouts:
            raise GatewayNotFound("No such payout.")
        return self.payouts[payout_id]

    def payout_lines(self, payout_id):
        self._answer()
        return iter(self.lines.get(payout_id, ()))

    def list_movements(self, since):
        self._answer()
        return iter([one for one in self.movements if one.created_at >= since])

    def list_disputes(self, since):
        self._answer()
        return iter(self.disputes.values())

    def fetch_dispute(self, dispute_id):
        self._answer()
        if dispute_id not in self.disputes:
            raise GatewayNotFound("No such dispute.")
        return self.disputes[dispute_id]

    # === what the test does at the provider === #

    def move(self, movement_id, net, kind='other', fee=0, **values):
        """The balance moves; return the movement."""
        net, fee = Decimal(str(net)), Decimal(str(fee))
        line = base.Movement(
            id=movement_id,
            kind=kind,
            type=values.pop('type', kind),
            amount=net + fee,
            fee=fee,
            net=net,
            currency=values.pop('currency', 'EUR'),
            created_at=values.pop('created_at', datetime.now(timezone.utc)),
            **values,
        )
        self.movements.append(line)
        self.held += net
        return line

    def movement_of(self, tx):
        """The movement of a payment that was received."""
        payment = self.payments[tx.provider_reference]
        return self.move(
            payment.movement_id,
            payment.net,
            'payment',
            payment.commission,
            source_id=payment.charge_id,
            charge_id=payment.charge_id,
            payment_id=payment.payment_id,
            reference=payment.reference,
        )

    def pay_out(self, payout_id, lines=(), amount=None, **values):
        """The provider transfers money to the bank; return the payout."""
        amount = sum(line.net for line in lines) if amount is None else Decimal(str(amount))
        payout = base.Payout(
            **{
                'id': payout_id,
                'state': 'paid',
                'amount': amount,
                'currency': 'EUR',
                'created_at': datetime.now(timezone.utc),
                'movement_id': f'txn_{payout_id}',
                'listed': bool(lines),
                'complete': bool(lines),
                **values,
            }
        )
        self.payouts[payout_id] = payout
        self.lines[payout_id] = list(lines)
        self.move(payout.movement_id, -amount, 'payout', source_id=payout_id)
        return payout

    def fail_payout(self, payout_id):
        """The bank sends a payout back; return the movement of its money."""
        payout = self.payouts[payout_id]
        line = self.move(
            f'txn_back_{payout_id}', payout.amount, 'payout_failure', source_id=payout_id
        )
        self.payouts[payout_id] = replace(
            payout, state='failed', failure="Account closed", failure_movement_id=line.id
        )
        return line

    def set(self, checkout_id, **values):
        """Change a payment at the provider."""
        self.payments[checkout_id] = replace(self.payments[checkout_id], **values)

    def give_back(self, checkout_id, amount, **values):
        """A refund is made, at the dashboard or by the API.

        :return: its id.
        """
        payment = self.payments[checkout_id]
        now = datetime.now(timezone.utc)
        number = sum(len(one.refunds) for one in self.payments.values()) + 1
        state = values.get('state', self.refund_state)
        refund = base.Refund(
            **{
                'id': f're_{number}',
                'amount': Decimal(amount),
                'currency': payment.currency,
                'state': state,
                'created_at': now,
                'moved_at': now if state == 'paid' else None,
                'commission': Decimal(self.refund_fee) if state == 'paid' else None,
                'settlement_currency': payment.currency,
                'movement_id': f'txn_re_{number}',
                **values,
            }
        )
        self.set(checkout_id, refunds=(*payment.refunds, refund))
        return refund.id

    def refunded(self, refund_id):
        """Return a refund by its id."""
        refunds = [one for payment in self.payments.values() for one in payment.refunds]
        return next(one for one in refunds if one.id == refund_id)

    def set_refund(self, refund_id, **values):
        """Change a refund at the provider."""
        for checkout_id, payment in self.payments.items():
            refunds = [
                replace(one, **values) if one.id == refund_id else one for one in payment.refunds
            ]
            self.set(checkout_id, refunds=tuple(refunds))

    def fail_refund(self, refund_id, reason='lost_or_stolen_card', **values):
        """A refund comes back."""
        back = {'returned_at': datetime.now(timezone.utc), **values}
        self.set_refund(refund_id, state='failed', reason=reason, **back)

    def balance_of(self):
        """Return what the provider owes, by its own movements."""
        total = Decimal(0)
        for payment in self.payments.values():
            if payment.state == base.PAID:
                total += payment.amount - (payment.commission or 0)
            for refund in payment.refunds:
                if refund.moved_at:
                    total -= refund.amount + (refund.commission or 0)
                if refund.moved_at and refund.returned_at:
                    total += refund.amount - refund.returned_commission
        return float(total)

    def approve(self, tx):
        """The payer approves at a provider that captures."""
        self.set(tx.provider_reference, state=base.APPROVED)

    def pay(self, tx, **values):
        """The payer pays: at once, and with the commission known unless it is None."""
        self.receive(tx.provider_reference, **values)

    def receive(self, checkout_id, commission='4.75', paid_at=None, **values):
        """The money of a checkout arrives."""
        payment = self.payments[checkout_id]
        paid_at = paid_at or datetime.now(timezone.utc)
        self.set(
            checkout_id,
            **{
                'state': base.PAID,
                'payment_id': f'pi_{checkout_id}',
                'charge_id': f'ch_{checkout_id}',
                'method': 'paypal' if self.captures else 'card',
                'paid_at': paid_at,
                'settlement_currency': payment.currency,
                'commission': commission and Decimal(commission),
                'net': commission and payment.amount - Decimal(commission),
                'commission_at': commission and paid_at,
                'movement_id': commission and f'txn_{checkout_id}',
                **values,
            },
        )


@tagged('post_install', '-at_install')
class PayNowCommon(PreparedCase):
    """A French company, signed up and connected to a scripted Stripe."""

    gateway_class = ScriptedGateway

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.company.write({'email': 'billing@example.com', 'name': "Fournil SARL"})
        cls.company.partner_id.tz = 'Europe/Paris'
        # Whatever day and hour the tests run at.
        cls.company.write(
            {'pay_now_working_days': False, 'pay_now_hour_from': 0, 'pay_now_hour_to': 24}
        )
        cls.gateway = cls.current_gateway = cls.gateway_class()
        cls.paypal_gateway = cls.current_paypal_gateway = cls.gateway_class(captures=True)
        cls.provider, cls.paypal = (
            cls.env['payment.provider'].search(
                [('code', '=', code), ('company_id', '=', cls.company.id)]
            )
            for code in ('pay_now_stripe', 'pay_now_paypal')
        )
        cls.class_patcher = patch.object(
            cls.env.registry['payment.provider'],
            '_pay_now_gateway',
            lambda self, **tried: cls.gateway_of(self),
        )
        cls.startClassPatcher(cls.class_patcher)
        cls.mail_watch = MailWatch(cls.env.registry)
        for patcher in cls.mail_watch.patchers():
            cls.startClassPatcher(patcher)
        cls.mail_server = cls.env['ir.mail_server'].create(
            {'name': "Mail server", 'smtp_host': 'smtp.example.com'}
        )
        cls.customer = cls.env['res.partner'].create(
            {'name': "Boulanger", 'email': 'client@example.com', 'lang': 'en_US'}
        )
        cls.term = cls.env['account.payment.term'].create(
            {
                'name': "30 % now, the rest later",
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': 30, 'nb_days': 0}),
                    Command.create({'value': 'percent', 'value_amount': 70, 'nb_days': 30}),
                ],
            }
        )

    def setUp(self):
        super().setUp()
        # What one test does at the provider is not there in the next one.
        cls = type(self)
        self.gateway = cls.current_gateway = deepcopy(cls.gateway)
        self.paypal_gateway = cls.current_paypal_gateway = deepcopy(cls.paypal_gateway)
        self.mail_watch.begin()
        self.addCleanup(self.assert_mails)
        self.addCleanup(self.assert_none_tried_in_vain)

    def assert_mails(self):
        """Each mail of ours that left went to its customer (see `mail_watch`)."""
        self.assertFalse(self.mail_watch.wrong)

    def assert_none_tried_in_vain(self):
        """Whatever happened: what is to be tried again has something left to book."""
        waiting = self.env['payment.transaction'].sudo().search([('pay_now_book_at', '!=', False)])
        in_vain = waiting.filtered(lambda tx: not tx._pay_now_is_to_book())
        self.assertFalse(in_vain.mapped('reference'))

    @classmethod
    def gateway_of(cls, provider):
        """Return the scripted gateway of a provider record."""
        return (
            cls.current_paypal_gateway
            if provider.code == 'pay_now_paypal'
            else (cls.current_gateway)
        )

    @classmethod
    def make_branch(cls):
        """Return a branch of the company, which the user may work in."""
        branch = cls.env['res.company'].create(
            {'name': "Fournil Lyon", 'parent_id': cls.company.id, 'email': 'lyon@example.com'}
        )
        # Core gives a branch its accounts at the end of the transaction, and the country of the
        # chart, whatever its company's is.
        cls.env.cr.precommit.run()
        branch.account_fiscal_country_id = cls.company.account_fiscal_country_id
        cls.env.user.company_ids |= branch
        return branch

    @classmethod
    def sign_up(cls, application='accounting'):
        """Steps 1 and 2."""
        cls.company.pay_now_sage_customer_code = 'FR-123'
        cls.company._pay_now_sign_up('admin@example.com', application)

    @classmethod
    def connect(cls):
        """Steps 1 to 3, in the sandbox: nobody's money."""
        cls.sign_up()
        cls.provider.sudo().pay_now_api_base = 'http://127.0.0.1:1'
        cls.provider._pay_now_connect('sk_test_key')

    @classmethod
    def connect_paypal(cls):
        """Step 3 once more, beside Stripe."""
        cls.paypal.sudo().pay_now_api_base = 'http://127.0.0.1:1'
        cls.paypal._pay_now_connect('client', 'secret')

    @classmethod
    def make_invoice(cls, amount=100.0, partner=None, days_late=10, post=True, **values):
        """Return an invoice of `amount`, without tax, due `days_late` days ago."""
        return cls.make_invoices([amount], partner, days_late, post, **values)

    @classmethod
    def make_invoices(cls, amounts, partner=None, days_late=10, post=True, **values):
        """Return an invoice of each of the amounts, all made at once; see `make_invoice`."""
        due = fields.Date.today() - timedelta(days=days_late)
        line = {'name': "Bread", 'quantity': 1, 'tax_ids': []}
        invoices = cls.env['account.move'].create(
            [
                {
                    'move_type': 'out_invoice',
                    'partner_id': (partner or cls.customer).id,
                    'invoice_date': due,
                    'invoice_date_due': due,
                    'invoice_payment_term_id': False,
                    'invoice_line_ids': [Command.create({**line, 'price_unit': amount})],
                    **values,
                }
                for amount in amounts
            ]
        )
        if post:
            invoices.action_post()
        return invoices

    @classmethod
    def lines(cls, *invoices):
        """Return the open items of invoices, oldest first."""
        return cls.env['account.move.line'].union(*(i._pay_now_open_lines() for i in invoices))

    @classmethod
    def checkout(cls, lines, partner=None, provider=None):
        """Return the transaction of a checkout that is open at the provider."""
        tx = (
            cls.env['payment.transaction']
            .sudo()
            ._pay_now_create(provider or cls.provider, partner or cls.customer, lines)
        )
        tx._pay_now_open()
        return tx

    def clearing_balance(self, provider=None):
        """Return the balance of a provider's clearing account, Stripe's by default."""
        account = (provider or self.provider).pay_now_clearing_account_id
        return sum(
            self.env['account.move.line']
            .search([('account_id', '=', account.id), ('parent_state', '=', 'posted')])
            .mapped('balance')
        )

    def auth_error(self):
        """Return the error a refused key gives."""
        return GatewayAuthError("Invalid API Key provided: sk_test_***")


class ReminderCommon(PayNowCommon, MockEmail):
    """Reminders generated as a person does it, and sent as the scheduled action does it."""

    def generate(self, **values):
        """Return the run that the wizard makes."""
        wizard = self.env['pay.now.generate.reminders'].create(values)
        action = wizard.action_generate()
        return self.env['pay.now.reminder.run'].browse(action['res_id'])

    def send(self, run):
        """Send a run and return what the mail server got."""
        run.action_send()
        return self.leave_now()

    def leave_now(self):
        """Let the scheduled action send what waits, and return what the mail server got."""
        with ExitStack() as stack:
            stack.enter_context(self.mock_mail_gateway())
            if not type(self)._registry_patched:
                stack.enter_context(self.enter_registry_test_mode())
            self.env.ref('account_pay_now.ir_cron_reminders_send').method_direct_trigger()
            self.env.invalidate_all()
            return list(self._mails)
