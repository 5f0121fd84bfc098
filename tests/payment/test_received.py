# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, JsonRpcException, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.payment.received import (
    BOOKS,
    CAUSES,
    RAW,
    ReceivedCase,
)

PAYMENT = 'odoo.addons.account_pay_now.models.payment.payment_transaction'


@tagged('post_install', '-at_install')
class TestReceived(ReceivedCase, HttpCase):
    """What a provider confirmed is kept, whatever the books say to it; and booked exactly once."""

    def assert_received(self, tx, cause, invoice):
        """The money is received, nothing is booked, and nobody asks for it once more."""
        self.assertRecordValues(
            tx, [{'state': 'done', 'pay_now_booking_state': 'received', 'payment_id': False}]
        )
        names = {
            'journal': tx.provider_id.journal_id.display_name,
            'clearing': self.called(tx.provider_id.pay_now_clearing_account_id),
            'receivable': self.called(self.customer.property_account_receivable_id),
        }
        (found,) = tx.pay_now_discrepancy_ids
        self.assertEqual(found.state, 'open')
        self.assertIn(CAUSES[cause] % names, found.message)
        self.assertNotIn("Failing row", found.message)
        self.assertEqual(invoice._pay_now_open_lines()._pay_now_holds(), self.held(invoice))
        self.assertEqual(invoice._pay_now_refusals('page'), {invoice: 'in_progress'})
        self.assertEqual(invoice._pay_now_refusals('reminder'), {invoice: 'in_progress'})
        self.assertFalse(invoice._has_to_be_paid())
        self.assertEqual(tx.pay_now_receipt_state, 'waiting')

    def called(self, account):
        return f'{account.code} {account.name}'

    def held(self, invoice):
        return dict.fromkeys(invoice._pay_now_open_lines(), 'in_progress')

    def assert_booked(self, tx, cause, invoice):
        """The entries are there, once, and nothing is left to handle."""
        self.assertEqual(tx.pay_now_booking_state, 'booked')
        payments = self.env['account.payment'].search([('payment_transaction_id', '=', tx.id)])
        self.assertEqual(payments, tx.payment_id)
        self.assertEqual(
            self.balances(payments.move_id), self.expected(cause, tx.provider_id), cause
        )
        self.assertEqual(
            self.balances(tx.pay_now_commission_move_id),
            sorted(
                [
                    (tx.provider_id.pay_now_commission_account_id.code, 4.75, 0.0),
                    (tx.provider_id.pay_now_clearing_account_id.code, 0.0, 4.75),
                ]
            ),
        )
        self.assertEqual(invoice.payment_state, 'paid')
        if cause == 'cash_basis':
            (taxes,) = invoice.tax_cash_basis_created_move_ids
            self.assertIn((self.tax_account.code, 0.0, 20.0), self.balances(taxes))
            self.assertIn((self.waiting_account.code, 20.0, 0.0), self.balances(taxes))
        self.assertEqual(set(tx.pay_now_discrepancy_ids.mapped('state')), {'done'})
        self.assertFalse(tx.pay_now_book_at)

    def check(self, cause, provider, way):
        """One cell of the table: refused, heard of twice, mended, booked by itself."""
        invoice = self.bill(cause)
        tx = self.pay(invoice, provider)
        with self.refusing(cause, provider):
            answer = getattr(self, f'hear_by_{way}')(tx)
            self.assert_received(tx, cause, invoice)
            if answer:
                self.assertIn("Payment received, thank you", answer.text)
                self.assertFalse([raw for raw in RAW if raw in answer.text])
            # Told once, and still received, however often it is heard of.
            tx._synchronize()
            self.assert_received(tx, cause, invoice)
        tx.sudo().pay_now_book_at = fields.Datetime.now() - timedelta(minutes=1)
        self.run_cron('ir_cron_book')
        self.assert_booked(tx, cause, invoice)
        tx._synchronize()
        self.run_cron('ir_cron_book')
        self.assert_booked(tx, cause, invoice)

    def check_table(self, way):
        for cause in CAUSES:
            for provider in self.provider | self.paypal:
                with self.subTest(cause=cause, provider=provider.code, way=way):
                    self.check(cause, provider, way)

    def test_heard_of_by_webhook(self):
        self.check_table('webhook')

    def test_heard_of_by_return(self):
        self.check_table('return')

    def test_heard_of_by_sweep(self):
        self.check_table('sweep')


