# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon


class ToHandleCommon(PayoutCommon):
    """One of each kind of what waits for a person."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_accountant',
            groups='account.group_account_user,base.group_user',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def rows(self, *kinds):
        """Return what an accountant sees."""
        rows = self.env['pay.now.to.handle'].with_user(self.accountant)
        return rows.search([('kind', 'in', kinds)] if kinds else [])

    def make_discrepancy(self):
        tx, _line = self.pay(90)
        return self.env['pay.now.discrepancy']._report(
            tx, 'booking', 'commission_booking', {'error': "no account"}, amount=4.6
        )

    def make_dispute(self, **values):
        tx, _line = self.pay(300)
        self.gateway.disputes['du_1'] = base.Dispute(
            **{
                'id': 'du_1',
                'state': 'open',
                'amount': Decimal(300),
                'currency': 'EUR',
                'created_at': datetime.now(timezone.utc),
                'needs_response': True,
                'due_at': datetime.now(timezone.utc) + timedelta(days=5),
                'reason': 'fraudulent',
                'payment_id': tx.pay_now_payment_ref,
                **values,
            }
        )
        self.sweep()
        return self.env['pay.now.dispute'].search([])

    def make_movement(self):
        self.gateway.move('txn_shop', 40, 'payment', label="Web shop")
        self.sweep()
        return self.env['pay.now.movement'].search([('movement_ref', '=', 'txn_shop')])

    def make_failed_payout(self):
        self.gateway.pay_out('po_failed', amount=12)
        self.gateway.fail_payout('po_failed')
        self.sweep()
        return self.payout('po_failed')

    def make_event(self):
        event = base.Event(
            id='evt_1',
            type='payout.paid',
            created_at=datetime.now(timezone.utc),
            subject='payout',
            object_id='po_x',
        )
        self.env['pay.now.event']._store(self.provider.sudo(), event, 'webhook')
        stored = self.env['pay.now.event'].search([('event_ref', '=', 'evt_1')])
        stored.sudo().write({'state': 'failed', 'error': "The answer cannot be read"})
        return stored

    def make_reminder(self):
        invoice = self.make_invoice(75)
        return (
            self.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'amount_due': 75,
                    'item_ids': self.lines(invoice).ids,
                    'state': 'uncertain',
                    'reason_codes': [['interrupted', {}]],
                    'sent_at': datetime.now(),
                }
            )
        )

    def make_answer(self):
        invoice = self.make_invoice(65)
        return invoice.sudo()._pay_now_answer(
            'problem', set(self.lines(invoice).ids), text="Mouldy"
        )


@tagged('post_install', '-at_install')
class TestToHandle(ToHandleCommon):
    def assert_row(self, record, kind, **values):
        """The record is the one row of its kind, and opens by it."""
        row = self.rows(kind)
        self.assertEqual(len(row), 1)
        action = row.action_open()
        self.assertEqual((action['res_model'], action['res_id']), (record._name, record.id))
        record.with_user(self.accountant).check_access('read')
        self.assertEqual(row.company_id, self.company)
        for name, value in values.items():
            self.assertEqual(row[name], value, name)
        return row

    def test_each_kind(self):
        stripe, customer = self.provider, self.customer
        records = {
            'discrepancy': self.make_discrepancy(),
            'dispute': self.make_dispute(),
            'movement': self.make_movement(),
            'payout': self.make_failed_payout(),
            'event': self.make_event(),
            'reminder': self.make_reminder(),
            'answer': self.make_answer(),
        }
        expected = {
            'discrepancy': {'amount': 4.6, 'partner_id': customer, 'provider_id': stripe},
            'dispute': {'amount': 300, 'partner_id': customer, 'provider_id': stripe},
            'movement': {'amount': 40, 'provider_id': stripe},
            'payout': {'amount': 12, 'provider_id': stripe},
            'event': {'provider_id': stripe},
            'reminder': {'amount': 75, 'partner_id': customer},
            'answer': {'amount': 65, 'partner_id': customer},
        }
        for kind, record in records.items():
            self.assert_row(record, kind, **expected[kind])
        rows = self.rows()
        self.assertEqual(len(set(rows.ids)), 7)
        self.assertEqual(rows[0].kind, 'dispute', "what has a deadline comes first")
        self.assertEqual(rows[0].deadline, records['dispute'].due_at)
        labels = {row.kind: row.name for row in rows}
        self.assertIn("Not authorised by the payer", labels['dispute'])
        self.assertIn("Web shop", labels['movement'])
        self.assertIn("Account closed", labels['payout'])
        self.assertIn("cannot be read", labels['event'])
        self.assertIn("Interrupted", labels['reminder'])

    def test_a_discrepancy_is_read_in_any_language(self):
        self.load_language('fr_FR')
        found = self.make_discrepancy()
        row = self.rows('discrepancy')
        self.assertEqual(row.name, "The commission could not be booked: no account")
        french = "La commission n’a pas pu être comptabilisée\N{NO-BREAK SPACE}: no account"
        self.assertEqual(row.with_context(lang='fr_FR').name, french)
        self.assertEqual(found.with_context(lang='fr_FR').display_name, french)
        found.name = "Noted long ago"
        for code in (False, 'of_another_version'):
            found.sudo().code = code
            row.invalidate_recordset()
            self.assertEqual(row.with_context(lang='fr_FR').name, "Noted long ago")

    def test_what_was_dismissed_does_not_come_back_in_another_language(self):
        self.load_language('fr_FR')
        tx, _line = self.pay(90)
        reported = ('booking', 'commission_booking', {'error': "no account"})
        English, French = (
            self.env['pay.now.discrepancy'].with_context(lang=lang) for lang in ('en_US', 'fr_FR')
        )
        first = French._report(tx, *reported)
        self.assertEqual(first.name, "The commission could not be booked: no account")
        first._dismiss("Known")
        self.assertEqual(English._report(tx, *reported), first)
        # As earlier versions noted it.
        first.name = French._write_message(tx, *reported[1:]).replace('’', "'")
        self.assertNotIn("could not", first.name)
        self.assertEqual(English._report(tx, *reported), first)
        changed = English._report(tx, 'booking', 'commission_booking', {'error': "no journal"})
        self.assertEqual((changed.state, changed.name[-10:]), ('open', "no journal"))

    def test_what_is_settled_is_gone_at_once(self):
        discrepancy, event, reminder = (
            self.make_discrepancy(),
            self.make_event(),
            self.make_reminder(),
        )
        self.assertEqual(len(self.rows()), 3)
        discrepancy._dismiss("Known")
        event.action_replay()
        reminder.sudo().state = 'sent'
        self.assertFalse(self.rows())

    def test_a_dispute_that_is_answered_does_not_wait(self):
        dispute = self.make_dispute()
        self.assert_row(dispute, 'dispute')
        self.gateway.disputes['du_1'] = replace(self.gateway.disputes['du_1'], needs_response=False)
        dispute.action_check()
        self.assertFalse(self.rows('dispute'))

    def test_a_movement_that_is_decided_does_not_wait(self):
        movement = self.make_movement()
        self.assert_row(movement, 'movement')
        movement.with_user(self.accountant).action_handled()
        self.assertFalse(self.rows('movement'))

    def test_a_reminder_waits_as_long_as_something_is_open(self):
        reminder = self.make_reminder()
        for state in ('uncertain', 'failed'):
            reminder.state = state
            self.assert_row(reminder, 'reminder')
        register = self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=reminder.item_ids.move_id.ids
        )
        register.create({}).action_create_payments()
        self.assertFalse(self.rows('reminder'))

    def test_a_failed_payout_waits_until_the_next_one_arrives(self):
        self.assert_row(self.make_failed_payout(), 'payout')
        self.gateway.pay_out('po_2', amount=12)
        self.sweep()
        self.assertFalse(self.rows('payout'))

    def test_a_payout_the_bank_does_not_show(self):
        self.gateway.pay_out(
            'po_1', amount=12, created_at=datetime.now(timezone.utc) - timedelta(days=13)
        )
        self.provider.sudo().pay_now_connected_at -= timedelta(days=20)
        self.sweep()
        self.assertFalse(self.rows('payout'), "no statement tells what the bank knows")
        self.bank_line(99, "Something else", days=0)
        payout = self.payout('po_1')
        self.assert_row(payout, 'payout')
        line = self.bank_line(12, "VIREMENT", days=-10)
        payout.sudo()._match_with(line, payout._transfer_lines())
        self.assertFalse(self.rows('payout'))

    def test_own_companies_only(self):
        self.make_discrepancy()
        self.make_reminder()
        other = self.env['res.company'].create({'name': "Other"})
        branch = self.env['res.company'].create({'name': "Branch", 'parent_id': self.company.id})
        both = self.company | other | branch
        self.accountant.company_ids = [(6, 0, both.ids)]
        rows = self.env['pay.now.to.handle'].with_user(self.accountant)
        self.assertEqual(rows.with_context(allowed_company_ids=both.ids).search_count([]), 2)
        self.assertFalse(rows.with_context(allowed_company_ids=other.ids).search_count([]))
        self.assertFalse(rows.with_context(allowed_company_ids=branch.ids).search_count([]))

    def test_the_journal_says_how_much_waits(self):
        self.make_discrepancy()
        self.make_movement()
        self.make_reminder()
        journal = self.provider.journal_id
        cards = (journal | self.bank).with_user(self.accountant)
        data = cards._get_journal_dashboard_data_batched()
        self.assertEqual(data[journal.id]['pay_now']['to_handle'], 2)
        self.assertNotIn('pay_now', data[self.bank.id])
        action = journal.with_user(self.accountant).action_pay_now_to_handle()
        rows = self.env['pay.now.to.handle'].with_user(self.accountant)
        self.assertEqual(rows.search_count(action['domain']), 2)
        reader = new_test_user(
            self.env,
            'pay_now_reader',
            groups='account.group_account_readonly,base.group_user',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        data = cards.with_user(reader)._get_journal_dashboard_data_batched()
        self.assertEqual(data[journal.id]['pay_now']['to_handle'], 0)

    def test_not_for_everybody(self):
        nobody = new_test_user(self.env, 'pay_now_nobody', groups='base.group_user')
        with self.assertRaises(AccessError):
            self.env['pay.now.to.handle'].with_user(nobody).search([])

    def test_grouped_and_filtered(self):
        self.make_discrepancy()
        self.make_movement()
        rows = self.env['pay.now.to.handle'].with_user(self.accountant)
        self.assertEqual(
            dict(rows._read_group([], ['kind'], ['__count'])), {'discrepancy': 1, 'movement': 1}
        )
        self.assertEqual(rows.search([('partner_id', '=', self.customer.id)]).kind, 'discrepancy')


@tagged('post_install', '-at_install')
class TestBalance(ToHandleCommon):
    def opened(self):
        """Return the screen an accountant opens."""
        action = self.env['pay.now.balance'].with_user(self.accountant).action_open()
        return (
            self.env['pay.now.balance']
            .with_user(self.accountant)
            .search(action['domain'])
            .filtered(lambda one: one.provider_id == self.provider)
        )

    def test_right_to_the_cent(self):
        self.pay(300)
        self.make_movement()
        self.assertRecordValues(
            self.opened(),
            [
                {
                    'state': 'right',
                    'balance': 335.40,
                    'foreign': -40,
                    'expected': 295.40,
                    'clearing': 295.40,
                    'gap': 0,
                    'to_decide_count': 1,
                    'by_hand_count': 0,
                }
            ],
        )

    def test_an_entry_made_by_hand(self):
        self.pay(300)
        move = self.env['account.move'].create(
            self.provider._pay_now_prepare_entry(
                None,
                ref="by hand",
                label="by hand",
                amounts=[
                    (self.provider.pay_now_clearing_account_id, 25),
                    (self.company_data['default_account_revenue'], -25),
                ],
            )
        )
        move.action_post()
        balance = self.opened()
        self.assertRecordValues(balance, [{'state': 'gap', 'gap': 25, 'by_hand_count': 1}])
        items = self.env['account.move.line'].search(balance.action_open_by_hand()['domain'])
        self.assertEqual(items.move_id, move)
        self.assertIn(items, items.search(balance.action_open_items()['domain']))
        move._reverse_moves(cancel=True)
        balance.action_read_again()
        self.assertRecordValues(balance, [{'state': 'right', 'gap': 0, 'by_hand_count': 0}])

    def test_payouts_refunds_and_disputes_are_not_by_hand(self):
        tx, line = self.pay(300)
        self.gateway.pay_out('po_1', [line])
        self.gateway.give_back(tx.provider_reference, '50')
        tx._synchronize()
        self.make_failed_payout()
        self.make_dispute()
        self.assertEqual(self.opened().by_hand_count, 0)

    def test_comparing_from_here(self):
        balance = self.opened()
        answer = balance.action_compare()
        self.assertEqual(answer['params']['type'], 'success')
        self.assertTrue(balance.compared_at)
        self.assertEqual(
            balance.action_open_found()['domain'], [('provider_id', '=', self.provider.id)]
        )

    def test_a_provider_that_does_not_answer(self):
        self.gateway.down = True
        balance = self.opened()
        self.assertRecordValues(balance, [{'state': 'unknown', 'gap': 0}])
        self.assertIn("does not answer", balance.problem)
        self.assertEqual(balance.action_compare()['params']['type'], 'warning')

    def test_of_nobody_else(self):
        balance = self.opened()
        other = new_test_user(
            self.env,
            'pay_now_other',
            groups='account.group_account_invoice,base.group_user',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        with self.assertRaises(AccessError):
            balance.with_user(other).action_read_again()
