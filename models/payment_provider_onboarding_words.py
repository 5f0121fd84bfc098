# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError


class PaymentProvider(models.Model):
    """What is missing, refused or revoked at a provider, in the reader's language."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS - REFUSALS === #

    def _pay_now_platform_error_text(self, error):
        """Return whose turn it is when the platform's credentials are refused.

        What a provider answers about the platform's credentials is not for its tenants.

        :param GatewayError error: what the gateway raised.
        :return: empty where the provider's own answer is shown.
        :rtype: str
        """
        if not self.sudo().pay_now_platform_state or not isinstance(error, GatewayAuthError):
            return ''
        name = self._pay_now_short_name()
        if error.code in const.REVOKED_CODES:
            return self.env._("%s no longer lets us act for this account.", name)
        if error.code.endswith('_not_allowed'):
            return ''
        if error.code == 'no_platform':
            return self.env._(
                "This server cannot reach %s for you any more. Please tell whoever runs it.", name
            )
        return self.env._(
            "%s refuses the credentials of this server. Please tell whoever runs it.", name
        )

    def _pay_now_platform_problem_text(self, error, answer):
        """Return what keeps the platform from acting for the account, and what to do about it.

        :param GatewayAuthError error: what the gateway raised.
        :param str answer: what it means.
        :rtype: str
        """
        if error.code in const.REVOKED_CODES and self.pay_now_status == 'connected':
            return self.env._("%s Disconnect, then connect again and agree there.", answer)
        if error.code in const.REVOKED_CODES:
            return self.env._("%s Connect again and agree there.", answer)
        return answer

    def _pay_now_unfinished_text(self):
        """Return what is missing when the provider knows of nothing yet."""
        return self.env._(
            "You left %s before the end, or it is not ready yet. Connect goes on where you were.",
            self._pay_now_short_name(),
        )

    # === BUSINESS METHODS - WHAT IS MISSING === #

    def _pay_now_requirements_text(self, missing):
        """Return what is missing, its codes beside it.

        :param missing: codes of what the provider requires.
        :type missing: iterable of str
        :rtype: str
        """
        texts = {}
        # That something is missing says little beside what.
        telling = [code for code in missing if not code.startswith('requirements.')]
        for code in telling or missing:
            texts.setdefault(self._pay_now_requirement_text(code), []).append(code)
        return (
            '; '.join(
                f"{text} ({', '.join(codes)})" if text else ', '.join(codes)
                for text, codes in texts.items()
            )
            or '-'
        )

    def _pay_now_requirement_text(self, code):
        """Return what one of a provider's requirements means; nothing for an unknown one.

        :param str code: Stripe's requirement, or a property of a merchant of PayPal's; known by
            its beginning, the longer one first.
        :rtype: str
        """
        texts = {
            'primary_email_confirmed': self.env._("confirm your e-mail address at PayPal"),
            'payments_receivable': self.env._("PayPal cannot accept payments for you yet"),
            'external_account': self.env._("a bank account for payouts"),
            'tos_acceptance': self.env._("your agreement to Stripe's terms"),
            'business_profile.url': self.env._("your website, or a description of what you sell"),
            'business_profile': self.env._("what your company sells"),
            'settings.payments': self.env._("the name on your customers' bank statements"),
            'company.verification': self.env._("a document that proves your company"),
            'company': self.env._("details of your company"),
            'business_type': self.env._("the legal form of your company"),
            'verification': self.env._("an identity document"),
            'representative': self.env._("details of the company's representative"),
            'owners': self.env._("the company's owners"),
            'directors': self.env._("the company's directors"),
            'executives': self.env._("the company's executives"),
            'individual': self.env._("details about you"),
            'person_': self.env._("details of a person in charge"),
            'requirements.pending_verification': self.env._("Stripe is checking what you gave"),
            'under_review': self.env._("Stripe is checking what you gave"),
            'requirements.past_due': self.env._("something overdue"),
            'rejected': self.env._("Stripe has refused this account"),
        }
        if code.endswith(('.document', '.additional_document')) and not code.startswith('company'):
            code = 'verification'
        return next((text for start, text in texts.items() if code.startswith(start)), '')
