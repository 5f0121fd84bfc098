# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PayNowTransactionItem(models.Model):
    """An item of a transaction: the part of one open item that the payer was about to pay.

    All of a transaction are its snapshot, taken before the checkout is opened. Odoo makes new
    journal items for an invoice that is reset to draft and changed, and may give it another number
    or customer: what the item was is kept, and the invoice is known without it.
    """

    _name = 'pay.now.transaction.item'
    _description = "Online payment item"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']
    _rec_name = 'move_name'

    transaction_id = fields.Many2one(
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
        readonly=True,
        index=True,
        ondelete='set null',
        help="Empty once the invoice has other journal items.",
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

    changed_at = fields.Datetime(
        string="Changed on",
        readonly=True,
        index='btree_not_null',
        help="When the invoice changed in the middle of the payment, until that was looked at.",
    )

    # === WHAT IT WAS === #

    move_id = fields.Many2one(
        string="Invoice",
        comodel_name='account.move',
        readonly=True,
        index=True,
        ondelete='set null',
    )
    customer_id = fields.Many2one(
        comodel_name='res.partner',
        required=True,
        readonly=True,
        ondelete='restrict',
        help="The customer of the invoice when the payment was started.",
    )
    move_name = fields.Char(
        string="Number",
        required=True,
        readonly=True,
        help="The number of the invoice when the payment was started.",
    )
    instalment = fields.Integer(
        readonly=True, help="Its number; zero where the invoice had one item."
    )
    instalments = fields.Integer(readonly=True)
    due_date = fields.Date(string="Due date", required=True, readonly=True)
    line_amount = fields.Monetary(
        string="Amount of the item",
        readonly=True,
        help="All of the open item when the payment was started, whatever was paid of it.",
    )
    label = fields.Char(compute='_compute_label')

    _line_once = models.UniqueIndex(
        '(transaction_id, line_id) WHERE line_id IS NOT NULL',
        "An item can stand in a payment once.",
    )

    # === COMPUTE METHODS === #

    @api.depends('move_name', 'instalment', 'instalments')
    @api.depends_context('lang')
    def _compute_label(self):
        label = self.env['account.move.line']._pay_now_label
        for item in self:
            item.label = label(item.move_name, item.instalment, item.instalments)

    # === BUSINESS METHODS === #

    def _pay_now_lapsed(self):
        """Return those whose journal item is not as it was when the payment was started.

        :rtype: pay.now.transaction.item
        """
        return self.filtered(
            lambda item: (
                item.line_id.parent_state != 'posted'
                or item.currency_id.compare_amounts(item.line_id.amount_currency, item.line_amount)
            )
        )
