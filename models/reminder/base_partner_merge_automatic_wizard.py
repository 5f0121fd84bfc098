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
        """Override of `base` to let anybody merge contacts that get no statement by itself.

        What each company says was put together before, by SQL. Here Odoo writes what the user's
        company says in the name of a user who may not: that would end the merge.
        """
        ticked = (src_partners | dst_partner).sudo().filtered('pay_now_no_statement')
        ticked.pay_now_no_statement = False
        result = super()._update_values(src_partners, dst_partner)
        if ticked:
            dst_partner.sudo().pay_now_no_statement = True
        return result
