# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import hashlib
import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import consteq

from odoo.addons.account_pay_now import const


class PayNowOnboarding(models.Model):
    """A visit to a provider's own registration: who may come back from it, once."""

    _name = 'pay.now.onboarding'
    _description = "Visit to a provider's registration"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']

    provider_id = fields.Many2one(
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    user_id = fields.Many2one(
        comodel_name='res.users', required=True, readonly=True, ondelete='cascade'
    )
    token_hash = fields.Char(string="Digest", required=True, readonly=True)
    expires_at = fields.Datetime(string="Good until", required=True, readonly=True)

    # === BUSINESS METHODS === #

    @api.model
    def _open(self, provider):
        """Remember who leaves for a provider's registration.

        Only a digest of the token is kept: the database alone does not bring anybody back.

        :param payment.provider provider: whose registration it is.
        :return: the path that brings them back, to which the way of coming back is added.
        :rtype: str
        """
        token = secrets.token_urlsafe(24)
        visit = self.sudo().create(
            {
                'provider_id': provider.id,
                'company_id': provider.company_id.id,
                'user_id': self.env.uid,
                'token_hash': self._digest(token),
                'expires_at': fields.Datetime.now()
                + timedelta(hours=const.ONBOARDING_VALIDITY_HOURS),
            }
        )
        return f'/pay_now/onboarding/{visit.id}/{token}'

    @api.model
    def _claim(self, visit_id, token):
        """Let the current user come back, once; anybody else changes nothing.

        :param int visit_id: from the address.
        :param str token: from the address.
        :return: the provider whose registration was visited; none when the visit is not the user's.
        :rtype: payment.provider
        """
        Provider = self.env['payment.provider']
        visit = self.sudo().browse(visit_id).exists().try_lock_for_update()
        # Compared in any case: how long it takes tells nothing.
        digest = visit.token_hash or self._digest('')
        fits = consteq(digest, self._digest(token))
        if not visit or not fits or visit.expires_at < fields.Datetime.now():
            return Provider
        provider = visit.provider_id
        user = self.env.user
        if (
            visit.user_id != user
            or visit.company_id != provider.company_id
            or visit.company_id not in user.company_ids
            or not user.has_group('base.group_system')
        ):
            return Provider
        visit.unlink()
        return provider.with_user(user).with_company(provider.company_id)

    @staticmethod
    def _digest(token):
        return hashlib.sha256(token.encode()).hexdigest()

    @api.autovacuum
    def _gc_visits(self):
        """Forget the visits that nobody came back from."""
        self.search([('expires_at', '<', fields.Datetime.now())], limit=1000).unlink()
