# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import functools
import json

import pytz

from odoo import models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import email_normalize
from odoo.tools.misc import format_date, get_lang

from odoo.addons.account_pay_now import utils

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
PARTNER_FIELDS = ('name', 'lang', 'tz', 'email', 'commercial_partner_id')
IDENTITY_FIELDS = ('vat', 'company_registry', 'commercial_company_name')
COUNTRY_FIELDS = ('name', 'code', 'address_format', 'vat_label')
CURRENCY_FIELDS = ('name', 'symbol', 'position', 'rounding', 'decimal_places')


class PayNowPageMixin(models.AbstractModel):
    """The pay page of a document: what it shows, and the payment that it starts.

    Of its records only the fields listed above are read at first. Whatever is asked for besides is
    read as ever, with all the fields of its record: nothing depends on these lists but the time.
    Days and amounts of the rows are formatted here, once for all rows: a widget of the template
    would look up language and currency for each of them.
    """

    _inherit = 'pay.now.page.mixin'

    # === BUSINESS METHODS - PAGE === #

    def _pay_now_page_refusals(self, free):
        """Return why invoices of the page cannot be paid on it.

        :param account.move.line free: items of the document that no payment is on its way for.
        :return: `{invoice: code}`.
        :rtype: dict
        """
        return free.move_id._pay_now_refusals('page', free=free)

    def _pay_now_credit_scope(self):
        """Return the domain of the credit notes that may be deducted on this page.

        Whoever holds the address sees them: to be given by each document.

        :rtype: odoo.fields.Domain
        """
        return Domain.FALSE

    def _pay_now_preselected(self, payable):
        """Return the items that are ticked when the page opens: those the mail's button asks for.

        :param account.move.line payable: the items that can be paid, oldest first.
        :rtype: account.move.line
        """
        return payable

    def _pay_now_page_items(self):
        """Sort the items of the page by what can be done with them.

        :return: `(open lines, payable lines, {line: code of the reason})`.
        :rtype: tuple
        """
        self.ensure_one()
        Line = self.env['account.move.line']
        open_lines = (
            Line.search_fetch(
                Line._pay_now_open_items_domain() & self._pay_now_lines_domain(),
                ITEM_FIELDS,
                order='id',
            )
            # The search puts its domain into the context.
            .with_env(self.env)
            .sorted(lambda line: (line.date_maturity or line.date, line.id))
        )
        open_lines.move_id.fetch(INVOICE_FIELDS)
        in_progress = open_lines._pay_now_in_progress()
        reasons = dict.fromkeys(in_progress, 'in_progress')
        free = open_lines - in_progress
        refusals = self._pay_now_page_refusals(free)
        for line in free if refusals else ():
            if code := refusals.get(line.move_id):
                reasons[line] = code
        refused = open_lines.browse([line.id for line in reasons])
        return open_lines, open_lines - refused, reasons

    def _pay_now_credits(self, payable):
        """Return the open credit notes that can be deducted from the payable items.

        :param account.move.line payable: the items that can be ticked.
        :rtype: account.move.line
        """
        self.ensure_one()
        if not payable:
            return payable
        credits = payable.search_fetch(
            payable._pay_now_open_credits_domain()
            & self._pay_now_credit_scope()
            & Domain('account_id', 'in', payable.account_id.ids)
            & Domain('currency_id', 'in', payable.currency_id.ids),
            ITEM_FIELDS,
            order='date, id',
        ).with_env(self.env)
        credits.move_id.fetch(INVOICE_FIELDS)
        return credits - credits._pay_now_in_progress()

    def _pay_now_credits_of(self, chosen):
        """Return what is chosen of the credit notes that this page may show at all.

        :param set chosen: ids of the ticked items.
        :rtype: account.move.line
        """
        others = chosen - set(self._pay_now_lines().ids)
        Line = self.env['account.move.line']
        if not others:
            return Line
        return Line.search(Domain('id', 'in', list(others)) & self._pay_now_credit_scope())

    def _pay_now_page_values(self, chosen=None, amount=None):
        """Return what the pay page shows, from the books of this moment.

        :param set chosen: ids of the ticked items; by default what the mail's button asks for.
        :param str amount: what the payer typed to pay less than that.
        :rtype: dict
        """
        open_lines, payable, reasons = self._pay_now_page_items()
        credits = self._pay_now_credits(payable)
        if chosen is None:
            ticked = self._pay_now_preselected(payable)
        else:
            ticked = (payable | credits).filtered(lambda line: line.id in chosen)
        in_progress = open_lines.browse(
            [line.id for line, reason in reasons.items() if reason == 'in_progress']
        )
        partner = self.partner_id
        parts = (payable | credits)._pay_now_parts()
        rows = self._pay_now_page_rows(open_lines + credits, ticked, parts, reasons)
        return {
            'document': self,
            'partner': partner,
            'items': rows[: len(open_lines)],
            'credits': rows[len(open_lines) :],
            'typed': amount,
            'ask_email': not partner.email and not partner.commercial_partner_id.email,
            'transfers': (open_lines - in_progress)._pay_now_transfers(),
            'test_mode': self.company_id._pay_now_test_mode(),
            **self._pay_now_page_payment(payable, ticked, parts),
            **self._pay_now_page_state(open_lines, payable, reasons),
        }

    def _pay_now_page_payment(self, payable, ticked, parts):
        """Return what the page shows of the payment to start: how much, and by whom.

        :param account.move.line payable: the items that can be paid.
        :param account.move.line ticked: the items and credit notes whose box is ticked.
        :param dict parts: what is paid of each, see `_pay_now_parts`.
        :rtype: dict
        """
        company = self.company_id
        currency = payable.currency_id[:1] or company.currency_id
        total = max(currency.round(sum(parts[line][0] for line in ticked)), 0.0)
        offered = company._pay_now_providers()
        providers = self._pay_now_page_providers(
            offered, [parts[line][0] for line in payable], currency
        )
        return {
            'currency': currency,
            'total': total,
            'total_text': currency.format(total),
            'partial': bool(payable) and company.pay_now_partial,
            'number_format': json.dumps(self._pay_now_number_format(currency)),
            'can_pay': bool(payable),
            'providers': providers,
            'limits_text': not providers and offered and offered._pay_now_limits_text(currency),
        }

    def _pay_now_page_providers(self, providers, amounts, currency):
        """Return the providers that could take some choice of the payable items.

        :param payment.provider providers: those that may be offered.
        :param list amounts: what is to be paid of each item that can be ticked.
        :param res.currency currency: the currency of the amounts.
        :rtype: payment.provider
        """
        if not amounts:
            return providers
        total = sum(amounts)
        least = 0.0 if self.company_id.pay_now_partial else min(amounts)

        def fits(provider):
            low, high = provider._pay_now_amount_limits(currency)
            return low <= total and least <= high

        return providers.filtered(fits)

    def _pay_now_pdf(self, move_id):
        """Return the stored PDF of an invoice or credit note that the page shows.

        :param int move_id: what was asked for.
        :rtype: ir.attachment
        """
        self.ensure_one()
        lines = self._pay_now_lines()
        moves = lines.move_id | self._pay_now_credits(lines).move_id
        return moves.filtered(lambda move: move.id == move_id).invoice_pdf_report_id

    # === BUSINESS METHODS - PAYMENT === #

    def _pay_now_typed_amount(self, value):
        """Read an amount as it is typed in the customer's language.

        :param str value: e.g. 1 234,50.
        :return: in major units; None when nothing was typed.
        :rtype: float | None
        :raise ValidationError: that is no amount.
        """
        if not (value or '').strip():
            return None
        lang = self.env['res.lang']._get_data(code=self.env.lang or 'en_US')
        amount = utils.read_amount(value, lang.decimal_point)
        if amount is None:
            raise ValidationError(self.env._("“%s” is not an amount.", value))
        return amount

    def _pay_now_typed_email(self, value):
        """Read the address of the receipt.

        :param str value: what was typed.
        :return: empty when nothing was typed.
        :rtype: str
        :raise ValidationError: that is no address.
        """
        if not (value or '').strip():
            return ''
        email = email_normalize(value)
        if not email:
            raise ValidationError(self.env._("“%s” is not an e-mail address.", value))
        return email

    def _pay_now_start(self, chosen, provider_id, amount=None, email=''):
        """Create the transaction for the ticked items: the server decides what they cost.

        :param set chosen: ids of the ticked items, credit notes included.
        :param int provider_id: the provider chosen.
        :param float amount: less than that, where the company allows it.
        :param str email: where the receipt goes when the customer has no address.
        :rtype: payment.transaction
        :raise ValidationError: in the customer's language.
        """
        self.ensure_one()
        provider = self.company_id._pay_now_providers().filtered(
            lambda candidate: candidate.id == provider_id
        )
        if not provider:
            raise ValidationError(self.env._("This way of paying is not available now."))
        self._pay_now_lock(self._pay_now_lines().move_id | self._pay_now_credits_of(chosen).move_id)
        _open_lines, payable, _reasons = self._pay_now_page_items()
        payable |= self._pay_now_credits(payable)
        lines = payable.filtered(lambda line: line.id in chosen)
        if chosen - set(payable.ids):
            raise ValidationError(
                self.env._("The amounts have changed meanwhile. Please check them and try again.")
            )
        return self.env['payment.transaction']._pay_now_create(
            provider,
            self.partner_id,
            lines,
            parts=self._pay_now_chosen_parts(lines, amount),
            page_url=self._pay_now_path(),
            email=email,
        )

    def _pay_now_chosen_parts(self, lines, amount):
        """Return what is paid of each item chosen.

        :param account.move.line lines: the items chosen, credit notes included.
        :param float amount: what the payer typed; None for all of it.
        :return: as `account.move.line._pay_now_parts`.
        :rtype: dict
        :raise ValidationError: in the customer's language.
        """
        parts = lines._pay_now_parts()
        if amount is None or not lines or len(lines.currency_id) > 1:
            return parts
        currency = lines.currency_id
        total = sum(part for part, _discount in parts.values())
        more = currency.compare_amounts(amount, total)
        if not more:
            return parts
        if not self.company_id.pay_now_partial:
            raise ValidationError(
                self.env._("The amounts have changed meanwhile. Please check them and try again.")
            )
        if more > 0:
            raise ValidationError(
                self.env._("This is more than what you chose to pay: %s.", currency.format(total))
            )
        if currency.compare_amounts(amount, 0) <= 0:
            raise ValidationError(self.env._("Please type an amount above zero."))
        return lines._pay_now_parts(amount)

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

    # === BUSINESS METHODS - STATE === #

    def _pay_now_page_state(self, open_lines, payable, reasons):
        """Return what there is to say besides the items: all paid, in progress, or answers.

        :param account.move.line open_lines: what is open.
        :param account.move.line payable: what of it can be paid.
        :param dict reasons: `{line: code}` of the others.
        :rtype: dict
        """
        in_progress = not payable and set(reasons.values()) == {'in_progress'}
        can_answer = open_lines and not in_progress
        return {
            'all_paid': not open_lines,
            'in_progress': in_progress,
            'answers': self._pay_now_answer_kinds() if can_answer else [],
            'answer_days': self._pay_now_answer_days(),
            'payments': [] if open_lines else self._pay_now_page_payments(),
            'documents': [] if open_lines else self._pay_now_page_documents(),
        }

    def _pay_now_page_payments(self):
        """Return the online payments of the page's items, as far as they are about them.

        :rtype: list of dict
        """
        items = self.env['pay.now.transaction.item'].search(
            Domain('line_id', 'in', self._pay_now_lines().ids)
            & Domain('transaction_id.state', '=', 'done'),
            order='transaction_id',
        )
        return [
            {
                'date': self._pay_now_day(tx.pay_now_paid_at or tx.last_state_change),
                'reference': tx.reference,
                'amount': sum(mine.mapped('amount')),
                'currency': tx.currency_id,
            }
            for tx, mine in items.grouped('transaction_id').items()
            if not tx._pay_now_taken_back()
        ]

    def _pay_now_page_documents(self):
        """Return the stored PDFs of the page's invoices.

        :return: dicts of `label` and `url`.
        :rtype: list
        """
        moves = self._pay_now_lines().move_id
        return [
            self._pay_now_document_link(move)
            for move in moves
            if move.invoice_pdf_report_id and not self._pay_now_trial()
        ]

    def _pay_now_document_link(self, move):
        return {
            'label': self.env._("Download %s (PDF)", move.name),
            'url': f'{self._pay_now_path()}/pdf/{move.id}',
        }

    def _pay_now_day(self, moment):
        """Return the day of a moment where the company is."""
        zone = self.company_id._pay_now_zone()
        return moment.replace(tzinfo=pytz.utc).astimezone(zone).date()

    # === BUSINESS METHODS - ROWS === #

    def _pay_now_page_rows(self, lines, ticked, parts, reasons):
        """Return the rows of items and credit notes.

        :param account.move.line lines: what the rows are about.
        :param account.move.line ticked: those whose box is ticked.
        :param dict parts: what is paid of those that can be, see `_pay_now_parts`.
        :param dict reasons: `{line: code of why it cannot be paid}`.
        :rtype: list of dict
        """
        today = self.company_id._pay_now_today()
        labels = lines._pay_now_due_labels()
        answers = lines._pay_now_all_answers()
        write_day = functools.cache(lambda day: format_date(self.env, day))
        ticked = set(ticked.ids)
        printed = self._pay_now_printed_moves(lines.move_id)
        write = {one: self._pay_now_amount_writer(one) for one in lines.currency_id}
        rows = []
        for line in lines:
            due, reason, move = line.date_maturity, reasons.get(line), line.move_id
            is_credit = line.amount_residual_currency < 0
            rows.append(
                {
                    'line': line,
                    'label': labels[line],
                    'is_credit': is_credit,
                    'date': write_day(line.date if is_credit else due),
                    'late': max((today - due).days, 0) if due else 0,
                    **self._pay_now_row_amounts(line, parts.get(line), write[line.currency_id]),
                    'reason': reason and move._pay_now_customer_reason(reason),
                    'ticked': line.id in ticked,
                    'answers': [answer._for_customer() for answer in answers.get(line, ())],
                    'document': move.id in printed and self._pay_now_document_link(move),
                }
            )
        return rows

    def _pay_now_row_amounts(self, line, part, write):
        """Return the amounts of one row.

        :param account.move.line line: what the row is about.
        :param tuple part: amount and discount to pay; None where nothing can be paid.
        :param function write: see `_pay_now_amount_writer`.
        :rtype: dict
        """
        residual = line.amount_residual_currency
        amount, discount = part or (residual, 0.0)
        return {
            'residual_text': discount and write(residual),
            'amount': amount,
            'amount_text': write(amount),
            'discount': discount,
            'discount_text': discount and line._pay_now_discount_text(),
        }

    def _pay_now_printed_moves(self, moves):
        """Return the ids of the invoices that there is a stored PDF of; none for a trial.

        Not by the field of the invoice, which has to be written in the cache of each.

        :param account.move moves: what is on the page.
        :rtype: set
        """
        if self._pay_now_trial():
            return set()
        pdfs = self.env['ir.attachment'].search_fetch(
            Domain('res_model', '=', moves._name)
            & Domain('res_id', 'in', moves.ids)
            & Domain('res_field', '=', 'invoice_pdf_report_file'),
            ['res_id'],
        )
        return set(pdfs.mapped('res_id'))

    def _pay_now_amount_writer(self, currency):
        """Return what writes amounts as `res.currency.format` does, for many of them.

        :param res.currency currency: the currency of the amounts.
        :rtype: function
        """
        lang = get_lang(self.env)
        if lang.grouping != '[3,0]':
            return currency.format
        # As in most languages, and as Python groups digits itself.
        marks = {
            ord('.'): lang.decimal_point,
            ord(','): (lang.thousands_sep or '').replace(' ', '\N{NO-BREAK SPACE}'),
            ord('-'): '-\N{ZERO WIDTH NO-BREAK SPACE}',
        }
        pattern = f',.{currency.decimal_places}f'
        symbol = currency.symbol or ''
        before, after = '', f'\N{NO-BREAK SPACE}{symbol}'
        if currency.position == 'before':
            before, after = f'{symbol}\N{NO-BREAK SPACE}', ''
        return lambda amount: f'{before}{format(amount, pattern).translate(marks)}{after}'

    def _pay_now_number_format(self, currency):
        """Return how amounts are written in the customer's language, for the live total.

        :param res.currency currency: the currency of the page.
        :rtype: dict
        """
        lang = self.env['res.lang']._get_data(code=self.env.lang or 'en_US')
        return {
            'digits': currency.decimal_places,
            'point': lang.decimal_point,
            'separator': lang.thousands_sep or '',
            'symbol': currency.symbol,
            'before': currency.position == 'before',
        }
