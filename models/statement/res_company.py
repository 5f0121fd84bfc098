# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain


class ResCompany(models.Model):
    """Whether the company sends statements of account by itself."""

    _inherit = 'res.company'
    _pay_now_written_by = {'pay_now_statement_monthly': True}

    pay_now_statement_monthly = fields.Boolean(
        string="Send statements of account every month",
        # Somebody ticks it: all customers get a mail.
        copy=False,
        help="In the first days of a month each customer with an e-mail address gets the statement"
        " of the month before, if something is open or moved in it. Who is to get none: tick it on"
        " the customer's form.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_statement_monthly')
    def _check_pay_now_statement_monthly(self):
        """Nothing is to be sent that cannot leave.

        :raise UserError: without a mail server.
        """
        if any(company.pay_now_statement_monthly for company in self):
            self._pay_now_require_mail_server()

    # === BUSINESS METHODS === #

    def _pay_now_statements_since(self, moment):
        """Return how many statements of account a company and its branches have mailed.

        :param datetime.datetime moment: since when, in UTC.
        :rtype: int
        """
        self.ensure_one()
        statements = self.env['pay.now.customer.statement'].sudo()
        return statements.search_count(
            Domain('company_id', 'child_of', self.id)
            & Domain('state', 'in', ('sending', 'sent', 'uncertain', 'failed'))
            & Domain('sent_at', '>=', moment)
        )
