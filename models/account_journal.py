# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const


class AccountJournal(models.Model):
    """A provider's journal: what waits for a person on its card."""

    _inherit = 'account.journal'

    # === ACTION METHODS === #

    def action_pay_now_to_handle(self):
        """Open what waits for a person about the providers of the journal.

        :return: the action of the list.
        :rtype: dict
        """
        action = self.env['ir.actions.act_window']._for_xml_id(
            'account_pay_now.action_pay_now_to_handle'
        )
        providers = self._pay_now_providers().filtered(
            lambda provider: provider.journal_id in self.sudo()
        )
        return {**action, 'domain': [('provider_id', 'in', providers.ids)]}

    # === BUSINESS METHODS - DASHBOARD === #

    def _pay_now_providers(self):
        """Return the providers of ours in the companies of the journals.

        :rtype: payment.provider
        """
        return (
            self.env['payment.provider']
            .sudo()
            .search(
                Domain('code', 'in', const.PROVIDER_CODES)
                & Domain('company_id', 'in', self.company_id.ids)
                & Domain('pay_now_account', '!=', False)
            )
        )

    def _fill_bank_cash_dashboard_data(self, dashboard_data):
        """Override of `account` to say on a provider's journal how much waits for a person."""
        super()._fill_bank_cash_dashboard_data(dashboard_data)
        rows = self.env['pay.now.to.handle']
        providers = self._pay_now_providers() if rows.has_access('read') else None
        if not providers:
            return
        for provider, count in rows._read_group(
            Domain('provider_id', 'in', providers.ids), ['provider_id'], ['__count']
        ):
            card = dashboard_data.get(provider.sudo().journal_id.id)
            if card is not None:
                card['pay_now_to_handle'] = count
