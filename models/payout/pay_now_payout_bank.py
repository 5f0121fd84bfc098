# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.models.provider import problems


class PayNowPayout(models.Model):
    """The bank statement lines that may be a payout, and are not matched by itself.

    They are proposed to the accountant, on the payout and on the bank line. And payouts in another
    currency than the company's.
    """

    _inherit = 'pay.now.payout'

    proposed_line_id = fields.Many2one(
        string="Proposed bank line",
        comodel_name='account.bank.statement.line',
        compute='_compute_proposed_line_id',
        compute_sudo=True,
    )
    proposal_text = fields.Char(
        string="Proposal", compute='_compute_proposed_line_id', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    @api.depends('bank_state', 'move_id', 'amount')
    @api.depends_context('lang')
    def _compute_proposed_line_id(self):
        for payout in self:
            item = payout._waiting_items()[:1]
            line = payout._proposal(item) if item else self.env['account.bank.statement.line']
            payout.proposed_line_id = line
            payout.proposal_text = payout._proposal_label(line, item) if line else False

    def _proposal_label(self, line, item):
        """Return what a bank line is, and what becomes of its difference."""
        currency = line.journal_id.currency_id or line.company_id.currency_id
        text = self.env._(
            "%(label)s of %(date)s, %(amount)s",
            label=line.payment_ref or line.partner_name or '–',
            date=format_date(self.env, line.date),
            amount=currency.format(line.amount),
        )
        note = self._difference_label(line, item)
        return f'{text} – {note}' if note else text

    def _difference_label(self, line, item):
        """Return what becomes of the difference between a bank line and a payout, or nothing."""
        kind, amount = self._difference(line, item)
        if not kind:
            return ''
        amount = self.company_id.currency_id.format(abs(amount))
        return {
            'fee': self.env._("%s are booked as a bank fee", amount),
            'exchange': self.env._("%s are booked as an exchange difference", amount),
            'part': self.env._("a part of the payout; %s are still to come", amount),
        }[kind]

    # === ACTION METHODS === #

    def action_match_bank(self):
        """Match with the bank, or show the lines that may be it.

        :raise UserError: no line of the bank fits.
        """
        self.ensure_one()
        self.check_access('write')
        payout = self.sudo()
        item = payout._waiting_items()[:1]
        if not item:
            raise UserError(self.env._("This payout does not wait for the bank."))
        fitting = payout._fitting_bank_lines(item)
        named = fitting.filtered(payout._evidence)
        if len(named) == 1 or len(fitting) == 1:
            payout._match_with(named if len(named) == 1 else fitting, item)
            return None
        fitting |= payout._near_bank_lines(item)
        if not fitting:
            first, last = payout._bank_dates(item)
            raise UserError(
                self.env._(
                    "There is no open bank statement line of %(amount)s between %(first)s and"
                    " %(last)s.",
                    amount=payout.currency_id.format(item.amount_residual_currency),
                    first=format_date(self.env, first),
                    last=format_date(self.env, last),
                )
            )
        view = self.env.ref('account_pay_now.account_bank_statement_line_view_match')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Which bank line is it?"),
            'res_model': 'account.bank.statement.line',
            'view_mode': 'list',
            'help': self._no_line_help(),
            'views': [(view.id, 'list')],
            'domain': [('id', 'in', fitting.ids)],
            'context': {'pay_now_payout_id': self.id, 'create': False},
            'target': 'new',
        }

    def _no_line_help(self):
        return utils.empty_list_help(
            self.env._("No bank line fits"),
            self.env._("Enter or import the statement of the bank, then match the payout."),
        )

    def action_accept_proposal(self):
        """Match the payout with the bank line that is proposed.

        :raise UserError: nothing is proposed any more, or something else than the form says.
        """
        self.ensure_one()
        self.check_access('write')
        payout = self.sudo()
        if not payout.proposed_line_id:
            raise UserError(self.env._("No bank line is proposed for this payout any more."))
        payout.proposed_line_id._pay_now_check_shown(payout.proposal_text)
        payout._match_with(payout.proposed_line_id, payout._waiting_items()[:1])

    # === BUSINESS METHODS - ON ITS WAY === #

    @api.model
    def _on_its_way_domain(self, provider=None):
        """Return the domain of the payouts that the bank has not shown yet.

        As long as the bank may still show them: a company may keep no bank statements here. What is
        missed waits under *To handle*.

        :param payment.provider provider: whose payouts; none for all.
        :rtype: Domain
        """
        last = fields.Datetime.now() - timedelta(days=const.BANK_DAYS_AFTER)
        fresh = Domain('arrives_at', '>=', last) | (
            Domain('arrives_at', '=', False) & Domain('created_at', '>=', last)
        )
        return (
            (Domain('provider_id', '=', provider.id) if provider else Domain.TRUE)
            & Domain('bank_state', '=', 'waiting')
            & (Domain('state', '=', 'pending') | (Domain('state', '=', 'paid') & fresh))
        )

    # === BUSINESS METHODS - PROPOSALS === #

    def _near_bank_lines(self, item):
        """Return the bank's open lines that may be the payout, of another amount or currency.

        A bank fee was deducted, the bank's account is in another currency, or it is a part.

        :param account.move.line item: the open item of the payout on the transfer account.
        :rtype: account.bank.statement.line
        """
        return self._open_bank_lines(item).filtered(
            lambda line: (
                self._difference(line, item)[0] in ('fee', 'exchange')
                or (self._difference(line, item)[0] == 'part' and self._evidence(line))
            )
        )

    def _proposal(self, item):
        """Return the bank line to propose for a payout: the best one, where one is the best.

        :param account.move.line item: the open item of the payout on the transfer account.
        :rtype: account.bank.statement.line
        """
        self.ensure_one()
        fitting = self._fitting_bank_lines(item)
        lines = fitting | self._near_bank_lines(item)
        if not lines:
            return lines
        ranks = {
            line: (
                bool(self._evidence(line)),
                not line._pay_now_is_of_others(self.provider_id)
                and not line._pay_now_named_documents(),
                line in fitting,
            )
            for line in lines
        }
        best = max(ranks.values())
        found = lines.filtered(lambda line: ranks[line] == best)
        # What is somebody else's by all that it says is not proposed, but can be chosen.
        return found if len(found) == 1 and best[1] else lines.browse()

    def _difference_account(self, kind, less):
        """Return the account of a difference: parameters as of `_difference`.

        :rtype: account.account
        :raise UserError: the company has none.
        """
        provider, company = self.provider_id, self.company_id
        if kind == 'fee':
            account = (
                provider._pay_now_find_commission_account()
                or provider.pay_now_commission_account_id
            )
        elif less > 0:
            account = company.expense_currency_exchange_account_id
        else:
            account = company.income_currency_exchange_account_id
        if not account:
            raise UserError(
                self.env._("There is no account for the difference: choose one in the settings.")
            )
        return account

    # === BUSINESS METHODS - OTHER CURRENCIES === #

    def _amount_of_day(self, provider):
        """Return the payout's amount in the company's currency, by the rate of its day.

        :param payment.provider provider: of the payout.
        :rtype: float
        :raise BooksRefusal: there is no rate.
        """
        self.ensure_one()
        company, currency = self.company_id, self.currency_id
        if self.move_id:
            # It comes back as it went.
            return abs(sum(self._clearing_lines().mapped('balance')))
        day = provider._pay_now_booking_date(self.created_at)
        has_rate = self.env['res.currency.rate'].search_count(
            Domain('currency_id', '=', currency.id)
            & Domain('company_id', 'in', (False, company.root_id.id))
            & Domain('name', '<=', day),
            limit=1,
        )
        if not has_rate:
            raise problems.BooksRefusal(
                provider, 'rate', currency=currency.name, date=fields.Date.to_string(day)
            )
        return currency._convert(self.amount, company.currency_id, company, day)

    def _write_foreign(self, values, provider, amount):
        """Write into an entry what is on its way to the bank, in the payout's currency.

        :param dict values: of the entry, see `_prepare_entry`.
        :param payment.provider provider: of the payout.
        :param float amount: in the payout's currency, as of a debit.
        """
        clearing = provider.pay_now_clearing_account_id.id
        for _command, _id, line in values['line_ids']:
            if line['account_id'] != clearing:
                line.update(currency_id=self.currency_id.id, amount_currency=amount)

    def _book_exchange(self, items):
        """Book what the payments of a payout were booked at, beside the rate of its day.

        Once all that the provider lists is booked, commissions included: only then what is left on
        the clearing account is a difference of rates.

        :param account.move.line items: what is listed, on the clearing account.
        :return: whether nothing is left there.
        :rtype: bool
        """
        self.ensure_one()
        own = self._clearing_lines()
        lines = (own | items).filtered(lambda line: not line.reconciled)
        left = self.company_id.currency_id.round(sum(lines.mapped('amount_residual')))
        if not lines:
            return True
        if not left or not items or self._undecided_lines():
            return False
        undone = (own | items).move_id.sudo().pay_now_undone_ids
        if undone.filtered(lambda one: not one.with_bank):
            # A person took it apart, or deleted the difference: no second one is booked.
            return False
        if abs(left) > const.EXCHANGE_SHARE * abs(sum(own.mapped('balance'))):
            # A payment of it was matched with something else, perhaps: no rates differ by so much.
            self._note_problem('rest', left=left)
            return False
        provider = self.provider_id.with_env(self.env)
        values = provider._pay_now_prepare_entry(
            self.created_at,
            ref=self.payout_ref,
            label=self.env._("Exchange difference – %s", self.name),
            amounts=[
                (provider.pay_now_clearing_account_id, -left),
                (self._difference_account('exchange', left), left),
            ],
        )
        move = provider._pay_now_create_entries([values])
        difference = move.line_ids.filtered(lambda line: line.account_id == own.account_id)
        self._reconcile_open([lines | difference])
        return True

    # === CRON === #

    @api.model
    def _cron_match_bank(self):
        """Match the payouts that wait for the bank with its lines, where exactly one fits."""
        domain = [('bank_state', '=', 'waiting'), ('move_id', '!=', False)]
        self.sudo().search(domain)._match_bank()
