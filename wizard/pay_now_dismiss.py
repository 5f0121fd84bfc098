# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class PayNowDismiss(models.TransientModel):
    """Why something to handle is left as it is."""

    _name = 'pay.now.dismiss'
    _inherit = ['pay.now.authority.mixin']
    _description = "Dismiss a discrepancy"
    _pay_now_written_by = dict.fromkeys(
        (
            'discrepancy_ids',
            'reason',
        ),
        True,
    )

    discrepancy_ids = fields.Many2many(
        string="What happened", comodel_name='pay.now.discrepancy', required=True
    )
    reason = fields.Char(required=True)

    # === ACTION METHODS === #

    def action_dismiss(self):
        """Dismiss what the window was opened for."""
        self.ensure_one()
        self.discrepancy_ids._dismiss((self.reason or '').strip())
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}
