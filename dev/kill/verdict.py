# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the provider says beside what the books say, by SQL: nothing of the module is asked."""

import collections
import time

import psycopg2

from ..env import console

STRIPE, PAYPAL = "pay_now_stripe", "pay_now_paypal"
#: What is left in between, by what it is called. Nothing of it may stay.
OURS = (
    "JOIN payment_provider provider ON provider.id = tx.provider_id"
    f" AND provider.code IN ('{STRIPE}', '{PAYPAL}')"
)
STUCK = {
    "notifications to process": "SELECT count(*) FROM pay_now_event WHERE state = 'pending'",
    "notifications that failed": (
        "SELECT count(*) FROM pay_now_event WHERE state IN ('failed', 'unreadable')"
    ),
    "payments received and not booked": f"""
        SELECT count(*) FROM payment_transaction tx {OURS}
         WHERE tx.state = 'done' AND (tx.payment_id IS NULL
               OR tx.operation != 'refund' AND NOT coalesce(tx.is_post_processed, false))
    """,
    "payments on their way": f"""
        SELECT count(*) FROM payment_transaction tx {OURS}
         WHERE tx.state IN ('pending', 'authorized')
            OR tx.operation = 'refund' AND tx.state = 'draft'
    """,
    "commissions not booked": f"""
        SELECT count(*) FROM payment_transaction tx {OURS}
         WHERE tx.state = 'done' AND tx.pay_now_commission_state IN ('waiting', 'known', 'failed')
    """,
    "steps of the books to do again": f"""
        SELECT count(*) FROM payment_transaction tx {OURS} WHERE tx.pay_now_book_at IS NOT NULL
    """,
    "checkouts to end": f"""
        SELECT count(*) FROM payment_transaction tx {OURS}
         WHERE tx.state = 'draft' AND tx.pay_now_end_at IS NOT NULL
    """,
    "receipts to write": (
        "SELECT count(*) FROM payment_transaction WHERE pay_now_receipt_state = 'waiting'"
    ),
    "receipts that failed": (
        "SELECT count(*) FROM payment_transaction WHERE pay_now_receipt_state = 'failed'"
    ),
    "mails not sent": "SELECT count(*) FROM mail_mail WHERE state IN ('outgoing', 'exception')",
    "reminders not sent": (
        "SELECT count(*) FROM pay_now_reminder WHERE state IN ('queued', 'sending', 'failed')"
        " AND run_id IN (SELECT id FROM pay_now_reminder_run WHERE state = 'sending')"
    ),
    "reminder runs not over": (
        "SELECT count(*) FROM pay_now_reminder_run WHERE state IN ('sending', 'generating')"
    ),
    "payouts not over": (
        "SELECT count(*) FROM pay_now_payout WHERE problem_codes IS NOT NULL OR move_id IS NULL"
    ),
    "disputes not booked": (
        "SELECT count(*) FROM pay_now_dispute WHERE problem_codes IS NOT NULL OR NOT settled"
    ),
    "movements not booked": "SELECT count(*) FROM pay_now_movement WHERE state = 'waiting'",
}
#: What has to be known in the end, and how it is counted.
KNOWN = {
    "payments": f"""
        SELECT count(*) FROM payment_transaction tx {OURS}
         WHERE tx.state = 'done' AND tx.operation != 'refund'
    """,
    "refunds": f"""
        SELECT count(*) FROM payment_transaction tx {OURS}
         WHERE tx.state = 'done' AND tx.operation = 'refund'
    """,
    "disputes": "SELECT count(*) FROM pay_now_dispute",
    "payouts": "SELECT count(*) FROM pay_now_payout",
}
#: What a load of payments leaves to do.
QUEUES = tuple(
    what
    for what in STUCK
    if what.split()[0] in ("notifications", "payments", "commissions", "steps")
)
PAYMENTS = f"""
    SELECT coalesce(nullif(tx.pay_now_charge_ref, ''), tx.pay_now_payment_ref),
           round(payment.amount * 100)::int, move.state, tx.state
      FROM payment_transaction tx {OURS}
      LEFT JOIN account_payment payment ON payment.payment_transaction_id = tx.id
      LEFT JOIN account_move move ON move.id = payment.move_id
     WHERE provider.code = %s AND tx.operation != 'refund'
       AND (tx.state = 'done' OR payment.id IS NOT NULL)
"""
REFUNDS = f"""
    SELECT tx.pay_now_refund_ref, round(payment.amount * 100)::int, move.state, tx.state
      FROM payment_transaction tx {OURS}
      LEFT JOIN account_payment payment ON payment.payment_transaction_id = tx.id
      LEFT JOIN account_move move ON move.id = payment.move_id
     WHERE provider.code = %s AND tx.operation = 'refund'
       AND (tx.state = 'done' OR payment.id IS NOT NULL)
"""
BALANCE = """
    SELECT coalesce(round(sum(balance) * 100), 0)::int FROM account_move_line
     WHERE account_id = %s AND parent_state = 'posted'
"""
UNBALANCED = "SELECT move_id FROM account_move_line GROUP BY move_id HAVING sum(balance) <> 0"
#: A reminder that left although the money of one of its items had been received by then.
#: The books are looked at as a mail is written, which may be some seconds ago as it leaves.
REMINDED = """
    SELECT DISTINCT reminder.id
      FROM pay_now_reminder reminder
      JOIN pay_now_reminder_item_rel rel ON rel.reminder_id = reminder.id
      JOIN pay_now_transaction_item item ON item.line_id = rel.line_id
      JOIN payment_transaction tx ON tx.id = item.transaction_id AND tx.state = 'done'
     WHERE reminder.state IN ('sent', 'uncertain')
       AND reminder.sent_at > tx.last_state_change + interval '20 seconds'
"""


