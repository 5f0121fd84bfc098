# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.reminder.reminder_days import START, ReminderDaysCommon


@tagged('post_install', '-at_install')
class TestReminderCalendar(ReminderDaysCommon):
    """When reminders leave, and how many."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {'pay_now_working_days': True, 'pay_now_hour_from': 8, 'pay_now_hour_to': 18}
        )

    def test_hours_are_those_of_the_company(self):
        self.invoice_due(-10)
        self.assertFalse(self.day(0, hour=6), "seven in Paris")
        self.assertEqual(self.latest().state, 'queued')
        self.assertEqual(len(self.day(0, hour=7)), 1, "eight in Paris")

    def test_not_after_hours(self):
        self.invoice_due(-10)
        self.assertFalse(self.day(0, hour=17), "six in the evening")
        self.assertEqual(len(self.day(1)), 1)

    def test_weekend_is_caught_up_on_monday(self):
        self.invoice_due(0)
        for number in (5, 6):
            self.assertFalse(self.day(number), "Saturday, Sunday")
        self.assertFalse(self.latest(), "not even a list")
        self.assertEqual(len(self.day(7)), 1)

    def test_public_holiday(self):
        self.invoice_due(-10)
        self.env['resource.calendar.leaves'].create(
            {
                'name': "Holiday",
                'calendar_id': self.company.resource_calendar_id.id,
                'company_id': self.company.id,
                'date_from': START.replace(hour=0),
                'date_to': START.replace(hour=23),
            }
        )
        self.assertFalse(self.day(0))
        self.assertEqual(len(self.day(1)), 1)

    def test_next_opening(self):
        friday_evening = datetime(2026, 1, 9, 20, 0)
        opening = self.company._pay_now_next_opening(friday_evening)
        self.assertEqual(opening, datetime(2026, 1, 12, 7, 0))
        self.assertEqual(self.company._pay_now_next_opening(START), START)

    def test_a_person_who_sends_decides(self):
        self.invoice_due(-10)
        with self.at(START + timedelta(days=5, hours=12)):
            run = self.generate()
            run.action_send()
            self.assertEqual(len(self.send_waiting()), 1)

    def test_the_most_a_day(self):
        partners = self.make_customers(5)
        self.make_due(partners)
        self.company.pay_now_daily_cap = 2
        self.assertEqual(len(self.day(0)), 2)
        self.assertFalse(self.day(0, hour=10))
        self.assertEqual(len(self.day(1)), 2)
        self.assertEqual(len(self.day(2)), 1)
        self.assertEqual([len(self.sent(one)) for one in partners], [1] * 5, "each once")

    def test_hours_that_cannot_be(self):
        for values in (
            {'pay_now_hour_from': 20},
            {'pay_now_hour_to': 25},
            {'pay_now_daily_cap': -1},
        ):
            with self.assertRaises(ValidationError):
                self.company.write(values)

    # === runs === #

    def test_stop_and_resume(self):
        partners = self.make_customers(4)
        self.make_due(partners)
        with self.at(START):
            run = self.generate()
            run.action_send()
            self.patch(type(run), '_check_done', lambda self: None)
            hand_over = type(run.reminder_ids)._hand_over_one

            def stopping(reminder, options):
                hand_over(reminder, options)
                if run.sent_count == 2:
                    run.action_stop()

            with patch.object(type(run.reminder_ids), '_hand_over_one', stopping):
                self.assertEqual(len(self.send_waiting()), 2)
            self.assertEqual(run.state, 'stopped')
            self.assertEqual(run.progress, 50)
            self.assertFalse(self.send_waiting())
            run.action_resume()
            self.assertEqual(len(self.send_waiting()), 2)

    def test_filters(self):
        one, two = self.make_customers(2)
        seller = self.env.user
        self.invoice_due(-10, partner=one)
        self.invoice_due(-40, partner=two, invoice_user_id=False)
        with self.at(START):
            self.assertEqual(self.generate(partner_ids=one.ids).reminder_ids.partner_id, one)
            self.assertEqual(self.generate(user_ids=seller.ids).reminder_ids.partner_id, one)
            run = self.generate(application='accounting')
            self.assertEqual(run.reminder_ids.partner_id, one | two)
            with self.assertRaisesRegex(UserError, "No customer"):
                self.generate(application='sales')
            self.company.pay_now_start_level_id = self.firm
            run = self.generate(level_ids=self.firm.ids)
            self.assertEqual(run.reminder_ids.partner_id, two)

    def test_edited_mail(self):
        invoice = self.invoice_due(-10)
        with self.at(START):
            run = self.generate()
            reminder = run.reminder_ids
            reminder.action_edit()
            self.assertIn(invoice.name, reminder.own_body)
            reminder.write({'own_subject': "My words", 'own_body': '<p>Please call me.</p>'})
            run.action_send()
            (mail,) = self.send_waiting()
        self.assertEqual(mail['subject'], "My words")
        self.assertIn("Please call me.", mail['body'])
        self.assertIn("Fournil SARL", mail['body'], "in the same frame")
        with self.assertRaises(UserError):
            reminder.own_subject = "Too late"

    def test_edited_mail_with_another_amount_does_not_leave(self):
        invoice = self.invoice_due(-10)
        with self.at(START):
            run = self.generate()
            run.reminder_ids.action_edit()
            run.action_send()
            self.pay(invoice, 40)
            self.assertFalse(self.send_waiting())
        self.assertIn("has changed", run.reminder_ids.reason)

    def test_a_long_list_is_made_in_the_background_and_goes_on_where_it_stopped(self):
        partners = self.make_customers(5)
        self.make_due(partners)
        Run = self.env['pay.now.reminder.run']
        const = 'odoo.addons.account_pay_now.const'
        Cron = type(self.env['ir.cron'])
        with (
            self.at(START),
            patch(f'{const}.GENERATE_AT_ONCE', 2),
            patch(f'{const}.GENERATION_BATCH', 2),
        ):
            run = self.generate()
            self.assertEqual(run.state, 'generating')
            self.assertFalse(run.reminder_ids)
            with patch.object(Cron, '_commit_progress', lambda cron, *args, **kwargs: 0):
                run._generate_in_background()
            self.assertEqual(len(run.reminder_ids), 2, "the time was over")
            self.company.pay_now_reminder_auto = False
            Run.sudo()._cron_generate()
        self.assertEqual(run.state, 'draft')
        self.assertEqual(run.reminder_ids.partner_id, partners)
        self.assertEqual(len(run.reminder_ids), 5)
