# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class PayNowBookedMixin(models.AbstractModel):
    """Records that entries are made for by themselves: one that a person deleted is not made again.

    `const.ENTRIES` names the fields.
    """

    _name = 'pay.now.booked.mixin'
    _description = "What entries are made for"

    pay_now_deleted = fields.Json(
        string="Entries deleted by a person",
        readonly=True,
        copy=False,
        help="The fields whose entry a person deleted: it is not made again by itself.",
    )

    # === BUSINESS METHODS - ENTRIES === #

    def _pay_now_to_book(self, field):
        """Return the records that have no entry yet, but for those whose entry a person deleted.

        :param str field: of `const.ENTRIES`.
        """
        return self.filtered(
            lambda one: not one[field] and field not in (one.pay_now_deleted or ())
        )

    def _pay_now_may_book_again(self):
        """Let entries be made again that a person deleted: a person asks for it."""
        self.filtered('pay_now_deleted').pay_now_deleted = False

    def _pay_now_note_deleted(self, field):
        """Note that a person deletes the entry of a field."""
        for record in self.sudo():
            record.pay_now_deleted = sorted({*(record.pay_now_deleted or ()), field})
