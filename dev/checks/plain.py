# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The module as any Odoo installs and tests it: Odoo's own command, and nothing of ours around it.

With demo data and without, no chart of accounts of a country, no sandbox; in a new database, or in
one that the same command has given the modules that ours stands on.
"""

import os
import re
import subprocess
import sys

from .. import settings
from ..env import console, databases, odoo, postgres
from .outcome import Outcome

# Enough to see that they run: all of them are in `make test`, on the same chart of accounts. The
# last ones need a module or a sandbox that is not there.
CLASSES = ("TestEligibility", "TestReceipt", "TestFec", "TestChain")
COUNTED = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading database")
FAILED = re.compile(r" ERROR \S+ \S+: ((?:FAIL|ERROR): .*)")
SKIPPED = re.compile(r": skipped (?:setUpClass \(\S+?\.(\w+)\)|(\S+)) : (.*)")
STARTED = re.compile(r": Starting \w+\.test_")
WARNING = re.compile(r"^\S+ \S+ \d+ (?:WARNING|ERROR|CRITICAL) \S+ (.*)", re.M)
OURS = re.compile(r"pay[._]now")
# What the tests say themselves, as a class is set up.
OF_TESTS = re.compile(r"^odoo\.addons\.\w+\.tests\.")
TIMEOUT_SECONDS = 1800


def main(target=""):
    """Install and test the module both ways.

    :param str target: Odoo test tags instead of the usual ones.
    :return: 0 when all went well.
    """
    outcome = Outcome()
    for demo in (False, True):
        outcome.add(run(target, demo))
    return outcome.report()


def run(target="", demo=True, new=True):
    """Install the module in a new database and run tests there.

    :param str target: Odoo test tags instead of the usual ones.
    :param bool demo: with Odoo's demo data, and ours.
    :param bool new: all in one go; otherwise where Odoo's own modules are already.
    :rtype: Outcome
    """
    odoo.ensure()
    tags = target or ",".join(f"/{settings.MODULE}:{name}" for name in CLASSES)
    kind = f"{'with' if demo else 'without'} demo data"
    name = f"{databases.RUN_PREFIX}{os.getpid()}_plain"
    with postgres.server() as server, console.step(f"plain Odoo {kind}"):
        databases.drop(server, name)
        if not new:
            databases.copy(server, databases.dependencies(server, demo), name)
        try:
            log = _run_odoo(server, name, tags, demo)
        finally:
            databases.drop(server, name)
    return read(log, kind)


def _run_odoo(server, name, tags, demo):
    """Let Odoo install and test; return what it wrote."""
    arguments = ["-d", name, "-i", settings.MODULE, f"--test-tags={tags}", "--stop-after-init"]
    arguments += ["--max-cron-threads=0", f"--http-port={odoo.free_port()}"]
    arguments += ["--with-demo"] if demo else []
    environment = odoo.environment(server)
    # What leads the tests to the sandbox.
    del environment["PAY_NOW_DEV"]
    log = console.log_file("plain")
    with log.open("wb") as output:
        subprocess.run(
            odoo.command(server, *arguments),
            cwd=settings.DATA_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    return log.read_text(errors="replace")


def read(log, kind):
    """Return what came of a run: its tests, and the warnings of ours while it was installed.

    :param str log: what Odoo wrote.
    :param str kind: how it was installed, for names.
    :rtype: Outcome
    """
    outcome = Outcome()
    counted = COUNTED.search(log)
    failures = dict.fromkeys(FAILED.findall(log))
    outcome.failures += [(f"plain Odoo {kind}: {one}", "") for one in failures]
    outcome.skipped |= {
        f"plain Odoo {kind}: {one or other}": why for one, other, why in SKIPPED.findall(log)
    }
    if not counted:
        outcome.failures.append((f"plain Odoo {kind}", log[-3000:]))
    else:
        outcome.passed += int(counted[3]) - int(counted[1]) - int(counted[2])
    # What the tests warn of is theirs.
    installed = STARTED.split(log, maxsplit=1)[0]
    # Odoo's own files lie in the cache, whose name is the module's.
    installed = installed.replace(str(settings.CACHE_DIR / "odoo"), "").replace(sys.prefix, "")
    for warning in dict.fromkeys(WARNING.findall(installed)):
        if OURS.search(warning) and not OF_TESTS.match(warning):
            outcome.failures.append((f"plain Odoo {kind}: a warning of ours", warning))
    return outcome
