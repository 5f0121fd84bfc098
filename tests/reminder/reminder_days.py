# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.fields import Command

from odoo.addons.account_pay_now.tests.common import ReminderCommon

#: A Monday, ten in the morning in Paris.
START = datetime(2026, 1, 5, 9, 0)


class ReminderDaysCommon(ReminderCommon):
    """Days go by, and the scheduled actions work as they would."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_auto = True
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.friendly, cls.firm, cls.last = cls.levels

    def setUp(self):
        super().setUp()
        self.now = START
        # The scheduled actions commit: here it is enough to forget what was read.
        self.patch(
            self.env.registry['ir.cron'],
            '_commit_progress',
            lambda cron, *args, **kwargs: cron.env.invalidate_all() or float('inf'),
        )

    @contextlib.contextmanager
    def at(self, moment):
        """It is this moment, in UTC."""
        self.now = moment
        with freeze_time(moment):
            yield

    def invoice_due(self, days, amount=100.0, **kwargs):
        """Return an invoice that is due so many days after the start."""
        due = (START + timedelta(days=days)).date()
        with freeze_time(START):
            return self.make_invoice(amount, invoice_date=due, invoice_date_due=due, **kwargs)

    def day(self, number, hour=9):
        """Let the scheduled actions work on a day; return the mails that left."""
        with self.at(START.replace(hour=hour) + timedelta(days=number)):
            self.env['pay.now.reminder.run'].sudo()._cron_generate()
            return self.send_waiting()

    def send_waiting(self):
        with self.mock_mail_gateway():
            self.env['pay.now.reminder'].sudo()._cron_send()
            return list(self._mails)

    def pay(self, invoice, amount=None):
        """Book a payment of an invoice, in full by default."""
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create(
            {'amount': amount or invoice.amount_residual, 'payment_difference_handling': 'open'}
        )._create_payments()

    def sent(self, partner=None):
        """Return the days after the start that reminders were sent on, with their levels."""
        reminders = self.env['pay.now.reminder'].search(
            [('partner_id', '=', (partner or self.customer).id), ('state', '=', 'sent')], order='id'
        )
        return [
            ((one.sent_at.date() - START.date()).days, one.level_id.delay_days) for one in reminders
        ]

    def latest(self, partner=None):
        """Return the newest reminder of a customer, whatever became of it."""
        return self.env['pay.now.reminder'].search(
            [('partner_id', '=', (partner or self.customer).id)], order='id desc', limit=1
        )

    @classmethod
    def make_customers(cls, count, lang='en_US'):
        return cls.env['res.partner'].create(
            [
                {'name': f"Customer {n}", 'email': f'c{n}@example.com', 'lang': lang}
                for n in range(count)
            ]
        )

    @classmethod
    def make_due(cls, partners, invoices=1):
        """Give each customer overdue invoices, all posted at once."""
        moves = cls.env['account.move'].create(
            [
                {
                    'move_type': 'out_invoice',
                    'partner_id': partner.id,
                    'invoice_date': '2025-11-01',
                    'invoice_date_due': '2025-11-01',
                    'invoice_payment_term_id': False,
                    'invoice_line_ids': [
                        Command.create({'name': "Bread", 'price_unit': 10 + n, 'tax_ids': []})
                    ],
                }
                for partner in partners
                for n in range(invoices)
            ]
        )
        moves.action_post()
        return moves
