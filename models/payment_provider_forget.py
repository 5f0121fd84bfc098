# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_datetime

from odoo.addons.account_pay_now import const, problems


class PaymentProvider(models.Model):
    """What is still followed of an account, and how to stop following it.

    *Disconnect* closes it to new payments only: keys and webhook stay, so that what is under way
    is booked, and refunds are made. *Forget keys* ends that too.
    """

    _inherit = 'payment.provider'

    pay_now_stage = fields.Selection(
        string="Stage",
        selection=[
            ('new', "not connected"),
            ('test', "connected, test"),
            ('live', "connected"),
            ('followed', "disconnected, still followed"),
            ('forgotten', "disconnected, keys forgotten"),
        ],
        compute='_compute_pay_now_stage',
    )
    pay_now_stage_text = fields.Char(string="What goes on", compute='_compute_pay_now_stage')

    # === COMPUTE METHODS === #

    @api.depends(
        'pay_now_status',
        'pay_now_test_keys',
        'pay_now_account',
        'pay_now_former_webhook_ref',
        'pay_now_problem_text',
    )
    @api.depends_context('lang', 'tz')
    def _compute_pay_now_stage(self):
        for provider in self:
            # The set-up screen, before it is saved, shows copies.
            stage = provider._origin._pay_now_find_stage()
            provider.pay_now_stage = stage
            provider.pay_now_stage_text = provider._origin._pay_now_find_stage_text(stage)

    def _pay_now_find_stage(self):
        provider = self.sudo()
        if provider.pay_now_status == 'connected':
            return 'test' if provider.pay_now_test_keys else 'live'
        if self._pay_now_connection().is_followed():
            return 'followed'
        return 'forgotten' if provider.pay_now_account else 'new'

    def _pay_now_find_stage_text(self, stage):
        """Return what goes on with an account that is not simply connected, or False."""
        if stage == 'followed':
            if self.pay_now_problem:
                return self.pay_now_problem_text
            followed = self._pay_now_followed_text()
            if not followed:
                return self.env._("Nothing is under way any more.")
            return self.env._("No new payments. Still followed: %s.", followed)
        if stage == 'forgotten':
            return self.env._("Its history and its books stay. Connect again at any time.")
        until = self.pay_now_former_webhook_until
        if self.pay_now_former_webhook_ref and until:
            return self.env._(
                "The webhook secret is being renewed: the former one is valid until %s.",
                format_datetime(self.env, until),
            )
        return False

    # === ACTION METHODS === #

    def action_pay_now_forget(self):
        """Open the window that says what will no longer be followed."""
        self.ensure_one()
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Forget the keys of %s", self._pay_now_short_name()),
            'res_model': 'pay.now.forget',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_provider_id': self.id},
        }

    # === BUSINESS METHODS - WHAT IS FOLLOWED === #

    def _pay_now_followed(self):
        """Return how many payments, disputes and payouts still need the provider's answers.

        :return: `{open, refundable, disputes, payouts}`
        :rtype: dict
        """
        self.ensure_one()
        Transaction = self.env['payment.transaction'].sudo()
        mine = Domain('provider_id', '=', self.id)
        payments = mine & Domain('operation', '!=', 'refund')
        opened = Domain('state', '=', 'draft') & Domain('provider_reference', '!=', False)
        oldest = fields.Datetime.now() - timedelta(days=const.REFUNDABLE_DAYS)
        refundable = (
            payments & Domain('state', '=', 'done') & Domain('pay_now_paid_at', '>=', oldest)
        )
        refunded = Transaction._read_group(
            mine
            & Domain('operation', '=', 'refund')
            & Domain('state', 'in', ('draft', 'pending', 'done'))
            & Domain('source_transaction_id', 'any', refundable),
            ['source_transaction_id'],
            ['amount:sum'],
        )
        wholly = sum(
            source.currency_id.compare_amounts(-amount, source.pay_now_received) >= 0
            for source, amount in refunded
        )
        return {
            # A refund on its way is under way as much as a payment.
            'open': Transaction.search_count(
                mine & (Domain('state', 'in', ('pending', 'authorized')) | opened)
            ),
            'refundable': Transaction.search_count(refundable) - wholly,
            'disputes': self.env['pay.now.dispute']
            .sudo()
            .search_count(mine & Domain('state', 'in', ('inquiry', 'open'))),
            'payouts': self.env['pay.now.payout']
            .sudo()
            .search_count(mine & Domain('state', '=', 'pending')),
        }

    def _pay_now_followed_text(self):
        """Return in numbers what is still followed, empty when nothing is.

        :rtype: str
        """
        counts = self._pay_now_followed()
        labels = {
            'open': self.env._("payments under way: %s", counts['open']),
            'refundable': self.env._("payments that can be refunded: %s", counts['refundable']),
            'disputes': self.env._("open disputes: %s", counts['disputes']),
            'payouts': self.env._("payouts on their way: %s", counts['payouts']),
        }
        return ', '.join(labels[kind] for kind, count in counts.items() if count)

    # === BUSINESS METHODS - FORGETTING === #

    def _pay_now_forget_keys(self):
        """Forget keys and webhook; history and books stay, and it can be connected again.

        :return: what is left at the provider, for the person to remove there, or False.
        :rtype: str | bool
        """
        self.ensure_one()
        left = self._pay_now_connection().unregister_webhooks() and self.env._(
            "%(provider)s was not asked to forget the address %(url)s: please delete it there, in"
            " the settings of your account under “Webhooks”.",
            provider=self._pay_now_short_name(),
            url=self.pay_now_webhook_url,
        )
        if self.pay_now_status == 'connected':
            self.action_pay_now_disconnect()
        self.write(
            {
                'pay_now_api_key': False,
                'pay_now_api_secret': False,
                **problems.values_of('pay_now_problem', False),
                'pay_now_silent_since': False,
                'pay_now_silent_at': False,
                'pay_now_unheard_at': False,
                **self._pay_now_no_webhook_values(),
            }
        )
        self._pay_now_leave_platform()
        return left
