# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from odoo.addons.account_pay_now import const


class PaymentProvider(models.Model):
    """The clearing account: one of its own for each provider, and one field that says which.

    Whatever is booked at a provider – payments, commissions, refunds, payouts, disputes – reads
    the account from here, and so do the balance and Odoo's payment method line, which follows.
    """

    _inherit = 'payment.provider'

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_clearing_account_id')
    def _check_pay_now_clearing_account(self):
        for provider in self:
            account = provider.pay_now_clearing_account_id
            if not account:
                continue
            if not (account.account_type == 'asset_current' and account.reconcile):
                raise UserError(
                    self.env._("The clearing account must be a reconcilable current asset.")
                )
            if not account.active:
                raise UserError(
                    self.env._(
                        "%s is archived: nothing can be booked on it. Choose another account.",
                        provider._pay_now_account_label(account),
                    )
                )
            if account.currency_id - provider.company_id.currency_id:
                raise UserError(
                    self.env._(
                        "The clearing account must take the company's currency: %(account)s is kept"
                        " in %(currency)s.",
                        account=provider._pay_now_account_label(account),
                        currency=account.currency_id.name,
                    )
                )

    @api.constrains(
        'pay_now_clearing_account_id',
        'pay_now_commission_account_id',
        'pay_now_disputed_account_id',
    )
    def _check_pay_now_accounts_apart(self):
        self._pay_now_check_accounts_apart()

    def _pay_now_check_accounts_apart(self):
        """Refuse accounts that serve two purposes: nobody could tell any more what stands there.

        :raise ValidationError: which account it is, and what else it is used for.
        """
        for provider in self.filtered(lambda provider: provider.code in const.PROVIDER_CODES):
            account = provider.pay_now_clearing_account_id
            commission = provider.pay_now_commission_account_id
            disputed = provider.pay_now_disputed_account_id
            if commission and commission == disputed:
                raise ValidationError(
                    self.env._(
                        "%(account)s cannot hold both the commissions and the disputed payments"
                        " of %(provider)s: choose two accounts.",
                        account=provider._pay_now_account_label(commission),
                        provider=provider.name,
                    )
                )
            if account and (use := provider._pay_now_other_use(account)):
                raise ValidationError(
                    self.env._(
                        "%(account)s cannot be the clearing account of %(provider)s: it is also"
                        " %(use)s. The clearing account only holds what the provider owes, so that"
                        " it can be compared with the provider to the cent: choose another one.",
                        account=provider._pay_now_account_label(account),
                        provider=provider.name,
                        use=use,
                    )
                )

    def _pay_now_other_use(self, account):
        """Return what else an account is used for than as this provider's clearing account.

        :param account.account account: the clearing account, or one that shall be.
        :return: in words; False where it is used for nothing else.
        :rtype: str | bool
        """
        self.ensure_one()
        company = self.company_id
        ours = self.sudo().search(
            Domain('code', 'in', const.PROVIDER_CODES) & Domain('company_id', '=', company.id)
        )
        if account in self.pay_now_commission_account_id | ours.pay_now_commission_account_id:
            return self.env._("the commission account")
        if account in self.pay_now_disputed_account_id | ours.pay_now_disputed_account_id:
            return self.env._("the disputed payments account")
        if other := (ours - self).filtered(lambda one: one.pay_now_clearing_account_id == account):
            return self.env._("the clearing account of %s", other[0].name)
        if account == company.transfer_account_id:
            return self.env._("the company's internal transfer account")
        if account == company.account_journal_suspense_account_id:
            return self.env._("the bank's suspense account")
        if journal := self._pay_now_other_journal(account):
            return self.env._("an account of the journal %s", journal.display_name)
        return False

    def _pay_now_other_journal(self, account):
        """Return a journal other than the provider's own whose bank side stands on an account.

        :param account.account account: the clearing account, or one that shall be.
        :rtype: account.journal
        """
        self.ensure_one()
        journals = self.env['account.journal'].sudo()
        if self.env.context.get('pay_now_own_journal'):
            # Being made for the provider.
            return journals
        lines = self.env['account.payment.method.line'].sudo()
        own = self._pay_now_journals()
        other = Domain('company_id', '=', self.company_id.id) & Domain('id', 'not in', own.ids)
        stands = Domain('default_account_id', '=', account.id) | Domain(
            'suspense_account_id', '=', account.id
        )
        paid = lines.search(
            Domain('payment_account_id', '=', account.id)
            & Domain('journal_id', 'any', other)
            & (
                Domain('payment_provider_id', '=', False)
                | Domain('payment_provider_id', '!=', self.id)
            ),
            limit=1,
        )
        return paid.journal_id or journals.search(other & stands, limit=1)

    def _pay_now_for_books(self):
        """Return the provider as what it makes in the books of its company is made and named.

        In the company's language, whoever connects it.

        :rtype: payment.provider
        """
        self.ensure_one()
        company = self.company_id
        return self.with_company(company).with_context(lang=company._pay_now_lang())

    def _pay_now_account_label(self, account):
        """Return an account's code and name, as the provider's company writes them.

        :param account.account account: one.
        :rtype: str
        """
        account = account.sudo().with_company(self.company_id)
        # Odoo's own label leaves the code out for some who keep books.
        return ' '.join(filter(None, (account.code, account.name)))

    @api.model
    def _pay_now_of_clearing(self, accounts):
        """Return the providers of ours that have one of the accounts as their clearing account.

        :param account.account accounts: any.
        :rtype: payment.provider (sudo)
        """
        if not accounts:
            return self.sudo().browse()
        return self.sudo().search(Domain('pay_now_clearing_account_id', 'in', accounts.ids))

    # === BUSINESS METHODS - ANOTHER ACCOUNT === #

    def _pay_now_check_clearing_change(self, account_id):
        """Refuse another clearing account where entries stand on the present one.

        What comes later – payouts, refunds – would not find them any more, and both accounts would
        hold a part of what the provider owes.

        :param int account_id: of the new account, or False.
        :raise UserError: there are entries.
        """
        self.ensure_one()
        account = self.pay_now_clearing_account_id
        if not account or account.id == account_id:
            return
        if self._pay_now_stands_on(account):
            raise UserError(
                self.env._(
                    "The clearing account of %(provider)s cannot be changed any more: entries stand"
                    " on %(account)s, and payouts and refunds that come later are reconciled with"
                    " them. Its code and name can be changed in the chart of accounts.",
                    provider=self.name,
                    account=self._pay_now_account_label(account),
                )
            )
        if not account_id and self.pay_now_status == 'connected':
            raise UserError(
                self.env._(
                    "%s is connected: it needs a clearing account.", self._pay_now_short_name()
                )
            )

    def _pay_now_check_disputed_change(self, account_id):
        """Refuse another disputed payments account while payments wait on the present one.

        :param int account_id: of the new account, or False.
        :raise UserError: some wait.
        """
        self.ensure_one()
        account = self.pay_now_disputed_account_id
        if not account or account.id == account_id:
            return
        disputes = self.env['pay.now.dispute'].sudo()
        waiting = disputes.search_count(
            Domain('provider_id', '=', self.id)
            & Domain('state', 'in', ('open', 'inquiry'))
            & Domain('movement_ids.move_id.line_ids.account_id', '=', account.id),
            limit=1,
        )
        if waiting:
            raise UserError(
                self.env._(
                    "The disputed payments account of %(provider)s cannot be changed while payments"
                    " are disputed: they wait on %(account)s for the bank's decision.",
                    provider=self.name,
                    account=self._pay_now_account_label(account),
                )
            )

    def _pay_now_stands_on(self, account):
        """Tell whether entries of the company or its branches stand on an account, drafts included.

        :param account.account account: the account.
        :rtype: bool
        """
        self.ensure_one()
        return bool(
            self.env['account.move.line']
            .sudo()
            .search_count(
                Domain('account_id', '=', account.id)
                & Domain('company_id', 'child_of', self.company_id.id)
                & Domain('parent_state', '!=', 'cancel'),
                limit=1,
            )
        )

    # === BUSINESS METHODS - METHOD LINE === #

    def _pay_now_lead_method_lines(self):
        """Let the payment method lines of the providers stand on their clearing accounts."""
        self.env['account.payment.method.line'].sudo().search(
            Domain('payment_provider_id', 'in', self.ids)
        )._pay_now_follow()

    def _pay_now_differing_account(self):
        """Return the outstanding account of the method line where it is not the clearing account.

        Only what writes to the database directly, or an earlier version, leaves one.

        :return: empty where both are the same.
        :rtype: account.account
        """
        self.ensure_one()
        lines = self.env['account.payment.method.line'].sudo()
        lines = lines.search(
            Domain('payment_provider_id', '=', self.id) & Domain('journal_id', '!=', False)
        )
        return lines.payment_account_id - self.pay_now_clearing_account_id

    def _pay_now_differing_problem(self):
        """Return the problem that line and field are not one account, or False.

        :rtype: dict | bool
        """
        if not self.pay_now_clearing_account_id:
            return False
        if account := self._pay_now_differing_account()[:1]:
            return {'code': 'clearing', 'account': self._pay_now_account_label(account)}
        return False

    def _pay_now_differing_label(self, problem):
        """Return what to do about a method line that stands on another account.

        :param dict problem: see `_pay_now_differing_problem`.
        :rtype: str
        """
        return self.env._(
            "The payment method of %(provider)s in its journal has the outstanding account"
            " %(other)s, the clearing account is %(account)s. Press “Check again”: the payment"
            " method follows the clearing account.",
            provider=self._pay_now_short_name(),
            other=problem['account'],
            account=self._pay_now_account_label(self.pay_now_clearing_account_id),
        )
