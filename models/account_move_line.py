# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.fields import Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import utils

#: States of a transaction whose money is on its way.
UNDER_WAY = ('pending', 'authorized')
#: Items of payments that were received, and that the books have not taken yet.
RECEIVED = (
    Domain('transaction_id.state', '=', 'done')
    & Domain('transaction_id.payment_id', '=', False)
    & Domain('transaction_id.is_post_processed', '=', False)
)
#: Items of payments (`pay.now.transaction.item`) that are not asked for a second time. What was
#: received in another currency and not booked has to be looked at by somebody first.
IN_PROGRESS = (
    Domain('transaction_id.state', 'in', UNDER_WAY)
    | RECEIVED
    | Domain(
        'transaction_id.pay_now_discrepancy_ids',
        'any',
        [('kind', '=', 'currency'), ('state', '=', 'open')],
    )
)

DISPUTED = Domain(
    'transaction_id.pay_now_dispute_ids', 'any', [('state', 'in', ('inquiry', 'open'))]
)

#: Characters of what a SEPA transfer can say.
REFERENCE_LENGTH = 140


class AccountMoveLine(models.Model):
    """What is open of an invoice or a credit note, and what keeps it from being asked for."""

    _name = 'account.move.line'
    _inherit = ['account.move.line', 'pay.now.authority.mixin']

    # === BUSINESS METHODS - OPEN ITEMS === #

    @api.model
    def _pay_now_open_items_domain(self):
        """Return the domain of the open items of posted customer invoices.

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

    # === BUSINESS METHODS - WHOSE THEY ARE === #

    @api.model
    def _pay_now_of_domain(self, customer, companies):
        """Return the domain of a customer's items: with `_pay_now_of`, the one rule of it.

        By the books of this moment, whatever links a document has to items: people correct the
        customer of an invoice, duplicate it, merge contacts, and make one a part of another.

        :param res.partner customer: any contact of the customer; none has no items.
        :param res.company companies: whose items, and whose branches'.
        :rtype: odoo.fields.Domain
        """
        if not customer:
            return Domain.FALSE
        contacts = self._pay_now_contacts(customer)
        # Not all that follows from a change of the contact's company is written by Odoo.
        return (
            Domain('partner_id', 'in', contacts.ids)
            & Domain('move_id.commercial_partner_id', 'in', contacts.ids)
            & Domain('company_id', 'child_of', companies.ids)
        )

    @api.model
    def _pay_now_contacts(self, customer):
        """Return the customer with all its contacts, archived ones too.

        By ids: two joins with contacts take the database longer to plan than to look these up.

        :param res.partner customer: any contact of the customer.
        :rtype: res.partner (sudo)
        """
        contacts = self.env['res.partner'].sudo().with_context(active_test=False)
        return contacts.search(
            [('commercial_partner_id', '=', customer.commercial_partner_id.id)], order='id'
        )

    @api.model
    def _pay_now_ledger_domain(self, customer, companies):
        """Return the domain of all that the books have on a customer's account, open or not.

        As `_pay_now_of_domain`, and not of invoices only. An entry that names no customer as a
        whole, as opening entries do, is asked by its items.

        :param res.partner customer: any contact of the customer; none has no items.
        :param res.company companies: whose items, and whose branches'.
        :rtype: odoo.fields.Domain
        """
        if not customer:
            return Domain.FALSE
        contacts = self._pay_now_contacts(customer)
        return (
            Domain('partner_id', 'in', contacts.ids)
            & (
                Domain('move_id.commercial_partner_id', 'in', contacts.ids)
                | Domain('move_id.commercial_partner_id', '=', False)
            )
            & Domain('company_id', 'child_of', companies.ids)
            & Domain('account_type', '=', 'asset_receivable')
            & Domain('parent_state', '=', 'posted')
        )

    def _pay_now_of(self, customer, companies):
        """Return those of the items that are a customer's now, see `_pay_now_of_domain`.

        :param res.partner customer: any contact of the customer; none has no items.
        :param res.company companies: whose items, and whose branches'.
        :rtype: account.move.line
        """
        known, ids = {}, []
        for line in self.sudo():
            key = (line.partner_id, line.move_id.commercial_partner_id, line.company_id)
            if key not in known:
                known[key] = companies._pay_now_belongs(customer, key[:2], line.company_id)
            if known[key]:
                ids.append(line.id)
        return self.browse(ids)

    # === BUSINESS METHODS - AMOUNTS === #

    @api.model
    def _pay_now_sold_domain(self):
        """Return the domain of the items of Sales invoices, see `_pay_now_from_sales`.

        :rtype: odoo.fields.Domain
        """
        return Domain('move_id.invoice_line_ids', 'any', [('sale_line_ids', '!=', False)])

    def _pay_now_discount(self, day=None):
        """Return the early payment discount that whoever pays may deduct.

        :param datetime.date day: of the payment, today where the company is without it.
        :return: an amount in the item's currency, zero where there is none (any more).
        :rtype: float
        """
        self.ensure_one()
        if not self.discount_date:
            return 0.0
        day = day or self.company_id._pay_now_today()
        if self.discount_date < day:
            return 0.0
        if not self.move_id._is_eligible_for_early_payment_discount(self.currency_id, day):
            return 0.0
        return self.currency_id.round(self.amount_residual_currency - self.discount_amount_currency)

    def _pay_now_discount_values(self):
        """Return the lines that grant the early payment discounts of the items, in any entry.

        :return: values of journal items, as core makes them.
        :rtype: list of dict
        """
        values = []
        for line in self:
            counterparts = line.move_id._get_invoice_counterpart_amls_for_early_payment_discount(
                [
                    {
                        'aml': line,
                        'amount_currency': -line.amount_residual_currency,
                        'balance': -line.balance,
                    }
                ],
                line.balance - line.discount_balance,
            )
            values += [
                {**vals, 'partner_id': line.partner_id.id}
                for group in counterparts.values()
                for vals in group
            ]
        return values

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

    def _pay_now_deductible(self, payable):
        """Return those credit notes that can be deducted from some items: of the same account.

        :param account.move.line payable: what is paid.
        :rtype: account.move.line
        """
        kinds = {(line.account_id, line.currency_id) for line in payable} if self else ()
        return self.filtered(lambda line: (line.account_id, line.currency_id) in kinds)

    def _pay_now_groups(self):
        """Divide the items into those that one payment can be for: of one account and currency.

        :return: groups, that of the oldest item first, each oldest first. A credit note is in the
            group that it can be deducted in.
        :rtype: list of account.move.line
        """
        groups = {}
        for line in self._pay_now_oldest_first():
            groups.setdefault((line.account_id, line.currency_id), []).append(line.id)
        return [self.browse(ids) for ids in groups.values()]

    def _pay_now_at_once(self, most=None):
        """Return which items are asked for first: by a mail's button, and ticked on its page.

        :param float most: the largest amount that is taken at once, see
            `payment.provider._pay_now_most`; None for any.
        :return: those of one group, the oldest first, as far as they are no more than that. All of
            a group of which none is as little.
        :rtype: account.move.line
        """
        for group in self._pay_now_groups():
            if most is None or group._pay_now_amount_to_pay() <= most:
                return group
            left, ids = most, []
            for line in group:
                amount = line._pay_now_amount_to_pay()
                if line.currency_id.compare_amounts(amount, left) <= 0:
                    ids.append(line.id)
                    left -= amount
            if ids:
                return self.browse(ids)
        return self._pay_now_groups()[0] if self else self

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
        lines = self._pay_now_oldest_first()
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
        """Return the items that a payment is on its way for: ours, another provider's, or a bank's.

        Of an invoice that was changed meanwhile, as many of its items as the money will pay.

        :rtype: account.move.line
        """
        if not self:
            return self
        ours = self.browse()
        if found := self._pay_now_payment_items(IN_PROGRESS):
            amounts = {item: abs(item.amount + item.discount) for item in found}
            ours = self.browse(line.id for line in self._pay_now_divide(amounts))
        ours |= self._pay_now_paid_without_entry()
        others = self.move_id.sudo().transaction_ids
        if not others:
            return self & ours
        others = others.search(
            Domain('id', 'in', others.ids)
            & Domain('state', 'in', UNDER_WAY)
            # A promise of a transfer is no payment on its way.
            & Domain('provider_code', 'not in', ('none', 'custom'))
            & Domain('pay_now_item_ids', '=', False)
        )
        paid_elsewhere = set(others.invoice_ids.ids)
        return self & (ours | self.filtered(lambda line: line.move_id.id in paid_elsewhere))

    def _pay_now_paid_without_entry(self):
        """Return the open items of invoices that Odoo calls paid: the bank's line is to come.

        By a payment method without outstanding account, nothing is booked before that.

        :rtype: account.move.line
        """
        return self.filtered(
            lambda line: (
                line.move_id.payment_state in ('in_payment', 'paid') and not line.reconciled
            )
        )

    def _pay_now_paid_by(self, domain):
        """Return the items that stand in some payments of ours.

        All items of an invoice, where the one that was paid has gone.

        :param odoo.fields.Domain domain: which items of payments (`pay.now.transaction.item`).
        :rtype: account.move.line
        """
        found = self._pay_now_payment_items(domain)
        found = found and found.transaction_id._pay_now_owned(found)
        gone = found.filtered(lambda item: not item.line_id).move_id
        ids = {*found.line_id.ids, *(gone and gone._pay_now_instalments().ids)}
        return self.filtered(lambda line: line.id in ids)

    def _pay_now_payment_items(self, domain):
        """Return what payments of ours were started for the invoices of the items.

        For most invoices there are none: then one query shows it, whatever is asked and however
        often.

        :param odoo.fields.Domain domain: which items of payments.
        :rtype: pay.now.transaction.item (sudo)
        """
        items = self.move_id.sudo().pay_now_item_ids
        return items and items.search(Domain('id', 'in', items.ids) & domain)

    def _pay_now_is_unchanged(self, item):
        """Tell whether an item is still the one that a payment was started for.

        Odoo uses a journal item of an invoice for another instalment, where its term is changed.

        :param pay.now.transaction.item item: what stands in the payment.
        :rtype: bool
        """
        return bool(self) and not self.currency_id.compare_amounts(
            self.amount_currency, item.line_amount
        )

    @api.model
    def _pay_now_divide(self, amounts):
        """Say which open items are paid by what was paid, or is on its way, for their invoices.

        What was chosen comes first, as long as it is as it was; the rest pays what else is open of
        the same invoice, oldest first. Nothing of it pays an invoice of another customer.

        :param dict amounts: `{pay.now.transaction.item: amount}`, positive for credit notes too.
        :return: `{item: amount}` in its currency, positive too.
        :rtype: dict
        """
        parts, rest = {}, {}
        items = self.env['pay.now.transaction.item'].union(*amounts)
        for item in items.transaction_id._pay_now_owned(items):
            move, amount = item.move_id, amounts[item]
            if move.state != 'posted':
                continue
            if item.line_id._pay_now_is_unchanged(item):
                amount -= item.line_id._pay_now_take(parts, amount)
            if move.currency_id.compare_amounts(amount, 0) > 0:
                rest[move] = rest.get(move, 0.0) + amount
        for move, amount in rest.items():
            for line in move._pay_now_instalments()._pay_now_oldest_first():
                amount -= line._pay_now_take(parts, amount)
        return parts

    def _pay_now_take(self, parts, amount):
        """Let an item have as much of an amount as is open of it.

        :param dict parts: `{item: amount}` of what the items have, which is changed.
        :return: what it took.
        :rtype: float
        """
        self.ensure_one()
        known = parts.get(self, 0.0)
        part = self.currency_id.round(min(amount, abs(self.amount_residual_currency) - known))
        if self.currency_id.compare_amounts(part, 0) <= 0:
            return 0.0
        parts[self] = known + part
        return part

    def _pay_now_oldest_first(self):
        """Return the items in the order in which they are paid.

        :rtype: account.move.line
        """
        return self.sorted(lambda line: (line.date_maturity or line.date, line.id))

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
        partials._pay_now_unreconcile()
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
        numbers = self._pay_now_numbers()
        return {
            line: self._pay_now_label(line.move_id.name, *numbers.get(line, ())) for line in self
        }

    def _pay_now_numbers(self):
        """Return which instalments of their invoices the items are.

        :return: `{item: (number, count)}` of those that are not all of their invoice.
        :rtype: dict
        """
        # Most items are as much as their whole invoice: there is nothing to look for.
        divided = [
            line.move_id.id
            for line in self
            if abs(line.amount_currency) != line.move_id.amount_total
        ]
        if not divided:
            return {}
        siblings = self.search_fetch(
            Domain('move_id', 'in', divided) & Domain('display_type', '=', 'payment_term'),
            ['move_id', 'date_maturity', 'date'],
        )._pay_now_oldest_first()
        return {
            line: (number, len(lines))
            for lines in siblings.grouped('move_id').values()
            for number, line in enumerate(lines, start=1)
            if len(lines) > 1
        }

    @api.model
    def _pay_now_label(self, name, number=0, count=0):
        """Return how an item is called in front of the customer.

        :param str name: the number of the invoice.
        :param int number: which instalment it is; zero for all of the invoice.
        :param int count: how many instalments there are.
        :rtype: str
        """
        if not number:
            return name
        return self.env._(
            "%(invoice)s – instalment %(number)s of %(total)s",
            invoice=name,
            number=number,
            total=count,
        )

    def _pay_now_snapshot(self, parts):
        """Return what a payment keeps of the items: how much of each, and what they are now.

        :param dict parts: `{item: (amount, discount)}`, see `_pay_now_parts`.
        :return: values of `pay.now.transaction.item`.
        :rtype: list of dict
        """
        numbers = self._pay_now_numbers()
        values = []
        for line, (amount, discount) in parts.items():
            number, count = numbers.get(line, (0, 0))
            values.append(
                {
                    'line_id': line.id,
                    'amount': amount,
                    'discount': discount,
                    'move_id': line.move_id.id,
                    'customer_id': line.move_id.commercial_partner_id.id,
                    'move_name': line.move_id.name,
                    'instalment': number,
                    'instalments': count,
                    'due_date': line.date_maturity or line.date,
                    'line_amount': line.amount_currency,
                }
            )
        return values

    def _pay_now_disputed(self):
        """Return the items that are paid by a payment which is disputed at this moment.

        :rtype: account.move.line
        """
        return self._pay_now_paid_by(DISPUTED)

    # === BUSINESS METHODS - TRANSFER === #

    def _pay_now_transfers(self, reference=None, accounts=None):
        """Say to which account the items are transferred, how much, and which reference to quote.

        A credit note is deducted from the largest transfer in its currency.

        :param function reference: which reference finds some items of several invoices, where the
            document has one (`pay.now.page.mixin._pay_now_transfer_reference`).
        :param dict accounts: `{invoice: account}` of many invoices, where it is known already.
        :return: as of `_pay_now_transfer`, one for each account and currency. Empty where the
            company has no account to show.
        :rtype: list of dict
        """
        accounts = self.move_id._pay_now_transfer_accounts() if accounts is None else accounts
        if not accounts or not self:
            return []
        parts, groups = self._pay_now_parts(), {}
        owed = self.filtered(lambda line: line.amount_residual_currency > 0)
        for line in owed:
            if account := accounts.get(line.move_id):
                groups.setdefault((account, line.currency_id), []).append(line.id)
        for credit in self - owed:
            alike = [key for key in groups if key[1] == credit.currency_id]
            if alike:
                largest = max(
                    alike, key=lambda key: sum(parts[self.browse(one)][0] for one in groups[key])
                )
                groups[largest].append(credit.id)
        return [
            self.browse(ids)._pay_now_transfer(account, parts, reference)
            for (account, _currency), ids in groups.items()
        ]

    def _pay_now_transfer(self, account, parts, reference=None):
        """Return how the items are transferred to an account: parameters as of its caller.

        :param res.partner.bank account: where to.
        :param dict parts: see `_pay_now_parts`.
        :return: `account`, `lines`, `holder`, `number`, `is_iban`, `bic`, `bank`, `amount`,
            `currency`, `invoices` (their numbers), and `reference`, which is empty where the
            customer has to name all of them.
        :rtype: dict
        """
        currency = self.currency_id
        invoices = self.filtered(lambda line: line.amount_residual_currency > 0).move_id
        quoted = [move.payment_reference or move.name for move in invoices]
        one = len(invoices) == 1 and invoices == self.move_id
        own = '' if one or not reference else reference(self)
        # As much as a transfer can say; a part of it would be read as all of it.
        joined = own or ' '.join(quoted)
        return {
            'account': account,
            'lines': self,
            'holder': account.acc_holder_name or account.partner_id.name,
            'number': utils.group_by_four(account.sanitized_acc_number)
            if account.acc_type == 'iban'
            else account.acc_number,
            'is_iban': account.acc_type == 'iban',
            'bank': account.bank_name,
            'bic': account.bank_bic,
            'amount': max(currency.round(sum(parts[line][0] for line in self)), 0.0),
            'currency': currency,
            'invoices': ', '.join(invoices.mapped('name')),
            'reference': joined if len(joined) <= REFERENCE_LENGTH else '',
        }
