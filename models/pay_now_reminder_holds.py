# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now.models.pay_now_link_fetch import INVOICE_FIELDS, ITEM_FIELDS

#: What is read of the items and their invoices: one query each, for the whole batch.
ITEM_FIELDS = (*ITEM_FIELDS, 'partner_id')
INVOICE_FIELDS = (
    *INVOICE_FIELDS,
    'invoice_date',
    'invoice_user_id',
    'pay_now_excluded_reason',
)
CONTACT_FIELDS = (
    *('name', 'email', 'street', 'city', 'zip', 'lang'),
    'commercial_partner_id',
    'user_id',
    'parent_id',
    'pay_now_contact_id',
)


class PayNowReminder(models.Model):
    """What the books say of reminders: their items, amounts, button, and what holds them.

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
        free = {line.id for line in lines if line not in holds}
        return self._within_scope(
            {
                reminder: (
                    Line.browse(line_id for line_id in reminder.item_ids._ids if line_id in free),
                    {line: holds[line] for line in reminder.item_ids if line in holds},
                )
                for reminder in self
            }
        )

    def _find_contact(self, lines):
        """Return whom to write to.

        The contact chosen for it, the newest invoice's contact with an e-mail, or the customer.
        Where none of them has an e-mail, whoever has a postal address is preferred.

        :param account.move.line lines: what is open.
        :rtype: res.partner
        """
        customer = self.partner_id
        if chosen := customer.pay_now_contact_id:
            return chosen
        contacts = lines.move_id.partner_id
        if len(contacts) > 1:
            contacts = lines.sorted('date', reverse=True).move_id.partner_id
        if by_mail := contacts.filtered('email')[:1]:
            return by_mail
        if customer.email:
            return customer
        return contacts.filtered(self._has_postal_address)[:1] or customer

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
            levels, start, known = run._levels(), run._start_of_old_debts(), {}
            today = max(run.date, fields.Date.context_today(run))
            for reminder in reminders:
                due[reminder] = levels._choose(items[reminder], history, today, start, known)
        return due

    def _sent_levels(self, lines):
        """Return the levels that reminders were sent at, by item.

        :return: `{item: levels}`
        :rtype: dict
        """
        groups = self.sudo()._read_group(
            Domain('item_ids', 'in', lines.ids)
            & Domain('level_id', '!=', False)
            & Domain('id', 'not in', self.ids)
            & Domain('state', 'in', ('sent', 'sending', 'uncertain')),
            ['item_ids'],
            ['level_id:recordset'],
        )
        return {line.with_env(self.env): levels.with_env(self.env) for line, levels in groups}

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
        levels = {} if self._pay_now_trial() else self._due_levels(about)
        self.filtered(lambda one: about[one])._take_levels(levels)
        for reminder, (items, held) in sorted_items.items():
            facts[reminder]['contact'] = contacts[reminder]
            reminder._refresh_one(items, held, refusals[reminder], facts[reminder])
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
            self.browse(ids).level_id = level

    def _refresh_one(self, lines, held, refusals, facts):
        """Write what was found out about one reminder.

        :param account.move.line lines: the items it is about.
        :param dict held: `{item that is left out: code}`.
        :param dict refusals: `{invoice without a button: code}`.
        :param dict facts: what is known of the customer (see `_customer_facts`), and `contact`.
        """
        payable = lines._pay_now_without(refusals)
        contact = facts['contact']
        vals = {
            'contact_id': contact.id,
            'email': contact.email,
            'channel': self._channel(contact),
            'item_count': len(lines.move_id),
            'amount_due': sum(lines.mapped('amount_residual')),
            'amount_payable': payable._pay_now_amount_to_pay(),
            'has_button': bool(payable),
            'previous_balance': facts['previous_balance'],
            'is_manual': facts['mode'] == 'manual',
        }
        if reason := self._hold_reason(lines, held, contact, vals, facts):
            vals.update({'state': 'held', 'reason': reason, 'has_button': False})
        else:
            labels = [move._pay_now_refusal_label(code) for move, code in refusals.items()]
            vals['reason'] = ', '.join(dict.fromkeys(labels)) or False
        changed = {
            name: value
            for name, value in vals.items()
            if self._fields[name].convert_to_write(self[name], self) != value
        }
        if changed:
            # As the mail leaves, all is as it was, mostly.
            self.write(changed)

    def _hold_reason(self, lines, held, contact, amounts, facts):
        """Return why this customer gets no reminder now, in the user's words, or False."""
        if facts['mode'] == 'never':
            return self.env._("Excluded from reminders")
        if not lines:
            if held:
                line, code = next(iter(held.items()))
                return line._pay_now_hold_label(code)
            if self._is_out_of_scope():
                return self.env._("The invoices are no longer the salesperson's")
            return self.env._("Nothing left to pay")
        if problem := self._address_problem(contact, amounts['channel']):
            return problem
        return self._customer_hold_reason(amounts, facts)

    def _customer_hold_reason(self, amounts, facts):
        """Return why this customer is left alone for now, whatever is due, or False."""
        amount_due = amounts['amount_due']
        if facts['under_way']:
            return self.env._("Another reminder is on its way")
        if facts['waiting']:
            return self.env._(
                "Waits for a person in the reminders of %s", format_date(self.env, facts['waiting'])
            )
        last_sent = facts['last_sent']
        if not self.level_id:
            if last_sent:
                return self.env._(
                    "Already reminded on %s, no other level is due yet",
                    format_date(self.env, last_sent),
                )
            return self.env._("No level is due yet")
        if last_sent and last_sent + timedelta(days=self.level_id.gap_days) > self._now():
            return self.env._("Already reminded on %s", format_date(self.env, last_sent))
        minimum = facts['minimum']
        if self.currency_id.compare_amounts(amount_due, minimum) < 0:
            return self.env._(
                "Less than %s is due", formatLang(self.env, minimum, currency_obj=self.currency_id)
            )
        if self.currency_id.compare_amounts(facts['credit'], amount_due) >= 0:
            return self._credit_reason(facts['credit'])
        if self._is_own_text_wrong(amount_due, amounts['amount_payable']):
            return self.env._("What is due has changed since the mail was edited")
        return False

    def _credit_reason(self, credit):
        """Return that the customer's money not matched yet covers what is due."""
        if self.run_id.sales_user_id:
            # How much it is, is none of the salesperson's business.
            return self.env._("Unmatched credit of the customer")
        return self.env._(
            "Unmatched credit: %s", formatLang(self.env, credit, currency_obj=self.currency_id)
        )
