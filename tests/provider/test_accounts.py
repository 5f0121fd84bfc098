# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.common import PayNowCommon

FORGET = 'odoo.addons.account_pay_now.models.provider.connection'


@tagged('post_install', '-at_install')
class TestAccounts(PayNowCommon):
    """One account, one record: another one, going live, and forgetting keys."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()

    def use(self):
        """Something is under way at the connected account."""
        return self.checkout(self.lines(self.make_invoice()))

    def become(self, **values):
        """The keys entered from now on belong to another account."""
        self.gateway.account = replace(self.gateway.account, **values)

    def enter(self, purpose, provider=None, **values):
        """Enter keys as an administrator does; return the company's newest record."""
        provider = provider or self.provider
        action = provider._pay_now_ask_keys(purpose, '')
        wizard = self.env['pay.now.connect'].with_context(**action['context'])
        wizard.create({'api_key': 'sk_new', **values}).action_connect()
        return self.records()[-1]

    def records(self):
        return self.env['payment.provider'].search(
            [('code', '=', 'pay_now_stripe'), ('company_id', '=', self.company.id)], order='id'
        )

    def assert_nothing_changed(self, before):
        self.assertEqual(self.records(), self.provider)
        self.provider.invalidate_recordset()
        self.assertEqual(self.provider.read()[0], before)

    # === ANOTHER ACCOUNT === #

    def test_keys_of_another_account_are_refused_with_the_way_out(self):
        self.use()
        self.become(id='acct_other')
        before = self.provider.read()[0]
        for purpose in ('connect', 'keys'):
            with self.assertRaisesRegex(UserError, "Connect another account"):
                self.enter(purpose)
        self.assert_nothing_changed(before)
        self.assertEqual(self.gateway.registered, 1)

    def test_another_account_before_any_payment_takes_the_record(self):
        self.provider.action_pay_now_disconnect()
        self.provider.sudo().write(
            {'pay_now_opening_balance': 55, 'pay_now_last_sweep_at': '2026-01-01'}
        )
        self.become(id='acct_other')
        self.gateway.held = Decimal(7)
        self.enter('connect')
        self.assertRecordValues(
            self.records(),
            [
                {
                    'pay_now_account': 'acct_other',
                    'pay_now_opening_balance': 7,
                    'pay_now_last_sweep_at': False,
                }
            ],
        )

    def test_another_account_gets_books_of_its_own(self):
        tx = self.use()
        self.become(id='acct_other')
        other = self.enter('another')
        self.assertNotEqual(other, self.provider)
        for name in (
            'journal_id',
            'pay_now_clearing_account_id',
            'pay_now_disputed_account_id',
        ):
            self.assertTrue(other[name])
            self.assertNotEqual(other[name], self.provider[name], name)
        self.assertEqual(
            other.pay_now_commission_account_id, self.provider.pay_now_commission_account_id
        )
        self.assertEqual(other.journal_id.default_account_id, other.pay_now_clearing_account_id)
        self.assertEqual(
            other._pay_now_method_line().payment_account_id, other.pay_now_clearing_account_id
        )
        self.assertEqual(self.provider._pay_now_method_line().payment_provider_id, self.provider)
        self.assertEqual(self.company._pay_now_providers(), other)
        self.assertRecordValues(
            self.provider, [{'pay_now_stage': 'followed', 'pay_now_replaced': True}]
        )
        self.assertTrue(self.provider.pay_now_api_key)
        self.assertIn(self.provider, self.provider._pay_now_swept())
        # What is under way there is booked there.
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(tx.payment_id.journal_id, self.provider.journal_id)
        self.assertAlmostEqual(self.clearing_balance(), 95.25)
        self.assertEqual(self.clearing_balance(other), 0)
        later = self.checkout(self.lines(self.make_invoice()), provider=other)
        self.gateway.pay(later)
        later._synchronize()
        self.assertEqual(later.payment_id.journal_id, other.journal_id)
        self.assertAlmostEqual(self.clearing_balance(other), 95.25)

    def test_another_account_that_is_refused_changes_nothing(self):
        self.use()
        before = self.provider.read()[0]
        self.become(id='acct_other', can_charge=False)
        with self.assertRaisesRegex(UserError, "cannot take payments"), self.cr.savepoint():
            self.enter('another')
        self.assert_nothing_changed(before)
        self.become(can_charge=True)
        self.gateway.down = True
        with self.assertRaisesRegex(UserError, "does not answer"), self.cr.savepoint():
            self.enter('another')
        self.gateway.down = False
        self.assert_nothing_changed(before)

    def test_the_same_account_is_not_another_one(self):
        self.use()
        with self.assertRaisesRegex(UserError, "Change keys"):
            self.enter('another')
        self.assertEqual(self.records(), self.provider)

    def test_back_to_the_first_account_is_the_first_record(self):
        self.use()
        first = self.gateway.account
        self.become(id='acct_other')
        other = self.enter('another')
        self.checkout(self.lines(self.make_invoice()), provider=other)
        self.gateway.account = first
        self.enter('another', other)
        self.assertEqual(self.records(), self.provider | other)
        self.assertEqual(self.provider.pay_now_status, 'connected')
        self.assertEqual(other.pay_now_status, 'not_connected')

    def test_names_in_every_language(self):
        self.load_language('fr_FR')
        self.provider.with_context(lang='fr_FR').name = "Stripe – factures"
        self.use()
        self.become(id='acct_b')
        other = self.enter('another')
        self.assertEqual(other.with_context(lang='fr_FR').name, "Stripe – factures (2)")
        self.become(test_mode=False)
        live = self.enter('live', other)
        self.assertTrue(other.with_context(lang='fr_FR').name.endswith('(2) (TEST)'))
        self.assertEqual(live.with_context(lang='fr_FR').name, "Stripe – factures (2)")

    def test_third_account_counts_on(self):
        self.use()
        for number, name in ((2, 'acct_b'), (3, 'acct_c')):
            self.become(id=name)
            other = self.enter('another', self.records()[-1])
            self.assertIn(f'({number})', other.name)
            self.assertNotIn(f'({number - 1})', other.name)

    # === TEST, THEN LIVE === #

    def test_live_keys_on_test_books_are_refused_with_the_way_out(self):
        self.use()
        self.become(test_mode=False)
        for purpose in ('connect', 'keys'):
            with self.assertRaisesRegex(UserError, "Go live"):
                self.enter(purpose)

    def test_going_live_keeps_the_books_of_the_test_apart(self):
        tx = self.use()
        self.gateway.pay(tx)
        tx._synchronize()
        held = self.clearing_balance()
        self.become(test_mode=False)
        self.provider.sudo().pay_now_api_base = False
        live = self.enter('live')
        self.assertRecordValues(
            live,
            [
                {
                    'state': 'enabled',
                    'pay_now_stage': 'live',
                    'pay_now_account': 'acct_test',
                    'pay_now_api_base': False,
                }
            ],
        )
        self.assertRecordValues(
            self.provider,
            [{'state': 'disabled', 'is_published': False, 'pay_now_stage': 'followed'}],
        )
        self.assertNotEqual(
            live.pay_now_clearing_account_id, self.provider.pay_now_clearing_account_id
        )
        self.assertEqual(self.clearing_balance(live), 0)
        self.assertAlmostEqual(self.clearing_balance(), held)
        for record in (
            self.provider,
            self.provider.journal_id,
            self.provider.pay_now_clearing_account_id,
        ):
            self.assertTrue(record.name.endswith('(TEST)'), record)
        self.assertNotIn('TEST', live.name)
        self.assertEqual(live.name, self.provider.name.removesuffix(' (TEST)'))
        self.assertNotIn('TEST', live.pay_now_clearing_account_id.name)
        self.assertFalse(self.company._pay_now_test_mode())
        self.assertEqual(self.company._pay_now_providers(), live)

    def test_going_live_with_test_keys_again_is_refused(self):
        self.use()
        with self.assertRaisesRegex(UserError, "test keys again"):
            self.enter('live')
        self.assertEqual(self.provider.pay_now_status, 'connected')

    def test_test_keys_beside_live_ones_close_nothing(self):
        self.provider.sudo().pay_now_api_base = False
        self.become(test_mode=False)
        live = self.enter('live')
        self.become(id='acct_try', test_mode=True)
        test = self.enter('another', live)
        self.assertEqual(live.pay_now_status, 'connected')
        self.assertEqual(self.company._pay_now_providers(), live)
        self.assertEqual(test.pay_now_status, 'connected')

    # === FORGETTING === #

    def forget(self, provider=None):
        wizard = self.env['pay.now.forget'].create({'provider_id': (provider or self.provider).id})
        return wizard, wizard.action_forget()

    def test_numbers_of_what_is_followed(self):
        self.assertFalse(self.provider._pay_now_followed_text())
        paid, partly, wholly = [self.use() for _number in range(3)]
        for tx in (paid, partly, wholly):
            self.gateway.pay(tx)
            tx._synchronize()
        self.gateway.give_back(partly.provider_reference, 10)
        self.gateway.give_back(wholly.provider_reference, 100)
        (partly | wholly)._synchronize()
        self.use()
        self.provider._pay_now_followed()
        self.env['pay.now.payout'].sudo().create(
            {
                'provider_id': self.provider.id,
                'payout_ref': 'po_1',
                'state': 'pending',
                'amount': 5,
                'currency_id': self.company.currency_id.id,
                'created_at': datetime.now(timezone.utc).replace(tzinfo=None),
            }
        )
        self.env['pay.now.dispute'].sudo().create(
            {
                'provider_id': self.provider.id,
                'dispute_ref': 'du_1',
                'transaction_id': paid.id,
                'currency_id': self.company.currency_id.id,
                'state': 'open',
            }
        )
        self.assertEqual(
            self.provider._pay_now_followed(),
            {'open': 1, 'refundable': 2, 'disputes': 1, 'payouts': 1},
        )
        self.assertIn("payments under way: 1", self.provider._pay_now_followed_text())

    def test_forgotten_keys_are_gone_and_history_stays(self):
        tx = self.use()
        self.gateway.pay(tx)
        tx._synchronize()
        opened = self.use()
        self.provider.action_pay_now_disconnect()
        self.assertIn("payments under way: 1", self.provider._pay_now_followed_text())
        wizard, _action = self.forget()
        self.assertEqual(opened.state, 'cancel', "ended while there were keys to do it with")
        self.assertNotIn("payments under way", wizard.followed_text)
        self.assertEqual(self.gateway.removed, ['we_test'])
        self.assertRecordValues(
            self.provider,
            [
                {
                    'pay_now_api_key': False,
                    'pay_now_webhook_secret': False,
                    'pay_now_webhook_ref': False,
                    'pay_now_account': 'acct_test',
                    'pay_now_stage': 'forgotten',
                    'pay_now_status': 'not_connected',
                }
            ],
        )
        self.assertAlmostEqual(self.clearing_balance(), 95.25)
        self.assertNotIn(self.provider, self.provider._pay_now_swept())
        asked = (
            self.env['payment.transaction']
            .sudo()
            .search(self.env['payment.transaction']._pay_now_sweep_domain())
        )
        self.assertFalse(asked, "nobody can be asked")
        self.enter('connect')
        self.assertEqual(self.records(), self.provider)
        self.assertEqual(self.provider.pay_now_status, 'connected')
        self.assertAlmostEqual(self.clearing_balance(), 95.25)

    def test_forgotten_record_still_belongs_to_its_account(self):
        self.use()
        self.provider.action_pay_now_disconnect()
        self.forget()
        self.become(id='acct_other')
        with self.assertRaisesRegex(UserError, "another account"):
            self.enter('connect')

    def test_forgetting_with_the_webhook_gone_is_silent(self):
        self.provider.action_pay_now_disconnect()
        self.gateway.webhooks.clear()
        _wizard, action = self.forget()
        self.assertEqual(action['tag'], 'soft_reload')

    def test_forgetting_in_a_copy_leaves_the_webhook_of_the_original(self):
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://copy.example.com')
        _wizard, action = self.forget()
        self.assertFalse(self.gateway.removed)
        self.assertIn("delete it there", action['params']['message'])

    @mute_logger(FORGET)
    def test_forgetting_while_the_provider_is_down_says_what_is_left(self):
        self.gateway.down = True
        url = self.provider.pay_now_webhook_url
        _wizard, action = self.forget()
        self.assertIn(url, action['params']['message'])
        self.assertFalse(self.provider.pay_now_api_key)

    def test_only_administrators_forget_keys(self):
        accountant = new_test_user(
            self.env,
            'pay_now_accountant',
            groups='account.group_account_manager',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        with self.assertRaises(AccessError):
            self.env['pay.now.forget'].with_user(accountant).create(
                {'provider_id': self.provider.id}
            )

    def test_disconnected_still_refunds(self):
        tx = self.use()
        self.gateway.pay(tx)
        tx._synchronize()
        self.provider.action_pay_now_disconnect()
        tx.action_refund(10)
        self.assertEqual(len(self.gateway.refund_calls), 1)

    def test_notification_after_forgetting_is_refused(self):
        self.provider.action_pay_now_disconnect()
        self.forget()
        self.assertEqual(
            self.provider._pay_now_connection().webhook_credentials(),
            {'webhook_id': '', 'former_webhook_id': '', 'webhook_secrets': ()},
        )
