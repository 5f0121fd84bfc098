# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class AccountMove(models.Model):
    """The way of whoever tries the module out to the page that a customer gets by mail."""

    _inherit = 'account.move'

    pay_now_is_demo = fields.Boolean(
        string="Paid at a demonstration", compute='_compute_pay_now_is_demo', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    @api.depends('move_type', 'state', 'company_id')
    def _compute_pay_now_is_demo(self):
        """While the company's providers are played, and nobody's money can be taken."""
        for company, moves in self.grouped('company_id').items():
            connected = company._pay_now_connected_providers()
            is_played = bool(connected) and all(connected.mapped('pay_now_demo'))
            for move in moves:
                move.pay_now_is_demo = (
                    is_played and move.move_type == 'out_invoice' and move.state == 'posted'
                )

    # === ACTION METHODS === #

    def action_pay_now_demo_page(self):
        """Open the pay page of an invoice, as its customer does from the mail.

        :return: an action, nothing where no provider is played.
        :rtype: dict | bool
        """
        self.ensure_one()
        self.check_access('write')
        if not self.pay_now_is_demo:
            return False
        return {'type': 'ir.actions.act_url', 'url': self.sudo()._pay_now_url(), 'target': 'self'}
