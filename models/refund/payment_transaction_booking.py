# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from odoo.addons.account_pay_now import const
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """The books of refunds: as the provider's balance moved, out and back.

    For refunds that no credit note was made for, drafts are proposed to the accountant.
    """

    _inherit = 'payment.transaction'

    pay_now_returned_commission = fields.Monetary(
        string="Commission of the return",
        readonly=True,
        copy=False,
        help="What the provider charged, or gave back, when the money of a failed refund returned.",
    )
    pay_now_reversal_move_id = fields.Many2one(
        string="Reversal entry",
        comodel_name='account.move',
        readonly=True,
        copy=False,
        help="The entry that takes back the payment of a refund that failed.",
    )

    _pay_now_reversal_once = models.UniqueIndex(
        '(pay_now_reversal_move_id) WHERE pay_now_reversal_move_id IS NOT NULL',
        "A reversal entry belongs to one refund.",
    )

    pay_now_credit_note_ids = fields.Many2many(
        string="Proposed credit notes",
        comodel_name='account.move',
        relation='pay_now_refund_credit_note_rel',
        column1='transaction_id',
        column2='move_id',
        readonly=True,
        copy=False,
    )

    # === BUSINESS METHODS - POST-PROCESSING === #

    def _pay_now_post_process_refunds(self):
        """Book refunds as the provider's balance moved; nothing else is to be done about them."""
        self.source_transaction_id._pay_now_book_refunds()
        self.is_post_processed = True

    # === BUSINESS METHODS - BOOKING === #

    def _pay_now_book_as_refunds(self):
        """Book refunds: the money out, the commission, the money back.

        What cannot be booked is reported and tried again: what happened at the provider happened.
        """
        self.filtered(
            lambda tx: (
                tx.pay_now_paid_at and not tx.payment_id and tx.source_transaction_id.payment_id
            )
        )._pay_now_try('_pay_now_book_refund_payments')
        self._pay_now_book_commissions()
        self.filtered(
            lambda tx: tx.payment_id and tx.pay_now_returned_at and not tx.pay_now_reversal_move_id
        )._pay_now_try('_pay_now_reverse_refunds')
        self.filtered(lambda tx: not tx.is_post_processed).is_post_processed = True

    def _pay_now_book_refund_payments(self, provider):
        """Create and post the outbound payments, then match them or propose credit notes."""
        method_line = provider._pay_now_method_line()
        payments = self.env['account.payment'].create(
            [tx._pay_now_prepare_refund_payment(method_line) for tx in self]
        )
        payments.action_post()
        for tx, payment in zip(self, payments, strict=True):
            tx.payment_id = payment
            if not tx.pay_now_returned_at:
                tx._pay_now_match_refund()
                tx._pay_now_propose_credit_notes()

    def _pay_now_prepare_refund_payment(self, method_line):
        """Return the values of the outbound `account.payment`, on the account of the inbound one.

        With the same method line, as core does: the clearing account is the provider's only one.
        """
        self.ensure_one()
        provider, source = self.provider_id, self.source_transaction_id
        return {
            'amount': -self.amount,
            'payment_type': 'outbound',
            'currency_id': self.currency_id.id,
            'partner_id': source.payment_id.partner_id.id,
            'partner_type': 'customer',
            'journal_id': provider.journal_id.id,
            'company_id': provider.company_id.id,
            'payment_method_line_id': method_line.id,
            'payment_transaction_id': self.id,
            'memo': f'{self.reference} - {self.pay_now_refund_ref}',
            'date': provider._pay_now_booking_date(self.pay_now_paid_at),
            'destination_account_id': source.payment_id.destination_account_id.id,
        }

    # === BUSINESS METHODS - MATCHING === #

    def _pay_now_open_refund_lines(self):
        """Return the items of refunds that nothing stands against yet.

        :rtype: account.move.line
        """
        booked = self.filtered(lambda tx: not tx.pay_now_reversal_move_id).payment_id
        return booked._pay_now_counterpart_lines().filtered(lambda line: not line.reconciled)

    def _pay_now_match_refund(self):
        """Match what was given back: with the payment's own open credit, then with credit notes."""
        self.ensure_one()
        source = self.source_transaction_id
        debit = self._pay_now_open_refund_lines()
        credit = source.payment_id._pay_now_counterpart_lines().filtered(
            lambda line: not line.reconciled
        )
        if debit and credit:
            (debit | credit).reconcile()
            source._pay_now_close_surplus()
        if debit := self._pay_now_open_refund_lines():
            notes = self._pay_now_matching_note_lines(debit)
            if notes:
                (debit | notes).reconcile()

    def _pay_now_close_surplus(self):
        """Close what is to handle about a surplus once nothing of it is left."""
        lines = self.payment_id._pay_now_counterpart_lines()
        if all(line.reconciled for line in lines):
            for kind in ('surplus', 'waiting', 'superseded'):
                self.env['pay.now.discrepancy']._close_of(self, kind)

    def _pay_now_matching_note_lines(self, debit):
        """Return the items of posted credit notes to match a refund with.

        One of the same amount; else the oldest with enough; else several, oldest first, when they
        are enough together.

        :param account.move.line debit: the open item of the refund.
        :rtype: account.move.line
        """
        notes = self.source_transaction_id._pay_now_invoices().reversal_move_ids
        open_lines = (
            (notes | self.pay_now_credit_note_ids)
            .line_ids.filtered(
                lambda line: (
                    line.parent_state == 'posted'
                    and line.move_id.move_type == 'out_refund'
                    and line.account_id == debit.account_id
                    and not line.reconciled
                )
            )
            .sorted(lambda line: (line.date, line.id))
        )
        amount = sum(debit.mapped('amount_residual_currency'))

        def compare(line):
            return self.currency_id.compare_amounts(-line.amount_residual_currency, amount)

        one = open_lines.filtered(lambda line: not compare(line)) or open_lines.filtered(
            lambda line: compare(line) > 0
        )
        if one:
            return one[:1]
        together = -sum(open_lines.mapped('amount_residual_currency'))
        enough = self.currency_id.compare_amounts(together, amount) >= 0
        return open_lines if enough else open_lines.browse()

    # === BUSINESS METHODS - REVERSING === #

    def _pay_now_reverse_refunds(self, provider):
        """Take back the payments of refunds that failed, by new entries of today.

        The clearing items stay apart: each stands for a movement of its own at the provider, in
        a payout of its own perhaps.
        """
        moves = self.env['account.move'].create(
            [tx._pay_now_prepare_refund_reversal(provider) for tx in self]
        )
        moves.action_post()
        for tx, move in zip(self, moves, strict=True):
            given = tx.payment_id._pay_now_counterpart_lines()
            given.remove_move_reconcile()
            back = move.line_ids.filtered(
                lambda line, given=given: line.account_id == given.account_id
            )
            (given | back).reconcile()
            # After posting: core would match the clearing items too.
            move.reversed_entry_id = tx.payment_id.move_id
            tx.pay_now_reversal_move_id = move
            tx._pay_now_withdraw_proposals()
            tx.source_transaction_id._pay_now_report_surplus()

    def _pay_now_prepare_refund_reversal(self, provider):
        """Return the values of the entry that takes a refund's payment back."""
        self.ensure_one()
        label = self.env._("Failed refund – %s", self.reference)
        lines = [
            {
                'name': label,
                'account_id': line.account_id.id,
                'partner_id': line.partner_id.id,
                'currency_id': line.currency_id.id,
                'balance': -line.balance,
                'amount_currency': -line.amount_currency,
            }
            for line in self.payment_id.move_id.line_ids
        ]
        commission = self.pay_now_returned_commission
        if not self.currency_id.is_zero(commission):
            if not provider.pay_now_commission_account_id:
                raise UserError(self.env._("Choose a commission account for %s.", provider.name))
            lines += [
                {
                    'name': label,
                    'account_id': account.id,
                    'currency_id': self.currency_id.id,
                    'balance': amount,
                    'amount_currency': amount,
                }
                for account, amount in (
                    (provider.pay_now_commission_account_id, commission),
                    (provider.pay_now_clearing_account_id, -commission),
                )
            ]
        return {
            'move_type': 'entry',
            'journal_id': provider.journal_id.id,
            'date': provider._pay_now_booking_date(),
            'ref': f'{label} - {self.pay_now_refund_ref}',
            'line_ids': [Command.create(line) for line in lines],
        }

    # === BUSINESS METHODS - CREDIT NOTES === #

    def _pay_now_invoices(self):
        """Return the invoices a payment paid, or was about to pay: none of another customer by now.

        :rtype: account.move
        """
        lost = (self.pay_now_item_ids - self._pay_now_own_items()).move_id
        return (self._pay_now_own_items().move_id | (self.invoice_ids - lost)).filtered(
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
