# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Opens the pay page and Odoo's own invoice page in turn, over HTTP, and compares them.

On one database, by one server, with the same warm-up: time to the first byte, queries and weight,
for one item and for fifty; and what the pay page writes or locks, which is nothing.
"""

import http.client
import json
import re
import statistics
import time
from urllib.parse import urlsplit

from .. import settings
from ..env import console, databases, odoo
from . import reminders

ROUNDS, WARM_UP = 60, 10
ITEMS = 50
# What is promised: a part of the time of Odoo's page, and how many queries at most.
AIMS = {"times": 0.8, "queries": 25}

PAGES = f"""{reminders.CUSTOMERS}
import json
invoices = env['account.move'].search([('partner_id', '=', partner.id)])
invoices |= env['account.move'].create([
    {{
        'move_type': 'out_invoice', 'partner_id': partner.id, 'invoice_payment_term_id': False,
        'invoice_date': '2026-01-10', 'invoice_date_due': '2026-02-10',
        'invoice_line_ids': [
            Command.create({{'name': "Bread", 'quantity': 1, 'price_unit': 7.0 + number}})
        ],
    }}
    for number in range({ITEMS} - len(invoices))
])
invoices.filtered(lambda move: move.state == 'draft').action_post()
items = invoices.line_ids.filtered(lambda line: line.display_type == 'payment_term')
level = env['pay.now.reminder.level'].search([('company_id', '=', company.id)], limit=1)
reminder = env['pay.now.reminder'].create({{
    'company_id': company.id, 'partner_id': partner.id, 'level_id': level.id,
    'item_ids': [Command.set(items.ids)],
}})
first = invoices[0]
print('pages ' + json.dumps({{
    'portal': first.get_portal_url(),
    'ours_1': first._pay_now_url(),
    'ours_{ITEMS}': reminder._pay_now_url(),
}}))
"""
# One line of Odoo's log: what was asked, the answer, and how many queries it took.
ANSWERED = re.compile(r'"GET (\S+) HTTP/1\.1" (\d+) \S+ (\d+) ')
WRITING = re.compile(r"\b(INSERT INTO|UPDATE \S+ SET|DELETE FROM|nextval\(|FOR (NO KEY )?UPDATE)")


def main(server):
    """Print figures of each page; return 1 when an aim is missed."""
    with databases.temporary(server, databases.module(server)) as name:
        with console.step("invoices"):
            output = odoo.shell(server, name, PAGES, "bench-page")
        line = next(line for line in output.splitlines() if line.startswith("pages "))
        paths = {}
        for page, address in json.loads(line.removeprefix("pages ")).items():
            parts = urlsplit(address)
            paths[page] = f"{parts.path}?{parts.query}" if parts.query else parts.path
        with console.step("opening pages"):
            figures = _measure(server, name, paths)
        with console.step("looking at the statements"):
            written = _written(server, name, [paths[page] for page in paths if page != "portal"])
    return _judge(figures, written)


def _measure(server, database, paths):
    """Return time to the first byte, queries and bytes of each page."""
    port, log = odoo.free_port(), console.log_file("bench-page-server")
    seconds = {page: [] for page in paths}
    weight = {}
    with odoo.serving(server, database, port, arguments=["--max-cron-threads=0"], log=log):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for turn in range(WARM_UP + ROUNDS):
            # In turn: whatever else the machine does meets them all.
            for page, path in paths.items():
                took, body = _get(connection, path)
                if turn >= WARM_UP:
                    seconds[page].append(took)
                weight[page] = len(body)
        assets = sum(
            len(_get(connection, f"/{settings.MODULE}/static/src/{name}")[1])
            for name in ("css/pay_page.css", "js/pay_page.js")
        )
    queries = {}
    for path, status, number in ANSWERED.findall(log.read_text(errors="replace")):
        for page, wanted in paths.items():
            if path == wanted and status == "200":
                # The last one: the caches are as warm as they get.
                queries[page] = int(number)
    return {
        page: {
            "ms": statistics.median(seconds[page]) * 1000,
            "queries": queries[page],
            "bytes": weight[page] + (0 if page == "portal" else assets),
        }
        for page in paths
    }


def _get(connection, path):
    """Return the seconds to the first byte of an answer, and its body."""
    started = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    took = time.perf_counter() - started
    body = answer.read()
    if answer.status != 200:
        raise console.DevError(f"{path} answered {answer.status}.")
    return took, body


def _written(server, database, paths):
    """Return the statements of a GET that write or lock something."""
    port, log = odoo.free_port(), console.log_file("bench-page-statements")
    options = ["--max-cron-threads=0", "--log-handler=odoo.sql_db:DEBUG"]
    with odoo.serving(server, database, port, arguments=options, log=log):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for path in paths:
            _get(connection, path)
        start = log.stat().st_size
        for path in paths:
            _get(connection, path)
        with log.open(errors="replace") as lines:
            lines.seek(start)
            text = lines.read()
    if "SELECT" not in text:
        raise console.DevError("Odoo logged no statement.")
    return [match[0] for match in WRITING.finditer(text)]


def _judge(figures, written):
    """Compare, and return the exit code."""
    for page, figure in figures.items():
        console.say(f"figure: {page}_first_byte = {figure['ms']:.1f} ms")
        console.say(f"figure: {page}_queries = {figure['queries']} queries")
        console.say(f"figure: {page}_weight = {figure['bytes'] / 1000:.1f} kB")
    verdict = []
    for page in (page for page in figures if page != "portal"):
        times = figures[page]["ms"] / figures["portal"]["ms"]
        verdict.append((f"{page}_times_odoo", times, times <= AIMS["times"]))
        queries = figures[page]["queries"]
        verdict.append((f"{page}_queries", queries, queries <= AIMS["queries"]))
    verdict.append(("locks_and_writes_of_a_get", len(written), not written))
    for name, value, reached in verdict:
        console.say(f"figure: {name} = {value:.2f} {'ok' if reached else 'MISSED'}")
    return 0 if all(reached for _name, _value, reached in verdict) else 1
