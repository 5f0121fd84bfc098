# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import mute_logger, split_every

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import GatewayError


class PayNowDiscrepancy(models.Model):
    """What an accountant does about a discrepancy: book, take back, refund or dismiss.

    Those that the comparison found are added here, and refunds that could not be made.
    """

    _inherit = 'pay.now.discrepancy'

    kind = fields.Selection(
        selection_add=[
            ('missing_here', "Paid there, not booked here"),
            ('missing_there', "Booked here, not paid there"),
            ('booked_amount', "Booked amount differs"),
            ('commission', "Commission differs"),
            ('booked_twice', "Booked twice"),
            ('refund', "Refund failed"),
            ('credit_note', "No credit note proposed"),
        ],
        ondelete={
            kind: 'cascade'
            for kind in (
                'missing_here',
                'missing_there',
                'booked_amount',
                'commission',
                'booked_twice',
                'refund',
                'credit_note',
            )
        },
    )
    comparison_key = fields.Char(
        string="Key of the finding",
        readonly=True,
        copy=False,
        help="Tells what was found from what is found another day.",
    )
    payment_refs = fields.Char(
        string="Payments at the provider",
        readonly=True,
        copy=False,
        help="Ids at the provider of payments that carry our reference.",
    )
    dismissed_by_id = fields.Many2one(
        string="Dismissed by", comodel_name='res.users', readonly=True, copy=False
    )
    dismissed_at = fields.Datetime(string="Dismissed on", readonly=True, copy=False)
    payment_id = fields.Many2one(string="Payment", related='transaction_id.payment_id')
    is_compared = fields.Boolean(string="Found by the comparison", compute='_compute_can')
    can_book = fields.Boolean(string="Can be booked", compute='_compute_can')
    can_book_now = fields.Boolean(string="Can be booked now", compute='_compute_can')
    can_reverse = fields.Boolean(string="Can be taken back", compute='_compute_can')
    can_refund = fields.Boolean(string="Can be refunded", compute='_compute_can')

    # === COMPUTE METHODS === #

    @api.depends('kind', 'state', 'payment_refs')
    def _compute_can(self):
        for one in self:
            one.is_compared = one.kind in const.COMPARED_KINDS
            is_open = one.state == 'open'
            second = one.kind == 'superseded' and one.payment_refs
            one.can_book = is_open and (
                second or one.kind in ('missing_here', 'booked_amount', 'commission')
            )
            # What the books refused: the provider was asked already.
            one.can_book_now = is_open and one.kind == 'booking'
            one.can_reverse = is_open and one.kind in ('missing_there', 'booked_twice', 'discount')
            refundable = one.kind in ('surplus', 'waiting', 'superseded')
            one.can_refund = is_open and not second and refundable

    # === CONSTRAINT METHODS === #

    @api.constrains('state', 'note')
    def _check_dismissed_with_reason(self):
        for one in self:
            if one.state == 'dismissed' and not (one.note or '').strip():
                raise ValidationError(self.env._("Say why you dismiss this."))

    # === ACTION METHODS === #

    def action_book(self):
        """Bring the books in line with the provider, by the usual way of booking.

        What the books refuse is received all the same, and the finding stays.

        :return: a notification of what was refused; None where all is booked.
        :rtype: dict | None
        :raise UserError: what the provider answers, or it is being processed at this moment.
        """
        self.check_access('write')
        left = self.browse()
        for one in self.sudo().filtered('can_book'):
            try:
                one.transaction_id._pay_now_book_again(
                    [ref for ref in (one.payment_refs or '').split(',') if ref]
                )
            except GatewayError as error:
                provider = one.transaction_id.provider_id
                raise UserError(provider._pay_now_error_text(error)) from error
            refused = one.transaction_id.pay_now_discrepancy_ids.filtered('can_book_now')
            if not refused:
                one._close_fixed()
            left |= refused
        return left._refused_notification() if left else None

    def action_book_now(self):
        """Book what the books refused before, without waiting for the scheduled action.

        :return: a notification of what came of it.
        :rtype: dict
        :raise UserError: the payment is being processed at this moment.
        """
        self.check_access('write')
        todo = self.filtered('can_book_now')
        todo.sudo().transaction_id._pay_now_book_now()
        left = todo.filtered(lambda one: one.state == 'open')
        return left._refused_notification()

    def _refused_notification(self):
        """Return the notification of what the books refuse; without any that all is booked.

        :rtype: dict
        """
        messages = '\n'.join(self.mapped('message'))
        return self.env['payment.provider']._pay_now_booked_notification(messages)

    def action_reverse(self):
        """Take back what is booked too much, by new entries of today.

        :raise UserError: the payment is being processed at this moment.
        """
        self.check_access('write')
        for one in self.sudo().filtered('can_reverse'):
            tx = one.transaction_id
            if not tx.try_lock_for_update():
                raise UserError(self.env._("This payment is being processed at this moment."))
            one._check_to_reverse()
            if one.kind == 'discount':
                tx._pay_now_take_back_discount()
            elif one.kind == 'booked_twice':
                one._take_back_extra()
            else:
                one._take_back_all()
            tx._pay_now_reconcile_payouts_again()
            one._close_fixed()

    def action_dismiss(self):
        """Ask for the reason to dismiss what was found.

        :return: the action of the window.
        :rtype: dict
        """
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Dismiss"),
            'res_model': 'pay.now.dismiss',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_discrepancy_ids': self.ids},
        }

    def action_refund(self):
        """Open the refund of what was paid too much.

        :return: the action of the wizard, with the amount.
        :rtype: dict
        :raise UserError: nothing is left to refund.
        """
        self.ensure_one()
        self.check_access('write')
        payment = self.transaction_id.payment_id
        action = payment.action_refund_wizard() if payment else {}
        amount = min(self._left_of_payment(), payment.amount_available_for_refund)
        if amount <= 0:
            raise UserError(self.env._("Nothing of it is left to refund."))
        action['context'] = {
            'active_model': payment._name,
            'active_id': payment.id,
            'default_payment_id': payment.id,
            'default_amount_to_refund': amount,
        }
        return action

    # === BUSINESS METHODS - ACTIONS === #

    def _check_to_reverse(self):
        """Refuse to take back what is right by now: by the books, and by what the provider says.

        :raise UserError: it is, or the provider does not answer.
        """
        self.ensure_one()
        wrong = self._is_still_so()
        if wrong and self.kind == 'missing_there':
            try:
                payment = self.transaction_id._pay_now_fetch()
            except GatewayError as error:
                provider = self.transaction_id.provider_id
                raise UserError(provider._pay_now_error_text(error)) from error
            wrong = not payment or payment.state != base.PAID
        if not wrong:
            raise UserError(self.env._("This is no longer so: there is nothing to take back."))

    def _take_back_extra(self):
        """Take back the entries of a payment but one, which the transaction keeps."""
        same = self._same_payment()
        booked = self._booked_entries(same)
        extra = self._too_many(booked)
        self.transaction_id._pay_now_take_back(extra.move_id)
        kept = booked - extra
        kept.payment_transaction_id.payment_id = kept
        same._pay_now_review()

    def _take_back_all(self):
        """Take back the entries of a payment that was not made, and of its commission."""
        tx = self.transaction_id
        booked = self._booked_entries(self._same_payment())
        tx._pay_now_take_back(booked.move_id | tx.pay_now_commission_move_id)

    def _booked_entries(self, same):
        """Return what counts as booked of the payment.

        :param payment.transaction same: the transactions that stand for it.
        :rtype: account.payment
        """
        books = self._read_books(same)
        return books.payments.get(self._name_of(self.transaction_id)) or same.payment_id

    def _same_payment(self):
        """Return the transactions that stand for the same payment of the provider.

        :rtype: payment.transaction
        """
        tx = self.transaction_id
        if not tx.pay_now_payment_ref:
            return tx
        return tx.search(
            [
                ('provider_id', '=', tx.provider_id.id),
                ('operation', '!=', 'refund'),
                ('pay_now_payment_ref', '=', tx.pay_now_payment_ref),
            ]
        )

    def _close_fixed(self):
        """Note that somebody fixed it, unless it was closed on the way."""
        self.filtered(lambda one: one.state == 'open').write(
            {'state': 'done', 'note': self.env._("Mended in the books.")}
        )

    def _dismiss(self, reason):
        """Leave what was found as it is, and remember who said so and why.

        :param str reason: of the person who decides.
        """
        self.check_access('write')
        self.sudo().filtered(lambda one: one.state == 'open').write(
            {
                'state': 'dismissed',
                'note': reason,
                'dismissed_by_id': self.env.uid,
                'dismissed_at': fields.Datetime.now(),
            }
        )

    # === BUSINESS METHODS - IS IT STILL SO === #

    def _close_past(self):
        """Close what is no longer so, whatever its kind, and bring what is left up to date.

        What it takes the provider's word for is closed by the comparison (`_close_right`), too.
        """
        past = self._past()
        for company, own in past.sudo().grouped('company_id').items():
            # Whoever changed the books, or nobody: it is read by all.
            env = self.with_context(lang=company._pay_now_lang()).env
            note = env._("Closed by itself: this is no longer so.")
            own.state = 'done'
            own.filtered(lambda one: not one.note).note = note
        kinds = ('surplus', 'waiting', 'discount')
        credits = (self - past).filtered(lambda one: one.kind in kinds and not one.review_problem)
        for tx in credits.transaction_id:
            # Of the credit, a part may be used by now.
            [own] = tx._pay_now_in_books_of(tx.provider_id)
            credits.filtered(lambda one, tx=tx: one.transaction_id == tx)._look(
                own._pay_now_report_surplus
            )

    def _past(self):
        """Return those that the books do not say any more.

        Asked all at once; one by one where that fails: one that cannot be asked keeps no other.

        :rtype: pay.now.discrepancy
        """
        done, past = self._look(lambda: self.filtered(lambda one: not one._is_still_so()))
        if done or len(self) < 2:
            return past or self.browse()
        return self.browse().union(*(one._past() for one in self))

    def _look(self, question):
        """Ask the books something in a savepoint; of a single one, keep why they do not answer.

        :param function question: what to do.
        :return: whether it was done, and what it returned.
        :rtype: tuple(bool, any)
        """
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                answer = question()
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a module, or the database, may refuse
            if len(self) == 1:
                self._note_review(self.transaction_id.provider_id._pay_now_refused_books(error))
            return False, None
        if kept := self.filtered('review_problem'):
            kept._note_review(False)
        return True, answer

    def _note_review(self, problem):
        """Keep why something could not be looked at again, once, or that it can be.

        :param problem: see `payment.provider._pay_now_refused_books`.
        :type problem: dict | bool
        """
        for one in self.sudo():
            known = one.review_problem or {}
            # The moment of an unexpected error is that of the first one.
            if not problem or known.get('code') != problem['code'] or problem['code'] == 'answer':
                one.review_problem = problem

    def _is_still_so(self):
        """Tell whether the books still say what was found: each kind has its own answer.

        :rtype: bool
        :raise AttributeError: a kind without one.
        """
        self.ensure_one()
        return bool(getattr(self, f'_is_still_{self.kind}')())

    def _left_of_payment(self):
        """Return how much of the payment nothing was paid with, not below zero."""
        return self.transaction_id._pay_now_left()

    def _is_still_surplus(self):
        return self._left_of_payment()

    def _is_still_discount(self):
        return self.transaction_id._pay_now_discount_left()

    def _is_still_waiting(self):
        drafts = self.transaction_id._pay_now_own_items().move_id
        return self._left_of_payment() and 'draft' in drafts.mapped('state')

    def _is_still_amount(self):
        """Less was paid, and the rest is open; or more, and it is not used yet."""
        tx = self.transaction_id
        if tx._pay_now_snapshot_still_open() or self._left_of_payment():
            return True
        return tx.state == 'done' and not tx.payment_id

    def _is_still_currency(self):
        return not self.transaction_id.payment_id

    def _is_still_superseded(self):
        return not self._has_booked_refs() if self.payment_refs else self._left_of_payment()

    def _is_still_booking(self):
        return self.transaction_id._pay_now_is_to_book()

    def _is_still_held(self):
        tx = self.transaction_id
        return tx.state == 'pending' and tx.pay_now_failure_code in const.MERCHANT_ACTION_CODES

    def _is_still_settlement(self):
        tx = self.transaction_id
        return tx.pay_now_commission_state == 'by_hand' and not tx.pay_now_commission_move_id

    def _is_still_identity(self):
        tx = self.transaction_id
        shared = (tx.provider_reference or False) != (tx.pay_now_own_ref or False)
        return shared or (tx.state != 'done' and not tx.payment_id)

    def _counted(self):
        """Return the entries that count as booked of the payment.

        :rtype: account.payment
        """
        books = self._read_books(self._same_payment())
        return books.payments.get(self._name_of(self.transaction_id), self.env['account.payment'])

    def _is_still_missing_here(self):
        return not self._has_booked_refs() if self.payment_refs else not self._counted()

    def _is_still_missing_there(self):
        return self._counted()

    def _is_still_booked_amount(self):
        booked, there = self._counted(), (self.details or {}).get('there')
        if there is None:
            return True
        return self.currency_id.compare_amounts(sum(booked.mapped('amount')), there)

    def _is_still_commission(self):
        there = (self.details or {}).get('there')
        if there is None:
            return True
        booked = self._read_books(self.transaction_id).commissions.get(self.transaction_id, 0.0)
        return self.currency_id.compare_amounts(booked, there)

    def _is_still_booked_twice(self):
        return len(self._counted()) > 1

    def _is_still_refund(self):
        """Not once the money went back otherwise, or the customer is owed nothing any more."""
        tx, compare = self.transaction_id, self.currency_id.compare_amounts
        source = tx.source_transaction_id
        later = source._pay_now_refunds().filtered(
            lambda one: one.id > tx.id and one.state not in ('draft', 'cancel', 'error')
        )
        if compare(-sum(later.mapped('amount')), -tx.amount) >= 0:
            return False
        if compare(source._pay_now_left_to_refund(), 0) <= 0:
            return False
        notes = source._pay_now_invoices().reversal_move_ids | tx.pay_now_credit_note_ids
        notes = notes.filtered(lambda move: move.state == 'posted')
        return not notes or any(notes.mapped('amount_residual')) or source._pay_now_credit() > 0

    def _is_still_credit_note(self):
        return self.transaction_id._pay_now_parts_to_credit()

    # === CRON === #

    @api.model
    def _cron_review(self):
        """Ask each open finding whether it is still so: what changed in the books says nothing."""
        found = self.search(Domain('state', '=', 'open'), order='id')
        for batch in split_every(const.REVIEW_BATCH, found.ids, self.browse):
            batch.try_lock_for_update()._close_past()
            if not self.env['ir.cron']._commit_progress(len(batch)):
                return
