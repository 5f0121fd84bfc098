# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

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
    """What refunds are called and why they fail, for the person who asked and on the invoice."""

    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - LABELS === #

    def _pay_now_refund_label(self):
        """Return why a refund was not made, in the reader's language where we know the code.

        :rtype: str
        """
        self.ensure_one()
        code = self.pay_now_failure_code or ''
        labels = self._pay_now_refund_labels()
        if label := labels.get(self.pay_now_refusal or SAME_AS.get(code, code)):
            return label
        name = self.provider_id._pay_now_short_name()
        return self.env._(
            "%(provider)s answers: %(answer)s",
            provider=name,
            answer=self.pay_now_failure or code or '-',
        )

    def _pay_now_refund_labels(self):
        """Return what our own reasons, and the providers' codes, mean to the accountant.

        :return: `{value of pay_now_refusal, or code: label}`
        :rtype: dict
        """
        name = self.provider_id._pay_now_short_name()
        return {
            'all_refunded': self.env._("%s has given all of it back already.", name),
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
            'keys': self.env._(
                "The keys of %s do not allow refunds: allow it there, or refund at its dashboard.",
                name,
            ),
        }

    # === BUSINESS METHODS - LOGGING === #

    def _get_invoices_to_notify(self):
        """Override of `account_payment`: a refund of ours is noted on the payment's invoices."""
        invoices = super()._get_invoices_to_notify()
        if self._pay_now_is_refund():
            return invoices | self.source_transaction_id._pay_now_invoices()
        return invoices

    def _get_sent_message(self):
        """Override of `payment`: what became of the refund is enough."""
        return None if self._pay_now_is_refund() else super()._get_sent_message()

    def _get_received_message(self):
        """Override of `payment` to say plainly what became of a refund."""
        if not self._pay_now_is_refund():
            return super()._get_received_message()
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
