# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class PayNowTransactionItem(models.Model):
    """An item of a transaction: the part of one open item that the payer was about to pay.

    All of a transaction are its snapshot, taken before the checkout is opened.
    """

    _name = 'pay.now.transaction.item'
    _description = "Online payment item"
    _rec_name = 'line_id'

    transaction_id = fields.Many2one(
        string="Transaction",
        comodel_name='payment.transaction',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='transaction_id.company_id', store=True, index=True)
    line_id = fields.Many2one(
        string="Open item",
        comodel_name='account.move.line',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    currency_id = fields.Many2one(related='transaction_id.currency_id')
    amount = fields.Monetary(
        string="Amount to pay",
        required=True,
        readonly=True,
        help="Negative for a credit note that is deducted.",
    )
    discount = fields.Monetary(
        string="Early payment discount",
        readonly=True,
        help="What is left out because of an early payment.",
    )

    _line_once = models.UniqueIndex(
        '(transaction_id, line_id)', "An item can stand in a payment once."
    )
