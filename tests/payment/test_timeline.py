# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from unittest.mock import patch
from urllib.parse import urlsplit

from lxml import html

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.payment.received import BOOKS
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon

BOOKKEEPER = 'account.group_account_invoice,base.group_user'


class TimelineCase(PayoutCommon, ReminderCommon):
    """A bookkeeper who asks what happened."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect_paypal()
        cls.company.write({'pay_now_reminder_accounting': True, 'pay_now_receipts': False})
        cls.bookkeeper = cls.new_user('timeline_books', BOOKKEEPER)
        cls.Timeline = cls.env['pay.now.timeline']

    @classmethod
    def new_user(cls, login, groups, **values):
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            tz='Europe/Paris',
            **{
                'company_id': cls.company.id,
                'company_ids': [Command.set(cls.company.ids)],
                **values,
            },
        )

    def story(self, query, user=None):
        """Return what happened, and what waits, as lists of entries."""
        self.env.flush_all()
        self.env.invalidate_all()
        Timeline = self.Timeline.with_user(user or self.bookkeeper)
        found = Timeline._find(query)
        if not any(found.values()):
            return None, None
        told = Timeline.env['pay.now.story']._tell(found)
        return told['past'], told['now']

    def page(self, query, user=None):
        """Return the screen's text, and the addresses on it."""
        self.env.flush_all()
        self.env.invalidate_all()
        screen = self.Timeline.with_user(user or self.bookkeeper).create({'query': query})
        tree = html.fromstring(str(screen.story_html))
        return ' '.join(tree.text_content().split()), tree.xpath('//a/@href')

    def notified(self, tx, source='webhook'):
        """A notification of a payment arrives, or is found by asking."""
        event = base.Event(
            id=f'evt_{tx.id}_{source}',
            type='checkout.session.completed',
            created_at=datetime.now(timezone.utc),
            checkout_id=tx.provider_reference,
        )
        self.env['pay.now.event']._store(tx.provider_id, event, source, '{}')
        stored = self.env['pay.now.event'].search([('event_ref', '=', event.id)])
        stored.sudo()._process()
        return stored

    def texts(self, entries, code=None):
        return [one.text for one in entries if code in (None, one.code)]

    def assert_told(self, entries, code, *parts):
        """One of the entries of a kind says all of this."""
        texts = [f'{one.text} | {one.detail}' for one in entries if one.code == code]
        self.assertTrue(
            any(all(part in text for part in parts) for text in texts), (code, parts, texts)
        )


