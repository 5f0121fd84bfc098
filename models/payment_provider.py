# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from decimal import Decimal

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_datetime, mute_logger, urls

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment.logging import get_payment_logger

from .. import const, utils
from ..gateways import GATEWAYS
from ..gateways.base import Credentials
from ..gateways.errors import GatewayAuthError, GatewayUnavailable

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    code = fields.Selection(
        selection_add=[
            (const.STRIPE, "Stripe – invoices and reminders"),
            (const.PAYPAL, "PayPal – invoices and reminders"),
        ],
        ondelete={code: 'set default' for code in const.PROVIDER_CODES},
    )

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
        help="The keys belong to the provider's test world: no real money moves.",
        readonly=True,
        copy=False,
        groups='base.group_system',
    )
    pay_now_webhook_secret = fields.Char(
        string="Webhook secret",
        help="What the provider signs its notifications with. Kept by Connect.",
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
    pay_now_webhook_ref = fields.Char(string="Webhook id", readonly=True, copy=False)
    pay_now_webhook_url = fields.Char(string="Webhook address", readonly=True, copy=False)
    pay_now_connected_at = fields.Datetime(string="Connected on", readonly=True, copy=False)
    pay_now_last_event_at = fields.Datetime(
        string="Last notification received", readonly=True, copy=False
    )
    pay_now_last_sweep_at = fields.Datetime(string="Last asked", readonly=True, copy=False)
    pay_now_problem = fields.Char(
        string="To mend", readonly=True, copy=False, help="What keeps the provider from working."
    )
    pay_now_health = fields.Selection(
        string="Connection health",
        selection=[('green', "fine"), ('amber', "to check"), ('red', "to mend")],
        compute='_compute_pay_now_health',
    )
    pay_now_health_text = fields.Char(string="What to do", compute='_compute_pay_now_health')

    # === COMPUTE METHODS === #

    @api.depends(
        'pay_now_status',
        'pay_now_problem',
        'pay_now_last_event_at',
        'pay_now_webhook_url',
        'pay_now_commission_account_id',
    )
    def _compute_pay_now_health(self):
        for provider in self:
            provider.pay_now_health, provider.pay_now_health_text = provider._pay_now_get_health()

    def _pay_now_get_health(self):
        """Return the light and its one thing to do (design section 6.5)."""
        if self.pay_now_status != 'connected':
            return False, False
        if self.pay_now_problem:
            return 'red', self.pay_now_problem
        if not self.pay_now_commission_account_id:
            return 'amber', self.env._(
                "Choose the commission account (step 4). Until then commissions wait under “To"
                " handle”."
            )
        asked = self.env._(
            "Payments are booked every %s minutes meanwhile.", const.SWEEP_INTERVAL_MINUTES
        )
        if (
            not (self.pay_now_webhook_url or '').startswith('https://')
            and not self.sudo().pay_now_api_base
        ):
            return 'amber', self.env._(
                "The provider only notifies https addresses: give Odoo one, then disconnect and"
                " connect again. %s",
                asked,
            )
        if not self.pay_now_last_event_at:
            return 'amber', self.env._(
                "No notification received yet: the first payment will bring one. %s", asked
            )
        return 'green', self.env._(
            "Last notification on %s.", format_datetime(self.env, self.pay_now_last_event_at)
        )

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
        """Override of `payment` to forget our credentials too."""
        if self.code not in const.PROVIDER_CODES:
            return super()._get_reset_values()
        return {
            'pay_now_api_key': False,
            'pay_now_api_secret': False,
            'pay_now_webhook_secret': False,
            'pay_now_webhook_ref': False,
            'pay_now_webhook_url': False,
            'pay_now_status': 'not_connected',
        }

    @api.model
    def _get_compatible_providers(self, company_id, *args, report=None, **kwargs):
        """Override of `payment`: on Odoo's own pages ours are offered for invoices they may pay.

        The pages that know the invoice put it into the context (see `controllers/portal.py`).
        """
        providers = super()._get_compatible_providers(company_id, *args, report=report, **kwargs)
        ours = providers.filtered(lambda provider: provider.code in const.PROVIDER_CODES)
        if not ours:
            return providers
        invoices = (
            self.env['account.move'].sudo().browse(self.env.context.get('pay_now_invoice_ids', []))
        )
        allowed = ours.filtered(
            lambda provider: (
                provider.pay_now_status == 'connected' and provider.pay_now_health != 'red'
            )
        )
        if not invoices or any(invoice._pay_now_refusal('page') for invoice in invoices):
            allowed = allowed.browse()
        payment_utils.add_to_report(
            report,
            ours - allowed,
            available=False,
            reason=self.env._("not for this document (Pay Now)"),
        )
        return providers - (ours - allowed)

    # === BUSINESS METHODS - GATEWAY === #

    def _pay_now_in_sandbox(self):
        """Tell whether the provider is the sandbox on this machine."""
        return utils.is_loopback(self.sudo().pay_now_api_base)

    def _pay_now_gateway(self, **tried):
        """Return the gateway of this provider record.

        :param tried: other values of `gateways.base.Credentials` than the stored ones.
        :return: an object of the protocol `gateways.protocol.Gateway`.
        """
        self.ensure_one()
        provider = self.sudo()
        stored = {
            'key': provider.pay_now_api_key or '',
            'secret': provider.pay_now_api_secret or '',
            'webhook_id': provider.pay_now_webhook_ref or '',
            'webhook_secrets': tuple((provider.pay_now_webhook_secret or '').split()),
            'test_mode': provider.pay_now_test_keys,
        }
        return GATEWAYS[provider.code](
            Credentials(**{**stored, **tried}), api_base=provider.pay_now_api_base or None
        )

    def _pay_now_webhook_address(self):
        """Return the address the provider is asked to notify."""
        self.ensure_one()
        return urls.urljoin(self.get_base_url(), f'/pay_now/webhook/{self.id}')

    def _pay_now_error_text(self, error):
        """Return what a gateway's error means, translated where the words are our own.

        :param GatewayError error: what the gateway raised.
        :rtype: str
        """
        self.ensure_one()
        name = self._pay_now_short_name()
        if isinstance(error, GatewayUnavailable):
            return self.env._("%s does not answer at the moment.", name)
        return {
            'secret_key_required': self.env._(
                "This is a publishable key. Please use the secret key."
            ),
            'not_a_key': self.env._("This is not a key of %s.", name),
            'currency_not_supported': self.env._("%s does not take this currency.", name),
        }.get(error.code) or self.env._(
            "%(provider)s answers: %(answer)s", provider=name, answer=error.message
        )

    def _pay_now_note_problem(self, error):
        """Remember what a failed call says about the connection itself.

        :param GatewayError error: what the gateway raised.
        """
        if isinstance(error, GatewayAuthError):
            self.sudo().pay_now_problem = self._pay_now_problem_text(error)
        _logger.warning(
            "%s refused or failed a request (%s): %s", self.name, error.request_id, error.message
        )

    def _pay_now_note_event(self):
        """Remember that notifications arrive. Once a minute is enough, and never waited for."""
        self.ensure_one()
        now = fields.Datetime.now()
        last = self.pay_now_last_event_at
        if last and now - last < timedelta(minutes=1):
            return
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                # Not against those that only refer to us: a notification is being stored.
                if self.try_lock_for_update(allow_referencing=True):
                    self.pay_now_last_event_at = now
        except psycopg2.errors.SerializationFailure:
            # Another notification of this very moment has noted it.
            self.invalidate_recordset(['pay_now_last_event_at'], flush=False)

    def _pay_now_amount_limits(self, currency):
        """Return the smallest and largest amount the provider takes in one payment.

        :param res.currency currency: the currency of the payment.
        :return: two amounts in major units.
        :rtype: tuple(decimal.Decimal, decimal.Decimal)
        """
        self.ensure_one()
        low, high = GATEWAYS[self.code].amount_limits(currency.name)
        maximum = self.sudo().maximum_amount
        return low, min(high, Decimal(str(maximum))) if maximum else high

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
        names = self.sudo().payment_method_ids.filtered('is_primary').mapped('name')
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
