# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.payment.logging import get_payment_logger

from .. import const
from ..gateways.errors import GatewayError, GatewayRefused, GatewayUnavailable

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentProvider(models.Model):
    """The connection to a provider: proven, registered, looked after (design section 6.5)."""

    _inherit = 'payment.provider'

    # === ACTION METHODS === #

    def action_pay_now_connect(self):
        """Open the window that asks for the keys."""
        self.ensure_one()
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Connect %s", self._pay_now_short_name()),
            'res_model': 'pay.now.connect',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_provider_id': self.id},
        }

    def action_pay_now_disconnect(self):
        """Close the provider to new payments; what is under way is still followed and booked."""
        for provider in self:
            provider.check_access('write')
            provider.write(
                {'pay_now_status': 'not_connected', 'is_published': False, 'state': 'disabled'}
            )

    def action_pay_now_check(self):
        """Ask the provider again who we are and what the account may do, and say what came of it.

        :return: a notification.
        :rtype: dict
        """
        self.check_access('write')
        failures = {provider: provider._pay_now_check() for provider in self}
        return self._pay_now_check_notification({k: v for k, v in failures.items() if v})

    # === BUSINESS METHODS - CONNECTION === #

    def _pay_now_connect(self, key, secret=''):
        """Connect the provider with its keys: proven first, then registered, then kept (step 3).

        Nothing is changed here, and nothing left behind at the provider, when any step fails.

        :param str key: Stripe's secret or restricted key; PayPal's client id.
        :param str secret: PayPal's secret.
        :return: None
        :raise UserError: the order of steps, or what the provider answered, in its words.
        """
        self.ensure_one()
        company = self.company_id
        if not company.pay_now_sage_customer_code:
            raise UserError(self.env._("Enter your Sage customer code first (step 1)."))
        if not company.pay_now_signup_date:
            raise UserError(self.env._("Sign up first (step 2)."))
        if not company.chart_template and not self.env['account.account'].search_count(
            [('company_ids', 'in', company.root_id.ids)], limit=1
        ):
            raise UserError(self.env._("Install a chart of accounts first."))
        tried = {'key': key, 'secret': secret, 'test_mode': None}
        try:
            account = self._pay_now_gateway(**tried).check_account(company.currency_id.name)
            self._pay_now_check_connectable(account)
            tried['test_mode'] = account.test_mode
            webhook = self._pay_now_register_webhook(self._pay_now_gateway(**tried))
        except GatewayError as error:
            raise UserError(self._pay_now_error_text(error)) from error
        self._pay_now_set_up_accounting()
        state = 'test' if account.test_mode else 'enabled'
        self.write(
            {
                'pay_now_api_key': key,
                'pay_now_api_secret': secret,
                'pay_now_test_keys': account.test_mode,
                'pay_now_account': account.id,
                'pay_now_account_name': account.name or account.email,
                'pay_now_webhook_ref': webhook and webhook.id,
                'pay_now_webhook_url': self._pay_now_webhook_address(),
                'pay_now_webhook_secret': webhook and webhook.secret,
                'pay_now_connected_at': fields.Datetime.now(),
                'pay_now_last_event_at': False,
                'pay_now_problem': False,
                'pay_now_status': 'connected',
                'state': state,
                'is_published': True,
            }
        )
        self._pay_now_set_up_method_line()
        self._pay_now_open_balance()

    def _pay_now_check_connectable(self, account):
        """Refuse an account that cannot be charged, or another one than the books are about."""
        if problem := self._pay_now_account_problem(account):
            raise UserError(problem)
        if (
            self.pay_now_account
            and self.pay_now_account != account.id
            and self.env['payment.transaction'].search_count(
                [('provider_id', '=', self.id)], limit=1
            )
        ):
            raise UserError(
                self.env._(
                    "These keys belong to another account (%(new)s). Payments were made with"
                    " %(old)s: add a second provider for the new account.",
                    new=account.id,
                    old=self.pay_now_account,
                )
            )

    def _pay_now_register_webhook(self, gateway):
        """Register the webhook; without one the sweep books everything a little later.

        :return: the endpoint, or False when the provider refuses our address.
        """
        try:
            return gateway.register_webhook(self._pay_now_webhook_address())
        except GatewayRefused as error:
            if error.code == 'url_invalid':
                return False
            raise

    def _pay_now_check(self):
        """Refresh what is known about the connection; a failure is kept, never raised.

        :return: why the provider could not be asked at all, if so.
        :rtype: str | None
        """
        self.ensure_one()
        try:
            gateway = self._pay_now_gateway()
            account = gateway.check_account(self.company_id.currency_id.name)
            webhook = gateway.find_webhook(self.pay_now_webhook_url or '')
        except GatewayUnavailable as error:
            _logger.info("%s could not be asked: %s", self.name, error.message)
            return self._pay_now_error_text(error)
        except GatewayError as error:
            self.pay_now_problem = self._pay_now_problem_text(error)
            return None
        self.write(
            {
                'pay_now_account_name': account.name or account.email,
                'pay_now_problem': self._pay_now_account_problem(account)
                or (
                    False
                    if not self.pay_now_webhook_ref or (webhook and webhook.enabled)
                    else self.env._(
                        "The provider no longer has our webhook: disconnect, then connect again."
                    )
                ),
            }
        )
        return None

    def _pay_now_account_problem(self, account):
        """Return what keeps an account from being charged, or False."""
        if not account.can_charge:
            return self.env._(
                "This account cannot take payments yet: complete it at %(provider)s. Still"
                " missing: %(missing)s",
                provider=self._pay_now_short_name(),
                missing=', '.join(account.missing) or '-',
            )
        if account.currency and account.currency != self.company_id.currency_id.name:
            return self.env._(
                "This account is settled in %(theirs)s, the company keeps its books in %(ours)s.",
                theirs=account.currency,
                ours=self.company_id.currency_id.name,
            )
        return False
