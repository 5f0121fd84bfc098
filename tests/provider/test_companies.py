# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timezone
from urllib.parse import urlsplit

from lxml import html

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import PayNowCommon
from odoo.addons.mail.tests.common import MockEmail

OURS = ('code', 'in', const.PROVIDER_CODES)


class CompaniesCommon(PayNowCommon):
    """A company beside the French one: other chart, other currency, other provider account."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        #: One scripted gateway per provider record.
        cls.gateways = {}
        cls.connect()
        usd = cls.env.ref('base.USD')
        usd.active = True
        cls.other = cls.env['res.company'].create(
            {'name': "Bakery Inc.", 'email': 'us@example.com', 'currency_id': usd.id}
        )
        cls._use_chart_template(cls.other, 'generic_coa')
        cls.other.currency_id = usd
        cls.other_provider = cls.provider_of(cls.other)

    @classmethod
    def provider_of(cls, company, code=const.STRIPE):
        """Return the provider record of a company."""
        return (
            cls.env['payment.provider']
            .sudo()
            .search([('company_id', '=', company.id), ('code', '=', code)])
        )

    @classmethod
    def gateway_of(cls, provider):
        """Return the scripted gateway of a provider record."""
        return cls.gateways.get(provider.id) or super().gateway_of(provider)

    @classmethod
    def connect_other(cls):
        """Steps 1 to 3 in the other company."""
        gateway = cls.gateways[cls.other_provider.id] = cls.gateway_class()
        gateway.account = replace(gateway.account, id='acct_us', currency='USD')
        cls.other.pay_now_sage_customer_code = 'US-9'
        cls.other._pay_now_sign_up('us@example.com', 'accounting')
        cls.other_provider.sudo().pay_now_api_base = 'http://127.0.0.1:1'
        cls.other_provider._pay_now_connect('sk_test_us')

    @classmethod
    def use_both(cls):
        """An invoice in each company, both connected."""
        cls.connect_other()
        cls.mine = cls.make_invoice(100, days_late=20)
        cls.theirs = cls.make_invoice(80, days_late=20, company_id=cls.other.id)

    def setUp(self):
        super().setUp()
        self.gateways.update({key: deepcopy(value) for key, value in self.gateways.items()})

    def user_of(self, company, groups='account.group_account_manager', **values):
        return new_test_user(
            self.env,
            f'user_{company.id}_{groups.count(",")}',
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
            **values,
        )


@tagged('post_install', '-at_install')
class TestCompanySetup(CompaniesCommon):
    def test_a_new_company_gets_its_own_providers_and_level(self):
        for code in const.PROVIDER_CODES:
            mine, theirs = self.provider_of(self.company, code), self.provider_of(self.other, code)
            self.assertEqual(len(theirs), 1)
            self.assertEqual(theirs.name, mine.name)
            self.assertRecordValues(
                theirs,
                [
                    {
                        'module_id': mine.module_id.id,
                        'module_state': 'installed',
                        'state': 'disabled',
                        'is_published': False,
                        'pay_now_status': 'not_connected',
                        'pay_now_account': False,
                        'pay_now_api_key': False,
                        'pay_now_webhook_secret': False,
                        'journal_id': False,
                        'pay_now_clearing_account_id': False,
                        'redirect_form_view_id': mine.redirect_form_view_id.id,
                    }
                ],
            )
            self.assertEqual(theirs.payment_method_ids, mine.payment_method_ids)
        levels = self.env['pay.now.reminder.level'].search([('company_id', '=', self.other.id)])
        self.assertEqual(len(levels), 3)

    def test_also_when_a_user_of_a_branch_creates_it(self):
        branch = self.env['res.company'].create({'name': "Lyon", 'parent_id': self.company.id})
        self.env.user.write({'company_ids': [Command.link(branch.id)], 'company_id': branch.id})
        company = self.env['res.company'].create({'name': "Third"})
        for code in const.PROVIDER_CODES:
            self.assertEqual(len(self.provider_of(company, code)), 1)
        self.assertFalse(self.provider_of(branch))

    def test_the_set_up_of_one_is_not_the_others(self):
        wizard = self.env['pay.now.setup'].with_company(self.other).create({})
        self.assertEqual((wizard.company_id, wizard.step), (self.other, 'code'))
        self.assertFalse(wizard.sage_customer_code)
        self.assertFalse(wizard.connect_done or wizard.test_mode)
        self.assertEqual(wizard.provider_ids.company_id, self.other)
        self.assertFalse(self.other.pay_now_connected or self.other._pay_now_providers())
        with self.assertRaisesRegex(UserError, "step 3"):
            self.other.pay_now_any_method_sales = True
        before = self.company.read()[0], self.provider.sudo().read()[0]
        self.connect_other()
        self.assertEqual((self.company.read()[0], self.provider.sudo().read()[0]), before)
        self.assertEqual(self.other.pay_now_test_email, 'us@example.com')

    def test_the_set_up_connects_no_provider_of_another_company(self):
        wizard = self.env['pay.now.setup'].with_company(self.other).create({})
        wizard.sage_customer_code = 'US-9'
        wizard.action_save_code()
        wizard.signup_email = 'us@example.com'
        wizard.action_sign_up()
        action = wizard.with_context(provider_id=self.provider.id).action_connect()
        self.assertEqual(action['context']['default_provider_id'], wizard.provider_ids[0].id)
        self.assertNotIn(self.provider, wizard.provider_ids)

    def test_books_of_their_own_in_charts_and_currencies_of_their_own(self):
        self.connect_other()
        mine, theirs = self.provider, self.other_provider
        self.assertEqual(theirs.journal_id.company_id, self.other)
        self.assertEqual(theirs.pay_now_clearing_account_id.company_ids, self.other)
        self.assertNotEqual(theirs.journal_id, mine.journal_id)
        self.assertEqual(theirs.journal_id.code, mine.journal_id.code, "free in each company")
        self.assertEqual(mine.pay_now_clearing_account_id.code, '101405')
        self.assertEqual(theirs.pay_now_clearing_account_id.with_company(self.other).code, '101405')
        self.assertNotEqual(self.gateway.webhooks, self.gateway_of(theirs).webhooks)
        invoice = self.make_invoice(80, company_id=self.other.id)
        self.assertEqual(invoice.currency_id.name, 'USD')
        self.assertFalse(invoice._pay_now_refusal('page'))
        tx = self.checkout(self.lines(invoice), provider=theirs)
        self.assertEqual(self.gateway_of(theirs).requests[-1][1].currency, 'USD')
        self.gateway_of(theirs).pay(tx)
        tx._synchronize()
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(tx.payment_id.company_id, self.other)
        self.assertEqual(tx.payment_id.currency_id.name, 'USD')
        self.assertEqual(tx.pay_now_commission_move_id.company_id, self.other)
        self.assertEqual(self.clearing_balance(theirs), 80 - 4.75)
        self.assertFalse(self.clearing_balance(mine))

    def test_a_company_without_a_chart_is_told_what_to_do(self):
        company = self.env['res.company'].create({'name': "No books"})
        company.pay_now_sage_customer_code = 'X'
        company._pay_now_sign_up('x@example.com', 'accounting')
        with self.assertRaisesRegex(UserError, "chart of accounts"):
            self.provider_of(company)._pay_now_connect('sk_test_x')
        self.assertFalse(self.gateway.webhooks.keys() - {self.provider.pay_now_webhook_url})


@tagged('post_install', '-at_install')
class TestCompanyIsolation(CompaniesCommon, MockEmail):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.use_both()

    def run_of(self, company):
        run = self.env['pay.now.reminder.run'].with_company(company).create({})
        run._generate()
        return run

    def test_a_notification_for_one_never_touches_the_other(self):
        theirs = self.checkout(self.lines(self.theirs), provider=self.other_provider)
        self.gateway_of(self.other_provider).pay(theirs)
        # Signed for the first one's webhook, it names a payment of the second one.
        event = base.Event(
            id='evt_1',
            type='checkout.session.completed',
            created_at=datetime.now(timezone.utc),
            checkout_id=theirs.provider_reference,
            payment_id='pi_1',
            reference=theirs.reference,
        )
        Event = self.env['pay.now.event'].sudo()
        Event._store(self.provider, event, 'webhook')
        stored = Event.search([('event_ref', '=', 'evt_1')])
        stored._process()
        self.assertRecordValues(stored, [{'state': 'ignored', 'company_id': self.company.id}])
        self.assertEqual(theirs.state, 'draft')
        # The same id at the other account is another notification.
        self.assertTrue(Event._store(self.other_provider, event, 'webhook'))
        Event.search([('event_ref', '=', 'evt_1')])._process()
        self.assertEqual(theirs.state, 'done')

    def test_the_mails_are_each_companys_own(self):
        run = self.run_of(self.other)
        run.action_send()
        with self.mock_mail_gateway(), self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_reminders_send').method_direct_trigger()
        (mail,) = self._mails
        self.assertIn("Bakery Inc.", mail['body'])
        self.assertNotIn("Fournil", mail['body'])
        self.assertIn('us@example.com', mail['email_from'])

    def test_a_run_looks_at_its_own_company_only(self):
        run = self.run_of(self.other)
        self.assertEqual(run.reminder_ids.item_ids.move_id, self.theirs)
        self.assertEqual(run.reminder_ids.amount_due, 80)
        self.assertEqual(run.reminder_ids.level_id.company_id, self.other)
        run.reminder_ids.sudo().write({'state': 'sent', 'sent_at': '2026-01-01'})
        run.reminder_ids.sudo().sent_at = datetime.now()
        mine = self.run_of(self.company)
        self.assertRecordValues(
            mine.reminder_ids, [{'amount_due': 100, 'state': 'draft', 'has_button': True}]
        )
        self.assertEqual(self.run_of(self.other).reminder_ids.state, 'held', "a moment ago")

    def test_a_customer_is_excluded_by_one_company(self):
        self.customer.with_company(self.other).pay_now_reminder_mode = 'never'
        self.assertEqual(self.run_of(self.other).reminder_ids.state, 'held')
        self.assertEqual(self.run_of(self.company).reminder_ids.state, 'draft')

    def test_the_daily_action_reminds_for_each_company_that_wants_it(self):
        self.other.write({'pay_now_reminder_auto': True, 'pay_now_working_days': False})
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_reminders_generate').method_direct_trigger()
        runs = self.env['pay.now.reminder.run'].sudo().search([('trigger', '=', 'auto')])
        self.assertEqual(runs.company_id, self.other)
        self.company.pay_now_reminder_auto = True
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_reminders_generate').method_direct_trigger()
        runs = self.env['pay.now.reminder.run'].sudo().search([('trigger', '=', 'auto')])
        self.assertEqual(len(runs), 2)
        self.assertEqual(runs.company_id, self.company | self.other)
        self.assertEqual(runs.reminder_ids.item_ids.move_id, self.mine | self.theirs)

    def test_users_of_one_company_see_nothing_of_the_other(self):
        for company, provider, invoice in (
            (self.company, self.provider, self.mine),
            (self.other, self.other_provider, self.theirs),
        ):
            tx = self.checkout(self.lines(invoice), provider=provider)
            self.gateway_of(provider).pay(tx, amount=tx.amount + 5)
            tx._synchronize()
            event = base.Event(
                id='evt_seen',
                type='checkout.session.completed',
                created_at=datetime.now(timezone.utc),
                checkout_id=tx.provider_reference,
            )
            self.env['pay.now.event'].sudo()._store(provider, event, 'webhook')
            self.make_invoice(30, days_late=20, company_id=company.id)
            self.run_of(company)
        user = self.user_of(self.other)
        for model in (
            'pay.now.discrepancy',
            'pay.now.event',
            'pay.now.reminder',
            'pay.now.reminder.level',
            'pay.now.reminder.run',
            'pay.now.transaction.item',
            'payment.transaction',
        ):
            everything = self.env[model].sudo().search([])
            if model == 'payment.transaction':
                everything = everything.filtered(
                    lambda tx: tx.provider_code in const.PROVIDER_CODES
                )
            seen = self.env[model].with_user(user).search([('id', 'in', everything.ids)])
            self.assertEqual(seen.company_id, self.other, model)
            hidden = (everything - seen.sudo()).filtered(lambda r: r.company_id == self.company)
            self.assertTrue(hidden, model)
            with self.assertRaises(AccessError, msg=model):
                hidden.with_user(user)[:1].check_access('read')

    def test_an_administrator_of_one_company_sees_no_provider_of_the_other(self):
        user = self.user_of(self.other, 'base.group_system,account.group_account_manager')
        providers = self.env['payment.provider'].with_user(user).search([OURS])
        self.assertEqual(providers.company_id, self.other)
        with self.assertRaises(AccessError):
            self.provider.with_user(user).action_pay_now_disconnect()


@tagged('post_install', '-at_install')
class TestCompanyPages(CompaniesCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.use_both()

    def test_the_page_of_one_cannot_be_paid_at_the_provider_of_the_other(self):
        page = urlsplit(self.theirs._pay_now_url()).path
        form = html.fromstring(self.url_open(page).content).xpath('//form')[0]
        self.assertEqual(
            {value for value in form.xpath('.//*[@name="provider_id"]/@value')},
            {str(self.other_provider.id)},
        )
        answer = self.url_open(
            form.get('action'),
            data={
                'provider_id': str(self.provider.id),
                'item': [str(line.id) for line in self.lines(self.theirs)],
            },
        )
        self.assertIn("not available now", answer.text)
        self.assertFalse(
            self.env['payment.transaction'].sudo().search([('invoice_ids', 'in', self.theirs.ids)])
        )

    def test_the_pages_are_each_companys_own(self):
        self.other.email_secondary_color = '#112233'
        for invoice, name, strange in (
            (self.theirs, "Bakery Inc.", "Fournil SARL"),
            (self.mine, "Fournil SARL", "Bakery Inc."),
        ):
            page = self.url_open(urlsplit(invoice._pay_now_url()).path).text
            self.assertIn(name, page)
            self.assertNotIn(strange, page)
            self.assertEqual('#112233' in page, invoice == self.theirs)
