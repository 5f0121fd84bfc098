# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError


class PayNowGenerateReminders(models.TransientModel):
    """Generate reminders: what to look at; the list comes before anything is sent."""

    _name = 'pay.now.generate.reminders'
    _description = "Generate reminders"
    _inherit = ['pay.now.notices']

    company_id = fields.Many2one(
        string="Company",
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
    )
    date_from = fields.Date(string="Due from")
    date_to = fields.Date(string="Due until")
    print_previous_balance = fields.Boolean(
        string="Print the customer's previous balance",
        help="Online payment is not offered when the previous balance is printed.",
    )

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for wizard in self:
            if wizard.date_from and wizard.date_to and wizard.date_from > wizard.date_to:
                raise UserError(self.env._("The first due date is after the last one."))

    # === ACTION METHODS === #

    def action_generate(self):
        """Make the list of customers, and show it."""
        self.ensure_one()
        if self.print_previous_balance and not self.date_from:
            raise UserError(
                self.env._(
                    "Say from which due date the items are listed: what is due before it is the"
                    " previous balance."
                )
            )
        run = self.env['pay.now.reminder.run'].create(
            {
                'company_id': self.company_id.id,
                'date_from': self.date_from,
                'date_to': self.date_to,
                'print_previous_balance': self.print_previous_balance,
            }
        )
        if not run._generate():
            raise UserError(self.env._("No customer has an item due in this range."))
        return {
            'type': 'ir.actions.act_window',
            'res_model': run._name,
            'res_id': run.id,
            'view_mode': 'form',
        }
