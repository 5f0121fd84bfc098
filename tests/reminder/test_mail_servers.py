# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import smtplib
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.models.mail_mail import MailRefusal
from odoo.addons.account_pay_now.tests.reminder.reminder_days import START, ReminderDaysCommon
from odoo.addons.account_pay_now.tests.smtp import HANG_UP, ScriptedServer, really_sending

CONST = 'odoo.addons.account_pay_now.const'


@tagged('post_install', '-at_install')
class TestMailServers(ReminderDaysCommon):
    """Mail servers that do not take what they get: real connections, on loopback."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['ir.mail_server'].search([]).active = False
        cls.smtp = cls.enterClassContext(ScriptedServer())
        cls.server = cls.add_server("Main", cls.smtp)

    @classmethod
    def add_server(cls, name, smtp, **values):
        return cls.env['ir.mail_server'].create(
            {
                'name': name,
                'smtp_host': '127.0.0.1',
                'smtp_port': smtp.port,
                'smtp_encryption': 'none',
                **values,
            }
        )

    def setUp(self):
        super().setUp()
        self.smtp.works()
        self.smtp.mails.clear()
        self.smtp.steps.clear()
        self.enterContext(mute_logger('odoo.addons.mail.models.mail_mail'))
        self.enterContext(
            mute_logger('odoo.addons.account_pay_now.models.reminder.pay_now_reminder_sending')
        )

    def make_run(self, count):
        """Return a run to so many customers, sent but for the mail server's answer."""
        self.customers = self.make_customers(count)
        self.make_due(self.customers)
        with self.at(START):
            run = self.run_for(self.customers)
            run.action_send()
        return run

    def run_for(self, customers):
        run = self.env['pay.now.reminder.run'].create({'partner_ids': customers.ids})
        run._generate()
        return run

    def send(self, minutes=0):
        with self.at(START + timedelta(minutes=minutes)), really_sending():
            self.env['pay.now.reminder'].sudo()._cron_send()

    def states(self, run):
        return sorted(run.reminder_ids.mapped('state'))

    def notices(self):
        return self.env['mail.activity'].search([('summary', 'ilike', "not delivered")])

    # === FOR NOW === #

    def test_not_taken_for_now(self):
        """Tried again, later each time, and nobody is told that it failed."""
        for step, answer in (
            ('RCPT', '450 4.2.1 Greylisted'),
            ('RCPT', '452 4.2.2 Mailbox full'),
            ('CONTENT', '451 4.3.0 Try later'),
        ):
            with self.subTest(answer=answer):
                self.smtp.says(step, answer)
                run = self.make_run(2)
                self.send()
                self.assertEqual(self.states(run), ['queued', 'queued'])
                self.assertIn(answer, run.reminder_ids[0].reason)
                self.assertFalse(self.notices())
                self.assertEqual(
                    set(run.reminder_ids.mapped('retry_at')), {START + timedelta(minutes=5)}
                )
                asked = self.smtp.steps['MAIL']
                self.send(minutes=4)
                self.assertEqual(self.smtp.steps['MAIL'], asked)
                self.send(minutes=6)
                self.assertEqual(
                    set(run.reminder_ids.mapped('retry_at')), {START + timedelta(minutes=21)}
                )
                self.smtp.works()
                self.send(minutes=30)
                self.assertEqual(self.states(run), ['sent', 'sent'])
                self.assertEqual(run.state, 'done')
                self.assertFalse(self.notices())

    def test_not_taken_for_a_day(self):
        self.smtp.says('RCPT', '450 4.2.1 Greylisted')
        run = self.make_run(1)
        for hours in range(0, 30, 2):
            self.send(minutes=60 * hours)
        self.assertEqual(self.states(run), ['failed'])
        self.assertIn("whole day", run.reminder_ids.reason)
        self.assertEqual(len(self.notices()), 1)
        self.assertLess(self.smtp.steps['RCPT'], 15)

    def test_woken_for_the_next_try(self):
        self.smtp.says('RCPT', '450 4.2.1 Greylisted')
        self.make_run(3)
        triggers = self.env['ir.cron.trigger'].search([])
        self.send()
        calls = (self.env['ir.cron.trigger'].search([]) - triggers).mapped('call_at')
        self.assertEqual(calls.count(START + timedelta(minutes=5)), 1, "once, not for each mail")

    # === THE SERVER === #

    def test_server_that_takes_nothing(self):
        """One notice and a sentence in the run, whichever way it refuses; all leaves later."""
        for step, answer, said in (
            ('CONNECT', '421 4.3.2 Service not available', '421'),
            ('CONNECT', HANG_UP, 'closed'),
            ('MAIL', '421 4.7.0 Too many messages', '421'),
            ('MAIL', '451 4.7.1 Rate limited', '451'),
            ('MAIL', '550 5.7.1 Sender rejected', '550'),
            ('MAIL', HANG_UP, 'closed'),
            ('RCPT', '421 4.7.0 Closing', '421'),
        ):
            with self.subTest(step=step, answer=answer):
                self.smtp.says(step, answer)
                run = self.make_run(4)
                self.send()
                self.assertEqual(self.states(run), ['queued'] * 4)
                self.assertIn(said, run.problem)
                self.assertIn("Main", run.problem)
                self.assertFalse(self.notices())
                self.send(minutes=10)
                self.assertEqual(len(run.activity_ids), 1)
                self.assertEqual(run.activity_ids.user_id, run.create_uid)
                # Once for the server, not once for each mail.
                self.assertLessEqual(self.smtp.steps[step], 2 + (step == 'RCPT'))
                self.smtp.works()
                self.send(minutes=40)
                self.assertEqual(self.states(run), ['sent'] * 4)
                self.assertFalse(run.problem)
                self.assertFalse(run.activity_ids)
                self.smtp.steps.clear()

    def test_server_that_refuses_everybody(self):
        """So many refusals in a row are no matter of the addresses."""
        self.smtp.says('RCPT', '554 5.7.1 Relay access denied')
        with patch(f'{CONST}.REFUSED_IN_A_ROW', 3):
            run = self.make_run(8)
            self.send()
            self.assertEqual(self.states(run), ['failed'] * 3 + ['queued'] * 5)
            self.assertIn("Relay access denied", run.problem)
            self.assertEqual(len(self.notices()), 1)
            self.assertIn("3", self.notices().summary)

    def test_server_that_refuses_every_address(self):
        """Ten customers are not without reminders for ever because of one mail server."""
        self.smtp.says('RCPT', '550 5.1.1 Unknown recipient')
        with patch(f'{CONST}.REFUSED_IN_A_ROW', 3):
            run = self.make_run(5)
            self.send()
        self.assertEqual(self.states(run), ['failed'] * 3 + ['queued'] * 2)
        self.assertFalse(any(self.customers.mapped('pay_now_refused_email')))

    def test_somebody_writes_the_contact(self):
        """What became of the mail is kept, and noted with the contact as soon as they are done."""
        Partner, tries = self.env.registry['res.partner'], []
        method = Partner._pay_now_note_refused

        def write(contact, email):
            tries.append(contact.id)
            if tries.count(contact.id) == 1:
                raise psycopg2.errors.SerializationFailure("could not serialize access")
            method(contact, email)

        self.smtp.says('RCPT', '550 5.1.1 Unknown recipient')
        run = self.make_run(2)
        conflict = patch.object(self.env.cr, 'rollback')
        with patch.object(Partner, '_pay_now_note_refused', write), conflict as rollback:
            self.send()
        self.assertEqual(rollback.call_count, 2)
        self.assertEqual(self.states(run), ['failed'] * 2)
        self.assertTrue(all(run.reminder_ids.partner_id.mapped('pay_now_refused_email')))

    def test_server_that_refuses_all_there_are(self):
        """Nothing is left that could wait for it."""
        self.smtp.says('RCPT', '554 5.7.1 Relay access denied')
        with patch(f'{CONST}.REFUSED_IN_A_ROW', 3):
            run = self.make_run(3)
            self.send()
        self.assertEqual(self.states(run), ['failed'] * 3)
        self.assertEqual(len(self.notices()), 1)
        self.assertEqual(run.state, 'done')

    def test_canceled_as_it_was_handed_over(self):
        """The customer is not kept from the next reminder."""
        run = self.make_run(1)

        def script(step, _dialogue):
            if step == 'RCPT':
                # As the other transaction has it: what is on its way is left.
                self.env.cr.execute(
                    "UPDATE pay_now_reminder_run SET state = 'canceled' WHERE id = %s", run.ids
                )
                return '451 4.3.0 Try later'
            return True

        self.smtp.script = script
        self.send()
        self.env.invalidate_all()
        self.assertEqual(run.state, 'canceled')
        self.smtp.works()
        self.send(minutes=6)
        self.assertEqual(self.states(run), ['canceled'])
        self.assertFalse(self.smtp.mails)
        with self.at(START + timedelta(days=1)):
            self.assertEqual(self.run_for(self.customers).reminder_ids.state, 'draft')

    def test_notice_about_the_server_is_read_by_somebody(self):
        """Who sent the run left the company since."""
        self.smtp.says('CONNECT', HANG_UP)
        user = new_test_user(
            self.env,
            'left',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        run = self.make_run(1)
        self.assertEqual(run._sender(), self.env.user)
        run.sudo().sender_id = user
        self.assertEqual(run._sender(), user)
        user.active = False
        self.send()
        self.assertEqual(self.states(run), ['queued'])
        self.assertTrue(run.activity_ids)
        self.assertTrue(all(run.activity_ids.user_id.mapped('active')))

    # === REPORTS === #

    def came_back(self, reminder, email, report):
        """Let a report about a reminder come in, as any mail does."""
        text = f"""From: MAILER-DAEMON@example.com
To: bounce@example.com
Subject: Undelivered
Message-ID: <{reminder.id}-report@example.com>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com

Final-Recipient: rfc822; {email or reminder.email}
{report}

--b
Content-Type: message/rfc822

From: company@example.com
Message-ID: {reminder.mail_id.message_id}
Subject: Reminder

--b--
"""
        self.env['mail.thread'].message_process(False, text)
        self.env.invalidate_all()

    def test_reports(self):
        """A delay is none, and only what is about the address is remembered with it."""
        cases = (
            ('Action: delayed\nStatus: 4.4.1', '', 'sent', False),
            ('Action: relayed\nStatus: 2.0.0', '', 'sent', False),
            ('Action: failed\nStatus: 5.7.1', '', 'failed', False),
            ('Action: failed\nStatus: 4.4.7', '', 'failed', False),
            ('Action: failed\nStatus: 5.1.8', '', 'failed', False),
            ('Action: failed\nStatus: 5.1.1', 'elsewhere@example.com', 'failed', False),
            ('Action: failed\nStatus: 5.1.1', '', 'failed', True),
            ('Action: failed\nStatus: 5.2.2', '', 'failed', True),
        )
        run = self.make_run(len(cases))
        self.send()
        reminders = run.reminder_ids.sorted('id')
        for reminder, (report, email, state, is_refused) in zip(reminders, cases, strict=True):
            with self.subTest(report=report, email=email):
                self.came_back(reminder, email, report)
                self.assertEqual(reminder.state, state)
                refused = reminder.email if is_refused else False
                self.assertEqual(reminder.contact_id.pay_now_refused_email, refused)

    def test_rest_of_the_run_is_not_written_for_nothing(self):
        self.smtp.says('CONNECT', HANG_UP)
        run = self.make_run(6)
        with self.at(START), really_sending():
            self.env['pay.now.reminder'].sudo()._cron_send(batch=2)
        self.assertEqual(self.smtp.steps['CONNECT'], 1)
        self.assertEqual(set(run.reminder_ids.mapped('retry_at')), {START + timedelta(minutes=5)})

    def test_dead_server_holds_no_other_company(self):
        dead = self.enterContext(ScriptedServer())
        dead.says('CONNECT', HANG_UP)
        self.server.from_filter = 'fine.example.com'
        self.add_server("Dead", dead, from_filter='dead.example.com')
        first, second = self.make_run(2), self.make_run(2)
        Reminder = type(self.env['pay.now.reminder'])
        prepare = Reminder._prepare_mails

        def prepare_by_run(reminders, *args, **kwargs):
            values, asked = prepare(reminders, *args, **kwargs)
            for reminder, mail in values.items():
                domain = 'dead' if reminder.run_id == first else 'fine'
                mail['email_from'] = f'accounts@{domain}.example.com'
            return values, asked

        with patch.object(Reminder, '_prepare_mails', prepare_by_run):
            self.send()
        self.assertEqual(self.states(first), ['queued', 'queued'], first.reminder_ids[0].reason)
        self.assertIn("Dead", first.problem)
        self.assertEqual(self.states(second), ['sent', 'sent'])
        self.assertFalse(second.problem)

    def test_problem_of_a_run_that_nobody_waits_for(self):
        """It and its notice go with the run's end, whoever ends it."""
        for end in ('action_cancel', 'action_stop'):
            with self.subTest(end=end):
                self.smtp.says('CONNECT', HANG_UP)
                run = self.make_run(1)
                self.send()
                self.assertTrue(run.problem)
                self.assertTrue(run.activity_ids)
                getattr(run, end)()
                self.assertFalse(run.problem)
                self.assertFalse(run.activity_ids)

    def test_server_that_refuses_everybody_in_small_batches(self):
        """Each batch would lose some more: the rest of the run waits, too."""
        self.smtp.says('RCPT', '554 5.7.1 Relay access denied')
        with patch(f'{CONST}.REFUSED_IN_A_ROW', 2):
            run = self.make_run(9)
            with self.at(START), really_sending():
                self.env['pay.now.reminder'].sudo()._cron_send(batch=3)
        self.assertEqual(self.states(run), ['failed'] * 2 + ['queued'] * 7)

    # === CONNECTIONS === #

    def test_server_that_closes_after_some_mails(self):
        """Connected to again: each mail leaves, once."""

        def script(step, dialogue):
            return HANG_UP if step == 'MAIL' and dialogue.taken == 2 else True

        self.smtp.script = script
        run = self.make_run(5)
        self.send()
        self.assertEqual(self.states(run), ['sent'] * 5)
        self.assertEqual(set(self.smtp.mails.values()), {1})
        self.assertEqual(self.smtp.steps['CONNECT'], 3)

    def test_says_that_it_closes_after_some_mails(self):
        def script(step, dialogue):
            return '421 4.7.0 Enough' if step == 'MAIL' and dialogue.taken == 2 else True

        self.smtp.script = script
        run = self.make_run(5)
        self.send()
        self.assertEqual(self.states(run), ['sent'] * 5)
        self.assertEqual(set(self.smtp.mails.values()), {1})

    def test_line_cut(self):
        """Uncertain only where the mail itself was on its way."""
        for step, state in (
            ('MAIL', 'queued'),
            ('RCPT', 'queued'),
            ('DATA', 'queued'),
            ('CONTENT', 'uncertain'),
        ):
            with self.subTest(step=step):
                self.smtp.says(step, HANG_UP)
                run = self.make_run(1)
                self.send()
                self.assertEqual(self.states(run), [state])
                self.assertEqual(bool(run.reminder_ids.sent_at), state == 'uncertain')

    # === FOR GOOD === #

    def test_address_that_takes_no_mails(self):
        """Only its own mail fails, and the address is remembered until it is another one."""
        run = self.make_run(3)
        customer = self.customers[1]
        self.smtp.says('RCPT', '550 5.1.1 User unknown', to=customer.email)
        self.send()
        self.assertEqual(self.states(run), ['failed', 'sent', 'sent'])
        self.assertEqual(customer.pay_now_refused_email, customer.email)
        self.assertEqual(self.notices().res_model, 'res.partner')
        self.assertEqual(self.notices().res_id, customer.id)
        self.company.root_id.pay_now_letters = False
        with self.at(START + timedelta(days=60)):
            held = self.run_for(customer).reminder_ids
            self.assertEqual(held.state, 'held')
            self.assertIn(customer.email, held.reason)
            customer.email = 'new-one@example.com'
            self.assertEqual(self.run_for(customer).reminder_ids.state, 'draft')

    def test_mail_that_does_not_reach_the_server(self):
        """What the server said of the mail before it is not about this one."""
        run = self.make_run(2)
        first, second = self.customers
        self.smtp.says('RCPT', '550 5.1.1 User unknown', to=first.email)
        MailServer = type(self.env['ir.mail_server'])
        build = MailServer._build_email__

        def refuse(servers, *args, **kwargs):
            if second.email in str(kwargs.get('email_to')):
                raise ValueError("this one cannot be written")
            return build(servers, *args, **kwargs)

        with patch.object(MailServer, '_build_email__', refuse):
            self.send()
        self.assertEqual(self.states(run), ['failed'] * 2)
        self.assertEqual(first.pay_now_refused_email, first.email)
        self.assertFalse(second.pay_now_refused_email)
        by_customer = {one.partner_id: one.reason for one in run.reminder_ids}
        self.assertIn("cannot be written", by_customer[second])

    def test_several_failures_are_one_notice(self):
        self.smtp.says('CONTENT', '554 5.6.0 Content refused')
        run = self.make_run(3)
        self.send()
        self.assertEqual(self.states(run), ['failed'] * 3)
        notice = self.notices()
        self.assertEqual(len(notice), 1)
        self.assertEqual((notice.res_model, notice.res_id), ('pay.now.reminder.run', run.id))
        for customer in self.customers:
            self.assertIn(customer.name, notice.note)
            self.assertFalse(customer.pay_now_refused_email)

    def test_sent_again_by_a_person(self):
        self.smtp.says('CONTENT', '554 5.6.0 Content refused')
        run = self.make_run(1)
        self.send()
        self.smtp.works()
        with self.at(START):
            run.reminder_ids.action_retry()
        self.send(minutes=1)
        self.assertEqual(self.states(run), ['sent'])

    # === WHAT SERVERS SAY === #

    def test_refusals(self):
        recipients = smtplib.SMTPRecipientsRefused
        for error, may_have_left, kind in (
            (recipients({'a@b.c': (550, b'No such user')}), False, 'address'),
            (recipients({'a@b.c': (550, b'5.7.1 Blocked')}), False, 'mail'),
            (recipients({'a@b.c': (550, b'relay not permitted')}), False, 'mail'),
            (recipients({'a@b.c': (553, b'Sender is on a block list')}), False, 'mail'),
            (recipients({'a@b.c': (550, b'5.1.8 Domain of sender not found')}), False, 'server'),
            (recipients({'a@b.c': (550, b'5.1.10 No such recipient')}), False, 'address'),
            (recipients({'a@b.c': (552, b'5.2.2 Full')}), False, 'address'),
            (recipients({'a@b.c': (550, b'No'), 'd@e.f': (450, b'Wait')}), False, 'later'),
            (smtplib.SMTPSenderRefused(552, b'5.3.4 Too large', 'a@b.c'), False, 'mail'),
            (smtplib.SMTPSenderRefused(530, b'5.7.0 Log in first', 'a@b.c'), False, 'server'),
            (smtplib.SMTPAuthenticationError(535, b'Wrong'), False, 'server'),
            (smtplib.SMTPDataError(552, b'5.3.4 Too large'), True, 'mail'),
            (smtplib.SMTPDataError(451, b'Later'), True, 'later'),
            (smtplib.SMTPNotSupportedError("SMTPUTF8"), False, 'mail'),
            (smtplib.SMTPServerDisconnected("closed"), False, 'server'),
            (smtplib.SMTPServerDisconnected("closed"), True, 'lost'),
            (TimeoutError(), False, 'server'),
            (ConnectionResetError(), True, 'lost'),
        ):
            with self.subTest(error=error):
                refusal = MailRefusal.of(error, may_have_left)
                self.assertEqual(refusal.kind, kind)
                self.assertTrue(refusal.text)
