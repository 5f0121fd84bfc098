# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.fields import Command, Domain

from odoo.addons.account_pay_now import const, utils
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """The receipt: a mail to the payer with the paid invoices, once the money is received."""

    _inherit = 'payment.transaction'

    pay_now_receipt_state = fields.Selection(
        string="Receipt",
        selection=[
            ('waiting', "To send"),
            ('sent', "Sent"),
            ('failed', "Could not be written"),
        ],
        readonly=True,
        copy=False,
        index='btree_not_null',
    )
    pay_now_receipt_problem = fields.Char(string="Problem", readonly=True, copy=False)
    pay_now_receipt_html = fields.Html(
        string="Receipt text", compute='_compute_pay_now_receipt_html', sanitize=False
    )

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    def _compute_pay_now_receipt_html(self):
        ours = self._pay_now_ours()
        # Odoo tries a template out on whatever transaction there is.
        (self - ours).pay_now_receipt_html = False
        for tx in ours:
            tx.pay_now_receipt_html = self.env['mail.mail']._pay_now_render(
                'account_pay_now.mail_receipt_items', {'tx': tx, 'rows': tx._pay_now_paid_rows()}
            )

    # === BUSINESS METHODS - RECEIPT === #

    def _pay_now_paid_rows(self):
        """Return what was paid, for the receipt and the result page: as it was called then.

        :return: dicts of `item`, `label`, `amount` and `discount`, in the transaction's currency.
        :rtype: list
        """
        self.ensure_one()
        return [
            {
                'item': item,
                'label': item.label,
                'amount': item.amount,
                'discount': item.discount,
            }
            for item in self.pay_now_item_ids.sorted(
                lambda item: (item.amount < 0, item.due_date, item.id)
            )
        ]

    def _pay_now_paid_day(self):
        """Return the day of the payment where the company is: booked or not.

        :rtype: datetime.date
        """
        self.ensure_one()
        return self.company_id._pay_now_day(
            self.pay_now_paid_at or self.last_state_change or self.create_date
        )

    def _pay_now_method_text(self):
        """Return what was paid with, as the payer calls it.

        :return: e.g. "Card, Apple Pay (Stripe)".
        :rtype: str
        """
        self.ensure_one()
        wallet = (self.pay_now_method or '').rpartition(', ')[2]
        names = [self.payment_method_id.name, const.WALLETS.get(wallet)]
        text = ', '.join(dict.fromkeys(filter(None, names)))
        provider = self.provider_id._pay_now_short_name()
        return provider if text.lower() == provider.lower() else f'{text} ({provider})'

    def _pay_now_receipt_lang(self):
        """Return the payer's language."""
        self.ensure_one()
        lang = self.partner_id.lang or self.partner_id.commercial_partner_id.lang
        return lang or self.company_id._pay_now_lang()

    def _pay_now_prepare_receipt(self):
        """Return the values of the receipt's mail.

        :rtype: dict
        """
        self.ensure_one()
        lang = self._pay_now_receipt_lang()
        tx = self.with_context(lang=lang)
        company = tx.company_id
        template = tx.env.ref('account_pay_now.mail_template_receipt')
        body = template._render_field('body_html', tx.ids, options={'post_process': True})[tx.id]
        before, after = company.with_context(lang=lang)._pay_now_mail_layout(template)
        # Neither another customer's by now, nor one that is being changed.
        moves = tx._pay_now_own_items().move_id.filtered(lambda move: move.state == 'posted')
        moves = moves[: const.ATTACHED_INVOICES_MAX]
        moves._pay_now_store_pdfs()
        files = self.env['ir.attachment'].sudo()
        files = files.concat(*(move.invoice_pdf_report_id for move in moves))
        Mail = tx.env['mail.mail']
        attachments = Mail._pay_now_fitting(files, Mail._pay_now_attachments_limit())
        email_to = utils.email_header(tx.partner_name, tx.partner_email)
        return {
            **Mail._pay_now_envelope(tx, email_to),
            'subject': utils.header_text(template._render_field('subject', tx.ids)[tx.id]),
            'body_html': before + body + after,
            'attachment_ids': [Command.set(attachments.ids)],
            'auto_delete': True,
        }

    # === CRON === #

    @api.model
    def _cron_pay_now_receipts(self, batch=100):
        """Write the receipts that are waiting and hand them to Odoo's mail queue, once each.

        Those of payments that somebody has in hand are written a minute later. The queue is told at
        once: it comes by itself once an hour, and a payer looks for the receipt.
        """
        cron = self.env['ir.cron']
        domain = Domain('pay_now_receipt_state', '=', 'waiting') & Domain(
            'provider_id', 'not in', self.env['payment.provider']._pay_now_away().ids
        )
        todo = self.search(domain, limit=batch, order='id')
        cron._commit_progress(remaining=self.search_count(domain))
        left = False
        for tx in todo:
            tx = tx.with_prefetch()
            try:
                if tx.try_lock_for_update():
                    tx._pay_now_send_receipt()
                else:
                    left = True
                go_on = cron._commit_progress(1)
            except psycopg2.OperationalError:
                # Somebody writes the same at this moment: its receipt alone waits for it.
                self.env.cr.rollback()
                left, go_on = True, cron._commit_progress(1)
            if not go_on:
                break
        if left:
            self.env.ref('account_pay_now.ir_cron_receipts').sudo()._trigger(
                at=fields.Datetime.now() + timedelta(minutes=1)
            )

    def _pay_now_send_receipt(self):
        """Write one receipt, once; one that cannot be written keeps nobody else waiting."""
        self.ensure_one()
        if self.pay_now_receipt_state != 'waiting':
            return
        if not utils.email_addresses(self.partner_email):
            self.pay_now_receipt_state = False
            return
        try:
            with self.env.cr.savepoint():
                self.env['mail.mail'].sudo().create(self._pay_now_prepare_receipt())
                self.pay_now_receipt_state = 'sent'
                queue = self.env.ref('mail.ir_cron_mail_scheduler_action', raise_if_not_found=False)
                if queue:
                    queue.sudo()._trigger()
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a template may stumble over
            _logger.exception("The receipt of %s could not be written", self.reference)
            self.write({'pay_now_receipt_state': 'failed', 'pay_now_receipt_problem': str(error)})
