# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class AccountPayment(models.Model):
    """What a payment made online cost, where its money is, and which reminder it came from."""

    _inherit = 'account.payment'

    pay_now_commission = fields.Monetary(related='payment_transaction_id.pay_now_commission')
    pay_now_net = fields.Monetary(related='payment_transaction_id.pay_now_net')
    pay_now_payout_id = fields.Many2one(related='payment_transaction_id.pay_now_payout_id')
    pay_now_arrives_at = fields.Datetime(related='payment_transaction_id.pay_now_arrives_at')
    pay_now_reminder_id = fields.Many2one(related='payment_transaction_id.pay_now_reminder_id')
