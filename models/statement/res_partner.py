# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.fields import Command


class ResPartner(models.Model):
    """A customer whose statement of account is printed or sent."""

    _inherit = 'res.partner'

    # === ACTION METHODS === #

    def action_pay_now_statement(self):
        """Ask for the days of the customers' statements of account.

        :return: the action of the wizard.
        :rtype: dict
        """
        action = self.env['ir.actions.actions']._for_xml_id(
            'account_pay_now.action_pay_now_prepare_statement'
        )
        action['context'] = {'default_partner_ids': [Command.set(self.commercial_partner_id.ids)]}
        return action

    def action_pay_now_statements(self):
        """Show the statements that were sent to the customers.

        :return: a window action.
        :rtype: dict
        """
        action = self.env['ir.actions.actions']._for_xml_id(
            'account_pay_now.action_pay_now_customer_statement'
        )
        action['domain'] = [
            ('partner_id.commercial_partner_id', 'in', self.commercial_partner_id.ids)
        ]
        action['context'] = {}
        return action
