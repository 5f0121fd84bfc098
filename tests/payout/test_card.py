# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json
from ast import literal_eval
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.payout.test_proof import ProofCommon

#: Who sees which figures, by the groups that a user has.
GROUPS = {
    'invoicing': 'account.group_account_invoice',
    'basic': 'account.group_account_basic',
    'accountant': 'account.group_account_user',
    'manager': 'account.group_account_manager',
    'reader': 'account.group_account_readonly',
}
#: Buttons and figures of the card, and the model that each opens.
OPENED = {
    'action_pay_now_balance': 'pay.now.movement',
    'action_pay_now_balance_screen': 'pay.now.balance',
    'action_pay_now_on_its_way': 'pay.now.payout',
    'action_pay_now_payouts': 'pay.now.payout',
    'action_pay_now_commissions': 'pay.now.movement',
    'action_pay_now_received': 'payment.transaction',
    'action_pay_now_payments': 'payment.transaction',
    'action_pay_now_to_handle': 'pay.now.to.handle',
}
#: What a reader of the books may not read, in Odoo or here.
NOT_FOR_READERS = ('payment.transaction', 'pay.now.to.handle')


class CardCommon(ProofCommon):
    """Ten days of a provider, counted by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.journal = cls.provider.journal_id

    def play(self):
        """A payment of each time, a refund, a dispute, and a payout on its way.

        At the provider: 500 + 295.40 + 98.10 + 49.00 - 30.00 - 120.00 - 295.40.
        """
        self.provider.sudo().pay_now_opening_balance = 500
        self.gateway.held += 500
        _tx, first = self.paid(8, 300, '4.60')
        refunded, _line = self.paid(6, 100, '1.90')
        disputed, _line = self.paid(0, 50, '1.00', instant=datetime.now(timezone.utc))
        ref = self.gateway.give_back(refunded.provider_reference, '30')
        refunded._synchronize()
        self.gateway.move(f'txn_{ref}', -30, 'refund', source_id=ref)
        self.dispute_of(disputed, 100, 20)
        self.arrives = datetime.now(timezone.utc) + timedelta(days=2)
        self.gateway.pay_out('po_1', [first], state='pending', arrives_at=self.arrives)
        self.gateway.pay_out('po_failed', amount=12)
        self.gateway.fail_payout('po_failed')
        self.sweep()

    def dispute_of(self, tx, amount, fee):
        """A payer disputes a payment: the money is withdrawn, with a fee."""
        withdrawn = self.gateway.move(
            'txn_dispute',
            -amount - fee,
            'dispute',
            fee,
            source_id='du_1',
            payment_id=tx.pay_now_payment_ref,
        )
        self.gateway.disputes['du_1'] = base.Dispute(
            id='du_1',
            state='open',
            amount=Decimal(amount),
            currency='EUR',
            created_at=datetime.now(timezone.utc),
            needs_response=True,
            due_at=datetime.now(timezone.utc) + timedelta(days=5),
            reason='fraudulent',
            payment_id=tx.pay_now_payment_ref,
            movements=(withdrawn,),
        )

    def card(self, user=None, journals=None):
        """Return what the card says to a user."""
        journals = (journals or self.journal).with_user(user or self.accountant)
        return journals._get_journal_dashboard_data_batched()[self.journal.id]

    def euros(self, amount):
        return self.company.currency_id.format(amount)

    def opened(self, name, user=None):
        """Return the records that a button of the card opens for a user."""
        user = user or self.accountant
        action = getattr(self.journal.with_user(user), name)()
        records = self.env[action['res_model']].with_user(user)
        if action.get('res_id'):
            return records.browse(action['res_id'])
        return records.search(json.loads(json.dumps(action['domain'], default=str)))


@tagged('post_install', '-at_install')
class TestCard(CardCommon):
    """The card of a provider's journal says what the other screens say."""

    def member(self, group, **values):
        return new_test_user(
            self.env,
            f'card_{group}',
            groups=f'{GROUPS[group]},base.group_user',
            **{
                'company_id': self.company.id,
                'company_ids': [Command.set(self.company.ids)],
                **values,
            },
        )

    def test_figures(self):
        """One history, looked at from all sides."""
        self.play()
        self.assert_counted_by_hand()
        self.assert_each_opens_what_it_adds_up()
        self.assert_same_as_the_other_screens()
        self.assert_nothing_of_a_bank()
        self.assert_other_journals_as_they_are()
        self.assert_not_of_companies_that_are_not_chosen()
        self.assert_shown_when_disconnected()
        self.assert_bank_too_with_statements()

    def assert_counted_by_hand(self):
        fees = ((8, 4.6), (6, 1.9), (0, 1), (0, 20))
        month = sum(fee for ago, fee in fees if self.day(ago).month == self.today.month)
        arrives = self.company._pay_now_day(self.arrives.replace(tzinfo=None))
        card = self.card()
        self.assertEqual(
            {
                name: card['pay_now'][name]
                for name in ('balance', 'on_its_way', 'received', 'commissions', 'is_own')
            },
            {
                'balance': self.euros(497.1),
                'on_its_way': self.euros(295.4),
                'received': self.euros(150),
                'commissions': self.euros(month),
                'is_own': True,
            },
        )
        self.assertIn(format_date(self.env, arrives), card['pay_now']['on_its_way_at'])
        self.assertIn("as of", card['pay_now']['balance_at'])
        # A dispute to answer, a payout that failed.
        self.assertEqual(card['pay_now']['to_handle'], 2)

    def assert_each_opens_what_it_adds_up(self):
        card = self.card()['pay_now']
        for name, figure, field, more in (
            ('action_pay_now_balance', 'balance', 'net', 500),
            ('action_pay_now_on_its_way', 'on_its_way', 'amount', 0),
            ('action_pay_now_received', 'received', 'pay_now_received', 0),
            ('action_pay_now_commissions', 'commissions', 'fee', 0),
        ):
            found = self.opened(name)
            with self.subTest(figure=figure):
                self.assertTrue(found)
                self.assertEqual(self.euros(sum(found.mapped(field)) + more), card[figure])
        self.assertEqual(len(self.opened('action_pay_now_to_handle')), card['to_handle'])
        self.assertEqual(len(self.opened('action_pay_now_payouts')), 2)
        self.assertEqual(len(self.opened('action_pay_now_payments')), 3)
        title = self.journal.with_user(self.accountant).open_action()
        self.assertEqual(title['res_model'], 'payment.transaction')

    def assert_same_as_the_other_screens(self):
        card = self.card()['pay_now']
        screen = self.opened('action_pay_now_balance_screen')
        self.assertEqual(card['balance'], self.euros(screen.balance))
        self.assertEqual(screen.state, 'right')
        statement = self.provider.sudo()._pay_now_statement(self.day(9), self.today)
        self.assertEqual(statement['commission'][0], -27.5)
        movement = self.env['pay.now.movement']._fees_domain(self.provider.sudo(), self.day(9))
        fees = self.env['pay.now.movement'].search(movement).mapped('fee')
        self.assertEqual(sorted(fees), [1, 1.9, 4.6, 20])

    def test_not_known_is_no_nothing(self):
        """Nothing was listed yet, as at PayPal without Transaction Search: no figure is made up."""
        self.paid(0, 50, '1.00', instant=datetime.now(timezone.utc))
        self.provider.sudo().pay_now_listed_from = False
        card = self.card()['pay_now']
        self.assertEqual((card['balance'], card['commissions']), ("not known", "not known"))
        self.assertFalse(card['balance_at'])
        self.assertEqual(card['received'], self.euros(50))

    def test_on_its_way_until_the_bank_shows_it(self):
        _tx, line = self.paid(8)
        self.gateway.pay_out('po_1', [line], state='pending')
        self.gateway.pay_out('po_late', amount=7, created_at=self.noon(15))
        self.gateway.pay_out('po_new', amount=9)
        self.sweep()
        payout = self.payout('po_1')
        self.assertEqual(self.card()['pay_now']['on_its_way'], self.euros(304.4))
        self.assertEqual(self.opened('action_pay_now_on_its_way'), payout | self.payout('po_new'))
        line = self.bank_line(295.4, label="STRIPE po_1")
        payout.sudo()._match_with(line, payout._transfer_lines())
        self.assertEqual(self.opened('action_pay_now_on_its_way'), self.payout('po_new'))

    def test_takings_of_each_day(self):
        """A second before and after midnight in Paris; what was given back was received."""
        midnight = self.company._pay_now_day_start(self.day(3)).replace(tzinfo=timezone.utc)
        self.paid(4, 30, instant=midnight - timedelta(seconds=1))
        self.paid(3, 70, instant=midnight)
        self.paid(0, 12, instant=datetime.now(timezone.utc))
        self.play()
        journal = self.journal.with_user(self.accountant)
        graph = json.loads(journal.kanban_dashboard_graph)[0]
        self.assertFalse(graph['is_sample_data'])
        values = [bar['value'] for bar in graph['values']]
        expected = {8: 300, 6: 100, 4: 30, 3: 70, 0: 62}
        self.assertEqual(values, [expected.get(ago, 0) for ago in range(13, -1, -1)])
        self.assertEqual([bar['type'] for bar in graph['values']][-2:], ['past', 'future'])
        self.assertEqual(
            graph['values'][-1]['label'],
            format_date(self.env, self.today, date_format='d MMM'),
        )

    def assert_nothing_of_a_bank(self):
        card = self.card()
        for name in (
            'has_at_least_one_statement',
            'nb_lines_bank_account_balance',
            'nb_lines_outstanding_pay_account_balance',
            'nb_misc_operations',
        ):
            self.assertFalse(card[name], name)

    def assert_other_journals_as_they_are(self):
        cards = (self.journal | self.bank).with_user(self.accountant)
        both = cards._get_journal_dashboard_data_batched()
        alone = self.bank.with_user(self.accountant)._get_journal_dashboard_data_batched()
        self.assertNotIn('pay_now', both[self.bank.id])
        self.assertEqual(both[self.bank.id], alone[self.bank.id])
        graphs = cards._get_bank_cash_graph_data()
        self.assertEqual(graphs[self.bank.id][0]['area'], True)
        title = self.bank.with_user(self.accountant).open_action()
        self.assertEqual(title['res_model'], 'account.bank.statement')
        ours = literal_eval(self.env.ref('account_pay_now.action_pay_now_cards').domain)
        self.assertEqual(self.env['account.journal'].search(ours), self.journal)

    def assert_bank_too_with_statements(self):
        """Somebody imports the provider's statements into its journal: Odoo's figures stay."""
        self.env['account.bank.statement.line'].create(
            {'journal_id': self.journal.id, 'amount': 5, 'payment_ref': "imported"}
        )
        self.env.invalidate_all()
        card = self.card()
        self.assertFalse(card['pay_now']['is_own'])
        self.assertTrue(card['nb_lines_bank_account_balance'])
        self.assertEqual(card['pay_now']['received'], self.euros(150))
        title = self.journal.with_user(self.accountant).open_action()
        self.assertEqual(title['res_model'], 'account.bank.statement')

    def assert_shown_when_disconnected(self):
        self.provider.sudo().action_pay_now_disconnect()
        self.assertEqual(self.card()['pay_now']['balance'], self.euros(497.1))

    # === WHO SEES WHAT === #

    def test_each_button_for_each_group(self):
        self.play()
        menus = self.env['ir.ui.menu']
        own = self.env.ref('account_pay_now.menu_pay_now_cards').id
        for group in GROUPS:
            user = self.member(group)
            card = self.card(user)['pay_now']
            is_reader = group == 'reader'
            with self.subTest(group=group):
                self.assertIn(own, menus.with_user(user)._visible_menu_ids())
                self.assertEqual(card['balance'], self.euros(497.1))
                self.assertEqual(card['received'], not is_reader and self.euros(150))
                self.assertEqual(card['to_handle'], 0 if is_reader else 2)
            for name, model in OPENED.items():
                with self.subTest(group=group, button=name):
                    if is_reader and model in NOT_FOR_READERS:
                        with self.assertRaises(AccessError):
                            self.opened(name, user).check_access('read')
                        continue
                    found = self.opened(name, user)
                    self.assertEqual(found._name, model)
                    found.read(['display_name'])
            if group in ('invoicing', 'reader'):
                for model in set(OPENED.values()) - set(is_reader and NOT_FOR_READERS or ()):
                    self.env[model].with_user(user).get_views([(False, 'list'), (False, 'form')])
            graph = json.loads(self.journal.with_user(user).kanban_dashboard_graph)[0]
            self.assertEqual(sum(bar['value'] for bar in graph['values']), 0 if is_reader else 450)
        self.assert_reader_comes_to_payouts()
        self.assert_seller_learns_no_balance()

    def assert_seller_learns_no_balance(self):
        """Whoever sells reads journals, too: the title of the list has an amount."""
        seller = new_test_user(
            self.env,
            'card_seller',
            groups='sales_team.group_sale_salesman',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        journal = self.journal.with_user(seller)
        self.assertTrue(journal.has_access('read'))
        with self.assertRaises(AccessError):
            journal.action_pay_now_balance()

    def assert_reader_comes_to_payouts(self):
        reader = self.env['res.users'].search([('login', '=', 'card_reader')])
        title = self.journal.with_user(reader).open_action()
        self.assertEqual(title['res_model'], 'pay.now.payout')

    def assert_not_of_companies_that_are_not_chosen(self):
        """Whoever works for a branch sees the card of its company, and no figures that are not."""
        branch = self.env['res.company'].create({'name': "Branch", 'parent_id': self.company.id})
        user = self.member('basic', company_id=branch.id, company_ids=[Command.set(branch.ids)])
        self.assertEqual(self.card(user)['pay_now'], {'is_own': True})
        self.assertFalse(self.opened('action_pay_now_balance', user))
        self.assertFalse(self.opened('action_pay_now_payments', user))

    # === SIZE AND NAMES === #

    def test_queries_do_not_grow(self):
        self.paid(0, 50, '1.00', instant=datetime.now(timezone.utc))
        self.sweep()
        self.connect_paypal()
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        elsewhere.partner_id.tz = self.company.partner_id.tz
        other = self.env['payment.provider'].search(
            [('code', '=', 'pay_now_stripe'), ('company_id', '=', elsewhere.id)]
        )
        other.sudo().pay_now_account = 'acct_other'
        other.sudo().pay_now_clearing_account_id = other._pay_now_create_clearing_account()
        journal = other._pay_now_create_journal()
        other.sudo().journal_id = journal
        self.accountant.company_ids |= elsewhere
        companies = (self.company | elsewhere).ids

        def count(journals):
            journals = journals.with_user(self.accountant)
            journals = journals.with_context(allowed_company_ids=companies)
            journals._pay_now_figures()
            journals._pay_now_daily_takings()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            journals._pay_now_figures()
            journals._pay_now_daily_takings()
            return self.cr.sql_log_count - before

        few = count(self.journal)
        self.assertLessEqual(few, 16)
        self.assertLessEqual(count(self.journal | self.paypal.journal_id | journal), few)

    def test_names_in_the_language_of_the_company(self):
        """Whoever connects: journal and accounts have French names in a French company."""
        self.load_language('fr_FR')
        self.company.partner_id.lang = 'fr_FR'
        self.env['ir.module.module'].search(
            [('name', '=', 'account_pay_now')]
        )._update_translations(['fr_FR'])
        type(self).connect_paypal()
        paypal = self.paypal
        clearing = paypal.pay_now_clearing_account_id
        self.assertEqual(clearing.with_context(lang='fr_FR').name, "PayPal à l’encaissement")
        name = paypal.with_context(lang='fr_FR').name
        self.assertEqual(paypal.journal_id.with_context(lang='fr_FR').name, name)
        self.assertNotEqual(name, paypal.with_context(lang='en_US').name)
