# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain


class PayNowPayout(models.Model):
    """The books of payouts: transfer, failure, and what they are made of (design section 6.2)."""

    _inherit = 'pay.now.payout'

    # === BUSINESS METHODS - BOOKING === #

    def _book_and_reconcile(self):
        """Book payouts, take back failed ones, and reconcile what each is made of.

        Safe to call any number of times; what is missing is done the next time.
        """
        self._book()
        todo = self.filtered('move_id').sorted(lambda payout: (payout.created_at, payout.id))
        for payout in todo:
            try:
                with self.env.cr.savepoint():
                    if payout.listed:
                        payout._reconcile_listed()
                    else:
                        payout._reconcile_by_age()
            except UserError as error:
                payout._note_problem(error)
        todo._match_bank()

    def _book(self):
        """Book payouts that are not booked yet and take back those that failed, all at once."""
        for provider, payouts in self.grouped('provider_id').items():
            company = provider.company_id
            payouts = payouts.with_company(company).with_context(lang=company._pay_now_lang())
            foreign = payouts - payouts.filtered_domain(
                [('currency_id', '=', company.currency_id.id)]
            )
            for payout in foreign - foreign.filtered('problem'):
                payout.problem = self.env._(
                    "This payout is in %s: book it by hand.", payout.currency_id.name
                )
            todo = (payouts - foreign).try_lock_for_update()
            try:
                with self.env.cr.savepoint():
                    todo._book_of(provider)
                todo.filtered('problem').problem = False
            except UserError as error:
                todo._note_problem(error)

    def _book_of(self, provider):
        new = self.filtered(lambda payout: not payout.move_id)
        failed = self.filtered(
            lambda payout: payout.state in ('failed', 'canceled') and not payout.reversal_move_id
        )
        moves = self.env['account.move'].create(
            [payout._prepare_entry(provider) for payout in new]
            + [payout._prepare_entry(provider, back=True) for payout in failed]
        )
        moves.action_post()
        for payout, move in zip(new, moves[: len(new)], strict=True):
            payout.move_id = move
        for payout, move in zip(failed, moves[len(new) :], strict=True):
            payout.reversal_move_id = move
            # Not before posting: Odoo would match both on the clearing account, where the next
            # payout has to find the money that came back.
            move.reversed_entry_id = payout.move_id
        failed._reconcile_transfers()

    def _prepare_entry(self, provider, back=False):
        """Return the values of a payout's entry: internal transfer on one side, clearing on the
        other; at today's date when the money comes back."""
        self.ensure_one()
        sign = -1 if back else 1
        label = self.env._("%(payout)s came back", payout=self.name) if back else self.name
        return provider._pay_now_prepare_entry(
            None if back else self.created_at,
            ref=self.payout_ref,
            label=f'{label} – {self.payout_ref}',
            amounts=[
                (provider._pay_now_transfer_account(), sign * self.amount),
                (provider.pay_now_clearing_account_id, -sign * self.amount),
            ],
        )

    # === BUSINESS METHODS - RECONCILING === #

    def _clearing_lines(self):
        """Return the payouts' own journal items on the clearing account."""
        accounts = self.provider_id.pay_now_clearing_account_id
        return self.move_id.line_ids.filtered(lambda line: line.account_id in accounts)

    def _transfer_lines(self):
        """Return the journal items that the bank statement has to meet."""
        accounts = self.company_id.transfer_account_id
        moves = self.move_id | self.reversal_move_id
        return moves.line_ids.filtered(lambda line: line.account_id in accounts)

    def _reconcile_transfers(self):
        """Match the transfer of a failed payout with its way back, unless the bank saw it."""
        self.env['account.move.line']._pay_now_reconcile_open(
            [payout._transfer_lines() for payout in self]
        )

    def _reconcile_listed(self):
        """Reconcile a payout with exactly the movements that the provider lists for it."""
        self.ensure_one()
        if not self.complete:
            return
        Movement = self.env['pay.now.movement']
        if not self.lines_known:
            found = list(self.provider_id._pay_now_gateway().payout_lines(self.payout_ref))
            Movement._store(self.provider_id, found, payout_id=self.id)
            self.lines_known = True
        matches = self.line_ids._look_again()
        items = self.env['account.move.line'].union(*(match.lines for match in matches.values()))
        others = self._take_back_from_by_age(items)
        items._pay_now_reconcile_open([self._clearing_lines() | items])
        for payout in others.sorted(lambda one: (one.created_at, one.id)):
            payout._reconcile_by_age()
        total = sum(self.line_ids.mapped('net'))
        if self.currency_id.compare_amounts(total, self.amount):
            self.problem = self.env._(
                "The provider lists %(total)s, and transfers %(amount)s.",
                total=self.currency_id.format(total),
                amount=self.currency_id.format(self.amount),
            )
        self.settled = not self._undecided_lines()

    def _take_back_from_by_age(self, items):
        """Free what the provider lists for this payout from others that are allocated by age.

        One that we were notified of before it, and that nothing is listed of, may have taken it.

        :param account.move.line items: what is listed, on the clearing account.
        :return: the payouts that have to be allocated anew.
        :rtype: pay.now.payout
        """
        self.ensure_one()
        if self._clearing_lines().reconciled:
            return self.browse()
        together = items._all_reconciled_lines()
        others = self.search([('move_id', 'in', together.move_id.ids)]) - self
        by_age = others.filtered(lambda payout: not payout.listed)
        if by_age:
            together.remove_move_reconcile()
            others.settled = False
        return by_age

    def _reconcile_by_age(self):
        """Reconcile a payout with the oldest open items of the clearing account.

        Where the provider does not say what it is made of. What is not ours of the balance at
        that moment is listed with it.
        """
        self.ensure_one()
        self._take_undecided()
        line = self._clearing_lines()
        # Failed before anything was allocated: it never took anything.
        line._pay_now_reconcile_open([line | self._returned_lines()])
        if not line.reconciled:
            line._pay_now_reconcile_open([line | self._oldest_open_items(line)])
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
            & Domain('state', 'in', ('waiting', 'foreign'))
            & Domain('occurred_at', '<=', self.created_at)
            & Domain('kind', '!=', 'payout')
        ).payout_id = self

    def _undecided_lines(self):
        """Return the movements of the payout of which nothing is booked."""
        return self.line_ids.filtered(lambda line: line.state in ('waiting', 'foreign'))

    def _returned_lines(self):
        """Return the journal items of the money that came back, on the clearing account."""
        accounts = self.provider_id.pay_now_clearing_account_id
        return self.reversal_move_id.line_ids.filtered(lambda line: line.account_id in accounts)

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
