# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import io
from datetime import datetime

import pytz
import xlsxwriter

from odoo import api, fields, models
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import utils

#: How wide the columns of a sheet are, in characters.
NARROWEST, WIDEST = 12, 60
#: Names of sheets: so long at the most, and without these.
NAME_LENGTH, NOT_IN_NAMES = 31, str.maketrans(dict.fromkeys("[]:*?/\\'", ' '))


class PayNowSheetMixin(models.AbstractModel):
    """What an accountant takes away from a screen: the same figures as a spreadsheet."""

    _name = 'pay.now.sheet.mixin'
    _inherit = ['pay.now.authority.mixin']
    _description = "Figures that can be taken away as a spreadsheet"

    provider_id = fields.Many2one(comodel_name='payment.provider', required=True, readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True)
    account_id = fields.Many2one(
        string="Clearing account", comodel_name='account.account', readonly=True
    )
    account_label = fields.Char(string="Adds up the account", readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    file = fields.Binary(readonly=True, attachment=False)

    # === COMPUTE METHODS === #

    @api.depends('provider_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for one in self:
            # Accountants may not read providers.
            one.display_name = one.provider_id.sudo().name

    # === BUSINESS METHODS - EMPTY LISTS === #

    @api.model
    def _no_provider_help(self):
        return utils.empty_list_help(
            self.env._("No provider is connected yet"),
            self.env._(
                "Connect Stripe or PayPal in the online payment set-up: from then on the balance of"
                " any day and the statement of any month are shown here."
            ),
        )

    @api.model
    def _nothing_help(self):
        return utils.empty_list_help(
            self.env._("Nothing moved"),
            self.env._("Choose another day, or a longer period, to see what it is made of."),
        )

    # === ACTION METHODS === #

    def action_xlsx(self):
        """Give the figures of the records as one spreadsheet.

        :return: the action that downloads it.
        :rtype: dict
        """
        records = self._shown()
        records.check_access('read')
        first = records[:1]
        first.sudo().file = base64.b64encode(records._xlsx(records._sheets()))
        name = records._file_name()
        return {
            'type': 'ir.actions.act_url',
            'url': f'/web/content/{self._name}/{first.id}/file/{name}.xlsx?download=true',
            'target': 'download',
        }

    # === BUSINESS METHODS === #

    def _shown(self):
        """Return the records, or those on the screen where none is ticked.

        :rtype: pay.now.sheet.mixin
        """
        return self or self.browse(self.env.context.get('pay_now_shown', ())).exists()

    def _sheets(self):
        """Return what is on the sheets.

        :return: triples of a sheet's name, the lines above its table, and the table's rows. A value
            is a text, an amount, a date or an instant in the reader's time zone.
        :rtype: list
        """
        raise NotImplementedError

    def _file_name(self):
        """Return the name of the file, without its ending.

        :rtype: str
        """
        raise NotImplementedError

    def _xlsx(self, sheets):
        """Return a spreadsheet.

        :param list sheets: see `_sheets`.
        :rtype: bytes
        """
        stream = io.BytesIO()
        with xlsxwriter.Workbook(stream, {'in_memory': True, 'remove_timezone': True}) as book:
            lang = self.env['res.lang']._get_data(code=self.env.lang or 'en_US')
            formats = {
                'title': book.add_format({'bold': True, 'font_size': 13}),
                'head': book.add_format({'bold': True, 'bottom': 1, 'text_wrap': True}),
                'amount': book.add_format({'num_format': self._amount_pattern()}),
                'date': book.add_format({'num_format': _pattern(lang.date_format)}),
                'instant': book.add_format(
                    {'num_format': f'{_pattern(lang.date_format)} hh:mm:ss'}
                ),
            }
            for number, (name, above, rows) in enumerate(sheets, 1):
                prefix = f'{number} ' if len(sheets) > 1 else ''
                title = f'{prefix}{name.translate(NOT_IN_NAMES)}'[:NAME_LENGTH]
                self._write_sheet(book.add_worksheet(title), formats, above, rows)
        return stream.getvalue()

    def _write_sheet(self, sheet, formats, above, rows):
        """Write one sheet: lines of text, then a table whose first row names the columns."""
        row = 0
        for row, text in enumerate(above, 1):
            sheet.write_string(row - 1, 0, text, formats['title'] if row == 1 else None)
        start = row + 1 if above else 0
        widths = {}
        for row, values in enumerate(rows, start):
            for column, value in enumerate(values):
                self._write_cell(sheet, formats, row, column, value, row == start)
                length = len(value) if isinstance(value, str) else NARROWEST + 4
                widths[column] = max(widths.get(column, NARROWEST), min(length + 2, WIDEST))
        for column, width in widths.items():
            sheet.set_column(column, column, width)
        sheet.freeze_panes(start + 1, 0)

    def _write_cell(self, sheet, formats, row, column, value, is_head):
        """Write one value as what it is: a reader sums amounts, and sorts dates."""
        if value is None or value is False:
            return
        if isinstance(value, str):
            # Never a formula, whoever wrote the text.
            sheet.write_string(row, column, value, formats['head'] if is_head else None)
        elif isinstance(value, (int, float)):
            whole = isinstance(value, int)
            sheet.write_number(row, column, value, None if whole else formats['amount'])
        else:
            kind = 'instant' if isinstance(value, datetime) else 'date'
            sheet.write_datetime(row, column, value, formats[kind])

    def _amount_pattern(self):
        """Return how amounts are written: with the decimals of the currency.

        :rtype: str
        """
        decimals = max(self.currency_id.mapped('decimal_places'), default=2)
        return '#,##0' + (f'.{"0" * decimals}' if decimals else '')

    def _day_text(self, day):
        """Return a day as the reader writes it.

        :param datetime.date day: one.
        :rtype: str
        """
        return format_date(self.env, day)

    def _movement_rows(self, movements, balance=None):
        """Return movements as the rows of a sheet, in the order given.

        :param pay.now.movement movements: of one company.
        :param float balance: at the provider before the first of them; none leaves it out.
        :rtype: list
        """
        described = movements.fields_get(
            ['occurred_at', 'kind', 'movement_ref', 'amount', 'fee', 'net', 'state', 'booked_on'],
            ['string', 'selection'],
        )
        kinds, states = (dict(described[name]['selection']) for name in ('kind', 'state'))
        head = [described[name]['string'] for name in ('occurred_at', 'kind', 'movement_ref')]
        head += [self.env._("Payment"), self.env._("Label")]
        head += [described[name]['string'] for name in ('amount', 'fee', 'net')]
        head += [self.env._("Balance")] if balance is not None else []
        head += [described[name]['string'] for name in ('state', 'booked_on')]
        rows = [head]
        for one in movements:
            running = []
            if balance is not None:
                balance = one.currency_id.round(balance + one.net)
                running = [balance]
            moved = [one.amount, -one.fee + 0.0, one.net, *running]
            named = [kinds[one.kind], one.movement_ref, *self._movement_names(one)]
            rows.append([self._local(one), *named, *moved, states[one.state], one.booked_on])
        return rows

    def _movement_names(self, movement):
        """Return which payment a movement is of, and what the provider calls it.

        :rtype: tuple(str, str)
        """
        payment = movement.sudo().transaction_id.reference or movement.reference or ''
        return payment, movement.label or movement.type or ''

    def _local(self, movement):
        """Return when a movement happened, where its company is.

        :rtype: datetime.datetime
        """
        zone = movement.company_id._pay_now_zone()
        return pytz.utc.localize(movement.occurred_at).astimezone(zone).replace(tzinfo=None)


def _pattern(date_format):
    """Return a date format of Odoo's as spreadsheets write it.

    :param str date_format: as of `strftime`.
    :rtype: str
    """
    pattern = date_format
    for code, written in (('%d', 'dd'), ('%m', 'mm'), ('%Y', 'yyyy'), ('%y', 'yy'), ('%b', 'mmm')):
        pattern = pattern.replace(code, written)
    return pattern if '%' not in pattern else 'yyyy-mm-dd'
