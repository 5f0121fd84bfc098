# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields, models

from odoo.addons.account_pay_now import const


class PaymentProvider(models.Model):
    """What payers can use at the provider, as far as it is known: nothing is promised besides."""

    _inherit = 'payment.provider'

    pay_now_offered = fields.Char(
        string="Offered to payers",
        readonly=True,
        copy=False,
        help="What the last checkout let its payer choose from, in the provider's codes.",
    )
    pay_now_wallets = fields.Char(
        string="Wallets used",
        readonly=True,
        copy=False,
        help="What cards were kept in that payers used in the last weeks, in the provider's codes.",
    )

    # === BUSINESS METHODS - OFFER === #

    def _pay_now_accepts(self):
        """Return what can be used at the provider, for whoever decides how to pay.

        :return: e.g. "Card (VISA, Mastercard, Apple Pay), SEPA Direct Debit"; empty where the
            button itself says it all.
        :rtype: str
        """
        self.ensure_one()
        codes = self._pay_now_offered_codes()
        # What is switched on for Odoo's own pages is of no matter here, but for brands.
        found = (
            self.env['payment.method']
            .sudo()
            .with_context(active_test=False)
            .search_fetch(
                ['|', ('code', 'in', codes), ('provider_ids', 'in', self.ids)],
                ['name', 'code', 'active', 'primary_payment_method_id'],
            )
        )
        methods = found.filtered(lambda one: one.code in codes).sorted(
            lambda one: codes.index(one.code)
        )
        names = []
        for method in methods[: const.SHOWN_METHODS]:
            brands = found.filtered(
                lambda one, of=method: one.active and one.primary_payment_method_id == of
            ).mapped('name')
            if method.code == 'card':
                brands += [const.WALLETS[one] for one in self._pay_now_known_wallets()]
            names.append(f"{method.name} ({', '.join(brands)})" if brands else method.name)
        # The button itself says as much.
        first = methods[:1].code == const.FIRST_METHOD[self.code] and methods[:1].name
        return '' if names == [first] else ', '.join(names)

    def _pay_now_offered_codes(self):
        """Return core's codes of what the provider offers; before the first checkout, the first.

        :rtype: list
        """
        offered = (self.pay_now_offered or '').split(',')
        codes = [const.PAYMENT_METHOD_CODES.get(one, one) for one in offered if one]
        return list(dict.fromkeys(codes)) or [const.FIRST_METHOD[self.code]]

    def _pay_now_known_wallets(self):
        """Return the provider's codes of wallets that payers used here lately.

        :rtype: list
        """
        used = (self.pay_now_wallets or '').split(',')
        return [wallet for wallet in const.WALLETS if wallet in used]

    def _pay_now_wallet_values(self):
        """Return which wallets payers used lately: the provider itself does not say what it takes.

        :return: values of the provider.
        :rtype: dict
        """
        since = fields.Datetime.now() - timedelta(days=const.WALLET_DAYS)
        groups = (
            self.env['payment.transaction']
            .sudo()
            ._read_group(
                [
                    ('provider_id', 'in', self.ids),
                    ('state', '=', 'done'),
                    ('last_state_change', '>=', since),
                    ('pay_now_method', 'like', ', '),
                ],
                ['pay_now_method'],
            )
        )
        used = {method.rpartition(', ')[2] for (method,) in groups}
        return {'pay_now_wallets': ','.join(one for one in const.WALLETS if one in used)}
