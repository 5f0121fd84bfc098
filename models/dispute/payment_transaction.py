# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class PaymentTransaction(models.Model):
    """A payment, and the disputes about it."""

    _inherit = 'payment.transaction'

    pay_now_dispute_ids = fields.One2many(
        string="Disputes",
        comodel_name='pay.now.dispute',
        inverse_name='transaction_id',
        readonly=True,
    )

    # === GETTERS === #

    def _pay_now_dispute_problem(self):
        """Return why a payment that was disputed is not refunded, or False once it is won.

        Stripe calls a payment disputed for ever; what became of the dispute is known in the books.
        One that is not known yet is as good as open.

        :return: a value of `pay_now_refusal`.
        :rtype: str | bool
        """
        self.ensure_one()
        states = set(self.pay_now_dispute_ids.mapped('state'))
        if 'lost' in states:
            return 'dispute_lost'
        return False if states and states <= {'won', 'closed'} else 'disputed'

    def _pay_now_taken_back(self):
        """Return what the payer got back by disputes that were lost.

        :return: in the transaction's currency.
        :rtype: float
        """
        self.ensure_one()
        lost = self.pay_now_dispute_ids.filtered(lambda dispute: dispute.state == 'lost')
        return sum(lost.mapped('loss_amount'))

    def _pay_now_reversal_refs(self):
        """Return the ids of refunds that are booked as disputes: nobody made them.

        :rtype: set(str)
        """
        given = self._pay_now_refunds().filtered(lambda tx: tx.pay_now_refusal == 'of_dispute')
        refs = self.pay_now_dispute_ids.mapped('reversal_ref') + given.mapped('pay_now_refund_ref')
        return set(refs) - {False}

    # === BUSINESS METHODS - REVERSALS === #

    def _pay_now_is_disputed_money(self, refund):
        """Tell whether a refund is what a dispute withdrew, and let the dispute know.

        :param gateways.base.Refund refund: one that nobody asked for in Odoo.
        :rtype: bool
        """
        dispute = self.pay_now_dispute_ids.filtered(lambda one: one._withdrew(refund))[:1]
        dispute.sudo().reversal_ref = refund.id
        return bool(dispute)

    def _pay_now_give_to_dispute(self):
        """Take the books of a refund back: nobody made it, a dispute has its money.

        By entries of today; what the refund was matched with is open again, and credit notes that
        were only proposed for it go.
        """
        self.ensure_one()
        vals = {
            'pay_now_refusal': 'of_dispute',
            'pay_now_failure_code': False,
            'pay_now_failure': False,
        }
        if self.pay_now_commission_state == 'booked':
            vals['pay_now_returned_commission'] = -self.pay_now_commission
        else:
            vals['pay_now_commission_state'] = False
        if self.payment_id:
            vals['pay_now_returned_at'] = fields.Datetime.now()
        else:
            vals['pay_now_paid_at'] = False
        self.write(vals)
        self._set_canceled(self._pay_now_refund_label(), extra_allowed_states=('done',))
        self.source_transaction_id._pay_now_book_refunds()
