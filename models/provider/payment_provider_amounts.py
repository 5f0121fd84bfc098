# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import GATEWAYS


class PaymentProvider(models.Model):
    """Which amounts a provider takes at once: its own limits and steps, and the company's."""

    _inherit = 'payment.provider'
    _pay_now_written_by = dict.fromkeys(('pay_now_minimum_amount',), True)

    pay_now_minimum_amount = fields.Monetary(
        string="Minimum amount",
        currency_field='main_currency_id',
        help="The smallest payment this provider is offered for. Leave empty for what the provider"
        " itself takes.",
    )
    pay_now_most_at_once = fields.Float(
        string="Largest amount at once",
        compute='_compute_pay_now_most_at_once',
        store=True,
        help="By the provider and its maximum amount; kept for the mails, which ask for no more.",
    )
    pay_now_coarse_step = fields.Float(
        string="Step of amounts",
        compute='_compute_pay_now_coarse_step',
        store=True,
        help="What amounts in the company's currency have to be a multiple of; zero where every"
        " amount that Odoo writes can be paid.",
    )

    # === COMPUTE METHODS === #

    @api.depends('code', 'maximum_amount', 'company_id.currency_id')
    def _compute_pay_now_most_at_once(self):
        for provider in self:
            currency = provider.company_id.currency_id
            ours = provider.code in const.PROVIDER_CODES and currency
            provider.pay_now_most_at_once = ours and provider._pay_now_amount_limits(currency)[1]

    @api.depends('code', 'company_id.currency_id.rounding')
    def _compute_pay_now_coarse_step(self):
        for provider in self:
            currency = provider.company_id.currency_id
            ours = provider.code in const.PROVIDER_CODES and currency
            provider.pay_now_coarse_step = ours and provider._pay_now_coarse_step(currency)

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

    # === BUSINESS METHODS - AMOUNTS === #

    def _pay_now_coarse_step(self, currency):
        """Return what amounts have to be a multiple of, where Odoo's may be finer than that.

        :param res.currency currency: of the amounts.
        :return: in major units; zero where every amount can be written.
        :rtype: float
        """
        self.ensure_one()
        step = GATEWAYS[self.code].amount_step(currency.name)
        if not step or not Decimal(str(currency.rounding)) % step:
            return 0.0
        return float(step)

    def _pay_now_amount_problem_text(self, amount, currency):
        """Return for the customer why the provider does not take an amount, or an empty string.

        :param float amount: in major units.
        :param res.currency currency: of the amount.
        :rtype: str
        """
        problem = self._pay_now_amount_problem(amount, currency)
        name = self._pay_now_short_name()
        if problem == 'currency':
            return self.env._("%s does not take this currency.", name)
        if problem == 'step':
            return self.env._(
                "%(provider)s takes multiples of %(step)s only, and cannot take %(amount)s. Please"
                " choose another way of paying.",
                provider=name,
                step=currency.format(self._pay_now_coarse_step(currency)),
                amount=currency.format(amount),
            )
        if problem == 'limits':
            low, high = self._pay_now_amount_limits(currency)
            return self.env._(
                "%(provider)s takes amounts between %(low)s and %(high)s. Please choose other"
                " items, or another way of paying.",
                provider=name,
                low=currency.format(float(low)),
                high=currency.format(float(high)),
            )
        return ''

    def _pay_now_limits_text(self, currency):
        """Return in one sentence for the customer which amounts the providers take.

        :param res.currency currency: of the payment.
        :rtype: str
        """
        limits = [provider._pay_now_amount_limits(currency) for provider in self]
        low, high = min(low for low, _high in limits), max(high for _low, high in limits)
        values = {'low': currency.format(float(low)), 'high': currency.format(float(high))}
        # Of several, the one that is the least particular.
        if step := min(provider._pay_now_coarse_step(currency) for provider in self):
            return self.env._(
                "Online payment takes amounts between %(low)s and %(high)s that are multiples of"
                " %(step)s.",
                step=currency.format(step),
                **values,
            )
        return self.env._("Online payment takes amounts between %(low)s and %(high)s.", **values)
