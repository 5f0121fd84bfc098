# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.exceptions import ValidationError

from odoo.addons.account_pay_now import const


class AccountPaymentMethodLine(models.Model):
    """The method line of a provider of ours: its outstanding account is the clearing account.

    Whoever writes another one, or none – the journal's form, an import, a call – changes nothing:
    the provider's field is the only place that says it.
    """

    _inherit = 'account.payment.method.line'

    # === ONCHANGE METHODS === #

    @api.onchange('payment_account_id')
    def _onchange_pay_now_payment_account_id(self):
        """Say in the journal's form where the account of our line is chosen."""
        clearing = self._pay_now_clearing_account()
        if not clearing or self.payment_account_id == clearing:
            return None
        self.payment_account_id = clearing
        return {
            'warning': {
                'title': self.env._("Clearing account"),
                'message': self.env._(
                    "Payments of %(provider)s stand on its clearing account %(account)s. It is"
                    " chosen in the online payment options (step 4), and this line follows.",
                    provider=self.sudo().payment_provider_id.name,
                    account=self.sudo().payment_provider_id._pay_now_account_label(clearing),
                ),
            }
        }

    # === CONSTRAINT METHODS === #

    @api.constrains('payment_account_id', 'journal_id')
    def _check_pay_now_payment_account_id(self):
        providers = self.env['payment.provider']._pay_now_of_clearing(self.payment_account_id)
        # Those of ours follow in a moment.
        lines = self.filtered(lambda line: not line._pay_now_clearing_account())
        for line in lines if providers else ():
            others = providers.filtered(
                lambda provider, line=line: (
                    provider.pay_now_clearing_account_id == line.payment_account_id
                    and provider.company_id == line.company_id
                )
            )
            others -= line.sudo().payment_provider_id
            if others and line.journal_id not in others._pay_now_journals():
                raise ValidationError(
                    self.env._(
                        "%(account)s is the clearing account of %(provider)s: no other payments can"
                        " stand on it.",
                        account=others[0]._pay_now_account_label(line.payment_account_id),
                        provider=others[0].name,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: a line of ours stands on the clearing account from the start."""
        lines = super().create(vals_list)
        lines._pay_now_follow()
        return lines

    def write(self, vals):
        """Override of `account`: a line of ours stays on the clearing account."""
        result = super().write(vals)
        if {'payment_account_id', 'payment_provider_id', 'payment_method_id'} & vals.keys():
            self._pay_now_follow()
        return result

    # === BUSINESS METHODS === #

    def _pay_now_clearing_account(self):
        """Return the clearing account that the line's payments stand on.

        :return: empty for lines of other providers, and where none is chosen yet.
        :rtype: account.account
        """
        provider = self.sudo().payment_provider_id
        if provider.code not in const.PROVIDER_CODES:
            return self.env['account.account']
        return provider.pay_now_clearing_account_id.with_env(self.env)

    def _pay_now_follow(self):
        """Let the lines of ours stand on the clearing accounts of their providers."""
        for line in self.sudo():
            clearing = line._pay_now_clearing_account()
            if clearing and line.payment_account_id != clearing:
                line.payment_account_id = clearing
