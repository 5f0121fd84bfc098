# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PayNowStatementLine(models.TransientModel):
    """One figure of a provider's statement, and the movements it is the sum of."""

    _name = 'pay.now.statement.line'
    _description = "Figure of a provider's statement"
    _inherit = ['pay.now.authority.mixin', 'pay.now.figure.mixin']

    statement_id = fields.Many2one(
        comodel_name='pay.now.statement', required=True, readonly=True, ondelete='cascade'
    )
    # In the order in which they add up.
    code = fields.Selection(
        string="Figure",
        selection=[
            ('opening', "Opening balance"),
            ('payment', "Payments"),
            ('commission', "Commissions"),
            ('refund', "Refunds"),
            ('dispute', "Disputes"),
            ('other', "Other movements"),
            ('payout', "Payouts"),
            ('payout_failure', "Payouts that came back"),
            ('closing', "Closing balance"),
        ],
        required=True,
        readonly=True,
    )
    currency_id = fields.Many2one(related='statement_id.currency_id')

    # === BUSINESS METHODS === #

    @api.model
    def _kinds(self):
        """Return the codes of the figures that together are all movements of the period.

        :rtype: list
        """
        return [kind for kind, _label in self.env['pay.now.movement']._fields['kind'].selection]

    @api.model
    def _values_of(self, found):
        """Return the figures of a statement.

        :param dict found: see `payment.provider._pay_now_statement`.
        :rtype: list of dict
        """
        return [
            self._figure(code, found[code][0], 'pay.now.movement', found[code][1])
            for code, _label in self._fields['code'].selection
        ]
