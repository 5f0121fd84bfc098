# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import AccessError


class PayNowForget(models.TransientModel):
    """The warning before the keys of an account are forgotten."""

    _name = 'pay.now.forget'
    _inherit = ['pay.now.authority.mixin']
    _description = "Forget the keys of a payment provider"
    _pay_now_written_by = dict.fromkeys(('provider_id',), True)

    provider_id = fields.Many2one(comodel_name='payment.provider', required=True, readonly=True)
    followed_text = fields.Char(string="Still followed", compute='_compute_followed_text')
    connected = fields.Boolean(string="connected", compute='_compute_followed_text')

    # === COMPUTE METHODS === #

    @api.depends('provider_id')
    @api.depends_context('lang')
    def _compute_followed_text(self):
        for wizard in self:
            wizard.followed_text = wizard.provider_id._pay_now_followed_text()
            wizard.connected = wizard.provider_id.pay_now_status == 'connected'

    # === ACTION METHODS === #

    def action_forget(self):
        """Forget the keys, and say what is left at the provider."""
        self.ensure_one()
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(self.env._("Only an administrator can forget the keys."))
        self.provider_id.check_access('write')
        left = self.provider_id._pay_now_forget_keys()
        reload = {'type': 'ir.actions.client', 'tag': 'soft_reload'}
        if not left:
            return reload
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {'type': 'warning', 'message': left, 'sticky': True, 'next': reload},
        }
