# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.fields import Command

#: The provider's fields that the screen changes.
BOOKS = (
    'journal_id',
    'pay_now_clearing_account_id',
    'pay_now_commission_account_id',
    'pay_now_disputed_account_id',
)
#: And its amounts.
LIMITS = ('pay_now_minimum_amount', 'maximum_amount')
#: What becomes of its commissions: shown in a window of its own.
COMMISSIONS = (
    'pay_now_commission_partner_id',
    'pay_now_commission_taxes',
    'pay_now_commission_tax_ids',
    'pay_now_commission_label',
    'pay_now_commission_analytic',
    'pay_now_commission_imported',
)


class PayNowOptionsLine(models.TransientModel):
    """One provider as an accounting manager sees it: its books, no key."""

    _name = 'pay.now.options.line'
    _inherit = ['pay.now.authority.mixin']
    _description = "Online payment options of a provider"
    _check_company_auto = True
    _pay_now_written_by = dict.fromkeys(
        (
            'journal_id',
            'pay_now_clearing_account_id',
            'pay_now_commission_account_id',
            'pay_now_disputed_account_id',
            'pay_now_minimum_amount',
            'maximum_amount',
            'pay_now_commission_partner_id',
            'pay_now_commission_taxes',
            'pay_now_commission_tax_ids',
            'pay_now_commission_label',
            'pay_now_commission_analytic',
            'pay_now_commission_imported',
        ),
        True,
    )

    options_id = fields.Many2one(
        string="Online payment options",
        comodel_name='pay.now.options',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='options_id.company_id')
    # Out of the manager's reach, and so is all that could be read through it.
    provider_id = fields.Many2one(
        string="Connection",
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='cascade',
        groups='base.group_system',
    )
    name = fields.Char(string="Provider", readonly=True)
    journal_id = fields.Many2one(
        comodel_name='account.journal',
        domain=[('type', '=', 'bank')],
        check_company=True,
    )
    pay_now_clearing_account_id = fields.Many2one(
        string="Clearing account",
        comodel_name='account.account',
        domain=[('account_type', '=', 'asset_current'), ('reconcile', '=', True)],
        check_company=True,
        help="What the provider owes the company.",
    )
    pay_now_commission_account_id = fields.Many2one(
        string="Commission account",
        comodel_name='account.account',
        domain=[('account_type', 'in', ('expense', 'expense_other', 'expense_direct_cost'))],
        check_company=True,
        help="The expense account the provider's commission goes to.",
    )
    pay_now_disputed_account_id = fields.Many2one(
        string="Disputed payments account",
        comodel_name='account.account',
        domain=[('account_type', '=', 'asset_current')],
        check_company=True,
        help="Where a disputed payment waits for the bank's decision.",
    )

    currency_id = fields.Many2one(related='company_id.currency_id')
    pay_now_minimum_amount = fields.Monetary(
        string="Minimum", help="The smallest payment this provider is offered for."
    )
    maximum_amount = fields.Monetary(
        string="Maximum", help="The largest payment this provider is offered for."
    )

    pay_now_commission_partner_id = fields.Many2one(
        string="Supplier of commissions",
        comodel_name='res.partner',
        check_company=True,
        help="Who invoices the commissions. Its bank accounts are those that payouts come from.",
    )
    pay_now_commission_taxes = fields.Selection(
        string="Taxes of commissions",
        selection=lambda self: (
            self.env['payment.provider']
            ._fields['pay_now_commission_taxes']
            ._description_selection(self.env)
        ),
        help="By reverse charge the tax is due and deductible at once; any other tax is contained"
        " in what the provider keeps.",
    )
    pay_now_commission_tax_ids = fields.Many2many(
        string="Chosen taxes",
        comodel_name='account.tax',
        relation='pay_now_options_line_tax_rel',
        domain=[('type_tax_use', '=', 'purchase')],
        context={'active_test': False},
        check_company=True,
    )
    pay_now_commission_label = fields.Char(
        string="Label of commissions",
        help="Before the payment's reference. Leave empty for “Stripe commission”.",
    )
    pay_now_commission_analytic = fields.Json(
        string="Analytic distribution of commissions",
        help="Leave empty for the distribution that your analytic rules give.",
    )
    # What the widget of the distribution asks for.
    analytic_precision = fields.Integer(
        store=False,
        copy=False,
        default=lambda self: self.env['decimal.precision'].precision_get('Percentage Analytic'),
    )
    pay_now_commission_imported = fields.Boolean(
        string="Commissions come from a bank statement import",
        help="An import of the provider's statement writes them: no commission or dispute fee is"
        " booked here. What is booked already stays.",
    )
    pay_now_commission_doubled = fields.Char(
        string="Commissions booked twice", compute='_compute_pay_now_commission_doubled'
    )

    # === COMPUTE METHODS === #

    def _compute_pay_now_commission_doubled(self):
        for line in self:
            line.pay_now_commission_doubled = (
                line.sudo().provider_id.with_env(self.env).sudo().pay_now_commission_doubled
            )

    # === ACTION METHODS === #

    def action_commissions(self):
        """Show what becomes of the provider's commissions, in a window of its own."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Commissions of %s", self.sudo().provider_id._pay_now_short_name()),
            'res_model': self._name,
            'res_id': self.id,
            'views': [
                (self.env.ref('account_pay_now.pay_now_options_line_view_commission').id, 'form')
            ],
            'target': 'new',
        }

    def action_supplier(self):
        """Choose the supplier who invoices commissions in the European Union; made once."""
        self.ensure_one()
        self.env['pay.now.options']._check_manager(self.company_id)
        supplier = self.sudo().provider_id.with_env(self.env).sudo()._pay_now_find_supplier()
        self.pay_now_commission_partner_id = supplier
        return self.action_commissions()

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `base` to change the provider's journal, accounts and limits.

        :raise AccessError: for anybody but the company's accounting managers.
        """
        changed = {name: vals[name] for name in (*BOOKS, *LIMITS, *COMMISSIONS) if name in vals}
        providers = self.sudo().provider_id
        for company in providers.company_id | self.company_id:
            self.env['pay.now.options']._check_manager(company)
        result = super().write(vals)
        for line in self if changed else ():
            # What was written with the user's rights; a command would be obeyed once more.
            values = {
                name: [Command.set(line[name].ids)]
                if self._fields[name].type == 'many2many'
                else value
                for name, value in changed.items()
            }
            line.sudo().provider_id.write(values)
        return result

    # === BUSINESS METHODS === #

    def _commission_values(self, provider):
        """Return what a line shows of a provider's commissions.

        :param payment.provider provider: whose they are.
        :rtype: dict
        """
        values = {}
        for name in COMMISSIONS:
            value = provider[name]
            if self._fields[name].type == 'many2many':
                value = [Command.set(value.ids)]
            elif self._fields[name].type == 'many2one':
                value = value.id
            values[name] = value
        return values
