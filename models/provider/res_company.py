# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models


class ResCompany(models.Model):
    """No account of the company's own is the clearing account of a provider."""

    _inherit = 'res.company'

    # === CONSTRAINT METHODS === #

    @api.constrains('transfer_account_id', 'account_journal_suspense_account_id')
    def _check_pay_now_clearing_account(self):
        """Refuse a transfer or suspense account that holds what a provider owes."""
        accounts = self.transfer_account_id | self.account_journal_suspense_account_id
        self.env['payment.provider']._pay_now_of_clearing(accounts).filtered(
            lambda provider: provider.company_id in self
        )._pay_now_check_accounts_apart()
