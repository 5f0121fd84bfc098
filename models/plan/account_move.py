# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now.models.plan.pay_now_plan import LIVE


class AccountMove(models.Model):
    """Payment plans of an invoice."""

    _inherit = 'account.move'

    pay_now_plan_item_ids = fields.One2many(
        string="Items of payment plans",
        comodel_name='pay.now.plan.item',
        inverse_name='move_id',
        readonly=True,
        copy=False,
        groups='account.group_account_invoice,account.group_account_readonly',
    )
    pay_now_plan_text = fields.Char(
        string="Payment plan", compute='_compute_pay_now_plan_text', compute_sudo=True
    )

    pay_now_plan_state = fields.Selection(
        string="In a payment plan",
        selection=[('asked', "To answer"), ('accepted', "Accepted")],
        compute='_compute_pay_now_plan_state',
        search='_search_pay_now_plan_state',
        compute_sudo=True,
        help="Of a plan that waits for an answer, or is kept to.",
    )

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    def _compute_pay_now_plan_text(self):
        """Not stored: what is paid of a plan is said by the books. For forms."""
        for move in self:
            # A new invoice has none yet.
            plans = move._origin and move._origin._pay_now_own_plans()
            move.pay_now_plan_text = plans[0]._for_user() if plans else False

    def _compute_pay_now_plan_state(self):
        """For lists: what depends on the books of the day is not asked."""
        for move in self:
            # Most are in none, and their customer is not asked for.
            planned = move._origin.pay_now_plan_item_ids
            plans = move._origin._pay_now_own_plans() if planned else ()
            states = [plan.state for plan in plans if plan.state in LIVE]
            move.pay_now_plan_state = states[0] if states else False

    # === SEARCH METHODS === #

    @api.model
    def _search_pay_now_plan_state(self, operator, value):
        """Invoices in a payment plan are few: each is looked at."""
        if operator != 'in':
            return NotImplemented
        items = self.env['pay.now.plan.item'].sudo().search(Domain('is_live', '=', True))
        planned = items.move_id.filtered('pay_now_plan_state')
        found = Domain(
            'id', 'in', planned.filtered(lambda move: move.pay_now_plan_state in value).ids
        )
        return found | ~Domain('id', 'in', planned.ids) if False in value else found

    # === ACTION METHODS === #

    def action_pay_now_plans(self):
        """Show the payment plans of the invoices.

        :return: the action of the list, or of the form where there is one.
        :rtype: dict
        """
        plans = self.env['pay.now.plan'].union(*(move._pay_now_own_plans() for move in self))
        return plans._open()

    # === BUSINESS METHODS - PAYMENT PLANS === #

    def _pay_now_own_plans(self):
        """Return the plans that the invoice's own customer has, or had, for it; the newest first.

        :rtype: pay.now.plan
        """
        self.ensure_one()
        customer = self._pay_now_customer()
        plans = self.pay_now_plan_item_ids.plan_id
        return plans.filtered(lambda plan: plan._pay_now_customer() == customer).sorted(
            'id', reverse=True
        )
