# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models


class AccountBankStatementLine(models.Model):
    """Lines of the bank statement are matched with the payouts that wait for the bank."""

    _inherit = 'account.bank.statement.line'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account` to match new lines with payouts that wait for the bank."""
        lines = super().create(vals_list)
        waiting = (
            self.env['pay.now.payout']
            .sudo()
            .search(
                [
                    ('company_id', 'in', lines.company_id.ids),
                    ('bank_state', '=', 'waiting'),
                    ('move_id', '!=', False),
                ]
            )
        )
        if waiting:
            waiting._match_bank(lines.sudo())
        return lines

    # === ACTION METHODS === #

    def action_pay_now_match(self):
        """Match the bank line with the payout that the list was opened for."""
        self.ensure_one()
        payout = self.env['pay.now.payout'].browse(self.env.context.get('pay_now_payout_id'))
        payout.check_access('write')
        item = payout.sudo()._transfer_lines().filtered(lambda line: not line.reconciled)[:1]
        payout.sudo()._match_with(self.sudo(), item)
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}
