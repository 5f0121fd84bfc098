# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

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

    A step of the books that is refused is told to the accountant in plain words, once, and tried
    again with growing pauses. Until then a payment is *received, not booked yet*, which counts as
    paid wherever somebody might ask for the money once more.
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

    # === BUSINESS METHODS - TAKINGS === #

    @api.model
    def _pay_now_takings_domain(self, provider, first=None):
        """Return the domain of the payments that a provider received, booked or not.

        What was given back later was received, too. In the company's currency, as all that is
        asked for.

        :param payment.provider provider: who received them.
        :param datetime.date first: from this day on, where the company is; none for all.
        :rtype: Domain
        """
        company = provider.company_id
        domain = (
            Domain('provider_id', '=', provider.id)
            & Domain('operation', '!=', 'refund')
            & Domain('state', '=', 'done')
            & Domain('currency_id', '=', company.currency_id.id)
        )
        if first:
            domain &= Domain('pay_now_paid_at', '>=', company._pay_now_day_start(first))
        return domain

    # === BUSINESS METHODS - RECEIVED === #

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

    # === BUSINESS METHODS - WHAT THE BOOKS REFUSED === #

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
