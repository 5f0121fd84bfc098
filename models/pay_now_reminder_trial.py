# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.tools import email_normalize


class PayNowReminder(models.Model):
    """Reminders that are not in earnest: test mode."""

    _inherit = 'pay.now.reminder'

    test_text = fields.Char(string="Test mode", related='run_id.test_text')

    # === BUSINESS METHODS - TEST MODE === #

    def _payable_items(self, lines):
        """Override of `account_pay_now` to keep a test button from all but the test address.

        Each invoice knows its own contact; the reminder goes to one of them.
        """
        payable = super()._payable_items(lines)
        return payable if self._may_take_button(lines) else payable.browse()

    def _refusal_text(self, lines):
        """Override of `account_pay_now` to say that test mode keeps the button away."""
        if not self._may_take_button(lines):
            return lines.move_id[:1]._pay_now_refusal_label('test_mode')
        return super()._refusal_text(lines)

    def _may_take_button(self, lines):
        """Tell whether a button may be mailed to whom the reminder is written to.

        :param account.move.line lines: the open items of the reminder.
        :rtype: bool
        """
        company = self.company_id
        if not company._pay_now_test_mode() or company._pay_now_in_sandbox():
            return True
        address = email_normalize(self._find_contact(lines).email or '')
        return bool(address) and address == email_normalize(company.pay_now_test_email or '')
