# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What a person undid is never done again by itself: each automatic match, and each entry."""

import ast
from pathlib import Path

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.dispute.test_dispute import DisputeCase

ROOT = Path(__file__).parent.parent
#: The doors through which everything is matched by itself.
DOORS = {'_pay_now_reconcile', '_reconcile_open', '_pay_now_match'}
#: Every method that matches by itself -> the situation in which a person undoes it. Whoever adds a
#: method adds its situation.
MATCHES = {
    'models/account_partial_reconcile.py:_pay_now_match_part': 'payment_again',
    'models/payment/payment_transaction_allocation.py:_pay_now_allocate': 'payment_again',
    'models/payment/payment_transaction_booking.py:_pay_now_book_payments_of': 'payment',
    'models/refund/payment_transaction_booking.py:_pay_now_match_refunds': 'refund_and_note',
    'models/refund/payment_transaction_booking.py:_pay_now_reverse_refunds': 'refund_returned',
    'models/provider/pay_now_provider_object_mixin.py:_reconcile_open': 'payout_listed',
    'models/payout/pay_now_payout.py:_reconcile_transfers': 'payout_failed',
    'models/payout/pay_now_payout.py:_reconcile_parts': 'payout_listed',
    'models/payout/pay_now_payout_by_age.py:_reconcile_by_age': 'payout_by_age',
    'models/payout/pay_now_payout.py:_match_with': 'payout_and_bank',
    'models/payout/pay_now_payout_bank.py:_book_exchange': 'payout_exchange',
    'models/transfer/account_bank_statement_line.py:_pay_now_match_items': 'transfer_and_bank',
    'models/payment/payment_transaction_allocation.py:_pay_now_take_back_discount': (
        'discount_taken_back'
    ),
    'models/dispute/pay_now_dispute.py:_reconcile_disputed': 'dispute_won',
    'models/dispute/pay_now_dispute.py:_reconcile_given_up': 'dispute_won',
    'models/dispute/pay_now_dispute.py:_book_loss': 'dispute_lost',
    'models/dispute/pay_now_dispute.py:_take_back_loss': 'dispute_not_lost',
}
#: Every entry made by itself -> the situation in which a person deletes it.
ENTRIES = {
    ('payment.transaction', 'payment_id'): 'entry_of_payment',
    ('payment.transaction', 'pay_now_commission_move_id'): 'entry_of_commission',
    ('payment.transaction', 'pay_now_discount_move_id'): 'entry_of_discount',
    ('payment.transaction', 'pay_now_reversal_move_id'): 'entry_of_returned_refund',
    ('pay.now.payout', 'move_id'): 'entry_of_payout',
    ('pay.now.payout', 'reversal_move_id'): 'entry_of_failed_payout',
    ('pay.now.movement', 'move_id'): 'entry_of_movement',
    ('pay.now.dispute', 'loss_move_id'): 'entry_of_loss',
}
#: Links to entries that are not made for the record by itself, and what they are.
OTHER_LINKS = {
    ('pay.now.interest', 'debit_move_id'): "made by a person, never by itself",
    ('pay.now.interest', 'move_id'): "the invoice that was late",
    ('pay.now.invoice.notice', 'move_id'): "the invoice that left",
    ('pay.now.plan.item', 'move_id'): "the invoice that is paid in parts",
    ('pay.now.transaction.item', 'move_id'): "the invoice that is paid",
    ('pay.now.undone', 'move_id'): "the memory itself",
    ('pay.now.undone', 'other_id'): "the memory itself",
}


def matching_methods():
    """Return the methods of the module that match by themselves, as `file:method`."""
    found = set()
    for path in sorted((ROOT / 'models').rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(one, ast.Call)
                and isinstance(one.func, ast.Attribute)
                and one.func.attr in DOORS
                for one in ast.walk(node)
            ):
                found.add(f'{path.relative_to(ROOT)}:{node.name}')
    return found


