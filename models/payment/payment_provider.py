# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const


class PaymentProvider(models.Model):
    """What becomes of open checkouts once their provider is disconnected, or its keys go."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS - OPEN CHECKOUTS === #

    def _pay_now_end_checkouts_soon(self):
        """Have the open checkouts of the providers looked at: nobody is to pay there any more."""
        items = self.env['pay.now.transaction.item'].sudo()
        items = items.search(
            Domain('transaction_id.provider_id', 'in', self.ids)
            & Domain('transaction_id.state', '=', 'draft')
        )
        if items:
            items.changed_at = fields.Datetime.now()
            self.env['payment.transaction']._pay_now_wake_ending()

    def _pay_now_end_checkouts(self):
        """End the open checkouts now, before the keys to do it with are gone.

        :return: what may still be paid, in words; empty where that is nothing.
        :rtype: str
        """
        self.ensure_one()
        if not self._pay_now_connection().can_be_asked():
            return ''
        transactions = self.env['payment.transaction'].sudo()
        left = transactions._pay_now_end_all(self, 'disconnected')
        return left and self.env._(
            "%(provider)s did not close these payment pages, which can be paid until they lapse,"
            " within a day: %(references)s.",
            provider=self._pay_now_short_name(),
            references=', '.join(left.mapped('reference')),
        )

    def _pay_now_end_before_change(self, key):
        """End the open checkouts that other keys could neither read nor capture.

        Sessions of Stripe belong to the account, and orders of PayPal to the application.

        :param str key: of the keys that come.
        """
        self.ensure_one()
        if self.code == const.PAYPAL and key != self.sudo().pay_now_api_key:
            self._pay_now_end_checkouts()
