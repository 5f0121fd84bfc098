# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain


class PayNowInterest(models.Model):
    """Interest and the fixed sum of one late item, as a debit note has them: until which day.

    No day is booked twice, and the fixed sum of an invoice once, as long as the debit note is
    neither deleted nor cancelled, nor credited as a whole.
    """

    _name = 'pay.now.interest'
    _description = "Interest of a late invoice on a debit note"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']
    _order = 'id desc'
    _rec_name = 'move_id'

    debit_move_id = fields.Many2one(
        string="Debit note",
        comodel_name='account.move',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='debit_move_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    move_id = fields.Many2one(
        string="Late invoice",
        comodel_name='account.move',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    line_id = fields.Many2one(
        string="Late item",
        comodel_name='account.move.line',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    reminder_id = fields.Many2one(
        comodel_name='pay.now.reminder',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help="The reminder that it was booked from.",
    )
    date_to = fields.Date(string="Reckoned until", required=True, readonly=True)
    interest = fields.Monetary(readonly=True)
    indemnity = fields.Monetary(readonly=True)

    # === BUSINESS METHODS === #

    @api.model
    def _standing_domain(self):
        """Return the domain of what still stands on a debit note.

        :rtype: odoo.fields.Domain
        """
        return Domain('debit_move_id.state', '!=', 'cancel') & Domain(
            'debit_move_id.payment_state', '!=', 'reversed'
        )

    @api.model
    def _booked_anew(self, moves):
        """Return one of some debit notes that does not stand any more, and what stands instead.

        :param account.move moves: documents to be reset to draft.
        :return: both debit notes; nothing where none was booked anew.
        :rtype: tuple(account.move, account.move) | None
        """
        # Without its credit note it would be owed again.
        credited = Domain('debit_move_id', 'in', moves.sudo().reversed_entry_id.ids)
        credited &= Domain('debit_move_id.payment_state', '=', 'reversed')
        gone = self.sudo().search(
            credited | (Domain('debit_move_id', 'in', moves.ids) & ~self._standing_domain())
        )
        if not gone:
            return None
        # Whoever books of the same customer at this moment: see `pay.now.book.interest`.
        gone.debit_move_id.commercial_partner_id._pay_now_hold_interest()
        standing = self.sudo().search(
            Domain('move_id', 'in', gone.move_id.ids)
            & Domain('debit_move_id', 'not in', moves.ids)
            & self._standing_domain(),
            limit=1,
        )
        mine = gone.filtered(lambda one: one.move_id == standing.move_id)
        return (mine[0].debit_move_id, standing.debit_move_id) if mine else None

    @api.model
    def _booked(self, lines):
        """Return what was booked of late items, on drafts too.

        :param account.move.line lines: items of invoices.
        :return: `until`: `{item: last day}`; `indemnity`: the invoices whose fixed sum was.
        :rtype: dict
        """
        booked = {'until': {}, 'indemnity': self.env['account.move']}
        if not lines:
            return booked
        found = self.sudo().search(
            Domain('move_id', 'in', lines.move_id.ids) & self._standing_domain()
        )
        if not found:
            return booked
        booked['indemnity'] = found.filtered('indemnity').move_id.with_env(self.env)
        by_move = lines.grouped(lambda one: one.move_id.id)
        for move, records in found.grouped('move_id').items():
            for line in by_move[move.id]:
                # Of an item that Odoo made anew nobody knows which one it was.
                mine = records.filtered(
                    lambda one, line=line: not one.line_id or one.line_id.id == line.id
                )
                if mine:
                    booked['until'][line] = max(mine.mapped('date_to'))
        return booked

    @api.model
    def _debit_notes(self, moves):
        """Return those of some invoices that are debit notes for interest: they bear none.

        :param account.move moves: invoices.
        :rtype: account.move
        """
        groups = self.sudo()._read_group(
            Domain('debit_move_id', 'in', moves.ids), ['debit_move_id']
        )
        return moves.browse([move.id for (move,) in groups])
