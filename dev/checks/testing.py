# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Runs the checks and tests, and counts them."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from .. import settings
from ..bench import workers as bench_workers
from ..env import console, databases, odoo, postgres, pyenv
from ..kill import money as kill_money
from . import lint, plain
from .outcome import Outcome

UNIT_TESTS = settings.CHECKOUT / "dev/tests"
RECORDER = settings.CHECKOUT / "dev/checks/record_tests.py"
# The whole of it is `make test-kill`.
KILL_CUSTOMERS = 200
KILLS = 20
# What is tested in databases with more modules than ours.
BESIDE_TAG = "pay_now_beside"
BESIDE = ["payment_stripe", "payment_paypal"]
NETWORKS = ["account_peppol"]
CHARTS = ["l10n_be", "l10n_de", "l10n_es", "l10n_it", "l10n_uk", "l10n_us_account"]
# Processes of Odoo side by side, each with a database of its own.
PROCESSES = int(os.environ.get("TEST_PROCESSES") or min(2, os.cpu_count() or 1))
# How long each class took the last time: those that take longest are begun first.
SECONDS_FILE = settings.CACHE_DIR / "test-seconds.json"
# The longest ones, as long as nothing was measured here.
LONGEST = {
    "TestStories": 300,
    "TestSituationsPayouts": 220,
    "TestSituationsMoneyPayPal": 200,
    "TestRefundSituations": 170,
    "TestSituationsMoneyStripe": 150,
    "TestFirstWeekScreens": 100,
    "TestResultPage": 90,
    "TestScreens": 90,
    "TestReminderHistory": 70,
    "TestPayPalChain": 65,
    "TestPayout": 60,
    "TestSituations": 60,
    "TestConnectionScreens": 60,
    "TestBooksHistory": 60,
    "TestPaymentStates": 50,
}
# Where a process leaves what came of its tests for the one that began it.
OUTCOME = "TEST_OUTCOME"
TIMEOUT_SECONDS = int(os.environ.get("TEST_TIMEOUT", 4500))
WARNING = re.compile(r"^\S+ \S+ \d+ (WARNING|ERROR|CRITICAL) \S+ (.*)")
# Told elsewhere, or about Odoo's own code.
NO_WARNING = re.compile(r": (FAIL|ERROR): |^py\.warnings|^odoo\.tests\.result: ")
SHOWN_WARNINGS = 10


def main(target=""):
    """Run everything, or only what ``target`` names: Odoo test tags, or a path of dev/tests."""
    outcome = Outcome()
    unit_target = _unit_target(target)
    if unit_target:
        outcome.add(run_unit_tests(unit_target))
    elif target:
        outcome.add(_guarded("Odoo tests", lambda: run_odoo_tests(target, prepared=True)))
    else:
        outcome.add(_guarded("Everything", run_everything))
    if path := os.environ.get(OUTCOME):
        Path(path).write_text(json.dumps(dataclasses.asdict(outcome)))
        return 0
    return outcome.report()


def main_core(target=""):
    """Run Odoo's own tests of payments in a database that has the module."""
    tags = target or "/payment,/account_payment"
    return _guarded("Odoo's own tests", lambda: run_odoo_tests(tags)).report()


def main_beside(target=""):
    """Run tests beside Odoo's own Stripe, PayPal and Peppol, and with charts of countries."""
    tags = target or ",".join([f"{BESIDE_TAG}/{settings.MODULE}", *(f"/{m}" for m in BESIDE)])
    modules = [*BESIDE, *NETWORKS, *CHARTS]
    outcome = Outcome()
    outcome.add(_guarded("tests", lambda: run_odoo_tests(tags, after=modules)))
    if not target:
        # The other way round: ours comes into a database that has them already.
        tags = f"{BESIDE_TAG}/{settings.MODULE}:TestBeside"
        outcome.add(_guarded("tests", lambda: run_odoo_tests(tags, before=BESIDE)))
    return outcome.report()


def run_everything():
    """Run all tests: those of the module in Odoo, and beside them what often waits."""
    odoo.ensure()
    outcome = Outcome()
    with postgres.server() as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        aside = pool.submit(_run_aside)
        outcome.add(_guarded("Odoo tests", lambda: run_module_tests(server, aside)))
        outcome.add(aside.result())
    return outcome


def _run_aside():
    """Run what needs no test runner of Odoo, one after the other."""
    outcome = _lint()
    outcome.add(run_unit_tests(UNIT_TESTS))
    outcome.add(_guarded("processes killed", run_kill_test))
    # All in one go without demo data; with it, Odoo's own modules were installed before.
    for demo in (False, True):
        run = functools.partial(plain.run, demo=demo, new=not demo)
        outcome.add(_guarded("plain Odoo", run))
    return outcome


