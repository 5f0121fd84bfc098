# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain

#: The journals of bank statement lines.
BANK_TYPES = ('bank', 'cash', 'credit')


class PayNowUndone(models.Model):
    """Two entries that a person took apart: nothing matches them again by itself.

    The one memory of all automatic matches. What the module reconciles passes through
    `account.partial.reconcile._pay_now_reconcile`, which asks here; what is taken apart is noted as
    its partial reconciliation goes (`account.partial.reconcile.unlink`), whoever made it, wherever
    it is undone. Each pair is noted from both sides: one may be deleted, as a bank line is.
    Entries that a person deletes are remembered by what they were made for
    (`pay.now.booked.mixin`).
    """

    _name = 'pay.now.undone'
    _description = "Match undone by a person"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']
    _rec_name = 'move_id'
    _order = 'id desc'

    move_id = fields.Many2one(
        string="Entry",
        comodel_name='account.move',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    other_id = fields.Many2one(
        string="Entry it was matched with",
        comodel_name='account.move',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    with_bank = fields.Boolean(string="With a bank line", readonly=True)
    company_id = fields.Many2one(related='move_id.company_id', store=True, index=True)

    # === BUSINESS METHODS - NOTING === #

    @api.model
    def _note(self, partials):
        """Note which entries of ours a person takes apart.

        An invoice that is being changed is not taken apart: what was paid for it is matched again
        once it is posted.

        :param account.partial.reconcile partials: about to be deleted.
        """
        pairs = {
            frozenset((partial.debit_move_id.move_id, partial.credit_move_id.move_id))
            for partial in partials
        }
        moves = self.env['account.move'].union(*(move for pair in pairs for move in pair))
        ours = moves._pay_now_booked_for()
        transfers = self.env['account.bank.statement.line']._pay_now_transfer_entries(moves)
        values = []
        for pair in pairs:
            if len(pair) < 2 or pair.isdisjoint((*ours, *transfers)):
                continue
            if any(move.state == 'draft' and move.is_invoice() for move in pair):
                continue
            one, other = pair
            values += [
                {
                    'move_id': move.id,
                    'other_id': against.id,
                    # A line that is deleted is gone already, its entry not yet. What stands beside
                    # ours in the provider's journal is an entry, such as a difference of rates.
                    'with_bank': against not in ours
                    and against.journal_id.type in BANK_TYPES
                    and bool(against.statement_line_id or against.journal_id != move.journal_id),
                }
                for move, against in ((one, other), (other, one))
            ]
        self.create(values)

    @api.model
    def _forget(self, partials):
        """Forget what a person matches again: it may be matched by itself, too.

        :param account.partial.reconcile partials: made by a person.
        """
        debits, credits = partials.debit_move_id.move_id, partials.credit_move_id.move_id
        undone = self.search(
            Domain('move_id', 'in', (debits | credits).ids)
            & Domain('other_id', 'in', (debits | credits).ids)
        )
        if undone:
            pairs = {
                frozenset((one.debit_move_id.move_id, one.credit_move_id.move_id))
                for one in partials
            }
            undone.filtered(lambda one: frozenset((one.move_id, one.other_id)) in pairs).unlink()

    # === BUSINESS METHODS - ASKING === #

    @api.model
    def _pairs(self, moves):
        """Return the pairs that were taken apart among some entries.

        :param account.move moves: the entries.
        :rtype: set(frozenset(account.move))
        """
        if len(moves) < 2:
            return set()
        undone = self.search(
            Domain('move_id', 'in', moves.ids) & Domain('other_id', 'in', moves.ids)
        )
        return {frozenset((one.move_id, one.other_id)) for one in undone}
