# Part of Pay Now. See LICENSE file for full copyright and licensing details.


from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.payment.test_recut import RecutCase


@tagged('post_install', '-at_install')
class TestDraft(RecutCase):
    """The payment arrives while its invoice is in draft: the draft is left alone."""

    def setUp(self):
        super().setUp()
        self.tx = self.checkout(self.lines(self.invoice))
        self.invoice.button_draft()

    def test_it_is_left_a_draft_and_its_payment_waits(self):
        self.receive(self.tx)
        self.assertEqual(self.invoice.state, 'draft')
        self.assert_received(self.tx, credit=100)
        self.assert_flagged(self.tx, waiting=100)
        self.assertIn(self.tx.payment_id, self.invoice.matched_payment_ids)
        found = self.tx.pay_now_discrepancy_ids
        self.assertIn(self.invoice.name, found.message)
        self.assertTrue(found.can_refund)
        self.sweep()
        self.assert_flagged(self.tx, waiting=100)
        self.assertEqual(self.tx.pay_now_discrepancy_ids, found, "told once")

    def test_posted_again(self):
        for name, values, left, flagged in (
            ('as it was', {}, [0], {}),
            ('cut', {'invoice_payment_term_id': self.term.id}, [0, 0], {}),
            ('dearer', {'price': 150}, [50], {}),
            ('cheaper', {'price': 60}, [0], {'surplus': 40}),
            ('another number', {'name': 'CORRECTED/2026/0001'}, [0], {}),
        ):
            with self.subTest(name):
                invoice = self.make_invoice(100)
                tx = self.checkout(self.lines(invoice))
                invoice.button_draft()
                self.receive(tx)
                self.change(invoice, **values)
                self.assertEqual(invoice.state, 'draft')
                invoice.action_post()
                self.assert_open(*left, invoice=invoice)
                self.assert_received(tx, credit=flagged.get('surplus', 0))
                self.assert_flagged(tx, **flagged)

    def test_posted_for_another_customer(self):
        self.receive(self.tx)
        self.change(self.invoice, partner_id=self.stranger.id)
        self.invoice.action_post()
        self.assert_open(100)
        self.assert_received(self.tx, credit=100)
        self.assert_flagged(self.tx, surplus=100)
        # That it waited for the draft was told before, and has come to its end.
        waited, found = self.tx.pay_now_discrepancy_ids.sorted('id')
        self.assertEqual(
            [(one.kind, one.code, one.state, one.amount) for one in (waited, found)],
            [('waiting', 'waiting', 'done', 100), ('surplus', 'other_customer', 'open', 100)],
        )
        self.assertIn(f"{self.invoice.name}, which is another customer's", found.message)

    def test_the_other_invoices_do_not_get_what_waits(self):
        other = self.make_invoice(100, days_late=5)
        self.invoice.action_post()
        tx = self.checkout(self.lines(self.invoice, other))
        self.invoice.button_draft()
        self.recut(other, price=150)
        self.receive(tx)
        self.assert_open(50, invoice=other)
        self.assert_flagged(tx, waiting=100)
        self.invoice.action_post()
        self.assert_open(0)
        self.assert_flagged(tx)

    def test_not_posted_again(self):
        self.receive(self.tx)
        self.invoice.button_cancel()
        self.sweep()
        self.assert_flagged(self.tx, surplus=100)
        waited, found = self.tx.pay_now_discrepancy_ids.sorted('id')
        self.assertEqual((waited.kind, waited.state), ('waiting', 'done'))
        self.assertEqual((found.code, found.state), ('canceled', 'open'))
        self.assertTrue(found.can_refund)
        self.sweep()
        self.assert_flagged(self.tx, surplus=100)
        # After all.
        self.invoice.button_draft()
        self.invoice.action_post()
        self.assert_open(0)
        self.assert_flagged(self.tx)

    def test_deleted(self):
        self.receive(self.tx)
        self.invoice.with_context(force_delete=True).unlink()
        self.sweep()
        self.assert_received(self.tx, credit=100)
        self.assert_flagged(self.tx, surplus=100)

    def test_deleted_before_the_money_arrives(self):
        name = self.invoice.name
        self.invoice.with_context(force_delete=True).unlink()
        self.receive(self.tx)
        self.assert_received(self.tx, credit=100)
        self.assert_flagged(self.tx, surplus=100)
        self.assertEqual([row['label'] for row in self.tx._pay_now_paid_rows()], [name])

    def test_cancelled_before_the_money_arrives(self):
        self.invoice.button_cancel()
        self.receive(self.tx)
        self.assertEqual(self.invoice.state, 'cancel')
        self.assert_received(self.tx, credit=100)
        self.assert_flagged(self.tx, surplus=100)

    def test_credited_before_the_money_arrives(self):
        self.invoice.action_post()
        self.invoice._reverse_moves(cancel=True)
        self.receive(self.tx)
        self.assert_received(self.tx, credit=100)
        self.assert_flagged(self.tx, surplus=100)

    def test_refunded_while_it_waits(self):
        self.receive(self.tx)
        self.tx._refund(100)
        self.tx._synchronize()
        self.assert_received(self.tx)
        self.assert_flagged(self.tx)
        self.invoice.action_post()
        self.assert_open(100)

    def test_what_cannot_be_matched_keeps_nobody_from_posting(self):
        self.receive(self.tx)
        self.patch(
            type(self.env['account.partial.reconcile']),
            '_pay_now_match',
            lambda *_args: (_ for _ in ()).throw(UserError("Not now")),
        )
        with self.assertLogs('odoo.addons.account_pay_now', 'WARNING'):
            self.invoice.action_post()
        self.assertEqual(self.invoice.state, 'posted')
        self.assert_flagged(self.tx, waiting=100)

    def test_the_sweep_matches_what_the_posting_did_not(self):
        self.receive(self.tx)
        self.patch(type(self.invoice), '_pay_now_match_payments', lambda _self: None)
        self.invoice.action_post()
        self.assert_open(100)
        self.sweep()
        self.assert_open(0)
        self.assert_flagged(self.tx)

    def test_an_invoice_that_was_never_posted_is(self):
        """As Odoo makes it for an online order, once it is paid."""
        self.invoice.action_post()
        order = self.make_invoice(100, post=False)
        self.tx.invoice_ids |= order
        self.receive(self.tx)
        self.assertEqual(order.state, 'posted')


