# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.payout import bank_text


class PayNowPayout(models.Model):
    """The payout and the bank statement line it arrives by.

    Matched by itself only on evidence that cannot be a customer's. Whatever else may be it is
    proposed to the accountant, on the payout and on the bank line.
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
        amount = self.currency_id.format(abs(amount))
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
                    amount=payout.currency_id.format(item.amount_residual),
                    first=format_date(self.env, first),
                    last=format_date(self.env, last),
                )
            )
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Which bank line is it?"),
            'res_model': 'account.bank.statement.line',
            'view_mode': 'list',
            'views': [
                (self.env.ref('account_pay_now.account_bank_statement_line_view_match').id, 'list')
            ],
            'domain': [('id', 'in', fitting.ids)],
            'context': {'pay_now_payout_id': self.id, 'create': False},
            'target': 'new',
        }

    def action_accept_proposal(self):
        """Match the payout with the bank line that is proposed.

        :raise UserError: nothing is proposed any more.
        """
        self.ensure_one()
        self.check_access('write')
        payout = self.sudo()
        if not payout.proposed_line_id:
            raise UserError(self.env._("No bank line is proposed for this payout any more."))
        payout._match_with(payout.proposed_line_id, payout._waiting_items()[:1])

    # === BUSINESS METHODS - WHAT FITS === #

    def _waiting_items(self):
        """Return the payouts' own items that the bank statement has not met yet.

        :rtype: account.move.line
        """
        return self._transfer_lines().filtered(
            lambda line: not line.reconciled and line.parent_state == 'posted'
        )

    def _bank_dates(self, item):
        """Return the first and the last day that the bank's line may be dated.

        :param account.move.line item: the open item of the payout on the transfer account.
        :rtype: tuple(datetime.date, datetime.date)
        """
        self.ensure_one()
        if item.move_id == self.reversal_move_id:
            # Booked when we were notified: the bank may have known long before.
            return (
                item.date - timedelta(days=const.PAYOUT_LOOKBACK_DAYS),
                item.date + timedelta(days=const.BANK_DAYS_AFTER),
            )
        # Days of UTC: the margins cover what the company's own differ by.
        made = self.created_at.date()
        expected = self.arrives_at.date() if self.arrives_at else made
        return (
            made - timedelta(days=const.BANK_DAYS_BEFORE),
            max(made, expected) + timedelta(days=const.BANK_DAYS_AFTER),
        )

    def _open_bank_lines(self, item):
        """Return the bank's open lines about the date of a payout, of whatever amount.

        :param account.move.line item: the open item of the payout on the transfer account.
        :rtype: account.bank.statement.line
        """
        self.ensure_one()
        first, last = self._bank_dates(item)
        own = self.env['payment.provider'].search([('code', 'in', const.PROVIDER_CODES)]).journal_id
        lines = self.env['account.bank.statement.line'].search(
            Domain('company_id', '=', self.company_id.id)
            & Domain('is_reconciled', '=', False)
            & Domain('journal_id', 'not in', own.ids)
            & Domain('date', '>=', first)
            & Domain('date', '<=', last)
        )
        return lines.filtered(lambda line: len(line._seek_for_lines()[1]) == 1)

    def _fitting_bank_lines(self, item):
        """Return the bank's open lines of the same amount and about the same date.

        :param account.move.line item: the open item of the payout on the transfer account.
        :rtype: account.bank.statement.line
        """
        return self._open_bank_lines(item).filtered(
            lambda line: (
                line.currency_id == item.company_currency_id
                and not line.foreign_currency_id
                and not line.currency_id.compare_amounts(line.amount, item.amount_residual)
            )
        )

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

    def _difference(self, line, item):
        """Return what the difference between a bank line and a payout is taken for.

        :param account.bank.statement.line line: of the bank.
        :param account.move.line item: the open item of the payout on the transfer account.
        :return: `fee`, `exchange`, `part`, empty where there is none, or None where the line cannot
            be the payout; and how much the bank's amount is less, in the company's currency.
        :rtype: tuple(str | None, float)
        """
        currency, wanted = item.company_currency_id, item.amount_residual
        got = -sum(line._seek_for_lines()[1].mapped('balance'))
        less = currency.round(wanted - got)
        if currency.is_zero(less):
            return '', 0.0
        if got * wanted <= 0:
            return None, less
        share = abs(less / wanted)
        if line.currency_id != currency or line.foreign_currency_id:
            return ('exchange' if share <= const.EXCHANGE_SHARE else None), less
        if share <= const.BANK_FEE_SHARE and less > 0:
            return 'fee', less
        return ('part' if abs(got) < abs(wanted) else None), less

    # === BUSINESS METHODS - EVIDENCE === #

    def _evidence(self, line):
        """Return what shows that a bank line is this payout, and cannot be a customer's.

        :param account.bank.statement.line line: of the bank.
        :return: `reference`: it names this very payout; `account`: it comes from the provider's
            bank account; `name`: it names the provider, and nobody and nothing else. Empty where
            it may be somebody else's: of another partner, naming a document, or fitting an open
            item better.
        :rtype: str
        """
        self.ensure_one()
        provider, text = self.provider_id, line._pay_now_words()
        if line._pay_now_is_of_others(provider) or line._pay_now_named_documents():
            return ''
        items = line._pay_now_same_items()
        people = text + bank_text.words(line.partner_name)
        if any(bank_text.names(people, item.partner_id.name) for item in items):
            return ''
        if self._names_payout(line):
            return 'reference'
        if line._pay_now_account_number() in provider._pay_now_bank_accounts():
            return 'account'
        name, descriptor = provider._pay_now_short_name(), self._bank_descriptor()
        named = bank_text.names(text, name) or bank_text.names(text, descriptor)
        known = (*const.PROVIDER_NAMES[provider.code], descriptor)
        return 'name' if named and not items and not bank_text.other_words(text, *known) else ''

    def _names_payout(self, line):
        """Tell whether the bank's line names this very payout."""
        text = line._pay_now_words()
        return any(
            bank_text.is_reference(reference) and bank_text.names(text, reference)
            for reference in (self.payout_ref, self.bank_reference)
        )

    def _bank_descriptor(self):
        """Return the text that the bank shows of payouts like this one, as far as it is known.

        Earlier versions kept it as the bank reference.
        """
        if self.descriptor or bank_text.is_reference(self.bank_reference):
            return self.descriptor or ''
        return self.bank_reference or ''

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

    # === BUSINESS METHODS - MATCHING === #

    def _match_with(self, line, item, by_itself=False):
        """Put the transfer account into a bank line, and reconcile both.

        A difference is booked as what it is: a bank fee, an exchange difference; or the rest of
        the payout waits for the next line.

        :param account.bank.statement.line line: of the bank.
        :param account.move.line item: the open item of the payout on the transfer account.
        :param bool by_itself: whether no person decided it.
        :raise UserError: the line is reconciled already, cannot be it, or is in a closed period.
        """
        self.ensure_one()
        _liquidity, suspense, _others = line._seek_for_lines()
        others_books = line.company_id != self.company_id
        if line.is_reconciled or len(suspense) != 1 or not item or item.reconciled or others_books:
            raise UserError(self.env._("This bank line or this payout is matched already."))
        kind, less = self._difference(line, item)
        if kind is None:
            raise UserError(
                self.env._("The amount of this bank line cannot be that of the payout.")
            )
        line.move_id.with_context(force_delete=True, skip_readonly_check=True).write(
            {'line_ids': self._prepare_bank_items(suspense, item, kind, less)}
        )
        counterpart = line.move_id.line_ids.filtered(
            lambda one: one.account_id == item.account_id and not one.reconciled
        )
        if by_itself:
            item._pay_now_reconcile([counterpart | item])
        else:
            # A person has the last word: what was undone before counts no more.
            (counterpart | item).reconcile()
        self.message_post(
            body=self.env._(
                "Matched with the bank: %(label)s of %(date)s",
                label=line.payment_ref or '',
                date=format_date(self.env, line.date),
            )
        )

    def _prepare_bank_items(self, suspense, item, kind, less):
        """Return how the journal items of a bank line change: parameters as of `_difference`.

        :param account.move.line suspense: the one of the bank line.
        :return: commands.
        :rtype: list
        """
        currency = item.company_currency_id
        values = {'account_id': item.account_id.id}
        if kind not in ('fee', 'exchange'):
            return [Command.update(suspense.id, values)]
        amount = -item.amount_residual
        values.update(balance=amount, amount_currency=amount, currency_id=currency.id)
        rest = {
            'name': suspense.name,
            'account_id': self._difference_account(kind, less).id,
            'partner_id': suspense.partner_id.id,
            'currency_id': currency.id,
            'balance': less,
            'amount_currency': less,
        }
        return [Command.update(suspense.id, values), Command.create(rest)]

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

    # === CRON === #

    @api.model
    def _cron_match_bank(self):
        """Match the payouts that wait for the bank with its lines, where exactly one fits."""
        domain = [('bank_state', '=', 'waiting'), ('move_id', '!=', False)]
        self.sudo().search(domain)._match_bank()
