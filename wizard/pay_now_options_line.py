# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models

#: The provider's fields that the screen changes.
BOOKS = (
    'journal_id',
    'pay_now_clearing_account_id',
    'pay_now_commission_account_id',
    'pay_now_disputed_account_id',
)
#: And its amounts.
LIMITS = ('pay_now_minimum_amount', 'maximum_amount')


class PayNowOptionsLine(models.TransientModel):
    """One provider as an accounting manager sees it: its books, no key."""

    _name = 'pay.now.options.line'
    _description = "Online payment options of a provider"
    _check_company_auto = True

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
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='cascade',
        groups='base.group_system',
    )
    name = fields.Char(string="Provider", readonly=True)
    journal_id = fields.Many2one(
        string="Journal",
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

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `base` to change the provider's journal, accounts and limits.

        :raise AccessError: for anybody but the company's accounting managers.
        """
        changed = {name: vals[name] for name in (*BOOKS, *LIMITS) if name in vals}
        providers = self.sudo().provider_id
        for company in providers.company_id | self.company_id:
            self.env['pay.now.options']._check_manager(company)
        result = super().write(vals)
        if changed:
            for provider in providers:
                provider.write(changed)
        return result