@tagged('post_install', '-at_install')
class TestReceivedOnly(ReceivedCase, HttpCase):
    """What becomes of a payment between received and booked."""

    def received(self, cause='journal', provider=None):
        """Return a payment that the books refuse, its invoice, and what ends the refusal."""
        invoice = self.bill(cause)
        tx = self.pay(invoice, provider or self.provider)
        refusal = ExitStack()
        self.addCleanup(refusal.close)
        refusal.enter_context(self.refusing(cause, tx.provider_id))
        tx._synchronize()
        self.assertEqual(tx.pay_now_booking_state, 'received')
        return tx, invoice, refusal

    def entries(self):
        """Return the lines of all entries in the journal of the provider, oldest first."""
        moves = self.env['account.move'].search(
            [('journal_id', '=', self.provider.journal_id.id)], order='id'
        )
        self.assertEqual(set(moves.mapped('state')) - {'posted'}, set())
        return [self.balances(move) for move in moves]

    def codes(self):
        return (
            self.provider.pay_now_clearing_account_id.code,
            self.customer.property_account_receivable_id.code,
            self.provider.pay_now_commission_account_id.code,
        )

    def test_refunds_that_cannot_be_followed_keep_no_payment_out(self):
        invoice = self.bill('journal')
        tx = self.pay(invoice, self.provider)
        registry = self.env.registry['payment.transaction']
        with (
            patch.object(registry, '_pay_now_follow_refunds', self.failing_follower(registry)),
            mute_logger(PAYMENT),
        ):
            errors, asked = tx._pay_now_synchronize_safely()
        self.assertEqual((list(errors), asked), ([tx], tx.browse()), "asked again")
        self.assertEqual((tx.state, tx.pay_now_booking_state), ('done', 'booked'))
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(len(self.entries()), 2, "payment and commission, once")

    def failing_follower(self, registry):
        """Return what stumbles over the refunds, where they are followed at all."""
        follow = registry._pay_now_follow_refunds

        def stumble(tx, payment):
            follow(tx, payment)
            if not tx.env.context.get('pay_now_receive_only'):
                raise ZeroDivisionError

        return stumble

    def test_book_now(self):
        tx, invoice, refusal = self.received()
        (row,) = self.env['pay.now.to.handle'].search([('provider_id', '=', self.provider.id)])
        self.assertTrue(row.can_book_now)
        answer = row.action_book_now()
        self.assertEqual(answer['params']['type'], 'warning')
        self.assertIn("is archived", answer['params']['message'])
        refusal.close()
        self.assertEqual(row.action_book_now()['params']['type'], 'success')
        self.assertEqual((tx.pay_now_booking_state, invoice.payment_state), ('booked', 'paid'))
        self.env.invalidate_all()
        rows = self.env['pay.now.to.handle'].search([('provider_id', '=', self.provider.id)])
        self.assertFalse(rows)

    def test_it_pauses(self):
        tx, _invoice, _refusal = self.received()
        attempts = tx.pay_now_book_attempts
        self.run_cron('ir_cron_book')
        self.run_cron('payment.cron_post_process_payment_tx')
        self.assertEqual(tx.pay_now_book_attempts, attempts)
        pauses = []
        for _attempt in range(8):
            tx.sudo().pay_now_book_at = fields.Datetime.now() - timedelta(seconds=1)
            before = fields.Datetime.now()
            self.run_cron('ir_cron_book')
            pauses.append(round((tx.pay_now_book_at - before) / timedelta(minutes=1)))
        self.assertEqual(pauses, [4, 8, 16, 32, 60, 60, 60, 60])
        self.assertEqual(len(tx.pay_now_discrepancy_ids), 1)

    def test_another_cause_is_told_in_place_of_the_first(self):
        tx, _invoice, refusal = self.received('clearing')
        self.provider.journal_id.active = False
        refusal.close()
        with mute_logger(BOOKS):
            tx._synchronize()
        (found,) = tx.pay_now_discrepancy_ids
        self.assertIn("the journal", found.message)
        self.assertNotIn("the account", found.message)

    def test_in_the_language_of_the_reader(self):
        """Words are computed: nothing of the sentence is stored but its code and values."""
        tx, _invoice, _refusal = self.received()
        (found,) = tx.pay_now_discrepancy_ids
        self.assertEqual(found.details['problem']['code'], 'journal')

    def test_killed_between_received_and_booked(self):
        """Nothing of it is kept, and whoever asks next books it once."""
        invoice = self.bill('journal')
        tx = self.pay(invoice, self.provider)
        payments = type(self.env['account.payment'])
        with (
            patch.object(payments, 'action_post', side_effect=KeyboardInterrupt),
            self.assertRaises(KeyboardInterrupt),
            self.env.cr.savepoint(),
        ):
            tx._synchronize()
        self.env.invalidate_all()
        self.assertEqual(tx.state, 'draft')
        self.run_cron('ir_cron_sweep')
        clearing, receivable, commission = self.codes()
        self.assertEqual(
            self.entries(),
            [
                sorted([(clearing, 120.0, 0.0), (receivable, 0.0, 120.0)]),
                sorted([(commission, 4.75, 0.0), (clearing, 0.0, 4.75)]),
            ],
        )

    def test_committed_and_then_killed(self):
        """Received by what was committed: the scheduled action books it without any provider."""
        invoice = self.bill('journal')
        tx = self.pay(invoice, self.provider)
        with patch.object(type(tx), '_pay_now_book', lambda txs: None):
            tx._synchronize()
        self.assertEqual(tx.pay_now_booking_state, 'received')
        self.assertEqual(invoice._pay_now_refusals('page'), {invoice: 'in_progress'})
        tx.sudo().last_state_change = fields.Datetime.now() - timedelta(minutes=6)
        with patch.object(type(self.gateway), 'fetch_payment', side_effect=AssertionError):
            self.run_cron('ir_cron_book')
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(len(self.entries()), 2)

    def test_a_neighbour_holds_the_entries(self):
        """Nobody is told of a conflict that passes; of one that lasts, somebody is."""
        tx, invoice, refusal = self.received('busy')
        self.assertFalse(tx.pay_now_discrepancy_ids)
        self.assertLessEqual(tx.pay_now_book_at, fields.Datetime.now())
        for _attempt in range(5):
            tx.sudo().pay_now_book_at = fields.Datetime.now() - timedelta(seconds=1)
            self.run_cron('ir_cron_book')
        self.assertIn("somebody else", tx.pay_now_discrepancy_ids.message)
        refusal.close()
        tx.sudo().pay_now_book_at = fields.Datetime.now() - timedelta(seconds=1)
        self.run_cron('ir_cron_book')
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(tx.pay_now_discrepancy_ids.state, 'done')

    def test_refunded_before_it_is_booked(self):
        """Both are booked in their order, once the books take them."""
        tx, invoice, refusal = self.received()
        self.gateway.give_back(tx.provider_reference, 120)
        tx._synchronize()
        (refund,) = tx.child_transaction_ids
        self.assertRecordValues(refund, [{'state': 'done', 'payment_id': False}])
        self.assertEqual(self.entries(), [])
        refusal.close()
        tx.pay_now_discrepancy_ids.action_book_now()
        clearing, receivable, commission = self.codes()
        self.assertEqual(
            self.entries()[:3],
            [
                sorted([(clearing, 120.0, 0.0), (receivable, 0.0, 120.0)]),
                sorted([(commission, 4.75, 0.0), (clearing, 0.0, 4.75)]),
                sorted([(receivable, 120.0, 0.0), (clearing, 0.0, 120.0)]),
            ],
        )
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertAlmostEqual(
            self.clearing_balance(), self.gateway.balance_of(), msg="the balance at the provider"
        )

    def test_the_same_is_taken_from_nobody_else(self):
        """Neither by another provider's order that was approved before, nor on Odoo's own page."""
        invoice = self.bill('journal')
        first = self.pay(invoice, self.provider)
        other = (
            self.env['payment.transaction']
            .sudo()
            ._pay_now_create(self.paypal, self.customer, self.lines(invoice))
        )
        other.provider_reference = 'order'
        self.paypal_gateway.payments['order'] = replace(
            self.gateway.payments[first.provider_reference],
            state='approved',
            checkout_id='order',
            payment_id='',
            reference=other.reference,
        )
        with self.refusing('journal', self.provider):
            first._synchronize()
            other._synchronize()
        self.assertRecordValues(other, [{'state': 'cancel', 'pay_now_refusal': 'in_progress'}])
        self.assertEqual(first.pay_now_booking_state, 'received')

    def test_part_that_was_received_pays_no_more_than_it(self):
        tx, invoice, _refusal = self.received()
        other = self.make_invoice(50)
        self.assertFalse(self.lines(other)._pay_now_in_progress())
        self.assertEqual(self.lines(invoice)._pay_now_in_progress(), self.lines(invoice))

    def test_entry_deleted_by_a_person_is_not_made_again(self):
        invoice = self.bill('journal')
        tx = self.pay(invoice, self.provider)
        tx._synchronize()
        payment = tx.payment_id
        payment.action_draft()
        tx.sudo().payment_id = False
        self.assertFalse(tx.pay_now_booking_state)
        self.run_cron('ir_cron_book')
        self.run_cron('payment.cron_post_process_payment_tx')
        self.assertFalse(tx.payment_id)

    def test_book_again_by_hand_while_the_books_refuse(self):
        """What the comparison found is not closed by what was not booked."""
        invoice = self.bill('journal')
        tx = self.pay(invoice, self.provider)
        tx._synchronize()
        tx.payment_id.action_draft()
        tx.payment_id.action_cancel()
        tx.sudo().payment_id = False
        found = self.env['pay.now.discrepancy']._report(
            tx, 'missing_here', 'missing_in_books', {'amount': 120}, amount=120
        )
        with self.refusing('journal', self.provider):
            self.assertIn("is archived", found.action_book()['params']['message'])
            self.assertEqual((found.state, tx.pay_now_booking_state), ('open', 'received'))
        self.assertFalse(found.action_book())
        self.assertEqual((found.state, tx.pay_now_booking_state), ('done', 'booked'))
        self.assertFalse(tx.pay_now_discrepancy_ids.filtered(lambda one: one.state == 'open'))

    def test_what_follows_from_a_payment_keeps_it_booked(self):
        """Another module fails after the entry was made: the entry stays, and the rest follows."""
        invoice = self.bill('journal')
        tx = self.pay(invoice, self.provider)
        core = 'odoo.addons.payment.models.payment_transaction.PaymentTransaction._post_process'
        with patch(core, side_effect=ValueError("another module")), mute_logger(BOOKS):
            tx._synchronize()
        self.assertEqual((tx.pay_now_booking_state, tx.is_post_processed), ('booked', False))
        self.assertIn("What follows", tx.pay_now_discrepancy_ids.message)
        self.assertNotIn("another module", tx.pay_now_discrepancy_ids.message)
        tx.pay_now_discrepancy_ids.action_book_now()
        self.assertTrue(tx.is_post_processed)
        self.assertEqual(len(self.entries()), 2)

    def test_receipt_is_written_once(self):
        tx, _invoice, refusal = self.received()
        self.run_cron('ir_cron_receipts')
        self.assertEqual(tx.pay_now_receipt_state, 'sent')
        refusal.close()
        tx.pay_now_discrepancy_ids.action_book_now()
        self.assertEqual(tx.pay_now_receipt_state, 'sent')

    def test_payment_without_entry_is_refused(self):
        """By a method without outstanding account, Enterprise makes a payment that is no entry."""
        invoice = self.bill('journal')
        tx = self.pay(invoice, self.provider)
        payments = type(self.env['account.payment'])

        def without_account(payments):
            payments.outstanding_account_id = False

        # The method line follows the clearing account: only another module leaves none.
        nothing = patch.object(payments, '_compute_outstanding_account_id', without_account)
        in_payment = patch.object(
            type(self.env['account.move']), '_get_invoice_in_payment_state', lambda _: 'in_payment'
        )
        with nothing, in_payment, mute_logger(BOOKS):
            tx._synchronize()
            self.assertEqual(tx.pay_now_booking_state, 'received')
            self.assertIn("has no posted entry", tx.pay_now_discrepancy_ids.message)
            self.assertFalse(self.env['account.payment'].search([('memo', 'like', tx.reference)]))
            self.assertEqual(invoice._pay_now_refusals('reminder'), {invoice: 'in_progress'})
        tx.pay_now_discrepancy_ids.action_book_now()
        clearing, receivable, _commission = self.codes()
        self.assertEqual(
            self.balances(tx.payment_id.move_id),
            sorted([(clearing, 120.0, 0.0), (receivable, 0.0, 120.0)]),
        )


