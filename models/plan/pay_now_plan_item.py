# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models

from odoo.addons.account_pay_now.models.plan.pay_now_plan import LIVE


class PayNowPlanItem(models.Model):
    """An open item that a payment plan is about.

    Odoo makes new journal items for an invoice that is reset to draft and changed: the invoice is
    known without them, and the plan goes on with what is open of it.
    """

    _name = 'pay.now.plan.item'
    _description = "Item of a payment plan"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']
    _rec_name = 'move_id'

    plan_id = fields.Many2one(
        comodel_name='pay.now.plan', required=True, readonly=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='plan_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='plan_id.currency_id')
    line_id = fields.Many2one(
        string="Open item",
        comodel_name='account.move.line',
        readonly=True,
        index=True,
        ondelete='set null',
        help="Empty once the invoice has other journal items.",
    )
    move_id = fields.Many2one(
        string="Invoice",
        comodel_name='account.move',
        readonly=True,
        index=True,
        ondelete='set null',
    )
    amount = fields.Monetary(readonly=True, help="What was open of it when the plan was asked for.")
    line_amount = fields.Monetary(
        string="Amount of the item",
        readonly=True,
        help="All of the open item when the plan was asked for, whatever was paid of it.",
    )
    is_live = fields.Boolean(
        string="In a plan that runs",
        compute='_compute_is_live',
        store=True,
        precompute=True,
        help="Its plan is asked for, or accepted and not over.",
    )
    left = fields.Monetary(string="Still open", compute='_compute_left', compute_sudo=True)

    _one_live_plan = models.UniqueIndex(
        '(line_id) WHERE is_live AND line_id IS NOT NULL',
        "There is a payment plan for this item already.",
    )

    # === COMPUTE METHODS === #

    @api.depends('plan_id.state')
    def _compute_is_live(self):
        for item in self:
            item.is_live = item.plan_id.state in LIVE

    def _compute_left(self):
        """Not stored: the books of this moment say it."""
        for item in self:
            plan = item.plan_id
            lines = item._lines()._pay_now_of(plan.partner_id, plan.company_id)
            item.left = plan._amount_left(lines)

    # === BUSINESS METHODS === #

    def _lines(self):
        """Return what stands for the items in the books now, whosever it is.

        Where a journal item has gone, or is another instalment by now, all of its invoice.

        :rtype: account.move.line
        """
        same = self.filtered(
            lambda item: (
                item.line_id
                and not item.currency_id.compare_amounts(
                    item.line_id.amount_currency, item.line_amount
                )
            )
        )
        return same.line_id | (self - same).move_id._pay_now_instalments()
