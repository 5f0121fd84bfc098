# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_datetime, formataddr

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError
from odoo.addons.account_pay_now.models.provider import problems
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)
#: What the health depends on.
HEALTH_FIELDS = (
    'pay_now_status',
    'pay_now_problem',
    'pay_now_silent_at',
    'pay_now_silent_since',
    'pay_now_unheard_at',
    'pay_now_last_event_at',
    'pay_now_webhook_url',
    'pay_now_commission_account_id',
    'pay_now_books_problem',
    'pay_now_home_uuid',
    'pay_now_home_hosts',
    'pay_now_home_names',
    'pay_now_foreign_host',
    'pay_now_demo',
)
#: The type of a notification, by the health it is about.
NOTIFICATION_TYPES = {'green': 'success', 'amber': 'warning', 'red': 'danger'}
#: What somebody is notified of. Not that no event came yet, nor that the address is not https:
#: everybody starts like that, and everything is booked all the same.
NOTIFIED = ('away', 'problem', 'host', 'silent', 'books', 'unheard', 'commission')
ACTIVITY = 'mail.mail_activity_data_todo'


class PaymentProvider(models.Model):
    """Whether the connection works: one light, and the one thing to do.

    Red hides the provider, so only what the provider itself said makes it red: keys refused, an
    account that cannot charge, a webhook it does not take again. One that does not answer said
    nothing: it is amber, and only after a while. Notices are sent once for each change, not once a
    day; of what is so when connecting nobody is notified but whoever connects.
    """

    _name = 'payment.provider'
    _inherit = ['payment.provider', 'mail.thread', 'mail.activity.mixin']

    # Its code. Earlier versions kept a sentence, which is shown as it is.
    pay_now_problem = fields.Char(string="Problem", readonly=True, copy=False)
    pay_now_problem_values = fields.Json(string="Values of the problem", readonly=True, copy=False)
    pay_now_problem_text = fields.Char(
        string="To fix",
        compute='_compute_pay_now_problem_text',
        help="What keeps the provider from working.",
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
    pay_now_foreign_host = fields.Char(
        string="Host of the refused checkout",
        readonly=True,
        copy=False,
        help="Where the provider wanted to have a payer, who was not sent there.",
    )
    pay_now_health = fields.Selection(
        string="Connection health",
        selection=[('green', "fine"), ('amber', "to check"), ('red', "to fix")],
        compute='_compute_pay_now_health',
    )
    pay_now_health_text = fields.Char(string="What to do", compute='_compute_pay_now_health_text')

    pay_now_connected_by_id = fields.Many2one(
        string="Connected by", comodel_name='res.users', readonly=True, copy=False
    )
    pay_now_known_health = fields.Char(
        string="Health as known",
        readonly=True,
        copy=False,
        help="Code of the health that is known to those concerned.",
    )
    pay_now_noticed_health = fields.Char(
        string="Health of the last notice", readonly=True, copy=False
    )
    pay_now_noticed_at = fields.Datetime(string="Last notice on", readonly=True, copy=False)

    # === COMPUTE METHODS === #

    @api.depends(*HEALTH_FIELDS)
    def _compute_pay_now_health(self):
        for provider in self:
            provider.pay_now_health, _code = provider._pay_now_find_health()

    @api.depends(*HEALTH_FIELDS, 'pay_now_problem_text')
    @api.depends_context('lang', 'tz')
    def _compute_pay_now_health_text(self):
        for provider in self:
            _light, code = provider._pay_now_find_health()
            provider.pay_now_health_text = provider._pay_now_health_label(code)

    @api.depends(
        'pay_now_problem', 'pay_now_problem_values', 'pay_now_status', 'pay_now_platform_state'
    )
    @api.depends_context('lang')
    def _compute_pay_now_problem_text(self):
        for provider in self:
            provider.pay_now_problem_text = provider._pay_now_kept_problem_label('pay_now_problem')

    # === BUSINESS METHODS - HEALTH === #

    def _pay_now_find_health(self):
        """Decide on the light, and on what it is about.

        :return: the light, False before it is connected; and a code for `_pay_now_health_label`.
        :rtype: tuple(str | bool, str)
        """
        if self.pay_now_status != 'connected':
            return False, ''
        if self._pay_now_connection().is_away():
            return 'red', 'away'
        if self.pay_now_problem:
            return 'red', 'problem'
        code = self._pay_now_find_warning()
        if code:
            return 'amber', code
        return 'green', 'demo' if self.sudo().pay_now_demo else 'fine'

    def _pay_now_find_warning(self):
        """Return the code of what makes the connection amber, the most pressing one, or False."""
        notified_at = self.pay_now_last_event_at
        if host := self.pay_now_foreign_host:
            # Until an administrator names it, or the provider's pages are its own again.
            if not self._pay_now_is_checkout_address(f'https://{host}/'):
                return 'host'
        if (
            self.pay_now_silent_at
            and self.pay_now_silent_at - self.pay_now_silent_since >= const.SILENCE_PATIENCE
        ):
            return 'silent'
        if self.pay_now_books_problem:
            return 'books'
        paid_at = self.pay_now_unheard_at
        if paid_at and not (notified_at and notified_at >= paid_at):
            return 'unheard'
        if not self.pay_now_commission_account_id:
            return 'commission'
        if (
            not (self.pay_now_webhook_url or '').startswith('https://')
            and not self._pay_now_connection().in_sandbox()
        ):
            return 'http'
        return not notified_at and not self.sudo().pay_now_demo and 'waiting'

    def _pay_now_health_label(self, code):
        """Return the one thing to do about the connection, in the reader's language.

        :param str code: see `_pay_now_find_health`.
        :return: False before it is connected.
        :rtype: str | bool
        """
        match code:
            case '':
                return False
            case 'away':
                return self._pay_now_away_label()
            case 'problem':
                return self.pay_now_problem_text
            case 'demo':
                return self._pay_now_demo_label()
            case 'fine':
                return self.env._(
                    "Last notification on %s.",
                    format_datetime(self.env, self.pay_now_last_event_at),
                )
        return self._pay_now_warning_label(code)

    def _pay_now_warning_label(self, code):
        """Return what to do about what makes the connection amber.

        :param str code: see `_pay_now_find_warning`.
        :rtype: str
        """
        name = self._pay_now_short_name()
        match code:
            case 'host':
                return self._pay_now_foreign_host_label()
            case 'silent':
                return self.env._(
                    "%(provider)s does not answer since %(since)s: look whether it reports a"
                    " breakdown, and whether Odoo may reach the internet. Payments are booked as"
                    " soon as it answers.",
                    provider=name,
                    since=format_datetime(self.env, self.pay_now_silent_since),
                )
            case 'books':
                return self._pay_now_books_warning()
            case 'unheard':
                text = self._pay_now_unnotified_label()
            case 'commission':
                return self.env._(
                    "Choose the commission account (step 4). Until then commissions wait under “To"
                    " handle”."
                )
            case 'http':
                text = self.env._(
                    "The provider only notifies https addresses: give Odoo one, then press “Check"
                    " again”. %s",
                    self._pay_now_sweep_label(),
                )
            case _:
                text = self.env._(
                    "No notification received yet: the first payment will bring one. %s",
                    self._pay_now_sweep_label(),
                )
        return text.rstrip()

    def _pay_now_foreign_host_label(self):
        """Return what to do about checkouts that nobody is sent to."""
        values = {'provider': self._pay_now_short_name(), 'host': self.pay_now_foreign_host}
        parameter = const.CHECKOUT_HOSTS.get(self.code)
        if not parameter:
            return self.env._(
                "%(provider)s has its checkouts on %(host)s, which is not its own: nobody is sent"
                " there, and nobody can pay. Ask %(provider)s why.",
                **values,
            )
        return self.env._(
            "%(provider)s has its checkouts on %(host)s, which is not its own: nobody is sent"
            " there, and nobody can pay. If it is your custom domain, name it in the system"
            " parameter %(parameter)s.",
            parameter=parameter,
            **values,
        )

    def _pay_now_unnotified_label(self):
        """Return what to do about a payment that no notification came of.

        :rtype: str
        """
        return self.env._(
            "A payment was made on %(date)s, and no notification of %(provider)s came:"
            " make sure that the internet reaches %(url)s. %(asked)s",
            date=format_datetime(self.env, self.pay_now_unheard_at),
            provider=self._pay_now_short_name(),
            url=self.pay_now_webhook_url,
            asked=self._pay_now_sweep_label(),
        )

    @api.model
    def _pay_now_sweep_interval(self):
        """Return how often payments are asked about, as the scheduled action says.

        :return: zero where it was archived or deleted.
        :rtype: datetime.timedelta
        """
        cron = self.env.ref('account_pay_now.ir_cron_sweep', raise_if_not_found=False)
        cron = cron and cron.sudo()
        if not cron or not cron.active:
            return timedelta()
        now = fields.Datetime.now()
        return now + relativedelta(**{cron.interval_type: cron.interval_number}) - now

    @api.model
    def _pay_now_sweep_label(self):
        """Return how often payments are booked without notifications; empty when they are not.

        :rtype: str
        """
        minutes = self._pay_now_sweep_interval() // timedelta(minutes=1)
        return (
            self.env._("Payments are booked every %s minutes meanwhile.", minutes)
            if minutes
            else ''
        )

    # === BUSINESS METHODS - PROBLEMS === #

    def _pay_now_kept_problem_label(self, field):
        """Return what a problem that was noted means, in the reader's language.

        :param str field: of its code (see `problems.values_of`).
        :return: False without a problem.
        :rtype: str | bool
        """
        code = self[field]
        return code and self._pay_now_problem_label(
            {**(self[f'{field}_values'] or {}), 'code': code}
        )

    def _pay_now_problem_label(self, problem):
        """Return what a problem means, and the one thing to do, in the reader's language.

        :param dict problem: see `problems`.
        :rtype: str
        """
        self.ensure_one()
        match problem['code']:
            case 'incomplete':
                return self.env._(
                    "This account cannot take payments yet: complete it at %(provider)s. Still"
                    " missing: %(missing)s",
                    provider=self._pay_now_short_name(),
                    missing=self._pay_now_requirements_text(problem['missing']),
                )
            case 'currency' | 'currency_not_taken':
                return self._pay_now_currency_problem_label(problem)
            case 'clearing':
                return self._pay_now_differing_label(problem)
            case 'webhook' | 'error' | 'refused':
                return self._pay_now_error_problem_label(problem)
            case 'unfinished':
                return self._pay_now_unfinished_text()
            case 'listing':
                return ' '.join(map(self._pay_now_problem_label, problem['problems']))
            case 'reporting_not_allowed' | 'disputes_not_allowed' | 'not_listed' as code:
                return self._pay_now_listing_problem_label(code)
            case 'text':
                return problem['text']
        # A sentence that an earlier version kept.
        return problem['code']

    def _pay_now_error_problem(self, code, error):
        """Return the problem that a gateway's error is, as it may be kept.

        Whoever reads the provider can read what is kept: the answer to the platform's credentials
        is not for its tenants.

        :param str code: of the problem.
        :param GatewayError error: what the gateway raised.
        :rtype: dict
        """
        problem = problems.of_error(code, error)
        if self._pay_now_platform_error_text(error):
            problem['error']['answer'] = ''
        return problem

    def _pay_now_currency_problem_label(self, problem):
        """Return why the provider's currencies and the company's do not go together.

        :param dict problem: whose currency it names, see `problems`.
        :rtype: str
        """
        if problem['code'] == 'currency_not_taken':
            return self.env._(
                "%(provider)s does not take payments in %(currency)s, which the company keeps its"
                " books in.",
                provider=self._pay_now_short_name(),
                currency=problem['currency'],
            )
        return self.env._(
            "This account is settled in %(theirs)s, the company keeps its books in %(ours)s.",
            theirs=problem['currency'],
            ours=self.company_id.currency_id.name,
        )

    def _pay_now_error_problem_label(self, problem):
        """Return what a problem means that a gateway's error is, in the reader's language.

        :param dict problem: see `problems.of_error`.
        :rtype: str
        """
        error = problems.error_of(problem)
        if problem['code'] == 'refused':
            return self._pay_now_error_text(error)
        text = self._pay_now_problem_text(error)
        if problem['code'] == 'webhook':
            return self.env._("Our webhook is gone, and cannot be registered again. %s", text)
        return text

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

    # === BUSINESS METHODS - WHAT WAS NOTICED === #

    def _pay_now_note_problem(self, error):
        """Remember what a failed call says about the connection itself, and have it looked at.

        :param GatewayError error: what the gateway raised.
        """
        _logger.warning(
            "%s refused or failed a request (%s): %s", self.name, error.request_id, error.message
        )
        provider = self.sudo()
        if isinstance(error, GatewayAuthError) and not provider.pay_now_problem:
            problem = provider._pay_now_error_problem('error', error)
            provider.sudo().write(
                {**problems.values_of('pay_now_problem', problem), 'pay_now_checked_at': False}
            )
            # The scheduled action asks again by itself, and tells what it finds.
            self.env.ref('account_pay_now.ir_cron_health').sudo()._trigger()

    def _pay_now_is_checkout_address(self, url):
        """Tell whether payers may be sent to an address.

        It is the provider's own, or on a host that an administrator named: Stripe's checkout may
        be on a domain of the company.

        :param str url: from the provider.
        :rtype: bool
        """
        if self._pay_now_is_own_address(url):
            return True
        parameter = const.CHECKOUT_HOSTS.get(self.code)
        named = parameter and self.env['ir.config_parameter'].sudo().get_param(parameter)
        return utils.is_address_of(url, (), (named or '').lower().replace(',', ' ').split())

    def _pay_now_note_checkout_host(self, host):
        """Remember that payers cannot be sent to the provider's checkouts, or that they can.

        Those concerned are told by the scheduled action that follows the health.

        :param str host: of others; empty where it is the provider's own.
        """
        provider = self.sudo()
        if (provider.pay_now_foreign_host or '') != host:
            provider.pay_now_foreign_host = host

    def _pay_now_note_silence(self):
        """Remember that the provider did not answer."""
        self.ensure_one()
        now = fields.Datetime.now()
        self.sudo().write(
            {'pay_now_silent_since': self.pay_now_silent_since or now, 'pay_now_silent_at': now}
        )

    def _pay_now_note_answer(self):
        """Remember that the provider answers."""
        self.ensure_one()
        if self.pay_now_silent_since:
            self.sudo().write({'pay_now_silent_since': False, 'pay_now_silent_at': False})

    def _pay_now_find_unnotified(self):
        """Return when a payment was made that no notification came of, though one should have.

        The provider has an hour for it, and each payment brings several.

        :return: naive UTC, or False.
        :rtype: datetime | bool
        """
        self.ensure_one()
        if not self.pay_now_webhook_ref:
            return False
        known = filter(None, (self.pay_now_last_event_at, self.pay_now_connected_at))
        notified_at = max(known, default=self.create_date)
        payment = self.env['payment.transaction'].search(
            Domain('provider_id', '=', self.id)
            & Domain('state', '=', 'done')
            & Domain('operation', '!=', 'refund')
            & Domain('pay_now_paid_at', '>', notified_at + timedelta(minutes=5))
            & Domain('pay_now_paid_at', '<', fields.Datetime.now() - timedelta(hours=1)),
            order='pay_now_paid_at, id',
            limit=1,
        )
        return payment.pay_now_paid_at

    # === BUSINESS METHODS - NOTICES === #

    def _pay_now_follow_health(self):
        """Notify of each provider whose health is another one than those concerned know."""
        self._pay_now_note_books()
        for provider in self:
            light, code = provider._pay_now_find_health()
            if code == (provider.pay_now_known_health or ''):
                continue
            provider.activity_unlink([ACTIVITY])
            if code in NOTIFIED:
                provider._pay_now_notify_health(light, code)
            provider.sudo().pay_now_known_health = code

    def _pay_now_acknowledge_health(self):
        """Take the health as it is for known."""
        self._pay_now_note_books()
        for provider in self:
            provider.activity_unlink([ACTIVITY])
            provider.sudo().pay_now_known_health = provider._pay_now_find_health()[1]

    def _pay_now_notify_health(self, light, code):
        """Write one notice to the sign-up address, and give one person something to do.

        A connection that comes and goes several times a day writes once. The activity is in the
        language of whom it is assigned to, the mail in the company's.

        :param str light: `amber` or `red`.
        :param str code: what it is about.
        """
        self.ensure_one()
        now = fields.Datetime.now()
        if administrator := self._pay_now_administrator():
            # Without the mail of an assignment: the notice is one.
            provider = self.with_context(
                mail_activity_quick_update=True,
                lang=administrator.lang or self.company_id._pay_now_lang(),
            )
            provider.activity_schedule(
                ACTIVITY,
                summary=provider.env._("Check the connection to %s", self._pay_now_short_name()),
                note=provider._pay_now_health_label(code),
                user_id=administrator.id,
            )
        lately = self.pay_now_noticed_at and now - self.pay_now_noticed_at < timedelta(days=1)
        if lately and self.pay_now_noticed_health == code:
            return
        self.sudo().write({'pay_now_noticed_at': now, 'pay_now_noticed_health': code})
        if self.company_id.pay_now_signup_email:
            mailed = self.with_context(lang=self.company_id._pay_now_lang())
            mailed._pay_now_mail_health(light, mailed._pay_now_health_label(code))

    def _pay_now_mail_health(self, light, text):
        """Queue the notice, in the context's language.

        :param str light: `amber` or `red`.
        :param str text: the one thing to do.
        """
        company = self.company_id
        subject, lead = self._pay_now_health_mail_texts(light)
        body = self.env['mail.mail']._pay_now_render(
            'account_pay_now.mail_health',
            {
                'lead': lead,
                'text': text,
                'test_mode': self.sudo().pay_now_test_keys,
                'url': f'{company.get_base_url()}/odoo/action-account_pay_now.action_pay_now_setup',
            },
        )
        self.env['mail.mail'].sudo().create(
            {
                'subject': subject,
                'body_html': body,
                'email_to': utils.email_header('', company.pay_now_signup_email),
                'email_from': company._pay_now_sender()
                or formataddr((utils.header_name(company.name), 'noreply')),
                'auto_delete': False,
            }
        )

    def _pay_now_health_mail_texts(self, light):
        """Return what the notice says first, in the context's language.

        :param str light: `amber` or `red`.
        :return: the subject and the first sentence.
        :rtype: tuple(str, str)
        """
        names = {'company': self.company_id.name, 'provider': self._pay_now_short_name()}
        if light == 'red':
            return (
                self.env._("%(company)s: online payment with %(provider)s does not work", **names),
                self.env._(
                    "%(company)s: %(provider)s is not offered to your customers at the moment.",
                    **names,
                ),
            )
        return (
            self.env._("%(company)s: the connection to %(provider)s needs a look", **names),
            self.env._(
                "%(company)s: your customers can go on paying with %(provider)s, but something"
                " needs a look.",
                **names,
            ),
        )

    def _pay_now_administrator(self):
        """Return who can fix the connection: who made it, else an administrator of the company.

        :rtype: res.users
        """
        self.ensure_one()
        administrators = (
            self.env.ref('base.group_system')
            .sudo()
            .all_user_ids.filtered(
                lambda user: user.active and not user.share and self.company_id in user.company_ids
            )
        )
        return (self.pay_now_connected_by_id & administrators) or administrators.sorted('id')[:1]

    # === BUSINESS METHODS - SHOWING === #

    def _pay_now_health_notices(self):
        """Return the health light of each provider, for those too who cannot open providers.

        :return: `{code: {level, message}}` as core's widget `actionable_errors` shows them.
        :rtype: dict
        """
        labels = dict(self._fields['pay_now_health']._description_selection(self.env))
        return {
            f'provider_{provider.id}': {
                'level': NOTIFICATION_TYPES[provider.pay_now_health],
                'message': self.env._(
                    "%(provider)s: %(health)s. %(text)s",
                    provider=provider._pay_now_short_name(),
                    health=labels[provider.pay_now_health],
                    text=provider.pay_now_health_text,
                ),
            }
            for provider in self
        }

    def _pay_now_check_notification(self, failures):
        """Return the notification of what was found, after which the screen shows it too.

        :param dict failures: `{provider: text}` of those that could not be asked.
        :return: a client action.
        :rtype: dict
        """
        worst, lines = 'green', []
        for provider in self:
            health = provider.pay_now_health or 'green'
            if provider in failures:
                health, text = 'red', failures[provider]
            elif provider.pay_now_status != 'connected':
                text = self.env._("not connected")
            elif health == 'green':
                text = self.env._("Checked: connected, everything fine.")
            elif health == 'amber':
                text = self.env._("Checked: connected. %s", provider.pay_now_health_text)
            else:
                text = provider.pay_now_health_text
            worst = max(worst, health, key=list(NOTIFICATION_TYPES).index)
            lines.append(f'{provider._pay_now_short_name()}: {text}')
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': NOTIFICATION_TYPES[worst],
                'message': '\n'.join(lines),
                'sticky': worst == 'red',
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

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
