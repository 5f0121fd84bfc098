# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class ResCompany(models.Model):
    """Who of the company's people looks at something."""

    _inherit = 'res.company'

    # === BUSINESS METHODS - PEOPLE === #

    def _pay_now_accountant(self):
        """Return whom to tell that something about money has to be done.

        :rtype: res.users
        """
        self.ensure_one()
        users = (
            self.env.ref('account.group_account_manager')
            .sudo()
            .all_user_ids.filtered(
                lambda user: user.active and not user.share and self in user.company_ids
            )
        )
        return users.sorted('id')[:1] or self.env.user

    def _pay_now_responsible(self, people, group=None):
        """Return who looks at something: whoever takes care of it and works for the company.

        :param res.users people: who takes care of the customer or of its invoices.
        :param str group: what they have to be in, as an XML id.
        :return: the first of them, else an accountant.
        :rtype: res.users
        """
        self.ensure_one()
        found = people.sudo().filtered(
            lambda user: (
                user.active
                and not user.share
                and self in user.company_ids
                and (not group or user.has_group(group))
            )
        )
        return found[:1] or self._pay_now_accountant()
