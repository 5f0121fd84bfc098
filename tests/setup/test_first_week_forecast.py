# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.account_pay_now.tests.setup.first_week import TrialCommon


@tagged('post_install', '-at_install')
class TestForecast(TrialCommon):
    """What tomorrow's automatic run would send, and no trace of having asked."""

    def forecast(self):
        rows = self.env['pay.now.reminder.run']._forecast(self.company)
        return {
            self.env['res.partner'].browse(row['partner_id']).name: row['outcome'] == 'send'
            for row in rows
        }

    def test_sentence(self):
        other = self.env['res.partner'].create({'name': "B", 'email': 'b@example.com'})
        self.env['res.partner'].create({'name': "C"})
        self.make_invoice(100, days_late=30)
        self.assertIn(
            "1 customer, 100.00€", self.company._pay_now_forecast_text().replace('\xa0', '')
        )
        self.make_invoice(50, partner=other)
        self.assertIn("2 customers", self.company._pay_now_forecast_text())
        self.assertIn("150.00", self.company._pay_now_forecast_text())

    def test_same_as_the_real_run_of_tomorrow(self):
        nobody = self.env['res.partner'].create({'name': "No address"})
        paid = self.env['res.partner'].create({'name': "Paid", 'email': 'p@example.com'})
        self.make_invoice(10)
        self.make_invoice(20, partner=nobody)
        self.make_invoice(30, partner=paid)
        self.env['account.payment'].create(
            {'partner_id': paid.id, 'amount': 30, 'payment_type': 'inbound'}
        ).action_post()
        rows = self.env['pay.now.reminder.run']._forecast(self.company)
        run = (
            self.env['pay.now.reminder.run']
            .sudo()
            .create({'date': fields.Date.today() + timedelta(days=1), 'trigger': 'auto'})
        )
        run._generate()
        real = run.reminder_ids._forecast_values()
        self.assertEqual(rows, real)
        # What waits in one run is in no other one.
        run.action_cancel()
        self.assertEqual(self.forecast(), {'Boulanger': True, 'No address': False, 'Paid': False})

    def test_of_tomorrow_and_not_of_today(self):
        self.make_invoice(100, days_late=4)
        run = self.env['pay.now.reminder.run'].create({})
        self.assertFalse(run._generate(), "due for 5 days only tomorrow")
        self.assertEqual(self.forecast(), {'Boulanger': True})

    def test_gap_that_ends_until_tomorrow(self):
        self.make_invoice(100, days_late=40)
        run = self.env['pay.now.reminder.run'].create({})
        run._generate()
        sent = run.reminder_ids
        sent.sudo().write(
            {'state': 'sent', 'sent_at': fields.Datetime.now() - timedelta(days=13, hours=6)}
        )
        self.assertEqual(self.forecast(), {'Boulanger': True})
        sent.sudo().sent_at = fields.Datetime.now() - timedelta(days=12, hours=6)
        self.assertEqual(self.forecast(), {'Boulanger': False})

    def test_leaves_no_trace(self):
        self.make_invoice(100, days_late=30)
        before = self.footprint()
        self.company._pay_now_forecast_text()
        self.assertEqual(self.footprint(), before)

    def test_keeps_what_was_changed_before(self):
        self.make_invoice(100, days_late=30)
        self.customer.name = "Renamed"
        self.assertEqual(self.forecast(), {'Renamed': True})
        self.assertEqual(self.customer.name, "Renamed")
        self.env.invalidate_all()
        self.assertEqual(self.customer.name, "Renamed")

    def test_list(self):
        self.make_invoice(100, days_late=30)
        self.make_invoice(20, partner=self.env['res.partner'].create({'name': "No address"}))
        options = self.env['pay.now.options'].with_user(self.manager).create({})
        for _twice in range(2):
            action = options.action_forecast()
            lines = options.env['pay.now.forecast.line'].search(action['domain'])
            self.assertRecordValues(
                lines,
                [
                    {
                        'amount_due': 100,
                        'has_button': True,
                        'outcome': 'send',
                        'reason': False,
                    },
                    {
                        'amount_due': 20,
                        'has_button': False,
                        'outcome': 'skip',
                        'reason': "No e-mail address, and no postal address for a letter",
                    },
                ],
            )
        admin = new_test_user(
            self.env,
            'pay_now_boss',
            groups='base.group_system,account.group_account_manager',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.assertFalse(self.env['pay.now.forecast.line'].with_user(admin).search([]))

    def test_company_without_levels(self):
        self.make_invoice(100, days_late=30)
        self.env['pay.now.reminder.level'].search([]).active = False
        self.assertIn("Nobody", self.company._pay_now_forecast_text())
        with self.assertRaisesRegex(UserError, "no reminder level"):
            self.env['pay.now.forecast.line']._open(self.company)

    def test_nothing_before_a_provider_is_connected(self):
        self.provider.action_pay_now_disconnect()
        self.assertFalse(self.company._pay_now_forecast_text())

    def test_very_many_customers_are_not_tried_out_unasked(self):
        self.make_invoice(100, days_late=30)
        with patch('odoo.addons.account_pay_now.const.FORECAST_LIMIT', 0):
            self.assertIn("1 customers have something due", self.company._pay_now_forecast_text())

    def test_settings_say_it_before_the_tick(self):
        self.make_invoice(100, days_late=30)
        settings = Form(self.env['res.config.settings'])
        self.assertIn("1 customer", settings.pay_now_forecast_text)
