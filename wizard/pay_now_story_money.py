# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now.wizard.pay_now_story import Entry


class PayNowStory(models.AbstractModel):
    """Money that goes back or on to the bank, and what a person has to look at."""

    _inherit = 'pay.now.story'

    # === BUSINESS METHODS - MONEY THAT GOES BACK === #

    @api.model
    def _of_refund(self, refund):
        """Return what happened to a refund: who made it, when it moved, whether it came back."""
        amount = refund.currency_id.format(-refund.amount)
        links, provider = [self._link(refund)], self._provider(refund)
        text = (
            self.env._(
                "Refund of %(amount)s made at %(provider)s", amount=amount, provider=provider
            )
            if refund.pay_now_made_elsewhere
            else self.env._("Refund of %s asked for here", amount)
        )
        ref = refund.pay_now_refund_ref or ''
        entries = [Entry('refund', refund.create_date, text, ref, links=links)]
        if refund.pay_now_paid_at:
            text = self.env._("%(amount)s left for the customer", amount=amount)
            entries.append(Entry('refund', refund.pay_now_paid_at, text, links=links))
        if refund.pay_now_returned_at:
            text = self.env._("%(amount)s came back: the refund failed", amount=amount)
            at = refund.pay_now_returned_at
            entries.append(Entry('refund', at, text, tone='danger', links=links))
        if refund.state in ('error', 'cancel'):
            why = refund.with_env(self.env).sudo()._pay_now_refund_label()
            text = self.env._("No refund: %s", why)
            entries.append(Entry('ended', refund.last_state_change, text, tone='warning'))
        elif refund.state in ('draft', 'pending'):
            text = self.env._("The refund of %s is on its way", amount)
            entries.append(Entry('waits', None, text, links=links))
        notes = self._seen(refund.pay_now_credit_note_ids)
        proposed = self.env._("Credit note proposed")
        entries += [
            Entry('booked', note.create_date, proposed, links=[self._link(note)]) for note in notes
        ]
        return [
            *entries,
            *self._of_answers_of_refund(refund),
            *self._of_books(refund),
            *self._of_commission(refund),
            *self._of_movements(refund),
        ]

    @api.model
    def _of_answers_of_refund(self, refund):
        """Return what the provider said of a refund, each time that it was something new."""
        labels = {
            'pending': self.env._("on its way"),
            'paid': self.env._("paid"),
            'failed': self.env._("failed"),
            'canceled': self.env._("ended without a payment"),
        }
        return [
            Entry(
                'said',
                fields.Datetime.to_datetime(answer['at']),
                self.env._(
                    "%(provider)s was asked about the refund, and said: %(answer)s",
                    provider=self._provider(refund),
                    answer=labels.get(answer['state'], answer['state']),
                ),
                answer.get('code') or '',
            )
            for answer in refund.pay_now_answers or []
        ]

    @api.model
    def _of_disputes(self, disputes):
        """Return how disputes went, of those that the reader may see."""
        return [entry for one in self._seen(disputes) for entry in self._of_dispute(one)]

    @api.model
    def _of_dispute(self, dispute):
        """Return how a dispute went: what the payer says, what money moved, how it ended."""
        links = [self._link(dispute)]
        states = dict(dispute._fields['state']._description_selection(self.env))
        text = self.env._("The payer asks for the money back: %s", dispute.reason_text or '')
        at = dispute.opened_at or dispute.create_date
        entries = [Entry('dispute', at, text, dispute.dispute_ref, 'danger', links)]
        for one in self._seen(dispute.movement_ids).filtered('occurred_at'):
            text = self.env._(
                "Dispute: %(net)s on the balance at %(provider)s",
                net=one.currency_id.format(one.net),
                provider=self._provider(one),
            )
            entries.append(
                Entry(
                    'moved', one.occurred_at, text, one.movement_ref, links=self._links(one.move_id)
                )
            )
        if move := self._seen(dispute.loss_move_id):
            text = self.env._("The lost dispute is booked: the customer owes the money again")
            entries.append(
                Entry('booked', move.create_date, text, links=[self._link(move)], tone='warning')
            )
        if dispute.state in ('won', 'lost', 'closed'):
            text = self.env._("Dispute: %s", states[dispute.state])
            tone = 'danger' if dispute.state == 'lost' else 'success'
            at = self._changed_at(dispute)[0]
            entries.append(Entry('dispute', at, text, tone=tone, links=links))
        else:
            entries.append(self._of_open_dispute(dispute, states))
        return entries

    @api.model
    def _of_open_dispute(self, dispute, states):
        """Return what a dispute waits for."""
        why = dispute.problem or ''
        if dispute.needs_response and dispute.due_at:
            text = self.env._(
                "The dispute is to be answered at %(provider)s until %(date)s",
                provider=self._provider(dispute),
                date=self._time(dispute.due_at),
            )
            return Entry('waits', dispute.due_at, text, why, 'danger', [self._link(dispute)])
        text = self.env._("Dispute: %s", states[dispute.state])
        return Entry('waits', None, text, why, 'warning', [self._link(dispute)])

    @api.model
    def _changed_at(self, record):
        """Return when the status of a record changed last, and who changed it.

        :rtype: tuple(datetime.datetime, str)
        """
        # What people may not read is which value it was; that there was a change is on the screen.
        notes = record.sudo().message_ids.filtered('tracking_value_ids')[:1]
        who = notes.author_id or record.sudo().write_uid.partner_id
        return notes.date or record.write_date, who.name

    # === BUSINESS METHODS - TO THE BANK === #

    @api.model
    def _of_payouts(self, payouts):
        """Return how the money went to the bank, each payout once."""
        return [entry for one in self._seen(payouts) for entry in self._of_payout(one)]

    @api.model
    def _of_payout(self, payout):
        """Return how one payout was made, booked and matched with the bank, or failed."""
        links = [self._link(payout)]
        text = self.env._("%(name)s made", name=payout.name)
        about = [payout.payout_ref, payout.bank_reference or '']
        count = len(payout.line_ids)
        about.append(self.env._("made of %s movements", count) if count else '')
        detail = ', '.join(filter(None, about))
        entries = [Entry('payout', payout.created_at, text, detail, links=links)]
        for move in self._seen(payout.move_id | payout.reversal_move_id):
            back = move == payout.reversal_move_id
            text = (
                self.env._("Payout taken back: %s", move.name)
                if back
                else self.env._("Payout booked: %s", move.name)
            )
            tone = 'warning' if back else 'success'
            entries.append(Entry('booked', move.create_date, text, '', tone, [self._link(move)]))
        for line in self._seen(payout.statement_line_ids):
            text = self.env._(
                "On the bank statement of %(date)s: %(label)s",
                date=format_date(self.env, line.date),
                label=line.payment_ref or '',
            )
            at = max(payout.created_at, line.create_date)
            links_of_line = [self._link(line.move_id)]
            entries.append(Entry('bank', at, text, tone='success', links=links_of_line))
        if payout.state == 'failed':
            text = self.env._("The bank sent the payout back")
            at = self._changed_at(payout)[0]
            entries.append(Entry('payout', at, text, payout.failure or '', 'danger', links))
        return [*entries, *self._of_waiting_payout(payout)]

    @api.model
    def _of_waiting_payout(self, payout):
        """Return what a payout waits for."""
        links = [self._link(payout)]
        if payout.problem:
            return [Entry('waits', None, payout.problem, tone='warning', links=links)]
        if payout.state == 'pending' or payout.state == 'paid' and payout.bank_state == 'waiting':
            text = self.env._("The payout is not on a bank statement here yet")
            if payout.arrives_at:
                text = self.env._(
                    "The payout is expected at the bank on %s, and not on a statement here yet",
                    format_date(self.env, payout.arrives_at),
                )
            return [Entry('waits', None, text, links=links)]
        return []

    # === BUSINESS METHODS - FINDINGS, AND WHAT IS NOT OURS === #

    @api.model
    def _of_findings(self, txs):
        """Return what was wrong about payments, and what a person did about it."""
        entries = []
        findings = self._seen(txs.pay_now_discrepancy_ids)
        kinds = dict(findings._fields['kind']._description_selection(self.env))
        for one in findings:
            links, open_one = [self._link(one, kinds[one.kind])], one.state == 'open'
            text = self.env._("Found: %s", one.message or one.name)
            entries.append(Entry('found', one.create_date, text, '', 'danger', links))
            if open_one:
                text = self.env._("A person has to look at it: %s", kinds[one.kind])
                why = one.review_problem and one.message or ''
                entries.append(Entry('waits', None, text, why, 'danger', links))
                continue
            at, who = self._changed_at(one)
            if one.state == 'dismissed':
                at = one.dismissed_at or at
                who = one.dismissed_by_id.sudo().name or who
                text = self.env._("Dismissed by %s", who)
            else:
                text = self.env._("Handled: %(kind)s (%(who)s)", kind=kinds[one.kind], who=who)
            entries.append(Entry('person', at, text, one.note or '', 'success', links))
        return entries

    @api.model
    def _of_strange_movements(self, movements):
        """Return the movements at the provider that are of no payment started here."""
        strange = movements.filtered(
            lambda one: not (one.transaction_id or one.dispute_id) and one.kind != 'payout'
        )
        states = dict(movements._fields['state']._description_selection(self.env))
        entries = []
        for one in self._seen(strange):
            text = self.env._(
                "%(net)s moved at %(provider)s, of nothing that was started here",
                net=one.currency_id.format(one.net),
                provider=self._provider(one),
            )
            about = ', '.join(filter(None, (one.type, one.label, states[one.state], one.note)))
            links = [self._link(one), *self._links(one.move_id)]
            entries.append(
                Entry('moved', one.occurred_at or one.create_date, text, about, '', links)
            )
        return entries

    @api.model
    def _of_strange_events(self, events, txs):
        """Return the notifications that were found, and are of no payment told of already."""
        strange = self._seen(events).filtered(lambda one: one.transaction_id not in txs)
        entries = [entry for one in strange for entry in self._of_event(one)]
        entries += [
            Entry('over', None, self.env._("This notification is about no payment started here"))
            for one in strange
            if one.state == 'ignored'
        ]
        return entries

    @api.model
    def _of_disputes_alone(self, disputes, txs):
        """Return the disputes whose payment the reader may not see."""
        return self._of_disputes(disputes.filtered(lambda one: one.transaction_id not in txs))
