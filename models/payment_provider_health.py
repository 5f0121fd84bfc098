# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_datetime, mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentProvider(models.Model):
    """Whether the connection works: one light, and the one thing to do (design section 6.5).

    Red hides the provider, so only what the provider itself said makes it red: keys refused, an
    account that cannot charge, a webhook it does not take again. One that does not answer said
    nothing: it is amber, and only after a while.
    """

    _inherit = 'payment.provider'

    pay_now_problem = fields.Char(
        string="To fix", readonly=True, copy=False, help="What keeps the provider from working."
    )
    pay_now_checked_at = fields.Datetime(string="Last checked", readonly=True, copy=False)
    pay_now_silent_since = fields.Datetime(
        string="Does not answer since", readonly=True, copy=False
    )
    pay_now_silent_at = fields.Datetime(string="Asked in vain on", readonly=True, copy=False)
    pay_now_unheard_at = fields.Datetime(
        string="Payment without a notification",
        readonly=True,
        copy=False,
        help="When a payment was made that no notification told of.",
    )
    pay_now_health = fields.Selection(
        string="Connection health",
        selection=[('green', "fine"), ('amber', "to check"), ('red', "to fix")],
        compute='_compute_pay_now_health',
    )
    pay_now_health_text = fields.Char(string="What to do", compute='_compute_pay_now_health')

    # === COMPUTE METHODS === #

    @api.depends(
        'pay_now_status',
        'pay_now_problem',
        'pay_now_silent_at',
        'pay_now_unheard_at',
        'pay_now_last_event_at',
        'pay_now_webhook_url',
        'pay_now_commission_account_id',
    )
    def _compute_pay_now_health(self):
        for provider in self:
            light, _code, text = provider._pay_now_get_health()
            provider.pay_now_health, provider.pay_now_health_text = light, text

    def _pay_now_get_health(self):
        """Return the light, the code of what it is about, and the one thing to do.

        :rtype: tuple
        """
        if self.pay_now_status != 'connected':
            return False, '', False
        if self.pay_now_problem:
            return 'red', 'problem', self.pay_now_problem
        code = self._pay_now_find_doubt()
        if code:
            return 'amber', code, self._pay_now_doubt_text(code)
        return (
            'green',
            'fine',
            self.env._(
                "Last notification on %s.", format_datetime(self.env, self.pay_now_last_event_at)
            ),
        )

    def _pay_now_find_doubt(self):
        """Return the code of what makes the connection amber, the most pressing one, or False."""
        heard_at = self.pay_now_last_event_at
        if (
            self.pay_now_silent_at
            and self.pay_now_silent_at - self.pay_now_silent_since >= const.SILENCE_PATIENCE
        ):
            return 'silent'
        if self.pay_now_unheard_at and not (heard_at and heard_at >= self.pay_now_unheard_at):
            return 'unheard'
        if not self.pay_now_commission_account_id:
            return 'commission'
        if (
            not (self.pay_now_webhook_url or '').startswith('https://')
            and not self._pay_now_connection().in_sandbox()
        ):
            return 'http'
        return not heard_at and 'waiting'

    def _pay_now_doubt_text(self, code):
        """Return what to do about what makes the connection amber."""
        name = self._pay_now_short_name()
        asked = self.env._(
            "Payments are booked every %s minutes meanwhile.", const.SWEEP_INTERVAL_MINUTES
        )
        match code:
            case 'silent':
                return self.env._(
                    "%(provider)s does not answer since %(since)s: look whether it reports a"
                    " breakdown, and whether Odoo may reach the internet. Payments are booked as"
                    " soon as it answers.",
                    provider=name,
                    since=format_datetime(self.env, self.pay_now_silent_since),
                )
            case 'unheard':
                return self.env._(
                    "A payment was made on %(date)s, and no notification of %(provider)s came:"
                    " make sure that the internet reaches %(url)s. %(asked)s",
                    date=format_datetime(self.env, self.pay_now_unheard_at),
                    provider=name,
                    url=self.pay_now_webhook_url,
                    asked=asked,
                )
            case 'commission':
                return self.env._(
                    "Choose the commission account (step 4). Until then commissions wait under “To"
                    " handle”."
                )
            case 'http':
                return self.env._(
                    "The provider only notifies https addresses: give Odoo one, then press “Check"
                    " again”. %s",
                    asked,
                )
        return self.env._(
            "No notification received yet: the first payment will bring one. %s", asked
        )

    # === BUSINESS METHODS - WHAT WAS NOTICED === #

    def _pay_now_problem_text(self, error):
        """Return what keeps the connection from working, and the one thing to do about it.

        :param GatewayError error: what the gateway raised.
        :rtype: str
        """
        answer = self._pay_now_error_text(error)
        if isinstance(error, GatewayAuthError):
            if self.sudo().pay_now_platform_state:
                # Nobody has keys to renew.
                return self._pay_now_platform_problem_text(error, answer)
            return self.env._(
                "%s Press “Change keys” and paste the current ones.", f'{answer.rstrip(".")}.'
            )
        return answer

    def _pay_now_note_problem(self, error):
        """Remember what a failed call says about the connection itself, and have it looked at.

        :param GatewayError error: what the gateway raised.
        """
        _logger.warning(
            "%s refused or failed a request (%s): %s", self.name, error.request_id, error.message
        )
        provider = self.sudo().with_context(lang=self.company_id._pay_now_lang())
        if isinstance(error, GatewayAuthError) and not provider.pay_now_problem:
            provider.write(
                {
                    'pay_now_problem': provider._pay_now_problem_text(error),
                    'pay_now_checked_at': False,
                }
            )
            # The scheduled action asks again by itself, and tells what it finds.
            self.env.ref('account_pay_now.ir_cron_health').sudo()._trigger()

    def _pay_now_note_silence(self):
        """Remember that the provider did not answer."""
        self.ensure_one()
        now = fields.Datetime.now()
        self.write(
            {'pay_now_silent_since': self.pay_now_silent_since or now, 'pay_now_silent_at': now}
        )

    def _pay_now_note_answer(self):
        """Remember that the provider answers."""
        self.ensure_one()
        if self.pay_now_silent_since:
            self.write({'pay_now_silent_since': False, 'pay_now_silent_at': False})

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

    def _pay_now_find_unheard(self):
        """Return when a payment was made that some notification should have told of, or False.

        The provider has an hour for it, and each payment brings several.
        """
        self.ensure_one()
        if not self.pay_now_webhook_ref:
            return False
        known = filter(None, (self.pay_now_last_event_at, self.pay_now_connected_at))
        heard_at = max(known, default=self.create_date)
        payment = self.env['payment.transaction'].search(
            Domain('provider_id', '=', self.id)
            & Domain('state', '=', 'done')
            & Domain('operation', '!=', 'refund')
            & Domain('pay_now_paid_at', '>', heard_at + timedelta(minutes=5))
            & Domain('pay_now_paid_at', '<', fields.Datetime.now() - timedelta(hours=1)),
            order='pay_now_paid_at, id',
            limit=1,
        )
        return payment.pay_now_paid_at

    # === CRON === #

    @api.model
    def _pay_now_to_check_domain(self):
        """Return the domain of the connections to look at: once a day, and hourly when red."""
        now = fields.Datetime.now()
        return (
            Domain('code', 'in', const.PROVIDER_CODES)
            & Domain('pay_now_status', '=', 'connected')
            & (
                Domain('pay_now_checked_at', '=', False)
                | Domain('pay_now_checked_at', '<=', now - timedelta(hours=20))
                | Domain('pay_now_problem', '!=', False)
                & Domain('pay_now_checked_at', '<=', now - timedelta(minutes=50))
            )
        )

    @api.model
    def _cron_pay_now_health(self):
        """Look at each connection; one that fails does not keep the others from it."""
        cron = self.env['ir.cron']
        providers = self.search(self._pay_now_to_check_domain())
        former = self.search(self._pay_now_lapsed_webhook_domain())
        cron._commit_progress(remaining=len(providers) + len(former))
        for provider, work in (
            *((provider, '_pay_now_drop_former_webhook') for provider in former),
            *((provider, '_pay_now_check') for provider in providers),
        ):
            try:
                with self.env.cr.savepoint():
                    getattr(provider, work)()
            except psycopg2.OperationalError:
                # Somebody is at it at this moment; the next round looks again.
                self.env.cr.rollback()
            except Exception:
                _logger.exception("%s could not be looked at", provider.name)
            if not cron._commit_progress(1):
                break
