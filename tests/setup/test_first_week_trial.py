# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, HttpCase, tagged

from odoo.addons.account_pay_now.tests.setup.first_week import TrialCommon


@tagged('post_install', '-at_install')
class TestTrialReminder(TrialCommon):
    """One mail to myself, and nothing else."""

    def test_the_customers_mail_to_me(self):
        self.make_invoice(50)
        rich = self.env['res.partner'].create({'name': "Rich", 'email': 'rich@example.com'})
        invoice = self.make_invoice(500, partner=rich, days_late=30)
        before = self.footprint()
        trial = self.trial()
        self.assertEqual(trial.partner_id, rich, "the largest amount due")
        mail = self.send(trial)
        self.assertEqual(mail['email_to'], ['manager@example.com'])
        self.assertEqual(mail['email_cc'], [])
        self.assertTrue(mail['subject'].startswith("Trial – Fournil SARL"), mail['subject'])
        self.assertIn(invoice.name, mail['body'])
        self.assertIn("Rich", mail['body'])
        self.assertEqual(self.footprint(), before)

    def test_same_text_as_the_real_one(self):
        self.make_invoice(50)
        mail = self.send(self.trial())
        run = self.env['pay.now.reminder.run'].create({})
        run._generate()

        def neutral(body):
            return re.sub(r'/pay_now/\w+/\d+/[\w-]+', '/pay_now/LINK', body)

        self.assertEqual(neutral(mail['body']), neutral(run.reminder_ids._render()[1]))

    def test_customer_does_not_count_as_reminded(self):
        self.make_invoice(50)
        self.send(self.trial())
        run = self.env['pay.now.reminder.run'].create({})
        run._generate()
        self.assertEqual(run.reminder_ids.state, 'draft')

    def test_also_while_the_customer_is_held(self):
        self.make_invoice(50)
        self.make_payment(50)
        mail = self.send(self.trial())
        self.assertIn("50.00", mail['body'])

    def test_language_and_address_can_be_chosen(self):
        self.load_language('fr_FR')
        self.make_invoice(50)
        self.company.pay_now_test_email = 'trial@example.com'
        mail = self.send(self.trial(lang='fr_FR', recipient='test'))
        self.assertEqual(mail['email_to'], ['trial@example.com'])
        self.assertIn("Payer maintenant", mail['body'])

    def test_with_test_keys_the_trial_has_its_button(self):
        self.provider.sudo().pay_now_api_base = False
        self.make_invoice(50)
        trial = self.trial()
        self.assertIn(trial._pay_now_kind, self.send(trial)['body'])
        self.assertIn(trial._pay_now_path(), self._mails[0]['body'])
        self.assertIn("TEST mode", self._mails[0]['body'])

    def test_nothing_due_takes_an_open_invoice(self):
        invoice = self.make_invoice(70, days_late=-30)
        trial = self.trial()
        self.assertFalse(trial.partner_id)
        self.assertFalse(trial.has_due)
        self.assertEqual(trial.move_id, invoice)
        self.assertIn(invoice.name, self.send(trial)['body'])

    def test_nothing_open_at_all(self):
        trial = self.trial()
        self.assertFalse(trial.move_id)
        with self.assertRaisesRegex(UserError, "no open invoice"):
            trial.action_send()

    def test_no_mail_server(self):
        self.make_invoice()
        self.without_mail_server()
        with self.assertRaisesRegex(UserError, "no outgoing mail server"):
            self.trial().action_send()

    def test_mail_server_that_refuses_is_reported(self):
        self.make_invoice()
        before = self.footprint()
        trial = self.trial()
        refuse = patch.object(
            type(self.env['ir.mail_server']),
            '_connect__',
            side_effect=ConnectionRefusedError('port closed'),
        )
        with (
            refuse,
            patch.object(type(self.env['ir.mail_server']), '_disable_send', lambda _self: False),
            self.assertRaisesRegex(UserError, "could not be sent.*port closed"),
            self.cr.savepoint(),
        ):
            trial.action_send()
        self.assertEqual(self.footprint(), before)

    def test_window(self):
        self.make_invoice(50)
        self.make_invoice(70, partner=self.env['res.partner'].create({'name': "B"}))
        form = Form(self.env['pay.now.trial'].with_user(self.manager))
        self.assertEqual(form.email, 'manager@example.com')
        form.recipient = 'test'
        self.assertEqual(form.email, 'admin@example.com', "the sign-up's")
        form.partner_id = self.customer
        self.assertTrue(form.has_due)
        self.assertEqual(form.lang, 'en_US')

    def test_another_company_is_out_of_reach(self):
        other = self.setup_other_company(name="Other")['company']
        with self.assertRaises(AccessError):
            self.trial(company_id=other.id).action_send()

    def test_a_client_cannot_make_a_reminder_look_like_a_trial(self):
        self.make_invoice(50)
        trial = self.trial()
        self.send(trial)
        run = self.env['pay.now.reminder.run'].create({})
        run._generate()
        reminder = run.reminder_ids.with_context(pay_now_trial=trial.id)
        self.assertNotIn('/pay_now/trial/', reminder._render()[1])


@tagged('post_install', '-at_install')
class TestTrialPage(TrialCommon, HttpCase):
    """Where the button of a trial leads: to look at, not to pay."""

    def setUp(self):
        super().setUp()
        self.invoice = self.make_invoice(50)
        self.sent = self.trial()
        self.path = urlsplit(
            re.search(r'href="([^"]*/pay_now/trial/[^"]+)"', self.send(self.sent)['body'])[1]
        ).path

    def test_shows_the_page_and_takes_no_payment(self):
        before = self.footprint()
        page = self.url_open(self.path)
        self.assertEqual(page.status_code, 200)
        self.assertIn(self.invoice.name, page.text)
        self.assertIn("Nothing can be paid here", page.text)
        self.assertIn('inert="inert"', page.text)
        self.assertEqual(page.headers['Cache-Control'], 'no-store')
        data = {
            'item': self.lines(self.invoice).id,
            'provider_id': self.provider.id,
        }
        for path in (self.path, f'{self.path}/pay'):
            self.assertIn(self.url_open(path, data=data).status_code, (404, 405), path)
        self.assertEqual(self.footprint(), before)
        self.assertFalse(self.gateway.requests)

    def test_nobody_is_logged_in_there(self):
        self.opener.cookies.clear()
        page = self.url_open(self.path)
        self.assertEqual(page.status_code, 200)
        self.assertNotIn('Set-Cookie', page.headers)

    def test_other_pages_are_not_marked(self):
        page = self.url_open(urlsplit(self.invoice._pay_now_url()).path)
        self.assertNotIn('inert', page.text)

    def test_token_opens_nothing_else(self):
        token = self.path.rsplit('/', 1)[1]
        for path in (
            f'/pay_now/invoice/{self.invoice.id}/{token}',
            f'/pay_now/reminder/{self.sent.id}/{token}',
            f'/pay_now/trial/{self.sent.id}/{token}x',
            f'/pay_now/trial/{self.sent.id + 1}/{token}',
        ):
            self.assertEqual(self.url_open(path).status_code, 404, path)
