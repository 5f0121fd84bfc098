# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class AccountMoveLine(models.Model):
    """Payment plans that an item is in."""

    _inherit = 'account.move.line'

    # === BUSINESS METHODS - PAYMENT PLANS === #

    def _pay_now_plans(self):
        """Return the payment plans that keep the items out of reminders: asked for, or kept to.

        By the books of this moment: no action has to run for reminders to go on. For most items
        there is none, and one query shows it.

        :return: `{item: plan}` (sudo).
        :rtype: dict
        """
        found = self.move_id.sudo().pay_now_plan_item_ids.filtered('is_live')
        plans = {}
        for plan in found.plan_id.filtered(lambda one: one._is_holding()):
            ids = set(plan._own_items().ids)
            for line in self.filtered(lambda line, ids=ids: line.id in ids):
                plans.setdefault(line, plan)
        return plans

    def _pay_now_agreed(self):
        """Return the items that are paid in parts, as agreed: nobody calls them late.

        :rtype: account.move.line
        """
        plans = self._pay_now_plans()
        return self.filtered(lambda line: line in plans and plans[line].state == 'accepted')

    def _pay_now_live_plan_items(self):
        """Return the items that are in a payment plan which waits for an answer, or runs.

        :rtype: account.move.line
        """
        live = self.move_id.sudo().pay_now_plan_item_ids.filtered('is_live')
        ids = set(live._lines().ids)
        return self.filtered(lambda line: line.id in ids)
