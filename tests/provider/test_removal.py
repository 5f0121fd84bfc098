# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.account_pay_now.tests.payment.received import BOOKS


@tagged('post_install', '-at_install')
class TestRemoval(PayNowCommon):
    """What is in the way of removing the module, and what it takes with it.

    The removal of whole databases is tested in `dev/tests/test_installation.py`.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.Provider = cls.env['payment.provider']
        cls.all_providers = cls.Provider.sudo()
        cls.journal = cls.provider.journal_id
        cls.clearing = cls.provider.pay_now_clearing_account_id

    def assert_refused(self, *expected):
        with self.assertRaises(UserError) as refusal:
            self.Provider._pay_now_check_removable()
        for text in expected:
            self.assertIn(text, str(refusal.exception))
        with self.assertRaises(UserError):
            self.env['ir.module.module'].search([('name', '=', 'sale')]).button_uninstall()

    def test_nothing_is_in_the_way_before_the_first_payment(self):
        self.make_invoice()
        self.Provider._pay_now_check_removable()

    def test_an_open_checkout_keeps_it_until_it_is_closed(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        self.assert_refused(
            "under way", tx.reference, "Fournil SARL: 1", "Disconnect the providers"
        )
        self.gateway.close_checkout(tx.provider_reference)
        tx._synchronize()
        self.Provider._pay_now_check_removable()

    def test_a_debit_on_its_way_keeps_it(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.set(tx.provider_reference, state='pending')
        tx._synchronize()
        self.assert_refused("under way", tx.reference)

    def test_payments_keep_it_and_are_counted_by_company(self):
        for _number in range(2):
            tx = self.checkout(self.lines(self.make_invoice()))
            self.gateway.pay(tx)
            tx._synchronize()
        self.assert_refused("Fournil SARL: 2", "disconnect the providers instead")
        self.provider.action_pay_now_disconnect()
        self.assert_refused("Fournil SARL: 2")

    def test_money_that_is_not_booked_keeps_it(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.pay(tx)
        self.journal.active = False
        with mute_logger(BOOKS):
            tx._synchronize()
        self.assertEqual(tx.pay_now_booking_state, 'received')
        self.assert_refused("has no entry in your books", tx.reference, "To handle")

    def test_a_canceled_payment_in_the_books_keeps_it(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.pay(tx)
        tx._synchronize()
        tx.payment_id.action_cancel()
        self.assert_refused("Fournil SARL: 1")

    def test_a_payment_entered_by_hand_keeps_it(self):
        self.env['account.payment'].create(
            {
                'amount': 10,
                'partner_id': self.customer.id,
                'journal_id': self.journal.id,
                'payment_method_line_id': self.provider._pay_now_method_line().id,
            }
        )
        self.assert_refused("Fournil SARL: 1")

    def test_a_view_with_the_button_keeps_it(self):
        self.env['ir.ui.view'].create(
            {
                'name': "Our own invoice",
                'type': 'qweb',
                'arch': '<t t-name="own"><a t-att-href="o.pay_now_url">Pay</a></t>',
            }
        )
        self.assert_refused("Our own invoice")

    def test_what_came_to_nothing_goes_along(self):
        other = self.env['res.company'].create({'name': "Other company"})
        tx = self.checkout(self.lines(self.make_invoice()))
        self.gateway.close_checkout(tx.provider_reference)
        tx._synchronize()
        theirs = self.all_providers.search([('code', 'not like', 'pay_now_')])
        states = theirs.mapped('state')
        ours = self.all_providers.search([('code', 'like', 'pay_now_')])
        self.assertIn(other, ours.company_id)
        self.all_providers._pay_now_remove()
        self.assertFalse(tx.exists())
        # Those with an XML id, too.
        self.assertFalse(ours.exists())
        self.assertEqual(theirs.mapped('state'), states)
        self.assertFalse(self.env['account.payment.method'].search([('code', 'like', 'pay_now_')]))
        self.assertFalse(self.journal.exists() or self.clearing.exists(), "made and never used")

    def test_used_books_are_the_companys(self):
        self.env['account.move'].create(
            {
                'journal_id': self.journal.id,
                'line_ids': [
                    Command.create({'account_id': self.clearing.id, 'balance': 5}),
                    Command.create(
                        {
                            'account_id': self.company_data['default_account_expense'].id,
                            'balance': -5,
                        }
                    ),
                ],
            }
        ).action_post()
        self.all_providers._pay_now_remove()
        self.assertTrue(self.journal.exists() and self.clearing.exists())
        self.assertFalse(self.journal.inbound_payment_method_line_ids.payment_provider_id)
        self.assertFalse(
            self.env['ir.model.data'].search([('name', 'like', 'made_account_')]),
            "Odoo does not try it again",
        )

    def test_books_chosen_by_hand_stay(self):
        own = self.company_data['default_journal_bank']
        self.provider.journal_id = own
        self.all_providers._pay_now_remove()
        self.assertTrue(own.exists())
        self.assertFalse(self.journal.exists())

    def test_the_webhook_goes(self):
        self.all_providers._pay_now_remove()
        self.assertEqual(self.gateway.removed, ['we_test'])
        self.assertFalse(self.gateway.webhooks)

    def test_the_webhook_goes_in_the_middle_of_a_renewal(self):
        self.provider.action_pay_now_renew_webhook()
        self.assertEqual(len(self.gateway.webhooks), 2)
        self.all_providers._pay_now_remove()
        self.assertFalse(self.gateway.webhooks)

    def test_a_copy_of_the_database_leaves_the_webhook_of_the_original(self):
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://copy.example.com')
        self.all_providers._pay_now_remove()
        self.assertFalse(self.gateway.removed)

    def test_a_webhook_that_is_left_is_reported_to_the_administrators(self):
        administrator = new_test_user(
            self.env,
            'pay_now_administrator',
            groups='base.group_system',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        # A second account at the same provider: not waited for twice.
        second = self.provider.copy({'name': "Second account"})
        second.sudo().write({'pay_now_webhook_ref': 'we_2'})
        second.sudo().pay_now_webhook_url = second._pay_now_connection().webhook_address()
        url = self.provider.pay_now_webhook_url
        self.gateway.down = True
        with self.assertLogs('odoo.addons.account_pay_now', 'WARNING'):
            self.all_providers._pay_now_remove()
        self.assertEqual(len(self.gateway.removed), 1)
        messages = self.env['mail.message'].search(
            [('partner_ids', 'in', administrator.partner_id.ids)], order='id'
        )
        self.assertEqual(len(messages), 2)
        self.assertIn(url, ''.join(messages.mapped('body')))
        self.assertIn("Stripe", messages[0].subject)
