# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.exceptions import AccessError

from odoo.addons.account_pay_now import const


class AccountPayment(models.Model):
    """The entries of our transactions' payments, and what is reconciled: their receivable lines."""

    _inherit = 'account.payment'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: nobody makes an entry of a payment of ours by hand.

        :raise AccessError: if somebody tries.
        """
        name = 'payment_transaction_id'
        default = self.env.context.get(f'default_{name}')
        self._pay_now_check_link(vals.get(name, default) for vals in vals_list)
        return super().create(vals_list)

    def write(self, vals):
        """Override of `account`: nobody links an entry with a payment of ours by hand.

        What counts as booked, and what can be refunded, is asked of these links.

        :raise AccessError: if somebody tries.
        """
        if 'payment_transaction_id' in vals:
            linked = self.payment_transaction_id.ids
            self._pay_now_check_link([*linked, vals['payment_transaction_id']])
        return super().write(vals)

    def copy_data(self, default=None):
        """Override of `account`: a duplicate is not the payment that was made online."""
        vals_list = super().copy_data(default)
        if 'payment_transaction_id' in (default or {}):
            return vals_list
        for payment, vals in zip(self, vals_list, strict=True):
            if payment.payment_transaction_id.sudo()._pay_now_ours():
                vals['payment_transaction_id'] = False
        return vals_list

    @api.model
    def _pay_now_check_link(self, transaction_ids):
        """Refuse to link payments of ours with entries in somebody's name.

        :param transaction_ids: what would be linked, or not any more; empty ones among them.
        :raise AccessError: if one of them is ours.
        """
        if self.env.su:
            return
        txs = self.env['payment.transaction'].sudo().browse(filter(None, transaction_ids))
        if txs.exists()._pay_now_ours():
            raise AccessError(
                self.env._("Entries of online payments are made by Pay Now, not by hand.")
            )

    # === ACTION METHODS === #

    def action_pay_now_story(self):
        """Show what happened to the payment.

        :return: the action of the screen.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        return self.payment_transaction_id.action_pay_now_story()

    # === BUSINESS METHODS === #

    def _generate_journal_entry(self, write_off_line_vals=None, force_balance=None, line_ids=None):
        """Override of `account` to link the entries of our payments all at once.

        Odoo makes them at once too, and then writes one link after another: each time it looks for
        all that depends on it, which takes as long as the rest of booking.
        """
        others = self.filtered(
            lambda one: one.payment_transaction_id.provider_code not in const.PROVIDER_CODES
        )
        if others or write_off_line_vals or force_balance or line_ids:
            return super()._generate_journal_entry(write_off_line_vals, force_balance, line_ids)
        payments = self.filtered(
            lambda payment: not payment.move_id and payment.outstanding_account_id
        )
        moves = self.env['account.move'].create(
            [payment._pay_now_generate_entry() for payment in payments]
        )
        with self.env.protecting([self._fields['move_id']], payments):
            for payment, move in zip(payments, moves, strict=True):
                payment.move_id = move
        payments.modified(['move_id'])
        payments.state = 'in_process'
        return None

    def _pay_now_generate_entry(self):
        """Return the values of the payment's entry.

        What the customer owes and what the provider owes are neither cost nor revenue: no analytic
        rule is looked for, which Odoo does for each item.

        :rtype: dict
        """
        values = self._generate_move_vals()
        accounts = (self.outstanding_account_id.id, self.destination_account_id.id)
        for _command, _id, line in values['line_ids']:
            if line['account_id'] in accounts:
                line.setdefault('analytic_distribution', False)
        return values

    def _pay_now_counterpart_lines(self):
        """Return the receivable lines of the payments.

        :rtype: account.move.line
        """
        return self.move_id.line_ids.filtered(
            lambda line: line.account_id == line.move_id.origin_payment_id.destination_account_id
        )
