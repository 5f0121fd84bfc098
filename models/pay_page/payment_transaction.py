# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.models.account_move_line import UNDER_WAY
from odoo.addons.account_pay_now.models.pay_page.ir_http import DOCUMENT, MODELS


class PaymentTransaction(models.Model):
    """What the payer is told of a payment: at once, and where the link is opened again."""

    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - RESULT === #

    def _pay_now_result_values(self):
        """Return what the result page shows besides how the payment ended. Nothing is written.

        :return: `payment` as `_pay_now_told` and `left` as `pay.now.page.mixin._pay_now_left`;
            both empty where nothing was paid.
        :rtype: dict
        """
        self.ensure_one()
        if self.state != 'done' and self.state not in UNDER_WAY:
            return {'payment': {}, 'left': {}}
        page = self._pay_now_page()
        return {
            'payment': self._pay_now_told(self.pay_now_item_ids, page),
            'left': page._pay_now_left() if page else {},
        }

    def _pay_now_page(self):
        """Return the document whose page the payer came from, as long as its address opens it.

        :return: None for a payment on a page of Odoo, a link that was revoked or has lapsed.
        :rtype: pay.now.page.mixin | None
        """
        self.ensure_one()
        found = DOCUMENT.fullmatch(self.pay_now_page_url or '')
        if not found:
            return None
        kind, document_id, token = found.groups()
        page = self.env[MODELS[kind]].sudo().browse(int(document_id)).exists()
        return page if page and page._pay_now_check_token(token) else None

    def _pay_now_told(self, items, page=None):
        """Return what the payer is told of a payment: all of it, or a page's part.

        :param pay.now.transaction.item items: what of it.
        :param page: the document whose page is open: it has the PDFs of its own invoices only.
        :rtype: dict
        """
        self.ensure_one()
        whole = items == self.pay_now_item_ids
        documents = page._pay_now_documents(items.move_id) if page else {}
        amount = (whole and self.pay_now_received) or sum(items.mapped('amount'))
        refunded, refunding = self._pay_now_told_refunds(None if whole else amount)
        done = self.state == 'done'
        return {
            'amount': amount,
            'currency': self.currency_id,
            'pending': not done,
            'refunded': refunded,
            'refunding': refunding,
            'date': done and self._pay_now_paid_day(),
            'method': done and self._pay_now_method_text(),
            'reference': self.reference,
            'receipt': self._pay_now_receipt_text(),
            'rows': [
                {**row, 'document': documents.get(row['item'].move_id)}
                for row in self._pay_now_paid_rows()
                if row['item'] in items
            ],
        }

    def _pay_now_told_refunds(self, part):
        """Return what the payer is told of refunds.

        They are of the payment, not of its items: what came back of a part is known where all did,
        and a page says nothing of what was paid elsewhere.

        :param float part: what is told of the payment; None for all of it.
        :return: what was given back, and what is on its way.
        :rtype: tuple(float, float)
        """
        refunded, refunding = self._pay_now_refunded_amounts()
        if part is None:
            return refunded, refunding
        received = self.pay_now_received or self.amount
        all_back = self.currency_id.compare_amounts(refunded, received) >= 0
        return part if all_back else 0.0, 0.0

    def _pay_now_receipt_text(self):
        """Return where the receipt goes, so that only the payer recognises it.

        :return: a sentence; empty where there is none.
        :rtype: str
        """
        address = utils.masked_emails(self.partner_email)
        if not address:
            return ''
        if self.pay_now_receipt_state == 'sent':
            return self.env._("Receipt sent to %s", address)
        if self.pay_now_receipt_state == 'waiting':
            return self.env._("The receipt is on its way to %s", address)
        return ''
