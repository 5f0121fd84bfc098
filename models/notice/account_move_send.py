# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models

from odoo.addons.account_pay_now.models.notice.account_move import NOT_HANDED_OVER


class AccountMoveSend(models.AbstractModel):
    """Which ways an invoice really went, once all of them were tried."""

    _inherit = 'account.move.send'

    @api.model
    def _hook_if_success(self, moves_data, from_cron=False):
        """Override of `account` to note how invoices left, and have the customers notified.

        The Send window, its batch and the automatic sending all come through here, each with what
        did not fail.
        """
        result = super()._hook_if_success(moves_data, from_cron=from_cron)
        ways = {move: self._pay_now_ways(move, data) for move, data in moves_data.items()}
        self.env['account.move']._pay_now_note_sent(ways)
        return result

    @api.model
    def _pay_now_ways(self, move, move_data):
        """Return the ways that a document has just gone.

        :param account.move move: the document.
        :param dict move_data: how it was sent, as core keeps it.
        :return: codes of `res.partner.invoice_sending_method`.
        :rtype: list of str
        """
        methods = move_data['sending_methods']
        if not methods:
            # The Send window offers no *Download*: of whom it is the way, the PDF is generated.
            customer = move.commercial_partner_id.with_company(move.company_id)
            return ['manual'] if customer.invoice_sending_method == 'manual' else []
        return [method for method in methods if self._pay_now_went(method, move, move_data)]

    @api.model
    def _pay_now_went(self, method, move, move_data):
        """Tell whether a document has gone by a way that was chosen for it.

        :param str method: a code of `res.partner.invoice_sending_method`.
        :param account.move move: the document.
        :param dict move_data: see `_pay_now_ways`.
        :rtype: bool
        """
        if state := move._pay_now_delivery_field(method):
            # Sent by it, the way is not applicable any more.
            return move[state] not in NOT_HANDED_OVER
        if not self._is_applicable_to_move(method, move, **move_data):
            return False
        return method != 'email' or bool(move.partner_id.email or move_data.get('mail_partner_ids'))
