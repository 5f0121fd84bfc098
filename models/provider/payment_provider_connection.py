# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_datetime

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import GATEWAYS
from odoo.addons.account_pay_now.gateways.errors import GatewayError, GatewayUnavailable
from odoo.addons.account_pay_now.models.provider import problems
from odoo.addons.account_pay_now.models.provider.connection import Place
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)
#: What the books of a test are called by, beside those of real payments.
TEST_MARK = ' (TEST)'
#: Such marks, and the number of a further account, at the end of a name.
NUMBER = re.compile(r'( \((TEST|\d+)\))+$')


def _rename(record, rename):
    """Change a name in each language that it is written in.

    :param recordset record: one record with a translated name.
    :param rename: gives the new name of an old one.
    """
    names = {
        lang: record.with_context(lang=lang).name
        for lang, _name in record.env['res.lang'].get_installed()
    }
    for lang, name in names.items():
        record.with_context(lang=lang).name = rename(name)


class PaymentProvider(models.Model):
    """The connection to a provider: one account, one record, one clearing account.

    Another account, and the provider's live environment after its test environment, is another
    record. The former one is closed to new payments and followed until all of it is settled.
    *Disconnect* closes to new payments only: keys and webhook stay, so that what is under way is
    booked, and refunds are made. *Forget keys* ends that too.
    """

    _inherit = 'payment.provider'

    pay_now_replaced = fields.Boolean(
        string="Another account took over", compute='_compute_pay_now_replaced'
    )

    pay_now_stage = fields.Selection(
        string="Stage",
        selection=[
            ('new', "not connected"),
            ('test', "connected, test"),
            ('live', "connected"),
            ('followed', "disconnected, still followed"),
            ('forgotten', "disconnected, keys forgotten"),
        ],
        compute='_compute_pay_now_stage',
    )
    pay_now_stage_text = fields.Char(string="What goes on", compute='_compute_pay_now_stage')

    # === COMPUTE METHODS === #

    @api.depends('pay_now_status')
    def _compute_pay_now_replaced(self):
        """Also of a record of an earlier account that is still there."""
        connected = self.search(
            Domain('code', 'in', self.mapped('code'))
            & Domain('company_id', 'in', self.company_id.ids)
            & Domain('pay_now_status', '=', 'connected')
        )
        taken = {(provider.code, provider.company_id) for provider in connected}
        for provider in self:
            provider.pay_now_replaced = (
                provider.pay_now_status != 'connected'
                and (provider.code, provider.company_id._origin) in taken
            )

    @api.depends(
        'pay_now_status',
        'pay_now_test_keys',
        'pay_now_account',
        'pay_now_former_webhook_ref',
        'pay_now_problem_text',
    )
    @api.depends_context('lang', 'tz')
    def _compute_pay_now_stage(self):
        for provider in self:
            # The set-up screen, before it is saved, shows copies.
            stage = provider._origin._pay_now_find_stage()
            provider.pay_now_stage = stage
            provider.pay_now_stage_text = provider._origin._pay_now_find_stage_text(stage)

    def _pay_now_find_stage(self):
        provider = self.sudo()
        if provider.pay_now_status == 'connected':
            return 'test' if provider.pay_now_test_keys else 'live'
        if self._pay_now_connection().is_followed():
            return 'followed'
        return 'forgotten' if provider.pay_now_account else 'new'

    def _pay_now_find_stage_text(self, stage):
        """Return what goes on with an account that is not simply connected, or False."""
        if stage == 'followed':
            if self.pay_now_problem:
                return self.pay_now_problem_text
            followed = self._pay_now_followed_text()
            if not followed:
                return self.env._("Nothing is under way any more.")
            return self.env._("No new payments. Still followed: %s.", followed)
        if stage == 'forgotten':
            return self.env._("Its history and its books stay. Connect again at any time.")
        until = self.pay_now_former_webhook_until
        if self.pay_now_former_webhook_ref and until:
            return self.env._(
                "The webhook secret is being renewed: the former one is valid until %s.",
                format_datetime(self.env, until),
            )
        return False

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
        """Close the provider to new payments; what is under way is still followed and booked.

        Checkouts that are open there are ended, unless the payer has approved.
        """
        for provider in self:
            provider.check_access('write')
            provider.sudo().write(
                {'pay_now_status': 'not_connected', 'is_published': False, 'state': 'disabled'}
            )
        self._pay_now_end_checkouts_soon()
        self._pay_now_acknowledge_health()

    def action_pay_now_check(self):
        """Ask the provider again who we are and what the account may do, and say what came of it.

        :return: a notification.
        :rtype: dict
        """
        self.check_access('write')
        self._pay_now_lead_method_lines()
        failures = {provider: provider._pay_now_check() for provider in self}
        return self._pay_now_check_notification({k: v for k, v in failures.items() if v})

    def action_pay_now_connect_another(self):
        """Open the window that asks for the keys of another account."""
        return self._pay_now_ask_keys(
            'another', self.env._("Connect another account of %s", self._pay_now_short_name())
        )

    def action_pay_now_go_live(self):
        """Open the window that asks for the keys that take real money."""
        return self._pay_now_ask_keys(
            'live', self.env._("Go live with %s", self._pay_now_short_name())
        )

    def action_pay_now_forget(self):
        """Open the window that says what will no longer be followed."""
        self.ensure_one()
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Forget the keys of %s", self._pay_now_short_name()),
            'res_model': 'pay.now.forget',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_provider_id': self.id},
        }

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
            self._pay_now_end_before_change(key)
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
        self.sudo().write(
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
        if problem := self._pay_now_currency_problem():
            raise UserError(self._pay_now_problem_label(problem))

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
            **self._pay_now_schedule_values(account),
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
            **Place.of(self.env).as_values(),
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
        self._pay_now_end_before_change(key)
        values = self._pay_now_key_values(key, secret, account)
        if webhook and webhook.id != former:
            values |= {
                'pay_now_webhook_ref': webhook.id,
                'pay_now_former_webhook_ref': former,
                'pay_now_former_webhook_until': former
                and fields.Datetime.now() + const.FORMER_VALIDITY,
            }
        self.sudo().write(values)
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
        if self._pay_now_connection().is_away():
            self.sudo().write(values)
            self._pay_now_follow_health()
            return self._pay_now_away_label()
        try:
            gateway = self._pay_now_gateway()
            account = gateway.check_account(self.company_id.currency_id.name)
            values['pay_now_account_name'] = account.name or account.email
            values |= self._pay_now_schedule_values(account)
            problem = (
                self._pay_now_account_problem(account)
                or self._pay_now_connection().ensure_webhook(gateway)
                or self._pay_now_differing_problem()
            )
        except GatewayUnavailable as error:
            _logger.info("%s could not be asked: %s", self.name, error.message)
            self.sudo().pay_now_checked_at = values['pay_now_checked_at']
            self._pay_now_note_silence()
            self._pay_now_follow_health()
            return self._pay_now_error_text(error)
        except GatewayError as error:
            problem = self._pay_now_error_problem('error', error)
        values |= problems.values_of('pay_now_problem', problem)
        self._pay_now_note_answer()
        values['pay_now_unheard_at'] = self._pay_now_find_unnotified()
        values |= self._pay_now_wallet_values()
        if not self.pay_now_home_uuid:
            # Connected by an earlier version.
            values |= Place.of(self.env).as_values()
        self.sudo().write(values)
        self._pay_now_follow_health()
        return None

    def _pay_now_account_problem(self, account):
        """Return what keeps an account from being charged, or False.

        :param gateways.base.Account account: as the provider describes it.
        :return: a problem (see `problems`), whose sentence `_pay_now_problem_label` gives.
        :rtype: dict | bool
        """
        if problem := self._pay_now_currency_problem():
            return problem
        if not account.can_charge:
            return {'code': 'incomplete', 'missing': list(account.missing)}
        if account.currency and account.currency != self.company_id.currency_id.name:
            return {'code': 'currency', 'currency': account.currency}
        return False

    def _pay_now_currency_problem(self):
        """Return that the provider cannot be paid in the company's currency, or False.

        :rtype: dict | bool
        """
        currency = self.company_id.currency_id.name
        if GATEWAYS[self.code].amount_step(currency):
            return False
        return {'code': 'currency_not_taken', 'currency': currency}

    # === BUSINESS METHODS - WHICH ACCOUNT === #

    def _pay_now_has_history(self):
        """Tell whether something of the record's account is kept here.

        :rtype: bool
        """
        self.ensure_one()
        return any(
            self.env[model].sudo().search_count([('provider_id', '=', self.id)], limit=1)
            for model in ('payment.transaction', 'pay.now.payout')
        )

    def _pay_now_check_same_account(self, account):
        """Refuse the keys of another account than the record's.

        :param gateways.base.Account account: whose keys they are.
        :raise UserError: what to do instead.
        """
        self.ensure_one()
        name = self._pay_now_short_name()
        if self.pay_now_account != account.id:
            raise UserError(
                self.env._(
                    "These keys belong to another account of %(provider)s (%(new)s). The payments"
                    " and the books here are those of %(old)s. Press “Connect another account”: it"
                    " makes a new record with its own journal and clearing account.",
                    provider=name,
                    new=account.id,
                    old=self.pay_now_account,
                )
            )
        if self.pay_now_test_keys == account.test_mode:
            return
        if account.test_mode:
            raise UserError(
                self.env._(
                    "These are test keys, and the books here are about real money. Press “Connect"
                    " another account”: it makes a new record with its own journal and clearing"
                    " account."
                )
            )
        raise UserError(
            self.env._(
                "These keys take real money, and the books here are those of a test. Press “Go"
                " live”: it makes a new record with its own journal and clearing account."
            )
        )

    # === BUSINESS METHODS - ANOTHER ACCOUNT === #

    def _pay_now_connect_successor(self, key, secret='', live=False, api_base=False):
        """Connect another account on a record of its own, and close this one to new payments.

        An account that was connected before goes on where it stopped.

        :param str key: as of `_pay_now_connect`.
        :param str secret: as of `_pay_now_connect`.
        :param bool live: refuse keys that only pretend to take money.
        :param str api_base: the address of a sandbox.
        :return: the record of the other account.
        :rtype: payment.provider
        :raise UserError: as `_pay_now_connect`; nothing has changed then.
        """
        self.ensure_one()
        self._pay_now_check_steps()
        try:
            account = self._pay_now_prove(key, secret)
        except GatewayError as error:
            raise UserError(self._pay_now_error_text(error)) from error
        if live and account.test_mode:
            raise UserError(
                self.env._(
                    "These are test keys again. Leave the test mode at %s, and take the keys of its"
                    " live environment.",
                    self._pay_now_short_name(),
                )
            )
        if self._pay_now_is_account(account):
            raise UserError(
                self.env._(
                    "These keys belong to the account that is here already: press “Change keys”."
                )
            )
        if self.pay_now_test_keys and not account.test_mode:
            self._pay_now_mark_test_books()
        successor = self._pay_now_find_account(account) or self._pay_now_create_successor()
        if api_base:
            successor.sudo().write({'state': 'disabled', 'pay_now_api_base': api_base})
        successor._pay_now_connect(key, secret)
        return successor

    def _pay_now_is_account(self, account):
        return (self.pay_now_account, self.pay_now_test_keys) == (account.id, account.test_mode)

    def _pay_now_find_account(self, account):
        """Return the record that was connected to an account before, if there is one."""
        return self.search(
            Domain('code', '=', self.code)
            & Domain('company_id', '=', self.company_id.id)
            & Domain('pay_now_account', '=', account.id)
            & Domain('pay_now_test_keys', '=', account.test_mode),
            limit=1,
        )

    def _pay_now_create_successor(self):
        """Create the record of another account: all of its own but the commission account.

        :rtype: payment.provider
        """
        same = self.search([('code', '=', self.code), ('company_id', '=', self.company_id.id)])
        # The books of a test have their own mark.
        number = sum(not provider.name.endswith(TEST_MARK) for provider in same) + 1
        mark = f' ({number})' if number > 1 else ''
        successor = self.copy({'company_id': self.company_id.id})
        successor.pay_now_commission_account_id = self.pay_now_commission_account_id
        # Before the accounts of the others are found.
        provider = successor._pay_now_for_books()
        provider.pay_now_clearing_account_id = provider._pay_now_create_clearing_account()
        provider.pay_now_disputed_account_id = provider._pay_now_create_disputed_account()
        base = NUMBER.sub('', self.name)
        _rename(successor, lambda name: NUMBER.sub('', name or base) + mark)
        _rename(provider.pay_now_clearing_account_id, lambda name: name + mark)
        _rename(
            provider.pay_now_disputed_account_id,
            lambda name: f'{name} ({self._pay_now_short_name()}{mark})',
        )
        return successor

    def _pay_now_begin_account(self):
        """Forget what was read of another account, of which nothing is kept here."""
        self.sudo().write(
            {
                'pay_now_opened_at': False,
                'pay_now_opening_balance': 0,
                'pay_now_last_sweep_at': False,
                'pay_now_last_listing_at': False,
                'pay_now_listed_from': False,
            }
        )

    def _pay_now_replace_others(self):
        """Close the company's other records of the same provider to new payments.

        Test keys connected beside real ones close nothing: they are offered to nobody.
        """
        self.ensure_one()
        others = self.search(
            Domain('code', '=', self.code)
            & Domain('company_id', '=', self.company_id.id)
            & Domain('pay_now_status', '=', 'connected')
            & Domain('id', '!=', self.id)
        )
        others.filtered(
            lambda other: other.pay_now_test_keys or not self.pay_now_test_keys
        ).action_pay_now_disconnect()

    def _pay_now_mark_test_books(self):
        """Say on the books of a test that they are, now that there are real ones beside them."""
        self.ensure_one()
        for record in (self, self.journal_id, self.pay_now_clearing_account_id):
            if record and not record.name.endswith(TEST_MARK):
                _rename(record, lambda name: name + TEST_MARK)

    # === BUSINESS METHODS - WHAT IS FOLLOWED === #

    def _pay_now_followed(self):
        """Return how many payments, disputes and payouts still need the provider's answers.

        :return: `{open, refundable, disputes, payouts}`
        :rtype: dict
        """
        self.ensure_one()
        Transaction = self.env['payment.transaction'].sudo()
        mine = Domain('provider_id', '=', self.id)
        payments = mine & Domain('operation', '!=', 'refund')
        opened = Domain('state', '=', 'draft') & Domain('provider_reference', '!=', False)
        oldest = fields.Datetime.now() - timedelta(days=const.REFUNDABLE_DAYS)
        refundable = (
            payments & Domain('state', '=', 'done') & Domain('pay_now_paid_at', '>=', oldest)
        )
        refunded = Transaction._read_group(
            mine
            & Domain('operation', '=', 'refund')
            & Domain('state', 'in', ('draft', 'pending', 'done'))
            & Domain('source_transaction_id', 'any', refundable),
            ['source_transaction_id'],
            ['amount:sum'],
        )
        wholly = sum(
            source.currency_id.compare_amounts(-amount, source.pay_now_received) >= 0
            for source, amount in refunded
        )
        return {
            # A refund on its way is under way as much as a payment.
            'open': Transaction.search_count(
                mine & (Domain('state', 'in', ('pending', 'authorized')) | opened)
            ),
            'refundable': Transaction.search_count(refundable) - wholly,
            'disputes': self.env['pay.now.dispute']
            .sudo()
            .search_count(mine & Domain('state', 'in', ('inquiry', 'open'))),
            'payouts': self.env['pay.now.payout']
            .sudo()
            .search_count(mine & Domain('state', '=', 'pending')),
        }

    def _pay_now_followed_text(self):
        """Return in numbers what is still followed, empty when nothing is.

        :rtype: str
        """
        counts = self._pay_now_followed()
        labels = {
            'open': self.env._("payments under way: %s", counts['open']),
            'refundable': self.env._("payments that can be refunded: %s", counts['refundable']),
            'disputes': self.env._("open disputes: %s", counts['disputes']),
            'payouts': self.env._("payouts on their way: %s", counts['payouts']),
        }
        return ', '.join(labels[kind] for kind, count in counts.items() if count)

    # === BUSINESS METHODS - FORGETTING === #

    def _pay_now_forget_keys(self):
        """Forget keys and webhook; history and books stay, and it can be connected again.

        :return: what is left at the provider, for the person to remove there, or False.
        :rtype: str | bool
        """
        self.ensure_one()
        if self.pay_now_status == 'connected':
            self.action_pay_now_disconnect()
        left = [self._pay_now_end_checkouts()]
        if self._pay_now_connection().unregister_webhooks():
            left += [
                self.env._(
                    "%(provider)s was not asked to forget the address %(url)s: please delete it"
                    " there, in the settings of your account under “Webhooks”.",
                    provider=self._pay_now_short_name(),
                    url=self.pay_now_webhook_url,
                )
            ]
        self.sudo().write(
            {
                'pay_now_api_key': False,
                'pay_now_api_secret': False,
                **problems.values_of('pay_now_problem', False),
                'pay_now_silent_since': False,
                'pay_now_silent_at': False,
                'pay_now_unheard_at': False,
                **self._pay_now_no_webhook_values(),
            }
        )
        self._pay_now_leave_platform()
        return '\n'.join(filter(None, left)) or False
