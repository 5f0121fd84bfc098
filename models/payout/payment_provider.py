# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayError, GatewayUnavailable
from odoo.addons.account_pay_now.models.provider import problems
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentProvider(models.Model):
    """The money that leaves a provider, and what is not ours of its balance."""

    _inherit = 'payment.provider'

    pay_now_opening_balance = fields.Monetary(
        string="Balance when connected",
        currency_field='main_currency_id',
        readonly=True,
        copy=False,
        help="What the provider owed before its first payment was booked here.",
    )
    pay_now_opened_at = fields.Datetime(string="Balance read on", readonly=True, copy=False)

    # === BUSINESS METHODS - CONNECTION === #

    def _pay_now_open_balance(self):
        """Keep what the provider owed before our first payment, where it may be read.

        A record that is connected again keeps the first one: its account cannot change.
        """
        self.ensure_one()
        if self.pay_now_opened_at:
            return
        opened_at = fields.Datetime.now().replace(microsecond=0)
        try:
            balance = self._pay_now_gateway().balance()
        except GatewayError as error:
            _logger.info("The balance of %s cannot be read: %s", self.name, error.message)
            return
        self.write(
            {
                'pay_now_opening_balance': float(balance.total(self.company_id.currency_id.name)),
                'pay_now_opened_at': opened_at,
            }
        )

    # === BUSINESS METHODS - LISTING === #

    def _pay_now_sweep_movements(self):
        """List payouts, movements that are not ours, and disputes, unless it was done lately.

        Everything is idempotent: what the notifications brought already changes nothing.
        """
        lately = fields.Datetime.now() - timedelta(minutes=const.LISTING_INTERVAL_MINUTES)
        for provider in self.sudo():
            last = provider.pay_now_last_listing_at
            if last and last > lately or not provider._pay_now_take_turn():
                continue
            now = fields.Datetime.now()
            found = []
            for model in const.LISTED_MODELS:
                try:
                    with self.env.cr.savepoint():
                        provider.env[model]._sweep(provider)
                except GatewayUnavailable as error:
                    _logger.info("%s could not be listed: %s", provider.name, error.message)
                    now = last
                except GatewayError as error:
                    found.append(provider._pay_now_find_listing_problem(error))
                except psycopg2.OperationalError:
                    raise
                except Exception as error:
                    # The payments are asked about all the same.
                    _logger.exception("%s of %s could not be processed", model, provider.name)
                    found.append({'code': 'text', 'text': provider._pay_now_plain_error(error)})
            found = list(filter(None, found))
            problem = found and {'code': 'listing', 'problems': found}
            provider.write(
                {
                    'pay_now_last_listing_at': now,
                    **problems.values_of('pay_now_payout_problem', problem or False),
                }
            )

    # === BUSINESS METHODS - CHECK === #

    def _pay_now_clearing_equation(self):
        """Compare the clearing account with the provider (doc/rules.md, Books).

        :return: the terms, and their `gap`, which is zero when every movement of ours stands on
            the clearing account exactly once.
        :rtype: dict
        :raise GatewayError: the provider does not tell its balance.
        """
        self.ensure_one()
        currency = self.company_id.currency_id
        lines = self.env['account.move.line']
        balance = self._pay_now_gateway().balance().total(currency.name)
        clearing = lines._read_group(
            Domain('account_id', '=', self.pay_now_clearing_account_id.id)
            # Companies may share an account, or have theirs merged.
            & Domain('company_id', '=', self.company_id.id)
            & Domain('parent_state', '=', 'posted'),
            aggregates=['balance:sum'],
        )[0][0]
        sums = dict.fromkeys(('foreign', 'waiting', 'opening'), 0.0)
        for movement in self.env['pay.now.movement'].search(
            [('provider_id', '=', self.id), ('currency_id', '=', currency.id)]
        ):
            before = movement.occurred_at < (self.pay_now_opened_at or movement.occurred_at)
            if before and movement.state == 'booked':
                sums['opening'] -= movement.net
            elif not before and movement.state in ('foreign', 'handled'):
                sums['foreign'] += movement.net
            elif not before and movement.state == 'waiting':
                sums['waiting'] += movement._not_booked()
        terms = {
            'balance': float(balance),
            'opening': self.pay_now_opening_balance + sums['opening'],
            'foreign': sums['foreign'],
            'waiting': sums['waiting'],
            'clearing': clearing or 0.0,
        }
        expected = terms['balance'] - terms['opening'] - terms['foreign'] - terms['waiting']
        return {**terms, 'gap': currency.round(terms['clearing'] - expected)}
