# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import GatewayRefused
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.payment.test_recut import RecutCase


class EndingCase(RecutCase):
    """Checkouts that are open while what they are for comes to an end."""

    def end(self):
        """Let the scheduled action end what has ended."""
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_end').method_direct_trigger()
        self.env.invalidate_all()

    def pass_time(self, tx, minutes=60):
        tx.flush_recordset()
        tx.pay_now_end_at -= timedelta(minutes=minutes)

    def pay_by_bank(self, invoice, **values):
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create(values)._create_payments()

    def give_credit(self, invoice, amount):
        """Post a credit note, and match it with its invoice."""
        note = self.make_invoice(amount, move_type='out_refund')
        receivable = (note | invoice).line_ids.filtered(
            lambda line: line.account_id.account_type == 'asset_receivable'
        )
        receivable.reconcile()

    def pay_elsewhere(self, invoice):
        """A direct debit by another checkout of the same invoice is on its way."""
        other = (
            self.env['payment.transaction']
            .sudo()
            .create(
                {
                    'provider_id': self.provider.id,
                    'payment_method_id': self.provider._pay_now_default_method().id,
                    'amount': invoice.amount_residual,
                    'currency_id': invoice.currency_id.id,
                    'partner_id': self.customer.id,
                    'invoice_ids': [Command.set(invoice.ids)],
                    'reference': f'elsewhere-{invoice.id}',
                }
            )
        )
        other._set_pending()

    def assert_ended(self, tx, refusal):
        self.assertEqual((tx.state, tx.pay_now_refusal), ('cancel', refusal))
        self.assertEqual(tx.state_message, tx._pay_now_failure_label())
        self.assertIn(tx.provider_reference, self.gateway_of(tx.provider_id).closed)
        self.assertFalse(tx.pay_now_end_at)


