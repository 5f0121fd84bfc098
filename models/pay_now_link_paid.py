# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import pytz

from odoo import models
from odoo.fields import Domain


class PayNowPageMixin(models.AbstractModel):
    """What the pay page says of the whole: what was paid, is in progress, or can be answered."""

    _inherit = 'pay.now.page.mixin'

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
