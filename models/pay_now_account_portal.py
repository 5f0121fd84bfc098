# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.fields import Domain
from odoo.tools.misc import formatLang

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.pay_now_link_fetch import INVOICE_FIELDS, ITEM_FIELDS


class PayNowAccount(models.Model):
    """The banner of the portal: what is overdue, and what of it can be paid online."""

    _inherit = 'pay.now.account'

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
            to_pay = formatLang(
                self.env, payable._pay_now_amount_to_pay(), currency_obj=payable.currency_id
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
            Line._pay_now_open_items_domain() & self._pay_now_visible_items(customer),
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
