# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.gateways import GATEWAYS
from odoo.addons.account_pay_now.gateways.errors import GatewayUnavailable
from odoo.addons.account_pay_now.models.provider import connection
from odoo.addons.payment import utils as payment_utils


class PaymentProvider(models.Model):
    """Stripe and PayPal for invoices and reminders, beside Odoo's own providers."""

    _inherit = 'payment.provider'

    code = fields.Selection(
        selection_add=[
            (const.STRIPE, "Stripe – invoices and reminders"),
            (const.PAYPAL, "PayPal – invoices and reminders"),
        ],
        ondelete={code: 'set default' for code in const.PROVIDER_CODES},
    )

    pay_now_minimum_amount = fields.Monetary(
        string="Minimum amount",
        currency_field='main_currency_id',
        help="The smallest payment this provider is offered for. Leave empty for what the provider"
        " itself takes.",
    )

    # === COMPUTE METHODS === #

    def _compute_feature_support_fields(self):
        """Override of `payment`: our providers redirect and refund; nothing is tokenized."""
        result = super()._compute_feature_support_fields()
        self.filtered(lambda provider: provider.code in const.PROVIDER_CODES).update(
            {'support_refund': 'partial', 'support_tokenization': False}
        )
        return result

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_api_base', 'state')
    def _check_pay_now_api_base(self):
        for provider in self.filtered('pay_now_api_base'):
            if provider.state == 'enabled' or not utils.is_loopback(provider.pay_now_api_base):
                raise ValidationError(
                    self.env._(
                        "The sandbox address can only be on this machine (127.0.0.1), and only in"
                        " test mode."
                    )
                )

    @api.constrains('pay_now_minimum_amount', 'maximum_amount', 'code', 'company_id')
    def _check_pay_now_amounts(self):
        for provider in self.filtered(lambda provider: provider.code in const.PROVIDER_CODES):
            if problem := provider._pay_now_amounts_problem():
                raise ValidationError(problem)

    def _pay_now_amounts_problem(self):
        """Return what is wrong with the minimum and the maximum, or False."""
        self.ensure_one()
        minimum, maximum = self.pay_now_minimum_amount, self.maximum_amount
        currency = self.company_id.currency_id
        name = self._pay_now_short_name()
        if minimum < 0 or maximum < 0:
            return self.env._("The minimum and the maximum cannot be negative.")
        if minimum and maximum and currency.compare_amounts(minimum, maximum) > 0:
            return self.env._("The minimum cannot be more than the maximum.")
        low, high = GATEWAYS[self.code].amount_limits(currency.name)
        if low > high:
            # The currency cannot be paid in: another matter, and there is nothing to compare.
            return False
        for amount in filter(None, (minimum, maximum)):
            if not low <= Decimal(str(amount)) <= high:
                return self.env._(
                    "%(provider)s itself takes payments between %(low)s and %(high)s.",
                    provider=name,
                    low=currency.format(float(low)),
                    high=currency.format(float(high)),
                )
        return False

    # === CREDENTIALS === #

    pay_now_api_key = fields.Char(
        string="Key",
        help="Stripe: the secret or restricted key (sk_… or rk_…). PayPal: the client id.",
        copy=False,
        groups='base.group_system',
    )
    pay_now_api_secret = fields.Char(
        string="Secret",
        help="PayPal: the secret of the client id.",
        copy=False,
        groups='base.group_system',
    )
    pay_now_test_keys = fields.Boolean(
        string="Test keys",
        help="The keys belong to the provider's test environment: no real money moves.",
        readonly=True,
        copy=False,
        groups='base.group_system',
    )
    pay_now_webhook_secret = fields.Char(
        string="Webhook secret",
        help="What the provider signs its notifications with. Kept by Connect; two of them, the"
        " new one first, while it is being renewed.",
        copy=False,
        groups='base.group_system',
    )
    pay_now_api_base = fields.Char(
        string="Sandbox address",
        help="Another address of the provider's API: only in test mode and only on this machine.",
        copy=False,
        groups='base.group_system',
    )

    # === CONNECTION === #

    pay_now_status = fields.Selection(
        string="Connection",
        selection=[('not_connected', "not connected"), ('connected', "connected")],
        default='not_connected',
        required=True,
        readonly=True,
        copy=False,
    )
    pay_now_account = fields.Char(string="Account id", readonly=True, copy=False)
    pay_now_account_name = fields.Char(string="Account", readonly=True, copy=False)
    pay_now_connected_at = fields.Datetime(string="Connected on", readonly=True, copy=False)
    pay_now_last_event_at = fields.Datetime(
        string="Last notification received", readonly=True, copy=False
    )
    pay_now_last_sweep_at = fields.Datetime(string="Last asked", readonly=True, copy=False)

    # === BUSINESS METHODS - FRAMEWORK === #

    def _get_supported_currencies(self):
        """Override of `payment` to keep the currencies the gateway can charge."""
        currencies = super()._get_supported_currencies()
        if self.code not in const.PROVIDER_CODES:
            return currencies
        codes = GATEWAYS[self.code].currencies
        return currencies.filtered(lambda currency: currency.name in codes)

    def _get_default_payment_method_codes(self):
        """Override of `payment` to activate the usual methods when connected."""
        if self.code not in const.PROVIDER_CODES:
            return super()._get_default_payment_method_codes()
        return const.DEFAULT_PAYMENT_METHOD_CODES[self.code]

    def _get_reset_values(self):
        """Override of `payment` to forget our credentials too, and whom the platform acts for."""
        if self.code not in const.PROVIDER_CODES:
            return super()._get_reset_values()
        return {
            'pay_now_api_key': False,
            'pay_now_api_secret': False,
            'pay_now_status': 'not_connected',
            'pay_now_platform_state': False,
            'pay_now_platform_account': False,
            **self._pay_now_no_webhook_values(),
        }

    @api.model
    def _get_compatible_providers(
        self, company_id, partner_id, amount, *args, report=None, **kwargs
    ):
        """Override of `payment`: on Odoo's own pages ours are offered for invoices they may pay.

        The pages that know the invoice put it into the context (see `controllers/portal.py`).
        """
        providers = super()._get_compatible_providers(
            company_id, partner_id, amount, *args, report=report, **kwargs
        )
        ours = providers.filtered(lambda provider: provider.code in const.PROVIDER_CODES)
        if not ours:
            return providers
        invoices = (
            self.env['account.move'].sudo().browse(self.env.context.get('pay_now_invoice_ids', []))
        )
        allowed = ours.filtered(
            lambda provider: (
                provider.pay_now_status == 'connected'
                and provider.pay_now_health != 'red'
                and provider._pay_now_takes(amount)
            )
        )
        if not invoices or invoices._pay_now_refusals('page'):
            allowed = allowed.browse()
        payment_utils.add_to_report(
            report,
            ours - allowed,
            available=False,
            reason=self.env._("not for this document (Pay Now)"),
        )
        return providers - (ours - allowed)

    # === BUSINESS METHODS - GATEWAY === #

    def _pay_now_short_name(self):
        """Return the provider's bare name, e.g. Stripe.

        :rtype: str
        """
        return const.SHORT_NAMES[self.code]

    def _pay_now_connection(self, key=''):
        """Return how the provider is connected, which all questions about it go to.

        :param str key: one that is tried, which makes it a connection with keys.
        :rtype: connection.OwnKeys | connection.Platform
        """
        self.ensure_one()
        if not key and self._pay_now_on_platform():
            return connection.Platform(self)
        return connection.OwnKeys(self)

    @api.model
    def _pay_now_swept(self):
        """Return the providers of ours that can be asked, connected or being wound up.

        :rtype: payment.provider (sudo)
        """
        return (
            self.sudo()
            .search([('code', 'in', const.PROVIDER_CODES), ('pay_now_account', '!=', False)])
            .filtered(lambda provider: provider._pay_now_connection().can_be_asked())
        )

    def _pay_now_gateway(self, **tried):
        """Return the gateway of this provider record, by the credentials of its connection.

        :param tried: other values of `gateways.base.Credentials` than the stored ones.
        :return: an object of the protocol `gateways.protocol.Gateway`.
        :raise GatewayAuthError: the platform's credentials may not be used.
        """
        return self._pay_now_connection(tried.get('key')).gateway(**tried)

    def _pay_now_error_text(self, error):
        """Return what a gateway's error means, translated where the sentence is our own.

        :param GatewayError error: what the gateway raised.
        :rtype: str
        """
        self.ensure_one()
        name = self._pay_now_short_name()
        if isinstance(error, GatewayUnavailable):
            return self.env._("%s does not answer at the moment.", name)
        if text := self._pay_now_platform_error_text(error):
            return text
        return {
            'secret_key_required': self.env._(
                "This is a publishable key. Please use the secret key."
            ),
            'not_a_key': self.env._("This is not a key of %s.", name),
            'currency_not_supported': self.env._("%s does not take this currency.", name),
        }.get(error.code) or self.env._(
            "%(provider)s answers: %(answer)s", provider=name, answer=error.message or error.code
        )

    def _pay_now_amount_limits(self, currency):
        """Return the smallest and largest amount the provider may be paid with at once.

        :param res.currency currency: the currency of the payment.
        :return: two amounts in major units.
        :rtype: tuple(decimal.Decimal, decimal.Decimal)
        """
        self.ensure_one()
        low, high = GATEWAYS[self.code].amount_limits(currency.name)
        provider = self.sudo()
        if provider.pay_now_minimum_amount:
            low = max(low, Decimal(str(provider.pay_now_minimum_amount)))
        if provider.maximum_amount:
            high = min(high, Decimal(str(provider.maximum_amount)))
        return low, high

    def _pay_now_button_label(self):
        """Return what the button of the provider says on the pay page.

        :rtype: str
        """
        self.ensure_one()
        if self.code == const.PAYPAL:
            return self.env._("Pay with PayPal")
        return self.env._("Pay by card")

    def _pay_now_accepts(self):
        """Return what can be used at the provider, for whoever decides how to pay.

        :return: empty where the provider's own name says it all.
        :rtype: str
        """
        self.ensure_one()
        methods = self.env['payment.method'].sudo()
        names = methods.search_fetch(
            [('provider_ids', 'in', self.ids), ('primary_payment_method_id', '=', False)], ['name']
        ).mapped('name')
        if [name.lower() for name in names] == [self._pay_now_short_name().lower()]:
            return ''
        return ', '.join(names[: const.SHOWN_METHODS])

    def _pay_now_default_method(self):
        """Return the payment method a transaction starts with; the one really used is kept later.

        :rtype: payment.method
        """
        self.ensure_one()
        methods = self.with_context(active_test=False).payment_method_ids
        return (
            methods.filtered(lambda method: method.code == const.FIRST_METHOD[self.code])[:1]
            or (methods[:1])
        )

    # === BUSINESS METHODS === #

    def _pay_now_takes(self, amount):
        """Tell whether the provider may be offered for an amount in the company's currency.

        :param float amount: 0 for one that is not known yet.
        :rtype: bool
        """
        self.ensure_one()
        if not amount:
            return True
        low, high = self._pay_now_amount_limits(self.company_id.currency_id)
        return low <= Decimal(str(amount)) <= high

    def _pay_now_limits_text(self, currency):
        """Return in one sentence for the customer which amounts the providers take.

        :param res.currency currency: of the payment.
        :rtype: str
        """
        limits = [provider._pay_now_amount_limits(currency) for provider in self]
        low, high = min(low for low, _high in limits), max(high for _low, high in limits)
        return self.env._(
            "Online payment takes amounts between %(low)s and %(high)s.",
            low=currency.format(float(low)),
            high=currency.format(float(high)),
        )
