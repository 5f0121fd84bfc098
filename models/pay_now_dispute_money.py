# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import models

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.gateways import GATEWAYS

#: How far apart two reports of the same money may be dated.
NEAR = timedelta(days=1)


class PayNowDispute(models.Model):
    """The money of disputes, each piece of it once.

    PayPal reports one piece up to four times: as money of the dispute, as a reversal of the
    payment, among the refunds of the payment, and in its reports; in any order, and some of it
    never. Whatever arrives first is booked, and the others are recognised.
    """

    _inherit = 'pay.now.dispute'

    # === BUSINESS METHODS - STORING === #

    def _store_movements(self, one):
        """Store the movements that are new.

        :param gateways.base.Dispute one: what the provider says.
        """
        self.ensure_one()
        known = set(self.movement_ids.mapped('movement_ref'))
        new = [line for line in one.movements if line.id not in known]
        given_up = self.env['payment.transaction']
        if new and GATEWAYS[self.provider_id.code].tells_disputes_as_refunds:
            new, given_up = self._sort_out(one, new)
        for refund in given_up:
            self._write_changes({'reversal_ref': refund.pay_now_refund_ref})
            self._take_over_refund(refund)
        if new:
            self.env['pay.now.movement']._store(
                self.provider_id, new, dispute_id=self.id, transaction_id=self.transaction_id.id
            )
            self.settled = False

    def _sort_out(self, one, lines):
        """Find what of the money is known already, by another name. Nothing is written.

        :param gateways.base.Dispute one: what the provider says.
        :param list lines: its `gateways.base.Movement` that are not stored under their own id.
        :return: the movements that are new, and the refunds that were this money all along.
        :rtype: tuple(list, payment.transaction)
        """
        of_reversal = self.movement_ids.filtered(
            lambda line: line.movement_ref == self.reversal_ref
        )
        refunds = self._standing_refunds()
        if one.reversal:
            known = (self.movement_ids - of_reversal).mapped('amount')
            new = [line for line in lines if float(line.amount) not in known]
            return new, refunds.filtered(lambda tx: tx.pay_now_refund_ref == one.id)
        if of_reversal:
            same = next((line for line in lines if float(line.amount) == of_reversal.amount), None)
            lines = [line for line in lines if line is not same]
        new, given_up = [], refunds.browse()
        for line in lines:
            refund = self._refund_of(line, refunds - given_up)
            if not refund or refund.pay_now_made_elsewhere:
                new.append(line)
                given_up |= refund
        return new, given_up

    # === BUSINESS METHODS - REFUNDS THAT NOBODY MADE === #

    def _standing_refunds(self):
        """Return the refunds of the payment that stand, and are no dispute's money.

        :rtype: payment.transaction
        """
        return self.transaction_id._pay_now_refunds().filtered(
            lambda tx: tx.pay_now_refund_ref and tx.state not in ('cancel', 'error')
        )

    def _refund_of(self, line, refunds):
        """Return the refund by which a withdrawal was notified before.

        One that was asked for in these books is the answer to the dispute: it stays a refund.

        :param gateways.base.Movement line: of the dispute.
        :param payment.transaction refunds: those that it may be.
        :rtype: payment.transaction
        """
        return refunds.filtered(
            lambda tx: (
                not self.currency_id.compare_amounts(tx.amount, float(line.amount))
                and self._is_near(tx.pay_now_paid_at, line.created_at)
            )
        )[:1]

    def _withdrew(self, refund):
        """Tell whether a refund of the payment is money that this dispute withdrew.

        :param gateways.base.Refund refund: among those of the payment.
        :rtype: bool
        """
        self.ensure_one()
        return not self.reversal_ref and any(
            not self.currency_id.compare_amounts(line.amount, -float(refund.amount))
            and self._is_near(line.occurred_at, refund.created_at)
            for line in self.movement_ids
        )

    @staticmethod
    def _is_near(stored, moment):
        """Tell whether two instants, the first one naive, may be of the same thing."""
        return bool(stored and moment) and abs(stored - utils.naive_utc(moment)) <= NEAR

    def _take_over_refund(self, refund):
        """Let the dispute have the money that was booked as a refund.

        :param payment.transaction refund: of the payment.
        """
        self.settled = False
        refund._pay_now_give_to_dispute()

    def _reconcile_given_up(self):
        """Match the entry that took a refund back with the dispute's own, on the clearing account.

        The refund's first item stays the one that stands for the provider's movement: a payout
        may have been allocated to it already.
        """
        self.ensure_one()
        refund = self.transaction_id._pay_now_refunds().filtered(
            lambda tx: self.reversal_ref and tx.pay_now_refund_ref == self.reversal_ref
        )
        if refund.pay_now_reversal_move_id:
            moves = refund.pay_now_reversal_move_id | self.movement_ids.move_id
            clearing = self.provider_id.pay_now_clearing_account_id
            lines = moves.line_ids.filtered(lambda line: line.account_id == clearing)
            self.env['account.move.line']._pay_now_reconcile_open([lines])
