# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.fields import Domain


class PayNowReminder(models.Model):
    """What is known of the customers of reminders, besides their items.

    Asked for a batch at once: the number of queries does not depend on the number of customers.
    """

    _inherit = 'pay.now.reminder'

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
        waiting = self._waiting_for_a_person()
        modes = self._modes()
        minimum = {
            company: company.root_id.sudo().pay_now_minimum_amount for company in self.company_id
        }
        facts = {}
        for run, reminders in self.grouped('run_id').items():
            previous = run._previous_balances(reminders.partner_id) if run else {}
            for reminder in reminders:
                partner = reminder.partner_id
                facts[reminder] = {
                    'credit': credit.get(partner, 0.0),
                    'last_sent': last_sent.get(partner),
                    'under_way': partner in under_way,
                    'waiting': waiting.get(reminder),
                    'mode': modes[partner],
                    'minimum': minimum[reminder.company_id],
                    'previous_balance': previous.get(partner, 0.0),
                }
        return facts

    def _modes(self):
        """Return whether the customers are reminded: what is strictest in any company concerned.

        :return: `{partner: 'auto', 'manual' or 'never'}`
        :rtype: dict
        """
        modes = {}
        for company in self.company_id | self.item_ids.company_id:
            partners = self.partner_id.sudo().with_company(company)
            partners.fetch(['pay_now_reminder_mode'])
            for partner in partners:
                mode = partner.pay_now_reminder_mode or 'auto'
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
                Domain('partner_id', 'in', daily.partner_id.ids)
                & Domain('root_company_id', 'in', daily.root_company_id.ids)
                & Domain('state', '=', 'draft')
                & Domain('run_id.trigger', '=', 'auto')
                & Domain('run_id', 'not in', daily.run_id.ids),
                ['partner_id'],
                ['create_date:max'],
            )
        )
        return {one: days[one.partner_id] for one in daily if one.partner_id in days}

    def _unmatched_credits(self):
        """Return each customer's money not matched yet: payments, credit notes, bank lines.

        :return: `{partner: positive amount}` in the company's currency.
        :rtype: dict
        """
        totals = {}
        for company, reminders in self.grouped('company_id').items():
            partners = reminders.partner_id
            domain = Domain('company_id', 'child_of', company.id)
            for partner, amount in self.env['account.move.line']._read_group(
                domain
                & Domain('partner_id', 'in', partners.ids)
                & Domain('account_type', '=', 'asset_receivable')
                & Domain('parent_state', '=', 'posted')
                & Domain('reconciled', '=', False)
                & Domain('amount_residual', '<', 0),
                ['partner_id'],
                ['amount_residual:sum'],
            ):
                totals[partner] = totals.get(partner, 0.0) - amount
            for partner, amount in self.env['account.bank.statement.line']._read_group(
                domain
                & Domain('partner_id.commercial_partner_id', 'in', partners.ids)
                & Domain('is_reconciled', '=', False)
                & Domain('amount', '>', 0),
                ['partner_id'],
                ['amount:sum'],
            ):
                commercial = partner.commercial_partner_id
                totals[commercial] = totals.get(commercial, 0.0) + amount
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
        return dict(
            # Whoever sent them: a branch counts as its company.
            self.sudo()._read_group(
                Domain('partner_id', 'in', partners.ids)
                & Domain('root_company_id', 'in', root_companies.ids)
                & Domain('id', 'not in', but.ids if but else [])
                & Domain('state', 'in', ('sent', 'sending', 'uncertain')),
                ['partner_id'],
                ['sent_at:max'],
            )
        )
