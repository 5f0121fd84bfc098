# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models

from odoo.addons.account_pay_now.wizard.pay_now_sheet_mixin import kept_domain


class PayNowStatementLine(models.TransientModel):
    """One figure of a provider's statement, and the movements it is the sum of."""

    _name = 'pay.now.statement.line'
    _inherit = ['pay.now.authority.mixin']
    _description = "Figure of a provider's statement"
    _order = 'id'

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
    amount = fields.Monetary(string="Amount", readonly=True)
    number = fields.Integer(string="Count", readonly=True)
    domain = fields.Json(readonly=True)

    # === ACTION METHODS === #

    def action_open(self):
        """Open the movements that the figure is the sum of."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': dict(self._fields['code']._description_selection(self.env))[self.code],
            'res_model': 'pay.now.movement',
            'view_mode': 'list,form',
            'domain': self.domain,
            'context': {'create': False},
        }

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
        Movement = self.env['pay.now.movement'].sudo()
        values = []
        for code, _label in self._fields['code'].selection:
            amount, domain = found[code]
            number = Movement.search_count(domain)
            values.append(
                {
                    'code': code,
                    'amount': amount,
                    'number': number,
                    'domain': number and kept_domain(domain),
                }
            )
        return values
