# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_datetime

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
)
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentProvider(models.Model):
    """The webhook at the provider: registered, ensured, and renewed without a gap.

    Two addresses take turns. A renewal registers the other one; from then on both are notified,
    and each event is stored once. The former one is removed some hours later. Were the
    renewal cut off anywhere in between, the former one would go on working, and the next look at
    the connection removes what nobody knows of.
    """

    _inherit = 'payment.provider'

    pay_now_webhook_ref = fields.Char(string="Webhook id", readonly=True, copy=False)
    pay_now_webhook_url = fields.Char(string="Webhook address", readonly=True, copy=False)
    pay_now_former_webhook_ref = fields.Char(string="Former webhook id", readonly=True, copy=False)
    pay_now_former_webhook_until = fields.Datetime(
        string="Former webhook valid until", readonly=True, copy=False
    )

    # === GETTERS === #

    def _pay_now_other_webhook_url(self):
        """Return the address whose turn comes with the next renewal."""
        url, mark = self.pay_now_webhook_url, f'/{self.id}/2'
        return url.removesuffix('/2') if url.endswith(mark) else f'{url}/2'

    def _pay_now_webhook_refs(self):
        """Return the ids of the webhooks at the provider, the former one too."""
        return list(filter(None, (self.pay_now_webhook_ref, self.pay_now_former_webhook_ref)))

    def _pay_now_webhook_credentials(self):
        """Return what notifications are proven with now, as values of `Credentials`."""
        until = self.pay_now_former_webhook_until
        both = until and until > fields.Datetime.now()
        secrets = (self.pay_now_webhook_secret or '').split()
        return {
            'webhook_id': self.pay_now_webhook_ref or '',
            'former_webhook_id': (both and self.pay_now_former_webhook_ref) or '',
            'webhook_secrets': tuple(secrets if both else secrets[:1]),
        }

    @api.model
    def _pay_now_no_former_values(self):
        return {'pay_now_former_webhook_ref': False, 'pay_now_former_webhook_until': False}

    @api.model
    def _pay_now_no_webhook_values(self):
        """Return the values of a provider without a webhook."""
        return {
            'pay_now_webhook_ref': False,
            'pay_now_webhook_url': False,
            'pay_now_webhook_secret': False,
            **self._pay_now_no_former_values(),
        }

    # === ACTION METHODS === #

    def action_pay_now_renew_webhook(self):
        """Renew what notifications are signed with; the former stays valid for some hours.

        :return: a notification.
        :rtype: dict
        :raise UserError: there is nothing to renew, or what the provider answered.
        """
        self.ensure_one()
        self.check_access('write')
        if self.pay_now_status != 'connected' or not self.pay_now_webhook_ref:
            raise UserError(self.env._("No webhook is registered: connect first."))
        if self.pay_now_former_webhook_ref:
            raise UserError(
                self.env._(
                    "It is being renewed already: the former one is valid until %s.",
                    format_datetime(self.env, self.pay_now_former_webhook_until),
                )
            )
        if not self.try_lock_for_update(allow_referencing=True):
            raise UserError(self.env._("Somebody is changing this connection at this moment."))
        try:
            self._pay_now_connection().renew_webhook()
        except GatewayError as error:
            raise UserError(self._pay_now_error_text(error)) from error
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._(
                    "Renewed. Notifications signed with the former secret are taken until %s.",
                    format_datetime(self.env, self.pay_now_former_webhook_until),
                ),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    # === BUSINESS METHODS - REGISTRATION === #

    def _pay_now_take_over_webhook(self, webhook):
        """Keep a webhook that was registered again; a former one is valid as long as before.

        :param gateways.base.Webhook webhook: where the provider gives it a secret, with it.
        """
        _logger.info("The webhook of %s was registered again.", self.name)
        secrets = (self.pay_now_webhook_secret or '').split()
        if webhook.secret:
            secrets = [webhook.secret, *(secrets[1:] if self.pay_now_former_webhook_ref else ())]
        self.write(
            {
                'pay_now_webhook_ref': webhook.id,
                'pay_now_webhook_url': webhook.url,
                'pay_now_webhook_secret': ' '.join(secrets),
            }
        )

    def _pay_now_remove_unknown_webhook(self, gateway):
        """Remove what a renewal that was cut off left at the other address."""
        if self.pay_now_former_webhook_ref or not self._pay_now_connection().webhook_is_ours():
            return
        if not self.try_lock_for_update(allow_referencing=True):
            # Perhaps it is being renewed at this moment.
            return
        found = gateway.find_webhook(self._pay_now_other_webhook_url())
        if found and found.id != self.pay_now_webhook_ref:
            gateway.remove_webhook(found.id)

    # === BUSINESS METHODS - RENEWAL === #

    def _pay_now_keep_renewed_webhook(self, webhook):
        """Keep what was registered at the other address; the former one is valid for some hours.

        :param gateways.base.Webhook webhook: where the provider gives it a secret, with it.
        """
        former = (self.pay_now_webhook_secret or '').split()[:1]
        self.write(
            {
                'pay_now_former_webhook_ref': self.pay_now_webhook_ref,
                'pay_now_former_webhook_until': fields.Datetime.now() + const.FORMER_VALIDITY,
                'pay_now_webhook_ref': webhook.id,
                'pay_now_webhook_url': webhook.url,
                'pay_now_webhook_secret': ' '.join(filter(None, [webhook.secret, *former])),
            }
        )

    @api.model
    def _pay_now_lapsed_webhook_domain(self):
        """Return the domain of the providers whose former webhook is no longer valid."""
        return (
            Domain('pay_now_former_webhook_ref', '!=', False)
            & Domain('pay_now_former_webhook_until', '<=', fields.Datetime.now())
            & Domain('pay_now_api_key', '!=', False)
        )

    def _pay_now_drop_former_webhook(self):
        """Remove a former webhook at the provider; its secret has lapsed with the time alone.

        While the provider does not answer, the next round tries again.
        """
        self.ensure_one()
        try:
            self._pay_now_gateway().remove_webhook(self.pay_now_former_webhook_ref)
        except GatewayUnavailable as error:
            _logger.info("A former webhook of %s stays a while: %s", self.name, error.message)
            return
        except GatewayRefused as error:
            # Keys that may no longer: then nobody can, and nothing it sends is taken anyway.
            _logger.warning("A former webhook of %s is left: %s", self.name, error.message)
        secrets = (self.pay_now_webhook_secret or '').split()[:1]
        self.write(
            {'pay_now_webhook_secret': ' '.join(secrets), **self._pay_now_no_former_values()}
        )
