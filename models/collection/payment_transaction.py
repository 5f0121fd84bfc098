# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re

from odoo import api, fields, models

#: The page of a reminder, as a payment notes it; for SQL, too.
REMINDER_PAGE = r'^/pay_now/reminder/([0-9]+)/'


class PaymentTransaction(models.Model):
    """Where a payment comes from, and where its money is.

    For whoever may read the payment: administrators of providers have no rights in the accounting.
    """

    _inherit = 'payment.transaction'

    pay_now_reminder_id = fields.Many2one(
        string="From the reminder",
        comodel_name='pay.now.reminder',
        compute='_compute_pay_now_reminder_id',
        compute_sudo=True,
        help="The reminder whose page the payer came from.",
    )
    pay_now_net = fields.Monetary(
        string="Net",
        compute='_compute_pay_now_net',
        help="Less the commission; empty as long as that is not known.",
    )
    pay_now_payout_id = fields.Many2one(
        string="Payout",
        comodel_name='pay.now.payout',
        compute='_compute_pay_now_payout_id',
        compute_sudo=True,
    )
    pay_now_arrives_at = fields.Datetime(
        string="At the bank on",
        compute='_compute_pay_now_payout_id',
        compute_sudo=True,
        help="When the provider expects the payout to arrive.",
    )

    # === COMPUTE METHODS === #

    @api.depends('pay_now_page_url')
    def _compute_pay_now_reminder_id(self):
        found = {
            tx: int(page[1])
            for tx in self
            if (page := re.match(REMINDER_PAGE, tx.pay_now_page_url or ''))
        }
        there = set(self.env['pay.now.reminder'].search([('id', 'in', [*found.values()])]).ids)
        for tx in self:
            tx.pay_now_reminder_id = found[tx] if found.get(tx) in there else False

    @api.depends('pay_now_received', 'pay_now_commission', 'pay_now_commission_state')
    def _compute_pay_now_net(self):
        for tx in self:
            known = tx.pay_now_commission_state in ('known', 'booked', 'failed', 'imported')
            tx.pay_now_net = tx.pay_now_received - tx.pay_now_commission if known else False

    def _compute_pay_now_payout_id(self):
        movements = self.env['pay.now.movement'].search(
            [('transaction_id', 'in', self.ids), ('kind', '=', 'payment')]
        )
        by_tx = movements.grouped('transaction_id')
        for tx in self:
            payout = by_tx.get(tx._origin, movements.browse()).payout_id[:1]
            tx.pay_now_payout_id = payout
            tx.pay_now_arrives_at = payout.arrives_at
