# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now.models.statement.pay_now_customer_statement import READERS


class ReportCustomerStatement(models.AbstractModel):
    """What is printed of customers' accounts: statements, and balances to be confirmed."""

    _name = 'report.account_pay_now.report_customer_statement'
    _description = "Statement of account"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return what the template shows. Anybody may call a report: the rights are asked here.

        :param list docids: ids of the customers.
        :param dict data: `company_id`, `date_from`, `date_to` and `kind`; or `statement_id` of one
            that is sent, which the engine alone may say.
        :raise AccessError: who asks does not read the books of the company.
        """
        data = data or {}
        customers = self.env['res.partner'].browse(docids)
        statement = self.env['pay.now.customer.statement']
        if self.env.su and data.get('statement_id'):
            statement = statement.browse(int(data['statement_id']))
        options = self._options(data, statement)
        if not self.env.su:
            if (
                not self.env.user.has_groups(READERS)
                or options['company'] not in self.env.companies
            ):
                raise AccessError(self.env._("Only who reads the books prints statements."))
            customers.check_access('read')
        return {
            'doc_ids': docids,
            'doc_model': 'res.partner',
            'docs': customers.sudo(),
            'sheets': {
                customer.id: self._sheet(customer.sudo(), options, statement.sudo())
                for customer in customers
            },
        }

    @api.model
    def _options(self, data, statement):
        """Return what is asked for, as it comes from a browser too.

        :param dict data: see `_get_report_values`.
        :param pay.now.customer.statement statement: the one that is sent.
        :return: `company`, `date_from`, `date_to` and `kind`.
        :rtype: dict
        :raise UserError: there are no such days.
        """
        if statement:
            names = ('date_from', 'date_to', 'kind')
            return {'company': statement.company_id, **{name: statement[name] for name in names}}
        try:
            date_to = fields.Date.to_date(data.get('date_to'))
            date_from = fields.Date.to_date(data.get('date_from')) or date_to
            company = self.env['res.company'].browse(int(data.get('company_id') or 0))
        except (TypeError, ValueError):
            date_to = None
        if not date_to or not company.id:
            raise UserError(self.env._("Say which days the statement is about."))
        kind = 'confirmation' if data.get('kind') == 'confirmation' else 'statement'
        return {'company': company, 'date_from': date_from, 'date_to': date_to, 'kind': kind}

    @api.model
    def _sheet(self, customer, options, statement):
        """Return what is printed of one customer, in its language.

        :param res.partner customer: whose account (sudo).
        :param dict options: see `_options`.
        :param pay.now.customer.statement statement: the one that is sent (sudo).
        :rtype: dict
        """
        Statement = self.env['pay.now.customer.statement'].sudo()
        company = options['company'].sudo()
        contact = statement.contact_id or customer.browse(
            customer.address_get(['invoice'])['invoice']
        )
        lang = statement._lang() if statement else Statement._lang_of(contact, company)
        env = self.env(su=True, context={**self.env.context, 'lang': lang})
        date_from = options['date_from'] or options['date_to']
        accounts = env['pay.now.customer.ledger']._read_account(
            customer, company, date_from, options['date_to']
        )
        return {
            'lang': lang,
            'html_lang': lang.replace('_', '-'),
            'html_dir': env['res.lang']._get_data(code=lang).direction or 'ltr',
            'company': company.with_env(env),
            'contact': contact.with_env(env),
            'title': self.with_env(env)._titles()[options['kind']],
            'confirmation': options['kind'] == 'confirmation',
            'texts': self.with_env(env)._texts(
                format_date(env, date_from), format_date(env, options['date_to'])
            ),
            'today': format_date(env, company._pay_now_today()),
            'accounts': accounts,
            'kinds': self.with_env(env)._kind_labels(),
            'ages': self.with_env(env)._age_labels(),
            'write': lambda amount, currency: formatLang(env, amount, currency_obj=currency),
            'day': lambda day: day and format_date(env, day),
            'url': statement.with_env(env)._url_to_print() if statement else False,
        }

    @api.model
    def _titles(self):
        """Return what each kind is called, in the language of the context.

        :rtype: dict
        """
        return {
            'statement': self.env._("Statement of account"),
            'confirmation': self.env._("Confirmation of a balance"),
        }

    @api.model
    def _texts(self, first, last):
        """Return the sentences that name days, in the language of the context.

        :param str first: the first day.
        :param str last: the last one.
        :rtype: dict
        """
        return {
            'intro': self.env._(
                "Your account from %(first)s to %(last)s, as it stands in our books.",
                first=first,
                last=last,
            ),
            'ask': self.env._(
                "For the audit of our accounts we ask you to confirm the balance of your account in"
                " our books on %s. This is not a request for payment.",
                last,
            ),
            'closing': self.env._("Closing balance on %s", last),
            'open': self.env._("Open on %s", last),
            'balance': self.env._("Balance on %s:", last),
        }

    @api.model
    def _kind_labels(self):
        """Return what the rows are called, in the language of the context.

        :rtype: dict
        """
        return {
            'invoice': self.env._("Invoice"),
            'credit_note': self.env._("Credit note"),
            'payment': self.env._("Payment"),
            'refund': self.env._("Refund"),
            'entry': self.env._("Other entry"),
            'settled': self.env._("Settled in another currency or account"),
        }

    @api.model
    def _age_labels(self):
        """Return what the ages are called, in the language of the context.

        :rtype: dict
        """
        return {
            'not_due': self.env._("Not due"),
            '30': self.env._("1–30 days late"),
            '60': self.env._("31–60 days late"),
            '90': self.env._("61–90 days late"),
            'more': self.env._("Over 90 days late"),
        }
