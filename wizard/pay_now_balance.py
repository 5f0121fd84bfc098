# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayError


class PayNowBalance(models.TransientModel):
    """What a provider owes at the end of a day, beside what the books say (doc/rules.md, Books).

    Of today the provider is asked. Of another day it follows from what moved there.
    """

    _name = 'pay.now.balance'
    _inherit = ['pay.now.sheet.mixin']
    _description = "Balance at a provider"
    _order = 'id'

    date = fields.Date(string="Balance of", readonly=True)
    is_past = fields.Boolean(readonly=True)
    read_at = fields.Datetime(string="Read on", readonly=True)
    line_ids = fields.One2many(
        string="Figures", comodel_name='pay.now.balance.line', inverse_name='balance_id'
    )
    balance = fields.Monetary(string="Balance at the provider", readonly=True)
    opening = fields.Monetary(
        string="Balance when connected",
        readonly=True,
        help="What was there before the first payment was booked here.",
    )
    foreign = fields.Monetary(
        string="Movements not started here",
        readonly=True,
        help="To decide, or marked as handled without an entry.",
    )
    waiting = fields.Monetary(
        string="Not booked yet",
        readonly=True,
        help="Movements of payments here whose entries are not complete.",
    )
    booked = fields.Monetary(string="Movements booked", readonly=True)
    early = fields.Monetary(
        string="Booked before it moved",
        readonly=True,
        help="Entries of this day or before, of what moved at the provider later.",
    )
    unlisted = fields.Monetary(
        string="Not in the provider's list yet",
        readonly=True,
        help="Of the balance, what the movements that the provider lists do not explain.",
    )
    expected = fields.Monetary(string="Should be on the clearing account", readonly=True)
    clearing = fields.Monetary(string="On the clearing account", readonly=True)
    gap = fields.Monetary(readonly=True)
    state = fields.Selection(
        string="Status",
        selection=[('right', "Right to the cent"), ('gap', "Differs"), ('unknown', "Not known")],
        readonly=True,
    )
    verdict = fields.Char(compute='_compute_verdict')
    problem = fields.Char(readonly=True)
    compared_at = fields.Datetime(string="Payments last compared", readonly=True)
    comparison_note = fields.Char(string="Comparison", readonly=True)
    to_decide_count = fields.Integer(string="To decide", readonly=True)
    found_count = fields.Integer(string="To handle", readonly=True)
    by_hand_count = fields.Integer(string="Entries made by hand", readonly=True)

    # === COMPUTE METHODS === #

    @api.depends('state', 'line_ids.number', 'waiting')
    @api.depends_context('lang')
    def _compute_verdict(self):
        for one in self:
            one.verdict = one.state == 'right' and one._right_text()

    def _right_text(self):
        """Return what is right to the cent, and what of it is not booked yet.

        :rtype: str
        """
        waiting = self.line_ids.filtered(lambda line: line.code == 'waiting')
        if not waiting.number:
            return self.env._(
                "Right to the cent: every movement at the provider stands on the clearing account"
                " exactly once."
            )
        return self.env._(
            "Right to the cent as far as it is booked: %(amount)s at the provider are not booked"
            " yet (movements: %(count)s). All others stand on the clearing account exactly once.",
            amount=self.currency_id.format(waiting.amount),
            count=waiting.number,
        )

    # === ACTION METHODS === #

    @api.model
    def action_open(self):
        """Ask the providers of the companies for their balances, and show them.

        :return: the action of the list, or of the form of the only one.
        :rtype: dict
        """
        return self._open_of()

    @api.model
    def _open_of(self, date=None, providers=None):
        """Show the balances at the providers of the companies at the end of a day.

        :param datetime.date date: the day; none for now.
        :param payment.provider providers: which ones; none for all that can be asked.
        :return: the action of the list, or of the form of the only one.
        :rtype: dict
        """
        self.check_access('read')
        providers = (providers or self.env['payment.provider']._pay_now_swept()).filtered(
            lambda provider: provider.company_id in self.env.companies
        )
        # Asked with the rights of the system, kept for the user alone.
        records = self.sudo().create([self._values_of(provider, date) for provider in providers])
        action = {
            'type': 'ir.actions.act_window',
            'name': self.env._("Balance at the providers"),
            'res_model': self._name,
            'view_mode': 'list,form',
            'help': self._no_provider_help(),
            'domain': [('id', 'in', records.ids)],
            'context': {'create': False, 'pay_now_shown': records.ids},
        }
        if len(records) == 1:
            action.update(view_mode='form', res_id=records.id)
        return action

    def action_read_again(self):
        """Ask the provider again."""
        self.ensure_one()
        self.check_access('read')
        one = self.sudo()
        one.write(self._values_of(one.provider_id, one.is_past and one.date))

    def action_pdf(self):
        """Give the figures of the records as a PDF, in the reader's language.

        :return: the action of the report.
        :rtype: dict
        """
        report = self.env.ref('account_pay_now.action_report_balance')
        return report.report_action(self._shown(), config=False)

    def action_ask_date(self):
        """Ask for another day, or for the month of a statement."""
        return self.env['ir.actions.act_window']._for_xml_id('account_pay_now.action_pay_now_proof')

    def action_compare(self):
        """Compare the payments of the last days, then read the balance again.

        :return: a notification of what came of it.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        notification = self.env['payment.provider'].sudo()._pay_now_compare_for(self.company_id)
        self.action_read_again()
        return notification

    def action_open_found(self):
        """Open what waits about this provider."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'account_pay_now.action_pay_now_to_handle'
        )
        return {**action, 'domain': [('provider_id', '=', self.provider_id.id)]}

    def action_open_items(self):
        """Open the journal items on the clearing account, up to the day."""
        until = Domain('date', '<=', self.date) if self.is_past else Domain.TRUE
        return self._open_items(self.env._("Clearing account"), until)

    def action_open_by_hand(self):
        """Open the journal items on the clearing account that stand for no movement."""
        self.ensure_one()
        self.check_access('read')
        return self._open_items(
            self.env._("Entries made by hand"),
            Domain(
                'id',
                'in',
                self.sudo().provider_id._pay_now_items_by_hand(self.is_past and self.date).ids,
            ),
        )

    # === BUSINESS METHODS - READING === #

    @api.model
    def _values_of(self, provider, date=None):
        """Return what is known of a provider's balance at the end of a day.

        :param payment.provider provider: whom to ask.
        :param datetime.date date: the day; none for now.
        :rtype: dict
        """
        today = provider.company_id._pay_now_today()
        date = date if date and date < today else None
        return {
            'date': date or today,
            'is_past': bool(date),
            'currency_id': provider.company_id.currency_id.id,
            'provider_id': provider.id,
            'company_id': provider.company_id.id,
            'account_id': provider.pay_now_clearing_account_id.id,
            'account_label': provider._pay_now_account_label(provider.pay_now_clearing_account_id),
            'read_at': fields.Datetime.now(),
            'compared_at': provider.pay_now_compared_at,
            'comparison_note': provider.pay_now_comparison_note_text,
            **self._counts_of(provider, date),
            **self._equation_of(provider, date),
        }

    @api.model
    def _counts_of(self, provider, date=None):
        """Return how much about a provider waits for somebody.

        :rtype: dict
        """
        return {
            'to_decide_count': self.env['pay.now.movement']
            .sudo()
            .search_count(
                Domain('provider_id', '=', provider.id) & Domain('state', '=', 'foreign')
            ),
            'found_count': self.env['pay.now.discrepancy']
            .sudo()
            .search_count(
                Domain('transaction_id.provider_id', '=', provider.id)
                & Domain('kind', 'in', (*const.COMPARED_KINDS, 'booking', 'currency'))
                & Domain('state', '=', 'open')
            ),
            'by_hand_count': len(provider._pay_now_items_by_hand(date).move_id),
        }

    @api.model
    def _equation_of(self, provider, date=None):
        """Return the terms of the clearing equation, or why the provider does not give them.

        :rtype: dict
        """
        try:
            terms = provider._pay_now_clearing_equation(date)
        except GatewayError as error:
            problem = provider._pay_now_listing_problem(error)
            problem = problem or provider._pay_now_error_text(error)
        except UserError as error:
            problem = str(error)
        else:
            problem = False
        if problem:
            return {'state': 'unknown', 'problem': problem, 'line_ids': [Command.clear()]}
        less = {name: -terms[name] or 0.0 for name in ('opening', 'foreign', 'waiting')}
        return {
            **terms,
            **less,
            'state': 'gap' if terms['gap'] else 'right',
            'problem': False,
            'line_ids': [
                Command.clear(),
                *map(
                    Command.create,
                    self.env['pay.now.balance.line']._values_of(provider, terms, date),
                ),
            ],
        }

    # === BUSINESS METHODS - SHEET === #

    def _sheets(self):
        """Override of `pay.now.sheet.mixin`: a sheet for each provider, and what is not settled."""
        sheets = []
        for one in self:
            head = [
                self.env._("Figure"),
                self.env._("Count"),
                self.env._("Amount (%s)", one.currency_id.name),
            ]
            labels = dict(one.line_ids._fields['code']._description_selection(self.env))
            rows = [
                [labels[line.code], line.number or None, line.amount] for line in one.line_ids
            ] or [[one.problem]]
            sheets.append((one.display_name, one._titles(), [head, *rows]))
            movements = one.line_ids.filtered(lambda line: line.code in ('waiting', 'foreign'))
            if found := movements._movements():
                sheets.append((self.env._("To look at"), one._titles(), one._movement_rows(found)))
        return sheets

    def _titles(self):
        """Return the lines above the figures: whose balance, of which day, on which account.

        :rtype: list
        """
        self.ensure_one()
        account = self.provider_id.sudo().pay_now_account
        return [
            self.env._("Balance at the provider on %s", self._day_text(self.date)),
            f'{self.company_id.name} – {self.display_name}',
            self.env._("Account at the provider: %s", account or ''),
            self.env._("Clearing account: %s", self.account_label),
        ]

    def _file_name(self):
        """Override of `pay.now.sheet.mixin`."""
        return f'balance-{self[:1].date}'

    def _open_items(self, name, domain):
        """Return the action of journal items on the clearing account."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': 'account.move.line',
            'view_mode': 'list,form',
            'help': self._nothing_help(),
            'domain': list(
                Domain('account_id', '=', self.account_id.id)
                & Domain('company_id', '=', self.company_id.id)
                & Domain('parent_state', '=', 'posted')
                & domain
            ),
            'context': {'create': False},
        }
