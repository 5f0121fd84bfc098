# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now import const, utils

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
    """What has to be right around the set-up, and what will surprise whoever sends reminders.

    Checks (mail server, address, chart, company e-mail) and warnings are given as core's widget
    `actionable_errors` shows them: by a code of their own, each with its level, its sentence and
    the button that leads to where it is fixed. A constant number of grouped queries.
    """

    _inherit = 'res.company'

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_test_email')
    def _check_pay_now_test_email(self):
        for company in self:
            address = company.pay_now_test_email
            if address and not utils.single_email(address):
                raise ValidationError(self.env._("“%s” is not an e-mail address.", address))

    # === BUSINESS METHODS - CHECKS === #

    def _pay_now_checks(self):
        """Return what is wrong around the set-up, nothing when all is fine.

        :return: `{code: {level, message[, action_text, action]}}`; level `danger` stops sending.
        :rtype: dict
        """
        self.ensure_one()
        checks = {
            'mail_server': self._pay_now_check_mail_server(),
            'base_url': self._pay_now_check_base_url(),
            'chart': self._pay_now_check_chart(),
            'company_email': self._pay_now_check_company_email(),
            'company_lang': self._pay_now_check_company_lang(),
        }
        return {code: check for code, check in checks.items() if check}

    def _pay_now_check_mail_server(self):
        if self._pay_now_has_mail_server():
            return None
        return self._pay_now_fix_notice(
            'danger',
            self.env._("There is no outgoing mail server: your reminders will not leave."),
            self.env._("Add a mail server"),
            'base.action_ir_mail_server_list',
            view_mode='form',
            views=[(False, 'form')],
        )

    def _pay_now_check_base_url(self):
        url = self.get_base_url() or ''
        if utils.is_private_address(url):
            message = self.env._("Your customers cannot open %s from the Internet.", url)
        elif not url.startswith('https://'):
            message = self.env._(
                "Your customers' browsers call %s insecure, and no provider sends notifications"
                " to it: the address must start with https.",
                url,
            )
        else:
            return None
        level = 'warning'
        if self._pay_now_in_sandbox():
            level = 'info'
            message = self.env._("%s This is no problem while you try out the sandbox.", message)
        return self._pay_now_fix_notice(
            level,
            message,
            self.env._("Change the address"),
            'base.ir_config_list_action',
            domain=[('key', 'in', ('web.base.url', 'web.base.url.freeze'))],
        )

    def _pay_now_check_chart(self):
        if self._pay_now_has_chart():
            return None
        return self._pay_now_fix_notice(
            'danger',
            self.env._("There is no chart of accounts: no payment could be booked."),
            self.env._("Install a chart of accounts"),
            'account.action_account_config',
        )

    def _pay_now_check_company_email(self):
        if utils.email_addresses(self.email):
            return None
        return self._pay_now_fix_notice(
            'warning',
            self.env._(
                "%s has no e-mail address: your customers could neither recognize your reminders"
                " nor answer them.",
                self.name,
            ),
            self.env._("Enter the address"),
            'base.action_res_company_form',
            res_id=self.id,
            view_mode='form',
            views=[(False, 'form')],
        )

    def _pay_now_check_company_lang(self):
        """Say that nobody chose the language of what is written for the company by itself."""
        installed = [code for code, _name in self.env['res.lang'].get_installed()]
        if len(installed) < 2 or self.partner_id.lang in installed:
            return None
        return self._pay_now_fix_notice(
            'warning',
            self.env._(
                "The contact of %s has no language: what is written for the company by itself, such"
                " as notices and the names of journals, may be in English.",
                self.name,
            ),
            self.env._("Choose the language"),
            'base.action_partner_form',
            res_id=self.partner_id.id,
            view_mode='form',
            views=[(False, 'form')],
        )

    def _pay_now_fix_notice(self, level, message, action_text, action, **values):
        """Return a notice whose button leads to a screen that only administrators can open.

        :param str level: `danger`, `warning` or `info`.
        :param str message: the sentence.
        :param str action_text: what the button says.
        :param str action: XML id of the window action that leads there.
        :param values: what differs from the stored action.
        :rtype: dict
        """
        notice = {'level': level, 'message': message}
        if self.env.user.has_group('base.group_system'):
            action = {**self.env['ir.actions.actions']._for_xml_id(action), **values}
            # On its way through the screen it would turn from HTML into text.
            action.pop('help', None)
            notice.update({'action_text': action_text, 'action': action})
        elif level != 'info':
            notice['message'] = self._pay_now_ask_administrator(message)
        return notice

    def _pay_now_ask_administrator(self, message):
        """Return a sentence with whom to ask, as the reader cannot do it.

        :param str message: what is wrong.
        :rtype: str
        """
        self.ensure_one()
        users = self.env.ref('base.group_system').sudo().all_user_ids
        names = users.filtered(
            lambda user: user.active and not user.share and self in user.company_ids
        ).mapped('name')
        if not names:
            return self.env._("%s Please ask an administrator.", message)
        return self.env._(
            "%(message)s Please ask an administrator: %(names)s.",
            message=message,
            names=', '.join(names[: const.NAMED_ADMINISTRATORS]),
        )

    # === BUSINESS METHODS - HELPERS === #

    def _pay_now_forecast_text(self):
        """Return in one sentence what would be sent tomorrow, or False before anything can be.

        A run of very many customers is not tried out unasked.

        :rtype: str | bool
        """
        self.ensure_one()
        if not self.pay_now_connected:
            return False
        Run = self.env['pay.now.reminder.run']
        due = Run._count_due(self)
        if not due:
            return self.env._("Nobody would be reminded tomorrow.")
        if due > const.FORECAST_LIMIT:
            return self.env._("%s customers have something due. Show the list to see more.", due)
        return Run._forecast_text(self)

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
            **company._pay_now_warn_commissions(),
            **company._pay_now_warn_interest_rate(),
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

    def _pay_now_warn_commissions(self):
        """Warn of commissions that a statement import writes too: they would be booked twice."""
        providers = self.env['payment.provider'].search(
            Domain('company_id', '=', self.id) & Domain('code', 'in', const.PROVIDER_CODES)
        )
        return {
            f'commissions_twice_{provider.id}': {
                'level': 'warning',
                'message': provider.pay_now_commission_doubled,
            }
            for provider in providers
            if provider.pay_now_commission_doubled
        }

    def _pay_now_warn_interest_rate(self):
        """Warn of levels that state interest where no rate for late payment is known for today."""
        today, rates = self._pay_now_today(), self.env['pay.now.interest.rate']
        stating = Domain('company_id', 'parent_of', self.id) & Domain('state_interest', '=', True)
        if not self.env['pay.now.reminder.level'].search_count(stating, limit=1):
            return {}
        if rates._on(self, today):
            return {}
        message = self.env._(
            "Reminder levels state interest, but no rate for late payment is known for today: what"
            " is late is left out until you enter it."
        )
        warning = {'level': 'warning', 'message': message}
        if self.env.user.has_group('account.group_account_manager'):
            action = self.env['ir.actions.actions']._for_xml_id(
                'account_pay_now.action_pay_now_interest_rate'
            )
            # On its way through the screen it would turn from HTML into text.
            action.pop('help', None)
            warning.update(action_text=self.env._("Enter the rate"), action=action)
        return {'interest_rate': warning}

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
