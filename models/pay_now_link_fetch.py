# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

#: What the page reads of the items: one query, and none for each.
ITEM_FIELDS = (
    'move_id',
    'company_id',
    'currency_id',
    'account_id',
    'date',
    'date_maturity',
    'discount_date',
    'amount_currency',
    'amount_residual',
    'amount_residual_currency',
    'no_followup',
)
#: And of their invoices.
INVOICE_FIELDS = (
    'name',
    'state',
    'move_type',
    'payment_state',
    'company_id',
    'currency_id',
    'amount_total',
    'amount_residual',
    'partner_id',
    'commercial_partner_id',
    'preferred_payment_method_line_id',
    'payment_reference',
    'partner_bank_id',
    'pay_now_excluded',
    'pay_now_excluded_until',
)
COMPANY_FIELDS = (
    'name',
    'active',
    'partner_id',
    'parent_id',
    'parent_path',
    'currency_id',
    'email',
    'phone',
    'uses_default_logo',
    'email_primary_color',
    'email_secondary_color',
    'pay_now_signup_date',
    'pay_now_test_email',
    'pay_now_reminder_accounting',
    'pay_now_reminder_sales',
    'pay_now_any_method_accounting',
    'pay_now_any_method_sales',
    'pay_now_partial',
    'pay_now_answer_paid',
    'pay_now_answer_promise',
    'pay_now_answer_problem',
    'pay_now_promise_days',
)
#: What decides whether a provider is offered, its health included, and for which amounts.
PROVIDER_FIELDS = (
    'code',
    'state',
    'company_id',
    'maximum_amount',
    'pay_now_minimum_amount',
    'pay_now_status',
    'pay_now_problem',
    'pay_now_silent_at',
    'pay_now_silent_since',
    'pay_now_unheard_at',
    'pay_now_last_event_at',
    'pay_now_webhook_url',
    'pay_now_api_base',
    'pay_now_platform_state',
    'pay_now_commission_account_id',
)
PARTNER_FIELDS = ('name', 'lang', 'tz', 'email', 'commercial_partner_id')
IDENTITY_FIELDS = ('vat', 'company_registry', 'commercial_company_name')
COUNTRY_FIELDS = ('name', 'code', 'address_format', 'vat_label')
CURRENCY_FIELDS = ('name', 'symbol', 'position', 'rounding', 'decimal_places')


class PayNowPageMixin(models.AbstractModel):
    """What the pay page reads, instead of all that its records have.

    Whatever is asked for besides is read as ever, with all the fields of its record: nothing
    depends on these lists but the time.
    """

    _inherit = 'pay.now.page.mixin'

    # === BUSINESS METHODS - READING === #

    def _pay_now_document_fields(self):
        """Return which fields of the document its page needs.

        :rtype: list
        """
        return ['pay_now_token', 'pay_now_token_expiry', 'company_id', 'partner_id']

    def _pay_now_fetch_parties(self):
        """Read the company and the customer, each with what belongs to it, in one query a model."""
        self.ensure_one()
        company = self.company_id
        company.fetch(COMPANY_FIELDS)
        partners = company.partner_id | self.partner_id
        partners.fetch(
            {*PARTNER_FIELDS, *IDENTITY_FIELDS, *company.partner_id._display_address_depends()}
        )
        company.partner_id.country_id.fetch(COUNTRY_FIELDS)
        company.currency_id.fetch(CURRENCY_FIELDS)
