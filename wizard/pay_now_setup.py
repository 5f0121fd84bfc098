# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const, utils

STEPS = [
    ('code', "1 Sage customer code"),
    ('signup', "2 Sign-up"),
    ('connect', "3 Connection"),
    ('configure', "4 Configuration"),
]
#: The company's options that step 4 shows, by application.
TICKS = {
    application: (f'pay_now_reminder_{application}', f'pay_now_any_method_{application}')
    for application, _label in const.APPLICATIONS
}
TICK_FIELDS = tuple(name for names in TICKS.values() for name in names)


class PayNowSetup(models.TransientModel):
    """The set-up screen: four steps in order, one of them open, the done ones a line each.

    What is done is asked of the company each time: a step that is not done any more, as its
    provider was disconnected, opens again.
    """

    _name = 'pay.now.setup'
    _description = "Online payment set-up"
    _inherit = ['pay.now.authority.mixin', 'pay.now.notices']
    _pay_now_written_by = dict.fromkeys(
        (
            'application',
            'sage_customer_code',
            'signup_email',
            'shown',
        ),
        True,
    )

    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        default=lambda self: self.env.company.root_id,
    )
    application = fields.Selection(
        selection=const.APPLICATIONS, required=True, readonly=True, default='accounting'
    )

    # === STEPS === #

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
    step = fields.Selection(string="Next step", selection=STEPS, compute='_compute_steps')
    opened = fields.Selection(
        string="Opened again",
        selection=STEPS,
        readonly=True,
        help="The done step that somebody wants to change.",
    )
    open_step = fields.Selection(string="Open step", selection=STEPS, compute='_compute_steps')
    code_done = fields.Boolean(compute='_compute_steps')
    signup_done = fields.Boolean(compute='_compute_steps')
    connect_done = fields.Boolean(compute='_compute_steps')
    configure_done = fields.Boolean(compute='_compute_steps')
    code_text = fields.Char(compute='_compute_texts')
    signup_text = fields.Char(compute='_compute_texts')
    connect_text = fields.Char(compute='_compute_texts')
    configure_text = fields.Char(compute='_compute_texts')
    test_mode = fields.Boolean(compute='_compute_steps')
    provider_ids = fields.Many2many(
        string="Providers",
        comodel_name='payment.provider',
        compute='_compute_provider_ids',
        groups='base.group_system',
    )
    stripe_goes_live = fields.Boolean(compute='_compute_goes_live')
    paypal_goes_live = fields.Boolean(compute='_compute_goes_live')

    # === OPTIONS OF STEP 4 === #

    pay_now_reminder_accounting = fields.Boolean(
        string="Allow online payment of customer reminders (Accounting)",
        compute='_compute_ticks',
        readonly=False,
    )
    pay_now_any_method_accounting = fields.Boolean(
        string="Allow online payment whatever the payment method (Accounting)",
        compute='_compute_ticks',
        readonly=False,
        help="Offer the button also to customers who usually pay by cheque or transfer.",
    )
    pay_now_reminder_sales = fields.Boolean(
        string="Allow online payment of customer reminders (Sales)",
        compute='_compute_ticks',
        readonly=False,
    )
    pay_now_any_method_sales = fields.Boolean(
        string="Allow online payment whatever the payment method (Sales)",
        compute='_compute_ticks',
        readonly=False,
        help="Offer the button also to customers who usually pay by cheque or transfer.",
    )
    shown = fields.Json(
        string="Options when the screen was opened",
        default=lambda self: self._current_ticks(self.env.company.root_id),
        help="A new screen is saved with all it shows: what differs is what somebody changed.",
    )
    books = fields.Json(string="Journals and accounts", compute='_compute_books')

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

    # Odoo recomputes no screen as records behind it change: each request asks anew.
    @api.depends('opened', 'company_id')
    def _compute_steps(self):
        order = [step for step, _label in STEPS]
        for setup in self:
            company = setup.company_id
            # Not those that somebody switched off among Odoo's providers.
            providers = company._pay_now_connected_providers()
            setup.code_done = bool(company.pay_now_sage_customer_code)
            setup.signup_done = setup.code_done and bool(company.pay_now_signup_date)
            setup.connect_done = setup.signup_done and bool(providers)
            setup.configure_done = (
                setup.connect_done
                and any(company[name] for name in TICK_FIELDS)
                and all(setup._has_books(provider) for provider in providers)
            )
            setup.test_mode = company._pay_now_test_mode()
            done = (setup.code_done, setup.signup_done, setup.connect_done)
            # The last step stays open: there is always something to try out.
            setup.step = order[done.index(False) if False in done else len(done)]
            setup.open_step = (
                setup.opened
                if setup.opened and order.index(setup.opened) < order.index(setup.step)
                else setup.step
            )

    @api.depends('step', 'open_step')
    @api.depends_context('lang')
    def _compute_texts(self):
        for setup in self:
            company = setup.company_id
            setup.code_text = company.pay_now_sage_customer_code
            setup.signup_text = setup.signup_done and self.env._(
                "Signed up on %(date)s with %(email)s.",
                date=format_date(self.env, company.pay_now_signup_date),
                email=company.pay_now_signup_email,
            )
            setup.connect_text = setup.connect_done and ', '.join(
                setup._connection_text(provider)
                for provider in company._pay_now_connected_providers()
            )
            setup.configure_text = setup.connect_done and setup._ticks_text()

    @api.depends('company_id', 'step')
    def _compute_goes_live(self):
        for setup in self:
            tested = setup._tested_providers()
            setup.stripe_goes_live = const.STRIPE in tested.mapped('code')
            setup.paypal_goes_live = const.PAYPAL in tested.mapped('code')

    @api.depends('company_id')
    def _compute_ticks(self):
        for setup in self:
            for name, value in self._current_ticks(setup.company_id).items():
                setup[name] = value

    @api.depends('company_id', 'step')
    @api.depends_context('lang')
    def _compute_books(self):
        for setup in self:
            # Names of journals and accounts: for whoever keeps this company's books.
            company = setup.company_id & self.env.companies
            providers = company and company._pay_now_connected_providers()
            setup.books = providers and {
                f'books_{provider.id}': setup._books_notice(provider) for provider in providers
            }

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base` to change the options that were ticked on a new screen."""
        setups = super().create(vals_list)
        for setup, vals in zip(setups, vals_list, strict=True):
            shown = vals.get('shown') or {}
            setup._tick(
                {
                    name: vals[name]
                    for name in TICK_FIELDS
                    if name in vals and vals[name] != shown.get(name)
                }
            )
        return setups

    def write(self, vals):
        """Override of `base` to change the options that are ticked, at once."""
        result = super().write(vals)
        for setup in self:
            setup._tick({name: vals[name] for name in TICK_FIELDS if name in vals})
        return result

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

    def action_edit(self):
        """Open a done step again: the one of the context; the next one is a line meanwhile."""
        self.ensure_one()
        self.check_access('write')
        step = self.env.context.get('pay_now_step')
        self.sudo().opened = step if step in dict(STEPS) else False

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
        """Step 4: open all options, once a provider is connected; managers have their own."""
        self._check_connected()
        if not self.env.user.has_group('base.group_system'):
            return self.env['pay.now.options'].action_open()
        return self.env['ir.actions.actions']._for_xml_id('account_pay_now.action_pay_now_settings')

    def action_books(self):
        """Step 4: open journals and accounts of the providers in a window."""
        self._check_connected()
        if not self.env.user.has_group('account.group_account_manager'):
            return self.action_configure()
        return self.env['pay.now.options'].with_company(self.company_id)._open_books()

    def action_go_live(self):
        """Ask for the keys that take real money, of the provider whose code the context has."""
        self._check_administrator()
        code = self.env.context.get('pay_now_code')
        providers = self._tested_providers().filtered(lambda provider: provider.code == code)
        if not providers:
            raise UserError(self.env._("No provider in test mode is connected."))
        action = providers[:1].with_env(self.env).action_pay_now_go_live()
        action['context'] = dict(action['context'], default_setup_id=self.id)
        return action

    # === BUSINESS METHODS - STEPS === #

    def _check_connected(self):
        """Refuse step 4 before step 3.

        :return: None
        :raise UserError: no provider is connected.
        """
        if not self.company_id.pay_now_connected:
            raise UserError(self.env._("Available once Stripe or PayPal is connected (step 3)."))

    def _tested_providers(self):
        """Return the providers connected with test keys, which others may follow that are live.

        A platform connects in the environment that its own keys are of.

        :rtype: payment.provider (sudo)
        """
        company = self.company_id
        return company._pay_now_connected_providers().filtered(
            lambda provider: (
                provider.company_id == company
                and provider.pay_now_test_keys
                and not provider.pay_now_uses_platform
            )
        )

    @api.model
    def _has_books(self, provider):
        """Tell whether payments and commissions of a provider can be booked.

        :param payment.provider provider: a connected one (sudo).
        :rtype: bool
        """
        return bool(
            provider.journal_id
            and provider.pay_now_clearing_account_id
            and (provider.pay_now_commission_account_id or provider.pay_now_commission_imported)
        )

    def _connection_text(self, provider):
        name = provider._pay_now_short_name()
        account = provider.pay_now_account_name or provider.pay_now_account
        if provider.pay_now_test_keys:
            return self.env._("%(provider)s (%(account)s, test)", provider=name, account=account)
        return self.env._("%(provider)s (%(account)s)", provider=name, account=account)

    def _ticks_text(self):
        """Return in one line what each application allows.

        :rtype: str
        """
        company = self.company_id
        texts = []
        for application, (reminder, any_method) in TICKS.items():
            allowed = [
                text
                for name, text in (
                    (reminder, self.env._("reminders")),
                    (any_method, self.env._("whatever the payment method")),
                )
                if company[name]
            ]
            name = self.env._("Sales") if application == 'sales' else self.env._("Accounting")
            texts.append(
                self.env._(
                    "%(application)s: %(allowed)s",
                    application=name,
                    allowed=', '.join(allowed) or self.env._("nothing ticked"),
                )
            )
        return ' · '.join(texts)

    def _books_notice(self, provider):
        """Return where the payments of a provider are booked, or what is missing.

        :param payment.provider provider: a connected one (sudo).
        :return: as core's widget `actionable_errors` shows it.
        :rtype: dict
        """
        provider = provider.with_env(self.env).sudo().with_company(self.company_id)
        account = provider.pay_now_commission_account_id
        values = {
            'provider': provider._pay_now_short_name(),
            'journal': provider.journal_id.display_name,
            'account': f'{account.code or ""} {account.name or ""}'.strip(),
        }
        if not self._has_books(provider):
            return {
                'level': 'warning',
                'message': self.env._(
                    "%(provider)s: the journal or an account is missing, so that not all can be"
                    " booked.",
                    **values,
                ),
            }
        if provider.pay_now_commission_imported:
            message = self.env._(
                "%(provider)s: payments in the journal %(journal)s, commissions from the imported"
                " statement.",
                **values,
            )
        else:
            message = self.env._(
                "%(provider)s: payments in the journal %(journal)s, commissions on %(account)s.",
                **values,
            )
        return {'level': 'success', 'message': message}

    def _context_provider(self):
        provider = self.env['payment.provider'].browse(self.env.context.get('provider_id'))
        # Never another company's.
        return provider & self.provider_ids or self.provider_ids[:1]

    # === BUSINESS METHODS - OPTIONS === #

    @api.model
    def _current_ticks(self, company):
        """Return which options of step 4 a company has ticked now.

        :rtype: dict
        """
        return {name: company[name] for name in TICK_FIELDS}

    def _tick(self, ticks):
        """Change options of the company, as its administrators and accounting managers may.

        :param dict ticks: `{option: ticked}`.
        :return: None
        :raise AccessError: for anybody else.
        """
        if not ticks:
            return
        company = self.company_id
        if self.env.user.has_group('base.group_system'):
            self._check_administrator()
        else:
            self.env['pay.now.options']._check_manager(company)
        company.sudo().write(ticks)
        self.invalidate_recordset()
