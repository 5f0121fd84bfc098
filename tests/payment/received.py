# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Books that refuse what a provider confirmed, for all kinds of reasons; and ways to hear of it."""

from contextlib import contextmanager
from datetime import datetime, timezone
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: Where the raw errors go.
BOOKS = 'odoo.addons.account_pay_now.models.provider.payment_provider_books'
#: What is in the way, each the end of a name of a method below, and what the accountant reads.
CAUSES = {
    'journal': "the journal %(journal)s is archived",
    'clearing': "the account %(clearing)s is archived",
    'receivable': "the account %(receivable)s is archived",
    'cash_basis': "the taxes are due on payment, and there is no active journal for that",
    'discount': "there is no active account for early payment discounts",
    'module': "The auditors have closed this month.",
    'database': "Odoo could not write the entry. Show this to your administrator",
}
#: What none but the log may say.
RAW = ("Failing row", "psycopg2", "auditors", "archived", "violates", "Traceback")


class ReceivedCase(PayNowCommon):
    """A company with taxes on payment and an early payment discount, at both providers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.connect_paypal()
        (cls.provider | cls.paypal).sudo().write(
            {'pay_now_webhook_url': 'https://example.com/pay_now'}
        )
        cls.journal_of_taxes = cls.env['account.journal'].create(
            {'name': "Taxes on payment", 'type': 'general', 'code': 'CBT'}
        )
        account = {'account_type': 'liability_current', 'reconcile': True}
        cls.waiting_account, cls.tax_account, cls.discount_account = cls.env[
            'account.account'
        ].create(
            [
                {'name': "VAT to come", 'code': '445800W', **account},
                {'name': "VAT due", 'code': '445710W', 'account_type': 'liability_current'},
                {'name': "Discounts", 'code': '665000W', 'account_type': 'expense'},
            ]
        )
        cls.company.write(
            {
                'tax_exigibility': True,
                'tax_cash_basis_journal_id': cls.journal_of_taxes.id,
                'account_journal_early_pay_discount_loss_account_id': cls.discount_account.id,
            }
        )
        part = {'repartition_type': 'tax', 'account_id': cls.tax_account.id}
        repartition = [Command.create({'repartition_type': 'base'}), Command.create(part)]
        cls.tax = cls.env['account.tax'].create(
            {
                'name': "20 % on payment",
                'amount': 20,
                'tax_exigibility': 'on_payment',
                'cash_basis_transition_account_id': cls.waiting_account.id,
                'invoice_repartition_line_ids': repartition,
                'refund_repartition_line_ids': repartition,
            }
        )
        cls.discount_term = cls.env['account.payment.term'].create(
            {
                'name': "2 % within a week",
                'early_discount': True,
                'discount_percentage': 2,
                'discount_days': 7,
                'early_pay_discount_computation': 'excluded',
                'line_ids': [Command.create({'value': 'percent', 'value_amount': 100})],
            }
        )

    # === what is paid === #

    def bill(self, cause):
        """Return the invoice of a case, of 120.00 or of 100.00 less 2.00."""
        if cause == 'cash_basis':
            line = {'name': "Bread", 'quantity': 1, 'price_unit': 100}
            lines = [Command.create({**line, 'tax_ids': [Command.set(self.tax.ids)]})]
            return self.make_invoice(invoice_line_ids=lines)
        if cause == 'discount':
            today = fields.Date.today()
            return self.make_invoice(
                invoice_payment_term_id=self.discount_term.id, invoice_date=today
            )
        return self.make_invoice(120)

    def balances(self, move):
        """Return the lines of an entry: account, debit, credit."""
        return sorted(
            (line.account_id.code, round(line.debit, 2), round(line.credit, 2))
            for line in move.line_ids
        )

    def expected(self, cause, provider):
        """Return the lines of the entry of the payment, once the books take it."""
        clearing = provider.pay_now_clearing_account_id.code
        receivable = self.customer.property_account_receivable_id.code
        if cause == 'discount':
            return sorted(
                [
                    (clearing, 98.0, 0.0),
                    (self.discount_account.code, 2.0, 0.0),
                    (receivable, 0.0, 100.0),
                ]
            )
        return sorted([(clearing, 120.0, 0.0), (receivable, 0.0, 120.0)])

    # === what is in the way === #

    @contextmanager
    def refusing(self, cause, provider):
        """Let the books refuse for a while."""
        with mute_logger(BOOKS, 'odoo.sql_db'), getattr(self, f'refuse_{cause}')(provider):
            yield

    @contextmanager
    def archived(self, record):
        record.active = False
        self.env.flush_all()
        try:
            yield
        finally:
            record.active = True

    def refuse_journal(self, provider):
        return self.archived(provider.journal_id)

    def refuse_clearing(self, provider):
        return self.archived(provider.pay_now_clearing_account_id)

    def refuse_receivable(self, _provider):
        return self.archived(self.customer.property_account_receivable_id)

    @contextmanager
    def missing(self, name):
        value = self.company[name]
        self.company[name] = False
        try:
            yield
        finally:
            self.company[name] = value

    def refuse_cash_basis(self, _provider):
        return self.missing('tax_cash_basis_journal_id')

    def refuse_discount(self, _provider):
        return self.missing('account_journal_early_pay_discount_loss_account_id')

    def refuse_module(self, _provider):
        return patch.object(
            type(self.env['account.move']),
            '_post',
            side_effect=UserError("The auditors have closed this month."),
        )

    def refuse_database(self, _provider):
        def create(payments, _vals_list):
            payments.env.cr.execute("UPDATE res_partner SET active = 'no such thing'")

        return patch.object(type(self.env['account.payment']), 'create', create)

    def refuse_busy(self, _provider):
        error = psycopg2.errors.LockNotAvailable("canceling statement due to lock timeout")
        return patch.object(type(self.env['account.payment']), 'create', side_effect=error)

    # === ways to hear of it === #

    def pay(self, invoice, provider):
        """The payer pays, or approves, at the provider; return the payment."""
        tx = self.checkout(self.lines(invoice), provider=provider)
        gateway = self.gateway_of(provider)
        if gateway.captures:
            gateway.approve(tx)
        else:
            gateway.pay(tx)
        return tx

    def hear_by_webhook(self, tx):
        event = base.Event(
            id=f'evt_{tx.id}',
            type='checkout.session.completed',
            created_at=datetime.now(timezone.utc),
            checkout_id=tx.provider_reference,
        )
        self.env['pay.now.event']._store(tx.provider_id, event, 'webhook', '{}')
        self.run_cron('ir_cron_events_1')
        stored = self.env['pay.now.event'].search([('event_ref', '=', event.id)])
        self.assertRecordValues(stored, [{'state': 'done', 'transaction_id': tx.id}])

    def hear_by_sweep(self, _tx):
        self.run_cron('ir_cron_sweep')

    def hear_by_return(self, tx):
        response = self.url_open(tx._pay_now_path('return'))
        self.assertEqual(response.status_code, 200)
        self.env.invalidate_all()
        return response

    def run_cron(self, name):
        cron = self.env.ref(name if '.' in name else f'account_pay_now.{name}')
        if type(self)._registry_patched:
            cron.method_direct_trigger()
        else:
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
        self.env.invalidate_all()
