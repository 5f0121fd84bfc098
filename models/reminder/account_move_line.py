# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class AccountMoveLine(models.Model):
    """What keeps an item out of reminders: the one place that decides it."""

    _inherit = 'account.move.line'

    pay_now_reminder_ids = fields.Many2many(
        string="Reminders",
        comodel_name='pay.now.reminder',
        relation='pay_now_reminder_item_rel',
        column1='line_id',
        column2='reminder_id',
        readonly=True,
        copy=False,
    )

    # === BUSINESS METHODS - HOLDS === #

    def _pay_now_holds(self, in_progress=True):
        """Say which items no reminder is sent about now, and why: the one place that decides it.

        The number of queries does not depend on the number of items.

        :param bool in_progress: look for payments on their way, too.
        :return: `{item: code of the first reason that applies}` (see `_pay_now_hold_values`).
        :rtype: dict
        """
        holds = {}
        blocked = set(self.move_id.filtered(lambda move: move.payment_state == 'blocked').ids)
        for code, lines in (
            ('in_progress', self._pay_now_in_progress() if in_progress else self.browse()),
            ('disputed', self._pay_now_disputed()),
            ('excluded', self._pay_now_excluded()),
            ('buyer', self._pay_now_held_by_buyer()),
            ('planned', self._pay_now_planned()),
            ('answered', self.browse(line.id for line in self._pay_now_all_answers())),
            ('blocked', blocked and self.filtered(lambda line: line.move_id.id in blocked)),
        ):
            for line in lines:
                holds.setdefault(line, code)
        return holds

    def _pay_now_excluded(self):
        """Return the items that a person took out of the reminders, for now or for good.

        :rtype: account.move.line
        """
        moves = self.move_id.filtered('pay_now_excluded')
        if moves:
            today = fields.Date.context_today(self)
            moves = moves.filtered(lambda move: (move.pay_now_excluded_until or today) >= today)
        ids = set(moves.ids)
        return self.filtered(lambda line: line.no_followup or (ids and line.move_id.id in ids))

    def _pay_now_held_by_buyer(self):
        """Return the items of invoices that are held by what the buyer's platform says.

        :rtype: account.move.line
        """
        # Of most invoices nobody says anything.
        if not (moves := self.move_id.filtered('pay_now_external_status')):
            return self.browse()
        ids = set(moves._pay_now_external_holding().ids)
        return self.filtered(lambda line: line.move_id.id in ids)

    def _pay_now_planned(self):
        """Return the items that a payment plan keeps out of reminders, see `_pay_now_plans`.

        :rtype: account.move.line
        """
        # Most invoices are in none.
        if not self.move_id.sudo().pay_now_plan_item_ids:
            return self.browse()
        return self.browse(line.id for line in self._pay_now_plans())

    def _pay_now_hold_values(self, code):
        """Return the details of why nothing is sent about the item, as plain JSON.

        :param str code: a code of `_pay_now_holds`.
        :return: values of the reason (see `pay.now.reminder._reason_sentences`).
        :rtype: dict
        """
        self.ensure_one()
        if code == 'excluded' and self.move_id.pay_now_excluded:
            return self.move_id._pay_now_exclusion_values()
        if code == 'buyer':
            return self.move_id._pay_now_external_values()
        if code == 'planned':
            plan = self._pay_now_plans()[self]
            return {'state': plan.state, 'date': fields.Date.to_string(plan.next_date)}
        if code == 'answered':
            answer = self._pay_now_answers()[:1]
            return {'kind': answer.kind, 'date': fields.Date.to_string(answer.date)}
        return {}
