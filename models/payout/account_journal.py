# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, models
from odoo.fields import Domain
from odoo.tools.misc import format_date, format_datetime

from odoo.addons.account_pay_now import const, utils

#: Days of takings in the graph, and in the figure beside it.
GRAPH_DAYS, RECENT_DAYS = 14, 7
#: What Odoo says of a bank, which a provider is none: its figures are of the clearing account.
FIGURES_OF_A_BANK = {
    'has_at_least_one_statement': False,
    'nb_lines_bank_account_balance': False,
    'nb_lines_outstanding_pay_account_balance': False,
    'nb_misc_operations': 0,
}


class AccountJournal(models.Model):
    """A provider's journal on the dashboard: where the money is, and what waits for a person.

    Nothing is computed here: each figure is the sum of the records of one domain, which belongs to
    them, and opens exactly these. Who may not read them does not see the figure.
    """

    _inherit = 'account.journal'

    # === ACTION METHODS === #

    def open_action(self):
        """Override of `account`: a provider has payments where a bank has statements."""
        if not self.env.context.get('action_name') and self._pay_now_own():
            if self.env['payment.transaction'].has_access('read'):
                return self.action_pay_now_payments()
            return self.action_pay_now_payouts()
        return super().open_action()

    def action_pay_now_balance(self):
        """Open the movements that the balance is the sum of, since it was read at first.

        :return: the action of the list.
        :rtype: dict
        """
        providers = self._pay_now_shown()
        opening = sum(providers.mapped('pay_now_opening_balance'))
        name = self.env._("Movements at the provider")
        if opening:
            amount = providers.company_id[:1].currency_id.with_env(self.env).format(opening)
            name = self.env._("Movements at the provider, after %s when connected", amount)
        Movement = self.env['pay.now.movement']
        return self._pay_now_list(name, Movement, Movement._counted_domain)

    def action_pay_now_balance_screen(self):
        """Ask the providers for their balances, and show them beside the books.

        :return: the action of the balance.
        :rtype: dict
        """
        return self.env['pay.now.balance']._open_of(providers=self._pay_now_shown())

    def action_pay_now_commissions(self):
        """Open the movements that the commissions of the month were kept from.

        :return: the action of the list.
        :rtype: dict
        """
        name, Movement = self.env._("Commissions of this month"), self.env['pay.now.movement']
        return self._pay_now_list(name, Movement, self._pay_now_month_domain)

    def action_pay_now_on_its_way(self):
        """Open the payouts that are on their way to the bank.

        :return: the action of the list.
        :rtype: dict
        """
        name, Payout = self.env._("On its way to the bank"), self.env['pay.now.payout']
        return self._pay_now_list(name, Payout, Payout._on_its_way_domain)

    def action_pay_now_payouts(self):
        """Open all payouts of the providers.

        :return: the action of the list.
        :rtype: dict
        """
        action = self.env['ir.actions.act_window']._for_xml_id(
            'account_pay_now.action_pay_now_payout'
        )
        return {**action, 'domain': [('provider_id', 'in', self._pay_now_shown().ids)]}

    def action_pay_now_received(self):
        """Open the payments of the last days, refunded ones included.

        :return: the action of the list.
        :rtype: dict
        """
        name = self.env._("Received in %s days", RECENT_DAYS)
        return self._pay_now_payment_list(name, self._pay_now_recent_domain)

    def action_pay_now_payments(self):
        """Open all payments that were received by the providers.

        :return: the action of the list.
        :rtype: dict
        """
        Transaction = self.env['payment.transaction']
        return self._pay_now_payment_list(
            self.env._("Payments"), Transaction._pay_now_takings_domain
        )

    def action_pay_now_to_handle(self):
        """Open what waits for a person about the providers of the journal.

        :return: the action of the list.
        :rtype: dict
        """
        action = self.env['ir.actions.act_window']._for_xml_id(
            'account_pay_now.action_pay_now_to_handle'
        )
        return {**action, 'domain': [('provider_id', 'in', self._pay_now_shown().ids)]}

    def _pay_now_payment_list(self, name, domain_of):
        """Return the action of a list of payments: parameters as of `_pay_now_list`."""
        view = self.env.ref('account_pay_now.payment_transaction_view_list_card')
        action = self._pay_now_list(name, self.env['payment.transaction'], domain_of)
        return {**action, 'views': [(view.id, 'list'), (False, 'form')]}

    def _pay_now_list(self, name, records, domain_of):
        """Return the action of a list of records about the providers of the journals.

        :param str name: of the list.
        :param recordset records: of their model.
        :param domain_of: returns the domain of those of a provider.
        :rtype: dict
        :raise AccessError: who may not read them.
        """
        # People in Sales and in Purchases read journals, too: neither lists nor what stands above.
        records.check_access('read')
        domains = [domain_of(provider) for provider in self._pay_now_shown()]
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': records._name,
            'view_mode': 'list,form',
            'views': [(False, 'list'), (False, 'form')],
            'domain': list(Domain.OR(domains)),
            'context': {'create': False},
            'help': utils.empty_list_help(
                self.env._("There is nothing here now."),
                self.env._("What comes at the provider is listed here by itself."),
            ),
        }

    # === BUSINESS METHODS - WHOSE JOURNALS === #

    def _pay_now_providers(self):
        """Return whose journals these are, those of providers that were ever connected.

        :return: `{journal: providers}`, the providers in sudo.
        :rtype: dict
        """
        lines = (
            self.env['account.payment.method.line']
            .sudo()
            .search_fetch(
                Domain('journal_id.company_id', 'in', self.sudo().company_id.ids)
                & Domain('payment_provider_id.code', 'in', const.PROVIDER_CODES)
                & Domain('payment_provider_id.pay_now_account', '!=', False),
                ['journal_id', 'payment_provider_id'],
            )
        )
        # The first one is the provider's, as core reads it; core's own field makes lines.
        first = {line.payment_provider_id: line.journal_id for line in reversed(lines)}
        found = {}
        for provider in sorted(first, key=lambda one: one.id):
            journal = first[provider].with_env(self.env)
            if journal in self:
                found[journal] = found.get(journal, provider.browse()) | provider
        return found

    def _pay_now_shown(self):
        """Return the providers of the journals whose figures the user's companies may see.

        Of a company that is not among those chosen no record is read: nothing is said of it.

        :rtype: payment.provider (sudo)
        """
        self.check_access('read')
        providers = self.env['payment.provider'].sudo().union(*self._pay_now_providers().values())
        return providers.filtered(lambda provider: provider.company_id in self.env.companies)

    def _pay_now_own(self):
        """Return those of the journals that are nothing but a provider's.

        Not where somebody lets a provider use the journal of a bank, or imports its statements.

        :rtype: account.journal
        """
        return self.browse().union(
            *(
                journal
                for journal, providers in self._pay_now_providers().items()
                if journal.default_account_id in providers.pay_now_clearing_account_id
                and not journal.has_statement_lines
            )
        )

    # === BUSINESS METHODS - FIGURES === #

    @api.model
    def _pay_now_recent_domain(self, provider):
        """Return the domain of the payments that a provider received in the last days."""
        first = provider.company_id._pay_now_today() - timedelta(days=RECENT_DAYS - 1)
        return self.env['payment.transaction']._pay_now_takings_domain(provider, first)

    @api.model
    def _pay_now_month_domain(self, provider):
        """Return the domain of the movements of this month that commissions were kept from."""
        first = provider.company_id._pay_now_today().replace(day=1)
        return self.env['pay.now.movement']._fees_domain(provider, first)

    @api.model
    def _pay_now_sums(self, providers, records, domain_of, *aggregates):
        """Return the sums of records by provider and currency, with one query for all of them.

        :param payment.provider providers: whose records.
        :param recordset records: of their model, with the rights of whoever looks.
        :param domain_of: returns the domain of those of a provider.
        :param str aggregates: as of `_read_group`.
        :return: `{provider: [(currency, *values)]}`; None where the records may not be read.
        :rtype: dict | None
        """
        if not records.has_access('read'):
            return None
        found = {provider: [] for provider in providers}
        if providers:
            for provider, *values in records._read_group(
                Domain.OR(domain_of(provider) for provider in providers),
                ['provider_id', 'currency_id'],
                aggregates,
            ):
                found[provider.sudo()].append(values)
        return found

    def _fill_bank_cash_dashboard_data(self, dashboard_data):
        """Override of `account` to say on a provider's card where its money is.

        A constant number of queries for any number of journals.
        """
        super()._fill_bank_cash_dashboard_data(dashboard_data)
        cards = self._pay_now_providers()
        if not cards:
            return
        own, figures = self._pay_now_own(), self._pay_now_figures()
        for journal, providers in cards.items():
            data = dashboard_data[journal.id]
            data['pay_now'] = {'is_own': journal in own}
            if journal in own:
                data.update(FIGURES_OF_A_BANK)
            if shown := providers.filtered(lambda one: one.company_id in self.env.companies):
                data['pay_now'].update(self._pay_now_card(shown, figures))

    def _pay_now_figures(self):
        """Read the figures of all providers of the journals.

        :return: what `_pay_now_sums` returns, by figure.
        :rtype: dict
        """
        providers = self._pay_now_shown()
        Movement, Payout = self.env['pay.now.movement'], self.env['pay.now.payout']
        Transaction = self.env['payment.transaction']
        arrival = ('arrives_at:min', 'arrives_at:max')
        return {
            'balance': self._pay_now_sums(providers, Movement, Movement._counted_domain, 'net:sum'),
            'commissions': self._pay_now_sums(
                providers, Movement, self._pay_now_month_domain, 'fee:sum'
            ),
            'on_its_way': self._pay_now_sums(
                providers, Payout, Payout._on_its_way_domain, 'amount:sum', *arrival
            ),
            'received': self._pay_now_sums(
                providers, Transaction, self._pay_now_recent_domain, 'pay_now_received:sum'
            ),
            'to_handle': self._pay_now_waiting(providers),
        }

    @api.model
    def _pay_now_waiting(self, providers):
        """Return how much waits for a person, by provider; None where that may not be read."""
        rows = self.env['pay.now.to.handle']
        if not rows.has_access('read'):
            return None
        found = rows._read_group(
            Domain('provider_id', 'in', providers.ids), ['provider_id'], ['__count']
        )
        return {provider.sudo(): count for provider, count in found}

    # === BUSINESS METHODS - TEXTS === #

    @api.model
    def _pay_now_card(self, providers, figures):
        """Return what is shown on the card of a journal, as texts for whoever looks.

        :param payment.provider providers: of the journal.
        :param dict figures: see `_pay_now_figures`.
        :rtype: dict
        """
        known = all(provider._pay_now_is_listed() for provider in providers)
        opening = sum(providers.mapped('pay_now_opening_balance'))
        waiting = figures['to_handle'] or {}
        card = {
            'balance': self._pay_now_sum_label(providers, figures['balance'], opening),
            'balance_at': known and self._pay_now_listed_label(providers),
            'schedule': ' · '.join(
                dict.fromkeys(filter(None, providers.mapped('pay_now_schedule_text')))
            ),
            'commissions': self._pay_now_sum_label(providers, figures['commissions']),
            'on_its_way': self._pay_now_sum_label(providers, figures['on_its_way']),
            'on_its_way_at': self._pay_now_arrival_label(providers, figures['on_its_way']),
            'received': self._pay_now_sum_label(providers, figures['received']),
            'to_handle': sum(waiting.get(provider, 0) for provider in providers),
            'is_known': known,
        }
        if not known:
            for name in ('balance', 'commissions'):
                card[name] = card[name] and self.env._("not known")
        return card

    @api.model
    def _pay_now_sum_label(self, providers, found, amount=0.0):
        """Return the sum of a figure, in each of its currencies; nothing where it may not be seen.

        :param payment.provider providers: of one journal.
        :param found: see `_pay_now_sums`.
        :param float amount: what is added, in the company's currency.
        :rtype: str | bool
        """
        if found is None:
            return False
        own = providers.company_id[:1].currency_id
        sums = {own: amount} if amount else {}
        for provider in providers:
            for currency, more, *_rest in found[provider]:
                sums[currency] = sums.get(currency, 0.0) + more
        return ' + '.join(
            currency.with_env(self.env).format(total)
            for currency, total in (sums or {own: 0.0}).items()
        )

    @api.model
    def _pay_now_listed_label(self, providers):
        """Return as of when the providers' balances are known.

        :rtype: str
        """
        listed = providers.filtered('pay_now_last_listing_at').mapped('pay_now_last_listing_at')
        if not listed:
            return False
        at = format_datetime(self.env, min(listed), dt_format='short')
        return self.env._("as of %s", at)

    @api.model
    def _pay_now_arrival_label(self, providers, found):
        """Return when what is on its way arrives at the bank, as far as the providers say it.

        :param payment.provider providers: of one company.
        :param found: see `_pay_now_sums`.
        :rtype: str | bool
        """
        company = providers.company_id[:1]
        days = sorted(
            company._pay_now_day(instant)
            for provider in providers
            for _currency, _amount, *arrival in (found or {}).get(provider, ())
            for instant in arrival
            if instant
        )
        if not days:
            return False
        first, last = (format_date(self.env, day) for day in (days[0], days[-1]))
        if first == last:
            return self.env._("expected on %s", first)
        return self.env._("expected from %(first)s to %(last)s", first=first, last=last)

    # === BUSINESS METHODS - GRAPH === #

    def _get_bank_cash_graph_data(self):
        """Override of `account`: what a provider received each day, as bars."""
        cards, own = self._pay_now_providers(), self._pay_now_own()
        result = super(AccountJournal, self - own)._get_bank_cash_graph_data()
        if not own:
            return result
        takings = own._pay_now_daily_takings()
        for journal in own:
            days = {}
            for provider in cards[journal]:
                for day, amount in takings.get(provider, {}).items():
                    days[day] = days.get(day, 0.0) + amount
            result[journal.id] = [journal._pay_now_bars(cards[journal].company_id[:1], days)]
        return result

    def _pay_now_bars(self, company, days):
        """Return the graph of what was received each day.

        :param res.company company: whose days.
        :param dict days: `{day: amount}`
        :return: as the dashboard's graph takes it.
        :rtype: dict
        """
        today = company._pay_now_today()
        shown = [today - timedelta(days=number) for number in range(GRAPH_DAYS - 1, -1, -1)]
        return {
            'values': [
                {
                    'label': format_date(self.env, day, date_format='d MMM'),
                    'value': company.currency_id.round(days.get(day, 0.0)),
                    'type': 'future' if day == today else 'past',
                }
                for day in shown
            ],
            'title': '',
            'key': self.env._("Received"),
            'is_sample_data': False,
        }

    def _pay_now_daily_takings(self):
        """Return what the providers of the journals received on each of the last days.

        One query for each time zone of their companies: a day is the company's.

        :return: `{provider: {day: amount}}`; nothing where payments may not be read.
        :rtype: dict
        """
        Transaction = self.env['payment.transaction']
        if not Transaction.has_access('read'):
            return {}
        found = {}
        zones = self._pay_now_shown().grouped(lambda one: one.company_id._pay_now_zone().zone)
        for zone, providers in zones.items():
            domains = []
            for provider in providers:
                first = provider.company_id._pay_now_today() - timedelta(days=GRAPH_DAYS - 1)
                domains.append(Transaction._pay_now_takings_domain(provider, first))
            for provider, instant, amount in Transaction.with_context(tz=zone)._read_group(
                Domain.OR(domains),
                ['provider_id', 'pay_now_paid_at:day'],
                ['pay_now_received:sum'],
            ):
                found.setdefault(provider.sudo(), {})[instant.date()] = amount
        return found
