# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields, models
from odoo.tools import email_normalize


class PayNowReminder(models.Model):
    """Reminders for trying out: test mode, trial reminders, forecasts."""

    _inherit = 'pay.now.reminder'

    test_text = fields.Char(string="Test mode", related='run_id.test_text')

    # === BUSINESS METHODS - TEST MODE === #

    def _without_test_button(self, items):
        """Return the reminders that get no test button: it is for the test address only.

        Each invoice knows its own contact; the reminder goes to one of them.

        :param dict items: `{reminder: the items it is about}`.
        :rtype: pay.now.reminder
        """
        companies = self.company_id.filtered(
            lambda one: one._pay_now_test_mode() and not one._pay_now_in_sandbox()
        )
        return self.filtered(
            lambda one: one.company_id in companies and not one._may_take_button(items[one])
        )

    def _may_take_button(self, lines):
        """Tell whether a test button may be mailed to whom the reminder is written to.

        :param account.move.line lines: what it is about.
        :rtype: bool
        """
        if self._pay_now_trial():
            return True
        address = email_normalize(self._find_contact(lines).email or '')
        return bool(address) and address == email_normalize(
            self.company_id.pay_now_test_email or ''
        )

    # === BUSINESS METHODS - TRIAL REMINDER === #

    def _pay_now_urls(self, **params):
        """Override of `pay.now.page.mixin`: the button of a trial leads to a page without money."""
        if trial := self._pay_now_trial():
            return dict.fromkeys(self, trial._pay_now_url(**params))
        return super()._pay_now_urls(**params)

    def _pay_now_path(self):
        """Override of `pay.now.page.mixin`, for the same reason."""
        if trial := self._pay_now_trial():
            return trial._pay_now_path()
        return super()._pay_now_path()

    # === BUSINESS METHODS - FORECAST === #

    def _forecast_values(self):
        """Return what a list of the reminders shows; it outlives the reminders.

        :rtype: list[dict]
        """
        return [
            {
                'partner_id': reminder.partner_id.id,
                'level_id': reminder.level_id.id,
                'amount_due': reminder.amount_due,
                'amount_payable': reminder.amount_payable,
                'has_button': reminder.has_button,
                'reason': reminder.reason,
                'outcome': 'send' if reminder.state == 'draft' else 'skip',
            }
            for reminder in self
        ]

    def _now(self):
        """Return the moment that holds are judged at: a forecast is about another day.

        :rtype: datetime
        """
        now = fields.Datetime.now()
        ahead = (self.run_id.date - fields.Date.context_today(self)).days if self.run_id else 0
        return now + timedelta(days=max(ahead, 0))
