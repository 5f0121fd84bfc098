# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections.abc import Collection
from datetime import date, datetime

from odoo import api, fields, models


class PayNowFigureMixin(models.AbstractModel):
    """One figure of a sheet, and the records that it is made of.

    A model of it says which figures there are (`code`), and whose they are.
    """

    _name = 'pay.now.figure.mixin'
    _description = "Figure, and what it is made of"
    _order = 'id'

    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    amount = fields.Monetary(readonly=True)
    number = fields.Integer(string="Count", readonly=True)
    model = fields.Char(readonly=True)
    domain = fields.Json(readonly=True)

    # === ACTION METHODS === #

    def action_open(self):
        """Open what the figure is made of.

        :return: the action of a list of movements or journal items.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': dict(self._fields['code']._description_selection(self.env))[self.code],
            'res_model': self.model,
            'view_mode': 'list,form',
            'help': self.env['pay.now.sheet.mixin']._nothing_help(),
            'domain': self.domain,
            'context': {'create': False},
        }

    # === BUSINESS METHODS === #

    @api.model
    def _figure(self, code, amount, model, domain):
        """Return the values of a figure.

        :param str code: which one.
        :param float amount: how much.
        :param model: of what it is made of.
        :type model: str | bool
        :param Domain domain: of these records.
        :rtype: dict
        """
        found = self.env[model].sudo().search_count(domain) if model else 0
        return {
            'code': code,
            'amount': amount,
            'number': found,
            'model': model if found else False,
            'domain': found and _kept(list(domain)),
        }


def _kept(value):
    """Return a domain, or a part of one, as JSON can hold it."""
    if isinstance(value, datetime):
        return fields.Datetime.to_string(value)
    if isinstance(value, date):
        return fields.Date.to_string(value)
    if isinstance(value, Collection) and not isinstance(value, str):
        return [_kept(one) for one in value]
    return value
