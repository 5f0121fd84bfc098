# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const, utils


class PayNowPayout(models.Model):
    """A provider's transfer of collected money to the company's bank."""

    _name = 'pay.now.payout'
    _description = "Provider payout"
    _inherit = ['pay.now.provider.object.mixin', 'mail.thread']
    _order = 'created_at desc, id desc'
    _check_company_auto = True
    _subject = 'payout'
    _lookback_days = const.PAYOUT_LOOKBACK_DAYS

    name = fields.Char(string="Payout", compute='_compute_name')
    payout_ref = fields.Char(string="Payout id", required=True, readonly=True)
    movement_ref = fields.Char(string="Movement id", readonly=True)
    failure_movement_ref = fields.Char(string="Movement id of the failure", readonly=True)
    created_at = fields.Datetime(string="Made on", readonly=True)
    arrives_at = fields.Datetime(string="Expected on", readonly=True)
    bank_reference = fields.Char(
        string="Bank reference", readonly=True, help="What the bank's statement may show."
    )
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
        """Override of `pay.now.provider.object.mixin` to look at the movements again too."""
        result = super().action_check()
        lines = self.sudo().line_ids
        lines.filtered(lambda line: line.state != 'handled')._look_again()
        return result

    # === BUSINESS METHODS - FETCHING === #

    @api.model
    def _unfinished_domain(self):
        """Override of `pay.now.provider.object.mixin`: under way, or its list not ready."""
        return Domain('state', '=', 'pending') | (
            Domain('listed', '=', True) & Domain('complete', '=', False)
        )

    @api.model
    def _prepare_booking(self, provider):
        """Override of `pay.now.provider.object.mixin`: payouts first, then movements not ours."""
        mine = Domain('provider_id', '=', provider.id)
        self.search(mine & Domain('move_id', '=', False))._book()
        self.env['pay.now.movement']._sweep(provider)

    # === BUSINESS METHODS - STORING === #

    @api.model
    def _values(self, provider, one):
        """Override of `pay.now.provider.object.mixin`: the amount and the day stay."""
        return {
            **super()._values(provider, one),
            'amount': float(one.amount),
            'created_at': utils.naive_utc(one.created_at),
        }

    def _update(self, one):
        """Override of `pay.now.provider.object.mixin`: a failure is final, whatever comes later."""
        self.ensure_one()
        final = self.state in ('failed', 'canceled')
        vals = {
            'state': self.state if final else one.state,
            'arrives_at': utils.naive_utc(one.arrives_at) or self.arrives_at,
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
        self._write_changes(vals)
