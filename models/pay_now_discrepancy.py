# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain


class PayNowDiscrepancy(models.Model):
    """Something about money that a person has to look at."""

    _name = 'pay.now.discrepancy'
    _description = "Online payment discrepancy"
    _inherit = ['mail.thread']
    _order = 'id desc'

    name = fields.Char(
        string="What happened",
        required=True,
        readonly=True,
        help="As it was noted, in the company's language: to search, and to tell it from another.",
    )
    kind = fields.Selection(
        string="Kind",
        selection=[
            ('surplus', "Paid more than open"),
            ('amount', "Amount differs"),
            ('currency', "Currency differs"),
            ('superseded', "Paid twice"),
            ('booking', "Could not be booked"),
            ('held', "Held by the provider"),
            ('settlement', "Converted by the provider"),
        ],
        required=True,
        readonly=True,
    )
    transaction_id = fields.Many2one(
        string="Transaction",
        comodel_name='payment.transaction',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='transaction_id.company_id', store=True, index=True)
    partner_id = fields.Many2one(related='transaction_id.partner_id')
    amount = fields.Monetary(string="Amount", readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    state = fields.Selection(
        string="Status",
        selection=[('open', "To handle"), ('done', "Handled"), ('dismissed', "Dismissed")],
        default='open',
        required=True,
        readonly=True,
        tracking=True,
    )
    note = fields.Char(string="What was done", tracking=True)

    _kind_once = models.UniqueIndex(
        "(transaction_id, kind) WHERE state = 'open'", "This is already in the list."
    )

    # === ACTION METHODS === #

    def action_done(self):
        """Mark the discrepancies as handled."""
        self.write({'state': 'done'})

    def action_reopen(self):
        """Put the discrepancies back on the list."""
        self.write({'state': 'open'})

    # === BUSINESS METHODS === #

    @api.model
    def _close_of(self, transactions, kind):
        """Close what is open about transactions because it came right by itself.

        :param payment.transaction transactions: the payments.
        :param str kind: one of the kinds.
        """
        self.sudo().search(
            Domain('transaction_id', 'in', transactions.ids)
            & Domain('kind', '=', kind)
            & Domain('state', '=', 'open')
        ).action_done()

    @api.model
    def _report(self, transaction, kind, code, details=None, amount=0.0):
        """Open a discrepancy, or leave the one already open for the same thing.

        :param payment.transaction transaction: the payment it is about.
        :param str kind: one of the kinds.
        :param str code: what happened, of `_message_templates`.
        :param dict details: values of the message, see `_write_message`.
        :param float amount: the amount in question, in the transaction's currency.
        :return: the discrepancy, open or dismissed.
        :rtype: pay.now.discrepancy
        """
        values = self._prepare(transaction, kind, code, amount, details or {})
        known = self.sudo().search(
            Domain('transaction_id', '=', transaction.id)
            & Domain('kind', '=', kind)
            # What somebody dismissed does not come back, unless it changes.
            & (
                Domain('state', '=', 'open')
                | Domain('state', '=', 'dismissed') & Domain('name', '=', values['name'])
            ),
            limit=1,
        )
        return known or self.sudo().create(values)

    @api.model
    def _prepare(self, transaction, kind, code, amount, details):
        """Return the values of a discrepancy; parameters as of `_report`.

        :rtype: dict
        """
        return {
            'name': self._write_message(transaction, code, details),
            'code': code,
            'details': details,
            'kind': kind,
            'transaction_id': transaction.id,
            'amount': amount,
            'currency_id': transaction.currency_id.id,
        }
