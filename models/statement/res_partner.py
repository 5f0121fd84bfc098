# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.fields import Command, Domain


class ResPartner(models.Model):
    """A customer whose statement of account is printed or sent."""

    _inherit = 'res.partner'
    _pay_now_written_by = {'pay_now_no_statement': 'account.group_account_invoice'}

    pay_now_no_statement = fields.Boolean(
        string="No monthly statement",
        company_dependent=True,
        help="No statement of account leaves to this customer by itself. A person sends one all the"
        " same.",
    )

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

    # === BUSINESS METHODS === #

    def _pay_now_wanting_statements(self, company):
        """Return the customers that get a statement every month.

        Those whom neither the company nor one of its branches excludes: the statement is of all of
        them.

        :param res.company company: who sends statements.
        :rtype: res.partner
        """
        without = Domain('id', 'in', self.ids) & Domain('pay_now_no_statement', '=', True)
        wanting = self
        every = self.env['res.company'].sudo().with_context(active_test=False)
        for one in every.search([('id', 'child_of', company.id)]):
            partners = self.sudo().with_context(active_test=False).with_company(one)
            wanting -= partners.search(without)
        return wanting
