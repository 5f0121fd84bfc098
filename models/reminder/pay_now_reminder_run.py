# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools import split_every
from odoo.tools.misc import clean_context, format_date, format_datetime, formatLang

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.reminder.pay_now_reminder import WAITING
from odoo.addons.account_pay_now.models.reminder.pay_now_sales_mixin import by_engine

#: What a person says when making a run, in Sales and in Invoicing.
CHOSEN_BY_SALES = {'company_id', 'date_from', 'date_to', 'level_ids', 'partner_ids', 'user_ids'}
CHOSEN = CHOSEN_BY_SALES | {'application', 'print_previous_balance'}
#: Of these, what names several records.
LISTS = {'level_ids', 'partner_ids', 'user_ids'}


class PayNowReminderRun(models.Model):
    """One generation of reminders, with an outcome and a reason for every customer looked at.

    Every customer with a due item is looked at, in batches: a run knows how far it came, goes on
    after any interruption, and lists nobody twice. A run from Sales is of a person without rights
    in the accounting; its scope follows that person's rights, and is asked for when generating, in
    each preview and again as the mails leave.
    """

    _name = 'pay.now.reminder.run'
    _inherit = [
        'pay.now.authority.mixin',
        'pay.now.sales.mixin',
        'pay.now.reason.mixin',
        'pay.now.history.mixin',
        'mail.thread',
        'mail.activity.mixin',
    ]
    _description = "Reminder run"
    _order = 'id desc'
    _check_company_auto = True
    _pay_now_written_by = dict.fromkeys(('reminder_ids',), True)

    name = fields.Char(string="Run", compute='_compute_name')
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
        index=True,
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    trigger = fields.Selection(
        string="Way",
        selection=[('manual', "A person"), ('auto', "The daily action")],
        default='manual',
        required=True,
        readonly=True,
    )
    sender_id = fields.Many2one(
        string="Sent by",
        comodel_name='res.users',
        readonly=True,
        ondelete='set null',
        help="Who gets to know what was not delivered.",
    )
    date = fields.Date(required=True, readonly=True, default=fields.Date.context_today)
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
    application = fields.Selection(selection=const.APPLICATIONS, readonly=True)
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
        compute='_compute_problem',
        search='_search_problem',
        help="Why the daily action left the reminders unsent.",
    )
    waits_text = fields.Char(
        string="Why nothing leaves now", compute='_compute_waits_text', compute_sudo=True
    )
    reminder_ids = fields.One2many(
        string="Reminders", comodel_name='pay.now.reminder', inverse_name='run_id'
    )
    test_text = fields.Char(string="Test mode", compute='_compute_test_text', compute_sudo=True)

    last_partner_id = fields.Integer(
        string="Looked at until", readonly=True, help="The last customer that is in the list."
    )

    letters_file_ids = fields.Many2many(
        string="Printed letters",
        comodel_name='ir.attachment',
        relation='pay_now_reminder_run_letters_rel',
        readonly=True,
        copy=False,
    )

    sales_user_id = fields.Many2one(
        string="From Sales, by",
        comodel_name='res.users',
        readonly=True,
        index='btree_not_null',
        # Without its person the run would have no limits any more.
        ondelete='restrict',
        help="Who made the run without rights in the accounting: it is about nothing but the Sales"
        " invoices of this person.",
    )
    sales_scope_text = fields.Char(
        string="Scope", compute='_compute_sales_scope_text', compute_sudo=True
    )

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
        return self._search_reasons('problem', 'problem_codes', operator, value)

    @api.depends('state', 'problem_codes', 'reminder_ids.state')
    @api.depends_context('lang', 'tz')
    def _compute_waits_text(self):
        """Where all is well, and mails wait all the same."""
        for run in self:
            waits = run.state == 'sending' and not run.problem_codes
            run.waits_text = run._why_it_waits() if waits else False

    @api.depends('company_id')
    @api.depends_context('lang')
    def _compute_test_text(self):
        for run in self:
            run.test_text = run.company_id._pay_now_test_text()

    @api.depends('sales_user_id')
    @api.depends_context('lang')
    def _compute_sales_scope_text(self):
        for run in self:
            user = run.sales_user_id
            run.sales_scope_text = user._pay_now_sales_scope_text() if user else False

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base`: a person says what a run is about, and the module keeps it.

        Those who act for Sales only are kept within their scope.

        :raise AccessError: if a person says more than that, or for a company of others.
        """
        if self.env.su:
            return super().create(vals_list)
        self.check_access('create')
        chosen = [self._prepare_chosen(vals) for vals in vals_list]
        # No default of the context counts either.
        Run = self.with_env(self.env(context=clean_context(self.env.context), su=True))
        runs = super(PayNowReminderRun, Run).create(chosen).with_env(self.env)
        runs.check_access('create')
        return runs

    def write(self, vals):
        """Override of `base`: who acts for Sales only changes nothing of a run but its list.

        :raise AccessError: if something else is changed.
        """
        if self._is_sales_only() and vals.keys() - {'reminder_ids'}:
            raise AccessError(
                self.env._("Only Invoicing can change what a run of reminders is about.")
            )
        result = super().write(vals)
        if 'state' in vals or 'problem_codes' in vals:
            self._tell_watchers()
        return result

    @api.model
    def _prepare_chosen(self, vals):
        """Return the values of a run as a person may choose them.

        :param dict vals: what was asked for.
        :rtype: dict
        :raise AccessError: if it is more than what a run is about.
        """
        if self._is_sales_only():
            chosen = {name: vals[name] for name in CHOSEN_BY_SALES if name in vals}
            chosen = self._within_sales(self._only_links(chosen))
            return {**chosen, 'sales_user_id': self.env.uid}
        for name in vals.keys() - CHOSEN:
            self._check_field_access(self._fields[name], 'write')
        return self._only_links(vals)

    @api.model
    def _only_links(self, vals):
        """Return values whose lists name records that there are, and do nothing else to them.

        A command may make, change or delete others; a run is made with the rights of the system.

        :param dict vals: what was asked for.
        :rtype: dict
        :raise AccessError: if it does, or names records that the user may not read.
        """
        linked = dict(vals)
        for name in LISTS & vals.keys():
            ids = set()
            for command in vals[name] if isinstance(vals[name], list | tuple) else ():
                match command:
                    case int():
                        ids.add(command)
                    case (Command.LINK, int(one), *_rest):
                        ids.add(one)
                    case (Command.SET, _zero, [*ones]) if all(isinstance(one, int) for one in ones):
                        ids.update(ones)
                    case (Command.CLEAR, *_rest):
                        ids.clear()
                    case _:
                        raise AccessError(
                            self.env._("A run of reminders changes no other records.")
                        )
            records = self.env[self._fields[name].comodel_name].browse(ids)
            records.check_access('read')
            linked[name] = [Command.set(records.ids)]
        return linked

    # === ACTION METHODS === #

    @by_engine('write')
    def action_send(self):
        """Send the reminders of the run in the background; what is on its way is left alone.

        :raise UserError: when there is none to send, or no mail server to send with.
        """
        for run in self:
            if run.state == 'generating':
                raise UserError(
                    self.env._("The list is still being made: look at it before it is sent.")
                )
            todo = run.reminder_ids.filtered(lambda reminder: reminder.state == 'draft')
            if any(reminder.channel == 'email' for reminder in todo):
                self.env.company._pay_now_require_mail_server()
            if not todo and run.state in ('sending', 'stopped', 'done'):
                # A second click.
                continue
            if not todo:
                raise UserError(self.env._("There is no reminder to send in this run."))
            if empty := todo._without_text():
                empty.level_id._check_texts(one._mail_lang() for one in empty)
            run._note_deed('send', todo)
            run.write({'state': 'sending', 'problem_codes': False, 'sender_id': self.env.uid})
            todo._queue()
            run._check_done()

    @by_engine('write')
    def action_stop(self):
        """Stop sending until somebody resumes the run."""
        runs = self.filtered(lambda run: run.state == 'sending')
        runs._note_deed('stop')
        runs.state = 'stopped'
        runs._forget_problems()

    @by_engine('write')
    def action_resume(self):
        """Send the rest."""
        runs = self.filtered(lambda run: run.state == 'stopped')
        if not runs:
            return
        self.env.company._pay_now_require_mail_server()
        runs._note_deed('resume')
        runs.state = 'sending'
        self.env['pay.now.reminder']._wake_workers()
        # Nothing may be left to wait for.
        runs._check_done()

    @by_engine('write')
    def action_cancel(self):
        """Drop what is not sent yet; a run that is over is left alone."""
        runs = self.filtered(
            lambda run: (
                run.state in ('generating', 'draft', 'sending', 'stopped') or run.to_print_count
            )
        )
        runs._note_deed('cancel')
        # First, so that no worker takes more of it; dropping closes no run that is canceled.
        runs.state = 'canceled'
        runs.reminder_ids._drop(WAITING)
        runs._forget_problems()

    def action_print_letters(self):
        """Print what waits for the printer (see `pay.now.reminder`).

        :rtype: dict
        """
        self.ensure_one()
        # Not by way of `reminder_ids`, which reads all that the run has.
        waiting = Domain('run_id', '=', self.id) & Domain('state', '=', 'to_print')
        return self.env['pay.now.reminder'].search(waiting).action_print_letters()

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
                if run.state == 'done':
                    run._forget_problems()

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
        if empty := todo._without_text():
            todo -= empty
            self.problem_codes = [
                *(self.problem_codes or []),
                ['empty_text', {'levels': empty.level_id.ids}],
            ]
        todo._queue()

    def _forget_problems(self):
        """Take back why reminders do not leave: they do, or nothing waits for it any more."""
        runs = self.filtered('problem_codes')
        runs.problem_codes = False
        runs.sudo().activity_unlink(['mail.mail_activity_data_warning'])

    def _note_mail_server_exists(self):
        """Take back that there is no mail server."""
        for run in self.filtered('problem_codes'):
            codes = [code for code in run.problem_codes if not code[0].startswith('no_mail_server')]
            run.problem_codes = codes or False

    def _note_server_works(self, server):
        """Take back that a mail server takes no mails.

        :param ir.mail_server server: it took one.
        """
        if not self.problem_codes:
            return
        codes = [code for code in self.problem_codes if code[1].get('server') != server.id]
        if not codes:
            self._forget_problems()
        elif len(codes) < len(self.problem_codes):
            self.problem_codes = codes

    @api.model
    def _reason_sentences(self):
        """Override of `pay.now.reason.mixin`: why reminders of a run do not leave."""

        def mail_server(error, server=False, name='', until=False):
            # The name of the moment, as long as there is one.
            known = self.env['ir.mail_server'].sudo().browse(server or []).exists()
            return self.env._(
                "The mail server %(name)s takes no mails (%(error)s). The reminders wait and leave"
                " by themselves once it does; next try: %(until)s.",
                name=known.name or name or self.env._("of Odoo's configuration"),
                error=error,
                until=format_datetime(self.env, until) if until else '',
            )

        return {
            **super()._reason_sentences(),
            'mail_server': mail_server,
            'empty_text': lambda levels: self.env._(
                "Not sent: there is nothing in the text of %s.",
                ', '.join(
                    self.env['pay.now.reminder.level'].browse(levels).exists().mapped('name')
                ),
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

    def _amount_text(self, amount):
        return formatLang(self.env, amount, currency_obj=self.currency_id)

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

    # === BUSINESS METHODS - GENERATION === #

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

    def _generate(self):
        """Look at every customer with a due item, and prepare a reminder or the reason for none.

        It commits nothing. What a batch has read is forgotten before the next one.

        :return: the reminders.
        :rtype: pay.now.reminder
        :raise UserError: if the company has no level.
        """
        self.ensure_one()
        ids = []
        for number, partner_ids in enumerate(self._batches_to_generate()):
            if number:
                self.env.invalidate_all()
            ids += self._generate_batch(partner_ids).ids
        return self.env['pay.now.reminder'].browse(ids)

    def _generate_later(self):
        """Let the list be made in the background; the form shows how far it is."""
        self.sudo().state = 'generating'
        self.env.ref('account_pay_now.ir_cron_reminders_generate').sudo()._trigger()

    def _count_customers(self):
        """Return how many customers the run looks at.

        :rtype: int
        """
        return self._count_and_sum()[0]

    def _generate_in_background(self):
        """Generate batch by batch, and commit each.

        :return: whether the list is complete.
        :rtype: bool
        """
        self.ensure_one()
        cron = self.env['ir.cron']
        for partner_ids in self._batches_to_generate():
            self._generate_batch(partner_ids)
            self._tell_watchers()
            if not cron._commit_progress():
                return False
            if self.state != 'generating':
                # Somebody canceled it.
                return True
        self._list_is_complete()
        cron._commit_progress()
        return True

    def _batches_to_generate(self):
        """Return the ids of the customers that are not in the list yet, by batches.

        :rtype: iterator of tuple[int]
        """
        groups = self.env['account.move.line']._read_group(
            self._due_domain(self._levels()) & Domain('partner_id', '!=', False),
            ['partner_id.commercial_partner_id'],
        )
        ids = sorted(partner.id for (partner,) in groups if partner.id > self.last_partner_id)
        return split_every(const.GENERATION_BATCH, ids)

    def _generate_batch(self, partner_ids):
        """Prepare the reminders of some customers, in a number of queries that does not grow.

        :param partner_ids: ids of the customers, in ascending order.
        :rtype: pay.now.reminder
        """
        items = self._due_items(partner_ids)
        # One reminder of all, whichever contact of the customer the books name.
        by_partner = items.grouped(lambda line: line.partner_id.commercial_partner_id)
        # Nobody but a run makes reminders.
        reminders = self.env['pay.now.reminder'].sudo()
        reminders = reminders.create(
            [
                {
                    'run_id': self.id,
                    'company_id': self.company_id.id,
                    'partner_id': partner.id,
                    'item_ids': [Command.set(lines.ids)],
                }
                for partner, lines in by_partner.items()
            ]
        ).with_env(self.env)
        reminders._refresh()
        if self.level_ids:
            others = reminders.filtered(lambda one: one.level_id not in self.level_ids)
            others.sudo().unlink()
            reminders -= others
        self.sudo().last_partner_id = partner_ids[-1]
        return reminders

    def _levels(self):
        """Return the levels of the run's company.

        :rtype: pay.now.reminder.level
        :raise UserError: if it has none.
        """
        levels = self.env['pay.now.reminder.level'].search(
            [('company_id', 'parent_of', self.company_id.id)]
        )
        if not levels:
            raise UserError(self.env._("There is no reminder level in this company."))
        return levels

    def _due_items(self, partner_ids):
        """Return the due items of some customers.

        :rtype: account.move.line
        """
        domain = self._due_domain(self._levels()) & Domain(
            'partner_id.commercial_partner_id', 'in', partner_ids
        )
        return self.env['account.move.line'].search_fetch(
            domain, ['partner_id', 'date_maturity'], order='partner_id, date_maturity, id'
        )

    def _due_domain(self, levels):
        """Return the domain of the due items of the run, within its scope."""
        last_day = self.date - timedelta(days=min(levels.mapped('delay_days')))
        domain = (
            self.env['account.move.line']._pay_now_open_items_domain()
            & Domain('company_id', 'child_of', self.company_id.id)
            & Domain('date_maturity', '<=', min(last_day, self.date_to or last_day))
        )
        if self.date_from:
            domain &= Domain('date_maturity', '>=', self.date_from)
        if self.partner_ids:
            domain &= Domain(
                'partner_id.commercial_partner_id', 'in', self.partner_ids.commercial_partner_id.ids
            )
        if self.user_ids:
            domain &= Domain('move_id.invoice_user_id', 'in', self.user_ids.ids)
        if self.application:
            sold = self.env['account.move.line']._pay_now_sold_domain()
            domain &= sold if self.application == 'sales' else ~sold
        return self._within_sales_scope(domain)

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
                Domain('partner_id.commercial_partner_id', 'in', partners.ids)
                & Domain('company_id', 'child_of', self.company_id.id)
                & Domain('account_type', '=', 'asset_receivable')
                & Domain('parent_state', '=', 'posted')
                & Domain('reconciled', '=', False)
                & (
                    Domain('date_maturity', '<', self.date_from)
                    | Domain('date_maturity', '=', False) & Domain('date', '<', self.date_from)
                    | Domain('amount_residual', '<', 0)
                ),
                ['partner_id.commercial_partner_id'],
                ['amount_residual:sum'],
            )
        )

    def _list_is_complete(self):
        """Let the run be sent: at once by the daily action, by a person otherwise."""
        self.sudo().state = 'draft'
        if self.trigger == 'auto':
            self._send_by_itself()

    # === BUSINESS METHODS - SCOPE === #

    def _within_sales_scope(self, domain):
        """Return a domain of journal items, within what the run may be about.

        :param odoo.fields.Domain domain: of journal items.
        :return: the same for a run from the accounting, and without a run.
        :rtype: odoo.fields.Domain
        """
        user = self.sales_user_id
        return domain & user._pay_now_sales_scope() if user else domain

    def _in_its_company(self):
        """Return the run as its company's own people would see it."""
        self.ensure_one()
        company = self.company_id
        return self.with_company(company).with_context(
            allowed_company_ids=company.ids, lang=company._pay_now_lang()
        )
