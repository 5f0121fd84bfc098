# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.fields import Domain

#: The documents that stand in payments of ours.
PAID_TYPES = ('out_invoice', 'out_refund')


class AccountMove(models.Model):
    """Documents that change in the middle of a payment, and what waits until they are posted."""

    _inherit = 'account.move'

    # === COMPUTE METHODS === #

    def _compute_payment_state(self):
        """Override of `account`: whatever changes a document's state or residual comes by here."""
        result = super()._compute_payment_state()
        self._pay_now_note_change()
        return result

    # === ACTION METHODS === #

    def action_pay_now_story(self):
        """Show what happened to what was, or was to be, paid online.

        :return: the action of the screen.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        return self.env['pay.now.timeline']._open_of(self.name)

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `account` to note what changes neither state nor residual."""
        former = {}
        if 'partner_id' in vals:
            sold = self.filtered(lambda move: move.move_type in PAID_TYPES)
            former = {move: move.commercial_partner_id for move in sold}
        result = super().write(vals)
        if 'payment_state' in vals or 'partner_id' in vals:
            self._pay_now_note_change()
        if former:
            self._pay_now_unfollow(former)
        return result

    def unlink(self):
        """Override of `account` to flag what was paid for documents that are gone."""
        paid = self._pay_now_payments()
        result = super().unlink()
        if paid:
            paid._pay_now_settle_gone()
        return result

    # === ACTION METHODS === #

    def button_cancel(self):
        """Override of `account` to flag what was paid for documents that are not owed any more."""
        paid = self._pay_now_payments()
        result = super().button_cancel()
        if paid:
            paid._pay_now_settle_gone()
        return result

    def action_post(self):
        """Override of `account`: a payment posts no invoice that somebody is changing.

        Core posts the draft invoices of a payment: those are meant which were never posted before,
        as of an online order.
        """
        moves = self
        if self.env.context.get('pay_now_keep_drafts'):
            moves = self.filtered(lambda move: not move.posted_before)
        return super(AccountMove, moves).action_post()

    def js_assign_outstanding_line(self, line_id):
        """Override of `account`: payments of ours are matched with what they were made for.

        `sale` matches an invoice that is posted with all payments of its transactions, whoever the
        customer is by now, and whoever linked them.
        """
        again = self.env.context.get('pay_now_posted_again')
        if isinstance(again, list):
            line = self.env['account.move.line'].browse(line_id)
            tx = line.move_id.origin_payment_id.payment_transaction_id.sudo()._pay_now_ours()
            if tx and (self.id in again or tx._pay_now_payer() != self.commercial_partner_id):
                return None
        return super().js_assign_outstanding_line(line_id)

    # === BUSINESS METHODS - ENDING === #

    def _pay_now_note_change(self):
        """Have the open checkouts of these documents looked at soon: do they still stand?

        Nothing is decided here, and no provider asked: this runs in the middle of whatever the
        user does. Not the payment is marked, which may be locked while its provider answers. Of
        documents that nobody is paying, one query shows it, and what Odoo just made needs none.
        """
        moves = self.filtered(lambda move: move.id and move.move_type in PAID_TYPES)
        if not moves or not (items := moves.sudo().pay_now_item_ids):
            return
        if opened := items.filtered(lambda item: item.transaction_id.state == 'draft'):
            opened.changed_at = fields.Datetime.now()
            self.env['payment.transaction']._pay_now_wake_ending()

    # === BUSINESS METHODS - PAID === #

    def _pay_now_payments(self):
        """Return the payments in the books that were made for documents.

        :rtype: payment.transaction
        """
        documents = self.filtered(lambda move: move.move_type in PAID_TYPES)
        return documents.sudo().pay_now_item_ids.transaction_id.filtered(
            lambda tx: tx.state == 'done' and tx.payment_id.move_id.state == 'posted'
        )

    # === BUSINESS METHODS - POSTING === #

    def _post(self, soft=True):
        """Override of `account` to match documents with what was paid for them, or given back."""
        # Nobody has paid what was never posted.
        known = self.filtered('posted_before')
        moves = self.with_context(pay_now_posted_again=known.ids)
        posted = super(AccountMove, moves)._post(soft).with_env(self.env)
        if again := known & posted:
            again._pay_now_match_payments()
        if notes := posted.filtered(lambda move: move.move_type == 'out_refund'):
            notes._pay_now_waiting_refunds()._pay_now_match_refunds()
        return posted

    def _pay_now_match_payments(self):
        """Match documents that were posted again with the payments that were made for them."""
        items = self.env['pay.now.transaction.item'].sudo()
        items = items.search(
            Domain('move_id', 'in', self.ids)
            & Domain('transaction_id.state', '=', 'done')
            & Domain('transaction_id.payment_id.move_id.state', '=', 'posted'),
            order='transaction_id',
        )
        freed = items.transaction_id.browse()
        # Odoo keeps what an invoice in draft is matched with, whoever its customer becomes.
        for item in items - items.transaction_id._pay_now_owned(items):
            lines = item.transaction_id.payment_id._pay_now_counterpart_lines()
            if partials := lines.matched_debit_ids & item.move_id.line_ids.matched_credit_ids:
                partials._pay_now_unreconcile()
                freed |= item.transaction_id
        items.transaction_id._pay_now_settle_again()
        for provider, txs in freed.grouped('provider_id').items():
            for tx in txs._pay_now_in_books_of(provider):
                tx._pay_now_report_surplus()
