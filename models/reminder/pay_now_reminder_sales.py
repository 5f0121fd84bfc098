# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import AccessError
from odoo.fields import Domain

#: What a person in Sales changes of a reminder.
SALES_FIELDS = {'level_id', 'is_level_chosen', 'own_subject', 'own_body'}


class PayNowReminder(models.Model):
    """Reminders from Sales: nothing of them is about, or mentions, what is outside the scope.

    Whether the customer is left alone is judged by everything there is of the customer.
    """

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - ACCESS === #

    def _check_sales_vals(self, vals):
        """Refuse what people in Sales do not change of a reminder.

        :param dict vals: what is to be written.
        :raise AccessError: if it is more than the level and the text.
        """
        if vals.keys() - SALES_FIELDS:
            raise AccessError(
                self.env._("Only the level and the text of a reminder can be changed.")
            )

    # === BUSINESS METHODS - SCOPE === #

    def _items_within_scope(self, sorted_items):
        """Leave out the items outside the scope of the runs: nothing is said about them.

        :param dict sorted_items: see `_sort_items`.
        :return: the same, with the items in the scope only.
        :rtype: dict
        """
        Line = self.env['account.move.line'].sudo()
        kept = dict(sorted_items)
        for run, reminders in self.grouped('run_id').items():
            if not run.sales_user_id:
                continue
            ids = {line.id for one in reminders for part in sorted_items[one] for line in part}
            mine = set(Line._search(run._within_sales_scope(Domain('id', 'in', ids))))
            for reminder in reminders:
                items, held = sorted_items[reminder]
                kept[reminder] = (
                    items.filtered(lambda line, mine=mine: line.id in mine),
                    {line: code for line, code in held.items() if line.id in mine},
                )
        return kept

    def _is_out_of_scope(self):
        """Tell whether something is open that is another salesperson's by now.

        The caller knows that nothing in the scope is open.

        :rtype: bool
        """
        return bool(self.run_id.sales_user_id and self.item_ids._pay_now_still_open())
