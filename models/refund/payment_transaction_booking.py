# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import defaultdict

import psycopg2

from odoo import fields, models
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
            lambda tx: tx.pay_now_paid_at and tx.source_transaction_id.payment_id
        )._pay_now_to_book('payment_id')._pay_now_try('_pay_now_book_refund_payments')
        self._pay_now_book_commissions()
        self.filtered(lambda tx: tx.payment_id and tx.pay_now_returned_at)._pay_now_to_book(
            'pay_now_reversal_move_id'
        )._pay_now_try('_pay_now_reverse_refunds')
        self.filtered(lambda tx: not tx.is_post_processed).is_post_processed = True
        self._pay_now_forget_refusals()

    def _pay_now_book_refund_payments(self, provider):
        """Create and post the outbound payments, then match them or propose credit notes."""
        method_line = provider._pay_now_method_line()
        payments = self.env['account.payment'].create(
            [tx._pay_now_prepare_refund_payment(method_line) for tx in self]
        )
        payments.action_post()
        for tx, payment in zip(self, payments, strict=True):
            tx.payment_id = payment
        given = self.filtered(lambda tx: not tx.pay_now_returned_at)
        given._pay_now_match_refunds()
        given._pay_now_propose_credit_notes()

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

    def _pay_now_match_refunds(self):
        """Match what was given back: with the payments' own open credit, then with credit notes."""
        partials = self.env['account.partial.reconcile']
        plan = []
        for source, refunds in self.grouped('source_transaction_id').items():
            debits = refunds._pay_now_open_refund_lines()
            credit = source.payment_id._pay_now_counterpart_lines().filtered(
                lambda line: not line.reconciled
            )
            if debits and credit:
                plan.append(debits | credit)
        if plan:
            partials._pay_now_reconcile(plan)
        plan, seen, later = [], set(), self.browse()
        # Read for all of them at once, as what follows does not.
        self.source_transaction_id._pay_now_invoices().fetch(['reversal_move_ids'])
        for tx in self:
            debit = tx._pay_now_open_refund_lines()
            notes = debit and tx._pay_now_matching_note_lines(debit)
            if notes and seen.isdisjoint(notes.ids):
                plan.append(debit | notes)
                seen.update(notes.ids)
            elif notes:
                later |= tx
        if plan:
            partials._pay_now_reconcile(plan)
        if later:
            # What the others left of the same credit notes.
            later._pay_now_match_refunds()

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
        moves = provider.with_env(self.env)._pay_now_create_entries(
            [tx._pay_now_prepare_refund_reversal(provider) for tx in self]
        )
        for tx, move in zip(self, moves, strict=True):
            given = tx.payment_id._pay_now_counterpart_lines()
            (given.matched_debit_ids | given.matched_credit_ids)._pay_now_unreconcile()
            back = move.line_ids.filtered(
                lambda line, given=given: line.account_id == given.account_id
            )
            self.env['account.partial.reconcile']._pay_now_reconcile([given | back], fresh=True)
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
        values = provider._pay_now_as_take_back(
            {
                'move_type': 'entry',
                'journal_id': provider.journal_id.id,
                'date': provider._pay_now_booking_date(),
                'ref': f'{label} - {self.pay_now_refund_ref}',
                'line_ids': [Command.create(line) for line in lines],
            }
        )
        commission = self.pay_now_returned_commission
        if commission and not provider.pay_now_commission_imported:
            # Taken for the first time: no line of it takes anything back.
            provider = provider.with_env(self.env)
            clearing = {
                'name': label,
                'account_id': provider.pay_now_clearing_account_id.id,
                'currency_id': self.currency_id.id,
                'balance': -commission,
                'amount_currency': -commission,
            }
            fees = [*provider._pay_now_prepare_fee(commission, label), clearing]
            values['line_ids'] += [Command.create(line) for line in fees]
        return values

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
        if parts := self._pay_now_parts_to_credit():
            self._pay_now_create_credit_notes(parts)

    def _pay_now_parts_to_credit(self):
        """Share what was given back among the invoices of the payments.

        :return: refund, invoice and how much of it, taxes included.
        :rtype: list[tuple(payment.transaction, account.move, float)]
        """
        parts, taken = [], defaultdict(float)
        for tx in self:
            amount = sum(tx._pay_now_open_refund_lines().mapped('amount_residual_currency'))
            for invoice, part in tx._pay_now_share_credit(amount, taken):
                parts.append((tx, invoice, part))
                taken[invoice] += part
        return parts

    def _pay_now_share_credit(self, amount, taken):
        """Share an amount among the invoices of the payment, as far as they are not credited.

        An invoice of exactly that amount first, else the oldest ones. Of one with an early payment
        discount no more was paid, and is given back, than what that left.

        :param float amount: what was given back.
        :param dict taken: `{invoice: amount}` that other refunds are about to credit.
        :return: pairs of an invoice and a part of the amount.
        :rtype: list[tuple(account.move, float)]
        """
        source, currency = self.source_transaction_id, self.currency_id
        granted = source._pay_now_granted_discounts()
        left = {}
        for invoice in source._pay_now_invoices().sorted(lambda move: (move.invoice_date, move.id)):
            notes = invoice.reversal_move_ids.filtered(
                lambda move: move.move_type == 'out_refund' and move.state != 'cancel'
            )
            credited = sum(notes.mapped('amount_total')) + taken[invoice]
            left[invoice] = invoice.amount_total - granted.get(invoice, 0.0) - credited
        exact = [one for one, open_ in left.items() if not currency.compare_amounts(open_, amount)]
        parts = []
        for invoice in exact[:1] or left:
            part = currency.round(min(left[invoice], amount))
            if currency.compare_amounts(part, 0) > 0:
                parts.append((invoice, part))
                amount -= part
        return parts

    def _pay_now_granted_discounts(self):
        """Return the early payment discounts that the entry of a payment grants.

        :return: `{invoice: amount}`
        :rtype: dict
        """
        self.ensure_one()
        lines = self.payment_id._pay_now_counterpart_lines()
        # More is matched than was received.
        left = -sum(lines.mapped('amount_currency')) - self.payment_id.amount
        granted = {}
        for item in self._pay_now_own_items().filtered('discount'):
            if self.currency_id.compare_amounts(left, item.discount) >= 0:
                granted[item.move_id] = granted.get(item.move_id, 0.0) + item.discount
                left -= item.discount
        return granted

    def _pay_now_create_credit_notes(self, parts):
        """Create credit notes, all at once; one by one where that fails, and say which could not.

        :param list parts: see `_pay_now_parts_to_credit`.
        """
        try:
            with self.env.cr.savepoint():
                self._pay_now_create_notes_at_once(parts)
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - the money went, whatever is refused about it
            if len(parts) > 1:
                for part in parts:
                    self._pay_now_create_credit_notes([part])
                return
            [(tx, invoice, amount)] = parts
            problem = tx.provider_id._pay_now_refused_books(error, **tx._pay_now_note_needs())
            self.env['pay.now.discrepancy']._report(
                tx,
                'credit_note',
                'credit_note',
                {'amount': amount, 'invoice': invoice.name, 'problem': problem},
                amount=amount,
            )

    def _pay_now_note_needs(self):
        """Return what credit notes need of the books, see `_pay_now_books_problems`.

        :rtype: dict
        """
        granted = self.env['account.move'].union(
            *self.source_transaction_id._pay_now_granted_discounts()
        )
        none = self.env['account.account']
        return {
            'receivables': none,
            'taxes': (),
            'discounts': granted.company_id,
            'commission': False,
        }

    def _pay_now_create_notes_at_once(self, parts):
        groups = defaultdict(list)
        # Read for all of them at once, as what follows does not.
        invoices = self.env['account.move'].browse([invoice.id for _tx, invoice, _part in parts])
        invoices.line_ids.fetch(['display_type', 'account_id', 'tax_ids', 'tax_tag_ids'])
        for tx, invoice, amount in parts:
            whole = tx._pay_now_is_credited_whole(invoice, amount)
            groups[invoice.company_id, whole].append((tx, invoice, amount))
        for (company, whole), own in groups.items():
            # One record set: what is read of one is read of all.
            invoices = self.env['account.move'].browse([invoice.id for _tx, invoice, _part in own])
            invoices = invoices.with_company(company).with_context(include_business_fields=True)
            values = [
                tx._pay_now_prepare_credit_note(invoice, amount, whole)
                for invoice, (tx, _invoice, amount) in zip(invoices, own, strict=True)
            ]
            # As in copying: Odoo compares what it creates with what it is called on.
            notes = (invoices if whole else invoices.browse()).create(values)
            bodies = {
                note.id: self.env._(
                    "Proposed by Pay Now for the refund %(refund)s of %(amount)s. Check lines,"
                    " accounts and taxes before you post it; it is then matched with the refund by"
                    " itself.",
                    refund=tx._get_html_link(),
                    amount=tx.currency_id.format(amount),
                )
                for note, (tx, _invoice, amount) in zip(notes, own, strict=True)
            }
            notes._message_log_batch(bodies=bodies)

    def _pay_now_is_credited_whole(self, invoice, amount):
        """Tell whether a credit note is the invoice reversed, line by line.

        Not where Odoo would compute lines of it anew, and otherwise: without the payment term, or
        with the discount.

        :param account.move invoice: what was paid and is given back.
        :param float amount: how much of it, taxes included.
        :rtype: bool
        """
        discount = self.source_transaction_id._pay_now_granted_discounts().get(invoice, 0.0)
        kinds = set(invoice.line_ids.mapped('display_type'))
        return (
            not invoice.reversal_move_ids
            and not self.currency_id.compare_amounts(amount, invoice.amount_total - discount)
            and 'epd' not in kinds
            and not (discount and 'rounding' in kinds)
        )

    def _pay_now_prepare_credit_note(self, invoice, amount, whole):
        """Return the values of a credit note: the whole invoice, or its part of every tax.

        With it goes the discount that the payment had: the entry of both is taken back.

        :param account.move invoice: what was paid and is given back.
        :param float amount: how much of it, taxes included.
        :param bool whole: see `_pay_now_is_credited_whole`.
        :rtype: dict
        """
        discount = self.source_transaction_id._pay_now_granted_discounts().get(invoice, 0.0)
        values = self._pay_now_prepare_note_header(invoice)
        if whole:
            values = invoice.copy_data(values)[0]
            gross, lines = invoice.amount_total, values['line_ids']
        else:
            paid = invoice.amount_total - discount
            gross = self.currency_id.round(invoice.amount_total * amount / paid)
            lines = values['invoice_line_ids'] = self._pay_now_prepare_credit_lines(invoice, gross)
        if discount:
            lines += self._pay_now_prepare_discount_lines(invoice, gross - amount)
        return values

    def _pay_now_prepare_note_header(self, invoice):
        """Return what a credit note has of its invoice and its refund, besides the lines.

        Its date is one that entries with taxes are open for. Nobody is its salesperson because
        of being at work: it is the invoice's.
        """
        lang = invoice.partner_id.lang or self.env.lang
        date = self.provider_id._pay_now_open_day(
            self.payment_id.date, invoice.journal_id, invoice.company_id, has_tax=True
        )
        kept = ('invoice_user_id', 'team_id', 'campaign_id', 'medium_id', 'source_id')
        return {
            'move_type': 'out_refund',
            'company_id': invoice.company_id.id,
            'partner_id': invoice.partner_id.id,
            'partner_shipping_id': invoice.partner_shipping_id.id,
            'reversed_entry_id': invoice.id,
            'journal_id': invoice.journal_id.id,
            'currency_id': invoice.currency_id.id,
            'fiscal_position_id': invoice.fiscal_position_id.id,
            'ref': self.with_context(lang=lang).env._("Refund of %s", invoice.name),
            'date': date,
            'invoice_date': date,
            'invoice_date_due': date,
            'invoice_payment_term_id': False,
            'invoice_origin': invoice.invoice_origin,
            'auto_post': 'no',
            'pay_now_refund_ids': [Command.link(self.id)],
            **{name: invoice[name].id for name in kept if name in invoice._fields},
        }

    def _pay_now_prepare_credit_lines(self, invoice, amount):
        """Return the lines of a partial credit note, whose total is the amount.

        One for each account and set of taxes of the invoice, each with its part, as Odoo shares
        down payments.

        :param account.move invoice: what is credited.
        :param float amount: how much of it, taxes included; negative for a deduction.
        :return: commands that create journal items.
        :rtype: list
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

    def _pay_now_prepare_discount_lines(self, invoice, discount):
        """Return the lines that take the early payment discount back, as the payment booked it.

        Where the discount reduced the taxes of the invoice, so they do here; in the other modes
        of the payment term it left them as they were, or they were reduced in the invoice.

        :param account.move invoice: what is credited.
        :param float discount: how much of it was discounted, taxes included.
        :return: as of `_pay_now_prepare_credit_lines`.
        :rtype: list
        """
        lang = invoice.partner_id.lang or self.env.lang
        account = invoice.company_id.account_journal_early_pay_discount_loss_account_id
        values = {
            'name': self.with_context(lang=lang).env._("Early payment discount"),
            'account_id': account.id,
        }
        if invoice.invoice_payment_term_id.early_pay_discount_computation != 'included':
            plain = {**values, 'quantity': 1, 'price_unit': -discount, 'tax_ids': [Command.clear()]}
            return [Command.create(plain)]
        lines = self._pay_now_prepare_credit_lines(invoice, -discount)
        return [Command.create({**line, **values}) for _command, _id, line in lines]

    def _pay_now_withdraw_proposals(self):
        """Take back drafts that were proposed for a refund that failed; posted ones stay."""
        drafts = self.pay_now_credit_note_ids.filtered(lambda move: move.state == 'draft')
        for note in drafts:
            note._message_log(body=self.env._("The refund failed: nothing to credit any more."))
        drafts.with_context(**{const.BY_ITSELF: True}).button_cancel()
