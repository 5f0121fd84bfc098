# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timezone

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import mute_logger

from .. import const
from ..gateways.errors import GatewayError, GatewayUnavailable


class PayNowPayout(models.Model):
    """A provider's transfer of collected money to the company's bank."""

    _name = 'pay.now.payout'
    _description = "Provider payout"
    _inherit = ['mail.thread']
    _order = 'created_at desc, id desc'
    _check_company_auto = True

    name = fields.Char(string="Payout", compute='_compute_name')
    provider_id = fields.Many2one(
        string="Provider",
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='restrict',
    )
    company_id = fields.Many2one(related='provider_id.company_id', store=True, index=True)
    payout_ref = fields.Char(string="Payout id", required=True, readonly=True)
    movement_ref = fields.Char(string="Movement id", readonly=True)
    failure_movement_ref = fields.Char(string="Movement id of the failure", readonly=True)
    currency_id = fields.Many2one(
        string="Currency", comodel_name='res.currency', required=True, readonly=True
    )
    amount = fields.Monetary(string="Amount", readonly=True)
    created_at = fields.Datetime(string="Made on", readonly=True)
    arrives_at = fields.Datetime(string="Expected on", readonly=True)
    bank_reference = fields.Char(
        string="Bank reference", readonly=True, help="What the bank's statement may show."
    )
    url = fields.Char(string="Page at the provider", readonly=True)
    state = fields.Selection(
        string="Status",
        selection=[
            ('pending', "On its way"),
            ('paid', "Paid"),
            ('failed', "Failed"),
            ('canceled', "Canceled"),
        ],
        required=True,
        readonly=True,
        tracking=True,
    )
    failure = fields.Char(string="Why it failed", readonly=True, help="In the provider's words.")
    listed = fields.Boolean(readonly=True)
    complete = fields.Boolean(readonly=True)
    allocation = fields.Selection(
        string="Allocation",
        selection=[('exact', "Exactly what the provider lists"), ('age', "Allocated by age")],
        compute='_compute_allocation',
    )
    line_ids = fields.One2many(
        string="Movements", comodel_name='pay.now.movement', inverse_name='payout_id'
    )
    lines_known = fields.Boolean(readonly=True)
    to_decide_count = fields.Integer(
        string="To decide", compute='_compute_to_decide_count', compute_sudo=True
    )
    settled = fields.Boolean(
        string="Reconciled",
        readonly=True,
        help="Everything it is made of is booked, and reconciled with it.",
    )
    problem = fields.Char(string="Problem", readonly=True, tracking=True)
    move_id = fields.Many2one(
        string="Entry", comodel_name='account.move', readonly=True, check_company=True
    )
    reversal_move_id = fields.Many2one(
        string="Entry of the failure",
        comodel_name='account.move',
        readonly=True,
        check_company=True,
    )

    _payout_once = models.UniqueIndex('(provider_id, payout_ref)', "This payout is stored already.")
    _move_once = models.UniqueIndex(
        '(move_id) WHERE move_id IS NOT NULL', "An entry belongs to one payout."
    )
    _reversal_once = models.UniqueIndex(
        '(reversal_move_id) WHERE reversal_move_id IS NOT NULL',
        "A reversal belongs to one payout.",
    )

    # === COMPUTE METHODS === #

    @api.depends('provider_id', 'amount', 'currency_id')
    @api.depends_context('lang')
    def _compute_name(self):
        for payout in self:
            payout.name = self.env._(
                "%(provider)s payout of %(amount)s",
                provider=payout.provider_id.sudo()._pay_now_short_name(),
                amount=payout.currency_id.format(payout.amount),
            )

    @api.depends('name')
    def _compute_display_name(self):
        for payout in self:
            payout.display_name = payout.name

    @api.depends('listed')
    def _compute_allocation(self):
        for payout in self:
            payout.allocation = 'exact' if payout.listed else 'age'

    @api.depends('line_ids.state')
    def _compute_to_decide_count(self):
        for payout in self:
            payout.to_decide_count = len(
                payout.line_ids.filtered(lambda line: line.state == 'foreign')
            )

    # === ACTION METHODS === #

    def action_check(self):
        """Ask the provider again, and book and reconcile what is missing.

        :raise UserError: what the provider answers, or somebody else is at it.
        """
        self.check_access('write')
        for payout in self.sudo():
            provider = payout.provider_id
            if not provider._pay_now_take_turn():
                raise UserError(self.env._("This payout is being processed at this moment."))
            try:
                payout._synchronize(provider, [payout.payout_ref])
            except GatewayError as error:
                raise UserError(provider._pay_now_error_text(error)) from error
            payout.line_ids.filtered(lambda line: line.state != 'handled')._look_again()

    # === BUSINESS METHODS - FETCHING === #

    @api.model
    def _synchronize(self, provider, refs):
        """Ask the provider about payouts and let everything follow from the answer.

        :param payment.provider provider: whose turn was taken.
        :param list refs: the payouts' ids.
        :return: those that are ours to book.
        :rtype: pay.now.payout
        :raise GatewayError: what the provider answers.
        """
        gateway = provider._pay_now_gateway()
        payouts = self._take(provider, [gateway.fetch_payout(ref) for ref in refs])
        payouts._settle()
        return payouts

    @api.model
    def _sweep(self, provider):
        """List the payouts and settle what is not settled yet.

        :param payment.provider provider: whose turn was taken.
        """
        gateway = provider._pay_now_gateway()
        since = provider._pay_now_list_since(const.PAYOUT_LOOKBACK_DAYS)
        payouts = self._take(provider, list(gateway.list_payouts(since)))
        mine = Domain('provider_id', '=', provider.id)
        older = self.search(
            mine
            & Domain('id', 'not in', payouts.ids)
            & (
                Domain('state', '=', 'pending')
                | Domain('listed', '=', True) & Domain('complete', '=', False)
            )
        )
        self._take(provider, [gateway.fetch_payout(payout.payout_ref) for payout in older])
        self.search(mine & Domain('move_id', '=', False))._book()
        self.env['pay.now.movement']._sweep(provider)
        self.search(mine & Domain('settled', '=', False), order='created_at, id')._settle()

    @api.model
    def _take(self, provider, found):
        """Store payouts as the provider tells them.

        :param payment.provider provider: whose they are.
        :param list found: `gateways.base.Payout`.
        :return: their records.
        :rtype: pay.now.payout
        :raise GatewayUnavailable: somebody else stores one of them at this moment.
        """
        known = {
            payout.payout_ref: payout
            for payout in self.search(
                Domain('provider_id', '=', provider.id)
                & Domain('payout_ref', 'in', [one.id for one in found])
            )
        }
        new = [one for one in found if one.id not in known]
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                created = self.create([self._values(provider, one) for one in new])
        except psycopg2.errors.UniqueViolation as error:
            raise GatewayUnavailable("Being stored elsewhere.") from error
        known.update(zip((one.id for one in new), created, strict=True))
        for one in found:
            known[one.id]._update(one)
        return self.browse().union(*known.values())

    @api.model
    def _values(self, provider, one):
        """Return the values of a payout that never change."""
        return {
            'provider_id': provider.id,
            'payout_ref': one.id,
            'currency_id': self.env['res.currency']._pay_now_named(one.currency).id,
            'amount': float(one.amount),
            'created_at': _naive(one.created_at),
            'state': one.state,
        }

    def _update(self, one):
        """Take over what may have changed; a failure is final, whatever is told late."""
        self.ensure_one()
        final = self.state in ('failed', 'canceled')
        vals = {
            'state': self.state if final else one.state,
            'arrives_at': _naive(one.arrives_at) or self.arrives_at,
            'movement_ref': one.movement_id or self.movement_ref,
            'failure_movement_ref': one.failure_movement_id or self.failure_movement_ref,
            'failure': one.failure or self.failure,
            'bank_reference': one.bank_reference or self.bank_reference,
            'url': one.url or self.url,
            'listed': one.listed,
            'complete': one.complete or self.complete,
        }
        if vals['state'] != self.state:
            # What was settled has to be taken back.
            vals['settled'] = False
        self.write({name: value for name, value in vals.items() if self[name] != value})


def _naive(moment):
    return moment and moment.astimezone(timezone.utc).replace(tzinfo=None)
