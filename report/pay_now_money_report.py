# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.account_pay_now import const, utils

#: Payouts whose money is at the provider again.
BACK = ('failed', 'canceled')


class PayNowMoneyReport(models.Model):
    """When the money comes: what is on its way to the bank, and what is still at the providers.

    By the payouts and movements that the providers listed. What was there before the first payment
    was booked here counts at PayPal only: Stripe pays it out with the first payouts.
    """

    _name = 'pay.now.money.report'
    _description = "When do I get my money"
    _inherit = ['pay.now.report.mixin']
    _auto = False
    _rec_name = 'provider_id'
    _order = 'state desc, date, id'

    provider_id = fields.Many2one(comodel_name='payment.provider', readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    payout_id = fields.Many2one(comodel_name='pay.now.payout', readonly=True)
    state = fields.Selection(
        string="Where",
        selection=[
            ('on_way', "On its way to the bank"),
            ('later', "At the provider, available later"),
            ('available', "At the provider, available"),
        ],
        readonly=True,
    )
    date = fields.Date(
        string="Day",
        readonly=True,
        help="When the payout is expected at the bank; or from when on the provider may pay it out,"
        " by the rhythm that is set there. Available money has no day: it leaves with the next"
        " payout, at PayPal when you ask for it.",
    )
    amount = fields.Monetary(readonly=True)
    expected_on = fields.Date(
        string="Payout expected on",
        readonly=True,
        help="When the provider will probably pay out what is still there, by the schedule that is"
        " set there. It is at the bank some days later.",
    )
    schedule_text = fields.Char(
        string="Payout schedule", compute='_compute_schedule_text', compute_sudo=True
    )

    _depends = {
        'pay.now.movement': [
            'available_at',
            'booked_on',
            'company_id',
            'currency_id',
            'dispute_id',
            'kind',
            'net',
            'payout_id',
            'provider_id',
            'source_ref',
            'state',
        ],
        'pay.now.payout': [
            'amount',
            'arrives_at',
            'bank_state',
            'company_id',
            'created_at',
            'currency_id',
            'lines_known',
            'payout_ref',
            'provider_id',
            'state',
        ],
        'payment.provider': [
            'code',
            'company_id',
            'pay_now_opening_balance',
            'pay_now_payout_days',
            'pay_now_payout_delay',
            'pay_now_payout_interval',
        ],
    }

    @api.depends('provider_id')
    @api.depends_context('lang')
    def _compute_schedule_text(self):
        for row in self:
            row.schedule_text = row.provider_id.pay_now_schedule_text

    def _opened(self):
        """Override of `pay.now.report.mixin`: the payout."""
        return self.payout_id

    def action_open(self):
        """Override of `pay.now.report.mixin`: what is still there is the provider's movements.

        :return: a window action.
        :rtype: dict
        """
        if self.payout_id:
            return super().action_open()
        self.ensure_one()
        domain = [
            ('provider_id', '=', self.provider_id.id),
            ('currency_id', '=', self.currency_id.id),
            '|',
            '|',
            ('payout_id', '=', False),
            ('payout_id.lines_known', '=', False),
            ('payout_id.state', 'in', BACK),
        ]
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("At the provider"),
            'res_model': 'pay.now.movement',
            'view_mode': 'list,form',
            'domain': domain,
            'help': utils.empty_list_help(
                self.env._("Nothing is at the provider any more"),
                self.env._("What was there has left with a payout since this page was opened."),
            ),
        }

    @property
    def _table_query(self):
        Payout = self.env['pay.now.payout'].sudo()
        return SQL(
            """
            SELECT payout.id * 2 AS id, payout.provider_id, payout.company_id, payout.currency_id,
                   payout.id AS payout_id, 'on_way' AS state, payout.arrives_at::date AS date,
                   payout.amount, NULL::date AS expected_on
              FROM pay_now_payout payout WHERE payout.id IN %s
             UNION ALL
            SELECT min(part.id) * 2 + 1, part.provider_id, part.company_id, part.currency_id, NULL,
                   CASE WHEN part.day IS NULL THEN 'available' ELSE 'later' END, part.day,
                   sum(part.net), (%s)
              FROM (%s) part
              JOIN payment_provider provider ON provider.id = part.provider_id
             GROUP BY part.provider_id, part.company_id, part.currency_id, part.day, provider.id
            HAVING sum(part.net) <> 0
            """,
            # As on the cards of the providers.
            Payout._search(Payout._on_its_way_domain()).subselect(),
            self._expected_day(),
            self._left_there(),
        )

    def _expected_day(self):
        """Return when money that is available on `part.day` is expected to leave, as SQL.

        The same as `payment.provider._pay_now_expected_payout`, here to sort and to group by it.
        """
        return SQL(
            """
            SELECT (min(one) + CASE extract(isodow FROM min(one))
                                    WHEN 6 THEN 2 WHEN 7 THEN 1 ELSE 0
                               END * interval '1 day')::date
              FROM generate_series(
                       coalesce(part.day, %(today)s)::timestamp,
                       coalesce(part.day, %(today)s)::timestamp + interval '31 days',
                       interval '1 day'
                   ) one
             WHERE CASE provider.pay_now_payout_interval
                        WHEN 'daily' THEN TRUE
                        WHEN 'weekly' THEN extract(isodow FROM one)::int IN (%(days)s)
                        WHEN 'monthly' THEN extract(day FROM one)::int IN (
                            SELECT least(day, extract(
                                day FROM date_trunc('month', one) + interval '1 month - 1 day'
                            )::int) FROM (%(days)s) AS days (day)
                        )
                   END
            """,
            today=fields.Date.today(),
            days=SQL(
                """
                SELECT value::int
                  FROM jsonb_array_elements_text(
                           CASE WHEN jsonb_typeof(provider.pay_now_payout_days) = 'array'
                                THEN provider.pay_now_payout_days ELSE '[]' END
                       )
                """
            ),
        )

    def _left_there(self):
        """Return what moved at the providers and was not paid out, by the day it is available.

        A payout takes with it the movements it lists, once they are known; any other one takes its
        amount, whatever the books list with it. What PayPal tells of twice counts as in the balance
        (`pay.now.movement._counted_domain`).
        """
        return SQL(
            """
            SELECT movement.id, movement.provider_id, movement.company_id, movement.currency_id,
                   CASE WHEN movement.available_at > %(now)s
                         AND movement.kind NOT IN ('payout', 'payout_failure')
                        THEN movement.available_at::date END AS day, movement.net
              FROM pay_now_movement movement
              JOIN payment_provider provider ON provider.id = movement.provider_id
              LEFT JOIN pay_now_payout taken
                ON taken.id = movement.payout_id AND taken.lines_known
             WHERE (taken.id IS NULL OR taken.state IN %(back)s)
               AND NOT (
                   movement.kind IN ('payout', 'payout_failure') AND EXISTS (
                       SELECT FROM pay_now_payout payout
                        WHERE payout.provider_id = movement.provider_id AND payout.lines_known
                          AND payout.payout_ref = movement.source_ref
                   )
               )
               AND NOT (
                   provider.code = %(paypal)s AND movement.kind = 'dispute'
                   AND movement.state = 'ours' AND movement.dispute_id IS NULL
                   AND movement.booked_on IS NULL
               )
             UNION ALL %(opening)s
            """,
            now=fields.Datetime.now(),
            back=BACK,
            paypal=const.PAYPAL,
            opening=self._there_before(),
        )

    def _there_before(self):
        """Return what was at PayPal before the first payment, in the columns of `_left_there`."""
        return SQL(
            """
            SELECT (1::bigint << 40) + provider.id, provider.id, provider.company_id,
                   company.currency_id, NULL, provider.pay_now_opening_balance
              FROM payment_provider provider
              JOIN res_company company ON company.id = provider.company_id
             WHERE provider.code = %s AND provider.pay_now_opening_balance <> 0
            """,
            const.PAYPAL,
        )