def wait_quiet(cluster, clients, seconds, expected, looked_at=tuple(STUCK)):
    """Wait until all is known, nothing is left in between, and it stays so.

    :param dict expected: how many there are of what is in `KNOWN`.
    :param looked_at: what is to be over, of `STUCK`.
    :return: how many seconds it took, and what is left: `{what: count}`.
    :rtype: tuple(float, dict)
    """
    started, quiet_since, left = time.monotonic(), None, {}
    while (now := time.monotonic()) - started < seconds:
        left = _left(cluster, expected, looked_at)
        if not all(client.control("idle")["idle"] for client in clients):
            left["notifications under way"] = 1
        if left:
            quiet_since = None
        elif quiet_since is None:
            quiet_since = now
        elif now - quiet_since > 3:
            return quiet_since - started, {}
        time.sleep(0.5)
    return seconds, left


def _left(cluster, expected, looked_at):
    try:
        with cluster.server.cursor(cluster.database) as cursor:
            found = {what: _one(cursor, STUCK[what]) for what in looked_at}
            for what, count in expected.items():
                found[f"{what} not heard of"] = count - _one(cursor, KNOWN[what])
    except psycopg2.OperationalError:
        return {"PostgreSQL": 1}
    return {what: count for what, count in found.items() if count}


def _one(cursor, query, values=()):
    cursor.execute(query, values)
    return cursor.fetchone()[0]


def received(code, state):
    """Return what a provider says was paid: `{its id: (amount, reference)}`."""
    if code == STRIPE:
        references = {
            one["payment_intent"]: one["client_reference_id"] for one in state["sessions"]
        }
        return {
            one["id"]: (one["amount"], references[one["payment_intent"]])
            for one in state["charges"]
            if one["status"] == "succeeded"
        }
    return {
        one["id"]: (one["amount"], one["custom_id"])
        for one in state["captures"]
        if one["status"] not in ("PENDING", "DECLINED")
    }


def compare(cluster, providers, clients, payers):
    """Return what is wrong with the money.

    :param dict providers: code -> `id` and `clearing` account.
    :param dict clients: code -> the control of its part of the sandbox.
    :param int payers: how many have paid.
    :rtype: list[str]
    """
    problems, total = [], 0
    with cluster.server.cursor(cluster.database) as cursor:
        for code, client in clients.items():
            state = client.account_state()
            paid = received(code, state)
            total += len(paid)
            amounts = {ref: amount for ref, (amount, _reference) in paid.items()}
            problems += _differences(cursor, f"{code}: payment", PAYMENTS, code, amounts)
            given = {
                one["id"]: one["amount"]
                for one in state["refunds"]
                if one["status"].lower() in ("succeeded", "completed")
            }
            problems += _differences(cursor, f"{code}: refund", REFUNDS, code, given)
            clearing = _one(cursor, BALANCE, [providers[code]["clearing"]])
            console.say(
                f"   {code}: {len(paid)} payments, {len(given)} refunds, balance"
                f" {state['balance'] / 100:.2f}, clearing account {clearing / 100:.2f}"
            )
            if clearing != state["balance"]:
                problems.append(f"{code}: clearing {clearing}, balance {state['balance']}")
        if total != payers:
            problems.append(f"{payers} have paid, {total} payments at the providers")
        cursor.execute(UNBALANCED)
        problems += [f"entry {move} is not balanced" for (move,) in cursor.fetchall()]
        cursor.execute(REMINDED)
        problems += [f"reminder {one} for what was received" for (one,) in cursor.fetchall()]
    return problems


def _differences(cursor, what, query, code, expected):
    """Return what is booked twice, not at all, not as it was, or of nothing."""
    cursor.execute(query, [code])
    rows = cursor.fetchall()
    times = collections.Counter(ref for ref, *_rest in rows)
    problems = [
        f"{what} {ref} is booked {count} times" for ref, count in times.items() if count > 1
    ]
    booked = {ref: rest for ref, *rest in rows}
    problems += [f"{what} {ref} is not in the books" for ref in expected.keys() - booked.keys()]
    for ref, (amount, move_state, state) in booked.items():
        if (amount, move_state, state) != (expected.get(ref), "posted", "done"):
            problems.append(
                f"{what} {ref}: {state}, {amount} booked ({move_state}), not {expected.get(ref)}"
            )
    return problems


def check_invoices(cluster, paid, lost):
    """Return what is wrong with the invoices that were paid.

    :param list paid: ids of those that were paid.
    :param set lost: ids of those whose payment was lost in a dispute: they are open again.
    :rtype: list[str]
    """
    with cluster.server.cursor(cluster.database) as cursor:
        cursor.execute(
            "SELECT id, amount_residual, amount_total FROM account_move WHERE id = ANY(%s)", [paid]
        )
        rows = cursor.fetchall()
    return [
        f"invoice {move}: {residual} of {total} left to pay"
        for move, residual, total in rows
        if residual != (total if move in lost else 0)
    ]
