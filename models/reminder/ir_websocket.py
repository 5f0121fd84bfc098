# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

from odoo.addons.account_pay_now import const, public_values


class IrWebsocket(models.AbstractModel):
    """Who hears of a run of reminders: who may read it, and has it on the screen."""

    _inherit = 'ir.websocket'

    def _build_bus_channel_list(self, channels):
        """Override of `bus` to replace the names of runs by the runs that the user may read."""
        names = [name for name in channels if str(name).startswith(const.RUN_CHANNEL)]
        ids = [public_values.record_id(name.removeprefix(const.RUN_CHANNEL)) for name in names]
        runs = self.env['pay.now.reminder.run'].browse(filter(None, ids)).exists()
        channels = [name for name in channels if name not in names]
        if runs and runs.browse().has_access('read'):
            channels += list(runs._filtered_access('read'))
        return super()._build_bus_channel_list(channels)
