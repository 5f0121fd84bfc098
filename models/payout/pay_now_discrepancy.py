# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError


class PayNowDiscrepancy(models.Model):
    """Payments that the provider converted: the commission to book, from the payout's lines."""

    _inherit = 'pay.now.discrepancy'

    proposed_commission = fields.Monetary(
        string="Proposed commission",
        compute='_compute_proposed_commission',
        compute_sudo=True,
        help="The share of the payment that the provider kept, by the lines of its payout.",
    )

    # === COMPUTE METHODS === #

    @api.depends(
        'code',
        'state',
        'transaction_id.pay_now_commission_state',
        'transaction_id.provider_id.pay_now_commission_imported',
    )
    def _compute_proposed_commission(self):
        for one in self:
            tx = one.transaction_id
            one.proposed_commission = 0.0
            if one.code != 'converted' or one.state != 'open' or not tx.payment_id:
                continue
            if tx.provider_id.pay_now_commission_imported:
                continue
            if tx.pay_now_commission_state == 'by_hand' and (line := one._converted_line()):
                # Of the amount in the books: the fee is in the currency credited.
                share = line.fee / line.amount
                one.proposed_commission = tx.currency_id.round(tx.payment_id.amount * share)

    def _converted_line(self):
        """Return the movement of the payment, in the currency that the provider credited.

        :rtype: pay.now.movement
        """
        self.ensure_one()
        return self.env['pay.now.movement'].search(
            [
                ('transaction_id', '=', self.transaction_id.id),
                ('kind', '=', 'payment'),
                ('amount', '>', 0),
                ('fee', '>', 0),
            ],
            order='id',
            limit=1,
        )

    # === ACTION METHODS === #

    def action_book_commission(self):
        """Book the commission that is proposed, as any other.

        :raise UserError: nothing is proposed, or it cannot be booked.
        """
        self.check_access('write')
        for one in self.sudo():
            tx, amount = one.transaction_id, one.proposed_commission
            if not amount or not tx.try_lock_for_update():
                raise UserError(self.env._("There is no commission to book about this payment."))
            line = one._converted_line()
            tx.write(
                {
                    'pay_now_commission': amount,
                    'pay_now_commission_date': line.occurred_at,
                    'pay_now_movement_ref': line.movement_ref,
                    'pay_now_commission_state': 'known',
                }
            )
            tx._pay_now_in_books_of(tx.provider_id)._pay_now_book_commissions_of(tx.provider_id)
            one.write({'state': 'done', 'note': self.env._("The proposed commission was booked.")})
