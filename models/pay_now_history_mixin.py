# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import UserError


class PayNowHistoryMixin(models.AbstractModel):
    """Records of what happened or was said once: there is one of each, and no second one.

    A duplicate would be a second payment, reminder or answer that never was.
    """

    _name = 'pay.now.history.mixin'
    _description = "Record that is not duplicated"

    # === CRUD METHODS === #

    def copy_data(self, default=None):
        """Override of `base` to refuse.

        :raise UserError: always.
        """
        name = self.env['ir.model']._get(self._name).sudo().name
        raise UserError(self.env._("“%s” says what happened once: it cannot be duplicated.", name))
