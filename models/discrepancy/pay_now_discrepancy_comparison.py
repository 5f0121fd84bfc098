# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import defaultdict, namedtuple
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base

#: What the books hold of payments: the entries that count by payment of the provider, and the
#: commissions that count by transaction.
Books = namedtuple('Books', ('payments', 'commissions'))
#: What the provider says: the state, gross and commission of a payment, and its currency. A state
#: of None is a payment it does not know; a commission of None is not known yet.
AtProvider = namedtuple('AtProvider', ('state', 'amount', 'fee', 'currency'))
#: What is wrong about a payment. `key` tells it from what was wrong before; `code` and `details`
#: are those of its message; `refs` are payments of the provider that are not booked.
Finding = namedtuple('Finding', ('transaction', 'kind', 'amount', 'key', 'code', 'details', 'refs'))
UNPAID = (None, base.FAILED, base.CANCELED, base.OPEN)


def names(tx, line):
    """Tell whether a payment in the provider's list is the transaction's by its own id.

    :param payment.transaction tx: the transaction.
    :param gateways.base.Movement line: the payment.
    :rtype: bool
    """
    return bool(
        (line.payment_id and line.payment_id == tx.pay_now_payment_ref)
        or (line.charge_id and line.charge_id == tx.pay_now_charge_ref)
    )


def tell_apart(tx, lines):
    """Tell the movements of a payment from those of others that carry its reference.

    Of a payment whose id is not known in the books, whatever carries its reference may be its own.

    :param payment.transaction tx: the payment.
    :param list lines: `gateways.base.Movement` of the provider's list.
    :return: its own movements, and the others.
    :rtype: tuple(list, list)
    """
    own = [line for line in lines if names(tx, line) or not tx.pay_now_payment_ref]
    return own, [line for line in lines if line not in own]


