# Part of Pay Now. See LICENSE file for full copyright and licensing details.
# Run in Odoo's shell by books.py, which sets WAY and SIZE. Nothing here is part of the module.
# ruff: noqa: F821
import json
import resource
import time
from datetime import datetime, timezone
from decimal import Decimal

from odoo import fields
from odoo.fields import Command
from odoo.tools import split_every

from odoo.addons.account_pay_now.gateways import base

# As many as one call of a scheduled action has in hand.
BATCH = 100
COMMISSION = 1.25

company = env.company
provider = company.pay_now_provider_ids.filtered(lambda one: one.pay_now_status == 'connected')
due = env['account.move.line'].search(
    [
        ('display_type', '=', 'payment_term'),
        ('parent_state', '=', 'posted'),
        ('move_type', '=', 'out_invoice'),
        ('reconciled', '=', False),
    ],
    limit=SIZE,
    order='id',
)


def transaction_values(provider, number, line):
    """Return the values of a transaction that the provider confirmed."""
    return {
        'provider_id': provider.id,
        'payment_method_id': env.ref('payment.payment_method_card').id,
        'reference': f'bench-{number}',
        'provider_reference': f'cs_{number}',
        'amount': line.amount_residual,
        'currency_id': line.currency_id.id,
        'partner_id': line.partner_id.id,
        'operation': 'online_redirect',
        'invoice_ids': [Command.set(line.move_id.ids)],
        'state': 'done',
        'last_state_change': fields.Datetime.now(),
    }


def our_transactions():
    """Return our transactions, paid and with their commissions known."""
    values = [
        {
            **transaction_values(provider, number, line),
            'pay_now_item_ids': [
                Command.create(item)
                for item in line._pay_now_snapshot({line: (line.amount_residual, 0.0)})
            ],
            'pay_now_received': line.amount_residual,
            'pay_now_payment_ref': f'pi_{number}',
            'pay_now_paid_at': fields.Datetime.now(),
            'pay_now_commission': COMMISSION,
            'pay_now_commission_date': fields.Datetime.now(),
            'pay_now_commission_state': 'known',
        }
        for number, line in enumerate(due)
    ]
    return [
        env['payment.transaction'].create(list(some)).ids for some in split_every(BATCH, values)
    ]


def stripe_transactions():
    """Return the transactions of Odoo's own Stripe module, paid."""
    stripe = env['payment.provider'].search(
        [('code', '=', 'stripe'), ('company_id', '=', company.id)], limit=1
    )
    stripe.write(
        {
            'stripe_publishable_key': 'pk_test',
            'stripe_secret_key': 'sk_test',
            'state': 'test',
        }
    )
    values = [transaction_values(stripe, number, line) for number, line in enumerate(due)]
    return [
        env['payment.transaction'].create(list(some)).ids for some in split_every(BATCH, values)
    ]


def floor_lines():
    return [lines.ids for lines in (due[i : i + BATCH] for i in range(0, len(due), BATCH))]


def floor(ids):
    """The least: a batch of payments, one reconciliation, a batch of commission entries."""
    lines = env['account.move.line'].browse(ids)
    journal = provider.journal_id
    method_line = provider._pay_now_method_line()
    payments = env['account.payment'].create(
        [
            {
                'amount': line.amount_residual,
                'payment_type': 'inbound',
                'partner_type': 'customer',
                'partner_id': line.partner_id.id,
                'journal_id': journal.id,
                'payment_method_line_id': method_line.id,
                'memo': line.move_name,
                'invoice_ids': [Command.set(line.move_id.ids)],
                'destination_account_id': line.account_id.id,
            }
            for line in lines
        ]
    )
    payments.action_post()
    plan = []
    for line, payment in zip(lines, payments, strict=True):
        items = payment.move_id.line_ids
        plan.append(line | items.filtered(lambda one, own=line.account_id: one.account_id == own))
    env['account.move.line']._reconcile_plan(plan)
    signs = (
        (provider.pay_now_commission_account_id, 1),
        (provider.pay_now_clearing_account_id, -1),
    )
    fees = env['account.move'].create(
        [
            {
                'move_type': 'entry',
                'journal_id': journal.id,
                'ref': line.move_name,
                'line_ids': [
                    Command.create(
                        {
                            'account_id': account.id,
                            'balance': sign * COMMISSION,
                            'name': "Commission",
                        }
                    )
                    for account, sign in signs
                ],
            }
            for line in lines
        ]
    )
    fees._post(soft=False)


