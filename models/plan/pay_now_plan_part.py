# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class PayNowPlanPart(models.Model):
    """A part of a payment plan: so much until a day. What is paid of it is read from the books."""

    _name = 'pay.now.plan.part'
    _description = "Part of a payment plan"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']
    _order = 'date, id'
    _pay_now_written_by = dict.fromkeys(('plan_id', 'date', 'amount'), True)

    plan_id = fields.Many2one(
        comodel_name='pay.now.plan', required=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='plan_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(related='plan_id.currency_id')
    date = fields.Date(string="Due on", required=True)
    amount = fields.Monetary(required=True)
    reminded_at = fields.Datetime(
        string="Mailed on", readonly=True, help="The mail that asks for it left once."
    )
    told_at = fields.Datetime(
        string="Could not be mailed on",
        readonly=True,
        help="Nobody could be written to: somebody of the company was told.",
    )
    held_on = fields.Date(
        string="Held back on",
        readonly=True,
        help="Something else was last about its items on this day, before it was asked for.",
    )
    paid = fields.Monetary(string="Already paid", compute='_compute_paid', compute_sudo=True)
    left = fields.Monetary(string="Still open", compute='_compute_paid', compute_sudo=True)

    _amount_positive = models.Constraint(
        'CHECK (amount > 0)', "Each part of a payment plan is more than zero."
    )

    # === COMPUTE METHODS === #

    def _compute_paid(self):
        """Not stored: the books of this moment say it."""
        left = {}
        for plan in self.plan_id._origin:
            left.update(plan._parts_left())
        for part in self:
            part.left = left.get(part._origin, part.amount)
            part.paid = part.amount - part.left

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base`: parts are added while a plan waits for an answer, and not after."""
        parts = super().create(vals_list)
        parts._check_changeable()
        return parts

    def write(self, vals):
        """Override of `base`, for the same reason: neither of the plan it was in, nor another."""
        self._check_changeable()
        result = super().write(vals)
        self._check_changeable()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_answered(self):
        self._check_changeable()

    # === BUSINESS METHODS === #

    def _first_day(self, root):
        """Return the day from which the days of grace of the part count.

        :param res.company root: whose days on which mails leave.
        :rtype: datetime.date
        """
        self.ensure_one()
        day = max(self.date, self.held_on + timedelta(days=1) if self.held_on else self.date)
        if self.reminded_at:
            day = max(self.date, self.company_id._pay_now_day(self.reminded_at))
        return root._pay_now_working_day_from(day)

    def _check_changeable(self):
        """Refuse that people change what was agreed.

        :raise UserError: the plan was accepted or refused, or is over.
        """
        if self.env.su:
            return
        plans = self.plan_id.sudo()
        if any(plan.state != 'asked' for plan in plans):
            raise UserError(
                self.env._(
                    "A payment plan can be changed until it is accepted or refused. End it, and"
                    " the customer can ask for another one."
                )
            )
        plans._hold_answer()
