# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""`make test-attack`: a served Odoo with the sandbox, attacked by strangers and by its own users.

At least 100,000 requests from a seed: over HTTP whatever strangers send, and in processes of Odoo's
own what its users call. Nothing may end in an error that nobody wrote, change a table, or tell a
secret.
"""

import concurrent.futures
import itertools
import json
import os
import random
import time

from .. import settings
from ..env import console, databases, odoo
from . import web, world
from .report import Report

SEED = int(os.environ.get("SEED") or 1)
WEB, CALLS = (int(size) for size in (os.environ.get("SIZES") or "20000 85000").split())
WORKERS, CLIENTS = 2, 6

PREPARE = """
import json, os, sys
sys.path.append(os.environ['PAY_NOW_DEV'])
from dev.attack import world
company = env.ref('base.main_company')
provider = company.pay_now_provider_ids.filtered(lambda one: one.pay_now_status == 'connected')[0]
found = world.make(env, company, provider)
# What is made as it is read for the first time is no attacker's doing.
for name in env.registry:
    if name.startswith('pay.now.') and env[name]._auto and not env[name]._abstract:
        env[name].search([]).read()
env['account.move'].search([]).mapped('pay_now_url')
print('world ' + json.dumps(found))
"""
CALL = """
import contextlib, itertools, json, os, random, sys
sys.path.append(os.environ['PAY_NOW_DEV'])
from odoo.api import Environment
from dev.attack import rpc

@contextlib.contextmanager
def environment(uid):
    with env.registry.cursor() as cursor:
        yield Environment(cursor, uid, {{}})

people = json.loads({world!r})
generator = rpc.Generator(random.Random({seed}), env, people)
env.cr.rollback()
calls = itertools.islice(generator, {size})
print('report ' + json.dumps(rpc.attack(calls, people, environment).dump()))
"""


def main(server):
    """Attack, print what came of it, and return the exit code."""
    from ..demo.play import Play
    from ..sandbox.client import SandboxProcess

    started = time.monotonic()
    with (
        SandboxProcess() as sandbox,
        databases.temporary(server, databases.module(server), "attack") as name,
    ):
        port = odoo.free_port()
        with console.step("a company that takes both providers"):
            _set_up(server, name, port, sandbox, Play)
        output = odoo.shell(server, name, PREPARE, "attack-world")
        people = json.loads(_said(output, "world "))
        before = _checksums(server, name)
        report = Report()
        with console.step(f"{WEB} requests of strangers"):
            report.add(_strangers(server, name, port, people))
        report.changes += world.changed(before, _checksums(server, name))
        with console.step(f"{CALLS} calls of users"):
            report.add(_users(server, name, people))
        report.changes += world.changed(before, _checksums(server, name))
    for line in report.lines():
        console.say(line)
    console.say(f"seed {SEED}, {time.monotonic() - started:.0f} s")
    return 1 if any(report.problems().values()) else 0


def _set_up(server, database, port, sandbox, play_class):
    base = f"env['ir.config_parameter'].set_param('web.base.url', 'http://127.0.0.1:{port}')"
    odoo.shell(server, database, base)
    sandbox.reset()
    sandbox.account(account=sandbox.account_id, currency="usd")
    sandbox.paypal.account(currency="USD")
    with odoo.serving(server, database, port, arguments=["--workers=0", "--max-cron-threads=0"]):
        play = play_class(f"http://127.0.0.1:{port}", database, sandbox, None)
        play.set_up()
        play.make_customers()
        play.invoice("pay", 120.00)


def _checksums(server, database):
    with server.cursor(database) as cursor:
        return world.checksums(cursor)


def _strangers(server, database, port, people):
    """Send what strangers send to workers of Odoo, by several clients at once."""
    arguments = [f"--workers={WORKERS}", "--max-cron-threads=0", "--log-level=error"]
    arguments += ["--limit-memory-soft=4294967296", "--limit-memory-hard=6442450944"]
    report = Report()

    def stranger(number):
        generator = web.Generator(random.Random(SEED * 1000 + number), people)
        requests = itertools.islice(generator, WEB // CLIENTS + 1)
        return web.attack(web.Client("127.0.0.1", port), requests, people)

    log = console.log_file("attack-server")
    # The process for long polling is started by the name of the script; without one it fails, and
    # is started again and again.
    entry = settings.DATA_DIR / "attack-odoo-bin"
    entry.write_text("import odoo.cli\n\nodoo.cli.main()\n")
    with (
        odoo.serving(server, database, port, arguments=arguments, log=log, entry=(entry,)),
        concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool,
    ):
        for part in pool.map(stranger, range(CLIENTS)):
            report.add(part)
    text = log.read_text(errors="replace")
    logged = people["secrets"]["keys"]
    report.leaks += [f"in the log: {secret[:6]}…" for secret in logged if secret in text]
    return report


def _users(server, database, people):
    """Make the calls, in a process of Odoo for each worker."""
    report = Report()

    def process(number):
        values = {
            "world": json.dumps(people),
            "seed": SEED * 1000 + 500 + number,
            "size": CALLS // WORKERS + 1,
        }
        script = CALL.format(**values)
        options = ["--log-level=critical"]
        output = odoo.shell(server, database, script, f"attack-calls-{number}", options)
        return Report.load(json.loads(_said(output, "report ")))

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for part in pool.map(process, range(WORKERS)):
            report.add(part)
    return report


def _said(output, mark):
    """Return what a script said after a mark."""
    found = [line for line in output.splitlines() if mark in line]
    if not found:
        raise console.DevError(f"{settings.MODULE} said nothing: {output[-2000:]}")
    return found[-1].partition(mark)[2]
