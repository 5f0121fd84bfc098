# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from unittest.mock import patch
from urllib.parse import urlsplit

from lxml import html

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError
from odoo.addons.account_pay_now.tests.common import PayNowCommon

DATA = '_pay_now_has_demo_data'


class DemoCommon(PayNowCommon):
    """A company whose providers are played, as in a database with demo data."""

    has_demo_data = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The gateways of the connections from here on.
        cls.class_patcher.stop()
        cls.data_patcher = patch.object(
            cls.env.registry['payment.provider'], DATA, lambda _self: cls.has_demo_data
        )
        cls.startClassPatcher(cls.data_patcher)
        cls.sign_up()
        cls.providers = cls.provider | cls.paypal
        for provider in cls.providers:
            provider._pay_now_connect_demo()

    def without_demo_data(self):
        return patch.object(self.env.registry['payment.provider'], DATA, lambda _self: False)

    def played(self, provider):
        return provider.sudo()._pay_now_gateway().provider

    def paid(self, provider, amount=120.0):
        """Return the transaction of an invoice that was paid, and followed."""
        tx = self.checkout(self.lines(self.make_invoice(amount)), provider=provider)
        provider._pay_now_demo_choose(tx.provider_reference, 'pay')
        self.work_off()
        return tx

    def work_off(self):
        for provider in self.providers:
            provider._pay_now_demo_work_off()

    def balances(self, entries):
        """Return what entries say: account and balance, zero left out."""
        return {(line.account_id, line.balance) for line in entries.line_ids if line.balance}


@tagged('post_install', '-at_install')
class TestDemoFlag(DemoCommon):
    """Who makes a connection a demonstration: code, in a database with demo data, and nobody."""

    def test_only_with_demo_data(self):
        other = self.provider.copy({'company_id': self.company.id})
        self.assertFalse(other.pay_now_demo, "a copy is none")
        with self.without_demo_data():
            with self.assertRaisesRegex(ValidationError, "database with demo data"):
                other._pay_now_connect_demo()
            with self.assertRaises(GatewayAuthError):
                self.provider._pay_now_gateway()
            with self.assertRaisesRegex(UserError, "no demonstration"):
                self.provider.action_pay_now_demo_pay_out()
            self.assertFalse(self.provider._pay_now_swept() & self.providers)

    def test_what_this_database_is(self):
        self.data_patcher.stop()
        try:
            module = self.env.ref('base.module_base').sudo()
            self.assertEqual(self.provider._pay_now_has_demo_data(), module.demo)
            module.demo = True
            self.assertTrue(self.provider._pay_now_has_demo_data())
        finally:
            self.data_patcher.start()

    def test_nobody_writes_it(self):
        admin = self.env.ref('base.user_admin')
        admin.write({'company_ids': [(4, self.company.id)]})
        provider = self.provider.copy({'company_id': self.company.id}).with_user(admin)
        with self.assertRaises(AccessError):
            provider.write({'pay_now_demo': True})
        with self.assertRaises(AccessError):
            provider.create({'name': "Mine", 'code': 'pay_now_stripe', 'pay_now_demo': True})
        with self.assertRaises(AccessError):
            provider.with_context(default_pay_now_demo=True).create({'name': "Mine"})
        objects = self.env['pay.now.demo.object'].with_user(admin)
        with self.assertRaises(AccessError):
            objects.create(
                {'provider_id': provider.id, 'kind': 'movement', 'ref': 'x', 'content': {}}
            )
        with self.assertRaises(AccessError):
            objects.search([], limit=1).write({'content': {}})
        self.assertFalse(provider.pay_now_demo)

    def test_never_real_money(self):
        for values in ({'state': 'enabled'}, {'pay_now_api_key': 'sk_live_key'}):
            with self.assertRaisesRegex(ValidationError, "is a demonstration"):
                self.provider.sudo().write(values)
        with self.assertRaisesRegex(UserError, "has no keys"):
            self.provider._pay_now_change_keys('sk_live_key')

    def test_buttons_of_an_ordinary_connection(self):
        other = self.provider.copy({'company_id': self.company.id})
        for name in ('settle', 'pay_out', 'dispute', 'win', 'lose'):
            with self.assertRaisesRegex(UserError, "no demonstration"):
                getattr(other, f'action_pay_now_demo_{name}')()

    def test_buttons_are_the_administrators(self):
        billing = self.env['res.users'].create(
            {
                'name': "Billing",
                'login': 'pay_now_demo_billing',
                'group_ids': [(6, 0, self.env.ref('account.group_account_manager').ids)],
                'company_id': self.company.id,
                'company_ids': [(6, 0, self.company.ids)],
            }
        )
        self.paid(self.provider)
        for name in ('settle', 'pay_out', 'dispute', 'win', 'lose'):
            with self.assertRaises(AccessError):
                getattr(self.provider.with_user(billing), f'action_pay_now_demo_{name}')()
        self.assertFalse(self.env['pay.now.payout'].search([('company_id', '=', self.company.id)]))

    def test_says_so(self):
        for provider in self.providers:
            self.assertEqual(provider.state, 'test')
            self.assertEqual(provider.pay_now_health, 'green')
            self.assertIn("Demonstration", provider.pay_now_health_text)
            self.assertIn("demonstration", provider.pay_now_account_name)
        self.assertIn("every customer", self.company._pay_now_test_text())
        self.assertFalse(self.provider._pay_now_away())

    def test_disconnected_and_connected_again(self):
        tx = self.paid(self.provider)
        self.provider.action_pay_now_disconnect()
        self.assertEqual(self.provider.pay_now_status, 'not_connected')
        self.assertTrue(self.provider.pay_now_can_reconnect)
        self.provider.action_pay_now_reconnect()
        self.assertEqual(self.provider.pay_now_status, 'connected')
        self.assertTrue(self.provider.pay_now_demo)
        self.assertEqual(tx.state, 'done')


