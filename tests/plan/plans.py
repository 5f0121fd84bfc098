# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.account_pay_now.tests.reminder.reminder_days import START, ReminderDaysCommon


class PlansCommon(ReminderDaysCommon):
    """A company that lets its customers ask to pay in parts, and an accountant who answers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {'pay_now_plans': True, 'pay_now_plan_parts': 4, 'pay_now_plan_days': 100}
        )
        cls.company.pay_now_reminder_accounting = True
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_accountant',
            groups='account.group_account_invoice,base.group_user',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def on(self, number, hour=9):
        """It is a day after the start."""
        return self.at(START.replace(hour=hour) + timedelta(days=number))

    def ask(self, *invoices, count=3, rhythm='monthly', document=None, number=0):
        """The customer asks for a plan: on the page of an invoice, or of a reminder of several."""
        with self.on(number):
            if len(invoices) > 1:
                document = document or self.reminder(*invoices)
            page = (document or invoices[0]).sudo()
            chosen = set(self.lines(*invoices).ids)
            typed = {'item': chosen, 'plan_parts': count, 'plan_rhythm': rhythm}
            offer = page._pay_now_plan_offer(typed, True)
            return page._pay_now_ask_plan(chosen, count, rhythm, offer.get('seen', ''))

    def reminder(self, *invoices):
        return (
            self.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'level_id': self.friendly.id,
                    'item_ids': [Command.set(self.lines(*invoices).ids)],
                }
            )
        )

    def accepted(self, *invoices, number=0, **kwargs):
        """Return a plan that was asked for and accepted."""
        plan = self.ask(*invoices, number=number, **kwargs)
        with self.on(number):
            plan.with_user(self.accountant).action_accept()
        return plan

    def follow(self, number, hour=9):
        """Let the scheduled action of the plans work on a day; return the mails it wrote."""
        before = self.mails()
        with self.on(number, hour):
            self.env['pay.now.plan'].sudo()._cron_follow()
        return self.mails() - before

    def mails(self):
        return (
            self.env['mail.mail']
            .sudo()
            .search([('model', '=', 'pay.now.plan'), ('email_to', '!=', False)])
        )

    def pay_part(self, plan, number, rest=False):
        """The customer pays what the plan's page asks for; return the transaction."""
        with self.on(number):
            page = plan.sudo()
            _open, payable, _reasons = page._pay_now_page_items()
            choice = page._pay_now_choices(payable)[-1 if rest else 0]
            tx = page._pay_now_start(set(payable.ids), self.provider.id, amount=choice['amount'])
            tx._pay_now_open()
            self.gateway.pay(tx)
            tx._synchronize()
            self.env.invalidate_all()
        return tx

    def rows(self):
        """Return the plans that an accountant has to handle."""
        rows = self.env['pay.now.to.handle'].with_user(self.accountant)
        return rows.search([('kind', '=', 'plan')])

    def figures(self, plan, number):
        """Return what is left of each part on a day."""
        with self.on(number):
            self.env.invalidate_all()
            return list(plan.sudo()._parts_left().values())
