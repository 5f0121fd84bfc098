# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, time

import pytz

from odoo import api, models

from odoo.addons.account_pay_now import const


class ResCompany(models.Model):
    """Days of the company at the provider; its own accounts are no clearing accounts."""

    _inherit = 'res.company'
    _pay_now_written_by = {
        **dict.fromkeys(const.OPTION_FIELDS, True),
        'pay_now_sage_customer_code': True,
        'pay_now_test_email': True,
        'pay_now_reply_to': True,
        'pay_now_provider_ids': 'base.group_system',
    }

    # === CONSTRAINT METHODS === #

    @api.constrains('transfer_account_id', 'account_journal_suspense_account_id')
    def _check_pay_now_clearing_account(self):
        """Refuse a transfer or suspense account that holds what a provider owes."""
        accounts = self.transfer_account_id | self.account_journal_suspense_account_id
        self.env['payment.provider']._pay_now_of_clearing(accounts).filtered(
            lambda provider: provider.company_id in self
        )._pay_now_check_accounts_apart()

    # === BUSINESS METHODS === #

    def _pay_now_away_text(self):
        """Return why no reminder leaves: this is another database than the one that was connected.

        :rtype: str | bool
        """
        away = (
            self.env['payment.provider']
            ._pay_now_away()
            .filtered(lambda provider: provider.company_id.root_id in self.root_id)
        )
        return away[:1].with_env(self.env)._pay_now_away_label() if away else False

    def _pay_now_day_start(self, date):
        """Return the instant at which a day begins where the company is.

        :param datetime.date date: the day.
        :return: naive, in UTC.
        :rtype: datetime.datetime
        """
        start = self._pay_now_zone().localize(datetime.combine(date, time.min))
        return start.astimezone(pytz.utc).replace(tzinfo=None)
