# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.account_pay_now import const


class PaymentProvider(models.Model):
    """Connecting once more with the keys that are still here: nobody has to look them up again.

    They are kept while something may be unsettled. The provider proves them as it does pasted ones.
    """

    _inherit = 'payment.provider'

    pay_now_can_reconnect = fields.Boolean(
        string="Can be reconnected with the kept keys",
        compute='_compute_pay_now_can_reconnect',
        help="Disconnected, or switched off in the list of providers, with keys of its own.",
    )

    # === COMPUTE METHODS === #

    @api.depends('pay_now_status', 'state', 'pay_now_api_key', 'pay_now_demo')
    def _compute_pay_now_can_reconnect(self):
        for provider in self:
            # The set-up screen, before it is saved, shows copies.
            kept = provider._origin.sudo()
            provider.pay_now_can_reconnect = bool(
                kept.code in const.PROVIDER_CODES
                and (kept.pay_now_api_key or kept.pay_now_demo)
                and not kept.pay_now_uses_platform
                and (kept.pay_now_status != 'connected' or kept.state == 'disabled')
            )

    # === ACTION METHODS === #

    def action_pay_now_reconnect(self):
        """Connect with the keys that were kept; a second click finds it connected.

        :return: an action that shows what is now.
        :rtype: dict
        :raise UserError: there are no keys, this is another database than theirs, or what the
            provider answered.
        """
        self.ensure_one()
        self.check_access('write')
        kept = self.sudo()
        # Asked first: in a copy of the database kept keys are those of somebody else's connection.
        if kept.pay_now_api_key and self._pay_now_connection().is_away():
            raise UserError(self._pay_now_away_label())
        if self.pay_now_can_reconnect:
            self._pay_now_connect(kept.pay_now_api_key or '', kept.pay_now_api_secret or '')
        elif self.pay_now_status != 'connected':
            raise UserError(self.env._("There are no keys any more: press “Connect”."))
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}
