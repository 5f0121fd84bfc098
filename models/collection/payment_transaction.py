# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from datetime import timedelta

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
    pay_now_expected_payout = fields.Date(
        string="Payout expected on",
        compute='_compute_pay_now_payout_id',
        compute_sudo=True,
        help="When the provider will probably pay it out, by the schedule that is set there. It is"
        " at the bank some days later.",
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
            of_tx = by_tx.get(tx._origin, movements.browse())
            payout = of_tx.payout_id[:1]
            tx.pay_now_payout_id = payout
            tx.pay_now_arrives_at = payout.arrives_at
            tx.pay_now_expected_payout = not payout and tx._pay_now_find_expected_payout(of_tx)

    # === BUSINESS METHODS === #

    def _pay_now_find_expected_payout(self, movements):
        """Return when a payment that is in no payout yet will probably be paid out.

        Not in the past: what should have left long ago is in a payout that is not known.

        :param pay.now.movement movements: of the payment, as far as they are listed.
        :rtype: datetime.date | bool
        """
        provider = self.provider_id
        if (
            self.state != 'done'
            or self.operation == 'refund'
            or not provider.pay_now_payout_interval
        ):
            return False
        available = movements[:1].available_at
        if not available and self.pay_now_paid_at and provider.pay_now_payout_delay:
            available = self.pay_now_paid_at + timedelta(days=provider.pay_now_payout_delay)
        expected = available and provider._pay_now_expected_payout(available.date())
        return bool(expected) and expected >= fields.Date.today() and expected
