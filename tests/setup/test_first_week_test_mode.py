# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.setup.first_week import FirstWeekCommon


@tagged('post_install', '-at_install')
class TestTestMode(FirstWeekCommon):
    """With test keys nobody but the test address gets a button."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sign_up()
        cls.provider._pay_now_connect('sk_test_key')
        cls.company.pay_now_test_email = 'Trial@Example.com'
        cls.trial_customer = cls.env['res.partner'].create(
            {'name': "Me", 'email': '"Me" <trial@example.com>', 'lang': 'en_US'}
        )

    def run_for(self, partner):
        run = self.env['pay.now.reminder.run'].create({})
        run._generate()
        return run.reminder_ids.filtered(lambda reminder: reminder.partner_id == partner)

    def send_invoice(self, invoice, partners=None):
        wizard = (
            self.env['account.move.send.wizard']
            .with_context(active_model='account.move', active_ids=invoice.ids)
            .create({'sending_methods': ['email']})
        )
        if partners:
            wizard.mail_partner_ids = partners
        with self.mock_mail_gateway():
            wizard.action_send_and_print()
        return ''.join(self._new_mails.mapped('body_html'))

    def test_invoice_mail(self):
        self.assertNotIn('/pay_now/', self.send_invoice(self.make_invoice()))
        mine = self.make_invoice(partner=self.trial_customer)
        body = self.send_invoice(mine)
        self.assertIn(mine._pay_now_path(), body)
        self.assertIn("TEST mode", body)

    def test_invoice_mail_to_others_too(self):
        mine = self.make_invoice(partner=self.trial_customer)
        body = self.send_invoice(mine, self.trial_customer | self.customer)
        self.assertNotIn('/pay_now/', body)
        self.assertIn(mine.name, body)

    def test_invoice_mail_with_a_follower_outside(self):
        mine = self.make_invoice(partner=self.trial_customer)
        mine.message_subscribe(self.customer.ids)
        self.assertNotIn('/pay_now/', self.send_invoice(mine))

    def test_address_placed_by_hand_is_taken_out_too(self):
        template = self.env.ref('account.email_template_edi_invoice')
        template.body_html = (
            '<p>Hello <a t-att-href="object.pay_now_url">pay</a>'
            ' or <t t-out="object.pay_now_url"/> soon</p>'
        )
        mine = self.make_invoice(partner=self.trial_customer)
        body = self.send_invoice(mine, self.trial_customer | self.customer)
        self.assertNotIn('/pay_now/', body)
        self.assertIn("soon", body)

    def test_reminder(self):
        self.make_invoice()
        self.make_invoice(partner=self.trial_customer)
        other = self.run_for(self.customer)
        self.assertFalse(other.has_button)
        self.assertIn("only the test address", other.reason)
        self.assertNotIn('/pay_now/', other._render()[1])
        mine = self.run_for(self.trial_customer)
        self.assertTrue(mine.has_button)
        self.assertIn(f'/pay_now/reminder/{mine.id}/', mine._render()[1])

    def test_reminder_to_another_contact_of_the_same_customer(self):
        child = self.env['res.partner'].create(
            {'name': "Me there", 'email': 'trial@example.com', 'parent_id': self.customer.id}
        )
        self.make_invoice(partner=child, days_late=40)
        self.make_invoice(partner=self.customer, days_late=10)
        reminder = self.run_for(self.customer)
        self.assertEqual(reminder.email, 'client@example.com')
        self.assertFalse(reminder.has_button)
        self.assertEqual(reminder.amount_payable, 0)
        self.assertNotIn('/pay_now/', reminder._render()[1])
        self.assertIn("only the test address", reminder.reason)

    def test_no_test_address_is_nobody(self):
        self.company.pay_now_test_email = False
        self.make_invoice(partner=self.trial_customer)
        self.assertFalse(self.run_for(self.trial_customer).has_button)
        self.assertIn("enter a test address", self.company._pay_now_test_text())

    def test_pages_offer_nothing_to_others(self):
        invoice = self.make_invoice()
        self.assertEqual(invoice._pay_now_refusal('page'), 'test_mode')
        self.assertFalse(invoice._pay_now_page_values()['can_pay'])
        Provider = self.env['payment.provider'].with_context(pay_now_invoice_ids=invoice.ids)
        offered = Provider._get_compatible_providers(self.company.id, self.customer.id, 100)
        self.assertNotIn(self.provider, offered, "nor on Odoo's own page")
        mine = self.make_invoice(partner=self.trial_customer)
        self.assertTrue(mine._pay_now_page_values()['can_pay'])

    def test_banner(self):
        self.make_invoice()
        text = self.company._pay_now_test_text()
        self.assertIn('Trial@Example.com', text)
        reminder = self.run_for(self.customer)
        self.assertEqual(reminder.test_text, text)
        self.assertEqual(reminder.run_id.test_text, text)
        for model in ('pay.now.setup', 'res.config.settings', 'pay.now.generate.reminders'):
            self.assertEqual(self.env[model].create({}).pay_now_test_text, text, model)
        self.provider.state = 'enabled'
        self.assertFalse(self.company._pay_now_test_text())

    def test_broken_test_connection_is_still_test_mode(self):
        self.provider.sudo().pay_now_problem = "keys refused"
        self.assertTrue(self.company._pay_now_test_mode())

    def test_beside_real_keys_test_keys_take_nobodys_payment(self):
        other = self.provider.copy({'name': "Live", 'company_id': self.company.id})
        other.sudo().write({'pay_now_status': 'connected', 'state': 'enabled'})
        self.assertEqual(self.company._pay_now_providers(), other)
        self.assertFalse(self.company._pay_now_test_mode())
        other.sudo().pay_now_problem = "keys refused"
        self.assertFalse(self.company._pay_now_providers())
