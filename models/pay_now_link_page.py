# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import json

from odoo import models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import email_normalize

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.models.pay_now_link_fetch import INVOICE_FIELDS, ITEM_FIELDS


class PayNowPageMixin(models.AbstractModel):
    """The pay page of a document: what it shows, and the payment that it starts."""

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
        company = self.company_id
        currency = payable.currency_id[:1] or company.currency_id
        parts = (payable | credits)._pay_now_parts()
        total = currency.round(sum(parts[line][0] for line in ticked))
        rows = self._pay_now_page_rows(open_lines + credits, ticked, parts, reasons)
        offered = company._pay_now_providers()
        providers = self._pay_now_page_providers(
            offered, [parts[line][0] for line in payable], currency
        )
        return {
            'document': self,
            'partner': self.partner_id,
            'currency': currency,
            'items': rows[: len(open_lines)],
            'credits': rows[len(open_lines) :],
            'total': max(total, 0.0),
            'total_text': currency.format(max(total, 0.0)),
            'partial': bool(payable) and company.pay_now_partial,
            'typed': amount,
            'ask_email': not self.partner_id.email
            and not self.partner_id.commercial_partner_id.email,
            'number_format': json.dumps(self._pay_now_number_format(currency)),
            'can_pay': bool(payable),
            'providers': providers,
            'limits_text': not providers and offered and offered._pay_now_limits_text(currency),
            'transfers': (open_lines - in_progress)._pay_now_transfers(),
            'test_mode': company._pay_now_test_mode(),
            **self._pay_now_page_state(open_lines, payable, reasons),
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
        # Whoever else pays or changes these items right now has to wait, or makes us start again.
        moves = self._pay_now_lines().move_id | self._pay_now_credits_of(chosen).move_id
        if moves.try_lock_for_update() != moves:
            raise ValidationError(
                self.env._("These items are being changed right now. Please try again in a moment.")
            )
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
