# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo.exceptions import ConcurrencyError
from odoo.http import request, route

from odoo.addons.account_pay_now import const, public_values
from odoo.addons.account_pay_now.controllers.page import ID, takes
from odoo.addons.account_pay_now.utils import PayerError
from odoo.addons.account_payment.controllers.payment import PaymentPortal
from odoo.addons.account_payment.controllers.portal import PortalAccount
from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.portal.controllers.portal import pager

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PayNowPortal(PortalAccount):
    """The customer portal: the list of reminders, and paying all that is overdue at once."""

    def _prepare_home_portal_values(self, counters):
        """Override of `portal` to count the reminders."""
        values = super()._prepare_home_portal_values(counters)
        if 'pay_now_reminder_count' in counters:
            reminders_sudo, domain = self._get_reminders()
            values['pay_now_reminder_count'] = reminders_sudo.search_count(domain)
        return values

    @route(
        ['/my/reminders', '/my/reminders/page/<int:page>'],
        type='http',
        auth='user',
        website=True,
        readonly=True,
    )
    def portal_my_reminders(self, page=1, **_kwargs):
        """List the reminders that were sent, each with its pay page. Nothing is made."""
        reminders_sudo, domain = self._get_reminders()
        pagination = pager(
            url='/my/reminders',
            total=reminders_sudo.search_count(domain),
            page=page,
            step=self._items_per_page,
        )
        found = reminders_sudo.search(
            domain,
            order='sent_at desc, id desc',
            limit=self._items_per_page,
            offset=pagination['offset'],
        )
        values = self._prepare_portal_layout_values()
        values.update(
            {
                'page_name': 'pay_now_reminders',
                'default_url': '/my/reminders',
                'rows': found._pay_now_portal_rows(),
                'plans': request.env['pay.now.plan']
                .sudo()
                ._pay_now_portal_rows(request.env.user.partner_id),
                'pager': pagination,
            }
        )
        return request.render('account_pay_now.portal_my_reminders', values)

    def _get_reminders(self):
        reminders_sudo = request.env['pay.now.reminder'].sudo()
        return reminders_sudo, reminders_sudo._pay_now_portal_domain(request.env.user.partner_id)

    @route(f'/pay_now/overdue/<{ID}:company_id>', type='http', auth='user', methods=['GET', 'POST'])
    @takes(company_id=public_values.record_id)
    def portal_pay_overdue(self, company_id):
        """Open the pay page of all that is overdue in a company; by a GET nothing is made."""
        if request.httprequest.method == 'POST':
            pages = request.env['pay.now.account']
            for row in pages._pay_now_banner():
                if row['company'].id == company_id:
                    account_page_sudo = pages._pay_now_account_page_of(row['company'])
                    account_page_sudo._pay_now_url()
                    account_page_sudo._pay_now_prolong()
                    return request.redirect(account_page_sudo._pay_now_path(), code=303)
        return request.redirect('/my/invoices', code=303)

    def _get_overdue_values(self):
        """Return the banner, and whether it takes the place of core's own button."""
        pages = request.env['pay.now.account']
        rows = pages._pay_now_banner()
        return {
            'pay_now_overdue': rows,
            'pay_now_overdue_alone': bool(rows) and pages._pay_now_stands_alone(),
        }

    def _get_overdue_invoices_domain(self, *args, **kwargs):
        """Override of `account`: what was received, or is on its way, is not overdue."""
        domain = super()._get_overdue_invoices_domain(*args, **kwargs)
        moves = request.env['account.move']
        if not moves.has_access('read'):
            return domain
        paid = moves.search(domain).sudo()._pay_now_all_in_progress()
        # A page that was opened before asks for them, too.
        request.update_context(pay_now_left_out=paid.ids)
        return [*domain, ('id', 'not in', paid.ids)] if paid else domain

    def _prepare_my_invoices_values(self, *args, **kwargs):
        """Override of `account` to show what is overdue."""
        values = super()._prepare_my_invoices_values(*args, **kwargs)
        if values['default_url'] == '/my/invoices' and values['filterby'] != 'bills':
            values.update(self._get_overdue_values())
        return values

    @route()
    def portal_my_overdue_invoices(self, *args, **kwargs):
        """Override of `account_payment`: core asks here for the invoices' totals, paid or not."""
        if self._get_overdue_values()['pay_now_overdue_alone']:
            return request.redirect('/my/invoices')
        return super().portal_my_overdue_invoices(*args, **kwargs)

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        """Override of `account_payment` to say which invoice our providers are asked about.

        What is due, and the discount, by the company's day: as the payment is checked.
        """
        request.update_context(pay_now_invoice_ids=invoice.ids)
        zone = invoice.company_id._pay_now_zone()
        invoice = invoice.with_context(**{**request.env.context, 'tz': str(zone)})
        return super()._invoice_get_page_view_values(invoice, access_token, **kwargs)

    def _overdue_invoices_get_page_view_values(self, overdue_invoices, **kwargs):
        """Override of `account_payment` for the page of all overdue invoices.

        Core asks there for the invoices' totals, paid parts included: ours are not offered when
        that is more than what is open.
        """
        if all(invoice.amount_total == invoice.amount_residual for invoice in overdue_invoices):
            request.update_context(pay_now_invoice_ids=overdue_invoices.ids)
        return super()._overdue_invoices_get_page_view_values(overdue_invoices, **kwargs)


