# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Installs, updates and removes the module on a database with many invoices, and takes the time."""

import time

from .. import settings
from ..env import console, databases, odoo
from . import big_books

# What people wait for: each takes less than a minute on a grown database.
SECONDS_ALLOWED = 60
REMOVE = f"""
module = env['ir.module.module'].search([('name', '=', '{settings.MODULE}')])
module.button_immediate_uninstall()
"""


def main(server, invoices):
    """Print what the installation and the rest take, on few and on many invoices."""
    base = databases.base(server)
    small = _measure(server, base, 100)
    large = _measure(server, base, invoices)
    for action, seconds in large.items():
        console.say(
            f"figure: {action} = {seconds:.1f} s"
            f" ({invoices} invoices; {small[action]:.1f} s with 100)"
        )
    return 1 if max(large.values()) > SECONDS_ALLOWED else 0


def _measure(server, base, invoices):
    """Return the seconds of each action in a database with so many invoices."""

    def run(option):
        arguments = ["-d", name, option, settings.MODULE, "--stop-after-init"]
        odoo.run(server, "bench-install", *arguments, "--max-cron-threads=0")

    with databases.temporary(server, base) as name:
        with console.step(f"{invoices} invoices"):
            big_books.fill(server, name, invoices)
        return {
            "install": _time(lambda: run("-i")),
            "update": _time(lambda: run("-u")),
            "remove": _time(lambda: odoo.shell(server, name, REMOVE)),
        }


def _time(action):
    """Return the seconds an action takes, Odoo's own start included."""
    started = time.monotonic()
    action()
    return time.monotonic() - started
