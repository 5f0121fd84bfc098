# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import urls

from odoo.addons.account_pay_now import const, platform_mode
from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError, GatewayError


class PaymentProvider(models.Model):
    """A provider whose calls are made with the platform's credentials, for its own account."""

    _inherit = 'payment.provider'

    pay_now_uses_platform = fields.Boolean(
        string="Connected without keys", compute='_compute_pay_now_uses_platform'
    )

    # === COMPUTE METHODS === #

    @api.depends('code')
    def _compute_pay_now_uses_platform(self):
        for provider in self:
            provider.pay_now_uses_platform = provider._pay_now_on_platform()

    def _pay_now_find_stage(self):
        """Override of this module: what the platform acts for is followed without keys."""
        stage = super()._pay_now_find_stage()
        # Disconnected, but not forgotten.
        return 'followed' if stage == 'forgotten' and self._pay_now_on_platform() else stage

    # === CONSTRAINT METHODS === #

    @api.constrains('state')
    def _check_pay_now_platform(self):
        for provider in self.filtered(lambda provider: provider.state == 'enabled'):
            if provider._pay_now_on_platform() and platform_mode.is_test(provider.code):
                raise ValidationError(
                    self.env._("This server has test credentials: no real payment is possible.")
                )

    # === BUSINESS METHODS - FRAMEWORK === #

    def _get_reset_values(self):
        """Override of `payment` to forget which account the platform acts for."""
        values = super()._get_reset_values()
        if self.code not in const.PROVIDER_CODES:
            return values
        return {**values, 'pay_now_platform_state': False, 'pay_now_platform_account': False}

    # === BUSINESS METHODS - GATEWAY === #

    def _pay_now_on_platform(self):
        """Tell whether the platform's credentials are used for this provider."""
        return self.sudo().pay_now_platform_state == 'used'

    def _pay_now_can_be_asked(self):
        """Override of this module: the platform's credentials do as well as keys."""
        if self._pay_now_on_platform():
            return self.pay_now_has_platform
        return super()._pay_now_can_be_asked()

    def _pay_now_gateway(self, **tried):
        """Override of this module to act by the platform's credentials, unless keys are tried."""
        if tried.get('key') or not self._pay_now_on_platform():
            return super()._pay_now_gateway(**tried)
        # Credentials may be changed on the server at any time: real money meets no test.
        if self.state == ('enabled' if platform_mode.is_test(self.code) else 'test'):
            raise GatewayAuthError("The server has credentials of the other world.", 'no_platform')
        return platform_mode.gateway(self.code, self.sudo().pay_now_platform_account)

    def _pay_now_in_sandbox(self):
        """Override of this module: the platform may be the sandbox's."""
        if self._pay_now_on_platform():
            return platform_mode.in_sandbox(self.code)
        return super()._pay_now_in_sandbox()

    # === BUSINESS METHODS - CONNECTION === #

    def _pay_now_connect(self, key, secret=''):
        """Override of this module: keys of one's own take the place of the platform's."""
        if key:
            self.sudo().write({'pay_now_platform_state': False, 'pay_now_missing': False})
        return super()._pay_now_connect(key, secret)

    def _pay_now_webhook_address(self):
        """Override of this module: a platform hears of all its merchants at one address."""
        if not self._pay_now_on_platform():
            return super()._pay_now_webhook_address()
        return urls.urljoin(self.get_base_url(), platform_mode.webhook_path(self.code))

    def _pay_now_register_webhook(self, gateway, *args):
        """Override of this module: the platform's endpoint is registered on the server, once."""
        if not self._pay_now_on_platform():
            return super()._pay_now_register_webhook(gateway, *args)
        if not platform_mode.can_verify(self.code):
            return False
        return gateway.find_webhook(self._pay_now_webhook_address()) or False

    def _pay_now_look_after_webhook(self, gateway):
        """Override of this module: the platform's endpoint is looked for, and left as it is."""
        if not self._pay_now_on_platform():
            return super()._pay_now_look_after_webhook(gateway)
        webhook = self._pay_now_register_webhook(gateway)
        self.write(
            {
                'pay_now_webhook_ref': webhook and webhook.id,
                'pay_now_webhook_url': self._pay_now_webhook_address(),
            }
        )
        return False

    def _pay_now_renew_webhook(self):
        """Override of this module: the platform's secret is renewed on the server."""
        if self._pay_now_on_platform():
            raise UserError(self.env._("Whoever runs this server renews its secrets."))
        return super()._pay_now_renew_webhook()

    def _pay_now_webhook_is_ours(self):
        """Override of this module: the platform's endpoint is not a company's to remove."""
        return not self._pay_now_on_platform() and super()._pay_now_webhook_is_ours()

    def _pay_now_unregister_webhooks(self):
        """Override of this module: the platform's endpoint is not a company's to remove."""
        return not self._pay_now_on_platform() and super()._pay_now_unregister_webhooks()

    def _pay_now_change_keys(self, key, secret=''):
        """Override of this module: there are no keys to change."""
        if self._pay_now_on_platform():
            raise UserError(self.env._("Disconnect first, then connect with keys of your own."))
        return super()._pay_now_change_keys(key, secret)

    def _pay_now_forget_keys(self):
        """Override of this module: the platform no longer acts for the account either."""
        left = super()._pay_now_forget_keys()
        self.sudo().write({'pay_now_platform_state': False, 'pay_now_missing': False})
        return left

    def _pay_now_account_changed(self):
        """Look again at an account that the provider says has changed.

        :return: why it could not be asked, if so.
        :rtype: str | None
        """
        self.ensure_one()
        record = self._pay_now_as_company()
        try:
            if record.sudo().pay_now_platform_state == 'open':
                record._pay_now_resume_onboarding()
            elif record.pay_now_status == 'connected':
                return record._pay_now_check()
        except GatewayError as error:
            return self._pay_now_error_text(error)
        return None

    def _pay_now_as_company(self):
        """Return the provider as its company sees it, for what nobody asked for by hand."""
        company = self.company_id
        return self.with_company(company).with_context(lang=company._pay_now_lang())

    # === BUSINESS METHODS - NOTIFICATIONS === #

    @api.model
    def _pay_now_route(self, code, event):
        """Return the providers that a notification of the platform is for.

        :param str code: of the provider that notified the platform.
        :param Event event: verified.
        :return: none when it is about a merchant of another database.
        :rtype: payment.provider
        """
        mine = Domain('code', '=', code) & Domain('pay_now_platform_state', '!=', False)
        providers = self.sudo()
        if event.account_id:
            account = Domain('pay_now_platform_account', '=', event.account_id)
            if found := providers.search(mine & account):
                return found
        if event.subject == 'account' and code == const.PAYPAL:
            # Perhaps the end of a registration; whose it is, the provider will tell.
            begun = Domain('pay_now_platform_state', '=', 'open')
            begun &= Domain('pay_now_platform_account', '=', False)
            if event.reference:
                begun &= Domain('pay_now_platform_ref', '=', event.reference)
            return providers.search(mine & begun)
        if event.account_id:
            return providers.browse()
        return self._pay_now_route_by_payment(providers.search(mine), event)

    @api.model
    def _pay_now_route_by_payment(self, providers, event):
        """Return which of some providers has the payment that an event is about.

        :param payment.provider providers: those that it may be.
        :param gateways.base.Event event: verified.
        :rtype: payment.provider
        """
        Transaction = self.env['payment.transaction'].sudo()
        found = Transaction._pay_now_find(providers, {event.id: event})
        return found.get(event.id, Transaction).provider_id