def ours(ids):
    """As the scheduled action does it once the provider was asked."""
    env['payment.transaction'].browse(ids)._post_process()


def odoo(ids):
    """As Odoo's scheduled action does it: one by one."""
    for tx in env['payment.transaction'].browse(ids):
        tx._post_process()
        env.cr.commit()


class Payouts:
    """What a gateway answers about one payout of all payments."""

    def __init__(self):
        now = datetime.now(timezone.utc)
        fee = Decimal(str(COMMISSION))
        self.lines = [
            base.Movement(
                id=f'txn_{number}',
                kind='payment',
                type='charge',
                amount=Decimal(str(line.balance)),
                fee=fee,
                net=Decimal(str(line.balance)) - fee,
                currency=company.currency_id.name,
                created_at=now,
                source_id=f'ch_{number}',
                charge_id=f'ch_{number}',
                payment_id=f'pi_{number}',
                reference=f'bench-{number}',
            )
            for number, line in enumerate(due)
        ]
        self.payout = base.Payout(
            id='po_bench_2026',
            state='paid',
            amount=sum(line.net for line in self.lines),
            currency=company.currency_id.name,
            created_at=now,
            movement_id='txn_po',
            listed=True,
            complete=True,
        )

    def fetch_payout(self, _ref):
        return self.payout

    def payout_lines(self, _ref):
        return iter(self.lines)


def booked_payments():
    """Return the gateway that tells of the payout, after all its payments were booked."""
    for ids in our_transactions():
        ours(ids)
        env.cr.commit()
        env.invalidate_all()
    return [Payouts()]


def payout(gateway):
    """A payout is read, stored, booked, reconciled, and met by the line of the bank."""
    cls = env.registry['payment.provider']
    cls._pay_now_gateway = lambda _provider, **_tried: gateway
    Payout = env['pay.now.payout'].sudo()
    record = Payout._synchronize(provider.sudo(), [gateway.payout.id])
    assert record.settled, record.problem
    journal = env['account.journal'].search(
        [('type', '=', 'bank'), ('id', '!=', provider.journal_id.id)]
        + [('company_id', '=', company.id)],
        limit=1,
    )
    line = env['account.bank.statement.line'].create(
        {
            'journal_id': journal.id,
            'amount': record.amount,
            'payment_ref': f'STRIPE {gateway.payout.id}',
            'date': fields.Date.today(),
        }
    )
    assert line.is_reconciled, "the bank's line is not matched"


def check():
    """Everything is paid, and nothing else was booked."""
    env.invalidate_all()
    assert not due.filtered(lambda line: not line.reconciled), "not all invoices are paid"
    if WAY in ('ours', 'payout'):
        balance = sum(
            env['account.move.line']
            .search([('account_id', '=', provider.pay_now_clearing_account_id.id)])
            .mapped('balance')
        )
        expected = sum(due.move_id.mapped('amount_total')) - len(due) * COMMISSION
        if WAY == 'payout':
            expected = 0.0
        assert not company.currency_id.compare_amounts(balance, expected), (balance, expected)


assert len(due) == SIZE, (len(due), SIZE)
prepare, book = {
    'floor': (floor_lines, floor),
    'ours': (our_transactions, ours),
    'odoo': (stripe_transactions, odoo),
    'payout': (booked_payments, payout),
}[WAY]
batches = prepare()
env.cr.commit()
# What caches hold is the same for all ways: the first batch is not counted where there are more.
warm, counted = (batches[:1], batches[1:]) if len(batches) > 1 else ([], batches)
env.invalidate_all()
for ids in warm:
    book(ids)
    env.cr.commit()
    env.invalidate_all()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
queries, started, cpu = env.cr.sql_log_count, time.perf_counter(), time.process_time()
for ids in counted:
    book(ids)
    env.cr.commit()
    env.invalidate_all()
seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
count = SIZE if WAY == 'payout' else sum(map(len, counted))
queries = env.cr.sql_log_count - queries
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
check()
print(
    'measured '
    + json.dumps(
        {
            'ms': seconds * 1000 / count,
            'cpu': cpu * 1000 / count,
            'queries': queries / count,
            'kb': (peak - memory) / count,
            'peak': peak / 1024,
        }
    )
)
