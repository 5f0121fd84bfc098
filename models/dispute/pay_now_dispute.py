# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import format_datetime

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import GATEWAYS
from odoo.addons.account_pay_now.gateways.errors import GatewayUnavailable
from odoo.addons.account_pay_now.models.provider import problems

#: States in which nothing is decided yet.
UNDECIDED = ('inquiry', 'open')
#: How far apart two reports of the same money may be dated.
NEAR = timedelta(days=1)


class PayNowDispute(models.Model):
    """A payer asks PayPal or the bank for the money back. An inquiry moves no money.

    The books follow the money, each piece of it once. PayPal reports one piece up to four times:
    as money of the dispute, as a reversal of the payment, among the refunds of the payment, and in
    its reports; in any order, and some of it never. Whatever arrives first is booked, and the
    others are recognised.
    """

    _name = 'pay.now.dispute'
    _description = "Payment dispute"
    _inherit = ['pay.now.provider.object.mixin', 'mail.thread', 'mail.activity.mixin']
    _order = 'due_at, id desc'
    _check_company_auto = True
    _subject = 'dispute'
    _lookback_days = const.DISPUTE_LOOKBACK_DAYS

    name = fields.Char(string="Dispute", compute='_compute_name')
    dispute_ref = fields.Char(string="Dispute id", required=True, readonly=True)
    reversal_ref = fields.Char(
        string="Reversal id",
        readonly=True,
        help="PayPal took the money back under this id, before or without a dispute.",
    )
    transaction_id = fields.Many2one(
        string="Payment",
        comodel_name='payment.transaction',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
    )
    partner_id = fields.Many2one(related='transaction_id.partner_id', store=True, index=True)
    state = fields.Selection(
        string="Status",
        selection=[
            ('inquiry', "Inquiry"),
            ('open', "Open"),
            ('won', "Won"),
            ('lost', "Lost"),
            ('closed', "Closed"),
        ],
        required=True,
        readonly=True,
        tracking=True,
        index=True,
    )
    needs_response = fields.Boolean(string="To answer", readonly=True)
    due_at = fields.Datetime(string="Answer until", readonly=True)
    opened_at = fields.Datetime(string="Opened on", readonly=True)
    reason = fields.Char(string="Code of the reason", readonly=True)
    reason_text = fields.Char(string="Reason", compute='_compute_reason_text')
    movement_ids = fields.One2many(
        string="Movements", comodel_name='pay.now.movement', inverse_name='dispute_id'
    )
    withdrawn = fields.Monetary(
        compute='_compute_withdrawn', help="What the provider holds or took."
    )
    loss_move_id = fields.Many2one(
        string="Entry of the loss", comodel_name='account.move', readonly=True, check_company=True
    )
    loss_amount = fields.Monetary(string="Lost amount", readonly=True)
    told = fields.Boolean(readonly=True, help="The accountant has been told.")

    _dispute_once = models.UniqueIndex(
        '(provider_id, dispute_ref)', "This dispute is stored already."
    )
    _loss_once = models.UniqueIndex(
        '(loss_move_id) WHERE loss_move_id IS NOT NULL', "An entry belongs to one dispute."
    )

    # === COMPUTE METHODS === #

    @api.depends('transaction_id', 'dispute_ref')
    @api.depends_context('lang')
    def _compute_name(self):
        for dispute in self:
            dispute.name = self.env._(
                "Dispute of %s", dispute.transaction_id.sudo().reference or dispute.dispute_ref
            )

    @api.depends('movement_ids.amount')
    def _compute_withdrawn(self):
        for dispute in self:
            dispute.withdrawn = -sum(dispute.movement_ids.mapped('amount'))

    @api.depends('reason')
    @api.depends_context('lang')
    def _compute_reason_text(self):
        labels = self._reason_labels()
        for dispute in self:
            dispute.reason_text = labels.get((dispute.reason or '').lower()) or dispute.reason

    # === BUSINESS METHODS - STORING === #

    @api.model
    def _ours(self, provider, found):
        """Override of `pay.now.provider.object.mixin`: those about payments of ours.

        Nobody else reads these payments meanwhile.

        :raise GatewayUnavailable: one is being processed at this moment.
        """
        payments = self._payments(provider, found)
        found = [one for one in found if one.id in payments]
        if GATEWAYS[provider.code].tells_disputes_as_refunds:
            moved = self.env['payment.transaction'].union(
                *(payments[one.id] for one in found if one.movements)
            )
            if moved.try_lock_for_update() != moved:
                raise GatewayUnavailable("The payment is being processed elsewhere.")
            # Written, not only locked: who began to read it before has to begin again, else
            # they would take for a refund what is stored here.
            moved.pay_now_last_sync = fields.Datetime.now()
        return found

    @api.model
    def _payments(self, provider, found):
        """Return the payments of ours that disputes are about, by the disputes' ids."""
        return self.env['pay.now.movement']._payments_of(provider, found)

    @api.model
    def _known(self, provider, found):
        """Override of `pay.now.provider.object.mixin`: one case may come twice."""
        payments = self._payments(provider, found)
        cases = {one.id: self._case_of(payments[one.id], one) for one in found}
        return {ref: case for ref, case in cases.items() if case}

    @api.model
    def _case_of(self, payment, one):
        """Return the record of a dispute.

        PayPal may report one case twice: as a dispute, and as a reversal of the payment, in either
        order. It is one case, and its money moved once.

        :param payment.transaction payment: what is disputed.
        :param gateways.base.Dispute one: what the provider says.
        :rtype: pay.now.dispute
        """
        cases = payment.pay_now_dispute_ids.sorted('id')
        same = cases.filtered(lambda case: one.id in (case.dispute_ref, case.reversal_ref))
        if same:
            return same[0]
        if one.reversal:
            # What was won is back; what is taken back after that is another case.
            return cases.filtered(
                lambda case: not case.reversal_ref and (case.state != 'won' or not one.movements)
            )[:1]
        return cases.filtered(lambda case: case.reversal_ref == case.dispute_ref)[:1]

    @api.model
    def _values(self, provider, one):
        """Override of `pay.now.provider.object.mixin`: a dispute is about a payment."""
        return {
            **super()._values(provider, one),
            'transaction_id': self._payments(provider, [one])[one.id].id,
            'opened_at': provider.company_id._pay_now_instant(one.created_at),
        }

    def _update(self, one):
        """Override of `pay.now.provider.object.mixin`: what the provider says now, and movements.

        A reversal says nothing about the dispute it belongs to but that its money is gone.
        """
        self.ensure_one()
        vals = {'reversal_ref': one.id} if one.reversal else {'dispute_ref': one.id}
        if not one.reversal or self.dispute_ref == one.id:
            vals.update(
                {
                    'state': one.state,
                    'amount': float(one.amount),
                    'needs_response': one.needs_response,
                    'due_at': self.company_id._pay_now_instant(one.due_at),
                    'reason': one.reason,
                    'url': one.url,
                }
            )
        self._write_changes(vals)
        self._store_movements(one)

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

    # === BUSINESS METHODS - NOTIFYING === #

    def _notify_accountant(self):
        """Notify the accountant, once, and the payment's followers, whenever the state changes."""
        for dispute in self:
            if dispute.state in UNDECIDED and not dispute.told:
                dispute.told = True
                dispute.activity_schedule(
                    'mail.mail_activity_data_todo',
                    date_deadline=dispute.due_at and dispute.due_at.date(),
                    summary=self.env._("Answer the dispute at the provider"),
                    user_id=dispute.company_id._pay_now_accountant().id,
                )
                dispute._note(
                    self.env._(
                        "%(customer)s disputes %(amount)s. Answer until %(date)s: %(url)s",
                        customer=dispute.partner_id.name,
                        amount=dispute.currency_id.format(dispute.amount),
                        date=format_datetime(self.env, dispute.due_at) if dispute.due_at else "–",
                        url=dispute.url or '',
                    )
                )
            elif dispute.state not in UNDECIDED and dispute.told:
                dispute.activity_unlink(['mail.mail_activity_data_todo'])

    def _note(self, message):
        """Leave a note on the dispute, its payment and the invoices paid by it."""
        self.ensure_one()
        self.message_post(body=message)
        tx = self.transaction_id
        # Not booked yet when the dispute's event comes first.
        for payment in tx.payment_id:
            payment.message_post(body=message)
        for invoice in tx._pay_now_own_items().move_id:
            invoice._message_log(body=message)

    # === BUSINESS METHODS - BOOKING === #

    def _book_and_reconcile(self):
        """Book the movements, then the loss where it is lost; notify the accountant.

        Safe to call any number of times; what is missing is done the next time.
        """
        for provider, disputes in self.sudo().grouped('provider_id').items():
            company = provider.company_id
            disputes = disputes.with_company(company).with_context(lang=company._pay_now_lang())
            disputes._notify_accountant()
            todo = disputes.try_lock_for_update()
            todo._try('_book_movements', provider)
            for dispute in todo:
                if all(line.move_id for line in dispute.movement_ids if line.net):
                    dispute._try('_book_outcome')

    def _is_unbooked(self):
        """Override of the mixin: entries of its movements are missing, or that of its outcome."""
        self.ensure_one()
        return not self.settled

    def _book_outcome(self):
        """Match what was given up, and book the loss or take it back: all of it is right then."""
        self.ensure_one()
        self._reconcile_given_up()
        self._book_or_take_back_loss()
        if self.problem_codes:
            self.problem_codes = False

    # === BUSINESS METHODS - MOVEMENTS === #

    def _book_movements(self, provider):
        """Book what was withdrawn and what came back, all at once."""
        todo = self.movement_ids._pay_now_to_book('move_id').filtered('net').sorted('id')
        if not todo:
            return
        company = provider.company_id
        if any(line.currency_id != company.currency_id for line in todo):
            raise problems.BooksRefusal(provider, 'dispute_currency')
        if not provider.pay_now_disputed_account_id:
            raise problems.BooksRefusal(provider, 'disputed')
        provider = provider.with_env(self.env)
        moves = provider._pay_now_create_entries(
            [line.dispute_id._prepare_movement(provider, line) for line in todo]
        )
        for line, move in zip(todo, moves, strict=True):
            line.write({'move_id': move.id, 'state': 'ours'})
        for dispute in todo.dispute_id:
            dispute._reconcile_disputed()

    def _pay_now_may_book_again(self):
        """Override of `pay.now.booked.mixin`: the entries of the movements are the dispute's."""
        self.movement_ids._pay_now_may_book_again()
        return super()._pay_now_may_book_again()

    def _prepare_movement(self, provider, line):
        """Return the values of the entry of one movement, in the provider's journal."""
        label = self.env._(
            "%(provider)s dispute – %(reference)s",
            provider=provider._pay_now_short_name(),
            reference=self.transaction_id.reference,
        )
        fee = 0.0 if provider.pay_now_commission_imported else line.fee
        values = provider._pay_now_prepare_entry(
            line.occurred_at,
            ref=f'{self.dispute_ref} - {line.movement_ref}',
            label=label,
            amounts=[
                (provider.pay_now_disputed_account_id, -line.amount),
                (provider.pay_now_clearing_account_id, line.amount - fee),
            ],
            partner=self.transaction_id._pay_now_payer(),
        )
        fees = provider._pay_now_prepare_fee(fee, label)
        values['line_ids'] += [Command.create(item) for item in fees]
        return values

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
        self._reconcile_open([lines])

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
            raise problems.BooksRefusal(self.provider_id, 'reversed', payment=payment.name)
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
                partner=payment.partner_id,
            )
        )
        move.action_post()
        self.write({'loss_move_id': move.id, 'loss_amount': amount})
        debit = self._loss_line()
        rest = credit._pay_now_free(amount)
        self.env['account.partial.reconcile']._pay_now_reconcile([credit | debit], fresh=True)
        self._reconcile_open([credit | rest])
        self._reconcile_disputed()
        self.transaction_id._pay_now_review()
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
        values = provider._pay_now_prepare_entry(
            None,
            ref=self.dispute_ref,
            label=self.env._("Dispute not lost after all – %s", tx.reference),
            amounts=[(line.account_id, -line.balance) for line in loss.line_ids],
            partner=tx.payment_id.partner_id,
        )
        move = self.env['account.move'].create(provider._pay_now_as_take_back(values))
        move.action_post()
        lines = loss.line_ids
        (lines.matched_debit_ids | lines.matched_credit_ids)._pay_now_unreconcile()
        plan = [
            (loss.line_ids | move.line_ids).filtered(
                lambda line, account=account: line.account_id == account
            )
            for account in loss.line_ids.account_id
            if account.reconcile
        ]
        self._reconcile_open(plan)
        move.reversed_entry_id = loss
        tx._pay_now_allocate()
        self.write({'loss_move_id': False, 'loss_amount': 0.0})
        self._reconcile_disputed()
        self._note(self.env._("The loss of the dispute was taken back."))

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

    def _is_near(self, stored, moment):
        """Tell whether two instants, the first one naive, may be of the same thing."""
        if not stored or not moment:
            return False
        return abs(stored - self.company_id._pay_now_instant(moment)) <= NEAR

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
            self._reconcile_open([lines])

    # === BUSINESS METHODS - LABELS === #

    def _reason_labels(self):
        """Return what the reasons of both providers mean to the accountant.

        :return: `{code in lower case: label}`
        :rtype: dict
        """
        not_authorised = self.env._("Not authorised by the payer")
        not_received = self.env._("Not received")
        not_as_described = self.env._("Not as described")
        paid_twice = self.env._("Paid twice")
        credit = self.env._("Refund not received")
        amount = self.env._("Wrong amount")
        other = self.env._("Other reason")
        return {
            'fraudulent': not_authorised,
            'unauthorised': not_authorised,
            'debit_not_authorized': not_authorised,
            'unrecognized': self.env._("Not recognised by the payer"),
            'product_not_received': not_received,
            'merchandise_or_service_not_received': not_received,
            'product_unacceptable': not_as_described,
            'merchandise_or_service_not_as_described': not_as_described,
            'duplicate': paid_twice,
            'duplicate_transaction': paid_twice,
            'payment_by_other_means': self.env._("Paid otherwise"),
            'credit_not_processed': credit,
            'incorrect_amount': amount,
            'insufficient_funds': self.env._("The payer's account did not hold enough"),
            'payment_reversed': self.env._("Taken back by the provider"),
            'general': other,
            'other': other,
        }