def run_unit_tests(target):
    """Run the tests that need no Odoo."""
    if not UNIT_TESTS.is_dir():
        return Outcome()
    if (UNIT_TESTS / "__init__.py").exists():
        # pytest would climb from package to package up to the module, which imports Odoo.
        return Outcome(failures=[("unit tests", "dev/tests must not be a package: __init__.py")])
    report = settings.LOG_DIR / "unit-tests.xml"
    settings.LOG_DIR.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    # Named from the checkout, so that no folder of tests passes for a library of the same name.
    options = [f"--rootdir={settings.CHECKOUT}", f"--confcutdir={UNIT_TESTS}"]
    options += ["--import-mode=importlib", "-p", "no:cacheprovider", "-q"]
    with console.step("unit tests"):
        code = subprocess.call(
            [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", str(target)],
            cwd=settings.CHECKOUT,
            env=pyenv.environment() | {"PYTHONPATH": str(settings.CHECKOUT)},
        )
    outcome = _read_junit(report) if report.exists() else Outcome()
    # 5: there was nothing to run.
    if code not in (0, 5) and not outcome.failures:
        outcome.failures.append(("unit tests", f"pytest ended with {code}"))
    return outcome


def run_module_tests(server, aside):
    """Run all of the module's tests in Odoo: several processes take class by class.

    :param server: the PostgreSQL server.
    :param Future aside: what runs beside them. One more process takes its place once it has ended:
        each of them waits for a browser, a database, the passing of seconds now and then.
    """
    tags = f"/{settings.MODULE}"
    # Made once here, not by each of the processes.
    databases.tests(server)
    if PROCESSES < 2:
        return run_odoo_tests(tags, prepared=True)
    outcome = Outcome()
    with (
        tempfile.TemporaryDirectory() as taken,
        concurrent.futures.ThreadPoolExecutor(PROCESSES + 1) as pool,
    ):
        run = functools.partial(_run_part, tags=tags, taken=taken)
        parts = [pool.submit(run, number) for number in range(1, PROCESSES + 1)]
        concurrent.futures.wait([aside])
        if not any(part.done() for part in parts):
            parts.append(pool.submit(run, PROCESSES + 1))
        for part in parts:
            outcome.add(part.result())
    # Only here: other runs may be of a few tests of a class.
    _remember_seconds(outcome.seconds)
    return outcome


def run_kill_test():
    """Kill what runs while reminders leave and money arrives: a small `make test-kill`."""
    odoo.ensure()
    outcome = Outcome()
    with postgres.server() as server:
        for name, kill in (
            ("workers killed while they send", _kill_workers),
            ("Odoo and PostgreSQL killed while money arrives", _kill_everything),
        ):
            if problems := kill(server):
                outcome.failures.append((name, "\n".join(problems)))
            else:
                outcome.passed += 1
    return outcome


def _kill_workers(server):
    return bench_workers.kill(server, KILL_CUSTOMERS, most=KILLS)


def _kill_everything(server):
    return kill_money.run(server, kill_money.small())


def _run_part(number, tags, taken):
    """Run the classes that no other process takes; return what came of them."""
    path = settings.LOG_DIR / f"outcome-{os.getpid()}-{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    code = subprocess.call(
        [sys.executable, "-m", "dev", "test", tags],
        cwd=settings.CHECKOUT,
        env=os.environ | {OUTCOME: str(path), "TEST_TAKEN": taken},
    )
    if not path.exists():
        return Outcome(failures=[(f"process {number} of the Odoo tests", f"ended with {code}")])
    values = json.loads(path.read_text())
    path.unlink()
    values["failures"] = [tuple(failure) for failure in values["failures"]]
    return Outcome(**values)


def run_odoo_tests(tags, prepared=False, before=(), after=()):
    """Run Odoo's test runner on a fresh copy of a database with the module.

    :param str tags: Odoo test tags.
    :param bool prepared: the database has the company of the module's tests already.
    :param list before: modules installed before ours.
    :param list after: modules installed after ours.
    """
    odoo.ensure()
    with postgres.server() as server:
        if before:
            template = databases.base(server)
        else:
            template = databases.tests(server) if prepared else databases.module(server)
        label = tags if tags.count(",") < 3 else f"of {tags.count(',') + 1} classes"
        with databases.temporary(server, template) as name, console.step(f"Odoo tests {label}"):
            for modules in filter(None, [before, before and [settings.MODULE], after]):
                databases.install(server, name, modules)
            databases.keep_from_vacuum(server, name)
            # Without an update Odoo tests the modules as they are installed: the same tests,
            # at_install and post_install, several seconds earlier.
            run = _OdooRun(server, name, tags)
            run.follow()
    return run.outcome()


