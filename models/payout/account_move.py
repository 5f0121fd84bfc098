# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class AccountMove(models.Model):
    """Entries of payouts.

    Odoo asks of each entry that is posted or reconciled which payouts depend on it. Of one that it
    made a moment ago these fields say without a query that there is none.
    """

    _inherit = 'account.move'

    pay_now_payout_ids = fields.One2many(
        string="Payouts",
        comodel_name='pay.now.payout',
        inverse_name='move_id',
        groups='account.group_account_invoice,account.group_account_readonly',
    )
    pay_now_returned_payout_ids = fields.One2many(
        string="Payouts that came back",
        comodel_name='pay.now.payout',
        inverse_name='reversal_move_id',
        groups='account.group_account_invoice,account.group_account_readonly',
    )
