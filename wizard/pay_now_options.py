# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.wizard.pay_now_options_line import BOOKS, LIMITS

#: The company's fields that the screen changes.
SCREEN_FIELDS = (*const.OPTION_FIELDS, 'pay_now_test_email')


class PayNowOptions(models.TransientModel):
    """Step 4 for accounting managers: options, journals and accounts, and never a key.

    Companies and providers are for administrators: they are read and written with sudo, after an
    explicit check. The screen holds a copy of what it shows, and passes on what is changed.
    """

    _name = 'pay.now.options'
    _description = "Online payment options"
    _inherit = ['pay.now.authority.mixin', 'pay.now.notices']
    _pay_now_written_by = dict.fromkeys(
        (
            'pay_now_reminder_accounting',
            'pay_now_any_method_accounting',
            'pay_now_reminder_sales',
            'pay_now_any_method_sales',
            'pay_now_reminder_auto',
            'pay_now_partial',
            'pay_now_receipts',
            'pay_now_print_link',
            'pay_now_print_qr',
            'pay_now_send_notices',
            'pay_now_test_email',
            'line_ids',
        ),
        True,
    )

    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    sage_customer_code = fields.Char(
        string="Sage customer code", related='company_id.pay_now_sage_customer_code'
    )
    connected = fields.Boolean(related='company_id.pay_now_connected')
    pay_now_reminder_accounting = fields.Boolean(
        string="Allow online payment of customer reminders (Accounting)",
    )
    pay_now_any_method_accounting = fields.Boolean(
        string="Allow online payment whatever the payment method (Accounting)",
        help="Offer the button also to customers who usually pay by cheque or transfer.",
    )
    pay_now_reminder_sales = fields.Boolean(
        string="Allow online payment of customer reminders (Sales)",
    )
    pay_now_any_method_sales = fields.Boolean(
        string="Allow online payment whatever the payment method (Sales)",
        help="Offer the button also to customers who usually pay by cheque or transfer.",
    )
    pay_now_reminder_auto = fields.Boolean(
        string="Send reminders automatically every day",
    )
    pay_now_partial = fields.Boolean(
        string="Let customers pay a part of an amount",
        help="On the pay page customers may type a smaller amount. It pays the oldest of the"
        " ticked items first.",
    )
    pay_now_receipts = fields.Boolean(
        string="Send receipts",
        help="Whoever paid online gets a mail with the paid invoices. Untick it if your payment"
        " provider sends receipts already.",
    )
    pay_now_print_link = fields.Boolean(
        string="Print the payment link on invoices",
        help="The printed invoice says where it is paid online, as its mail does.",
    )
    pay_now_print_qr = fields.Boolean(
        string="Print a QR code for paying on invoices",
        help="Whoever scans it, or clicks on it, comes to the pay page. It takes the place of"
        " Odoo's own payment link.",
    )
    pay_now_send_notices = fields.Boolean(
        string="Send pay notices",
        help="When an invoice leaves without our mail – by Peppol, by post or as a download – the"
        " customer gets a short mail with the Pay now button and no PDF, once for each invoice.",
    )
    pay_now_test_email = fields.Char(
        string="Test address",
        help="With test keys no real money moves: only this address then gets a Pay now button.",
    )
    forecast_text = fields.Char(string="Tomorrow", readonly=True)
    line_ids = fields.One2many(
        string="Providers", comodel_name='pay.now.options.line', inverse_name='options_id'
    )

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    def _compute_display_name(self):
        self.display_name = self.env._("Online payment options")

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base`: a new screen shows what is, whatever was asked for."""
        companies = [
            self.env['res.company'].browse(vals.get('company_id') or self.env.company.id)
            for vals in vals_list
        ]
        self.check_access('create')
        # What is shown is ours to write, what is changed the manager's.
        Screens = super(PayNowOptions, self.sudo())
        screens = Screens.create([self._prepare_screen(company) for company in companies])
        screens = screens.with_env(self.env)
        for options in screens:
            providers = self._providers(options.company_id)
            lines = self.env['pay.now.options.line'].sudo()
            lines.create(
                [
                    {
                        'options_id': options.id,
                        'provider_id': provider.id,
                        'name': provider.name,
                        **{name: provider[name].id for name in BOOKS},
                        **{name: provider[name] for name in LIMITS},
                        **lines._commission_values(provider),
                    }
                    for provider in providers
                ]
            )
        return screens

    def write(self, vals):
        """Override of `base` to change the company's options, and only those that were changed.

        :raise AccessError: for anybody but the company's accounting managers.
        """
        if 'company_id' in vals:
            self._check_manager(self.env['res.company'].browse(vals['company_id']))
        for options in self:
            self._check_manager(options.company_id)
            changed = {name: vals[name] for name in SCREEN_FIELDS if name in vals}
            if changed:
                options.company_id.sudo().write(changed)
        return super().write(vals)

    # === ACTION METHODS === #

    @api.model
    def action_open(self):
        """Show the options of the current company."""
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Online payment options"),
            'res_model': self._name,
            'res_id': self.create({}).id,
            'views': [(False, 'form')],
            'target': 'current',
        }

    @api.model
    def _open_books(self):
        """Return the window with the journals and accounts of the current company's providers.

        :rtype: dict
        """
        return {
            **self.action_open(),
            'name': self.env._("Journals and accounts"),
            'views': [(self.env.ref('account_pay_now.pay_now_options_view_books').id, 'form')],
            'target': 'new',
        }

    def action_check(self):
        """Ask each connected provider again who we are, and say what came of it."""
        self._check_manager(self.company_id)
        providers = self.company_id._pay_now_connected_providers()
        return providers.action_pay_now_check()

    def action_forecast(self):
        """Show whom the automatic run of tomorrow would remind."""
        self._check_manager(self.company_id)
        return self.env['pay.now.forecast.line']._open(self.company_id)

    # === BUSINESS METHODS === #

    @api.model
    def _prepare_screen(self, company):
        """Return what a screen shows of a company.

        :param res.company company: the company.
        :rtype: dict
        """
        self._check_manager(company)
        company_sudo = company.sudo()
        return {
            'company_id': company.id,
            'forecast_text': company._pay_now_forecast_text(),
            **{name: company_sudo[name] for name in SCREEN_FIELDS},
        }

    @api.model
    def _providers(self, company):
        """Return the providers of a company, connected or not.

        :rtype: payment.provider (sudo)
        """
        return (
            self.env['payment.provider']
            .sudo()
            .search([('company_id', '=', company.id), ('code', 'in', const.PROVIDER_CODES)])
        )

    @api.model
    def _check_manager(self, company):
        """Let only accounting managers of a company go on.

        :param res.company company: the company.
        :return: None
        :raise AccessError: for anybody else.
        """
        if not self.env.user.has_group('account.group_account_manager'):
            raise AccessError(
                self.env._("Only an accounting manager can change the online payment options.")
            )
        if company not in self.env.companies:
            raise AccessError(self.env._("This is another company."))
