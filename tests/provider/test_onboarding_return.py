# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.provider.platform import PAYPAL, PlatformCase


@tagged('post_install', '-at_install')
class TestOnboardingReturn(PlatformCase):
    """Who may come back from a provider's registration: nobody else, no second time."""

    def setUp(self):
        super().setUp()
        self.url = self.leave(self.provider)
        self.path = self.press(self.provider, self.url)
        self.visit = self.env['pay.now.onboarding'].sudo().search([])

    def assert_refused(self, path=None, login='pay_now_admin'):
        """The way back is closed, says so, and changes nothing."""
        before = self.state()
        answer = self.come_back(path or self.path, login)
        self.assertEqual(answer.status_code, 403)
        self.assertIn("Nothing was changed", answer.text)
        self.assertEqual(answer.headers['Cache-Control'], 'no-store')
        self.assertEqual(self.state(), before)

    def state(self):
        self.env.invalidate_all()
        return (
            self.provider.sudo().read()[0],
            self.paypal.sudo().read()[0],
            len(self.visit.exists()),
        )

    def refreshing(self):
        return self.path.replace('/return', '/refresh')

    def test_once(self):
        self.assertEqual(self.come_back(self.path).status_code, 303)
        self.assertEqual(self.provider.pay_now_status, 'connected')
        self.provider.action_pay_now_disconnect()
        self.assert_refused()
        self.assert_refused(self.refreshing())
        self.assertEqual(self.provider.pay_now_status, 'not_connected')

    def test_forged(self):
        self.assert_refused(f'/pay_now/onboarding/{self.visit.id}/{"x" * 32}/return')
        self.assert_refused(f'/pay_now/onboarding/{self.visit.id + 1000}/{"x" * 32}/return')
        self.assert_refused(f'/pay_now/onboarding/{self.visit.id}/é/return')
        self.assert_refused(f'/pay_now/onboarding/{self.visit.id}/{self.visit.token_hash}/return')
        self.assert_refused(self.path[:-9] + 'A/return')

    def test_token_of_another_visit(self):
        token = self.press(self.paypal, self.leave(self.paypal)).split('/')[4]
        self.assert_refused(f'/pay_now/onboarding/{self.visit.id}/{token}/return')

    def test_compared_in_constant_time(self):
        with patch(
            'odoo.addons.account_pay_now.models.provider.pay_now_onboarding.consteq',
            return_value=False,
        ) as compared:
            self.assert_refused()
            self.assert_refused('/pay_now/onboarding/999999/x/return')
        self.assertEqual(compared.call_count, 2, "also where there is nothing to compare with")

    def test_late(self):
        self.visit.sudo().expires_at = fields.Datetime.now() - timedelta(seconds=1)
        self.assert_refused()
        self.assert_refused(self.refreshing())

    def test_somebody_else(self):
        new_test_user(
            self.env,
            'pay_now_other_admin',
            groups='base.group_system,base.group_user',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        self.assert_refused(login='pay_now_other_admin')
        self.assert_refused(self.refreshing(), 'pay_now_other_admin')
        # It was not theirs to use up.
        self.assertEqual(self.come_back(self.path).status_code, 303)
        self.assertEqual(self.provider.pay_now_status, 'connected')

    def test_nobody(self):
        answer = self.url_open(self.path, allow_redirects=False)
        self.assertIn('/web/login', answer.headers['Location'])
        self.assertEqual(self.provider.pay_now_status, 'not_connected')

    def test_no_longer_an_administrator(self):
        self.admin.group_ids -= self.env.ref('base.group_system')
        self.assert_refused()

    def test_no_longer_in_the_company(self):
        other = self.env['res.company'].create({'name': "Meunier SAS"})
        self.admin.write({'company_ids': [(6, 0, other.ids)], 'company_id': other.id})
        self.assert_refused()

    def test_provider_of_another_company_meanwhile(self):
        other = self.env['res.company'].create({'name': "Meunier SAS"})
        self.admin.company_ids += other
        self.env.cr.execute(
            "UPDATE payment_provider SET company_id = %s WHERE id = %s",
            (other.id, self.provider.id),
        )
        self.assert_refused()

    def test_what_the_address_tells_counts_for_nothing(self):
        victim = self.press(self.paypal, self.leave(self.paypal)).partition('merchantIdInPayPal=')[
            2
        ]
        path = self.press(self.paypal, self.leave_anew(), 'refuse').partition('?')[0]
        query = f'?merchantIdInPayPal={victim[:13]}&permissionsGranted=true&consentStatus=true'
        self.assertEqual(self.come_back(path + query).status_code, 303)
        self.assertFalse(self.merchant(self.paypal))
        self.assertEqual(self.paypal.pay_now_status, 'not_connected')

    def leave_anew(self):
        """Begin as a company that the registration before was not for."""
        self.paypal.sudo().write(
            {
                'pay_now_platform_ref': 'another',
                'pay_now_platform_account': False,
                'pay_now_platform_state': False,
            }
        )
        return self.leave(self.paypal)

    def test_company_of_the_user_only(self):
        other = self.setup_other_company(name="Meunier SAS")['company']
        provider = self.env['payment.provider'].search(
            [('code', '=', PAYPAL), ('company_id', '=', other.id)]
        )
        other.pay_now_sage_customer_code = 'FR-9'
        other._pay_now_sign_up('other@example.com', 'accounting')
        with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_rule'):
            self.leave(provider)

    def test_long_return_addresses_are_reported(self):
        self.env['ir.config_parameter'].sudo().set_param(
            'web.base.url', f'https://{"a" * 60}.{"b" * 60}.example.com'
        )
        with self.assertRaisesRegex(Exception, "too long"):
            self.leave(self.paypal)
