# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""`make test-kill`: workers killed while reminders leave, then all of it while money arrives."""

import os

from ..bench import workers
from . import money

#: Which parts; without it all but the small one, which takes a few minutes.
PARTS = (os.environ.get("PARTS") or "reminders money").split()


def main(server):
    """Run the parts, and return the exit code."""
    parts = {"reminders": workers.main_kill, "money": money.main, "small": money.main_small}
    return max(parts[name](server) for name in PARTS)
