# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Contacts that become one: what there is one of for each customer is put together before."""

    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Override of `base` to keep our indexes and rules from refusing the merge.

        Odoo writes the customer by SQL, knows nothing of unique indexes, and ends with their error.
        """
        partners = src_partners | dst_partner
        self.env['pay.now.reminder']._pay_now_merge_customers(partners)
        self.env['pay.now.account']._pay_now_merge_customers(partners, dst_partner)
        self.env['pay.now.customer.statement']._pay_now_merge_customers(partners)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        # Odoo goes on to write the values of all of them into the contact that is kept.
        partners.invalidate_recordset()
        partners._pay_now_drop_strangers(dst_partner)
        return result

    @api.model
    def _update_values(self, src_partners, dst_partner):
        """Override of `base` to keep in every company that one of them gets no statement by itself.

        Odoo writes what they have in the user's name: what the user may not write ends the merge.
        """
        companies = (src_partners | dst_partner)._pay_now_take_no_statement()
        result = super()._update_values(src_partners, dst_partner)
        dst_partner._pay_now_give_no_statement(companies)
        return result