@tagged('post_install', '-at_install')
class TestEnding(EndingCase):
    """What ended here is ended at the provider, in the background."""

    #: What happens to an invoice: its checkout ends, and why.
    WAYS = {
        'cancelled': ('items_changed', lambda self, move: self.cancel(move)),
        'reset to draft': ('items_changed', lambda self, move: move.button_draft()),
        'deleted': ('items_changed', lambda self, move: self.delete(move)),
        'paid by bank': ('items_changed', lambda self, move: self.pay_by_bank(move)),
        'paid in part': ('items_changed', lambda self, move: self.pay_by_bank(move, amount=40)),
        'credited': ('items_changed', lambda self, move: self.give_credit(move, 100)),
        'credited in part': ('items_changed', lambda self, move: self.give_credit(move, 30)),
        'another term': ('items_changed', lambda self, move: self.divide(move)),
        'another price': ('items_changed', lambda self, move: self.recut(move, price=90)),
        'another customer': ('items_changed', lambda self, move: self.give_to(self.stranger, move)),
        'another customer, posted': (
            'items_changed',
            lambda self, move: move.with_context(skip_readonly_check=True).write(
                {'partner_id': self.stranger.id}
            ),
        ),
        'blocked': ('not_payable', lambda self, move: move.action_toggle_block_payment()),
        'paid elsewhere': ('in_progress', lambda self, move: self.pay_elsewhere(move)),
        'link revoked': ('revoked', lambda self, move: move.action_pay_now_revoke_link()),
        'disconnected': (
            'disconnected',
            lambda self, _move: (self.provider | self.paypal).action_pay_now_disconnect(),
        ),
    }

    def cancel(self, move):
        move.button_draft()
        move.button_cancel()

    def delete(self, move):
        move.button_draft()
        move.with_context(force_delete=True).unlink()

    def start(self, invoice, provider):
        """Return the transaction of a checkout that was opened from the invoice's page."""
        invoice._pay_now_url()
        tx = invoice.sudo()._pay_now_start(set(self.lines(invoice).ids), provider.id)
        tx._pay_now_open()
        self.env.flush_all()
        return tx

    def no_network(self):
        """Let every question to a provider fail the test."""

        def gateway_of(provider, **_tried):
            raise AssertionError("A provider is asked in the middle of the user's work.")

        return patch.object(self.env.registry['payment.provider'], '_pay_now_gateway', gateway_of)

    # === EACH WAY === #

    def check_ways(self, provider):
        for name, (refusal, happen) in self.WAYS.items():
            with self.subTest(way=name):
                savepoint = self.env.cr.savepoint()
                self.gateway_of(provider).closed.clear()
                invoice, other = self.make_invoices([100, 100])
                tx, untouched = (self.start(one, provider) for one in (invoice, other))
                triggers = self.env['ir.cron.trigger'].search_count([])
                with self.no_network():
                    happen(self, invoice)
                    self.env.flush_all()
                self.assertEqual(tx.state, 'draft')
                self.assertGreater(self.env['ir.cron.trigger'].search_count([]), triggers)
                for _again in range(2):
                    self.end()
                    self.assert_ended(tx, refusal)
                closed = self.gateway_of(provider).closed
                self.assertEqual(closed.count(tx.provider_reference), 1)
                if name != 'disconnected':
                    self.assertEqual(untouched.state, 'draft')
                    self.assertNotIn(untouched.provider_reference, closed)
                savepoint.close(rollback=True)
                self.env.invalidate_all()

    def test_each_way_at_stripe(self):
        self.check_ways(self.provider)

    def test_each_way_at_paypal(self):
        self.check_ways(self.paypal)

    def test_approved_at_paypal_is_not_captured_afterwards(self):
        for name, (refusal, happen) in self.WAYS.items():
            with self.subTest(way=name):
                savepoint = self.env.cr.savepoint()
                tx = self.start(self.make_invoice(100), self.paypal)
                happen(self, tx.pay_now_item_ids.move_id)
                self.paypal_gateway.approve(tx)
                if name == 'disconnected':
                    self.end()
                    self.assertEqual(tx.state, 'done', "approved while nobody had told the payer")
                else:
                    tx._synchronize(payer_returned=True)
                    self.assertEqual((tx.state, tx.pay_now_refusal), ('cancel', refusal))
                    self.end()
                    self.assertFalse(self.paypal_gateway.captured)
                savepoint.close(rollback=True)
                self.env.invalidate_all()

    def test_what_stands_again_stays_open(self):
        tx = self.start(self.invoice, self.provider)
        self.invoice.button_draft()
        self.invoice.action_post()
        self.end()
        self.assertEqual(tx.state, 'draft')
        self.assertFalse(tx.pay_now_item_ids.changed_at)
        self.assertFalse(self.gateway.closed)

    def test_not_opened_yet(self):
        tx = self.invoice.sudo()
        tx._pay_now_url()
        tx = tx._pay_now_start(set(self.lines(self.invoice).ids), self.provider.id)
        self.invoice.action_pay_now_revoke_link()
        self.end()
        self.assertEqual((tx.state, tx.pay_now_refusal), ('cancel', 'revoked'))
        self.assertFalse(self.gateway.closed)

    def test_revoked_is_not_taken_up_again(self):
        tx = self.start(self.invoice, self.provider)
        self.invoice.action_pay_now_revoke_link()
        # The provider tells of a card that was declined before.
        self.gateway.set(tx.provider_reference, failure="No", failure_code='card_declined')
        tx._synchronize()
        self.assertEqual(tx.pay_now_refusal, 'revoked')
        again = self.start(self.invoice, self.provider)
        self.assertNotEqual(again, tx)
        self.end()
        self.assertEqual((tx.state, again.state), ('cancel', 'draft'))

    # === RACES AND FAILURES === #

    def test_paid_at_the_last_second(self):
        for state in (base.PAID, base.PENDING):
            with self.subTest(state=state):
                invoice = self.make_invoice(100)
                tx = self.start(invoice, self.provider)
                self.pay_by_bank(invoice)
                self.gateway.pay(tx, state=state)
                self.end()
                self.assertEqual(tx.state, 'done' if state == base.PAID else 'pending')
                if state == base.PAID:
                    self.assert_received(tx, credit=100)
                    self.assert_flagged(tx, surplus=100)

    def test_provider_down(self):
        tx, other = (self.start(self.make_invoice(100), self.provider) for _one in 'ab')
        (tx | other).pay_now_item_ids.move_id.button_draft()
        self.gateway.down = True
        waits = []
        for _attempt in range(7):
            self.end()
            self.assertEqual(tx.state, 'draft')
            self.assertEqual(tx.pay_now_end_error, "The provider does not answer.")
            waits.append(round((tx.pay_now_end_at - fields.Datetime.now()).total_seconds() / 60))
            self.end()
            self.assertEqual(tx.pay_now_end_attempts, len(waits), "not before its time")
            self.pass_time(tx)
        self.assertEqual(waits, [1, 2, 4, 8, 16, 30, 30])
        self.gateway.down = False
        self.pass_time(other)
        self.end()
        self.assert_ended(tx, 'items_changed')
        self.assert_ended(other, 'items_changed')
        self.assertFalse(tx.pay_now_end_error, "it came to its end")

    def test_stands_again_while_the_provider_is_down(self):
        """What is changed back is not ended, and a later end does not wait for former ones."""
        tx = self.start(self.invoice, self.provider)
        self.invoice.button_draft()
        self.gateway.down = True
        for _attempt in range(3):
            self.end()
            self.pass_time(tx)
        self.assertEqual(tx.pay_now_end_attempts, 3)
        self.invoice.action_post()
        self.gateway.down = False
        self.end()
        self.assertEqual((tx.state, tx.pay_now_end_attempts), ('draft', 0))
        self.assertFalse(tx.pay_now_end_at or tx.pay_now_end_error)

    def test_provider_down_is_not_waited_for_each_time(self):
        invoices = self.make_invoices([100] * 6)
        for invoice in invoices:
            self.start(invoice, self.provider)
        asked = []
        invoices.button_draft()
        self.gateway.down = True
        answer = self.gateway._answer
        with patch.object(self.gateway, '_answer', lambda: (asked.append(1), answer())):
            self.end()
        self.assertEqual(len(asked), 2)
        txs = invoices.sudo().pay_now_item_ids.transaction_id.sorted('id')
        self.assertEqual(txs.mapped('pay_now_end_attempts'), [1, 1, 0, 0, 0, 0])
        self.assertEqual(len(set(txs.mapped('pay_now_end_at'))), 1, "all are due again")

    def test_two_that_cannot_be_ended_keep_nobody_waiting(self):
        """The provider answers well: something is wrong with two payments, for ever."""
        invoices = self.make_invoices([100] * 4)
        txs = [self.start(invoice, self.provider) for invoice in invoices]
        bad, good = txs[:2], txs[2:]
        close = self.gateway.close_checkout

        def refuse(checkout_id):
            if checkout_id in [tx.provider_reference for tx in bad]:
                raise GatewayRefused("Not this one.", 'strange')
            return close(checkout_id)

        invoices.button_draft()
        with patch.object(self.gateway, 'close_checkout', refuse):
            for _round in range(2):
                self.end()
                for tx in txs:
                    if tx.pay_now_end_at:
                        self.pass_time(tx)
        for tx in good:
            self.assert_ended(tx, 'items_changed')
        self.assertEqual([tx.state for tx in bad], ['draft', 'draft'])

    def test_two_that_cannot_be_ended_before_the_keys_go(self):
        txs = [self.start(invoice, self.provider) for invoice in self.make_invoices([100] * 3)]
        # The newest comes first.
        close = self.gateway.close_checkout

        def refuse(checkout_id):
            if checkout_id == txs[-1].provider_reference:
                raise GatewayRefused("Not this one.", 'strange')
            return close(checkout_id)

        with patch.object(self.gateway, 'close_checkout', refuse):
            left = self.provider._pay_now_forget_keys()
        self.assertIn(txs[-1].reference, left)
        for tx in txs[:-1]:
            self.assert_ended(tx, 'disconnected')
            self.assertNotIn(tx.reference, left)

    def test_nothing_is_locked_that_people_write_while_the_provider_is_asked(self):
        tx = self.start(self.invoice, self.provider)
        self.invoice.button_draft()
        marks, close = [], self.gateway.close_checkout

        def look(checkout_id):
            self.env.cr.execute(
                'SELECT changed_at FROM pay_now_transaction_item WHERE transaction_id = %s',
                [tx.id],
            )
            marks.extend(self.env.cr.fetchall())
            return close(checkout_id)

        with patch.object(self.gateway, 'close_checkout', look):
            self.end()
        self.assertEqual(len(marks), 1)
        self.assertTrue(marks[0][0], "written, and locked, before the provider was asked")
        self.assert_ended(tx, 'items_changed')
        self.assertFalse(tx.pay_now_item_ids.changed_at)

    def test_refused_for_now(self):
        tx = self.start(self.invoice, self.provider)
        self.pay_by_bank(self.invoice)
        self.gateway.refused = GatewayRefused("Try again.", 'lock_timeout')
        self.end()
        self.assertEqual((tx.state, tx.pay_now_end_error), ('draft', "Try again."))
        self.gateway.refused = None
        self.pass_time(tx)
        self.end()
        self.assert_ended(tx, 'items_changed')

    def test_anything_that_fails_is_kept_and_leaves_the_others_alone(self):
        tx, other = (self.start(self.make_invoice(100), self.provider) for _one in 'ab')
        (tx | other).pay_now_item_ids.move_id.button_draft()
        close = self.gateway.close_checkout

        def fail(checkout_id):
            if checkout_id == tx.provider_reference:
                raise ValueError("Nobody thought of this.")
            return close(checkout_id)

        with (
            patch.object(self.gateway, 'close_checkout', fail),
            self.assertLogs('odoo.addons.account_pay_now', 'ERROR'),
        ):
            self.end()
        self.assertEqual((tx.state, tx.pay_now_end_error), ('draft', "Nobody thought of this."))
        self.assert_ended(other, 'items_changed')

    def test_what_is_locked_is_looked_at_later(self):
        tx = self.start(self.invoice, self.provider)
        self.invoice.button_draft()
        nothing = patch.object(
            self.env.registry['payment.transaction'], 'try_lock_for_update', lambda txs: txs[:0]
        )
        with nothing:
            self.end()
        self.assertEqual((tx.state, tx.pay_now_end_attempts), ('draft', 0))
        self.assertTrue(tx.pay_now_item_ids.changed_at)
        cron = self.env.ref('account_pay_now.ir_cron_end')
        calls = self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)])
        self.assertTrue(calls.filtered(lambda call: call.call_at > fields.Datetime.now()))
        self.end()
        self.assert_ended(tx, 'items_changed')

    def test_superseded_while_the_provider_is_down(self):
        """A checkout that could not be closed for another one is closed as soon as it can be."""
        tx = self.start(self.invoice, self.provider)
        self.gateway.down = True
        self.checkout(self.lines(self.invoice), provider=self.paypal)
        self.assertEqual((tx.state, tx.pay_now_refusal), ('draft', 'superseded'))
        self.gateway.down = False
        self.pass_time(tx)
        self.end()
        self.assert_ended(tx, 'superseded')

    # === SWEEP === #

    def test_sweep_finds_what_was_not_noted(self):
        for provider in (self.provider, self.paypal):
            with self.subTest(provider=provider.code):
                invoice = self.make_invoice(100)
                tx = self.start(invoice, provider)
                self.env.cr.execute(
                    "UPDATE account_move SET commercial_partner_id = %s WHERE id = %s",
                    (self.stranger.id, invoice.id),
                )
                self.env.invalidate_all()
                self.end()
                self.assertEqual(tx.state, 'draft')
                self.env['payment.transaction'].sudo()._pay_now_sweep_ended()
                self.end()
                self.assert_ended(tx, 'items_changed')

    # === KEYS === #

    def test_forget_keys(self):
        tx, paid = (self.start(self.make_invoice(100), self.provider) for _one in 'ab')
        self.gateway.pay(paid)
        self.assertFalse(self.provider._pay_now_forget_keys())
        self.assert_ended(tx, 'disconnected')
        self.assertEqual(paid.state, 'done', "booked with the keys that still worked")

    def test_forget_keys_of_a_provider_that_is_down(self):
        tx = self.start(self.invoice, self.provider)
        self.gateway.down = True
        self.assertIn(tx.reference, self.provider._pay_now_forget_keys())
        self.assertEqual(tx.state, 'draft')

    def test_change_keys(self):
        """Sessions belong to Stripe's account; orders to the application at PayPal."""
        session = self.start(self.invoice, self.provider)
        self.provider._pay_now_change_keys('sk_test_other')
        orders = [self.start(self.make_invoice(100), self.paypal) for _one in 'ab']
        self.paypal_gateway.approve(orders[1])
        self.paypal._pay_now_change_keys('client', 'renewed')
        self.assertEqual((session.state, orders[0].state), ('draft', 'draft'))
        self.paypal._pay_now_change_keys('other client', 'secret')
        self.assert_ended(orders[0], 'disconnected')
        self.assertEqual(orders[1].state, 'done', "approved before")

    # === COST === #

    def count(self, happen):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        happen()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_cost_for_invoices_that_nobody_pays(self):
        def counts():
            moves = self.make_invoices([100] * 5, post=False)
            return (
                self.count(moves.action_post),
                self.count(lambda: self.pay_by_bank(moves, group_payment=True)),
                self.count(moves[0].button_draft),
            )

        def fewest():
            # Whatever is read once, in one of the rounds, is not what is counted.
            return tuple(map(min, zip(*(counts() for _round in range(3)), strict=True)))

        noted = fewest()
        with patch.object(
            self.env.registry['account.move'], '_pay_now_note_change', lambda _moves: None
        ):
            plain = fewest()
        self.assertLessEqual(max(a - b for a, b in zip(noted, plain, strict=True)), 1, noted)


@tagged('post_install', '-at_install')
class TestEndingPages(EndingCase, ReminderCommon):
    """A revoked link takes along what was started from it, and nothing else."""

    def test_revoke_the_link_of_each_kind_of_page(self):
        self.company.pay_now_reminder_accounting = True
        self.customer.email = 'client@example.com'
        run = self.generate()
        self.send(run)
        user = self.env['res.users'].create(
            {
                'name': "Boulanger",
                'login': 'boulanger',
                'partner_id': self.customer.id,
                'group_ids': [Command.set(self.env.ref('base.group_portal').ids)],
            }
        )
        account = self.env['pay.now.account'].with_user(user)
        pages = [self.invoice, run.reminder_ids, account._pay_now_account_page_of(self.company)]
        for page in pages:
            with self.subTest(page=page._name):
                (page := page.sudo())._pay_now_url()
                tx = page._pay_now_start(set(self.lines(self.invoice).ids), self.provider.id)
                tx._pay_now_open()
                for other in pages:
                    if other != page:
                        other.sudo().action_pay_now_revoke_link()
                self.end()
                self.assertEqual(tx.state, 'draft')
                page.action_pay_now_revoke_link()
                self.end()
                self.assert_ended(tx, 'revoked')
