# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import Counter

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now.models.reminder.pay_now_reminder_list import GROUPS
from odoo.addons.account_pay_now.models.reminder.pay_now_sales_mixin import by_engine


class PayNowReminderRun(models.Model):
    """What the screen of a run says: figures, and what sending it means."""

    _inherit = 'pay.now.reminder.run'

    started_by = fields.Char(string="Started by", compute='_compute_started_by', compute_sudo=True)
    to_send_count = fields.Integer(string="To send", compute='_compute_figures')
    to_send_amount = fields.Monetary(string="Amount to send", compute='_compute_figures')
    to_print_count = fields.Integer(string="Letters to print", compute='_compute_figures')
    held_count = fields.Integer(string="Held", compute='_compute_figures')
    dropped_count = fields.Integer(string="Dropped", compute='_compute_figures')
    failed_count = fields.Integer(string="Failed or uncertain", compute='_compute_figures')
    sent_count = fields.Integer(string="Sent", compute='_compute_figures')
    progress = fields.Float(
        compute='_compute_figures',
        help="Of what somebody has sent: what is held or left out does not count.",
    )
    progress_text = fields.Char(string="Sent so far", compute='_compute_figures')
    summary_text = fields.Char(string="To send in figures", compute='_compute_figures')
    letters_text = fields.Char(string="What is to be printed", compute='_compute_figures')

    # === COMPUTE METHODS === #

    @api.depends('trigger', 'create_uid')
    @api.depends_context('lang')
    def _compute_started_by(self):
        for run in self:
            by_hand = run.trigger == 'manual'
            run.started_by = run.create_uid.name if by_hand else self.env._("The daily action")

    @api.depends('reminder_ids.state', 'reminder_ids.amount_due')
    @api.depends_context('lang')
    def _compute_figures(self):
        """All of it from one query: how many reminders there are in each state, and how much."""
        figures = {run: {} for run in self}
        groups = self.env['pay.now.reminder']._read_group(
            [('run_id', 'in', self.ids)], ['run_id', 'state'], ['__count', 'amount_due:sum']
        )
        for run, state, count, amount in groups:
            figures[run][state] = (count, amount)
        for run in self:
            counts = Counter({state: count for state, (count, _sum) in figures[run].items()})
            for name, states in GROUPS.items():
                run[f'{name}_count'] = sum(counts[state] for state in states)
            run.to_print_count = counts['to_print']
            run.to_send_count -= run.to_print_count
            run.to_send_amount = sum(
                amount
                for state, (_count, amount) in figures[run].items()
                if state in GROUPS['to_send'] and state != 'to_print'
            )
            over = run.sent_count + run.failed_count
            started = over + counts['queued'] + counts['sending']
            run.progress = 100 * over / started if started else 0
            run.progress_text = self.env._(
                "%(sent)s of %(total)s sent", sent=run.sent_count, total=started
            )
            run.summary_text = run._summary_text()
            run.letters_text = run._letters_text(run.to_print_count)

    # === ACTION METHODS === #

    @by_engine('write')
    def send_question(self):
        """Return what sending the run means, to be confirmed by whoever sends it.

        :return: `title`, none where there is nothing to send, and `lines`: what is to be known
            before.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        drafts = Domain('run_id', '=', self.id) & Domain('state', '=', 'draft')
        groups = self.env['pay.now.reminder']._read_group(
            drafts, ['channel'], ['__count', 'amount_due:sum']
        )
        count = sum(number for _channel, number, _amount in groups)
        if not count:
            return {'title': False, 'lines': []}
        amount = self._amount_text(sum(amount for _channel, _number, amount in groups))
        title = (
            self.env._("Send 1 reminder, %s?", amount)
            if count == 1
            else self.env._("Send %(count)s reminders, %(amount)s?", count=count, amount=amount)
        )
        letters = sum(number for channel, number, _amount in groups if channel == 'letter')
        lines = []
        if letters:
            lines.append(self.env._("To be printed: %s.", self._letters_text(letters)))
        return {'title': title, 'lines': lines + self._text_warnings(drafts)}

    # === BUSINESS METHODS - FIGURES === #

    def _summary_text(self):
        """Say how many reminders are to be sent, and about how much."""
        if not self.to_send_count:
            return self.env._("Nothing to send")
        amount = self._amount_text(self.to_send_amount)
        if self.to_send_count == 1:
            return self.env._("1 reminder to send, %s", amount)
        return self.env._(
            "%(count)s reminders to send, %(amount)s", count=self.to_send_count, amount=amount
        )

    @api.model
    def _letters_text(self, count):
        return self.env._("1 letter") if count == 1 else self.env._("%s letters", count)

    # === BUSINESS METHODS - BEFORE SENDING === #

    def _text_warnings(self, drafts):
        """Return what is wrong with the texts of the levels, before customers find out.

        One mail of each level and language is written to see whether it can be.

        :param odoo.fields.Domain drafts: of the reminders that are to be sent.
        :rtype: list[str]
        """
        Reminder = self.env['pay.now.reminder']
        groups = Reminder._read_group(
            drafts & Domain('level_id', '!=', False),
            ['level_id', 'contact_id.lang'],
            ['id:min'],
        )
        samples = Reminder.browse(id_ for _level, _lang, id_ in groups)
        langs = {one: one._mail_lang() for one in samples}
        texts = []
        for level, reminders in samples.grouped('level_id').items():
            texts += level._problem_texts({langs[one] for one in reminders})
        for level in samples.level_id._stating_interest():
            texts += level._rate_texts()
        for one in samples:
            if error := one._rendering_error():
                texts.append(one.level_id._rendering_text(langs[one], error))
        return list(dict.fromkeys(texts))
