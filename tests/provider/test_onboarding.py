# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.provider.platform import PlatformCase

SETUP = '/odoo/action-account_pay_now.action_pay_now_setup'


@tagged('post_install', '-at_install')
class TestOnboarding(PlatformCase):
    """From *Connect* to the provider's own pages and back, and what is then done with it."""

    # === THE WHOLE WAY === #

    def test_whole_way(self):
        for provider in (self.provider, self.paypal):
            with self.subTest(provider.code):
                side = self.side(provider)
                answer = self.register(provider)
                self.assertTrue(answer.headers['Location'].endswith(SETUP))
                merchant = self.merchant(provider)
                self.assertRecordValues(
                    provider,
                    [
                        {
                            'pay_now_status': 'connected',
                            'state': 'test',
                            'is_published': True,
                            'pay_now_account': merchant,
                            'pay_now_missing': False,
                            'pay_now_problem': False,
                        }
                    ],
                )
                for secret in ('api_key', 'api_secret', 'webhook_secret'):
                    self.assertFalse(provider[f'pay_now_{secret}'])
                self.assertNotEqual(merchant, side.account_id)
                self.assertEqual(side.account_state(merchant)['email'], 'admin@example.com')
                self.assertTrue(provider.pay_now_webhook_ref)
                self.side(provider).outbox()
                tx = self.pay(provider)
                self.deliver()
                self.assertEqual((tx.state, tx.invoice_ids.payment_state), ('done', 'paid'))
                self.assertEqual(provider.pay_now_health, 'green')
                if provider == self.provider:
                    self.sandbox.release_fees(account=merchant)
                self.deliver()
                state = side.account_state(merchant)
                self.assertEqual(round(self.clearing_balance(provider) * 100), state['balance'])
                self.assertEqual(side.account_state()['balance'], 0, "nothing is the platform's")

    def test_refund_on_a_connected_account(self):
        for provider in (self.provider, self.paypal):
            self.register(provider)
            tx = self.pay(provider)
            self.deliver()
            provider.action_pay_now_disconnect()
            tx._refund(amount_to_refund=20)
            self.deliver()
            (refund,) = self.side(provider).account_state(self.merchant(provider))['refunds']
            self.assertEqual(refund['amount'], 2000)

    def test_without_notifications(self):
        """Registered without coming back, paid without returning: the sweep sees both."""
        for provider in (self.provider, self.paypal):
            self.press(provider, self.leave(provider))
            self.lose_notifications()
            self.sweep()
            self.assertEqual(provider.pay_now_status, 'connected')
            tx = self.pay(provider)
            if provider == self.paypal:
                tx._synchronize(payer_returned=True)
            self.lose_notifications()
            self.sweep()
            self.assertEqual(tx.state, 'done')

    def test_registered_without_coming_back(self):
        for provider in (self.provider, self.paypal):
            self.press(provider, self.leave(provider))
            self.deliver()
            self.assertEqual(provider.pay_now_status, 'connected')
            events = self.env['pay.now.event'].search([('provider_id', '=', provider.id)])
            self.assertEqual(set(events.mapped('state')), {'done'})
            self.assertEqual(set(events.mapped('subject')), {'account'})

    def test_one_failure_does_not_keep_the_others_from_being_followed(self):
        for provider in (self.provider, self.paypal):
            self.press(provider, self.leave(provider))
        set_up = type(self.provider)._pay_now_set_up_accounting

        def fail(provider):
            if provider == self.provider:
                raise ZeroDivisionError
            return set_up(provider)

        with (
            patch.object(self.env.registry['payment.provider'], '_pay_now_set_up_accounting', fail),
            mute_logger('odoo.addons.account_pay_now.models.payment_provider_onboarding'),
        ):
            self.env['payment.provider']._pay_now_resume_onboardings()
        self.assertEqual(self.provider.pay_now_status, 'not_connected')
        self.assertEqual(self.paypal.pay_now_status, 'connected')

    def test_registrations_are_not_followed_for_ever(self):
        self.press(self.provider, self.leave(self.provider))
        self.provider.sudo().pay_now_onboarding_at -= timedelta(days=3)
        self.sandbox.requests(clear=True)
        self.env['payment.provider']._pay_now_resume_onboardings()
        self.assertFalse(self.sandbox.requests())

    # === LEFT AND RESUMED === #

    def test_left_and_resumed(self):
        for provider, half, expected in (
            (self.provider, 'partial', "a bank account for payouts (external_account)"),
            (self.paypal, 'unconfirmed', "confirm your e-mail address"),
        ):
            with self.subTest(provider.code):
                self.register(provider, half)
                self.assertEqual(provider.pay_now_status, 'not_connected')
                self.assertIn(expected, provider.pay_now_missing_text)
                self.assertFalse(provider.pay_now_clearing_account_id)
                merchant = self.merchant(provider)
                self.assertTrue(merchant)
                self.register(provider)
                self.assertEqual(provider.pay_now_status, 'connected')
                self.assertFalse(provider.pay_now_missing)
                self.assertEqual(self.merchant(provider), merchant, "no second account")

    def test_refused(self):
        for provider, how in ((self.provider, 'leave'), (self.paypal, 'refuse')):
            self.register(provider, how)
            self.assertEqual(provider.pay_now_status, 'not_connected')
            self.assertTrue(provider.pay_now_missing_text)
            self.assertFalse(provider.pay_now_account)
            self.register(provider)
            self.assertEqual(provider.pay_now_status, 'connected')

    def test_completed_meanwhile_needs_no_further_visit(self):
        for provider in (self.provider, self.paypal):
            self.press(provider, self.leave(provider))
            action = provider.with_user(self.admin).action_pay_now_connect()
            self.assertEqual(action['tag'], 'soft_reload')
            self.assertEqual(provider.pay_now_status, 'connected')

    def test_disconnected_and_connected_again(self):
        for provider in (self.provider, self.paypal):
            self.register(provider)
            merchant, journal = self.merchant(provider), provider.journal_id
            provider.action_pay_now_disconnect()
            self.side(provider).outbox()
            if provider == self.provider:
                self.sandbox.register(account=merchant)
            self.deliver()
            self.assertEqual(provider.pay_now_status, 'not_connected', "as somebody wanted")
            self.assertEqual(
                provider.with_user(self.admin).action_pay_now_connect()['tag'], 'soft_reload'
            )
            self.assertEqual(provider.pay_now_status, 'connected')
            self.assertEqual((self.merchant(provider), provider.journal_id), (merchant, journal))

    def test_used_link_leads_on_by_a_new_one(self):
        url = self.leave(self.provider)
        self.assertTrue(self.url_open(url).ok)
        path = self.press_again(url)
        self.assertTrue(path.endswith('/refresh'))
        answer = self.come_back(path)
        self.assertEqual(answer.status_code, 303)
        self.assertTrue(answer.headers['Location'].startswith(f'{self.sandbox.api_base}/setup/'))
        self.assertEqual(self.come_back(path).status_code, 403, "one new link for a lapsed one")
        self.come_back(self.press(self.provider, answer.headers['Location']))
        self.assertEqual(self.provider.pay_now_status, 'connected')

    def press_again(self, url):
        """Open a link that was opened; return the path the browser is sent to."""
        answer = self.url_open(url, allow_redirects=False)
        return answer.headers['Location'].removeprefix(self.base_url())

    # === ORDER OF STEPS, KEYS OF ONE'S OWN === #

    def test_steps_are_in_order(self):
        self.company.sudo().pay_now_signup_date = False
        with self.assertRaisesRegex(UserError, "step 2"):
            self.leave(self.provider)
        self.company.pay_now_sage_customer_code = False
        with self.assertRaisesRegex(UserError, "step 1"):
            self.leave(self.paypal)
        self.assertFalse(self.env['pay.now.onboarding'].sudo().search([]))

    def test_keys_remain_possible(self):
        provider = self.provider.with_user(self.admin)
        self.register(self.provider, 'partial')
        self.assertEqual(provider.action_pay_now_connect_keys()['res_model'], 'pay.now.connect')
        wizard = (
            self.env['pay.now.connect']
            .with_user(self.admin)
            .create(
                {
                    'provider_id': provider.id,
                    'api_key': self.sandbox.key,
                    'api_base': self.sandbox.api_base,
                }
            )
        )
        wizard.action_connect()
        self.assertRecordValues(
            self.provider,
            [
                {
                    'pay_now_account': 'acct_sandbox',
                    'pay_now_webhook_ref': provider.pay_now_webhook_ref,
                }
            ],
        )
        self.assertIn(f'/pay_now/webhook/{provider.id}', provider.pay_now_webhook_url)
        self.assertFalse(self.provider._pay_now_on_platform())
        # What happens at the account that was left half-way is nobody's any more.
        self.sandbox.register(account=self.merchant(self.provider))
        self.deliver()
        self.assertEqual(self.provider.pay_now_account, 'acct_sandbox')

    def test_books_about_an_account_are_not_mixed(self):
        self.provider.sudo().pay_now_api_base = self.sandbox.api_base
        self.provider._pay_now_connect(self.sandbox.key)
        self.pay(self.provider)
        self.provider.action_pay_now_disconnect()
        with self.assertRaisesRegex(UserError, "acct_sandbox"):
            self.leave(self.provider)
        self.assertTrue(self.provider._pay_now_gateway().check_account().can_charge)
        self.assertFalse(
            [call for call in self.sandbox.requests() if call['path'] == '/v1/accounts']
        )

    def test_two_companies_share_nothing(self):
        other = self.setup_other_company(name="Meunier SAS")['company']
        provider = self.env['payment.provider'].search(
            [('code', '=', 'pay_now_stripe'), ('company_id', '=', other.id)]
        )
        other.pay_now_sage_customer_code = 'FR-9'
        other._pay_now_sign_up('other@example.com', 'accounting')
        self.admin.company_ids += other
        self.register(self.provider)
        self.register(provider)
        self.assertNotEqual(self.merchant(provider), self.merchant(self.provider))
        self.side(provider).outbox()
        tx = self.pay(self.provider)
        self.deliver()
        self.assertEqual(tx.state, 'done')
        self.assertFalse(
            self.env['pay.now.event'].search([('provider_id', '=', provider.id)]),
            "each company is notified of its own account only",
        )

    # === PROVIDER DOWN === #

    def test_provider_down_at_the_beginning(self):
        for provider, path in ((self.provider, '/v1/account'), (self.paypal, '/v2/customer')):
            self.side(provider).misbehave(path=path, status=503, times=9)
            with self.assertRaisesRegex(UserError, "does not answer"):
                self.leave(provider)
            self.side(provider).control('behave')
            self.side(provider).webhooks(mode='held')
            self.register(provider)
            self.assertEqual(provider.pay_now_status, 'connected')

    def test_provider_down_on_the_way_back(self):
        for provider in (self.provider, self.paypal):
            path = self.press(provider, self.leave(provider))
            self.side(provider).misbehave(path='/v1/', status=503, times=9)
            answer = self.come_back(path)
            self.assertEqual(answer.status_code, 303)
            self.assertEqual(provider.pay_now_status, 'not_connected')
            self.assertIn("does not answer", provider.pay_now_missing_text)
            self.side(provider).control('behave')
            self.side(provider).webhooks(mode='held')
            self.assertEqual(
                provider.with_user(self.admin).action_pay_now_connect()['tag'], 'soft_reload'
            )
            self.assertFalse(provider.pay_now_missing)

    def test_currency_of_the_books(self):
        url = self.leave(self.provider)
        self.sandbox.account(account=self.merchant(self.provider), currency='usd')
        self.come_back(self.press(self.provider, url))
        self.assertIn("settled in USD", self.provider.pay_now_missing_text)
        self.assertEqual(self.provider.pay_now_status, 'not_connected')

    def test_visits_are_forgotten(self):
        self.leave(self.provider)
        visit = self.env['pay.now.onboarding'].sudo().search([])
        visit.sudo().expires_at = fields.Datetime.now() - timedelta(minutes=1)
        self.env['pay.now.onboarding'].sudo()._gc_visits()
        self.assertFalse(visit.exists())
