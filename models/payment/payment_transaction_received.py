# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)
#: The steps of the books, and what is said of one that is refused (see `pay.now.discrepancy`).
STEPS = {
    '_pay_now_book_all': 'received',
    '_pay_now_book_payments_of': 'received',
    '_pay_now_finish': 'unfinished',
    '_pay_now_book_commissions_of': 'commission_booking',
    '_pay_now_book_refund_payments': 'refund_booking',
    '_pay_now_reverse_refunds': 'refund_booking',
}


class PaymentTransaction(models.Model):
    """Received is received: what the provider confirmed stays, whatever the books say to it.

    The confirmation is the state *done*, written before anything is booked. Each step of the books
    is done in a savepoint of its own; one that is refused leaves everything before it as it was, is
    told to the accountant in plain words, once, and tried again with growing pauses. Until then a
    payment is *received, not booked yet*, which counts as paid wherever somebody might ask for the
    money once more.
    """

    _inherit = 'payment.transaction'

    pay_now_booking_state = fields.Selection(
        string="Booking",
        selection=[('received', "Received, not booked yet"), ('booked', "Booked")],
        compute='_compute_pay_now_booking_state',
        help="Received is what the provider confirmed; booked what has an entry.",
    )
    pay_now_book_at = fields.Datetime(
        string="To be booked on",
        readonly=True,
        copy=False,
        index='btree_not_null',
        help="When the next attempt is made to book what the books refused.",
    )
    pay_now_book_attempts = fields.Integer(string="Refused attempts", readonly=True, copy=False)

    pay_now_answers = fields.Json(
        string="Answers of the provider",
        readonly=True,
        copy=False,
        help="What it said when asked, each time that it was something new.",
    )

    # === COMPUTE METHODS === #

    @api.depends('state', 'payment_id', 'is_post_processed', 'provider_code')
    def _compute_pay_now_booking_state(self):
        ours = self._pay_now_ours()
        (self - ours).pay_now_booking_state = False
        for tx in ours:
            booked = tx.payment_id and 'booked'
            waits = tx._pay_now_is_received() and not tx.is_post_processed
            tx.pay_now_booking_state = 'received' if waits else booked

    # === ACTION METHODS === #

    def action_pay_now_story(self):
        """Show what happened to the payment.

        :return: the action of the screen.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        return self.env['pay.now.timeline']._open_of(self.reference)

    def action_post_process(self):
        """Override of `payment`: of ours it is done as ever, with the rights of the system."""
        self.check_access('write')
        return super(PaymentTransaction, self.sudo()).action_post_process()

    # === BUSINESS METHODS - RECEIVED === #

    def _pay_now_is_received(self):
        """Tell whether money of a payment was received that has no entry.

        Where somebody deleted the entry, it was processed once: that counts as *booked by hand*,
        for what a person undid is not done again by itself.

        :rtype: bool
        """
        self.ensure_one()
        return (
            self.state == 'done'
            and self.operation != 'refund'
            and self.amount > 0
            and not self.payment_id
        )

    def _pay_now_at_home(self):
        """Return those of our transactions that are booked here, and in no copy of the database.

        :rtype: payment.transaction
        """
        away = self.provider_id.sudo().filtered(
            lambda provider: provider._pay_now_connection().is_away()
        )
        return self.filtered(lambda tx: tx.provider_id not in away)

    def _pay_now_keep_answer(self, answer):
        """Keep what the provider said, for whoever asks later what happened.

        The same again is not kept again, and no more than the last ones.

        :param answer: read by ourselves.
        :type answer: gateways.base.Payment | gateways.base.Refund
        """
        said = {
            'state': answer.state,
            'amount': str(answer.amount),
            'currency': answer.currency,
            'code': getattr(answer, 'failure_code', '') or getattr(answer, 'reason', '') or '',
        }
        kept = self.pay_now_answers or []
        if not kept or {**kept[-1], **said} != kept[-1]:
            said['at'] = fields.Datetime.to_string(fields.Datetime.now())
            self.pay_now_answers = [*kept, said][-const.ANSWERS_KEPT :]

    def _pay_now_queue_receipts(self):
        """Note that the payers get a receipt, where the company sends them: received is enough."""
        todo = self.filtered(
            lambda tx: (
                not tx.pay_now_receipt_state
                and tx._pay_now_is_received()
                and tx.partner_email
                and tx.company_id.pay_now_receipts
            )
        )
        if todo:
            todo.pay_now_receipt_state = 'waiting'
            self.env.ref('account_pay_now.ir_cron_receipts').sudo()._trigger()

    def _pay_now_receive_only(self):
        """Take over that the money was received, where what follows from the answer has failed.

        What the refunds meet must not keep the payment itself out. Whoever asked has its error, and
        asks again for the rest.
        """
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                self.with_context(pay_now_receive_only=True)._synchronize()
        except psycopg2.OperationalError:
            raise
        except Exception:
            _logger.exception("Not even received: %s", self.reference)

    # === BUSINESS METHODS - THE STEPS OF THE BOOKS === #

    def _pay_now_try(self, step):
        """Do one step of the books, all at once; one by one where that is refused.

        The one door to the books: nothing that was known before is lost, and nothing is raised.

        :param str step: a method of `STEPS`, which takes the provider.
        :return: those that it was done for; of *all* those of which nothing is to be tried now.
        :rtype: payment.transaction
        """
        done = self.browse()
        for provider, txs in self.grouped('provider_id').items():
            done |= txs._pay_now_try_of(provider, step)
        return done

    def _pay_now_try_of(self, provider, step):
        """Do one step of the books for payments of one provider; parameters as of `_pay_now_try`.

        :param payment.provider provider: theirs.
        :rtype: payment.transaction
        """
        booked = self._pay_now_in_books_of(provider)
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                # Whoever else holds these entries is not waited for for ever.
                self.env.cr.execute(
                    SQL("SET LOCAL lock_timeout = %s", f'{const.BOOKING_LOCK_SECONDS}s')
                )
                getattr(booked, step)(provider)
        except psycopg2.OperationalError as error:
            # Somebody else books the same: all of them follow in another database transaction.
            booked._pay_now_note_refusal(step, error)
            return self if step == '_pay_now_book_all' else self.browse()
        except Exception as error:  # noqa: BLE001 - whatever a module, or the database, may refuse
            if step == '_pay_now_book_all':
                return self.browse()
            if len(self) > 1:
                return self.browse().union(*(tx._pay_now_try_of(provider, step) for tx in self))
            booked._pay_now_note_refusal(step, error)
            return self.browse()
        booked._pay_now_note_booked(step)
        return self

    def _pay_now_note_refusal(self, step, error):
        """Keep why a step was refused where the accountant looks, and try again after a while.

        :param str step: see `_pay_now_try`.
        :param Exception error: what was raised.
        """
        provider = self.provider_id
        problem = provider._pay_now_refused_books(error, **self._pay_now_needs(step))
        busy = problem['code'] == 'busy'
        now = fields.Datetime.now()
        for tx in self:
            attempts = tx.pay_now_book_attempts + 1
            minutes = min(2 ** (attempts - busy), const.BOOKING_MINUTES_MAX)
            # A neighbour's lock is gone a moment later.
            pause = timedelta(minutes=0 if busy and attempts == 1 else minutes)
            tx.write({'pay_now_book_attempts': attempts, 'pay_now_book_at': now + pause})
            if step == '_pay_now_book_commissions_of':
                tx.pay_now_commission_state = 'failed'
            if not busy or attempts > const.BOOKING_CONFLICTS:
                tx._pay_now_report_refusal(STEPS[step], problem)
        self._pay_now_wake_booking(min(self.mapped('pay_now_book_at')))
        provider._pay_now_note_books()
        # Nobody is to pay the same items once more in a checkout that is still open.
        self.pay_now_item_ids.move_id._pay_now_note_change()

    def _pay_now_needs(self, step):
        """Return what a step needs of the books, see `_pay_now_books_problems`.

        :param str step: see `_pay_now_try`.
        :rtype: dict
        """
        if step == '_pay_now_book_commissions_of':
            none = self.env['account.account']
            return {'receivables': none, 'taxes': (), 'discounts': (), 'commission': True}
        payments = self._pay_now_sources()
        lines = payments._pay_now_own_items().line_id
        on_payment = lines.move_id.line_ids.filtered(
            lambda line: line.tax_line_id.tax_exigibility == 'on_payment'
        )
        return {
            'receivables': lines.account_id | payments.payment_id.destination_account_id,
            'taxes': on_payment.company_id,
            'discounts': payments.pay_now_item_ids.filtered('discount').move_id.company_id,
            'commission': False,
        }

    def _pay_now_report_refusal(self, code, problem):
        """Tell the accountant, once; what is told already is brought up to date.

        :param str code: what was refused, of `pay.now.discrepancy._message_templates`.
        :param dict problem: why, see `payment.provider._pay_now_refused_books`.
        """
        self.ensure_one()
        Discrepancy = self.env['pay.now.discrepancy']
        amount = self.pay_now_received or abs(self.amount)
        if code == 'commission_booking':
            amount = self.pay_now_commission
        known = self.pay_now_discrepancy_ids.filtered(
            lambda one: one.kind == 'booking' and one.state == 'open'
        )
        values = Discrepancy._prepare(
            self, 'booking', code, amount, {'amount': amount, 'problem': problem}
        )
        if not known:
            Discrepancy._report(self, 'booking', code, values['details'], amount=amount)
        elif known.name != values['name']:
            known.sudo().write({name: values[name] for name in ('name', 'code', 'details')})

    def _pay_now_note_booked(self, step):
        """Close what was to handle once a step that had been refused is done.

        :param str step: see `_pay_now_try`.
        """
        known = self.filtered(
            lambda tx: tx.pay_now_book_attempts and not tx._pay_now_waits_besides(step)
        )
        if known:
            known.write({'pay_now_book_attempts': 0, 'pay_now_book_at': False})
            self.env['pay.now.discrepancy']._close_of(known, 'booking')
            known.provider_id._pay_now_note_books()

    def _pay_now_waits_besides(self, step):
        """Tell whether another step than the one that was done just now was refused before.

        :param str step: see `_pay_now_try`.
        :rtype: bool
        """
        if self.operation == 'refund':
            back = self.pay_now_returned_at and not self.pay_now_reversal_move_id
            return bool(back or self.pay_now_commission_state == 'failed')
        if step == '_pay_now_book_commissions_of':
            return not self.is_post_processed
        return bool(self.pay_now_commission_state == 'failed' and self.payment_id)

    # === BUSINESS METHODS - BOOKING LATER === #

    def _pay_now_book_now(self):
        """Try to book what the books refused, at once.

        :return: those of which nothing is left to book.
        :rtype: payment.transaction
        :raise UserError: somebody else is at it at this moment.
        """
        payments = self._pay_now_sources()
        if payments.try_lock_for_update() != payments:
            raise UserError(self.env._("This payment is being processed at this moment."))
        payments._pay_now_book()
        return self.filtered(lambda tx: not tx.pay_now_book_at)

    @api.model
    def _pay_now_wake_booking(self, at):
        """Wake the scheduled action that books what was refused.

        :param datetime at: when.
        """
        cron = self.env.ref('account_pay_now.ir_cron_book', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger(at=at)

    # === CRON === #

    def _cron_post_process(self):
        """Override of `payment`: what the books refused has pauses of its own."""
        return super(
            PaymentTransaction, self.with_context(pay_now_keep_pauses=True)
        )._cron_post_process()

    @api.model
    def _pay_now_to_book_domain(self):
        """Return the domain of what is to be booked: refused before, or never come to.

        :rtype: odoo.fields.Domain
        """
        now = fields.Datetime.now()
        forgotten = (
            Domain('state', '=', 'done')
            & Domain('payment_id', '=', False)
            & Domain('is_post_processed', '=', False)
            & Domain('pay_now_book_at', '=', False)
            & Domain('last_state_change', '<', now - timedelta(minutes=5))
        )
        away = self.env['payment.provider']._pay_now_away()
        return (
            Domain('provider_code', 'in', const.PROVIDER_CODES)
            & Domain('provider_id', 'not in', away.ids)
            & (Domain('pay_now_book_at', '<=', now) | forgotten)
        )

    @api.model
    def _cron_pay_now_book(self, batch=50):
        """Book what was received and refused, as soon as the books take it; no provider is asked.

        :param int batch: transactions per database transaction.
        """
        cron = self.env['ir.cron']
        txs = self.search(self._pay_now_to_book_domain(), order='pay_now_book_attempts, id')
        cron._commit_progress(remaining=len(txs))
        for start in range(0, len(txs), batch):
            chunk = txs[start : start + batch]
            try:
                # Who holds one of them books it, and it stays on the list until that is done.
                chunk._pay_now_sources().try_lock_for_update()._pay_now_book()
                go_on = cron._commit_progress(len(chunk))
            except psycopg2.OperationalError:
                self.env.cr.rollback()
                continue
            if not go_on:
                break
