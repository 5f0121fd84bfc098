# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.payout import account_bank_statement_line as bank_text
from odoo.addons.account_pay_now.models.payout.pay_now_movement import UNDECIDED
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PayNowPayout(models.Model):
    """A provider's transfer of collected money to the company's bank.

    Its entries are the transfer, and the one that takes it back when it failed. It is reconciled
    with the movements it is made of on the clearing account, and with the bank statement on the
    internal transfer account.
    """

    _name = 'pay.now.payout'
    _description = "Provider payout"
    _inherit = ['pay.now.provider.object.mixin', 'mail.thread']
    _order = 'created_at desc, id desc'
    _check_company_auto = True
    _subject = 'payout'
    _lookback_days = const.PAYOUT_LOOKBACK_DAYS

    name = fields.Char(string="Payout", compute='_compute_name')
    payout_ref = fields.Char(string="Payout id", required=True, readonly=True)
    movement_ref = fields.Char(string="Movement id", readonly=True)
    failure_movement_ref = fields.Char(string="Movement id of the failure", readonly=True)
    created_at = fields.Datetime(string="Made on", readonly=True)
    arrives_at = fields.Datetime(string="Expected on", readonly=True)
    bank_reference = fields.Char(
        string="Bank reference", readonly=True, help="What the bank's statement may show."
    )
    descriptor = fields.Char(
        string="Text at the bank",
        readonly=True,
        help="What the bank's statement may show of all payouts of the account.",
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('pending', "On its way"),
            ('paid', "Paid"),
            ('failed', "Failed"),
            ('canceled', "Canceled"),
        ],
        required=True,
        readonly=True,
        tracking=True,
    )
    failure = fields.Char(string="Why it failed", readonly=True, help="In the provider's words.")
    listed = fields.Boolean(readonly=True)
    complete = fields.Boolean(readonly=True)
    allocation = fields.Selection(
        selection=[('exact', "Exactly what the provider lists"), ('age', "Allocated by age")],
        compute='_compute_allocation',
    )
    line_ids = fields.One2many(
        string="Movements", comodel_name='pay.now.movement', inverse_name='payout_id'
    )
    lines_known = fields.Boolean(readonly=True)
    to_decide_count = fields.Integer(
        string="To decide", compute='_compute_to_decide_count', compute_sudo=True
    )
    settled = fields.Boolean(
        string="Reconciled",
        readonly=True,
        help="Everything it is made of is booked, and reconciled with it.",
    )
    move_id = fields.Many2one(
        string="Entry", comodel_name='account.move', readonly=True, check_company=True
    )
    reversal_move_id = fields.Many2one(
        string="Entry of the failure",
        comodel_name='account.move',
        readonly=True,
        check_company=True,
    )

    _payout_once = models.UniqueIndex('(provider_id, payout_ref)', "This payout is stored already.")
    _move_once = models.UniqueIndex(
        '(move_id) WHERE move_id IS NOT NULL', "An entry belongs to one payout."
    )
    _reversal_once = models.UniqueIndex(
        '(reversal_move_id) WHERE reversal_move_id IS NOT NULL',
        "A reversal belongs to one payout.",
    )

    bank_state = fields.Selection(
        string="Bank",
        selection=[
            ('waiting', "Not at the bank yet"),
            ('matched', "Matched with the bank"),
            ('none', "Nothing arrives"),
        ],
        compute='_compute_bank_state',
        store=True,
    )
    statement_line_ids = fields.Many2many(
        string="Bank lines",
        comodel_name='account.bank.statement.line',
        compute='_compute_statement_line_ids',
        compute_sudo=True,
    )

    # === COMPUTE METHODS === #

    @api.depends('provider_id', 'amount', 'currency_id')
    @api.depends_context('lang')
    def _compute_name(self):
        for payout in self:
            payout.name = self.env._(
                "%(provider)s payout of %(amount)s",
                provider=payout.provider_id.sudo()._pay_now_short_name(),
                amount=payout.currency_id.format(payout.amount),
            )

    @api.depends('listed')
    def _compute_allocation(self):
        for payout in self:
            payout.allocation = 'exact' if payout.listed else 'age'

    @api.depends('line_ids.state')
    def _compute_to_decide_count(self):
        counts = dict(
            self.env['pay.now.movement']._read_group(
                Domain('payout_id', 'in', self.ids) & Domain('state', '=', 'foreign'),
                ['payout_id'],
                ['__count'],
            )
        )
        for payout in self:
            payout.to_decide_count = counts.get(payout._origin, 0)

    @api.depends('move_id.line_ids.reconciled', 'reversal_move_id.line_ids.reconciled', 'state')
    def _compute_bank_state(self):
        for payout in self.sudo():
            lines = payout._transfer_lines()
            if not lines or not all(lines.mapped('reconciled')):
                payout.bank_state = 'waiting'
            else:
                payout.bank_state = 'matched' if payout._matched_bank_lines() else 'none'

    @api.depends('bank_state')
    def _compute_statement_line_ids(self):
        for payout in self:
            payout.statement_line_ids = payout._matched_bank_lines()

    def _matched_bank_lines(self):
        """Return the bank statement lines that the payout's transfer is reconciled with."""
        lines = self._transfer_lines()
        others = lines.matched_debit_ids.debit_move_id | lines.matched_credit_ids.credit_move_id
        return others.move_id.statement_line_id

    # === ACTION METHODS === #

    def action_check(self):
        """Override of `pay.now.provider.object.mixin` to look at the movements again too."""
        result = super().action_check()
        Movement = self.env['pay.now.movement'].sudo()
        undone = Movement.search(
            Domain('payout_id', 'in', self.ids) & Domain('state', '!=', 'handled')
        )
        for ids in Movement._in_batches(undone.ids):
            Movement.browse(ids)._look_again()
        return result

    # === BUSINESS METHODS - FETCHING === #

    @api.model
    def _unfinished_domain(self):
        """Override of `pay.now.provider.object.mixin`: under way, or its list not ready."""
        return Domain('state', '=', 'pending') | (
            Domain('listed', '=', True) & Domain('complete', '=', False)
        )

    @api.model
    def _prepare_booking(self, provider):
        """Override of `pay.now.provider.object.mixin`: payouts first, then movements not ours."""
        mine = Domain('provider_id', '=', provider.id)
        self.search(mine & Domain('move_id', '=', False))._book()
        self.env['pay.now.movement']._sweep(provider)

    # === BUSINESS METHODS - STORING === #

    @api.model
    def _values(self, provider, one):
        """Override of `pay.now.provider.object.mixin`: the amount and the day stay."""
        return {
            **super()._values(provider, one),
            'amount': float(one.amount),
            'created_at': provider.company_id._pay_now_instant(one.created_at),
        }

    def _update(self, one):
        """Override of `pay.now.provider.object.mixin`: a failure is final, whatever comes later."""
        self.ensure_one()
        final = self.state in ('failed', 'canceled')
        vals = {
            'state': self.state if final else one.state,
            'arrives_at': self.company_id._pay_now_instant(one.arrives_at) or self.arrives_at,
            'movement_ref': one.movement_id or self.movement_ref,
            'failure_movement_ref': one.failure_movement_id or self.failure_movement_ref,
            'failure': one.failure or self.failure,
            'bank_reference': one.bank_reference or self.bank_reference,
            'descriptor': one.descriptor or self.descriptor,
            'url': one.url or self.url,
            'listed': one.listed,
            'complete': one.complete or self.complete,
        }
        if vals['state'] != self.state:
            # What was settled has to be taken back.
            vals['settled'] = False
        self._write_changes(vals)

    # === BUSINESS METHODS - BANK === #

    def _match_bank(self, lines=None):
        """Match payouts with bank statement lines on evidence, both ways round.

        Only where the amount is the same, the evidence cannot be a customer's, and exactly one
        fits. Not what a person took apart from a bank line before, nor such a line.

        :param account.bank.statement.line lines: new ones, all by default.
        :return: None
        """
        waiting = self.filtered(lambda payout: payout.move_id and payout.bank_state == 'waiting')
        undone = (waiting.move_id | waiting.reversal_move_id).sudo().pay_now_undone_ids
        left_alone = undone.filtered('with_bank').move_id
        pairs, taken = [], {}
        for payout in waiting:
            for item in payout._waiting_items():
                if item.move_id in left_alone:
                    continue
                fitting = payout._fitting_bank_lines(item).filtered(payout._evidence)
                exact = fitting.filtered(payout._names_payout)
                fitting = exact if len(exact) == 1 else fitting
                for line in fitting:
                    taken[line] = taken.get(line, 0) + 1
                if len(fitting) == 1 and (lines is None or fitting in lines):
                    pairs.append((payout, fitting, item, bool(exact)))
        for payout, line, item, exact in pairs:
            if (taken[line] > 1 and not exact) or line._pay_now_was_undone():
                continue
            try:
                with self.env.cr.savepoint():
                    payout._match_with(line, item, by_itself=True)
            except psycopg2.OperationalError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the books may refuse
                _logger.info("%s is not matched by itself: %s", payout.payout_ref, error)

    # === BUSINESS METHODS - WHAT FITS === #

    def _waiting_items(self):
        """Return the payouts' own items that the bank statement has not met yet.

        :rtype: account.move.line
        """
        return self._transfer_lines().filtered(
            lambda line: not line.reconciled and line.parent_state == 'posted'
        )

    def _bank_dates(self, item):
        """Return the first and the last day that the bank's line may be dated.

        :param account.move.line item: the open item of the payout on the transfer account.
        :rtype: tuple(datetime.date, datetime.date)
        """
        self.ensure_one()
        if item.move_id == self.reversal_move_id:
            # Booked when we were notified: the bank may have known long before.
            return (
                item.date - timedelta(days=const.PAYOUT_LOOKBACK_DAYS),
                item.date + timedelta(days=const.BANK_DAYS_AFTER),
            )
        # Days of UTC: the margins cover what the company's own differ by.
        made = self.created_at.date()
        expected = self.arrives_at.date() if self.arrives_at else made
        return (
            made - timedelta(days=const.BANK_DAYS_BEFORE),
            max(made, expected) + timedelta(days=const.BANK_DAYS_AFTER),
        )

    def _open_bank_lines(self, item):
        """Return the bank's open lines about the date of a payout, of whatever amount.

        :param account.move.line item: the open item of the payout on the transfer account.
        :rtype: account.bank.statement.line
        """
        self.ensure_one()
        first, last = self._bank_dates(item)
        own = self.env['payment.provider'].search([('code', 'in', const.PROVIDER_CODES)]).journal_id
        lines = self.env['account.bank.statement.line'].search(
            Domain('company_id', '=', self.company_id.id)
            & Domain('is_reconciled', '=', False)
            & Domain('journal_id', 'not in', own.ids)
            & Domain('date', '>=', first)
            & Domain('date', '<=', last)
        )
        return lines.filtered(lambda line: len(line._seek_for_lines()[1]) == 1)

    def _fitting_bank_lines(self, item):
        """Return the bank's open lines of the same amount and about the same date.

        :param account.move.line item: the open item of the payout on the transfer account.
        :rtype: account.bank.statement.line
        """
        return self._open_bank_lines(item).filtered(lambda line: line._pay_now_is_of_amount(item))

    def _difference(self, line, item):
        """Return what the difference between a bank line and a payout is taken for.

        :param account.bank.statement.line line: of the bank.
        :param account.move.line item: the open item of the payout on the transfer account.
        :return: `fee`, `exchange`, `part`, empty where there is none, or None where the line cannot
            be the payout; and how much the bank's amount is less, in the company's currency.
        :rtype: tuple(str | None, float)
        """
        currency, wanted = item.company_currency_id, item.amount_residual
        got = -sum(line._seek_for_lines()[1].mapped('balance'))
        less = currency.round(wanted - got)
        if line._pay_now_is_of_amount(item):
            # In another currency Odoo books what the rates of both days differ by.
            return '', 0.0
        if currency.is_zero(less):
            return '', 0.0
        if got * wanted <= 0:
            return None, less
        share = abs(less / wanted)
        if line.currency_id != currency or line.foreign_currency_id or item.currency_id != currency:
            return ('exchange' if share <= const.EXCHANGE_SHARE else None), less
        if share <= const.BANK_FEE_SHARE and less > 0:
            return 'fee', less
        return ('part' if abs(got) < abs(wanted) else None), less

    # === BUSINESS METHODS - EVIDENCE === #

    def _evidence(self, line):
        """Return what shows that a bank line is this payout, and cannot be a customer's.

        :param account.bank.statement.line line: of the bank.
        :return: `reference`: it names this very payout; `account`: it comes from the provider's
            bank account; `name`: it names the provider, and nobody and nothing else. Empty where
            it may be somebody else's: of another partner, naming a document, or fitting an open
            item better.
        :rtype: str
        """
        self.ensure_one()
        provider, text = self.provider_id, line._pay_now_words()
        if line._pay_now_is_of_others(provider) or line._pay_now_named_documents():
            return ''
        items = line._pay_now_same_items()
        people = text + bank_text.words(line.partner_name)
        if any(bank_text.names(people, item.partner_id.name) for item in items):
            return ''
        if self._names_payout(line):
            return 'reference'
        number = line._pay_now_account_number()
        if number and number in provider._pay_now_bank_accounts():
            return 'account'
        name, descriptor = provider._pay_now_short_name(), self._bank_descriptor()
        named = bank_text.names(text, name) or bank_text.names(text, descriptor)
        known = (*const.PROVIDER_NAMES[provider.code], descriptor)
        return 'name' if named and not items and not bank_text.other_words(text, *known) else ''

    def _names_payout(self, line):
        """Tell whether the bank's line names this very payout."""
        text = line._pay_now_words()
        return any(
            bank_text.is_reference(reference) and bank_text.names(text, reference)
            for reference in (self.payout_ref, self.bank_reference)
        )

    def _bank_descriptor(self):
        """Return the text that the bank shows of payouts like this one, as far as it is known.

        Earlier versions kept it as the bank reference.
        """
        if self.descriptor or bank_text.is_reference(self.bank_reference):
            return self.descriptor or ''
        return self.bank_reference or ''

    # === BUSINESS METHODS - MATCHING === #

    def _match_with(self, line, item, by_itself=False):
        """Put the transfer account into a bank line, and reconcile both.

        A difference is booked as what it is: a bank fee, an exchange difference; or the rest of
        the payout waits for the next line.

        :param account.bank.statement.line line: of the bank.
        :param account.move.line item: the open item of the payout on the transfer account.
        :param bool by_itself: whether no person decided it.
        :raise UserError: the line is reconciled already, cannot be it, or is in a closed period.
        """
        self.ensure_one()
        suspense = line._seek_for_lines()[1]
        kind, less = self._check_match(line, item, suspense)
        line.move_id.with_context(force_delete=True, skip_readonly_check=True).write(
            {'line_ids': self._prepare_bank_items(suspense, item, kind, less)}
        )
        counterpart = line.move_id.line_ids.filtered(
            lambda one: one.account_id == item.account_id and not one.reconciled
        )
        if by_itself:
            # Neither was taken apart from anything of the bank: that was asked.
            partials = self.env['account.partial.reconcile']
            partials._pay_now_reconcile([counterpart | item], fresh=True)
        else:
            # A person has the last word: what was undone before counts no more.
            (counterpart | item).reconcile()
        # The company reads it, whoever's statement line it was.
        env = self.with_context(lang=self.company_id._pay_now_lang()).env
        self.message_post(
            body=env._(
                "Matched with the bank: %(label)s of %(date)s",
                label=line.payment_ref or '',
                date=format_date(env, line.date),
            )
        )

    def _check_match(self, line, item, suspense):
        """Refuse a bank line that cannot be the payout: parameters as of `_match_with`.

        :param account.move.line suspense: of the bank line.
        :return: as of `_difference`.
        :rtype: tuple(str, float)
        :raise UserError: why it cannot.
        """
        others_books = line.company_id != self.company_id
        if line.is_reconciled or len(suspense) != 1 or not item or item.reconciled or others_books:
            raise UserError(self.env._("This bank line or this payout is matched already."))
        kind, less = self._difference(line, item)
        if kind is None:
            raise UserError(
                self.env._("The amount of this bank line cannot be that of the payout.")
            )
        return kind, less

    def _prepare_bank_items(self, suspense, item, kind, less):
        """Return how the journal items of a bank line change: parameters as of `_difference`.

        :param account.move.line suspense: the one of the bank line.
        :return: commands.
        :rtype: list
        """
        currency = item.company_currency_id
        values = {'account_id': item.account_id.id}
        if kind not in ('fee', 'exchange'):
            return [Command.update(suspense.id, values)]
        if item.currency_id != currency:
            # The bank converted it: the rest is an exchange difference, which Odoo books itself.
            amount = -item.amount_residual_currency
            rest = {'balance': suspense.balance, 'currency_id': item.currency_id.id}
            values.update(amount_currency=amount, **rest)
            return [Command.update(suspense.id, values)]
        amount = -item.amount_residual
        values.update(balance=amount, amount_currency=amount, currency_id=currency.id)
        rest = {
            'name': suspense.name,
            'account_id': self._difference_account(kind, less).id,
            'partner_id': suspense.partner_id.id,
            'currency_id': currency.id,
            'balance': less,
            'amount_currency': less,
        }
        return [Command.update(suspense.id, values), Command.create(rest)]

    # === BUSINESS METHODS - BOOKING === #

    def _book_and_reconcile(self):
        """Book payouts, take back failed ones, and reconcile what each is made of.

        Safe to call any number of times; what is missing is done the next time.
        """
        self = self.sudo()
        self._book()
        todo = self.filtered('move_id').sorted(lambda payout: (payout.created_at, payout.id))
        for payout in todo:
            payout._try('_reconcile_listed' if payout.listed else '_reconcile_by_age')
        todo._match_bank()

    def _problem_sentences(self):
        """Override of the mixin: another currency, and a list that does not amount to it."""
        write = self.currency_id.with_env(self.env).format
        return {
            **super()._problem_sentences(),
            'foreign': lambda currency: self.env._(
                "This payout is in %(currency)s, and %(provider)s does not say what it is made of:"
                " reconcile its item on the clearing account by hand.",
                currency=currency,
                provider=self.provider_id.sudo()._pay_now_short_name(),
            ),
            'rest': lambda left: self.env._(
                "%(amount)s of it are left on the clearing account, which is more than rates"
                " differ by: reconcile them by hand.",
                amount=self.company_id.currency_id.with_env(self.env).format(abs(left)),
            ),
            'listed': lambda total: self.env._(
                "The provider lists %(total)s, and transfers %(amount)s.",
                total=write(total),
                amount=write(self.amount),
            ),
        }

    def _is_unbooked(self):
        """Override of the mixin: its entry is missing, or the one that takes it back."""
        self.ensure_one()
        back = self.state in ('failed', 'canceled') and not self.reversal_move_id
        return not self.move_id or back

    def _book(self):
        """Book payouts that are not booked yet and take back those that failed, all at once."""
        for provider, payouts in self.grouped('provider_id').items():
            company = provider.company_id
            payouts = payouts.with_company(company).with_context(lang=company._pay_now_lang())
            payouts.try_lock_for_update()._try('_book_of', provider)

    def _book_of(self, provider):
        new = self.filtered(lambda payout: not payout.move_id)
        if new.filtered('pay_now_deleted'):
            new = new._pay_now_to_book('move_id')
        failed = self.filtered(lambda payout: payout.state in ('failed', 'canceled'))
        if failed:
            failed &= new | self.filtered('move_id')
            failed = failed._pay_now_to_book('reversal_move_id')
        moves = self.env['account.move'].create(
            [payout._prepare_entry(provider) for payout in new]
            + [payout._prepare_entry(provider, back=True) for payout in failed]
        )
        moves.action_post()
        for payout, move in zip(new, moves[: len(new)], strict=True):
            payout.move_id = move
        for payout, move in zip(failed, moves[len(new) :], strict=True):
            payout.reversal_move_id = move
            # Not before posting: Odoo would match both on the clearing account, where the next
            # payout has to find the money that came back.
            move.reversed_entry_id = payout.move_id
        failed._reconcile_transfers()
        self.filtered('problem_codes').problem_codes = False

    def _prepare_entry(self, provider, back=False):
        """Return the values of a payout's entry: internal transfer on one side, clearing on the
        other; at today's date when the money comes back."""
        self.ensure_one()
        sign = -1 if back else 1
        label = self.env._("%(payout)s came back", payout=self.name) if back else self.name
        amount = self.amount
        if is_foreign := self.currency_id != self.company_id.currency_id:
            amount = self._amount_of_day(provider)
        values = provider._pay_now_prepare_entry(
            None if back else self.created_at,
            ref=self.payout_ref,
            label=f'{label} – {self.payout_ref}',
            amounts=[
                (provider._pay_now_transfer_account(), sign * amount),
                (provider.pay_now_clearing_account_id, -sign * amount),
            ],
        )
        if is_foreign:
            self._write_foreign(values, provider, sign * self.amount)
        return provider._pay_now_as_take_back(values) if back else values

    # === BUSINESS METHODS - RECONCILING === #

    def _clearing_lines(self):
        """Return the payouts' own journal items on the clearing account."""
        accounts = self.provider_id.pay_now_clearing_account_id
        return self.move_id.line_ids.filtered(lambda line: line.account_id in accounts)

    def _transfer_lines(self):
        """Return the journal items that the bank statement has to meet.

        On the other side of the clearing account: the company may have chosen another transfer
        account since.
        """
        accounts = self.provider_id.pay_now_clearing_account_id
        moves = self.move_id | self.reversal_move_id
        return moves.line_ids.filtered(lambda line: line.account_id not in accounts)

    def _reconcile_transfers(self):
        """Match the transfer of a failed payout with its way back, unless the bank saw it."""
        self._reconcile_open([payout._transfer_lines() for payout in self])

    def _reconcile_listed(self):
        """Reconcile a payout with exactly the movements that the provider lists for it."""
        self.ensure_one()
        if not self.complete:
            return
        self._read_listed()
        parts = self._look_at_listed()
        items = self.env['account.move.line'].union(*parts)
        others = self._take_back_from_by_age(items)
        self._reconcile_parts(parts)
        is_foreign = self.currency_id != self.company_id.currency_id
        waits = is_foreign and not self._book_exchange(items)
        for payout in others.sorted(lambda one: (one.created_at, one.id)):
            payout._reconcile_by_age()
        self._check_listed()
        self.settled = not self._undecided_lines() and not waits

    def _read_listed(self):
        """Store the movements that the provider lists for the payout, once."""
        if self.lines_known:
            return
        Movement = self.env['pay.now.movement']
        listed = self.provider_id._pay_now_gateway().payout_lines(self.payout_ref)
        for found in Movement._in_batches(listed):
            Movement._store(self.provider_id, found, payout_id=self.id)
        self.lines_known = True

    def _look_at_listed(self):
        """Look again at the movements of the payout, as many at once as memory holds.

        :return: the journal items that each batch of them stands for.
        :rtype: list of account.move.line
        """
        Movement, items = self.env['pay.now.movement'], self.env['account.move.line']
        parts = []
        for ids in Movement._in_batches(self.line_ids.ids):
            matches = Movement.browse(ids)._look_again()
            found = items.union(*(match.lines for match in matches.values()))
            # Without what was read ahead with them.
            parts.append(items.browse(found.ids))
        return parts

    def _reconcile_parts(self, parts):
        """Reconcile the payout's own item with those of its movements, see `_look_at_listed`.

        Of several parts each is reconciled in itself first, and the payout's own item once, with
        what is left: Odoo reads whatever is matched with an item already, each time.
        """
        left = []
        for part in parts if len(parts) > 1 else ():
            self.env.invalidate_all()
            self._reconcile_open([part])
            left += part.filtered(lambda item: not item.reconciled).ids
        if not left:
            self._reconcile_open([self._clearing_lines().union(*parts)])
            return
        self.env.invalidate_all()
        # What is read of all of them is what is asked for, and no more.
        own = self.with_context(prefetch_fields=False)._clearing_lines()
        self._reconcile_open([own | own.browse(left)])
        self.env.invalidate_all()
        self.env['account.partial.reconcile']._pay_now_close(own.union(*parts))

    def _check_listed(self):
        """Note where what the provider lists does not amount to what it transfers."""
        total = self.env['pay.now.movement']._read_group(
            Domain('payout_id', '=', self.id), aggregates=['net:sum']
        )[0][0]
        if self.currency_id.compare_amounts(total or 0.0, self.amount):
            self._note_problem('listed', total=total or 0.0)

    def _take_back_from_by_age(self, items):
        """Free what the provider lists for this payout from others that are allocated by age.

        One that we were notified of before it, and that nothing is listed of, may have taken it.

        :param account.move.line items: what is listed, on the clearing account.
        :return: the payouts that have to be allocated anew.
        :rtype: pay.now.payout
        """
        self.ensure_one()
        if self._clearing_lines().reconciled:
            return self.browse()
        matched = items.search(
            Domain('id', 'in', items.ids) & Domain('matching_number', '!=', False)
        )
        together = matched._all_reconciled_lines()
        others = self.search([('move_id', 'in', together.move_id.ids)]) - self
        by_age = others.filtered(lambda payout: not payout.listed)
        if by_age:
            (together.matched_debit_ids | together.matched_credit_ids)._pay_now_unreconcile()
            others.settled = False
        return by_age

    def _undecided_lines(self):
        """Return the movements of the payout of which nothing is booked."""
        return self.env['pay.now.movement'].search(
            Domain('payout_id', 'in', self.ids) & Domain('state', 'in', UNDECIDED)
        )

    def _returned_lines(self):
        """Return the journal items of the money that came back, on the clearing account."""
        accounts = self.provider_id.pay_now_clearing_account_id
        return self.reversal_move_id.line_ids.filtered(lambda line: line.account_id in accounts)
