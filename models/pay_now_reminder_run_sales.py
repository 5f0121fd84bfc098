# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.misc import clean_context


class PayNowReminderRun(models.Model):
    """Runs from Sales: of a person without rights in the accounting, and of their invoices only.

    The scope follows the person's rights: it is asked for when generating, in each preview and
    again as the mails leave.
    """

    _inherit = 'pay.now.reminder.run'

    sales_user_id = fields.Many2one(
        string="From Sales, by",
        comodel_name='res.users',
        readonly=True,
        index='btree_not_null',
        # Without its person the run would have no limits any more.
        ondelete='restrict',
        help="Who made the run without rights in the accounting: it is about nothing but the Sales"
        " invoices of this person.",
    )
    sales_scope_text = fields.Char(
        string="Scope", compute='_compute_sales_scope_text', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    @api.depends('sales_user_id')
    @api.depends_context('lang')
    def _compute_sales_scope_text(self):
        for run in self:
            user = run.sales_user_id
            run.sales_scope_text = user._pay_now_sales_scope_text() if user else False

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base` to keep those who act for Sales only within their scope."""
        if not self._is_sales_only():
            return super().create(vals_list)
        chosen = ('company_id', 'date_from', 'date_to', 'level_ids', 'partner_ids', 'user_ids')
        vals_list = [
            {
                **self._within_sales({name: vals[name] for name in chosen if name in vals}),
                'sales_user_id': self.env.uid,
            }
            for vals in vals_list
        ]
        # No default of the context counts either.
        Run = self.with_env(self.env(context=clean_context(self.env.context)))
        return super(PayNowReminderRun, Run).create(vals_list)

    def write(self, vals):
        """Override of `base`: who acts for Sales only changes nothing of a run but its list.

        :raise AccessError: if something else is changed.
        """
        if self._is_sales_only() and vals.keys() - {'reminder_ids'}:
            raise AccessError(
                self.env._("Only Invoicing can change what a run of reminders is about.")
            )
        return super().write(vals)

    # === BUSINESS METHODS - SCOPE === #

    def _within_sales_scope(self, domain):
        """Return a domain of journal items, within what the run may be about.

        :param odoo.fields.Domain domain: of journal items.
        :return: the same for a run from the accounting, and without a run.
        :rtype: odoo.fields.Domain
        """
        user = self.sales_user_id
        return domain & user._pay_now_sales_scope() if user else domain
