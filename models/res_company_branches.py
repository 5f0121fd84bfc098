# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.account_pay_now import const


class ResCompany(models.Model):
    """Branches: one set-up, one provider account, and one run of reminders with their company.

    Core's own list of such fields cannot be added to: it copies them to the branches one by one,
    and refuses each as long as another one still differs.
    """

    _inherit = 'res.company'

    # === BUSINESS METHODS - SHARED SET-UP === #

    @api.model
    def _pay_now_branch_values(self, parent_id):
        """Return the set-up that a new branch starts with: its company's.

        :param int parent_id: id of its parent; none for what is no branch.
        :rtype: dict
        """
        if not parent_id:
            return {}
        root = self.sudo().browse(parent_id).root_id
        return {name: root[name] for name in const.SHARED_FIELDS}

    def _pay_now_check_branches(self, vals):
        """Refuse to change the set-up in a branch.

        :param dict vals: as of `write`.
        :raise UserError: where it is changed.
        """
        shared = {name: vals[name] for name in const.SHARED_FIELDS if name in vals}
        for branch in self.filtered('parent_id') if shared else ():
            root = branch.root_id.sudo()
            if any(root[name] != value for name, value in shared.items()):
                raise UserError(root._pay_now_shared_text())

    def _pay_now_share_with_branches(self, vals):
        """Write what was changed in companies to their branches, too.

        :param dict vals: as of `write`.
        """
        shared = [name for name in const.SHARED_FIELDS if name in vals]
        roots = self.filtered(lambda company: not company.parent_id)
        if not shared or not roots:
            return
        branches = self.sudo().search(
            Domain('id', 'child_of', roots.ids) & Domain('parent_id', '!=', False)
        )
        for root, companies in branches.grouped('root_id').items():
            companies.write({name: root[name] for name in shared})

    def _pay_now_shared_text(self):
        """Return where the set-up of a branch is changed."""
        self.ensure_one()
        return self.env._(
            "Online payment is set up in %s, for its branches too. Switch to that company.",
            self.name,
        )

    def _pay_now_create_providers(self):
        """Give each company its own providers where core did not.

        Core copies those of the company the user belongs to: a branch has none.
        """
        Provider = self.env['payment.provider'].sudo()
        for code in const.PROVIDER_CODES:
            existing = Provider.search([('code', '=', code)], order='id')
            for company in self.filtered(lambda company: not company.parent_id):
                if existing and company not in existing.company_id:
                    existing[0].copy({'company_id': company.id})
