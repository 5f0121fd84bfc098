# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_datetime, formatLang


class PayNowReminderRun(models.Model):
    """What the next automatic run would send: the real run, made and undone."""

    _inherit = 'pay.now.reminder.run'

    # === BUSINESS METHODS - FORECAST === #

    @api.model
    def _forecast(self, company):
        """Return what the automatic run of tomorrow would do, and leave no trace of it.

        :param res.company company: the company whose customers would be reminded.
        :return: one dictionary of values by customer (see `_forecast_values`).
        :rtype: list[dict]
        :raise UserError: if no run could be made.
        """
        Run = self._in_company(company)
        # Closing a savepoint undoes what was done since, and empties the cache of it: `_generate`
        # must not commit.
        with contextlib.closing(self.env.cr.savepoint()):
            run = Run.create(
                {'company_id': company.id, 'trigger': 'auto', 'date': self._tomorrow()}
            )
            run._generate()
            return run.reminder_ids._forecast_values()

    @api.model
    def _tomorrow(self):
        return fields.Date.context_today(self) + timedelta(days=1)

    @api.model
    def _in_company(self, company):
        """Return the model as the daily action has it for a company, in the user's language."""
        return self.sudo().with_company(company).with_context(allowed_company_ids=company.ids)

    @api.model
    def _count_due(self, company):
        """Return how many customers the automatic run of tomorrow would look at: one query.

        :param res.company company: the company whose customers would be reminded.
        :rtype: int
        """
        Run = self._in_company(company)
        if not Run.env['pay.now.reminder.level'].search_count([('company_id', '=', company.id)]):
            return 0
        return Run.new({'company_id': company.id, 'date': self._tomorrow()})._count_customers()

    @api.model
    def _forecast_text(self, company):
        """Return in one sentence what the automatic run of tomorrow would send.

        :param res.company company: the company whose customers would be reminded.
        :rtype: str
        """
        sent = [row for row in self._forecast(company) if row['outcome'] == 'send']
        amount = formatLang(
            self.env,
            sum(row['amount_due'] for row in sent),
            currency_obj=company.currency_id,
        )
        if not sent:
            return self.env._("Nobody would be reminded tomorrow.")
        if len(sent) == 1:
            return self.env._("1 customer, %s would be reminded tomorrow.", amount)
        return self.env._(
            "%(count)s customers, %(amount)s would be reminded tomorrow.",
            count=len(sent),
            amount=amount,
        )

    def _why_it_waits(self):
        """Return why none of the reminders leaves at this moment, in the reader's language.

        :rtype: str | bool
        """
        queued = Domain('run_id', '=', self.id) & Domain('state', '=', 'queued')
        Reminder, company = self.env['pay.now.reminder'], self.company_id.root_id
        if not Reminder.search_count(queued, limit=1):
            return False
        if text := company._pay_now_away_text():
            return text
        now = fields.Datetime.now()
        if self.trigger == 'auto' and (opening := company._pay_now_next_opening(now)) > now:
            return self.env._(
                "The reminders leave on %s, within the hours of the company.",
                format_datetime(self.env, opening),
            )
        if company._pay_now_left_today() == 0:
            return self.env._(
                "As many mails have left today as may leave in a day (%s). The others leave on"
                " the following days.",
                company.pay_now_daily_cap,
            )
        ready = queued & Domain(Reminder._waiting_domain(self.browse()))
        if not Reminder.search_count(ready, limit=1):
            [(at,)] = Reminder._read_group(queued, aggregates=['retry_at:min'])
            return self.env._(
                "What is left was not taken for now. It is tried again on %s.",
                format_datetime(self.env, at),
            )
        return False
