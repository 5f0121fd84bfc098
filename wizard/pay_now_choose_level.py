# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PayNowChooseLevel(models.TransientModel):
    """Give some reminders of a run another level than the one that is due."""

    _name = 'pay.now.choose.level'
    _inherit = ['pay.now.authority.mixin']
    _description = "Level of some reminders"
    _pay_now_written_by = dict.fromkeys(('company_id', 'level_id', 'reminder_ids'), True)

    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
    )
    reminder_ids = fields.Many2many(
        string="Reminders",
        comodel_name='pay.now.reminder',
        relation='pay_now_choose_level_reminder_rel',
        required=True,
    )
    level_id = fields.Many2one(
        comodel_name='pay.now.reminder.level',
        domain="[('company_id', 'parent_of', company_id)]",
        required=True,
    )
    count_text = fields.Char(string="For", compute='_compute_count_text')

    # === COMPUTE METHODS === #

    @api.depends('reminder_ids')
    @api.depends_context('lang')
    def _compute_count_text(self):
        Run = self.env['pay.now.reminder.run']
        for wizard in self:
            wizard.count_text = Run._count_text(len(wizard.reminder_ids))

    # === ACTION METHODS === #

    def action_apply(self):
        """Give the reminders the level, with the rights of whoever chose it."""
        self.ensure_one()
        self.check_access('write')
        self.reminder_ids._take_chosen_level(self.level_id)
        return {'type': 'ir.actions.act_window_close'}