@tagged('post_install', '-at_install')
class TestTimeline(TimelineCase):
    """What happened to a payment, story by story, and however it is asked for."""

    # === stories === #

    def test_paid_after_a_reminder(self):
        invoice = self.make_invoice(300)
        run = self.generate()
        self.send(run)
        reminder = run.reminder_ids
        # What is created in a test has the time of its beginning.
        reminder.sudo().sent_at -= timedelta(hours=1)
        tx = self.checkout(self.lines(invoice))
        tx.pay_now_page_url = reminder._pay_now_path()
        tx._synchronize()
        self.gateway.pay(tx, commission='4.60')
        self.notified(tx)
        past, now = self.story(tx.reference)
        self.assertEqual(now[0].code, 'over')
        self.assert_told(past, 'asked', "Reminder sent to client@example.com")
        self.assert_told(past, 'started', tx.reference, "300.00", "From the page of a reminder")
        self.assert_told(past, 'notified', "Stripe notified: checkout.session.completed")
        self.assert_told(past, 'said', "not paid yet")
        self.assert_told(past, 'said', "said: paid, 300.00 EUR")
        self.assert_told(past, 'received', "Received: ", "300.00", "card")
        self.assert_told(past, 'booked', tx.payment_id.move_id.name, f"matched with {invoice.name}")
        self.assert_told(past, 'commission', "4.60", tx.pay_now_commission_move_id.name)
        times = [one.at for one in past]
        self.assertEqual(times, sorted(times))
        order = [one.code for one in past]
        self.assertLess(order.index('asked'), order.index('started'))

    def test_a_receipt_and_the_same_answer_again(self):
        self.company.pay_now_receipts = True
        tx, _line = self.pay()
        for _again in range(3):
            tx._synchronize()
        self.assert_told(self.story(tx.reference)[1], 'waits', "receipt", "is about to leave")
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_receipts').method_direct_trigger()
        past, now = self.story(tx.reference)
        self.assert_told(past, 'receipt', "Receipt sent to client@example.com")
        self.assertEqual(len(self.texts(past, 'said')), 1)
        self.assertEqual([one.code for one in now], ['over'])

    def test_the_notification_was_lost(self):
        tx = self.checkout(self.lines(self.make_invoice(300)))
        past, now = self.story(tx.reference)
        self.assert_told(now, 'waits', "The payer has not paid", "open until")
        self.gateway.pay(tx)
        self.notified(tx, source='sweep')
        past, now = self.story(tx.reference)
        self.assert_told(past, 'notified', "No notification came: found by asking Stripe")
        self.assert_told(past, 'received', "Received")

    def test_a_notification_that_waits_and_one_that_failed(self):
        tx = self.checkout(self.lines(self.make_invoice(300)))
        self.gateway.down = True
        event = self.notified(tx)
        event.sudo().transaction_id = False
        past, now = self.story(tx.reference)
        self.assert_told(now, 'waits', "A notification is processed on", "does not answer")
        event.sudo().state = 'failed'
        past, now = self.story(event.event_ref)
        self.assert_told(now, 'waits', "could not be processed")

    def test_received_and_not_booked(self):
        tx = self.checkout(self.lines(self.make_invoice(300)))
        self.gateway.pay(tx)
        refusal = patch.object(
            type(self.env['account.move']), '_post', side_effect=UserError("Closed.")
        )
        with mute_logger(BOOKS, 'odoo.sql_db'), refusal:
            tx._synchronize()
        self.assertEqual(tx.pay_now_booking_state, 'received')
        past, now = self.story(tx.reference)
        self.assert_told(past, 'received', "Received")
        self.assert_told(past, 'found', "Found:")
        self.assert_told(now, 'waits', "not booked yet: tried again on", "attempts so far: 1")
        self.assertFalse(self.texts(past, 'booked'))
        tx.sudo()._pay_now_book_now()
        past, now = self.story(tx.reference)
        self.assert_told(past, 'booked', tx.payment_id.move_id.name)
        self.assert_told(past, 'person', "Handled: Could not be booked")
        self.assertEqual([one.code for one in now], ['over'])

    def test_refused_and_abandoned(self):
        tx = self.checkout(self.lines(self.make_invoice(300)))
        code = {'failure_code': 'insufficient_funds', 'failure': "Insufficient funds."}
        self.gateway.set(tx.provider_reference, state=base.FAILED, **code)
        tx._synchronize()
        past, now = self.story(tx.reference)
        self.assert_told(past, 'ended', "There is not enough money", "Insufficient funds.")
        self.assert_told(past, 'said', "failed", "insufficient_funds")

    def test_refunded_here_and_there(self):
        tx, _line = self.pay()
        self.gateway.give_back(tx.provider_reference, '100')
        tx._synchronize()
        refund = tx.child_transaction_ids
        past, now = self.story(tx.reference)
        self.assert_told(past, 'refund', "Refund of", "100.00", "made at Stripe", "re_1")
        self.assert_told(past, 'refund', "left for the customer")
        self.assert_told(past, 'booked', refund.payment_id.move_id.name)
        self.gateway.fail_refund('re_1')
        tx._synchronize()
        past, now = self.story('re_1')
        self.assert_told(past, 'refund', "came back: the refund failed")
        self.assert_told(past, 'said', "asked about the refund, and said: failed")
        self.assert_told(past, 'found', "Found:")
        self.assert_told(now, 'waits', "A person has to look at it: Refund failed")

    def test_disputed_and_lost(self):
        tx, _line = self.pay()
        dispute = base.Dispute(
            id='du_1',
            state='open',
            amount=Decimal(300),
            currency='EUR',
            created_at=datetime.now(timezone.utc),
            needs_response=True,
            due_at=datetime.now(timezone.utc) + timedelta(days=10),
            reason='fraudulent',
            payment_id=tx.pay_now_payment_ref,
        )
        self.gateway.disputes['du_1'] = dispute
        record = self.env['pay.now.dispute'].sudo()._synchronize(self.provider, ['du_1'])
        past, now = self.story('du_1')
        self.assert_told(past, 'dispute', "asks for the money back", "du_1")
        self.assert_told(now, 'waits', "to be answered at Stripe until")
        self.assert_told(past, 'received', "Received")
        record.sudo().write({'state': 'lost', 'needs_response': False})
        past, now = self.story(tx.reference)
        self.assert_told(past, 'dispute', "Dispute: Lost")

    def test_paid_out_and_at_the_bank(self):
        tx, line = self.pay()
        self.gateway.pay_out('po_1', [line], bank_reference='STRIPE-4711')
        self.sweep()
        payout = self.payout('po_1')
        self.assertTrue(payout)
        for query in ('po_1', tx.reference, 'STRIPE-4711', payout.move_id.name):
            past, now = self.story(query)
            self.assert_told(past, 'payout', "payout of", "po_1", "made of 1 movements")
            self.assert_told(past, 'booked', f"Payout booked: {payout.move_id.name}")
            self.assert_told(now, 'waits', "not on a")
        past, _now = self.story(tx.reference)
        self.assert_told(past, 'moved', "On the balance at Stripe: Payment", "295.40")
        self.bank_line(295.40, "STRIPE STRIPE-4711")
        past, now = self.story('po_1')
        self.assert_told(past, 'bank', "On the bank statement of", "STRIPE-4711")
        self.assertFalse(now)
        self.gateway.fail_payout('po_1')
        self.env['pay.now.payout'].sudo()._synchronize(self.provider, ['po_1'])
        past, _now = self.story('po_1')
        self.assert_told(past, 'payout', "The bank sent the payout back", "Account closed")

    def test_paid_twice(self):
        invoice = self.make_invoice(300)
        tx = self.checkout(self.lines(invoice))
        other = self.checkout(self.lines(invoice), provider=self.paypal)
        self.paypal_gateway.approve(other)
        other._synchronize()
        # The payer had the first page open all the time.
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual((tx | other).mapped('state'), ['done', 'done'])
        past, now = self.story(invoice.name)
        named = {one.payment for one in past if one.code == 'received'}
        self.assertEqual(named, {tx.reference, other.reference})
        self.assert_told(past, 'found', "Found:")
        self.assert_told(now, 'waits', "A person has to look at it")
        past, _now = self.story(tx.reference)
        self.assert_told(past, 'started', "Another payment for the same invoice", other.reference)

    def test_a_person_dismissed_a_finding_and_took_a_match_apart(self):
        tx, _line = self.pay()
        finding = (
            self.env['pay.now.discrepancy']
            .sudo()
            ._report(tx, 'amount', 'amount', {'received': 1.0}, amount=1.0)
            or tx.pay_now_discrepancy_ids
        )
        finding.sudo().write(
            {
                'state': 'dismissed',
                'note': "Agreed by phone",
                'dismissed_at': fields.Datetime.now(),
                'dismissed_by_id': self.bookkeeper.id,
            }
        )
        item = tx.payment_id.move_id.line_ids.filtered('matched_debit_ids')
        item.remove_move_reconcile()
        past, now = self.story(tx.reference)
        self.assert_told(past, 'person', f"Dismissed by {self.bookkeeper.name}", "Agreed by phone")
        self.assert_told(past, 'person', "took the match of", tx.payment_id.move_id.name)

    def test_what_the_customer_said(self):
        invoice = self.make_invoice(300)
        self.env['pay.now.answer'].sudo().create(
            {
                'kind': 'problem',
                'text': "The bread was stale",
                'partner_id': self.customer.id,
                'company_id': self.company.id,
                'item_ids': [Command.set(self.lines(invoice).ids)],
                'by_customer': True,
            }
        )
        past, now = self.story(invoice.name)
        self.assert_told(past, 'answered', "The customer said", "The bread was stale")
        self.assertFalse(now)

    def test_an_invoice_that_nothing_happened_to(self):
        invoice = self.make_invoice(300, pay_now_excluded=True)
        past, now = self.story(invoice.name)
        self.assertFalse(past)
        self.assert_told(now, 'over', f"{invoice.name} was neither mailed with a button")

    def test_what_was_not_started_here(self):
        self.gateway.move('txn_shop', 50, label="Shop")
        self.sweep()
        past, _now = self.story('txn_shop')
        self.assert_told(past, 'moved', "of nothing that was started here", "Shop")
        event = base.Event(
            id='evt_shop',
            type='charge.succeeded',
            created_at=datetime.now(timezone.utc),
            checkout_id='cs_shop',
        )
        self.env['pay.now.event']._store(self.provider, event, 'webhook', '{}')
        past, _now = self.story('cs_shop')
        self.assert_told(past, 'notified', "charge.succeeded")
        self.env['pay.now.event'].search([('event_ref', '=', 'evt_shop')]).sudo()._process()
        _past, now = self.story('evt_shop')
        self.assert_told(now, 'over', "about no payment started here")

    # === ways to search === #

    def test_each_way_to_search(self):
        invoice = self.make_invoice(300, ref='PO 77')
        path = urlsplit(invoice._pay_now_url()).path
        tx = self.checkout(self.lines(invoice))
        tx.pay_now_page_url = path
        self.gateway.pay(tx, commission='4.60')
        event = self.notified(tx)
        cs = tx.provider_reference
        for query in (
            tx.reference,
            f'  {tx.reference} ',
            invoice.name,
            invoice.name.lower(),
            cs,
            tx.pay_now_payment_ref,
            tx.pay_now_charge_ref,
            tx.pay_now_movement_ref,
            event.event_ref,
            tx.payment_id.move_id.name,
            tx.pay_now_commission_move_id.name,
            f'https://dashboard.stripe.com/test/payments/{tx.pay_now_payment_ref}?x=1',
            f'https://erp.example.com{path}',
            f'https://erp.example.com{path[:-3]}',
            f'https://erp.example.com{tx._pay_now_path("result")}',
            'client@example.com',
            'Boulanger <CLIENT@example.com>',
        ):
            with self.subTest(query=query):
                past, _now = self.story(query)
                self.assertTrue(past, query)
                self.assert_told(past, 'started', tx.reference)
                self.assert_told(past, 'received', "Received")
        for query in (
            '%',
            '_',
            'pi_nobody',
            'INV',
            'x' * 5000,
            "'; --",
            '/pay_now/invoice/999999999/x',
        ):
            with self.subTest(query=query):
                self.assertIsNone(self.story(query)[0])

    def test_the_buttons_lead_there(self):
        tx, _line = self.pay()
        for record in (tx, tx.payment_id, tx.pay_now_item_ids.move_id):
            action = record.with_user(self.bookkeeper).action_pay_now_story()
            screen = self.env[action['res_model']].browse(action['res_id'])
            self.assertIn("Received", str(screen.with_user(self.bookkeeper).story_html))

    def test_on_the_screen_in_the_language_and_zone_of_the_reader(self):
        tx, _line = self.pay()
        tx.sudo().pay_now_paid_at = '2026-07-01 10:00:00'
        text, links = self.page(tx.reference)
        self.assertIn("Times in Europe/Paris", text)
        self.assertIn('12:00:00', text)
        self.assertIn(f'/odoo/payment.transaction/{tx.id}', links)
        self.assertIn(f'/odoo/account.move/{tx.payment_id.move_id.id}', links)
        self.assertIn("Now, and next Nothing waits", text)
        self.assertFalse(self.Timeline.with_user(self.bookkeeper).create({}).story_html)

    # === who === #

    def test_nothing_of_another_company(self):
        tx, _line = self.pay()
        other = self.env['res.company'].create({'name': "Bakery Inc."})
        stranger = self.new_user(
            'timeline_other', BOOKKEEPER, company_id=other.id, company_ids=[Command.set(other.ids)]
        )
        queries = (
            tx.reference,
            tx.pay_now_item_ids.move_id.name,
            tx.pay_now_payment_ref,
            self.customer.email,
            tx._pay_now_path('result'),
        )
        for query in queries:
            with self.subTest(query=query):
                text, links = self.page(query, stranger)
                self.assertIn("Nothing found for", text)
                self.assertIn("Looked for in: Bakery Inc.", text)
                self.assertFalse(links)
        both = self.new_user(
            'timeline_both', BOOKKEEPER, company_ids=[Command.set((other | self.company).ids)]
        )
        # A company that is not switched on is another company.
        self.assertIn("Received", self.page(tx.reference, both)[0])
        away = self.Timeline.with_user(both).with_context(allowed_company_ids=other.ids)
        self.assertFalse(any(away._find(tx.reference).values()))

    def test_neither_salespeople_nor_auditors(self):
        tx, _line = self.pay()
        for login, group in (
            ('timeline_sales', 'sales_team.group_sale_salesman_all_leads'),
            ('timeline_audit', 'account.group_account_readonly'),
        ):
            user = self.new_user(login, group)
            with self.assertRaises(AccessError):
                self.Timeline.with_user(user).create({'query': tx.reference})
            with self.assertRaises(AccessError):
                self.Timeline.with_user(user)._render(tx.reference)
            with self.assertRaises(AccessError):
                tx.with_user(user).action_pay_now_story()
        screen = self.Timeline.with_user(self.bookkeeper).create({'query': tx.reference})
        colleague = self.new_user('timeline_colleague', BOOKKEEPER)
        with self.assertRaises(AccessError):
            screen.with_user(colleague).read(['query'])
