# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.provider import problems


class PaymentProvider(models.Model):
    """What a provider keeps, as an expense: account, supplier, taxes, analytic accounts, label.

    The one place that makes the journal items of a fee, whatever it was taken for: payments,
    refunds, disputes. Together they amount to what the provider took: a tax that is charged is
    contained in it, one by reverse charge is due and deductible at once.
    """

    _inherit = 'payment.provider'
    _pay_now_written_by = dict.fromkeys(
        (
            'pay_now_commission_partner_id',
            'pay_now_commission_taxes',
            'pay_now_commission_tax_ids',
            'pay_now_commission_label',
            'pay_now_commission_analytic',
            'pay_now_commission_imported',
        ),
        True,
    )

    pay_now_commission_partner_id = fields.Many2one(
        string="Supplier of commissions",
        comodel_name='res.partner',
        check_company=True,
        copy=False,
        help="Who invoices the commissions. Its bank accounts are those that payouts come from.",
    )
    pay_now_commission_taxes = fields.Selection(
        string="Taxes of commissions",
        selection=[
            ('account', "Default taxes of the commission account"),
            ('chosen', "Chosen taxes"),
            ('none', "No tax"),
        ],
        default='account',
        required=True,
        copy=False,
        help="By reverse charge the tax is due and deductible at once; any other tax is contained"
        " in what the provider keeps.",
    )
    pay_now_commission_tax_ids = fields.Many2many(
        string="Chosen taxes",
        comodel_name='account.tax',
        relation='pay_now_commission_tax_rel',
        column1='provider_id',
        column2='tax_id',
        domain=[('type_tax_use', '=', 'purchase')],
        # One that is archived is missed, not forgotten.
        context={'active_test': False},
        check_company=True,
        copy=False,
    )
    pay_now_commission_label = fields.Char(
        string="Label of commissions",
        copy=False,
        help="Before the payment's reference. Leave empty for “Stripe commission”.",
    )
    pay_now_commission_analytic = fields.Json(
        string="Analytic distribution of commissions",
        copy=False,
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
        copy=False,
        help="An import of the provider's statement writes them: no commission or dispute fee is"
        " booked here. What is booked already stays.",
    )
    pay_now_commission_doubled = fields.Char(
        string="Commissions booked twice", compute='_compute_pay_now_commission_doubled'
    )

    # === COMPUTE METHODS === #

    @api.depends('pay_now_commission_imported', 'pay_now_clearing_account_id', 'pay_now_status')
    @api.depends_context('lang')
    def _compute_pay_now_commission_doubled(self):
        for provider in self:
            provider.pay_now_commission_doubled = provider._pay_now_commission_warning()

    def _pay_now_commission_warning(self):
        """Return why commissions would be booked twice, or False."""
        self.ensure_one()
        if self.code not in const.PROVIDER_CODES or self.pay_now_commission_imported:
            return False
        if self.pay_now_status != 'connected' or not self._pay_now_is_imported():
            return False
        return self.env._(
            "Statements of %(provider)s are imported, and its commissions are booked here too:"
            " they would be in the books twice. Tick “Commissions come from a bank statement"
            " import”, or end the import.",
            provider=self._pay_now_short_name(),
        )

    def _pay_now_is_imported(self):
        """Tell whether somebody imports the provider's statements into the company's books.

        :rtype: bool
        """
        if 'online.bank.statement.provider' in self.env:
            # OCA's imports, whatever journal they write into.
            imports = self.env['online.bank.statement.provider'].sudo()
            name = self._pay_now_short_name().lower()
            if imports.search_count(
                [
                    ('service', '=like', f'{name}%'),
                    ('journal_id.company_id', '=', self.company_id.id),
                ],
                limit=1,
            ):
                return True
        lines = self.env['account.bank.statement.line'].sudo()
        account = self.pay_now_clearing_account_id
        return bool(
            account
            and lines.search_count(
                Domain('journal_id.default_account_id', '=', account.id)
                & Domain('company_id', '=', self.company_id.id)
                & Domain('date', '>=', (self.pay_now_connected_at or self.create_date).date()),
                limit=1,
            )
        )

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_commission_taxes', 'pay_now_commission_tax_ids')
    def _check_pay_now_commission_taxes(self):
        for provider in self:
            taxes = provider.pay_now_commission_tax_ids
            if taxes.filtered(lambda tax: tax.type_tax_use != 'purchase'):
                raise UserError(self.env._("The taxes of commissions must be purchase taxes."))
            if provider.pay_now_commission_taxes == 'chosen' and not taxes:
                raise UserError(
                    self.env._("Choose the taxes of the commissions of %s.", provider.name)
                )

    # === ACTION METHODS === #

    def action_pay_now_commissions(self):
        """Show what becomes of the provider's commissions, in a window of its own."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Commissions of %s", self._pay_now_short_name()),
            'res_model': self._name,
            'res_id': self.id,
            'views': [
                (self.env.ref('account_pay_now.payment_provider_view_commission').id, 'form')
            ],
            'target': 'new',
        }

    def action_pay_now_supplier(self):
        """Choose the supplier who invoices commissions in the European Union; made once.

        :raise UserError: another country, where somebody else invoices them.
        """
        self.check_access('write')
        for provider in self.filtered(lambda one: one.code in const.PROVIDER_CODES):
            provider.pay_now_commission_partner_id = provider._pay_now_find_supplier()
        return self.action_pay_now_commissions() if len(self) == 1 else None

    # === BUSINESS METHODS === #

    def _pay_now_find_supplier(self):
        """Return the supplier of commissions in the company's country, made where there is none.

        :rtype: res.partner
        :raise UserError: it is not known who invoices there.
        """
        self.ensure_one()
        country = self.company_id.account_fiscal_country_id
        if country not in self.env.ref('base.europe').country_ids:
            raise UserError(
                self.env._(
                    "Choose the supplier that stands on the invoices of %s.",
                    self._pay_now_short_name(),
                )
            )
        name, code = const.SUPPLIERS[self.code]
        partners = self.env['res.partner'].with_context(active_test=False)
        found = partners.search(
            Domain('name', '=', name)
            & Domain('parent_id', '=', False)
            & Domain('company_id', 'in', (False, self.company_id.id)),
            order='active desc, id',
            limit=1,
        )
        return found or partners.create(
            {
                'name': name,
                'is_company': True,
                'supplier_rank': 1,
                'country_id': self.env['res.country'].search([('code', '=', code)]).id,
            }
        )

    def _pay_now_bank_accounts(self):
        """Return the numbers of the bank accounts that the provider transfers from.

        :return: as banks write them, without spaces.
        :rtype: set of str
        """
        partner = self.pay_now_commission_partner_id.commercial_partner_id
        return set(filter(None, partner.bank_ids.mapped('sanitized_acc_number')))

    def _pay_now_commission_label_of(self, reference):
        """Return the label of a commission, in the language of the environment.

        :param str reference: of the payment.
        :rtype: str
        """
        self.ensure_one()
        if self.pay_now_commission_label:
            return f'{self.pay_now_commission_label} – {reference}'
        return self.env._(
            "%(provider)s commission – %(reference)s",
            provider=self._pay_now_short_name(),
            reference=reference,
        )

    def _pay_now_prepare_fee(self, amount, label):
        """Return the journal items of what the provider keeps: the expense, and its taxes.

        :param float amount: in the company's currency; negative what the provider gives back.
        :param str label: of the expense.
        :return: values of journal items, which amount to `amount`; none of zero.
        :rtype: list of dict
        :raise UserError: no commission account is chosen.
        """
        self.ensure_one()
        currency = self.company_id.currency_id
        if currency.is_zero(amount):
            return []
        account = self.pay_now_commission_account_id
        if not account:
            raise problems.BooksRefusal(self, 'commission')
        expense = {
            'name': label,
            'account_id': account.id,
            'currency_id': currency.id,
            'partner_id': self.pay_now_commission_partner_id.id,
            'balance': amount,
            'amount_currency': amount,
        }
        if self.pay_now_commission_analytic:
            expense['analytic_distribution'] = self.pay_now_commission_analytic
        taxes = self._pay_now_taxes_of_commissions()
        if not taxes:
            # Else Odoo would add those of the account.
            return [{**expense, 'tax_ids': [Command.clear()]}]
        return self._pay_now_with_taxes(expense, amount, taxes)

    def _pay_now_taxes_of_commissions(self):
        """Return the taxes of commissions.

        :rtype: account.tax
        :raise UserError: a tax that was chosen is archived.
        """
        self.ensure_one()
        if self.pay_now_commission_taxes == 'none':
            return self.env['account.tax']
        if self.pay_now_commission_taxes == 'chosen':
            if archived := self._pay_now_archived_taxes():
                raise problems.BooksRefusal(self, **archived[0])
            return self.pay_now_commission_tax_ids
        return self.pay_now_commission_account_id.tax_ids.filtered(
            lambda tax: (
                tax.type_tax_use == 'purchase'
                and tax.company_id in self.company_id.sudo().parent_ids
            )
        )

    def _pay_now_with_taxes(self, expense, amount, taxes):
        """Return the journal items of an expense with its taxes, as Odoo computes them.

        The money is gone: a tax on payments is due and deductible at once.

        :param dict expense: the journal item without taxes.
        :param float amount: of the expense and its taxes together.
        :param account.tax taxes: of the expense.
        :rtype: list of dict
        """
        company, back = self.company_id, amount < 0
        compute = self.env['account.tax']
        base_line = compute._prepare_base_line_for_taxes_computation(
            None,
            tax_ids=taxes,
            price_unit=abs(amount),
            quantity=1.0,
            currency_id=company.currency_id,
            special_mode='total_included',
            sign=-1 if back else 1,
            is_refund=back,
            account_id=self.pay_now_commission_account_id,
            partner_id=self.pay_now_commission_partner_id,
            analytic_distribution=self.pay_now_commission_analytic or None,
        )
        compute._add_tax_details_in_base_lines([base_line], company)
        compute._round_base_lines_tax_details([base_line], company)
        compute._add_accounting_data_in_base_lines_tax_details(
            [base_line], company, include_caba_tags=True
        )
        lines = compute._prepare_tax_lines([base_line], company)
        [(_base, amounts)] = lines['base_lines_to_update']
        return [
            {**expense, 'tax_ids': [Command.set(taxes.ids)], **amounts},
            *lines['tax_lines_to_add'],
        ]

    def _pay_now_create_entries(self, vals_list):
        """Create and post entries whose items are all there: Odoo adds none of its own.

        :param list vals_list: values of `account.move`.
        :rtype: account.move
        """
        moves = self.env['account.move'].with_context(skip_invoice_sync=True).create(vals_list)
        moves.action_post()
        return moves.with_context(skip_invoice_sync=self.env.context.get('skip_invoice_sync'))
