# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import Counter

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import formatLang

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.reminder.pay_now_reminder_list import GROUPS
from odoo.addons.account_pay_now.models.reminder.pay_now_sales_mixin import by_engine


class PayNowReminderRun(models.Model):
    """What the screen of a run says: figures, what sending it means, who did what, and live."""

    _inherit = 'pay.now.reminder.run'

    started_by = fields.Char(string="Started by", compute='_compute_started_by', compute_sudo=True)
    to_send_count = fields.Integer(string="To send", compute='_compute_counts')
    to_send_amount = fields.Monetary(string="Amount to send", compute='_compute_counts')
    to_print_count = fields.Integer(string="Letters to print", compute='_compute_counts')
    held_count = fields.Integer(string="Held", compute='_compute_counts')
    dropped_count = fields.Integer(string="Dropped", compute='_compute_counts')
    failed_count = fields.Integer(string="Failed or uncertain", compute='_compute_counts')
    sent_count = fields.Integer(string="Sent", compute='_compute_counts')
    progress = fields.Float(
        string="Progress",
        compute='_compute_counts',
        help="Of what somebody has sent: what is held or left out does not count.",
    )
    progress_text = fields.Char(string="Sent so far", compute='_compute_texts')
    summary_text = fields.Char(string="To send in figures", compute='_compute_texts')
    letters_text = fields.Char(string="What is to be printed", compute='_compute_texts')

    # === COMPUTE METHODS === #

    @api.depends('trigger', 'create_uid')
    @api.depends_context('lang')
    def _compute_started_by(self):
        for run in self:
            by_hand = run.trigger == 'manual'
            run.started_by = run.create_uid.name if by_hand else self.env._("The daily action")

    def _figures(self):
        """Return how many reminders there are in each state, and their amounts.

        :return: `{run: {state: (number, amount)}}`
        :rtype: dict
        """
        figures = {run: {} for run in self}
        groups = self.env['pay.now.reminder']._read_group(
            [('run_id', 'in', self.ids)], ['run_id', 'state'], ['__count', 'amount_due:sum']
        )
        for run, state, count, amount in groups:
            figures[run][state] = (count, amount)
        return figures

    @api.depends('reminder_ids.state', 'reminder_ids.amount_due')
    def _compute_counts(self):
        figures = self._figures()
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

    @api.depends('reminder_ids.state', 'reminder_ids.amount_due')
    @api.depends_context('lang')
    def _compute_texts(self):
        figures = self._figures()
        for run in self:
            counts = Counter({state: count for state, (count, _sum) in figures[run].items()})
            over = sum(counts[one] for one in ('sent', 'failed', 'uncertain'))
            run.progress_text = self.env._(
                "%(sent)s of %(total)s sent",
                sent=counts['sent'],
                total=over + counts['queued'] + counts['sending'],
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

    def _amount_text(self, amount):
        return formatLang(self.env, amount, currency_obj=self.currency_id)

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

    def _count_and_sum(self):
        """Return how many customers the run looks at, and how much they owe: one query.

        What holds some of them, and which level each has, is not known yet.

        :return: number, and amount in the company's currency.
        :rtype: tuple(int, float)
        :raise UserError: if the company has no level.
        """
        groups = self.env['account.move.line']._read_group(
            self._due_domain(self._levels()) & Domain('partner_id', '!=', False),
            ['partner_id.commercial_partner_id'],
            ['amount_residual:sum'],
        )
        return len(groups), sum(amount for _partner, amount in groups)

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
        for one in samples:
            if error := one._rendering_error():
                texts.append(one.level_id._rendering_text(langs[one], error))
        return list(dict.fromkeys(texts))

    # === BUSINESS METHODS - WHO DID WHAT === #

    def _note_deed(self, deed, reminders=None):
        """Note in the chatter of runs what a person did with them.

        :param str deed: what.
        :param pay.now.reminder reminders: what it was done with.
        """
        for run in self:
            run = run.with_context(lang=run.company_id._pay_now_lang())
            texts = {
                'stop': lambda run=run: run.env._("Stopped: nothing leaves for now."),
                'resume': lambda run=run: run.env._("Resumed."),
                'cancel': lambda run=run: run.env._("Canceled: what was not sent is dropped."),
                'send': lambda run=run: run.env._(
                    "Sent: %(count)s, %(amount)s.",
                    count=run._count_text(len(reminders)),
                    amount=run._amount_text(sum(reminders.mapped('amount_due'))),
                ),
            }
            run.sudo()._message_log(body=texts[deed]())

    @api.model
    def _count_text(self, count):
        return self.env._("1 reminder") if count == 1 else self.env._("%s reminders", count)

    # === BUSINESS METHODS - LIVE === #

    def _tell_watchers(self):
        """Have the screens that show these runs read them anew, once the transaction is over.

        They are told which run it is and nothing else; who may read it hears of it
        (`ir.websocket`).
        """
        told = self.env.cr.precommit.data.setdefault('pay_now.runs_told', set())
        for run in self.filtered(lambda run: run.id and run.id not in told):
            told.add(run.id)
            # The channel is a record: nobody listens to it without its name being checked.
            self.env['bus.bus']._sendone(run, const.RUN_CHANGED, {'id': run.id})
