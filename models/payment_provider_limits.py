# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import GATEWAYS


class PaymentProvider(models.Model):
    """The smallest and the largest amount of one payment, in the company's currency."""

    _inherit = 'payment.provider'

    pay_now_minimum_amount = fields.Monetary(
        string="Minimum amount",
        currency_field='main_currency_id',
        help="The smallest payment this provider is offered for. Leave empty for what the provider"
        " itself takes.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_minimum_amount', 'maximum_amount', 'code', 'company_id')
    def _check_pay_now_amounts(self):
        for provider in self.filtered(lambda provider: provider.code in const.PROVIDER_CODES):
            if problem := provider._pay_now_amounts_problem():
                raise ValidationError(problem)

    def _pay_now_amounts_problem(self):
        """Return what is wrong with the minimum and the maximum, or False."""
        self.ensure_one()
        minimum, maximum = self.pay_now_minimum_amount, self.maximum_amount
        currency = self.company_id.currency_id
        name = self._pay_now_short_name()
        if minimum < 0 or maximum < 0:
            return self.env._("The minimum and the maximum cannot be negative.")
        if minimum and maximum and currency.compare_amounts(minimum, maximum) > 0:
            return self.env._("The minimum cannot be more than the maximum.")
        low, high = GATEWAYS[self.code].amount_limits(currency.name)
        if low > high:
            # The currency cannot be paid in: another matter, and there is nothing to compare.
            return False
        for amount in filter(None, (minimum, maximum)):
            if not low <= Decimal(str(amount)) <= high:
                return self.env._(
                    "%(provider)s itself takes payments between %(low)s and %(high)s.",
                    provider=name,
                    low=currency.format(float(low)),
                    high=currency.format(float(high)),
                )
        return False

    # === BUSINESS METHODS === #

    def _pay_now_takes(self, amount):
        """Tell whether the provider may be offered for an amount in the company's currency.

        :param float amount: 0 for one that is not known yet.
        :rtype: bool
        """
        self.ensure_one()
        if not amount:
            return True
        low, high = self._pay_now_amount_limits(self.company_id.currency_id)
        return low <= Decimal(str(amount)) <= high

    def _pay_now_limits_text(self, currency):
        """Return in one sentence for the customer which amounts the providers take.

        :param res.currency currency: of the payment.
        :rtype: str
        """
        limits = [provider._pay_now_amount_limits(currency) for provider in self]
        low, high = min(low for low, _high in limits), max(high for _low, high in limits)
        return self.env._(
            "Online payment takes amounts between %(low)s and %(high)s.",
            low=currency.format(float(low)),
            high=currency.format(float(high)),
        )
