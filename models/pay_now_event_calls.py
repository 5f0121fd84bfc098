# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL, mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.pay_now_event import WORKERS


class PayNowEvent(models.Model):
    """Calling the workers: as often as needed, and not once for every notification."""

    _inherit = 'pay.now.event'

    # === BUSINESS METHODS - WORKERS === #

    @api.model
    def _wake_workers(self):
        """Wake the workers, unless they were called a moment ago and have not begun yet.

        A call that is older and left was not answered, or its worker failed: call again.
        """
        crons = [self.env.ref(xmlid, raise_if_not_found=False) for xmlid in WORKERS]
        crons = self.env['ir.cron'].union(*(cron.sudo() for cron in crons if cron))
        if crons and not self._are_workers_called(crons):
            for cron in crons:
                cron._trigger()

    @api.model
    def _are_workers_called(self, crons):
        """Tell whether a worker was called a moment ago that will see what is stored here.

        A worker takes its call away as it begins, which others see only once it has ended: what is
        locked is no call any more. Ours is held until this is committed.

        :param ir.cron crons: the workers.
        :rtype: bool
        """
        now = fields.Datetime.now()
        query = SQL(
            "SELECT id FROM ir_cron_trigger WHERE cron_id IN %s AND call_at <= %s AND call_at > %s"
            " LIMIT 1 FOR KEY SHARE SKIP LOCKED",
            tuple(crons.ids),
            now,
            now - timedelta(seconds=const.WAKE_SECONDS),
        )
        self.env['ir.cron.trigger'].flush_model(['cron_id', 'call_at'])
        try:
            with self.env.cr.savepoint(flush=False), mute_logger('odoo.sql_db'):
                return bool(self.env.execute_query(query))
        except psycopg2.errors.SerializationFailure:
            # Taken away since this transaction began.
            return False
