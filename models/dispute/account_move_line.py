# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.fields import Domain

DISPUTED = Domain(
    'transaction_id.pay_now_dispute_ids', 'any', [('state', 'in', ('inquiry', 'open'))]
)


class AccountMoveLine(models.Model):
    """Items whose payment is disputed."""

    _inherit = 'account.move.line'

    # === BUSINESS METHODS - DISPUTES === #

    def _pay_now_disputed(self):
        """Return the items that are paid by a payment which is disputed at this moment.

        :rtype: account.move.line
        """
        return self._pay_now_paid_by(DISPUTED)