@tagged('post_install', '-at_install')
class TestReceivedPages(ReceivedCase, HttpCase):
    """What customers see while the books refuse: thanks, and no word that is not for them."""

    def received(self):
        invoice = self.bill('journal')
        tx = self.pay(invoice, self.provider)
        refusal = ExitStack()
        self.addCleanup(refusal.close)
        refusal.enter_context(self.refusing('journal', self.provider))
        tx._synchronize()
        return tx, invoice

    def assert_not_raw(self, response):
        self.assertFalse([raw for raw in RAW if raw in response.text], response.url)

    def test_pay_page_and_portal(self):
        tx, invoice = self.received()
        path = urlsplit(invoice._pay_now_url()).path
        page = self.url_open(path)
        self.assertEqual(page.status_code, 200)
        self.assertNotIn('name="provider_id"', page.text)
        self.assertIn("Payment received, thank you", page.text)
        self.assertNotIn("Your bank will confirm it", page.text)
        self.assert_not_raw(page)
        portal = self.url_open(f'/my/invoices/{invoice.id}?access_token={invoice.access_token}')
        self.assertEqual(portal.status_code, 200)
        self.assertNotIn('o_payment_form', portal.text)
        self.assert_not_raw(portal)
        for name in ('result', 'return', 'checkout', 'cancel'):
            page = self.url_open(tx._pay_now_path(name))
            self.assertEqual(page.status_code, 200, name)
            self.assertIn("Payment received, thank you", page.text)
            self.assert_not_raw(page)

    def test_core_takes_it_by_no_provider(self):
        """On Odoo's own page the payer may have chosen anybody before."""
        _tx, invoice = self.received()
        answer = self.make_jsonrpc_request(
            f'/invoice/transaction/{invoice.id}', self.core_payment(invoice, self.paypal)
        )
        self.assertFalse(answer)

    def core_payment(self, invoice, provider):
        return {
            'access_token': invoice._portal_ensure_token(),
            'provider_id': provider.id,
            'payment_method_id': provider._pay_now_default_method().id,
            'token_id': None,
            'amount': invoice.amount_residual,
            'flow': 'redirect',
            'tokenization_requested': False,
            'landing_route': '/my',
        }

    def make_jsonrpc_request(self, route, params=None, **options):
        try:
            return super().make_jsonrpc_request(route, params, **options)
        except JsonRpcException as error:
            self.assertIn("PayerError", str(error))
            return None

    def test_core_asks_for_its_state(self):
        """The poll of Odoo's own page books; it neither fails nor says why."""
        tx, _invoice = self.received()
        tx.sudo().pay_now_book_at = False
        tx._post_process()
        self.assertEqual(tx.pay_now_booking_state, 'received')

    def test_what_is_raised_for_others_is_not_shown(self):
        """Only what was written for the payer is shown; anything else has a page of ours."""
        invoice = self.bill('journal')
        tx = self.checkout(self.lines(invoice))
        path = urlsplit(invoice._pay_now_url()).path
        refused = UserError("The auditors have closed this month.")
        form = {'item': self.lines(invoice).ids, 'provider_id': self.provider.id}
        for method, address, data in (
            ('_pay_now_open', tx._pay_now_path('checkout'), None),
            ('_pay_now_create', f'{path}/pay', form),
            ('_synchronize', tx._pay_now_path('return'), None),
        ):
            with (
                self.subTest(address=address),
                patch.object(type(tx), method, side_effect=refused),
                mute_logger('odoo.http', PAYMENT),
            ):
                page = self.url_open(address, data=data)
                self.assertIn('<html', page.text)
                self.assert_not_raw(page)
                self.assertNotIn("Server Error", page.text)

    def test_payment_that_another_module_refuses_to_receive(self):
        """Where even the state is refused, the payer waits, and the accountant is told."""
        invoice = self.bill('journal')
        tx = self.pay(invoice, self.provider)
        refused = UserError("The auditors have closed this month.")
        with patch.object(type(tx), '_set_done', side_effect=refused), mute_logger(PAYMENT, BOOKS):
            page = self.url_open(tx._pay_now_path('return'))
            self.assertEqual(page.status_code, 200)
            self.assert_not_raw(page)
            self.run_cron('ir_cron_sweep')
        self.assertIn("Could not be booked", tx.pay_now_discrepancy_ids.message)
        self.run_cron('ir_cron_sweep')
        tx.sudo().pay_now_last_sync = False
        self.run_cron('ir_cron_sweep')
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(tx.pay_now_discrepancy_ids.state, 'done')


