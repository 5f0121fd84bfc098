# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.models.einvoice import account_move as einvoice
from odoo.addons.account_pay_now.tests.notice.network import NetworkCommon
from odoo.addons.base.models.ir_mail_server import IrMail_Server
from odoo.addons.mail.tests.common import MockEmail

LOGGERS = ('odoo.addons.mail.models.mail_mail', 'odoo.addons.base.models.ir_mail_server')


class NoticeCommon(NetworkCommon, MockEmail):
    """Invoices leave by the ways of Odoo's Send window, and the scheduled actions run."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.pay_now_send_notices = True
        cls.customer.write(
            {
                'street': "1 rue du Four",
                'zip': '69001',
                'city': "Lyon",
                'country_id': cls.env.ref('base.fr').id,
            }
        )
        cls.other = cls.env['res.partner'].create({'name': "Other", 'email': 'other@example.com'})
        cls.invoice = cls.make_invoice(100)

    def send_by(self, invoice, *methods, **values):
        """Send one invoice as the Send window does it."""
        wizard = self.env['account.move.send.wizard'].with_context(
            active_model='account.move', active_ids=invoice.ids
        )
        wizard = wizard.create({'sending_methods': list(methods), **values})
        with self.mock_mail_gateway():
            wizard.action_send_and_print()
        return wizard

    def send_batch(self, invoices):
        """Send many as the batch does it, each the way of its customer."""
        wizard = self.env['account.move.send.batch.wizard']
        wizard = wizard.with_context(active_model='account.move', active_ids=invoices.ids)
        wizard.create({}).action_send_and_print()
        with self.mock_mail_gateway():
            self.run_cron('account.ir_cron_account_move_send')

    def run_cron(self, name):
        if type(self)._registry_patched:
            self.env.ref(name).method_direct_trigger()
        else:
            with self.enter_registry_test_mode():
                self.env.ref(name).method_direct_trigger()
        self.env.invalidate_all()

    def leave(self):
        """Let the scheduled action and Odoo's queue work; return what the mail server got."""
        with self.mock_mail_gateway():
            self.run_cron('account_pay_now.ir_cron_notices')
            self.new_mails().filtered(lambda mail: mail.state == 'outgoing').send()
            return list(self._mails)

    def new_mails(self):
        # Odoo's queue has the rights of the system.
        mails = self.env['mail.mail'].sudo()
        return mails.search([('model', '=', 'pay.now.invoice.notice')])

    def notice(self, invoice=None):
        return (invoice or self.invoice).pay_now_notice_ids

    @contextmanager
    def broken_server(self):
        with (
            patch.object(IrMail_Server, '_connect__', side_effect=OSError("no route to host")),
            mute_logger(*LOGGERS),
        ):
            yield

    def to_handle(self):
        return self.env['pay.now.to.handle'].search([('kind', '=', 'notice')])


