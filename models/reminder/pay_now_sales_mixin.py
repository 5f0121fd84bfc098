# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import functools

from odoo import api, models
from odoo.fields import Command


def by_engine(operation):
    """Return a decorator that runs a method as the engine would.

    What only reads is run so for people in Sales.

    For methods of models with `pay.now.sales.mixin` (see `_by_engine`).

    :param str operation: the access right to these records that the method takes, e.g. `write`.
    :rtype: function
    """

    def decorate(method):
        @functools.wraps(method)
        def run_by_engine(self, *args, **kwargs):
            return method(self._by_engine(operation), *args, **kwargs)

        return run_by_engine

    return decorate


class PayNowSalesMixin(models.AbstractModel):
    """Models that people in Sales use without rights in the accounting.

    They act on records of their own only; what the engine reads and writes for it goes beyond
    their rights, and keeps to the scope that the run has (see `res.users`).
    """

    _name = 'pay.now.sales.mixin'
    _description = "Reminders from Sales"

    # === BUSINESS METHODS - SALES === #

    @api.model
    def _is_sales_only(self):
        """Tell whether the user acts for Sales only.

        :rtype: bool
        """
        return not (self.env.su or self.env.user.has_group('account.group_account_invoice'))

    def _by_engine(self, operation='write'):
        """Return the records as the engine works with them, once the user may do it at all.

        :param str operation: what the user wants to do with these records.
        :raise AccessError: if they are not the user's.
        """
        # What a client makes up and does not save is nobody's: no rights but the user's own.
        if self.env.su or not all(self._ids):
            return self
        # What is written follows from a button, whoever presses it: people write a few fields only.
        if operation == 'read' and not self._is_sales_only():
            return self
        self.check_access(operation)
        return self.sudo()

    @api.model
    def _within_sales(self, vals):
        """Return values of a wizard or a run, within what the user may remind of.

        :param dict vals: what was asked for.
        :rtype: dict
        """
        # The previous balance is of debts that are none of theirs.
        forced = {'application': 'sales', 'print_previous_balance': False}
        if not self.env.user._pay_now_sees_all_sales():
            forced['user_ids'] = [Command.clear()]
        return {**vals, **forced}
