# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import uuid
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError
from odoo.fields import Command, Domain
from odoo.tools import SQL, mute_logger, sql
from odoo.tools.misc import clean_context

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.gateways import reading
from odoo.addons.account_pay_now.gateways.base import CheckoutRequest
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayError,
    GatewayUnavailable,
)
from odoo.addons.account_pay_now.utils import PayerError
from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


def lock_fresh(records, seconds):
    """Lock rows, waiting for whoever has them; what follows knows what the others did.

    A database transaction goes on seeing what there was as it began. So whoever had to wait begins
    again: Odoo does the whole request once more (`service.model.retrying`).

    :param records: of one model.
    :param int seconds: how long others are waited for.
    :return: whether all of them are locked.
    :rtype: bool
    :raise ConcurrencyError: others had them, and are done now.
    """
    if records.try_lock_for_update() == records:
        return True
    cr = records.env.cr
    try:
        with cr.savepoint(flush=False), mute_logger('odoo.sql_db'):
            cr.execute(SQL("SET LOCAL lock_timeout = %s", f'{seconds}s'))
            cr.execute(
                SQL(
                    "SELECT id FROM %s WHERE id IN %s ORDER BY id FOR UPDATE",
                    SQL.identifier(records._table),
                    tuple(records.ids),
                )
            )
    except psycopg2.errors.LockNotAvailable:
        return False
    raise ConcurrencyError("others had the records until now")


