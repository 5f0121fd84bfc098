# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta, timezone

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayError, GatewayUnavailable
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)

#: First key of the advisory locks taken here; the second one is the provider's id.
COMPARISON_KEY = 0x50614E78
#: The items on an account whose entry neither belongs to a record of ours nor is taken back.
ITEMS_BY_HAND = """
    SELECT line.id
      FROM account_move_line line
      JOIN account_move move ON move.id = line.move_id
     WHERE line.account_id = %s
       AND line.company_id = %s
       AND line.parent_state = 'posted'
       AND line.date <= %s
       AND move.reversed_entry_id IS NULL
       AND NOT EXISTS (
           SELECT FROM account_move back
            WHERE back.reversed_entry_id = move.id AND back.state = 'posted' AND back.date <= %s
       )
       AND NOT EXISTS (
           SELECT FROM account_payment payment
            WHERE payment.move_id = move.id
              AND payment.payment_transaction_id IS NOT NULL
       )
       AND NOT EXISTS (
           SELECT FROM payment_transaction tx
            WHERE tx.pay_now_commission_move_id = move.id
       )
       AND NOT EXISTS (
           SELECT FROM pay_now_payout payout
            WHERE move.id IN (payout.move_id, payout.reversal_move_id)
       )
       AND NOT EXISTS (
           SELECT FROM pay_now_movement movement WHERE movement.move_id = move.id
       )
  ORDER BY line.id
"""


