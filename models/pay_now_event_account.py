# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import models

from odoo.addons.account_pay_now import const
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PayNowEvent(models.Model):
    """Events about the merchant account itself: completed, restricted, taken away from us."""

    _inherit = 'pay.now.event'

    # === BUSINESS METHODS - PROCESSING === #

    def _process_merchant_accounts(self):
        """Look again at each merchant account once, whatever its events say and in which order."""
        for provider, events in self.grouped('provider_id').items():
            try:
                with self.env.cr.savepoint():
                    error = provider._pay_now_account_changed()
            except psycopg2.OperationalError:
                raise
            except Exception as failure:  # noqa: BLE001 - kept with its notification
                _logger.exception("The account of %s could not be processed", provider.name)
                error = str(failure)
            if error:
                events._retry_later(error)
            else:
                events.write({'state': 'done', 'error': False})
