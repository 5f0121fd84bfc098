# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.account_pay_now.gateways.errors import GatewayError

#: What the books of a test are called by, beside those of real payments.
TEST_MARK = ' (TEST)'
#: Such marks, and the number of a further account, at the end of a name.
NUMBER = re.compile(r'( \((TEST|\d+)\))+$')


class PaymentProvider(models.Model):
    """One account, one record, one clearing account (design section 6.6).

    Another account, and the provider's live environment after its test environment, is another
    record. The former one is closed to new payments and followed until all of it is settled.
    """

    _inherit = 'payment.provider'

    pay_now_replaced = fields.Boolean(
        string="Another account took over", compute='_compute_pay_now_replaced'
    )

    # === COMPUTE METHODS === #

    @api.depends('pay_now_status')
    def _compute_pay_now_replaced(self):
        """Also of a record of an earlier account that is still there."""
        connected = self.search(
            Domain('code', 'in', self.mapped('code'))
            & Domain('company_id', 'in', self.company_id.ids)
            & Domain('pay_now_status', '=', 'connected')
        )
        taken = {(provider.code, provider.company_id) for provider in connected}
        for provider in self:
            provider.pay_now_replaced = (
                provider.pay_now_status != 'connected'
                and (provider.code, provider.company_id._origin) in taken
            )

    # === ACTION METHODS === #

    def action_pay_now_connect_another(self):
        """Open the window that asks for the keys of another account."""
        return self._pay_now_ask_keys(
            'another', self.env._("Connect another account of %s", self._pay_now_short_name())
        )

    def action_pay_now_go_live(self):
        """Open the window that asks for the keys that take real money."""
        return self._pay_now_ask_keys(
            'live', self.env._("Go live with %s", self._pay_now_short_name())
        )

    # === BUSINESS METHODS - WHICH ACCOUNT === #

    def _pay_now_has_history(self):
        """Tell whether something of the record's account is kept here.

        :rtype: bool
        """
        self.ensure_one()
        return any(
            self.env[model].sudo().search_count([('provider_id', '=', self.id)], limit=1)
            for model in ('payment.transaction', 'pay.now.payout')
        )

    def _pay_now_check_same_account(self, account):
        """Refuse the keys of another account than the record's.

        :param gateways.base.Account account: whose keys they are.
        :raise UserError: what to do instead.
        """
        self.ensure_one()
        name = self._pay_now_short_name()
        if self.pay_now_account != account.id:
            raise UserError(
                self.env._(
                    "These keys belong to another account of %(provider)s (%(new)s). The payments"
                    " and the books here are those of %(old)s. Press “Connect another account”: it"
                    " makes a new record with its own journal and clearing account.",
                    provider=name,
                    new=account.id,
                    old=self.pay_now_account,
                )
            )
        if self.pay_now_test_keys == account.test_mode:
            return
        if account.test_mode:
            raise UserError(
                self.env._(
                    "These are test keys, and the books here are about real money. Press “Connect"
                    " another account”: it makes a new record with its own journal and clearing"
                    " account."
                )
            )
        raise UserError(
            self.env._(
                "These keys take real money, and the books here are those of a test. Press “Go"
                " live”: it makes a new record with its own journal and clearing account."
            )
        )

    # === BUSINESS METHODS - ANOTHER ACCOUNT === #

    def _pay_now_connect_successor(self, key, secret='', live=False, api_base=False):
        """Connect another account on a record of its own, and close this one to new payments.

        An account that was connected before goes on where it stopped.

        :param str key: as of `_pay_now_connect`.
        :param str secret: as of `_pay_now_connect`.
        :param bool live: refuse keys that only pretend to take money.
        :param str api_base: the address of a sandbox.
        :return: the record of the other account.
        :rtype: payment.provider
        :raise UserError: as `_pay_now_connect`; nothing has changed then.
        """
        self.ensure_one()
        self._pay_now_check_steps()
        try:
            account = self._pay_now_prove(key, secret)
        except GatewayError as error:
            raise UserError(self._pay_now_error_text(error)) from error
        if live and account.test_mode:
            raise UserError(
                self.env._(
                    "These are test keys again. Leave the test mode at %s, and take the keys of its"
                    " live environment.",
                    self._pay_now_short_name(),
                )
            )
        if self._pay_now_is_account(account):
            raise UserError(
                self.env._(
                    "These keys belong to the account that is here already: press “Change keys”."
                )
            )
        if self.pay_now_test_keys and not account.test_mode:
            self._pay_now_mark_test_books()
        successor = self._pay_now_find_account(account) or self._pay_now_create_successor()
        if api_base:
            successor.write({'state': 'disabled', 'pay_now_api_base': api_base})
        successor._pay_now_connect(key, secret)
        return successor

    def _pay_now_is_account(self, account):
        return (self.pay_now_account, self.pay_now_test_keys) == (account.id, account.test_mode)

    def _pay_now_find_account(self, account):
        """Return the record that was connected to an account before, if there is one."""
        return self.search(
            Domain('code', '=', self.code)
            & Domain('company_id', '=', self.company_id.id)
            & Domain('pay_now_account', '=', account.id)
            & Domain('pay_now_test_keys', '=', account.test_mode),
            limit=1,
        )

    def _pay_now_create_successor(self):
        """Create the record of another account: all of its own but the commission account.

        :rtype: payment.provider
        """
        same = self.search([('code', '=', self.code), ('company_id', '=', self.company_id.id)])
        # The books of a test have their own mark.
        number = sum(not provider.name.endswith(TEST_MARK) for provider in same) + 1
        mark = f' ({number})' if number > 1 else ''
        successor = self.copy({'company_id': self.company_id.id})
        successor.pay_now_commission_account_id = self.pay_now_commission_account_id
        # Before the accounts of the others are found.
        provider = successor.with_company(self.company_id)
        provider.pay_now_clearing_account_id = provider._pay_now_create_clearing_account()
        provider.pay_now_disputed_account_id = provider._pay_now_create_disputed_account()
        base = NUMBER.sub('', self.name)
        _rename(successor, lambda name: NUMBER.sub('', name or base) + mark)
        _rename(provider.pay_now_clearing_account_id, lambda name: name + mark)
        _rename(
            provider.pay_now_disputed_account_id,
            lambda name: f'{name} ({self._pay_now_short_name()}{mark})',
        )
        return successor

    def _pay_now_begin_account(self):
        """Forget what was read of another account, of which nothing is kept here."""
        self.write(
            {
                'pay_now_opened_at': False,
                'pay_now_opening_balance': 0,
                'pay_now_last_sweep_at': False,
                'pay_now_last_listing_at': False,
            }
        )

    def _pay_now_replace_others(self):
        """Close the company's other records of the same provider to new payments.

        Test keys connected beside real ones close nothing: they are offered to nobody.
        """
        self.ensure_one()
        others = self.search(
            Domain('code', '=', self.code)
            & Domain('company_id', '=', self.company_id.id)
            & Domain('pay_now_status', '=', 'connected')
            & Domain('id', '!=', self.id)
        )
        others.filtered(
            lambda other: other.pay_now_test_keys or not self.pay_now_test_keys
        ).action_pay_now_disconnect()

    def _pay_now_mark_test_books(self):
        """Say on the books of a test that they are, now that there are real ones beside them."""
        self.ensure_one()
        for record in (self, self.journal_id, self.pay_now_clearing_account_id):
            if record and not record.name.endswith(TEST_MARK):
                _rename(record, lambda name: name + TEST_MARK)


def _rename(record, rename):
    """Change a name in each language that it is written in.

    :param recordset record: one record with a translated name.
    :param rename: gives the new name of an old one.
    """
    names = {
        lang: record.with_context(lang=lang).name
        for lang, _name in record.env['res.lang'].get_installed()
    }
    for lang, name in names.items():
        record.with_context(lang=lang).name = rename(name)
