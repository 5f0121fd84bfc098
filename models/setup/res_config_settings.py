# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models

from odoo.addons.account_pay_now import const

#: The settings of online payment alone.
OWN_VIEW = 'account_pay_now.res_config_settings_view_form_pay_now'


# Extended with a mixin, not a wizard of our own.
class ResConfigSettings(models.TransientModel):  # pylint: disable=no-wizard-in-models
    """The company's options on the settings of Accounting and Sales, with checks and warnings."""

    _name = 'res.config.settings'
    _inherit = ['res.config.settings', 'pay.now.authority.mixin', 'pay.now.notices']

    pay_now_sage_customer_code = fields.Char(
        related='company_id.pay_now_sage_customer_code', readonly=False
    )
    pay_now_test_email = fields.Char(related='company_id.pay_now_test_email', readonly=False)
    pay_now_connected = fields.Boolean(related='company_id.pay_now_connected')
    pay_now_reminder_accounting = fields.Boolean(
        related='company_id.pay_now_reminder_accounting', readonly=False
    )
    pay_now_reminder_sales = fields.Boolean(
        related='company_id.pay_now_reminder_sales', readonly=False
    )
    pay_now_any_method_accounting = fields.Boolean(
        related='company_id.pay_now_any_method_accounting', readonly=False
    )
    pay_now_any_method_sales = fields.Boolean(
        related='company_id.pay_now_any_method_sales', readonly=False
    )
    pay_now_start_level_id = fields.Many2one(
        related='company_id.pay_now_start_level_id', readonly=False
    )
    pay_now_minimum_amount = fields.Monetary(
        related='company_id.pay_now_minimum_amount', readonly=False
    )
    pay_now_hour_from = fields.Float(related='company_id.pay_now_hour_from', readonly=False)
    pay_now_hour_to = fields.Float(related='company_id.pay_now_hour_to', readonly=False)
    pay_now_working_days = fields.Boolean(related='company_id.pay_now_working_days', readonly=False)
    pay_now_daily_cap = fields.Integer(related='company_id.pay_now_daily_cap', readonly=False)
    pay_now_hold_out = fields.Float(related='company_id.pay_now_hold_out', readonly=False)
    pay_now_capital_cost = fields.Float(related='company_id.pay_now_capital_cost', readonly=False)
    pay_now_reminder_auto = fields.Boolean(
        related='company_id.pay_now_reminder_auto', readonly=False
    )
    pay_now_partial = fields.Boolean(related='company_id.pay_now_partial', readonly=False)
    pay_now_receipts = fields.Boolean(related='company_id.pay_now_receipts', readonly=False)
    pay_now_send_notices = fields.Boolean(related='company_id.pay_now_send_notices', readonly=False)
    pay_now_print_link = fields.Boolean(related='company_id.pay_now_print_link', readonly=False)
    pay_now_print_qr = fields.Boolean(related='company_id.pay_now_print_qr', readonly=False)
    pay_now_letters = fields.Boolean(related='company_id.pay_now_letters', readonly=False)
    pay_now_statement_monthly = fields.Boolean(
        related='company_id.pay_now_statement_monthly', readonly=False
    )
    pay_now_answer_paid = fields.Boolean(related='company_id.pay_now_answer_paid', readonly=False)
    pay_now_answer_promise = fields.Boolean(
        related='company_id.pay_now_answer_promise', readonly=False
    )
    pay_now_answer_problem = fields.Boolean(
        related='company_id.pay_now_answer_problem', readonly=False
    )
    pay_now_promise_days = fields.Integer(related='company_id.pay_now_promise_days', readonly=False)
    pay_now_grace_days = fields.Integer(related='company_id.pay_now_grace_days', readonly=False)
    pay_now_transfer_first = fields.Monetary(
        related='company_id.pay_now_transfer_first', readonly=False
    )
    pay_now_transfer_text = fields.Char(
        string="Accounts for transfers", compute='_compute_pay_now_transfer_text'
    )
    pay_now_plans = fields.Boolean(related='company_id.pay_now_plans', readonly=False)
    pay_now_plan_parts = fields.Integer(related='company_id.pay_now_plan_parts', readonly=False)
    pay_now_plan_days = fields.Integer(related='company_id.pay_now_plan_days', readonly=False)
    pay_now_plan_first_percent = fields.Float(
        related='company_id.pay_now_plan_first_percent', readonly=False
    )
    pay_now_plan_first_amount = fields.Monetary(
        related='company_id.pay_now_plan_first_amount', readonly=False
    )
    pay_now_plan_minimum = fields.Monetary(
        related='company_id.pay_now_plan_minimum', readonly=False
    )
    pay_now_reply_to = fields.Char(related='company_id.pay_now_reply_to', readonly=False)
    pay_now_forecast_text = fields.Char(
        string="Tomorrow",
        readonly=True,
        default=lambda self: self.env.company._pay_now_forecast_text(),
    )
    pay_now_provider_ids = fields.One2many(
        related='company_id.pay_now_provider_ids', readonly=False
    )

    @api.depends('company_id')
    @api.depends_context('lang')
    def _compute_pay_now_transfer_text(self):
        """Say to which of the company's accounts there is a QR code, and to which not yet."""
        euro = self.env.ref('base.EUR')
        for settings in self:
            texts = []
            drawn = settings.company_id.sudo().pay_now_transfer_account_ids.grouped(
                lambda account: account._pay_now_takes_qr(euro)
            )
            if True in drawn:
                numbers = ', '.join(drawn[True].mapped('acc_number'))
                texts.append(self.env._("With a QR code: %s.", numbers))
            if False in drawn:
                numbers = ', '.join(drawn[False].mapped('acc_number'))
                texts.append(
                    self.env._("Without one, not trusted or no IBAN of SEPA: %s.", numbers)
                )
            settings.pay_now_transfer_text = ' '.join(texts) or self.env._(
                "There is none yet: choose it in your bank journal."
            )

    @api.model
    def _get_view(self, view_id=None, view_type='form', **options):
        """Override of `base`: a branch reads here what is set up in its company.

        The screen of our own is made of all the settings: what others add stays away.
        """
        arch, view = super()._get_view(view_id, view_type, **options)
        if view == self.env.ref(OWN_VIEW, raise_if_not_found=False):
            self._pay_now_keep_own(arch)
        for node in arch.iter('field'):
            if node.get('name') in const.SHARED_FIELDS:
                node.set('readonly', f'not is_root_company or ({node.get("readonly", "False")})')
        return arch, view

    @api.model
    def _pay_now_keep_own(self, arch):
        """Take everything but our blocks out of the settings.

        :param lxml.etree._Element arch: the view.
        :return: None
        """
        for app in list(arch.iter('app')):
            if app.get('name') != 'account':
                app.getparent().remove(app)
                continue
            for node in list(app):
                if not (node.get('id') or '').startswith('pay_now_'):
                    app.remove(node)

    # === ACTION METHODS === #

    def action_pay_now_setup(self):
        """Open the set-up screen. Opened from Settings it counts as Accounting."""
        action = self.env['ir.actions.actions']._for_xml_id('account_pay_now.action_pay_now_setup')
        action['context'] = {'default_application': 'accounting'}
        return action

    def action_pay_now_check(self):
        """Ask each connected provider again who we are, and say what came of it."""
        return self.company_id._pay_now_connected_providers().action_pay_now_check()

    def action_pay_now_forecast(self):
        """Show whom the automatic run of tomorrow would remind."""
        return self.env['pay.now.forecast.line']._open(self.company_id)
