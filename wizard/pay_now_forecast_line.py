# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PayNowForecastLine(models.TransientModel):
    """What tomorrow's automatic run would do with one customer; nothing is sent from here."""

    _name = 'pay.now.forecast.line'
    _inherit = ['pay.now.authority.mixin']
    _description = "Reminder of tomorrow"
    _order = 'amount_due desc, id'

    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        string="Customer", comodel_name='res.partner', required=True, readonly=True
    )
    level_id = fields.Many2one(comodel_name='pay.now.reminder.level', readonly=True)
    oldest_due = fields.Date(string="Oldest due date", readonly=True)
    item_count = fields.Integer(string="Invoices", readonly=True)
    amount_due = fields.Monetary(
        string="Amount due", readonly=True, help="In the company's currency."
    )
    amount_payable = fields.Monetary(string="Payable online", readonly=True)
    has_button = fields.Boolean(string="Button", readonly=True)
    outcome = fields.Selection(
        selection=[('send', "Would be sent"), ('skip', "Would not be sent")],
        required=True,
        readonly=True,
    )
    # A text, to group by: nobody but whoever opened the list reads it, in the language it was made
    # in, and it is made anew each time.
    reason = fields.Char(readonly=True)

    # === BUSINESS METHODS === #

    @api.model
    def _open(self, company):
        """Make the list anew and show it.

        :param res.company company: the company whose customers would be reminded.
        :return: a window action.
        :rtype: dict
        """
        own = [('create_uid', '=', self.env.uid), ('company_id', '=', company.id)]
        self.sudo().search(own).unlink()
        rows = self.env['pay.now.reminder.run']._forecast(company)
        # With sudo: nobody makes them up.
        self.sudo().create([{**row, 'company_id': company.id} for row in rows])
        action = self.env['ir.actions.actions']._for_xml_id(
            'account_pay_now.action_pay_now_forecast'
        )
        action['domain'] = own
        return action
