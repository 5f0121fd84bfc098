# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

from lxml import html

from odoo import fields
from odoo.exceptions import AccessError, ConcurrencyError
from odoo.fields import Command
from odoo.http import Request
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.provider.test_branches import BranchCommon

BANNER = '//section[contains(@class, "o_pay_now_overdue")]'
LOGIN = 'pay_now_overdue'


@tagged('post_install', '-at_install')
class TestPortalOverdue(BrowserMixin, BranchCommon, HttpCase):
    """What is overdue, in front of a customer who logs in, and one payment of exactly that."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        # Whatever else takes payments in this database is the subject of one test only.
        cls.env['payment.provider'].search([('code', 'not in', const.PROVIDER_CODES)]).write(
            {'state': 'disabled', 'is_published': False}
        )
        cls.customer.is_company = True
        cls.user = cls.make_user(LOGIN, cls.customer)
        cls.late = cls.make_invoice(100, days_late=30)
        cls.later = cls.make_invoice(50, days_late=3)
        cls.next = cls.make_invoice(77, days_late=-20)

    @classmethod
    def make_user(cls, login, customer):
        """Return a contact of a customer who may log in; the password is the log-in."""
        user = new_test_user(
            cls.env,
            login,
            groups='base.group_portal',
            company_id=cls.company.id,
            company_ids=[Command.set((cls.company | cls.branch).ids)],
        )
        user.partner_id.write({'parent_id': customer.id, 'name': "Marie"})
        return user

    def setUp(self):
        super().setUp()
        self.authenticate(LOGIN, LOGIN)

    def open(self, path='/my/invoices'):
        return html.fromstring(self.url_open(path).content)

    def text(self, node):
        return ' '.join(node.text_content().split())

    def banner(self):
        """Return the forms of the banner and their texts."""
        forms = self.open().xpath(f'{BANNER}//form')
        return forms, [self.text(form) for form in forms]

    def post(self, form, **data):
        data['csrf_token'] = Request.csrf_token(self)
        return self.url_open(form.get('action'), data=data, allow_redirects=False)

    def documents(self):
        return self.env['pay.now.account'].sudo().search([])

    def ticked(self, page):
        ids = [int(value) for value in page.xpath('//input[@name="item"][@checked]/@value')]
        return self.env['account.move.line'].browse(ids).move_id

    def pay_part(self, invoice, amount):
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({'amount': amount})._create_payments()

    # === what it says and asks === #

    def test_exactly_what_is_overdue(self):
        self.pay_part(self.late, 40)
        [form], [text] = self.banner()
        self.assertIn("2 invoices are overdue: 110.00 €", text)
        self.assertNotIn("Payable online", text, "all of it is")
        response = self.post(form)
        self.assertEqual(response.status_code, 303)
        document = self.documents()
        self.assertEqual(response.headers['Location'], document._pay_now_path())
        page = self.open(document._pay_now_path())
        self.assertEqual(self.ticked(page), self.late | self.later)
        self.assertEqual(len(page.xpath('//input[@name="item"]')), 3, "the next one, not ticked")
        self.assertIn("110.00", page.xpath('//output')[0].text_content())

    def test_it_is_paid_and_booked(self):
        [form], _texts = self.banner()
        self.post(form)
        document = self.documents()
        page = self.open(document._pay_now_path())
        items = page.xpath('//input[@name="item"][@checked]/@value')
        response = self.post(page.xpath('//form')[0], item=items, provider_id=self.provider.id)
        self.assertIn('/pay_now/checkout/', response.headers['Location'])
        tx = self.env['payment.transaction'].sudo().search([], limit=1)
        self.assertEqual((tx.amount, tx.partner_id), (150, self.user.partner_id))
        tx._pay_now_open()
        self.gateway.pay(tx)
        tx._synchronize()
        states = [invoice.payment_state for invoice in (self.late, self.later, self.next)]
        self.assertEqual(states, ['paid', 'paid', 'not_paid'])
        self.assertFalse(self.banner()[0])
        # Whoever kept the address may pay the next one.
        self.assertEqual(self.ticked(self.open(document._pay_now_path())), self.next)

    def test_a_get_makes_nothing(self):
        for path in ('/my/invoices', '/my/home', f'/pay_now/overdue/{self.company.id}'):
            self.assertEqual(self.url_open(path).status_code, 200)
        self.assertFalse(self.documents())

    def test_no_post_without_csrf(self):
        with mute_logger('odoo.http'):
            response = self.url_open(f'/pay_now/overdue/{self.company.id}', data={'x': 'y'})
        # A form of a log-in that has ended: led to the new one, and nothing done.
        self.assertTrue(response.url.endswith('/my/invoices'))
        self.assertFalse(self.documents())

    def test_twice_gives_the_same(self):
        [form], _texts = self.banner()
        first = self.post(form).headers['Location']
        self.documents().sudo().pay_now_token_expiry = fields.Date.today()
        self.assertEqual(self.post(form).headers['Location'], first)
        document = self.documents()
        self.assertEqual(len(document), 1)
        self.assertGreater(document.pay_now_token_expiry, fields.Date.today())

    def test_the_address_lapses_and_is_revoked(self):
        [form], _texts = self.banner()
        path = self.post(form).headers['Location']
        self.documents().sudo().pay_now_token_expiry = fields.Date.today() - timedelta(days=1)
        self.assertEqual(self.url_open(path).status_code, 404)
        self.documents().action_pay_now_revoke_link()
        self.assertNotEqual(self.post(form).headers['Location'], path)

    def test_instalments_that_are_due_only(self):
        (self.late | self.later).button_draft()
        self.make_invoice(1000, days_late=10, invoice_payment_term_id=self.term.id)
        _forms, [text] = self.banner()
        self.assertIn("1 invoice is overdue: 300.00 €", text)

    def test_bills_are_none_of_it(self):
        self.assertFalse(self.open('/my/invoices?filterby=bills').xpath(BANNER))
        self.assertTrue(self.open('/my/invoices?filterby=overdue_invoices').xpath(BANNER))

    def test_a_double_click_makes_one(self):
        accounts = self.env['pay.now.account'].with_user(self.user)
        first = accounts._pay_now_account_page_of(self.company)
        # As the second click sees it: the first one is not there yet.
        with (
            patch.object(type(accounts), 'search', lambda records, *_args, **_kw: records.browse()),
            self.assertRaises(ConcurrencyError),
        ):
            accounts._pay_now_account_page_of(self.company)
        self.assertEqual(accounts._pay_now_account_page_of(self.company), first)

    def test_credit_notes_and_answers_as_on_every_page(self):
        credit = self.make_invoice(30, move_type='out_refund')
        [form], _texts = self.banner()
        self.post(form)
        document = self.documents()
        page = self.open(document._pay_now_path())
        [box] = page.xpath('//fieldset[contains(@class, "credits")]//input[@name="item"]/@value')
        self.assertEqual(self.env['account.move.line'].browse(int(box)).move_id, credit)
        items = [*page.xpath('//input[@name="item"][@checked]/@value'), box]
        form = page.xpath('//form')[0]
        self.post(form, item=items, provider_id=self.provider.id)
        self.assertEqual(self.env['payment.transaction'].sudo().search([], limit=1).amount, 120)
        form.set('action', f'{document._pay_now_path()}/answer')
        self.post(form, item=items[:1], answer='problem', problem="Half of it was burnt.")
        answer = self.env['pay.now.answer'].search([], limit=1)
        self.assertEqual((answer.partner_id, answer.item_ids.move_id), (self.customer, self.late))

    # === what cannot be paid === #

    def test_foreign_currency_is_listed_and_not_payable(self):
        usd = self.env.ref('base.USD')
        usd.active = True
        foreign = self.make_invoice(20, days_late=5, currency_id=usd.id)
        [form], [text] = self.banner()
        self.assertIn("3 invoices are overdue: 150.00 € + $ 20.00", text.replace('$20', '$ 20'))
        self.assertIn("Payable online: 150.00 €", text)
        self.post(form)
        page = self.open(self.documents()._pay_now_path())
        self.assertEqual(self.ticked(page), self.late | self.later)
        [disabled] = page.xpath('//input[@name="item"][@disabled]/@value')
        self.assertEqual(int(disabled), self.lines(foreign).id)
        (self.late | self.later).button_draft()
        self.assertFalse(self.banner()[0], "nothing of it can be paid online")

    def test_not_what_is_in_progress_or_blocked(self):
        tx = self.checkout(self.lines(self.late))
        tx._set_pending()
        _forms, [text] = self.banner()
        self.assertIn("1 invoice is overdue: 50.00 €", text)
        self.later.action_toggle_block_payment()
        self.assertFalse(self.banner()[0])

    def test_nothing_when_nobody_is_connected(self):
        self.provider.action_pay_now_disconnect()
        page = self.open()
        self.assertFalse(page.xpath(BANNER))
        response = self.url_open(f'/pay_now/overdue/{self.company.id}')
        self.assertTrue(response.url.endswith('/my/invoices'))

    def test_nothing_when_not_signed_up(self):
        self.company.sudo().pay_now_signup_date = False
        self.assertFalse(self.banner()[0])

    def test_nothing_when_nothing_is_overdue(self):
        [form], _texts = self.banner()
        (self.late | self.later).button_draft()
        self.assertFalse(self.banner()[0])
        self.assertTrue(self.post(form).headers['Location'].endswith('/my/invoices'))
        self.assertFalse(self.documents())

    # === who sees it === #

    def test_another_customer_sees_and_gets_nothing(self):
        [form], _texts = self.banner()
        path = self.post(form).headers['Location']
        stranger = self.env['res.partner'].create({'name': "Somebody else", 'is_company': True})
        self.make_user('pay_now_stranger', stranger)
        self.authenticate('pay_now_stranger', 'pay_now_stranger')
        self.assertFalse(self.banner()[0])
        answer = self.post(form).headers['Location']
        self.assertTrue(answer.endswith('/my/invoices'))
        self.assertNotEqual(answer, path)
        self.assertEqual(self.documents().customer_id, self.customer)
        own = self.make_invoice(9, partner=stranger, days_late=2)
        [form], [text] = self.banner()
        self.assertIn("1 invoice is overdue: 9.00 €", text)
        page = self.open(self.post(form).headers['Location'])
        self.assertEqual(self.ticked(page), own)
        self.assertEqual(len(page.xpath('//input[@name="item"]')), 1)

    def test_a_rule_that_shows_less_shows_less_on_the_page(self):
        [form], _texts = self.banner()
        path = self.post(form).headers['Location']
        self.env['ir.rule'].create(
            {
                'name': "Portal: not the old ones",
                'model_id': self.env.ref('account.model_account_move').id,
                'domain_force': f"[('id', '!=', {self.late.id})]",
                'groups': [Command.set(self.env.ref('base.group_portal').ids)],
            }
        )
        # Rules of one group add up: the portal's own would let it pass.
        self.env.ref('account.account_invoice_rule_portal').domain_force = "[(0, '=', 1)]"
        _forms, [text] = self.banner()
        self.assertIn("1 invoice is overdue: 50.00 €", text)
        self.assertNotIn(self.late.name, self.url_open(path).text)

    def test_the_page_closes_with_the_log_in(self):
        [form], _texts = self.banner()
        path = self.post(form).headers['Location']
        self.assertEqual(self.url_open(path).status_code, 200)
        elsewhere = self.env['res.partner'].create({'name': "New employer", 'is_company': True})
        self.user.partner_id.parent_id = elsewhere
        self.assertEqual(self.url_open(path).status_code, 404)
        self.user.partner_id.parent_id = self.customer
        self.user.active = False
        self.assertEqual(self.url_open(path).status_code, 404)

    def test_no_client_makes_or_reads_one(self):
        for user in (self.user, self.env.ref('base.user_admin')):
            Account = self.env['pay.now.account'].with_user(user)
            with self.assertRaises(AccessError):
                Account.create(
                    {
                        'user_id': user.id,
                        'customer_id': self.customer.id,
                        'company_id': self.company.id,
                    }
                )
            with self.assertRaises(AccessError):
                Account.search([])

    def test_nobody_without_log_in(self):
        self.authenticate(None, None)
        self.assertIn('/web/login', self.url_open('/my/invoices').url)
        self.assertIn('/web/login', self.url_open(f'/pay_now/overdue/{self.company.id}').url)

    # === companies === #

    def test_a_button_for_each_company(self):
        own = self.make_branch_invoice(8, days_late=4)
        forms, texts = self.banner()
        self.assertIn("Fournil SARL 2 invoices are overdue: 150.00 €", texts[0])
        self.assertIn("Fournil Lyon 1 invoice is overdue: 8.00 €", texts[1])
        for form in forms:
            self.post(form)
        document = self.documents().filtered(lambda one: one.company_id == self.branch)
        page = self.open(document._pay_now_path())
        self.assertEqual(self.ticked(page), own)
        self.assertEqual(len(page.xpath('//input[@name="item"]')), 1)
        self.assertIn("Fournil Lyon", self.text(page))

    def test_not_of_companies_the_portal_hides(self):
        self.make_branch_invoice(8, days_late=4)
        [_own, form], _texts = self.banner()
        path = self.post(form).headers['Location']
        self.user.company_ids = self.company
        self.assertEqual(len(self.banner()[0]), 1)
        self.assertEqual(self.url_open(path).status_code, 404)
        self.assertTrue(self.post(form).headers['Location'].endswith('/my/invoices'))

    # === beside Odoo's own === #

    def test_in_the_place_of_odoo_s_own_button(self):
        self.make_invoice(5, partner=self.user.partner_id, days_late=5)
        own = '//a[@href="/my/invoices/overdue"]'
        self.assertFalse(self.open().xpath(own))
        self.assertTrue(self.url_open('/my/invoices/overdue').url.endswith('/my/invoices'))
        self.env['payment.provider'].create(
            {
                'name': "By carrier pigeon",
                'code': 'none',
                'company_id': self.company.id,
                'state': 'test',
                'is_published': True,
            }
        )
        page = self.open()
        self.assertTrue(page.xpath(own), "another provider is not disturbed")
        self.assertTrue(page.xpath(BANNER))
        self.assertTrue(self.url_open('/my/invoices/overdue').url.endswith('/overdue'))

    def test_odoo_s_own_stays_without_ours(self):
        self.make_invoice(5, partner=self.user.partner_id, days_late=5)
        self.provider.action_pay_now_disconnect()
        self.assertTrue(self.open().xpath('//a[@href="/my/invoices/overdue"]'))

    def test_no_more_queries_for_more_invoices(self):
        accounts = self.env['pay.now.account'].with_user(self.user)
        document = accounts._pay_now_account_page_of(self.company)

        def queries():
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            [row] = accounts._pay_now_banner()
            banner = self.cr.sql_log_count
            self.env.invalidate_all()
            # As the public page reads it: the token is what lets the customer in.
            document.sudo()._pay_now_page_values()
            return row['count'], banner - before, self.cr.sql_log_count - banner

        queries()
        few = queries()
        for amount in range(1, 21):
            self.make_invoice(amount, days_late=9)
        many = queries()
        self.assertEqual((few[0], many[0]), (2, 22))
        self.assertLessEqual(many[1], min(few[1], 20), "the banner")
        self.assertLessEqual(many[2], min(few[2], 32), "the page")

    def test_how_it_looks(self):
        usd = self.env.ref('base.USD')
        usd.active = True
        self.make_invoice(1234.5, days_late=40)
        self.make_invoice(20, days_late=5, currency_id=usd.id)
        self.make_branch_invoice(8, days_late=4)
        ready = "document.querySelector('.o_pay_now_overdue button')"
        for lang, size, name in (
            ('en_US', DESKTOP, 'portal_overdue_en'),
            ('fr_FR', PHONE, 'portal_overdue_phone_fr'),
        ):
            self.user.lang = lang
            with self.browser(LOGIN) as browser:
                self.show(browser, '/my/invoices', ready, name, size)
                self.assert_fits(browser)
                self.assert_accessible(browser, within='.o_pay_now_overdue')
                self.run_js(browser, f'{ready}.click()')
                self.wait_for(browser, "document.querySelector('.pay-now-live')")
                self.picture(browser, name.replace('overdue', 'overdue_page'))
                self.assert_fits(browser)
                self.assert_accessible(browser)
