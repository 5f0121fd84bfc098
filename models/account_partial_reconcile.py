# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.fields import Command, Domain

from odoo.addons.account_pay_now import const


class AccountPartialReconcile(models.Model):
    """What is matched and taken apart: by people, who have the last word, and by the module itself.

    What people take apart is kept in `pay.now.undone`, which whatever matches by itself asks first.
    And credit of online payments that is used: by hand, with the next invoice, or by a refund.
    """

    _inherit = 'account.partial.reconcile'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: what a person matches again is not undone any more.

        What is to handle about money that is used by now is closed. While a payment is shared among
        its items, whoever does it looks at the end.
        """
        partials = super().create(vals_list)
        if not self.env.context.get(const.BY_ITSELF):
            self.env['pay.now.undone'].sudo()._forget(partials)
        if not self.env.context.get('pay_now_allocating'):
            moves = (partials.debit_move_id | partials.credit_move_id).move_id
            if txs := moves.sudo().origin_payment_id.payment_transaction_id:
                txs._pay_now_review()
        return partials

    def unlink(self):
        """Override of `account` to remember what a person takes apart."""
        if self and not self.env.context.get(const.BY_ITSELF):
            self.env['pay.now.undone'].sudo()._note(self)
        return super().unlink()

    # === BUSINESS METHODS - BY ITSELF === #

    @api.model
    def _pay_now_reconcile(self, plan, fresh=False):
        """Reconcile sets of items by itself: none in which a person took two entries apart.

        The only way in which the module reconciles anything by itself.

        :param list plan: `account.move.line` of one account each.
        :param bool fresh: whether nobody can have taken any of them apart: an entry of each set
            was made a moment ago, or it was asked already.
        """
        lines = self.env['account.move.line'].with_context(**{const.BY_ITSELF: True})
        if undone := not fresh and self._pay_now_undone(lines.union(*plan).move_id):
            plan = [
                lines for lines in plan if not any(pair <= set(lines.move_id) for pair in undone)
            ]
        if plan:
            lines._reconcile_plan(plan)

    @api.model
    def _pay_now_close(self, items):
        """Let items that were reconciled part by part be one match, as if it had been at once.

        Odoo makes a match of what is closed together. What closed in itself in one of the parts,
        and is open nowhere, would look like a partial one for ever.

        :param account.move.line items: all of them, of one account.
        """
        narrow = items.with_context(prefetch_fields=False)
        if narrow.search_count(
            Domain('id', 'in', items.ids) & Domain('reconciled', '=', False), limit=1
        ):
            return
        closed = narrow.search(
            Domain('id', 'in', items.ids) & Domain('full_reconcile_id', '=', False)
        )
        partials = closed.matched_debit_ids | closed.matched_credit_ids
        others = (partials.debit_move_id | partials.credit_move_id) - closed
        if not closed or others:
            return
        self.env['account.full.reconcile'].create(
            {
                'partial_reconcile_ids': [Command.link(one) for one in partials.ids],
                'reconciled_line_ids': [Command.link(one) for one in closed.ids],
            }
        )

    @api.model
    def _pay_now_undone(self, moves):
        """Return the pairs that a person took apart among some entries: of most there are none.

        :param account.move moves: the entries.
        :rtype: set(frozenset(account.move))
        """
        known = moves.sudo().pay_now_undone_ids
        return known._pairs(moves) if known else set()

    @api.model
    def _pay_now_match(self, debits, credits):
        """Reconcile items of one account, each by no more than an amount, in the order given.

        :param dict debits: `{item: amount}`
        :param dict credits: `{item: amount}`, positive too.
        """
        moves = self.env['account.move.line'].union(*debits, *credits).move_id
        undone = self._pay_now_undone(moves)
        for debit, wanted in debits.items():
            for credit, left in credits.items():
                if frozenset((debit.move_id, credit.move_id)) in undone:
                    continue
                part = min(wanted, left)
                self._pay_now_match_part(debit, credit, part)
                wanted -= part
                credits[credit] = left - part

    @api.model
    def _pay_now_match_part(self, debit, credit, amount):
        """Reconcile an item with a credit by an amount.

        :param account.move.line debit: has at least that amount open.
        :param account.move.line credit: has at least that amount open, too.
        :param float amount: in the currency of both.
        """
        currency = debit.currency_id
        if currency.compare_amounts(amount, 0) <= 0:
            return
        open_ = min(debit.amount_residual_currency, -credit.amount_residual_currency)
        if currency.compare_amounts(amount, open_) >= 0:
            self._pay_now_reconcile([debit | credit], fresh=True)
            return
        # Odoo reconciles as much as it can: less than that is written as it writes it.
        partial = self.with_context(**{const.BY_ITSELF: True}).create(
            {
                'debit_move_id': debit.id,
                'credit_move_id': credit.id,
                'amount': amount,
                'debit_amount_currency': amount,
                'credit_amount_currency': amount,
            }
        )
        if debit.company_id.tax_exigibility:
            partial._create_tax_cash_basis_moves()

    def _pay_now_unreconcile(self):
        """Take apart what the books need apart: no person decided it, and it may be matched again.

        The only way in which the module does it.
        """
        self.with_context(**{const.BY_ITSELF: True}).unlink()
