# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import dataclass, field
from datetime import datetime

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_date, format_datetime

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.wizard.pay_now_timeline import MOST, PAGE


@dataclass
class Entry:
    """One thing that happened, or that will.

    :param str code: what it is, which also chooses the icon.
    :param datetime.datetime at: when, naive UTC; None of what is so now.
    :param str text: in plain words, in the reader's language.
    :param str detail: in the words of others, or what else there is to know.
    :param str tone: `success`, `warning`, `danger` or nothing.
    :param list links: pairs of a name and an address.
    """

    code: str
    at: datetime | None
    text: str
    detail: str = ''
    tone: str = ''
    links: list = field(default_factory=list)
    payment: str = ''


#: Code of an entry -> icon.
ICONS = {
    'asked': 'fa-envelope-o',
    'answered': 'fa-comment-o',
    'started': 'fa-shopping-cart',
    'sent': 'fa-external-link',
    'notified': 'fa-bell-o',
    'said': 'fa-comments-o',
    'declined': 'fa-ban',
    'received': 'fa-check-circle',
    'booked': 'fa-book',
    'commission': 'fa-scissors',
    'receipt': 'fa-envelope',
    'refund': 'fa-undo',
    'dispute': 'fa-gavel',
    'moved': 'fa-exchange',
    'payout': 'fa-university',
    'bank': 'fa-bank',
    'found': 'fa-exclamation-triangle',
    'person': 'fa-user',
    'ended': 'fa-times-circle',
    'waits': 'fa-clock-o',
    'over': 'fa-check',
}


