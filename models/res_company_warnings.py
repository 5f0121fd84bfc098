# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now import const

#: The list that shows what a warning speaks of, its search, and its context.
LISTS = {
    'account.move': (
        'account.view_out_invoice_tree',
        'account.view_account_invoice_filter',
        {'default_move_type': 'out_invoice'},
    ),
    'account.move.line': (
        'account_pay_now.account_move_line_view_list_open',
        'account.view_account_move_line_payment_filter',
        {},
    ),
    'account.bank.statement.line': (
        'account_pay_now.account_bank_statement_line_view_list',
        None,
        {},
    ),
}


class ResCompany(models.Model):
    """What will surprise whoever sends reminders; a constant number of grouped queries."""

    _inherit = 'res.company'

    # === BUSINESS METHODS - WARNINGS === #

    def _pay_now_warnings(self):
        """Return what will surprise, nothing when nothing will (see `_pay_now_checks`).

        :return: `{code: {level, message, action_text, action}}`
        :rtype: dict
        """
        self.ensure_one()
        company = self.sudo()
        return {
            **company._pay_now_warn_without_button(),
            **company._pay_now_warn_other_entries(),
            **company._pay_now_warn_unmatched(),
            **company._pay_now_warn_bank_lines(),
            **company._pay_now_warn_old_statements(),
        }

    def _pay_now_warn_without_button(self):
        """Warn of the open invoices of an application whose reminder option is not ticked."""
        if not self.pay_now_connected:
            return {}
        warnings = {}
        for application, _label in const.APPLICATIONS:
            if self._pay_now_option('reminder', application):
                continue
            domain = self._pay_now_without_button_domain(application)
            if count := self.env['account.move'].search_count(domain):
                warnings[f'without_button_{application}'] = self._pay_now_list_notice(
                    self._pay_now_without_button_text(application, count),
                    self.env._("Show the invoices"),
                    self.env._("Invoices without a button"),
                    'account.move',
                    domain,
                )
        return warnings

    def _pay_now_without_button_domain(self, application):
        """Return the domain of an application's open invoices in the company's currency."""
        from_sales = Domain('invoice_line_ids.sale_line_ids', '!=', False)
        return (
            Domain('company_id', 'child_of', self.id)
            & Domain('move_type', '=', 'out_invoice')
            & Domain('state', '=', 'posted')
            & Domain('payment_state', 'in', ('not_paid', 'partial'))
            & Domain('currency_id', '=', self.currency_id.id)
            & (from_sales if application == 'sales' else ~from_sales)
        )

    def _pay_now_without_button_text(self, application, count):
        if application == 'sales':
            if count == 1:
                return self.env._(
                    "1 Sales invoice will leave without a button. Tick the option in Sales."
                )
            return self.env._(
                "%s Sales invoices will leave without a button. Tick the option in Sales.", count
            )
        if count == 1:
            return self.env._(
                "1 Accounting invoice will leave without a button. Tick the option in Accounting."
            )
        return self.env._(
            "%s Accounting invoices will leave without a button. Tick the option in Accounting.",
            count,
        )

    def _pay_now_warn_other_entries(self):
        """Warn of what customers owe outside invoices: opening entries are not reminded."""
        domain = self._pay_now_receivable_domain() & (
            Domain('amount_residual', '>', 0)
            & Domain('move_type', 'in', ('entry', 'out_receipt'))
            # Money paid back to a customer and not matched yet is no debt.
            & Domain('payment_id', '=', False)
            & Domain('statement_line_id', '=', False)
        )
        [(amount, count)] = self.env['account.move.line']._read_group(
            domain, aggregates=['amount_residual:sum', '__count']
        )
        if not count:
            return {}
        amount = self._pay_now_amount_text(amount)
        message = (
            self.env._(
                "1 open entry outside invoices (opening balance) is not reminded: %s", amount
            )
            if count == 1
            else self.env._(
                "%(count)s open entries outside invoices (opening balances) are not reminded:"
                " %(amount)s",
                count=count,
                amount=amount,
            )
        )
        return {
            'other_entries': self._pay_now_list_notice(
                message,
                self.env._("Show the entries"),
                self.env._("Open entries outside invoices"),
                'account.move.line',
                domain,
                level='info',
            )
        }

    def _pay_now_warn_unmatched(self):
        """Warn of payments not matched yet: their customers look as if they had not paid."""
        domain = self._pay_now_receivable_domain() & (
            Domain('amount_residual', '<', 0) & Domain('move_type', '!=', 'out_refund')
        )
        [(amount,)] = self.env['account.move.line']._read_group(
            domain, aggregates=['amount_residual:sum']
        )
        if not amount:
            return {}
        return {
            'unmatched': self._pay_now_list_notice(
                self.env._(
                    "To check: %s of payments are not matched yet.",
                    self._pay_now_amount_text(-amount),
                ),
                self.env._("Show the payments"),
                self.env._("Payments not matched"),
                'account.move.line',
                domain,
            )
        }

    def _pay_now_warn_bank_lines(self):
        """Warn of money that arrived at the bank and was not matched with anything."""
        domain = (
            Domain('company_id', 'child_of', self.id)
            & Domain('is_reconciled', '=', False)
            & Domain('amount', '>', 0)
        )
        amount = 0.0
        for currency, journal_amount in self.env['account.bank.statement.line']._read_group(
            domain, ['currency_id'], ['amount:sum']
        ):
            amount += currency._convert(journal_amount, self.currency_id, self)
        if not amount:
            return {}
        return {
            'bank_lines': self._pay_now_list_notice(
                self.env._(
                    "To check: %s received at the bank are not matched yet.",
                    self._pay_now_amount_text(amount),
                ),
                self.env._("Show the bank lines"),
                self.env._("Bank lines"),
                'account.bank.statement.line',
                domain,
            )
        }

    def _pay_now_warn_old_statements(self):
        """Warn of bank journals whose newest statement is old: customers may have paid since."""
        Line = self.env['account.bank.statement.line']
        today = fields.Date.context_today(self)
        warnings = {}
        for journal, newest in Line._read_group(
            Domain('company_id', 'child_of', self.id)
            & Domain('journal_id.type', '=', 'bank')
            & Domain('journal_id.active', '=', True),
            ['journal_id'],
            ['date:max'],
        ):
            if newest >= today - timedelta(days=const.OLD_STATEMENT_DAYS):
                continue
            warnings[f'old_statement_{journal.id}'] = self._pay_now_list_notice(
                self.env._(
                    "Last bank statement of %(journal)s: %(date)s. Customers may have paid since.",
                    journal=journal.name,
                    date=format_date(self.env, newest),
                ),
                self.env._("Show the bank lines"),
                self.env._("Bank lines"),
                Line._name,
                Domain('journal_id', '=', journal.id),
            )
        return warnings

    # === BUSINESS METHODS - HELPERS === #

    def _pay_now_receivable_domain(self):
        """Return the domain of the open journal items of customers."""
        return (
            Domain('company_id', 'child_of', self.id)
            & Domain('account_type', '=', 'asset_receivable')
            & Domain('parent_state', '=', 'posted')
            & Domain('reconciled', '=', False)
        )

    def _pay_now_amount_text(self, amount):
        return formatLang(self.env, amount, currency_obj=self.currency_id)

    def _pay_now_list_notice(self, message, action_text, title, model, domain, level='warning'):
        """Return a notice whose button shows the list it speaks of.

        :param str message: the sentence.
        :param str action_text: what the button says.
        :param str title: the title of the list.
        :param str model: name of the model, a key of `LISTS`.
        :param odoo.fields.Domain domain: which records.
        :param str level: `danger`, `warning` or `info`.
        :rtype: dict
        """
        list_view, search_view, context = LISTS[model]
        return {
            'level': level,
            'message': message,
            'action_text': action_text,
            'action': {
                'type': 'ir.actions.act_window',
                'name': title,
                'res_model': model,
                'views': [(self.env.ref(list_view).id, 'list'), (False, 'form')],
                'search_view_id': [search_view and self.env.ref(search_view).id, 'search'],
                'domain': list(domain),
                'target': 'current',
                'context': {'create': False, **context},
            },
        }
