# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Runs Odoo as its own command would, and writes down how each test ended.

Started as a program: ``record_tests.py RECORD ODOO-ARGUMENTS…``; RECORD gets one JSON line a test.
"""

import json
import sys
import time

# The folder of this file holds an odoo.py that is not Odoo.
sys.path.pop(0)

from odoo.cli.command import main  # noqa: E402
from odoo.tests.result import OdooTestResult  # noqa: E402


class RecordingResult:
    """Odoo's own test result, told to a file."""

    def __init__(self, path):
        # Open until the process ends, a line on the disk at once.
        self.output = open(path, "a", buffering=1)  # noqa: SIM115
        self.started, self.outcome, self.details = None, None, []

    def install(self):
        """Listen to every event of Odoo's test result."""
        self._after("startTest", self._start)
        self._after("stopTest", self._stop)
        self._after("addSkip", self._skip)
        for name in ("addFailure", "addError"):
            self._after(name, self._fail)

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
            self._write(result, test, "skipped", [reason])
        else:
            self.outcome, self.details = "skipped", [reason]

    def _fail(self, result, test, error):
        # Odoo tries some tests again: a failure that it forgives is none.
        if result._soft_fail:
            return
        details = result._exc_info_to_string(error, test)
        if self.started is None:
            self._write(result, test, "failed", [details])
        else:
            self.outcome = "failed"
            self.details.append(details)

    def _stop(self, result, test):
        self._write(result, test, self.outcome, self.details)
        self.started = None

    def _write(self, result, test, outcome, details):
        record = {
            "test": f"{type(test).__module__}:{result.getDescription(test)}",
            "outcome": outcome,
            "seconds": round(time.monotonic() - self.started, 3) if self.started else 0,
            "details": "\n".join(details),
        }
        self.output.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    RecordingResult(sys.argv.pop(1)).install()
    main()