class PayNowPaymentPortal(PaymentPortal):
    """Core's own payment pages: our providers only where they may take the payment."""

    @route()
    def payment_pay(self, *args, invoice_id=None, **kwargs):
        """Override of `account_payment` to say which invoice a payment link is about."""
        if invoice := self._cast_as_int(invoice_id):
            request.update_context(
                pay_now_invoice_ids=[invoice],
                pay_now_amount=self._cast_as_float(kwargs.get('amount')),
            )
        return super().payment_pay(*args, invoice_id=invoice_id, **kwargs)

    def _process_transaction(self, *args, **kwargs):
        """Override of `account_payment`: core's page shows the sentence of whatever is raised.

        :raise PayerError: in place of what was written for people of the company.
        """
        provider_id = self._cast_as_int(kwargs.get('provider_id'))
        provider_sudo = request.env['payment.provider'].sudo().browse(provider_id).exists()
        if provider_sudo.code not in const.PROVIDER_CODES:
            return super()._process_transaction(*args, **kwargs)
        # Said in advance: what is raised may have ended the database transaction.
        unavailable = request.env._("This way of paying is not available now.")
        try:
            return super()._process_transaction(*args, **kwargs)
        except (PayerError, ConcurrencyError, psycopg2.OperationalError):
            raise
        except Exception:
            _logger.exception("A payment on a page of Odoo could not be started")
            raise PayerError(unavailable) from None

    def _create_transaction(self, *args, custom_create_values=None, **kwargs):
        """Override of `payment`: core believes whichever page it is about provider and amount.

        Ours take payments of invoices only, as these are open now. What was received, or is on its
        way, is not taken once more, by no provider.

        :raise PayerError: when ours may not take this payment; nothing is left of it.
        """
        provider_sudo = (
            request.env['payment.provider']
            .sudo()
            .browse(self._cast_as_int(kwargs.get('provider_id')))
        )
        commands = (custom_create_values or {}).get('invoice_ids') or [(6, 0, [])]
        invoices_sudo = request.env['account.move'].sudo().browse(commands[0][2])
        amount = self._cast_as_float(kwargs.get('amount'))
        left_out = request.env.context.get('pay_now_left_out', ())
        (invoices_sudo | invoices_sudo.browse(left_out))._pay_now_check_left(amount)
        if provider_sudo.code in const.PROVIDER_CODES:
            invoices_sudo._pay_now_check_core_payment(provider_sudo, amount)
            first_sudo = invoices_sudo[:1]
            request.env['pay.now.rate']._hold(first_sudo, 'checkout')._spend(first_sudo)
            kwargs['amount'] = invoices_sudo.currency_id.round(amount)
        return super()._create_transaction(
            *args, custom_create_values=custom_create_values, **kwargs
        )