class PayNowStory(models.AbstractModel):
    """What happened to payments, in the order of time, and what will happen next.

    Read from the records as they are, and nothing that the reader may not see.
    """

    _name = 'pay.now.story'
    _description = "What happened to payments"

    # === BUSINESS METHODS - WHAT IT IS ABOUT === #

    @api.model
    def _tell(self, found):
        """Return what the screen shows of records that were found.

        :param dict found: `{model: records}`, see `pay.now.timeline._find`.
        :return: `past` and `now`, lists of entries; and whether there are more payments.
        :rtype: dict
        """
        moves, reminders = self._of(found, 'account.move'), self._of(found, 'pay.now.reminder')
        events, movements = self._of(found, 'pay.now.event'), self._of(found, 'pay.now.movement')
        payouts, disputes = self._of(found, 'pay.now.payout'), self._of(found, 'pay.now.dispute')
        txs = self._payments_of(found)
        is_cut = len(txs) > MOST or len(reminders) > MOST
        txs = txs[:MOST]
        invoices = self._seen(moves.filtered(lambda move: move.is_sale_document()))
        invoices |= self._seen(txs.pay_now_item_ids.move_id)
        payouts |= self._payouts_of(moves, movements, events)
        entries = [
            *self._of_requests(invoices, reminders[:MOST]),
            *(entry for tx in txs for entry in self._of_payment(tx, len(txs) > 1)),
            *self._of_payouts(payouts | self._payouts_with(txs)),
            *self._of_strange_movements(movements),
            *self._of_strange_events(events, txs),
            *self._of_disputes_alone(disputes, txs),
        ]
        past = sorted((one for one in entries if one.at and one.code != 'waits'), key=_by_time)
        now = [one for one in entries if not one.at or one.code == 'waits']
        now = now or self._over(txs) or ([] if past else [*map(self._of_nothing, invoices)])
        return {'past': past, 'now': now, 'is_cut': is_cut, 'icons': ICONS}

    @api.model
    def _of(self, found, model):
        """Return what was found of a model."""
        return found.get(model) or self.env[model]

    @api.model
    def _seen(self, records):
        """Return those of the records that the reader may see, in the companies switched on."""
        records = records.with_env(self.env)._filtered_access('read')
        return records.filtered(lambda one: one.company_id in self.env.companies)

    @api.model
    def _payments_of(self, found):
        """Return the payments that the records found are about, the latest first.

        :rtype: payment.transaction
        """
        Tx = self.env['payment.transaction']
        moves = self._of(found, 'account.move')
        txs = self._of(found, 'payment.transaction')
        txs |= self._of(found, 'pay.now.dispute').transaction_id
        txs |= self._of(found, 'pay.now.movement').transaction_id
        txs |= self._of(found, 'pay.now.movement').dispute_id.transaction_id
        events = self._of(found, 'pay.now.event')
        txs |= events.transaction_id.union(*events._find_payments().values())
        items = self.env['pay.now.transaction.item']
        if moves:
            txs |= items.search([('move_id', 'in', moves.ids)]).transaction_id
            booked = Domain.OR(
                Domain(name, 'in', moves.ids)
                for name in (
                    'payment_id.move_id',
                    'pay_now_commission_move_id',
                    'pay_now_reversal_move_id',
                )
            )
            txs |= Tx.search(booked & Domain('provider_code', 'in', const.PROVIDER_CODES))
        reminders = self._of(found, 'pay.now.reminder')
        if reminders and not txs:
            paid = [('move_id', 'in', reminders.item_ids.move_id.ids)]
            txs |= items.search(paid).transaction_id
        return self._seen(txs)._pay_now_ours()._pay_now_sources().sorted('id', reverse=True)

    @api.model
    def _payouts_of(self, moves, movements, events):
        """Return the payouts that were found by their entry, movement or notification."""
        Payout = self.env['pay.now.payout']
        refs = [*movements.filtered(lambda one: one.kind == 'payout').mapped('movement_ref')]
        about = events.filtered(lambda event: event.subject == 'payout').mapped('object_ref')
        wanted = Domain('movement_ref', 'in', refs) | Domain('payout_ref', 'in', about)
        if moves:
            wanted |= Domain('move_id', 'in', moves.ids)
            wanted |= Domain('reversal_move_id', 'in', moves.ids)
        return Payout.search(wanted, limit=MOST) if refs or about or moves else Payout

    @api.model
    def _payouts_with(self, txs):
        """Return the payouts that payments, and their refunds, went to the bank with."""
        movements = self.env['pay.now.movement'].search(
            [('transaction_id', 'in', (txs | txs._pay_now_refunds()).ids)]
        )
        return self._seen(movements.payout_id)

    # === BUSINESS METHODS - WORDS === #

    @api.model
    def _link(self, record, name=''):
        """Return the name of a record, and where it is."""
        return (name or record.display_name, f'/odoo/{record._name}/{record.id}')

    @api.model
    def _links(self, records):
        """Return the links of those of the records that the reader may see."""
        return [self._link(one) for one in self._seen(records)]

    @api.model
    def _time(self, instant):
        """Return an instant as the reader writes it, where the reader is."""
        return format_datetime(self.env, instant)

    @api.model
    def _provider(self, record):
        """Return the name of the provider of a record: accountants may not read providers."""
        return record.provider_id.sudo()._pay_now_short_name()

    @api.model
    def _over(self, txs):
        """Return that nothing waits, where there was a payment."""
        if not txs:
            return []
        return [Entry('over', None, self.env._("Nothing waits: all that was to be done is done."))]

    @api.model
    def _of_nothing(self, move):
        """Return that nothing happened to an invoice, and why it has no button, if so."""
        text = self.env._(
            "%s was neither mailed with a button, nor reminded of, nor paid online", move.name
        )
        why = move.pay_now_refusal or ''
        return Entry('over', None, text, why, links=[self._link(move)])

    # === BUSINESS METHODS - WHO ASKED === #

    @api.model
    def _of_requests(self, invoices, reminders):
        """Return how the money was asked for, and what the customer said to it."""
        lines = invoices.line_ids.filtered(lambda line: line.display_type == 'payment_term')
        Reminder, Answer = self.env['pay.now.reminder'], self.env['pay.now.answer']
        if lines:
            reminders |= Reminder.search([('item_ids', 'in', lines.ids)], limit=MOST)
        answers = Answer.search([('item_ids', 'in', lines.ids)], limit=MOST) if lines else Answer
        entries = [entry for one in self._seen(reminders) if (entry := self._of_reminder(one))]
        for move in invoices:
            entries += [
                Entry(
                    'asked',
                    message.date,
                    self.env._("Invoice %s sent with its Pay now button", move.name),
                    links=[self._link(move)],
                )
                for message in move.message_ids
                if f'/pay_now/invoice/{move.id}/' in (message.body or '')
            ]
        entries += map(self._of_notice, self._seen(invoices.sudo().pay_now_notice_ids))
        entries += [
            Entry('answered', one.pay_now_external_at, one.pay_now_external_text, one.name)
            for one in invoices.filtered('pay_now_external_at')
        ]
        return [*filter(None, entries), *map(self._of_answer, self._seen(answers))]

    @api.model
    def _of_notice(self, one):
        """Return that a pay notice left, or why it waits; None of one that was never to leave."""
        text = self.env._("Pay notice of invoice %s", one.move_id.name)
        links = [self._link(one.move_id)]
        if one.state == 'sent':
            return Entry('asked', one.sent_at, text, one._text(), links=links)
        if one.state == 'failed':
            return Entry('asked', one.asked_at, text, one._text(), 'warning', links)
        if one.state in ('waiting', 'queued'):
            return Entry('waits', None, text, one._text(), links=links)
        return None

    @api.model
    def _of_reminder(self, one):
        """Return that a reminder left, or why it waits; None of one that was never to leave."""
        links, who = [self._link(one)], one.email or one.partner_id.name
        if one.state == 'sent':
            text = one._sent_text(one.level_id.name or '')
            return Entry('asked', one.sent_at, text, one.asked_text or '', links=links)
        if one.state in ('failed', 'uncertain'):
            text = (
                self.env._("The reminder to %s could not be sent", who)
                if one.state == 'failed'
                else self.env._("Nobody knows whether the reminder to %s left", who)
            )
            at = one.sent_at or one.write_date
            return Entry('asked', at, text, one.reason or '', 'warning', links)
        if one.state in ('queued', 'sending', 'to_print'):
            text = self.env._("A reminder to %s is about to leave", who)
            if one.retry_at:
                text = self.env._(
                    "A reminder to %(who)s waits, and is tried again on %(date)s",
                    who=who,
                    date=self._time(one.retry_at),
                )
            why = one.reason or one.run_id.problem or ''
            return Entry('waits', one.retry_at or None, text, why, links=links)
        return None

    @api.model
    def _of_answer(self, one):
        """Return what the customer said instead of paying."""
        text = (
            self.env._("The customer said: %s", one.display_name)
            if one.by_customer
            else self.env._("Noted for the customer: %s", one.display_name)
        )
        return Entry('answered', one.create_date, text, one.text or '', links=[self._link(one)])

    # === BUSINESS METHODS - A PAYMENT === #

    @api.model
    def _of_payment(self, tx, is_named):
        """Return what happened to one payment, and what it waits for.

        :param payment.transaction tx: a payment, no refund.
        :param bool is_named: whether each entry says which payment it is about.
        :rtype: list of Entry
        """
        entries = [
            *self._of_checkout(tx),
            *self._of_events(tx),
            *self._of_answers(tx),
            *self._of_outcome(tx),
            *self._of_books(tx),
            *self._of_commission(tx),
            *self._of_receipt(tx),
            *self._of_movements(tx),
            *(entry for refund in tx._pay_now_refunds() for entry in self._of_refund(refund)),
            *(
                entry
                for one in self._seen(tx.pay_now_dispute_ids)
                for entry in self._of_dispute(one)
            ),
            *self._of_findings(tx | tx._pay_now_refunds()),
            *self._of_siblings(tx),
        ]
        for entry in entries if is_named else ():
            entry.payment = tx.reference
        return entries

    @api.model
    def _of_checkout(self, tx):
        """Return how a payment was started, from which page, and that the payer went there."""
        names = {'name': tx.reference, 'amount': tx.currency_id.format(tx.amount)}
        text = self.env._(
            "Payment %(name)s of %(amount)s started with %(provider)s",
            provider=self._provider(tx),
            **names,
        )
        items = ', '.join(tx.pay_now_item_ids.mapped('label'))
        detail = ' – '.join(filter(None, (self._page_text(tx), items)))
        entries = [Entry('started', tx.create_date, text, detail, links=[self._link(tx)])]
        if tx.pay_now_sent_at:
            text = self.env._("The payer was sent to %s", self._provider(tx))
            entries.append(Entry('sent', tx.pay_now_sent_at, text))
        if tx.pay_now_declined_at:
            text = self.env._(
                "%s did not take the way of paying that was chosen", self._provider(tx)
            )
            entries.append(Entry('declined', tx.pay_now_declined_at, text, tone='warning'))
        if tx.state == 'draft' and tx.pay_now_end_at:
            entries.append(self._of_ending(tx))
        elif tx.state == 'draft' and tx.pay_now_checkout_expiry:
            text = self.env._(
                "The payer has not paid; the page at %(provider)s is open until %(date)s",
                provider=self._provider(tx),
                date=self._time(tx.pay_now_checkout_expiry),
            )
            entries.append(Entry('waits', tx.pay_now_checkout_expiry, text))
        return entries

    @api.model
    def _page_text(self, tx):
        """Return which page a payment was started from."""
        page = PAGE.search(tx.pay_now_page_url or '')
        return {
            'invoice': self.env._("From the page of the invoice"),
            'reminder': self.env._("From the page of a reminder"),
            'account': self.env._("From the customer's portal"),
            'plan': self.env._("From the page of a payment plan"),
            None: self.env._("From Odoo's own page"),
        }.get(page and page[1], '')

    @api.model
    def _of_ending(self, tx):
        """Return that a checkout is being ended, and why it was not yet."""
        text = self.env._(
            "%(provider)s is asked on %(date)s to let nobody pay any more",
            provider=self._provider(tx),
            date=self._time(tx.pay_now_end_at),
        )
        return Entry('waits', tx.pay_now_end_at, text, tx.pay_now_end_error or '', 'warning')

    @api.model
    def _of_events(self, tx):
        """Return the notifications about a payment: came, or found by asking."""
        Event = self.env['pay.now.event']
        about = Event.search([('transaction_id', '=', tx.id)], order='id', limit=100)
        # Which payment they are about is noted once they are processed.
        refs = {
            'checkout_ref': tx.provider_reference,
            'payment_ref': tx.pay_now_payment_ref,
            'charge_ref': tx.pay_now_charge_ref,
            'reference': tx.reference,
        }
        named = Domain.OR(Domain(name, '=', ref) for name, ref in refs.items() if ref)
        about |= Event.search(
            Domain('provider_id', '=', tx.provider_id.id)
            & Domain('state', 'in', ('pending', 'failed'))
            & named
        )
        return [entry for event in self._seen(about) for entry in self._of_event(event)]

    @api.model
    def _of_event(self, event):
        """Return that a notification came, and what waits for it."""
        names = {'provider': self._provider(event), 'type': event.type}
        text = (
            self.env._("%(provider)s notified: %(type)s", **names)
            if event.source == 'webhook'
            else self.env._("No notification came: found by asking %(provider)s: %(type)s", **names)
        )
        detail = event.event_ref
        if event.occurred_at:
            happened = self.env._("happened on %s", self._time(event.occurred_at))
            detail = f'{event.event_ref}, {happened}'
        tone = 'warning' if event.source == 'sweep' else ''
        links = [self._link(event, self.env._("Notification"))]
        entries = [Entry('notified', event.create_date, text, detail, tone, links)]
        if event.state == 'pending':
            text = self.env._(
                "A notification is processed on %s", self._time(event.next_attempt_at)
            )
            why = event.error or ''
            entries.append(Entry('waits', event.next_attempt_at or None, text, why, links=links))
        elif event.state in ('failed', 'unreadable'):
            text = self.env._("A notification could not be processed, and waits for a person")
            entries.append(Entry('waits', None, text, event.error or '', 'danger', links))
        return entries

    @api.model
    def _of_answers(self, tx):
        """Return what the provider said as it was asked, each time that it was something new."""
        labels = {
            base.OPEN: self.env._("not paid yet"),
            base.APPROVED: self.env._("approved by the payer, not taken yet"),
            base.PENDING: self.env._("on its way"),
            base.PAID: self.env._("paid"),
            base.FAILED: self.env._("failed"),
            base.CANCELED: self.env._("ended without a payment"),
        }
        entries = []
        for answer in tx.pay_now_answers or []:
            text = self.env._(
                "%(provider)s was asked, and said: %(answer)s, %(amount)s %(currency)s",
                provider=self._provider(tx),
                answer=labels.get(answer['state'], answer['state']),
                amount=answer['amount'],
                currency=answer['currency'],
            )
            at = fields.Datetime.to_datetime(answer['at'])
            entries.append(Entry('said', at, text, answer.get('code') or ''))
        return entries

    @api.model
    def _of_outcome(self, tx):
        """Return what became of a payment: received, on its way, or why not."""
        seen = self.env._("known here since %s", self._time(tx.last_state_change))
        if tx.state == 'done':
            text = self.env._(
                "Received: %s", tx.currency_id.format(tx.pay_now_received or tx.amount)
            )
            how = ', '.join(filter(None, (tx.pay_now_method, seen)))
            at = tx.pay_now_paid_at or tx.last_state_change
            return [Entry('received', at, text, how, 'success')]
        if tx.state in ('cancel', 'error'):
            text = self.env._(
                "No payment: %s", tx.with_env(self.env).sudo()._pay_now_failure_label()
            )
            words = tx.pay_now_failure or tx.pay_now_failure_code or ''
            return [Entry('ended', tx.last_state_change, text, words, 'warning')]
        if tx.state == 'pending':
            text = self.env._(
                "The money is on its way; %s says when it has arrived", self._provider(tx)
            )
            return [Entry('waits', None, text, seen)]
        return []

    @api.model
    def _of_books(self, tx):
        """Return the entries of a payment or refund, what took them back, and why there is none."""
        payments = self.env['account.payment'].search([('payment_transaction_id', '=', tx.id)])
        entries = []
        for move in self._seen(payments.move_id):
            entries.append(self._of_entry(move))
            for back in self._seen(move.reversal_move_ids):
                text = self.env._("Taken back: %s", back.name)
                entries.append(
                    Entry(
                        'booked', back.create_date, text, links=[self._link(back)], tone='warning'
                    )
                )
            entries += self._of_undone(move)
        if tx.sudo().pay_now_booking_state == 'received':
            text = self.env._("Received, and not booked yet")
            if tx.pay_now_book_at:
                text = self.env._(
                    "Received, and not booked yet: tried again on %(date)s, attempts so far:"
                    " %(count)s",
                    date=self._time(tx.pay_now_book_at),
                    count=tx.pay_now_book_attempts,
                )
            open_ones = tx.pay_now_discrepancy_ids.filtered(lambda one: one.state == 'open')
            why = ' '.join(self._seen(open_ones).mapped('message'))
            entries.append(Entry('waits', tx.pay_now_book_at or None, text, why, 'danger'))
        return entries

    @api.model
    def _of_entry(self, move):
        """Return that a payment was booked, on which day, and what it is matched with."""
        text = self.env._(
            "Booked: %(entry)s of %(date)s", entry=move.name, date=format_date(self.env, move.date)
        )
        paid = move.origin_payment_id
        documents = self._seen(paid.reconciled_invoice_ids | paid.reconciled_bill_ids)
        detail = self.env._("matched with %s", ', '.join(filter(None, documents.mapped('name'))))
        links = [self._link(move), *map(self._link, documents)]
        return Entry(
            'booked', move.create_date, text, detail if documents else '', 'success', links
        )

    @api.model
    def _of_undone(self, move):
        """Return that a person took a match apart: it is not made again by itself."""
        undone = self.env['pay.now.undone'].search([('move_id', '=', move.id)])
        return [
            Entry(
                'person',
                one.create_date,
                self.env._(
                    "%(who)s took the match of %(entry)s apart",
                    who=one.create_uid.sudo().name,
                    entry=move.name,
                ),
                links=self._links(one.other_id),
                tone='warning',
            )
            for one in self._seen(undone)
        ]

    @api.model
    def _of_commission(self, tx):
        """Return what the provider kept, and how far that is booked."""
        if not tx.pay_now_commission_state or tx.state != 'done':
            return []
        amount = tx.currency_id.format(tx.pay_now_commission)
        move = self._seen(tx.pay_now_commission_move_id)
        if tx.pay_now_commission_state == 'booked' and move:
            text = self.env._(
                "Commission of %(amount)s booked: %(entry)s", amount=amount, entry=move.name
            )
            return [Entry('commission', move.create_date, text, links=[self._link(move)])]
        states = dict(tx._fields['pay_now_commission_state']._description_selection(self.env))
        if tx.pay_now_commission_state in ('booked', 'imported'):
            at = tx.pay_now_commission_date or tx.pay_now_paid_at or tx.last_state_change
            text = self.env._("Commission of %s", amount)
            return [Entry('commission', at, text, states[tx.pay_now_commission_state])]
        text = self.env._("Commission: %s", states[tx.pay_now_commission_state])
        return [Entry('waits', None, text)]

    @api.model
    def _of_receipt(self, tx):
        """Return whether the payer got a receipt, and what keeps it."""
        to = tx.partner_email or ''
        if tx.pay_now_receipt_state == 'sent':
            # When is not kept: it is written right after the money was received.
            mail = (
                self.env['mail.message']
                .sudo()
                .search([('model', '=', tx._name), ('res_id', '=', tx.id)], order='id', limit=1)
            )
            at = mail.date or tx.last_state_change
            return [Entry('receipt', at, self.env._("Receipt sent to %s", to))]
        if tx.pay_now_receipt_state == 'waiting':
            return [Entry('waits', None, self.env._("The receipt to %s is about to leave", to))]
        if tx.pay_now_receipt_state == 'failed':
            text = self.env._("The receipt to %s could not be written", to)
            why = tx.pay_now_receipt_problem or ''
            return [Entry('waits', None, text, why, 'warning')]
        return []

    @api.model
    def _of_movements(self, tx):
        """Return when money of a payment or refund moved on the provider's balance."""
        movements = self.env['pay.now.movement'].search([('transaction_id', '=', tx.id)])
        kinds = dict(movements._fields['kind']._description_selection(self.env))
        return [
            Entry(
                'moved',
                one.occurred_at,
                self.env._(
                    "On the balance at %(provider)s: %(kind)s, %(net)s net",
                    provider=self._provider(one),
                    kind=kinds[one.kind],
                    net=one.currency_id.format(one.net),
                ),
                one.movement_ref,
                links=[self._link(one)],
            )
            for one in self._seen(movements)
            if one.occurred_at
        ]

    @api.model
    def _of_siblings(self, tx):
        """Return what else was started for the same invoices."""
        others = self.env['pay.now.transaction.item'].search(
            [('move_id', 'in', tx.pay_now_item_ids.move_id.ids), ('transaction_id', '!=', tx.id)]
        )
        states = dict(tx._fields['state']._description_selection(self.env))
        return [
            Entry(
                'started',
                other.create_date,
                self.env._(
                    "Another payment for the same invoice: %(name)s of %(amount)s (%(state)s)",
                    name=other.reference,
                    amount=other.currency_id.format(other.amount),
                    state=states[other.state],
                ),
                tone='warning' if other.state == tx.state == 'done' else '',
                links=[self._link(other)],
            )
            for other in self._seen(others.transaction_id)
        ]


def _by_time(entry):
    """Return what entries are sorted by: of one moment they stay as they were told."""
    return entry.at
