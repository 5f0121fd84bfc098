# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models

from odoo.addons.account_pay_now import const


class AccountPartialReconcile(models.Model):
    """What people match and take apart: they have the last word (see `pay.now.undone`)."""

    _inherit = 'account.partial.reconcile'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: what a person matches again is not undone any more."""
        partials = super().create(vals_list)
        if not self.env.context.get(const.BY_ITSELF):
            self.env['pay.now.undone'].sudo()._forget(partials)
        return partials

    def unlink(self):
        """Override of `account` to remember what a person takes apart."""
        if self and not self.env.context.get(const.BY_ITSELF):
            self.env['pay.now.undone'].sudo()._note(self)
        return super().unlink()

    # === BUSINESS METHODS === #

    def _pay_now_unreconcile(self):
        """Take apart what the books need apart: no person decided it, and it may be matched again.

        The only way in which the module does it.
        """
        self.with_context(**{const.BY_ITSELF: True}).unlink()
