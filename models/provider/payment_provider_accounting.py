# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.fields import Command

from odoo.addons.account_pay_now import const


class PaymentProvider(models.Model):
    """The provider's own journal and accounts, as they are set up when it is connected."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS - SETTING UP === #

    def _pay_now_set_up_accounting(self):
        """Create the provider's own journal and accounts, keeping those already chosen."""
        self.ensure_one()
        provider = self._pay_now_for_books()
        if not provider.pay_now_clearing_account_id:
            provider.pay_now_clearing_account_id = provider._pay_now_create_clearing_account()
        if not provider.pay_now_commission_account_id:
            provider.pay_now_commission_account_id = provider._pay_now_find_commission_account()
        if not provider.pay_now_disputed_account_id:
            provider.pay_now_disputed_account_id = provider._pay_now_find_disputed_account()
        journal = provider.journal_id
        if not journal or journal.default_account_id != provider.pay_now_clearing_account_id:
            journal = provider._pay_now_create_journal()
            # The inverse of the field makes, or moves, the method line of the provider.
            provider.journal_id = journal

    def _pay_now_create_clearing_account(self):
        """Create the account of what the provider owes: current asset, reconcilable."""
        code = const.CLEARING_CODES[self.code]
        chart = self.env['account.chart.template'].with_company(self.company_id)
        if self.company_id.chart_template != 'fr':
            outstanding = chart.ref(
                'account_journal_payment_debit_account_id', raise_if_not_found=False
            )
            code = (outstanding and outstanding.code) or code
        return self._pay_now_create_account(
            self.env._("%s in collection", self._pay_now_short_name()), code
        )

    def _pay_now_find_disputed_account(self):
        """Return the account where disputed payments wait, one for all providers of a company."""
        providers = self.sudo().search([('company_id', '=', self.company_id.id)])
        return providers.pay_now_disputed_account_id[:1] or self._pay_now_create_disputed_account()

    def _pay_now_create_disputed_account(self):
        """Create an account where disputed payments wait."""
        company = self.company_id
        code = const.DISPUTED_CODE
        if company.chart_template != 'fr':
            code = self.pay_now_clearing_account_id.with_company(company).code
        return self._pay_now_create_account(self.env._("Disputed online payments"), code)

    def _pay_now_create_account(self, name, code):
        """Create a reconcilable current asset, at this code or the next free one.

        :param str name: its name.
        :param str code: the code wanted.
        :rtype: account.account
        """
        account = (
            self.env['account.account']
            .with_company(self.company_id)
            .create(
                {
                    'name': name,
                    'code': self._pay_now_free_account_code(code),
                    'account_type': 'asset_current',
                    'reconcile': True,
                    'company_ids': [Command.link(self.company_id.id)],
                }
            )
        )
        self._pay_now_mark_made(account)
        return account

    def _pay_now_free_account_code(self, code):
        """Return an account code, or the next free one after it."""
        Account = self.env['account.account'].with_company(self.company_id)
        taken = Account.search_count(
            [*Account._check_company_domain(self.company_id), ('code', '=', code)], limit=1
        )
        return Account._search_new_account_code(code) if taken else code

    def _pay_now_find_commission_account(self):
        """Return the chart's bank-fee account, or nothing rather than a guess.

        Core's helper looks for an English name and falls back to the first expense account.
        """
        chart = self.env['account.chart.template'].with_context(lang='en_US')
        account = chart.with_company(self.company_id)._get_bank_fees_reco_account(self.company_id)
        names = (account.with_context(lang='en_US').name or '', account.code or '')
        if not ('bank' in names[0].lower() or names[1].startswith('627')):
            account = self._pay_now_find_account_by_name(const.BANK_FEE_NAMES)
        return account.with_context(lang=self.env.lang)

    def _pay_now_find_account_by_name(self, names):
        """Return the one expense account of such an English name; nothing when there are several.

        :param tuple names: the names to look for, one after the other.
        :rtype: account.account
        """
        Account = self.env['account.account'].with_company(self.company_id)
        Account = Account.with_context(lang='en_US')
        expenses = [
            *Account._check_company_domain(self.company_id),
            ('account_type', 'in', ('expense', 'expense_other', 'expense_direct_cost')),
        ]
        for name in names:
            found = Account.search([*expenses, ('name', 'ilike', name)])
            exact = found.filtered_domain([('name', '=ilike', name)])
            if len(exact or found) == 1:
                return exact or found
        return Account

    def _pay_now_create_journal(self):
        """Create the provider's bank-type journal, standing on its clearing account."""
        journals = self.env['account.journal'].with_context(pay_now_own_journal=self.id)
        journal = journals.create(
            {
                'name': self.name,
                'type': 'bank',
                'code': self._pay_now_free_journal_code(),
                'company_id': self.company_id.id,
                'default_account_id': self.pay_now_clearing_account_id.id,
            }
        )
        journal = journal.with_env(self.env)
        self._pay_now_mark_made(journal)
        return journal

    def _pay_now_free_journal_code(self):
        taken = set(
            self.env['account.journal']
            .with_context(active_test=False)
            .search([('company_id', '=', self.company_id.id)])
            .mapped('code')
        )
        base = const.JOURNAL_CODES[self.code]
        candidates = (base, *(f'{base[:4]}{number}' for number in range(2, 10)))
        return next(code for code in candidates if code not in taken)

    def _pay_now_set_up_method_line(self):
        """Let the provider's payments stand on its clearing account."""
        self._pay_now_method_line()._pay_now_follow()
