# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from odoo.addons.account_pay_now import const


class DigestDigest(models.Model):
    """What Odoo's digest mail says of collecting money."""

    _inherit = 'digest.digest'

    kpi_pay_now_overdue = fields.Boolean(string="Overdue")
    kpi_pay_now_overdue_value = fields.Monetary(compute='_compute_kpi_pay_now_overdue_value')
    kpi_pay_now_received = fields.Boolean(string="Received online")
    kpi_pay_now_received_value = fields.Monetary(compute='_compute_kpi_pay_now_received_value')
    kpi_pay_now_reminders = fields.Boolean(string="Reminders sent")
    kpi_pay_now_reminders_value = fields.Integer(compute='_compute_kpi_pay_now_reminders_value')
    kpi_pay_now_days_to_pay = fields.Boolean(string="Days to pay")
    kpi_pay_now_days_to_pay_value = fields.Integer(compute='_compute_kpi_pay_now_days_to_pay_value')

    # === COMPUTE METHODS === #

    def _pay_now_fill(self, name, model, domain, aggregate, date=None):
        """Give each digest a figure of its company, or of the user's.

        :param str name: the figure.
        :param str model: what it is of, with a `company_id`.
        :param odoo.fields.Domain domain: what counts.
        :param str aggregate: see `_read_group`.
        :param str date: what lies in the time of the digest; none for how it is now.
        :raise AccessError: for who has no rights in the accounting: their digest leaves it out.
        """
        if not self.env.user.has_group('account.group_account_invoice'):
            raise AccessError(
                self.env._("Do not have access, skip this data for user's digest email")
            )
        start, end, companies = self._get_kpi_compute_parameters()
        domain &= Domain('company_id', 'in', companies.ids)
        if date:
            domain &= Domain(date, '>=', start) & Domain(date, '<', end)
        groups = self.env[model].sudo()._read_group(domain, ['company_id'], [aggregate])
        found = {company.id: value for company, value in groups}
        for digest in self:
            digest[name] = found.get((digest.company_id or self.env.company).id) or 0

    def _compute_kpi_pay_now_overdue_value(self):
        """How it is now: the books keep no record of what was overdue on another day."""
        self._pay_now_fill(
            'kpi_pay_now_overdue_value',
            'pay.now.due.report',
            Domain('kind', '=', 'invoice') & Domain('days_late', '>', 0),
            'amount_residual:sum',
        )

    def _compute_kpi_pay_now_received_value(self):
        self._pay_now_fill(
            'kpi_pay_now_received_value',
            'payment.transaction',
            Domain('provider_code', 'in', const.PROVIDER_CODES)
            & Domain('state', '=', 'done')
            & Domain('operation', '!=', 'refund'),
            'amount:sum',
            'pay_now_paid_at',
        )

    def _compute_kpi_pay_now_reminders_value(self):
        self._pay_now_fill(
            'kpi_pay_now_reminders_value',
            'pay.now.reminder',
            Domain('state', '=', 'sent'),
            '__count',
            'sent_at',
        )

    def _compute_kpi_pay_now_days_to_pay_value(self):
        self._pay_now_fill(
            'kpi_pay_now_days_to_pay_value',
            'pay.now.paid.report',
            Domain.TRUE,
            'days_to_pay:avg',
            'paid_on',
        )

    # === BUSINESS METHODS === #

    def _compute_kpis_actions(self, company, user):
        """Override of `digest` to lead from a figure to its report."""
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref('account.menu_finance').id
        for kpi, action in (
            ('overdue', 'due_report'),
            ('reminders', 'reminder_report'),
            ('days_to_pay', 'paid_report'),
        ):
            actions[f'kpi_pay_now_{kpi}'] = (
                f'account_pay_now.action_pay_now_{action}?menu_id={menu}'
            )
        return actions
