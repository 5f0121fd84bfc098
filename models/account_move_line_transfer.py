# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

from odoo.addons.account_pay_now import utils


class AccountMoveLine(models.Model):
    """How items are paid by bank transfer, for customers who do not pay online."""

    _inherit = 'account.move.line'

    # === BUSINESS METHODS - TRANSFER === #

    def _pay_now_transfers(self, accounts=None):
        """Say to which account the items are transferred, and which reference to quote.

        :param dict accounts: `{invoice: account}` of many invoices, where it is known already.
        :return: for each account `holder`, `number`, `is_iban`, `bank`, `bic`, and `references`:
            dicts of `invoice`, `reference`, `amount` and `currency`, one for each invoice. Empty
            where the company has no account to show.
        :rtype: list of dict
        """
        accounts = self.move_id._pay_now_transfer_accounts() if accounts is None else accounts
        if not accounts:
            return []
        amounts, by_account = {}, {}
        for line in self:
            move = line.move_id
            amounts[move] = amounts.get(move, 0.0) + line.amount_residual_currency
        for move, amount in amounts.items():
            if account := accounts.get(move):
                by_account.setdefault(account, []).append(
                    {
                        'invoice': move.name,
                        'reference': move.payment_reference or move.name,
                        'amount': amount,
                        'currency': move.currency_id,
                    }
                )
        return [
            {
                'holder': account.acc_holder_name or account.partner_id.name,
                'number': utils.group_by_four(account.sanitized_acc_number)
                if account.acc_type == 'iban'
                else account.acc_number,
                'is_iban': account.acc_type == 'iban',
                'bank': account.bank_name,
                'bic': account.bank_bic,
                'references': references,
                'by_number': all(each['reference'] == each['invoice'] for each in references),
            }
            for account, references in by_account.items()
        ]
