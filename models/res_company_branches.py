# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.account_pay_now import const

#: What is decided once for a company and its branches, which keep their books together.
SHARED_FIELDS = (
    'pay_now_sage_customer_code',
    'pay_now_signup_email',
    'pay_now_signup_date',
    'pay_now_signup_application',
    'pay_now_test_email',
    'pay_now_reminder_accounting',
    'pay_now_reminder_sales',
    'pay_now_any_method_accounting',
    'pay_now_any_method_sales',
    'pay_now_reminder_auto',
    'pay_now_partial',
    'pay_now_receipts',
    'pay_now_print_link',
    'pay_now_print_qr',
    'pay_now_letters',
    'pay_now_answer_paid',
    'pay_now_answer_promise',
    'pay_now_answer_problem',
    'pay_now_promise_days',
    'pay_now_grace_days',
)


class ResCompany(models.Model):
    """Branches: one set-up, one provider account, and one run of reminders with their company.

    Core's own list of such fields cannot be added to: it copies them to the branches one by one,
    and refuses each as long as another one still differs.
    """

    _inherit = 'res.company'

    pay_now_connected = fields.Boolean(recursive=True)

    # === COMPUTE METHODS === #

    @api.depends('parent_id.pay_now_connected')
    def _compute_pay_now_connected(self):
        """Override of `account_pay_now`: a branch uses the provider of its company."""
        result = super()._compute_pay_now_connected()
        for company in self.filtered('parent_id'):
            company.pay_now_connected |= company.parent_id.pay_now_connected
        return result

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base` to give branches the set-up, and other companies their providers."""
        for vals in vals_list:
            if vals.get('parent_id'):
                root = self.sudo().browse(vals['parent_id']).root_id
                vals.update({name: root[name] for name in SHARED_FIELDS})
        companies = super().create(vals_list)
        companies._pay_now_create_providers()
        return companies

    def write(self, vals):
        """Override of `base` to keep the set-up of branches with that of their company.

        :raise UserError: if it is changed in a branch.
        """
        shared = {name: vals[name] for name in SHARED_FIELDS if name in vals}
        for branch in self.filtered('parent_id') if shared else ():
            root = branch.root_id.sudo()
            if any(root[name] != value for name, value in shared.items()):
                raise UserError(root._pay_now_shared_text())
        result = super().write(vals)
        if shared and (roots := self.filtered(lambda company: not company.parent_id)):
            branches = self.sudo().search(
                Domain('id', 'child_of', roots.ids) & Domain('parent_id', '!=', False)
            )
            for root, companies in branches.grouped('root_id').items():
                companies.write({name: root[name] for name in shared})
        return result

    def _pay_now_changed_options(self, vals):
        """Override of `account_pay_now`: a branch follows its company, locked or not."""
        return [] if self.parent_id else super()._pay_now_changed_options(vals)

    # === BUSINESS METHODS === #

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

    def _pay_now_create_reminder_levels(self):
        """Override of `account_pay_now`: the levels of a company are those of its branches."""
        roots = self.filtered(lambda company: not company.parent_id)
        return super(ResCompany, roots)._pay_now_create_reminder_levels()
