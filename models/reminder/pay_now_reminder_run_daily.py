# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PayNowReminderRun(models.Model):
    """The runs of the daily action."""

    _inherit = 'pay.now.reminder.run'

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
