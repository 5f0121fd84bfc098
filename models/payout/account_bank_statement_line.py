# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
import unicodedata

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.base.models.res_bank import sanitize_account_number

#: What banks write around the name of whoever transfers money; nothing of it names a customer.
# fmt: off
TRANSFER_WORDS = frozenset({
    'AUSZAHLUNG', 'AVIS', 'BONIFICO', 'BY', 'CREDIT', 'CREDITO', 'CT', 'DE', 'DO', 'DU',
    'EMIS', 'EMPFANGEN', 'ENTRANT', 'EUR', 'EUROPE', 'FROM', 'GUTSCHRIFT', 'INST', 'INSTANT',
    'INSTANTANE', 'INTL', 'INWARD', 'LIMITED', 'LTD', 'MOTIF', 'OVERBOEKING',
    'OVERSCHRIJVING', 'PAYOUT', 'PAYOUTS', 'RECEIVED', 'RECU', 'RECUE', 'REF', 'REFERENCE',
    'REJET', 'RETOUR', 'RETURN', 'RETURNED', 'SCT', 'SEPA', 'TRACE', 'TRANSFER',
    'TRANSFERENCIA', 'UBERWEISUNG', 'UEBERWEISUNG', 'VERS', 'VIR', 'VIREMENT', 'VON',
})
# fmt: on


def words(text):
    """Return the words of a text as banks write them: upper case, without accents.

    :param str text: any text, or nothing.
    :rtype: list of str
    """
    plain = unicodedata.normalize('NFKD', text or '')
    plain = ''.join(char for char in plain if not unicodedata.combining(char))
    return re.findall(r'[A-Z0-9]+', plain.upper())


def names(text_words, name):
    """Tell whether words name something, however the bank divides it: whole words together.

    :param list text_words: of `words`.
    :param str name: e.g. a reference.
    :rtype: bool
    """
    wanted = ''.join(words(name))
    if not wanted:
        return False
    for first in range(len(text_words)):
        found = ''
        for word in text_words[first:]:
            found += word
            if found == wanted:
                return True
            if len(found) >= len(wanted):
                break
    return False


def is_reference(text):
    """Tell whether a text is a reference that nobody else writes: long, and with digits.

    :param str text: what the provider says that the bank's statement shows.
    :rtype: bool
    """
    joined = ''.join(words(text))
    return len(joined) > 8 and bool(re.search(r'\d', joined))


def other_words(text_words, *known):
    """Return the words that are neither usual around a transfer nor known.

    Words with a digit are references, of whatever kind; single letters are of abbreviations.

    :param list text_words: of `words`.
    :param str known: names whose words are known.
    :rtype: set of str
    """
    usual = {word for name in known for word in words(name)} | TRANSFER_WORDS
    return {
        word
        for word in text_words
        if word not in usual and len(word) > 1 and not re.search(r'\d', word)
    }