class PaymentProvider(models.Model):
    """The daily comparison of the provider's payments with the books."""

    _inherit = 'payment.provider'

    pay_now_compared_at = fields.Datetime(string="Last compared", readonly=True, copy=False)
    # Its code. Earlier versions kept a sentence, which is shown as it is.
    pay_now_comparison_note = fields.Char(
        string="Limit of the comparison", readonly=True, copy=False
    )
    pay_now_comparison_note_text = fields.Char(
        string="Comparison",
        compute='_compute_pay_now_comparison_note_text',
        help="What keeps the payments of the last days from being compared, all or some.",
    )

    # === COMPUTE METHODS === #

    @api.depends('pay_now_comparison_note')
    @api.depends_context('lang')
    def _compute_pay_now_comparison_note_text(self):
        for provider in self:
            code = provider.pay_now_comparison_note
            provider.pay_now_comparison_note_text = code and provider._pay_now_problem_label(
                {'code': code}
            )

    # === BUSINESS METHODS - COMPARISON === #

    @api.model
    def _pay_now_compare_for(self, companies):
        """Compare the providers of companies now, for an accountant who asks for it.

        :param res.company companies: of the user.
        :return: a notification of what came of it.
        :rtype: dict
        :raise AccessError: the user keeps no books.
        """
        if not self.env.user.has_group('account.group_account_invoice'):
            raise AccessError(self.env._("Only an accountant can compare with the provider."))
        providers = self._pay_now_compared_providers().filtered(
            lambda provider: provider.company_id in companies
        )
        problems = {provider: provider._pay_now_compare_safely() for provider in providers}
        found = self.env['pay.now.discrepancy'].search_count(
            Domain('kind', 'in', const.COMPARED_KINDS)
            & Domain('state', '=', 'open')
            & Domain('company_id', 'in', companies.ids)
        )
        lines = [one._pay_now_comparison_text(problem) for one, problem in problems.items()]
        lines.append(
            self.env._("Differences to handle: %s", found)
            if providers
            else self.env._("No provider of your companies is connected.")
        )
        all_right = providers and not found and not any(problems.values())
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if all_right else 'warning',
                'message': '\n'.join(lines),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def _pay_now_comparison_text(self, problem):
        """Return what came of the comparison of one provider, for a notification.

        :param str problem: why it could not be compared, if so.
        :rtype: str
        """
        text = problem or self.env._(
            "the payments of the last %(days)s days are compared. %(note)s",
            days=const.COMPARISON_DAYS,
            note=self.pay_now_comparison_note_text or '',
        )
        return f'{self._pay_now_short_name()}: {text.strip()}'

    @api.model
    def _pay_now_compared_providers(self):
        """Return the providers that have something to compare.

        A disconnected one has while payments of the last days, or what was found, are there.

        :rtype: payment.provider
        """
        since = fields.Datetime.now() - timedelta(days=const.COMPARISON_DAYS)
        Discrepancy = self.env['pay.now.discrepancy'].sudo()

        def is_alive(provider):
            return (
                provider.pay_now_status == 'connected'
                or self.env['payment.transaction']
                .sudo()
                .search_count(
                    Domain('provider_id', '=', provider.id) & Domain('create_date', '>=', since),
                    limit=1,
                )
                or Discrepancy.search_count(Discrepancy._open_domain(provider), limit=1)
            )

        return self._pay_now_swept().filtered(is_alive)

    def _pay_now_compare_safely(self, commit=None):
        """Compare one provider; a failure is noted, and stops nobody else.

        :param commit: called between reading the provider's list and reading the books.
        :return: why it could not be compared, if so.
        :rtype: str | None
        """
        self.ensure_one()
        try:
            listed, note = self._pay_now_list_paid()
            if commit:
                # The books as they are after the list, not before: no false alarm.
                commit()
            if not self._pay_now_take_comparison():
                return self.env._("is being compared at this moment.")
            with self.env.cr.savepoint():
                self.env['pay.now.discrepancy']._compare(self, listed)
        except psycopg2.OperationalError:
            raise
        except GatewayError as error:
            _logger.info("%s could not be compared: %s", self.name, error.message)
            if not isinstance(error, GatewayUnavailable):
                self._pay_now_note_problem(error)
            return self._pay_now_error_text(error)
        except Exception as error:
            _logger.exception("%s could not be compared", self.name)
            return str(error)
        self.sudo().write(
            {'pay_now_compared_at': fields.Datetime.now(), 'pay_now_comparison_note': note}
        )
        return None

    def _pay_now_take_comparison(self):
        """Keep others from comparing the provider until the transaction ends.

        :return: False when somebody else does at this moment.
        :rtype: bool
        """
        self.env.cr.execute(
            SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", COMPARISON_KEY, self.id)
        )
        return self.env.cr.fetchone()[0]

    def _pay_now_list_paid(self):
        """Read the payments of the last days in the provider's list.

        :return: `gateways.base.Movement` of payments, or None where it gives no list; and the
            code of what the comparison leaves out because of that (see `problems`).
        :rtype: tuple(list | None, str | bool)
        :raise GatewayError: the provider does not answer, or refuses.
        """
        since = fields.Datetime.now() - timedelta(days=const.COMPARISON_DAYS)
        try:
            found = list(self._pay_now_gateway().list_movements(since.replace(tzinfo=timezone.utc)))
        except GatewayError as error:
            if error.code != 'reporting_not_allowed':
                raise
            return None, 'not_listed'
        return [line for line in found if line.kind == 'payment' and line.amount > 0], False

    # === BUSINESS METHODS - BALANCE === #

    def _pay_now_items_by_hand(self, date=None):
        """Return the items on the clearing account that no payment, payout or movement put there.

        An entry and the one that takes it back are left out: together they are nothing.

        :param datetime.date date: the last day that counts; none for all.
        :rtype: account.move.line
        """
        self.ensure_one()
        self.env.flush_all()
        account = self.pay_now_clearing_account_id
        date = date or fields.Date.to_date('9999-12-31')
        self.env.cr.execute(SQL(ITEMS_BY_HAND, account.id, self.company_id.id, date, date))
        return self.env['account.move.line'].browse(row[0] for row in self.env.cr.fetchall())

    # === CRON === #

    @api.model
    def _cron_pay_now_compare(self):
        """Compare each provider that was not compared lately; try the others again in a while."""
        cron = self.env['ir.cron']
        lately = fields.Datetime.now() - timedelta(hours=const.COMPARISON_INTERVAL_HOURS)
        providers = self._pay_now_compared_providers().filtered(
            lambda provider: (
                not provider.pay_now_compared_at or provider.pay_now_compared_at < lately
            )
        )
        cron._commit_progress(remaining=len(providers))
        failed = False
        for provider in providers:
            try:
                failed |= bool(provider._pay_now_compare_safely(commit=cron._commit_progress))
                go_on = cron._commit_progress(1)
            except psycopg2.OperationalError:
                # Somebody books the same payments at this moment.
                self.env.cr.rollback()
                failed = True
                continue
            if not go_on:
                return
        if failed:
            self.env.ref('account_pay_now.ir_cron_compare')._trigger(
                at=fields.Datetime.now() + timedelta(hours=const.COMPARISON_RETRY_HOURS)
            )
