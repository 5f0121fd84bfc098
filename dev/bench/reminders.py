# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Takes the time of reminders, from finding who is due to the mail that waits and its note.

Beside the usual way (OCA's account_credit_control, without its PDF) and the least that a mail to
each customer takes, on the same database in the same run. The mail server is left out.
"""

import json
import os
import sys
from pathlib import Path

from ..env import console, databases, odoo
from . import big_books, rivals

SIZES = [int(size) for size in (os.environ.get("SIZES") or "1000 10000 50000").split()]
INVOICES_PER_CUSTOMER = 5
# Beside the others only so far: they take too long.
COMPARED_SIZE = 1000
RIVAL = "account_credit_control"
RIVAL_PACKAGE = "odoo-addon-account-credit-control>=19.0,<19.1"
SCENARIOS = Path(__file__).with_name("reminders_scenarios.py")
# What is promised: times faster than the usual way, times the floor, queries for each customer.
AIMS = {"faster": 10, "floor": 3, "queries": 1}

CUSTOMERS = """
from odoo.fields import Command

company = env.ref('base.main_company')
company.write({'country_id': env.ref('base.fr').id, 'currency_id': env.ref('base.EUR').id,
               'email': 'billing@example.com'})
env['account.chart.template'].try_loading('fr', company, install_demo=False)
company.write({'pay_now_sage_customer_code': 'FR-123', 'pay_now_signup_date': '2026-01-01'})
provider = company.pay_now_provider_ids[:1]
provider._pay_now_set_up_accounting()
provider.write({'pay_now_status': 'connected', 'state': 'enabled'})
company.pay_now_reminder_accounting = True
partner = env['res.partner'].create({'name': "Boulanger", 'email': 'client@example.com'})
env['account.move'].create([
    {
        'move_type': 'out_invoice',
        'partner_id': partner.id,
        'invoice_date': f'2026-0{month}-15',
        'invoice_date_due': f'2026-0{month}-15',
        'invoice_payment_term_id': False,
        'invoice_line_ids': [
            Command.create({'name': "Bread", 'quantity': 1, 'price_unit': 10.0 * month})
        ],
    }
    for month in range(1, 6)
]).action_post()
"""


def main(server):
    """Print figures of each way and size; fail when an aim is missed."""
    rival = rivals.fetch(RIVAL, RIVAL_PACKAGE)
    figures = {}
    for size in SIZES:
        compared = size == COMPARED_SIZE
        with databases.temporary(server, databases.module(server)) as name:
            with console.step(f"{size} customers"):
                fill(server, name, size)
            if compared:
                with console.step("installing the usual way"):
                    odoo.run(
                        server,
                        "bench-rival",
                        *rivals.paths(server, rival),
                        "-d",
                        name,
                        "-i",
                        RIVAL,
                        "--stop-after-init",
                        "--max-cron-threads=0",
                    )
            for way in ("floor", "ours", "rival") if compared else ("ours",):
                with console.step(f"{way}, {size} customers"):
                    figures[way, size] = _measure(server, name, way, rival if compared else None)
                _print(way, size, figures[way, size])
    return _judge(figures)


def fill(server, database, size):
    """Give a database so many customers, each with due invoices."""
    odoo.shell(server, database, CUSTOMERS)
    with server.cursor(database) as cursor:
        big_books.copy_customers(cursor, size - 1)
        cursor.execute("ANALYZE")


def _measure(server, database, way, rival):
    """Run one way in a process of its own; return what it measured."""
    script = f"WAY = {way!r}\n{SCENARIOS.read_text()}"
    options = rivals.paths(server, rival)
    output = odoo.shell(server, database, script, "bench-reminders", options=options)
    line = next(line for line in output.splitlines() if line.startswith("measured "))
    return json.loads(line.removeprefix("measured "))


def _print(way, size, figure):
    for name, unit in (("ms", "ms"), ("queries", "queries"), ("kb", "kB")):
        console.say(f"figure: {way}_{size}_{name} = {figure[name]:.3f} {unit} per customer")
    console.say(f"figure: {way}_{size}_peak = {figure['peak']:.0f} MB")


def _judge(figures):
    """Compare, and return the exit code."""
    ours = {size: figure for (way, size), figure in figures.items() if way == "ours"}
    verdict = [
        (f"queries at {size}", figure["queries"], figure["queries"] <= AIMS["queries"])
        for size, figure in ours.items()
    ]
    if ("rival", COMPARED_SIZE) in figures:
        mine = ours[COMPARED_SIZE]["ms"]
        faster = figures["rival", COMPARED_SIZE]["ms"] / mine
        floor = mine / figures["floor", COMPARED_SIZE]["ms"]
        verdict.append(("times_faster_than_usual", faster, faster >= AIMS["faster"]))
        verdict.append(("times_the_floor", floor, floor <= AIMS["floor"]))
    if len(ours) > 1:
        growth = ours[max(ours)]["ms"] / ours[min(ours)]["ms"]
        # Identical runs differ by a quarter.
        verdict.append(("growth_of_ms", growth, growth <= 1.25))
    for name, value, reached in verdict:
        console.say(
            f"figure: {name.replace(' ', '_')} = {value:.2f} {'ok' if reached else 'MISSED'}"
        )
    sys.stdout.flush()
    return 0 if all(reached for _name, _value, reached in verdict) else 1
