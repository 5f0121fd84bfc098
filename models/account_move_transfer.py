# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class AccountMove(models.Model):
    """Where invoices are paid by bank transfer, for customers who do not pay online."""

    _inherit = 'account.move'

    # === BUSINESS METHODS - TRANSFER === #

    def _pay_now_transfer_accounts(self):
        """Return the bank account for a transfer of each invoice.

        :return: `{invoice: account}` of those that there is an account to show for.
        :rtype: dict
        """
        accounts = {}
        for moves in self.grouped('partner_bank_id').values():
            alike = [moves]
            if len(moves.company_id) > 1 or len(moves.currency_id) > 1:
                alike = moves.grouped(lambda move: (move.company_id, move.currency_id)).values()
            for group in alike:
                if account := group[0]._pay_now_transfer_account():
                    accounts.update(dict.fromkeys(group, account))
        return accounts

    def _pay_now_transfer_account(self):
        """Return the bank account for a transfer: the invoice's own, else the company's first.

        Never one of our providers': what is transferred there arrives nowhere.

        :rtype: res.partner.bank (sudo)
        """
        self.ensure_one()
        move = self.sudo()
        account = move.partner_bank_id.filtered('active')
        if account:
            providers = move.company_id.parent_ids.pay_now_provider_ids
            if not account.journal_id & providers._pay_now_journals():
                return account
        # Like Odoo: rather an account in the invoice's currency, or in none.
        return move.company_id.pay_now_transfer_account_ids.sorted(
            lambda account: bool(account.currency_id - move.currency_id)
        )[:1]
