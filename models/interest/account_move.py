# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    """Debit notes for interest: none comes back whose days were booked anew."""

    _inherit = 'account.move'

    # === BUSINESS METHODS === #

    def _check_draftable(self):
        """Override of `account`: once it was cancelled or credited, its days may be booked anew.

        :raise UserError: they were: with both, they would be asked for twice.
        """
        result = super()._check_draftable()
        # Odoo asks it of each entry of the database: most are neither debit nor credit notes.
        documents = self.filtered(lambda move: move.move_type in ('out_invoice', 'out_refund'))
        if documents and (taken := self.env['pay.now.interest']._booked_anew(documents)):
            raise UserError(
                self.env._(
                    "%(note)s stays as it is: its interest or indemnity was booked anew as"
                    " %(other)s. Cancel that one first, or book what is missing from the reminder.",
                    note=taken[0].display_name,
                    other=taken[1].display_name,
                )
            )
        return result
