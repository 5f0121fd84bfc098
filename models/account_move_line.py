# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import utils

#: States of a transaction whose money is on its way.
UNDER_WAY = ('pending', 'authorized')
#: Items of payments (`pay.now.transaction.item`) that are not asked for a second time. What was
#: received in another currency and not booked has to be looked at by somebody first.
IN_PROGRESS = Domain('transaction_id.state', 'in', UNDER_WAY) | Domain(
    'transaction_id.pay_now_discrepancy_ids',
    'any',
    [('kind', '=', 'currency'), ('state', '=', 'open')],
)

DISPUTED = Domain(
    'transaction_id.pay_now_dispute_ids', 'any', [('state', 'in', ('inquiry', 'open'))]
)


class AccountMoveLine(models.Model):
    """What is open of an invoice or a credit note, and what keeps it from being asked for."""

    _inherit = 'account.move.line'

    pay_now_item_ids = fields.One2many(
        string="Online payment items",
        comodel_name='pay.now.transaction.item',
        inverse_name='line_id',
    )

    # === BUSINESS METHODS === #

    @api.model
    def _pay_now_open_items_domain(self):
        """Return the domain of the open items of posted customer invoices (design section 1).

        :rtype: odoo.fields.Domain
        """
        return self._pay_now_left_domain('out_invoice') & Domain('amount_residual', '>', 0)

    @api.model
    def _pay_now_open_credits_domain(self):
        """Return the domain of what is left of posted credit notes of customers.

        :rtype: odoo.fields.Domain
        """
        return self._pay_now_left_domain('out_refund') & Domain('amount_residual', '<', 0)

    @api.model
    def _pay_now_left_domain(self, move_type):
        # Of customer documents, Odoo has these on receivable accounts, and nothing else there.
        return (
            Domain('display_type', '=', 'payment_term')
            & Domain('parent_state', '=', 'posted')
            & Domain('move_type', '=', move_type)
            & Domain('reconciled', '=', False)
        )

    @api.model
    def _pay_now_sold_domain(self):
        """Return the domain of the items of Sales invoices (design section 1).

        :rtype: odoo.fields.Domain
        """
        return Domain('move_id.invoice_line_ids', 'any', [('sale_line_ids', '!=', False)])

    def _pay_now_discount(self):
        """Return the early payment discount that whoever pays today may deduct.

        :return: an amount in the item's currency, zero where there is none (any more).
        :rtype: float
        """
        self.ensure_one()
        if not self.discount_date:
            return 0.0
        today = self.company_id._pay_now_today()
        if self.discount_date < today:
            return 0.0
        if not self.move_id._is_eligible_for_early_payment_discount(self.currency_id, today):
            return 0.0
        return self.currency_id.round(self.amount_residual_currency - self.discount_amount_currency)

    def _pay_now_without(self, moves):
        """Return the items of other invoices.

        :param moves: invoices, or a dictionary by invoice.
        :rtype: account.move.line
        """
        return self.filtered(lambda line: line.move_id not in moves) if moves else self

    def _pay_now_amount_to_pay(self):
        """Return what paying all of the items takes today.

        :return: an amount in the items' currency.
        :rtype: float
        """
        return sum(line.amount_residual_currency - line._pay_now_discount() for line in self)

    def _pay_now_discount_text(self):
        """Return what the customer saves by paying now, and until when.

        :return: a sentence, empty where there is no early payment discount.
        :rtype: str
        """
        lines = self.filtered(lambda line: line._pay_now_discount())
        if not lines:
            return ''
        return self.env._(
            "%(amount)s early payment discount deducted, until %(date)s.",
            amount=lines.currency_id[:1].format(sum(line._pay_now_discount() for line in lines)),
            date=format_date(self.env, min(lines.mapped('discount_date'))),
        )

    def _pay_now_parts(self, amount=None):
        """Divide a payment among the items.

        :param float amount: what is paid, when it is less than all of it: the oldest items first,
            and without discount.
        :return: `{line: (amount, discount)}`, negative for credit notes, which are used up.
        :rtype: dict
        """
        if amount is None:
            parts = {}
            for line in self:
                part, discount = line.amount_residual_currency, line._pay_now_discount()
                if discount:
                    part = line.currency_id.round(part - discount)
                parts[line] = (part, discount)
            return parts
        lines = self.sorted(lambda line: (line.date_maturity or line.date, line.id))
        credits = lines.filtered(lambda line: line.amount_residual_currency < 0)
        parts = {line: (line.amount_residual_currency, 0.0) for line in credits}
        left = amount - sum(credits.mapped('amount_residual_currency'))
        for line in lines - credits:
            part = line.currency_id.round(min(left, line.amount_residual_currency))
            if line.currency_id.compare_amounts(part, 0) > 0:
                parts[line] = (part, 0.0)
                left -= part
        return parts

    def _pay_now_in_progress(self):
        """Return the items that a payment of ours, or of another provider, is on its way for.

        :rtype: account.move.line
        """
        if not self:
            return self
        ours = self._pay_now_paid_by(IN_PROGRESS)
        others = self.move_id.sudo().transaction_ids
        if not others:
            return ours
        others = others.search(
            Domain('id', 'in', others.ids)
            & Domain('state', 'in', UNDER_WAY)
            # A promise of a transfer is no payment on its way.
            & Domain('provider_code', 'not in', ('none', 'custom'))
            & Domain('pay_now_item_ids', '=', False)
        )
        paid_elsewhere = set(others.invoice_ids.ids)
        return self & (ours | self.filtered(lambda line: line.move_id.id in paid_elsewhere))

    def _pay_now_paid_by(self, domain):
        """Return the items that stand in some payments of ours.

        Most items stand in none: then one query shows it, whatever is asked and however often.

        :param odoo.fields.Domain domain: which items of payments (`pay.now.transaction.item`).
        :rtype: account.move.line
        """
        items = self.sudo().pay_now_item_ids
        if not items:
            return self.browse()
        found = items.search(Domain('id', 'in', items.ids) & domain)
        return self & found.line_id.with_env(self.env)

    def _pay_now_still_open(self):
        """Return the items that are still to be paid.

        :rtype: account.move.line
        """
        return self.filtered_domain(self._pay_now_open_items_domain())

    def _pay_now_free(self, amount):
        """Take the lines of a payment out of what they are reconciled with, the newest first.

        :param float amount: how much has to be free, in the company's currency.
        :return: what they were reconciled with, of which more than that may be free now.
        :rtype: account.move.line
        """
        free = -sum(self.mapped('amount_residual'))
        currency = self.company_id.currency_id
        partials, items = self.env['account.partial.reconcile'], self.browse()
        for partial in self.matched_debit_ids.sorted('id', reverse=True):
            if currency.compare_amounts(free, amount) >= 0:
                break
            free += partial.amount
            partials |= partial
            items |= partial.debit_move_id
        partials.unlink()
        return items

    def _pay_now_due_label(self):
        """Return how the item is called in front of the customer: invoice and instalment."""
        self.ensure_one()
        return self._pay_now_due_labels()[self]

    def _pay_now_due_labels(self):
        """Return how the items are called in front of the customer: invoice and instalment.

        :return: `{item: text}`
        :rtype: dict
        """
        labels, divided = {}, []
        for line in self:
            move = line.move_id
            labels[line] = move.name
            # Most items are as much as their whole invoice: there is nothing to look for.
            if abs(line.amount_currency) != move.amount_total:
                divided.append(move.id)
        if not divided:
            return labels
        siblings = self.search_fetch(
            Domain('move_id', 'in', divided) & Domain('display_type', '=', 'payment_term'),
            ['move_id', 'date_maturity', 'date'],
        ).sorted(lambda line: (line.date_maturity or line.date, line.id))
        for move, lines in siblings.grouped('move_id').items():
            for number, line in enumerate(lines, start=1):
                if line in labels and len(lines) > 1:
                    labels[line] = self.env._(
                        "%(invoice)s – instalment %(number)s of %(total)s",
                        invoice=move.name,
                        number=number,
                        total=len(lines),
                    )
        return labels

    def _pay_now_disputed(self):
        """Return the items that are paid by a payment which is disputed at this moment.

        :rtype: account.move.line
        """
        return self._pay_now_paid_by(DISPUTED)

    # === BUSINESS METHODS - TRANSFER === #

    def _pay_now_transfers(self, accounts=None):
        """Say to which account the items are transferred, and which reference to quote.

        :param dict accounts: `{invoice: account}` of many invoices, where it is known already.
        :return: for each account `holder`, `number`, `is_iban`, `bank`, `bic`, and `references`:
            dicts of `invoice`, `reference`, `amount` and `currency`, one for each invoice. Empty
            where the company has no account to show.
        :rtype: list of dict
        """
        accounts = self.move_id._pay_now_transfer_accounts() if accounts is None else accounts
        if not accounts:
            return []
        amounts, by_account = {}, {}
        for line in self:
            move = line.move_id
            amounts[move] = amounts.get(move, 0.0) + line.amount_residual_currency
        for move, amount in amounts.items():
            if account := accounts.get(move):
                by_account.setdefault(account, []).append(
                    {
                        'invoice': move.name,
                        'reference': move.payment_reference or move.name,
                        'amount': amount,
                        'currency': move.currency_id,
                    }
                )
        return [
            {
                'holder': account.acc_holder_name or account.partner_id.name,
                'number': utils.group_by_four(account.sanitized_acc_number)
                if account.acc_type == 'iban'
                else account.acc_number,
                'is_iban': account.acc_type == 'iban',
                'bank': account.bank_name,
                'bic': account.bank_bic,
                'references': references,
                'by_number': all(each['reference'] == each['invoice'] for each in references),
            }
            for account, references in by_account.items()
        ]