@tagged('post_install', '-at_install')
class TestPayNotice(NoticeCommon):
    """The mail about an invoice that left without our mail: once, where a button may be."""

    def test_download_and_post_in_a_batch(self):
        posted, mailed = self.make_invoice(50), self.make_invoice(70, partner=self.other)
        self.customer.invoice_sending_method = 'manual'
        self.send_batch(self.invoice | mailed)
        self.assertEqual(self.invoice.pay_now_sent_ways, 'manual')
        self.assertEqual(mailed.pay_now_sent_ways, 'email')
        self.assertFalse(self.notice(mailed) or mailed.pay_now_notice_text)
        self.assertIn("Waits until", self.invoice.pay_now_notice_text)
        [mail] = self.leave()
        self.assertEqual(mail['email_to'], ['"Boulanger" <client@example.com>'])
        self.assertEqual(
            mail['subject'], f"Fournil SARL – Your invoice {self.invoice.name} – Pay now"
        )
        self.assertIn(self.invoice._pay_now_path(), mail['body'])
        self.assertIn(self.invoice._pay_now_path(), mail['body_alternative'])
        self.assertIn("100.00", mail['body'])
        self.assertFalse(mail['attachments'])
        self.assertFalse(self.leave(), "once")
        notice = self.notice()
        self.assertEqual(notice.state, 'sent')
        self.assertIn("To client@example.com on", self.invoice.pay_now_notice_text)
        self.assertIn("client@example.com", self.invoice.message_ids[0].body)
        # By post: once the letter has left.
        self.send_by(posted, 'snailmail')
        self.assertFalse(self.leave())
        letter = self.env['snailmail.letter'].search([('res_id', '=', posted.id)])
        letter.state = 'sent'
        self.assertEqual(len(self.leave()), 1)
        self.assertEqual(posted.pay_now_sent_text, "by Post")
        self.assertEqual(self.invoice.pay_now_sent_text, "by download")

    def test_by_a_network_once_it_is_delivered(self):
        lost, refused = self.make_invoices([50, 60])
        for invoice in (self.invoice, lost):
            self.send_by(invoice, 'pdp')
            self.assertEqual(invoice.pay_now_sent_text, "by Platform")
        type(self).refused = True
        self.addCleanup(setattr, type(self), 'refused', False)
        with self.assertRaises(UserError):
            self.send_by(refused, 'pdp')
        self.assertFalse(refused.pay_now_sent_ways or self.notice(refused))
        self.assertFalse(self.leave())
        self.invoice.pdp_move_state, lost.pdp_move_state = 'made_available', 'error'
        [mail] = self.leave()
        self.assertIn(self.invoice.name, mail['subject'])
        self.assertEqual(lost.pay_now_notice_text, "None: The invoice was not delivered")
        self.assertFalse(self.leave())
        # Sent again, it arrives.
        type(self).refused = False
        self.send_by(lost, 'pdp')
        lost.pdp_move_state = 'done'
        self.assertEqual(len(self.leave()), 1)

    def test_nobody_waits_for_a_network_for_ever(self):
        self.send_by(self.invoice, 'pdp')
        self.notice().sudo().asked_at = fields.Datetime.now() - timedelta(days=15)
        self.assertFalse(self.leave())
        self.assertEqual(self.notice().state, 'none')

    def test_none_beside_the_invoice_mail(self):
        self.send_by(self.invoice, 'email', 'snailmail')
        self.assertEqual(self.invoice.pay_now_sent_text, "by Email, by Post")
        self.assertFalse(self.notice())
        other = self.make_invoice(10)
        self.send_by(other, 'pdp')
        self.send_by(other, 'email')
        other.pdp_move_state = 'done'
        self.assertFalse(self.leave())
        self.assertEqual(other.pay_now_notice_text, "None: The invoice was mailed, too")

    def test_two_who_send_the_same_at_once(self):
        self.send_by(self.invoice, 'pdp')
        notices = self.registry['pay.now.invoice.notice']
        self.invoice.pdp_move_state = False
        # Neither sees what the other has not committed yet.
        with patch.object(notices, 'search', lambda notices, *_args, **_kwargs: notices.browse()):
            self.send_by(self.invoice, 'pdp', 'snailmail')
        self.assertEqual(self.invoice.pay_now_sent_ways, 'pdp,snailmail')
        self.assertEqual(self.invoice.pdp_move_state, 'processing')
        self.assertEqual(len(self.notice()), 1)

    def test_once_whatever_is_done_to_the_invoice(self):
        self.send_by(self.invoice, 'snailmail')
        self.send_by(self.invoice, 'snailmail')
        self.env['snailmail.letter'].search([]).state = 'sent'
        self.assertEqual(len(self.leave()), 1)
        self.invoice.button_draft()
        self.invoice.invoice_line_ids.price_unit = 120
        self.invoice.action_post()
        self.customer.invoice_sending_method = 'manual'
        self.send_by(self.invoice)
        self.assertFalse(self.leave())
        self.assertEqual(self.invoice.pay_now_sent_ways, 'snailmail,manual')
        copy = self.invoice.copy()
        self.assertFalse(copy.pay_now_sent_ways or copy.pay_now_notice_ids)
        with self.assertRaises(UserError):
            self.notice().copy()
        # Another customer's, who got none.
        self.invoice.button_draft()
        self.invoice.partner_id = self.other
        self.invoice.action_post()
        self.other.invoice_sending_method = 'manual'
        self.send_by(self.invoice)
        [mail] = self.leave()
        self.assertEqual(mail['email_to'], ['"Other" <other@example.com>'])

    def test_nowhere_without_a_button(self):
        usd = self.env.ref('base.USD')
        usd.active = True
        foreign = self.make_invoice(10, currency_id=usd.id)
        silent = self.env['res.partner'].create({'name': "No e-mail"})
        unknown = self.make_invoice(10, partner=silent)
        off = self.make_invoice(10)
        (self.customer | silent).invoice_sending_method = 'manual'
        for invoice in (foreign, unknown, self.invoice):
            self.send_by(invoice)
        self.company.pay_now_send_notices = False
        self.send_by(off)
        self.assertFalse(self.notice(off))
        self.assertIn("switched off", off.pay_now_notice_text)
        self.assertFalse(self.leave())
        self.assertEqual(self.notice().reason_codes, [['off', {}]])
        self.assertEqual(self.notice(foreign).state, 'none')
        self.company.pay_now_send_notices = True
        for invoice in (foreign, unknown):
            self.send_by(invoice)
        self.assertFalse(self.leave())
        self.assertEqual(self.notice(foreign).reason_codes, [['currency', {}]])
        self.assertEqual(self.notice(unknown).reason_codes, [['no_email', {}]])
        # What was missing is there.
        silent.email = 'now@example.com'
        self.send_by(unknown)
        self.assertEqual(len(self.leave()), 1)

    def test_a_credit_note_and_another_company(self):
        self.customer.invoice_sending_method = 'manual'
        note = self.invoice._reverse_moves([{'invoice_date': fields.Date.today()}])
        note.action_post()
        self.send_by(note)
        self.assertFalse(note.pay_now_sent_ways or self.notice(note))
        branch = self.make_branch()
        self.assertTrue(branch.pay_now_send_notices, "decided in its company")
        self.send_by(self.invoice)
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        self.assertFalse(elsewhere.pay_now_send_notices)
        stranger = new_test_user(
            self.env,
            'stranger',
            groups='account.group_account_invoice',
            company_id=elsewhere.id,
            company_ids=[Command.set(elsewhere.ids)],
        )
        notices = self.env['pay.now.invoice.notice']
        self.assertEqual(notices.search([]), self.notice())
        self.assertFalse(notices.with_user(stranger).search([]))
        with self.assertRaises(AccessError):
            self.invoice.with_user(stranger).action_pay_now_send_notice()

    def test_looked_at_once_more_as_the_mail_leaves(self):
        paid, changed = self.make_invoices([50, 60])
        self.customer.invoice_sending_method = 'manual'
        for invoice in (self.invoice, paid, changed):
            self.send_by(invoice)
        self.run_cron('account_pay_now.ir_cron_notices')
        mails = self.new_mails()
        self.assertEqual(set(mails.mapped('state')), {'outgoing'})
        self.assertEqual(self.invoice.pay_now_notice_text, "On its way to client@example.com")
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=paid.ids
        ).create({})._create_payments()
        changed.payment_state = 'blocked'
        with self.mock_mail_gateway():
            mails.send()
            self.assertEqual(len(self._mails), 1)
        self.assertEqual(self.notice(paid).reason_codes, [['not_payable', {}]])
        self.assertEqual(self.notice(changed).state, 'none')
        # Sent by hand from the list of mails after all: it is over.
        left = mails.filtered(lambda mail: mail.state == 'cancel')
        left.state = 'outgoing'
        with self.mock_mail_gateway():
            left.send()
            self.assertFalse(self._mails)

    def test_what_the_buyer_says_meanwhile(self):
        """Contested, or paid: as the mail is written, as it leaves, and as it is tried again."""
        asked, contested, paid, retried = self.make_invoices([50, 60, 70, 80])
        self.customer.invoice_sending_method = 'manual'
        for invoice in (self.invoice, asked, contested, paid, retried):
            self.send_by(invoice)
        self.invoice.pdp_move_state = 'contested'
        with self.broken_server():
            self.run_cron('account_pay_now.ir_cron_notices')
            mails = self.new_mails()
            self.assertEqual(len(mails), 4)
            mails.filtered(lambda mail: mail.res_id == self.notice(retried).id).send()
        self.assertEqual(self.notice(retried).state, 'failed')
        retried.pdp_move_state = 'payment_sent'
        retried.action_pay_now_send_notice()
        contested.pdp_move_state = 'contested'
        # On a network where the buyer says so, and not the company itself.
        with patch.object(einvoice, 'OWN_REPORTS', ()):
            paid.pdp_move_state = 'paid'
            self.assertEqual(paid.pay_now_external_status, 'paid')
        asked.pdp_move_state = 'approved'
        [mail] = self.leave()
        self.assertIn(asked.name, mail['subject'])
        for invoice in (self.invoice, contested, paid, retried):
            self.assertEqual(self.notice(invoice).state, 'none')
        self.assertIn("None: Disputed on the buyer's platform", contested.pay_now_notice_text)
        self.assertIn("None: Paid, says the buyer's platform", paid.pay_now_notice_text)

    def test_a_mail_server_that_does_not_answer(self):
        self.customer.invoice_sending_method = 'manual'
        self.send_by(self.invoice)
        with self.broken_server():
            self.run_cron('account_pay_now.ir_cron_notices')
            self.new_mails().send()
        notice = self.notice()
        self.assertEqual(notice.state, 'failed')
        self.assertIn("no route to host", self.invoice.pay_now_notice_text)
        row = self.to_handle()
        self.assertEqual((row.res_id, row.partner_id), (self.invoice.id, self.customer))
        self.assertIn("no route to host", row.name)
        self.assertEqual(row.action_open()['res_model'], 'account.move')
        reader = new_test_user(self.env, 'reader', groups='account.group_account_readonly')
        with self.assertRaises(AccessError):
            self.invoice.with_user(reader).action_pay_now_send_notice()
        self.invoice.action_pay_now_send_notice()
        self.invoice.action_pay_now_send_notice()
        self.assertEqual(len(self.leave()), 1)
        self.assertFalse(self.to_handle())
        self.invoice.action_pay_now_send_notice()
        self.assertFalse(self.leave(), "what left stays")

    def test_what_waited_asks_for_what_is_left(self):
        self.customer.invoice_sending_method = 'manual'
        self.send_by(self.invoice)
        self.run_cron('account_pay_now.ir_cron_notices')
        mail = self.new_mails()
        self.assertIn("100.00", mail.body_html)
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.invoice.ids
        ).create({'amount': 40})._create_payments()
        self.customer.email = 'corrected@example.com'
        with self.mock_mail_gateway():
            mail.send()
            [sent] = self._mails
        self.assertIn("60.00", sent['body'])
        self.assertEqual(sent['email_to'], ['"Boulanger" <corrected@example.com>'])
        self.assertIn("To corrected@example.com on", self.invoice.pay_now_notice_text)

    def test_told_among_what_happened(self):
        self.send_by(self.invoice, 'pdp')
        story = self.env['pay.now.story']
        [entry] = story._tell({'account.move': self.invoice})['now']
        self.assertEqual(entry.text, f"Pay notice of invoice {self.invoice.name}")
        self.invoice.pdp_move_state = 'approved'
        self.leave()
        told = {
            one.code: f'{one.text} {one.detail}'
            for one in story._tell({'account.move': self.invoice})['past']
        }
        self.assertIn("Approved on the buyer's platform", told['answered'])
        self.assertIn("To client@example.com", told['asked'])

    def test_in_the_customers_language(self):
        self.load_language('fr_FR')
        self.customer.write({'lang': 'fr_FR', 'invoice_sending_method': 'manual'})
        self.send_by(self.invoice)
        [mail] = self.leave()
        self.assertIn('lang="fr-FR"', mail['body'])
        self.assertIn("100,00", mail['body'])
