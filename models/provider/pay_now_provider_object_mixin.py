# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayError,
    GatewayNotFound,
    GatewayUnavailable,
)
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PayNowProviderObjectMixin(models.AbstractModel):
    """An object of a provider besides payments: one record each, asked about, listed, booked.

    A model of it is named in `const.SUBJECTS` and `const.LISTED_MODELS`. It has a field
    `<subject>_ref`, and says what follows from an answer: `_values`, `_update` and
    `_book_and_reconcile`.
    """

    _name = 'pay.now.provider.object.mixin'
    _description = "What a provider tells of besides payments"
    _inherit = [
        'pay.now.authority.mixin',
        'pay.now.history.mixin',
        'pay.now.booked.mixin',
        'pay.now.reason.mixin',
    ]

    #: What events call it, and the gateways: `list_<subject>s`, `fetch_<subject>`.
    _subject = ''
    #: How far back what is listed can still change, in days.
    _lookback_days = 0

    provider_id = fields.Many2one(
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='restrict',
    )
    company_id = fields.Many2one(related='provider_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(comodel_name='res.currency', required=True, readonly=True)
    amount = fields.Monetary(readonly=True)
    url = fields.Char(string="Page at the provider", readonly=True)
    settled = fields.Boolean(readonly=True)
    problem_codes = fields.Json(string="Codes of the problem", readonly=True, copy=False)
    problem = fields.Char(compute='_compute_problem', search='_search_problem', compute_sudo=True)
    can_book_now = fields.Boolean(string="Can be booked now", compute='_compute_can_book_now')

    # === COMPUTE METHODS === #

    @api.depends('name')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for record in self:
            record.display_name = record.name

    @api.depends('problem_codes')
    @api.depends_context('lang', 'tz')
    def _compute_problem(self):
        for record in self:
            sentences = record.problem_codes and record._problem_sentences()
            record.problem = record._reasons_text(record.problem_codes, sentences)

    @api.model
    def _search_problem(self, operator, value):
        return self._search_reasons('problem', 'problem_codes', operator, value)

    @api.depends('problem_codes')
    def _compute_can_book_now(self):
        for record in self:
            record.can_book_now = bool(record.problem_codes and record._is_unbooked())

    # === ACTION METHODS === #

    def action_book_now(self):
        """Book what the books refused before; the provider is not asked.

        :return: a notification of what came of it.
        :rtype: dict
        :raise UserError: somebody else is at it, or the provider has to be asked and refuses.
        """
        self.ensure_one()
        self.check_access('write')
        provider = self.sudo().provider_id
        if not provider._pay_now_take_turn():
            raise UserError(self.env._("%s is being processed at this moment.", self.display_name))
        try:
            self.sudo()._book_and_reconcile()
        except GatewayError as error:
            raise UserError(provider._pay_now_error_text(error)) from error
        return provider._pay_now_booked_notification(self.problem)

    def action_check(self):
        """Ask the provider again, and book what is missing.

        :raise UserError: what the provider answers, or somebody else is at it.
        """
        self.check_access('write')
        self.sudo()._pay_now_may_book_again()
        for record in self.sudo():
            provider = record.provider_id
            if not provider._pay_now_take_turn():
                raise UserError(
                    self.env._("%s is being processed at this moment.", record.display_name)
                )
            try:
                self.sudo()._synchronize(provider, record._refs())
            except GatewayError as error:
                raise UserError(provider._pay_now_error_text(error)) from error

    # === BUSINESS METHODS - FETCHING === #

    def _is_unbooked(self):
        """Tell whether entries are missing that the books refused.

        :rtype: bool
        """
        raise NotImplementedError

    def _refs(self):
        """Return the provider's ids of the records.

        :rtype: list
        """
        return self.mapped(f'{self._subject}_ref')

    @api.model
    def _synchronize(self, provider, refs):
        """Ask the provider about some, and let everything follow from the answer.

        :param payment.provider provider: whose turn was taken.
        :param list refs: the provider's ids.
        :return: the records of those that are ours to book.
        :rtype: pay.now.provider.object.mixin
        :raise GatewayError: what the provider answers.
        """
        fetch = getattr(provider._pay_now_gateway(), f'fetch_{self._subject}')
        records = self._take(provider, [fetch(ref) for ref in refs])
        records._book_and_reconcile()
        return records

    @api.model
    def _sweep(self, provider):
        """List them, ask about those that are not listed and not over, and book what is not yet.

        :param payment.provider provider: whose turn was taken.
        """
        gateway = provider._pay_now_gateway()
        list_them = getattr(gateway, f'list_{self._subject}s')
        fetch = getattr(gateway, f'fetch_{self._subject}')
        since = provider._pay_now_list_since(self._lookback_days)
        records = self._take(provider, list(list_them(since)))
        mine = Domain('provider_id', '=', provider.id)
        found = []
        for ref in self.search(
            mine & Domain('id', 'not in', records.ids) & self._unfinished_domain()
        )._refs():
            # The provider may forget old ones; what is known of them stays.
            with contextlib.suppress(GatewayNotFound):
                found.append(fetch(ref))
        self._take(provider, found)
        self._prepare_booking(provider)
        self.search(mine & Domain('settled', '=', False), order='id')._book_and_reconcile()

    @api.model
    def _unfinished_domain(self):
        """Return the domain of those that are not over at the provider."""
        return Domain('settled', '=', False)

    @api.model
    def _prepare_booking(self, provider):
        """Do what has to be done before those of a provider are booked by the sweep."""

    # === BUSINESS METHODS - STORING === #

    @api.model
    def _take(self, provider, found):
        """Store what the provider lists, each one once, whoever else stores it.

        :param payment.provider provider: whose they are.
        :param list found: of the gateway's dataclass.
        :return: the records of those that are ours.
        :rtype: pay.now.provider.object.mixin
        :raise GatewayUnavailable: somebody else stores one of them at this moment.
        """
        self = self.sudo()
        found = self._ours(provider, list({one.id: one for one in found}.values()))
        known = self._known(provider, found)
        new = [one for one in found if one.id not in known]
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                created = self.create([self._values(provider, one) for one in new])
        except psycopg2.errors.UniqueViolation as error:
            raise GatewayUnavailable("Being stored elsewhere.") from error
        known.update(zip((one.id for one in new), created, strict=True))
        for one in found:
            known[one.id]._update(one)
        return self.browse().union(*known.values())

    @api.model
    def _ours(self, provider, found):
        """Return those that belong into our books: all, unless the model knows better.

        :rtype: list
        """
        return found

    @api.model
    def _known(self, provider, found):
        """Return the records there are of what the provider lists.

        :return: `{the provider's id: record}`
        :rtype: dict
        """
        records = self.search(
            Domain('provider_id', '=', provider.id)
            & Domain(f'{self._subject}_ref', 'in', [one.id for one in found])
        )
        return dict(zip(records._refs(), records, strict=True))

    @api.model
    def _values(self, provider, one):
        """Return the values of a new record that never change."""
        return {
            'provider_id': provider.id,
            f'{self._subject}_ref': one.id,
            'currency_id': provider._pay_now_currency(one.currency).id,
            'state': one.state,
        }

    def _update(self, one):
        """Take over what may have changed.

        :param one: what the provider says now, of the gateway's dataclass.
        """
        raise NotImplementedError

    def _book_and_reconcile(self):
        """Book what is known and not booked yet, and reconcile it; safe to call again."""
        raise NotImplementedError

    def _write_changes(self, values):
        """Write only what differs: nothing is tracked or locked for nothing."""
        self.ensure_one()
        if changed := {name: value for name, value in values.items() if self[name] != value}:
            self.sudo().write(changed)

    def _try(self, step, *args):
        """Do one step of the books in a savepoint, all at once; one by one where it is refused.

        Why it is refused is kept where the accountant looks; what is known stays, and the step is
        done the next time.

        :param str step: a method that takes the arguments.
        :return: whether it was done for all of them.
        :rtype: bool
        :raise GatewayError: what the provider answers.
        """
        if not self:
            return True
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                getattr(self, step)(*args)
        except (GatewayError, psycopg2.OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a module, or the database, may refuse
            if len(self) > 1:
                return all([record._try(step, *args) for record in self])
            self._note_refusal(error)
            return False
        return True

    def _note_refusal(self, error):
        """Keep where the accountant looks why something could not be booked, in plain words.

        :param Exception error: what went wrong.
        """
        self.ensure_one()
        provider = self.provider_id.with_env(self.env)
        none = self.env['account.account']
        # Neither taxes nor customers' items are in its entries.
        problem = provider._pay_now_refused_books(error, receivables=none, taxes=(), discounts=())
        self._note_problem('books', problem=problem)

    def _note_problem(self, code, **values):
        """Keep what is the matter, in place of what was before.

        :param str code: of `_problem_sentences`.
        :param values: of the sentence, plain JSON.
        """
        self.ensure_one()
        self._write_changes({'problem_codes': [[code, values]]})

    def _problem_sentences(self):
        """Return what the codes of the problem say about the record, in the reader's language.

        :return: as of `pay.now.reason.mixin`.
        :rtype: dict
        """
        self.ensure_one()

        def books(problem):
            text = self.provider_id._pay_now_books_problem_label(problem)
            return f'{text[:1].upper()}{text[1:]}'

        return {**self._reason_sentences(), 'books': books}

    # === BUSINESS METHODS - RECONCILING === #

    @api.model
    def _reconcile_open(self, plan):
        """Reconcile each set of journal items as far as it is open, all of them at once.

        A set whose open items are all on one side has nothing to reconcile, and is left out.

        :param list plan: `account.move.line` of one account each.
        """
        todo = []
        for lines in plan:
            left = lines.filtered(lambda line: not line.reconciled)
            if len({line.balance > 0 for line in left if line.balance}) == 2:
                todo.append(left)
        if todo:
            self.env['account.partial.reconcile']._pay_now_reconcile(todo)
