# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import functools

from odoo import models
from odoo.fields import Domain
from odoo.tools.misc import format_date, get_lang


class PayNowPageMixin(models.AbstractModel):
    """The rows of the pay page, one for each item or credit note.

    Days and amounts are written here, once for all rows: a widget of the template would look up
    language and currency for each of them.
    """

    _inherit = 'pay.now.page.mixin'

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
            residual, due = line.amount_residual_currency, line.date_maturity
            amount, discount = parts.get(line, (residual, 0.0))
            reason, move, currency = reasons.get(line), line.move_id, line.currency_id
            is_credit = residual < 0
            rows.append(
                {
                    'line': line,
                    'label': labels[line],
                    'is_credit': is_credit,
                    'date': write_day(line.date if is_credit else due),
                    'late': max((today - due).days, 0) if due else 0,
                    'residual_text': discount and write[currency](residual),
                    'amount': amount,
                    'amount_text': write[currency](amount),
                    'discount': discount,
                    'discount_text': discount and line._pay_now_discount_text(),
                    'reason': reason and move._pay_now_customer_reason(reason),
                    'ticked': line.id in ticked,
                    'answers': [answer._for_customer() for answer in answers.get(line, ())],
                    'document': move.id in printed and self._pay_now_document_link(move),
                }
            )
        return rows

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
