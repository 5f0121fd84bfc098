# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json
import runpy
from pathlib import Path

from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.test_authority import AuthorityCommon
from odoo.addons.account_pay_now.utils import PayerError

EVIL = 'https://evil.example/checkout'
QUIET = ('odoo.http', 'odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')


@tagged('post_install', '-at_install')
class TestAuthorityAttacks(AuthorityCommon, HttpCase):
    """Attacks with forged fields, by RPC; the books and the mails are looked at afterwards."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bookkeeper = cls.users['bookkeeper']

    def call(self, model, method, *args, role='bookkeeper', **kwargs):
        """Call a method as the web client does; return its result or the name of its error."""
        self.authenticate(f'pay_now_{role}', f'pay_now_{role}')
        body = {'model': model, 'method': method, 'args': list(args), 'kwargs': kwargs}
        with mute_logger(*QUIET):
            response = self.url_open(
                f'/web/dataset/call_kw/{model}/{method}',
                data=json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': body}),
                headers={'Content-Type': 'application/json'},
            )
        answer = response.json()
        error = answer.get('error')
        return error['data']['name'] if error else answer.get('result')

    def assert_refused(self, *args, **kwargs):
        self.assertEqual(self.call(*args, **kwargs), 'odoo.exceptions.AccessError')

    def entries(self):
        return self.env['account.payment'].search_count([]), self.env['account.move'].search_count(
            [('state', '=', 'posted')]
        )

    # === A PAYMENT OF ANOTHER ONE === #

    def test_session_of_another_payment(self):
        paid = self.paid(100)
        stranger = self.env['res.partner'].create({'name': "Accomplice", 'email': 'a@example.com'})
        invoice = self.make_invoice(100, partner=stranger)
        tx = self.checkout(self.lines(invoice), partner=stranger)
        before = self.entries()
        forged = {'provider_reference': paid.provider_reference, 'amount': 100}
        self.assert_refused('payment.transaction', 'write', tx.ids, forged)
        self.assert_refused('payment.transaction', 'web_save', tx.ids, forged, specification={})
        values = {
            'provider_id': self.provider.id,
            'payment_method_id': tx.payment_method_id.id,
            'reference': 'FORGED-1',
            'amount': 100,
            'currency_id': tx.currency_id.id,
            'partner_id': stranger.id,
        }
        self.assert_refused('payment.transaction', 'create', [{**values, **forged}])
        self.assert_refused('payment.transaction', 'create', [values])
        del values['provider_id']
        self.assert_refused(
            'payment.transaction',
            'create',
            [values],
            context={'default_provider_id': self.provider.id},
        )
        self.opener.cookies.clear()
        self.url_open(tx._pay_now_path('return'))
        self.env.invalidate_all()
        self.assertEqual((tx.state, self.entries()), ('draft', before))
        self.assertEqual(invoice.amount_residual, 100)

    def test_by_xmlrpc(self):
        tx, db = self.checkout(self.lines(self.make_invoice(100))), self.env.cr.dbname
        login = self.bookkeeper.login
        for values in ({'provider_reference': 'cs_other'}, {'pay_now_checkout_url': EVIL}):
            with (
                self.subTest(values=values),
                mute_logger(*QUIET),
                self.assertRaisesRegex(Exception, "by hand"),
            ):
                self.xmlrpc_object.execute_kw(
                    db,
                    self.bookkeeper.id,
                    login,
                    'payment.transaction',
                    'write',
                    [tx.ids, values],
                )

    def test_an_id_is_of_one_payment_in_the_database(self):
        paid = self.paid(100)
        tx = self.checkout(self.lines(self.make_invoice(100)))
        with self.assertRaises(UniqueViolation), mute_logger('odoo.sql_db'), self.cr.savepoint():
            tx.provider_reference = paid.provider_reference
            self.env.flush_all()

    def test_reference_of_another_payment_is_reported_and_not_booked(self):
        """The last line of defence: whatever our id is, the provider says whose payment it is."""
        for theirs in ('INV-OTHER', ''):
            with self.subTest(theirs=theirs):
                invoice = self.make_invoice(100)
                tx = self.checkout(self.lines(invoice))
                self.gateway.set(tx.provider_reference, reference=theirs)
                self.gateway.pay(tx)
                before = self.entries()
                tx._synchronize()
                self.assertEqual((tx.state, self.entries()), ('draft', before))
                self.assertEqual(tx.pay_now_discrepancy_ids.mapped('kind'), ['identity'])
                self.assertFalse(tx.pay_now_payment_ref)
                self.assertEqual(invoice.amount_residual, 100)
                tx._synchronize()
                self.assertEqual(len(tx.pay_now_discrepancy_ids), 1)

    def test_nothing_is_captured_of_another_payment(self):
        tx = self.checkout(self.lines(self.make_invoice(100)), provider=self.provider)
        self.gateway.set(tx.provider_reference, reference='INV-OTHER', state=base.APPROVED)
        tx._synchronize()
        self.assertFalse(self.gateway.captured)
        self.assertTrue(tx.pay_now_discrepancy_ids)

    def test_update_keeps_the_older_and_reports_the_other(self):
        paid, tx = self.paid(100), self.checkout(self.lines(self.make_invoice(100)))
        self.env.flush_all()
        self.cr.execute('DROP INDEX payment_transaction_own_ref_once')
        self.cr.execute('ALTER TABLE payment_transaction DROP COLUMN pay_now_own_ref')
        self.cr.execute(
            'UPDATE payment_transaction SET provider_reference = %s WHERE id = %s',
            [paid.provider_reference, tx.id],
        )
        folder = Path(__file__).parents[1] / 'migrations' / '19.0.1.8.0'
        for name in ('pre-own-refs.py', 'post-own-refs.py'):
            for version in ('', '19.0.1.7.0'):
                runpy.run_path(str(folder / name))['migrate'](self.cr, version)
        self.env.invalidate_all()
        self.assertEqual(paid.pay_now_own_ref, paid.provider_reference)
        self.assertFalse(tx.pay_now_own_ref)
        self.assertEqual(tx.pay_now_discrepancy_ids.mapped('kind'), ['identity'])
        self.assertIn(paid.reference, tx.pay_now_discrepancy_ids.message)
        self.assertFalse(paid.pay_now_discrepancy_ids)
        tx.pay_now_discrepancy_ids._close_past()
        self.assertEqual(tx.pay_now_discrepancy_ids.state, 'open')

    # === FINDINGS === #

    def test_take_back_of_a_genuine_payment(self):
        tx, other = self.paid(100), self.paid(80)
        found = self.found(other)
        before = self.entries()
        self.assert_refused(
            'pay.now.discrepancy',
            'write',
            found.ids,
            {'transaction_id': tx.id, 'kind': 'missing_there'},
        )
        self.assertIsNone(self.call('pay.now.discrepancy', 'action_reverse', found.ids))
        self.env.invalidate_all()
        self.assertEqual((found.transaction_id, found.kind), (other, 'surplus'))
        self.assertEqual(self.entries(), before)
        self.assertTrue(
            tx.payment_id.move_id.state == 'posted' and not tx.payment_id.move_id.reversal_move_ids
        )

    def test_take_back_asks_the_provider_once_more(self):
        """However the finding came to be: what is paid there is not taken back here."""
        tx = self.paid(100)
        found = self.found(tx, 'missing_there', 'unknown_at_provider', amount=100)
        before = self.entries()
        mine = found.with_user(self.bookkeeper)
        with self.assertRaisesRegex(UserError, "no longer so"):
            mine.action_reverse()
        self.gateway.down = True
        with self.assertRaises(UserError):
            mine.action_reverse()
        self.gateway.down = False
        self.assertEqual(self.entries(), before)
        self.gateway.set(tx.provider_reference, state=base.CANCELED)
        mine.action_reverse()
        self.assertTrue(tx.pay_now_discrepancy_ids.filtered(lambda one: one.state == 'done'))

    # === REMINDERS === #

    def test_mail_of_another_matter(self):
        self.make_invoice(100, days_late=30)
        run = self.generate()
        mail = self.env['mail.mail'].create({'subject': "Salaries", 'email_to': 'a@example.com'})
        values = {
            'run_id': run.id,
            'company_id': self.company.id,
            'partner_id': self.customer.id,
            'mail_id': mail.id,
        }
        self.assert_refused('pay.now.reminder', 'create', [values])
        self.assert_refused('pay.now.reminder', 'write', run.reminder_ids.ids, {'mail_id': mail.id})
        message = mail.mail_message_id
        # And whatever the field says: what is not about the reminder is not touched.
        run.reminder_ids.sudo().mail_id = mail
        [sent] = self.send(run)
        self.assertNotIn("Salaries", sent['subject'])
        self.assertTrue(mail.exists() and message.exists())
        self.assertEqual((mail.state, mail.subject), ('outgoing', "Salaries"))

    def test_reminder_that_was_never_sent(self):
        self.make_invoice(100, days_late=30)
        run = self.generate()
        reminder = run.reminder_ids
        for values in (
            {'state': 'sent', 'sent_at': '2026-01-01 00:00:00'},
            {'amount_due': 1},
            {'asked_text': "1 €"},
            {'pay_now_token_expiry': '2099-01-01'},
            {'item_ids': [Command.clear()]},
            {'email': 'evil@example.com'},
        ):
            with self.subTest(values=values):
                self.assert_refused('pay.now.reminder', 'write', reminder.ids, values)
                self.assert_refused(
                    'pay.now.reminder.run',
                    'write',
                    run.ids,
                    {'reminder_ids': [Command.update(reminder.id, values)]},
                )
        [sent] = self.send(run)
        self.assertIn('client@example.com', sent['email_to'][0])

    def test_run_of_others(self):
        self.make_invoice(100, days_late=30)
        other = self.env['res.company'].create({'name': "Elsewhere"})
        run = self.generate()
        marc = self.users['salesman']
        for values in (
            {'sales_user_id': marc.id},
            {'company_id': other.id},
            {'state': 'sending'},
            {'print_previous_balance': True},
        ):
            with self.subTest(values=values):
                self.assert_refused('pay.now.reminder.run', 'write', run.ids, values)
        for values in (
            {'sales_user_id': marc.id},
            {'company_id': other.id},
            {'trigger': 'auto'},
            {'last_partner_id': 7},
        ):
            with self.subTest(created=values):
                self.assert_refused('pay.now.reminder.run', 'create', [values])
        self.assert_refused(
            'pay.now.reminder.run', 'create', [{'company_id': other.id}], role='salesman'
        )
        wizard = self.env['pay.now.generate.reminders'].with_user(self.bookkeeper)
        with self.assertRaises(AccessError), self.cr.savepoint():
            wizard.create({'company_id': other.id}).action_generate()

    # === ADDRESSES === #

    def test_open_redirect(self):
        tx = self.checkout(self.lines(self.make_invoice(100)))
        self.assert_refused('payment.transaction', 'write', tx.ids, {'pay_now_checkout_url': EVIL})
        self.opener.cookies.clear()
        path = tx._pay_now_path('checkout')
        response = self.url_open(path, allow_redirects=False)
        self.assertIn('127.0.0.1', response.headers['Location'], "the sandbox, on this machine")
        for url in (EVIL, 'https://checkout.stripe.com.evil.example/pay', '//evil.example', 'x'):
            with self.subTest(url=url), mute_logger('odoo.addons.account_pay_now'):
                tx.pay_now_checkout_url = url
                self.env.flush_all()
                response = self.url_open(path, allow_redirects=False)
                self.assertNotIn('Location', response.headers)
                self.assertNotIn('evil', response.text)

    def test_addresses_of_the_providers(self):
        tx = self.checkout(self.lines(self.make_invoice(100)))
        self.provider.sudo().pay_now_api_base = False
        with self.assertRaises(PayerError), mute_logger('odoo.addons.account_pay_now'):
            tx._pay_now_open()
        for url, is_theirs in (
            ('https://checkout.stripe.com/c/pay/cs_1#x', True),
            ('https://stripe.com', True),
            ('https://connect.stripe.com:443/setup', True),
            ('http://checkout.stripe.com/c/pay', False),
            ('https://checkout.stripe.com:8443/c/pay', False),
            ('https://evilstripe.com/c/pay', False),
            ('https://stripe.com@evil.example/', False),
            ('https://evil.example\\.stripe.com/', False),
            ('https://evil.example/?stripe.com', False),
            ('https://127.0.0.1/c/pay', False),
            ('http://127.0.0.1/c/pay', False),
            ('javascript:alert(1)', False),
            ('https://[stripe.com', False),
            ('', False),
            (False, False),
        ):
            with self.subTest(url=url):
                self.assertEqual(self.provider.sudo()._pay_now_is_own_address(url), is_theirs)
        self.assertTrue(utils.is_address_of('https://www.sandbox.paypal.com/x', ('paypal.com',)))

    def test_checkout_on_a_host_of_the_company(self):
        """Stripe's custom domain, once an administrator named it; payers only, to the letter."""
        tx = self.checkout(self.lines(self.make_invoice(100)))
        url, parameters = 'https://pay.example.com/c/pay/cs_1#x', self.env['ir.config_parameter']
        logger = 'odoo.addons.account_pay_now.models.payment.payment_transaction_checkout'
        with self.assertLogs(logger, 'ERROR') as log:
            try:
                tx._pay_now_checked_address(url)
            except PayerError as error:
                # Shown by the page, whose request is committed.
                refusal = str(error)
        self.assertTrue(refusal)
        self.assertIn('pay.example.com', log.output[0])
        self.assertIn('account_pay_now.stripe_checkout_hosts', log.output[0])
        provider = self.provider.sudo()
        self.assertEqual(provider._pay_now_find_health(), ('amber', 'host'))
        self.assertIn('pay.example.com', provider.pay_now_health_text)
        provider._pay_now_follow_health()
        self.assertIn('pay.example.com', provider.activity_ids.note, "somebody is told")
        parameters.set_param(
            'account_pay_now.stripe_checkout_hosts', 'Pay.Example.com, other.example'
        )
        self.assertNotEqual(provider._pay_now_find_health()[1], 'host', "it is named")
        self.assertEqual(tx._pay_now_checked_address(url), url)
        self.assertFalse(provider.pay_now_foreign_host)
        for wrong in (
            'http://pay.example.com/c/pay',
            'https://example.com/c/pay',
            'https://x.pay.example.com/c/pay',
            'https://pay.example.com.evil.example/c/pay',
            'https://pay.example.com:8443/c/pay',
            EVIL,
        ):
            with (
                self.subTest(url=wrong),
                mute_logger(logger),
                self.assertRaises(PayerError),
            ):
                tx._pay_now_checked_address(wrong)
        self.assertFalse(provider._pay_now_is_own_address(url), "merchants are not sent there")
        self.connect_paypal()
        self.assertFalse(self.paypal.sudo()._pay_now_is_checkout_address(url))
        for role, user in self.users.items():
            if role != 'administrator':
                with self.subTest(role=role), self.assertRaises(AccessError):
                    parameters.with_user(user).set_param(
                        'account_pay_now.stripe_checkout_hosts', 'evil.example'
                    )

    # === KEYS AND TEMPLATES === #

    def test_refused_keys_are_not_kept(self):
        wizard = self.env['pay.now.connect'].create(
            {'provider_id': self.provider.id, 'api_key': 'sk_live_typo', 'api_secret': 'hidden'}
        )
        self.env.flush_all()
        self.gateway.refused = self.auth_error()
        with self.enter_registry_test_mode():
            try:
                wizard.action_connect()
            except UserError:
                refused = True
        self.assertTrue(refused)
        self.env.invalidate_all()
        self.assertRecordValues(wizard, [{'api_key': '-', 'api_secret': False}])

    def test_template_of_another_model(self):
        level = self.env['pay.now.reminder.level'].search([], limit=1)
        template = self.env['mail.template'].create(
            {'name': "Users", 'model_id': self.env['ir.model']._get_id('res.users')}
        )
        with self.assertRaises(ValidationError), self.cr.savepoint():
            level.template_id = template
        self.make_invoice(100, days_late=30)
        run = self.generate()
        level = run.reminder_ids.level_id
        # Whoever may change templates changes one that is in use.
        self.env.flush_all()
        self.cr.execute(
            "UPDATE mail_template SET model = 'res.users' WHERE id = %s", [level.template_id.id]
        )
        self.env.invalidate_all()
        with self.assertRaisesRegex(ValidationError, "not for reminders"):
            run.reminder_ids.action_edit()
        with mute_logger('odoo.addons.account_pay_now'):
            self.assertFalse(self.send(run))
        self.assertEqual(run.reminder_ids.state, 'failed')
