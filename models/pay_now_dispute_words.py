# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PayNowDispute(models.Model):
    """What the providers' codes mean."""

    _inherit = 'pay.now.dispute'

    reason_text = fields.Char(string="Reason", compute='_compute_reason_text')

    @api.depends('reason')
    @api.depends_context('lang')
    def _compute_reason_text(self):
        labels = self._reason_labels()
        for dispute in self:
            dispute.reason_text = labels.get((dispute.reason or '').lower()) or dispute.reason

    def _reason_labels(self):
        """Return what the reasons of both providers mean to the accountant.

        :return: `{code in lower case: label}`
        :rtype: dict
        """
        not_authorised = self.env._("Not authorised by the payer")
        not_received = self.env._("Not received")
        not_as_described = self.env._("Not as described")
        paid_twice = self.env._("Paid twice")
        credit = self.env._("Refund not received")
        amount = self.env._("Wrong amount")
        other = self.env._("Other reason")
        return {
            'fraudulent': not_authorised,
            'unauthorised': not_authorised,
            'debit_not_authorized': not_authorised,
            'unrecognized': self.env._("Not recognised by the payer"),
            'product_not_received': not_received,
            'merchandise_or_service_not_received': not_received,
            'product_unacceptable': not_as_described,
            'merchandise_or_service_not_as_described': not_as_described,
            'duplicate': paid_twice,
            'duplicate_transaction': paid_twice,
            'payment_by_other_means': self.env._("Paid otherwise"),
            'credit_not_processed': credit,
            'incorrect_amount': amount,
            'insufficient_funds': self.env._("The payer's account did not hold enough"),
            'payment_reversed': self.env._("Taken back by the provider"),
            'general': other,
            'other': other,
        }
