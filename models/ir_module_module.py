# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class IrModuleModule(models.Model):
    """Uninstalling this module is refused while something at a provider still needs it."""

    _inherit = 'ir.module.module'

    def button_uninstall(self):
        """Override of `base` to refuse at once, and in the user's language, where it must be.

        The hook checks it again, but by then the uninstallation is under way.

        :raise UserError: see `payment.provider._pay_now_check_removable`.
        """
        # Also when it is a module that this one depends on which goes.
        names = (self + self.downstream_dependencies(self)).mapped('name')
        action = super().button_uninstall()
        if 'account_pay_now' in names:
            self.env['payment.provider']._pay_now_check_removable()
        return action