@tagged('post_install', '-at_install')
class TestBooksHealth(ReceivedCase):
    """What can be known beforehand makes the light amber, with a sentence, before anybody pays."""

    def light(self):
        self.provider._pay_now_follow_health()
        return self.provider.pay_now_health, self.provider.pay_now_health_text

    def setUp(self):
        super().setUp()
        self.provider.sudo().write(
            {'pay_now_last_event_at': fields.Datetime.now(), 'pay_now_webhook_ref': 'we_1'}
        )

    def test_all_is_well(self):
        self.assertEqual(self.light()[0], 'green')

    def test_each_cause(self):
        self.make_invoice(120)
        for cause in ('journal', 'clearing', 'receivable', 'cash_basis', 'discount'):
            with self.subTest(cause=cause):
                with self.refusing(cause, self.provider):
                    light, text = self.light()
                    self.assertEqual(light, 'amber')
                    part = CAUSES[cause].partition('%')[0] or CAUSES[cause]
                    self.assertIn(part, text)
                    self.assertIn("cannot be booked", text)
                self.assertEqual(self.light()[0], 'green')

    def test_branches_have_books_of_their_own(self):
        """What a branch lacks for its open invoices makes the light amber, and nothing else."""
        branch = self.make_branch()
        branch.account_journal_early_pay_discount_loss_account_id = False
        self.assertEqual(self.light()[0], 'green', "it grants no discount")
        invoice = self.make_invoice(
            120,
            company_id=branch.id,
            invoice_payment_term_id=self.discount_term.id,
            invoice_date=fields.Date.today(),
        )
        light, text = self.light()
        self.assertEqual(light, 'amber')
        self.assertIn("early payment discounts in Fournil Lyon", text)
        invoice.button_cancel()
        self.assertEqual(self.light()[0], 'green')

    def test_accounts_of_commissions_and_disputes(self):
        for name in ('pay_now_commission_account_id', 'pay_now_disputed_account_id'):
            account = self.provider[name]
            account.active = False
            light, text = self.light()
            self.assertEqual(light, 'amber')
            self.assertIn(f"the account {account.code} {account.name} is archived", text)
            account.active = True
            self.assertEqual(self.light()[0], 'green')

    def test_entries_that_cannot_be_numbered(self):
        self.assertEqual(self.light()[0], 'green')
        self.provider.journal_id.sequence_override_regex = r'^(?P<prefix1>.*?)(?P<seq>[a-z]+)$'
        tx = self.pay(self.make_invoice(120), self.provider)
        with mute_logger(BOOKS):
            light, text = self.light()
            self.assertEqual(light, 'amber')
            self.assertIn("cannot be numbered", text)
            tx._synchronize()
        self.assertEqual(tx.pay_now_booking_state, 'received')
        self.assertIn("cannot be numbered", tx.pay_now_discrepancy_ids.message)
        self.provider.journal_id.sequence_override_regex = False
        tx.pay_now_discrepancy_ids.action_book_now()
        self.assertEqual(tx.pay_now_booking_state, 'booked')

    def test_a_payment_that_is_refused_lights_it_at_once(self):
        tx = self.pay(self.make_invoice(120), self.provider)
        with self.refusing('journal', self.provider):
            tx._synchronize()
            self.assertEqual(self.provider.pay_now_health, 'amber')
        tx.pay_now_discrepancy_ids.action_book_now()
        self.assertEqual(self.provider.pay_now_health, 'green')

    def test_amber_hides_no_button(self):
        with self.refusing('journal', self.provider):
            self.light()
            self.assertIn(self.provider, self.company._pay_now_providers())