class PayNowDiscrepancy(models.Model):
    """Payments at the provider and in the books: compared, and closed when right.

    What counts in the books is posted and not taken back. A few queries for any number.
    """

    _inherit = 'pay.now.discrepancy'

    # === BUSINESS METHODS - COMPARISON === #

    @api.model
    def _compare(self, provider, listed):
        """Compare the payments of a provider with the books.

        The provider is only asked about payments that its list does not name, or about some of
        them where it gives no list.

        :param payment.provider provider: whose payments they are.
        :param list listed: `gateways.base.Movement` of payments, None where it gives no list.
        :return: how many payments were looked at.
        :rtype: int
        :raise GatewayUnavailable: the provider does not answer.
        """
        company = provider.company_id
        self = self.sudo().with_company(company).with_context(lang=company._pay_now_lang())
        by_tx = self._listed_by_transaction(provider, listed or ())
        booked = self._booked_lately(provider)
        listed_txs = self.env['payment.transaction'].union(*by_tx)
        before = self.search(self._open_domain(provider))
        todo = (booked | before.transaction_id) - listed_txs
        if listed is None:
            todo |= self._unbooked_lately(provider)
        answers = self._ask(todo)
        looked_at = listed_txs.union(*answers)
        ours = booked | looked_at | before.transaction_id
        books = self._read_books(ours)
        findings = self._find_booked_twice(books)
        for tx in looked_at:
            findings += self._find_differences(tx, by_tx.get(tx, ()), answers.get(tx), books)
        findings += self._find_paid_twice(ours)
        (before - self._report_findings(findings))._close_right(looked_at, books)
        return len(looked_at)

    @api.model
    def _compared_dates(self):
        """Return from when to when payments are compared; instants, so that no zone matters.

        :rtype: tuple(datetime.datetime, datetime.datetime)
        """
        now = fields.Datetime.now()
        return (
            now - timedelta(days=const.COMPARISON_DAYS),
            now - timedelta(minutes=const.COMPARISON_GRACE_MINUTES),
        )

    @api.model
    def _listed_by_transaction(self, provider, listed):
        """Return the payments in a provider's list that carry a reference of ours.

        :param list listed: `gateways.base.Movement`.
        :return: `{transaction: [movements]}`
        :rtype: dict
        """
        _first, newest = self._compared_dates()
        database = self.env['ir.config_parameter'].get_param('database.uuid')
        payments = self.env['pay.now.movement']._payments_of(provider, listed)
        by_tx = defaultdict(list)
        for line in listed:
            tx = payments.get(line.id)
            made_at = provider.company_id._pay_now_instant(line.created_at)
            if not tx or made_at > newest:
                continue
            # The same reference in other books, or from before these books, is not ours.
            if not names(tx, line) and (
                (line.database and line.database != database)
                or made_at < tx.create_date - timedelta(minutes=const.COMPARISON_SKEW_MINUTES)
            ):
                continue
            by_tx[tx].append(line)
        return by_tx

    @api.model
    def _booked_lately(self, provider):
        """Return the payments of the last days that are confirmed in the books."""
        first, last = self._compared_dates()
        return self.env['payment.transaction'].search(
            Domain('provider_id', '=', provider.id)
            & Domain('operation', '!=', 'refund')
            & Domain('state', '=', 'done')
            & Domain('pay_now_paid_at', '>=', first)
            & Domain('pay_now_paid_at', '<=', last)
        )

    @api.model
    def _ask(self, transactions):
        """Ask the provider about payments that its list does not name.

        Those asked about longest ago come first: what one comparison leaves, another one does.

        :param payment.transaction transactions: whom to ask about.
        :return: `{transaction: AtProvider}`
        :rtype: dict
        """
        first = fields.Datetime.to_datetime('1970-01-01')
        todo = transactions.sorted(lambda tx: (tx.pay_now_compared_at or first, tx.id))
        todo = todo[: const.COMPARISON_QUESTIONS]
        answers = {}
        for tx in todo:
            payment = tx._pay_now_fetch()
            answers[tx] = (
                AtProvider(payment.state, payment.amount, payment.commission, payment.currency)
                if payment
                else AtProvider(None, 0, None, tx.currency_id.name)
            )
            if payment and payment.settlement_currency not in ('', payment.currency):
                answers[tx] = answers[tx]._replace(fee=None)
        # Others may work on some of them at this moment.
        todo.try_lock_for_update().pay_now_compared_at = fields.Datetime.now()
        return answers

    @api.model
    def _unbooked_lately(self, provider):
        """Return the checkouts of the last days that nobody paid as far as the books know."""
        first, last = self._compared_dates()
        return self.env['payment.transaction'].search(
            Domain('provider_id', '=', provider.id)
            & Domain('operation', '!=', 'refund')
            & Domain('state', '!=', 'done')
            & Domain('provider_reference', '!=', False)
            & Domain('create_date', '>=', first)
            & Domain('create_date', '<=', last)
        )

    # === BUSINESS METHODS - REPORTING === #

    @api.model
    def _open_domain(self, provider):
        return (
            Domain('transaction_id.provider_id', '=', provider.id)
            & Domain('kind', 'in', const.COMPARED_KINDS)
            & Domain('state', '=', 'open')
        )

    @api.model
    def _report_findings(self, findings):
        """Open what is new and keep what is known: dismissed, too, as long as it is the same.

        :param list findings: what is wrong now.
        :return: the discrepancies of the findings.
        :rtype: pay.now.discrepancy
        """
        known = defaultdict(self.browse)
        for one in self.search(
            Domain('transaction_id', 'in', [finding.transaction.id for finding in findings])
            & Domain('kind', 'in', const.COMPARED_KINDS)
            & Domain('state', 'in', ('open', 'dismissed'))
        ):
            known[one.transaction_id, one.kind] |= one
        found, new = self.browse(), {}
        for finding in findings:
            before = known[finding.transaction, finding.kind]
            same = before.filtered(lambda one, key=finding.key: one.comparison_key == key)
            current = same[:1] or before.filtered(lambda one: one.state == 'open')
            if not current:
                new.setdefault((finding.transaction, finding.kind), self._values_of(finding))
            elif not same:
                current.write(self._values_of(finding))
            found |= current
        return found | self.create(list(new.values()))

    @api.model
    def _values_of(self, finding):
        """Return the values of the discrepancy of a finding.

        :rtype: dict
        """
        values = self._prepare(
            finding.transaction, finding.kind, finding.code, finding.amount, finding.details
        )
        return {
            **values,
            'comparison_key': finding.key,
            'payment_refs': ','.join(finding.refs),
        }

    def _close_right(self, looked_at, books):
        """Close what is no longer so, of what could be looked at again.

        :param payment.transaction looked_at: the payments that the provider said something of.
        :param Books books: what counts as booked.
        """
        self.filtered(lambda one: one._is_right(looked_at, books)).write(
            {'state': 'done', 'note': self.env._("Came right by itself: both say the same now.")}
        )

    def _is_right(self, looked_at, books):
        """Tell whether what is not found any more is right, not just out of sight."""
        self.ensure_one()
        if self.payment_refs:
            return self._has_booked_refs()
        if self.kind == 'missing_here' and books.payments.get(self._name_of(self.transaction_id)):
            return True
        return self.kind in ('booked_twice', 'superseded') or self.transaction_id in looked_at

    def _has_booked_refs(self):
        """Tell whether all of the provider's payments that were not booked are by now.

        :rtype: bool
        """
        refs = self.payment_refs.split(',')
        booked = self.env['payment.transaction'].search(
            Domain('provider_id', '=', self.transaction_id.provider_id.id)
            & Domain('pay_now_payment_ref', 'in', refs)
        )
        return all(self._read_books(tx).payments for tx in booked) and len(booked) == len(refs)

    # === BUSINESS METHODS - BOOKS === #

    @api.model
    def _name_of(self, transaction):
        """Return what one payment of the provider is known by, whatever transaction books it.

        :rtype: str
        """
        return transaction.pay_now_payment_ref or f'{transaction._name},{transaction.id}'

    @api.model
    def _read_books(self, transactions):
        """Return what counts as booked of transactions.

        :param payment.transaction transactions: payments, no refunds.
        :rtype: Books
        """
        payments = self.env['account.payment'].search(
            Domain('payment_transaction_id', 'in', transactions.ids)
            & Domain('move_id.state', '=', 'posted'),
            order='id',
        )
        entries = transactions.pay_now_commission_move_id.filtered(
            lambda move: move.state == 'posted'
        )
        taken_back = (
            self.env['account.move']
            .search(
                Domain('reversed_entry_id', 'in', (payments.move_id | entries).ids)
                & Domain('state', '=', 'posted')
            )
            .reversed_entry_id
        )
        by_name = defaultdict(self.env['account.payment'].browse)
        for payment in payments:
            if payment.move_id not in taken_back:
                by_name[self._name_of(payment.payment_transaction_id)] |= payment
        entries -= taken_back
        commissions = {
            tx: tx.pay_now_commission if tx.pay_now_commission_move_id in entries else 0.0
            for tx in transactions
            if tx.pay_now_commission_state == 'booked'
        }
        return Books(by_name, commissions)

    @api.model
    def _too_many(self, payments):
        """Return the entries of one payment but the one to keep: the first that paid something."""
        return payments - payments.sorted(lambda one: (self._open_credit(one), one.id))[:1]

    # === BUSINESS METHODS - PAID TWICE === #

    @api.model
    def _open_items_paid_twice(self, transactions):
        """Find open items that several payments paid, together more than there was to pay.

        What was given back counts, and so does what a payment left is used for elsewhere.

        :param payment.transaction transactions: booked payments.
        :return: `(what is open of it, payments)` by the payment that has most of it left.
        :rtype: dict
        """
        Item = self.env['pay.now.transaction.item']
        lines = Item.search([('transaction_id', 'in', transactions.ids)]).line_id
        shared = Item._read_group(
            Domain('line_id', 'in', lines.ids)
            & Domain('transaction_id.state', '=', 'done')
            & Domain('transaction_id.payment_id', '!=', False),
            ['line_id'],
            ['amount:sum', 'transaction_id:recordset'],
            having=[('__count', '>', 1)],
        )
        found = {}
        for line, paid, payers in shared:
            given_back = -sum(
                payers._pay_now_refunds()
                .filtered(lambda tx: tx.state not in ('cancel', 'error'))
                .mapped('amount')
            ) + sum(payers.pay_now_dispute_ids.mapped('loss_amount'))
            left = {tx: self._open_credit(tx.payment_id) for tx in payers}
            over = min(paid - given_back - abs(line.amount_currency), sum(left.values()))
            if line.currency_id.compare_amounts(over, 0) > 0 and not self._has_surplus_reported(
                payers
            ):
                found[max(left, key=lambda tx: (left[tx], tx.id))] = (over, payers)
        return found

    @api.model
    def _open_credit(self, payment):
        """Return how much of a payment nothing was paid with."""
        items = payment._pay_now_counterpart_lines()
        return max(-sum(items.mapped('amount_residual_currency')), 0.0)

    @api.model
    def _has_surplus_reported(self, transactions):
        """Tell whether booking the payments said already that one of them was too much."""
        return bool(
            transactions.pay_now_discrepancy_ids.filtered(
                lambda one: one.kind in ('surplus', 'waiting')
            )
        )

    # === BUSINESS METHODS - FINDINGS === #

    @api.model
    def _find_differences(self, tx, lines, answer, books):
        """Return what the books hold of one payment otherwise than the provider says.

        :param payment.transaction tx: the payment.
        :param list lines: its movements in the provider's list.
        :param AtProvider answer: what the provider said of it when asked, if it was asked.
        :param Books books: what counts as booked.
        :rtype: list
        """
        own, others = tell_apart(tx, lines)
        at_provider = answer
        if own:
            at_provider = AtProvider(base.PAID, own[0].amount, own[0].fee, own[0].currency)
        booked = books.payments.get(self._name_of(tx))
        if not booked:
            return self._find_missing(tx, lines, others, at_provider)
        findings = []
        if at_provider and at_provider.state in UNPAID:
            findings.append(self._missing_at_provider(tx, at_provider, booked))
        elif (
            at_provider
            and at_provider.state == base.PAID
            and at_provider.currency == tx.currency_id.name
        ):
            commission = books.commissions.get(tx)
            findings += self._differing_amounts(tx, at_provider, booked, commission)
        if others:
            findings.append(self._second_payment(tx, others))
        return findings

    @api.model
    def _find_missing(self, tx, lines, others, at_provider):
        """Return what is paid of a payment that is not booked, unless it is known why.

        :param list lines: its movements in the provider's list, and those of `others`.
        :param AtProvider at_provider: what the provider says of the payment itself, if anything.
        :rtype: list
        """
        if not at_provider and others:
            at_provider = AtProvider(base.PAID, others[0].amount, None, '')
        if not at_provider or at_provider.state != base.PAID or not self._may_miss(tx):
            return []
        refs = [line.payment_id for line in lines if not names(tx, line)]
        return [self._missing_in_books(tx, at_provider, refs)]

    @api.model
    def _may_miss(self, tx):
        """Tell whether nothing says yet why a payment is not booked."""
        known = tx.pay_now_discrepancy_ids.filtered(
            lambda one: one.kind in ('booking', 'currency') and one.state == 'open'
        )
        return not known and tx.pay_now_refusal != 'other_currency'

    @api.model
    def _missing_in_books(self, tx, at_provider, refs):
        amount = float(at_provider.amount)
        key = ' '.join([str(amount), *refs])
        return Finding(
            tx, 'missing_here', amount, key, 'missing_in_books', {'amount': amount}, refs
        )

    @api.model
    def _missing_at_provider(self, tx, at_provider, booked):
        amount = sum(booked.mapped('amount'))
        code = 'unpaid_at_provider' if at_provider.state else 'unknown_at_provider'
        key = f'{at_provider.state} {amount}'
        return Finding(tx, 'missing_there', amount, key, code, {'amount': amount}, [])

    @api.model
    def _differing_amounts(self, tx, at_provider, booked, commission):
        """Return what differs in amount; two bookings of one payment are found by themselves.

        :param float commission: what is booked of it, None where it is not due to be booked.
        """
        pairs = []
        if len(booked) == 1:
            pairs.append(('booked_amount', float(at_provider.amount), booked.amount))
        if at_provider.fee is not None and commission is not None:
            pairs.append(('commission', float(at_provider.fee), commission))
        return [
            Finding(
                tx,
                kind,
                amount - in_books,
                f'{amount} {in_books}',
                kind,
                {'there': amount, 'here': in_books},
                [],
            )
            for kind, amount, in_books in pairs
            if tx.currency_id.compare_amounts(amount, in_books)
        ]

    @api.model
    def _second_payment(self, tx, others):
        amount = float(sum(line.amount for line in others))
        refs = sorted(line.payment_id for line in others)
        details = {'amount': amount, 'payments': ', '.join(refs)}
        return Finding(tx, 'superseded', amount, ','.join(refs), 'paid_once_more', details, refs)

    @api.model
    def _find_paid_twice(self, transactions):
        findings = []
        booked = transactions.filtered('payment_id')
        for tx, (amount, payers) in self._open_items_paid_twice(booked).items():
            payments = ', '.join(payers.sorted('id').mapped('reference'))
            details = {'amount': amount, 'payments': payments}
            findings.append(
                Finding(tx, 'superseded', amount, payments, 'items_paid_twice', details, [])
            )
        return findings

    @api.model
    def _find_booked_twice(self, books):
        findings = []
        for payments in books.payments.values():
            if len(payments) < 2:
                continue
            tx = payments.payment_transaction_id.sorted('id')[-1]
            amount = sum(self._too_many(payments).mapped('amount'))
            key = ','.join(map(str, payments.ids))
            details = {'amount': amount, 'entries': ', '.join(payments.mapped('name'))}
            findings.append(Finding(tx, 'booked_twice', amount, key, 'booked_twice', details, []))
        return findings
