# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import split_every

from odoo.addons.account_pay_now import const


class PayNowReminderRun(models.Model):
    """Who gets a reminder: every customer with a due item is looked at, in batches.

    A run knows how far it came: it goes on after any interruption, and nobody is listed twice.
    """

    _inherit = 'pay.now.reminder.run'

    last_partner_id = fields.Integer(
        string="Looked at until", readonly=True, help="The last customer that is in the list."
    )

    # === BUSINESS METHODS - GENERATION === #

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
        self.state = 'generating'
        self.env.ref('account_pay_now.ir_cron_reminders_generate').sudo()._trigger()

    def _count_customers(self):
        """Return how many customers the run looks at.

        :rtype: int
        """
        [(count,)] = self.env['account.move.line']._read_group(
            self._due_domain(self._levels()), aggregates=['partner_id:count_distinct']
        )
        return count

    def _generate_in_background(self):
        """Generate batch by batch, and commit each.

        :return: whether the list is complete.
        :rtype: bool
        """
        self.ensure_one()
        cron = self.env['ir.cron']
        for partner_ids in self._batches_to_generate():
            self._generate_batch(partner_ids)
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
            self._due_domain(self._levels()) & Domain('partner_id', '!=', False), ['partner_id']
        )
        ids = sorted(partner.id for (partner,) in groups if partner.id > self.last_partner_id)
        return split_every(const.GENERATION_BATCH, ids)

    def _generate_batch(self, partner_ids):
        """Prepare the reminders of some customers, in a number of queries that does not grow.

        :param partner_ids: ids of the customers, in ascending order.
        :rtype: pay.now.reminder
        """
        by_partner = self._due_items(partner_ids).grouped('partner_id')
        reminders = self.env['pay.now.reminder'].create(
            [
                {
                    'run_id': self.id,
                    'company_id': self.company_id.id,
                    'partner_id': partner.id,
                    'item_ids': [Command.set(lines.ids)],
                }
                for partner, lines in by_partner.items()
            ]
        )
        reminders._refresh()
        if self.level_ids:
            others = reminders.filtered(lambda one: one.level_id not in self.level_ids)
            others.sudo().unlink()
            reminders -= others
        self.last_partner_id = partner_ids[-1]
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
        domain = self._due_domain(self._levels()) & Domain('partner_id', 'in', partner_ids)
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
            domain &= Domain('partner_id', 'in', self.partner_ids.commercial_partner_id.ids)
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

    def _list_is_complete(self):
        """Let the run be sent: at once by the daily action, by a person otherwise."""
        self.state = 'draft'
        if self.trigger == 'auto':
            self._send_by_itself()

    # === CRON === #

    @api.model
    def _cron_generate(self):
        """Generate and send the day's reminders of each company that ticked it.

        A company that had its run today is left alone: a restart never reminds twice. A run that
        was interrupted, or was too long for one call, goes on where it stopped.
        """
        cron = self.env['ir.cron']
        self.env['pay.now.answer']._close_ended()
        self._create_daily_runs()
        runs = self.search([('state', '=', 'generating')], order='id')
        cron._commit_progress(remaining=len(runs))
        for run in runs:
            # Another worker may have it.
            if not run.try_lock_for_update() or run.state != 'generating':
                continue
            if not run._in_its_company()._generate_in_background():
                return
            if not cron._commit_progress(1):
                return

    @api.model
    def _create_daily_runs(self):
        """Create today's run of each company that wants one and has none yet."""
        # Branches are in the run of their company.
        companies = self.env['res.company'].search(
            [('pay_now_reminder_auto', '=', True), ('parent_id', '=', False)]
        )
        for company in companies:
            Run = self.with_company(company)
            today = fields.Date.context_today(Run)
            if not company._pay_now_is_working_day(today):
                # What falls due meanwhile is in the list of the next working day.
                continue
            domain = [
                ('company_id', '=', company.id),
                ('trigger', '=', 'auto'),
                ('date', '=', today),
            ]
            if not Run.search_count(domain, limit=1):
                Run.create(
                    {
                        'company_id': company.id,
                        'trigger': 'auto',
                        'date': today,
                        'state': 'generating',
                    }
                )

    def _in_its_company(self):
        """Return the run as its company's own people would see it."""
        self.ensure_one()
        company = self.company_id
        return self.with_company(company).with_context(
            allowed_company_ids=company.ids, lang=company._pay_now_lang()
        )
