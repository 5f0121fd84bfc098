# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.account_pay_now import const, problems
from odoo.addons.account_pay_now.gateways.errors import GatewayError, GatewayUnavailable
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentProvider(models.Model):
    """The connection to a provider: proven, registered, checked (design section 6.5)."""

    _inherit = 'payment.provider'

    # === ACTION METHODS === #

    def action_pay_now_connect(self):
        """Open the provider's own registration where a platform can, else the window for the keys.

        :return: an action.
        :rtype: dict
        """
        self.ensure_one()
        if self.pay_now_has_platform and not self.env.context.get('pay_now_keys'):
            return self._pay_now_open_onboarding()
        return self._pay_now_ask_keys(
            'connect', self.env._("Connect %s", self._pay_now_short_name())
        )

    def action_pay_now_change_keys(self):
        """Open the window that asks for other keys of the same account."""
        return self._pay_now_ask_keys(
            'keys', self.env._("Change the keys of %s", self._pay_now_short_name())
        )

    def _pay_now_ask_keys(self, purpose, title):
        """Return the action that asks for keys.

        :param str purpose: one of `pay.now.connect`.
        :param str title: of the window.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': title,
            'res_model': 'pay.now.connect',
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'default_provider_id': self.id,
                'default_purpose': purpose,
                # Its own field is for developers; the address of a sandbox goes along.
                'default_api_base': purpose != 'live' and self.sudo().pay_now_api_base,
            },
        }

    def action_pay_now_disconnect(self):
        """Close the provider to new payments; what is under way is still followed and booked."""
        for provider in self:
            provider.check_access('write')
            provider.write(
                {'pay_now_status': 'not_connected', 'is_published': False, 'state': 'disabled'}
            )
        self._pay_now_acknowledge_health()

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
        :raise UserError: the order of steps, or what the provider answered.
        """
        self.ensure_one()
        if key:
            # Keys of one's own take the place of the platform's.
            self._pay_now_leave_platform()
        self._pay_now_check_steps()
        try:
            account = self._pay_now_prove(key, secret)
            self._pay_now_check_connectable(account)
            webhook = self._pay_now_connection().register_webhook(
                self._pay_now_gateway(key=key, secret=secret, test_mode=account.test_mode)
            )
        except GatewayError as error:
            raise UserError(self._pay_now_error_text(error)) from error
        if (self.pay_now_account, self.pay_now_test_keys) != (account.id, account.test_mode):
            self._pay_now_begin_account()
        self._pay_now_set_up_accounting()
        self.write(
            {
                **self._pay_now_key_values(key, secret, account),
                **self._pay_now_connected_values(account, webhook),
            }
        )
        self._pay_now_set_up_method_line()
        self._pay_now_open_balance()
        self._pay_now_replace_others()
        self._pay_now_acknowledge_health()

    def _pay_now_check_steps(self):
        """Refuse to connect before what comes first.

        :raise UserError: the one thing missing.
        """
        company = self.company_id
        if not company.pay_now_sage_customer_code:
            raise UserError(self.env._("Enter your Sage customer code first (step 1)."))
        if not company.pay_now_signup_date:
            raise UserError(self.env._("Sign up first (step 2)."))
        if not company._pay_now_has_chart():
            raise UserError(self.env._("Install a chart of accounts first."))

    def _pay_now_prove(self, key, secret):
        """Return whose keys these are; nothing is kept.

        :rtype: gateways.base.Account
        :raise GatewayError: they are refused.
        """
        gateway = self._pay_now_gateway(key=key, secret=secret, test_mode=None)
        return gateway.check_account(self.company_id.currency_id.name)

    def _pay_now_key_values(self, key, secret, account):
        """Return the values of a provider whose keys were proven just now."""
        return {
            'pay_now_api_key': key,
            'pay_now_api_secret': secret,
            'pay_now_account_name': account.name or account.email,
            **problems.values_of('pay_now_problem', False),
            'pay_now_silent_since': False,
            'pay_now_silent_at': False,
            'pay_now_checked_at': fields.Datetime.now(),
        }

    def _pay_now_connected_values(self, account, webhook):
        """Return the values of a provider that is connected now.

        :param gateways.base.Account account: whose keys were proven.
        :param webhook: what was registered, or False.
        :type webhook: gateways.base.Webhook | bool
        :rtype: dict
        """
        return {
            'pay_now_account': account.id,
            'pay_now_test_keys': account.test_mode,
            'pay_now_webhook_ref': webhook and webhook.id,
            'pay_now_webhook_url': self._pay_now_connection().webhook_address(),
            'pay_now_webhook_secret': webhook and webhook.secret,
            **self._pay_now_no_former_values(),
            'pay_now_connected_at': fields.Datetime.now(),
            'pay_now_connected_by_id': self.env.uid,
            'pay_now_last_event_at': False,
            'pay_now_unheard_at': False,
            'pay_now_status': 'connected',
            'state': 'test' if account.test_mode else 'enabled',
            'is_published': True,
        }

    def _pay_now_change_keys(self, key, secret=''):
        """Swap the keys of a connected account for others of the same one, without a gap.

        The webhook of Stripe belongs to the account and stays. PayPal's belongs to the
        application: keys of another one get their own, and what the former still sends is taken
        for some hours.

        :param str key: Stripe's secret or restricted key; PayPal's client id.
        :param str secret: PayPal's secret.
        :raise UserError: what the provider answered, or whose keys these are.
        """
        connection = self._pay_now_connection()
        connection.check_keys_can_change()
        former = self.pay_now_webhook_ref
        try:
            account = self._pay_now_prove(key, secret)
            self._pay_now_check_same_account(account)
            if problem := self._pay_now_account_problem(account):
                raise UserError(self._pay_now_problem_label(problem))
            webhook = False
            if self.code == const.PAYPAL and key != self.pay_now_api_key:
                webhook = connection.register_webhook(
                    self._pay_now_gateway(key=key, secret=secret, test_mode=account.test_mode),
                    self.pay_now_webhook_url,
                )
        except GatewayError as error:
            raise UserError(self._pay_now_error_text(error)) from error
        values = self._pay_now_key_values(key, secret, account)
        if webhook and webhook.id != former:
            values |= {
                'pay_now_webhook_ref': webhook.id,
                'pay_now_former_webhook_ref': former,
                'pay_now_former_webhook_until': former
                and fields.Datetime.now() + const.FORMER_VALIDITY,
            }
        self.write(values)
        self._pay_now_check()

    # === BUSINESS METHODS - CHECKS === #

    def _pay_now_check_connectable(self, account):
        """Refuse an account that cannot be charged, or another one than the books are about."""
        if problem := self._pay_now_account_problem(account):
            raise UserError(self._pay_now_problem_label(problem))
        if self.pay_now_account and self._pay_now_has_history():
            self._pay_now_check_same_account(account)

    def _pay_now_check(self):
        """Refresh what is known about the connection; a failure is kept, never raised.

        :return: why the provider could not be asked at all, if so.
        :rtype: str | None
        """
        self.ensure_one()
        values = {'pay_now_checked_at': fields.Datetime.now()}
        try:
            gateway = self._pay_now_gateway()
            account = gateway.check_account(self.company_id.currency_id.name)
            values['pay_now_account_name'] = account.name or account.email
            problem = self._pay_now_account_problem(
                account
            ) or self._pay_now_connection().ensure_webhook(gateway)
        except GatewayUnavailable as error:
            _logger.info("%s could not be asked: %s", self.name, error.message)
            self.pay_now_checked_at = values['pay_now_checked_at']
            self._pay_now_note_silence()
            self._pay_now_follow_health()
            return self._pay_now_error_text(error)
        except GatewayError as error:
            problem = problems.of_error('error', error)
        values |= problems.values_of('pay_now_problem', problem)
        self._pay_now_note_answer()
        values['pay_now_unheard_at'] = self._pay_now_find_unnotified()
        self.write(values)
        self._pay_now_follow_health()
        return None

    def _pay_now_account_problem(self, account):
        """Return what keeps an account from being charged, or False.

        :param gateways.base.Account account: as the provider describes it.
        :return: a problem (see `problems`), whose sentence `_pay_now_problem_label` gives.
        :rtype: dict | bool
        """
        if not account.can_charge:
            return {'code': 'incomplete', 'missing': list(account.missing)}
        if account.currency and account.currency != self.company_id.currency_id.name:
            return {'code': 'currency', 'currency': account.currency}
        return False