@tagged('post_install', '-at_install')
class TestDemoBooks(DemoCommon):
    """What follows in the books from what happens at a provider that is played."""

    def test_payment_and_commission(self):
        for provider, fee in ((self.provider, 2.05), (self.paypal, 3.83)):
            tx = self.paid(provider)
            self.assertEqual((tx.state, tx.pay_now_commission), ('done', fee))
            invoice = tx.pay_now_item_ids.move_id
            self.assertEqual(invoice.payment_state, 'paid')
            receivable = invoice.line_ids.filtered(
                lambda line: line.account_id.account_type == 'asset_receivable'
            ).account_id
            self.assertEqual(
                self.balances(tx.payment_id.move_id),
                {(provider.pay_now_clearing_account_id, 120), (receivable, -120)},
            )
            clearing = [
                line.balance
                for line in tx.pay_now_commission_move_id.line_ids
                if line.account_id == provider.pay_now_clearing_account_id
            ]
            self.assertEqual(clearing, [-fee])
            self.assertAlmostEqual(self.clearing_balance(provider), 120 - fee)
            self.assertEqual(provider._pay_now_clearing_equation()['gap'], 0)

    def test_same_notification_twice(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        played = self.played(self.provider)
        played.pay(tx.provider_reference)
        told = list(played.told)
        self.provider._pay_now_demo_deliver(played)
        played.told.extend(told * 2)
        self.provider._pay_now_demo_deliver(played)
        self.work_off()
        events = self.env['pay.now.event'].search([('provider_id', '=', self.provider.id)])
        self.assertEqual((len(events), events.state), (len(told), 'done'))
        self.assertEqual(events.source, 'webhook')
        self.assertEqual(len(tx.payment_id), 1)
        self.assertAlmostEqual(self.clearing_balance(), 98.25)

    def test_without_a_notification(self):
        tx = self.checkout(self.lines(self.make_invoice()))
        self.played(self.provider).pay(tx.provider_reference)
        self.env['pay.now.event'].sudo()._sweep()
        self.work_off()
        self.assertEqual(tx.state, 'done')

    def test_money_that_takes_days(self):
        for provider in self.providers:
            tx = self.checkout(self.lines(self.make_invoice()), provider=provider)
            provider._pay_now_demo_choose(tx.provider_reference, 'slow')
            self.work_off()
            self.assertEqual(tx.state, 'pending')
            self.assertEqual(tx.pay_now_item_ids.move_id.payment_state, 'not_paid')
            provider.action_pay_now_demo_settle()
            self.assertEqual(tx.state, 'done')
            self.assertEqual(tx.pay_now_item_ids.move_id.payment_state, 'paid')
            with self.assertRaisesRegex(UserError, "on its way"):
                provider.action_pay_now_demo_settle()

    def test_refund(self):
        for provider in self.providers:
            tx = self.paid(provider)
            refund = tx.sudo()._refund(amount_to_refund=40)
            self.work_off()
            self.assertEqual((refund.state, refund.amount), ('done', -40))
            self.assertAlmostEqual(self.clearing_balance(provider), 80 - tx.pay_now_commission)
            self.assertEqual(provider._pay_now_clearing_equation()['gap'], 0)

    def test_payout_and_its_bank_line(self):
        for provider in self.providers:
            self.paid(provider)
            provider.action_pay_now_demo_pay_out()
            payout = self.env['pay.now.payout'].search([('provider_id', '=', provider.id)])
            self.assertAlmostEqual(self.clearing_balance(provider), 0)
            self.assertEqual((payout.settled, payout.bank_state), (True, 'matched'))
            self.assertEqual(payout.statement_line_ids.amount, payout.amount)
            with self.assertRaisesRegex(UserError, "Nothing is owed"):
                provider.action_pay_now_demo_pay_out()

    def test_dispute(self):
        for provider in self.providers:
            with self.assertRaisesRegex(UserError, "no payment to dispute"):
                provider.action_pay_now_demo_dispute()
            with self.assertRaisesRegex(UserError, "no open dispute"):
                provider.action_pay_now_demo_win()
            for won in (True, False):
                tx = self.paid(provider)
                provider.action_pay_now_demo_dispute()
                dispute = tx.pay_now_dispute_ids
                self.assertEqual(dispute.state, 'open')
                invoice = tx.pay_now_item_ids.move_id
                self.assertEqual(invoice.payment_state, 'paid')
                decide = 'win' if won else 'lose'
                getattr(provider, f'action_pay_now_demo_{decide}')()
                self.assertEqual(dispute.state, 'won' if won else 'lost')
                self.assertFalse(dispute.problem)
                self.assertEqual(invoice.payment_state, 'paid' if won else 'not_paid')
            self.assertEqual(provider._pay_now_clearing_equation()['gap'], 0)
            self.assertAlmostEqual(
                self.clearing_balance(provider),
                provider._pay_now_gateway().balance().total('EUR').__float__(),
            )


@tagged('post_install', '-at_install')
class TestDemoPage(DemoCommon, HttpCase):
    """The checkout of a provider that is played, over HTTP and without a log-in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.make_invoice(120)
        cls.page = urlsplit(cls.invoice._pay_now_url()).path

    def follow(self, provider):
        """Press the provider's button on the pay page; return the page of the checkout."""
        data = {
            'provider_id': str(provider.id),
            'item': [str(one.id) for one in self.lines(self.invoice)],
        }
        response = self.url_open(f'{self.page}/pay', data=data)
        self.assertEqual(response.status_code, 200)
        self.assertIn(f'/pay_now/demo/{provider.id}/', response.url)
        return urlsplit(response.url).path, html.fromstring(response.content)

    def choose(self, path, choice):
        response = self.url_open(path, data={'choice': choice})
        self.assertEqual(response.status_code, 200)
        return response, html.fromstring(response.content).text_content()

    def test_pay(self):
        for provider in self.providers:
            self.invoice = self.make_invoice(120)
            self.page = urlsplit(self.invoice._pay_now_url()).path
            path, page = self.follow(provider)
            self.assertIn("Nothing is charged", page.text_content())
            self.assertIn(self.invoice.name, page.text_content())
            self.assertEqual(len(page.xpath('//button')), 3)
            response, text = self.choose(path, 'pay')
            self.assertIn('/pay_now/result/', response.url)
            self.assertIn("Payment received", text)
            self.assertEqual(self.invoice.payment_state, 'paid')
            # Once more, by the Back button.
            self.choose(path, 'pay')
            text = html.fromstring(self.url_open(path).content).text_content()
            self.assertIn("Nothing can be paid here any more", text)
            self.assertEqual(len(self.invoice.transaction_ids), 1)

    def test_decline_then_pay(self):
        path, _page = self.follow(self.provider)
        response, text = self.choose(path, 'decline')
        self.assertIn("declined", text)
        self.assertEqual(urlsplit(response.url).path, path)
        _response, text = self.choose(path, 'pay')
        self.assertIn("Payment received", text)

    def test_decline_at_paypal_leads_back(self):
        path, _page = self.follow(self.paypal)
        response, text = self.choose(path, 'decline')
        self.assertEqual(urlsplit(response.url).path, path, "sent back to choose again")
        self.assertIn("declined", text)
        tx = self.invoice.transaction_ids
        self.assertEqual((tx.state, tx.pay_now_captures), ('draft', 1))
        _response, text = self.choose(path, 'pay')
        self.assertIn("Payment received", text)

    def test_cancel_keeps_it_open(self):
        path, page = self.follow(self.provider)
        response = self.url_open(page.xpath('//a[contains(@href, "/cancel/")]/@href')[0])
        self.assertIn("Payment canceled", response.text)
        self.assertEqual(self.invoice.transaction_ids.state, 'draft')
        self.assertEqual(len(html.fromstring(self.url_open(path).content).xpath('//button')), 3)

    def test_takes_days(self):
        path, _page = self.follow(self.provider)
        _response, text = self.choose(path, 'slow')
        self.assertIn("Payment in progress", text)

    def test_reading_changes_nothing(self):
        path, _page = self.follow(self.provider)
        for _again in range(3):
            self.assertEqual(self.url_open(path).status_code, 200)
        self.assertEqual(self.url_open(path, data={'choice': 'all'}).status_code, 200)
        self.assertEqual(self.invoice.transaction_ids.state, 'draft')
        self.assertFalse(self.played(self.provider).balance())
        answer = self.url_open(path)
        self.assertIn("frame-ancestors 'none'", answer.headers['Content-Security-Policy'])
        self.assertEqual(answer.headers['Cache-Control'], 'no-store')

    @mute_logger('odoo.http')
    def test_no_such_page(self):
        path, _page = self.follow(self.provider)
        _, _, kind, provider_id, ref, token = path.split('/')
        self.assertEqual((kind, provider_id), ('demo', str(self.provider.id)))
        for wrong in (
            f'/pay_now/demo/{provider_id}/{ref}/{token[::-1]}',
            f'/pay_now/demo/{provider_id}/{ref}x/{token}',
            f'/pay_now/demo/{self.paypal.id}/{ref}/{token}',
            f'/pay_now/demo/999999/{ref}/{token}',
        ):
            self.assertEqual(self.url_open(wrong).status_code, 404, wrong)
            self.assertEqual(self.url_open(wrong, data={'choice': 'pay'}).status_code, 404, wrong)
        with self.without_demo_data():
            self.assertEqual(self.url_open(path).status_code, 404)
            self.assertEqual(self.url_open(path, data={'choice': 'pay'}).status_code, 404)
        self.provider.sudo().pay_now_demo = False
        self.assertEqual(self.url_open(path).status_code, 404)
        self.assertEqual(self.invoice.transaction_ids.state, 'draft')

    @mute_logger('odoo.http')
    def test_nobody_notifies_from_outside(self):
        played = self.played(self.provider)
        tx = self.checkout(self.lines(self.invoice))
        played.pay(tx.provider_reference)
        body, headers = played.notification(played.told[0])
        answer = self.url_open(f'/pay_now/webhook/{self.provider.id}', data=body, headers=headers)
        self.assertEqual(answer.status_code, 404)

    def test_in_the_payers_language(self):
        if not self.env['res.lang']._get_data(code='fr_FR'):
            self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        path, page = self.follow(self.provider)
        self.assertEqual(page.get('lang'), 'fr-FR')
        english = html.fromstring(self.url_open(f'{path}?lang=en_US').content)
        self.assertEqual(english.get('lang'), 'en-US')
