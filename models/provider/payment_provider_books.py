# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date, format_datetime

from odoo.addons.account_pay_now.models.provider import problems
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__)
#: The database's own guard of the numbers of entries.
UNIQUE_NAME = 'account_move_unique_name'


class PaymentProvider(models.Model):
    """Why the books refuse what the provider confirmed, in plain words, and what can be known of it
    beforehand.

    What Odoo or the database raise is for the log: the cause is looked for in the set-up. Like the
    problems of a connection it is kept as a code with its values (see `problems`).
    """

    _inherit = 'payment.provider'

    # Its code: read by the health light, which is asked for much too often to look each time.
    pay_now_books_problem = fields.Char(string="Problem of the books", readonly=True, copy=False)
    pay_now_books_problem_values = fields.Json(
        string="Values of the problem of the books", readonly=True, copy=False
    )

    # === BUSINESS METHODS - WHAT CAN BE KNOWN === #

    def _pay_now_note_books(self):
        """Look at what the books need, and keep what is missing for the health light."""
        for provider in self.sudo():
            problem = next(provider._pay_now_books_problems(), False)
            values = problems.values_of('pay_now_books_problem', problem)
            if any(provider[name] != value for name, value in values.items()):
                provider.sudo().write(values)

    def _pay_now_books_problems(
        self, receivables=None, taxes=None, discounts=None, commission=None
    ):
        """Find what keeps entries from being made, the most pressing first.

        :param account.account receivables: the accounts that the money goes to; those of all open
            items by default.
        :param res.company taxes: in whose books taxes become due by the payment; by default the
            provider's, as soon as it has such taxes.
        :param res.company discounts: who grants a discount; by default as of the taxes.
        :param bool commission: whether one is booked; a missing account has a light of its own.
        :return: problems, each a dict of `code` and the values of its sentence.
        :rtype: generator of dict
        """
        self.ensure_one()
        provider = self.with_company(self.company_id)
        journal = provider.journal_id
        if not journal or not journal.active:
            yield {'code': 'journal', 'name': journal.display_name or ''}
        if receivables is None:
            receivables = provider._pay_now_archived_receivables()
        clearing = provider.pay_now_clearing_account_id
        if not clearing:
            yield {'code': 'clearing'}
        lines = journal.inbound_payment_method_line_ids.filtered(
            lambda line: line.payment_provider_id == provider
        )
        if lines and not lines.payment_account_id:
            yield {'code': 'without_entry'}
        yield from self._pay_now_archived(clearing | receivables)
        yield from provider._pay_now_tax_problems(taxes)
        yield from provider._pay_now_discount_problems(discounts)
        if journal and provider._pay_now_numbering_fails(journal):
            yield {'code': 'numbering', 'name': journal.display_name}
        fee, disputed = provider.pay_now_commission_account_id, provider.pay_now_disputed_account_id
        if commission and not fee:
            yield {'code': 'commission'}
        if commission is not False:
            yield from self._pay_now_archived(fee | disputed)
            yield from self._pay_now_archived_taxes()

    def _pay_now_archived(self, accounts):
        return [
            {'code': 'account', 'name': f'{account.code} {account.name}'}
            for account in accounts.with_company(self.company_id)
            if not account.active
        ]

    def _pay_now_archived_taxes(self):
        """Return the archived ones among the taxes that were chosen for commissions.

        :rtype: list of dict
        """
        chosen = self.pay_now_commission_taxes == 'chosen' and self.pay_now_commission_tax_ids
        return [{'code': 'tax', 'name': tax.name} for tax in chosen or () if not tax.active]

    def _pay_now_archived_receivables(self):
        """Return the archived accounts that items of customers are open on.

        :rtype: account.account
        """
        Account = self.env['account.account'].with_context(active_test=False)
        archived = Account.search(
            Domain(Account._check_company_domain(self.company_id))
            & Domain('account_type', '=', 'asset_receivable')
            & Domain('active', '=', False)
        )
        Line = self.env['account.move.line']
        return archived.filtered(
            lambda account: Line.search_count(
                Domain('account_id', '=', account.id)
                & Domain('parent_state', '=', 'posted')
                & Domain('reconciled', '=', False)
                & Domain('company_id', 'child_of', self.company_id.id),
                limit=1,
            )
        )

    def _pay_now_tax_problems(self, companies):
        """Find out whether taxes that become due by a payment have their journal.

        :param res.company companies: see `_pay_now_books_problems`.
        :rtype: generator of dict
        """
        if companies is None:
            company, Tax = self.company_id, self.env['account.tax']
            wanted = company.tax_exigibility and Tax.search_count(
                Domain(Tax._check_company_domain(company))
                & Domain('tax_exigibility', '=', 'on_payment')
                & Domain('type_tax_use', '=', 'sale'),
                limit=1,
            )
            companies = company if wanted else company.browse()
            companies |= self._pay_now_branches_of(
                Domain('line_ids.tax_line_id.tax_exigibility', '=', 'on_payment')
            )
        for company in companies:
            journal = company.tax_cash_basis_journal_id
            if not journal.active:
                name = journal.display_name or ''
                yield {'code': 'cash_basis', 'name': name, 'company': company.name}

    def _pay_now_discount_problems(self, companies):
        """Find out whether early payment discounts have their account.

        :param res.company companies: see `_pay_now_books_problems`.
        :rtype: generator of dict
        """
        if companies is None:
            company, Term = self.company_id, self.env['account.payment.term']
            wanted = Term.search_count(
                Domain(Term._check_company_domain(company)) & Domain('early_discount', '=', True),
                limit=1,
            )
            companies = company if wanted else company.browse()
            companies |= self._pay_now_branches_of(
                Domain('invoice_payment_term_id.early_discount', '=', True)
            )
        for company in companies:
            account = company.account_journal_early_pay_discount_loss_account_id
            if not account.active:
                name = account.display_name or ''
                yield {'code': 'discount', 'name': name, 'company': company.name}

    def _pay_now_branches_of(self, domain):
        """Return the branches that have open invoices of a kind: each has books of its own.

        :param Domain domain: of invoices.
        :rtype: res.company
        """
        company = self.company_id
        found = self.env['account.move']._read_group(
            Domain('company_id', 'child_of', company.id)
            & Domain('company_id', '!=', company.id)
            & Domain('move_type', '=', 'out_invoice')
            & Domain('state', '=', 'posted')
            & Domain('payment_state', 'in', ('not_paid', 'partial', 'in_payment'))
            & domain,
            ['company_id'],
        )
        return company.browse().union(*(branch for (branch,) in found))

    def _pay_now_numbering_fails(self, journal):
        """Tell whether the entries of a journal cannot be numbered: somebody named one otherwise.

        :param account.journal journal: of the provider.
        :rtype: bool
        """
        move = self.env['account.move'].new(
            {'move_type': 'entry', 'journal_id': journal.id, 'date': self._pay_now_booking_date()}
        )
        try:
            move._get_next_sequence_format()
        except UserError:
            return True
        return False

    # === BUSINESS METHODS - WHY IT WAS REFUSED === #

    def _pay_now_refused_books(self, error, **about):
        """Return the problem that keeps something out of the books, as it may be kept.

        The raw error is written into the log, and nowhere else.

        :param Exception error: what was raised.
        :param dict about: what is to be booked, see `_pay_now_books_problems`.
        :rtype: dict
        """
        self.ensure_one()
        if isinstance(error, psycopg2.OperationalError):
            _logger.info("The books of %s are busy: %s", self.name, error)
            return {'code': 'busy'}
        if isinstance(error, problems.BooksRefusal):
            return error.problem
        _logger.warning("The books of %s refused: %s", self.name, error, exc_info=True)
        if problem := next(self._pay_now_books_problems(**about), None):
            return problem
        if isinstance(error, UserError):
            code = 'locked' if problems.is_of_lock_date(error) else 'answer'
            return {'code': code, 'text': str(error)}
        if getattr(getattr(error, 'diag', None), 'constraint_name', None) == UNIQUE_NAME:
            return {'code': 'numbering', 'name': self.journal_id.display_name}
        return {'code': 'unexpected', 'at': fields.Datetime.to_string(fields.Datetime.now())}

    def _pay_now_plain_error(self, error):
        """Return what is told to people of an error, in the context's language.

        :param Exception error: anything; the raw error is written into the log.
        :rtype: str
        """
        text = self._pay_now_books_problem_label(self._pay_now_refused_books(error))
        return f'{text[:1].upper()}{text[1:]}'

    def _pay_now_books_problem_label(self, problem):
        """Return why the books refuse something, and what to do, in the reader's language.

        :param problem: see `_pay_now_books_problems` and `_pay_now_refused_books`.
        :type problem: dict | bool
        :return: a sentence; empty without a problem.
        :rtype: str
        """
        self.ensure_one()
        if not problem:
            return ''
        if problem['code'] == 'answer':
            # Written for people by whoever refused it, Odoo or another module.
            return problem['text']
        values = {'provider': self._pay_now_short_name(), **problem}
        if 'at' in problem:
            at = fields.Datetime.to_datetime(problem['at'])
            values['at'] = format_datetime(self.env, at)
        if 'date' in problem:
            values['date'] = format_date(self.env, problem['date'])
        return self._pay_now_books_labels()[problem['code']] % values

    def _pay_now_booked_notification(self, left):
        """Return the notification of what came of *Book now*, after which the screen shows it too.

        :param str left: why something is still not booked; empty where all is.
        :return: a client action.
        :rtype: dict
        """
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'warning' if left else 'success',
                'message': left or self.env._("Booked."),
                'sticky': bool(left),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def _pay_now_books_warning(self):
        """Return what the health light says about the books, in the reader's language.

        :rtype: str
        """
        self.ensure_one()
        problem = {
            **(self.pay_now_books_problem_values or {}),
            'code': self.pay_now_books_problem,
        }
        return self.env._(
            "What is paid cannot be booked: %(problem)s Until then payments are kept as received.",
            problem=self._pay_now_books_problem_label(problem),
        )

    def _pay_now_books_labels(self):
        """Return the sentences about the books, by code.

        :rtype: dict
        """
        return {
            'journal': self.env._(
                "the journal %(name)s is archived. Make it active again, or choose another one for"
                " %(provider)s."
            ),
            'clearing': self.env._("%(provider)s has no clearing account. Choose one."),
            'account': self.env._(
                "the account %(name)s is archived. Make it active again in the chart of accounts."
            ),
            'tax': self.env._(
                "the tax %(name)s is archived. Choose another one for the commissions of"
                " %(provider)s."
            ),
            'cash_basis': self.env._(
                "the taxes are due on payment, and there is no active journal for that in"
                " %(company)s. Choose the Tax Cash Basis Journal in the settings of Invoicing."
            ),
            'discount': self.env._(
                "there is no active account for early payment discounts in %(company)s. Choose it"
                " in the settings of Invoicing, under Default Accounts."
            ),
            'commission': self.env._(
                "%(provider)s has no commission account. Choose one (step 4)."
            ),
            'numbering': self.env._(
                "the entries of the journal %(name)s cannot be numbered. Look at the number of its"
                " last entry."
            ),
            'without_entry': self.env._(
                "Odoo made a payment without an entry. Choose the clearing account as outstanding"
                " account of %(provider)s in its journal."
            ),
            **self._pay_now_missing_labels(),
            **self._pay_now_unknown_labels(),
        }

    def _pay_now_missing_labels(self):
        return {
            'transfer': self.env._(
                "there is no internal transfer account. Choose it in the settings of Invoicing,"
                " under Default Accounts."
            ),
            'rate': self.env._(
                "there is no exchange rate of %(currency)s on %(date)s. Enter one in the settings"
                " of Invoicing, under Currencies."
            ),
            'disputed': self.env._(
                "%(provider)s has no account for disputed payments. Choose one (step 4)."
            ),
            'dispute_currency': self.env._(
                "%(provider)s moved another currency. Book this dispute by hand."
            ),
            'reversed': self.env._(
                "%(payment)s was reversed by hand. Undo that, or book the loss by hand too."
            ),
        }

    @api.model
    def _pay_now_unknown_labels(self):
        return {
            'locked': self.env._(
                "the books are closed for the day of an entry. Open that period again, or add an"
                " exception to its lock date, then book it. In the words of whatever refuses it:"
                "\n%(text)s"
            ),
            'busy': self.env._(
                "somebody else is changing the same entries. It is booked as soon as they have"
                " finished."
            ),
            'unexpected': self.env._(
                "Odoo could not write the entry. Show this to your administrator: the details are"
                " in the server's log of %(at)s."
            ),
        }
