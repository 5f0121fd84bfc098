# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import functools
import json

from odoo import SUPERUSER_ID, models
from odoo.fields import Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.models.account_move_line import RECEIVED, UNDER_WAY
from odoo.addons.account_pay_now.utils import PayerError


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
            'nothing_ticked': not ticked,
            'ask_email': not utils.contact_addresses(partner),
            **self._pay_now_page_transfers(open_lines - in_progress, payable, ticked),
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

    # === BUSINESS METHODS - PDF === #

    def _pay_now_shown_move(self, move_id):
        """Return an invoice or credit note, if the page shows it.

        :param int move_id: what was asked for.
        :rtype: account.move
        """
        self.ensure_one()
        lines = self._pay_now_lines()
        moves = lines.move_id | self._pay_now_credits(lines).move_id
        return moves.filtered(lambda move: move.id == move_id)

    def _pay_now_pdf(self, move_id):
        """Return the stored PDF of an invoice or credit note that the page shows.

        :param int move_id: what was asked for.
        :rtype: ir.attachment
        """
        return self._pay_now_shown_move(move_id).invoice_pdf_report_id

    def _pay_now_print_pdf(self, move_id):
        """Make the PDF of an invoice or credit note that the page shows, unless there is one.

        :param int move_id: what was asked for.
        :return: empty where the page shows no such thing.
        :rtype: ir.attachment
        :raise PayerError: too often within an hour, or it cannot be printed.
        """
        move = self._pay_now_shown_move(move_id).filtered(lambda one: one.state == 'posted')
        if move and not move.invoice_pdf_report_id:
            self.env['pay.now.rate']._hold(self, 'pdf')._spend(self)
            # As a receipt has it: nobody's rights and language decide what is printed.
            if move.with_user(SUPERUSER_ID)._pay_now_store_pdfs():
                raise PayerError(
                    self.env._("This PDF cannot be made at the moment. Please contact us.")
                )
        return move.invoice_pdf_report_id

    def _pay_now_documents(self, moves):
        """Return where the PDFs of invoices are, as far as the page is about them.

        :param account.move moves: any invoices.
        :return: `{invoice: link}`, see `_pay_now_document_link`.
        :rtype: dict
        """
        if self.env['res.company']._pay_now_trial():
            return {}
        own = (self._pay_now_lines().move_id & moves).filtered(lambda move: move.state == 'posted')
        printed = self._pay_now_printed_moves(own)
        return {move: self._pay_now_document_link(move, move.id in printed) for move in own}

    def _pay_now_document_link(self, move, stored):
        """Return how the PDF of an invoice is had: one that is not there yet is made by a POST.

        :param account.move move: the invoice, or credit note.
        :param bool stored: whether there is a PDF of it.
        :rtype: dict
        """
        return {
            'label': self.env._("Download %s (PDF)", move.name),
            'url': f'{self._pay_now_path()}/{"pdf" if stored else "print"}/{move.id}',
            'stored': stored,
        }

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
        payments = self._pay_now_page_payments()
        return {
            'all_paid': not open_lines,
            'in_progress': in_progress,
            'received': in_progress and open_lines == open_lines._pay_now_paid_by(RECEIVED),
            'answers': self._pay_now_answer_kinds() if can_answer else [],
            'answer_days': self._pay_now_answer_days(),
            'payments': payments,
            'documents': [] if open_lines else self._pay_now_other_documents(payments),
        }

    def _pay_now_page_payments(self):
        """Return the online payments of the page's items, as far as they are about them.

        :return: as `payment.transaction._pay_now_told`, the newest first.
        :rtype: list of dict
        """
        lines = self._pay_now_lines_domain()
        gone = Domain('line_id', '=', False) & Domain(
            'move_id', 'any', Domain('line_ids', 'any', lines)
        )
        # For most pages there is none, and nothing more is asked.
        found = self.env['pay.now.transaction.item'].search(
            (Domain('line_id', 'any', lines) | gone)
            & Domain('transaction_id.state', 'in', ('done', *UNDER_WAY)),
            order='id',
        )
        if not found:
            return []
        customer = self._pay_now_customer()
        own = found.line_id._pay_now_of(customer, self.company_id)
        moves = self._pay_now_lines().move_id
        items = found.filtered(
            lambda item: (
                item.customer_id.commercial_partner_id == customer
                and (item.line_id in own if item.line_id else item.move_id in moves)
            )
        )
        txs = items.transaction_id.sorted('id', reverse=True)
        return [
            tx._pay_now_told(tx.pay_now_item_ids & items, self)
            for tx in txs.filtered(lambda tx: not tx._pay_now_taken_back())[: const.SHOWN_PAYMENTS]
        ]

    def _pay_now_other_documents(self, payments):
        """Return the PDFs of the page's invoices that no payment shown there has.

        :param list payments: see `_pay_now_page_payments`.
        :return: see `_pay_now_document_link`.
        :rtype: list of dict
        """
        documents = self._pay_now_documents(self._pay_now_lines().move_id).values()
        rows = [row for one in payments for row in one['rows'] if row['document']]
        shown = {row['document']['url'] for row in rows}
        return [one for one in documents if one['url'] not in shown]

    def _pay_now_left(self):
        """Return what is left to pay on the page, once what is on its way has come.

        :return: `text`, and whether it can be paid online, `can_pay`; empty where nothing is left.
        :rtype: dict
        """
        open_lines, payable, reasons = self._pay_now_page_items()
        left = open_lines.filtered(lambda line: reasons.get(line) != 'in_progress')
        if not left:
            return {}
        amounts = ' + '.join(
            currency.format(lines._pay_now_amount_to_pay())
            for currency, lines in left.grouped('currency_id').items()
        )
        return {
            'text': self.env._("%s are left to pay", amounts),
            'can_pay': bool(payable),
        }

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
        answers, agreed = lines._pay_now_all_answers(), lines._pay_now_agreed()
        write_day = functools.cache(lambda day: format_date(self.env, day))
        ticked = set(ticked.ids)
        trial = self.env['res.company']._pay_now_trial()
        printed = set() if trial else self._pay_now_printed_moves(lines.move_id)
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
                    'dated': write_day(move.invoice_date),
                    # What the printed invoice calls its reference, or its source.
                    'subject': move.ref or move.invoice_origin,
                    'late': max((today - due).days, 0) if due and line not in agreed else 0,
                    **self._pay_now_row_amounts(line, parts.get(line), write[line.currency_id]),
                    'reason': reason and move._pay_now_customer_reason(reason),
                    'ticked': line.id in ticked,
                    'answers': [answer._for_customer() for answer in answers.get(line, ())],
                    'document': not trial and self._pay_now_document_link(move, move.id in printed),
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
        """Return the ids of the invoices that there is a stored PDF of.

        Not by the field of the invoice, which has to be written in the cache of each.

        :param account.move moves: what is on the page.
        :rtype: set
        """
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
