# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, time, timedelta, timezone
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.gateways.base import CheckoutRequest
from odoo.addons.account_pay_now.gateways.errors import GatewayError, GatewayUnavailable
from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """The way of a payer to the provider: snapshot, checkout, and no second one."""

    _inherit = 'payment.transaction'

    pay_now_item_ids = fields.One2many(
        string="Items",
        comodel_name='pay.now.transaction.item',
        inverse_name='transaction_id',
        readonly=True,
    )
    pay_now_checkout_url = fields.Char(string="Checkout address", readonly=True, copy=False)
    pay_now_checkout_expiry = fields.Datetime(string="Checkout until", readonly=True, copy=False)
    pay_now_page_url = fields.Char(
        string="Pay page", readonly=True, copy=False, help="Where the payer came from."
    )
    pay_now_idempotency_key = fields.Char(
        string="Idempotency key",
        readonly=True,
        copy=False,
        help="Stored before the provider is called: a repeated call opens no second checkout.",
    )

    # === BUSINESS METHODS - REFERENCE === #

    @api.model
    def _compute_reference_prefix(self, separator, **values):
        """Override of `payment` to keep references within both providers' alphabet and length."""
        prefix = super()._compute_reference_prefix(separator, **values)
        provider = self.env['payment.provider'].browse(values.get('provider_id') or [])
        if provider.code in const.PROVIDER_CODES or values.get('pay_now'):
            return utils.provider_reference_text(prefix, 40) if prefix else prefix
        return prefix

    # === BUSINESS METHODS - CHECKOUT === #

    def _pay_now_open(self):
        """Open the checkout at the provider, or find the one opened before.

        Other open checkouts of the same items are closed first; one of them that turns out to be
        paid stops this one.

        :return: the address to send the payer to.
        :rtype: str
        :raise UserError: in the customer's language, when there is nothing to pay any more or
            the provider cannot be reached.
        """
        self.ensure_one()
        if not self.try_lock_for_update():
            raise UserError(
                self.env._("This payment is being opened in another window. Please try again.")
            )
        if self.state != 'draft':
            raise UserError(self.env._("This payment is already under way or finished."))
        if problem := self._pay_now_snapshot_problem():
            self._pay_now_close(problem)
            raise UserError(self._pay_now_refusal_labels()[problem])
        self.pay_now_sent_at = fields.Datetime.now()
        if self.pay_now_checkout_url:
            return self.pay_now_checkout_url
        self._pay_now_close_others()
        checkout = self._pay_now_ask_for_checkout()
        self.write(
            {
                'provider_reference': checkout.id,
                'pay_now_checkout_url': checkout.url,
                'pay_now_checkout_expiry': utils.naive_utc(checkout.expires_at),
            }
        )
        return checkout.url

    def _pay_now_ask_for_checkout(self):
        """Open the checkout at the provider.

        :rtype: gateways.base.Checkout
        :raise UserError: in the customer's language, when the provider does not open it.
        """
        try:
            return self.provider_id._pay_now_gateway().open_checkout(
                self._pay_now_checkout_request(), self.pay_now_idempotency_key
            )
        except GatewayUnavailable as error:
            self.provider_id._pay_now_note_problem(error)
            raise UserError(
                self.env._(
                    "%s does not answer at the moment. Nothing was debited: please try again in a"
                    " few minutes.",
                    self.provider_id._pay_now_short_name(),
                )
            ) from error
        except GatewayError as error:
            self.provider_id._pay_now_note_problem(error)
            raise UserError(
                self.env._(
                    "%s cannot take this payment. Nothing was debited. Please contact us.",
                    self.provider_id._pay_now_short_name(),
                )
            ) from error

    def _pay_now_close_others(self):
        """Close the open checkouts that share an item with this one.

        :raise UserError: if one of them was paid in the meantime, or is being taken right now.
        """
        others = self._pay_now_open_checkouts(self.pay_now_item_ids.line_id) - self
        if others.try_lock_for_update() != others:
            raise UserError(
                self.env._(
                    "Another payment of these items is being confirmed. Please try again in a"
                    " moment."
                )
            )
        for other in others:
            if other._pay_now_close('superseded'):
                continue
            other._synchronize()
            if other.state in ('pending', 'authorized', 'done'):
                raise UserError(self.env._("These items were paid a moment ago. Thank you."))

    def _pay_now_close(self, refusal):
        """Make sure nobody can pay this checkout any more.

        :param str refusal: a value of `pay_now_refusal`.
        :return: False when it is paid or being paid.
        :rtype: bool
        """
        self.ensure_one()
        if not self.provider_reference:
            self.pay_now_refusal = refusal
            self._set_canceled()
            return True
        gateway = self.provider_id._pay_now_gateway()
        try:
            closed = gateway.close_checkout(self.provider_reference)
        except GatewayError as error:
            self.provider_id._pay_now_note_problem(error)
            if not gateway.captures:
                # Not known to be closed. Should it be paid after all, its money is booked as
                # credit and flagged: never lost, never silent.
                return self.state == 'draft'
            # Nobody can pay it without us.
            closed = True
        if closed:
            self.pay_now_refusal = refusal
            self._set_canceled()
        return closed

    def _pay_now_checkout_request(self):
        """Return what the gateway needs to open the checkout.

        :rtype: gateways.base.CheckoutRequest
        """
        self.ensure_one()
        base_url = self.provider_id.get_base_url()
        labels = [
            item.line_id._pay_now_due_label() for item in self.pay_now_item_ids if item.amount > 0
        ]
        return CheckoutRequest(
            reference=self.reference,
            amount=Decimal(str(self.amount)).quantize(
                Decimal(1).scaleb(-self.currency_id.decimal_places)
            ),
            currency=self.currency_id.name,
            label=self._pay_now_short_label(labels),
            description=f'{self.partner_id.commercial_partner_id.name} – {self.reference}',
            return_url=f'{base_url}{self._pay_now_path("return")}',
            cancel_url=f'{base_url}{self._pay_now_path("cancel")}',
            payer_email=self.partner_email or '',
            locale=self.env.context.get('lang') or self.partner_lang or '',
            expires_at=self._pay_now_checkout_end(),
            metadata=(
                ('odoo_reference', self.reference),
                (
                    'odoo_database',
                    self.env['ir.config_parameter'].sudo().get_param('database.uuid'),
                ),
                ('odoo_company', str(self.company_id.id)),
                ('odoo_company_name', self.company_id.name),
            ),
        )

    def _pay_now_checkout_end(self):
        """Return until when the checkout may be paid: no longer than a discount is granted.

        Counted from the creation: the same request again must be the same to the letter.

        :rtype: datetime
        """
        self.ensure_one()
        end = self.create_date.replace(tzinfo=timezone.utc) + timedelta(
            hours=const.CHECKOUT_VALIDITY_HOURS
        )
        discounted = self.pay_now_item_ids.filtered('discount').line_id
        if not discounted:
            return end
        zone = self.company_id._pay_now_zone()
        last_day = min(discounted.mapped('discount_date')) + timedelta(days=1)
        return min(end, zone.localize(datetime.combine(last_day, time())).astimezone(timezone.utc))

    def _pay_now_short_label(self, labels):
        if len(labels) <= 3:
            return ', '.join(labels)
        return self.env._("%(first)s and %(count)s more", first=labels[0], count=len(labels) - 1)

    def _pay_now_access_token(self):
        """Return the token of the transaction's own pages (return, result)."""
        self.ensure_one()
        return payment_utils.generate_access_token('pay_now', self.id, self.reference, env=self.env)

    def _pay_now_path(self, page):
        """Return the path of one of the transaction's pages.

        :param str page: `checkout`, `return`, `cancel` or `result`.
        """
        self.ensure_one()
        return f'/pay_now/{page}/{self.id}/{self._pay_now_access_token()}'

    # === BUSINESS METHODS - ODOO'S OWN PAGES === #

    def _get_specific_rendering_values(self, processing_values):
        """Override of `payment` to send the payer of a core page to our checkout."""
        if self.provider_code not in const.PROVIDER_CODES:
            return super()._get_specific_rendering_values(processing_values)
        try:
            return utils.redirect_form_values(self._pay_now_open())
        except UserError as error:
            self._set_error(str(error))
            return {}
