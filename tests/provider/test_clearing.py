# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon


@tagged('post_install', '-at_install')
class TestClearing(PayoutCommon):
    """One account holds what a provider owes, whoever writes what and where."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clearing = cls.provider.pay_now_clearing_account_id
        cls.line = cls.provider._pay_now_method_line()
        cls.other = cls.new_account('511599')

    @classmethod
    def new_account(cls, code, **values):
        return cls.env['account.account'].create(
            {
                'code': code,
                'name': f"Account {code}",
                'account_type': 'asset_current',
                'reconcile': True,
                **values,
            }
        )

    def assert_one_account(self, account=None):
        """Field, line and journal say the same."""
        account = account or self.clearing
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.provider.pay_now_clearing_account_id, account)
        self.assertEqual(self.line.payment_account_id, account)

    def refuse(self, message, values, provider=None, error=UserError):
        with self.assertRaisesRegex(error, message), self.cr.savepoint():
            (provider or self.provider).write(values)
            self.env.flush_all()

    # === THE METHOD LINE FOLLOWS === #

    def test_line_follows_whoever_writes_it(self):
        for name, account in (('another', self.other.id), ('none', False)):
            with self.subTest(account=name):
                self.line.write({'payment_account_id': account})
                self.assert_one_account()
                self.provider.journal_id.write(
                    {
                        'inbound_payment_method_line_ids': [
                            Command.update(self.line.id, {'payment_account_id': account})
                        ]
                    }
                )
                self.assert_one_account()

    def test_line_follows_an_import(self):
        lines = self.env['account.payment.method.line']
        self.line._export_rows([['.id']])
        result = lines.load(['.id', 'payment_account_id/.id'], [[self.line.id, self.other.id]])
        self.assertFalse(result['messages'])
        self.assert_one_account()

    def test_journal_form_says_where_it_is_chosen(self):
        journal = self.provider.journal_id
        index = journal.inbound_payment_method_line_ids.ids.index(self.line.id)
        with (
            self.assertLogs('odoo.tests.form.onchange', 'WARNING') as logs,
            Form(journal) as form,
            form.inbound_payment_method_line_ids.edit(index) as line,
        ):
            line.payment_account_id = self.other
            self.assertEqual(line.payment_account_id, self.clearing)
        self.assertIn("its clearing account", str(logs.output))
        self.assert_one_account()

    def test_line_of_a_new_journal_stands_on_it_from_the_start(self):
        journal = self.provider.journal_id.copy({'code': 'STR9', 'name': "Other journal"})
        self.provider.journal_id = journal
        self.assertEqual(self.provider._pay_now_method_line().payment_account_id, self.clearing)
        self.assertEqual(self.provider._pay_now_method_line().journal_id, journal)

    def test_line_follows_the_field(self):
        self.provider.pay_now_clearing_account_id = self.other
        self.assert_one_account(self.other)

    def test_other_providers_choose_their_account(self):
        bank = self.company_data['default_journal_bank']
        line = bank.inbound_payment_method_line_ids[:1]
        line.payment_account_id = self.other
        self.env.flush_all()
        self.assertEqual(line.payment_account_id, self.other)

    def differ(self):
        """Do what only the database's own language can."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_payment_method_line SET payment_account_id = %s WHERE id = %s",
            [self.other.id, self.line.id],
        )
        self.env.invalidate_all()

    def test_all_is_booked_on_the_field_whatever_the_line_says(self):
        self.differ()
        tx, line = self.pay(300)
        self.gateway.give_back(tx.provider_reference, '100')
        tx._synchronize()
        self.gateway.pay_out('po_1', [line])
        self.sweep()
        entries = self.env['account.move'].search([('journal_id', '=', self.line.journal_id.id)])
        self.assertEqual(len(entries), 4)
        self.assertRecordValues(
            entries.line_ids.filtered(lambda item: item.account_id == self.clearing).sorted('id'),
            [
                {'debit': 300, 'credit': 0},
                {'debit': 0, 'credit': 4.6},
                {'debit': 0, 'credit': 100},
                {'debit': 0, 'credit': 295.4},
            ],
        )
        self.assertFalse(entries.line_ids.filtered(lambda item: item.account_id == self.other))
        self.assert_one_account()

    def test_health_is_red_where_line_and_field_differ(self):
        self.differ()
        self.provider._pay_now_check()
        self.assertEqual(self.provider.pay_now_health, 'red')
        self.assertIn(self.other.display_name, self.provider.pay_now_health_text)
        self.assertIn(self.clearing.display_name, self.provider.pay_now_health_text)
        self.provider.action_pay_now_check()
        self.assertNotEqual(self.provider.pay_now_health, 'red', self.provider.pay_now_health_text)
        self.assert_one_account()

    # === A CHANGE === #

    def test_change_is_refused_once_entries_stand_on_it(self):
        self.pay(300)
        for account in (self.other.id, False):
            self.refuse("entries stand on 101405", {'pay_now_clearing_account_id': account})
        manager = new_test_user(
            self.env,
            'pay_now_clearing_manager',
            groups='account.group_account_manager,base.group_user',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        options = self.env['pay.now.options'].with_user(manager).create({})
        line = options.line_ids.filtered('journal_id')
        with self.assertRaisesRegex(UserError, "entries stand on 101405"), self.cr.savepoint():
            line.pay_now_clearing_account_id = self.other
        settings = self.env['res.config.settings'].create({})
        with self.assertRaisesRegex(UserError, "entries stand on 101405"), self.cr.savepoint():
            settings.pay_now_provider_ids = [
                Command.update(self.provider.id, {'pay_now_clearing_account_id': self.other.id})
            ]
        # What changes nothing is no change.
        self.provider.pay_now_clearing_account_id = self.clearing
        self.assert_one_account()

    def test_change_is_refused_on_drafts_too(self):
        move = self.env['account.move'].create(
            self.provider._pay_now_prepare_entry(
                None, "draft", "draft", [(self.clearing, 5), (self.other, -5)]
            )
        )
        self.refuse("entries stand on", {'pay_now_clearing_account_id': self.other.id})
        move.button_cancel()
        self.provider.pay_now_clearing_account_id = self.other
        self.assert_one_account(self.other)

    def test_entries_of_another_company_are_none_of_ours(self):
        other = self.setup_other_company(name="Other")['company']
        provider = self.env['payment.provider'].search(
            [('code', '=', 'pay_now_stripe'), ('company_id', '=', other.id)]
        )
        self.pay(300)
        account = self.new_account('511598', company_ids=[Command.set(other.ids)])
        provider.pay_now_clearing_account_id = account
        provider.pay_now_clearing_account_id = False
        self.assertFalse(provider.pay_now_clearing_account_id)

    def test_change_while_a_payment_is_under_way(self):
        """Nothing is booked yet: all of it is booked on the new account."""
        tx = self.checkout(self.lines(self.make_invoice(300)))
        self.gateway.set(tx.provider_reference, state=base.PENDING)
        tx._synchronize()
        self.provider.pay_now_clearing_account_id = self.other
        self.gateway.pay(tx, commission='4.60')
        tx._synchronize()
        self.assertRecordValues(
            tx._pay_now_entries().line_ids.filtered(lambda item: item.account_id == self.other),
            [{'balance': 300}, {'balance': -4.6}],
        )
        self.gateway.pay_out('po_1', [self.gateway.movement_of(tx)])
        self.sweep()
        self.assertTrue(self.payout('po_1').settled)
        self.assertEqual(self.provider._pay_now_clearing_equation()['gap'], 0)

    def test_connected_provider_keeps_an_account(self):
        self.refuse("needs a clearing account", {'pay_now_clearing_account_id': False})

    def test_disputed_account_stays_while_payments_are_disputed(self):
        tx, _line = self.pay(300)
        self.gateway.disputes['du_1'] = base.Dispute(
            id='du_1',
            state='open',
            amount=300,
            currency='EUR',
            payment_id=tx.pay_now_payment_ref,
            movements=(self.gateway.move('txn_du', -300, 'dispute', source_id='du_1'),),
        )
        self.sweep()
        values = {'pay_now_disputed_account_id': self.other.id}
        self.refuse("while payments are disputed", values)
        self.env['pay.now.dispute'].sudo().search([]).state = 'lost'
        self.provider.write(values)

    def test_payout_meets_the_bank_after_another_transfer_account(self):
        _tx, line = self.pay(300)
        self.gateway.pay_out('po_1', [line])
        self.sweep()
        self.company.transfer_account_id = self.new_account('580999')
        self.bank_line(295.4, "VIR SEPA STRIPE EUROPE")
        self.assertEqual(self.payout('po_1').bank_state, 'matched')

    # === ONE PURPOSE === #

    def test_one_account_for_two_providers_is_refused(self):
        self.refuse(
            "also the clearing account of Stripe",
            {'pay_now_clearing_account_id': self.clearing.id},
            self.paypal,
            ValidationError,
        )

    def test_one_account_for_two_purposes_is_refused(self):
        disputed = self.provider.pay_now_disputed_account_id
        commission = self.provider.pay_now_commission_account_id
        self.connect_paypal()
        for provider in self.provider | self.paypal:
            for values, message in (
                ({'pay_now_clearing_account_id': disputed.id}, "the disputed payments account"),
                (
                    {'pay_now_disputed_account_id': provider.pay_now_clearing_account_id.id},
                    "the disputed payments account",
                ),
                (
                    {'pay_now_commission_account_id': provider.pay_now_clearing_account_id.id},
                    "the commission account",
                ),
                ({'pay_now_commission_account_id': disputed.id}, "choose two accounts"),
                ({'pay_now_clearing_account_id': commission.id}, "also the commission account"),
            ):
                with self.subTest(provider=provider.code, message=message):
                    self.refuse(message, values, provider)

    def test_accounts_of_the_bank_are_refused(self):
        bank = self.company_data['default_journal_bank']
        outstanding = self.new_account('512998')
        bank.inbound_payment_method_line_ids[:1].payment_account_id = outstanding
        for account, message in (
            (self.company.transfer_account_id, "internal transfer account"),
            (outstanding, "an account of the journal"),
            (bank.default_account_id, "an account of the journal"),
        ):
            with self.subTest(account=account.code):
                self.refuse(message, {'pay_now_clearing_account_id': account.id})
        bank.default_account_id = self.other
        self.refuse("an account of the journal", {'pay_now_clearing_account_id': self.other.id})

    def test_nobody_else_takes_the_clearing_account(self):
        bank = self.company_data['default_journal_bank']
        for record, field in (
            (bank, 'default_account_id'),
            (bank, 'suspense_account_id'),
            (bank.inbound_payment_method_line_ids[:1], 'payment_account_id'),
            (self.company, 'transfer_account_id'),
            (self.company, 'account_journal_suspense_account_id'),
        ):
            with (
                self.subTest(field=field),
                self.assertRaisesRegex(ValidationError, "101405"),
                self.cr.savepoint(),
            ):
                record[field] = self.clearing
                self.env.flush_all()

    def test_account_in_another_currency_is_refused(self):
        dollar = self.new_account('511597', currency_id=self.env.ref('base.USD').id)
        self.refuse("company's currency", {'pay_now_clearing_account_id': dollar.id})

    def test_archived_account_is_refused(self):
        self.other.active = False
        self.refuse(
            "511599 Account 511599 is archived", {'pay_now_clearing_account_id': self.other.id}
        )

    def test_change_is_refused_whatever_closes_the_books(self):
        """A hashed journal, a closed year, an archived account: nothing is moved by the way."""
        self.pay(300)
        self.provider.journal_id.restrict_mode_hash_table = True
        self.company.fiscalyear_lock_date = self.today
        self.clearing.active = False
        before = self.env['account.move'].search_count([])
        self.refuse("entries stand on 101405", {'pay_now_clearing_account_id': self.other.id})
        self.assertEqual(self.env['account.move'].search_count([]), before)

    def test_entries_of_a_branch_count(self):
        branch = self.env['res.company'].create({'name': "Lyon", 'parent_id': self.company.id})
        self.env['account.move'].with_company(branch).create(
            {
                'company_id': branch.id,
                'journal_id': self.company_data['default_journal_misc'].id,
                'line_ids': [
                    Command.create({'account_id': self.clearing.id, 'balance': 5}),
                    Command.create({'account_id': self.other.id, 'balance': -5}),
                ],
            }
        )
        self.refuse("entries stand on 101405", {'pay_now_clearing_account_id': self.other.id})
