# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

from markupsafe import escape

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import ReminderCommon


@tagged('post_install', '-at_install')
class TestReminder(ReminderCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.level = cls.levels[0]
        cls.first = cls.make_invoice(100, days_late=30)
        cls.second = cls.make_invoice(50, days_late=10)

    def test_ready_levels(self):
        self.assertRecordValues(
            self.levels,
            [
                {'name': "Friendly reminder", 'delay_days': 5, 'is_automatic': True},
                {'name': "Firm reminder", 'delay_days': 20, 'is_automatic': True},
                {'name': "Last reminder", 'delay_days': 35, 'is_automatic': False},
            ],
        )
        self.assertEqual(len(self.levels.template_id), 3, "each with its own tone")

    def test_one_mail_with_everything(self):
        run = self.generate()
        self.assertRecordValues(
            run.reminder_ids,
            [
                {
                    'partner_id': self.customer.id,
                    'amount_due': 150,
                    'amount_payable': 150,
                    'has_button': True,
                    'state': 'draft',
                    'item_count': 2,
                }
            ],
        )
        (mail,) = self.send(run)
        reminder = run.reminder_ids
        self.assertEqual(reminder.state, 'sent')
        self.assertEqual(run.state, 'done')
        self.assertIn(self.first.name, mail['body'])
        self.assertIn(self.second.name, mail['body'])
        self.assertEqual(
            mail['body'].count(reminder._pay_now_path()), 4, "button, address, its link, answers"
        )
        self.assertIn('client@example.com', mail['email_to'][0])
        self.assertEqual(mail['message_id'], reminder.mail_id.message_id)
        self.assertIn("Fournil SARL", mail['subject'])
        for record in (self.customer, self.first, self.second):
            self.assertIn("Reminder sent to client@example.com", record.message_ids[0].body)
        notes = (self.first | self.second).message_ids.filtered(
            lambda note: "Reminder sent" in note.body
        )
        self.assertEqual(sorted(notes.mapped('res_id')), (self.first | self.second).ids)
        self.assertEqual(notes.subtype_id, self.env.ref('mail.mt_note'))
        self.assertEqual(len(set(notes.mapped('date'))), 1)
        self.assertTrue(all(notes.mapped('is_internal')))

    def test_the_notes_are_only_text(self):
        name = "<b>Bold</b> %s & %(what)s"
        self.env['pay.now.reminder.level'].search([]).name = name
        self.send(self.generate())
        for record in (self.first, self.second):
            body = record.message_ids[0].body
            self.assertIn(str(escape(name)), body)
            self.assertNotIn('<b>', body)

    def test_by_a_billing_user(self):
        user = new_test_user(
            self.env,
            'pay_now_billing',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        wizard = self.env['pay.now.generate.reminders'].with_user(user).create({})
        run = wizard.env['pay.now.reminder.run'].browse(wizard.action_generate()['res_id'])
        self.assertIn('/pay_now/reminder/', run.reminder_ids.preview_html)
        self.assertEqual(len(self.send(run)), 1)
        self.assertFalse(self.first.with_user(user).pay_now_refusal)

    def test_not_due_is_not_reminded(self):
        self.make_invoice(999, days_late=2)
        self.assertEqual(self.generate().reminder_ids.amount_due, 150)

    def test_only_the_instalment_that_is_due(self):
        self.first.button_draft()
        self.second.button_draft()
        invoice = self.make_invoice(
            1000,
            invoice_payment_term_id=self.term.id,
            invoice_date=fields.Date.today() - timedelta(days=10),
        )
        reminder = self.generate().reminder_ids
        self.assertEqual(reminder.amount_due, 300)
        self.assertIn("instalment 1 of 2", reminder.items_html)
        self.assertEqual(reminder.item_ids, self.lines(invoice)[0])

    def test_gap_between_two(self):
        self.send(self.generate())
        reminder = self.generate().reminder_ids
        self.assertEqual(reminder.state, 'held')
        self.assertIn("Already reminded", reminder.reason)

    def test_two_runs_side_by_side_send_one_mail(self):
        one, two = self.generate(), self.generate()
        one.action_send()
        self.assertEqual(len(self.send(two)), 1)
        self.assertEqual(sorted((one | two).reminder_ids.mapped('state')), ['held', 'sent'])

    def test_held_without_email(self):
        self.customer.email = False
        reminder = self.generate().reminder_ids
        self.assertEqual(reminder.state, 'held')
        self.assertIn("No e-mail address", reminder.reason)

    def test_never(self):
        self.customer.with_company(self.company).pay_now_reminder_mode = 'never'
        self.assertEqual(self.generate().reminder_ids.reason, "Excluded from reminders")

    def test_held_while_payment_in_progress(self):
        self.checkout(self.lines(self.first, self.second))._set_pending()
        reminder = self.generate().reminder_ids
        self.assertRecordValues(reminder, [{'state': 'held', 'reason': "Payment in progress"}])

    def test_item_in_progress_is_left_out(self):
        self.checkout(self.lines(self.first))._set_pending()
        self.assertEqual(self.generate().reminder_ids.amount_due, 50)

    def test_unmatched_credit_holds(self):
        payment = self.env['account.payment'].create(
            {'partner_id': self.customer.id, 'amount': 150, 'payment_type': 'inbound'}
        )
        payment.action_post()
        reminder = self.generate().reminder_ids
        self.assertEqual(reminder.state, 'held')
        self.assertIn("Unmatched credit", reminder.reason)

    def test_unmatched_bank_line_holds(self):
        self.env['account.bank.statement.line'].create(
            {
                'journal_id': self.company_data['default_journal_bank'].id,
                'date': fields.Date.today(),
                'payment_ref': "transfer",
                'partner_id': self.customer.id,
                'amount': 200,
            }
        )
        self.assertEqual(self.generate().reminder_ids.state, 'held')

    def test_excluded_and_blocked_items(self):
        self.lines(self.first).no_followup = True
        self.assertEqual(self.generate().reminder_ids.amount_due, 50)
        self.second.action_toggle_block_payment()
        self.assertEqual(self.generate().reminder_ids.state, 'held')

    def test_rechecked_as_it_leaves(self):
        run = self.generate()
        tx = self.checkout(self.lines(self.first))
        self.gateway.pay(tx)
        tx._synchronize()
        (mail,) = self.send(run)
        self.assertNotIn(self.first.name, mail['body'])
        self.assertEqual(run.reminder_ids.amount_due, 50)

    def test_settled_before_it_leaves(self):
        run = self.generate()
        tx = self.checkout(self.lines(self.first, self.second))
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertFalse(self.send(run))
        self.assertRecordValues(
            run.reminder_ids, [{'state': 'held', 'reason': "Nothing left to pay"}]
        )

    def test_option_off_no_button(self):
        self.company.pay_now_reminder_accounting = False
        run = self.generate()
        self.assertRecordValues(
            run.reminder_ids,
            [
                {
                    'has_button': False,
                    'amount_payable': 0,
                    'reason': "Option not ticked (Accounting)",
                }
            ],
        )
        (mail,) = self.send(run)
        self.assertNotIn('/pay_now/', mail['body'])

    def test_foreign_currency_is_listed_not_payable(self):
        usd = self.env.ref('base.USD')
        usd.active = True
        foreign = self.make_invoice(80, currency_id=usd.id)
        run = self.generate()
        self.assertEqual(run.reminder_ids.amount_payable, 150)
        self.assertEqual(run.reminder_ids.reason, "Invoice in a foreign currency")
        (mail,) = self.send(run)
        self.assertIn(foreign.name, mail['body'])
        self.assertIn("payable online:", mail['body'])
        self.assertIn("$", mail['body'])

    def test_previous_balance(self):
        with self.assertRaisesRegex(UserError, "previous balance"):
            self.generate(print_previous_balance=True)
        run = self.generate(
            print_previous_balance=True, date_from=fields.Date.today() - timedelta(days=20)
        )
        self.assertRecordValues(
            run.reminder_ids,
            [
                {
                    'amount_due': 50,
                    'previous_balance': 100,
                    'has_button': False,
                    'reason': "Previous balance printed",
                }
            ],
        )
        (mail,) = self.send(run)
        self.assertNotIn('/pay_now/', mail['body'])
        self.assertIn("Previous balance", mail['body'])

    def test_due_date_range(self):
        run = self.generate(date_to=fields.Date.today() - timedelta(days=20))
        self.assertEqual(run.reminder_ids.amount_due, 100)

    def test_left_out(self):
        run = self.generate()
        run.reminder_ids.action_drop()
        with self.assertRaisesRegex(UserError, "no reminder to send"):
            run.action_send()

    def test_french_customer(self):
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        (mail,) = self.send(self.generate())
        self.assertIn("Rappel", mail['subject'])
        self.assertIn("Payer maintenant", mail['body'])
        self.assertNotIn("Pay now", mail['body'])

    def test_failed_mail(self):
        run = self.generate()
        run.action_send()
        with (
            self.mock_mail_gateway(),
            patch.object(
                type(self.env['ir.mail_server']), 'send_email', side_effect=OSError('refused')
            ),
            self.enter_registry_test_mode(),
        ):
            self.env.ref('account_pay_now.ir_cron_reminders_send').method_direct_trigger()
        self.assertEqual(run.reminder_ids.state, 'failed')
        self.assertTrue(run.reminder_ids.reason)
        run.reminder_ids.action_retry()
        with self.mock_mail_gateway(), self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_reminders_send').method_direct_trigger()
        self.assertEqual(run.reminder_ids.state, 'sent')

    def test_interrupted_is_uncertain_and_not_sent_again(self):
        run = self.generate()
        run.action_send()
        run.reminder_ids.sudo().state = 'sending'
        with self.mock_mail_gateway(), self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_reminders_send').method_direct_trigger()
            self.assertFalse(self._mails)
        self.assertEqual(run.reminder_ids.state, 'uncertain')

    def test_one_that_cannot_be_rendered_holds_nobody_back(self):
        other = self.make_invoice(
            70, partner=self.env['res.partner'].create({'name': "B", 'email': 'b@example.com'})
        )
        run = self.generate()
        bad = run.reminder_ids.filtered(lambda reminder: reminder.partner_id == self.customer)
        prepare = type(bad)._prepare_envelope

        def failing(reminder, *args):
            if reminder == bad:
                raise ValueError("broken template")
            return prepare(reminder, *args)

        self.patch(type(bad), '_prepare_envelope', failing)
        (mail,) = self.send(run)
        self.assertIn(other.name, mail['body'])
        self.assertRecordValues(bad, [{'state': 'failed', 'reason': "broken template"}])

    def test_daily_action_is_off_until_ticked_and_runs_once_a_day(self):
        Run = self.env['pay.now.reminder.run']
        cron = self.env.ref('account_pay_now.ir_cron_reminders_generate')
        mine = [('company_id', '=', self.company.id), ('trigger', '=', 'auto')]
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
            self.assertFalse(Run.search_count(mine))
            self.company.pay_now_reminder_auto = True
            cron.method_direct_trigger()
            cron.method_direct_trigger()
        self.assertEqual(Run.search_count(mine), 1)
        self.assertEqual(Run.search(mine).reminder_ids.state, 'queued')

    def test_page_of_the_reminder(self):
        run = self.generate()
        self.send(run)
        reminder = run.reminder_ids
        lines = self.lines(self.first, self.second)
        tx = reminder.sudo()._pay_now_start({lines[0].id}, self.provider.id)
        self.assertEqual(tx.amount, 100)
        tx._pay_now_open()
        self.gateway.set(tx.provider_reference, state=base.PENDING)
        tx._synchronize()
        values = reminder._pay_now_page_values()
        self.assertEqual(values['total'], 50)
