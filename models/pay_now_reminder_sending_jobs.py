# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import math
import os

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const


class PayNowReminder(models.Model):
    """Batches as jobs of OCA's `queue_job`, where it is installed; this module does without.

    A job takes what waits as a scheduled action does, and at most once is as sure: nothing is
    bound to a job, so that one that dies, runs twice or finds nothing does no harm. The scheduled
    actions then only take what no job works off.
    """

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - JOBS === #

    @api.model
    def _leave_to_jobs(self):
        """Let jobs send what waits, where there are any and somebody works them off.

        :return: whether they do.
        :rtype: bool
        """
        reminders = self._for_jobs()
        if reminders is None or reminders._are_jobs_stuck():
            return False
        reminders._enqueue_jobs()
        return True

    def _job_send(self):
        """Send one batch: the job. It commits, as a scheduled action does."""
        if not self.env['res.company']._pay_now_has_mail_server():
            # The scheduled action says so in the runs.
            return
        all_done = self._send_batches(most=1)
        if all_done or not self._enqueue_jobs():
            self.env['pay.now.reminder.run'].search([('state', '=', 'sending')])._check_done()

    @api.model
    def _enqueue_jobs(self):
        """Enqueue as many jobs as there are batches that may leave now.

        :return: how many there are.
        :rtype: int
        """
        waiting = self.search_count(self._waiting_domain(self._closed_runs()))
        batches = math.ceil(waiting / const.SENDING_BATCH)
        keys = [f'{self._name}-{number}' for number in range(batches)]
        known = self.env['queue.job'].search(
            Domain('identity_key', 'in', keys)
            & Domain('state', 'in', ('wait_dependencies', 'pending', 'enqueued'))
        )
        todo = set(keys) - set(known.mapped('identity_key'))
        if todo:
            self._allow_jobs()
        for key in sorted(todo):
            self.with_delay(identity_key=key, description=self.env._("Send reminders"))._job_send()
        return batches

    @api.model
    def _are_jobs_stuck(self):
        """Tell whether jobs wait and nobody works them off.

        :rtype: bool
        """
        Job, since = self.env['queue.job'], fields.Datetime.now() - const.JOBS_PATIENCE
        mine = Domain('model_name', '=', self._name) & Domain('method_name', '=', '_job_send')
        late = mine & Domain('state', 'in', ('pending', 'enqueued'))
        late &= Domain('date_created', '<', since)
        alive = mine & (
            Domain('state', '=', 'started') & Domain('date_started', '>', since)
            | Domain('state', '=', 'done') & Domain('date_done', '>', since)
        )
        return bool(Job.search_count(late, limit=1)) and not Job.search_count(alive, limit=1)

    @api.model
    def _allow_jobs(self):
        """Register with `queue_job` that the job commits, and give it a channel of its own.

        No data file: it would need the module.
        """
        xmlid = 'account_pay_now.queue_job_function_send'
        if self.env.ref(xmlid, raise_if_not_found=False):
            return
        channel = self.env['queue.job.channel']._load_records(
            [
                {
                    'xml_id': 'account_pay_now.queue_job_channel',
                    'noupdate': True,
                    'values': {
                        'name': 'pay_now_reminders',
                        'parent_id': self.env.ref('queue_job.channel_root').id,
                    },
                }
            ]
        )
        function = {
            'model_id': self.env['ir.model']._get_id(self._name),
            'method': '_job_send',
            'channel_id': channel.id,
            # A mail is committed as *sending* before the mail server gets it.
            'allow_commit': True,
        }
        self.env['queue.job.function']._load_records(
            [{'xml_id': xmlid, 'noupdate': True, 'values': function}]
        )

    @api.model
    def _for_jobs(self):
        """Return the model as the scheduled action has it, or None where no jobs can be had."""
        # Their switch for developers would send at once, in the midst of what is being written.
        if 'queue.job' not in self.env or os.environ.get('QUEUE_JOB__NO_DELAY'):
            return None
        return self.env(user=SUPERUSER_ID, context={})[self._name]
