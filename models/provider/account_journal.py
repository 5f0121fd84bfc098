# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models


class AccountJournal(models.Model):
    """No other journal stands on the clearing account of a provider."""

    _inherit = 'account.journal'

    # === CONSTRAINT METHODS === #

    @api.constrains('default_account_id', 'suspense_account_id')
    def _check_pay_now_clearing_account(self):
        """Refuse a bank that stands on what a provider owes."""
        accounts = self.default_account_id | self.suspense_account_id
        self.env['payment.provider']._pay_now_of_clearing(accounts).filtered(
            lambda provider: provider.company_id in self.company_id
        )._pay_now_check_accounts_apart()
