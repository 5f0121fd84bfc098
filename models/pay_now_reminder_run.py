# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.pay_now_sales_mixin import by_engine


class PayNowReminderRun(models.Model):
    """One generation of reminders, with an outcome and a reason for every customer looked at."""

    _name = 'pay.now.reminder.run'
    _inherit = ['pay.now.sales.mixin', 'pay.now.reason.mixin']
    _description = "Reminder run"
    _order = 'id desc'
    _check_company_auto = True

    name = fields.Char(string="Run", compute='_compute_name')
    company_id = fields.Many2one(
        string="Company",
        comodel_name='res.company',
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
        index=True,
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    trigger = fields.Selection(
        string="Started by",
        selection=[('manual', "A person"), ('auto', "The daily action")],
        default='manual',
        required=True,
        readonly=True,
    )
    date = fields.Date(
        string="Date", required=True, readonly=True, default=fields.Date.context_today
    )
    date_from = fields.Date(string="Due from", readonly=True)
    date_to = fields.Date(string="Due until", readonly=True)
    level_ids = fields.Many2many(
        string="Levels",
        comodel_name='pay.now.reminder.level',
        relation='pay_now_reminder_run_level_rel',
        check_company=True,
        readonly=True,
    )
    partner_ids = fields.Many2many(
        string="Customers",
        comodel_name='res.partner',
        relation='pay_now_reminder_run_partner_rel',
        readonly=True,
    )
    user_ids = fields.Many2many(
        string="Salespeople",
        comodel_name='res.users',
        relation='pay_now_reminder_run_user_rel',
        readonly=True,
    )
    application = fields.Selection(
        string="Application", selection=const.APPLICATIONS, readonly=True
    )
    print_previous_balance = fields.Boolean(
        string="Print the customer's previous balance", readonly=True
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('generating', "In preparation"),
            ('draft', "To send"),
            ('sending', "Sending"),
            ('stopped', "Stopped"),
            ('done', "Done"),
            ('canceled', "Canceled"),
        ],
        default='draft',
        required=True,
        readonly=True,
    )
    problem_codes = fields.Json(string="Codes of the problem", readonly=True)
    problem = fields.Char(
        string="Problem",
        compute='_compute_problem',
        search='_search_problem',
        help="Why the daily action left the reminders unsent.",
    )
    reminder_ids = fields.One2many(
        string="Reminders", comodel_name='pay.now.reminder', inverse_name='run_id'
    )
    to_send_count = fields.Integer(string="To send", compute='_compute_counts')
    sent_count = fields.Integer(string="Sent", compute='_compute_counts')
    held_count = fields.Integer(string="Not sent", compute='_compute_counts')
    failed_count = fields.Integer(string="Failed or uncertain", compute='_compute_counts')
    progress = fields.Float(string="Progress", compute='_compute_counts')
    test_text = fields.Char(string="Test mode", compute='_compute_test_text', compute_sudo=True)

    # === COMPUTE METHODS === #

    @api.depends('date', 'trigger')
    @api.depends_context('lang')
    def _compute_name(self):
        for run in self:
            run.name = self.env._("Reminders of %s", format_date(self.env, run.date))

    @api.depends('problem_codes')
    @api.depends_context('lang')
    def _compute_problem(self):
        for run in self:
            run.problem = self._reasons_text(run.problem_codes)

    @api.model
    def _search_problem(self, operator, value):
        return self._search_reasons('problem_codes', operator, value)

    @api.depends('reminder_ids.state')
    def _compute_counts(self):
        counts = {
            (run.id, state): count
            for run, state, count in self.env['pay.now.reminder']._read_group(
                [('run_id', 'in', self.ids)], ['run_id', 'state'], ['__count']
            )
        }
        for run in self:
            by_state = {
                state: count for (run_id, state), count in counts.items() if run_id == run.id
            }
            total = sum(by_state.values())
            run.to_send_count = sum(by_state.get(s, 0) for s in ('draft', 'queued', 'sending'))
            run.to_print_count = by_state.get('to_print', 0)
            run.sent_count = by_state.get('sent', 0)
            run.failed_count = by_state.get('failed', 0) + by_state.get('uncertain', 0)
            known = run.to_send_count + run.to_print_count + run.sent_count + run.failed_count
            run.held_count = total - known
            run.progress = 100 * (total - run.to_send_count) / total if total else 0

    @api.depends('company_id')
    @api.depends_context('lang')
    def _compute_test_text(self):
        for run in self:
            run.test_text = run.company_id._pay_now_test_text()

    # === ACTION METHODS === #

    @by_engine('write')
    def action_send(self):
        """Send the reminders of the run in the background.

        :raise UserError: when there is none to send, or no mail server to send with.
        """
        for run in self:
            todo = run.reminder_ids.filtered(lambda reminder: reminder.state == 'draft')
            if any(reminder.channel == 'email' for reminder in todo):
                self.env.company._pay_now_require_mail_server()
            if not todo:
                raise UserError(self.env._("There is no reminder to send in this run."))
            run.write({'state': 'sending', 'problem_codes': False})
            todo._queue()
            run._check_done()

    @by_engine('write')
    def action_stop(self):
        """Stop sending until somebody resumes the run."""
        self.filtered(lambda run: run.state == 'sending').state = 'stopped'

    @by_engine('write')
    def action_resume(self):
        """Send the rest."""
        self.env.company._pay_now_require_mail_server()
        self.filtered(lambda run: run.state == 'stopped').state = 'sending'
        self.env['pay.now.reminder']._wake_workers()

    @by_engine('write')
    def action_cancel(self):
        """Drop what is not sent yet."""
        self.reminder_ids.action_drop()
        self.state = 'canceled'

    # === BUSINESS METHODS - SENDING === #

    def _check_done(self):
        """Close the runs with nothing left to send; what waits for a person keeps them open."""
        states = {
            run: set(states)
            for run, states in self.env['pay.now.reminder']._read_group(
                [('run_id', 'in', self.ids)], ['run_id'], ['state:array_agg_distinct']
            )
        }
        for run in self.filtered(lambda run: run.state in ('draft', 'sending')):
            left = states.get(run, set())
            if not left & {'queued', 'sending'}:
                run.state = 'draft' if 'draft' in left else 'done'

    def _send_by_itself(self):
        """Send what the daily action may send by itself, or leave it and say in the run why."""
        self.ensure_one()
        drafts = self.reminder_ids.filtered(lambda reminder: reminder.state == 'draft')
        if not drafts:
            self.state = 'done'
            return
        todo = drafts.filtered(lambda one: one.level_id.is_automatic and not one.is_manual)
        if not self.env['res.company']._pay_now_has_mail_server():
            todo = todo.filtered(lambda one: one.channel == 'letter')
            if any(one.channel != 'letter' for one in drafts):
                self._note_no_mail_server()
        todo._queue()

    def _note_problem(self, error):
        """Keep in the runs why their reminders do not leave.

        :param str error: what the mail server said.
        """
        self.problem_codes = [['mail_server', {'error': error}]]

    def _note_no_mail_server(self):
        """Keep in each run why its reminders do not leave."""
        for run in self.filtered(lambda run: not run.problem_codes):
            code = 'no_mail_server' if run.state == 'sending' else 'no_mail_server_send'
            run.problem_codes = [[code, {}]]

    @api.model
    def _reason_sentences(self):
        """Override of `pay.now.reason.mixin`: why reminders of a run do not leave."""
        return {
            **super()._reason_sentences(),
            'mail_server': lambda error: self.env._(
                "The mail server does not answer (%s). The reminders leave by themselves once it"
                " does.",
                error,
            ),
            'no_mail_server': lambda: self.env._(
                "Not sent: there is no outgoing mail server. The reminders leave by themselves"
                " once there is one."
            ),
            'no_mail_server_send': lambda: self.env._(
                "Not sent: there is no outgoing mail server. Send the reminders by hand once"
                " there is one."
            ),
        }
