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

    def _pay_now_dispute_problem(self):
        """Return why a payment that was disputed is not refunded, or False once it is won.

        Stripe calls a payment disputed for ever; what became of the dispute is known here. One
        that is not known yet is as good as open.

        :return: a code of `_pay_now_refund_labels`.
        :rtype: str | bool
        """
        self.ensure_one()
        states = set(self.pay_now_dispute_ids.mapped('state'))
        if 'lost' in states:
            return 'dispute_lost'
        return False if states and states <= {'won', 'closed'} else 'disputed'

    def _pay_now_reversal_refs(self):
        """Return the ids of refunds that are booked as disputes: nobody made them.

        :rtype: set(str)
        """
        return set(self.pay_now_dispute_ids.mapped('reversal_ref')) - {False}
