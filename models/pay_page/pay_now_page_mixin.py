# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import secrets
from datetime import timedelta
from urllib.parse import urlencode

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools.misc import formatLang, get_lang

from odoo.addons.account_pay_now import const, public_values, utils
from odoo.addons.account_pay_now.models.payment.payment_transaction_checkout import lock_fresh
from odoo.addons.account_pay_now.utils import PayerError

# What is read for the page, instead of all that its records have. Whatever is asked for besides is
# read as ever, with all the fields of its record: nothing depends on these lists but the time.
#: Of the items: one query, and none for each.
ITEM_FIELDS = (
    'move_id',
    'company_id',
    'currency_id',
    'account_id',
    'date',
    'date_maturity',
    'discount_date',
    'amount_currency',
    'amount_residual',
    'amount_residual_currency',
    'no_followup',
)
#: And of their invoices.
INVOICE_FIELDS = (
    'name',
    'state',
    'move_type',
    'payment_state',
    'company_id',
    'currency_id',
    'amount_total',
    'amount_residual',
    'partner_id',
    'commercial_partner_id',
    'preferred_payment_method_line_id',
    'invoice_date',
    'invoice_origin',
    'ref',
    'payment_reference',
    'partner_bank_id',
    'pay_now_excluded',
    'pay_now_excluded_until',
)
COMPANY_FIELDS = (
    'name',
    'active',
    'partner_id',
    'parent_id',
    'parent_path',
    'currency_id',
    'email',
    'phone',
    'uses_default_logo',
    'email_primary_color',
    'email_secondary_color',
    'pay_now_signup_date',
    'pay_now_test_email',
    'pay_now_reminder_accounting',
    'pay_now_reminder_sales',
    'pay_now_any_method_accounting',
    'pay_now_any_method_sales',
    'pay_now_partial',
    'pay_now_answer_paid',
    'pay_now_answer_promise',
    'pay_now_answer_problem',
    'pay_now_promise_days',
    'pay_now_transfer_first',
    *const.PLAN_FIELDS,
)
PARTNER_FIELDS = ('name', 'lang', 'tz', 'email', 'commercial_partner_id')
IDENTITY_FIELDS = ('vat', 'company_registry', 'commercial_company_name')
COUNTRY_FIELDS = ('name', 'code', 'address_format', 'vat_label')
CURRENCY_FIELDS = ('name', 'symbol', 'position', 'rounding', 'decimal_places')


