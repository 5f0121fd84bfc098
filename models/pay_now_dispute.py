# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import format_datetime

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.gateways import GATEWAYS
from odoo.addons.account_pay_now.gateways.errors import GatewayUnavailable

#: States in which nothing is decided yet.
UNDECIDED = ('inquiry', 'open')


class PayNowDispute(models.Model):
    """A payer asks PayPal or the bank for the money back."""

    _name = 'pay.now.dispute'
    _description = "Payment dispute"
    _inherit = ['pay.now.provider.object.mixin', 'mail.thread', 'mail.activity.mixin']
    _order = 'due_at, id desc'
    _check_company_auto = True
    _subject = 'dispute'
    _lookback_days = const.DISPUTE_LOOKBACK_DAYS

    name = fields.Char(string="Dispute", compute='_compute_name')
    dispute_ref = fields.Char(string="Dispute id", required=True, readonly=True)
    reversal_ref = fields.Char(
        string="Reversal id",
        readonly=True,
        help="PayPal took the money back under this id, before or without a dispute.",
    )
    transaction_id = fields.Many2one(
        string="Payment",
        comodel_name='payment.transaction',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
    )
    partner_id = fields.Many2one(related='transaction_id.partner_id', store=True, index=True)
    state = fields.Selection(
        string="Status",
        selection=[
            ('inquiry', "Inquiry"),
            ('open', "Open"),
            ('won', "Won"),
            ('lost', "Lost"),
            ('closed', "Closed"),
        ],
        required=True,
        readonly=True,
        tracking=True,
        index=True,
    )
    needs_response = fields.Boolean(string="To answer", readonly=True)
    due_at = fields.Datetime(string="Answer until", readonly=True)
    opened_at = fields.Datetime(string="Opened on", readonly=True)
    reason = fields.Char(string="Code of the reason", readonly=True)
    movement_ids = fields.One2many(
        string="Movements", comodel_name='pay.now.movement', inverse_name='dispute_id'
    )
    withdrawn = fields.Monetary(
        string="Withdrawn", compute='_compute_withdrawn', help="What the provider holds or took."
    )
    loss_move_id = fields.Many2one(
        string="Entry of the loss", comodel_name='account.move', readonly=True, check_company=True
    )
    loss_amount = fields.Monetary(string="Lost amount", readonly=True)
    told = fields.Boolean(readonly=True, help="The accountant has been told.")

    _dispute_once = models.UniqueIndex(
        '(provider_id, dispute_ref)', "This dispute is stored already."
    )
    _loss_once = models.UniqueIndex(
        '(loss_move_id) WHERE loss_move_id IS NOT NULL', "An entry belongs to one dispute."
    )

    # === COMPUTE METHODS === #

    @api.depends('transaction_id', 'dispute_ref')
    @api.depends_context('lang')
    def _compute_name(self):
        for dispute in self:
            dispute.name = self.env._(
                "Dispute of %s", dispute.transaction_id.sudo().reference or dispute.dispute_ref
            )

    @api.depends('movement_ids.amount')
    def _compute_withdrawn(self):
        for dispute in self:
            dispute.withdrawn = -sum(dispute.movement_ids.mapped('amount'))

    # === BUSINESS METHODS - STORING === #

    @api.model
    def _ours(self, provider, found):
        """Override of `pay.now.provider.object.mixin`: those about payments of ours.

        Nobody else reads these payments meanwhile.

        :raise GatewayUnavailable: one is being processed at this moment.
        """
        payments = self._payments(provider, found)
        found = [one for one in found if one.id in payments]
        if GATEWAYS[provider.code].tells_disputes_as_refunds:
            moved = self.env['payment.transaction'].union(
                *(payments[one.id] for one in found if one.movements)
            )
            if moved.try_lock_for_update() != moved:
                raise GatewayUnavailable("The payment is being processed elsewhere.")
            # Written, not only locked: who began to read it before has to begin again, else
            # they would take for a refund what is stored here.
            moved.pay_now_last_sync = fields.Datetime.now()
        return found

    @api.model
    def _payments(self, provider, found):
        """Return the payments of ours that disputes are about, by the disputes' ids."""
        return self.env['pay.now.movement']._payments_of(provider, found)

    @api.model
    def _known(self, provider, found):
        """Override of `pay.now.provider.object.mixin`: one case may come twice."""
        payments = self._payments(provider, found)
        cases = {one.id: self._case_of(payments[one.id], one) for one in found}
        return {ref: case for ref, case in cases.items() if case}

    @api.model
    def _case_of(self, payment, one):
        """Return the record of a dispute.

        PayPal may report one case twice: as a dispute, and as a reversal of the payment, in either
        order. It is one case, and its money moved once.

        :param payment.transaction payment: what is disputed.
        :param gateways.base.Dispute one: what the provider says.
        :rtype: pay.now.dispute
        """
        cases = payment.pay_now_dispute_ids.sorted('id')
        same = cases.filtered(lambda case: one.id in (case.dispute_ref, case.reversal_ref))
        if same:
            return same[0]
        if one.reversal:
            # What was won is back; what is taken back after that is another case.
            return cases.filtered(
                lambda case: not case.reversal_ref and (case.state != 'won' or not one.movements)
            )[:1]
        return cases.filtered(lambda case: case.reversal_ref == case.dispute_ref)[:1]

    @api.model
    def _values(self, provider, one):
        """Override of `pay.now.provider.object.mixin`: a dispute is about a payment."""
        return {
            **super()._values(provider, one),
            'transaction_id': self._payments(provider, [one])[one.id].id,
            'opened_at': utils.naive_utc(one.created_at),
        }

    def _update(self, one):
        """Override of `pay.now.provider.object.mixin`: what the provider says now, and movements.

        A reversal says nothing about the dispute it belongs to but that its money is gone.
        """
        self.ensure_one()
        vals = {'reversal_ref': one.id} if one.reversal else {'dispute_ref': one.id}
        if not one.reversal or self.dispute_ref == one.id:
            vals.update(
                {
                    'state': one.state,
                    'amount': float(one.amount),
                    'needs_response': one.needs_response,
                    'due_at': utils.naive_utc(one.due_at),
                    'reason': one.reason,
                    'url': one.url,
                }
            )
        self._write_changes(vals)
        self._store_movements(one)

    # === BUSINESS METHODS - NOTIFYING === #

    def _notify_accountant(self):
        """Notify the accountant, once, and the payment's followers, whenever the state changes."""
        for dispute in self:
            if dispute.state in UNDECIDED and not dispute.told:
                dispute.told = True
                dispute.activity_schedule(
                    'mail.mail_activity_data_todo',
                    date_deadline=dispute.due_at and dispute.due_at.date(),
                    summary=self.env._("Answer the dispute at the provider"),
                    user_id=dispute.company_id._pay_now_accountant().id,
                )
                dispute._note(
                    self.env._(
                        "%(customer)s disputes %(amount)s. Answer until %(date)s: %(url)s",
                        customer=dispute.partner_id.name,
                        amount=dispute.currency_id.format(dispute.amount),
                        date=format_datetime(self.env, dispute.due_at) if dispute.due_at else "–",
                        url=dispute.url or '',
                    )
                )
            elif dispute.state not in UNDECIDED and dispute.told:
                dispute.activity_unlink(['mail.mail_activity_data_todo'])

    def _note(self, message):
        """Leave a note on the dispute, its payment and the invoices paid by it."""
        self.ensure_one()
        self.message_post(body=message)
        tx = self.transaction_id
        # Not booked yet when the dispute's event comes first.
        for payment in tx.payment_id:
            payment.message_post(body=message)
        for invoice in tx.pay_now_item_ids.line_id.move_id:
            invoice._message_log(body=message)
