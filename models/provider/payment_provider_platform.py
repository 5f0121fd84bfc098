# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import urls

from odoo.addons.account_pay_now import const, platform_mode
from odoo.addons.account_pay_now.gateways.base import UNREADABLE, OnboardingRequest
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayAuthError,
    GatewayError,
    GatewayNotFound,
    GatewayUnavailable,
)
from odoo.addons.account_pay_now.models.provider import problems
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentProvider(models.Model):
    """A provider whose calls are made with the platform's credentials, for its own account.

    The merchant registers at the provider (hosted onboarding), no key changes hands. What is
    missing, refused or revoked there is said in the reader's language.
    """

    _inherit = 'payment.provider'

    pay_now_uses_platform = fields.Boolean(
        string="Connected without keys", compute='_compute_pay_now_uses_platform'
    )

    # Which merchant the platform's credentials act for is nobody's to choose: read and written
    # by the server alone.
    pay_now_platform_state = fields.Selection(
        string="Platform",
        selection=[('open', "begun"), ('used', "in use")],
        copy=False,
        groups=fields.NO_ACCESS,
    )
    pay_now_platform_account = fields.Char(
        string="Account of the platform",
        copy=False,
        groups=fields.NO_ACCESS,
        index='btree_not_null',
    )
    pay_now_platform_ref = fields.Char(
        string="Reference of the registration", copy=False, groups=fields.NO_ACCESS
    )
    pay_now_onboarding_at = fields.Datetime(
        string="Registration begun on", copy=False, groups=fields.NO_ACCESS
    )

    # Its code. Earlier versions kept a sentence, which is shown as it is.
    pay_now_missing = fields.Char(string="What the registration lacks", readonly=True, copy=False)
    pay_now_missing_values = fields.Json(
        string="Values of what the registration lacks", readonly=True, copy=False
    )
    pay_now_missing_text = fields.Char(
        string="Still missing",
        help="What keeps a registration at the provider from being complete.",
        compute='_compute_pay_now_missing_text',
    )
    pay_now_has_platform = fields.Boolean(
        string="Connects without keys", compute='_compute_pay_now_has_platform'
    )

    # === COMPUTE METHODS === #

    @api.depends('code')
    def _compute_pay_now_uses_platform(self):
        for provider in self:
            provider.pay_now_uses_platform = provider._pay_now_on_platform()

    @api.depends('code')
    def _compute_pay_now_has_platform(self):
        for provider in self:
            provider.pay_now_has_platform = (
                provider.code in const.PROVIDER_CODES and platform_mode.available(provider.code)
            )

    @api.depends(
        'pay_now_missing', 'pay_now_missing_values', 'pay_now_status', 'pay_now_platform_state'
    )
    @api.depends_context('lang')
    def _compute_pay_now_missing_text(self):
        for provider in self:
            provider.pay_now_missing_text = provider._pay_now_kept_problem_label('pay_now_missing')

    # === CONSTRAINT METHODS === #

    @api.constrains('state')
    def _check_pay_now_platform(self):
        for provider in self.filtered(lambda provider: provider.state == 'enabled'):
            if provider._pay_now_on_platform() and platform_mode.is_test(provider.code):
                raise ValidationError(
                    self.env._("This server has test credentials: no real payment is possible.")
                )

    # === ACTION METHODS === #

    def _pay_now_open_onboarding(self):
        """Return the action that leads to the provider's own registration.

        :rtype: dict
        """
        self.check_access('write')
        if url := self._pay_now_begin_onboarding():
            return {'type': 'ir.actions.act_url', 'url': url, 'target': 'self'}
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    def action_pay_now_connect_keys(self):
        """Open the window that asks for the keys, although a platform could do without."""
        return self.with_context(pay_now_keys=True).action_pay_now_connect()

    # === BUSINESS METHODS - GATEWAY === #

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
        providers = self.sudo()
        if event.subject == UNREADABLE:
            return providers.browse()
        mine = self._pay_now_platform_domain(code)
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
    def _pay_now_platform_domain(self, code):
        return Domain('code', '=', code) & Domain('pay_now_platform_state', '!=', False)

    @api.model
    def _pay_now_platform_providers(self, code):
        """Return the records of a provider that the platform is notified for.

        :param str code: of the provider.
        :rtype: payment.provider (sudo)
        """
        return self.sudo().search(self._pay_now_platform_domain(code))

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

    # === BUSINESS METHODS - ONBOARDING === #

    def _pay_now_begin_onboarding(self):
        """Begin the registration at the provider, or go on with it.

        :return: where to send the user; nothing when it was complete already, and is connected.
        :rtype: str | None
        :raise UserError: the order of steps, or what the provider answered.
        """
        self.ensure_one()
        self._pay_now_check_steps()
        if self.company_id not in self.env.user.company_ids:
            raise UserError(self.company_id._pay_now_shared_text())
        provider = self.sudo()
        begun = provider.pay_now_platform_state
        # Known from here on, whatever is refused: whose credentials are used.
        provider.pay_now_platform_state = begun or 'open'
        try:
            if begun and self._pay_now_resume_onboarding():
                return None
        except GatewayUnavailable as error:
            raise UserError(self._pay_now_error_text(error)) from error
        except GatewayError as error:
            # Whatever it is, the provider's own page says more, or the new link is refused too.
            _logger.info("%s: %s", self.name, error.message)
        try:
            onboarding = self._pay_now_new_link()
        except GatewayError as error:
            raise UserError(self._pay_now_error_text(error)) from error
        if not self._pay_now_is_own_address(onboarding.url, platform_mode.in_sandbox(self.code)):
            raise UserError(self.env._("The provider's registration is at an address of others."))
        provider.write(
            {
                'pay_now_platform_account': onboarding.account_id
                or provider.pay_now_platform_account,
                'pay_now_onboarding_at': fields.Datetime.now(),
            }
        )
        return onboarding.url

    def _pay_now_new_link(self):
        """Return a new link to the provider's registration.

        A lost account is replaced, unless the books are about it.

        :rtype: gateways.base.Onboarding
        """
        provider = self.sudo()
        if not provider.pay_now_platform_ref:
            uuid = self.env['ir.config_parameter'].sudo().get_param('database.uuid')
            provider.pay_now_platform_ref = f'{uuid}-{self.id}'
        account = provider.pay_now_platform_account
        if self.code == const.STRIPE and self.pay_now_account not in (False, account):
            # PayPal's merchant may turn out to be the same one.
            self._pay_now_check_no_payments()
        try:
            return self._pay_now_ask_link(account)
        except GatewayAuthError as error:
            if error.code != 'account_invalid' or not account:
                raise
        self._pay_now_check_no_payments()
        provider.write(
            {
                'pay_now_platform_account': False,
                'pay_now_platform_state': 'open',
                # Another reference, or the provider would give the lost one again.
                'pay_now_platform_ref': f'{provider.pay_now_platform_ref[:60]}-{account[-6:]}',
            }
        )
        return self._pay_now_ask_link('')

    def _pay_now_ask_link(self, account):
        path = self.env['pay.now.onboarding']._open(self)
        company = self.company_id
        return platform_mode.gateway(self.code, account).onboarding_url(
            OnboardingRequest(
                reference=self.sudo().pay_now_platform_ref,
                return_url=urls.urljoin(self.get_base_url(), f'{path}/return'),
                refresh_url=urls.urljoin(self.get_base_url(), f'{path}/refresh'),
                email=company.pay_now_signup_email or '',
                company=company.name or '',
                country=company.country_id.code or '',
                locale=self.env.user.lang or '',
            )
        )

    def _pay_now_resume_onboarding(self):
        """Ask how far the registration has come, and connect when nothing is missing.

        :return: whether the provider is connected now.
        :rtype: bool
        :raise GatewayError: what the gateway raised; nothing is changed then.
        """
        self.ensure_one()
        provider = self.sudo()
        gateway = platform_mode.gateway(self.code, provider.pay_now_platform_account)
        try:
            account = gateway.finish_onboarding(
                provider.pay_now_platform_ref, self.company_id.currency_id.name
            )
        except GatewayNotFound:
            self._pay_now_note_missing({'code': 'unfinished'})
            return False
        if problem := self._pay_now_account_problem(account):
            if provider.pay_now_platform_state == 'open':
                provider.pay_now_platform_account = account.id
            self._pay_now_note_missing(problem)
            return False
        before = provider.pay_now_platform_account, provider.pay_now_platform_state
        try:
            with self.env.cr.savepoint():
                provider.write(
                    {'pay_now_platform_account': account.id, 'pay_now_platform_state': 'used'}
                )
                self._pay_now_connect('')
        except UserError as error:
            provider.invalidate_recordset()
            provider.pay_now_platform_account, provider.pay_now_platform_state = before
            self._pay_now_note_refusal(error)
            return False
        self._pay_now_note_missing(False)
        return True

    def _pay_now_note_missing(self, problem):
        """Show what is missing on the set-up screen.

        :param problem: see `problems`; False for nothing.
        :type problem: dict | bool
        """
        values = problems.values_of('pay_now_missing', problem)
        if any((self[name] or False) != value for name, value in values.items()):
            self.sudo().write(values)

    def _pay_now_note_refusal(self, error):
        """Show on the set-up screen why the registration could not go on.

        :param UserError error: of the provider, or another one, kept as it was raised.
        """
        cause = error.__cause__
        self._pay_now_note_missing(
            self._pay_now_error_problem('refused', cause)
            if isinstance(cause, GatewayError)
            else {'code': 'text', 'text': str(error)}
        )

    def _pay_now_come_back(self):
        """See what became of a visit to the provider's registration; nothing is raised.

        Whatever the address says that the provider sent the user back with, it is asked itself.
        """
        self.ensure_one()
        if not self.sudo().pay_now_platform_state:
            return
        try:
            self._pay_now_resume_onboarding()
        except GatewayError as error:
            self._pay_now_note_missing(self._pay_now_error_problem('error', error))

    def _pay_now_come_for_link(self):
        """Return a new link for somebody whose link was used, or has lapsed.

        :return: the address; nothing when it was complete meanwhile, or the provider refuses.
        :rtype: str | None
        """
        try:
            with self.env.cr.savepoint():
                return self._pay_now_begin_onboarding()
        except UserError as error:
            self._pay_now_note_refusal(error)
            return None

    def _pay_now_check_no_payments(self):
        """Refuse another account than the one that payments were made with."""
        if (
            self.env['payment.transaction']
            .sudo()
            .search_count([('provider_id', '=', self.id)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "Payments were made with the account %s: connect with its keys, or add a second"
                    " provider for a new account.",
                    self.pay_now_account,
                )
            )

    @api.model
    def _pay_now_resume_onboardings(self):
        """Ask about recent registrations that nobody came back from, for want of a notification."""
        lately = fields.Datetime.now() - timedelta(days=const.ONBOARDING_FOLLOWED_DAYS)
        for provider in self.sudo().search(
            Domain('code', 'in', const.PROVIDER_CODES)
            & Domain('pay_now_platform_state', '=', 'open')
            & Domain('pay_now_onboarding_at', '>', lately)
        ):
            if not provider.pay_now_has_platform:
                continue
            try:
                with self.env.cr.savepoint():
                    provider._pay_now_as_company()._pay_now_come_back()
            except psycopg2.OperationalError:
                raise
            except Exception:
                # The others are asked about all the same.
                _logger.exception("The registration of %s could not be followed", provider.name)

    # === BUSINESS METHODS - REFUSALS === #

    def _pay_now_platform_error_text(self, error):
        """Return whose turn it is when the platform's credentials are refused.

        What a provider answers about the platform's credentials is not for its tenants.

        :param GatewayError error: what the gateway raised.
        :return: empty where the provider's own answer is shown.
        :rtype: str
        """
        if not self.sudo().pay_now_platform_state or not isinstance(error, GatewayAuthError):
            return ''
        name = self._pay_now_short_name()
        if error.code in const.REVOKED_CODES:
            return self.env._("%s no longer lets us act for this account.", name)
        if error.code.endswith('_not_allowed'):
            return ''
        if error.code == 'no_platform':
            return self.env._(
                "This server cannot reach %s for you any more. Please tell whoever runs it.", name
            )
        return self.env._(
            "%s refuses the credentials of this server. Please tell whoever runs it.", name
        )

    def _pay_now_platform_problem_text(self, error, answer):
        """Return what keeps the platform from acting for the account, and what to do about it.

        :param GatewayAuthError error: what the gateway raised.
        :param str answer: what it means.
        :rtype: str
        """
        if error.code in const.REVOKED_CODES and self.pay_now_status == 'connected':
            return self.env._("%s Disconnect, then connect again and agree there.", answer)
        if error.code in const.REVOKED_CODES:
            return self.env._("%s Connect again and agree there.", answer)
        return answer

    def _pay_now_unfinished_text(self):
        """Return what is missing when the provider knows of nothing yet."""
        return self.env._(
            "You left %s before the end, or it is not ready yet. Connect goes on where you were.",
            self._pay_now_short_name(),
        )

    # === BUSINESS METHODS - WHAT IS MISSING === #

    def _pay_now_requirements_text(self, missing):
        """Return what is missing, its codes beside it.

        :param missing: codes of what the provider requires.
        :type missing: iterable of str
        :rtype: str
        """
        texts = {}
        # That something is missing says little beside what.
        telling = [code for code in missing if not code.startswith('requirements.')]
        for code in telling or missing:
            texts.setdefault(self._pay_now_requirement_text(code), []).append(code)
        return (
            '; '.join(
                f"{text} ({', '.join(codes)})" if text else ', '.join(codes)
                for text, codes in texts.items()
            )
            or '-'
        )

    def _pay_now_requirement_text(self, code):
        """Return what one of a provider's requirements means; nothing for an unknown one.

        :param str code: Stripe's requirement, or a property of a merchant of PayPal's; known by
            its beginning, the longer one first.
        :rtype: str
        """
        texts = {
            'primary_email_confirmed': self.env._("confirm your e-mail address at PayPal"),
            'payments_receivable': self.env._("PayPal cannot accept payments for you yet"),
            'external_account': self.env._("a bank account for payouts"),
            'tos_acceptance': self.env._("your agreement to Stripe's terms"),
            'business_profile.url': self.env._("your website, or a description of what you sell"),
            'business_profile': self.env._("what your company sells"),
            'settings.payments': self.env._("the name on your customers' bank statements"),
            'company.verification': self.env._("a document that proves your company"),
            'company': self.env._("details of your company"),
            'business_type': self.env._("the legal form of your company"),
            'verification': self.env._("an identity document"),
            'representative': self.env._("details of the company's representative"),
            'owners': self.env._("the company's owners"),
            'directors': self.env._("the company's directors"),
            'executives': self.env._("the company's executives"),
            'individual': self.env._("details about you"),
            'person_': self.env._("details of a person in charge"),
            'requirements.pending_verification': self.env._("Stripe is checking what you gave"),
            'under_review': self.env._("Stripe is checking what you gave"),
            'requirements.past_due': self.env._("something overdue"),
            'rejected': self.env._("Stripe has refused this account"),
        }
        if code.endswith(('.document', '.additional_document')) and not code.startswith('company'):
            code = 'verification'
        return next((text for start, text in texts.items() if code.startswith(start)), '')
