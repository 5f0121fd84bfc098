# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now import const


class PayNowReminder(models.Model):
    """What reminders say of interest and indemnity, for information, from the level that asks it.

    It is no part of the amount asked for, nor of what can be paid on the page.
    """

    _inherit = 'pay.now.reminder'

    states_interest = fields.Boolean(
        string="States interest and indemnity",
        readonly=True,
        copy=False,
        help="The mail or letter that left did, whatever its level has today.",
    )
    interest_ids = fields.One2many(
        string="Interest booked",
        comodel_name='pay.now.interest',
        inverse_name='reminder_id',
        groups='account.group_account_invoice,account.group_account_readonly',
    )

    # === ACTION METHODS === #

    def action_book_interest(self):
        """Show what interest and indemnity amount to, to be booked as a debit note.

        :return: the action of the wizard.
        :rtype: dict
        :raise UserError: for several customers at once, or where nothing is left to book.
        """
        self.ensure_one()
        self.check_access('read')
        return self.env['pay.now.book.interest']._open(self)

    def action_debit_notes(self):
        """Show the debit notes that were booked from the reminders.

        :return: a window action.
        :rtype: dict
        """
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Debit notes"),
            'res_model': 'account.move',
            'views': [(False, 'list'), (False, 'form')],
            'context': {'create': False},
        } | {'domain': [('id', 'in', self.sudo().interest_ids.debit_move_id.ids)]}

    # === BUSINESS METHODS - INTEREST === #

    def _letters_stating_interest(self):
        """Return those whose letters do, as they are printed.

        :rtype: pay.now.reminder
        """
        telling = self._telling_interest()
        texts = telling._letter_values()
        return telling.filtered(lambda one: self._text_states_interest(texts[one.id][1]))

    def _interest_values(self, items, labels, write):
        """Return what the mails say of interest and indemnity, of those that tell it.

        :param dict items: `{reminder: the items it is about}`.
        :param dict labels: `{item: how it is called}`.
        :param dict write: `{currency: what writes its amounts}`.
        :return: `{reminder: values}` of those that say something.
        :rtype: dict
        """
        values = {}
        # In a run an invoice is in one reminder, with its indemnity.
        for (_run, company), reminders in self.grouped(
            lambda one: (one.run_id, one.company_id)
        ).items():
            today = company._pay_now_today()
            lines = self.env['account.move.line'].union(*(items[one] for one in reminders))
            interest = lines._pay_now_interest(today)
            for reminder in reminders:
                if found := {line: interest[line] for line in items[reminder] if line in interest}:
                    values[reminder] = reminder._interest_texts(found, labels, write, today)
        return values

    def _interest_texts(self, found, labels, write, today):
        """Return what one mail says of interest and indemnity, in the language of the context.

        :param dict found: see `account.move.line._pay_now_interest`.
        :param dict labels: see `_interest_values`.
        :param dict write: see `_interest_values`.
        :param datetime.date today: the last day that counts.
        :return: `title`, `rows`, `total` and `law`.
        :rtype: dict
        """
        currency = self.currency_id
        amount = write.get(currency) or currency.with_env(self.env).format
        rates = dict.fromkeys(part['rate'] for one in found.values() for part in one['parts'])
        total = sum(one['interest'] + one['indemnity'] for one in found.values())
        return {
            'title': self.env._(
                "Late payment until %s, for information", format_date(self.env, today)
            ),
            'rows': [
                {
                    'label': labels[line],
                    'text': self._interest_text(one, amount),
                    'amount': amount(one['interest'] + one['indemnity']),
                }
                for line, one in found.items()
            ],
            'total': amount(currency.round(total)),
            'law': self._law_text([formatLang(self.env, rate, digits=2) for rate in rates]),
        }

    def _interest_text(self, one, amount):
        """Say for how long an item is late, and what that costs.

        :param dict one: see `account.move.line._pay_now_interest`.
        :param function amount: what writes amounts.
        :rtype: str
        """
        days = one['days']
        late = self.env._("1 day late") if days == 1 else self.env._("%s days late", days)
        texts = [late]
        if one['interest']:
            texts.append(self.env._("interest %s", amount(one['interest'])))
        if one['indemnity']:
            texts.append(self.env._("indemnity %s", amount(one['indemnity'])))
        return ', '.join(texts)

    def _law_text(self, rates):
        """Say what the law has it by, and that it is not asked for.

        :param list rates: those that were reckoned with, as texts, the oldest first.
        :rtype: str
        """
        values = {'rates': ' / '.join(rates)}
        if self.company_id._pay_now_law_country().code in const.FRENCH_TERRITORIES:
            return self.env._(
                "By articles L441-10 and D441-5 of the French Commercial Code, late payment bears"
                " interest from the day after the due date (%(rates)s %% a year), without any"
                " reminder, and a fixed indemnity for the costs of recovery for each late invoice."
                " These amounts are stated for information: they are not part of the amount asked"
                " for here.",
                **values,
            )
        return self.env._(
            "Late payment bears interest from the day after the due date (%(rates)s %% a year),"
            " and a fixed indemnity for the costs of recovery for each late invoice. These amounts"
            " are stated for information: they are not part of the amount asked for here.",
            **values,
        )

    def _debit_note_texts(self, label, date_to):
        """Return what the lines of a debit note say about one late item.

        :param str label: how the item is called.
        :param datetime.date date_to: the last day of the interest.
        :return: of the interest, and of the indemnity.
        :rtype: tuple(str, str)
        """
        return (
            self.env._(
                "Interest for late payment, %(invoice)s, until %(date)s",
                invoice=label,
                date=format_date(self.env, date_to),
            ),
            self.env._("Fixed indemnity for the costs of recovery, %s", label),
        )

    def _items_told_of_interest(self, customer, company):
        """Return the items of a customer that sent reminders have stated interest of, paid or not.

        :param res.partner customer: a commercial partner.
        :param res.company company: whose items, and whose branches'.
        :rtype: account.move.line (sudo)
        """
        reminders = self.sudo().search(
            Domain('partner_id.commercial_partner_id', '=', customer.id)
            & Domain('company_id', 'child_of', company.ids)
            & Domain('state', 'in', ('sent', 'uncertain'))
            & Domain('states_interest', '=', True)
        )
        items = reminders.item_ids.filtered(lambda line: line.parent_state == 'posted')
        return items._pay_now_of(customer, company)
