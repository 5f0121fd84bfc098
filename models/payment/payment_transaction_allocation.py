# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from odoo.addons.account_pay_now import const
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """What a payment pays when its invoices are not as the payer found them.

    They were reset to draft and changed, posted with other instalments, paid otherwise, given to
    another customer, or deleted. Where all is as agreed, booking pays just the items.
    """

    _inherit = 'payment.transaction'

    pay_now_discount_move_id = fields.Many2one(
        string="Discount taken back",
        comodel_name='account.move',
        readonly=True,
        copy=False,
        index='btree_not_null',
        help="The entry that takes back an early payment discount which was not due in the end.",
    )

    # === BUSINESS METHODS - ALLOCATION === #

    def _pay_now_allocate(self):
        """Let the payment pay what it was made for, as far as that is open.

        Of each invoice as much as was paid for it. What is left then pays what is left of these
        items, before it is a surplus; not what was paid for an invoice in draft, which waits.
        """
        self.ensure_one()
        self = self.with_context(pay_now_allocating=True)
        partials = self.env['account.partial.reconcile']
        payment = self.payment_id._pay_now_counterpart_lines()
        due = self._pay_now_due()
        lines = {
            line: amount
            for line, amount in self.env['account.move.line']._pay_now_divide(due).items()
            if line.account_id == payment.account_id
        }
        invoices = {line: amount for line, amount in lines.items() if line.balance > 0}
        notes = {line: amount for line, amount in lines.items() if line.balance < 0}
        partials._pay_now_match(invoices, {**notes, payment: self._pay_now_credit()})
        waiting = sum(amount for item, amount in due.items() if item.move_id.state == 'draft')
        rest = {line: line.amount_residual_currency for line in invoices}
        partials._pay_now_match(rest, {payment: self._pay_now_credit() - waiting})

    def _pay_now_due(self):
        """Return how much of the payment is still to go to each of its items.

        :return: `{item: amount}`, positive for credit notes too; nothing of items of others.
        :rtype: dict
        """
        self.ensure_one()
        items = self._pay_now_own_items()
        pool = self.payment_id._pay_now_counterpart_lines() | items.move_id._pay_now_instalments()
        due = {}
        for move, own in items.grouped('move_id').items():
            lines = move._pay_now_instalments()
            debits = lines.matched_debit_ids.filtered(lambda one: one.debit_move_id in pool)
            credits = lines.matched_credit_ids.filtered(lambda one: one.credit_move_id in pool)
            # What was matched already.
            known = sum(debits.mapped('credit_amount_currency'))
            known += sum(credits.mapped('debit_amount_currency'))
            for item in own:
                kept = not item.discount or self._pay_now_keeps_discount(item)
                amount = abs(item.amount + (item.discount if kept else 0.0))
                part = min(known, amount)
                due[item] = self.currency_id.round(amount - part)
                known -= part
        return due

    def _pay_now_snapshot_still_open(self):
        """Return the items that are still to be paid, of what the payer was about to pay.

        :rtype: account.move.line
        """
        self.ensure_one()
        items = self._pay_now_own_items()
        gone = items.filtered(lambda item: not item.line_id).move_id
        return (items.line_id | gone._pay_now_instalments()).filtered(
            lambda line: not line.reconciled and line.parent_state == 'posted'
        )

    def _pay_now_settle_again(self):
        """Match payments again whose invoices were posted anew, or are gone; flag what is left.

        What cannot be matched keeps nobody from posting an invoice: it is tried again by the sweep.
        """
        for provider, txs in self.grouped('provider_id').items():
            for tx in txs._pay_now_in_books_of(provider):
                before = tx._pay_now_credit()
                try:
                    with self.env.cr.savepoint():
                        tx._pay_now_allocate()
                except psycopg2.OperationalError:
                    raise
                except Exception:
                    _logger.warning("%s could not be matched", tx.reference, exc_info=True)
                    continue
                flagged = any(
                    one.kind == 'waiting' and one.state == 'open'
                    for one in tx.pay_now_discrepancy_ids
                )
                # Also where nothing has become free: Odoo matches within one account only.
                unpaid = any(
                    amount and item.move_id.state == 'posted'
                    for item, amount in tx._pay_now_due().items()
                )
                if (
                    flagged
                    or unpaid
                    or tx.currency_id.compare_amounts(before, tx._pay_now_credit())
                ):
                    tx._pay_now_report_surplus()

    def _pay_now_settle_gone(self):
        """Let payments pay what else they were made for; flag what is left, as the rest is gone."""
        self._pay_now_settle_again()
        for provider, txs in self.grouped('provider_id').items():
            for tx in txs._pay_now_in_books_of(provider):
                tx._pay_now_report_surplus()

    # === BUSINESS METHODS - DISCOUNTS === #

    def _pay_now_discount_left(self):
        """Return how much of the open credit is no money, but a discount that lapsed.

        It was granted for an item that was changed since: nobody is owed it.

        :rtype: float
        """
        self.ensure_one()
        lapsed = self.pay_now_item_ids.filtered('discount')._pay_now_lapsed()
        lines = self.payment_id._pay_now_counterpart_lines()
        granted = -sum(lines.mapped('amount_currency')) - self.payment_id.amount
        left = min(granted, sum(lapsed.mapped('discount'))) - self._pay_now_discount_taken_back()
        return max(self.currency_id.round(min(left, self._pay_now_credit())), 0.0)

    def _pay_now_discount_taken_back(self):
        """Return how much of the discounts granted was taken back already.

        :rtype: float
        """
        account = self.payment_id.destination_account_id
        moves = (self.pay_now_discount_move_id | self._pay_now_former_discount_entries()).filtered(
            lambda move: move.state == 'posted' and not self._pay_now_reversals(move)
        )
        lines = moves.line_ids.filtered(lambda line: line.account_id == account)
        return sum(lines.mapped('amount_currency'))

    def _pay_now_former_discount_entries(self):
        """Return the entries that took a discount back before the last one did.

        Discounts lapse one by one. Each entry is matched with the payment, and made for nothing
        else.

        :rtype: account.move
        """
        if not self.pay_now_discount_move_id:
            return self.pay_now_discount_move_id
        matched = self.payment_id._pay_now_counterpart_lines().matched_debit_ids
        journal = self.provider_id.journal_id
        entries = matched.debit_move_id.move_id.filtered(
            lambda move: (
                move.move_type == 'entry'
                and move.journal_id == journal
                and not move.origin_payment_id
                and not move.reversed_entry_id
            )
        )
        return entries - entries.browse().union(*entries._pay_now_booked_for())

    def _pay_now_report_discount(self):
        """Flag a discount that lapsed, and is open as credit; or close what was flagged."""
        items = self.pay_now_item_ids.filtered('discount')
        # What is in draft may be posted again as it was.
        lapsed = items._pay_now_lapsed().filtered(lambda item: item.move_id.state != 'draft')
        amount = self._pay_now_discount_left() if lapsed else 0.0
        self._pay_now_report_credit('discount', 'discount', amount, lapsed)

    def _pay_now_take_back_discount(self):
        """Take back the discount that lapsed, with its taxes, by an entry of today.

        :raise UserError: nothing of it is open any more.
        """
        self.ensure_one()
        [tx] = self._pay_now_in_books_of(self.provider_id)
        # What is left is looked at once, at the end.
        tx = tx.with_context(pay_now_allocating=True)
        amount = tx._pay_now_discount_left()
        if not amount:
            raise UserError(self.env._("Nothing of it is open any more."))
        move = self.env['account.move'].with_env(tx.env).with_context(skip_invoice_sync=True)
        move = move.create(tx._pay_now_prepare_discount_entry(amount))
        move.action_post()
        credit = tx.payment_id._pay_now_counterpart_lines()
        debit = move.line_ids.filtered(lambda line: line.account_id == credit.account_id)
        tx.env['account.partial.reconcile']._pay_now_reconcile([credit | debit], fresh=True)
        tx.pay_now_discount_move_id = move
        tx._pay_now_report_surplus()

    def _pay_now_prepare_discount_entry(self, amount):
        """Return the values of the entry that takes a discount back as the payment booked it.

        :param float amount: how much of what it granted.
        :rtype: dict
        """
        provider, entry = self.provider_id, self.payment_id.move_id
        credit = self.payment_id._pay_now_counterpart_lines()
        lines = entry.line_ids.filtered(
            lambda line: (
                line.account_id not in (credit.account_id, provider.pay_now_clearing_account_id)
            )
        )
        label = self.env._("Discount taken back – %s", self.reference)
        parts = self._pay_now_share_discount(lines, amount)
        values = [
            {
                **self._pay_now_discount_item(label, line, -parts[line]),
                'tax_ids': [Command.set(line.tax_ids.ids)],
                'tax_tag_ids': [Command.set(line.tax_tag_ids.ids)],
                'tax_repartition_line_id': line.tax_repartition_line_id.id,
                'group_tax_id': line.group_tax_id.id,
                'display_type': line.display_type,
            }
            for line in lines
        ]
        values.append(self._pay_now_discount_item(label, credit, amount))
        has_tax = bool(lines.tax_repartition_line_id)
        journal = provider.journal_id
        return {
            'move_type': 'entry',
            'journal_id': journal.id,
            'date': provider._pay_now_open_day(
                provider.company_id._pay_now_today(), journal, provider.company_id, has_tax
            ),
            'ref': label,
            'line_ids': [Command.create(one) for one in values],
        }

    def _pay_now_discount_item(self, label, line, balance):
        """Return the values of a journal item on the account and about the partner of another."""
        return {
            'name': label,
            'account_id': line.account_id.id,
            'partner_id': line.partner_id.id,
            'currency_id': self.currency_id.id,
            'balance': balance,
            'amount_currency': balance,
        }

    def _pay_now_share_discount(self, lines, amount):
        """Share a part of a discount among the items that granted it; the last has the rest.

        :param account.move.line lines: of the discount and its taxes.
        :param float amount: how much of it.
        :return: `{item: amount}`
        :rtype: dict
        """
        granted, left, parts = sum(lines.mapped('balance')), amount, {}
        for line in lines.sorted(lambda line: abs(line.balance)):
            is_last = len(parts) == len(lines) - 1
            part = left if is_last else line.balance * amount / granted
            parts[line] = self.currency_id.round(part)
            left -= parts[line]
        return parts

    # === CRON === #

    @api.model
    def _pay_now_sweep_waiting(self):
        """Look again at the payments that wait for invoices in draft, which may be gone by now."""
        waiting = self.env['pay.now.discrepancy'].search(
            Domain('kind', '=', 'waiting') & Domain('state', '=', 'open')
        )
        waiting.transaction_id.try_lock_for_update()._pay_now_settle_again()
        # Cancelled where nobody was asked: by another module, or an earlier version.
        gone = self.search(
            Domain('pay_now_item_ids.move_id.state', '=', 'cancel')
            & Domain('state', '=', 'done')
            & Domain('pay_now_discrepancy_ids', 'not any', Domain('kind', '=', 'surplus'))
            & Domain(
                'payment_id.move_id.line_ids',
                'any',
                Domain('account_type', '=', 'asset_receivable')
                & Domain('parent_state', '=', 'posted')
                & Domain('reconciled', '=', False),
            )
        )
        gone.try_lock_for_update()._pay_now_settle_gone()
