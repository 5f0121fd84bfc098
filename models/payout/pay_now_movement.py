# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import defaultdict, namedtuple
from datetime import timezone

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import GATEWAYS, base

#: What the books know of a movement: its state, its transaction, and the journal items on the
#: clearing account that book it.
Match = namedtuple('Match', ('state', 'transaction', 'lines'))
#: What the books know of many movements: payments by the movement's id, refunds and payouts by
#: their own, and the entries that were made for single movements.
Known = namedtuple('Known', ('payments', 'refunds', 'payouts', 'booked'))
#: What is looked at again whenever something new may be known.
UNDECIDED = ('waiting', 'foreign')
#: What is written of a match.
MATCHED = ('state', 'transaction_id', 'booked_from', 'booked_on')
#: Not booked by anything of ours.
NOT_OURS = ('foreign', 'handled')


class PayNowMovement(models.Model):
    """A movement of the balance at the provider: a payment, refund, dispute, payout, or not ours.

    All are kept as the provider lists them: they prove the balance of any day. Which entries of
    ours they stand for is found in a few queries for any number.
    """

    _name = 'pay.now.movement'
    _description = "Provider movement"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin', 'pay.now.booked.mixin']
    _rec_name = 'movement_ref'
    _order = 'occurred_at desc, id desc'
    _check_company_auto = True
    _pay_now_written_by = dict.fromkeys(
        (
            'account_id',
            'note',
        ),
        True,
    )

    provider_id = fields.Many2one(
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='provider_id.company_id', store=True, index=True)
    movement_ref = fields.Char(string="Movement id", required=True, readonly=True)
    kind = fields.Selection(
        selection=[
            ('payment', "Payment"),
            ('refund', "Refund"),
            ('dispute', "Dispute"),
            ('payout', "Payout"),
            ('payout_failure', "Payout that came back"),
            ('other', "Other"),
        ],
        required=True,
        readonly=True,
    )
    type = fields.Char(string="The provider's type", readonly=True)
    label = fields.Char(readonly=True)
    occurred_at = fields.Datetime(string="Happened on", readonly=True)
    available_at = fields.Datetime(
        string="Available from",
        readonly=True,
        help="From when on the provider may pay it out, where it says so.",
    )
    currency_id = fields.Many2one(comodel_name='res.currency', required=True, readonly=True)
    amount = fields.Monetary(readonly=True)
    fee = fields.Monetary(string="Commission", readonly=True)
    net = fields.Monetary(readonly=True)
    source_ref = fields.Char(string="Id of what moved", readonly=True)
    payment_ref = fields.Char(string="Payment id", readonly=True)
    charge_ref = fields.Char(string="Charge id", readonly=True)
    reference = fields.Char(readonly=True)
    payout_id = fields.Many2one(
        comodel_name='pay.now.payout',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    dispute_id = fields.Many2one(
        comodel_name='pay.now.dispute',
        readonly=True,
        index='btree_not_null',
        ondelete='cascade',
    )
    transaction_id = fields.Many2one(
        comodel_name='payment.transaction',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('waiting', "Not booked yet"),
            ('ours', "Booked"),
            ('foreign', "To decide"),
            ('booked', "Booked by hand"),
            ('handled', "Handled"),
        ],
        default='waiting',
        required=True,
        readonly=True,
        index=True,
    )
    booked_from = fields.Date(
        string="Booked from", readonly=True, help="The first day of its entries."
    )
    booked_on = fields.Date(
        string="Booked on", readonly=True, help="The day since which all of it is booked."
    )
    account_id = fields.Many2one(
        comodel_name='account.account',
        check_company=True,
        help="Where a movement that is not one of ours is booked.",
    )
    note = fields.Char(string="What was done")
    move_id = fields.Many2one(
        string="Entry", comodel_name='account.move', readonly=True, check_company=True
    )

    _movement_once = models.UniqueIndex(
        '(provider_id, movement_ref)', "This movement is already stored."
    )
    _move_once = models.UniqueIndex(
        '(move_id) WHERE move_id IS NOT NULL', "An entry belongs to one movement."
    )

    # === ACTION METHODS === #

    def action_book(self):
        """Book movements that are not ours to the accounts chosen, in the provider's journal.

        :raise UserError: no account chosen, another currency, or nothing to decide.
        """
        self.check_access('write')
        for movement in self.sudo():
            if movement.state != 'foreign':
                raise UserError(self.env._("There is nothing to decide about this movement."))
            if not movement.account_id:
                raise UserError(self.env._("Choose an account for this movement first."))
            movement._book_to(movement.account_id)
            movement.state = 'booked'
        self.sudo().payout_id._book_and_reconcile()

    def action_handled(self):
        """Mark movements that are not ours as handled: booked elsewhere, or nothing to book."""
        self.check_access('write')
        self.sudo().filtered(lambda movement: movement.state == 'foreign').state = 'handled'

    def action_decide_again(self):
        """Put movements that were only marked back on the list."""
        self.check_access('write')
        self.sudo().filtered(lambda movement: movement.state == 'handled').state = 'foreign'

    # === BUSINESS METHODS - STORING === #

    @api.model
    def _store(self, provider, found, **values):
        """Store movements once, or write more about those that are stored already.

        :param payment.provider provider: whose balance moved.
        :param list found: `gateways.base.Movement`.
        :param values: fields of all of them, e.g. `payout_id`.
        :return: the records, in the order given.
        :rtype: pay.now.movement
        """
        self = self.sudo()
        found = list({line.id: line for line in found}.values())
        known = {
            movement.movement_ref: movement
            for movement in self.search(
                Domain('provider_id', '=', provider.id)
                & Domain('movement_ref', 'in', [line.id for line in found])
            )
        }
        self.browse().union(*known.values()).write(values)
        new = [line for line in found if line.id not in known]
        currencies = {
            code: provider._pay_now_currency(code) for code in {line.currency for line in new}
        }
        created = self.create(
            [{**self._values(provider, line, currencies), **values} for line in new]
        )
        known.update(zip((line.id for line in new), created, strict=True))
        return self.browse().union(*(known[line.id] for line in found))

    @api.model
    def _values(self, provider, line, currencies):
        """Return the values of a movement as the gateway read it."""
        return {
            'provider_id': provider.id,
            'movement_ref': line.id,
            'kind': line.kind,
            'type': line.type,
            'label': line.label,
            'occurred_at': provider.company_id._pay_now_instant(line.created_at),
            'available_at': provider.company_id._pay_now_instant(line.available_at),
            'currency_id': currencies[line.currency].id,
            'amount': float(line.amount),
            'fee': float(line.fee),
            'net': float(line.net),
            'source_ref': line.source_id,
            'payment_ref': line.payment_id,
            'charge_ref': line.charge_id,
            'reference': line.reference,
        }

    def _read_again(self):
        """Return the stored movements as the gateway read them, to be looked at again.

        :return: `gateways.base.Movement` of each one.
        :rtype: list
        """
        return [
            base.Movement(
                id=movement.movement_ref,
                kind=movement.kind,
                type=movement.type or '',
                amount=movement.amount,
                fee=movement.fee,
                net=movement.net,
                currency=movement.currency_id.name,
                created_at=movement.occurred_at
                and movement.occurred_at.replace(tzinfo=timezone.utc),
                source_id=movement.source_ref or '',
                payment_id=movement.payment_ref or '',
                charge_id=movement.charge_ref or '',
                reference=movement.reference or '',
            )
            for movement in self
        ]

    # === BUSINESS METHODS - BOOKING === #

    def _book_to(self, account):
        """Book the net of one movement: clearing account on one side, `account` on the other."""
        self.ensure_one()
        company = self.company_id
        if self.currency_id != company.currency_id:
            raise UserError(
                self.env._(
                    "This movement is in %s: book it by hand and mark it as handled.",
                    self.currency_id.name,
                )
            )
        provider = self.provider_id
        move = (
            self.env['account.move']
            .with_company(company)
            .create(
                provider._pay_now_prepare_entry(
                    self.occurred_at,
                    ref=self.movement_ref,
                    label=self.label or self.type or self.movement_ref,
                    amounts=[
                        (provider.pay_now_clearing_account_id, self.net),
                        (account, -self.net),
                    ],
                )
            )
        )
        move.action_post()
        self.move_id = move

    def _clearing_lines(self):
        """Return the journal items of the movements' own entries on the clearing account.

        :rtype: account.move.line
        """
        accounts = self.provider_id.pay_now_clearing_account_id
        return self.move_id.line_ids.filtered(lambda line: line.account_id in accounts)

    # === BUSINESS METHODS - LISTING === #

    @api.model
    def _sweep(self, provider, since=None):
        """List the movements of the balance and keep them: they prove the balance of any day.

        :param payment.provider provider: whose turn was taken.
        :param datetime since: from when on, aware; since the last listing by default.
        """
        since = since or provider._pay_now_list_since(days=1)
        for found in self._in_batches(provider._pay_now_gateway().list_movements(since)):
            self._keep(provider, found)
        undecided = self.search([('provider_id', '=', provider.id), ('state', 'in', UNDECIDED)])
        for ids in self._in_batches(undecided.ids):
            self.browse(ids)._look_again()
        provider._pay_now_note_listed(since)

    @api.model
    def _keep(self, provider, found):
        """Keep movements that the provider lists, unless they are kept already.

        :param payment.provider provider: whose balance moved.
        :param list found: `gateways.base.Movement`.
        """
        stored = set(
            self.search(
                Domain('provider_id', '=', provider.id)
                & Domain('movement_ref', 'in', [line.id for line in found])
            ).mapped('movement_ref')
        )
        found = [line for line in found if line.id not in stored]
        self._follow_reversals(provider, found)
        matches = self._identify(provider, found)
        kept = [line for line in found if not self._is_told_twice(provider, line, matches[line.id])]
        self._store(provider, kept)._write_matches(matches)

    @api.model
    def _in_batches(self, found):
        """Yield many movements, or their ids, a batch at a time.

        In between everything is written, and what is read of it let go: however many a provider
        lists, and whatever stands behind each in the books, memory holds one batch.

        :param iterable found: what to go through.
        :rtype: generator of list
        """
        for number, batch in enumerate(split_every(const.MOVEMENTS_AT_ONCE, found, list)):
            if number:
                self.env.invalidate_all()
            yield batch

    @api.model
    def _is_told_twice(self, provider, line, match):
        """Tell whether a listed movement is one that its dispute told of under another id."""
        return (
            line.kind == 'dispute'
            and match.state == 'ours'
            and not match.lines
            and not GATEWAYS[provider.code].names_dispute_movements
        )

    @api.model
    def _follow_reversals(self, provider, found):
        """Let disputes follow from the report of payments that the provider took back.

        :param payment.provider provider: whose turn was taken.
        :param list found: `gateways.base.Movement`.
        """
        reversals = [line for line in found if line.reversal]
        ours = self._payments_of(provider, reversals)
        payments = self.env['payment.transaction'].union(*ours.values())
        known = set(payments.pay_now_dispute_ids.mapped('reversal_ref'))
        refs = [one.source_id for one in reversals if one.id in ours and one.source_id not in known]
        if refs:
            self.env['pay.now.dispute']._synchronize(provider, refs)

    def _look_again(self):
        """Identify movements anew; what somebody decided stays as it is.

        :return: what was found, by movement id.
        :rtype: dict
        """
        matches = {}
        for provider, movements in self.grouped('provider_id').items():
            found = self._identify(provider, movements._read_again())
            movements._write_matches(found)
            matches.update(found)
        return matches

    def _write_matches(self, matches):
        by_values = defaultdict(self.sudo().browse)
        for movement in self.sudo():
            match = matches[movement.movement_ref]
            state = match.state if movement.state in (*UNDECIDED, 'ours') else movement.state
            dates = match.lines.mapped('date')
            values = (
                state,
                match.transaction.id,
                min(dates, default=False),
                max(dates, default=False) if state in ('ours', 'booked') else False,
            )
            known = (movement.state, movement.transaction_id.id)
            if values != (*known, movement.booked_from, movement.booked_on):
                by_values[values] |= movement
        for values, movements in by_values.items():
            movements.write(dict(zip(MATCHED, values, strict=True)))

    # === BUSINESS METHODS - BALANCE === #

    @api.model
    def _counted_domain(self, provider, until=None):
        """Return the domain of the movements that the balance is the sum of, since it was read.

        Not those that a dispute told of under another id: the dispute's own are.

        :param payment.provider provider: whose balance it is.
        :param datetime until: naive UTC, excluded; none for all.
        :rtype: Domain
        """
        domain = Domain('provider_id', '=', provider.id) & Domain(
            'currency_id', '=', provider.company_id.currency_id.id
        )
        if provider.pay_now_opened_at:
            domain &= Domain('occurred_at', '>=', provider.pay_now_opened_at)
        if until:
            domain &= Domain('occurred_at', '<', until)
        if not GATEWAYS[provider.code].names_dispute_movements:
            domain &= ~(
                Domain('kind', '=', 'dispute')
                & Domain('state', '=', 'ours')
                & Domain('dispute_id', '=', False)
                & Domain('booked_on', '=', False)
            )
        return domain

    @api.model
    def _fees_domain(self, provider, first, until=None):
        """Return the domain of the movements of a period that the provider kept something of.

        :param payment.provider provider: whose balance it is.
        :param datetime.date first: the first day, where the company is.
        :param datetime until: naive UTC, excluded; none for all.
        :rtype: Domain
        """
        start = provider.company_id._pay_now_day_start(first)
        return (
            self._counted_domain(provider, until)
            & Domain('occurred_at', '>=', start)
            & Domain('fee', '!=', 0)
        )

    @api.model
    def _date_bookings(self, provider):
        """Note since when movements are booked, of those of which it is not known yet."""
        undated = self.search(
            Domain('provider_id', '=', provider.id)
            & Domain('state', 'in', ('ours', 'booked'))
            & Domain('booked_on', '=', False)
        )
        if undated:
            undated._write_matches(self._identify(provider, undated._read_again()))

    def _booked_until(self, provider, date=None):
        """Return how much of each movement stands on the clearing account.

        :param payment.provider provider: whose they are.
        :param datetime.date date: the last day that counts; none for all.
        :return: `{movement: amount}`
        :rtype: dict
        """
        if not self:
            return {}
        matches = self._identify(provider, self._read_again())
        return {
            movement: sum(
                item.balance
                for item in matches[movement.movement_ref].lines
                if not date or item.date <= date
            )
            for movement in self
        }

    # === BUSINESS METHODS - MATCHING === #

    @api.model
    def _identify(self, provider, found):
        """Find the entries of ours that movements stand for.

        :param payment.provider provider: whose balance moved.
        :param list found: `gateways.base.Movement`.
        :return: `{movement id: Match}`
        :rtype: dict
        """
        known = self._read_known(provider, found)
        clearing = provider.pay_now_clearing_account_id
        matches = {}
        for line in found:
            entries = self._entries_of(line, known)
            items = self.env['account.move.line']
            if entries:
                items = entries.line_ids.filtered(lambda item: item.account_id == clearing)
            payment = known.payments.get(line.id, self.env['payment.transaction'])
            state = self._state_of(provider, line, entries is not None, payment, items)
            matches[line.id] = Match(state, payment, items)
        return matches

    @api.model
    def _read_known(self, provider, found):
        """Read what the books know of movements, a few queries for any number.

        :param payment.provider provider: whose balance moved.
        :param list found: `gateways.base.Movement`.
        :rtype: Known
        """
        booked = self.search(
            Domain('provider_id', '=', provider.id)
            & Domain('movement_ref', 'in', [line.id for line in found])
            & Domain('move_id', '!=', False)
        )
        known = Known(
            self._payments_of(provider, found),
            self._refunds_of(provider, found),
            self._payouts_of(provider, found),
            {movement.movement_ref: movement.move_id for movement in booked},
        )
        paid = self.env['payment.transaction'].union(*known.payments.values())
        # Read all of them at once, not one by one later.
        paid._pay_now_entries().line_ids.fetch(['account_id', 'balance', 'date'])
        return known

    @api.model
    def _entries_of(self, line, known):
        """Return the entries that book a movement, as far as they are made.

        :param gateways.base.Movement line: the movement.
        :param Known known: what the books know of it and others.
        :return: None where the movement is not ours.
        :rtype: account.move | None
        """
        if line.id in known.booked:
            return known.booked[line.id]
        if line.kind in ('payout', 'payout_failure') and line.source_id not in known.refunds:
            payout = known.payouts.get(line.id) or known.payouts.get(line.source_id)
            if not payout:
                return None
            return payout.move_id if line.kind == 'payout' else payout.reversal_move_id
        payment = known.payments.get(line.id)
        if line.kind == 'payment':
            return payment and payment._pay_now_entries()
        if refund := known.refunds.get(line.source_id):
            # Out, and back where it failed, each with its fee, which may go the other way.
            back = refund.pay_now_reversal_move_id
            return back if line.amount > 0 else refund._pay_now_entries() - back
        # Ours, and booked by itself or not at all.
        return self.env['account.move'] if payment else None

    @api.model
    def _state_of(self, provider, line, known, payment, items):
        """Return the state of a movement that nobody decided about."""
        if not known:
            return 'foreign'
        if (
            line.kind == 'dispute'
            and not items
            and payment.pay_now_dispute_ids
            and not GATEWAYS[provider.code].names_dispute_movements
        ):
            # Reported under another id than the dispute's own movement, which counts.
            return 'ours'
        booked = sum(items.mapped('balance'))
        missing = float(line.net) - booked
        if provider.pay_now_commission_imported or payment.pay_now_commission_state == 'imported':
            # The fee is booked where the provider's statement is imported, from now on or before.
            missing = min(missing, float(line.amount) - booked, key=abs)
        if line.currency != provider.company_id.currency_id.name:
            # Amounts of two currencies do not add up: it is booked, and its commission decided.
            converted = payment.pay_now_discrepancy_ids.filtered(
                lambda one: one.kind == 'settlement' and one.state == 'open'
            )
            return 'ours' if items and not converted else 'waiting'
        return 'ours' if provider.company_id.currency_id.is_zero(missing) else 'waiting'

    @api.model
    def _payments_of(self, provider, found):
        """Return the payments of ours that movements, or disputes, belong to, by their id."""
        return self.env['payment.transaction']._pay_now_find(
            provider, {one.id: one for one in found}
        )

    @api.model
    def _refunds_of(self, provider, found):
        """Return the refund transactions that movements belong to, by the refund's id."""
        # What PayPal took back may have been booked as a refund at first.
        kinds = ('refund', 'dispute')
        refs = [line.source_id for line in found if line.kind in kinds and line.source_id]
        txs = self.env['payment.transaction'].search(
            Domain('provider_id', '=', provider.id)
            & Domain('operation', '=', 'refund')
            & Domain('provider_reference', 'in', refs)
        )
        return {tx.provider_reference: tx for tx in txs}

    @api.model
    def _payouts_of(self, provider, found):
        """Return the payouts that movements are of, by the id of the movement or the payout."""
        lines = [line for line in found if line.kind in ('payout', 'payout_failure')]
        refs = [ref for line in lines for ref in (line.id, line.source_id) if ref]
        fields = ('movement_ref', 'failure_movement_ref', 'payout_ref')
        payouts = self.env['pay.now.payout'].search(
            Domain('provider_id', '=', provider.id)
            & Domain.OR(Domain(field, 'in', refs) for field in fields)
        )
        return {payout[field]: payout for payout in payouts for field in fields if payout[field]}
