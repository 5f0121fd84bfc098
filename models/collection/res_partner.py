# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain

#: Whoever reads invoices.
GROUPS = 'account.group_account_invoice,account.group_account_readonly'


class ResPartner(models.Model):
    """What a customer owes, and how it has paid so far: read from the reports, all at once."""

    _inherit = 'res.partner'

    pay_now_overdue_amount = fields.Monetary(
        string="Overdue",
        compute='_compute_pay_now_overdue_amount',
        search='_search_pay_now_overdue_amount',
        groups=GROUPS,
        help="What is overdue of invoices of the company and its branches.",
    )
    pay_now_last_reminder = fields.Datetime(
        string="Last reminder", compute='_compute_pay_now_last_reminder', groups=GROUPS
    )
    pay_now_days_late = fields.Float(
        string="Usually late",
        compute='_compute_pay_now_habit',
        digits=(16, 0),
        groups=GROUPS,
        help="Days after the due date on which the customer paid: the mean of the invoices paid in"
        " the last twelve months; negative when before it.",
    )
    pay_now_online_share = fields.Float(
        string="Paid online",
        compute='_compute_pay_now_habit',
        groups=GROUPS,
        help="The share of what the customer paid in the last twelve months.",
    )
    pay_now_has_paid = fields.Boolean(
        string="Has paid in the last twelve months",
        compute='_compute_pay_now_habit',
        groups=GROUPS,
    )

    # === COMPUTE METHODS === #

    @api.model
    def _pay_now_overdue_domain(self):
        """Return the domain of what is overdue of invoices (`pay.now.due.report`)."""
        return (
            Domain('company_id', 'child_of', self.env.company.root_id.id)
            & Domain('company_id', 'in', self.env.companies.ids)
            & Domain('kind', '=', 'invoice')
            & Domain('days_late', '>', 0)
        )

    @api.depends_context('company', 'allowed_company_ids')
    def _compute_pay_now_overdue_amount(self):
        amounts = dict(
            self.env['pay.now.due.report']._read_group(
                Domain('partner_id', 'in', self.commercial_partner_id.ids)
                & self._pay_now_overdue_domain(),
                ['partner_id'],
                ['amount_residual:sum'],
            )
        )
        for partner in self:
            partner.pay_now_overdue_amount = amounts.get(partner.commercial_partner_id._origin, 0.0)

    @api.model
    def _search_pay_now_overdue_amount(self, operator, value):
        """Customers by what is overdue: one query, whatever their number."""
        if operator not in ('>', '>=', '<', '<=', '=', '!=') or isinstance(value, str):
            return NotImplemented
        found = self.env['pay.now.due.report']._read_group(
            self._pay_now_overdue_domain(),
            ['partner_id'],
            having=[('amount_residual:sum', operator, value)],
        )
        ids = [partner.id for (partner,) in found if partner]
        domain = Domain('commercial_partner_id', 'in', ids)
        if {'>': value < 0, '<': value > 0, '=': value == 0, '!=': value != 0}.get(
            operator, value <= 0 if operator == '>=' else value >= 0
        ):
            # Those who owe nothing, too.
            owing = self.env['pay.now.due.report']._read_group(
                self._pay_now_overdue_domain(), ['partner_id']
            )
            owing_ids = [partner.id for (partner,) in owing if partner]
            domain |= Domain('commercial_partner_id', 'not in', owing_ids)
        return domain

    @api.depends_context('company')
    def _compute_pay_now_last_reminder(self):
        last = self.env['pay.now.reminder']._last_sent_to(
            self.commercial_partner_id._origin, self.env.company.root_id
        )
        for partner in self:
            partner.pay_now_last_reminder = last.get(partner.commercial_partner_id._origin, False)

    @api.depends_context('company', 'allowed_company_ids')
    def _compute_pay_now_habit(self):
        year = fields.Date.subtract(fields.Date.context_today(self), years=1)
        groups = self.env['pay.now.paid.report']._read_group(
            Domain('partner_id', 'in', self.commercial_partner_id.ids)
            & Domain('company_id', 'child_of', self.env.company.root_id.id)
            & Domain('paid_on', '>', year),
            ['partner_id'],
            ['days_late:avg', 'online_amount:sum', 'amount:sum'],
        )
        habits = {partner: values for partner, *values in groups}
        for partner in self:
            days, online, paid = habits.get(partner.commercial_partner_id._origin, (0, 0, 0))
            partner.pay_now_days_late = days
            partner.pay_now_online_share = online / paid if paid else 0.0
            partner.pay_now_has_paid = bool(paid)

    # === ACTION METHODS === #

    def action_pay_now_due_items(self):
        """Show what the customers owe, item by item, the oldest first.

        :return: a window action.
        :rtype: dict
        """
        action = self.env['ir.actions.actions']._for_xml_id(
            'account_pay_now.action_pay_now_due_report'
        )
        action['views'] = [(False, mode) for mode in ('list', 'pivot', 'graph')]
        action['domain'] = [('partner_id', 'in', self.commercial_partner_id.ids)]
        action['context'] = {'search_default_invoice': 1, 'search_default_overdue': 1}
        return action
