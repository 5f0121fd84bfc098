# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class PayNowProof(models.TransientModel):
    """Asks for the day of a balance, or the month of a statement."""

    _name = 'pay.now.proof'
    _inherit = ['pay.now.authority.mixin']
    _description = "Balance at the providers on a day, or their statement"
    _pay_now_written_by = dict.fromkeys(
        (
            'kind',
            'date',
        ),
        True,
    )

    kind = fields.Selection(
        string="Show",
        selection=[
            ('balance', "The balance at the end of a day"),
            ('statement', "The statement of a month"),
        ],
        default='balance',
        required=True,
    )
    date = fields.Date(string="Day", default=lambda self: self._last_month_end(), required=True)
    first = fields.Date(compute='_compute_period')
    last = fields.Date(compute='_compute_period')

    # === COMPUTE METHODS === #

    @api.depends('date')
    def _compute_period(self):
        for one in self:
            one.first = one.date and one.date.replace(day=1)
            one.last = one.first and one.first + relativedelta(months=1, days=-1)

    @api.model
    def _last_month_end(self):
        """Return the last day of the month that is over.

        :rtype: datetime.date
        """
        return self.env.company._pay_now_today().replace(day=1) - relativedelta(days=1)

    # === ACTION METHODS === #

    def action_show(self):
        """Show what was asked for.

        :return: the action of the balances or statements.
        :rtype: dict
        :raise UserError: of a day to come.
        """
        self.ensure_one()
        self.check_access('write')
        if self.kind == 'statement':
            if self.first > self.env.company._pay_now_today():
                raise UserError(self.env._("This month has not begun yet."))
            return self.env['pay.now.statement']._open_of(self.first, self.last)
        if self.date > self.env.company._pay_now_today():
            raise UserError(self.env._("This day has not come yet."))
        return self.env['pay.now.balance']._open_of(self.date)
