# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import timedelta

from odoo import fields
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways.errors import GatewayRefused
from odoo.addons.account_pay_now.tests.common import PayNowCommon

CONNECTION = 'odoo.addons.account_pay_now.models.provider.payment_provider_connection'
HEALTH = 'odoo.addons.account_pay_now.models.provider.payment_provider_health'


class HealthCommon(PayNowCommon):
    """A connection that is looked at as the scheduled action does it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = new_test_user(
            cls.env,
            'pay_now_admin',
            groups='base.group_system,account.group_account_manager',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )
        cls.connect()
        cls.provider.sudo().pay_now_connected_by_id = cls.admin

    def look(self):
        """The scheduled action runs."""
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_health').method_direct_trigger()
        self.env.invalidate_all()

    def look_anew(self):
        """The scheduled action runs when the last look is long ago."""
        self.provider.sudo().pay_now_checked_at = False
        self.paypal.sudo().pay_now_checked_at = False
        self.look()

    def notices(self):
        """Return the notices written so far, oldest first."""
        return self.env['mail.mail'].search(
            [('email_to', '=', 'admin@example.com'), ('subject', 'like', 'Fournil')], order='id'
        )

    def activities(self, provider=None):
        return (provider or self.provider).activity_ids

    def pay(self, days=0, **ago):
        """A payment arrives and is booked; no notification tells of it."""
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.pay(tx)
        tx._synchronize()
        tx.sudo().pay_now_paid_at = fields.Datetime.now() - timedelta(days=days, **ago)
        return tx


@tagged('post_install', '-at_install')
class TestHealth(HealthCommon):
    """What each state of a connection is called, and who is notified."""

    def test_a_fresh_connection_alarms_nobody(self):
        self.assertEqual(self.provider.pay_now_health, 'amber')
        self.look_anew()
        self.assertEqual(self.provider.pay_now_health, 'amber')
        self.assertFalse(self.notices())
        self.assertFalse(self.activities())

    def test_red_is_reported_once_and_closed_when_fixed(self):
        self.gateway.refused = self.auth_error()
        for _day in range(3):
            self.look_anew()
        self.assertEqual(self.provider.pay_now_health, 'red')
        (notice,) = self.notices()
        self.assertIn("Stripe", notice.subject)
        self.assertIn("does not work", notice.subject)
        self.assertIn("Invalid API Key", notice.body_html)
        self.assertIn("Change keys", notice.body_html)
        self.assertIn('action_pay_now_setup', notice.body_html)
        (activity,) = self.activities()
        self.assertEqual(activity.user_id, self.admin)
        self.assertIn("Invalid API Key", activity.note)
        self.gateway.refused = None
        self.look_anew()
        self.assertNotEqual(self.provider.pay_now_health, 'red')
        self.assertFalse(self.activities())
        self.assertEqual(len(self.notices()), 1, "good news is no notice")

    def test_notice_in_the_language_of_the_company(self):
        self.load_language('fr_FR')
        self.company.partner_id.lang = 'fr_FR'
        self.gateway.account = replace(self.gateway.account, can_charge=False)
        self.look_anew()
        (notice,) = self.notices()
        french = self.provider.with_context(lang='fr_FR')
        problem = french._pay_now_account_problem(self.gateway.account)
        self.assertIn(french._pay_now_problem_label(problem)[:30], notice.body_html)

    def test_worded_in_the_language_of_the_reader(self):
        """What is noted once is worded for each reader, and for whom an activity is assigned to."""
        self.load_language('fr_FR')
        self.admin.lang = 'fr_FR'
        setup = self.env['pay.now.setup'].create({})
        self.gateway.account = replace(
            self.gateway.account, can_charge=False, missing=('external_account',)
        )
        self.look_anew()
        missing = "a bank account for payouts"
        for record, field, english in (
            (self.provider, 'pay_now_health_text', missing),
            (self.provider, 'pay_now_problem_text', missing),
            (setup, 'display_name', "Online payment set-up"),
            (setup, 'signup_text', "Signed up on"),
        ):
            with self.subTest(field):
                french = record.with_context(lang='fr_FR')[field]
                self.assertIn(english, record.with_context(lang='en_US')[field])
                self.assertTrue(french)
                self.assertNotIn(english, french)
        self.assertNotIn(missing, self.activities().note)
        self.assertIn('external_account', self.activities().note)
        self.assertIn(missing, self.notices().body_html, "the company's language")

    def test_sentence_kept_by_an_earlier_version_is_shown(self):
        self.provider.sudo().pay_now_problem = "Keys refused"
        self.assertEqual(self.provider.pay_now_health_text, "Keys refused")

    def test_the_scheduled_action_says_how_often_payments_are_booked(self):
        sweep = self.env.ref('account_pay_now.ir_cron_sweep')
        for values, expected in (
            ({}, "every 5 minutes"),
            ({'interval_number': 2, 'interval_type': 'hours'}, "every 120 minutes"),
        ):
            sweep.write(values)
            self.env.invalidate_all()
            self.assertIn(expected, self.provider.pay_now_health_text)
        sweep.active = False
        self.env.invalidate_all()
        self.assertNotIn("every", self.provider.pay_now_health_text)

    def test_coming_and_going_within_a_day_writes_once(self):
        for _time in range(3):
            self.gateway.refused = self.auth_error()
            self.look_anew()
            self.assertEqual(len(self.activities()), 1)
            self.gateway.refused = None
            self.look_anew()
            self.assertFalse(self.activities())
        self.assertEqual(len(self.notices()), 1)

    def test_whoever_connected_and_left_is_not_bothered(self):
        self.admin.active = False
        self.gateway.refused = self.auth_error()
        self.look_anew()
        self.assertNotEqual(self.activities().user_id, self.admin)
        self.assertTrue(self.activities().user_id.has_group('base.group_system'))

    def test_one_of_another_company_is_not_bothered(self):
        other = self.env['res.company'].create({'name': "Elsewhere"})
        self.admin.write({'company_ids': [(6, 0, other.ids)], 'company_id': other.id})
        self.gateway.refused = self.auth_error()
        self.look_anew()
        self.assertNotIn(self.admin, self.activities().user_id)

    def test_commission_account_taken_away_is_reported(self):
        self.provider._pay_now_note_event()
        self.look_anew()
        self.provider.pay_now_commission_account_id = False
        self.look_anew()
        self.assertEqual(self.provider.pay_now_health, 'amber')
        (notice,) = self.notices()
        self.assertIn("needs a look", notice.subject)
        self.assertIn("commission account", notice.body_html)

    # === PROVIDER THAT DOES NOT ANSWER === #

    def test_no_answer_once_or_twice_is_nothing(self):
        self.gateway.down = True
        with freeze_time(fields.Datetime.now()) as clock:
            for _time in range(3):
                self.env['pay.now.event'].sudo()._sweep()
                clock.tick(timedelta(minutes=5))
            self.assertNotIn("does not answer", self.provider.pay_now_health_text)
            self.gateway.down = False
            self.env['pay.now.event'].sudo()._sweep()
            clock.tick(timedelta(hours=2))
            self.gateway.down = True
            self.env['pay.now.event'].sudo()._sweep()
        self.assertNotIn("does not answer", self.provider.pay_now_health_text)
        self.assertFalse(self.notices())

    def test_no_answer_for_long_is_amber_and_reported_once(self):
        self.gateway.down = True
        with freeze_time(fields.Datetime.now()) as clock:
            for _time in range(15):
                self.env['pay.now.event'].sudo()._sweep()
                clock.tick(timedelta(minutes=5))
        self.assertEqual(self.provider.pay_now_health, 'amber')
        self.assertIn("does not answer since", self.provider.pay_now_health_text)
        self.assertEqual(len(self.notices()), 1)
        self.assertIn(self.provider, self.company._pay_now_providers(), "amber hides nothing")
        self.gateway.down = False
        self.env['pay.now.event'].sudo()._sweep()
        self.assertNotIn("does not answer", self.provider.pay_now_health_text)
        self.assertFalse(self.activities())

    def test_check_again_while_it_does_not_answer(self):
        self.gateway.down = True
        params = self.provider.action_pay_now_check()['params']
        self.assertIn("does not answer", params['message'])
        self.assertEqual(self.provider.pay_now_health, 'amber')
        self.assertFalse(self.notices())

    # === NOTIFICATIONS THAT DO NOT COME === #

    def test_payment_without_a_notification_is_reported(self):
        self.provider.sudo().pay_now_connected_at = fields.Datetime.now() - timedelta(days=2)
        self.pay(minutes=30)
        self.look_anew()
        self.assertIn("No notification received yet", self.provider.pay_now_health_text)
        self.pay(hours=5)
        self.look_anew()
        self.assertEqual(self.provider.pay_now_health, 'amber')
        self.assertIn("no notification of Stripe came", self.provider.pay_now_health_text)
        self.assertEqual(len(self.notices()), 1)
        self.provider._pay_now_note_event()
        self.assertEqual(self.provider.pay_now_health, 'green')

    def test_notifications_that_stop_are_reported(self):
        self.provider.sudo().pay_now_connected_at = fields.Datetime.now() - timedelta(days=9)
        self.provider.sudo().pay_now_last_event_at = fields.Datetime.now() - timedelta(days=4)
        self.pay(days=5)
        self.look_anew()
        self.assertEqual(self.provider.pay_now_health, 'green')
        self.pay(days=2)
        self.look_anew()
        self.assertEqual(self.provider.pay_now_health, 'amber')
        self.assertIn(self.provider.pay_now_webhook_url, self.provider.pay_now_health_text)

    # === WEBHOOK === #

    def webhook(self):
        return self.gateway.find_webhook(self.provider.pay_now_webhook_url)

    def test_webhook_gone_is_registered_again(self):
        self.gateway.webhooks.clear()
        self.look_anew()
        self.assertEqual(self.webhook().id, 'we_test_2')
        self.assertRecordValues(
            self.provider,
            [
                {
                    'pay_now_webhook_ref': 'we_test_2',
                    'pay_now_webhook_secret': 'whsec_test_2',
                    'pay_now_problem': False,
                }
            ],
        )
        self.assertFalse(self.notices())
        self.look_anew()
        self.assertEqual(self.gateway.registered, 2, "once is enough")

    def test_webhook_disabled_or_curtailed_is_registered_again(self):
        url = self.provider.pay_now_webhook_url
        for number, change in enumerate(({'enabled': False}, {'complete': False}), 2):
            self.gateway.webhooks[url] = replace(self.webhook(), **change)
            self.look_anew()
            self.assertTrue(self.webhook().enabled and self.webhook().complete)
            self.assertEqual(self.provider.pay_now_webhook_ref, f'we_test_{number}')

    def test_somebody_elses_webhook_at_our_address_is_not_ours(self):
        url = self.provider.pay_now_webhook_url
        self.gateway.webhooks[url] = replace(self.webhook(), id='we_foreign')
        self.look_anew()
        self.assertEqual(self.provider.pay_now_webhook_ref, 'we_test_2')
        self.assertEqual(self.provider.pay_now_webhook_secret, 'whsec_test_2')

    def test_webhook_that_cannot_be_registered_again_is_red(self):
        self.gateway.webhooks.clear()
        self.gateway.webhook_error = GatewayRefused("You have too many webhook endpoints.")
        self.look_anew()
        self.assertEqual(self.provider.pay_now_health, 'red')
        self.assertIn("too many webhook endpoints", self.provider.pay_now_health_text)
        self.assertEqual(len(self.notices()), 1)
        self.gateway.webhook_error = None
        self.look_anew()
        self.assertFalse(self.provider.pay_now_problem)
        self.assertFalse(self.activities())

    def test_an_address_that_became_https_is_registered(self):
        self.provider.sudo().write({'pay_now_api_base': False, 'pay_now_webhook_ref': False})
        self.provider.sudo().pay_now_webhook_url = 'http://10.0.0.1/pay_now/webhook/1'
        self.assertIn("only notifies https", self.provider.pay_now_health_text)
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://pay.example.com')
        self.look_anew()
        self.assertTrue(
            self.provider.pay_now_webhook_url.startswith('https://pay.example.com/pay_now/webhook')
        )
        self.assertTrue(self.provider.pay_now_webhook_ref)

    # === FAILED CALLS === #

    def test_a_refused_call_is_looked_at_at_once(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.refused = self.auth_error()
        with self.assertLogs(HEALTH, 'WARNING'):
            self.provider._pay_now_note_problem(self.auth_error())
        self.assertEqual(self.provider.pay_now_health, 'red')
        self.look()
        self.assertEqual(len(self.notices()), 1)
        self.assertTrue(tx)

    def test_a_refused_call_that_proves_wrong_is_reported_to_nobody(self):
        with mute_logger(HEALTH):
            self.provider._pay_now_note_problem(self.auth_error())
        self.look()
        self.assertNotEqual(self.provider.pay_now_health, 'red')
        self.assertFalse(self.notices())
