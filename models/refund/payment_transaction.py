# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import math
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import GATEWAYS, base
from odoo.addons.account_pay_now.gateways.errors import GatewayRefused, GatewayUnavailable
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)
#: The provider's codes that say the same thing.
SAME_AS = {
    'charge_already_refunded': 'all_refunded',
    'CAPTURE_FULLY_REFUNDED': 'all_refunded',
    'charge_disputed': 'disputed',
    'refund_disputed_payment': 'disputed',
    'charge_for_pending_refund_disputed': 'disputed',
    'TRANSACTION_DISPUTED': 'disputed',
    'REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK': 'disputed',
    'REFUND_AMOUNT_EXCEEDED': 'too_much',
    'insufficient_funds': 'balance_insufficient',
    'REFUND_FAILED_INSUFFICIENT_FUNDS': 'balance_insufficient',
    'declined': 'refused_by_bank',
    'lost_or_stolen_card': 'card_gone',
    'expired_or_canceled_card': 'card_gone',
    'charge_not_refundable': 'not_allowed',
    'REFUND_NOT_ALLOWED': 'not_allowed',
    'PARTIAL_REFUND_NOT_ALLOWED': 'whole_only',
    'MAX_NUMBER_OF_REFUNDS_EXCEEDED': 'not_allowed',
    'PENDING_CAPTURE': 'no_payment',
    'PAYEE_ACCOUNT_RESTRICTED': 'account',
    'PAYEE_ACCOUNT_LOCKED_OR_CLOSED': 'account',
    'PERMISSION_DENIED': 'keys',
    'NOT_AUTHORIZED': 'keys',
    'more_permissions_required_for_application': 'keys',
}


