# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import uuid
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command, Domain

from odoo.addons.account_pay_now import utils


class PaymentTransaction(models.Model):
    """What a payer was about to pay, item by item, and no second checkout for the same."""

    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - CREATION === #

    @api.model
    def _pay_now_create(self, provider, partner, lines, parts=None, page_url='', email=''):
        """Create the transaction of a checkout with the snapshot of its items.

        The same items and amounts still open at the same provider give the same transaction: a
        double click pays once.

        :param payment.provider provider: one of ours, connected.
        :param res.partner partner: who pays.
        :param account.move.line lines: the items chosen, open, of one currency and account;
            credit notes among them are deducted.
        :param dict parts: `{line: (amount, discount)}` of each (see `_pay_now_parts`); all of it
            by default.
        :param str page_url: path of the page the payer came from.
        :param str email: where the receipt goes when the customer has no address.
        :return: a draft transaction, its checkout not opened yet.
        :rtype: payment.transaction
        :raise ValidationError: if the items cannot be paid in one payment.
        """
        if not lines:
            raise ValidationError(self.env._("Nothing was chosen to pay."))
        parts = parts if parts is not None else lines._pay_now_parts()
        amount = lines.currency_id[:1].round(sum(part for part, _discount in parts.values()))
        self._pay_now_check_lines(provider, lines, amount)
        if same := self._pay_now_find_same(provider, lines, parts):
            return same
        invoices = lines.move_id.filtered(lambda move: move.move_type == 'out_invoice')
        reference = self._compute_reference(
            provider.code,
            prefix=utils.provider_reference_text('-'.join(invoices.mapped('name')), 40),
        )
        tx = self.create(
            {
                'provider_id': provider.id,
                'payment_method_id': provider._pay_now_default_method().id,
                'reference': reference,
                'amount': amount,
                'currency_id': lines.currency_id.id,
                'partner_id': partner.id,
                'operation': 'online_redirect',
                'invoice_ids': [Command.set(invoices.ids)],
                'pay_now_page_url': page_url,
                'pay_now_item_ids': [
                    Command.create({'line_id': line.id, 'amount': part, 'discount': discount})
                    for line, (part, discount) in parts.items()
                ],
            }
        )
        if email and not tx.partner_email:
            tx.partner_email = email
        return tx

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `payment` to give transactions of Odoo's own pages their snapshot too."""
        txs = super().create(vals_list)
        for tx in txs._pay_now_ours():
            if tx.operation == 'refund':
                tx.pay_now_idempotency_key = tx._pay_now_refund_key()
            else:
                # Not derived from the reference: a restored backup gives the same one again,
                # and the provider would refuse it with another amount.
                tx.pay_now_idempotency_key = uuid.uuid4().hex
                if not tx.pay_now_item_ids:
                    tx._pay_now_snapshot_invoices()
        return txs

    def _pay_now_snapshot_invoices(self):
        """Take the snapshot of a core payment: the invoices' open items, up to the amount."""
        left = self.amount
        commands = []
        for line in self.invoice_ids._pay_now_open_lines():
            part = min(left, line.amount_residual_currency)
            if self.currency_id.compare_amounts(part, 0) <= 0:
                break
            commands.append(Command.create({'line_id': line.id, 'amount': part}))
            left -= part
        self.pay_now_item_ids = commands

    @api.model
    def _pay_now_check_lines(self, provider, lines, amount):
        """Refuse what one payment cannot settle.

        :param float amount: what it would be, in the currency of the lines.
        :raise ValidationError: in the customer's language.
        """
        if len(lines.account_id) > 1 or len(lines.currency_id) > 1:
            raise ValidationError(
                self.env._("These items cannot be paid together. Please pay them one by one.")
            )
        if lines.currency_id.compare_amounts(amount, 0) <= 0:
            raise ValidationError(
                self.env._("There is nothing left to pay once the credit notes are deducted.")
            )
        low, high = provider._pay_now_amount_limits(lines.currency_id)
        if not low <= Decimal(str(amount)) <= high:
            raise ValidationError(
                self.env._(
                    "%(provider)s takes amounts between %(low)s and %(high)s. Please choose other"
                    " items, or another way of paying.",
                    provider=provider._pay_now_short_name(),
                    low=lines.currency_id.format(float(low)),
                    high=lines.currency_id.format(float(high)),
                )
            )

    @api.model
    def _pay_now_find_same(self, provider, lines, parts):
        """Return the open checkout of exactly these items and amounts, if there is one."""
        now = fields.Datetime.now() + timedelta(minutes=35)
        for tx in self._pay_now_open_checkouts(lines):
            snapshot = {item.line_id: (item.amount, item.discount) for item in tx.pay_now_item_ids}
            if (
                tx.provider_id == provider
                and snapshot == parts
                and (not tx.pay_now_checkout_expiry or tx.pay_now_checkout_expiry > now)
            ):
                return tx
        return self.browse()

    @api.model
    def _pay_now_open_checkouts(self, lines):
        """Return the checkouts that share an item with `lines` and may still be paid."""
        items = self.env['pay.now.transaction.item'].search(
            Domain('line_id', 'in', lines.ids) & Domain('transaction_id.state', '=', 'draft')
        )
        return items.transaction_id
