# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import functools
import json

import pytz

from odoo import models
from odoo.fields import Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.models.account_move_line import RECEIVED


class PayNowPageMixin(models.AbstractModel):
    """The pay page of a document: what it shows, item by item and of the whole.

    Days and amounts of the rows are formatted here, once for all rows: a widget of the template
    would look up language and currency for each of them.
    """

    _inherit = 'pay.now.page.mixin'

    # === BUSINESS METHODS - PAGE === #

    def _pay_now_asked(self, payable):
        """Return the items that are ticked when the page opens: those the mail's button asks for.

        :param account.move.line payable: the items that can be paid, oldest first.
        :return: no more than one payment can be for.
        :rtype: account.move.line
        """
        most = self.company_id._pay_now_providers()._pay_now_most()
        return self._pay_now_preselected(payable)._pay_now_at_once(most)

    def _pay_now_preselected(self, payable):
        """Return the items that the customer is asked to pay now, in however many payments.

        :param account.move.line payable: the items that can be paid, oldest first.
        :rtype: account.move.line
        """
        return payable

    def _pay_now_page_values(self, chosen=None, amount=None):
        """Return what the pay page shows, from the books of this moment.

        :param set chosen: ids of the ticked items; by default what the mail's button asks for.
        :param str amount: what the payer typed to pay less than that.
        :rtype: dict
        """
        open_lines, payable, reasons, credits = self._pay_now_page_lines()
        if chosen is None:
            ticked = self._pay_now_asked(payable)
        else:
            ticked = (payable | credits).filtered(lambda line: line.id in chosen)
        in_progress = open_lines.browse(
            [line.id for line, reason in reasons.items() if reason == 'in_progress']
        )
        partner = self._pay_now_payer()
        parts = (payable | credits)._pay_now_parts()
        rows = self._pay_now_page_rows(open_lines + credits, ticked, parts, reasons)
        groups = payable._pay_now_groups()
        return {
            'document': self,
            'partner': partner,
            'items': rows[: len(open_lines)],
            'credits': rows[len(open_lines) :],
            'groups': self._pay_now_page_groups(rows, groups) if len(groups) > 1 else [],
            'typed': amount,
            'ask_email': not utils.contact_addresses(partner),
            'transfers': (open_lines - in_progress)._pay_now_transfers(),
            'test_mode': self.company_id._pay_now_test_mode(),
            **self._pay_now_page_payment(groups, ticked, parts),
            **self._pay_now_page_state(open_lines, payable, reasons),
        }

    def _pay_now_page_groups(self, rows, groups):
        """Return the rows by what can be paid together, where that is not all of them.

        :param list rows: of the items and credit notes, which learn their group.
        :param list groups: of the items that can be paid, see `_pay_now_groups`.
        :return: of dicts of `number` and `rows`; the last one without number is of what cannot be
            paid now.
        :rtype: list
        """
        numbers = {
            (group.account_id, group.currency_id): number
            for number, group in enumerate(groups, start=1)
        }
        for row in rows:
            line = row['line']
            row['group'] = not row['reason'] and numbers[line.account_id, line.currency_id]
        found = [
            {'number': number, 'rows': [row for row in rows if row['group'] == number]}
            for number in (*numbers.values(), False)
        ]
        return [group for group in found if group['rows']]

    def _pay_now_page_payment(self, groups, ticked, parts):
        """Return what the page shows of the payment to start: how much, and by whom.

        :param list groups: of the items that can be paid, see `_pay_now_groups`.
        :param account.move.line ticked: the items and credit notes whose box is ticked.
        :param dict parts: what is paid of each, see `_pay_now_parts`.
        :rtype: dict
        """
        company = self.company_id
        currency = (groups and groups[0].currency_id) or company.currency_id
        total = max(currency.round(sum(parts[line][0] for line in ticked)), 0.0)
        offered = company._pay_now_providers()
        amounts = [[parts[line][0] for line in group] for group in groups]
        providers, limits = self._pay_now_page_providers(offered, amounts, currency)
        return {
            'currency': currency,
            'total': total,
            'total_text': currency.format(total),
            'partial': bool(groups) and company.pay_now_partial,
            'number_format': json.dumps(self._pay_now_number_format(currency)),
            'can_pay': bool(groups),
            'providers': providers,
            'limits': limits,
            'limits_text': offered and offered._pay_now_limits_text(currency),
        }

    def _pay_now_page_providers(self, providers, amounts, currency):
        """Return the providers that could take some choice of the payable items.

        :param payment.provider providers: those that may be offered.
        :param list amounts: what is to be paid of each item that can be ticked, by group.
        :param res.currency currency: the currency of the amounts.
        :return: the providers, and `{provider: (smallest, largest amount)}`.
        :rtype: tuple(payment.provider, dict)
        """
        limits = {one: one._pay_now_amount_limits(currency) for one in providers}
        if not amounts:
            return providers, limits
        partial = self.company_id.pay_now_partial

        def fits(provider):
            low, high = limits[provider]
            return any(
                low <= sum(group) and (0.0 if partial else min(group)) <= high for group in amounts
            ) and (partial or can_write(provider))

        def can_write(provider):
            return any(
                provider._pay_now_amount_problem(amount, currency) != 'step'
                for group in amounts
                for amount in (sum(group), *group)
            )

        return providers.filtered(fits), limits

    def _pay_now_pdf(self, move_id):
        """Return the stored PDF of an invoice or credit note that the page shows.

        :param int move_id: what was asked for.
        :rtype: ir.attachment
        """
        self.ensure_one()
        lines = self._pay_now_lines()
        moves = lines.move_id | self._pay_now_credits(lines).move_id
        return moves.filtered(lambda move: move.id == move_id).invoice_pdf_report_id

    # === BUSINESS METHODS - PAID === #

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
            'received': in_progress and open_lines == open_lines._pay_now_paid_by(RECEIVED),
            'answers': self._pay_now_answer_kinds() if can_answer else [],
            'answer_days': self._pay_now_answer_days(),
            'payments': [] if open_lines else self._pay_now_page_payments(),
            'documents': [] if open_lines else self._pay_now_page_documents(),
        }

    def _pay_now_page_payments(self):
        """Return the online payments of the page's items, as far as they are about them.

        :rtype: list of dict
        """
        lines = self._pay_now_lines()
        gone = Domain('line_id', '=', False) & Domain('move_id', 'in', lines.move_id.ids)
        items = self.env['pay.now.transaction.item'].search(
            (Domain('line_id', 'in', lines.ids) | gone)
            & Domain('customer_id.commercial_partner_id', '=', self._pay_now_customer().id)
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
            if move.invoice_pdf_report_id and not self.env['res.company']._pay_now_trial()
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
        if self.env['res.company']._pay_now_trial():
            return set()
        pdfs = self.env['ir.attachment'].search_fetch(
            Domain('res_model', '=', moves._name)
            & Domain('res_id', 'in', moves.ids)
            & Domain('res_field', '=', 'invoice_pdf_report_file'),
            ['res_id'],
        )
        return set(pdfs.mapped('res_id'))

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
