# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import functools
import logging
import math
import os
import time
from datetime import timedelta

import psycopg2
from markupsafe import escape

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.mail_mail import MailRefusal, MailSession

_logger = logging.getLogger(__name__)


class PayNowReminder(models.Model):
    """How reminders leave: written and re-checked in batches, handed over one by one.

    At most once: a mail is marked *sending* and committed before the mail server gets it. Should
    the process die there, nobody knows whether it left: it is *uncertain*, and never sent again by
    itself. It is the only one: the others of its batch are still waiting. Where OCA's `queue_job`
    is installed, a batch may be a job. Nothing is bound to a job, so that one that dies, runs
    twice or finds nothing does no harm; the scheduled actions then only take what no job works
    off.
    """

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - BATCH === #

    def _send_batch(self):
        """Check, write and hand over reminders of one run, locked by the caller.

        It commits. What it did not come to is left waiting.
        """
        reminders = self.with_context(lang=self.company_id._pay_now_lang())
        written_at = time.monotonic()
        ready = reminders._prepare_safely()
        self.env['ir.cron']._commit_progress()
        self._notify_failed()
        ready._hand_over(written_at)

    def _prepare_safely(self):
        """Prepare the mails; one that cannot be written does not stop the others.

        :return: those that are ready to leave.
        :rtype: pay.now.reminder
        """
        try:
            with self.env.cr.savepoint():
                return self._prepare_to_leave()
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - kept with its reminder; the others go on
            if len(self) == 1:
                _logger.exception("Reminder %s could not be prepared", self.id)
                self._fail('text', text=str(error))
                return self.browse()
        half = len(self) // 2
        return self[:half]._prepare_safely() | self[half:]._prepare_safely()

    def _prepare_to_leave(self):
        """Re-check the reminders against the books of this moment, and write those not held.

        :return: those that are not held.
        :rtype: pay.now.reminder
        """
        self._own_mails().unlink()
        items, refusals = self._refresh()
        standing = self.filtered(lambda reminder: reminder.state == 'queued')
        # Whose address was taken away meanwhile.
        letters = standing.filtered(lambda one: one.channel == 'letter')
        letters.state = 'to_print'
        standing -= letters
        if not standing:
            return standing
        for reminder in standing.filtered(lambda one: one.item_ids != items[one]):
            # The history is of what the mail is about.
            reminder.item_ids = items[reminder]
        attachments, problems = standing._prepare_attachments(items)
        vals, asked = standing._prepare_mails(items, refusals, attachments)
        mails = self.env['mail.mail'].sudo().create(list(vals.values()))
        for reminder, mail in zip(vals, mails, strict=True):
            reminder.write(
                {
                    'mail_id': mail.id,
                    'asked_text': asked[reminder],
                    'states_interest': self._text_states_interest(vals[reminder]['body_html']),
                    'reason_codes': (reminder.reason_codes or []) + problems[reminder],
                }
            )
        return standing

    def _own_mails(self):
        """Return the mails of the reminders; one that is about something else is never touched.

        :rtype: mail.mail (sudo)
        """
        mails = self.env['mail.mail'].sudo()
        for reminder in self:
            mail = reminder.mail_id.sudo()
            if (mail.model, mail.res_id) == (reminder._name, reminder.id):
                mails |= mail
        return mails

    # === BUSINESS METHODS - HANDING OVER === #

    def _hand_over(self, written_at):
        """Give the mails of one run to their mail servers, over one connection each.

        A mail server that takes nothing holds only what would leave by it.

        :param float written_at: when they were checked and written, by the monotonic clock.
        """
        by_mail = {reminder.mail_id.id: reminder.id for reminder in self}
        held = self.browse()
        groups = self._own_mails()._split_by_mail_configuration()
        for server_id, domain_id, smtp_from, mail_ids in groups:
            group = self.browse([by_mail[mail_id] for mail_id in mail_ids])
            server = self.env['ir.mail_server'].browse(server_id)
            connect = functools.partial(
                server._connect__, mail_server_id=server_id, smtp_from=smtp_from
            )
            try:
                session = MailSession(connect)
            except Exception as error:  # noqa: BLE001 - whatever a mail server may say
                _logger.warning("The mail server does not answer", exc_info=True)
                refusal = MailRefusal.of(error, may_have_left=False)
            else:
                options = {
                    'smtp_session': session,
                    'alias_domain_id': domain_id,
                    'mail_server': server,
                }
                try:
                    refusal = group._hand_over_one_by_one(written_at, options)
                finally:
                    session.quit()
            if refusal:
                held |= group._wait_for_server(server, refusal)
        if held and not any(one.state == 'sent' for one in self):
            # The rest of the run would only be written, and wait, or fail for nothing.
            self._others_waiting()._postpone()
        self._wake_for_retries()
        self._notify_failed()
        self._note_sent()
        self.run_id._tell_watchers()

    def _hand_over_one_by_one(self, written_at, options):
        """Give the mails to one mail server, in as many steps as can be distinguished afterwards.

        :param float written_at: when they were checked; what is older is checked once more.
        :param dict options: the connection.
        :return: why the server takes nothing more, if so.
        :rtype: MailRefusal | None
        """
        cron = self.env['ir.cron']
        refused, told_at = self.browse(), time.monotonic()
        for index, reminder in enumerate(self):
            reminder = reminder.with_prefetch()
            if index and time.monotonic() - written_at > const.CHECK_VALID_SECONDS:
                break
            if not reminder.try_lock_for_update() or reminder.state != 'queued':
                continue
            if reminder.run_id.state != 'sending' or reminder._is_above_the_cap():
                break
            reminder.write({'state': 'sending', 'sent_at': fields.Datetime.now()})
            cron._commit_progress()
            # The commit released the lock. The rest is locked too: no other worker wants it.
            mine = self[index:].try_lock_for_update()
            if reminder not in mine or reminder.state != 'sending':
                continue
            refusal = reminder._hand_over_one(options)
            if time.monotonic() - told_at > const.TELL_SECONDS:
                reminder.run_id._tell_watchers()
                told_at = time.monotonic()
            # Committed at once: what became of a mail outlives whatever happens next.
            cron._commit_progress()
            refused = refused | reminder if refusal else self.browse()
            if refusal and refusal.kind == 'server':
                return refusal
            if len(refused) == const.REFUSED_IN_A_ROW:
                # No matter of the addresses: whoever it is, the next one is written to again.
                refused._forget_refused_addresses()
                return refusal
            if not refusal:
                reminder.run_id._note_server_works(options['mail_server'])
        return None

    def _is_above_the_cap(self):
        """Tell whether the company has sent today what it may, together with other workers."""
        return self.company_id.root_id.sudo()._pay_now_left_today() == 0

    def _hand_over_one(self, options):
        """Give one mail to the mail server and keep what came of it.

        :param dict options: the connection.
        :return: why it was not taken, if so.
        :rtype: MailRefusal | None
        """
        refusal = self._own_mails()._pay_now_hand_over(options)
        if not refusal:
            self.write({'state': 'sent', 'retry_at': False})
            return None
        if refusal.kind == 'lost':
            self.write({'state': 'uncertain', 'reason_codes': [['interrupted', {}]]})
        elif refusal.kind in ('later', 'server'):
            self._try_later(refusal)
        elif refusal.kind == 'address':
            self._fail('refused', email=self.email, error=refusal.text)
            # Kept, whoever writes the contact at this moment.
            self.env['ir.cron']._commit_progress()
            self._note_refused_address()
        else:
            self._fail('text', text=refusal.text)
        return refusal

    # === BUSINESS METHODS - WAITING === #

    def _try_later(self, refusal):
        """Let a mail wait that was not taken for now, for a day at most if it is about this mail.

        :param MailRefusal refusal: what the mail server said.
        """
        now = fields.Datetime.now()
        since = self.refused_since or now
        if refusal.kind == 'later':
            if now - since >= const.RETRY_FOR:
                self._fail('refused_long', error=refusal.text)
                return
            self.refused_since = since
        self.write(
            {
                'state': 'queued',
                'sent_at': False,
                'reason_codes': [['later', {'error': refusal.text}]],
            }
        )
        self._postpone()

    def _postpone(self):
        """Let mails wait before they are tried again, longer each time.

        Whoever hands over has the workers look again then.
        """
        now, pauses = fields.Datetime.now(), const.RETRY_PAUSES
        for tries, reminders in self.grouped('tries').items():
            until = now + pauses[min(tries, len(pauses) - 1)]
            reminders.write({'tries': tries + 1, 'retry_at': until})

    def _wake_for_retries(self):
        """Have the workers look again when mails are to be tried: once for a minute, not a mail."""
        for at in {
            one.retry_at + timedelta(seconds=-one.retry_at.second % 60)
            for one in self.filtered('retry_at')
        }:
            self._wake_workers(at)

    def _others_waiting(self):
        """Return what else of the same runs would be sent next.

        :rtype: pay.now.reminder
        """
        waiting = self._waiting_domain(self._closed_runs()) & Domain(
            'run_id', 'in', self.run_id.ids
        )
        return self.search(waiting).try_lock_for_update()

    def _wait_for_server(self, server, refusal):
        """Let those wait that a mail server did not take, and say so in their run.

        :param ir.mail_server server: none is that of the configuration file.
        :param MailRefusal refusal: what it said.
        :return: those that wait for it.
        :rtype: pay.now.reminder
        """
        now = fields.Datetime.now()
        waiting = self.try_lock_for_update().filtered(lambda one: one.state == 'queued')
        waiting.filtered(lambda one: not one.retry_at or one.retry_at <= now)._postpone()
        if waiting:
            until = min(waiting.mapped('retry_at'))
            waiting.run_id._note_server_refuses(server, refusal.text, until)
        return waiting

    # === BUSINESS METHODS - NOTES === #

    @api.model
    def _note_sent(self):
        """Note in the chatter of the customers and of the invoices what was sent, in one go."""
        sent = self.search([('state', '=', 'sent'), ('is_noted', '=', False)], limit=500)
        sent = sent.try_lock_for_update()
        # No more than that of the items.
        sent.item_ids.fetch(['move_id'])
        for company, reminders in sent.grouped('company_id').items():
            reminders = reminders.with_context(lang=company._pay_now_lang())
            bodies = {
                reminder.partner_id.id: reminder._sent_text(reminder.asked_text)
                for reminder in reminders
            }
            self._log_batch(reminders.partner_id, bodies)
            moves = {}
            for reminder in reminders:
                text = reminder._sent_text(reminder.level_id.name)
                moves.update(dict.fromkeys(reminder.item_ids.move_id.ids, text))
            self._log_batch(reminders.item_ids.move_id, moves)
            reminders._make_activities()
        sent.is_noted = True

    def _sent_text(self, what):
        """Say that, where, and what reminder was sent.

        :param str what: the amounts, or the level.
        :rtype: str
        """
        if self.channel == 'letter':
            return self.env._("Reminder printed as a letter: %s", what)
        return self.env._("Reminder sent to %(email)s: %(what)s", email=self.email, what=what)

    def _make_activities(self):
        """Ask the responsible of the customers to do what the levels want to be done."""
        partner_model = self.env['ir.model']._get_id('res.partner')
        self.env['mail.activity'].sudo().create(
            [
                {
                    'res_model_id': partner_model,
                    'res_id': reminder.partner_id.id,
                    'user_id': reminder._responsible().id,
                    'summary': reminder.level_id.activity_summary,
                    'note': reminder.asked_text,
                    'activity_type_id': self.env.ref('mail.mail_activity_data_todo').id,
                }
                for reminder in self
                if reminder.level_id.activity_summary
            ]
        )

    def _responsible(self):
        """Return who takes care of the customer.

        :rtype: res.users
        """
        people = self.item_ids.move_id.invoice_user_id | self.partner_id.user_id
        return self.company_id._pay_now_responsible(people)

    @api.model
    def _log_batch(self, records, bodies):
        """Log a note with many records, as `_message_log_batch` does, by one statement.

        The first is logged by `mail`; the others are copies of its row, whatever other modules
        have added to it. One by one, `create` looks for each note into the caches of all models
        with a chatter, which takes longer than the rest of a reminder.

        :param records: of one model with a chatter.
        :param dict bodies: `{id of a record: text}`.
        :return: None
        """
        first, others = records[:1], records[1:]
        note = first._message_log_batch({first.id: bodies[first.id]}) if first else None
        if not others:
            return
        # What is escaped stays as it is in the sanitized frame.
        frame = note._fields['body'].convert_to_column('%s', note)
        note.flush_recordset()
        same = [
            SQL.identifier(name)
            for name, field in note._fields.items()
            if field.store and field.column_type and name not in ('id', 'res_id', 'body')
        ]
        self.env.cr.execute(
            SQL(
                "INSERT INTO mail_message (res_id, body, %(same)s)"
                " SELECT others.id, others.text, %(same)s"
                " FROM mail_message, unnest(%(ids)s, %(texts)s) others(id, text)"
                " WHERE mail_message.id = %(note)s",
                same=SQL(', ').join(same),
                ids=others.ids,
                texts=[frame.replace('%s', escape(bodies[record.id])) for record in others],
                note=note.id,
            )
        )
        others.invalidate_recordset(['message_ids'])

    # === BUSINESS METHODS - FAILURES === #

    def _notify_failed(self):
        """Notify whoever is responsible, and who sent them, of what of these was not delivered.

        Each of them once for a run.
        """
        failed = self.filtered(lambda one: one.state == 'failed' and not one.notice_id)
        for run, reminders in failed.grouped('run_id').items():
            by_user = reminders.grouped(lambda one: one._responsible())
            for user, own in by_user.items():
                lang = user.lang or run.company_id._pay_now_lang()
                own.with_context(lang=lang)._notify(run, user)
            run._tell_sender(by_user.keys())

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

    # === CRON === #

    @api.model
    def _cron_send(self, batch=const.SENDING_BATCH):
        """Send what is waiting. Several workers may run at once, each with its own batches.

        Without a mail server the reminders go on waiting.

        :param int batch: how many are written and checked at once.
        """
        domain = Domain('state', '=', 'queued')
        if not self.env['res.company']._pay_now_has_mail_server():
            self.search(domain).run_id._note_no_mail_server()
            return
        cron = self.env['ir.cron']
        self._find_uncertain()
        self._drop_canceled()
        self._note_sent()
        self.search(domain).run_id._note_mail_server_exists()
        cron._commit_progress(
            remaining=self.search_count(self._waiting_domain(self._closed_runs()))
        )
        if not (self._leave_to_jobs() or self._send_batches(batch)):
            return
        self.env['pay.now.reminder.run'].search([('state', '=', 'sending')])._check_done()
        cron._commit_progress(remaining=0)

    @api.model
    def _send_batches(self, size=const.SENDING_BATCH, most=float('inf')):
        """Send batch after batch, until nothing is left that may leave now.

        :param int size: how many are written and checked at once.
        :param int most: how many batches at most.
        :return: False when more may be left: there were enough batches, or the time is over.
        :rtype: bool
        """
        cron = self.env['ir.cron']
        conflicts = batches = 0
        while conflicts < const.MAX_CONFLICTS:
            try:
                closed = self._closed_runs()
                # A transaction of its own: it sees what the others have done until now.
                cron._commit_progress()
                reminders = self._next_batch(size, closed)
                if not reminders:
                    break
                reminders._send_batch()
                # Not all of them may have left, and other workers leave some behind too.
                left = self.search_count(self._waiting_domain(closed))
                go_on = cron._commit_progress(len(reminders), remaining=left)
            except psycopg2.OperationalError:
                # Somebody else wrote the same rows: it starts again from what they committed.
                self.env.cr.rollback()
                conflicts += 1
                continue
            batches += 1
            if not go_on or batches >= most:
                return False
        return True

    @api.model
    def _wake_workers(self, at=None):
        """Let the workers look for what is waiting.

        Where jobs send it, one scheduled action looks later whether they did.

        :param datetime.datetime at: when, in UTC; at once without it.
        """
        names = const.SENDING_CRONS
        if at:
            # One looks then, and finds how much there is to do.
            names = names[:1]
        elif self._leave_to_jobs():
            names, at = names[:1], fields.Datetime.now() + const.JOBS_PATIENCE
        for name in names:
            if cron := self.env.ref(f'account_pay_now.{name}', raise_if_not_found=False):
                cron.sudo()._trigger(at)

    @api.model
    def _closed_runs(self):
        """Return the runs whose reminders may not leave at this moment.

        Those of the daily action keep to the company's hours and working days; a person who sends
        reminders decides about that. The most a day counts for both. From a copy of the database
        nothing leaves.

        :rtype: pay.now.reminder.run
        """
        now = fields.Datetime.now()
        away = self.env['payment.provider']._pay_now_away().company_id.root_id

        def is_closed(run):
            company = run.company_id.root_id.sudo()
            if company in away:
                return True
            outside = run.trigger == 'auto' and company._pay_now_next_opening(now) > now
            return outside or company._pay_now_left_today() == 0

        runs = self.env['pay.now.reminder.run'].search([('state', '=', 'sending')])
        return runs.filtered(is_closed)

    @api.model
    def _waiting_domain(self, closed):
        """Return the domain of what may leave now (see `_next_batch`)."""
        return (
            Domain('state', '=', 'queued')
            & Domain('run_id.state', '=', 'sending')
            & Domain('run_id', 'not in', closed.ids)
            & (Domain('retry_at', '=', False) | Domain('retry_at', '<=', fields.Datetime.now()))
        )

    @api.model
    def _next_batch(self, limit, closed):
        """Take the next reminders of one run that wait, and that no other worker has.

        In one statement, the first one of its transaction: what others have done since would be a
        conflict.

        :param int limit: how many at most.
        :param pay.now.reminder.run closed: of which nothing may leave now.
        :rtype: pay.now.reminder
        """
        query = self._search(self._waiting_domain(closed), order='run_id, id', limit=limit)
        lock = SQL(
            "%s FOR NO KEY UPDATE OF %s SKIP LOCKED", query.select(), SQL.identifier(query.table)
        )
        reminders = self.browse(id_ for (id_,) in self.env.execute_query(lock))
        return reminders.filtered(lambda reminder: reminder.run_id == reminders[0].run_id)

    @api.model
    def _find_uncertain(self):
        """List what a worker that died was handing over: it may have left, or not.

        Whoever is handing over holds a lock; only between a commit and the next lock there is none.
        """
        late = fields.Datetime.now() - timedelta(seconds=const.HAND_OVER_GRACE_SECONDS)
        lost = self.search(
            Domain('state', '=', 'sending')
            & (Domain('sent_at', '=', False) | Domain('sent_at', '<', late))
        ).try_lock_for_update()
        lost.write({'state': 'uncertain', 'reason_codes': [['interrupted', {}]]})

    @api.model
    def _drop_canceled(self):
        """Drop what was handed over as somebody canceled the run, and was not taken for now."""
        left = Domain('state', '=', 'queued') & Domain('run_id.state', '=', 'canceled')
        self.search(left).try_lock_for_update().action_drop()
