# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.account_pay_now.utils import is_in_share


@tagged('post_install', '-at_install')
class TestEligibility(PayNowCommon):
    """Each reason of doc/rules.md, When is there a Pay now button?, for each of its purposes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice()

    def assert_refusal(self, reason, purposes, invoice=None, **kwargs):
        """The reason applies to these purposes, and to no other one."""
        invoice = invoice or self.invoice
        for purpose in ('invoice_mail', 'reminder', 'page'):
            expected = reason if purpose in purposes else False
            self.assertEqual(
                invoice._pay_now_refusal(purpose, **kwargs), expected, f"{purpose}: {reason}"
            )

    ALL = ('invoice_mail', 'reminder', 'page')

    def test_button(self):
        self.assert_refusal(False, self.ALL)
        self.assertIn(f'/pay_now/invoice/{self.invoice.id}/', self.invoice.pay_now_url)

    def test_not_signed_up(self):
        self.company.sudo().pay_now_signup_date = False
        self.assert_refusal('signup', self.ALL)

    def test_no_provider(self):
        self.provider.action_pay_now_disconnect()
        self.assert_refusal('provider', self.ALL)

    def test_not_a_payable_invoice(self):
        self.assert_refusal('not_payable', self.ALL, self.make_invoice(post=False))
        self.assert_refusal('not_payable', self.ALL, self.make_invoice(move_type='out_refund'))
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.invoice.ids
        ).create({})._create_payments()
        self.assert_refusal('not_payable', self.ALL)

    def test_blocked(self):
        self.invoice.action_toggle_block_payment()
        self.assert_refusal('not_payable', self.ALL)

    def test_foreign_currency(self):
        self.env.ref('base.USD').active = True
        invoice = self.make_invoice(currency_id=self.env.ref('base.USD').id)
        self.assert_refusal('currency', self.ALL, invoice)

    def test_no_email(self):
        self.customer.email = False
        self.assert_refusal('no_email', ('invoice_mail', 'reminder'))

    def test_email_of_the_commercial_partner(self):
        contact = self.env['res.partner'].create(
            {'name': "Contact", 'parent_id': self.customer.id, 'type': 'invoice'}
        )
        self.assert_refusal(False, self.ALL, self.make_invoice(partner=contact))

    def test_reminder_option_by_application(self):
        self.company.pay_now_reminder_accounting = False
        self.company.pay_now_reminder_sales = True
        self.assert_refusal('option', ('reminder',))
        sale = self.sale_invoice()
        self.assertEqual(sale.pay_now_application, 'sales')
        self.assert_refusal(False, self.ALL, sale)
        self.company.pay_now_reminder_sales = False
        self.assert_refusal('option', ('reminder',), sale)
        self.assertIn("Sales", sale._pay_now_refusal_label('option'))

    def sale_invoice(self):
        order = (
            self.env['sale.order']
            .sudo()
            .create(
                {
                    'partner_id': self.customer.id,
                    'order_line': [
                        Command.create({'product_id': self.product_a.id, 'price_unit': 50})
                    ],
                }
            )
        )
        self.product_a.invoice_policy = 'order'
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        return invoice

    def test_other_payment_method(self):
        cheque = self.company_data['default_journal_bank'].inbound_payment_method_line_ids[0]
        self.invoice.preferred_payment_method_line_id = cheque
        self.assert_refusal('method', ('invoice_mail', 'reminder'))
        self.assertIn(cheque.name, self.invoice._pay_now_refusal_label('method'))
        self.company.pay_now_any_method_sales = True
        self.assert_refusal('method', ('invoice_mail', 'reminder'))
        self.company.pay_now_any_method_accounting = True
        self.assert_refusal(False, self.ALL)
        self.company.pay_now_any_method_accounting = False
        self.invoice.preferred_payment_method_line_id = self.provider._pay_now_method_line()
        self.assert_refusal(False, self.ALL)

    def test_previous_balance(self):
        self.assert_refusal('previous_balance', ('reminder',), previous_balance=True)

    def test_held_out(self):
        """Without a button in reminders only, by chance, the same customers each time."""
        self.company.pay_now_hold_out = 20
        customers = self.env['res.partner'].create(
            [{'name': f"Customer {n}", 'email': f'c{n}@example.com'} for n in range(300)]
        )
        root = self.company.root_id.id
        held = customers.filtered(lambda one: is_in_share(one.id, root, 20))
        # What SQL says of the same customers.
        self.env.cr.execute(
            "SELECT id FROM res_partner WHERE id IN %s AND"
            " ('x' || left(md5(id || '-' || %s), 7))::bit(28)::int %% 10000 < 2000",
            [customers._ids, root],
        )
        self.assertEqual({row[0] for row in self.env.cr.fetchall()}, set(held.ids))
        self.assertTrue(30 < len(held) < 90, len(held))
        less = customers.filtered(lambda one: is_in_share(one.id, root, 5))
        self.assertLess(less, held)
        invoice = self.make_invoice(partner=held[0])
        self.assert_refusal('hold_out', ('reminder',), invoice)
        # Another reason comes first: who is held out would have a button.
        self.assert_refusal('previous_balance', ('reminder',), invoice, previous_balance=True)
        self.assert_refusal(False, self.ALL, self.make_invoice(partner=(customers - held)[0]))
        self.company.pay_now_hold_out = 0
        self.assert_refusal(False, self.ALL, invoice)
        with self.assertRaises(ValidationError):
            self.company.pay_now_hold_out = 51

    def test_payment_in_progress(self):
        tx = self.checkout(self.lines(self.invoice))
        self.assert_refusal(False, self.ALL)
        tx._set_pending()
        self.assert_refusal('in_progress', self.ALL)

    def test_payment_in_progress_of_one_instalment(self):
        invoice = self.make_invoice(invoice_payment_term_id=self.term.id)
        first, second = self.lines(invoice)
        self.checkout(first)._set_pending()
        self.assert_refusal(False, self.ALL, invoice)
        self.assertEqual((first | second)._pay_now_in_progress(), first)

    def test_test_mode_only_for_the_test_address(self):
        self.provider.sudo().pay_now_api_base = False
        self.assert_refusal('test_mode', self.ALL)
        self.company.pay_now_test_email = self.customer.email
        self.assert_refusal(False, self.ALL)

    def test_red_hides_the_provider(self):
        self.provider.sudo().pay_now_problem = "Keys refused"
        self.assert_refusal('provider', self.ALL)

    def test_every_reason_has_a_label(self):
        for reason in (
            'signup',
            'provider',
            'test_mode',
            'not_payable',
            'currency',
            'no_email',
            'option',
            'method',
            'previous_balance',
            'in_progress',
            'hold_out',
        ):
            self.assertTrue(self.invoice._pay_now_refusal_label(reason))

    def test_core_pages_offer_ours_for_payable_invoices_only(self):
        def offered(**context):
            return self.provider in self.env['payment.provider'].with_context(
                **context
            )._get_compatible_providers(
                self.company.id, self.customer.id, 100, currency_id=self.company.currency_id.id
            )

        self.assertFalse(offered(), "no invoice: nothing of ours")
        self.assertTrue(offered(pay_now_invoice_ids=self.invoice.ids))
        self.invoice.action_toggle_block_payment()
        self.assertFalse(offered(pay_now_invoice_ids=self.invoice.ids))
