# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from odoo.addons.account_pay_now.models.pay_now_undone import BANK_TYPES
from odoo.addons.account_pay_now.models.payout.account_bank_statement_line import words
from odoo.addons.account_pay_now.models.reminder import transfer_reference

_logger = logging.getLogger(__name__)

#: Who matches bank lines.
MATCHERS = 'account.group_account_user,account.group_account_manager'


class AccountBankStatementLine(models.Model):
    """Lines of the bank statement, and the items of customers that they are transfers for.

    A line that names our own reference is matched by itself where nothing is in doubt. One that
    names an invoice, or of which something is in doubt, is proposed.
    """

    _inherit = 'account.bank.statement.line'

    # A text is not cut off in lists.
    pay_now_transfer_text = fields.Text(
        string="Proposed invoices",
        compute='_compute_pay_now_transfer_text',
        compute_sudo=True,
        groups='account.group_account_invoice,account.group_account_readonly',
    )

    # === COMPUTE METHODS === #

    @api.depends('is_reconciled', 'amount', 'payment_ref', 'partner_id')
    @api.depends_context('lang')
    def _compute_pay_now_transfer_text(self):
        proposed = self._pay_now_all_transfer_parts()
        on_its_way = (
            self.env['account.move.line']
            .union(*(item for parts in proposed.values() for item in parts))
            ._pay_now_in_progress()
        )
        for line in self:
            parts = proposed[line]
            line.pay_now_transfer_text = (
                line._pay_now_transfer_label(parts, on_its_way) if parts else False
            )

    def _pay_now_transfer_label(self, parts, on_its_way):
        """Return which items a line is proposed for, and what becomes of a difference.

        :param dict parts: see `_pay_now_transfer_parts`.
        :param account.move.line on_its_way: those that another payment is on its way for.
        :rtype: str
        """
        text = self._pay_now_transfer_difference(parts)
        if any(item in on_its_way for item in parts):
            return self.env._("%s – another payment is on its way", text)
        return text

    def _pay_now_transfer_difference(self, parts):
        """Return what `_pay_now_transfer_label` does, whatever is on its way."""
        items = self.env['account.move.line'].union(*parts)
        currency = items.currency_id
        text = self.env._(
            "%(invoices)s of %(customer)s",
            invoices=', '.join(items.move_id.mapped('name')),
            customer=items.move_id.commercial_partner_id.commercial_partner_id[:1].display_name,
        )
        left = currency.round(sum(items.mapped('amount_residual_currency')) - self.amount)
        if granted := self._pay_now_deducted(parts):
            return self.env._(
                "%(proposal)s – early payment discount of %(amount)s",
                proposal=text,
                amount=currency.format(sum(granted.values())),
            )
        if currency.compare_amounts(left, 0) > 0:
            return self.env._(
                "%(proposal)s – %(amount)s stay open", proposal=text, amount=currency.format(left)
            )
        if currency.compare_amounts(left, 0) < 0:
            return self.env._(
                "%(proposal)s – %(amount)s become the customer's credit",
                proposal=text,
                amount=currency.format(-left),
            )
        return text

    # === ACTION METHODS === #

    def action_pay_now_match_transfer(self):
        """Match each bank line with the items that are proposed for it.

        By whoever matches payouts: administrators of Invoicing do not write bank lines in Odoo.

        :raise AccessError: by anybody else.
        :raise UserError: nothing is proposed any more, or something else than the row says; or the
            books refuse it.
        """
        self.check_access('read')
        if not (self.env.su or self.env.user.has_groups(MATCHERS)):
            raise AccessError(self.env._("Bank lines are matched by accountants."))
        for line in self.sudo():
            parts = line._pay_now_transfer_parts()
            if not parts:
                raise UserError(self.env._("No invoices are proposed for this bank line any more."))
            on_its_way = self.env['account.move.line'].sudo().union(*parts)._pay_now_in_progress()
            self._pay_now_check_shown(line._pay_now_transfer_label(parts, on_its_way))
            line._pay_now_match_items(parts)
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    # === BUSINESS METHODS - WHAT IS TRANSFERRED === #

    def _pay_now_named_reminder(self, found, known):
        """Return the reminder whose reference the line names, of the line's company.

        :param list found: what the references in its words say.
        :param pay.now.reminder known: those that there are.
        :return: the reminder, and what the reference says of it; nothing where it names none, or
            several.
        :rtype: tuple(pay.now.reminder, transfer_reference.Named | None)
        """
        self.ensure_one()
        named = {}
        for one in found:
            reminder = known.filtered(lambda reminder, one=one: reminder.id == one.reminder_id)
            if reminder.company_id.root_id == self.company_id.root_id:
                named.setdefault(reminder, []).append(one)
        if len(named) != 1:
            return known.browse(), None
        [(reminder, said)] = named.items()
        # Where the next word may belong to the reference, its check says whether it does.
        proven = [one for one in said if reminder._items_named(one)[1]]
        return reminder, (proven or said)[0]

    def _pay_now_transferred(self):
        """Return the items that the line says it is a transfer for, open or not.

        :return: the items, oldest first; and whether its reference proves that it is these.
        :rtype: tuple(account.move.line, bool)
        """
        self.ensure_one()
        return self._pay_now_all_transferred()[self]

    def _pay_now_all_transferred(self):
        """Return what each of the lines says it is a transfer for, see `_pay_now_transferred`.

        What is named by its number weighs more than a reference that proves nothing.

        :return: `{line: (items, whether it is proven)}`
        :rtype: dict
        """
        documents, transferred = self._pay_now_all_named_documents(), {}
        # Read for all of them at once, as what follows does not.
        self.env['account.move'].union(*documents.values())._pay_now_instalments()
        found = {line: transfer_reference.find(line._pay_now_words()) for line in self}
        ids = {one.reminder_id for said in found.values() for one in said}
        known = self.env['pay.now.reminder'].sudo().browse(ids).exists()
        for line in self:
            reminder, named = line._pay_now_named_reminder(found[line], known)
            items, proven = self.env['account.move.line'], False
            if named:
                items, proven = reminder._items_named(named)
            if not proven:
                moves = documents[line].filtered(lambda move: move.move_type == 'out_invoice')
                customers = moves.commercial_partner_id.commercial_partner_id
                if len(customers) == 1:
                    numbered = moves._pay_now_instalments()
                    items = numbered._pay_now_of(customers, moves.company_id) or items
            transferred[line] = items._pay_now_oldest_first(), proven
        return transferred

    def _pay_now_transfer_parts(self):
        """Return how the line's money is divided among the open items that it is a transfer for.

        :return: `{item: amount}`, the oldest first, credit notes whole; empty where nothing can be
            proposed: of another company or currency, matched already, or money that went out.
        :rtype: dict
        """
        self.ensure_one()
        return self._pay_now_all_transfer_parts()[self]

    def _pay_now_all_transfer_parts(self):
        """Return how the money of each of the lines is divided, see `_pay_now_transfer_parts`.

        The number of queries does not depend on the number of lines.

        :return: `{line: {item: amount}}`
        :rtype: dict
        """
        takers = self.filtered(
            lambda line: (
                not line.is_reconciled
                and line.amount > 0
                and line.currency_id == line.company_id.currency_id
                and not line.foreign_currency_id
                and len(line._seek_for_lines()[1]) == 1
            )
        )
        parts = dict.fromkeys(self, {})
        for line, (items, _proven) in takers._pay_now_all_transferred().items():
            parts[line] = line._pay_now_divide_transfer(items)
        return parts

    def _pay_now_divide_transfer(self, transferred):
        """Return how the line's money is divided, see `_pay_now_transfer_parts`.

        :param account.move.line transferred: what it is a transfer for, open or not.
        :rtype: dict
        """
        currency = self.currency_id
        items = transferred.filtered(
            lambda item: (
                item.parent_state == 'posted'
                and not item.reconciled
                and item.currency_id == currency
                and self.company_id in item.company_id.parent_ids
            )
        )
        # Nothing is paid by credit notes alone.
        if all(item.amount_residual_currency < 0 for item in items):
            return {}
        parts = items._pay_now_parts(self.amount + sum(self._pay_now_granted(items).values()))
        return {item: part for item, (part, _discount) in parts.items()}

    def _pay_now_granted(self, items):
        """Return the early payment discounts that the payer has deducted: of all items, or none.

        As the page asked on the line's day.

        :param account.move.line items: what the line is a transfer for.
        :return: `{item: discount}`; empty where the amount is not exactly that of all of them less
            their discounts.
        :rtype: dict
        """
        granted = {}
        for item in items:
            if discount := item._pay_now_discount(self.date):
                granted[item] = discount
        wanted = sum(items.mapped('amount_residual_currency')) - sum(granted.values())
        return granted if not self.currency_id.compare_amounts(self.amount, wanted) else {}

    def _pay_now_deducted(self, parts):
        """Return the early payment discounts with which the line pays its items.

        :param dict parts: see `_pay_now_transfer_parts`: more than the amount with discounts only.
        :return: see `_pay_now_granted`.
        :rtype: dict
        """
        if self.currency_id.compare_amounts(sum(parts.values()), self.amount) <= 0:
            return {}
        return self._pay_now_granted(self.env['account.move.line'].union(*parts))

    def _pay_now_is_proven(self, parts):
        """Tell whether nothing is in doubt about a transfer: no person has to look at it.

        It names our own reference and no other document, the amount is that of all of the items to
        the cent, with or without their early payment discounts, nobody else sent it, nothing else
        is on its way for them, and no person took one of them apart from the bank before.

        :param dict parts: see `_pay_now_transfer_parts`.
        :rtype: bool
        """
        items, proven = self._pay_now_transferred()
        if not proven or set(parts) != set(items):
            return False
        currency, moves = self.currency_id, items.move_id
        total = sum(items.mapped('amount_residual_currency'))
        total -= sum(self._pay_now_granted(items).values())
        return not (
            currency.compare_amounts(self.amount, total)
            or self._pay_now_named_documents() - moves
            or self._pay_now_sent_by_others(moves.commercial_partner_id.commercial_partner_id)
            or items._pay_now_in_progress()
            or moves.pay_now_undone_ids.filtered('with_bank')
            or self._pay_now_was_undone()
        )

    def _pay_now_sent_by_others(self, customer):
        """Tell whether partner or bank account say that somebody else sent the money.

        :param res.partner customer: whose items it would pay.
        :rtype: bool
        """
        partner = self.partner_id.commercial_partner_id
        if partner and partner != customer:
            return True
        holders = self._pay_now_account_holders()
        return bool(holders) and customer not in holders

    @api.model
    def _pay_now_transfer_entries(self, moves):
        """Return the entries of bank lines that name a reference of ours, gone lines included.

        Statements bring it in the label, or as the reference of the entry where it is structured.

        :param account.move moves: any entries.
        :rtype: account.move
        """
        return moves.filtered(
            lambda move: (
                move.journal_id.type in BANK_TYPES
                and transfer_reference.find(
                    words(' '.join(filter(None, (*move.line_ids.mapped('name'), move.ref))))
                )
            )
        )

    # === BUSINESS METHODS - MATCHING === #

    def _pay_now_match_transfers(self):
        """Match new lines with the items that they are proven to be transfers for.

        Whatever is refused, the statement is imported: such a line is proposed.
        """
        for line in self.sudo():
            # Most lines name none of our references, and nothing is read for them.
            if not transfer_reference.find(line._pay_now_words()):
                continue
            parts = line._pay_now_transfer_parts()
            if not parts or not line._pay_now_is_proven(parts):
                continue
            try:
                with self.env.cr.savepoint():
                    line._pay_now_match_items(parts, by_itself=True)
            except psycopg2.OperationalError:
                raise
            except Exception:  # noqa: BLE001 - e.g. a closed period; a person sees the proposal
                _logger.warning("Bank line %s could not be matched", line.id, exc_info=True)

    def _pay_now_match_items(self, parts, by_itself=False):
        """Put items of a customer into the bank line, and reconcile each with its own.

        What is left of the money becomes the customer's credit.

        :param dict parts: see `_pay_now_transfer_parts`.
        :param bool by_itself: whether no person decided it.
        :raise UserError: the line is reconciled already, or the books refuse it.
        """
        self.ensure_one()
        liquidity, suspense, _others = self._seek_for_lines()
        if self.is_reconciled or len(suspense) != 1:
            raise UserError(self.env._("This bank line is matched already."))
        items = list(parts)
        made = self._pay_now_put_items(parts, liquidity, suspense)
        # A surplus comes last, and is matched with nothing.
        pairs = [item | own for item, own in zip(items, made, strict=False)]
        if by_itself:
            # None was taken apart from a bank line: that was asked.
            self.env['account.partial.reconcile']._pay_now_reconcile(pairs, fresh=True)
        else:
            # A person has the last word: what was undone before counts no more.
            for pair in pairs:
                pair.reconcile()
        self._pay_now_note_match(items)

    def _pay_now_put_items(self, parts, liquidity, suspense):
        """Put items of a customer into the bank line, in the place of what nobody knew.

        :param dict parts: see `_pay_now_transfer_parts`.
        :param account.move.line liquidity: the line's item on the bank's account.
        :param account.move.line suspense: the one that they take the place of.
        :return: what was put there: of each item, of a surplus, of discounts.
        :rtype: account.move.line
        """
        items, granted = list(parts), self._pay_now_deducted(parts)
        left = self.currency_id.round(self.amount + sum(granted.values()) - sum(parts.values()))
        amounts = [*parts.items(), *([(items[-1], left)] if left else ())]
        values = [self._prepare_pay_now_item(suspense, *one) for one in amounts]
        values += self._prepare_pay_now_discounts(granted)
        known = self.move_id.line_ids
        # From there Odoo takes whose line it is.
        payer = self.partner_id or items[0].move_id.commercial_partner_id.commercial_partner_id
        # The taxes that a discount takes back are written as they are.
        self.move_id.with_context(
            force_delete=True, skip_readonly_check=True, skip_invoice_sync=bool(granted)
        ).write(
            {
                'line_ids': [
                    Command.update(liquidity.id, {'partner_id': payer.id}),
                    Command.update(suspense.id, values[0]),
                    *map(Command.create, values[1:]),
                ]
            }
        )
        return suspense | (self.move_id.line_ids - known).sorted('id')

    def _prepare_pay_now_item(self, suspense, item, amount):
        """Return the values of the journal item that pays an item.

        :param account.move.line suspense: the one that it takes the place of.
        :param account.move.line item: what is paid.
        :param float amount: how much of it, negative for a credit note.
        :rtype: dict
        """
        return {
            'name': suspense.name,
            'account_id': item.account_id.id,
            'partner_id': item.partner_id.id,
            'currency_id': item.currency_id.id,
            'amount_currency': -amount,
            'balance': -amount,
        }

    def _prepare_pay_now_discounts(self, granted):
        """Return the values of the journal items that grant early payment discounts.

        :param dict granted: see `_pay_now_granted`.
        :rtype: list of dict
        :raise UserError: the account for them is missing.
        """
        values = self.env['account.move.line'].union(*granted)._pay_now_discount_values()
        if not all(vals['account_id'] for vals in values):
            raise UserError(
                self.env._("Choose the account for early payment discounts in the settings first.")
            )
        return values

    def _pay_now_note_match(self, items):
        """Say on the entry what it was matched with, in the company's language.

        :param list items: of `account.move.line`.
        """
        env = self.with_context(lang=self.company_id._pay_now_lang()).env
        names = dict.fromkeys(item.move_id.name for item in items)
        self.move_id.message_post(body=env._("Matched by its reference: %s", ', '.join(names)))
