# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.models.einvoice.account_move import HOLD_FIELDS
from odoo.addons.account_pay_now.models.pay_page.pay_now_page_mixin import (
    INVOICE_FIELDS,
    ITEM_FIELDS,
)

#: What is read of the items and their invoices: one query each, for the whole batch.
ITEM_FIELDS = (*ITEM_FIELDS, 'partner_id')
INVOICE_FIELDS = (
    *INVOICE_FIELDS,
    'invoice_date',
    'invoice_user_id',
    'pay_now_excluded_reason',
    *HOLD_FIELDS,
)
CONTACT_FIELDS = (
    *('name', 'email', 'street', 'city', 'zip', 'lang'),
    'commercial_partner_id',
    'company_id',
    'active',
    'user_id',
    'parent_id',
    'pay_now_contact_id',
    'pay_now_refused_email',
)


class PayNowReminder(models.Model):
    """What the books say of reminders: their items, levels, customers, and what holds them.

    Asked for a batch at once: the number of queries does not depend on the number of customers.
    """

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - ITEMS === #

    def _open_items(self):
        """Return the items still to be reminded of: open, and not held by themselves.

        :rtype: account.move.line
        """
        self.ensure_one()
        return self._sort_items()[self][0]

    def _sort_items(self):
        """Sort the items of each reminder by whether something is to be said about them.

        From Sales, those outside the scope of the run are left out.

        :return: `{reminder: (open items, {held item: code of the reason})}`.
        :rtype: dict
        """
        Line = self.env['account.move.line']
        lines = Line.search_fetch(
            Line._pay_now_open_items_domain() & Domain('id', 'in', self.item_ids.ids), ITEM_FIELDS
        )
        lines.move_id.fetch(INVOICE_FIELDS)
        holds = lines._pay_now_holds()
        self.partner_id.fetch(CONTACT_FIELDS)
        found = set(lines.ids)
        sorted_items = {}
        for reminder in self:
            own = Line.browse(one for one in reminder.item_ids._ids if one in found)
            own = own._pay_now_of(reminder._pay_now_customer(), reminder.company_id)
            held = {line: holds[line] for line in own if line in holds}
            sorted_items[reminder] = (own.filtered(lambda line, held=held: line not in held), held)
        return self._items_within_scope(sorted_items)

    def _find_contact(self, lines):
        """Return whom to write to.

        The contact chosen for it, the newest invoice's contact with an e-mail, or the customer.
        Where none of them has an e-mail, whoever has a postal address is preferred. Contacts that
        may not be written to any more are passed over (see `_contact_problem`).

        :param account.move.line lines: what is open.
        :rtype: res.partner
        """
        customer = self._pay_now_customer()
        # Maybe out of the user's reach by now.
        chosen = customer.sudo().pay_now_contact_id
        if chosen and not self._contact_problem(chosen):
            return chosen.with_env(self.env)
        contacts = lines.move_id.partner_id
        if len(contacts) > 1:
            contacts = lines.sorted('date', reverse=True).move_id.partner_id
        contacts = contacts.filtered(lambda contact: not self._contact_problem(contact))
        for contact in (*contacts, customer):
            if self._addresses(contact):
                return contact
        return contacts.filtered(self._has_postal_address)[:1] or customer

    def _contact_problem(self, contact):
        """Return why a contact may not be written to about the customer's debts.

        :param res.partner contact: chosen for it once, or an invoice's.
        :return: a code (see `_reason_sentences`), or False.
        :rtype: str | bool
        """
        contact = contact.sudo()
        if self._is_stranger(contact, self._pay_now_customer()):
            return 'contact_stranger'
        if not contact.active:
            return 'contact_archived'
        if contact.email and not self._addresses(contact):
            return 'contact_refused'
        company = contact.company_id
        return bool(company) and company.root_id != self.root_company_id and 'contact_company'

    @api.model
    def _addresses(self, contact):
        """Return the e-mail addresses of a contact, but for one that takes no mails.

        :param res.partner contact: to be written to.
        :rtype: list[str]
        """
        # Out of the user's reach, maybe: nothing of it is shown.
        refused = utils.email_addresses(contact.sudo().pay_now_refused_email)
        return [one for one in utils.email_addresses(contact.email) if one not in refused]

    @api.model
    def _is_stranger(self, contact, customer):
        """Tell whether a contact is another customer's.

        :param res.partner contact: to be written to.
        :param res.partner customer: whose debts it is about.
        :rtype: bool
        """
        return contact.commercial_partner_id.id != customer.id

    def _notes(self, contact):
        """Return what is to be known of the customer, and of whom it is written to instead.

        :param res.partner contact: whom it is written to.
        :return: of `[code, values]` (see `_reason_sentences`).
        :rtype: list
        """
        customer = self._pay_now_customer().sudo()
        notes = [] if customer.active else [['archived', {}]]
        chosen = customer.pay_now_contact_id
        if chosen and chosen.id != contact.id:
            notes.append([self._contact_problem(chosen), {'name': contact.name or ''}])
        return notes

    # === BUSINESS METHODS - LEVELS === #

    def _due_levels(self, items):
        """Return the level of each reminder by what is due and what was sent before.

        :param dict items: `{reminder: the items it is about}`.
        :rtype: dict
        """
        lines = self.env['account.move.line'].union(*items.values())
        history = self._sent_levels(lines)
        due = {}
        for run, reminders in self.grouped('run_id').items():
            levels, known = run._levels(), {}
            start = run.company_id._pay_now_start_of_old_debts(run.date)
            today = max(run.date, fields.Date.context_today(run))
            for reminder in reminders:
                due[reminder] = levels._choose(items[reminder], history, today, start, known)
        return due

    def _sent_levels(self, lines):
        """Return the levels that reminders were sent at, by item.

        To its customer: of a corrected invoice, none of those that the former customer got.

        :return: `{item: levels}`
        :rtype: dict
        """
        groups = self.sudo()._read_group(
            Domain('item_ids', 'in', lines.ids)
            & Domain('level_id', '!=', False)
            & Domain('id', 'not in', self.ids)
            & Domain('state', 'in', ('sent', 'sending', 'uncertain')),
            ['item_ids', 'partner_id', 'company_id'],
            ['level_id:recordset'],
        )
        sent, wanted = {}, set(lines.ids)
        for line, customer, company, levels in groups:
            # The reminders were about other items, too.
            if line.id in wanted and line._pay_now_of(customer, company):
                line, levels = line.with_env(self.env), levels.with_env(self.env)
                sent[line] = sent.get(line, levels) | levels
        return sent

    # === BUSINESS METHODS - HOLDS === #

    def _refresh(self):
        """Recompute amounts, button and hold of each reminder from the books of this moment.

        Called when generating and again as the mails leave.

        :return: `{reminder: the items it is about}` and `{reminder: {invoice: code}}`, see
            `_refusals`.
        :rtype: tuple(dict, dict)
        """
        sorted_items = self._sort_items()
        lines = self.env['account.move.line'].union(*(pair[0] for pair in sorted_items.values()))
        (lines.move_id.partner_id | self.partner_id).fetch(CONTACT_FIELDS)
        about = {reminder: items for reminder, (items, _held) in sorted_items.items()}
        contacts = {reminder: reminder._find_contact(items) for reminder, items in about.items()}
        refusals = self._refusals(about, contacts)
        facts = self._customer_facts()
        levels = {} if self.env['res.company']._pay_now_trial() else self._due_levels(about)
        self.filtered(lambda one: about[one])._take_levels(levels)
        for reminder, (items, held) in sorted_items.items():
            facts[reminder]['contact'] = contacts[reminder]
            vals = reminder._refreshed_values(items, held, refusals[reminder], facts[reminder])
            reminder._write_changed(vals)
        return about, refusals

    def _take_levels(self, levels):
        """Take the levels that are due: never a higher one than a person has seen in the list.

        :param dict levels: `{reminder: level}`.
        """
        taken = {}
        for reminder in self.filtered(lambda one: one in levels and not one.is_level_chosen):
            level, known = levels[reminder], reminder.level_id
            if level != known and (
                reminder.state == 'draft' or not level or level._rank(level) < level._rank(known)
            ):
                taken.setdefault(level, []).append(reminder.id)
        for level, ids in taken.items():
            self.browse(ids).sudo().level_id = level

    def _refreshed_values(self, lines, held, refusals, facts):
        """Return what was found out about one reminder. Nothing is written.

        :param account.move.line lines: the items it is about.
        :param dict held: `{item that is left out: code}`.
        :param dict refusals: `{invoice without a button: code}`.
        :param dict facts: what is known of the customer (see `_customer_facts`), and `contact`.
        :rtype: dict
        """
        payable = lines._pay_now_without(refusals)
        contact = facts['contact']
        vals = {
            'contact_id': contact.id,
            'email': contact.email,
            'channel': self._channel(contact),
            'item_count': len(lines.move_id),
            'oldest_due': min(filter(None, lines.mapped('date_maturity')), default=False),
            'amount_due': sum(lines.mapped('amount_residual')),
            'amount_payable': payable._pay_now_amount_to_pay(),
            'has_button': bool(payable),
            'previous_balance': facts['previous_balance'],
            'is_manual': facts['mode'] == 'manual',
        }
        if hold := self._hold(lines, held, contact, vals, facts):
            vals.update({'state': 'held', 'reason_codes': [hold], 'has_button': False})
        else:
            vals['reason_codes'] = (self._notes(contact) + self._refusal_codes(refusals)) or False
        return vals

    @api.model
    def _refusal_codes(self, refusals):
        """Return why invoices have no button, each reason once.

        :param dict refusals: `{invoice without a button: code}`.
        :return: of `[code, values]`.
        :rtype: list
        """
        codes = []
        for move, code in refusals.items():
            reason = [code, move._pay_now_refusal_values(code)]
            if reason not in codes:
                codes.append(reason)
        return codes

    def _write_changed(self, vals):
        """Write the values that are others: as the mail leaves, all is as it was, mostly.

        :param dict vals: of one reminder.
        """
        changed = {
            name: value
            for name, value in vals.items()
            if self._fields[name].convert_to_write(self[name], self) != value
        }
        if changed:
            self.sudo().write(changed)

    def _hold(self, lines, held, contact, amounts, facts):
        """Return why this customer gets no reminder now.

        :param account.move.line lines: the items it is about.
        :param dict held: `{item that is left out: code}`.
        :param res.partner contact: whom it is written to.
        :param dict amounts: see `_refreshed_values`.
        :param dict facts: see `_customer_facts`.
        :return: `[code, values]` (see `_reason_sentences`), or False.
        :rtype: list | bool
        """
        if facts['mode'] == 'never':
            return ['never', {}]
        if not lines:
            if held:
                line, code = next(iter(held.items()))
                return [code, line._pay_now_hold_values(code)]
            return ['reassigned' if self._is_out_of_scope() else 'nothing_left', {}]
        if problem := self._address_problem(contact, amounts['channel']):
            return [problem, {'email': contact.email} if problem == 'address_refused' else {}]
        return self._customer_hold(amounts, facts)

    def _customer_hold(self, amounts, facts):
        """Return why this customer is left alone for now, whatever is due.

        :param dict amounts: see `_refreshed_values`.
        :param dict facts: see `_customer_facts`.
        :return: `[code, values]` (see `_reason_sentences`), or False.
        :rtype: list | bool
        """
        amount_due = amounts['amount_due']
        compare, to_string = self.currency_id.compare_amounts, fields.Datetime.to_string
        if facts['under_way']:
            return ['under_way', {}]
        if facts['waiting']:
            return ['waiting', {'date': to_string(facts['waiting'])}]
        last_sent = facts['last_sent']
        if not self.level_id:
            if last_sent:
                return ['no_other_level', {'date': to_string(last_sent)}]
            return ['no_level', {}]
        if last_sent and last_sent + timedelta(days=self.level_id.gap_days) > self._now():
            return ['reminded', {'date': to_string(last_sent)}]
        if compare(amount_due, facts['minimum']) < 0:
            return ['minimum', self._amount_reason(facts['minimum'])]
        if compare(facts['credit'], amount_due) >= 0:
            # How much it is, is none of a salesperson's business.
            if self.run_id.sales_user_id:
                return ['some_credit', {}]
            return ['credit', self._amount_reason(facts['credit'])]
        if self._is_own_text_wrong(amount_due, amounts['amount_payable']):
            return ['own_text', {}]
        return False

    def _amount_reason(self, amount):
        """Return the values of a reason that names an amount in the company's currency."""
        return {'amount': amount, 'currency_id': self.currency_id.id}

    # === BUSINESS METHODS - CUSTOMERS === #

    def _customer_facts(self):
        """Return what is known of the customers, besides the items.

        :return: for each reminder `credit`, `last_sent`, `under_way`, `waiting`, `mode`, `minimum`
            and `previous_balance`.
        :rtype: dict
        """
        credit = self._unmatched_credits()
        last_sent = self._last_sent_to(self.partner_id, self.root_company_id, but=self)
        under_way = self._under_way()
        later = self._later_on_the_way()
        waiting = self._waiting_for_a_person()
        modes = self._modes()
        minimum = {
            company: company.root_id.sudo().pay_now_minimum_amount for company in self.company_id
        }
        facts = {}
        for run, reminders in self.grouped('run_id').items():
            previous = run._previous_balances(reminders._pay_now_customer()) if run else {}
            for reminder in reminders:
                # The customer may be a part of another one by now.
                partner, customer = reminder.partner_id, reminder._pay_now_customer()
                facts[reminder] = {
                    'credit': credit.get(customer, 0.0),
                    'last_sent': last_sent.get(partner),
                    'under_way': partner in under_way or reminder in later,
                    'waiting': waiting.get(reminder),
                    'mode': modes[customer],
                    'minimum': minimum[reminder.company_id],
                    'previous_balance': previous.get(customer, 0.0),
                }
        return facts

    def _modes(self):
        """Return whether the customers are reminded: what is strictest in any company concerned.

        An archived one who still owes something is reminded when a person says so.

        :return: `{partner: 'auto', 'manual' or 'never'}`
        :rtype: dict
        """
        modes = {}
        for company in self.company_id | self.item_ids.company_id:
            partners = self._pay_now_customer().sudo().with_company(company)
            partners.fetch(['pay_now_reminder_mode', 'active'])
            for partner in partners:
                mode = partner.pay_now_reminder_mode or 'auto'
                mode = 'manual' if mode == 'auto' and not partner.active else mode
                known = modes.get(partner, 'auto')
                modes[partner] = max(mode, known, key=('auto', 'manual', 'never').index)
        return modes

    def _waiting_for_a_person(self):
        """Return for which reminders of the daily action an earlier one waits for a person.

        :return: `{reminder: day of the earlier run}`
        :rtype: dict
        """
        daily = self.filtered(lambda one: one.state == 'draft' and one.run_id.trigger == 'auto')
        if not daily:
            return {}
        days = dict(
            self.sudo()._read_group(
                Domain('partner_id.commercial_partner_id', 'in', daily._pay_now_customer().ids)
                & Domain('root_company_id', 'in', daily.root_company_id.ids)
                & Domain('state', '=', 'draft')
                & Domain('run_id.trigger', '=', 'auto')
                & Domain('run_id', 'not in', daily.run_id.ids),
                ['partner_id.commercial_partner_id'],
                ['create_date:max'],
            )
        )
        return {
            one: days[one._pay_now_customer()] for one in daily if one._pay_now_customer() in days
        }

    def _unmatched_credits(self):
        """Return each customer's money not matched yet: payments, credit notes, bank lines.

        :return: `{partner: positive amount}` in the company's currency.
        :rtype: dict
        """
        totals = {}
        for company, reminders in self.grouped('company_id').items():
            credits = self._unmatched_credits_of(reminders._pay_now_customer(), company)
            for customer, amount in credits.items():
                totals[customer] = totals.get(customer, 0.0) + amount
        return totals

    @api.model
    def _unmatched_credits_of(self, customers, company):
        """Return the money of customers that is not matched yet, in one company and its branches.

        :param res.partner customers: commercial partners.
        :param res.company company: whose books.
        :return: see `_unmatched_credits`.
        :rtype: dict
        """
        # A payment may be in the name of any contact of the customer.
        domain = Domain('company_id', 'child_of', company.id) & Domain(
            'partner_id.commercial_partner_id', 'in', customers.ids
        )
        items = self.env['account.move.line']._read_group(
            domain
            & Domain('account_type', '=', 'asset_receivable')
            & Domain('parent_state', '=', 'posted')
            & Domain('reconciled', '=', False)
            & Domain('amount_residual', '<', 0),
            ['partner_id'],
            ['amount_residual:sum'],
        )
        lines = self.env['account.bank.statement.line']._read_group(
            domain & Domain('is_reconciled', '=', False) & Domain('amount', '>', 0),
            ['partner_id'],
            ['amount:sum'],
        )
        totals = {}
        for partner, amount in (*items, *lines):
            customer = partner.commercial_partner_id
            totals[customer] = totals.get(customer, 0.0) + abs(amount)
        return totals

    @api.model
    def _last_sent_to(self, partners, root_companies, but=None):
        """Return when customers were last reminded.

        :param res.partner partners: the customers.
        :param res.company root_companies: those of the reminders.
        :param pay.now.reminder but: reminders that do not count.
        :return: `{partner: datetime}`
        :rtype: dict
        """
        # Whoever sent them: a branch counts as its company.
        groups = self.sudo()._read_group(
            Domain('partner_id.commercial_partner_id', 'in', partners.commercial_partner_id.ids)
            & Domain('root_company_id', 'in', root_companies.ids)
            & Domain('id', 'not in', but.ids if but else [])
            & Domain('state', 'in', ('sent', 'sending', 'uncertain'))
            & Domain('sent_at', '!=', False),
            ['partner_id'],
            ['sent_at:max'],
        )
        # What was sent to a contact that has become a part of the customer, too.
        last = {}
        for partner, sent_at in sorted(groups, key=lambda group: group[1]):
            last[partner.commercial_partner_id.id] = sent_at
        return {
            partner: last[partner.commercial_partner_id.id]
            for partner in partners
            if partner.commercial_partner_id.id in last
        }

    # === BUSINESS METHODS - SCOPE === #

    def _items_within_scope(self, sorted_items):
        """Leave out the items outside the scope of the runs: nothing is said about them.

        :param dict sorted_items: see `_sort_items`.
        :return: the same, with the items in the scope only.
        :rtype: dict
        """
        Line = self.env['account.move.line'].sudo()
        kept = dict(sorted_items)
        for run, reminders in self.grouped('run_id').items():
            if not run.sales_user_id:
                continue
            ids = {line.id for one in reminders for part in sorted_items[one] for line in part}
            mine = set(Line._search(run._within_sales_scope(Domain('id', 'in', ids))))
            for reminder in reminders:
                items, held = sorted_items[reminder]
                kept[reminder] = (
                    items.filtered(lambda line, mine=mine: line.id in mine),
                    {line: code for line, code in held.items() if line.id in mine},
                )
        return kept

    def _is_out_of_scope(self):
        """Tell whether something is open that is another salesperson's by now.

        The caller knows that nothing in the scope is open.

        :rtype: bool
        """
        return bool(self.run_id.sales_user_id and self._pay_now_lines()._pay_now_still_open())

    # === BUSINESS METHODS - CHANNEL === #

    def _channel(self, contact):
        """Return how this customer is written to.

        :param res.partner contact: whom the reminder is written to.
        :return: `email`, also where there is none, or `letter`.
        :rtype: str
        """
        if self._addresses(contact) or self.env['res.company']._pay_now_trial():
            return 'email'
        return 'letter' if self.company_id.root_id.sudo().pay_now_letters else 'email'

    def _written_on_paper(self, items, contacts=None):
        """Return the reminders that leave as letters now.

        :param dict items: see `_refusals`.
        :param dict contacts: see `_refusals`.
        :rtype: pay.now.reminder
        """

        def is_letter(reminder):
            contact = contacts[reminder] if contacts else reminder._find_contact(items[reminder])
            return reminder._channel(contact) == 'letter'

        return self.filtered(is_letter)

    @api.model
    def _has_postal_address(self, contact):
        """Tell whether a letter would arrive."""
        return bool(contact.street and (contact.city or contact.zip))

    def _address_problem(self, contact, channel):
        """Return why nothing can be sent to a contact: a code, or False."""
        if channel == 'letter':
            return not self._has_postal_address(contact) and 'no_address'
        if self._addresses(contact):
            return False
        return 'address_refused' if utils.email_addresses(contact.email) else 'no_email'
