# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools.misc import formatLang

from odoo.addons.account_pay_now import const


class PayNowGenerateReminders(models.TransientModel):
    """Generate reminders: what to look at; the list comes before anything is sent.

    From Sales, for people without rights in the accounting, within their scope.
    """

    _name = 'pay.now.generate.reminders'
    _description = "Generate reminders"
    _inherit = ['pay.now.authority.mixin', 'pay.now.notices', 'pay.now.sales.mixin']
    _pay_now_written_by = dict.fromkeys(
        (
            'company_id',
            'date_from',
            'date_to',
            'level_ids',
            'partner_ids',
            'user_ids',
            'application',
            'print_previous_balance',
        ),
        True,
    )

    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
    )
    date_from = fields.Date(string="Due from")
    date_to = fields.Date(string="Due until")
    level_ids = fields.Many2many(
        string="Levels",
        comodel_name='pay.now.reminder.level',
        domain="[('company_id', 'parent_of', company_id)]",
        help="Empty: all.",
    )
    partner_ids = fields.Many2many(
        string="Customers", comodel_name='res.partner', help="Empty: all."
    )
    user_ids = fields.Many2many(string="Salespeople", comodel_name='res.users', help="Empty: all.")
    application = fields.Selection(selection=const.APPLICATIONS, help="Empty: both.")
    print_previous_balance = fields.Boolean(
        string="Print the customer's previous balance",
        help="Online payment is not offered when the previous balance is printed.",
    )
    sales_scope_text = fields.Char(string="Scope", compute='_compute_sales_scope_text')
    expected_text = fields.Char(string="To be looked at", compute='_compute_expected_text')

    # === COMPUTE METHODS === #

    @api.depends_context('lang', 'uid')
    def _compute_sales_scope_text(self):
        text = self._is_sales_only() and self.env.user._pay_now_sales_scope_text()
        self.sales_scope_text = text

    @api.depends(
        *('company_id', 'date_from', 'date_to', 'level_ids', 'partner_ids', 'user_ids'),
        'application',
    )
    @api.depends_context('lang', 'uid')
    def _compute_expected_text(self):
        for wizard in self:
            wizard.expected_text = wizard._expected_text()

    def _compute_pay_now_notices(self):
        """Override of `pay.now.notices`: its warnings sum up what is none of their business."""
        result = super()._compute_pay_now_notices()
        if self._is_sales_only():
            self.pay_now_warnings = self.pay_now_health = False
        return result

    # === CONSTRAINT METHODS === #

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for wizard in self:
            if wizard.date_from and wizard.date_to and wizard.date_from > wizard.date_to:
                raise UserError(self.env._("The first due date is after the last one."))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base` to keep those who act for Sales only within their scope."""
        if self._is_sales_only():
            vals_list = [self._within_sales(vals) for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        """Override of `base` to keep those who act for Sales only within their scope."""
        return super().write(self._within_sales(vals) if self._is_sales_only() else vals)

    # === ACTION METHODS === #

    def action_generate(self):
        """Make the list of customers, and show it."""
        self.ensure_one()
        if self.print_previous_balance and not self.date_from:
            raise UserError(
                self.env._(
                    "Say from which due date the items are listed: what is due before it is the"
                    " previous balance."
                )
            )
        run = self.env['pay.now.reminder.run'].create(self._prepare_run())._by_engine('read')
        count = run._count_customers()
        if not count:
            raise UserError(self.env._("No customer has an item due in this range."))
        if count > const.GENERATE_AT_ONCE:
            run._generate_later()
        else:
            run._generate()
        return {
            'type': 'ir.actions.act_window',
            'res_model': run._name,
            'res_id': run.id,
            'view_mode': 'form',
        }

    # === BUSINESS METHODS === #

    def _expected_text(self):
        """Say how many customers, and how much, the list would be about: one query, as it is made.

        :rtype: str
        """
        self.ensure_one()
        values = {**self._prepare_run(), 'date': fields.Date.context_today(self)}
        Run = self.env['pay.now.reminder.run'].with_company(self.company_id)
        if self._is_sales_only():
            # Within the same scope as the run itself (see `create`).
            values = {**self._within_sales(values), 'sales_user_id': self.env.uid}
            Run = Run.sudo()
        run = Run.new(values)
        try:
            count, amount = run._count_and_sum()
        except UserError as error:
            return str(error)
        amount = formatLang(self.env, amount, currency_obj=self.company_id.currency_id)
        if not count:
            return self.env._("No customer has an item due in this range.")
        text = (
            self.env._("1 customer with %s due.", amount)
            if count == 1
            else self.env._("%(count)s customers with %(amount)s due.", count=count, amount=amount)
        )
        if self.level_ids:
            text = f'{text} {self.env._("Those at other levels are left out.")}'
        return text

    def _prepare_run(self):
        """Return the values of the run.

        :rtype: dict
        """
        return {
            'company_id': self.company_id.id,
            'date_from': self.date_from,
            'date_to': self.date_to,
            'level_ids': [Command.set(self.level_ids.ids)],
            'partner_ids': [Command.set(self.partner_ids.ids)],
            'user_ids': [Command.set(self.user_ids.ids)],
            'application': self.application,
            'print_previous_balance': self.print_previous_balance,
        }
