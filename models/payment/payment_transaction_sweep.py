# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """The sweep: what no event has come of is asked for (doc/rules.md, Events)."""

    _inherit = 'payment.transaction'

    # === CRON === #

    @api.model
    def _pay_now_sweep_domain(self):
        """Return the domain of what the sweep asks about: unfinished, or without commission."""
        now = fields.Datetime.now()
        quiet = now - self.env['payment.provider']._pay_now_sweep_interval() + timedelta(minutes=1)
        unfinished = Domain('state', 'in', ('draft', 'pending', 'authorized')) & Domain(
            'provider_reference', '!=', False
        )
        # A payer may still be charged on a checkout we believe dead (late bank answers).
        recent = (
            Domain('state', 'in', ('cancel', 'error'))
            & Domain('last_state_change', '>=', now - timedelta(days=7))
            & Domain('provider_reference', '!=', False)
        )
        done = Domain('state', '=', 'done')
        unbooked = done & (
            Domain('is_post_processed', '=', False)
            | Domain('pay_now_commission_state', 'in', ('waiting', 'known'))
        )
        failed = done & Domain('pay_now_commission_state', '=', 'failed')

        def not_asked_since(instant):
            return Domain('pay_now_last_sync', '=', False) | Domain(
                'pay_now_last_sync', '<', instant
            )

        payments = (
            Domain('provider_code', 'in', const.PROVIDER_CODES)
            & Domain('operation', '!=', 'refund')
            # Without keys nobody can be asked.
            & Domain('provider_id', 'in', self.env['payment.provider']._pay_now_swept().ids)
        )
        return payments & (
            (unfinished | unbooked | self._pay_now_refunds_open_domain()) & not_asked_since(quiet)
            | (recent | failed | self._pay_now_refunds_stuck_domain())
            & not_asked_since(now - timedelta(hours=1))
            | self._pay_now_not_notified_domain() & not_asked_since(now - timedelta(days=1))
        )

    @api.model
    def _cron_pay_now_sweep(self, batch=50):
        """Ask about every payment that no event has come of, and list the providers' events.

        With the webhooks off this alone books everything, a few minutes later.
        """
        self.env['pay.now.event']._sweep()
        try:
            self.env['payment.provider']._pay_now_swept()._pay_now_sweep_movements()
        except psycopg2.OperationalError:
            # Somebody books the same at this moment; the next round lists it again.
            self.env.cr.rollback()
        cron = self.env['ir.cron']
        domain = self._pay_now_sweep_domain()
        txs = self.search(domain, order='id')
        cron._commit_progress(remaining=len(txs))
        for start in range(0, len(txs), batch):
            chunk = txs[start : start + batch]
            try:
                chunk._pay_now_synchronize_safely()
                # Whatever came of it, it was asked now: the next round starts with the others.
                chunk.try_lock_for_update().pay_now_last_sync = fields.Datetime.now()
                go_on = cron._commit_progress(len(chunk))
            except psycopg2.OperationalError:
                # A worker books the same payments at this moment: theirs counts.
                self.env.cr.rollback()
                continue
            if not go_on:
                break
        try:
            self._pay_now_sweep_ended()
            cron._commit_progress()
        except psycopg2.OperationalError:
            self.env.cr.rollback()
        self._pay_now_sweep_waiting()
        self._pay_now_drop_unopened()
        self.env['pay.now.discrepancy']._cron_review()

    @api.model
    def _pay_now_drop_unopened(self):
        """Cancel checkouts that were never opened at the provider: nobody can pay them."""
        limit = fields.Datetime.now() - timedelta(hours=const.CHECKOUT_VALIDITY_HOURS + 1)
        self.search(
            Domain('provider_code', 'in', const.PROVIDER_CODES)
            & Domain('operation', '!=', 'refund')
            & Domain('state', '=', 'draft')
            & Domain('provider_reference', '=', False)
            & Domain('create_date', '<', limit)
        )._set_canceled()