class PaymentTransaction(models.Model):
    """Money going back: asked for in Odoo or at the provider, followed until it arrives or fails.

    A refund is a child of its payment, as core makes it. All that is done about it is done under
    the lock of the payment.
    """

    _inherit = 'payment.transaction'

    pay_now_refund_ref = fields.Char(string="Refund id", readonly=True, copy=False)
    pay_now_returned_at = fields.Datetime(
        string="Came back on",
        readonly=True,
        copy=False,
        help="When the money of a refund that failed was on the provider's balance again.",
    )

    pay_now_made_elsewhere = fields.Boolean(
        string="Made at the provider", readonly=True, copy=False, help="Nobody asked for it here."
    )

    _pay_now_refund_once = models.UniqueIndex(
        '(provider_id, pay_now_refund_ref) WHERE pay_now_refund_ref IS NOT NULL',
        "A refund of the provider belongs to one transaction.",
    )

    # === GETTERS === #

    def _pay_now_left_to_refund(self):
        """Return how much of the payment is neither given back, nor on its way back, nor disputed.

        :rtype: float
        """
        self.ensure_one()
        refunds = self._pay_now_refunds().filtered(lambda tx: tx.state not in ('cancel', 'error'))
        received = self.pay_now_received or self.amount
        withdrawn = sum(self.pay_now_dispute_ids.mapped('withdrawn'))
        return self.currency_id.round(received + sum(refunds.mapped('amount')) - withdrawn)

    def _pay_now_refund_key(self):
        """Return the idempotency key of a new refund.

        From the payment's random key, committed long ago, and the number of the refund: should
        this database forget that it asked, the next one to ask says the same.

        :rtype: str
        """
        self.ensure_one()
        source = self.source_transaction_id
        number = self.search_count(
            Domain('source_transaction_id', '=', source.id) & Domain('operation', '=', 'refund')
        )
        return f'{source.pay_now_idempotency_key or source.reference}-refund-{number}'

    # === BUSINESS METHODS - ASKING FOR A REFUND === #

    def _ensure_provider_is_not_disabled(self):
        """Override of `payment`: disconnecting keeps the keys, so that refunds are still made."""
        if (
            self.provider_code in const.PROVIDER_CODES
            and self.provider_id._pay_now_connection().can_be_asked()
        ):
            return None
        return super()._ensure_provider_is_not_disabled()

    def _refund(self, amount_to_refund=None):
        """Override of `payment`: an amount of money, or all of it; nothing else that a client says.

        :raise ValidationError: it is none.
        """
        if self.provider_code in const.PROVIDER_CODES and amount_to_refund is not None:
            is_amount = (
                isinstance(amount_to_refund, int | float)
                and math.isfinite(amount_to_refund)
                and self.currency_id.compare_amounts(amount_to_refund, 0) > 0
            )
            if not is_amount:
                raise ValidationError(self.env._("The amount to refund must be positive."))
        return super()._refund(amount_to_refund)

    def _send_refund_request(self):
        """Override of `payment` to ask the provider, after a look at what it knows already.

        While it does not answer, the refund stays to be sent: the sweep repeats it with the same
        key. What it refuses is an error of the refund, and books nothing.

        :raise UserError: the payment is being processed elsewhere at this moment.
        """
        if self.provider_code not in const.PROVIDER_CODES:
            return super()._send_refund_request()
        source = self.source_transaction_id
        if not source.try_lock_for_update():
            raise UserError(
                self.env._("This payment is being processed at this moment. Please try again.")
            )
        try:
            payment = source._pay_now_fetch()
        except GatewayUnavailable as error:
            self.pay_now_failure = error.message
            return None
        if not payment:
            self._pay_now_refuse_refund('no_payment')
            return None
        source._pay_now_follow_refunds(payment)
        source._pay_now_book_refunds()
        (source | source.child_transaction_ids)._pay_now_review()
        return None

    def _pay_now_update_refunds(self, payment):
        """Take over what the provider knows of refunds, then send those that wait to be sent.

        :param gateways.base.Payment payment: what was read just now.
        """
        self.ensure_one()
        if self.state != 'done':
            self._pay_now_note_refunded_unbooked(payment)
            return
        made_elsewhere = self._pay_now_take_over_refunds(payment)
        for refund in self._pay_now_refunds():
            if refund.state == 'draft' and not refund.pay_now_refund_ref:
                refund._pay_now_ask_refund(payment, made_elsewhere)

    def _pay_now_take_over_refunds(self, payment):
        """Give every refund of the provider its transaction, and every transaction its state.

        :param gateways.base.Payment payment: what was read just now.
        :return: the refunds that nobody asked for in Odoo: new ones.
        :rtype: payment.transaction
        """
        known = {tx.pay_now_refund_ref: tx for tx in self._pay_now_refunds()}
        # Nobody made them: PayPal took the money back, and they are booked as disputes.
        reversals = self._pay_now_reversal_refs()
        tells_disputes = GATEWAYS[self.provider_code].tells_disputes_as_refunds
        new = self.browse()
        for refund in sorted(
            payment.refunds, key=lambda one: one.created_at.timestamp() if one.created_at else 0
        ):
            if refund.currency != self.currency_id.name or refund.id in reversals:
                continue
            tx = known.get(refund.id) or self._pay_now_sent_refund(refund)
            if not tx and tells_disputes and self._pay_now_is_disputed_money(refund):
                continue
            if not tx:
                tx = self._create_child_transaction(float(refund.amount), is_refund=True)
                new |= tx
            tx._process(tx.provider_code, {'refund': refund})
        return new

    def _pay_now_sent_refund(self, refund):
        """Return the transaction of a refund whose answer was lost on the way.

        :param gateways.base.Refund refund: what the provider knows.
        :rtype: payment.transaction
        """
        return self._pay_now_refunds().filtered(
            lambda tx: (
                tx.state == 'draft'
                and not tx.pay_now_refund_ref
                and tx.pay_now_idempotency_key == refund.reference
                and not tx.currency_id.compare_amounts(-tx.amount, float(refund.amount))
            )
        )[:1]

    def _pay_now_note_refunded_unbooked(self, payment):
        """Close what is to handle about a payment that was never booked and is given back."""
        given = sum(refund.amount for refund in payment.refunds if refund.state == 'paid')
        if given == payment.amount:
            self.env['pay.now.discrepancy']._close_of(self, 'currency')

    def _pay_now_ask_refund(self, payment, made_elsewhere):
        """Ask the provider for this refund, unless something speaks against it.

        :param gateways.base.Payment payment: what was read just now.
        :param payment.transaction made_elsewhere: refunds that the books did not know until now.
        """
        self.ensure_one()
        if problem := self._pay_now_refund_problem(payment, made_elsewhere):
            self._pay_now_refuse_refund(problem)
            return
        amount = Decimal(str(-self.amount)).quantize(
            Decimal(1).scaleb(-self.currency_id.decimal_places)
        )
        try:
            refund = self.provider_id._pay_now_gateway().refund(
                payment, amount, self.pay_now_idempotency_key
            )
        except GatewayUnavailable as error:
            _logger.info("Refund %s could not be sent: %s", self.reference, error.message)
            self.pay_now_failure = error.message
        except GatewayRefused as error:
            _logger.warning(
                "Refund %s was refused (%s): %s", self.reference, error.request_id, error.message
            )
            self._pay_now_refuse_refund(code=error.code, answer=error.message)
        else:
            self._process(self.provider_code, {'refund': refund})

    def _pay_now_refund_problem(self, payment, made_elsewhere):
        """Return what speaks against a refund before it is asked for, or False.

        :return: a value of `pay_now_refusal`.
        :rtype: str | bool
        """
        if payment.state != base.PAID or not payment.payment_id:
            return 'no_payment'
        if payment.disputed and (problem := self.source_transaction_id._pay_now_dispute_problem()):
            return problem
        if made_elsewhere:
            # Perhaps the very same one: whoever asks has to see it first.
            return 'made_elsewhere'
        given = sum(one.amount for one in payment.refunds if one.state in ('paid', 'pending'))
        left = float(payment.amount - given)
        return self.currency_id.compare_amounts(-self.amount, left) > 0 and 'too_much'

    def _pay_now_refuse_refund(self, refusal=False, code=False, answer=False):
        """Keep why a refund is not made.

        :param str refusal: a value of `pay_now_refusal`, where it is our own reason.
        :param str code: the provider's.
        :param str answer: the provider's, as it is shown to people.
        """
        self.write(
            {
                'pay_now_refusal': refusal,
                'pay_now_failure_code': code,
                'pay_now_failure': answer,
            }
        )
        self._set_error(self._pay_now_refund_label())

    # === BUSINESS METHODS - WHAT BECAME OF IT === #

    def _pay_now_apply_refund(self, refund):
        """Take over what the provider knows of a refund.

        :param gateways.base.Refund refund: read by ourselves.
        """
        self.ensure_one()
        values = {
            'pay_now_refund_ref': refund.id,
            'provider_reference': refund.id,
            'pay_now_made_elsewhere': refund.reference != self.pay_now_idempotency_key,
            'pay_now_returned_at': self.company_id._pay_now_instant(refund.returned_at),
            'pay_now_returned_commission': float(refund.returned_commission),
        }
        if refund.moved_at:
            # Kept when the provider no longer says that the money had left.
            values['pay_now_paid_at'] = self.company_id._pay_now_instant(refund.moved_at)
        if not self.payment_id:
            values['amount'] = -float(refund.amount)
        self.write({name: value for name, value in values.items() if self[name] != value})
        if refund.moved_at:
            self._pay_now_take_over_commission(refund)
        if refund.state == 'pending' and self.state == 'draft':
            self._set_pending()
        elif refund.state == 'paid' and self.state != 'done':
            self._set_done(extra_allowed_states=('cancel',))
        elif refund.state == 'canceled' and self.state not in ('cancel', 'error'):
            self._set_canceled(extra_allowed_states=('done',))
        elif refund.state == 'failed' and self.state not in ('cancel', 'error'):
            self._pay_now_refund_failed(refund)

    def _pay_now_refund_failed(self, refund):
        """Tell that money did not reach the customer after all."""
        self.write(
            {
                'pay_now_refusal': False,
                'pay_now_failure_code': refund.reason,
                'pay_now_failure': False,
            }
        )
        self._set_error(self._pay_now_refund_label(), extra_allowed_states=('done',))
        self.env['pay.now.discrepancy']._report(
            self, 'refund', 'refund_failed', {'amount': -self.amount}, amount=-self.amount
        )

    # === BUSINESS METHODS - LABELS === #

    def _pay_now_refund_label(self):
        """Return why a refund was not made, in the reader's language where we know the code.

        :rtype: str
        """
        self.ensure_one()
        code = self.pay_now_failure_code or ''
        labels = {**self._pay_now_refund_refusal_labels(), **self._pay_now_refund_failure_labels()}
        if label := labels.get(self.pay_now_refusal or SAME_AS.get(code, code)):
            return label
        name = self.provider_id._pay_now_short_name()
        return self.env._(
            "%(provider)s answers: %(answer)s",
            provider=name,
            answer=self.pay_now_failure or code or '-',
        )

    def _pay_now_refund_refusal_labels(self):
        """Return what our own reasons mean to the accountant; some are a provider's code too.

        :return: `{value of pay_now_refusal: label}`
        :rtype: dict
        """
        name = self.provider_id._pay_now_short_name()
        return {
            'disputed': self.env._(
                "The customer disputes this payment. Nothing is refunded until the dispute at %s"
                " is decided: the money could go back twice.",
                name,
            ),
            'dispute_lost': self.env._(
                "The dispute was lost: %s gave the money back to the customer already.", name
            ),
            'too_much': self.env._("That is more than what is left to refund at %s.", name),
            'made_elsewhere': self.env._(
                "A refund was made at %s meanwhile. Nothing was refunded now: look at it, and ask"
                " again if it is still needed.",
                name,
            ),
            'of_dispute': self.env._(
                "Not a refund: %s took the money back from you, because of a dispute.", name
            ),
            'no_payment': self.env._("%s has no such payment to refund.", name),
        }

    def _pay_now_refund_failure_labels(self):
        """Return what the providers' codes mean to the accountant.

        :return: `{code: label}`
        :rtype: dict
        """
        name = self.provider_id._pay_now_short_name()
        return {
            'all_refunded': self.env._("%s has given all of it back already.", name),
            'REFUND_TIME_LIMIT_EXCEEDED': self.env._(
                "The payment is too old: %s no longer refunds it. Pay the customer back by"
                " transfer.",
                name,
            ),
            'balance_insufficient': self.env._(
                "There is not enough money at %s. Wait for the next payments, or put money there.",
                name,
            ),
            'refused_by_bank': self.env._("The customer's bank refused it."),
            'card_gone': self.env._("The customer's card no longer exists."),
            'not_allowed': self.env._("%s does not refund this payment.", name),
            'whole_only': self.env._("%s refunds this payment only as a whole.", name),
            'account': self.env._("Your %s account is restricted: look at it there.", name),
            'amount_not_representable': self.env._(
                "%s does not write amounts with as many decimals.", name
            ),
            'keys': self.env._(
                "The keys of %s do not allow refunds: allow it there, or refund at its dashboard.",
                name,
            ),
        }

    # === BUSINESS METHODS - LOGGING === #

    def _get_sent_message(self):
        """Override of `payment`: what became of the refund is enough."""
        return None if self._pay_now_is_refund() else super()._get_sent_message()

    def _pay_now_refund_message(self):
        """Return what is noted about a refund: plainly what became of it.

        :rtype: str | None
        """
        values = {
            'amount': self.currency_id.format(-self.amount),
            'provider': self.provider_id._pay_now_short_name(),
            'refund': self._get_html_link(),
            'reason': self.state_message or '',
        }
        match self.state:
            case 'pending':
                return self.env._(
                    "%(amount)s are on their way back to the customer (%(provider)s, %(refund)s).",
                    **values,
                )
            case 'done':
                return self.env._("%(amount)s refunded by %(provider)s (%(refund)s).", **values)
            case 'cancel' if self.pay_now_refusal == 'of_dispute':
                return self.env._(
                    "%(amount)s (%(refund)s): %(reason)s The dispute has them now; look at credit"
                    " notes that were made for a refund.",
                    **values,
                )
            case 'cancel':
                return self.env._(
                    "The refund of %(amount)s was canceled at %(provider)s (%(refund)s).", **values
                )
            case 'error':
                return self.env._(
                    "%(amount)s were not refunded by %(provider)s (%(refund)s): %(reason)s",
                    **values,
                )
        return None

    # === BUSINESS METHODS - FEEDBACK === #

    def _build_action_feedback_notification(self):
        """Override of `payment` to tell whoever asked for a refund what became of it, and why."""
        action = super()._build_action_feedback_notification()
        if len(self) != 1 or not self._pay_now_is_refund():
            return action
        values = {
            'amount': self.currency_id.format(-self.amount),
            'provider': self.provider_id._pay_now_short_name(),
        }
        kind, message = {
            'done': ('success', self.env._("%(amount)s refunded by %(provider)s.", **values)),
            'draft': (
                'warning',
                self.env._(
                    "%(provider)s does not answer. The refund of %(amount)s is asked for again by"
                    " itself: do not ask for it a second time.",
                    **values,
                ),
            ),
            'error': ('danger', self.state_message),
        }.get(
            self.state,
            (
                'info',
                self.env._(
                    "%(provider)s has accepted the refund of %(amount)s; it takes a few days.",
                    **values,
                ),
            ),
        )
        action['params'].update(type=kind, message=message, sticky=kind in ('danger', 'warning'))
        return action

    def _pay_now_refunded_amounts(self):
        """Return what the customer's page says about refunds.

        :return: what was given back, and what is on its way.
        :rtype: tuple(float, float)
        """
        self.ensure_one()
        refunds = self._pay_now_refunds()
        return tuple(
            -sum(refunds.filtered(lambda tx, states=states: tx.state in states).mapped('amount'))
            for states in (('done',), ('pending', 'authorized'))
        )

    # === CRON === #

    @api.model
    def _pay_now_refunds_open_domain(self):
        """Return the domain of payments with a refund that is not over at the provider."""
        refund = Domain('operation', '=', 'refund')
        waiting = (
            Domain('state', 'in', ('draft', 'pending', 'authorized'))
            | Domain('pay_now_commission_state', 'in', ('waiting', 'known'))
            | Domain('state', 'in', ('cancel', 'error'))
            & Domain('payment_id', '!=', False)
            & Domain('pay_now_returned_at', '=', False)
        )
        return Domain('child_transaction_ids', 'any', refund & waiting)

    @api.model
    def _pay_now_refunds_stuck_domain(self):
        """Return the domain of payments with a refund that could not be booked as it should."""
        refund = Domain('operation', '=', 'refund') & Domain('pay_now_paid_at', '!=', False)
        stuck = (
            Domain('payment_id', '=', False)
            | Domain('pay_now_commission_state', '=', 'failed')
            | Domain('pay_now_returned_at', '!=', False)
            & Domain('pay_now_reversal_move_id', '=', False)
        )
        return Domain('child_transaction_ids', 'any', refund & stuck)

    @api.model
    def _pay_now_not_notified_domain(self):
        """Return the domain of recent payments whose provider cannot notify us of a refund."""
        now = fields.Datetime.now()
        return (
            Domain('state', '=', 'done')
            & Domain('pay_now_paid_at', '>=', now - timedelta(days=const.NOT_NOTIFIED_DAYS))
            & (
                Domain('provider_id.pay_now_webhook_ref', '=', False)
                | Domain('provider_id.pay_now_last_sweep_at', '=', False)
                | Domain('provider_id.pay_now_last_sweep_at', '<', now - timedelta(days=1))
            )
        )
