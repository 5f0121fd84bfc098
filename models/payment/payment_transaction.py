# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayError,
    GatewayNotFound,
    GatewayUnavailable,
)
from odoo.addons.account_pay_now.models.account_move_line import UNDER_WAY
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)
#: What a payment is known by, the most certain first, and what the gateways call it. The reference
#: comes last: a second payment of the same checkout carries it too, and so may another database's.
IDENTIFIERS = {
    'provider_reference': 'checkout_id',
    'pay_now_payment_ref': 'payment_id',
    'pay_now_charge_ref': 'charge_id',
    'reference': 'reference',
}
#: The provider's codes that say the same thing.
SAME_AS = {
    'do_not_honor': 'card_declined',
    'DECLINED': 'card_declined',
    'DECLINED_BY_RISK_FRAUD_FILTERS': 'card_declined',
    'PAYER_ACTION_REQUIRED': 'INSTRUMENT_DECLINED',
    'REDIRECT_PAYER_FOR_ALTERNATE_FUNDING': 'INSTRUMENT_DECLINED',
    'PAYER_ACCOUNT_RESTRICTED': 'PAYER_CANNOT_PAY',
    'PAYER_ACCOUNT_LOCKED_OR_CLOSED': 'PAYER_CANNOT_PAY',
    'COMPLIANCE_VIOLATION': 'TRANSACTION_REFUSED',
    'PAYEE_BLOCKED_TRANSACTION': 'TRANSACTION_REFUSED',
    'DUPLICATE_INVOICE_ID': 'TRANSACTION_REFUSED',
    'MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED': 'TRANSACTION_REFUSED',
}


