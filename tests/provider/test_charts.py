# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace

from odoo.tests import tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: chart: clearing account of Stripe, disputed payments, clearing account of PayPal, commissions.
PROPOSED = {
    'generic_coa': ('101405', '101406', '101407', '620000'),
    'be_comp': ('550004', '550005', '550006', '657200'),
    'de_skr03': ('1205', '1206', '1207', '4970'),
    'fr': ('511510', '467500', '511520', '627800'),
    'es_pymes': ('572004', '572005', '572006', '626000'),
    'it': ('182005', '182006', '182007', False),
    'uk': ('120005', '120006', '120007', '791000'),
    'us': ('101405', '101406', '101407', '650000'),
}


class ChartsCase(PayNowCommon):
    """Connected in charts of other countries: what is proposed, and what is not guessed."""

    def connect_in(self, chart):
        """Return the providers of a new company with this chart, connected."""
        template = self.env['account.chart.template']._get_chart_template_mapping()[chart]
        company = self.env['res.company'].create(
            {'name': f"Company {chart}", 'country_id': template['country_id']}
        )
        self.env['account.chart.template'].try_loading(chart, company=company, install_demo=False)
        self.env.user.company_ids |= company
        company.pay_now_sage_customer_code = 'X-1'
        company._pay_now_sign_up('admin@example.com', 'accounting')
        account = replace(self.gateway.account, currency=company.currency_id.name)
        self.gateway.account = self.paypal_gateway.account = account
        providers = (
            self.env['payment.provider']
            .sudo()
            .with_company(company)
            .search([('company_id', '=', company.id), ('code', 'in', const.PROVIDER_CODES)])
            .sorted(lambda provider: const.PROVIDER_CODES.index(provider.code))
        )
        for provider in providers:
            provider.sudo().pay_now_api_base = 'http://127.0.0.1:1'
            provider._pay_now_connect('sk_test_key', 'secret')
        return providers

    def check(self, chart):
        providers = self.connect_in(chart)
        *codes, commission = PROPOSED[chart]
        stripe, paypal = providers.mapped('pay_now_clearing_account_id')
        disputed = providers.pay_now_disputed_account_id
        accounts = stripe | disputed | paypal
        self.assertEqual(accounts.mapped('code'), codes)
        self.assertEqual(set(accounts.mapped('account_type')), {'asset_current'})
        self.assertTrue(all(accounts.mapped('reconcile')))
        for provider in providers:
            self.assertEqual(provider.pay_now_commission_account_id.code, commission)
            if not commission:
                self.assertEqual(provider.pay_now_health, 'amber')
                self.assertIn("Choose the commission account", provider.pay_now_health_text)
            journal = provider.journal_id
            self.assertEqual(journal.type, 'bank')
            self.assertEqual(journal.default_account_id, provider.pay_now_clearing_account_id)
            self.assertEqual(
                provider._pay_now_method_line().payment_account_id, journal.default_account_id
            )


@tagged('post_install', '-at_install')
class TestGenericChart(ChartsCase):
    def test_a_company_with_the_generic_chart(self):
        self.check('generic_coa')

    def test_a_company_with_the_french_chart(self):
        mapping = self.env['account.chart.template']._get_chart_template_mapping()
        self.ensure_installed(mapping['fr']['module'])
        self.check('fr')


@tagged('post_install', '-at_install', '-standard', 'pay_now_beside')
class TestCharts(ChartsCase):
    """With `make test-beside`, which installs these charts."""

    def test_belgium(self):
        self.check('be_comp')

    def test_germany(self):
        self.check('de_skr03')

    def test_italy_has_no_account_to_propose(self):
        self.check('it')

    def test_spain(self):
        self.check('es_pymes')

    def test_united_kingdom(self):
        self.check('uk')

    def test_united_states(self):
        self.check('us')
