# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import namedtuple

from odoo import api, models

from odoo.addons.account_pay_now.gateways import base

#: What the provider says: the state, gross and commission of a payment, and its currency. A state
#: of None is a payment it does not know; a commission of None is not known yet.
There = namedtuple('There', ('state', 'amount', 'fee', 'currency'))
#: What is wrong about a payment. `key` tells it from what was wrong before; `refs` are payments of
#: the provider that are not booked.
Finding = namedtuple('Finding', ('transaction', 'kind', 'amount', 'key', 'message', 'refs'))

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


class PayNowDiscrepancy(models.Model):
    """What the books hold otherwise than the provider says, in the accountant's words."""

    _inherit = 'pay.now.discrepancy'

    # === BUSINESS METHODS - FINDINGS === #

    @api.model
    def _find_differences(self, tx, lines, answer, books):
        """Return what the books hold of one payment otherwise than the provider says.

        :param payment.transaction tx: the payment.
        :param list lines: its movements in the provider's list.
        :param There answer: what the provider said of it when asked, if it was asked.
        :param Books books: what counts as booked.
        :rtype: list
        """
        # Of a payment whose id is not known here, whatever carries its reference may be its own.
        own = [line for line in lines if names(tx, line) or not tx.pay_now_payment_ref]
        others = [line for line in lines if line not in own]
        booked = books.payments.get(self._name_of(tx))
        there = answer
        if own:
            there = There(base.PAID, own[0].amount, own[0].fee, own[0].currency)
        if not booked:
            there = there or (others and There(base.PAID, others[0].amount, None, ''))
            paid = there and there.state == base.PAID
            refs = [line.payment_id for line in lines if not names(tx, line)]
            return [self._missing_here(tx, there, refs)] if paid and self._may_miss(tx) else []
        findings = []
        if there and there.state in UNPAID:
            findings.append(self._missing_there(tx, there, booked))
        elif there and there.state == base.PAID and there.currency == tx.currency_id.name:
            findings += self._differing_amounts(tx, there, booked, books.commissions.get(tx))
        if others:
            findings.append(self._second_payment(tx, others))
        return findings

    @api.model
    def _may_miss(self, tx):
        """Tell whether nobody was told yet why a payment is not booked."""
        told = tx.pay_now_discrepancy_ids.filtered(
            lambda one: one.kind in ('booking', 'currency') and one.state == 'open'
        )
        return not told and tx.pay_now_failure_code != 'other_currency'

    @api.model
    def _missing_here(self, tx, there, refs):
        return Finding(
            tx,
            'missing_here',
            float(there.amount),
            ' '.join([str(float(there.amount)), *refs]),
            self.env._(
                "%(provider)s received %(amount)s for %(reference)s, which is not in the books.",
                provider=tx.provider_id._pay_now_short_name(),
                amount=tx.currency_id.format(float(there.amount)),
                reference=tx.reference,
            ),
            refs,
        )

    @api.model
    def _missing_there(self, tx, there, booked):
        name = tx.provider_id._pay_now_short_name()
        amount = sum(booked.mapped('amount'))
        message = self.env._(
            "%(amount)s are booked for %(reference)s, but %(provider)s does not know this payment.",
            amount=tx.currency_id.format(amount),
            reference=tx.reference,
            provider=name,
        )
        if there.state:
            message = self.env._(
                "%(amount)s are booked for %(reference)s, but %(provider)s says that it is not"
                " paid.",
                amount=tx.currency_id.format(amount),
                reference=tx.reference,
                provider=name,
            )
        return Finding(tx, 'missing_there', amount, f'{there.state} {amount}', message, [])

    @api.model
    def _differing_amounts(self, tx, there, booked, commission):
        """Return what differs in amount; two bookings of one payment are told by themselves.

        :param float commission: what is booked of it, None where it is not due to be booked.
        """
        pairs = []
        if len(booked) == 1:
            pairs.append(('booked_amount', float(there.amount), booked.amount))
        if there.fee is not None and commission is not None:
            pairs.append(('commission', float(there.fee), commission))
        words = {
            'booked_amount': self.env._("%(reference)s: %(there)s were paid, %(here)s are booked."),
            'commission': self.env._(
                "%(reference)s: a commission of %(there)s was taken, %(here)s are booked."
            ),
        }
        return [
            Finding(
                tx,
                kind,
                amount - here,
                f'{amount} {here}',
                words[kind]
                % {
                    'reference': tx.reference,
                    'there': tx.currency_id.format(amount),
                    'here': tx.currency_id.format(here),
                },
                [],
            )
            for kind, amount, here in pairs
            if tx.currency_id.compare_amounts(amount, here)
        ]

    @api.model
    def _second_payment(self, tx, others):
        amount = float(sum(line.amount for line in others))
        refs = sorted(line.payment_id for line in others)
        return Finding(
            tx,
            'superseded',
            amount,
            ','.join(refs),
            self.env._(
                "%(reference)s was paid once more: %(amount)s (%(payments)s) are not in the"
                " books. Book them, then refund them.",
                reference=tx.reference,
                amount=tx.currency_id.format(amount),
                payments=', '.join(refs),
            ),
            refs,
        )

    @api.model
    def _find_paid_twice(self, transactions):
        findings = []
        booked = transactions.filtered('payment_id')
        for tx, (amount, payers) in self._items_paid_twice(booked).items():
            names = ', '.join(payers.sorted('id').mapped('reference'))
            findings.append(
                Finding(
                    tx,
                    'superseded',
                    amount,
                    names,
                    self.env._(
                        "The same items were paid twice (%(payments)s): %(amount)s are the"
                        " customer's credit. Refund it, or keep it for the next invoice.",
                        payments=names,
                        amount=tx.currency_id.format(amount),
                    ),
                    [],
                )
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
            findings.append(
                Finding(
                    tx,
                    'booked_twice',
                    amount,
                    ','.join(map(str, payments.ids)),
                    self.env._(
                        "One payment is booked by several entries (%(entries)s): %(amount)s too"
                        " much.",
                        entries=', '.join(payments.mapped('name')),
                        amount=tx.currency_id.format(amount),
                    ),
                    [],
                )
            )
        return findings