class PaymentTransaction(models.Model):
    """What a provider says about a payment, and what follows from it.

    Why a payment did not come about is said in the language of whoever reads it.
    """

    _name = 'payment.transaction'
    _inherit = ['payment.transaction', 'pay.now.authority.mixin']

    pay_now_payment_ref = fields.Char(
        string="Payment id", readonly=True, index='btree_not_null', copy=False
    )
    pay_now_charge_ref = fields.Char(
        string="Charge id", readonly=True, index='btree_not_null', copy=False
    )
    pay_now_paid_at = fields.Datetime(string="Paid on", readonly=True, copy=False)
    pay_now_received = fields.Monetary(
        string="Received", readonly=True, copy=False, help="What the provider says was paid."
    )
    pay_now_method = fields.Char(
        string="Method at the provider",
        readonly=True,
        copy=False,
        help="What the payer really used, in the provider's words.",
    )
    pay_now_failure = fields.Char(
        string="Last refusal", readonly=True, copy=False, help="In the provider's words."
    )
    pay_now_failure_code = fields.Char(
        string="Code of the refusal", readonly=True, copy=False, help="The provider's."
    )
    pay_now_refusal = fields.Selection(
        string="Why not",
        selection=[
            # Payments: received, and not booked; or not taken, whatever was approved.
            ('other_currency', "Paid in another currency"),
            ('superseded', "Another payment was started"),
            ('items_changed', "The items have changed"),
            ('in_progress', "Another payment is in progress"),
            ('not_payable', "Not payable online any more"),
            ('lapsed', "Not completed in time"),
            ('revoked', "The link was revoked"),
            ('disconnected', "The provider was disconnected, or its keys were changed"),
            # Refunds: not asked for, or no refund at all.
            ('no_payment', "No such payment at the provider"),
            ('disputed', "The payment is disputed"),
            ('dispute_lost', "The dispute was lost"),
            ('made_elsewhere', "Refunded at the provider meanwhile"),
            ('too_much', "More than what is left"),
            ('of_dispute', "Money of a dispute"),
        ],
        readonly=True,
        copy=False,
        help="Our own reason, which comes before what the provider said.",
    )
    pay_now_discrepancy_ids = fields.One2many(
        string="Discrepancies",
        comodel_name='pay.now.discrepancy',
        inverse_name='transaction_id',
        readonly=True,
    )
    pay_now_last_sync = fields.Datetime(string="Last asked", readonly=True, copy=False)
    pay_now_answers = fields.Json(
        string="Answers of the provider",
        readonly=True,
        copy=False,
        help="What it said when asked, each time that it was something new.",
    )

    # === GETTERS === #

    def _pay_now_ours(self):
        """Return the transactions of our providers.

        :rtype: payment.transaction
        """
        return self.filtered(lambda tx: tx.provider_code in const.PROVIDER_CODES)

    def _pay_now_is_refund(self):
        """Tell whether the transaction gives money back at a provider of ours.

        :rtype: bool
        """
        self.ensure_one()
        return self.operation == 'refund' and self.provider_code in const.PROVIDER_CODES

    def _pay_now_sources(self):
        """Return the payments themselves, in place of their refunds.

        :rtype: payment.transaction
        """
        refunds = self.filtered(lambda tx: tx.operation == 'refund')
        return (self - refunds) | refunds.source_transaction_id

    def _pay_now_refunds(self):
        """Return the refunds of the payments, oldest first.

        :rtype: payment.transaction
        """
        return self.child_transaction_ids.filtered(lambda tx: tx.operation == 'refund').sorted('id')

    def _pay_now_entries(self):
        """Return the entries that book the money of payments or refunds, and take it back.

        :rtype: account.move
        """
        return (
            self.payment_id.move_id
            | self.pay_now_commission_move_id
            | self.pay_now_reversal_move_id
        )

    # === BUSINESS METHODS - IDENTIFICATION === #

    @api.model
    def _pay_now_find(self, providers, named):
        """Return which payments of ours ids mean, with one query for any number.

        Where the ids of one thing mean different payments, the checkout's decides, then the
        payment's, the charge's, and our own reference last (`IDENTIFIERS`). Of several payments
        known by the same id, the one made first is meant.

        :param payment.provider providers: whose payments they may be.
        :param dict named: `{key: ids}`; the ids are a dataclass of the gateways, or a dict with
            some of the names that the gateways use (`checkout_id`, `payment_id`, `charge_id`,
            `reference`).
        :return: `{key: payment}` of those that are known; never a refund, but its payment.
        :rtype: dict
        """
        ids = {
            key: {
                field: one.get(name) if isinstance(one, dict) else getattr(one, name, '')
                for field, name in IDENTIFIERS.items()
            }
            for key, one in named.items()
        }
        known = self._pay_now_known_by(
            providers,
            {field: {one[field] for one in ids.values() if one[field]} for field in IDENTIFIERS},
        )
        found = {}
        for key, one in ids.items():
            matches = (known[field].get(value) for field, value in one.items() if value)
            tx = next(filter(None, matches), self.browse())
            if payment := tx._pay_now_sources():
                found[key] = payment
        return found

    @api.model
    def _pay_now_known_by(self, providers, wanted):
        """Return the transactions that have some of these ids.

        :param payment.provider providers: whose transactions they may be.
        :param dict wanted: `{field: values}`
        :return: `{field: {value: transaction}}`
        :rtype: dict
        """
        ids = [Domain(field, 'in', list(values)) for field, values in wanted.items() if values]
        # The one made first comes last, and stays.
        txs = self.search_fetch(
            Domain('provider_id', 'in', providers.ids) & Domain.OR(ids),
            [*wanted, 'operation'],
            order='id desc',
        )
        return {
            field: {tx[field]: tx for tx in txs if tx[field] in values}
            for field, values in wanted.items()
        }

    # === BUSINESS METHODS - PROCESSING === #

    def _extract_amount_data(self, payment_data):
        """Override of `payment`: our own comparison follows in `_apply_updates`.

        Core compares once and blocks the money out; ours books what was received and reports what
        differs.
        """
        if self.provider_code not in const.PROVIDER_CODES:
            return super()._extract_amount_data(payment_data)
        return None

    def _apply_updates(self, payment_data):
        """Override of `payment` to take over what the gateway read.

        :param dict payment_data: `{'payment': gateways.base.Payment}`, read by ourselves; of a
            refund `{'refund': gateways.base.Refund}`.
        """
        if self.provider_code not in const.PROVIDER_CODES:
            return super()._apply_updates(payment_data)
        self._pay_now_keep_answer(payment_data.get('refund') or payment_data['payment'])
        if self.operation == 'refund':
            return self._pay_now_apply_refund(payment_data['refund'])
        payment = payment_data['payment']
        if self.state == 'done' and payment.state != base.PAID:
            # Late bad news: nothing but a refund or a dispute changes what is settled.
            self.pay_now_last_sync = fields.Datetime.now()
            return None
        self._pay_now_take_over(payment)
        if payment.state == base.PAID:
            self._pay_now_apply_paid(payment)
        elif payment.state == base.PENDING:
            self._pay_now_apply_pending()
        elif payment.state == base.FAILED:
            if self.state != 'error':
                message = self._pay_now_failure_label()
                self._set_error(message, extra_allowed_states=('cancel',))
        elif payment.state == base.CANCELED and self.state not in ('cancel', 'error'):
            known = self.pay_now_refusal or self.pay_now_failure_code or self.pay_now_failure
            self._set_canceled(known and self._pay_now_failure_label())
        return None

    def _pay_now_keep_answer(self, answer):
        """Keep what the provider said, for whoever asks later what happened.

        The same again is not kept again, and no more than the last ones.

        :param answer: read by ourselves.
        :type answer: gateways.base.Payment | gateways.base.Refund
        """
        said = {
            'state': answer.state,
            'amount': str(answer.amount),
            'currency': answer.currency,
            'code': getattr(answer, 'failure_code', '') or getattr(answer, 'reason', '') or '',
        }
        kept = self.pay_now_answers or []
        if not kept or {**kept[-1], **said} != kept[-1]:
            said['at'] = fields.Datetime.to_string(fields.Datetime.now())
            self.pay_now_answers = [*kept, said][-const.ANSWERS_KEPT :]

    def _pay_now_take_over(self, payment):
        """Write the ids and facts of a payment, without any change of state."""
        vals = {
            'pay_now_payment_ref': payment.payment_id or self.pay_now_payment_ref,
            'pay_now_charge_ref': payment.charge_id or self.pay_now_charge_ref,
            'pay_now_failure': payment.failure or self.pay_now_failure,
            'pay_now_failure_code': payment.failure_code or self.pay_now_failure_code,
            'pay_now_last_sync': fields.Datetime.now(),
        }
        if payment.failure_code and self.state != 'draft':
            # The last word counts. Of an open checkout it is ours, that it was ended here.
            vals['pay_now_refusal'] = False
        if payment.paid_at:
            vals['pay_now_paid_at'] = self.company_id._pay_now_instant(payment.paid_at)
        method = self.payment_method_id
        if payment.method:
            method = self._pay_now_find_method(payment.method) or method
            vals['pay_now_method'] = ', '.join(filter(None, (payment.method, payment.wallet)))
        changed = {key: value for key, value in vals.items() if self[key] != value}
        if method != self.payment_method_id:
            changed['payment_method_id'] = method.id
        self.write(changed)

    @api.model
    def _pay_now_find_method(self, code):
        """Return core's record of what the payer really used, switched on for Odoo's pages or not.

        One that core has no record of is "unknown": the provider's own word is kept beside it.

        :param str code: the provider's code of the method.
        :rtype: payment.method
        """
        Method = self.env['payment.method'].with_context(active_test=False)
        return Method._get_from_code(
            const.PAYMENT_METHOD_CODES.get(code, code)
        ) or Method._get_from_code('unknown')

    def _pay_now_apply_pending(self):
        """Note that the money is on its way; report when it waits for the merchant."""
        # Late good news wins over an earlier cancel; nothing settled is downgraded.
        if self.state not in ('pending', 'done'):
            self._set_pending(extra_allowed_states=('cancel', 'error'))
        if self.state == 'pending' and self.pay_now_failure_code in const.MERCHANT_ACTION_CODES:
            self.env['pay.now.discrepancy']._report(
                self, 'held', 'held', {'reason': self.pay_now_failure_code}, amount=self.amount
            )

    def _pay_now_apply_paid(self, payment):
        """Confirm a payment, after comparing what was paid with what was asked.

        Same currency: booked as received. Another currency: not booked, reported at once.
        """
        Discrepancy = self.env['pay.now.discrepancy']
        if payment.currency != self.currency_id.name:
            Discrepancy._report(
                self,
                'currency',
                'currency',
                {
                    'amount': str(payment.amount),
                    'paid': payment.currency,
                    'asked': self.currency_id.name,
                },
            )
            self.pay_now_refusal = 'other_currency'
            self.pay_now_item_ids.move_id._pay_now_note_change()
            if self.state not in ('done', 'error'):
                self._set_error(self._pay_now_failure_label(), extra_allowed_states=('cancel',))
            return
        received = float(payment.amount)
        if self.currency_id.compare_amounts(received, self.amount):
            Discrepancy._report(
                self, 'amount', 'amount', {'received': received}, amount=received - self.amount
            )
        if self.state != 'done':
            self.pay_now_received = received
            self._set_done(extra_allowed_states=('cancel',))
            if self.pay_now_discrepancy_ids:
                Discrepancy._close_of(self, 'held')
        self._pay_now_take_over_commission(payment)

    def _update_state(self, allowed_states, target_state, state_message):
        """Override of `payment` to end what is open of the same items once they are being paid."""
        txs = super()._update_state(allowed_states, target_state, state_message)
        if target_state in UNDER_WAY:
            (txs.invoice_ids | txs.pay_now_item_ids.move_id)._pay_now_note_change()
        return txs

    # === BUSINESS METHODS - SYNCHRONISATION === #

    def _synchronize(self, raise_unavailable=False, payer_returned=False):
        """Ask the provider about each payment and let everything follow from the answer.

        The one door of the return page, the notifications and the sweep: lock, read, process,
        book. Safe to call any number of times, in any order, from several places at once.

        A refund is asked about with the payment it belongs to.

        :param bool raise_unavailable: raise instead of leaving it for the next time when the
            provider cannot be reached.
        :param bool payer_returned: the payer comes back from the provider at this moment.
        :return: the transactions the provider was asked about. One that is locked elsewhere is
            being synchronised there and is left out.
        :rtype: payment.transaction
        :raise GatewayUnavailable: see `raise_unavailable`.
        """
        locked = self._pay_now_ours()._pay_now_sources().try_lock_for_update()
        asked = locked.browse()
        for tx in locked:
            # What is noted on the way is read by the company, whoever's request this is.
            tx = tx.with_context(lang=tx.company_id._pay_now_lang())
            try:
                payment = tx._pay_now_fetch()
                if payment and payment.state == base.APPROVED:
                    payment = tx._pay_now_capture(payment, payer_returned)
            except GatewayUnavailable as error:
                if raise_unavailable:
                    raise
                _logger.info("%s could not be asked about: %s", tx.reference, error.message)
                continue
            if payment:
                tx._process(tx.provider_code, {'payment': payment})
                tx._pay_now_follow_refunds(payment)
            asked |= tx
        # Received by now, whatever the books say to it.
        asked._pay_now_book()
        return asked

    def _pay_now_synchronize_for_payer(self, payer_returned):
        """Synchronize a payment whose payer waits for the result page, which says what came of it.

        Whatever goes wrong is for the log and the sweep, which asks again: the payer is neither
        told nor kept waiting.

        :param bool payer_returned: see `_synchronize`.
        """
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                self._synchronize(payer_returned=payer_returned)
        except psycopg2.OperationalError:
            raise
        except Exception:
            _logger.exception("Payment %s could not be processed", self.reference)

    def _pay_now_book(self):
        """Book what was not booked yet: payments that were decided, their commissions and refunds.

        A commission may become known long after its payment was booked.
        """
        self.filtered(lambda tx: tx._pay_now_is_to_post_process())._post_process()
        self._pay_now_book_commissions()
        self._pay_now_book_refunds()
        self._pay_now_forget_refusals()
        (self | self.child_transaction_ids)._pay_now_review()

    def _pay_now_is_to_post_process(self):
        """Tell whether something follows from the state of a payment that was not done yet.

        :rtype: bool
        """
        self.ensure_one()
        return not self.is_post_processed and self.state in ('done', 'pending', 'cancel', 'error')

    def _pay_now_review(self):
        """Ask whether what is open about payments and refunds, whose books changed, is still so."""
        found = self.sudo().pay_now_discrepancy_ids.filtered(lambda one: one.state == 'open')
        if found:
            found._close_past()

    def _pay_now_follow_refunds(self, payment):
        """Let the refunds of the payment follow, where either side knows of one.

        :param gateways.base.Payment payment: what was read just now.
        """
        self.ensure_one()
        if self.env.context.get('pay_now_receive_only'):
            return
        # Those made in Odoo count too: the provider may not know of them, or not any more.
        if payment.refunds or self.child_transaction_ids:
            self._pay_now_update_refunds(payment)

    def _pay_now_fetch(self):
        """Read the payment at the provider.

        A checkout the provider no longer knows can no longer be paid.

        :return: what the provider knows, or None when it knows nothing of it.
        :rtype: gateways.base.Payment | None
        :raise GatewayUnavailable: the provider cannot be reached now.
        """
        self.ensure_one()
        if not self.provider_reference:
            return None
        try:
            # A payment that was made without a checkout is only known by its own id.
            own = self.provider_reference == self.pay_now_payment_ref
            payment = self.provider_id._pay_now_gateway().fetch_payment(
                checkout_id='' if own else self.provider_reference,
                payment_id=self.pay_now_payment_ref or '',
            )
            return payment if self._pay_now_check_own(payment) else None
        except GatewayNotFound:
            self.pay_now_last_sync = fields.Datetime.now()
            if self.state == 'draft':
                self.pay_now_refusal = 'lapsed'
                self._set_canceled(self._pay_now_failure_label())
            return None
        except GatewayUnavailable:
            raise
        except GatewayError as error:
            self.provider_id._pay_now_note_problem(error)
            raise GatewayUnavailable(error.message, error.code, error.request_id) from error

    def _pay_now_synchronize_safely(self):
        """Synchronize a batch; when one of it fails, each one by itself.

        :return: `{transaction: error text}` of those that failed, and those the provider was
            asked about.
        :rtype: tuple(dict, payment.transaction)
        """
        errors, asked = {}, self.browse()
        try:
            with self.env.cr.savepoint():
                return errors, self._synchronize(raise_unavailable=True)
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - anything: the batch is told apart below
            _logger.info("A batch failed and is taken apart: %s", error)
        silent = 0
        for tx in self:
            if silent > 1:  # a provider that is down is not waited for once per payment
                errors[tx] = self.env._("The provider does not answer.")
                continue
            try:
                with self.env.cr.savepoint():
                    asked |= tx._synchronize(raise_unavailable=True)
                silent = 0
            except psycopg2.OperationalError:
                raise
            except GatewayUnavailable as error:
                silent += 1
                errors[tx] = error.message
            except Exception as error:  # noqa: BLE001 - kept with its transaction
                _logger.exception("Payment %s could not be processed", tx.reference)
                tx._pay_now_receive_only()
                problem = tx.provider_id._pay_now_refused_books(error)
                errors[tx] = tx.provider_id._pay_now_books_problem_label(problem)
                tx._pay_now_report_refusal('booking', problem)
                # Closed by what is booked after all.
                tx.pay_now_book_attempts += 1
        return errors, asked

    # === BUSINESS METHODS - LABELS === #

    def _pay_now_failure_label(self):
        """Return why the payment was not made, in the reader's language where we know the code.

        Our own reason first, then what the provider said.

        :rtype: str
        """
        self.ensure_one()
        if label := self._pay_now_refusal_labels().get(self.pay_now_refusal):
            return label
        code = self.pay_now_failure_code or ''
        return self._pay_now_failure_labels().get(SAME_AS.get(code, code)) or (
            self.pay_now_failure or self.env._("The payment was refused.")
        )

    def _pay_now_refusal_labels(self):
        """Return what our own reasons mean to the payer.

        :return: `{value of pay_now_refusal: label}`
        :rtype: dict
        """
        return {
            'other_currency': self.env._(
                "Your payment came in another currency than the invoices. We will contact you."
            ),
            'superseded': self.env._("You started another payment of these invoices."),
            'items_changed': self.env._("The invoices or their amounts have changed meanwhile."),
            'in_progress': self.env._("Another payment of these invoices is in progress."),
            'not_payable': self.env._("These invoices cannot be paid online any more."),
            'lapsed': self.env._("The payment was not completed in time."),
            'revoked': self.env._("The link that you started this payment from was withdrawn."),
            'disconnected': self.env._("This payment cannot be completed any more."),
        }

    def _pay_now_failure_labels(self):
        """Return what the providers' codes mean to the payer.

        :return: `{code: label}`
        :rtype: dict
        """
        name = self.provider_id._pay_now_short_name()
        return {
            # Stripe
            'card_declined': self.env._("Your bank refused the payment."),
            'insufficient_funds': self.env._("There is not enough money in the account."),
            'expired_card': self.env._("The card has expired."),
            'incorrect_cvc': self.env._("The security code is wrong."),
            'authentication_required': self.env._("Your bank asks you to confirm the payment."),
            # PayPal
            'INSTRUMENT_DECLINED': self.env._(
                "%s could not take the payment from the source you chose. Please choose another"
                " one.",
                name,
            ),
            'PAYER_CANNOT_PAY': self.env._("%s does not let this account pay.", name),
            'TRANSACTION_LIMIT_EXCEEDED': self.env._(
                "The amount is above the limit of your %s account.", name
            ),
            'TRANSACTION_REFUSED': self.env._("%s refused the payment.", name),
        }
