# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from odoo import fields, models

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayNotFound,
    GatewayRefused,
    GatewayUnavailable,
    PayerActionNeeded,
)


class PaymentTransaction(models.Model):
    """The money that a payer approved: taken under lock, once, and only while it is still due.

    At PayPal nothing but our own capture moves money. A checkout that was superseded, or whose
    items changed, is never captured, whatever the payer approved.
    """

    _inherit = 'payment.transaction'

    pay_now_captures = fields.Integer(
        string="Refused captures",
        readonly=True,
        copy=False,
        help="How often the way of paying that the payer chose was refused.",
    )
    pay_now_declined_at = fields.Datetime(string="Last refused on", readonly=True, copy=False)
    pay_now_sent_at = fields.Datetime(
        string="Payer sent on",
        readonly=True,
        copy=False,
        help="When the payer went to the provider; empty once the choice made there was refused.",
    )

    # === BUSINESS METHODS - CAPTURE === #

    def _pay_now_capture(self, payment, payer_returned=False):
        """Take the money of an approved checkout, if everything still stands.

        :param gateways.base.Payment payment: what the provider knows, approved.
        :param bool payer_returned: the payer comes back from the provider at this moment.
        :return: what the provider knows afterwards.
        :rtype: gateways.base.Payment
        :raise GatewayUnavailable: the provider cannot be reached, or somebody else changes the
            items: to be done again, with the same idempotency key.
        """
        self.ensure_one()
        if self.state != 'draft' or not self._pay_now_may_capture(payer_returned):
            return payment
        moves = self.pay_now_item_ids.move_id
        if moves.try_lock_for_update() != moves:
            raise GatewayUnavailable("The invoices are being changed at this moment.")
        if problem := self._pay_now_capture_problem(payment):
            return self._pay_now_give_up(replace(payment, failure=''), problem)
        try:
            return self.provider_id._pay_now_gateway().capture(
                self.provider_reference, self._pay_now_capture_key()
            )
        except PayerActionNeeded as error:
            return self._pay_now_note_decline(payment, error)
        except GatewayNotFound:
            return self._pay_now_give_up(payment, 'lapsed')
        except GatewayRefused as error:
            self.provider_id._pay_now_note_problem(error)
            return replace(
                payment, state=base.FAILED, failure=error.message, failure_code=error.code
            )

    def _pay_now_give_up(self, payment, refusal):
        """Note why an approved checkout is not taken.

        :param gateways.base.Payment payment: what the provider knows.
        :param str refusal: a value of `pay_now_refusal`.
        :return: the payment as it stands now: canceled, by us.
        :rtype: gateways.base.Payment
        """
        self.pay_now_refusal = refusal
        return replace(payment, state=base.CANCELED, failure_code='')

    def _pay_now_capture_key(self):
        """Return the idempotency key of this approval: another one after each refusal."""
        self.ensure_one()
        return f'{self.pay_now_idempotency_key}-capture-{self.pay_now_captures}'

    def _pay_now_note_decline(self, payment, error):
        """Keep that the payer has to choose another way; after too many refusals it is over.

        :param gateways.base.Payment payment: what the provider knew before.
        :param PayerActionNeeded error: what it said.
        :return: the payment as it stands now.
        :rtype: gateways.base.Payment
        """
        self.write(
            {
                'pay_now_captures': self.pay_now_captures + 1,
                'pay_now_declined_at': fields.Datetime.now(),
                'pay_now_sent_at': False,
            }
        )
        over = self.pay_now_captures >= const.MAX_CAPTURES
        return replace(
            payment,
            state=base.FAILED if over else base.OPEN,
            failure=error.message,
            failure_code=error.code,
        )

    def _pay_now_may_capture(self, payer_returned):
        """Tell whether the approval can be another one than the one refused before.

        The provider does not say which: the payer has to have been sent there, or to have had
        the time to choose, since the refusal.
        """
        self.ensure_one()
        if not self._pay_now_needs_payer():
            return True
        waited = fields.Datetime.now() - self.pay_now_declined_at
        return payer_returned and waited > timedelta(seconds=const.RECHOOSE_SECONDS)

    def _pay_now_needs_payer(self):
        """Tell whether the payer has to go to the provider again and choose another way.

        :rtype: bool
        """
        self.ensure_one()
        return bool(self.state == 'draft' and self.pay_now_declined_at and not self.pay_now_sent_at)

    def _pay_now_capture_problem(self, payment):
        """Return why an approved payment must not be taken, or False.

        :param gateways.base.Payment payment: what the payer approved.
        :return: a value of `pay_now_refusal`.
        :rtype: str | bool
        """
        self.ensure_one()
        asked = Decimal(str(self.amount)).quantize(payment.amount)
        if payment.currency != self.currency_id.name or payment.amount != asked:
            self.env['pay.now.discrepancy']._report(
                self,
                'amount',
                'approved',
                {'amount': str(payment.amount), 'currency': payment.currency},
            )
            return 'items_changed'
        return self._pay_now_snapshot_problem()
