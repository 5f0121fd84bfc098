# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timezone

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.gateways import base


class PayNowMovement(models.Model):
    """A movement of the balance at the provider: of a payout, of a dispute, or not ours.

    Payments and their commissions need none until a payout lists them.
    """

    _name = 'pay.now.movement'
    _description = "Provider movement"
    _rec_name = 'movement_ref'
    _order = 'occurred_at desc, id desc'
    _check_company_auto = True

    provider_id = fields.Many2one(
        string="Provider",
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='provider_id.company_id', store=True, index=True)
    movement_ref = fields.Char(string="Movement id", required=True, readonly=True)
    kind = fields.Selection(
        string="Kind",
        selection=[
            ('payment', "Payment"),
            ('refund', "Refund"),
            ('dispute', "Dispute"),
            ('payout', "Payout"),
            ('payout_failure', "Payout that came back"),
            ('other', "Other"),
        ],
        required=True,
        readonly=True,
    )
    type = fields.Char(string="The provider's type", readonly=True)
    label = fields.Char(string="Label", readonly=True)
    occurred_at = fields.Datetime(string="Happened on", readonly=True)
    currency_id = fields.Many2one(
        string="Currency", comodel_name='res.currency', required=True, readonly=True
    )
    amount = fields.Monetary(string="Amount", readonly=True)
    fee = fields.Monetary(string="Commission", readonly=True)
    net = fields.Monetary(string="Net", readonly=True)
    source_ref = fields.Char(string="Id of what moved", readonly=True)
    payment_ref = fields.Char(string="Payment id", readonly=True)
    charge_ref = fields.Char(string="Charge id", readonly=True)
    reference = fields.Char(string="Reference", readonly=True)
    payout_id = fields.Many2one(
        string="Payout",
        comodel_name='pay.now.payout',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    dispute_id = fields.Many2one(
        string="Dispute",
        comodel_name='pay.now.dispute',
        readonly=True,
        index='btree_not_null',
        ondelete='cascade',
    )
    transaction_id = fields.Many2one(
        string="Transaction",
        comodel_name='payment.transaction',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('waiting', "Not booked yet"),
            ('ours', "Booked"),
            ('foreign', "To decide"),
            ('booked', "Booked by hand"),
            ('handled', "Handled"),
        ],
        default='waiting',
        required=True,
        readonly=True,
        index=True,
    )
    account_id = fields.Many2one(
        string="Account",
        comodel_name='account.account',
        check_company=True,
        help="Where a movement that is not one of ours is booked.",
    )
    note = fields.Char(string="What was done")
    move_id = fields.Many2one(
        string="Entry", comodel_name='account.move', readonly=True, check_company=True
    )

    _movement_once = models.UniqueIndex(
        '(provider_id, movement_ref)', "This movement is already stored."
    )
    _move_once = models.UniqueIndex(
        '(move_id) WHERE move_id IS NOT NULL', "An entry belongs to one movement."
    )

    # === ACTION METHODS === #

    def action_book(self):
        """Book movements that are not ours to the accounts chosen, in the provider's journal.

        :raise UserError: no account chosen, another currency, or nothing to decide.
        """
        self.check_access('write')
        for movement in self.sudo():
            if movement.state != 'foreign':
                raise UserError(self.env._("There is nothing to decide about this movement."))
            if not movement.account_id:
                raise UserError(self.env._("Choose an account for this movement first."))
            movement._book_to(movement.account_id)
            movement.state = 'booked'
        self.sudo().payout_id._book_and_reconcile()

    def action_handled(self):
        """Mark movements that are not ours as handled: booked elsewhere, or nothing to book."""
        self.check_access('write')
        self.sudo().filtered(lambda movement: movement.state == 'foreign').state = 'handled'

    def action_decide_again(self):
        """Put movements that were only marked back on the list."""
        self.check_access('write')
        self.sudo().filtered(lambda movement: movement.state == 'handled').state = 'foreign'

    # === BUSINESS METHODS - STORING === #

    @api.model
    def _store(self, provider, found, **values):
        """Store movements once, or write more about those that are stored already.

        :param payment.provider provider: whose balance moved.
        :param list found: `gateways.base.Movement`.
        :param values: fields of all of them, e.g. `payout_id`.
        :return: the records, in the order given.
        :rtype: pay.now.movement
        """
        found = list({line.id: line for line in found}.values())
        known = {
            movement.movement_ref: movement
            for movement in self.search(
                Domain('provider_id', '=', provider.id)
                & Domain('movement_ref', 'in', [line.id for line in found])
            )
        }
        self.browse().union(*known.values()).write(values)
        new = [line for line in found if line.id not in known]
        named = self.env['res.currency']._pay_now_named
        currencies = {code: named(code) for code in {line.currency for line in new}}
        created = self.create(
            [{**self._values(provider, line, currencies), **values} for line in new]
        )
        known.update(zip((line.id for line in new), created, strict=True))
        return self.browse().union(*(known[line.id] for line in found))

    @api.model
    def _values(self, provider, line, currencies):
        """Return the values of a movement as the gateway read it."""
        return {
            'provider_id': provider.id,
            'movement_ref': line.id,
            'kind': line.kind,
            'type': line.type,
            'label': line.label,
            'occurred_at': utils.naive_utc(line.created_at),
            'currency_id': currencies[line.currency].id,
            'amount': float(line.amount),
            'fee': float(line.fee),
            'net': float(line.net),
            'source_ref': line.source_id,
            'payment_ref': line.payment_id,
            'charge_ref': line.charge_id,
            'reference': line.reference,
        }

    def _read_again(self):
        """Return the stored movements as the gateway read them, to be looked at again.

        :return: `gateways.base.Movement` of each one.
        :rtype: list
        """
        return [
            base.Movement(
                id=movement.movement_ref,
                kind=movement.kind,
                type=movement.type or '',
                amount=movement.amount,
                fee=movement.fee,
                net=movement.net,
                currency=movement.currency_id.name,
                created_at=movement.occurred_at
                and movement.occurred_at.replace(tzinfo=timezone.utc),
                source_id=movement.source_ref or '',
                payment_id=movement.payment_ref or '',
                charge_id=movement.charge_ref or '',
                reference=movement.reference or '',
            )
            for movement in self
        ]

    # === BUSINESS METHODS - BOOKING === #

    def _book_to(self, account):
        """Book the net of one movement: clearing account on one side, `account` on the other."""
        self.ensure_one()
        company = self.company_id
        if self.currency_id != company.currency_id:
            raise UserError(
                self.env._(
                    "This movement is in %s: book it by hand and mark it as handled.",
                    self.currency_id.name,
                )
            )
        provider = self.provider_id
        move = (
            self.env['account.move']
            .with_company(company)
            .create(
                provider._pay_now_prepare_entry(
                    self.occurred_at,
                    ref=self.movement_ref,
                    label=self.label or self.type or self.movement_ref,
                    amounts=[
                        (provider.pay_now_clearing_account_id, self.net),
                        (account, -self.net),
                    ],
                )
            )
        )
        move.action_post()
        self.move_id = move

    def _clearing_lines(self):
        """Return the journal items of the movements' own entries on the clearing account.

        :rtype: account.move.line
        """
        accounts = self.provider_id.pay_now_clearing_account_id
        return self.move_id.line_ids.filtered(lambda line: line.account_id in accounts)
