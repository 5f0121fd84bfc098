# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Installs and updates the module on a database with many invoices, and takes the time."""

import time

from . import big_books, console, databases, odoo, settings

# What people wait for: the installation on a grown database takes less than a minute.
SECONDS_ALLOWED = 60


def main(server, invoices):
    """Print what the installation and an update take, on few and on many invoices."""
    base = databases.base(server)
    small = _measure(server, base, 100)
    large = _measure(server, base, invoices)
    for action in ("install", "update"):
        console.say(
            f"figure: {action} = {large[action]:.1f} s"
            f" ({invoices} invoices; {small[action]:.1f} s with 100)"
        )
    too_long = [action for action, seconds in large.items() if seconds > SECONDS_ALLOWED]
    return 1 if too_long else 0


def _measure(server, base, invoices):
    with databases.temporary(server, base) as name:
        with console.step(f"{invoices} invoices"):
            big_books.fill(server, name, invoices)
        return {
            "install": _time(server, name, "-i"),
            "update": _time(server, name, "-u"),
        }


def _time(server, name, option):
    """Return the seconds of one run of Odoo, from its start to its end."""
    started = time.monotonic()
    odoo.run(
        server,
        "bench-install",
        *("-d", name, option, settings.MODULE, "--stop-after-init", "--max-cron-threads=0"),
    )
    return time.monotonic() - started
