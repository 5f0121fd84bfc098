# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.setup.first_week import FirstWeekCommon


@tagged('post_install', '-at_install')
class TestWarnings(FirstWeekCommon):
    """What will surprise, with the list each warning speaks of."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()

    def warnings(self):
        return self.company._pay_now_warnings()

    def test_nothing_to_warn_of(self):
        self.make_invoice()
        self.assertEqual(self.warnings(), {})

    def test_sales_invoices_without_a_button(self):
        invoice = self.make_sales_invoice()
        self.make_invoice()
        warning = self.warnings()['without_button_sales']
        self.assertIn("1 Sales invoice will leave without a button", warning['message'])
        self.assertEqual(self.listed(warning), invoice)
        self.make_sales_invoice()
        self.assertIn("2 Sales invoices", self.warnings()['without_button_sales']['message'])
        self.company.pay_now_reminder_sales = True
        self.assertNotIn('without_button_sales', self.warnings())

    def test_accounting_invoices_without_a_button(self):
        self.company.pay_now_reminder_accounting = False
        self.company.pay_now_reminder_sales = True
        invoice = self.make_invoice()
        self.make_sales_invoice()
        self.assertEqual(set(self.warnings()), {'without_button_accounting'})
        warning = self.warnings()['without_button_accounting']
        self.assertIn("Tick the option in Accounting", warning['message'])
        self.assertEqual(self.listed(warning), invoice)

    def test_invoices_a_tick_would_not_help_are_not_counted(self):
        self.company.pay_now_reminder_accounting = False
        usd = self.env.ref('base.USD')
        usd.active = True
        self.make_invoice(currency_id=usd.id)
        self.make_invoice(move_type='out_refund')
        self.make_invoice(post=False)
        paid = self.make_invoice()
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=paid.ids
        ).create({})._create_payments()
        self.assertNotIn('without_button_accounting', self.warnings())

    def test_opening_entries(self):
        entry = self.make_opening_entry(840)
        other = self.make_opening_entry(160)
        self.make_payment(50, 'outbound')
        self.make_invoice(77)
        warning = self.warnings()['other_entries']
        self.assertIn("2 open entries outside invoices", warning['message'])
        self.assertIn("1,000.00", warning['message'])
        self.assertEqual(self.listed(warning).move_id, entry | other)

    def test_settled_opening_entry_is_not_mentioned(self):
        entry = self.make_opening_entry(120)
        payment = self.make_payment(120)
        self.assertIn('other_entries', self.warnings())
        lines = (entry | payment.move_id).line_ids.filtered(
            lambda line: line.account_type == 'asset_receivable'
        )
        lines.reconcile()
        self.assertEqual(self.warnings(), {})

    def test_unmatched_payments(self):
        payment = self.make_payment(120)
        self.make_invoice(move_type='out_refund')
        warning = self.warnings()['unmatched']
        self.assertIn("120.00", warning['message'])
        self.assertEqual(self.listed(warning).payment_id, payment)

    def test_unmatched_bank_lines(self):
        line = self.make_bank_line(200)
        self.make_bank_line(-35)
        warning = self.warnings()['bank_lines']
        self.assertIn("200.00", warning['message'])
        self.assertEqual(self.listed(warning), line)

    def test_bank_line_in_a_foreign_currency_is_converted(self):
        usd = self.setup_other_currency('USD', rates=[('2000-01-01', 2.0)])
        journal = self.env['account.journal'].create(
            {'name': "Dollars", 'type': 'bank', 'code': 'USD1', 'currency_id': usd.id}
        )
        self.make_bank_line(100, journal_id=journal.id)
        self.make_bank_line(10)
        self.assertIn("60.00", self.warnings()['bank_lines']['message'])

    def test_old_bank_statements(self):
        bank = self.company_data['default_journal_bank']
        self.make_bank_line(-1, days=40)
        self.make_bank_line(-1, days=20)
        warning = self.warnings()[f'old_statement_{bank.id}']
        self.assertIn(bank.name, warning['message'])
        self.assertEqual(len(self.listed(warning)), 2)
        self.make_bank_line(-1, days=2)
        self.assertNotIn(f'old_statement_{bank.id}', self.warnings())

    def test_other_companies_are_not_mentioned(self):
        data = self.setup_other_company(name="Other")
        self.make_opening_entry()
        self.make_bank_line(days=30)
        self.assertEqual(data['company']._pay_now_warnings(), {})

    def test_number_of_queries_does_not_grow(self):
        def count():
            self.env.invalidate_all()
            start = self.cr.sql_log_count
            self.warnings()
            return self.cr.sql_log_count - start

        def fill(times):
            for _i in range(times):
                self.make_invoice()
                self.make_sales_invoice()
                self.make_opening_entry()
                self.make_payment()
                self.make_bank_line(days=20)

        # Counted twice: the first time fills caches that are not about the books.
        fill(1)
        few = [count(), count()][-1]
        fill(4)
        self.assertEqual([count(), count()][-1], few)

    def test_shown_before_reminders_are_generated_and_in_the_settings(self):
        self.make_opening_entry()
        for model in ('pay.now.generate.reminders', 'pay.now.setup', 'res.config.settings'):
            screen = self.env[model].create({})
            self.assertIn('other_entries', screen.pay_now_warnings, model)
        clerk = new_test_user(
            self.env,
            'pay_now_clerk',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        window = self.env['pay.now.generate.reminders'].with_user(clerk).create({})
        self.assertEqual(self.listed(window.pay_now_warnings['other_entries']).balance, 840)
