# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class PaymentTransaction(models.Model):
    """Credit notes proposed for refunds that none was made for: drafts, for the accountant."""

    _inherit = 'payment.transaction'

    pay_now_credit_note_ids = fields.Many2many(
        string="Proposed credit notes",
        comodel_name='account.move',
        relation='pay_now_refund_credit_note_rel',
        column1='transaction_id',
        column2='move_id',
        readonly=True,
        copy=False,
    )

    # === BUSINESS METHODS === #

    def _pay_now_invoices(self):
        """Return the invoices a payment paid, or was about to pay.

        :rtype: account.move
        """
        return (self.pay_now_item_ids.line_id.move_id | self.invoice_ids).filtered(
            lambda move: move.move_type == 'out_invoice'
        )

    def _pay_now_propose_credit_notes(self):
        """Propose draft credit notes for what nothing stands against; never keep a refund out."""
        self.ensure_one()
        amount = sum(self._pay_now_open_refund_lines().mapped('amount_residual_currency'))
        for invoice, part in self._pay_now_parts_to_credit(amount):
            try:
                with self.env.cr.savepoint():
                    self._pay_now_propose_credit_note(invoice, part)
            except UserError as error:
                invoice._message_log(
                    body=self.env._(
                        "No credit note could be proposed for the refund %(refund)s: %(error)s",
                        refund=self._get_html_link(),
                        error=error,
                    )
                )

    def _pay_now_parts_to_credit(self, amount):
        """Share an amount among the invoices of the payment, as far as they are not credited.

        An invoice of exactly that amount first, else the oldest ones.

        :param float amount: what was given back.
        :return: pairs of an invoice and a part of the amount.
        :rtype: list[tuple(account.move, float)]
        """
        source, currency = self.source_transaction_id, self.currency_id
        left = {}
        for invoice in source._pay_now_invoices().sorted(lambda move: (move.invoice_date, move.id)):
            notes = invoice.reversal_move_ids.filtered(
                lambda move: move.move_type == 'out_refund' and move.state != 'cancel'
            )
            left[invoice] = invoice.amount_total - sum(notes.mapped('amount_total'))
        exact = [one for one, open_ in left.items() if not currency.compare_amounts(open_, amount)]
        parts = []
        for invoice in exact[:1] or left:
            part = currency.round(min(left[invoice], amount))
            if currency.compare_amounts(part, 0) > 0:
                parts.append((invoice, part))
                amount -= part
        return parts

    def _pay_now_propose_credit_note(self, invoice, amount):
        """Propose a credit note: the whole invoice reversed, or its part of every tax.

        :param account.move invoice: what was paid and is given back.
        :param float amount: how much of it, taxes included.
        """
        whole = not invoice.reversal_move_ids and not self.currency_id.compare_amounts(
            amount, invoice.amount_total
        )
        values = self._pay_now_prepare_credit_note(invoice)
        if whole:
            note = invoice._reverse_moves([values])
        else:
            note = self.env['account.move'].create(
                {
                    **values,
                    'move_type': 'out_refund',
                    'partner_id': invoice.partner_id.id,
                    'reversed_entry_id': invoice.id,
                    'journal_id': invoice.journal_id.id,
                    'currency_id': invoice.currency_id.id,
                    'fiscal_position_id': invoice.fiscal_position_id.id,
                    'invoice_line_ids': self._pay_now_prepare_credit_lines(invoice, amount),
                }
            )
        self.pay_now_credit_note_ids |= note
        note._message_log(
            body=self.env._(
                "Proposed by Pay Now for the refund %(refund)s of %(amount)s. Check lines, accounts"
                " and taxes before you post it; it is then matched with the refund by itself.",
                refund=self._get_html_link(),
                amount=self.currency_id.format(amount),
            )
        )

    def _pay_now_prepare_credit_note(self, invoice):
        lang = invoice.partner_id.lang or self.env.lang
        date = self.payment_id.date
        return {
            'ref': self.with_context(lang=lang).env._("Refund of %s", invoice.name),
            'date': date,
            'invoice_date': date,
            'invoice_date_due': date,
            'invoice_payment_term_id': False,
            'invoice_origin': invoice.invoice_origin,
            'auto_post': 'no',
        }

    def _pay_now_prepare_credit_lines(self, invoice, amount):
        """Return the lines of a partial credit note, whose total is the amount.

        One for each account and set of taxes of the invoice, each with its part, as Odoo shares
        down payments.
        """
        AccountTax = self.env['account.tax']
        lang = invoice.partner_id.lang or self.env.lang
        name = self.with_context(lang=lang).env._("Refund of %s", invoice.name)
        base_lines, _tax_lines = invoice._get_rounded_base_and_tax_lines()
        parts = AccountTax._prepare_down_payment_lines(
            base_lines,
            invoice.company_id,
            'fixed',
            amount,
            computation_key=f'pay_now_refund,{self.id}',
            grouping_function=lambda line: {'account_id': line['account_id']},
        )
        return [
            Command.create(
                {
                    'name': name,
                    'quantity': 1,
                    'price_unit': part['price_unit'],
                    'account_id': part['account_id'].id,
                    'analytic_distribution': part['analytic_distribution'],
                    'tax_ids': [Command.set(part['tax_ids'].ids)],
                    # What rounding would change of the taxes.
                    'extra_tax_data': AccountTax._export_base_line_extra_tax_data(part),
                }
            )
            for part in parts
        ]

    def _pay_now_withdraw_proposals(self):
        """Take back drafts that were proposed for a refund that failed; posted ones stay."""
        drafts = self.pay_now_credit_note_ids.filtered(lambda move: move.state == 'draft')
        for note in drafts:
            note._message_log(body=self.env._("The refund failed: nothing to credit any more."))
        drafts.button_cancel()
