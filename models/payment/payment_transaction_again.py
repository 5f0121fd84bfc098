# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base


class PaymentTransaction(models.Model):
    """Payments whose entries are not what the provider says, booked anew as any payment is.

    An accountant asks for it.
    """

    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - BOOKING AGAIN === #

    def _pay_now_book_again(self, others=()):
        """Bring the books of a payment in line with the provider, by the usual way of booking.

        Entries that are wrong are taken back today, never changed. Safe to call at any time:
        what is right already stays.

        :param list others: ids of further payments that carry the transaction's reference.
        :raise UserError: it is being processed elsewhere, or nothing was paid.
        :raise GatewayError: what the provider answers.
        """
        self.ensure_one()
        tx = self.with_context(lang=self.company_id._pay_now_lang())
        tx._pay_now_may_book_again()
        if not tx._synchronize(raise_unavailable=True):
            raise UserError(self.env._("This payment is being processed at this moment."))
        payment = tx._pay_now_fetch()
        others = [ref for ref in others if not payment or ref != payment.payment_id]
        paid = payment and payment.state == base.PAID and tx.state == 'done'
        if paid:
            tx._pay_now_release_payment(payment)
            tx._pay_now_release_commission(payment)
            if not tx.payment_id:
                # Received again, until the books take it.
                tx.is_post_processed = False
            tx._pay_now_book()
        elif not others:
            raise UserError(
                self.env._(
                    "%(provider)s says that %(reference)s is not paid: there is nothing to book.",
                    provider=self.provider_id._pay_now_short_name(),
                    reference=self.reference,
                )
            )
        for ref in others:
            tx._pay_now_take_in(ref)
        tx._pay_now_reconcile_payouts_again()

    def _pay_now_release_payment(self, payment):
        """Take back a payment's entry that is wrong, and forget one that no longer counts.

        :param gateways.base.Payment payment: what was read just now.
        """
        booked = self.payment_id
        if not booked:
            return
        move = booked.move_id
        counts = move.state == 'posted' and not self._pay_now_reversals(move)
        received = float(payment.amount)
        if counts and not self.currency_id.compare_amounts(booked.amount, received):
            return
        if counts:
            self._pay_now_take_back(move)
        elif move.state == 'draft':
            # Unposted by hand: its number stays, and nobody posts it beside the new one.
            booked.with_context(**{const.BY_ITSELF: True}).action_cancel()
        self.write({'payment_id': False, 'pay_now_received': received})

    def _pay_now_release_commission(self, payment):
        """Take back a commission's entry that is wrong, and forget one that no longer counts.

        :param gateways.base.Payment payment: what was read just now.
        """
        if self.pay_now_commission_state != 'booked' or payment.commission is None:
            return
        if payment.settlement_currency not in ('', self.currency_id.name):
            return
        move, commission = self.pay_now_commission_move_id, float(payment.commission)
        counts = move.state == 'posted' and not self._pay_now_reversals(move)
        booked = self.pay_now_commission if counts else 0.0
        if not self.currency_id.compare_amounts(booked, commission):
            return
        if counts:
            self._pay_now_take_back(move)
        self.write({'pay_now_commission_move_id': False, 'pay_now_commission_state': False})
        self._pay_now_take_over_commission(payment)

    def _pay_now_reversals(self, move):
        """Return the posted entries that take an entry back.

        :rtype: account.move
        """
        return move.reversal_move_ids.filtered(lambda one: one.state == 'posted')

    def _pay_now_take_back(self, moves):
        """Take entries of ours back by new ones of today, and let go of what they paid.

        :param account.move moves: posted entries; those taken back already stay as they are.
        """
        self.ensure_one()
        journal = self.provider_id.journal_id
        todo = moves.filtered(
            lambda move: move.state == 'posted' and not self._pay_now_reversals(move)
        )
        date = self.provider_id._pay_now_booking_date()
        todo = todo.with_context(**{const.BY_ITSELF: True})
        todo.with_company(journal.company_id)._reverse_moves(
            [
                {
                    'date': date,
                    'ref': self.env._("Taken back – %s", move.ref or move.name),
                    'journal_id': journal.id,
                }
                for move in todo
            ],
            cancel=True,
        )

    def _pay_now_reconcile_payouts_again(self):
        """Reconcile the payouts anew whose items were let go of with an entry."""
        provider = self.provider_id
        loose = Domain('account_id', '=', provider.pay_now_clearing_account_id.id) & Domain(
            'reconciled', '=', False
        )
        payouts = self.env['pay.now.payout'].search(
            Domain('provider_id', '=', provider.id)
            & Domain('settled', '=', True)
            & Domain('move_id.line_ids', 'any', loose)
        )
        # Somebody else at the provider's payouts settles them when they list them next.
        payouts.settled = False
        if payouts and provider._pay_now_take_turn():
            payouts._book_and_reconcile()

    # === BUSINESS METHODS - ANOTHER PAYMENT === #

    def _pay_now_take_in(self, payment_ref):
        """Book a payment that carries our reference but was not made in our checkout.

        It gets a transaction of its own, which pays what is still open of the same invoices; the
        rest is the customer's credit, reported as any surplus.

        :param str payment_ref: its id at the provider.
        :raise UserError: it is not paid, or in another currency.
        """
        self.ensure_one()
        known = self.search(
            Domain('provider_id', '=', self.provider_id.id)
            & Domain('pay_now_payment_ref', '=', payment_ref),
            limit=1,
        )
        if known:
            known._synchronize(raise_unavailable=True)
            return
        payment = self.provider_id._pay_now_gateway().fetch_payment(payment_id=payment_ref)
        if not self._pay_now_check_own(payment):
            raise UserError(self.env._("%s is another payment.", payment_ref))
        if payment.state != base.PAID or payment.currency != self.currency_id.name:
            raise UserError(
                self.env._(
                    "%(payment)s is not paid, or in another currency: it cannot be booked here.",
                    payment=payment_ref,
                )
            )
        tx = self._pay_now_create_another(payment, payment_ref)
        tx._process(tx.provider_code, {'payment': payment})
        tx._post_process()

    def _pay_now_create_another(self, payment, payment_ref):
        """Create a transaction like this one, for another payment of the same invoices.

        :param gateways.base.Payment payment: what the provider says of it.
        :param str payment_ref: its id at the provider.
        :rtype: payment.transaction
        """
        return self.create(
            {
                'provider_id': self.provider_id.id,
                'payment_method_id': self.payment_method_id.id,
                'reference': self._compute_reference(self.provider_code, prefix=self.reference),
                'amount': float(payment.amount),
                'currency_id': self.currency_id.id,
                'partner_id': self.partner_id.id,
                'operation': 'online_redirect',
                'invoice_ids': [Command.set(self._pay_now_invoices().ids)],
                # That of its checkout is of the payment that it was made in.
                'provider_reference': self._pay_now_free_ref(payment.checkout_id) or payment_ref,
                'pay_now_payment_ref': payment_ref,
            }
        )
