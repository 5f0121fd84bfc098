# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
from datetime import timedelta
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.reminder.reminder_days import START, ReminderDaysCommon

CONST = 'odoo.addons.account_pay_now.const'


@tagged('post_install', '-at_install')
class TestReminderBatch(ReminderDaysCommon):
    """Many at once: few queries, one mail each, and nobody else's words."""

    def count_queries(self, function):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_queries_do_not_grow_with_the_customers(self):
        few, many = self.make_customers(10), self.make_customers(60)
        self.make_due(few | many, invoices=2)
        self.env.ref('base.EUR').rate_ids.unlink()
        counts = []
        for partners in (few, few, many):
            # The first one fills what is kept between requests.
            with self.at(START):
                run = self.env['pay.now.reminder.run'].create({'partner_ids': partners.ids})
                generating = self.count_queries(run._generate)
                run.action_send()
                # As a worker takes them.
                reminders = run.sudo().reminder_ids.browse(run.reminder_ids.ids)
                preparing = self.count_queries(reminders._prepare_safely)
                self.assertEqual(len(reminders.mail_id), len(partners))
                run.action_cancel()
                counts.append((generating, preparing))
        self.assertEqual(counts[1], counts[2])

    def test_what_is_set_for_one_customer_is_not_there_for_the_next(self):
        one, two = self.make_customers(2)
        self.make_due(one | two)
        self.friendly.template_id.body_html = (
            '<p><t t-if="object.partner_id.name == \'Customer 0\'">'
            '<t t-set="secret" t-value="object.partner_id.name"/></t>'
            'Secret: <t t-out="secret"/>; <t t-out="object.partner_id.name"/></p>'
        )
        with self.at(START):
            run = self.generate()
            bodies = {
                r.partner_id: body for r, (_s, body, _a) in run.reminder_ids._render_all().items()
            }
        self.assertIn("Secret: Customer 0; Customer 0", bodies[one])
        self.assertIn("Secret: ; Customer 1", bodies[two])

    def test_same_text_alone_and_among_others(self):
        partners = self.make_customers(3)
        self.load_language('fr_FR')
        partners[1].lang = 'fr_FR'
        self.make_due(partners, invoices=2)
        with self.at(START):
            reminders = self.generate().reminder_ids
            together = reminders._render_all()
            self.env.invalidate_all()
            for reminder in reminders:
                alone, among_others = (
                    [' '.join(part.replace('> ', '>').split()) for part in parts]
                    for parts in (reminder._render(), together[reminder])
                )
                self.assertEqual(alone[0], among_others[0])
                self.assertEqual(alone[1].replace(' <', '<'), among_others[1].replace(' <', '<'))
        bodies = {one.partner_id: body for one, (_s, body, _a) in together.items()}
        self.assertIn("Payer maintenant", bodies[partners[1]])
        self.assertIn("Pay now", bodies[partners[2]])

    def test_a_crash_leaves_one_uncertain_and_forgets_nobody(self):
        partners = self.make_customers(6)
        self.make_due(partners)
        hand_over = type(self.env['pay.now.reminder'])._hand_over_one
        left = []

        def crashing(reminder, options):
            if len(left) == 2:
                raise SystemExit
            hand_over(reminder, options)
            left.append(reminder.partner_id)

        with self.at(START):
            run = self.generate()
            run.action_send()
            reminders = run.reminder_ids.sorted('id')
            with (
                patch.object(type(reminders), '_hand_over_one', crashing),
                contextlib.suppress(SystemExit),
            ):
                self.send_waiting()
            self.assertEqual(reminders.mapped('state'), ['sent'] * 2 + ['sending'] + ['queued'] * 3)
            self.assertEqual(len(self.send_waiting()), 3, "the rest")
            self.assertEqual(reminders[2].state, 'sending', "somebody may be at it")
        with self.at(START + timedelta(minutes=2)):
            self.assertFalse(self.send_waiting())
            uncertain = run.reminder_ids.filtered(lambda one: one.state == 'uncertain')
            self.assertEqual(len(uncertain), 1)
            self.assertEqual(run.failed_count, 1)
            self.assertEqual(run.state, 'done')
            uncertain.action_retry()
            self.assertEqual(len(self.send_waiting()), 1, "by a person's decision")
        self.assertEqual(set(run.reminder_ids.mapped('state')), {'sent'})

    def test_checked_again_when_it_took_long(self):
        one, two = self.make_customers(2)
        self.make_due(one)
        paid = self.make_due(two)
        hand_over = type(self.env['pay.now.reminder'])._hand_over_one

        def slow(reminder, options):
            hand_over(reminder, options)
            self.pay(paid)

        with self.at(START), patch(f'{CONST}.CHECK_VALID_SECONDS', -1):
            run = self.generate()
            run.action_send()
            with patch.object(type(run.reminder_ids), '_hand_over_one', slow):
                self.assertEqual(len(self.send_waiting()), 1)
        self.assertEqual(run.reminder_ids.sorted('id').mapped('state'), ['sent', 'held'])

    def test_a_worker_whose_time_is_over_says_what_it_left(self):
        self.make_due(self.make_customers(3))
        still_left = []

        def commit_progress(cron, processed=0, *, remaining=None, **kwargs):
            cron.env.invalidate_all()
            still_left.append(remaining)
            # Odoo asks again at once for what is left, however little time there was.
            return 0

        with self.at(START):
            run = self.generate()
            run.action_send()
            with (
                patch(f'{CONST}.CHECK_VALID_SECONDS', -1),
                patch.object(type(self.env['ir.cron']), '_commit_progress', commit_progress),
            ):
                self.assertEqual(len(self.send_waiting()), 1)
        self.assertEqual(still_left[-1], 2)

    @mute_logger('odoo.addons.account_pay_now.models.reminder.pay_now_reminder_sending')
    def test_mail_server_that_does_not_answer_fails_nobody(self):
        self.make_due(self.make_customers(2))
        with self.at(START):
            run = self.generate()
            run.action_send()
            refuse = patch.object(
                type(self.env['ir.mail_server']), '_connect__', side_effect=OSError('port closed')
            )
            with self.mock_mail_gateway(), refuse:
                self.env['pay.now.reminder'].sudo()._cron_send()
            self.assertEqual(set(run.reminder_ids.mapped('state')), {'queued'})
            self.assertIn('port closed', run.problem)
        with self.at(START + timedelta(minutes=10)):
            self.assertEqual(len(self.send_waiting()), 2)
        self.assertFalse(run.problem)

    def test_one_on_its_way_to_a_customer_at_a_time(self):
        self.make_due(self.customer)
        with self.at(START):
            one, two = self.generate(), self.generate()
            one.action_send()
            two.action_send()
            self.assertIn("on its way", two.reminder_ids.reason)
            self.assertEqual(two.state, 'done')

    def test_noted_once_with_the_customer(self):
        self.make_due(self.customer)
        self.day(0)
        self.day(0, hour=10)
        notes = self.customer.message_ids.filtered(lambda note: "Reminder sent" in note.body)
        self.assertEqual(len(notes), 1)
        self.assertIn("10.00", notes.body)

    def test_mail_that_comes_back(self):
        self.make_due(self.customer)
        self.day(0)
        reminder = self.latest()
        message = reminder.mail_id.mail_message_id
        self.env['mail.thread']._routing_handle_bounce(
            None,
            {
                'bounced_email': 'client@example.com',
                'bounced_partner': self.customer,
                'bounced_msg_ids': [message.message_id],
                'bounced_message': message,
                'email_from': 'mailer-daemon@example.com',
                'to': '',
                'message_id': '',
                'body': '',
            },
        )
        self.assertEqual(reminder.state, 'failed')
        self.assertIn("came back", reminder.reason)
        self.assertIn("Reminder not delivered", self.customer.activity_ids.mapped('summary'))
