# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PayNowPayout(models.Model):
    """Payouts meet the bank statement on the internal transfer account."""

    _inherit = 'pay.now.payout'

    bank_state = fields.Selection(
        string="Bank",
        selection=[
            ('waiting', "Not at the bank yet"),
            ('matched', "Matched with the bank"),
            ('none', "Nothing arrives"),
        ],
        compute='_compute_bank_state',
        store=True,
    )
    statement_line_ids = fields.Many2many(
        string="Bank lines",
        comodel_name='account.bank.statement.line',
        compute='_compute_statement_line_ids',
        compute_sudo=True,
    )

    # === COMPUTE METHODS === #

    @api.depends('move_id.line_ids.reconciled', 'reversal_move_id.line_ids.reconciled', 'state')
    def _compute_bank_state(self):
        for payout in self.sudo():
            lines = payout._transfer_lines()
            if not lines or not all(lines.mapped('reconciled')):
                payout.bank_state = 'waiting'
            else:
                payout.bank_state = 'matched' if payout._matched_bank_lines() else 'none'

    @api.depends('bank_state')
    def _compute_statement_line_ids(self):
        for payout in self:
            payout.statement_line_ids = payout._matched_bank_lines()

    def _matched_bank_lines(self):
        """Return the bank statement lines that the payout's transfer is reconciled with."""
        lines = self._transfer_lines()
        others = lines.matched_debit_ids.debit_move_id | lines.matched_credit_ids.credit_move_id
        return others.move_id.statement_line_id

    # === ACTION METHODS === #

    def action_match_bank(self):
        """Match with the bank, or show the lines that may be it.

        :raise UserError: no line of the bank fits.
        """
        self.ensure_one()
        self.check_access('write')
        payout = self.sudo()
        item = payout._transfer_lines().filtered(lambda line: not line.reconciled)[:1]
        if not item:
            raise UserError(self.env._("This payout does not wait for the bank."))
        fitting = payout._fitting_bank_lines(item)
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
        named = fitting.filtered(payout._names_us)
        if len(named) == 1 or len(fitting) == 1:
            payout._match_with(named if len(named) == 1 else fitting, item)
            return None
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

    # === BUSINESS METHODS - BANK === #

    @api.model
    def _cron_match_bank(self):
        """Match the payouts that wait for the bank with its lines, where exactly one fits."""
        domain = [('bank_state', '=', 'waiting'), ('move_id', '!=', False)]
        self.sudo().search(domain)._match_bank()

    def _match_bank(self, lines=None):
        """Match payouts with bank statement lines where exactly one fits, both ways round.

        Amount and date have to fit, and the bank's line has to name the provider or the payout: a
        customer's transfer may be of the same amount.

        :param account.bank.statement.line lines: new ones, all by default.
        :return: None
        """
        waiting = self.filtered(lambda payout: payout.move_id and payout.bank_state == 'waiting')
        pairs, taken = [], {}
        for payout in waiting:
            for item in payout._transfer_lines().filtered(lambda line: not line.reconciled):
                fitting = payout._fitting_bank_lines(item).filtered(payout._names_us)
                exact = fitting.filtered(payout._names_payout)
                fitting = exact if len(exact) == 1 else fitting
                for line in fitting:
                    taken[line] = taken.get(line, 0) + 1
                if len(fitting) == 1 and (lines is None or fitting in lines):
                    pairs.append((payout, fitting, item, bool(exact)))
        for payout, line, item, exact in pairs:
            if taken[line] > 1 and not exact:
                continue
            try:
                with self.env.cr.savepoint():
                    payout._match_with(line, item)
            except UserError as error:
                _logger.info("%s is not matched by itself: %s", payout.payout_ref, error)

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

    def _fitting_bank_lines(self, item):
        """Return the bank's open lines of the same amount and about the same date.

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
        return lines.filtered(
            lambda line: (
                line.currency_id == item.company_currency_id
                and not line.currency_id.compare_amounts(line.amount, item.amount_residual)
                and len(line._seek_for_lines()[1]) == 1
            )
        )

    def _names_us(self, line):
        """Tell whether the bank's line names the provider or this payout."""
        text = _letters(self._bank_text(line))
        name = self.provider_id._pay_now_short_name()
        return _letters(name) in text or self._names_payout(line)

    def _names_payout(self, line):
        """Tell whether the bank's line names this very payout."""
        text = _letters(self._bank_text(line))
        names = (self.payout_ref, self.bank_reference)
        # "STRIPE" is the reference of every payout.
        return any(len(_letters(name)) > 8 and _letters(name) in text for name in names if name)

    @api.model
    def _bank_text(self, line):
        return ' '.join(
            filter(None, (line.payment_ref, line.ref, line.partner_name, line.partner_id.name))
        )

    def _match_with(self, line, item):
        """Put the transfer account into a bank line, and reconcile both.

        :param account.bank.statement.line line: of the bank.
        :param account.move.line item: the open item of the payout on the transfer account.
        :raise UserError: the line is reconciled already, or in a closed period.
        """
        self.ensure_one()
        _liquidity, suspense, _others = line._seek_for_lines()
        if line.is_reconciled or len(suspense) != 1 or item.reconciled:
            raise UserError(self.env._("This bank line or this payout is matched already."))
        line.move_id.with_context(force_delete=True, skip_readonly_check=True).write(
            {'line_ids': [Command.update(suspense.id, {'account_id': item.account_id.id})]}
        )
        counterpart = line.move_id.line_ids.filtered(
            lambda one: one.account_id == item.account_id and not one.reconciled
        )
        (counterpart | item).reconcile()
        self.message_post(
            body=self.env._(
                "Matched with the bank: %(label)s of %(date)s",
                label=line.payment_ref or '',
                date=format_date(self.env, line.date),
            )
        )


def _letters(text):
    """Return what is left of a text when a bank has upper-cased and shortened its spaces."""
    return re.sub(r'[^A-Z0-9]', '', (text or '').upper())
