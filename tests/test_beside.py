# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from unittest.mock import patch

from lxml import html

from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.common import PayNowCommon

CORE = {'stripe': 'payment_stripe', 'paypal': 'payment_paypal'}


@tagged('post_install', '-at_install', '-standard', 'pay_now_beside')
class TestBeside(PayNowCommon, HttpCase):
    """Beside Odoo's own Stripe and PayPal, with `make test-beside`, which installs them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.connect_paypal()
        cls.Provider = cls.env['payment.provider'].sudo()
        cls.core = cls.Provider.search(
            [('company_id', '=', cls.company.id), ('code', 'in', list(CORE))]
        )
        cls.core_stripe = cls.core.filtered(lambda provider: provider.code == 'stripe')
        cls.core_stripe.write(
            {'stripe_secret_key': 'sk', 'stripe_publishable_key': 'pk', 'state': 'test'}
        )
        cls.core_stripe.is_published = True
        cls.ours = cls.provider.sudo() | cls.paypal.sudo()
        cls.env.ref('base.USD').active = True

    def offered(self, invoice):
        """Return the providers that Odoo's own page of an invoice offers."""
        url = f'/my/invoices/{invoice.id}?access_token={invoice._portal_ensure_token()}'
        page = html.fromstring(self.url_open(url).content)
        ids = page.xpath('//input[@name="o_payment_radio"]/@data-provider-id')
        return self.Provider.browse(sorted({int(one) for one in ids}))

    def test_they_can_be_told_apart(self):
        self.assertEqual(set(self.core.mapped('code')), set(CORE))
        names = (self.core | self.ours).mapped('name')
        self.assertEqual(len(names), len(set(names)))
        methods = self.env['account.payment.method'].search(
            [('code', 'in', [*CORE, *const.PROVIDER_CODES])]
        )
        self.assertEqual(len(set(methods.mapped('name'))), 4)

    def test_a_new_company_gets_all_of_them_once(self):
        company = self.env['res.company'].create({'name': "New company"})
        providers = self.Provider.search([('company_id', '=', company.id)])
        for code in (*CORE, *const.PROVIDER_CODES):
            self.assertEqual(providers.mapped('code').count(code), 1, code)

    def test_no_field_is_of_both(self):
        for model in ('payment.provider', 'payment.transaction', 'res.company'):
            for name, field in self.env[model]._fields.items():
                if name.startswith('pay_now'):
                    self.assertEqual(set(field._modules), {'account_pay_now'}, name)

    def test_no_route_is_of_both(self):
        for rule in self.env['ir.http'].routing_map().iter_rules():
            module = rule.endpoint.func.__module__
            ours = module.startswith('odoo.addons.account_pay_now.')
            if f'{rule.rule}/'.startswith('/pay_now/'):
                self.assertTrue(ours, rule.rule)
            elif ours:
                # Pages of Odoo's own that the portal's controller extends.
                self.assertTrue(module.endswith('.portal'), rule.rule)
            for name, addon in CORE.items():
                if rule.rule.startswith(f'/payment/{name}/'):
                    self.assertIn(f'odoo.addons.{addon}.', module)

    def test_where_both_may_take_it_theirs_comes_first(self):
        # The page shows each method of payment once: a card is paid at theirs.
        offered = self.offered(self.make_invoice(100))
        self.assertIn(self.core_stripe, offered)
        self.assertNotIn(self.provider, offered)
        self.core_stripe.sequence = 10
        self.assertIn(self.provider, self.offered(self.make_invoice(100)), "if somebody wants it")

    def test_odoos_page_offers_theirs_alone_where_ours_may_not_take_it(self):
        foreign = self.make_invoice(100, currency_id=self.env.ref('base.USD').id)
        self.assertEqual(self.offered(foreign), self.core_stripe)
        invoice = self.make_invoice(100)
        for provider in self.ours:
            provider.action_pay_now_disconnect()
        self.assertEqual(self.offered(invoice), self.core_stripe)

    def test_odoos_page_offers_ours_alone_where_theirs_may_not_take_it(self):
        self.core_stripe.available_country_ids = self.env.ref('base.us')
        self.customer.country_id = self.env.ref('base.fr')
        self.assertEqual(self.offered(self.make_invoice(100)), self.ours)
        self.core_stripe.state = 'disabled'
        self.assertEqual(self.offered(self.make_invoice(100)), self.ours)

    def test_our_page_offers_ours_alone(self):
        page = html.fromstring(self.url_open(self.make_invoice(100)._pay_now_url()).content)
        ids = {int(one) for one in page.xpath('//*[@name="provider_id"]/@value')}
        self.assertEqual(ids, set(self.ours.ids))

    def test_a_notification_for_theirs_does_not_reach_our_payment(self):
        tx = self.checkout(self.lines(self.make_invoice(100)))
        event = {
            'type': 'payment_intent.succeeded',
            'data': {
                'object': {
                    'object': 'payment_intent',
                    'id': 'pi_1',
                    'description': tx.reference,
                    'status': 'succeeded',
                    'amount': 10000,
                    'currency': 'eur',
                }
            },
        }
        controller = 'odoo.addons.payment_stripe.controllers.main.StripeController'
        with patch(f'{controller}._verify_signature'):
            answer = self.url_open('/payment/stripe/webhook', json=event)
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(tx.state, 'draft')
        ours = self.url_open(f'/pay_now/webhook/{self.core_stripe.id}', json=event)
        self.assertEqual(ours.status_code, 404)

    def test_a_customer_who_usually_pays_by_theirs_gets_no_button_of_ours(self):
        self.core_stripe.journal_id = self.company_data['default_journal_bank']
        line = self.core_stripe.journal_id.inbound_payment_method_line_ids.filtered(
            lambda one: one.payment_provider_id == self.core_stripe
        )
        invoice = self.make_invoice(100, preferred_payment_method_line_id=line.id)
        self.assertEqual(invoice._pay_now_refusal('invoice_mail'), 'method')
        self.assertFalse(invoice._pay_now_refusal('page'))
        self.company.pay_now_any_method_accounting = True
        self.assertFalse(invoice._pay_now_refusal('invoice_mail'))

    def test_removing_ours_leaves_theirs(self):
        self.core_stripe.journal_id = self.company_data['default_journal_bank']
        before = self.core.read()
        self.Provider._pay_now_remove()
        self.assertEqual(self.core.read(), before)
        self.assertEqual(
            self.env['account.payment.method'].search_count([('code', 'in', list(CORE))]), 2
        )

    def test_both_kinds_of_payments_end_in_the_books(self):
        mine, theirs = self.make_invoice(100), self.make_invoice(50)
        self.core_stripe.journal_id = self.company_data['default_journal_bank']
        tx = self.checkout(self.lines(mine))
        self.gateway.pay(tx)
        tx._synchronize()
        core_tx = (
            self.env['payment.transaction']
            .sudo()
            .create(
                {
                    'provider_id': self.core_stripe.id,
                    'operation': 'online_redirect',
                    'payment_method_id': self.env.ref('payment.payment_method_card').id,
                    'reference': 'core-1',
                    'amount': 50,
                    'currency_id': self.company.currency_id.id,
                    'partner_id': self.customer.id,
                    'invoice_ids': [Command.set(theirs.ids)],
                }
            )
        )
        core_tx._set_done()
        core_tx._post_process()
        self.assertEqual(mine.payment_state, 'paid')
        self.assertIn(theirs.payment_state, ('paid', 'in_payment'))
        self.assertEqual(tx.payment_id.journal_id, self.provider.journal_id)
        self.assertEqual(core_tx.payment_id.journal_id, self.core_stripe.journal_id)
        self.assertFalse(core_tx.pay_now_item_ids or core_tx.pay_now_commission_state)
