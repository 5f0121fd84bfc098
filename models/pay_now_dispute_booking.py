# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import UserError


class PayNowDispute(models.Model):
    """The books of disputes follow the money (design section 6.2); an inquiry moves none."""

    _inherit = 'pay.now.dispute'

    # === BUSINESS METHODS - BOOKING === #

    def _book_and_reconcile(self):
        """Book the movements, then the loss where it is lost; notify the accountant.

        Safe to call any number of times; what is missing is done the next time.
        """
        for provider, disputes in self.grouped('provider_id').items():
            company = provider.company_id
            disputes = disputes.with_company(company).with_context(lang=company._pay_now_lang())
            disputes._notify_accountant()
            todo = disputes.try_lock_for_update()
            try:
                with self.env.cr.savepoint():
                    todo._book_movements(provider)
            except UserError as error:
                todo._note_problem(error)
                continue
            for dispute in todo:
                try:
                    with self.env.cr.savepoint():
                        dispute._reconcile_given_up()
                        dispute._book_or_take_back_loss()
                except UserError as error:
                    dispute._note_problem(error)
                else:
                    if dispute.problem:
                        dispute.problem = False

    # === BUSINESS METHODS - MOVEMENTS === #

    def _book_movements(self, provider):
        """Book what was withdrawn and what came back, all at once."""
        todo = self.movement_ids.filtered(lambda line: not line.move_id and line.net).sorted('id')
        if not todo:
            return
        company = provider.company_id
        if any(line.currency_id != company.currency_id for line in todo):
            raise UserError(
                self.env._("The provider moved another currency: book this dispute by hand.")
            )
        if not provider.pay_now_disputed_account_id:
            raise UserError(
                self.env._("Choose an account for disputed payments of %s.", provider.name)
            )
        if any(line.fee for line in todo) and not provider.pay_now_commission_account_id:
            raise UserError(self.env._("Choose a commission account for %s.", provider.name))
        moves = self.env['account.move'].create(
            [line.dispute_id._prepare_movement(provider, line) for line in todo]
        )
        moves.action_post()
        for line, move in zip(todo, moves, strict=True):
            line.write({'move_id': move.id, 'state': 'ours'})
        for dispute in todo.dispute_id:
            dispute._reconcile_disputed()

    def _prepare_movement(self, provider, line):
        """Return the values of the entry of one movement, in the provider's journal."""
        label = self.env._(
            "%(provider)s dispute – %(reference)s",
            provider=provider._pay_now_short_name(),
            reference=self.transaction_id.reference,
        )
        return provider._pay_now_prepare_entry(
            line.occurred_at,
            ref=f'{self.dispute_ref} - {line.movement_ref}',
            label=label,
            amounts=[
                (provider.pay_now_disputed_account_id, -line.amount),
                (provider.pay_now_commission_account_id, line.fee),
                (provider.pay_now_clearing_account_id, line.net),
            ],
            partner=self.partner_id.commercial_partner_id,
        )

    def _reconcile_disputed(self):
        """Match what was withdrawn with what came back or was lost, where the account allows."""
        self.ensure_one()
        moves = self.movement_ids.move_id | self.loss_move_id
        lines = moves.line_ids.filtered(
            lambda line: (
                line.account_id == self.provider_id.pay_now_disputed_account_id
                and line.account_id.reconcile
            )
        )
        self.env['account.move.line']._pay_now_reconcile_open([lines])

    # === BUSINESS METHODS - LOSS === #

    def _book_or_take_back_loss(self):
        """Book the loss of what is lost, or take it back where it came right after all."""
        self.ensure_one()
        booked = self.movement_ids.filtered('move_id')
        lost = -sum(booked.mapped('amount')) if self.state == 'lost' else 0.0
        if self.currency_id.compare_amounts(lost, self.loss_amount):
            if self.loss_move_id:
                self._take_back_loss()
            if self.currency_id.compare_amounts(lost, 0) > 0:
                if not self.transaction_id.payment_id:
                    # The payment has to be booked before its loss.
                    self.settled = False
                    return
                self._book_loss(lost)
        over = self.state not in ('inquiry', 'open')
        left = self.currency_id.compare_amounts(self.withdrawn, self.loss_amount)
        self.settled = over and not left

    def _book_loss(self, amount):
        """Move the disputed amount to the customer's account and re-open what it had paid."""
        provider, payment = self.provider_id, self.transaction_id.payment_id
        if payment.move_id.reversal_move_ids.filtered(lambda move: move.state == 'posted'):
            # Its items are open again, and the provider's balance is not as these books say.
            raise UserError(
                self.env._(
                    "%s was reversed by hand: undo that, or book the loss by hand too.",
                    payment.name,
                )
            )
        credit = payment._pay_now_counterpart_lines()
        move = self.env['account.move'].create(
            provider._pay_now_prepare_entry(
                None,
                ref=self.dispute_ref,
                label=self.env._("Dispute lost – %s", self.transaction_id.reference),
                amounts=[
                    (payment.destination_account_id, amount),
                    (provider.pay_now_disputed_account_id, -amount),
                ],
                partner=self.partner_id.commercial_partner_id,
            )
        )
        move.action_post()
        self.write({'loss_move_id': move.id, 'loss_amount': amount})
        debit = self._loss_line()
        rest = credit._pay_now_free(amount)
        (credit | debit).reconcile()
        self.env['account.move.line']._pay_now_reconcile_open([credit | rest])
        self._reconcile_disputed()
        self.transaction_id._pay_now_close_surplus()
        self._note(
            self.env._(
                "The dispute is lost: %(amount)s are open again. %(url)s",
                amount=self.currency_id.format(amount),
                url=self.url or '',
            )
        )

    def _loss_line(self):
        """Return the customer's line of the loss."""
        return self.loss_move_id.line_ids.filtered(
            lambda line: line.account_id.account_type == 'asset_receivable'
        )

    def _take_back_loss(self):
        """Reverse the loss at today's date: the payment pays its items again, where still open."""
        provider, tx, loss = self.provider_id, self.transaction_id, self.loss_move_id
        debit = self._loss_line()
        move = self.env['account.move'].create(
            provider._pay_now_prepare_entry(
                None,
                ref=self.dispute_ref,
                label=self.env._("Dispute not lost after all – %s", tx.reference),
                amounts=[(line.account_id, -line.balance) for line in loss.line_ids],
                partner=self.partner_id.commercial_partner_id,
            )
        )
        move.action_post()
        (debit.matched_credit_ids | loss.line_ids.matched_debit_ids).unlink()
        (loss.line_ids - debit).remove_move_reconcile()
        plan = [
            (loss.line_ids | move.line_ids).filtered(
                lambda line, account=account: line.account_id == account
            )
            for account in loss.line_ids.account_id
            if account.reconcile
        ]
        self.env['account.move.line']._pay_now_reconcile_open(plan)
        move.reversed_entry_id = loss
        credit = tx.payment_id._pay_now_counterpart_lines()
        self.env['account.move.line']._pay_now_reconcile_open(
            [credit | tx._pay_now_snapshot_still_open()]
        )
        self.write({'loss_move_id': False, 'loss_amount': 0.0})
        self._reconcile_disputed()
        self._note(self.env._("The loss of the dispute was taken back."))
