# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.reminder.reminder_sales import (
    REMINDER,
    RUN,
    WIZARD,
    ReminderSalesCommon,
)

LEVEL = 'pay.now.choose.level'


@tagged('post_install', '-at_install')
class TestReminderRun(ReminderSalesCommon):
    """What people do with a run and the reminders in it, also twice, late, or without the right."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.billing = cls.make_user('billing', 'account.group_account_invoice')
        cls.nobody = cls.env['res.partner'].create({'name': "Nowhere"})
        cls.make_invoice(70, partner=cls.nobody)
        cls.other_company = cls.env['res.company'].create({'name': "Elsewhere"})
        cls.stranger = new_test_user(
            cls.env,
            'pay_now_stranger',
            groups='account.group_account_manager',
            email='stranger@example.com',
            company_id=cls.other_company.id,
            company_ids=[Command.set(cls.other_company.ids)],
        )
        wizard = cls.env[WIZARD].with_user(cls.billing).create({})
        cls.run_ = wizard.env[RUN].browse(wizard.action_generate()['res_id'])
        cls.reminders = cls.run_.reminder_ids
        cls.mine_, cls.other = (
            cls.reminders.filtered(lambda one, who=who: one.partner_id == who)
            for who in (cls.customer, cls.other_customer)
        )

    def told(self, function):
        """Return the runs that screens are told of by what a function does."""
        self.env.cr.flush()
        known = self.env['bus.bus'].sudo().search([])
        function()
        self.env.cr.flush()
        new = self.env['bus.bus'].sudo().search([]) - known
        messages = [json.loads(one.message) for one in new]
        return [one['payload']['id'] for one in messages if one['type'] == const.RUN_CHANGED]

    # === FIGURES === #

    def test_figures_do_not_mix_what_is_held(self):
        self.assertRecordValues(
            self.run_,
            [
                {
                    'to_send_count': 2,
                    'to_send_amount': 232,
                    'held_count': 1,
                    'dropped_count': 0,
                    'progress': 0,
                    'started_by': "Billing",
                }
            ],
        )
        self.assertEqual(self.run_.summary_text, "2 reminders to send, 232.00\xa0€")
        self.other.action_drop()
        self.assertEqual(self.run_.summary_text, "1 reminder to send, 188.00\xa0€")
        self.assertEqual((self.run_.held_count, self.run_.dropped_count), (1, 1))
        self.send(self.run_)
        self.assertRecordValues(
            self.run_, [{'to_send_count': 0, 'sent_count': 1, 'progress': 100, 'state': 'done'}]
        )
        self.assertEqual(self.run_.progress_text, "1 of 1 sent")
        self.assertEqual(self.run_.summary_text, "Nothing to send")

    def test_columns(self):
        today = fields.Date.today()
        self.assertRecordValues(
            self.mine_,
            [{'oldest_due': today - timedelta(days=30), 'days_late': 30, 'item_count': 3}],
        )
        self.assertFalse(self.mine_.is_edited)
        self.mine_.action_edit()
        self.assertTrue(self.mine_.is_edited)
        self.mine_.action_reset_text()
        self.assertFalse(self.mine_.is_edited)
        self.mine_.own_subject = "Dear friend"
        self.assertTrue(self.mine_.is_edited)
        self.mine_.action_reset_text()

    # === SENDING === #

    def test_question_before_it_is_sent(self):
        question = self.run_.send_question()
        self.assertEqual(question, {'title': "Send 2 reminders, 232.00\xa0€?", 'lines': []})
        self.other.action_drop()
        self.assertEqual(self.run_.send_question()['title'], "Send 1 reminder, 188.00\xa0€?")
        self.mine_.action_drop()
        self.assertFalse(self.run_.send_question()['title'])

    def test_sending_twice_is_sending_once(self):
        self.run_.action_send()
        states = self.reminders.mapped('state')
        self.run_.action_send()
        self.assertEqual(self.run_.state, 'sending')
        self.assertEqual(self.reminders.mapped('state'), states)
        self.assertEqual(self.run_.sender_id, self.billing)
        self.assertEqual(len(self.leave_now()), 2)
        self.run_.action_send()
        self.assertFalse(self.leave_now())
        notes = self.run_.message_ids.filtered(lambda note: "Sent: 2 reminders" in note.body)
        self.assertEqual(len(notes), 1)
        self.assertEqual(notes.author_id, self.billing.partner_id)

    def test_canceling_twice_and_late(self):
        self.run_.action_cancel()
        self.run_.action_cancel()
        self.assertEqual(self.run_.state, 'canceled')
        self.assertEqual(sorted(self.reminders.mapped('state')), ['canceled', 'canceled', 'held'])
        notes = self.run_.message_ids.filtered(lambda note: "Canceled" in note.body)
        self.assertEqual(len(notes), 1)
        late = self.generate_as(self.billing)
        self.send(late)
        self.assertEqual(late.state, 'done')
        late.action_cancel()
        self.assertEqual(late.state, 'done', "what is over is not canceled")

    def test_stop_and_resume_twice(self):
        self.run_.action_send()
        for action, state in (('action_stop', 'stopped'), ('action_resume', 'sending')):
            for _click in range(2):
                getattr(self.run_, action)()
                self.assertEqual(self.run_.state, state)
        self.assertEqual(len(self.leave_now()), 2)

    def test_no_list_is_sent_while_it_is_made(self):
        self.run_.sudo().state = 'generating'
        with self.assertRaisesRegex(UserError, "still being made"):
            self.run_.action_send()
        self.assertEqual(set(self.reminders.mapped('state')), {'draft', 'held'})

    # === DROP AND TAKE BACK === #

    def test_dropped_twice_and_taken_back_twice(self):
        both = self.mine_ | self.other
        for _click in range(2):
            both.action_drop()
            self.assertEqual(set(both.mapped('state')), {'canceled'})
        for _click in range(2):
            both.action_take_back()
            self.assertEqual(set(both.mapped('state')), {'draft'})
        self.assertEqual(len(self.send(self.run_)), 2)

    def test_what_was_sent_is_neither_dropped_nor_taken_back(self):
        self.send(self.run_)
        self.mine_.action_drop()
        self.mine_.action_take_back()
        self.assertEqual(self.mine_.state, 'sent')

    def test_taken_back_after_it_was_sent_elsewhere(self):
        self.mine_.action_drop()
        self.send(self.generate_as(self.billing))
        self.mine_.action_take_back()
        self.assertEqual(self.mine_.state, 'held')
        self.assertIn("Already reminded", self.mine_.reason)

    def test_taken_back_after_it_was_paid(self):
        self.other.action_drop()
        self.elsewhere.button_draft()
        self.other.action_take_back()
        self.assertRecordValues(self.other, [{'state': 'held', 'reason': "Nothing left to pay"}])

    def test_taking_back_opens_the_run_again(self):
        self.run_.action_cancel()
        self.mine_.action_take_back()
        self.assertEqual((self.run_.state, self.mine_.state), ('draft', 'draft'))
        self.send(self.run_)
        self.assertEqual(self.run_.state, 'done')
        self.other.action_take_back()
        self.assertEqual((self.run_.state, self.other.state), ('draft', 'draft'))

    def test_what_was_held_is_looked_at_again(self):
        held = self.reminders.filtered(lambda one: one.partner_id == self.nobody)
        held.action_take_back()
        self.assertIn("No e-mail address", held.reason)
        self.nobody.email = 'now@example.com'
        held.action_take_back()
        self.assertRecordValues(held, [{'state': 'draft', 'email': 'now@example.com'}])

    def test_the_last_one_dropped_ends_the_run(self):
        self.run_.action_send()
        (self.mine_ | self.other).action_drop()
        self.assertEqual(self.run_.state, 'done')

    # === LEVEL === #

    def test_level_of_several(self):
        firm = self.levels[2]
        both = self.mine_ | self.other
        action = both.with_user(self.billing).action_choose_level()
        wizard = Form(self.env[LEVEL].with_user(self.billing).with_context(**action['context']))
        wizard.level_id = firm
        self.assertEqual(wizard.count_text, "2 reminders")
        wizard.save().action_apply()
        self.assertEqual(both.level_id, firm)
        self.assertEqual(both.mapped('is_level_chosen'), [True, True])
        self.send(self.run_)
        self.assertEqual(both.level_id, firm, "kept as the mails leave")

    def test_level_of_a_sent_one(self):
        wizard = self.run_.env[LEVEL].create(
            {
                'reminder_ids': [Command.set((self.mine_ | self.other).ids)],
                'level_id': self.levels[2].id,
            }
        )
        self.other.action_drop()
        self.send(self.run_)
        with self.assertRaisesRegex(UserError, "not on its way yet"):
            wizard.action_apply()
        with self.assertRaisesRegex(UserError, "not on its way yet"):
            self.mine_.action_choose_level()

    def test_level_of_another_company(self):
        foreign = self.levels[0].copy({'company_id': self.other_company.id})
        wizard = self.env[LEVEL].create(
            {'reminder_ids': [Command.set(self.mine_.ids)], 'level_id': foreign.id}
        )
        with self.assertRaises(UserError):
            wizard.action_apply()

    # === RIGHTS === #

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_others_have_no_part_in_it(self):
        before = self.reminders.mapped('state')
        for user in (self.stranger, self.marc, self.leader):
            run = self.run_.with_user(user)
            reminders = run.env[REMINDER].browse(self.reminders.ids)
            self.env.invalidate_all()
            for records, names in (
                (run, ('send_question', 'action_send', 'action_cancel')),
                (reminders, ('action_drop', 'action_take_back', 'action_choose_level')),
                (reminders[0], ('action_preview_next', 'action_preview_previous')),
            ):
                for name in names:
                    with self.subTest(user=user.login, name=name), self.assertRaises(AccessError):
                        getattr(records, name)()
            with self.assertRaises(AccessError):
                run.env[LEVEL].create(
                    {
                        'reminder_ids': [Command.set(self.reminders.ids)],
                        'level_id': self.levels[2].id,
                    }
                ).action_apply()
        self.env.invalidate_all()
        self.assertEqual(self.reminders.mapped('state'), before)
        self.assertNotIn(self.levels[2], self.reminders.level_id)

    def test_a_salesperson_in_the_own_run(self):
        run = self.generate_as(self.marc)
        reminder = run.reminder_ids
        reminder.action_drop()
        reminder.action_take_back()
        self.assertEqual(reminder.state, 'draft')
        self.assertEqual(reminder.amount_due, 100, "nothing but the own invoices")
        self.assertIn("100.00", run.send_question()['title'])
        wizard = run.env[LEVEL].create(
            {'reminder_ids': [Command.set(reminder.ids)], 'level_id': self.levels[2].id}
        )
        wizard.action_apply()
        self.assertEqual(reminder.level_id, self.levels[2])
        run.action_cancel()
        self.assertEqual(run.state, 'canceled')

    # === PREVIEW === #

    def test_steps_through_the_mails(self):
        first, last = (self.mine_ | self.other).sorted('id', reverse=True)
        first.invalidate_recordset()
        self.assertRecordValues(
            first | last,
            [
                {'position_text': "1 of 2", 'has_previous': False, 'has_next': True},
                {'position_text': "2 of 2", 'has_previous': True, 'has_next': False},
            ],
        )
        self.assertEqual(first.action_preview_next()['res_id'], last.id)
        self.assertEqual(last.action_preview_previous()['res_id'], first.id)
        self.assertEqual(last.action_preview_next()['res_id'], last.id, "there is no further one")

    # === LIVE === #

    def test_screens_are_told(self):
        for action in ('action_send', 'action_stop', 'action_resume'):
            with self.subTest(action=action):
                self.assertEqual(self.told(getattr(self.run_, action)), self.run_.ids)
        self.assertIn(self.run_.id, self.told(self.leave_now))
        run = self.generate_as(self.billing)
        run.reminder_ids[0].action_take_back()
        self.assertEqual(self.told(run.reminder_ids.action_drop), [])
        self.assertEqual(self.told(run.reminder_ids.action_take_back), run.ids)
        self.assertEqual(self.told(run.action_cancel), run.ids)

    def test_told_at_intervals_and_not_for_each_mail(self):
        self.run_.action_send()
        with patch.object(const, 'TELL_SECONDS', 60):
            few = self.told(self.leave_now)
        self.assertLessEqual(len(few), 2, "the end of the batch, and of the run")

    def test_who_hears_of_a_run(self):
        name = f'{const.RUN_CHANNEL}{self.run_.id}'
        for user, hears in ((self.billing, True), (self.stranger, False), (self.marc, False)):
            socket = self.env['ir.websocket'].with_user(user)
            request = SimpleNamespace(session=SimpleNamespace(uid=user.id))
            with patch('odoo.addons.bus.models.ir_websocket.wsrequest', new=request):
                channels = socket._build_bus_channel_list([name, f'{const.RUN_CHANNEL}x', 'else'])
            with self.subTest(user=user.login):
                self.assertEqual(self.run_ in channels, hears)
                self.assertIn('else', channels)
                self.assertFalse([one for one in channels if str(one).startswith('pay_now_run')])

    # === FAILURES === #

    @mute_logger('odoo.addons.account_pay_now.models.reminder.pay_now_reminder_sending')
    def test_failures_are_told_to_the_sender_and_to_be_handled(self):
        self.customer.user_id = self.anna
        prepare = type(self.mine_)._prepare_envelope

        def failing(reminder, *args):
            if reminder.partner_id == self.customer:
                raise ValueError("broken template")
            return prepare(reminder, *args)

        with patch.object(type(self.mine_), '_prepare_envelope', failing):
            self.run_.action_send()
            self.leave_now()
        self.assertEqual(self.mine_.state, 'failed')
        mine = self.run_.activity_ids.filtered(lambda one: one.user_id == self.billing)
        self.assertEqual(mine.summary, "Reminder not delivered")
        self.assertIn("broken template", mine.note)
        ToHandle = self.env['pay.now.to.handle'].with_user(self.billing)
        domain = [('kind', '=', 'reminder'), ('res_id', '=', self.mine_.id)]
        self.env.flush_all()
        self.assertIn("broken template", ToHandle.search(domain).name)
        self.mine_.action_drop()
        self.env.flush_all()
        self.assertFalse(ToHandle.search(domain), "done with")
        self.mine_.action_take_back()
        self.assertEqual(self.mine_.state, 'draft')
        self.assertEqual(len(self.send(self.run_)), 1)

    # === GENERATE === #

    def test_how_many_before_the_list_is_made(self):
        for user, text in (
            (self.billing, "3 customers with 302.00\xa0€ due."),
            (self.marc, "1 customer with 100.00\xa0€ due."),
            (self.leader, "2 customers with 177.00\xa0€ due."),
        ):
            with self.subTest(user=user.login):
                form = Form(self.env[WIZARD].with_user(user))
                self.assertEqual(form.expected_text, text)
        form = Form(self.env[WIZARD].with_user(self.billing))
        form.partner_ids = self.other_customer
        self.assertEqual(form.expected_text, "1 customer with 44.00\xa0€ due.")
        form.level_ids = self.levels[0]
        self.assertIn("other levels", form.expected_text)
        form.date_to = fields.Date.today() - timedelta(days=900)
        self.assertIn("No customer", form.expected_text)

    def test_counted_by_one_query_however_many_there_are(self):
        wizard = self.env[WIZARD].with_user(self.billing).create({})

        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            wizard._expected_text()
            return self.env.cr.sql_log_count - before

        # The first one fills what is kept between requests.
        _first, few = count(), count()
        partners = self.env['res.partner'].create([{'name': f"C{n}"} for n in range(5)])
        for partner in partners:
            self.make_invoice(10, partner=partner, days_late=30)
        self.assertEqual(count(), few)
        self.assertIn("8 customers", wizard._expected_text())
        self.assertEqual(self.env[RUN].search_count([]), 1, "nothing is made for it")
