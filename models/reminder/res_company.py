# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: Half of the customers are enough for any comparison.
HOLD_OUT_MAX = 50


class ResCompany(models.Model):
    """How a company reminds: its ready levels, when mails leave by themselves, and how many."""

    _inherit = 'res.company'
    _pay_now_written_by = dict.fromkeys(
        (
            'pay_now_start_level_id',
            'pay_now_minimum_amount',
            'pay_now_letters',
            'pay_now_hour_from',
            'pay_now_hour_to',
            'pay_now_working_days',
            'pay_now_daily_cap',
            'pay_now_hold_out',
            'pay_now_capital_cost',
        ),
        True,
    )

    pay_now_start_level_id = fields.Many2one(
        string="Old debts start at",
        comodel_name='pay.now.reminder.level',
        copy=False,
        domain="[('company_id', '=', id)]",
        help="Debts that were overdue before the company's first reminder start at this level, as"
        " far as they have reached it. Empty: at the first one.",
    )
    pay_now_minimum_amount = fields.Monetary(
        string="Remind from", help="Customers who owe less get no reminder."
    )
    pay_now_letters = fields.Boolean(
        string="Letters to customers without an e-mail",
        default=True,
        help="Their reminders are printed: the same text, without a button. Where it is not"
        " ticked, or there is no postal address either, they get none.",
    )
    pay_now_hour_from = fields.Float(string="Send from", default=8.0)
    pay_now_hour_to = fields.Float(string="Send until", default=18.0)
    pay_now_working_days = fields.Boolean(
        string="On working days only",
        default=True,
        help="Working days and public holidays are those of the company's working hours.",
    )
    pay_now_daily_cap = fields.Integer(
        string="Reminders a day at most",
        help="Statements of account count, too. What is over leaves on the following days. 0: no"
        " limit.",
    )
    pay_now_hold_out = fields.Float(
        string="Customers reminded without a button",
        digits=(5, 2),
        help="In percent. The same customers each time, chosen by chance: comparing them with the"
        " others shows what the button changes. 0: nobody.",
    )
    pay_now_capital_cost = fields.Float(
        string="Cost of capital",
        digits=(5, 2),
        help="In percent a year: what the company pays, or misses, for money that comes later.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_hour_from', 'pay_now_hour_to', 'pay_now_daily_cap')
    def _check_pay_now_calendar(self):
        for company in self:
            if not 0 <= company.pay_now_hour_from < company.pay_now_hour_to <= 24:
                raise ValidationError(
                    self.env._("Reminders leave between two hours of one day, the first one first.")
                )
            if company.pay_now_daily_cap < 0:
                raise ValidationError(self.env._("The most reminders a day cannot be negative."))

    @api.constrains('pay_now_hold_out', 'pay_now_capital_cost')
    def _check_pay_now_measuring(self):
        for company in self:
            if not 0 <= company.pay_now_hold_out <= HOLD_OUT_MAX:
                raise ValidationError(
                    self.env._(
                        "At most %s percent of the customers are reminded without a button.",
                        HOLD_OUT_MAX,
                    )
                )
            if not 0 <= company.pay_now_capital_cost <= 100:
                raise ValidationError(self.env._("The cost of capital is from 0 to 100 percent."))

    # === BUSINESS METHODS - LEVELS === #

    def _pay_now_create_ready_levels(self, ready, **values):
        """Create ready levels of one company, in all languages.

        :param tuple ready: some of `const.READY_LEVELS`.
        :param values: other values of the levels.
        :rtype: pay.now.reminder.level
        """
        self.ensure_one()
        created = self.env['pay.now.reminder.level'].sudo()
        for xmlid, delay, gap, automatic in ready:
            template = self.env.ref(f'account_pay_now.{xmlid}', raise_if_not_found=False)
            created += created.create(
                {
                    'name': self._pay_now_level_texts(xmlid)[0],
                    'company_id': self.id,
                    'delay_days': delay,
                    'gap_days': gap,
                    'is_automatic': automatic,
                    # The next level follows; after the last one somebody has to decide.
                    'repeat': False,
                    'template_id': template.id if template else False,
                    **values,
                }
            )
        for lang, _name in self.env['res.lang'].get_installed():
            for level, (xmlid, *_rest) in zip(created, ready, strict=True):
                name, activity = self.with_context(lang=lang)._pay_now_level_texts(xmlid)
                level.with_context(lang=lang).write({'name': name, 'activity_summary': activity})
        return created

    def _pay_now_level_texts(self, xmlid):
        """Return name and activity of a ready level, in the language of the context.

        :param str xmlid: the template of the level.
        :rtype: tuple(str, str | bool)
        """
        return {
            'mail_template_reminder': (self.env._("Friendly reminder"), False),
            'mail_template_reminder_firm': (self.env._("Firm reminder"), False),
            'mail_template_reminder_last': (
                self.env._("Last reminder"),
                self.env._("Decide on the next steps"),
            ),
        }[xmlid]

    def _pay_now_start_of_old_debts(self, day):
        """Return where the reminders of debts begin that are older than the reminders themselves.

        :param datetime.date day: counts as that of the first reminder as long as there is none.
        :return: the level, none when at the first; and the day of the company's first reminder.
        :rtype: tuple(pay.now.reminder.level, datetime.date)
        """
        root = self.root_id.sudo()
        [(first,)] = root.env['pay.now.reminder']._read_group(
            [('root_company_id', '=', root.id), ('sent_at', '!=', False)],
            aggregates=['sent_at:min'],
        )
        level = root.pay_now_start_level_id.with_env(self.env)
        return level, min(first.date() if first else day, day)

    # === BUSINESS METHODS - CALENDAR === #

    def _pay_now_tz(self):
        """Return the time zone of the company.

        :rtype: datetime.tzinfo
        """
        self.ensure_one()
        company = self.sudo()
        return pytz.timezone(
            company.partner_id.tz or company.resource_calendar_id.tz or self.env.user.tz or 'UTC'
        )

    def _pay_now_is_working_day(self, day):
        """Tell whether reminders leave by themselves on a day.

        :param datetime.date day: in the company's time zone.
        :rtype: bool
        """
        self.ensure_one()
        calendar = self.sudo().resource_calendar_id
        if not self.pay_now_working_days or not calendar:
            return True
        start = self._pay_now_tz().localize(datetime.combine(day, time.min))
        intervals = calendar._work_intervals_batch(start, start + timedelta(days=1))
        return bool(intervals[False])

    def _pay_now_working_day_from(self, day):
        """Return the first day on which reminders leave by themselves.

        :param datetime.date day: in the company's time zone, the first one that it may be.
        :rtype: datetime.date
        """
        # A calendar without any working day in two months is a mistake: the first day will do.
        days = [day + timedelta(days=count) for count in range(60)]
        return next((one for one in days if self._pay_now_is_working_day(one)), day)

    def _pay_now_next_opening(self, moment):
        """Return from when reminders may leave by themselves.

        :param datetime.datetime moment: in UTC, without time zone, as in the database.
        :return: the moment itself, or a later one.
        :rtype: datetime.datetime
        """
        self.ensure_one()
        tz = self._pay_now_tz()
        local = pytz.utc.localize(moment).astimezone(tz)
        hour = local.hour + local.minute / 60 + local.second / 3600
        day = local.date()
        if self.pay_now_hour_from <= hour < self.pay_now_hour_to:
            if self._pay_now_is_working_day(day):
                return moment
        if hour >= self.pay_now_hour_from:
            day += timedelta(days=1)
        opening = tz.localize(
            datetime.combine(self._pay_now_working_day_from(day), time.min)
            + timedelta(hours=self.pay_now_hour_from)
        )
        return self._pay_now_instant(opening)

    def _pay_now_left_today(self):
        """Return how many reminders and statements may still leave today, None without a limit.

        :rtype: int | None
        """
        self.ensure_one()
        root = self.root_id
        if not root.pay_now_daily_cap:
            return None
        tz = root._pay_now_tz()
        today = pytz.utc.localize(fields.Datetime.now()).astimezone(tz).date()
        start = self._pay_now_instant(tz.localize(datetime.combine(today, time.min)))
        sent = root._pay_now_statements_since(start) + (
            self.env['pay.now.reminder']
            .sudo()
            .search_count(
                [
                    ('root_company_id', '=', root.id),
                    ('state', 'in', ('sending', 'sent', 'uncertain', 'failed')),
                    ('channel', '!=', 'letter'),
                    ('sent_at', '>=', start),
                ]
            )
        )
        return max(root.pay_now_daily_cap - sent, 0)
