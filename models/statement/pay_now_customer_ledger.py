# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import defaultdict

from odoo import api, models
from odoo.fields import Domain

#: What is read of each item: one query.
ITEM_FIELDS = (
    'move_id',
    'journal_id',
    'currency_id',
    'date',
    'date_maturity',
    'amount_currency',
    'payment_id',
    'statement_line_id',
)
PARTIAL_FIELDS = (
    'debit_move_id',
    'credit_move_id',
    'debit_amount_currency',
    'credit_amount_currency',
    'max_date',
)
#: What moved an account; `settled` is matched with what is not on this account, or not in this
#: currency.
KINDS = ('invoice', 'credit_note', 'payment', 'refund', 'entry', 'settled')
#: Ages of what is open: the last day late of each, none for the oldest.
AGES = (('not_due', 0), ('30', 30), ('60', 60), ('90', 90), ('more', None))


class PayNowCustomerLedger(models.AbstractModel):
    """What stands on a customer's account in the books: over a period, and open at its end.

    Read from the posted receivable items, by currency. What was matched after the last day is
    open on that day. In each currency the balance is the sum of what is open: where an item was
    paid in another currency, or by an entry that is not on this account, the rest of it is a row.
    """

    _name = 'pay.now.customer.ledger'
    _description = "Customer's account in the books"

    # === BUSINESS METHODS === #

    @api.model
    def _read_account(self, customer, company, date_from, date_to):
        """Return what a customer's account says.

        :param res.partner customer: any contact of the customer.
        :param res.company company: whose books, and whose branches'.
        :param datetime.date date_from: the first day whose rows are told.
        :param datetime.date date_to: the last day.
        :return: for each currency, the company's own first, a dict of `currency`, `opening`,
            `rows`, `totals` (by kind), `closing`, `items` (open ones), `ages` (`{code: amount}`)
            and `overdue` (what is late, and no more than the customer owes in all).
        :rtype: list of dict
        """
        Line = self.env['account.move.line'].sudo()
        lines = Line.search_fetch(
            Line._pay_now_ledger_domain(customer, company) & Domain('date', '<=', date_to),
            ITEM_FIELDS,
            order='date, id',
        ).with_env(Line.env)
        lines.move_id.fetch(['name', 'ref', 'move_type', 'amount_total'])
        left, settled = self._match(lines, date_to)
        moved = [*self._booked(lines), *settled]
        own = company.sudo().currency_id
        currencies = lines.currency_id | own
        accounts = [
            self._account_in(
                currency,
                [one for one in moved if one['currency'] == currency],
                {line: amount for line, amount in left.items() if line.currency_id == currency},
                date_from,
                date_to,
            )
            for currency in currencies.sorted(lambda one: (one != own, one.name))
        ]
        told = [one for one in accounts if one['rows'] or one['items'] or one['opening']]
        return told or [one for one in accounts if one['currency'] == own]

    @api.model
    def _account_in(self, currency, moved, left, date_from, date_to):
        """Return what the account says in one currency, see `_read_account`.

        :param res.currency currency: the currency.
        :param list moved: all that moved the account until the last day.
        :param dict left: `{item: what was open of it}`.
        :param datetime.date date_from: see `_read_account`.
        :param datetime.date date_to: see `_read_account`.
        :rtype: dict
        """
        opening = currency.round(sum(one['amount'] for one in moved if one['date'] < date_from))
        rows, balance, totals = [], opening, dict.fromkeys(KINDS, 0.0)
        for row in self._rows([one for one in moved if one['date'] >= date_from], currency):
            balance = currency.round(balance + row['amount'])
            totals[row['kind']] = currency.round(totals[row['kind']] + row['amount'])
            rows.append({**row, 'balance': balance})
        open_lines = [line for line, amount in left.items() if not currency.is_zero(amount)]
        items = self._items(open_lines, left, currency, date_to)
        ages = {
            code: currency.round(sum(item['amount'] for item in items if item['age'] == code))
            for code, _last in AGES
        }
        late = [item['amount'] for item in items if item['late'] > 0 and item['amount'] > 0]
        return {
            'currency': currency,
            'opening': opening,
            'rows': rows,
            'totals': totals,
            'closing': balance,
            'items': items,
            'ages': ages,
            # Money that is there and not matched yet is none that is late.
            'overdue': currency.round(min(sum(late), max(balance, 0.0))),
        }

    # === BUSINESS METHODS - WHAT MOVED === #

    @api.model
    def _booked(self, lines):
        """Return what was booked, item by item.

        :return: dicts of `date`, `currency`, `amount`, `kind`, `line`, and `ref`: what was written
            on its entry.
        :rtype: list
        """
        online = self._online_journals(lines)
        return [
            {
                'date': line.date,
                'currency': line.currency_id,
                'amount': line.amount_currency,
                'kind': self._kind(line),
                'line': line,
                'ref': self._ref(line, online),
            }
            for line in lines
        ]

    @api.model
    def _online_journals(self, lines):
        """Return the journals of online payments that items are in, those of former ones included.

        :param account.move.line lines: all items of the account.
        :rtype: account.journal (sudo)
        """
        methods = self.env['account.payment.method.line'].sudo()
        found = methods.search_fetch(
            Domain('payment_provider_id', '!=', False)
            & Domain('journal_id', 'in', lines.journal_id.ids),
            ['journal_id'],
        )
        paid = lines.filtered(lambda line: line.payment_id.payment_transaction_id)
        return found.journal_id | paid.journal_id

    @api.model
    def _kind(self, line):
        """Return what an item is: of an invoice, a credit note, a payment, or another entry.

        :param account.move.line line: on a receivable account.
        :return: one of `KINDS`.
        :rtype: str
        """
        move_type = line.move_id.move_type
        if move_type in ('out_invoice', 'out_receipt'):
            return 'invoice'
        if move_type == 'out_refund':
            return 'credit_note'
        if line.payment_id or line.statement_line_id:
            return 'payment' if line.amount_currency <= 0 else 'refund'
        return 'entry'

    @api.model
    def _match(self, lines, date_to):
        """Return what was open of items on a day, and what was settled from elsewhere.

        :param account.move.line lines: all items of the account until that day.
        :param datetime.date date_to: what was matched later was open.
        :return: `{item: amount}` in its currency, and rows as of `_booked`.
        :rtype: tuple(dict, list)
        """
        left = {line: line.amount_currency for line in lines}
        settled = []
        partials = self.env['account.partial.reconcile'].sudo()
        sides = Domain('debit_move_id', 'in', lines.ids) | Domain('credit_move_id', 'in', lines.ids)
        matched = partials.search_fetch(
            Domain('max_date', '<=', date_to) & sides, PARTIAL_FIELDS, order='id'
        )
        for partial in matched:
            sides = (
                (partial.debit_move_id, -partial.debit_amount_currency),
                (partial.credit_move_id, partial.credit_amount_currency),
            )
            own = [(line, amount) for line, amount in sides if line in left]
            for line, amount in own:
                left[line] += amount
            if len(own) == 2 and own[0][0].currency_id == own[1][0].currency_id:
                continue
            settled += [
                {
                    'date': partial.max_date,
                    'currency': line.currency_id,
                    'amount': amount,
                    'kind': 'settled',
                    'line': line,
                    'ref': False,
                }
                for line, amount in own
            ]
        return left, settled

    @api.model
    def _rows(self, moved, currency):
        """Return what is told of what moved the account: one row for an entry, by its days.

        :param list moved: as of `_booked`.
        :param res.currency currency: of all of it.
        :return: dicts of `date`, `kind`, `name`, `ref`, `due` and `amount`.
        :rtype: list
        """
        grouped = defaultdict(list)
        for one in moved:
            grouped[one['date'], one['line'].move_id, one['kind']].append(one)
        rows = []
        for (date, move, kind), parts in grouped.items():
            amount = currency.round(sum(part['amount'] for part in parts))
            if currency.is_zero(amount):
                continue
            days = [part['line'].date_maturity for part in parts if part['line'].date_maturity]
            rows.append(
                {
                    'date': date,
                    'kind': kind,
                    'name': move.name,
                    'ref': parts[0]['ref'],
                    'due': kind == 'invoice' and max(days, default=False),
                    'amount': amount,
                }
            )
        return sorted(rows, key=lambda row: (row['date'], KINDS.index(row['kind']), row['name']))

    @api.model
    def _ref(self, line, online):
        """Return what else is told of an entry than its name: what was written on it.

        :param account.move.line line: an item of the entry.
        :param account.journal online: see `_online_journals`.
        :return: nothing of what was paid online, nor of what became of it since (lost in a dispute,
            refunded, taken back), where it is ids of the provider.
        :rtype: str | bool
        """
        if line.payment_id.payment_transaction_id:
            return False
        if line.journal_id in online and self._kind(line) == 'entry':
            return False
        return line.move_id.ref

    # === BUSINESS METHODS - WHAT IS OPEN === #

    @api.model
    def _items(self, lines, left, currency, date_to):
        """Return what is told of what was open: the oldest due first.

        :param list lines: items of which something was open.
        :param dict left: `{item: amount}`.
        :param res.currency currency: of all of them.
        :param datetime.date date_to: the day.
        :return: dicts of `name`, `date`, `due`, `late` (days), `age` and `amount`.
        :rtype: list
        """
        lines = self.env['account.move.line'].sudo().browse([line.id for line in lines])
        labels = lines._pay_now_due_labels()
        items = []
        for line in lines._pay_now_oldest_first():
            due = line.date_maturity or line.date
            late = max((date_to - due).days, 0)
            items.append(
                {
                    'line': line,
                    'name': labels[line],
                    'date': line.date,
                    'due': due,
                    'late': late,
                    'age': next(code for code, last in AGES if last is None or late <= last),
                    'amount': currency.round(left[line]),
                }
            )
        return items
