# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from odoo.addons.account_pay_now.gateways.errors import GatewayError

#: What the days of a statement are made of, in the order of the columns.
COLUMNS = ('payment', 'commission', 'refund', 'dispute', 'other', 'payout')
#: The columns of kinds without one of their own.
COLUMN_OF = {'payout_failure': 'payout'}


class PayNowStatement(models.TransientModel):
    """What moved at a provider in a period, to be laid beside the provider's own report."""

    _name = 'pay.now.statement'
    _description = "Statement of a provider"
    _inherit = ['pay.now.sheet.mixin']
    _order = 'id'

    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(string="To", required=True, readonly=True)
    opening = fields.Monetary(string="Opening balance", readonly=True)
    closing = fields.Monetary(string="Closing balance", readonly=True)
    clearing = fields.Monetary(string="On the clearing account", readonly=True)
    gap = fields.Monetary(
        readonly=True,
        help="What the clearing account differs by, besides what is not booked or not ours.",
    )
    line_ids = fields.One2many(
        string="Figures", comodel_name='pay.now.statement.line', inverse_name='statement_id'
    )
    problem = fields.Char(readonly=True)

    # === ACTION METHODS === #

    def action_open_movements(self):
        """Open all movements of the period."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Movements at %s", self.display_name),
            'res_model': 'pay.now.movement',
            'view_mode': 'list,form',
            'help': self._nothing_help(),
            'domain': self._domain(),
            'context': {'create': False},
        }

    def action_open_balance(self):
        """Open the balance of the last day: what the clearing account differs by, and why."""
        self.ensure_one()
        self.check_access('read')
        return self.env['pay.now.balance']._open_of(self.date_to, self.sudo().provider_id)

    def action_pdf(self):
        """Give the statements as a PDF, in the reader's language.

        :return: the action of the report.
        :rtype: dict
        """
        report = self.env.ref('account_pay_now.action_report_statement')
        return report.report_action(self._shown(), config=False)

    # === BUSINESS METHODS - READING === #

    @api.model
    def _open_of(self, first, last):
        """Show the statements of the companies' providers.

        :param datetime.date first: the first day.
        :param datetime.date last: the last day.
        :return: the action of the list, or of the form of the only one.
        :rtype: dict
        """
        self.check_access('read')
        providers = (
            self.env['payment.provider']
            ._pay_now_swept()
            .filtered(lambda provider: provider.company_id in self.env.companies)
        )
        # Read with the rights of the system, kept for the user alone.
        records = self.sudo().create(
            [self._values_of(provider, first, last) for provider in providers]
        )
        action = {
            'type': 'ir.actions.act_window',
            'name': self.env._("Statements of the providers"),
            'res_model': self._name,
            'view_mode': 'list,form',
            'help': self._no_provider_help(),
            'domain': [('id', 'in', records.ids)],
            'context': {'create': False, 'pay_now_shown': records.ids},
        }
        if len(records) == 1:
            action.update(view_mode='form', res_id=records.id)
        return action

    @api.model
    def _values_of(self, provider, first, last):
        """Return the statement of a provider, or why there is none.

        :rtype: dict
        """
        last = min(last, provider.company_id._pay_now_today())
        values = {
            'provider_id': provider.id,
            'company_id': provider.company_id.id,
            'currency_id': provider.company_id.currency_id.id,
            'account_id': provider.pay_now_clearing_account_id.id,
            'account_label': provider._pay_now_account_label(provider.pay_now_clearing_account_id),
            'date_from': first,
            'date_to': last,
        }
        try:
            found = provider._pay_now_statement(first, last)
            terms = provider._pay_now_clearing_equation(last)
        except GatewayError as error:
            problem = provider._pay_now_listing_problem(error)
            return {**values, 'problem': problem or provider._pay_now_error_text(error)}
        except UserError as error:
            return {**values, 'problem': str(error)}
        lines = self.env['pay.now.statement.line']._values_of(found)
        return {
            **values,
            'opening': found['opening'][0],
            'closing': found['closing'][0],
            'clearing': terms['clearing'],
            'gap': terms['gap'],
            'line_ids': [Command.create(line) for line in lines],
        }

    def _domain(self):
        """Return the domain of the movements of the period, as its figures keep it.

        :rtype: Domain
        """
        lines = self.line_ids.filtered(lambda line: line.code in line._kinds() and line.domain)
        return Domain.OR(Domain(line.domain) for line in lines) if lines else Domain.FALSE

    def _movements(self):
        """Return the movements of the period, oldest first.

        :rtype: pay.now.movement
        """
        return self.env['pay.now.movement'].search(self._domain(), order='occurred_at, id')

    def _days(self):
        """Return what moved on each day, for the PDF.

        :return: dicts of `day` and `amounts`: payments, commissions, refunds, disputes, others,
            payouts with those that came back, and the balance at its end.
        :rtype: list
        """
        self.ensure_one()
        days = {}
        zone = self.company_id._pay_now_zone().zone
        for instant, kind, amount, fee in (
            self.env['pay.now.movement']
            .with_context(tz=zone)
            ._read_group(self._domain(), ['occurred_at:day', 'kind'], ['amount:sum', 'fee:sum'])
        ):
            amounts = days.setdefault(instant, dict.fromkeys(COLUMNS, 0.0))
            amounts[COLUMN_OF.get(kind, kind)] += amount
            amounts['commission'] -= fee
        balance, rows = self.opening, []
        for instant in sorted(days):
            amounts = [self.currency_id.round(days[instant][column]) for column in COLUMNS]
            balance = self.currency_id.round(balance + sum(amounts))
            rows.append({'day': instant.date(), 'amounts': [*amounts, balance]})
        return rows

    # === BUSINESS METHODS - SHEET === #

    def _titles(self):
        """Return the lines above the figures: whose statement, of which days.

        :rtype: list
        """
        self.ensure_one()
        account = self.provider_id.sudo().pay_now_account
        return [
            self.env._(
                "Statement from %(first)s to %(last)s",
                first=self._day_text(self.date_from),
                last=self._day_text(self.date_to),
            ),
            f'{self.company_id.name} – {self.display_name}',
            self.env._("Account at the provider: %s", account or ''),
            self.env._("Clearing account: %s", self.account_label),
        ]

    def _sheets(self):
        """Override of `pay.now.sheet.mixin`: the figures, and each movement with the balance."""
        sheets = []
        for one in self:
            head = [
                self.env._("Figure"),
                self.env._("Count"),
                self.env._("Amount (%s)", one.currency_id.name),
            ]
            labels = dict(one.line_ids._fields['code']._description_selection(self.env))
            rows = [[labels[line.code], line.number or None, line.amount] for line in one.line_ids]
            sheets.append((one.display_name, one._titles(), [head, *(rows or [[one.problem]])]))
            if not one.problem:
                rows = one._movement_rows(one._movements(), one.opening)
                sheets.append((self.env._("Movements"), one._titles(), rows))
        return sheets

    def _file_name(self):
        """Override of `pay.now.sheet.mixin`."""
        return f'statement-{self[:1].date_from}-{self[:1].date_to}'
