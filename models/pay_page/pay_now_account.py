# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.fields import Domain
from odoo.tools import mute_logger
from odoo.tools.misc import formatLang

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.pay_page.pay_now_page_mixin import (
    INVOICE_FIELDS,
    ITEM_FIELDS,
)

MODELS = ('account.move', 'account.move.line')


class PayNowAccount(models.Model):
    """What a customer owes a company, for one of its contacts who logs in to the portal.

    Not the same for all contacts: each sees on the page, and in the banner of *My Invoices*, what
    the portal shows to them, and nothing any more once they may not log in.
    """

    _name = 'pay.now.account'
    _description = "Customer's account in the portal"
    _inherit = ['pay.now.authority.mixin', 'pay.now.page.mixin', 'pay.now.history.mixin']
    _pay_now_kind = 'account'

    user_id = fields.Many2one(
        comodel_name='res.users', required=True, readonly=True, ondelete='cascade'
    )
    partner_id = fields.Many2one(string="Contact", related='user_id.partner_id')
    customer_id = fields.Many2one(
        comodel_name='res.partner',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        help="Whose items they are; a contact who changes to another customer gets another page.",
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )

    _account_once = models.UniqueIndex(
        '(user_id, customer_id, company_id)', "This account has its page already."
    )

    # === BUSINESS METHODS - ACCESS === #

    @api.model
    def _pay_now_account_page_of(self, company):
        """Return the account page of whoever is logged in, made where there is none yet.

        :param res.company company: whose items are paid.
        :return: one page (sudo).
        :rtype: pay.now.account
        """
        vals = {
            'user_id': self.env.uid,
            'customer_id': self.env.user.partner_id.commercial_partner_id.id,
            'company_id': company.id,
        }
        pages = self.sudo()
        if found := pages.search([(name, '=', value) for name, value in vals.items()]):
            return found
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                return pages.create(vals)
        except psycopg2.errors.UniqueViolation as error:
            # Made by a double click a moment ago: the request is done again, and finds it.
            raise ConcurrencyError("made by another request") from error

    @api.model
    def _pay_now_merge_customers(self, partners, partner):
        """Join the pages that become pages of one customer: the one that is kept stays.

        Payments that were begun on the others lead back to it.

        :param res.partner partners: the contacts that are merged.
        :param res.partner partner: the one of them that is kept.
        """
        pages = self.sudo().search([('customer_id', 'in', partners.ids)], order='id')
        for same in pages.grouped(lambda page: (page.user_id, page.company_id)).values():
            kept, *others = same.sorted(lambda page: page.customer_id != partner)
            for other in others:
                self.env['payment.transaction'].sudo().search(
                    [('pay_now_page_url', '=', other._pay_now_path())]
                ).pay_now_page_url = kept._pay_now_path()
                other.unlink()

    def _pay_now_check_token(self, token):
        """Override of `pay.now.page.mixin`: the page closes with the log-in it was made for."""
        is_open = super()._pay_now_check_token(token)
        return is_open and self.sudo()._pay_now_has_log_in()

    def _pay_now_has_log_in(self):
        """Tell whether the contact may still see the customer's invoices in this company."""
        user = self.user_id
        return (
            user.active
            and user.partner_id.commercial_partner_id == self.customer_id
            and self.company_id in user.company_ids
            and self.with_user(user)._pay_now_may_see_invoices()
        )

    def _pay_now_visible(self):
        """Return the domain of what is left to pay or deduct, as far as the contact may see it.

        :rtype: odoo.fields.Domain
        """
        self.ensure_one()
        if not self._pay_now_has_log_in():
            return Domain.FALSE
        return (
            self.with_user(self.user_id)
            .with_context(allowed_company_ids=self.company_id.ids)
            ._pay_now_visible_items(self.customer_id)
        )

    @api.model
    def _pay_now_visible_items(self, customer):
        """Return the domain of a customer's items that the current user's access rules let pass.

        :param res.partner customer: a commercial partner.
        :rtype: odoo.fields.Domain
        """
        # The rules of invoices and those of items: either may say more than the other.
        moves = self.env['account.move']._search(
            Domain('commercial_partner_id', 'child_of', customer.id)
            & Domain('state', '=', 'posted')
        )
        items = self.env['account.move.line']._search(
            Domain('move_id', 'in', moves)
            & Domain('display_type', '=', 'payment_term')
            & Domain('reconciled', '=', False)
        )
        return Domain('id', 'in', items)

    @api.model
    def _pay_now_may_see_invoices(self):
        return all(self.env[name].has_access('read') for name in MODELS)

    # === BUSINESS METHODS - PAGE === #

    def _pay_now_customer(self):
        """Override of `pay.now.page.mixin`: the customer it was made for."""
        return self.customer_id

    def _pay_now_linked_lines(self):
        """Override of `pay.now.page.mixin`: what is open; what was paid long ago is not shown."""
        Line = self.env['account.move.line']
        return Line.search(Line._pay_now_open_items_domain() & self._pay_now_lines_domain())

    def _pay_now_lines_domain(self):
        """Override of `pay.now.page.mixin` to read nothing for it."""
        return self._pay_now_visible() & Domain('company_id', '=', self.company_id.id)

    def _pay_now_credit_scope(self, lines=None):
        """Override of `pay.now.page.mixin`: the customer's, as its items."""
        return self._pay_now_lines_domain() if lines is None else lines

    def _pay_now_preselected(self, payable):
        """Override of `pay.now.page.mixin` to tick exactly what is overdue, else the next one."""
        overdue = self._pay_now_overdue(payable)
        return overdue or payable.filtered(
            lambda line: line.date_maturity == payable[0].date_maturity
        )

    @api.model
    def _pay_now_overdue(self, lines):
        """Return the items whose due date is past where their company is.

        :param account.move.line lines: open items.
        :rtype: account.move.line
        """
        today = {company: company._pay_now_today() for company in lines.company_id}
        return lines.filtered(
            lambda line: (line.date_maturity or line.date) < today[line.company_id]
        )

    # === BUSINESS METHODS - PORTAL === #

    @api.model
    def _pay_now_banner(self):
        """Return what is overdue for the customer of whoever is logged in. Nothing is made.

        The number of queries does not depend on the number of invoices.

        :return: a dict for each company that something can be paid online for: `company`, `count`
            (of invoices), `due` and, where it is not all of that, `payable` (amounts as text).
        :rtype: list
        """
        items = self._pay_now_overdue_items()
        refusals = items.move_id._pay_now_refusals('page', free=items)
        rows = []
        for company, overdue in items.grouped('company_id').items():
            payable = overdue._pay_now_without(refusals)
            if not payable:
                continue
            # Only listed, as in a reminder. What is blocked is asked for nowhere.
            listed = overdue.filtered(lambda line: refusals.get(line.move_id) == 'currency')
            due = self._pay_now_amounts_text(payable | listed, 'amount_residual_currency')
            # One amount for each payment that it takes.
            to_pay = ' + '.join(
                formatLang(self.env, group._pay_now_amount_to_pay(), currency_obj=group.currency_id)
                for group in payable._pay_now_groups()
            )
            rows.append(
                {
                    'company': company,
                    'count': len((payable | listed).move_id),
                    'due': due,
                    'payable': to_pay != due and to_pay,
                }
            )
        return sorted(rows, key=lambda row: (row['company'].sequence, row['company'].id))

    @api.model
    def _pay_now_overdue_items(self):
        """Return the overdue items that the current user may see and no payment is on its way for.

        :rtype: account.move.line (sudo)
        """
        Line = self.env['account.move.line']
        if self.env.user._is_public() or not self._pay_now_may_see_invoices():
            return Line.sudo()
        customer = self.env.user.partner_id.commercial_partner_id
        lines = Line.sudo().search_fetch(
            Line._pay_now_open_items_domain()
            & self._pay_now_visible_items(customer)
            & Line._pay_now_of_domain(customer, self.env.companies),
            ITEM_FIELDS,
        )
        lines = self._pay_now_overdue(lines)
        lines.move_id.fetch(INVOICE_FIELDS)
        return lines - lines._pay_now_in_progress()

    @api.model
    def _pay_now_amounts_text(self, lines, field):
        """Return the sums of items by currency, the company's own first.

        :rtype: str
        """
        own = lines.company_id.currency_id
        by_currency = lines.grouped('currency_id')
        return ' + '.join(
            formatLang(self.env, sum(by_currency[currency].mapped(field)), currency_obj=currency)
            for currency in sorted(by_currency, key=lambda one: (one not in own, one.name))
        )

    @api.model
    def _pay_now_stands_alone(self):
        """Tell whether nobody but our providers could take a payment on Odoo's own page.

        :rtype: bool
        """
        domain = (
            Domain('company_id', 'parent_of', self.env.companies.ids)
            & Domain('code', 'not in', const.PROVIDER_CODES)
            & Domain('state', 'in', ('enabled', 'test'))
        )
        if not self.env.user._is_internal():
            domain &= Domain('is_published', '=', True)
        return not self.env['payment.provider'].sudo().search_count(domain, limit=1)
