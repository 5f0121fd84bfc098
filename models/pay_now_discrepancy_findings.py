# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import namedtuple

from odoo import api, models

from odoo.addons.account_pay_now.gateways import base

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
    """What the books hold otherwise than the provider says."""

    _inherit = 'pay.now.discrepancy'

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
