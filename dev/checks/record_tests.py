# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Runs Odoo as its own command would, and writes down how each test ended.

Started as a program: ``record_tests.py RECORD ODOO-ARGUMENTS…``; RECORD gets one JSON line a test,
and one a test class with the time it took.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

# Odoo is imported here, and nothing of this folder.
sys.path.pop(0)

from odoo.cli.command import main  # noqa: E402
from odoo.tests.result import OdooTestResult  # noqa: E402
from odoo.tests.suite import OdooSuite, TestSuite  # noqa: E402

# The folder in which the processes that share the classes take them, one file a class.
TAKEN = os.environ.get("TEST_TAKEN")
# How long the classes took the last time, in seconds.
SECONDS = json.loads(os.environ.get("TEST_SECONDS") or "{}")
# Of a class that nobody knows yet.
UNKNOWN_SECONDS = 60
# Bundles of scripts and styles that no test of ours opens.
UNUSED_BUNDLES = os.environ.get("TEST_UNUSED_BUNDLES")


class RecordingResult:
    """Odoo's own test result, told to a file."""

    def __init__(self, path):
        # Open until the process ends, a line on the disk at once.
        self.output = open(path, "a", buffering=1)  # noqa: SIM115
        self.started, self.outcome, self.details = None, None, []
        # Of the tests of the class that runs, without what is set up for the class.
        self.seconds = 0

    def install(self):
        """Listen to every event of Odoo's test result, and run the tests class by class."""
        OdooSuite.run = lambda suite, result, debug=False: self._run_classes(suite, result)
        if UNUSED_BUNDLES:
            OdooSuite.has_http_case = _after_leaving_bundles_out(OdooSuite.has_http_case)
        self._after("startTest", self._start)
        self._after("stopTest", self._stop)
        self._after("addSkip", self._skip)
        for name in ("addFailure", "addError"):
            self._after(name, self._fail)

    def _run_classes(self, suite, result):
        """Run the classes that no other process has taken, those that take longest first."""
        classes = {}
        for test in suite:
            classes.setdefault(type(test), []).append(test)
        for cls in sorted(classes, key=lambda one: -SECONDS.get(one.__name__, UNKNOWN_SECONDS)):
            if _take(cls):
                self.seconds, started = 0, time.monotonic()
                TestSuite.run(OdooSuite(classes[cls]), result)
                # It was torn down already.
                result._previousTestClass = None
                seconds = time.monotonic() - started
                self._write(
                    {
                        "class": cls.__name__,
                        "seconds": round(seconds, 3),
                        "setup": round(seconds - self.seconds, 3),
                    }
                )
        return result

    def _after(self, name, listener):
        original = getattr(OdooTestResult, name)

        def method(result, *args):
            original(result, *args)
            listener(result, *args)

        setattr(OdooTestResult, name, method)

    def _start(self, _result, _test):
        self.started, self.outcome, self.details = time.monotonic(), "passed", []

    def _skip(self, result, test, reason):
        if self.started is None:
            # A whole class, skipped before its first test began.
            self._write_test(result, test, "skipped", [reason])
        else:
            self.outcome, self.details = "skipped", [reason]

    def _fail(self, result, test, error):
        # Odoo tries some tests again: a failure that it forgives is none.
        if result._soft_fail:
            return
        details = result._exc_info_to_string(error, test)
        if self.started is None:
            self._write_test(result, test, "failed", [details])
        else:
            self.outcome = "failed"
            self.details.append(details)

    def _stop(self, result, test):
        self._write_test(result, test, self.outcome, self.details)
        self.seconds += time.monotonic() - self.started
        self.started = None

    def _write_test(self, result, test, outcome, details):
        self._write(
            {
                "test": f"{type(test).__module__}:{result.getDescription(test)}",
                "outcome": outcome,
                "seconds": round(time.monotonic() - self.started, 3) if self.started else 0,
                "details": "\n".join(details),
            }
        )

    def _write(self, record):
        self.output.write(json.dumps(record) + "\n")


def _after_leaving_bundles_out(has_http_case):
    """Let Odoo, which asks this before it makes all bundles, make those of pages only."""

    def method(suite):
        from odoo.addons.base.models.ir_qweb import IrQweb

        all_bundles = IrQweb._get_bundles_to_pregenarate
        IrQweb._get_bundles_to_pregenarate = lambda self: tuple(
            {name for name in names if not re.search(UNUSED_BUNDLES, name)}
            for names in all_bundles(self)
        )
        return has_http_case(suite)

    return method


def _take(cls):
    """Take a class, unless another process has it; tell whether it is ours."""
    if not TAKEN:
        return True
    try:
        Path(TAKEN, f"{cls.__module__}.{cls.__qualname__}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    RecordingResult(sys.argv.pop(1)).install()
    main()
