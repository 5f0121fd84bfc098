# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.fields import Domain

from odoo.addons.account_pay_now.models.payout.pay_now_movement import UNDECIDED


class PayNowPayout(models.Model):
    """Payouts of which the provider does not say what they are made of: the oldest items are."""

    _inherit = 'pay.now.payout'

    def _reconcile_by_age(self):
        """Reconcile a payout with the oldest open items of the clearing account.

        Where the provider does not say what it is made of. What is not ours of the balance at
        that moment is listed with it.
        """
        self.ensure_one()
        line = self._clearing_lines()
        if self.currency_id != self.company_id.currency_id:
            self.settled = line.reconciled
            if not line.reconciled:
                self._note_problem('foreign', currency=self.currency_id.name)
            return
        self._take_undecided()
        # Failed before anything was allocated: it never took anything.
        self._reconcile_open([line | self._returned_lines()])
        if not line.reconciled:
            self._reconcile_open([line | self._oldest_open_items(line)])
        handled = self.line_ids.filtered(lambda one: one.state == 'handled')
        self.settled = not self._undecided_lines() and (line.reconciled or bool(handled))

    def _take_undecided(self):
        """List with the payout what is not ours, or not known yet, of the balance it took.

        One whose money came back took nothing: what it listed is left to the next.
        """
        if self.reversal_move_id:
            self._undecided_lines().payout_id = False
            return
        self.env['pay.now.movement'].search(
            Domain('provider_id', '=', self.provider_id.id)
            & Domain('payout_id', '=', False)
            & Domain('state', 'in', UNDECIDED)
            & Domain('occurred_at', '<=', self.created_at)
            & Domain('kind', '!=', 'payout')
        ).payout_id = self

    def _oldest_open_items(self, line):
        """Return the oldest open items that cover what is left of the payout's own.

        :param account.move.line line: the payout's, on the clearing account.
        :rtype: account.move.line
        """
        items = self.env['account.move.line'].search(
            Domain('account_id', '=', line.account_id.id)
            & Domain('parent_state', '=', 'posted')
            & Domain('reconciled', '=', False)
            & Domain('date', '<=', line.date)
            & Domain('company_id', '=', self.company_id.id),
            order='date, id',
        )
        items -= self.search([('move_id', 'in', items.move_id.ids)])._clearing_lines()
        # What the provider took is gone already: the oldest payments cover it too.
        taken = items.filtered(lambda item: item.amount_residual < 0)
        missing = -line.amount_residual - sum(taken.mapped('amount_residual'))
        for item in items - taken:
            if self.currency_id.compare_amounts(missing, 0) <= 0:
                break
            missing -= item.amount_residual
            taken |= item
        return taken
