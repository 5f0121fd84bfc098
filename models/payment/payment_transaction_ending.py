# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayError
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)
#: What was decided once. Whether anything else is in the way is asked again each time.
DECIDED = ('superseded', 'revoked')
#: What is written once there is nothing to be ended any more.
NOTHING_LEFT = {'pay_now_end_at': False, 'pay_now_end_error': False}


class PaymentTransaction(models.Model):
    """Open checkouts that end here, ended at the provider too.

    Its page takes money for up to a day, whatever became of the invoices meanwhile. What changes
    is noted where it changes (`account.move._pay_now_note_change`); here it is looked at, in the
    background, by the same rules as when a checkout is opened and captured.
    """

    _inherit = 'payment.transaction'

    pay_now_end_at = fields.Datetime(
        string="To be ended on",
        readonly=True,
        copy=False,
        index='btree_not_null',
        help="When the provider is asked (again) to let nobody pay any more.",
    )
    pay_now_end_attempts = fields.Integer(string="Attempts to end it", readonly=True, copy=False)
    pay_now_end_error = fields.Char(string="Why it was not ended yet", readonly=True, copy=False)

    # === BUSINESS METHODS - ENDING === #

    @api.model
    def _pay_now_opened_domain(self):
        """Return the domain of the checkouts that may be paid, now or once they are opened.

        :rtype: odoo.fields.Domain
        """
        return (
            Domain('provider_code', 'in', const.PROVIDER_CODES)
            & Domain('operation', '!=', 'refund')
            & Domain('state', '=', 'draft')
        )

    def _pay_now_close(self, refusal):
        """Make sure nobody can pay this checkout any more.

        :param str refusal: a value of `pay_now_refusal`.
        :return: False when it is paid or being paid.
        :rtype: bool
        """
        self.ensure_one()
        closed = True
        if self.provider_reference:
            gateway = self.provider_id._pay_now_gateway()
            try:
                closed = gateway.close_checkout(self.provider_reference)
            except GatewayError as error:
                self.provider_id._pay_now_note_problem(error)
                if not gateway.captures:
                    # Not known to be closed: tried again until it is. Should it be paid before
                    # that, its money is booked as credit and flagged: never lost, never silent.
                    if refusal in DECIDED:
                        self.pay_now_refusal = refusal
                    self._pay_now_end_later(error.message)
                    return self.state == 'draft'
                # Nobody can pay it without us.
        if closed:
            self.write({'pay_now_refusal': refusal, **NOTHING_LEFT})
            company_lang = self.company_id._pay_now_lang()
            self._set_canceled(self.with_context(lang=company_lang)._pay_now_failure_label())
        return closed

    def _pay_now_end_soon(self, refusal):
        """Let nobody open or capture these checkouts, and have them ended at the provider.

        :param str refusal: a value of `pay_now_refusal`.
        """
        if self:
            self.write({'pay_now_refusal': refusal, 'pay_now_end_at': fields.Datetime.now()})
            self._pay_now_wake_ending()

    def _pay_now_end_later(self, error):
        """Keep why a checkout was not ended, and try again after a while that doubles.

        :param str error: what the provider, or Odoo, said.
        """
        self.ensure_one()
        attempts = self.pay_now_end_attempts + 1
        minutes = min(2 ** (attempts - 1), const.ENDING_MINUTES_MAX)
        next_at = fields.Datetime.now() + timedelta(minutes=minutes)
        self.write(
            {
                'pay_now_end_at': next_at,
                'pay_now_end_attempts': attempts,
                'pay_now_end_error': error,
            }
        )
        self._pay_now_wake_ending(next_at)

    @api.model
    def _pay_now_wake_ending(self, at=None):
        """Wake the scheduled action that ends checkouts.

        :param datetime at: when; by default as soon as this is committed.
        """
        cron = self.env.ref('account_pay_now.ir_cron_end', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger(at=at)

    def _pay_now_end_safely(self, reason=False):
        """End the checkout, see `_pay_now_end`; whatever fails is kept, and it is tried again.

        :param str reason: see `_pay_now_end`.
        :return: whether it has to be tried again.
        :rtype: bool
        """
        self.ensure_one()
        attempts = self.pay_now_end_attempts
        try:
            with self.env.cr.savepoint():
                self._pay_now_end(reason)
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - kept with its transaction
            _logger.exception("The checkout of %s could not be ended", self.reference)
            self._pay_now_end_later(str(error))
        # Not before: whoever changes the invoice would wait for the provider's answer. What they
        # noted meanwhile is a conflict, and is looked at again.
        self.pay_now_item_ids.filtered('changed_at').changed_at = False
        return self.pay_now_end_attempts > attempts

    def _pay_now_end(self, reason=False):
        """End the checkout at the provider if it has ended here; book it if it was paid.

        The payment has to be locked.

        :param str reason: a value of `pay_now_refusal`, why it ends though nothing has changed.
        """
        self.ensure_one()
        problem = self._pay_now_snapshot_problem()
        if not problem and (reason or self._pay_now_ended()):
            # What the payer approved before is taken.
            errors, _asked = self._pay_now_synchronize_safely()
            if self in errors:
                return self._pay_now_end_later(errors[self])
            problem = reason or self._pay_now_ended()
        if self.state != 'draft':
            return None
        if not problem:
            return self.write({'pay_now_end_attempts': 0, **NOTHING_LEFT})
        if not self._pay_now_close(problem):
            errors, _asked = self._pay_now_synchronize_safely()
            if self.state == 'draft':
                error = self.env._("The provider says that it is being paid.")
                return self._pay_now_end_later(errors.get(self) or error)
        return None

    @api.model
    def _pay_now_end_all(self, provider, reason):
        """End the open checkouts of a provider now, as long as there are keys to do it with.

        :param payment.provider provider: one record.
        :param str reason: a value of `pay_now_refusal`.
        :return: those that may still be paid.
        :rtype: payment.transaction
        """
        mine = self._pay_now_opened_domain() & Domain('provider_id', '=', provider.id)
        failed = 0
        for tx in self.search(mine).try_lock_for_update():
            if failed > 1:  # a provider that is down is not waited for once per payment
                break
            failed = failed + 1 if tx._pay_now_end_safely(reason) else 0
        return self.search(mine & Domain('provider_reference', '!=', False))

    # === CRON === #

    @api.model
    def _pay_now_to_end_domain(self):
        """Return the domain of the checkouts to look at: something has changed, or is due again.

        :rtype: odoo.fields.Domain
        """
        return (
            self._pay_now_opened_domain()
            # Without keys nobody can be asked.
            & Domain('provider_id', 'in', self.env['payment.provider']._pay_now_swept().ids)
            & (
                Domain('pay_now_item_ids.changed_at', '!=', False)
                | Domain('pay_now_end_at', '<=', fields.Datetime.now())
            )
        )

    @api.model
    def _cron_pay_now_end(self):
        """End the checkouts that have ended here, one at a time."""
        cron = self.env['ir.cron']
        # Those that failed come last: it may be them, and not the provider, that keep others back.
        txs = self.search(
            self._pay_now_to_end_domain(), order='pay_now_end_attempts NULLS FIRST, id'
        )
        cron._commit_progress(remaining=len(txs))
        failed = {}
        for tx in txs:
            try:
                tx._pay_now_end_locked(failed)
                go_on = cron._commit_progress(1)
            except psycopg2.OperationalError:
                # Somebody changes the same at this moment: the next round looks again.
                self.env.cr.rollback()
                self._pay_now_wake_ending(fields.Datetime.now() + timedelta(minutes=1))
                continue
            if not go_on:
                return

    def _pay_now_end_locked(self, failed):
        """Lock the checkout and end it, see `_pay_now_end`.

        :param dict failed: `{provider: (how many could not be ended, in a row; until when)}`,
            which is changed: one that is down is not waited for once per payment.
        """
        self.ensure_one()
        if not self.try_lock_for_update():
            # Being opened or asked about, which may take some seconds.
            return self._pay_now_wake_ending(fields.Datetime.now() + timedelta(minutes=1))
        if self.state != 'draft':
            return None
        provider = self.provider_id
        count, again_at = failed.get(provider, (0, None))
        if count > 1:
            # Nobody was asked: its turn comes before theirs.
            error = self.env._("The provider does not answer.")
            self.write({'pay_now_end_at': again_at, 'pay_now_end_error': error})
            return self._pay_now_wake_ending(again_at)
        again = self._pay_now_end_safely()
        failed[provider] = (count + 1, self.pay_now_end_at) if again else (0, None)
        return None

    @api.model
    def _pay_now_sweep_ended(self):
        """Have the open checkouts ended that do not stand any more, whatever was not noted."""
        txs = self.search(
            self._pay_now_opened_domain()
            & Domain('provider_reference', '!=', False)
            & Domain('pay_now_end_at', '=', False)
        )
        if ended := txs.filtered(lambda tx: tx._pay_now_ended()):
            # Those that are locked are looked at by the next sweep.
            ended.try_lock_for_update().pay_now_end_at = fields.Datetime.now()
            self._pay_now_wake_ending()
