# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta, timezone

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
)
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)

#: First key of the advisory locks taken here; the second one is the provider's id.
LOCK_KEY = 0x50614E77
#: Codes of what an administrator has to allow at the provider before it may be listed.
LISTING_PROBLEMS = ('reporting_not_allowed', 'disputes_not_allowed')


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
    pay_now_last_listing_at = fields.Datetime(
        string="Payouts last listed", readonly=True, copy=False
    )
    # Its code. Earlier versions kept a sentence, which is shown as it is.
    pay_now_payout_problem = fields.Char(string="Problem of the listing", readonly=True, copy=False)
    pay_now_payout_problem_values = fields.Json(
        string="Values of the problem of the listing", readonly=True, copy=False
    )
    pay_now_payout_problem_text = fields.Char(
        string="Payouts and disputes",
        compute='_compute_pay_now_payout_problem_text',
        help="What keeps payouts or disputes from being fetched.",
    )

    # === COMPUTE METHODS === #

    @api.depends('pay_now_payout_problem', 'pay_now_payout_problem_values')
    @api.depends_context('lang')
    def _compute_pay_now_payout_problem_text(self):
        for provider in self:
            provider.pay_now_payout_problem_text = provider._pay_now_kept_problem_label(
                'pay_now_payout_problem'
            )

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

    # === GETTERS === #

    def _pay_now_other_webhook_url(self):
        """Return the address whose turn comes with the next renewal."""
        url, mark = self.pay_now_webhook_url, f'/{self.id}/2'
        return url.removesuffix('/2') if url.endswith(mark) else f'{url}/2'

    def _pay_now_webhook_refs(self):
        """Return the ids of the webhooks at the provider, the former one too."""
        return list(filter(None, (self.pay_now_webhook_ref, self.pay_now_former_webhook_ref)))

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

    # === BUSINESS METHODS - REGISTRATION === #

    def _pay_now_take_over_webhook(self, webhook):
        """Keep a webhook that was registered again; a former one is valid as long as before.

        :param gateways.base.Webhook webhook: where the provider gives it a secret, with it.
        """
        _logger.info("The webhook of %s was registered again.", self.name)
        secrets = (self.pay_now_webhook_secret or '').split()
        if webhook.secret:
            secrets = [webhook.secret, *(secrets[1:] if self.pay_now_former_webhook_ref else ())]
        self.sudo().write(
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
        self.sudo().write(
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
        self.sudo().write(
            {'pay_now_webhook_secret': ' '.join(secrets), **self._pay_now_no_former_values()}
        )

    # === BUSINESS METHODS - LISTING === #

    def _pay_now_take_turn(self):
        """Keep others from the payouts and disputes of the provider until the transaction ends.

        :return: False when somebody else works on them at this moment.
        :rtype: bool
        """
        self.ensure_one()
        self.env.cr.execute(SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK_KEY, self.id))
        return self.env.cr.fetchone()[0]

    def _pay_now_list_since(self, days):
        """Return since when something is listed.

        :param int days: how far back what is listed can still change.
        :rtype: datetime
        """
        first = (self.pay_now_connected_at or fields.Datetime.now()).replace(microsecond=0)
        last = (self.pay_now_last_listing_at or first) - timedelta(days=days)
        return max(first, last).replace(tzinfo=timezone.utc)

    def _pay_now_find_listing_problem(self, error):
        """Return what the administrator has to allow at the provider, or note another problem.

        :param GatewayError error: what the provider answered.
        :return: a problem (see `problems`), or False.
        :rtype: dict | bool
        """
        if error.code in LISTING_PROBLEMS:
            return {'code': error.code}
        self._pay_now_note_problem(error)
        return False

    def _pay_now_listing_problem(self, error):
        """Return what the administrator has to allow at the provider, in the reader's language.

        Another problem is noted.

        :param GatewayError error: what the provider answered.
        :return: what to allow, or an empty string.
        :rtype: str
        """
        problem = self._pay_now_find_listing_problem(error)
        return self._pay_now_listing_problem_label(problem['code']) if problem else ''

    def _pay_now_listing_problem_label(self, code):
        """Return what the administrator has to allow, in the reader's language.

        :param str code: one of `LISTING_PROBLEMS`, or `not_listed` of the comparison.
        :rtype: str
        """
        name = self._pay_now_short_name()
        if code == 'reporting_not_allowed':
            return self.env._(
                "%s does not let this application read reports: allow “Transaction search” there,"
                " or book withdrawals by hand.",
                name,
            )
        if code == 'not_listed':
            return self.env._(
                "%(provider)s does not let this application list payments: those known here are"
                " asked about one by one, at most %(count)s a day; others are not found. Allow"
                " “Transaction search” there.",
                provider=name,
                count=const.COMPARISON_QUESTIONS,
            )
        return self.env._(
            "%s does not let this application read disputes: allow “Customer disputes” there,"
            " or book them by hand.",
            name,
        )
