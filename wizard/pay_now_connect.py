# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL


class PayNowConnect(models.TransientModel):
    """Step 3: connect a provider with its keys."""

    _name = 'pay.now.connect'
    _inherit = ['pay.now.authority.mixin']
    _description = "Connect a payment provider"
    _pay_now_written_by = dict.fromkeys(
        (
            'provider_id',
            'purpose',
            'setup_id',
            'api_key',
            'api_secret',
            'api_base',
        ),
        True,
    )

    provider_id = fields.Many2one(comodel_name='payment.provider', required=True, readonly=True)
    purpose = fields.Selection(
        string="What for",
        selection=[
            ('connect', "Connect"),
            ('keys', "Change the keys"),
            ('another', "Connect another account"),
            ('live', "Go live"),
        ],
        required=True,
        readonly=True,
        default='connect',
    )
    account = fields.Char(related='provider_id.pay_now_account')
    setup_id = fields.Many2one(comodel_name='pay.now.setup', readonly=True)
    provider_code = fields.Selection(related='provider_id.code')
    api_key = fields.Char(
        string="Secret key",
        required=True,
        help="Stripe: starts with sk_live_, sk_test_ or rk_. PayPal: the client id of your app.",
    )
    api_secret = fields.Char(string="Secret", help="PayPal: the secret beside the client id.")
    api_base = fields.Char(
        string="Sandbox address",
        help="Only for tests on this machine: the address of a sandbox of the provider.",
    )

    # === ACTION METHODS === #

    def action_connect(self):
        """Prove the key, connect, and come back to the set-up."""
        self.ensure_one()
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(self.env._("Only an administrator can connect a provider."))
        self.provider_id.check_access('write')
        keys = ((self.api_key or '').strip(), (self.api_secret or '').strip())
        try:
            self._use(*keys)
        except UserError:
            self._forget_refused()
            raise
        # The keys live on with the provider only.
        self.write({'api_key': '-', 'api_secret': False})
        if self.setup_id:
            return self.setup_id._reopen()
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    # === BUSINESS METHODS === #

    def _use(self, key, secret):
        """Do with the keys what the window was opened for.

        :param str key: see `payment.provider._pay_now_connect`.
        :param str secret: see there.
        :raise UserError: what is missing, or what the provider answered.
        """
        match self.purpose:
            case 'keys':
                self.provider_id._pay_now_change_keys(key, secret)
            case 'another' | 'live':
                self.provider_id._pay_now_connect_successor(
                    key, secret, live=self.purpose == 'live', api_base=self.api_base
                )
            case _:
                self._connect(key, secret)

    def _forget_refused(self):
        """Forget the keys that were refused: in the screen they stay, to be corrected.

        The row is not changed in the transaction of the error, which is rolled back. One that this
        transaction has in hand itself is not waited for.
        """
        query = SQL(
            "UPDATE pay_now_connect SET api_key = '-', api_secret = NULL WHERE id IN"
            " (SELECT id FROM pay_now_connect WHERE id IN %s FOR UPDATE SKIP LOCKED)",
            self._ids,
        )
        with self.env.registry.cursor() as cr:
            cr.execute(query)

    def _connect(self, key, secret):
        provider = self.provider_id
        if self.api_base != (provider.pay_now_api_base or False):
            # The address of a sandbox only ever goes with test mode.
            provider.sudo().write({'state': 'disabled', 'pay_now_api_base': self.api_base})
        provider._pay_now_connect(key, secret)
