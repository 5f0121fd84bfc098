# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class AccountPayment(models.Model):
    """What the payments of our transactions are reconciled with: their receivable lines."""

    _inherit = 'account.payment'

    def _pay_now_counterpart_lines(self):
        """Return the receivable lines of the payments.

        :rtype: account.move.line
        """
        return self.move_id.line_ids.filtered(
            lambda line: line.account_id == line.move_id.origin_payment_id.destination_account_id
        )
