# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class PayNowBookInterestLine(models.TransientModel):
    """A late item with what it costs, to be booked or left out."""

    _name = 'pay.now.book.interest.line'
    _inherit = ['pay.now.authority.mixin']
    _description = "Interest of a late item to book"
    _pay_now_written_by = {'is_chosen': True}

    wizard_id = fields.Many2one(
        comodel_name='pay.now.book.interest', required=True, readonly=True, ondelete='cascade'
    )
    currency_id = fields.Many2one(related='wizard_id.currency_id')
    is_chosen = fields.Boolean(string="Book", default=True)
    line_id = fields.Many2one(
        string="Late item",
        comodel_name='account.move.line',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    move_name = fields.Char(string="Invoice", related='line_id.move_name')
    date_maturity = fields.Date(
        string="Due", related='line_id.date_maturity', help="When it was to be paid."
    )
    days = fields.Integer(string="Days late", readonly=True)
    interest = fields.Monetary(readonly=True)
    indemnity = fields.Monetary(readonly=True)
