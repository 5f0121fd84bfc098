# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayError


class PayNowDiscrepancy(models.Model):
    """What an accountant does about a discrepancy: book, take back, refund or dismiss.

    Those that the comparison found are added here, and refunds that could not be made.
    """

    _inherit = 'pay.now.discrepancy'

    kind = fields.Selection(
        selection_add=[
            ('missing_here', "Paid there, not booked here"),
            ('missing_there', "Booked here, not paid there"),
            ('booked_amount', "Booked amount differs"),
            ('commission', "Commission differs"),
            ('booked_twice', "Booked twice"),
            ('refund', "Refund failed"),
        ],
        ondelete={
            kind: 'cascade'
            for kind in (
                'missing_here',
                'missing_there',
                'booked_amount',
                'commission',
                'booked_twice',
                'refund',
            )
        },
    )
    comparison_key = fields.Char(
        string="Key of the finding",
        readonly=True,
        copy=False,
        help="Tells what was found from what is found another day.",
    )
    payment_refs = fields.Char(
        string="Payments at the provider",
        readonly=True,
        copy=False,
        help="Ids at the provider of payments that carry our reference.",
    )
    dismissed_by_id = fields.Many2one(
        string="Dismissed by", comodel_name='res.users', readonly=True, copy=False
    )
    dismissed_at = fields.Datetime(string="Dismissed on", readonly=True, copy=False)
    payment_id = fields.Many2one(string="Payment", related='transaction_id.payment_id')
    is_compared = fields.Boolean(string="Found by the comparison", compute='_compute_can')
    can_book = fields.Boolean(string="Can be booked", compute='_compute_can')
    can_book_now = fields.Boolean(string="Can be booked now", compute='_compute_can')
    can_reverse = fields.Boolean(string="Can be taken back", compute='_compute_can')
    can_refund = fields.Boolean(string="Can be refunded", compute='_compute_can')

    # === COMPUTE METHODS === #

    @api.depends('kind', 'state', 'payment_refs')
    def _compute_can(self):
        for one in self:
            one.is_compared = one.kind in const.COMPARED_KINDS
            is_open = one.state == 'open'
            second = one.kind == 'superseded' and one.payment_refs
            one.can_book = is_open and (
                second or one.kind in ('missing_here', 'booked_amount', 'commission')
            )
            # What the books refused: the provider was asked already.
            one.can_book_now = is_open and one.kind == 'booking'
            one.can_reverse = is_open and one.kind in ('missing_there', 'booked_twice')
            refundable = one.kind in ('surplus', 'waiting', 'superseded')
            one.can_refund = is_open and not second and refundable

    # === CONSTRAINT METHODS === #

    @api.constrains('state', 'note')
    def _check_dismissed_with_reason(self):
        for one in self:
            if one.state == 'dismissed' and not (one.note or '').strip():
                raise ValidationError(self.env._("Say why you dismiss this."))

    # === ACTION METHODS === #

    def action_book(self):
        """Bring the books in line with the provider, by the usual way of booking.

        What the books refuse is received all the same, and the finding stays.

        :return: a notification of what was refused; None where all is booked.
        :rtype: dict | None
        :raise UserError: what the provider answers, or it is being processed at this moment.
        """
        self.check_access('write')
        left = self.browse()
        for one in self.sudo().filtered('can_book'):
            try:
                one.transaction_id._pay_now_book_again(
                    [ref for ref in (one.payment_refs or '').split(',') if ref]
                )
            except GatewayError as error:
                provider = one.transaction_id.provider_id
                raise UserError(provider._pay_now_error_text(error)) from error
            refused = one.transaction_id.pay_now_discrepancy_ids.filtered('can_book_now')
            if not refused:
                one._close_fixed()
            left |= refused
        return left._refused_notification() if left else None

    def action_book_now(self):
        """Book what the books refused before, without waiting for the scheduled action.

        :return: a notification of what came of it.
        :rtype: dict
        :raise UserError: the payment is being processed at this moment.
        """
        self.check_access('write')
        todo = self.filtered('can_book_now')
        todo.sudo().transaction_id._pay_now_book_now()
        left = todo.filtered(lambda one: one.state == 'open')
        return left._refused_notification()

    def _refused_notification(self):
        """Return the notification of what the books refuse; without any that all is booked.

        :rtype: dict
        """
        messages = '\n'.join(self.mapped('message'))
        return self.env['payment.provider']._pay_now_booked_notification(messages)

    def action_reverse(self):
        """Take back what is booked too much, by new entries of today.

        :raise UserError: the payment is being processed at this moment.
        """
        self.check_access('write')
        for one in self.sudo().filtered('can_reverse'):
            tx = one.transaction_id
            if not tx.try_lock_for_update():
                raise UserError(self.env._("This payment is being processed at this moment."))
            if one.kind == 'booked_twice':
                one._take_back_extra()
            else:
                one._take_back_all()
            tx._pay_now_reconcile_payouts_again()
            one._close_fixed()

    def action_dismiss(self):
        """Ask for the reason to dismiss what was found.

        :return: the action of the window.
        :rtype: dict
        """
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Dismiss"),
            'res_model': 'pay.now.dismiss',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_discrepancy_ids': self.ids},
        }

    def action_refund(self):
        """Open the refund of what was paid too much.

        :return: the action of the wizard, with the amount.
        :rtype: dict
        :raise UserError: nothing is left to refund.
        """
        self.ensure_one()
        self.check_access('write')
        payment = self.transaction_id.payment_id
        action = payment.action_refund_wizard() if payment else {}
        credit = -sum(payment._pay_now_counterpart_lines().mapped('amount_residual_currency'))
        amount = min(credit, payment.amount_available_for_refund)
        if amount <= 0:
            raise UserError(self.env._("Nothing of it is left to refund."))
        action['context'] = {
            'active_model': payment._name,
            'active_id': payment.id,
            'default_payment_id': payment.id,
            'default_amount_to_refund': amount,
        }
        return action

    # === BUSINESS METHODS - ACTIONS === #

    def _take_back_extra(self):
        """Take back the entries of a payment but one, which the transaction keeps."""
        same = self._same_payment()
        booked = self._booked_entries(same)
        extra = self._too_many(booked)
        self.transaction_id._pay_now_take_back(extra.move_id)
        kept = booked - extra
        kept.payment_transaction_id.payment_id = kept
        for tx in same:
            tx._pay_now_close_surplus()

    def _take_back_all(self):
        """Take back the entries of a payment that was not made, and of its commission."""
        tx = self.transaction_id
        booked = self._booked_entries(self._same_payment())
        tx._pay_now_take_back(booked.move_id | tx.pay_now_commission_move_id)

    def _booked_entries(self, same):
        """Return what counts as booked of the payment.

        :param payment.transaction same: the transactions that stand for it.
        :rtype: account.payment
        """
        books = self._read_books(same)
        return books.payments.get(self._name_of(self.transaction_id)) or same.payment_id

    def _same_payment(self):
        """Return the transactions that stand for the same payment of the provider.

        :rtype: payment.transaction
        """
        tx = self.transaction_id
        if not tx.pay_now_payment_ref:
            return tx
        return tx.search(
            [
                ('provider_id', '=', tx.provider_id.id),
                ('operation', '!=', 'refund'),
                ('pay_now_payment_ref', '=', tx.pay_now_payment_ref),
            ]
        )

    def _close_fixed(self):
        """Note that somebody fixed it, unless it was closed on the way."""
        self.filtered(lambda one: one.state == 'open').write(
            {'state': 'done', 'note': self.env._("Mended in the books.")}
        )

    def _dismiss(self, reason):
        """Leave what was found as it is, and remember who said so and why.

        :param str reason: of the person who decides.
        """
        self.check_access('write')
        self.filtered(lambda one: one.state == 'open').write(
            {
                'state': 'dismissed',
                'note': reason,
                'dismissed_by_id': self.env.uid,
                'dismissed_at': fields.Datetime.now(),
            }
        )