class PayNowPageMixin(models.AbstractModel):
    """A document whose items can be paid, or answered, on a public page by an unguessable address.

    The token opens nothing but the pay page of its own document, lapses, and can be revoked.

    Its items, and the payment that the customer starts with some of them.
    """

    _name = 'pay.now.page.mixin'
    _description = "Pay Now link"

    pay_now_token = fields.Char(string="Pay page token", copy=False, groups='base.group_system')
    pay_now_token_expiry = fields.Date(string="Pay page link valid until", copy=False)

    #: The part of the address that names the kind of document.
    _pay_now_kind = ''

    # === ACTION METHODS === #

    def action_pay_now_revoke_link(self):
        """Make every address mailed for these documents stop working.

        What was started there, and is not paid, ends with it.
        """
        self.check_access('write')
        documents = self.sudo()
        transactions = self.env['payment.transaction'].sudo()
        pages = [one._pay_now_path() for one in documents if one.pay_now_token]
        transactions.search(
            transactions._pay_now_opened_domain() & Domain('pay_now_page_url', 'in', pages)
        )._pay_now_end_soon('revoked')
        documents.write({'pay_now_token': False, 'pay_now_token_expiry': False})

    # === BUSINESS METHODS - LINK === #

    def _pay_now_customer(self):
        """Return whose items the document is about: nobody else's are shown, mailed or paid.

        :return: a commercial partner, none of an empty record.
        :rtype: res.partner
        """
        return self.partner_id.commercial_partner_id

    def _pay_now_payer(self):
        """Return who pays on the page: the contact, as long as it is one of the customer's.

        :rtype: res.partner
        """
        partner, customer = self.partner_id, self._pay_now_customer()
        return partner if partner.commercial_partner_id == customer else customer

    def _pay_now_lines(self):
        """Return the journal items the page is about, open or not: those still its customer's.

        :rtype: account.move.line
        """
        return self._pay_now_linked_lines()._pay_now_of(self._pay_now_customer(), self.company_id)

    def _pay_now_linked_lines(self):
        """Return the journal items that the document has a link to, whoever's they are by now.

        To be given by each document, and asked for by `_pay_now_lines` only.

        :rtype: account.move.line
        """
        return self.env['account.move.line']

    def _pay_now_lines_domain(self):
        """Return the domain of the journal items that the document has a link to.

        To be read with `_pay_now_customer_domain`.

        :rtype: odoo.fields.Domain
        """
        return Domain('id', 'in', self._pay_now_linked_lines().ids)

    def _pay_now_customer_domain(self):
        """Return the domain of what the page may show at all: items of its customer.

        :rtype: odoo.fields.Domain
        """
        return self.env['account.move.line']._pay_now_of_domain(
            self._pay_now_customer(), self.company_id
        )

    def _pay_now_url(self, **params):
        """Return the address of the document's pay page (see `_pay_now_urls`).

        :param params: query parameters.
        :rtype: str
        """
        self.ensure_one()
        return self._pay_now_urls(**params)[self]

    def _pay_now_urls(self, **params):
        """Return the addresses of the documents' pay pages, making tokens where needed.

        What has lapsed stays so: whoever reads an address renews nothing (see `_pay_now_prolong`).

        :param params: query parameters.
        :return: `{document: address}`
        :rtype: dict
        """
        made = self.sudo().browse()
        for document in self.sudo():
            vals = document._pay_now_link_binding()
            if not document._pay_now_has_link():
                document.write({**vals, 'pay_now_token': secrets.token_urlsafe(24)})
                made |= document
            elif any(document[name].id != value for name, value in vals.items()):
                document.write(vals)
        made._pay_now_prolong()
        query = f'?{urlencode(params)}' if params else ''
        return {
            document: f'{document.get_base_url()}{document._pay_now_path()}{query}'
            for document in self
        }

    def _pay_now_prolong(self):
        """Let the validity of addresses start again, as a message with them leaves.

        :return: None
        """
        expiry = fields.Date.today() + timedelta(days=const.LINK_VALIDITY_DAYS)
        self.sudo().filtered(
            lambda one: one.pay_now_token and one.pay_now_token_expiry != expiry
        ).pay_now_token_expiry = expiry

    def _pay_now_path(self):
        """Return the path of the pay page. The token must exist."""
        self.ensure_one()
        return f'/pay_now/{self._pay_now_kind}/{self.id}/{self.sudo().pay_now_token}'

    def _pay_now_check_token(self, token):
        """Tell whether a token opens this document's page now.

        :param str token: what came in the address.
        :rtype: bool
        """
        record = self.sudo()
        record.fetch(self._pay_now_document_fields())
        opens = (
            # None where the address has no number.
            record
            and utils.same_secret(record.pay_now_token, token)
            and record.pay_now_token_expiry
            and record.pay_now_token_expiry >= fields.Date.today()
        )
        if opens:
            # Whose address it is can be told of what the page needs of them anyway.
            record._pay_now_fetch_parties()
        return bool(opens and record._pay_now_has_link())

    def _pay_now_has_link(self):
        """Tell whether the address mailed last, lapsed or not, is still of this document.

        :rtype: bool
        """
        self.ensure_one()
        return bool(self.pay_now_token)

    def _pay_now_link_binding(self):
        """Return whose address it is that is mailed now, where the document may be given away.

        :return: values of many2one fields.
        :rtype: dict
        """
        return {}

    # === BUSINESS METHODS - OPENING === #

    def _pay_now_awaits_opening(self):
        """Tell whether it is to be noted that somebody looks at the page.

        :rtype: bool
        """
        return False

    def _pay_now_note_opened(self):
        """Note that somebody looked at the page, where that is to be noted.

        Nobody waits for it: where the row is somebody else's just now, the next visit counts.
        """

    # === BUSINESS METHODS - ITEMS === #

    def _pay_now_page_items(self):
        """Sort the items of the page by what can be done with them.

        :return: `(open lines, payable lines, {line: code of the reason})`.
        :rtype: tuple
        """
        return self._pay_now_page_lines()[:3]

    def _pay_now_page_lines(self):
        """Sort the items of the page by what can be done with them, and find what is deducted.

        :return: as `_pay_now_page_items`, and the credit notes (see `_pay_now_credits`).
        :rtype: tuple
        """
        self.ensure_one()
        lines, found = self._pay_now_search_lines()
        in_progress = (lines | found)._pay_now_in_progress()
        reasons = dict.fromkeys(lines & in_progress, 'in_progress')
        free = lines - in_progress
        refusals = self._pay_now_page_refusals(free)
        for line in free if refusals else ():
            if code := refusals.get(line.move_id):
                reasons[line] = code
        payable = lines - lines.browse([line.id for line in reasons])
        credits = (found - in_progress)._pay_now_deductible(payable)
        return lines, payable, reasons, credits

    def _pay_now_search_lines(self):
        """Read the open items of the page and the open credit notes that it may show.

        In one search: most of what it takes is the same for both.

        :return: both, in the order in which they are shown.
        :rtype: tuple(account.move.line, account.move.line)
        """
        Line = self.env['account.move.line']
        lines = self._pay_now_lines_domain()
        items = Line._pay_now_open_items_domain() & lines
        credits = Line._pay_now_open_credits_domain() & self._pay_now_credit_scope(lines)
        found = (
            Line.search_fetch(
                (items | credits) & self._pay_now_customer_domain(), ITEM_FIELDS, order='id'
            )
            # The search puts its domain into the context.
            .with_env(self.env)
        )
        found.move_id.fetch(INVOICE_FIELDS)
        owed = found.filtered(lambda line: line.amount_residual > 0)
        return (
            owed.sorted(lambda line: (line.date_maturity or line.date, line.id)),
            (found - owed).sorted(lambda line: (line.date, line.id)),
        )

    def _pay_now_page_refusals(self, free):
        """Return why invoices of the page cannot be paid on it.

        :param account.move.line free: items of the document that no payment is on its way for.
        :return: `{invoice: code}`.
        :rtype: dict
        """
        return free.move_id._pay_now_refusals('page', free=free)

    def _pay_now_mailed_refusals(self, free):
        """Return why invoices cannot be paid on a page that a mail about all of them leads to.

        It offers no more than the mail: what a reminder has no button for is not paid here.

        :param account.move.line free: see `_pay_now_page_refusals`.
        :return: `{invoice: code}`.
        :rtype: dict
        """
        refusals = free.move_id._pay_now_refusals('page', free=free)
        offered = free.move_id.filtered(lambda move: move not in refusals)
        sold = offered._pay_now_from_sales()
        for application, moves in (('sales', sold), ('accounting', offered - sold)):
            for company in moves.company_id:
                if not company._pay_now_option('reminder', application):
                    mine = moves.filtered(lambda move, company=company: move.company_id == company)
                    refusals.update(dict.fromkeys(mine, 'option'))
        if offered.preferred_payment_method_line_id:
            for move in offered.filtered(lambda move: move not in refusals):
                if move._pay_now_other_method():
                    refusals[move] = 'method'
        if any(offered.company_id.sudo().mapped('pay_now_hold_out')):
            for move in offered.filtered(lambda move: move not in refusals):
                if move._pay_now_is_held_out():
                    refusals[move] = 'hold_out'
        return refusals

    def _pay_now_credits(self, payable):
        """Return the open credit notes that can be deducted from some items.

        :param account.move.line payable: the items that can be ticked.
        :rtype: account.move.line
        """
        self.ensure_one()
        if not payable:
            return payable
        found = self._pay_now_search_lines()[1]
        return (found - found._pay_now_in_progress())._pay_now_deductible(payable)

    def _pay_now_credits_of(self, chosen):
        """Return what is chosen of the credit notes that this page may show at all.

        :param set chosen: ids of the ticked items.
        :rtype: account.move.line
        """
        others = chosen - set(self._pay_now_lines().ids)
        Line = self.env['account.move.line']
        if not others:
            return Line
        return Line.search(
            Domain('id', 'in', list(others))
            & self._pay_now_credit_scope()
            & self._pay_now_customer_domain()
        )

    def _pay_now_credit_scope(self, lines=None):
        """Return the domain of the credit notes that may be deducted on this page.

        Of the customer's, which is not to be said again. Whoever holds the address sees them: to be
        given by each document.

        :param odoo.fields.Domain lines: of the page's items (`_pay_now_lines_domain`), where the
            caller has asked for it: reading it takes queries.
        :rtype: odoo.fields.Domain
        """
        return Domain.FALSE

    def _pay_now_asked_values(self, payable, payable_text, most):
        """Return what a mail's button asks for: as much as is ticked on the page it opens.

        :param account.move.line payable: the items with a button.
        :param str payable_text: all of them, written as an amount.
        :param float most: see `account.move.line._pay_now_at_once`.
        :return: `asked` (the items), `amount`, and `parts_text` where it is not all of them.
        :rtype: dict
        """
        asked = payable._pay_now_at_once(most)
        if asked == payable:
            return {'asked': asked, 'amount': payable_text, 'parts_text': False}
        text = formatLang(self.env, asked._pay_now_amount_to_pay(), currency_obj=asked.currency_id)
        return {
            'asked': asked,
            'amount': text,
            'parts_text': self.env._(
                "It cannot be paid online all at once: the button is for %(amount)s, and the same"
                " page for the rest after that.",
                amount=text,
            ),
        }

    def _pay_now_amount_writer(self, currency):
        """Return what writes amounts as `res.currency.format` does, for many of them.

        :param res.currency currency: the currency of the amounts.
        :rtype: function
        """
        lang = get_lang(self.env)
        if lang.grouping != '[3,0]':
            return currency.format
        # As in most languages, and as Python groups digits itself.
        marks = {
            ord('.'): lang.decimal_point,
            ord(','): (lang.thousands_sep or '').replace(' ', '\N{NO-BREAK SPACE}'),
            ord('-'): '-\N{ZERO WIDTH NO-BREAK SPACE}',
        }
        pattern = f',.{currency.decimal_places}f'
        symbol = currency.symbol or ''
        before, after = '', f'\N{NO-BREAK SPACE}{symbol}'
        if currency.position == 'before':
            before, after = f'{symbol}\N{NO-BREAK SPACE}', ''
        return lambda amount: f'{before}{format(amount, pattern).translate(marks)}{after}'

    # === BUSINESS METHODS - ANSWERS === #

    def _pay_now_answer_kinds(self):
        """Return what the customer may say on this page.

        :return: codes of `const.ANSWER_KINDS`.
        :rtype: list
        """
        self.ensure_one()
        company = self.company_id
        return [kind for kind, _name in const.ANSWER_KINDS if company[f'pay_now_answer_{kind}']]

    # === BUSINESS METHODS - PAYMENT === #

    def _pay_now_lock(self, moves):
        """Lock entries: whoever else pays or changes their items right now has to wait.

        :param account.move moves: those that the customer is about to pay or to answer.
        :raise PayerError: somebody else takes long.
        :raise ConcurrencyError: somebody else was first; the request is done again.
        """
        if not lock_fresh(moves, const.PAYER_WAITS):
            raise PayerError(
                self.env._("These items are being changed right now. Please try again in a moment.")
            )

    def _pay_now_typed_amount(self, value):
        """Read an amount as it is typed in the customer's language.

        :param str value: e.g. 1 234,50.
        :return: in major units; None when nothing was typed.
        :rtype: float | None
        :raise PayerError: that is no amount.
        """
        if not (value or '').strip():
            return None
        lang = self.env['res.lang']._get_data(code=self.env.lang or 'en_US')
        amount = public_values.amount(value, lang.decimal_point)
        if amount is None:
            raise PayerError(self.env._("“%s” is not an amount.", value))
        return amount

    def _pay_now_typed_email(self, value):
        """Read the address of the receipt.

        :param str value: what was typed.
        :return: empty when nothing was typed.
        :rtype: str
        :raise PayerError: that is no address.
        """
        if not (value or '').strip():
            return ''
        email = utils.single_email(value)
        if not email:
            raise PayerError(self.env._("“%s” is not an e-mail address.", value))
        return email

    def _pay_now_start(self, chosen, provider_id, amount=None, email='', lang=''):
        """Create the transaction for the ticked items: the server decides what they cost.

        :param set chosen: ids of the ticked items, credit notes included.
        :param int provider_id: the provider chosen.
        :param float amount: less than that, where the company allows it.
        :param str email: where the receipt goes when the customer has no address.
        :param str lang: the language chosen on the page, empty for the customer's.
        :rtype: payment.transaction
        :raise PayerError: in the customer's language.
        """
        self.ensure_one()
        if not chosen:
            raise PayerError(self.env._("Tick what you want to pay."))
        offered = self.company_id._pay_now_providers()
        provider = offered.filtered(lambda one: one.id == provider_id)
        if not provider:
            raise PayerError(self.env._("This way of paying is not available now."))
        _open_lines, payable, _reasons, credits = self._pay_now_page_lines()
        payable |= credits
        lines = payable.filtered(lambda line: line.id in chosen)
        if chosen - set(payable.ids):
            raise PayerError(
                self.env._("The amounts have changed meanwhile. Please check them and try again.")
            )
        parts = self._pay_now_chosen_parts(lines, amount)
        # What is refused anyway stands in nobody's way. Whatever was read until here is of one
        # moment; where somebody changed it since, the locks fail, and the request is done again.
        rate = self.env['pay.now.rate']._hold(self, 'checkout')
        self._pay_now_lock(self._pay_now_lines().move_id | self._pay_now_credits_of(chosen).move_id)
        return self.env['payment.transaction']._pay_now_create(
            provider,
            self._pay_now_payer(),
            lines,
            parts=parts,
            page_url=self._pay_now_path(),
            email=email,
            lang=lang,
            allow=lambda: rate._spend(self),
        )

    def _pay_now_choice_problem(self, chosen):
        """Return why the ticked items cannot be paid together.

        :param set chosen: ids of the ticked items, credit notes included.
        :return: a sentence for the customer, empty where they can.
        :rtype: str
        """
        _open_lines, payable, _reasons, credits = self._pay_now_page_lines()
        lines = (payable | credits).filtered(lambda line: line.id in chosen)
        if len(lines._pay_now_groups()) < 2:
            return ''
        return self.env['payment.transaction']._pay_now_groups_problem()

    def _pay_now_chosen_parts(self, lines, amount):
        """Return what is paid of each item chosen.

        :param account.move.line lines: the items chosen, credit notes included.
        :param float amount: what the payer typed; None for all of it.
        :return: as `account.move.line._pay_now_parts`.
        :rtype: dict
        :raise PayerError: in the customer's language.
        """
        parts = lines._pay_now_parts()
        if amount is None or not lines or len(lines.currency_id) > 1:
            return parts
        currency = lines.currency_id
        total = sum(part for part, _discount in parts.values())
        more = currency.compare_amounts(amount, total)
        if not more:
            return parts
        if not self.company_id.pay_now_partial:
            raise PayerError(
                self.env._("The amounts have changed meanwhile. Please check them and try again.")
            )
        if more > 0:
            raise PayerError(
                self.env._("This is more than what you chose to pay: %s.", currency.format(total))
            )
        if currency.compare_amounts(amount, 0) <= 0:
            raise PayerError(self.env._("Please type an amount above zero."))
        return lines._pay_now_parts(amount)

    # === BUSINESS METHODS - READING === #

    def _pay_now_document_fields(self):
        """Return which fields of the document its page needs.

        :rtype: list
        """
        return ['pay_now_token', 'pay_now_token_expiry', 'company_id', 'partner_id']

    def _pay_now_parties(self):
        """Return the contacts that the page is about.

        :rtype: res.partner
        """
        return self.company_id.partner_id | self.partner_id

    def _pay_now_fetch_parties(self):
        """Read the company and the customer, each with what belongs to it, in one query a model."""
        self.ensure_one()
        company = self.company_id
        company.fetch(COMPANY_FIELDS)
        self._pay_now_parties().fetch(
            {*PARTNER_FIELDS, *IDENTITY_FIELDS, *company.partner_id._display_address_depends()}
        )
        company.partner_id.country_id.fetch(COUNTRY_FIELDS)
        company.currency_id.fetch(CURRENCY_FIELDS)