class UndoneCase(DisputeCase):
    """The situations, and everything that runs by itself."""

    def everything(self):
        """Let all that runs by itself run, twice, and invoices be posted again."""
        transactions = self.env['payment.transaction'].sudo().search([])
        for _again in range(2):
            transactions.sudo().pay_now_last_sync = False
            for tx in transactions.filtered(lambda one: one.operation != 'refund'):
                tx._synchronize()
                tx._post_process()
            self.sweep()
            self.sweep(self.paypal)
            for model in ('pay.now.payout', 'pay.now.dispute'):
                self.env[model].sudo().search([])._book_and_reconcile()
            self.env['pay.now.payout'].sudo()._cron_match_bank()
            transactions._pay_now_sweep_waiting()
            transactions._pay_now_settle_again()
            documents = transactions.pay_now_item_ids.move_id
            documents |= documents.reversal_move_ids
            documents = documents.filtered(lambda move: move.state == 'posted')
            documents.button_draft()
            documents.action_post()
            self.env.flush_all()
            self.env.invalidate_all()

    def partials(self, moves):
        items = moves.line_ids
        return items.matched_debit_ids | items.matched_credit_ids

    def pairs(self, moves):
        """Return what entries are matched with."""
        return {
            frozenset((one.debit_move_id.move_id, one.credit_move_id.move_id))
            for one in self.partials(moves)
        }

    def refund_of(self, amount=30):
        self.gateway.give_back(self.tx.provider_reference, str(amount))
        self.tx._synchronize()
        return self.tx.sudo()._pay_now_refunds()

    # === the situations: return the entry that a person takes apart === #

    def payment(self):
        return self.tx.payment_id.move_id

    def payment_again(self):
        self.invoice.button_draft()
        self.invoice.invoice_line_ids.price_unit = 310
        self.invoice.action_post()
        return self.tx.payment_id.move_id

    def refund_and_note(self):
        note = self.invoice._reverse_moves([{'invoice_date': fields.Date.today()}])
        note.invoice_line_ids.price_unit = 30
        note.action_post()
        return self.refund_of().payment_id.move_id

    def refund_returned(self):
        refund = self.refund_of()
        self.gateway.fail_refund(refund.pay_now_refund_ref)
        self.tx._synchronize()
        return refund.pay_now_reversal_move_id

    def payout_listed(self):
        self.gateway.pay_out('po_1', [self.gateway.movement_of(self.tx)])
        self.sweep()
        return self.payout('po_1').move_id

    def payout_by_age(self):
        self.gateway.movement_of(self.tx)
        self.gateway.pay_out('po_1', amount='295.40')
        self.sweep()
        return self.payout('po_1').move_id

    def payout_failed(self):
        move = self.payout_listed()
        self.gateway.fail_payout('po_1')
        self.sweep()
        return move & self.payout('po_1').move_id

    def payout_and_bank(self):
        self.payout_listed()
        line = self.bank_line(295.40)
        self.assertTrue(line.is_reconciled)
        return line.move_id

    def transfer_and_bank(self):
        items = self.lines(*self.make_invoices([40, 60]))
        level = self.env['pay.now.reminder.level'].search(
            [('company_id', '=', self.company.id)], limit=1
        )
        reminder = self.env['pay.now.reminder'].sudo()
        reminder = reminder.create(
            {
                'company_id': self.company.id,
                'partner_id': self.customer.id,
                'level_id': level.id,
                'item_ids': [Command.set(items.ids)],
            }
        )
        line = self.bank_line(100, reminder._pay_now_transfer_reference(items))
        self.assertTrue(line.is_reconciled)
        return line.move_id

    def payout_exchange(self):
        dollar = self.env.ref('base.USD')
        dollar.active = True
        dollar.rate_ids.unlink()
        self.env['res.currency.rate'].create(
            {'name': self.today, 'currency_id': dollar.id, 'rate': 1.2}
        )
        tx, line = self.pay_converted(300, net='323.40', fee='6.60')
        self.gateway.pay_out('po_usd', [line], currency='USD')
        self.sweep()
        tx.pay_now_discrepancy_ids.filtered('proposed_commission').action_book_commission()
        self.sweep()
        return self.exchange_entries()

    def exchange_entries(self):
        payout = self.payout('po_usd')
        domain = [('ref', '=', 'po_usd'), ('id', '!=', payout.move_id.id)]
        return self.env['account.move'].search(domain)

    def discount_taken_back(self):
        return self.entry_of_discount().pay_now_discount_move_id

    def dispute_won(self):
        self.dispute_at_provider(movements=self.moved((-300, 20)))
        self.sweep()
        self.change(state='won', movements=self.moved((-300, 20), (300, 0)))
        self.sweep()
        return self.dispute().movement_ids.move_id[:1]

    def dispute_lost(self):
        self.dispute_at_provider(movements=self.moved((-300, 20)))
        self.sweep()
        self.change(state='lost')
        self.sweep()
        return self.dispute().loss_move_id

    def dispute_not_lost(self):
        self.dispute_lost()
        self.change(state='won', movements=self.moved((-300, 20), (300, 0)))
        self.sweep()
        return self.dispute().movement_ids.move_id

    # === the entries: return the record whose entry a person deletes === #

    def entry_of_payment(self):
        return self.tx

    def entry_of_commission(self):
        return self.tx

    def entry_of_discount(self):
        term = self.env['account.payment.term'].create(
            {
                'name': "2 %",
                'early_discount': True,
                'discount_days': 7,
                'discount_percentage': 2,
                'early_pay_discount_computation': 'excluded',
                'line_ids': [Command.create({'value': 'percent', 'value_amount': 100})],
            }
        )
        values = {'invoice_date_due': False, 'invoice_payment_term_id': term.id}
        invoice = self.make_invoice(100, days_late=0, **values)
        tx = self.checkout(self.lines(invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        invoice.button_draft()
        invoice.invoice_line_ids.price_unit = 50
        invoice.action_post()
        tx.pay_now_discrepancy_ids.filtered(lambda one: one.kind == 'discount').action_reverse()
        return tx.sudo()

    def entry_of_returned_refund(self):
        self.refund_returned()
        return self.tx.sudo()._pay_now_refunds()

    def entry_of_payout(self):
        self.payout_listed()
        return self.payout('po_1')

    def entry_of_failed_payout(self):
        self.payout_failed()
        return self.payout('po_1')

    def entry_of_movement(self):
        self.dispute_at_provider(movements=self.moved((-300, 20)))
        self.sweep()
        return self.dispute().movement_ids

    def entry_of_loss(self):
        self.dispute_lost()
        return self.dispute()

    def delete(self, record, name):
        """A person deletes an entry, as Odoo lets them."""
        target = record.sudo()[name]
        move = target.move_id if name == 'payment_id' else target
        move.button_draft()
        (target if name == 'payment_id' else move).with_context(force_delete=True).unlink()


@tagged('post_install', '-at_install')
class TestUndone(UndoneCase):
    def in_savepoint(self, name, play):
        """Play something that is not there afterwards; say where it failed."""
        with self.subTest(name), self.env.cr.savepoint() as savepoint:
            gateways = dict(vars(self.gateway)), dict(vars(self.paypal_gateway))
            copies = [
                {
                    key: value.copy() if isinstance(value, dict | list) else value
                    for key, value in one.items()
                }
                for one in gateways
            ]
            try:
                play()
            finally:
                savepoint.rollback()
                self.env.invalidate_all()
                vars(self.gateway).update(copies[0])
                vars(self.paypal_gateway).update(copies[1])

    def test_every_match_has_its_situation(self):
        self.assertEqual(matching_methods(), set(MATCHES))

    def test_no_match_is_made_again(self):
        def play(situation):
            move = getattr(self, situation)()
            before = self.pairs(move)
            self.assertTrue(before, "something was matched by itself")
            if move.statement_line_id:
                move.statement_line_id.action_undo_reconciliation()
            else:
                self.partials(move).unlink()
            self.env.flush_all()
            self.everything()
            self.assertFalse(before & self.pairs(move), "as the person left it")

        for situation in dict.fromkeys(MATCHES.values()):
            self.in_savepoint(situation, lambda one=situation: play(one))

    def test_difference_of_rates_is_booked_once(self):
        """Whether a person takes it apart, or deletes it."""

        def play(deletes):
            move = self.payout_exchange()
            self.assertEqual(len(move), 1)
            if deletes:
                move.button_draft()
                move.with_context(force_delete=True).unlink()
            else:
                self.partials(move).unlink()
            self.env.flush_all()
            self.everything()
            self.assertEqual(self.exchange_entries(), move.exists())

        for deletes in (False, True):
            self.in_savepoint(f'deletes: {deletes}', lambda one=deletes: play(one))

    def test_every_entry_has_its_situation(self):
        named = {(model, name) for model, names in const.ENTRIES.items() for name in names}
        self.assertEqual(named, set(ENTRIES))
        links = {
            (model._name, field.name)
            for model in map(self.env.__getitem__, self.env.registry)
            if model._auto and not model._transient
            for field in model._fields.values()
            if field.type == 'many2one'
            and field.store
            and not field.related
            and field.comodel_name in ('account.move', 'account.payment')
            and 'account_pay_now' in field._modules
        }
        core = {('payment.transaction', 'payment_id')}
        self.assertEqual(links | core, named | set(OTHER_LINKS))

    def test_no_entry_is_made_again(self):
        def play(model, name, situation):
            record = getattr(self, situation)()
            self.assertEqual(record._name, model)
            self.delete(record, name)
            count = self.env['account.move'].search_count([('journal_id.type', '=', 'bank')])
            self.env.flush_all()
            self.everything()
            self.assertFalse(record.sudo()[name])
            after = self.env['account.move'].search_count([('journal_id.type', '=', 'bank')])
            self.assertEqual(after, count, "no entry more than the person left")

        for (model, name), situation in ENTRIES.items():
            self.in_savepoint(situation, lambda *args, key=(model, name, situation): play(*key))

    def test_a_person_has_it_made_again(self):
        payout = self.entry_of_payout()
        self.delete(payout, 'move_id')
        self.assertEqual(payout.pay_now_deleted, ['move_id'])
        payout.action_check()
        self.assertTrue(payout.move_id)
        self.assertFalse(payout.pay_now_deleted)
        self.assertEqual(self.clearing_balance(), 0)

    def test_an_invoice_that_is_changed_is_not_undone(self):
        self.invoice.button_draft()
        self.invoice.invoice_line_ids.price_unit = 290
        self.invoice.action_post()
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.assertFalse(self.env['pay.now.undone'].search([]))

    def test_what_others_match_is_not_remembered(self):
        invoice = self.make_invoice(50)
        wizard = self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        )
        wizard.create({'journal_id': self.bank.id}).action_create_payments()
        self.partials(invoice).unlink()
        self.assertFalse(self.env['pay.now.undone'].search([]))
