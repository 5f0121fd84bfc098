# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.provider.test_health import HEALTH, HealthCommon


@tagged('post_install', '-at_install')
class TestHealthDaily(HealthCommon):
    """The scheduled action over days, providers and companies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect_paypal()

    def count_checks(self):
        """Return the list that the accounts asked about from now on are added to."""
        asked = []
        for name, gateway in (('stripe', self.gateway), ('paypal', self.paypal_gateway)):
            check = gateway.check_account

            def count(currency='', name=name, check=check):
                asked.append(name)
                return check(currency)

            self.patch(gateway, 'check_account', count)
        return asked

    def test_a_week_of_red_is_one_notice(self):
        self.gateway.refused = self.auth_error()
        with freeze_time(fields.Datetime.now()) as clock:
            for _hour in range(0, 24 * 7, 4):
                clock.tick(timedelta(hours=4))
                self.look()
        self.assertEqual(len(self.notices()), 1)
        self.assertEqual(len(self.activities()), 1)
        self.assertFalse(self.activities(self.paypal))

    def test_green_is_asked_once_a_day_and_red_hourly(self):
        asked = self.count_checks()
        with freeze_time(fields.Datetime.now()) as clock:
            for _hour in range(24):
                clock.tick(timedelta(hours=1))
                self.look()
            self.assertEqual(sorted(asked), ['paypal', 'stripe'])
            asked.clear()
            self.provider.sudo().write({'pay_now_problem': "No.", 'pay_now_checked_at': clock()})
            self.gateway.refused = self.auth_error()
            for _hour in range(5):
                clock.tick(timedelta(hours=1))
                self.look()
        self.assertEqual(asked.count('stripe'), 5)

    def test_keys_valid_again_are_found_within_the_hour(self):
        self.gateway.refused = self.auth_error()
        self.look_anew()
        self.assertNotIn(self.provider, self.company._pay_now_providers())
        self.gateway.refused = None
        with freeze_time(fields.Datetime.now() + timedelta(hours=1)):
            self.look()
        self.assertIn(self.provider, self.company._pay_now_providers())

    def test_one_provider_failing_does_not_stop_the_other(self):
        Provider = type(self.provider)
        check = Provider._pay_now_check

        def fail(provider):
            if provider == self.provider:
                raise ValueError("A bug")
            return check(provider)

        self.paypal_gateway.refused = self.auth_error()
        with patch.object(Provider, '_pay_now_check', fail), mute_logger(HEALTH):
            self.look_anew()
        self.assertEqual(self.paypal.pay_now_health, 'red')
        self.assertFalse(self.provider.pay_now_problem)

    def test_two_companies_are_told_apart(self):
        other = self.env['res.company'].create({'name': "Moulin SAS", 'email': 'm@example.com'})
        other.pay_now_sage_customer_code = 'FR-9'
        other._pay_now_sign_up('moulin@example.com', 'accounting')
        theirs = self.env['payment.provider'].search(
            [('company_id', '=', other.id), ('code', '=', 'pay_now_stripe')]
        )
        theirs.sudo().write({'pay_now_status': 'connected', 'pay_now_known_health': 'waiting'})
        theirs.sudo().pay_now_api_key = 'sk_test_theirs'
        gateway_of = type(self).gateway_of
        broken = self.gateway_class()
        broken.refused = self.auth_error()
        with patch.object(
            type(self),
            'gateway_of',
            classmethod(
                lambda _cls, provider: broken if provider == theirs else gateway_of(provider)
            ),
        ):
            self.look_anew()
        self.assertEqual(theirs.pay_now_health, 'red')
        self.assertNotEqual(self.provider.pay_now_health, 'red')
        mails = self.env['mail.mail'].search([('email_to', '=', 'moulin@example.com')])
        self.assertEqual(len(mails), 1)
        self.assertFalse(self.notices())

    def test_branch_has_no_connection_of_its_own_to_look_at(self):
        self.env['res.company'].create({'name': "Branch", 'parent_id': self.company.id})
        self.gateway.refused = self.auth_error()
        self.look_anew()
        self.assertEqual(len(self.notices()), 1)

    def test_disconnected_is_not_looked_at(self):
        asked = self.count_checks()
        self.gateway.refused = self.auth_error()
        self.look_anew()
        self.assertTrue(self.activities())
        self.provider.action_pay_now_disconnect()
        self.assertFalse(self.activities(), "nobody has to fix it any more")
        asked.clear()
        self.look_anew()
        self.assertEqual(asked, ['paypal'])
        self.assertEqual(len(self.notices()), 1)