@tagged('post_install', '-at_install')
class TestCorrected(RecutCase):
    """The customer of the invoice, or its number, is corrected; or it is blocked."""

    def test_a_former_customers_checkout_is_not_opened(self):
        tx = self.checkout(self.lines(self.invoice))
        self.give_to(self.stranger)
        with self.assertRaisesRegex(UserError, "changed meanwhile"):
            tx._pay_now_open()
        self.assertRecordValues(tx, [{'state': 'cancel', 'pay_now_refusal': 'items_changed'}])
        self.assertEqual(self.gateway.closed, [tx.provider_reference])

    def test_what_a_former_customer_approved_is_not_taken(self):
        tx = self.checkout(self.lines(self.invoice), provider=self.paypal)
        self.paypal_gateway.approve(tx)
        self.give_to(self.stranger)
        tx._synchronize(payer_returned=True)
        self.assertFalse(self.paypal_gateway.captured)
        self.assertRecordValues(tx, [{'state': 'cancel', 'pay_now_refusal': 'items_changed'}])

    def test_what_a_former_customer_pays_is_that_ones_credit(self):
        tx = self.checkout(self.lines(self.invoice))
        self.give_to(self.stranger)
        self.receive(tx)
        self.assert_open(100)
        self.assert_received(tx, credit=100)
        self.assert_flagged(tx, surplus=100)
        message = tx.pay_now_discrepancy_ids.message
        self.assertIn(self.customer.name, message)
        self.assertIn(self.invoice.name, message)
        self.assertNotIn(self.stranger.name, message)
        self.assertNotIn(tx.payment_id, self.invoice.matched_payment_ids)
        self.assertFalse(tx._pay_now_invoices())
        self.assertFalse(tx._pay_now_snapshot_still_open())
        self.assertFalse(self.invoice._pay_now_refusal('page'), "the new customer pays it")
        self.assertTrue(tx._pay_now_prepare_receipt()['email_to'])
        self.assertFalse(tx._pay_now_prepare_receipt()['attachment_ids'][0][2])

    def test_a_former_customers_money_on_its_way_is_nothing_to_the_new_one(self):
        tx = self.checkout(self.lines(self.invoice))
        self.pend(tx)
        self.give_to(self.stranger)
        self.assertFalse(self.lines(self.invoice)._pay_now_in_progress())
        new = self.checkout(self.lines(self.invoice), partner=self.stranger)
        self.receive(tx)
        self.receive(new)
        self.assert_open(0)
        self.assert_received(tx, credit=100)
        self.assert_received(new, customer=self.stranger)
        self.assert_flagged(new)

    def test_the_new_customer_gets_no_checkout_of_the_former_one(self):
        tx = self.checkout(self.lines(self.invoice))
        self.give_to(self.stranger)
        new = self.checkout(self.lines(self.invoice), partner=self.stranger)
        self.assertNotEqual(new, tx)
        self.assertEqual(new.partner_id, self.stranger)
        self.assertEqual(new.state, 'draft')
        self.assertRecordValues(tx, [{'state': 'cancel', 'pay_now_refusal': 'items_changed'}])

    def test_the_new_customer_pays_after_the_former_one(self):
        tx = self.checkout(self.lines(self.invoice))
        self.give_to(self.stranger)
        self.gateway.pay(tx)
        new = self.checkout(self.lines(self.invoice), partner=self.stranger)
        self.assertTrue(new.pay_now_checkout_url, "it was not paid by this one")
        self.assert_received(tx, credit=100)

    def test_given_back_to_the_customer(self):
        tx = self.checkout(self.lines(self.invoice))
        self.give_to(self.stranger)
        self.receive(tx)
        self.give_to(self.customer)
        self.assert_open(0)
        self.assert_received(tx)
        self.assert_flagged(tx)

    def test_paid_and_then_given_to_another(self):
        tx = self.checkout(self.lines(self.invoice))
        self.receive(tx)
        self.give_to(self.stranger)
        self.assert_open(100)
        self.assert_received(tx, credit=100)
        self.assert_flagged(tx, surplus=100)
        self.assertFalse(self.invoice._pay_now_page_payments(), "no business of the new one")

    def test_some_of_several_are_another_customers(self):
        other = self.make_invoice(50, days_late=5)
        tx = self.checkout(self.lines(self.invoice, other))
        self.give_to(self.stranger)
        self.receive(tx)
        self.assert_open(100)
        self.assert_open(0, invoice=other)
        self.assert_received(tx, credit=100)
        self.assert_flagged(tx, surplus=100)

    def test_a_contact_who_has_changed_company(self):
        contact = self.env['res.partner'].create(
            {'name': "Ann", 'parent_id': self.customer.id, 'email': 'ann@example.com'}
        )
        invoice = self.make_invoice(100, partner=contact)
        tx = self.checkout(self.lines(invoice), partner=contact)
        contact.parent_id = self.stranger
        self.receive(tx)
        self.assert_open(0, invoice=invoice)
        self.assert_received(tx)

    def test_a_second_payment_is_for_nobody_elses_invoice(self):
        tx = self.checkout(self.lines(self.invoice))
        self.receive(tx)
        self.give_to(self.stranger)
        another = tx._pay_now_create_another(self.gateway.payments[tx.provider_reference], 'pi_2')
        self.assertFalse(another.pay_now_item_ids or another.invoice_ids)

    def test_its_refund_is_none_of_the_new_customers(self):
        tx = self.checkout(self.lines(self.invoice))
        self.give_to(self.stranger)
        self.receive(tx)
        refund = tx._refund(100)
        tx._synchronize()
        self.assertFalse(refund.pay_now_credit_note_ids)
        self.assert_flagged(tx)
        self.assert_open(100)

    # === ASKED AGAIN WHEN TAKING === #

    def test_what_the_page_would_refuse_is_not_taken(self):
        def block():
            self.invoice.payment_state = 'blocked'

        def leave_the_sandbox():
            self.patch(type(self.invoice), '_pay_now_is_test_recipient', lambda _self: False)

        for change in (block, leave_the_sandbox):
            with self.subTest(change=change.__name__):
                self.invoice.payment_state = 'not_paid'
                tx = self.checkout(self.lines(self.invoice), provider=self.paypal)
                self.paypal_gateway.approve(tx)
                change()
                self.assertTrue(self.invoice._pay_now_refusal('page'))
                tx._synchronize(payer_returned=True)
                self.assertFalse(self.paypal_gateway.captured)
                self.assertRecordValues(tx, [{'state': 'cancel', 'pay_now_refusal': 'not_payable'}])
                self.assertIn("cannot be paid online", tx._pay_now_failure_label())

    def test_blocked_before_it_was_opened(self):
        tx = self.env['payment.transaction'].sudo()
        tx = tx._pay_now_create(self.provider, self.customer, self.lines(self.invoice))
        self.invoice.payment_state = 'blocked'
        with self.assertRaisesRegex(UserError, "cannot be paid online"):
            tx._pay_now_open()
        self.assertFalse(self.gateway.requests)

    # === NUMBERS === #

    def test_what_was_paid_is_named_as_it_was(self):
        self.load_language('fr_FR')
        invoice = self.make_invoice(100, invoice_payment_term_id=self.term.id)
        name = invoice.name
        tx = self.checkout(self.lines(invoice))
        invoice.button_draft()
        invoice.write({'name': 'CORRECTED/2026/0001', 'invoice_payment_term_id': False})
        invoice.action_post()
        self.receive(tx)
        self.assert_open(0, invoice=invoice)
        rows = tx.with_context(lang='en_US')._pay_now_paid_rows()
        self.assertEqual(
            [row['label'] for row in rows],
            [f'{name} – instalment {number} of 2' for number in (1, 2)],
        )
        rows = tx.with_context(lang='fr_FR')._pay_now_paid_rows()
        self.assertIn("échéance 1 sur 2", rows[0]['label'])
        receipt = tx._pay_now_prepare_receipt()['body_html']
        self.assertIn(name, receipt)
        self.assertNotIn('CORRECTED', receipt)
        self.assertNotIn('CORRECTED', tx.payment_id.memo)
        self.assertNotIn('CORRECTED', tx.payment_id._pay_now_counterpart_lines().name)

    def test_opened_once_more_is_the_same_request(self):
        """A provider refuses another request under the same key."""
        tx = self.env['payment.transaction'].sudo()
        tx = tx._pay_now_create(self.provider, self.customer, self.lines(self.invoice))
        before = tx._pay_now_checkout_request()
        self.recut(name='CORRECTED/2026/0002')
        self.assertEqual(tx._pay_now_checkout_request(), before)

    def test_under_another_number_it_is_another_checkout(self):
        tx = self.checkout(self.lines(self.invoice))
        self.recut(name='CORRECTED/2026/0003')
        new = self.checkout(self.lines(self.invoice))
        self.assertNotEqual(new, tx)
        self.assertIn('CORRECTED', self.gateway.requests[-1][1].label)
