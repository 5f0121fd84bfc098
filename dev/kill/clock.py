# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A fast clock: what waits for an hour waits for some seconds.

Nobody's clock is changed. What says when something is done next grows older instead, and who waits
for such an hour is called as often as it would look by itself. Rows that somebody has in hand are
left alone, and what tells when something happened stays as it is: it is judged by it in the end.
"""

import threading

import psycopg2

NOW = "now() AT TIME ZONE 'utc'"
#: table, column, and the rows that wait for it: it comes nearer each second.
PLANS = (
    ("ir_cron", "nextcall", f"active AND nextcall > {NOW}"),
    ("ir_cron_trigger", "call_at", f"call_at > {NOW}"),
    ("pay_now_event", "next_attempt_at", f"state = 'pending' AND next_attempt_at > {NOW}"),
    ("payment_transaction", "pay_now_book_at", f"pay_now_book_at > {NOW}"),
    ("payment_transaction", "pay_now_end_at", f"pay_now_end_at > {NOW}"),
    ("pay_now_certificate", "next_attempt_at", f"state = 'wanted' AND next_attempt_at > {NOW}"),
    ("pay_now_certificate", "asked_at", "state = 'refused'"),
    ("pay_now_reminder", "retry_at", f"state = 'queued' AND retry_at > {NOW}"),
    ("pay_now_reminder", "sent_at", "state = 'sending'"),
)
REFUNDS = (
    "SELECT FROM payment_transaction child"
    " WHERE child.source_transaction_id = payment_transaction.id"
)
#: table, column, after how many minutes it matters, and for which rows: each is written once, when
#: they have passed. Written each second, it would be in the way of whoever works on the row.
LOOKED_AT = (
    (
        *("payment_transaction", "pay_now_last_sync", 5),
        "state IN ('draft', 'pending', 'authorized') OR is_post_processed IS NOT TRUE"
        " OR pay_now_commission_state IN ('waiting', 'known')"
        f" OR EXISTS ({REFUNDS} AND (child.state IN ('draft', 'pending')"
        " OR child.pay_now_commission_state IN ('waiting', 'known')))",
    ),
    (
        *("payment_transaction", "pay_now_last_sync", 60),
        "state IN ('cancel', 'error') OR pay_now_commission_state = 'failed'"
        f" OR EXISTS ({REFUNDS} AND (child.payment_id IS NULL"
        " OR child.pay_now_commission_state = 'failed'))",
    ),
    ("payment_provider", "pay_now_last_listing_at", 60, "true"),
)


class Clock:
    """Runs while it is open: `with Clock(cluster, 60) as clock`.

    :param cluster.Cluster cluster: whose database it is.
    :param float speed: how many seconds pass in one.
    """

    def __init__(self, cluster, speed):
        self.cluster, self.speed = cluster, speed
        #: How much has passed beside the real seconds.
        self.ahead = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.wait(1):
            # PostgreSQL may be dead at this moment: time goes on once it is back.
            try:
                self._age(self.speed)
            except psycopg2.Error:
                continue
            self.ahead += self.speed

    def _age(self, seconds):
        server = self.cluster.server
        with server.cursor(self.cluster.database) as cursor:
            cursor.execute("SET lock_timeout = '500ms'")
            for table, column, condition in PLANS:
                self._move(cursor, table, column, condition, seconds)
            for table, column, minutes, condition in LOOKED_AT:
                passed = (
                    f"({condition}) AND {column} > {NOW} - interval '{minutes} minutes'"
                    f" AND {column} < {NOW} - make_interval(secs => {minutes * 60 / self.speed})"
                )
                self._move(cursor, table, column, passed, minutes * 60)
        with server.cursor() as cursor:
            # Odoo's workers look each minute by themselves.
            cursor.execute("SELECT pg_notify('cron_trigger', %s)", [self.cluster.database])

    @staticmethod
    def _move(cursor, table, column, condition, seconds):
        cursor.execute(
            f"UPDATE {table} SET {column} = {column} - make_interval(secs => %s)"  # noqa: S608
            f" WHERE id IN (SELECT id FROM {table} WHERE {condition}"
            " FOR NO KEY UPDATE SKIP LOCKED)",
            [seconds],
        )