class AccountBankStatementLine(models.Model):
    """Lines of the bank statement, and the payouts that wait for the bank.

    What a line says of itself: whose it is, which documents it names.
    """

    _inherit = 'account.bank.statement.line'

    pay_now_payout_id = fields.Many2one(
        string="Proposed payout",
        comodel_name='pay.now.payout',
        compute='_compute_pay_now_payout_id',
        groups='account.group_account_invoice,account.group_account_readonly',
    )
    # A text is not cut off in lists.
    pay_now_difference = fields.Text(
        string="Difference", compute='_compute_pay_now_difference', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    @api.depends('is_reconciled', 'amount', 'payment_ref', 'partner_id', 'date')
    def _compute_pay_now_payout_id(self):
        self.pay_now_payout_id = False
        lines = self.filtered(lambda line: not line.is_reconciled)
        for payout in lines._pay_now_waiting_payouts() if lines else ():
            if payout.proposed_line_id in lines:
                payout.proposed_line_id.pay_now_payout_id = payout

    @api.depends('amount', 'is_reconciled', 'pay_now_payout_id')
    @api.depends_context('pay_now_payout_id', 'lang')
    def _compute_pay_now_difference(self):
        chosen = self.env['pay.now.payout'].browse(self.env.context.get('pay_now_payout_id'))
        for line in self:
            payout = chosen or line.pay_now_payout_id
            item = payout._waiting_items()[:1]
            line.pay_now_difference = payout._difference_label(line, item) if item else False

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account` to match new lines: with payouts that wait for the bank, and with
        the items that a reference of ours is about.
        """
        lines = super().create(vals_list)
        if waiting := lines._pay_now_waiting_payouts():
            waiting._match_bank(lines.sudo())
        if left := lines.filtered(lambda line: not line.is_reconciled):
            left._pay_now_match_transfers()
        return lines

    # === ACTION METHODS === #

    def action_pay_now_match(self):
        """Match the bank line with the payout that the list was opened for."""
        self.ensure_one()
        self.check_access('read')
        payout = self.env['pay.now.payout'].browse(self.env.context.get('pay_now_payout_id'))
        if not payout:
            raise UserError(self.env._("No payout is proposed for this bank line any more."))
        payout.check_access('write')
        item = payout.sudo()._waiting_items()[:1]
        payout.sudo()._match_with(self.sudo(), item)
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    def action_pay_now_accept(self):
        """Match each bank line with the payout that is proposed for it.

        :raise UserError: nothing is proposed any more, or something else than the row says.
        """
        self.check_access('read')
        for line in self:
            payout = line.pay_now_payout_id
            if not payout:
                raise UserError(self.env._("No payout is proposed for this bank line any more."))
            payout.check_access('write')
            self._pay_now_check_shown([payout.id, line.pay_now_difference or ''])
            payout.sudo()._match_with(line.sudo(), payout.sudo()._waiting_items()[:1])
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    # === BUSINESS METHODS - PAYOUTS === #

    @api.model
    def _pay_now_check_shown(self, proposal):
        """Refuse to do what nobody has read: buttons hand over the proposal that they stand beside.

        :param proposal: what is proposed by the books of this moment, as the button hands it over.
        :raise UserError: it was not shown, or is something else by now.
        """
        if self.env.context.get('pay_now_proposal') != proposal:
            raise UserError(
                self.env._("The proposal has changed. Load the page again, and check it.")
            )

    def _pay_now_waiting_payouts(self):
        """Return the payouts of the lines' companies that wait for the bank.

        :rtype: pay.now.payout (sudo)
        """
        return (
            self.env['pay.now.payout']
            .sudo()
            .search(
                Domain('company_id', 'in', self.company_id.ids)
                & Domain('bank_state', '=', 'waiting')
                & Domain('move_id', '!=', False)
            )
        )

    def _pay_now_was_undone(self):
        """Tell whether a person took the line apart from what it was matched with by itself."""
        return bool(
            self.env['pay.now.undone']
            .sudo()
            .search_count([('move_id', 'in', self.move_id.ids)], limit=1)
        )

    # === BUSINESS METHODS - WHOSE LINE IT IS === #

    def _pay_now_words(self):
        """Return the words of the line's label and reference, but for the partner's name.

        :rtype: list of str
        """
        self.ensure_one()
        return words(' '.join(filter(None, (self.payment_ref, self.ref))))

    def _pay_now_is_of_amount(self, item):
        """Tell whether the line is of exactly the open amount of an item, in its currency.

        :param account.move.line item: of a payout.
        :rtype: bool
        """
        self.ensure_one()
        currency, amount = self.currency_id, self.amount
        if self.foreign_currency_id:
            currency, amount = self.foreign_currency_id, self.amount_currency
        wanted = item.amount_residual_currency
        return currency == item.currency_id and not currency.compare_amounts(amount, wanted)

    def _pay_now_account_number(self):
        """Return the number of the account on the other side, as far as the bank says it.

        :rtype: str
        """
        self.ensure_one()
        number = sanitize_account_number(self.account_number)
        return number or self.partner_bank_id.sanitized_acc_number or ''

    def _pay_now_account_holders(self):
        """Return whose account on the other side is, as far as bank and contacts say it.

        :return: customers, suppliers and whoever else; none where it is not known.
        :rtype: res.partner
        """
        number = self._pay_now_account_number()
        if not number:
            return self.env['res.partner']
        accounts = self.env['res.partner.bank'].search(
            Domain('sanitized_acc_number', '=', number)
            & Domain('company_id', 'in', (False, *self.company_id.ids))
        )
        return accounts.partner_id.commercial_partner_id

    def _pay_now_is_of_others(self, provider):
        """Tell whether partner, bank account or name say that the line is not the provider's.

        :param payment.provider provider: whose payout it might be.
        :rtype: bool
        """
        self.ensure_one()
        company = self.company_id.partner_id
        known = (provider.pay_now_commission_partner_id | company).commercial_partner_id
        partner = self.partner_id.commercial_partner_id
        if partner and partner not in known:
            return True
        holders = self._pay_now_account_holders()
        if holders and not holders & known:
            return True
        return bool(
            other_words(
                words(self.partner_name),
                *const.PROVIDER_NAMES[provider.code],
                *filter(None, known.mapped('name')),
            )
        )

    def _pay_now_named_documents(self):
        """Return the invoices and credit notes that the line names, paid or not.

        :rtype: account.move
        """
        self.ensure_one()
        return self._pay_now_all_named_documents()[self]

    def _pay_now_all_named_documents(self):
        """Return what each of the lines names, see `_pay_now_named_documents`.

        :return: `{line: invoices and credit notes}`, with one search for each group of companies.
        :rtype: dict
        """
        Move, named = self.env['account.move'], {}
        for root, lines in self.grouped(lambda line: line.company_id.root_id).items():
            texts = {line: line._pay_now_words() for line in lines}
            numbers = {
                move.id: [
                    ''.join(words(name)) for name in (move.name, move.payment_reference) if name
                ]
                for move in self._pay_now_documents_ending(root, texts.values())
            }
            for line, text in texts.items():
                joined = ''.join(text)
                # Most are not in the text at all, wherever its words end.
                named[line] = [
                    move_id
                    for move_id, known in numbers.items()
                    if any(one and one in joined and names(text, one) for one in known)
                ]
        return {line: Move.browse(named[line]) for line in self}

    @api.model
    def _pay_now_documents_ending(self, root, texts):
        """Return the documents that some texts may name: of which they have the last digits.

        :param res.company root: in its companies.
        :param texts: words, see `_pay_now_words`.
        :rtype: account.move
        """
        endings = {
            number[-3:] for text in texts for number in re.findall(r'\d{3,}', ' '.join(text))
        }
        if not endings:
            return self.env['account.move']
        return self.env['account.move'].search(
            Domain('company_id', 'child_of', root.id)
            & Domain('state', '=', 'posted')
            & Domain('move_type', 'in', ('out_invoice', 'out_refund', 'in_invoice', 'in_refund'))
            & Domain.OR(
                Domain('name', '=ilike', f'%{ending}')
                | Domain('payment_reference', 'ilike', ending)
                for ending in endings
            )
        )

    def _pay_now_same_items(self):
        """Return the open items of customers and suppliers of exactly the line's amount.

        :rtype: account.move.line
        """
        self.ensure_one()
        currency = self.company_id.currency_id
        amount, near = -sum(self._seek_for_lines()[1].mapped('balance')), currency.rounding / 2
        return self.env['account.move.line'].search(
            Domain('company_id', 'child_of', self.company_id.root_id.id)
            & Domain('account_type', 'in', ('asset_receivable', 'liability_payable'))
            & Domain('parent_state', '=', 'posted')
            & Domain('reconciled', '=', False)
            & Domain('amount_residual', '>', amount - near)
            & Domain('amount_residual', '<', amount + near)
        )
