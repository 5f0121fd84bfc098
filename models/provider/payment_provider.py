# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from decimal import Decimal

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import mute_logger, ormcache

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.gateways import GATEWAYS
from odoo.addons.account_pay_now.gateways.errors import GatewayAway, GatewayUnavailable
from odoo.addons.account_pay_now.models.provider import connection, problems
from odoo.addons.payment import utils as payment_utils

#: The accounts that entries stand on which come back to it later: not simply another one.
ACCOUNTS = {'pay_now_clearing_account_id', 'pay_now_disputed_account_id'}


class PaymentProvider(models.Model):
    """Stripe and PayPal for invoices and reminders, beside Odoo's own providers.

    What each is offered for, how it is connected and notifies us, and where it is booked.
    """

    _name = 'payment.provider'
    _inherit = ['payment.provider', 'pay.now.authority.mixin']
    _pay_now_written_by = dict.fromkeys(
        (
            'pay_now_clearing_account_id',
            'pay_now_commission_account_id',
            'pay_now_disputed_account_id',
        ),
        True,
    )

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
        help="The keys belong to the provider's test environment: no real money moves.",
        readonly=True,
        copy=False,
        groups='base.group_system',
    )
    pay_now_webhook_secret = fields.Char(
        string="Webhook secret",
        help="What the provider signs its notifications with. Kept by Connect; two of them, the"
        " new one first, while it is being renewed.",
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
    pay_now_connected_at = fields.Datetime(string="Connected on", readonly=True, copy=False)
    pay_now_last_event_at = fields.Datetime(
        string="Last notification received", readonly=True, copy=False
    )
    pay_now_last_sweep_at = fields.Datetime(string="Last asked", readonly=True, copy=False)

    # The database that a connection was made for: where it is called, and reached.
    pay_now_home_uuid = fields.Char(string="Made for the database", readonly=True, copy=False)
    pay_now_home_hosts = fields.Char(string="Made for the addresses", readonly=True, copy=False)
    pay_now_home_names = fields.Char(string="Made for the names", readonly=True, copy=False)

    # === ACCOUNTING === #

    pay_now_clearing_account_id = fields.Many2one(
        string="Clearing account",
        comodel_name='account.account',
        domain="[('account_type', '=', 'asset_current'), ('reconcile', '=', True)]",
        check_company=True,
        copy=False,
        help="What the provider owes the company.",
    )
    pay_now_commission_account_id = fields.Many2one(
        string="Commission account",
        comodel_name='account.account',
        domain="[('account_type', 'in', ('expense', 'expense_other', 'expense_direct_cost'))]",
        check_company=True,
        copy=False,
        help="The expense account the provider's commission goes to.",
    )
    pay_now_disputed_account_id = fields.Many2one(
        string="Disputed payments account",
        comodel_name='account.account',
        domain="[('account_type', '=', 'asset_current')]",
        check_company=True,
        copy=False,
        help="Where a disputed payment waits for the bank's decision.",
    )

    # === COMPUTE METHODS === #

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

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `payment`: no account is changed under entries that stand on it.

        What the workers remember of a connection is forgotten with any change of it.

        :raise UserError: there are, and what can be done.
        """
        if connection.PROVING_FIELDS & vals.keys():
            self._pay_now_forget_kept()
        if not ACCOUNTS & vals.keys():
            return super().write(vals)
        for provider in self:
            if 'pay_now_clearing_account_id' in vals:
                provider._pay_now_check_clearing_change(vals['pay_now_clearing_account_id'])
            if 'pay_now_disputed_account_id' in vals:
                provider._pay_now_check_disputed_change(vals['pay_now_disputed_account_id'])
        result = super().write(vals)
        if 'pay_now_clearing_account_id' in vals:
            self._pay_now_lead_method_lines()
        return result

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
        """Override of `payment` to forget our credentials too, and whom the platform acts for."""
        if self.code not in const.PROVIDER_CODES:
            return super()._get_reset_values()
        return {
            'pay_now_api_key': False,
            'pay_now_api_secret': False,
            'pay_now_status': 'not_connected',
            'pay_now_platform_state': False,
            'pay_now_platform_account': False,
            **self._pay_now_no_webhook_values(),
        }

    @api.model
    def _get_compatible_providers(
        self, company_id, partner_id, amount, *args, report=None, **kwargs
    ):
        """Override of `payment`: on Odoo's own pages ours are offered for invoices they may pay.

        The pages that know the invoice put it into the context (see `controllers/portal.py`). Core
        gives its total there, whatever was paid of it and whatever the page will ask for.
        """
        providers = super()._get_compatible_providers(
            company_id, partner_id, amount, *args, report=report, **kwargs
        )
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
        if not invoices or invoices._pay_now_refusals('page'):
            allowed = allowed.browse()
        else:
            amounts = invoices._pay_now_core_amounts()
            if asked := self.env.context.get('pay_now_amount'):
                amounts = [asked] if invoices._pay_now_core_amount_stands(asked) else []
            allowed = allowed.filtered(lambda one: any(map(one._pay_now_takes, amounts)))
        payment_utils.add_to_report(
            report,
            ours - allowed,
            available=False,
            reason=self.env._("not for this document (Pay Now)"),
        )
        return providers - (ours - allowed)

    # === BUSINESS METHODS - GATEWAY === #

    def _pay_now_short_name(self):
        """Return the provider's bare name, e.g. Stripe.

        :rtype: str
        """
        return const.SHORT_NAMES[self.code]

    def _pay_now_connection(self, key=''):
        """Return how the provider is connected, which all questions about it go to.

        :param str key: one that is tried, which makes it a connection with keys.
        :rtype: connection.OwnKeys | connection.Platform | connection.Demo
        """
        self.ensure_one()
        if not key and self.sudo().pay_now_demo:
            return connection.Demo(self)
        if not key and self._pay_now_on_platform():
            return connection.Platform(self)
        return connection.OwnKeys(self)

    @api.model
    def _pay_now_swept(self):
        """Return the providers of ours that can be asked, connected or being wound up.

        :rtype: payment.provider (sudo)
        """
        return (
            self.sudo()
            .search([('code', 'in', const.PROVIDER_CODES), ('pay_now_account', '!=', False)])
            .filtered(lambda provider: provider._pay_now_connection().can_be_asked())
        )

    @api.model
    def _pay_now_away(self):
        """Return the connections to real money that were made for another database than this one.

        :rtype: payment.provider (sudo)
        """
        providers = self.sudo().search(
            Domain('code', 'in', const.PROVIDER_CODES) & Domain('pay_now_home_uuid', '!=', False)
        )
        return providers.filtered(lambda provider: provider._pay_now_connection().is_away())

    def _pay_now_gateway(self, kept=None, **tried):
        """Return the gateway of this provider record, by the credentials of its connection.

        :param connection.Kept kept: what is remembered of it, so that nothing is read.
        :param tried: other values of `gateways.base.Credentials` than the stored ones.
        :return: an object of the protocol `gateways.protocol.Gateway`.
        :raise GatewayAuthError: the platform's credentials may not be used.
        """
        return (kept or self._pay_now_connection(tried.get('key'))).gateway(**tried)

    # === BUSINESS METHODS - NOTIFICATIONS === #

    @api.model
    @ormcache('provider_id')
    def _pay_now_kept_connection(self, provider_id):
        """Return what the notifications of a provider record are proven with, read once.

        Asked where nothing was written before only: what is remembered would outlive a rollback.

        :param int provider_id: what was notified.
        :rtype: connection.Kept
        :raise LookupError: it is none of ours, it is played, or the platform is notified for it.
        """
        provider = self.sudo().browse(provider_id).exists()
        if (
            provider.code not in const.PROVIDER_CODES
            or provider.pay_now_demo
            or provider._pay_now_on_platform()
        ):
            raise LookupError(provider_id)
        return connection.Kept.of(provider)

    @api.model
    def _pay_now_forget_kept(self):
        """Let all workers forget what they remember of connections, now and once it is committed.

        In between, another thread may read what is no longer so.
        """
        forget = self.env.registry.clear_cache
        forget()
        self.env.cr.postcommit.add(forget)

    def _pay_now_note_event(self, now=None):
        """Remember that notifications arrive. Once a minute is enough, and never waited for.

        :param datetime now: when one arrived.
        """
        self.ensure_one()
        now = now or fields.Datetime.now()
        last = self.pay_now_last_event_at
        if last and now - last < timedelta(minutes=1):
            return
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                # Not against those that only refer to us: a notification is being stored.
                if self.try_lock_for_update(allow_referencing=True):
                    self.sudo().pay_now_last_event_at = now
        except psycopg2.errors.SerializationFailure:
            # Another notification of this very moment has noted it.
            self.invalidate_recordset(['pay_now_last_event_at'], flush=False)

    # === BUSINESS METHODS - WORDS AND AMOUNTS === #

    def _pay_now_error_text(self, error):
        """Return what a gateway's error means, translated where the sentence is our own.

        :param GatewayError error: what the gateway raised.
        :rtype: str
        """
        self.ensure_one()
        name = self._pay_now_short_name()
        if isinstance(error, GatewayAway):
            return self._pay_now_away_label()
        if isinstance(error, GatewayUnavailable):
            return self.env._("%s does not answer at the moment.", name)
        if text := self._pay_now_platform_error_text(error):
            return text
        return {
            'secret_key_required': self.env._(
                "This is a publishable key. Please use the secret key."
            ),
            'not_a_key': self.env._("This is not a key of %s.", name),
            'currency_not_supported': self.env._("%s does not take this currency.", name),
        }.get(error.code) or self.env._(
            "%(provider)s answers: %(answer)s", provider=name, answer=error.message or error.code
        )

    def _pay_now_amount_limits(self, currency):
        """Return the smallest and largest amount the provider may be paid with at once.

        :param res.currency currency: the currency of the payment.
        :return: two amounts in major units.
        :rtype: tuple(decimal.Decimal, decimal.Decimal)
        """
        self.ensure_one()
        low, high = GATEWAYS[self.code].amount_limits(currency.name)
        provider = self.sudo()
        if provider.pay_now_minimum_amount:
            low = max(low, Decimal(str(provider.pay_now_minimum_amount)))
        if provider.maximum_amount:
            high = min(high, Decimal(str(provider.maximum_amount)))
        return low, high

    def _pay_now_takes(self, amount):
        """Tell whether the provider may be offered for an amount in the company's currency.

        :param float amount: 0 for one that is not known yet.
        :rtype: bool
        """
        self.ensure_one()
        currency = self.company_id.currency_id
        return not amount or not self._pay_now_amount_problem(amount, currency)

    def _pay_now_amount_problem(self, amount, currency):
        """Return what keeps the provider from taking an amount at once, or False.

        :param float amount: in major units.
        :param res.currency currency: of the amount.
        :return: `currency`, `step` (the provider has fewer decimals) or `limits`.
        :rtype: str | bool
        """
        self.ensure_one()
        step = GATEWAYS[self.code].amount_step(currency.name)
        if not step:
            return 'currency'
        exact = Decimal(str(currency.round(amount)))
        if exact % step:
            return 'step'
        low, high = self._pay_now_amount_limits(currency)
        return not low <= exact <= high and 'limits'

    def _pay_now_most(self):
        """Return the largest amount that any of the providers takes at once.

        :return: in the company's currency; None where there is no provider.
        :rtype: float | None
        """
        return max(self.mapped('pay_now_most_at_once'), default=None)

    def _pay_now_button_label(self):
        """Return what the button of the provider says on the pay page.

        :rtype: str
        """
        self.ensure_one()
        if self.code == const.PAYPAL:
            return self.env._("Pay with PayPal")
        return self.env._("Pay by card")

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

    def _pay_now_on_platform(self):
        """Tell whether the platform's credentials are used for this provider."""
        return self.sudo().pay_now_platform_state == 'used'

    def _pay_now_is_own_address(self, url, in_sandbox=None):
        """Tell whether an address is the provider's own, to send a payer or a merchant to.

        :param str url: from the provider.
        :param bool in_sandbox: whether it may be this machine; the connection knows by default.
        :rtype: bool
        """
        if in_sandbox is None:
            connected = self._pay_now_connection()
            if connected.is_own_page(url):
                return True
            in_sandbox = connected.in_sandbox()
        if in_sandbox and utils.is_loopback(url):
            return url.startswith(('http://', 'https://'))
        return utils.is_address_of(url, const.PROVIDER_DOMAINS[self.code])

    # === BUSINESS METHODS - ACCOUNTING === #

    def _pay_now_journals(self):
        """Return the providers' journals at once; core's field looks for each, and may write.

        :rtype: account.journal
        """
        lines = self.env['account.payment.method.line'].search_fetch(
            Domain('payment_provider_id', 'in', self.ids) & Domain('journal_id', '!=', False),
            ['journal_id'],
        )
        return lines.journal_id

    def _pay_now_method_line(self):
        """Return the method line the provider's payments are made with.

        :rtype: account.payment.method.line
        """
        self.ensure_one()
        line = self._pay_now_find_method_line()
        if not line:
            self._ensure_payment_method_line()
            line = self._pay_now_find_method_line()
        # The account is read from here by all that is booked, whatever became of the line.
        if line.payment_account_id != self.pay_now_clearing_account_id:
            line._pay_now_follow()
        return line

    def _pay_now_find_method_line(self):
        return self.journal_id.inbound_payment_method_line_ids.filtered(
            lambda line: line.payment_provider_id == self
        )[:1]

    def _pay_now_prepare_entry(self, instant, ref, label, amounts, partner=None):
        """Return the values of an entry in the provider's own journal.

        :param datetime instant: when it happened, naive UTC; None for now.
        :param str ref: the provider's id.
        :param str label: of every line.
        :param list amounts: (account, balance in the company's currency); zeros are left out.
        :param res.partner partner: whose money it is about.
        :rtype: dict
        """
        self.ensure_one()
        journal = self.journal_id
        currency = self.company_id.currency_id
        return {
            'move_type': 'entry',
            'journal_id': journal.id,
            'date': self._pay_now_booking_date(instant),
            'ref': ref,
            'line_ids': [
                Command.create(
                    {
                        'name': label,
                        'account_id': account.id,
                        'currency_id': currency.id,
                        'balance': balance,
                        'amount_currency': balance,
                        'partner_id': partner.id if partner else False,
                    }
                )
                for account, balance in amounts
                if not currency.is_zero(balance)
            ],
        }

    def _pay_now_as_take_back(self, values):
        """Return the values of an entry that takes another one back, with the signs for it.

        Where the company keeps its books by Storno, it stands on the same side, negative, as
        Odoo's own reversals do.

        :param dict values: of the entry, its lines as commands that create them.
        :rtype: dict
        """
        self.ensure_one()
        if self.company_id.account_storno:
            for _command, _id, line in values['line_ids']:
                line['is_storno'] = True
        return values

    def _pay_now_transfer_account(self):
        """Return the account of money on its way between a provider and the bank.

        :raise UserError: the company has none.
        """
        self.ensure_one()
        account = self.company_id.transfer_account_id
        if not account:
            raise problems.BooksRefusal(self, 'transfer')
        return account

    def _pay_now_booking_date(self, instant=None):
        """Return the accounting date of something that happened at the provider.

        :param datetime instant: naive UTC, now by default.
        :return: the day in the company's time zone, moved after the lock date where needed: a
            closed period never keeps money out of the books.
        :rtype: datetime.date
        """
        self.ensure_one()
        journal = self.journal_id
        company = journal.company_id
        day = company._pay_now_day(instant or fields.Datetime.now())
        return self._pay_now_open_day(day, journal, company)

    @api.model
    def _pay_now_open_day(self, day, journal, company, has_tax=False):
        """Return the first day from another one on that an entry may be dated.

        :param datetime.date day: when it happened.
        :param account.journal journal: where the entry is to stand.
        :param res.company company: whose entry it is.
        :param bool has_tax: whether there are taxes in it, whose period may be closed.
        :rtype: datetime.date
        """
        locks = company._get_violated_lock_dates(day, has_tax, journal)
        return max([day, *(lock[0] + timedelta(days=1) for lock in locks)])

    @api.model
    def _pay_now_currency(self, code):
        """Return the currency of an ISO code, whether anybody uses it or not.

        :param str code: upper case.
        :rtype: res.currency
        :raise UserError: there is none.
        """
        Currency = self.env['res.currency']
        currency = Currency.with_context(active_test=False).search([('name', '=', code)], limit=1)
        if not currency:
            raise UserError(self.env._("There is no currency %s.", code))
        return Currency.browse(currency.id)

    # === BUSINESS METHODS - OFFER === #

    def _pay_now_note_offered(self, methods):
        """Remember what a checkout that was opened just now lets its payer choose from.

        It differs by amount and changes to and fro: no payer waits for another one, or for what the
        scheduled actions write of the provider. The next checkout says it again.

        :param tuple methods: in the provider's codes; empty where it does not say.
        """
        self.ensure_one()
        offered = ','.join(methods)
        provider = self.sudo()
        if not methods or provider.pay_now_offered == offered:
            return
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                if provider.try_lock_for_update(allow_referencing=True):
                    provider.pay_now_offered = offered
        except psycopg2.errors.SerializationFailure:
            # Somebody else has written it since this request began.
            provider.invalidate_recordset(['pay_now_offered'], flush=False)
