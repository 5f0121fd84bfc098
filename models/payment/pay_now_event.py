# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
from collections import defaultdict
from datetime import timedelta, timezone

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED, STATUS_READY

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base, reading
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayError,
    GatewayNotFound,
    GatewayUnavailable,
)
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)
#: The scheduled actions that work the ledger off; one `ir.cron` row is one worker.
#: The system parameter that says how many days events are kept.
RETENTION = 'account_pay_now.event_retention_days'
WORKERS = ('account_pay_now.ir_cron_events_1', 'account_pay_now.ir_cron_events_2')


class PayNowEvent(models.Model):
    """The ledger of the providers' events: stored once, before anything else happens.

    Of payments, and of the merchant account itself: completed, restricted, taken away from us. The
    workers are called as often as needed, and not once for every notification.
    """

    _name = 'pay.now.event'
    _description = "Provider notification"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']
    _rec_name = 'event_ref'
    _order = 'id desc'

    provider_id = fields.Many2one(
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='provider_id.company_id', store=True, index=True)
    event_ref = fields.Char(string="Notification id", required=True, readonly=True)
    type = fields.Char(required=True, readonly=True)
    occurred_at = fields.Datetime(string="Happened on", readonly=True)
    source = fields.Selection(
        string="Came by",
        selection=[('webhook', "Webhook"), ('sweep', "Sweep")],
        required=True,
        readonly=True,
    )
    checkout_ref = fields.Char(string="Checkout id", readonly=True)
    payment_ref = fields.Char(string="Payment id", readonly=True)
    charge_ref = fields.Char(string="Charge id", readonly=True)
    reference = fields.Char(readonly=True, index='btree_not_null')
    subject = fields.Char(string="About", readonly=True, default='payment')
    object_ref = fields.Char(string="Id of what it is about", readonly=True)
    payload = fields.Text(readonly=True, groups='base.group_system')
    transaction_id = fields.Many2one(
        comodel_name='payment.transaction',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('pending', "To process"),
            ('done', "Processed"),
            ('ignored', "Not about a payment of ours"),
            ('failed', "Failed"),
            ('unreadable', "Not understood"),
        ],
        default='pending',
        required=True,
        readonly=True,
    )
    attempts = fields.Integer(readonly=True)
    next_attempt_at = fields.Datetime(string="Next attempt", readonly=True)
    error = fields.Char(readonly=True)

    _event_once = models.UniqueIndex(
        # In this order, an id that somebody pastes is found too.
        '(event_ref, provider_id)',
        "This notification is already stored.",
    )
    _to_process = models.Index("(next_attempt_at, id) WHERE state = 'pending'")
    # What stays at millions of rows: few of them wait for somebody, or are to be forgotten.
    _to_look_at = models.Index("(state, id) WHERE state IN ('failed', 'unreadable')")
    _payload_kept = models.Index("(create_date) WHERE payload IS NOT NULL")
    _over = models.Index("(create_date) WHERE state IN ('done', 'ignored')")

    # === ACTION METHODS === #

    def action_replay(self):
        """Process the events again: the payments are asked about anew.

        Nobody can be asked about what is not understood.
        """
        self.check_access('write')
        self.sudo().filtered(lambda event: event.state != 'unreadable').write(
            {'state': 'pending', 'attempts': 0, 'next_attempt_at': fields.Datetime.now()}
        )
        self._wake_workers()

    # === BUSINESS METHODS - STORING === #

    @api.model
    def _see_commits(self):
        """Let the transaction see what others commit while it lasts, if it has not begun yet.

        Odoo's transactions see the database as it was at their first query. Two of them that store
        the same row end in a serialization failure, and the second one is done again after a pause.
        One that does nothing but store what came, once, rather waits for the other one, and sees
        (see `doc/adr/020`). Odoo's own level comes back with the next cursor. In tests there is but
        one transaction, which began long ago.
        """
        connection = self.env.cr.connection
        if connection.status == STATUS_READY:
            connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)

    @api.model
    def _sees_commits(self):
        """Tell whether the transaction sees what others commit while it lasts.

        :rtype: bool
        """
        return self.env.cr.connection.isolation_level == ISOLATION_LEVEL_READ_COMMITTED

    @api.model
    def _receive(self, provider, event, body):
        """Store what a provider notified, and have it processed.

        :param payment.provider provider: whose event it is.
        :param gateways.base.Event event: verified and normalised.
        :param bytes body: as it was posted.
        """
        new = self._store(provider, event, 'webhook', reading.storable(body))
        if new and event.subject != base.UNREADABLE:
            self._wake_workers()

    @api.model
    def _is_known(self, providers, body):
        """Tell whether a notification that is not proven names an event that is stored already.

        Then the provider listed it to us, and who posts it is the provider: nobody else knows its
        id. Nothing else is read of it.

        :param payment.provider providers: whose it may be.
        :param bytes body: as it was posted.
        :rtype: bool
        """
        try:
            name = reading.identifier(reading.parse(body).get('id'))
        except reading.Unreadable:
            return False
        domain = Domain('provider_id', 'in', providers.ids) & Domain('event_ref', '=', name)
        return bool(name and self.search(domain, limit=1))

    @api.model
    def _store(self, provider, event, source, payload=''):
        """Store a verified event once.

        One INSERT, which leaves out what is stored already. Where the transaction sees what others
        commit meanwhile (`_see_commits`), it waits for whoever stores the same at this
        moment. Elsewhere a serialization failure may mean that, or something else: whoever asked
        does it again, and the sweep sees the event once more anyway.

        :param payment.provider provider: whose event it is.
        :param gateways.base.Event event: verified and normalised.
        :param str source: `webhook` or `sweep`.
        :param str payload: the raw body, kept for a while for whoever has to look.
        :return: True when it was new.
        :rtype: bool
        """
        values = self._prepare(provider, event, source, payload)
        # The company is read where it is: the provider record is not.
        query = SQL(
            "INSERT INTO pay_now_event (company_id, %s)"
            " SELECT company_id, %s FROM payment_provider WHERE id = %s"
            " ON CONFLICT (provider_id, event_ref) DO NOTHING",
            SQL(', ').join(SQL.identifier(name) for name in values),
            SQL(', ').join(SQL("%s", value) for value in values.values()),
            provider.id,
        )
        try:
            with self._guarded():
                self.env.cr.execute(query)
                return bool(self.env.cr.rowcount)
        except psycopg2.errors.SerializationFailure:
            if source == 'sweep':
                return False
            raise

    def _guarded(self):
        """Return a context in which a serialization failure ends nothing but its statement.

        Where there can be none, nothing guards against it.
        """
        if self._sees_commits():
            return contextlib.nullcontext()
        guard = contextlib.ExitStack()
        guard.enter_context(mute_logger('odoo.sql_db'))
        guard.enter_context(self.env.cr.savepoint(flush=False))
        return guard

    @api.model
    def _prepare(self, provider, event, source, payload):
        """Return the columns of a new event; parameters as of `_store`.

        What is not understood is done with: it waits for a person, and no worker.

        :rtype: dict
        """
        now = fields.Datetime.now()
        return {
            'provider_id': provider.id,
            'event_ref': event.id,
            'type': event.type,
            'occurred_at': self.env['res.company']._pay_now_instant(event.created_at),
            'source': source,
            'checkout_ref': event.checkout_id or None,
            'payment_ref': event.payment_id or None,
            'charge_ref': event.charge_id or None,
            'reference': event.reference or None,
            'subject': event.subject,
            'object_ref': event.object_id or None,
            'payload': payload or None,
            'state': 'unreadable' if event.subject == base.UNREADABLE else 'pending',
            'attempts': 0,
            'next_attempt_at': now,
            'create_date': now,
            'write_date': now,
            'create_uid': self.env.uid or SUPERUSER_ID,
            'write_uid': self.env.uid or SUPERUSER_ID,
        }

    # === BUSINESS METHODS - PROCESSING === #

    @api.model
    def _pending_domain(self):
        due = Domain('state', '=', 'pending') & (
            Domain('next_attempt_at', '=', False)
            | Domain('next_attempt_at', '<=', fields.Datetime.now())
        )
        # In a copy of the database they stay; in one that was moved, until somebody says so.
        away = self.env['payment.provider']._pay_now_away()
        return due & Domain('provider_id', 'not in', away.ids) if away else due

    def _process(self):
        """Synchronise what each event is about, payments in one batch.

        Accounts come first, before anything is asked of them; then disputes: a payment that PayPal
        took back looks like a refunded one. Payouts come last: they are made of all the others.
        """
        self._note_arrival()
        accounts = self.filtered(lambda event: event.subject == 'account')
        disputes = self.filtered(lambda event: event.subject == 'dispute')
        payouts = self.filtered(lambda event: event.subject == 'payout')
        accounts._process_merchant_accounts()
        disputes._process_others()
        (self - accounts - disputes - payouts)._process_payments()
        payouts._process_others()

    def _note_arrival(self):
        """Remember which providers notify us: here, where nobody waits for an answer."""
        arrived = self.filtered(lambda event: event.source == 'webhook')
        for provider, events in arrived.grouped('provider_id').items():
            provider._pay_now_note_event(max(events.mapped('create_date')))

    def _process_payments(self):
        """Find the payment each event is about and synchronise it, in one batch."""
        payments = self._find_payments()
        (self - self.browse().union(*payments)).write({'state': 'ignored', 'error': False})
        by_tx = defaultdict(self.browse)
        for event, tx in payments.items():
            by_tx[tx] |= event
        txs = self.env['payment.transaction'].union(*by_tx)
        errors, asked = txs._pay_now_synchronize_safely()
        for tx, events in by_tx.items():
            if tx in errors:
                events._retry_later(errors[tx], tx)
            elif tx in asked:
                events.write({'state': 'done', 'error': False, 'transaction_id': tx.id})
            else:
                events._retry_later(self.env._("Being processed elsewhere"), tx, count=False)

    def _process_others(self):
        """Synchronise the payouts and disputes that events are about, each one once."""
        for (provider, subject), events in self.grouped(
            lambda event: (event.provider_id, event.subject)
        ).items():
            if not provider._pay_now_take_turn():
                events._retry_later(self.env._("Being processed elsewhere"), count=False)
                continue
            Model = self.env[const.SUBJECTS[subject]]
            for ref, same in events.grouped('object_ref').items():
                same._synchronize_other(Model, provider, ref)

    def _synchronize_other(self, Model, provider, ref):
        """Synchronise one payout or dispute, and note what came of it."""
        try:
            with self.env.cr.savepoint():
                ours = Model._synchronize(provider, [ref])
        except psycopg2.OperationalError:
            raise
        except GatewayNotFound:
            ours = Model
        except GatewayUnavailable as error:
            return self._retry_later(error.message)
        except GatewayError as error:
            return self._retry_later(provider._pay_now_listing_problem(error) or error.message)
        except Exception as error:  # noqa: BLE001 - kept with its event
            _logger.exception("%s of %s could not be processed", ref, provider.name)
            return self._retry_later(provider._pay_now_plain_error(error))
        return self.write({'state': 'done' if ours else 'ignored', 'error': False})

    def _find_payments(self):
        """Return the payments of ours that the events are about.

        :return: `{event: payment}` of those that are about one.
        :rtype: dict
        """
        payments = {}
        for provider, events in self.grouped('provider_id').items():
            named = {
                event: {
                    'checkout_id': event.checkout_ref,
                    'payment_id': event.payment_ref,
                    'charge_id': event.charge_ref,
                    'reference': event.reference,
                }
                for event in events
            }
            payments.update(self.env['payment.transaction']._pay_now_find(provider, named))
        return payments

    def _retry_later(self, error, tx=None, count=True):
        """Keep the error; try again after a while that doubles, and give up one day."""
        for event in self:
            attempts = event.attempts + bool(count)
            given_up = attempts >= const.EVENT_MAX_ATTEMPTS
            delay = timedelta(minutes=2 ** max(attempts - 1, 0)) if count else timedelta(seconds=5)
            event.write(
                {
                    'state': 'failed' if given_up else 'pending',
                    'attempts': attempts,
                    'next_attempt_at': fields.Datetime.now() + delay,
                    'error': error,
                    # Not while somebody else holds the payment: the reference would wait for it.
                    **({'transaction_id': tx.id} if tx and count else {}),
                }
            )
        cron = self.env.ref(WORKERS[0], raise_if_not_found=False)
        if cron and self:
            cron.sudo()._trigger(at=min(self.mapped('next_attempt_at')))

    def _process_merchant_accounts(self):
        """Look again at each merchant account once, whatever its events say and in which order."""
        for provider, events in self.grouped('provider_id').items():
            try:
                with self.env.cr.savepoint():
                    error = provider._pay_now_account_changed()
            except psycopg2.OperationalError:
                raise
            except Exception as failure:  # noqa: BLE001 - kept with its notification
                _logger.exception("The account of %s could not be processed", provider.name)
                error = provider._pay_now_plain_error(failure)
            if error:
                events._retry_later(error)
            else:
                events.write({'state': 'done', 'error': False})

    # === BUSINESS METHODS - SWEEP === #

    @api.model
    def _sweep(self):
        """List the providers' events since the last ones seen, for those that never arrived.

        Before that, see who completed a registration without coming back.
        """
        Provider = self.env['payment.provider']
        Provider._pay_now_resume_onboardings()
        providers = Provider._pay_now_swept()
        for provider in providers:
            # An hour of overlap: events become visible late, and the ledger knows the others.
            start = (provider.pay_now_last_sweep_at or provider.pay_now_connected_at) - timedelta(
                hours=1
            )
            now = fields.Datetime.now()
            try:
                events = list(
                    provider._pay_now_gateway().list_events(start.replace(tzinfo=timezone.utc))
                )
            except GatewayUnavailable as error:
                _logger.info("%s could not be swept: %s", provider.name, error.message)
                provider._pay_now_note_silence()
                continue
            except GatewayError as error:
                provider._pay_now_note_problem(error)
                continue
            provider._pay_now_note_answer()
            new = sum(self._store(provider, event, 'sweep') for event in events)
            provider.pay_now_last_sweep_at = now
            if new:
                self._wake_workers()
        (providers | Provider._pay_now_away())._pay_now_follow_health()

    # === BUSINESS METHODS - FORGETTING === #

    @api.autovacuum
    def _gc_payloads(self):
        """Forget the payloads of old events; the ledger itself stays longer.

        :return: how many, and whether there are more.
        :rtype: tuple(int, bool)
        """
        limit = fields.Datetime.now() - timedelta(days=const.PAYLOAD_RETENTION_DAYS)
        old = self.search(
            [('payload', '!=', False), ('create_date', '<', limit)],
            order='create_date',
            limit=const.FORGOTTEN_AT_ONCE,
        )
        old.payload = False
        return len(old), len(old) == const.FORGOTTEN_AT_ONCE

    @api.autovacuum
    def _gc_events(self):
        """Forget old events that are over.

        Those stay that somebody may still ask about: of disputes, of payments that were disputed,
        refunded, taken apart, or differed from the provider (`_is_kept`).

        :return: how many, and whether there are more.
        :rtype: tuple(int, bool)
        """
        limit = fields.Datetime.now() - timedelta(days=self._retention_days())
        self.flush_model()
        query = SQL(
            """
            DELETE FROM pay_now_event
             WHERE id IN (
                   SELECT one.id
                     FROM pay_now_event one
                    WHERE one.state IN ('done', 'ignored')
                      AND one.create_date < %s
                      AND one.subject != 'dispute'
                      AND (one.transaction_id IS NULL OR NOT (%s))
                    ORDER BY one.create_date
                    LIMIT %s
                      FOR UPDATE SKIP LOCKED
             )
            """,
            limit,
            self._is_kept(),
            const.FORGOTTEN_AT_ONCE,
        )
        self.env.cr.execute(query)
        gone = self.env.cr.rowcount
        self.invalidate_model()
        return gone, gone == const.FORGOTTEN_AT_ONCE

    @api.model
    def _retention_days(self):
        """Return how long an event is kept that is over, in days.

        Never less than the providers list theirs: the sweep would take it for a new one.

        :rtype: int
        """
        value = self.env['ir.config_parameter'].sudo().get_param(RETENTION) or ''
        days = int(value) if value.isascii() and value.isdigit() else const.EVENT_RETENTION_DAYS
        return min(max(days, const.EVENT_RETENTION_DAYS_MIN), const.EVENT_RETENTION_DAYS_MAX)

    @api.model
    def _is_kept(self):
        """Return a condition: something is kept about the transaction of the event `one`.

        :rtype: SQL
        """
        kept = [
            SQL(
                "EXISTS (SELECT FROM %s kept WHERE kept.%s = one.transaction_id)",
                SQL.identifier(self.env[model]._table),
                SQL.identifier(field),
            )
            for model, field in const.KEEPERS.items()
        ]
        undone = SQL(
            "EXISTS (SELECT FROM payment_transaction tx"
            " JOIN account_payment payment ON payment.id = tx.payment_id"
            " JOIN pay_now_undone kept ON kept.move_id = payment.move_id"
            " WHERE tx.id = one.transaction_id)"
        )
        return SQL(' OR ').join([*kept, undone])

    # === BUSINESS METHODS - WORKERS === #

    @api.model
    def _wake_workers(self):
        """Wake the workers, unless they were called a moment ago and have not begun yet.

        A call that is older and left was not answered, or its worker failed: call again.
        """
        # Known without a query; whether they are still there matters to those that are called.
        find = self.env['ir.model.data']._xmlid_to_res_id
        ids = [cron_id for cron_id in map(find, WORKERS) if cron_id]
        if ids and not self._are_workers_called(ids):
            for cron in self.env['ir.cron'].sudo().browse(ids).exists():
                cron._trigger()

    @api.model
    def _are_workers_called(self, cron_ids):
        """Tell whether a worker was called a moment ago that will see what is stored here.

        A worker takes its call away as it begins, which others see only once it has ended: what is
        locked is no call any more. Ours is held until this is committed.

        :param list cron_ids: the workers.
        :rtype: bool
        """
        now = fields.Datetime.now()
        query = SQL(
            "SELECT id FROM ir_cron_trigger WHERE cron_id IN %s AND call_at <= %s AND call_at > %s"
            " LIMIT 1 FOR KEY SHARE SKIP LOCKED",
            tuple(cron_ids),
            now,
            now - timedelta(seconds=const.WAKE_SECONDS),
        )
        self.env['ir.cron.trigger'].flush_model(['cron_id', 'call_at'])
        try:
            with self._guarded():
                return bool(self.env.execute_query(query))
        except psycopg2.errors.SerializationFailure:
            # Taken away since this transaction began.
            return False

    # === CRON === #

    @api.model
    def _cron_process(self, batch=50):
        """Work the ledger off. Several workers may run at once: each takes what is free.

        :param int batch: events per database transaction.
        """
        cron = self.env['ir.cron']
        domain = self._pending_domain()
        cron._commit_progress(remaining=self.search_count(domain))
        conflicts = 0
        while conflicts < const.MAX_CONFLICTS:
            try:
                events = self.search(domain, limit=batch, order='next_attempt_at, id')
                events = events.try_lock_for_update().filtered_domain(domain)
                if not events:
                    # What is locked is another worker's, which goes on until nothing is left.
                    cron._commit_progress(remaining=0)
                    return
                events._process()
                go_on = cron._commit_progress(len(events))
            except psycopg2.OperationalError:
                # Somebody else booked for the same customer meanwhile: nothing of the batch is
                # kept, and it starts again from what they committed.
                self.env.cr.rollback()
                conflicts += 1
                continue
            if not go_on:
                return
        self._wake_workers()
