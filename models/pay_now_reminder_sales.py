# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import AccessError
from odoo.fields import Domain

#: What a person in Sales changes of a reminder.
SALES_FIELDS = {'level_id', 'is_level_chosen', 'own_subject', 'own_body'}


class PayNowReminder(models.Model):
    """Reminders from Sales: nothing of them is about, or tells of, what is outside the scope.

    Whether the customer is left alone is judged by everything there is of the customer.
    """

    _name = 'pay.now.reminder'
    _inherit = ['pay.now.reminder', 'pay.now.sales.mixin']

    # === COMPUTE METHODS === #

    def _compute_preview(self):
        return super(PayNowReminder, self._by_engine('read'))._compute_preview()

    def _compute_texts(self):
        return super(PayNowReminder, self._by_engine('read'))._compute_texts()

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `base`: who acts for Sales only changes the level and the mail's own text.

        :raise AccessError: if something else is changed.
        """
        if not self._is_sales_only():
            return super().write(vals)
        if vals.keys() - SALES_FIELDS:
            raise AccessError(
                self.env._("Only the level and the text of a reminder can be changed.")
            )
        # Whatever the client says, it is done by hand.
        by_hand = self.with_context(pay_now_by_hand=True)
        return super(PayNowReminder, by_hand).write(vals)

    # === ACTION METHODS === #

    def action_drop(self):
        """Override of `account_pay_now` for people in Sales."""
        return super(PayNowReminder, self._by_engine()).action_drop()

    def action_retry(self):
        """Override of `account_pay_now` for people in Sales."""
        return super(PayNowReminder, self._by_engine()).action_retry()

    def action_edit(self):
        """Override of `account_pay_now` for people in Sales."""
        return super(PayNowReminder, self._by_engine()).action_edit()

    def action_reset_text(self):
        """Override of `account_pay_now` for people in Sales."""
        return super(PayNowReminder, self._by_engine()).action_reset_text()

    def action_print_letters(self):
        """Override of `account_pay_now` for people in Sales."""
        return super(PayNowReminder, self._by_engine()).action_print_letters()

    def action_letter(self):
        """Override of `account_pay_now` for people in Sales."""
        return super(PayNowReminder, self._by_engine('read')).action_letter()

    # === BUSINESS METHODS - SCOPE === #

    def _sort_items(self):
        """Override of `account_pay_now` to say nothing about items outside the scope."""
        sorted_items = super()._sort_items()
        Line = self.env['account.move.line'].sudo()
        mine = self.filtered(lambda one: one.run_id.sales_user_id)
        for user, reminders in mine.grouped(lambda one: one.run_id.sales_user_id).items():
            ids = {line.id for one in reminders for part in sorted_items[one] for line in part}
            kept = set(Line._search(Domain('id', 'in', ids) & user._pay_now_sales_scope()))
            for reminder in reminders:
                items, held = sorted_items[reminder]
                sorted_items[reminder] = (
                    items.filtered(lambda line, kept=kept: line.id in kept),
                    {line: code for line, code in held.items() if line.id in kept},
                )
        return sorted_items

    def _hold_reason(self, lines, held, contact, amounts, facts):
        """Override of `account_pay_now` to say when what is open is another salesperson's now."""
        reason = super()._hold_reason(lines, held, contact, amounts, facts)
        if lines or held or facts['mode'] == 'never' or not self.run_id.sales_user_id:
            return reason
        if self.item_ids._pay_now_still_open():
            return self.env._("The invoices are no longer the salesperson's")
        return reason

    def _credit_reason(self, credit):
        """Override of `account_pay_now`: how much it is, is none of the salesperson's business."""
        if self.run_id.sales_user_id:
            return self.env._("Unmatched credit of the customer")
        return super()._credit_reason(credit)

    def _pay_now_credit_scope(self):
        """Override of `pay.now.page.mixin`: the page is about nothing outside the scope either."""
        scope = super()._pay_now_credit_scope()
        user = self.run_id.sales_user_id
        return scope & user._pay_now_sales_scope() if user else scope