class PaymentTransaction(models.Model):
    """The way of a payer to the provider: the items' snapshot, the checkout, and no second one."""

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
    pay_now_lang = fields.Char(
        string="Language of the page",
        readonly=True,
        copy=False,
        help="What the payer chose on the pay page; empty for the customer's own language.",
    )
    pay_now_idempotency_key = fields.Char(
        string="Idempotency key",
        readonly=True,
        copy=False,
        help="Stored before the provider is called: a repeated call opens no second checkout.",
    )

    pay_now_own_ref = fields.Char(
        string="Own id at the provider",
        compute='_compute_pay_now_own_ref',
        store=True,
        copy=False,
        help="The provider's id of the checkout, or of the refund: it is of one payment only.",
    )

    _own_ref_once = models.UniqueIndex(
        '(provider_id, pay_now_own_ref) WHERE pay_now_own_ref IS NOT NULL',
        "This is the provider's id of another payment.",
    )

    def _auto_init(self):
        """Override of `base`: of the payments there are, none is one of ours yet."""
        if not sql.column_exists(self.env.cr, self._table, 'pay_now_own_ref'):
            sql.create_column(self.env.cr, self._table, 'pay_now_own_ref', 'varchar')
        return super()._auto_init()

    # === COMPUTE METHODS === #

    @api.depends('provider_reference', 'provider_id.code')
    def _compute_pay_now_own_ref(self):
        for tx in self:
            ours = tx.provider_id.code in const.PROVIDER_CODES
            tx.pay_now_own_ref = ours and tx.provider_reference

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `payment` to give transactions of Odoo's own pages their snapshot too.

        :raise AccessError: of a provider of ours, in anybody's name.
        """
        default = self.env.context.get('default_provider_id')
        self._pay_now_check_hands_off(
            *(vals.get('provider_id', default) for vals in vals_list if not self.env.su)
        )
        Transaction = self
        if self._pay_now_any_ours(vals.get('provider_id') for vals in vals_list):
            # A refund that somebody asks for is made in sudo, and of nothing that the client says.
            Transaction = self.with_env(self.env(context=clean_context(self.env.context)))
        txs = super(PaymentTransaction, Transaction).create(vals_list)
        for tx in txs:
            if tx.provider_code not in const.PROVIDER_CODES:
                continue
            if tx.operation == 'refund':
                tx.pay_now_idempotency_key = tx._pay_now_refund_key()
            else:
                # Not derived from the reference: a restored backup gives the same one again,
                # and the provider would refuse it with another amount.
                tx.pay_now_idempotency_key = uuid.uuid4().hex
                if not tx.pay_now_item_ids:
                    tx._pay_now_snapshot_invoices()
        return txs

    def write(self, vals):
        """Override of `payment`: nobody makes another provider's payment one of ours.

        :raise AccessError: if somebody tries.
        """
        if 'provider_id' in vals and not self.env.su:
            self._pay_now_check_hands_off(vals['provider_id'])
        return super().write(vals)

    # === BUSINESS METHODS - WHO WRITES === #

    @api.model
    def _pay_now_may_write(self, field):
        """Override of `pay.now.authority.mixin`: of a payment of ours people write nothing at all.

        Core lets bookkeepers write transactions; what they do with one is done in sudo.
        """
        return super()._pay_now_may_write(field) and not self.sudo()._pay_now_ours()

    @api.model
    def _pay_now_check_hands_off(self, *provider_ids):
        """Refuse to make payments of our providers in somebody's name.

        :param provider_ids: of the payments to be written.
        :raise AccessError: if one of them is ours.
        """
        if self._pay_now_any_ours(provider_ids):
            raise AccessError(
                self.env._("Payments of this provider are made by their payers, not by hand.")
            )

    @api.model
    def _pay_now_any_ours(self, provider_ids):
        """Tell whether one of some providers is ours.

        :param provider_ids: ids, empty ones among them.
        :rtype: bool
        """
        providers = self.env['payment.provider'].sudo().browse(filter(None, provider_ids))
        # A client may name anything.
        providers = providers if self.env.su else providers.exists()
        return any(provider.code in const.PROVIDER_CODES for provider in providers)

    def _pay_now_check_own(self, payment):
        """Report what the provider has under our id, and is another payment by its own reference.

        Nothing of it is taken over, and nothing captured.

        :param gateways.base.Payment payment: what was read just now.
        :return: whether it is this payment.
        :rtype: bool
        """
        self.ensure_one()
        theirs, mine = map(reading.plain_reference, (payment.reference, self.reference))
        # One with the reference of another one was taken in by a person (`_pay_now_take_in`).
        taken_in = self.pay_now_payment_ref == payment.payment_id and mine.startswith(f'{theirs}-')
        if theirs == mine or (theirs and taken_in):
            return True
        self.pay_now_last_sync = fields.Datetime.now()
        self.env['pay.now.discrepancy']._report(
            self, 'identity', 'identity', {'theirs': payment.reference or '–'}, amount=self.amount
        )
        return False

    def _pay_now_free_ref(self, checkout_id):
        """Return the id of a checkout, unless it is another payment's already.

        :param str checkout_id: the provider's.
        :rtype: str
        """
        mine = Domain('provider_id', '=', self.provider_id.id)
        known = self.search_count(mine & Domain('provider_reference', '=', checkout_id), limit=1)
        return '' if known else checkout_id

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
        :raise PayerError: in the customer's language, when there is nothing to pay any more or
            the provider cannot be reached.
        """
        self.ensure_one()
        # Of two clicks the second waits, and finds what the first one opened.
        if not lock_fresh(self, const.PAYER_WAITS):
            raise PayerError(
                self.env._("This payment is being opened in another window. Please try again.")
            )
        if self.state != 'draft':
            raise PayerError(self.env._("This payment is already under way or finished."))
        if problem := self._pay_now_ended():
            self._pay_now_close(problem)
            raise PayerError(self._pay_now_refusal_labels()[problem])
        if self.provider_id._pay_now_connection().is_away():
            # Its page would take real money for another database.
            raise self._pay_now_unavailable()
        self.pay_now_sent_at = fields.Datetime.now()
        if self.pay_now_checkout_url:
            return self._pay_now_checked_address(self.pay_now_checkout_url)
        self._pay_now_close_others()
        checkout = self._pay_now_ask_for_checkout()
        self.provider_id._pay_now_note_offered(checkout.methods)
        # Kept whatever its address is: it can be paid once an administrator names the host.
        self.write(
            {
                'provider_reference': checkout.id,
                'pay_now_checkout_url': checkout.url,
                'pay_now_checkout_expiry': self.company_id._pay_now_instant(checkout.expires_at),
            }
        )
        return self._pay_now_checked_address(checkout.url)

    def _pay_now_checked_address(self, url):
        """Return the address of a checkout, if it is the provider's own.

        :param str url: where the payer is to be sent.
        :rtype: str
        :raise PayerError: in the customer's language, if it leads anywhere else.
        """
        is_own = self.provider_id._pay_now_is_checkout_address(url)
        self.provider_id._pay_now_note_checkout_host('' if is_own else utils.host_of(url) or '?')
        if not is_own:
            _logger.error(
                "%s: the checkout is on a host of others, %r (a custom domain is named in the"
                " system parameter %s)",
                self.reference,
                utils.host_of(url),
                const.CHECKOUT_HOSTS.get(self.provider_code),
            )
            raise PayerError(self.env._("This payment cannot be completed any more."))
        return url

    def _pay_now_unavailable(self):
        """Return what the payer is told where the provider cannot be asked now.

        :rtype: PayerError
        """
        return PayerError(
            self.env._(
                "%s does not answer at the moment. Nothing was debited: please try again in a few"
                " minutes.",
                self.provider_id._pay_now_short_name(),
            )
        )

    def _pay_now_ask_for_checkout(self):
        """Open the checkout at the provider.

        :rtype: gateways.base.Checkout
        :raise PayerError: in the customer's language, when the provider does not open it.
        """
        try:
            return self.provider_id._pay_now_gateway().open_checkout(
                self._pay_now_checkout_request(), self.pay_now_idempotency_key
            )
        except GatewayUnavailable as error:
            self.provider_id._pay_now_note_problem(error)
            raise self._pay_now_unavailable() from error
        except GatewayError as error:
            self.provider_id._pay_now_note_problem(error)
            raise PayerError(
                self.env._(
                    "%s cannot take this payment. Nothing was debited. Please contact us.",
                    self.provider_id._pay_now_short_name(),
                )
            ) from error

    def _pay_now_close_others(self):
        """Close the open checkouts that share an item with this one.

        :raise PayerError: if one of them was paid in the meantime, or is being taken right now.
        """
        others = self._pay_now_open_checkouts(self.pay_now_item_ids.line_id) - self
        if not lock_fresh(others, const.PAYER_WAITS):
            raise PayerError(
                self.env._(
                    "Another payment of these items is being confirmed. Please try again in a"
                    " moment."
                )
            )
        for other in others:
            # What a former customer of the invoices pays is no payment of theirs.
            own = other._pay_now_own_items()
            if other._pay_now_close('superseded' if own else 'items_changed'):
                continue
            other._synchronize()
            if own and other.state in ('pending', 'authorized', 'done'):
                raise PayerError(self.env._("These items were paid a moment ago. Thank you."))

    def _pay_now_checkout_request(self):
        """Return what the gateway needs to open the checkout.

        :rtype: gateways.base.CheckoutRequest
        """
        self.ensure_one()
        base_url = self.provider_id.get_base_url()
        label = self.env['account.move.line']._pay_now_label
        # Of the snapshot: the same request again must be the same to the letter.
        labels = [
            label(item.move_name, item.instalment, item.instalments)
            for item in self.pay_now_item_ids
            if item.amount > 0
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
            payer_email=next(iter(utils.email_addresses(self.partner_email)), ''),
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

    def _pay_now_check_token(self, token):
        """Tell whether a token opens the transaction's own pages.

        :param str token: what came in the address.
        :rtype: bool
        """
        return bool(
            self
            and self.provider_code in const.PROVIDER_CODES
            and utils.same_secret(self._pay_now_access_token(), token)
        )

    def _pay_now_path(self, page):
        """Return the path of one of the transaction's pages.

        :param str page: `checkout`, `return`, `cancel` or `result`.
        """
        self.ensure_one()
        return f'/pay_now/{page}/{self.id}/{self._pay_now_access_token()}'

    def _pay_now_snapshot_problem(self):
        """Return what keeps the snapshot from being paid as it stands, or False.

        :return: a value of `pay_now_refusal`.
        :rtype: str | bool
        """
        self.ensure_one()
        if self.pay_now_refusal:
            # Ended here, whether or not the provider knows it yet.
            return self.pay_now_refusal
        items = self.pay_now_item_ids
        if not all(map(self._pay_now_still_stands, items)):
            return 'items_changed'
        if items.line_id._pay_now_in_progress():
            return 'in_progress'
        # Credit notes are no invoices to be paid.
        invoices = items.filtered(lambda item: item.amount > 0).move_id
        refused = invoices._pay_now_refusals('payment', free=items.line_id)
        return 'not_payable' if refused else False

    def _pay_now_ended(self):
        """Return why the checkout is not to be paid any more, or False.

        :return: a value of `pay_now_refusal`.
        :rtype: str | bool
        """
        self.ensure_one()
        return self._pay_now_snapshot_problem() or (
            self.provider_id.pay_now_status != 'connected' and 'disconnected'
        )

    @api.model
    def _pay_now_still_stands(self, item):
        """Tell whether an open item can still be paid as the payer agreed to.

        :param pay.now.transaction.item item: of a snapshot.
        :rtype: bool
        """
        line = item.line_id
        if line.parent_state != 'posted' or line.reconciled:
            return False
        if not line._pay_now_of(item.customer_id, item.company_id):
            return False
        agreed = item.amount + item.discount
        compare = item.currency_id.compare_amounts
        if item.discount and compare(line._pay_now_discount(), item.discount):
            return False
        # The sign is the same: of a credit note as much has to be left.
        return compare(abs(line.amount_residual_currency), abs(agreed)) >= 0

    # === BUSINESS METHODS - ODOO'S OWN PAGES === #

    def _get_specific_rendering_values(self, processing_values):
        """Override of `payment` to send the payer of a core page to our checkout."""
        if self.provider_code not in const.PROVIDER_CODES:
            return super()._get_specific_rendering_values(processing_values)
        try:
            return utils.redirect_form_values(self._pay_now_open())
        except PayerError as error:
            self._set_error(str(error))
            return {}

    # === BUSINESS METHODS - CREATION === #

    @api.model
    def _pay_now_create(
        self, provider, partner, lines, parts=None, page_url='', email='', lang='', allow=None
    ):
        """Create the transaction of a checkout with the snapshot of its items.

        The same items and amounts still open at the same provider give the same transaction: a
        double click pays once.

        :param payment.provider provider: one of ours, connected.
        :param res.partner partner: who pays.
        :param account.move.line lines: open items of one account, credit notes among them.
        :param dict parts: of each (see `_pay_now_parts`); all of it by default.
        :param str page_url: path of the page the payer came from.
        :param str email: where the receipt goes when the customer has no address.
        :param str lang: what the pages of the payment are shown in, empty for the customer's own.
        :param allow: called before one is made, and not where there is one; may raise.
        :return: a draft transaction, its checkout not opened yet.
        :rtype: payment.transaction
        :raise PayerError: if the items cannot be paid in one payment.
        """
        if not lines:
            raise PayerError(self.env._("Nothing was chosen to pay."))
        parts = parts if parts is not None else lines._pay_now_parts()
        amount = lines.currency_id[:1].round(sum(part for part, _discount in parts.values()))
        self._pay_now_check_lines(provider, partner, lines, amount)
        if same := self._pay_now_find_same(provider, lines, parts):
            return same
        if allow:
            allow()
        tx = self._pay_now_create_alone(
            {
                **self._pay_now_checkout_values(provider, lines, parts),
                'amount': amount,
                'partner_id': partner.id,
                'pay_now_page_url': page_url,
                'pay_now_lang': lang,
            }
        )
        tx._pay_now_write_email(email)
        return tx

    def _pay_now_write_email(self, email):
        """Note where the receipt goes: where invoices go, to all of them, else where it was said.

        :param str email: what the payer typed.
        """
        addresses = ', '.join(utils.contact_addresses(self.partner_id)) or email
        if addresses != (self.partner_email or ''):
            self.partner_email = addresses

    @api.model
    def _pay_now_create_alone(self, vals):
        """Create a transaction whose reference nobody else gives at the same moment.

        :param dict vals: its values.
        :rtype: payment.transaction
        :raise ConcurrencyError: it was given on another page; the request is done again, and sees
            that.
        """
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                return self.create(vals)
        except psycopg2.errors.UniqueViolation as error:
            raise ConcurrencyError("the reference was given a moment ago") from error

    @api.model
    def _pay_now_checkout_values(self, provider, lines, parts):
        """Return the values of a checkout that follow from its items, their snapshot included.

        :param payment.provider provider: who takes the payment.
        :param account.move.line lines: the items chosen.
        :param dict parts: `{line: (amount, discount)}` of each.
        :rtype: dict
        """
        invoices = lines.move_id.filtered(lambda move: move.move_type == 'out_invoice')
        prefix = utils.provider_reference_text('-'.join(invoices.mapped('name')), 40)
        return {
            'provider_id': provider.id,
            'payment_method_id': provider._pay_now_default_method().id,
            'reference': self._compute_reference(provider.code, prefix=prefix),
            'currency_id': lines.currency_id.id,
            'operation': 'online_redirect',
            'invoice_ids': [Command.set(invoices.ids)],
            'pay_now_item_ids': [
                Command.create(values) for values in lines._pay_now_snapshot(parts)
            ],
        }

    def _pay_now_snapshot_invoices(self):
        """Take the snapshot of a core payment: what its amount pays of the invoices' items.

        The early payment discount that core's page deducted is promised as on our own page.
        """
        parts = self.invoice_ids._pay_now_core_parts(self.amount)
        lines = self.env['account.move.line'].union(*parts)
        self.pay_now_item_ids = [
            Command.create(values) for values in lines._pay_now_snapshot(parts)
        ]

    @api.model
    def _pay_now_check_lines(self, provider, partner, lines, amount):
        """Refuse what one payment cannot settle.

        :param payment.provider provider: who would take it.
        :param res.partner partner: who pays.
        :param account.move.line lines: the items chosen.
        :param float amount: what it would be, in the currency of the lines.
        :raise PayerError: in the customer's language.
        """
        if lines._pay_now_of(partner, provider.company_id) != lines:
            raise PayerError(
                self.env._("The amounts have changed meanwhile. Please check them and try again.")
            )
        if len(lines._pay_now_groups()) > 1:
            raise PayerError(self._pay_now_groups_problem())
        if lines.currency_id.compare_amounts(amount, 0) <= 0:
            raise PayerError(
                self.env._("There is nothing left to pay once the credit notes are deducted.")
            )
        if provider._pay_now_amount_problem(amount, lines.currency_id):
            raise PayerError(provider._pay_now_amount_problem_text(amount, lines.currency_id))

    @api.model
    def _pay_now_groups_problem(self):
        """Return what is said to whoever chose items of several groups."""
        return self.env._(
            "These items cannot be paid together. Please choose items of one payment only, and pay"
            " the others after it."
        )

    @api.model
    def _pay_now_find_same(self, provider, lines, parts):
        """Return the open checkout of exactly these items and amounts, if there is one."""
        now = fields.Datetime.now() + timedelta(minutes=35)
        for tx in self._pay_now_open_checkouts(lines):
            items = tx.pay_now_item_ids
            snapshot = {item.line_id: (item.amount, item.discount) for item in items}
            if (
                tx.provider_id == provider
                and not tx.pay_now_refusal
                and snapshot == parts
                # Under the same number, by the same customer.
                and all(item.move_name == item.move_id.name for item in items)
                and tx._pay_now_own_items() == items
                and (not tx.pay_now_checkout_expiry or tx.pay_now_checkout_expiry > now)
            ):
                return tx
        return self.browse()

    @api.model
    def _pay_now_open_checkouts(self, lines):
        """Return the checkouts that share an item with `lines` and may still be paid.

        What was started for an item that is not as it was may pay any of its invoice.
        """
        items = self.env['pay.now.transaction.item'].search(
            Domain('move_id', 'in', lines.move_id.ids)
            & Domain('transaction_id.state', '=', 'draft')
        )
        return items.filtered(
            lambda item: item.line_id in lines or not item.line_id._pay_now_is_unchanged(item)
        ).transaction_id
