# Part of Pay Now. See LICENSE file for full copyright and licensing details.
# Run in Odoo's shell by workers.py, which sets WHAT, PORT, WORKERS, SEED, KILLS and MOST.
# Nothing here is part of the module.
# ruff: noqa: F821
import json
import os
import random
import signal
import sys
import time
import traceback

from odoo import SUPERUSER_ID, api, sql_db

REGISTRY = env.registry


def prepare():
    """Write the reminders of a run, and let them wait."""
    server = env['ir.mail_server'].search([]) or env['ir.mail_server'].create({'name': "Sink"})
    server.write({'smtp_host': '127.0.0.1', 'smtp_port': PORT, 'smtp_encryption': 'none'})
    run = env['pay.now.reminder.run'].create({'state': 'generating'})
    assert run._generate_in_background()
    run.action_send()
    env.cr.commit()
    return {'queued': len(run.reminder_ids.filtered(lambda one: one.state == 'queued'))}


def fork():
    """Start a worker in a process of its own, as Odoo does; return its number."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        # The connections are the parent's.
        sql_db._Pool._connections.clear()
        with REGISTRY.cursor() as cursor:
            api.Environment(cursor, SUPERUSER_ID, {})['pay.now.reminder']._cron_send()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def work():
    """Let so many workers send what waits, to the end."""
    started = time.perf_counter()
    codes = [os.waitpid(pid, 0)[1] for pid in [fork() for _number in range(WORKERS)]]
    assert not any(codes), codes
    return {'seconds': time.perf_counter() - started}


def crash():
    """Kill workers at random moments, and start others, until nothing waits."""
    moments = random.Random(SEED)
    running, killed, longest = [], 0, KILLS
    waiting = states().get('queued')
    while waiting and killed < (MOST or killed + 1):
        running += [fork() for _number in range(WORKERS - len(running))]
        time.sleep(moments.uniform(0.02, longest))
        victim = running.pop(moments.randrange(len(running)))
        os.kill(victim, signal.SIGKILL)
        _pid, status = os.waitpid(victim, 0)
        killed += os.WIFSIGNALED(status)
        before, waiting = waiting, states().get('queued')
        # On a slow machine all would be killed before they send anything, again and again.
        longest = longest * 1.5 if waiting == before else max(longest / 1.5, KILLS)
    if waiting:
        running.append(fork())
    for pid in running:
        os.waitpid(pid, 0)
    lost = states().get('sending', 0)
    # What would take two minutes.
    with REGISTRY.cursor() as cursor:
        cursor.execute(
            "UPDATE pay_now_reminder SET sent_at = sent_at - interval '2 minutes'"
            " WHERE state = 'sending'"
        )
    os.waitpid(fork(), 0)
    with REGISTRY.cursor() as cursor:
        listed = api.Environment(cursor, SUPERUSER_ID, {})['pay.now.to.handle'].search_count(
            [('kind', '=', 'reminder')]
        )
    return {'killed': killed, 'lost': lost, 'listed': listed}


def states():
    """Count the reminders by state."""
    with REGISTRY.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM pay_now_reminder GROUP BY state")
        return dict(cursor.fetchall())


print("measured", json.dumps(globals()[WHAT]()))
sys.stdout.flush()
