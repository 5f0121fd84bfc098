# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from odoo.addons.account_pay_now import const, platform_mode, problems
from odoo.addons.account_pay_now.gateways.errors import GatewayError


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

    # === CONSTRAINT METHODS === #

    @api.constrains('state')
    def _check_pay_now_platform(self):
        for provider in self.filtered(lambda provider: provider.state == 'enabled'):
            if provider._pay_now_on_platform() and platform_mode.is_test(provider.code):
                raise ValidationError(
                    self.env._("This server has test credentials: no real payment is possible.")
                )

    # === BUSINESS METHODS - GATEWAY === #

    def _pay_now_on_platform(self):
        """Tell whether the platform's credentials are used for this provider."""
        return self.sudo().pay_now_platform_state == 'used'

    def _pay_now_leave_platform(self):
        """Let the platform act for the account no longer."""
        self.sudo().write(
            {'pay_now_platform_state': False, **problems.values_of('pay_now_missing', False)}
        )

    # === BUSINESS METHODS - CONNECTION === #

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
