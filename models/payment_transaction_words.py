# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

#: The provider's codes that say the same thing.
SAME_AS = {
    'do_not_honor': 'card_declined',
    'DECLINED': 'card_declined',
    'DECLINED_BY_RISK_FRAUD_FILTERS': 'card_declined',
    'PAYER_ACTION_REQUIRED': 'INSTRUMENT_DECLINED',
    'REDIRECT_PAYER_FOR_ALTERNATE_FUNDING': 'INSTRUMENT_DECLINED',
    'PAYER_ACCOUNT_RESTRICTED': 'PAYER_CANNOT_PAY',
    'PAYER_ACCOUNT_LOCKED_OR_CLOSED': 'PAYER_CANNOT_PAY',
    'COMPLIANCE_VIOLATION': 'TRANSACTION_REFUSED',
    'PAYEE_BLOCKED_TRANSACTION': 'TRANSACTION_REFUSED',
    'DUPLICATE_INVOICE_ID': 'TRANSACTION_REFUSED',
    'MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED': 'TRANSACTION_REFUSED',
}


class PaymentTransaction(models.Model):
    """Why a payment did not come about, in the language of whoever reads it."""

    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - LABELS === #

    def _pay_now_failure_label(self):
        """Return why the payment was not made, in the reader's language where we know the code.

        Our own reason first, then what the provider said.

        :rtype: str
        """
        self.ensure_one()
        if label := self._pay_now_refusal_labels().get(self.pay_now_refusal):
            return label
        code = self.pay_now_failure_code or ''
        return self._pay_now_failure_labels().get(SAME_AS.get(code, code)) or (
            self.pay_now_failure or self.env._("The payment was refused.")
        )

    def _pay_now_refusal_labels(self):
        """Return what our own reasons mean to the payer.

        :return: `{value of pay_now_refusal: label}`
        :rtype: dict
        """
        return {
            'other_currency': self.env._(
                "Your payment came in another currency than the invoices. We will contact you."
            ),
            'superseded': self.env._("You started another payment of these invoices."),
            'items_changed': self.env._("The invoices or their amounts have changed meanwhile."),
            'in_progress': self.env._("Another payment of these invoices is in progress."),
            'lapsed': self.env._("The payment was not completed in time."),
        }

    def _pay_now_failure_labels(self):
        """Return what the providers' codes mean to the payer.

        :return: `{code: label}`
        :rtype: dict
        """
        name = self.provider_id._pay_now_short_name()
        return {
            # Stripe
            'card_declined': self.env._("Your bank refused the payment."),
            'insufficient_funds': self.env._("There is not enough money in the account."),
            'expired_card': self.env._("The card has expired."),
            'incorrect_cvc': self.env._("The security code is wrong."),
            'authentication_required': self.env._("Your bank asks you to confirm the payment."),
            # PayPal
            'INSTRUMENT_DECLINED': self.env._(
                "%s could not take the payment from the source you chose. Please choose another"
                " one.",
                name,
            ),
            'PAYER_CANNOT_PAY': self.env._("%s does not let this account pay.", name),
            'TRANSACTION_LIMIT_EXCEEDED': self.env._(
                "The amount is above the limit of your %s account.", name
            ),
            'TRANSACTION_REFUSED': self.env._("%s refused the payment.", name),
        }
