# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Takes the time of booking confirmed payments with their commissions.

Beside Odoo's own way (payment_stripe's transactions, by the scheduled action, without commissions)
and the least that the same entries take, each on a copy of one database, in one run. Then one
payout with all of these payments: read, stored, booked, reconciled, and matched with its bank line.
WAYS leaves out what is not wanted.
"""

import json
import os
import sys
from pathlib import Path

from ..env import console, databases, odoo
from . import reminders

SIZES = [int(size) for size in (os.environ.get("SIZES") or "100 1000 10000").split()]
INVOICES_PER_CUSTOMER = reminders.INVOICES_PER_CUSTOMER
# Odoo's own way takes too long beyond it.
COMPARED_SIZE = 1000
SCENARIOS = Path(__file__).with_name("books_scenarios.py")
# What is promised: queries for each payment, times the floor, times faster than Odoo's way, and how
# much more time and memory a payment may take among 10,000 than among 1,000.
AIMS = {"queries": 30, "floor": 1.2, "faster": 3, "growth": 1.25}
WAYS = tuple((os.environ.get("WAYS") or "floor ours payout odoo").split())


def main(server):
    """Print figures of each way and size; fail when an aim is missed."""
    figures = {}
    for size in SIZES:
        with databases.temporary(server, databases.module(server)) as name:
            with console.step(f"{size} invoices"):
                reminders.fill(server, name, max(size // INVOICES_PER_CUSTOMER, 1))
                if "odoo" in WAYS:
                    odoo.run(
                        server,
                        "bench-books-install",
                        *("-d", name, "-i", "payment_stripe"),
                        *("--stop-after-init", "--max-cron-threads=0"),
                    )
            for way in WAYS:
                if way == "odoo" and size > COMPARED_SIZE:
                    continue
                with console.step(f"{way}, {size} payments"):
                    figures[way, size] = _measure(server, name, way, size)
                _print(way, size, figures[way, size])
    return _judge(figures)


def _measure(server, database, way, size):
    """Run one way on a copy, in a process of its own; return what it measured."""
    with databases.temporary(server, database, way) as copy:
        script = f"WAY, SIZE = {way!r}, {size}\n{SCENARIOS.read_text()}"
        output = odoo.shell(server, copy, script, "bench-books")
    line = next(line for line in output.splitlines() if line.startswith("measured "))
    return json.loads(line.removeprefix("measured "))


def _print(way, size, figure):
    for name, unit in (("ms", "ms"), ("cpu", "ms of CPU"), ("queries", "queries"), ("kb", "kB")):
        console.say(f"figure: {way}_{size}_{name} = {figure[name]:.3f} {unit} per payment")
    console.say(f"figure: {way}_{size}_peak = {figure['peak']:.0f} MB")


def _judge(figures):
    """Compare, and return the exit code."""
    verdict = []
    for (way, size), figure in figures.items():
        if way != "ours":
            continue
        verdict.append((f"queries_at_{size}", figure["queries"], AIMS["queries"]))
        if ("floor", size) in figures:
            floor = figure["ms"] / figures["floor", size]["ms"]
            verdict.append((f"times_the_floor_at_{size}", floor, AIMS["floor"]))
    sizes = sorted(SIZES)
    for way in {"ours", "payout"}.intersection(WAYS) if len(sizes) > 1 else ():
        few, many = (figures[way, size] for size in sizes[-2:])
        verdict.append((f"growth_of_ms_{way}", many["ms"] / few["ms"], AIMS["growth"]))
        verdict.append((f"growth_of_kb_{way}", many["kb"] / max(few["kb"], 1), AIMS["growth"]))
    reached = [(name, value, value <= most) for name, value, most in verdict]
    for (way, size), figure in figures.items():
        if way == "odoo" and ("ours", size) in figures:
            faster = figure["ms"] / figures["ours", size]["ms"]
            name = f"times_faster_than_odoo_at_{size}"
            reached.append((name, faster, faster >= AIMS["faster"]))
    for name, value, is_reached in reached:
        console.say(f"figure: {name} = {value:.2f} {'ok' if is_reached else 'MISSED'}")
    sys.stdout.flush()
    return 0 if all(is_reached for _name, _value, is_reached in reached) else 1
