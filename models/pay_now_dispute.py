# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
from datetime import timezone

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_datetime, mute_logger

from .. import const
from ..gateways.errors import GatewayError, GatewayNotFound, GatewayUnavailable

#: States in which nothing is decided yet.
UNDECIDED = ('inquiry', 'open')


class PayNowDispute(models.Model):
    """A payer asks PayPal or the bank for the money back."""

    _name = 'pay.now.dispute'
    _description = "Payment dispute"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'due_at, id desc'
    _check_company_auto = True

    name = fields.Char(string="Dispute", compute='_compute_name')
    provider_id = fields.Many2one(
        string="Provider",
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='restrict',
    )
    company_id = fields.Many2one(related='provider_id.company_id', store=True, index=True)
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
    currency_id = fields.Many2one(
        string="Currency", comodel_name='res.currency', required=True, readonly=True
    )
    amount = fields.Monetary(string="Amount", readonly=True)
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
    url = fields.Char(string="Page at the provider", readonly=True)
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
    settled = fields.Boolean(readonly=True)
    problem = fields.Char(string="Problem", readonly=True, tracking=True)

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

    @api.depends('name')
    def _compute_display_name(self):
        for dispute in self:
            dispute.display_name = dispute.name

    @api.depends('movement_ids.amount')
    def _compute_withdrawn(self):
        for dispute in self:
            dispute.withdrawn = -sum(dispute.movement_ids.mapped('amount'))

    # === ACTION METHODS === #

    def action_check(self):
        """Ask the provider again, and book what is missing.

        :raise UserError: what the provider answers, or somebody else is at it.
        """
        self.check_access('write')
        for dispute in self.sudo():
            provider = dispute.provider_id
            if not provider._pay_now_take_turn():
                raise UserError(self.env._("This dispute is being processed at this moment."))
            try:
                self.sudo()._synchronize(provider, [dispute.dispute_ref])
            except GatewayError as error:
                raise UserError(provider._pay_now_error_text(error)) from error

    # === BUSINESS METHODS - FETCHING === #

    @api.model
    def _synchronize(self, provider, refs):
        """Ask the provider about disputes and let everything follow from the answer.

        :param payment.provider provider: whose turn was taken.
        :param list refs: the disputes' ids.
        :return: those about payments of ours.
        :rtype: pay.now.dispute
        :raise GatewayError: what the provider answers.
        """
        gateway = provider._pay_now_gateway()
        disputes = self._take(provider, [gateway.fetch_dispute(ref) for ref in refs])
        disputes._settle()
        return disputes

    @api.model
    def _sweep(self, provider):
        """List the disputes, and ask about those that are not over.

        :param payment.provider provider: whose turn was taken.
        """
        gateway = provider._pay_now_gateway()
        since = provider._pay_now_list_since(const.DISPUTE_LOOKBACK_DAYS)
        disputes = self._take(provider, list(gateway.list_disputes(since)))
        mine = Domain('provider_id', '=', provider.id)
        others = self.search(
            mine
            & Domain('id', 'not in', disputes.ids)
            & (Domain('state', 'in', UNDECIDED) | Domain('settled', '=', False))
        )
        found = []
        for dispute in others:
            # The provider may forget old ones; what is known of them stays.
            with contextlib.suppress(GatewayNotFound):
                found.append(gateway.fetch_dispute(dispute.dispute_ref))
        self._take(provider, found)
        self.search(mine & Domain('settled', '=', False))._settle()

    @api.model
    def _take(self, provider, found):
        """Store disputes of our payments as the provider tells them, with their movements.

        :param payment.provider provider: whose they are.
        :param list found: `gateways.base.Dispute`.
        :return: their records; those of other payments have none.
        :rtype: pay.now.dispute
        :raise GatewayUnavailable: somebody else stores one of them at this moment.
        """
        payments = self.env['pay.now.movement']._payments_of(provider, found)
        disputes = self.browse()
        for one in found:
            payment = payments.get(one.id)
            if not payment:
                continue
            if one.reversal:
                # Whoever reads the payment at this moment takes it for a refund.
                if not payment.try_lock_for_update():
                    raise GatewayUnavailable("The payment is being processed elsewhere.")
                if self._booked_as_refund(payment, one):
                    continue
            dispute = self._case_of(payment, one)
            if not dispute:
                try:
                    with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                        dispute = self.create(self._values(payment, one))
                except psycopg2.errors.UniqueViolation as error:
                    raise GatewayUnavailable("Being stored elsewhere.") from error
            dispute._update(one)
            disputes |= dispute
        return disputes

    @api.model
    def _case_of(self, payment, one):
        """Return the record of a dispute.

        PayPal may tell one case twice: as a dispute, and as a reversal of the payment, in either
        order. It is one case, and its money moved once.

        :param payment.transaction payment: what is disputed.
        :param gateways.base.Dispute one: what the provider tells.
        :rtype: pay.now.dispute
        """
        cases = self.search([('transaction_id', '=', payment.id)], order='id')
        same = cases.filtered(lambda case: one.id in (case.dispute_ref, case.reversal_ref))
        if same:
            return same[0]
        if one.reversal:
            return cases.filtered(lambda case: not case.reversal_ref)[:1]
        return cases.filtered(lambda case: case.reversal_ref == case.dispute_ref)[:1]

    @api.model
    def _booked_as_refund(self, payment, one):
        """Tell whether a reversal was booked already as the refund it is told with."""
        return bool(
            self.env['payment.transaction'].search_count(
                Domain('source_transaction_id', '=', payment.id)
                & Domain('provider_reference', '=', one.id),
                limit=1,
            )
        )

    @api.model
    def _values(self, payment, one):
        """Return the values of a new dispute."""
        return {
            'provider_id': payment.provider_id.id,
            'dispute_ref': one.id,
            'transaction_id': payment.id,
            'currency_id': self.env['res.currency']._pay_now_named(one.currency).id,
            'state': one.state,
            'opened_at': _naive(one.created_at),
        }

    def _update(self, one):
        """Take over what the provider tells now, and the movements that are new.

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
                    'due_at': _naive(one.due_at),
                    'reason': one.reason,
                    'url': one.url,
                }
            )
        changed = {name: value for name, value in vals.items() if self[name] != value}
        if changed:
            self.write(changed)
        self._store_movements(one)

    def _store_movements(self, one):
        """Store the movements of a dispute, the money of a reversal once."""
        Movement = self.env['pay.now.movement']
        known = self.movement_ids
        taken = known.filtered(lambda line: line.movement_ref == self.reversal_ref)
        moved = list(one.movements)
        if one.reversal and self.dispute_ref != one.id:
            # Told by the dispute already.
            withdrawn = known - taken
            if any(line.amount == float(moved[0].amount) for line in withdrawn):
                return
        elif taken:
            same = [line for line in moved if float(line.amount) == taken[0].amount]
            moved = [line for line in moved if line.id != (same and same[0].id)]
        values = {'dispute_id': self.id, 'transaction_id': self.transaction_id.id}
        new = [line for line in moved if line.id not in set(known.mapped('movement_ref'))]
        if new:
            Movement._store(self.provider_id, new, **values)
            self.settled = False

    # === BUSINESS METHODS - TELLING === #

    def _tell(self):
        """Tell the accountant, once, and the payment's readers, whenever the state changes."""
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
        # Not booked yet when the dispute is told first.
        for payment in tx.payment_id:
            payment.message_post(body=message)
        for invoice in tx.pay_now_item_ids.line_id.move_id:
            invoice._message_log(body=message)


def _naive(moment):
    return moment and moment.astimezone(timezone.utc).replace(tzinfo=None)
