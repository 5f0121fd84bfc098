# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class ResCompany(models.Model):
    """Whether customers are told of an invoice that leaves without our mail."""

    _inherit = 'res.company'

    pay_now_send_notices = fields.Boolean(
        string="Send pay notices",
        help="When an invoice leaves without our mail – by Peppol, by post or as a download – the"
        " customer gets a short mail with the Pay now button and no PDF, once for each invoice.",
    )
