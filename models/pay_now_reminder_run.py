# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools.misc import format_date


class PayNowReminderRun(models.Model):
    """One generation of reminders, with an outcome and a reason for every customer looked at."""

    _name = 'pay.now.reminder.run'
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
    print_previous_balance = fields.Boolean(
        string="Print the customer's previous balance", readonly=True
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('draft', "To send"),
            ('sending', "Sending"),
            ('done', "Done"),
            ('canceled', "Canceled"),
        ],
        default='draft',
        required=True,
        readonly=True,
    )
    problem = fields.Char(
        string="Problem", readonly=True, help="Why the daily action left the reminders unsent."
    )
    reminder_ids = fields.One2many(
        string="Reminders", comodel_name='pay.now.reminder', inverse_name='run_id'
    )
    to_send_count = fields.Integer(string="To send", compute='_compute_counts')
    sent_count = fields.Integer(string="Sent", compute='_compute_counts')
    held_count = fields.Integer(string="Not sent", compute='_compute_counts')
    test_text = fields.Char(string="Test mode", compute='_compute_test_text', compute_sudo=True)

    # === COMPUTE METHODS === #

    @api.depends('date', 'trigger')
    def _compute_name(self):
        for run in self:
            run.name = self.env._("Reminders of %s", format_date(self.env, run.date))

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
            run.to_send_count = sum(by_state.get(s, 0) for s in ('draft', 'queued', 'sending'))
            run.sent_count = by_state.get('sent', 0)
            run.held_count = sum(by_state.values()) - run.to_send_count - run.sent_count

    @api.depends('company_id')
    def _compute_test_text(self):
        for run in self:
            run.test_text = run.company_id._pay_now_test_text()

    # === ACTION METHODS === #

    def action_send(self):
        """Send the reminders of the run in the background.

        :raise UserError: when there is none to send, or no mail server to send with.
        """
        self.env.company._pay_now_require_mail_server()
        for run in self:
            todo = run.reminder_ids.filtered(lambda reminder: reminder.state == 'draft')
            if not todo:
                raise UserError(self.env._("There is no reminder to send in this run."))
            todo.state = 'queued'
            run.write({'state': 'sending', 'problem': False})
        self.env.ref('account_pay_now.ir_cron_reminders_send').sudo()._trigger()

    def action_cancel(self):
        """Drop what is not sent yet."""
        self.reminder_ids.filtered(lambda reminder: reminder.state in ('draft', 'queued')).write(
            {'state': 'canceled'}
        )
        self.state = 'canceled'

    # === BUSINESS METHODS - GENERATION === #

    def _generate(self):
        """Look at every customer with a due item and prepare a reminder, or the reason for none.

        A constant number of queries for what is looked up, whatever the number of customers.
        """
        self.ensure_one()
        levels = self.env['pay.now.reminder.level'].search(
            [('company_id', 'parent_of', self.company_id.id)]
        )
        if not levels:
            raise UserError(self.env._("There is no reminder level in this company."))
        groups = self.env['account.move.line']._read_group(
            self._due_domain(levels), ['partner_id'], ['id:recordset']
        )
        Reminder = self.env['pay.now.reminder']
        reminders = Reminder.create(
            [
                {
                    'run_id': self.id,
                    'company_id': self.company_id.id,
                    'partner_id': partner.id,
                    'level_id': self._reached_level(lines, levels).id,
                    'item_ids': [Command.set(lines.ids)],
                }
                for partner, lines in groups
                if partner
            ]
        )
        reminders._refresh()
        return reminders

    def _due_domain(self, levels):
        """Return the domain of the due items of the run."""
        last_day = self.date - timedelta(days=min(levels.mapped('delay_days')))
        domain = (
            self.env['account.move.line']._pay_now_open_items_domain()
            & Domain('company_id', 'child_of', self.company_id.id)
            & Domain('date_maturity', '<=', min(last_day, self.date_to or last_day))
        )
        if self.date_from:
            domain &= Domain('date_maturity', '>=', self.date_from)
        return domain

    def _reached_level(self, lines, levels):
        """Return the highest level that an item of the customer has reached."""
        oldest = min(lines.mapped('date_maturity'))
        late = (self.date - oldest).days
        return levels.filtered(lambda level: level.delay_days <= late).sorted('delay_days')[-1:]

    def _previous_balances(self, partners):
        """Return what each customer owes from before the run's range, net of credits.

        :param res.partner partners: commercial partners.
        :return: `{partner: amount}` in the company's currency.
        :rtype: dict
        """
        self.ensure_one()
        if not (self.print_previous_balance and self.date_from):
            return {}
        return dict(
            self.env['account.move.line']._read_group(
                Domain('partner_id', 'in', partners.ids)
                & Domain('company_id', 'child_of', self.company_id.id)
                & Domain('account_type', '=', 'asset_receivable')
                & Domain('parent_state', '=', 'posted')
                & Domain('reconciled', '=', False)
                & (
                    Domain('date_maturity', '<', self.date_from)
                    | Domain('date_maturity', '=', False) & Domain('date', '<', self.date_from)
                    | Domain('amount_residual', '<', 0)
                ),
                ['partner_id'],
                ['amount_residual:sum'],
            )
        )

    def _check_done(self):
        """Close the runs with nothing left to send."""
        for run in self.filtered(lambda run: run.state == 'sending'):
            if not run.to_send_count:
                run.state = 'done'

    # === CRON === #

    @api.model
    def _cron_generate(self):
        """Generate and send the day's reminders of each company that ticked it.

        A company that had its run today is left alone: a restart never reminds twice.
        """
        cron = self.env['ir.cron']
        # Branches are in the run of their company.
        companies = self.env['res.company'].search(
            [('pay_now_reminder_auto', '=', True), ('parent_id', '=', False)]
        )
        cron._commit_progress(remaining=len(companies))
        for company in companies:
            Run = self.with_company(company).with_context(
                allowed_company_ids=company.ids, lang=company._pay_now_lang()
            )
            today = fields.Date.context_today(Run)
            already = Run.search_count(
                [
                    ('company_id', '=', company.id),
                    ('trigger', '=', 'auto'),
                    ('date', '=', today),
                ],
                limit=1,
            )
            if not already:
                run = Run.create({'company_id': company.id, 'trigger': 'auto', 'date': today})
                run._generate()
                run._send_by_itself()
            if not cron._commit_progress(1):
                break

    def _send_by_itself(self):
        """Send what the daily action has generated, or leave it and say in the run why."""
        self.ensure_one()
        if all(reminder.state != 'draft' for reminder in self.reminder_ids):
            self.state = 'done'
        elif self.env['res.company']._pay_now_has_mail_server():
            self.action_send()
        else:
            self._note_no_mail_server()

    def _note_no_mail_server(self):
        """Say in each run why its reminders do not leave."""
        for run in self.filtered(lambda run: not run.problem):
            run = run.with_context(lang=run.company_id._pay_now_lang())
            run.problem = (
                run.env._(
                    "Not sent: there is no outgoing mail server. The reminders leave by themselves"
                    " once there is one."
                )
                if run.state == 'sending'
                else run.env._(
                    "Not sent: there is no outgoing mail server. Send the reminders by hand once"
                    " there is one."
                )
            )