class _OdooRun:
    """One process of Odoo that runs tests."""

    def __init__(self, server, database, tags):
        self.log = console.log_file("odoo-tests")
        self.record = settings.LOG_DIR / f"{database}.jsonl"
        self.record.unlink(missing_ok=True)
        self.record.touch()
        self.seen_class = None
        self.code = None
        arguments = ["-d", database, f"--test-tags={tags}", "--stop-after-init"]
        arguments += ["--max-cron-threads=0", f"--http-port={odoo.free_port()}"]
        self.command = odoo.command(server, *arguments, entry=(RECORDER, self.record))
        self.environment = odoo.environment(server)
        self.environment["TEST_SECONDS"] = json.dumps(_known_seconds())
        self.environment["TEST_UNUSED_BUNDLES"] = databases.UNUSED_BUNDLES

    def follow(self):
        """Run to the end, naming each test class as it begins."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        with self.log.open("wb") as output:
            process = subprocess.Popen(
                self.command,
                cwd=settings.DATA_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            with self.log.open(errors="replace") as lines:
                while process.poll() is None and time.monotonic() < deadline:
                    self._show(lines)
                    time.sleep(0.2)
                self._show(lines)
        finally:
            odoo.stop(process)
            self.code = process.returncode

    def _show(self, lines):
        for line in lines:
            match = re.search(r": Starting (\w+)\.\w+ \.\.\.", line)
            if match and match[1] != self.seen_class:
                self.seen_class = match[1]
                console.say(f"   {self.seen_class}")
            elif match := re.search(r" ERROR \S+ \S+: ((?:FAIL|ERROR): .*)", line):
                console.say(f"   {match[1]}")

    def outcome(self):
        """Count the tests as they were written down."""
        outcome = Outcome()
        for line in self.record.read_text().splitlines():
            test = json.loads(line)
            if "class" in test:
                outcome.seconds[test["class"]] = [test["seconds"], test["setup"]]
                continue
            name = test["test"].replace("odoo.addons.", "")
            if test["outcome"] == "passed":
                outcome.passed += 1
            elif test["outcome"] == "skipped":
                outcome.skipped[name] = test["details"]
            else:
                outcome.failures.append((name, test["details"]))
        self.record.unlink()
        if self.code and not outcome.failures:
            tail = self.log.read_text(errors="replace").splitlines()[-40:]
            outcome.failures.append(("Odoo", "\n".join(tail) + f"\nOdoo ended with {self.code}"))
        self._show_warnings()
        console.say(f"   the whole log: {self.log}")
        return outcome

    def _show_warnings(self):
        """Show what Odoo warned of while the tests ran: no failure, but worth a look."""
        text = self.log.read_text(errors="replace")
        found = [match[2] for match in map(WARNING.match, text.splitlines()) if match]
        unique = [line for line in dict.fromkeys(found) if not NO_WARNING.search(line)]
        if unique:
            console.say(f"   {len(unique)} different warnings in the log, the first ones:")
        for line in unique[:SHOWN_WARNINGS]:
            console.say(f"      {line[:200]}")


def _known_seconds():
    """Return how long each test class took the last time."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return json.loads(SECONDS_FILE.read_text())
    return LONGEST


def _remember_seconds(seconds):
    with console.lock("test-seconds"):
        known = _known_seconds() | {name: total for name, (total, _setup) in seconds.items()}
        partial = SECONDS_FILE.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(known, indent=1, sort_keys=True))
        partial.replace(SECONDS_FILE)


def _guarded(name, run):
    """Run a part; what keeps it from running at all is a failure of its own."""
    try:
        return run()
    except console.DevError as error:
        return Outcome(failures=[(name, str(error))])


def _lint():
    """Count each check of the source as one test."""
    outcome = Outcome()
    for name, problems in lint.run().items():
        if problems:
            outcome.failures.append((name, problems))
        else:
            outcome.passed += 1
    return outcome


def _unit_target(target):
    """Return the path of dev/tests that the target means, if it does."""
    if not target or "," in target:
        # Tags, as many as somebody likes: a path so long would be none.
        return ""
    path = (settings.CHECKOUT / target.partition("::")[0]).resolve()
    return target if path.exists() and path.is_relative_to(UNIT_TESTS) else ""


def _read_junit(report):
    """Count the tests of a report in the format of JUnit."""
    outcome = Outcome()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        failed = [case.find("failure"), case.find("error")]
        failed = [element for element in failed if element is not None]
        if failed:
            outcome.failures.append((name, "\n".join(element.text or "" for element in failed)))
        elif (skipped := case.find("skipped")) is not None:
            outcome.skipped[name] = skipped.get("message", "")
        else:
            outcome.passed += 1
    return outcome
