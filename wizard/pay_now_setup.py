# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const, utils


class PayNowSetup(models.TransientModel):
    """The set-up screen: four steps in order, each *done* or the one thing missing."""

    _name = 'pay.now.setup'
    _description = "Online payment set-up"
    _inherit = ['pay.now.authority.mixin', 'pay.now.notices']
    _pay_now_written_by = dict.fromkeys(
        (
            'application',
            'sage_customer_code',
            'signup_email',
        ),
        True,
    )

    company_id = fields.Many2one(
        string="Company",
        comodel_name='res.company',
        required=True,
        readonly=True,
        default=lambda self: self.env.company.root_id,
    )
    application = fields.Selection(
        selection=const.APPLICATIONS, required=True, readonly=True, default='accounting'
    )
    sage_customer_code = fields.Char(
        string="Sage customer code",
        default=lambda self: self.env.company.pay_now_sage_customer_code,
    )
    signup_email = fields.Char(
        string="E-mail",
        default=lambda self: (
            self.env.company.pay_now_signup_email or self.env.company.root_id.email
        ),
    )
    signup_text = fields.Char(compute='_compute_steps')
    step = fields.Selection(
        string="Next step",
        selection=[
            ('code', "1 Sage customer code"),
            ('signup', "2 Sign-up"),
            ('connect', "3 Connection"),
            ('configure', "4 Configuration"),
        ],
        compute='_compute_steps',
    )
    code_done = fields.Boolean(compute='_compute_steps')
    signup_done = fields.Boolean(compute='_compute_steps')
    connect_done = fields.Boolean(compute='_compute_steps')
    test_mode = fields.Boolean(compute='_compute_steps')
    provider_ids = fields.Many2many(
        string="Providers",
        comodel_name='payment.provider',
        compute='_compute_provider_ids',
        groups='base.group_system',
    )

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    def _compute_display_name(self):
        self.display_name = self.env._("Online payment set-up")

    @api.depends('company_id')
    def _compute_provider_ids(self):
        for setup in self:
            providers = self.env['payment.provider'].search(
                [
                    ('company_id', '=', setup.company_id.id),
                    ('code', 'in', const.PROVIDER_CODES),
                ]
            )
            # What takes payments comes before what was replaced.
            setup.provider_ids = providers.sorted(
                lambda provider: (
                    provider.pay_now_replaced,
                    const.PROVIDER_CODES.index(provider.code),
                )
            )

    @api.depends('company_id')
    @api.depends_context('lang')
    def _compute_steps(self):
        for setup in self:
            company = setup.company_id
            setup.code_done = bool(company.pay_now_sage_customer_code)
            setup.signup_done = bool(company.pay_now_signup_date)
            setup.connect_done = company.pay_now_connected
            setup.test_mode = company._pay_now_test_mode()
            setup.step = (
                'code'
                if not setup.code_done
                else 'signup'
                if not setup.signup_done
                else 'configure'
                if setup.connect_done
                else 'connect'
            )
            setup.signup_text = setup.signup_done and self.env._(
                "Signed up on %(date)s with %(email)s.",
                date=format_date(self.env, company.pay_now_signup_date),
                email=company.pay_now_signup_email,
            )

    # === ACTION METHODS === #

    def _check_administrator(self):
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(self.env._("Only an administrator can set up online payment."))
        if self.company_id not in self.env.user.company_ids:
            raise AccessError(self.company_id._pay_now_shared_text())

    def _reopen(self):
        """Return the action that shows the set-up screen anew, with today's truth."""
        action = self.env['ir.actions.actions']._for_xml_id('account_pay_now.action_pay_now_setup')
        action['context'] = {'default_application': self.application}
        return action

    def action_save_code(self):
        """Step 1: keep the Sage customer code."""
        self._check_administrator()
        code = utils.clean_sage_code(self.sage_customer_code)
        if not code:
            raise UserError(
                self.env._(
                    "Enter your Sage customer code. You find it on your quotes and invoices from"
                    " Sage."
                )
            )
        self.company_id.pay_now_sage_customer_code = code
        return self._reopen()

    def action_sign_up(self):
        """Step 2: sign up with an e-mail address."""
        self._check_administrator()
        self.company_id._pay_now_sign_up(self.signup_email, self.application)
        return self._reopen()

    def action_connect(self):
        """Step 3: open the window for the keys of the provider given in the context, or its own
        registration.
        """
        self._check_administrator()
        if not self.company_id.pay_now_sage_customer_code:
            raise UserError(self.env._("Enter your Sage customer code first (step 1)."))
        if not self.company_id.pay_now_signup_date:
            raise UserError(self.env._("Sign up first (step 2)."))
        provider = self._context_provider()
        action = provider.action_pay_now_connect()
        if action['type'] == 'ir.actions.act_window':
            action['context'] = dict(action['context'], default_setup_id=self.id)
        return action

    def action_configure(self):
        """Step 4: open the settings, once a provider is connected; managers have their own."""
        if not self.company_id.pay_now_connected:
            raise UserError(self.env._("Available once Stripe or PayPal is connected (step 3)."))
        if not self.env.user.has_group('base.group_system'):
            return self.env['pay.now.options'].action_open()
        return self.env['ir.actions.actions']._for_xml_id('account_pay_now.action_pay_now_settings')

    def _context_provider(self):
        provider = self.env['payment.provider'].browse(self.env.context.get('provider_id'))
        # Never another company's.
        return provider & self.provider_ids or self.provider_ids[:1]
