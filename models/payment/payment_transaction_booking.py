# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, mute_logger
from odoo.tools.misc import clean_context

from odoo.addons.account_pay_now import const

#: Where notes on invoices wait until all payments of a batch are finished.
NOTES = 'account_pay_now.notes'


class PaymentTransaction(models.Model):
    """The books: payments and commissions, many transactions at once.

    That money was received is the state *done*, written before anything is booked. Each step of the
    books is done in a savepoint of its own; one that is refused leaves everything before it as it
    was.
    """

    _name = 'payment.transaction'
    _inherit = ['payment.transaction', 'pay.now.booked.mixin']

    pay_now_commission = fields.Monetary(
        string="Commission",
        readonly=True,
        copy=False,
        help="The provider's own fee, as the provider reports it.",
    )
    pay_now_commission_date = fields.Datetime(
        string="Commission taken on", readonly=True, copy=False
    )
    pay_now_commission_state = fields.Selection(
        string="Commission status",
        selection=[
            ('waiting', "Not known yet"),
            ('known', "To book"),
            ('booked', "Booked"),
            ('failed', "Could not be booked"),
            ('by_hand', "To book by hand"),
            ('imported', "From the bank statement import"),
        ],
        readonly=True,
        copy=False,
        index='btree_not_null',
    )
    pay_now_commission_move_id = fields.Many2one(
        string="Commission entry", comodel_name='account.move', readonly=True, copy=False
    )
    pay_now_movement_ref = fields.Char(
        string="Movement id", readonly=True, copy=False, help="The provider's balance movement."
    )

    _pay_now_commission_once = models.UniqueIndex(
        '(pay_now_commission_move_id) WHERE pay_now_commission_move_id IS NOT NULL',
        "A commission entry belongs to one payment.",
    )

    pay_now_compared_at = fields.Datetime(string="Last compared", readonly=True, copy=False)

    # === BUSINESS METHODS - RECEIVED === #

    def _pay_now_is_received(self):
        """Tell whether money of a payment was received that has no entry.

        Where somebody deleted the entry, it was processed once: that counts as *booked by hand*,
        for what a person undid is not done again by itself.

        :rtype: bool
        """
        self.ensure_one()
        return (
            self.state == 'done'
            and self.operation != 'refund'
            and self.amount > 0
            and not self.payment_id
        )

    def _pay_now_at_home(self):
        """Return those of our transactions that are booked here, and in no copy of the database.

        :rtype: payment.transaction
        """
        away = self.provider_id.sudo().filtered(
            lambda provider: provider._pay_now_connection().is_away()
        )
        return self.filtered(lambda tx: tx.provider_id not in away)

    def _pay_now_queue_receipts(self):
        """Note that the payers get a receipt, where the company sends them: received is enough."""
        todo = self.filtered(
            lambda tx: (
                not tx.pay_now_receipt_state
                and tx._pay_now_is_received()
                and tx.partner_email
                and tx.company_id.pay_now_receipts
            )
        )
        if todo:
            todo.pay_now_receipt_state = 'waiting'
            self.env.ref('account_pay_now.ir_cron_receipts').sudo()._trigger()

    # === BUSINESS METHODS - POST-PROCESSING === #

    def _post_process(self):
        """Override of `account_payment` to book our payments in batches, then the commissions.

        Core then finds each payment made and makes none. Refunds are kept from core, which would
        book those that are done, and cancel the posted payment of one that failed. What the books
        refuse is not processed yet: it stays received, and is tried again.
        """
        if self.env.context.get('pay_now_finishing'):
            return super()._post_process()
        refunds = self.filtered(lambda tx: tx._pay_now_is_refund())
        others = self - refunds
        ours = others._pay_now_ours()
        if rest := others - ours:
            super(PaymentTransaction, rest)._post_process()
        ours, refunds = ours._pay_now_at_home(), refunds._pay_now_at_home()
        if self.env.context.get('pay_now_keep_pauses'):
            ours -= ours.filtered('pay_now_book_at')
        ours._pay_now_queue_receipts()
        # As a rule all goes well; else each step by itself, so that one waits and no other.
        if left := ours - ours._pay_now_try('_pay_now_book_all'):
            left.filtered(lambda tx: tx._pay_now_is_received())._pay_now_book_payments()
            left.filtered(lambda tx: not tx._pay_now_is_received())._pay_now_try('_pay_now_finish')
            left._pay_now_book_commissions()
        if refunds:
            refunds._pay_now_post_process_refunds()
        return None

    def _pay_now_book_all(self, provider):
        """Book payments and their commissions, and let core do the rest."""
        received = self.filtered(lambda tx: tx._pay_now_is_received())
        if received.filtered('pay_now_deleted'):
            received = received._pay_now_to_book('payment_id')
        if received:
            received._pay_now_book_payments_of(provider)
        self._pay_now_finish(provider)
        if known := self._pay_now_commissions_to_book():
            known._pay_now_book_commissions_of(provider)

    def _pay_now_finish(self, _provider):
        """Let core, and other modules, do what they do after a payment."""
        # Core posts the invoices: not those that somebody is changing.
        waiting = self.env.cr.precommit.data
        try:
            waiting[NOTES] = []
            self.with_context(pay_now_keep_drafts=True, pay_now_finishing=True)._post_process()
        finally:
            notes = waiting.pop(NOTES)
        for bodies in notes:
            self.env['account.move'].browse(bodies)._message_log_batch(bodies=bodies)

    def _create_payment(self, **extra_create_values):
        """Override of `account_payment`: a payment of ours pays exactly its snapshot, and a refund
        is booked as the balance moved."""
        if self.provider_code not in const.PROVIDER_CODES:
            return super()._create_payment(**extra_create_values)
        if self._pay_now_is_refund():
            self.source_transaction_id._pay_now_book_refunds()
        else:
            self._pay_now_book_payments()
        return self.payment_id

    # === BUSINESS METHODS - THE STEPS OF THE BOOKS === #

    def _pay_now_try(self, step):
        """Do one step of the books, all at once; one by one where that is refused.

        The one door to the books: nothing that was known before is lost, and nothing is raised.

        :param str step: a method of `STEPS`, which takes the provider.
        :return: those that it was done for; of *all* those of which nothing is to be tried now.
        :rtype: payment.transaction
        """
        done = self.browse()
        for provider, txs in self.grouped('provider_id').items():
            done |= txs._pay_now_try_of(provider, step)
        return done

    def _pay_now_try_of(self, provider, step):
        """Do one step of the books for payments of one provider; parameters as of `_pay_now_try`.

        :param payment.provider provider: theirs.
        :rtype: payment.transaction
        """
        booked = self._pay_now_in_books_of(provider)
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                # Whoever else holds these entries is not waited for for ever.
                self.env.cr.execute(
                    SQL("SET LOCAL lock_timeout = %s", f'{const.BOOKING_LOCK_SECONDS}s')
                )
                getattr(booked, step)(provider)
        except psycopg2.OperationalError as error:
            # Somebody else books the same: all of them follow in another database transaction.
            booked._pay_now_note_refusal(step, error)
            return self if step == '_pay_now_book_all' else self.browse()
        except Exception as error:  # noqa: BLE001 - whatever a module, or the database, may refuse
            if step == '_pay_now_book_all':
                return self.browse()
            if len(self) > 1:
                return self.browse().union(*(tx._pay_now_try_of(provider, step) for tx in self))
            booked._pay_now_note_refusal(step, error)
            return self.browse()
        booked._pay_now_forget_refusals()
        return self

    def _pay_now_forget_refusals(self):
        """Close what was to handle where no step of the books is left, whoever did the last one.

        Nothing left may also come of what the provider says, of a setting or of a person: a
        commission of zero, one imported with the statement, a refund that a dispute turned out
        to be, an entry made by hand.
        """
        known = self.filtered(
            lambda tx: (
                (tx.pay_now_book_attempts or tx.pay_now_book_at) and not tx._pay_now_is_to_book()
            )
        )
        if known:
            known.write({'pay_now_book_attempts': 0, 'pay_now_book_at': False})
            self.env['pay.now.discrepancy']._close_of(known, 'booking')
            known.provider_id._pay_now_note_books()

    def _pay_now_is_to_book(self):
        """Tell whether a step of the books is left: the one answer, read from the record itself.

        :rtype: bool
        """
        self.ensure_one()
        commission = self.payment_id and self.pay_now_commission_state in ('known', 'failed')
        if commission and not self.pay_now_commission_move_id:
            return True
        if self.operation != 'refund':
            return self._pay_now_is_to_post_process()
        given = self.pay_now_paid_at and self._pay_now_to_book('payment_id')
        back = self.payment_id and self.pay_now_returned_at
        return bool(given or (back and self._pay_now_to_book('pay_now_reversal_move_id')))

    # === BUSINESS METHODS - PAYMENTS === #

    def _pay_now_book_payments(self):
        """Create, post and reconcile the payments of confirmed transactions, all at once.

        :return: None
        """
        self._pay_now_to_book('payment_id')._pay_now_try('_pay_now_book_payments_of')

    def _pay_now_in_books_of(self, provider):
        """Return the transactions as the company books and reads them: by no client's defaults."""
        company = provider.company_id
        context = {**clean_context(self.env.context), 'lang': company._pay_now_lang()}
        return self.with_env(self.env(context=context)).with_company(company)

    def _pay_now_book_payments_of(self, provider):
        method_line = provider._pay_now_method_line()
        # Read for all of them at once, as what follows does not.
        self.pay_now_item_ids.line_id.fetch(['account_id', 'move_id'])
        payments = self.env['account.payment'].create(
            [tx._pay_now_prepare_payment(method_line) for tx in self]
        )
        payments.action_post()
        if any(payment.move_id.state != 'posted' for payment in payments):
            raise UserError(self.env._("The payment has no posted entry."))
        plan, changed, seen = [], self.browse(), set()
        for tx, payment in zip(self, payments, strict=True):
            tx.payment_id = payment
            items = tx.pay_now_item_ids.line_id
            if tx._pay_now_is_as_agreed() and seen.isdisjoint(items.ids):
                plan.append(payment._pay_now_counterpart_lines() | items)
                seen.update(items.ids)
            else:
                changed |= tx
        if plan:
            self.env['account.partial.reconcile']._pay_now_reconcile(plan, fresh=True)
        for tx in changed:
            tx._pay_now_allocate()
        for tx in self:
            tx._pay_now_report_surplus()

    def _pay_now_prepare_payment(self, method_line):
        """Return the values of the `account.payment`: gross, at the provider's payment date."""
        self.ensure_one()
        provider = self.provider_id
        journal = provider.journal_id
        own = self._pay_now_own_items()
        account = (own.line_id or own.move_id._pay_now_instalments()).account_id[:1]
        # Those that became another customer's are not paid by it; others were never chosen.
        lost = (self.pay_now_item_ids - own).move_id
        amount = self.pay_now_received or self.amount
        discounts = self._pay_now_discount_lines(amount)
        return {
            'amount': amount,
            'payment_type': 'inbound',
            'currency_id': self.currency_id.id,
            'partner_id': self._pay_now_payer().id,
            'partner_type': 'customer',
            'journal_id': journal.id,
            'company_id': provider.company_id.id,
            'payment_method_line_id': method_line.id,
            'payment_transaction_id': self.id,
            'memo': ' - '.join(filter(None, (self.reference, self.pay_now_payment_ref))),
            'date': provider._pay_now_booking_date(self.pay_now_paid_at),
            'invoice_ids': [Command.set((self.invoice_ids - lost).ids)],
            **({'destination_account_id': account.id} if account else {}),
            **({'write_off_line_vals': discounts} if discounts else {}),
        }

    def _pay_now_discount_lines(self, received):
        """Return the lines that grant the early payment discounts the payer was promised.

        Promised when the checkout was opened: that it is booked later changes nothing. None where
        less was received than asked, or the item is no longer as it was.

        :param float received: the amount of the payment.
        :return: values of journal items, as core makes them.
        :rtype: list of dict
        """
        self.ensure_one()
        if self.currency_id.compare_amounts(received, self.amount) < 0:
            return []
        kept = self.pay_now_item_ids.filtered(self._pay_now_keeps_discount)
        return kept.line_id._pay_now_discount_values() if kept else []

    def _pay_now_keeps_discount(self, item):
        """Tell whether an item still has the discount that the payer was promised.

        :param pay.now.transaction.item item: of the snapshot.
        :rtype: bool
        """
        line, compare = item.line_id, self.currency_id.compare_amounts
        open_, discounted = line.amount_residual_currency, line.discount_amount_currency
        return bool(
            item.discount
            and item in self._pay_now_own_items()
            and line.parent_state == 'posted'
            # Where the term was changed, the item may be all of another instalment.
            and not compare(open_, item.amount + item.discount)
            and not compare(open_ - discounted, item.discount)
        )

    # === BUSINESS METHODS - WHOSE, AND WHAT IS LEFT === #

    def _pay_now_own_items(self):
        """Return the items of the snapshots whose invoice is there, and still the customer's.

        :rtype: pay.now.transaction.item
        """
        return self._pay_now_owned(self.pay_now_item_ids)

    @api.model
    def _pay_now_owned(self, items):
        """Return those items of payments whose invoice is there, and still the customer's.

        :param pay.now.transaction.item items: of payments.
        :rtype: pay.now.transaction.item
        """
        return items.filtered(
            lambda item: item.company_id._pay_now_belongs(
                item.customer_id, [item.move_id.commercial_partner_id], item.move_id.company_id
            )
        )

    def _pay_now_payer(self):
        """Return whose money it is: the customer that the items were of as they were chosen.

        The contact who paid may be another company's by now, the invoice another customer's. Where
        the customer has become a part of another one, it is that one's, as Odoo's entries are.

        :rtype: res.partner
        """
        self.ensure_one()
        customer = self.pay_now_item_ids.customer_id.commercial_partner_id
        return customer if len(customer) == 1 else self.partner_id.commercial_partner_id

    def _pay_now_is_as_agreed(self):
        """Tell whether the items are open as the payer found them: the payment pays just these.

        :rtype: bool
        """
        self.ensure_one()
        items, compare = self.pay_now_item_ids, self.currency_id.compare_amounts
        lines = items.line_id
        if items != self._pay_now_own_items() or len(lines) != len(items):
            return False
        if set(lines.mapped('parent_state')) != {'posted'}:
            return False
        if lines.account_id != self.payment_id.destination_account_id:
            return False
        if len(items) == 1 and not items.discount:
            return compare(lines.amount_residual_currency, items.amount) >= 0
        return not any(
            compare(item.line_id.amount_residual_currency, item.amount + item.discount)
            or (item.discount and not self._pay_now_keeps_discount(item))
            for item in items
        )

    def _pay_now_credit(self):
        """Return how much of the payment nothing was paid with.

        :rtype: float
        """
        lines = self.payment_id._pay_now_counterpart_lines()
        return -sum(lines.mapped('amount_residual_currency'))

    def _pay_now_left(self):
        """Return how much of the money received nothing was paid with, not below zero.

        A discount is no money: where its item was changed since, nobody is owed what it granted.

        :rtype: float
        """
        left = self._pay_now_credit()
        if left > 0 and self.pay_now_item_ids.filtered('discount'):
            left -= self._pay_now_discount_left()
        return max(self.currency_id.round(left), 0.0)

    def _pay_now_report_surplus(self):
        """Flag what was paid beyond the open items: it stays the customer's credit.

        What was paid for invoices in draft waits for them, and is flagged as that. What was flagged
        before and is not so any more is closed.
        """
        self.ensure_one()
        left = self._pay_now_left()
        drafts, waiting = self.env['account.move'], 0.0
        for item, amount in self._pay_now_due().items() if left else ():
            if item.move_id.state == 'draft':
                drafts |= item.move_id
                waiting += amount
        waiting = self.currency_id.round(min(waiting, left))
        items = self.pay_now_item_ids
        gone = (items - self._pay_now_own_items()).filtered('move_id')
        code = 'other_customer' if gone else 'surplus'
        if not gone and (gone := items.filtered(lambda item: item.move_id.state == 'cancel')):
            code = 'canceled'
        self._pay_now_report_credit(
            'waiting', 'waiting', waiting, items.filtered(lambda item: item.move_id in drafts)
        )
        self._pay_now_report_credit('surplus', code, left - waiting, gone)
        if items.filtered('discount'):
            self._pay_now_report_discount()

    def _pay_now_report_credit(self, kind, code, amount, items):
        """Flag a part of the payment that pays nothing, or close what was flagged.

        :param str kind: see `pay.now.discrepancy`.
        :param str code: what happened, see `pay.now.discrepancy._report`.
        :param float amount: how much; zero where there is nothing to flag.
        :param pay.now.transaction.item items: which the sentence names.
        """
        Discrepancy = self.env['pay.now.discrepancy']
        compare = self.currency_id.compare_amounts
        known = self.pay_now_discrepancy_ids.filtered(
            lambda one: one.kind == kind and one.state == 'open'
        )
        if known and (compare(known.amount, amount) or known.code != code):
            known.sudo().action_done()
        if compare(amount, 0) > 0:
            details = {'amount': amount}
            if items:
                details['invoices'] = ', '.join(dict.fromkeys(items.mapped('move_name')))
            Discrepancy._report(self, kind, code, details, amount=amount)

    # === BUSINESS METHODS - COMMISSIONS === #

    def _pay_now_take_over_commission(self, payment):
        """Keep the commission the gateway read, or note that it is still to come.

        :param gateways.base.Payment payment: what was read.
        """
        self.ensure_one()
        if self.pay_now_commission_state not in (False, 'waiting'):
            return
        if payment.commission is None:
            self.pay_now_commission_state = 'waiting'
            return
        if payment.settlement_currency not in ('', self.currency_id.name):
            self._pay_now_report_converted(payment)
            return
        self.write(
            {
                'pay_now_commission': float(payment.commission),
                'pay_now_commission_date': self.company_id._pay_now_instant(payment.commission_at),
                'pay_now_movement_ref': payment.movement_id,
                'pay_now_commission_state': 'known',
            }
        )

    def _pay_now_report_converted(self, payment):
        """Tell that the provider credited another currency: what it keeps is not ours to guess."""
        self.pay_now_commission_state = 'by_hand'
        self.env['pay.now.discrepancy']._report(
            self,
            'settlement',
            'converted',
            {'currency': payment.settlement_currency},
            amount=float(payment.commission),
        )

    def _pay_now_book_commissions(self):
        """Book the commissions that are known and not booked yet; retried when it fails.

        Separate from the payments on purpose: a missing account or a lock date never keeps money
        out of the books.
        """
        self._pay_now_commissions_to_book()._pay_now_try('_pay_now_book_commissions_of')

    def _pay_now_commissions_to_book(self):
        """Return the payments whose commission is known, and not booked; none is booked at once.

        :rtype: payment.transaction
        """
        # Once it was booked it is *booked*, also where a person deleted the entry.
        todo = self.filtered(
            lambda tx: (
                tx.payment_id
                and tx.pay_now_commission_state in ('known', 'failed')
                and not tx.pay_now_commission_move_id
            )
        )
        none = todo.filtered(lambda tx: tx.currency_id.is_zero(tx.pay_now_commission))
        if none:
            none.pay_now_commission_state = 'booked'
        imported = (todo - none).filtered(lambda tx: tx.provider_id.pay_now_commission_imported)
        if imported:
            imported.pay_now_commission_state = 'imported'
        return todo - none - imported

    def _pay_now_book_commissions_of(self, provider):
        moves = provider.with_env(self.env)._pay_now_create_entries(
            [tx._pay_now_prepare_commission(provider) for tx in self]
        )
        for tx, move in zip(self, moves, strict=True):
            tx.write({'pay_now_commission_move_id': move.id, 'pay_now_commission_state': 'booked'})

    def _pay_now_prepare_commission(self, provider):
        """Return the values of the commission's own entry, in the provider's journal."""
        self.ensure_one()
        provider = provider.with_env(self.env)
        label = provider._pay_now_commission_label_of(self.reference)
        clearing = {
            'name': label,
            'currency_id': self.currency_id.id,
            'account_id': provider.pay_now_clearing_account_id.id,
            'balance': -self.pay_now_commission,
            'amount_currency': -self.pay_now_commission,
            # What the provider owes is no cost: not looked up for each.
            'analytic_distribution': False,
        }
        lines = provider._pay_now_prepare_fee(self.pay_now_commission, label)
        return {
            'move_type': 'entry',
            'journal_id': provider.journal_id.id,
            'date': provider._pay_now_booking_date(
                self.pay_now_commission_date or self.pay_now_paid_at
            ),
            'ref': f'{self.reference} - {self.pay_now_movement_ref or ""}',
            'line_ids': [Command.create(values) for values in (*lines, clearing)],
        }

    # === BUSINESS METHODS - LOGGING === #

    def _get_invoices_to_notify(self):
        """Override of `account_payment`: a refund of ours is noted on the payment's invoices."""
        invoices = super()._get_invoices_to_notify()
        if self._pay_now_is_refund():
            return invoices | self.source_transaction_id._pay_now_invoices()
        return invoices

    def _get_received_message(self):
        """Override of `payment` to say plainly what became of a refund."""
        if self._pay_now_is_refund():
            return self._pay_now_refund_message()
        return super()._get_received_message()

    def _log_message_on_linked_documents(self, message):
        """Override of `payment` to keep one light note: nobody needs an e-mail about it.

        A refund is noted on the payment too.
        """
        if self.provider_code not in const.PROVIDER_CODES:
            return super()._log_message_on_linked_documents(message)
        invoices = self._get_invoices_to_notify()
        self._pay_now_note({invoice.id: message for invoice in invoices})
        if self._pay_now_is_refund() and self.source_transaction_id.payment_id:
            self.source_transaction_id.payment_id._message_log(body=message)
        return None

    def _pay_now_note(self, bodies):
        """Log notes on invoices: while core finishes many payments, all of them at its end.

        :param dict bodies: `{id of the invoice: text}`
        """
        waiting = self.env.cr.precommit.data.get(NOTES)
        if waiting is None:
            if bodies:
                self.env['account.move'].browse(bodies)._message_log_batch(bodies=bodies)
            return
        # One note of an invoice at a time, in their order.
        for move_id, body in bodies.items():
            batch = next((one for one in waiting if move_id not in one), None)
            if batch is None:
                waiting.append(batch := {})
            batch[move_id] = body

    # === BUSINESS METHODS - REFUNDS === #

    def _pay_now_book_refunds(self):
        """Book the refunds of payments, of those that have any.

        :return: None
        """
        if refunds := self._pay_now_refunds():
            refunds._pay_now_book_as_refunds()
