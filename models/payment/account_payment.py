# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

from odoo.addons.account_pay_now import const


class AccountPayment(models.Model):
    """The entries of our transactions' payments, and what is reconciled: their receivable lines."""

    _inherit = 'account.payment'

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
