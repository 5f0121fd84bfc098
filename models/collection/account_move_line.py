# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class AccountMoveLine(models.Model):
    """How fast the items of some customers are found."""

    _inherit = 'account.move.line'

    # Of all lines of a customer, Odoo's index by customer finds those of sales and taxes, too.
    _pay_now_items_idx = models.Index("(partner_id) WHERE display_type = 'payment_term'")
