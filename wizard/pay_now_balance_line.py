# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain

#: Which are left out where they are nothing.
ONLY_SOME = ('unlisted', 'early')


class PayNowBalanceLine(models.TransientModel):
    """One figure of the balance at a provider, and what it is made of."""

    _name = 'pay.now.balance.line'
    _description = "Figure of the balance at a provider"
    _inherit = ['pay.now.authority.mixin', 'pay.now.figure.mixin']

    balance_id = fields.Many2one(
        comodel_name='pay.now.balance', required=True, readonly=True, ondelete='cascade'
    )
    # In the order in which they add up.
    code = fields.Selection(
        string="Figure",
        selection=[
            ('opening', "Balance when connected"),
            ('booked', "+ Movements booked"),
            ('waiting', "+ Movements not booked yet"),
            ('foreign', "+ Movements not started here"),
            ('unlisted', "+ Not in the provider's list yet"),
            ('balance', "= Balance at the provider"),
            ('early', "+ Booked before it moved there"),
            ('expected', "Should be on the clearing account"),
            ('clearing', "On the clearing account"),
            ('gap', "Gap"),
        ],
        required=True,
        readonly=True,
    )
    currency_id = fields.Many2one(related='balance_id.currency_id')

    # === BUSINESS METHODS === #

    @api.model
    def _values_of(self, provider, terms, date=None):
        """Return the figures of a provider's balance, with what each is made of.

        :param payment.provider provider: whose balance it is.
        :param dict terms: see `payment.provider._pay_now_clearing_equation`.
        :param datetime.date date: at its end; none for now.
        :rtype: list of dict
        """
        made_of = provider._pay_now_balance_domains(date)
        values = []
        for code, _label in self._fields['code'].selection:
            amount = terms[code]
            if code in ONLY_SOME and not amount:
                continue
            model, domain = made_of.get(code, (False, None))
            values.append(self._figure(code, amount, model, domain))
        return values

    def _movements(self):
        """Return the movements that the figures are made of.

        :rtype: pay.now.movement
        """
        Movement = self.env['pay.now.movement']
        lines = self.filtered(lambda line: line.model == Movement._name)
        if not lines:
            return Movement
        return Movement.search(Domain.OR(map(Domain, lines.mapped('domain'))), order='occurred_at')
