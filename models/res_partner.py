# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class ResPartner(models.Model):
    _inherit = 'res.partner'

    pay_now_reminder_mode = fields.Selection(
        string="Reminders",
        selection=[('auto', "Automatic"), ('never', "Never")],
        company_dependent=True,
        help="Never: this customer is listed when reminders are generated, and gets none.",
    )
    pay_now_reminder_ids = fields.One2many(
        string="Customer reminders", comodel_name='pay.now.reminder', inverse_name='partner_id'
    )
