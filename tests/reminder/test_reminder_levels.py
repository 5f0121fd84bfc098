# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.reminder.reminder_days import START, ReminderDaysCommon


@tagged('post_install', '-at_install')
class TestReminderLevels(ReminderDaysCommon):
    """Which level a customer gets, over months."""

    def days(self, last, first=0, missing=()):
        for number in range(first, last + 1):
            if number not in missing:
                self.day(number)

    def test_one_level_after_the_other_and_then_a_person(self):
        self.invoice_due(0)
        self.days(40)
        self.assertEqual(self.sent(), [(5, 5), (20, 20)])
        waiting = self.latest().search([('state', '=', 'draft')])
        self.assertEqual(waiting.level_id, self.last, "the last one waits for a person")
        self.assertEqual(waiting.run_id.state, 'draft')
        with self.at(START + timedelta(days=41)):
            waiting.run_id.action_send()
            self.send_waiting()
        self.days(70, first=42)
        self.assertEqual(self.sent(), [(5, 5), (20, 20), (41, 35)], "and nothing after it")
        self.assertIn("no other level is due", self.latest().reason)
        self.assertEqual(self.customer.activity_ids.summary, "Decide on the next steps")

    def test_repeated_where_wanted(self):
        self.levels.repeat = True
        self.firm.active = self.last.active = False
        self.invoice_due(0)
        self.days(40)
        self.assertEqual(self.sent(), [(5, 5), (19, 5), (33, 5)])

    def test_missed_days_are_caught_up_with_one_message(self):
        self.invoice_due(0)
        self.days(5)
        self.days(60, first=50)
        self.assertEqual(self.sent(), [(5, 5), (50, 20)], "one, and no level left out")

    def test_the_gap_comes_before_the_level(self):
        self.firm.gap_days = 30
        self.invoice_due(0)
        self.days(40)
        self.assertEqual(self.sent(), [(5, 5), (35, 20)])

    def test_old_debts_start_at_the_level_chosen(self):
        self.invoice_due(-200)
        recent = self.make_customers(1)
        self.invoice_due(-7, partner=recent)
        new = self.env['res.partner'].create({'name': "New", 'email': 'new@example.com'})
        self.invoice_due(10, partner=new)
        self.company.pay_now_start_level_id = self.firm
        self.days(13)
        self.assertEqual(self.sent(), [(0, 20)])
        self.assertEqual(self.sent(recent), [(0, 5)], "no higher than it has reached")
        self.day(15)
        self.assertEqual(self.sent(new), [(15, 5)], "a new debt starts at the beginning")

    def test_old_debts_start_friendly_by_default(self):
        self.invoice_due(-200)
        self.days(1)
        self.assertEqual(self.sent(), [(0, 5)])

    def test_a_level_is_not_gone_back_to_while_the_debt_is_open(self):
        first = self.invoice_due(0)
        self.invoice_due(20)
        self.days(34)
        # The newer invoice alone would get the friendly one; its customer is further.
        self.assertEqual(self.sent(), [(5, 5), (20, 20), (34, 20)])
        with self.at(START + timedelta(days=35)):
            self.pay(first)
            self.invoice_due(30)
        self.days(48, first=35)
        self.assertEqual(self.sent()[-1], (48, 20), "which is what both were sent")

    def test_before_the_due_date(self):
        self.friendly.write({'delay_days': -3})
        self.invoice_due(10)
        late = self.make_customers(1)
        self.invoice_due(-10, partner=late)
        self.days(9)
        self.assertEqual(self.sent(), [(7, -3)])
        self.assertEqual(
            self.sent(late), [], "nobody is notified that it falls due once it was due"
        )
        self.days(30, first=10)
        self.assertEqual(self.sent(), [(7, -3), (30, 20)])
        self.assertEqual(self.sent(late), [(10, 20)])

    def test_customer_reminded_by_hand(self):
        self.customer.with_company(self.company).pay_now_reminder_mode = 'manual'
        self.invoice_due(0)
        self.days(8)
        self.assertFalse(self.sent())
        drafts = self.latest().search([('state', '=', 'draft')])
        self.assertEqual(len(drafts), 1, "it waits once")
        self.assertIn("Waits for a person", self.latest().reason)

    def test_chosen_by_a_person(self):
        self.invoice_due(-30)
        with self.at(START):
            run = self.generate()
            run.reminder_ids.with_user(self.env.user)._take_chosen_level(self.last)
            self.assertTrue(run.reminder_ids.is_level_chosen)
            run.action_send()
            (mail,) = self.send_waiting()
        self.assertIn("Last reminder", mail['subject'])

    def test_what_was_paid_meanwhile_lowers_the_level(self):
        old = self.invoice_due(-30)
        self.day(0)
        self.invoice_due(10)
        with self.at(START + timedelta(days=20)):
            run = self.generate()
            self.assertEqual(run.reminder_ids.level_id, self.firm)
            self.pay(old)
            run.action_send()
            (mail,) = self.send_waiting()
        self.assertNotIn(old.name, mail['body'])
        self.assertEqual(run.reminder_ids.level_id, self.friendly)

    def test_excluded_until_a_day(self):
        invoice = self.invoice_due(0)
        invoice.write(
            {
                'pay_now_excluded': True,
                'pay_now_excluded_until': START + timedelta(days=12),
                'pay_now_excluded_reason': "Delivery disputed",
            }
        )
        self.days(12)
        self.assertFalse(self.sent())
        self.assertIn("Delivery disputed", self.latest().reason)
        self.days(14, first=13)
        self.assertEqual(self.sent(), [(13, 5)], "it resumes by itself")

    def test_below_the_minimum(self):
        self.company.pay_now_minimum_amount = 150
        self.invoice_due(0)
        self.day(6)
        self.assertIn("is due", self.latest().reason)
        self.invoice_due(1)
        self.day(7)
        self.assertEqual(self.sent(), [(7, 5)])

    def test_contact_chosen(self):
        contact = self.env['res.partner'].create(
            {'name': "Accounts", 'email': 'accounts@example.com', 'parent_id': self.customer.id}
        )
        self.customer.pay_now_contact_id = contact
        self.invoice_due(0)
        (mail,) = self.day(6)
        self.assertIn('accounts@example.com', mail['email_to'][0])

    def test_customer_and_invoice_say_where_they_are(self):
        invoice = self.invoice_due(0)
        with self.at(START):
            self.assertFalse(self.customer.pay_now_level_id)
            self.assertEqual(self.customer.pay_now_next_date, (START + timedelta(5)).date())
        self.days(6)
        self.env.invalidate_all()
        with self.at(START + timedelta(days=6)):
            self.assertEqual(self.customer.pay_now_level_id, self.friendly)
            self.assertEqual(self.customer.pay_now_next_date, (START + timedelta(20)).date())
            self.assertEqual(self.customer.pay_now_reminder_count, 1)
            self.assertEqual(invoice.pay_now_reminder_count, 1)
            self.assertEqual(invoice.pay_now_level_id, self.friendly)

    def test_each_tone_in_both_languages(self):
        self.load_language('fr_FR')
        self.invoice_due(0)
        for level in self.levels:
            action = level.action_preview()
            trial = self.env['pay.now.trial'].browse(action['res_id'])
            for lang in ('en_US', 'fr_FR'):
                trial.lang = lang
                trial._preview()
                self.assertIn(f'lang="{lang.replace("_", "-")}"', trial.preview_html)
                self.assertIn("Pay now" if lang == 'en_US' else "Payer", trial.preview_html)

    def test_preview_without_an_example(self):
        action = self.friendly.action_preview()
        trial = self.env['pay.now.trial'].browse(action['res_id'])
        self.assertIn("no open invoice", trial.preview_html)
