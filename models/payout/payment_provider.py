# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta, timezone

import psycopg2
from babel.dates import get_day_names

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.i18n import format_list
from odoo.tools.misc import babel_locale_parse, format_date, get_lang

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.base import (
    DAILY,
    MANUAL,
    MONTHLY,
    WEEKLY,
    PayoutSchedule,
)
from odoo.addons.account_pay_now.gateways.errors import GatewayError, GatewayUnavailable
from odoo.addons.account_pay_now.models.payout.pay_now_movement import NOT_OURS
from odoo.addons.account_pay_now.models.provider import problems
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)

#: Days of any month.
SHORTEST_MONTH = 28


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
    pay_now_listed_from = fields.Datetime(string="Movements kept from", readonly=True, copy=False)
    pay_now_payout_interval = fields.Selection(
        string="Paid out",
        selection=[
            (DAILY, "Daily"),
            (WEEKLY, "Weekly"),
            (MONTHLY, "Monthly"),
            (MANUAL, "When asked for"),
        ],
        readonly=True,
        copy=False,
    )
    pay_now_payout_delay = fields.Integer(
        string="Days until a payment may be paid out", readonly=True, copy=False
    )
    pay_now_payout_days = fields.Json(
        string="Days of payouts",
        readonly=True,
        copy=False,
        help="Weekly: 1 (Monday) to 7; monthly: 1 to 31.",
    )
    pay_now_schedule_text = fields.Char(
        string="Payout schedule", compute='_compute_pay_now_schedule_text', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    @api.depends('code', 'pay_now_payout_interval', 'pay_now_payout_delay', 'pay_now_payout_days')
    @api.depends_context('lang')
    def _compute_pay_now_schedule_text(self):
        for provider in self:
            provider.pay_now_schedule_text = provider._pay_now_schedule_label()

    # === BUSINESS METHODS - SCHEDULE === #

    def _pay_now_schedule_values(self, account):
        """Return how the account says that it is paid out, to be kept.

        :param gateways.base.Account account: as it was read just now.
        :rtype: dict
        """
        schedule = account.payout_schedule
        return {
            'pay_now_payout_interval': schedule and schedule.interval,
            'pay_now_payout_delay': (schedule and schedule.delay_days) or 0,
            'pay_now_payout_days': list(schedule.days) if schedule and schedule.days else False,
        }

    def _pay_now_schedule(self):
        """Return when the provider pays out by itself, as far as it is known.

        :rtype: gateways.base.PayoutSchedule | None
        """
        self.ensure_one()
        if not self.pay_now_payout_interval:
            return None
        return PayoutSchedule(
            self.pay_now_payout_interval,
            self.pay_now_payout_delay,
            tuple(self.pay_now_payout_days or ()),
        )

    def _pay_now_expected_payout(self, day):
        """Return when money is expected to leave for the bank.

        :param datetime.date day: from when on it may be paid out.
        :return: False where nobody can tell: the schedule is not known, or somebody has to ask.
        :rtype: datetime.date | bool
        """
        schedule = self._pay_now_schedule()
        return (schedule and schedule.next_day(day)) or False

    def _pay_now_schedule_label(self):
        """Return when the provider pays out, for whoever reads it; empty where it is not known.

        :rtype: str
        """
        self.ensure_one()
        name = self._pay_now_short_name() if self.code in const.PROVIDER_CODES else ''
        if self.code == const.PAYPAL:
            return self.env._("%s keeps the money until you withdraw it", name)
        interval, delay = self.pay_now_payout_interval, self.pay_now_payout_delay
        if interval == MANUAL:
            return self.env._("%s pays out only when you ask for it", name)
        if interval == DAILY and delay == 1:
            return self.env._("%s pays out daily, 1 day after the payment", name)
        if interval == DAILY and delay:
            return self.env._(
                "%(provider)s pays out daily, %(days)s days after the payment",
                provider=name,
                days=delay,
            )
        if interval == DAILY:
            return self.env._("%s pays out daily", name)
        return self._pay_now_schedule_days_label(name)

    def _pay_now_schedule_days_label(self, name):
        """Return on which days of the week or month the provider pays out.

        :param str name: of the provider.
        :rtype: str
        """
        days = self.pay_now_payout_days or []
        if self.pay_now_payout_interval == WEEKLY:
            weekdays = get_day_names('wide', 'format', babel_locale_parse(get_lang(self.env).code))
            listed = format_list(self.env, [weekdays[day - 1] for day in days])
            return self.env._(
                "%(provider)s pays out weekly on %(days)s", provider=name, days=listed
            )
        if self.pay_now_payout_interval != MONTHLY:
            return ''
        values = {'provider': name, 'days': format_list(self.env, [str(day) for day in days])}
        if max(days) <= SHORTEST_MONTH and len(days) == 1:
            return self.env._("%(provider)s pays out monthly, on day %(days)s", **values)
        if max(days) <= SHORTEST_MONTH:
            return self.env._("%(provider)s pays out monthly, on days %(days)s", **values)
        if len(days) == 1:
            return self.env._(
                "%(provider)s pays out monthly, on day %(days)s (the last day of shorter months)",
                **values,
            )
        return self.env._(
            "%(provider)s pays out monthly, on days %(days)s (the last day of shorter months)",
            **values,
        )

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
        self.sudo().write(
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
            provider.sudo().write(
                {
                    'pay_now_last_listing_at': now,
                    **problems.values_of('pay_now_payout_problem', problem or False),
                }
            )

    def _pay_now_note_listed(self, since):
        """Note from when on all movements of the balance are kept.

        :param datetime since: of the list that was kept just now, aware.
        """
        self.ensure_one()
        since = self.company_id._pay_now_instant(since)
        kept, last = self.pay_now_listed_from, self.pay_now_last_listing_at
        if not kept or since < kept or (last and since > last):
            self.pay_now_listed_from = since

    def _pay_now_first_known(self):
        """Return since when something is known of the balance.

        :return: naive UTC, or False.
        :rtype: datetime | bool
        """
        self.ensure_one()
        return self.pay_now_opened_at or self.pay_now_connected_at

    def _pay_now_is_listed(self):
        """Tell whether all movements are kept since something is known of the balance.

        :rtype: bool
        """
        first, kept = self._pay_now_first_known(), self.pay_now_listed_from
        return bool(first and kept and kept <= first)

    def _pay_now_keep_movements(self, until):
        """List what is missing of the movements since the balance was read, up to an instant.

        :param datetime until: naive UTC.
        :raise GatewayError: the provider does not give its list.
        :raise UserError: it is being listed at this moment.
        """
        self.ensure_one()
        first, last = self._pay_now_first_known(), self.pay_now_last_listing_at
        whole = self._pay_now_is_listed()
        if whole and last and last >= until + const.REPORT_DELAY:
            return
        if not self._pay_now_take_turn():
            raise UserError(
                self.env._("%s is being processed at this moment.", self._pay_now_short_name())
            )
        since = None if whole else first and first.replace(tzinfo=timezone.utc)
        self.env['pay.now.movement']._sweep(self, since)

    # === BUSINESS METHODS - CHECK === #

    def _pay_now_clearing_equation(self, date=None):
        """Compare the clearing account with the provider (doc/rules.md, Books).

        Of now, the provider is asked for its balance. Of a day that is over, it is what was there
        at first and all that moved since, as the provider lists it: the same whenever it is asked.

        :param datetime.date date: at its end; none for now.
        :return: the terms, and their `gap`, which is zero when every movement of ours stands on
            the clearing account exactly once.
        :rtype: dict
        :raise GatewayError: the provider does not tell its balance, or does not give its list.
        :raise UserError: nothing is known of that day.
        """
        self.ensure_one()
        company = self.company_id
        if date and date >= company._pay_now_today():
            date = None
        until = date and company._pay_now_day_start(date + timedelta(days=1))
        if date:
            self._pay_now_check_known(until)
            self._pay_now_keep_movements(until)
        terms = self._pay_now_moved(date, until)
        listed = self.pay_now_opening_balance + terms.pop('moved')
        if date:
            balance = listed
        else:
            balance = float(self._pay_now_gateway().balance().total(company.currency_id.name))
        return self._pay_now_balanced(terms, balance, balance - listed, date)

    def _pay_now_check_known(self, until):
        """Refuse a day that ended before the balance was read for the first time.

        :param datetime until: its end, naive UTC.
        :raise UserError: it did.
        """
        first = self._pay_now_first_known()
        if not first or until <= first:
            raise UserError(
                self.env._(
                    "%(provider)s was connected on %(date)s: nothing is known of the days before.",
                    provider=self._pay_now_short_name(),
                    date=format_date(self.env, first and self.company_id._pay_now_day(first)),
                )
            )

    def _pay_now_moved(self, date, until):
        """Return what moved at the provider since the balance was read, by what the books know.

        :param datetime.date date: the last day whose entries count; none for all.
        :param datetime until: its end, naive UTC.
        :return: `moved`, of it `foreign` and `waiting`; `former`, which moved before and was
            booked; `early`, booked before it moved. All amounts in the company's currency.
        :rtype: dict
        """
        Movement = self.env['pay.now.movement']
        Movement._date_bookings(self)
        counted = Movement._counted_domain(self, until)
        foreign = Domain('state', 'in', NOT_OURS)

        def total(domain):
            return Movement._read_group(domain, aggregates=['net:sum'])[0][0] or 0.0

        open_ = Movement.search(counted & self._pay_now_not_booked_domain(date))
        booked = open_._booked_until(self, date)
        return {
            'moved': total(counted),
            'foreign': total(counted & foreign),
            'waiting': sum(open_.mapped('net')) - sum(booked.values()),
            'former': total(self._pay_now_former_domain(date)),
            'early': sum(self._pay_now_early(date, until)._booked_until(self, date).values()),
        }

    def _pay_now_not_booked_domain(self, date=None):
        """Return the domain of movements of ours that are not wholly booked, at a day's end.

        :param datetime.date date: none for now.
        :rtype: Domain
        """
        domain = Domain('state', '=', 'waiting')
        if date:
            domain |= Domain('state', 'in', ('ours', 'booked')) & Domain('booked_on', '>', date)
        return domain

    def _pay_now_early(self, date, until):
        """Return the movements that are booked at a day's end, and happened later.

        :rtype: pay.now.movement
        """
        Movement = self.env['pay.now.movement']
        if not date:
            return Movement
        return Movement.search(
            Movement._counted_domain(self)
            & Domain('occurred_at', '>=', until)
            & Domain('booked_from', '<=', date)
        )

    def _pay_now_former_domain(self, date=None):
        """Return the domain of what moved before the balance was read, and was booked by hand.

        :param datetime.date date: the last day whose entries count; none for all.
        :rtype: Domain
        """
        if not self.pay_now_opened_at:
            return Domain.FALSE
        domain = (
            Domain('provider_id', '=', self.id)
            & Domain('currency_id', '=', self.company_id.currency_id.id)
            & Domain('occurred_at', '<', self.pay_now_opened_at)
            & Domain('state', '=', 'booked')
        )
        return domain & Domain('booked_on', '<=', date) if date else domain

    def _pay_now_balanced(self, terms, balance, unlisted, date):
        """Return the terms of the clearing equation.

        :param dict terms: see `_pay_now_moved`.
        :param float balance: at the provider.
        :param float unlisted: of it, what the provider's list does not explain.
        :param datetime.date date: the last day whose entries count; none for all.
        :rtype: dict
        """
        currency = self.company_id.currency_id
        clearing = self.env['account.move.line']._read_group(
            self._pay_now_clearing_domain(date), aggregates=['balance:sum']
        )[0][0]
        former = terms.pop('former')
        terms = {
            **terms,
            'balance': balance,
            'opening': self.pay_now_opening_balance - former,
            'unlisted': unlisted,
            'clearing': clearing or 0.0,
        }
        expected = balance - terms['opening'] - terms['foreign'] - terms['waiting'] + terms['early']
        terms['booked'] = expected - terms['early'] - unlisted
        terms |= {'expected': expected, 'gap': terms['clearing'] - expected}
        return {name: currency.round(amount) + 0.0 for name, amount in terms.items()}

    def _pay_now_clearing_domain(self, date=None):
        """Return the domain of the journal items that the clearing account's balance is made of.

        :param datetime.date date: the last day that counts; none for all.
        :rtype: Domain
        """
        domain = (
            Domain('account_id', '=', self.pay_now_clearing_account_id.id)
            # Companies may share an account, or have theirs merged.
            & Domain('company_id', '=', self.company_id.id)
            & Domain('parent_state', '=', 'posted')
        )
        return domain & Domain('date', '<=', date) if date else domain

    def _pay_now_balance_domains(self, date=None):
        """Return what the figures of the clearing equation are made of.

        :param datetime.date date: at its end; none for now.
        :return: `{figure: (model, domain)}`
        :rtype: dict
        """
        self.ensure_one()
        Movement = self.env['pay.now.movement']
        company = self.company_id
        until = date and company._pay_now_day_start(date + timedelta(days=1))
        counted = Movement._counted_domain(self, until)
        foreign = Domain('state', 'in', NOT_OURS)
        open_ = Movement.search(counted & self._pay_now_not_booked_domain(date))
        booked = open_._booked_until(self, date)
        waiting = open_.filtered(
            lambda one: company.currency_id.compare_amounts(one.net, booked[one])
        )
        early = self._pay_now_early(date, until)
        whole = counted & ~foreign & Domain('id', 'not in', waiting.ids)
        return {
            'opening': (Movement._name, self._pay_now_former_domain(date)),
            'booked': (Movement._name, whole | self._pay_now_former_domain(date)),
            'waiting': (Movement._name, Domain('id', 'in', waiting.ids)),
            'foreign': (Movement._name, counted & foreign),
            'balance': (Movement._name, counted),
            'early': (Movement._name, Domain('id', 'in', early.ids)),
            'clearing': ('account.move.line', self._pay_now_clearing_domain(date)),
            'gap': (
                'account.move.line',
                Domain('id', 'in', self._pay_now_items_by_hand(date).ids),
            ),
        }

    # === BUSINESS METHODS - STATEMENT === #

    def _pay_now_statement(self, first, last):
        """Return what moved at the provider in a period, between the balances around it.

        :param datetime.date first: its first day, where the company is.
        :param datetime.date last: its last day.
        :return: `opening`, `closing`, and by kind the amounts without commissions, which are one
            of their own; each an amount and the domain of its movements.
        :rtype: dict
        :raise GatewayError: the provider does not give its list.
        :raise UserError: nothing is known of these days.
        """
        self.ensure_one()
        company, Movement = self.company_id, self.env['pay.now.movement']
        start = company._pay_now_day_start(first)
        until = company._pay_now_day_start(last + timedelta(days=1))
        self._pay_now_check_known(until)
        self._pay_now_keep_movements(until)
        Movement._date_bookings(self)
        before = Movement._read_group(
            Movement._counted_domain(self, start), aggregates=['net:sum']
        )[0][0]
        opening = self.pay_now_opening_balance + (before or 0.0)
        period = Movement._counted_domain(self, until) & Domain('occurred_at', '>=', start)
        amounts = dict.fromkeys((kind for kind, _label in Movement._fields['kind'].selection), 0.0)
        fees = 0.0
        for kind, amount, fee in Movement._read_group(period, ['kind'], ['amount:sum', 'fee:sum']):
            amounts[kind] = amount
            fees += fee
        rounded = company.currency_id.round
        closing = opening + sum(amounts.values()) - fees
        return {
            'opening': (rounded(opening), Movement._counted_domain(self, start)),
            **{
                kind: (rounded(amount), period & Domain('kind', '=', kind))
                for kind, amount in amounts.items()
            },
            'commission': (rounded(-fees) + 0.0, Movement._fees_domain(self, first, until)),
            'closing': (rounded(closing), Movement._counted_domain(self, until)),
        }
